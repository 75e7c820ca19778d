//! Coverage: in each item, the numbers at one pointer add up to a share of those at another. An item without anything to
//! cover (the whole is 0, or an empty array) is covered.

use serde_json::{Number, Value};

use super::counts::{SLACK, share_of, shown};
use super::items::{self, Pointer};
use super::{Findings, LISTED, place};
use crate::engine::verdict::{Verdict, Violation};

/// How many elements a violation names.
const NAMED: usize = 3;

/// What is covered of an item.
pub(super) struct Sums {
    part: Numbers,
    whole: Numbers,
}

/// Numbers at a pointer, with the indexes that stood for `*`.
type Numbers = Vec<(Vec<usize>, f64)>;

/// Something at a pointer that is no number, or that is not there.
struct Odd {
    pointer: String,
    message: String,
}

impl Sums {
    fn of(value: &Value, part: &Pointer, whole: &Pointer) -> Result<Self, Odd> {
        Ok(Self { part: numbers(value, part)?, whole: numbers(value, whole)? })
    }

    /// Covered part of all that there is: 1 if there is nothing.
    fn share(&self) -> f64 {
        let whole = total(&self.whole);
        if whole > 0.0 { total(&self.part) / whole } else { 1.0 }
    }

    /// Elements with the most that is not covered, where the parts stand beside the wholes.
    fn least(&self) -> Vec<&[usize]> {
        let mut missing: Vec<(f64, &[usize])> = Vec::new();
        for (stars, whole) in &self.whole {
            let part = self.part.iter().find(|(other, _)| other == stars).map_or(0.0, |(_, n)| *n);
            if !stars.is_empty() && *whole > part {
                missing.push((whole - part, stars));
            }
        }
        missing.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
        missing.into_iter().map(|(_, stars)| stars).collect()
    }
}

fn total(numbers: &Numbers) -> f64 {
    numbers.iter().map(|(_, n)| n).sum()
}

fn numbers(value: &Value, pointer: &Pointer) -> Result<Numbers, Odd> {
    let (mut numbers, mut odd) = (Vec::new(), None);
    pointer.find(value, &mut |stars, found| match found.as_f64() {
        Some(number) => numbers.push((stars.to_vec(), number)),
        None if odd.is_none() => {
            let message = format!("`{}` is no number, and it must be one to be added up", super::excerpt(found));
            odd = Some(Odd { pointer: pointer.resolved(None, stars), message });
        }
        None => {}
    });
    if numbers.is_empty() && odd.is_none() && !pointer.is_optional() {
        let message = "there is no number, and it must be one to be added up".to_owned();
        odd = Some(Odd { pointer: pointer.resolved(None, &[]), message });
    }
    odd.map_or(Ok(numbers), Err)
}

/// Whether a share is at least `min`.
pub(super) fn reaches(share: f64, min: &Number) -> bool {
    share >= share_of(min) * (1.0 - SLACK)
}

/// The least share of any item; `None` if some item cannot be measured, or `json` does not parse.
pub(super) fn lowest(json: &str, part: &str, whole: &str) -> Option<f64> {
    let (part, whole) = (Pointer::new(part), Pointer::new(whole));
    let mut lowest = Some(f64::INFINITY);
    let read = items::items(
        json,
        |_| true,
        |_, value| {
            let share = Sums::of(&value, &part, &whole).ok().map(|sums| sums.share());
            lowest = lowest.zip(share).map(|(lowest, share)| lowest.min(share));
        },
    );
    read.ok().and(lowest)
}

/// Whether at least `min` of every item of `subject` is covered.
pub(super) fn judge(subject: &str, part: &str, whole: &str, min: &Number) -> Verdict {
    let pointers = (Pointer::new(part), Pointer::new(whole));
    let mut findings = Findings::default();
    let read = items::items(
        subject,
        |_| true,
        |item, value| {
            let prefix = item.map_or_else(String::new, |item| format!("/{item}"));
            match Sums::of(&value, &pointers.0, &pointers.1) {
                Ok(sums) if reaches(sums.share(), min) => {}
                Ok(sums) => findings.add(|| Violation {
                    message: told(&value, &sums, (part, whole), min, &pointers.1),
                    pointer: prefix,
                    place: place::of(&value, ""),
                }),
                Err(Odd { pointer, message }) => {
                    let place = place::of(&value, &pointer);
                    findings.add(|| Violation { pointer: format!("{prefix}{pointer}"), message, place });
                }
            }
        },
    );
    match read {
        Ok(()) => findings.verdict,
        Err(error) => Findings::of_one(format!("not JSON: {error}")),
    }
}

fn told(value: &Value, sums: &Sums, (part, whole): (&str, &str), min: &Number, at: &Pointer) -> String {
    let (covered, all) = (total(&sums.part), total(&sums.whole));
    let share = shown(sums.share());
    let mut text = format!("`{part}` adds up to {covered} and `{whole}` to {all}, a share of {share}; the gate asks for {min}");
    let least = sums.least();
    if !least.is_empty() {
        let item = place::of(value, "");
        let name = |stars: &&[usize]| {
            let pointer = at.resolved(None, stars);
            let place = place::of(value, &pointer);
            let own = place.strip_prefix(&item).unwrap_or(&place).trim_start_matches(", ").to_owned();
            if own.is_empty() { format!("`{pointer}`") } else { own }
        };
        let names: Vec<String> = least.iter().take(NAMED).map(name).collect();
        let more = least.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text.push_str(&format!("; most is missing from {}{more}", names.join(", ")));
    }
    text
}

const _: () = assert!(NAMED < LISTED);

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(subject: &str, part: &str, whole: &str, min: f64) -> Vec<String> {
        let verdict = judge(subject, part, whole, &Number::from_f64(min).unwrap());
        let line = |v: &Violation| format!("{} | {} | {}", v.pointer, v.message, v.place);
        assert_eq!(verdict.count as usize, verdict.violations.len());
        verdict.violations.iter().map(line).collect()
    }

    const BOOKS: &str = r#"[
        {"source_id":"core.pdf","pages":[{"page":1,"words":100,"chunked":100},{"page":2,"words":50,"chunked":10},
            {"page":3,"words":50,"chunked":0},{"page":4,"words":20,"chunked":19},{"page":5,"words":10,"chunked":8}]},
        {"source_id":"notes.md","pages":[]},
        {"source_id":"fine.pdf","pages":[{"page":1,"words":19,"chunked":19},{"page":2,"words":1,"chunked":0}]}]"#;

    #[test]
    fn an_item_that_is_not_covered_is_told_with_its_worst_pages() {
        assert_eq!(
            lines(BOOKS, "/pages/*/chunked", "/pages/*/words", 0.95),
            [
                "/0 | `/pages/*/chunked` adds up to 137 and `/pages/*/words` to 230, a share of 0.595; the gate asks for 0.95; most \
              is missing from page 3, page 2, page 5 and 1 more | core.pdf"
            ]
        );
        assert!(lines(BOOKS, "/pages/*/chunked", "/pages/*/words", 0.59).is_empty());
        assert_eq!(lowest(BOOKS, "/pages/*/chunked", "/pages/*/words").map(shown).as_deref(), Some("0.595"));
    }

    #[test]
    fn what_is_no_number_is_named() {
        let subject = r#"[{"id":"a","n":"7","of":7},{"of":7},{"n":1,"of":null}]"#;
        assert_eq!(
            lines(subject, "/n", "/of", 0.5),
            [
                "/0/n | `7` is no number, and it must be one to be added up | ",
                "/1/n | there is no number, and it must be one to be added up | ",
                "/2/of | `null` is no number, and it must be one to be added up | ",
            ]
        );
        assert_eq!(lowest(subject, "/n", "/of"), None);
        assert!(lines("[{", "/n", "/of", 0.5)[0].contains("not JSON"));
    }

    #[test]
    fn sums_without_elements_and_an_artifact_that_is_one_item() {
        assert_eq!(
            lines(r#"{"done":3,"all":4}"#, "/done", "/all", 1.0),
            [" | `/done` adds up to 3 and `/all` to 4, a share of 0.75; the gate asks for 1.0 | "]
        );
        assert!(lines("[]", "/done", "/all", 1.0).is_empty());
    }
}
