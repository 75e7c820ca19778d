//! The published folder of one job: where it is (`folder`), its `manifest.json`, its log, and what it must never lose or
//! tell (`rejected`, `redact`). Sees a build only through the engine's events; knows no terminal and no cache record.

use std::time::SystemTime;

pub mod folder;
pub mod log;
pub mod manifest;
pub mod manifest_writer;
pub mod redact;
pub mod rejected;
mod tally;

/// Tells the time; handed down from `cli`, so that tests hold it still.
pub type Clock = fn() -> SystemTime;

/// The name of a build, unique among those of one job: `b_20260131T120000.123Z_4711` (time, process).
#[must_use]
pub fn build_id(now: SystemTime, pid: u32) -> String {
    format!("b_{}_{pid}", utc(now, "%Y%m%dT%H%M%S.%3fZ"))
}

/// RFC 3339 in UTC, to the second: `2026-01-31T12:00:00Z`.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    utc(time, "%Y-%m-%dT%H:%M:%SZ")
}

/// RFC 3339 in UTC, to the millisecond.
#[must_use]
pub fn rfc3339_millis(time: SystemTime) -> String {
    utc(time, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// `time` in UTC; the first instant that can be written for one that cannot (a clock set before the year -9999).
fn utc(time: SystemTime, format: &str) -> String {
    jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::MIN).strftime(format).to_string()
}

/// Milliseconds from `start` to `end`; 0 if the clock was set back between them.
fn millis_between(start: SystemTime, end: SystemTime) -> u64 {
    end.duration_since(start).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
pub(crate) mod testing {
    use std::time::{Duration, SystemTime};

    use crate::engine::graph::Pass;
    use crate::engine::observe::{ArtifactRecord, Counts, Event, Status};

    /// 2026-01-31T12:00:00Z, always.
    pub fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_769_860_800)
    }

    pub fn record(name: &str, content: &str) -> ArtifactRecord {
        let digest = crate::digest::Digest::of(content.as_bytes());
        ArtifactRecord { name: name.to_owned(), digest, bytes: content.len() as u64, items: 2, adopted: false }
    }

    pub fn pass_ended(pass: char, status: Status, records: Vec<ArtifactRecord>) -> Event {
        Event::PassEnded { pass: Pass(pass), status, records, counts: Counts::default(), problem: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(rfc3339(testing::noon()), "2026-01-31T12:00:00Z");
        assert_eq!(rfc3339_millis(testing::noon()), "2026-01-31T12:00:00.000Z");
        assert_eq!(build_id(testing::noon(), 7), "b_20260131T120000.000Z_7");
    }
}
