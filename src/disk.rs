//! The one door to the file system: atomic writes, private copies, stat tuples, and errors that name verb and path.
//! Knows nothing of artifacts, jobs or caches.

#![allow(clippy::disallowed_methods, reason = "this is the module through which the file system is reached")]

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

mod atomic;
mod identity;
mod shared;
mod space;

use crate::fail_point::{FailPoint, reach};

pub use atomic::{Prepared, atomic_write, atomic_write_with, prepare, rename, replace, replace_with};
pub use identity::{canonical, has_other_names, is_program, is_still_at, lies_below};
pub use shared::{read_shared_if_there, shared_bytes};
pub use space::{Space, space};

/// How the name of every temporary file begins: what a killed process leaves can be told by it and removed.
pub const LEFTOVER_PREFIX: &str = ".ingest-tmp-";

/// From here on a copy first asks for shared extents; below, asking (a second file, made and removed) costs more than the
/// bytes. 64 KiB is sixteen pages of memory: one read and one write.
const REFLINK_FROM_BYTES: u64 = 64 * 1024;

/// What could not be done to which path. Its sentence holds the cause, so it is the end of its chain:
/// ``cannot write `artifacts/x`: no space left on device``.
#[derive(Debug)]
pub struct DiskError {
    /// What was tried: `write`, `read`, `remove`, …
    pub verb: &'static str,
    pub path: PathBuf,
    pub source: io::Error,
}

impl DiskError {
    /// What `verb` on `path` ended in.
    #[must_use]
    pub fn new(verb: &'static str, path: &Path, source: io::Error) -> Self {
        Self { verb, path: path.to_path_buf(), source }
    }

    /// What kind of error the system reported.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// Nothing stands at the path.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        means_missing(&self.source)
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} `{}`: {}", self.verb, self.path.display(), plain(&self.source))
    }
}

impl std::error::Error for DiskError {}

/// The result of everything here.
pub type Result<T> = std::result::Result<T, DiskError>;

/// The system's sentence in our style: lower case, without error number or final period.
#[must_use]
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default().trim_end_matches(['.', ' ']);
    let mut chars = text.chars();
    match chars.next() {
        // "I/O error" and "EOF" keep their capitals.
        Some(first) if !chars.clone().next().is_some_and(|c| c.is_uppercase() || c == '/') => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// The medium below gave no bytes, or wrong ones: EIO; ERROR_CRC and ERROR_IO_DEVICE of Windows.
#[must_use]
pub fn is_bad_medium(error: &io::Error) -> bool {
    match error.raw_os_error() {
        Some(5) => cfg!(unix),
        Some(23 | 1117) => cfg!(windows),
        _ => false,
    }
}

/// There is no room left: on the file system, or of what this user may take of it.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Links that lead back to themselves.
#[must_use]
pub fn is_loop(error: &io::Error) -> bool {
    #[cfg(unix)]
    let code = rustix::io::Errno::LOOP.raw_os_error();
    // ERROR_CANT_RESOLVE_FILENAME
    #[cfg(not(unix))]
    let code = 1921;
    error.raw_os_error() == Some(code)
}

fn means_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// `verb` failed on `path`: turns an `io::Error` into ours.
fn to<'a>(verb: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> DiskError + 'a {
    move |e| DiskError::new(verb, path, e)
}

/// `Ok(None)` for what is not there.
fn if_there<T>(result: io::Result<T>, verb: &'static str, path: &Path) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if means_missing(&e) => Ok(None),
        Err(e) => Err(DiskError::new(verb, path, e)),
    }
}

// ---- reading

/// The bytes of a file.
///
/// # Errors
/// If it is not there or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(to("read", path))
}

/// The bytes of a file; `None` if it is not there.
///
/// # Errors
/// If it cannot be read.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    if_there(fs::read(path), "read", path)
}

/// The first `bytes` bytes of a file, or all that there are.
///
/// # Errors
/// If it is not there or cannot be read.
pub fn read_start(path: &Path, bytes: usize) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut start = Vec::with_capacity(bytes);
    let read = File::open(path).and_then(|file| file.take(bytes as u64).read_to_end(&mut start));
    read.map(|_| start).map_err(to("read", path))
}

/// A UTF-8 file.
///
/// # Errors
/// If it is not there, cannot be read or is not UTF-8.
pub fn read_to_string(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(to("read", path))
}

/// A file opened for reading.
///
/// # Errors
/// If it is not there or cannot be opened.
pub fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(to("read", path))
}

/// What stands at a path; links are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Symlink,
    /// A device, a pipe, a socket.
    Other,
}

impl Kind {
    /// The kind of a file type.
    #[must_use]
    pub fn of(file_type: fs::FileType) -> Self {
        if file_type.is_symlink() {
            Self::Symlink
        } else if file_type.is_dir() {
            Self::Folder
        } else if file_type.is_file() {
            Self::File
        } else {
            Self::Other
        }
    }
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: OsString,
    pub path: PathBuf,
    pub kind: Kind,
}

/// The entries of a folder, by the bytes of their names.
///
/// # Errors
/// If it is not there, no folder, or cannot be read.
pub fn read_dir_sorted(path: &Path) -> Result<Vec<Entry>> {
    let list = || -> io::Result<Vec<Entry>> {
        fs::read_dir(path)?
            .map(|entry| {
                let entry = entry?;
                Ok(Entry { name: entry.file_name(), path: entry.path(), kind: Kind::of(entry.file_type()?) })
            })
            .collect()
    };
    let mut entries = list().map_err(to("list", path))?;
    entries.sort_by(|a, b| a.name.as_encoded_bytes().cmp(b.name.as_encoded_bytes()));
    Ok(entries)
}

/// What stands at `path`, links not followed; `None` if nothing does.
///
/// # Errors
/// If it cannot be told.
pub fn kind(path: &Path) -> Result<Option<Kind>> {
    Ok(if_there(fs::symlink_metadata(path), "look at", path)?.map(|m| Kind::of(m.file_type())))
}

/// Something stands at `path`; a link counts, wherever it leads.
#[must_use]
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// `path` is a folder, or a link to one.
#[must_use]
pub fn is_dir(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.is_dir())
}

/// `path` is a file, or a link to one.
#[must_use]
pub fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.is_file())
}

/// `path` is a link itself.
#[must_use]
pub fn is_symlink(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_symlink())
}

// ---- stat tuples

/// All that an unchanged file keeps: while every field is equal and settled, its bytes are. Where the system has no inode
/// or change time, device and inode are 0 and `ctime_ns` is the creation time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatTuple {
    pub dev: u64,
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970, UTC.
    pub mtime_ns: i64,
    /// Nanoseconds since 1970, UTC.
    pub ctime_ns: i64,
}

impl StatTuple {
    /// The tuple of `metadata`.
    #[cfg(unix)]
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let ns = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.len(),
            mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The tuple of `metadata`.
    #[cfg(not(unix))]
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let ns = |time: io::Result<std::time::SystemTime>| {
            let since = time.ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
            since.map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX))
        };
        Self { dev: 0, ino: 0, size: metadata.len(), mtime_ns: ns(metadata.modified()), ctime_ns: ns(metadata.created()) }
    }
}

/// The tuple of what `path` names, links followed; `None` if nothing is there.
///
/// # Errors
/// If it cannot be looked at.
pub fn stat(path: &Path) -> Result<Option<StatTuple>> {
    Ok(if_there(fs::metadata(path), "look at", path)?.map(|m| StatTuple::of(&m)))
}

/// `path` from the root of the file system, whether it is there or not; links are not followed.
///
/// # Errors
/// If the working folder cannot be told.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(to("find", path))
}

// ---- writing

/// Writes a file in a place that nobody else reads yet (staging): neither atomic nor synced.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    reach(FailPoint::FileToWrite, path)?;
    fs::write(path, bytes).map_err(to("write", path))?;
    reach(FailPoint::FileWritten, path)
}

/// As `write`, of what `fill` writes and as it likes to.
///
/// # Errors
/// If it cannot be written.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    reach(FailPoint::FileToWrite, path)?;
    File::create(path).and_then(|mut file| fill(&mut file)).map_err(to("write", path))?;
    reach(FailPoint::FileWritten, path)
}

/// Whether a file of this name is what a killed process left of an atomic write.
#[must_use]
pub fn is_leftover(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(LEFTOVER_PREFIX.as_bytes())
}

/// Removes what killed processes left of atomic writes in `folder` and below; links are not followed. Says how many there
/// were. Only for one who holds the lock: another writer's temporary files look the same.
///
/// # Errors
/// If a folder cannot be listed or a file not removed.
pub fn remove_leftovers(folder: &Path) -> Result<u64> {
    let (mut open, mut removed) = (vec![folder.to_path_buf()], 0);
    while let Some(folder) = open.pop() {
        let entries = match read_dir_sorted(&folder) {
            Err(e) if e.is_missing() => continue,
            listed => listed?,
        };
        for entry in entries {
            match entry.kind {
                Kind::Folder => open.push(entry.path),
                Kind::File if is_leftover(&entry.name) => {
                    remove_file(&entry.path)?;
                    removed += 1;
                }
                _ => {}
            }
        }
    }
    Ok(removed)
}

/// `tempfile` adds the temporary path to its errors; people know only the final one.
fn without_path(error: io::Error) -> io::Error {
    match error.get_ref().and_then(|e| e.source()).and_then(|e| e.downcast_ref::<io::Error>()) {
        Some(inner) => inner.raw_os_error().map_or_else(|| inner.kind().into(), io::Error::from_raw_os_error),
        None => error,
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the bytes of a file last through a power cut.
///
/// # Errors
/// If it cannot be opened or synced.
pub fn sync_file(path: &Path) -> Result<()> {
    // Windows syncs only what is open for writing.
    let file = if cfg!(windows) { OpenOptions::new().write(true).open(path) } else { File::open(path) };
    file.and_then(|f| f.sync_all()).map_err(to("write", path))
}

/// Makes the names in a folder last through a power cut; does nothing where folders cannot be synced.
///
/// # Errors
/// If the folder cannot be opened or synced.
pub fn sync_folder(path: &Path) -> Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(path).and_then(|f| f.sync_all()) {
        // Some network file systems have no such call for folders.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other.map_err(to("write", path)),
    }
}

/// A file that only ever grows at its end.
#[derive(Debug)]
pub struct Appender {
    path: PathBuf,
    file: File,
}

impl Appender {
    /// Opens `path`, making it if it is not there.
    ///
    /// # Errors
    /// If it cannot be opened for writing.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(to("write", path))?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// Adds `bytes` at the end, in one write where the system lets us.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        reach(FailPoint::LineToAppend, &self.path)?;
        self.file.write_all(bytes).map_err(to("write", &self.path))
    }
}

// ---- the lock file, and syncing a batch

/// Opens a lock file for reading and writing, making it (and its folder) if it is not there; its content is kept.
///
/// # Errors
/// If it cannot be opened.
pub fn open_lock(path: &Path) -> Result<File> {
    create_dir_all(folder_of(path))?;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(to("open", path))
}

/// Opens a file that something else will add to at its end.
///
/// # Errors
/// If it cannot be opened.
pub fn open_append(path: &Path) -> Result<File> {
    OpenOptions::new().create(true).append(true).open(path).map_err(to("open", path))
}

/// All that the open `file` at `path` holds: through its own handle, since where locks are mandatory no other can read it.
///
/// # Errors
/// If it cannot be read.
pub fn read_open(mut file: &File, path: &Path) -> Result<Vec<u8>> {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(to("read", path))?;
    Ok(bytes)
}

/// Replaces the content of the open `file` at `path`, in place: for lock files, whose inode must stay.
///
/// # Errors
/// If it cannot be written.
pub fn rewrite(mut file: &File, path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Seek;
    let mut write = || {
        file.set_len(0)?;
        reach(FailPoint::LockEmptied, path).map_err(|e| e.source)?;
        file.rewind()?;
        file.write_all(bytes)
    };
    write().map_err(to("write", path))
}

/// Makes all that was written to the file system of `path` durable: one call for a whole batch.
///
/// # Errors
/// If the system refuses.
#[cfg(target_os = "linux")]
pub fn sync_file_system(path: &Path) -> Result<()> {
    reach(FailPoint::BlobsToSync, path)?;
    let file = File::open(path).map_err(to("open", path))?;
    rustix::fs::syncfs(&file).map_err(|e| DiskError::new("sync", path, e.into()))
}

/// Elsewhere there is no such call: what matters is synced file by file, and blobs are re-hashed when read.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn sync_file_system(path: &Path) -> Result<()> {
    reach(FailPoint::BlobsToSync, path)
}

// ---- copying and removing

/// A copy that shares no inode with `from`: shared extents where the file system has them, else the bytes; never a hard
/// link. What stands at `to` is replaced, not written through. Neither atomic nor synced.
///
/// # Errors
/// Naming `from` if it cannot be read, else `to`.
pub fn copy_private(from: &Path, to: &Path) -> Result<()> {
    remove_file(to)?;
    let copy = || -> io::Result<()> {
        if fs::metadata(from)?.len() < REFLINK_FROM_BYTES || reflink_copy::reflink(from, to).is_err() {
            fs::copy(from, to)?;
        }
        Ok(())
    };
    copy().map_err(|e| match File::open(from) {
        Ok(_) => DiskError::new("write", to, e),
        Err(_) => DiskError::new("read", from, e),
    })?;
    reach(FailPoint::FileCopied, to)
}

/// A folder with all that leads to it; fine if it is there.
///
/// # Errors
/// If it cannot be made.
pub fn create_dir_all(path: &Path) -> Result<()> {
    reach(FailPoint::FolderToMake, path)?;
    fs::create_dir_all(path).map_err(to("create the folder", path))
}

/// Removes a file or a link; fine if there is none.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_file(path: &Path) -> Result<()> {
    reach(FailPoint::FileToRemove, path)?;
    if_there(fs::remove_file(path), "remove", path).map(drop)
}

/// Removes a folder and all in it (links are removed, not followed); fine if there is none.
///
/// # Errors
/// If something in it cannot be removed.
pub fn remove_dir_all(path: &Path) -> Result<()> {
    reach(FailPoint::FolderToRemove, path)?;
    if_there(fs::remove_dir_all(path), "remove", path).map(drop)
}

/// Removes a folder if nothing is in it; says whether it is gone.
///
/// # Errors
/// If it is empty and cannot be removed.
pub fn remove_dir_if_empty(path: &Path) -> Result<bool> {
    match fs::remove_dir(path) {
        Ok(()) => Ok(true),
        Err(e) if means_missing(&e) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(e) => Err(DiskError::new("remove", path, e)),
    }
}

#[cfg(test)]
mod tests;
