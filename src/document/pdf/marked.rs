//! Marked content: sequences that are hidden, or that say what their glyphs stand for.

use hayro_syntax::object::{Dict, String as PdfString};

/// An open marked-content sequence.
pub struct Marked {
    pub hidden: bool,
    /// Replacement text, and the first glyph that it replaces.
    pub actual: Option<(String, usize)>,
}

/// /ActualText of a property list: UTF-16 with a byte order mark, UTF-8 with one, or PDFDocEncoding (taken as Latin-1).
pub fn actual_text(dict: &Dict<'_>) -> Option<String> {
    let string = dict.get::<PdfString<'_>>("ActualText")?;
    let bytes = string.as_bytes();
    let text = match bytes {
        [0xfe, 0xff, rest @ ..] => {
            let units: Vec<u16> = rest.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().map(|b| char::from(*b)).collect(),
    };
    Some(super::font::clean(&text))
}
