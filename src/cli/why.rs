//! `ingest why`: why a target would run, or why it last ran, down to a cause that a person can act on. Reads only.

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Global, Why};
use super::causes::{Causes, Node, Step};
use super::console::{Console, Paint};
use super::error::{CliError, ErrorKind};
use super::project::Project;
use super::{build, render};
use crate::digest::Digest;
use crate::disk::{self, DiskError};
use crate::engine::graph::{Graph, RuleId};
use crate::engine::select::Selection;
use crate::job::Clock;
use crate::job::manifest::Manifest;
use crate::store::Store;
use crate::store::state::State;

/// What `why --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhyReport {
    /// As it was asked for.
    pub target: String,
    pub about: About,
    /// Nothing of it would run.
    pub up_to_date: bool,
    /// Number of actions that were looked at.
    pub actions: u64,
    /// Outermost first.
    pub steps: Vec<Step>,
    /// Published files that would be written.
    pub publish: Vec<Rewritten>,
    /// When the pass last ended (RFC 3339, UTC), if the target is one.
    pub ended: Option<String>,
}

/// A published file that would be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rewritten {
    /// Below the job folder.
    pub path: String,
    /// One sentence.
    pub because: String,
}

/// Which build a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum About {
    Next,
    Last,
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a target that is not known, 1 if something cannot be read; that the target would run is no error.
pub fn run(args: &Why, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let report = report(args, &Project::open(global, console, clock)?, console)?;
    let text = if args.json {
        let mut json = serde_json::to_string_pretty(&report).unwrap_or_default();
        json.push('\n');
        json
    } else {
        told(&report, console.paint_data())
    };
    console.data(text.as_bytes());
    Ok(())
}

fn report(args: &Why, project: &Project, console: &Console) -> Result<WhyReport, CliError> {
    let graph = &project.loaded.graph;
    let found = project.sources(None, console)?;
    let target = project.target(&args.target, &found.sources)?;
    let job = project.job(args.job.env.as_deref(), &args.job.choice())?;
    let setup = project.setup(&job, &found, Selection::targets(graph, &target.rules))?;
    let manifest = Manifest::read(&job.manifest_path())?.unwrap_or_default();
    let mut store = Store::read(&project.cache());
    let plan = build::plan(&setup, &mut store)?;
    let known = manifest.source_sha_map.keys();
    let causes = Causes::new(graph, &found.sources, &setup.job_key, &store.state, known, &plan);

    let is_at = |item: &str, id: &str| item == id || item.strip_prefix(id).is_some_and(|rest| rest.starts_with('/'));
    let wanted = |item: &str| {
        target.source.as_deref().is_none_or(|id| is_at(item, id)) && args.item.as_deref().is_none_or(|id| is_at(item, id))
    };
    let nodes: Vec<Node> = match args.last {
        true => target.rules.iter().flat_map(|r| causes.last_nodes(*r, &wanted)).collect(),
        false => target.rules.iter().flat_map(|r| causes.of(*r)).filter(|n| wanted(&n.item)).cloned().collect(),
    };
    if let (true, Some(id)) = (nodes.is_empty(), &args.item) {
        return Err(no_item(id, &args.target, target.rules.iter().flat_map(|r| causes.of(*r))));
    }
    let steps = causes.steps(&nodes.iter().collect::<Vec<_>>());
    let publish = plan.publish.iter().filter(|p| !args.last && is_of(graph, &store.state, &setup.job_key, p, &target.rules));
    let publish = publish.map(|path| {
        let record = store.state.published.get(format!("{}\0{path}", setup.job_key).as_str());
        let because = match (disk::read_if_there(&job.path.join(path))?, record) {
            (None, None) => "it was not published yet",
            (None, Some(_)) => "it is missing",
            (Some(bytes), Some(record)) if Digest::of(&bytes) == record.digest => "what it is made from changed",
            (Some(_), _) => "it was changed by hand",
        };
        Ok(Rewritten { path: path.clone(), because: because.to_owned() })
    });
    let publish = publish.collect::<Result<Vec<_>, DiskError>>()?;
    let pass = target.rules.first().and_then(|r| graph.rule(*r).pass);
    let ended = pass.and_then(|p| manifest.pass(p).ended).or_else(|| {
        let rule = target.rules.first().map(|r| graph.rule(*r).name.as_str())?;
        manifest.rules.get(rule).and_then(|r| r.ended.clone())
    });
    Ok(WhyReport {
        target: args.target.clone(),
        about: if args.last { About::Last } else { About::Next },
        up_to_date: nodes.iter().all(|n| n.standing.is_settled()) && publish.is_empty(),
        actions: nodes.iter().map(|n| n.count).sum(),
        steps,
        publish,
        ended,
    })
}

fn no_item<'n>(id: &str, target: &str, known: impl Iterator<Item = &'n Node>) -> CliError {
    let error = CliError::new(ErrorKind::Usage, format!("`{target}` has no item `{id}`"));
    let near = known.map(|n| (strsim::damerau_levenshtein(&n.item, id), n.item.as_str())).filter(|(_, i)| !i.is_empty()).min();
    match near {
        Some((_, near)) => error.hint(format!("items are called like `{near}`")),
        None => error,
    }
}

/// Whether a file that would be written is an output of one of `rules`.
fn is_of(graph: &Graph, state: &State, job_key: &str, path: &str, rules: &[RuleId]) -> bool {
    let record = state.published.get(format!("{job_key}\0{path}").as_str());
    rules.iter().map(|r| graph.rule(*r)).any(|rule| {
        record.is_some_and(|r| r.rule == rule.name)
            || rule.outputs.iter().any(|o| o.path == path || (o.tree && path.starts_with(&o.path)))
    })
}

/// The report for people: a line for each step, what is beneath it indented.
#[must_use]
pub fn told(report: &WhyReport, paint: Paint) -> String {
    let mut text = String::new();
    let target = render::shown(&report.target);
    let ended = report.ended.as_ref().map_or_else(String::new, |at| format!(", last built {at}"));
    match report.about {
        About::Last if report.steps.is_empty() => text.push_str(&format!("{target} was never built\n")),
        About::Next if report.steps.is_empty() => {
            let actions = render::number(report.actions, "action", "actions");
            let stands = if report.publish.is_empty() { "is up to date" } else { "would run nothing" };
            text.push_str(&format!("{target} {stands} ({actions}{ended})\n"));
        }
        _ => {}
    }
    report.steps.iter().for_each(|s| tell(s, 0, paint, &mut text));
    if report.steps.is_empty() {
        for p in &report.publish {
            text.push_str(&format!("  `{}` would be published again: {}\n", render::shown(&p.path), p.because));
        }
    }
    text
}

fn tell(step: &Step, depth: usize, paint: Paint, text: &mut String) {
    let above = if step.told_above { " (told above)" } else { "" };
    let line = format!(
        "{}{} {}{}: {}{above}\n",
        "  ".repeat(depth),
        paint.bold(&render::shown(&step.rule)),
        step.standing.verb(),
        items(step),
        render::shown(&step.because)
    );
    text.push_str(&line);
    step.through.iter().for_each(|s| tell(s, depth + 1, paint, text));
}

/// ` for core-rulebook (and 39 more)`; "" for what is done once per job.
fn items(step: &Step) -> String {
    match step.items.first() {
        None => String::new(),
        Some(first) if step.count > 1 => format!(" for {} (and {} more)", render::shown(first), step.count - 1),
        Some(first) => format!(" for {}", render::shown(first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_the_one_of_the_types() {
        crate::job::log::assert_committed("schemas/why.schema.json", &schemars::schema_for!(WhyReport).to_value());
    }
}
