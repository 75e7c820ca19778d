//! Frozen passes: what they published is verified on disk and used as it is; never run, never repaired.

use std::collections::BTreeMap;

use super::{ActionIx, Coordinator, Soundness, Stop};
use crate::digest::Digest;
use crate::disk;
use crate::engine::gate::{self, Accepted};
use crate::engine::graph::{Check, From, Pass, Range, RuleId, Scope};
use crate::engine::items::ItemIx;
use crate::engine::manifest::{self, Field};
use crate::engine::observe::{Outcome, Problem, Status};
use crate::engine::select::{Choice, rules_of};
use crate::engine::verdict::Verdict;
use crate::store::records::Published;

impl Coordinator<'_, '_> {
    /// Settles the condition of every frozen pass that a selected one needs.
    pub(super) fn verify_frozen(&mut self) -> Result<(), Stop> {
        let graph = self.setup.graph;
        for pass in Pass::ALL {
            let frozen = rules_of(graph, pass).any(|id| self.setup.selection.of(id) == Choice::Frozen);
            let wanted = frozen || self.is_needed_by_selected(pass);
            if !wanted || self.passes.contains_key(&pass) {
                continue;
            }
            match self.unsound(pass)? {
                None => self.settle_pass(pass, Soundness::Good, None),
                Some(why) => self.settle_pass(pass, Soundness::Bad, Some(why)),
            }
        }
        Ok(())
    }

    fn is_needed_by_selected(&self, pass: Pass) -> bool {
        let selected = |id: &RuleId| self.setup.selection.of(*id) == Choice::Selected;
        self.active_rules().iter().filter(|id| selected(id)).any(|id| self.pass_needs[id.ix()].contains(&pass))
    }

    /// Why a frozen pass cannot be used; `None` if it can.
    fn unsound(&mut self, pass: Pass) -> Result<Option<String>, Stop> {
        let status = self.setup.prior.get(&pass).map_or(Status::Pending, |p| p.status);
        if status != Status::Success {
            let name = format!("{status:?}").to_uppercase();
            return Ok(Some(format!("{pass} is {name}, and it is not among the passes to build")));
        }
        let rules: Vec<RuleId> = rules_of(self.setup.graph, pass).collect();
        for id in rules {
            for output in 0..self.setup.graph.rule(id).outputs.len() {
                if let Some(why) = self.unsound_output(pass, id, output)? {
                    return Ok(Some(why));
                }
            }
        }
        Ok(None)
    }

    fn unsound_output(&mut self, pass: Pass, id: RuleId, output: usize) -> Result<Option<String>, Stop> {
        let rule = self.setup.graph.rule(id);
        let declared = &rule.outputs[output];
        if !declared.publish {
            return Ok(None);
        }
        let prefix = format!("{}\0", self.setup.job_key);
        let ours = |p: &Published| p.rule == rule.name && p.output == declared.name;
        let files: Vec<(String, Published)> = self
            .store
            .state
            .published
            .range_from(prefix.as_str())
            .take_while(|(k, _)| k.starts_with(&prefix))
            .filter(|(_, p)| ours(p))
            .map(|(k, p)| (k[prefix.len()..].to_owned(), p.clone()))
            .collect();
        if files.is_empty() && !declared.tree {
            return Ok(Some(format!("`{}` of {pass} is not in this job", declared.path)));
        }
        for (path, record) in files {
            let at = self.setup.job_dir.join(&path);
            let Some(stat) = disk::stat(&at)? else {
                return Ok(Some(format!("`{path}` of {pass} is missing")));
            };
            let edited = stat != record.stat && Digest::of(&disk::read(&at)?) != record.digest;
            if let Some(found) = self.invalid(id, output, &path, edited, &record)? {
                return Ok(Some(format!("`{path}` of {pass} is invalid: {found}")));
            }
            if edited {
                return Ok(Some(format!("`{path}` of {pass} was edited since it was published")));
            }
        }
        Ok(None)
    }

    /// What the gates of an output say of the file as it stands: the first violation.
    fn invalid(
        &mut self,
        id: RuleId,
        output: usize,
        path: &str,
        edited: bool,
        record: &Published,
    ) -> Result<Option<String>, Stop> {
        let rule = self.setup.graph.rule(id);
        let mut bytes = None;
        for gate in rule.gates.iter().filter(|g| g.output == output) {
            if gate.scope == Scope::Job {
                let mut subject = record.clone();
                if edited {
                    let bytes = disk::read(&self.setup.job_dir.join(path))?;
                    subject.digest = Digest::of(&bytes);
                    subject.content = subject.digest;
                    subject.items = self.setup.judge.count_items(&bytes).unwrap_or(1);
                }
                let subject = self.as_published((id, output), path, &subject);
                match self.judge_published(gate, subject)? {
                    Some(verdict) if !verdict.accepted() => return Ok(Some(first_of(&verdict))),
                    _ => continue,
                }
            }
            let key = gate::verdict_key(gate, &record.digest, &self.gate_files, &[]);
            if !edited
                && (matches!(gate.check, Check::Present { .. })
                    || self.store.state.verdicts.get(&key).is_some_and(|v| v.accepted()))
            {
                continue;
            }
            let bytes = match &bytes {
                Some(bytes) => std::sync::Arc::clone(bytes),
                None => {
                    let read: std::sync::Arc<[u8]> = disk::read(&self.setup.job_dir.join(path))?.into();
                    bytes.insert(read).clone()
                }
            };
            let files = self.gate_files.of(gate);
            let verdict = self.setup.judge.judge(gate, &bytes, &files, &[]).map_err(gate::GateError::Broken)?;
            if !verdict.accepted() {
                return Ok(Some(first_of(&verdict)));
            }
            if !edited {
                self.store.state.verdicts.put(key, verdict.into());
            }
        }
        Ok(None)
    }

    /// An action of a frozen pass: its last accepted result, if the source it was made from is still the same.
    pub(super) fn take_frozen(&mut self, ix: ActionIx) -> Result<(), Stop> {
        let source = self.items.in_range(self.actions[ix.0].item, Range::Source);
        if self.quarantine.is_out(source, self.actions[ix.0].rule) {
            return self.end(ix, Outcome::LeftOut, None);
        }
        let rule = self.setup.graph.rule(self.actions[ix.0].rule);
        let item = self.items.get(self.actions[ix.0].item).full_id.clone();
        let whose = rule.pass.map_or_else(|| format!("`{}`", rule.name), |p| p.to_string());
        let state = &self.store.state;
        let last = state.last.get(&self.last_key(ix)).filter(|l| l.accepted);
        let found = last.and_then(|l| state.results.get(&l.key).map(|result| (l, result)));
        let why = match found {
            None => Some(format!("{whose} has no result for `{item}`, and it is not among the passes to build")),
            Some((last, result)) => {
                let outputs = self.with_adopted(ix, None, result.outputs);
                let differs = last.source != self.source_digest(self.actions[ix.0].item);
                self.actions[ix.0].accepted = Some(Accepted::from_record(outputs));
                differs.then(|| format!("{whose} was made from other bytes of `{item}`"))
            }
        };
        match why {
            None => self.end(ix, Outcome::UpToDate, None),
            // What becomes of a document that is out already does not matter.
            Some(_) if self.quarantine.is_recorded(source) => {
                self.actions[ix.0].accepted = None;
                self.end(ix, Outcome::LeftOut, None)
            }
            Some(message) => {
                self.actions[ix.0].accepted = None;
                self.end(ix, Outcome::Blocked, Some(Problem { message, ..Problem::default() }))
            }
        }
    }

    /// Frozen passes that were made from something else than what their inputs are now: a sentence for each.
    pub(super) fn older_passes(&mut self) -> Vec<String> {
        let mut told = BTreeMap::new();
        for ix in (0..self.actions.len()).map(ActionIx) {
            let rule = self.actions[ix.0].rule;
            let Some(pass) = self.setup.graph.rule(rule).pass else { continue };
            let frozen = self.setup.selection.of(rule) == Choice::Frozen && self.actions[ix.0].accepted.is_some();
            if !frozen || told.contains_key(&pass) {
                continue;
            }
            if let Some(input) = self.newer_input(ix) {
                told.insert(pass, format!("{pass} is older than what it was made from: its input `{input}` changed since"));
            }
        }
        told.into_values().collect()
    }

    /// The first input of a frozen action that is known now and was another when the action ran.
    fn newer_input(&mut self, ix: ActionIx) -> Option<String> {
        let (rule, item) = (self.actions[ix.0].rule, self.actions[ix.0].item);
        let last = self.store.state.last.get(&self.last_key(ix))?;
        let made_from = manifest::of_last(&self.store.state, &last);
        let graph = self.setup.graph;
        for input in &graph.rule(rule).inputs {
            let now = match &input.from {
                From::Item { levels_up } => self.item_input(self.items.ancestor(item, *levels_up)),
                From::Artifact { rule: other, output, select } if self.setup.selection.of(*other) != Choice::Left => {
                    self.artifact_input(*other, *output, select.as_deref(), (rule, item))
                }
                _ => continue,
            };
            let field = Field::Input(input.name.clone());
            let then = made_from.0.iter().find(|(f, _)| *f == field).map(|(_, v)| v);
            if let (Ok(now), Some(then)) = (now, then)
                && now.digest().to_hex() != *then
            {
                return Some(input.name.clone());
            }
        }
        None
    }

    /// What the source that `item` belongs to holds now.
    pub(super) fn source_digest(&self, item: ItemIx) -> Option<Digest> {
        let source = self.items.in_range(item, Range::Source);
        self.source_digests.get(&source).and_then(|d| d.as_ref().ok()).copied()
    }
}

/// The first violation in a sentence, and how many there are.
fn first_of(verdict: &Verdict) -> String {
    let Some(first) = verdict.violations.first() else { return "its gate rejects it".to_owned() };
    let more = if verdict.count > 1 { format!(" (and {} more)", verdict.count - 1) } else { String::new() };
    let place = if first.place.is_empty() { String::new() } else { format!(", {}", first.place) };
    let pointer = if first.pointer.is_empty() { String::new() } else { format!("`{}`: ", first.pointer) };
    format!("{pointer}{}{place}{more}", first.message)
}
