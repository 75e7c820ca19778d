//! The merge of parts' arrays within a source: pages become physical by the pages before each part, in the text of the items, which
//! are not read. Knows what a page is called, and nothing of what holds it.

use std::io::Write;

use crate::builtin::{Failure, FailureKind, MergeError, Pieces};
use crate::document::part::Placement;

/// Keys of the numbers of pages, wherever they stand in elements, chunks and enriched chunks; nothing else in them is called so.
const PAGES: [&[u8]; 3] = [b"page", b"page_start", b"page_end"];

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
            Failure::new(FailureKind::BadArtifact, format!("the result of `{}` is no array of JSON", piece.item_id))
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

/// Appends JSON to `out` with `offset` added to every page; `None` if it cannot be JSON. It is not read as items: that took a
/// twentieth of a build's time.
fn shift_pages(json: &[u8], offset: u32, out: &mut Vec<u8>) -> Option<()> {
    let (mut copied, mut at) = (0, 0);
    while let Some(quote) = memchr::memchr(b'"', &json[at..]).filter(|_| offset > 0) {
        let key = at + quote + 1;
        let end = key + end_of_string(&json[key..])?;
        at = end + 1;
        let rest = json[at..].trim_ascii_start();
        if !PAGES.contains(&&json[key..end]) || !rest.starts_with(b":") {
            continue;
        }
        let value = rest[1..].trim_ascii_start();
        let digits = value.iter().position(|b| !b.is_ascii_digit()).unwrap_or(value.len());
        if digits > 0 {
            let page: u32 = std::str::from_utf8(&value[..digits]).ok()?.parse().ok()?;
            at = json.len() - value.len();
            out.extend_from_slice(&json[copied..at]);
            out.extend_from_slice(page.saturating_add(offset).to_string().as_bytes());
            at += digits;
            copied = at;
        }
    }
    out.extend_from_slice(&json[copied..]);
    Some(())
}

/// Length of a string after its opening quote, without the closing one.
fn end_of_string(json: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', json.get(at..)?)?;
        if json[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::Piece;

    #[test]
    fn a_piece_that_is_no_array_is_named() {
        for bytes in ["{", "[", "[\"page]", "[{\"page\":4294967296}]"] {
            let attrs = Placement { page_count: Some(2), page_start: Some(2) }.to_attrs();
            let broken = Piece { item_id: "part-1".into(), attrs, bytes: bytes.as_bytes().into(), items: 1 };
            let failure = arrays(&mut [broken].into_iter().map(Ok), &mut Vec::new()).unwrap_err();
            assert!(failure.to_string().contains("part-1"), "{bytes}");
        }
    }
}
