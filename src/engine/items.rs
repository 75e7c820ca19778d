//! Items: what rules range over. The job is the root; sources are its children; entries of tree outputs are children of the
//! item whose action made the tree. Items come to be while a build runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::graph::Range;
use crate::builtin::{self, Attrs, TreeEntry};

/// A source as it was found on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Id, unique in the job.
    pub id: String,
    /// Path below the sources folder, `/`-separated.
    pub path: String,
    /// Where to read it.
    pub file: PathBuf,
}

/// Index into `Items`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemIx(pub u32);

/// The job itself.
pub const JOB: ItemIx = ItemIx(0);

/// What stands behind an item.
#[derive(Clone, Debug)]
pub enum Body {
    Job,
    Source(Arc<SourceFile>),
    /// An entry of a tree that an action made: the tree, and the place in it.
    Entry(Arc<[TreeEntry]>, u32),
}

/// One item.
#[derive(Clone, Debug)]
pub struct ItemNode {
    pub range: Range,
    pub parent: ItemIx,
    pub body: Body,
    /// Ids from the source inwards, joined by `/`; "" for the job.
    pub full_id: String,
    /// Where its own id begins in that.
    own: u32,
}

impl ItemNode {
    /// Its id below its parent; "" for the job.
    #[must_use]
    pub fn id(&self) -> &str {
        self.full_id.get(self.own as usize..).unwrap_or_default()
    }

    /// The entry of a tree that it is.
    #[must_use]
    pub fn entry(&self) -> Option<&TreeEntry> {
        match &self.body {
            Body::Entry(entries, at) => entries.get(*at as usize),
            Body::Job | Body::Source(_) => None,
        }
    }

    /// Placement within its parent.
    #[must_use]
    pub fn attrs(&self) -> Attrs {
        self.entry().map(|e| e.attrs.clone()).unwrap_or_default()
    }
}

/// The ids of the entries of a tree, in their order: names without extension, but whole names where two would have one id.
#[must_use]
pub fn entry_ids(entries: &[TreeEntry]) -> Vec<String> {
    let ids = entries.iter().map(|e| {
        let dot = e.name.rfind('.').filter(|dot| !e.name[*dot..].contains('/'));
        dot.map_or(&*e.name, |dot| &e.name[..dot])
    });
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    ids.clone().for_each(|id| *taken.entry(id).or_default() += 1);
    let whole: BTreeSet<&str> = ids.clone().zip(entries).filter(|(id, _)| taken[id] > 1).map(|(_, e)| &*e.name).collect();
    // A whole name may be another's id: then all go by their whole names, which are unique.
    let all_whole = whole.iter().any(|name| taken.contains_key(name));
    let id = |(id, e): (&str, &TreeEntry)| if all_whole || whole.contains(&*e.name) { e.name.clone() } else { id.to_owned() };
    ids.zip(entries).map(id).collect()
}

/// All items so far.
#[derive(Debug)]
pub struct Items {
    nodes: Vec<ItemNode>,
}

impl Default for Items {
    fn default() -> Self {
        let job = ItemNode { range: Range::Job, parent: JOB, body: Body::Job, full_id: String::new(), own: 0 };
        Self { nodes: vec![job] }
    }
}

impl Items {
    /// The item at `ix`.
    #[must_use]
    pub fn get(&self, ix: ItemIx) -> &ItemNode {
        &self.nodes[ix.0 as usize]
    }

    /// Adds a source.
    pub fn add_source(&mut self, source: &SourceFile) -> ItemIx {
        let full_id = source.id.clone();
        self.push(ItemNode { range: Range::Source, parent: JOB, body: Body::Source(Arc::new(source.clone())), full_id, own: 0 })
    }

    /// Adds the entry at `at` of a tree output; `id` is the one that `entry_ids` gives it.
    pub fn add_entry(&mut self, range: Range, parent: ItemIx, entries: &Arc<[TreeEntry]>, at: usize, id: &str) -> ItemIx {
        let above = &self.get(parent).full_id;
        let full_id = if above.is_empty() { id.to_owned() } else { format!("{above}/{id}") };
        let own = u32::try_from(full_id.len() - id.len()).unwrap_or(u32::MAX);
        let body = Body::Entry(Arc::clone(entries), u32::try_from(at).unwrap_or(u32::MAX));
        self.push(ItemNode { range, parent, body, full_id, own })
    }

    /// An item as built-ins see it.
    #[must_use]
    pub fn info(&self, ix: ItemIx) -> builtin::Item {
        let source = self.source_of(ix);
        let (source_id, path) = source.map(|s| (s.id.clone(), s.path.clone())).unwrap_or_default();
        builtin::Item { id: self.get(ix).id().to_owned(), source_id, path }
    }

    fn push(&mut self, node: ItemNode) -> ItemIx {
        self.nodes.push(node);
        ItemIx(u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX))
    }

    /// The item `levels` above `ix`.
    #[must_use]
    pub fn ancestor(&self, ix: ItemIx, levels: usize) -> ItemIx {
        (0..levels).fold(ix, |at, _| self.get(at).parent)
    }

    /// The ancestor of `ix` (or `ix` itself) that lies in `range`; the job if none does.
    #[must_use]
    pub fn in_range(&self, ix: ItemIx, range: Range) -> ItemIx {
        let mut at = ix;
        while at != JOB && self.get(at).range != range {
            at = self.get(at).parent;
        }
        at
    }

    /// The source that `ix` is or belongs to.
    #[must_use]
    pub fn source_of(&self, ix: ItemIx) -> Option<&Arc<SourceFile>> {
        match &self.get(self.in_range(ix, Range::Source)).body {
            Body::Source(source) => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn no_two_entries_of_a_tree_have_one_id() {
        let ids = |names: &[&str]| {
            let entry = |n: &&str| TreeEntry { name: (*n).to_owned(), digest: Digest::of(b""), bytes: 0, attrs: Attrs::new() };
            entry_ids(&names.iter().map(entry).collect::<Vec<_>>())
        };
        assert_eq!(ids(&["a.txt", "b.c.txt", "d"]), ["a", "b.c", "d"]);
        assert_eq!(ids(&["y.d/1", "y.d/2.txt", "y"]), ["y.d/1", "y.d/2", "y"]);
        assert_eq!(ids(&["x.md", "x.txt", "y.txt"]), ["x.md", "x.txt", "y"]);
        assert_eq!(ids(&["x.md", "x.md.gz", "x.txt"]), ["x.md", "x.md.gz", "x.txt"]);
    }
}
