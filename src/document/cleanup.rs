//! The validation report: passF_cleanup.json. Facts about its inputs only.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole of passF_cleanup.json.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cleanup {
    /// Number of ids that `fixes` tells consumers to drop.
    pub stale_deleted: u64,
    pub fixes: Vec<Fix>,
    /// In a fixed order.
    pub checks: Vec<Check>,
    /// Sources, pages, sections, terms, chunks, entities, nodes, edges, tokens.
    pub totals: BTreeMap<String, u64>,
}

/// Something to drop, with its reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// `exact_duplicate`, `near_duplicate`, `unsupported`.
    #[schemars(length(min = 1))]
    pub rule: String,
    /// The id to drop.
    #[schemars(length(min = 1))]
    pub subject: String,
    #[schemars(length(min = 1))]
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    Pass,
    Warn,
    Fail,
}

/// One check: its value against its limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    #[schemars(length(min = 1))]
    pub name: String,
    pub status: CheckStatus,
    pub value: f64,
    pub limit: f64,
}
