//! The default backend: page content read through hayro-syntax, fonts through hayro-font.

use hayro_syntax::object::dict::keys::CONTENTS;
use hayro_syntax::object::{Array, Stream};
use hayro_syntax::page::{Page, Rotation};

use super::content::Interpreter;
use super::font::FontStore;
use super::glyph::{GlyphSource, PageGlyphs};
use super::inflate::{Budget, filter_names};
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
        let mut undecoded = Vec::new();
        let streams = streams(self.book, page);
        let Some(content) = self.content(&streams, &mut undecoded) else { return Err(self.budget.failure(index)) };
        let (width, height) = (f64::from(width), f64::from(height));
        let mut interpreter = Interpreter::new(&mut self.fonts, &self.budget, &self.hidden_layers, initial(page), width, height);
        let complete = interpreter.run(&content, page.resources());
        if self.budget.is_passed() {
            return Err(self.budget.failure(index));
        }
        if !complete {
            return Err(Failure::new(FailureKind::Limit, format!("page {} has too many instructions or glyphs", index + 1)));
        }
        let mut out = interpreter.out;
        if out.glyphs.is_empty() && out.images == 0 {
            undecoded.extend(streams.iter().filter(|s| !self.budget.is_sound(s)).map(filters));
        }
        out.undecoded.append(&mut undecoded);
        out.undecoded.sort_unstable();
        out.undecoded.dedup();
        Ok(out)
    }
}

impl HayroSource<'_> {
    /// What a page's content streams say, one after the other; `None` if that passes the limit. The first is taken as it was
    /// decoded and not copied, for it may be as large as the limit. The filters of a stream that cannot be decoded are added
    /// to `undecoded`.
    fn content(&self, streams: &[Stream<'_>], undecoded: &mut Vec<String>) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        for stream in streams {
            match self.budget.decoded(stream) {
                Some(data) if content.is_empty() => content = data.into_owned(),
                Some(data) => {
                    // The next one begins a new word.
                    content.push(b' ');
                    content.extend_from_slice(&data);
                }
                None if self.budget.is_passed() => return None,
                None => undecoded.push(filters(stream)),
            }
        }
        Some(content)
    }
}

/// The content streams of a page.
fn streams<'a>(book: &'a Book, page: &Page<'a>) -> Vec<Stream<'a>> {
    if let Some(stream) = page.raw().get::<Stream<'_>>(CONTENTS) {
        return vec![stream];
    }
    let xref = book.pdf().xref();
    let array = page.raw().get::<Array<'_>>(CONTENTS);
    array.map(|a| a.raw_iter().filter_map(|item| xref.get::<Stream<'_>>(item.as_obj_ref()?.into())).collect()).unwrap_or_default()
}

/// The filters of a stream, each once; "none" if it names none.
pub fn filters(stream: &Stream<'_>) -> String {
    let mut names = filter_names(stream);
    names.dedup();
    if names.is_empty() { "none".to_owned() } else { names.join(" ") }
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
