//! Sections as the dictionary sees them: each with the lines printed under its heading, up to the next one.

use std::collections::BTreeMap;

use crate::document::flow::{FlowBlock, FlowKind, FlowText};
use crate::document::headings::frame::BookHeadings;
use crate::document::headings::key::{clean, join_lines};
use crate::document::headings::lines::BookLines;
use crate::document::page_text::PageText;
use crate::document::section::Section;
use crate::document::terms::collect::{Entry, Listed};
use crate::document::terms::shape::EntryLine;

/// What an entry says of itself stands at its head; more lines than these are not looked at.
const MAX_LINES: usize = 60;

/// Entries of a paged source; `sections` are those of `found.headings`, in order.
pub(super) fn paged(pages: &[&PageText], book: &BookLines, found: &BookHeadings, sections: &[Section]) -> Vec<Entry> {
    let starts: Vec<Option<(usize, usize)>> = found.headings.iter().map(|h| h.place.map(|p| (p.page, p.last + 1))).collect();
    let parents = parents(sections);
    let nexts = nexts(found);
    let mut entries = Vec::with_capacity(sections.len());
    for (i, section) in sections.iter().enumerate() {
        let mut entry = Entry {
            section_id: section.section_id.clone(),
            title: section.title.clone(),
            page: section.page_start,
            parent: parents[i],
            ..Entry::default()
        };
        if let Some(start) = starts.get(i).copied().flatten() {
            let end = nexts[i].filter(|n| *n >= start).unwrap_or((book.pages.len(), 0));
            let range = lines_between(book, found, start, end);
            entry.lines = range.iter().take(MAX_LINES).map(|(p, l)| entry_line(book, *p, *l)).collect();
            entry.listed = super::listed::names(pages, &range);
        }
        entries.push(entry);
    }
    entries
}

/// For each heading, where the next one begins that has a place.
fn nexts(found: &BookHeadings) -> Vec<Option<(usize, usize)>> {
    let mut next = None;
    let mut nexts = Vec::with_capacity(found.headings.len());
    for heading in found.headings.iter().rev() {
        nexts.push(next);
        next = heading.place.map(|p| (p.page, p.first)).or(next);
    }
    nexts.reverse();
    nexts
}

fn parents(sections: &[Section]) -> Vec<Option<usize>> {
    let index: BTreeMap<&str, usize> = sections.iter().enumerate().map(|(i, s)| (s.section_id.as_str(), i)).collect();
    sections.iter().map(|s| s.parent_id.as_ref().and_then(|p| index.get(p.as_str()).copied())).collect()
}

fn entry_line(book: &BookLines, page: usize, line: usize) -> EntryLine {
    let line = &book.pages[page].lines[line];
    let bold = book.styles.get(line.lead_style).is_some_and(|s| s.bold);
    EntryLine { text: line.text.clone(), lead: if bold { line.lead } else { 0 }, row: line.cells > 0 }
}

/// Lines shown between two places, without furniture and listings, at most a few pages of them.
fn lines_between(book: &BookLines, found: &BookHeadings, start: (usize, usize), end: (usize, usize)) -> Vec<(usize, usize)> {
    const MAX_PAGES: usize = 12;
    let last = end.0.min(start.0 + MAX_PAGES).min(book.pages.len().saturating_sub(1));
    let mut out = Vec::new();
    for page in start.0..=last {
        let lines = &book.pages[page].lines;
        // Only those between: a page of many headings is not read again for each.
        let from = if page == start.0 { start.1 } else { 0 };
        let to = if page == end.0 { end.1.min(lines.len()) } else { lines.len() };
        for (l, line) in lines.iter().enumerate().take(to).skip(from) {
            if line.seen && !found.furniture.holds(page, l) && !found.listings.holds(page) {
                out.push((page, l));
            }
        }
    }
    out
}

/// Entries of an unpaged source.
pub(super) fn flow(flow: &FlowText, sections: &[Section]) -> Vec<Entry> {
    let parents = parents(sections);
    let mut entries: Vec<Entry> = Vec::with_capacity(sections.len());
    for block in &flow.blocks {
        if matches!(block.kind, FlowKind::Heading { .. }) && !clean(&block.text).is_empty() {
            if let Some(section) = sections.get(entries.len()) {
                let parent = parents[entries.len()];
                let (section_id, title) = (section.section_id.clone(), section.title.clone());
                entries.push(Entry { section_id, title, parent, ..Entry::default() });
            }
        } else if let Some(entry) = entries.last_mut() {
            let lines = block.text.lines().map(|text| EntryLine { text: text.to_owned(), lead: 0, row: !block.rows.is_empty() });
            let room = MAX_LINES.saturating_sub(entry.lines.len());
            entry.lines.extend(lines.take(room));
            entry.listed.extend(listed_in(block));
        }
    }
    entries
}

/// Rows of a table whose first cell counts them: the second is a name, the third its definition.
fn listed_in(block: &FlowBlock) -> Vec<Listed> {
    let counted =
        |row: &Vec<String>| row.len() >= 3 && row[0].trim().parse::<u32>().is_ok() && row[1].chars().any(char::is_alphabetic);
    let rows: Vec<&Vec<String>> = block.rows.iter().filter(|r| counted(r)).collect();
    if rows.len() < 5 {
        return Vec::new();
    }
    rows.iter().map(|row| Listed { name: clean(&row[1]), page: None, definition: join_lines([row[2].as_str()]) }).collect()
}
