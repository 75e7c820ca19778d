//! What the files of an export hold, field by field: the fields of the systems that load them, and of ours those that they
//! have room for. Keys are in the order of the alphabet; what is null or an empty list is left out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::document::chunk::Chunk;
use crate::document::element::{Element, ElementType, PageBox};
use crate::document::entity::{Enriched, Mention, Reference};
use crate::document::link_graph::{Edge, Node};
use crate::document::schemas::closed;

/// An item of Unstructured's elements JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PartedElement<'a> {
    /// Our element id.
    #[schemars(regex(pattern = r"^el-[0-9a-f]{16}$"))]
    pub element_id: &'a str,
    pub metadata: PartedMetadata<'a>,
    pub text: &'a str,
    #[serde(rename = "type")]
    pub kind: ElementType,
}

/// An item of the same that is a chunk.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PartedChunk<'a> {
    /// Our chunk id.
    #[schemars(regex(pattern = r"^chunk-[0-9a-f]{16}$"))]
    pub element_id: &'a str,
    pub metadata: PartedMetadata<'a>,
    #[schemars(length(min = 1))]
    pub text: &'a str,
    #[serde(rename = "type")]
    pub kind: Composite,
}

/// The type of chunks.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub enum Composite {
    CompositeElement,
}

/// `metadata` of an element or chunk.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct PartedMetadata<'a> {
    /// Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<&'a str>,
    /// Ours, in points from the top left. `coordinates` would want the size of the page.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub boxes: &'a [PageBox],
    /// Of a Title its level less 1; of a ListItem how deep it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_depth: Option<u32>,
    /// The folder of the source below the sources folder; left out if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_directory: Option<&'a str>,
    pub filename: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filetype: Option<&'static str>,
    /// Ours: why it is no part of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub furniture: Option<&'a str>,
    /// Ours: why no reader sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub page_number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<&'a str>,
    /// Ours.
    pub part_id: &'a str,
    /// Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section_id: Option<&'a str>,
    /// Ours: titles from the top down.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub section_path: &'a [String],
    /// Ours.
    #[schemars(length(min = 1))]
    pub source_id: &'a str,
    /// Of a Table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_as_html: Option<&'a str>,
}

/// A Document of Haystack.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document<'a> {
    #[schemars(length(min = 1))]
    pub content: &'a str,
    #[schemars(regex(pattern = r"^chunk-[0-9a-f]{16}$"))]
    pub id: &'a str,
    pub meta: Meta<'a>,
}

/// What an `InMemoryDocumentStore` is loaded from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DocumentStore<'a> {
    pub documents: Vec<Document<'a>>,
    pub init_parameters: NoParameters,
    #[serde(rename = "type")]
    pub kind: DocumentStoreKind,
}

/// Nothing is set: the defaults of whoever loads it hold.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParameters {}

/// The class that loads it.
#[derive(Debug, Serialize, JsonSchema)]
pub enum DocumentStoreKind {
    #[serde(rename = "haystack.document_stores.in_memory.document_store.InMemoryDocumentStore")]
    InMemory,
}

/// What is known of a chunk beside its text.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Meta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<&'a str>,
    pub element_types: &'a [ElementType],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Entity<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub keywords: &'a [String],
    /// ISO 639-3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub page_end: Option<u32>,
    pub part_id: &'a str,
    /// Of the source, below the sources folder.
    #[schemars(length(min = 1))]
    pub path: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<PrintedReference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub section_path: &'a [String],
    #[schemars(length(min = 1))]
    pub source_id: &'a str,
    /// Of the source.
    pub title: &'a str,
}

/// A named thing or an expression in a chunk; offsets are code points.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Entity<'a> {
    pub end: u32,
    pub kind: &'a str,
    pub name: &'a str,
    pub start: u32,
    pub surface: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term_id: Option<&'a str>,
    /// Parsed value of an expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<BTreeMap<&'a str, &'a Value>>,
}

impl<'a> Entity<'a> {
    /// `mention` without its nulls.
    #[must_use]
    pub fn of(mention: &'a Mention) -> Self {
        let known = |(key, value): (&'a String, &'a Value)| (!value.is_null()).then_some((key.as_str(), value));
        Self {
            end: mention.end,
            kind: &mention.kind,
            name: &mention.name,
            start: mention.start,
            surface: &mention.surface,
            term_id: mention.term_id.as_deref(),
            value: mention.value.as_ref().map(|values| values.iter().filter_map(known).collect()),
        }
    }
}

/// A cross-reference as printed; offsets are code points.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PrintedReference<'a> {
    pub end: u32,
    pub kind: &'a str,
    pub start: u32,
    pub surface: &'a str,
    pub target: &'a str,
}

impl<'a> PrintedReference<'a> {
    #[must_use]
    pub fn of(reference: &'a Reference) -> Self {
        Self {
            end: reference.end,
            kind: &reference.kind,
            start: reference.start,
            surface: &reference.surface,
            target: &reference.target,
        }
    }
}

/// docstore.json of LlamaIndex.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Docstore<'a> {
    #[serde(rename = "docstore/data")]
    pub data: BTreeMap<&'a str, StoredNode<'a>>,
    #[serde(rename = "docstore/metadata")]
    pub metadata: BTreeMap<&'a str, NodeRecord<'a>>,
    /// By source.
    #[serde(rename = "docstore/ref_doc_info")]
    pub ref_doc_info: BTreeMap<&'a str, SourceRecord<'a>>,
}

/// A node, wrapped as the document store keeps it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StoredNode<'a> {
    #[serde(rename = "__data__")]
    pub data: TextNode<'a>,
    #[serde(rename = "__type__")]
    pub kind: TextNodeType,
}

/// A chunk.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TextNode<'a> {
    pub class_name: TextNodeClass,
    pub excluded_embed_metadata_keys: &'static [&'static str],
    pub excluded_llm_metadata_keys: &'static [&'static str],
    #[schemars(regex(pattern = r"^chunk-[0-9a-f]{16}$"))]
    pub id_: &'a str,
    pub metadata: Meta<'a>,
    pub relationships: Relationships<'a>,
    pub text: &'a str,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub enum TextNodeClass {
    TextNode,
}

/// Numbers of types, as `llama_index.core.schema.ObjectType` has them.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub enum TextNodeType {
    #[serde(rename = "1")]
    Text,
}

/// To what a chunk is related, by the numbers of `llama_index.core.schema.NodeRelationship`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Relationships<'a> {
    #[serde(rename = "1")]
    pub source: RelatedNode<'a>,
    /// The chunk before it in its source.
    #[serde(rename = "2", skip_serializing_if = "Option::is_none")]
    pub previous: Option<RelatedNode<'a>>,
    #[serde(rename = "3", skip_serializing_if = "Option::is_none")]
    pub next: Option<RelatedNode<'a>>,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct RelatedNode<'a> {
    pub class_name: RelatedNodeClass,
    pub metadata: Nothing,
    #[schemars(length(min = 1))]
    pub node_id: &'a str,
    pub node_type: RelatedNodeType,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub enum RelatedNodeClass {
    RelatedNodeInfo,
}

/// Numbers of types, as `llama_index.core.schema.ObjectType` has them.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub enum RelatedNodeType {
    #[serde(rename = "1")]
    Text,
    #[serde(rename = "4")]
    Document,
}

/// `{}`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// What a document store keeps of a node beside it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NodeRecord<'a> {
    /// SHA-256 of `[text, metadata]` as compact JSON.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub doc_hash: String,
    #[schemars(length(min = 1))]
    pub ref_doc_id: &'a str,
}

/// A source and its chunks in order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SourceRecord<'a> {
    pub metadata: Nothing,
    pub node_ids: Vec<&'a str>,
}

/// property_graph_store.json of LlamaIndex.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PropertyGraph<'a> {
    /// Chunks in their order, then the others by id.
    pub nodes: BTreeMap<&'a str, GraphNode<'a>>,
    /// By `{source}_{label}_{target}`.
    pub relations: BTreeMap<&'a str, Relation<'a>>,
    /// Source, label, target of each relation.
    pub triplets: Vec<[&'a str; 3]>,
}

/// A node of a property graph: told apart by what it has.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum GraphNode<'a> {
    Chunk(ChunkNode<'a>),
    Entity(EntityNode<'a>),
}

/// A chunk in a property graph.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChunkNode<'a> {
    #[schemars(regex(pattern = r"^chunk-[0-9a-f]{16}$"))]
    pub id_: &'a str,
    pub label: ChunkLabel,
    pub properties: ChunkProperties<'a>,
    pub text: &'a str,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChunkLabel {
    Chunk,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ChunkProperties<'a> {
    /// The node of docstore.json, with text "": for retrievers that give back texts.
    #[serde(rename = "_node_content")]
    pub node_content: String,
    #[serde(rename = "_node_type")]
    pub node_type: TextNodeClass,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    #[schemars(length(min = 1))]
    pub source_id: &'a str,
}

/// A source, a section or an entity.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntityNode<'a> {
    /// The kind of an entity, `section` or `source`.
    #[schemars(length(min = 1))]
    pub label: &'a str,
    /// Its id in the link graph.
    #[schemars(regex(pattern = r"^(source|section|entity):."))]
    pub name: &'a str,
    pub properties: EntityProperties<'a>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct EntityProperties<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub aliases: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ids: Option<&'a [String]>,
    /// As people call it.
    pub title: &'a str,
    /// The first chunk that supports an edge of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triplet_source_id: Option<&'a str>,
}

/// An edge.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Relation<'a> {
    #[schemars(length(min = 1))]
    pub label: &'a str,
    pub properties: RelationProperties<'a>,
    #[schemars(length(min = 1))]
    pub source_id: &'a str,
    #[schemars(length(min = 1))]
    pub target_id: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RelationProperties<'a> {
    /// The chunks that support it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chunk_ids: Vec<&'a str>,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triplet_source_id: Option<&'a str>,
}

/// A line of chunks.jsonl.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ChunkLine {
    Enriched(Box<Enriched>),
    /// Of an Ingestfile without pass D.
    Chunk(Box<Chunk>),
}

/// A line of graph.jsonl: nodes, then edges.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum GraphLine {
    Node(Node),
    Edge(Edge),
}

/// (schema in `schemas/` without `.schema.json`, its value).
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("export_elements", closed::<Vec<PartedElement<'_>>>("elements.json of Unstructured")),
        ("export_chunks", closed::<Vec<PartedChunk<'_>>>("chunks.json of Unstructured")),
        ("export_documents", closed::<DocumentStore<'_>>("documents.json of Haystack")),
        ("export_docstore", closed::<Docstore<'_>>("docstore.json of LlamaIndex")),
        ("export_property_graph_store", closed::<PropertyGraph<'_>>("property_graph_store.json of LlamaIndex")),
        ("export_elements_jsonl", closed::<Element>("a line of elements.jsonl")),
        ("export_chunks_jsonl", closed::<ChunkLine>("a line of chunks.jsonl")),
        ("export_graph_jsonl", closed::<GraphLine>("a line of graph.jsonl")),
        ("export", closed::<super::folder::Record>("export.json")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schemas_are_those_of_the_types() {
        for (name, schema) in schemas() {
            crate::job::log::assert_committed(&format!("schemas/{name}.schema.json"), &schema);
        }
    }
}
