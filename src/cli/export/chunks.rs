//! Chunks as Documents and nodes have them: what they say of one beside its text, and those beside it.

use super::shapes::{Entity, Meta, PrintedReference};
use super::taken::{Artifact, Chunk, Job, Source};
use super::written::Stop;

/// `meta` of a Document, `metadata` of a node.
#[must_use]
pub fn meta<'a>(chunk: &'a Chunk, source: &'a Source) -> Meta<'a> {
    let known = &chunk.metadata;
    Meta {
        anchor: known.anchor.as_deref(),
        element_types: &known.element_types,
        entities: chunk.entities.iter().map(Entity::of).collect(),
        keywords: &chunk.keywords,
        language: chunk.language.as_deref(),
        page: chunk.page,
        page_end: known.page_end,
        part_id: &known.part_id,
        path: &source.path,
        references: chunk.references.iter().map(PrintedReference::of).collect(),
        section_id: known.section_id.as_deref(),
        section_path: &known.section_path,
        source_id: &chunk.source_id,
        title: &source.title,
    }
}

/// A chunk id without its prefix: of all chunks of a job, eight bytes each are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShortId(u64);

impl ShortId {
    /// The id in `text`, if it is one of ours.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("chunk-").filter(|hex| hex.len() == 16)?;
        u64::from_str_radix(hex, 16).ok().map(Self)
    }
}

impl std::fmt::Display for ShortId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "chunk-{:016x}", self.0)
    }
}

/// A chunk and those beside it in its source.
pub struct Placed<'c> {
    pub chunk: &'c Chunk,
    pub previous: Option<&'c str>,
    pub next: Option<&'c str>,
}

/// Hands every chunk to `take`, in order, each when the one after it is known.
///
/// # Errors
/// As `Job::each`, and what `take` says.
pub fn each_placed(job: &Job<'_>, chunks: &Artifact, mut take: impl FnMut(Placed<'_>) -> Result<(), Stop>) -> Result<(), Stop> {
    let mut previous: Option<String> = None;
    let mut at: Option<Chunk> = None;
    job.each(chunks, |next: Chunk| {
        let Some(chunk) = at.replace(next) else { return Ok::<(), Stop>(()) };
        let next = at.as_ref().filter(|next| next.source_id == chunk.source_id);
        take(Placed { chunk: &chunk, previous: previous.as_deref(), next: next.map(|next| next.chunk_id.as_str()) })?;
        previous = next.is_some().then_some(chunk.chunk_id);
        Ok(())
    })?;
    match &at {
        Some(chunk) => take(Placed { chunk, previous: previous.as_deref(), next: None }),
        None => Ok(()),
    }
}
