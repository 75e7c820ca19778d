//! What a command says of its work, in `response.json` or a line on its stdout, checked before anything of it is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::CommandError;
use crate::disk::{self, Kind};
use crate::engine::execute::{OutputSlot, RunError, Task};
use crate::staging;

/// A longer response is none.
pub(super) const MOST_BYTES: usize = 1 << 20;
/// So many warnings are told; more say no more.
const MOST_WARNINGS: usize = 20;
/// What is told of one.
const WARNING_CHARS: usize = 500;
/// Where a command that is not spoken to leaves it.
const FILE: &str = "response.json";

/// A response: `schemas/response.schema.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Response {
    version: u32,
    tool: Tool,
    item: String,
    outputs: BTreeSet<String>,
    counts: BTreeMap<String, u64>,
    tokens: BTreeMap<String, u64>,
    warnings: Vec<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    error: Option<ToldError>,
    /// Of the request that it answers.
    #[serde(default)]
    pub(super) id: Option<u64>,
    /// Place in the batch.
    #[serde(default)]
    pub(super) index: usize,
    /// Of the first line of a worker.
    #[serde(default)]
    pub(super) ready: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    name: String,
    version: String,
}

/// What a response says is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldError {
    /// `bad_document`, `missing_package`, …
    pub kind: String,
    /// One sentence.
    pub message: String,
    /// The way out.
    #[serde(deserialize_with = "Option::deserialize")]
    pub hint: Option<String>,
    /// The same request may go well another time.
    pub retry: bool,
}

impl Response {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, CommandError> {
        let refused = |why: String| CommandError::BadResponse { why };
        let response: Self = serde_json::from_slice(bytes).map_err(|e| refused(e.to_string()))?;
        if response.version != staging::VERSION {
            return Err(refused(format!("it is of version {}, not {}", response.version, staging::VERSION)));
        }
        Ok(response)
    }

    /// The one that a command left in its private folder `at`; `None` if it left none.
    ///
    /// # Errors
    /// If it is no file, too long, or not one.
    pub(super) fn left_in(at: &Path) -> Result<Option<Self>, RunError> {
        let path = at.join(FILE);
        match disk::kind(&path)? {
            None => return Ok(None),
            Some(Kind::File) => {}
            Some(_) => return Err(CommandError::BadResponse { why: "it is no file".to_owned() }.into()),
        }
        let bytes = disk::read_start(&path, MOST_BYTES + 1)?;
        if bytes.len() > MOST_BYTES {
            return Err(too_long().into());
        }
        Ok(Some(Self::parse(&bytes)?))
    }

    /// What it says went wrong as a whole.
    pub(super) fn error(&self) -> Option<&ToldError> {
        self.error.as_ref()
    }

    /// What it says of the work of `task`, if that went well.
    ///
    /// # Errors
    /// What it says went wrong; what it says that cannot be so.
    pub(super) fn of(self, task: &Task) -> Result<Said, CommandError> {
        let refused = |why: String| CommandError::BadResponse { why };
        if self.item != task.item.id {
            return Err(refused(format!("it is about the item `{}`, and was asked for `{}`", self.item, task.item.id)));
        }
        if let Some(error) = self.error {
            return Err(CommandError::Told(error));
        }
        if let Some(name) = self.outputs.iter().find(|name| task.outputs.iter().all(|o| o.name != **name)) {
            return Err(refused(format!("it names an output `{name}`, which the rule has not")));
        }
        let tokens = self.tokens.into_iter().map(|(name, n)| (format!("{name}_tokens"), n));
        let told = |warning: &String| warning.chars().take(WARNING_CHARS).collect();
        Ok(Said {
            outputs: self.outputs,
            counts: self.counts.into_iter().chain(tokens).collect(),
            warnings: self.warnings.iter().take(MOST_WARNINGS).map(told).collect(),
            tool: Some(format!("{} {}", self.tool.name, self.tool.version).trim_end().to_owned()),
        })
    }
}

pub(super) fn too_long() -> CommandError {
    CommandError::BadResponse { why: format!("it is longer than {MOST_BYTES} bytes") }
}

/// What a command says of work that went well.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Those that it says it wrote.
    outputs: BTreeSet<String>,
    pub(super) counts: Vec<(String, u64)>,
    pub(super) warnings: Vec<String>,
    pub(super) tool: Option<String>,
}

impl Said {
    /// Whether the output of `slot` may be looked for: a response names all that it wrote.
    ///
    /// # Errors
    /// If it names others and not this one.
    pub(super) fn claims(&self, slot: &OutputSlot) -> Result<(), CommandError> {
        match self.tool.is_none() || self.outputs.contains(&slot.name) {
            true => Ok(()),
            false => Err(CommandError::NoOutput(slot.name.clone())),
        }
    }
}
