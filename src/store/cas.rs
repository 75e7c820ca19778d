//! Blobs by content: `cas/ab/cdef…`, named by blake3. Written through staging and a rename, re-hashed when read, so what is
//! damaged or torn is never handed out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::StoreError;
use crate::digest::Digest;
use crate::disk::{self, DiskError};

/// The blob store. Cheap to share; all methods take `&self`.
pub struct Cas {
    dir: PathBuf,
    next: AtomicU64,
    unsynced: AtomicBool,
    /// Read where this one has nothing, and never written.
    below: Option<Arc<Self>>,
}

impl Cas {
    /// The store below `dir`; makes nothing yet.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, next: AtomicU64::new(0), unsynced: AtomicBool::new(false), below: None }
    }

    /// A store below `dir` for what `below` does not hold: it reads both and writes only itself.
    #[must_use]
    pub fn over(dir: PathBuf, below: Arc<Self>) -> Self {
        Self { below: Some(below), ..Self::new(dir) }
    }

    /// The folder of all blobs.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the blob with this digest lies, or would.
    #[must_use]
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_hex();
        self.dir.join(&hex[..2]).join(&hex[2..])
    }

    /// Whether the blob is there (its bytes are checked when they are read).
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        matches!(disk::stat(&self.path(digest)), Ok(Some(_)))
    }

    /// Its bytes.
    ///
    /// # Errors
    /// `StoreError::Blob` if it is missing or its bytes are not its digest's.
    pub fn read(&self, digest: &Digest) -> Result<Arc<[u8]>, StoreError> {
        if let Some(below) = self.below.as_ref().filter(|_| !self.has(digest)) {
            return below.read(digest);
        }
        let bytes = disk::read(&self.path(digest)).map_err(|_| StoreError::Blob { digest: *digest, what: "missing" })?;
        if Digest::of(&bytes) != *digest {
            return Err(StoreError::Blob { digest: *digest, what: "damaged" });
        }
        Ok(bytes.into())
    }

    /// Stores `bytes`.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, DiskError> {
        let digest = Digest::of(bytes);
        if self.below.as_ref().is_some_and(|b| b.has(&digest)) {
            return Ok(digest);
        }
        let path = self.path(&digest);
        // A blob of another size is torn or damaged; one of the same size is checked by whoever reads it.
        if disk::stat(&path)?.is_some_and(|s| s.size == bytes.len() as u64) {
            return Ok(digest);
        }
        let staged = self.staged()?;
        disk::write(&staged, bytes)?;
        self.adopt(&staged, &path)?;
        Ok(digest)
    }

    /// Moves the private file at `from`, whose digest is known, into the store.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn put_file(&self, from: &Path, digest: &Digest) -> Result<(), DiskError> {
        if self.below.as_ref().is_some_and(|b| b.has(digest)) {
            return Ok(());
        }
        self.adopt(from, &self.path(digest))
    }

    /// Takes away a blob that is damaged, so that it is made anew.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn discard(&self, digest: &Digest) -> Result<(), DiskError> {
        disk::remove_file(&self.path(digest))
    }

    fn staged(&self) -> Result<PathBuf, DiskError> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let dir = self.dir.parent().unwrap_or(&self.dir).join("staging");
        Ok(dir.join(format!("blob-{n}")))
    }

    fn adopt(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.unsynced.store(true, Ordering::Relaxed);
        if disk::rename(from, to).is_ok() {
            return Ok(());
        }
        disk::create_dir_all(to.parent().unwrap_or(to))?;
        disk::rename(from, to)
    }

    /// Makes every blob stored since the last call durable, with one sync of the file system where there is one.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn sync(&self) -> Result<(), DiskError> {
        if self.unsynced.swap(false, Ordering::Relaxed) { disk::sync_file_system(&self.dir) } else { Ok(()) }
    }
}
