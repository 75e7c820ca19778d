//! Gates: `Present` for every output, and what `gate` asks of it.

use serde_json::Number;

use super::runs::{CommandKeys, words};
use super::{Lowering, rule_id};
use crate::engine::graph::{Check, GateSpec, Pass, Range, RuleId, Scope};
use crate::ingestfile::syntax::{At, Coverage, Gate, Ratio, Reference};
use crate::placeholder;
use crate::spanned::meant;

/// What the command of a gate calls its subject.
const ARTIFACT: &str = "artifact";

impl Lowering<'_, '_> {
    /// The gates of a rule, output by output: presence and schema judge item results, all else judges the merge.
    pub(super) fn gates(&mut self, ix: usize, pass: Option<Pass>) -> Vec<GateSpec> {
        let (_, rule) = &self.scope.rules[ix];
        for (name, _) in &rule.gate.0 {
            let outputs = &self.scope.outputs[ix];
            if outputs.iter().all(|o| o.name != name.value) {
                let hint = meant(&name.value, outputs.iter().map(|o| o.name.as_str()));
                self.problems.add(&name.span, format!("a gate on `{}`, which is no output", name.value), "no such output", hint);
            }
        }
        let mut gates = Vec::new();
        for output in 0..self.scope.outputs[ix].len() {
            let declared = &self.scope.outputs[ix][output];
            gates.push(spec(output, Scope::Item, Check::Present { json: declared.is_json() }));
            if let Some((name, gate)) = rule.gate.0.iter().find(|(name, _)| name.value == declared.name) {
                self.declared_gates(ix, output, name, gate, &mut gates);
            }
            let counted = gates.iter().any(|g| g.output == output && matches!(g.check, Check::MinItems { .. }));
            let declared = &self.scope.outputs[ix][output];
            // A job that has a pass C and yields no chunk has failed, whatever its gates ask for.
            if pass == Some(Pass('C')) && declared.name == "chunks" && !counted && !declared.per_item {
                gates.push(spec(output, Scope::Job, Check::MinItems { count: 1 }));
            }
        }
        gates
    }

    fn declared_gates(&mut self, ix: usize, output: usize, name: &At<String>, gate: &Gate, gates: &mut Vec<GateSpec>) {
        let declared = &self.scope.outputs[ix][output];
        let (is_json, tree) = (declared.is_json(), declared.tree);
        if !is_json && (tree || gate.command.is_none() || reads_json(gate)) {
            let message = format!("a gate on `{}`, which is not a `.json` file", name.value);
            self.problems.add(&name.span, message, "", "schemas, counts, keys and references are for JSON");
            return;
        }
        if let Some(key) = of_merge(gate).filter(|_| declared.per_item) {
            let message = format!("`{key}` judges a merge, and `{}` is one file per item", name.value);
            self.problems.add(&name.span, message, "", "take `{id}` and `{stem}` out of its path");
        }
        if let Some(path) = gate.schema.as_ref().and_then(|schema| self.project_file(schema)) {
            // A merge is valid if its items are, unless they are another thing than the merge.
            let port = self.scope.builtin_of(ix).and_then(|b| b.output(&name.value));
            let is_fold = port.is_some_and(|p| p.merge.is_fold()) && self.scope.ranges[ix] != Range::Job;
            let scope = if is_fold { Scope::Job } else { Scope::Item };
            gates.push(GateSpec { files: vec![path.as_str().to_owned()], ..spec(output, scope, Check::Schema) });
        }
        if let Some(count) = &gate.min_items {
            gates.push(spec(output, Scope::Job, Check::MinItems { count: count.value }));
        }
        if let Some(unique) = &gate.unique {
            self.pointer(unique);
            gates.push(spec(output, Scope::Job, Check::Unique { pointer: unique.value.clone() }));
        }
        for reference in gate.refs.iter().flat_map(|refs| &refs.value) {
            gates.extend(self.reference(ix, output, &reference.value));
        }
        gates.extend(gate.ratio.as_ref().and_then(|ratio| self.ratio(ix, output, &ratio.value)));
        if let Some(share) = &gate.max_drop {
            self.share(share, "max_drop");
            gates.push(spec(output, Scope::Job, Check::MaxDrop { share: share.value.clone() }));
        }
        if let Some(Coverage { part, whole, min }) = gate.coverage.as_ref().map(|c| &c.value) {
            self.pointer(part);
            self.pointer(whole);
            self.share(min, "min");
            let check = Check::Coverage { part: part.value.clone(), whole: whole.value.clone(), min: min.value.clone() };
            gates.push(spec(output, Scope::Job, check));
        }
        gates.extend(self.command_gate(output, gate));
    }

    fn ratio(&mut self, ix: usize, output: usize, ratio: &Ratio) -> Option<GateSpec> {
        if ratio.min.is_none() && ratio.max.is_none() {
            self.problems.add(&ratio.of.span, "`ratio` needs `min` or `max`", "", "");
        }
        for limit in [&ratio.min, &ratio.max].into_iter().flatten().filter(|n| n.value.as_f64().is_some_and(|n| n < 0.0)) {
            self.problems.add(&limit.span, format!("`{}` is below 0", limit.value), "", "");
        }
        if let (Some(min), Some(max)) = (&ratio.min, &ratio.max)
            && min.value.as_f64() > max.value.as_f64()
        {
            self.problems.add(&min.span, format!("`min` is above `max`: {} and {}", min.value, max.value), "", "");
        }
        let others = vec![self.other(ix, &ratio.of)?];
        let limit = |limit: &Option<At<Number>>| limit.as_ref().map(|n| n.value.clone());
        let check = Check::Ratio { min: limit(&ratio.min), max: limit(&ratio.max) };
        Some(GateSpec { others, ..spec(output, Scope::Job, check) })
    }

    fn command_gate(&mut self, output: usize, gate: &Gate) -> Option<GateSpec> {
        let keys = CommandKeys {
            files: gate.files.as_ref(),
            version: gate.version.as_ref(),
            version_files: gate.version_files.as_ref(),
            env: gate.env.as_ref(),
            timeout_s: gate.timeout_s.as_ref(),
        };
        let Some(line) = &gate.command else {
            for (key, span) in keys.given() {
                self.problems.add(span, format!("`{key}` is for gates with a `command`"), "", "");
            }
            return None;
        };
        let mut reads_it = false;
        for (text, span) in words(line) {
            for found in placeholder::find(text) {
                reads_it |= found.name == ARTIFACT;
                if found.name != ARTIFACT {
                    let message = format!("`{{{}}}` means nothing in the command of a gate", found.name);
                    self.problems.add(span, message, "", meant(found.name, [ARTIFACT]));
                }
            }
        }
        if !reads_it {
            self.problems.add(&line.span, "the command of a gate reads `{artifact}`, and this one does not", "", "");
        }
        let command = self.command(line, &keys);
        Some(spec(output, Scope::Job, Check::Command { command }))
    }

    fn share(&mut self, share: &At<Number>, key: &str) {
        if !share.value.as_f64().is_some_and(|n| (0.0..=1.0).contains(&n)) {
            let message = format!("`{key}` is a share, from 0 to 1, and `{}` is none", share.value);
            self.problems.add(&share.span, message, "", "");
        }
    }

    /// An artifact that a gate compares its subject with.
    fn other(&mut self, ix: usize, from: &At<String>) -> Option<(RuleId, usize)> {
        let (rule, other) = self.output_named(ix, from)?;
        let declared = &self.scope.outputs[rule][other];
        if !declared.is_json() || declared.per_item {
            let message = format!("`{}` is not one `.json` file to refer to", from.value);
            self.problems.add(&from.span, message, "", "");
        }
        Some((rule_id(rule), other))
    }

    fn reference(&mut self, ix: usize, output: usize, reference: &Reference) -> Option<GateSpec> {
        let Reference(pointer, from, target) = reference;
        self.pointer(pointer);
        self.pointer(target);
        let others = vec![self.other(ix, from)?];
        let check = Check::Refs { pointer: pointer.value.clone(), target: target.value.clone() };
        Some(GateSpec { others, ..spec(output, Scope::Job, check) })
    }

    fn pointer(&mut self, pointer: &At<String>) {
        if !pointer.value.is_empty() && !pointer.value.starts_with('/') {
            let message = format!("`{}` is no JSON pointer", pointer.value);
            self.problems.add(&pointer.span, message, "", format!("did you mean `/{}`?", pointer.value.replace('.', "/")));
        }
    }
}

/// What only JSON can be asked.
fn reads_json(gate: &Gate) -> bool {
    gate.schema.is_some() || of_merge(gate).is_some_and(|key| key != "command")
}

/// The first key of `gate` that is about the merge, those for JSON before the one for any file.
fn of_merge(gate: &Gate) -> Option<&'static str> {
    let keys = [
        ("min_items", gate.min_items.is_some()),
        ("unique", gate.unique.is_some()),
        ("refs", gate.refs.is_some()),
        ("ratio", gate.ratio.is_some()),
        ("max_drop", gate.max_drop.is_some()),
        ("coverage", gate.coverage.is_some()),
        ("command", gate.command.is_some()),
    ];
    keys.into_iter().find(|(_, given)| *given).map(|(key, _)| key)
}

fn spec(output: usize, scope: Scope, check: Check) -> GateSpec {
    GateSpec { output, scope, check, files: Vec::new(), others: Vec::new() }
}
