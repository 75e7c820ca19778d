//! The command line: what can be asked for. Knows nothing of how it is done; clap refuses what makes no sense (exit code 2).

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::engine::graph::Pass;
use crate::ingestfile;
use crate::job::folder::Choice;

/// Make for document corpora: gated passes turn a folder of rulebooks into contents, chunks, entities and a link graph.
#[derive(Debug, Parser)]
#[command(name = "ingest", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Global {
    /// Go to this folder first
    #[arg(short = 'C', long, global = true, value_name = "DIR", help_heading = "Common")]
    pub directory: Option<PathBuf>,
    /// Rules to read
    #[arg(short = 'f', long, global = true, value_name = "FILE", default_value = "Ingestfile.toml", help_heading = "Common")]
    pub ingestfile: PathBuf,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto, help_heading = "Common")]
    pub color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run what is out of date, check it, publish it
    Build(Build),
    /// Remove published outputs
    Clean(Clean),
    /// Say why something would run, or why it last ran
    Why(Why),
    /// Show passes, counts, and what is out of date
    Status(Status),
    /// Print the build graph, to be drawn
    Graph(Graph),
    /// Draw what was made of a page, over the page
    Show(Show),
    /// Compare two jobs or environments, artifact by artifact
    Diff(Diff),
    /// Write elements, chunks and link graph as Unstructured, Haystack or LlamaIndex load them
    Export(Export),
    /// Judge what a pass published, without running anything
    Gate(Gate),
    /// Remove from the cache what nothing needs any more
    Gc(Gc),
    /// Re-hash the cache and what is published; set aside what is damaged
    Verify(Verify),
    /// Run one built-in by hand on a request file
    RunPass(RunPass),
    /// Write a commented Ingestfile, schemas and .gitignore for a folder of books
    Init(Init),
    /// Make what passes by other tools need
    Adapter(Adapter),
    /// Print a bundled vocabulary, as it is written
    Vocabulary(Vocabulary),
    /// Print completions for a shell
    Completions(Completions),
    /// Carry out jobs of a build, which starts this itself
    #[command(hide = true)]
    Worker,
}

/// Which job a command is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct JobArgs {
    /// Environment, instead of the one in the Ingestfile
    #[arg(long, value_name = "NAME", help_heading = "Job")]
    pub env: Option<String>,
    /// Job of this name, instead of the current one
    #[arg(long, value_name = "ID", conflicts_with = "job_dir", help_heading = "Job")]
    pub job: Option<String>,
    /// Job in this folder, wherever it is
    #[arg(long, value_name = "DIR", help_heading = "Job")]
    pub job_dir: Option<PathBuf>,
}

impl JobArgs {
    /// The job that is meant.
    #[must_use]
    pub fn choice(&self) -> Choice {
        match (&self.job_dir, &self.job) {
            (Some(dir), _) => Choice::At(dir.clone()),
            (None, Some(id)) => Choice::Named(id.clone()),
            (None, None) => Choice::Current,
        }
    }
}

#[derive(Debug, Args)]
pub struct Build {
    /// What to build, with all that it needs: passD, passD_enriched.json or passD:SOURCE_ID [default: everything]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Threads to use [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Say what would run and why; run nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// After a failure, still run what does not depend on it
    #[arg(short, long)]
    pub keep_going: bool,
    /// Exit with 0 although documents are quarantined
    #[arg(long)]
    pub allow_quarantined: bool,
    /// Run again what failed or was rejected, even if nothing changed
    #[arg(long)]
    pub retry: bool,
    /// Accept artifacts that lost more items than `max_drop` allows: there really is less now
    #[arg(long)]
    pub allow_drop: bool,
    /// Then run every action and make every merge a second time, and compare; exit with 1 if anything differs
    ///
    /// The second time is in another folder (HOME and TMPDIR, too), two seconds later, on another number of threads, the last
    /// item first. What a command may rely on stays: PATH, LANG=C.UTF-8, TZ=UTC0, and what its rule declares. Nothing of
    /// the second time is published; where it differs, both versions are kept below cache/rejected. A command that costs
    /// much is left out by naming other targets or passes.
    #[arg(long, conflicts_with = "dry_run")]
    pub check_determinism: bool,
    /// Fail at once if another build is running, instead of waiting for it
    #[arg(long)]
    pub no_wait: bool,
    /// Run this pass and all later ones; take the earlier ones as they are
    #[arg(long, value_name = "PASS", value_parser = parse_pass, conflicts_with_all = ["passes", "targets"])]
    pub resume_from: Option<Pass>,
    /// Run only these passes (A,C); take the others as they are
    #[arg(long, value_name = "PASSES", value_delimiter = ',', value_parser = parse_pass, conflicts_with = "targets")]
    pub passes: Vec<Pass>,
    /// Adopt what was edited by hand in what these passes, rules or artifacts published, if their gates accept it
    #[arg(long, value_name = "TARGET", value_delimiter = ',', conflicts_with_all = ["new_job", "dry_run"])]
    pub accept: Vec<String>,
    /// Give up what was adopted by `--accept`, and take the rule's own result
    #[arg(long, value_name = "TARGET", value_delimiter = ',', conflicts_with_all = ["new_job", "dry_run"])]
    pub discard: Vec<String>,
    /// Folder of books, instead of the one in the Ingestfile
    #[arg(long, value_name = "DIR", help_heading = "Job")]
    pub uploads: Option<PathBuf>,
    #[command(flatten)]
    pub job: JobArgs,
    /// Start a new job, filled from the cache
    #[arg(long, conflicts_with_all = ["job", "job_dir"], help_heading = "Job")]
    pub new_job: bool,
    /// Only errors and the last line
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Also each action, with its reason
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,
    /// Print one event a line on stdout (schemas/events.schema.json); with -n, the plan (schemas/plan.schema.json)
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// How much to write to the diagnostics log
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LogLevel::Warn, help_heading = "Output")]
    pub log_level: LogLevel,
    /// Write the diagnostics log to this file, instead of stderr
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub log_file: Option<PathBuf>,
    /// Write where the time went to this file, for chrome://tracing or Perfetto
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run", help_heading = "Output")]
    pub trace: Option<PathBuf>,
}

impl Build {
    /// The job that is meant.
    #[must_use]
    pub fn choice(&self) -> Choice {
        if self.new_job { Choice::New } else { self.job.choice() }
    }

    /// The passes that are selected by `--resume-from` or `--passes`; `None` if neither was given.
    #[must_use]
    pub fn selected(&self) -> Option<Vec<Pass>> {
        match self.resume_from {
            Some(first) => Some(Pass::ALL.into_iter().filter(|p| *p >= first).collect()),
            None if self.passes.is_empty() => None,
            None => Some(Pass::ALL.into_iter().filter(|p| self.passes.contains(p)).collect()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// As `tracing_subscriber` filters spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

#[derive(Debug, Args)]
pub struct Clean {
    /// Whose outputs to remove [default: the whole job]
    #[arg(value_name = "TARGET", conflicts_with = "all")]
    pub targets: Vec<String>,
    /// All jobs of all environments, and the cache too
    #[arg(long)]
    pub all: bool,
    /// Say what would be removed; remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub job: JobArgs,
}

#[derive(Debug, Args)]
pub struct Why {
    /// passD, passD_enriched.json or passD:SOURCE_ID
    pub target: String,
    /// Why it last ran, instead of why it would run
    #[arg(long)]
    pub last: bool,
    /// Only this item: a source (its id, or its path below the sources folder), or ids from it inwards, joined by /
    #[arg(long, value_name = "ITEM")]
    pub item: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub job: JobArgs,
}

#[derive(Debug, Args)]
pub struct Status {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub job: JobArgs,
}

/// How a build graph is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// For Graphviz: ingest graph | dot -Tsvg
    Dot,
    /// For Markdown pages that draw Mermaid
    Mermaid,
    /// For programs (schemas/graph.schema.json)
    Json,
}

#[derive(Debug, Args)]
pub struct Graph {
    /// Only what leads to this: passD, passD_enriched.json or passD:SOURCE_ID [default: everything]
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// How to write it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = GraphFormat::Dot)]
    pub format: GraphFormat,
    #[command(flatten)]
    pub job: JobArgs,
}

#[derive(Debug, Args)]
pub struct Show {
    /// A book: its path below the sources folder, its id, or its file name
    pub source: String,
    /// Page of the book as it lies in the file, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub page: u32,
    /// Write to this file (.svg or .png) [default: SVG on stdout]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Folder of books, instead of the one in the Ingestfile
    #[arg(long, value_name = "DIR", help_heading = "Job")]
    pub uploads: Option<PathBuf>,
    #[command(flatten)]
    pub job: JobArgs,
}

/// Whose files an export writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum ExportFormat {
    /// elements.json, chunks.json
    Unstructured,
    /// documents.json, for an InMemoryDocumentStore
    Haystack,
    /// docstore.json, property_graph_store.json
    Llamaindex,
    /// elements.jsonl, chunks.jsonl, graph.jsonl: our own, a line each
    Jsonl,
}

impl ExportFormat {
    /// As it is written on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unstructured => "unstructured",
            Self::Haystack => "haystack",
            Self::Llamaindex => "llamaindex",
            Self::Jsonl => "jsonl",
        }
    }
}

#[derive(Debug, Args)]
pub struct Export {
    /// Whose files to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: ExportFormat,
    /// Folder to write into; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Replace files that no export wrote, or that were edited since
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub job: JobArgs,
}

impl Export {
    /// The job that is meant. A `--job` with a separator in it is a folder: no job is named so.
    #[must_use]
    pub fn choice(&self) -> Choice {
        match self.job.choice() {
            Choice::Named(id) if id.contains(['/', '\\']) => Choice::At(PathBuf::from(id)),
            other => other,
        }
    }
}

#[derive(Debug, Args)]
pub struct Diff {
    /// What was: a job, an environment (its current job), ENV/JOB, or a folder with artifacts, wherever it is
    #[arg(value_name = "JOB_A")]
    pub a: String,
    /// What is now, given in the same ways
    #[arg(value_name = "JOB_B")]
    pub b: String,
    /// Exit with 1 if anything differs
    #[arg(long)]
    pub exit_code: bool,
    /// Every difference, not just the first ones of each source and artifact; JSON always has all
    #[arg(long)]
    pub all: bool,
    /// Only this source
    #[arg(long, value_name = "ID")]
    pub source: Option<String>,
    /// Only these artifacts: passD, passD_enriched.json
    #[arg(long = "artifact", value_name = "NAME", value_delimiter = ',')]
    pub artifacts: Vec<String>,
    /// Print JSON (schemas/diff.schema.json)
    #[arg(long)]
    pub json: bool,
    /// Environment of jobs that are given by name alone, instead of the one in the Ingestfile
    #[arg(long, value_name = "NAME", help_heading = "Job")]
    pub env: Option<String>,
}

#[derive(Debug, Args)]
pub struct Gate {
    /// A pass (C, passC) or a rule
    pub pass: String,
    /// Judge this file instead of what is published
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub job: JobArgs,
}

#[derive(Debug, Args)]
pub struct Gc {
    /// Say what would go; remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// What the cache may take on disk, instead of `max_size` in the Ingestfile: 20GiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_size: Option<u64>,
    /// How long old results are kept, instead of `max_age` in the Ingestfile: 30d
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub max_age: Option<i64>,
    /// Print JSON (schemas/gc.schema.json)
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub job: JobArgs,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Threads to use [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Print JSON (schemas/verify.schema.json)
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub job: JobArgs,
}

#[derive(Debug, Args)]
pub struct RunPass {
    /// The built-in: pages, text, toc, split, parse, chunk, enrich, graph, validate, import_toc, import_chunks
    pub name: String,
    /// The request; inputs/ and outputs/ stand beside it
    #[arg(long, value_name = "FILE")]
    pub request: PathBuf,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Where to write [default: here]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Adapter {
    #[command(subcommand)]
    pub action: AdapterAction,
}

#[derive(Debug, Subcommand)]
pub enum AdapterAction {
    /// Make the virtual environment of a tool from its lock file, below .venv
    Setup(AdapterSetup),
}

#[derive(Debug, Args)]
pub struct AdapterSetup {
    #[arg(value_enum)]
    pub name: AdapterName,
    /// Python to make it with [default: the first of python3, python and py that is 3.11 to 3.13]
    #[arg(long, value_name = "PROGRAM")]
    pub python: Option<PathBuf>,
    /// Make it anew, and replace files of the adapter that were edited
    #[arg(long)]
    pub force: bool,
}

/// Tools that there are adapters for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AdapterName {
    /// Partitions and chunks: pass C
    Unstructured,
    /// Cleans and tags: pass D
    Haystack,
    /// Makes the graph: pass E
    Llamaindex,
}

#[derive(Debug, Args)]
pub struct Vocabulary {
    /// Which one [default: a list of them]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

#[derive(Debug, Args)]
pub struct Completions {
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// A pass by its letter, in either case, with or without `pass` before it.
fn parse_pass(text: &str) -> Result<Pass, String> {
    let letter = text.strip_prefix("pass").unwrap_or(text).to_ascii_uppercase();
    let found = Pass::ALL.into_iter().find(|p| letter == p.0.to_string());
    found.ok_or_else(|| "the passes are A, B, C, D, E and F".to_owned())
}

fn parse_size(text: &str) -> Result<u64, String> {
    ingestfile::size(text).ok_or_else(|| ingestfile::SIZES.to_owned())
}

fn parse_age(text: &str) -> Result<i64, String> {
    ingestfile::age(text).ok_or_else(|| ingestfile::AGES.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn build(args: &[&str]) -> Build {
        match Cli::try_parse_from([&["ingest", "build"], args].concat()).unwrap().command {
            Command::Build(build) => build,
            other => panic!("{other:?}"),
        }
    }

    fn exit_code(args: &[&str]) -> i32 {
        Cli::try_parse_from([&["ingest"], args].concat()).unwrap_err().exit_code()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn selected_passes_come_in_order_however_they_are_written() {
        let letters = |b: &Build| b.selected().map(|s| s.iter().map(|p| p.0).collect::<String>());
        assert_eq!(letters(&build(&["--passes", "c,passA"])).as_deref(), Some("AC"));
        assert_eq!(letters(&build(&["--resume-from", "D"])).as_deref(), Some("DEF"));
        assert_eq!(letters(&build(&[])), None);
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error() {
        for args in [
            &["build", "--passes", "A,X"][..],
            &["build", "--resume-from", "G"],
            &["build", "--resume-from", "B", "--passes", "C"],
            &["build", "--new-job", "--job", "x"],
            &["build", "-q", "-v"],
            &["build", "-j", "0"],
            &["build", "-n", "--check-determinism"],
            &["build", "--no-such"],
            &["clean", "passA", "--all"],
            &["nonsense"],
            &["why"],
            &["completions", "cmd"],
        ] {
            assert_eq!(exit_code(args), 2, "{args:?}");
        }
        assert_eq!(exit_code(&["--help"]), 0);
    }

    #[test]
    fn the_job_is_chosen_by_one_flag() {
        assert_eq!(build(&[]).choice(), Choice::Current);
        assert_eq!(build(&["--new-job"]).choice(), Choice::New);
        assert_eq!(build(&["--job", "x"]).choice(), Choice::Named("x".to_owned()));
        assert_eq!(build(&["--job-dir", "x"]).choice(), Choice::At(PathBuf::from("x")));
    }

    #[test]
    fn the_help_of_each_command_is_stable() {
        let mut all = String::new();
        let mut cli = Cli::command();
        cli.build();
        for command in std::iter::once(&mut cli.clone()).chain(cli.get_subcommands_mut()) {
            let help = command.clone().term_width(100).render_help().to_string();
            all.push_str(&help);
            all.push_str("\n----\n");
        }
        let all = all.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!("help", all);
    }
}
