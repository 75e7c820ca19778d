//! Counts over a link graph: nodes and edges by kind, connected components, orphans, the highest degree. Nodes are known by
//! a digest of their ids, so that those of a thousand books take 16 bytes each.

use std::collections::BTreeMap;

use crate::document::link_graph::EdgeKind;
use crate::document::link_graph::GraphStats;
use crate::document::link_graph::NodeKind;

/// Counts nodes, then edges among them.
#[derive(Default)]
pub struct Tally {
    nodes: [u64; NODE_KINDS.len()],
    edges: [u64; EDGE_KINDS.len()],
    /// Digests of node ids; in order as soon as there is a forest.
    ids: Vec<u64>,
    degrees: Vec<u32>,
    forest: Option<Forest>,
}

impl Tally {
    /// A node, each id once, all before the first edge. `kind` is a `NodeKind` as a number.
    pub fn add_node(&mut self, id: &[u8], kind: u8) {
        if let Some(count) = self.nodes.get_mut(usize::from(kind)) {
            *count += 1;
        }
        self.ids.push(digest(id));
    }

    /// An edge, unless it dangles; whether it does not. `kind` is an `EdgeKind` as a number.
    pub fn add_edge(&mut self, source: &[u8], target: &[u8], kind: u8) -> bool {
        let forest = self.forest.get_or_insert_with(|| {
            self.ids.sort_unstable();
            self.degrees = vec![0; self.ids.len()];
            Forest::new(self.ids.len())
        });
        let index = |id| self.ids.binary_search(&digest(id)).ok();
        let (Some(a), Some(b)) = (index(source), index(target)) else { return false };
        if let Some(count) = self.edges.get_mut(usize::from(kind)) {
            *count += 1;
        }
        self.degrees[a] += 1;
        self.degrees[b] += 1;
        forest.join(a, b);
        true
    }

    /// The statistics. Every kind is there, with 0 where there is none.
    #[must_use]
    pub fn stats(&self) -> GraphStats {
        let all = self.ids.len() as u64;
        let linked = self.degrees.iter().filter(|d| **d > 0).count() as u64;
        GraphStats {
            nodes: NODE_KINDS.iter().map(|(kind, name)| ((*name).to_owned(), self.nodes[*kind as usize])).collect(),
            edges: EDGE_KINDS
                .iter()
                .map(|(kind, name)| ((*name).to_owned(), self.edges[*kind as usize]))
                .collect::<BTreeMap<_, _>>(),
            components: self.forest.as_ref().map_or(all, |f| f.trees),
            orphans: all - linked,
            max_degree: self.degrees.iter().copied().max().unwrap_or(0).into(),
        }
    }
}

/// Eight bytes: among a million ids two agree by chance once in ten million graphs, and then a count is one off.
fn digest(id: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(id).as_bytes()[..8]);
    u64::from_le_bytes(first)
}

const NODE_KINDS: [(NodeKind, &str); 4] =
    [(NodeKind::Source, "source"), (NodeKind::Section, "section"), (NodeKind::Chunk, "chunk"), (NodeKind::Entity, "entity")];

const EDGE_KINDS: [(EdgeKind, &str); 5] = [
    (EdgeKind::Contains, "contains"),
    (EdgeKind::Next, "next"),
    (EdgeKind::Mentions, "mentions"),
    (EdgeKind::DefinedIn, "defined_in"),
    (EdgeKind::RefersTo, "refers_to"),
];

/// Disjoint sets with path halving.
struct Forest {
    parents: Vec<u32>,
    trees: u64,
}

impl Forest {
    fn new(size: usize) -> Self {
        Self { parents: (0..u32::try_from(size).unwrap_or(u32::MAX)).collect(), trees: size as u64 }
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parents[at] as usize != at {
            let above = self.parents[at] as usize;
            self.parents[at] = self.parents[above];
            at = above;
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if a != b {
            // Indices fit: they are of `parents`.
            self.parents[a.max(b)] = u32::try_from(a.min(b)).unwrap_or(u32::MAX);
            self.trees -= 1;
        }
    }
}
