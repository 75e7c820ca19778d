//! What a build came to.

use std::collections::BTreeMap;

use super::graph::Pass;
use super::observe::{Counts, Problem, Status};
use super::plan::Plan;

/// The outcome of a build.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub counts: Counts,
    /// Of the passes that the build was about.
    pub statuses: BTreeMap<Pass, Status>,
    /// Passes and rules that did not come out well, in the order in which it was found.
    pub failures: Vec<(String, Problem)>,
    /// What is worth saying and stops nothing, unless it was told as an event.
    pub warnings: Vec<String>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// Whether anything was run, published or recorded.
    pub did_something: bool,
    /// Only when planning.
    pub plan: Option<Plan>,
}

impl Report {
    /// Whether everything that was asked for is there.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let c = &self.counts;
        self.failures.is_empty() && c.failed + c.rejected + c.blocked == 0
    }
}
