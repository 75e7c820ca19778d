//! Fan-out over trees, merges, and files per item.

use crate::building::{WORDS, words};
use crate::project::Project;

#[test]
fn entries_of_a_tree_are_added_and_removed() {
    let p = words();
    p.build(&[]).ok();
    p.source("b.txt", "1 cow\n3 dog\n").build(&[]).ok().ran(&["text b.txt", "cut b.txt", "shout b.txt/3", "report"]);
    assert_eq!(p.artifact("shouts.json"), "[\"ASH\",\n\"BAT\",\n\"COW\",\n\"DOG\"]");
    p.source("b.txt", "3 dog\n").build(&[]).ok().ran(&["text b.txt", "cut b.txt", "report"]);
    assert_eq!(p.artifact("shouts.json"), "[\"ASH\",\n\"BAT\",\n\"DOG\"]");
    assert!(!p.exists(&p.published("pieces/b.txt/1.txt")));
}

#[test]
fn merges_are_in_the_order_of_items_whatever_came_first() {
    let p =
        Project::new(WORDS).source("b/z.txt", "2 two\n1 one\n").source("a.txt", "9 nine\n10 ten\n").source("B.txt", "1 last\n");
    p.build(&["-j8"]).ok();
    let words: Vec<String> = serde_json::from_str(&p.artifact("shouts.json")).unwrap();
    assert_eq!(words, ["LAST", "TEN", "NINE", "ONE", "TWO"], "sources by path, pieces by name");
}

#[test]
fn trees_of_commands_are_published_below_their_source() {
    let p = words();
    p.build(&[]).ok();
    let pieces: Vec<String> = p.published_files().into_iter().filter(|f| f.starts_with("pieces/")).collect();
    assert_eq!(pieces, ["pieces/a.txt/1.txt", "pieces/a.txt/2.txt", "pieces/b.txt/1.txt"]);
    assert_eq!(p.artifact("pieces/a.txt/2.txt"), "bat\n");
}

#[test]
fn a_tree_may_be_empty() {
    let p = words().edit("Ingestfile.toml", "do echo", "do [ -z $name ] || echo").source("c.txt", "\n");
    p.build(&[]).ok();
    assert_eq!(p.artifact("shouts.json"), "[\"ASH\",\n\"BAT\",\n\"COW\"]");
    p.source("c.txt", "1 dog\n").build(&[]).ok().ran(&["text c.txt", "cut c.txt", "shout c.txt/1", "report"]);
    assert_eq!(p.artifact("shouts.json"), "[\"ASH\",\n\"BAT\",\n\"COW\",\n\"DOG\"]");
}

const PER_ITEM: &str = r#"
version = 1

[job]
sources = "uploads"
include = ["**/*.txt"]

[rule.copy]
each    = "source"
inputs  = { source = "source" }
command = "cat {source} > {out}"
outputs = { out = "out/{stem}.txt" }
"#;

#[test]
fn files_per_item_are_named_by_stem_or_id() {
    let p = Project::new(PER_ITEM).source("x/one.txt", "1").source("two.txt", "2");
    p.build(&[]).ok();
    assert_eq!(p.published_files(), ["out/one.txt", "out/two.txt"]);
    p.edit("Ingestfile.toml", "{stem}", "{id}").build(&[]).ok();
    let files = p.published_files();
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(files.contains(&"out/two.txt.txt".to_owned()), "{files:?}");
}

#[test]
fn two_items_with_one_published_name_are_an_error_that_names_both() {
    let p = Project::new(PER_ITEM).source("x/one.txt", "1").source("y/one.txt", "2");
    let clash = p.build(&[]);
    clash.fails(1).stderr_has("would both be published as `out/one.txt`");
    let names: Vec<String> = clash.with_outcome("ran").iter().map(|a| a.replace("copy ", "")).collect();
    names.iter().for_each(|n| {
        clash.stderr_has(&format!("`{n}`"));
    });
    p.rename("uploads/y/one.txt", "uploads/y/two.txt").build(&[]).ok();
    assert_eq!(p.published_files(), ["out/one.txt", "out/two.txt"]);
}

const PER_PART: &str = r#"
version = 1

[job]
sources = "uploads"
include = ["**/*.txt"]

[rule.cut]
each    = "source"
inputs  = { source = "source" }
command = "! grep bad {source} && cat {source} > {parts}/1.txt"
outputs = { parts = { path = "parts/", publish = false } }

[rule.copy]
each    = "cut.parts"
inputs  = { part = "part" }
command = "cat {part} > {out}; cat {part} > {bits}/1.txt"
outputs = { out = "out/{stem}.txt", bits = "bits/" }
"#;

#[test]
fn a_file_of_an_item_that_fails_stays_as_it_was() {
    let p = Project::new(&PER_ITEM.replace("cat {source}", "! grep bad {source} && cat {source}"));
    p.source("one.txt", "1").source("two.txt", "2").build(&[]).ok();
    p.source("one.txt", "bad").source("two.txt", "3").build(&[]).fails(1).failed(&["copy one.txt"]);
    assert_eq!((p.artifact("out/one.txt").as_str(), p.artifact("out/two.txt").as_str()), ("1", "3"));
    p.source("one.txt", "4").build(&[]).ok();
    assert_eq!(p.artifact("out/one.txt"), "4");
}

#[test]
fn what_was_made_below_an_item_that_fails_stays_as_it_was() {
    let p = Project::new(PER_PART).source("one.txt", "1").source("two.txt", "2");
    p.build(&[]).ok();
    p.source("one.txt", "bad").source("two.txt", "3").build(&[]).fails(1).failed(&["cut one.txt"]);
    assert_eq!(p.published_files(), ["bits/one.txt/1/1.txt", "bits/two.txt/1/1.txt", "out/one.txt", "out/two.txt"]);
    assert_eq!((p.artifact("out/one.txt").as_str(), p.artifact("out/two.txt").as_str()), ("1", "3"));
    assert_eq!(p.artifact("bits/two.txt/1/1.txt"), "2", "a tree is published whole or not at all");
    p.remove("uploads/one.txt").build(&[]).ok();
    assert_eq!(p.published_files(), ["bits/two.txt/1/1.txt", "out/two.txt"]);
}

#[test]
fn a_pass_whose_items_a_rule_of_no_pass_fails_to_make_has_failed_itself() {
    let p = Project::new(
        r#"
version = 1

[job]
sources = "uploads"
include = ["*.txt"]

[rule.cut]
each    = "source"
inputs  = { text = "source" }
command = "grep -q ok {text} && mkdir -p {pieces} && cp {text} {pieces}/x.txt"
outputs = { pieces = "pieces/" }

[rule.copy]
pass    = "A"
each    = "cut.pieces"
inputs  = { piece = "piece" }
command = "printf '[1]' > {out}"
outputs = { out = "copies.json" }

[rule.list]
pass    = "B"
inputs  = { copies = "copy.out" }
command = "cp {copies} {out}"
outputs = { out = "list.json" }
"#,
    );
    // One document of two, then both: of `copy` there is one action, then none.
    for (good, failed) in [("ok\n", &["cut a.txt"][..]), ("no\n", &["cut a.txt", "cut b.txt"])] {
        p.source("a.txt", "no\n").source("b.txt", good).build(&[]).fails(1).failed(failed);
        assert!(p.statuses().starts_with("A FAILED, B SKIPPED"), "{}", p.statuses());
        let error = p.record("A")["error"].as_str().unwrap().to_owned();
        assert!(error.starts_with("`cut` of ") && error.contains("exit code 1"), "{error}");
    }
    p.source("a.txt", "ok\n").source("b.txt", "ok\n").build(&[]).ok();
    assert!(p.statuses().starts_with("A SUCCESS, B SUCCESS"), "{}", p.statuses());
}
