//! What of elements, chunks and coverage is a page, and the merge of the coverage of parts.

use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builtin::{Failure, FailureKind, MergeError, Piece, Pieces};
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

/// The merge of passC_coverage.json: one item per source.
///
/// # Errors
/// `BadArtifact` for a piece that does not parse; what `out` refuses.
pub fn coverage(pieces: Pieces<'_>, out: &mut dyn Write) -> Result<u64, MergeError> {
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
    let all: Vec<SourceCoverage> = whole.into_iter().collect();
    out.write_all(&encode(&all)?)?;
    Ok(all.len() as u64)
}

fn shifted<T: Paged + DeserializeOwned>(piece: &Piece) -> Result<Vec<T>, Failure> {
    let offset = Placement::from_attrs(&piece.attrs).offset();
    let mut items: Vec<T> = serde_json::from_slice(&piece.bytes).map_err(|e| unreadable(piece, &e))?;
    for item in &mut items {
        item.each_page(&mut |page| *page = page.saturating_add(offset));
    }
    Ok(items)
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
    use crate::passes::shift::arrays;

    fn piece(item_id: &str, page_start: u32, value: &impl Serialize) -> Piece {
        let attrs = Placement { page_count: Some(2), page_start: Some(page_start) }.to_attrs();
        Piece { item_id: item_id.into(), attrs, bytes: serde_json::to_vec(value).unwrap().into(), items: items(value) }
    }

    fn items(value: &impl Serialize) -> u64 {
        serde_json::to_value(value).unwrap().as_array().map_or(1, |all| all.len() as u64)
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

    fn merged(pieces: Pieces<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        let items = arrays(pieces, &mut out).unwrap();
        assert_eq!(serde_json::from_slice::<Vec<serde_json::Value>>(&out).unwrap().len() as u64, items);
        out
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
            Piece { item_id: "d".into(), attrs: String::new(), bytes: encode(&vec![element()]).unwrap().into(), items: 1 },
        ];
        let whole = merged(&mut all.iter().cloned().map(Ok));
        assert_eq!(String::from_utf8(whole).unwrap(), String::from_utf8(slowly::<Element>(&all)).unwrap());
        let all = [piece("a", 3, &vec![chunk()]), piece("b", 5, &vec![chunk(), chunk()])];
        let whole = merged(&mut all.iter().cloned().map(Ok));
        assert_eq!(String::from_utf8(whole).unwrap(), String::from_utf8(slowly::<Chunk>(&all)).unwrap());
        // However it is written, and in keys that only end like one.
        let written = br#" [ {"page" : 1 , "\"page": 1, "page\\" : "\""} ] "#;
        let written = Piece { bytes: written.as_slice().into(), ..piece("e", 3, &0) };
        let whole = merged(&mut std::iter::once(Ok(written)));
        assert_eq!(String::from_utf8(whole).unwrap(), r#"[{"page" : 3 , "\"page": 1, "page\\" : "\""}]"#);
    }

    #[test]
    fn coverage_of_parts_becomes_one_item_with_physical_pages() {
        let mut bytes = Vec::new();
        coverage(&mut [piece("a", 1, &part(5)), piece("b", 3, &part(7))].into_iter().map(Ok), &mut bytes).unwrap();
        let merged: Vec<SourceCoverage> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].pages.iter().map(|p| (p.page, p.words)).collect::<Vec<_>>(), [(1, 5), (2, 5), (3, 7), (4, 7)]);
        assert_eq!(merged[0].dropped[1].page, Some(4));
    }
}
