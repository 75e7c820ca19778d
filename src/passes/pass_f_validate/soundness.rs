//! What must hold whatever the book, counted: artifacts agree with one another, offsets are true, nothing dangles.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::document::cleanup::Check;
use crate::document::entity::Enriched;
use crate::document::link_graph::NodeKind;
use crate::passes::pass_f_validate::Inputs;
use crate::passes::pass_f_validate::Params;
use crate::passes::pass_f_validate::checks::none_allowed;

/// How often it does not hold, of one book or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsound {
    pub unlike_chunks: u64,
    pub wrong_offsets: u64,
    pub unknown_terms: u64,
    pub unknown_sections: u64,
    pub dangling_edges: u64,
    pub chunks_outside_graph: u64,
    /// Without entities: one that has no edge in this book may have some in another.
    pub orphans: u64,
}

impl Unsound {
    /// Counts in `inputs`.
    #[must_use]
    pub fn of(inputs: Inputs<'_>) -> Self {
        Self {
            unlike_chunks: unlike_chunks(inputs) as u64,
            wrong_offsets: inputs.enriched.iter().map(wrong_offsets).sum::<usize>() as u64,
            unknown_terms: unknown_terms(inputs) as u64,
            unknown_sections: unknown_sections(inputs) as u64,
            dangling_edges: dangling_edges(inputs) as u64,
            chunks_outside_graph: chunks_outside_graph(inputs) as u64,
            orphans: orphans(inputs) as u64,
        }
    }

    /// Of these and of those.
    pub fn add(&mut self, other: Self) {
        self.unlike_chunks += other.unlike_chunks;
        self.wrong_offsets += other.wrong_offsets;
        self.unknown_terms += other.unknown_terms;
        self.unknown_sections += other.unknown_sections;
        self.dangling_edges += other.dangling_edges;
        self.chunks_outside_graph += other.chunks_outside_graph;
        self.orphans += other.orphans;
    }

    /// The checks, in a fixed order; `repeated_ids` and `lonely_entities` are known of the job only.
    #[must_use]
    pub fn checks(&self, repeated_ids: u64, lonely_entities: u64, params: &Params) -> Vec<Check> {
        vec![
            none_allowed("repeated_chunk_ids", repeated_ids, 0),
            none_allowed("enriched_unlike_chunks", self.unlike_chunks, 0),
            none_allowed("wrong_offsets", self.wrong_offsets, 0),
            none_allowed("unknown_terms", self.unknown_terms, 0),
            none_allowed("unknown_sections", self.unknown_sections, 0),
            none_allowed("dangling_edges", self.dangling_edges, 0),
            none_allowed("chunks_outside_graph", self.chunks_outside_graph, 0),
            none_allowed("orphans", self.orphans + lonely_entities, params.max_orphans),
        ]
    }
}

/// Places at which the enriched chunks are not the chunks, in order, id and text.
fn unlike_chunks(inputs: Inputs<'_>) -> usize {
    let pairs = inputs.chunks.iter().zip(inputs.enriched);
    let unlike = pairs.filter(|(c, e)| c.chunk_id != e.chunk_id || c.text != e.text || c.source_id != e.source_id).count();
    unlike + inputs.chunks.len().abs_diff(inputs.enriched.len())
}

/// Entities and references whose surface is not the slice that their offsets say.
fn wrong_offsets(item: &Enriched) -> usize {
    let chars: Vec<char> = item.text.chars().collect();
    let is_true = |start: u32, end: u32, surface: &str| {
        let slice = chars.get(start as usize..end as usize).unwrap_or(&[]);
        !slice.is_empty() && slice.iter().copied().eq(surface.chars())
    };
    let entities = item.entities.iter().filter(|m| !is_true(m.start, m.end, &m.surface)).count();
    entities + item.references.iter().filter(|r| !is_true(r.start, r.end, &r.surface)).count()
}

fn unknown_terms(inputs: Inputs<'_>) -> usize {
    let known: BTreeSet<&str> = inputs.dictionary.iter().map(|t| t.term_id.as_str()).collect();
    let mentions = inputs.enriched.iter().flat_map(|e| &e.entities).filter_map(|m| m.term_id.as_deref());
    mentions.filter(|id| !known.contains(id)).count()
}

fn unknown_sections(inputs: Inputs<'_>) -> usize {
    let known: BTreeSet<&str> = inputs.toc.iter().flat_map(|t| &t.sections).map(|s| s.section_id.as_str()).collect();
    inputs.chunks.iter().filter_map(|c| c.metadata.section_id.as_deref()).filter(|id| !known.contains(id)).count()
}

/// Edges that miss an end or a chunk that they rest on.
fn dangling_edges(inputs: Inputs<'_>) -> usize {
    let nodes: BTreeSet<&str> = inputs.graph.nodes.iter().map(|n| n.id.as_str()).collect();
    let chunks: BTreeSet<&str> = inputs.chunks.iter().map(|c| c.chunk_id.as_str()).collect();
    let hangs = |id: &String| nodes.contains(id.as_str());
    inputs
        .graph
        .edges
        .iter()
        .filter(|e| !hangs(&e.source) || !hangs(&e.target) || e.chunk_ids.iter().any(|c| !chunks.contains(c.as_str())))
        .count()
}

fn chunks_outside_graph(inputs: Inputs<'_>) -> usize {
    let nodes: BTreeSet<&str> =
        inputs.graph.nodes.iter().filter(|n| n.kind == NodeKind::Chunk).map(|n| n.name.as_str()).collect();
    let chunks: BTreeSet<&str> = inputs.chunks.iter().map(|c| c.chunk_id.as_str()).collect();
    chunks.symmetric_difference(&nodes).count()
}

/// Sections and chunks without an edge. A source without anything in it is counted elsewhere.
fn orphans(inputs: Inputs<'_>) -> usize {
    let linked: BTreeSet<&str> = inputs.graph.edges.iter().flat_map(|e| [e.source.as_str(), e.target.as_str()]).collect();
    let counts = |kind| !matches!(kind, NodeKind::Source | NodeKind::Entity);
    inputs.graph.nodes.iter().filter(|n| counts(n.kind) && !linked.contains(n.id.as_str())).count()
}
