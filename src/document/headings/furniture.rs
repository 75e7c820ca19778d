//! Running heads, running feet and folios: what stands at the same height at the edge of many pages.
//! Knows nothing of headings; a line of running text that happens to recur at a column's top is none of these.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::{BookLines, Line, PageLines};

/// Furniture stands in the outer eighth of a page's height.
const EDGE: i32 = 8;
/// A text on this many pages at one height recurs.
const RECURS: usize = 3;

/// The furniture of a book.
#[derive(Clone, Debug, Default)]
pub struct Furniture {
    /// Per page: indices of its furniture lines.
    pub lines: Vec<BTreeSet<usize>>,
    /// Texts of recurring lines, digits as `#`; sorted.
    pub running_heads: BTreeSet<String>,
    /// Per page: the page number printed on it, if one is.
    pub folios: Vec<Option<Folio>>,
}

/// A printed page number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folio {
    pub number: u32,
    pub roman: bool,
    /// As it is printed.
    pub label: String,
}

impl Furniture {
    /// Finds what recurs over the pages of `book`.
    #[must_use]
    pub fn of(book: &BookLines) -> Self {
        let mut rows: BTreeMap<(bool, i32), Vec<(usize, usize, String)>> = BTreeMap::new();
        for (p, page) in book.pages.iter().enumerate() {
            for (l, line) in page.lines.iter().enumerate().filter(|(_, l)| l.seen && !l.text.is_empty()) {
                if let Some(at_head) = edge_of(page, line.baseline) {
                    let from_edge = if at_head { line.baseline } else { page.height - line.baseline };
                    rows.entry((at_head, from_edge / 400)).or_default().push((p, l, running_key(&line.text)));
                }
            }
        }
        let mut found = Self { lines: vec![BTreeSet::new(); book.pages.len()], ..Self::default() };
        for row in rows.values() {
            found.take_row(row);
        }
        found.take_runs(book);
        found.folios = book.pages.iter().zip(&found.lines).map(|(page, lines)| folio(page, lines)).collect();
        keep_regular_folios(&mut found.folios);
        found
    }

    /// Whether line `line` of page `page` (both from 0) is furniture.
    #[must_use]
    pub fn holds(&self, page: usize, line: usize) -> bool {
        self.lines.get(page).is_some_and(|lines| lines.contains(&line))
    }

    /// A row is furniture if most of what stands at its height recurs; in a row of running text it is chance.
    fn take_row(&mut self, row: &[(usize, usize, String)]) {
        let mut pages_of: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (page, _, key) in row {
            pages_of.entry(key).or_default().insert(*page);
        }
        let recurs = |key: &str| pages_of.get(key).is_some_and(|pages| pages.len() >= RECURS);
        let recurring = row.iter().filter(|(_, _, key)| recurs(key)).count();
        if recurring * 2 < row.len() {
            return;
        }
        // Between running heads, what holds a number is the head of a short chapter, with its folio.
        for (page, line, key) in row.iter().filter(|(_, _, key)| recurs(key) || key.contains('#') && recurring >= RECURS) {
            self.lines[*page].insert(*line);
            self.running_heads.insert(key.clone());
        }
    }
}

impl Furniture {
    /// Running heads of several parts, of which one recurs (the book's title) and another (the chapter's) may not: the
    /// outermost line of its page, apart from the text, with a part that stands at one place on several pages.
    fn take_runs(&mut self, book: &BookLines) {
        let mut places: BTreeMap<(bool, String), Vec<(usize, usize, i32, i32, i32)>> = BTreeMap::new();
        for (p, page) in book.pages.iter().enumerate() {
            for (l, line) in page.lines.iter().enumerate().filter(|(_, l)| l.seen && !l.runs.is_empty()) {
                let Some(at_head) = edge_of(page, line.baseline).filter(|at_head| is_outermost(book, page, line, *at_head))
                else {
                    continue;
                };
                for run in line.runs.iter().filter(|r| r.text.chars().any(char::is_alphabetic)) {
                    let key = running_key(&run.text);
                    places.entry((at_head, key)).or_default().push((p, l, line.baseline, run.x, run.right));
                }
            }
        }
        for ((_, key), places) in places {
            let alike = |a: &(usize, usize, i32, i32, i32), b: &(usize, usize, i32, i32, i32)| {
                let edge = (a.3 - b.3).abs() <= SAME_EDGE || (a.4 - b.4).abs() <= SAME_EDGE;
                (a.2 - b.2).abs() <= SAME_EDGE && edge
            };
            for place in &places {
                let pages: BTreeSet<usize> =
                    places.iter().filter(|other| alike(place, other)).take(RECURS * 4).map(|o| o.0).collect();
                if pages.len() >= RECURS {
                    self.lines[place.0].insert(place.1);
                    self.running_heads.insert(key.clone());
                }
            }
        }
    }
}

/// Nothing is printed further out, and white space parts the line from what is printed further in.
fn is_outermost(book: &BookLines, page: &PageLines, line: &Line, at_head: bool) -> bool {
    let further = |other: &Line| {
        if at_head { other.baseline + SAME_EDGE < line.baseline } else { other.baseline > line.baseline + SAME_EDGE }
    };
    let size = book.styles.get(line.style).map_or(1000, |s| s.size);
    let gap = if at_head { line.below } else { line.above };
    gap >= size * HEAD_GAP / 100 && !page.lines.iter().any(|l| l.seen && !l.text.is_empty() && further(l))
}

/// White space of this many hundredths of its size parts a running head from the text; table headers stand closer.
const HEAD_GAP: i32 = 170;
/// A run stands where it stood on another page if its left or its right edge does, to 2 pt.
const SAME_EDGE: i32 = 200;

/// A running line as it recurs: spaces normalised, every run of digits one `#`; a Roman folio counts as digits.
#[must_use]
pub fn running_key(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let mut out = String::new();
        for c in word.chars() {
            if !c.is_ascii_digit() {
                out.push(c);
            } else if !out.ends_with('#') {
                out.push('#');
            }
        }
        words.push(out);
    }
    if let [only] = words.as_slice()
        && roman_value(only).is_some()
    {
        return "#".to_owned();
    }
    words.join(" ")
}

/// The value of a lower- or upper-case Roman numeral below 400; `None` for any other text.
#[must_use]
pub fn roman_value(text: &str) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    if lower.is_empty() || lower.len() > 12 || !lower.bytes().all(|b| b"ivxlc".contains(&b)) {
        return None;
    }
    (1..400).find(|n| crate::document::outline::roman(*n) == lower)
}

fn edge_of(page: &PageLines, baseline: i32) -> Option<bool> {
    if baseline < page.height / EDGE {
        Some(true)
    } else if baseline > page.height - page.height / EDGE {
        Some(false)
    } else {
        None
    }
}

/// The first or last word of a furniture line that is a number.
fn folio(page: &PageLines, furniture: &BTreeSet<usize>) -> Option<Folio> {
    furniture.iter().filter_map(|l| page.lines.get(*l)).find_map(|line| {
        let words: Vec<&str> = line.text.split_whitespace().collect();
        let arabic = |w: &&str| {
            let label = w.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            let number = label.parse::<u32>().ok().filter(|n| *n < 10_000)?;
            Some(Folio { number, roman: false, label: number.to_string() })
        };
        let roman = |w: &&str| Some(Folio { number: roman_value(w)?, roman: true, label: (*w).to_owned() });
        let alone = words.len() == 1;
        words
            .last()
            .and_then(arabic)
            .or_else(|| words.first().and_then(arabic))
            .or_else(|| words.first().filter(|_| alone).and_then(roman))
    })
}

/// Printed numbers count on with the pages; a number that neither neighbour confirms is something else.
fn keep_regular_folios(folios: &mut [Option<Folio>]) {
    let offset = |i: usize| folios.get(i)?.as_ref().map(|f| (f.roman, i64::from(f.number) - i as i64));
    let regular: Vec<bool> = (0..folios.len())
        .map(|i| {
            let own = offset(i);
            let near = i.saturating_sub(2)..=i + 2;
            // A Roman numeral at a folio's place is one, though it may be the only page before the first chapter.
            own.is_some_and(|(roman, _)| roman) || own.is_some() && near.filter(|j| *j != i).any(|j| offset(j) == own)
        })
        .collect();
    for (folio, _) in folios.iter_mut().zip(regular).filter(|(_, regular)| !regular) {
        *folio = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::{BookLines, Line, PageLines, Run};
    use super::{Folio, Furniture, keep_regular_folios, roman_value, running_key};

    #[test]
    fn digits_and_roman_folios_are_one_sign() {
        assert_eq!(running_key("Chapter 12 | 134"), "Chapter # | #");
        assert_eq!(running_key("xiv"), "#");
        assert_eq!(running_key("mix"), "mix");
        assert_eq!(roman_value("iv"), Some(4));
        assert_eq!(roman_value("ivx"), None);
    }

    fn book(pages: usize) -> BookLines {
        let line = |y: i32, text: String| Line { key: text.clone(), text, baseline: y, seen: true, ..Line::default() };
        let page = |n: usize| PageLines {
            width: 60_000,
            height: 80_000,
            lines: vec![
                line(3000, format!("The Vale {}", n + 1)),
                line(6000, if n < 3 { "Actions".to_owned() } else { format!("text {}", "x".repeat(n)) }),
                line(40_000, "Actions".to_owned()),
            ],
        };
        BookLines { pages: (0..pages).map(page).collect(), ..BookLines::default() }
    }

    #[test]
    fn what_recurs_at_one_height_is_furniture_and_chance_in_running_text_is_not() {
        let found = Furniture::of(&book(12));
        assert_eq!(found.running_heads.into_iter().collect::<Vec<_>>(), ["The Vale #"]);
        assert!(found.lines.iter().all(|l| l.len() == 1));
        assert_eq!(found.folios[4].as_ref().map(|f| f.number), Some(5));
    }

    #[test]
    fn a_folio_that_does_not_count_on_is_none() {
        let folio = |number: u32| Some(Folio { number, roman: false, label: number.to_string() });
        let mut folios = [folio(3), folio(4), folio(77), folio(6), None];
        keep_regular_folios(&mut folios);
        assert_eq!(folios, [folio(3), folio(4), None, folio(6), None]);
    }

    #[test]
    fn a_line_with_a_run_that_recurs_at_one_place_is_a_running_head() {
        let run = |x: i32, text: &str| Run { x, right: x + 4000, text: text.to_owned() };
        let page = |n: usize| {
            let head = Line {
                text: format!("The Vale Part {}", "x".repeat(n)),
                key: "k".into(),
                runs: vec![run(4000, "The Vale"), run(20_000 + 900 * n as i32, &format!("Part {}", "x".repeat(n)))],
                baseline: 3000,
                below: 4000,
                seen: true,
                ..Line::default()
            };
            PageLines { width: 60_000, height: 80_000, lines: vec![head] }
        };
        let book = BookLines { pages: (1..5).map(page).collect(), ..BookLines::default() };
        let found = Furniture::of(&book);
        assert!(found.lines.iter().all(|l| l.len() == 1));
        assert_eq!(found.running_heads.into_iter().collect::<Vec<_>>(), ["The Vale"]);
    }
}
