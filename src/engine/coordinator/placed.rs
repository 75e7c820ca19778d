//! What a published file consists of, item by item, by the records of a job: split back and merged again for an adoption.
//! Knows ids, places and bytes; whether something may be adopted is decided in `adopt`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::adopt::{not_adopted, refused};
use super::{Coordinator, Stop};
use crate::builtin::{Attrs, Failure, Level, Merge};
use crate::digest::Digest;
use crate::engine::derive::{self, PieceOf, Work};
use crate::engine::error::EngineError;
use crate::engine::graph::{Range, RuleId};
use crate::engine::items;
use crate::engine::observe::Problem;
use crate::engine::split::{self, Entry, Stray};
use crate::store::records::{Stored, StoredFile};

/// An item of the rule whose file is adopted, as the records know it.
pub(super) struct Placed {
    /// Id of its source; "" for the job.
    pub(super) source: String,
    /// Id below its parent.
    pub(super) id: String,
    pub(super) attrs: Attrs,
    pub(super) full_id: String,
    /// Key of its last result in the job.
    pub(super) key: Digest,
    pub(super) outputs: Vec<Stored>,
    /// What it gave to the published file.
    pub(super) base: Option<StoredFile>,
}

impl Coordinator<'_, '_> {
    /// The items of a rule that have a result in the job, in order.
    pub(super) fn placed(&self, rule: RuleId, output: usize) -> Result<Vec<Placed>, String> {
        let graph = self.setup.graph;
        let there = self.setup.sources.iter().filter(|s| !self.is_published_without(&s.id, rule));
        let sources = there.map(|s| s.id.clone());
        let named: Vec<(String, String, Attrs)> = match graph.rule(rule).range {
            Range::Job => vec![(String::new(), String::new(), Attrs::new())],
            Range::Source => sources.map(|id| (id.clone(), id, Attrs::new())).collect(),
            Range::Tree { rule: maker, output: tree } if graph.rule(maker).range == Range::Source => {
                let entries = |id: String| {
                    let entries = match self.last_outputs(maker, &id).map(|(_, outputs)| outputs[tree].clone()) {
                        Some(Stored::Tree(tree)) => tree.entries.to_vec(),
                        _ => Vec::new(),
                    };
                    let ids = items::entry_ids(&entries);
                    entries.into_iter().zip(ids).map(move |(e, own)| (id.clone(), own, e.attrs))
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
        let outputs = self.store.state.results.get(&last.key).map(|r| r.outputs.to_vec()).filter(|o| !o.is_empty());
        outputs.map(|outputs| (last.key, outputs))
    }

    /// What of the edited file belongs to each item.
    pub(super) fn shares(&self, rule: RuleId, output: usize, items: &[Placed], bytes: &[u8]) -> Result<Vec<Vec<u8>>, Stop> {
        let declared = self.setup.graph.rule(rule);
        let path = &declared.outputs[output].path;
        if declared.range == Range::Job {
            return Ok(vec![bytes.to_vec()]);
        }
        let port = declared.port(output).map(|p| p.port);
        if port.is_some_and(|p| p.split.is_none() && !matches!(p.merge, Merge::Splice)) {
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
                    let failed = |f: Failure| format!("`{path}` cannot be split back: of `{source}`, {}", f.message);
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

    fn base_bytes(&self, item: &Placed) -> Result<Arc<[u8]>, Stop> {
        Ok(item.base.map_or_else(|| Ok(b"[]".as_slice().into()), |base| self.store.cas.read(&base.digest))?)
    }

    /// The published file was merged from these pieces in these places: if the parts were made anew since, its pages would
    /// be taken for those of others.
    fn check_placement(&self, rule: RuleId, output: usize, items: &[&Placed]) -> Result<(), Stop> {
        let declared = self.setup.graph.rule(rule);
        let slot = &declared.outputs[output];
        let Some(files) = items.iter().map(|i| i.base).collect::<Option<Vec<_>>>() else { return Ok(()) };
        let key = derive::merge_key(self.code_of(rule, output), &slot.name, Level::WithinSource, &pieces_of(items, &files));
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

    /// The merge of all items: what it is called in `Published::content`, and its bytes.
    pub(super) fn merge_placed(
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
        let merges_itself = self.merge_of(rule, output).is_fold();
        Ok((if merges_itself { merged.digest } else { content }, bytes))
    }

    fn derived(&mut self, rule: RuleId, output: usize, level: Level, pieces: Vec<PieceOf>) -> Result<StoredFile, Stop> {
        let name = &self.setup.graph.rule(rule).outputs[output].name;
        let key = derive::merge_key(self.code_of(rule, output), name, level, &pieces);
        if let Some(known) = self.store.state.derived.get(&key) {
            return Ok(known);
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

    /// Fingerprint of the code that merges and projects an output.
    pub(super) fn code_of(&self, rule: RuleId, output: usize) -> &'static str {
        self.setup.graph.rule(rule).port(output).map_or("command", |p| p.builtin.fingerprint)
    }

    pub(super) fn merge_of(&self, rule: RuleId, output: usize) -> Merge {
        self.setup.graph.rule(rule).port(output).map_or(Merge::Splice, |p| p.port.merge)
    }
}

fn pieces_of(items: &[&Placed], files: &[StoredFile]) -> Vec<PieceOf> {
    let piece =
        |(item, file): (&&Placed, &StoredFile)| PieceOf { item_id: item.id.clone(), attrs: item.attrs.clone(), file: *file };
    items.iter().zip(files).map(piece).collect()
}
