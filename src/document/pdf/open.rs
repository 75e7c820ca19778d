//! Opens a PDF: tolerant of junk before the header, broken cross references and cyclic page trees; decrypts what opens with
//! the empty password. Knows nothing of page content.

use std::sync::Arc;

use hayro_syntax::Pdf;
use hayro_syntax::object::dict::keys::{BASE_STATE, D, OCGS, OCPROPERTIES, OFF, ON};
use hayro_syntax::object::{Array, Dict, Name, ObjectIdentifier};

use super::diagnosis;
use super::guarded::guarded;
use super::inflate::check_containers;
use super::nesting;
use crate::builtin::{Failure, LimitName, Limits};

/// An opened PDF with at least one page.
pub struct Book {
    pdf: Pdf,
}

/// Shares the bytes of an input with the reader without a copy.
struct Shared(Arc<[u8]>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Book {
    /// Opens `bytes`.
    ///
    /// # Errors
    /// `NotReadable` for what is no PDF or has no pages, `Encrypted` if a password is needed, `Limit` for more
    /// pages, or deeper nesting, than `limits` allow.
    pub fn open(bytes: &Arc<[u8]>, limits: &Limits) -> Result<Self, Failure> {
        check_containers(bytes, limits)?;
        nesting::check_objects(bytes, limits)?;
        let data = Arc::new(Shared(Arc::clone(bytes)));
        let pdf = match guarded(|| Pdf::new(data)) {
            Some(Ok(pdf)) => pdf,
            Some(Err(error)) => return Err(diagnosis::unreadable(bytes, Some(error))),
            None => return Err(diagnosis::unreadable(bytes, None)),
        };
        match pdf.pages().len() {
            0 => Err(diagnosis::no_pages(bytes)),
            n if n as u64 > limits.pages => Err(Failure::passed(limits, LimitName::Pages, format_args!("the PDF has {n} pages"))),
            _ => {
                nesting::check_page_tree(&pdf, limits)?;
                Ok(Self { pdf })
            }
        }
    }

    /// Number of pages, at least 1.
    #[must_use]
    pub fn page_count(&self) -> usize {
        self.pdf.pages().len()
    }

    /// The reader's own view of the file.
    pub(crate) fn pdf(&self) -> &Pdf {
        &self.pdf
    }

    /// Optional content groups that are off as the document opens, ascending.
    pub(crate) fn hidden_layers(&self) -> Vec<ObjectIdentifier> {
        let xref = self.pdf.xref();
        if !xref.has_optional_content_groups() {
            return Vec::new();
        }
        let properties = xref.get::<Dict<'_>>(xref.root_id()).and_then(|c| c.get::<Dict<'_>>(OCPROPERTIES));
        let Some(properties) = properties else { return Vec::new() };
        let Some(config) = properties.get::<Dict<'_>>(D) else { return Vec::new() };
        let refs = |array: Option<Array<'_>>| -> Vec<ObjectIdentifier> {
            array.map(|a| a.raw_iter().filter_map(|o| o.as_obj_ref().map(Into::into)).collect()).unwrap_or_default()
        };
        let mut hidden = refs(config.get(OFF));
        if config.get::<Name<'_>>(BASE_STATE).is_some_and(|n| n.as_ref() == b"OFF") {
            let on = refs(config.get(ON));
            hidden.extend(refs(properties.get(OCGS)).into_iter().filter(|id| !on.contains(id)));
        }
        hidden.sort_unstable_by_key(|id| (id.obj_number, id.gen_number));
        hidden.dedup();
        hidden
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn replaced(bytes: &[u8], from: &str, to: &str) -> Arc<[u8]> {
        let text: String = bytes.iter().map(|b| char::from(*b)).collect();
        assert!(text.contains(from), "{from} is not in the sample");
        text.replace(from, to).chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect::<Vec<u8>>().into()
    }

    #[test]
    fn broken_cross_references_and_huge_counts_are_survived() {
        let bytes = sample::book(&["one".to_owned(), "two".to_owned()]);
        assert_eq!(Book::open(&replaced(&bytes, "startxref", "startxxxx"), &Limits::default()).unwrap().page_count(), 2);
        assert_eq!(Book::open(&replaced(&bytes, "/Count 2", "/Count 999999999"), &Limits::default()).unwrap().page_count(), 2);
    }

    #[test]
    fn a_page_tree_that_contains_itself_is_survived() {
        let bytes = sample::book(&["one".to_owned()]);
        let text: String = bytes.iter().map(|b| char::from(*b)).collect();
        let at = text.find("/Kids").unwrap();
        let kids = &text[at..at + text[at..].find(']').unwrap() + 1];
        let cyclic = kids.replace('[', "[1 0 R ");
        assert_eq!(Book::open(&replaced(&bytes, kids, &cyclic), &Limits::default()).unwrap().page_count(), 1);
    }
}
