//! The union of link graphs: one node per id, one edge per ends and kind, everything sorted. What only one graph supported
//! is there only while that graph is.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::io::Write;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::builtin;
use crate::builtin::Failure;
use crate::builtin::FailureKind;
use crate::builtin::InOrder;
use crate::builtin::Keyed;
use crate::builtin::Piece;
use crate::document::link_graph::Edge;
use crate::document::link_graph::EdgeKind;
use crate::document::link_graph::LinkGraph;
use crate::document::link_graph::Node;
use crate::document::link_graph::Unresolved;
use crate::passes::artifact;
use crate::passes::pass_e_graph::stats::Tally;

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
        let nodes: Vec<Node> = self.nodes.into_values().collect();
        let mut tally = Tally::default();
        nodes.iter().for_each(|n| tally.add_node(n.id.as_bytes(), n.kind as u8));
        let edges: Vec<Edge> = self
            .edges
            .into_iter()
            .filter(|((source, kind, target), _)| tally.add_edge(source.as_bytes(), target.as_bytes(), *kind as u8))
            .map(|((source, kind, target), chunks)| Edge { source, kind, target, chunk_ids: chunks.into_iter().collect() })
            .collect();
        LinkGraph { nodes, edges, unresolved: self.unresolved.into_iter().collect(), stats: tally.stats() }
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

/// The merge of `graph`: pieces are graphs of sources. Nodes come before edges, edges before what is unresolved; within them
/// keys sort as their fields do, and a value begins with the kind.
pub static UNION: builtin::Union = builtin::Union { take, unite, write };

const NODES: u8 = 0;
const EDGES: u8 = 1;
const UNRESOLVED: u8 = 2;
/// Stands between the fields of a key: it sorts before all that ids hold.
const FIELD: u8 = 0;

fn take(piece: &Piece) -> Result<Vec<Keyed>, Failure> {
    /// The lists of a graph, unread: a record at a time is parsed.
    #[derive(Deserialize)]
    struct Lists<'a> {
        #[serde(borrow)]
        nodes: Vec<&'a RawValue>,
        #[serde(borrow)]
        edges: Vec<&'a RawValue>,
        #[serde(borrow)]
        unresolved: Vec<&'a RawValue>,
    }
    let unreadable = |e| Failure::new(FailureKind::BadArtifact, format!("input `{}` does not parse: {e}", piece.item_id));
    let lists: Lists<'_> = serde_json::from_slice(&piece.bytes).map_err(unreadable)?;
    let mut records = Vec::with_capacity(lists.nodes.len() + lists.edges.len() + lists.unresolved.len());
    for node in lists.nodes {
        let node: Node = serde_json::from_str(node.get()).map_err(unreadable)?;
        records.push(Keyed { key: key(NODES, &[&node.id]), value: value(node.kind as u8, &node)? });
    }
    for edge in lists.edges {
        let edge: Edge = serde_json::from_str(edge.get()).map_err(unreadable)?;
        if [&edge.source, &edge.target].iter().any(|id| id.as_bytes().contains(&FIELD)) {
            let message = format!("input `{}` has an id with a NUL in it", piece.item_id);
            return Err(Failure::new(FailureKind::BadArtifact, message));
        }
        let kind = char::from(edge.kind as u8 + 1).to_string();
        records.push(Keyed { key: key(EDGES, &[&edge.source, &kind, &edge.target]), value: value(edge.kind as u8, &edge)? });
    }
    for u in lists.unresolved {
        let u: Unresolved = serde_json::from_str(u.get()).map_err(unreadable)?;
        let fields = [&*u.source_id, &u.chunk_id, &u.surface, &u.target, &u.reason];
        records.push(Keyed { key: key(UNRESOLVED, &fields), value: value(0, &u)? });
    }
    Ok(records)
}

fn key(list: u8, fields: &[&str]) -> Vec<u8> {
    let mut key = vec![list];
    key.extend_from_slice(fields.join("\0").as_bytes());
    key
}

fn value(kind: u8, of: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let mut value = vec![kind];
    value.extend(artifact::encode(of)?);
    Ok(value)
}

/// Both values were made by `take`, so they parse.
fn unite(key: &[u8], first: Vec<u8>, second: Vec<u8>) -> Vec<u8> {
    if first == second {
        return first;
    }
    let united = match key.first() {
        Some(&NODES) => of_both::<Node>(&first, &second, unite_node),
        Some(&EDGES) => of_both::<Edge>(&first, &second, |known, other| {
            let all: BTreeSet<String> = known.chunk_ids.drain(..).chain(other.chunk_ids).collect();
            known.chunk_ids = all.into_iter().collect();
        }),
        _ => None,
    };
    united.unwrap_or(first)
}

fn of_both<T: Serialize + DeserializeOwned>(first: &[u8], second: &[u8], unite: impl Fn(&mut T, T)) -> Option<Vec<u8>> {
    let parsed = |value: &[u8]| serde_json::from_slice::<T>(value.get(1..)?).ok();
    let mut known = parsed(first)?;
    unite(&mut known, parsed(second)?);
    value(*first.first()?, &known).ok()
}

/// Edges that would dangle are left out.
fn write(records: InOrder<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut tally = Tally::default();
    let (mut list, mut is_first) = (NODES, true);
    out.write_all(b"{\"nodes\":[")?;
    for record in records {
        let Keyed { key, value } = record?;
        let (Some((&at, fields)), Some((&kind, json))) = (key.split_first(), value.split_first()) else { continue };
        while list < at {
            out.write_all(opening(list))?;
            (list, is_first) = (list + 1, true);
        }
        let is_there = match at {
            NODES => {
                tally.add_node(fields, kind);
                true
            }
            EDGES => {
                let mut ids = fields.split(|b| *b == FIELD);
                let (source, target) = (ids.next().unwrap_or_default(), ids.nth(1).unwrap_or_default());
                tally.add_edge(source, target, kind)
            }
            _ => true,
        };
        if is_there {
            out.write_all(if is_first { b"" } else { b"," })?;
            out.write_all(json)?;
            is_first = false;
        }
    }
    (list..=UNRESOLVED).try_for_each(|list| out.write_all(opening(list)))?;
    serde_json::to_writer(&mut *out, &tally.stats())?;
    out.write_all(b"}")
}

/// What stands after a list and before the next.
fn opening(after: u8) -> &'static [u8] {
    match after {
        NODES => b"],\"edges\":[",
        EDGES => b"],\"unresolved\":[",
        _ => b"],\"stats\":",
    }
}
