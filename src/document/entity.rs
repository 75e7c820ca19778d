//! Enriched chunks: passD_enriched.json. Offsets are code points, half-open into `text`; `surface` is exactly that slice.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chunk::ChunkMetadata;

/// One item of passD_enriched.json: the chunk, unchanged, and what was found in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enriched {
    pub chunk_id: String,
    pub source_id: String,
    pub page: Option<u32>,
    pub text: String,
    pub metadata: ChunkMetadata,
    /// NFKC, quotes and dashes unified, white space folded, case kept; idempotent.
    pub normalized: String,
    /// By start, then end.
    pub entities: Vec<Mention>,
    /// Best first, at most 8.
    pub keywords: Vec<String>,
    /// By start.
    pub references: Vec<Reference>,
    /// ISO 639-3 code, "und" if undecided.
    pub language: String,
    pub quality: Quality,
}

/// A named thing or an expression in a chunk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mention {
    /// A dictionary kind (`spell`, …) or an expression: `dice`, `dc`, `damage`, `currency`, `distance`, `duration`.
    pub kind: String,
    /// Canonical term of a dictionary kind; canonical writing of an expression.
    pub name: String,
    pub surface: String,
    pub start: u32,
    pub end: u32,
    /// Null for expressions.
    pub term_id: Option<String>,
    /// Parsed value of an expression (`{"count":2,"sides":6,"modifier":3,"average":10}`), null for names.
    pub value: Option<BTreeMap<String, Value>>,
}

/// A cross-reference as printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    pub surface: String,
    pub start: u32,
    pub end: u32,
    /// `page`, `chapter`, `section`.
    pub kind: String,
    /// The printed target: `94`, `3`, `Conditions`.
    pub target: String,
}

/// Flags about a chunk's text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Share of characters that look like recognition noise, 0 to 1.
    pub noise: f64,
    /// It ends inside a sentence.
    pub truncated: bool,
    /// It is part of a table without its header.
    pub table_fragment: bool,
}
