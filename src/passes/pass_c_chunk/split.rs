//! Undoing the merges of `rebase` within a source. Elements and chunks name their part; coverage is told apart by its pages.

use crate::builtin::{Attrs, Failure};
use crate::document::chunk::{Chunk, SourceCoverage};
use crate::document::element::Element;
use crate::document::part::Placement;
use crate::passes::artifact;
use crate::passes::split::{self, OfPart};

impl OfPart for Element {
    fn part_id(&self) -> &str {
        &self.part_id
    }
}

impl OfPart for Chunk {
    fn part_id(&self) -> &str {
        &self.metadata.part_id
    }
}

/// Undoes `rebase::elements`.
///
/// # Errors
/// `BadArtifact` if it does not parse, or an item belongs to none of `parts`.
pub fn elements(merged: &[u8], parts: &[(String, Attrs)]) -> Result<Vec<Vec<u8>>, Failure> {
    split::by_part::<Element>(merged, parts)
}

/// Undoes `rebase::chunks`.
///
/// # Errors
/// `BadArtifact` if it does not parse, or an item belongs to none of `parts`.
pub fn chunks(merged: &[u8], parts: &[(String, Attrs)]) -> Result<Vec<Vec<u8>>, Failure> {
    split::by_part::<Chunk>(merged, parts)
}

/// Undoes `rebase::coverage`.
///
/// # Errors
/// `BadArtifact` if it is not the coverage of one source, or something of it stands on no page of any of `parts`.
pub fn coverage(merged: &[u8], parts: &[(String, Attrs)]) -> Result<Vec<Vec<u8>>, Failure> {
    let mut all: Vec<SourceCoverage> = artifact::decode("merged", merged)?;
    let (Some(whole), true) = (all.pop(), all.is_empty()) else {
        return Err(split::refused("it has not just one entry".to_owned()));
    };
    let empty = SourceCoverage { source_id: whole.source_id.clone(), pages: Vec::new(), dropped: Vec::new() };
    let mut pieces: Vec<SourceCoverage> = parts.iter().map(|_| empty.clone()).collect();
    for page in whole.pages {
        let at = part_of(Some(page.page), parts)?;
        pieces[at].pages.push(page);
    }
    for dropped in whole.dropped {
        let at = part_of(dropped.page, parts)?;
        pieces[at].dropped.push(dropped);
    }
    for (piece, part) in pieces.iter_mut().zip(parts) {
        split::make_relative(piece, part)?;
    }
    pieces.into_iter().map(|p| artifact::encode(&[p])).collect()
}

/// Which part a page is of; where there is one part, it is that.
fn part_of(page: Option<u32>, parts: &[(String, Attrs)]) -> Result<usize, Failure> {
    if parts.len() == 1 {
        return Ok(0);
    }
    let Some(page) = page else {
        return Err(split::refused("dropped text without a page cannot be told apart by part".to_owned()));
    };
    let holds = |(_, attrs): &(String, Attrs)| split::relative(page, &Placement::from_attrs(attrs)).is_some();
    parts.iter().position(holds).ok_or_else(|| split::refused(format!("page {page} is of none of its parts")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::Piece;
    use crate::document::chunk::{ChunkMetadata, Dropped, PageCoverage};
    use crate::document::element::{ElementType, PageBox};
    use crate::passes::pass_c_chunk::rebase;
    use crate::passes::shift;

    fn parts() -> Vec<(String, Attrs)> {
        let at = |page_start| Placement { page_count: Some(2), page_start: Some(page_start) }.to_attrs();
        vec![("part-a".to_owned(), at(1)), ("part-b".to_owned(), at(3))]
    }

    fn chunk(part_id: &str, page: u32) -> Chunk {
        let bounds = PageBox { page, x: 1.25, y: 2.0, w: 3.0, h: 4.5 };
        let metadata = ChunkMetadata {
            page_start: Some(page),
            page_end: Some(page + 1),
            anchor: None,
            section_id: None,
            section_path: Vec::new(),
            part_id: part_id.to_owned(),
            element_types: vec![ElementType::NarrativeText],
            boxes: vec![bounds],
            char_count: 4,
            token_count: 1,
        };
        Chunk { chunk_id: format!("chunk-{page}"), source_id: "book".into(), page: Some(page), text: "text".into(), metadata }
    }

    fn pieces(values: &[Vec<u8>]) -> Vec<Piece> {
        let piece = |((item_id, attrs), bytes): ((String, Attrs), &Vec<u8>)| Piece {
            item_id,
            attrs,
            bytes: bytes.as_slice().into(),
            items: 1,
        };
        parts().into_iter().zip(values).map(piece).collect()
    }

    #[test]
    fn chunks_of_parts_survive_a_merge_and_a_split_byte_for_byte() {
        let values = [vec![chunk("part-a", 1)], vec![chunk("part-b", 1)]].map(|c| artifact::encode(&c).unwrap());
        let mut merged = Vec::new();
        shift::arrays(&mut pieces(&values).into_iter().map(Ok), &mut merged).unwrap();
        assert!(String::from_utf8_lossy(&merged).contains("\"page\":3,\"text\""));
        assert_eq!(chunks(&merged, &parts()).unwrap(), values);
    }

    #[test]
    fn a_chunk_of_no_part_or_on_no_page_of_its_part_is_refused_by_name() {
        let merged = artifact::encode(&[chunk("part-c", 1)]).unwrap();
        assert!(chunks(&merged, &parts()).unwrap_err().message.contains("item 0 of it names the part `part-c`"));
        let merged = artifact::encode(&[chunk("part-a", 1), chunk("part-b", 2)]).unwrap();
        assert_eq!(
            chunks(&merged, &parts()).unwrap_err().message,
            "item 1 of it is on page 2, which is no page of its part `part-b`"
        );
    }

    #[test]
    fn coverage_is_split_by_pages() {
        let values = [5, 7].map(|words| {
            let pages = (1..=2).map(|page| PageCoverage { page, words, chunked: words, needs_ocr: false }).collect();
            let dropped = vec![Dropped { page: Some(2), text: words.to_string(), reason: "folio".into() }];
            artifact::encode(&[SourceCoverage { source_id: "book".into(), pages, dropped }]).unwrap()
        });
        let mut merged = Vec::new();
        rebase::coverage(&mut pieces(&values).into_iter().map(Ok), &mut merged).unwrap();
        assert_eq!(coverage(&merged, &parts()).unwrap(), values);
        assert!(coverage(b"[]", &parts()).unwrap_err().message.contains("just one entry"));
    }
}
