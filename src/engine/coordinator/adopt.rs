//! `--accept` and `--discard`: taking what was edited by hand for what a rule made, and giving it up again. Done before
//! anything else of a build; all of it or nothing. `placed` splits and merges for it; what an
//! adoption means for actions and for publication is in `adopted`.

use std::sync::Arc;

use super::judge_job::Artifact;
use super::placed::Placed;
use super::{Coordinator, Stop};
use crate::digest::Digest;
use crate::disk;
use crate::engine::error::EngineError;
use crate::engine::gate::{self, Judged};
use crate::engine::graph::{Range, RuleId, Scope};
use crate::engine::observe::{ArtifactRecord, Event, Problem};
use crate::engine::select::Choice;
use crate::engine::split::{self, Stray};
use crate::engine::verdict::{Verdict, Violation};
use crate::store::records::{AdoptedPiece, Adoption, Published, Stored, StoredFile};

/// Outputs to adopt as they lie in the job folder, and adoptions to give up.
#[derive(Clone, Debug, Default)]
pub struct Adopting {
    pub accept: Vec<(RuleId, usize)>,
    pub discard: Vec<(RuleId, usize)>,
}

/// A file that may be adopted.
struct Ready {
    path: String,
    adoption: Adoption,
    published: Published,
}

impl Coordinator<'_, '_> {
    /// Does what `Setup::adopting` asks for, once per build.
    pub(super) fn adopt(&mut self) -> Result<(), Stop> {
        let asked = &self.setup.adopting;
        if self.announced.adopting_done || (asked.accept.is_empty() && asked.discard.is_empty()) {
            return Ok(());
        }
        self.tell_undiscardable();
        for (rule, output) in asked.discard.clone() {
            self.discard(rule, output)?;
        }
        let mut ready = Vec::new();
        for (rule, output) in asked.accept.clone() {
            self.announced.accepting.insert((rule, output));
            if let Some(found) = self.ready(rule, output)? {
                ready.push((rule, found));
            }
        }
        self.tell_unedited(!ready.is_empty());
        self.store_adoptions(ready)?;
        self.announced.adopting_done = true;
        Ok(())
    }

    fn tell_undiscardable(&mut self) {
        let graph = self.setup.graph;
        let paths = self.setup.adopting.discard.iter().map(|(rule, output)| &graph.rule(*rule).outputs[*output].path);
        let paths: Vec<&String> = paths.collect();
        let any = paths.iter().any(|p| self.store.state.adoptions.get(&self.published_key(p)).is_some());
        if !any && !paths.is_empty() && self.announced.notes.is_empty() {
            self.announced.notes.push(format!("nothing was adopted in {}: there is nothing to discard", listed(&paths)));
        }
    }

    fn tell_unedited(&mut self, any: bool) {
        let graph = self.setup.graph;
        let paths = self.setup.adopting.accept.iter().map(|(rule, output)| &graph.rule(*rule).outputs[*output].path);
        let (adopted, others): (Vec<&String>, Vec<&String>) = paths.partition(|p| self.is_adopted(p));
        if any || (adopted.is_empty() && others.is_empty()) {
            return;
        }
        let note = match adopted.as_slice() {
            [] => format!("nothing was edited in {}: nothing is adopted", listed(&others)),
            adopted => format!("{} stays adopted as it is", listed(adopted)),
        };
        self.announced.notes.push(note);
    }

    /// Checks a published file that was edited; `None` if it was not.
    fn ready(&mut self, rule: RuleId, output: usize) -> Result<Option<Ready>, Stop> {
        let graph = self.setup.graph;
        let path = graph.rule(rule).outputs[output].path.clone();
        let at = self.setup.job_dir.join(&path);
        let Some(record) = self.store.state.published.get(&self.published_key(&path)) else {
            return Err(refused(format!("`{path}` is not published in this job: there is nothing to adopt")));
        };
        let Some(stat) = disk::stat(&at)? else {
            return Err(refused(format!("`{path}` is missing: there is nothing to adopt")));
        };
        if stat == record.stat {
            return Ok(None);
        }
        let bytes = disk::read(&at)?;
        let digest = Digest::of(&bytes);
        if digest == record.digest {
            return Ok(None);
        }
        self.open_store()?;
        self.judge_edited(rule, output, &bytes)?;
        let items = self.placed(rule, output).map_err(refused)?;
        let shares = self.shares(rule, output, &items, &bytes)?;
        let mut pieces = Vec::new();
        let mut files = Vec::with_capacity(items.len());
        for (item, share) in items.iter().zip(shares) {
            let (file, piece) = self.piece(rule, output, item, &share)?;
            files.push(file);
            pieces.extend(piece);
        }
        pieces.sort_by(|a, b| a.item.cmp(&b.item));
        let (content, merged) = self.merge_placed(rule, output, &items, &files)?;
        if let (Some(at), true) = (split::out_of_place(&bytes, &merged), graph.rule(rule).range != Range::Job) {
            let stray = Stray { pointer: format!("/{at}"), message: OUT_OF_PLACE.to_owned() };
            return Err(not_adopted(&path, stray));
        }
        self.store.cas.put(&bytes)?;
        let count = self.setup.judge.count_items(&bytes).unwrap_or(1);
        let file = StoredFile { digest, bytes: bytes.len() as u64, items: count };
        let adoption = Adoption { rule: record.rule.clone(), output: record.output.clone(), file, content, pieces };
        let published = Published { content, digest, bytes: file.bytes, items: count, stat, ..record };
        Ok(Some(Ready { path, adoption, published }))
    }

    /// All gates of the output, on the file as it was edited: pointers are into that file.
    fn judge_edited(&mut self, rule: RuleId, output: usize, bytes: &[u8]) -> Result<(), Stop> {
        let declared = self.setup.graph.rule(rule);
        for gate in declared.gates.iter().filter(|g| g.output == output) {
            let verdict = if gate.scope == Scope::Job {
                let others = gate.others.iter().map(|at| self.lying(*at)).collect::<Result<_, Stop>>()?;
                let subject = self.as_edited((rule, output), bytes);
                match subject {
                    Some(subject) => self.judge_beside(gate, subject, others)?.unwrap_or_default(),
                    None => continue,
                }
            } else {
                let files = self.gate_files.of(gate);
                self.setup.judge.judge(gate, bytes, &files, &[]).map_err(gate::GateError::Broken)?
            };
            if !verdict.accepted() {
                return Err(rejected(&declared.outputs[output].path, verdict));
            }
        }
        Ok(())
    }

    /// An artifact that a gate refers to: as it was edited if it is to be adopted too, else as it was published.
    fn lying(&self, at: (RuleId, usize)) -> Result<Result<Artifact, String>, Stop> {
        if self.setup.adopting.accept.contains(&at) {
            let path = &self.setup.graph.rule(at.0).outputs[at.1].path;
            let bytes = disk::read_if_there(&self.setup.job_dir.join(path))?;
            if let Some(edited) = bytes.and_then(|b| self.as_edited(at, &b)) {
                return Ok(Ok(edited));
            }
        }
        Ok(self.published_artifact(at))
    }

    /// A published artifact whose file holds `bytes` instead.
    fn as_edited(&self, at: (RuleId, usize), bytes: &[u8]) -> Option<Artifact> {
        let path = &self.setup.graph.rule(at.0).outputs[at.1].path;
        let record = self.store.state.published.get(&self.published_key(path))?;
        let digest = Digest::of(bytes);
        if digest == record.digest {
            return Some(self.as_published(at, path, &record));
        }
        let items = self.setup.judge.count_items(bytes).unwrap_or(1);
        let edited = Published { content: digest, digest, bytes: bytes.len() as u64, items, ..record };
        Some(self.as_published(at, path, &edited))
    }

    /// Stores an item's share if it was edited, and judges it.
    fn piece(
        &mut self,
        rule: RuleId,
        output: usize,
        item: &Placed,
        share: &[u8],
    ) -> Result<(StoredFile, Option<AdoptedPiece>), Stop> {
        let before = self.adopted_piece(rule, output, &item.full_id);
        if let Some(base) = item.base
            && split::is_same(&self.store.cas.read(&base.digest)?, share)
        {
            return Ok((base, before));
        }
        let digest = self.store.cas.put(share)?;
        let items = self.setup.judge.count_items(share).unwrap_or(1);
        let file = StoredFile { digest, bytes: share.len() as u64, items };
        let mut outputs = item.outputs.clone();
        outputs[output] = Stored::File(file);
        self.judge_piece(rule, item, outputs)?;
        Ok((file, Some(AdoptedPiece { item: item.full_id.clone(), key: item.key, file })))
    }

    fn judge_piece(&mut self, rule: RuleId, item: &Placed, outputs: Vec<Stored>) -> Result<(), Stop> {
        let declared = self.setup.graph.rule(rule);
        let outputs: Arc<[Stored]> = outputs.into();
        let mut known = gate::judge_known(declared, &outputs, &self.gate_files, &self.store.state);
        if let Judged::Open(open) = &known {
            let verdicts = gate::judge_open(declared, open, &outputs, &self.gate_files, &self.store.cas, self.setup.judge)?;
            verdicts.into_iter().for_each(|(key, v)| self.store.state.verdicts.put(key, v.into()));
            known = gate::judge_known(declared, &outputs, &self.gate_files, &self.store.state);
        }
        match known {
            Judged::Rejected { output, verdict } => {
                let of = format!("what `{output}` holds of `{}`", item.full_id);
                Err(rejected(&of, verdict))
            }
            _ => Ok(()),
        }
    }

    /// Makes adoptions durable, then tells of them.
    fn store_adoptions(&mut self, ready: Vec<(RuleId, Ready)>) -> Result<(), Stop> {
        if ready.is_empty() {
            return self.mend_records();
        }
        self.announce_build()?;
        for (_, Ready { path, adoption, published }) in &ready {
            let key = self.published_key(path);
            self.store.state.adoptions.put(key.clone(), adoption.clone());
            self.store.state.published.put(key, published.clone());
            self.since_commit += 1;
        }
        self.batch(true)?;
        self.picture()?;
        ready.into_iter().try_for_each(|(rule, found)| self.tell_adopted(rule, found.path, &found.published))
    }

    /// A build that was killed between an adoption and its record in the manifest is caught up with.
    fn mend_records(&mut self) -> Result<(), Stop> {
        for (rule, output) in self.setup.adopting.accept.clone() {
            let path = &self.setup.graph.rule(rule).outputs[output].path;
            let key = self.published_key(path);
            let Some(published) = self.store.state.published.get(&key).filter(|_| self.is_adopted(path)) else {
                continue;
            };
            let prior = self.setup.graph.rule(rule).pass.and_then(|p| self.setup.prior.get(&p));
            if prior.is_some_and(|p| p.records.iter().any(|r| r.name == *path && r.digest != published.digest)) {
                self.announce_build()?;
                self.tell_adopted(rule, path.clone(), &published)?;
            }
        }
        Ok(())
    }

    fn tell_adopted(&mut self, rule: RuleId, path: String, published: &Published) -> Result<(), Stop> {
        let Published { digest, bytes, items, .. } = published;
        let record = ArtifactRecord { name: path, digest: *digest, bytes: *bytes, items: *items, adopted: true };
        self.announced.adopted.push(record.clone());
        let declared = self.setup.graph.rule(rule);
        self.emit(&Event::Adopted { rule: declared.name.clone(), pass: declared.pass, record })
    }

    /// Gives up an adoption: the edits are kept aside, and the rule's own result is published by this build.
    fn discard(&mut self, rule: RuleId, output: usize) -> Result<(), Stop> {
        let declared = self.setup.graph.rule(rule);
        let path = &declared.outputs[output].path;
        let key = self.published_key(path);
        if self.store.state.adoptions.get(&key).is_none() {
            return Ok(());
        }
        if self.setup.selection.of(rule) != Choice::Selected {
            let whose = declared.pass.map_or_else(|| declared.name.clone(), |p| p.to_string());
            return Err(refused(format!("`{path}` is to be made anew, and {whose} is not among the passes to build")));
        }
        self.open_store()?;
        self.announce_build()?;
        self.keep_adopted_aside(path)?;
        self.store.state.adoptions.remove(&key);
        self.since_commit += 1;
        Ok(())
    }
}

const OUT_OF_PLACE: &str = "it is out of place: items stand in the order of the sources, and of their parts";

fn listed(paths: &[&String]) -> String {
    paths.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ")
}

pub(super) fn refused(message: String) -> Stop {
    Stop::Error(EngineError::Adoption(Box::new(Problem { message, ..Problem::default() })))
}

fn rejected(what: &str, verdict: Verdict) -> Stop {
    Stop::Error(EngineError::Adoption(Box::new(Problem {
        message: format!("the gate of `{what}` rejects it as it was edited"),
        violations: verdict.violations,
        violation_count: verdict.count,
        hint: Some(STAYS.to_owned()),
        ..Problem::default()
    })))
}

pub(super) fn not_adopted(path: &str, stray: Stray) -> Stop {
    let Stray { pointer, message } = stray;
    let violation = Violation { pointer, message, place: String::new() };
    Stop::Error(EngineError::Adoption(Box::new(Problem {
        message: format!("`{path}` cannot be split back to the items that it was made from"),
        violations: vec![violation],
        violation_count: 1,
        hint: Some(STAYS.to_owned()),
        ..Problem::default()
    })))
}

const STAYS: &str = "the file stays as it is: mend it and accept it again";
