//! One item of a file: an element of Unstructured, a Document of Haystack, a node of LlamaIndex.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::items::Holder;
use super::{Format, ImportError, Text};
use crate::builtin::Limits;
use crate::document::element::{ElementType, PageBox};
use crate::document::flow::{FlowBlock, FlowKind};
use crate::document::headings::key::clean;
use crate::document::markup;

/// What is taken of an item.
#[derive(Debug)]
pub struct Record {
    pub id: Option<String>,
    pub parent: Option<String>,
    pub kind: ElementType,
    pub text: String,
    pub pages: Option<(u32, u32)>,
    pub depth: Option<u32>,
    /// Titles of sections from the top down.
    pub path: Vec<String>,
    /// The file that it is from; "" if that is not told.
    pub file: String,
    /// Of the book; "" if that is not told.
    pub title: String,
    pub furniture: Option<String>,
    pub hidden: Option<String>,
    pub boxes: Vec<PageBox>,
    pub types: Vec<ElementType>,
    /// Cells of a table, and how many of its rows are headers.
    pub rows: Vec<Vec<String>>,
    pub header_rows: u32,
    /// Only who made chunks writes this type.
    pub is_chunk: bool,
    /// Its parts are items too.
    pub is_whole: bool,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            id: None,
            parent: None,
            kind: ElementType::UncategorizedText,
            text: String::new(),
            pages: None,
            depth: None,
            path: Vec::new(),
            file: String::new(),
            title: String::new(),
            furniture: None,
            hidden: None,
            boxes: Vec::new(),
            types: Vec::new(),
            rows: Vec::new(),
            header_rows: 0,
            is_chunk: false,
            is_whole: false,
        }
    }
}

/// Whose file it is, by what its first item looks like.
///
/// # Errors
/// If it is nobody's.
pub fn format_of(holder: Holder, pointer: &str, item: &Value) -> Result<Format, ImportError> {
    let entries = object(pointer, item)?;
    let has = |key: &str| entries.contains_key(key);
    match holder {
        Holder::Documents => Ok(Format::Haystack),
        Holder::Docstore => Ok(Format::Llamaindex),
        Holder::Array if has("id_") || has("__data__") || has("class_name") => Ok(Format::Llamaindex),
        Holder::Array if has("content") && !has("text") => Ok(Format::Haystack),
        Holder::Array if has("type") && (has("text") || has("element_id") || has("metadata")) => Ok(Format::Unstructured),
        Holder::Array => {
            let keys: Vec<&str> = entries.keys().take(6).map(String::as_str).collect();
            let what = match keys.is_empty() {
                true => "empty objects".to_owned(),
                false => format!("objects with `{}`", keys.join("`, `")),
            };
            Err(ImportError::Unknown(format!("{what} (`{pointer}`)")))
        }
    }
}

impl Record {
    /// What `item` says; keys of its metadata that are not taken are counted in `left_out`.
    ///
    /// # Errors
    /// If it is not of the shape of its format, or has no text.
    pub fn of(
        format: Format,
        holder: Holder,
        pointer: &str,
        item: Value,
        left_out: &mut BTreeMap<String, u64>,
    ) -> Result<Self, ImportError> {
        object(pointer, &item)?;
        let Value::Object(mut entries) = item else { return Ok(Self::default()) };
        let (record, rest) = match format {
            Format::Unstructured => element(pointer, entries)?,
            Format::Haystack => document(pointer, entries)?,
            Format::Llamaindex => {
                let is_of = |key: &str, kind: &str| entries.get(key).is_some_and(|is| is == kind);
                let is_document = (holder == Holder::Docstore && is_of("__type__", "4")) || is_of("class_name", "Document");
                let (mut record, rest) = match entries.remove("__data__") {
                    Some(data) => {
                        let pointer = format!("{pointer}/__data__");
                        object(&pointer, &data)?;
                        let Value::Object(data) = data else { return Ok(Self::default()) };
                        node(&pointer, data)?
                    }
                    None => node(pointer, entries)?,
                };
                record.is_whole |= is_document;
                (record, rest)
            }
        };
        for (key, _) in rest.into_iter().filter(|(_, value)| !is_nothing(value)) {
            *left_out.entry(key).or_default() += 1;
        }
        Ok(record)
    }

    /// As a piece of a book.
    #[must_use]
    pub fn into_text(self, is_heading: bool) -> Text {
        Text {
            kind: self.kind,
            text: self.text,
            pages: self.pages,
            depth: self.depth,
            is_heading,
            furniture: self.furniture,
            hidden: self.hidden,
            boxes: self.boxes,
            types: self.types,
            rows: self.rows,
            header_rows: self.header_rows,
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn object<'v>(pointer: &str, value: &'v Value) -> Result<&'v Map<String, Value>, ImportError> {
    value.as_object().ok_or_else(|| wrong(pointer, format!("is {}, not an object", named(value))))
}

fn wrong(pointer: &str, what: impl Into<String>) -> ImportError {
    ImportError::Shape { pointer: pointer.to_owned(), what: what.into() }
}

fn named(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The text at `key`, which must be there.
fn text(pointer: &str, entries: &mut Map<String, Value>, key: &str, whose: &str) -> Result<String, ImportError> {
    match entries.remove(key) {
        Some(Value::String(text)) => Ok(text),
        None => Err(wrong(&format!("{pointer}/{key}"), format!("is missing: {whose} has its text there"))),
        Some(other) => Err(wrong(&format!("{pointer}/{key}"), format!("is {}, and {whose} has its text there", named(&other)))),
    }
}

/// The metadata at `key`; none are no error.
fn metadata(pointer: &str, entries: &mut Map<String, Value>, key: &str) -> Result<Map<String, Value>, ImportError> {
    match entries.remove(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(metadata)) => Ok(metadata),
        Some(other) => Err(wrong(&format!("{pointer}/{key}"), format!("is {}, not an object", named(&other)))),
    }
}

fn string(entries: &mut Map<String, Value>, key: &str) -> Option<String> {
    let text = entries.get(key)?.as_str().map(str::to_owned)?;
    entries.remove(key);
    Some(text)
}

/// A whole number from 0, also where it is written as a text; what is none stays.
fn number(entries: &mut Map<String, Value>, key: &str) -> Option<u32> {
    let number = match entries.get(key)? {
        Value::Number(n) => n.as_u64().and_then(|n| u32::try_from(n).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }?;
    entries.remove(key);
    Some(number)
}

/// The first of `keys` that holds a page.
fn page(entries: &mut Map<String, Value>, keys: &[&str]) -> Option<u32> {
    let key = keys.iter().find(|key| entries.get(**key).is_some_and(|v| !v.is_null() && v != 0))?;
    // What is no page stays, and is counted with the rest.
    match entries.get(*key)? {
        Value::String(text) if text.trim().parse() == Ok(0) => None,
        _ => number(entries, key),
    }
}

fn pages(entries: &mut Map<String, Value>, keys: &[&str]) -> Option<(u32, u32)> {
    let start = page(entries, keys)?;
    let end = page(entries, &["page_end"]).unwrap_or(start);
    Some((start, end.max(start)))
}

/// Titles at `key`, if it holds a list of texts.
fn titles(entries: &mut Map<String, Value>, key: &str) -> Option<Vec<String>> {
    let list = entries.get(key)?.as_array()?;
    let titles: Vec<String> = list.iter().map(|title| title.as_str().map(clean)).collect::<Option<_>>()?;
    entries.remove(key);
    Some(titles.into_iter().filter(|title| !title.is_empty()).collect())
}

fn boxes(entries: &mut Map<String, Value>) -> Vec<PageBox> {
    let boxes = entries.get("boxes").and_then(|boxes| serde_json::from_value::<Vec<PageBox>>(boxes.clone()).ok());
    // Boxes are of pages; pages are counted from 1.
    let boxes = boxes.filter(|boxes| boxes.iter().all(|b| b.page > 0));
    if boxes.is_some() {
        entries.remove("boxes");
    }
    boxes.unwrap_or_default()
}

fn types(entries: &mut Map<String, Value>) -> Vec<ElementType> {
    let types = entries.get("element_types").and_then(|t| serde_json::from_value::<Vec<ElementType>>(t.clone()).ok());
    if types.is_some() {
        entries.remove("element_types");
    }
    let mut types = types.unwrap_or_default();
    types.sort();
    types.dedup();
    types
}

/// The first text at one of `keys`.
fn file(entries: &mut Map<String, Value>, keys: &[&str]) -> String {
    keys.iter().find_map(|key| string(entries, key)).unwrap_or_default()
}

/// An element of Unstructured.
fn element(pointer: &str, mut entries: Map<String, Value>) -> Result<(Record, Map<String, Value>), ImportError> {
    let name = match entries.remove("type") {
        Some(Value::String(name)) => name,
        None => return Err(wrong(&format!("{pointer}/type"), "is missing: an element of Unstructured has its type there")),
        Some(other) => return Err(wrong(&format!("{pointer}/type"), format!("is {}, not a text", named(&other)))),
    };
    let said = text(pointer, &mut entries, "text", "an element of Unstructured")?;
    let mut metadata = metadata(pointer, &mut entries, "metadata")?;
    let known = serde_json::from_value::<ElementType>(Value::String(name.clone())).ok();
    let kind = known.unwrap_or(ElementType::UncategorizedText);
    let ours = string(&mut metadata, "furniture");
    let furniture = ours.or_else(|| match kind {
        ElementType::Header | ElementType::Footer => Some("running_head".to_owned()),
        ElementType::PageNumber => Some("folio".to_owned()),
        _ => None,
    });
    let folder = string(&mut metadata, "file_directory").map_or_else(String::new, |folder| folder + "/");
    let (rows, header_rows) = if kind == ElementType::Table { cells(&said, &mut metadata) } else { (Vec::new(), 0) };
    let record = Record {
        id: string(&mut entries, "element_id"),
        parent: string(&mut metadata, "parent_id"),
        kind,
        text: said,
        pages: pages(&mut metadata, &["page_number"]),
        depth: number(&mut metadata, "category_depth"),
        path: titles(&mut metadata, "section_path").unwrap_or_default(),
        file: folder + &file(&mut metadata, &["filename"]),
        title: String::new(),
        furniture,
        hidden: string(&mut metadata, "hidden"),
        boxes: boxes(&mut metadata),
        types: Vec::new(),
        rows,
        header_rows,
        is_chunk: name == "CompositeElement" || name == "TableChunk",
        is_whole: false,
    };
    metadata.extend(entries);
    Ok((record, metadata))
}

/// Rows of the table that stands in `text_as_html`, and how many are headers: known only where `text` has a line for each row.
fn cells(text: &str, metadata: &mut Map<String, Value>) -> (Vec<Vec<String>>, u32) {
    let html = metadata.get("text_as_html").and_then(Value::as_str).unwrap_or_default();
    let read = markup::read("html", html.as_bytes(), &Limits::default()).map(|flow| flow.blocks).unwrap_or_default();
    let [FlowBlock { kind: FlowKind::Table { header_rows }, rows, .. }] = read.as_slice() else { return (Vec::new(), 0) };
    metadata.remove("text_as_html");
    let has_lines = text.lines().count() == rows.len();
    (rows.clone(), if has_lines { u32::from(*header_rows) } else { 0 })
}

/// A Document of Haystack; its metadata may stand beside its other fields.
fn document(pointer: &str, mut entries: Map<String, Value>) -> Result<(Record, Map<String, Value>), ImportError> {
    let said = text(pointer, &mut entries, "content", "a Document of Haystack")?;
    let id = string(&mut entries, "id");
    let mut meta = metadata(pointer, &mut entries, "meta")?;
    meta.extend(entries);
    let path = titles(&mut meta, "section_path").or_else(|| {
        let parents = titles(&mut meta, "parent_headers").unwrap_or_default();
        let own = string(&mut meta, "header").map(|title| clean(&title)).filter(|title| !title.is_empty());
        own.map(|own| parents.into_iter().chain([own]).collect())
    });
    let record = Record {
        id,
        text: said,
        pages: pages(&mut meta, &["page_number", "page"]),
        path: path.unwrap_or_default(),
        file: file(&mut meta, &["path", "file_path", "file_name"]),
        title: string(&mut meta, "title").unwrap_or_default(),
        boxes: boxes(&mut meta),
        types: types(&mut meta),
        ..Record::default()
    };
    Ok((record, meta))
}

/// What a node is related to: its source, its children.
const SOURCE: &str = "1";
const CHILDREN: &str = "5";

/// Fields of a node that say how it is shown, not what it says.
const OF_A_NODE: [&str; 15] = [
    "class_name",
    "excluded_embed_metadata_keys",
    "excluded_llm_metadata_keys",
    "metadata_template",
    "metadata_separator",
    "metadata_seperator",
    "mimetype",
    "text_template",
    "start_char_idx",
    "end_char_idx",
    "image_resource",
    "audio_resource",
    "video_resource",
    "hash",
    "doc_id",
];

/// A node of LlamaIndex.
fn node(pointer: &str, mut entries: Map<String, Value>) -> Result<(Record, Map<String, Value>), ImportError> {
    if !entries.contains_key("text")
        && let Some(Value::Object(resource)) = entries.get_mut("text_resource")
        && let Some(text) = resource.remove("text")
    {
        entries.insert("text".to_owned(), text);
    }
    let said = text(pointer, &mut entries, "text", "a node of LlamaIndex")?;
    entries.remove("text_resource");
    OF_A_NODE.iter().for_each(|key| drop(entries.remove(*key)));
    let relationships = metadata(pointer, &mut entries, "relationships")?;
    let related = |kind: &str| relationships.get(kind);
    let source = related(SOURCE).and_then(|of| of.get("node_id")).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_whole = related(CHILDREN).and_then(Value::as_array).is_some_and(|children| !children.is_empty());
    let id = string(&mut entries, "id_");
    let mut metadata = metadata(pointer, &mut entries, "metadata")?;
    metadata.extend(entries);
    let path = titles(&mut metadata, "section_path").or_else(|| header_path(&said, &mut metadata));
    let file = file(&mut metadata, &["path", "file_path", "file_name"]);
    let record = Record {
        id,
        text: said,
        pages: pages(&mut metadata, &["page_number", "page", "page_label"]),
        path: path.unwrap_or_default(),
        file: if file.is_empty() { source } else { file },
        title: string(&mut metadata, "title").unwrap_or_default(),
        boxes: boxes(&mut metadata),
        types: types(&mut metadata),
        is_whole,
        ..Record::default()
    };
    Ok((record, metadata))
}

/// As the parser of Markdown tells it: the titles above, between slashes; the node's own is its first line.
fn header_path(text: &str, metadata: &mut Map<String, Value>) -> Option<Vec<String>> {
    let above = string(metadata, "header_path")?;
    let first = text.lines().next().unwrap_or_default();
    let own = first.strip_prefix('#').map(|rest| clean(rest.trim_matches(['#', ' ', '\t'])));
    let titles = above.split('/').map(clean).chain(own);
    Some(titles.filter(|title| !title.is_empty()).collect())
}
