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
    arrays::<Element>(level, pieces)
}

/// The merge of passC_chunks.json.
///
/// # Errors
/// `BadArtifact` for a piece that does not parse.
pub fn chunks(level: Level, pieces: Pieces<'_>) -> Result<Vec<u8>, Failure> {
    arrays::<Chunk>(level, pieces)
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

fn arrays<T: Paged + Serialize + DeserializeOwned>(level: Level, pieces: Pieces<'_>) -> Result<Vec<u8>, Failure> {
    if level == Level::AcrossSources {
        return splice(pieces);
    }
    // A piece at a time: of a long book all items at once are several times what they are written as.
    let mut out = vec![b'['];
    for piece in pieces {
        for item in shifted::<T>(&piece?)? {
            if out.len() > 1 {
                out.push(b',');
            }
            serde_json::to_writer(&mut out, &item).map_err(|e| unwritable(&e))?;
        }
    }
    out.push(b']');
    Ok(out)
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
    use crate::document::chunk::{Dropped, PageCoverage};

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
        let broken = Piece { item_id: "part-1".into(), attrs: String::new(), bytes: b"{".as_slice().into() };
        assert!(chunks(Level::WithinSource, &mut [broken].into_iter().map(Ok)).unwrap_err().message.contains("part-1"));
    }
}
