//! `ingest graph`: the build graph with how things stand, to be drawn or read by programs. Fan-out is one node per rule with
//! counts, so that the picture does not grow with the books. Reads only; works before any build and while one goes on.
//!
//! Both notations are a few lines of text each, written in `dot` and `mermaid`: what needs care is quoting alone, and no
//! library writes the two from one model (`petgraph`'s writer is tied to its own graph and has no clusters).

mod dot;
mod mermaid;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Global, Graph as Args, GraphFormat};
use super::causes::{Causes, Standing};
use super::console::Console;
use super::error::CliError;
use super::project::Project;
use super::{build, render};
use crate::engine::graph::{CommandLine, From, Graph, Pass, Range, Rule, RuleId, Run};
use crate::engine::select::{Choice, Selection};
use crate::job::Clock;
use crate::job::manifest::Manifest;
use crate::store::Store;

/// What `graph --format json` prints, and what is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GraphReport {
    /// The job folder, below the project's where it lies there; null before the first build.
    pub folder: Option<String>,
    /// Sources, then files, then rules, each after all that it reads.
    pub nodes: Vec<Node>,
    /// By their ends, in the order of the nodes that read.
    pub edges: Vec<Edge>,
}

/// The sources, a file of the project, or a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Node {
    /// Unique: `sources`, `file:PATH` or `rule:NAME`.
    pub id: String,
    pub kind: NodeKind,
    /// The folder of sources, the path of a file, or the name of a rule.
    pub name: String,
    pub pass: Option<Pass>,
    /// What a rule ranges over: `source`, or `RULE.OUTPUT`; null for what is done once per job.
    pub each: Option<String>,
    /// The built-in of a rule, or its command as it is declared.
    pub runs: Option<String>,
    pub outputs: Vec<Port>,
    /// Of a rule: how many actions stand how; those below a tree that is not made yet as many as there were.
    pub actions: Vec<Standings>,
    /// Of the sources: how many there are.
    pub count: Option<u64>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    Sources,
    File,
    Rule,
}

/// An output of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Port {
    pub name: String,
    /// Below the job folder.
    pub path: String,
    /// Whether it appears in the job folder.
    pub published: bool,
    /// Kinds of its gates.
    pub gates: Vec<String>,
}

/// How many actions of a rule stand like that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Standings {
    pub standing: Standing,
    pub count: u64,
}

/// Something that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Edge {
    /// Id of the node that is read.
    pub from: String,
    /// Id of the rule that reads it.
    pub to: String,
    pub kind: EdgeKind,
    /// Name of the input; null for what no input names.
    pub input: Option<String>,
    /// The output of `from` that is read.
    pub output: Option<String>,
    /// The projection of it that is read.
    pub select: Option<String>,
}

/// How something is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// A named input, or a declared file of a command.
    Input,
    /// The rule ranges over it, and no input names it.
    Range,
    /// A gate refers to it.
    Gate,
}

impl Edge {
    /// What is written beside it.
    #[must_use]
    pub fn label(&self) -> String {
        let select = self.select.as_ref().map_or_else(String::new, |s| format!(" ({s})"));
        match (self.kind, &self.input, &self.output) {
            (EdgeKind::Range, ..) => "each".to_owned(),
            (EdgeKind::Gate, _, output) => format!("gate: {}", output.as_deref().unwrap_or_default()),
            (EdgeKind::Input, input, _) => format!("{}{select}", input.as_deref().unwrap_or("files")),
        }
    }
}

impl Node {
    /// The lines that are written into it.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.name.clone()];
        match self.kind {
            NodeKind::Sources => lines.push(render::number(self.count.unwrap_or(0), "source", "sources")),
            NodeKind::File => {}
            NodeKind::Rule => {
                let runs = self.runs.as_deref().unwrap_or_default();
                let each = self.each.as_deref().map_or("once".to_owned(), |e| format!("each {e}"));
                lines.push(format!("{}, {each}", shortened(runs)));
                lines.extend(self.actions.iter().map(|s| format!("{} {}", s.count, words(s.standing))));
            }
        }
        lines
    }

    /// The worst of its actions; `None` if it has none.
    #[must_use]
    pub fn worst(&self) -> Option<Standing> {
        self.actions.first().map(|s| s.standing)
    }
}

fn words(standing: Standing) -> &'static str {
    match standing {
        Standing::UpToDate | Standing::Ran | Standing::CameFromCache => "up to date",
        Standing::FromCache => "from the cache",
        Standing::Run => "would run",
        Standing::May => "may run",
        Standing::StillFailing => "failing",
        Standing::Blocked => "blocked",
        Standing::LeftOut => "left out",
    }
}

/// Edges that are drawn as one line, by ends and kind, with their labels; in the order of the report. That a rule that reads
/// others ranges over the sources stands in its node, and would only be one more line.
fn drawn(report: &GraphReport) -> Vec<(&Edge, String)> {
    let mut lines: Vec<(&Edge, String)> = Vec::new();
    let reads = |to: &str| report.edges.iter().any(|e| e.to == to && e.from.starts_with("rule:") && e.kind == EdgeKind::Input);
    for edge in report.edges.iter().filter(|e| e.kind != EdgeKind::Range || e.from != SOURCES || !reads(&e.to)) {
        match lines.iter_mut().find(|(e, _)| e.from == edge.from && e.to == edge.to && e.kind == edge.kind) {
            Some((_, label)) => *label = format!("{label}, {}", edge.label().trim_start_matches("gate: ")),
            None => lines.push((edge, edge.label())),
        }
    }
    lines
}

/// The first line of a command, cut where it gets too long to be drawn.
fn shortened(runs: &str) -> String {
    const DRAWN: usize = 40;
    let line = runs.trim().lines().next().unwrap_or_default();
    let short: String = line.chars().take(DRAWN).collect();
    if short.len() < runs.trim().len() { format!("{short}…") } else { short }
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a target that is not known, 1 if something cannot be read.
pub fn run(args: &Args, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let report = report(args, &Project::open(global, console, clock)?)?;
    let text = match args.format {
        GraphFormat::Dot => dot::written(&report),
        GraphFormat::Mermaid => mermaid::written(&report),
        GraphFormat::Json => {
            let mut json = serde_json::to_string_pretty(&report).unwrap_or_default();
            json.push('\n');
            json
        }
    };
    console.data(text.as_bytes());
    Ok(())
}

fn report(args: &Args, project: &Project) -> Result<GraphReport, CliError> {
    let graph = &project.loaded.graph;
    let found = project.sources_if_any()?;
    let job = project.job(args.job.env.as_deref(), &args.job.choice())?;
    let target = args.target.as_ref().map(|t| project.target(t, &found.sources)).transpose()?;
    let selection = target.as_ref().map_or_else(|| Selection::all(graph), |t| Selection::targets(graph, &t.rules));
    let only = target.and_then(|t| t.source);
    let shown: Vec<RuleId> = rule_ids(graph).filter(|id| selection.of(*id) != Choice::Left).collect();
    let setup = project.setup(&job, &found, selection)?;
    let manifest = Manifest::read(&job.manifest_path())?;
    let built = manifest.is_some().then(|| setup.job_key.clone());
    let manifest = manifest.unwrap_or_default();
    let mut store = Store::read(&project.cache());
    let plan = build::plan(&setup, &mut store)?;
    let causes = Causes::new(graph, &found.sources, &setup.job_key, &store.state, manifest.source_sha_map.keys(), &plan);
    let folder = project.loaded.job.sources.clone().unwrap_or_default();
    let count = if only.is_some() { 1 } else { found.sources.len() as u64 };
    let standing = |id: RuleId| standings(&causes, id, only.as_deref());
    Ok(GraphReport { folder: built, ..drawing(graph, &shown, &folder, count, &standing) })
}

fn rule_ids(graph: &Graph) -> impl Iterator<Item = RuleId> {
    (0..graph.rules.len()).map(|ix| RuleId(u32::try_from(ix).unwrap_or(u32::MAX)))
}

/// Worst first.
fn standings(causes: &Causes<'_>, rule: RuleId, only: Option<&str>) -> Vec<Standings> {
    let is_wanted = |item: &str| only.is_none_or(|id| item.is_empty() || item.split('/').next() == Some(id));
    let mut counts: BTreeMap<Standing, u64> = BTreeMap::new();
    for node in causes.of(rule).iter().filter(|n| is_wanted(&n.item)) {
        *counts.entry(node.standing).or_default() += node.count;
    }
    let mut all: Vec<Standings> = counts.into_iter().map(|(standing, count)| Standings { standing, count }).collect();
    all.sort_by_key(|s| std::cmp::Reverse(s.standing.weight()));
    all
}

/// Nodes and edges of the rules `shown`.
fn drawing(
    graph: &Graph,
    shown: &[RuleId],
    folder: &str,
    sources: u64,
    standing: &dyn Fn(RuleId) -> Vec<Standings>,
) -> GraphReport {
    let edges: Vec<Edge> = shown.iter().flat_map(|id| edges_of(graph, *id)).collect();
    let mut nodes = Vec::new();
    let bare = |id: String, kind, name: String| Node {
        id,
        kind,
        name,
        pass: None,
        each: None,
        runs: None,
        outputs: Vec::new(),
        actions: Vec::new(),
        count: None,
    };
    if edges.iter().any(|e| e.from == SOURCES) {
        let node = bare(SOURCES.to_owned(), NodeKind::Sources, folder.to_owned());
        nodes.push(Node { count: Some(sources), ..node });
    }
    let files: BTreeSet<&str> = edges.iter().filter_map(|e| e.from.strip_prefix("file:")).collect();
    nodes.extend(files.into_iter().map(|path| bare(format!("file:{path}"), NodeKind::File, path.to_owned())));
    for id in shown {
        let rule = graph.rule(*id);
        let node = bare(id_of(rule), NodeKind::Rule, rule.name.clone());
        let (each, runs) = (each(graph, rule), Some(runs(rule)));
        nodes.push(Node { pass: rule.pass, each, runs, outputs: ports(rule), actions: standing(*id), ..node });
    }
    GraphReport { folder: None, nodes, edges }
}

/// Id of the node that stands for all sources.
const SOURCES: &str = "sources";

fn id_of(rule: &Rule) -> String {
    format!("rule:{}", rule.name)
}

fn each(graph: &Graph, rule: &Rule) -> Option<String> {
    match rule.range {
        Range::Job => None,
        Range::Source => Some("source".to_owned()),
        Range::Tree { rule, output } => {
            let maker = graph.rule(rule);
            Some(format!("{}.{}", maker.name, maker.outputs[output].name))
        }
    }
}

fn runs(rule: &Rule) -> String {
    match &rule.run {
        Run::Builtin { builtin, .. } => builtin.name.to_owned(),
        Run::Command(rule) => match &rule.command.line {
            CommandLine::Shell(line) => line.clone(),
            CommandLine::Argv(words) => words.join(" "),
        },
    }
}

fn ports(rule: &Rule) -> Vec<Port> {
    let gates = |output: usize| {
        let kinds = rule.gates.iter().filter(|g| g.output == output).map(|g| serde_json::to_value(&g.check).unwrap_or_default());
        kinds.filter_map(|check| check["kind"].as_str().map(str::to_owned)).collect()
    };
    let port = |(ix, o): (usize, &crate::engine::graph::Output)| Port {
        name: o.name.clone(),
        path: o.path.clone(),
        published: o.publish,
        gates: gates(ix),
    };
    rule.outputs.iter().enumerate().map(port).collect()
}

fn edges_of(graph: &Graph, id: RuleId) -> Vec<Edge> {
    let rule = graph.rule(id);
    let to = id_of(rule);
    let edge = |from: String, kind, input: Option<&str>, output: Option<String>| Edge {
        from,
        to: to.clone(),
        kind,
        input: input.map(str::to_owned),
        output,
        select: None,
    };
    let entry = |range: Range| match range {
        Range::Tree { rule, output } => (id_of(graph.rule(rule)), Some(graph.rule(rule).outputs[output].name.clone())),
        Range::Job | Range::Source => (SOURCES.to_owned(), None),
    };
    let mut edges = Vec::new();
    for input in &rule.inputs {
        let name = Some(input.name.as_str());
        edges.push(match &input.from {
            From::Source => edge(SOURCES.to_owned(), EdgeKind::Input, name, None),
            From::File(path) => edge(format!("file:{path}"), EdgeKind::Input, name, None),
            From::Item { levels_up } => {
                let chain = graph.range_chain(rule.range);
                let range = chain.len().checked_sub(levels_up + 1).map_or(Range::Source, |at| chain[at]);
                let (from, output) = entry(range);
                edge(from, EdgeKind::Input, name, output)
            }
            From::Artifact { rule, output, select } => {
                let made = graph.rule(*rule);
                let read = edge(id_of(made), EdgeKind::Input, name, Some(made.outputs[*output].name.clone()));
                Edge { select: select.clone(), ..read }
            }
        });
    }
    if let Run::Command(command) = &rule.run {
        edges.extend(command.command.files.iter().map(|f| edge(format!("file:{f}"), EdgeKind::Input, None, None)));
    }
    if rule.range != Range::Job {
        let (from, output) = entry(rule.range);
        if !edges.iter().any(|e| e.from == from) {
            edges.push(edge(from, EdgeKind::Range, None, output));
        }
    }
    let others: BTreeSet<(RuleId, usize)> = rule.gates.iter().flat_map(|g| g.others.iter().copied()).collect();
    for (other, output) in others.into_iter().filter(|(other, _)| *other != id) {
        let other = graph.rule(other);
        edges.push(edge(id_of(other), EdgeKind::Gate, None, Some(other.outputs[output].name.clone())));
    }
    edges
}
