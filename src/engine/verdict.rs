//! Verdicts: what a gate says of a candidate, and the trait behind which schema languages hide.

use std::sync::Arc;

use super::graph::GateSpec;
pub use crate::store::records::{Verdict, Violation};

/// A file or artifact that a gate reads beside its subject.
#[derive(Clone, Debug)]
pub struct GateInput {
    /// As the gate names it: a schema's path, or `passA.toc`.
    pub name: String,
    pub bytes: Arc<[u8]>,
}

/// Numbers of items, for gates that ask for no more.
#[derive(Clone, Debug)]
pub struct ItemCounts<'a> {
    pub subject: u64,
    /// Of `gate.others[0]`, with its name.
    pub other: Option<(&'a str, u64)>,
    /// Of the last accepted build of the job.
    pub baseline: Option<u64>,
}

/// What a summary is to tell of a piece; part of the key under which the summary is remembered. Means something to the
/// judge only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading(pub String);

/// Judges artifacts; implemented by `gates`, called by the engine.
pub trait Judge: Sync {
    /// Judges `subject`, the bytes of the output that `gate` is for. `files` are the bytes of `gate.files`, each followed by
    /// those of what it refers to, `others` those of `gate.others`, in their order.
    ///
    /// # Errors
    /// A sentence, if the gate itself is broken (a schema that is no schema), or is none that bytes alone can answer.
    fn judge(&self, gate: &GateSpec, subject: &[u8], files: &[GateInput], others: &[GateInput]) -> Result<Verdict, String>;

    /// The verdict of a gate that asks for numbers of items only; `None` if it asks for more.
    fn judge_counts(&self, gate: &GateSpec, counts: &ItemCounts<'_>) -> Option<Verdict>;

    /// What must be summarised of the pieces of the subject, then of each of `gate.others`, so that `folds` can tell;
    /// `None` if no summaries answer this gate.
    fn readings(&self, gate: &GateSpec) -> Option<Vec<Reading>>;

    /// What `reading` asks for, of one piece of an artifact: a compact record of the judge's own.
    fn summarise(&self, reading: &Reading, piece: &[u8]) -> Vec<u8>;

    /// Whether `summaries` (of the pieces of the subject, then of each of `gate.others`) show that the gate says yes. If
    /// they do not, the artifacts themselves must be judged.
    fn folds(&self, gate: &GateSpec, summaries: &[Vec<Arc<[u8]>>]) -> bool;

    /// Files of the project that the gate file `name` refers to, as paths below the root.
    ///
    /// # Errors
    /// A sentence, if it refers to something outside.
    fn refers_to(&self, name: &str, bytes: &[u8]) -> Result<Vec<String>, String>;

    /// Number of items in an artifact, for `items` in records and logs: array length, else 1; `None` if it does not parse.
    fn count_items(&self, bytes: &[u8]) -> Option<u64>;
}
