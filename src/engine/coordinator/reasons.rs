//! Why an action is not up to date, and the record that the next build and the next `why` compare with.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::inputs::Unresolved;
use super::{ActionIx, Coordinator, Mode};
use crate::digest::Digest;
use crate::engine::adoption;
use crate::engine::gate_list::GateList;
use crate::engine::graph::{CommandRule, From, RuleId, Run};
use crate::engine::manifest::{self, ActionManifest, Change, Encoded, Field};
use crate::engine::probe;
use crate::engine::reason::{Cause, Kind, Loss, Reason};
use crate::store::cas::{Cas, Held};
use crate::store::records::{Came, LastBuild, Stored, Turn};
use crate::store::table::Table;

/// A blob that a build found missing or damaged: place of the output in its rule, the blob, what is wrong with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct LostBlob {
    pub(super) output: usize,
    pub(super) digest: Digest,
    pub(super) what: Loss,
}

impl Coordinator<'_, '_> {
    pub(super) fn last_key(&self, ix: ActionIx) -> String {
        let action = &self.actions[ix.0];
        let rule = &self.setup.graph.rule(action.rule).name;
        format!("{}\0{rule}\0{}", self.setup.job_key, self.items.get(action.item).full_id)
    }

    /// Why an action whose key is known is not up to date.
    pub(super) fn reason_of(&self, ix: ActionIx) -> Reason {
        let action = &self.actions[ix.0];
        let last = self.store.state.last.get(&self.last_key(ix));
        let (Some(last), Some(own), Some(declared)) = (last, &action.own, self.declarations.get(&action.rule)) else {
            return Reason::NeverBuilt;
        };
        let now = Encoded { declared: declared.clone(), own: own.clone() };
        let changes = now.decode().changes_since(&manifest::of_last(&self.store.state, &last));
        if !changes.is_empty() {
            return changed(changes);
        }
        if let Some(lost) = self.announced.lost.get(&last.key) {
            let path = self.setup.graph.rule(action.rule).outputs.get(lost.output).map(|o| o.path.clone());
            return Reason::Lost { path: path.unwrap_or_default(), digest: lost.digest, what: lost.what };
        }
        let then = self.store.state.gates.get(&last.gates).map(|l| GateList::decode(&l)).unwrap_or_default();
        let gates = GateList::decode(&self.gate_lists[action.rule.ix()]).changes_since(&then);
        if !gates.is_empty() {
            return Reason::Gates(gates);
        }
        let failure = self.store.state.results.get(&last.key).and_then(|r| r.failure);
        if let Some(passed) = failure.filter(|f| f.is_outgrown(&self.setup.limits)).and_then(|f| f.limit) {
            return Reason::LimitRaised { passed, now: self.setup.limits.value(passed.name) };
        }
        match last.history.first().map(|t| t.came) {
            Some(Came::Failed) => Reason::FailedBefore,
            _ if !last.accepted => Reason::RejectedBefore,
            _ => Reason::Evicted { key: last.key },
        }
    }

    /// The first cause of an action's reason.
    pub(super) fn cause_of(&self, ix: ActionIx) -> Option<Cause> {
        let action = &self.actions[ix.0];
        let source = self.items.source_of(action.item).map(|s| s.path.as_str());
        let cause = action.reason.as_ref().map(|r| r.cause(self.setup.graph, action.rule, source))?;
        let changed = match action.reason.as_deref() {
            Some(Reason::Changed(changes)) => changes.first(),
            _ => None,
        };
        let adopted =
            changed.and_then(|c| adoption::read(self.setup.graph, &self.store.state, &self.setup.job_key, action.rule, c));
        Some(match adopted {
            Some(path) => Cause { kind: Kind::Adopted, name: Some(path.to_owned()), ..cause },
            None => cause,
        })
    }

    /// Planning: why an action whose inputs are not known yet runs all the same: what changed of its own declaration.
    pub(super) fn own_reason(&mut self, ix: ActionIx) -> Option<Reason> {
        let declared = self.declared_with_outputs(self.actions[ix.0].rule).ok()?;
        let last = self.store.state.last.get(&self.last_key(ix))?;
        let changes = declared.own_changes_since(&manifest::of_last(&self.store.state, &last));
        match changed(changes) {
            Reason::Changed(changes) if changes.is_empty() => None,
            Reason::AsksTool { .. } => None,
            reason => Some(reason),
        }
    }

    /// The part of a manifest that is the same for all items: what runs, and what it is told.
    pub(super) fn declared(&mut self, id: RuleId) -> Result<ActionManifest, String> {
        let mut m = ActionManifest::new();
        match &self.setup.graph.rule(id).run {
            Run::Builtin { builtin, params } => {
                m.push(Field::Builtin, builtin.name);
                m.push(Field::Code, builtin.fingerprint);
                if let Value::Object(params) = params {
                    params.iter().for_each(|(k, v)| m.push(Field::Param(k.clone()), v.to_string()));
                }
            }
            Run::Command(CommandRule { command, params, .. }) => {
                if let Value::Object(params) = params {
                    params.iter().for_each(|(k, v)| m.push(Field::Param(k.clone()), v.to_string()));
                }
                m.push(Field::Command, serde_json::to_string(&command.line).unwrap_or_default());
                for path in &command.files {
                    m.push(Field::File(path.clone()), self.project_file(path)?.to_hex());
                }
                // A variable that is not set is no entry: a command can tell it from an empty one.
                for (name, value) in self.setup.env.those(&command.env) {
                    m.push(Field::Environment(name), value);
                }
                let (_, version) = self.command(id)?;
                if !version.is_empty() {
                    m.push(Field::ToolVersion, version);
                }
            }
        }
        Ok(m)
    }

    fn declared_with_outputs(&mut self, id: RuleId) -> Result<ActionManifest, String> {
        let mut declared = self.declared(id)?;
        let outputs = &self.setup.graph.rule(id).outputs;
        outputs.iter().for_each(|o| declared.push(Field::Output(o.name.clone()), o.path.clone()));
        Ok(declared)
    }

    /// What the manifests of all actions of a rule share, encoded.
    pub(super) fn declaration(&mut self, id: RuleId) -> Result<Arc<[u8]>, String> {
        if let Some(known) = self.declarations.get(&id) {
            return Ok(known.clone());
        }
        let declared = self.declared_with_outputs(id)?.encode().declared;
        self.declarations.insert(id, declared.clone());
        Ok(declared)
    }

    /// Planning: the declarations of all rules that the build is about, by name.
    pub(super) fn declarations(&mut self) -> BTreeMap<String, ActionManifest> {
        let mut all = BTreeMap::new();
        for id in self.active_rules() {
            // What cannot be read is told where an action needs it.
            if let Ok(declared) = self.declared_with_outputs(id) {
                all.insert(self.setup.graph.rule(id).name.clone(), declared);
            }
        }
        all
    }

    /// Planning: the first input that would be merged anew.
    pub(super) fn unmerged(&mut self, ix: ActionIx) -> Option<Reason> {
        let (rule, item) = (self.actions[ix.0].rule, self.actions[ix.0].item);
        let graph = self.setup.graph;
        for input in &graph.rule(rule).inputs {
            if let From::Artifact { rule: other, output, select } = &input.from
                && let Err(Unresolved::Needs(_)) = self.artifact_input(*other, *output, select.as_deref(), (rule, item))
            {
                return Some(Reason::Merges { rule: graph.rule(*other).name.clone(), input: input.name.clone() });
            }
        }
        None
    }

    /// Planning: the first output of a known result whose bytes are not in the cache.
    pub(super) fn lost_output(&self, ix: ActionIx) -> Option<Reason> {
        let outputs = self.actions[ix.0].candidate.as_ref()?;
        let rule = self.setup.graph.rule(self.actions[ix.0].rule);
        let lost = outputs.iter().enumerate().find_map(|(n, stored)| Some((n, lost_of(stored, &self.store.cas)?)));
        let (output, (digest, what)) = lost?;
        Some(Reason::Lost { path: rule.outputs[output].path.clone(), digest, what })
    }

    /// Writes down what the action was built from, and why it was not up to date, for the next `why`.
    pub(super) fn remember(&mut self, ix: ActionIx, came: Came) {
        if self.mode == Mode::Plan {
            return;
        }
        let action = &self.actions[ix.0];
        let (Some(key), Some(own)) = (action.key, action.own.clone()) else { return };
        let Some(declared) = self.declarations.get(&action.rule).cloned() else { return };
        let (ran, accepted) = (action.started.is_some(), matches!(came, Came::Ran | Came::FromCache));
        let (rule, item, name) = (action.rule, action.item, self.last_key(ix));
        let last = self.store.state.last.get(&name);
        let turned = ran || last.as_ref().is_none_or(|l| l.key != key || l.accepted != accepted);
        let mut history = last.map(|l| l.history).unwrap_or_default();
        if turned {
            let reason = self.actions[ix.0].reason.as_deref().cloned().unwrap_or_else(|| self.reason_of(ix));
            let reason = postcard::to_stdvec(&reason).unwrap_or_default().into();
            Turn::put(&mut history, Turn { build: self.build_number(), came, ran, reason });
        }
        let gates = self.gate_numbers.number(&mut self.store.state.gates, &self.gate_lists[rule.ix()]);
        let declared = self.declaration_numbers.number(&mut self.store.state.declarations, &declared);
        let source = self.source_digest(item);
        self.store.state.last.put(name, LastBuild { key, declared, own, accepted, gates, source, history });
    }

    /// The number of this build; given when it is first asked for.
    fn build_number(&mut self) -> u32 {
        if let Some(number) = self.build_number {
            return number;
        }
        let (table, id) = (&mut self.store.state.builds, &self.setup.build_id);
        let number = match table.last() {
            Some((number, last)) if last == *id => number,
            last => last.map_or(0, |(n, _)| n + 1),
        };
        table.put(number, id.clone());
        self.build_number = Some(number);
        number
    }
}

/// What last builds name by a number: it is given when it is first asked for.
#[derive(Default)]
pub(super) struct Numbers(BTreeMap<Arc<[u8]>, u32>);

impl Numbers {
    pub(super) fn of(table: &Table<u32, Arc<[u8]>>) -> Self {
        Self(table.iter().map(|(number, named)| (named, number)).collect())
    }

    fn number(&mut self, table: &mut Table<u32, Arc<[u8]>>, named: &Arc<[u8]>) -> u32 {
        if let Some(number) = self.0.get(named) {
            return *number;
        }
        let number = table.last().map_or(0, |(n, _)| n + 1);
        table.put(number, named.clone());
        self.0.insert(named.clone(), number);
        number
    }
}

/// A difference, where what a tool has not been asked yet is not known.
fn changed(mut changes: Vec<Change>) -> Reason {
    for change in changes.iter_mut().filter(|c| c.field == Field::ToolVersion) {
        change.new = change.new.take().filter(|v| v != probe::NOT_ASKED);
    }
    if changes.iter().any(|c| matches!(c.field, Field::File(_))) {
        // Then it is asked because of that file, whose change is the cause.
        changes.retain(|c| c.field != Field::ToolVersion || c.new.is_some());
    }
    match changes.as_slice() {
        [Change { field: Field::ToolVersion, old, new: None }] => Reason::AsksTool { old: old.clone() },
        _ => Reason::Changed(changes),
    }
}

/// A blob of `stored` that is not there, or not of its size.
fn lost_of(stored: &Stored, cas: &Cas) -> Option<(Digest, Loss)> {
    let lost = |digest: &Digest, bytes: u64| match cas.held(digest, bytes) {
        Held::Whole => None,
        Held::Torn => Some((*digest, Loss::Damaged)),
        Held::Missing => Some((*digest, Loss::Missing)),
    };
    match stored {
        Stored::File(f) => lost(&f.digest, f.bytes),
        Stored::Tree(t) => t.entries.iter().find_map(|e| lost(&e.digest, e.bytes)),
    }
}
