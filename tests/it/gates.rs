//! Gates: what they reject, what is published then, and judging again without a run.

use serde_json::Value;

use crate::project::Project;

const SCHEMA: &str = "schemas/passC_chunks.schema.json";
const TEXT: &str = "\"text\": {\n          \"minLength\": 1";

/// A schema that only words of four letters and more satisfy.
fn demanding() -> Project {
    Project::of_command_passes().edit(SCHEMA, TEXT, "\"text\": {\n          \"minLength\": 4")
}

#[test]
fn pass_c_emitting_content_instead_of_text_is_stopped_at_its_gate() {
    let p = Project::of_command_passes().edit("Ingestfile.toml", r#""text":"%s","metadata""#, r#""content":"%s","metadata""#);
    let stopped = p.build(&[]);
    stopped.fails(1).stderr_has("/0/text").stderr_has("passC");
    assert_eq!(stopped.with_outcome("rejected").len(), 3, "all parts of C were judged");
    let of_d = |e: &&Value| e["rule"] == "passD" || (e["event"] == "pass_started" && e["pass"] == "D");
    let began: Vec<&Value> = stopped.events.iter().filter(of_d).filter(|e| e["outcome"] != "blocked").collect();
    assert!(began.is_empty(), "D began: {began:?}");
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C FAILED, D SKIPPED, E SKIPPED, F SKIPPED");
    assert!(p.record("C")["error"].as_str().unwrap().contains("passC_chunks"), "{}", p.record("C"));
    assert!(!p.exists(&p.published("passC_chunks.json")));
}

#[test]
fn a_rejected_output_is_not_published_and_its_place_is_told() {
    let p = demanding();
    let rejected = p.build(&[]);
    rejected.fails(1).stderr_has("/0/text");
    assert_eq!(rejected.with_outcome("rejected").len(), 2);
    let files = p.published_files();
    assert!(!files.iter().any(|f| f.starts_with("passC") || f.starts_with("passD")), "{files:?}");
    assert_eq!(rejected.last_line(), "ingest: 2 rejected, 5 not built");
}

#[test]
fn a_mended_schema_judges_again_and_runs_nothing_of_its_pass() {
    let p = demanding();
    p.build(&[]).fails(1);
    let mended = p.edit(SCHEMA, "\"minLength\": 4", "\"minLength\": 3").build(&[]);
    mended.ok();
    let ran = mended.with_outcome("ran");
    assert!(ran.iter().all(|a| !a.starts_with("passC")), "{ran:?}");
    assert_eq!(mended.published().first().map(String::as_str), Some("passC_chunks.json"));
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E SUCCESS, F SUCCESS");
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_schema_that_still_accepts_reruns_nothing() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    let judged = p.edit(SCHEMA, TEXT, "\"text\": {\n          \"minLength\": 2").build(&[]);
    judged.ok().ran(&[]).restored(&[]);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_schema_that_does_not_accept_any_more_fails_its_pass_and_what_was_published_stays() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    let before = p.artifact("passC_chunks.json");
    p.edit(SCHEMA, TEXT, "\"text\": {\n          \"minLength\": 4").build(&[]).fails(1).ran(&[]).stderr_has("/0/text");
    assert_eq!(p.record("C")["status"], "FAILED");
    assert_eq!(p.artifact("passC_chunks.json"), before);
    assert_eq!(p.record("C")["artifacts"][0], "passC_chunks.json", "the record of what is there stays");
}

#[test]
fn an_unchanged_gate_reports_the_same_violation_again_without_a_run_and_retry_forces_one() {
    let p = demanding();
    p.build(&[]).fails(1);
    let again = p.build(&[]);
    again.fails(1).ran(&[]).stderr_has("/0/text");
    assert_eq!(again.started(), Vec::<String>::new());
    let retried = p.build(&["--retry"]);
    retried.fails(1).stderr_has("/0/text");
    assert_eq!(retried.started().len(), 2);
}

const ROWS: &str = r#"
version = 1

[job]
sources = "uploads"
include = ["*.json"]

[rule.names]
each    = "source"
inputs  = { source = "source" }
command = "cat {source} > {rows}"
outputs = { rows = "names.json" }

[rule.rows]
each    = "source"
inputs  = { source = "source" }
command = "cat {source} > {rows}"
outputs = { rows = "rows.json" }
gate    = { rows = { GATE } }
"#;

fn rows(gate: &str) -> Project {
    Project::new(&ROWS.replace("GATE", gate))
}

#[test]
fn min_items_counts_the_merge() {
    let p = rows("min_items = 3").source("a.json", r#"[{"id":1}]"#).source("b.json", r#"[{"id":2}]"#);
    p.build(&[]).fails(1).stderr_has("rows.json").stderr_has("3");
    assert!(!p.exists(&p.published("rows.json")));
    p.source("b.json", r#"[{"id":2},{"id":3}]"#).build(&[]).ok().ran(&["names b.json", "rows b.json"]);
    p.build(&[]).nothing_to_do();
}

#[test]
fn an_output_that_is_not_published_is_judged_all_the_same() {
    let p =
        rows("min_items = 2").edit("Ingestfile.toml", "rows = \"rows.json\"", "rows = { path = \"rows.json\", publish = false }");
    p.source("a.json", r#"[{"id":1}]"#).build(&[]).fails(1).stderr_has("`rows.json` rejected it");
    p.source("a.json", r#"[{"id":1},{"id":2}]"#).build(&[]).ok();
    assert_eq!(p.published_files(), ["names.json"]);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_gate_that_refuses_what_is_up_to_date_is_told_and_written_down() {
    for publish in ["true", "false"] {
        let output = format!("rows = {{ path = \"rows.json\", publish = {publish} }}");
        let p = rows("min_items = 1").edit("Ingestfile.toml", "rows = \"rows.json\"", &output).source("a.json", r#"[{"id":1}]"#);
        let status = || p.manifest()["rules"]["rows"]["status"].clone();
        p.build(&[]).ok();
        p.edit("Ingestfile.toml", "min_items = 1", "min_items = 2");
        for _ in 0..2 {
            p.build(&[]).fails(1).ran(&[]).stderr_has("`rows.json` rejected it").ends_saying("ingest: 1 rule failed");
            assert_eq!(status(), "FAILED");
        }
        p.edit("Ingestfile.toml", "min_items = 2", "min_items = 1").build(&[]).ok().ran(&[]);
        assert_eq!(status(), "SUCCESS");
        p.build(&[]).nothing_to_do();
    }
}

#[test]
fn unique_keys_hold_across_items() {
    let p = rows(r#"unique = "/id""#).source("a.json", r#"[{"id":"x"}]"#).source("b.json", r#"[{"id":"y"},{"id":"x"}]"#);
    p.build(&[]).fails(1).stderr_has("/2/id").stderr_has("x");
    p.source("b.json", r#"[{"id":"y"}]"#).build(&[]).ok();
}

#[test]
fn references_must_lead_somewhere() {
    let p = rows(r#"refs = [["/of", "names.rows", "/id"]]"#).source("a.json", r#"[{"id":"x","of":"x"},{"id":"y","of":"z"}]"#);
    p.build(&[]).fails(1).stderr_has("/1/of").stderr_has("z");
    p.source("b.json", r#"[{"id":"z","of":"x"}]"#).build(&[]).ok();
}

#[test]
fn an_output_that_is_not_there_or_empty_or_no_json_is_never_accepted() {
    for (command, said) in [("true", "did not write"), (": > {rows}", "rows"), ("echo '[1' > {rows}", "rows")] {
        let p = Project::new(
            &ROWS
                .replace(
                    "cat {source} > {rows}\"\noutputs = { rows = \"rows",
                    &format!("{command}\"\noutputs = {{ rows = \"rows"),
                )
                .replace("GATE", "min_items = 0"),
        );
        let p = p.source("a.json", "[]");
        p.build(&[]).fails(1).stderr_has(said);
        assert!(!p.exists(&p.published("rows.json")), "{command}");
    }
}

#[test]
fn a_job_without_a_chunk_is_never_a_success() {
    let p = Project::of_command_passes().edit("Ingestfile.toml", "> {chunks}", "> {chunks}; printf '[]' > {chunks}");
    p.build(&[]).fails(1);
    assert_eq!(p.record("C")["status"], "FAILED");
}
