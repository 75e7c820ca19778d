//! Finds cross-references as they are printed: pages, chapters, appendices and titles, by the patterns of a vocabulary. What
//! goes on after a page, and which "see" is a verb, is English. Knows nothing of what they lead to.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::document::entity::Reference;
use crate::document::vocabulary::pattern::Pattern;

/// Words that stand before a name or title without being part of a reference: eyes see, books are seen.
const EYES: [&str; 14] =
    ["can", "cannot", "could", "may", "might", "will", "would", "i", "you", "we", "they", "to", "who", "not"];

/// Groups of which a pattern has one: what it leads to.
pub const TARGETS: [&str; 5] = ["page", "chapter", "section", "title", "quoted"];

/// What stands around a page.
struct Around {
    /// A further page of a list.
    more: Regex,
    /// "Lands of the North, " before a page: another book, or a section of this one.
    book: Regex,
}

fn around() -> Option<&'static Around> {
    static AROUND: LazyLock<Option<Around>> = LazyLock::new(|| {
        const WORD: &str = r"\p{Lu}[\p{L}\p{N}'’\-]*";
        // Titles do not run over the end of a line: paragraphs are whole lines.
        let title = format!(r"{WORD}(?:(?:\x20(?:(?:of|and|or|the|in|to|for|with|a|an|from|on|&)\x20)*){WORD})*");
        Some(Around {
            more: Regex::new(r"^(?:,\s*(?:and\s+)?|\s+and\s+|\s*&\s*)(?P<target>\d{1,4}(?:\s?[-–—]\s?\d{1,4})?)\b").ok()?,
            book: Regex::new(&format!(r"(?P<book>(?:{title})(?::\x20{title})?),\s*$")).ok()?,
        })
    });
    AROUND.as_ref()
}

/// A reference in bytes.
struct Candidate {
    start: usize,
    end: usize,
    kind: &'static str,
    target: String,
}

/// The references of `text` that `patterns` find, by start, not overlapping; offsets are code points. A heading on the first
/// line of a chunk is not a reference to itself.
#[must_use]
pub fn references(text: &str, patterns: &[Pattern]) -> Vec<Reference> {
    let Some(around) = around() else { return Vec::new() };
    let mut candidates = Vec::new();
    for captures in patterns.iter().filter_map(Pattern::regex).flat_map(|regex| regex.captures_iter(text)) {
        add_pages(around, text, &captures, &mut candidates);
        // "Chapter 3: Townsfolk" on a line of its own is the heading.
        add_whole(text, &captures, "chapter", &mut candidates);
        add_whole(text, &captures, "section", &mut candidates);
        add_quoted(text, &captures, &mut candidates);
        add_titled(text, &captures, &mut candidates);
    }
    candidates.retain(|c| c.start < c.end && !c.target.is_empty());
    // Numbers say more than titles: "see Chapter 4: Townsfolk" is a chapter. Within one kind the longer is.
    candidates.sort_by_key(|c| (c.kind == "section", std::cmp::Reverse(c.end - c.start), c.start));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if kept.iter().all(|k| candidate.end <= k.start || k.end <= candidate.start) {
            kept.push(candidate);
        }
    }
    kept.sort_by_key(|c| c.start);
    with_code_points(text, kept)
}

fn with_code_points(text: &str, kept: Vec<Candidate>) -> Vec<Reference> {
    let (mut byte, mut point) = (0, 0u32);
    let mut advance = |to: usize| {
        point += u32::try_from(text[byte..to].chars().count()).unwrap_or(u32::MAX);
        byte = to;
        point
    };
    kept.into_iter()
        .map(|c| Reference {
            start: advance(c.start),
            end: advance(c.end),
            surface: text[c.start..c.end].to_owned(),
            kind: c.kind.to_owned(),
            target: c.target,
        })
        .collect()
}

/// A page, the pages listed after it, and the book or section that is named before it.
fn add_pages(around: &Around, text: &str, captures: &Captures<'_>, candidates: &mut Vec<Candidate>) {
    let (Some(whole), Some(target)) = (captures.get(0), captures.name("page")) else { return };
    // "page 3 inches wide", "page 2.5"
    let rest = &text[whole.end()..];
    if rest.starts_with('.') && rest[1..].starts_with(|c: char| c.is_ascii_digit()) || is_measure(rest) {
        return;
    }
    let book = around
        .book
        .captures(&text[..whole.start()])
        .and_then(|c| c.name("book"))
        .map(|book| without_see(text, book.start(), book.end()));
    let (start, printed) = match book.filter(|(start, end)| start < end) {
        Some((start, _)) => (start, text[start..whole.end()].to_owned()),
        None => (whole.start(), target.as_str().to_owned()),
    };
    candidates.push(Candidate { start, end: whole.end(), kind: "page", target: printed });
    let mut at = whole.end();
    while let Some(more) = around.more.captures(&text[at..]).and_then(|c| c.name("target")) {
        let (start, end) = (at + more.start(), at + more.end());
        if book.is_some() || is_measure(&text[end..]) {
            break;
        }
        candidates.push(Candidate { start, end, kind: "page", target: text[start..end].to_owned() });
        at = end;
    }
}

/// The stretch without a leading "See".
fn without_see(text: &str, start: usize, end: usize) -> (usize, usize) {
    let stretch = &text[start..end];
    let cut = stretch.strip_prefix("See ").map_or(0, |rest| stretch.len() - rest.len());
    (start + cut, end)
}

fn is_measure(rest: &str) -> bool {
    let word: String = rest.trim_start().chars().take_while(|c| c.is_alphabetic()).collect();
    matches!(word.as_str(), "inch" | "inches" | "feet" | "cm" | "mm" | "times")
}

/// A chapter or appendix, unless its line holds nothing else: then it is the heading itself.
fn add_whole(text: &str, captures: &Captures<'_>, kind: &'static str, candidates: &mut Vec<Candidate>) {
    let (Some(whole), Some(target)) = (captures.get(0), captures.name(kind)) else { return };
    let line_start = text[..whole.start()].rfind('\n').map_or(0, |i| i + 1);
    let line = text[line_start..].split('\n').next().unwrap_or("");
    let opens_line = text[line_start..whole.start()].trim().is_empty();
    let ends_as_sentence = line.trim_end().ends_with(['.', '!', '?', ';', ',', ')']);
    // The same twelve words at most that the matcher takes for a heading.
    if opens_line && !ends_as_sentence && line.split_whitespace().count() <= 12 {
        return;
    }
    candidates.push(Candidate { start: whole.start(), end: whole.end(), kind, target: target.as_str().to_owned() });
}

fn add_quoted(text: &str, captures: &Captures<'_>, candidates: &mut Vec<Candidate>) {
    let (Some(whole), Some(target)) = (captures.get(0), captures.name("quoted")) else { return };
    let title = target.as_str().trim_end_matches([',', '.', ';', ':']).trim();
    if captures.name("see").is_none() || !eyes_see(text, whole.start()) {
        candidates.push(Candidate { start: whole.start(), end: whole.end(), kind: "section", target: title.to_owned() });
    }
}

fn add_titled(text: &str, captures: &Captures<'_>, candidates: &mut Vec<Candidate>) {
    let (Some(whole), Some(target)) = (captures.get(0), captures.name("title")) else { return };
    // A sentence that begins with "See", or a "see" right after a bracket or a mark, points; within a sentence it looks.
    let before = text[..whole.start()].trim_end();
    let after_mark =
        before.is_empty() || before.ends_with(['(', '[', ';', '—', '–', ',', ':', '.', '!', '?', '|', '"', '”', '’']);
    let looks = captures.name("see").is_some_and(|see| {
        !after_mark
            || (see.as_str().starts_with('S') && !before.is_empty() && before.ends_with(','))
            || eyes_see(text, whole.start())
    });
    if looks {
        return;
    }
    let title = target.as_str().trim_end_matches("'s").trim_end_matches("’s");
    // "See Table" and "See Also" name nothing.
    if title.chars().count() < 3 || matches!(title, "Also" | "Table" | "Page" | "Chapter" | "Appendix" | "Section") {
        return;
    }
    let end = captures.name("tail").map_or(target.start() + title.len(), |t| t.end());
    candidates.push(Candidate { start: whole.start(), end, kind: "section", target: title.to_owned() });
}

/// The word before `at` makes "see" a verb of the eyes.
fn eyes_see(text: &str, at: usize) -> bool {
    let before = &text[..at];
    if !before.ends_with(' ') {
        return false;
    }
    before.split_whitespace().next_back().is_some_and(|w| EYES.contains(&w.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::vocabulary::Vocabulary;

    fn references(text: &str) -> Vec<Reference> {
        super::references(text, &Vocabulary::bundled().references)
    }

    const SENTENCES: &str = include_str!("../../../fixtures/sentences/references.txt");

    #[test]
    fn the_planted_references_are_found() {
        let mut cases: Vec<(&str, Vec<String>)> = Vec::new();
        for line in SENTENCES.lines() {
            if let Some(text) = line.strip_prefix("> ") {
                cases.push((text, Vec::new()));
            } else if let (Some(expected), Some(case)) = (line.strip_prefix("= "), cases.last_mut()) {
                case.1.push(expected.to_owned());
            }
        }
        let mut wrong = Vec::new();
        for (text, expected) in &cases {
            let found: Vec<String> =
                references(text).iter().map(|r| format!("{} | {} | {}", r.kind, r.target, r.surface)).collect();
            if &found != expected {
                wrong.push(format!("{text:?}\n   expected {expected:?}\n   found    {found:?}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {} are misread:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }

    #[test]
    fn a_heading_is_no_reference_to_itself() {
        assert!(references("Chapter 3: Townsfolk\nThey live here.").is_empty());
        assert_eq!(references("Chapter 3 tells of them.").len(), 1);
    }

    proptest! {
        #[test]
        fn surfaces_are_slices_of_the_text(text in "(see |See |page |pp\\. |Chapter |[A-Z][a-z]{1,5} |é|“|”|\\(|, |[0-9]{1,3}){0,14}") {
            for r in references(&text) {
                let slice: String = text.chars().skip(r.start as usize).take((r.end - r.start) as usize).collect();
                prop_assert_eq!(slice, r.surface);
            }
        }
    }
}
