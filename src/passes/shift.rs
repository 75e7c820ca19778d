//! The merge of parts' arrays within a source: pages become physical by the pages before each part, in the text of the items, which
//! are not read. Knows what a page is called, and nothing of what holds it.

use std::io::Write;

use crate::builtin::{Failure, FailureKind, MergeError, Pieces};
use crate::document::part::Placement;

/// How the keys of all numbers of pages in elements and chunks begin, wherever in them they stand, and how they go on; nothing
/// else is called so.
const PAGE: &[u8] = b"\"page";
const ENDS: [&[u8]; 3] = [b"\"", b"_start\"", b"_end\""];

/// The pieces as one array, pages shifted in their text.
///
/// # Errors
/// `BadArtifact` for a piece that is no array; what `out` refuses.
pub fn arrays(pieces: Pieces<'_>, out: &mut dyn Write) -> Result<u64, MergeError> {
    let (mut all, mut shifted) = (0, Vec::new());
    out.write_all(b"[")?;
    for piece in pieces {
        let piece = piece?;
        let offset = Placement::from_attrs(&piece.attrs).offset();
        let items =
            piece.bytes.trim_ascii().strip_prefix(b"[").and_then(|items| items.strip_suffix(b"]")).map(<[u8]>::trim_ascii);
        shifted.clear();
        items.and_then(|items| shift_pages(items, offset, &mut shifted)).ok_or_else(|| {
            Failure::new(FailureKind::BadArtifact, format!("the result of `{}` is no array of items", piece.item_id))
        })?;
        if all > 0 && !shifted.is_empty() {
            out.write_all(b",")?;
        }
        out.write_all(&shifted)?;
        all += if shifted.is_empty() { 0 } else { piece.items };
    }
    out.write_all(b"]")?;
    Ok(all)
}

/// Appends JSON to `out` with `offset` added to every page; `None` if one is no number of a page. It is not read as items: that
/// took a twentieth of a build's time.
fn shift_pages(json: &[u8], offset: u32, out: &mut Vec<u8>) -> Option<()> {
    let mut copied = 0;
    for quote in memchr::memmem::find_iter(json, PAGE).filter(|_| offset > 0) {
        // A quote before a letter opens a string, unless it is escaped and stands in one.
        let is_escaped = quote > 0 && json[quote - 1] == b'\\';
        let rest = &json[quote + PAGE.len()..];
        let key_end = ENDS.iter().find_map(|end| rest.strip_prefix(*end)).map(<[u8]>::trim_ascii_start);
        let Some(value) = key_end.filter(|_| !is_escaped).and_then(|rest| rest.strip_prefix(b":")) else { continue };
        let value = value.trim_ascii_start();
        let digits = value.iter().position(|b| !b.is_ascii_digit()).unwrap_or(value.len());
        if digits > 0 {
            let page: u32 = std::str::from_utf8(&value[..digits]).ok()?.parse().ok()?;
            let at = json.len() - value.len();
            out.extend_from_slice(&json[copied..at]);
            out.extend_from_slice(page.saturating_add(offset).to_string().as_bytes());
            copied = at + digits;
        }
    }
    out.extend_from_slice(&json[copied..]);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::Piece;

    #[test]
    fn a_piece_that_is_no_array_is_named() {
        for bytes in ["{", "[", "[{\"page\":4294967296}]"] {
            let attrs = Placement { page_count: Some(2), page_start: Some(2) }.to_attrs();
            let broken = Piece { item_id: "part-1".into(), attrs, bytes: bytes.as_bytes().into(), items: 1 };
            let failure = arrays(&mut [broken].into_iter().map(Ok), &mut Vec::new()).unwrap_err();
            assert!(failure.to_string().contains("part-1"), "{bytes}");
        }
    }
}
