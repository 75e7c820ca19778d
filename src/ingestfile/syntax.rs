//! The words of an Ingestfile, each with its place in the file; the JSON Schema is derived from these types.
//! Knows the shape only: what names mean is for `lower`.

use std::ops::Range;

use schemars::JsonSchema;
use serde_json::{Number, Value};

pub use crate::spanned::{At, Named};

/// The whole file.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, title = "Ingestfile")]
#[schemars(description = "Ingestfile.toml: the rules that turn a folder of documents into gated artifacts.")]
pub struct Ingestfile {
    /// Version of this format: 1.
    #[schemars(extend("const" = 1))]
    pub version: At<i64>,
    /// What the rules work on, and where results are published.
    #[schemars(default)]
    pub job: Job,
    /// How much the cache may hold of what nothing needs any more.
    #[schemars(default)]
    pub cache: Cache,
    /// What one action of a built-in may use up.
    #[schemars(default)]
    pub limits: Limits,
    /// Which words the passes know, and which of them are the project's own.
    #[schemars(default)]
    pub vocabulary: Vocabulary,
    /// Pools by name: how many commands of the rules that name one may run at once.
    #[schemars(default)]
    pub pool: Named<Pool>,
    /// The rules by name. A rule named `passX` belongs to pass X.
    #[schemars(default)]
    pub rule: Named<Rule>,
}

/// What the rules work on, and where results are published.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Job {
    /// Name of the environment, "dev" if not given: artifacts go to `{artifacts}/{env}/{job_id}/`.
    pub env: Option<At<String>>,
    /// Folder of the sources, relative to the Ingestfile. Needed if a rule ranges over `source`.
    pub sources: Option<At<String>>,
    /// Globs of the files below `sources` that are sources; case does not matter, `**/` is any depth. By default PDF,
    /// Markdown, text and HTML at any depth.
    pub include: Option<At<Vec<At<String>>>>,
    /// Folder of what is published, relative to the Ingestfile; "artifacts/ingest" if not given.
    pub artifacts: Option<At<String>>,
    /// What becomes of a build in which a document fails: `stop` (the default) finishes the pass for the other documents
    /// and starts no later one; `quarantine` sets the document aside: it is left out of what that pass and all later ones
    /// publish, and recorded in `quarantined` of the pass in which it fell out.
    #[schemars(extend("enum" = ["stop", "quarantine"]))]
    pub on_error: Option<At<String>>,
    /// What stands between two passes: `pass` (the default) starts a pass when those that it needs are SUCCESS; `item` lets
    /// a document go ahead by itself, and needs `on_error = "quarantine"`.
    #[schemars(extend("enum" = ["pass", "item"]))]
    pub barrier: Option<At<String>>,
}

/// How much the cache may hold. Builds that ran something, and `ingest gc`, remove old results beyond it; never what the
/// Ingestfile as it is, or a job whose folder is there, leads to.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Cache {
    /// What the cache may take on disk, `"500 MB"` or `"20 GiB"`: above it, old results go, those first that were needed
    /// least recently. "20 GiB" if not given.
    pub max_size: Option<At<String>>,
    /// How long an old result is kept after a build last needed it, `"12h"` or `"30d"`. "30d" if not given.
    pub max_age: Option<At<String>>,
}

/// What one action of a built-in may use up. A document that asks for more fails, and is tried again once the limit is
/// raised; no artifact depends on a limit.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Limits {
    /// Seconds of wall clock; 120 if not given.
    #[schemars(range(min = 1, max = 86_400))]
    pub time_s: Option<At<u64>>,
    /// Megabytes of memory; 1024 if not given.
    #[schemars(range(min = 64, max = 1_048_576))]
    pub memory_mb: Option<At<u64>>,
    /// Megabytes that the streams of a document inflate to, all together; 512 if not given.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub decompressed_mb: Option<At<u64>>,
    /// Pages of a document; 20,000 if not given.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub pages: Option<At<u64>>,
    /// Levels that structures of a document lie in each other, in its objects, its pages or its text; 256 if not given.
    #[schemars(range(min = 16, max = 500))]
    pub nesting: Option<At<u64>>,
}

/// Which words the passes know: kinds and what tells their entries, expressions, references. What a file says is added to the
/// bundled vocabularies and to the files before it; a new game system is a new file.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Vocabulary {
    /// Bundled vocabularies: `fantasy`, `narrative`, `fantasy_stats`; `generic` is always there. All but `fantasy_stats` if not
    /// given.
    #[schemars(extend("items" = {"type": "string", "enum": ["fantasy", "generic", "narrative", "fantasy_stats"]}))]
    #[schemars(rename = "use")]
    pub uses: Option<At<Vec<At<String>>>>,
    /// Vocabulary files of the project, relative to the Ingestfile, in the order in which they are added.
    pub files: Option<At<Vec<At<String>>>>,
}

/// Commands that share something there is little of: memory, a licence, a graphics card.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Pool {
    /// Bytes of the pool's name.
    #[schemars(skip)]
    pub span: Range<usize>,
    /// At most so many processes of its rules run at once, whatever `-j` says.
    #[schemars(range(min = 1, max = 1024))]
    pub size: At<u64>,
}

/// A rule: a built-in (`run`) or a command (`command`).
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["run", "outputs"]}, {"required": ["command", "outputs"]}]))]
pub struct Rule {
    /// Bytes of the whole rule's header.
    #[schemars(skip)]
    pub span: Range<usize>,
    /// The pass that the rule belongs to, if its name does not say so.
    #[schemars(extend("enum" = ["A", "B", "C", "D", "E", "F"]))]
    pub pass: Option<At<String>>,
    /// Name of a built-in.
    pub run: Option<At<String>>,
    /// A command: a string goes to the shell, an array does not. `{name}` stands for the input or output of that name,
    /// `{request}` for a file that holds all of it.
    pub command: Option<At<CommandLine>>,
    /// What the rule ranges over: `source`, or `<rule>.<tree output>`. Without it the rule runs once per job.
    pub each: Option<At<String>>,
    /// Inputs by name.
    #[schemars(default)]
    pub inputs: Named<At<Input>>,
    /// Outputs by name.
    #[schemars(with = "Named<At<Output>>")]
    pub outputs: Option<Named<At<Output>>>,
    /// Params of a built-in; of a command what `params` of its request hold, and a new value reruns it.
    #[schemars(default)]
    pub params: Named<At<Value>>,
    /// Gates by output name.
    #[schemars(default)]
    pub gate: Named<Gate>,
    /// Files of the project that a command reads, relative to the Ingestfile: an edit to one reruns the rule.
    #[schemars(default)]
    pub files: Option<At<Vec<At<String>>>>,
    /// A command that prints its tool's version: a new version reruns the rule.
    pub version: Option<At<Vec<At<String>>>>,
    /// Files of the project that the tool's version rests on beside the program itself, relative to the Ingestfile: the
    /// version is asked again after an edit to one.
    #[schemars(default)]
    pub version_files: Option<At<Vec<At<String>>>>,
    /// Names of environment variables that a command may see: a new value reruns the rule.
    #[schemars(default)]
    pub env: Option<At<Vec<At<String>>>>,
    /// Seconds after which a command is stopped; with `batch` or `worker` those of each item.
    #[schemars(range(min = 1))]
    pub timeout_s: Option<At<u64>>,
    /// Megabytes of address space that a process of the command may take. Linux only: other systems have no such limit.
    #[schemars(range(min = 64, max = 1_048_576))]
    pub memory_mb: Option<At<u64>>,
    /// The command stays: it reads a request a line on its stdin and answers each with a line on its stdout.
    pub worker: Option<At<bool>>,
    /// So many items at most go into one request.
    #[schemars(range(min = 1, max = 10_000))]
    pub batch: Option<At<u64>>,
    /// Name of the pool in which its commands run.
    pub pool: Option<At<String>>,
}

/// A command.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum CommandLine {
    /// Goes to the shell.
    Shell(String),
    /// Does not.
    Argv(#[schemars(length(min = 1))] Vec<At<String>>),
}

/// Where an input comes from.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Input {
    /// `source`; the name of the item (`group` of `pages.groups`); or `<rule>.<output>`.
    Name(String),
    From(FromInput),
    File(FileInput),
}

/// An output of a rule, or the share of it that concerns the item.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FromInput {
    /// `<rule>.<output>`.
    pub from: At<String>,
    /// A projection of the built-in that makes it.
    pub select: Option<At<String>>,
}

/// A file of the project.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FileInput {
    /// Relative to the Ingestfile.
    pub file: At<String>,
}

/// Where an output is published.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Output {
    /// Path below the job folder; a tree ends in `/`; `{id}` or `{stem}` publish one file per item.
    Path(String),
    Table(OutputTable),
}

/// Where an output is published, and whether.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OutputTable {
    /// Path below the job folder; a tree ends in `/`; `{id}` or `{stem}` publish one file per item.
    pub path: At<String>,
    /// False keeps the output in the cache: it is not copied to the job folder. True if not given.
    pub publish: Option<At<bool>>,
    /// Of a command: `<built-in>.<output>`, which it makes in that built-in's stead. What it makes of the items is merged
    /// like that, and can be read in the same shares (`select`).
    pub like: Option<At<String>>,
}

/// What an output must be like to be accepted.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Gate {
    /// A JSON Schema of the project, relative to the Ingestfile; every item result must be valid.
    pub schema: Option<At<String>>,
    /// The merged artifact has at least this many items.
    pub min_items: Option<At<u64>>,
    /// JSON pointer into each item: no two items of the merged artifact have one value there.
    pub unique: Option<At<String>>,
    /// `[pointer, "<rule>.<output>", target]`: every value at `pointer` occurs at `target` in that artifact.
    #[schemars(default)]
    pub refs: Option<At<Vec<At<Reference>>>>,
    /// How many items the merged artifact has for each item of another one.
    pub ratio: Option<At<Ratio>>,
    /// The largest share of its items that the merged artifact may have lost since the last accepted build of the job.
    #[schemars(range(min = 0, max = 1))]
    pub max_drop: Option<At<Number>>,
    /// What share of one sum of numbers another one is, in each item of the merged artifact.
    pub coverage: Option<At<Coverage>>,
    /// A command that judges the merged artifact, `{artifact}`: exit code 0 accepts it, else each line that it prints is
    /// something wrong. A string goes to the shell, an array does not.
    pub command: Option<At<CommandLine>>,
    /// Files of the project that the command reads, relative to the Ingestfile: an edit to one judges again.
    #[schemars(default)]
    pub files: Option<At<Vec<At<String>>>>,
    /// A command that prints the tool's version: a new version judges again.
    pub version: Option<At<Vec<At<String>>>>,
    /// Files of the project that the tool's version rests on beside the program itself, relative to the Ingestfile.
    #[schemars(default)]
    pub version_files: Option<At<Vec<At<String>>>>,
    /// Names of environment variables that the command may see: a new value judges again.
    #[schemars(default)]
    pub env: Option<At<Vec<At<String>>>>,
    /// Seconds after which the command is stopped, and has given no verdict.
    #[schemars(range(min = 1))]
    pub timeout_s: Option<At<u64>>,
}

/// Items of this artifact, divided by the items of another.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Ratio {
    /// `<rule>.<output>`.
    pub of: At<String>,
    /// At least so many for each item there.
    #[schemars(range(min = 0))]
    pub min: Option<At<Number>>,
    /// At most so many for each item there.
    #[schemars(range(min = 0))]
    pub max: Option<At<Number>>,
}

/// A sum of numbers, as a share of another.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Coverage {
    /// JSON pointer into each item, to the numbers of what is covered; `*` stands for every element of an array.
    pub part: At<String>,
    /// JSON pointer into each item, to the numbers of all that there is.
    pub whole: At<String>,
    /// The least share that is accepted.
    #[schemars(range(min = 0, max = 1))]
    pub min: At<Number>,
}

/// `[pointer, "<rule>.<output>", target]`.
#[derive(Debug, JsonSchema)]
pub struct Reference(pub At<String>, pub At<String>, pub At<String>);
