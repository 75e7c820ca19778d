//! Rules and passes that are complete: publication, status, and what it means for those that wait.

use std::collections::BTreeSet;
use std::time::Instant;

use super::announced::Ended;
use super::publish::Unpublished;
use super::quarantine::same_documents;
use super::{Condition, Coordinator, Mode, Soundness, Stop};
use crate::engine::graph::{Pass, RuleId};
use crate::engine::items::JOB;
use crate::engine::observe::{ArtifactRecord, Event, Problem, Quarantined, Status};
use crate::engine::plan::Write;
use crate::engine::select::{Choice, rules_of};

impl Coordinator<'_, '_> {
    /// What is said of a pass that never had an action.
    fn blocked_as_a_whole(&self, pass: Pass) -> Problem {
        let rules: Vec<RuleId> = rules_of(self.setup.graph, pass).collect();
        let passes = rules.iter().flat_map(|r| &self.pass_needs[r.ix()]);
        let why = passes.map(|p| Condition::Pass(*p)).chain(rules.iter().map(|r| Condition::Scope(*r, JOB)));
        let why = why.filter_map(|c| self.why_bad.get(&c)).next().cloned();
        Problem { message: why.unwrap_or_else(|| "something that it needs is not there".to_owned()), ..Problem::default() }
    }

    /// Finishes every rule that has become complete. A rule whose gates refer to others waits until those are finished.
    pub(super) fn finish_complete(&mut self, pool: &rayon::ThreadPool) -> Result<(), Stop> {
        // In the order of the graph, so that what is said of passes comes in their order.
        while let Some(rule) = self.complete.iter().copied().filter(|r| self.may_finish(*r)).min() {
            self.complete.retain(|r| *r != rule);
            if self.setup.selection.of(rule) == Choice::Frozen {
                self.finished.insert(rule);
                continue;
            }
            match self.setup.graph.rule(rule).pass {
                None => {
                    self.finish_rule(rule, pool)?;
                    self.finished.insert(rule);
                }
                Some(pass) => {
                    let Some(state) = self.passes.get_mut(&pass) else { continue };
                    state.open_rules -= 1;
                    if state.open_rules == 0 {
                        self.finish_pass(pass, pool)?;
                        self.finished.extend(rules_of(self.setup.graph, pass));
                    }
                }
            }
        }
        Ok(())
    }

    fn may_finish(&self, rule: RuleId) -> bool {
        if !self.knows_who_is_out(rule) {
            return false;
        }
        let pass = self.setup.graph.rule(rule).pass;
        // A pass that has nothing to do waits for those that it needs all the same.
        let waits = |p: Pass| self.needed_passes(p).into_iter().any(|n| !self.settled.contains_key(&Condition::Pass(n)));
        if pass.is_some_and(|p| self.passes.contains_key(&p) && waits(p)) {
            return false;
        }
        let others = self.setup.graph.rule(rule).gates.iter().flat_map(|g| &g.others);
        others.map(|(other, _)| *other).all(|other| {
            let same_pass = pass.is_some() && self.setup.graph.rule(other).pass == pass;
            same_pass || self.finished.contains(&other) || self.setup.selection.of(other) != Choice::Selected
        })
    }

    /// Passes that a pass takes input from.
    pub(super) fn needed_passes(&self, pass: Pass) -> BTreeSet<Pass> {
        rules_of(self.setup.graph, pass).flat_map(|r| &self.pass_needs[r.ix()]).copied().collect()
    }

    fn is_bad(&self, pass: Pass) -> bool {
        self.settled.get(&Condition::Pass(pass)) == Some(&Soundness::Bad)
    }

    fn soundness(&self, rule: RuleId) -> Soundness {
        self.settled.get(&Condition::Scope(rule, JOB)).copied().unwrap_or(Soundness::Bad)
    }

    fn finish_rule(&mut self, rule: RuleId, pool: &rayon::ThreadPool) -> Result<(), Stop> {
        let name = self.setup.graph.rule(rule).name.clone();
        let mut problem = None;
        let mut records = Vec::new();
        let per_item = self.setup.graph.rule(rule).outputs.iter().any(|o| o.merge == crate::engine::graph::MergeKind::PerItem);
        let soundness = self.soundness(rule);
        // Files published per item stand by themselves: those of the good items are put in place whatever became of others.
        if soundness == Soundness::Good {
            self.set_aside_at_fault(&[rule], pool)?;
        }
        let quarantined = self.quarantined_by(rule);
        if soundness == Soundness::Good {
            problem = self.every_document_is_out(None, rule);
        }
        let wanted = (soundness == Soundness::Good && problem.is_none())
            || (soundness == Soundness::Bad && per_item && self.mode == Mode::Build);
        if wanted && self.setup.publish {
            let published = match soundness {
                Soundness::Bad => self.publish_good_items(rule, pool)?,
                _ => self.published(rule, pool)?,
            };
            match published {
                Ok(found) => records = found,
                Err(Unpublished::Problem(found)) => problem = Some(found),
                Err(Unpublished::Unknown) => self.would_publish.push(Write::Outputs(name.clone())),
            }
        }
        // A rejected merge is told again, as a rejected action is.
        let is_refused = problem.is_some();
        if soundness == Soundness::Bad && problem.is_none() {
            problem = self.rule_problems.get(&rule).and_then(|p| p.first().cloned()).or_else(|| Some(Problem::default()));
        }
        let failed = problem.is_some();
        if let Some(problem) = &problem {
            self.failures.push((name.clone(), problem.clone()));
        }
        let prior = self.setup.prior_rules.get(&name);
        let differs = prior.is_some_and(|prior| !same_documents(prior, &quarantined));
        let is_made = !records.is_empty() || self.announced.counts_of([rule]).up_to_date > 0;
        let is_new = !failed && ((prior.is_none() && is_made) || differs);
        let is_open = self.announced.open_rules.contains(&rule);
        if self.mode == Mode::Build && self.setup.publish && (is_open || is_refused || is_new) {
            self.announce_owner(rule)?;
            self.tell_quarantined(None, Some(&name), quarantined)?;
            let counts = self.announced.counts_of([rule]);
            self.announced.rule_ended(rule);
            let status = if failed { Status::Failed } else { Status::Success };
            self.emit(&Event::RuleEnded { rule: name, status, records, counts, problem })?;
        }
        Ok(())
    }

    fn finish_pass(&mut self, pass: Pass, pool: &rayon::ThreadPool) -> Result<(), Stop> {
        let rules: Vec<RuleId> = rules_of(self.setup.graph, pass).collect();
        let soundness = match self.needed_passes(pass).into_iter().any(|p| self.is_bad(p)) {
            true => Soundness::Bad,
            false => rules.iter().map(|r| self.soundness(*r)).max().unwrap_or(Soundness::Good),
        };
        if let Some(why) = self.needs_a_bad_pass(pass) {
            return self.pass_skipped(pass, why);
        }
        if matches!(soundness, Soundness::Good | Soundness::Unknown) {
            self.set_aside_at_fault(&rules, pool)?;
        }
        let every = rules.first().and_then(|r| self.every_document_is_out(Some(pass), *r));
        match soundness {
            Soundness::Good | Soundness::Unknown if every.is_some() => self.pass_failed(pass, every),
            Soundness::Unknown => {
                self.settle_pass(pass, Soundness::Unknown, None);
                Ok(())
            }
            Soundness::Bad | Soundness::Out => {
                self.blame(pass);
                self.pass_failed(pass, None)
            }
            Soundness::Good => {
                let mut records = Vec::new();
                for rule in rules.into_iter().filter(|_| self.setup.publish) {
                    match self.published(rule, pool)? {
                        Ok(found) => records.extend(found),
                        Err(Unpublished::Problem(problem)) => return self.pass_failed(pass, Some(problem)),
                        Err(Unpublished::Unknown) => self.would_publish.push(Write::Outputs(pass.to_string())),
                    }
                }
                self.pass_succeeded(pass, records)
            }
        }
    }

    /// A pass that no other pass keeps from going on has failed, also where it is a rule of no pass that left it without items.
    fn blame(&mut self, pass: Pass) {
        let is_blocked = self.needed_passes(pass).into_iter().any(|p| self.is_bad(p));
        if let Some(state) = self.passes.get_mut(&pass) {
            let is_stopped = self.stopped_at.is_some_and(|at| pass > at) && !state.problems.is_empty();
            state.failed |= !is_blocked && !is_stopped;
        }
    }

    fn end_pass(&mut self, pass: Pass, ended: Ended, problem: Option<Problem>) -> Result<(), Stop> {
        self.announced.pass_ended(pass, ended.clone());
        let Ended { status, records, quarantined, counts } = ended;
        self.tell_quarantined(Some(pass), None, quarantined)?;
        self.emit(&Event::PassEnded { pass, status, records, counts, problem })
    }

    /// Publishes a rule, and tells how long that took.
    fn published(&mut self, rule: RuleId, pool: &rayon::ThreadPool) -> Result<Result<Vec<ArtifactRecord>, Unpublished>, Stop> {
        let started = Instant::now();
        let records = self.publish(rule, pool);
        self.tell_own(format!("publication of {}", self.setup.graph.rule(rule).name), started);
        records
    }

    fn pass_succeeded(&mut self, pass: Pass, records: Vec<ArtifactRecord>) -> Result<(), Stop> {
        let counts = self.announced.counts_of(rules_of(self.setup.graph, pass));
        let ended = Ended { status: Status::Success, records, quarantined: self.quarantined_in(pass), counts };
        // What this build told last, if it began again; else what the job's manifest says.
        let stands = match self.announced.ended_passes.get(&pass) {
            Some(told) => *told == ended,
            None => self.prior(pass).is_some_and(|p| {
                p.status == Status::Success && p.records == ended.records && same_documents(&p.quarantined, &ended.quarantined)
            }),
        };
        let announced = self.announced.open_passes.contains(&pass);
        if !self.setup.publish {
            // Nothing of the job folder was touched.
        } else if self.mode == Mode::Plan {
            if !stands {
                self.would_publish.push(Write::Record(pass));
            }
        } else if announced || !stands {
            self.announce_pass(pass)?;
            self.end_pass(pass, ended, None)?;
        }
        tracing::info!(%pass, "SUCCESS");
        self.statuses.insert(pass, Status::Success);
        self.settle_pass(pass, Soundness::Good, None);
        Ok(())
    }

    fn tell_quarantined(&mut self, pass: Option<Pass>, rule: Option<&str>, out: Vec<Quarantined>) -> Result<(), Stop> {
        let rule = rule.map(str::to_owned);
        out.into_iter().try_for_each(|document| self.emit(&Event::Quarantined { pass, rule: rule.clone(), document }))
    }

    /// A pass that it needs has failed while its own actions went on.
    fn pass_skipped(&mut self, pass: Pass, why: String) -> Result<(), Stop> {
        if let Some(state) = self.passes.get_mut(&pass) {
            state.failed = false;
            state.problems = vec![Problem { message: why, ..Problem::default() }];
        }
        self.pass_failed(pass, None)
    }

    /// The pass failed, or was blocked as a whole. What it published before stays.
    fn pass_failed(&mut self, pass: Pass, gate: Option<Problem>) -> Result<(), Stop> {
        let Some(state) = self.passes.get(&pass) else { return Ok(()) };
        let failed = state.failed || gate.is_some();
        let problems = if let Some(problem) = gate { vec![problem] } else { state.problems.clone() };
        let status = if failed { Status::Failed } else { Status::Skipped };
        let problem = if problems.is_empty() { self.blocked_as_a_whole(pass) } else { summary(problems, failed) };
        if failed && !self.setup.keep_going {
            self.stopped_at.get_or_insert(pass);
        }
        tracing::info!(%pass, ?status, message = problem.message, "ended");
        self.statuses.insert(pass, status);
        self.failures.push((pass.to_string(), problem.clone()));
        let why = if failed { format!("{pass} failed") } else { problem.message.clone() };
        if self.mode == Mode::Build {
            self.announce_build()?;
            if failed {
                self.announce_pass(pass)?;
            }
            let problem = Some(problem);
            if self.setup.publish {
                let counts = self.announced.counts_of(rules_of(self.setup.graph, pass));
                let ended = Ended { status, records: Vec::new(), quarantined: self.quarantined_in(pass), counts };
                self.end_pass(pass, ended, problem)?;
            }
        } else {
            self.blocked_passes.push((pass, problem.message));
        }
        self.settle_pass(pass, Soundness::Bad, Some(why));
        Ok(())
    }
}

/// The first problem, told with how many there are.
fn summary(mut problems: Vec<Problem>, failed: bool) -> Problem {
    let more = problems.len() - 1;
    let mut first = problems.remove(0);
    if failed && more > 0 {
        first.message = format!("{} (and {more} more)", first.message);
    }
    first
}
