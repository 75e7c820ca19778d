//! How a rule does its work: a built-in with its params, or a command.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Lowering;
use super::pools::REQUEST;
use crate::builtin::Builtin;
use crate::engine::graph::{Command, CommandLine, CommandRule, Run};
use crate::ingestfile::syntax::{self, At, Rule};
use crate::placeholder;
use crate::spanned::meant;

impl Lowering<'_, '_> {
    /// How rule `ix` runs; the built-in as well, if it is a known one.
    pub(super) fn run(&mut self, ix: usize) -> (Run, Option<&'static Builtin>) {
        let (name, rule) = &self.scope.rules[ix];
        match (&rule.run, &rule.command) {
            (Some(run), None) => {
                self.refuse_command_keys(rule);
                if let Some(builtin) = self.scope.builtins.iter().copied().find(|b| b.name == run.value) {
                    return (Run::Builtin { builtin, params: self.params(rule, builtin) }, Some(builtin));
                }
                let hint = meant(&run.value, self.scope.builtins.iter().map(|b| b.name));
                self.problems.add(&run.span, format!("unknown built-in `{}`", run.value), "no such built-in", hint);
            }
            (None, Some(command)) => {
                return (Run::Command(self.command_rule(rule, command)), None);
            }
            (Some(_), Some(command)) => {
                let message = format!("rule `{}` has both `run` and `command`", name.value);
                self.problems.add(&command.span, message, "", "a rule is a built-in or a command");
            }
            (None, None) => {
                let message = format!("rule `{}` has neither `run` nor `command`", name.value);
                self.problems.add(&rule.span, message, "", "a rule is a built-in or a command");
            }
        }
        let line = CommandLine::Argv(Vec::new()); // stands in until the problem is reported
        let (files, version_files) = (Vec::new(), Vec::new());
        let command = Command { line, files, version: None, version_files, env: Vec::new(), timeout_s: None };
        (Run::Command(CommandRule::plain(command)), None)
    }

    fn refuse_command_keys(&mut self, rule: &Rule) {
        let asked = [
            ("memory_mb", rule.memory_mb.as_ref().map(|v| &v.span)),
            ("worker", rule.worker.as_ref().map(|v| &v.span)),
            ("batch", rule.batch.as_ref().map(|v| &v.span)),
            ("pool", rule.pool.as_ref().map(|v| &v.span)),
        ];
        let asked = asked.into_iter().filter_map(|(key, span)| Some((key, span?)));
        for (key, span) in CommandKeys::of_rule(rule).given().chain(asked) {
            self.problems.add(span, format!("`{key}` is for command rules"), "", "");
        }
    }

    /// Params of a built-in, defaults filled in, keys sorted; what is null is no param.
    fn params(&mut self, rule: &Rule, builtin: &'static Builtin) -> Value {
        let given = rule.params.0.iter().map(|(name, value)| (name.value.clone(), value.value.clone())).collect();
        let defaults = match (builtin.default_params)(&given) {
            Value::Object(defaults) => defaults,
            _ => Map::new(),
        };
        let mut params: BTreeMap<String, Value> = defaults.clone().into_iter().collect();
        for (name, value) in &rule.params.0 {
            if defaults.contains_key(&name.value) {
                params.insert(name.value.clone(), value.value.clone());
            } else {
                let hint = meant(&name.value, defaults.keys().map(String::as_str));
                let message = format!("`{}` has no param `{}`", builtin.name, name.value);
                self.problems.add(&name.span, message, "no such param", hint);
            }
        }
        // A check names one param; with its default back in place, the next one comes to light.
        for _ in 0..=rule.params.0.len() {
            let Err((key, sentence)) = (builtin.check_params)(&Value::Object(params.clone().into_iter().collect())) else {
                break;
            };
            let given = rule.params.0.iter().find(|(name, _)| name.value == key);
            let span = given.map_or(&rule.span, |(_, value)| &value.span);
            self.problems.add(span, format!("bad param `{key}` of `{}`: {sentence}", builtin.name), "", "");
            match defaults.get(&key) {
                Some(default) if given.is_some() => params.insert(key, default.clone()),
                _ => break,
            };
        }
        params.extend(self.vocabulary_params(builtin));
        Value::Object(params.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, sorted(value))).collect())
    }

    /// A command with the keys beside it.
    pub(super) fn command(&mut self, command: &At<syntax::CommandLine>, keys: &CommandKeys<'_>) -> Command {
        let texts = |strings: &At<Vec<At<String>>>| strings.value.iter().map(|s| s.value.clone()).collect::<Vec<_>>();
        let line = match &command.value {
            syntax::CommandLine::Shell(line) => CommandLine::Shell(line.clone()),
            syntax::CommandLine::Argv(argv) => CommandLine::Argv(argv.iter().map(|a| a.value.clone()).collect()),
        };
        let empty = match &line {
            CommandLine::Shell(line) => line.trim().is_empty(),
            CommandLine::Argv(argv) => argv.first().is_none_or(String::is_empty),
        };
        if empty {
            self.problems.add(&command.span, "the command is empty", "", "");
        }
        if let Some(version) = keys.version.filter(|v| v.value.is_empty()) {
            self.problems.add(&version.span, "`version` is an empty command", "", "");
        }
        if let Some(timeout) = keys.timeout_s.filter(|t| t.value == 0) {
            self.problems.add(&timeout.span, "`timeout_s` must be 1 or more", "", "leave it out for no limit");
        }
        if let (Some(files), None) = (keys.version_files, keys.version) {
            self.problems.add(&files.span, "`version_files` without `version`", "", "what the command itself reads is `files`");
        }
        let files = self.project_files(keys.files);
        let version_files = self.project_files(keys.version_files);
        let env = self.environment(keys);
        let (version, timeout_s) = (keys.version.map(texts), keys.timeout_s.map(|t| t.value));
        Command { line, files, version, version_files, env, timeout_s }
    }

    /// Declared files of the project, in the order of the rule.
    fn project_files(&mut self, declared: Option<&At<Vec<At<String>>>>) -> Vec<String> {
        let declared = declared.map(|f| &f.value[..]).unwrap_or_default();
        declared.iter().filter_map(|f| self.project_file(f)).map(|p| p.as_str().to_owned()).collect()
    }

    /// Names of environment variables, sorted, each once.
    fn environment(&mut self, keys: &CommandKeys<'_>) -> Vec<String> {
        let declared = keys.env.map(|e| &e.value[..]).unwrap_or_default();
        for name in declared.iter().filter(|n| n.value.is_empty() || n.value.contains(['=', '\0'])) {
            let message = format!("`{}` is no name of an environment variable", name.value.escape_debug());
            self.problems.add(&name.span, message, "", "give the name only; its value comes from the environment");
        }
        let mut names: Vec<String> = declared.iter().map(|n| n.value.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Every `{name}` of a command is one input or one output.
    pub(super) fn placeholders(&mut self, ix: usize) {
        let (_, rule) = &self.scope.rules[ix];
        let Some(command) = rule.command.as_ref().filter(|_| rule.run.is_none()) else { return };
        let inputs: Vec<&str> = rule.inputs.0.iter().map(|(name, _)| name.value.as_str()).collect();
        for output in &self.scope.outputs[ix] {
            if inputs.contains(&output.name.as_str()) {
                let message = format!("`{}` is an input and an output", output.name);
                self.problems.add(&output.name_span, message, "", format!("`{{{}}}` could mean either: rename one", output.name));
            }
        }
        let own: Vec<&str> = inputs.into_iter().chain(self.scope.outputs[ix].iter().map(|o| o.name.as_str())).collect();
        for (name, span) in rule
            .inputs
            .0
            .iter()
            .map(|(name, _)| (&name.value, &name.span))
            .chain(self.scope.outputs[ix].iter().map(|output| (&output.name, &output.name_span)))
        {
            if name == REQUEST {
                let message = "`request` is the name of what a command is asked";
                self.problems.add(span, message, "", "`{request}` could mean either: call it something else");
            }
        }
        if rule.worker.as_ref().is_some_and(|w| w.value) || rule.batch.is_some() {
            return;
        }
        let known: Vec<&str> = own.into_iter().chain([REQUEST]).collect();
        for (text, span) in words(command) {
            for found in placeholder::find(text).into_iter().filter(|p| !known.contains(&p.name)) {
                let message = format!("`{{{}}}` names no input and no output", found.name);
                self.problems.add(span, message, "", meant(found.name, known.iter().copied()));
            }
        }
    }
}

/// What may stand beside a command, in a rule or in a gate.
pub(super) struct CommandKeys<'a> {
    pub(super) files: Option<&'a At<Vec<At<String>>>>,
    pub(super) version: Option<&'a At<Vec<At<String>>>>,
    pub(super) version_files: Option<&'a At<Vec<At<String>>>>,
    pub(super) env: Option<&'a At<Vec<At<String>>>>,
    pub(super) timeout_s: Option<&'a At<u64>>,
}

impl<'a> CommandKeys<'a> {
    pub(super) fn of_rule(rule: &'a Rule) -> Self {
        Self {
            files: rule.files.as_ref(),
            version: rule.version.as_ref(),
            version_files: rule.version_files.as_ref(),
            env: rule.env.as_ref(),
            timeout_s: rule.timeout_s.as_ref(),
        }
    }

    /// The keys that are there, with their places.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'static str, &'a std::ops::Range<usize>)> {
        let keys = [
            ("files", self.files.map(|f| &f.span)),
            ("version", self.version.map(|v| &v.span)),
            ("version_files", self.version_files.map(|f| &f.span)),
            ("env", self.env.map(|e| &e.span)),
            ("timeout_s", self.timeout_s.map(|t| &t.span)),
        ];
        keys.into_iter().filter_map(|(key, span)| Some((key, span?)))
    }
}

/// The texts of a command that may hold placeholders, with their places.
pub(super) fn words(command: &At<syntax::CommandLine>) -> Vec<(&str, &std::ops::Range<usize>)> {
    match &command.value {
        syntax::CommandLine::Shell(line) => vec![(line, &command.span)],
        syntax::CommandLine::Argv(argv) => argv.iter().map(|a| (a.value.as_str(), &a.span)).collect(),
    }
}

/// The same value with the keys of all its objects sorted.
pub(super) fn sorted(value: Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        Value::Object(entries) => {
            let entries: BTreeMap<_, _> = entries.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(entries.into_iter().collect())
        }
        other => other,
    }
}
