//! What a build would do, and why: the answer of `build -n`, `status` and `why`. Plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::graph::{Check, Pass};
use super::manifest::ActionManifest;
use super::observe::{ActionName, Quarantined};
use super::reason::{Cause, Reason};

/// What would become of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    UpToDate,
    /// Its key is known: its outputs come from the cache.
    FromCache,
    Run,
    /// Something that it reads would be made first; if that comes out as it was, it stays up to date.
    May,
    /// It failed, or was rejected, for just these inputs: told again without a run.
    StillFailing,
    Blocked,
    /// Its document is set aside: nothing is to be done.
    LeftOut,
}

/// One action of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedAction {
    #[serde(flatten)]
    pub action: ActionName,
    pub pass: Option<Pass>,
    pub fate: Fate,
    /// `None` if it is up to date.
    pub reason: Option<Reason>,
    /// The first cause of the reason.
    pub cause: Option<Cause>,
    /// The rule that makes first what it reads.
    pub waits_for: Option<String>,
}

/// Something of the job folder that would be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Write {
    /// A file would be put in place: its path below the job folder.
    File(String),
    /// A file would be removed: its path below the job folder.
    Removal(String),
    /// What a pass or a rule publishes; what it will be is not known yet.
    Outputs(String),
    /// The record of a pass in the manifest.
    Record(Pass),
    /// A gate on the whole of a file has not judged it as it is: its path below the job folder, the check and its kind.
    Verdict { path: String, kind: String, check: String },
}

impl Write {
    /// That `check` would judge the file at `path`.
    #[must_use]
    pub fn verdict(path: String, check: &Check) -> Self {
        let check = serde_json::to_value(check).unwrap_or_default();
        let kind = check["kind"].as_str().unwrap_or_default().to_owned();
        Self::Verdict { path, kind, check: check.to_string() }
    }
}

impl std::fmt::Display for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) | Self::Removal(path) | Self::Verdict { path, .. } => f.write_str(path),
            Self::Outputs(name) => write!(f, "what `{name}` publishes"),
            Self::Record(pass) => write!(f, "the record of {pass}"),
        }
    }
}

/// The whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In the order in which they were decided.
    pub actions: Vec<PlannedAction>,
    /// What of the job folder would be written, restored or judged again.
    pub publish: Vec<Write>,
    /// Passes that are blocked as a whole, with the sentence.
    pub blocked: Vec<(Pass, String)>,
    /// Documents that are set aside.
    pub quarantined: Vec<Quarantined>,
    /// What the manifests of each rule's actions have in common as it is declared now, by the rule's name.
    pub declared: BTreeMap<String, ActionManifest>,
}

impl Plan {
    /// Whether a build would find nothing to do.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.publish.is_empty()
            && self.blocked.is_empty()
            && self.actions.iter().all(|a| matches!(a.fate, Fate::UpToDate | Fate::LeftOut))
    }
}
