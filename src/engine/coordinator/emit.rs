//! Telling observers, lazily: a build that finds nothing to do says nothing and writes nothing.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{ActionIx, Coordinator, Stop};
use crate::engine::error::EngineError;
use crate::engine::files;
use crate::engine::graph::Pass;
use crate::engine::items::SourceFile;
use crate::engine::observe::{ActionName, Counts, Event, Outcome};
use crate::engine::reason::Cause;
use crate::engine::select::Choice;

impl Coordinator<'_, '_> {
    pub(super) fn emit(&mut self, event: &Event) -> Result<(), Stop> {
        self.observer.on(event).map_err(|e| Stop::Error(EngineError::Observer(e)))
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
        let event = Event::BuildStarted { sources: self.setup.sources.len() as u64, ignored_files: self.setup.ignored_files };
        self.emit(&event)
    }

    /// SHA-256 of every source that could be read, by id.
    fn sha_map(&self) -> BTreeMap<String, String> {
        let sha = |s: &SourceFile| {
            let entry = self.store.state.files.get(&files::index_key(&s.file))?;
            let hex: String = entry.sha256?.iter().map(|b| format!("{b:02x}")).collect();
            Some((s.id.clone(), format!("sha256:{hex}")))
        };
        self.setup.sources.iter().filter_map(sha).collect()
    }

    pub(super) fn announce_pass(&mut self, pass: Pass) -> Result<(), Stop> {
        self.announce_build()?;
        if !self.setup.publish {
            return Ok(());
        }
        if self.announced.passes.insert(pass) { self.emit(&Event::PassStarted { pass }) } else { Ok(()) }
    }

    fn announce_owner(&mut self, ix: ActionIx) -> Result<(), Stop> {
        match self.setup.graph.rule(self.actions[ix.0].rule).pass {
            Some(pass) => self.announce_pass(pass),
            None => self.announce_build(),
        }
    }

    pub(super) fn name_of(&self, ix: ActionIx) -> ActionName {
        let action = &self.actions[ix.0];
        ActionName { rule: self.setup.graph.rule(action.rule).name.clone(), item: self.items.get(action.item).full_id.clone() }
    }

    pub(super) fn announce_start(&mut self, ix: ActionIx) -> Result<(), Stop> {
        self.announce_owner(ix)?;
        let (reason, cause) = self.told_reason(ix);
        let event = Event::ActionStarted { action: self.name_of(ix), reason, cause };
        self.emit(&event)
    }

    /// Why an action is not up to date, for people and for programs.
    fn told_reason(&self, ix: ActionIx) -> (String, Option<Cause>) {
        let reason = self.actions[ix.0].reason.as_ref();
        (reason.map(ToString::to_string).unwrap_or_default(), self.cause_of(ix))
    }

    /// Actions that were up to date, and those that something else blocks, are only counted.
    pub(super) fn announce_end(&mut self, ix: ActionIx) -> Result<(), Stop> {
        let action = &self.actions[ix.0];
        let outcome = match action.outcome {
            None | Some(Outcome::UpToDate | Outcome::Blocked) => return Ok(()),
            Some(Outcome::LeftOut) => return Ok(()),
            Some(Outcome::Failed | Outcome::Rejected) if action.as_before => return Ok(()),
            Some(_) if self.setup.selection.of(action.rule) == Choice::Frozen => return Ok(()),
            Some(outcome) => outcome,
        };
        self.announce_owner(ix)?;
        let name = self.name_of(ix);
        let (reason, cause) = self.told_reason(ix);
        let action = &self.actions[ix.0];
        let rule = self.setup.graph.rule(action.rule);
        let items = action.accepted.iter().flat_map(|a| rule.outputs.iter().zip(a.outputs()));
        let event = Event::ActionEnded {
            pass: rule.pass,
            outcome,
            reason,
            cause,
            duration_ms: action.started.map_or(0, |s| u64::try_from(s.elapsed().as_millis()).unwrap_or(u64::MAX)),
            items: items.map(|(o, s)| (o.name.clone(), s.items())).collect(),
            problem: action.problem.clone(),
            action: name,
        };
        self.emit(&event)
    }

    /// Adds an action to the counts of its pass or rule, and of the build.
    pub(super) fn count(&mut self, ix: ActionIx, outcome: Outcome) {
        let (rule, item) = (self.actions[ix.0].rule, self.actions[ix.0].item);
        if self.setup.selection.of(rule) == Choice::Frozen {
            return;
        }
        // What ran before the coordinator had to begin again is up to date now; it ran all the same.
        let outcome = match outcome {
            Outcome::Ran => {
                self.announced.ran.insert((rule, self.items.get(item).full_id.clone()));
                outcome
            }
            Outcome::UpToDate if self.announced.ran.contains(&(rule, self.items.get(item).full_id.clone())) => Outcome::Ran,
            other => other,
        };
        add(&mut self.counts, outcome);
        let is_documents = self.is_documents(ix, outcome);
        let problem = self.actions[ix.0].problem.clone();
        let pass = self.setup.graph.rule(rule).pass;
        let action = &self.actions[ix.0];
        let blocked_by_item = action.blocked_by_item.is_some() && action.blocked_by_pass.is_none();
        match pass.and_then(|p| self.passes.get_mut(&p)) {
            Some(state) => {
                add(&mut state.counts, outcome);
                if is_documents {
                    return;
                }
                state.failed |= matches!(outcome, Outcome::Failed | Outcome::Rejected);
                state.failed |= outcome == Outcome::Blocked && blocked_by_item;
                state.problems.extend(problem);
            }
            None => {
                add(self.rule_counts.entry(rule).or_default(), outcome);
                if is_documents {
                    return;
                }
                self.rule_problems.entry(rule).or_default().extend(problem);
            }
        }
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
        tracing::debug!(actions = self.since_commit, elapsed = ?started.elapsed(), "committed a batch");
        self.since_commit = 0;
        // The picture for readers may cost a twentieth of the time.
        if now || self.last_snapshot.elapsed() >= self.last_snapshot_cost * 20 {
            let started = Instant::now();
            self.store.publish_snapshot()?;
            self.last_snapshot_cost = started.elapsed();
            self.last_snapshot = Instant::now();
        }
        self.last_commit = Instant::now();
        Ok(())
    }
}

/// One sync and one commit for at most this many actions …
const BATCH_ACTIONS: usize = 1_000;
/// … or this much time.
const BATCH_TIME: std::time::Duration = std::time::Duration::from_millis(200);

fn add(counts: &mut Counts, outcome: Outcome) {
    match outcome {
        Outcome::UpToDate => counts.up_to_date += 1,
        Outcome::FromCache => counts.from_cache += 1,
        Outcome::Ran => counts.ran += 1,
        Outcome::Failed => counts.failed += 1,
        Outcome::Rejected => counts.rejected += 1,
        Outcome::Blocked => counts.blocked += 1,
        Outcome::LeftOut => {}
    }
}
