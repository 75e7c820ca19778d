//! `ingest export`: a job in the files of other systems, twice the same, whole or not at all.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::books::books;
use crate::project::{Built, Project, repository};

/// Format, its files, and the schema of each.
const FORMATS: [(&str, &[(&str, &str)]); 4] = [
    ("unstructured", &[("elements.json", "export_elements"), ("chunks.json", "export_chunks")]),
    ("haystack", &[("documents.json", "export_documents")]),
    ("llamaindex", &[("docstore.json", "export_docstore"), ("property_graph_store.json", "export_property_graph_store")]),
    (
        "jsonl",
        &[
            ("elements.jsonl", "export_elements_jsonl"),
            ("chunks.jsonl", "export_chunks_jsonl"),
            ("graph.jsonl", "export_graph_jsonl"),
        ],
    ),
];

fn export(p: &Project, format: &str, more: &[&str]) -> Built {
    p.run(&[&["export", "--format", format, "-o", "out"], more].concat())
}

fn json(p: &Project, path: &str) -> Value {
    serde_json::from_str(&p.text(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The files below `out`, without their times.
fn bytes(p: &Project) -> BTreeMap<String, Vec<u8>> {
    p.tree("out").into_iter().map(|(name, (_, bytes))| (name, bytes)).collect()
}

/// A file as the values that its schema speaks of.
fn values(p: &Project, name: &str) -> Vec<Value> {
    let text = p.text(&format!("out/{name}"));
    assert!(text.ends_with('\n'), "{name}");
    if name.ends_with(".jsonl") {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    } else {
        vec![serde_json::from_str(&text).unwrap()]
    }
}

#[test]
fn every_format_is_as_its_schema_says_and_the_same_bytes_each_time() {
    let p = books();
    for (format, files) in FORMATS {
        export(&p, format, &[]).ok().stderr_has("ingest: wrote ");
        for (name, schema) in files.iter().chain(&[("export.json", "export")]) {
            let schema = std::fs::read(repository().join(format!("schemas/{schema}.schema.json"))).unwrap();
            let validator = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
            for value in values(&p, name) {
                let wrong: Vec<String> = validator.iter_errors(&value).take(3).map(|e| e.to_string()).collect();
                assert!(wrong.is_empty(), "{name}: {wrong:?}");
            }
        }
    }
    let (first, times) = (bytes(&p), p.tree("out"));
    for (format, _) in FORMATS {
        export(&p, format, &[]).ok().stderr_has("ingest: nothing to do: `out` holds ");
    }
    assert_eq!(p.tree("out"), times, "what does not change is not written");
    p.remove("out");
    for (format, _) in FORMATS {
        export(&p, format, &[]).ok();
    }
    assert_eq!(bytes(&p), first);
    let all: Vec<&str> = first.keys().map(String::as_str).collect();
    let mut named: Vec<&str> = FORMATS.iter().flat_map(|(_, files)| files.iter().map(|(name, _)| *name)).collect();
    named.push("export.json");
    named.sort_unstable();
    assert_eq!(all, named, "nothing else is left in the folder");
}

#[test]
fn texts_ids_and_offsets_are_those_that_are_published() {
    let p = books();
    export(&p, "haystack", &[]).ok();
    export(&p, "unstructured", &[]).ok();
    let clean = p.json("passF_clean.json");
    let clean = clean.as_array().unwrap();
    let documents = json(&p, "out/documents.json");
    let documents = documents["documents"].as_array().unwrap();
    assert_eq!(documents.len(), clean.len());
    for (document, chunk) in documents.iter().zip(clean) {
        assert_eq!((&document["id"], &document["content"]), (&chunk["chunk_id"], &chunk["text"]));
        let text: Vec<char> = document["content"].as_str().unwrap().chars().collect();
        let found = document["meta"]["entities"].as_array().map_or(0, Vec::len);
        assert_eq!(found, chunk["entities"].as_array().unwrap().len());
        for entity in document["meta"]["entities"].as_array().into_iter().flatten() {
            let at = |key: &str| usize::try_from(entity[key].as_u64().unwrap()).unwrap();
            assert_eq!(text[at("start")..at("end")].iter().collect::<String>(), entity["surface"].as_str().unwrap());
        }
    }
    let elements = json(&p, "out/elements.json");
    let ours = p.json("passC_elements.json");
    for (theirs, ours) in elements.as_array().unwrap().iter().zip(ours.as_array().unwrap()) {
        let fields = ["element_id", "text", "type"];
        assert_eq!(fields.map(|f| &theirs[f]), fields.map(|f| &ours[f]));
        assert_eq!(theirs["metadata"]["page_number"], ours["page"]);
    }
    let title = elements.as_array().unwrap().iter().find(|e| e["type"] == "Title" && e["text"] == "Beacon").unwrap();
    assert_eq!(title["metadata"]["category_depth"], 2);
    assert_eq!(title["metadata"]["filetype"], "application/pdf");
    for name in ["out/documents.json", "out/elements.json"] {
        assert!(!p.text(name).contains(":null"), "{name}");
    }
}

#[test]
fn in_the_graph_chunks_have_the_ids_of_the_document_store_and_no_relation_dangles() {
    let p = books();
    export(&p, "llamaindex", &[]).ok();
    let (docstore, graph) = (json(&p, "out/docstore.json"), json(&p, "out/property_graph_store.json"));
    let (data, nodes) = (docstore["docstore/data"].as_object().unwrap(), graph["nodes"].as_object().unwrap());
    for (id, stored) in data {
        assert_eq!(nodes[id]["text"], stored["__data__"]["text"]);
        let content: Value = serde_json::from_str(nodes[id]["properties"]["_node_content"].as_str().unwrap()).unwrap();
        assert_eq!(content["relationships"], stored["__data__"]["relationships"]);
        if let Some(next) = stored["__data__"]["relationships"]["3"]["node_id"].as_str() {
            assert_eq!(data[next]["__data__"]["relationships"]["2"]["node_id"], id.as_str());
        }
    }
    let relations = graph["relations"].as_object().unwrap();
    assert_eq!(relations.len(), p.json("passE_graph.json")["edges"].as_array().unwrap().len());
    assert_eq!(relations.len(), graph["triplets"].as_array().unwrap().len());
    for relation in relations.values() {
        for end in ["source_id", "target_id"] {
            assert!(nodes.contains_key(relation[end].as_str().unwrap()), "{relation}");
        }
    }
    let of_a_source = docstore["docstore/ref_doc_info"]["lanternfall-rules.pdf"]["node_ids"].as_array().unwrap();
    assert!(of_a_source.iter().all(|id| data[id.as_str().unwrap()]["__data__"]["metadata"]["path"] == "lanternfall-rules.pdf"));
    assert_eq!(nodes["entity:spell:beacon"]["label"], "spell");
}

#[test]
fn chunks_that_pass_f_drops_are_in_no_store_and_no_relation_leads_to_them() {
    let p = books();
    let twice = "\n\n## Twice\n\nThe ferry to Low Tarn leaves at dusk and costs 2 sp.\n\n";
    // Two sections of one heading would be two sections: the text is repeated within one.
    let book = "fixtures/uploads/sunken-reach-setting.md";
    let long = "The ferry to Low Tarn leaves at dusk and costs 2 sp. ".repeat(11);
    p.file(book, format!("{}{twice}{long}\n\n{long}\n", p.text(book)));
    p.build(&[]).ok();
    let fixes = p.json("passF_cleanup.json")["fixes"].clone();
    let dropped: Vec<String> = fixes.as_array().unwrap().iter().map(|f| f["subject"].as_str().unwrap().to_owned()).collect();
    let dropped: Vec<&String> = dropped.iter().filter(|d| d.starts_with("chunk-")).collect();
    assert!(!dropped.is_empty(), "{fixes}");
    export(&p, "llamaindex", &[]).ok();
    for name in ["out/docstore.json", "out/property_graph_store.json"] {
        for chunk in &dropped {
            assert!(!p.text(name).contains(chunk.as_str()), "{name} holds {chunk}");
        }
    }
}

#[test]
fn what_is_not_built_is_said_and_the_furthest_chunks_are_taken() {
    let p = books().remove("artifacts").remove("cache");
    export(&p, "jsonl", &[]).fails(1).stderr_has("nothing is built yet in `dev`").stderr_has("`ingest build` builds it");
    assert!(!p.exists("out"));
    p.build(&["passC"]).ok();
    export(&p, "jsonl", &[])
        .fails(1)
        .stderr_has("`passE_graph.json` is not in the job")
        .stderr_has("`ingest build passE_graph.json` makes it");
    let exported = export(&p, "unstructured", &[]);
    exported.ok().stderr_has(" chunks of passC_chunks.json)");
    exported.stderr_has("not in this job: `passF_clean.json`, `passD_enriched.json`; chunks are those of `passC_chunks.json`");
    let count = json(&p, "out/chunks.json").as_array().unwrap().len();
    assert_eq!(count, p.json("passC_chunks.json").as_array().unwrap().len());
    p.build(&["passD"]).ok();
    export(&p, "haystack", &[]).ok().stderr_has("Documents of passD_enriched.json)");
}

#[test]
fn what_was_edited_since_it_was_published_is_refused_until_it_is_adopted() {
    let p = books();
    let clean = p.published("passF_clean.json");
    p.edit(&clean, "Casting Time", "Casting time");
    export(&p, "haystack", &[])
        .fails(1)
        .stderr_has("passF_clean.json` is not as it was published")
        .stderr_has("`ingest build --accept passF_clean.json` adopts what was edited");
    assert!(!p.exists("out/documents.json") && !p.exists("out/export.json"), "half an export");
    p.build(&["--accept", "passF_clean.json"]).ok();
    export(&p, "haystack", &[]).ok();
    assert!(p.text("out/documents.json").contains("Casting time"));

    p.file(&clean, &p.bytes(&clean)[..1000]);
    export(&p, "haystack", &[]).fails(1).stderr_has("is not as it was published");
    p.remove(&clean);
    export(&p, "haystack", &[]).fails(1).stderr_has("was published, and is gone");
    assert!(p.text("out/documents.json").contains("Casting time"), "what was exported stays");
}

#[test]
fn what_is_of_an_earlier_build_is_not_mixed_with_what_is_new() {
    let p = books();
    p.edit("Ingestfile.toml", "run     = \"validate\"\n", "run = \"validate\"\nparams = { dictionary_ratio_fail = 50.0 }\n");
    p.build(&[]).fails(1);
    export(&p, "haystack", &[]).fails(1).stderr_has("`passF_clean.json` is of an earlier build: in the last one, F is FAILED");
}

#[test]
fn the_job_is_the_current_one_or_the_one_that_is_named_or_lies_in_a_folder() {
    let p = books();
    let first = p.job();
    let id = first.rsplit('/').next().unwrap().to_owned();
    p.build(&["--job", "second", "passA"]).ok();
    export(&p, "haystack", &["--job", "second"])
        .fails(1)
        .stderr_has("there are no chunks in the job `artifacts/ingest/dev/second`");
    export(&p, "haystack", &["--job", &id]).ok();
    let named = bytes(&p);
    p.remove("out");
    export(&p, "haystack", &["--job", &format!("./{first}")]).ok();
    assert_eq!(bytes(&p), named);
    p.remove("out");
    export(&p, "haystack", &["--job-dir", &first]).ok();
    assert_eq!(bytes(&p), named);
    p.rename(&first, "moved");
    export(&p, "haystack", &["--job", "./moved"]).ok().stderr_has("nothing to do");
    export(&p, "haystack", &["--job", "none"])
        .fails(2)
        .stderr_has("`artifacts/ingest/dev/none` is no job")
        .stderr_has("jobs of `dev` are in");
    export(&p, "haystack", &["--env", "prod"]).fails(1).stderr_has("nothing is built yet in `prod`");
}

#[test]
fn a_file_that_no_export_wrote_stays_until_it_is_forced_away() {
    let named = |file: &str| format!("`out{}{file}`", std::path::MAIN_SEPARATOR);
    let at = named("documents.json");
    let p = books().file("out/documents.json", "mine").file("out/other.json", "mine");
    export(&p, "haystack", &[])
        .fails(2)
        .stderr_has(&format!("{at} is there already, and no export wrote it"))
        .stderr_has("`--force` replaces what is in the way");
    assert_eq!(p.text("out/documents.json"), "mine");
    export(&p, "haystack", &["--force"]).ok();
    assert_eq!(p.text("out/other.json"), "mine");
    export(&p, "haystack", &[]).ok();

    let exported = p.text("out/documents.json");
    p.edit("out/documents.json", "Beacon", "beacon");
    export(&p, "haystack", &[]).fails(2).stderr_has(&format!("{at} was edited since it was exported"));
    export(&p, "haystack", &["--force"]).ok();
    assert_eq!(p.text("out/documents.json"), exported);

    p.file("out/export.json", "[]");
    export(&p, "haystack", &[]).fails(2).stderr_has(&format!("{} is no record of an export", named("export.json")));
}

#[test]
fn after_another_build_an_export_replaces_its_own_files_and_only_them() {
    let p = books();
    export(&p, "haystack", &[]).ok();
    export(&p, "unstructured", &[]).ok();
    let (documents, elements) = (p.text("out/documents.json"), p.text("out/elements.json"));
    p.edit("Ingestfile.toml", "max_chars = 600", "max_chars = 550").build(&[]).ok();
    export(&p, "haystack", &[]).ok().stderr_has("ingest: wrote documents.json");
    assert_ne!(p.text("out/documents.json"), documents);
    assert_eq!(p.text("out/elements.json"), elements);
    let record = json(&p, "out/export.json");
    assert_eq!(record["exports"].as_object().unwrap().keys().collect::<Vec<_>>(), ["haystack", "unstructured"]);
}

#[test]
fn where_builds_write_nothing_is_exported() {
    let p = books();
    for dir in [p.job(), "cache".to_owned(), "artifacts/ingest/new".to_owned()] {
        p.run(&["export", "--format", "jsonl", "-o", &dir])
            .fails(2)
            .stderr_has("belongs to builds: an export is not written there");
    }
    assert!(!p.exists("artifacts/ingest/new"));
}

#[cfg(unix)]
#[test]
fn what_other_tools_made_is_exported_and_what_no_rule_makes_is_left_out() {
    let p = Project::of_command_passes();
    p.build(&[]).ok();
    export(&p, "unstructured", &[]).ok().stderr_has("no rule makes elements: elements.json is not written");
    assert!(!p.exists("out/elements.json"));
    assert_eq!(json(&p, "out/chunks.json").as_array().unwrap().len(), 3);
    export(&p, "llamaindex", &[]).ok();
    assert_eq!(json(&p, "out/property_graph_store.json")["nodes"].as_object().unwrap().len(), 3);
}

#[cfg(unix)]
#[test]
fn what_would_not_be_as_the_schema_says_is_not_written() {
    let gate = "chunks = { schema = \"schemas/passC_chunks.schema.json\", unique = \"/chunk_id\", refs";
    let p = Project::of_command_passes()
        .edit("Ingestfile.toml", "gate    = { clean = { schema = \"schemas/passF_clean.schema.json\" },", "gate = { ")
        .edit(
            "Ingestfile.toml",
            "cat {enriched} > {clean}",
            "sed 's/NarrativeText/NarrativeText\",\"Title/; s/\"chunk-/\"lump-/' {enriched} > {clean}",
        );
    assert!(p.text("Ingestfile.toml").contains(gate));
    p.edit(
        "Ingestfile.toml",
        "gate = {  cleanup",
        "gate = { clean = { schema = \"schemas/mine/passF_clean.schema.json\" }, cleanup",
    );
    p.file("schemas/mine/passF_clean.schema.json", "{}").build(&[]).ok();
    export(&p, "haystack", &[])
        .fails(1)
        .stderr_has("`documents.json` would not be as `schemas/export_documents.schema.json` says")
        .stderr_has("does not match `^chunk-[0-9a-f]{16}$`");
    assert!(p.tree("out").is_empty(), "{:?}", p.tree("out").keys());
}
