//! Whether an output is there at all, and how many items it holds: at least so many, so many for each of another artifact's,
//! not many fewer than last time. Numbers of items are all that these ask for, so they are judged without the artifact.

use serde_json::Number;

use super::Findings;
use crate::engine::verdict::Verdict;

/// It is not 0 bytes, and parses if it is JSON. `[]` is present: who wants items says `min_items`.
pub(super) fn present(subject: &[u8], json: bool) -> Verdict {
    if subject.is_empty() {
        return Findings::of_one("the output is 0 bytes".to_owned());
    }
    if !json {
        return Verdict::default();
    }
    match std::str::from_utf8(subject).map(super::items::count) {
        Ok(Ok(_)) => Verdict::default(),
        Ok(Err(error)) => Findings::of_one(format!("not JSON: {error}")),
        Err(error) => Findings::of_one(format!("not JSON: {error}")),
    }
}

/// It holds at least `least` items.
pub(super) fn min_items(count: u64, least: u64) -> Verdict {
    if count >= least {
        return Verdict::default();
    }
    Findings::of_one(format!("{}, and the gate asks for at least {least}", items(count)))
}

/// It holds at least `min` and at most `max` items for each of the `of` items of `other`.
pub(super) fn ratio(count: u64, (other, of): (&str, u64), min: Option<&Number>, max: Option<&Number>) -> Verdict {
    let missed = |limit: Option<&Number>, word: &str, misses: fn(f64, f64) -> bool| {
        let limit = limit?;
        misses(exact(count), share_of(limit) * exact(of)).then(|| format!("{word} {limit}"))
    };
    let asked = missed(min, "at least", |count, least| count < least * (1.0 - SLACK));
    let Some(asked) = asked.or_else(|| missed(max, "at most", |count, most| count > most * (1.0 + SLACK))) else {
        return Verdict::default();
    };
    let quotient = if of == 0 { String::new() } else { format!(", a ratio of {}", shown(exact(count) / exact(of))) };
    Findings::of_one(format!("{} for {} of `{other}`{quotient}, and the gate asks for {asked}", items(count), items(of)))
}

/// It lost at most `share` of the items that the last accepted build had.
pub(super) fn max_drop(count: u64, baseline: Option<u64>, share: &Number) -> Verdict {
    let Some(before) = baseline.filter(|before| count < *before) else { return Verdict::default() };
    let lost = before - count;
    if exact(lost) <= share_of(share) * exact(before) * (1.0 + SLACK) {
        return Verdict::default();
    }
    let (lost, allowed) = (exact(lost) / exact(before), share_of(share));
    let (lost, allowed) = (shown(lost * 100.0), shown(allowed * 100.0));
    let now = items(count);
    Findings::of_one(format!("{now}, and the last accepted build had {before}: {lost} % less, and the gate allows {allowed} %"))
}

/// Products of a count and a decimal share are off by less than this part of them.
pub(super) const SLACK: f64 = 1e-12;

fn items(count: u64) -> String {
    if count == 1 { "1 item".to_owned() } else { format!("{count} items") }
}

/// A limit of the Ingestfile, where only finite numbers stand.
pub(super) fn share_of(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

/// Up to three decimals, cut: what misses a limit never looks as if it met it.
pub(super) fn shown(value: f64) -> String {
    ((value * 1000.0 + SLACK).floor() / 1000.0).to_string()
}

#[allow(clippy::cast_precision_loss, reason = "counts of a job are far below 2^53")]
fn exact(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: f64) -> Number {
        Number::from_f64(value).unwrap()
    }

    fn said(verdict: &Verdict) -> &str {
        verdict.violations.first().map_or("", |v| v.message.as_str())
    }

    #[test]
    fn a_ratio_is_held_from_both_sides() {
        let of = |count, others, min: Option<f64>, max: Option<f64>| {
            ratio(count, ("passA.dictionary", others), min.map(number).as_ref(), max.map(number).as_ref())
        };
        assert!(of(15, 300, Some(0.05), None).accepted(), "exactly the least is enough");
        assert_eq!(
            said(&of(14, 300, Some(0.05), None)),
            "14 items for 300 items of `passA.dictionary`, a ratio of 0.046, and the gate asks for at least 0.05"
        );
        assert!(of(30, 10, Some(0.05), Some(3.0)).accepted());
        assert_eq!(
            said(&of(31, 10, None, Some(3.0))),
            "31 items for 10 items of `passA.dictionary`, a ratio of 3.1, and the gate asks for at most 3.0"
        );
        assert!(of(0, 0, Some(0.05), Some(3.0)).accepted(), "nothing for nothing");
        assert_eq!(
            said(&of(1, 0, None, Some(3.0))),
            "1 item for 0 items of `passA.dictionary`, and the gate asks for at most 3.0"
        );
    }

    #[test]
    fn a_drop_is_measured_against_what_was_accepted() {
        let drop = |now, before, share| max_drop(now, before, &number(share));
        assert!(drop(1, None, 0.0).accepted(), "there was nothing before");
        assert!(drop(8, Some(10), 0.2).accepted() && drop(42, Some(100), 0.58).accepted(), "exactly the share is allowed");
        assert!(drop(12, Some(10), 0.0).accepted() && drop(0, Some(7), 1.0).accepted());
        assert_eq!(
            said(&drop(6, Some(10), 0.2)),
            "6 items, and the last accepted build had 10: 40 % less, and the gate allows 20 %"
        );
        assert_eq!(
            said(&drop(1, Some(3), 0.0)),
            "1 item, and the last accepted build had 3: 66.666 % less, and the gate allows 0 %"
        );
    }
}
