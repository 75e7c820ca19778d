//! Where other tools fail, and this one must not: each failure that was measured, or that their users ask to be rid of, is a
//! test on small real sources.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::project::{Project, repository};

const RULES: &str = "\
# The Lantern Rules

## Spells

### Shield

*1st-level abjuration*

**Casting Time:** 1 reaction
**Range:** Self
**Components:** V, S
**Duration:** 1 round

An invisible barrier protects you until the start of your next turn.

## Magic Items

### Shield

*Armor (shield), uncommon*

While you hold this shield, you have a bonus to AC beside the normal one. It weighs 6 lb. and costs 10 gp.
";

const TALES: &str = "\
# Tales of the Marsh

## The First Night

The wardens light a lantern at the gate and wait for the tide to turn before they walk home.

## The Second Night

A bog witch asks for salt and for nothing else, and whoever gives it to her sleeps well.
";

/// The root Ingestfile over two small books.
fn two_books() -> Project {
    let ingestfile = fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
    let ingestfile = ingestfile.replace("\"fixtures/uploads\"", "\"uploads\"");
    Project::of_passes(&ingestfile).source("rules.md", RULES).source("tales.md", TALES)
}

/// A sample book alone.
fn pdf() -> Project {
    let p = two_books().remove("uploads/rules.md").remove("uploads/tales.md");
    let book = fs::read(repository().join("fixtures/uploads/lanternfall-rules.pdf")).unwrap();
    p.file("uploads/rules.pdf", book)
}

fn array(p: &Project, name: &str) -> Vec<Value> {
    p.json(name).as_array().unwrap().clone()
}

fn chunk_ids(p: &Project, source: &str) -> BTreeSet<String> {
    let chunks = array(p, "passC_chunks.json").into_iter().filter(|c| c["source_id"] == source);
    chunks.map(|c| c["chunk_id"].as_str().unwrap().to_owned()).collect()
}

/// Output deleted by hand: CocoIndex, LangChain, LlamaIndex exit 0 and never restore it.
#[test]
fn an_output_that_was_deleted_by_hand_is_restored_without_a_run() {
    let p = two_books();
    p.build(&[]).ok();
    let before = p.artifact("passC_chunks.json");
    p.remove(&p.published("passC_chunks.json")).build(&[]).ok().ran(&[]).restored(&[]);
    assert_eq!(p.artifact("passC_chunks.json"), before);
}

/// Content changed with mtime kept: CocoIndex does not notice.
#[cfg(unix)]
#[test]
fn content_that_changed_under_the_same_size_and_mtime_is_noticed() {
    let p = two_books();
    p.build(&[]).ok();
    let at = p.path("uploads/tales.md");
    let mtime = fs::metadata(&at).unwrap().modified().unwrap();
    fs::write(&at, TALES.replace("salt", "soap")).unwrap();
    fs::File::options().append(true).open(&at).unwrap().set_modified(mtime).unwrap();
    p.build(&[]).ok();
    assert!(p.artifact("passC_chunks.json").contains("soap"));
}

/// Chunk size changed: LlamaIndex with a docstore does nothing, exit 0.
#[test]
fn another_chunk_size_chunks_again_and_parses_nothing() {
    let p = two_books();
    p.build(&[]).ok();
    let sizes = "target_chars = 500, max_chars = 600, min_chars = 120";
    let built = p.edit("Ingestfile.toml", sizes, "target_chars = 60, max_chars = 80, min_chars = 10").build(&[]);
    let ran: BTreeSet<String> = built.ok().with_outcome("ran").iter().map(|a| a.split(' ').next().unwrap().to_owned()).collect();
    assert!(ran.contains("passC") && !ran.contains("passC_elements") && !ran.contains("text"), "{ran:?}");
    assert!(array(&p, "passC_chunks.json").iter().all(|c| c["text"].as_str().unwrap().chars().count() <= 80));
}

/// Broken PDF: CocoIndex and LlamaIndex exit 0; LangChain writes nothing at all. One document must not kill the batch, a
/// failed one must not be marked done (unstructured#1734, llama_index#19579).
#[test]
fn a_broken_pdf_is_named_with_exit_1_at_every_build_and_the_others_are_read() {
    let p = two_books().source("broken.pdf", "%PDF-1.7\nthis is no PDF");
    for _ in 0..2 {
        p.build(&[]).fails(1).stderr_has("broken.pdf");
        assert_eq!(p.record("A")["status"], "FAILED");
    }
    let built = p.build(&["--new-job"]);
    built.fails(1);
    let restored = built.with_outcome("from_cache");
    assert!(restored.contains(&"passA rules.md".to_owned()) && restored.contains(&"passA tales.md".to_owned()), "{restored:?}");
    p.remove("uploads/broken.pdf").build(&[]).ok();
}

/// Ids: LlamaIndex random; Haystack's change when a file is renamed; Unstructured's chunks random.
#[test]
fn ids_of_a_book_stay_when_another_is_renamed_and_those_of_untouched_sections_when_one_is_edited() {
    let p = two_books();
    p.build(&[]).ok();
    let (rules, tales) = (chunk_ids(&p, "rules.md"), chunk_ids(&p, "tales.md"));
    let built = p.rename("uploads/rules.md", "uploads/a-new-name.md").build(&[]);
    assert!(!built.ok().with_outcome("ran").iter().any(|a| a.contains("tales.md")));
    assert_eq!(chunk_ids(&p, "tales.md"), tales);
    assert_eq!(chunk_ids(&p, "a-new-name.md").len(), rules.len());
    p.edit("uploads/tales.md", "The wardens light", "At dusk the wardens light").build(&[]).ok();
    let edited = chunk_ids(&p, "tales.md");
    assert_eq!((edited.len(), edited.intersection(&tales).count()), (tales.len(), tales.len() - 1));
}

/// Document deleted: Haystack keeps the orphans. Graph orphans removed when nothing supports them (LightRAG#2917).
#[test]
fn a_deleted_document_leaves_no_orphan_in_any_artifact() {
    let p = two_books();
    p.build(&[]).ok();
    let mentions = |p: &Project, text: &str| -> Vec<String> {
        let files = p.tree(&p.job()).into_iter().filter(|(name, _)| !name.starts_with("logs/"));
        files
            .filter(|(name, (_, bytes))| name.contains(text) || String::from_utf8_lossy(bytes).contains(text))
            .map(|(n, _)| n)
            .collect()
    };
    let before = mentions(&p, "rules.md");
    for name in
        ["manifest.json", "passA_toc.json", "passB_splits.json", "passC_chunks.json", "passD_enriched.json", "passE_graph.json"]
    {
        assert!(before.contains(&name.to_owned()), "{name} is not about it: {before:?}");
    }
    assert!(p.artifact("passE_graph.json").contains("entity:spell:shield"));
    p.remove("uploads/rules.md").build(&[]).ok();
    assert_eq!(mentions(&p, "rules.md"), Vec::<String>::new());
    assert_eq!(mentions(&p, "entity:spell:shield"), Vec::<String>::new());
    assert!(p.published_files().iter().all(|f| !f.contains("rules")), "{:?}", p.published_files());
}

/// LlamaIndex's graph: entity id = name, so the spell and the item "Shield" collide.
#[test]
fn the_spell_and_the_item_of_one_name_are_two_entities() {
    let p = two_books();
    p.build(&[]).ok();
    let graph = p.json("passE_graph.json");
    let nodes = graph["nodes"].as_array().unwrap().iter().filter(|n| n["kind"] == "entity");
    let shields: Vec<&str> = nodes.map(|n| n["id"].as_str().unwrap()).filter(|id| id.ends_with(":shield")).collect();
    assert_eq!(shields, ["entity:item:shield", "entity:spell:shield"]);
}

/// One edge per pair, so provenance is lost.
#[test]
fn every_mention_keeps_the_chunks_that_it_comes_from() {
    let p = two_books();
    p.build(&[]).ok();
    let known: BTreeSet<String> = chunk_ids(&p, "rules.md").union(&chunk_ids(&p, "tales.md")).cloned().collect();
    let graph = p.json("passE_graph.json");
    let edges = graph["edges"].as_array().unwrap();
    let mentions: Vec<&Value> = edges.iter().filter(|e| e["kind"] == "mentions").collect();
    assert!(!mentions.is_empty());
    for edge in mentions {
        let from = edge["chunk_ids"].as_array().unwrap();
        assert!(!from.is_empty() && from.iter().all(|c| known.contains(c.as_str().unwrap())), "{edge}");
    }
}

/// CocoIndex: a declared `../` name escapes the output folder.
#[test]
fn an_output_name_that_leaves_the_job_folder_is_refused() {
    for name in ["../escaped.txt", "a/../../escaped.txt", "/tmp/escaped.txt", "../escaped/"] {
        let p =
            Project::new(&format!("version = 1\n[rule.out]\ncommand = \"echo > {{out}}\"\noutputs = {{ out = \"{name}\" }}\n"));
        p.run(&["build"]).fails(2).stderr_has(name).stderr_has("Ingestfile.toml:4:");
        assert!(!p.exists("artifacts") && !p.path("").parent().unwrap().join("escaped.txt").exists());
    }
}

/// Unstructured (fast) on a rulebook: 0 of 15 sub-headings found, 18 stat-block cells called titles. Real heading levels
/// (docling#2121, unstructured#4204).
#[test]
fn sub_headings_are_found_with_their_levels() {
    let p = two_books();
    p.build(&[]).ok();
    let toc = array(&p, "passA_toc.json");
    let sections = toc[0]["sections"].as_array().unwrap().iter();
    let told: Vec<String> = sections.map(|s| format!("{} {}", s["level"], s["title"].as_str().unwrap())).collect();
    assert_eq!(told, ["1 The Lantern Rules", "2 Spells", "3 Shield", "2 Magic Items", "3 Shield"]);
}

/// Page numbers inside chunks, chunks over two pages report only the first.
#[test]
fn page_numbers_are_in_no_chunk_and_a_chunk_over_two_pages_reports_both() {
    let p = pdf();
    p.build(&[]).ok();
    let chunks = array(&p, "passC_chunks.json");
    let page = |c: &Value, name: &str| c["metadata"][name].as_u64().unwrap();
    let labels: Vec<String> = array(&p, "passA_toc.json")[0]["page_labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l.as_str().map_or_else(|| l.to_string(), str::to_owned))
        .collect();
    let mut over_two = 0;
    for chunk in &chunks {
        let (start, end) = (page(chunk, "page_start"), page(chunk, "page_end"));
        let pages: BTreeSet<u64> =
            chunk["metadata"]["boxes"].as_array().unwrap().iter().filter_map(|b| b["page"].as_u64()).collect();
        assert_eq!(pages, (start..=end).collect(), "{chunk}");
        over_two += usize::from(end > start);
        for number in start..=end {
            let label = usize::try_from(number).ok().and_then(|n| labels.get(n - 1));
            let folio = |line: &str| line == number.to_string() || label.is_some_and(|l| line == l);
            let last = chunk["text"].as_str().unwrap().lines().last().unwrap_or_default();
            assert!(!folio(last.trim()), "{chunk}");
        }
    }
    assert!(over_two > 0, "no chunk of the book crosses a page");
}

/// No stale locks, no truncated state (snakemake#2919, dvc#814, ninja#2703). kill -9 in A: DVC's lock file is left at 0 bytes,
/// every record lost; Snakemake: stale lock, exit 1 until `--unlock`.
#[cfg(unix)]
#[test]
fn a_killed_build_leaves_no_stale_lock_and_no_truncated_state() {
    use crate::project::{COMMAND_PASSES, Handshake};
    let held = COMMAND_PASSES.replace("sed 's/", &format!("{} sed 's/", Handshake::SHELL));
    let p = Project::of_passes(&held).source("alpha.txt", "alpha\none\n");
    let handshake = Handshake::new(&p);
    let running = p.start(&["build", "--json"]);
    handshake.wait();
    running.kill();
    handshake.release();
    let built = p.build(&["--no-wait"]);
    let ran = built.ok().with_outcome("ran");
    assert!(
        ran.iter().all(|a| ["passD", "passE", "passF"].iter().any(|rule| a.starts_with(rule))),
        "what was done is kept: {ran:?}"
    );
    p.build(&["--no-wait"]).nothing_to_do();
    p.leaves_nothing_behind();
}

/// No full rebuild (graphrag#741), no duplicates or lost nodes on re-ingest (llama_index#13461, #22133).
#[test]
fn ingesting_again_does_nothing_and_an_edit_of_one_book_leaves_the_other_alone() {
    let p = two_books();
    p.build(&[]).ok();
    let (before, nodes) = (p.written(), p.json("passE_graph.json")["nodes"].as_array().unwrap().len());
    p.build(&[]).nothing_to_do();
    p.wrote_nothing_since(&before);
    let built = p.edit("uploads/tales.md", "nothing else", "little else").build(&[]);
    assert!(!built.ok().with_outcome("ran").iter().any(|a| a.contains("rules.md")), "{:?}", built.with_outcome("ran"));
    assert_eq!(p.json("passE_graph.json")["nodes"].as_array().unwrap().len(), nodes);
}
