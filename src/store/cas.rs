//! Blobs by content: `cas/ab/cdef…`, named by blake3 of their raw bytes. Where packing pays (`packed`), the file is called
//! `cdef….z`. Written through staging and a rename, re-hashed when read, so what is damaged or torn is never handed out.
//! Several processes may use one folder at once.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::StoreError;
use super::at_hand::AtHand;
use super::packed::{self, Packer};
use crate::digest::Digest;
use crate::disk::{self, DiskError, Kind};

/// The end of the name of a packed blob.
const PACKED: &str = ".z";

/// The blob store. Cheap to share; all methods take `&self`.
pub struct Cas {
    dir: PathBuf,
    next: AtomicU64,
    /// Read where this one has nothing, and never written.
    below: Option<Arc<Self>>,
    at_hand: Mutex<AtHand>,
}

/// What there is of a blob, as far as can be told without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Whole,
    /// It is there, with another size than its bytes have.
    Torn,
    Missing,
}

impl Cas {
    /// The store below `dir`; makes nothing yet.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, next: AtomicU64::new(0), below: None, at_hand: Mutex::default() }
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

    /// Where the raw bytes lie, or would.
    fn raw(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_hex();
        self.dir.join(&hex[..2]).join(&hex[2..])
    }

    fn packed(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_hex();
        self.dir.join(&hex[..2]).join(format!("{}{PACKED}", &hex[2..]))
    }

    /// Whether the blob is there (its bytes are checked when they are read).
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        self.size(digest).is_some()
    }

    /// What it takes on disk, in bytes.
    #[must_use]
    pub fn size(&self, digest: &Digest) -> Option<u64> {
        let sizes = [self.raw(digest), self.packed(digest)].map(|path| disk::stat(&path).ok().flatten().map(|s| s.size));
        sizes.into_iter().flatten().reduce(|a, b| a + b)
    }

    /// What there is of a blob of `bytes` bytes.
    #[must_use]
    pub fn held(&self, digest: &Digest, bytes: u64) -> Held {
        match disk::stat(&self.raw(digest)) {
            Ok(Some(stat)) if stat.size == bytes => return Held::Whole,
            Ok(Some(_)) => return Held::Torn,
            _ => {}
        }
        let path = self.packed(digest);
        let Ok(Some(stat)) = disk::stat(&path) else { return Held::Missing };
        let header = disk::read_start(&path, packed::HEADER).unwrap_or_default();
        let is_whole = |l: packed::Lengths| l.raw == bytes && stat.size == l.frame + packed::HEADER as u64;
        if packed::lengths(&header).is_some_and(is_whole) { Held::Whole } else { Held::Torn }
    }

    /// Its raw bytes.
    ///
    /// # Errors
    /// `StoreError::Blob` if it is missing or its bytes are not its digest's.
    pub fn read(&self, digest: &Digest) -> Result<Arc<[u8]>, StoreError> {
        if let Some(bytes) = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner).get(digest) {
            return Ok(bytes);
        }
        if let Some(below) = self.below.as_ref().filter(|_| !self.has(digest)) {
            return below.read(digest);
        }
        let damaged = || StoreError::Blob { digest: *digest, what: "damaged" };
        let read = match disk::read_shared_if_there(&self.raw(digest)) {
            Ok(None) => disk::read_if_there(&self.packed(digest)).map(|b| b.map(|b| packed::unpack(&b))),
            read => read.map(|bytes| bytes.map(Some)),
        };
        let bytes = match read {
            Ok(None) => return Err(StoreError::Blob { digest: *digest, what: "missing" }),
            Ok(Some(bytes)) => bytes.ok_or_else(damaged)?,
            Err(e) if disk::is_bad_medium(&e.source) => return Err(damaged()),
            // A limit of this process, or a right that it lacks: what is there may well be whole.
            Err(e) => return Err(e.into()),
        };
        if Digest::of(&bytes) == *digest { Ok(bytes) } else { Err(damaged()) }
    }

    /// Its raw bytes one after the other, for what need not be in memory as a whole. That they are its digest's is known once the
    /// last was read: where they are not, that is an error (`InvalidData`).
    ///
    /// # Errors
    /// As `read`.
    pub fn open(&self, digest: &Digest) -> Result<Box<dyn Read>, StoreError> {
        if let Some(bytes) = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner).get(digest) {
            return Ok(Box::new(Cursor::new(bytes)));
        }
        let packed = match disk::read_if_there(&self.packed(digest)) {
            Ok(Some(packed)) => packed,
            _ => return Ok(Box::new(Cursor::new(self.read(digest)?))),
        };
        match packed::reader(packed) {
            Some(reader) => Ok(Box::new(Checked { reader, hasher: blake3::Hasher::new(), digest: *digest })),
            None => Err(StoreError::Blob { digest: *digest, what: "damaged" }),
        }
    }

    /// Stores `bytes`, packed where that pays.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, DiskError> {
        self.put_new(bytes).map(|(digest, _)| digest)
    }

    /// As `put`, for what this process reads again before long: what is written now is kept at hand for a while.
    ///
    /// # Errors
    /// As `put`.
    pub fn put_at_hand(&self, bytes: &[u8]) -> Result<Digest, DiskError> {
        let (digest, is_new) = self.put_new(bytes)?;
        if is_new {
            self.at_hand.lock().unwrap_or_else(PoisonError::into_inner).keep(digest, bytes);
        }
        Ok(digest)
    }

    /// Stores what a packer was given, whether packing it paid or not; its digest, and its length in bytes.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put_packed(&self, packer: Packer) -> Result<(Digest, u64), DiskError> {
        let (digest, bytes, packed) = packer.finish().map_err(|e| DiskError::new("pack", &self.dir, e))?;
        if self.is_wanted(&digest, bytes)? {
            self.write(&packed, &self.packed(&digest))?;
        }
        Ok((digest, bytes))
    }

    /// Whether it had to be written, too.
    fn put_new(&self, bytes: &[u8]) -> Result<(Digest, bool), DiskError> {
        let digest = Digest::of(bytes);
        if !self.is_wanted(&digest, bytes.len() as u64)? {
            return Ok((digest, false));
        }
        match packed::pack(bytes) {
            Some(packed) => self.write(&packed, &self.packed(&digest))?,
            None => self.write(bytes, &self.raw(&digest))?,
        }
        Ok((digest, true))
    }

    /// Whether a blob of `bytes` bytes is not there as a whole; what is there of it goes.
    fn is_wanted(&self, digest: &Digest, bytes: u64) -> Result<bool, DiskError> {
        if self.below.as_ref().is_some_and(|b| b.has(digest)) {
            return Ok(false);
        }
        // One of another size is torn; one of the same size is checked by whoever reads it.
        match self.held(digest, bytes) {
            Held::Whole => return Ok(false),
            Held::Torn => self.discard(digest)?,
            Held::Missing => {}
        }
        Ok(true)
    }

    fn write(&self, form: &[u8], to: &Path) -> Result<(), DiskError> {
        let staged = self.staged();
        disk::write(&staged, form).and_then(|()| adopt(&staged, to)).inspect_err(|_| {
            // A half of it would go on filling a disk that is full.
            let _ = disk::remove_file(&staged);
        })
    }

    /// Moves the private file at `from`, whose digest is known, into the store.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn put_file(&self, from: &Path, digest: &Digest) -> Result<(), DiskError> {
        if self.below.as_ref().is_some_and(|b| b.has(digest)) {
            return Ok(());
        }
        let bytes = disk::read(from)?;
        match self.held(digest, bytes.len() as u64) {
            Held::Whole => return disk::remove_file(from),
            Held::Torn => self.discard(digest)?,
            Held::Missing => {}
        }
        let Some(packed) = packed::pack(&bytes) else { return adopt(from, &self.raw(digest)) };
        let staged = self.staged();
        disk::write(&staged, &packed)?;
        adopt(&staged, &self.packed(digest))?;
        disk::remove_file(from)
    }

    /// Takes away a blob that is damaged or not needed; fine if it is not there.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn discard(&self, digest: &Digest) -> Result<(), DiskError> {
        self.forget(digest);
        disk::remove_file(&self.raw(digest))?;
        disk::remove_file(&self.packed(digest))
    }

    /// Moves what there is of a blob to the folder `aside`; says where it is.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn set_aside(&self, digest: &Digest, aside: &Path) -> Result<Option<PathBuf>, DiskError> {
        self.forget(digest);
        let mut moved = None;
        for from in [self.raw(digest), self.packed(digest)] {
            if disk::exists(&from) {
                let to = aside.join(digest.to_hex()).with_extension(from.extension().unwrap_or_default());
                disk::create_dir_all(aside)?;
                disk::rename(&from, &to)?;
                moved = Some(to);
            }
        }
        Ok(moved)
    }

    fn forget(&self, digest: &Digest) {
        self.at_hand.lock().unwrap_or_else(PoisonError::into_inner).forget(digest);
    }

    /// Every blob there is, with what it takes on disk in bytes; and files that are no blobs.
    ///
    /// # Errors
    /// If a folder cannot be listed.
    pub fn walk(&self) -> Result<(BTreeMap<Digest, u64>, Vec<PathBuf>), DiskError> {
        let (mut blobs, mut others) = (BTreeMap::new(), Vec::new());
        if !disk::is_dir(&self.dir) {
            return Ok((blobs, others));
        }
        for folder in disk::read_dir_sorted(&self.dir)? {
            if folder.kind != Kind::Folder {
                others.push(folder.path);
                continue;
            }
            for entry in disk::read_dir_sorted(&folder.path)? {
                let name = entry.name.to_string_lossy();
                let hex = format!("{}{}", folder.name.to_string_lossy(), name.strip_suffix(PACKED).unwrap_or(&name));
                match (hex.parse::<Digest>(), disk::stat(&entry.path)?) {
                    (Ok(digest), Some(stat)) if entry.kind == Kind::File => *blobs.entry(digest).or_default() += stat.size,
                    _ => others.push(entry.path),
                }
            }
        }
        Ok((blobs, others))
    }

    /// A name below staging that no other thread or process takes.
    pub fn staged(&self) -> PathBuf {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let dir = self.dir.parent().unwrap_or(&self.dir).join("staging");
        dir.join(format!("blob-{}-{n}", std::process::id()))
    }

    /// Makes every blob that any process has stored durable, with one sync of the file system where there is one.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn sync(&self) -> Result<(), DiskError> {
        if disk::is_dir(&self.dir) { disk::sync_file_system(&self.dir) } else { Ok(()) }
    }
}

/// What is read of a blob, and the hash of it.
struct Checked<R> {
    reader: R,
    hasher: blake3::Hasher,
    digest: Digest,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(into)?;
        self.hasher.update(&into[..n]);
        if n == 0 && !into.is_empty() && Digest::of_hasher(&self.hasher) != self.digest {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(n)
    }
}

fn adopt(from: &Path, to: &Path) -> Result<(), DiskError> {
    if disk::rename(from, to).is_ok() {
        return Ok(());
    }
    disk::create_dir_all(to.parent().unwrap_or(to))?;
    disk::rename(from, to).or_else(|error| {
        // Where a file cannot be replaced while it is read (Windows): whoever put this one put the same bytes.
        let size = |path: &Path| Some(disk::stat(path).ok()??.size);
        if size(to).is_some() && size(to) == size(from) { disk::remove_file(from) } else { Err(error) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cas() -> (tempfile::TempDir, Cas) {
        let dir = tempfile::tempdir().unwrap();
        disk::create_dir_all(&dir.path().join("staging")).unwrap();
        let cas = Cas::new(dir.path().join("cas"));
        (dir, cas)
    }

    fn text() -> Vec<u8> {
        b"{\"chunk\": \"the same words again\"},\n".repeat(1000)
    }

    #[test]
    fn a_blob_is_read_as_it_was_put_and_lies_packed_where_that_pays() {
        let (_dir, cas) = cas();
        for bytes in [b"".to_vec(), b"small".to_vec(), text()] {
            let digest = cas.put(&bytes).unwrap();
            assert_eq!(&*cas.read(&digest).unwrap(), bytes);
            let mut read = Vec::new();
            cas.open(&digest).unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, bytes);
            assert_eq!(cas.held(&digest, bytes.len() as u64), Held::Whole);
            assert_eq!(cas.held(&digest, bytes.len() as u64 + 1), Held::Torn);
        }
        assert!(cas.size(&Digest::of(&text())).unwrap() < text().len() as u64 / 8);
        assert_eq!(cas.walk().unwrap().0.len(), 3);
    }

    #[test]
    fn what_is_at_hand_is_read_without_the_disk_until_it_is_discarded() {
        let (_dir, cas) = cas();
        let digest = cas.put_at_hand(&text()).unwrap();
        disk::remove_file(&cas.packed(&digest)).unwrap();
        assert_eq!(&*cas.read(&digest).unwrap(), text());
        cas.discard(&digest).unwrap();
        assert!(matches!(cas.read(&digest), Err(StoreError::Blob { what: "missing", .. })));
        // What lay there already is not believed unread.
        cas.put(&text()).unwrap();
        let path = cas.packed(&cas.put_at_hand(&text()).unwrap());
        let flipped: Vec<u8> = disk::read(&path).unwrap().iter().map(|b| b ^ 1).collect();
        disk::write(&path, &flipped).unwrap();
        assert!(cas.read(&digest).is_err());
    }

    #[test]
    fn a_file_is_moved_into_the_store() {
        let (dir, cas) = cas();
        let from = dir.path().join("staging/out");
        for bytes in [b"small".to_vec(), text(), text()] {
            disk::write(&from, &bytes).unwrap();
            let digest = Digest::of(&bytes);
            cas.put_file(&from, &digest).unwrap();
            assert!(!disk::exists(&from));
            assert_eq!(&*cas.read(&digest).unwrap(), bytes);
        }
        assert!(disk::read_dir_sorted(&dir.path().join("staging")).unwrap().is_empty());
    }

    #[test]
    fn what_is_damaged_or_missing_is_never_handed_out_and_can_be_put_again() {
        for bytes in [b"small".to_vec(), text()] {
            let (dir, cas) = cas();
            let digest = cas.put(&bytes).unwrap();
            let path = [cas.raw(&digest), cas.packed(&digest)].into_iter().find(|p| disk::exists(p)).unwrap();
            let whole = disk::read(&path).unwrap();
            for at in [0, whole.len() / 2, whole.len() - 1] {
                let mut flipped = whole.clone();
                flipped[at] ^= 1;
                for damaged in [flipped, whole[..at].to_vec()] {
                    disk::write(&path, &damaged).unwrap();
                    assert!(matches!(cas.read(&digest), Err(StoreError::Blob { what: "damaged", .. })));
                    assert!(matches!(cas.open(&digest), Err(StoreError::Blob { what: "damaged", .. })));
                }
            }
            // Torn to nothing: storing it again mends it.
            cas.put(&bytes).unwrap();
            assert_eq!(&*cas.read(&digest).unwrap(), bytes);
            let aside = cas.set_aside(&digest, &dir.path().join("damaged")).unwrap().unwrap();
            assert!(disk::exists(&aside));
            assert!(matches!(cas.read(&digest), Err(StoreError::Blob { what: "missing", .. })));
            cas.discard(&digest).unwrap();
        }
    }
}
