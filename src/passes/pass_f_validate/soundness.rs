//! Checks that must hold whatever the book: artifacts agree with one another, offsets are true, nothing dangles.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::document::cleanup::Check;
use crate::document::entity::Enriched;
use crate::document::link_graph::NodeKind;
use crate::passes::pass_f_validate::Inputs;
use crate::passes::pass_f_validate::checks::Limits;
use crate::passes::pass_f_validate::checks::none_allowed;

/// The checks, in a fixed order.
#[must_use]
pub fn checks(inputs: Inputs<'_>, limits: &Limits<'_>) -> Vec<Check> {
    vec![
        none_allowed("repeated_chunk_ids", repeated_ids(inputs), 0),
        none_allowed("enriched_unlike_chunks", unlike_chunks(inputs), 0),
        none_allowed("wrong_offsets", inputs.enriched.iter().map(wrong_offsets).sum(), 0),
        none_allowed("unknown_terms", unknown_terms(inputs), 0),
        none_allowed("unknown_sections", unknown_sections(inputs), 0),
        none_allowed("dangling_edges", dangling_edges(inputs), 0),
        none_allowed("chunks_outside_graph", chunks_outside_graph(inputs), 0),
        none_allowed("orphans", orphans(inputs), limits.params.max_orphans),
    ]
}

fn repeated_ids(inputs: Inputs<'_>) -> usize {
    let distinct: BTreeSet<&str> = inputs.chunks.iter().map(|c| c.chunk_id.as_str()).collect();
    inputs.chunks.len() - distinct.len()
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

/// Sections, chunks and entities without an edge. A source without anything in it is counted elsewhere.
fn orphans(inputs: Inputs<'_>) -> usize {
    let mut degrees: BTreeMap<&str, usize> = BTreeMap::new();
    for edge in &inputs.graph.edges {
        *degrees.entry(&edge.source).or_default() += 1;
        *degrees.entry(&edge.target).or_default() += 1;
    }
    inputs.graph.nodes.iter().filter(|n| n.kind != NodeKind::Source && !degrees.contains_key(n.id.as_str())).count()
}
