//! What lies upstream: of which rules the failure of a document bears on a rule or pass. Pure: a view of the build graph,
//! made once. Knows nothing of what has failed.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Pass, Range, RuleId};
use super::select::{needs, pass_needs, rules_of};

/// The view. A document that failed in a rule is left out of everything that the rule bears on.
#[derive(Debug, Default)]
pub struct Upstream {
    /// By pass: its rules, the rules of no pass that they need, and both of the passes that it takes input from.
    whole: BTreeMap<Pass, BTreeSet<RuleId>>,
    /// By rule: the rules that range over documents (or what is below them) and bear on its outputs.
    before: Vec<BTreeSet<RuleId>>,
    needs: Vec<BTreeSet<Pass>>,
}

impl Upstream {
    /// The view of `graph`.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let ids = || (0..graph.rules.len()).map(|i| RuleId(u32::try_from(i).unwrap_or(u32::MAX)));
        let whole = Pass::ALL.iter().map(|p| (*p, closure(graph, rules_of(graph, *p).collect(), true))).collect();
        let mut upstream = Self { whole, before: Vec::new(), needs: ids().map(|id| pass_needs(graph, id)).collect() };
        let ranging: Vec<RuleId> = ids().filter(|id| graph.rule(*id).range != Range::Job).collect();
        if ranging.is_empty() {
            return upstream;
        }
        let stage: Vec<Option<Pass>> = ids().map(|id| upstream.stage(graph, id)).collect();
        let once = |id: &RuleId| graph.rule(*id).range == Range::Job;
        let reads: BTreeMap<RuleId, BTreeSet<RuleId>> =
            ranging.iter().map(|x| (*x, closure(graph, vec![*x], false).into_iter().filter(once).collect())).collect();
        let before = ids().map(|id| {
            let own = closure(graph, vec![id], false);
            let upto = |x: &RuleId| upstream.whole.iter().any(|(p, w)| Some(*p) <= stage[id.ix()] && w.contains(x));
            // What is done once per job cannot wait for documents that wait for it.
            let waits_for_it = |x: &RuleId| once(&id) && reads[x].iter().any(|j| *j >= id && stage[j.ix()] == stage[id.ix()]);
            ranging.iter().copied().filter(|x| (own.contains(x) || upto(x)) && !waits_for_it(x)).collect()
        });
        upstream.before = before.collect();
        upstream
    }

    /// The pass that a rule belongs to, or after which it stands.
    fn stage(&self, graph: &Graph, id: RuleId) -> Option<Pass> {
        graph.rule(id).pass.or_else(|| self.needs[id.ix()].last().copied())
    }

    /// The rules over documents that bear on what `rule` publishes, or, if it is done once per job, on what it reads.
    #[must_use]
    pub fn before(&self, rule: RuleId) -> Option<&BTreeSet<RuleId>> {
        self.before.get(rule.ix())
    }

    /// Whether a failure in `failed` was known before a document's action of `rule` could start: it bears on a pass that
    /// `rule` takes input from.
    #[must_use]
    pub fn was_met_before(&self, failed: RuleId, rule: RuleId) -> bool {
        let needs = self.needs.get(rule.ix());
        needs.is_some_and(|n| n.iter().any(|p| self.whole.get(p).is_some_and(|w| w.contains(&failed))))
    }

    /// The rule that stands for a failure of a document in `pass`.
    #[must_use]
    pub fn stands_for(&self, graph: &Graph, pass: Pass) -> Option<RuleId> {
        let ranges = |id: &RuleId| graph.rule(*id).range != Range::Job;
        rules_of(graph, pass).find(ranges).or_else(|| self.whole.get(&pass)?.iter().rfind(|id| ranges(id)).copied())
    }

    /// The first of `passes` that a failure in `failed` bears on.
    #[must_use]
    pub fn first_of(&self, mut passes: impl Iterator<Item = Pass>, failed: RuleId) -> Option<Pass> {
        passes.find(|pass| self.whole.iter().any(|(p, w)| p <= pass && w.contains(&failed)))
    }
}

/// `from`, and all that it needs; with `whole_passes`, every rule of a pass of which one is needed.
fn closure(graph: &Graph, from: Vec<RuleId>, whole_passes: bool) -> BTreeSet<RuleId> {
    let (mut seen, mut open) = (BTreeSet::new(), from);
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(needs(graph.rule(id)));
            if let Some(pass) = graph.rule(id).pass.filter(|_| whole_passes) {
                open.extend(rules_of(graph, pass));
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::graph::{Command, CommandLine, CommandRule, From, Input, Rule, Run};

    /// A rule of `pass` that reads `inputs`.
    fn rule(name: &str, pass: Option<char>, range: Range, inputs: &[u32]) -> Rule {
        let line = CommandLine::Shell("true".to_owned());
        let command =
            Command { line, files: Vec::new(), version: None, version_files: Vec::new(), env: Vec::new(), timeout_s: None };
        let input = |i: &u32| Input { name: format!("i{i}"), from: From::Artifact { rule: RuleId(*i), output: 0, select: None } };
        Rule {
            name: name.to_owned(),
            pass: pass.map(Pass),
            range,
            run: Run::Command(CommandRule::plain(command)),
            inputs: inputs.iter().map(input).collect(),
            outputs: Vec::new(),
            gates: Vec::new(),
        }
    }

    fn before(upstream: &Upstream, rule: u32) -> Vec<u32> {
        upstream.before(RuleId(rule)).unwrap().iter().map(|r| r.0).collect()
    }

    #[test]
    fn a_failure_bears_on_its_pass_and_on_all_later_ones() {
        let graph = Graph {
            rules: vec![
                rule("text", None, Range::Source, &[]),
                rule("passA", Some('A'), Range::Source, &[0]),
                rule("passB", Some('B'), Range::Source, &[1]),
                rule("passC", Some('C'), Range::Source, &[]),
                rule("passD", Some('D'), Range::Job, &[3]),
            ],
            pools: Vec::new(),
        };
        let upstream = Upstream::of(&graph);
        assert_eq!(before(&upstream, 0), [0]);
        assert_eq!(before(&upstream, 1), [0, 1]);
        assert_eq!(before(&upstream, 3), [0, 1, 2, 3], "a later pass is without it even if it reads nothing of the earlier one");
        assert_eq!(before(&upstream, 4), [0, 1, 2, 3]);
        assert!(upstream.was_met_before(RuleId(0), RuleId(2)) && !upstream.was_met_before(RuleId(0), RuleId(1)));
        assert!(!upstream.was_met_before(RuleId(2), RuleId(3)), "nothing told passC to wait for passB");
        let selected = || [Pass('B'), Pass('C')].into_iter();
        assert_eq!(upstream.first_of(selected(), RuleId(0)), Some(Pass('B')));
        assert_eq!(upstream.first_of(selected(), RuleId(3)), Some(Pass('C')));
        assert_eq!(upstream.first_of(selected(), RuleId(4)), None);
    }

    #[test]
    fn what_is_done_once_per_job_waits_for_no_document_that_waits_for_it() {
        let graph = Graph {
            rules: vec![
                rule("names", Some('A'), Range::Source, &[]),
                rule("all_names", Some('A'), Range::Job, &[0]),
                rule("marked", Some('A'), Range::Source, &[1]),
                rule("other", Some('A'), Range::Job, &[0]),
                rule("late", Some('A'), Range::Source, &[3]),
            ],
            pools: Vec::new(),
        };
        let upstream = Upstream::of(&graph);
        assert_eq!(before(&upstream, 1), [0], "`marked` reads it, and `late` reads what may wait for `marked`");
        assert_eq!(before(&upstream, 3), [0, 2]);
        assert_eq!(before(&upstream, 0), [0, 2, 4], "what is published of a pass is without all that failed in it");
    }
}
