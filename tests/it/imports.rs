//! Files of Unstructured, Haystack and LlamaIndex as sources: what they say is kept, what they are not is told.

use std::fs;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::books::books;
use crate::project::{Project, repository};

const FILES: &str = "fixtures/imports/files";

/// A project with the rules for imports and no sources.
fn empty() -> Project {
    Project::of_passes(&fs::read_to_string(repository().join("fixtures/Ingestfile.import.toml")).unwrap())
}

/// The sample files, built; each test takes a copy.
fn imports() -> Project {
    static BUILT: OnceLock<Project> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let p = empty();
        for entry in fs::read_dir(repository().join(FILES)).unwrap().map(Result::unwrap) {
            p.file(&format!("{FILES}/{}", entry.file_name().to_string_lossy()), fs::read(entry.path()).unwrap());
        }
        p.build(&[]).ok();
        p
    });
    built.copy()
}

/// What `key` holds in items of `source`.
fn of_source(p: &Project, artifact: &str, source: &str, key: &str) -> Vec<Value> {
    let all = p.json(artifact);
    all.as_array().unwrap().iter().filter(|i| i["source_id"] == source).map(|i| i[key].clone()).collect()
}

fn sample(name: &str) -> Value {
    serde_json::from_slice(&fs::read(repository().join(FILES).join(name)).unwrap()).unwrap()
}

#[test]
fn files_of_three_systems_go_through_all_passes_and_then_there_is_nothing_to_do() {
    let p = imports();
    assert_eq!(p.statuses(), "A SUCCESS, B PENDING, C SUCCESS, D SUCCESS, E SUCCESS, F SUCCESS");
    p.build(&[]).nothing_to_do();
    p.leaves_nothing_behind();
    for artifact in ["passA_toc.json", "passC_elements.json", "passC_chunks.json", "passF_clean.json"] {
        let all = p.json(artifact);
        for name in ["setting.elements.json", "weir-chunked.elements.json", "almanac.documents.json", "setting.nodes.json"] {
            assert!(all.as_array().unwrap().iter().any(|i| i["source_id"] == name), "{artifact} has nothing of {name}");
        }
    }
    let terms: Vec<Value> = of_source(&p, "passA_dictionary.json", "setting.nodes.json", "term");
    assert!(terms.contains(&json!("Saint Osk")), "{terms:?}");
    p.build(&["--check-determinism"]).ok();
}

#[test]
fn texts_are_those_of_the_files_and_chunks_that_are_ready_stay_chunks() {
    let p = imports();
    let documents: Vec<Value> =
        sample("almanac.documents.json")["documents"].as_array().unwrap().iter().map(|d| d["content"].clone()).collect();
    assert_eq!(of_source(&p, "passF_clean.json", "almanac.documents.json", "text"), documents);
    let nodes = sample("setting.nodes.json");
    let nodes: Vec<Value> = (1..=18).map(|n| nodes["docstore/data"][format!("node-{n}")]["__data__"]["text"].clone()).collect();
    assert_eq!(of_source(&p, "passF_clean.json", "setting.nodes.json", "text"), nodes, "in the order of the file");
    for (name, of) in [("weir-chunked.elements.json", "passC_chunks.json"), ("weir.elements.json", "passC_elements.json")] {
        let texts: Vec<Value> = sample(name).as_array().unwrap().iter().map(|e| e["text"].clone()).collect();
        assert_eq!(of_source(&p, of, name, "text"), texts, "{name}");
        let pages: Vec<Value> = sample(name).as_array().unwrap().iter().map(|e| e["metadata"]["page_number"].clone()).collect();
        assert_eq!(of_source(&p, of, name, "page"), pages, "{name}");
    }
    let longest = of_source(&p, "passC_chunks.json", "weir.elements.json", "text");
    assert!(longest.iter().all(|text| text.as_str().unwrap().chars().count() <= 600));
}

#[test]
fn sections_are_those_of_titles_and_of_the_paths_that_nodes_name() {
    let p = imports();
    let toc = p.json("passA_toc.json");
    let titles = |name: &str| {
        let toc = toc.as_array().unwrap().iter().find(|t| t["source_id"] == name).unwrap();
        let sections = toc["sections"].as_array().unwrap().iter();
        // The last but one leaves out a level, which is in the file of one of the two.
        let told = |s: &Value| format!("{} {}", s["level"].as_u64().unwrap().min(3), s["title"].as_str().unwrap());
        sections.map(told).collect::<Vec<_>>()
    };
    let (by_titles, by_paths) = (titles("setting.elements.json"), titles("setting.nodes.json"));
    assert_eq!(by_titles, by_paths, "two systems read one book");
    assert_eq!(by_titles[..4], ["1 The Sunken Reach", "2 Nine Waves", "2 The Murk", "3 What Lives in It"]);
    let metadata = of_source(&p, "passC_chunks.json", "setting.nodes.json", "metadata");
    assert!(metadata.iter().any(|m| m["section_path"] == json!(["The Sunken Reach", "The Murk", "What Lives in It"])));
    let toc = toc.as_array().unwrap();
    let of = |name: &str| toc.iter().find(|t| t["source_id"] == name).unwrap();
    assert_eq!(of("weir.elements.json")["page_count"], 10);
    assert!(of("weir.elements.json")["notes"].to_string().contains("no artifact has room for: `coordinates` (98)"));
    assert_eq!(of("almanac.documents.json")["sections"], json!([]));
}

#[test]
fn what_was_exported_comes_back_with_the_same_texts_pages_and_sections() {
    let exported = books();
    let p = empty();
    for (format, file, name) in [
        ("unstructured", "chunks.json", "all.elements.json"),
        ("unstructured", "elements.json", "whole.elements.json"),
        ("haystack", "documents.json", "all.documents.json"),
        ("llamaindex", "docstore.json", "all.nodes.json"),
    ] {
        exported.run(&["export", "--format", format, "-o", "out"]).ok();
        p.file(&format!("{FILES}/{name}"), exported.bytes(&format!("out/{file}")));
    }
    p.build(&[]).ok();
    let clean = exported.json("passF_clean.json");
    let clean: Vec<&Value> = clean.as_array().unwrap().iter().collect();
    let path = |chunk: &Value| chunk["metadata"]["section_path"].clone();
    let chunks = p.json("passC_chunks.json");
    for name in ["all.elements.json", "all.documents.json", "all.nodes.json"] {
        let back: Vec<&Value> = chunks.as_array().unwrap().iter().filter(|c| c["source_id"] == name).collect();
        assert_eq!(back.len(), clean.len(), "{name}");
        for (back, chunk) in back.iter().zip(&clean) {
            assert_eq!((&back["text"], &back["page"], path(back)), (&chunk["text"], &chunk["page"], path(chunk)), "{name}");
        }
    }
    let (ours, back) = (exported.json("passC_elements.json"), p.json("passC_elements.json"));
    let back: Vec<&Value> = back.as_array().unwrap().iter().filter(|e| e["source_id"] == "whole.elements.json").collect();
    let ours: Vec<&Value> = ours.as_array().unwrap().iter().filter(|e| e["text"] != "").collect();
    assert_eq!(back.len(), ours.len());
    for (back, ours) in back.iter().zip(&ours) {
        let fields = ["text", "type", "page"];
        assert_eq!(fields.map(|f| &back[f]), fields.map(|f| &ours[f]));
        assert_eq!(back["metadata"]["level"], ours["metadata"]["level"], "{}", ours["text"]);
        for field in ["rows", "header_rows"] {
            assert_eq!(back["metadata"][field], ours["metadata"][field], "{}", ours["text"]);
        }
        assert_eq!(back["metadata"]["furniture"], ours["metadata"]["furniture"], "{}", ours["text"]);
    }
}

#[test]
fn ids_come_from_the_text_and_an_edit_reruns_its_own_file_only() {
    let p = imports();
    let before = of_source(&p, "passC_chunks.json", "almanac.documents.json", "chunk_id");
    let file = format!("{FILES}/almanac.documents.json");
    let built = p.edit(&file, "Printed for the Lamp Office", "Printed by the Lamp Office").build(&[]);
    built.ok();
    assert!(built.with_outcome("ran").iter().all(|a| a.ends_with("almanac.documents.json")), "{:?}", built.with_outcome("ran"));
    let after = of_source(&p, "passC_chunks.json", "almanac.documents.json", "chunk_id");
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1..], before[1..]);
    let toc = p.build(&["-n", "passA"]);
    toc.ok();
    p.edit("Ingestfile.toml", "max_chars = 600", "max_chars = 550");
    let rechunked = p.build(&[]);
    rechunked.ok();
    assert!(rechunked.with_outcome("ran").iter().all(|a| !a.starts_with("passA")), "{:?}", rechunked.with_outcome("ran"));
}

#[test]
fn what_is_no_file_of_theirs_is_told_with_its_place_and_the_others_are_built() {
    let p = empty();
    let source = |name: &str, text: &str| p.file(&format!("{FILES}/{name}"), text);
    source("good.elements.json", r#"[{"type":"Text","text":"A lamp is lit.","metadata":{}}]"#);
    source("broken.elements.json", "[{\"type\": \"Text\",\n  oops}]");
    source("mute.elements.json", r#"[{"type":"Text","text":"a"},{"type":"Text","metadata":{}}]"#);
    source("chain.documents.json", r#"[{"page_content":"x","metadata":{}}]"#);
    source("empty.nodes.json", "[]");
    source("blank.nodes.json", "");
    p.edit("Ingestfile.toml", "[job]\n", "[job]\non_error = \"quarantine\"\n");
    let built = p.build(&[]);
    built
        .fails(1)
        .stderr_has("broken.elements.json:2:3: not JSON: ")
        .stderr_has("`/1/text` is missing: an element of Unstructured has its text there")
        .stderr_has("it holds objects with `metadata`, `page_content` (`/0`); what is known: elements JSON of Unstructured")
        .stderr_has("it holds no text: it has no items")
        .stderr_has("it holds no text: the file is empty");
    let clean = p.json("passF_clean.json");
    assert_eq!(clean.as_array().unwrap().iter().map(|c| c["text"].as_str().unwrap()).collect::<Vec<_>>(), ["A lamp is lit."]);
}

#[test]
fn whose_file_it_is_can_be_said_and_is_then_asked_for() {
    let p = imports();
    let rule = "inputs  = { source = \"source\" }\n";
    let said = |format: &str| format!("{rule}params = {{ format = \"{format}\" }}\n");
    p.edit("Ingestfile.toml", rule, &said("haystack"));
    p.build(&["passA:almanac.documents.json"]).ok();
    let other = p.build(&["passA"]);
    other.fails(1).stderr_has("`format` says `haystack`, and it is of `unstructured`");
    p.edit("Ingestfile.toml", &said("haystack"), &said("langchain"));
    p.build(&[]).fails(2).stderr_has("must be `unstructured`, `haystack`, `llamaindex`, not \"langchain\"");
    p.edit("Ingestfile.toml", &said("langchain"), &format!("{rule}params = {{ fromat = \"haystack\" }}\n"));
    p.build(&[]).fails(2).stderr_has("fromat").stderr_has("format");
}

#[test]
fn an_imported_job_is_exported_again() {
    let p = imports();
    p.run(&["export", "--format", "unstructured", "-o", "out"]).ok().stderr_has("elements.json (");
    p.run(&["export", "--format", "llamaindex", "-o", "out"]).ok();
    let elements: Value = serde_json::from_str(&p.text("out/elements.json")).unwrap();
    assert_eq!(elements.as_array().unwrap().len(), p.json("passC_elements.json").as_array().unwrap().len());
    assert_eq!(elements[0]["metadata"]["filetype"], "application/json");
}
