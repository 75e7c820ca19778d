//! The dictionary of a source: passA_dictionary.json, and the names that pass D takes from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Spell,
    Creature,
    Item,
    Condition,
    Feat,
    Class,
    Ancestry,
    Background,
    Feature,
    Skill,
    Rule,
    Mechanic,
    Place,
    Person,
    Move,
    Tag,
}

impl Kind {
    /// As written in artifacts and ids.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Spell => "spell",
            Self::Creature => "creature",
            Self::Item => "item",
            Self::Condition => "condition",
            Self::Feat => "feat",
            Self::Class => "class",
            Self::Ancestry => "ancestry",
            Self::Background => "background",
            Self::Feature => "feature",
            Self::Skill => "skill",
            Self::Rule => "rule",
            Self::Mechanic => "mechanic",
            Self::Place => "place",
            Self::Person => "person",
            Self::Move => "move",
            Self::Tag => "tag",
        }
    }
}

/// One item of passA_dictionary.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// `term-` and 16 hex digits: from source, kind and canonical term (`document::ids`).
    #[schemars(regex(pattern = r"^term-[0-9a-f]{16}$"))]
    pub term_id: String,
    #[schemars(length(min = 1))]
    pub source_id: String,
    /// The canonical name, as a reader would write it.
    #[schemars(length(min = 1))]
    pub term: String,
    pub kind: Kind,
    /// The section that it is defined in; null if only a table or glossary line names it.
    #[schemars(regex(pattern = r"^sec-[0-9a-f]{16}$"))]
    pub section_id: Option<String>,
    /// Physical page, null for unpaged sources.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// Other printed forms.
    #[schemars(inner(length(min = 1)))]
    pub aliases: Vec<String>,
    /// First sentences under its heading, at most 300 characters; "" if there are none.
    #[schemars(length(max = 300))]
    pub definition: String,
    /// 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub confidence: f64,
    /// What spoke for it, for example `stat_block`, `entry_fields`, `under_heading:Spells`.
    pub evidence: Vec<String>,
}

/// Projection `names` of passA_dictionary.json: what pass D matches. Holds no pages. Sorted by term_id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermName {
    pub term_id: String,
    pub term: String,
    pub kind: Kind,
    pub aliases: Vec<String>,
}
