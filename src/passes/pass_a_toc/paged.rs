//! Contents of a PDF: headings of the book with their pages, labels, title and notes, put together.

use super::sections::{Found, sections};
use super::{Outputs, Params, entries, profile};
use crate::builtin::Item;
use crate::document::headings::frame::{BookHeadings, Heading, find_headings};
use crate::document::headings::furniture::Folio;
use crate::document::headings::key::{clean, compact};
use crate::document::headings::lines::BookLines;
use crate::document::outline::PdfFrame;
use crate::document::page_text::PageText;
use crate::document::section::SourceToc;
use crate::document::terms::collect::dictionary;
use crate::document::vocabulary::Vocabulary;

/// Contents, dictionary and profile of a paged source.
pub(super) fn read(item: &Item, pages: &[&PageText], frame: PdfFrame, params: &Params, vocabulary: &Vocabulary) -> Outputs {
    let book = BookLines::read(pages);
    let entries = if params.outline { frame.entries.as_slice() } else { &[] };
    let found = find_headings(&book, entries, vocabulary);
    let headings: Vec<Found> = found.headings.iter().map(|h| as_found(&book, &found, h)).collect();
    let last_page = (0..book.pages.len())
        .rev()
        .find(|p| book.pages[*p].lines.iter().enumerate().any(|(l, line)| line.seen && !found.furniture.holds(*p, l)));
    let sections = sections(&item.source_id, &headings, last_page.map(physical));
    let mut notes = frame.notes;
    notes.extend(found.notes.iter().cloned());
    if sections.is_empty() {
        notes.push("no heading was found".to_owned());
    }
    let confidence = mean(found.headings.iter().map(|h| h.confidence));
    let toc = SourceToc {
        source_id: item.source_id.clone(),
        path: item.path.clone(),
        title: title(&frame.title, &book, &item.path),
        page_count: Some(u32::try_from(pages.len()).unwrap_or(u32::MAX)),
        pages_needing_ocr: 0,
        origin: found.origin,
        confidence,
        page_labels: page_labels(&found.furniture.folios, frame.page_labels, pages.len()),
        sections,
        notes,
    };
    let profile = profile::of(&item.source_id, &book, &found);
    let dictionary = if params.dictionary {
        dictionary(&item.source_id, &entries::paged(pages, &book, &found, &toc.sections), vocabulary)
    } else {
        Vec::new()
    };
    Outputs { toc, dictionary, profile }
}

fn physical(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

fn as_found(book: &BookLines, all: &BookHeadings, heading: &Heading) -> Found {
    let opens_page = heading.place.is_some_and(|place| {
        let before = book.pages[place.page].lines[..place.first].iter().enumerate();
        !before.into_iter().any(|(l, line)| line.seen && !all.furniture.holds(place.page, l))
    });
    Found {
        title: heading.title.clone(),
        level: heading.level,
        page: Some(heading.page),
        opens_page,
        anchor: None,
        origin: heading.origin,
        confidence: heading.confidence,
    }
}

/// Mean to 1/100, 0 for nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(s, n), v| (s + v, n + 1));
    if count == 0 { 0.0 } else { (sum / f64::from(count) * 100.0).round() / 100.0 }
}

/// Printed folios where half of the pages have one (it is they that cross-references name), else the file's own labels.
fn page_labels(folios: &[Option<Folio>], labels: Vec<String>, pages: usize) -> Vec<String> {
    let printed = folios.iter().flatten().count();
    if printed > 0 && (printed * 2 >= pages || labels.len() != pages) {
        let front = |i: usize| labels.get(i).filter(|_| labels.len() == pages).cloned().unwrap_or_default();
        return folios.iter().enumerate().map(|(i, f)| f.as_ref().map_or_else(|| front(i), |f| f.label.clone())).collect();
    }
    if labels.len() == pages { labels } else { Vec::new() }
}

/// The title in the metadata, unless a program put it there; else the largest type on the first page with text; else the
/// file's name.
fn title(metadata: &str, book: &BookLines, path: &str) -> String {
    let stem = path.rsplit('/').next().unwrap_or(path);
    let stem = stem.rsplit_once('.').map_or(stem, |(s, _)| s);
    let lower = metadata.to_lowercase();
    let by_program = lower.is_empty()
        || lower.starts_with("microsoft word")
        || lower.starts_with("untitled")
        || [".indd", ".doc", ".docx", ".pdf", ".qxd", ".pmd", ".odt", ".tex", ".dvi"].iter().any(|end| lower.ends_with(end));
    if !by_program && metadata.chars().any(char::is_alphabetic) {
        return clean(metadata);
    }
    cover_title(book).unwrap_or_else(|| stem.to_owned())
}

fn cover_title(book: &BookLines) -> Option<String> {
    let page = book.pages.iter().find(|p| p.lines.iter().any(|l| l.seen && !l.key.is_empty()))?;
    let size = |l: usize| book.styles[page.lines[l].style].size;
    let lettered = |l: &usize| page.lines[*l].seen && page.lines[*l].key.chars().any(char::is_alphabetic);
    let first = (0..page.lines.len()).filter(lettered).max_by_key(|l| (size(*l), std::cmp::Reverse(*l)))?;
    if size(first) * 10 < book.body_style().size * 12 {
        return None;
    }
    let lines = page.lines[first..].iter().take(4).take_while(|l| l.style == page.lines[first].style);
    let title = crate::document::headings::key::join_lines(lines.map(|l| l.text.as_str()));
    (compact(&title).len() > 1 && title.chars().count() <= 120).then_some(title)
}
