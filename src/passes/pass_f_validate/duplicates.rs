//! Chunks that repeat others. Word for word under one title path: certain, the first stays. Nearly, or under another title:
//! counted, never dropped.

use std::collections::BTreeMap;

use crate::document::cleanup::Fix;
use crate::document::entity::Enriched;
use crate::document::similarity::near_pairs;

/// `later` repeats `earlier` (chunk ids).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    pub earlier: String,
    pub later: String,
}

impl Repeat {
    #[must_use]
    pub fn fix(&self) -> Fix {
        Fix {
            rule: "exact_duplicate".to_owned(),
            subject: self.later.clone(),
            reason: format!("it repeats {} word for word in a section of the same title", self.earlier),
        }
    }
}

/// Exact repeats: one source, one title path, one normalised text, an id of its own.
#[must_use]
pub fn exact(enriched: &[Enriched]) -> Vec<Repeat> {
    let mut first: BTreeMap<(&str, &[String], &str), &str> = BTreeMap::new();
    let mut repeats = Vec::new();
    for item in enriched {
        let key = (item.source_id.as_str(), item.metadata.section_path.as_slice(), item.normalized.as_str());
        let earlier = *first.entry(key).or_insert(&item.chunk_id);
        if earlier != item.chunk_id {
            repeats.push(Repeat { earlier: earlier.to_owned(), later: item.chunk_id.clone() });
        }
    }
    repeats
}

/// How many chunks nearly repeat an earlier one of their source, exact repeats left out.
#[must_use]
pub fn near(enriched: &[Enriched], repeated: &[Repeat], least: f64) -> usize {
    let dropped: std::collections::BTreeSet<&str> = repeated.iter().map(|r| r.later.as_str()).collect();
    let mut by_source: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for item in enriched.iter().filter(|e| !dropped.contains(e.chunk_id.as_str())) {
        by_source.entry(&item.source_id).or_default().push(&item.normalized);
    }
    by_source.values().map(|texts| near_pairs(texts, least).len()).sum()
}
