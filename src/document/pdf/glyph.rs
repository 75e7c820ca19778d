//! What a page draws, as glyphs: the trait that both backends implement, and its records. Lengths are 1/100 pt from the top
//! left corner of the page as it is seen. Knows nothing of words.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::extract::ExtractSource;
use super::guarded::guarded;
use super::open::Book;
use super::reader::HayroSource;
use crate::builtin::{Failure, FailureKind, Limits};
use crate::document::page_text::{Shape, Visibility};

/// Turns the pages of one PDF into glyphs.
pub trait GlyphSource {
    /// Number of pages.
    fn page_count(&self) -> usize;

    /// The glyphs of page `index` (0-based), in drawing order.
    ///
    /// # Errors
    /// A typed failure of the backend, or a limit that the page passes.
    fn page(&mut self, index: usize) -> Result<PageGlyphs, Failure>;
}

/// A font as the page names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FontFace {
    /// PostScript name without its subset tag ("" if unknown).
    pub name: String,
    pub bold: bool,
    pub italic: bool,
}

/// One glyph, in the frame of its own reading direction: `x` grows along the line, `y` downwards from line to line. For
/// rotation 0 that is the page's own frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyph {
    /// Its text: `PageGlyphs::text[start..end]`; empty if it has none of its own.
    pub start: u32,
    pub end: u32,
    /// Origin and end of the advance.
    pub x: i32,
    pub right: i32,
    pub baseline: i32,
    /// Font size as seen.
    pub size: i32,
    pub font: u16,
    /// Clockwise, degrees: 0, 90, 180 or 270.
    pub rotation: u16,
    /// 0xRRGGBB.
    pub color: u32,
    pub visibility: Visibility,
    /// It is a space.
    pub space: bool,
    /// The stream set the pen anew before it.
    pub moved: bool,
    /// Extra space that the text state adds after each glyph.
    pub tracking: i32,
}

/// What a page draws.
#[derive(Clone, Debug, Default)]
pub struct PageGlyphs {
    pub width: i32,
    pub height: i32,
    /// Text of all glyphs.
    pub text: String,
    pub glyphs: Vec<Glyph>,
    pub fonts: Vec<FontFace>,
    pub shapes: Vec<Shape>,
    pub images: u32,
    /// It has operators that show text, whether or not glyphs came of it.
    pub shows_text: bool,
    /// Glyphs that no map turns into text.
    pub unmapped: u32,
    /// Filters of content streams and forms that cannot be decoded, ascending, each once.
    pub undecoded: Vec<String>,
    pub notes: Vec<String>,
}

impl PageGlyphs {
    /// The text of `glyph`.
    #[must_use]
    pub fn text_of(&self, glyph: &Glyph) -> &str {
        self.text.get(glyph.start as usize..glyph.end as usize).unwrap_or("")
    }
}

/// What reads glyphs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backend {
    /// hayro-syntax and hayro-font, with pdf-extract as the second try.
    #[default]
    #[serde(rename = "hayro")]
    Hayro,
    /// pdf-extract alone.
    #[serde(rename = "pdf-extract")]
    PdfExtract,
}

/// The glyphs of all pages of the PDF in `bytes`, as `read_each` reads them.
///
/// # Errors
/// As `read_each`.
pub fn read(bytes: &Arc<[u8]>, backend: Backend, limits: &Limits) -> Result<Vec<PageGlyphs>, Failure> {
    read_each(bytes, backend, limits, |page| page)
}

/// What `take` makes of the glyphs of each page of the PDF in `bytes`, in order: those of one page are in memory. The second
/// backend is tried after a typed failure of the first or an empty page, never after a limit; a page that neither reads is
/// empty, with a note.
///
/// # Errors
/// What `Book::open` says, or a limit that a page passes.
pub fn read_each<T>(
    bytes: &Arc<[u8]>,
    backend: Backend,
    limits: &Limits,
    mut take: impl FnMut(PageGlyphs) -> T,
) -> Result<Vec<T>, Failure> {
    if backend == Backend::PdfExtract {
        let mut source = ExtractSource::new(bytes, limits)?;
        // It inflates without bound: the first backend goes before it, to meet the limits.
        let book = Book::open(bytes, limits)?;
        let mut guard = HayroSource::new(&book, limits);
        return (0..source.page_count())
            .map(|i| match guarded(|| guard.page(i)) {
                Some(Err(failure)) if failure.kind == FailureKind::Limit => Err(failure),
                _ => source.page(i).map(&mut take),
            })
            .collect();
    }
    let book = Book::open(bytes, limits)?;
    let mut first = HayroSource::new(&book, limits);
    let mut second: Option<Result<ExtractSource<'_>, Failure>> = None;
    let mut pages = Vec::with_capacity(first.page_count());
    for i in 0..first.page_count() {
        let read = guarded(|| first.page(i));
        let read = read.unwrap_or_else(|| {
            // Its caches may be half filled.
            first = HayroSource::new(&book, limits);
            Err(Failure::new(FailureKind::NotReadable, format!("page {} cannot be interpreted", i + 1)))
        });
        match read {
            Ok(page) if !page.glyphs.is_empty() || !page.shows_text && page.undecoded.is_empty() => pages.push(take(page)),
            Err(failure) if failure.kind == FailureKind::Limit => return Err(failure),
            unread => {
                let other = second.get_or_insert_with(|| ExtractSource::new(bytes, limits)).as_mut();
                let other = other.ok().and_then(|s| s.page(i).ok()).filter(|p| !p.glyphs.is_empty());
                pages.push(take(other.unwrap_or_else(|| unread.map_or_else(empty, mute))));
            }
        }
    }
    Ok(pages)
}

/// A page that shows text of which no glyph could be read, saying so.
fn mute(mut page: PageGlyphs) -> PageGlyphs {
    if page.glyphs.is_empty() && page.shows_text {
        page.notes.push("it shows text in fonts that cannot be read".to_owned());
    }
    page
}

/// A page that could not be read, saying why.
fn empty(failure: Failure) -> PageGlyphs {
    PageGlyphs { notes: vec![failure.message], ..PageGlyphs::default() }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn both_backends_place_the_same_words() {
        let bytes: Arc<[u8]> = sample::book(&["The orc attacks".to_owned()]).into();
        let shown = |backend| -> (String, i32, i32) {
            let page = read(&bytes, backend, &Limits::default()).unwrap().remove(0);
            let text = page.glyphs.iter().map(|g| page.text_of(g)).collect();
            (text, page.glyphs[0].x, page.glyphs[0].baseline)
        };
        assert_eq!(shown(Backend::Hayro), ("The orc attacks".to_owned(), 7_200, 9_200));
        assert_eq!(shown(Backend::PdfExtract), shown(Backend::Hayro));
    }
}
