//! Headings in reading order → sections with ids, parents and the pages they end on.
//! Knows nothing of how headings were found.

use std::collections::BTreeMap;

use crate::document::ids;
use crate::document::section::{Origin, Section};

/// A heading as both paged and unpaged sources have it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub title: String,
    pub level: u32,
    pub page: Option<u32>,
    /// Nothing of the section before stands above the heading on its page.
    pub opens_page: bool,
    pub anchor: Option<String>,
    pub origin: Origin,
    pub confidence: f64,
}

/// Sections of `found`; `last_page` is the last page with text.
pub(crate) fn sections(source_id: &str, found: &[Found], last_page: Option<u32>) -> Vec<Section> {
    let mut occurrences: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut out: Vec<Section> = Vec::new();
    for (i, heading) in found.iter().enumerate() {
        open.truncate(open.iter().position(|(o, _)| found[*o].level >= heading.level).unwrap_or(open.len()));
        let mut path: Vec<&str> = open.iter().map(|(_, title)| *title).collect();
        path.push(&heading.title);
        let occurrence = occurrences.entry(path.clone()).or_default();
        let section_id = ids::section_id(source_id, &path, *occurrence);
        *occurrence += 1;
        out.push(Section {
            section_id,
            title: heading.title.clone(),
            level: heading.level,
            parent_id: open.last().map(|(o, _)| out[*o].section_id.clone()),
            page_start: heading.page,
            page_end: end_of(found, i, last_page),
            anchor: heading.anchor.clone(),
            origin: heading.origin,
            confidence: heading.confidence,
        });
        open.push((i, &heading.title));
    }
    out
}

/// The page before the next heading of this level or above, or that heading's own page if something stands above it there.
fn end_of(found: &[Found], index: usize, last_page: Option<u32>) -> Option<u32> {
    let own = found[index].page?;
    let next = found[index + 1..].iter().find(|h| h.level <= found[index].level);
    let end = match next.and_then(|h| h.page.map(|p| (p, h.opens_page))) {
        Some((page, true)) => page.saturating_sub(1),
        Some((page, false)) => page,
        None => last_page.unwrap_or(own),
    };
    Some(end.max(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(title: &str, level: u32, page: u32, opens_page: bool) -> Found {
        Found { title: title.into(), level, page: Some(page), opens_page, anchor: None, origin: Origin::Type, confidence: 1.0 }
    }

    #[test]
    fn parents_and_ends_follow_the_levels() {
        let found = [heading("A", 1, 1, true), heading("B", 2, 2, false), heading("B", 2, 4, false), heading("C", 1, 7, true)];
        let sections = sections("s", &found, Some(9));
        assert_eq!(sections[1].parent_id.as_ref(), Some(&sections[0].section_id));
        assert_ne!(sections[1].section_id, sections[2].section_id);
        let ends: Vec<_> = sections.iter().map(|s| s.page_end).collect();
        assert_eq!(ends, [Some(6), Some(4), Some(6), Some(9)]);
        assert_eq!(sections[3].parent_id, None);
    }
}
