//! From glyphs to lines in reading order: pieces of text by geometry, words by gaps, lines, columns, order.
//! Knows nothing of PDF syntax or of what a line means.

mod columns;
mod gaps;
mod initials;
mod lines;
mod order;
mod pieces;
mod script;

use crate::document::page_text::PageText;
use crate::document::pdf::glyph::PageGlyphs;

/// The lines of a page in reading order. What no reader sees comes after what one sees.
#[must_use]
pub fn lay_out(page: &PageGlyphs) -> PageText {
    let pieces = initials::join(page, pieces::collect(page));
    let ordered = order::reading_order(pieces);
    lines::build(page, ordered)
}
