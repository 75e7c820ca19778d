//! `--accept` and `--discard`: taking what was edited by hand for what a rule made, and giving it up again. Done before
//! anything else of a build; all of it or nothing. What an adoption means for actions and for publication is in `adopted`.

use std::collections::BTreeMap;

use super::{Coordinator, Stop};
use crate::builtin::{Attrs, Level, Merge};
use crate::digest::Digest;
use crate::disk;
use crate::engine::derive::{self, PieceOf, Work};
use crate::engine::error::EngineError;
use crate::engine::gate::{self, Judged};
use crate::engine::graph::{Range, RuleId, Run};
use crate::engine::observe::{ArtifactRecord, Event, Problem};
use crate::engine::select::Choice;
use crate::engine::split::{self, Entry, Stray};
use crate::engine::verdict::Verdict;
use crate::store::records::{AdoptedPiece, Adoption, Published, Stored, StoredFile};

/// Outputs to adopt as they lie in the job folder, and adoptions to give up.
#[derive(Clone, Debug, Default)]
pub struct Adopting {
    pub accept: Vec<(RuleId, usize)>,
    pub discard: Vec<(RuleId, usize)>,
}

/// An item of the rule whose file is adopted, as the records know it.
struct Placed {
    /// Id of its source; "" for the job.
    source: String,
    /// Id below its parent.
    id: String,
    attrs: Attrs,
    full_id: String,
    /// Key of its last result in the job.
    key: Digest,
    outputs: Vec<Stored>,
    /// What it gave to the published file.
    base: Option<StoredFile>,
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

    fn tell_unedited(&mut self, any: bool) {
        let graph = self.setup.graph;
        let paths = self.setup.adopting.accept.iter().map(|(rule, output)| &graph.rule(*rule).outputs[*output].path);
        let (adopted, others): (Vec<&String>, Vec<&String>) = paths.partition(|p| self.is_adopted(p));
        let list = |paths: &[&String]| paths.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ");
        if any || (adopted.is_empty() && others.is_empty()) {
            return;
        }
        let note = match adopted.as_slice() {
            [] => format!("nothing was edited in {}: nothing is adopted", list(&others)),
            adopted => format!("{} stays adopted as it is", list(adopted)),
        };
        self.announced.notes.push(note);
    }

    /// Checks a published file that was edited; `None` if it was not.
    fn ready(&mut self, rule: RuleId, output: usize) -> Result<Option<Ready>, Stop> {
        let graph = self.setup.graph;
        let path = graph.rule(rule).outputs[output].path.clone();
        let at = self.setup.job_dir.join(&path);
        let Some(record) = self.store.state.published.get(&self.published_key(&path)).cloned() else {
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
            let files = gate::inputs_of(gate, &self.gate_files);
            let others = self.published_others(gate)?;
            let verdict = self.setup.judge.judge(gate, bytes, &files, &others).map_err(gate::GateError::Broken)?;
            if !verdict.accepted() {
                return Err(rejected(&declared.outputs[output].path, verdict));
            }
        }
        Ok(())
    }

    /// The items of a rule that have a result in the job, in order.
    fn placed(&self, rule: RuleId, output: usize) -> Result<Vec<Placed>, String> {
        let graph = self.setup.graph;
        let sources = self.setup.sources.iter().map(|s| s.id.clone());
        let named: Vec<(String, String, Attrs)> = match graph.rule(rule).range {
            Range::Job => vec![(String::new(), String::new(), Attrs::new())],
            Range::Source => sources.map(|id| (id.clone(), id, Attrs::new())).collect(),
            Range::Tree { rule: maker, output: tree } if graph.rule(maker).range == Range::Source => {
                let entries = |id: String| {
                    let entries = match self.last_outputs(maker, &id).map(|(_, outputs)| outputs[tree].clone()) {
                        Some(Stored::Tree(tree)) => tree.entries.to_vec(),
                        _ => Vec::new(),
                    };
                    let stem = |name: &str| name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
                    entries.into_iter().map(move |e| (id.clone(), stem(&e.name), e.attrs))
                };
                sources.flat_map(entries).collect()
            }
            Range::Tree { .. } => {
                let name = &graph.rule(rule).name;
                return Err(format!("`{name}` ranges over items within items: what it publishes cannot be split back"));
            }
        };
        let of = |(source, id, attrs): (String, String, Attrs)| {
            let full_id = if source == id { id.clone() } else { format!("{source}/{id}") };
            let (key, outputs) = self.last_outputs(rule, &full_id)?;
            let base = match self.adopted_piece(rule, output, &full_id) {
                Some(piece) => Some(piece.file),
                None => outputs.get(output).and_then(|o| if let Stored::File(f) = o { Some(*f) } else { None }),
            };
            Some(Placed { source, id, attrs, full_id, key, outputs, base })
        };
        Ok(named.into_iter().filter_map(of).collect())
    }

    /// Key and outputs of the last result of an action in the job.
    fn last_outputs(&self, rule: RuleId, full_id: &str) -> Option<(Digest, Vec<Stored>)> {
        let key = format!("{}\0{}\0{full_id}", self.setup.job_key, self.setup.graph.rule(rule).name);
        let last = self.store.state.last.get(&key)?;
        let outputs = self.store.state.results.get(&last.key).map(|r| r.outputs.clone()).filter(|o| !o.is_empty());
        outputs.map(|outputs| (last.key, outputs))
    }

    /// What of the edited file belongs to each item.
    fn shares(&self, rule: RuleId, output: usize, items: &[Placed], bytes: &[u8]) -> Result<Vec<Vec<u8>>, Stop> {
        let declared = self.setup.graph.rule(rule);
        let path = &declared.outputs[output].path;
        if declared.range == Range::Job {
            return Ok(vec![bytes.to_vec()]);
        }
        let port = match &declared.run {
            Run::Builtin { builtin, .. } => builtin.output(&declared.outputs[output].name),
            Run::Command(_) => None,
        };
        if port.is_some_and(|p| p.split.is_none() && matches!(p.merge, Merge::Files(_))) {
            return Err(refused(format!(
                "`{path}` is the union of what its items gave: it cannot be split back, so not adopted"
            )));
        }
        let mut sources: Vec<String> = items.iter().map(|i| i.source.clone()).collect();
        sources.dedup();
        let mut names = split::Names::new();
        for item in items {
            split::learn(&mut names, &item.source, &self.base_bytes(item)?, &[split::SOURCE]);
        }
        let all = split::entries(bytes).map_err(|s| not_adopted(path, s))?;
        let by_source = split::by_source(&all, &names).map_err(|s| not_adopted(path, s))?;
        let mut shares = Vec::with_capacity(items.len());
        for source in &sources {
            let items: Vec<&Placed> = items.iter().filter(|i| i.source == *source).collect();
            let own = by_source.get(source).map_or(&[][..], Vec::as_slice);
            if own.is_empty() && items.iter().any(|i| i.base.is_some_and(|b| b.items > 0)) {
                let message = format!("nothing of the source `{source}` is left in it");
                return Err(not_adopted(path, Stray { pointer: String::new(), message }));
            }
            match port.and_then(|p| p.split).filter(|_| declared.range != Range::Source) {
                Some(split) => {
                    self.check_placement(rule, output, &items)?;
                    let places: Vec<(String, Attrs)> = items.iter().map(|i| (i.id.clone(), i.attrs.clone())).collect();
                    let failed =
                        |f: crate::builtin::Failure| format!("`{path}` cannot be split back: of `{source}`, {}", f.message);
                    shares.extend(split(&split::array(own), &places).map_err(|f| refused(failed(f)))?);
                }
                None if declared.range == Range::Source => shares.push(split::array(own)),
                None => shares.extend(self.by_part(own, &items, source, path)?),
            }
        }
        Ok(shares)
    }

    /// The items of one source, told apart by the part that each names.
    fn by_part(&self, own: &[Entry<'_>], items: &[&Placed], source: &str, path: &str) -> Result<Vec<Vec<u8>>, Stop> {
        let mut names = split::Names::new();
        for item in items {
            split::learn(&mut names, &item.id, &self.base_bytes(item)?, &split::PART);
        }
        let by_part = split::by_part(own, &names, source).map_err(|s| not_adopted(path, s))?;
        Ok(items.iter().map(|i| split::array(by_part.get(&i.id).map_or(&[], Vec::as_slice))).collect())
    }

    fn base_bytes(&self, item: &Placed) -> Result<std::sync::Arc<[u8]>, Stop> {
        Ok(item.base.map_or_else(|| Ok(b"[]".as_slice().into()), |base| self.store.cas.read(&base.digest))?)
    }

    /// The published file was merged from these pieces in these places: if the parts were made anew since, its pages would
    /// be taken for those of others.
    fn check_placement(&self, rule: RuleId, output: usize, items: &[&Placed]) -> Result<(), Stop> {
        let declared = self.setup.graph.rule(rule);
        let slot = &declared.outputs[output];
        let Some(files) = items.iter().map(|i| i.base).collect::<Option<Vec<_>>>() else { return Ok(()) };
        let key = derive::merge_key(self.code_of(rule), &slot.name, Level::WithinSource, &pieces_of(items, &files));
        if self.store.state.derived.get(&key).is_some() {
            return Ok(());
        }
        let path = &slot.path;
        Err(Stop::Error(EngineError::Adoption(Box::new(Problem {
            message: format!(
                "`{path}` was published before the parts of `{}` were made anew: its pages are not theirs",
                items[0].source
            ),
            hint: Some("put your file aside, run `ingest build`, and edit what it publishes".to_owned()),
            ..Problem::default()
        }))))
    }

    /// Stores an item's share if it was edited, and judges it.
    fn piece(
        &mut self,
        rule: RuleId,
        output: usize,
        item: &Placed,
        share: &[u8],
    ) -> Result<(StoredFile, Option<AdoptedPiece>), Stop> {
        let before = self.adopted_piece(rule, output, &item.full_id).cloned();
        if let Some(base) = item.base
            && split::is_same(&*self.store.cas.read(&base.digest)?, share)
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
        let outputs: std::sync::Arc<[Stored]> = outputs.into();
        let mut known = gate::judge_known(declared, &outputs, &self.gate_files, &self.store.state);
        if let Judged::Open(open) = &known {
            let verdicts = gate::judge_open(declared, open, &outputs, &self.gate_files, &self.store.cas, self.setup.judge)?;
            verdicts.into_iter().for_each(|(key, v)| self.store.state.verdicts.put(key, v));
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

    /// The merge of all items: what it is called in `Published::content`, and its bytes.
    fn merge_placed(
        &mut self,
        rule: RuleId,
        output: usize,
        items: &[Placed],
        files: &[StoredFile],
    ) -> Result<(Digest, Vec<u8>), Stop> {
        let declared = self.setup.graph.rule(rule);
        if declared.range == Range::Job {
            let digest = files.first().map_or_else(|| Digest::of(b""), |f| f.digest);
            return Ok((digest, self.store.cas.read(&digest)?.to_vec()));
        }
        let mut by_source: BTreeMap<usize, (Vec<&Placed>, Vec<StoredFile>)> = BTreeMap::new();
        let place = |id: &str| self.setup.sources.iter().position(|s| s.id == id).unwrap_or(usize::MAX);
        for (item, file) in items.iter().zip(files) {
            let (items, files) = by_source.entry(place(&item.source)).or_default();
            items.push(item);
            files.push(*file);
        }
        let mut sources = Vec::with_capacity(by_source.len());
        for (items, files) in by_source.into_values() {
            let file = match declared.range {
                Range::Source => files[0],
                _ => self.derived(rule, output, Level::WithinSource, pieces_of(&items, &files))?,
            };
            sources.push(PieceOf { item_id: items[0].source.clone(), attrs: Attrs::new(), file });
        }
        let content = self.content_of(rule, output, &sources);
        let merged = self.derived(rule, output, Level::AcrossSources, sources)?;
        let bytes = self.store.cas.read(&merged.digest)?.to_vec();
        let merges_itself = matches!(self.merge_of(rule, output), Merge::Files(_));
        Ok((if merges_itself { merged.digest } else { content }, bytes))
    }

    fn derived(&mut self, rule: RuleId, output: usize, level: Level, pieces: Vec<PieceOf>) -> Result<StoredFile, Stop> {
        let name = &self.setup.graph.rule(rule).outputs[output].name;
        let key = derive::merge_key(self.code_of(rule), name, level, &pieces);
        if let Some(known) = self.store.state.derived.get(&key) {
            return Ok(*known);
        }
        let work = Work::Merge { merge: self.merge_of(rule, output), level, pieces };
        let judge = self.setup.judge;
        let made = derive::compute(&work, &self.store.cas, &|b| judge.count_items(b)).map_err(|e| match e {
            derive::DeriveError::Store(e) => Stop::from(e),
            derive::DeriveError::Failure(f) => refused(f.message),
        })?;
        self.store.state.derived.put(key, made);
        Ok(made)
    }

    fn code_of(&self, rule: RuleId) -> &'static str {
        match &self.setup.graph.rule(rule).run {
            Run::Builtin { builtin, .. } => builtin.fingerprint,
            Run::Command(_) => "command",
        }
    }

    fn merge_of(&self, rule: RuleId, output: usize) -> Merge {
        let declared = self.setup.graph.rule(rule);
        match &declared.run {
            Run::Builtin { builtin, .. } => {
                builtin.output(&declared.outputs[output].name).map_or(Merge::Splice, |port| port.merge)
            }
            Run::Command(_) => Merge::Splice,
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
        ready.into_iter().try_for_each(|(rule, found)| self.tell_adopted(rule, found.path, &found.published))
    }

    /// A build that was killed between an adoption and its record in the manifest is caught up with.
    fn mend_records(&mut self) -> Result<(), Stop> {
        for (rule, output) in self.setup.adopting.accept.clone() {
            let path = &self.setup.graph.rule(rule).outputs[output].path;
            let key = self.published_key(path);
            let Some(published) = self.store.state.published.get(&key).filter(|_| self.is_adopted(path)).cloned() else {
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
            self.announced.notes.push(format!("`{path}` was not adopted: there is nothing to discard"));
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

fn pieces_of(items: &[&Placed], files: &[StoredFile]) -> Vec<PieceOf> {
    let piece =
        |(item, file): (&&Placed, &StoredFile)| PieceOf { item_id: item.id.clone(), attrs: item.attrs.clone(), file: *file };
    items.iter().zip(files).map(piece).collect()
}

fn refused(message: String) -> Stop {
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

fn not_adopted(path: &str, stray: Stray) -> Stop {
    let Stray { pointer, message } = stray;
    let violation = crate::engine::verdict::Violation { pointer, message, place: String::new() };
    Stop::Error(EngineError::Adoption(Box::new(Problem {
        message: format!("`{path}` cannot be split back to the items that it was made from"),
        violations: vec![violation],
        violation_count: 1,
        hint: Some(STAYS.to_owned()),
        ..Problem::default()
    })))
}

const STAYS: &str = "the file stays as it is: mend it and accept it again";
