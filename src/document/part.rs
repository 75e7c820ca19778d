//! Page groups and parts: contiguous page ranges of a source; passB_splits.json, and the placements that trees carry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One item of passB_splits.json: a source and its parts in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSplits {
    #[schemars(length(min = 1))]
    pub source_id: String,
    /// Contiguous, complete, disjoint.
    #[schemars(length(min = 1))]
    pub parts: Vec<Part>,
}

/// A part of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// `part-` and 16 hex digits: from the section in force at its first page (`document::ids`).
    #[schemars(regex(pattern = r"^part-[0-9a-f]{16}$"))]
    pub part_id: String,
    /// Published path below the job folder: `parts/{source_id}/{part_id}.pdf`.
    #[schemars(length(min = 1))]
    pub path: String,
    /// Physical pages, 1-based, inclusive; null for unpaged sources.
    #[schemars(range(min = 1))]
    pub page_start: Option<u32>,
    #[schemars(range(min = 1))]
    pub page_end: Option<u32>,
    /// Size of the written file in MB (10^6 bytes), rounded to 1/1000.
    #[schemars(range(min = 0.0))]
    pub size_mb: f64,
    /// blake3 of the written file.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub digest: String,
    /// Sections that begin in the part, and the one that it opens in.
    #[schemars(inner(regex(pattern = r"^sec-[0-9a-f]{16}$")))]
    pub section_ids: Vec<String>,
}

/// Placement of a page group or part within its source: the `attrs` of a tree entry. Null pages: unpaged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    pub page_count: Option<u32>,
    /// Physical page of the first page, 1-based.
    pub page_start: Option<u32>,
}

impl Placement {
    /// Canonical JSON, as `builtin::Attrs` wants it.
    #[must_use]
    pub fn to_attrs(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads attrs; what is empty or unreadable is unpaged.
    #[must_use]
    pub fn from_attrs(attrs: &str) -> Self {
        serde_json::from_str(attrs).unwrap_or_default()
    }

    /// Pages before this item in its source: what a merge adds to part-relative pages. 0 for unpaged sources.
    #[must_use]
    pub fn offset(&self) -> u32 {
        self.page_start.map_or(0, |p| p.saturating_sub(1))
    }
}
