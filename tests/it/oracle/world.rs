//! A random project as data: its rules and everything that they are made from; written out as an Ingestfile and files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::words::{Op, VARIABLE};
use crate::project::Project;

/// What a rule ranges over; rules are named by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    Job,
    Source,
    Tree(usize),
}

/// The main output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Main {
    /// Merged, if the rule has items.
    Json,
    /// Of a rule that runs once.
    Lines {
        bare: bool,
    },
    PerItem {
        by_id: bool,
        bare: bool,
    },
}

/// A tree output: words by their first or last letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    pub by_last: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Source,
    /// The entry that the rule, or an ancestor of its item, stands for: of the tree of this rule.
    Item(usize),
    /// A settings file.
    File(usize),
    Main(usize),
    Tree(usize),
}

/// Of the main output, which is JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    pub schema: Option<usize>,
    pub min_items: Option<usize>,
    pub unique: bool,
    /// Every word occurs in the main output of this rule.
    pub refs: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Removed rules stay in their places, and may come back.
    pub there: bool,
    pub pass: Option<char>,
    pub range: Range,
    pub inputs: Vec<Input>,
    pub ops: Vec<Op>,
    pub main: Option<Main>,
    pub tree: Option<Split>,
    pub publish: bool,
    pub gate: Gate,
    /// A declared settings file, and whether the command reads it.
    pub settings: Option<(usize, bool)>,
    pub declares_variable: bool,
}

/// Everything that a build is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    pub rules: Vec<Rule>,
    /// By path below the sources folder.
    pub sources: BTreeMap<String, String>,
    pub settings: Vec<String>,
    /// The letter that no word of an accepted artifact holds, by schema.
    pub schemas: Vec<char>,
    pub variable: Option<String>,
}

/// The program behind every command.
const OPS: &str = include_str!("ops.awk");

pub fn settings_path(ix: usize) -> String {
    format!("settings/{ix}.txt")
}

impl World {
    /// From the outermost range inwards; empty for what is done once.
    pub fn chain(&self, range: Range) -> Vec<Range> {
        match range {
            Range::Job => Vec::new(),
            Range::Source => vec![Range::Source],
            Range::Tree(maker) => {
                let mut chain = self.chain(self.rules[maker].range);
                chain.push(range);
                chain
            }
        }
    }

    /// Rules that `rule` needs directly.
    pub fn needs(&self, rule: usize) -> BTreeSet<usize> {
        let rule = &self.rules[rule];
        let read = rule.inputs.iter().filter_map(|i| match i {
            Input::Main(r) | Input::Tree(r) => Some(*r),
            _ => None,
        });
        let maker = match rule.range {
            Range::Tree(maker) => Some(maker),
            _ => None,
        };
        read.chain(maker).chain(rule.gate.refs).collect()
    }

    pub fn there(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.rules.len()).filter(|r| self.rules[*r].there)
    }

    pub fn main_path(&self, rule: usize) -> String {
        let depth = self.chain(self.rules[rule].range).len();
        match self.rules[rule].main {
            None | Some(Main::Json) => format!("r{rule}.json"),
            Some(Main::Lines { .. }) => format!("r{rule}.txt"),
            // Ids of parts are their letters, so the stem of the source keeps those of two sources apart.
            Some(Main::PerItem { .. }) if depth > 1 => format!("r{rule}/{{stem}}-{{id}}.txt"),
            Some(Main::PerItem { by_id: true, .. }) => format!("r{rule}/{{id}}.txt"),
            Some(Main::PerItem { by_id: false, .. }) => format!("r{rule}/{{stem}}.txt"),
        }
    }

    /// The command as the Ingestfile says it: all that is in its key by itself.
    pub fn command(&self, ix: usize) -> String {
        let rule = &self.rules[ix];
        let ops: Vec<String> = rule.ops.iter().map(Op::text).collect();
        let mut command = format!("awk -v ops='{}'", ops.join(" "));
        match rule.main {
            Some(Main::Json) => command.push_str(" -v json={out}"),
            Some(Main::Lines { bare } | Main::PerItem { bare, .. }) => {
                command.push_str(&format!(" -v lines={{out}} -v bare={}", u8::from(bare)));
            }
            None => {}
        }
        if let Some(split) = rule.tree {
            let _ = write!(command, " -v dir={{p{ix}s}} -v by={}", if split.by_last { "last" } else { "first" });
        }
        command.push_str(" -f ops.awk");
        for (n, input) in rule.inputs.iter().enumerate() {
            let _ = match input {
                Input::Tree(_) => write!(command, " $(find {{i{n}}} -type f | LC_ALL=C sort)"),
                _ => write!(command, " {{i{n}}}"),
            };
        }
        if let Some((file, true)) = rule.settings {
            let _ = write!(command, " {}", settings_path(file));
        }
        command
    }

    pub fn ingestfile(&self) -> String {
        let mut text = "version = 1\n\n[job]\nsources = \"uploads\"\ninclude = [\"**/*.txt\"]\n".to_owned();
        for ix in self.there() {
            self.rule_text(ix, &mut text).expect("text grows");
        }
        text
    }

    fn rule_text(&self, ix: usize, text: &mut String) -> std::fmt::Result {
        let rule = &self.rules[ix];
        writeln!(text, "\n[rule.r{ix}]")?;
        if let Some(pass) = rule.pass {
            writeln!(text, "pass    = \"{pass}\"")?;
        }
        match rule.range {
            Range::Job => {}
            Range::Source => writeln!(text, "each    = \"source\"")?,
            Range::Tree(maker) => writeln!(text, "each    = \"r{maker}.p{maker}s\"")?,
        }
        let inputs = rule.inputs.iter().enumerate().map(|(n, input)| match input {
            Input::Source => format!("i{n} = \"source\""),
            Input::Item(maker) => format!("i{n} = \"p{maker}\""),
            Input::File(file) => format!("i{n} = {{ file = \"{}\" }}", settings_path(*file)),
            Input::Main(other) => format!("i{n} = \"r{other}.out\""),
            Input::Tree(other) => format!("i{n} = \"r{other}.p{other}s\""),
        });
        writeln!(text, "inputs  = {{ {} }}", inputs.collect::<Vec<_>>().join(", "))?;
        writeln!(text, "command = '''{}'''", self.command(ix))?;
        let output =
            |path: String| if rule.publish { format!("{path:?}") } else { format!("{{ path = {path:?}, publish = false }}") };
        let main = rule.main.map(|_| format!("out = {}", output(self.main_path(ix))));
        let tree = rule.tree.map(|_| format!("p{ix}s = {}", output(format!("p{ix}/"))));
        writeln!(text, "outputs = {{ {} }}", main.into_iter().chain(tree).collect::<Vec<_>>().join(", "))?;
        if rule.gate != Gate::default() {
            writeln!(text, "gate    = {{ out = {{ {} }} }}", gate_text(&rule.gate))?;
        }
        if let Some((file, _)) = rule.settings {
            writeln!(text, "files   = [{:?}]", settings_path(file))?;
        }
        if rule.declares_variable {
            writeln!(text, "env     = [{VARIABLE:?}]")?;
        }
        Ok(())
    }

    /// Writes what differs from `before`; everything, if there was nothing.
    pub fn write(&self, project: &Project, before: Option<&Self>) {
        if before.is_none() {
            project.file("ops.awk", OPS);
        }
        if before.is_none_or(|b| b.ingestfile() != self.ingestfile()) {
            project.ingestfile(&self.ingestfile());
        }
        for gone in before.iter().flat_map(|b| b.sources.keys()).filter(|s| !self.sources.contains_key(*s)) {
            project.remove(&format!("uploads/{gone}"));
        }
        for (path, text) in &self.sources {
            if before.is_none_or(|b| b.sources.get(path) != Some(text)) {
                project.source(path, text);
            }
        }
        for (ix, text) in self.settings.iter().enumerate() {
            if before.is_none_or(|b| b.settings[ix] != *text) {
                project.file(&settings_path(ix), text);
            }
        }
        for (ix, letter) in self.schemas.iter().enumerate() {
            if before.is_none_or(|b| b.schemas[ix] != *letter) {
                let item = format!("{{\"properties\":{{\"_\":{{\"type\":\"string\",\"pattern\":\"^[^{letter}]*$\"}}}}}}");
                project.file(&format!("schemas/{ix}.json"), format!("{{\"type\":\"array\",\"items\":{item}}}"));
            }
        }
    }
}

fn gate_text(gate: &Gate) -> String {
    let schema = gate.schema.map(|s| format!("schema = \"schemas/{s}.json\""));
    let min_items = gate.min_items.map(|n| format!("min_items = {n}"));
    let unique = gate.unique.then(|| "unique = \"/_\"".to_owned());
    let refs = gate.refs.map(|r| format!("refs = [[\"/_\", \"r{r}.out\", \"/_\"]]"));
    schema.into_iter().chain(min_items).chain(unique).chain(refs).collect::<Vec<_>>().join(", ")
}
