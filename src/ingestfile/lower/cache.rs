//! `[cache]`: sizes and ages, as people write them.

use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo, Unit};

use super::Lowering;
use crate::engine::retention::Bounds;
use crate::ingestfile::syntax::Cache;

/// How a size may be written.
pub const SIZES: &str = "write a number and a unit: `500 MB`, `20 GiB`";
/// How an age may be written.
pub const AGES: &str = "write a number and a unit: `90m`, `12h`, `30d`, `8w`";

impl Lowering<'_, '_> {
    /// The bounds of the cache; what is not given has its default.
    pub(super) fn cache(&mut self, cache: &Cache) -> Bounds {
        let mut bounds = Bounds::default();
        if let Some(written) = &cache.max_size {
            match size(&written.value) {
                Some(size) => bounds.max_size = size,
                None => self.problems.add(&written.span, format!("`{}` is no size", written.value), "", SIZES),
            }
        }
        if let Some(written) = &cache.max_age {
            match age(&written.value) {
                Some(age) => bounds.max_age_s = age,
                None => self.problems.add(&written.span, format!("`{}` is no age", written.value), "", AGES),
            }
        }
        bounds
    }
}

/// The size that `text` writes, in bytes; a bare number is none.
#[must_use]
pub fn size(text: &str) -> Option<u64> {
    let has_unit = text.trim_end().ends_with(|c: char| c.is_ascii_alphabetic());
    text.parse::<ByteSize>().ok().filter(|_| has_unit).map(|size| size.as_u64())
}

/// The age that `text` writes, in seconds; a day has 24 hours, and months have no length.
#[must_use]
pub fn age(text: &str) -> Option<i64> {
    let span: Span = text.parse().ok()?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    (seconds >= 0.0 && !span.is_negative()).then(|| seconds.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(size("20 GiB"), Some(20 << 30));
        assert_eq!(size("500MB"), Some(500_000_000));
        assert_eq!(size("0 B"), Some(0));
        for no_size in ["", "20", "GiB", "-1 MB", "20 apples"] {
            assert_eq!(size(no_size), None, "{no_size}");
        }
    }

    #[test]
    fn ages_have_a_unit_of_fixed_length() {
        assert_eq!(age("30d"), Some(30 * 86_400));
        assert_eq!(age("2w"), Some(14 * 86_400));
        assert_eq!(age("1h 30m"), Some(5_400));
        assert_eq!(age("0s"), Some(0));
        for no_age in ["", "30", "-1d", "1 month", "2 years", "soon"] {
            assert_eq!(age(no_age), None, "{no_age}");
        }
    }
}
