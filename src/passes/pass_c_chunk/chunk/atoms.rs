//! Atoms: what packing never cuts. A heading, a paragraph or list item within the cap, a sentence of a longer one, a table
//! row, a line of fields. Each knows its pages, so that a chunk's pages are those of what it holds.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{Params, is_heading};
use crate::document::element::{Element, ElementType, PageBox};
use crate::document::sentences;

/// How an atom is joined to the one before it in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// The same paragraph goes on.
    Space,
    /// The next row, field or list item.
    Line,
    /// The next block.
    Blank,
}

impl Joint {
    pub fn text(self) -> &'static str {
        match self {
            Self::Space => " ",
            Self::Line => "\n",
            Self::Blank => "\n\n",
        }
    }
}

/// A piece of text that stays whole.
#[derive(Clone, Debug)]
pub struct Atom<'a> {
    pub text: &'a str,
    /// Size of `text` by itself, in the unit of the params.
    pub size: u32,
    /// What it adds behind the atom before it in its section, joint and all.
    pub added: u32,
    pub kind: ElementType,
    pub joint: Joint,
    pub is_heading: bool,
    /// First and last page, null for unpaged sources.
    pub pages: Option<(u32, u32)>,
    pub anchor: Option<&'a str>,
    /// Where its line stands, or all of its element on those pages.
    pub boxes: Vec<PageBox>,
    /// Header lines to repeat when a chunk opens with this row; "" for what is no later row of a table.
    pub header: &'a str,
    /// Words by page (page 0 for unpaged sources).
    pub words: Vec<(u32, u32)>,
}

/// The atoms of the elements of one section, in order.
pub fn of_section<'a>(section: &[&'a Element], params: &Params) -> Vec<Atom<'a>> {
    let mut atoms = Vec::new();
    let mut before: Option<&Element> = None;
    for element in section {
        let joint = match before {
            Some(b) if b.kind == ElementType::ListItem && element.kind == ElementType::ListItem => Joint::Line,
            _ => Joint::Blank,
        };
        of_element(element, joint, params, &mut atoms);
        before = Some(element);
    }
    atoms
}

fn of_element<'a>(element: &'a Element, joint: Joint, params: &Params, atoms: &mut Vec<Atom<'a>>) {
    let text = element.text.as_str();
    let pages = Pages::of(element);
    let by_lines = matches!(element.kind, ElementType::Table | ElementType::FormKeysValues | ElementType::CodeSnippet);
    let header = if element.kind == ElementType::Table { header(text, element.metadata.header_rows) } else { 0..0 };
    let units = if by_lines { lines(text) } else { std::iter::once(0..text.len()).collect() };
    let before = atoms.len();
    for (line, unit) in units.into_iter().enumerate() {
        let boxes = element.metadata.line_boxes.get(line).filter(|_| by_lines).map(Vec::as_slice);
        let header = if unit.start >= header.end { &text[header.clone()] } else { "" };
        let size = params.unit.size_of(&text[unit.clone()]);
        let cut = if size <= params.max { vec![unit] } else { cut_long(text, unit, params) };
        for (i, range) in cut.into_iter().enumerate().filter(|(_, r)| !text[r.clone()].trim().is_empty()) {
            let joint = match i {
                _ if atoms.len() == before => joint,
                0 => Joint::Line,
                _ => Joint::Space,
            };
            let before = atoms.last().map_or("", |a| a.text);
            let added = params.unit.added(before, joint.text(), &text[range.clone()]);
            atoms.push(Atom { added, ..atom(element, range, joint, header, &pages, boxes, params) });
        }
    }
}

fn atom<'a>(
    element: &'a Element,
    range: Range<usize>,
    joint: Joint,
    header: &'a str,
    pages: &Pages,
    boxes: Option<&[PageBox]>,
    params: &Params,
) -> Atom<'a> {
    let text = &element.text[range.clone()];
    let (first, last) = (pages.at(range.start), pages.at(range.end.saturating_sub(1).max(range.start)));
    let all: &[PageBox] = match &element.bounds {
        Some(bounds) if element.metadata.boxes.is_empty() => std::slice::from_ref(bounds),
        _ => &element.metadata.boxes,
    };
    let boxes = boxes.map_or_else(
        || all.iter().filter(|b| first <= b.page && b.page <= last).copied().collect(),
        |of_line: &[PageBox]| of_line.to_vec(),
    );
    // A row that the end of a page cuts ends on the next.
    let last = boxes.iter().map(|b| b.page).fold(last, u32::max);
    Atom {
        text,
        size: params.unit.size_of(text),
        added: 0,
        kind: element.kind,
        joint,
        is_heading: is_heading(element),
        pages: element.page.map(|_| (first, last)),
        anchor: element.metadata.anchor.as_deref(),
        boxes,
        header,
        words: pages.words(text, range.start),
    }
}

/// Byte ranges of the lines of `text`, without their line breaks.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    text.split('\n')
        .map(|line| {
            let range = at..at + line.len();
            at = range.end + 1;
            range
        })
        .collect()
}

/// The first `rows` lines of `text`.
fn header(text: &str, rows: u32) -> Range<usize> {
    let rows = rows as usize;
    if rows == 0 { 0..0 } else { 0..lines(text).get(rows - 1).map_or(0, |line| line.end) }
}

fn cut_long(text: &str, unit: Range<usize>, params: &Params) -> Vec<Range<usize>> {
    let start = unit.start;
    let (target, max) = (params.target as usize, params.max as usize);
    sentences::pieces(&text[unit], params.unit, target, max).into_iter().map(|r| r.start + start..r.end + start).collect()
}

/// Which page each part of an element's text stands on.
pub struct Pages {
    first: u32,
    /// Byte offset at which a later page begins.
    breaks: Vec<(usize, u32)>,
}

impl Pages {
    pub fn of(element: &Element) -> Self {
        let mut breaks = Vec::new();
        let mut wanted = element.metadata.page_breaks.iter().peekable();
        if wanted.peek().is_some() {
            for (count, (at, _)) in element.text.char_indices().enumerate() {
                while let Some(b) = wanted.next_if(|b| b.offset as usize <= count) {
                    breaks.push((at, b.page));
                }
            }
        }
        Self { first: element.page.unwrap_or(0), breaks }
    }

    /// Page of the byte at `offset`.
    pub fn at(&self, offset: usize) -> u32 {
        self.breaks.iter().rev().find(|(at, _)| *at <= offset).map_or(self.first, |(_, page)| *page)
    }

    /// Words of `text`, which begins at byte `start` of the element, by the page on which each begins.
    pub fn words(&self, text: &str, start: usize) -> Vec<(u32, u32)> {
        if self.breaks.is_empty() {
            return vec![(self.first, sentences::word_count(text))];
        }
        let mut counts: Vec<(u32, u32)> = Vec::new();
        for (at, _) in text.unicode_word_indices() {
            let page = self.at(start + at);
            match counts.last_mut() {
                Some((p, n)) if *p == page => *n += 1,
                _ => counts.push((page, 1)),
            }
        }
        counts
    }
}
