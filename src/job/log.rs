//! `logs/ingest.ndjson`: one event a line, in the order in which they happened, with time and build. The same lines are
//! what `build --json` prints. Made at the first event, only ever appended to.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tally::Tally;
use super::{Clock, redact, rfc3339_millis};
use crate::disk::{self, Appender, DiskError};
use crate::engine::observe::{Event, Observer, Unheard};

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventLine {
    /// RFC 3339, UTC, to the millisecond.
    pub time: String,
    pub build_id: String,
    #[serde(flatten)]
    pub event: Event,
    /// At the end of a pass, a rule or the build: milliseconds that it went on in this build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<u64>,
    /// At the end of a pass, a rule or the build: sums of the `items` of its actions, each by its last line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<BTreeMap<String, u64>>,
}

impl EventLine {
    /// The JSON Schema of a line, as committed in `schemas/events.schema.json`.
    #[must_use]
    pub fn schema() -> Value {
        schemars::schema_for!(Self).to_value()
    }
}

/// Turns events into lines.
#[derive(Debug)]
pub struct Lines {
    build_id: String,
    clock: Clock,
    tally: Tally,
}

impl Lines {
    /// The lines of the build `build_id`.
    #[must_use]
    pub fn new(build_id: String, clock: Clock) -> Self {
        Self { build_id, clock, tally: Tally::default() }
    }

    /// The line of `event`, redacted, with its line end.
    ///
    /// # Errors
    /// A sentence, if it cannot be written as JSON.
    pub fn line(&mut self, event: &Event) -> Result<Vec<u8>, String> {
        let now = (self.clock)();
        let span = self.tally.on(event, now);
        let line = EventLine {
            time: rfc3339_millis(now),
            build_id: self.build_id.clone(),
            event: redact::redact_event(event),
            elapsed_ms: span.as_ref().map(|s| s.millis),
            made: span.map(|s| s.items),
        };
        let mut bytes = serde_json::to_vec(&line).map_err(|e| format!("an event cannot be written as JSON: {e}"))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The observer that keeps a log.
#[derive(Debug)]
pub struct LogWriter {
    path: PathBuf,
    lines: Lines,
    open: Option<Appender>,
    /// Lines that could not be written yet.
    unwritten: Vec<u8>,
}

impl LogWriter {
    /// A log at `path`. Nothing is made before the first event.
    #[must_use]
    pub fn new(path: PathBuf, build_id: String, clock: Clock) -> Self {
        Self { path, lines: Lines::new(build_id, clock), open: None, unwritten: Vec::new() }
    }

    fn appender(&mut self) -> Result<&mut Appender, DiskError> {
        match &mut self.open {
            Some(appender) => Ok(appender),
            closed => {
                if let Some(folder) = self.path.parent() {
                    disk::create_dir_all(folder)?;
                }
                let torn = is_torn(&self.path);
                let appender = closed.insert(Appender::open(&self.path)?);
                if torn {
                    appender.append(b"\n")?;
                }
                Ok(appender)
            }
        }
    }
}

/// Whether the last line of the log has no end, as a power cut or a full disk leaves it: what comes next begins a line of its own.
fn is_torn(path: &Path) -> bool {
    let mut last = [b'\n'];
    if let Ok(mut file) = disk::open(path)
        && file.seek(SeekFrom::End(-1)).is_ok()
    {
        let _ = file.read_exact(&mut last);
    }
    last != *b"\n"
}

impl Observer for LogWriter {
    fn on(&mut self, event: &Event) -> Result<(), Unheard> {
        self.unwritten.extend(self.lines.line(event)?);
        // Where there was no room for the job's folder, there is none for its log.
        if self.open.is_none() && !self.path.ancestors().nth(2).is_none_or(disk::is_dir) {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.unwritten);
        if let Err(error) = self.appender().and_then(|a| a.append(&lines)) {
            // What is there of them is torn; they come again on a line of their own.
            (self.open, self.unwritten) = (None, lines);
            return Err(error.into());
        }
        Ok(())
    }
}

/// The committed schema at `path` is `schema`; with `INGEST_BLESS` set, it is written instead.
#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test reads its own switch")]
pub(crate) fn assert_committed(path: &str, schema: &Value) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let mut text = serde_json::to_string_pretty(schema).unwrap();
    text.push('\n');
    if std::env::var_os("INGEST_BLESS").is_some() {
        disk::atomic_write(&path, text.as_bytes()).unwrap();
    }
    let committed = disk::read_to_string(&path).unwrap().replace("\r\n", "\n");
    assert_eq!(committed, text, "run the tests with INGEST_BLESS=1 to write {}", path.display());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::graph::Pass;
    use crate::engine::observe::{ActionName, Counts, Outcome, Problem, Status};
    use crate::engine::reason::{Cause, Kind};
    use crate::engine::verdict::Violation;
    use crate::job::testing::{noon, record};

    fn cause() -> Option<Cause> {
        Some(Cause { old: Some("600".to_owned()), new: Some("800".to_owned()), ..Cause::named(Kind::Param, "max_chars") })
    }

    fn events() -> Vec<Event> {
        let action = ActionName { rule: "passC".to_owned(), item: "book/part-0123456789abcdef".to_owned() };
        let violation = Violation { pointer: "/0/text".to_owned(), message: "is missing".to_owned(), place: "page 7".to_owned() };
        let problem = Problem {
            message: "rejected, ask gm@example.org".to_owned(),
            causes: vec!["its gate said no".to_owned()],
            violations: vec![violation],
            violation_count: 3,
            hint: None,
        };
        let counts = Counts { ran: 1, rejected: 1, ..Counts::default() };
        vec![
            Event::BuildStarted { sources: 1, ignored_files: 0, ignored: vec![], refused: vec![] },
            Event::PassStarted { pass: Pass('C') },
            Event::ActionStarted { action: action.clone(), reason: "`max_chars` was 600, is 800".to_owned(), cause: cause() },
            Event::ActionEnded {
                action,
                pass: Some(Pass('C')),
                outcome: Outcome::Rejected,
                reason: "`max_chars` was 600, is 800".to_owned(),
                cause: cause(),
                duration_ms: 12,
                items: vec![("chunks".to_owned(), 40)],
                tool: Some("haystack-ai 3.4.0".to_owned()),
                problem: Some(problem.clone()),
            },
            Event::PassEnded {
                pass: Pass('C'),
                status: Status::Failed,
                records: vec![record("passC_chunks.json", "[]")],
                counts,
                problem: Some(problem),
            },
            Event::RuleStarted { rule: "text".to_owned() },
            Event::RuleEnded { rule: "text".to_owned(), status: Status::Success, records: vec![], counts, problem: None },
            Event::Published {
                rule: "passC".to_owned(),
                pass: Some(Pass('C')),
                record: record("passC_chunks.json", "[]"),
                files: 1,
            },
            Event::Removed { rule: "passB".to_owned(), pass: Some(Pass('B')), path: "parts/x.pdf".to_owned() },
            Event::Warning { message: "x".to_owned() },
            Event::BuildRestarted { reason: "`x.pdf` changed while the build read it".to_owned() },
            Event::BuildEnded { counts, untold: vec![], interrupted: false, problem: None },
        ]
    }

    #[test]
    fn a_log_is_made_at_the_first_event_and_appended_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs/ingest.ndjson");
        for build in ["b_1", "b_2"] {
            let mut log = LogWriter::new(path.clone(), build.to_owned(), noon);
            assert_eq!(disk::exists(&path), build == "b_2");
            events().iter().for_each(|e| log.on(e).unwrap());
        }
        let text = disk::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2 * events().len());
        assert!(!text.contains("gm@example.org"));
        insta::assert_snapshot!(text.lines().take(4).collect::<Vec<_>>().join("\n"), @r##"
        {"time":"2026-01-31T12:00:00.000Z","build_id":"b_1","event":"build_started","sources":1,"ignored_files":0}
        {"time":"2026-01-31T12:00:00.000Z","build_id":"b_1","event":"pass_started","pass":"C"}
        {"time":"2026-01-31T12:00:00.000Z","build_id":"b_1","event":"action_started","rule":"passC","item":"book/part-0123456789abcdef","reason":"`max_chars` was 600, is 800","cause":{"kind":"param","name":"max_chars","old":"600","new":"800"}}
        {"time":"2026-01-31T12:00:00.000Z","build_id":"b_1","event":"action_ended","rule":"passC","item":"book/part-0123456789abcdef","pass":"C","outcome":"rejected","reason":"`max_chars` was 600, is 800","cause":{"kind":"param","name":"max_chars","old":"600","new":"800"},"duration_ms":12,"items":[["chunks",40]],"tool":"haystack-ai 3.4.0","problem":{"message":"rejected, ask [e-mail]","causes":["its gate said no"],"violations":[{"pointer":"/0/text","message":"is missing","place":"page 7"}],"violation_count":3,"hint":null}}
        "##);
    }

    #[test]
    fn every_line_is_valid_against_the_published_schema() {
        let validator = jsonschema::validator_for(&EventLine::schema()).unwrap();
        let mut lines = Lines::new("b_1".to_owned(), noon);
        for event in events() {
            let line: Value = serde_json::from_slice(&lines.line(&event).unwrap()).unwrap();
            assert!(validator.is_valid(&line), "{line}");
            assert_eq!(serde_json::from_value::<EventLine>(line).unwrap().event, redact::redact_event(&event));
        }
        assert!(!validator.is_valid(&serde_json::json!({"time": "", "build_id": "", "event": "nonsense"})));
    }

    #[test]
    fn the_committed_schema_is_the_one_of_the_types() {
        assert_committed("schemas/events.schema.json", &EventLine::schema());
    }
}
