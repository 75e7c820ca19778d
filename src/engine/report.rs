//! What a build came to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::again::{Checked, Done};
use super::graph::Pass;
use super::observe::{Counts, Problem, Quarantined, Status};
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
    /// Documents that are set aside, by source.
    pub quarantined: Vec<Quarantined>,
    /// Some of them failed in a way that the next build tries again.
    pub tries_again: bool,
    /// What it takes to do everything again; only if that was asked for.
    pub done: Option<Arc<Done>>,
    /// What came of doing everything again.
    pub checked: Option<Checked>,
    /// Only when planning.
    pub plan: Option<Plan>,
}

impl Report {
    /// Whether everything that was asked for is there, but for documents that are set aside.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let c = &self.counts;
        // Where documents are set aside, what failed is a document, or has failed a pass or a rule.
        let failed = if self.quarantined.is_empty() { c.failed + c.rejected } else { 0 };
        self.failures.is_empty() && failed + c.blocked == 0
    }
}
