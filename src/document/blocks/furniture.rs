//! What pages print beside the text: running heads and folios at their edges, contents pages, the index. Found by position,
//! recurrence and the sequence of page numbers; the book's profile helps where a part is too short to show a recurrence.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::Line;
use crate::document::headings::furniture::roman_value;
use crate::document::headings::key::compact;
use crate::document::profile::SourceProfile;

/// Why a line is no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Furniture {
    RunningHead,
    Folio,
    Contents,
    Index,
}

impl Furniture {
    /// As `metadata.furniture` names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RunningHead => "running_head",
            Self::Folio => "folio",
            Self::Contents => "contents",
            Self::Index => "index",
        }
    }
}

/// Head and foot margins with their running heads take at most this share of a page's height each.
const EDGE_PERCENT: i32 = 15;
/// A running head is a title, not a sentence.
const LONGEST_HEAD_CHARS: usize = 100;
/// Baselines this close are one printed line, 1/100 pt: layout programs jitter by less than a point.
const SAME_BASELINE: i32 = 200;

/// The furniture of a part: for each page, for each of its lines. `heights` are those of the pages.
#[must_use]
pub fn find(pages: &[Vec<Line<'_>>], heights: &[i32], profile: Option<&SourceProfile>) -> Vec<Vec<Option<Furniture>>> {
    let mut found: Vec<Vec<Option<Furniture>>> = pages.iter().map(|p| vec![None; p.len()]).collect();
    let edges = edges(pages, heights);
    mark_edges(pages, &edges, profile, &mut found);
    let titles: BTreeSet<String> =
        profile.map_or_else(BTreeSet::new, |p| p.furniture_titles.iter().map(|t| compact(t)).collect());
    mark_lists_of_pages(pages, &titles, &mut found);
    found
}

/// A line at the head or foot of a page.
struct Edge {
    page: usize,
    line: usize,
    /// White space towards the text, in hundredths of the line's size; i32::MAX if nothing else is printed.
    gap: i32,
    /// The text with digits as one `#`, lower case.
    pattern: String,
    /// Patterns of its cells, where it has several, with letters.
    runs: Vec<String>,
    /// Nothing is printed further out.
    outermost: bool,
    /// Numbers that may be the page's: its first and last token.
    numbers: Vec<i64>,
}

fn edges(pages: &[Vec<Line<'_>>], heights: &[i32]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (page, lines) in pages.iter().enumerate() {
        let height = heights.get(page).copied().unwrap_or(0);
        let reach = height / 100 * EDGE_PERCENT;
        let mut baselines: Vec<i32> = lines.iter().filter(|l| l.is_plain()).map(|l| l.baseline).collect();
        baselines.sort_unstable();
        baselines.dedup_by(|b, a| *b - *a <= SAME_BASELINE);
        for (index, line) in lines.iter().enumerate() {
            if !line.is_plain() || line.chars() > LONGEST_HEAD_CHARS {
                continue;
            }
            let Some(rank) = baselines.iter().rposition(|b| *b <= line.baseline) else { continue };
            let (top, bottom) =
                (rank < 2 && line.baseline <= reach, rank + 2 >= baselines.len() && line.baseline >= height - reach);
            if top || bottom {
                let towards = if top { baselines.get(rank + 1) } else { rank.checked_sub(1).and_then(|r| baselines.get(r)) };
                let gap = towards.map_or(i32::MAX, |b| (b - baselines[rank]).abs().saturating_mul(100) / line.size());
                let numbers = numbers(&line.text);
                let outermost = rank == 0 || rank + 1 == baselines.len();
                let lettered = line.cells.iter().filter(|c| line.cells.len() > 1 && c.text.chars().any(char::is_alphabetic));
                let runs = lettered.map(|c| pattern(&c.text)).collect();
                edges.push(Edge { page, line: index, gap, outermost, pattern: pattern(&line.text), runs, numbers });
            }
        }
    }
    edges
}

/// A text with each run of digits as `#`, lower case, spaces normalised; a Roman numeral by itself is a `#` too.
fn pattern(text: &str) -> String {
    let alone = text.trim();
    if alone.chars().all(|c| c.is_ascii_lowercase()) && roman_value(alone).is_some() {
        return "#".to_owned();
    }
    let mut out = String::new();
    for c in text.to_lowercase().chars() {
        match c {
            c if c.is_ascii_digit() || c == '#' => {
                if !out.ends_with('#') {
                    out.push('#');
                }
            }
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

fn numbers(text: &str) -> Vec<i64> {
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let read = |t: &&str| t.trim_matches(|c: char| !c.is_alphanumeric()).parse::<i64>().ok().or_else(|| roman(t));
    let mut out: Vec<i64> = tokens.first().and_then(read).into_iter().chain(tokens.last().and_then(read)).collect();
    out.dedup();
    out
}

/// The value of a lower-case Roman numeral below 100, as front matter counts its pages.
fn roman(token: &str) -> Option<i64> {
    let value = |c| match c {
        'i' => Some(1),
        'v' => Some(5),
        'x' => Some(10),
        'l' => Some(50),
        _ => None,
    };
    let digits: Option<Vec<i64>> = token.chars().map(value).collect();
    let digits = digits.filter(|d| !d.is_empty() && d.len() < 9)?;
    Some(digits.iter().enumerate().map(|(i, d)| if digits.get(i + 1).is_some_and(|next| next > d) { -d } else { *d }).sum())
}

/// White space of this many hundredths of its size parts a running head from the text; table headers stand closer.
const HEAD_GAP: i32 = 170;

fn mark_edges(pages: &[Vec<Line<'_>>], edges: &[Edge], profile: Option<&SourceProfile>, found: &mut [Vec<Option<Furniture>>]) {
    let known: BTreeSet<String> = profile.map_or_else(BTreeSet::new, |p| p.running_heads.iter().map(|h| pattern(h)).collect());
    let offset = folio_offset(edges, pages.len());
    // Patterns by the pages that print them at their edge.
    let mut recurring: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for edge in edges.iter().filter(|e| e.gap >= HEAD_GAP) {
        recurring.entry(&edge.pattern).or_default().insert(edge.page);
    }
    let mut runs: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for edge in edges.iter().filter(|e| e.gap >= HEAD_GAP && e.outermost) {
        for run in &edge.runs {
            runs.entry(run).or_default().insert(edge.page);
        }
    }
    for edge in edges {
        let text = &pages[edge.page][edge.line].text;
        let apart = edge.gap >= HEAD_GAP;
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        let bare = (letters <= 4 || edge.pattern == "#") && !edge.numbers.is_empty();
        let counted = edge.outermost && offset.is_some_and(|o| edge.numbers.iter().any(|n| n - edge.page as i64 == o));
        let on = recurring.get(edge.pattern.as_str()).map_or(0, BTreeSet::len);
        let repeated = on >= 3 || on * 2 > pages.len() && on > 1;
        // The book's title recurs, the chapter's beside it need not.
        let titled = edge.outermost
            && edge.runs.iter().any(|run| known.contains(run) || runs.get(run.as_str()).is_some_and(|on| on.len() >= 3));
        // A bare number is a folio only where nothing is printed further out: elsewhere it is a table's.
        if apart && (counted || titled || (repeated || known.contains(&edge.pattern)) && (edge.outermost || !bare)) {
            found[edge.page][edge.line] = Some(if bare { Furniture::Folio } else { Furniture::RunningHead });
        }
    }
    // What stands on one printed line with a folio or running head is one too.
    for edge in edges.iter().filter(|e| e.gap >= HEAD_GAP) {
        let baseline = pages[edge.page][edge.line].baseline;
        let beside =
            |(other, f): (&Line<'_>, &Option<Furniture>)| f.is_some() && (other.baseline - baseline).abs() <= SAME_BASELINE;
        if found[edge.page][edge.line].is_none() && pages[edge.page].iter().zip(&found[edge.page]).any(beside) {
            found[edge.page][edge.line] = Some(Furniture::RunningHead);
        }
    }
}

/// What to add to a page's index to get its printed number: the difference that most pages agree on.
fn folio_offset(edges: &[Edge], pages: usize) -> Option<i64> {
    let mut votes: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
    for edge in edges {
        for n in &edge.numbers {
            votes.entry(n - edge.page as i64).or_default().insert(edge.page);
        }
    }
    let (offset, agreed) = votes.iter().max_by_key(|(offset, p)| (p.len(), std::cmp::Reverse(**offset)))?;
    (agreed.len() >= 2 && agreed.len() * 5 >= pages * 2).then_some(*offset)
}

/// Pages that list pages: contents by leaders or rising numbers under a known title, the index by trailing numbers.
fn mark_lists_of_pages(pages: &[Vec<Line<'_>>], titles: &BTreeSet<String>, found: &mut [Vec<Option<Furniture>>]) {
    let mut running: Option<Furniture> = None;
    for (page, lines) in pages.iter().enumerate() {
        let text: Vec<usize> = (0..lines.len()).filter(|i| found[page][*i].is_none() && lines[*i].is_plain()).collect();
        let title = text.iter().position(|i| is_title(&lines[*i].text, titles));
        let from = if running.is_some() { 0 } else { title.unwrap_or(0) };
        let listed = &text[from.min(text.len())..];
        // A list of pages may end within a page, and the text begin below it.
        let listed = if running.is_none() && title.is_some() { led(lines, listed) } else { listed };
        let shape = Shape::of(lines, listed);
        let kind = match title.map(|t| compact(&lines[text[t]].text)) {
            Some(t) if t.contains("index") => Some(Furniture::Index),
            Some(_) => Some(Furniture::Contents),
            None => running,
        };
        running = match kind {
            Some(Furniture::Index) if shape.numbered * 10 >= shape.lines * 3 => Some(Furniture::Index),
            Some(Furniture::Contents) if shape.is_contents() => Some(Furniture::Contents),
            _ if shape.has_leaders() => Some(Furniture::Contents),
            _ => None,
        };
        if let Some(kind) = running {
            let start = if title.is_some() || shape.first.is_none() { 0 } else { shape.first.unwrap_or(0) };
            let end = if kind == Furniture::Index { listed.len() } else { shape.last.map_or(0, |l| l + 1) };
            for index in listed.get(start..end).unwrap_or_default() {
                found[page][*index] = Some(kind);
            }
            if end < listed.len() {
                running = None;
            }
        }
    }
}

/// The lines of a list of pages under its title, up to the last one with a leader, if only a wrapped entry parts them here and
/// there; all lines if there are no leaders.
fn led<'i>(lines: &[Line<'_>], listed: &'i [usize]) -> &'i [usize] {
    let has_leader = |i: &usize| lines[*i].text.contains("...") && trailing_number(&lines[*i].text).is_some();
    let (mut end, mut without) = (0, 0);
    for (at, index) in listed.iter().enumerate().skip(1) {
        (end, without) = if has_leader(index) { (at + 1, 0) } else { (end, without + 1) };
        if without > LINES_OF_ENTRY {
            break;
        }
    }
    if end > 0 { &listed[..end] } else { listed }
}

/// An entry of a list of pages that is wrapped, or stands above others without a page of its own, has no more lines than this.
const LINES_OF_ENTRY: usize = 2;

/// Titles that mark such pages in any book; the profile adds those of this one.
fn is_title(text: &str, titles: &BTreeSet<String>) -> bool {
    let title = compact(text);
    titles.contains(&title) || ["contents", "tableofcontents", "index"].contains(&title.as_str())
}

/// How the lines of a page end.
struct Shape {
    lines: usize,
    numbered: usize,
    leaders: usize,
    /// Pairs of neighbouring numbers that do not fall.
    rising: usize,
    first: Option<usize>,
    last: Option<usize>,
}

impl Shape {
    fn of(lines: &[Line<'_>], listed: &[usize]) -> Self {
        let mut shape = Self { lines: listed.len(), numbered: 0, leaders: 0, rising: 0, first: None, last: None };
        let mut before: Option<i64> = None;
        for (at, index) in listed.iter().enumerate() {
            let text = &lines[*index].text;
            let Some(number) = trailing_number(text) else { continue };
            shape.numbered += 1;
            shape.leaders +=
                usize::from(text.contains("...") || text.contains(". . .") || text.contains('…') || text.contains("·····"));
            shape.rising += usize::from(before.is_none_or(|b| b <= number));
            before = Some(number);
            shape.first.get_or_insert(at);
            shape.last = Some(at);
        }
        shape
    }

    /// Under a contents title: at least half of the lines end in page numbers, which hardly ever fall.
    fn is_contents(&self) -> bool {
        self.numbered >= 3 && self.numbered * 2 >= self.lines && self.rising * 10 >= self.numbered * 8
    }

    /// Without one: dotted leaders, which nothing but a list of pages has on most of its lines.
    fn has_leaders(&self) -> bool {
        self.leaders >= 4 && self.leaders * 2 >= self.lines && self.rising * 10 >= self.numbered * 8
    }
}

fn trailing_number(text: &str) -> Option<i64> {
    let digits = text.trim_end().rsplit(|c: char| !c.is_ascii_digit()).next().filter(|d| !d.is_empty() && d.len() <= 4);
    digits.and_then(|d| d.parse().ok()).or_else(|| text.split_whitespace().last().filter(|_| text.contains(' ')).and_then(roman))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::blocks::lines::{
        of_page,
        tests::{Printed, page},
    };

    #[test]
    fn folios_that_count_the_pages_are_found_and_numbers_that_do_not_are_text() {
        let texts: Vec<[String; 3]> =
            (0..4).map(|i| [format!("{} The Deep", 10 + i), "Some text here".into(), "45".into()]).collect();
        let pages: Vec<_> = texts
            .iter()
            .map(|t| {
                page(&[(3000, &[(5000, 4000, 0, &t[0])]), (30000, &[(5000, 9000, 0, &t[1])]), (31200, &[(5000, 500, 0, &t[2])])])
            })
            .collect();
        let lines: Vec<_> = pages.iter().enumerate().map(|(i, p)| of_page(i as u32 + 1, p)).collect();
        let found = find(&lines, &[80000; 4], None);
        assert!(found.iter().all(|p| p[0] == Some(Furniture::RunningHead) && p[1].is_none() && p[2].is_none()));
    }

    #[test]
    fn a_page_of_dotted_leaders_is_contents() {
        let rows: Vec<String> = (1..9).map(|i| format!("Chapter {i} ........ {}", i * 7)).collect();
        let spans: Vec<[(i32, i32, u16, &str); 1]> = rows.iter().map(|r| [(5000, 20000, 0, r.as_str())]).collect();
        let lines: Vec<(i32, &[Printed<'_>])> =
            spans.iter().enumerate().map(|(i, s)| (20000 + i as i32 * 1200, s.as_slice())).collect();
        let text = page(&lines);
        assert!(find(&[of_page(1, &text)], &[80000], None)[0].iter().all(|f| *f == Some(Furniture::Contents)));
    }

    #[test]
    fn roman_folios_are_numbers() {
        assert_eq!((roman("xiv"), roman("vi"), roman("mix")), (Some(14), Some(6), None));
        assert_eq!(pattern("Page  12 of 300"), "page # of #");
    }

    #[test]
    fn contents_above_the_text_of_their_page_end_with_their_last_leader() {
        let mut rows: Vec<String> = vec!["Contents".into()];
        rows.extend((1..5).map(|i| format!("Chapter {i} ........ {i}")));
        rows.extend((0..20).map(|i| format!("The text begins on the same page and goes on for line {i} and more")));
        let spans: Vec<[(i32, i32, u16, &str); 1]> = rows.iter().map(|r| [(5000, 20000, 0, r.as_str())]).collect();
        let lines: Vec<(i32, &[Printed<'_>])> =
            spans.iter().enumerate().map(|(i, s)| (20000 + i as i32 * 1200, s.as_slice())).collect();
        let text = page(&lines);
        let found = find(&[of_page(1, &text)], &[80000], None);
        assert!(found[0][..5].iter().all(|f| *f == Some(Furniture::Contents)) && found[0][5..].iter().all(Option::is_none));
    }
}
