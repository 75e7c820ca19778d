//! What of an enriched chunk is a page, and how their merge within a source is undone.

use crate::builtin::Attrs;
use crate::builtin::Failure;
use crate::document::entity::Enriched;
use crate::passes::split;
use crate::passes::split::OfPart;
use crate::passes::split::Paged;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::Piece;
    use crate::document::part::Placement;
    use crate::document::vocabulary::Vocabulary;
    use crate::passes::pass_d_enrich::tests::chunk;
    use crate::passes::pass_d_enrich::{Inputs, Params, run};
    use crate::passes::shift::arrays;

    fn piece(page_start: u32, text: &str) -> Piece {
        let enriched =
            run(Inputs { chunks: &[chunk(text)], names: &[], vocabulary: Vocabulary::bundled().unwrap() }, &Params::default())
                .unwrap()
                .enriched;
        let attrs = Placement { page_count: Some(10), page_start: Some(page_start) }.to_attrs();
        Piece { item_id: text.to_owned(), attrs, bytes: serde_json::to_vec(&enriched).unwrap().into(), items: 1 }
    }

    fn merged(pieces: &[Piece]) -> Vec<u8> {
        let mut out = Vec::new();
        arrays(&mut pieces.iter().cloned().map(Ok), &mut out).unwrap();
        out
    }

    #[test]
    fn pages_become_physical_and_nothing_else_changes() {
        let pieces = [piece(1, "One."), piece(11, "Two on page 3.")];
        let mut read: Vec<Enriched> = serde_json::from_slice(&pieces[0].bytes).unwrap();
        read.extend(serde_json::from_slice::<Vec<Enriched>>(&pieces[1].bytes).unwrap());
        read[1].each_page(&mut |page| *page += 10);
        assert_eq!(merged(&pieces), serde_json::to_vec(&read).unwrap());
        assert_eq!((read[1].page, read[1].metadata.page_end, read[1].metadata.boxes[0].page), (Some(11), Some(11), 11));
        assert_eq!(merged(&[]), b"[]");
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
        let merged = merged(&pieces);
        let parts: Vec<(String, Attrs)> = pieces.iter().map(|p| (p.item_id.clone(), p.attrs.clone())).collect();
        let back = super::split(&merged, &parts).unwrap();
        assert_eq!(back, pieces.iter().map(|p| p.bytes.to_vec()).collect::<Vec<_>>());
        assert!(super::split(&merged, &parts[..1]).unwrap_err().message.contains("`part-1`"));
    }
}
