//! Pass F, built-in `validate`: checks what the passes before it made against limits, and tells what to drop. States facts
//! about its inputs only; what it finds wrong it does not bless: a failed check fails the pass.
//!
//! It goes book by book: of each, the chunks that remain, and facts small enough that those of a thousand books make one report.

pub mod checks;
pub mod duplicates;
pub mod facts;
pub mod measures;
pub mod soundness;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Read;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::builtin::Builtin;
use crate::builtin::Failure;
use crate::builtin::FailureKind;
use crate::builtin::Item;
use crate::builtin::Level;
use crate::builtin::Merge;
use crate::builtin::Output;
use crate::builtin::OutputPort;
use crate::builtin::Pieces;
use crate::document::chunk::Chunk;
use crate::document::chunk::SourceCoverage;
use crate::document::cleanup::Check;
use crate::document::cleanup::CheckStatus;
use crate::document::cleanup::Cleanup;
use crate::document::cleanup::Fix;
use crate::document::entity::Enriched;
use crate::document::link_graph::LinkGraph;
use crate::document::link_graph::NodeKind;
use crate::document::section::SourceToc;
use crate::document::term::Term;
use crate::passes::artifact;
use crate::passes::pass_d_enrich::merge as enriched;
use crate::passes::pass_f_validate::facts::Facts;
use crate::passes::pass_f_validate::facts::Gathered;

/// Limits of the checks. Shares are 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Words in chunks as a share of the words that are no furniture: below, a warning; below, a failure.
    pub coverage_warn: f64,
    pub coverage_fail: f64,
    /// The same for the source that comes off worst.
    pub source_coverage_fail: f64,
    /// Chunks per dictionary entry, in the source that has fewest.
    pub dictionary_ratio_warn: f64,
    pub dictionary_ratio_fail: f64,
    /// Nodes without an edge that are allowed.
    pub max_orphans: u64,
    /// Share of chunks that repeat another of their section word for word.
    pub exact_duplicates_warn: f64,
    /// Share of chunks that nearly repeat another of their source, and from which share of common word triples they do.
    pub near_duplicates_warn: f64,
    pub near_duplicate_similarity: f64,
    /// Share of sections with no text below them.
    pub empty_sections_warn: f64,
    /// Share of chunks set in capitals.
    pub shouting_chunks_warn: f64,
    /// Share of cross-references that lead nowhere.
    pub unresolved_references_warn: f64,
    /// Share of entities that no heading bears.
    pub undefined_entities_warn: f64,
    /// Share of pages with images and no text.
    pub ocr_pages_warn: f64,
    /// Share of sources that came to no chunk.
    pub sources_without_chunks_warn: f64,
    /// Whether a failed check fails the pass. Without it the report alone says what failed.
    pub fail_on: bool,
    /// Whether a check that warns fails the pass, too.
    pub fail_on_warnings: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            coverage_warn: 0.97,
            coverage_fail: 0.9,
            source_coverage_fail: 0.5,
            dictionary_ratio_warn: 0.2,
            dictionary_ratio_fail: 0.05,
            max_orphans: 0,
            exact_duplicates_warn: 0.02,
            near_duplicates_warn: 0.1,
            near_duplicate_similarity: 0.9,
            empty_sections_warn: 0.1,
            shouting_chunks_warn: 0.05,
            unresolved_references_warn: 0.5,
            undefined_entities_warn: 0.5,
            ocr_pages_warn: 0.0,
            sources_without_chunks_warn: 0.0,
            fail_on: true,
            fail_on_warnings: false,
        }
    }
}

/// What the pass reads: the artifacts of the job, pages physical.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    pub toc: &'a [SourceToc],
    pub dictionary: &'a [Term],
    pub coverage: &'a [SourceCoverage],
    pub chunks: &'a [Chunk],
    pub enriched: &'a [Enriched],
    pub graph: &'a LinkGraph,
}

/// What the pass writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The enriched chunks that remain, ready to load.
    pub clean: Vec<Enriched>,
    pub cleanup: Cleanup,
}

/// The report, and the enriched chunks without those that it drops.
///
/// # Errors
/// `BadArtifact` naming the failed checks, unless `fail_on` is off, and those that warn, if `fail_on_warnings` is on.
pub fn run(inputs: Inputs<'_>, params: &Params) -> Result<Outputs, Failure> {
    let outputs = validate(inputs, params);
    refuse_failed(&outputs.cleanup, params)?;
    Ok(outputs)
}

fn refuse_failed(cleanup: &Cleanup, params: &Params) -> Result<(), Failure> {
    let refused = |c: &&Check| match c.status {
        CheckStatus::Fail => params.fail_on,
        CheckStatus::Warn => params.fail_on_warnings,
        CheckStatus::Pass => false,
    };
    let failed: Vec<&Check> = cleanup.checks.iter().filter(refused).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = failed.iter().map(|c| format!("`{}` is {} (limit {})", c.name, c.value, c.limit)).collect();
    Err(Failure::new(FailureKind::BadArtifact, format!("checks failed: {}", named.join(", "))))
}

/// The checks of a report that failed.
#[must_use]
pub fn failed_checks(cleanup: &Cleanup) -> Vec<&Check> {
    cleanup.checks.iter().filter(|c| c.status == CheckStatus::Fail).collect()
}

/// The report whatever it says.
#[must_use]
pub fn validate(inputs: Inputs<'_>, params: &Params) -> Outputs {
    let (clean, facts) = examine(inputs, params);
    let mut gathered = Gathered::default();
    gathered.add(facts);
    Outputs { clean, cleanup: gathered.report() }
}

/// The chunks that remain, and what a report says of the rest.
#[must_use]
pub fn examine(inputs: Inputs<'_>, params: &Params) -> (Vec<Enriched>, Facts) {
    let facts = facts(inputs, params);
    let dropped: BTreeSet<&str> = facts.fixes.iter().map(|f| f.subject.as_str()).collect();
    let clean = inputs.enriched.iter().filter(|e| !dropped.contains(e.chunk_id.as_str())).cloned().collect();
    (clean, facts)
}

/// What a report says, and what is to be dropped.
fn facts(inputs: Inputs<'_>, params: &Params) -> Facts {
    let repeated = duplicates::exact(inputs.enriched);
    let mut fixes: Vec<Fix> = repeated.iter().map(duplicates::Repeat::fix).collect();
    fixes.extend(unsupported_terms(inputs));
    Facts { fixes, ..Facts::of(inputs, &repeated, totals(inputs), params) }
}

/// The report of a job from the facts of its books.
///
/// # Errors
/// As `run`; and `BadArtifact` for facts that do not parse.
fn merge(_: Level, pieces: Pieces<'_>) -> Result<Vec<u8>, Failure> {
    let mut gathered = Gathered::default();
    for piece in pieces {
        let piece = piece?;
        gathered.add(artifact::decode(&piece.item_id, &piece.bytes)?);
    }
    let params = gathered.params();
    let cleanup = gathered.report();
    refuse_failed(&cleanup, &params)?;
    artifact::encode(&cleanup)
}

/// Dictionary entries that neither a chunk nor a section supports.
fn unsupported_terms(inputs: Inputs<'_>) -> Vec<Fix> {
    let mentioned: BTreeSet<&str> =
        inputs.enriched.iter().flat_map(|e| &e.entities).filter_map(|m| m.term_id.as_deref()).collect();
    let sections: BTreeSet<&str> = inputs.toc.iter().flat_map(|t| &t.sections).map(|s| s.section_id.as_str()).collect();
    let unsupported = |t: &&Term| {
        !mentioned.contains(t.term_id.as_str()) && t.section_id.as_deref().is_none_or(|section| !sections.contains(section))
    };
    let fix = |t: &Term| Fix {
        rule: "unsupported".to_owned(),
        subject: t.term_id.clone(),
        reason: format!("no chunk mentions the {} `{}` and no section defines it", t.kind.name(), t.term),
    };
    inputs.dictionary.iter().filter(unsupported).map(fix).collect()
}

/// Sums; entities belong to several books and are counted over all of them.
fn totals(inputs: Inputs<'_>) -> BTreeMap<String, u64> {
    let pages: u64 = inputs.toc.iter().filter_map(|t| t.page_count).map(u64::from).sum();
    let tokens: u64 = inputs.chunks.iter().map(|c| u64::from(c.metadata.token_count)).sum();
    let nodes = inputs.graph.nodes.iter().filter(|n| n.kind != NodeKind::Entity).count();
    [
        ("sources", inputs.toc.len() as u64),
        ("pages", pages),
        ("sections", inputs.toc.iter().map(|t| t.sections.len() as u64).sum()),
        ("terms", inputs.dictionary.len() as u64),
        ("chunks", inputs.chunks.len() as u64),
        ("mentions", inputs.enriched.iter().map(|e| e.entities.len() as u64).sum()),
        ("references", inputs.enriched.iter().map(|e| e.references.len() as u64).sum()),
        ("nodes", nodes as u64),
        ("edges", inputs.graph.edges.len() as u64),
        ("tokens", tokens),
    ]
    .into_iter()
    .map(|(name, n)| (name.to_owned(), n))
    .collect()
}

/// The built-in rule `validate`.
pub static BUILTIN: Builtin = Builtin {
    name: "validate",
    about: "checks coverage, duplicates, references and the link graph, and tells what to drop",
    inputs: &["toc", "dictionary", "coverage", "chunks", "enriched", "graph"],
    outputs: &[
        OutputPort {
            name: "clean",
            tree: false,
            // Its items are those of `enriched`.
            merge: Merge::Rebased(crate::passes::shift::arrays),
            split: Some(enriched::split),
            projections: &[],
            count: None,
        },
        OutputPort { name: "cleanup", tree: false, merge: Merge::Fold(merge), split: None, projections: &[], count: None },
    ],
    default_params: |_| serde_json::to_value(Params::default()).unwrap_or_default(),
    check_params,
    run: run_on_bytes,
    fingerprint: env!("INGEST_FINGERPRINT_VALIDATE"),
};

/// Shares lie between 0 and 1; ratios of chunks to entries may be larger.
fn check_params(params: &Value) -> Result<(), (String, String)> {
    artifact::check(params, &Params::default())?;
    // What counts is a whole number, and checked as one above.
    for (key, value) in params.as_object().into_iter().flatten().filter(|(key, _)| *key != "max_orphans") {
        let Some(limit) = value.as_f64() else { continue };
        if key.starts_with("dictionary_ratio") && limit < 0.0 {
            return Err((key.clone(), "it is a ratio, 0 or more".to_owned()));
        }
        if !key.starts_with("dictionary_ratio") && !(0.0..=1.0).contains(&limit) {
            return Err((key.clone(), "it is a share, between 0 and 1".to_owned()));
        }
    }
    Ok(())
}

fn run_on_bytes(
    item: &Item,
    inputs: &crate::builtin::Inputs,
    params: &Value,
    _: &crate::builtin::Limits,
) -> Result<Vec<(&'static str, Output)>, Failure> {
    let params: Params = artifact::params(params)?;
    let toc: Vec<SourceToc> = artifact::decode("toc", &inputs.file("toc")?.bytes)?;
    let dictionary: Vec<Term> = artifact::decode("dictionary", &inputs.file("dictionary")?.bytes)?;
    let coverage: Vec<SourceCoverage> = artifact::decode("coverage", &inputs.file("coverage")?.bytes)?;
    let mut chunks: Vec<Chunk> = Vec::new();
    artifact::decode_each("chunks", &inputs.file("chunks")?.bytes, |item| chunks.push(comparable(item)))?;
    let mut enriched: Vec<Enriched> = Vec::new();
    artifact::decode_each("enriched", &inputs.file("enriched")?.bytes, |item| enriched.push(checkable(item)))?;
    let graph: LinkGraph = artifact::decode("graph", &inputs.file("graph")?.bytes)?;
    let facts = {
        let inputs = Inputs {
            toc: &toc,
            dictionary: &dictionary,
            coverage: &coverage,
            chunks: &chunks,
            enriched: &enriched,
            graph: &graph,
        };
        facts(inputs, &params)
    };
    drop((toc, dictionary, coverage, chunks, enriched, graph));
    let clean = remaining(inputs.open("enriched")?, &facts)?;
    let cleanup = if item.source_id.is_empty() {
        let mut gathered = Gathered::default();
        gathered.add(facts);
        let cleanup = gathered.report();
        refuse_failed(&cleanup, &params)?;
        artifact::encode(&cleanup)?
    } else {
        artifact::encode(&facts)?
    };
    Ok(vec![("clean", clean), ("cleanup", Output::File(cleanup))])
}

/// The enriched chunks in `bytes` without those that `facts` drop, item by item: a long book has tens of megabytes of them, so that
/// only what is written is in memory as a whole.
fn remaining(bytes: impl Read, facts: &Facts) -> Result<Output, Failure> {
    let dropped: BTreeSet<&str> = facts.fixes.iter().map(|f| f.subject.as_str()).collect();
    let (mut out, mut items) = (Vec::new(), 0);
    let mut failed = None;
    out.push(b'[');
    artifact::decode_each_from("enriched", bytes, |item: Enriched| {
        if dropped.contains(item.chunk_id.as_str()) {
            return;
        }
        if items > 0 {
            out.push(b',');
        }
        items += 1;
        failed = serde_json::to_writer(&mut out, &item).err().or(failed.take());
    })?;
    out.push(b']');
    match failed {
        Some(e) => Err(Failure::new(FailureKind::BadArtifact, format!("the result cannot be written: {e}"))),
        None => Ok(Output::Array { json: out, items }),
    }
}

/// What of a chunk is compared; the rest is left empty, for a long book has a hundred megabytes of it.
fn comparable(mut chunk: Chunk) -> Chunk {
    (chunk.metadata.section_path, chunk.metadata.boxes) = (Vec::new(), Vec::new());
    chunk
}

/// What of an enriched chunk is checked, likewise.
fn checkable(mut item: Enriched) -> Enriched {
    item.entities.iter_mut().for_each(|m| (m.kind, m.name, m.value) = (String::new(), String::new(), None));
    item.references.iter_mut().for_each(|r| (r.kind, r.target) = (String::new(), String::new()));
    item.entities.shrink_to_fit();
    (item.keywords, item.metadata.boxes) = (Vec::new(), Vec::new());
    item
}

#[cfg(test)]
mod tests;
