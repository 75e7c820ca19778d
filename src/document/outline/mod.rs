//! What a PDF says of itself beside its pages: its outline (bookmarks), page labels and title, read from the file's bytes.
//! Hostile files survive: every walk is iterative, remembers where it was, and is bounded; what is passed over is noted.
//! Knows nothing of what the pages print; whether an entry is right is judged elsewhere.

mod destinations;
mod labels;
mod text_string;
mod walk;

use std::collections::HashMap;

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};

use crate::builtin::Limits;

pub use labels::{alphabetic, roman};
pub use text_string::decode_text_string;

/// One entry of the outline, in document order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutlineEntry {
    /// Spaces normalised; never empty.
    pub title: String,
    /// 1 is the top.
    pub level: u32,
    /// Physical page, 1-based; `None` if the destination leads nowhere.
    pub page: Option<u32>,
}

/// The outline, labels and title of a PDF.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PdfFrame {
    /// Title of the information dictionary, "" if there is none.
    pub title: String,
    pub page_count: u32,
    pub entries: Vec<OutlineEntry>,
    /// One per page from /PageLabels; empty if the file has none.
    pub page_labels: Vec<String>,
    /// What was passed over or repaired, one sentence each.
    pub notes: Vec<String>,
}

/// Why the frame of a PDF could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("the document asks for a password")]
    Encrypted,
    #[error("the PDF objects cannot be read: {0}")]
    Unreadable(String),
}

/// Reads outline, page labels and title of a PDF. Files that open with the empty password are read. Entries deeper than
/// `max_level` levels are kept at that level, and noted.
///
/// # Errors
/// `Encrypted` if a password is needed, `Unreadable` if the objects cannot be parsed.
pub fn read_frame(bytes: &[u8], max_level: u32, limits: &Limits) -> Result<PdfFrame, FrameError> {
    let options = LoadOptions {
        max_decompressed_size: Some(usize::try_from(limits.decompressed_bytes).unwrap_or(usize::MAX)),
        ..LoadOptions::default()
    };
    let mut document = Document::load_mem_with_options(bytes, options).map_err(|error| match error {
        lopdf::Error::InvalidPassword => FrameError::Encrypted,
        other => FrameError::Unreadable(other.to_string()),
    })?;
    if document.is_encrypted() && document.decrypt("").is_err() {
        return Err(FrameError::Encrypted);
    }
    let pages = page_numbers(&document);
    let mut frame = PdfFrame {
        title: information_title(&document),
        page_count: u32::try_from(pages.len()).unwrap_or(u32::MAX),
        ..PdfFrame::default()
    };
    walk::read_outline(&document, &pages, max_level, &mut frame);
    frame.page_labels = labels::page_labels(&document, pages.len());
    Ok(frame)
}

/// Physical page number of every page object; a page that stands in the tree twice counts where it comes first.
fn page_numbers(document: &Document) -> HashMap<ObjectId, u32> {
    let mut numbers = HashMap::new();
    for id in document.page_iter() {
        let next = u32::try_from(numbers.len() + 1).unwrap_or(u32::MAX);
        numbers.entry(id).or_insert(next);
    }
    numbers
}

fn information_title(document: &Document) -> String {
    let info = document.trailer.get(b"Info").ok().and_then(|o| resolve(document, o)).and_then(|o| o.as_dict().ok());
    info.and_then(|d| value(document, d, b"Title")).and_then(|o| o.as_str().ok()).map_or_else(String::new, decode_text_string)
}

/// The object behind a chain of references.
fn resolve<'a>(document: &'a Document, object: &'a Object) -> Option<&'a Object> {
    document.dereference(object).ok().map(|(_, o)| o)
}

/// The value of `key`, dereferenced.
fn value<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    dictionary.get(key).ok().and_then(|o| resolve(document, o))
}

/// The dictionary that is the value of `key`, dereferenced.
fn sub_dictionary<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Dictionary> {
    value(document, dictionary, key).and_then(|o| o.as_dict().ok())
}

#[cfg(test)]
mod tests;
