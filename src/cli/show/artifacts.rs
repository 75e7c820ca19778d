//! Elements and chunks of one page, from what the job published. Read item by item: they are of all books.

use std::fmt;
use std::io::BufReader;
use std::marker::PhantomData;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer as _, SeqAccess, Visitor};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::outputs::Kind;
use crate::cli::project::Project;
use crate::disk::{self, DiskError};
use crate::document::drawing::{Area, Drawing, LeftOut, Outline, Shown, start_of};
use crate::document::element::{ElementType, PageBox};
use crate::engine::graph::{Graph, MergeKind, Output};
use crate::engine::items::SourceFile;

/// How much of a text is told of.
const START: usize = 300;

/// What is drawn of an element; other fields are passed over, so that a rule of one's own may have more.
#[derive(Deserialize)]
struct Element {
    element_id: String,
    source_id: String,
    #[serde(rename = "type")]
    kind: ElementType,
    text: String,
    #[serde(rename = "box", default)]
    bounds: Option<PageBox>,
    #[serde(default)]
    metadata: ElementMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ElementMetadata {
    level: Option<u32>,
    furniture: Option<String>,
    hidden: Option<String>,
    sidebar: bool,
    boxes: Vec<PageBox>,
}

/// What is drawn of a chunk.
#[derive(Deserialize)]
struct Chunk {
    chunk_id: String,
    source_id: String,
    text: String,
    #[serde(default)]
    metadata: ChunkMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ChunkMetadata {
    page_start: Option<u32>,
    page_end: Option<u32>,
    boxes: Vec<PageBox>,
    token_count: u32,
}

/// Adds the elements and chunks of the page to `drawing`.
///
/// # Errors
/// If there is no rule for them, they are not built, or hold nothing of `source`.
pub fn read(project: &Project, job: &Path, source: &SourceFile, drawing: &mut Drawing) -> Result<(), CliError> {
    let page = drawing.page;
    let graph = &project.loaded.graph;
    let mut of_source = 0_u64;
    let elements = published(graph, Kind::ELEMENTS)?;
    each(project, job, elements, |element: Element| {
        if element.source_id != source.id {
            return;
        }
        of_source += 1;
        let boxes = if element.metadata.boxes.is_empty() { element.bounds.as_slice() } else { &element.metadata.boxes };
        let areas = areas(boxes, page);
        if !areas.is_empty() {
            let hidden = element.metadata.hidden.map(LeftOut::Hidden);
            drawing.elements.push(Shown {
                left_out: hidden.or(element.metadata.furniture.map(LeftOut::Furniture)),
                id: element.element_id,
                kind: element.kind,
                level: element.metadata.level,
                text: start_of(&element.text, START),
                areas,
                sidebar: element.metadata.sidebar,
            });
        }
    })?;
    if of_source == 0 {
        let message = format!("`{}` holds nothing of `{}`", project.shown(&job.join(&elements.path)), source.path);
        let hint = "`ingest build` builds what is missing, `ingest status` says what was set aside";
        return Err(CliError::new(ErrorKind::Failed, message).hint(hint));
    }
    let chunks = published(graph, Kind::CHUNKS)?;
    each(project, job, chunks, |chunk: Chunk| {
        let areas = if chunk.source_id == source.id { areas(&chunk.metadata.boxes, page) } else { Vec::new() };
        if !areas.is_empty() {
            drawing.chunks.push(Outline {
                id: chunk.chunk_id,
                text: start_of(&chunk.text, START),
                areas,
                began_before: chunk.metadata.page_start.is_some_and(|p| p < page),
                goes_on: chunk.metadata.page_end.is_some_and(|p| p > page),
                tokens: chunk.metadata.token_count,
            });
        }
    })
}

fn areas(boxes: &[PageBox], page: u32) -> Vec<Area> {
    boxes.iter().filter(|b| b.page == page).map(|b| Area { x: b.x, y: b.y, w: b.w, h: b.h }).collect()
}

/// The output that holds what is of `kind`.
fn published(graph: &Graph, kind: Kind) -> Result<&Output, CliError> {
    let Some(output) = kind.output(graph) else {
        let (port, builtin, schema) = (kind.port, kind.builtins[0], kind.schema);
        let message = format!("no rule makes {port}: none runs `{builtin}`, and none is judged by `{schema}`");
        return Err(CliError::new(ErrorKind::Usage, message));
    };
    if !output.publish || output.tree || output.merge == MergeKind::PerItem {
        let message = format!("`{}` is not published as one file, which is read to show a page", output.path);
        return Err(CliError::new(ErrorKind::Usage, message));
    }
    Ok(output)
}

/// Hands every item of a published file to `take`.
fn each<T: DeserializeOwned>(project: &Project, job: &Path, output: &Output, take: impl FnMut(T)) -> Result<(), CliError> {
    let path = job.join(&output.path);
    let shown = project.shown(&path);
    let file = disk::open(&path).map_err(|e: DiskError| {
        if !e.is_missing() {
            return CliError::from(e);
        }
        CliError::new(ErrorKind::Failed, format!("`{shown}` is not there"))
            .hint(format!("`ingest build {}` makes it", output.path))
    })?;
    let mut reader = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 20, file));
    let read = reader.deserialize_seq(Each(take, PhantomData)).and_then(|()| reader.end());
    read.map_err(|e| {
        let told = CliError::new(ErrorKind::Failed, format!("`{shown}` is not what `{}` holds: {e}", output.path));
        told.hint("`ingest gate C` says what is wrong with it")
    })
}

struct Each<T, F>(F, PhantomData<T>);

impl<'de, T: DeserializeOwned, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            (self.0)(item);
        }
        Ok(())
    }
}
