//! `manifest.json` and the log: what they say at each transition, and that it is true.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::project::{COMMAND_PASSES, Handshake, Project};

fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}

#[test]
fn a_built_job_is_described_in_full() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    let manifest = p.manifest();
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E SUCCESS, F SUCCESS");
    assert_eq!(manifest["env"], "dev");
    assert_eq!(p.job().rsplit('/').next(), manifest["job_id"].as_str());
    let shas = manifest["source_sha_map"].as_object().unwrap();
    assert_eq!(shas.len(), 2);
    for (id, sha) in shas {
        assert_eq!(*sha, sha256(&p.bytes(&format!("uploads/{id}"))), "{id}");
    }
    assert_eq!(manifest["rules"]["plain"]["status"], "SUCCESS");
    assert_eq!(p.record("C")["artifact_records"][0]["items"], 3);
    for (letter, record) in manifest["passes"].as_object().unwrap() {
        let records = record["artifact_records"].as_array().unwrap();
        let names: Vec<&Value> = records.iter().map(|r| &r["name"]).collect();
        assert_eq!(names, record["artifacts"].as_array().unwrap().iter().collect::<Vec<_>>(), "{letter}");
        assert!(record["started"].is_string() && record["ended"].is_string() && record["error"].is_null(), "{letter}");
        for file in records.iter().filter(|r| !r["name"].as_str().unwrap().ends_with('/')) {
            let bytes = p.bytes(&p.published(file["name"].as_str().unwrap()));
            assert_eq!(file["digest"].as_str(), Some(blake3::hash(&bytes).to_hex().as_str()), "{file}");
            assert_eq!(file["bytes"], bytes.len(), "{file}");
        }
    }
}

#[test]
fn the_manifest_is_rewritten_at_each_transition_of_a_pass() {
    let held = COMMAND_PASSES.replace("sed 's/", &format!("{} sed 's/", Handshake::SHELL));
    let p = Project::of_passes(&held).source("alpha.txt", "alpha\none\n");
    let handshake = Handshake::new(&p);
    let running = p.start(&["build", "--json"]);
    handshake.wait();
    // Whoever reads this later, with no build at work, reads the truth: the pass was cut short.
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D FAILED, E PENDING, F PENDING");
    let under_way = p.record("D");
    assert!(under_way["started"].is_string() && under_way["ended"].is_null() && under_way["error"].is_string(), "{under_way}");
    assert!(p.exists(&p.published("passC_chunks.json")), "a record comes after what it names");
    handshake.release();
    running.end().ok();
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E SUCCESS, F SUCCESS");
}

/// The text of a pass's record, as it stands in the file.
fn record_text(p: &Project, pass: &str) -> String {
    serde_json::to_string(&p.record(pass)).unwrap()
}

#[test]
fn passes_that_an_edit_does_not_reach_keep_their_records_and_clocks() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    let before = ["A", "B", "C", "D", "E"].map(|l| record_text(&p, l));
    let from = "printf '{\"stale_deleted\":0,";
    p.edit("Ingestfile.toml", from, "printf '{\"stale_deleted\":1,").build(&[]).ok().ran(&["passF"]);
    assert_eq!(before, ["A", "B", "C", "D", "E"].map(|l| record_text(&p, l)));
}

#[test]
fn a_failed_pass_keeps_what_it_published_before_and_later_passes_are_skipped() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    let (a, c) = (record_text(&p, "A"), p.record("C"));
    p.edit("Ingestfile.toml", "read -r id part word < {part}", "exit 3").build(&[]).fails(1).stderr_has("exit code 3");
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C FAILED, D SKIPPED, E SKIPPED, F SKIPPED");
    assert_eq!(record_text(&p, "A"), a);
    assert_eq!(p.record("C")["artifact_records"], c["artifact_records"]);
    assert!(p.record("C")["error"].as_str().unwrap().contains("exit code 3"));
    assert!(p.exists(&p.published("passC_chunks.json")));
    p.edit("Ingestfile.toml", "exit 3", "read -r id part word < {part}").build(&[]).ok().ran(&[]);
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E SUCCESS, F SUCCESS");
    assert!(p.record("C")["error"].is_null());
}

#[test]
fn a_source_that_changed_has_its_new_digest() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    p.source("beta.txt", "beta\nfour\n").remove("uploads/alpha.txt").source("gamma.txt", "gamma\nfive\n").build(&[]).ok();
    let shas = p.manifest()["source_sha_map"].as_object().unwrap().clone();
    assert_eq!(shas.keys().collect::<Vec<_>>(), ["beta.txt", "gamma.txt"]);
    assert_eq!(shas["beta.txt"], sha256(b"beta\nfour\n"));
}

#[test]
fn the_log_tells_each_pass_from_start_to_end_in_order_with_its_counts() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    let log = p.log();
    let told: Vec<String> = log
        .iter()
        .filter_map(|e| match e["event"].as_str()? {
            "pass_started" => Some(format!("{} started", e["pass"].as_str()?)),
            "pass_ended" => Some(format!("{} {}: {} ran", e["pass"].as_str()?, e["status"].as_str()?, e["counts"]["ran"])),
            _ => None,
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    A started
    A SUCCESS: 2 ran
    B started
    B SUCCESS: 2 ran
    C started
    C SUCCESS: 3 ran
    D started
    D SUCCESS: 3 ran
    E started
    E SUCCESS: 1 ran
    F started
    F SUCCESS: 1 ran
    ");
    assert_eq!((&log[0]["event"], &log.last().unwrap()["event"]), (&"build_started".into(), &"build_ended".into()));
    assert!(log.iter().all(|e| e["build_id"] == p.manifest()["build_id"] && e["time"].is_string()));
}

#[test]
fn a_record_counts_what_was_published() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    assert_eq!(p.record("A")["metrics"]["published"], 3);
}

#[test]
fn the_stream_of_events_and_the_log_hold_the_same_lines() {
    let p = Project::of_command_passes();
    let built = p.build(&[]);
    built.ok();
    let kinds = |events: &[Value]| events.iter().map(|e| e["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(kinds(&built.events), kinds(&p.log()));
}

#[test]
fn a_new_job_is_filled_from_the_cache() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    let first = p.job();
    p.build(&["--new-job"]).ok().ran(&[]);
    assert_ne!(first, p.job());
    assert_eq!(p.text(&format!("{first}/passF_clean.json")), p.artifact("passF_clean.json"));
    p.build(&[]).nothing_to_do();
    assert!(Path::new(&p.path(&first)).is_dir());
}
