//! What others take of pass A: the contents of one part, and the names of the dictionary.

use crate::builtin::{Attrs, Failure, FailureKind, Item};
use crate::document::part::Placement;
use crate::document::section::{PartSection, PartToc, Section, SourceToc};
use crate::document::term::{Term, TermName};
use crate::passes::artifact;

fn bad(error: &serde_json::Error) -> Failure {
    Failure::new(FailureKind::BadArtifact, error.to_string())
}

/// Projection `part` of `toc`: the sections that the part holds, pages relative to it. `bytes` are the source's own result.
pub(super) fn part(bytes: &[u8], item: &Item, attrs: &Attrs) -> Result<Vec<u8>, Failure> {
    let tocs: Vec<SourceToc> = artifact::from_json(bytes).map_err(|e| bad(&e))?;
    let toc = tocs.iter().find(|t| t.source_id == item.source_id).or(tocs.first());
    let Some(toc) = toc else { return Err(Failure::new(FailureKind::BadArtifact, "the contents hold no source")) };
    serde_json::to_vec(&part_toc(toc, &item.id, &Placement::from_attrs(attrs))).map_err(|e| bad(&e))
}

/// The contents of the part at `placement`. A section printed on its first page belongs to it; if that page begins inside
/// an earlier section, that one comes first.
#[must_use]
pub fn part_toc(toc: &SourceToc, part_id: &str, placement: &Placement) -> PartToc {
    let all = &toc.sections;
    let mut sections = Vec::new();
    match (placement.page_start, placement.page_count) {
        (Some(start), Some(count)) => {
            let end = start.saturating_add(count);
            let before = all.iter().rposition(|s| s.page_start.is_some_and(|p| p < start));
            let before = before.filter(|i| reaches(all, *i, start));
            each_with_path(all, |index, section, path| {
                if before == Some(index) {
                    sections.insert(0, part_section(section, path, Some(1), true));
                } else if let Some(page) = section.page_start.filter(|p| *p >= start && *p < end) {
                    sections.push(part_section(section, path, Some(page - start + 1), false));
                }
            });
        }
        _ => each_with_path(all, |_, s, path| sections.push(part_section(s, path, s.page_start, false))),
    }
    PartToc {
        source_id: toc.source_id.clone(),
        part_id: part_id.to_owned(),
        title: toc.title.clone(),
        page_count: placement.page_count.filter(|_| placement.page_start.is_some()),
        sections,
    }
}

/// Whether section `index`, the last to begin before page `start`, still has text on that page.
fn reaches(sections: &[Section], index: usize, start: u32) -> bool {
    sections[index].page_end.is_none_or(|end| end >= start)
}

fn part_section(section: &Section, path: &[(u32, &str)], page: Option<u32>, continued: bool) -> PartSection {
    PartSection {
        section_id: section.section_id.clone(),
        path: path.iter().map(|(_, title)| (*title).to_owned()).collect(),
        level: section.level,
        page_start: page,
        anchor: section.anchor.clone(),
        continued,
        origin: section.origin,
    }
}

/// Calls `take` with every section and its path: levels and titles from the top down to its own.
fn each_with_path(sections: &[Section], mut take: impl FnMut(usize, &Section, &[(u32, &str)])) {
    let mut open: Vec<(u32, &str)> = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        open.truncate(open.iter().position(|(level, _)| *level >= section.level).unwrap_or(open.len()));
        open.push((section.level, &section.title));
        take(index, section, &open);
    }
}

/// Projection `names` of `dictionary`: what texts are searched for, sorted by id, without pages.
pub(crate) fn names(bytes: &[u8], _item: &Item, _attrs: &Attrs) -> Result<Vec<u8>, Failure> {
    let terms: Vec<Term> = serde_json::from_slice(bytes).map_err(|e| bad(&e))?;
    let mut names: Vec<TermName> =
        terms.into_iter().map(|t| TermName { term_id: t.term_id, term: t.term, kind: t.kind, aliases: t.aliases }).collect();
    names.sort_by(|a, b| a.term_id.cmp(&b.term_id));
    serde_json::to_vec(&names).map_err(|e| bad(&e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::section::Origin;

    fn section(title: &str, level: u32, start: u32, end: u32) -> Section {
        Section {
            section_id: format!("sec-{title}"),
            title: title.into(),
            level,
            parent_id: None,
            page_start: Some(start),
            page_end: Some(end),
            anchor: None,
            origin: Origin::Outline,
            confidence: 1.0,
        }
    }

    fn toc(sections: Vec<Section>) -> SourceToc {
        SourceToc {
            source_id: "s".into(),
            path: "s.pdf".into(),
            title: "S".into(),
            page_count: Some(9),
            pages_needing_ocr: 0,
            origin: Origin::Outline,
            confidence: 1.0,
            page_labels: Vec::new(),
            sections,
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_part_opens_with_the_section_it_begins_in() {
        let toc = toc(vec![section("A", 1, 1, 5), section("B", 2, 2, 5), section("C", 1, 5, 9)]);
        let place = Placement { page_start: Some(4), page_count: Some(3) };
        let part = part_toc(&toc, "p", &place);
        let seen: Vec<_> = part.sections.iter().map(|s| (s.path.join("/"), s.page_start, s.continued)).collect();
        assert_eq!(seen, [("A/B".to_owned(), Some(1), true), ("C".to_owned(), Some(2), false)]);
    }

    #[test]
    fn a_part_that_opens_with_a_heading_continues_nothing() {
        let toc = toc(vec![section("A", 1, 1, 3), section("C", 1, 4, 9)]);
        let part = part_toc(&toc, "p", &Placement { page_start: Some(4), page_count: Some(3) });
        assert_eq!(part.sections.iter().map(|s| s.continued).collect::<Vec<_>>(), [false]);
        assert_eq!(part.page_count, Some(3));
    }

    #[test]
    fn an_unpaged_source_is_one_part() {
        let toc = toc(vec![section("A", 1, 1, 3)]);
        assert_eq!(part_toc(&toc, "p", &Placement::default()).sections.len(), 1);
    }
}
