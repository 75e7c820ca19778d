//! Gates: `Present` for every output, and what `gate` asks of it.

use super::{Lowering, rule_id};
use crate::engine::graph::{Check, GateSpec, Pass, RuleId, Scope};
use crate::ingestfile::check::meant;
use crate::ingestfile::syntax::{At, Gate, Reference};

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
        if !declared.is_json() {
            let message = format!("a gate on `{}`, which is not a `.json` file", name.value);
            self.problems.add(&name.span, message, "", "schemas, counts, keys and references are for JSON");
            return;
        }
        if declared.per_item && (gate.min_items.is_some() || gate.unique.is_some() || gate.refs.is_some()) {
            let message = format!("`min_items`, `unique` and `refs` judge a merge, and `{}` is one file per item", name.value);
            self.problems.add(&name.span, message, "", "take `{id}` and `{stem}` out of its path");
        }
        if let Some(path) = gate.schema.as_ref().and_then(|schema| self.project_file(schema)) {
            gates.push(GateSpec { files: vec![path.as_str().to_owned()], ..spec(output, Scope::Item, Check::Schema) });
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
    }

    fn reference(&mut self, ix: usize, output: usize, reference: &Reference) -> Option<GateSpec> {
        let Reference(pointer, from, target) = reference;
        self.pointer(pointer);
        self.pointer(target);
        let (rule, other) = self.output_named(ix, from)?;
        let declared = &self.scope.outputs[rule][other];
        if !declared.is_json() || declared.per_item {
            let message = format!("`{}` is not one `.json` file to refer to", from.value);
            self.problems.add(&from.span, message, "", "");
        }
        let check = Check::Refs { pointer: pointer.value.clone(), target: target.value.clone() };
        let others: Vec<(RuleId, usize)> = vec![(rule_id(rule), other)];
        Some(GateSpec { others, ..spec(output, Scope::Job, check) })
    }

    fn pointer(&mut self, pointer: &At<String>) {
        if !pointer.value.is_empty() && !pointer.value.starts_with('/') {
            let message = format!("`{}` is no JSON pointer", pointer.value);
            self.problems.add(&pointer.span, message, "", format!("did you mean `/{}`?", pointer.value.replace('.', "/")));
        }
    }
}

fn spec(output: usize, scope: Scope, check: Check) -> GateSpec {
    GateSpec { output, scope, check, files: Vec::new(), others: Vec::new() }
}
