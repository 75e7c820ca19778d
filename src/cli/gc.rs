//! `ingest gc`: removes from the cache what nothing needs and that is too old, too much or left by a killed build. What the
//! Ingestfile as it is would find there is told by a plan of it.

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Gc, Global};
use super::build;
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::render;
use crate::engine::plan::{Fate, Plan};
use crate::engine::retention::{Bounds, Collection, Why};
use crate::engine::select::Selection;
use crate::engine::{self, Gathered};
use crate::job::Clock;

/// What `gc --json` prints. Sizes are bytes on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GcReport {
    /// Nothing was removed.
    pub dry_run: bool,
    pub max_size: u64,
    /// Seconds.
    pub max_age_s: i64,
    /// What went, or would go.
    pub removed: Vec<Removed>,
    /// Old results among it: each is the outputs of one action.
    pub results: u64,
    pub before_bytes: u64,
    pub after_bytes: u64,
    /// Blobs that stay.
    pub kept: u64,
    /// Those of them that published files, present results and adopted edits lead to.
    pub needed: u64,
    pub needed_bytes: u64,
}

/// Blobs that went for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Removed {
    pub why: Why,
    pub blobs: u64,
    pub bytes: u64,
}

/// Runs the command.
///
/// # Errors
/// If the project cannot be read, or the disk refuses.
pub fn run(args: &Gc, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let Some((project, mut store)) = build::open_cache(global, console, clock)? else { return Ok(()) };
    let found = project.sources(None, console)?;
    let job = project.job(args.job.env.as_deref(), &args.job.choice())?;
    let setup = project.setup(&job, &found, Selection::all(&project.loaded.graph))?;
    let failed = |e: &(dyn std::error::Error + 'static)| CliError::from_error(ErrorKind::Failed, e);
    if !args.dry_run {
        build::after_crash(&store, &job)?;
        store.open_for_writing().map_err(|e| failed(&e))?;
    }
    let plan = build::plan(&setup, &mut store)?;
    let bounds = Bounds {
        max_size: args.max_size.unwrap_or(setup.bounds.max_size),
        max_age_s: args.max_age.unwrap_or(setup.bounds.max_age_s),
    };
    let gathered = engine::gc(&setup, &mut store, bounds, would_run_nothing(&plan)).map_err(|e| failed(&e))?;
    for message in store.take_warnings() {
        console.status(&render::warning(console.paint(), &message));
    }
    store.end()?;
    let report = report(&gathered, bounds, args.dry_run);
    if args.json {
        let mut json = serde_json::to_string_pretty(&report).unwrap_or_default();
        json.push('\n');
        console.data(json.as_bytes());
    } else {
        console.data(told(&report).as_bytes());
    }
    if report.after_bytes > bounds.max_size {
        let bound = render::size(bounds.max_size);
        let message =
            format!("the cache holds {}, above its bound of {bound}: all of that is needed", render::size(report.after_bytes));
        console.status(&render::warning(console.paint(), &message));
    }
    console.status(&outcome(&report));
    Ok(())
}

/// Whether all that the job needs is known: then what was not asked for is not needed by it.
fn would_run_nothing(plan: &Plan) -> bool {
    let stands = |fate: Fate| matches!(fate, Fate::UpToDate | Fate::FromCache | Fate::LeftOut);
    plan.blocked.is_empty() && plan.actions.iter().all(|a| stands(a.fate))
}

fn report(gathered: &Gathered, bounds: Bounds, dry_run: bool) -> GcReport {
    let chosen = &gathered.chosen;
    let removed = [Why::Age, Why::Size, Why::Orphan].map(|why| of(chosen, why));
    GcReport {
        dry_run,
        max_size: bounds.max_size,
        max_age_s: bounds.max_age_s,
        removed: removed.into_iter().filter(|r| r.blobs > 0).collect(),
        results: chosen.results.len() as u64,
        before_bytes: chosen.before,
        after_bytes: chosen.after,
        kept: gathered.kept,
        needed: gathered.needed.0,
        needed_bytes: gathered.needed.1,
    }
}

fn of(chosen: &Collection, why: Why) -> Removed {
    let blobs = chosen.blobs.iter().filter(|b| b.why == why);
    let (blobs, bytes) = blobs.fold((0, 0), |(n, sum), b| (n + 1, sum + b.bytes));
    Removed { why, blobs, bytes }
}

fn told(report: &GcReport) -> String {
    let mut text = String::new();
    for removed in &report.removed {
        let why = match removed.why {
            Why::Age => "not needed for longer than `max_age`",
            Why::Size => "above `max_size`, needed least recently",
            Why::Orphan => "left by a killed build",
        };
        let blobs = render::number(removed.blobs, "blob", "blobs");
        text.push_str(&format!("{blobs}, {}: {why}\n", render::size(removed.bytes)));
    }
    let (kept, needed) = (render::number(report.kept, "blob", "blobs"), report.needed);
    let (all, of_needed) = (render::size(report.after_bytes), render::size(report.needed_bytes));
    text.push_str(&format!("{kept}, {all}: kept, of which {needed}, {of_needed}, are needed\n"));
    text
}

fn outcome(report: &GcReport) -> String {
    let blobs: u64 = report.removed.iter().map(|r| r.blobs).sum();
    let bytes: u64 = report.removed.iter().map(|r| r.bytes).sum();
    if blobs == 0 {
        return "ingest: nothing to collect".to_owned();
    }
    let verb = if report.dry_run { "would remove" } else { "removed" };
    let (blobs, results) = (render::number(blobs, "blob", "blobs"), render::number(report.results, "old result", "old results"));
    format!("ingest: {verb} {blobs} of {results} ({})", render::size(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        crate::job::log::assert_committed("schemas/gc.schema.json", &schemars::schema_for!(GcReport).to_value());
    }
}
