//! The table of contents of a source: passA_toc.json, and the share of it that concerns one part.
//! Knows nothing of where a section was found: outline, contents page and type all end here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a statement about structure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The document outline (bookmarks), or heading markup in unpaged sources.
    Outline,
    /// A printed contents page.
    ContentsPage,
    /// Type: size, weight, numbering, spacing.
    Type,
}

/// One item of passA_toc.json: a source and its sections in reading order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceToc {
    #[schemars(length(min = 1))]
    pub source_id: String,
    /// Path below the sources folder, `/`-separated.
    #[schemars(length(min = 1))]
    pub path: String,
    /// The title on the cover or in the metadata; never a section.
    pub title: String,
    /// Null for unpaged sources.
    #[schemars(range(min = 1))]
    pub page_count: Option<u32>,
    /// Pages that show something and hold no text; left out if there are none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub pages_needing_ocr: u32,
    /// Where most sections come from.
    pub origin: Origin,
    /// 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub confidence: f64,
    /// Printed label of each physical page, in order ("" where none is known); `[]` if none are.
    pub page_labels: Vec<String>,
    pub sections: Vec<Section>,
    /// What was repaired or passed over, one sentence each.
    pub notes: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(n: &u32) -> bool {
    *n == 0
}

/// A section: a heading and all up to the next heading of its level or above.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// `sec-` and 16 hex digits: from the full title path and an occurrence number (`document::ids`).
    #[schemars(regex(pattern = r"^sec-[0-9a-f]{16}$"))]
    pub section_id: String,
    /// As printed, spaces normalised.
    #[schemars(length(min = 1))]
    pub title: String,
    /// 1 is the top.
    #[schemars(range(min = 1))]
    pub level: u32,
    /// The enclosing section, null at the top.
    #[schemars(regex(pattern = r"^sec-[0-9a-f]{16}$"))]
    pub parent_id: Option<String>,
    /// Physical page of the heading, 1-based; null for unpaged sources.
    #[schemars(range(min = 1))]
    pub page_start: Option<u32>,
    /// Physical page of the last text of the section and its subsections; null for unpaged sources.
    #[schemars(range(min = 1))]
    pub page_end: Option<u32>,
    /// Anchor of the heading in unpaged sources, else null.
    pub anchor: Option<String>,
    pub origin: Origin,
    /// 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub confidence: f64,
}

/// Projection `part` of passA_toc.json: the sections of one part, pages relative to the part (its first page is 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartToc {
    pub source_id: String,
    pub part_id: String,
    /// The title of the source.
    pub title: String,
    /// Number of pages of the part; null for unpaged sources.
    pub page_count: Option<u32>,
    /// In reading order. If the part opens inside a section, that section comes first with `continued`.
    pub sections: Vec<PartSection>,
}

/// A section as seen from one part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartSection {
    pub section_id: String,
    /// Titles from the top down to this section's own.
    pub path: Vec<String>,
    pub level: u32,
    /// Part-relative page of the heading (1 if continued); null for unpaged sources.
    pub page_start: Option<u32>,
    pub anchor: Option<String>,
    /// It began in an earlier part: its heading is not in this part.
    pub continued: bool,
    pub origin: Origin,
}
