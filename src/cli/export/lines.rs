//! elements.jsonl, chunks.jsonl, graph.jsonl: what is published, unchanged, a line for each item.

use super::shapes::{ChunkLine, GraphLine};
use super::taken::{Artifact, Job};
use super::written::{Form, Stop, Written};
use crate::cli::outputs::Kind;
use crate::document::chunk::Chunk;
use crate::document::element::Element;
use crate::document::entity::Enriched;
use crate::document::link_graph::{Edge, Node};

pub const ELEMENTS: Form = Form { name: "elements.jsonl", schema: "export_elements_jsonl.schema.json", frame: None, lists: &[] };
pub const CHUNKS: Form = Form { name: "chunks.jsonl", schema: "export_chunks_jsonl.schema.json", frame: None, lists: &[] };
pub const GRAPH: Form = Form { name: "graph.jsonl", schema: "export_graph_jsonl.schema.json", frame: None, lists: &[] };

/// Writes elements.jsonl; the number of lines.
///
/// # Errors
/// As `Job::each` and `Written::line`.
pub fn elements(job: &Job<'_>, elements: &Artifact, file: &mut Written<'_>) -> Result<u64, Stop> {
    let mut count = 0;
    job.each(elements, |element: Element| {
        count += 1;
        file.line(&element.element_id, &element)
    })?;
    Ok(count)
}

/// Writes chunks.jsonl; the number of lines.
///
/// # Errors
/// As `elements`.
pub fn chunks(job: &Job<'_>, chunks: &Artifact, file: &mut Written<'_>) -> Result<u64, Stop> {
    let mut count = 0;
    let mut write = |id: &str, line: &ChunkLine| {
        count += 1;
        file.line(id, line)
    };
    if chunks.kind == Kind::CHUNKS {
        job.each(chunks, |c: Chunk| write(&c.chunk_id.clone(), &ChunkLine::Chunk(Box::new(c))))?;
    } else {
        job.each(chunks, |c: Enriched| write(&c.chunk_id.clone(), &ChunkLine::Enriched(Box::new(c))))?;
    }
    Ok(count)
}

/// Writes graph.jsonl, nodes before edges; the number of lines.
///
/// # Errors
/// As `elements`.
pub fn graph(job: &Job<'_>, graph: &Artifact, file: &mut Written<'_>) -> Result<u64, Stop> {
    let mut count = 0;
    job.each_in(graph, "nodes", |node: Node| {
        count += 1;
        file.line(&node.id.clone(), &GraphLine::Node(node))
    })?;
    job.each_in(graph, "edges", |edge: Edge| {
        count += 1;
        file.line(&format!("{} {}", edge.source, edge.target), &GraphLine::Edge(edge))
    })?;
    Ok(count)
}
