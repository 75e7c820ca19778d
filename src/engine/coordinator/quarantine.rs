//! Documents that are set aside: which, since which pass, and why. Everything that leaves one out asks here.
//!
//! A document falls out when one of its actions fails or is rejected, and from then on it is out of all that the failed rule
//! bears on (`upstream`): what its pass publishes, what later passes merge and publish. Its later actions are left out, not
//! blocked. It falls out as well if a gate on a merge rejects its items (`at_fault`). A pass that is not built has its documents
//! set aside as its record says. Failures that are no document's (of what is done once per job, of a gate on a merge as a
//! whole) are none of this module's business: they fail the pass.

use std::collections::{BTreeMap, BTreeSet};

use super::{ActionIx, Condition, Coordinator, Setup, Soundness};
use crate::engine::graph::{From, Pass, Range, RuleId};
use crate::engine::items::{ItemIx, Items, JOB};
use crate::engine::observe::{Outcome, Problem, Quarantined};
use crate::engine::policy::{Barrier, OnError};
use crate::engine::reason::Reason;
use crate::engine::select::{Choice, rules_of};
use crate::engine::upstream::Upstream;
use crate::engine::verdict::Verdict;

/// The documents that are out.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    /// Whether a document that fails is set aside; if not, only those are out that an earlier build set aside.
    pub(super) sets_aside: bool,
    upstream: Upstream,
    failures: BTreeMap<ItemIx, Failures>,
    /// Some action failed in a way that is tried again by the next build.
    pub(super) tries_again: bool,
}

/// Why a document is out.
#[derive(Debug, Default)]
struct Failures {
    /// By rule and item, so that the first does not depend on which was found first.
    found: BTreeMap<(RuleId, String), String>,
    /// By passes that are not built: what their records say, and the rule that stands for the pass.
    recorded: BTreeMap<Pass, (RuleId, String)>,
}

impl Failures {
    fn rules(&self) -> impl Iterator<Item = RuleId> {
        self.found.keys().map(|(rule, _)| *rule).chain(self.recorded.values().map(|(rule, _)| *rule))
    }

    /// The first reason, of those in rules that `takes` takes, with how many more there are.
    fn reason(&self, takes: impl Fn(RuleId) -> bool) -> Option<String> {
        let mut reasons = self.found.iter().filter(|((rule, _), _)| takes(*rule)).map(|(_, why)| why);
        let first = reasons.next()?;
        let more = reasons.count();
        Some(if more == 0 { first.clone() } else { format!("{first} (and {more} more)") })
    }
}

impl Quarantine {
    /// What earlier builds set aside of `sources`, as passes that `is_built` does not take say of themselves.
    pub(super) fn new(setup: &Setup<'_>, items: &Items, sources: &[ItemIx], is_built: impl Fn(Pass) -> bool) -> Self {
        let sets_aside = setup.on_error == OnError::Quarantine;
        let recorded = || setup.prior.iter().filter(|(p, prior)| !is_built(**p) && !prior.quarantined.is_empty());
        if !sets_aside && recorded().next().is_none() {
            return Self::default();
        }
        let mut quarantine = Self { sets_aside, upstream: Upstream::of(setup.graph), ..Self::default() };
        for (pass, prior) in recorded() {
            let Some(rule) = quarantine.upstream.stands_for(setup.graph, *pass) else { continue };
            for out in &prior.quarantined {
                if let Some(source) = sources.iter().find(|s| items.get(**s).full_id == out.source_id) {
                    let failures = quarantine.failures.entry(*source).or_default();
                    failures.recorded.insert(*pass, (rule, out.reason.clone()));
                }
            }
        }
        quarantine
    }

    /// Whether `source` is left out of what `rule` publishes, or, if it is done once per job, of what it reads.
    pub(super) fn is_out(&self, source: ItemIx, rule: RuleId) -> bool {
        let Some(failures) = self.failures.get(&source) else { return false };
        self.upstream.before(rule).is_some_and(|before| failures.rules().any(|r| before.contains(&r)))
    }

    /// The sources that are left out there.
    pub(super) fn left_out(&self, rule: RuleId) -> BTreeSet<ItemIx> {
        self.failures.keys().copied().filter(|source| self.is_out(*source, rule)).collect()
    }

    /// Whether `source` fell out in a pass that `rule` waits for.
    fn fell_out_before(&self, source: ItemIx, rule: RuleId) -> bool {
        self.failures.get(&source).is_some_and(|f| f.rules().any(|failed| self.upstream.was_met_before(failed, rule)))
    }

    /// Whether a pass that is not built has `source` set aside.
    pub(super) fn is_recorded(&self, source: ItemIx) -> bool {
        self.failures.get(&source).is_some_and(|f| !f.recorded.is_empty())
    }

    /// Why `source` is out, whatever of.
    pub(super) fn reason(&self, source: ItemIx) -> String {
        let failures = self.failures.get(&source);
        let recorded = failures.and_then(|f| f.recorded.values().next().map(|(_, why)| why.clone()));
        recorded.or_else(|| failures?.reason(|_| true)).unwrap_or_default()
    }

    /// The rules over documents that must have come to an end before `rule` can know who is out.
    pub(super) fn waits_for(&self, rule: RuleId) -> impl Iterator<Item = RuleId> {
        self.upstream.before(rule).filter(|_| self.sets_aside).into_iter().flatten().copied()
    }

    /// The pass, of `built` in order, in which `source` falls out.
    fn since(&self, failures: &Failures, built: &BTreeSet<Pass>) -> Option<Pass> {
        if !failures.recorded.is_empty() {
            return None;
        }
        failures.found.keys().filter_map(|(rule, _)| self.upstream.first_of(built.iter().copied(), *rule)).min()
    }
}

impl Coordinator<'_, '_> {
    /// Reads what is set aside already; all sources are known, and which passes are built.
    pub(super) fn read_quarantine(&mut self) {
        let sources = self.source_items();
        let is_built = |pass: Pass| self.passes.contains_key(&pass);
        self.quarantine = Quarantine::new(self.setup, &self.items, &sources, is_built);
    }

    fn source_items(&self) -> Vec<ItemIx> {
        self.children.get(&(JOB, Range::Source)).cloned().unwrap_or_default()
    }

    /// The source that an action is about, if it is about one.
    fn source_item(&self, ix: ActionIx) -> Option<ItemIx> {
        Some(self.items.in_range(self.actions[ix.0].item, Range::Source)).filter(|item| *item != JOB)
    }

    /// Whether it is a document that fails when the action ends like that. A document whose edits by hand no longer fit is
    /// not set aside: a person has to choose.
    pub(super) fn is_documents(&self, ix: ActionIx, outcome: Outcome) -> bool {
        self.quarantine.sets_aside
            && !matches!(self.actions[ix.0].reason.as_deref(), Some(Reason::Adopted { .. }))
            && matches!(outcome, Outcome::Failed | Outcome::Rejected)
            && self.setup.selection.of(self.actions[ix.0].rule) == Choice::Selected
            && self.source_item(ix).is_some()
    }

    /// How sure what an action leads to is, if it was not accepted.
    pub(super) fn soundness_without(&self, ix: ActionIx, outcome: Outcome) -> Soundness {
        if outcome == Outcome::LeftOut || self.is_documents(ix, outcome) { Soundness::Out } else { Soundness::Bad }
    }

    /// The document of the action is out from here on.
    pub(super) fn set_aside(&mut self, ix: ActionIx, outcome: Outcome, problem: Option<&Problem>) {
        let Some(source) = self.source_item(ix).filter(|_| self.is_documents(ix, outcome)) else { return };
        let (rule, item) = (self.actions[ix.0].rule, self.items.get(self.actions[ix.0].item).full_id.clone());
        let said = problem.map(sentence).unwrap_or_default();
        let why = format!("{}: {said}", self.subject_of(ix));
        self.quarantine.failures.entry(source).or_default().found.insert((rule, item), why);
        let key = self.actions[ix.0].key;
        let is_lasting = key.and_then(|k| self.store.state.results.get(&k)).is_some();
        self.quarantine.tries_again |= !is_lasting;
    }

    /// The document is out from `rule` on: the gate on the merge `path` rejects what is merged of it.
    pub(super) fn set_aside_for(&mut self, source: ItemIx, rule: RuleId, path: &str, verdict: &Verdict) {
        let problem = Problem {
            message: format!("the gate of `{path}` rejected what it holds of it"),
            violations: verdict.violations.clone(),
            ..Problem::default()
        };
        self.set_aside_from(source, rule, &sentence(&problem));
    }

    /// The document is out from `rule` on, whose actions were done.
    pub(super) fn set_aside_from(&mut self, source: ItemIx, rule: RuleId, said: &str) {
        let document = self.items.source_of(source).map_or("", |s| s.path.as_str());
        let why = format!("`{}` of {document}: {said}", self.setup.graph.rule(rule).name);
        let id = self.items.get(source).full_id.clone();
        self.quarantine.failures.entry(source).or_default().found.insert((rule, id), why);
    }

    /// Whether an action that fails, or is rejected, for what is known of its key did so in the build before, which recorded
    /// its document: nothing is to be told. Asked before anything is remembered of this build.
    pub(super) fn fails_as_before(&self, ix: ActionIx) -> bool {
        let action = &self.actions[ix.0];
        if !self.quarantine.sets_aside || action.started.is_some() {
            return false;
        }
        let Some(source) = self.source_item(ix) else { return false };
        let id = &self.items.get(source).full_id;
        let has = |out: &[Quarantined]| out.iter().any(|q| q.source_id == *id);
        let rule = self.setup.graph.rule(action.rule);
        let by_rule = rule.pass.is_some() || self.setup.prior_rules.get(&rule.name).is_some_and(|out| has(out));
        let bears_on_a_pass = self.quarantine.upstream.first_of(self.passes.keys().copied(), action.rule).is_some();
        let by_pass = !bears_on_a_pass || self.setup.prior.values().any(|prior| has(&prior.quarantined));
        let last = self.store.state.last.get(&self.last_key(ix));
        let same = |l: &crate::store::records::LastBuild| {
            Some(l.key) == action.key
                && !l.accepted
                && self.store.state.gates.get(&l.gates).as_ref() == Some(&self.gate_lists[action.rule.ix()])
        };
        by_rule && by_pass && last.as_ref().is_some_and(same)
    }

    /// Whether what is published of `rule` is without the source with that id, as the job's manifest says.
    pub(super) fn is_published_without(&self, source_id: &str, rule: RuleId) -> bool {
        let has = |out: &[Quarantined]| out.iter().any(|q| q.source_id == source_id);
        let in_pass = |upto: Pass| self.setup.prior.range(..=upto).any(|(_, prior)| has(&prior.quarantined));
        let by = |id: RuleId| match self.setup.graph.rule(id).pass {
            Some(pass) => in_pass(pass),
            None => self.setup.prior_rules.get(&self.setup.graph.rule(id).name).is_some_and(|out| has(out)),
        };
        by(rule) || self.quarantine.upstream.before(rule).is_some_and(|before| before.iter().any(|r| by(*r)))
    }

    /// Whether an action whose conditions hold is left out, because its document fell out before.
    pub(super) fn is_left_out(&self, ix: ActionIx) -> bool {
        let action = &self.actions[ix.0];
        let waits_for_passes = self.setup.graph.rule(action.rule).pass.is_some();
        let fell_out = |source| waits_for_passes && self.quarantine.fell_out_before(source, action.rule);
        action.is_out || self.source_item(ix).is_some_and(fell_out)
    }

    /// What is said of an action that is left out.
    pub(super) fn left_out_reason(&self, ix: ActionIx) -> String {
        let Some(source) = self.source_item(ix) else { return String::new() };
        let path = self.items.source_of(source).map(|s| s.path.clone()).unwrap_or_default();
        format!("`{path}` is quarantined: {}", self.quarantine.reason(source))
    }

    /// Why an action that is done once per job over documents has none left to work on.
    pub(super) fn nothing_left(&self, ix: ActionIx) -> Option<String> {
        let id = self.actions[ix.0].rule;
        let rule = self.setup.graph.rule(id);
        let ranges =
            |input: &From| matches!(input, From::Artifact { rule, .. } if self.setup.graph.rule(*rule).range != Range::Job);
        if rule.range != Range::Job || !rule.inputs.iter().any(|i| ranges(&i.from)) {
            return None;
        }
        self.all_out(|source| self.quarantine.is_out(source, id))
    }

    /// What is said of a pass, or of a rule of no pass, whose every document is out.
    pub(super) fn every_document_is_out(&self, pass: Option<Pass>, rule: RuleId) -> Option<Problem> {
        let out = |source| match pass {
            Some(pass) => rules_of(self.setup.graph, pass).any(|r| self.quarantine.is_out(source, r)),
            None => self.setup.graph.rule(rule).range != Range::Job && self.quarantine.is_out(source, rule),
        };
        self.all_out(out).map(|message| Problem { message, ..Problem::default() })
    }

    fn all_out(&self, is_out: impl Fn(ItemIx) -> bool) -> Option<String> {
        if self.quarantine.failures.is_empty() {
            return None;
        }
        let sources = self.source_items();
        let first = *sources.first()?;
        let message = || format!("every document is quarantined: {}", self.quarantine.reason(first));
        sources.iter().all(|s| is_out(*s)).then(message)
    }

    /// Why a pass cannot be, although its actions may have come to an end: one that it needs has failed meanwhile.
    pub(super) fn needs_a_bad_pass(&self, pass: Pass) -> Option<String> {
        if !self.quarantine.sets_aside {
            return None;
        }
        let bad = |p: &Pass| self.settled.get(&Condition::Pass(*p)) == Some(&Soundness::Bad);
        match self.needed_passes(pass).into_iter().find(bad) {
            Some(bad) => Some(self.why_bad.get(&Condition::Pass(bad)).cloned().unwrap_or_else(|| format!("{bad} failed"))),
            None => self.stopped_at.filter(|at| pass > *at).map(|at| format!("{at} failed")),
        }
    }

    /// Whether everything is known that decides which documents `rule` is without.
    pub(super) fn knows_who_is_out(&self, rule: RuleId) -> bool {
        if !self.quarantine.sets_aside {
            return true;
        }
        let is_selected = |r: &RuleId| self.setup.selection.of(*r) == Choice::Selected;
        let ended = |r: RuleId| self.settled.contains_key(&Condition::Scope(r, JOB));
        let pass = self.setup.graph.rule(rule).pass;
        let earlier = self.passes.keys().filter(|p| pass.is_some_and(|pass| **p < pass));
        self.quarantine.waits_for(rule).filter(is_selected).all(ended)
            && earlier.into_iter().all(|p| self.settled.contains_key(&Condition::Pass(*p)))
    }

    /// What an action on `item` waits for before it may start in a pass that needs `pass`: the pass, or, where documents go
    /// ahead by themselves, the document's own way through it.
    pub(super) fn passage(&self, pass: Pass, item: ItemIx) -> Condition {
        let source = self.items.in_range(item, Range::Source);
        let has_documents = || rules_of(self.setup.graph, pass).any(|r| self.setup.graph.rule(r).range != Range::Job);
        if self.setup.barrier == Barrier::Item && source != JOB && self.passes.contains_key(&pass) && has_documents() {
            return Condition::Document(pass, source);
        }
        Condition::Pass(pass)
    }

    /// A rule has come to an end for a document: perhaps its whole pass has.
    pub(super) fn document_ended(&mut self, rule: RuleId, item: ItemIx) {
        if self.setup.barrier == Barrier::Pass || self.items.get(item).range != Range::Source {
            return;
        }
        let Some(pass) = self.setup.graph.rule(rule).pass else { return };
        let scopes = rules_of(self.setup.graph, pass).filter(|r| self.setup.graph.rule(*r).range != Range::Job);
        let scopes: Vec<Condition> = scopes.map(|r| Condition::Scope(r, item)).collect();
        let ends: Option<Vec<Soundness>> = scopes.iter().map(|c| self.settled.get(c).copied()).collect();
        if let Some(soundness) = ends.and_then(|all| all.into_iter().max()) {
            let why = scopes.iter().find_map(|c| self.why_bad.get(c)).cloned();
            self.settle(Condition::Document(pass, item), soundness, why);
        }
    }

    /// Documents that fall out in `pass`.
    pub(super) fn quarantined_in(&self, pass: Pass) -> Vec<Quarantined> {
        let built: BTreeSet<Pass> = self.passes.keys().copied().collect();
        let upstream = &self.quarantine.upstream;
        let of = |(source, failures): (&ItemIx, &Failures)| {
            self.quarantine.since(failures, &built).filter(|since| *since == pass)?;
            let reason = failures.reason(|r| upstream.first_of(built.iter().copied(), r) == Some(pass))?;
            Some(Quarantined { source_id: self.items.get(*source).full_id.clone(), reason })
        };
        self.quarantine.failures.iter().filter_map(of).collect()
    }

    /// Documents that fall out in a rule of no pass.
    pub(super) fn quarantined_by(&self, rule: RuleId) -> Vec<Quarantined> {
        let of = |(source, failures): (&ItemIx, &Failures)| {
            let reason = failures.reason(|r| r == rule)?;
            Some(Quarantined { source_id: self.items.get(*source).full_id.clone(), reason })
        };
        self.quarantine.failures.iter().filter_map(of).collect()
    }

    /// Every document that something this build is about is without.
    pub(super) fn quarantined(&self) -> Vec<Quarantined> {
        let last = self.passes.keys().next_back();
        let bears = |f: &Failures| !f.found.is_empty() || f.recorded.keys().any(|since| last.is_some_and(|last| since < last));
        let out = self.quarantine.failures.iter().filter(|(_, f)| bears(f));
        out.map(|(source, _)| Quarantined {
            source_id: self.items.get(*source).full_id.clone(),
            reason: self.quarantine.reason(*source),
        })
        .collect()
    }
}

/// Whether two lists name the same documents. What is said of them is not compared: a record holds it redacted.
pub(super) fn same_documents(a: &[Quarantined], b: &[Quarantined]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.source_id == b.source_id)
}

/// A problem in one line: message, first cause, first violation.
fn sentence(problem: &Problem) -> String {
    let cause = problem.causes.first().map_or_else(String::new, |c| format!(": {c}"));
    let at = |pointer: &str| if pointer.is_empty() { String::new() } else { format!(": {pointer}") };
    let violation = problem.violations.first().map_or_else(String::new, |v| format!("{}: {}", at(&v.pointer), v.message));
    let said = format!("{}{cause}{violation}", problem.message);
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
