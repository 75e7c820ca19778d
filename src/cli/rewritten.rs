//! What of the job folder a build would write or judge again, and why: shared by `why`, `status` and `build -n`. Reads only.

use schemars::JsonSchema;
use serde::Serialize;

use crate::digest::Digest;
use crate::disk::{self, DiskError};
use crate::engine::Setup;
use crate::engine::graph::{Graph, RuleId};
use crate::engine::plan::{Plan, Write};
use crate::engine::reason::{Cause, Kind};
use crate::store::Store;
use crate::store::records::Published;

/// Something of the job folder that would be written or judged again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rewritten {
    /// Below the job folder; null if it is no file that can be named yet.
    pub path: Option<String>,
    /// For people: the path, or what else would be written.
    pub what: String,
    pub would: Would,
    /// One sentence.
    pub because: String,
    pub cause: Cause,
}

/// What would be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Would {
    Publish,
    Remove,
    /// A gate on the whole of it would judge it again.
    Judge,
}

impl Would {
    /// After `would be`.
    #[must_use]
    pub fn participle(self) -> &'static str {
        match self {
            Self::Publish => "published again",
            Self::Remove => "removed",
            Self::Judge => "judged again",
        }
    }
}

impl Rewritten {
    /// A person, or another program, did it; no step leads to it.
    #[must_use]
    pub fn is_meddled_with(&self) -> bool {
        matches!(self.cause.kind, Kind::PublishedMissing | Kind::PublishedEdited | Kind::Gate)
    }
}

/// Everything that `plan` would write.
///
/// # Errors
/// If a published file cannot be read.
pub fn all(plan: &Plan, setup: &Setup<'_>, store: &Store) -> Result<Vec<Rewritten>, DiskError> {
    plan.publish.iter().map(|write| one(write, setup, store)).collect()
}

/// Those of `all` that `rules` publish.
///
/// # Errors
/// If a published file cannot be read.
pub fn of_rules(plan: &Plan, setup: &Setup<'_>, store: &Store, rules: &[RuleId]) -> Result<Vec<Rewritten>, DiskError> {
    let theirs = plan.publish.iter().filter(|w| is_of(setup.graph, record_of(w, setup, store).as_ref(), w, rules));
    theirs.map(|write| one(write, setup, store)).collect()
}

fn record_of(write: &Write, setup: &Setup<'_>, store: &Store) -> Option<Published> {
    let (Write::File(path) | Write::Removal(path) | Write::Verdict { path, .. }) = write else { return None };
    store.state.published.get(format!("{}\0{path}", setup.job_key).as_str())
}

fn is_of(graph: &Graph, record: Option<&Published>, write: &Write, rules: &[RuleId]) -> bool {
    let (Write::File(path) | Write::Removal(path) | Write::Verdict { path, .. }) = write else { return false };
    rules.iter().map(|r| graph.rule(*r)).any(|rule| {
        record.is_some_and(|r| r.rule == rule.name)
            || rule.outputs.iter().any(|o| o.path == *path || (o.tree && path.starts_with(&o.path)))
    })
}

fn one(write: &Write, setup: &Setup<'_>, store: &Store) -> Result<Rewritten, DiskError> {
    let what = write.to_string();
    let path = match write {
        Write::File(path) | Write::Removal(path) | Write::Verdict { path, .. } => Some(path.clone()),
        Write::Outputs(_) | Write::Record(_) => None,
    };
    let would = match write {
        Write::Removal(_) => Would::Remove,
        Write::Verdict { .. } => Would::Judge,
        Write::File(_) | Write::Outputs(_) | Write::Record(_) => Would::Publish,
    };
    let (cause, because) = match write {
        Write::Outputs(name) => (Cause::named(Kind::Input, name), "what it is made from would be merged anew".to_owned()),
        Write::Record(pass) => (Cause::named(Kind::Other, pass.to_string()), "the manifest says something else of it".to_owned()),
        Write::Removal(_) => (Cause::of(Kind::GoneItem), "what it was made from is no longer there".to_owned()),
        Write::File(path) => file(path, record_of(write, setup, store).as_ref(), setup)?,
        Write::Verdict { path, kind, check } => {
            let cause = Cause { new: Some(check.clone()), ..Cause::named(Kind::Gate, format!("{kind} of {path}")) };
            (cause, format!("its gate `{kind}` is new or was changed (`{check}`)"))
        }
    };
    Ok(Rewritten { path, what, would, because, cause })
}

fn file(path: &str, record: Option<&Published>, setup: &Setup<'_>) -> Result<(Cause, String), DiskError> {
    let bytes = disk::read_if_there(&setup.job_dir.join(path))?;
    let now = bytes.map(|b| Digest::of(&b));
    let Some(record) = record else {
        return Ok((Cause::named(Kind::Unpublished, path), "it was not published yet".to_owned()));
    };
    let of = |kind, new: Option<Digest>| Cause {
        old: Some(record.digest.to_hex()),
        new: new.map(|d| d.to_hex()),
        ..Cause::named(kind, path)
    };
    Ok(match now {
        None => (of(Kind::PublishedMissing, None), "it is missing".to_owned()),
        Some(now) if now == record.digest => (of(Kind::Input, None), "what it is made from changed".to_owned()),
        Some(now) => {
            let arrow = format!("{} → {}", record.digest.short(12), now.short(12));
            (of(Kind::PublishedEdited, Some(now)), format!("it was changed by hand ({arrow})"))
        }
    })
}
