//! Problems found while reading a file, all of them, and the words that were probably meant.

use std::ops::Range;
use std::sync::Arc;

use super::At;
use crate::diagnostic::Diagnostic;
use crate::rel_path::{BadPath, RelPath};

/// Collects what is wrong with one file.
pub struct Problems {
    file: Arc<str>,
    text: Arc<str>,
    found: Vec<Diagnostic>,
}

impl Problems {
    pub fn new(file: &str, text: &str) -> Self {
        Self { file: file.into(), text: text.into(), found: Vec::new() }
    }

    /// Adds a problem; `hint` is "" where there is none.
    pub fn add(&mut self, span: &Range<usize>, message: impl Into<String>, label: &str, hint: impl Into<String>) {
        let hint = Some(hint.into()).filter(|h: &String| !h.is_empty());
        let diagnostic = self.diagnostic(span, message.into(), label, hint);
        self.found.push(diagnostic);
    }

    /// A diagnostic of this file that is not among its problems.
    pub fn diagnostic(&self, span: &Range<usize>, message: String, label: &str, hint: Option<String>) -> Diagnostic {
        let (file, text, span) = (self.file.clone(), self.text.clone(), span.clone());
        Diagnostic { file, text, span, message, label: label.to_owned(), hint }
    }

    /// The bytes of the file that hold bytes `part` of the string `text`; all of it where escapes stand between.
    #[must_use]
    pub fn within(&self, text: &At<String>, part: &Range<usize>) -> Range<usize> {
        let written = self.text.get(text.span.clone()).unwrap_or_default();
        let quotes = ["'''", "\"\"\"", "'", "\""].into_iter().find(|q| written.starts_with(q)).unwrap_or_default();
        let inside = written.get(quotes.len()..).unwrap_or_default();
        let line_end = if quotes.len() == 3 { inside.len() - inside.trim_start_matches(['\r', '\n']).len() } else { 0 };
        let start = text.span.start + quotes.len() + line_end;
        if inside[line_end..].starts_with(&text.value) { start + part.start..start + part.end } else { text.span.clone() }
    }

    #[must_use]
    pub fn none(&self) -> bool {
        self.found.is_empty()
    }

    /// What was found, in the order of the file.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|d| d.span.start);
        self.found
    }

    /// The relative path in `text`; what is wrong with it becomes a problem.
    pub fn path(&mut self, text: &At<String>) -> Option<RelPath> {
        self.parsed_path(text, RelPath::parse(&text.value))
    }

    /// As `path`, for a folder, which may be `.`.
    pub fn folder(&mut self, text: &At<String>) -> Option<RelPath> {
        self.parsed_path(text, RelPath::parse_folder(&text.value))
    }

    fn parsed_path(&mut self, text: &At<String>, parsed: Result<RelPath, BadPath>) -> Option<RelPath> {
        parsed
            .map_err(|why| {
                let hint = match why {
                    BadPath::Leaves(_) | BadPath::Absolute(_) => "paths in an Ingestfile are relative and stay below their root",
                    _ => "",
                };
                self.add(&text.span, why.to_string(), "not a path below its root", hint);
            })
            .ok()
    }
}

/// A hint for `word`: the nearest of `known`, or all of them if none is near and they are few.
pub fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(word, &known) {
        format!("did you mean `{near}`?")
    } else if known.is_empty() || known.len() > 16 {
        String::new()
    } else {
        format!("known: {}", known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", "))
    }
}

/// The known word that `word` is a slip of: at most a third of its letters differ. The first of equals.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&word.to_lowercase(), &k.to_lowercase()), *k))
        .filter(|(distance, k)| *distance <= (word.chars().count().max(k.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_does_not() {
        assert_eq!(nearest("max_char", &["min_chars", "max_chars"]), Some("max_chars"));
        assert_eq!(nearest("soruces", &["env", "sources"]), Some("sources"));
        assert_eq!(nearest("banana", &["env", "sources"]), None);
        assert_eq!(meant("banana", ["env"]), "known: `env`");
    }
}
