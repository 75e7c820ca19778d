//! Syntax to build graph: every name resolved, params filled in, rules in topological order. All problems are reported; a
//! graph comes out only if there are none.

use std::collections::BTreeMap;
use std::ops::Range as Span;

use super::JobConfig;
use super::syntax::{self, At, Ingestfile, Rule};
use crate::builtin::{Builtin, Limits};
use crate::engine::graph::{self, From, Graph, Range, RuleId};
use crate::engine::retention::Bounds;
use crate::rel_path::RelPath;
use crate::spanned::{Problems, meant};

mod cache;
mod gates;
mod inputs;
mod job;
mod limits;
mod order;
mod outputs;
mod policy;
mod pools;
mod ranges;
mod runs;
mod vocabulary;

pub use cache::{AGES, SIZES, age, size};

/// What `load` makes of a file: job, bounds of the cache, limits, build graph, place of `sources`, places of project files.
pub(super) type Lowered = (JobConfig, Bounds, Limits, Graph, Span<usize>, BTreeMap<String, Span<usize>>);

/// The build graph that `file` describes.
pub(super) fn lower(file: &Ingestfile, builtins: &[&'static Builtin], problems: &mut Problems) -> Option<Lowered> {
    if file.version.value != 1 {
        let message = format!("version {} is not known", file.version.value);
        problems.add(&file.version.span, message, "", "this `ingest` reads version 1");
    }
    let names = file.rule.0.iter().enumerate().map(|(i, (name, _))| (name.value.as_str(), i)).collect();
    let scope = Scope { rules: &file.rule.0, pools: &file.pool.0, names, builtins, outputs: Vec::new(), ranges: Vec::new() };
    let mut lowering =
        Lowering { scope, problems, links: Vec::new(), files: BTreeMap::new(), vocabulary: vocabulary::Vocabulary::default() };
    lowering.vocabulary = lowering.vocabulary(&file.vocabulary);
    let pools = lowering.pools();
    lowering.read_outputs();
    lowering.read_ranges();
    lowering.report_output_clashes();
    let rules: Vec<graph::Rule> = (0..lowering.scope.rules.len()).map(|i| lowering.rule(i)).collect();
    let order = order::topological(&mut lowering, &rules)?;
    let bounds = lowering.cache(&file.cache);
    let limits = lowering.limits(&file.limits);
    let (job, sources) = lowering.job(&file.job)?;
    lowering.problems.none().then(|| (job, bounds, limits, renumbered(rules, &order, pools), sources, lowering.files))
}

/// What names may refer to. Rules are numbered as the file writes them, until `renumbered`.
struct Scope<'a> {
    rules: &'a [(At<String>, Rule)],
    pools: &'a [(At<String>, syntax::Pool)],
    names: BTreeMap<&'a str, usize>,
    builtins: &'a [&'static Builtin],
    outputs: Vec<Vec<outputs::Declared>>,
    ranges: Vec<Range>,
}

/// One lowering in progress.
struct Lowering<'a, 'p> {
    scope: Scope<'a>,
    problems: &'p mut Problems,
    links: Vec<Link>,
    files: BTreeMap<String, Span<usize>>,
    vocabulary: vocabulary::Vocabulary,
}

/// `reader` names an output of `read` at `span`.
struct Link {
    reader: usize,
    read: usize,
    span: Span<usize>,
}

impl Lowering<'_, '_> {
    fn rule(&mut self, ix: usize) -> graph::Rule {
        let (name, syntax) = &self.scope.rules[ix];
        self.rule_name(name);
        let pass = self.pass(name, syntax);
        let (run, builtin) = self.run(ix);
        let inputs = self.inputs(ix, builtin);
        let outputs = self.outputs(ix, builtin);
        self.placeholders(ix);
        let gates = self.gates(ix, pass);
        graph::Rule { name: name.value.clone(), pass, range: self.scope.ranges[ix], run, inputs, outputs, gates }
    }

    /// Names of rules stand in targets (`passD:<source_id>`), log lines and `<rule>.<output>`.
    fn rule_name(&mut self, name: &At<String>) {
        self.rule_like_name(name, "rule");
    }

    /// A name of ASCII letters, digits, `_` and `-`.
    fn rule_like_name(&mut self, name: &At<String>, what: &str) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.value.is_empty() || !name.value.chars().all(plain) {
            let message = format!("`{}` is no name for a {what}", name.value.escape_debug());
            self.problems.add(&name.span, message, "", "names hold ASCII letters, digits, `_` and `-`");
        }
    }

    /// The output that `text` names as `<rule>.<output>`; remembers that `reader` reads it.
    fn output_named(&mut self, reader: usize, text: &At<String>) -> Option<(usize, usize)> {
        let Some((rule, output)) = text.value.split_once('.') else {
            let message = format!("`{}` is not `<rule>.<output>`", text.value);
            self.problems.add(&text.span, message, "", meant(&text.value, self.outputs_but(reader).iter().map(String::as_str)));
            return None;
        };
        let Some(&read) = self.scope.names.get(rule) else {
            let hint = meant(rule, self.scope.names.keys().copied());
            self.problems.add(&text.span, format!("unknown rule `{rule}`"), "no such rule", hint);
            return None;
        };
        self.links.push(Link { reader, read, span: text.span.clone() });
        let outputs = &self.scope.outputs[read];
        let found = outputs.iter().position(|o| o.name == output);
        if found.is_none() {
            let hint = meant(output, outputs.iter().map(|o| o.name.as_str()));
            self.problems.add(&text.span, format!("rule `{rule}` has no output `{output}`"), "no such output", hint);
        }
        found.map(|output| (read, output))
    }

    /// Every `<rule>.<output>` of the file that `reader` may read: its own are not among them.
    fn outputs_but(&self, reader: usize) -> Vec<String> {
        let rules = self.scope.rules.iter().zip(&self.scope.outputs).enumerate().filter(|(ix, _)| *ix != reader);
        rules.flat_map(|(_, ((rule, _), outputs))| outputs.iter().map(|o| format!("{}.{}", rule.value, o.name))).collect()
    }

    /// A file of the project that the rules name.
    fn project_file(&mut self, path: &At<String>) -> Option<RelPath> {
        let parsed = self.problems.path(path)?;
        self.files.entry(parsed.as_str().to_owned()).or_insert_with(|| path.span.clone());
        Some(parsed)
    }
}

/// The rules in `order`, every id changed with them.
fn renumbered(rules: Vec<graph::Rule>, order: &[usize], pools: Vec<graph::Pool>) -> Graph {
    let mut place = vec![0; rules.len()];
    for (to, &from) in order.iter().enumerate() {
        place[from] = to;
    }
    let moved = |id: RuleId| rule_id(place[id.ix()]);
    let mut sorted: Vec<_> = rules.into_iter().zip(&place).collect();
    sorted.sort_by_key(|(_, to)| **to);
    let renumber = |mut rule: graph::Rule| {
        if let Range::Tree { rule, .. } = &mut rule.range {
            *rule = moved(*rule);
        }
        for input in &mut rule.inputs {
            if let From::Artifact { rule, .. } = &mut input.from {
                *rule = moved(*rule);
            }
        }
        rule.gates.iter_mut().flat_map(|gate| &mut gate.others).for_each(|(rule, _)| *rule = moved(*rule));
        rule
    };
    Graph { rules: sorted.into_iter().map(|(rule, _)| renumber(rule)).collect(), pools }
}

/// A file holds fewer rules than a u32 counts.
fn rule_id(ix: usize) -> RuleId {
    RuleId(u32::try_from(ix).unwrap_or(u32::MAX))
}
