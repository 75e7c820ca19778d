//! Edits of a project between builds, from random bytes.

use super::genes::{self, SOURCES};
use super::world::World;

/// The bytes of an edit.
pub type EditGene = [u8; 8];

/// What became of the project, for people, and what a `why` must name.
#[derive(Clone, Debug)]
pub struct Edit {
    pub told: String,
    /// Kinds of `why --json`: one of them is told for what would run.
    pub causes: &'static [&'static str],
}

impl Edit {
    fn new(told: String, causes: &'static [&'static str]) -> Self {
        Self { told, causes }
    }
}

/// Edits `world`; `None` if the bytes mean nothing here.
pub fn apply(world: &mut World, past: &[World], gene: &EditGene) -> Option<Edit> {
    let [kind, which, rest @ ..] = *gene;
    let text = genes::source(&rest);
    match kind % 16 {
        0..=3 => Some(edit_source(world, which, text)),
        4 => remove_source(world, which),
        5 => rename_source(world, which, rest[0]),
        6 | 7 => edit_ops(world, which, rest),
        8 | 9 => toggle_rule(world, which),
        10 => Some(edit_schema(world, which, rest[0])),
        11 => {
            world.variable = [None, Some("yak".to_owned()), Some("zebu".to_owned())][usize::from(which) % 3].clone();
            Some(Edit::new(format!("the variable is {:?}", world.variable), &["environment"]))
        }
        12 => {
            let ix = usize::from(which) % world.settings.len();
            world.settings[ix] = genes::settings(rest[0]);
            Some(Edit::new(format!("settings {ix} are {:?}", world.settings[ix]), &["file"]))
        }
        13 => edit_gate(world, which, rest[0]),
        14 => {
            let ix = usize::from(which) % world.rules.len();
            world.rules[ix].publish = !world.rules[ix].publish;
            Some(Edit::new(format!("r{ix}: publish = {}", world.rules[ix].publish), &[]))
        }
        _ => {
            let back = past.get(past.len().checked_sub(2 + usize::from(which) % 3)?)?;
            *world = back.clone();
            Some(Edit::new(format!("back to what it was before\n{}\n{:?}", world.ingestfile(), world.sources), &[]))
        }
    }
}

fn edit_source(world: &mut World, which: u8, text: String) -> Edit {
    let path = SOURCES[usize::from(which) % SOURCES.len()];
    let told = format!("source {path} is {text:?}");
    match world.sources.insert(path.to_owned(), text) {
        Some(_) => Edit::new(told, &["source"]),
        None => Edit::new(told, &["new_source"]),
    }
}

fn remove_source(world: &mut World, which: u8) -> Option<Edit> {
    let path = world.sources.keys().nth(usize::from(which) % world.sources.len())?.clone();
    if world.sources.len() == 1 {
        return None;
    }
    world.sources.remove(&path);
    Some(Edit::new(format!("source {path} is removed"), &["gone_source"]))
}

fn rename_source(world: &mut World, which: u8, to: u8) -> Option<Edit> {
    let from = world.sources.keys().nth(usize::from(which) % world.sources.len())?.clone();
    let to = SOURCES.iter().filter(|s| !world.sources.contains_key(**s)).cycle().nth(usize::from(to) % SOURCES.len())?;
    let text = world.sources.remove(&from)?;
    world.sources.insert((*to).to_owned(), text);
    Some(Edit::new(format!("source {from} is renamed to {to}"), &["gone_source", "new_source"]))
}

fn edit_ops(world: &mut World, which: u8, rest: [u8; 6]) -> Option<Edit> {
    let ix = usize::from(which) % world.rules.len();
    let ops = (0..rest[0] % 3).map(|n| genes::op([rest[1 + 2 * usize::from(n)], rest[2 + 2 * usize::from(n)]])).collect();
    let changed = world.rules[ix].ops != ops;
    world.rules[ix].ops = ops;
    changed.then(|| Edit::new(format!("r{ix}: {}", world.command(ix)), &["command"]))
}

/// Removes a rule and all that need it, or brings it back with all that it needs.
fn toggle_rule(world: &mut World, which: u8) -> Option<Edit> {
    let ix = usize::from(which) % world.rules.len();
    let there = !world.rules[ix].there;
    let mut moved = vec![ix];
    let others: Vec<usize> = if there { (0..ix).rev().collect() } else { (ix + 1..world.rules.len()).collect() };
    for other in others {
        let linked = |m: &usize| if there { world.needs(*m).contains(&other) } else { world.needs(other).contains(m) };
        if moved.iter().any(linked) {
            moved.push(other);
        }
    }
    if !there && moved.len() >= world.there().count() {
        return None;
    }
    moved.iter().for_each(|m| world.rules[*m].there = there);
    // A rule that comes back is out of date for whatever happened while it was away.
    let (verb, causes): (_, &[_]) = if there { ("come back", &[]) } else { ("are removed", &["other"]) };
    Some(Edit::new(format!("rules {moved:?} {verb}"), causes))
}

fn edit_schema(world: &mut World, which: u8, letter: u8) -> Edit {
    let ix = usize::from(which) % world.schemas.len();
    world.schemas[ix] = genes::letter(letter);
    Edit::new(format!("schema {ix} forbids {:?}", world.schemas[ix]), &[])
}

fn edit_gate(world: &mut World, which: u8, to: u8) -> Option<Edit> {
    let gated: Vec<usize> = (0..world.rules.len()).filter(|r| world.rules[*r].gate != super::world::Gate::default()).collect();
    let ix = *gated.get(usize::from(which) % gated.len().max(1))?;
    let gate = &mut world.rules[ix].gate;
    match to % 3 {
        0 => gate.min_items = Some(usize::from(to) % 4),
        1 => gate.unique = !gate.unique,
        _ => gate.schema = gate.schema.map(|s| 1 - s),
    }
    Some(Edit::new(format!("r{ix}: {gate:?}"), &[]))
}
