//! What rules range over: `each`, and the passes they belong to.

use super::{Lowering, Scope, rule_id};
use crate::builtin::Builtin;
use crate::engine::graph::{Pass, Range};
use crate::ingestfile::syntax::{At, Input, Rule};
use crate::spanned::meant;

impl Lowering<'_, '_> {
    /// Resolves every `each`.
    pub(super) fn read_ranges(&mut self) {
        for ix in 0..self.scope.rules.len() {
            let range = self.scope.rules[ix].1.each.as_ref().map_or(Range::Job, |each| self.range(ix, each));
            self.scope.ranges.push(range);
        }
        let by_source: Vec<usize> = (0..self.scope.rules.len()).filter(|ix| self.goes_by_source(*ix)).collect();
        by_source.into_iter().for_each(|ix| self.scope.ranges[ix] = Range::Source);
    }

    /// A built-in that folds what it finds in each source need not read the job at once, whether its rule says `each` or not,
    /// as long as all that it reads is told apart by source.
    fn goes_by_source(&self, ix: usize) -> bool {
        let rule = &self.scope.rules[ix].1;
        let reads_by_source = |input: &At<Input>| {
            let text = match &input.value {
                Input::Name(text) => text,
                Input::From(from) => &from.from.value,
                Input::File(_) => return true,
            };
            let other = text.split_once('.').and_then(|(rule, _)| self.scope.names.get(rule));
            other.is_some_and(|other| self.scope.ranges[*other] != Range::Job)
        };
        rule.each.is_none()
            && self.scope.builtin_of(ix).is_some_and(|b| b.outputs.iter().any(|port| port.merge.is_fold()))
            && rule.inputs.0.iter().all(|(_, input)| reads_by_source(input))
    }

    fn range(&mut self, ix: usize, each: &At<String>) -> Range {
        if each.value == "source" {
            return Range::Source;
        }
        if !each.value.contains('.') {
            let known: Vec<_> = std::iter::once("source".to_owned()).chain(self.all_trees()).collect();
            let message = format!("`each = \"{}\"` names nothing to range over", each.value);
            self.problems.add(
                &each.span,
                message,
                "not `source` or a tree",
                meant(&each.value, known.iter().map(String::as_str)),
            );
            return Range::Job;
        }
        let Some((rule, output)) = self.output_named(ix, each) else { return Range::Job };
        if !self.scope.outputs[rule][output].tree {
            let known = self.all_trees();
            let message = format!("`{}` is a file: a rule ranges over `source` or a tree", each.value);
            self.problems.add(&each.span, message, "not a tree", meant(&each.value, known.iter().map(String::as_str)));
            return Range::Job;
        }
        Range::Tree { rule: rule_id(rule), output }
    }

    fn all_trees(&self) -> Vec<String> {
        let rules = self.scope.rules.iter().zip(&self.scope.outputs);
        let trees = |((name, _), outputs): (&(At<String>, Rule), &Vec<super::outputs::Declared>)| {
            outputs.iter().filter(|o| o.tree).map(|o| format!("{}.{}", name.value, o.name)).collect::<Vec<_>>()
        };
        rules.flat_map(trees).collect()
    }

    /// The pass that a rule's name or its `pass` says.
    pub(super) fn pass(&mut self, name: &At<String>, rule: &Rule) -> Option<Pass> {
        let letter = |text: &str| Pass::ALL.into_iter().find(|p| p.0.to_string() == text);
        // `passX` is a pass; `passage` is a name like any other.
        let of_name =
            name.value.strip_prefix("pass").filter(|rest| rest.len() == 1 && rest.chars().all(|c| c.is_ascii_uppercase()));
        let hint = "passes are `A` to `F`";
        let named = of_name.and_then(letter);
        if of_name.is_some() && named.is_none() {
            self.problems.add(&name.span, format!("`{}` is no pass", name.value), "", hint);
        }
        let Some(written) = &rule.pass else { return named };
        let Some(pass) = letter(&written.value) else {
            self.problems.add(&written.span, format!("`{}` is no pass", written.value), "", hint);
            return named;
        };
        if named.is_some_and(|named| named != pass) {
            let message = format!("rule `{}` says that it belongs to pass {}", name.value, pass.0);
            self.problems.add(&written.span, message, "", "rename the rule or leave `pass` out");
        }
        Some(pass)
    }
}

impl Scope<'_> {
    /// The built-in of a rule, if it runs a known one.
    pub(super) fn builtin_of(&self, ix: usize) -> Option<&'static Builtin> {
        let run = self.rules[ix].1.run.as_ref()?;
        self.builtins.iter().copied().find(|b| b.name == run.value)
    }

    /// From a range outwards: itself, what its rule ranges over, and so on. Ends where a cycle closes.
    pub(super) fn chain_outwards(&self, range: Range) -> Vec<Range> {
        let mut chain = Vec::new();
        let mut range = range;
        while range != Range::Job && !chain.contains(&range) {
            chain.push(range);
            range = match range {
                Range::Tree { rule, .. } => self.ranges.get(rule.ix()).copied().unwrap_or(Range::Job),
                _ => Range::Job,
            };
        }
        chain
    }
}
