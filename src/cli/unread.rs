//! Pages that hold no text and show something: which documents have some, from the records of what was made of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::render;
use crate::engine::items::SourceFile;
use crate::passes::pass_a_toc::PAGES_NEEDING_OCR;
use crate::store::state::State;

/// A document that can be read in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unread {
    /// Below the sources folder.
    pub path: String,
    /// Pages that need OCR.
    pub pages: u64,
    /// All its pages, if they were counted.
    pub of: Option<u64>,
}

impl Unread {
    /// `5 of 9 pages of `x.pdf` hold no text: they need OCR`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let of = self.of.map_or_else(String::new, |all| format!(" of {all}"));
        let path = render::shown(&self.path);
        match (self.pages, self.of) {
            (1, None | Some(1)) => format!("1{of} page of `{path}` holds no text: it needs OCR"),
            (1, _) => format!("1{of} pages of `{path}` holds no text: it needs OCR"),
            (n, _) => format!("{n}{of} pages of `{path}` hold no text: they need OCR"),
        }
    }
}

/// The documents of `sources` that the last build of the job accepted, and that are such.
#[must_use]
pub fn of(state: &State, job_key: &str, sources: &[SourceFile]) -> Vec<Unread> {
    let prefix = format!("{job_key}\0");
    let mut counts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (key, last) in state.last.range_from(prefix.as_str()).take_while(|(k, _)| k.starts_with(&prefix)) {
        let item = key.rsplit('\0').next().unwrap_or_default();
        let Some(result) = state.results.get(&last.key).filter(|_| last.accepted) else { continue };
        for (name, n) in &*result.counts {
            counts.entry(item.to_owned()).or_default().insert(name.clone(), *n);
        }
    }
    let unread = |source: &SourceFile| {
        let counts = counts.get(source.id.as_str())?;
        let pages = *counts.get(PAGES_NEEDING_OCR)?;
        Some(Unread { path: source.path.clone(), pages, of: counts.get("pages").copied() })
    };
    sources.iter().filter_map(unread).collect()
}

#[cfg(test)]
mod tests {
    use super::Unread;

    #[test]
    fn one_page_and_many_are_told() {
        let told = |pages, of| Unread { path: "x.pdf".to_owned(), pages, of }.sentence();
        assert_eq!(told(5, Some(9)), "5 of 9 pages of `x.pdf` hold no text: they need OCR");
        assert_eq!(told(1, Some(9)), "1 of 9 pages of `x.pdf` holds no text: it needs OCR");
        assert_eq!(told(2, None), "2 pages of `x.pdf` hold no text: they need OCR");
    }
}
