//! What a vocabulary says of one kind.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::pattern::Pattern;
use crate::document::term::Kind;

/// What tells entries of one kind, and how their names stand in running text.
#[derive(Debug)]
pub struct KindWords {
    pub kind: Kind,
    /// Keys of headings that collect entries.
    pub headings: BTreeSet<String>,
    /// Patterns of the headings of entries.
    pub entries: Vec<Pattern>,
    /// Field labels, lower case, longest first.
    pub fields: Vec<String>,
    pub min_fields: usize,
    /// Words of the line below an entry's name, lower case.
    pub subtitles: Vec<String>,
    /// Names of numbers in a one-line stat block, lower case.
    pub stats: Vec<String>,
    pub reading: Reading,
    pub has_plural: bool,
    /// Words behind a name that say its kind.
    pub called: Vec<String>,
    /// Words before it that do.
    pub called_before: Vec<String>,
    /// Words near a name that speak for the kind.
    pub near: Vec<String>,
    /// Words in a section title that do.
    pub under: Vec<String>,
    /// The kind of what stands with a level below an entry.
    pub levelled: Option<Kind>,
    /// Headings that nothing else explains name one.
    pub any_heading: bool,
}

/// How the names of a kind stand in running text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// In capitals.
    Title,
    /// In capitals; small, many are verbs.
    Verb,
    /// Small, like other nouns.
    Thing,
    /// As well, and a capital within a sentence still names the kind where it touches others.
    Being,
    /// Small, where somebody is in it.
    State,
    /// Small, alone between marks.
    Label,
    /// Always in capitals.
    Proper,
}

impl Reading {
    /// All of them, as vocabularies call them.
    pub const ALL: [(&'static str, Self); 7] = [
        ("title", Self::Title),
        ("verb", Self::Verb),
        ("thing", Self::Thing),
        ("being", Self::Being),
        ("state", Self::State),
        ("label", Self::Label),
        ("proper", Self::Proper),
    ];

    /// Names are common nouns, written small in running text.
    #[must_use]
    pub fn is_common_noun(self) -> bool {
        matches!(self, Self::Thing | Self::Being)
    }
}

impl KindWords {
    /// A kind of which nothing is known but its name.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            headings: BTreeSet::new(),
            entries: Vec::new(),
            fields: Vec::new(),
            min_fields: 0,
            subtitles: Vec::new(),
            stats: Vec::new(),
            reading: Reading::Title,
            has_plural: true,
            called: Vec::new(),
            called_before: Vec::new(),
            near: Vec::new(),
            under: Vec::new(),
            levelled: None,
            any_heading: false,
        }
    }

    /// Stands in for a kind that is not declared.
    pub(super) fn unknown() -> &'static Self {
        static UNKNOWN: LazyLock<KindWords> = LazyLock::new(|| KindWords::new(Kind::UNKNOWN));
        &UNKNOWN
    }
}
