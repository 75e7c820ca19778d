//! Targets, `--resume-from`, `--passes`: what runs, what is taken as it is, and what blocks.

use serde_json::Value;

use crate::project::Project;

fn records(p: &Project, passes: &str) -> Vec<String> {
    passes.chars().map(|c| serde_json::to_string(&p.record(&c.to_string())).unwrap()).collect()
}

/// Which rules ran.
fn rules(built: &crate::project::Built) -> String {
    let mut rules: Vec<String> = built.with_outcome("ran").iter().map(|a| a.split(' ').next().unwrap().to_owned()).collect();
    rules.dedup();
    rules.join(" ")
}

#[test]
fn a_target_is_built_with_all_that_it_needs_and_nothing_more() {
    let p = Project::of_command_passes();
    let built = p.build(&["passD"]);
    built.ok();
    assert_eq!(rules(&built), "passA passB passC passD plain");
    assert!(p.exists(&p.published("passD_enriched.json")) && !p.exists(&p.published("passE_graph.json")));
    let status = |l: &str| p.record(l).get("status").cloned().unwrap_or(Value::from("PENDING"));
    assert_eq!(["A", "B", "C", "D", "E", "F"].map(status), ["SUCCESS", "SUCCESS", "SUCCESS", "SUCCESS", "PENDING", "PENDING"]);
    p.build(&["passD_enriched.json"]).nothing_to_do();
    p.build(&[]).ok().ran(&["passE", "passF"]);
}

#[test]
fn an_unknown_target_pass_or_flag_is_a_usage_error_with_the_nearest_name() {
    let p = Project::of_command_passes();
    p.build(&["pasD"]).fails(2).stderr_has("`pasD`").stderr_has("did you mean `passD`?");
    p.build(&["passD:alfa.txt"]).fails(2).stderr_has("did you mean `alpha.txt`?");
    p.run(&["build", "--resume-from", "G"]).fails(2);
    p.run(&["build", "--passes", "A,X"]).fails(2);
    p.run(&["build", "--nonsense"]).fails(2);
    assert!(!p.exists("artifacts"));
}

#[test]
fn an_invalid_artifact_of_an_earlier_pass_blocks_naming_file_and_place() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    let chunks = p.published("passC_chunks.json");
    let bad = p.text(&chunks).replacen("\"text\":", "\"content\":", 1);
    let blocked = p.file(&chunks, &bad).build(&["--resume-from", "D"]);
    blocked.fails(1).ran(&[]).stderr_has("passC_chunks.json").stderr_has("/0/content").stderr_has("passC");
    assert_eq!(p.text(&chunks), bad, "a pass that is not selected is never repaired");
    p.build(&[]).ok().ran(&[]);
    p.build(&["--resume-from", "D"]).nothing_to_do();
    let before = p.written();
    p.build(&["--resume-from", "D"]).nothing_to_do();
    p.wrote_nothing_since(&before);
}

#[test]
fn an_edited_artifact_blocks_even_if_it_is_valid_and_a_missing_one_too() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    let chunks = p.published("passC_chunks.json");
    let edited = p.text(&chunks).replacen("\"text\":\"one\"", "\"text\":\"uno\"", 1);
    p.file(&chunks, edited).build(&["--resume-from", "D"]).fails(1).ran(&[]).stderr_has("passC_chunks.json").stderr_has("edited");
    p.remove(&chunks).build(&["--resume-from", "D"]).fails(1).ran(&[]).stderr_has("passC_chunks.json").stderr_has("missing");
    assert!(!p.exists(&chunks));
}

#[test]
fn resuming_from_e_runs_e_and_f_only_and_leaves_the_earlier_records() {
    let p = Project::of_command_passes();
    p.build(&["passD"]).ok();
    let before = records(&p, "ABCD");
    let resumed = p.build(&["--resume-from", "E"]);
    resumed.ok().ran(&["passE", "passF"]);
    assert_eq!(records(&p, "ABCD"), before);
    p.build(&["--resume-from", "E"]).nothing_to_do();
}

#[test]
fn resuming_in_a_fresh_job_is_blocked_by_the_first_pass_that_is_not_there() {
    let p = Project::of_command_passes();
    p.build(&["--resume-from", "C"]).fails(1).ran(&[]).stderr_has("passA is PENDING");
    assert!(!p.exists("artifacts/ingest/dev/current") || !p.exists(&p.published("passC_chunks.json")));
}

#[test]
fn chosen_passes_in_a_fresh_job_are_blocked_by_the_one_between_them() {
    let p = Project::of_command_passes();
    let blocked = p.build(&["--passes", "A,C"]);
    blocked.fails(1).stderr_has("passB is PENDING");
    assert_eq!(rules(&blocked), "passA plain");
    assert_eq!((&p.record("A")["status"], &p.record("C")["status"]), (&"SUCCESS".into(), &"SKIPPED".into()));
    assert!(p.record("C")["error"].as_str().unwrap().contains("passB is PENDING"), "{}", p.record("C"));
}

#[test]
fn chosen_passes_run_alone_once_the_others_are_there() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    let before = records(&p, "BDEF");
    let edited = p.edit(
        "Ingestfile.toml",
        "read -r id < {text}\nprintf '[{\"source_id\"",
        "read -r id  < {text}\nprintf '[{\"source_id\"",
    );
    let edited = edited.edit("Ingestfile.toml", "read -r id part word < {part}", "read -r id part word  < {part}");
    let built = edited.build(&["--passes", "A,C"]);
    built.ok();
    assert_eq!(rules(&built), "passA passC");
    assert_eq!(records(&p, "BDEF"), before);
}

#[test]
fn a_source_that_differs_from_the_one_a_frozen_pass_was_made_from_blocks() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    let before = p.artifact("passC_chunks.json");
    let built = p.source("beta.txt", "beta\nfour\n").build(&["--resume-from", "C"]);
    built.fails(1).stderr_has("beta.txt");
    assert_eq!(p.artifact("passC_chunks.json"), before);
}

#[test]
fn a_target_of_one_source_runs_only_its_actions_and_publishes_nothing() {
    let p = Project::of_command_passes();
    let built = p.build(&["passD:alpha.txt"]);
    built.ok();
    let ran = built.with_outcome("ran");
    assert!(!ran.is_empty() && ran.iter().all(|a| a.contains("alpha.txt")), "{ran:?}");
    assert_eq!(built.published(), Vec::<String>::new());
    assert!(p.tree("artifacts").keys().all(|f| !f.ends_with("passD_enriched.json")));
    let rest = p.build(&["passD"]);
    rest.ok();
    assert!(rest.with_outcome("ran").iter().all(|a| a.contains("beta.txt")), "{:?}", rest.with_outcome("ran"));
}

#[test]
fn a_frozen_pass_that_is_older_than_what_it_was_made_from_is_a_warning() {
    let p = Project::of_command_passes();
    p.build(&[]).ok().stderr_lacks("is older");
    p.edit(
        "Ingestfile.toml",
        "printf '%s %s %s\\n' \"$id\" \"$part\" \"$word\"",
        "printf '%s %s %s!\\n' \"$id\" \"$part\" \"$word\"",
    );
    p.build(&["--passes", "B"]).ok();
    let resumed = p.build(&["--resume-from", "D"]);
    resumed.ok().ran(&[]).stderr_has("passC is older than what it was made from: its input `part` changed since");
    p.build(&[]).ok().stderr_lacks("is older");
}
