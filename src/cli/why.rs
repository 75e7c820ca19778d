//! `ingest why`: why a target would run, or why it last ran, down to a cause that a person can act on. Reads only.

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Global, Why};
use super::causes::history::ActionHistory;
use super::causes::{Causes, Node, Step};
use super::console::{Console, Paint};
use super::error::{CliError, ErrorKind};
use super::project::Project;
use super::rewritten::{self, Rewritten};
use super::{build, render};
use crate::engine::items::SourceFile;
use crate::engine::select::Selection;
use crate::job::Clock;
use crate::job::manifest::Manifest;
use crate::store::Store;
use crate::store::records::Came;

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
    /// With `--last`: what is kept of each action, also of the builds since its last run.
    pub history: Vec<ActionHistory>,
    /// When the pass last ended (RFC 3339, UTC), if the target is one.
    pub ended: Option<String>,
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
    if args.json {
        console.data(text.as_bytes())
    } else {
        console.text(&text)
    }
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

    let asked = args.item.as_deref().map(|text| asked_item(text, &found.sources));
    let is_at = |item: &str, id: &str| item == id || item.strip_prefix(id).is_some_and(|rest| rest.starts_with('/'));
    let wanted = |item: &str| {
        target.source.as_deref().is_none_or(|id| is_at(item, id)) && asked.as_deref().is_none_or(|id| is_at(item, id))
    };
    let nodes: Vec<Node> = match args.last {
        true => target.rules.iter().flat_map(|r| causes.last_nodes(*r, &wanted)).collect(),
        false => target.rules.iter().flat_map(|r| causes.of(*r)).filter(|n| wanted(&n.item)).cloned().collect(),
    };
    if let (true, Some(id)) = (nodes.is_empty(), &args.item) {
        let items = target.rules.iter().flat_map(|r| causes.of(*r)).map(|n| n.item.as_str());
        return Err(no_item(id, &args.target, &found.sources, items));
    }
    let steps = causes.steps(&nodes.iter().collect::<Vec<_>>());
    let publish = if args.last { Vec::new() } else { rewritten::of_rules(&plan, &setup, &store, &target.rules)? };
    let told = target.rules.iter().filter(|_| args.last);
    let history = told.flat_map(|r| causes.history(*r, &wanted)).collect();
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
        history,
        ended,
    })
}

/// The item that `text` means: a source by its id or its path below the sources folder, or something below one.
fn asked_item(text: &str, sources: &[SourceFile]) -> String {
    let text = text.trim_end_matches('/');
    if let Some(source) = sources.iter().find(|s| s.id == text || s.path == text) {
        return source.id.clone();
    }
    let below = |s: &&SourceFile| text.strip_prefix(s.path.as_str()).is_some_and(|rest| rest.starts_with('/'));
    match sources.iter().filter(below).max_by_key(|s| s.path.len()) {
        Some(source) => format!("{}{}", source.id, &text[source.path.len()..]),
        None => text.to_owned(),
    }
}

fn no_item<'n>(id: &str, target: &str, sources: &'n [SourceFile], items: impl Iterator<Item = &'n str>) -> CliError {
    let error = CliError::new(ErrorKind::Usage, format!("`{target}` has no item `{id}`"));
    let known = sources.iter().flat_map(|s| [s.path.as_str(), s.id.as_str()]).chain(items).filter(|i| !i.is_empty());
    match known.map(|i| (strsim::damerau_levenshtein(i, id), i)).min() {
        Some((distance, near)) if distance <= id.len().max(3) / 2 => error.hint(format!("did you mean `{near}`?")),
        Some((_, near)) => error.hint(format!("items are called like `{near}`")),
        None => error,
    }
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
    // What follows from the steps needs no line of its own; what somebody did to a file does.
    for p in report.publish.iter().filter(|p| report.steps.is_empty() || p.is_meddled_with()) {
        let (what, would) = (render::shown(&p.what), p.would.participle());
        text.push_str(&format!("  `{what}` would be {would}: {}\n", render::shown(&p.because)));
    }
    let since = report.history.iter().filter(|a| a.turns.first().is_some_and(|t| !t.ran) && a.turns.iter().any(|t| t.ran));
    let since: Vec<&ActionHistory> = since.collect();
    if let Some(turn) = since.first().and_then(|a| a.turns.first()) {
        let actions = render::number(since.len() as u64, "action", "actions");
        let became = match turn.came {
            Came::FromCache | Came::Ran => "came from the cache",
            Came::Failed => "failed without a run",
            Came::Rejected => "were rejected without a run",
        };
        text.push_str(&format!("  since then {actions} {became}: {}\n", render::shown(&turn.because)));
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
