//! What is about to be published, written down before anybody can see it: after a kill between a rename and its record, the
//! bytes in the job folder are still known to be ours. Blobs are known by themselves; a merge is bytes that no blob holds.

use super::publish::Wanted;
use super::put::Merged;
use super::{Coordinator, Stop};
use crate::digest::Digest;
use crate::store::records::StoredFile;

impl Coordinator<'_, '_> {
    /// Makes the merges among `files` beside their places, in the order of the files (`None` for blobs), and writes down
    /// their digests, to be committed before they are put in place.
    pub(super) fn intend(&mut self, files: &[&Wanted]) -> Result<Vec<Option<Merged>>, Stop> {
        let mut merges = Vec::with_capacity(files.len());
        for file in files {
            let merged = file.make.prepare(&self.setup.job_dir.join(&file.path), &self.store.cas)?;
            if let Some(merged) = &merged {
                let stored = StoredFile { digest: merged.digest, bytes: merged.bytes, items: file.items };
                let key = self.intent_key(&file.path);
                self.store.state.derived.put(key, stored);
            }
            merges.push(merged);
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
