//! What a vector store has to be told, so that it holds what B has: ids to send again, and ids to drop.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Change, ChangeKind};

/// What to do to a store that holds A.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// The artifact whose chunks are meant: the last one of the passes that both sides have.
    pub artifact: String,
    /// Chunks of B to send: new ones, and those whose text or metadata are not the same.
    pub upserts: Vec<String>,
    /// Those of `upserts` whose text is the one that the store has: a vector of the text can be kept.
    pub same_text: Vec<String>,
    /// Chunks that B does not have.
    pub deletions: Vec<String>,
}

impl Feed {
    /// For the chunks of `artifact`.
    #[must_use]
    pub fn of(artifact: &str) -> Self {
        Self { artifact: artifact.to_owned(), ..Self::default() }
    }

    /// Takes a change of a chunk.
    pub fn take(&mut self, change: &Change) {
        match change.change {
            ChangeKind::Reordered => return,
            ChangeKind::Removed => return self.deletions.push(change.id.clone()),
            ChangeKind::Replaced => self.deletions.extend(change.old_id.clone()),
            ChangeKind::Added => {}
            ChangeKind::Moved => self.same_text.push(change.id.clone()),
            ChangeKind::Changed => {
                if !change.fields.iter().any(|f| f == "/text") {
                    self.same_text.push(change.id.clone());
                }
            }
        }
        self.upserts.push(change.id.clone());
    }

    /// When all changes are taken: what went from one source to another is not dropped.
    pub fn end(&mut self) {
        let sent: HashSet<&String> = self.upserts.iter().collect();
        self.deletions.retain(|id| !sent.contains(id));
    }
}
