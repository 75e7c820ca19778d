//! Patterns of vocabulary files: regular expressions with parts by name, compiled when they are first needed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;

/// A pattern with its parts filled in.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    regex: OnceLock<Option<Regex>>,
}

/// Why a pattern is none.
#[derive(Debug, PartialEq, Eq)]
pub enum BadPattern {
    /// `{name}` at these bytes of it, and there is no such part.
    UnknownPart(String, Range<usize>),
    /// What is wrong, and the bytes where; `None` is the whole.
    Malformed(String, Option<Range<usize>>),
}

/// Parts of patterns, by name.
pub type Parts = BTreeMap<String, String>;

impl Pattern {
    /// Fills `parts` into what is `written`. The groups of a part that is used once more end in 2, 3 and so on.
    ///
    /// # Errors
    /// If one of its parts is not known.
    pub fn new(written: &str, parts: &Parts) -> Result<Self, BadPattern> {
        let mut text = String::with_capacity(written.len());
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        let mut from = 0;
        for place in named_parts(written) {
            let name = &written[place.start + 1..place.end - 1];
            let Some(part) = parts.get(name) else { return Err(BadPattern::UnknownPart(name.to_owned(), place)) };
            let used = uses.entry(name).or_default();
            *used += 1;
            text.push_str(&written[from..place.start]);
            text.push_str("(?:");
            text.push_str(&if *used == 1 { part.clone() } else { suffixed(part, *used) });
            text.push(')');
            from = place.end;
        }
        text.push_str(&written[from..]);
        Ok(Self { text, regex: OnceLock::new() })
    }

    /// Its regular expression; `None` if it is none, which `check` would have told.
    #[must_use]
    pub fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| Regex::new(&self.text).ok()).as_ref()
    }

    /// With its parts.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is a regular expression, and the names of its groups; `written` as given to `new`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, written: &str) -> Result<Vec<String>, BadPattern> {
        let mut stand_in = written.to_owned();
        // Letters in place of parts: what is wrong keeps its place.
        for place in named_parts(written) {
            let letters = "x".repeat(place.len());
            stand_in.replace_range(place, &letters);
        }
        if let Err(error) = regex_syntax::parse(&stand_in) {
            let (kind, span) = match &error {
                regex_syntax::Error::Parse(e) => (e.kind().to_string(), Some(*e.span())),
                regex_syntax::Error::Translate(e) => (e.kind().to_string(), Some(*e.span())),
                other => (other.to_string(), None),
            };
            return Err(BadPattern::Malformed(kind, span.map(|s| s.start.offset..s.end.offset)));
        }
        let regex = Regex::new(&self.text).map_err(|e| {
            let told = e.to_string();
            let last = told.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            BadPattern::Malformed(last, None)
        })?;
        let names = regex.capture_names().flatten().map(str::to_owned).collect();
        let _ = self.regex.set(Some(regex));
        Ok(names)
    }
}

/// The places of `{name}`, but for those that belong to a class or a boundary of regular expressions: `\p{lu}`, `\b{start}`.
fn named_parts(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (open, _) in text.match_indices('{') {
        let length = text[open + 1..].find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(0);
        let end = open + 1 + length;
        let name = &text[open + 1..end];
        let own = match &text.as_bytes()[..open] {
            [before @ .., b'\\'] => !escapes(before),
            [before @ .., b'\\', b'p' | b'P' | b'x' | b'u' | b'U'] => !escapes(before),
            [before @ .., b'\\', b'b'] if matches!(name, "start" | "end") => !escapes(before),
            _ => false,
        };
        if length > 0 && text[end..].starts_with('}') && !own {
            found.push(open..end + 1);
        }
    }
    found
}

/// Whether what follows `bytes` is escaped by a backslash at their end.
fn escapes(bytes: &[u8]) -> bool {
    bytes.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

/// `part` with `number` behind the names of its groups.
fn suffixed(part: &str, number: usize) -> String {
    let mut out = String::with_capacity(part.len() + 8);
    let mut rest = part;
    while let Some(at) = rest.find("(?P<") {
        let Some(end) = rest[at..].find('>') else { break };
        out.push_str(&rest[..at + end]);
        out.push_str(&number.to_string());
        rest = &rest[at + end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        BTreeMap::from([("dice".to_owned(), r"(?P<count>\d+)d(?P<sides>\d+)".to_owned())])
    }

    #[test]
    fn a_part_used_twice_has_other_groups_the_second_time() {
        let written = r"{dice}\s{dice}\p{Lu}\p{lu}?x{2,3}";
        let pattern = Pattern::new(written, &parts()).unwrap();
        assert_eq!(pattern.check(written).unwrap(), ["count", "sides", "count2", "sides2"]);
        assert!(pattern.regex().unwrap().is_match("1d6 2d8Axx"));
    }

    #[test]
    fn what_is_wrong_is_told_where_it_stands() {
        assert_eq!(Pattern::new("a{dyce}", &parts()).unwrap_err(), BadPattern::UnknownPart("dyce".into(), 1..7));
        for (written, at) in [("{dice}(a", 6..7), ("a**{dice}(", 9..10), (r"\d{dice}[z-a]", 9..12)] {
            let pattern = Pattern::new(written, &parts()).unwrap();
            let Err(BadPattern::Malformed(_, place)) = pattern.check(written) else { panic!("{written}") };
            assert_eq!(place, Some(at), "{written}");
        }
    }

    #[test]
    fn braces_behind_a_backslash_are_no_part() {
        assert!(named_parts(r"\{dice} \p{lu} \b{start}").is_empty());
        assert_eq!(named_parts(r"\\{dice}").first(), Some(&(2..8)));
    }
}
