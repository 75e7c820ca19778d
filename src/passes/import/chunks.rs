//! Pass C of an imported file, built-in `import_chunks`: its texts as elements in the sections of its contents, and chunks.
//! Chunks that are ready stay as they are; elements are packed as `chunk` packs them, with its params.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::format;
use super::places::Places;
use crate::builtin::{Builtin, Failure, FailureKind, Inputs, Item, Limits, Merge, Output, OutputPort};
use crate::document::chunk::{Chunk, ChunkMetadata, PageCoverage, SourceCoverage};
use crate::document::element::{Element, ElementMetadata, ElementType};
use crate::document::ids;
use crate::document::imported::{Imported, Piece, Text};
use crate::document::part::Placement;
use crate::document::section::{PartToc, SourceToc};
use crate::document::sentences;
use crate::document::tokens::{Tokenizer, Unit};
use crate::passes::artifact;
use crate::passes::pass_a_toc::projections::part_toc;
use crate::passes::pass_c_chunk::chunk;
use crate::passes::pass_c_chunk::parse::elements::{Writer, element};

/// What the pass writes.
#[derive(Debug, PartialEq)]
pub struct Outputs {
    pub elements: Vec<Element>,
    pub chunks: Vec<Chunk>,
    pub coverage: SourceCoverage,
}

/// Elements and chunks of a file whose contents are `toc`. Pure.
///
/// # Errors
/// What `chunk` says.
pub fn run(imported: &Imported, toc: &SourceToc, params: &chunk::Params) -> Result<Outputs, Failure> {
    // The file is one part: nothing of it was cut.
    let part = part_toc(toc, &ids::part_id(&toc.source_id, "", 0), &Placement::default());
    let (elements, texts) = elements(imported, &part);
    if imported.is_chunked {
        let chunks = chunks(&part, &texts);
        let coverage = coverage(&toc.source_id, &texts);
        return Ok(Outputs { elements, chunks, coverage });
    }
    let packed = chunk::run(chunk::Inputs { source_id: &toc.source_id, elements: &elements }, params)?;
    Ok(Outputs { elements, chunks: packed.chunks, coverage: packed.coverage })
}

/// A text, and the index of its section.
type Placed<'i> = (Option<usize>, &'i Text);

/// The elements in their sections; and the texts that they were made from.
fn elements<'i>(imported: &'i Imported, part: &PartToc) -> (Vec<Element>, Vec<Placed<'i>>) {
    let known = sections_of(imported, part);
    let mut writer = Writer::new(part);
    let mut places = Places::default();
    let mut texts = Vec::new();
    for piece in &imported.pieces {
        places.pass(piece);
        let heading = places.section().map(|heading| known[heading]);
        let section = heading.and_then(|heading| heading.section);
        let begins = heading.is_some_and(|heading| heading.begins);
        match piece {
            Piece::Heading { .. } => section.filter(|_| begins).into_iter().for_each(|section| writer.enter(section)),
            Piece::Close { level } => writer.leave(section, *level),
            Piece::Text(text) => {
                texts.push((section, text));
                let made = made(text);
                if text.is_heading && begins { writer.heading(made) } else { writer.add(made) }
            }
        }
    }
    (writer.into_elements(), texts)
}

/// What contents make of a heading.
#[derive(Clone, Copy, Debug, Default)]
struct Heading {
    /// Index of the section that its text is in.
    section: Option<usize>,
    /// That section begins with it.
    begins: bool,
}

/// The section of each heading, by title and in order: contents may have been edited, and have fewer. A heading that they
/// do not have is text of the section before it.
fn sections_of(imported: &Imported, part: &PartToc) -> Vec<Heading> {
    let titles = imported.pieces.iter().filter_map(|piece| match piece {
        Piece::Heading { title, .. } => Some(title),
        _ => None,
    });
    let mut next = 0;
    let mut known: Vec<Heading> = Vec::new();
    for title in titles {
        let rest = part.sections.get(next..).unwrap_or_default();
        let found = rest.iter().position(|section| section.path.last() == Some(title)).map(|at| next + at);
        next = found.map_or(next, |at| at + 1);
        let before = known.last().and_then(|heading| heading.section);
        known.push(Heading { section: found.or(before), begins: found.is_some() });
    }
    known
}

fn made(text: &Text) -> Element {
    let depth = text.depth.filter(|_| text.kind == ElementType::ListItem);
    let metadata = ElementMetadata {
        level: depth,
        furniture: text.furniture.clone(),
        hidden: text.hidden.clone(),
        rows: text.rows.clone(),
        header_rows: text.header_rows,
        boxes: if text.boxes.len() > 1 { text.boxes.clone() } else { Vec::new() },
        ..ElementMetadata::default()
    };
    Element {
        page: text.pages.map(|(start, _)| start),
        bounds: text.boxes.first().copied(),
        metadata,
        ..element(text.kind, text.text.clone())
    }
}

/// Chunks that were ready.
fn chunks(part: &PartToc, texts: &[Placed<'_>]) -> Vec<Chunk> {
    let mut occurrences: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut chunks = Vec::with_capacity(texts.len());
    for (section, text) in texts {
        let section = section.map(|at| &part.sections[at]);
        let section_id = section.map_or("", |s| s.section_id.as_str());
        let outside = section.is_none().then_some(part.part_id.as_str());
        let occurrence = occurrences.entry((section_id, &text.text)).or_default();
        let chunk_id = ids::chunk_id(&part.source_id, section_id, outside, &text.text, *occurrence);
        *occurrence += 1;
        let (page_start, page_end) = text.pages.unzip();
        chunks.push(Chunk {
            chunk_id,
            source_id: part.source_id.clone(),
            page: page_start,
            text: text.text.clone(),
            metadata: ChunkMetadata {
                page_start,
                page_end,
                anchor: None,
                section_id: section.map(|s| s.section_id.clone()),
                section_path: section.map_or_else(Vec::new, |s| s.path.clone()),
                part_id: part.part_id.clone(),
                element_types: if text.types.is_empty() { vec![text.kind] } else { text.types.clone() },
                boxes: text.boxes.clone(),
                char_count: Unit::Characters.size_of(&text.text),
                token_count: Tokenizer::Words.count(&text.text),
            },
        });
    }
    chunks
}

/// Of chunks that were ready: all that is known of the book is in them.
fn coverage(source_id: &str, texts: &[Placed<'_>]) -> SourceCoverage {
    let mut words: BTreeMap<u32, u32> = BTreeMap::new();
    for (_, text) in texts {
        if let Some((page, _)) = text.pages {
            *words.entry(page).or_default() += sentences::word_count(&text.text);
        }
    }
    let page = |(page, words)| PageCoverage { page, words, chunked: words, needs_ocr: false };
    SourceCoverage { source_id: source_id.to_owned(), pages: words.into_iter().map(page).collect(), dropped: Vec::new() }
}

fn run_on_bytes(item: &Item, inputs: &Inputs, params: &Value, _: &Limits) -> Result<Vec<(&'static str, Output)>, Failure> {
    let bad = |why: String| Failure::new(FailureKind::BadArtifact, why);
    let (format, sizes) = parsed(params).map_err(|(_, why)| bad(why))?;
    let tocs: Vec<SourceToc> = artifact::decode("toc", &inputs.file("toc")?.bytes)?;
    let toc = tocs.iter().find(|toc| toc.source_id == item.source_id);
    let toc = toc.ok_or_else(|| bad(format!("the contents hold no source `{}`", item.source_id)))?;
    let outputs = run(&format::source(item, inputs, format)?, toc, &sizes)?;
    Ok(vec![
        ("elements", artifact::array(&outputs.elements)?),
        ("chunks", artifact::array(&outputs.chunks)?),
        ("coverage", artifact::array(&[outputs.coverage])?),
    ])
}

/// Whose file it is, and the sizes of `chunk`.
fn parsed(params: &Value) -> Result<(Option<crate::document::imported::Format>, chunk::Params), (String, String)> {
    let mut sizes: Map<String, Value> = params.as_object().cloned().unwrap_or_default();
    sizes.remove(format::PARAM);
    Ok((format::of(params)?, chunk::parse_params(&Value::Object(sizes))?))
}

fn default_params(given: &Map<String, Value>) -> Value {
    let mut params = (chunk::BUILTIN.default_params)(given);
    if let Some(params) = params.as_object_mut() {
        params.insert(format::PARAM.to_owned(), Value::Null);
    }
    params
}

/// The rule `import_chunks`.
pub static BUILTIN: Builtin = Builtin {
    name: "import_chunks",
    about: "elements and chunks of a file that Unstructured, Haystack or LlamaIndex wrote, and what is in no chunk",
    inputs: &["source", "toc"],
    outputs: &[
        OutputPort { name: "elements", tree: false, merge: Merge::Splice, split: None, projections: &[], count: None },
        OutputPort { name: "chunks", tree: false, merge: Merge::Splice, split: None, projections: &[], count: None },
        OutputPort { name: "coverage", tree: false, merge: Merge::Splice, split: None, projections: &[], count: None },
    ],
    default_params,
    check_params: |params| parsed(params).map(drop),
    run: run_on_bytes,
    fingerprint: env!("INGEST_FINGERPRINT_IMPORT_CHUNKS"),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::imported::read;
    use crate::passes::import::toc;

    #[test]
    fn a_heading_that_the_contents_no_longer_have_is_text_of_the_section_before() {
        let title = |text: &str| format!(r#"{{"type":"Title","text":"{text}"}},{{"type":"Text","text":"of {text}"}}"#);
        let json = format!("[{}]", ["A", "B", "C"].map(title).join(","));
        let imported = read(json.as_bytes(), None).unwrap();
        let item = Item { id: "s".into(), source_id: "s".into(), path: "s.elements.json".into() };
        let (mut toc, _) = toc::run(&item, &imported, crate::document::vocabulary::Vocabulary::bundled().unwrap());
        toc.sections.retain(|section| section.title != "B");
        let made = run(&imported, &toc, &chunk::Params::default()).unwrap();
        let chunks: Vec<_> = made.chunks.iter().map(|c| (c.metadata.section_path.join("/"), c.text.as_str())).collect();
        assert_eq!(chunks, [("A".to_owned(), "A\n\nof A\n\nB\n\nof B"), ("C".to_owned(), "C\n\nof C")]);
        assert_eq!(made.elements[2].metadata.level, None, "no section begins with it");
    }

    #[test]
    fn equal_chunks_of_a_section_have_ids_of_their_own_and_text_outside_sections_has_its_part() {
        let imported = read(br#"[{"content":"a"},{"content":"a"},{"content":"a","section_path":["S"]}]"#, None).unwrap();
        let item = Item { id: "s".into(), source_id: "s".into(), path: "s.documents.json".into() };
        let (toc, _) = toc::run(&item, &imported, crate::document::vocabulary::Vocabulary::bundled().unwrap());
        let made = run(&imported, &toc, &chunk::Params::default()).unwrap();
        let ids: std::collections::BTreeSet<_> = made.chunks.iter().map(|c| c.chunk_id.as_str()).collect();
        assert_eq!(ids.len(), 3);
        assert_eq!(made.chunks[2].metadata.section_path, ["S"]);
        assert_eq!(made.coverage.pages, []);
    }
}
