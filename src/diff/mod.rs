//! What differs between the artifacts of two folders, item by item: by id where items have one. Needs nothing but the files,
//! and knows nothing of jobs or builds: a folder may be another program's, as long as its files are of the shape.
//!
//! Items are compared as JSON, whatever fields they have. Arrays of items go source by source (`index`, `items`), objects that
//! hold lists in the order of their keys (`records`): of both sides, what is in memory is one source, or one record.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

pub mod artifacts;
pub mod feed;
mod fields;
mod index;
mod items;
mod read;
mod records;

use crate::disk::{self, DiskError};
use artifacts::{Artifact, Layout};

/// Why a file cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("`{path}:{line}:{column}` is no JSON: {message}")]
    Syntax { path: PathBuf, line: usize, column: usize, message: String },
    #[error("`{path}` is not of the shape{}: {message}", at(.pointer))]
    Shape { path: PathBuf, pointer: String, message: String },
    #[error("`{path}` was written while it was read")]
    Changed { path: PathBuf },
    /// What takes the changes cannot.
    #[error("cannot keep what differs: {0}")]
    Sink(#[from] std::io::Error),
}

fn at(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!(" at `{pointer}`") }
}

impl DiffError {
    fn shape(path: &Path, pointer: &str, message: &str) -> Self {
        Self::Shape { path: path.to_path_buf(), pointer: pointer.to_owned(), message: message.to_owned() }
    }
}

/// What serde says, without the place.
fn sentence(e: &serde_json::Error) -> String {
    let text = e.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(sentence, _)| sentence).to_owned()
}

/// One of the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    A,
    B,
}

/// How an item differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Only B has it.
    Added,
    /// Only A has it.
    Removed,
    /// Both have it, and it is not the same.
    Changed,
    /// It only stands on other pages.
    Moved,
    /// A chunk or element whose text is another, so that its id is, too: behind the same neighbour, in the same section.
    Replaced,
    /// What is below stands in another order.
    Reordered,
}

/// Pages, from 1; of an item in one place, first and last are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    pub first: u64,
    pub last: u64,
}

/// What a list gained and lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    pub gained: Vec<String>,
    pub lost: Vec<String>,
}

/// How a text reads from a few words before the first character that is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    pub a: String,
    pub b: String,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub change: ChangeKind,
    /// `source`, `section`, `term`, `profile`, `part`, `element`, `chunk`, `coverage`, `node`, `edge`, `unresolved`, `fix`, `check`
    /// or `figures`.
    pub what: String,
    /// In B; of what is removed, in A. What has none is named by all that tells it apart, words separated by spaces.
    pub id: String,
    /// What it replaces, in A.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_id: Option<String>,
    /// Null for what is of several sources, or of the job.
    pub source_id: Option<String>,
    /// The side that has the source at all, if only one has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_only_in: Option<Side>,
    /// A title, a name, or how the text begins; "" for what has none.
    pub name: String,
    /// Null where it has no page, or is not in A.
    pub pages_a: Option<Pages>,
    /// Null where it has no page, or is not in B.
    pub pages_b: Option<Pages>,
    /// Where it stands in a source without pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// Pointers to what is not the same, pages aside.
    pub fields: Vec<String>,
    /// Where both have a text, and it is not the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<Texts>,
    /// Of a chunk whose entities differ: kind and name of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entities: Option<Delta>,
    /// Of a chunk whose references differ: kind and target of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<Delta>,
}

impl Change {
    /// The page by which changes are ordered: where it stands in B, else in A.
    #[must_use]
    pub fn page(&self) -> Option<u64> {
        self.pages_b.or(self.pages_a).map(|p| p.first)
    }
}

/// How many items differ in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    pub added: u64,
    pub removed: u64,
    pub changed: u64,
    pub moved: u64,
    pub replaced: u64,
    pub reordered: u64,
}

impl Counts {
    /// One more of `change`.
    pub fn add(&mut self, change: ChangeKind) {
        let count = match change {
            ChangeKind::Added => &mut self.added,
            ChangeKind::Removed => &mut self.removed,
            ChangeKind::Changed => &mut self.changed,
            ChangeKind::Moved => &mut self.moved,
            ChangeKind::Replaced => &mut self.replaced,
            ChangeKind::Reordered => &mut self.reordered,
        };
        *count += 1;
    }
}

/// How an artifact compares as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No item differs; white space or the order of the sources may.
    Same,
    Differs,
    /// B has no such file: nothing of it was compared.
    OnlyInA,
    /// A has no such file: nothing of it was compared.
    OnlyInB,
    /// Neither has it.
    Absent,
}

/// What came of comparing one artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    pub state: State,
    /// By what items are.
    pub counts: BTreeMap<String, Counts>,
    /// The sources that were met, as far as they were looked at.
    pub sources: Vec<String>,
}

/// Takes changes as they are found.
pub type Sink<'s> = &'s mut dyn FnMut(Change) -> std::io::Result<()>;

/// Compares `artifact` of the folders `a` and `b`, of all sources or of `source`; what differs goes to `sink`, in the order of
/// the sources and then of the pages; of what has no order of sources, in that of its keys.
///
/// # Errors
/// If a file cannot be read or is not of the shape; what `sink` says.
pub fn compare(artifact: &Artifact, a: &Path, b: &Path, source: Option<&str>, sink: Sink<'_>) -> Result<Compared, DiffError> {
    let (a, b) = (a.join(&*artifact.file), b.join(&*artifact.file));
    let mut compared = Compared { state: State::Same, counts: BTreeMap::new(), sources: Vec::new() };
    compared.state = match (disk::is_file(&a), disk::is_file(&b)) {
        (true, true) => State::Same,
        (true, false) => State::OnlyInA,
        (false, true) => State::OnlyInB,
        (false, false) => State::Absent,
    };
    // Whether there is such a source is to be known.
    let as_bytes = source.is_none() || matches!(artifact.layout, Layout::Unknown);
    if compared.state != State::Same || (as_bytes && has_same_bytes(&a, &b)?) {
        return Ok(compared);
    }
    let counts = &mut compared.counts;
    let mut counted = |change: Change| {
        counts.entry(change.what.clone()).or_default().add(change.change);
        sink(change)
    };
    compared.sources = match &artifact.layout {
        Layout::Items(list) => items::compare(list, [&a, &b], source, &mut counted)?,
        Layout::Records(tables) => records::compare(tables, [&a, &b], source, &mut counted)?,
        Layout::Unknown => {
            compared.state = State::Differs;
            return Ok(compared);
        }
    };
    if !compared.counts.is_empty() {
        compared.state = State::Differs;
    }
    Ok(compared)
}

/// Does something for both sides at once.
fn both<T: Send>(paths: [&Path; 2], make: impl Fn(&Path) -> Result<T, DiffError> + Sync) -> Result<(T, T), DiffError> {
    let (a, b) = rayon::join(|| make(paths[0]), || make(paths[1]));
    Ok((a?, b?))
}

fn has_same_bytes(a: &Path, b: &Path) -> Result<bool, DiskError> {
    const BLOCK: usize = 64 * 1024;
    let size = |path: &Path| Ok(disk::stat(path)?.map(|s| s.size));
    if size(a)? != size(b)? {
        return Ok(false);
    }
    let (mut files, mut buffers) = ([disk::open(a)?, disk::open(b)?], [vec![0; BLOCK], vec![0; BLOCK]]);
    loop {
        let mut read = [0; 2];
        for (side, path) in [a, b].into_iter().enumerate() {
            // Whole blocks, so that both sides stand at the same place.
            while read[side] < BLOCK {
                match files[side].read(&mut buffers[side][read[side]..]) {
                    Ok(0) => break,
                    Ok(n) => read[side] += n,
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(DiskError::new("read", path, e)),
                }
            }
        }
        if buffers[0][..read[0]] != buffers[1][..read[1]] {
            return Ok(false);
        }
        if read[0] == 0 {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::artifacts::ARTIFACTS;
    use super::*;

    /// (source, id) to (text, page), in any order.
    type Chunks = Vec<((u8, u8), (u8, u8))>;

    fn chunks() -> impl Strategy<Value = Chunks> {
        let all = proptest::collection::btree_map((0..3_u8, 0..6_u8), (0..2_u8, 1..3_u8), 0..12);
        all.prop_map(|m| m.into_iter().collect::<Vec<_>>()).prop_shuffle()
    }

    fn written(folder: &Path, name: &str, value: &Value) {
        disk::create_dir_all(folder).unwrap();
        disk::write(&folder.join(name), value.to_string().as_bytes()).unwrap();
    }

    fn compared(name: &str, a: &Value, b: &Value) -> Vec<Change> {
        let dir = tempfile::tempdir().unwrap();
        let (folder_a, folder_b) = (dir.path().join("a"), dir.path().join("b"));
        written(&folder_a, name, a);
        written(&folder_b, name, b);
        let artifact = ARTIFACTS.iter().find(|artifact| artifact.file == name).unwrap();
        let mut changes = Vec::new();
        let mut sink = |change: Change| {
            changes.push(change);
            Ok(())
        };
        let compared = compare(artifact, &folder_a, &folder_b, None, &mut sink).unwrap();
        assert_eq!(compared.state == State::Differs, !changes.is_empty());
        changes
    }

    /// What has to be found of keys with a value and a page on each side: `added x`, …
    fn expected(a: &BTreeMap<String, (u8, u8)>, b: &BTreeMap<String, (u8, u8)>) -> Vec<String> {
        let mut all: Vec<String> = a.keys().filter(|k| !b.contains_key(*k)).map(|k| format!("removed {k}")).collect();
        for (k, (text, page)) in b {
            match a.get(k) {
                None => all.push(format!("added {k}")),
                Some((old, _)) if old != text => all.push(format!("changed {k}")),
                Some((_, old)) if old != page => all.push(format!("moved {k}")),
                _ => {}
            }
        }
        all.sort();
        all
    }

    /// The same words of what was found; a replacement is an addition and a removal.
    fn found(changes: &[Change]) -> Vec<String> {
        let of = |c: &Change| {
            let source = c.source_id.clone().unwrap_or_default();
            let named = |word: &str, id: &str| format!("{word} {source} {id}");
            match c.change {
                ChangeKind::Added => vec![named("added", &c.id)],
                ChangeKind::Removed => vec![named("removed", &c.id)],
                ChangeKind::Changed => vec![named("changed", &c.id)],
                ChangeKind::Moved => vec![named("moved", &c.id)],
                ChangeKind::Replaced => vec![named("added", &c.id), named("removed", c.old_id.as_ref().unwrap())],
                ChangeKind::Reordered => Vec::new(),
            }
        };
        let mut all: Vec<String> = changes.iter().flat_map(of).collect();
        all.sort();
        all
    }

    fn by_key(chunks: &Chunks) -> BTreeMap<String, (u8, u8)> {
        chunks.iter().map(|((source, id), value)| (format!("s{source} {id}"), *value)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn chunks_in_any_order_are_told_apart_by_source_and_id(a in chunks(), b in chunks()) {
            let array = |chunks: &Chunks| -> Value {
                chunks.iter().map(|((s, id), (text, page))| {
                    json!({"chunk_id": id.to_string(), "source_id": format!("s{s}"), "text": text.to_string(), "page": page})
                }).collect()
            };
            let changes = compared("passC_chunks.json", &array(&a), &array(&b));
            prop_assert_eq!(found(&changes), expected(&by_key(&a), &by_key(&b)));
            let order = |chunks: &Chunks, other: &Chunks, source: u8| -> Vec<u8> {
                let both = |key: &(u8, u8)| key.0 == source && other.iter().any(|(k, _)| k == key);
                chunks.iter().filter(|(k, _)| both(k)).map(|(k, _)| k.1).collect()
            };
            let reordered = (0..3).filter(|s| order(&a, &b, *s) != order(&b, &a, *s)).count();
            prop_assert_eq!(changes.iter().filter(|c| c.change == ChangeKind::Reordered).count(), reordered);
        }

        #[test]
        fn records_are_told_apart_by_key_whether_they_are_sorted_or_not(a in chunks(), mut b in chunks(), sorted: bool) {
            if sorted {
                b.sort_unstable();
            }
            let graph = |chunks: &Chunks| -> Value {
                let nodes: Value = chunks.iter().map(|((s, id), (text, page))| {
                    json!({"id": format!("{s}{id}"), "source_id": format!("s{s}"), "name": text.to_string(), "page": page})
                }).collect();
                json!({"nodes": nodes})
            };
            let keys = |chunks: &Chunks| chunks.iter().map(|((s, id), v)| (format!("s{s} {s}{id}"), *v)).collect();
            let changes = compared("passE_graph.json", &graph(&a), &graph(&b));
            prop_assert_eq!(found(&changes), expected(&keys(&a), &keys(&b)));
        }
    }
}
