//! A build that is killed or interrupted loses nothing that was reported done, and leaves nothing behind.

use std::io::{BufRead, BufReader};

use crate::building::{WORDS, words};
use crate::project::{COMMAND_PASSES, Handshake, Project, Tree};

/// The words project, with `report` held.
fn held() -> Project {
    let held = WORDS.replace("\"cat {all} > {out}\"", &format!("\"{} cat {{all}} > {{out}}\"", Handshake::SHELL));
    Project::new(&held).source("a.txt", "1 ash\n2 bat\n").source("b.txt", "1 cow\n")
}

fn without_clocks(tree: Tree) -> Vec<(String, Vec<u8>)> {
    let artifact = |path: &String| !path.ends_with("manifest.json") && !path.contains("logs/");
    tree.into_iter().filter(|(path, _)| artifact(path)).map(|(path, (_, bytes))| (path, bytes)).collect()
}

#[test]
fn a_build_killed_in_a_command_is_finished_by_the_next() {
    let p = held();
    let handshake = Handshake::new(&p);
    let running = p.start(&["build"]);
    handshake.wait();
    running.kill();
    handshake.release();
    let next = p.build(&[]);
    next.ok();
    assert_eq!(p.artifact("report.json"), "[\"ASH\",\n\"BAT\",\n\"COW\"]");
    p.leaves_nothing_behind().build(&[]).nothing_to_do();
}

#[test]
fn what_a_killed_build_had_published_is_not_run_again() {
    let p = held();
    let handshake = Handshake::new(&p);
    let mut running = p.start(&["build", "-v"]);
    running.says("published shouts.json");
    handshake.wait();
    running.kill();
    handshake.release();
    p.build(&[]).ok().ran(&["report"]);
}

#[test]
fn an_interrupted_build_says_so_and_keeps_what_was_finished() {
    let passes =
        COMMAND_PASSES.replace("cat {enriched} > {clean}", &format!("{} cat {{enriched}} > {{clean}}", Handshake::SHELL));
    let p = Project::of_passes(&passes).source("alpha.txt", "alpha\none\n");
    let handshake = Handshake::new(&p);
    let running = p.start(&["build", "--json"]);
    handshake.wait();
    let pid = rustix::process::Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let interrupted = running.end();
    interrupted.fails(130).stderr_has("ingest: interrupted");
    assert!(interrupted.last_line().starts_with("ingest: interrupted"));
    p.leaves_nothing_behind();
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E SUCCESS, F FAILED");
    assert!(p.record("F")["error"].as_str().unwrap().contains("interrupted"), "{}", p.record("F"));
    handshake.release();
    p.build(&[]).ok().ran(&["passF"]);
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E SUCCESS, F SUCCESS");
}

#[test]
fn a_build_killed_after_any_event_is_finished_by_the_next_with_the_same_bytes() {
    let whole = Project::of_command_passes();
    let events = whole.build(&[]).events.len();
    let artifacts = without_clocks(whole.tree(&whole.job()));
    for after in (1..events).step_by(6) {
        let p = Project::of_command_passes();
        let mut running = p.start(&["build", "--json"]);
        let stdout = BufReader::new(running.child.stdout.take().unwrap());
        assert_eq!(stdout.lines().take(after).count(), after);
        running.kill();
        p.build(&[]).ok();
        p.leaves_nothing_behind();
        assert_eq!(without_clocks(p.tree(&p.job())), artifacts, "killed after event {after}");
        p.build(&[]).nothing_to_do();
    }
}

const COPIES: &str = r#"
version = 1

[job]
sources = "uploads"
include = ["*.txt"]

[rule.copy]
each    = "source"
inputs  = { source = "source" }
command = "cat {source} > {out}"
outputs = { out = "out/{stem}.txt" }
"#;

#[test]
fn what_a_killed_build_had_just_published_goes_with_its_item() {
    for _ in 0..3 {
        let p = Project::new(COPIES).source("gone.txt", "1").source("kept.txt", "2");
        let mut running = p.start(&["build", "--json"]);
        let mut stdout = BufReader::new(running.child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(stdout.any(|line| line.contains("\"event\":\"published\"")));
        running.kill();
        p.remove("uploads/gone.txt").build(&[]).ok();
        assert_eq!(p.published_files(), ["out/kept.txt"]);
        p.leaves_nothing_behind().build(&[]).nothing_to_do();
    }
}

#[test]
fn a_failed_build_leaves_nothing_behind() {
    let p = words().edit("Ingestfile.toml", "cat {all} > {out}", "cat {all} > {out}; exit 1");
    p.build(&[]).fails(1).failed(&["report"]);
    p.leaves_nothing_behind();
    p.edit("Ingestfile.toml", "; exit 1", "").build(&[]).ok().ran(&["report"]);
    p.leaves_nothing_behind();
}
