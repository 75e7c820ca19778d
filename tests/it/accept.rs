//! `--accept` and `--discard`: a published file that was edited by hand stands for what its rule made.

use serde_json::Value;

use crate::project::{Built, Project};

const CHUNKS: &str = "passC_chunks.json";

/// The six command passes, built.
fn built() -> Project {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    p
}

/// Writes `UNO` in the place of `one` into the published chunks.
fn edit(p: &Project) -> String {
    let edited = p.artifact(CHUNKS).replacen("\"text\":\"one\"", "\"text\":\"UNO\"", 1);
    assert!(edited.contains("UNO"));
    p.file(&p.published(CHUNKS), &edited);
    edited
}

/// Records of passes, byte for byte.
fn records(p: &Project, passes: &str) -> Vec<String> {
    let manifest: serde_json::Map<String, Value> = serde_json::from_str(&p.artifact("manifest.json")).unwrap();
    passes.chars().map(|c| serde_json::to_string(&manifest["passes"][c.to_string()]).unwrap()).collect()
}

/// How often each rule ran.
fn rules(built: &Built) -> Vec<String> {
    built.with_outcome("ran").iter().map(|a| a.split(' ').next().unwrap().to_owned()).collect()
}

/// `alpha.txt/part-…`, the item of the `n`th chunk.
fn item(p: &Project, n: usize) -> String {
    let chunk = &p.json(CHUNKS)[n];
    format!("{}.txt/{}", chunk["source_id"].as_str().unwrap(), chunk["metadata"]["part_id"].as_str().unwrap())
}

fn hex(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[test]
fn an_edited_file_that_is_accepted_is_what_consumers_see_and_stays() {
    let p = built();
    let edited = edit(&p);
    let accepted = p.build(&["--accept", "passC"]);
    accepted.ok().stderr_has("adopted passC_chunks.json as edited by hand (3 items").stderr_lacks("warning");
    assert_eq!(rules(&accepted), ["passD", "passE", "passF"], "of passD only what reads the edited item");
    assert_eq!(p.artifact(CHUNKS), edited, "byte for byte");
    assert!(p.artifact("passF_clean.json").contains("UNO") && p.artifact("passD_enriched.json").contains("UNO"));
    assert!(!p.exists("cache/rejected"));
    p.build(&["--resume-from", "D"]).nothing_to_do();
    let before = p.written();
    p.build(&[]).nothing_to_do();
    p.build(&["--resume-from", "D"]).nothing_to_do();
    p.wrote_nothing_since(&before);
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E SUCCESS, F SUCCESS");
}

#[test]
fn accepting_and_resuming_from_e_is_one_command_that_leaves_d_frozen() {
    let p = built();
    let before = records(&p, "ABD");
    let c_before = p.record("C");
    let edited = edit(&p);
    let built = p.build(&["--accept", "passC", "--resume-from", "E"]);
    built.ok().stderr_has("passD is older than what it was made from: its input `chunks` changed since");
    assert_eq!(rules(&built), ["passF"], "E reads no chunks, so it comes out as it was");
    assert_eq!(records(&p, "ABD"), before);
    let mut c_after = p.record("C");
    let record = &mut c_after["artifact_records"][0];
    assert_eq!((&record["digest"], &record["adopted"]), (&hex(&edited).into(), &true.into()));
    *record = c_before["artifact_records"][0].clone();
    assert_eq!(c_after, c_before, "but for its artifact, the record of C is what it was");
    let written = p.written();
    p.build(&["--resume-from", "E"]).nothing_to_do();
    p.wrote_nothing_since(&written);
    let rest = p.build(&[]);
    rest.ok().stderr_lacks("is older");
    assert_eq!(rules(&rest), ["passD", "passE", "passF"]);
    assert!(p.artifact("passD_enriched.json").contains("UNO"));
    assert_eq!(p.artifact(CHUNKS), edited);
}

#[test]
fn a_frozen_pass_whose_references_an_edit_breaks_still_blocks() {
    let p = built();
    let id = p.json(CHUNKS)[0]["chunk_id"].as_str().unwrap().to_owned();
    p.edit(&p.published(CHUNKS), &id, "chunk-00000000deadbeef");
    let blocked = p.build(&["--accept", "passC", "--resume-from", "E"]);
    blocked.fails(1).ran(&[]).stderr_has("`passD_enriched.json` of passD is invalid").stderr_has("/0/chunk_id").stderr_has(&id);
    // Taken back.
    p.build(&["--discard", "passC"]).ok().ran(&[]);
    p.build(&["--resume-from", "E"]).nothing_to_do();
}

#[test]
fn a_file_that_its_gates_reject_is_not_adopted_and_stays_where_it_is() {
    let p = built();
    let bad = p.artifact(CHUNKS).replacen("\"text\":\"one\"", "\"content\":\"one\"", 1);
    p.file(&p.published(CHUNKS), &bad);
    let before = p.written();
    let refused = p.run(&["build", "--accept", "passC", "--resume-from", "E"]);
    refused
        .fails(1)
        .stderr_has("`passC_chunks.json`")
        .stderr_has("/0/content")
        .stderr_has("ingest: stopped; nothing was adopted");
    assert_eq!(p.artifact(CHUNKS), bad);
    assert_eq!(before[1], p.written()[1]);
    let twice = p.artifact(CHUNKS).replacen("\"content\"", "\"text\"", 1);
    let first = twice.lines().next().unwrap().trim_start_matches('[').trim_end_matches(',').to_owned();
    p.file(&p.published(CHUNKS), twice.replacen('[', &format!("[{first},\n"), 1));
    p.run(&["build", "--accept", "passC"]).fails(1).stderr_has("/1/chunk_id");
    p.file(&p.published(CHUNKS), "not json").run(&["build", "--accept", "passC"]).fails(1).stderr_has("passC_chunks.json");
    assert_eq!(p.artifact(CHUNKS), "not json");
}

#[test]
fn a_file_that_was_not_edited_is_said_to_be_so_and_nothing_changes() {
    let p = built();
    let before = p.written();
    p.build(&["--accept", "passC"]).nothing_to_do().stderr_has("nothing was edited in `passC_chunks.json`: nothing is adopted");
    p.touch(&p.published(CHUNKS)).build(&["--accept", "passC"]).ok().ran(&[]).stderr_has("nothing was edited");
    assert_eq!(p.published_files().len(), before[1].keys().filter(|k| k.ends_with(".json") || k.contains("/parts/")).count() - 1);
    assert_eq!(p.record("C")["artifact_records"][0].get("adopted"), None);
}

#[test]
fn ids_that_are_unknown_and_sources_of_which_nothing_is_left_are_named() {
    let p = built();
    let good = p.artifact(CHUNKS);
    let at = p.published(CHUNKS);
    let part = p.json(CHUNKS)[0]["metadata"]["part_id"].as_str().unwrap().to_owned();
    p.file(&at, good.replacen(&format!("\"part_id\":\"{part}\""), "\"part_id\":\"part-00000000deadbeef\"", 1));
    p.run(&["build", "--accept", "passC"])
        .fails(1)
        .stderr_has("/0/metadata/part_id: it names the part `part-00000000deadbeef`, which `alpha.txt` does not have");
    let chunks: Vec<Value> = serde_json::from_str(&good).unwrap();
    p.file(&at, serde_json::to_string(&chunks[..2]).unwrap());
    p.run(&["build", "--accept", "passC"]).fails(1).stderr_has("nothing of the source `beta.txt` is left in it");
    let turned: Vec<&Value> = chunks.iter().rev().collect();
    p.file(&at, serde_json::to_string(&turned).unwrap());
    p.run(&["build", "--accept", "passC"]).fails(1).stderr_has("/0: it is out of place");
    p.remove(&at).run(&["build", "--accept", "passC"]).fails(1).stderr_has("`passC_chunks.json` is missing");
    p.build(&[]).ok().ran(&[]);
    assert_eq!(p.artifact(CHUNKS), good);
}

#[test]
fn items_of_a_source_that_is_gone_are_named() {
    let p = built();
    edit(&p);
    p.remove("uploads/beta.txt")
        .run(&["build", "--accept", "passC"])
        .fails(1)
        .stderr_has("/2/source_id: it names the source `beta`");
}

#[test]
fn a_changed_key_stops_the_build_with_the_choice() {
    let p = built();
    let edited = edit(&p);
    p.build(&["--accept", "passC"]).ok();
    p.edit("Ingestfile.toml", "read -r id part word < {part}", "read -r id part word  < {part}");
    let items = [0, 1, 2].map(|n| format!("passC {}", item(&p, n)));
    let stopped = p.build(&[]);
    stopped.fails(1).ran(&[&items[1], &items[2]]).failed(&[&items[0]]);
    stopped
        .stderr_has("`passC_chunks.json` was adopted as edited by hand, and what it was made from changed: its command changed")
        .stderr_has("`ingest build --discard passC` takes the new result; `ingest build --accept passC` keeps the edits");
    assert_eq!(p.artifact(CHUNKS), edited);
    assert_eq!(p.record("C")["status"], "FAILED");
    let why: Value = serde_json::from_str(&p.run(&["why", "passC", "--json"]).stdout).unwrap();
    let cause = &why["steps"][0]["cause"];
    assert_eq!((&cause["kind"], &cause["name"]), (&"adopted".into(), &CHUNKS.into()), "{why:#}");
    p.run(&["status"])
        .ok()
        .stdout_has("`passC_chunks.json` is adopted as edited by hand")
        .stdout_has("was adopted as edited by hand, and");
    p.build(&[]).fails(1).ran(&[]);

    let kept = p.copy();
    let accepted = kept.build(&["--accept", "passC"]);
    accepted.ok().ran(&[&items[0]]).stderr_has("are kept, though what they were made on changed");
    assert_eq!(kept.artifact(CHUNKS), edited);
    kept.build(&[]).nothing_to_do();

    let discarded = p.build(&["--discard", "passC"]);
    discarded.ok().stderr_has("no longer adopted as edited by hand; what it held is kept as `cache/rejected/");
    assert!(!p.artifact(CHUNKS).contains("UNO") && !p.artifact("passF_clean.json").contains("UNO"));
    assert!(p.tree("cache/rejected").values().any(|(_, bytes)| bytes == edited.as_bytes()));
    assert_eq!(p.record("C")["artifact_records"][0].get("adopted"), None);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_source_that_changes_stops_the_build_only_where_its_items_were_edited() {
    let p = built();
    edit(&p);
    p.build(&["--accept", "passC"]).ok();
    p.source("beta.txt", "beta\nfour\n").build(&[]).ok();
    let chunks = p.artifact(CHUNKS);
    assert!(chunks.contains("UNO") && chunks.contains("four"), "{chunks}");
    assert_eq!(p.record("C")["artifact_records"][0]["adopted"], true);
    p.build(&[]).nothing_to_do();
    // The part that was edited is another one now.
    let stopped = p.source("alpha.txt", "alpha\nuno\ntwo\n").build(&[]);
    stopped.fails(1).stderr_has("was adopted as edited by hand, and its item `alpha.txt/part-").stderr_has("is no longer there");
    assert_eq!(p.artifact(CHUNKS), chunks);
    p.build(&["--discard", "passC"]).ok();
    assert!(!p.artifact(CHUNKS).contains("UNO"));
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_deleted_or_edited_adopted_file_is_restored_without_a_run() {
    let p = built();
    let edited = edit(&p);
    p.build(&["--accept", "passC"]).ok();
    p.remove(&p.published(CHUNKS)).build(&[]).ok().ran(&[]);
    assert_eq!(p.artifact(CHUNKS), edited);
    p.file(&p.published(CHUNKS), edited.replace("UNO", "EINS")).build(&[]).ok().ran(&[]).stderr_has("changed by hand");
    assert_eq!(p.artifact(CHUNKS), edited);
    p.run(&["clean"]).ok();
    p.build(&[]).ok().ran(&[]);
    assert_eq!(p.artifact(CHUNKS), edited);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_second_edit_is_accepted_over_the_first() {
    let p = built();
    edit(&p);
    p.build(&["--accept", "passC"]).ok();
    let again = p.artifact(CHUNKS).replacen("\"text\":\"three\"", "\"text\":\"TRE\"", 1);
    let accepted = p.file(&p.published(CHUNKS), &again).build(&["--accept", CHUNKS]);
    accepted.ok().ran(&[&format!("passD {}", item(&p, 2)), "passE", "passF"]);
    assert!(p.artifact("passF_clean.json").contains("UNO") && p.artifact("passF_clean.json").contains("TRE"));
    p.build(&[]).nothing_to_do();
    // What is edited back is no longer replaced.
    let back = again.replace("UNO", "one").replace("TRE", "three");
    p.file(&p.published(CHUNKS), back).build(&["--accept", "passC"]).ok();
    p.build(&["--discard", "passC"]).ok();
    assert!(!p.artifact("passF_clean.json").contains("UNO"));
}

#[test]
fn an_adoption_stays_in_its_job() {
    let p = built();
    edit(&p);
    p.build(&["--accept", "passC"]).ok();
    p.build(&["--new-job"]).ok().ran(&[]);
    assert!(!p.artifact(CHUNKS).contains("UNO"));
    assert_eq!(p.record("C")["artifact_records"][0].get("adopted"), None);
    p.run(&["build", "--new-job", "--accept", "passC"]).fails(2);
}

#[test]
fn why_and_status_name_the_adoption() {
    let p = built();
    edit(&p);
    p.build(&["--accept", "passC", "--resume-from", "E"]).ok();
    p.run(&["why", "passD"])
        .ok()
        .stdout_has("passD would run for alpha.txt/part-")
        .stdout_has("`passC_chunks.json` was adopted as edited by hand");
    let why: Value = serde_json::from_str(&p.run(&["why", "passD", "--json"]).stdout).unwrap();
    let cause = &why["steps"][0]["cause"];
    assert_eq!((&cause["kind"], &cause["name"]), (&"adopted".into(), &CHUNKS.into()), "{why:#}");
    p.run(&["why", "passF", "--last"]).ok().stdout_has("`passC_chunks.json` was adopted as edited by hand");
    p.run(&["status"])
        .ok()
        .stdout_has("passC SUCCESS, 1 artifact, 3 items")
        .stdout_has("up to date; `passC_chunks.json` is adopted as edited by hand");
    p.build(&[]).ok();
    p.run(&["why", "passD", "--last"]).ok().stdout_has("`passC_chunks.json` was adopted as edited by hand");
    p.run(&["status", "--json"]).stdout_has("\"adopted\": [\n        \"passC_chunks.json\"\n      ]");
}

#[test]
fn what_is_no_single_file_or_not_known_cannot_be_adopted() {
    let p = built();
    p.run(&["build", "--accept", "parts/"]).fails(2).stderr_has("`parts/` publishes no single file");
    p.run(&["build", "--accept", "pasC"]).fails(2).stderr_has("did you mean `passC`?");
    p.run(&["build", "--accept", "passC:alpha.txt"]).fails(2).stderr_has("not by source");
    p.run(&["build", "--discard", "passC"])
        .ok()
        .stderr_has("nothing was adopted in `passC_chunks.json`: there is nothing to discard");
    edit(&p);
    p.build(&["--accept", "passC"]).ok();
    p.run(&["build", "--discard", "passC", "--resume-from", "E"]).fails(1).stderr_has("passC is not among the passes to build");
}

#[test]
fn a_once_per_job_artifact_is_adopted_whole() {
    let p = built();
    let graph = p.artifact("passE_graph.json").replacen("\"components\":0", "\"components\":1", 1);
    p.file(&p.published("passE_graph.json"), &graph).build(&["--accept", "passE"]).ok().ran(&["passF"]);
    assert_eq!(p.artifact("passE_graph.json"), graph);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_build_that_is_killed_after_an_adoption_loses_nothing_of_it() {
    let whole = built();
    edit(&whole);
    let events = whole.copy().build(&["--accept", "passC"]).events.len();
    assert!(events > 5);
    for after in 1..events {
        let p = whole.copy();
        let edited = p.artifact(CHUNKS);
        let mut running = p.start(&["build", "--json", "--accept", "passC"]);
        let stdout = std::io::BufReader::new(running.child.stdout.take().unwrap());
        assert_eq!(std::io::BufRead::lines(stdout).take(after).count(), after);
        running.kill();
        p.build(&["--accept", "passC"]).ok();
        assert_eq!(p.artifact(CHUNKS), edited, "killed after event {after}");
        assert!(p.artifact("passF_clean.json").contains("UNO"), "killed after event {after}");
        assert_eq!(p.record("C")["artifact_records"][0]["adopted"], true);
        p.build(&[]).nothing_to_do();
        p.leaves_nothing_behind();
    }
}

#[test]
fn a_manifest_that_missed_the_adoption_is_caught_up_with() {
    let p = built();
    let before = p.artifact("manifest.json");
    edit(&p);
    p.build(&["--accept", "passC", "--resume-from", "E"]).ok();
    // As a kill between the commit and the manifest leaves it.
    p.file(&p.published("manifest.json"), &before).build(&["--accept", "passC", "--resume-from", "E"]).ok();
    assert_eq!(p.record("C")["artifact_records"][0]["adopted"], true);
    p.file(&p.published("manifest.json"), &before).build(&[]).ok();
    assert_eq!(p.record("C")["artifact_records"][0]["adopted"], true);
}

#[test]
fn lost_bytes_of_an_adoption_are_told_and_can_be_discarded() {
    let p = built();
    let digest = hex(&edit(&p));
    p.build(&["--accept", "passC"]).ok();
    p.file(&format!("cache/cas/{}/{}", &digest[..2], &digest[2..]), "damaged").remove(&p.published(CHUNKS));
    p.build(&[]).fails(1).stderr_has("its bytes are lost from the cache").stderr_has("`ingest build --discard passC`");
    p.build(&["--discard", "passC"]).ok();
    assert!(!p.artifact(CHUNKS).contains("UNO"));
}

#[test]
fn cleaning_all_keeps_what_was_adopted_aside() {
    let p = built();
    let edited = edit(&p);
    p.build(&["--accept", "passC"]).ok();
    p.run(&["clean", "--all"]).ok().stderr_has("`passC_chunks.json` was adopted as edited by hand; what it held is kept as");
    assert!(p.tree("cache/rejected").values().any(|(_, bytes)| bytes == edited.as_bytes()));
}

#[test]
fn a_gate_that_refers_to_another_edited_file_judges_by_the_edits_only_if_both_are_accepted() {
    let p = built();
    let id = p.json(CHUNKS)[0]["chunk_id"].as_str().unwrap().to_owned();
    for path in [CHUNKS, "passD_enriched.json"] {
        p.file(&p.published(path), p.artifact(path).replace(&id, "chunk-00000000deadbeef"));
    }
    p.run(&["build", "--accept", "passD"])
        .fails(1)
        .stderr_has("`passC_chunks.json`, which its gate refers to, is not what was published");
    let both = p.build(&["--accept", "passC,passD"]);
    both.ok()
        .stderr_has("adopted passC_chunks.json as edited by hand")
        .stderr_has("adopted passD_enriched.json as edited by hand");
    p.build(&[]).nothing_to_do();
}

#[test]
fn an_adoption_that_the_cache_forgot_is_kept_aside_before_it_is_replaced() {
    let p = built();
    let edited = edit(&p);
    p.build(&["--accept", "passC"]).ok();
    for name in ["state.redb", "state.snapshot"] {
        std::fs::remove_file(p.path(&format!("cache/{name}"))).unwrap();
    }
    p.build(&[]).ok().stderr_has("`passC_chunks.json` was changed by hand; what it held is kept as `cache/rejected/");
    assert!(p.tree("cache/rejected").values().any(|(_, bytes)| bytes == edited.as_bytes()));
}
