//! Elements: what a part consists of, in Unstructured's vocabulary; passC_elements.json.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A box on a page, in points from the top left, rounded to 1/100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageBox {
    /// In item results part-relative, in the merge physical; 1-based.
    #[schemars(range(min = 1))]
    pub page: u32,
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

/// Element types, named as Unstructured names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ElementType {
    Title,
    NarrativeText,
    ListItem,
    Table,
    /// A stat block, spell or item entry's field lines: `Label: value` lines that belong together.
    FormKeysValues,
    CodeSnippet,
    Header,
    Footer,
    PageNumber,
    UncategorizedText,
}

/// One item of passC_elements.json, in reading order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// `el-` and 16 hex digits: from section, type, text and occurrence.
    #[schemars(regex(pattern = r"^el-[0-9a-f]{16}$"))]
    pub element_id: String,
    #[schemars(length(min = 1))]
    pub source_id: String,
    #[schemars(regex(pattern = r"^part-[0-9a-f]{16}$"))]
    pub part_id: String,
    /// Page where it starts; part-relative in item results, physical in the merge; null for unpaged sources.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    #[serde(rename = "type")]
    pub kind: ElementType,
    /// Paragraphs are joined over lines, columns and pages; a table is its rows, one per line, cells joined by " | ".
    /// "" only for a page that prints nothing (furniture `blank`, `needs_ocr`).
    pub text: String,
    /// Null for unpaged sources.
    #[serde(rename = "box")]
    pub bounds: Option<PageBox>,
    pub metadata: ElementMetadata,
}

/// What else is known of an element.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElementMetadata {
    /// PostScript name of its main font; null for unpaged sources.
    pub font: Option<String>,
    /// In points.
    #[schemars(range(min = 0.0))]
    pub size: Option<f64>,
    /// Heading level of a Title, nesting depth of a ListItem; else null.
    pub level: Option<u32>,
    /// Element id of the heading it stands under.
    #[schemars(regex(pattern = r"^el-[0-9a-f]{16}$"))]
    pub parent_id: Option<String>,
    /// The section it belongs to; null before the first heading.
    #[schemars(regex(pattern = r"^sec-[0-9a-f]{16}$"))]
    pub section_id: Option<String>,
    /// Titles from the top down to that section.
    pub section_path: Vec<String>,
    /// Anchor in unpaged sources.
    pub anchor: Option<String>,
    /// Cells of a Table.
    pub rows: Vec<Vec<String>>,
    /// How many of `rows` are headers.
    pub header_rows: u32,
    /// Why it is no part of the text: `running_head`, `folio`, `contents`, `index`, `blank`, `needs_ocr`; null for text.
    pub furniture: Option<String>,
    /// `invisible`, `same_as_ground`, `off_page`; null for what a reader sees.
    pub hidden: Option<String>,
    /// Inside a box that interrupts the column.
    pub sidebar: bool,
    /// Where the parts of a joined paragraph stand (its columns and pages), in order; `[]` if `box` says it all.
    pub boxes: Vec<PageBox>,
    /// Where each line of a Table or FormKeysValues stands: more than one box if the end of a column or page cuts it. `[]`
    /// for other types and unpaged sources.
    pub line_boxes: Vec<Vec<PageBox>>,
    /// For text that runs over pages: code point offset in `text` where each later page begins, with that page.
    pub page_breaks: Vec<PageBreak>,
}

/// Where a later page begins inside a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageBreak {
    /// Code points into `text`.
    pub offset: u32,
    /// As `page` of the element.
    #[schemars(range(min = 1))]
    pub page: u32,
}
