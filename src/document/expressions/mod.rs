//! Expressions of rules text with their values: dice, difficulties, damage, money, distances, durations. Offsets are code
//! points. English; knows nothing of names or chunks.

pub mod amount;
pub mod patterns;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::expressions::patterns::patterns;

/// An expression found in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// `dice`, `dc`, `damage`, `currency`, `distance`, `duration`.
    pub kind: &'static str,
    /// Canonical writing: `2d6+3`, `DC 15`, `30 ft`.
    pub name: String,
    /// Code points, half-open.
    pub start: u32,
    pub end: u32,
    pub value: BTreeMap<String, Value>,
}

/// A candidate in bytes.
struct Candidate {
    kind: &'static str,
    name: String,
    start: usize,
    end: usize,
    value: BTreeMap<String, Value>,
}

/// All expressions of `text`, in order, not overlapping: where two could be read, the longer is, then the one that begins
/// first.
#[must_use]
pub fn find(text: &str) -> Vec<Expression> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for pattern in patterns() {
        for captures in pattern.regex.captures_iter(text) {
            if let (Some(whole), Some((name, value))) = (captures.get(0), (pattern.parse)(&captures, text)) {
                candidates.push(Candidate { kind: pattern.kind, name, start: whole.start(), end: whole.end(), value });
            }
        }
    }
    candidates.sort_by_key(|c| (std::cmp::Reverse(c.end - c.start), c.start));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if kept.iter().all(|k| candidate.end <= k.start || k.end <= candidate.start) {
            kept.push(candidate);
        }
    }
    kept.sort_by_key(|c| c.start);
    with_code_points(text, kept)
}

/// Byte offsets of sorted candidates as code points, in one walk.
fn with_code_points(text: &str, kept: Vec<Candidate>) -> Vec<Expression> {
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

    const SENTENCES: &str = include_str!("../../../fixtures/sentences/expressions.txt");

    fn shown(text: &str, e: &Expression) -> String {
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
