//! `ingest build -n`: what a build would do and why, as lines or as JSON. Runs and writes nothing.

use schemars::JsonSchema;
use serde::Serialize;

use super::args::Build;
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::rewritten::{self, Rewritten};
use super::{build, render};
use crate::engine::Setup;
use crate::engine::graph::Pass;
use crate::engine::observe::{Counts, Quarantined};
use crate::engine::plan::{Fate, Plan, PlannedAction, Write};
use crate::engine::reason::{Cause, Reason};
use crate::job::redact::{redact, redact_cause};
use crate::store::Store;

/// What `build -n --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlanReport {
    /// The job folder, below the project's where it lies there.
    pub folder: String,
    /// A build would find nothing to do.
    pub up_to_date: bool,
    /// What is not up to date, in the order in which it was decided. Actions below a tree that would be made first have no
    /// names yet, and are not among them.
    pub actions: Vec<Planned>,
    /// Files and records that would be written or judged again.
    pub publish: Vec<Rewritten>,
    /// Passes that are blocked as a whole.
    pub blocked: Vec<BlockedPass>,
    /// Documents that are set aside. Their actions that are left out are not among the actions.
    pub quarantined: Vec<Quarantined>,
    /// Of all actions. `ran` counts those that would run and those that may.
    pub counts: Counts,
}

/// An action that is not up to date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Planned {
    pub rule: String,
    /// "" for what is done once per job.
    pub item: String,
    pub pass: Option<Pass>,
    pub fate: Fate,
    /// One sentence.
    pub because: String,
    pub cause: Cause,
}

/// A pass that would not begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BlockedPass {
    pub pass: Pass,
    /// One sentence.
    pub because: String,
}

/// Tells what a build of `setup` would do.
///
/// # Errors
/// Exit code 1 if something is blocked or fails as before, told already; else if something cannot be read.
pub fn run(setup: &Setup<'_>, store: &mut Store, args: &Build, console: &Console) -> Result<(), CliError> {
    let plan = build::plan(setup, store)?;
    if args.json {
        let report = report(&plan, setup, store)?;
        let mut json = serde_json::to_string_pretty(&report).unwrap_or_default();
        json.push('\n');
        console.data(json.as_bytes());
    } else {
        console.text(&told(&plan, args.quiet));
    }
    let judged = plan.publish.iter().filter(|w| matches!(w, Write::Verdict { .. })).count() as u64;
    let quarantined = plan.quarantined.len() as u64;
    console.status(&render::dry_outcome(&counts(&plan), judged, quarantined));
    let blocked = !plan.blocked.is_empty() || plan.actions.iter().any(|a| matches!(a.fate, Fate::StillFailing | Fate::Blocked));
    if blocked { Err(CliError::told(ErrorKind::Failed)) } else { build::with_quarantined(quarantined, args) }
}

fn report(plan: &Plan, setup: &Setup<'_>, store: &Store) -> Result<PlanReport, CliError> {
    let open = plan.actions.iter().filter(|a| !is_settled(a.fate));
    let planned = |a: &PlannedAction| Planned {
        rule: a.action.rule.clone(),
        item: a.action.item.clone(),
        pass: a.pass,
        fate: a.fate,
        because: because(a),
        cause: redact_cause(&a.cause.clone().unwrap_or(Cause::of(crate::engine::reason::Kind::Other))),
    };
    Ok(PlanReport {
        folder: setup.job_key.clone(),
        up_to_date: plan.is_idle(),
        actions: open.map(planned).collect(),
        publish: rewritten::all(plan, setup, store)?,
        blocked: plan.blocked.iter().map(|(pass, why)| BlockedPass { pass: *pass, because: redact(why).into_owned() }).collect(),
        quarantined: plan.quarantined.iter().map(redacted).collect(),
        counts: counts(plan),
    })
}

fn redacted(out: &Quarantined) -> Quarantined {
    Quarantined { reason: redact(&out.reason).into_owned(), ..out.clone() }
}

/// Nothing would be done.
fn is_settled(fate: Fate) -> bool {
    matches!(fate, Fate::UpToDate | Fate::LeftOut)
}

fn told(plan: &Plan, quiet: bool) -> String {
    let mut text = String::new();
    for action in plan.actions.iter().filter(|a| !is_settled(a.fate)) {
        let name = render::action_name(&action.action.rule, &action.action.item);
        text.push_str(&format!("{} {name}: {}\n", verb(action.fate), render::shown(&because(action))));
    }
    for write in plan.publish.iter().filter(|_| !quiet) {
        let verb = match write {
            Write::Verdict { .. } => "judge",
            Write::Removal(_) => "remove",
            Write::File(_) | Write::Outputs(_) | Write::Record(_) => "publish",
        };
        text.push_str(&format!("{verb} {}\n", render::shown(&write.to_string())));
    }
    for (pass, why) in &plan.blocked {
        text.push_str(&format!("blocked {pass}: {}\n", render::shown(&redact(why))));
    }
    text
}

fn because(action: &PlannedAction) -> String {
    let sentence = action.reason.as_ref().map(ToString::to_string).unwrap_or_default();
    let sentence = redact(&sentence);
    match (action.fate, &action.reason) {
        (Fate::May, Some(Reason::Gates(_))) => format!("{sentence}: it would be judged again, not run"),
        _ => sentence.into_owned(),
    }
}

fn verb(fate: Fate) -> &'static str {
    match fate {
        Fate::UpToDate => "keep",
        Fate::FromCache => "restore",
        Fate::Run => "run",
        Fate::May => "may run",
        Fate::StillFailing => "fails",
        Fate::Blocked => "blocked",
        Fate::LeftOut => "leave out",
    }
}

fn counts(plan: &Plan) -> Counts {
    let mut counts = Counts::default();
    for write in &plan.publish {
        match write {
            Write::File(_) | Write::Outputs(_) | Write::Record(_) => counts.published += 1,
            Write::Removal(_) => counts.removed += 1,
            Write::Verdict { .. } => {}
        }
    }
    for action in &plan.actions {
        match action.fate {
            Fate::UpToDate => counts.up_to_date += 1,
            Fate::FromCache => counts.from_cache += 1,
            Fate::Run | Fate::May => counts.ran += 1,
            Fate::StillFailing => counts.failed += 1,
            Fate::Blocked => counts.blocked += 1,
            Fate::LeftOut => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_the_one_of_the_types() {
        crate::job::log::assert_committed("schemas/plan.schema.json", &schemars::schema_for!(PlanReport).to_value());
    }
}
