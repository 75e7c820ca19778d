//! What an unpaged document (Markdown, plain text, HTML) says: blocks in order, with anchors instead of pages.
//! Knows nothing of the syntax it came from.

use serde::{Deserialize, Serialize};

/// A whole unpaged document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowText {
    /// Title from metadata (HTML `<title>`, front matter), "" if there is none.
    pub title: String,
    pub blocks: Vec<FlowBlock>,
    /// Facts worth reporting, one sentence each.
    pub notes: Vec<String>,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum FlowKind {
    /// `level` 1 to 6.
    Heading {
        level: u8,
    },
    Paragraph,
    /// `depth` from 0. The marker ("•", "3.") is part of the text only where the source prints a number.
    ListItem {
        depth: u8,
    },
    /// Cells are in `rows`; the first `header_rows` are headers.
    Table {
        header_rows: u8,
    },
    Code,
    Quote,
}

/// One block. `text` of a table is its rows, one per line, cells joined by " | ".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowBlock {
    pub kind: FlowKind,
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Vec<String>>,
    /// Anchor of the nearest heading at or before the block ("" before the first): its id in HTML, its GitHub-style slug
    /// in Markdown and plain text, made unique by `-1`, `-2`, ….
    pub anchor: String,
}
