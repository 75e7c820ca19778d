//! The build graph: rules, what they range over, what they read and write. Made by `ingestfile::lower`, checked there, and
//! never changed afterwards. Knows nothing of items: those come to be while a build runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::builtin::{Builtin, OutputPort};

/// Index into `Graph::rules`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuleId(pub u32);

impl RuleId {
    /// As an index.
    #[must_use]
    pub fn ix(self) -> usize {
        self.0 as usize
    }
}

/// A pass, `A` to `F`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Pass(pub char);

impl Pass {
    /// All passes in order.
    pub const ALL: [Self; 6] = [Self('A'), Self('B'), Self('C'), Self('D'), Self('E'), Self('F')];
}

impl std::fmt::Display for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pass{}", self.0)
    }
}

/// What a rule ranges over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// Once per job.
    Job,
    /// Every source.
    Source,
    /// Every entry of a tree output (`outputs[output]` of `rule`).
    Tree { rule: RuleId, output: usize },
}

/// The build graph. `rules` are in topological order: a rule stands after all that it reads or ranges over.
#[derive(Debug, Default)]
pub struct Graph {
    pub rules: Vec<Rule>,
    pub pools: Vec<Pool>,
}

/// Commands of the rules that name it: at most `size` processes of theirs run at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    pub name: String,
    pub size: usize,
}

/// A rule, with every name resolved.
#[derive(Debug)]
pub struct Rule {
    pub name: String,
    pub pass: Option<Pass>,
    pub range: Range,
    pub run: Run,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    pub gates: Vec<GateSpec>,
}

/// How a rule's work is done.
#[derive(Debug)]
pub enum Run {
    Builtin {
        builtin: &'static Builtin,
        /// Params with defaults filled in; object keys sorted.
        params: Value,
    },
    Command(CommandRule),
}

/// A command that does the work of a rule, and how it is asked. Only `command` and `params` say what it makes; the rest, how
/// much of it is done at once, is in no key.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandRule {
    pub command: Command,
    /// `params` of its requests; object keys sorted, null if there are none.
    pub params: Value,
    /// Address space of one process, in bytes.
    pub memory_bytes: Option<u64>,
    /// It stays, and takes requests on its stdin.
    pub worker: bool,
    /// How many items go into one request, at most; 0 if each has a request of its own, and its paths stand in the command.
    pub batch: usize,
    /// Index into `Graph::pools`.
    pub pool: Option<usize>,
}

impl CommandRule {
    /// A command that is started once for each item.
    #[must_use]
    pub fn plain(command: Command) -> Self {
        Self { command, params: Value::Null, memory_bytes: None, worker: false, batch: 0, pool: None }
    }
}

/// A command, of a rule or of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub line: CommandLine,
    /// Declared files that it reads, relative to the project root.
    pub files: Vec<String>,
    /// Prints its tool's version.
    pub version: Option<Vec<String>>,
    /// Files that what it prints rests on, relative to the project root.
    pub version_files: Vec<String>,
    /// Names of environment variables that it may see.
    pub env: Vec<String>,
    pub timeout_s: Option<u64>,
}

/// What is started. `{input}` and `{output}` stand for names that the engine chooses in staging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CommandLine {
    /// Goes to the shell.
    Shell(String),
    /// Does not.
    Argv(Vec<String>),
}

/// A named input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    pub name: String,
    pub from: From,
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// The source file of the item's source.
    Source,
    /// The item's own file: the entry of the tree that the rule (or, for `levels_up` > 0, its ancestor) ranges over.
    Item { levels_up: usize },
    /// A file of the project, relative to its root.
    File(String),
    /// An output of another rule, resolved by ancestry; `select` names a projection of its built-in.
    Artifact { rule: RuleId, output: usize, select: Option<String> },
}

/// A named output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub name: String,
    /// Where it is published below the job folder, `/`-separated; a tree ends in `/`. May hold `{id}` or `{stem}`.
    pub path: String,
    pub tree: bool,
    /// Whether it appears in the job folder; if not, it stays in the cache.
    pub publish: bool,
    pub merge: MergeKind,
    /// Of a command: the built-in's output that it makes in its stead, and is merged and projected like.
    pub like: Option<Port>,
}

/// An output of a built-in.
#[derive(Clone, Copy)]
pub struct Port {
    pub builtin: &'static Builtin,
    pub port: &'static OutputPort,
}

impl std::fmt::Debug for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.builtin.name, self.port.name)
    }
}

impl PartialEq for Port {
    fn eq(&self, other: &Self) -> bool {
        (self.builtin.name, self.port.name) == (other.builtin.name, other.port.name)
    }
}

impl Eq for Port {}

impl Rule {
    /// The built-in's output that an output of this rule is, or is like.
    #[must_use]
    pub fn port(&self, output: usize) -> Option<Port> {
        let output = &self.outputs[output];
        match &self.run {
            Run::Builtin { builtin, .. } => builtin.output(&output.name).map(|port| Port { builtin, port }),
            Run::Command(_) => output.like,
        }
    }
}

/// How an output's item results become what is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeKind {
    /// The rule runs once: its result is published as it is.
    None,
    /// The path holds `{id}` or `{stem}`: one file per item.
    PerItem,
    /// As the built-in's port says that it is, or is like.
    Builtin,
    /// JSON arrays spliced (commands with a `.json` output).
    Splice,
    /// Trees side by side under `{source_id}/`.
    Tree,
}

/// Whether a gate judges item results or the merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    Item,
    Job,
}

/// A gate on one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateSpec {
    /// Index into the rule's outputs.
    pub output: usize,
    pub scope: Scope,
    pub check: Check,
    /// Files of the project that it reads (the schema), relative to the root.
    pub files: Vec<String>,
    /// Artifacts that it reads beside its subject, as they are published.
    pub others: Vec<(RuleId, usize)>,
}

/// What a gate checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Check {
    /// It exists, is not 0 bytes, and parses as JSON if `json`. Every output has this one.
    Present { json: bool },
    /// Valid against `files[0]`.
    Schema,
    /// At least this many items.
    MinItems { count: u64 },
    /// No two items have one value at `pointer`.
    Unique { pointer: String },
    /// Every value at `pointer` occurs at `target` in `others[0]`.
    Refs { pointer: String, target: String },
    /// So many items for each item of `others[0]`.
    Ratio { min: Option<Number>, max: Option<Number> },
    /// At most this share of its items was lost since the last accepted build of the job.
    MaxDrop { share: Number },
    /// In each item, the numbers at `part` add up to at least this share of those at `whole`.
    Coverage { part: String, whole: String, min: Number },
    /// A command accepts it; `{artifact}` stands for it.
    Command { command: Command },
}

/// Whether a path below the job folder, folded, is a name of the engine's own: no rule publishes there.
#[must_use]
pub fn is_engines_own(folded: &str) -> bool {
    folded == "manifest.json" || folded.split('/').next() == Some("logs")
}

impl Graph {
    /// The rule called `name`.
    #[must_use]
    pub fn rule_named(&self, name: &str) -> Option<RuleId> {
        self.rules.iter().position(|r| r.name == name).map(|i| RuleId(u32::try_from(i).unwrap_or(u32::MAX)))
    }

    /// Every command, of rules and of gates.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        let own = self.rules.iter().filter_map(|rule| match &rule.run {
            Run::Command(rule) => Some(&rule.command),
            Run::Builtin { .. } => None,
        });
        let of_gates = self.rules.iter().flat_map(|rule| &rule.gates).filter_map(|gate| match &gate.check {
            Check::Command { command } => Some(command),
            _ => None,
        });
        own.chain(of_gates)
    }

    /// The rule with this id.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[id.ix()]
    }

    /// From the outermost range of a rule (sources) inwards to its own; empty for once-per-job rules.
    #[must_use]
    pub fn range_chain(&self, range: Range) -> Vec<Range> {
        match range {
            Range::Job => Vec::new(),
            Range::Source => vec![Range::Source],
            Range::Tree { rule, .. } => {
                let mut chain = self.range_chain(self.rule(rule).range);
                chain.push(range);
                chain
            }
        }
    }
}
