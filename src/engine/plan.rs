//! What a build would do, and why: the answer of `build -n`, `status` and `why`. Plain data.

use serde::{Deserialize, Serialize};

use super::graph::Pass;
use super::manifest::Change;
use super::observe::{ActionName, Quarantined};

/// What would become of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// One sentence; "" if it is up to date.
    pub reason: String,
    /// The difference of its manifests, if it was built before and its inputs are known.
    pub changes: Vec<Change>,
    /// The rule whose new output it waits for, if that is why it may run.
    pub waits_for: Option<String>,
}

/// The whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In the order in which they were decided.
    pub actions: Vec<PlannedAction>,
    /// Published files that would be written or restored, below the job folder.
    pub publish: Vec<String>,
    /// Passes that are blocked as a whole, with the sentence.
    pub blocked: Vec<(Pass, String)>,
    /// Documents that are set aside.
    pub quarantined: Vec<Quarantined>,
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
