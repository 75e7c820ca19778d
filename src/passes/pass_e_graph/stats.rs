//! Counts over a link graph: nodes and edges by kind, connected components, orphans, the highest degree.

use std::collections::BTreeMap;

use crate::document::link_graph::Edge;
use crate::document::link_graph::EdgeKind;
use crate::document::link_graph::GraphStats;
use crate::document::link_graph::Node;
use crate::document::link_graph::NodeKind;

/// The statistics of sorted `nodes` and the edges among them. Every kind is there, with 0 where there is none.
#[must_use]
pub fn stats(nodes: &[Node], edges: &[Edge]) -> GraphStats {
    let mut node_counts: BTreeMap<String, u64> = NODE_KINDS.iter().map(|(_, name)| ((*name).to_owned(), 0)).collect();
    for node in nodes {
        *node_counts.entry(node_kind(node.kind).to_owned()).or_default() += 1;
    }
    let mut edge_counts: BTreeMap<String, u64> = EDGE_KINDS.iter().map(|(_, name)| ((*name).to_owned(), 0)).collect();
    let mut degrees = vec![0u64; nodes.len()];
    let mut forest = Forest::new(nodes.len());
    let index = |id: &str| nodes.binary_search_by(|n| n.id.as_str().cmp(id)).ok();
    for edge in edges {
        *edge_counts.entry(edge_kind(edge.kind).to_owned()).or_default() += 1;
        if let (Some(a), Some(b)) = (index(&edge.source), index(&edge.target)) {
            degrees[a] += 1;
            degrees[b] += 1;
            forest.join(a, b);
        }
    }
    GraphStats {
        nodes: node_counts,
        edges: edge_counts,
        components: forest.trees,
        orphans: degrees.iter().filter(|d| **d == 0).count() as u64,
        max_degree: degrees.iter().copied().max().unwrap_or(0),
    }
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

fn node_kind(kind: NodeKind) -> &'static str {
    NODE_KINDS.iter().find(|(k, _)| *k == kind).map_or("", |(_, name)| name)
}

fn edge_kind(kind: EdgeKind) -> &'static str {
    EDGE_KINDS.iter().find(|(k, _)| *k == kind).map_or("", |(_, name)| name)
}

/// Disjoint sets with path halving.
struct Forest {
    parents: Vec<usize>,
    trees: u64,
}

impl Forest {
    fn new(size: usize) -> Self {
        Self { parents: (0..size).collect(), trees: size as u64 }
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if a != b {
            self.parents[a.max(b)] = a.min(b);
            self.trees -= 1;
        }
    }
}
