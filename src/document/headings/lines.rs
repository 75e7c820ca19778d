//! A book as lines with styles: what matching and heading detection look at. Styles are interned over all pages; each line
//! knows its key, its main style, whether it is set in one style, and the space above and below it.
//! Knows nothing of what a line means.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::key::{compact, numbering};
use crate::document::page_text::{FontStyle, PageText, TextLine, Visibility};

/// A type style, sizes in 1/100 pt (to 1/2 pt).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeStyle {
    pub font: String,
    pub size: i32,
    pub bold: bool,
    pub italic: bool,
    pub color: u32,
}

/// One line of a page.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pub text: String,
    /// `key::compact` of the text.
    pub key: String,
    /// The key without a leading number, where it has one.
    pub bare: Option<String>,
    /// Its leading number is set off by an em or more, as typesetting programs set the numbers that they count themselves.
    pub counted: bool,
    /// Style of most of its letters: an index into `BookLines::styles`.
    pub style: usize,
    /// Every letter is in `style`, or in one of the same size and weight.
    pub uniform: bool,
    /// Length of the key of its first run of one style and weight, where that run is bold or larger than the rest.
    pub lead: usize,
    /// Style of that run.
    pub lead_style: usize,
    pub x: i32,
    pub right: i32,
    pub baseline: i32,
    pub top: i32,
    pub region: u16,
    /// Wide gaps inside the line: it is a row of cells.
    pub cells: usize,
    /// What stands between those gaps, if there are any, left to right.
    pub runs: Vec<Run>,
    /// Baseline distance to the nearest line above (below) that shares some of its width; `FAR` if there is none.
    pub above: i32,
    pub below: i32,
    /// Another line of its column stands at its height, to its left or right: they are cells of one row.
    pub beside: bool,
    /// Shown upright to the reader of the page.
    pub seen: bool,
}

/// A part of a line that wide gaps set apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    pub x: i32,
    pub right: i32,
    pub text: String,
}

/// One page.
#[derive(Clone, Debug, Default)]
pub struct PageLines {
    pub width: i32,
    pub height: i32,
    pub lines: Vec<Line>,
}

/// All pages of a book or of a part of it.
#[derive(Clone, Debug, Default)]
pub struct BookLines {
    pub pages: Vec<PageLines>,
    pub styles: Vec<TypeStyle>,
    /// The style of running text: the one that most letters are in.
    pub body: Option<usize>,
    /// Usual baseline distance of running text, 1/100 pt.
    pub leading: i32,
}

/// Farther than any line from its neighbour: 20,000 pt, beyond the largest page. Coordinates are held within ± this, so that
/// sums and products of hostile ones stay in range.
pub const FAR: i32 = 2_000_000;

/// A face with more sizes than this was fitted to widths, and its sizes are good to 8 % only: a designer uses a handful.
const FITTED_SIZES: usize = 15;

impl BookLines {
    /// Reads pages in order.
    #[must_use]
    pub fn read(pages: &[&PageText]) -> Self {
        let sizes = SizeScale::of(pages);
        let mut interned: HashMap<TypeStyle, usize> = HashMap::new();
        let mut book = Self::default();
        let mut letters: Vec<u64> = Vec::new();
        for page in pages {
            let ids: Vec<usize> = page
                .fonts
                .iter()
                .map(|font| {
                    let style = sizes.style_of(font);
                    let next = interned.len();
                    *interned.entry(style.clone()).or_insert_with(|| {
                        book.styles.push(style);
                        letters.push(0);
                        next
                    })
                })
                .collect();
            let mut lines: Vec<Line> = page.lines.iter().map(|line| read_line(line, &ids, &book.styles)).collect();
            for (line, raw) in lines.iter().zip(&page.lines) {
                for span in raw.spans.iter().filter(|_| line.seen) {
                    if let Some(count) = ids.get(usize::from(span.font)).and_then(|id| letters.get_mut(*id)) {
                        *count += span.text.chars().count() as u64;
                    }
                }
            }
            measure_gaps(&mut lines);
            book.pages.push(PageLines { width: held(page.width), height: held(page.height), lines });
        }
        book.body = (0..letters.len()).filter(|i| letters[*i] > 0).max_by_key(|i| (letters[*i], std::cmp::Reverse(*i)));
        book.leading = book.usual_leading();
        book
    }

    /// Number of letters of each style, in style order.
    #[must_use]
    pub fn letters_by_style(&self) -> Vec<u64> {
        let mut counts = vec![0; self.styles.len()];
        for line in self.pages.iter().flat_map(|p| &p.lines).filter(|l| l.seen) {
            if let Some(count) = counts.get_mut(line.style) {
                *count += line.text.chars().count() as u64;
            }
        }
        counts
    }

    /// The style of running text, or an empty one.
    #[must_use]
    pub fn body_style(&self) -> TypeStyle {
        self.body.and_then(|b| self.styles.get(b)).cloned().unwrap_or_default()
    }

    fn usual_leading(&self) -> i32 {
        let mut counts: BTreeMap<i32, u32> = BTreeMap::new();
        for line in self.pages.iter().flat_map(|p| &p.lines).filter(|l| Some(l.style) == self.body && l.above < 10_000) {
            *counts.entry(line.above / 10).or_default() += 1;
        }
        let usual = counts.iter().max_by_key(|(gap, n)| (**n, std::cmp::Reverse(**gap))).map(|(gap, _)| gap * 10 + 5);
        usual.unwrap_or_else(|| self.body_style().size.max(800) * 12 / 10)
    }
}

/// Sizes as styles use them: to the half point, or, in books whose text was fitted to widths, the peaks of the histogram.
struct SizeScale {
    peaks: BTreeMap<(bool, bool, i32), i32>,
}

impl SizeScale {
    fn of(pages: &[&PageText]) -> Self {
        let mut exact: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
        for font in pages.iter().flat_map(|page| &page.fonts) {
            exact.entry(&font.name).or_default().insert(font.size / 5);
        }
        let mut peaks = BTreeMap::new();
        if exact.values().all(|sizes| sizes.len() <= FITTED_SIZES) {
            return Self { peaks };
        }
        let mut counts: BTreeMap<(bool, bool), BTreeMap<i32, u64>> = BTreeMap::new();
        for page in pages {
            for span in page.lines.iter().flat_map(|l| &l.spans) {
                if let Some(font) = page.fonts.get(usize::from(span.font)) {
                    let letters = span.text.chars().count() as u64;
                    *counts.entry((font.bold, font.italic)).or_default().entry(half_points(font.size)).or_default() += letters;
                }
            }
        }
        for ((bold, italic), histogram) in counts {
            for (size, peak) in peaks_of(&histogram) {
                peaks.insert((bold, italic, size), peak);
            }
        }
        Self { peaks }
    }

    fn style_of(&self, font: &FontStyle) -> TypeStyle {
        let half = half_points(font.size);
        let peak = self.peaks.get(&(font.bold, font.italic, half)).copied().unwrap_or(half);
        let name = if self.peaks.is_empty() { font.name.clone() } else { String::new() };
        TypeStyle { font: name, size: peak * 50, bold: font.bold, italic: font.italic, color: font.color }
    }
}

fn half_points(size: i32) -> i32 {
    (size.clamp(0, FAR / 10) + 25) / 50
}

/// Every size → the peak it belongs to: it climbs to its more frequent neighbour (within a half point) while there is one, and
/// from a rare size to a frequent one a point above, for text is fitted by making it smaller.
fn peaks_of(histogram: &BTreeMap<i32, u64>) -> BTreeMap<i32, i32> {
    let at = |size: i32| histogram.get(&size).copied().unwrap_or(0);
    histogram
        .keys()
        .map(|&start| {
            let mut size = start;
            loop {
                let near = if at(size + 1) >= at(size - 1) { size + 1 } else { size - 1 };
                let next = if at(near) == 0 { size + 2 } else { near };
                if at(next) <= at(size) {
                    break (start, size);
                }
                size = next;
            }
        })
        .collect()
}

fn read_line(line: &TextLine, ids: &[usize], styles: &[TypeStyle]) -> Line {
    let text = line.text();
    let (key, numbered) = (compact(&text), numbering(&text));
    // Few styles meet in a line.
    let mut weights: Vec<(usize, usize)> = Vec::new();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for span in &line.spans {
        let Some(&style) = ids.get(usize::from(span.font)) else { continue };
        let letters = if line.spans.len() == 1 { key.len() } else { compact(&span.text).len() };
        if letters > 0 {
            match weights.iter_mut().find(|(known, _)| *known == style) {
                Some((_, weight)) => *weight += letters,
                None => weights.push((style, letters)),
            }
            runs.push((style, letters));
        }
    }
    let style = weights.iter().max_by_key(|(id, n)| (*n, std::cmp::Reverse(*id))).map_or(0, |(id, _)| *id);
    let alike = |a: usize, b: usize| match (styles.get(a), styles.get(b)) {
        (Some(a), Some(b)) => a.bold == b.bold && (a.size - b.size).abs() <= 100 && a.color == b.color,
        _ => false,
    };
    let size = styles.get(style).map_or(1000, |s| s.size);
    let lead: usize =
        runs.iter().take_while(|(id, _)| runs.first().is_some_and(|(first, _)| alike(*first, *id))).map(|r| r.1).sum();
    Line {
        key,
        bare: numbered.map(|(_, start)| compact(text.get(start..).unwrap_or(""))),
        counted: line.spans.len() > 1
            && numbered.is_some_and(|(_, start)| text.get(..start).unwrap_or("").trim() == line.spans[0].text.trim()),
        uniform: runs.iter().all(|(id, _)| alike(style, *id)),
        lead,
        lead_style: runs.first().map_or(style, |r| r.0),
        style,
        x: held(line.rect.x),
        right: held(line.rect.x.saturating_add(line.rect.w)),
        top: held(line.rect.y),
        baseline: held(line.baseline),
        region: line.region,
        cells: wide_gaps(line, size),
        runs: runs_of(line, size),
        above: FAR,
        below: FAR,
        beside: false,
        seen: line.visibility == Visibility::Visible && line.rotation == 0,
        text,
    }
}

fn held(length: i32) -> i32 {
    length.clamp(-FAR, FAR)
}

/// Gaps of more than one and a half em inside the line; the one after a leading number does not count.
fn wide_gaps(line: &TextLine, size: i32) -> usize {
    let pairs = line.spans.windows(2);
    pairs
        .enumerate()
        .filter(|(i, pair)| {
            let number = *i == 0 && pair[0].text.trim().chars().all(|c| c.is_ascii_digit() || c == '.');
            !number && held(pair[1].x) - held(pair[0].x.saturating_add(pair[0].w)) > size * 3 / 2
        })
        .count()
}

/// The parts of a line between gaps of more than one and a half em; none if there is no such gap.
fn runs_of(line: &TextLine, size: i32) -> Vec<Run> {
    if line.spans.len() < 2 {
        return Vec::new();
    }
    let mut runs: Vec<Run> = Vec::new();
    for span in line.spans.iter().filter(|s| !s.text.trim().is_empty()) {
        let (x, right) = (held(span.x), held(span.x.saturating_add(span.w)));
        match runs.last_mut() {
            Some(run) if x - run.right <= size * 3 / 2 => {
                run.right = run.right.max(right);
                run.text.push_str(&span.text);
            }
            _ => runs.push(Run { x, right, text: span.text.clone() }),
        }
    }
    if runs.len() > 1 { runs } else { Vec::new() }
}

/// Baselines closer than this share of the type size, in percent, are those of one row: lines of text stand a size apart.
const ROW_PERCENT: i32 = 90;

/// Cells of one row are set in type of less than 30 pt.
const FAR_ROW: i32 = 2_700;

/// Whether two lines are cells of one row, the second not above the first.
fn share_a_row(a: &Line, b: &Line) -> bool {
    // The top of a line lies three quarters of its size over its baseline.
    let size = (a.baseline - a.top).min(b.baseline - b.top) * 4 / 3;
    let apart = a.right <= b.x || b.right <= a.x;
    a.region == b.region && apart && (b.baseline - a.baseline) * 100 < size * ROW_PERCENT
}

/// Fills `above`, `below` and `beside`. Lines of one baseline are neighbours, not above one another.
fn measure_gaps(lines: &mut [Line]) {
    let mut order: Vec<usize> = (0..lines.len()).filter(|i| lines[*i].seen).collect();
    order.sort_by_key(|i| (lines[*i].baseline, *i));
    for (place, &i) in order.iter().enumerate() {
        let shares = |j: usize| lines[i].x.max(lines[j].x) < lines[i].right.min(lines[j].right);
        let above = order[..place].iter().rev().copied().find(|j| shares(*j) && lines[i].baseline - lines[*j].baseline > 150);
        if let Some(j) = above {
            let gap = (lines[i].baseline - lines[j].baseline).min(FAR - 1);
            lines[i].above = gap;
            lines[j].below = lines[j].below.min(gap);
        }
        let reach = |j: &usize| lines[*j].baseline - lines[i].baseline < FAR_ROW;
        let cells: Vec<usize> =
            order[place + 1..].iter().copied().take_while(reach).filter(|j| share_a_row(&lines[i], &lines[*j])).collect();
        for j in cells {
            (lines[i].beside, lines[j].beside) = (true, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::page_text::{Rect, Span};

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
    fn the_commonest_style_is_the_body_and_gaps_are_measured() {
        let page = page(&[(10_000, 1, "Head"), (13_000, 0, "some running text"), (14_200, 0, "and more of it")]);
        let book = BookLines::read(&[&page]);
        assert_eq!(book.body_style().size, 1000);
        assert_eq!(book.pages[0].lines[0].below, 3000);
        assert_eq!(book.pages[0].lines[2].above, 1200);
        assert_eq!(book.leading, 1205);
    }

    #[test]
    fn fitted_sizes_climb_to_their_peak() {
        let histogram = BTreeMap::from([(33, 10), (34, 74), (35, 54), (36, 10), (23, 121), (22, 27)]);
        let peaks = peaks_of(&histogram);
        assert_eq!((peaks[&36], peaks[&33], peaks[&22]), (34, 34, 23));
    }
}
