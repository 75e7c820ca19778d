//! Threads, folders, dry runs, going on after a failure, one writer, and sources that change under the build.

use crate::building::{WORDS, words};
use crate::project::{Handshake, Project};

fn artifacts(p: &Project) -> Vec<(String, Vec<u8>)> {
    let files = p.tree(&p.job()).into_iter().filter(|(path, _)| path != "manifest.json" && !path.starts_with("logs/"));
    files.map(|(path, (_, bytes))| (path, bytes)).collect()
}

#[test]
fn threads_and_folders_do_not_show_in_the_artifacts() {
    let build = |jobs: &str| {
        let p = Project::of_command_passes().source("gamma.txt", "gamma\nsix\nseven\neight\nnine\n");
        p.build(&[jobs]).ok();
        (artifacts(&p), p.manifest())
    };
    let ((one, of_one), (eight, of_eight)) = (build("-j1"), build("-j8"));
    assert_eq!(one, eight);
    for pass in ["A", "B", "C", "D", "E", "F"] {
        let records = |m: &serde_json::Value| m["passes"][pass]["artifact_records"].clone();
        assert_eq!(records(&of_one), records(&of_eight), "{pass}");
    }
}

#[test]
fn a_moved_project_has_nothing_to_do() {
    let p = words();
    p.build(&[]).ok();
    let elsewhere = words();
    assert!(std::process::Command::new("cp").arg("-a").arg(p.path(".")).arg(elsewhere.path("")).status().unwrap().success());
    elsewhere.build(&[]).ok().ran(&[]).restored(&[]);
}

#[test]
fn a_dry_run_tells_what_would_run_and_why_and_writes_nothing() {
    let p = words();
    let dry = p.run(&["build", "-n"]);
    dry.ok().stdout_has("run text a.txt: it was never built\n");
    assert!(!p.exists("artifacts") && !p.exists("cache/state.redb"));
    p.build(&[]).ok();
    let before = p.written();
    p.run(&["build", "-n"]).ok().ends_saying("ingest: nothing to do");
    let dry = p.source("a.txt", "1 ash\n").run(&["build", "--dry-run"]);
    dry.ok().stdout_has("run text a.txt: input `source` changed").stderr_has("would run");
    assert!(!dry.stdout.contains("b.txt"), "{}", dry.stdout);
    p.wrote_nothing_since(&before);
}

const TWO: &str = r#"
version = 1

[rule.bad]
command = "echo spoken by the command; exit 7"
outputs = { out = "bad.txt" }

[rule.after]
inputs  = { bad = "bad.out" }
command = "cat {bad} > {out}"
outputs = { out = "after.txt" }

[rule.good]
command = "echo good > {out}"
outputs = { out = "good.txt" }
"#;

#[test]
fn a_failed_command_is_told_with_its_words_and_never_remembered_as_done() {
    let p = Project::new(TWO);
    let built = p.build(&["-k"]);
    built.fails(1).failed(&["bad"]).ran(&["good"]);
    built.stderr_has("error: bad: the command ended with exit code 7").stderr_has("spoken by the command");
    built.ends_saying("ingest: 1 failed, 1 not built");
    assert_eq!(p.artifact("good.txt"), "good\n");
    p.build(&["-k"]).fails(1).failed(&["bad"]).ran(&[]);
    p.edit("Ingestfile.toml", "echo spoken by the command; exit 7", "echo 1 > {out}").build(&[]).ok();
    assert_eq!(p.artifact("after.txt"), "1\n");
}

#[test]
fn going_on_runs_the_passes_that_do_not_depend_on_the_failure() {
    let failing = crate::project::COMMAND_PASSES.replace("read -r id part word < {part}", "exit 3");
    let independent =
        failing.replace("inputs  = { toc = \"passA.toc\", enriched = \"passD.enriched\" }", "inputs  = { toc = \"passA.toc\" }");
    let p = Project::of_passes(&independent).source("alpha.txt", "alpha\none\n");
    let went_on = p.build(&["--keep-going"]);
    went_on.fails(1);
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C FAILED, D SKIPPED, E SUCCESS, F SKIPPED");
}

#[test]
fn a_second_build_waits_for_the_first_and_then_has_nothing_to_do() {
    let held = WORDS.replace("\"cat {all} > {out}\"", &format!("\"{} cat {{all}} > {{out}}\"", Handshake::SHELL));
    let p = Project::new(&held).source("a.txt", "1 ash\n");
    let handshake = Handshake::new(&p);
    let first = p.start(&["build", "--json"]);
    handshake.wait();
    let pid = first.pid();
    p.run(&["build", "--no-wait"]).fails(1).stderr_has(&format!("another build is running (process {pid})"));
    let mut second = p.start(&["build", "--json"]);
    second.says(&format!("waiting for the build of process {pid}"));
    handshake.release();
    first.end().ok();
    second.end().nothing_to_do();
}

#[test]
fn a_source_that_disappears_during_the_build_is_an_error_that_names_it() {
    let vanish = WORDS.replace("\"grep", "\"rm -f uploads/b.txt; grep");
    let p = Project::new(&vanish).source("a.txt", "1 ash\n").source("b.txt", "1 cow\n");
    p.build(&["-j1"]).fails(1).stderr_has("b.txt");
    p.build(&[]).ok();
    assert_eq!(p.artifact("report.json"), "[\"ASH\"]");
    p.leaves_nothing_behind();
}

#[test]
fn a_source_that_changes_during_the_build_is_never_mixed() {
    let change = WORDS.replace("\"grep", "\"[ -e done ] || { touch done; echo '1 dog' > uploads/b.txt; }; grep");
    let p = Project::new(&change).source("a.txt", "1 ash\n").source("b.txt", "1 cow\n");
    let built = p.build(&["-j1"]);
    assert!(matches!(built.code, Some(0 | 1)));
    p.build(&[]).ok();
    assert_eq!(p.artifact("report.json"), "[\"ASH\",\n\"DOG\"]");
    assert_eq!(p.artifact("text/b.txt.txt"), "1 dog\n");
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_link_that_leads_nowhere_or_out_of_the_sources_is_told_and_the_rest_is_built() {
    let p = words().file("outside.txt", "1 secret\n");
    std::os::unix::fs::symlink("nowhere.txt", p.path("uploads/dangling.txt")).unwrap();
    std::os::unix::fs::symlink("../outside.txt", p.path("uploads/escape.txt")).unwrap();
    p.build(&[]).fails(1).stderr_has("dangling.txt").stderr_has("escape.txt");
    assert_eq!(p.artifact("report.json"), "[\"ASH\",\n\"BAT\",\n\"COW\"]");
    p.remove("uploads/dangling.txt").remove("uploads/escape.txt").build(&[]).nothing_to_do();
}

#[test]
fn no_byte_of_a_file_name_reaches_a_shell() {
    let p = Project::new(WORDS).source("$(touch pwned) `touch pwned`; touch pwned; '.txt", "1 ash\n");
    p.build(&[]).ok();
    assert!(!p.exists("pwned"));
    assert_eq!(p.artifact("report.json"), "[\"ASH\"]");
}

#[test]
fn a_command_that_takes_too_long_is_ended_and_its_limit_named() {
    let p = Project::new("version = 1\n\n[rule.slow]\ncommand = \"sleep 600\"\noutputs = { out = \"o.txt\" }\ntimeout_s = 1\n");
    p.build(&[]).fails(1).failed(&["slow"]).stderr_has("longer than its 1 s (`timeout_s`)");
    p.leaves_nothing_behind();
}

#[test]
fn an_ingestfile_that_is_wrong_is_a_usage_error_that_points_at_the_line() {
    let p = words().edit("Ingestfile.toml", "command = \"cat", "comand = \"cat");
    p.run(&["build"]).fails(2).stderr_has("Ingestfile.toml:").stderr_has("comand").stderr_has("command");
    assert!(!p.exists("artifacts"));
    Project::new("version = 1").remove("Ingestfile.toml").run(&["build"]).fails(2).stderr_has("`ingest init`");
}

#[test]
fn a_folder_without_sources_is_an_error_if_a_rule_ranges_over_them() {
    let p = Project::new(WORDS);
    p.run(&["build"]).fails(2).stderr_has("uploads");
    p.file("uploads/readme.doc", "").run(&["build"]).fails(1).stderr_has("no file in `uploads` is a source");
    std::os::unix::fs::symlink("loop.txt", p.path("uploads/loop.txt")).unwrap();
    let refused = p.file("uploads/book", "%PDF-1.4\n").run(&["build"]);
    refused.fails(1).stderr_has("`loop.txt` is refused: the link leads back to itself");
    refused.stderr_has("sources are what");
}
