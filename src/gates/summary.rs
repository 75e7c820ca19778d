//! Summaries: what is left of a piece for gates on the merge. Keys are kept as sorted digests and merged as sorted lists;
//! coverage needs the least share of any item. A summary is a byte of flags, then its body; a fold that is not sure says no,
//! and the artifacts are read.

use std::cmp::Ordering;
use std::sync::Arc;

use itertools::Itertools;

use super::coverage;
use super::items::{self, Found, Pointer};
use crate::engine::graph::Check;
use crate::engine::verdict::Reading;

/// Version of the way summaries are made; a part of every reading.
const FORMAT: &str = "1";
/// Bytes of a key's digest: among 2^32 keys of a job two agree by chance once in 2^64 jobs.
const KEY: usize = 16;

/// An item has no value where there must be one, or none that can be measured.
const INCOMPLETE: u8 = 1;
/// Two items have one value.
const REPEATS: u8 = 2;

/// Separates pointers in a reading: no pointer of an Ingestfile that could be mistaken holds it.
const UNIT: char = '\u{1f}';

/// What `check` asks of the pieces of its subject, then of its other artifacts.
pub(super) fn readings(check: &Check) -> Option<Vec<Reading>> {
    let reading = |what: &str, pointers: &[&str]| {
        let parts: Vec<&str> = [FORMAT, what].iter().chain(pointers).copied().collect();
        Reading(parts.iter().map(|part| part.replace(UNIT, "\u{1f}\u{1f}")).join(&format!("{UNIT}")))
    };
    match check {
        Check::Unique { pointer } => Some(vec![reading("keys", &[pointer])]),
        Check::Refs { pointer, target } => Some(vec![reading("keys", &[pointer]), reading("keys", &[target])]),
        Check::Coverage { part, whole, .. } => Some(vec![reading("share", &[part, whole])]),
        _ => None,
    }
}

/// What `reading` asks of `piece`.
pub(super) fn summarise(reading: &Reading, piece: &[u8]) -> Vec<u8> {
    let parts: Vec<&str> = reading.0.split(UNIT).collect();
    let summary = std::str::from_utf8(piece).ok().and_then(|json| match parts[..] {
        [FORMAT, "keys", pointer] => keys(json, pointer),
        [FORMAT, "share", part, whole] => {
            let lowest = coverage::lowest(json, part, whole)?;
            Some([&[0][..], &lowest.to_le_bytes()].concat())
        }
        _ => None,
    });
    summary.unwrap_or_else(|| vec![INCOMPLETE])
}

/// The digests of the values at `pointer`, sorted, each once; `None` if `json` does not parse.
fn keys(json: &str, pointer: &str) -> Option<Vec<u8>> {
    let (mut flags, mut keys) = (0, Vec::new());
    let mut found = |found: Found<'_>| match found.value {
        None => flags |= INCOMPLETE,
        Some(value) if value.is_null() => {}
        Some(value) => keys.push(key_of(&value)),
    };
    items::values_at(json, &Pointer::new(pointer), &mut found).ok()?;
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() < all {
        flags |= REPEATS;
    }
    let mut summary = Vec::with_capacity(1 + keys.len() * KEY);
    summary.push(flags);
    keys.iter().for_each(|key| summary.extend_from_slice(key));
    Some(summary)
}

fn key_of(value: &serde_json::Value) -> [u8; KEY] {
    let mut key = [0; KEY];
    key.copy_from_slice(&blake3::hash(value.to_string().as_bytes()).as_bytes()[..KEY]);
    key
}

/// Whether `summaries` show that `check` says yes.
pub(super) fn folds(check: &Check, summaries: &[Vec<Arc<[u8]>>]) -> bool {
    match (check, summaries) {
        (Check::Unique { .. }, [subject]) => has_none(subject, INCOMPLETE | REPEATS) && merged(subject).all_unique_in_order(),
        (Check::Refs { .. }, [subject, other]) => {
            // What a target has no value for is referred to by nobody.
            has_none(subject, INCOMPLETE) && is_within(merged(subject), merged(other))
        }
        (Check::Coverage { min, .. }, [subject]) => {
            subject.iter().all(|s| share_of(s).is_some_and(|lowest| coverage::reaches(lowest, min)))
        }
        _ => false,
    }
}

fn has_none(summaries: &[Arc<[u8]>], flags: u8) -> bool {
    summaries.iter().all(|s| s.first().is_some_and(|first| first & flags == 0))
}

fn share_of(summary: &[u8]) -> Option<f64> {
    let (flags, share) = summary.split_first()?;
    (*flags == 0).then_some(())?;
    Some(f64::from_le_bytes(share.try_into().ok()?))
}

/// The keys of all summaries, sorted.
fn merged(summaries: &[Arc<[u8]>]) -> impl Iterator<Item = &[u8]> {
    summaries.iter().map(|s| s.get(1..).unwrap_or_default().chunks_exact(KEY)).kmerge()
}

trait InOrder {
    /// Whether no two neighbours are equal.
    fn all_unique_in_order(self) -> bool;
}

impl<'a, I: Iterator<Item = &'a [u8]>> InOrder for I {
    fn all_unique_in_order(self) -> bool {
        self.tuple_windows().all(|(a, b)| a != b)
    }
}

/// Whether every one of `keys` is among `known`; both are sorted.
fn is_within<'a>(keys: impl Iterator<Item = &'a [u8]>, known: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut known = known.peekable();
    for key in keys {
        loop {
            match known.peek().map(|k| k.cmp(&key)) {
                Some(Ordering::Less) => drop(known.next()),
                Some(Ordering::Equal) => break,
                Some(Ordering::Greater) | None => return false,
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Number, Value, json};

    use super::*;
    use crate::engine::graph::{GateSpec, Scope};
    use crate::engine::verdict::{GateInput, Judge};
    use crate::gates::Gates;

    fn spec(check: Check) -> GateSpec {
        GateSpec { output: 0, scope: Scope::Job, check, files: Vec::new(), others: Vec::new() }
    }

    /// What the fold says of the pieces, and what reading the whole says.
    fn both(check: Check, artifacts: &[&[Vec<Value>]]) -> (bool, bool) {
        let (gates, gate) = (Gates::new(), spec(check));
        let readings = gates.readings(&gate).unwrap();
        assert_eq!(readings.len(), artifacts.len());
        let summary = |reading: &Reading, piece: &Vec<Value>| -> Arc<[u8]> {
            gates.summarise(reading, serde_json::to_string(piece).unwrap().as_bytes()).into()
        };
        let of = |(reading, pieces): (&Reading, &&[Vec<Value>])| pieces.iter().map(|p| summary(reading, p)).collect();
        let summaries: Vec<Vec<Arc<[u8]>>> = readings.iter().zip(artifacts).map(of).collect();
        let whole = |pieces: &[Vec<Value>]| serde_json::to_vec(&pieces.concat()).unwrap();
        let other = |pieces: &&[Vec<Value>]| GateInput { name: "other".into(), bytes: whole(pieces).into() };
        let others: Vec<GateInput> = artifacts[1..].iter().map(other).collect();
        let read = gates.judge(&gate, &whole(artifacts[0]), &[], &others).unwrap();
        (gates.folds(&gate, &summaries), read.accepted())
    }

    fn item() -> impl Strategy<Value = Value> {
        let key = prop_oneof![
            8 => (0..400u32).prop_map(Value::from),
            2 => (0..40u32).prop_map(|n| json!(n.to_string())),
            1 => Just(json!(1.0)),
            1 => Just(Value::Null),
        ];
        let pages = prop::collection::vec((0..100u32, 0..100u32), 0..4);
        (key, pages, 0..60u8).prop_map(|(key, pages, odd)| {
            let pages: Vec<Value> = pages.into_iter().map(|(a, b)| json!({"words": a.max(b), "chunked": a.min(b)})).collect();
            match odd {
                0 => json!({ "pages": pages }),
                1 => json!({"id": key, "pages": [{"words": "x", "chunked": 1}]}),
                _ => json!({"id": key, "pages": pages}),
            }
        })
    }

    fn pieces() -> impl Strategy<Value = Vec<Vec<Value>>> {
        prop::collection::vec(prop::collection::vec(item(), 0..6), 0..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn a_fold_says_what_the_whole_says(subject in pieces(), other in pieces(), min in 0..=20u32) {
            let (folded, read) = both(Check::Unique { pointer: "/id".into() }, &[&subject]);
            prop_assert_eq!(folded, read, "unique");
            let refs = Check::Refs { pointer: "/id".into(), target: "/id".into() };
            let (folded, read) = both(refs.clone(), &[&subject, &other]);
            prop_assert_eq!(folded, read, "refs");
            let (folded, read) = both(refs, &[&subject, &[subject.concat(), other.concat()]]);
            prop_assert_eq!(folded, read, "refs to more than itself");
            let min = Number::from_f64(f64::from(min) / 20.0).unwrap();
            let coverage = Check::Coverage { part: "/pages/*/chunked".into(), whole: "/pages/*/words".into(), min };
            let (folded, read) = both(coverage, &[&subject]);
            prop_assert_eq!(folded, read, "coverage");
        }
    }

    #[test]
    fn a_key_in_two_pieces_is_found_by_the_fold() {
        let (a, b) = (vec![json!({"id": 1}), json!({"id": 2})], vec![json!({"id": 2})]);
        assert_eq!(both(Check::Unique { pointer: "/id".into() }, &[&[a.clone(), b]]), (false, false));
        assert_eq!(both(Check::Unique { pointer: "/id".into() }, &[&[a, vec![json!({"id": "2"})]]]), (true, true));
    }

    #[test]
    fn what_is_no_json_or_another_reading_folds_to_no() {
        let unique = Check::Unique { pointer: "/id".into() };
        let reading = readings(&unique).unwrap().remove(0);
        assert!(!folds(&unique, &[vec![summarise(&reading, b"[{").into()]]));
        assert!(!folds(&unique, &[vec![summarise(&Reading("0\u{1f}keys\u{1f}/id".into()), b"[]").into()]]));
        assert!(!folds(&unique, &[vec![Vec::new().into()]]));
        assert!(folds(&unique, &[Vec::new()]));
    }

    #[test]
    fn a_summary_is_much_smaller_than_its_piece() {
        let piece: Vec<Value> = (0..1000).map(|n| json!({"id": n, "text": "x".repeat(500)})).collect();
        let bytes = serde_json::to_vec(&piece).unwrap();
        let reading = readings(&Check::Unique { pointer: "/id".into() }).unwrap().remove(0);
        assert_eq!(summarise(&reading, &bytes).len(), 1 + 1000 * KEY);
    }
}
