//! documents.json: what `InMemoryDocumentStore.load_from_disk` of Haystack reads.

use super::chunks::meta;
use super::shapes::Document;
use super::taken::{Artifact, Chunk, Job, Sources};
use super::written::{Form, Stop, Written};

const DOCUMENTS: &str = "/properties/documents/items";
pub const FORM: Form = Form {
    name: "documents.json",
    schema: "export_documents.schema.json",
    frame: Some(concat!(
        r#"{"documents":[],"init_parameters":{},"type":"#,
        r#""haystack.document_stores.in_memory.document_store.InMemoryDocumentStore"}"#
    )),
    lists: &[DOCUMENTS],
};

/// Writes the file; the number of Documents.
///
/// # Errors
/// As `Job::each` and `Written::item`.
pub fn write(job: &Job<'_>, chunks: &Artifact, sources: &Sources, file: &mut Written<'_>) -> Result<u64, Stop> {
    let mut count = 0;
    let frame = FORM.frame.unwrap_or_default();
    let (before, after) = frame.split_once("[]").unwrap_or_default();
    file.frame(before)?;
    file.frame("[")?;
    job.each(chunks, |chunk: Chunk| {
        count += 1;
        let document = Document { content: &chunk.text, id: &chunk.chunk_id, meta: meta(&chunk, sources.get(&chunk.source_id)?) };
        file.item(DOCUMENTS, &chunk.chunk_id, &document)
    })?;
    file.frame("]")?;
    file.frame(after)?;
    file.frame("\n")?;
    Ok(count)
}
