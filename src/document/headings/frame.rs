//! The headings of a book: entries of the outline or the contents page, each at the lines where it is printed, and between
//! them the headings that type alone shows. Outline entries are checked against the pages and repaired; an outline whose
//! titles are not on their pages is passed over. Knows nothing of ids.

use std::collections::BTreeMap;

use super::blocks::{Block, heading_blocks};
use super::contents_page::Listings;
use super::furniture::Furniture;
use super::key::{clean, compact};
use super::lines::BookLines;
use super::locate::{Locator, Place};
use super::ranks::{Certainty, Rank, Ranks};
use crate::document::outline::OutlineEntry;
use crate::document::section::Origin;
use crate::document::vocabulary::Vocabulary;

/// A heading in reading order.
#[derive(Clone, Debug)]
pub struct Heading {
    pub title: String,
    /// 1 is the top; each at most one deeper than the one before it.
    pub level: u32,
    /// Physical page, 1-based.
    pub page: u32,
    /// Where it is printed, if it was found.
    pub place: Option<Place>,
    pub origin: Origin,
    /// 0 to 1. 0.98: an outline entry at its printed line, 0.9 one that stood on a neighbouring page, 0.6 one whose line was
    /// not found, 0.3 one of an outline that nothing confirms; 0.95 contents page and type agree, 0.9 a style that known headings use, 0.8 a style of headings, 0.6 a
    /// line that only space sets off.
    pub confidence: f64,
}

/// What was found, and what was learnt on the way.
#[derive(Debug)]
pub struct BookHeadings {
    pub headings: Vec<Heading>,
    pub origin: Origin,
    pub furniture: Furniture,
    pub listings: Listings,
    /// Level that a style's headings mostly have, in style order.
    pub style_levels: Vec<Option<u32>>,
    pub notes: Vec<String>,
}

/// An entry of the frame: its title, level (0: let type decide), and where it is printed.
struct Entry {
    title: String,
    level: u32,
    page: u32,
    place: Option<Place>,
    confidence: f64,
}

/// Finds all headings of a book.
#[must_use]
pub fn find_headings(book: &BookLines, outline: &[OutlineEntry], vocabulary: &Vocabulary) -> BookHeadings {
    let furniture = Furniture::of(book);
    let listings = Listings::of(book, &furniture, vocabulary);
    let blocks = heading_blocks(book, &furniture, &listings);
    let mut notes = Vec::new();
    let finder = Finder { book, furniture: &furniture, listings: &listings };
    let mut origin = Origin::Outline;
    let mut frame = finder.outline_frame(outline, &mut notes);
    if frame.is_empty() {
        origin = Origin::ContentsPage;
        frame = finder.contents_frame(&mut notes);
    }
    let places: Vec<Place> = frame.iter().filter_map(|e| e.place).collect();
    let outlined = origin == Origin::Outline;
    let ranks = Ranks::of(book, &blocks, &places, outlined, |p, l| !furniture.holds(p, l) && !listings.holds(p));
    let front = finder.start_of_text(&frame, origin);
    let typed: Vec<(&Block, Certainty)> = blocks
        .iter()
        .filter(|b| {
            (b.page, b.first) >= front
                && !is_label(book, b, vocabulary)
                && !titles_contents(&listings, b)
                && !places.iter().any(|p| p.page == b.page && p.first <= b.last && b.first <= p.last)
        })
        .filter_map(|b| ranks.certainty(b).map(|c| (b, c)))
        .collect();
    if frame.is_empty() && typed.is_empty() && !outline.is_empty() {
        // Nothing is printed as a heading: a doubtful outline is more than none.
        origin = Origin::Outline;
        frame = finder.unchecked(outline);
        if !frame.is_empty() {
            notes.push("type shows no heading either; the outline is kept as it is".to_owned());
        }
    } else if origin == Origin::ContentsPage && typed.len() >= frame.len() {
        origin = Origin::Type;
    }
    let headings = nest(book, &listings, frame, &typed, &ranks, origin);
    let style_levels = usual_levels(book, headings.iter().map(|h| (h.place, h.level)));
    BookHeadings { headings, origin, furniture, listings, style_levels, notes }
}

struct Finder<'a> {
    book: &'a BookLines,
    furniture: &'a Furniture,
    listings: &'a Listings,
}

impl<'a> Finder<'a> {
    fn locator(&self) -> Locator<'a> {
        let mut locator = Locator::new(self.book);
        for (p, page) in self.book.pages.iter().enumerate() {
            for l in 0..page.lines.len() {
                let listed = self.listings.holds(p) && !self.listings.titles.contains(&(p, l));
                if listed || self.furniture.holds(p, l) {
                    locator.skip(p, l);
                }
            }
        }
        locator
    }

    /// Outline entries at their printed lines; empty if the outline is no use.
    fn outline_frame(&self, outline: &[OutlineEntry], notes: &mut Vec<String>) -> Vec<Entry> {
        if outline.is_empty() {
            return Vec::new();
        }
        // Once to learn the styles of headings, once more with that knowledge.
        let first = self.place_outline(outline, &[]);
        let mut taught = vec![0_usize; self.book.styles.len()];
        for place in first.iter().filter_map(|e| e.place).filter(|p| !p.run_in) {
            taught[self.book.pages[place.page].lines[place.first].style] += 1;
        }
        let frame = self.place_outline(outline, &taught);
        let checkable = frame.iter().filter(|e| self.has_text(e.page)).count();
        let found = frame.iter().filter(|e| e.place.is_some()).count();
        let unresolved = outline.len() - frame.len();
        let one_page = outline.len() >= 5 && self.book.pages.len() >= 5 && outline.iter().all(|e| e.page == outline[0].page);
        if frame.is_empty() || found * 2 < checkable || one_page && found * 10 < outline.len() * 9 {
            notes.push(format!(
                "outline: {found} of {} titles stand on the page they lead to; type is used instead",
                outline.len()
            ));
            return Vec::new();
        }
        if unresolved > 0 {
            notes.push(format!("outline: {unresolved} entries lead nowhere and are not printed; passed over"));
        }
        let moved = frame.iter().filter(|e| e.place.is_some_and(|_| e.confidence < 0.95)).count();
        if moved > 0 {
            notes.push(format!("outline: {moved} entries were moved to the page that prints them"));
        }
        if found < checkable {
            notes.push(format!("outline: {} entries are not printed on their page; kept as they are", checkable - found));
        }
        frame
    }

    /// Entries that lead to a page, as they are.
    fn unchecked(&self, outline: &[OutlineEntry]) -> Vec<Entry> {
        let last = u32::try_from(self.book.pages.len()).unwrap_or(u32::MAX);
        let entry = |e: &OutlineEntry| {
            let page = e.page.filter(|p| *p >= 1 && *p <= last)?;
            Some(Entry { title: clean(&e.title), level: e.level, page, place: None, confidence: 0.3 })
        };
        let mut entries: Vec<Entry> = outline.iter().filter_map(entry).collect();
        entries.sort_by_key(|e| e.page);
        entries
    }

    fn place_outline(&self, outline: &[OutlineEntry], taught: &[usize]) -> Vec<Entry> {
        let mut locator = self.locator();
        let styles = &self.book.styles;
        locator.prefer(|s| styles.iter().position(|t| t == s).is_some_and(|i| taught.get(i).is_some_and(|n| *n >= 3)));
        let last = self.book.pages.len();
        let mut out = Vec::new();
        let mut reached = 0;
        for entry in outline {
            let own = entry.page.and_then(|p| usize::try_from(p).ok()).and_then(|p| p.checked_sub(1)).filter(|p| *p < last);
            let (place, confidence) = match own {
                Some(page) => {
                    let near = [page + 1, page.wrapping_sub(1)].into_iter().filter(|p| *p < last);
                    match locator.find_on(page, &entry.title) {
                        Some(place) => (Some(place), 0.98),
                        None => (near.filter_map(|p| locator.find_on(p, &entry.title)).find(|p| p.score >= 100), 0.9),
                    }
                }
                None => ((reached..last).filter_map(|p| locator.find_on(p, &entry.title)).find(|p| p.score >= 105), 0.8),
            };
            if let Some(place) = place {
                locator.take(place);
                reached = place.page;
            }
            let Some(page) = place.map(|p| p.page).or(own) else { continue };
            let confidence = if place.is_some() { confidence } else { 0.6 };
            out.push(Entry { title: clean(&entry.title), level: entry.level, page: physical(page), place, confidence });
        }
        out
    }

    fn has_text(&self, page: u32) -> bool {
        let index = usize::try_from(page).unwrap_or(0).wrapping_sub(1);
        self.book.pages.get(index).is_some_and(|p| p.lines.iter().any(|l| l.seen && !l.key.is_empty()))
    }

    /// Entries of the printed contents page that are printed as headings; empty if there are none.
    fn contents_frame(&self, notes: &mut Vec<String>) -> Vec<Entry> {
        let entries = &self.listings.entries;
        if entries.is_empty() {
            return Vec::new();
        }
        let mut locator = self.locator();
        let body = self.listings.contents_pages.last().map_or(0, |p| p + 1);
        let mut out: Vec<Entry> = Vec::new();
        let mut reached = body;
        let mut missing = 0;
        for entry in entries {
            let window = (reached + 60).min(self.book.pages.len());
            let expected = self.expected_page(&entry.label);
            let ahead = expected.into_iter().chain(reached..window);
            match ahead.filter_map(|p| locator.find_on(p, &entry.title)).find(|p| p.score >= 105) {
                Some(place) => {
                    locator.take(place);
                    reached = place.page;
                    // Over a line end only the contents page tells a hyphen of the word from one of the line.
                    let one_line = place.first == place.last;
                    let title = if one_line { self.printed(place) } else { self.unlabelled(place, &entry.title) };
                    out.push(Entry { title, level: 0, page: physical(place.page), place: Some(place), confidence: 0.95 });
                }
                None => missing += 1,
            }
        }
        if missing > 0 {
            notes.push(format!("contents page: {missing} of {} entries are not printed as headings; passed over", entries.len()));
        }
        if out.len() * 2 < entries.len() { Vec::new() } else { out }
    }

    /// Page (from 0) that prints the folio `label`, if folios are printed.
    fn expected_page(&self, label: &str) -> Option<usize> {
        let number: u32 = label.parse().ok()?;
        self.furniture.folios.iter().position(|f| f.as_ref().is_some_and(|f| !f.roman && f.number == number))
    }

    /// The title without a number that the typesetter counted.
    fn unlabelled(&self, place: Place, title: &str) -> String {
        let counted = self.book.pages[place.page].lines[place.first].counted;
        if counted { super::key::unnumbered(title).to_owned() } else { title.to_owned() }
    }

    fn printed(&self, place: Place) -> String {
        let lines = &self.book.pages[place.page].lines;
        super::key::printed_title(&lines[place.first..=place.last])
    }

    /// The first line (page and line from 0) that type may find headings from. Before the first outline entry stand cover and
    /// imprint; without an outline, the cover is what stands before the first page of running text.
    fn start_of_text(&self, frame: &[Entry], origin: Origin) -> (usize, usize) {
        if origin == Origin::Outline {
            let page = |e: &Entry| usize::try_from(e.page).unwrap_or(1).saturating_sub(1);
            return frame.first().map_or((0, 0), |e| e.place.map_or((page(e), 0), |p| (p.page, p.first)));
        }
        let texts = |p: &super::lines::PageLines| p.lines.iter().filter(|l| l.seen && Some(l.style) == self.book.body).count();
        (self.book.pages.iter().position(|p| texts(p) >= 8).unwrap_or(0), 0)
    }
}

/// Whether a block titles a list of contents, which is no section of the book unless its outline says so.
fn titles_contents(listings: &Listings, block: &Block) -> bool {
    listings.contents_pages.contains(&block.page) && listings.titles.contains(&(block.page, block.first))
}

/// Whether a block only counts the heading printed right below it ("Chapter 4" over the chapter's title).
fn is_label(book: &BookLines, block: &Block, vocabulary: &Vocabulary) -> bool {
    if !vocabulary.is_division_label(&block.title) {
        return false;
    }
    let lines = &book.pages[block.page].lines;
    let size = |l: usize| book.styles[lines[l].style].size;
    let next = lines.get(block.last + 1).filter(|n| n.seen && n.key.chars().any(char::is_alphabetic));
    let near = |n: &super::lines::Line| {
        n.baseline > lines[block.last].baseline && n.baseline - lines[block.last].baseline < 4 * size(block.last)
    };
    next.is_some_and(|n| near(n) && size(block.last + 1) * 10 >= size(block.last) * 8 && Some(n.style) != book.body)
}

fn physical(page: usize) -> u32 {
    u32::try_from(page + 1).unwrap_or(u32::MAX)
}

/// A heading that is still open while the next ones are read.
struct Open {
    level: u32,
    /// Level in the frame's own count, which may leave levels out.
    frame_level: u32,
    rank: Option<Rank>,
    /// It titles a contents or index page: what follows is no part of it.
    listing: bool,
}

/// Merges frame and typed headings in reading order and gives each its level.
fn nest(
    book: &BookLines,
    listings: &Listings,
    frame: Vec<Entry>,
    typed: &[(&Block, Certainty)],
    ranks: &Ranks,
    origin: Origin,
) -> Vec<Heading> {
    let usual = usual_levels(book, frame.iter().map(|e| (e.place, e.level)));
    let mut merged: Vec<((u32, usize), Item<'_>)> = Vec::new();
    let mut previous = (0, 0);
    for entry in frame {
        // An entry whose line was not found stands right behind the one before it, or at the top of its page.
        let at = entry.place.map_or((0, 0), |p| (physical(p.page), p.first + 1));
        let at = if entry.place.is_some() {
            at
        } else if previous.0 == entry.page {
            previous
        } else {
            (entry.page, 0)
        };
        previous = at;
        merged.push((at, Item::Known(entry)));
    }
    merged
        .extend(typed.iter().map(|(block, certainty)| ((physical(block.page), block.first + 1), Item::Typed(block, *certainty))));
    merged.sort_by_key(|(at, _)| *at);
    let mut open: Vec<Open> = Vec::new();
    let mut out: Vec<Heading> = Vec::with_capacity(merged.len());
    for (_, item) in merged {
        while open.last().is_some_and(|o| o.listing) {
            open.pop();
        }
        let heading = item.into_heading(book, ranks, origin, &usual, &mut open);
        if let Some(last) = open.last_mut() {
            last.listing = heading.place.is_some_and(|p| listings.titles.contains(&(p.page, p.first)));
        }
        out.push(heading);
    }
    out
}

enum Item<'a> {
    Known(Entry),
    Typed(&'a Block, Certainty),
}

impl Item<'_> {
    fn into_heading(
        self,
        book: &BookLines,
        ranks: &Ranks,
        origin: Origin,
        usual: &[Option<u32>],
        open: &mut Vec<Open>,
    ) -> Heading {
        match self {
            Self::Known(entry) => {
                let usual = entry.place.and_then(|p| usual[book.pages[p.page].lines[p.first].style]);
                let rank = entry
                    .place
                    .filter(|p| !p.run_in)
                    .map(|p| ranks.rank(book.pages[p.page].lines[p.first].style, depth(&book.pages[p.page].lines[p.first].text)));
                let level = if entry.level > 0 {
                    while open.last().is_some_and(|o| o.frame_level >= entry.level) {
                        open.pop();
                    }
                    // An outline that leaves a level out counts the first heading behind the hole too high: two headings
                    // of one style are siblings where the style's own level is that of the second.
                    if open.last().is_some_and(|o| rank.is_some() && o.rank == rank) && usual == Some(entry.level) {
                        open.pop();
                    }
                    push(open, entry.level, rank)
                } else {
                    by_rank(open, rank)
                };
                let own = if origin == Origin::Outline { Origin::Outline } else { Origin::ContentsPage };
                Heading {
                    title: entry.title,
                    level,
                    page: entry.page,
                    place: entry.place,
                    origin: own,
                    confidence: entry.confidence,
                }
            }
            Self::Typed(block, certainty) => {
                let level = by_rank(open, Some(ranks.rank(block.style, block.depth)));
                let confidence = match certainty {
                    Certainty::Taught => 0.9,
                    Certainty::Style => 0.8,
                    Certainty::Spaced => 0.6,
                };
                let place = Place { page: block.page, first: block.first, last: block.last, run_in: false, score: 100 };
                let page = physical(block.page);
                Heading { title: block.title.clone(), level, page, place: Some(place), origin: Origin::Type, confidence }
            }
        }
    }
}

fn depth(title: &str) -> u32 {
    super::key::numbering(title).map_or(0, |n| n.0)
}

/// Closes what is not higher than `rank`, and opens a heading below what remains.
fn by_rank(open: &mut Vec<Open>, rank: Option<Rank>) -> u32 {
    while open.last().is_some_and(|o| matches!((o.rank, rank), (Some(above), Some(own)) if above >= own)) {
        open.pop();
    }
    let frame_level = open.last().map_or(1, |o| o.frame_level + 1);
    push(open, frame_level, rank)
}

fn push(open: &mut Vec<Open>, frame_level: u32, rank: Option<Rank>) -> u32 {
    let level = open.last().map_or(1, |o| o.level + 1);
    open.push(Open { level, frame_level, rank, listing: false });
    level
}

/// The level that most headings of each style have.
fn usual_levels(book: &BookLines, headings: impl Iterator<Item = (Option<Place>, u32)>) -> Vec<Option<u32>> {
    let mut counts: Vec<BTreeMap<u32, u32>> = vec![BTreeMap::new(); book.styles.len()];
    for (place, level) in headings {
        if let Some(place) = place.filter(|p| !p.run_in) {
            *counts[book.pages[place.page].lines[place.first].style].entry(level).or_default() += 1;
        }
    }
    counts.iter().map(|c| c.iter().max_by_key(|(level, n)| (**n, std::cmp::Reverse(**level))).map(|(level, _)| *level)).collect()
}

/// Whether two titles are prints of one.
#[must_use]
pub fn same_title(a: &str, b: &str) -> bool {
    compact(a) == compact(b)
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
