//! `chunk`: elements of a part → chunks and coverage. A chunk never crosses a section, never exceeds the cap (in characters or in tokens), and cuts a
//! paragraph, a list item or a table row only if it exceeds the cap by itself. What is in no chunk is listed with its reason.
//!
//! What it asks of `parse`: a heading is a `Title` with a `level` and its `section_id`; text that is no part of the book's
//! text has `furniture` or `hidden`; a page that prints nothing is an empty `UncategorizedText` whose furniture is
//! `needs_ocr` (it shows images) or `blank`, so that coverage has an entry for every page.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::builtin::{self, Builtin, Failure, FailureKind, Item, Limits, Merge, Output, OutputPort};
use crate::document::chunk::{Chunk, ChunkMetadata, SourceCoverage};
use crate::document::element::{Element, ElementType};
use crate::document::ids;
use crate::document::tokens::{Tokenizer, Unit};
use crate::passes::artifact;
use crate::passes::pass_c_chunk::{rebase, split};

mod atoms;
mod coverage;
mod pack;
mod params;

pub use params::{Params, parse as parse_params};

/// The built-in rule `chunk`.
pub static BUILTIN: Builtin = Builtin {
    name: "chunk",
    about: "packs elements into chunks of bounded size that never cross a section, and says what is in no chunk",
    inputs: &["elements"],
    outputs: &[
        OutputPort {
            name: "chunks",
            tree: false,
            merge: Merge::Rebased(crate::passes::shift::arrays),
            split: Some(split::chunks),
            projections: &[],
            count: Some(tokens_of),
        },
        OutputPort {
            name: "coverage",
            tree: false,
            merge: Merge::Rebased(rebase::coverage),
            split: Some(split::coverage),
            projections: &[],
            count: None,
        },
    ],
    default_params: params::defaults,
    check_params,
    run: run_bytes,
    fingerprint: env!("INGEST_FINGERPRINT_CHUNK"),
};

/// Sum of the chunks' `token_count`s.
fn tokens_of(output: &Output) -> Vec<(&'static str, u64)> {
    #[derive(Deserialize)]
    struct Counted {
        metadata: Tokens,
    }
    #[derive(Deserialize)]
    struct Tokens {
        token_count: u64,
    }
    let Some(bytes) = output.file() else { return Vec::new() };
    let chunks: Vec<Counted> = artifact::from_json(bytes).unwrap_or_default();
    vec![("tokens", chunks.iter().map(|c| c.metadata.token_count).sum())]
}

/// What `run` reads.
pub struct Inputs<'a> {
    pub source_id: &'a str,
    /// In reading order, all of one part.
    pub elements: &'a [Element],
}

/// What `run` writes.
#[derive(Debug, PartialEq)]
pub struct Outputs {
    /// In reading order.
    pub chunks: Vec<Chunk>,
    pub coverage: SourceCoverage,
}

/// Packs `elements` into chunks.
///
/// # Errors
/// `BadArtifact` if the elements belong to more than one part.
pub fn run(inputs: Inputs<'_>, params: &Params) -> Result<Outputs, Failure> {
    let part_id = inputs.elements.first().map_or("", |e| e.part_id.as_str());
    if inputs.elements.iter().any(|e| e.part_id != part_id) {
        return Err(Failure::new(FailureKind::BadArtifact, "the elements belong to more than one part"));
    }
    let mut tally = coverage::Tally::default();
    let mut made = Maker { source_id: inputs.source_id, part_id, occurrences: BTreeMap::new(), headed: BTreeSet::new() };
    let mut chunks = Vec::new();
    let text: Vec<&Element> = inputs.elements.iter().filter(|e| tally.takes(e)).collect();
    for section in text.chunk_by(|a, b| a.metadata.section_id == b.metadata.section_id && !is_heading(b)) {
        let atoms = atoms::of_section(section, params);
        for atom in &atoms {
            tally.chunked(atom);
        }
        for group in pack::pack(&atoms, params) {
            chunks.push(made.chunk(section[0], &group, params.unit));
        }
    }
    Ok(Outputs { chunks, coverage: tally.into_coverage(inputs.source_id) })
}

/// Whether a section begins with `element`.
fn is_heading(element: &Element) -> bool {
    element.kind == ElementType::Title && element.metadata.level.is_some() && element.metadata.section_id.is_some()
}

/// Turns packed atoms into chunks with ids that are unique within the source.
struct Maker<'a> {
    source_id: &'a str,
    part_id: &'a str,
    /// How often a section held a text already.
    occurrences: BTreeMap<(String, String), usize>,
    /// Sections whose heading stands in this part. Only one part can have it, so their ids need no part; all other text
    /// (of sections that began earlier, or before the first heading) takes the part into its id.
    headed: BTreeSet<String>,
}

impl Maker<'_> {
    fn chunk(&mut self, first: &Element, group: &pack::Group<'_>, unit: Unit) -> Chunk {
        let tokenizer = if let Unit::Tokens(named) = unit { named } else { Tokenizer::Words };
        let section = first.metadata.section_id.clone();
        let section_id = section.as_deref().unwrap_or("");
        if is_heading(first) {
            self.headed.insert(section_id.to_owned());
        }
        let part = (!self.headed.contains(section_id)).then_some(self.part_id);
        let occurrence = self.occurrences.entry((section_id.to_owned(), group.text.clone())).or_default();
        let chunk_id = ids::chunk_id(self.source_id, section_id, part, &group.text, *occurrence);
        *occurrence += 1;
        let types: BTreeSet<ElementType> = group.atoms.iter().map(|a| a.kind).collect();
        Chunk {
            chunk_id,
            source_id: self.source_id.to_owned(),
            page: group.pages.map(|p| p.0),
            metadata: ChunkMetadata {
                page_start: group.pages.map(|p| p.0),
                page_end: group.pages.map(|p| p.1),
                anchor: group.atoms.first().and_then(|a| a.anchor.map(str::to_owned)),
                section_id: section,
                section_path: first.metadata.section_path.clone(),
                part_id: self.part_id.to_owned(),
                element_types: types.into_iter().collect(),
                boxes: pack::boxes(&group.atoms),
                char_count: Unit::Characters.size_of(&group.text),
                token_count: tokenizer.count(&group.text),
            },
            text: group.text.clone(),
        }
    }
}

fn check_params(value: &Value) -> Result<(), (String, String)> {
    params::parse(value).map(|_| ())
}

fn run_bytes(item: &Item, inputs: &builtin::Inputs, params: &Value, _: &Limits) -> Result<Vec<(&'static str, Output)>, Failure> {
    let bad = |what: &str, e: serde_json::Error| Failure::new(FailureKind::BadArtifact, format!("`{what}` does not parse: {e}"));
    let params = params::parse(params).map_err(|(_, why)| Failure::new(FailureKind::BadArtifact, why))?;
    let elements: Vec<Element> = artifact::from_json(&inputs.file("elements")?.bytes).map_err(|e| bad("elements", e))?;
    let out = run(Inputs { source_id: &item.source_id, elements: &elements }, &params)?;
    Ok(vec![("chunks", artifact::array(&out.chunks)?), ("coverage", artifact::array(&[out.coverage])?)])
}

#[cfg(test)]
mod tests;
