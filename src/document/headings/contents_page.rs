//! Contents pages and index pages: which pages they are, and what the contents page lists.
//! A contents entry is a title and a page number at the end of its line, usually with leaders between; its indent tells its
//! level. Knows nothing of where the titles are printed in the body.

use std::collections::BTreeSet;

use super::furniture::{Furniture, roman_value};
use super::key::{clean, compact, join_lines};
use super::lines::{BookLines, Line};
use crate::document::vocabulary::Vocabulary;

/// One line of a printed contents page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentsEntry {
    pub title: String,
    /// The number as printed.
    pub label: String,
    /// 1 for the leftmost indent of its column.
    pub level: u32,
}

/// Contents and index pages of a book; pages and lines from 0.
#[derive(Clone, Debug, Default)]
pub struct Listings {
    pub contents_pages: BTreeSet<usize>,
    pub index_pages: BTreeSet<usize>,
    /// Lines that title these pages ("Contents", "Index").
    pub titles: BTreeSet<(usize, usize)>,
    pub entries: Vec<ContentsEntry>,
}

/// This many lines with a page number make a page without a heading of its own a contents page.
const MIN_ENTRIES: usize = 8;

impl Listings {
    /// Finds contents and index pages. `vocabulary` names their titles.
    #[must_use]
    pub fn of(book: &BookLines, furniture: &Furniture, vocabulary: &Vocabulary) -> Self {
        let mut found = Self::default();
        found.find_contents(book, furniture, vocabulary);
        found.find_index(book, furniture, vocabulary);
        found
    }

    /// Whether page `page` is a contents or index page.
    #[must_use]
    pub fn holds(&self, page: usize) -> bool {
        self.contents_pages.contains(&page) || self.index_pages.contains(&page)
    }

    fn find_contents(&mut self, book: &BookLines, furniture: &Furniture, vocabulary: &Vocabulary) {
        // A contents list stands in the front of a book; a short one has little front.
        let front = (book.pages.len() / 4).max(6).min(book.pages.len());
        let mut running = false;
        for page in 0..front {
            let lines = page_lines(book, furniture, page);
            let titles = self.title_lines(book, page, &lines, |key| vocabulary.is_contents_title(key));
            let numbered = lines.iter().filter(|(_, l)| entry_parts(&l.text).is_some()).count();
            let dense = numbered >= MIN_ENTRIES && numbered * 2 >= lines.len();
            let titled = !titles.is_empty() && numbered >= 3 && numbered * 3 >= lines.len();
            let goes_on = running && numbered >= 3 && numbered * 2 >= lines.len();
            running = titled || goes_on || (dense && leaders(&lines) * 2 >= numbered);
            if running {
                self.contents_pages.insert(page);
                self.titles.extend(titles.iter().map(|l| (page, *l)));
                self.read_entries(&lines, &titles);
            } else if !self.contents_pages.is_empty() {
                break;
            }
        }
    }

    fn find_index(&mut self, book: &BookLines, furniture: &Furniture, vocabulary: &Vocabulary) {
        let back = book.pages.len() / 2;
        let mut running = false;
        for page in back..book.pages.len() {
            let lines = page_lines(book, furniture, page);
            let titles = self.title_lines(book, page, &lines, |key| vocabulary.is_index_title(key));
            let numbered = lines.iter().filter(|(_, l)| ends_in_references(&l.text)).count();
            running = (running || !titles.is_empty()) && numbered >= 3 && numbered * 5 >= lines.len() * 2;
            if running {
                self.index_pages.insert(page);
                self.titles.extend(titles.iter().map(|l| (page, *l)));
            }
        }
    }

    /// Lines of a page that say nothing but a listing's title, larger or bolder than text.
    fn title_lines(
        &self,
        book: &BookLines,
        page: usize,
        lines: &[(usize, &Line)],
        is_title: impl Fn(&str) -> bool,
    ) -> Vec<usize> {
        let body = book.body_style();
        let set_off = |l: &Line| book.styles.get(l.style).is_some_and(|s| s.size * 10 > body.size * 11 || s.bold);
        let taken = |l: usize| self.titles.contains(&(page, l));
        lines.iter().filter(|(i, l)| set_off(l) && is_title(&compact(&clean(&l.text))) && !taken(*i)).map(|(i, _)| *i).collect()
    }

    fn read_entries(&mut self, lines: &[(usize, &Line)], titles: &[usize]) {
        let mut pending: Option<(String, i32)> = None;
        let mut read: Vec<(String, String, i32)> = Vec::new();
        for (i, line) in lines {
            if titles.contains(i) || line.key.is_empty() {
                continue;
            }
            match entry_parts(&line.text) {
                Some((title, label)) => {
                    let (title, x) = match pending.take() {
                        Some((start, x)) => (join_lines([start.as_str(), title.as_str()]), x),
                        None => (title, line.x),
                    };
                    read.push((clean(&title), label, x));
                }
                None => pending = Some((line.text.clone(), line.x)),
            }
        }
        // Indents within 3 pt are one; a jump of more than 100 pt is another column.
        let mut indents: Vec<i32> = Vec::new();
        for (title, label, x) in read {
            if indents.iter().all(|seen| (seen - x).abs() > 300) {
                indents.push(x);
            }
            let level = indents.iter().filter(|seen| **seen < x - 300 && x - **seen < 10_000).count();
            self.entries.push(ContentsEntry { title, label, level: u32::try_from(level).unwrap_or(0) + 1 });
        }
    }
}

fn page_lines<'a>(book: &'a BookLines, furniture: &Furniture, page: usize) -> Vec<(usize, &'a Line)> {
    let lines = book.pages[page].lines.iter().enumerate();
    lines.filter(|(i, l)| l.seen && !furniture.holds(page, *i) && !l.text.is_empty()).collect()
}

fn leaders(lines: &[(usize, &Line)]) -> usize {
    lines.iter().filter(|(_, l)| l.cells > 0 || has_leaders(&l.text)).count()
}

fn has_leaders(text: &str) -> bool {
    text.chars().filter(|c| is_leader(*c)).count() >= 4
}

fn is_leader(c: char) -> bool {
    matches!(c, '.' | '·' | '…' | '_' | '‥' | '․')
}

/// Title and page number of a contents line: the line ends in an Arabic or Roman number, and letters stand before it.
fn entry_parts(text: &str) -> Option<(String, String)> {
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || c == '\u{2060}');
    let cut = text.char_indices().rev().find(|(_, c)| !c.is_ascii_alphanumeric()).map(|(i, c)| i + c.len_utf8())?;
    let (before, label) = text.split_at(cut);
    let arabic = label.len() <= 4 && !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit());
    if !arabic && (roman_value(label).is_none() || label.chars().any(char::is_uppercase)) {
        return None;
    }
    let title = before.trim_end_matches(|c: char| is_leader(c) || c.is_whitespace() || c == '\u{2060}');
    title.chars().any(char::is_alphabetic).then(|| (title.to_owned(), label.to_owned()))
}

/// An index line: a term and page numbers at its end ("Armor, 12, 34–36").
fn ends_in_references(text: &str) -> bool {
    let tail = text.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let start = tail.trim_end_matches(|c: char| c.is_ascii_digit());
    start.len() < tail.len() && tail.len() - start.len() <= 4 && start.ends_with([' ', '–', '-', ',', '.', '\u{2060}'])
}

#[cfg(test)]
mod tests {
    use super::{ends_in_references, entry_parts};

    #[test]
    fn contents_lines_end_in_a_number() {
        let parts = |t: &str| entry_parts(t).map(|(a, b)| format!("{a}|{b}"));
        assert_eq!(parts("Chapter Two: Boons & Hooks . . . . . . 8"), Some("Chapter Two: Boons & Hooks|8".into()));
        assert_eq!(parts("Foreword....iv"), Some("Foreword|iv".into()));
        assert_eq!(parts("1.1 Writing & Layout 3"), Some("1.1 Writing & Layout|3".into()));
        assert_eq!(parts("What is this? 12"), Some("What is this?|12".into()));
        assert_eq!(parts("A line of text."), None);
        assert_eq!(parts("12"), None);
    }

    #[test]
    fn index_lines_end_in_page_numbers() {
        assert!(ends_in_references("armor, 12, 34–36"));
        assert!(!ends_in_references("roll 3d6"));
        assert!(!ends_in_references("see shields"));
    }
}
