//! Why an action is not up to date: typed, with what was and what is, and a sentence for each. `Cause` is the same in a form
//! for programs: one kind, one name, two values. Knows one action; what lies behind its inputs is told by whoever has a plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gate_list::{GateChange, GateField};
use super::graph::{From, Graph, Range, RuleId};
use super::manifest::{Change, Field, open_value};
use crate::builtin::{PassedLimit, one_of_many};
use crate::digest::Digest;

/// Why an action is not up to date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The job has no record of it.
    NeverBuilt,
    /// Its manifest is another one. Never empty.
    Changed(Vec<Change>),
    /// What its gates judge by is another. Never empty.
    Gates(Vec<GateChange>),
    /// It failed last time, and is tried again.
    FailedBefore,
    /// It failed on a limit that has been raised since.
    LimitRaised { passed: PassedLimit, now: u64 },
    /// It was rejected last time, and is tried again.
    RejectedBefore,
    /// The cache no longer has a result for its key.
    Evicted { key: Digest },
    /// The cache has a result for its key, and not the bytes of it.
    Lost { path: String, digest: Digest, what: Loss },
    /// Planning: a rule makes first what it reads.
    Waits { rule: String, input: Option<String> },
    /// Planning: what it reads is merged first.
    Merges { rule: String, input: String },
    /// Planning: its tool, or a file that its version rests on, is not what it was when it said `old`: it is asked first.
    AsksTool { old: Option<String> },
    /// It fails as it did before; one sentence.
    Fails(String),
    /// A gate says no as it did before; one sentence.
    Rejects(String),
    /// Something that it needs is not there; one sentence.
    Blocked(String),
    /// Its document is set aside; one sentence.
    Quarantined(String),
    /// What it published was adopted as edited by hand, and what that replaces is made of something else now; one sentence.
    Adopted { path: String, message: String },
}

/// What is wrong with a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loss {
    Missing,
    Damaged,
}

/// Why, in a form for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    pub kind: Kind,
    /// Of the param, path, variable, input, or rule.
    pub name: Option<String>,
    /// Digests whole; null if it was not there.
    pub old: Option<String>,
    /// Null if it is gone, or not known yet.
    pub new: Option<String>,
}

/// What kind of cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The bytes of a source changed.
    Source,
    /// A source that was not there at the last build.
    NewSource,
    /// A source that is no longer there.
    GoneSource,
    /// A file of the project changed.
    File,
    Param,
    /// The code of the built-in, or the way keys are made.
    Code,
    /// The command or the built-in is another one.
    Command,
    Environment,
    ToolVersion,
    /// An output has another name.
    Output,
    /// A schema, or another check by which its gates judge.
    Gate,
    /// It failed; it is tried again, or fails as before.
    Failed,
    /// A gate rejected it; it is tried again, or rejected as before.
    Rejected,
    /// It failed on a limit that has been raised since; it is tried again.
    Limit,
    /// The cache no longer has its result.
    Evicted,
    /// Bytes of its result are missing in the cache.
    Missing,
    /// Bytes of its result are damaged in the cache.
    Damaged,
    /// A published file is not there.
    PublishedMissing,
    /// A published file was changed by hand.
    PublishedEdited,
    /// A file was not published yet.
    Unpublished,
    /// What a published file was made from is no longer there.
    GoneItem,
    /// The job has no record of it.
    NeverBuilt,
    /// The cache has no records of a job that was built before.
    NoRecords,
    /// Something that it needs failed, was rejected or is not there.
    Blocked,
    /// Its document is set aside.
    Quarantined,
    /// What it reads was edited by hand and adopted; or what it made was, and that no longer fits.
    Adopted,
    /// An input comes from a rule that is not up to date.
    Input,
    /// Anything else: the sentence says it.
    Other,
}

impl Cause {
    /// A cause of this kind, and nothing more to say.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self { kind, name: None, old: None, new: None }
    }

    /// A cause with a name.
    #[must_use]
    pub fn named(kind: Kind, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::of(kind) }
    }
}

impl Reason {
    /// The first cause of an action of `rule`. `source` is the path of the source that its item belongs to, if any.
    #[must_use]
    pub fn cause(&self, graph: &Graph, rule: RuleId, source: Option<&str>) -> Cause {
        match self {
            Self::NeverBuilt => Cause::of(Kind::NeverBuilt),
            Self::Changed(changes) => changes.first().map_or(Cause::of(Kind::Other), |c| of_change(graph, rule, source, c)),
            Self::Gates(changes) => changes.first().map_or(Cause::of(Kind::Gate), of_gate),
            Self::FailedBefore | Self::Fails(_) => Cause::of(Kind::Failed),
            Self::RejectedBefore | Self::Rejects(_) => Cause::of(Kind::Rejected),
            Self::LimitRaised { passed: PassedLimit { name, value }, now } => {
                let written = |value: u64| Some(name.written(value).to_string());
                Cause { old: written(*value), new: written(*now), ..Cause::named(Kind::Limit, name.key()) }
            }
            Self::Evicted { key } => Cause { old: Some(key.to_hex()), ..Cause::of(Kind::Evicted) },
            Self::Lost { path, digest, what } => {
                let kind = if *what == Loss::Missing { Kind::Missing } else { Kind::Damaged };
                Cause { old: Some(digest.to_hex()), ..Cause::named(kind, path) }
            }
            Self::Waits { rule, .. } | Self::Merges { rule, .. } => Cause::named(Kind::Input, rule),
            Self::AsksTool { old } => Cause { old: old.clone(), ..Cause::of(Kind::ToolVersion) },
            Self::Blocked(_) => Cause::of(Kind::Blocked),
            Self::Quarantined(_) => Cause::of(Kind::Quarantined),
            Self::Adopted { path, .. } => Cause::named(Kind::Adopted, path),
        }
    }
}

impl std::fmt::Display for Reason {
    /// One sentence.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NeverBuilt => f.write_str("it was never built"),
            Self::Changed(changes) => first_of(f, changes),
            Self::Gates(changes) => first_of(f, changes),
            Self::FailedBefore => f.write_str("it failed last time"),
            Self::RejectedBefore => f.write_str("it was rejected last time"),
            Self::LimitRaised { passed: PassedLimit { name, value }, now } => {
                let (key, old, new) = (name.key(), name.written(*value), name.written(*now));
                write!(f, "it failed on the limit `{key}`, which was raised from {old} to {new}")
            }
            Self::Evicted { key } => write!(f, "its result (key {}) was removed from the cache", key.short(12)),
            Self::Lost { path, digest, what } => {
                let what = if *what == Loss::Missing { "missing" } else { "damaged" };
                write!(f, "its output `{path}` ({}) is {what} in the cache", digest.short(12))
            }
            Self::Waits { rule, .. } => write!(f, "`{rule}` would be made first"),
            Self::Merges { rule, input } => write!(f, "its input `{input}` would be merged anew from what `{rule}` made"),
            Self::AsksTool { old } => {
                f.write_str("its tool would be asked for its version first")?;
                old.as_ref().map_or(Ok(()), |old| write!(f, ": what `{old}` rested on changed"))
            }
            Self::Fails(message)
            | Self::Rejects(message)
            | Self::Blocked(message)
            | Self::Quarantined(message)
            | Self::Adopted { message, .. } => f.write_str(message),
        }
    }
}

fn first_of<C: std::fmt::Display>(f: &mut std::fmt::Formatter<'_>, changes: &[C]) -> std::fmt::Result {
    match changes {
        [] => f.write_str("it is not up to date"),
        [one] => write!(f, "{one}"),
        [first, rest @ ..] => write!(f, "{first} (and {} more)", rest.len()),
    }
}

/// The cause behind one entry of a manifest that differs.
#[must_use]
pub fn of_change(graph: &Graph, rule: RuleId, source: Option<&str>, change: &Change) -> Cause {
    let (kind, name) = match &change.field {
        Field::KeyFormat | Field::Code => (Kind::Code, None),
        Field::Builtin | Field::Command => (Kind::Command, None),
        Field::Param(name) => (Kind::Param, Some(name.clone())),
        Field::Output(name) => (Kind::Output, Some(name.clone())),
        Field::File(path) => (Kind::File, Some(path.clone())),
        Field::Environment(name) => (Kind::Environment, Some(name.clone())),
        Field::ToolVersion => (Kind::ToolVersion, None),
        Field::Item => (Kind::Other, None),
        Field::Input(name) if one_of_many(name).is_some() => (Kind::File, one_of_many(name).map(|(_, path)| path.to_owned())),
        Field::Input(name) => match (origin(graph, rule, name), source) {
            (Origin::File(path), _) => (Kind::File, Some(path)),
            (Origin::Rule(maker), _) => (Kind::Input, Some(graph.rule(maker).name.clone())),
            (Origin::Source, Some(path)) => (Kind::Source, Some(path.to_owned())),
            _ => (Kind::Input, Some(name.clone())),
        },
    };
    let open = |v: &Option<String>| v.as_deref().map(|v| open_value(&change.field, v));
    Cause { kind, name, old: open(&change.old), new: open(&change.new) }
}

/// Where an input of `rule` comes from in the end.
pub enum Origin {
    Source,
    File(String),
    Rule(RuleId),
    /// The rule no longer has it.
    Gone,
}

/// Where the input `name` of `rule` comes from; an entry of a tree comes from the rule that makes the tree.
#[must_use]
pub fn origin(graph: &Graph, rule: RuleId, name: &str) -> Origin {
    let rule = graph.rule(rule);
    match rule.inputs.iter().find(|i| i.name == name).map(|i| &i.from) {
        None => Origin::Gone,
        Some(From::File(path)) => Origin::File(path.clone()),
        Some(From::Artifact { rule, .. }) => Origin::Rule(*rule),
        Some(From::Source) => Origin::Source,
        Some(From::Item { levels_up }) => {
            let chain = graph.range_chain(rule.range);
            match chain.len().checked_sub(levels_up + 1).map(|at| chain[at]) {
                Some(Range::Tree { rule, .. }) => Origin::Rule(rule),
                _ => Origin::Source,
            }
        }
    }
}

/// The cause behind one gate that differs.
#[must_use]
pub fn of_gate(change: &GateChange) -> Cause {
    let name = match &change.field {
        GateField::File(path) => path.clone(),
        GateField::Check { kind, path } => format!("{kind} of {path}"),
    };
    Cause { kind: Kind::Gate, name: Some(name), old: change.old.clone(), new: change.new.clone() }
}
