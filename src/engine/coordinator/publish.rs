//! The job folder: what belongs there, what of it is there already, and putting the rest in place by rename.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::inputs::Unresolved;
use super::{Coordinator, Mode, Stop};
use crate::digest::Digest;
use crate::disk::{self, StatTuple};
use crate::engine::derive::{self, PieceOf};
use crate::engine::gate;
use crate::engine::graph::{GateSpec, MergeKind, Range, RuleId, Run, Scope};
use crate::engine::items::JOB;
use crate::engine::observe::{ArtifactRecord, Counts, Event, Problem};
use crate::engine::select::Choice;
use crate::engine::verdict::GateInput;
use crate::placeholder;
use crate::store::cas::Cas;
use crate::store::records::{Published, Stored, StoredFile};

/// How the bytes of a published file come to be.
#[derive(Clone)]
enum Make {
    Copy(StoredFile),
    Splice(Vec<PieceOf>),
}

/// A file that belongs in the job folder.
struct Wanted {
    path: String,
    /// What it is made from: equal content, equal bytes.
    content: Digest,
    make: Make,
    items: u64,
}

/// An output's files.
struct OutputFiles {
    output: usize,
    files: Vec<Wanted>,
    /// A tree, or one file per item: its record stands for many files.
    many: bool,
}

/// An artifact that a gate reads beside its subject.
enum Other {
    /// Of a rule that this build has completed.
    Made { content: Digest, make: Make },
    /// Of a rule that it leaves alone: as it was published.
    Published { path: String, content: Digest },
}

impl Other {
    /// What it is made from: the same whether it was made just now or before.
    fn content(&self) -> Digest {
        match self {
            Self::Made { content, .. } | Self::Published { content, .. } => *content,
        }
    }
}

/// Why a rule's outputs are not in the job folder.
pub(super) enum Unpublished {
    Problem(Problem),
    /// Planning: it is not known what they would hold.
    Unknown,
}

impl Coordinator<'_, '_> {
    /// Brings the published outputs of a complete rule up to date; their records.
    pub(super) fn publish(
        &mut self,
        rule: RuleId,
        pool: &rayon::ThreadPool,
    ) -> Result<Result<Vec<ArtifactRecord>, Unpublished>, Stop> {
        let wanted = match self.wanted(rule, pool)? {
            Ok(wanted) => wanted,
            Err(unpublished) => return Ok(Err(unpublished)),
        };
        if let Some(problem) = self.judge_job(rule, &wanted, pool)? {
            return Ok(Err(Unpublished::Problem(problem)));
        }
        let mut records = Vec::new();
        let mut kept = BTreeSet::new();
        for output in wanted {
            kept.extend(output.files.iter().map(|f| f.path.clone()));
            records.push(self.publish_output(rule, &output, pool)?);
        }
        self.unpublish(rule, &kept)?;
        Ok(Ok(records))
    }

    /// What belongs in the job folder; merges that are not known yet are computed on the pool.
    fn wanted(&mut self, rule: RuleId, pool: &rayon::ThreadPool) -> Result<Result<Vec<OutputFiles>, Unpublished>, Stop> {
        let mut all = Vec::new();
        for output in 0..self.setup.graph.rule(rule).outputs.len() {
            if !self.setup.graph.rule(rule).outputs[output].publish {
                continue;
            }
            match self.computed(rule, output, pool)? {
                Ok(files) => all.push(files),
                Err(unpublished) => return Ok(Err(unpublished)),
            }
        }
        Ok(Ok(all))
    }

    /// The files of an output; what must be merged first is merged on the pool.
    fn computed(
        &mut self,
        rule: RuleId,
        output: usize,
        pool: &rayon::ThreadPool,
    ) -> Result<Result<OutputFiles, Unpublished>, Stop> {
        loop {
            let needs = match self.output_files(rule, output) {
                Ok(files) => return Ok(Ok(files)),
                Err(Unresolved::Needs(_)) if self.mode == Mode::Plan => return Ok(Err(Unpublished::Unknown)),
                Err(Unresolved::Needs(needs)) => needs,
                Err(Unresolved::Failed(message)) => return Ok(Err(Unpublished::Problem(sentence(message)))),
            };
            self.open_store()?;
            let (cas, judge) = (self.store.cas.clone(), self.setup.judge);
            let compute = |n: &derive::Need| (n.key, derive::compute(&n.work, &cas, &|b| judge.count_items(b)));
            let made: Vec<_> = pool.install(|| needs.par_iter().map(compute).collect());
            for (key, value) in made {
                match value {
                    Ok(value) => self.store.state.derived.put(key, value),
                    Err(derive::DeriveError::Store(e)) => return Err(e.into()),
                    Err(derive::DeriveError::Failure(f)) => return Ok(Err(Unpublished::Problem(sentence(f.message)))),
                }
            }
        }
    }

    fn output_files(&mut self, rule: RuleId, output: usize) -> Result<OutputFiles, Unresolved> {
        let declared = self.setup.graph.rule(rule);
        let slot = &declared.outputs[output];
        let one = |path: String, f: StoredFile| Wanted { path, content: f.digest, make: Make::Copy(f), items: f.items };
        if slot.merge == MergeKind::PerItem {
            return Ok(OutputFiles { output, files: self.per_item_files(rule, output)?, many: true });
        }
        if slot.tree {
            let Stored::Tree(tree) = self.merged(rule, output, JOB, rule)? else {
                return Err(Unresolved::Failed("no tree".into()));
            };
            let files = tree
                .entries
                .iter()
                .map(|e| one(format!("{}{}", slot.path, e.name), StoredFile { digest: e.digest, bytes: e.bytes, items: 1 }));
            return Ok(OutputFiles { output, files: files.collect(), many: true });
        }
        let merges_itself = matches!(&declared.run, Run::Builtin { builtin, .. }
            if builtin.output(&slot.name).is_some_and(|p| matches!(p.merge, crate::builtin::Merge::Files(_))));
        if declared.range == Range::Job || merges_itself {
            let Stored::File(file) = self.merged(rule, output, JOB, rule)? else {
                return Err(Unresolved::Failed("no file".into()));
            };
            return Ok(OutputFiles { output, files: vec![one(slot.path.clone(), file)], many: false });
        }
        let mut pieces = Vec::new();
        let mut needs = Vec::new();
        let left_out = self.quarantine.left_out(rule);
        for child in self.children_for(rule, JOB).into_iter().filter(|child| !left_out.contains(child)) {
            match self.merged(rule, output, child, rule) {
                Ok(Stored::File(file)) => {
                    pieces.push(PieceOf { item_id: self.items.get(child).info.id.clone(), attrs: String::new(), file });
                }
                Ok(Stored::Tree(_)) => {}
                Err(Unresolved::Needs(more)) => needs.extend(more),
                Err(failed) => return Err(failed),
            }
        }
        if !needs.is_empty() {
            return Err(Unresolved::Needs(needs));
        }
        let (content, items) = (self.content_of(rule, output, &pieces), pieces.iter().map(|p| p.file.items).sum());
        let wanted = Wanted { path: slot.path.clone(), content, make: Make::Splice(pieces), items };
        Ok(OutputFiles { output, files: vec![wanted], many: false })
    }

    /// One file per item, named by `{id}` or `{stem}`; two items with one name are an error that names both.
    fn per_item_files(&mut self, rule: RuleId, output: usize) -> Result<Vec<Wanted>, Unresolved> {
        let declared = self.setup.graph.rule(rule);
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        let mut files = Vec::new();
        let left_out = self.quarantine.left_out(rule);
        for ix in (0..self.actions.len()).map(super::ActionIx).filter(|ix| self.actions[ix.0].rule == rule) {
            if left_out.contains(&self.items.in_range(self.actions[ix.0].item, Range::Source)) {
                continue;
            }
            let Some(Stored::File(file)) = self.outputs_of(ix).map(|o| o[output].clone()) else { continue };
            let node = self.items.get(self.actions[ix.0].item);
            let path = placeholder::fill(&declared.outputs[output].path, |name| match name {
                "id" => Some(node.info.id.clone()),
                "stem" => Some(stem(&node.info.path).to_owned()),
                _ => None,
            });
            if let Some(other) = taken.insert(path.clone(), node.full_id.clone()) {
                let message =
                    format!("`{}` and `{other}` would both be published as `{path}`: use {{id}} in its name", node.full_id);
                return Err(Unresolved::Failed(message));
            }
            files.push(Wanted { path, content: file.digest, make: Make::Copy(file), items: 1 });
        }
        Ok(files)
    }

    /// The job-scoped gates of a rule: the first problem.
    fn judge_job(&mut self, rule: RuleId, wanted: &[OutputFiles], pool: &rayon::ThreadPool) -> Result<Option<Problem>, Stop> {
        let declared = self.setup.graph.rule(rule);
        for gate in declared.gates.iter().filter(|g| g.scope == Scope::Job) {
            let Some(file) = wanted.iter().find(|w| w.output == gate.output).and_then(|w| w.files.first()) else { continue };
            let others = match self.others(gate, pool)? {
                Ok(others) => others,
                Err(message) => return Ok(Some(sentence(message))),
            };
            let digests: Vec<Digest> = others.iter().map(Other::content).collect();
            let key = gate::verdict_key(gate, &file.content, &self.gate_files, &digests);
            let verdict = match self.store.state.verdicts.get(&key) {
                Some(verdict) => verdict.clone(),
                None if self.mode == Mode::Plan => continue,
                None => {
                    let bytes = bytes_of(&file.make, &self.store.cas)?;
                    let files = gate::inputs_of(gate, &self.gate_files);
                    let read = self.read_others(gate, &others)?;
                    let verdict = self.setup.judge.judge(gate, &bytes, &files, &read).map_err(gate::GateError::Broken)?;
                    self.store.state.verdicts.put(key, verdict.clone());
                    verdict
                }
            };
            if !verdict.accepted() {
                return Ok(Some(Problem {
                    message: format!("the gate of `{}` rejected it", declared.outputs[gate.output].path),
                    violations: verdict.violations,
                    violation_count: verdict.count,
                    ..Problem::default()
                }));
            }
        }
        Ok(None)
    }

    /// The artifacts that a gate reads beside its subject; `Err` names one that is not there.
    fn others(&mut self, gate: &GateSpec, pool: &rayon::ThreadPool) -> Result<Result<Vec<Other>, String>, Stop> {
        let mut others = Vec::with_capacity(gate.others.len());
        for (rule, output) in &gate.others {
            let declared = self.setup.graph.rule(*rule);
            let slot = &declared.outputs[*output];
            let missing = format!("`{}`, which its gate refers to, is not there", slot.path);
            if self.setup.selection.of(*rule) == Choice::Selected {
                let files = self.computed(*rule, *output, pool)?.ok().and_then(|o| o.files.into_iter().next());
                let Some(file) = files else { return Ok(Err(missing)) };
                others.push(Other::Made { content: file.content, make: file.make });
            } else {
                let Some(known) = self.store.state.published.get(&self.published_key(&slot.path)) else {
                    return Ok(Err(missing));
                };
                others.push(Other::Published { path: slot.path.clone(), content: known.content });
            }
        }
        Ok(Ok(others))
    }

    fn read_others(&self, gate: &GateSpec, others: &[Other]) -> Result<Vec<GateInput>, Stop> {
        let mut inputs = Vec::with_capacity(others.len());
        for ((rule, output), other) in gate.others.iter().zip(others) {
            let rule = self.setup.graph.rule(*rule);
            let bytes = match other {
                Other::Made { make, .. } => bytes_of(make, &self.store.cas)?,
                Other::Published { path, .. } => disk::read(&self.setup.job_dir.join(path))?.into(),
            };
            inputs.push(GateInput { name: format!("{}.{}", rule.name, rule.outputs[*output].name), bytes });
        }
        Ok(inputs)
    }

    /// Counts a file of the job folder for the build, and for the pass or rule that it belongs to.
    fn count_file(&mut self, rule: RuleId, add: fn(&mut Counts)) {
        add(&mut self.counts);
        match self.setup.graph.rule(rule).pass.and_then(|p| self.passes.get_mut(&p)) {
            Some(state) => add(&mut state.counts),
            None => add(self.rule_counts.entry(rule).or_default()),
        }
    }

    fn published_key(&self, path: &str) -> String {
        format!("{}\0{path}", self.setup.job_key)
    }

    fn publish_output(&mut self, rule: RuleId, output: &OutputFiles, pool: &rayon::ThreadPool) -> Result<ArtifactRecord, Stop> {
        let (mut stale, mut moved) = (Vec::new(), Vec::new());
        for wanted in &output.files {
            let record = self.store.state.published.get(&self.published_key(&wanted.path));
            let same = record.filter(|r| r.content == wanted.content && r.items == wanted.items);
            let stat = disk::stat(&self.setup.job_dir.join(&wanted.path))?;
            match (same, stat) {
                (Some(r), Some(s)) if r.stat == s => {}
                (Some(r), Some(s)) if s.size == r.bytes && self.holds(&wanted.path, &r.digest) => {
                    moved.push((wanted.path.clone(), Published { stat: s, ..r.clone() }));
                }
                _ => stale.push(wanted),
            }
        }
        if self.mode == Mode::Plan {
            self.would_publish.extend(stale.iter().map(|w| w.path.clone()));
        } else {
            moved.into_iter().for_each(|(path, p)| {
                let key = self.published_key(&path);
                self.store.state.published.put(key, p);
            });
            if !stale.is_empty() {
                self.write(rule, output, &stale, pool)?;
            }
        }
        let record = self.record_of(rule, output);
        if self.mode == Mode::Build && !stale.is_empty() {
            let pass = self.setup.graph.rule(rule).pass;
            let rule = self.setup.graph.rule(rule).name.clone();
            self.emit(&Event::Published { rule, pass, record: record.clone() })?;
        }
        Ok(record)
    }

    fn holds(&self, path: &str, digest: &Digest) -> bool {
        disk::read(&self.setup.job_dir.join(path)).is_ok_and(|b| Digest::of(&b) == *digest)
    }

    fn write(&mut self, rule: RuleId, output: &OutputFiles, stale: &[&Wanted], pool: &rayon::ThreadPool) -> Result<(), Stop> {
        match self.setup.graph.rule(rule).pass {
            Some(pass) => self.announce_pass(pass)?,
            None => self.announce_build()?,
        }
        for wanted in stale {
            self.keep_foreign(&wanted.path)?;
        }
        // What is published must be in the cache for good before anybody can see it.
        self.batch(true)?;
        let (dir, cas) = (&self.setup.job_dir, &self.store.cas);
        let put = |w: &&Wanted| put_file(dir, w, cas, output.many);
        let written: Vec<_> = pool.install(|| stale.par_iter().with_min_len(8).map(put).collect());
        let declared = self.setup.graph.rule(rule);
        for (wanted, done) in stale.iter().zip(written) {
            let (digest, bytes, stat) = done?;
            let published = Published {
                rule: declared.name.clone(),
                output: declared.outputs[output.output].name.clone(),
                content: wanted.content,
                digest,
                bytes,
                items: wanted.items,
                stat,
            };
            let key = self.published_key(&wanted.path);
            self.store.state.published.put(key, published);
            self.count_file(rule, |c| c.published += 1);
            self.since_commit += 1;
        }
        Ok(())
    }

    /// Bytes that were never ours are kept before something is put in their place.
    fn keep_foreign(&mut self, path: &str) -> Result<(), Stop> {
        let at = self.setup.job_dir.join(path);
        let Some(stat) = disk::stat(&at)? else { return Ok(()) };
        let record = self.store.state.published.get(&self.published_key(path));
        if record.is_some_and(|r| r.stat == stat) {
            return Ok(());
        }
        let bytes = disk::read(&at)?;
        let digest = Digest::of(&bytes);
        let state = &self.store.state;
        let ours = self.store.cas.has(&digest)
            || state.published.iter().any(|(_, p)| p.digest == digest)
            || state.derived.iter().any(|(_, d)| d.digest == digest);
        if ours {
            return Ok(());
        }
        self.announce_build()?;
        let kept = self.setup.rejected_dir.join(path);
        disk::create_dir_all(kept.parent().unwrap_or(&self.setup.rejected_dir))?;
        disk::atomic_write(&kept, &bytes)?;
        let message = format!("`{path}` was changed by hand; what it held is kept as `{}`", self.shown(&kept));
        self.emit(&Event::Warning { message })
    }

    fn shown(&self, path: &std::path::Path) -> String {
        path.strip_prefix(&self.setup.root).unwrap_or(path).display().to_string().replace('\\', "/")
    }

    fn record_of(&self, rule: RuleId, output: &OutputFiles) -> ArtifactRecord {
        let name = self.setup.graph.rule(rule).outputs[output.output].path.clone();
        let mut known = output
            .files
            .iter()
            .filter_map(|w| self.store.state.published.get(&self.published_key(&w.path)).map(|p| (&w.path, p)));
        if !output.many {
            let (digest, bytes, items) = known.next_back().map_or((Digest::of(b""), 0, 0), |(_, p)| (p.digest, p.bytes, p.items));
            return ArtifactRecord { name, digest, bytes, items };
        }
        let sorted: BTreeMap<&String, &Published> = known.collect();
        let mut hasher = blake3::Hasher::new();
        for (path, p) in &sorted {
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path.as_bytes());
            hasher.update(p.digest.as_bytes());
        }
        let bytes = sorted.values().map(|p| p.bytes).sum();
        ArtifactRecord { name, digest: Digest::of_hasher(&hasher), bytes, items: sorted.len() as u64 }
    }

    /// Removes what the rule published for items that are no more.
    fn unpublish(&mut self, rule: RuleId, kept: &BTreeSet<String>) -> Result<(), Stop> {
        let name = &self.setup.graph.rule(rule).name;
        let prefix = format!("{}\0", self.setup.job_key);
        let all = self.store.state.published.range_from(prefix.as_str()).take_while(|(k, _)| k.starts_with(&prefix));
        let gone: Vec<String> = all
            .filter(|(k, p)| p.rule == *name && !kept.contains(&k[prefix.len()..]))
            .map(|(k, _)| k[prefix.len()..].to_owned())
            .collect();
        if self.mode == Mode::Plan {
            self.would_publish.extend(gone);
            return Ok(());
        }
        for path in gone {
            match self.setup.graph.rule(rule).pass {
                Some(pass) => self.announce_pass(pass)?,
                None => self.announce_build()?,
            }
            self.keep_foreign(&path)?;
            let at = self.setup.job_dir.join(&path);
            disk::remove_file(&at)?;
            if let Some(folder) = at.parent().filter(|f| *f != self.setup.job_dir) {
                let _ = disk::remove_dir_if_empty(folder);
            }
            let key = self.published_key(&path);
            self.store.state.published.remove(&key);
            self.count_file(rule, |c| c.removed += 1);
        }
        Ok(())
    }
}

fn sentence(message: String) -> Problem {
    Problem { message, ..Problem::default() }
}

/// File name of a path without folders and extension.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

fn bytes_of(make: &Make, cas: &Cas) -> Result<Arc<[u8]>, Stop> {
    match make {
        Make::Copy(file) => Ok(cas.read(&file.digest)?),
        Make::Splice(pieces) => spliced(pieces, cas).map(Into::into),
    }
}

fn spliced(pieces: &[PieceOf], cas: &Cas) -> Result<Vec<u8>, Stop> {
    let mut read = Vec::with_capacity(pieces.len());
    for p in pieces {
        let bytes = cas.read(&p.file.digest)?;
        read.push(crate::builtin::Piece { item_id: p.item_id.clone(), attrs: String::new(), bytes });
    }
    derive::splice(&read).map_err(|f| Stop::Error(crate::engine::error::EngineError::Input(f.message)))
}

fn put_file(dir: &std::path::Path, wanted: &Wanted, cas: &Cas, many: bool) -> Result<(Digest, u64, StatTuple), Stop> {
    let at = dir.join(&wanted.path);
    let bytes = bytes_of(&wanted.make, cas)?;
    let write = if many { disk::replace } else { disk::atomic_write };
    if write(&at, &bytes).is_err() {
        disk::create_dir_all(at.parent().unwrap_or(dir))?;
        write(&at, &bytes)?;
    }
    let missing = || disk::DiskError::new("find", &at, std::io::ErrorKind::NotFound.into());
    let stat = disk::stat(&at)?.ok_or_else(missing)?;
    let digest = match &wanted.make {
        Make::Copy(file) => file.digest,
        Make::Splice(_) => Digest::of(&bytes),
    };
    Ok((digest, bytes.len() as u64, stat))
}
