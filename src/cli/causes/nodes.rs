//! How things stand with each action: from the plan, for those that the plan cannot name yet from what is above them, and
//! from the records of the last builds.

use std::collections::HashSet;

use super::{Causes, Node, Standing};
use crate::engine::graph::{Range, Rule, RuleId, Run};
use crate::engine::manifest::{ActionManifest, Change, Field};
use crate::engine::observe::Quarantined;
use crate::engine::plan::{Fate, Plan};
use crate::store::records::LastBuild;

impl<'a> Causes<'a> {
    pub(super) fn take(&mut self, plan: &Plan) {
        for action in &plan.actions {
            let Some(rule) = self.graph.rule_named(&action.action.rule) else { continue };
            let standing = match action.fate {
                Fate::UpToDate => Standing::UpToDate,
                Fate::FromCache => Standing::FromCache,
                Fate::Run => Standing::Run,
                Fate::May => Standing::May,
                Fate::StillFailing => Standing::StillFailing,
                Fate::Blocked => Standing::Blocked,
                Fate::LeftOut => Standing::LeftOut,
            };
            let node = Node {
                rule,
                item: action.action.item.clone(),
                standing,
                count: 1,
                reason: action.reason.clone(),
                changes: action.changes.clone(),
                waits_for: action.waits_for.as_ref().and_then(|n| self.graph.rule_named(n)),
                below: false,
            };
            let node = self.with_own_changes(node);
            self.nodes.entry(rule).or_default().push(node);
        }
        for ix in 0..self.graph.rules.len() {
            let rule = RuleId(u32::try_from(ix).unwrap_or(u32::MAX));
            if let Range::Tree { rule: maker, .. } = self.graph.rule(rule).range {
                let unmade: Vec<Node> = self.of(maker).iter().filter_map(|n| self.unmade(rule, n, plan)).collect();
                if !unmade.is_empty() {
                    self.nodes.entry(rule).or_default().extend(unmade);
                }
            }
        }
    }

    /// Stands for the actions of `rule` below an action whose tree is not known.
    fn unmade(&self, rule: RuleId, maker: &Node, plan: &Plan) -> Option<Node> {
        let source = self.source_of(&maker.item);
        let out = plan.quarantined.iter().find(|q| source == Some(q.source_id.as_str()));
        let (standing, reason) = match maker.standing {
            Standing::Run | Standing::LeftOut if out.is_some() => (Standing::LeftOut, self.quarantined(&maker.item, out)),
            Standing::Run | Standing::May => (Standing::May, String::new()),
            Standing::StillFailing | Standing::Blocked => (Standing::Blocked, maker.reason.clone()),
            _ => return None,
        };
        let waits_for = Some(maker.rule);
        let node =
            Node { rule, item: maker.item.clone(), standing, count: 1, reason, changes: Vec::new(), waits_for, below: true };
        let count = self.last_below(&node).len().max(1) as u64;
        Some(self.with_own_changes(Node { count, ..node }))
    }

    fn quarantined(&self, item: &str, out: Option<&Quarantined>) -> String {
        format!("`{}` is quarantined: {}", self.path_of(item), out.map_or("", |q| q.reason.as_str()))
    }

    /// What changed of an action whose inputs are not known: its params, code and command are.
    fn with_own_changes(&self, mut node: Node) -> Node {
        if node.standing != Standing::May || node.waits_for.is_none() {
            return node;
        }
        let last = if node.below { self.last_below(&node).first().copied() } else { self.last(node.rule, &node.item) };
        if let Some(last) = last {
            node.changes = own_changes(self.graph.rule(node.rule), &ActionManifest::decode(&last.manifest));
            if !node.changes.is_empty() {
                node.standing = Standing::Run;
            }
        }
        node
    }

    pub(super) fn last(&self, rule: RuleId, item: &str) -> Option<&'a LastBuild> {
        self.state.last.get(format!("{}\0{}\0{item}", self.job_key, self.graph.rule(rule).name).as_str())
    }

    pub(super) fn last_below(&self, node: &Node) -> Vec<&'a LastBuild> {
        let slash = if node.item.is_empty() { "" } else { "/" };
        let prefix = format!("{}\0{}\0{}{slash}", self.job_key, self.graph.rule(node.rule).name, node.item);
        let from = self.state.last.range_from(prefix.as_str());
        from.take_while(|(k, _)| k.starts_with(&prefix)).map(|(_, l)| l).collect()
    }

    /// What the last build of each action of `rule` changed, of those that `wanted` takes; without those that the plan no
    /// longer has.
    pub fn last_nodes(&self, rule: RuleId, wanted: &dyn Fn(&str) -> bool) -> Vec<Node> {
        let prefix = format!("{}\0{}\0", self.job_key, self.graph.rule(rule).name);
        let all = self.state.last.range_from(prefix.as_str()).take_while(|(k, _)| k.starts_with(&prefix));
        let planned: HashSet<&str> = self.of(rule).iter().map(|n| n.item.as_str()).collect();
        let is_whole = !planned.is_empty() && self.of(rule).iter().all(|n| !n.below);
        let there = |item: &str| {
            (!is_whole || planned.contains(item)) && self.source_of(item).is_none_or(|id| self.sources.iter().any(|s| s.id == id))
        };
        all.map(|(k, last)| (&k[prefix.len()..], last))
            .filter(|(item, _)| wanted(item) && there(item))
            .map(|(item, last)| {
                let changes = last
                    .previous
                    .as_ref()
                    .map(|previous| ActionManifest::decode(&last.manifest).changes_since(&ActionManifest::decode(previous)));
                let reason = if changes.is_none() { "it was built for the first time" } else { "it was built again as it was" };
                Node {
                    rule,
                    item: item.to_owned(),
                    standing: Standing::Ran,
                    count: 1,
                    reason: reason.to_owned(),
                    changes: changes.unwrap_or_default(),
                    waits_for: None,
                    below: false,
                }
            })
            .collect()
    }
}

/// What changed of an action's own declaration since `old`: all of its manifest but the item and the inputs.
fn own_changes(rule: &Rule, old: &ActionManifest) -> Vec<Change> {
    let Run::Builtin { builtin, params } = &rule.run else {
        let Run::Command(command) = &rule.run else { return Vec::new() };
        let line = serde_json::to_string(&command.line).unwrap_or_default();
        return only(old, &|f| matches!(f, Field::Command), vec![(Field::Command, line)]);
    };
    let mut now = vec![(Field::Builtin, builtin.name.to_owned()), (Field::Code, builtin.fingerprint.to_owned())];
    if let serde_json::Value::Object(params) = params {
        now.extend(params.iter().map(|(k, v)| (Field::Param(k.clone()), v.to_string())));
    }
    only(old, &|f| matches!(f, Field::Builtin | Field::Code | Field::Param(_)), now)
}

fn only(old: &ActionManifest, takes: &dyn Fn(&Field) -> bool, now: Vec<(Field, String)>) -> Vec<Change> {
    let old = ActionManifest(old.0.iter().filter(|(f, _)| takes(f)).cloned().collect());
    ActionManifest(now).changes_since(&old)
}
