//! What depends on the book, measured: coverage, duplicates, ratios, what is empty, unresolved or undefined.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::document::chunk::SourceCoverage;
use crate::document::cleanup::Check;
use crate::document::entity::Enriched;
use crate::document::section::SourceToc;
use crate::passes::pass_f_validate::Inputs;
use crate::passes::pass_f_validate::Params;
use crate::passes::pass_f_validate::checks::Share;
use crate::passes::pass_f_validate::checks::at_least;
use crate::passes::pass_f_validate::checks::at_most;
use crate::passes::pass_f_validate::duplicates::Repeat;
use crate::passes::pass_f_validate::duplicates::near;

/// What is measured, of one book or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    pub coverage: Share,
    pub coverage_of_worst_source: Share,
    pub chunk_dictionary_ratio: Share,
    pub sources_without_chunks: Share,
    pub exact_duplicates: Share,
    pub near_duplicates: Share,
    pub empty_sections: Share,
    pub shouting_chunks: Share,
    pub unresolved_references: Share,
    pub pages_needing_ocr: Share,
}

impl Measures {
    /// Measures `inputs`, whose chunks repeat others as `repeated` says.
    #[must_use]
    pub fn of(inputs: Inputs<'_>, repeated: &[Repeat], params: &Params) -> Self {
        let all = inputs.enriched.len();
        let by_source: Vec<Share> = inputs.coverage.iter().map(covered).collect();
        let mut coverage = Share::default();
        by_source.iter().for_each(|share| coverage.add(*share));
        let references: usize = inputs.enriched.iter().map(|e| e.references.len()).sum();
        Self {
            coverage,
            coverage_of_worst_source: worst(by_source),
            chunk_dictionary_ratio: chunks_per_term(inputs),
            sources_without_chunks: sources_without_chunks(inputs),
            exact_duplicates: Share::of(repeated.len(), all),
            near_duplicates: Share::of(near(inputs.enriched, repeated, params.near_duplicate_similarity), all),
            empty_sections: empty_sections(inputs),
            shouting_chunks: Share::of(inputs.enriched.iter().filter(|e| shouts(e)).count(), all),
            unresolved_references: Share::of(inputs.graph.unresolved.len(), references),
            pages_needing_ocr: pages_needing_ocr(inputs),
        }
    }

    /// Of these and of those.
    pub fn add(&mut self, other: &Self) {
        self.coverage.add(other.coverage);
        self.coverage_of_worst_source = self.coverage_of_worst_source.worse(other.coverage_of_worst_source);
        self.chunk_dictionary_ratio = self.chunk_dictionary_ratio.worse(other.chunk_dictionary_ratio);
        self.sources_without_chunks.add(other.sources_without_chunks);
        self.exact_duplicates.add(other.exact_duplicates);
        self.near_duplicates.add(other.near_duplicates);
        self.empty_sections.add(other.empty_sections);
        self.shouting_chunks.add(other.shouting_chunks);
        self.unresolved_references.add(other.unresolved_references);
        self.pages_needing_ocr.add(other.pages_needing_ocr);
    }

    /// The checks, in a fixed order; which entities are defined is known of the job only.
    #[must_use]
    pub fn checks(&self, undefined_entities: Share, p: &Params) -> Vec<Check> {
        let Share { part, whole } = self.unresolved_references;
        let unresolved = Share { part: part.min(whole), whole };
        let of_worst_source = self.coverage_of_worst_source;
        vec![
            at_least("coverage", self.coverage, p.coverage_warn, p.coverage_fail),
            at_least("coverage_of_worst_source", of_worst_source, p.coverage_fail, p.source_coverage_fail),
            at_least("chunk_dictionary_ratio", self.chunk_dictionary_ratio, p.dictionary_ratio_warn, p.dictionary_ratio_fail),
            at_most("sources_without_chunks", self.sources_without_chunks, p.sources_without_chunks_warn),
            at_most("exact_duplicates", self.exact_duplicates, p.exact_duplicates_warn),
            at_most("near_duplicates", self.near_duplicates, p.near_duplicates_warn),
            at_most("empty_sections", self.empty_sections, p.empty_sections_warn),
            at_most("shouting_chunks", self.shouting_chunks, p.shouting_chunks_warn),
            at_most("unresolved_references", unresolved, p.unresolved_references_warn),
            at_most("entities_without_definition", undefined_entities, p.undefined_entities_warn),
            at_most("pages_needing_ocr", self.pages_needing_ocr, p.ocr_pages_warn),
        ]
    }
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
fn worst(shares: impl IntoIterator<Item = Share>) -> Share {
    shares.into_iter().fold(Share::default(), Share::worse)
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
    worst(by_source.into_values())
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

fn pages_needing_ocr(inputs: Inputs<'_>) -> Share {
    let pages = || inputs.coverage.iter().flat_map(|c| &c.pages);
    Share::of(pages().filter(|p| p.needs_ocr).count(), pages().count())
}
