//! Verdicts: what a gate says of a candidate, and the trait behind which schema languages hide.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::graph::GateSpec;

/// One thing that is wrong with an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// JSON pointer into the artifact: `/0/text`.
    pub pointer: String,
    /// One sentence, lower case, no final period.
    pub message: String,
    /// Chunk, source and page where the artifact tells, for example `chunk-12ab…, page 7`; "" if it does not.
    pub place: String,
}

/// What a gate said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The first few violations; empty if accepted.
    pub violations: Vec<Violation>,
    /// How many there are in all.
    pub count: u64,
}

impl Verdict {
    /// Nothing is wrong.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.count == 0
    }
}

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
