//! What a build does when a document fails, and how documents wait for each other. Knows no document and no pass.

/// What becomes of a build in which the action of a document failed or was rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// The pass is finished for its other items and FAILED; no later pass starts.
    #[default]
    Stop,
    /// The document is set aside; the pass goes on without it.
    Quarantine,
}

/// What stands between two passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Barrier {
    /// A pass starts when those that it needs are SUCCESS.
    #[default]
    Pass,
    /// A document goes ahead as soon as it is through those passes itself.
    Item,
}
