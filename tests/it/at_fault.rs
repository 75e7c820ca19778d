//! Documents for which a gate on a merge rejects: they are set aside, and the merge of the others stands.

use crate::project::Project;

/// Copies rows of each document; pass B marks them, and pass C counts them all.
const ROWS: &str = r#"
version = 1

[job]
sources  = "uploads"
include  = ["**/*.json"]
on_error = "quarantine"

[rule.passA]
each    = "source"
inputs  = { source = "source" }
command = "cp {source} {names}"
outputs = { names = "names.json" }

[rule.beside]
pass    = "B"
each    = "source"
inputs  = { source = "source" }
command = "cp {source} {beside}"
outputs = { beside = "beside.json" }

[rule.passB]
each    = "source"
inputs  = { source = "source", names = "passA.names" }
command = "cp {source} {rows}"
outputs = { rows = "rows.json" }

[rule.passB.gate]
rows = { GATE }

[rule.passC]
inputs  = { rows = "passB.rows" }
command = "cp {rows} {all}"
outputs = { all = "all.json" }
"#;
const COVERAGE: &str = r#"coverage = { part = "/read", whole = "/words", min = 0.5 }"#;

fn project(gate: &str, documents: &[(&str, &str)]) -> Project {
    let p = Project::new(&ROWS.replace("GATE", gate));
    documents.iter().fold(p, |p, (name, text)| p.source(name, text))
}

/// Five documents, of which the second and the fourth are hardly read.
fn books() -> Project {
    let row = |read: u32| format!(r#"[{{"words":100,"read":{read}}},{{"words":10,"read":10}}]"#);
    let names = ["a.json", "b.json", "c.json", "d.json", "e.json"];
    let texts = [row(90), row(49), row(50), row(0), row(100)];
    project(COVERAGE, &names.iter().copied().zip(texts.iter().map(String::as_str)).collect::<Vec<_>>())
}

fn count(p: &Project, name: &str) -> usize {
    p.json(name).as_array().unwrap().len()
}

/// Of the passes that are declared.
fn statuses(p: &Project) -> String {
    p.statuses().replace(", D PENDING, E PENDING, F PENDING", "")
}

fn quarantined(p: &Project, pass: &str) -> Vec<String> {
    let out = p.record(pass)["quarantined"].as_array().unwrap().clone();
    out.iter().map(|q| format!("{}: {}", q["source_id"].as_str().unwrap(), q["reason"].as_str().unwrap())).collect()
}

#[test]
fn documents_whose_own_items_a_gate_rejects_are_set_aside_and_the_others_go_on() {
    let p = books();
    p.build(&[]).fails(1).stderr_has("2 documents quarantined");
    assert_eq!(statuses(&p), "A SUCCESS, B SUCCESS, C SUCCESS");
    let share = "the gate of `rows.json` rejected what it holds of it: /0: `/read` adds up to";
    let of = |name: &str, read: u32, share_is: &str| {
        format!("{name}: `passB` of {name}: {share} {read} and `/words` to 100, a share of {share_is}; the gate asks for 0.5")
    };
    assert_eq!(quarantined(&p, "B"), [of("b.json", 49, "0.49"), of("d.json", 0, "0")]);
    assert_eq!(["names.json", "rows.json", "beside.json", "all.json"].map(|name| count(&p, name)), [10, 6, 6, 6]);
    let before = p.written();
    let idle = p.build(&[]);
    idle.fails(1).ends_saying("ingest: nothing to do; 2 documents quarantined");
    assert!(idle.events.is_empty(), "{:?}", idle.events);
    p.wrote_nothing_since(&before);
    p.build(&["--allow-quarantined"]).ok();

    // A plan that does not know the whole knows of the other all the same.
    let planned = p.source("d.json", r#"[{"words":4,"read":2}]"#).run(&["build", "-n"]);
    planned.fails(0).stdout_has("run passA d.json").stdout_has("run passC");
    let why = p.run(&["why", "passC"]);
    assert!(!planned.stdout.contains("b.json"), "{}", planned.stdout);
    assert!(!why.stdout.contains("run for b.json"), "{}", why.stdout);
    p.build(&[]).fails(1).ran(&["beside d.json", "passA d.json", "passB d.json", "passC"]);
    assert_eq!(["rows.json", "all.json"].map(|name| count(&p, name)), [7, 7]);
    p.edit("Ingestfile.toml", "min = 0.5", "min = 0.4").build(&[]).ok().ran(&["passC"]);
    assert_eq!(count(&p, "all.json"), 9);
    p.build(&[]).nothing_to_do();
}

#[test]
fn it_takes_part_again_in_a_job_that_sets_nothing_aside_and_fails_it() {
    let p = books();
    p.build(&[]).fails(1);
    p.edit("Ingestfile.toml", "on_error = \"quarantine\"", "on_error = \"stop\"")
        .build(&[])
        .fails(1)
        .stderr_has("/2: `/read` adds up");
    assert_eq!(statuses(&p), "A SUCCESS, B FAILED, C SKIPPED");
}

#[test]
fn an_item_barrier_gives_the_same() {
    let p = books();
    p.build(&[]).fails(1);
    let all = p.artifact("all.json");
    let q = books().edit("Ingestfile.toml", "on_error", "barrier = \"item\"\non_error");
    q.build(&[]).fails(1).stderr_has("2 documents quarantined");
    assert_eq!(q.artifact("all.json"), all);
    q.build(&[]).fails(1).ends_saying("ingest: nothing to do; 2 documents quarantined");
}

#[test]
fn a_document_that_refers_to_what_is_not_there_is_set_aside() {
    let gate = r#"refs = [["/of", "passA.names", "/name"]]"#;
    let p = project(gate, &[("a.json", r#"[{"name":1,"of":2}]"#), ("b.json", r#"[{"name":2,"of":3}]"#)]);
    p.build(&[]).fails(1);
    assert_eq!(statuses(&p), "A SUCCESS, B SUCCESS, C SUCCESS");
    assert!(quarantined(&p, "B")[0].starts_with("b.json: "), "{:?}", quarantined(&p, "B"));
    assert_eq!(count(&p, "all.json"), 1);
}

#[test]
fn what_no_document_does_by_itself_fails_the_pass() {
    let p = project(r#"unique = "/name""#, &[("a.json", r#"[{"name":1}]"#), ("b.json", r#"[{"name":1}]"#)]);
    p.build(&["--allow-quarantined"]).fails(1).stderr_has("rows.json");
    assert_eq!(statuses(&p), "A SUCCESS, B FAILED, C SKIPPED");
    assert_eq!(quarantined(&p, "B"), [""; 0]);
    let twice = r#"[{"name":3},{"name":3}]"#;
    p.source("b.json", twice).build(&["--allow-quarantined"]).ok();
    assert!(quarantined(&p, "B")[0].starts_with("b.json: "), "{:?}", quarantined(&p, "B"));
}

#[test]
fn a_gate_that_rejects_every_document_fails_the_pass() {
    let p = project(COVERAGE, &[("a.json", r#"[{"words":9,"read":1}]"#), ("b.json", r#"[{"words":9,"read":0}]"#)]);
    p.build(&["--allow-quarantined"]).fails(1).stderr_has("every document is quarantined");
    assert_eq!(statuses(&p), "A SUCCESS, B FAILED, C SKIPPED");
}

/// Publishes a file of its own for each source, beside one for all.
const COPIES: &str = r#"
version = 1

[job]
sources  = "uploads"
include  = ["*"]
on_error = "quarantine"

[rule.passA]
each    = "source"
inputs  = { source = "source" }
command = "cp {source} {copy}"
outputs = { copy = "{stem}.json" }

[rule.passB]
command = "echo '[9]' > {list} && mkdir -p {parts} && echo '[8]' > {parts}/one.json"
outputs = { list = "list.json", parts = "Parts.json/" }
"#;

#[test]
fn a_file_whose_published_name_is_taken_is_set_aside_and_nothing_is_overwritten() {
    let p = ["good.txt", "manifest.txt", "LIST.txt", "parts.txt", "two.txt", "two.md", "fine.txt"]
        .iter()
        .fold(Project::new(COPIES), |p, name| p.source(name, "[1]"));
    p.build(&[]).fails(1).stderr_has("5 documents quarantined");
    assert_eq!(statuses(&p).replace(", C PENDING", ""), "A SUCCESS, B SUCCESS");
    assert_eq!((p.artifact("list.json"), p.artifact("Parts.json/one.json")), ("[9]\n".to_owned(), "[8]\n".to_owned()));
    assert_eq!((p.artifact("good.json"), p.artifact("fine.json")), ("[1]".to_owned(), "[1]".to_owned()));
    assert!(!p.exists(&p.published("two.json")) && !p.exists("cache/rejected"));
    let why = quarantined(&p, "A");
    for (name, says) in [
        ("manifest.txt", "a name of the engine's own: use {id} in its name"),
        ("LIST.txt", "the path of `passB.list`"),
        ("parts.txt", "inside `passB.parts`"),
        ("two.txt", "and `two.md` would both be published as `two.json`"),
        ("two.md", "and `two.txt` would both be published as `two.json`"),
    ] {
        assert!(why.iter().any(|w| w.contains(&format!("`passA` of {name}: ")) && w.contains(says)), "{name}: {why:#?}");
    }
    p.build(&[]).fails(1).ends_saying("ingest: nothing to do; 5 documents quarantined");
    let q = p.edit("Ingestfile.toml", "on_error = \"quarantine\"", "").edit("Ingestfile.toml", "{stem}.json", "{id}.json");
    q.build(&[]).ok();
    assert_eq!(q.artifact("two.md.json"), "[1]");
}
