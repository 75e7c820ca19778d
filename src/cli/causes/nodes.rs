//! How things stand with each action: from the plan, and for those that the plan cannot name yet from what is above them.

use super::{Causes, Node, Standing};
use crate::engine::graph::{Range, RuleId};
use crate::engine::manifest;
use crate::engine::observe::Quarantined;
use crate::engine::plan::{Fate, Plan};
use crate::engine::reason::Reason;
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
                waits_for: action.waits_for.as_ref().and_then(|n| self.graph.rule_named(n)),
                below: false,
            };
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
            Standing::Run | Standing::LeftOut if out.is_some() => {
                (Standing::LeftOut, Some(Reason::Quarantined(self.quarantined(&maker.item, out))))
            }
            Standing::Run | Standing::May => (Standing::May, None),
            Standing::StillFailing | Standing::Blocked => (Standing::Blocked, maker.reason.clone()),
            _ => return None,
        };
        let waits_for = Some(maker.rule);
        let node = Node { rule, item: maker.item.clone(), standing, count: 1, reason, waits_for, below: true };
        let count = self.last_below(&node).len().max(1) as u64;
        Some(self.with_own_changes(Node { count, ..node }))
    }

    fn quarantined(&self, item: &str, out: Option<&Quarantined>) -> String {
        format!("`{}` is quarantined: {}", self.path_of(item), out.map_or("", |q| q.reason.as_str()))
    }

    /// What changed of the declaration of actions that cannot be named yet.
    fn with_own_changes(&self, mut node: Node) -> Node {
        let last = self.last_below(&node).into_iter().next().filter(|_| node.standing == Standing::May);
        let declared = self.declared.get(&self.graph.rule(node.rule).name);
        if let (Some(last), Some(declared)) = (last, declared) {
            let changes = declared.own_changes_since(&manifest::of_last(self.state, &last));
            if !changes.is_empty() {
                node.standing = Standing::Run;
                node.reason = Some(Reason::Changed(changes));
            }
        }
        node
    }

    pub(super) fn last(&self, rule: RuleId, item: &str) -> Option<LastBuild> {
        self.state.last.get(format!("{}\0{}\0{item}", self.job_key, self.graph.rule(rule).name).as_str())
    }

    pub(super) fn last_below(&self, node: &Node) -> Vec<LastBuild> {
        let slash = if node.item.is_empty() { "" } else { "/" };
        let prefix = format!("{}\0{}\0{}{slash}", self.job_key, self.graph.rule(node.rule).name, node.item);
        let from = self.state.last.range_from(prefix.as_str());
        from.take_while(|(k, _)| k.starts_with(&prefix)).map(|(_, l)| l).collect()
    }
}
