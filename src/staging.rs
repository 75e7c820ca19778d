//! The staging layout that built-ins run by hand, commands and workers share: a private folder with `request.json`,
//! `inputs/` and `outputs/`. Knows names and shapes only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::builtin::{Item, Limits};

/// Version of `request.json`.
pub const VERSION: u32 = 1;

/// What is asked of a worker: `request.json`. All paths are relative to the folder that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub version: u32,
    /// Name of the rule, or of the built-in if it is run by hand.
    pub rule: String,
    #[serde(default)]
    pub item: Item,
    /// Params of the rule; what is left out has its default.
    #[serde(default)]
    pub params: Value,
    /// What the built-in may use up; the usual limits if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    pub inputs: BTreeMap<String, Paths>,
    /// Where each output goes: a file, or a folder for a tree.
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
}

/// One file, or the files of a tree in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Paths {
    File(String),
    Tree(Vec<String>),
}

/// The extension of a path as staging writes it: ASCII letters and digits in lower case, at most eight; "bin" if it has
/// none such. Nothing else of a user's file name reaches a command.
#[must_use]
pub fn safe_extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((_, e)) if (1..=8).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric()) => e.to_ascii_lowercase(),
        _ => "bin".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_extensions_survive() {
        assert_eq!(safe_extension("a/b.PDF"), "pdf");
        assert_eq!(safe_extension("x.$(id)"), "bin");
        assert_eq!(safe_extension("no.dir/noext"), "bin");
    }
}
