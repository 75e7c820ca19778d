//! The dictionary of a source: passA_dictionary.json, and the names that pass D takes from it.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a name stands for: a kind that a vocabulary declares, by its name. Small letters, digits and `_`, a letter first, 31
/// at most.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind([u8; LONGEST]);

const LONGEST: usize = 31;
/// What the name of a kind, and of an expression, is like.
pub const KIND_PATTERN: &str = "^[a-z][a-z0-9_]{0,30}$";

impl Kind {
    /// Stands in where no kind is declared; no name is read as it.
    pub(crate) const UNKNOWN: Self = Self([0; LONGEST]);

    /// The kind called `name`; `None` if that is no name of one.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let fits = name.len() <= LONGEST && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(plain);
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..name.len()).filter(|_| fits)?.copy_from_slice(name.as_bytes());
        Some(Self(bytes))
    }

    /// As written in artifacts and ids.
    #[must_use]
    pub fn name(&self) -> &str {
        let length = self.0.iter().position(|b| *b == 0).unwrap_or(LONGEST);
        // Nothing but ASCII gets in.
        std::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Kind;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a kind")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Kind, E> {
                Kind::new(name).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(name), &self))
            }
        }
        from.deserialize_str(Name)
    }
}

impl JsonSchema for Kind {
    fn schema_name() -> Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Which kinds there are is said by the vocabulary of a project, not by the program.
        json_schema!({
            "description": "What a name stands for: the name of a kind of the vocabulary.",
            "type": "string",
            "pattern": KIND_PATTERN,
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_plain_names_and_sort_by_them() {
        for name in ["spell", "drowned_2", "a", "abcdefghijklmnopqrstuvwxyz_0123"] {
            assert_eq!(Kind::new(name).unwrap().name(), name);
        }
        for name in ["", "Spell", "2d", "_x", "a-b", "é", "a b", "abcdefghijklmnopqrstuvwxyz_01234"] {
            assert_eq!(Kind::new(name), None, "{name}");
        }
        assert!(Kind::new("item") < Kind::new("items") && Kind::new("items") < Kind::new("spell"));
    }

    #[test]
    fn a_kind_is_written_as_its_name_and_nothing_else_is_read_as_one() {
        let spell: Kind = serde_json::from_str("\"spell\"").unwrap();
        assert_eq!(serde_json::to_string(&spell).unwrap(), "\"spell\"");
        assert!(serde_json::from_str::<Kind>("\"A Spell\"").is_err() && serde_json::from_str::<Kind>("7").is_err());
    }
}
