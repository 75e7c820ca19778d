//! Gates: what is said of a candidate before anybody may consume it. Each check reads bytes and gives a verdict, the same for
//! the same bytes. Checks over whole jobs can be folded from summaries of pieces (`summary`). Knows nothing of rules, jobs or
//! documents.

use std::collections::BTreeSet;
use std::sync::Arc;

use self::items::{Found, Pointer};
use crate::engine::graph::{Check, GateSpec};
use crate::engine::verdict::{GateInput, ItemCounts, Judge, Reading, Verdict, Violation};

mod counts;
mod coverage;
mod items;
mod json_schema;
pub mod pieces;
mod place;
mod references;
mod refs;
mod summary;
mod unique;

/// How many violations a verdict lists.
const LISTED: usize = 20;

/// Judges artifacts, and keeps the schemas that it has compiled.
#[derive(Default)]
pub struct Gates {
    schemas: json_schema::Schemas,
}

impl Gates {
    /// A judge that has compiled nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Judge for Gates {
    fn judge(&self, gate: &GateSpec, subject: &[u8], files: &[GateInput], others: &[GateInput]) -> Result<Verdict, String> {
        if let Check::Present { json } = gate.check {
            return Ok(counts::present(subject, json));
        }
        let subject = match std::str::from_utf8(subject) {
            Ok(subject) => subject,
            Err(error) => return Ok(Findings::of_one(format!("not JSON: {error}"))),
        };
        match &gate.check {
            Check::Present { .. } => Ok(Verdict::default()),
            Check::Unique { pointer } => Ok(unique::judge(subject, pointer)),
            Check::Schema => self.schemas.judge(subject, files),
            Check::Refs { pointer, target } => {
                let other = others.first().ok_or("a gate on references got nothing to refer to")?;
                refs::judge(subject, pointer, other, target)
            }
            Check::Coverage { part, whole, min } => Ok(coverage::judge(subject, part, whole, min)),
            Check::MinItems { .. } | Check::Ratio { .. } | Check::MaxDrop { .. } => {
                Err("a gate on numbers of items was asked with bytes".to_owned())
            }
            Check::Command { .. } => Err("a gate that is a command was asked as if it were none".to_owned()),
        }
    }

    fn judge_counts(&self, gate: &GateSpec, counts: &ItemCounts<'_>) -> Option<Verdict> {
        match &gate.check {
            Check::MinItems { count } => Some(counts::min_items(counts.subject, *count)),
            Check::Ratio { min, max } => Some(counts::ratio(counts.subject, counts.other?, min.as_ref(), max.as_ref())),
            Check::MaxDrop { share } => Some(counts::max_drop(counts.subject, counts.baseline, share)),
            _ => None,
        }
    }

    fn readings(&self, gate: &GateSpec) -> Option<Vec<Reading>> {
        summary::readings(&gate.check)
    }

    fn summarise(&self, reading: &Reading, piece: &[u8]) -> Vec<u8> {
        summary::summarise(reading, piece)
    }

    fn folds(&self, gate: &GateSpec, summaries: &[Vec<Arc<[u8]>>]) -> bool {
        summary::folds(&gate.check, summaries)
    }

    fn refers_to(&self, name: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
        references::of(name, bytes)
    }

    fn count_items(&self, bytes: &[u8]) -> Option<u64> {
        items::count(std::str::from_utf8(bytes).ok()?).ok()
    }
}

/// Violations as they are found, in order: the first few are kept, all are counted.
#[derive(Default)]
struct Findings {
    verdict: Verdict,
}

impl Findings {
    /// A verdict that names one thing, about the artifact as a whole.
    fn of_one(message: String) -> Verdict {
        Verdict { violations: vec![Violation { pointer: String::new(), message, place: String::new() }], count: 1 }
    }

    fn add(&mut self, violation: impl FnOnce() -> Violation) {
        if self.verdict.violations.len() < LISTED {
            self.verdict.violations.push(violation());
        }
        self.verdict.count += 1;
    }
}

/// Something wrong with an item, before its place is known.
struct Wrong {
    item: Option<usize>,
    pointer: String,
    message: String,
}

impl Wrong {
    /// Adds what was found to the first few.
    fn push(wrong: &mut Vec<Self>, found: &Found<'_>, pointer: &Pointer, message: String) {
        if wrong.len() < LISTED {
            wrong.push(Self { item: found.item, pointer: pointer.resolved(found.item, found.stars), message });
        }
    }
}

/// Violations with the places of their items, which are read again for it: they are few.
fn placed(subject: &str, wrong: Vec<Wrong>) -> Vec<Violation> {
    let items: BTreeSet<_> = wrong.iter().map(|w| w.item).collect();
    let places = place::of_items(subject, &items);
    let violation = |wrong: Wrong| {
        let place = places.get(&wrong.item).cloned().unwrap_or_default();
        Violation { pointer: wrong.pointer, message: wrong.message, place }
    };
    wrong.into_iter().map(violation).collect()
}

/// A value in a sentence: JSON, cut to a length that a line can hold.
fn excerpt(value: &serde_json::Value) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let cut = text.char_indices().nth(LONGEST).map(|(end, _)| format!("{}…", &text[..end]));
    cut.unwrap_or(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
