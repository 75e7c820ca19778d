//! Resolving inputs: the same item, an ancestor, or results merged within the nearest common ancestor; then a projection.

use std::collections::BTreeSet;

use super::{ActionIx, Coordinator};
use crate::builtin::{Attrs, Level, Merge, Project, TreeEntry};
use crate::digest::Digest;
use crate::engine::derive::{self, Need, PieceOf, Work};
use crate::engine::execute::InputValue;
use crate::engine::graph::{From, MergeKind, Range, RuleId};
use crate::engine::items::{Body, ItemIx, JOB};
use crate::staging::safe_extension;
use crate::store::records::{Stored, StoredFile, StoredTree};

/// Why an input has no digest yet.
pub(super) enum Unresolved {
    /// These must be computed first.
    Needs(Vec<Need>),
    /// It cannot be had; one sentence.
    Failed(String),
}

impl Coordinator<'_, '_> {
    /// All inputs of an action, in the order of the rule.
    pub(super) fn resolve(&mut self, ix: ActionIx) -> Result<Vec<(String, InputValue)>, Unresolved> {
        let (rule, item) = (self.actions[ix.0].rule, self.actions[ix.0].item);
        let graph = self.setup.graph;
        let mut resolved = Vec::with_capacity(graph.rule(rule).inputs.len());
        let mut needs = Vec::new();
        for input in &graph.rule(rule).inputs {
            let value = match &input.from {
                From::Source => self.source_input(item),
                From::Item { levels_up } => self.item_input(self.items.ancestor(item, *levels_up)),
                From::File(path) => self.file_input(path),
                From::Artifact { rule: other, output, select } => {
                    self.artifact_input(*other, *output, select.as_deref(), (rule, item))
                }
            };
            match value {
                Ok(value) => resolved.push((input.name.clone(), value)),
                Err(Unresolved::Needs(more)) => needs.extend(more),
                Err(failed) => return Err(failed),
            }
        }
        if needs.is_empty() { Ok(resolved) } else { Err(Unresolved::Needs(needs)) }
    }

    fn source_input(&self, item: ItemIx) -> Result<InputValue, Unresolved> {
        let source_item = self.items.in_range(item, Range::Source);
        let Some(source) = self.items.source_of(item) else {
            return Err(Unresolved::Failed("it has no source".to_owned()));
        };
        match self.source_digests.get(&source_item) {
            Some(Ok(digest)) => {
                let name = format!("source.{}", safe_extension(&source.path));
                Ok(InputValue::Foreign { path: source.file.clone(), name, digest: *digest })
            }
            Some(Err(why)) => Err(Unresolved::Failed(why.clone())),
            None => Err(Unresolved::Failed(format!("`{}` was not looked at", source.path))),
        }
    }

    pub(super) fn item_input(&self, item: ItemIx) -> Result<InputValue, Unresolved> {
        let node = self.items.get(item);
        match (&node.body, node.entry()) {
            (Body::Source(_), _) => self.source_input(item),
            (_, Some(TreeEntry { name, digest, bytes, .. })) => {
                let file = StoredFile { digest: *digest, bytes: *bytes, items: 1 };
                Ok(InputValue::Blob { name: name.clone(), file })
            }
            (_, None) => Err(Unresolved::Failed("it has no item".to_owned())),
        }
    }

    fn file_input(&mut self, path: &str) -> Result<InputValue, Unresolved> {
        let digest = self.project_file(path).map_err(Unresolved::Failed)?;
        let name = format!("file.{}", safe_extension(path));
        Ok(InputValue::Foreign { path: self.setup.root.join(path), name, digest })
    }

    /// An output of `other`, as the rule and item of `reader` see it.
    pub(super) fn artifact_input(
        &mut self,
        other: RuleId,
        output: usize,
        select: Option<&str>,
        reader: (RuleId, ItemIx),
    ) -> Result<InputValue, Unresolved> {
        let (reader, item) = reader;
        let within = self.common_item(other, output, item);
        let stored = self.merged(other, output, within, reader)?;
        let port = &self.setup.graph.rule(other).outputs[output];
        let name = format!("{}.{}", port.name, safe_extension(&port.path));
        let Some(select) = select else {
            return Ok(match stored {
                Stored::File(file) => InputValue::Blob { name, file },
                Stored::Tree(tree) => InputValue::Tree(tree),
            });
        };
        self.projected(other, output, select, item, stored, name)
    }

    fn projected(
        &mut self,
        other: RuleId,
        output: usize,
        select: &str,
        item: ItemIx,
        stored: Stored,
        name: String,
    ) -> Result<InputValue, Unresolved> {
        let rule = self.setup.graph.rule(other);
        let Some(port) = rule.port(output) else {
            return Err(Unresolved::Failed(format!("`{}` has no projection `{select}`", rule.name)));
        };
        let found = port.port.projections.iter().find(|p| p.name == select);
        let (info, attrs) = (self.items.info(item), self.items.get(item).attrs());
        match (found.map(|p| p.apply), stored) {
            (Some(Project::Tree(apply)), Stored::Tree(tree)) => {
                let chosen = apply(&tree.entries, &info, &attrs).map_err(|e| Unresolved::Failed(e.message))?;
                Ok(InputValue::Tree(StoredTree::new(chosen)))
            }
            (Some(Project::File(apply)), Stored::File(input)) => {
                let key = derive::project_key(port.builtin.fingerprint, select, &info, &attrs, &input.digest);
                let work = Work::Project { apply, item: info, attrs, input };
                self.note(other, output, item, key, &work);
                match self.store.state.derived.get(&key) {
                    Some(file) => Ok(InputValue::Blob { name, file }),
                    None => Err(Unresolved::Needs(vec![Need { key, work }])),
                }
            }
            _ => Err(Unresolved::Failed(format!("`{}` has no projection `{select}`", rule.name))),
        }
    }

    /// The results of `rule` at or below `item`, as one; over the job, without the documents that `reader` is without.
    pub(super) fn merged(&mut self, rule: RuleId, output: usize, item: ItemIx, reader: RuleId) -> Result<Stored, Unresolved> {
        let left_out = if item == JOB { self.quarantine.left_out(reader) } else { BTreeSet::new() };
        if !left_out.is_empty() && !self.action_at.contains_key(&(rule, item)) {
            // Readers differ in whom they are without.
            return self.merge_below(rule, output, item, reader, &left_out);
        }
        if let Some(ix) = self.action_at.get(&(rule, item)) {
            return self.output_of(*ix, output);
        }
        if let Some(known) = self.merged.get(&(rule, output, item)) {
            return Ok(known.clone());
        }
        let stored = self.merge_below(rule, output, item, reader, &left_out)?;
        self.merged.insert((rule, output, item), stored.clone());
        Ok(stored)
    }

    fn output_of(&self, ix: ActionIx, output: usize) -> Result<Stored, Unresolved> {
        let accepted = self.actions[ix.0].accepted.as_ref();
        accepted.and_then(|a| a.outputs().get(output).cloned()).ok_or_else(|| Unresolved::Failed("it was not accepted".into()))
    }

    /// The children of `item` that `rule` has results at or below, in item order.
    pub(super) fn children_for(&self, rule: RuleId, item: ItemIx) -> Vec<ItemIx> {
        let graph = self.setup.graph;
        let chain = graph.range_chain(graph.rule(rule).range);
        let here = self.items.get(item).range;
        let next = if item == JOB { chain.first() } else { chain.iter().skip_while(|r| **r != here).nth(1) };
        next.and_then(|range| self.children.get(&(item, *range)).cloned()).unwrap_or_default()
    }

    fn merge_below(
        &mut self,
        rule: RuleId,
        output: usize,
        item: ItemIx,
        reader: RuleId,
        left_out: &BTreeSet<ItemIx>,
    ) -> Result<Stored, Unresolved> {
        let mut needs = Vec::new();
        let mut pieces = Vec::new();
        for child in self.children_for(rule, item).into_iter().filter(|child| !left_out.contains(child)) {
            match self.merged(rule, output, child, reader) {
                Ok(stored) => {
                    let node = self.items.get(child);
                    pieces.push((node.id().to_owned(), node.attrs(), stored));
                }
                Err(Unresolved::Needs(more)) => needs.extend(more),
                Err(failed) => return Err(failed),
            }
        }
        if !needs.is_empty() {
            return Err(Unresolved::Needs(needs));
        }
        let level = if item == JOB { Level::AcrossSources } else { Level::WithinSource };
        self.merge(rule, output, (item, level), pieces)
    }

    fn merge(
        &mut self,
        rule: RuleId,
        output: usize,
        (item, level): (ItemIx, Level),
        pieces: Vec<(String, Attrs, Stored)>,
    ) -> Result<Stored, Unresolved> {
        let declared = self.setup.graph.rule(rule);
        let slot = &declared.outputs[output];
        let (merge, code) = (self.merge_of(rule, output), self.code_of(rule, output));
        if slot.tree || slot.merge == MergeKind::PerItem {
            return Ok(Stored::Tree(StoredTree::new(merge_trees(merge, level, pieces, &slot.path))));
        }
        let files: Vec<PieceOf> = pieces
            .into_iter()
            .filter_map(|(item_id, attrs, stored)| match stored {
                Stored::File(file) => Some(PieceOf { item_id, attrs, file }),
                Stored::Tree(_) => None,
            })
            .collect();
        let key = derive::merge_key(code, &slot.name, level, &files);
        let work = Work::Merge { merge, level, pieces: files };
        self.note(rule, output, item, key, &work);
        match self.store.state.derived.get(&key) {
            Some(file) => Ok(Stored::File(file)),
            None => Err(Unresolved::Needs(vec![Need { key, work }])),
        }
    }

    /// Key of what a rule's merge over the job is made from, without making it.
    pub(super) fn content_of(&self, rule: RuleId, output: usize, pieces: &[PieceOf]) -> Digest {
        let declared = self.setup.graph.rule(rule);
        derive::merge_key(self.code_of(rule, output), &declared.outputs[output].name, Level::AcrossSources, pieces)
    }
}

fn merge_trees(merge: Merge, level: Level, pieces: Vec<(String, Attrs, Stored)>, path: &str) -> Vec<TreeEntry> {
    let listed = pieces.into_iter().map(|(id, attrs, stored)| {
        let entries = match stored {
            Stored::Tree(tree) => tree.entries.to_vec(),
            Stored::File(f) => {
                let name = format!("{id}.{}", safe_extension(path));
                return (String::new(), attrs, vec![TreeEntry { name, digest: f.digest, bytes: f.bytes, attrs: String::new() }]);
            }
        };
        (id, attrs, entries)
    });
    if let (Merge::Tree(merge), Level::WithinSource) = (merge, level) {
        return merge(&listed.map(|(_, attrs, entries)| (attrs, entries)).collect::<Vec<_>>());
    }
    let prefixed = listed.flat_map(|(id, _, entries)| {
        entries.into_iter().map(move |e| {
            let name = if id.is_empty() { e.name } else { format!("{id}/{}", e.name) };
            TreeEntry { name, ..e }
        })
    });
    prefixed.collect()
}
