//! Built-ins work in processes of their own: one that hangs, dies or takes all memory costs its own document, and no other.

use std::time::{Duration, Instant};

use crate::project::{Built, Project};

/// Contents of each source, and its elements.
const INGESTFILE: &str = r#"
version = 1

[job]
sources = "uploads"
include = ["*.txt"]

[rule.pages]
run     = "pages"
each    = "source"
inputs  = { source = "source" }
outputs = { groups = { path = "pages/", publish = false } }

[rule.text]
run     = "text"
each    = "pages.groups"
inputs  = { group = "group" }
outputs = { lines = { path = "text/", publish = false } }

[rule.passA]
run     = "toc"
each    = "source"
inputs  = { source = "source", lines = "text.lines" }
outputs = { toc = "passA_toc.json", dictionary = "passA_dictionary.json", profile = "passA_profile.json" }

[limits]
"#;

/// Longer than any limit that is set here, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

fn book(subject: &str) -> String {
    format!("{}\n\nThe {subject} keeps watch over the flooded road.\n", subject.to_uppercase())
}

/// Three books under these limits.
fn three_books(limits: &str) -> Project {
    let p = Project::new(&format!("{INGESTFILE}{limits}\n"));
    ["bad", "good", "other"].iter().for_each(|name| drop(p.source(&format!("{name}.txt"), &book(name))));
    p
}

/// The book that a worker misbehaves on is named with its reason, soon; the others are done. Without that, it is, too.
#[track_caller]
fn costs_its_own_document(limits: &str, act: &str, reason: &str) -> Built {
    let p = three_books(limits);
    let begun = Instant::now();
    let broken = p.env("INGEST_FAIL_POINT", &format!("{act} worker-begins 1 bad.txt")).build(&[]);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    broken.fails(1).failed(&["pages bad.txt"]).stderr_has(reason).stderr_lacks("RUST_BACKTRACE");
    assert_eq!(broken.with_outcome("ran").iter().filter(|a| !a.contains("bad.txt")).count(), 6, "{}", broken.stderr);
    p.leaves_nothing_behind();
    // Nothing of it is remembered, and of the others everything.
    let mended = p.build(&[]);
    mended.ok();
    let ran = mended.with_outcome("ran");
    assert_eq!((ran.len(), ran.iter().all(|a| a.contains("bad.txt"))), (3, true), "{ran:?}");
    p.build(&[]).nothing_to_do();
    broken
}

#[test]
fn a_worker_that_hangs_is_ended_at_the_limit_on_time() {
    costs_its_own_document("time_s = 1", "hang", "it took longer than 1 s, the limit on time (`time_s`), twice");
}

#[test]
fn a_worker_that_takes_all_memory_meets_the_limit_on_it() {
    costs_its_own_document("memory_mb = 128", "bloat", "it needed more than 128 MB, the limit on memory (`memory_mb`), twice");
}

#[test]
fn a_worker_whose_stack_overflows_says_so() {
    costs_its_own_document("", "recurse", "it is nested too deeply: the worker's stack overflowed, twice");
}

#[test]
fn a_worker_that_is_killed_is_told_of_with_how_it_ended() {
    let how = if cfg!(unix) { "signal 9" } else { "exit code" };
    costs_its_own_document("", "die", &format!("the worker process died twice, the last time with {how}"));
}

#[test]
fn a_panic_is_told_of_with_what_it_said() {
    costs_its_own_document("", "panic", "`pages` panicked: as a test asked");
}

#[test]
fn a_panic_beside_the_work_ends_the_worker_at_once() {
    let p = three_books("time_s = 100");
    let begun = Instant::now();
    let built = p.env("INGEST_FAIL_POINT", "panic worker-tries 1 bad.txt#1").build(&["--log-level", "warn"]);
    built.ok().stderr_has("as a test asked");
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn an_action_whose_worker_died_is_tried_again_in_a_fresh_one() {
    let clean = three_books("");
    clean.build(&[]).ok();
    for (act, why) in [("die", "it died with"), ("hang", "(`time_s`)"), ("bloat", "(`memory_mb`)")] {
        let p = three_books(if act == "hang" { "time_s = 2" } else { "" });
        let built = p.env("INGEST_FAIL_POINT", &format!("{act} worker-tries 1 bad.txt#1")).build(&["--log-level", "warn"]);
        built.ok().stderr_has("a worker died: once more, in a fresh one");
        let warned: Vec<String> = built.events.iter().filter_map(|e| Some(e["message"].as_str()?.to_owned())).collect();
        let told = |w: &&String| {
            w.contains("of `bad.txt`") && w.contains(" was tried again in a fresh worker process: it") && w.contains(why)
        };
        assert_eq!(warned.iter().filter(told).count(), 3, "{act}: {warned:?}");
        for name in ["passA_toc.json", "passA_dictionary.json", "passA_profile.json"] {
            assert_eq!(p.artifact(name), clean.artifact(name), "{act}");
        }
    }
}

/// How many of `what` the build's log tells: `workers started=2 recycled=0 …`.
#[track_caller]
fn told(built: &Built, what: &str) -> u64 {
    let line = built.stderr.lines().rfind(|l| l.contains("worker processes")).unwrap_or_else(|| panic!("{}", built.stderr));
    let after = line.split_once(&format!("{what}=")).unwrap_or_else(|| panic!("{line}")).1;
    after.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn workers_are_used_again() {
    let p = three_books("");
    let built = p.build(&["-j1", "--log-level", "info"]);
    built.ok();
    assert_eq!((told(&built, "started"), told(&built, "recycled"), told(&built, "jobs")), (1, 0, 9));
    // And none is started where there is nothing for it to do.
    let again = p.build(&["--log-level", "info"]);
    again.nothing_to_do().stderr_lacks("worker processes");
}

#[test]
fn a_worker_that_has_grown_is_replaced() {
    let p = three_books("");
    let built = p.env("INGEST_FAIL_POINT", "grow worker-begins 1 bad.txt").build(&["-j1", "--log-level", "info"]);
    built.ok();
    // Every worker that meets the book for the first time grows: it has three actions.
    assert_eq!((told(&built, "started"), told(&built, "recycled")), (4, 3), "{}", built.stderr);
}

#[test]
fn a_document_that_hangs_is_set_aside_where_documents_are() {
    let p = three_books("time_s = 1");
    p.edit("Ingestfile.toml", "[job]\n", "[job]\non_error = \"quarantine\"\n");
    let built = p.env("INGEST_FAIL_POINT", "hang worker-begins 1 bad.txt").build(&[]);
    built.fails(1).stderr_has("the limit on time (`time_s`)");
    assert_eq!(p.json("passA_toc.json").as_array().unwrap().len(), 2);
    let record = p.record("A");
    assert_eq!(record["status"], "SUCCESS");
    assert!(record["quarantined"].to_string().contains("bad.txt"), "{record}");
}

#[cfg(target_os = "linux")]
mod ends {
    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    /// The workers of a build, as the system lists them.
    fn children(pid: u32) -> Vec<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|t| t.unwrap().path().join("children"));
        let lists = tasks.filter_map(|t| std::fs::read_to_string(t).ok());
        lists.flat_map(|l| l.split_whitespace().map(|p| p.parse().unwrap()).collect::<Vec<_>>()).collect()
    }

    fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn is_alive(pid: u32) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z "))
    }

    #[test]
    fn workers_end_with_a_build_that_is_killed_or_interrupted_whatever_they_are_at() {
        for (signal, code) in [(Signal::KILL, None), (Signal::INT, Some(130)), (Signal::TERM, Some(130))] {
            let p = three_books("time_s = 300");
            let running = p.env("INGEST_FAIL_POINT", "hang worker-begins 1 bad.txt").start(&["build", "-j2"]);
            let pid = running.pid();
            let mut workers = Vec::new();
            until("no second worker was started", || {
                workers = children(pid);
                workers.len() == 2
            });
            kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
            let built = running.end();
            assert_eq!(built.code, code, "{}", built.stderr);
            until("a worker outlives its build", || !workers.iter().any(|w| is_alive(*w)));
            if code.is_some() {
                built.stderr_lacks("worker process died");
                p.leaves_nothing_behind();
            }
            p.build(&[]).ok();
        }
    }
}

#[test]
fn a_worker_is_not_started_by_hand() {
    Project::new("").run(&["worker"]).fails(2).stderr_has("`ingest worker` is started by a build, not by hand");
}
