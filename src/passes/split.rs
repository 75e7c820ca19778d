//! Undoing a merge within a source: each item goes back to the part that it names, and its pages become relative to that
//! part again. Knows what names a part and what holds pages, not what made them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builtin::{Attrs, Failure, FailureKind};
use crate::document::part::Placement;
use crate::passes::artifact;

/// What holds pages: part-relative in item results, physical in a merge.
pub trait Paged {
    /// Shows every page to `visit`, which may change it.
    fn each_page(&mut self, visit: &mut dyn FnMut(&mut u32));
}

/// What says to which part it belongs.
pub trait OfPart: Paged {
    fn part_id(&self) -> &str;
}

/// The pieces of a merged array whose items name their parts.
///
/// # Errors
/// `BadArtifact` if it does not parse, for an item of a part that is not among `parts`, and for a page outside its part.
pub fn by_part<T>(merged: &[u8], parts: &[(String, Attrs)]) -> Result<Vec<Vec<u8>>, Failure>
where
    T: OfPart + Serialize + DeserializeOwned,
{
    let items: Vec<T> = artifact::decode("merged", merged)?;
    let mut pieces: Vec<Vec<T>> = parts.iter().map(|_| Vec::new()).collect();
    for (n, mut item) in items.into_iter().enumerate() {
        let Some(at) = parts.iter().position(|(id, _)| id == item.part_id()) else {
            return Err(refused(format!("item {n} of it names the part `{}`, which it does not have", item.part_id())));
        };
        make_relative(&mut item, &parts[at]).map_err(|e| refused(format!("item {n} of it {}", e.message)))?;
        pieces[at].push(item);
    }
    pieces.iter().map(artifact::encode).collect()
}

/// Turns the physical pages of `item` into pages of its part.
///
/// # Errors
/// `BadArtifact` for a page that is not one of the part's.
pub fn make_relative(item: &mut impl Paged, part: &(String, Attrs)) -> Result<(), Failure> {
    let placement = Placement::from_attrs(&part.1);
    let mut outside = None;
    item.each_page(&mut |page| match relative(*page, &placement) {
        Some(own) => *page = own,
        None => outside = outside.or(Some(*page)),
    });
    match outside {
        None => Ok(()),
        Some(page) => Err(refused(format!("is on page {page}, which is no page of its part `{}`", part.0))),
    }
}

/// The page of a part that the physical `page` is; `None` if it lies outside.
#[must_use]
pub fn relative(page: u32, placement: &Placement) -> Option<u32> {
    let own = page.checked_sub(placement.offset()).filter(|own| *own >= 1)?;
    let is_inside = placement.page_start.is_none() || placement.page_count.is_none_or(|count| own <= count);
    is_inside.then_some(own)
}

/// A failure about what was to be split.
#[must_use]
pub fn refused(message: String) -> Failure {
    Failure::new(FailureKind::BadArtifact, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_becomes_relative_only_inside_its_part() {
        let placement = Placement { page_count: Some(3), page_start: Some(9) };
        assert_eq!([8, 9, 11, 12].map(|page| relative(page, &placement)), [None, Some(1), Some(3), None]);
        assert_eq!(relative(7, &Placement::default()), Some(7), "what is not placed keeps its pages");
    }
}
