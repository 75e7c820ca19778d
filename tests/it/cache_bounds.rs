//! The cache stays below its bounds, and never loses what is needed: by the Ingestfile as it is, by a running build, by a job
//! whose folder is there.

use serde_json::Value;

use crate::building::{WORDS, words};
use crate::fail_points::committed;
use crate::project::{Built, Handshake, Project};

/// The words project with these bounds.
fn bounded(bounds: &str) -> Project {
    words().ingestfile(&format!("{WORDS}\n[cache]\n{bounds}\n"))
}

/// What all blobs take.
fn size(p: &Project) -> usize {
    p.tree("cache/cas").values().map(|(_, bytes)| bytes.len()).sum()
}

fn gc(p: &Project, args: &[&str]) -> Value {
    let done = p.run(&[&["gc", "--json"], args].concat());
    done.ok();
    serde_json::from_str(&done.stdout).unwrap()
}

/// Nothing that the last build made is missed.
#[track_caller]
fn is_whole(p: &Project) {
    p.build(&[]).nothing_to_do();
    p.run(&["verify"]).ok();
    // The long way to "nothing to do".
    if p.exists("cache/idle.snapshot") {
        p.remove("cache/idle.snapshot");
    }
    p.build(&[]).nothing_to_do();
}

const A_CHANGED: [&str; 4] = ["text a.txt", "cut a.txt", "shout a.txt/1", "report"];

#[test]
fn a_build_above_the_bound_removes_old_results_and_keeps_what_is_needed() {
    let p = bounded("max_size = \"1 B\"");
    p.build(&[]).ok().stderr_has("above its `max_size` of 1 B: all of that is needed");
    let first = size(&p);
    is_whole(&p);
    assert_eq!(size(&p), first);
    p.source("a.txt", "1 ant\n").build(&[]).ok().stderr_has("left the cache");
    assert!(size(&p) < first, "one word less");
    is_whole(&p);
    p.source("a.txt", "1 ash\n2 bat\n").build(&[]).ok().ran(&[&A_CHANGED[..], &["shout a.txt/2"]].concat()).restored(&[]);
    is_whole(&p);
}

#[test]
fn what_nothing_needed_for_longer_than_max_age_goes() {
    for (age, is_kept) in [("0s", false), ("1h", true)] {
        let p = bounded(&format!("max_age = \"{age}\""));
        p.build(&[]).ok();
        p.source("a.txt", "1 ant\n").build(&[]).ok().ran(&A_CHANGED);
        is_whole(&p);
        let back = p.source("a.txt", "1 ash\n2 bat\n").build(&[]);
        assert_eq!(back.ok().with_outcome("ran").is_empty(), is_kept, "{age}");
        is_whole(&p);
    }
}

#[test]
fn a_build_with_nothing_to_do_writes_nothing_however_full_the_cache_is() {
    let p = bounded("max_size = \"1 B\"");
    p.build(&[]).ok();
    let before = p.written();
    p.build(&[]).nothing_to_do();
    p.wrote_nothing_since(&before);
}

#[test]
fn the_database_holds_no_more_than_that_of_a_fresh_build() {
    let p = bounded("max_age = \"0s\"");
    p.build(&[]).ok();
    p.source("c.txt", "1 elk\n").build(&[]).ok();
    for word in ["ant", "ape", "asp"] {
        p.source("a.txt", &format!("1 {word}\n")).build(&[]).ok();
    }
    p.remove("uploads/c.txt").build(&[]).ok();
    let fresh = bounded("max_age = \"0s\"").source("a.txt", "1 asp\n");
    fresh.build(&[]).ok();
    let counts = |p: &Project| {
        let known = committed(p);
        let state = &known.state;
        let names: Vec<String> = state.last.iter().map(|(k, _)| k.split('\0').skip(1).collect::<Vec<_>>().join(" ")).collect();
        let results = (state.results.keys().count(), state.derived.keys().count());
        (names, results, state.verdicts.keys().count(), state.unused.keys().count(), state.files.keys().count())
    };
    assert_eq!(counts(&p), counts(&fresh));
    assert_eq!(p.tree("cache/cas").len(), fresh.tree("cache/cas").len());
}

#[test]
fn gc_tells_what_would_go_and_removes_it_when_it_is_told_to() {
    let p = words();
    p.build(&[]).ok();
    p.source("a.txt", "1 ant\n").build(&[]).ok();
    let before = p.written();
    let dry = gc(&p, &["--dry-run", "--max-size", "1B"]);
    assert_eq!(before[0].keys().collect::<Vec<_>>(), p.written()[0].keys().collect::<Vec<_>>());
    assert_eq!((&dry["dry_run"], &dry["removed"][0]["why"]), (&Value::from(true), &Value::from("size")));
    p.run(&["gc"]).ok().ends_saying("ingest: nothing to collect");
    let done = gc(&p, &["--max-size", "1B"]);
    for field in ["removed", "results", "before_bytes", "after_bytes", "kept", "needed"] {
        assert_eq!(dry[field], done[field], "{field}");
    }
    assert_eq!(done["after_bytes"].as_u64().unwrap(), size(&p) as u64);
    assert_eq!((&done["needed"], &done["kept"]), (&done["kept"], &Value::from(p.tree("cache/cas").len())));
    is_whole(&p);
    p.run(&["gc", "--max-age", "0s"]).ok().ends_saying("ingest: nothing to collect");
    p.source("a.txt", "1 ash\n2 bat\n").build(&[]).ok().restored(&[]);
    p.leaves_nothing_behind();
}

#[test]
fn gc_removes_by_age_and_says_so() {
    let p = words();
    p.build(&[]).ok();
    p.source("a.txt", "1 ant\n").build(&[]).ok();
    p.run(&["gc", "--max-age", "1h"]).ok().ends_saying("ingest: nothing to collect");
    let done = p.run(&["gc", "--max-age", "0s"]);
    done.ok().stdout_has("not needed for longer than `max_age`");
    assert!(done.last_line().starts_with("ingest: removed "), "{}", done.stderr);
    is_whole(&p);
}

#[test]
fn what_the_present_ingestfile_would_find_in_the_cache_stays() {
    let p = words();
    p.build(&[]).ok();
    p.edit("Ingestfile.toml", "tr a-z A-Z", "tr a-z n-za-m").source("a.txt", "1 ant\n").build(&[]).ok();
    // Back, and not built yet.
    p.ingestfile(WORDS).source("a.txt", "1 ash\n2 bat\n");
    gc(&p, &["--max-size", "1B", "--max-age", "0s"]);
    p.build(&[]).ok().ran(&[]);
    is_whole(&p);
}

#[test]
fn a_job_whose_folder_is_there_is_kept_whole() {
    let p = words();
    p.build(&[]).ok();
    let older = p.job();
    let id = older.rsplit('/').next().unwrap().to_owned();
    p.source("a.txt", "1 ant\n").build(&["--new-job"]).ok();
    gc(&p, &["--max-size", "1B", "--max-age", "0s"]);
    is_whole(&p);
    p.run(&["verify", "--job", &id]).ok();
    p.source("a.txt", "1 ash\n2 bat\n").build(&["--job", &id]).nothing_to_do();
    p.remove("cache/idle.snapshot").build(&["--job", &id]).nothing_to_do();
    // Without its folder nothing needs it.
    p.source("a.txt", "1 ant\n").build(&[]).nothing_to_do();
    p.remove(&older);
    assert!(gc(&p, &["--max-size", "1B"])["results"].as_u64().unwrap() > 0);
    is_whole(&p);
    let is_of_it = |key: &str| key.split('\0').next() == Some(&older);
    assert!(!committed(&p).state.last.iter().any(|(key, _)| is_of_it(&key)), "its records went with its results");
}

#[test]
fn environments_and_ingestfiles_that_share_a_cache_do_not_take_from_each_other() {
    let p = words();
    let other = WORDS.replace("[job]", "[job]\nartifacts = \"artifacts/other\"").replace("tr a-z A-Z", "tr a-z n-za-m");
    p.file("other.toml", other.replace("rule.shout", "rule.whisper").replace("shout.out", "whisper.out"));
    let build = |p: &Project, args: &[&str]| -> Built { p.start(&[args, &["build", "--json"]].concat()).end() };
    p.build(&[]).ok();
    p.build(&["--env", "prod"]).ok().ran(&[]);
    build(&p, &["-f", "other.toml"]).ok();
    p.source("a.txt", "1 ant\n").build(&[]).ok();
    gc(&p, &["--max-size", "1B", "--max-age", "0s"]);
    is_whole(&p);
    p.source("a.txt", "1 ash\n2 bat\n");
    p.build(&["--env", "prod"]).nothing_to_do();
    build(&p, &["-f", "other.toml"]).nothing_to_do();
    p.run(&["-f", "other.toml", "gc", "--max-size", "1B", "--max-age", "0s"]).ok();
    build(&p, &["-f", "other.toml"]).nothing_to_do();
    p.build(&["--env", "prod"]).nothing_to_do();
    p.source("a.txt", "1 ant\n");
    is_whole(&p);
}

#[test]
fn gc_waits_for_a_build_that_runs() {
    let held = WORDS.replace("\"cat {all} > {out}\"", &format!("\"{} cat {{all}} > {{out}}\"", Handshake::SHELL));
    let p = Project::new(&held).source("a.txt", "1 ash\n");
    let handshake = Handshake::new(&p);
    let build = p.start(&["build", "--json"]);
    handshake.wait();
    let mut gc = p.start(&["gc", "--max-size", "1B", "--max-age", "0s"]);
    gc.says(&format!("waiting for the build of process {}", build.pid()));
    let mut verify = p.start(&["verify"]);
    verify.says("waiting for the build of process");
    handshake.release();
    build.end().ok();
    gc.end().ok();
    verify.end().ok();
    is_whole(&p);
}

#[test]
fn blobs_that_no_record_leads_to_are_removed_by_gc_and_by_a_build_after_a_crash() {
    let p = words();
    p.build(&[]).ok();
    let hex = blake3::hash(b"left").to_hex().to_string();
    let orphan = format!("cache/cas/{}/{}", &hex[..2], &hex[2..]);
    p.file(&orphan, "left");
    p.run(&["verify"]).ok().stderr_has("1 blob that no record leads to");
    p.run(&["gc"]).ok().stdout_has("1 blob, 4 B: left by a killed build");
    assert!(!p.exists(&orphan));
    is_whole(&p);
    p.file(&orphan, "left").file("cache/lock", "999999999\n").source("a.txt", "1 ant\n").build(&[]).ok();
    assert!(!p.exists(&orphan));
    is_whole(&p);
}

#[test]
fn however_sources_are_edited_nothing_that_is_needed_goes() {
    let p = bounded("max_size = \"40 B\"");
    let mut random = 7_u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    p.build(&[]).ok();
    for step in 0..20 {
        let name = ["a.txt", "b.txt", "c.txt"][usize::try_from(next(3)).unwrap()];
        let lines = |n: u64| (1..=n + 1).map(|i| format!("{i} word{}\n", i * n % 4)).collect::<String>();
        match next(5) {
            0 if p.tree("uploads").len() > 1 && p.exists(&format!("uploads/{name}")) => {
                drop(p.remove(&format!("uploads/{name}")))
            }
            1 => drop(p.source(name, &format!("# {step}\n{}", lines(next(4))))),
            2 => drop(p.ingestfile(&p.text("Ingestfile.toml").replace("tr a-z A-Z", "tr A-Z a-z"))),
            3 => drop(p.ingestfile(&p.text("Ingestfile.toml").replace("tr A-Z a-z", "tr a-z A-Z"))),
            _ => drop(p.source(name, &lines(next(4)))),
        }
        p.build(&[]).ok();
        is_whole(&p);
        let scratch = p.copy();
        scratch.remove("cache").remove("artifacts").build(&[]).ok();
        assert_eq!(p.artifact("report.json"), scratch.artifact("report.json"), "step {step}");
        let (left, least) = (p.tree("cache/cas").len(), scratch.tree("cache/cas").len());
        assert!(left <= least.max(12), "step {step}: {left} blobs, a fresh build has {least}");
    }
}

#[test]
fn bounds_that_are_none_are_errors_that_point_at_them() {
    let p = bounded("max_size = \"much\"\nmax_age = \"1 month\"\nmax_files = 3");
    p.run(&["build"])
        .fails(2)
        .stderr_has("`much` is no size")
        .stderr_has("`1 month` is no age")
        .stderr_has("unknown key `max_files`");
    p.run(&["gc", "--max-size", "many"]).fails(2);
}
