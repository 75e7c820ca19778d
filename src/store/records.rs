//! The records that a build remembers. Every type here is stored: a change of shape is a change of `FORMAT`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::builtin::{Failure, TreeEntry};
use crate::digest::Digest;
use crate::disk::StatTuple;

/// Version of all stored shapes. Another version is not read: the cache starts anew.
pub const FORMAT: u32 = 5;

/// One output of an action, stored in the CAS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stored {
    File(StoredFile),
    Tree(StoredTree),
}

impl Stored {
    /// Digest of the file's bytes, or of the tree's names and digests.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::File(f) => f.digest,
            Self::Tree(t) => t.digest,
        }
    }

    /// The blobs that hold it, each with its size in bytes.
    pub fn blobs(&self) -> impl Iterator<Item = (Digest, u64)> {
        let (file, entries) = match self {
            Self::File(f) => (Some((f.digest, f.bytes)), [].as_slice()),
            Self::Tree(t) => (None, &*t.entries),
        };
        file.into_iter().chain(entries.iter().map(|e| (e.digest, e.bytes)))
    }

    /// Size in bytes; of a tree, of all its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::File(f) => f.bytes,
            Self::Tree(t) => t.entries.iter().map(|e| e.bytes).sum(),
        }
    }

    /// Array length of a JSON file, number of files of a tree, else 1.
    #[must_use]
    pub fn items(&self) -> u64 {
        match self {
            Self::File(f) => f.items,
            Self::Tree(t) => t.entries.len() as u64,
        }
    }
}

/// A blob with what is worth knowing without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    pub digest: Digest,
    pub bytes: u64,
    /// Array length of JSON, else 1.
    pub items: u64,
}

/// An ordered set of named blobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTree {
    pub digest: Digest,
    pub entries: Arc<[TreeEntry]>,
}

impl StoredTree {
    /// The tree of `entries`; its digest covers names and digests in order, not placements.
    #[must_use]
    pub fn new(entries: Vec<TreeEntry>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for e in &entries {
            hasher.update(&(e.name.len() as u64).to_le_bytes());
            hasher.update(e.name.as_bytes());
            hasher.update(e.digest.as_bytes());
        }
        Self { digest: Digest::of_hasher(&hasher), entries: entries.into() }
    }
}

/// What an action key led to: a candidate's outputs, or the typed failure that it always ends in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionResult {
    /// In the order of the rule's outputs; empty on failure.
    pub outputs: Arc<[Stored]>,
    /// What the outputs count beside their items, by name.
    pub counts: Arc<[(String, u64)]>,
    pub failure: Option<Box<Failure>>,
    pub duration_ms: u64,
}

/// The last build of one action in one job: what `why` compares with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBuild {
    pub key: Digest,
    /// Number, in the table of declarations, of the part of that key's manifest that all items of the rule share.
    pub declared: u32,
    /// The encoded rest of the manifest.
    pub own: Arc<[u8]>,
    /// Whether its gates said yes.
    pub accepted: bool,
    /// Number, in the table of gate lists, of the gates that it was judged by.
    pub gates: u32,
    /// Bytes of the source that it was made from, at whatever distance.
    pub source: Option<Digest>,
    /// The last times that it was not up to date, newest first; never empty.
    pub history: Vec<Turn>,
}

/// One time that an action was not up to date. What its manifest was before is in the reason, as a difference: undone
/// one after the other, the reasons lead back to every manifest that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Number of the build, in the table of builds.
    pub build: u32,
    pub came: Came,
    /// Whether it ran, or was told from what was known.
    pub ran: bool,
    /// Why, encoded by the engine.
    pub reason: Arc<[u8]>,
}

/// What an action came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    Ran,
    FromCache,
    Failed,
    /// A gate said no.
    Rejected,
}

/// How many turns of an action are kept. Enough to see an edit, its reverts and a retry beside the run that they are about;
/// each costs some 200 bytes in the picture that every reader loads.
pub const TURNS: usize = 5;

impl Turn {
    /// Puts `turn` before `history`, and drops what is too old; the last run is kept, however long ago it was.
    pub fn put(history: &mut Vec<Self>, turn: Self) {
        // Of tens of thousands of actions, most have one turn: room for more would weigh more than what is in it.
        history.reserve_exact(1);
        history.insert(0, turn);
        while history.len() > TURNS {
            let last_run = history.iter().position(|t| t.ran);
            let oldest = history.len() - 1;
            history.remove(if last_run == Some(oldest) { oldest - 1 } else { oldest });
        }
    }
}

/// What a path held when it was last hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    pub stat: StatTuple,
    pub digest: Digest,
    /// Computed once per new content, only for sources.
    pub sha256: Option<[u8; 32]>,
    /// False while a later write could still carry the same stamps.
    pub settled: bool,
}

/// A merge or projection that was computed once.
pub type Derived = StoredFile;

/// A file in a job folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    pub rule: String,
    pub output: String,
    /// What it was made from: the blob's digest, or the key of the merge.
    pub content: Digest,
    pub digest: Digest,
    pub bytes: u64,
    pub items: u64,
    pub stat: StatTuple,
}

/// A published file that was edited by hand and adopted: what stands in the place of what its rule made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adoption {
    pub rule: String,
    pub output: String,
    /// The file as it was adopted.
    pub file: StoredFile,
    /// What a merge of all items was made from when it was adopted (`Published::content`): while that holds, the file is
    /// published as it was adopted, byte for byte.
    pub content: Digest,
    /// The items that were edited.
    pub pieces: Vec<AdoptedPiece>,
}

/// An item's share of an adopted file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptedPiece {
    /// Ids from the source inwards, joined by `/`; "" for what is done once per job.
    pub item: String,
    /// The action key whose result it replaces.
    pub key: Digest,
    pub file: StoredFile,
}

/// What the last build of a job rested on, beside results: merges, projections and verdicts, by the beginnings of their keys
/// (`Digest::beginning`), sorted. Where two keys begin alike, one is kept that could go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    pub keys: Arc<[u64]>,
}

/// What a tool said of its version, and what that rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The program, then the declared files.
    pub rests_on: Vec<Digest>,
    pub version: String,
}

/// One thing that is wrong with an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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

/// A verdict as it is kept: nearly all say yes, and need no room for what they do not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered(Option<Box<Verdict>>);

impl Remembered {
    /// Whether it is a yes.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.0.is_none()
    }

    /// The verdict.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.0.as_deref().cloned().unwrap_or_default()
    }
}

impl From<Verdict> for Remembered {
    fn from(verdict: Verdict) -> Self {
        Self((!verdict.accepted()).then(|| Box::new(verdict)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(build: u32, ran: bool) -> Turn {
        Turn { build, came: if ran { Came::Ran } else { Came::FromCache }, ran, reason: Arc::from([]) }
    }

    #[test]
    fn a_few_turns_are_kept_and_the_last_run_among_them() {
        let mut history = Vec::new();
        (0..4).for_each(|b| Turn::put(&mut history, turn(b, true)));
        (4..20).for_each(|b| Turn::put(&mut history, turn(b, false)));
        assert_eq!(history.iter().map(|t| t.build).collect::<Vec<_>>(), [19, 18, 17, 16, 3]);
        Turn::put(&mut history, turn(20, true));
        assert_eq!(history.iter().map(|t| t.build).collect::<Vec<_>>(), [20, 19, 18, 17, 16]);
    }
}
