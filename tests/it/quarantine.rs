//! Documents that are set aside: what the others come to, what is recorded and told, and how one comes back.

use serde_json::{Value, json};

use crate::project::{Built, COMMAND_PASSES, Handshake, Project};

const SCHEMA: &str = "schemas/passC_chunks.schema.json";
const TEXT: &str = "\"text\": {\n          \"minLength\": 1";
const ALL_SUCCESS: &str = "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E SUCCESS, F SUCCESS";

/// The six passes, where pass B has no answer to `boom` and pass C takes no word of two letters.
fn passes(job: &str) -> String {
    let text = COMMAND_PASSES.replace("[job]\n", &format!("[job]\n{job}\n"));
    let fail = "if grep -q boom {text}; then echo write to gm@example.org; exit 7; fi\n";
    text.replace("mkdir -p {parts}\n", &format!("{fail}mkdir -p {{parts}}\n"))
}

fn project(job: &str) -> Project {
    Project::of_passes(&passes(job)).edit(SCHEMA, TEXT, "\"text\": {\n          \"minLength\": 3")
}

/// Alpha is good; beta has a part that pass C rejects beside one that it accepts.
fn with_a_bad_part() -> Project {
    project("on_error = \"quarantine\"").source("alpha.txt", "alpha\none\ntwo\n").source("beta.txt", "beta\nthree\nno\n")
}

/// As `with_a_bad_part`, where `mute` gives no chunk.
fn with_mute_words() -> Project {
    let mute = "if [ $word = mute ]; then printf '[]' > {chunks}; exit 0; fi\nchunk=$(printf";
    with_a_bad_part().edit("Ingestfile.toml", "chunk=$(printf", mute)
}

/// Words of an artifact's chunks.
fn words(p: &Project, name: &str) -> Vec<String> {
    p.json(name).as_array().unwrap().iter().map(|c| c["text"].as_str().unwrap().to_owned()).collect()
}

fn sources(p: &Project, name: &str) -> Vec<String> {
    p.json(name).as_array().unwrap().iter().map(|c| c["source_id"].as_str().unwrap().to_owned()).collect()
}

/// Which documents fell out in which pass: `B gamma.txt, C beta.txt`.
fn quarantined(p: &Project) -> String {
    let manifest = p.manifest();
    let of = |(pass, record): (&String, &Value)| {
        let out = record["quarantined"].as_array().unwrap().clone();
        out.iter().map(|q| format!("{pass} {}", q["source_id"].as_str().unwrap())).collect::<Vec<_>>()
    };
    manifest["passes"].as_object().unwrap().iter().flat_map(of).collect::<Vec<_>>().join(", ")
}

/// Rules and documents of the actions that came to `outcome`, each once.
fn of_documents(built: &Built, outcome: &str) -> Vec<String> {
    let mut names: Vec<String> =
        built.with_outcome(outcome).iter().map(|a| a.split('/').next().unwrap_or_default().to_owned()).collect();
    names.dedup();
    names
}

#[track_caller]
fn idle_with(p: &Project, documents: &str) {
    let before = p.written();
    for args in [&[][..], &["--allow-quarantined"]] {
        let idle = p.build(args);
        idle.fails(i32::from(args.is_empty())).ends_saying(&format!("ingest: nothing to do; {documents} quarantined"));
        assert!(idle.events.is_empty(), "{:?}", idle.events);
    }
    p.wrote_nothing_since(&before);
}

#[test]
fn a_document_with_one_bad_part_is_left_out_of_its_pass_and_of_all_later_ones() {
    let p = with_a_bad_part();
    let built = p.build(&[]);
    built.fails(1).failed(&[]).stderr_has("/0/text");
    assert_eq!(of_documents(&built, "rejected"), ["passC beta.txt"]);
    assert_eq!(
        of_documents(&built, "ran"),
        [
            "passA alpha.txt",
            "passA beta.txt",
            "passB alpha.txt",
            "passB beta.txt",
            "passC alpha.txt",
            "passC beta.txt",
            "passD alpha.txt",
            "passE",
            "passF",
            "plain alpha.txt",
            "plain beta.txt"
        ]
    );
    built.ends_saying("ingest: 13 ran; 1 document quarantined ([time] s)");
    assert_eq!(p.statuses(), ALL_SUCCESS);
    assert_eq!(quarantined(&p), "C beta.txt");
    let reason = p.record("C")["quarantined"][0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("`passC` of beta.txt/part-") && reason.contains("/0/text"), "{reason}");
    assert_eq!(sources(&p, "passA_toc.json"), ["alpha", "beta"], "it was good in pass A");
    assert_eq!(words(&p, "passC_chunks.json"), ["one", "two"]);
    assert_eq!(words(&p, "passD_enriched.json"), ["one", "two"]);
    assert_eq!(words(&p, "passF_clean.json"), ["one", "two"]);
    idle_with(&p, "1 document");
    p.leaves_nothing_behind();
}

#[test]
fn what_is_allowed_to_be_quarantined_exits_with_zero() {
    let p = with_a_bad_part();
    p.build(&["--allow-quarantined"]).ok().ends_saying("ingest: 13 ran; 1 document quarantined ([time] s)");
    let events = p.log();
    let told: Vec<&Value> = events.iter().filter(|e| e["event"] == "quarantined").collect();
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["pass"], &told[0]["source_id"]), (&json!("C"), &json!("beta.txt")));
    p.edit("Ingestfile.toml", "on_error = \"quarantine\"", "on_error = \"stop\"").build(&["--allow-quarantined"]).fails(1);
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C FAILED, D SKIPPED, E SKIPPED, F SKIPPED");
}

#[test]
fn a_mended_document_comes_back_and_only_its_own_actions_run() {
    let p = with_a_bad_part();
    p.build(&[]).fails(1);
    let mended = p.source("beta.txt", "beta\nthree\nfour\n").build(&[]);
    mended.ok();
    assert_eq!(
        of_documents(&mended, "ran"),
        ["passA beta.txt", "passB beta.txt", "passC beta.txt", "passD beta.txt", "passE", "passF", "plain beta.txt"]
    );
    assert_eq!(mended.with_outcome("ran").iter().filter(|a| a.starts_with("passC")).count(), 1, "its good part had run");
    assert_eq!(words(&p, "passF_clean.json").len(), 4);
    assert_eq!(quarantined(&p), "");
    p.build(&[]).nothing_to_do();
    let bad_again = p.source("beta.txt", "beta\nthree\nno\n").build(&[]);
    bad_again.fails(1).ran(&[]);
    assert_eq!(words(&p, "passF_clean.json"), ["one", "two"]);
    idle_with(&p, "1 document");
    p.source("beta.txt", "beta\nthree\nfour\n").build(&[]).ok().ran(&[]);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_removed_document_is_no_longer_quarantined() {
    let p = with_a_bad_part();
    p.build(&[]).fails(1);
    p.remove("uploads/beta.txt").build(&[]).ok().ran(&[]);
    assert_eq!(quarantined(&p), "");
    assert_eq!(sources(&p, "passA_toc.json"), ["alpha"]);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_mended_gate_lets_a_document_in_again_without_a_run_of_its_pass() {
    let p = with_a_bad_part();
    p.build(&[]).fails(1);
    let mended = p.edit(SCHEMA, "\"minLength\": 3", "\"minLength\": 2").build(&[]);
    mended.ok();
    assert_eq!(of_documents(&mended, "ran"), ["passD beta.txt", "passE", "passF"]);
    assert_eq!(words(&p, "passC_chunks.json").len(), 4);
}

#[test]
fn documents_that_fall_out_in_different_passes_are_each_recorded_where_they_did() {
    let p = with_a_bad_part().source("gamma.txt", "gamma\nfive\nboom\n");
    let built = p.build(&[]);
    built.fails(1).failed(&["passB gamma.txt"]);
    assert!(built.last_line().contains("; 2 documents quarantined"), "{}", built.last_line());
    assert_eq!(p.statuses(), ALL_SUCCESS);
    assert_eq!(quarantined(&p), "B gamma.txt, C beta.txt");
    let reason = p.record("B")["quarantined"][0]["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason, "`passB` of gamma.txt: the command ended with exit code 7 and said: write to [e-mail]");
    assert_eq!(sources(&p, "passA_toc.json").len(), 3);
    assert_eq!(sources(&p, "passB_splits.json"), ["alpha", "beta"]);
    assert!(!p.exists(&p.published("parts/gamma.txt")) && p.exists(&p.published("parts/beta.txt")));
    assert_eq!(words(&p, "passF_clean.json"), ["one", "two"]);
    // A command that failed is tried again by each build; a rejected result is not.
    let again = p.build(&[]);
    again.fails(1).failed(&["passB gamma.txt"]).rejected(&[]).ran(&[]).restored(&[]);
    assert!(again.published().is_empty() && again.last_line().contains("; 2 documents quarantined"), "{}", again.last_line());
    p.source("gamma.txt", "gamma\nfive\n").build(&[]).fails(1).stderr_has("1 document quarantined");
    assert_eq!(quarantined(&p), "C beta.txt");
    assert_eq!(words(&p, "passF_clean.json"), ["one", "two", "five"]);
    idle_with(&p, "1 document");
}

#[test]
fn what_was_published_of_a_document_before_it_fell_out_goes() {
    let p = with_a_bad_part().source("beta.txt", "beta\nthree\n");
    p.build(&[]).ok();
    assert!(p.exists(&p.published("parts/beta.txt")));
    p.source("beta.txt", "beta\nthree\nboom\n").build(&[]).fails(1).failed(&["passB beta.txt"]);
    assert!(!p.exists(&p.published("parts/beta.txt")));
    assert_eq!(sources(&p, "passB_splits.json"), ["alpha"]);
    assert_eq!(words(&p, "passF_clean.json"), ["one", "two"]);
    assert_eq!(quarantined(&p), "B beta.txt");
}

/// Pass B cuts sources into pieces and checks each; the pieces are a tree, merged by source.
const PIECES: &str = r##"
version = 1

[job]
sources  = "uploads"
include  = ["**/*.txt"]
on_error = "quarantine"

[rule.passB]
each    = "source"
inputs  = { source = "source" }
command = "while read -r name word; do echo $word > {pieces}/$name.txt; done < {source}"
outputs = { pieces = "pieces/" }

[rule.passB_check]
pass    = "B"
each    = "passB.pieces"
inputs  = { piece = "piece" }
command = '''if grep -q bad {piece}; then exit 1; fi; mkdir -p {checked}; cat {piece} > {checked}/it.txt'''
outputs = { checked = "checked/" }

[rule.passC]
inputs  = { pieces = "passB.pieces" }
command = "find {pieces} -type f | sed 's/.*pieces//' | sort > {list}"
outputs = { list = "list.txt" }
"##;

#[test]
fn a_merged_tree_is_without_the_pieces_of_a_book_of_which_one_part_is_bad() {
    let p = Project::new(PIECES).source("a.txt", "1 ash\n2 bat\n").source("b.txt", "1 cow\n2 bad\n3 dog\n");
    let built = p.build(&[]);
    built.fails(1).failed(&["passB_check b.txt/2"]);
    built.ran(&[
        "passB a.txt",
        "passB b.txt",
        "passB_check a.txt/1",
        "passB_check a.txt/2",
        "passB_check b.txt/1",
        "passB_check b.txt/3",
        "passC",
    ]);
    let files = p.published_files();
    assert_eq!(files.iter().filter(|f| f.contains("b.txt")).count(), 0, "{files:?}");
    assert_eq!(files.iter().filter(|f| f.contains("a.txt")).count(), 4, "{files:?}");
    assert_eq!(p.artifact("list.txt").lines().count(), 2, "{}", p.artifact("list.txt"));
    let reason = p.record("B")["quarantined"][0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("`passB_check` of b.txt/2: "), "{reason}");
    p.source("b.txt", "1 cow\n3 dog\n").build(&[]).ok().ran(&["passB b.txt", "passC"]);
    assert_eq!(p.artifact("list.txt").lines().count(), 4);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_failure_that_is_no_documents_fails_the_pass() {
    let p = with_a_bad_part().source("beta.txt", "beta\nthree\n").edit(
        "Ingestfile.toml",
        "printf '{\"nodes\"",
        "exit 3; printf '{\"nodes\"",
    );
    p.build(&["--allow-quarantined"]).fails(1).failed(&["passE"]);
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E FAILED, F SKIPPED");
    assert_eq!(quarantined(&p), "");
}

#[test]
fn a_gate_on_the_merge_that_rejects_no_document_alone_fails_the_pass() {
    let p = with_a_bad_part().source("other.txt", "alpha\nsix\n");
    let built = p.build(&["--allow-quarantined"]);
    built.fails(1).stderr_has("passA_toc.json");
    assert_eq!(p.statuses(), "A FAILED, B SKIPPED, C SKIPPED, D SKIPPED, E SKIPPED, F SKIPPED");
    assert!(p.published_files().is_empty(), "{:?}", p.published_files());
}

#[test]
fn a_pass_whose_every_document_is_quarantined_is_failed() {
    let p = project("on_error = \"quarantine\"").source("a.txt", "a\nno\n").source("b.txt", "b\nboom\n");
    let built = p.build(&["--allow-quarantined"]);
    built.fails(1).stderr_has("every document is quarantined");
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C FAILED, D SKIPPED, E SKIPPED, F SKIPPED");
    assert!(!p.exists(&p.published("passC_chunks.json")));
    assert_eq!(quarantined(&p), "B b.txt, C a.txt");
}

#[test]
fn documents_that_leave_no_chunk_are_a_failed_job() {
    let p = with_mute_words().source("alpha.txt", "alpha\nmute\n");
    let built = p.build(&["--allow-quarantined"]);
    built.fails(1).stderr_has("passC_chunks.json").stderr_lacks("every document");
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C FAILED, D SKIPPED, E SKIPPED, F SKIPPED");
}

#[test]
fn a_failure_in_a_rule_of_no_pass_is_the_documents_failure_in_the_first_pass_that_needs_it() {
    let p = with_a_bad_part().edit("Ingestfile.toml", "tr -d '\\r' <", "grep -q three {source} && exit 5; tr -d '\\r' <");
    p.build(&[]).fails(1).failed(&["plain beta.txt"]);
    assert_eq!(p.statuses(), ALL_SUCCESS);
    assert_eq!(quarantined(&p), "A beta.txt");
    assert_eq!(p.manifest()["rules"]["plain"]["quarantined"][0]["source_id"], "beta.txt");
    assert_eq!(sources(&p, "passA_toc.json"), ["alpha"]);
    p.source("beta.txt", "beta\nfour\n").build(&[]).ok();
    assert_eq!(quarantined(&p), "");
    assert_eq!(p.manifest()["rules"]["plain"]["quarantined"], json!([]));
    p.build(&[]).nothing_to_do();
}

#[test]
fn rules_of_no_pass_publish_what_is_left() {
    let p = Project::new(
        &crate::building::WORDS
            .replace("[job]", "[job]\non_error = \"quarantine\"")
            .replace("{piece})\" >", "{piece} | grep -v BAD)\" >")
            .replace("printf", "grep -qv bad {piece} || exit 1; printf"),
    )
    .source("a.txt", "1 ash\n2 bat\n")
    .source("b.txt", "1 cow\n2 bad\n");
    p.build(&[]).fails(1).failed(&["shout b.txt/2"]);
    assert_eq!(p.artifact("shouts.json"), "[\"ASH\",\n\"BAT\"]");
    assert_eq!(p.artifact("report.json"), "[\"ASH\",\n\"BAT\"]");
    assert_eq!(p.manifest()["rules"]["shout"]["quarantined"][0]["source_id"], "b.txt");
    p.source("b.txt", "1 cow\n").build(&[]).ok().ran(&["cut b.txt", "report", "text b.txt"]);
    assert_eq!(p.artifact("report.json"), "[\"ASH\",\n\"BAT\",\n\"COW\"]");
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_frozen_pass_that_set_a_document_aside_keeps_it_out_and_does_not_block() {
    let p = with_a_bad_part();
    p.build(&[]).fails(1);
    p.build(&["--resume-from", "D"]).fails(1).ends_saying("ingest: nothing to do; 1 document quarantined");
    let before = p.written();
    p.build(&["--resume-from", "D"]).fails(1).ends_saying("ingest: nothing to do; 1 document quarantined");
    p.build(&["--resume-from", "D", "--allow-quarantined"]).ok();
    p.wrote_nothing_since(&before);
    let c = p.record("C");
    let stop = p.copy().edit("Ingestfile.toml", "on_error = \"quarantine\"", "on_error = \"stop\"");
    stop.build(&["--resume-from", "D"]).fails(1).ran(&[]).stderr_has("1 document quarantined");
    assert_eq!(stop.statuses(), ALL_SUCCESS);
    let resumed = p.edit("Ingestfile.toml", "sed 's/\"text\"", "true; sed 's/\"text\"").build(&["--resume-from", "D"]);
    resumed.fails(1);
    assert_eq!(of_documents(&resumed, "ran"), ["passD alpha.txt"]);
    assert_eq!((p.statuses().as_str(), p.record("C")), (ALL_SUCCESS, c.clone()));
    // Mended, it stays out until the passes that set it aside are built.
    p.source("beta.txt", "beta\nfour\n").build(&["--resume-from", "D"]).fails(1).ran(&[]);
    assert_eq!(p.record("C"), c);
    p.build(&[]).ok();
    assert_eq!(words(&p, "passF_clean.json"), ["one", "two", "four"]);
    p.build(&["--resume-from", "D"]).nothing_to_do();
}

#[test]
fn a_new_job_is_filled_from_the_cache_without_what_was_rejected() {
    let p = with_a_bad_part();
    p.build(&[]).fails(1);
    p.build(&["--new-job"]).fails(1).ran(&[]);
    assert_eq!(quarantined(&p), "C beta.txt");
    assert_eq!(words(&p, "passF_clean.json"), ["one", "two"]);
    idle_with(&p, "1 document");
    p.remove("cache").build(&[]).fails(1);
    assert_eq!(words(&p, "passF_clean.json"), ["one", "two"]);
    idle_with(&p, "1 document");
}

#[test]
fn status_lists_quarantined_documents_and_nothing_of_theirs_is_called_out_of_date() {
    let p = with_a_bad_part().source("gamma.txt", "gamma\nfive\nboom\n");
    p.build(&[]).fails(1);
    let status = p.run(&["status"]);
    status.ok();
    status.stdout_has("quarantined in passB: gamma.txt: `passB` of gamma.txt: the command ended with exit code 7");
    status.stdout_has("quarantined in passC: beta.txt: `passC` of beta.txt/part-");
    for pass in ["passA", "passC", "passD", "passE", "passF"] {
        let line = status.stdout.lines().find(|l| l.starts_with(pass)).unwrap();
        assert!(line.ends_with(": up to date"), "{line}");
    }
    let report: Value = serde_json::from_str(&p.run(&["status", "--json"]).stdout).unwrap();
    let names: Vec<&Value> = report["quarantined"].as_array().unwrap().iter().map(|q| &q["name"]).collect();
    assert_eq!(names, [&json!("passB"), &json!("passC")]);
    let dry = p.run(&["build", "-n"]);
    dry.fails(1).ends_saying("ingest: 1 would run, 15 up to date; 2 documents quarantined");
    assert_eq!(dry.stdout, "run passB gamma.txt: it failed last time\n");
    p.run(&["build", "-n", "--allow-quarantined"]).ok();
    let why: Value = serde_json::from_str(&p.run(&["why", "passD:beta.txt", "--json"]).stdout).unwrap();
    assert_eq!(why["up_to_date"], json!(true), "{why}");
    p.run(&["why", "passD:gamma.txt"]).ok().stdout_has("is quarantined");
}

/// Pass B of beta is held; two threads, so that alpha can go on.
fn held(job: &str) -> Project {
    let hold = format!("if grep -q beta {{text}}; then {} fi\nmkdir -p {{parts}}", Handshake::SHELL);
    Project::of_passes(&passes(job).replace("mkdir -p {parts}", &hold))
        .source("alpha.txt", "alpha\none\n")
        .source("beta.txt", "beta\nthree\n")
}

#[test]
fn with_a_barrier_for_items_a_document_goes_ahead_by_itself() {
    let p = held("on_error = \"quarantine\"\nbarrier = \"item\"");
    let handshake = Handshake::new(&p);
    let mut running = p.start(&["build", "-v", "-j2"]);
    handshake.wait();
    running.says("passD alpha.txt/");
    assert!(p.published_files().iter().all(|f| f.starts_with("passA")), "{:?}", p.published_files());
    assert_eq!((&p.record("D")["status"], &p.record("B")["status"]), (&json!("FAILED"), &json!("FAILED")), "not complete");
    handshake.release();
    running.end().ok();
    assert_eq!(p.statuses(), ALL_SUCCESS);
    assert_eq!(words(&p, "passF_clean.json"), ["one", "three"]);
    p.build(&[]).nothing_to_do();
}

#[test]
fn with_a_barrier_for_items_documents_fall_out_as_they_do_without() {
    let built = |barrier: &str| {
        let p = project(&format!("on_error = \"quarantine\"\nbarrier = \"{barrier}\""));
        p.source("alpha.txt", "alpha\none\ntwo\n").source("beta.txt", "beta\nthree\nno\n").source("gamma.txt", "gamma\nboom\n");
        let built = p.build(&[]);
        built.fails(1);
        let outcomes = ["ran", "failed", "rejected"].map(|outcome| built.with_outcome(outcome));
        let records = ["A", "B", "C", "D", "E", "F"].map(|pass| p.record(pass)["artifact_records"].clone());
        (outcomes, records, quarantined(&p), p.statuses())
    };
    assert_eq!(built("item"), built("pass"));
}

#[test]
fn with_a_barrier_for_items_a_gate_on_a_merge_still_holds_before_anything_later_is_published() {
    let p = project("on_error = \"quarantine\"\nbarrier = \"item\"");
    p.source("alpha.txt", "alpha\none\n").source("beta.txt", "alpha\nfour\n");
    let built = p.build(&[]);
    built.fails(1).stderr_has("passA_toc.json");
    assert_eq!(p.statuses(), "A FAILED, B SKIPPED, C SKIPPED, D SKIPPED, E SKIPPED, F SKIPPED");
    assert!(p.published_files().is_empty(), "{:?}", p.published_files());
}

#[test]
fn a_book_that_no_built_in_can_read_is_set_aside_and_not_tried_again() {
    let p = crate::books::books().edit("Ingestfile.toml", "[job]", "[job]\non_error = \"quarantine\"");
    let before = p.artifact("passF_clean.json");
    p.file("fixtures/uploads/torn.pdf", "%PDF-1.7\nthis is no book").build(&[]).fails(1);
    assert_eq!(p.statuses(), ALL_SUCCESS);
    assert_eq!(quarantined(&p), "A torn.pdf");
    assert_eq!(p.artifact("passF_clean.json"), before, "nothing of the others changed");
    idle_with(&p, "1 document");
    p.run(&["build", "-n"]).fails(1).ends_saying("ingest: nothing to do; 1 document quarantined");
    let status = p.run(&["status"]).stdout;
    assert_eq!(status.matches("quarantined in ").count(), 1, "{status}");
    p.remove("fixtures/uploads/torn.pdf").build(&[]).ok().ran(&[]);
    assert_eq!(quarantined(&p), "");
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_document_without_which_nothing_changes_reruns_nothing_when_it_leaves_or_comes_back() {
    // Beta has no chunk, and only chunks reach passes E and F.
    let p = with_mute_words()
        .edit("Ingestfile.toml", "inputs  = { toc = \"passA.toc\", enriched", "inputs  = { enriched")
        .edit("Ingestfile.toml", "inputs  = { toc = \"passA.toc\", chunks", "inputs  = { chunks")
        .source("beta.txt", "beta\nmute\n");
    p.build(&[]).ok();
    let left = p.source("beta.txt", "beta\nmute\nboom\n").build(&[]);
    left.fails(1).failed(&["passB beta.txt"]).ran(&["plain beta.txt", "passA beta.txt"]);
    assert_eq!(quarantined(&p), "B beta.txt");
    p.source("beta.txt", "beta\nmute\n").build(&[]).ok().ran(&[]);
    assert_eq!(words(&p, "passF_clean.json"), ["one", "two"]);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_build_that_stops_at_the_first_bad_pass_names_every_bad_document_of_it() {
    let p = project("").source("alpha.txt", "alpha\none\n").source("beta.txt", "beta\nno\n").source("gamma.txt", "gamma\nif\n");
    let stopped = p.build(&[]);
    stopped.fails(1);
    assert_eq!(of_documents(&stopped, "rejected"), ["passC beta.txt", "passC gamma.txt"]);
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C FAILED, D SKIPPED, E SKIPPED, F SKIPPED");
    assert_eq!(quarantined(&p), "");
    let set_aside = p.edit("Ingestfile.toml", "[job]\n", "[job]\non_error = \"quarantine\"\n").build(&[]);
    set_aside.fails(1);
    assert_eq!(of_documents(&set_aside, "ran"), ["passD alpha.txt", "passE", "passF"]);
    assert_eq!(quarantined(&p), "C beta.txt, C gamma.txt");
}

/// Pass C is done once per job, and reads nothing of the pass in which documents fall out.
const PAST: &str = r##"
version = 1

[job]
sources  = "uploads"
include  = ["**/*.txt"]
on_error = "quarantine"

[rule.passA]
each    = "source"
inputs  = { source = "source" }
command = '''printf '["%s"]' "$(cat {source})" > {names}'''
outputs = { names = "names.json" }

[rule.passC]
inputs  = { names = "passA.names" }
command = "cat {names} > {all}"
outputs = { all = "all.json" }

[rule.passB]
each    = "source"
inputs  = { names = "passA.names" }
command = "if grep -q bad {names}; then exit 1; fi; cat {names} > {checked}"
outputs = { checked = "checked.json" }
"##;

#[test]
fn a_later_pass_is_without_a_document_even_if_it_reads_only_of_passes_that_have_it() {
    let p = Project::new(PAST).source("a.txt", "good").source("b.txt", "bad");
    for jobs in ["-j1", "-j8"] {
        p.build(&[jobs]).fails(1).failed(&["passB b.txt"]);
        assert_eq!(p.artifact("names.json"), "[\"good\",\n\"bad\"]");
        assert_eq!((p.artifact("checked.json"), p.artifact("all.json")), ("[\"good\"]".to_owned(), "[\"good\"]".to_owned()));
        p.remove("cache").remove("artifacts");
    }
    p.source("b.txt", "better").build(&[]).ok();
    assert_eq!(p.artifact("all.json"), "[\"good\",\n\"better\"]");
}

#[test]
fn keeping_going_finishes_what_the_quarantine_leaves_and_what_does_not_need_the_failure() {
    // `other` fails for the whole job, so it can set nobody aside; `passD` on need nothing of it.
    let other = "\n[rule.other]\ninputs = { toc = \"passA.toc\" }\ncommand = \"grep -q gamma {toc} && cp {toc} {out}\"\n\
                 outputs = { out = \"other.json\" }\n";
    let text = format!("{}{other}", passes("on_error = \"quarantine\""));
    let p = Project::of_passes(&text).edit(SCHEMA, TEXT, "\"text\": {\n          \"minLength\": 3");
    let p = p.source("alpha.txt", "alpha\none\ntwo\n").source("beta.txt", "beta\nthree\nno\n");
    let built = p.build(&["-k"]);
    built.fails(1).failed(&["other"]);
    assert_eq!(p.statuses(), ALL_SUCCESS);
    assert_eq!(quarantined(&p), "C beta.txt");
    assert_eq!(words(&p, "passF_clean.json"), ["one", "two"]);
    // A failure is not allowed by what allows documents to be missing.
    p.build(&["-k", "--allow-quarantined"]).fails(1).ran(&[]);
    // With `gamma` there, `other` has what it wants; beta stays out.
    let mended = p.source("gamma.txt", "gamma\nfour\nfive\n").build(&["-k"]);
    mended.fails(1);
    assert!(mended.last_line().contains("1 document quarantined"), "{}", mended.last_line());
    assert!(p.exists(&p.published("other.json")));
    assert_eq!(words(&p, "passF_clean.json"), ["one", "two", "four", "five"]);
    p.build(&["-k", "--allow-quarantined"]).ok();
}

#[test]
fn an_edit_that_was_adopted_goes_and_comes_back_with_its_document() {
    let p = with_a_bad_part();
    p.build(&[]).fails(1);
    let name = "passC_chunks.json";
    let edited = p.artifact(name).replacen("\"text\":\"one\"", "\"text\":\"UNO\"", 1);
    p.file(&p.published(name), &edited);
    p.build(&["--accept", "passC"]).fails(1).stderr_has("adopted passC_chunks.json as edited by hand (2 items");
    assert_eq!(p.artifact(name), edited);
    assert_eq!(words(&p, "passF_clean.json"), ["UNO", "two"]);
    idle_with(&p, "1 document");
    // The document comes back: what was edited is alpha's, so beta's pieces join it.
    p.source("beta.txt", "beta\nthree\nfour\n").build(&[]).ok();
    assert_eq!(words(&p, "passF_clean.json"), ["UNO", "two", "three", "four"]);
    assert_eq!(quarantined(&p), "");
    p.build(&[]).nothing_to_do();
    // The edited one falls out for another of its parts, and comes back with the edit.
    p.source("alpha.txt", "alpha\none\nno\n").build(&[]).fails(1);
    assert_eq!(
        (words(&p, "passF_clean.json"), quarantined(&p)),
        (vec!["three".to_owned(), "four".to_owned()], "C alpha.txt".into())
    );
    p.source("alpha.txt", "alpha\none\nsix\n").build(&[]).ok();
    assert_eq!(words(&p, "passF_clean.json"), ["UNO", "six", "three", "four"]);
    // What was edited is no longer made: it waits while its document is set aside, and then a person has to choose.
    p.source("alpha.txt", "alpha\nno\nsix\n").build(&["--allow-quarantined"]).ok();
    let before = p.artifact(name);
    p.source("alpha.txt", "alpha\nsix\n").build(&[]).fails(1).stderr_has("was adopted as edited by hand");
    assert_eq!(p.artifact(name), before);
    p.source("alpha.txt", "alpha\none\n").build(&[]).ok();
    assert_eq!(words(&p, "passF_clean.json"), ["UNO", "three", "four"]);
}
