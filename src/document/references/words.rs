//! The words of references, as a vocabulary gives them: what is printed of pages, chapters and titles, and what only looks
//! like it. Knows no language.

use std::collections::BTreeSet;

use regex::Regex;

use crate::document::vocabulary::pattern::Pattern;

/// What tells references. Words are in lower case.
#[derive(Debug, Default)]
pub struct Words {
    /// Each has one group that says where it leads.
    pub patterns: Vec<Pattern>,
    /// What may stand right before a page: a book, or a section of this one. Each has a group `book`, and ends where the page
    /// begins.
    pub books: Vec<Pattern>,
    /// Between pages that are listed.
    pub and: BTreeSet<String>,
    /// They point to a name and are no part of it; longest first.
    pub see: Vec<String>,
    /// Before "see", they make it the verb of eyes.
    pub eyes: BTreeSet<String>,
    /// Behind a number, they make it no page.
    pub measures: BTreeSet<String>,
    /// Where a title may stand, they are none.
    pub no_titles: BTreeSet<String>,
    /// They count chapters.
    pub chapters: BTreeSet<String>,
    /// What goes on after a page or chapter, with a group `target`; `None` where nothing was given.
    pub(in crate::document) more: Option<Regex>,
}

impl Words {
    /// Gets ready to read lists; to be called when `and` is known.
    pub(in crate::document) fn prepare(&mut self) {
        let (words, marks): (Vec<&String>, Vec<&String>) = self.and.iter().partition(|w| w.starts_with(char::is_alphanumeric));
        let any_of = |some: &[&String]| some.iter().map(|w| regex::escape(w)).collect::<Vec<_>>().join("|");
        let mut between = vec![r",\s*".to_owned()];
        if !words.is_empty() {
            let word = format!(r"(?i:{})\s+", any_of(&words));
            between = vec![format!(r",\s*(?:{word})?"), format!(r"\s+{word}")];
        }
        if !marks.is_empty() {
            between.push(format!(r"\s*(?:{})\s*", any_of(&marks)));
        }
        // A number, or the first and last of several.
        let more = format!(
            r"^(?:{})(?P<target>\d{{1,4}}(?:\s?[-–—]\s?\d{{1,4}})?|(?:[ivxlc]+(?:\s?[-–—]\s?[ivxlc]+)?|[IVXLC]+))\b",
            between.join("|")
        );
        self.more = Regex::new(&more).ok();
    }

    /// The bytes of a further number that `text` begins with, behind a comma or a word that lists.
    #[must_use]
    pub fn more(&self, text: &str) -> Option<(usize, usize)> {
        let target = self.more.as_ref()?.captures(text)?.name("target")?;
        Some((target.start(), target.end()))
    }

    /// The first byte of the book or section that `before` ends with the name of, and the byte behind it.
    #[must_use]
    pub fn book(&self, before: &str) -> Option<(usize, usize)> {
        let books =
            self.books.iter().filter_map(Pattern::regex).filter_map(|r| r.captures(before)).filter_map(|c| c.name("book"));
        let (start, end) = books.map(|book| (book.start(), book.end())).min_by_key(|(start, end)| (*start, usize::MAX - end))?;
        let start = self.without_see(before, start, end);
        (start < end).then_some((start, end))
    }

    /// Where the name in `start..end` begins, behind a word that points to it.
    fn without_see(&self, text: &str, start: usize, end: usize) -> usize {
        let name = &text[start..end];
        let cut = self.see.iter().find_map(|see| {
            // A word may be longer in lower case: compared by characters.
            let head: usize = name.chars().take(see.chars().count()).map(char::len_utf8).sum();
            let rest = name.get(head..)?;
            (name[..head].to_lowercase() == *see && rest.starts_with(char::is_whitespace))
                .then(|| name.len() - rest.trim_start().len())
        });
        start + cut.unwrap_or(0)
    }

    /// Whether `rest`, which follows a number, makes it a measure.
    #[must_use]
    pub fn is_measure(&self, rest: &str) -> bool {
        let word: String = rest.trim_start().chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
        self.measures.contains(&word)
    }

    /// Whether the word that `before` ends with makes "see" the verb of eyes.
    #[must_use]
    pub fn eyes_see(&self, before: &str) -> bool {
        before.ends_with(' ')
            && before.split_whitespace().next_back().is_some_and(|word| self.eyes.contains(&word.to_lowercase()))
    }
}
