//! Edits by hand in what the built-ins made of the sample books: split back to parts, pages and all.

use serde_json::Value;

use crate::books::books;
use crate::project::Project;

const CHUNKS: &str = "passC_chunks.json";

fn pretty(p: &Project, name: &str) -> String {
    serde_json::to_string_pretty(&p.json(name)).unwrap()
}

fn rules(p: &crate::project::Built) -> Vec<String> {
    let mut rules: Vec<String> = p.with_outcome("ran").iter().map(|a| a.split(' ').next().unwrap().to_owned()).collect();
    rules.dedup();
    rules
}

/// The sample books in parts of at most three pages.
fn in_parts() -> Project {
    let p = books();
    p.edit("Ingestfile.toml", "max_part_pages = 40", "max_part_pages = 3").build(&[]).ok();
    let parts = p.json("passB_splits.json");
    assert!(parts.as_array().unwrap().iter().any(|s| s["parts"].as_array().unwrap().len() > 2));
    p
}

#[test]
fn files_that_are_only_written_otherwise_give_the_same_results() {
    let p = in_parts();
    let names = ["passD_enriched.json", "passE_graph.json", "passF_clean.json", "passF_cleanup.json"];
    let before: Vec<Value> = names.iter().map(|n| p.json(n)).collect();
    let texts: Vec<String> = ["passC_elements.json", CHUNKS, "passC_coverage.json"].iter().map(|n| pretty(&p, n)).collect();
    for (name, text) in ["passC_elements.json", CHUNKS, "passC_coverage.json"].iter().zip(&texts) {
        p.file(&p.published(name), text);
    }
    let accepted = p.build(&["--accept", "passC"]);
    accepted.ok().ran(&[]).stderr_has("adopted passC_elements.json").stderr_has("adopted passC_coverage.json");
    for (name, text) in ["passC_elements.json", CHUNKS, "passC_coverage.json"].iter().zip(&texts) {
        assert_eq!(&p.artifact(name), text, "{name} stays as it was written");
    }
    assert_eq!(names.iter().map(|n| p.json(n)).collect::<Vec<_>>(), before);
    p.build(&[]).nothing_to_do();
    let enriched = pretty(&p, "passD_enriched.json");
    p.file(&p.published("passD_enriched.json"), &enriched).build(&["--accept", "passD"]).ok().ran(&[]);
    assert_eq!(names.iter().map(|n| p.json(n)).collect::<Vec<_>>(), before);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_chunk_of_a_later_part_is_edited_and_keeps_its_pages() {
    let p = in_parts();
    let mut chunks = p.json(CHUNKS);
    let at = chunks.as_array().unwrap().iter().position(|c| c["page"].as_u64() > Some(6)).unwrap();
    let (page, id) = (chunks[at]["page"].clone(), chunks[at]["chunk_id"].clone());
    let text = format!("{} Mended by hand.", chunks[at]["text"].as_str().unwrap());
    chunks[at]["metadata"]["char_count"] = text.chars().count().into();
    chunks[at]["text"] = text.into();
    p.file(&p.published(CHUNKS), serde_json::to_string_pretty(&chunks).unwrap());
    let accepted = p.build(&["--accept", "passC"]);
    accepted.ok();
    assert_eq!(accepted.with_outcome("ran").iter().filter(|a| a.starts_with("passD ")).count(), 1, "one part was edited");
    let enriched = p.json("passD_enriched.json");
    let mended = enriched.as_array().unwrap().iter().find(|c| c["chunk_id"] == id).unwrap();
    assert!(mended["text"].as_str().unwrap().ends_with("Mended by hand."));
    assert_eq!(mended["page"], page);
    assert_eq!(p.json(CHUNKS), chunks);
    p.build(&[]).nothing_to_do();

    let changed = p.edit("Ingestfile.toml", "max_chars = 600", "max_chars = 640").build(&[]);
    changed.fails(1).stderr_has("what it was made from changed: param `max_chars` changed from `600` to `640`");
    let discarded = p.build(&["--discard", "passC"]);
    discarded.ok();
    assert!(!p.artifact(CHUNKS).contains("Mended by hand."));
}

#[test]
fn one_page_outside_its_part_and_a_united_graph_are_refused() {
    let p = in_parts();
    let mut chunks = p.json(CHUNKS);
    let at = chunks.as_array().unwrap().iter().position(|c| c["page"].as_u64() > Some(6)).unwrap();
    chunks[at]["page"] = 1.into();
    p.file(&p.published(CHUNKS), chunks.to_string());
    let refused = p.run(&["build", "--accept", "passC"]);
    refused.fails(1).stderr_has("cannot be split back").stderr_has("is on page 1, which is no page of its part `part-");
    let graph = pretty(&p, "passE_graph.json");
    p.file(&p.published("passE_graph.json"), graph);
    p.run(&["build", "--accept", "passE"]).fails(1).stderr_has("is the union of what its items gave");
}

#[test]
fn with_d_frozen_an_edited_text_is_what_pass_f_refuses_and_an_edited_label_is_not() {
    let p = books();
    let untouched = p.json(CHUNKS);
    let mut chunks = untouched.clone();
    chunks[0]["metadata"]["section_path"] = serde_json::json!(["Mended by hand"]);
    p.file(&p.published(CHUNKS), chunks.to_string());
    let built = p.build(&["--accept", "passC", "--resume-from", "E"]);
    built.ok().stderr_has("passD is older than what it was made from");
    assert_eq!(rules(&built), ["passF"], "E reads what D made, and no chunks");

    let text = format!("{} See also the Lantern Guild.", chunks[0]["text"].as_str().unwrap());
    chunks[0]["metadata"]["char_count"] = text.chars().count().into();
    chunks[0]["text"] = text.into();
    p.file(&p.published(CHUNKS), chunks.to_string());
    let refused = p.build(&["--accept", "passC", "--resume-from", "E"]);
    refused.fails(1).stderr_has("`enriched_unlike_chunks` is 1").stderr_has("passD is older than what it was made from");
    let rest = p.build(&[]);
    assert!(rules(rest.ok()).starts_with(&["passD".to_owned(), "passE".to_owned()]), "{:?}", rules(&rest));
    assert_eq!(p.json(CHUNKS), chunks);
    p.build(&[]).nothing_to_do();
}
