//! Expressions of rules text with their values: dice, difficulties, damage, money, distances, durations, and what else a
//! vocabulary declares. Offsets are code points. Knows nothing of names or chunks, and no word that is printed.

pub mod amount;
pub mod values;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::expressions::values::Form;
use crate::document::number_words::NumberWords;
use crate::document::vocabulary::pattern::Pattern;

/// An expression that a vocabulary declares: how it is printed, and how its value is read.
#[derive(Debug)]
pub struct Declared {
    pub kind: String,
    pub patterns: Vec<Pattern>,
    pub form: Form,
    /// How it is written down, with `{group}`, for forms that do not say so themselves; "" as it is printed.
    pub name: String,
    /// Units as they are written down, by their printed form in lower case.
    pub units: BTreeMap<String, String>,
    /// Units that are adjectives, too.
    pub adjectives: Vec<String>,
    /// Words before "damage" that are no type of it.
    pub not_types: Vec<String>,
    /// Numbers in words.
    pub numbers: NumberWords,
}

/// An expression found in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression<'v> {
    /// As the vocabulary calls it.
    pub kind: &'v str,
    /// Canonical writing: `2d6+3`, `DC 15`, `30 ft`.
    pub name: String,
    /// Code points, half-open.
    pub start: u32,
    pub end: u32,
    pub value: BTreeMap<String, Value>,
}

/// A candidate in bytes.
struct Candidate<'v> {
    kind: &'v str,
    name: String,
    start: usize,
    end: usize,
    value: BTreeMap<String, Value>,
}

/// All expressions of `text` that are `declared`, in order, not overlapping: where two could be read, the longer is, then the one that begins
/// first.
#[must_use]
pub fn find<'v>(text: &str, declared: &'v [Declared]) -> Vec<Expression<'v>> {
    let mut candidates: Vec<Candidate<'_>> = Vec::new();
    for one in declared {
        for captures in one.patterns.iter().filter_map(Pattern::regex).flat_map(|regex| regex.captures_iter(text)) {
            if let (Some(whole), Some((name, value))) = (captures.get(0).filter(|m| !m.is_empty()), one.read(&captures, text)) {
                candidates.push(Candidate { kind: &one.kind, name, start: whole.start(), end: whole.end(), value });
            }
        }
    }
    candidates.sort_by_key(|c| (std::cmp::Reverse(c.end - c.start), c.start));
    let mut kept: Vec<Candidate<'_>> = Vec::new();
    for candidate in candidates {
        if kept.iter().all(|k| candidate.end <= k.start || k.end <= candidate.start) {
            kept.push(candidate);
        }
    }
    kept.sort_by_key(|c| c.start);
    with_code_points(text, kept)
}

/// Byte offsets of sorted candidates as code points, in one walk.
fn with_code_points<'v>(text: &str, kept: Vec<Candidate<'v>>) -> Vec<Expression<'v>> {
    let (mut byte, mut point) = (0, 0u32);
    let mut advance = |to: usize| {
        point += u32::try_from(text[byte..to].chars().count()).unwrap_or(u32::MAX);
        byte = to;
        point
    };
    kept.into_iter()
        .map(|c| Expression { kind: c.kind, name: c.name, start: advance(c.start), end: advance(c.end), value: c.value })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::vocabulary::Vocabulary;

    const SENTENCES: &str = include_str!("../../../fixtures/sentences/expressions.txt");

    fn find(text: &str) -> Vec<Expression<'static>> {
        super::find(text, &Vocabulary::bundled().unwrap().expressions)
    }

    fn shown(text: &str, e: &Expression<'_>) -> String {
        let surface: String = text.chars().skip(e.start as usize).take((e.end - e.start) as usize).collect();
        let mut values: Vec<String> =
            e.value.iter().map(|(k, v)| format!("{k}={}", v.as_str().map_or_else(|| v.to_string(), str::to_owned))).collect();
        values.sort();
        format!("{} | {} | {} | {}", e.kind, e.name, surface, values.join(" "))
    }

    #[test]
    fn the_planted_expressions_have_their_values() {
        let mut cases: Vec<(&str, Vec<String>)> = Vec::new();
        for line in SENTENCES.lines() {
            if let Some(text) = line.strip_prefix("> ") {
                cases.push((text, Vec::new()));
            } else if let (Some(expected), Some(case)) = (line.strip_prefix("= "), cases.last_mut()) {
                let (head, values) = expected.rsplit_once(" | ").unwrap();
                let mut values: Vec<&str> = values.split(' ').collect();
                values.sort_unstable();
                case.1.push(format!("{head} | {}", values.join(" ")));
            }
        }
        let mut wrong = Vec::new();
        for (text, expected) in &cases {
            let found: Vec<String> = find(text).iter().map(|e| shown(text, e)).collect();
            if &found != expected {
                wrong.push(format!("{text:?}\n   expected {expected:?}\n   found    {found:?}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {} are misread:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }

    #[test]
    fn a_sum_of_dice_is_two_dice() {
        let names: Vec<String> = find("Roll 2d6+1d4.").into_iter().map(|e| e.name).collect();
        assert_eq!(names, ["2d6", "1d4"]);
    }

    #[test]
    fn numbers_too_large_to_be_meant_are_no_expressions() {
        assert!(find("99999999999d6").is_empty());
        assert!(find("1d99999999999999999999").is_empty());
    }

    proptest! {
        #[test]
        fn expressions_do_not_overlap_and_lie_in_the_text(text in "[0-9d+−é ()a-z%,./-]{0,80}") {
            let found = find(&text);
            let length = u32::try_from(text.chars().count()).unwrap();
            for pair in found.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
            prop_assert!(found.iter().all(|e| e.start < e.end && e.end <= length));
        }
    }
}
