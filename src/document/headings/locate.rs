//! Where a known title is printed: which lines of which page it covers. Used on the entries of an outline or contents page,
//! and by the parser to find the heading of every section of a part.
//! A title may run over several lines, be numbered in print and not in the title (or the other way round), or open a
//! paragraph (run-in). Where it stands more than once, type decides: the larger, bolder, freer line; then reading order.
//! Built on the lines and keys of crate::document::headings.

use std::collections::BTreeSet;

use super::key::{compact, unnumbered};
use super::lines::{BookLines, Line, TypeStyle};
use crate::document::page_text::PageText;
use crate::document::profile::Style;

/// A title of more lines than this is a paragraph.
const MAX_LINES: usize = 6;

/// A printed heading: lines `first..=last` of page `page`, all counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub page: usize,
    pub first: usize,
    pub last: usize,
    /// The heading opens a line that goes on with text: only the first letters of `first` are the heading.
    pub run_in: bool,
    /// How well type speaks for it; 100 and above is a whole line, and more for size and weight.
    pub score: i32,
}

/// A title to be found on a page (1-based, within the pages given).
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub title: &'a str,
    pub page: u32,
}

/// Finds the headings of sections, given in reading order, each on its own page only. `styles` are the profile's: those
/// with a heading level are preferred. Lines are not given to two titles. Pure; `None` where a title is not printed.
#[must_use]
pub fn locate_sections(pages: &[&PageText], wanted: &[Wanted<'_>], styles: &[Style]) -> Vec<Option<Place>> {
    let book = BookLines::read(pages);
    let mut locator = Locator::new(&book);
    locator.prefer(|style| styles.iter().any(|s| s.heading_level.is_some() && matches(s, style)));
    wanted
        .iter()
        .map(|w| {
            let page = usize::try_from(w.page).ok()?.checked_sub(1)?;
            let place = locator.find_on(page, w.title)?;
            locator.take(place);
            Some(place)
        })
        .collect()
}

/// Whether a profile style is this type style.
#[must_use]
pub fn matches(profile: &Style, style: &TypeStyle) -> bool {
    let same_font = style.font.is_empty() || profile.font == style.font;
    same_font
        && i64::from(profile.half_points) * 50 == i64::from(style.size)
        && profile.bold == style.bold
        && profile.italic == style.italic
}

/// Finds titles on the pages of a book, each line at most once.
#[derive(Debug)]
pub struct Locator<'a> {
    book: &'a BookLines,
    body: TypeStyle,
    preferred: Vec<bool>,
    skipped: BTreeSet<(usize, usize)>,
    used: BTreeSet<(usize, usize)>,
    cursor: (usize, usize),
}

impl<'a> Locator<'a> {
    #[must_use]
    pub fn new(book: &'a BookLines) -> Self {
        let (preferred, body) = (vec![false; book.styles.len()], book.body_style());
        Self { book, body, preferred, skipped: BTreeSet::new(), used: BTreeSet::new(), cursor: (0, 0) }
    }

    /// Styles that headings are known to be set in.
    pub fn prefer(&mut self, is_heading: impl Fn(&TypeStyle) -> bool) {
        self.preferred = self.book.styles.iter().map(is_heading).collect();
    }

    /// Never match this line (furniture, contents entries).
    pub fn skip(&mut self, page: usize, line: usize) {
        self.skipped.insert((page, line));
    }

    /// Marks the lines of `place` as given away; what follows is preferred from here on.
    pub fn take(&mut self, place: Place) {
        for line in place.first..=place.last {
            self.used.insert((place.page, line));
        }
        self.cursor = (place.page, place.last + 1);
    }

    /// The best place of `title` on `page` (from 0).
    #[must_use]
    pub fn find_on(&self, page: usize, title: &str) -> Option<Place> {
        let lines = &self.book.pages.get(page)?.lines;
        let whole = compact(title);
        let bare = compact(unnumbered(title));
        if whole.is_empty() {
            return None;
        }
        let free = |l: usize| lines[l].seen && !self.skipped.contains(&(page, l)) && !self.used.contains(&(page, l));
        let mut best: Option<Place> = None;
        for (first, line) in lines.iter().enumerate().filter(|(_, line)| !line.key.is_empty()) {
            let printed_bare = line.bare.as_ref().unwrap_or(&line.key);
            let forms = [(&line.key, &whole, 0), (printed_bare, &whole, 4), (&line.key, &bare, 8), (printed_bare, &bare, 8)];
            if !forms.iter().any(|(start, wanted, _)| may_begin_alike(start, wanted)) || !free(first) {
                continue;
            }
            for (start, wanted, penalty) in forms {
                if let Some(place) = self.match_at(page, first, start, wanted, &free) {
                    let place = Place { score: place.score - penalty, ..place };
                    if best.is_none_or(|b| place.score > b.score) {
                        best = Some(place);
                    }
                }
            }
        }
        best
    }

    fn match_at(&self, page: usize, first: usize, start: &str, wanted: &str, free: &impl Fn(usize) -> bool) -> Option<Place> {
        let lines = &self.book.pages[page].lines;
        let mut rest = wanted.strip_prefix(start);
        let mut last = first;
        while let Some(missing) = rest.filter(|r| !r.is_empty()) {
            last += 1;
            if last >= lines.len() || last - first >= MAX_LINES || !free(last) || lines[last].key.is_empty() {
                return None;
            }
            rest = missing.strip_prefix(lines[last].key.as_str());
        }
        let line = &lines[first];
        if rest.is_some() {
            let score = 100 + self.type_score(line) + self.order_score(page, first);
            return Some(Place { page, first, last, run_in: false, score });
        }
        let opens = start.strip_prefix(wanted).is_some_and(|after| !after.is_empty()) && line.lead == wanted.len();
        opens.then(|| Place { page, first, last: first, run_in: true, score: 45 + self.order_score(page, first) })
    }

    fn type_score(&self, line: &Line) -> i32 {
        let style = &self.book.styles[line.style];
        let larger = ((style.size - self.body.size) / 50).clamp(-4, 20);
        let bolder = if style.bold && !self.body.bold { 10 } else { 0 };
        let coloured = if style.color == self.body.color { 0 } else { 5 };
        let known = if self.preferred[line.style] { 30 } else { 0 };
        let plain = if line.uniform && line.cells == 0 { 0 } else { -15 };
        let free = if line.above > self.book.leading * 5 / 4 { 5 } else { 0 };
        larger + bolder + coloured + known + plain + free
    }

    fn order_score(&self, page: usize, first: usize) -> i32 {
        if (page, first) >= self.cursor { 8 } else { 0 }
    }
}

/// Whether one of two keys may begin with the other: most lines are told from a title by their first letter.
fn may_begin_alike(a: &str, b: &str) -> bool {
    a.as_bytes().first().zip(b.as_bytes().first()).is_none_or(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::page_text::{FontStyle, Rect, Span, TextLine};

    fn page(lines: &[(i32, u16, &str)]) -> PageText {
        let font = |size, bold| FontStyle { name: "F".into(), size, bold, ..FontStyle::default() };
        let lines = lines.iter().map(|&(y, font, text)| TextLine {
            rect: Rect { x: 1000, y: y - 800, w: 5000, h: 1000 },
            baseline: y,
            spans: vec![Span { font, x: 1000, w: 5000, text: text.into() }],
            ..TextLine::default()
        });
        PageText {
            width: 60_000,
            height: 80_000,
            fonts: vec![font(1000, false), font(1400, true)],
            lines: lines.collect(),
            ..PageText::default()
        }
    }

    #[test]
    fn a_heading_is_found_over_two_lines_and_before_a_cell_of_its_name() {
        let page = page(&[
            (10_000, 0, "Skin"),
            (20_000, 1, "2.1 The Long Docu-"),
            (21_600, 1, "ment"),
            (30_000, 1, "Skin"),
            (40_000, 0, "running text of the page"),
        ]);
        let wanted = [
            Wanted { title: "The Long Document", page: 1 },
            Wanted { title: "Skin", page: 1 },
            Wanted { title: "Hair", page: 1 },
        ];
        let found = locate_sections(&[&page], &wanted, &[]);
        assert_eq!(found[0].map(|p| (p.first, p.last)), Some((1, 2)));
        assert_eq!(found[1].map(|p| p.first), Some(3));
        assert_eq!(found[2], None);
    }

    #[test]
    fn equal_titles_are_given_out_in_order() {
        let page = page(&[(10_000, 1, "Range"), (20_000, 0, "text text text text"), (30_000, 1, "Range")]);
        let wanted = [Wanted { title: "Range", page: 1 }, Wanted { title: "Range", page: 1 }, Wanted { title: "Range", page: 1 }];
        let firsts: Vec<_> = locate_sections(&[&page], &wanted, &[]).into_iter().map(|p| p.map(|p| p.first)).collect();
        assert_eq!(firsts, [Some(0), Some(2), None]);
    }
}
