//! Outputs: where they are published, how item results are merged, and that no two share a path.

use std::collections::BTreeMap;
use std::ops::Range as Span;

use super::Lowering;
use crate::builtin::{Builtin, OutputPort};
use crate::engine::graph::{MergeKind, Output, Port, Range, is_engines_own};
use crate::ingestfile::syntax::{self, At};
use crate::placeholder;
use crate::rel_path;
use crate::spanned::meant;

/// What may stand in an output path, in braces.
const PLACEHOLDERS: [&str; 2] = ["id", "stem"];

/// An output as its rule declares it.
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) name_span: Span<usize>,
    /// With `/` at the end if it is a tree.
    pub(super) path: String,
    pub(super) path_span: Span<usize>,
    pub(super) tree: bool,
    pub(super) publish: bool,
    /// Its path holds `{id}` or `{stem}`.
    pub(super) per_item: bool,
    pub(super) like: Option<(Port, Span<usize>)>,
}

impl Declared {
    pub(super) fn is_json(&self) -> bool {
        !self.tree && self.path.ends_with(".json")
    }
}

impl Lowering<'_, '_> {
    /// Reads what every rule declares, so that others can name it.
    pub(super) fn read_outputs(&mut self) {
        for (name, rule) in self.scope.rules {
            let declared = rule.outputs.as_ref().map(|o| &o.0[..]).unwrap_or_default();
            let outputs: Vec<_> = declared.iter().map(|(name, output)| self.declared(name, output)).collect();
            if declared.is_empty() {
                let hint = "add `outputs = { name = \"path\" }`";
                self.problems.add(&rule.span, format!("rule `{}` has no outputs", name.value), "no `outputs`", hint);
            }
            self.scope.outputs.push(outputs);
        }
    }

    fn declared(&mut self, name: &At<String>, output: &At<syntax::Output>) -> Declared {
        self.placeholder_name(name, "output");
        let (path, publish, like) = match &output.value {
            syntax::Output::Path(path) => (At { span: output.span.clone(), value: path.clone() }, true, None),
            syntax::Output::Table(table) => {
                (table.path.clone(), table.publish.as_ref().is_none_or(|p| p.value), table.like.as_ref())
            }
        };
        let like = like.and_then(|like| Some((self.port_named(like)?, like.span.clone())));
        let tree = path.value.ends_with('/');
        let bare = At { span: path.span.clone(), value: path.value.strip_suffix('/').unwrap_or(&path.value).to_owned() };
        // A broken path is reported here; the output still has its name, so that naming it is no second problem.
        let parsed = self.problems.path(&bare);
        let segments = parsed.iter().flat_map(|p| p.as_str().split('/'));
        if let Some((name, why)) = segments.into_iter().find_map(|s| Some((s, rel_path::unportable(s)?))) {
            let message = format!("`{}` is no name for a file on every system: {why}", name.escape_debug());
            self.problems.add(&path.span, message, "", "a job folder must be one that can be copied");
        }
        let parsed = parsed.map_or(bare.value, |p| p.as_str().to_owned());
        Declared {
            name: name.value.clone(),
            name_span: name.span.clone(),
            per_item: !placeholder::find(&parsed).is_empty(),
            path: if tree { parsed + "/" } else { parsed },
            path_span: path.span,
            tree,
            publish,
            like,
        }
    }

    /// The output of a built-in that `text` names as `<built-in>.<output>`.
    fn port_named(&mut self, text: &At<String>) -> Option<Port> {
        let mergeable = |port: &OutputPort| !port.merge.is_fold();
        let known = self.scope.builtins.iter().flat_map(|b| b.outputs.iter().map(move |port| (*b, port)));
        let known: Vec<(&'static Builtin, &'static OutputPort)> = known.filter(|(_, port)| mergeable(port)).collect();
        let found = text.value.split_once('.').and_then(|(builtin, port)| {
            known.iter().find(|(b, p)| b.name == builtin && p.name == port).map(|(builtin, port)| Port { builtin, port })
        });
        if found.is_none() {
            let names: Vec<String> = known.iter().map(|(b, p)| format!("{}.{}", b.name, p.name)).collect();
            let hint = meant(&text.value, names.iter().map(String::as_str));
            let message = format!("no built-in has an output `{}` that others could be like", text.value);
            self.problems.add(&text.span, message, "", hint);
        }
        found
    }

    /// Names of inputs and outputs stand in commands as `{name}`.
    pub(super) fn placeholder_name(&mut self, name: &At<String>, what: &str) {
        if !placeholder::is_name(&name.value) {
            let message = format!("`{}` is no name for an {what}", name.value.escape_debug());
            self.problems.add(&name.span, message, "", "names are ASCII letters, digits and `_`, and begin with no digit");
        }
    }

    /// The outputs of a rule with their merges: in the order of a built-in's ports, or as a command declares them.
    pub(super) fn outputs(&mut self, ix: usize, builtin: Option<&'static Builtin>) -> Vec<Output> {
        let ranged = self.scope.ranges[ix] != Range::Job || self.scope.rules[ix].1.each.is_some();
        self.check_path_placeholders(ix, ranged);
        if let Some(builtin) = builtin {
            self.check_ports(ix, builtin);
        }
        let is_command = self.scope.rules[ix].1.command.is_some();
        let mut outputs = Vec::new();
        for output in &self.scope.outputs[ix] {
            let merge = match (ranged, output.per_item) {
                (false, _) => MergeKind::None,
                (true, true) => MergeKind::PerItem,
                (true, false) if builtin.is_some() || output.like.is_some() => MergeKind::Builtin,
                (true, false) if output.tree => MergeKind::Tree,
                (true, false) if output.is_json() => MergeKind::Splice,
                (true, false) => {
                    if is_command {
                        let message = format!("output `{}` cannot be merged: only `.json` files and trees can", output.name);
                        let hint = "put `{id}` or `{stem}` into its path, and each item gets its own file";
                        self.problems.add(&output.path_span, message, "one file for all items", hint);
                    }
                    MergeKind::None
                }
            };
            if let Some((like, span)) = &output.like {
                if !is_command {
                    self.problems.add(span, "`like` is for command rules", "", "a built-in's outputs are its own");
                } else if like.port.tree != output.tree {
                    let (is, other) = if output.tree { ("a tree", "a file") } else { ("a file", "a tree") };
                    let message = format!("output `{}` is {is}, and `{like:?}` is {other}", output.name);
                    self.problems.add(span, message, "", "the path of a tree ends in `/`");
                }
            }
            let like = output.like.as_ref().map(|(port, _)| *port);
            let (name, path) = (output.name.clone(), output.path.clone());
            outputs.push(Output { name, path, tree: output.tree, publish: output.publish, merge, like });
        }
        outputs
    }

    fn check_path_placeholders(&mut self, ix: usize, ranged: bool) {
        for output in &self.scope.outputs[ix] {
            for found in placeholder::find(&output.path) {
                let message = if !PLACEHOLDERS.contains(&found.name) {
                    format!("`{{{}}}` means nothing in a path", found.name)
                } else if !ranged {
                    format!("`{{{}}}` needs a rule with `each`", found.name)
                } else {
                    continue;
                };
                let hint = if ranged { meant(found.name, PLACEHOLDERS) } else { String::new() };
                self.problems.add(&output.path_span, message, "", hint);
            }
        }
    }

    /// A built-in's outputs are all declared, no others, and trees are trees.
    fn check_ports(&mut self, ix: usize, builtin: &'static Builtin) {
        let outputs = &self.scope.outputs[ix];
        for output in outputs {
            let (name, run) = (&output.name, builtin.name);
            match builtin.output(name) {
                None => {
                    let hint = meant(name, builtin.outputs.iter().map(|p| p.name));
                    self.problems.add(&output.name_span, format!("`{run}` has no output `{name}`"), "no such output", hint);
                }
                Some(port) if port.tree && !output.tree => {
                    let message = format!("output `{name}` of `{run}` is a tree, and its path does not end in `/`");
                    self.problems.add(&output.path_span, message, "", "");
                }
                Some(port) if !port.tree && output.tree => {
                    let message = format!("output `{name}` of `{run}` is a file, and its path ends in `/`");
                    self.problems.add(&output.path_span, message, "", "");
                }
                Some(_) => {}
            }
        }
        let missing = builtin.outputs.iter().filter(|port| outputs.iter().all(|o| o.name != port.name));
        for port in missing {
            let message = format!("output `{}` of `{}` is not declared", port.name, builtin.name);
            let hint = "`{ path = …, publish = false }` keeps it in the cache";
            self.problems.add(&self.scope.rules[ix].1.span, message, "", hint);
        }
    }

    /// No two outputs have one path, none lies inside a tree, none takes a name of the engine's. Case is passed over, as
    /// some file systems do.
    pub(super) fn report_output_clashes(&mut self) {
        let mut taken: BTreeMap<String, (String, bool)> = BTreeMap::new();
        let mut published = Vec::new();
        for ((rule, _), outputs) in self.scope.rules.iter().zip(&self.scope.outputs) {
            let mut own: Vec<&str> = Vec::new();
            for output in outputs {
                let full_name = format!("{}.{}", rule.value, output.name);
                let key = rel_path::folded(output.path.trim_end_matches('/'));
                let same_rule = own.contains(&output.path.as_str());
                own.push(&output.path);
                if !output.publish && !same_rule {
                    continue;
                }
                if let Some((other, _)) = taken.get(&key) {
                    let message = format!("`{other}` and `{full_name}` have one output path, `{}`", output.path);
                    self.problems.add(&output.path_span, message, &format!("also the path of `{other}`"), "");
                } else {
                    taken.insert(key.clone(), (full_name.clone(), output.tree));
                    published.push((key, full_name, output));
                }
            }
        }
        for (key, full_name, output) in published {
            if is_engines_own(&key) {
                let message = format!("`{}` is a name of the engine's own", output.path);
                self.problems.add(&output.path_span, message, "", "");
            }
            let outer = key.match_indices('/').filter_map(|(i, _)| taken.get(&key[..i])).find(|(_, tree)| *tree);
            if let Some((other, _)) = outer {
                let message = format!("the path of `{full_name}` lies inside the tree `{other}`");
                self.problems.add(&output.path_span, message, &format!("inside `{other}`"), "");
            }
        }
    }
}
