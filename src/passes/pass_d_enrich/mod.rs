//! Pass D, built-in `enrich`: the chunks of one part, unchanged and in order, with what they name, measure, cite and are
//! about. Knows no pages but the chunks' own, which are relative to the part.

pub mod keywords;
pub mod language;
pub mod merge;
pub mod quality;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::builtin::Builtin;
use crate::builtin::Failure;
use crate::builtin::FailureKind;
use crate::builtin::Item;
use crate::builtin::Limits;
use crate::builtin::Merge;
use crate::builtin::Output;
use crate::builtin::OutputPort;
use crate::document::chunk::Chunk;
use crate::document::entity::Enriched;
use crate::document::entity::Mention;
use crate::document::expressions;
use crate::document::expressions::Expression;
use crate::document::matching::Found;
use crate::document::matching::Matcher;
use crate::document::normalized::normalized;
use crate::document::references::find::references;
use crate::document::term::TermName;
use crate::document::vocabulary::Vocabulary;
use crate::passes::pass_d_enrich::keywords::Keywords;
use crate::passes::pass_d_enrich::language::language;
use crate::passes::pass_d_enrich::quality::quality;
use crate::passes::vocabulary;

/// Params of the rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Keywords per chunk at most, 0 to 8.
    pub max_keywords: usize,
    /// Texts with fewer letters have no language ("und").
    pub min_language_letters: usize,
}

impl Default for Params {
    fn default() -> Self {
        // Below 40 letters trigrams of related languages are not told apart.
        Self { max_keywords: 8, min_language_letters: 40 }
    }
}

/// What the pass reads.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    pub chunks: &'a [Chunk],
    /// Names of the book; empty where no dictionary is given.
    pub names: &'a [TermName],
    pub vocabulary: &'a Vocabulary,
}

/// What the pass writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// One for each chunk, in the same order.
    pub enriched: Vec<Enriched>,
}

/// Enriches every chunk.
///
/// # Errors
/// `Limit` where the names do not fit one automaton.
pub fn run(inputs: Inputs<'_>, params: &Params) -> Result<Outputs, Failure> {
    let matcher = Matcher::new(inputs.names, inputs.vocabulary).map_err(|e| Failure::new(FailureKind::Limit, e.to_string()))?;
    let keywords = Keywords::new();
    let enriched = inputs.chunks.iter().map(|chunk| enrich(chunk, &inputs, &matcher, &keywords, params)).collect();
    Ok(Outputs { enriched })
}

fn enrich(chunk: &Chunk, inputs: &Inputs<'_>, matcher: &Matcher<'_>, keywords: &Keywords, params: &Params) -> Enriched {
    let normalized = normalized(&chunk.text);
    let entities = mentions(chunk, inputs, matcher);
    // A name that begins with "See" is no reference.
    let mut references = references(&chunk.text, &inputs.vocabulary.references);
    references.retain(|r| entities.iter().all(|m| m.value.is_some() || m.start != r.start));
    Enriched {
        chunk_id: chunk.chunk_id.clone(),
        source_id: chunk.source_id.clone(),
        page: chunk.page,
        text: chunk.text.clone(),
        metadata: chunk.metadata.clone(),
        entities,
        keywords: keywords.of(&normalized, params.max_keywords.min(8)),
        references,
        language: language(&normalized, params.min_language_letters),
        quality: quality(chunk),
        normalized,
    }
}

/// Names and expressions of a chunk by start, then end. Where a name and an expression overlap the longer stands; of two of
/// one length, the name.
fn mentions(chunk: &Chunk, inputs: &Inputs<'_>, matcher: &Matcher<'_>) -> Vec<Mention> {
    let mut found = matcher.find(&chunk.text, &chunk.metadata.section_path);
    let mut expressions = expressions::find(&chunk.text, &inputs.vocabulary.expressions);
    let overlap = |f: &Found, e: &Expression<'_>| f.start < e.end && e.start < f.end;
    expressions.retain(|e| found.iter().all(|f| !overlap(f, e) || e.end - e.start > f.end - f.start));
    found.retain(|f| expressions.iter().all(|e| !overlap(f, e)));
    let chars: Vec<char> = chunk.text.chars().collect();
    let surface = |start: u32, end: u32| chars.get(start as usize..end as usize).unwrap_or(&[]).iter().collect::<String>();
    let mut mentions: Vec<Mention> = found
        .iter()
        .filter_map(|f| inputs.names.get(f.term).map(|name| (f, name)))
        .map(|(f, name)| Mention {
            kind: name.kind.name().to_owned(),
            name: name.term.clone(),
            surface: surface(f.start, f.end),
            start: f.start,
            end: f.end,
            term_id: Some(name.term_id.clone()),
            value: None,
        })
        .collect();
    mentions.extend(expressions.into_iter().map(|e| Mention {
        kind: e.kind.to_owned(),
        surface: surface(e.start, e.end),
        name: e.name,
        start: e.start,
        end: e.end,
        term_id: None,
        value: Some(e.value),
    }));
    mentions.sort_by_key(|m| (m.start, m.end));
    mentions
}

/// The built-in rule `enrich`.
pub static BUILTIN: Builtin = Builtin {
    name: "enrich",
    about: "finds names, expressions, cross-references and keywords in chunks",
    inputs: &["chunks", "names?", vocabulary::INPUT],
    outputs: &[OutputPort {
        name: "enriched",
        tree: false,
        merge: Merge::Rebased(crate::passes::shift::arrays),
        split: Some(merge::split),
        projections: &[],
        count: None,
    }],
    default_params: |_| serde_json::to_value(Params::default()).unwrap_or_default(),
    check_params,
    run: run_on_bytes,
    fingerprint: env!("INGEST_FINGERPRINT_ENRICH"),
};

fn check_params(params: &Value) -> Result<(), (String, String)> {
    let known: Params = crate::passes::artifact::check(params, &Params::default())?;
    if known.max_keywords > 8 {
        return Err(("max_keywords".to_owned(), "at most 8 keywords are kept".to_owned()));
    }
    Ok(())
}

fn run_on_bytes(
    _: &Item,
    inputs: &crate::builtin::Inputs,
    params: &Value,
    _: &Limits,
) -> Result<Vec<(&'static str, Output)>, Failure> {
    let (vocabulary, params) = vocabulary::take(inputs, params)?;
    let params: Params = crate::passes::artifact::params(&params)?;
    let chunks: Vec<Chunk> = crate::passes::artifact::decode("chunks", &inputs.file("chunks")?.bytes)?;
    let names: Vec<TermName> = match inputs.optional_file("names")? {
        Some(file) => crate::passes::artifact::decode("names", &file.bytes)?,
        None => Vec::new(),
    };
    let outputs = run(Inputs { chunks: &chunks, names: &names, vocabulary: &vocabulary }, &params)?;
    Ok(vec![("enriched", crate::passes::artifact::array(&outputs.enriched)?)])
}

#[cfg(test)]
pub(crate) mod tests;
