//! One action, step by step: from its inputs to its key, from its key to a candidate, from there to a verdict.

use std::sync::Arc;
use std::time::Instant;

use super::inputs::Unresolved;
use super::{ActionIx, Condition, Coordinator, Message, Mode, Phase, Ran, Soundness, Stop, Stretch};
use crate::disk;
use crate::engine::command::CommandError;
use crate::engine::derive;
use crate::engine::execute::{How, OutputSlot, RunError, Task, Told};
use crate::engine::gate::{self, Accepted, Judged};
use crate::engine::graph::{From, Input, RuleId, Run};
use crate::engine::manifest::{self, Encoded};
use crate::engine::observe::{Event, Outcome, Problem};
use crate::engine::plan::{Fate, PlannedAction};
use crate::engine::reason::Reason;
use crate::engine::select::Choice;
use crate::engine::verdict::Verdict;
use crate::engine::workers::{Retry, WorkerError};
use crate::fail_point::FailPoint;
use crate::staging::safe_extension;
use crate::store::StoreError;
use crate::store::records::{ActionResult, Came, Stored};

/// A sender of messages into the coordinator's queue.
pub(super) type Sender = std::sync::mpsc::Sender<Message>;

/// Work for the pool, made by the coordinator and spawned by its loop.
pub(super) struct Work<'a> {
    /// How many it sends.
    pub(super) messages: usize,
    pub(super) run: Box<dyn FnOnce(&Sender) + Send + 'a>,
}

impl<'a> Work<'a> {
    /// Work that sends one message.
    fn of_one(run: impl FnOnce(&Sender) + Send + 'a) -> Self {
        Self { messages: 1, run: Box::new(run) }
    }
}

impl<'a> Coordinator<'a, '_> {
    /// Takes an action as far as it goes without the pool; what is left for the pool is returned.
    pub(super) fn advance(&mut self, ix: ActionIx) -> Result<Option<Work<'a>>, Stop> {
        let rule = self.actions[ix.0].rule;
        if self.setup.selection.of(rule) == Choice::Frozen {
            self.take_frozen(ix)?;
            return Ok(None);
        }
        if self.is_left_out(ix) {
            self.end(ix, Outcome::LeftOut, None)?;
            return Ok(None);
        }
        if let Some(why) = self.nothing_left(ix) {
            self.actions[ix.0].blocked_by_item.get_or_insert(why);
        }
        if let Some(why) = self.blocked_reason(ix) {
            self.end(ix, Outcome::Blocked, Some(Problem { message: why, ..Problem::default() }))?;
            return Ok(None);
        }
        if let Some(other) = self.actions[ix.0].unknown {
            self.plan_unknown(ix, other);
            return Ok(None);
        }
        self.actions[ix.0].phase = Phase::Preparing;
        match self.resolve(ix) {
            Ok(inputs) => {
                self.actions[ix.0].inputs = inputs;
                self.decide(ix)
            }
            Err(Unresolved::Needs(_)) if self.mode == Mode::Plan => {
                self.plan_merge(ix);
                Ok(None)
            }
            Err(Unresolved::Needs(needs)) => {
                self.open_store()?;
                let (cas, judge) = (self.store.cas.clone(), self.setup.judge);
                Ok(Some(Work::of_one(move |sender: &Sender| {
                    let started = Instant::now();
                    let compute =
                        |n: &derive::Need| derive::compute(&n.work, &cas, &|b| judge.count_items(b)).map(|d| (n.key, d));
                    let derived = needs.iter().map(compute).collect();
                    let _ = sender.send(Message::Prepared(ix, derived, Stretch::since(started)));
                })))
            }
            Err(Unresolved::Failed(message)) => {
                self.end(ix, Outcome::Failed, Some(Problem { message, ..Problem::default() }))?;
                Ok(None)
            }
        }
    }

    fn blocked_reason(&self, ix: ActionIx) -> Option<String> {
        let action = &self.actions[ix.0];
        if let Some(why) = action.blocked_by_pass.as_ref().or(action.blocked_by_item.as_ref()) {
            return Some(why.clone());
        }
        let pass = self.setup.graph.rule(action.rule).pass?;
        let stopped = self.stopped_at.filter(|at| pass > *at)?;
        Some(format!("{stopped} failed"))
    }

    /// Makes the key, and looks for what it leads to.
    fn decide(&mut self, ix: ActionIx) -> Result<Option<Work<'a>>, Stop> {
        let manifest = match self.manifest_of(ix) {
            Ok(manifest) => manifest,
            Err(message) => {
                self.end(ix, Outcome::Failed, Some(Problem { message, ..Problem::default() }))?;
                return Ok(None);
            }
        };
        let key = manifest.key();
        self.actions[ix.0].key = Some(key);
        tracing::trace!(action = ?self.name_of(ix), %key, "keyed");
        self.actions[ix.0].own = Some(manifest.own);
        if let Some(problem) = self.adoption_conflict(ix, key)? {
            self.end(ix, Outcome::Failed, Some(problem))?;
            return Ok(None);
        }
        match self.store.state.results.get(&key) {
            Some(ActionResult { failure: Some(failure), .. })
                if !self.setup.retry && !failure.is_outgrown(&self.setup.limits) =>
            {
                let problem = Problem { message: failure.message, ..Problem::default() };
                if self.is_documents(ix, Outcome::Failed) {
                    // So that the next build knows it again.
                    self.actions[ix.0].as_before = self.fails_as_before(ix);
                    self.remember(ix, Came::Failed);
                }
                self.end(ix, Outcome::Failed, Some(problem))?;
                Ok(None)
            }
            Some(ActionResult { failure: None, outputs, counts, .. }) => {
                self.actions[ix.0].made = counts;
                self.actions[ix.0].candidate = Some(self.with_adopted(ix, Some(key), outputs));
                self.recount(ix)?;
                self.judge(ix)
            }
            _ => self.start(ix),
        }
    }

    /// The ordered record of all that determines the output of an action whose inputs are resolved, encoded.
    fn manifest_of(&mut self, ix: ActionIx) -> Result<Encoded, String> {
        let declared = self.declaration(self.actions[ix.0].rule)?;
        let action = &self.actions[ix.0];
        let inputs = action.inputs.iter().map(|(name, value)| (name.as_str(), value.digest()));
        Ok(Encoded { declared, own: manifest::own_part(&self.items.get(action.item).full_id, inputs) })
    }

    fn start(&mut self, ix: ActionIx) -> Result<Option<Work<'a>>, Stop> {
        let reason = self.reason_of(ix);
        if self.mode == Mode::Plan {
            let fate = if matches!(reason, Reason::AsksTool { .. }) { Fate::May } else { Fate::Run };
            self.plan(ix, fate, Some(reason), None);
            if self.fails_as_before(ix) {
                self.expect_failure(ix);
                return Ok(None);
            }
            self.unknown(ix);
            return Ok(None);
        }
        tracing::debug!(action = ?self.name_of(ix), %reason, "runs");
        self.actions[ix.0].reason = Some(Box::new(reason));
        self.start_or_wait(ix)
    }

    pub(super) fn task_of(&mut self, ix: ActionIx) -> Result<Task, String> {
        let graph = self.setup.graph;
        let id = self.actions[ix.0].rule;
        let rule = graph.rule(id);
        let how = match &rule.run {
            Run::Builtin { builtin, .. } => {
                How::Builtin { builtin, params: self.params[id.ix()].clone(), workers: self.workers.clone() }
            }
            Run::Command(_) => How::Command(self.command(id)?.0),
        };
        let slot = |o: &crate::engine::graph::Output| OutputSlot {
            name: o.name.clone(),
            extension: safe_extension(&o.path),
            tree: o.tree,
        };
        let action = &self.actions[ix.0];
        Ok(Task {
            rule: rule.name.clone(),
            item: self.items.info(action.item),
            inputs: action.inputs.clone(),
            outputs: rule.outputs.iter().map(slot).collect(),
            how,
        })
    }

    /// Asks what is known of a candidate; leaves the rest to the pool.
    pub(super) fn judge(&mut self, ix: ActionIx) -> Result<Option<Work<'a>>, Stop> {
        let rule = self.setup.graph.rule(self.actions[ix.0].rule);
        let Some(candidate) = self.actions[ix.0].candidate.clone() else { return Ok(None) };
        match gate::judge_known(rule, &candidate, &self.gate_files, &self.store.state) {
            Judged::Accepted(accepted) => {
                self.accept(ix, accepted)?;
                Ok(None)
            }
            Judged::Rejected { .. } if self.setup.retry && self.actions[ix.0].started.is_none() => self.start(ix),
            Judged::Rejected { output, verdict } => {
                self.reject(ix, &output, verdict)?;
                Ok(None)
            }
            Judged::Open(_) if self.mode == Mode::Plan => {
                let reason = self.reason_of(ix);
                self.plan_may(ix, reason);
                Ok(None)
            }
            Judged::Open(open) => {
                self.actions[ix.0].phase = Phase::Judging;
                let (cas, judge, files) = (self.store.cas.clone(), self.setup.judge, self.gate_files.clone());
                Ok(Some(Work::of_one(move |sender: &Sender| {
                    let started = Instant::now();
                    let verdicts = gate::judge_open(rule, &open, &candidate, &files, &cas, judge);
                    let _ = sender.send(Message::Judged(ix, verdicts, Stretch::since(started)));
                })))
            }
        }
    }

    fn accept(&mut self, ix: ActionIx, accepted: Accepted) -> Result<(), Stop> {
        let key = self.actions[ix.0].key;
        let last = self.store.state.last.get(&self.last_key(ix));
        let same = last.is_some_and(|l| Some(l.key) == key && l.accepted);
        let outcome = match (self.actions[ix.0].started.is_some(), same) {
            (true, _) => Outcome::Ran,
            (false, true) => Outcome::UpToDate,
            (false, false) => Outcome::FromCache,
        };
        if outcome == Outcome::FromCache {
            if self.mode == Mode::Plan
                && let Some(lost) = self.lost_output(ix)
            {
                self.plan_may(ix, lost);
                return Ok(());
            }
            let reason = self.reason_of(ix);
            if self.mode == Mode::Plan {
                self.plan(ix, Fate::FromCache, Some(reason.clone()), None);
            }
            self.actions[ix.0].reason = Some(Box::new(reason));
        }
        self.actions[ix.0].accepted = Some(accepted);
        self.remember(ix, if outcome == Outcome::Ran { Came::Ran } else { Came::FromCache });
        self.end(ix, outcome, None)
    }

    fn reject(&mut self, ix: ActionIx, output: &str, verdict: Verdict) -> Result<(), Stop> {
        let rule = self.setup.graph.rule(self.actions[ix.0].rule);
        let path = rule.outputs.iter().find(|o| o.name == output).map_or(output, |o| o.path.as_str());
        let problem = Problem {
            message: format!("the gate of `{path}` rejected it"),
            violations: verdict.violations,
            violation_count: verdict.count,
            ..Problem::default()
        };
        self.actions[ix.0].as_before = self.fails_as_before(ix);
        self.remember(ix, Came::Rejected);
        self.end(ix, Outcome::Rejected, Some(problem))
    }

    /// A pool thread has something to say.
    pub(super) fn receive(&mut self, message: Message) -> Result<Option<Work<'a>>, Stop> {
        self.tell_work(&message);
        if matches!(message, Message::Ran(..)) {
            self.tell_retries()?;
        }
        match message {
            Message::Prepared(ix, Ok(derived), _) => {
                derived.into_iter().for_each(|(key, value)| self.store.state.derived.put(key, value));
                self.advance(ix)
            }
            Message::Prepared(ix, Err(derive::DeriveError::Failure(failure)), _) => {
                self.end(ix, Outcome::Failed, Some(Problem { message: failure.message, ..Problem::default() }))?;
                Ok(None)
            }
            Message::Prepared(_, Err(derive::DeriveError::Store(e)), _) => Err(e.into()),
            Message::Judged(ix, verdicts, _) => {
                verdicts?.into_iter().for_each(|(key, v)| self.store.state.verdicts.put(key, v.into()));
                self.reach(FailPoint::VerdictStored)?;
                self.judge(ix)
            }
            Message::Left(pool) => {
                self.leave_pool(pool);
                Ok(None)
            }
            Message::Ran(ix, ran, stretch) => {
                self.actions[ix.0].duration_ms = stretch.millis();
                let Ran { result, verdicts, told } = match *ran {
                    Ok(ran) => ran,
                    Err(error) => return self.ran_badly(ix, error, stretch.millis()).map(|()| None),
                };
                self.tell_told(ix, told)?;
                self.actions[ix.0].made = result.counts.clone();
                verdicts.into_iter().for_each(|(key, v)| self.store.state.verdicts.put(key, v.into()));
                if let Some(key) = self.actions[ix.0].key {
                    self.actions[ix.0].candidate = Some(self.with_adopted(ix, Some(key), result.outputs.clone()));
                    self.recount(ix)?;
                    self.store.state.results.put(key, result);
                }
                self.reach(FailPoint::CandidateStored)?;
                self.judge(ix)
            }
            Message::Skipped => Ok(None),
        }
    }

    /// Work that was done, or failed, only after a worker had died over it: somebody may want to know of the document.
    fn tell_retries(&mut self) -> Result<(), Stop> {
        for Retry { builtin, item, death } in self.workers.take_retries() {
            let part = if item.id.is_empty() || item.id == item.path { String::new() } else { format!(" ({})", item.id) };
            let message = format!("`{builtin}` of `{}`{part} was tried again in a fresh worker process: {death}", item.path);
            self.emit(&Event::Warning { message })?;
        }
        Ok(())
    }

    /// What a command said beside its work.
    fn tell_told(&mut self, ix: ActionIx, told: Told) -> Result<(), Stop> {
        for warning in told.warnings {
            let message = format!("{}: {warning}", self.subject_of(ix));
            self.emit(&Event::Warning { message })?;
        }
        if let Some(tool) = told.tool {
            self.tools.insert(ix, tool);
        }
        Ok(())
    }

    fn ran_badly(&mut self, ix: ActionIx, error: RunError, duration_ms: u64) -> Result<(), Stop> {
        match error {
            RunError::Changed(path) => Err(Stop::Changed(path)),
            RunError::Store(e @ StoreError::Blob { .. }) => Err(e.into()),
            RunError::Disk(e) | RunError::Store(StoreError::Disk(e)) if disk::is_full(&e.source) => {
                Err(Stop::Error(crate::engine::error::EngineError::Disk(e)))
            }
            RunError::Command(CommandError::Ended) | RunError::Worker(WorkerError::Ended) => {
                Err(crate::engine::error::EngineError::Interrupted.into())
            }
            RunError::Failure(failure) => {
                if let Some(key) = self.actions[ix.0].key {
                    let result = ActionResult {
                        outputs: Arc::default(),
                        counts: Arc::default(),
                        failure: Some(Box::new(failure.clone())),
                        duration_ms,
                    };
                    self.store.state.results.put(key, result);
                    self.remember(ix, Came::Failed);
                }
                let problem = Problem { message: failure.message, ..Problem::default() };
                self.end(ix, Outcome::Failed, Some(problem))
            }
            other => {
                let mut problem = Problem::of(&other);
                problem.hint = match &other {
                    RunError::Worker(error) => error.hint(),
                    RunError::Command(error) => error.hint(),
                    _ => None,
                };
                self.remember(ix, Came::Failed);
                self.end(ix, Outcome::Failed, Some(problem))
            }
        }
    }

    /// An action is done: tells observers, expands its trees, settles its scope.
    pub(super) fn end(&mut self, ix: ActionIx, outcome: Outcome, mut problem: Option<Problem>) -> Result<(), Stop> {
        let (rule, item) = (self.actions[ix.0].rule, self.actions[ix.0].item);
        self.set_aside(ix, outcome, problem.as_ref());
        if let (Some(problem), Some(source), false) = (&mut problem, self.items.source_of(item), outcome == Outcome::Blocked)
            && source.path != source.id
        {
            // An id is made to last, not to be read: people look for the file.
            problem.causes.insert(0, format!("in `{}`", source.path));
        }
        if outcome != Outcome::UpToDate {
            let message = problem.as_ref().map_or("", |p| p.message.as_str());
            tracing::debug!(action = ?self.name_of(ix), ?outcome, message, "ended");
        }
        self.actions[ix.0].phase = Phase::Done;
        self.actions[ix.0].outcome = Some(outcome);
        self.actions[ix.0].problem = problem.map(Box::new);
        let is_told = self.count(ix, outcome);
        if self.mode == Mode::Build {
            if is_told {
                self.announce_end(ix)?;
            }
        } else if matches!(outcome, Outcome::Failed | Outcome::Rejected | Outcome::Blocked) {
            let message = self.actions[ix.0].problem.as_ref().map(|p| p.message.clone()).unwrap_or_default();
            let reason = match outcome {
                Outcome::Blocked => Reason::Blocked(message),
                Outcome::Rejected => Reason::Rejects(message),
                _ => match self.actions[ix.0].reason.take().map(|r| *r) {
                    Some(conflict @ Reason::Adopted { .. }) => conflict,
                    _ => Reason::Fails(message),
                },
            };
            let fate = match outcome {
                Outcome::Blocked => Fate::Blocked,
                _ if self.actions[ix.0].as_before => Fate::LeftOut,
                _ => Fate::StillFailing,
            };
            self.plan(ix, fate, Some(reason), None);
        } else if outcome == Outcome::UpToDate {
            self.plan(ix, Fate::UpToDate, None, None);
        } else if outcome == Outcome::LeftOut {
            self.plan(ix, Fate::LeftOut, Some(Reason::Quarantined(self.left_out_reason(ix))), None);
        }
        match self.actions[ix.0].accepted.clone() {
            Some(accepted) => {
                self.expand(rule, item, accepted.outputs());
                self.settle(Condition::Scope(rule, item), Soundness::Good, None);
            }
            None => {
                let (why, soundness) = (self.why_not(ix), self.soundness_without(ix, outcome));
                self.expand_nothing(rule, item, soundness, Some(&why));
                self.settle(Condition::Scope(rule, item), soundness, Some(why));
            }
        }
        // Of thousands of actions it would weigh more than all that stays known of them.
        self.actions[ix.0].forget(self.setup.check_determinism);
        Ok(())
    }

    /// What is said to those whom this action blocks: always the first cause.
    fn why_not(&self, ix: ActionIx) -> String {
        let action = &self.actions[ix.0];
        let message = action.problem.as_ref().map(|p| p.message.clone()).unwrap_or_default();
        match action.outcome {
            Some(Outcome::Blocked) => message,
            Some(Outcome::LeftOut) => self.left_out_reason(ix),
            _ => format!("{}: {message}", self.subject_of(ix)),
        }
    }

    /// Rule and item as people look for them: `passC` of books/a.pdf/part-….
    pub(super) fn subject_of(&self, ix: ActionIx) -> String {
        let action = &self.actions[ix.0];
        let rule = &self.setup.graph.rule(action.rule).name;
        let item = &self.items.get(action.item).full_id;
        let of = match self.items.source_of(action.item) {
            Some(source) => format!(" of {}{}", source.path, item.strip_prefix(&source.id).unwrap_or_default()),
            None => String::new(),
        };
        format!("`{rule}`{of}")
    }

    fn plan(&mut self, ix: ActionIx, fate: Fate, reason: Option<Reason>, waits_for: Option<String>) {
        let pass = self.setup.graph.rule(self.actions[ix.0].rule).pass;
        self.actions[ix.0].reason = reason.clone().map(Box::new);
        let cause = self.cause_of(ix);
        self.planned.push(PlannedAction { action: self.name_of(ix), pass, fate, reason, cause, waits_for });
    }

    fn plan_may(&mut self, ix: ActionIx, reason: Reason) {
        self.plan(ix, Fate::May, Some(reason), None);
        self.unknown(ix);
    }

    /// `other` would be made first: it may run, unless its own declaration changed, too.
    fn plan_unknown(&mut self, ix: ActionIx, other: RuleId) {
        let rule = self.setup.graph.rule(self.actions[ix.0].rule);
        let reads = |i: &&Input| matches!(&i.from, From::Artifact { rule, .. } if *rule == other);
        let input = rule.inputs.iter().find(reads).map(|i| i.name.clone());
        let name = self.setup.graph.rule(other).name.clone();
        let waits = Reason::Waits { rule: name.clone(), input };
        let own = self.own_reason(ix);
        let fate = if own.is_some() { Fate::Run } else { Fate::May };
        self.plan(ix, fate, Some(own.unwrap_or(waits)), Some(name));
        self.unknown(ix);
    }

    /// What it reads would be merged first: it may run, unless its own declaration changed, too.
    fn plan_merge(&mut self, ix: ActionIx) {
        let merges = self.unmerged(ix);
        let waits_for = match &merges {
            Some(Reason::Merges { rule, .. }) => Some(rule.clone()),
            _ => None,
        };
        let own = self.own_reason(ix);
        let fate = if own.is_some() { Fate::Run } else { Fate::May };
        self.plan(ix, fate, own.or(merges), waits_for);
        self.unknown(ix);
    }

    /// Planning: the action would be tried again; until it succeeds, its document stays out.
    fn expect_failure(&mut self, ix: ActionIx) {
        let (rule, item) = (self.actions[ix.0].rule, self.actions[ix.0].item);
        self.actions[ix.0].phase = Phase::Done;
        self.set_aside(ix, Outcome::Failed, Some(&Problem { message: "it failed".to_owned(), ..Problem::default() }));
        self.expand_nothing(rule, item, Soundness::Out, None);
        self.settle(Condition::Scope(rule, item), Soundness::Out, None);
    }

    /// Planning: what follows from this action is not known.
    fn unknown(&mut self, ix: ActionIx) {
        let (rule, item) = (self.actions[ix.0].rule, self.actions[ix.0].item);
        self.actions[ix.0].phase = Phase::Done;
        self.expand_nothing(rule, item, Soundness::Unknown, None);
        self.settle(Condition::Scope(rule, item), Soundness::Unknown, None);
    }

    /// Outputs of an accepted action.
    pub(super) fn outputs_of(&self, ix: ActionIx) -> Option<&[Stored]> {
        self.actions[ix.0].accepted.as_ref().map(Accepted::outputs)
    }

    /// The command of a rule with its environment, and its tool's version; made once per build.
    pub(super) fn command(&mut self, id: RuleId) -> Result<(Arc<crate::engine::command::CommandTask>, String), String> {
        if let Some(made) = self.commands.get(&id) {
            return made.clone();
        }
        let made = self.make_command(id);
        self.commands.insert(id, made.clone());
        made
    }
}

pub(super) fn is_item_gate(rule: &crate::engine::graph::Rule, ix: usize) -> bool {
    let gate = &rule.gates[ix];
    gate.scope == crate::engine::graph::Scope::Item && !matches!(gate.check, crate::engine::graph::Check::Present { json: false })
}
