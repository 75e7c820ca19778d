//! The link graph: passE_graph.json. Ids are typed (`source:…`, `section:…`, `chunk:…`, `entity:spell:fireball`); nodes are
//! sorted by id, edges by source, kind, target; no edge dangles.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole of passE_graph.json: of one source in item results, united in the merge.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkGraph {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    /// References that lead nowhere known: listed, not guessed.
    pub unresolved: Vec<Unresolved>,
    pub stats: GraphStats,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    Source,
    Section,
    Chunk,
    Entity,
}

/// A node. `source_id` on source, section and chunk nodes, `source_ids` on entity nodes; the other is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Node {
    #[schemars(regex(pattern = r"^(source|section|chunk|entity):."))]
    pub id: String,
    pub kind: NodeKind,
    /// Title of a source or section, canonical term of an entity, chunk id of a chunk.
    pub name: String,
    pub aliases: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub source_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub source_ids: Option<Vec<String>>,
    /// Dictionary kind of an entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_kind: Option<String>,
    /// Physical page of a section or chunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    Contains,
    Next,
    Mentions,
    DefinedIn,
    RefersTo,
}

/// An edge, with the chunks that support it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    #[schemars(regex(pattern = r"^(source|section|chunk|entity):."))]
    pub source: String,
    pub kind: EdgeKind,
    #[schemars(regex(pattern = r"^(source|section|chunk|entity):."))]
    pub target: String,
    /// Sorted; `[]` where structure alone supports it (`contains`).
    #[schemars(inner(regex(pattern = r"^chunk-[0-9a-f]{16}$")))]
    pub chunk_ids: Vec<String>,
}

/// A reference that could not be resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unresolved {
    #[schemars(length(min = 1))]
    pub source_id: String,
    #[schemars(regex(pattern = r"^chunk-[0-9a-f]{16}$"))]
    pub chunk_id: String,
    #[schemars(length(min = 1))]
    pub surface: String,
    pub target: String,
    #[schemars(length(min = 1))]
    pub reason: String,
}

/// Counts over the graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphStats {
    /// By node kind.
    pub nodes: BTreeMap<String, u64>,
    /// By edge kind.
    pub edges: BTreeMap<String, u64>,
    /// Connected components.
    pub components: u64,
    /// Nodes without an edge.
    pub orphans: u64,
    pub max_degree: u64,
}
