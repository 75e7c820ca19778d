//! `response.json`: what came of a request.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::builtin::{Attrs, Failure};
use crate::digest::Digest;
use crate::staging::VERSION;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    pub version: u32,
    pub builtin: String,
    pub status: ResponseStatus,
    /// By output name; empty on failure.
    pub outputs: BTreeMap<String, Made>,
    pub failure: Option<Failure>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ResponseStatus {
    Success,
    Failed,
}

/// One output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Below the request's folder.
    pub path: String,
    /// blake3 of the file; of names and digests in order for a tree.
    pub digest: Digest,
    pub bytes: u64,
    /// Array length, files of a tree, or 1.
    pub items: u64,
    /// Of a tree, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<MadeFile>,
}

/// One file of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFile {
    pub name: String,
    pub digest: Digest,
    pub bytes: u64,
    /// Placement within the item; "" if it has none.
    pub attrs: Attrs,
}

impl Made {
    pub(super) fn file(path: &str, bytes: &[u8], count: &dyn Fn(&[u8]) -> Option<u64>) -> Self {
        let items = count(bytes).unwrap_or(1);
        Self { path: path.to_owned(), digest: Digest::of(bytes), bytes: bytes.len() as u64, items, files: Vec::new() }
    }

    pub(super) fn tree(path: &str, digest: Digest, files: Vec<MadeFile>) -> Self {
        let bytes = files.iter().map(|f| f.bytes).sum();
        Self { path: format!("{path}/"), digest, bytes, items: files.len() as u64, files }
    }
}

impl Response {
    pub(super) fn failed(builtin: &str, failure: Failure) -> Self {
        let (version, builtin) = (VERSION, builtin.to_owned());
        Self { version, builtin, status: ResponseStatus::Failed, outputs: BTreeMap::new(), failure: Some(failure) }
    }

    pub(super) fn succeeded(builtin: &str, outputs: Vec<(String, Made)>) -> Self {
        let (version, builtin) = (VERSION, builtin.to_owned());
        Self { version, builtin, status: ResponseStatus::Success, outputs: outputs.into_iter().collect(), failure: None }
    }
}
