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

/// Judges artifacts; implemented by `gates`, called by the engine.
pub trait Judge: Sync {
    /// Judges `subject`, the bytes of the output that `gate` is for. `files` are the bytes of `gate.files`, `others` those
    /// of `gate.others`, in their order.
    ///
    /// # Errors
    /// A sentence, if the gate itself is broken (a schema that is no schema).
    fn judge(&self, gate: &GateSpec, subject: &[u8], files: &[GateInput], others: &[GateInput]) -> Result<Verdict, String>;

    /// Number of items in an artifact, for `items` in records and logs: array length, else 1; `None` if it does not parse.
    fn count_items(&self, bytes: &[u8]) -> Option<u64>;
}
