//! The manifest of an action: the ordered record of all that determines its output. Its digest is the action key, and the
//! difference of two manifests is `why`: one walk serves both, so they cannot disagree.
//!
//! | in the key | not in the key |
//! |---|---|
//! | key format, built-in and its code fingerprint | mtimes, inodes |
//! | params, one entry each | absolute paths, job id, env |
//! | the item's id | clock, user, host |
//! | digest of each named input | thread count |
//! | output names | gates (a verdict has a key of its own) |
//! | of a command: unexpanded words, digests of `files`, declared environment, tool version | placement of the item |
//!
//! The platform is not in the key: built-ins give the same bytes everywhere.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::builtin::one_of_many;
use crate::digest::Digest;
use crate::store::records::LastBuild;
use crate::store::state::State;

/// Version of the way keys are made.
const KEY_FORMAT: &str = "1";

/// What an entry is about. The order of the variants is of no importance; the text in them is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    KeyFormat,
    Builtin,
    /// Fingerprint of the built-in's code.
    Code,
    Param(String),
    Item,
    Input(String),
    Output(String),
    Command,
    File(String),
    Environment(String),
    ToolVersion,
}

impl Field {
    /// Whether it is the action's own, and not the same for all items of its rule.
    fn is_own(&self) -> bool {
        matches!(self, Self::Item | Self::Input(_))
    }
}

/// The ordered record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionManifest(pub Vec<(Field, String)>);

impl ActionManifest {
    /// A manifest that holds its key format only.
    #[must_use]
    pub fn new() -> Self {
        Self(vec![(Field::KeyFormat, KEY_FORMAT.to_owned())])
    }

    /// Adds an entry.
    pub fn push(&mut self, field: Field, value: impl Into<String>) {
        self.0.push((field, value.into()));
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Encoded {
        let (own, declared): (Vec<_>, Vec<_>) = self.0.iter().partition(|(field, _)| field.is_own());
        let own: Vec<(&Field, Value<'_>)> = own.into_iter().map(|(field, value)| (field, Value::of(value))).collect();
        Encoded { declared: encoded(&declared), own: encoded(&own) }
    }

    /// What differs of the declaration alone: of a manifest without item and inputs, against all of an `old` one.
    #[must_use]
    pub fn own_changes_since(&self, old: &Self) -> Vec<Change> {
        let own = old.0.iter().filter(|(f, _)| !f.is_own());
        self.changes_since(&Self(own.cloned().collect()))
    }

    /// What differs between `old` and `self`, in the order of `self`, then what only `old` has.
    #[must_use]
    pub fn changes_since(&self, old: &Self) -> Vec<Change> {
        let value = |m: &Self, f: &Field| m.0.iter().find(|(g, _)| g == f).map(|(_, v)| v.clone());
        let mut changes = Vec::new();
        for (field, new) in &self.0 {
            let before = value(old, field);
            if before.as_ref() != Some(new) {
                changes.push(Change { field: field.clone(), old: before, new: Some(new.clone()) });
            }
        }
        for (field, before) in &old.0 {
            if value(self, field).is_none() {
                changes.push(Change { field: field.clone(), old: Some(before.clone()), new: None });
            }
        }
        changes
    }
}

/// The stored form, which is canonical, in two: of thousands of actions of one rule the first is kept once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// What is the same for all items of a rule.
    pub declared: Arc<[u8]>,
    /// The item and its inputs.
    pub own: Arc<[u8]>,
}

impl Encoded {
    /// The action key.
    #[must_use]
    pub fn key(&self) -> Digest {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(self.declared.len() as u64).to_le_bytes());
        hasher.update(&self.declared).update(&self.own);
        Digest::of_hasher(&hasher)
    }

    /// Reads it; what does not decode is an empty manifest, which differs from every other.
    #[must_use]
    pub fn decode(&self) -> ActionManifest {
        let declared: Option<Vec<(Field, String)>> = postcard::from_bytes(&self.declared).ok();
        let own: Option<Vec<(Field, Value<'_>)>> = postcard::from_bytes(&self.own).ok();
        let (Some(mut all), Some(own)) = (declared, own) else { return ActionManifest::default() };
        all.extend(own.into_iter().map(|(field, value)| (field, value.text())));
        ActionManifest(all)
    }
}

/// The manifest of a last build.
#[must_use]
pub fn of_last(state: &State, last: &LastBuild) -> ActionManifest {
    let declared = state.declarations.peek(&last.declared).unwrap_or_default();
    Encoded { declared, own: last.own.clone() }.decode()
}

/// What of a manifest is an action's own, encoded: its item, and the digest of each named input.
#[must_use]
pub fn own_part<'a>(item: &str, inputs: impl Iterator<Item = (&'a str, Digest)>) -> Arc<[u8]> {
    let mut own = vec![(Field::Item, Value::of(item))];
    own.extend(inputs.map(|(name, digest)| (Field::Input(name.to_owned()), Value::Digest(digest))));
    encoded(&own)
}

/// A value of the action's own part: the hex digits of a digest are half of what such parts would hold.
#[derive(Serialize, Deserialize)]
enum Value<'a> {
    Text(Cow<'a, str>),
    Digest(Digest),
}

impl<'a> Value<'a> {
    fn of(text: &'a str) -> Self {
        // Only what reads back as it was: 64 digits in upper case are text.
        let digest = text.parse::<Digest>().ok().filter(|d| d.to_hex() == text);
        digest.map_or(Self::Text(Cow::Borrowed(text)), Self::Digest)
    }

    fn text(self) -> String {
        match self {
            Self::Text(text) => text.into_owned(),
            Self::Digest(digest) => digest.to_hex(),
        }
    }
}

fn encoded(part: &impl Serialize) -> Arc<[u8]> {
    postcard::to_stdvec(part).unwrap_or_default().into()
}

/// One entry that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub field: Field,
    /// `None`: it was not there.
    pub old: Option<String>,
    /// `None`: it is gone.
    pub new: Option<String>,
}

/// What is shown of a value: a variable whose name speaks of a secret shows that it changed, and not to what.
#[must_use]
pub fn open_value(field: &Field, value: &str) -> String {
    const TELLING: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASS", "PWD", "CREDENTIAL"];
    match field {
        Field::Environment(name) if !value.is_empty() && TELLING.iter().any(|t| name.to_ascii_uppercase().contains(t)) => {
            format!("[secret {}]", Digest::of(value.as_bytes()).short(8))
        }
        _ => value.to_owned(),
    }
}

/// A digest as people can compare it; anything else as it is.
fn shown(field: &Field, value: Option<&String>) -> String {
    match (field, value) {
        (_, None) => "nothing".to_owned(),
        (Field::Input(_) | Field::Code | Field::File(_), Some(v)) if v.len() == 64 => v[..12].to_owned(),
        (_, Some(v)) => format!("`{}`", open_value(field, v)),
    }
}

impl std::fmt::Display for Change {
    /// One sentence: what changed, from what to what.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (old, new) = (shown(&self.field, self.old.as_ref()), shown(&self.field, self.new.as_ref()));
        match &self.field {
            Field::KeyFormat => write!(f, "keys are made in another way since this version of ingest ({old} → {new})"),
            Field::Builtin => write!(f, "it runs another built-in ({old} → {new})"),
            Field::Code => write!(f, "the code of its built-in changed ({old} → {new})"),
            Field::Param(name) => write!(f, "param `{name}` changed from {old} to {new}"),
            Field::Item => write!(f, "its item has another id ({old} → {new})"),
            Field::Input(name) => match one_of_many(name) {
                Some((what, path)) if self.old.is_none() => write!(f, "it reads the {what} `{path}` now"),
                Some((what, path)) if self.new.is_none() => write!(f, "it no longer reads the {what} `{path}`"),
                Some((what, path)) => write!(f, "the {what} `{path}` changed ({old} → {new})"),
                None => write!(f, "input `{name}` changed ({old} → {new})"),
            },
            Field::Output(name) => write!(f, "output `{name}` changed its name from {old} to {new}"),
            Field::Command => write!(f, "its command changed from {old} to {new}"),
            Field::File(path) => write!(f, "file `{path}` changed ({old} → {new})"),
            Field::Environment(name) => write!(f, "environment variable `{name}` changed from {old} to {new}"),
            Field::ToolVersion if self.new.is_none() => write!(f, "what its tool's version {old} rested on changed"),
            Field::ToolVersion => write!(f, "its tool's version changed from {old} to {new}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> ActionManifest {
        let mut m = ActionManifest::new();
        m.push(Field::Param("max_chars".into()), value);
        m
    }

    #[test]
    fn the_difference_names_the_param_with_both_values() {
        let changes = with("500").changes_since(&with("600"));
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].to_string(), "param `max_chars` changed from `600` to `500`");
    }

    #[test]
    fn equal_manifests_have_equal_keys_and_no_difference() {
        assert!(with("1").changes_since(&with("1")).is_empty());
        assert_eq!(with("1").encode().key(), with("1").encode().key());
        assert_ne!(with("1").encode().key(), with("2").encode().key());
    }

    #[test]
    fn what_is_stored_in_two_reads_back_as_one_with_the_declaration_first() {
        let digest = Digest::of(b"chunks");
        let mut m = with("500");
        m.push(Field::Item, "book.pdf/part-1");
        m.push(Field::Input("chunks".into()), digest.to_hex());
        m.push(Field::Input("upper".into()), digest.to_hex().to_uppercase());
        m.push(Field::Output("graph".into()), "graph.json");
        let Encoded { declared, own } = m.encode();
        assert_eq!(declared, {
            let mut other = with("500");
            other.push(Field::Item, "another");
            other.push(Field::Output("graph".into()), "graph.json");
            other.encode().declared
        });
        let back = Encoded { declared, own }.decode();
        assert_eq!(back.0.len(), m.0.len());
        assert!(back.changes_since(&m).is_empty() && m.changes_since(&back).is_empty());
        assert_eq!(back.0.last().map(|(_, v)| v.clone()), Some(digest.to_hex().to_uppercase()));
    }
}
