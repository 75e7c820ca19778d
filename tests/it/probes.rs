//! The probe table of the README: two rules, src -A-> a -B-> b, and what a build does after each of eleven events. Every
//! probe returns the word that it observed; the table's last column is made of those words.

use crate::project::{Built, Handshake, Project, repository};

const TWO_RULES: &str = r#"
version = 1

[rule.A]
inputs  = { src = { file = "src.txt" } }
command = "grep -v '^#' {src} > {out}"
outputs = { out = "a.txt" }

[rule.B]
inputs  = { a = "A.out" }
command = 'tr a-z A-Z < {a} > {out}; echo "$MARK" >> {out}'
outputs = { out = "b.txt" }
env     = ["MARK"]
"#;

/// The project, built once.
fn built() -> Project {
    let p = Project::new(TWO_RULES).file("src.txt", "one\n").env("MARK", "1");
    p.build(&[]).ok().ran(&["A", "B"]);
    assert_eq!(p.artifact("b.txt"), "ONE\n1\n");
    p
}

/// What a build did, in the words of the table; `b.txt` holds `b` after it, and then there is nothing left to do.
#[track_caller]
fn observed(build: &Built, b: &str) -> String {
    build.ok();
    let p = &build.project;
    assert_eq!(p.artifact("b.txt"), b);
    p.build(&[]).nothing_to_do();
    let restored = build.with_outcome("from_cache");
    match (build.with_outcome("ran").concat(), restored.len(), build.published().len()) {
        (ran, ..) if !ran.is_empty() => ran,
        (_, 0, 0) => {
            build.nothing_to_do();
            "nothing".to_owned()
        }
        (_, 0, _) => "repaired, 0 runs".to_owned(),
        _ => "restored, 0 runs".to_owned(),
    }
}

fn with_time_of(p: &Project, path: &str, text: &str, time: std::time::SystemTime) -> Project {
    p.file(path, text);
    std::fs::File::options().append(true).open(p.path(path)).unwrap().set_modified(time).unwrap();
    p.clone()
}

fn time_of(p: &Project, path: &str) -> std::time::SystemTime {
    p.path(path).metadata().unwrap().modified().unwrap()
}

fn touch_src() -> String {
    let p = built().touch("src.txt");
    observed(&p.build(&[]), "ONE\n1\n")
}

fn output_of_a_unchanged() -> String {
    let p = built().file("src.txt", "# a comment\none\n");
    observed(&p.build(&[]), "ONE\n1\n")
}

fn revert() -> String {
    let p = built();
    p.file("src.txt", "two\n").build(&[]).ok().ran(&["A", "B"]);
    p.file("src.txt", "one\n");
    observed(&p.build(&[]), "ONE\n1\n")
}

fn same_size_and_time() -> String {
    let p = built();
    let time = time_of(&p, "src.txt");
    observed(&with_time_of(&p, "src.txt", "two\n", time).build(&[]), "TWO\n1\n")
}

fn older_time() -> String {
    let p = built();
    let time = time_of(&p, "src.txt") - std::time::Duration::from_secs(86_400);
    observed(&with_time_of(&p, "src.txt", "another\n", time).build(&[]), "ANOTHER\n1\n")
}

fn command_of_a() -> String {
    let p = built().edit("Ingestfile.toml", "grep -v '^#' {src}", "sed '/^#/d' {src}");
    observed(&p.build(&[]), "ONE\n1\n")
}

fn environment_of_b() -> String {
    let p = built().env("MARK", "2");
    observed(&p.build(&[]), "ONE\n2\n")
}

fn b_overwritten() -> String {
    let p = built();
    p.file(&p.published("b.txt"), "junk\n");
    let repaired = p.build(&[]);
    repaired.stderr_has("`b.txt` was changed by hand; what it held is kept as `cache/rejected/");
    observed(&repaired, "ONE\n1\n")
}

fn edited_while_a_runs() -> String {
    let held = TWO_RULES.replace("\"grep", &format!("\"{} grep", Handshake::SHELL));
    let p = Project::new(&held).file("src.txt", "one\n").env("MARK", "1");
    let handshake = Handshake::new(&p);
    let running = p.start(&["build", "--json"]);
    handshake.wait();
    p.file("src.txt", "two\n");
    handshake.release();
    let build = running.end();
    assert_eq!(observed(&build, "TWO\n1\n"), "AABB");
    let runs_of_a = build.started().iter().filter(|a| *a == "A").count();
    if runs_of_a == 2 { "A again".to_owned() } else { format!("A {runs_of_a} times") }
}

fn killed_in_a() -> String {
    let p = built();
    let half = format!("\"printf o > {{out}}; {} grep", Handshake::SHELL);
    p.edit("Ingestfile.toml", "\"grep", &half).file("src.txt", "two\n");
    let handshake = Handshake::new(&p);
    let running = p.start(&["build"]);
    handshake.wait();
    running.kill();
    assert_eq!(p.artifact("a.txt") + &p.artifact("b.txt"), "one\nONE\n1\n");
    handshake.release();
    assert_eq!(observed(&p.build(&[]), "TWO\n1\n"), "AB");
    p.leaves_nothing_behind();
    "new or old, never half".to_owned()
}

fn rule_b_removed() -> String {
    let p = built();
    let without = TWO_RULES.split("[rule.B]").next().unwrap();
    let reported = p.ingestfile(without).build(&[]);
    reported.ok().ran(&[]).stderr_has("rule `B` is no longer in the Ingestfile; `ingest clean B` removes its 1 file");
    assert!(p.exists(&p.published("b.txt")));
    p.run(&["clean", "B"]).ok();
    assert_eq!(p.published_files(), ["a.txt"]);
    p.build(&[]).ok().ran(&[]).stderr_lacks("no longer");
    "reported, `clean` removes it".to_owned()
}

/// A row: the event, what the other tools do (make, ninja, n2, doit, DVC, Snakemake), what is right, and what we do.
struct Row {
    event: &'static str,
    others: [&'static str; 6],
    right: &'static str,
    probe: fn() -> String,
}

const fn row(event: &'static str, others: [&'static str; 6], right: &'static str, probe: fn() -> String) -> Row {
    Row { event, others, right, probe }
}

const ROWS: [Row; 11] = [
    row("src touched", ["AB", "AB", "AB", "–", "–", "–"], "nothing", touch_src),
    row("output of A unchanged", ["AB", "AB", "AB", "A", "A", "AB"], "A", output_of_a_unchanged),
    row("src back to what it was before", ["AB", "AB", "AB", "AB", "restored", "AB"], "restored, 0 runs", revert),
    row("new content, size and mtime as before", ["missed"; 6], "AB", same_size_and_time),
    row("new content, older mtime", ["missed", "missed", "AB", "AB", "AB", "missed"], "AB", older_time),
    row("command of A changed", ["missed", "AB", "AB", "missed", "A", "AB"], "A", command_of_a),
    row("environment variable of B changed", ["missed"; 6], "B", environment_of_b),
    row(
        "b overwritten by hand",
        ["junk stays", "junk stays", "B", "junk stays", "repaired", "junk stays"],
        "repaired, 0 runs",
        b_overwritten,
    ),
    row("src edited while A runs", ["stale", "A again", "stale", "stale", "stale", "lock"], "A again", edited_while_a_runs),
    row(
        "`kill -9` in A",
        [
            "partial trusted",
            "ok",
            "ok",
            "ok",
            "lock file left at 0 bytes, every record lost",
            "stale lock, exit 1 until `--unlock`",
        ],
        "new or old, never half",
        killed_in_a,
    ),
    row("rule B removed", ["b kept"; 6], "reported, `clean` removes it", rule_b_removed),
];

#[track_caller]
fn is_right(event: &str) {
    let row = ROWS.iter().find(|r| r.event == event).unwrap();
    assert_eq!((row.probe)(), row.right, "{event}");
}

#[test]
fn a_touched_file_runs_nothing() {
    is_right("src touched");
}

#[test]
fn an_equal_output_runs_nothing_further() {
    is_right("output of A unchanged");
}

#[test]
fn content_that_was_seen_before_runs_nothing() {
    is_right("src back to what it was before");
}

#[test]
fn new_content_of_equal_size_and_time_is_noticed() {
    is_right("new content, size and mtime as before");
}

#[test]
fn new_content_that_is_older_is_noticed() {
    is_right("new content, older mtime");
}

#[test]
fn another_command_runs_just_its_rule_if_it_makes_the_same() {
    is_right("command of A changed");
}

#[test]
fn another_value_of_a_declared_variable_runs_just_its_rule() {
    is_right("environment variable of B changed");
}

#[test]
fn a_published_file_that_was_overwritten_is_repaired() {
    is_right("b overwritten by hand");
}

#[test]
fn an_edit_while_a_command_runs_makes_it_run_again() {
    is_right("src edited while A runs");
}

#[test]
fn a_killed_build_leaves_old_or_new() {
    is_right("`kill -9` in A");
}

#[test]
fn what_a_removed_rule_left_is_reported_and_can_be_removed() {
    is_right("rule B removed");
}

const BEGIN: &str = "<!-- made by tests/it/probes.rs: UPDATE_GOLDEN=1 cargo test --test it probes -->\n";
const END: &str = "<!-- end of what probes.rs makes -->\n";

fn table() -> String {
    let mut text = "| after | make 4.3 | ninja 1.13 | n2 | doit | DVC 3.67 | Snakemake 9.27 | right | ingest |\n".to_owned();
    text.push_str("|---|---|---|---|---|---|---|---|---|\n");
    for Row { event, others, right, probe } in &ROWS {
        text.push_str(&format!("| {event} | {} | {right} | {} |\n", others.join(" | "), probe()));
    }
    text
}

#[test]
fn the_table_of_the_readme_holds_what_was_observed() {
    let path = repository().join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the README marks where the table begins");
    let (committed, after) = rest.split_once(END).expect("the README marks where the table ends");
    let table = table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(committed, table, "the README says otherwise; if it is meant, run with UPDATE_GOLDEN=1");
}
