//! What an adoption means while a build goes on: an adopted piece stands for its action's result as long as the action key
//! that it replaces holds; when that changes, a person has to choose. Adopting and discarding are in `adopt`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{ActionIx, Coordinator, Mode, Prior, Stop};
use crate::builtin::Output;
use crate::digest::Digest;
use crate::disk;
use crate::engine::graph::{Pass, RuleId, Run};
use crate::engine::observe::{Event, Problem};
use crate::engine::reason::Reason;
use crate::store::records::{AdoptedPiece, Adoption, Stored};

impl Coordinator<'_, '_> {
    fn adoption(&self, rule: RuleId, output: usize) -> Option<Adoption> {
        // Most jobs have none: their actions are not looked up one by one.
        if self.store.state.adoptions.is_empty() {
            return None;
        }
        self.store.state.adoptions.get(&self.published_key(&self.setup.graph.rule(rule).outputs[output].path))
    }

    /// What was adopted of an item.
    pub(super) fn adopted_piece(&self, rule: RuleId, output: usize, item: &str) -> Option<AdoptedPiece> {
        let mut pieces = self.adoption(rule, output)?.pieces;
        pieces.binary_search_by(|p| p.item.as_str().cmp(item)).ok().map(|at| pieces.swap_remove(at))
    }

    /// Outputs with adopted pieces in their places: those that replace `key`, or, of a frozen pass, those that are published.
    pub(super) fn with_adopted(&self, ix: ActionIx, key: Option<Digest>, mut outputs: Arc<[Stored]>) -> Arc<[Stored]> {
        let (rule, item) = (self.actions[ix.0].rule, &self.items.get(self.actions[ix.0].item).full_id);
        for output in 0..outputs.len() {
            if let Some(piece) = self.adopted_piece(rule, output, item).filter(|p| key.is_none_or(|key| p.key == key)) {
                Arc::make_mut(&mut outputs)[output] = Stored::File(piece.file);
            }
        }
        outputs
    }

    /// What adopted pieces of a candidate count beside their items, in the place of what the rule's own result counts.
    pub(super) fn recount(&mut self, ix: ActionIx) -> Result<(), Stop> {
        let action = &self.actions[ix.0];
        let rule = self.setup.graph.rule(action.rule);
        let (Run::Builtin { builtin, .. }, Some(candidate)) = (&rule.run, action.candidate.clone()) else { return Ok(()) };
        for (output, stored) in candidate.iter().enumerate() {
            let item = &self.items.get(self.actions[ix.0].item).full_id;
            let Some(piece) = self.adopted_piece(self.actions[ix.0].rule, output, item) else { continue };
            let port = builtin.output(&rule.outputs[output].name);
            if let Some(count) = port.and_then(|p| p.count).filter(|_| *stored == Stored::File(piece.file)) {
                let counts = count(&Output::File(self.store.cas.read(&piece.file.digest)?.to_vec()));
                let others = self.actions[ix.0].made.iter().filter(|(name, _)| counts.iter().all(|(counted, _)| counted != name));
                let all = others.cloned().chain(counts.iter().map(|(name, n)| ((*name).to_owned(), *n)));
                self.actions[ix.0].made = all.collect();
            }
        }
        Ok(())
    }

    /// Why an action cannot go on: its key is not the one that an adopted piece replaces. Where the build was told to accept
    /// the file, the piece replaces the new key from now on.
    pub(super) fn adoption_conflict(&mut self, ix: ActionIx, key: Digest) -> Result<Option<Problem>, Stop> {
        let rule = self.actions[ix.0].rule;
        let item = self.items.get(self.actions[ix.0].item).full_id.clone();
        for output in 0..self.setup.graph.rule(rule).outputs.len() {
            if self.adopted_piece(rule, output, &item).is_none_or(|p| p.key == key) {
                continue;
            }
            let reason = self.reason_of(ix);
            let path = self.setup.graph.rule(rule).outputs[output].path.clone();
            if !self.announced.accepting.contains(&(rule, output)) || self.mode == Mode::Plan {
                let cause = format!("what it was made from changed: {reason}");
                let problem = choice(&path, self.setup.graph.rule(rule).pass, &self.setup.graph.rule(rule).name, &cause);
                self.actions[ix.0].reason = Some(Box::new(Reason::Adopted { path, message: problem.message.clone() }));
                return Ok(Some(problem));
            }
            self.announce_build()?;
            self.change_pieces(&path, |pieces| pieces.iter_mut().filter(|p| p.item == item).for_each(|p| p.key = key));
            let message = format!("the edits of `{item}` in `{path}` are kept, though what they were made on changed: {reason}");
            self.emit(&Event::Warning { message })?;
        }
        Ok(None)
    }

    /// Why a rule cannot be published: items with adopted pieces are no more. Where the build was told to accept the file,
    /// those pieces are given up, and kept aside.
    pub(super) fn lost_pieces(&mut self, rule: RuleId) -> Result<Option<Problem>, Stop> {
        for output in 0..self.setup.graph.rule(rule).outputs.len() {
            let Some(adoption) = self.adoption(rule, output) else { continue };
            // Nothing is published of a document that is set aside; its edits wait for it.
            let out = self.quarantine.left_out(rule);
            let out: BTreeSet<&str> = out.iter().map(|source| self.items.get(*source).full_id.as_str()).collect();
            let is_out = |item: &str| item.split('/').next().is_some_and(|source| out.contains(source));
            let there: BTreeSet<&str> =
                self.actions.iter().filter(|a| a.rule == rule).map(|a| self.items.get(a.item).full_id.as_str()).collect();
            let lost = adoption.pieces.into_iter().map(|p| p.item).filter(|i| !there.contains(i.as_str()) && !is_out(i));
            let lost: Vec<String> = lost.collect();
            let Some(first) = lost.first() else { continue };
            let path = self.setup.graph.rule(rule).outputs[output].path.clone();
            if !self.announced.accepting.contains(&(rule, output)) || self.mode == Mode::Plan {
                let cause = format!("its item `{first}` is no longer there");
                return Ok(Some(choice(&path, self.setup.graph.rule(rule).pass, &self.setup.graph.rule(rule).name, &cause)));
            }
            self.announce_build()?;
            self.keep_adopted_aside(&path)?;
            self.change_pieces(&path, |pieces| pieces.retain(|p| !lost.contains(&p.item)));
        }
        Ok(None)
    }

    fn change_pieces(&mut self, path: &str, change: impl FnOnce(&mut Vec<AdoptedPiece>)) {
        let key = self.published_key(path);
        let Some(mut adoption) = self.store.state.adoptions.get(&key) else { return };
        change(&mut adoption.pieces);
        self.store.state.adoptions.put(key, adoption);
        self.since_commit += 1;
    }

    /// Whether what is published as `path` holds something adopted.
    pub(super) fn is_adopted(&self, path: &str) -> bool {
        let key = self.published_key(path);
        let adoption = self.store.state.adoptions.get(&key);
        let published = self.store.state.published.get(&key);
        adoption.is_some_and(|a| !a.pieces.is_empty() || published.is_some_and(|p| p.content == a.content))
    }

    /// Whether `path` was adopted with just these bytes, by the manifest, and the cache no longer knows of it.
    pub(super) fn is_forgotten_adoption(&self, path: &str, digest: &Digest) -> bool {
        let mut records = self.setup.prior.values().flat_map(|p| &p.records);
        let was_adopted = records.any(|r| r.adopted && r.name == path && r.digest == *digest);
        was_adopted && self.store.state.adoptions.get(&self.published_key(path)).is_none()
    }

    /// An adopted file that is given up is kept where everything is kept that was never ours.
    pub(super) fn keep_adopted_aside(&mut self, path: &str) -> Result<(), Stop> {
        let Some(adoption) = self.store.state.adoptions.get(&self.published_key(path)) else { return Ok(()) };
        let bytes = match self.store.cas.read(&adoption.file.digest) {
            Ok(bytes) => bytes.to_vec(),
            // It is lost from the cache; the published file may be all that is left.
            Err(_) => disk::read_if_there(&self.setup.job_dir.join(path))?.unwrap_or_default(),
        };
        let kept = self.setup.rejected_dir.join(path);
        disk::create_dir_all(kept.parent().unwrap_or(&self.setup.rejected_dir))?;
        disk::atomic_write(&kept, &bytes)?;
        let message = format!("`{path}` is no longer adopted as edited by hand; what it held is kept as `{}`", self.shown(&kept));
        self.emit(&Event::Warning { message })
    }

    /// A pass before this build, with what this build adopted.
    pub(super) fn prior(&self, pass: Pass) -> Option<Prior> {
        let mut prior = self.setup.prior.get(&pass)?.clone();
        for record in &mut prior.records {
            if let Some(adopted) = self.announced.adopted.iter().find(|a| a.name == record.name) {
                *record = adopted.clone();
            }
        }
        Some(prior)
    }
}

/// An adopted file and a cause that both cannot stand, with both ways out.
fn choice(path: &str, pass: Option<Pass>, rule: &str, cause: &str) -> Problem {
    let target = pass.map_or_else(|| rule.to_owned(), |p| p.to_string());
    Problem {
        message: format!("`{path}` was adopted as edited by hand, and {cause}"),
        hint: Some(format!(
            "`ingest build --discard {target}` takes the new result; `ingest build --accept {target}` keeps the edits, or what you write into the file first"
        )),
        ..Problem::default()
    }
}
