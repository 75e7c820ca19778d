//! `[limits]`: words to values, each within its range.

use std::ops::RangeInclusive;

use super::Lowering;
use crate::builtin::{self, LimitName};
use crate::ingestfile::syntax::{At, Limits};

/// A day; longer is no limit.
const TIME_S: RangeInclusive<u64> = 1..=86_400;
/// Below this the smallest book does not fit; above it no machine does.
const MEMORY_MB: RangeInclusive<u64> = 64..=1_048_576;
const DECOMPRESSED_MB: RangeInclusive<u64> = 1..=1_048_576;
const PAGES: RangeInclusive<u64> = 1..=1_000_000;
/// Sane files nest a dozen levels; the PDF reader follows objects 512 levels deep.
const NESTING: RangeInclusive<u64> = 16..=500;

impl Lowering<'_, '_> {
    /// The limits, with defaults filled in.
    pub(super) fn limits(&mut self, limits: &Limits) -> builtin::Limits {
        let usual = builtin::Limits::default();
        let mut value = |name, given: &Option<At<u64>>, range, unit| match given {
            Some(given) => self.limit(name, given, range) * unit,
            None => usual.value(name),
        };
        builtin::Limits {
            time_ms: value(LimitName::Time, &limits.time_s, TIME_S, 1000),
            memory_bytes: value(LimitName::Memory, &limits.memory_mb, MEMORY_MB, 1 << 20),
            decompressed_bytes: value(LimitName::Decompressed, &limits.decompressed_mb, DECOMPRESSED_MB, 1 << 20),
            pages: value(LimitName::Pages, &limits.pages, PAGES, 1),
            nesting: value(LimitName::Nesting, &limits.nesting, NESTING, 1),
        }
    }

    /// A value within `range`; one outside is a problem.
    fn limit(&mut self, name: LimitName, given: &At<u64>, range: RangeInclusive<u64>) -> u64 {
        if !range.contains(&given.value) {
            let message = format!("`{}` must be from {} to {}", name.key(), range.start(), range.end());
            self.problems.add(&given.span, message, "", "leave it out for the usual limit");
        }
        given.value.clamp(*range.start(), *range.end())
    }
}
