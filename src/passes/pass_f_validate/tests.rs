//! Pass F on the books of pass E's tests, sound and broken.

use serde_json::json;

use super::*;
use crate::document::chunk::Dropped;
use crate::document::chunk::PageCoverage;
use crate::passes::pass_e_graph::tests::{Book, book, graph};

struct Job {
    book: Book,
    chunks: Vec<Chunk>,
    coverage: Vec<SourceCoverage>,
    graph: LinkGraph,
}

impl Job {
    fn inputs(&self) -> Inputs<'_> {
        Inputs {
            toc: std::slice::from_ref(&self.book.toc),
            dictionary: &self.book.dictionary,
            coverage: &self.coverage,
            chunks: &self.chunks,
            enriched: &self.book.enriched,
            graph: &self.graph,
        }
    }

    fn report(&self) -> Cleanup {
        validate(self.inputs(), &Params::default()).cleanup
    }

    /// Status and value of a check.
    fn check(&self, name: &str) -> (CheckStatus, f64) {
        self.report().checks.iter().find(|c| c.name == name).map(|c| (c.status, c.value)).unwrap()
    }
}

fn chunk_of(e: &Enriched) -> Chunk {
    Chunk {
        chunk_id: e.chunk_id.clone(),
        source_id: e.source_id.clone(),
        page: e.page,
        text: e.text.clone(),
        metadata: e.metadata.clone(),
    }
}

fn page(number: u32, words: u32, chunked: u32) -> PageCoverage {
    PageCoverage { page: number, words, chunked, needs_ocr: false }
}

fn job() -> Job {
    let book = book("b");
    let coverage =
        vec![SourceCoverage { source_id: "b".to_owned(), pages: vec![page(1, 10, 10), page(2, 20, 20)], dropped: Vec::new() }];
    Job { chunks: book.enriched.iter().map(chunk_of).collect(), graph: graph(&book), coverage, book }
}

/// The job after `change` to its book, with its graph made anew.
fn changed(change: impl Fn(&mut Book)) -> Job {
    let mut job = job();
    change(&mut job.book);
    job.chunks = job.book.enriched.iter().map(chunk_of).collect();
    job.graph = graph(&job.book);
    job
}

#[test]
fn a_sound_job_passes_and_its_chunks_remain() {
    let job = job();
    let outputs = run(job.inputs(), &Params::default()).unwrap();
    assert_eq!(outputs.clean, job.book.enriched);
    assert!(failed_checks(&outputs.cleanup).is_empty());
    assert_eq!(outputs.cleanup.totals["chunks"], 3);
}

#[test]
fn the_report_is_the_same_every_time() {
    assert_eq!(job().report(), job().report());
}

#[test]
fn a_term_that_nothing_supports_is_to_be_dropped() {
    let report = job().report();
    let subjects: Vec<&str> = report.fixes.iter().map(|f| f.reason.as_str()).collect();
    assert_eq!(subjects, ["no chunk mentions the creature `Never Seen` and no section defines it"]);
    assert_eq!(report.stale_deleted, 1);
}

#[test]
fn an_exact_duplicate_is_dropped_and_the_first_stays() {
    let job = changed(|b| {
        let mut copy = b.enriched[2].clone();
        copy.chunk_id = "copy".to_owned();
        b.enriched.push(copy);
    });
    let outputs = validate(job.inputs(), &Params::default());
    assert_eq!(outputs.clean.len(), 3);
    assert!(outputs.cleanup.fixes.iter().any(|f| f.rule == "exact_duplicate" && f.subject == "copy"));
    assert_eq!(job.check("exact_duplicates"), (CheckStatus::Warn, 0.25));
}

#[test]
fn the_same_words_under_another_title_are_kept() {
    let job = changed(|b| {
        let mut copy = b.enriched[2].clone();
        copy.chunk_id = "copy".to_owned();
        copy.metadata.section_path = vec!["Elsewhere".to_owned()];
        b.enriched.push(copy);
    });
    assert_eq!(validate(job.inputs(), &Params::default()).clean.len(), 4);
    assert_eq!(job.check("exact_duplicates").0, CheckStatus::Pass);
    assert_eq!(job.check("near_duplicates"), (CheckStatus::Warn, 0.25));
}

#[test]
fn a_dangling_edge_fails_the_pass_by_name() {
    let mut job = job();
    job.graph.nodes.retain(|n| n.id != "entity:creature:bog-witch");
    assert_eq!(job.check("dangling_edges"), (CheckStatus::Fail, 1.0));
    let failure = run(job.inputs(), &Params::default()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::BadArtifact);
    assert_eq!(failure.message, "checks failed: `dangling_edges` is 1 (limit 0)");
    assert!(run(job.inputs(), &Params { fail_on: false, ..Params::default() }).is_ok());
}

#[test]
fn an_edge_on_a_chunk_that_is_gone_dangles() {
    let mut job = job();
    for edge in &mut job.graph.edges {
        if edge.target == "entity:creature:bog-witch" {
            edge.chunk_ids = vec!["gone".to_owned()];
        }
    }
    assert_eq!(job.check("dangling_edges").0, CheckStatus::Fail);
}

#[test]
fn a_wrong_offset_fails() {
    let mut job = job();
    job.book.enriched[0].entities[0].start += 1;
    assert_eq!(job.check("wrong_offsets"), (CheckStatus::Fail, 1.0));
    job.book.enriched[0].entities[0].end = u32::MAX;
    assert_eq!(job.check("wrong_offsets").0, CheckStatus::Fail);
}

#[test]
fn a_chunk_lost_on_the_way_fails() {
    let mut job = job();
    job.book.enriched.remove(1);
    assert_eq!(job.check("enriched_unlike_chunks").0, CheckStatus::Fail);
}

#[test]
fn words_that_are_in_no_chunk_lower_the_coverage_and_furniture_does_not() {
    let mut job = job();
    job.coverage[0].pages = vec![page(1, 100, 98), page(2, 50, 0)];
    let dropped = |page, text: &str, reason: &str| Dropped { page: Some(page), text: text.to_owned(), reason: reason.to_owned() };
    job.coverage[0].dropped = vec![dropped(1, "Book Title", "running_head"), dropped(2, "Contents and more", "contents")];
    assert_eq!(job.check("coverage"), (CheckStatus::Pass, 1.0));
    job.coverage[0].dropped.clear();
    assert_eq!(job.check("coverage"), (CheckStatus::Fail, 0.6533));
}

#[test]
fn too_few_chunks_for_the_dictionary_warn_and_then_fail() {
    let with_terms = |n: usize| {
        let mut job = job();
        job.book.dictionary = vec![job.book.dictionary[0].clone(); n];
        job.check("chunk_dictionary_ratio").0
    };
    assert_eq!([with_terms(15), with_terms(16), with_terms(61)], [CheckStatus::Pass, CheckStatus::Warn, CheckStatus::Fail]);
}

#[test]
fn a_section_without_text_is_counted_unless_one_below_it_has_some() {
    let job = changed(|b| b.toc.sections[0].title = "Spells".to_owned());
    assert_eq!(job.check("empty_sections"), (CheckStatus::Pass, 0.0));
    let job = changed(|b| drop(b.enriched.remove(0)));
    assert_eq!(job.check("empty_sections"), (CheckStatus::Warn, 0.5));
}

#[test]
fn an_empty_job_measures_nothing_and_passes() {
    let graph = LinkGraph::default();
    let inputs = Inputs { toc: &[], dictionary: &[], coverage: &[], chunks: &[], enriched: &[], graph: &graph };
    assert!(run(inputs, &Params::default()).is_ok());
}

#[test]
fn params_name_the_key_that_is_wrong() {
    let bad = |params: Value| (BUILTIN.check_params)(&params).unwrap_err().0;
    assert!((BUILTIN.check_params)(&(BUILTIN.default_params)(&serde_json::Map::new())).is_ok());
    assert_eq!(bad(json!({"coverage_fail": 1.5})), "coverage_fail");
    assert_eq!(bad(json!({"coverage_fail": 2})), "coverage_fail");
    assert_eq!(bad(json!({"dictionary_ratio_warn": -1.0})), "dictionary_ratio_warn");
    assert_eq!(bad(json!({"coverage_fial": 0.5})), "coverage_fial");
}
