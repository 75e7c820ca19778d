//! Checks that depend on the book: coverage, duplicates, ratios, what is empty, unresolved or undefined.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::document::chunk::SourceCoverage;
use crate::document::cleanup::Check;
use crate::document::entity::Enriched;
use crate::document::link_graph::EdgeKind;
use crate::document::link_graph::NodeKind;
use crate::document::section::SourceToc;
use crate::passes::pass_f_validate::Inputs;
use crate::passes::pass_f_validate::checks::Limits;
use crate::passes::pass_f_validate::checks::Share;
use crate::passes::pass_f_validate::checks::at_least;
use crate::passes::pass_f_validate::checks::at_most;
use crate::passes::pass_f_validate::duplicates::Repeat;
use crate::passes::pass_f_validate::duplicates::near;

/// The checks, in a fixed order.
#[must_use]
pub fn checks(inputs: Inputs<'_>, repeated: &[Repeat], limits: &Limits<'_>) -> Vec<Check> {
    let p = limits.params;
    let all = inputs.enriched.len();
    let by_source: Vec<Share> = inputs.coverage.iter().map(covered).collect();
    let whole = by_source.iter().fold(Share::default(), |a, b| Share { part: a.part + b.part, whole: a.whole + b.whole });
    let nearly = near(inputs.enriched, repeated, p.near_duplicate_similarity);
    vec![
        at_least("coverage", whole, p.coverage_warn, p.coverage_fail),
        at_least("coverage_of_worst_source", worst(&by_source), p.coverage_fail, p.source_coverage_fail),
        at_least("chunk_dictionary_ratio", chunks_per_term(inputs), p.dictionary_ratio_warn, p.dictionary_ratio_fail),
        at_most("sources_without_chunks", sources_without_chunks(inputs), 0.0),
        at_most("exact_duplicates", Share::of(repeated.len(), all), p.exact_duplicates_warn),
        at_most("near_duplicates", Share::of(nearly, all), p.near_duplicates_warn),
        at_most("empty_sections", empty_sections(inputs), p.empty_sections_warn),
        at_most("shouting_chunks", Share::of(inputs.enriched.iter().filter(|e| shouts(e)).count(), all), p.shouting_chunks_warn),
        at_most("unresolved_references", unresolved(inputs), p.unresolved_references_warn),
        at_most("entities_without_definition", undefined_entities(inputs), p.undefined_entities_warn),
        at_most("pages_needing_ocr", pages_needing_ocr(inputs), p.ocr_pages_warn),
    ]
}

/// Words in chunks, of the words of a source that are no furniture (running heads, folios, contents, index, hidden text).
fn covered(source: &SourceCoverage) -> Share {
    let mut dropped: BTreeMap<u32, u64> = BTreeMap::new();
    // Contents and index pages are dropped whole, but only the beginning of each piece is on record.
    let mut listed: BTreeSet<u32> = BTreeSet::new();
    for piece in &source.dropped {
        let Some(page) = piece.page else { continue };
        *dropped.entry(page).or_default() += piece.text.split_whitespace().count() as u64;
        if matches!(piece.reason.as_str(), "contents" | "index") {
            listed.insert(page);
        }
    }
    source.pages.iter().fold(Share::default(), |sum, page| {
        let part = u64::from(page.chunked.min(page.words));
        let furniture = dropped.get(&page.page).copied().unwrap_or(0);
        let meant = if listed.contains(&page.page) { part } else { u64::from(page.words).saturating_sub(furniture) };
        Share { part: sum.part + part, whole: sum.whole + meant.max(part) }
    })
}

/// The smallest share of those that measure anything.
fn worst(shares: &[Share]) -> Share {
    // a/b < c/d as a·d < c·b: no rounding decides.
    let less =
        |a: &&Share, b: &&Share| (u128::from(a.part) * u128::from(b.whole)).cmp(&(u128::from(b.part) * u128::from(a.whole)));
    shares.iter().filter(|s| s.whole > 0).min_by(less).copied().unwrap_or_default()
}

/// Chunks per dictionary entry in the source that has fewest.
fn chunks_per_term(inputs: Inputs<'_>) -> Share {
    let mut by_source: BTreeMap<&str, Share> = BTreeMap::new();
    for term in inputs.dictionary {
        by_source.entry(&term.source_id).or_default().whole += 1;
    }
    for chunk in inputs.chunks {
        by_source.entry(&chunk.source_id).or_default().part += 1;
    }
    worst(&by_source.into_values().collect::<Vec<_>>())
}

fn sources_without_chunks(inputs: Inputs<'_>) -> Share {
    let with: BTreeSet<&str> = inputs.chunks.iter().map(|c| c.source_id.as_str()).collect();
    let without = inputs.toc.iter().filter(|t| !with.contains(t.source_id.as_str())).count();
    Share::of(without, inputs.toc.len())
}

/// Sections with no chunk in themselves or below.
fn empty_sections(inputs: Inputs<'_>) -> Share {
    let chunked: BTreeSet<&str> = inputs.chunks.iter().filter_map(|c| c.metadata.section_id.as_deref()).collect();
    let count = |toc: &SourceToc| {
        let parents: BTreeMap<&str, &str> =
            toc.sections.iter().filter_map(|s| Some((s.section_id.as_str(), s.parent_id.as_deref()?))).collect();
        let mut filled: BTreeSet<&str> = BTreeSet::new();
        for section in toc.sections.iter().map(|s| s.section_id.as_str()).filter(|s| chunked.contains(s)) {
            let mut at = Some(section);
            // Ends where a path is known already, so also on cycles.
            while let Some(id) = at.filter(|id| filled.insert(id)) {
                at = parents.get(id).copied();
            }
        }
        toc.sections.iter().filter(|s| !filled.contains(s.section_id.as_str())).count()
    };
    Share::of(inputs.toc.iter().map(count).sum(), inputs.toc.iter().map(|t| t.sections.len()).sum())
}

/// Running text in capitals: at least 40 letters, nine of ten of them large.
fn shouts(item: &Enriched) -> bool {
    let large = item.text.chars().filter(|c| c.is_uppercase()).count();
    let small = item.text.chars().filter(|c| c.is_lowercase()).count();
    large + small >= 40 && large >= 9 * small
}

fn unresolved(inputs: Inputs<'_>) -> Share {
    let all: usize = inputs.enriched.iter().map(|e| e.references.len()).sum();
    Share::of(inputs.graph.unresolved.len().min(all), all)
}

fn undefined_entities(inputs: Inputs<'_>) -> Share {
    let defined: BTreeSet<&str> =
        inputs.graph.edges.iter().filter(|e| e.kind == EdgeKind::DefinedIn).map(|e| e.source.as_str()).collect();
    let entities = inputs.graph.nodes.iter().filter(|n| n.kind == NodeKind::Entity);
    let (mut without, mut all) = (0, 0);
    for entity in entities {
        all += 1;
        without += usize::from(!defined.contains(entity.id.as_str()));
    }
    Share::of(without, all)
}

fn pages_needing_ocr(inputs: Inputs<'_>) -> Share {
    let pages = || inputs.coverage.iter().flat_map(|c| &c.pages);
    Share::of(pages().filter(|p| p.needs_ocr).count(), pages().count())
}
