//! What is about to be published, written down before anybody can see it: after a kill between a rename and its record, the
//! bytes in the job folder are still known to be ours. Blobs are known by themselves; a merge is bytes that no blob holds.

use std::sync::Arc;

use super::publish::{Make, Wanted, spliced};
use super::{Coordinator, Stop};
use crate::digest::Digest;
use crate::store::records::StoredFile;

/// The bytes of merges, in the order of the files; `None` for blobs.
pub(super) type Merges = Vec<Option<Arc<[u8]>>>;

impl Coordinator<'_, '_> {
    /// Makes the merges among `files` and writes down their digests, to be committed before they are put in place.
    pub(super) fn intend(&mut self, files: &[&Wanted]) -> Result<Merges, Stop> {
        let mut merges = Merges::with_capacity(files.len());
        for file in files {
            merges.push(match &file.make {
                Make::Copy(_) => None,
                Make::Splice(pieces) => {
                    let bytes: Arc<[u8]> = spliced(pieces, &self.store.cas)?.into();
                    let stored = StoredFile { digest: Digest::of(&bytes), bytes: bytes.len() as u64, items: file.items };
                    let key = self.intent_key(&file.path);
                    self.store.state.derived.put(key, stored);
                    Some(bytes)
                }
            });
        }
        Ok(merges)
    }

    /// The record of the published file says it from now on.
    pub(super) fn is_published(&mut self, path: &str) {
        let key = self.intent_key(path);
        self.store.state.derived.remove(&key);
    }

    /// One per path, so that they cannot pile up. No merge has such a key.
    fn intent_key(&self, path: &str) -> Digest {
        Digest::of(format!("to be published\0{}", self.published_key(path)).as_bytes())
    }
}
