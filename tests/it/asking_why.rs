//! What `why`, `status` and `build -n` name as the cause, for each thing that a person can change: with what it was and what
//! it is. Undone, everything is up to date again, and nobody who asked has written anything.

use serde_json::{Value, json};

use crate::building::words;
use crate::project::{Built, Project, repository};

/// A rule with everything that a key can hold, and one that reads what it makes.
const INGESTFILE: &str = r#"
version = 1

[job]
sources = "uploads"
include = ["**/*.txt"]

[rule.words]
each    = "source"
inputs  = { source = "source" }
command = "sh tools/words.sh $STYLE < {source} > {out}"
files   = ["tools/words.sh"]
env     = ["STYLE", "API_KEY"]
version = ["./tool"]
outputs = { out = "words.json" }
gate    = { out = { schema = "schemas/words.json" } }

[rule.list]
inputs  = { all = "words.out", title = { file = "title.txt" } }
command = "cat {title} {all} > {out}"
env     = ["TITLE"]
outputs = { out = "list.txt" }
"#;

fn tool(p: &Project, says: &str) {
    use std::os::unix::fs::PermissionsExt;
    p.file("tool.new", format!("#!/bin/sh\necho {says}\n"));
    std::fs::set_permissions(p.path("tool.new"), std::fs::Permissions::from_mode(0o755)).unwrap();
    p.rename("tool.new", "tool");
}

fn lab() -> Project {
    let p = Project::new(INGESTFILE)
        .file("tools/words.sh", "printf '[\"%s\"]' \"$(tr '\\n' ' ')\"\n")
        .file("schemas/words.json", r#"{"type": "array"}"#)
        .file("title.txt", "A list\n")
        .source("a.txt", "ash\n")
        .source("sub/b.txt", "bat\n");
    tool(&p, "tool 1");
    p
}

/// The report, valid against its published schema.
#[track_caller]
pub fn valid(built: &Built, schema: &str) -> Value {
    let text = std::fs::read_to_string(repository().join("schemas").join(schema)).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let report: Value = serde_json::from_str(&built.stdout).unwrap_or_else(|e| panic!("{e}: {built:?}"));
    let errors: Vec<String> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new(), "{report:#}");
    report
}

/// The causes that a person can act on: those that lead no further.
fn roots(steps: &Value, found: &mut Vec<Value>) {
    for step in steps.as_array().unwrap() {
        match step["through"].as_array().unwrap().is_empty() {
            true => found.push(step["cause"].clone()),
            false => roots(&step["through"], found),
        }
    }
}

#[track_caller]
fn why(p: &Project, args: &[&str]) -> Value {
    valid(p.run(&[&["why", "--json"], args].concat()).ok(), "why.schema.json")
}

/// Everybody who may be asked is; the causes of `target`, of steps and of files alike.
#[track_caller]
fn causes(p: &Project, target: &str) -> Vec<Value> {
    let before = p.written();
    let report = why(p, &[target]);
    valid(p.run(&["status", "--json"]).ok(), "status.schema.json");
    valid(&p.run(&["build", "-n", "--json"]), "plan.schema.json");
    p.wrote_nothing_since(&before);
    let mut found = Vec::new();
    roots(&report["steps"], &mut found);
    found.extend(report["publish"].as_array().unwrap().iter().map(|w| w["cause"].clone()));
    assert_eq!(report["up_to_date"], json!(found.is_empty()), "{report:#}");
    found
}

/// `target` has one cause, with these values.
#[track_caller]
fn is_caused(p: &Project, target: &str, kind: &str, name: Value, old: Value, new: Value) {
    assert_eq!(causes(p, target), [json!({ "kind": kind, "name": name, "old": old, "new": new })]);
}

/// `target` has one cause, whose values are two different digests.
#[track_caller]
fn is_caused_by_bytes(p: &Project, target: &str, kind: &str, name: &str) {
    let found = causes(p, target);
    assert_eq!((found.len(), &found[0]["kind"], &found[0]["name"]), (1, &json!(kind), &json!(name)), "{found:?}");
    let digest = |v: &Value| v.as_str().is_some_and(|d| d.len() == 64);
    assert!(digest(&found[0]["old"]) && digest(&found[0]["new"]) && found[0]["old"] != found[0]["new"], "{found:?}");
}

#[track_caller]
fn is_up_to_date(p: &Project) {
    for target in ["words", "list"] {
        assert_eq!(causes(p, target), Vec::<Value>::new(), "{target}");
    }
    p.run(&["build", "-n"]).ok().ends_saying("ingest: nothing to do");
}

#[test]
fn a_changed_source_is_named_with_both_digests() {
    let p = lab();
    p.build(&[]).ok();
    is_up_to_date(&p);
    p.source("sub/b.txt", "bee\n");
    is_caused_by_bytes(&p, "words", "source", "sub/b.txt");
    is_caused_by_bytes(&p, "list", "source", "sub/b.txt");
    p.run(&["why", "words:a.txt"]).ok().stdout_has("words:a.txt is up to date");
    p.source("sub/b.txt", "bat\n");
    is_up_to_date(&p);
}

#[test]
fn a_new_source_and_one_that_is_gone_are_named() {
    let p = lab();
    p.build(&[]).ok();
    p.source("c.txt", "cow\n");
    is_caused(&p, "words", "new_source", json!("c.txt"), Value::Null, Value::Null);
    is_caused(&p, "list", "new_source", json!("c.txt"), Value::Null, Value::Null);
    p.remove("uploads/c.txt");
    is_up_to_date(&p);
    p.remove("uploads/a.txt");
    is_caused(&p, "list", "gone_source", json!("a.txt"), Value::Null, Value::Null);
    p.source("a.txt", "ash\n");
    is_up_to_date(&p);
}

#[test]
fn a_file_is_named_whether_an_input_or_a_command_declares_it() {
    let p = lab();
    p.build(&[]).ok();
    let script = p.text("tools/words.sh");
    p.edit("tools/words.sh", "printf", "exec printf");
    is_caused_by_bytes(&p, "words", "file", "tools/words.sh");
    p.file("tools/words.sh", script).file("title.txt", "Another list\n");
    is_caused_by_bytes(&p, "list", "file", "title.txt");
    p.file("title.txt", "A list\n");
    is_up_to_date(&p);
}

#[test]
fn a_variable_is_named_with_its_values_unless_its_name_speaks_of_a_secret() {
    let p = lab();
    p.build(&[]).ok();
    is_caused(&p.env("STYLE", "bold"), "words", "environment", json!("STYLE"), Value::Null, json!("bold"));
    p.env("STYLE", "bold").run(&["why", "words"]).stdout_has("environment variable `STYLE` changed from nothing to `bold`");
    let secret = p.env("API_KEY", "hunter2");
    for args in [&["why", "words"][..], &["why", "words", "--json"], &["build", "-n"], &["build", "-n", "--json"], &["status"]] {
        let said = secret.run(args);
        assert!(said.stdout.contains("API_KEY") && !said.stdout.contains("hunter2"), "{}", said.stdout);
    }
    is_up_to_date(&p);
}

#[test]
fn a_command_and_a_renamed_output_are_named_with_both_texts() {
    let p = lab();
    p.build(&[]).ok();
    p.edit("Ingestfile.toml", "cat {title} {all}", "cat {all} {title}");
    let line = |text: &str| json!(format!("\"{text} > {{out}}\""));
    is_caused(&p, "list", "command", Value::Null, line("cat {title} {all}"), line("cat {all} {title}"));
    p.edit("Ingestfile.toml", "cat {all} {title}", "cat {title} {all}").edit("Ingestfile.toml", "\"list.txt\"", "\"lines.txt\"");
    is_caused(&p, "list", "output", json!("out"), json!("list.txt"), json!("lines.txt"));
    p.edit("Ingestfile.toml", "\"lines.txt\"", "\"list.txt\"");
    is_up_to_date(&p);
}

#[test]
fn a_tool_that_was_replaced_is_asked_by_the_build_and_may_still_be_the_same() {
    let p = lab();
    p.build(&[]).ok();
    tool(&p, "tool 2");
    is_caused(&p, "words", "tool_version", Value::Null, json!("tool 1"), Value::Null);
    p.run(&["why", "words"])
        .stdout_has("words may run for a.txt (and 1 more): its tool would be asked for its version first: what `");
    let built = p.build(&[]);
    assert_eq!(built.ok().with_outcome("ran").len(), 2, "{built:?}");
    let started = built.events.iter().find(|e| e["event"] == "action_started").unwrap();
    assert_eq!(started["cause"], json!({ "kind": "tool_version", "name": null, "old": "tool 1", "new": "tool 2" }));
    is_up_to_date(&p);
    tool(&p, "tool 2");
    p.build(&[]).ok().ran(&[]);
    is_up_to_date(&p);
}

#[test]
fn a_schema_is_named_with_both_digests_and_nothing_would_run() {
    let p = lab();
    p.build(&[]).ok();
    p.file("schemas/words.json", r#"{"type": "array", "minItems": 2}"#);
    is_caused_by_bytes(&p, "words", "gate", "schemas/words.json");
    let dry = p.run(&["build", "-n"]);
    dry.stdout_has("may run words a.txt: `schemas/words.json`, which its gate reads, changed (");
    dry.stdout_has("): it would be judged again, not run\n");
    p.build(&[]).fails(1).ran(&[]);
    let still = causes(&p, "words");
    assert!(still.iter().all(|c| c["kind"] == "rejected"), "{still:?}");
    p.run(&["why", "words"]).stdout_has("words fails as before for a.txt (and 1 more): the gate of `words.json` rejected it");
    p.file("schemas/words.json", r#"{"type": "array"}"#);
    is_caused_by_bytes(&p, "words", "gate", "schemas/words.json");
    p.build(&[]).ok().ran(&[]);
    is_up_to_date(&p);
}

#[test]
fn a_changed_gate_on_the_whole_of_a_file_is_named_with_what_it_asks_now() {
    let p = lab();
    p.build(&[]).ok();
    let gate = "{ schema = \"schemas/words.json\" }";
    p.edit("Ingestfile.toml", gate, "{ schema = \"schemas/words.json\", min_items = 3 }");
    let check = json!({"count": 3, "kind": "min_items"}).to_string();
    is_caused(&p, "words", "gate", json!("min_items of words.json"), Value::Null, json!(check));
    p.run(&["build", "-n"]).ok().stdout_has("judge words.json\n").ends_saying("ingest: 1 would be judged again, 3 up to date");
    p.build(&[]).fails(1).ran(&[]);
    p.edit("Ingestfile.toml", ", min_items = 3", "").build(&[]).ok().ran(&[]);
    is_up_to_date(&p);
}

#[test]
fn what_was_rejected_or_failed_says_so_when_it_is_tried_again() {
    let p = lab().file("schemas/words.json", r#"{"type": "object"}"#);
    p.build(&[]).fails(1);
    p.build(&["--retry"]).fails(1);
    p.run(&["why", "words", "--last"])
        .ok()
        .stdout_has("words last ran for a.txt (and 1 more): it had been rejected the time before");
    p.file("schemas/words.json", r#"{"type": "array"}"#).edit("Ingestfile.toml", "cat {title}", "exit 3; cat {title}");
    p.run(&["build"]).fails(1);
    is_caused(&p, "list", "failed", Value::Null, Value::Null, Value::Null);
    p.run(&["why", "list"]).stdout_has("list would run: it failed last time");
    p.run(&["build"]).fails(1);
    p.run(&["why", "list", "--last"]).stdout_has("list last ran: it had failed the time before");
    p.edit("Ingestfile.toml", "exit 3; cat {title}", "cat {title}").build(&[]).ok();
    is_up_to_date(&p);
}

#[test]
fn a_published_file_that_is_missing_or_was_edited_is_named() {
    let p = lab();
    p.build(&[]).ok();
    let (at, text) = (p.published("list.txt"), p.artifact("list.txt"));
    p.remove(&at);
    let found = causes(&p, "list");
    assert_eq!(
        (&found[0]["kind"], &found[0]["name"], &found[0]["new"]),
        (&json!("published_missing"), &json!("list.txt"), &Value::Null)
    );
    p.run(&["status"]).stdout_has("`list.txt` would be published again: it is missing\n");
    p.file(&at, "mine\n");
    is_caused_by_bytes(&p, "list", "published_edited", "list.txt");
    p.run(&["why", "list"]).stdout_has("  `list.txt` would be published again: it was changed by hand (");
    p.file(&at, text);
    is_up_to_date(&p);
}

#[test]
fn a_result_whose_bytes_are_gone_from_the_cache_is_named_before_and_after() {
    let p = lab();
    p.build(&[]).ok();
    p.source("a.txt", "ant\n").build(&[]).ok();
    p.source("a.txt", "ash\n").rename("cache/cas", "cas.aside");
    let found = causes(&p, "words:a.txt");
    assert_eq!((&found[0]["kind"], &found[0]["name"]), (&json!("missing"), &json!("words.json")), "{found:?}");
    p.run(&["why", "words:a.txt"])
        .stdout_has("words may run for a.txt: its output `words.json` (")
        .stdout_has(") is missing in the cache");
    p.rename("cas.aside", "cache/cas");
    p.run(&["why", "words:a.txt"]).stdout_has("words would come from the cache for a.txt: the source `a.txt` changed (");
    p.remove("cache/cas").build(&[]).ok();
    let last = why(&p, &["words:a.txt", "--last"]);
    assert_eq!(last["steps"][0]["cause"]["kind"], "missing", "{last:#}");
}

#[test]
fn a_cache_that_was_cleared_is_told_from_a_job_that_was_never_built() {
    let p = lab();
    is_caused(&p, "list", "never_built", Value::Null, Value::Null, Value::Null);
    p.build(&[]).ok();
    p.rename("cache", "aside");
    let found = causes(&p, "words");
    assert!(found.iter().any(|c| c["kind"] == "no_records"), "{found:?}");
    assert!(!p.exists("cache"), "asking made a cache");
    p.rename("aside", "cache");
    is_up_to_date(&p);
}

#[test]
fn what_changed_of_a_rule_itself_is_told_before_its_inputs_are_known() {
    let p = lab();
    p.build(&[]).ok();
    let with = p.source("a.txt", "ant\n").env("TITLE", "big");
    let kinds = |p: &Project| causes(p, "list").iter().map(|c| c["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(kinds(&with), ["environment", "source"]);
    with.run(&["build", "-n"]).stdout_has("run list: environment variable `TITLE` changed from nothing to `big`\n");
    assert_eq!(kinds(&p), ["source"]);
    p.run(&["build", "-n"]).stdout_has("may run list: `words` would be made first\n");
    p.source("a.txt", "ash\n");
    is_up_to_date(&p);
}

#[test]
fn a_param_is_named_with_both_values_down_to_the_passes_that_read_what_it_shapes() {
    let ingestfile = std::fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
    let p = Project::of_passes(&ingestfile.replace("fixtures/uploads", "uploads"));
    p.source("book.md", "# Book\n\n## Rats\n\nA rat bites. It runs away.\n\n## Bats\n\nA bat flies at night.\n");
    p.build(&[]).ok();
    p.edit("Ingestfile.toml", "max_chars = 600", "max_chars = 550");
    for pass in ["passC", "passE"] {
        is_caused(&p, pass, "param", json!("max_chars"), json!("600"), json!("550"));
    }
    let dry = valid(p.run(&["build", "-n", "--json"]).ok(), "plan.schema.json");
    assert_eq!(dry["actions"][0]["cause"], json!({ "kind": "param", "name": "max_chars", "old": "600", "new": "550" }));
    p.run(&["status"]).ok().stdout_has("param `max_chars` changed from `600` to `550`");
    p.edit("Ingestfile.toml", "max_chars = 550", "max_chars = 600");
    assert_eq!(causes(&p, "passF"), Vec::<Value>::new());
}

#[test]
fn the_last_run_is_told_after_reverts_and_a_few_turns_are_kept() {
    let p = words();
    let turn = |text: &str| p.source("b.txt", text).build(&[]);
    let runs: Vec<Built> = ["1 cow\n", "1 cat\n"].iter().map(|t| turn(t)).collect();
    (0..3).for_each(|_| drop((turn("1 cow\n"), turn("1 cat\n"))));
    turn("1 cow\n").ok().ran(&[]);
    let report = why(&p, &["text:b.txt", "--last"]);
    let turns = report["history"][0]["turns"].as_array().unwrap();
    let came: Vec<&Value> = turns.iter().map(|t| &t["came"]).collect();
    assert_eq!(came, ["from_cache", "from_cache", "from_cache", "from_cache", "ran"]);
    assert_eq!(turns[4]["build_id"], runs[1].events[0]["build_id"], "the last run is kept");
    assert_eq!(turns[4]["cause"]["new"], turns[0]["cause"]["old"]);
    let told = p.run(&["why", "text:b.txt", "--last"]);
    told.ok()
        .stdout_has("text last ran for b.txt: the source `b.txt` changed (")
        .stdout_has("  since then 1 action came from the cache: ");
    let untouched = why(&p, &["text:a.txt", "--last"]);
    assert_eq!(untouched["history"][0]["turns"].as_array().unwrap().len(), 1);
}

#[test]
fn an_item_goes_by_id_by_path_or_by_all_of_its_ids() {
    let p = words().source("sub/c.txt", "1 dog\n");
    p.build(&[]).ok();
    p.source("sub/c.txt", "1 doe\n").source("a.txt", "1 ash\n2 bee\n");
    let actions = |item: &str| why(&p, &["shout", "--item", item])["actions"].clone();
    assert_eq!((actions("a.txt"), actions("a.txt/"), actions("sub/c.txt")), (json!(2), json!(2), json!(1)));
    p.build(&[]).ok();
    assert_eq!((actions("a.txt/2"), actions("sub/c.txt/1")), (json!(1), json!(1)));
    p.run(&["why", "shout", "--item", "sub/d.txt"])
        .fails(2)
        .stderr_has("`shout` has no item `sub/d.txt`")
        .stderr_has("hint: did you mean `sub/c.txt`?");
    p.run(&["why", "shout:sub/c.txt"]).ok().stdout_has("shout:sub/c.txt is up to date");
    p.run(&["why", "shout:sub/e.txt"]).fails(2).stderr_has("did you mean `sub/c.txt`?");
}

#[test]
fn a_plan_in_json_says_what_the_lines_say() {
    let p = words();
    p.build(&[]).ok();
    p.source("a.txt", "1 ash\n");
    let (dry, lines) = (p.run(&["build", "-n", "--json"]), p.run(&["build", "-n"]));
    let plan = valid(dry.ok(), "plan.schema.json");
    assert_eq!(dry.last_line(), lines.last_line());
    let told = |a: &Value| (a["rule"].as_str().unwrap().to_owned(), a["fate"].as_str().unwrap().to_owned());
    let actions: Vec<_> = plan["actions"].as_array().unwrap().iter().map(told).collect();
    let expected = [("text", "run"), ("cut", "may"), ("report", "may")].map(|(r, f)| (r.to_owned(), f.to_owned()));
    assert_eq!(actions, expected);
    assert_eq!(plan["actions"][0]["cause"]["name"], "a.txt");
    assert_eq!((&plan["up_to_date"], &plan["counts"]["up_to_date"]), (&json!(false), &json!(3)));
    for action in plan["actions"].as_array().unwrap() {
        lines.stdout_has(action["because"].as_str().unwrap());
    }
}
