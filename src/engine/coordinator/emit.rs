//! Telling observers, lazily: a build that finds nothing to do says nothing and writes nothing.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{ActionIx, Coordinator, Stop};
use crate::engine::files;
use crate::engine::graph::{Pass, RuleId};
use crate::engine::items::SourceFile;
use crate::engine::observe::{ActionName, Event, Outcome};
use crate::engine::reason::Cause;
use crate::engine::select::Choice;
use crate::fail_point::{self, FailPoint};

impl Coordinator<'_, '_> {
    pub(super) fn emit(&mut self, event: &Event) -> Result<(), Stop> {
        self.observer.on(event).map_err(|e| Stop::Error(e.into()))
    }

    /// The step at this place is being done: see `fail_point`.
    pub(super) fn reach(&self, point: FailPoint) -> Result<(), Stop> {
        Ok(fail_point::reach(point, &self.setup.job_dir)?)
    }

    /// Opens the store for writing, if it is not open yet.
    pub(super) fn open_store(&mut self) -> Result<(), Stop> {
        if self.store.open_for_writing()? { Err(Stop::Stale) } else { Ok(()) }
    }

    /// The build has something to do: the store is opened for writing, and observers are told.
    pub(super) fn announce_build(&mut self) -> Result<(), Stop> {
        if self.announced.build {
            return Ok(());
        }
        self.open_store()?;
        self.announced.build = true;
        self.observer.sources(&self.sha_map());
        let event = Event::BuildStarted {
            sources: self.setup.sources.len() as u64,
            ignored_files: self.setup.ignored_files,
            ignored: self.setup.ignored.clone(),
            refused: self.setup.refused.clone(),
        };
        self.emit(&event)?;
        self.store.take_warnings().into_iter().try_for_each(|message| self.emit(&Event::Warning { message }))
    }

    /// SHA-256 of every source that could be read, by id.
    fn sha_map(&self) -> BTreeMap<String, String> {
        let sha = |s: &SourceFile| {
            let entry = self.store.state.files.peek(&files::index_key(&s.file))?;
            let hex: String = entry.sha256?.iter().map(|b| format!("{b:02x}")).collect();
            Some((s.id.clone(), format!("sha256:{hex}")))
        };
        self.setup.sources.iter().filter_map(sha).collect()
    }

    /// The pass has something to run or publish.
    pub(super) fn announce_pass(&mut self, pass: Pass) -> Result<(), Stop> {
        self.announce_build()?;
        if !self.setup.publish {
            return Ok(());
        }
        if self.announced.open_passes.insert(pass) { self.emit(&Event::PassStarted { pass }) } else { Ok(()) }
    }

    /// The pass of a rule, or the rule itself if it has none, has something to run or publish.
    pub(super) fn announce_owner(&mut self, id: RuleId) -> Result<(), Stop> {
        let rule = self.setup.graph.rule(id);
        if let Some(pass) = rule.pass {
            return self.announce_pass(pass);
        }
        self.announce_build()?;
        if !self.setup.publish {
            return Ok(());
        }
        let event = Event::RuleStarted { rule: rule.name.clone() };
        if self.announced.open_rules.insert(id) { self.emit(&event) } else { Ok(()) }
    }

    pub(super) fn name_of(&self, ix: ActionIx) -> ActionName {
        let action = &self.actions[ix.0];
        ActionName { rule: self.setup.graph.rule(action.rule).name.clone(), item: self.items.get(action.item).full_id.clone() }
    }

    pub(super) fn announce_start(&mut self, ix: ActionIx) -> Result<(), Stop> {
        self.announce_owner(self.actions[ix.0].rule)?;
        let (reason, cause) = self.told_reason(ix);
        let event = Event::ActionStarted { action: self.name_of(ix), reason, cause };
        self.emit(&event)
    }

    /// Why an action is not up to date, for people and for programs.
    fn told_reason(&self, ix: ActionIx) -> (String, Option<Cause>) {
        let reason = self.actions[ix.0].reason.as_ref();
        (reason.map(ToString::to_string).unwrap_or_default(), self.cause_of(ix))
    }

    /// Tells what became of an action.
    pub(super) fn announce_end(&mut self, ix: ActionIx) -> Result<(), Stop> {
        self.announce_owner(self.actions[ix.0].rule)?;
        let name = self.name_of(ix);
        let (reason, cause) = self.told_reason(ix);
        let tool = self.tools.remove(&ix);
        let action = &self.actions[ix.0];
        let Some(outcome) = action.outcome else { return Ok(()) };
        let rule = self.setup.graph.rule(action.rule);
        let outputs = action.accepted.iter().flat_map(|a| rule.outputs.iter().zip(a.outputs()));
        let mut items: Vec<(String, u64)> = outputs.map(|(o, s)| (o.name.clone(), s.items())).collect();
        if !items.is_empty() {
            items.extend(action.made.iter().filter(|(name, _)| rule.outputs.iter().all(|o| o.name != *name)).cloned());
        }
        let event = Event::ActionEnded {
            pass: rule.pass,
            outcome,
            reason,
            cause,
            duration_ms: action.duration_ms,
            items,
            tool,
            problem: action.problem.as_deref().cloned(),
            action: name,
        };
        self.emit(&event)
    }

    /// What has begun and not ended: the build is over, or begins again.
    pub(super) fn announce_cut_short(&mut self) {
        for ix in (0..self.actions.len()).map(ActionIx) {
            let action = &mut self.actions[ix.0];
            if action.started.is_some() && action.outcome.is_none() {
                action.outcome = Some(Outcome::Interrupted);
                // The build ends for a reason of its own.
                let _ = self.announce_end(ix);
            }
        }
    }

    /// Adds an action to what is known of its pass or rule; whether a line must tell of it.
    pub(super) fn count(&mut self, ix: ActionIx, outcome: Outcome) -> bool {
        let is_documents = self.is_documents(ix, outcome);
        let action = &self.actions[ix.0];
        let rule = action.rule;
        if self.setup.selection.of(rule) == Choice::Frozen {
            return false;
        }
        let is_told = self.announced.count(rule, &self.items.get(action.item).full_id, outcome, action.as_before);
        if is_documents {
            // The pass goes on without its document.
            return is_told;
        }
        let problem = action.problem.as_deref().cloned();
        let blocked_by_item = action.blocked_by_item.is_some() && action.blocked_by_pass.is_none();
        match self.setup.graph.rule(rule).pass.and_then(|p| self.passes.get_mut(&p)) {
            Some(state) => {
                state.failed |= matches!(outcome, Outcome::Failed | Outcome::Rejected);
                state.failed |= outcome == Outcome::Blocked && blocked_by_item;
                state.problems.extend(problem);
            }
            None => self.rule_problems.entry(rule).or_default().extend(problem),
        }
        is_told
    }

    /// Makes what was decided so far durable, if enough has come together.
    pub(super) fn batch(&mut self, now: bool) -> Result<(), Stop> {
        if !self.store.is_writable() {
            return Ok(());
        }
        let due = self.since_commit >= BATCH_ACTIONS || (self.since_commit > 0 && self.last_commit.elapsed() >= BATCH_TIME);
        if !(now || due) {
            return Ok(());
        }
        let started = Instant::now();
        self.store.commit()?;
        self.tell_own("commit".to_owned(), started);
        tracing::debug!(actions = self.since_commit, elapsed = ?started.elapsed(), "committed a batch");
        self.since_commit = 0;
        // The picture for readers may cost a twentieth of the time.
        if self.last_snapshot.elapsed() >= self.last_snapshot_cost * 20 {
            self.picture()?;
        }
        self.last_commit = Instant::now();
        Ok(())
    }

    /// Shows readers what is durable.
    pub(super) fn picture(&mut self) -> Result<(), Stop> {
        if !self.store.is_writable() {
            return Ok(());
        }
        let started = Instant::now();
        self.store.publish_snapshot()?;
        self.tell_own("snapshot".to_owned(), started);
        self.last_snapshot_cost = started.elapsed();
        self.last_snapshot = Instant::now();
        Ok(())
    }
}

/// One sync and one commit for at most this many actions …
const BATCH_ACTIONS: usize = 1_000;
/// … or this much time.
const BATCH_TIME: std::time::Duration = std::time::Duration::from_millis(200);
