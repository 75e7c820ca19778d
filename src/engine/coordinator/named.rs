//! Files that are published one per item, under names that their items give them (`{id}`, `{stem}`): which file gets which
//! name, and which names are taken. Nobody's file may stand where another's does, on any system.

use std::collections::BTreeMap;

use super::inputs::Unresolved;
use super::publish::Wanted;
use super::{ActionIx, Coordinator};
use crate::builtin::Item;
use crate::engine::graph::{MergeKind, Range, RuleId, is_engines_own};
use crate::engine::items::{ItemIx, JOB};
use crate::placeholder;
use crate::rel_path;
use crate::store::records::Stored;

/// A name that cannot be given: whose item wants it, and why not.
pub(super) struct Taken {
    /// The document of the item.
    pub(super) source: ItemIx,
    pub(super) message: String,
}

/// A name that an item gives a file.
struct Named {
    action: ActionIx,
    path: String,
}

impl Coordinator<'_, '_> {
    /// One file per item.
    pub(super) fn per_item_files(&mut self, rule: RuleId, output: usize) -> Result<Vec<Wanted>, Unresolved> {
        let (named, taken) = self.names(rule, output);
        if let Some(first) = taken.into_iter().next() {
            return Err(Unresolved::Failed(first.message));
        }
        let file = |n: Named| match self.outputs_of(n.action).map(|o| o[output].clone()) {
            Some(Stored::File(file)) => Some(Wanted::of_blob(n.path, file, 1)),
            _ => None,
        };
        Ok(named.into_iter().filter_map(file).collect())
    }

    /// Names that the items of `rule` cannot have.
    pub(super) fn taken_names(&self, rule: RuleId, output: usize) -> Vec<Taken> {
        self.names(rule, output).1
    }

    /// Names for the files that there are of an output; and those of them that are taken.
    fn names(&self, rule: RuleId, output: usize) -> (Vec<Named>, Vec<Taken>) {
        let mut named = self.named(rule, output);
        named.retain(|n| self.outputs_of(n.action).is_some_and(|o| matches!(o[output], Stored::File(_))));
        let mut by_place: BTreeMap<String, Vec<&Named>> = BTreeMap::new();
        named.iter().for_each(|n| by_place.entry(rel_path::folded(&n.path)).or_default().push(n));
        let others = self.places_of_others(rule, output);
        let mut taken = Vec::new();
        for (place, here) in &by_place {
            for (at, n) in here.iter().enumerate() {
                let item = self.actions[n.action.0].item;
                let source = self.items.in_range(item, Range::Source);
                let beside = here.iter().enumerate().find(|(other, _)| *other != at).map(|(_, n)| *n);
                let message = match (beside, others.who(place)) {
                    (None, None) => continue,
                    (Some(other), _) => self.both(n, other),
                    (None, Some(who)) => {
                        format!("`{}` would be published as `{}`, which is {who}", self.items.get(item).full_id, n.path)
                    }
                };
                taken.push(Taken { source, message: format!("{message}: use {{id}} in its name") });
            }
        }
        (named, taken)
    }

    fn both(&self, n: &Named, other: &Named) -> String {
        let name = |n: &Named| self.items.get(self.actions[n.action.0].item).full_id.clone();
        let (mine, theirs) = (name(n), name(other));
        if n.path == other.path {
            return format!("`{mine}` and `{theirs}` would both be published as `{}`", n.path);
        }
        let why = rel_path::same_where(&other.path, &n.path);
        format!("`{mine}` and `{theirs}` would be published as `{}` and `{}`, which is one file where {why}", n.path, other.path)
    }

    /// Names for the files of an output, whether they are there or not, of items that are not left out.
    fn named(&self, rule: RuleId, output: usize) -> Vec<Named> {
        let path = &self.setup.graph.rule(rule).outputs[output].path;
        let left_out = self.quarantine.left_out(rule);
        let actions = (0..self.actions.len()).map(ActionIx).filter(|ix| self.actions[ix.0].rule == rule);
        let named = actions.filter_map(|action| {
            let item = self.actions[action.0].item;
            if left_out.contains(&self.items.in_range(item, Range::Source)) || item == JOB {
                return None;
            }
            Some(Named { action, path: path_of(path, &self.items.info(item)) })
        });
        named.collect()
    }

    /// Where files of the engine and of all other outputs stand.
    fn places_of_others(&self, rule: RuleId, output: usize) -> Places {
        let mut places = Places::default();
        let graph = self.setup.graph;
        for ix in 0..graph.rules.len() {
            let id = RuleId(u32::try_from(ix).unwrap_or(u32::MAX));
            for (at, slot) in graph.rule(id).outputs.iter().enumerate().filter(|(_, slot)| slot.publish) {
                if (id, at) == (rule, output) {
                    continue;
                }
                let name = format!("`{}.{}`", graph.rule(id).name, slot.name);
                match slot.merge {
                    MergeKind::PerItem => {
                        for n in self.named(id, at) {
                            places.files.insert(rel_path::folded(&n.path), name.clone());
                        }
                    }
                    _ if slot.tree => {
                        places.trees.insert(rel_path::folded(slot.path.trim_end_matches('/')), name);
                    }
                    _ => {
                        places.files.insert(rel_path::folded(&slot.path), name);
                    }
                }
            }
        }
        places
    }
}

/// The path of an output of `item`, declared as `path`.
pub(super) fn path_of(path: &str, item: &Item) -> String {
    placeholder::fill(path, |name| match name {
        "id" => Some(item.id.clone()),
        "stem" => Some(rel_path::stem_of(&item.path).to_owned()),
        _ => None,
    })
}

/// Who stands where; places are folded paths.
#[derive(Default)]
struct Places {
    files: BTreeMap<String, String>,
    trees: BTreeMap<String, String>,
}

impl Places {
    fn who(&self, place: &str) -> Option<String> {
        if is_engines_own(place) {
            return Some("a name of the engine's own".to_owned());
        }
        if let Some(who) = self.files.get(place) {
            return Some(format!("the path of {who}"));
        }
        let outer = || place.match_indices('/').map(|(i, _)| &place[..i]).chain([place]);
        let inside = outer().find_map(|p| self.trees.get(p).or_else(|| self.files.get(p)));
        let below = format!("{place}/");
        let around = || self.files.range(below.clone()..).next().filter(|(at, _)| at.starts_with(&below)).map(|(_, who)| who);
        match inside {
            Some(who) => Some(format!("inside {who}")),
            None => around().map(|who| format!("a folder of {who}")),
        }
    }
}
