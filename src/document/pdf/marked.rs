//! Marked content: sequences that are hidden, or that say what their glyphs stand for.

use hayro_syntax::object::{Array, Dict, ObjectIdentifier, String as PdfString};

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

/// Whether it is a layer of `hidden`, or a membership in layers that all are.
pub fn is_hidden_layer(hidden: &[ObjectIdentifier], id: Option<ObjectIdentifier>, dict: Option<&Dict<'_>>) -> bool {
    if hidden.is_empty() {
        return false;
    }
    if id.is_some_and(|id| hidden.contains(&id)) {
        return true;
    }
    let Some(dict) = dict else { return false };
    let members: Vec<ObjectIdentifier> = match dict.get::<Array<'_>>("OCGs") {
        Some(array) => array.raw_iter().filter_map(|o| o.as_obj_ref().map(Into::into)).collect(),
        None => dict.get_ref("OCGs").map(Into::into).into_iter().collect(),
    };
    !members.is_empty() && members.iter().all(|id| hidden.contains(id))
}
