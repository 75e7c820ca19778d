//! Items, scopes and conditions: what comes to be when, and who waits for it.

use super::{Action, ActionIx, Condition, Coordinator, Progress, Soundness, Stop};
use crate::engine::graph::{From, Pass, Range, RuleId};
use crate::engine::items::{self, ItemIx, JOB};
use crate::engine::select::Choice;
use crate::store::records::Stored;

impl Coordinator<'_, '_> {
    /// Ids of all rules that this build looks at, in topological order.
    pub(super) fn active_rules(&self) -> Vec<RuleId> {
        let ids = (0..self.setup.graph.rules.len()).map(|i| RuleId(u32::try_from(i).unwrap_or(u32::MAX)));
        ids.filter(|id| self.setup.selection.of(*id) != Choice::Left).collect()
    }

    /// Makes the sources' items, every action that can already be named, and the first progress counts.
    pub(super) fn seed(&mut self) -> Result<(), Stop> {
        let sources: Vec<ItemIx> = self.setup.sources.iter().map(|s| self.items.add_source(s)).collect();
        self.children.insert((JOB, Range::Source), sources.clone());
        self.read_quarantine();
        for id in self.active_rules() {
            match self.setup.graph.rule(id).range {
                Range::Job => self.create(id, JOB),
                Range::Source => {
                    self.expect(id, JOB, sources.len());
                    sources.iter().for_each(|s| self.create(id, *s));
                }
                Range::Tree { .. } => self.expect(id, JOB, sources.len()),
            }
        }
        Ok(())
    }

    /// `id` is complete below `item` when `n` children are.
    fn expect(&mut self, id: RuleId, item: ItemIx, n: usize) {
        self.progress.insert((id, item), Progress { open: n, soundness: Soundness::Good });
        if n == 0 {
            self.settle(Condition::Scope(id, item), Soundness::Good, None);
        }
    }

    fn create(&mut self, rule: RuleId, item: ItemIx) {
        let ix = ActionIx(self.actions.len());
        let mut action = Action::of(rule, item);
        let frozen = self.setup.selection.of(rule) == Choice::Frozen;
        let conditions = if frozen { Vec::new() } else { self.conditions_of(rule, item) };
        for condition in conditions {
            match self.settled.get(&condition) {
                Some(soundness) => {
                    note(&mut action, condition, *soundness, self.why_bad.get(&condition), self.is_foreign(rule, condition))
                }
                None => {
                    action.waits += 1;
                    self.waiting.entry(condition).or_default().push(ix);
                }
            }
        }
        if action.waits == 0 {
            self.ready.push_back(ix);
        }
        self.action_at.insert((rule, item), ix);
        if self.actions.len() == self.actions.capacity() {
            // There may be tens of thousands: room for as many again would weigh more than what is in it.
            self.actions.reserve_exact(self.actions.len() / 8 + 64);
        }
        self.actions.push(action);
    }

    fn conditions_of(&self, rule: RuleId, item: ItemIx) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for input in &self.setup.graph.rule(rule).inputs {
            if let From::Artifact { rule: other, output, .. } = &input.from {
                let condition = Condition::Scope(*other, self.common_item(*other, *output, item));
                if !conditions.contains(&condition) {
                    conditions.push(condition);
                }
            }
        }
        if self.setup.graph.rule(rule).pass.is_some() {
            conditions.extend(self.pass_needs[rule.ix()].iter().map(|p| self.passage(*p, item)));
        }
        if item == JOB {
            let selected = |r: &RuleId| self.setup.selection.of(*r) == Choice::Selected;
            conditions.extend(self.quarantine.waits_for(rule).filter(selected).map(Condition::Documents));
        }
        conditions
    }

    /// Where an output of `other` is merged for an action on `item`: the innermost item that both lie in; the job for one
    /// that there is only of the job.
    pub(super) fn common_item(&self, other: RuleId, output: usize, item: ItemIx) -> ItemIx {
        if self.merge_of(other, output).is_fold() {
            return JOB;
        }
        let chain = self.setup.graph.range_chain(self.setup.graph.rule(other).range);
        let mut at = item;
        while at != JOB && !chain.contains(&self.items.get(at).range) {
            at = self.items.get(at).parent;
        }
        at
    }

    /// Something will not change any more: tells whoever waits for it, and what it is part of.
    pub(super) fn settle(&mut self, condition: Condition, soundness: Soundness, why: Option<String>) {
        if self.settled.insert(condition, soundness).is_some() {
            return;
        }
        if let Some(why) = why {
            self.why_bad.insert(condition, why);
        }
        for ix in self.waiting.remove(&condition).unwrap_or_default() {
            let why = self.why_bad.get(&condition).cloned();
            let foreign = self.is_foreign(self.actions[ix.0].rule, condition);
            let action = &mut self.actions[ix.0];
            note(action, condition, soundness, why.as_ref(), foreign);
            action.waits -= 1;
            if action.waits == 0 {
                self.ready.push_back(ix);
            }
        }
        if let Condition::Scope(rule, item) = condition {
            if item == JOB {
                self.complete.push(rule);
                self.settle(Condition::Documents(rule), Soundness::Good, None);
            } else {
                self.document_ended(rule, item);
                self.child_settled(rule, item, soundness);
            }
        }
    }

    fn child_settled(&mut self, rule: RuleId, item: ItemIx, soundness: Soundness) {
        let parent = self.items.get(item).parent;
        // The job goes on without a document that is set aside.
        let is_out = parent == JOB && soundness == Soundness::Out;
        let soundness = if is_out { Soundness::Good } else { soundness };
        let why = self.why_bad.get(&Condition::Scope(rule, item)).filter(|_| !is_out).cloned();
        let Some(progress) = self.progress.get_mut(&(rule, parent)) else { return };
        progress.open = progress.open.saturating_sub(1);
        progress.soundness = progress.soundness.max(soundness);
        let (open, soundness) = (progress.open, progress.soundness);
        let above = Condition::Scope(rule, parent);
        if let Some(why) = why {
            self.why_bad.entry(above).or_insert(why);
        }
        if open == 0 {
            self.settle(above, soundness, None);
        }
    }

    /// An action's tree outputs are known: their entries are items of the rules that range over them.
    pub(super) fn expand(&mut self, rule: RuleId, item: ItemIx, outputs: &[Stored]) {
        for (output, stored) in outputs.iter().enumerate() {
            let Stored::Tree(tree) = stored else { continue };
            let range = Range::Tree { rule, output };
            let followers = self.followers(range);
            if followers.is_empty() {
                continue;
            }
            let ids = items::entry_ids(&tree.entries);
            let add = |(at, id): (usize, &String)| self.items.add_entry(range, item, &tree.entries, at, id);
            let entries: Vec<ItemIx> = ids.iter().enumerate().map(add).collect();
            self.children.insert((item, range), entries.clone());
            for id in followers {
                self.expect(id, item, entries.len());
                if self.setup.graph.rule(id).range == range {
                    entries.iter().for_each(|e| self.create(id, *e));
                }
            }
        }
    }

    /// An action gave no trees: nothing that ranges over them can be.
    pub(super) fn expand_nothing(&mut self, rule: RuleId, item: ItemIx, soundness: Soundness, why: Option<&String>) {
        for output in 0..self.setup.graph.rule(rule).outputs.len() {
            for id in self.followers(Range::Tree { rule, output }) {
                self.settle(Condition::Scope(id, item), soundness, why.cloned());
            }
        }
    }

    /// Active rules that range over `range` or over something below it.
    fn followers(&self, range: Range) -> Vec<RuleId> {
        let graph = self.setup.graph;
        self.active_rules().into_iter().filter(|id| graph.range_chain(graph.rule(*id).range).contains(&range)).collect()
    }

    /// Whether a condition of `rule` is about another pass.
    fn is_foreign(&self, rule: RuleId, condition: Condition) -> bool {
        match condition {
            Condition::Pass(_) | Condition::Document(..) => true,
            Condition::Documents(_) => false,
            Condition::Scope(other, _) => {
                let other = self.setup.graph.rule(other).pass;
                other.is_some() && other != self.setup.graph.rule(rule).pass
            }
        }
    }

    /// A pass has ended.
    pub(super) fn settle_pass(&mut self, pass: Pass, soundness: Soundness, why: Option<String>) {
        self.settle(Condition::Pass(pass), soundness, why);
    }
}

fn note(action: &mut Action, condition: Condition, soundness: Soundness, why: Option<&String>, foreign: bool) {
    match (soundness, condition) {
        (Soundness::Good, _) => {}
        (Soundness::Unknown, Condition::Scope(rule, _)) => action.unknown = action.unknown.or(Some(rule)),
        (Soundness::Unknown, _) => {}
        (Soundness::Out, _) => action.is_out = true,
        (Soundness::Bad, _) => {
            let slot = if foreign { &mut action.blocked_by_pass } else { &mut action.blocked_by_item };
            let unnamed = || "something that it needs is not there".to_owned();
            // What is said of a whole pass is nearer to the cause than what is said of one of its results.
            if slot.is_none() || matches!(condition, Condition::Pass(_)) {
                *slot = Some(why.cloned().unwrap_or_else(unnamed));
            }
        }
    }
}
