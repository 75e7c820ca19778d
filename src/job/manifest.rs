//! `manifest.json`: what a job consists of, pass by pass. Types and reading; `manifest_writer` writes it.
//! Knows nothing of how a status comes about.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::disk::{self, DiskError};
use crate::engine::graph::Pass;
use crate::engine::observe::{ArtifactRecord, PassedOver, Quarantined, Status};

/// The file's name in the job folder.
pub const FILE_NAME: &str = "manifest.json";

/// Figures by name: counts, seconds (`wall_s`), `tokens`, and `items` by output. They are of the build that wrote the record,
/// and sums over its lines in the log: `items` and `tokens` are what that build ran or took from the cache, not what was up to
/// date (`artifact_records` tell all that is there). A pass for which a build has nothing to do keeps its metrics.
pub type Metrics = BTreeMap<String, Value>;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    pub job_id: String,
    #[serde(default)]
    pub env: String,
    /// `A` to `F`.
    pub passes: BTreeMap<String, Record>,
    /// Rules of no pass, by name.
    #[serde(default)]
    pub rules: BTreeMap<String, Record>,
    /// `sha256:` and 64 hex digits, by source id.
    #[serde(default)]
    pub source_sha_map: BTreeMap<String, String>,
    /// What a pattern took and could not be a source, when the last build ran something; redacted.
    #[serde(default)]
    pub refused: Vec<PassedOver>,
    /// Files that no pattern took then, the first 100; `metrics.ignored_files` counts them all. Redacted.
    #[serde(default)]
    pub ignored: Vec<PassedOver>,
    /// Of the last build that ran or published something.
    #[serde(default)]
    pub metrics: Metrics,
    /// That build.
    #[serde(default)]
    pub build_id: String,
}

/// A pass, or a rule of no pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    pub status: Status,
    /// RFC 3339, UTC; null if it never started.
    #[serde(default)]
    pub started: Option<String>,
    /// RFC 3339, UTC; null if it never ended.
    #[serde(default)]
    pub ended: Option<String>,
    /// Names of the artifacts, in the order of `artifact_records`.
    #[serde(default)]
    pub artifacts: Vec<String>,
    #[serde(default)]
    pub artifact_records: Vec<ArtifactRecord>,
    #[serde(default)]
    pub metrics: Metrics,
    /// Nothing had to run: all came from the cache or was there.
    #[serde(default)]
    pub cached: bool,
    /// Documents that fell out in it, by source; later passes are without them too.
    #[serde(default)]
    pub quarantined: Vec<Quarantined>,
    /// Why it is FAILED or SKIPPED; null otherwise.
    #[serde(default)]
    pub error: Option<String>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            status: Status::Pending,
            started: None,
            ended: None,
            artifacts: Vec::new(),
            artifact_records: Vec::new(),
            metrics: Metrics::new(),
            cached: false,
            quarantined: Vec::new(),
            error: None,
        }
    }
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Not JSON, or not of the shape of a manifest.
    #[error("`{path}` is not a manifest: {message}")]
    Malformed { path: PathBuf, message: String },
}

impl Manifest {
    /// The manifest at `path`; `None` if there is no file.
    ///
    /// # Errors
    /// If it cannot be read or is no manifest (with line and column).
    pub fn read(path: &Path) -> Result<Option<Self>, ManifestError> {
        let Some(bytes) = disk::read_if_there(path)? else { return Ok(None) };
        match serde_json::from_slice(&bytes) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(e) => Err(ManifestError::Malformed { path: path.to_path_buf(), message: e.to_string() }),
        }
    }

    /// The record of `pass`; a pass that never ran is PENDING.
    #[must_use]
    pub fn pass(&self, pass: Pass) -> Record {
        self.passes.get(&pass.0.to_string()).cloned().unwrap_or_default()
    }

    /// The record of an artifact, and the pass (`A`) or rule that it belongs to.
    #[must_use]
    pub fn artifact(&self, name: &str) -> Option<(&str, &ArtifactRecord)> {
        let records = self.passes.iter().chain(&self.rules);
        records.flat_map(|(key, r)| r.artifact_records.iter().map(move |a| (key.as_str(), a))).find(|(_, a)| a.name == name)
    }

    /// The JSON Schema of the file, as committed in `schemas/manifest.schema.json`.
    #[must_use]
    pub fn schema() -> Value {
        schemars::schema_for!(Self).to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_made_by_hand_needs_only_what_matters() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        assert!(Manifest::read(&path).unwrap().is_none());
        disk::write(&path, br#"{"job_id":"job_1","passes":{"A":{"status":"SUCCESS"}}}"#).unwrap();
        let manifest = Manifest::read(&path).unwrap().unwrap();
        assert_eq!(manifest.pass(Pass('A')).status, Status::Success);
        assert_eq!(manifest.pass(Pass('B')).status, Status::Pending);
    }

    #[test]
    fn what_is_no_manifest_is_said_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        disk::write(&path, b"{\"job_id\": 7}").unwrap();
        let message = Manifest::read(&path).unwrap_err().to_string();
        assert!(
            message.ends_with("is not a manifest: invalid type: integer `7`, expected a string at line 1 column 12"),
            "{message}"
        );
    }

    #[test]
    fn the_committed_schema_is_the_one_of_the_types() {
        crate::job::log::assert_committed("schemas/manifest.schema.json", &Manifest::schema());
    }
}
