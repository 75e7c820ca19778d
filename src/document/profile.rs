//! The typographic profile of a book: passA_profile.json. Quantised (sizes to 1/2 pt, shares to 1/20) so that a small edit
//! does not change it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One item of passA_profile.json.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceProfile {
    #[schemars(length(min = 1))]
    pub source_id: String,
    /// Styles that carry at least a little of the text, most common first.
    pub styles: Vec<Style>,
    /// Recurring lines at the head or foot of pages, digits written as `#`; sorted.
    pub running_heads: Vec<String>,
    /// Index into `styles` of running text; null without text.
    pub body_style: Option<u32>,
    /// Number of columns of most pages; 0 for unpaged sources.
    pub columns: u32,
    /// Runs of physical pages are not named here (an inserted page would change them): what marks a contents or index
    /// page are these titles, as printed; sorted.
    pub furniture_titles: Vec<String>,
}

/// A type style.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Style {
    /// PostScript font name.
    pub font: String,
    /// In half points: 19 is 9.5 pt.
    #[schemars(range(min = 1))]
    pub half_points: u32,
    pub bold: bool,
    pub italic: bool,
    /// Heading level that the book sets in this style; null for text.
    pub heading_level: Option<u32>,
}
