//! The merge of `enriched`, and its inverse: within a source pages become physical, across sources arrays are spliced.

use std::sync::Arc;

use crate::builtin::Attrs;
use crate::builtin::Failure;
use crate::builtin::FailureKind;
use crate::builtin::Level;
use crate::builtin::Piece;
use crate::builtin::Pieces;
use crate::document::entity::Enriched;
use crate::document::part::Placement;
use crate::passes::split;
use crate::passes::split::OfPart;
use crate::passes::split::Paged;

/// The pieces as one array.
///
/// # Errors
/// `BadArtifact` naming the item whose bytes are not an array of enriched chunks.
pub fn merge(level: Level, pieces: Pieces<'_>) -> Result<Vec<u8>, Failure> {
    let mut out = vec![b'['];
    for piece in pieces {
        let piece = piece?;
        let offset = if level == Level::WithinSource { Placement::from_attrs(&piece.attrs).offset() } else { 0 };
        let bytes = if offset == 0 { Arc::clone(&piece.bytes) } else { rebased(&piece, offset)?.into() };
        let items = array_body(&bytes).ok_or_else(|| not_an_array(&piece.item_id, "it is no JSON array"))?;
        if !items.is_empty() {
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(items);
        }
    }
    out.push(b']');
    Ok(out)
}

/// What is between the brackets of a JSON array.
fn array_body(bytes: &[u8]) -> Option<&[u8]> {
    let inner = bytes.trim_ascii().strip_prefix(b"[")?.strip_suffix(b"]")?;
    Some(inner.trim_ascii())
}

fn rebased(piece: &Piece, offset: u32) -> Result<Vec<u8>, Failure> {
    let mut items: Vec<Enriched> =
        serde_json::from_slice(&piece.bytes).map_err(|e| not_an_array(&piece.item_id, &e.to_string()))?;
    for item in &mut items {
        item.each_page(&mut |page| *page = page.saturating_add(offset));
    }
    serde_json::to_vec(&items).map_err(|e| not_an_array(&piece.item_id, &e.to_string()))
}

impl Paged for Enriched {
    fn each_page(&mut self, visit: &mut dyn FnMut(&mut u32)) {
        let pages = [&mut self.page, &mut self.metadata.page_start, &mut self.metadata.page_end];
        pages.into_iter().flatten().for_each(&mut *visit);
        self.metadata.boxes.iter_mut().for_each(|b| visit(&mut b.page));
    }
}

impl OfPart for Enriched {
    fn part_id(&self) -> &str {
        &self.metadata.part_id
    }
}

/// Undoes the merge within a source.
///
/// # Errors
/// `BadArtifact` if it does not parse, or an item belongs to none of `parts`.
pub fn split(merged: &[u8], parts: &[(String, Attrs)]) -> Result<Vec<Vec<u8>>, Failure> {
    split::by_part::<Enriched>(merged, parts)
}

fn not_an_array(item_id: &str, why: &str) -> Failure {
    Failure::new(FailureKind::BadArtifact, format!("the enriched chunks of `{item_id}` do not parse: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::pass_d_enrich::tests::chunk;
    use crate::passes::pass_d_enrich::{Inputs, Params, run};

    fn piece(page_start: u32, text: &str) -> Piece {
        let enriched = run(Inputs { chunks: &[chunk(text)], names: &[] }, &Params::default()).unwrap().enriched;
        let attrs = Placement { page_count: Some(10), page_start: Some(page_start) }.to_attrs();
        Piece { item_id: text.to_owned(), attrs, bytes: serde_json::to_vec(&enriched).unwrap().into() }
    }

    #[test]
    fn pages_become_physical_within_a_source_and_stay_across_sources() {
        let pieces = [piece(1, "One."), piece(11, "Two.")];
        let within: Vec<Enriched> =
            serde_json::from_slice(&merge(Level::WithinSource, &mut pieces.clone().into_iter().map(Ok)).unwrap()).unwrap();
        assert_eq!(within.iter().map(|e| e.page).collect::<Vec<_>>(), [Some(1), Some(11)]);
        assert_eq!((within[1].metadata.page_end, within[1].metadata.boxes[0].page), (Some(11), 11));
        let across: Vec<Enriched> =
            serde_json::from_slice(&merge(Level::AcrossSources, &mut pieces.clone().into_iter().map(Ok)).unwrap()).unwrap();
        assert_eq!(across[1].page, Some(1));
    }

    #[test]
    fn what_was_merged_is_split_back_to_the_same_bytes() {
        let (mut one, mut two) = (piece(1, "One."), piece(11, "Two."));
        for (n, piece) in [&mut one, &mut two].into_iter().enumerate() {
            let mut items: Vec<Enriched> = serde_json::from_slice(&piece.bytes).unwrap();
            items[0].metadata.part_id = format!("part-{n}");
            piece.item_id = format!("part-{n}");
            piece.bytes = serde_json::to_vec(&items).unwrap().into();
        }
        let pieces = [one, two];
        let merged = merge(Level::WithinSource, &mut pieces.clone().into_iter().map(Ok)).unwrap();
        let parts: Vec<(String, Attrs)> = pieces.iter().map(|p| (p.item_id.clone(), p.attrs.clone())).collect();
        let back = super::split(&merged, &parts).unwrap();
        assert_eq!(back, pieces.iter().map(|p| p.bytes.to_vec()).collect::<Vec<_>>());
        assert!(super::split(&merged, &parts[..1]).unwrap_err().message.contains("`part-1`"));
    }

    #[test]
    fn nothing_merges_to_an_empty_array_and_rubbish_is_named() {
        assert_eq!(merge(Level::WithinSource, &mut std::iter::empty()).unwrap(), b"[]");
        let bad = Piece { item_id: "part-x".to_owned(), attrs: String::new(), bytes: b"{}".to_vec().into() };
        assert!(merge(Level::AcrossSources, &mut std::iter::once(Ok(bad))).unwrap_err().message.contains("part-x"));
    }
}
