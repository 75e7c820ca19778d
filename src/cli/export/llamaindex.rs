//! docstore.json and property_graph_store.json: what `SimpleDocumentStore` and `SimplePropertyGraphStore` of LlamaIndex read
//! from a folder. In the graph a chunk has the id that it has in the document store.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use super::chunks::{Placed, ShortId, each_placed, meta};
use super::shapes::{
    ChunkLabel, ChunkNode, ChunkProperties, EntityNode, EntityProperties, GraphNode, NodeRecord, Nothing, RelatedNode,
    RelatedNodeClass, RelatedNodeType, Relation, RelationProperties, Relationships, SourceRecord, StoredNode, TextNode,
    TextNodeClass, TextNodeType,
};
use super::taken::{Artifact, Job, Sources};
use super::written::{Form, Stop, Written};
use crate::cli::error::{CliError, ErrorKind};
use crate::document::link_graph::{Edge, EdgeKind, Node, NodeKind};

const DATA: &str = "/properties/docstore~1data/additionalProperties";
const METADATA: &str = "/properties/docstore~1metadata/additionalProperties";
const REF_DOC_INFO: &str = "/properties/docstore~1ref_doc_info/additionalProperties";
pub const DOCSTORE: Form = Form {
    name: "docstore.json",
    schema: "export_docstore.schema.json",
    frame: Some(r#"{"docstore/data":{},"docstore/metadata":{},"docstore/ref_doc_info":{}}"#),
    lists: &[DATA, METADATA, REF_DOC_INFO],
};

const NODES: &str = "/properties/nodes/additionalProperties";
const RELATIONS: &str = "/properties/relations/additionalProperties";
const TRIPLETS: &str = "/properties/triplets/items";
pub const GRAPH: Form = Form {
    name: "property_graph_store.json",
    schema: "export_property_graph_store.schema.json",
    frame: Some(r#"{"nodes":{},"relations":{},"triplets":[]}"#),
    lists: &[NODES, RELATIONS, TRIPLETS],
};

/// What is not embedded: all but title and section path.
const NOT_EMBEDDED: &[&str] = &[
    "anchor",
    "element_types",
    "entities",
    "keywords",
    "language",
    "page",
    "page_end",
    "part_id",
    "path",
    "references",
    "section_id",
    "source_id",
];

/// What a model does not see: all but title, section path, path and pages.
const NOT_SHOWN: &[&str] =
    &["anchor", "element_types", "entities", "keywords", "language", "part_id", "references", "section_id", "source_id"];

/// The chunks that were written.
pub type Kept = HashSet<ShortId>;

/// Writes docstore.json; its chunks.
///
/// # Errors
/// As `Job::each` and `Written::entry`.
pub fn docstore(job: &Job<'_>, chunks: &Artifact, sources: &Sources, file: &mut Written<'_>) -> Result<Kept, Stop> {
    let mut kept = Kept::new();
    let mut ids: Vec<String> = Vec::new();
    // Of each chunk: source, id, hash.
    let mut told: Vec<(usize, ShortId, [u8; 32])> = Vec::new();
    file.frame(r#"{"docstore/data":{"#)?;
    each_placed(job, chunks, |placed| {
        let chunk = placed.chunk;
        let node = text_node(&placed, sources, &chunk.text)?;
        let text_and_metadata = (&chunk.text, &node.metadata);
        let json = serde_json::to_vec(&text_and_metadata).map_err(|e| Stop::Io(e.into()))?;
        let source = match ids.iter().rposition(|id| *id == chunk.source_id) {
            Some(known) => known,
            None => {
                ids.push(chunk.source_id.clone());
                ids.len() - 1
            }
        };
        file.entry(DATA, &chunk.chunk_id, &StoredNode { data: node, kind: TextNodeType::Text })?;
        let id = short(&chunk.chunk_id)?;
        if !kept.insert(id) {
            return Err(faulty(format!("the chunk `{}` is there twice", chunk.chunk_id)).into());
        }
        told.push((source, id, Sha256::digest(&json).into()));
        Ok(())
    })?;
    file.frame(r#"},"docstore/metadata":{"#)?;
    for (source, id, hash) in &told {
        let doc_hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        file.entry(METADATA, &id.to_string(), &NodeRecord { doc_hash, ref_doc_id: &ids[*source] })?;
    }
    file.frame(r#"},"docstore/ref_doc_info":{"#)?;
    told.sort_by_key(|(source, ..)| *source);
    for of_source in told.chunk_by(|a, b| a.0 == b.0) {
        let node_ids: Vec<String> = of_source.iter().map(|(_, id, _)| id.to_string()).collect();
        let record = SourceRecord { metadata: Nothing {}, node_ids: node_ids.iter().map(String::as_str).collect() };
        file.entry(REF_DOC_INFO, &ids[of_source[0].0], &record)?;
    }
    file.frame("}}\n")?;
    Ok(kept)
}

/// Writes property_graph_store.json, of which `kept` are the chunks; the number of nodes.
///
/// # Errors
/// As `docstore`, and for an edge that leads nowhere.
pub fn graph(
    job: &Job<'_>,
    (graph, chunks): (&Artifact, &Artifact),
    sources: &Sources,
    kept: &Kept,
    file: &mut Written<'_>,
) -> Result<u64, Stop> {
    let mut supported: HashMap<String, ShortId> = HashMap::new();
    job.each_in(graph, "edges", |edge: Edge| {
        let first = supporting(&edge, kept).next();
        if let Some(chunk) = first {
            for end in [edge.source, edge.target].into_iter().filter(|end| !end.starts_with(CHUNK)) {
                supported.entry(end).or_insert(chunk);
            }
        }
        Ok::<(), Stop>(())
    })?;

    let mut count = 0;
    file.frame(r#"{"nodes":{"#)?;
    each_placed(job, chunks, |placed| {
        count += 1;
        chunk_node(&placed, sources, file)
    })?;
    let mut known: HashSet<String> = HashSet::new();
    job.each_in(graph, "nodes", |node: Node| {
        if node.kind == NodeKind::Chunk {
            return Ok::<(), Stop>(());
        }
        count += 1;
        let supported = supported.get(&node.id).map(ShortId::to_string);
        entity_node(&node, supported.as_deref(), file)?;
        known.insert(node.id);
        Ok(())
    })?;
    drop(supported);

    file.frame(r#"},"relations":{"#)?;
    job.each_in(graph, "edges", |edge: Edge| {
        let Some((source, target)) = ends(&edge, kept, &known)? else { return Ok::<(), Stop>(()) };
        let chunk_ids: Vec<String> = supporting(&edge, kept).map(|id| id.to_string()).collect();
        let chunk_ids: Vec<&str> = chunk_ids.iter().map(String::as_str).collect();
        let properties = RelationProperties { triplet_source_id: chunk_ids.first().copied(), chunk_ids };
        let label = label(edge.kind);
        let relation = Relation { label, properties, source_id: source, target_id: target };
        file.entry(RELATIONS, &format!("{source}_{label}_{target}"), &relation)
    })?;
    file.frame(r#"},"triplets":["#)?;
    job.each_in(graph, "edges", |edge: Edge| match ends(&edge, kept, &known)? {
        Some((source, target)) => file.item(TRIPLETS, source, &[source, label(edge.kind), target]),
        None => Ok(()),
    })?;
    file.frame("]}\n")?;
    Ok(count)
}

/// How the ids of chunks begin in the link graph.
const CHUNK: &str = "chunk:";

fn text_node<'a>(placed: &Placed<'a>, sources: &'a Sources, text: &'a str) -> Result<TextNode<'a>, CliError> {
    let related = |node_id: &'a str, node_type| RelatedNode {
        class_name: RelatedNodeClass::RelatedNodeInfo,
        metadata: Nothing {},
        node_id,
        node_type,
    };
    let chunk = placed.chunk;
    Ok(TextNode {
        class_name: TextNodeClass::TextNode,
        excluded_embed_metadata_keys: NOT_EMBEDDED,
        excluded_llm_metadata_keys: NOT_SHOWN,
        id_: &chunk.chunk_id,
        metadata: meta(chunk, sources.get(&chunk.source_id)?),
        relationships: Relationships {
            source: related(&chunk.source_id, RelatedNodeType::Document),
            previous: placed.previous.map(|id| related(id, RelatedNodeType::Text)),
            next: placed.next.map(|id| related(id, RelatedNodeType::Text)),
        },
        text,
    })
}

fn chunk_node(placed: &Placed<'_>, sources: &Sources, file: &mut Written<'_>) -> Result<(), Stop> {
    let chunk = placed.chunk;
    let content = serde_json::to_string(&text_node(placed, sources, "")?).map_err(|e| Stop::Io(e.into()))?;
    let properties = ChunkProperties {
        node_content: content,
        node_type: TextNodeClass::TextNode,
        page: chunk.page,
        source_id: &chunk.source_id,
    };
    let node = ChunkNode { id_: &chunk.chunk_id, label: ChunkLabel::Chunk, properties, text: &chunk.text };
    file.entry(NODES, &chunk.chunk_id, &GraphNode::Chunk(node))
}

fn entity_node(node: &Node, supported_by: Option<&str>, file: &mut Written<'_>) -> Result<(), Stop> {
    let label = match node.kind {
        NodeKind::Source => "source",
        NodeKind::Section => "section",
        NodeKind::Chunk => "chunk",
        NodeKind::Entity => node.entity_kind.as_deref().unwrap_or("entity"),
    };
    let properties = EntityProperties {
        aliases: &node.aliases,
        page: node.page,
        source_id: node.source_id.as_deref(),
        source_ids: node.source_ids.as_deref(),
        title: &node.name,
        triplet_source_id: supported_by,
    };
    file.entry(NODES, &node.id, &GraphNode::Entity(EntityNode { label, name: &node.id, properties }))
}

/// The ends of an edge as the store calls them; `None` if one is a chunk that is not there.
fn ends<'e>(edge: &'e Edge, kept: &Kept, known: &HashSet<String>) -> Result<Option<(&'e str, &'e str)>, CliError> {
    let end = |id: &'e str| match id.strip_prefix(CHUNK) {
        Some(chunk) => Ok(kept.contains(&short(chunk)?).then_some(chunk)),
        None if known.contains(id) => Ok(Some(id)),
        None => Err(faulty(format!("an edge of the link graph leads to `{id}`, which is none of its nodes"))),
    };
    Ok(end(&edge.source)?.zip(end(&edge.target)?))
}

/// The chunks that support an edge, of those that are there.
fn supporting(edge: &Edge, kept: &Kept) -> impl Iterator<Item = ShortId> {
    edge.chunk_ids.iter().filter_map(|id| ShortId::of(id)).filter(|id| kept.contains(id))
}

fn label(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Contains => "contains",
        EdgeKind::Next => "next",
        EdgeKind::Mentions => "mentions",
        EdgeKind::DefinedIn => "defined_in",
        EdgeKind::RefersTo => "refers_to",
    }
}

fn short(id: &str) -> Result<ShortId, CliError> {
    ShortId::of(id).ok_or_else(|| faulty(format!("`{id}` is no id of a chunk")))
}

fn faulty(message: String) -> CliError {
    CliError::new(ErrorKind::Failed, message).hint("`ingest gate E` and `ingest gate F` say what is wrong")
}
