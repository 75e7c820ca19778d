//! The oracle: random build graphs, edits, failures, kills and reverts; after each build the job folder, the statuses, what
//! ran and what is left over are what a pure evaluator says.
//!
//! A case is made from a seed. `ORACLE_CASES=2000` runs that many random cases instead of the usual ones, from
//! `ORACLE_SEED` on; `ORACLE_SEED=n` alone runs just that case. A case that fails is shrunk, then printed whole.

mod compare;
mod edits;
mod explain;
mod genes;
mod model;
mod play;
mod publication;
mod words;
mod world;

use std::cell::{Cell, RefCell};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use genes::{RuleGene, SourceGene};
use play::{Play, StepGene};

/// A case: rules, sources, steps.
#[derive(Clone, Debug)]
struct Case {
    rules: Vec<RuleGene>,
    sources: Vec<SourceGene>,
    steps: Vec<StepGene>,
}

fn cases() -> impl Strategy<Value = Case> {
    let step = (vec(any::<[u8; 8]>(), 1..3), any::<[u8; 2]>(), any::<[u8; 4]>());
    let step = step.prop_map(|(edits, by_hand, build)| StepGene { edits, by_hand, build });
    let parts = (vec(any::<RuleGene>(), 2..10), vec(any::<SourceGene>(), 1..5), vec(step, 1..6));
    parts.prop_map(|(rules, sources, steps)| Case { rules, sources, steps })
}

/// Plays a case; what went wrong is told with all that led to it.
fn play(case: &Case) -> Result<usize, String> {
    let mut play = Play::new(genes::world(&case.rules, &case.sources));
    let (ingestfile, sources) = (play.world.ingestfile(), play.world.sources.clone());
    // A case that was cut short or left unbuilt is built in the end.
    let last = StepGene { edits: Vec::new(), by_hand: [0; 2], build: [0; 4] };
    let result = play.begin().and_then(|()| case.steps.iter().chain([&last]).try_for_each(|s| play.step(s)));
    match result {
        Ok(()) => Ok(play.builds),
        Err(e) => Err(format!("{ingestfile}\nsources {sources:?}\n\n- {}\n\n{e}", play.told.join("\n- "))),
    }
}

/// Runs the case of a seed, and shrinks it if it fails.
fn run(seed: u64) -> usize {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        Config { cases: 1, failure_persistence: None, max_shrink_iters: 300, max_shrink_time: 30_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let (builds, why) = (Cell::new(0), RefCell::new(String::new()));
    let outcome = runner.run(&cases(), |case| {
        let built = play(&case).map_err(|told| {
            why.replace(told);
            TestCaseError::fail("it differs from the model")
        })?;
        builds.set(built);
        Ok(())
    });
    match outcome {
        Ok(()) => builds.get(),
        Err(TestError::Fail(reason, _)) => panic!("seed {seed} ({reason})\n{}", why.into_inner()),
        Err(e) => panic!("seed {seed}: {e}"),
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("it is a number"))
}

/// The usual cases are dealt out to tests that run side by side.
fn run_share(share: u64) {
    let (cases, seed) = (number("ORACLE_CASES"), number("ORACLE_SEED"));
    let seeds: Vec<u64> = match (cases, seed) {
        (None, None) => (0..USUAL).collect(),
        (None, Some(seed)) => vec![seed],
        (Some(cases), seed) => (0..cases).map(|n| seed.unwrap_or(0) + n).collect(),
    };
    let mut builds = 0;
    for seed in seeds.into_iter().filter(|s| s % SHARES == share) {
        builds += run(seed);
    }
    assert!(builds > 0 || seed.is_some() || cases.is_some(), "no case was played");
}

/// How many cases a plain test run plays.
const USUAL: u64 = 40;
const SHARES: u64 = 4;

#[test]
fn random_projects_build_to_what_the_model_says() {
    run_share(0);
}

#[test]
fn random_projects_build_to_what_the_model_says_too() {
    run_share(1);
}

#[test]
fn more_random_projects_build_to_what_the_model_says() {
    run_share(2);
}

#[test]
fn still_more_random_projects_build_to_what_the_model_says() {
    run_share(3);
}
