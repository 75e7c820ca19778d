//! Reading PDF files: opening them, copying what some pages reach into a small file, and turning pages into glyphs.
//! Knows nothing of words, lines or reading order (`layout`).

pub mod copy;
pub mod glyph;
pub mod open;
mod write;

mod character_map;
mod colour;
mod content;
mod descent;
mod diagnosis;
mod extract;
mod font;
mod ground;
mod guarded;
mod inflate;
mod marked;
mod matrix;
mod named;
mod nesting;
mod page_limits;
mod path;
mod reader;
mod recognised;
mod run;
#[cfg(test)]
pub(crate) mod sample;
mod shown;
mod state;

pub use open::Book;
