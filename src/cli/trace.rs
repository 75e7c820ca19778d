//! `build --trace FILE`: where the time of a build went, in the JSON array format that chrome://tracing and Perfetto read.
//! One lane for the coordinator, one for each thread of the pool; a complete event for each stretch of work.
//!
//! Each line is written as its work ends, so that a build that is killed leaves a file that both programs still read; one
//! that ends in any other way, failed and interrupted too, leaves well-formed JSON. (The crate tracing-chrome writes begin and
//! end apart, numbers threads in its own way, and closes its file only when its guard is dropped.)

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::render;
use crate::disk::{self, Appender};
use crate::engine::observe::{Lane, Span};
use crate::job::redact::redact;

/// A trace while it is written.
#[derive(Debug)]
pub struct Trace {
    path: PathBuf,
    file: Appender,
    origin: Instant,
    lanes: BTreeSet<usize>,
    is_empty: bool,
    /// The first thing that went wrong; a trace that cannot be written stops no build.
    error: Option<disk::DiskError>,
}

impl Trace {
    /// Begins a trace at `path`; what was there is replaced.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn begin(path: PathBuf) -> Result<Self, CliError> {
        let broken = |e: disk::DiskError| CliError::from_error(ErrorKind::Failed, &e);
        disk::write(&path, b"[").map_err(broken)?;
        let file = Appender::open(&path).map_err(broken)?;
        Ok(Self { path, file, origin: Instant::now(), lanes: BTreeSet::new(), is_empty: true, error: None })
    }

    fn push(&mut self, event: &serde_json::Value) {
        let comma = if std::mem::take(&mut self.is_empty) { "" } else { "," };
        let line = format!("{comma}\n{event}");
        if self.error.is_none() {
            self.error = self.file.append(line.as_bytes()).err();
        }
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.origin).as_micros()).unwrap_or(u64::MAX)
    }

    /// Names a lane when it is first met, and puts it in its place.
    fn meet(&mut self, lane: usize) {
        if self.lanes.insert(lane) {
            let name = if lane == 0 { "coordinator".to_owned() } else { format!("worker {lane}") };
            self.push(&json!({"name": "thread_name", "ph": "M", "pid": 1, "tid": lane, "args": {"name": name}}));
            self.push(&json!({"name": "thread_sort_index", "ph": "M", "pid": 1, "tid": lane, "args": {"sort_index": lane}}));
        }
    }

    /// A stretch of work. Its end is rounded as its beginning is, so that what lies within another stretch stays within it.
    pub fn add(&mut self, span: &Span) {
        let lane = match span.lane {
            Lane::Coordinator => 0,
            Lane::Worker(number) => number + 1,
        };
        self.meet(lane);
        let (from, to) = (self.micros(span.started), self.micros(span.ended));
        let name = redact(&span.name).into_owned();
        let duration = to.saturating_sub(from);
        self.push(&json!({"name": name, "cat": span.category, "ph": "X", "ts": from, "dur": duration, "pid": 1, "tid": lane}));
    }

    /// Ends the trace.
    ///
    /// # Errors
    /// If it could not be written as a whole.
    pub fn end(mut self) -> Result<(), CliError> {
        let error = match self.error.take() {
            None => self.file.append(b"\n]\n").err(),
            error => error,
        };
        match error {
            None => Ok(()),
            Some(e) => Err(CliError::from_error(ErrorKind::Failed, &e)
                .hint(format!("the build itself is not touched by it; the trace in `{}` is cut short", self.path.display()))),
        }
    }
}

/// Ends the trace, if there is one; whether all of it could be written is told on `console`.
#[must_use]
pub fn is_ended_well(trace: Option<Trace>, console: &Console) -> bool {
    match trace.map_or(Ok(()), Trace::end) {
        Ok(()) => true,
        Err(error) => {
            console.status(&render::problem(console.paint(), "", &error.problem));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lanes_are_named_once_and_stretches_are_complete_events() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace.json");
        let mut trace = Trace::begin(path.clone()).unwrap();
        let at = |ms| trace.origin + Duration::from_millis(ms);
        let span = |name: &str, lane, from, to| Span {
            name: name.to_owned(),
            category: "passC".to_owned(),
            lane,
            started: at(from),
            ended: at(to),
        };
        let spans = [span("a", Lane::Worker(0), 1, 3), span("b", Lane::Worker(0), 3, 4), span("c", Lane::Coordinator, 0, 5)];
        spans.iter().for_each(|s| trace.add(s));
        trace.end().unwrap();
        let written: Vec<serde_json::Value> = serde_json::from_slice(&disk::read(&path).unwrap()).unwrap();
        let told: Vec<String> = written
            .iter()
            .map(|e| format!("{} {} {} {} {}", e["ph"], e["tid"], e["name"], e["ts"], e["dur"]).replace('"', ""))
            .collect();
        assert_eq!(
            told,
            [
                "M 1 thread_name null null",
                "M 1 thread_sort_index null null",
                "X 1 a 1000 2000",
                "X 1 b 3000 1000",
                "M 0 thread_name null null",
                "M 0 thread_sort_index null null",
                "X 0 c 0 5000",
            ]
        );
    }

    #[test]
    fn a_trace_of_nothing_is_an_empty_array() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace.json");
        disk::write(&path, b"what was there before").unwrap();
        Trace::begin(path.clone()).unwrap().end().unwrap();
        assert_eq!(disk::read_to_string(&path).unwrap(), "[\n]\n");
    }
}
