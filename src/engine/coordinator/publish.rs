//! The job folder: what belongs there, what of it is there already, and putting the rest in place by rename.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rayon::prelude::*;

use super::inputs::Unresolved;
use super::put::{Make, Merged};
use super::{Coordinator, Mode, Stop};
use crate::builtin::{Level, Merge, TreeEntry};
use crate::digest::Digest;
use crate::disk::{self, StatTuple};
use crate::engine::derive::{self, PieceOf};
use crate::engine::graph::{MergeKind, Range, Rule, RuleId};
use crate::engine::items::JOB;
use crate::engine::observe::{ArtifactRecord, Event, Problem};
use crate::engine::plan::Write;
use crate::fail_point::{self, FailPoint};
use crate::store::records::{Published, Stored, StoredFile};

/// A file that belongs in the job folder.
pub(super) struct Wanted {
    pub(super) path: String,
    /// What it is made from: equal content, equal bytes.
    pub(super) content: Digest,
    pub(super) make: Make,
    pub(super) items: u64,
}

impl Wanted {
    pub(super) fn of_blob(path: String, file: StoredFile, items: u64) -> Self {
        Self { path, content: file.digest, make: Make::Copy(file), items }
    }

    /// The files whose items, one after the other, are its items; `None` if no files are.
    pub(super) fn pieces(&self) -> Option<Vec<PieceOf>> {
        Some(match &self.make {
            Make::Merge(Merge::Union(_), _) => return None,
            Make::Merge(_, pieces) => pieces.clone(),
            Make::Copy(file) => vec![PieceOf { item_id: String::new(), attrs: String::new(), file: *file }],
        })
    }
}

/// An output's files.
pub(super) struct OutputFiles {
    pub(super) output: usize,
    pub(super) files: Vec<Wanted>,
    /// A tree, or one file per item: its record stands for many files.
    many: bool,
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
        if let Some(problem) = self.lost_pieces(rule)? {
            return Ok(Err(Unpublished::Problem(problem)));
        }
        let wanted = match self.wanted(rule, pool)? {
            Ok(wanted) => wanted,
            Err(unpublished) => return Ok(Err(unpublished)),
        };
        let started = Instant::now();
        let rejected = self.judge_job(rule, &wanted, pool)?;
        self.tell_own(format!("gates of {}", self.setup.graph.rule(rule).name), started);
        if let Some(problem) = rejected {
            return Ok(Err(Unpublished::Problem(problem)));
        }
        let mut records = Vec::new();
        let mut kept = BTreeSet::new();
        for output in wanted {
            kept.extend(output.files.iter().map(|f| f.path.clone()));
            records.push(self.publish_output(rule, &output, pool)?);
            if let Some(file) = output.files.first().filter(|_| !output.many && self.mode == Mode::Build) {
                self.store.state.baselines.put(self.published_key(&file.path), file.items);
            }
        }
        self.unpublish(rule, &kept)?;
        Ok(Ok(records))
    }

    /// Puts the files of good items in place for a rule that has bad ones; what stands there of others stays.
    pub(super) fn publish_good_items(
        &mut self,
        rule: RuleId,
        pool: &rayon::ThreadPool,
    ) -> Result<Result<Vec<ArtifactRecord>, Unpublished>, Stop> {
        let mut records = Vec::new();
        for output in 0..self.setup.graph.rule(rule).outputs.len() {
            let slot = &self.setup.graph.rule(rule).outputs[output];
            if !slot.publish || slot.merge != MergeKind::PerItem {
                continue;
            }
            match self.computed(rule, output, pool)? {
                Ok(files) => records.push(self.publish_output(rule, &files, pool)?),
                Err(unpublished) => return Ok(Err(unpublished)),
            }
        }
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
    pub(super) fn computed(
        &mut self,
        rule: RuleId,
        output: usize,
        pool: &rayon::ThreadPool,
    ) -> Result<Result<OutputFiles, Unpublished>, Stop> {
        loop {
            let needs = match self.output_files(rule, output) {
                Ok(files) => return Ok(Ok(self.as_adopted(files))),
                Err(Unresolved::Needs(_)) if self.mode == Mode::Plan => return Ok(Err(Unpublished::Unknown)),
                Err(Unresolved::Needs(needs)) => needs,
                Err(Unresolved::Failed(message)) => return Ok(Err(Unpublished::Problem(sentence(message)))),
            };
            self.open_store()?;
            let (cas, judge) = (self.store.cas.clone(), self.setup.judge);
            let compute = |n: &derive::Need| (n.key, derive::compute(&n.work, &cas, &|b| judge.count_items(b)));
            let started = Instant::now();
            let made: Vec<_> = pool.install(|| needs.par_iter().map(compute).collect());
            self.tell_own(format!("merge of {}", self.setup.graph.rule(rule).name), started);
            for (key, value) in made {
                match value {
                    Ok(value) => self.store.state.derived.put(key, value),
                    Err(derive::DeriveError::Store(e)) => return Err(e.into()),
                    Err(derive::DeriveError::Failure(f)) => return Ok(Err(Unpublished::Problem(sentence(f.message)))),
                }
            }
        }
    }

    /// A file that would hold just what was adopted is published as it was adopted, byte for byte.
    fn as_adopted(&self, mut output: OutputFiles) -> OutputFiles {
        for file in &mut output.files {
            let adoption = self.store.state.adoptions.get(&self.published_key(&file.path));
            if let Some(adoption) = adoption.filter(|a| a.content == file.content) {
                file.make = Make::Copy(adoption.file);
                file.items = adoption.file.items;
            }
        }
        output
    }

    fn output_files(&mut self, rule: RuleId, output: usize) -> Result<OutputFiles, Unresolved> {
        let declared = self.setup.graph.rule(rule);
        let slot = &declared.outputs[output];
        if slot.merge == MergeKind::PerItem {
            return Ok(OutputFiles { output, files: self.per_item_files(rule, output)?, many: true });
        }
        if slot.tree {
            let Stored::Tree(tree) = self.merged(rule, output, JOB, rule)? else {
                return Err(Unresolved::Failed("no tree".into()));
            };
            let file = |e: &TreeEntry| StoredFile { digest: e.digest, bytes: e.bytes, items: 1 };
            let files = tree.entries.iter().map(|e| Wanted::of_blob(format!("{}{}", slot.path, e.name), file(e), 1));
            return Ok(OutputFiles { output, files: files.collect(), many: true });
        }
        let merge = self.merge_of(rule, output);
        if declared.range == Range::Job || merge.is_fold() {
            let Stored::File(file) = self.merged(rule, output, JOB, rule)? else {
                return Err(Unresolved::Failed("no file".into()));
            };
            let wanted = Wanted::of_blob(slot.path.clone(), file, file.items);
            return Ok(OutputFiles { output, files: vec![wanted], many: false });
        }
        let pieces = self.pieces_below_job(rule, output)?;
        let content = self.content_of(rule, output, &pieces);
        let items = if matches!(merge, Merge::Union(_)) { 1 } else { pieces.iter().map(|p| p.file.items).sum() };
        if self.setup.check_determinism {
            let work = derive::Work::Merge { merge, level: Level::AcrossSources, pieces: pieces.clone() };
            self.note(rule, output, JOB, content, &work);
        }
        let wanted = Wanted { path: slot.path.clone(), content, make: Make::Merge(merge, pieces), items };
        Ok(OutputFiles { output, files: vec![wanted], many: false })
    }

    /// What the job's merge of an output is made from: a file for each child of the job.
    pub(super) fn pieces_below_job(&mut self, rule: RuleId, output: usize) -> Result<Vec<PieceOf>, Unresolved> {
        let mut pieces = Vec::new();
        let mut needs = Vec::new();
        let left_out = self.quarantine.left_out(rule);
        for child in self.children_for(rule, JOB).into_iter().filter(|child| !left_out.contains(child)) {
            match self.merged(rule, output, child, rule) {
                Ok(Stored::File(file)) => {
                    pieces.push(PieceOf { item_id: self.items.get(child).id().to_owned(), attrs: String::new(), file });
                }
                Ok(Stored::Tree(_)) => {}
                Err(Unresolved::Needs(more)) => needs.extend(more),
                Err(failed) => return Err(failed),
            }
        }
        if needs.is_empty() { Ok(pieces) } else { Err(Unresolved::Needs(needs)) }
    }

    pub(super) fn published_key(&self, path: &str) -> String {
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
                    moved.push((wanted.path.clone(), Published { stat: s, ..r }));
                }
                _ => stale.push(wanted),
            }
        }
        if self.mode == Mode::Plan {
            self.would_publish.extend(stale.iter().map(|w| Write::File(w.path.clone())));
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
            self.emit(&Event::Published { rule, pass, record: record.clone(), files: stale.len() as u64 })?;
        }
        Ok(record)
    }

    pub(super) fn holds(&self, path: &str, digest: &Digest) -> bool {
        disk::read(&self.setup.job_dir.join(path)).is_ok_and(|b| Digest::of(&b) == *digest)
    }

    fn write(&mut self, rule: RuleId, output: &OutputFiles, stale: &[&Wanted], pool: &rayon::ThreadPool) -> Result<(), Stop> {
        self.announce_owner(rule)?;
        for wanted in stale {
            self.keep_foreign(&wanted.path)?;
        }
        self.claim_places(rule, output, stale);
        // What is published must be in the cache for good before anybody can see it.
        let merges = self.intend(stale)?;
        self.batch(true)?;
        self.reach(FailPoint::OutputToPublish)?;
        let (dir, cas) = (&self.setup.job_dir, &self.store.cas);
        let put = |(w, merge): (&&Wanted, Option<Merged>)| w.make.put(merge, &dir.join(&w.path), cas, !output.many);
        let written: Vec<_> = pool.install(|| stale.par_iter().zip(merges).with_min_len(8).map(put).collect());
        let declared = self.setup.graph.rule(rule);
        for (wanted, done) in stale.iter().zip(written) {
            let (digest, bytes, stat) = done?;
            let published = record_as(declared, output, wanted, (digest, bytes, stat));
            let key = self.published_key(&wanted.path);
            self.store.state.published.put(key, published);
            self.is_published(&wanted.path);
            self.announced.count_file(rule, |c| c.published += 1);
            self.since_commit += 1;
        }
        self.reach(FailPoint::OutputPublished)
    }

    /// Notes whose files are about to stand where none of ours stood, so that they are found again, and removed with their
    /// items, even if the build is killed before it can say what it wrote.
    fn claim_places(&mut self, rule: RuleId, output: &OutputFiles, stale: &[&Wanted]) {
        let declared = self.setup.graph.rule(rule);
        for wanted in stale {
            let key = self.published_key(&wanted.path);
            if self.store.state.published.get(&key).is_some() {
                continue;
            }
            // Of a merge the bytes are not known yet: a size that no file has stands for them.
            let (digest, bytes) = match &wanted.make {
                Make::Copy(file) => (file.digest, file.bytes),
                Make::Merge(..) => (wanted.content, u64::MAX),
            };
            let claim = record_as(declared, output, wanted, (digest, bytes, StatTuple::default()));
            self.store.state.published.put(key, claim);
        }
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
        if ours && !self.is_forgotten_adoption(path, &digest) {
            return Ok(());
        }
        self.announce_build()?;
        let kept = self.setup.rejected_dir.join(path);
        disk::create_dir_all(kept.parent().unwrap_or(&self.setup.rejected_dir))?;
        disk::atomic_write(&kept, &bytes)?;
        fail_point::reach(FailPoint::ForeignKept, &kept)?;
        let message = format!("`{path}` was changed by hand; what it held is kept as `{}`", self.shown(&kept));
        self.emit(&Event::Warning { message })
    }

    pub(super) fn shown(&self, path: &std::path::Path) -> String {
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
            let adopted = self.is_adopted(&name);
            return ArtifactRecord { name, digest, bytes, items, adopted };
        }
        let sorted: BTreeMap<&String, Published> = known.collect();
        let mut hasher = blake3::Hasher::new();
        for (path, p) in &sorted {
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path.as_bytes());
            hasher.update(p.digest.as_bytes());
        }
        let bytes = sorted.values().map(|p| p.bytes).sum();
        ArtifactRecord { name, digest: Digest::of_hasher(&hasher), bytes, items: sorted.len() as u64, adopted: false }
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
            self.would_publish.extend(gone.into_iter().map(Write::Removal));
            return Ok(());
        }
        for path in gone {
            self.announce_owner(rule)?;
            self.keep_foreign(&path)?;
            let at = self.setup.job_dir.join(&path);
            disk::remove_file(&at)?;
            fail_point::reach(FailPoint::FileUnpublished, &at)?;
            if let Some(folder) = at.parent().filter(|f| *f != self.setup.job_dir) {
                let _ = disk::remove_dir_if_empty(folder);
            }
            let key = self.published_key(&path);
            self.store.state.published.remove(&key);
            self.announced.count_file(rule, |c| c.removed += 1);
            let declared = self.setup.graph.rule(rule);
            self.emit(&Event::Removed { rule: declared.name.clone(), pass: declared.pass, path })?;
        }
        Ok(())
    }
}

/// The record of a published file: `(digest, bytes, stat)` of what was put there.
fn record_as(rule: &Rule, output: &OutputFiles, wanted: &Wanted, put: (Digest, u64, StatTuple)) -> Published {
    let (digest, bytes, stat) = put;
    let (content, items) = (wanted.content, wanted.items);
    Published { rule: rule.name.clone(), output: rule.outputs[output.output].name.clone(), content, digest, bytes, items, stat }
}

pub(super) fn sentence(message: String) -> Problem {
    Problem { message, ..Problem::default() }
}
