//! Coverage: words read and words chunked per page, and every text that is in no chunk with its reason.

use std::collections::BTreeMap;

use super::atoms::{Atom, Pages};
use crate::document::chunk::{Dropped, PageCoverage, SourceCoverage};
use crate::document::element::Element;

/// Longest excerpt of a dropped text, in code points.
const EXCERPT_CHARS: usize = 200;

/// Furniture of a page that prints nothing but shows images.
pub const NEEDS_OCR: &str = "needs_ocr";

/// What has been counted so far.
#[derive(Default)]
pub struct Tally {
    pages: BTreeMap<u32, PageCoverage>,
    dropped: Vec<Dropped>,
}

impl Tally {
    /// Counts `element` as read. True if it is text to be chunked; what is not is recorded as dropped.
    pub fn takes(&mut self, element: &Element) -> bool {
        let pages = Pages::of(element);
        for (page, words) in pages.words(&element.text, 0) {
            // No chunk is to hold what no reader sees, so that none can be missing.
            let seen = if element.metadata.hidden.is_some() { 0 } else { words };
            self.page(element.page.map(|_| page), |p| p.words += seen);
        }
        let furniture = element.metadata.furniture.as_deref();
        let reason = if element.metadata.hidden.is_some() { Some("hidden") } else { furniture };
        if element.text.trim().is_empty() {
            self.page(element.page, |p| p.needs_ocr |= furniture == Some(NEEDS_OCR));
            return false;
        }
        if let Some(reason) = reason {
            let text = element.text.chars().take(EXCERPT_CHARS).collect();
            self.dropped.push(Dropped { page: element.page, text, reason: reason.to_owned() });
        }
        reason.is_none()
    }

    /// Counts `atom` as chunked.
    pub fn chunked(&mut self, atom: &Atom<'_>) {
        for (page, words) in &atom.words {
            self.page(atom.pages.map(|_| *page), |p| p.chunked += words);
        }
    }

    fn page(&mut self, page: Option<u32>, change: impl FnOnce(&mut PageCoverage)) {
        if let Some(page) = page {
            change(self.pages.entry(page).or_insert(PageCoverage { page, words: 0, chunked: 0, needs_ocr: false }));
        }
    }

    /// The coverage of the part.
    pub fn into_coverage(self, source_id: &str) -> SourceCoverage {
        SourceCoverage { source_id: source_id.to_owned(), pages: self.pages.into_values().collect(), dropped: self.dropped }
    }
}
