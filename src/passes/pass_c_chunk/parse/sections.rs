//! Where the sections of a part begin in its printed lines.

use crate::document::blocks::assemble::{Heading, Pages};
use crate::document::blocks::lines::Line;
use crate::document::headings::locate::{Place, Wanted, locate_sections};
use crate::document::page_text::PageText;
use crate::document::profile::SourceProfile;
use crate::document::section::PartToc;

/// The headings of the sections that begin in the part, sorted by page and line. A section whose title is not printed begins
/// where the next printed one of its page does, or else at the head of its page.
pub fn headings(texts: &[&PageText], pages: &Pages<'_>, toc: &PartToc, profile: Option<&SourceProfile>) -> Vec<Heading> {
    let begins: Vec<usize> = (0..toc.sections.len()).filter(|i| !toc.sections[*i].continued).collect();
    let wanted: Vec<Wanted<'_>> = begins
        .iter()
        .map(|i| {
            let section = &toc.sections[*i];
            Wanted { title: section.path.last().map_or("", String::as_str), page: section.page_start.unwrap_or(1) }
        })
        .collect();
    let places = locate_sections(texts, &wanted, profile.map_or(&[], |p| &p.styles));
    let mut headings: Vec<Heading> = Vec::new();
    let mut unprinted: Vec<(usize, usize)> = Vec::new();
    for ((section, want), place) in begins.iter().zip(&wanted).zip(places) {
        match place.and_then(|p| printed(*section, p, pages)) {
            Some(heading) => {
                for (section, page) in unprinted.drain(..) {
                    let at = if page == heading.page { heading.lines.start } else { 0 };
                    headings.push(Heading { section, page, lines: at..at });
                }
                headings.push(heading);
            }
            None => unprinted.push((*section, (want.page.max(1) as usize - 1).min(texts.len().saturating_sub(1)))),
        }
    }
    headings.extend(unprinted.into_iter().map(|(section, page)| Heading { section, page, lines: 0..0 }));
    headings.sort_by_key(|h| (h.page, h.lines.start, h.lines.end, h.section));
    headings
}

/// The place in the lines that print something.
fn printed(section: usize, place: Place, pages: &Pages<'_>) -> Option<Heading> {
    let lines = pages.lines.get(place.page)?;
    let covered = |l: &Line<'_>| (place.first..=place.last).contains(&l.index);
    let start = lines.iter().position(covered)?;
    let end = if place.run_in { start } else { lines.iter().rposition(covered).map_or(start, |l| l + 1) };
    Some(Heading { section, page: place.page, lines: start..end })
}
