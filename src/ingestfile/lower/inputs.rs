//! Inputs: the source, the item, a project file, or another rule's output, resolved by ancestry.

use super::{Lowering, rule_id};
use crate::builtin::Builtin;
use crate::engine::graph::{From, Input, Range};
use crate::ingestfile::syntax::{self, At};
use crate::spanned::meant;

impl Lowering<'_, '_> {
    /// The inputs of a rule: in the order of a built-in's ports, or as a command declares them.
    pub(super) fn inputs(&mut self, ix: usize, builtin: Option<&'static Builtin>) -> Vec<Input> {
        let (_, rule) = &self.scope.rules[ix];
        let mut inputs = Vec::new();
        for (name, input) in &rule.inputs.0 {
            self.placeholder_name(name, "input");
            let from = match &input.value {
                syntax::Input::Name(text) => self.named_input(ix, &At { span: input.span.clone(), value: text.clone() }),
                syntax::Input::From(from) => self.artifact(ix, &from.from, from.select.as_ref()),
                syntax::Input::File(file) => self.project_file(&file.file).map(|p| From::File(p.as_str().to_owned())),
            };
            inputs.extend(from.map(|from| Input { name: name.value.clone(), from }));
        }
        if let Some(builtin) = builtin {
            self.check_input_ports(ix, builtin);
            let port = |name: &str| builtin.inputs.iter().position(|p| p.trim_end_matches('?') == name);
            inputs.sort_by_key(|input| port(&input.name));
            inputs.extend(self.vocabulary_inputs(builtin));
        }
        inputs
    }

    /// `source`, the name of an item, or `<rule>.<output>`.
    fn named_input(&mut self, ix: usize, text: &At<String>) -> Option<From> {
        if text.value.contains('.') {
            return self.artifact(ix, text, None);
        }
        let chain = self.scope.chain_outwards(self.scope.ranges[ix]);
        if text.value == "source" {
            if chain.is_empty() && self.scope.rules[ix].1.each.is_none() {
                let message = format!("rule `{}` runs once per job and has no `source`", self.scope.rules[ix].0.value);
                self.problems.add(&text.span, message, "", "add `each = \"source\"`");
            }
            return Some(From::Source);
        }
        let items: Vec<&str> = chain.iter().filter_map(|range| self.item_name(*range)).collect();
        if let Some(levels_up) = items.iter().position(|item| *item == text.value) {
            return Some(From::Item { levels_up });
        }
        let mut known: Vec<String> = items.iter().map(|&item| item.to_owned()).collect();
        if !chain.is_empty() {
            known.push("source".to_owned());
        }
        known.extend(self.outputs_but(ix));
        let hint = meant(&text.value, known.iter().map(String::as_str));
        self.problems.add(&text.span, format!("unknown input `{}`", text.value), "not an item, not an output", hint);
        None
    }

    /// What an entry of a tree is called: the tree's name without its plural s.
    fn item_name(&self, range: Range) -> Option<&str> {
        let Range::Tree { rule, output } = range else { return None };
        let name = self.scope.outputs.get(rule.ix())?.get(output)?.name.as_str();
        Some(name.strip_suffix('s').filter(|n| !n.is_empty()).unwrap_or(name))
    }

    fn artifact(&mut self, ix: usize, from: &At<String>, select: Option<&At<String>>) -> Option<From> {
        let (rule, output) = self.output_named(ix, from)?;
        if let Some(select) = select {
            self.check_projection(rule, output, select);
        }
        self.check_mergeable_for(ix, rule, output, from);
        Some(From::Artifact { rule: rule_id(rule), output, select: select.map(|s| s.value.clone()) })
    }

    fn check_projection(&mut self, rule: usize, output: usize, select: &At<String>) {
        let (rule_name, syntax) = &self.scope.rules[rule];
        let declared = &self.scope.outputs[rule][output];
        let output = &declared.name;
        let builtin = syntax.run.as_ref().and_then(|run| self.scope.builtins.iter().find(|b| b.name == run.value));
        if syntax.run.is_some() && builtin.is_none() {
            return; // the unknown built-in is the problem
        }
        let port = builtin.and_then(|b| b.output(output)).or(declared.like.as_ref().map(|(like, _)| like.port));
        let projections = port.map(|port| port.projections).unwrap_or_default();
        if projections.iter().all(|p| p.name != select.value) {
            let message = format!("`{}.{output}` has no projection `{}`", rule_name.value, select.value);
            let hint = meant(&select.value, projections.iter().map(|p| p.name));
            self.problems.add(&select.span, message, "no such projection", hint);
        }
    }

    /// One file per item is for the same item and for items below it; anybody else would need a merge.
    fn check_mergeable_for(&mut self, reader: usize, rule: usize, output: usize, from: &At<String>) {
        let produced = self.scope.ranges[rule];
        let read_by_ancestry = produced == Range::Job || self.scope.chain_outwards(self.scope.ranges[reader]).contains(&produced);
        if self.scope.outputs[rule][output].per_item && !read_by_ancestry && reader != rule {
            let message =
                format!("`{}` is one file per item and cannot be merged for `{}`", from.value, self.scope.rules[reader].0.value);
            self.problems.add(&from.span, message, "needs a merge", "take `{id}` and `{stem}` out of its path");
        }
    }

    /// A built-in gets what it asks for, and nothing else.
    fn check_input_ports(&mut self, ix: usize, builtin: &'static Builtin) {
        let (name, rule) = &self.scope.rules[ix];
        for (input, _) in &rule.inputs.0 {
            if ports(builtin).all(|port| port != input.value) {
                let message = format!("`{}` has no input `{}`", builtin.name, input.value);
                let hint = meant(&input.value, ports(builtin));
                self.problems.add(&input.span, message, "no such input", hint);
            }
        }
        let required = builtin.inputs.iter().filter(|port| !port.ends_with(['?', '*']));
        for port in required.filter(|port| rule.inputs.0.iter().all(|(input, _)| input.value != **port)) {
            let message = format!("rule `{}` lacks the input `{port}` of `{}`", name.value, builtin.name);
            self.problems.add(&rule.span, message, &format!("no input `{port}`"), "");
        }
    }
}

/// The inputs that a rule may give to a built-in.
fn ports(builtin: &'static Builtin) -> impl Iterator<Item = &'static str> {
    builtin.inputs.iter().filter(|port| !port.ends_with('*')).map(|port| port.trim_end_matches('?'))
}
