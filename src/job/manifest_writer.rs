//! Rewrites `manifest.json` at each transition of a build. A record that a build does not touch keeps its bytes.
//!
//! A pass that starts, and a rule of no pass that begins to publish, is written as FAILED, "the build was interrupted"; the event that ends it replaces that. So whatever
//! ends a build, a kill included, the file tells the truth without anyone's doing.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::folder::JobFolder;
use super::manifest::{ManifestError, Metrics, Record};
use super::tally::{Items, Span, Tally};
use super::{Clock, redact, rfc3339};
use crate::disk;
use crate::engine::graph::Pass;
use crate::engine::observe::{ArtifactRecord, Counts, Event, Observer, PassedOver, Problem, Quarantined, Status, Unheard};

/// `error` of a pass between its start and its end.
pub const INTERRUPTED: &str = "the build was interrupted";

/// The file with its records as text.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Text {
    job_id: String,
    #[serde(default)]
    env: String,
    passes: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    rules: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    source_sha_map: BTreeMap<String, String>,
    #[serde(default)]
    refused: Vec<PassedOver>,
    #[serde(default)]
    ignored: Vec<PassedOver>,
    #[serde(default)]
    metrics: Metrics,
    #[serde(default)]
    build_id: String,
}

/// The observer that keeps `manifest.json`, and makes the job folder when a build starts.
#[derive(Debug)]
pub struct ManifestWriter {
    folder: JobFolder,
    is_made: bool,
    text: Text,
    clock: Clock,
    tally: Tally,
    sources: u64,
    ignored_files: u64,
    /// Documents that fell out in the pass or rule that is about to end.
    quarantined: Vec<Quarantined>,
}

impl ManifestWriter {
    /// Goes on with the manifest in `folder`, or begins one. Reads, but writes nothing before the first event.
    ///
    /// # Errors
    /// If there is a file that cannot be read or is no manifest.
    pub fn open(folder: JobFolder, build_id: String, clock: Clock) -> Result<Self, ManifestError> {
        let path = folder.manifest_path();
        let mut text = match disk::read_if_there(&path)? {
            None => Text::default(),
            Some(bytes) => {
                serde_json::from_slice::<Text>(&bytes).map_err(|e| ManifestError::Malformed { path, message: e.to_string() })?
            }
        };
        for pass in Pass::ALL {
            text.passes.entry(pass.0.to_string()).or_insert_with(|| raw(&Record::default()));
        }
        let (job_id, env) = (folder.job_id.clone(), folder.env.clone());
        let text = Text { job_id, env, build_id, ..text };
        Ok(Self {
            folder,
            is_made: false,
            text,
            clock,
            tally: Tally::default(),
            sources: 0,
            ignored_files: 0,
            quarantined: Vec::new(),
        })
    }

    fn save(&mut self) -> Result<(), Unheard> {
        if !self.is_made {
            self.folder.create()?;
            self.is_made = true;
        }
        let mut bytes = serde_json::to_vec_pretty(&self.text).map_err(|e| e.to_string())?;
        bytes.push(b'\n');
        Ok(disk::atomic_write(&self.folder.manifest_path(), &bytes)?)
    }

    fn build_ended(&mut self, counts: &Counts, span: Option<&Span>) {
        let mut metrics = metrics(counts, span);
        metrics.insert("sources".to_owned(), self.sources.into());
        metrics.insert("ignored_files".to_owned(), self.ignored_files.into());
        metrics.insert("refused_files".to_owned(), self.text.refused.len().into());
        self.text.metrics = metrics;
    }
}

impl Observer for ManifestWriter {
    fn sources(&mut self, sha_map: &BTreeMap<String, String>) {
        self.text.source_sha_map.clone_from(sha_map);
    }

    fn on(&mut self, event: &Event) -> Result<(), Unheard> {
        let now = (self.clock)();
        let span = self.tally.on(event, now);
        match event {
            Event::BuildStarted { sources, ignored_files, ignored, refused } => {
                (self.sources, self.ignored_files) = (*sources, *ignored_files);
                self.text.ignored = redacted(ignored);
                self.text.refused = redacted(refused);
            }
            Event::PassStarted { pass } => begin(&mut self.text.passes, &pass.0.to_string(), now),
            // One that was never built, or failed, says so already.
            Event::RuleStarted { rule } if !has_succeeded(&self.text.rules, rule) => return Ok(()),
            Event::RuleStarted { rule } => begin(&mut self.text.rules, rule, now),
            Event::PassEnded { pass, status, records, counts, problem } => {
                let quarantined = std::mem::take(&mut self.quarantined);
                let end = End { status: *status, records, counts, problem: problem.as_ref(), span, quarantined };
                if !end.apply(&mut self.text.passes, &pass.0.to_string(), now) {
                    return Ok(());
                }
            }
            Event::Adopted { rule, pass, record } => match pass {
                Some(pass) => adopt(&mut self.text.passes, &pass.0.to_string(), record),
                None => adopt(&mut self.text.rules, rule, record),
            },
            Event::RuleEnded { rule, status, records, counts, problem } => {
                let quarantined = std::mem::take(&mut self.quarantined);
                let end = End { status: *status, records, counts, problem: problem.as_ref(), span, quarantined };
                if !end.apply(&mut self.text.rules, rule, now) {
                    return Ok(());
                }
            }
            Event::Quarantined { document, .. } => {
                let reason = redact::redact(&document.reason).into_owned();
                self.quarantined.push(Quarantined { reason, ..document.clone() });
                return Ok(());
            }
            Event::BuildEnded { counts, .. } => self.build_ended(counts, span.as_ref()),
            Event::ActionStarted { .. }
            | Event::ActionEnded { .. }
            | Event::Published { .. }
            | Event::Removed { .. }
            | Event::Differs(_)
            | Event::Checked(_)
            | Event::Warning { .. }
            | Event::BuildRestarted { .. } => return Ok(()),
        }
        self.save()
    }
}

fn redacted(files: &[PassedOver]) -> Vec<PassedOver> {
    let mut files = files.to_vec();
    files.iter_mut().for_each(redact::redact_passed_over);
    files
}

/// A pass or rule counts as failed from here on until it ends.
fn begin(records: &mut BTreeMap<String, Box<RawValue>>, key: &str, now: SystemTime) {
    let before = records.get(key).map(|text| parse(text)).unwrap_or_default();
    let record = Record {
        status: Status::Failed,
        started: Some(rfc3339(now)),
        ended: None,
        metrics: Metrics::new(),
        cached: false,
        quarantined: Vec::new(),
        error: Some(INTERRUPTED.to_owned()),
        ..before
    };
    records.insert(key.to_owned(), raw(&record));
}

fn has_succeeded(records: &BTreeMap<String, Box<RawValue>>, key: &str) -> bool {
    records.get(key).is_some_and(|text| parse(text).status == Status::Success)
}

/// What the end of a pass or rule says.
struct End<'a> {
    status: Status,
    records: &'a [ArtifactRecord],
    counts: &'a Counts,
    problem: Option<&'a Problem>,
    /// `None` if nothing of it began: skipped or up to date.
    span: Option<Span>,
    /// Redacted.
    quarantined: Vec<Quarantined>,
}

impl End<'_> {
    /// Puts it into `records`; `false` if it says no more than what is there: what is up to date keeps record and clocks.
    fn apply(self, records: &mut BTreeMap<String, Box<RawValue>>, key: &str, now: SystemTime) -> bool {
        let before = records.get(key).map(|text| parse(text)).unwrap_or_default();
        let both_succeeded = self.status == Status::Success && before.status == Status::Success;
        let same = before.artifact_records == self.records && before.quarantined == self.quarantined;
        if self.span.is_none() && both_succeeded && same {
            return false;
        }
        records.insert(key.to_owned(), raw(&self.record(before, now)));
        true
    }

    fn record(self, before: Record, now: SystemTime) -> Record {
        let succeeded = self.status == Status::Success;
        let records = if succeeded { self.records.to_vec() } else { kept(before.artifact_records, self.records) };
        Record {
            status: self.status,
            started: self.span.as_ref().map(|span| rfc3339(span.started)),
            ended: (self.status != Status::Skipped).then(|| rfc3339(now)),
            artifacts: records.iter().map(|r| r.name.clone()).collect(),
            artifact_records: records,
            metrics: metrics(self.counts, self.span.as_ref()),
            cached: succeeded && self.counts.ran == 0,
            quarantined: self.quarantined,
            error: self.problem.map(sentence),
        }
    }
}

/// Marks an artifact as adopted; the rest of the record stays.
fn adopt(records: &mut BTreeMap<String, Box<RawValue>>, key: &str, adopted: &ArtifactRecord) {
    let Some(text) = records.get(key) else { return };
    let mut record = parse(text);
    record.artifact_records.iter_mut().filter(|r| r.name == adopted.name).for_each(|r| *r = adopted.clone());
    records.insert(key.to_owned(), raw(&record));
}

/// What a failed pass published before stays, with its record; what it published now replaces the like-named.
fn kept(before: Vec<ArtifactRecord>, now: &[ArtifactRecord]) -> Vec<ArtifactRecord> {
    let mut records = before;
    for record in now {
        match records.iter_mut().find(|r| r.name == record.name) {
            Some(old) => *old = record.clone(),
            None => records.push(record.clone()),
        }
    }
    records
}

/// A problem in one line: message, first cause, first violation.
fn sentence(problem: &Problem) -> String {
    let mut line = problem.message.clone();
    for cause in problem.causes.iter().take(1) {
        line = format!("{line}: {cause}");
    }
    if let Some(first) = problem.violations.first() {
        line = format!("{line}: {}: {}", first.pointer, first.message);
    }
    redact::redact(&line).into_owned()
}

fn metrics(counts: &Counts, span: Option<&Span>) -> Metrics {
    let no_items = Items::new();
    let (millis, items) = span.map_or((0, &no_items), |s| (s.millis, &s.items));
    let mut metrics = match serde_json::to_value(counts) {
        Ok(Value::Object(counts)) => counts.into_iter().collect(),
        _ => Metrics::new(),
    };
    #[allow(clippy::cast_precision_loss, reason = "exact below 2^53 ms, which is 285,000 years")]
    let wall_s = millis as f64 / 1000.0;
    metrics.insert("wall_s".to_owned(), wall_s.into());
    metrics.insert("tokens".to_owned(), items.get("tokens").copied().unwrap_or(0).into());
    metrics.insert("items".to_owned(), Value::Object(items.iter().map(|(k, n)| (k.clone(), (*n).into())).collect()));
    metrics
}

/// A record's text as it stands in the file, two levels deep. A record always serializes.
fn raw(record: &Record) -> Box<RawValue> {
    let text = serde_json::to_string_pretty(record).unwrap_or_else(|_| "null".to_owned());
    RawValue::from_string(text.replace('\n', "\n    ")).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The record in a text; one that cannot be read counts as never run.
fn parse(text: &RawValue) -> Record {
    serde_json::from_str(text.get()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::job::folder::Choice;
    use crate::job::manifest::Manifest;
    use crate::job::testing::{noon, pass_ended, record};

    fn play(dir: &Path, events: &[Event]) {
        let folder = JobFolder::choose(dir, "dev", &Choice::At(dir.join("job_1")), noon()).unwrap();
        let sources = BTreeMap::from([("book".to_owned(), "sha256:00".to_owned())]);
        let mut writer = ManifestWriter::open(folder, "b_1".to_owned(), noon).unwrap();
        writer.sources(&sources);
        for event in events {
            writer.on(event).unwrap();
        }
    }

    fn started() -> Event {
        Event::BuildStarted { sources: 1, ignored_files: 0, ignored: vec![], refused: vec![] }
    }

    #[test]
    fn a_pass_is_failed_from_its_start_until_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job_1/manifest.json");
        play(dir.path(), &[started(), Event::PassStarted { pass: Pass('A') }]);
        let killed = Manifest::read(&path).unwrap().unwrap().pass(Pass('A'));
        assert_eq!((killed.status, killed.error.as_deref()), (Status::Failed, Some(INTERRUPTED)));
        assert_eq!((killed.started.as_deref(), killed.ended), (Some("2026-01-31T12:00:00Z"), None));
        let end = pass_ended('A', Status::Success, vec![record("passA_toc.json", "[]")]);
        play(dir.path(), &[started(), Event::PassStarted { pass: Pass('A') }, end]);
        let done = Manifest::read(&path).unwrap().unwrap().pass(Pass('A'));
        assert_eq!((done.status, done.error), (Status::Success, None));
        assert_eq!(done.artifacts, ["passA_toc.json"]);
    }

    #[test]
    fn an_untouched_record_keeps_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job_1/manifest.json");
        disk::create_dir_all(&dir.path().join("job_1")).unwrap();
        let by_hand = "{\n  \"status\" : \"SUCCESS\", \"ours\": 0.1000000000000000055511151231257827 }";
        disk::write(&path, format!("{{\"job_id\":\"job_1\",\"passes\":{{\"A\":{by_hand}}}}}").as_bytes()).unwrap();
        play(dir.path(), &[started(), Event::PassStarted { pass: Pass('E') }, pass_ended('E', Status::Success, vec![])]);
        let text = disk::read_to_string(&path).unwrap();
        assert!(text.contains(by_hand), "{text}");
        let confirmed = pass_ended('A', Status::Success, vec![]);
        play(dir.path(), &[started(), confirmed]);
        assert!(disk::read_to_string(&path).unwrap().contains(by_hand));
    }

    #[test]
    fn a_failed_pass_keeps_what_it_published_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job_1/manifest.json");
        let (old, new) = (record("old.json", "[1]"), record("new.json", "[2]"));
        play(dir.path(), &[started(), Event::PassStarted { pass: Pass('A') }, pass_ended('A', Status::Success, vec![old])]);
        let problem = Problem { message: "1 document failed; write to gm@example.org".to_owned(), ..Problem::default() };
        let end = Event::PassEnded {
            pass: Pass('A'),
            status: Status::Failed,
            records: vec![new],
            counts: Counts { failed: 1, ..Counts::default() },
            problem: Some(problem),
        };
        play(dir.path(), &[started(), Event::PassStarted { pass: Pass('A') }, end]);
        let record = Manifest::read(&path).unwrap().unwrap().pass(Pass('A'));
        assert_eq!(record.artifacts, ["old.json", "new.json"]);
        assert_eq!(record.error.as_deref(), Some("1 document failed; write to [e-mail]"));
    }

    #[test]
    fn a_pass_records_the_documents_that_fell_out_in_it_without_what_logs_do_not_tell() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job_1/manifest.json");
        let out = |reason: &str| Quarantined { source_id: "book".to_owned(), reason: reason.to_owned() };
        let told = Event::Quarantined { pass: Some(Pass('B')), rule: None, document: out("torn; ask gm@example.org") };
        let ended = |pass| pass_ended(pass, Status::Success, vec![]);
        play(dir.path(), &[started(), Event::PassStarted { pass: Pass('B') }, told, ended('B'), ended('C')]);
        let manifest = Manifest::read(&path).unwrap().unwrap();
        assert_eq!(manifest.pass(Pass('B')).quarantined, [out("torn; ask [e-mail]")]);
        assert_eq!(manifest.pass(Pass('C')).quarantined, []);
        play(dir.path(), &[started(), ended('B')]);
        assert_eq!(Manifest::read(&path).unwrap().unwrap().pass(Pass('B')).quarantined, [], "it came back");
    }

    #[test]
    fn a_skipped_pass_has_no_clocks_and_a_build_leaves_its_totals() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job_1/manifest.json");
        let counts = Counts { ran: 3, ..Counts::default() };
        let ended = Event::BuildEnded { counts, untold: vec![], interrupted: false, problem: None };
        play(dir.path(), &[started(), pass_ended('C', Status::Skipped, vec![]), ended]);
        let manifest = Manifest::read(&path).unwrap().unwrap();
        let skipped = manifest.pass(Pass('C'));
        assert_eq!((skipped.status, skipped.started, skipped.ended), (Status::Skipped, None, None));
        assert_eq!((&manifest.metrics["ran"], &manifest.metrics["sources"]), (&3.into(), &1.into()));
        assert_eq!(manifest.pass(Pass('F')).status, Status::Pending);
        assert_eq!(manifest.source_sha_map["book"], "sha256:00");
    }

    #[test]
    fn the_file_reads_as_design_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job_1/manifest.json");
        play(
            dir.path(),
            &[
                started(),
                Event::PassStarted { pass: Pass('B') },
                pass_ended('B', Status::Success, vec![record("passB_splits.json", "[]")]),
            ],
        );
        let text = disk::read_to_string(&path).unwrap();
        insta::assert_snapshot!(text.split("    \"C\"").next().unwrap(), @r##"
        {
          "job_id": "job_1",
          "env": "dev",
          "passes": {
            "A": {
              "status": "PENDING",
              "started": null,
              "ended": null,
              "artifacts": [],
              "artifact_records": [],
              "metrics": {},
              "cached": false,
              "quarantined": [],
              "error": null
            },
            "B": {
              "status": "SUCCESS",
              "started": "2026-01-31T12:00:00Z",
              "ended": "2026-01-31T12:00:00Z",
              "artifacts": [
                "passB_splits.json"
              ],
              "artifact_records": [
                {
                  "name": "passB_splits.json",
                  "digest": "d53d18c23212ea7b6300594bb89bce60218f6eff2b9d628b8cc42d3e79bbd5ab",
                  "bytes": 2,
                  "items": 2
                }
              ],
              "metrics": {
                "blocked": 0,
                "failed": 0,
                "from_cache": 0,
                "items": {},
                "published": 0,
                "ran": 0,
                "rejected": 0,
                "removed": 0,
                "tokens": 0,
                "up_to_date": 0,
                "wall_s": 0.0
              },
              "cached": true,
              "quarantined": [],
              "error": null
            },
        "##);
    }
}
