//! Chunks and coverage: passC_chunks.json, passC_coverage.json. Offsets and counts are Unicode code points.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::element::{ElementType, PageBox};

/// One item of passC_chunks.json, in source order, then position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chunk {
    /// `chunk-` and 16 hex digits: from section_id, text and an occurrence number (and part_id where the section began in
    /// an earlier part).
    #[schemars(regex(pattern = r"^chunk-[0-9a-f]{16}$"))]
    pub chunk_id: String,
    #[schemars(length(min = 1))]
    pub source_id: String,
    /// Physical page of its first character (part-relative in item results); null for unpaged sources.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    #[schemars(length(min = 1))]
    pub text: String,
    pub metadata: ChunkMetadata,
}

/// Where a chunk stands and what it is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChunkMetadata {
    #[schemars(range(min = 1))]
    pub page_start: Option<u32>,
    #[schemars(range(min = 1))]
    pub page_end: Option<u32>,
    /// Anchor in unpaged sources, else null.
    pub anchor: Option<String>,
    /// Null before the first heading.
    #[schemars(regex(pattern = r"^sec-[0-9a-f]{16}$"))]
    pub section_id: Option<String>,
    /// Titles from the top down to the section's own.
    #[schemars(inner(length(min = 1)))]
    pub section_path: Vec<String>,
    #[schemars(regex(pattern = r"^part-[0-9a-f]{16}$"))]
    pub part_id: String,
    /// Sorted, without repeats.
    #[schemars(length(min = 1))]
    pub element_types: Vec<ElementType>,
    pub boxes: Vec<PageBox>,
    /// Code points of `text`.
    #[schemars(range(min = 1))]
    pub char_count: u32,
    /// Tokens of `text` by the `tokenizer` of the rule; where it has none, words and punctuation marks, by Unicode word
    /// boundaries (UAX #29).
    pub token_count: u32,
}

/// One item of passC_coverage.json: per part in item results, per source in the merge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceCoverage {
    #[schemars(length(min = 1))]
    pub source_id: String,
    /// One per page, in order; `[]` for unpaged sources.
    pub pages: Vec<PageCoverage>,
    /// Text that is in no chunk, with its reason.
    pub dropped: Vec<Dropped>,
}

/// How much of a page is in chunks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageCoverage {
    #[schemars(range(min = 1))]
    pub page: u32,
    /// Words that a reader sees on the page: hidden ones are in `dropped` only.
    pub words: u32,
    /// Words of it that are in chunks.
    pub chunked: u32,
    /// The page shows images and no text.
    pub needs_ocr: bool,
}

/// A piece of text that no chunk holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dropped {
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// At most 200 characters of it.
    #[schemars(length(min = 1, max = 200))]
    pub text: String,
    /// `running_head`, `folio`, `contents`, `index`, `hidden`.
    #[schemars(length(min = 1))]
    pub reason: String,
}
