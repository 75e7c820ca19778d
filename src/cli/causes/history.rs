//! What earlier builds did with each action, from the records: why it last ran, and what became of it since.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Causes, Node, Standing};
use crate::engine::graph::RuleId;
use crate::engine::reason::{Cause, Reason};
use crate::store::records::{Came, LastBuild, Turn};

/// The last times that one action was not up to date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ActionHistory {
    pub rule: String,
    pub item: String,
    /// Newest first; the last run is among them.
    pub turns: Vec<Told>,
}

/// One time that an action was not up to date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Told {
    /// As in the log and the manifest.
    pub build_id: String,
    pub came: Came,
    /// False if it was told from what was known: the cache, or a failure or rejection that is remembered.
    pub ran: bool,
    /// One sentence.
    pub because: String,
    pub cause: Cause,
}

impl<'a> Causes<'a> {
    /// Records of `rule`, of the items that `wanted` takes; without those that the plan no longer has.
    fn records(&self, rule: RuleId, wanted: &dyn Fn(&str) -> bool) -> Vec<(String, LastBuild)> {
        let prefix = format!("{}\0{}\0", self.job_key, self.graph.rule(rule).name);
        let length = prefix.len();
        let all = self.state.last.range_from(prefix.as_str()).take_while(|(k, _)| k.starts_with(&prefix));
        let planned: HashSet<&str> = self.of(rule).iter().map(|n| n.item.as_str()).collect();
        let is_whole = !planned.is_empty() && self.of(rule).iter().all(|n| !n.below);
        let there = |item: &str| {
            (!is_whole || planned.contains(item)) && self.source_of(item).is_none_or(|id| self.paths.contains_key(id))
        };
        all.map(|(k, last)| (k[length..].to_owned(), last)).filter(|(item, _)| wanted(item) && there(item)).collect()
    }

    /// Why each action of `rule` last ran, of those that `wanted` takes.
    pub fn last_nodes(&self, rule: RuleId, wanted: &dyn Fn(&str) -> bool) -> Vec<Node> {
        let node = |(item, last): (String, LastBuild)| {
            // A result of another job comes from the cache at once: then that is what is known.
            let turn = last.history.iter().find(|t| t.ran).or(last.history.last());
            Node {
                rule,
                item,
                standing: if turn.is_some_and(|t| t.ran) { Standing::Ran } else { Standing::CameFromCache },
                count: 1,
                reason: turn.and_then(reason_of),
                waits_for: None,
                below: false,
            }
        };
        self.records(rule, wanted).into_iter().map(node).collect()
    }

    /// What is kept of each action of `rule` that `wanted` takes.
    #[must_use]
    pub fn history(&self, rule: RuleId, wanted: &dyn Fn(&str) -> bool) -> Vec<ActionHistory> {
        let records = self.records(rule, wanted).into_iter();
        let told = |(item, last): (String, LastBuild)| ActionHistory {
            rule: self.graph.rule(rule).name.clone(),
            turns: last.history.iter().map(|t| self.told(rule, &item, t)).collect(),
            item,
        };
        records.map(told).collect()
    }

    fn told(&self, rule: RuleId, item: &str, turn: &Turn) -> Told {
        let node = Node {
            rule,
            item: item.to_owned(),
            standing: Standing::Ran,
            count: 1,
            reason: reason_of(turn),
            waits_for: None,
            below: false,
        };
        let found = self.found(&node);
        let more = if found.len() > 1 { format!(" (and {} more)", found.len() - 1) } else { String::new() };
        let first = found.into_iter().next().map(super::redacted);
        Told {
            build_id: self.state.builds.get(&turn.build).unwrap_or_default(),
            came: turn.came,
            ran: turn.ran,
            because: first.as_ref().map(|f| format!("{}{more}", f.because)).unwrap_or_default(),
            cause: first.map_or(Cause::of(super::Kind::Other), |f| f.cause),
        }
    }
}

fn reason_of(turn: &Turn) -> Option<Reason> {
    postcard::from_bytes(&turn.reason).ok()
}
