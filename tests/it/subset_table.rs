//! The table of README's "Subsets", a test for each cell: what a build selects, what it freezes, and which missing or edited
//! files it puts back. With it, what is said of frozen passes that are old, differ or are not there.

use std::sync::OnceLock;

use serde_json::Value;

use crate::project::{Built, Project};

/// What the six command passes publish, by letter.
const FILES: [(char, &str); 6] = [
    ('A', "passA_toc.json"),
    ('B', "passB_splits.json"),
    ('C', "passC_chunks.json"),
    ('D', "passD_enriched.json"),
    ('E', "passE_graph.json"),
    ('F', "passF_cleanup.json"),
];

/// A built project; each test takes a copy.
fn built() -> Project {
    static BUILT: OnceLock<Project> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let p = Project::of_command_passes();
        p.build(&[]).ok();
        p
    });
    built.copy()
}

/// The Ingestfile with every command changed in a way that changes no output: every pass is out of date.
fn out_of_date() -> Project {
    let p = built();
    let text = p.text("Ingestfile.toml").replace("\ncommand = '''", "\ncommand = '''\n:;").replace("tr -d", ":; tr -d");
    p.ingestfile(&text)
}

/// Letters of the passes of which something ran.
fn ran(built: &Built) -> String {
    let mut letters: Vec<char> =
        built.with_outcome("ran").iter().filter_map(|a| a.strip_prefix("pass")?.chars().next()).collect();
    letters.dedup();
    letters.into_iter().collect()
}

/// Letters of the passes whose record in the manifest is another one than `before`.
fn rewritten(p: &Project, before: &Value) -> String {
    let now = p.manifest();
    FILES.iter().map(|(l, _)| *l).filter(|l| now["passes"][l.to_string()] != before["passes"][l.to_string()]).collect()
}

/// Removes what each pass publishes, one after the other, and tells of which passes the build with `args` put it back.
fn put_back_after_removal(args: &[&str]) -> String {
    let put_back = |(letter, file): &(char, &str)| {
        let p = built();
        p.remove(&p.published(file)).build(args);
        p.exists(&p.published(file)).then_some(*letter)
    };
    FILES.iter().filter_map(put_back).collect()
}

/// Edits what each pass publishes, one after the other, and tells of which passes the build with `args` put it back.
fn put_back_after_an_edit(args: &[&str]) -> String {
    let put_back = |(letter, file): &(char, &str)| {
        let p = built();
        let (at, good) = (p.published(file), p.artifact(file));
        p.file(&at, format!(" {good}")).build(args);
        (p.text(&at) == good).then_some(*letter)
    };
    FILES.iter().filter_map(put_back).collect()
}

/// The chunks with an edit that their gates accept.
fn edit_chunks(p: &Project) -> String {
    let edited = p.artifact("passC_chunks.json").replacen("\"text\":\"one\"", "\"text\":\"UNO\"", 1);
    p.file(&p.published("passC_chunks.json"), &edited);
    edited
}

#[test]
fn a_plain_build_selects_all() {
    assert_eq!(ran(out_of_date().build(&[]).ok()), "ABCDEF");
}

#[test]
fn a_plain_build_freezes_none() {
    let p = out_of_date();
    let before = p.manifest();
    p.build(&[]).ok();
    assert_eq!(rewritten(&p, &before), "ABCDEF");
}

#[test]
fn a_plain_build_puts_back_files_of_all() {
    assert_eq!(put_back_after_removal(&[]), "ABCDEF");
    assert_eq!(put_back_after_an_edit(&[]), "ABCDEF");
}

#[test]
fn a_target_selects_itself_and_all_that_it_needs() {
    assert_eq!(ran(out_of_date().build(&["passC"]).ok()), "ABC");
}

#[test]
fn a_target_freezes_none_and_leaves_the_rest_alone() {
    let p = out_of_date();
    let before = p.manifest();
    // Of what it leaves alone nothing is asked, not even that it is there.
    p.remove(&p.published("passE_graph.json")).build(&["passC"]).ok();
    assert_eq!(rewritten(&p, &before), "ABC");
}

#[test]
fn a_target_puts_back_files_of_itself_and_of_all_that_it_needs() {
    assert_eq!(put_back_after_removal(&["passC"]), "ABC");
    assert_eq!(put_back_after_an_edit(&["passC"]), "ABC");
}

#[test]
fn chosen_passes_are_selected_and_no_others() {
    assert_eq!(ran(out_of_date().build(&["--passes", "A,C"]).ok()), "AC");
}

#[test]
fn chosen_passes_freeze_those_that_are_not_chosen() {
    let p = out_of_date();
    let before = p.manifest();
    p.build(&["--passes", "A,C"]).ok();
    assert_eq!(rewritten(&p, &before), "AC");
    let blocked = p.remove(&p.published("passB_splits.json")).build(&["--passes", "A,C"]);
    blocked.fails(1).stderr_has("`passB_splits.json` of passB is missing");
}

#[test]
fn chosen_passes_put_back_only_their_own_files() {
    assert_eq!(put_back_after_removal(&["--passes", "A,C"]), "AC");
    assert_eq!(put_back_after_an_edit(&["--passes", "A,C"]), "AC");
}

#[test]
fn resuming_selects_the_pass_and_all_later_ones() {
    assert_eq!(ran(out_of_date().build(&["--resume-from", "D"]).ok()), "DEF");
}

#[test]
fn resuming_freezes_the_earlier_passes() {
    let p = out_of_date();
    let before = p.manifest();
    p.build(&["--resume-from", "D"]).ok();
    assert_eq!(rewritten(&p, &before), "DEF");
}

#[test]
fn resuming_puts_back_files_of_the_pass_and_later_ones() {
    assert_eq!(put_back_after_removal(&["--resume-from", "D"]), "DEF");
    assert_eq!(put_back_after_an_edit(&["--resume-from", "D"]), "DEF");
}

#[test]
fn accepting_alone_selects_all() {
    let p = built();
    edit_chunks(&p);
    assert_eq!(ran(p.build(&["--accept", "passC"]).ok()), "DEF", "all that reads the edited chunk");
    let p = out_of_date();
    edit_chunks(&p);
    assert_eq!(ran(p.build(&["--accept", "passC"]).ok()), "ABCDEF");
}

#[test]
fn accepting_alone_freezes_none() {
    let p = out_of_date();
    edit_chunks(&p);
    let before = p.manifest();
    p.build(&["--accept", "passC"]).ok();
    assert_eq!(rewritten(&p, &before), "ABCDEF");
}

#[test]
fn accepting_alone_puts_back_files_of_all_but_the_accepted_one() {
    assert_eq!(put_back_after_an_edit(&["--accept", "passC"]), "ABDEF");
    assert_eq!(put_back_after_removal(&["--accept", "passC"]), "ABDEF", "a missing file cannot be accepted");
    let p = built();
    let edited = edit_chunks(&p);
    p.build(&["--accept", "passC"]).ok();
    assert_eq!(p.artifact("passC_chunks.json"), edited);
}

#[test]
fn accepting_and_resuming_selects_the_pass_and_all_later_ones() {
    let p = out_of_date();
    edit_chunks(&p);
    assert_eq!(ran(p.build(&["--accept", "passC", "--resume-from", "E"]).ok()), "EF");
}

#[test]
fn accepting_and_resuming_freezes_the_earlier_passes_but_marks_the_accepted_one() {
    let p = out_of_date();
    edit_chunks(&p);
    let before = p.manifest();
    p.build(&["--accept", "passC", "--resume-from", "E"]).ok().stderr_has("passD is older than what it was made from");
    assert_eq!(rewritten(&p, &before), "CEF");
    let unmarked = |mut record: Value| {
        record["artifact_records"] = Value::Null;
        record
    };
    assert_eq!(unmarked(p.record("C")), unmarked(before["passes"]["C"].clone()));
    assert_eq!(p.record("C")["artifact_records"][0]["adopted"], true);
}

#[test]
fn accepting_and_resuming_puts_back_files_of_the_pass_and_later_ones() {
    assert_eq!(put_back_after_an_edit(&["--accept", "passC", "--resume-from", "E"]), "EF");
    assert_eq!(put_back_after_removal(&["--accept", "passC", "--resume-from", "E"]), "EF");
}

#[test]
fn a_frozen_pass_that_is_not_success_or_not_valid_blocks_naming_file_pointer_and_pass() {
    let p = built();
    let bad = p.artifact("passB_splits.json").replacen("\"parts\"", "\"pieces\"", 1);
    p.file(&p.published("passB_splits.json"), &bad);
    p.build(&["--passes", "A,C"]).fails(1).stderr_has("`passB_splits.json` of passB is invalid: `/0/parts`");
    assert_eq!(p.artifact("passB_splits.json"), bad);
}

#[test]
fn a_document_that_a_frozen_pass_was_not_made_from_blocks_naming_the_pass_and_the_others_are_built() {
    let p = out_of_date();
    let built = p.source("beta.txt", "beta\nfour\n").build(&["--resume-from", "C"]);
    built.fails(1).stderr_has("passB was made from other bytes of `beta.txt`");
    assert!(built.with_outcome("ran").iter().any(|a| a.starts_with("passC alpha.txt/")), "{:?}", built.with_outcome("ran"));
    assert!(!built.with_outcome("ran").iter().any(|a| a.contains("beta.txt/")), "{:?}", built.with_outcome("ran"));
}
