//! The default backend: page content read through hayro-syntax, fonts through hayro-font.

use hayro_syntax::object::dict::keys::CONTENTS;
use hayro_syntax::object::{Array, Stream};
use hayro_syntax::page::{Page, Rotation};

use super::content::Interpreter;
use super::font::FontStore;
use super::glyph::{GlyphSource, PageGlyphs};
use super::inflate::Budget;
use super::matrix::Matrix;
use super::open::Book;
use crate::builtin::{Failure, FailureKind, Limits};

/// Reads the pages of an opened book.
pub struct HayroSource<'a> {
    book: &'a Book,
    fonts: FontStore<'a>,
    hidden_layers: Vec<hayro_syntax::object::ObjectIdentifier>,
    budget: Budget<'a>,
}

impl<'a> HayroSource<'a> {
    pub fn new(book: &'a Book, limits: &'a Limits) -> Self {
        Self { book, fonts: FontStore::new(), hidden_layers: book.hidden_layers(), budget: Budget::new(limits) }
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
        let Some(content) = self.content(page) else { return Err(self.budget.failure(index)) };
        let (width, height) = (f64::from(width), f64::from(height));
        let mut interpreter = Interpreter::new(&mut self.fonts, &self.budget, &self.hidden_layers, initial(page), width, height);
        let complete = interpreter.run(&content, page.resources());
        if self.budget.is_passed() {
            return Err(self.budget.failure(index));
        }
        if !complete {
            return Err(Failure::new(FailureKind::Limit, format!("page {} has too many instructions or glyphs", index + 1)));
        }
        Ok(interpreter.out)
    }
}

impl HayroSource<'_> {
    /// What a page's content streams say, one after the other; `None` if that passes the limit. A stream that cannot be
    /// decoded says nothing. The first is taken as it was decoded and not copied, for it may be as large as the limit.
    fn content(&self, page: &Page<'_>) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        let mut add = |stream: &Stream<'_>| match self.budget.decoded(stream) {
            Some(data) if content.is_empty() => content = data.into_owned(),
            Some(data) => {
                // The next one begins a new word.
                content.push(b' ');
                content.extend_from_slice(&data);
            }
            None => {}
        };
        if let Some(stream) = page.raw().get::<Stream<'_>>(CONTENTS) {
            add(&stream);
        } else if let Some(array) = page.raw().get::<Array<'_>>(CONTENTS) {
            let xref = self.book.pdf().xref();
            let referred = array.raw_iter().filter_map(|item| xref.get::<Stream<'_>>(item.as_obj_ref()?.into()));
            referred.take_while(|_| !self.budget.is_passed()).for_each(|stream| add(&stream));
        }
        (!self.budget.is_passed()).then_some(content)
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
