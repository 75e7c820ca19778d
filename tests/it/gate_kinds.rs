//! Gates on the whole of an artifact: ratios, drops, coverage, commands, schemas in several files; and that after an edit
//! only the piece that changed is read again for judging.

use crate::project::{Built, Project};

const ROWS: &str = r#"
version = 1

[job]
sources = "uploads"
include = ["*.json"]

[rule.names]
each    = "source"
inputs  = { names = "source" }
command = "cat {names} > {rows}"
outputs = { rows = "names.json" }

[rule.rows]
each    = "source"
inputs  = { source = "source" }
command = "cat {source} > {rows}"
outputs = { rows = "rows.json" }

[rule.rows.gate.rows]
GATE
"#;

fn rows(gate: &str) -> Project {
    Project::new(&ROWS.replace("GATE", gate))
}

fn items(n: usize) -> String {
    let items: Vec<String> = (0..n).map(|i| format!("{{\"id\":{i}}}")).collect();
    format!("[{}]", items.join(","))
}

/// Items whose summaries were made by a build with `--log-level debug`, as `artifact item`.
fn summarised(built: &Built) -> Vec<String> {
    let lines = built.stderr.lines().filter(|l| l.contains("summarised for gates"));
    let field = |line: &str, name: &str| line.split(&format!("{name}=\"")).nth(1)?.split('"').next().map(str::to_owned);
    let mut found: Vec<String> =
        lines.map(|l| format!("{} {}", field(l, "artifact").unwrap(), field(l, "item").unwrap())).collect();
    found.sort();
    found
}

#[test]
fn a_ratio_compares_with_the_items_of_another_artifact() {
    let gate = r#"ratio = { of = "few.rows", min = 0.5, max = 2 }"#;
    let few = "[rule.few]\neach = \"source\"\ninputs = { source = \"source\" }\n\
               command = \"sed 's/},.*]/}]/' {source} > {rows}\"\noutputs = { rows = \"few.json\" }\n\n[rule.rows]";
    let p = Project::new(&ROWS.replace("[rule.rows]", few).replace("GATE", gate)).source("a.json", &items(3));
    let rejected = p.build(&[]);
    rejected.fails(1).stderr_has("3 items for 1 item of `few.rows`, a ratio of 3, and the gate asks for at most 2");
    assert_eq!(p.published_files(), ["few.json", "names.json"]);
    p.build(&[]).fails(1).ran(&[]).stderr_has("a ratio of 3");
    p.source("b.json", &items(1)).build(&[]).ok();
    assert_eq!(p.json("rows.json").as_array().unwrap().len(), 4);
    p.build(&[]).nothing_to_do();
    let judged = p.run(&["gate", "rows.json"]);
    assert_eq!(judged.code, Some(0));
    judged.stdout_has("ratio of few.rows, min 0.5, max 2");
}

#[test]
fn too_large_a_drop_is_rejected_until_it_is_allowed() {
    let p = rows("max_drop = 0.2").source("a.json", &items(10));
    p.build(&[]).ok();
    p.source("a.json", &items(8)).build(&[]).ok();
    let before = p.artifact("rows.json");
    let dropped = p.source("a.json", &items(5)).build(&[]);
    dropped.fails(1).stderr_has("5 items, and the last accepted build had 8: 37.5 % less, and the gate allows 20 %");
    dropped.stderr_has("hint: if there really is less now, `ingest build --allow-drop` accepts it once");
    assert_eq!(p.artifact("rows.json"), before, "what was published stays");
    p.build(&[]).fails(1).ran(&[]).stderr_has("had 8");
    let judged = p.run(&["gate", "rows", "--file", "uploads/a.json"]);
    assert_eq!(judged.code, Some(1));
    judged.stdout_has("max_drop 0.2").stdout_has("the last accepted build had 8");

    let allowed = p.build(&["--allow-drop"]);
    allowed.ok().ran(&[]).stderr_has("`rows.json` is accepted with `--allow-drop`: 5 items");
    assert_eq!(p.json("rows.json").as_array().unwrap().len(), 5);
    p.build(&[]).nothing_to_do();
    p.build(&["--allow-drop"]).nothing_to_do();
    p.source("a.json", &items(4)).build(&[]).ok();
}

#[test]
fn the_baseline_is_what_was_accepted_not_what_was_last_tried() {
    let p = rows("max_drop = 0.5\nmin_items = 3").source("a.json", &items(10));
    p.build(&[]).ok();
    p.source("a.json", &items(2)).build(&[]).fails(1).stderr_has("at least 3");
    p.source("a.json", &items(4)).build(&[]).fails(1).stderr_has("the last accepted build had 10: 60 % less");
    p.source("a.json", &items(5)).build(&[]).ok();
}

#[test]
fn a_job_of_its_own_has_no_baseline_and_removing_files_by_hand_takes_none_away() {
    let p = rows("max_drop = 0").source("a.json", &items(3));
    p.build(&[]).ok();
    assert_eq!(p.run(&["clean"]).code, Some(0));
    p.source("a.json", &items(2)).build(&[]).fails(1).stderr_has("had 3");
    p.build(&["--new-job"]).ok();
}

const PAGES: &str = r#"coverage = { part = "/pages/*/chunked", whole = "/pages/*/words", min = 0.9 }"#;

fn book(chunked: [u32; 3]) -> String {
    let page = |(n, chunked): (usize, &u32)| format!(r#"{{"page":{},"words":100,"chunked":{chunked}}}"#, n + 1);
    let pages: Vec<String> = chunked.iter().enumerate().map(page).collect();
    format!(r#"[{{"source_id":"core.pdf","pages":[{}]}}]"#, pages.join(","))
}

#[test]
fn coverage_names_the_source_and_the_pages_that_are_missing() {
    let p = rows(PAGES).source("a.json", r#"[{"source_id":"notes.md","pages":[]}]"#).source("b.json", &book([100, 40, 90]));
    let rejected = p.build(&[]);
    rejected.fails(1).stderr_has("/1: `/pages/*/chunked` adds up to 230 and `/pages/*/words` to 300, a share of 0.766");
    rejected.stderr_has("most is missing from page 2, page 3 (core.pdf)");
    assert!(!p.exists(&p.published("rows.json")));
    p.source("b.json", &book([100, 80, 90])).build(&[]).ok().ran(&["names b.json", "rows b.json"]);
    p.build(&[]).nothing_to_do();
    p.run(&["gate", "rows"]).stdout_has("coverage /pages/*/chunked of /pages/*/words, min 0.9");
}

const SCRIPT: &str = "#!/bin/sh\nn=$(grep -c '\"bad\"' \"$1\")\n[ \"$n\" = 0 ] && exit 0\n\
                      echo \"$n bad rows\"\necho \"ask gm@example.org about them\"\nexit 1\n";
const SCRIPT_GATE: &str = "command = [\"sh\", \"check.sh\", \"{artifact}\"]\nfiles = [\"check.sh\"]\nenv = [\"STRICT\"]";

#[test]
fn a_command_judges_the_merge_and_its_lines_are_what_is_wrong() {
    let p = rows(SCRIPT_GATE).file("check.sh", SCRIPT).source("a.json", r#"["bad"]"#).source("b.json", r#"["good"]"#);
    let rejected = p.build(&[]);
    rejected.fails(1).stderr_has("the gate of `rows.json` rejected it").stderr_has("(whole): 1 bad rows");
    rejected.stderr_has("ask [e-mail] about them").stderr_lacks("gm@example.org");
    assert!(!p.artifact("logs/ingest.ndjson").contains("gm@example.org"));
    assert!(!p.exists(&p.published("rows.json")));
    let judged = p.run(&["gate", "rows", "--file", "uploads/a.json", "--json"]);
    assert_eq!(judged.code, Some(1));
    judged.stdout_has("command sh check.sh {artifact}").stdout_has("1 bad rows").stdout_has("ask [e-mail] about them");
    p.leaves_nothing_behind();
    p.source("a.json", r#"["fine"]"#).build(&[]).ok();
    p.build(&[]).nothing_to_do();
}

/// How often the command of a gate was asked.
fn asked(p: &Project) -> usize {
    if p.exists("asked") { p.text("asked").lines().count() } else { 0 }
}

#[test]
fn a_command_is_asked_again_when_its_files_or_its_environment_change_and_not_otherwise() {
    let p = rows(SCRIPT_GATE).file("check.sh", "echo asked >> asked\ntrue\n").source("a.json", "[1]");
    p.build(&[]).ok();
    p.remove(&p.published("rows.json")).build(&[]).ok();
    assert_eq!(asked(&p), 1, "the verdict is remembered");
    p.edit("check.sh", "true", "exit 0").build(&[]).ok().ran(&[]);
    assert_eq!(asked(&p), 2, "another script is another judge");
    let strict = p.env("STRICT", "1");
    strict.build(&[]).ok().ran(&[]);
    assert_eq!(asked(&p), 3, "so is the same one in another environment");
    strict.edit("check.sh", "exit 0", "exit 1").build(&[]).fails(1).ran(&[]);
    strict.build(&[]).fails(1).ran(&[]).stderr_has("exit code 1 and said nothing");
    assert_eq!(asked(&p), 4, "a rejection is remembered as well");
}

#[test]
fn a_command_that_gives_no_verdict_has_accepted_nothing() {
    for (gate, said) in [
        ("command = [\"no-such-program\", \"{artifact}\"]", "gave no verdict: cannot start `no-such-program`"),
        ("command = \"no-such-program {artifact}\"", "gave no verdict: its command cannot be started (exit code 127)"),
        ("command = \"cat {artifact}; kill -9 $$\"", "gave no verdict: its command was ended by a signal"),
        (
            "command = \"cat {artifact}; sleep 60\"\ntimeout_s = 1",
            "gave no verdict: the command ran longer than its 1 s (`timeout_s`)",
        ),
    ] {
        let p = rows(gate).source("a.json", "[1]");
        p.build(&[]).fails(1).stderr_has("the gate of `rows.json`").stderr_has(said);
        assert_eq!(p.published_files(), ["names.json"], "{gate}");
        p.build(&[]).fails(1).stderr_has(said);
        p.leaves_nothing_behind();
        let judged = p.run(&["gate", "rows", "--file", "uploads/a.json"]);
        assert_eq!(judged.code, Some(1), "{gate}");
        judged.stderr_has(said);
    }
}

#[test]
fn a_command_may_judge_what_is_no_json() {
    let text = r#"
        version = 1
        [job]
        sources = "uploads"
        [rule.report]
        command = "echo three lines are few > {report}"
        outputs = { report = "report.txt" }
        [rule.report.gate.report]
        command = "grep -q many {artifact} || { echo too few; exit 1; }"
    "#;
    let p = Project::new(text).source("a.txt", "");
    p.build(&[]).fails(1).stderr_has("report.txt").stderr_has("too few");
    p.edit("Ingestfile.toml", "are few", "are many").build(&[]).ok();
}

#[test]
fn a_frozen_pass_is_held_to_its_command_gate() {
    let text =
        ROWS.replace("[rule.names]", "[rule.passA]").replace("[rule.rows]", "[rule.passB]\n").replace("rule.rows", "rule.passB");
    let text = text.replace(
        "inputs  = { source = \"source\" }\ncommand = \"cat {source}",
        "inputs  = { source = \"passA.rows\" }\ncommand = \"cat {source}",
    );
    let text = text.replace("GATE", "min_items = 1") + "\n[rule.passA.gate.rows]\n" + SCRIPT_GATE + "\nmax_drop = 0\n";
    let p = Project::new(&text).file("check.sh", "echo asked >> asked\n").source("a.json", "[1]");
    p.build(&[]).ok();
    p.build(&["--passes", "B"]).ok().ran(&[]);
    assert_eq!(asked(&p), 1, "its verdict is known");
    p.file("check.sh", "echo no more of it; exit 1\n");
    p.build(&["--passes", "B"]).fails(1).stderr_has("`names.json` of passA is invalid: no more of it");
}

const WHOLE: &str = r#"{"type": "array", "items": {"$ref": "parts/row.json#/$defs/Row"}}"#;
const PART: &str = r#"{"$defs": {"Row": {"type": "object", "required": ["id"], "properties": {"id": {"$ref": "../id.json"}}}}}"#;

/// A schema in three files.
fn apart() -> Project {
    let p = rows("schema = \"schemas/rows.json\"").file("schemas/rows.json", WHOLE).file("schemas/parts/row.json", PART);
    p.file("schemas/id.json", r#"{"type": "integer"}"#).source("a.json", &items(2))
}

#[test]
fn a_schema_may_refer_to_other_files_and_an_edit_to_any_judges_again() {
    let p = apart();
    p.build(&[]).ok();
    p.build(&[]).nothing_to_do();
    p.run(&["gate", "rows"]).ok();
    let stricter = p.file("schemas/id.json", r#"{"type": "integer", "minimum": 1}"#).build(&[]);
    stricter.fails(1).ran(&[]).stderr_has("/0/id: 0 is below 1");
    let judged = p.run(&["gate", "rows"]);
    assert_eq!(judged.code, Some(1));
    judged.stdout_has("0 is below 1");
    p.file("schemas/id.json", r#"{"type": "integer", "minimum": 0}"#).build(&[]).ok().ran(&[]);
}

#[test]
fn nothing_to_do_rests_on_every_file_that_a_schema_leads_to() {
    let p = apart();
    for file in ["Ingestfile.toml", "schemas/rows.json", "schemas/parts/row.json", "schemas/id.json"] {
        p.touch(file);
    }
    p.build(&[]).ok();
    p.build(&[]).nothing_to_do();
    p.file("schemas/id.json", r#"{"type": "string"}"#).touch("schemas/id.json");
    p.build(&[]).fails(1).stderr_has("`0` is an integer, not a string");
}

#[test]
fn a_schema_leads_to_nothing_outside_the_project() {
    let with = |to: &str| {
        let p = rows("schema = \"schemas/rows.json\"").source("a.json", &items(1));
        p.file("schemas/rows.json", format!(r#"{{"items": {{"$ref": "{to}"}}}}"#))
    };
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("any.json"), "true").unwrap();
    for (to, said) in [
        ("../../any.json", "`schemas/rows.json` refers to `../../any.json`: it lies outside the project"),
        ("/etc/hostname", "`schemas/rows.json` refers to `/etc/hostname`"),
        ("gone.json", "`schemas/rows.json` refers to `schemas/gone.json`, which does not exist"),
        ("link/any.json", "`schemas/rows.json` refers to `schemas/link/any.json`, which lies outside the project"),
        ("https://example.com/any.json", "`schemas/rows.json` is no JSON Schema"),
    ] {
        let p = with(to);
        std::os::unix::fs::symlink(outside.path(), p.path("schemas/link")).unwrap();
        p.build(&[]).fails(1).stderr_has(said);
        assert!(!p.exists("artifacts/ingest/dev/current") || !p.exists(&p.published("rows.json")), "{to}");
        let judged = p.run(&["gate", "rows", "--file", "uploads/a.json"]);
        assert_eq!(judged.code, Some(1), "{to}");
        judged.stderr_has(said);
    }
}

const FOLDED: &str = "unique = \"/id\"\nrefs = [[\"/of\", \"names.rows\", \"/id\"]]\n\
                      coverage = { part = \"/n\", whole = \"/of\", min = 0 }";

fn keyed(ids: &[u32]) -> String {
    let items: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":{id},"of":{id},"n":1}}"#)).collect();
    format!("[{}]", items.join(","))
}

#[test]
fn after_an_edit_only_that_sources_piece_is_summarised() {
    let p = rows(FOLDED);
    let p = p.source("a.json", &keyed(&[1, 2])).source("b.json", &keyed(&[3])).source("c.json", &keyed(&[4, 5]));
    let debug = ["--log-level", "debug"];
    let first = p.build(&debug);
    first.ok();
    // `names` and `rows` hold the same bytes here: a piece is read once, whoever asks.
    assert_eq!(summarised(&first).len(), 3, "{:?}", summarised(&first));
    let edited = p.source("b.json", &keyed(&[6, 3])).build(&debug);
    edited.ok();
    assert_eq!(summarised(&edited), ["rows.json b.json"]);
    let removed = p.remove("uploads/a.json").build(&debug);
    removed.ok();
    assert_eq!(summarised(&removed), Vec::<String>::new());
    p.build(&debug).nothing_to_do();
}

#[test]
fn a_fold_that_says_no_leads_to_the_same_words_as_ever() {
    let p = rows(FOLDED).source("a.json", &keyed(&[1, 2])).source("b.json", &keyed(&[3]));
    p.build(&[]).ok();
    let twice = p.source("b.json", &keyed(&[3, 2])).build(&["--log-level", "debug"]);
    twice.fails(1).stderr_has("/3/id: `2` is not unique: it is also the value at `/1/id`");
    assert_eq!(summarised(&twice), ["rows.json b.json"]);
    p.source("b.json", &keyed(&[3]).replace("\"of\":3", "\"of\":9")).build(&[]).fails(1).stderr_has("/2/of: `9` does not occur");
}

#[test]
fn a_summary_that_is_damaged_is_made_again() {
    let p = rows("unique = \"/id\"").source("a.json", &keyed(&[1, 2])).source("b.json", &keyed(&[3]));
    p.build(&[]).ok();
    // A summary of keys: a byte of flags, then 16 for each key.
    let blobs = p.tree("cache/cas").into_iter().filter(|(_, (_, bytes))| matches!(bytes.len(), 17 | 33) && bytes[0] == 0);
    let names: Vec<String> = blobs.map(|(name, _)| name).collect();
    assert_eq!(names.len(), 2);
    for name in &names {
        p.file(&format!("cache/cas/{name}"), "damaged");
    }
    p.source("b.json", &keyed(&[2])).build(&[]).fails(1).stderr_has("`2` is not unique");
    p.source("b.json", &keyed(&[4])).build(&[]).ok();
}
