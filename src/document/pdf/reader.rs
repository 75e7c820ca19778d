//! The default backend: page content read through hayro-syntax, fonts through hayro-font.

use hayro_syntax::page::{Page, Rotation};

use super::content::Interpreter;
use super::font::FontStore;
use super::glyph::{GlyphSource, PageGlyphs};
use super::matrix::Matrix;
use super::open::Book;
use crate::builtin::{Failure, FailureKind, LimitName, Limits};

/// Reads the pages of an opened book.
pub struct HayroSource<'a> {
    book: &'a Book,
    fonts: FontStore<'a>,
    hidden_layers: Vec<hayro_syntax::object::ObjectIdentifier>,
    limits: &'a Limits,
}

impl<'a> HayroSource<'a> {
    pub fn new(book: &'a Book, limits: &'a Limits) -> Self {
        Self { book, fonts: FontStore::new(), hidden_layers: book.hidden_layers(), limits }
    }
}

impl GlyphSource for HayroSource<'_> {
    fn page_count(&self) -> usize {
        self.book.page_count()
    }

    fn page(&mut self, index: usize) -> Result<PageGlyphs, Failure> {
        let Some(page) = self.book.pdf().pages().get(index) else {
            return Err(Failure::new(FailureKind::NotReadable, format!("there is no page {}", index + 1)));
        };
        let (width, height) = page.render_dimensions();
        let content = page.page_stream().unwrap_or_default();
        if content.len() as u64 > self.limits.decompressed_bytes {
            let found = format_args!("page {} inflates to {} MB", index + 1, content.len() >> 20);
            return Err(Failure::passed(self.limits, LimitName::Decompressed, found));
        }
        let (width, height) = (f64::from(width), f64::from(height));
        let mut interpreter = Interpreter::new(&mut self.fonts, &self.hidden_layers, initial(page), width, height);
        if !interpreter.run(content, page.resources()) {
            return Err(Failure::new(FailureKind::Limit, format!("page {} has too many instructions or glyphs", index + 1)));
        }
        Ok(interpreter.out)
    }
}

/// From user space to the page as it is seen: origin top left, y downwards, turned by /Rotate.
fn initial(page: &Page<'_>) -> Matrix {
    let crop = page.intersected_crop_box();
    let (w, h) = page.base_dimensions();
    let (w, h) = (f64::from(w), f64::from(h));
    let upright = Matrix::new([1.0, 0.0, 0.0, -1.0, -crop.x0, h + crop.y0]);
    match page.rotation() {
        Rotation::None => upright,
        Rotation::Horizontal => upright.then(&Matrix::new([0.0, 1.0, -1.0, 0.0, h, 0.0])),
        Rotation::Flipped => upright.then(&Matrix::new([-1.0, 0.0, 0.0, -1.0, w, h])),
        Rotation::FlippedHorizontal => upright.then(&Matrix::new([0.0, -1.0, 1.0, 0.0, 0.0, w])),
    }
}
