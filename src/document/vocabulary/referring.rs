//! What a vocabulary says of references, made ready to be asked.

use std::collections::BTreeSet;

use super::compose::Composing;
use super::draft::{References, Word};
use super::pattern::Pattern;
use crate::document::references::find::TARGETS;
use crate::document::references::words::Words;
use crate::placeholder;
use crate::spanned::meant;

/// The group that is the name of a book.
const BOOK: &str = "book";

impl Composing {
    /// The words of references.
    pub(super) fn references(&mut self, draft: &References) -> Words {
        let lower = |words: &[Word]| words.iter().map(|w| w.at.value.trim().to_lowercase()).collect::<BTreeSet<_>>();
        let mut see: Vec<String> = lower(&draft.see).into_iter().collect();
        see.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let mut words = Words {
            patterns: self.leading(draft),
            books: draft.books.iter().filter_map(|word| self.book(word)).collect(),
            and: lower(&draft.and),
            see,
            eyes: lower(&draft.eyes),
            measures: lower(&draft.measures),
            no_titles: lower(&draft.no_titles),
            chapters: lower(&draft.chapters),
            ..Words::default()
        };
        words.prepare();
        words
    }

    /// A pattern of what names a book, made to end where the page begins.
    fn book(&mut self, word: &Word) -> Option<Pattern> {
        let (_, groups) = self.pattern(word)?;
        if !self.is_own(word.file) && groups.iter().all(|g| g != BOOK) {
            let hint = groups.iter().map(|g| meant(g, [BOOK])).find(|h| h.starts_with("did")).unwrap_or_default();
            self.add(word, format!("what names a book has a group `(?P<{BOOK}>…)`"), "no such group", hint);
        }
        let ending = format!("(?:{})$", word.at.value);
        Pattern::new(&ending, &self.parts[word.file]).ok()
    }

    /// Patterns and phrases that say where they lead.
    fn leading(&mut self, draft: &References) -> Vec<Pattern> {
        let mut made = Vec::with_capacity(draft.patterns.len() + draft.phrases.len());
        for word in &draft.patterns {
            let Some((pattern, groups)) = self.pattern(word) else { continue };
            let targets = groups.iter().filter(|g| TARGETS.contains(&g.as_str())).count();
            if !self.is_own(word.file) && targets != 1 {
                let hint = groups.iter().map(|g| meant(g, TARGETS)).find(|h| h.starts_with("did"));
                let hint = hint.unwrap_or_else(|| format!("one of {}", TARGETS.map(|t| format!("`(?P<{t}>…)`")).join(", ")));
                self.add(word, "a reference has one group that says where it leads", &format!("{targets} of them"), hint);
            }
            made.push(pattern);
        }
        for word in &draft.phrases {
            let Some(text) = self.phrase(word) else { continue };
            match Pattern::new(&text, &self.parts[word.file]).and_then(|pattern| pattern.check(&text).map(|_| pattern)) {
                Ok(pattern) => made.push(pattern),
                Err(_) => {
                    let message = format!("the phrase `{}` makes no pattern", word.at.value);
                    self.add(word, message, "", "a part of `[fragment]` that it stands for has a group of its own");
                }
            }
        }
        made
    }

    /// The pattern of a phrase with one placeholder.
    fn phrase(&mut self, word: &Word) -> Option<String> {
        const LEADS_TO: [(&str, &str); 3] =
            [("page", "(?P<page>{pages})"), ("chapter", "(?P<chapter>{chapter})"), ("title", "(?P<title>{title})")];
        let text = word.at.value.trim();
        let found = placeholder::find(text);
        for unknown in found.iter().filter(|p| LEADS_TO.iter().all(|(name, _)| *name != p.name)) {
            let span = self.problems[word.file].within(&word.at, &unknown.span);
            let hint = meant(unknown.name, LEADS_TO.map(|(name, _)| name));
            self.problems[word.file].add(&span, format!("`{{{}}}` leads nowhere", unknown.name), "not known", hint);
        }
        let [only] = &found[..] else {
            let hint = "write one of `{page}`, `{chapter}`, `{title}`";
            self.add(word, format!("the phrase `{text}` has {} places to lead to", found.len()), "", hint);
            return None;
        };
        let target = LEADS_TO.iter().find(|(name, _)| *name == only.name)?.1;
        let (before, after) = (&text[..only.span.start], &text[only.span.end..]);
        let bound = if before.starts_with(char::is_alphanumeric) { r"\b" } else { "" };
        Some(format!("{bound}(?i:{}){target}(?i:{})", spaced(before), spaced(after)))
    }
}

/// Words of a phrase as a pattern: what is white space is any.
fn spaced(text: &str) -> String {
    let words = text.split_whitespace().map(regex::escape).collect::<Vec<_>>().join(r"\s+");
    let space = |is: bool| if is { r"\s+" } else { "" };
    if words.is_empty() {
        return space(!text.is_empty()).to_owned();
    }
    format!("{}{words}{}", space(text.starts_with(char::is_whitespace)), space(text.ends_with(char::is_whitespace)))
}
