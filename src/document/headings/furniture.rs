//! Running heads, running feet and folios: what stands at the same height at the edge of many pages.
//! Knows nothing of headings; a line of running text that happens to recur at a column's top is none of these.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::{BookLines, PageLines};

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
    pub folios: Vec<Option<u32>>,
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
fn folio(page: &PageLines, furniture: &BTreeSet<usize>) -> Option<u32> {
    furniture.iter().filter_map(|l| page.lines.get(*l)).find_map(|line| {
        let words: Vec<&str> = line.text.split_whitespace().collect();
        let number = |w: &&str| w.trim_matches(|c: char| !c.is_ascii_alphanumeric()).parse::<u32>().ok().filter(|n| *n < 10_000);
        let alone = words.len() == 1;
        words
            .last()
            .and_then(number)
            .or_else(|| words.first().and_then(number))
            .or_else(|| words.first().filter(|_| alone).and_then(|w| roman_value(w)))
    })
}

/// Printed numbers count on with the pages; a number that neither neighbour confirms is something else.
fn keep_regular_folios(folios: &mut [Option<u32>]) {
    let offset = |i: usize, f: &[Option<u32>]| f.get(i).copied().flatten().map(|n| i64::from(n) - i as i64);
    let kept: Vec<Option<u32>> = (0..folios.len())
        .map(|i| {
            let own = offset(i, folios)?;
            let near = i.saturating_sub(2)..=i + 2;
            near.filter(|j| *j != i).any(|j| offset(j, folios) == Some(own)).then_some(folios[i]).flatten()
        })
        .collect();
    folios.copy_from_slice(&kept);
}

#[cfg(test)]
mod tests {
    use super::super::lines::{BookLines, Line, PageLines};
    use super::{Furniture, keep_regular_folios, roman_value, running_key};

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
        assert_eq!(found.folios[4], Some(5));
    }

    #[test]
    fn a_folio_that_does_not_count_on_is_none() {
        let mut folios = [Some(3), Some(4), Some(77), Some(6), None];
        keep_regular_folios(&mut folios);
        assert_eq!(folios, [Some(3), Some(4), None, Some(6), None]);
    }
}
