//! What the item-scoped gates of a rule judge by, as a list that is stored: so that a rejection that is judged again, or a
//! verdict that changed, can name the schema or the check with what it was and what it is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::gate::GateFiles;
use super::graph::{Check, Rule, Scope};

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GateField {
    /// A file that a gate reads, below the project root: its value is a digest.
    File(String),
    /// A check of an output: its kind, and the path of the output. Its value is the check as JSON.
    Check { kind: String, path: String },
}

/// The ordered list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateList(Vec<(GateField, String)>);

/// One entry that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateChange {
    pub field: GateField,
    /// `None`: it was not there.
    pub old: Option<String>,
    /// `None`: it is gone.
    pub new: Option<String>,
}

impl GateList {
    /// The gates of `rule` that judge its candidates; without the one that every output has, which nobody declares.
    #[must_use]
    pub fn of(rule: &Rule, files: &GateFiles) -> Self {
        let mut list = Vec::new();
        for gate in rule.gates.iter().filter(|g| g.scope == Scope::Item && !matches!(g.check, Check::Present { .. })) {
            let check = serde_json::to_value(&gate.check).unwrap_or_default();
            let kind = check["kind"].as_str().unwrap_or_default().to_owned();
            let path = rule.outputs[gate.output].path.clone();
            list.push((GateField::Check { kind, path }, check.to_string()));
            list.extend(files.digests_of(gate).map(|(name, digest)| (GateField::File(name.to_owned()), digest.to_hex())));
        }
        Self(list)
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Arc<[u8]> {
        postcard::to_stdvec(self).unwrap_or_default().into()
    }

    /// Reads the stored form; what does not decode is an empty list.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Self {
        postcard::from_bytes(bytes).unwrap_or_default()
    }

    /// What differs between `old` and `self`; files first, because they are what people edit.
    #[must_use]
    pub fn changes_since(&self, old: &Self) -> Vec<GateChange> {
        let value = |l: &Self, f: &GateField| l.0.iter().find(|(g, _)| g == f).map(|(_, v)| v.clone());
        let added = self.0.iter().map(|(field, new)| (field, value(old, field), Some(new.clone())));
        let gone = old.0.iter().filter(|(f, _)| value(self, f).is_none()).map(|(field, old)| (field, Some(old.clone()), None));
        let all = added.chain(gone).filter(|(_, old, new)| old != new);
        let mut changes: Vec<GateChange> = all.map(|(field, old, new)| GateChange { field: field.clone(), old, new }).collect();
        changes.sort_by_key(|c| !matches!(c.field, GateField::File(_)));
        changes.dedup();
        changes
    }
}

impl std::fmt::Display for GateChange {
    /// One sentence: what changed, from what to what.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digest = |v: &Option<String>| v.as_ref().map_or("nothing".to_owned(), |v| v.get(..12).unwrap_or(v).to_owned());
        match (&self.field, &self.old, &self.new) {
            (GateField::File(path), old, new) => {
                write!(f, "`{path}`, which its gate reads, changed ({} → {})", digest(old), digest(new))
            }
            (GateField::Check { kind, path }, None, _) => write!(f, "`{path}` has a gate that it had not: `{kind}`"),
            (GateField::Check { kind, path }, _, None) => write!(f, "the gate `{kind}` of `{path}` is gone"),
            (GateField::Check { kind, path }, Some(old), Some(new)) => {
                write!(f, "the gate `{kind}` of `{path}` changed from `{old}` to `{new}`")
            }
        }
    }
}
