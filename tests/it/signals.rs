//! Ctrl-C and SIGTERM: what runs is ended with all that it started, what was finished is kept, and it is said.

use std::io::Read;
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::building::words;
use crate::project::{COMMAND_PASSES, Handshake, Project, Running};

/// Long enough for any machine; what is waited for comes at once.
const PATIENCE: Duration = Duration::from_secs(60);

fn send(running: &Running, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap(), signal).unwrap();
}

fn pipe(p: &Project, name: &str) -> std::path::PathBuf {
    let at = p.path(name);
    assert!(std::process::Command::new("mkfifo").arg(&at).status().unwrap().success());
    at
}

/// Told when no process holds the writing end of the pipe any more.
fn all_gone(at: std::path::PathBuf) -> mpsc::Receiver<()> {
    let (say, said) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        std::fs::File::open(at).unwrap().read_to_end(&mut bytes).unwrap();
        let _ = say.send(());
    });
    said
}

#[test]
fn a_signal_ends_a_command_that_ignores_it_and_its_grandchild_and_keeps_what_was_finished() {
    for signal in [Signal::INT, Signal::TERM] {
        let stubborn = "trap '' INT TERM HUP; if [ -p held ]; then exec 3> held; sleep 1000 & fi;";
        let held = format!("{stubborn} {} cat {{enriched}} > {{clean}}", Handshake::SHELL);
        let p =
            Project::of_passes(&COMMAND_PASSES.replace("cat {enriched} > {clean}", &held)).source("alpha.txt", "alpha\none\n");
        let gone = all_gone(pipe(&p, "held"));
        let handshake = Handshake::new(&p);
        let running = p.start(&["build", "--json"]);
        handshake.wait();
        send(&running, signal);
        let interrupted = running.end();
        interrupted.fails(130);
        assert!(interrupted.last_line().starts_with("ingest: interrupted"), "{}", interrupted.last_line());
        gone.recv_timeout(PATIENCE).expect("something that the command started outlived it");
        p.leaves_nothing_behind();
        assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E SUCCESS, F FAILED");
        assert!(p.record("F")["error"].as_str().unwrap().contains("interrupted"), "{}", p.record("F"));
        let last = p.log().pop().unwrap();
        assert_eq!((&last["event"], &last["interrupted"]), (&"build_ended".into(), &true.into()), "{last}");
        handshake.release();
        p.remove("held").build(&[]).ok().ran(&["passF"]);
        p.build(&[]).nothing_to_do();
    }
}

#[test]
fn a_second_signal_ends_a_build_at_once_that_cannot_end_by_itself() {
    let p = words();
    p.build(&[]).ok();
    // A log that nobody reads: the build stands still where it opens it.
    let log = p.published("logs/ingest.ndjson");
    p.remove(&log).source("a.txt", "1 ant\n");
    pipe(&p, &log);
    let mut running = p.start(&["build", "-q"]);
    while p.text("cache/lock").is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    send(&running, Signal::INT);
    let began = std::time::Instant::now();
    while running.child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < PATIENCE, "it goes on");
        // Two that come together count as one.
        std::thread::sleep(Duration::from_millis(5));
        send(&running, Signal::INT);
    }
    assert_eq!(running.end().code, Some(130));
    p.remove(&log).build(&[]).ok();
    assert_eq!(p.artifact("report.json"), "[\"ANT\",\n\"COW\"]");
    p.leaves_nothing_behind().build(&[]).nothing_to_do();
}
