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
    #[schemars(regex(pattern = r"^chunk-[0-9a-f]{16}$"))]
    pub chunk_id: String,
    #[schemars(length(min = 1))]
    pub source_id: String,
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    #[schemars(length(min = 1))]
    pub text: String,
    pub metadata: ChunkMetadata,
    /// NFKC, quotes and dashes unified, white space folded, case kept; idempotent.
    pub normalized: String,
    /// By start, then end.
    pub entities: Vec<Mention>,
    /// Best first, at most 8.
    #[schemars(length(max = 8), inner(length(min = 1)))]
    pub keywords: Vec<String>,
    /// By start.
    pub references: Vec<Reference>,
    /// ISO 639-3 code, "und" if undecided.
    #[schemars(regex(pattern = r"^[a-z]{3}$"))]
    pub language: String,
    pub quality: Quality,
}

/// A named thing or an expression in a chunk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mention {
    /// A dictionary kind (`spell`, …) or an expression (`dice`, `dc`, `damage`, …), as the vocabulary calls it.
    #[schemars(length(min = 1))]
    pub kind: String,
    /// Canonical term of a dictionary kind; canonical writing of an expression.
    #[schemars(length(min = 1))]
    pub name: String,
    #[schemars(length(min = 1))]
    pub surface: String,
    /// Where it begins in `text`, in Unicode code points.
    pub start: u32,
    /// Where it ends: the first code point behind it.
    #[schemars(range(min = 1))]
    pub end: u32,
    /// Null for expressions.
    #[schemars(regex(pattern = r"^term-[0-9a-f]{16}$"))]
    pub term_id: Option<String>,
    /// Parsed value of an expression (`{"count":2,"sides":6,"modifier":3,"average":10}`), null for names.
    pub value: Option<BTreeMap<String, Value>>,
}

/// A cross-reference as printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    #[schemars(length(min = 1))]
    pub surface: String,
    /// Where it begins in `text`, in Unicode code points.
    pub start: u32,
    /// Where it ends: the first code point behind it.
    #[schemars(range(min = 1))]
    pub end: u32,
    /// `page`, `chapter`, `section`.
    #[schemars(length(min = 1))]
    pub kind: String,
    /// The printed target: `94`, `3`, `Conditions`.
    #[schemars(length(min = 1))]
    pub target: String,
}

/// Flags about a chunk's text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Share of characters that look like recognition noise, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub noise: f64,
    /// It ends inside a sentence.
    pub truncated: bool,
    /// It is part of a table without its header.
    pub table_fragment: bool,
}
