//! What `ingest why` says after one edit: for what would run it names that edit.

use std::collections::BTreeSet;

use serde_json::Value;

use super::edits::Edit;
use super::model::{Key, Outcome};
use super::world::World;
use crate::project::Project;

/// Rules that are asked about after an edit.
const ASKED: usize = 2;

/// Asks about the first rules that would run something, and about the last.
pub fn check(project: &Project, world: &World, outcome: &Outcome, known: &BTreeSet<Key>, edit: &Edit) -> Result<(), String> {
    if edit.causes.is_empty() {
        return Ok(());
    }
    let runs =
        |rule: &usize| outcome.actions.iter().any(|a| a.rule == *rule && a.key.as_ref().is_some_and(|k| !known.contains(k)));
    for rule in world.there().filter(runs).take(ASKED) {
        let why = project.run(&["why", &format!("r{rule}"), "--json"]);
        let report: Value = serde_json::from_str(&why.stdout).map_err(|e| format!("why r{rule}: {e}\n{}", why.stderr))?;
        if report["up_to_date"] != false {
            return Err(format!("`why r{rule}` says that it is up to date, and it would run"));
        }
        let mut kinds = BTreeSet::new();
        collect(&report["steps"], &mut kinds);
        if !edit.causes.iter().any(|c| kinds.contains(*c)) {
            return Err(format!("`why r{rule}` names none of {:?}:\n{}", edit.causes, why.stdout));
        }
    }
    Ok(())
}

fn collect(steps: &Value, kinds: &mut BTreeSet<String>) {
    for step in steps.as_array().into_iter().flatten() {
        kinds.extend(step["cause"]["kind"].as_str().map(str::to_owned));
        collect(&step["through"], kinds);
    }
}
