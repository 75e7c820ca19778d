//! One check: a value against its limits. Knows nothing of what is measured.

use serde::{Deserialize, Serialize};

use crate::document::cleanup::Check;
use crate::document::cleanup::CheckStatus;

/// A count that must be 0 (or at most `limit`): anything above fails.
#[must_use]
pub fn none_allowed(name: &str, value: u64, limit: u64) -> Check {
    let status = if value > limit { CheckStatus::Fail } else { CheckStatus::Pass };
    Check { name: name.to_owned(), status, value: whole(value), limit: whole(limit) }
}

/// A share that should not be above `warn`.
#[must_use]
pub fn at_most(name: &str, share: Share, warn: f64) -> Check {
    let value = share.or(0.0);
    let status = if value > warn { CheckStatus::Warn } else { CheckStatus::Pass };
    Check { name: name.to_owned(), status, value: rounded(value), limit: warn }
}

/// A share that should not be below `warn` and must not be below `fail`. Nothing to measure passes.
#[must_use]
pub fn at_least(name: &str, share: Share, warn: f64, fail: f64) -> Check {
    let value = share.or(1.0);
    let (status, limit) = match value {
        v if v < fail => (CheckStatus::Fail, fail),
        v if v < warn => (CheckStatus::Warn, warn),
        _ => (CheckStatus::Pass, warn),
    };
    Check { name: name.to_owned(), status, value: rounded(value), limit }
}

/// `part` of `whole`, as counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub part: u64,
    pub whole: u64,
}

impl Share {
    #[must_use]
    pub fn of(part: usize, whole: usize) -> Self {
        Self { part: part as u64, whole: whole as u64 }
    }

    /// Of these and of those.
    pub fn add(&mut self, other: Self) {
        self.part += other.part;
        self.whole += other.whole;
    }

    /// The smaller of two quotients; one that measures nothing does not count.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        // a/b < c/d as a·d < c·b: no rounding decides.
        let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
        let is_less = product(other.part, self.whole) < product(self.part, other.whole);
        if self.whole == 0 || (other.whole > 0 && is_less) { other } else { self }
    }

    /// The quotient, or `empty` where there is nothing to measure.
    #[must_use]
    pub fn or(self, empty: f64) -> f64 {
        if self.whole == 0 { empty } else { whole(self.part) / whole(self.whole) }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a job are far below 2^53")]
fn whole(count: u64) -> f64 {
    count as f64
}

/// To 1/10000: a share of one chunk in a few thousand still shows.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}
