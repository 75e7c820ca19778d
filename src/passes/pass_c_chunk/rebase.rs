//! Merging the results of parts: within a source every page is shifted by the pages before the part, across sources
//! arrays are spliced as they are. Knows what holds a page, not what made it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::builtin::{Failure, FailureKind, Level, Piece, Pieces};
use crate::document::chunk::{Chunk, SourceCoverage};
use crate::document::element::Element;
use crate::document::part::Placement;
use crate::passes::split::Paged;

impl Paged for Element {
    fn each_page(&mut self, visit: &mut dyn FnMut(&mut u32)) {
        self.page.iter_mut().for_each(&mut *visit);
        self.bounds.iter_mut().for_each(|b| visit(&mut b.page));
        self.metadata.boxes.iter_mut().for_each(|b| visit(&mut b.page));
        self.metadata.line_boxes.iter_mut().flatten().for_each(|b| visit(&mut b.page));
        self.metadata.page_breaks.iter_mut().for_each(|b| visit(&mut b.page));
    }
}

impl Paged for Chunk {
    fn each_page(&mut self, visit: &mut dyn FnMut(&mut u32)) {
        let pages = [&mut self.page, &mut self.metadata.page_start, &mut self.metadata.page_end];
        pages.into_iter().flatten().for_each(&mut *visit);
        self.metadata.boxes.iter_mut().for_each(|b| visit(&mut b.page));
    }
}

impl Paged for SourceCoverage {
    fn each_page(&mut self, visit: &mut dyn FnMut(&mut u32)) {
        self.pages.iter_mut().for_each(|p| visit(&mut p.page));
        self.dropped.iter_mut().filter_map(|d| d.page.as_mut()).for_each(visit);
    }
}

/// The merge of passC_elements.json.
///
/// # Errors
/// `BadArtifact` for a piece that does not parse.
pub fn elements(level: Level, pieces: Pieces<'_>) -> Result<Vec<u8>, Failure> {
    arrays(level, pieces)
}

/// The merge of passC_chunks.json.
///
/// # Errors
/// `BadArtifact` for a piece that does not parse.
pub fn chunks(level: Level, pieces: Pieces<'_>) -> Result<Vec<u8>, Failure> {
    arrays(level, pieces)
}

/// The merge of passC_coverage.json: one item per source.
///
/// # Errors
/// `BadArtifact` for a piece that does not parse.
pub fn coverage(level: Level, pieces: Pieces<'_>) -> Result<Vec<u8>, Failure> {
    if level == Level::AcrossSources {
        return splice(pieces);
    }
    let mut whole: Option<SourceCoverage> = None;
    for piece in pieces {
        for part in shifted::<SourceCoverage>(&piece?)? {
            match &mut whole {
                None => whole = Some(part),
                Some(whole) => {
                    whole.pages.extend(part.pages);
                    whole.dropped.extend(part.dropped);
                }
            }
        }
    }
    encode(&whole.into_iter().collect::<Vec<_>>())
}

/// How the keys of all numbers of pages in elements and chunks begin, wherever in them they stand, and how they go on; nothing
/// else is called so.
const PAGE: &[u8] = b"\"page";
const ENDS: [&[u8]; 3] = [b"\"", b"_start\"", b"_end\""];

fn arrays(level: Level, pieces: Pieces<'_>) -> Result<Vec<u8>, Failure> {
    if level == Level::AcrossSources {
        return splice(pieces);
    }
    let mut out = vec![b'['];
    for piece in pieces {
        let piece = piece?;
        let offset = Placement::from_attrs(&piece.attrs).offset();
        let items =
            piece.bytes.trim_ascii().strip_prefix(b"[").and_then(|items| items.strip_suffix(b"]")).map(<[u8]>::trim_ascii);
        if out.len() > 1 && items.is_some_and(|items| !items.is_empty()) {
            out.push(b',');
        }
        items.and_then(|items| shift_pages(items, offset, &mut out)).ok_or_else(|| {
            Failure::new(FailureKind::BadArtifact, format!("the result of `{}` is no array of items", piece.item_id))
        })?;
    }
    out.push(b']');
    Ok(out)
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

fn shifted<T: Paged + DeserializeOwned>(piece: &Piece) -> Result<Vec<T>, Failure> {
    let offset = Placement::from_attrs(&piece.attrs).offset();
    let mut items: Vec<T> = serde_json::from_slice(&piece.bytes).map_err(|e| unreadable(piece, &e))?;
    for item in &mut items {
        item.each_page(&mut |page| *page = page.saturating_add(offset));
    }
    Ok(items)
}

fn splice(pieces: Pieces<'_>) -> Result<Vec<u8>, Failure> {
    let mut out = vec![b'['];
    for piece in pieces {
        let piece = piece?;
        for item in serde_json::from_slice::<Vec<&RawValue>>(&piece.bytes).map_err(|e| unreadable(&piece, &e))? {
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(item.get().as_bytes());
        }
    }
    out.push(b']');
    Ok(out)
}

fn unreadable(piece: &Piece, error: &serde_json::Error) -> Failure {
    Failure::new(FailureKind::BadArtifact, format!("the result of `{}` does not parse: {error}", piece.item_id))
}

/// Compact JSON.
///
/// # Errors
/// `BadArtifact` if `value` has no JSON form, which no artifact type lacks.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|e| unwritable(&e))
}

fn unwritable(error: &serde_json::Error) -> Failure {
    Failure::new(FailureKind::BadArtifact, format!("the result cannot be written as JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::chunk::{ChunkMetadata, Dropped, PageCoverage};
    use crate::document::element::{ElementMetadata, ElementType, PageBox, PageBreak};

    fn piece(item_id: &str, page_start: u32, value: &impl Serialize) -> Piece {
        let attrs = Placement { page_count: Some(2), page_start: Some(page_start) }.to_attrs();
        Piece { item_id: item_id.into(), attrs, bytes: serde_json::to_vec(value).unwrap().into() }
    }

    fn part(words: u32) -> Vec<SourceCoverage> {
        vec![SourceCoverage {
            source_id: "book".into(),
            pages: (1..=2).map(|page| PageCoverage { page, words, chunked: words, needs_ocr: false }).collect(),
            dropped: vec![Dropped { page: Some(2), text: "12".into(), reason: "folio".into() }],
        }]
    }

    fn element() -> Element {
        let place = |page| PageBox { page, x: 1.5, y: 2.0, w: 3.25, h: 1e9 };
        Element {
            element_id: "el-0123456789abcdef".into(),
            source_id: "a \\".into(),
            part_id: "part-0123456789abcdef".into(),
            page: Some(1),
            kind: ElementType::Table,
            text: "\"page\":7, \\\"page\":7 | page_start: 3".into(),
            bounds: Some(place(2)),
            metadata: ElementMetadata {
                section_path: vec!["page".into(), "\\\"".into()],
                rows: vec![vec!["page".into(), ":9".into()]],
                boxes: vec![place(3), place(4)],
                line_boxes: vec![vec![place(5)], vec![place(6), place(u32::MAX - 1)]],
                page_breaks: vec![PageBreak { offset: 8, page: 9 }],
                ..ElementMetadata::default()
            },
        }
    }

    fn chunk() -> Chunk {
        Chunk {
            chunk_id: "chunk-0123456789abcdef".into(),
            source_id: "page".into(),
            page: Some(1),
            text: "\"page_end\":3".into(),
            metadata: ChunkMetadata {
                page_start: Some(1),
                page_end: Some(2),
                anchor: None,
                section_id: None,
                section_path: vec!["page_start".into()],
                part_id: "part-0123456789abcdef".into(),
                element_types: vec![ElementType::Title],
                boxes: vec![PageBox { page: 2, x: 0.1, y: 0.0, w: 1.0, h: 1.0 }],
                char_count: 3,
                token_count: 4,
            },
        }
    }

    /// The merge of pieces of which each item was read and written again.
    fn slowly<T: Paged + Serialize + DeserializeOwned>(pieces: &[Piece]) -> Vec<u8> {
        encode(&pieces.iter().flat_map(|piece| shifted::<T>(piece).unwrap()).collect::<Vec<T>>()).unwrap()
    }

    #[test]
    fn pages_are_shifted_wherever_they_stand_and_nothing_else_is() {
        let unpaged = Element { page: None, bounds: None, metadata: ElementMetadata::default(), ..element() };
        let all = [
            piece("a", 1, &vec![element()]),
            piece("b", 3, &Vec::<Element>::new()),
            piece("c", 30, &vec![element(), unpaged]),
            Piece { item_id: "d".into(), attrs: String::new(), bytes: encode(&vec![element()]).unwrap().into() },
        ];
        let merged = elements(Level::WithinSource, &mut all.iter().cloned().map(Ok)).unwrap();
        assert_eq!(String::from_utf8(merged).unwrap(), String::from_utf8(slowly::<Element>(&all)).unwrap());
        let all = [piece("a", 3, &vec![chunk()]), piece("b", 5, &vec![chunk(), chunk()])];
        let merged = chunks(Level::WithinSource, &mut all.iter().cloned().map(Ok)).unwrap();
        assert_eq!(String::from_utf8(merged).unwrap(), String::from_utf8(slowly::<Chunk>(&all)).unwrap());
        // However it is written, and in keys that only end like one.
        let written = br#" [ {"page" : 1 , "\"page": 1, "page\\" : "\""} ] "#;
        let written = Piece { bytes: written.as_slice().into(), ..piece("e", 3, &0) };
        let merged = elements(Level::WithinSource, &mut std::iter::once(Ok(written))).unwrap();
        assert_eq!(String::from_utf8(merged).unwrap(), r#"[{"page" : 3 , "\"page": 1, "page\\" : "\""}]"#);
    }

    #[test]
    fn coverage_of_parts_becomes_one_item_with_physical_pages() {
        let bytes =
            coverage(Level::WithinSource, &mut [piece("a", 1, &part(5)), piece("b", 3, &part(7))].into_iter().map(Ok)).unwrap();
        let merged: Vec<SourceCoverage> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].pages.iter().map(|p| (p.page, p.words)).collect::<Vec<_>>(), [(1, 5), (2, 5), (3, 7), (4, 7)]);
        assert_eq!(merged[0].dropped[1].page, Some(4));
    }

    #[test]
    fn sources_are_spliced_unread() {
        let bytes =
            coverage(Level::AcrossSources, &mut [piece("a", 9, &part(5)), piece("b", 9, &part(7))].into_iter().map(Ok)).unwrap();
        let merged: Vec<SourceCoverage> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((merged.len(), merged[1].pages[0].page), (2, 1));
    }

    #[test]
    fn a_piece_that_is_no_array_is_named() {
        for bytes in ["{", "[", "[{\"page\":4294967296}]"] {
            let broken = Piece { bytes: bytes.as_bytes().into(), ..piece("part-1", 2, &0) };
            let failure = chunks(Level::WithinSource, &mut [broken].into_iter().map(Ok)).unwrap_err();
            assert!(failure.message.contains("part-1"), "{bytes}");
        }
    }
}
