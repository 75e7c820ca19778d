//! Finds cross-references as they are printed: pages, chapters, appendices and titles, by the patterns and words of a
//! vocabulary. Knows no language, and nothing of what they lead to.

use regex::Captures;

use crate::document::entity::Reference;
use crate::document::references::number;
use crate::document::references::words::Words;
use crate::document::vocabulary::pattern::Pattern;

/// Groups of which a pattern has one: what it leads to.
pub const TARGETS: [&str; 5] = ["page", "chapter", "section", "title", "quoted"];

/// A reference in bytes.
struct Candidate {
    start: usize,
    end: usize,
    kind: &'static str,
    target: String,
}

/// The references of `text` that `words` tell, by start, not overlapping; offsets are code points. A heading on the first
/// line of a chunk is not a reference to itself.
#[must_use]
pub fn references(text: &str, words: &Words) -> Vec<Reference> {
    let mut candidates = Vec::new();
    for captures in words.patterns.iter().filter_map(Pattern::regex).flat_map(|regex| regex.captures_iter(text)) {
        add_pages(words, text, &captures, &mut candidates);
        // "Chapter 3: Townsfolk" on a line of its own is the heading.
        add_whole(words, text, &captures, "chapter", &mut candidates);
        add_whole(words, text, &captures, "section", &mut candidates);
        add_quoted(words, text, &captures, &mut candidates);
        add_titled(words, text, &captures, &mut candidates);
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
fn add_pages(words: &Words, text: &str, captures: &Captures<'_>, candidates: &mut Vec<Candidate>) {
    let (Some(whole), Some(target)) = (captures.get(0), captures.name("page")) else { return };
    // "page 3 inches wide", "page 2.5", "page ill"
    let rest = &text[whole.end()..];
    if rest.starts_with('.') && rest[1..].starts_with(|c: char| c.is_ascii_digit())
        || words.is_measure(rest)
        || is_no_numeral(target.as_str())
    {
        return;
    }
    let book = words.book(&text[..whole.start()]);
    let (start, printed) = match book {
        Some((start, _)) => (start, text[start..whole.end()].to_owned()),
        None => (whole.start(), target.as_str().to_owned()),
    };
    candidates.push(Candidate { start, end: whole.end(), kind: "page", target: printed });
    if book.is_none() {
        add_listed(words, text, whole.end(), target.as_str(), "page", candidates);
    }
}

/// The numbers that are listed after the one that ends at byte `at`, of the same writing as that `first` one.
fn add_listed(words: &Words, text: &str, at: usize, first: &str, kind: &'static str, candidates: &mut Vec<Candidate>) {
    let is_roman = |number: &str| !number.starts_with(|c: char| c.is_ascii_digit());
    let mut at = at;
    while let Some((start, end)) = words.more(&text[at..]).map(|(start, end)| (at + start, at + end)) {
        let target = &text[start..end];
        let is_one = is_roman(target) == is_roman(first) && !is_no_numeral(target);
        if !is_one || words.is_measure(&text[end..]) {
            break;
        }
        candidates.push(Candidate { start, end, kind, target: target.to_owned() });
        at = end;
    }
}

/// Letters that roman numerals are made of, and no numeral: "ill".
fn is_no_numeral(target: &str) -> bool {
    let first = target.split(['-', '–', '—']).next().unwrap_or(target).trim();
    first.chars().all(|c| "ivxlc".contains(c)) && number::roman(first).is_none()
}

/// A chapter or appendix, unless its line holds nothing else: then it is the heading itself.
fn add_whole(words: &Words, text: &str, captures: &Captures<'_>, kind: &'static str, candidates: &mut Vec<Candidate>) {
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
    if kind == "chapter" && target.end() == whole.end() {
        let known = candidates.len();
        add_listed(words, text, whole.end(), target.as_str(), kind, candidates);
        // "Chapter 3, 20 of them": what commas alone join may be anything.
        let is_list = candidates.last().is_some_and(|last| !text[..last.start].trim_end().ends_with(','));
        candidates.truncate(if is_list { candidates.len() } else { known });
    }
}

fn add_quoted(words: &Words, text: &str, captures: &Captures<'_>, candidates: &mut Vec<Candidate>) {
    let (Some(whole), Some(target)) = (captures.get(0), captures.name("quoted")) else { return };
    let title = target.as_str().trim_end_matches([',', '.', ';', ':']).trim();
    if captures.name("see").is_none() || !words.eyes_see(&text[..whole.start()]) {
        candidates.push(Candidate { start: whole.start(), end: whole.end(), kind: "section", target: title.to_owned() });
    }
}

fn add_titled(words: &Words, text: &str, captures: &Captures<'_>, candidates: &mut Vec<Candidate>) {
    let (Some(whole), Some(target)) = (captures.get(0), captures.name("title")) else { return };
    // A sentence that begins with "See", or a "see" right after a bracket or a mark, points; within a sentence it looks.
    let before = text[..whole.start()].trim_end();
    let after_mark =
        before.is_empty() || before.ends_with(['(', '[', ';', '—', '–', ',', ':', '.', '!', '?', '|', '"', '”', '’']);
    let looks = captures.name("see").is_some_and(|see| {
        !after_mark
            || (see.as_str().starts_with(char::is_uppercase) && !before.is_empty() && before.ends_with(','))
            || words.eyes_see(&text[..whole.start()])
    });
    if looks {
        return;
    }
    let title = target.as_str().trim_end_matches("'s").trim_end_matches("’s");
    if title.chars().count() < 3 || words.no_titles.contains(&title.to_lowercase()) {
        return;
    }
    let end = captures.name("tail").map_or(target.start() + title.len(), |t| t.end());
    candidates.push(Candidate { start: whole.start(), end, kind: "section", target: title.to_owned() });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::vocabulary::Vocabulary;

    fn references(text: &str) -> Vec<Reference> {
        super::references(text, &Vocabulary::bundled().unwrap().references)
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
