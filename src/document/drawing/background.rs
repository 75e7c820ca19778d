//! The page itself, as SVG. Whatever a file does, it costs the picture and not what is drawn over it.

use std::sync::Arc;

use hayro_interpret::InterpreterSettings;
use hayro_svg::{RenderCache, SvgRenderSettings, convert};

use super::FAR;
use crate::builtin::{Failure, Limits};
use crate::document::pdf::glyph::{self, Backend};
use crate::document::pdf::{Book, copy};

/// A picture of more bytes than this is a scan or a trap: nothing opens it.
const MAX_BYTES: usize = 64 << 20;

/// A page to draw over.
pub struct Background {
    /// An `<svg>` element of its own.
    pub svg: String,
    pub width: f64,
    pub height: f64,
}

/// Number of pages of the book, and page `page` (1-based) of it; `Err` of that tells why there is no picture. The page is read
/// once as rule `text` reads it, so that it keeps the limits, before anything draws it.
///
/// # Errors
/// What `Book::open` says: then there is not even a number.
pub fn of(bytes: &Arc<[u8]>, page: u32, limits: &Limits) -> Result<(u32, Result<Background, String>), Failure> {
    let book = Book::open(bytes, limits)?;
    let pages = u32::try_from(book.page_count()).unwrap_or(u32::MAX);
    let index = page.saturating_sub(1) as usize;
    Ok((pages, drawn(&book, index, limits)))
}

fn drawn(book: &Book, index: usize, limits: &Limits) -> Result<Background, String> {
    let Some(page) = book.pdf().pages().get(index) else { return Err(format!("there is no page {}", index + 1)) };
    let alone: Arc<[u8]> = copy::pages(book, index..index + 1, copy::Leave { images: true }).into();
    glyph::read(&alone, Backend::Hayro, limits).map_err(|failure| failure.message)?;
    let (width, height) = page.render_dimensions();
    let (width, height) = (f64::from(width), f64::from(height));
    if ![width, height].iter().all(|side| (1.0..=FAR).contains(side)) {
        return Err(format!("the page says that it is {width} x {height} pt large"));
    }
    let (cache, settings) = (RenderCache::new(), InterpreterSettings::default());
    let svg = convert(page, &cache, &settings, &SvgRenderSettings { bg_color: [255, 255, 255, 255] });
    if svg.len() > MAX_BYTES {
        return Err(format!("its picture takes {} MB", svg.len() >> 20));
    }
    match svg.find("<svg") {
        Some(at) => Ok(Background { svg: svg[at..].to_owned(), width, height }),
        None => Err("its picture is empty".to_owned()),
    }
}
