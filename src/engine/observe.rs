//! What happens during a build, as events: the coordinator emits them in order, observers (the job's manifest and log, the
//! console, tests) act on them. Events hold no clock: whoever writes a time reads it through the clock it was given.

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::again::{Checked, Difference};
use super::graph::Pass;
use super::reason::Cause;
use super::verdict::Violation;
use crate::digest::Digest;
use crate::disk::{self, DiskError};

/// Status of a pass, as in manifest.json.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    Pending,
    Success,
    Failed,
    /// Selected, but something that it takes input from blocked it.
    Skipped,
}

/// A published artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactRecord {
    /// Path below the job folder, `/`-separated; a tree ends in `/`.
    pub name: String,
    /// blake3 of the file; of the sorted (name, digest) list for a tree or for one file per item.
    #[schemars(with = "String", regex(pattern = r"^[0-9a-f]{64}$"))]
    pub digest: Digest,
    pub bytes: u64,
    /// Array length, files of a tree, or 1.
    pub items: u64,
    /// It holds what was edited by hand and adopted (`--accept`), in the place of what its rule made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
}

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its manifest is that of last time.
    UpToDate,
    /// Its key was known.
    FromCache,
    Ran,
    Failed,
    /// A gate said no.
    Rejected,
    /// Something that it needs failed, was rejected or is not selected.
    Blocked,
    /// Its document is set aside.
    LeftOut,
    /// The build ended or began again before it did. It is in no count; what it made meanwhile is kept.
    Interrupted,
}

/// Counts of a build, of a pass, or of a rule. An action counts once, by the last line that tells of it; what was up to date
/// or blocked, or failed as a record of a document that is set aside says, has no line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    pub up_to_date: u64,
    pub from_cache: u64,
    pub ran: u64,
    pub failed: u64,
    pub rejected: u64,
    pub blocked: u64,
    /// Files written to the job folder.
    pub published: u64,
    /// Files of vanished items that were removed from it.
    pub removed: u64,
}

impl Counts {
    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            up_to_date: self.up_to_date + other.up_to_date,
            from_cache: self.from_cache + other.from_cache,
            ran: self.ran + other.ran,
            failed: self.failed + other.failed,
            rejected: self.rejected + other.rejected,
            blocked: self.blocked + other.blocked,
            published: self.published + other.published,
            removed: self.removed + other.removed,
        }
    }
}

/// A pass, or a rule of no pass, that no line of a build tells of: all of it was up to date, or blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Untold {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    pub counts: Counts,
}

/// Why something failed: for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// One sentence, lower case, no final period.
    pub message: String,
    /// The chain of causes, outermost first.
    pub causes: Vec<String>,
    /// What a gate found; the first few.
    pub violations: Vec<Violation>,
    /// How many violations there are in all.
    pub violation_count: u64,
    /// The way out, if one is known.
    pub hint: Option<String>,
}

impl Problem {
    /// An error with its chain of causes.
    #[must_use]
    pub fn of(error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        Self { message: error.to_string(), causes: causes.map(ToString::to_string).collect(), ..Self::default() }
    }
}

/// A document that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quarantined {
    pub source_id: String,
    pub reason: String,
}

/// A file or folder below the sources folder that is no source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PassedOver {
    /// Below the sources folder, `/`-separated; bytes that are no Unicode as `\xff`.
    pub path: String,
    /// Why, as far as there is more to say than that no pattern takes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Name of an action: its rule and its item ("" for once-per-job rules).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionName {
    pub rule: String,
    /// Ids from the source inwards, joined by `/`.
    pub item: String,
}

/// One event. Order is the order of emission. `BuildStarted` and `BuildEnded` enclose all others; start and end of a pass, or
/// of a rule of no pass, enclose its actions, and what of it is published and removed. A pass may begin and end again after
/// `BuildRestarted`; one that is SKIPPED has only an end. A build restricted to one source tells of actions alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The build has something to run or publish. Not emitted when there is nothing to do.
    BuildStarted {
        sources: u64,
        /// Files below the sources folder that no pattern takes.
        ignored_files: u64,
        /// The first of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ignored: Vec<PassedOver>,
        /// What a pattern takes and cannot be a source, and folders that cannot be read.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<PassedOver>,
    },
    /// A pass that has something to run or publish begins.
    PassStarted {
        pass: Pass,
    },
    /// A rule of no pass that has something to run or publish begins.
    RuleStarted {
        rule: String,
    },
    ActionStarted {
        #[serde(flatten)]
        action: ActionName,
        /// Why it runs: one line.
        reason: String,
        /// The first cause of the reason.
        cause: Option<Cause>,
    },
    ActionEnded {
        #[serde(flatten)]
        action: ActionName,
        pass: Option<Pass>,
        outcome: Outcome,
        /// Why it was not up to date ("" if it was).
        reason: String,
        /// The first cause of the reason.
        cause: Option<Cause>,
        /// What it took on its thread; 0 if it did not run.
        duration_ms: u64,
        /// Items of its outputs by output name, and what built-ins and commands count beside them (`pages`, `tokens`).
        items: Vec<(String, u64)>,
        /// Of a command that says so: name and version of the tool that did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool: Option<String>,
        problem: Option<Problem>,
    },
    /// An output is in the job folder.
    Published {
        rule: String,
        pass: Option<Pass>,
        record: ArtifactRecord,
        /// How many files of it were written.
        files: u64,
    },
    /// A file of an item that is no more was removed from the job folder.
    Removed {
        rule: String,
        pass: Option<Pass>,
        /// Path below the job folder.
        path: String,
    },
    /// A published file that was edited by hand is adopted: it stands for what its rule made.
    Adopted {
        rule: String,
        pass: Option<Pass>,
        record: ArtifactRecord,
    },
    /// A document falls out in a pass, or in a rule of no pass; told before what it falls out of ends.
    Quarantined {
        pass: Option<Pass>,
        /// Null for a pass.
        rule: Option<String>,
        #[serde(flatten)]
        document: Quarantined,
    },
    PassEnded {
        pass: Pass,
        status: Status,
        records: Vec<ArtifactRecord>,
        counts: Counts,
        problem: Option<Problem>,
    },
    /// A rule of no pass is complete.
    RuleEnded {
        rule: String,
        status: Status,
        records: Vec<ArtifactRecord>,
        counts: Counts,
        problem: Option<Problem>,
    },
    /// Asked for (`--check-determinism`): what was done twice from the same inputs came out in two ways. It comes after the
    /// end of the build, or alone where there was nothing to do. Nothing of the second time is kept but copies of what differs.
    Differs(Difference),
    /// Everything was done twice; the last event of such a build.
    Checked(Checked),
    /// Something worth saying that stops nothing.
    Warning {
        message: String,
    },
    /// Something changed under the build's hands: it looks at everything again. What failed or was rejected before this
    /// counts no more; what ran or came from the cache does.
    BuildRestarted {
        reason: String,
    },
    BuildEnded {
        counts: Counts,
        /// With these, the counts of passes and rules add up to those of the build.
        untold: Vec<Untold>,
        interrupted: bool,
        /// Why the build as a whole was given up, if it was.
        problem: Option<Problem>,
    },
}

/// Whose time it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Coordinator,
    /// A thread of the pool, from 0.
    Worker(usize),
}

/// A stretch of work, told when it is over.
#[derive(Clone, Debug)]
pub struct Span {
    /// Rule and item of an action; else what was done.
    pub name: String,
    /// `passA` to `passF` and `rule` for actions that ran; `inputs`, `gate` and `coordinator` for the rest.
    pub category: String,
    pub lane: Lane,
    pub started: Instant,
    pub ended: Instant,
}

/// Why an observer cannot do its duty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unheard {
    pub message: String,
    /// The disk is full.
    pub is_full: bool,
}

impl From<String> for Unheard {
    fn from(message: String) -> Self {
        Self { message, is_full: false }
    }
}

impl From<DiskError> for Unheard {
    fn from(error: DiskError) -> Self {
        Self { message: error.to_string(), is_full: disk::is_full(&error.source) }
    }
}

/// Receives events, on the coordinator's thread.
pub trait Observer {
    /// Called once per event, in order.
    ///
    /// # Errors
    /// If it cannot do its duty (manifest.json cannot be written): the build stops with it, or makes room on a full disk and begins
    /// again. The event is heard all the same: it is not told again.
    fn on(&mut self, event: &Event) -> Result<(), Unheard>;

    /// Told before `BuildStarted`, and again if a source changed meanwhile: `sha256:` and 64 hex digits by source id.
    fn sources(&mut self, sha_map: &std::collections::BTreeMap<String, String>) {
        let _ = sha_map;
    }

    /// Told of each stretch of work, in the order in which they end.
    fn span(&mut self, span: &Span) {
        let _ = span;
    }
}
