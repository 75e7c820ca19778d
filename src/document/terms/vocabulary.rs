//! The bundled words by which rulebooks say what a page, a section or an entry is. The lists are data (crate::vocabulary,
//! `structure.toml`); this reads them. Knows no book.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::document::headings::furniture::roman_value;
use crate::document::headings::key::compact;

/// Word lists, as compact keys.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    contents: BTreeSet<String>,
    index: BTreeSet<String>,
    divisions: BTreeSet<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    listings: ListingWords,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ListingWords {
    contents: Vec<String>,
    index: Vec<String>,
    divisions: Vec<String>,
}

static BUNDLED: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::parse(include_str!("../../vocabulary/structure.toml")));

impl Vocabulary {
    /// The bundled lists.
    #[must_use]
    pub fn bundled() -> &'static Self {
        &BUNDLED
    }

    /// Lists from TOML; a file that does not parse gives empty ones (a test holds the bundled file to its shape).
    fn parse(text: &str) -> Self {
        let file: File = toml::from_str(text).unwrap_or_default();
        let keys = |words: &[String]| words.iter().map(|w| compact(w)).collect();
        Self {
            contents: keys(&file.listings.contents),
            index: keys(&file.listings.index),
            divisions: keys(&file.listings.divisions),
        }
    }

    /// Whether a title (as a compact key) heads a list of contents.
    #[must_use]
    pub fn is_contents_title(&self, key: &str) -> bool {
        self.contents.contains(key)
    }

    /// Whether a title (as a compact key) heads an index.
    #[must_use]
    pub fn is_index_title(&self, key: &str) -> bool {
        self.index.contains(key)
    }

    /// Whether a line only counts a division: its word and a number or letter ("Chapter 4", "PART II", "Appendix B", "Part One").
    #[must_use]
    pub fn is_division_label(&self, text: &str) -> bool {
        let words: Vec<&str> = text.split_whitespace().map(|w| w.trim_matches(|c: char| !c.is_alphanumeric())).collect();
        let [word, count] = words.as_slice() else { return false };
        let short = count.chars().count() == 1 || count.bytes().all(|b| b.is_ascii_digit()) || roman_value(count).is_some();
        self.divisions.contains(&compact(word)) && (short || NUMBER_WORDS.contains(&count.to_lowercase().as_str()))
    }
}

const NUMBER_WORDS: [&str; 20] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "first", "second",
    "third", "fourth", "fifth", "sixth", "seventh", "eighth",
];

#[cfg(test)]
mod tests {
    use super::Vocabulary;

    #[test]
    fn the_bundled_lists_are_there() {
        let v = Vocabulary::bundled();
        assert!(v.is_contents_title("tableofcontents") && v.is_index_title("index"));
        assert!(!v.is_contents_title("spells"));
        assert!(v.is_division_label("CHAPTER 4") && v.is_division_label("Part Two") && !v.is_division_label("Part Timers"));
    }
}
