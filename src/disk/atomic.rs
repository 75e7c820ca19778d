//! Files that are put in place by rename, so that nobody sees a part of one. Knows nothing of what they hold.

#![allow(clippy::disallowed_methods, reason = "part of the module through which the file system is reached")]

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{DiskError, LEFTOVER_PREFIX, Result, exists, folder_of, sync_folder, to, without_path};
use crate::fail_point::{FailPoint, reach};

/// Writes `bytes` so that `path` holds either what it held before or all of them, also after a power cut: a temporary file
/// in the same folder, fsync, rename, fsync of the folder where there is such a thing. The folder must exist.
///
/// # Errors
/// If any step fails; unless it is the last, `path` is as it was. No temporary file remains.
pub fn atomic_write(path: &Path, bytes: &[u8]) -> Result<()> {
    atomic_write_with(path, |file| file.write_all(bytes))
}

/// As `atomic_write`, with the bytes streamed by `fill` (hand it small writes: they are buffered).
///
/// # Errors
/// As `atomic_write`; also what `fill` reports.
pub fn atomic_write_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    prepare(path, fill)?.put()
}

/// A file that stands beside its place, whole and synced. Dropped, it is gone.
pub struct Prepared {
    temporary: tempfile::NamedTempFile,
    path: PathBuf,
}

/// The first half of `atomic_write_with`: all but the rename.
///
/// # Errors
/// If any step fails, and what `fill` reports.
pub fn prepare(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Prepared> {
    let temporary = fill_temporary(path, fill)?;
    reach(FailPoint::TemporaryFilled, path)?;
    temporary.as_file().sync_all().map_err(to("write", path))?;
    Ok(Prepared { temporary, path: path.to_path_buf() })
}

impl Prepared {
    /// Puts it in its place.
    ///
    /// # Errors
    /// If it cannot be renamed; the place is then as it was.
    pub fn put(self) -> Result<()> {
        let path = &self.path;
        persist(self.temporary, path)?;
        reach(FailPoint::TemporaryRenamed, path)?;
        sync_folder(folder_of(path))
    }
}

/// Replaces `path` by rename, so that no reader sees a part of it, but without fsync: a power cut may undo it. For what a
/// batch syncs afterwards, and for what can be made again.
///
/// # Errors
/// If any step fails; `path` is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_with(path, |file| file.write_all(bytes))
}

/// As `replace`, with the bytes streamed by `fill`.
///
/// # Errors
/// As `replace`; also what `fill` reports.
pub fn replace_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let temporary = fill_temporary(path, fill)?;
    reach(FailPoint::TemporaryFilled, path)?;
    persist(temporary, path)?;
    reach(FailPoint::TemporaryRenamed, path)
}

/// Gives `from` the name `to`, replacing what is there.
///
/// # Errors
/// If it cannot be done (also: across file systems).
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    reach(FailPoint::FileToRename, to)?;
    unheld((), |()| std::fs::rename(from, to).map_err(|e| (e, ())))
        .map_err(|e| if exists(from) { DiskError::new("move a file to", to, e) } else { DiskError::new("move", from, e) })?;
    reach(FailPoint::FileRenamed, to)
}

fn persist(temporary: tempfile::NamedTempFile, path: &Path) -> Result<()> {
    unheld(temporary, |temporary| temporary.persist(path).map(drop).map_err(|e| (e.error, e.file))).map_err(to("write", path))
}

/// The longest pause before a file that somebody holds is tried once more: a quarter of a second with those before it.
const LONGEST_PAUSE: Duration = Duration::from_millis(128);

/// What `attempt` ends in, given what it gives back. On Windows a file cannot be replaced while another program has it open, and
/// scanners open what is new: there it is tried until they have let go.
fn unheld<T>(mut with: T, attempt: impl Fn(T) -> std::result::Result<(), (io::Error, T)>) -> io::Result<()> {
    let mut pause = Duration::from_millis(1);
    loop {
        match attempt(with) {
            Err((e, back)) if is_held(&e) && pause <= LONGEST_PAUSE => {
                std::thread::sleep(pause);
                pause *= 2;
                with = back;
            }
            ended => return ended.map_err(|(e, _)| e),
        }
    }
}

/// ERROR_ACCESS_DENIED or ERROR_SHARING_VIOLATION.
fn is_held(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32))
}

fn fill_temporary(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<tempfile::NamedTempFile> {
    let write = || {
        let mut temporary = temporary_beside(path)?;
        let mut buffered = io::BufWriter::with_capacity(64 * 1024, temporary.as_file_mut());
        fill(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        Ok(temporary)
    };
    write().map_err(to("write", path))
}

/// An empty file beside `path`, removed when dropped.
fn temporary_beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(LEFTOVER_PREFIX);
    #[cfg(unix)]
    let readable_by_all = {
        use std::os::unix::fs::PermissionsExt;
        // What is published is an ordinary file: the umask decides, as for any other.
        std::fs::Permissions::from_mode(0o666)
    };
    #[cfg(unix)]
    builder.permissions(readable_by_all);
    builder.tempfile_in(folder_of(path)).map_err(without_path)
}

#[cfg(all(test, windows))]
mod tests {
    use std::os::windows::fs::OpenOptionsExt;

    use super::*;

    #[test]
    fn a_file_that_another_program_holds_for_a_moment_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (path, new) = (dir.path().join("old"), dir.path().join("new"));
        let puts: [&dyn Fn() -> Result<()>; 3] = [&|| replace(&path, b"new"), &|| atomic_write(&path, b"new"), &|| {
            super::super::write(&new, b"new").and_then(|()| rename(&new, &path))
        }];
        for put in puts {
            std::fs::write(&path, "old").unwrap();
            let holder = std::fs::OpenOptions::new().read(true).share_mode(0).open(&path).unwrap();
            let letting_go = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(40));
                drop(holder);
            });
            put().unwrap();
            letting_go.join().unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"new");
        }
    }
}
