//! Items: what rules range over. The job is the root; sources are its children; entries of tree outputs are children of the
//! item whose action made the tree. Items come to be while a build runs.

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
    Entry(TreeEntry),
}

/// One item.
#[derive(Clone, Debug)]
pub struct ItemNode {
    pub range: Range,
    pub parent: ItemIx,
    pub body: Body,
    /// As built-ins see it.
    pub info: builtin::Item,
    /// Ids from the source inwards, joined by `/`; "" for the job.
    pub full_id: String,
}

impl ItemNode {
    /// Placement within its parent.
    #[must_use]
    pub fn attrs(&self) -> Attrs {
        match &self.body {
            Body::Entry(e) => e.attrs.clone(),
            Body::Job | Body::Source(_) => Attrs::new(),
        }
    }
}

/// All items so far.
#[derive(Debug)]
pub struct Items {
    nodes: Vec<ItemNode>,
}

impl Default for Items {
    fn default() -> Self {
        let job =
            ItemNode { range: Range::Job, parent: JOB, body: Body::Job, info: builtin::Item::default(), full_id: String::new() };
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
        let info = builtin::Item { id: source.id.clone(), source_id: source.id.clone(), path: source.path.clone() };
        self.push(ItemNode {
            range: Range::Source,
            parent: JOB,
            full_id: source.id.clone(),
            body: Body::Source(Arc::new(source.clone())),
            info,
        })
    }

    /// Adds an entry of a tree output; its id is the entry's name without extension.
    pub fn add_entry(&mut self, range: Range, parent: ItemIx, entry: &TreeEntry) -> ItemIx {
        let above = self.get(parent);
        let id = entry.name.rsplit_once('.').map_or(entry.name.as_str(), |(stem, _)| stem).to_owned();
        let full_id = if above.full_id.is_empty() { id.clone() } else { format!("{}/{id}", above.full_id) };
        let info = builtin::Item { id, source_id: above.info.source_id.clone(), path: above.info.path.clone() };
        self.push(ItemNode { range, parent, body: Body::Entry(entry.clone()), info, full_id })
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
