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
    /// Glyphs of the page before, and bytes of their text: the next one mostly has about as many.
    room: (usize, usize),
}

impl<'a> HayroSource<'a> {
    pub fn new(book: &'a Book, limits: &'a Limits) -> Self {
        Self { book, fonts: FontStore::new(), hidden_layers: book.hidden_layers(), budget: Budget::new(limits), room: (0, 0) }
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
        let sheet = Sheet::of(page);
        let (mut undecoded, mut gave) = (Vec::new(), Vec::new());
        let streams = streams(self.book, page);
        let Some(content) = self.content(&streams, &mut undecoded, &mut gave) else { return Err(self.budget.failure(index)) };
        let (width, height) = sheet.seen();
        let (fonts, initial) = (&mut self.fonts, sheet.initial());
        let mut interpreter = Interpreter::new(fonts, &self.budget, &self.hidden_layers, initial, width, height);
        interpreter.out.glyphs.reserve(self.room.0);
        interpreter.out.text.reserve(self.room.1);
        let complete = interpreter.run(&content, page.resources());
        drop(content);
        self.room = (interpreter.out.glyphs.len(), interpreter.out.text.len());
        if self.budget.is_passed() {
            return Err(self.budget.failure(index));
        }
        if !complete {
            return Err(Failure::new(FailureKind::Limit, format!("page {} has too many instructions or glyphs", index + 1)));
        }
        let mut out = interpreter.out;
        if out.glyphs.is_empty() && out.images == 0 {
            let unsound = streams.iter().zip(&gave).filter(|(s, gave)| !self.budget.is_sound(s, **gave));
            undecoded.extend(unsound.map(|(s, _)| filters(s)));
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
    /// to `undecoded`; `gave` tells of each stream whether anything came of it.
    fn content(&self, streams: &[Stream<'_>], undecoded: &mut Vec<String>, gave: &mut Vec<bool>) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        for stream in streams {
            let decoded = self.budget.decoded(stream);
            gave.push(decoded.as_ref().is_some_and(|data| !data.is_empty()));
            match decoded {
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

/// A page box that reaches further than this from the origin, in points, is nonsense: it is 350 m of paper.
const FAR: f64 = 1e6;

/// What is seen of a page, before it is turned: origin and size, in points.
struct Sheet {
    x0: f64,
    y0: f64,
    width: f64,
    height: f64,
    rotation: Rotation,
}

impl Sheet {
    /// That of `page`; a box that is nonsense says nothing of where the text lies, and counts as one of US Letter.
    fn of(page: &Page<'_>) -> Self {
        let crop = page.intersected_crop_box();
        let (width, height) = page.base_dimensions();
        let (width, height) = (f64::from(width), f64::from(height));
        let rotation = page.rotation();
        if [crop.x0, crop.y0, width, height].iter().all(|n| n.abs() <= FAR) {
            return Self { x0: crop.x0, y0: crop.y0, width, height, rotation };
        }
        Self { x0: 0.0, y0: 0.0, width: 612.0, height: 792.0, rotation }
    }

    /// Width and height as it is seen, turned by /Rotate.
    fn seen(&self) -> (f64, f64) {
        match self.rotation {
            Rotation::None | Rotation::Flipped => (self.width, self.height),
            Rotation::Horizontal | Rotation::FlippedHorizontal => (self.height, self.width),
        }
    }

    /// From user space to the page as it is seen: origin top left, y downwards, turned by /Rotate.
    fn initial(&self) -> Matrix {
        let (w, h) = (self.width, self.height);
        let upright = Matrix::new([1.0, 0.0, 0.0, -1.0, -self.x0, h + self.y0]);
        match self.rotation {
            Rotation::None => upright,
            Rotation::Horizontal => upright.then(&Matrix::new([0.0, 1.0, -1.0, 0.0, h, 0.0])),
            Rotation::Flipped => upright.then(&Matrix::new([-1.0, 0.0, 0.0, -1.0, w, h])),
            Rotation::FlippedHorizontal => upright.then(&Matrix::new([0.0, -1.0, 1.0, 0.0, 0.0, w])),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lopdf::Object;

    use crate::document::page_text::Visibility;
    use crate::document::pdf::glyph::{Backend, read};
    use crate::document::pdf::sample;

    #[test]
    fn a_page_box_that_is_nonsense_hides_no_text() {
        for corner in [1e7_f32, 1e38] {
            let mut doc = lopdf::Document::load_mem(&sample::book(&["Roll two dice".to_owned()])).unwrap();
            let media = [-corner, -corner, corner, corner].map(Object::Real).to_vec();
            let pages = doc.objects.values_mut().filter_map(|o| o.as_dict_mut().ok());
            pages.filter(|d| d.has(b"MediaBox")).for_each(|d| d.set("MediaBox", media.clone()));
            let mut bytes = Vec::new();
            doc.save_to(&mut bytes).unwrap();
            let bytes: Arc<[u8]> = bytes.into();
            let page = read(&bytes, Backend::Hayro, &crate::builtin::Limits::default()).unwrap().remove(0);
            assert_eq!(page.text, "Roll two dice");
            let seen = |g: &&crate::document::pdf::glyph::Glyph| g.visibility == Visibility::Visible;
            assert_eq!(page.glyphs.iter().filter(seen).count(), page.glyphs.len());
            assert!(page.glyphs.windows(2).all(|w| w[0].x < w[1].x), "each letter has its place");
        }
    }
}
