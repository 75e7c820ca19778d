//! The union of link graphs: one node per id, one edge per ends and kind, everything sorted. What only one graph supported
//! is there only while that graph is.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::builtin::Failure;
use crate::builtin::Level;
use crate::builtin::Pieces;
use crate::document::link_graph::Edge;
use crate::document::link_graph::EdgeKind;
use crate::document::link_graph::LinkGraph;
use crate::document::link_graph::Node;
use crate::document::link_graph::Unresolved;
use crate::passes::artifact;
use crate::passes::pass_e_graph::stats::stats;

/// Collects nodes and edges in any order.
#[derive(Default)]
pub struct Union {
    nodes: BTreeMap<String, Node>,
    edges: BTreeMap<(String, EdgeKind, String), BTreeSet<String>>,
    unresolved: BTreeSet<Unresolved>,
}

impl Union {
    /// Adds a node; one that is there already gains aliases and sources.
    pub fn add_node(&mut self, node: Node) {
        match self.nodes.get_mut(&node.id) {
            Some(known) => unite_node(known, node),
            None => {
                self.nodes.insert(node.id.clone(), node);
            }
        }
    }

    /// Adds an edge; one that is there already gains supporting chunks.
    pub fn add_edge(&mut self, edge: Edge) {
        self.edges.entry((edge.source, edge.kind, edge.target)).or_default().extend(edge.chunk_ids);
    }

    pub fn add_unresolved(&mut self, unresolved: Unresolved) {
        self.unresolved.insert(unresolved);
    }

    #[must_use]
    pub fn has_node(&self, id: &str) -> bool {
        self.nodes.contains_key(id)
    }

    /// The graph, with edges that would dangle left out.
    #[must_use]
    pub fn into_graph(self) -> LinkGraph {
        let has = |id: &String| self.nodes.contains_key(id);
        let edges: Vec<Edge> = self
            .edges
            .into_iter()
            .filter(|((source, _, target), _)| has(source) && has(target))
            .map(|((source, kind, target), chunks)| Edge { source, kind, target, chunk_ids: chunks.into_iter().collect() })
            .collect();
        let nodes: Vec<Node> = self.nodes.into_values().collect();
        let stats = stats(&nodes, &edges);
        LinkGraph { nodes, edges, unresolved: self.unresolved.into_iter().collect(), stats }
    }
}

/// The better of two writings of one name: not all capitals, then the one that sorts first.
fn better_name<'a>(a: &'a str, b: &'a str) -> &'a str {
    let shouts = |name: &str| !name.chars().any(char::is_lowercase);
    if (shouts(a), a) <= (shouts(b), b) { a } else { b }
}

fn unite_node(known: &mut Node, other: Node) {
    let name = better_name(&known.name, &other.name).to_owned();
    let mut aliases: BTreeSet<String> = known.aliases.drain(..).chain(other.aliases).collect();
    aliases.extend([std::mem::take(&mut known.name), other.name]);
    aliases.remove(&name);
    known.name = name;
    known.aliases = aliases.into_iter().collect();
    if let Some(ours) = &mut known.source_ids {
        let all: BTreeSet<String> = ours.drain(..).chain(other.source_ids.unwrap_or_default()).collect();
        *ours = all.into_iter().collect();
    }
}

/// The merge of `graph`: pieces are graphs of sources.
///
/// # Errors
/// `BadArtifact` naming the item whose graph does not parse.
pub fn merge(_: Level, pieces: Pieces<'_>) -> Result<Vec<u8>, Failure> {
    let mut union = Union::default();
    for piece in pieces {
        let piece = piece?;
        let graph: LinkGraph = artifact::decode(&piece.item_id, &piece.bytes)?;
        graph.nodes.into_iter().for_each(|n| union.add_node(n));
        graph.edges.into_iter().for_each(|e| union.add_edge(e));
        graph.unresolved.into_iter().for_each(|u| union.add_unresolved(u));
    }
    artifact::encode(&union.into_graph())
}
