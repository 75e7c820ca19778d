//! One writer at a time, and readers that never wait for it.

use rustix::process::{Pid, Signal, kill_process};

use crate::building::WORDS;
use crate::project::{Handshake, Project};

/// The words project, with `report` held.
fn held() -> Project {
    let held = WORDS.replace("\"cat {all} > {out}\"", &format!("\"{} cat {{all}} > {{out}}\"", Handshake::SHELL));
    Project::new(&held).source("a.txt", "1 ash\n")
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn a_build_that_waited_does_what_has_changed_meanwhile() {
    let p = held();
    let handshake = Handshake::new(&p);
    let first = p.start(&["build", "--json"]);
    handshake.wait();
    let mut second = p.start(&["build", "--json"]);
    second.says(&format!("waiting for the build of process {}", first.pid()));
    // A new source and another text of the Ingestfile: both came after the second build had looked.
    p.source("b.txt", "1 cow\n").edit("Ingestfile.toml", "tr a-z A-Z", "tr a-z n-za-m");
    handshake.release();
    first.end().ok();
    assert_eq!(p.artifact("report.json"), "[\"ASH\"]");
    second.end().ok().ran(&["text b.txt", "cut b.txt", "shout a.txt/1", "shout b.txt/1", "report"]);
    assert_eq!(p.artifact("report.json"), "[\"nfu\",\n\"pbj\"]");
}

#[test]
fn a_killed_holder_blocks_nobody_and_its_pid_is_not_believed() {
    let p = held();
    let handshake = Handshake::new(&p);
    let first = p.start(&["build"]);
    handshake.wait();
    let (dead, mut waiting) = (first.pid(), p.start(&["build", "--json"]));
    waiting.says(&format!("waiting for the build of process {dead}"));
    assert_eq!(p.text("cache/lock"), format!("{dead}\n"));
    first.kill();
    // Now the second one is at the same place, and holds the lock.
    handshake.wait();
    let refused = p.run(&["build", "--no-wait"]);
    refused.fails(1).stderr_has(&format!("another build is running (process {})", waiting.pid()));
    handshake.release();
    waiting.end().ok();
    assert_eq!(p.text("cache/lock"), "");
    p.leaves_nothing_behind().build(&["--no-wait"]).nothing_to_do();
}

#[test]
fn a_holder_that_was_killed_with_nobody_waiting_leaves_no_lock() {
    let p = held();
    let handshake = Handshake::new(&p);
    let first = p.start(&["build"]);
    handshake.wait();
    first.kill();
    handshake.release();
    p.build(&["--no-wait"]).ok().ran(&["report"]);
    p.leaves_nothing_behind();
}

#[test]
fn a_stopped_holder_still_holds() {
    let p = held();
    let handshake = Handshake::new(&p);
    let first = p.start(&["build", "--json"]);
    handshake.wait();
    signal(first.pid(), Signal::STOP);
    let refused = p.run(&["build", "--no-wait"]);
    let cleaned = p.run(&["clean", "--all"]);
    signal(first.pid(), Signal::CONT);
    refused.fails(1).stderr_has(&format!("another build is running (process {})", first.pid()));
    cleaned.fails(1).stderr_has(&format!("a build is running (process {})", first.pid()));
    handshake.release();
    first.end().ok();
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_lock_that_cannot_be_made_is_an_error_that_names_it() {
    let p = held().file("cache/lock/in-the-way", "");
    p.run(&["build"]).fails(1).stderr_has("error: cannot open `[project]/cache/lock`: ");
    assert!(!p.exists("artifacts"));
    p.remove("cache/lock").build(&[]).ok();
}

#[test]
fn readers_answer_while_a_build_runs_and_write_nothing() {
    let p = held();
    p.build(&[]).ok();
    p.source("a.txt", "1 ash\n2 bat\n");
    let handshake = Handshake::new(&p);
    let building = p.start(&["build", "--json"]);
    handshake.wait();
    // It holds the lock and the database, and writes nothing now.
    signal(building.pid(), Signal::STOP);
    let before = p.written();
    p.run(&["status"]).ok().stdout_has("report");
    p.run(&["why", "report"]).ok().stdout_has("report");
    p.run(&["why", "report", "--last"]).ok();
    p.run(&["build", "-n"]).ok().stdout_has("report");
    p.wrote_nothing_since(&before);
    signal(building.pid(), Signal::CONT);
    handshake.release();
    building.end().ok();
    p.run(&["why", "report"]).ok().stdout_has("report is up to date");
}
