//! What it takes to do again what this build has done or found done: each action with what it came to, each merge and
//! projection that was asked for.

use std::collections::BTreeMap;

use super::named::path_of;
use super::{ActionIx, Coordinator};
use crate::digest::Digest;
use crate::engine::again::{Derivation, Done, Known};
use crate::engine::derive::Work;
use crate::engine::graph::RuleId;
use crate::engine::items::ItemIx;
use crate::engine::observe::ActionName;
use crate::store::records::Derived;

/// Merges and projections by their keys.
pub(super) type Derivations = BTreeMap<Digest, Noted>;

/// A merge or a projection of an output, within or for an item.
pub(super) struct Noted {
    rule: RuleId,
    output: usize,
    item: ItemIx,
    work: Work,
}

impl Coordinator<'_, '_> {
    /// Keeps in mind how something is derived, if it is to be done again.
    pub(super) fn note(&mut self, rule: RuleId, output: usize, item: ItemIx, key: Digest, work: &Work) {
        if self.setup.check_determinism {
            self.derivations.entry(key).or_insert_with(|| Noted { rule, output, item, work: work.clone() });
        }
    }

    /// All that has a known result; an action that came to none (its command failed) is in the report as it is.
    pub(super) fn done(&mut self) -> Done {
        let mut done = Done::default();
        for ix in (0..self.actions.len()).map(ActionIx) {
            let Some(result) = self.actions[ix.0].key.and_then(|key| self.store.state.results.get(&key)) else {
                continue;
            };
            let Ok(task) = self.task_of(ix) else { continue };
            let rule = self.setup.graph.rule(self.actions[ix.0].rule);
            let item = &self.items.info(self.actions[ix.0].item);
            let paths = rule.outputs.iter().map(|o| path_of(&o.path, item)).collect();
            let has_just_run = self.actions[ix.0].started.is_some();
            done.actions.push(Known { name: self.name_of(ix), task, paths, first: result, has_just_run });
        }
        for (key, noted) in std::mem::take(&mut self.derivations) {
            let rule = self.setup.graph.rule(noted.rule);
            let path = rule.outputs[noted.output].path.clone();
            let Some(first) = self.derived_as(&key, &path) else { continue };
            let name = ActionName { rule: rule.name.clone(), item: self.items.get(noted.item).full_id.clone() };
            done.derivations.push(Derivation { name, path, work: noted.work, first });
        }
        done
    }

    /// What a derivation came to. What nobody but the reader of the job folder wants is known by its record there alone.
    fn derived_as(&self, key: &Digest, path: &str) -> Option<Derived> {
        let published = || {
            let record = self.store.state.published.get(&self.published_key(path)).filter(|p| p.content == *key)?;
            Some(Derived { digest: record.digest, bytes: record.bytes, items: record.items })
        };
        self.store.state.derived.get(key).or_else(published)
    }
}
