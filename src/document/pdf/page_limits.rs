//! What a page may ask of its interpreter. These are no limits of the Ingestfile: they shape what is read.

/// Forms drawn on one page, in each other or not: a map with a symbol on every field has some thousands.
pub const MAX_FORMS: usize = 50_000;
/// Instructions of one page: an illustrated page has tens of thousands.
pub const MAX_INSTRUCTIONS: usize = 5_000_000;
/// Glyphs of one page: a dense index page has ten thousand.
pub const MAX_GLYPHS: usize = 400_000;
/// Bytes of text of one page; a map may give a whole chapter for one code.
pub const MAX_TEXT: usize = 16 << 20;
/// A page of so many outlines and no text may hold text that is drawn.
pub const MANY_DRAWN: usize = 50;
/// Shapes kept per page, as `PageText::shapes` says.
pub const MAX_SHAPES: usize = 500;
/// Grounds remembered for text of the ground's colour.
pub const MAX_GROUNDS: usize = 4_000;
/// Paint that lets more than 95 % through shows nothing.
pub const TRANSPARENT: f64 = 0.05;
