//! elements.json and chunks.json: what `elements_from_json` of Unstructured reads.

use super::shapes::{Composite, PartedChunk, PartedElement, PartedMetadata};
use super::taken::{Artifact, Chunk, Job, Source, Sources};
use super::written::{Form, Stop, Written};
use crate::document::element::{Element, ElementType};
use crate::passes::pages::extension;

const ITEMS: &str = "/items";
pub const ELEMENTS: Form =
    Form { name: "elements.json", schema: "export_elements.schema.json", frame: Some("[]"), lists: &[ITEMS] };
pub const CHUNKS: Form = Form { name: "chunks.json", schema: "export_chunks.schema.json", frame: Some("[]"), lists: &[ITEMS] };

/// Writes elements.json; the number of elements.
///
/// # Errors
/// As `Job::each` and `Written::item`.
pub fn elements(job: &Job<'_>, elements: &Artifact, sources: &Sources, file: &mut Written<'_>) -> Result<u64, Stop> {
    let mut count = 0;
    file.frame("[")?;
    job.each(elements, |element: Element| {
        count += 1;
        let known = &element.metadata;
        let is_title = element.kind == ElementType::Title;
        let html = (!known.rows.is_empty()).then(|| html(&known.rows, known.header_rows as usize));
        let boxes = if known.boxes.is_empty() { element.bounds.as_slice() } else { &known.boxes };
        let metadata = PartedMetadata {
            anchor: known.anchor.as_deref(),
            boxes,
            category_depth: known.level.map(|level| if is_title { level.saturating_sub(1) } else { level }),
            furniture: known.furniture.as_deref(),
            hidden: known.hidden.as_deref(),
            page_number: element.page,
            parent_id: known.parent_id.as_deref(),
            part_id: &element.part_id,
            section_id: known.section_id.as_deref(),
            section_path: &known.section_path,
            source_id: &element.source_id,
            text_as_html: html.as_deref(),
            ..of_file(sources.get(&element.source_id)?)
        };
        let parted = PartedElement { element_id: &element.element_id, metadata, text: &element.text, kind: element.kind };
        file.item(ITEMS, &element.element_id, &parted)
    })?;
    file.frame("]\n")?;
    Ok(count)
}

/// Writes chunks.json; the number of chunks.
///
/// # Errors
/// As `elements`.
pub fn chunks(job: &Job<'_>, chunks: &Artifact, sources: &Sources, file: &mut Written<'_>) -> Result<u64, Stop> {
    let mut count = 0;
    file.frame("[")?;
    job.each(chunks, |chunk: Chunk| {
        count += 1;
        let known = &chunk.metadata;
        let metadata = PartedMetadata {
            anchor: known.anchor.as_deref(),
            boxes: &known.boxes,
            page_number: chunk.page,
            part_id: &known.part_id,
            section_id: known.section_id.as_deref(),
            section_path: &known.section_path,
            source_id: &chunk.source_id,
            ..of_file(sources.get(&chunk.source_id)?)
        };
        let kind = Composite::CompositeElement;
        let parted = PartedChunk { element_id: &chunk.chunk_id, metadata, text: &chunk.text, kind };
        file.item(ITEMS, &chunk.chunk_id, &parted)
    })?;
    file.frame("]\n")?;
    Ok(count)
}

fn of_file(source: &Source) -> PartedMetadata<'_> {
    let (folder, name) = match source.path.rsplit_once('/') {
        Some((folder, name)) => (Some(folder), name),
        None => (None, source.path.as_str()),
    };
    let filetype = match extension(name).as_str() {
        "pdf" => Some("application/pdf"),
        "md" | "markdown" => Some("text/markdown"),
        "html" | "htm" => Some("text/html"),
        "txt" => Some("text/plain"),
        "json" => Some("application/json"),
        _ => None,
    };
    PartedMetadata { file_directory: folder, filename: name, filetype, ..PartedMetadata::default() }
}

/// A table as Unstructured writes it.
fn html(rows: &[Vec<String>], header_rows: usize) -> String {
    let (head, body) = rows.split_at(header_rows.min(rows.len()));
    let row = |cells: &Vec<String>, tag: &str| {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect();
        format!("<tr>{cells}</tr>")
    };
    let head: String = head.iter().map(|cells| row(cells, "th")).collect();
    let body: String = body.iter().map(|cells| row(cells, "td")).collect();
    let head = if head.is_empty() { head } else { format!("<thead>{head}</thead>") };
    format!("<table>{head}<tbody>{body}</tbody></table>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_with_its_head_and_nothing_of_a_cell_is_markup() {
        let rows = [vec!["a<b".to_owned(), "c".to_owned()], vec!["1 & 2".to_owned(), String::new()]];
        assert_eq!(
            html(&rows, 1),
            "<table><thead><tr><th>a&lt;b</th><th>c</th></tr></thead><tbody><tr><td>1 &amp; 2</td><td></td></tr></tbody></table>"
        );
        assert_eq!(html(&rows[1..], 0), "<table><tbody><tr><td>1 &amp; 2</td><td></td></tr></tbody></table>");
    }
}
