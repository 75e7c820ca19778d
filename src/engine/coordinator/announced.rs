//! What observers have been told in one build, across fresh starts of the coordinator: what has begun and not ended, and
//! the counts. They are sums over what was told, so that the log and manifest.json cannot disagree.
//!
//! An action counts once, by the last line that tells of it. When the build begins again, what failed or was rejected before
//! is judged anew and counts no more; what ran or came from the cache stays. What was up to date, is blocked, or failed as the
//! record of a document that is set aside says, has no line: it is only counted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::reasons::LostBlob;
use crate::digest::Digest;
use crate::engine::error::EngineError;
use crate::engine::graph::{Graph, Pass, RuleId};
use crate::engine::observe::{ArtifactRecord, Counts, Event, Observer, Outcome, Problem, Quarantined, Status, Untold};
use crate::engine::select::rules_of;

/// How a pass ended when it was last told.
#[derive(Clone, PartialEq)]
pub(super) struct Ended {
    pub(super) status: Status,
    pub(super) records: Vec<ArtifactRecord>,
    /// Documents that fell out in it.
    pub(super) quarantined: Vec<Quarantined>,
    pub(super) counts: Counts,
}

/// What survives a fresh start of the coordinator within one build.
#[derive(Default)]
pub(super) struct Announced {
    pub(super) build: bool,
    pub(super) open_passes: BTreeSet<Pass>,
    pub(super) open_rules: BTreeSet<RuleId>,
    pub(super) ended_passes: BTreeMap<Pass, Ended>,
    ended_rules: BTreeSet<RuleId>,
    /// The last line of each action, by its rule and the beginning of a digest of its item.
    outcomes: BTreeMap<(RuleId, u64), Outcome>,
    /// Files written to the job folder and removed from it.
    files: BTreeMap<RuleId, Counts>,
    /// What has no line of its own, as this start of the coordinator found it.
    unlisted: BTreeMap<RuleId, Counts>,
    /// Results that were forgotten because of a blob, by action key.
    pub(super) lost: BTreeMap<Digest, LostBlob>,
    /// How often each file changed under our hands.
    pub(super) changes: BTreeMap<PathBuf, usize>,
    /// `Setup::adopting` was done.
    pub(super) adopting_done: bool,
    /// Outputs whose adopted pieces this build may give other keys.
    pub(super) accepting: BTreeSet<(RuleId, usize)>,
    /// Records of the files that it adopted.
    pub(super) adopted: Vec<ArtifactRecord>,
    /// The disk was full, and all went that nothing needs.
    pub(super) made_room: bool,
    /// For people, at the end.
    pub(super) notes: Vec<String>,
}

impl Announced {
    /// The coordinator begins again.
    pub(super) fn begin_again(&mut self) {
        self.unlisted.clear();
        self.outcomes.retain(|_, outcome| matches!(outcome, Outcome::Ran | Outcome::FromCache));
    }

    /// Counts an action that is done; whether a line must tell of it. `as_before`: it failed as its document's record says.
    pub(super) fn count(&mut self, rule: RuleId, item: &str, outcome: Outcome, as_before: bool) -> bool {
        let name = (rule, Digest::of(item.as_bytes()).beginning());
        match outcome {
            // What ran before the coordinator had to begin again is up to date now; it ran all the same.
            Outcome::UpToDate if self.outcomes.contains_key(&name) => false,
            Outcome::UpToDate | Outcome::Blocked => {
                add(self.unlisted.entry(rule).or_default(), outcome);
                false
            }
            Outcome::Failed | Outcome::Rejected if as_before => {
                add(self.unlisted.entry(rule).or_default(), outcome);
                false
            }
            Outcome::LeftOut => false,
            Outcome::Interrupted => true,
            Outcome::Ran | Outcome::FromCache | Outcome::Failed | Outcome::Rejected => {
                self.outcomes.insert(name, outcome);
                true
            }
        }
    }

    /// Counts a file of the job folder.
    pub(super) fn count_file(&mut self, rule: RuleId, add: fn(&mut Counts)) {
        add(self.files.entry(rule).or_default());
    }

    fn counts_of_rule(&self, rule: RuleId) -> Counts {
        let mut counts = self.unlisted.get(&rule).copied().unwrap_or_default();
        let files = self.files.get(&rule).copied().unwrap_or_default();
        (counts.published, counts.removed) = (files.published, files.removed);
        let lines = self.outcomes.range((rule, 0)..).take_while(|((of, _), _)| *of == rule);
        lines.for_each(|(_, outcome)| add(&mut counts, *outcome));
        counts
    }

    /// The counts of some rules together.
    pub(super) fn counts_of(&self, rules: impl IntoIterator<Item = RuleId>) -> Counts {
        rules.into_iter().map(|r| self.counts_of_rule(r)).fold(Counts::default(), Counts::and)
    }

    /// The counts of the build.
    pub(super) fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.unlisted.values().chain(self.files.values()).for_each(|c| total = total.and(*c));
        self.outcomes.values().for_each(|outcome| add(&mut total, *outcome));
        total
    }

    /// A pass has been told to have ended.
    pub(super) fn pass_ended(&mut self, pass: Pass, ended: Ended) {
        self.open_passes.remove(&pass);
        self.ended_passes.insert(pass, ended);
    }

    /// A rule of no pass has been told to have ended.
    pub(super) fn rule_ended(&mut self, rule: RuleId) {
        self.open_rules.remove(&rule);
        self.ended_rules.insert(rule);
    }

    /// Counts of passes and rules that no line of the build tells of.
    pub(super) fn untold(&self, graph: &Graph) -> Vec<Untold> {
        let mut untold = Vec::new();
        let mut seen = BTreeSet::new();
        for (ix, rule) in graph.rules.iter().enumerate() {
            let id = RuleId(u32::try_from(ix).unwrap_or(u32::MAX));
            let entry = match rule.pass {
                Some(pass) if self.ended_passes.contains_key(&pass) || !seen.insert(pass) => continue,
                Some(pass) => Untold { pass: Some(pass), rule: None, counts: self.counts_of(rules_of(graph, pass)) },
                None if self.ended_rules.contains(&id) => continue,
                None => Untold { pass: None, rule: Some(rule.name.clone()), counts: self.counts_of_rule(id) },
            };
            if entry.counts != Counts::default() {
                untold.push(entry);
            }
        }
        untold
    }

    /// The build is given up: ends, for `observer`, all that has begun. What it answers can stop nothing any more.
    pub(super) fn give_up(&mut self, graph: &Graph, error: &EngineError, observer: &mut dyn Observer) {
        if !self.build {
            return;
        }
        let problem = Problem::of(error);
        for pass in std::mem::take(&mut self.open_passes) {
            let counts = self.counts_of(rules_of(graph, pass));
            let (status, records) = (Status::Failed, Vec::new());
            self.pass_ended(pass, Ended { status, records: records.clone(), quarantined: Vec::new(), counts });
            let _ = observer.on(&Event::PassEnded { pass, status, records, counts, problem: Some(problem.clone()) });
        }
        for rule in std::mem::take(&mut self.open_rules) {
            let (counts, name) = (self.counts_of_rule(rule), graph.rule(rule).name.clone());
            self.rule_ended(rule);
            let (status, records) = (Status::Failed, Vec::new());
            let _ = observer.on(&Event::RuleEnded { rule: name, status, records, counts, problem: Some(problem.clone()) });
        }
        let interrupted = matches!(error, EngineError::Interrupted);
        let (counts, untold) = (self.total(), self.untold(graph));
        let _ = observer.on(&Event::BuildEnded { counts, untold, interrupted, problem: Some(problem) });
    }
}

fn add(counts: &mut Counts, outcome: Outcome) {
    match outcome {
        Outcome::UpToDate => counts.up_to_date += 1,
        Outcome::FromCache => counts.from_cache += 1,
        Outcome::Ran => counts.ran += 1,
        Outcome::Failed => counts.failed += 1,
        Outcome::Rejected => counts.rejected += 1,
        Outcome::Blocked => counts.blocked += 1,
        Outcome::LeftOut | Outcome::Interrupted => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: RuleId = RuleId(3);

    #[test]
    fn an_action_counts_once_by_its_last_line() {
        let mut told = Announced::default();
        assert!(told.count(RULE, "a", Outcome::Ran, false));
        assert!(told.count(RULE, "b", Outcome::Failed, false));
        assert!(!told.count(RULE, "c", Outcome::UpToDate, false));
        told.begin_again();
        assert!(!told.count(RULE, "a", Outcome::UpToDate, false), "it ran, and that was told");
        assert!(told.count(RULE, "b", Outcome::Ran, false));
        assert!(!told.count(RULE, "c", Outcome::UpToDate, false));
        let counts = Counts { ran: 2, up_to_date: 1, ..Counts::default() };
        assert_eq!((told.total(), told.counts_of([RULE])), (counts, counts));
    }

    #[test]
    fn counts_of_rules_are_kept_apart() {
        let mut told = Announced::default();
        told.count(RULE, "a", Outcome::Ran, false);
        told.count(RuleId(4), "a", Outcome::FromCache, false);
        told.count_file(RuleId(4), |c| c.published += 2);
        assert_eq!(told.counts_of([RULE]), Counts { ran: 1, ..Counts::default() });
        assert_eq!(told.counts_of([RuleId(4)]), Counts { from_cache: 1, published: 2, ..Counts::default() });
        assert_eq!(told.total(), Counts { ran: 1, from_cache: 1, published: 2, ..Counts::default() });
    }
}
