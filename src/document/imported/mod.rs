//! What Unstructured, Haystack and LlamaIndex write, as pieces of a book: headings, texts with their pages, or chunks that
//! are ready. Texts are as they stand there. What has no place in a book of ours is counted, by its key.
//!
//! Knows the files and nothing of the passes; ids and sections are made by others.

mod items;
mod record;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use self::items::Stop;
use self::record::Record;
use super::element::{ElementType, PageBox};
use super::headings::key::clean;

/// How many keys of metadata are named.
const LISTED: usize = 40;

/// Who wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Unstructured,
    Haystack,
    Llamaindex,
}

/// What is known, for whoever has a file of another kind.
const KNOWN: &str = "what is known: elements JSON of Unstructured (an array of objects with `type` and `text`), Documents of Haystack (a saved \
                     InMemoryDocumentStore, or an array of objects with `content`), nodes of LlamaIndex (a persisted docstore, or an array of \
                     objects with `id_` and `text`)";

impl Format {
    pub const NAMES: [&'static str; 3] = ["unstructured", "haystack", "llamaindex"];

    /// As params call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// A file of another system.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    pub format: Format,
    /// As its metadata call it, "" if they do not.
    pub title: String,
    /// In the order of the file.
    pub pieces: Vec<Piece>,
    /// Its texts are chunks, to be kept as they are.
    pub is_chunked: bool,
    /// The last page that anything stands on; `None` if nothing has a page.
    pub page_count: Option<u32>,
    /// What was left out, a sentence each.
    pub notes: Vec<String>,
}

/// A piece of a book.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// A section begins. Its title is printed as the text that follows only where the file has such an element.
    Heading {
        level: u32,
        title: String,
        page: Option<u32>,
        opens_page: bool,
    },
    /// Sections below `level` end.
    Close {
        level: u32,
    },
    Text(Text),
}

/// A text, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    pub kind: ElementType,
    pub text: String,
    /// Where it begins, and where it ends.
    pub pages: Option<(u32, u32)>,
    /// How deep a list item lies.
    pub depth: Option<u32>,
    /// It is the heading of the section that began just now.
    pub is_heading: bool,
    /// Why it is no part of the text, or is not seen.
    pub furniture: Option<String>,
    pub hidden: Option<String>,
    pub boxes: Vec<PageBox>,
    /// Of a chunk: what it is made of, sorted; `[]` if that is not told.
    pub types: Vec<ElementType>,
    /// Cells of a table, and how many of its rows are headers.
    pub rows: Vec<Vec<String>>,
    pub header_rows: u32,
}

/// Why a file cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("not JSON: {message} ({line}:{column})")]
    NotJson { line: usize, column: usize, message: String },
    #[error("it holds {0}; {KNOWN}")]
    Unknown(String),
    #[error("`{pointer}` {what}")]
    Shape { pointer: String, what: String },
    #[error("`format` says `{}`, and it is of `{}`", .said.name(), .is.name())]
    Other { said: Format, is: Format },
    #[error("it holds no text: {0}")]
    Empty(&'static str),
}

/// The pieces of a file; `said` is whose it is to be, if that was said.
///
/// # Errors
/// If it is not JSON, of another shape, or holds no text.
pub fn read(bytes: &[u8], said: Option<Format>) -> Result<Imported, ImportError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ImportError::Empty("the file is empty"));
    }
    let mut records: Vec<Record> = Vec::new();
    let mut format: Option<Format> = None;
    let mut left_out: BTreeMap<String, u64> = BTreeMap::new();
    let taken = items::each(bytes, |holder, pointer, item| {
        let known = match format {
            Some(known) => known,
            None => record::format_of(holder, pointer, &item)?,
        };
        if let Some(said) = said.filter(|said| *said != known) {
            return Err(ImportError::Other { said, is: known });
        }
        format = Some(known);
        records.push(Record::of(known, holder, pointer, item, &mut left_out)?);
        Ok(())
    });
    taken.map_err(|stop| match stop {
        Stop::Json(error) => not_json(&error),
        Stop::Other(what) => ImportError::Unknown(what),
        Stop::Taken(error) => error,
    })?;
    let format = format.ok_or(ImportError::Empty("it has no items"))?;
    pieces(format, records, &left_out)
}

fn not_json(error: &serde_json::Error) -> ImportError {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what).to_owned();
    ImportError::NotJson { line: error.line(), column: error.column(), message }
}

fn pieces(format: Format, mut records: Vec<Record>, left_out: &BTreeMap<String, u64>) -> Result<Imported, ImportError> {
    let all = records.len();
    // A node whose parts are nodes too says what they say.
    let whole = records.iter().filter(|r| r.is_whole).count();
    if whole < all {
        records.retain(|r| !r.is_whole);
    }
    let kept = records.len();
    records.retain(|r| !r.text.trim().is_empty());
    if records.is_empty() {
        return Err(ImportError::Empty("all of its texts are empty"));
    }
    let mut notes = Vec::new();
    let mut note = |n: usize, one: &str, many: &str| {
        if n > 0 {
            notes.push(if n == 1 { format!("1 {one} left out") } else { format!("{n} {many} left out") });
        }
    };
    note(all - kept, "text that smaller ones repeat is", "texts that smaller ones repeat are");
    note(kept - records.len(), "item without text is", "items without text are");
    let files: BTreeSet<&str> = records.iter().map(|r| r.file.as_str()).collect();
    if files.len() > 1 {
        notes.push(format!("the text is of {} files; each has its own pages", files.len()));
    }
    if !left_out.is_empty() {
        let mut keys: Vec<String> = left_out.iter().take(LISTED).map(|(key, n)| format!("`{key}` ({n})")).collect();
        if left_out.len() > LISTED {
            keys.push(format!("and {} more", left_out.len() - LISTED));
        }
        notes.push(format!("metadata that no artifact has room for: {}", keys.join(", ")));
    }
    let is_chunked = format != Format::Unstructured || records.iter().any(|r| r.is_chunk);
    let page_count = records.iter().filter_map(|r| r.pages).map(|(_, last)| last).max();
    let titles: BTreeSet<&str> = records.iter().map(|r| r.title.as_str()).collect();
    let title = if titles.len() == 1 { titles.into_iter().next().unwrap_or_default().to_owned() } else { String::new() };
    let pieces = if is_chunked { by_path(records) } else { by_titles(records) };
    Ok(Imported { format, title, pieces, is_chunked, page_count, notes })
}

/// Sections begin where paths of sections that chunks name change.
fn by_path(records: Vec<Record>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let (mut file, mut page) = (None, None);
    for mut record in records {
        if file.as_ref().is_some_and(|file| *file != record.file) {
            open.clear();
            pieces.push(Piece::Close { level: 0 });
        }
        let common = open.iter().zip(&record.path).take_while(|(a, b)| a == b).count();
        if common < open.len() && common == record.path.len() {
            pieces.push(Piece::Close { level: level(common) });
        }
        open.truncate(common);
        let start = record.pages.map(|(start, _)| start);
        for title in record.path.drain(..).skip(common) {
            open.push(title.clone());
            let opens_page = common + 1 == open.len() && start != page;
            pieces.push(Piece::Heading { level: level(open.len()), title, page: start, opens_page });
        }
        (file, page) = (Some(std::mem::take(&mut record.file)), record.pages.map(|(_, end)| end));
        pieces.push(Piece::Text(record.into_text(false)));
    }
    pieces
}

/// Sections begin at titles: as deep as they say, else below the title that is their parent, else at the top.
fn by_titles(records: Vec<Record>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut levels: HashMap<String, u32> = HashMap::new();
    let (mut file, mut page) = (None, None);
    for mut record in records {
        if file.as_ref().is_some_and(|file| *file != record.file) {
            pieces.push(Piece::Close { level: 0 });
        }
        let title = clean(&record.text);
        let is_heading =
            record.kind == ElementType::Title && record.furniture.is_none() && record.hidden.is_none() && !title.is_empty();
        let start = record.pages.map(|(start, _)| start);
        if is_heading {
            let above = record.parent.as_ref().and_then(|parent| levels.get(parent));
            let level = record.depth.map_or_else(|| above.map_or(1, |level| level + 1), |depth| depth.saturating_add(1));
            if let Some(id) = record.id.take() {
                levels.insert(id, level);
            }
            pieces.push(Piece::Heading { level, title, page: start, opens_page: start != page });
        }
        if record.furniture.is_none() {
            page = record.pages.map(|(_, end)| end);
        }
        file = Some(std::mem::take(&mut record.file));
        pieces.push(Piece::Text(record.into_text(is_heading)));
    }
    pieces
}

fn level(depth: usize) -> u32 {
    u32::try_from(depth).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
