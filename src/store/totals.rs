//! What all blobs take on disk, without a walk: added up as records of new blobs are written, taken off as blobs are
//! collected, and put right by whoever walks.

use std::collections::HashSet;

use super::cas::Cas;
use super::records::Stored;
use super::state::State;
use crate::digest::Digest;

/// The name of the figure.
const BYTES: &str = "cas_bytes";

/// Blobs that were added to the total, or were there before, each by the start of its digest: it is a figure of size, and
/// of the blobs of five thousand books, none is likely to begin as another.
#[derive(Debug, Default)]
pub struct Totals {
    counted: Option<HashSet<u64>>,
}

/// What all blobs take on disk, in bytes; `None` if nobody has counted yet.
#[must_use]
pub fn bytes(state: &State) -> Option<u64> {
    state.figures.peek(BYTES)
}

/// Somebody has counted.
pub fn set(state: &mut State, bytes: u64) {
    state.figures.put(BYTES.to_owned(), bytes);
}

/// Nobody has.
pub fn unset(state: &mut State) {
    state.figures.remove(BYTES);
}

impl Totals {
    /// Adds what the records that wait to be written lead to and others do not. Where nobody has counted, neither does this.
    pub fn add_pending(&mut self, state: &mut State, cas: &Cas) {
        let Some(before) = bytes(state) else { return };
        let outputs = state.results.changed().flat_map(|(_, r)| &*r.outputs).flat_map(Stored::blobs).map(|(digest, _)| digest);
        let fresh: Vec<Digest> = outputs.chain(state.derived.changed().map(|(_, d)| d.digest)).collect();
        if fresh.is_empty() {
            return;
        }
        let counted = self.counted.get_or_insert_with(|| settled(state));
        let grown: u64 =
            fresh.iter().filter(|digest| counted.insert(digest.beginning())).filter_map(|digest| cas.size(digest)).sum();
        if grown > 0 {
            set(state, before + grown);
        }
    }

    /// These blobs are gone: stored again, they count again.
    pub fn forget(&mut self, gone: impl Iterator<Item = Digest>) {
        if let Some(counted) = &mut self.counted {
            for digest in gone {
                counted.remove(&digest.beginning());
            }
        }
    }
}

/// What the records lead to that do not wait to be written.
fn settled(state: &State) -> HashSet<u64> {
    let results = state.results.iter().filter(|(key, _)| !state.results.is_pending(key));
    let derived = state.derived.iter().filter(|(key, _)| !state.derived.is_pending(key));
    let mut counted: HashSet<u64> = derived.map(|(_, d)| d.digest.beginning()).collect();
    for (_, result) in results {
        counted.extend(result.outputs.iter().flat_map(Stored::blobs).map(|(digest, _)| digest.beginning()));
    }
    counted
}
