//! `ingest diff`: what differs between two jobs, told for people and as JSON; what a vector store has to be told.

use std::collections::BTreeMap;

use lopdf::{Document, Object};
use serde_json::{Value, json};

use crate::books;
use crate::project::{Built, Project, repository};

/// The report of two jobs, valid against its published schema.
#[track_caller]
fn report(p: &Project, args: &[&str]) -> Value {
    let built = p.run(&[&["diff", "--json"], args].concat());
    let text = std::fs::read_to_string(repository().join("schemas/diff.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let report: Value = serde_json::from_str(&built.ok().stdout).unwrap_or_else(|e| panic!("{e}: {built:?}"));
    let errors: Vec<String> = validator.iter_errors(&report).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new(), "{report:#}");
    report
}

fn artifact<'r>(report: &'r Value, name: &str) -> &'r Value {
    let all = report["artifacts"].as_array().unwrap();
    all.iter().find(|a| a["artifact"] == name).unwrap_or_else(|| panic!("{name} is not in {report:#}"))
}

/// `change what id` of an artifact, in order.
fn changes(report: &Value, name: &str) -> Vec<String> {
    let all = artifact(report, name)["changes"].as_array().unwrap().iter();
    all.map(|c| ["change", "what", "id"].map(|k| c[k].as_str().unwrap()).join(" ")).collect()
}

/// Chunks of a file below the project, by id.
fn chunks(p: &Project, path: &str) -> BTreeMap<String, Value> {
    let all: Vec<Value> = serde_json::from_str(&p.text(path)).unwrap();
    all.into_iter().map(|c| (c["chunk_id"].as_str().unwrap().to_owned(), c)).collect()
}

fn ids(list: &Value) -> Vec<String> {
    let mut ids: Vec<String> = list.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// A store that does what `feed` says holds what B does: all that is not the same is sent, and all that is gone is dropped.
#[track_caller]
fn feeds(p: &Project, feed: &Value, a: &str, b: &str) {
    let name = feed["artifact"].as_str().unwrap();
    let (a, b) = (chunks(p, &format!("{a}/{name}")), chunks(p, &format!("{b}/{name}")));
    let sent: Vec<String> = b.iter().filter(|(id, c)| a.get(*id) != Some(c)).map(|(id, _)| id.clone()).collect();
    let dropped: Vec<String> = a.keys().filter(|id| !b.contains_key(*id)).cloned().collect();
    let kept = |id: &&String| a.get(*id).is_some_and(|old| old["text"] == b[*id]["text"]);
    assert_eq!(ids(&feed["upserts"]), sent);
    assert_eq!(ids(&feed["deletions"]), dropped);
    assert_eq!(ids(&feed["same_text"]), sent.iter().filter(kept).cloned().collect::<Vec<_>>());
}

const GUIDE: &str = "# Lamps of the Reach\n\nA guide for wardens.\n\n## Oil\n\nA lamp burns one flask of oil in a night.\n\n\
                     ## Spells\n\n### Glow\n\n*1st-level light*\n\nCasting Time: 1 action\n\nRange: 30 feet\n\nA lamp in range burns brighter.\n";

/// A project of one small book, built in `dev` and `next`.
fn guide() -> Project {
    let ingestfile = std::fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
    let p = Project::of_passes(&ingestfile).file("fixtures/uploads/guide.md", GUIDE);
    p.build(&[]).ok();
    p.build(&["--env", "next"]).ok();
    p
}

fn job_of(p: &Project, env: &str) -> String {
    format!("artifacts/ingest/{env}/{}", p.text(&format!("artifacts/ingest/{env}/current")).trim())
}

#[test]
fn equal_jobs_have_no_difference() {
    let p = guide();
    let before = p.written();
    let built = p.run(&["diff", "dev", "next", "--exit-code"]);
    built.ok().ends_saying("ingest: no difference");
    assert_eq!(built.stdout.lines().filter(|l| l.ends_with(".json: same")).count(), 11, "{}", built.stdout);
    let report = report(&p, &["dev", "next"]);
    assert_eq!(report["differ"], json!(false));
    assert_eq!(report["feed"], json!({"artifact": "passF_clean.json", "upserts": [], "same_text": [], "deletions": []}));
    p.wrote_nothing_since(&before);
}

#[test]
fn what_was_edited_is_told_by_artifact_source_and_id() {
    let p = guide();
    p.edit("fixtures/uploads/guide.md", "one flask", "two flasks")
        .edit("fixtures/uploads/guide.md", "## Spells", "## Wicks\n\nA wick lasts a year.\n\n## Spells")
        .file("fixtures/uploads/more.txt", "1. MORE\n\nThere is always more oil.\n")
        .build(&["--env", "next"])
        .ok();
    let built = p.run(&["diff", "dev", "next", "--exit-code"]);
    built.fails(1).ends_saying("ingest: 10 of 11 artifacts differ");
    let job = |env| job_of(&p, env);
    for told in [
        &format!("A dev/{} ({})\n", job("dev").rsplit('/').next().unwrap(), job("dev")),
        "\n    + section sec-",
        ", #wicks: Wicks\n",
        "\npassC_chunks.json: chunks: 2 added, 1 with another text\n  guide.md\n    ~ chunk chunk-",
        ", #oil: \"Oil A lamp burns one flask of oil in a night.\" → \"Oil A lamp burns two flasks of oil in a night.\"\n",
        "\n    ~ element el-",
        ", #oil: \"A lamp burns one flask of oil in a night.\" → \"A lamp burns two flasks of oil in a night.\"\n",
        "\n  more.txt, only in B: chunks: 1 added\n",
        "\nvector store, by passF_clean.json: 3 to upsert, 1 to delete\n",
    ] {
        built.stdout_has(told);
    }
    let report = report(&p, &["dev", "next"]);
    assert_eq!(report["b"]["folder"], json!(job("next")));
    let chunk = &artifact(&report, "passC_chunks.json")["changes"][0];
    assert_eq!((&chunk["change"], &chunk["source_id"]), (&json!("replaced"), &json!("guide.md")));
    assert_ne!(chunk["id"], chunk["old_id"]);
    assert_eq!(artifact(&report, "passC_chunks.json")["counts"]["chunk"]["added"], json!(2));
    let edges = artifact(&report, "passE_graph.json")["changes"].as_array().unwrap().iter().filter(|c| c["what"] == "edge");
    let of_guide = edges.filter(|c| c["source_id"] == "guide.md").count();
    assert!(of_guide > 2, "{report:#}");
    feeds(&p, &report["feed"], &job("dev"), &job("next"));
    // The other way round, what was added was removed.
    let back = p.run(&["diff", "next", "dev"]);
    back.ok().stdout_has("\n    - section sec-").stdout_has("\n  more.txt, only in A: chunks: 1 removed\n");
}

#[test]
fn entities_that_a_chunk_gained_and_lost_are_named() {
    let p = guide();
    let old = format!("{}/passD_enriched.json", job_of(&p, "dev"));
    let mut chunks: Vec<Value> = serde_json::from_str(&p.text(&old)).unwrap();
    let at = chunks.iter().position(|c| !c["entities"].as_array().unwrap().is_empty()).expect("an entity");
    let id = chunks[at]["chunk_id"].as_str().unwrap().to_owned();
    let first = &mut chunks[at]["entities"][0];
    let was = format!("{} {}", first["kind"].as_str().unwrap(), first["name"].as_str().unwrap());
    first["name"] = json!("Moon\u{202e}");
    p.file("older/passD_enriched.json", serde_json::to_vec(&chunks).unwrap());
    let built = p.run(&["diff", "older", "dev"]);
    built.ok().stdout_has(&format!("~ chunk {id}")).stdout_has(&format!("(entities; entities +{was}, -"));
    built.stdout_has("Moon\\u{202e}");
    let report = report(&p, &["older", "dev", "--artifact", "passD"]);
    let change = &artifact(&report, "passD_enriched.json")["changes"][0];
    assert_eq!((&change["fields"], &change["entities"]["gained"]), (&json!(["/entities"]), &json!([was])));
    assert_eq!((ids(&report["feed"]["upserts"]), ids(&report["feed"]["same_text"])), (vec![id.clone()], vec![id]));
}

#[test]
fn an_inserted_page_moves_what_follows_and_changes_no_text() {
    let p = books::books();
    let book = "fixtures/uploads/gazetteer-of-the-reach.pdf";
    let mut document = Document::load_mem(&p.bytes(book)).unwrap();
    let page = document.get_pages()[&50];
    let mut empty = document.get_dictionary(page).unwrap().clone();
    let parent = empty.get(b"Parent").unwrap().as_reference().unwrap();
    empty.remove(b"Contents");
    let empty = document.add_object(empty);
    let parent = document.get_dictionary_mut(parent).unwrap();
    let Object::Array(kids) = parent.get_mut(b"Kids").unwrap() else { panic!("no pages") };
    let at = kids.iter().position(|k| k.as_reference().unwrap() == page).unwrap();
    kids.insert(at + 1, empty.into());
    let count = parent.get(b"Count").unwrap().as_i64().unwrap();
    parent.set("Count", count + 1);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    p.file(book, bytes).build(&["--env", "next"]).ok();

    let report = report(&p, &["dev", "next"]);
    let chunks = artifact(&report, "passC_chunks.json");
    let all = chunks["changes"].as_array().unwrap();
    let moved: Vec<&Value> = all.iter().filter(|c| c["change"] == "moved").collect();
    assert!(moved.len() > 50, "{}", chunks["counts"]);
    assert_eq!(chunks["counts"]["chunk"]["moved"], json!(moved.len()));
    for change in &moved {
        assert_eq!(change["pages_b"]["last"].as_u64(), change["pages_a"]["last"].as_u64().map(|p| p + 1), "{change}");
        assert!(change["pages_b"]["first"].as_u64() > Some(50) && change["fields"] == json!([]), "{change}");
    }
    let pages: Vec<u64> = all.iter().filter_map(|c| c["pages_b"]["first"].as_u64()).collect();
    assert!(pages.is_sorted(), "{pages:?}");
    assert!(all.iter().all(|c| c["source_id"] == "gazetteer-of-the-reach.pdf"));
    feeds(&p, &report["feed"], &job_of(&p, "dev"), &job_of(&p, "next"));
    assert!(ids(&report["feed"]["same_text"]).len() >= moved.len());

    let built = p.run(&["diff", "dev", "next", "--artifact", "passA_toc,passC_chunks"]);
    built.ok().stdout_has("    > section sec-").stdout_has(", pages 53-58 → 54-59: ").stdout_has("\n    > chunk chunk-");
    built.stdout_has("more\n").ends_saying("ingest: 2 of 2 artifacts differ");
    let every = p.run(&["diff", "dev", "next", "--artifact", "passC_chunks", "--all"]);
    assert_eq!(every.ok().stdout.matches("\n    > chunk ").count(), moved.len());
}

#[test]
fn what_a_rule_of_ones_own_publishes_is_compared_as_bytes() {
    let p = guide();
    let (dev, next) = (job_of(&p, "dev"), job_of(&p, "next"));
    for (job, text) in [(&dev, "one"), (&next, "two")] {
        let mut manifest: Value = serde_json::from_str(&p.text(&format!("{job}/manifest.json"))).unwrap();
        let named = |name: &str| json!({"name": name, "digest": "0".repeat(64), "bytes": 3, "items": 1});
        let records = ["cards/guide.txt", "passC_chunks.json", "../../../../secret.txt", "gone.txt"].map(named);
        manifest["rules"]["cards"] = json!({"status": "SUCCESS", "artifact_records": records});
        p.file(&format!("{job}/manifest.json"), manifest.to_string()).file(&format!("{job}/cards/guide.txt"), text);
    }
    p.file("secret.txt", "x").file("artifacts/secret.txt", "y");
    let built = p.run(&["diff", "dev", "next", "--exit-code"]);
    built.fails(1).stdout_has("\ncards/guide.txt: its bytes differ\n").ends_saying("ingest: 1 of 12 artifacts differs");
    assert!(!built.stdout.contains("secret"), "{}", built.stdout);
    assert_eq!(artifact(&report(&p, &["dev", "next"]), "cards/guide.txt")["state"], json!("differs"));
    p.run(&["diff", "dev", "next", "--artifact", "cards/guide.txt", "--exit-code"]).fails(1);
    // Nothing of it is of one source.
    p.run(&["diff", "dev", "next", "--source", "guide.md", "--exit-code"]).ok();
    p.file(&format!("{next}/cards/guide.txt"), "one");
    p.run(&["diff", "dev", "next", "--exit-code"]).ok().stdout_has("\ncards/guide.txt: same\n");
}

/// Chunks of an older pipeline: text by source and id, all on the page that is their place in the source.
fn older(sources: &[(&str, &[(&str, &str)])]) -> Vec<Value> {
    let chunks = sources.iter().flat_map(|(source, chunks)| chunks.iter().enumerate().map(move |c| (source, c)));
    let chunk = |(source, (n, (id, text))): (&&str, (usize, &(&str, &str)))| json!({"chunk_id": id, "source_id": source, "page": n + 1, "text": text, "metadata": {"section_id": "s"}});
    chunks.map(chunk).collect()
}

fn folders(a: &[Value], b: &[Value]) -> Project {
    let p = Project::new("");
    let name = "passC_chunks.json";
    p.file(&format!("a/{name}"), serde_json::to_vec(a).unwrap()).file(&format!("b/{name}"), serde_json::to_vec(b).unwrap());
    p.remove("Ingestfile.toml")
}

#[test]
fn folders_of_another_pipeline_need_no_project_and_no_manifest() {
    let a = older(&[("x", &[("1", "one"), ("2", "two"), ("3", "three"), ("4", "four")]), ("z", &[("9", "nine")])]);
    let b = older(&[("y", &[("9", "nine")]), ("x", &[("1", "one"), ("2b", "two, too"), ("3", "THREE"), ("5", "five")])]);
    let p = folders(&a, &b);
    let p = p.file("a/passA_dictionary.json", "[]");
    let built = p.run(&["diff", "a", "b/", "--exit-code"]);
    built.fails(1).ends_saying("ingest: 1 of 2 artifacts differs, 1 is on one side only");
    assert_eq!(
        built.stdout,
        "A a\nB b\npassA_dictionary.json: only in A: B has no such file\n\
         passC_chunks.json: chunks: 1 added, 1 removed, 1 changed, 2 with another text\n\
         \x20 x\n\
         \x20   ~ chunk 2 → 2b, page 2: \"two\" → \"two, too\"\n\
         \x20   ~ chunk 3, page 3: \"three\" → \"THREE\" (text)\n\
         \x20   ~ chunk 4 → 5, page 4: \"four\" → \"five\"\n\
         \x20 y, only in B: chunks: 1 added\n\
         \x20 z, only in A: chunks: 1 removed\n\
         vector store, by passC_chunks.json: 4 to upsert, 2 to delete\n"
    );
    p.run(&["diff", "a", "dev"]).fails(2).stderr_has("`dev` does not exist\nhint: without `Ingestfile.toml` only folders");
    let report = report(&p, &["a", "b"]);
    assert_eq!(
        changes(&report, "passC_chunks.json"),
        ["replaced chunk 2b", "changed chunk 3", "replaced chunk 5", "added chunk 9", "removed chunk 9"]
    );
    // Chunk 9 went from one source to another: it is sent, and not dropped.
    assert_eq!(
        (ids(&report["feed"]["upserts"]), ids(&report["feed"]["deletions"])),
        (ids(&json!(["2b", "3", "5", "9"])), ids(&json!(["2", "4"])))
    );
    assert_eq!(artifact(&report, "passA_dictionary.json")["state"], json!("only_in_a"));
}

#[test]
fn the_order_of_the_sources_and_white_space_are_no_difference_and_that_of_the_items_is() {
    let a = older(&[("x", &[("1", "one"), ("2", "two")]), ("y", &[("3", "three"), ("4", "four")])]);
    // The items of y stand apart.
    let b = vec![a[2].clone(), a[0].clone(), a[1].clone(), a[3].clone()];
    let p = folders(&a, &b);
    p.run(&["diff", "a", "b", "--exit-code"]).ok().ends_saying("ingest: no difference");
    p.file("b/passC_chunks.json", serde_json::to_string_pretty(&a).unwrap());
    p.run(&["diff", "a", "b", "--exit-code"]).ok().ends_saying("ingest: no difference");
    let p = folders(&a, &[a[1].clone(), a[0].clone(), a[2].clone(), a[3].clone()]);
    let built = p.run(&["diff", "a", "b", "--exit-code"]);
    built.fails(1).stdout_has("chunks: 1 in another order\n  x\n    ~ chunks in another order\n");
    assert_eq!(changes(&report(&p, &["a", "b"]), "passC_chunks.json"), ["reordered chunk x"]);
}

#[test]
fn a_link_graph_that_is_not_sorted_is_compared_all_the_same() {
    let node = |id: &str, page: u64| json!({"id": id, "kind": "chunk", "source_id": "x", "page": page});
    let edge = |from: &str, kind: &str, to: &str| json!({"source": from, "kind": kind, "target": to, "chunk_ids": []});
    let nodes = [node("chunk:a", 1), node("chunk:b", 2), node("chunk:c", 3)];
    let edges = [edge("chunk:a", "next", "chunk:b"), edge("chunk:a", "mentions", "chunk:c"), edge("chunk:b", "next", "chunk:c")];
    let graph =
        |nodes: &[&Value], edges: &[&Value], n: u64| json!({"edges": edges, "stats": {"n": n}, "nodes": nodes}).to_string();
    let [a, b, c] = &nodes;
    let [ab, ac, bc] = &edges;
    let p = Project::new("").remove("Ingestfile.toml");
    // `json!` sorts the keys, so that edges come before nodes here; there, they are as we write them.
    let sorted = format!("{{\"nodes\":{},\"edges\":{},\"unresolved\":[],\"stats\":{{\"n\":1}}}}", json!(nodes), json!(edges));
    p.file("a/passE_graph.json", &sorted).file("b/passE_graph.json", graph(&[c, b, a], &[bc, ac, ab], 1));
    p.run(&["diff", "a", "b", "--exit-code"]).ok().ends_saying("ingest: no difference");

    let moved = node("chunk:c", 7);
    p.file("b/passE_graph.json", graph(&[&moved, a], &[ac, &edge("chunk:c", "odd", "chunk:a")], 2));
    let report = report(&p, &["a", "b"]);
    assert_eq!(
        changes(&report, "passE_graph.json"),
        [
            "removed node chunk:b",
            "moved node chunk:c",
            "removed edge chunk:a next chunk:b",
            "removed edge chunk:b next chunk:c",
            "added edge chunk:c odd chunk:a",
            "changed figures stats",
        ]
    );
    let all = artifact(&report, "passE_graph.json")["changes"].as_array().unwrap();
    assert_eq!((&all[3]["source_id"], &all[3]["pages_a"]), (&json!("x"), &json!({"first": 2, "last": 2})));
    assert_eq!((&all[4]["pages_b"], &all[5]["fields"]), (&json!({"first": 7, "last": 7}), &json!(["/n"])));
    assert_eq!(report["feed"], Value::Null);
}

#[test]
fn what_cannot_be_read_is_told_with_its_place_and_json_is_whole_or_not_at_all() {
    let one = older(&[("x", &[("1", "one")])]);
    let p = folders(&one, &one);
    p.file("a/passA_dictionary.json", "[]")
        .file("b/passA_dictionary.json", "[{\"source_id\":\"x\",\"term_id\":\"t\",\"term\":\"T\"}]");
    let fails = |text: &str, error: &str| {
        p.file("b/passC_chunks.json", text);
        for args in [&["diff", "a", "b"][..], &["diff", "a", "b", "--json"]] {
            let built = p.run(args);
            built.fails(1).stderr_has(&format!("error: {error}\n"));
            assert_eq!(built.stdout.is_empty(), args.len() == 4, "{}", built.stdout);
        }
    };
    fails("[{\"source_id\":\"x\",\n \"chunk_id\": y}]", "`b/passC_chunks.json:2:14` is no JSON: expected value");
    fails("[{\"source_id\":\"x\"", "`b/passC_chunks.json:1:17` is no JSON: EOF while parsing an object");
    fails("", "`b/passC_chunks.json:1:1` is no JSON: the file ends before a value");
    fails("{}", "`b/passC_chunks.json` is not of the shape: an array is expected here");
    fails("[{\"chunk_id\":\"1\"}]", "`b/passC_chunks.json` is not of the shape at `/0/source_id`: missing field `source_id`");
    fails("[{\"source_id\":\"x\"}]", "`b/passC_chunks.json` is not of the shape at `/0/chunk_id`: there is no text here");
    p.file("a/passE_graph.json", "{\"edges\":[{\"source\":\"a\",\"kind\":\"next\"}]}").file("b/passE_graph.json", "{}");
    let built = p.run(&["diff", "a", "b", "--artifact", "passE"]);
    built.fails(1).stderr_has("`a/passE_graph.json` is not of the shape at `/edges/0/target`: there is no text here");
    // The others can still be compared.
    p.run(&["diff", "a", "b", "--artifact", "passA"]).ok().ends_saying("ingest: 1 of 1 artifact differs");
}

#[test]
fn sides_are_jobs_environments_or_folders() {
    let p = guide();
    let (dev, next) = (job_of(&p, "dev"), job_of(&p, "next"));
    let (dev_id, next_id) = (dev.rsplit('/').next().unwrap(), next.rsplit('/').next().unwrap());
    p.build(&["--env", "next", "--job", "other"]).ok();
    p.edit(&format!("{next}/passA_toc.json"), "Lamps", "Lights");
    let toc =
        |a: &str, b: &str, more: &[&str]| p.run(&[&["diff", a, b, "--artifact", "passA_toc", "--exit-code"], more].concat());
    let differs = |built: &Built| built.fails(1).last_line() == "ingest: 1 of 1 artifact differs";
    // `next` means its current job, which is the first one.
    for side in ["next", &format!("next/{next_id}"), &next, &format!("./{next}/"), &*p.path(&next).to_string_lossy()] {
        assert!(differs(&toc("dev", side, &[])), "{side}");
        assert!(differs(&toc(side, dev_id, &[])), "{side}");
    }
    toc("dev", "next/other", &[]).ok();
    toc("dev/", &dev, &[]).fails(2).stderr_has("`dev/` does not exist");
    assert!(differs(&toc("other", "next", &["--env", "next"])));
    toc("other", "dev", &[])
        .fails(2)
        .stderr_has("there is no job, environment or folder `other`")
        .stderr_has("did you mean `next/other`?");
    toc("dev", "nxet", &[]).fails(2).stderr_has("did you mean `next`?");
    toc("dev", "current", &[]).fails(2);
    toc("dev", "./Ingestfile.toml", &[]).fails(2).stderr_has("`./Ingestfile.toml` is a file, not a job folder");
    toc("dev", "schemas", &[]).fails(2).stderr_has("`schemas` holds no artifact");
    p.run(&["diff", "dev", "next", "--artifact", "passX"]).fails(2).stderr_has("there is no artifact `passX`");
    p.run(&["diff", "dev"]).fails(2);
    let manifest = format!("{next}/manifest.json");
    p.file(&manifest, p.text(&manifest).replacen("SUCCESS", "FAILED", 1));
    let built = toc("dev", "next", &[]);
    built.stderr_has("warning: in `next/[job]` passA is FAILED: what is compared is what it published before\n");
    // Without a word about the current job, only a job that is alone is meant.
    p.remove("artifacts/ingest/next/current");
    toc("dev", "next", &[]).fails(2).stderr_has("the environment `next` has 2 jobs, and none is the current one");
    p.remove("artifacts/ingest/next/other");
    assert!(differs(&toc("dev", "next", &[])));
}

#[test]
fn one_source_can_be_asked_for() {
    let a = older(&[("x", &[("1", "one")]), ("y", &[("3", "three")])]);
    let b = older(&[("x", &[("2", "two")]), ("y", &[("4", "four")])]);
    let p = folders(&a, &b);
    let built = p.run(&["diff", "a", "b", "--source", "y"]);
    built.ok().stdout_has("chunks: 1 with another text\n  y\n    ~ chunk 3 → 4");
    assert!(!built.stdout.contains("one"), "{}", built.stdout);
    assert_eq!(report(&p, &["a", "b", "--source", "y"])["feed"]["upserts"], json!(["4"]));
    let wrong = p.run(&["diff", "a", "a", "--source", "z"]);
    wrong.fails(2).stderr_has("there is no source `z`");
    assert_eq!(wrong.stdout, "");
    p.run(&["diff", "a", "a", "--source", "x"]).ok().ends_saying("ingest: no difference");
}

#[test]
fn of_much_the_beginning_is_told_and_how_much_was_left_out() {
    let names: Vec<String> = (0..25).map(|n| format!("{n:02}")).collect();
    let texts = |word: &str| names.iter().map(|n| (format!("{word}{n}"), format!("{word} {n}"))).collect::<Vec<_>>();
    let (old, new) = (texts("old"), texts("new"));
    let of = |texts: &[(String, String)]| -> Vec<Value> {
        let texts: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        older(&names.iter().map(|n| (n.as_str(), texts.as_slice())).collect::<Vec<_>>())
    };
    let p = folders(&of(&old), &of(&new));
    let built = p.run(&["diff", "a", "b"]);
    built.ok().stdout_has("passC_chunks.json: chunks: 625 added, 625 removed\n").stdout_has("\n  and 5 more sources\n");
    assert_eq!(built.stdout.matches("\n    and 30 more\n").count(), 20);
    assert_eq!(built.stdout.lines().count(), 3 + 20 * (1 + 20 + 1) + 2);
    let every = p.run(&["diff", "a", "b", "--all"]);
    assert_eq!(every.ok().stdout.lines().count(), 3 + 25 * (1 + 50) + 1);
}

#[test]
fn what_a_terminal_would_obey_is_shown() {
    let a = older(&[("x\u{1b}[2J", &[("i\u{7}d", "one")])]);
    let b = older(&[("x\u{1b}[2J", &[("i\u{7}d", "tw\u{202e}o\u{9b}"), ("\n+ chunk", "\r")])]);
    let p = folders(&a, &b);
    let built = p.run(&["diff", "a", "b"]);
    built.ok().stdout_has("  x\\u{1b}[2J\n").stdout_has("~ chunk i\\u{7}d, page 1: \"one\" → \"tw\\u{202e}o\\u{9b}\"");
    built.stdout_has("+ chunk \\n+ chunk, page 2");
    assert!(!built.stdout.contains(|c: char| c.is_control() && c != '\n'), "{:?}", built.stdout);
    assert_eq!(report(&p, &["a", "b"])["artifacts"][0]["changes"][0]["id"], json!("i\u{7}d"), "data is as it is");
}
