//! One writer: a lock file that names the process. The lock is the operating system's, so a killed holder blocks nobody.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::disk::{self, DiskError};

/// Held while a build may write. Its content says whether a build is under way: what is left in it tells of a crash.
pub struct BuildLock {
    file: File,
    path: std::path::PathBuf,
    /// The last holder did not end: what it left must be swept.
    pub after_crash: bool,
    is_busy: AtomicBool,
}

/// The outcome of asking for the lock.
pub enum Asked {
    Held(BuildLock),
    /// Another process holds it; its pid, or "" as long as it has only looked at things.
    Busy(String),
}

impl BuildLock {
    /// Takes the lock at `path`, waiting for it if `wait`.
    ///
    /// # Errors
    /// If the lock file cannot be made or locked.
    pub fn ask(path: &Path, wait: bool) -> Result<Asked, DiskError> {
        loop {
            let file = disk::open_lock(path)?;
            let taken = if wait { file.lock().map_err(TryLockError::Error) } else { file.try_lock() };
            match taken {
                // Whoever removed the cache meanwhile left us a lock that nobody else would ask for.
                Ok(()) if !disk::is_still_at(&file, path)? => {}
                Ok(()) => return Self::held(file, path).map(Asked::Held),
                Err(TryLockError::WouldBlock) => {
                    let text = disk::read(path).unwrap_or_default();
                    return Ok(Asked::Busy(String::from_utf8_lossy(&text).trim().to_owned()));
                }
                Err(TryLockError::Error(source)) => return Err(DiskError::new("lock", path, source)),
            }
        }
    }

    fn held(file: File, path: &Path) -> Result<Self, DiskError> {
        let after_crash = !disk::read_open(&file, path)?.is_empty();
        let lock = Self { file, path: path.to_path_buf(), after_crash, is_busy: AtomicBool::new(false) };
        if after_crash {
            // The pid in it is of a process that is no more: from now on it is ours. What that process left is not swept yet,
            // so it is not we who are busy: if we end before it is swept, the lock goes on telling of it.
            lock.write_pid()?;
        }
        Ok(lock)
    }

    /// Writes down that a build is under way, once.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn mark_busy(&self) -> Result<(), DiskError> {
        if self.is_busy.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        self.write_pid()
    }

    fn write_pid(&self) -> Result<(), DiskError> {
        disk::rewrite(&self.file, &self.path, format!("{}\n", std::process::id()).as_bytes())
    }

    /// Whether this process has written down that a build is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::SeqCst)
    }

    /// Writes down that it ended, well or not, with nothing left behind.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn mark_idle(&self) -> Result<(), DiskError> {
        disk::rewrite(&self.file, &self.path, b"")?;
        self.is_busy.store(false, Ordering::SeqCst);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(asked: Asked) -> BuildLock {
        match asked {
            Asked::Held(lock) => lock,
            Asked::Busy(pid) => panic!("process `{pid}` holds it"),
        }
    }

    #[test]
    fn the_pid_of_a_dead_holder_is_replaced_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        disk::write(&path, b"999999999\n").unwrap();
        let lock = held(BuildLock::ask(&path, false).unwrap());
        assert!(lock.after_crash);
        let ours = format!("{}\n", std::process::id());
        assert_eq!(disk::read_open(&lock.file, &path).unwrap(), ours.as_bytes());
    }

    #[test]
    #[cfg(unix)]
    fn a_lock_whose_file_was_removed_is_asked_for_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = held(BuildLock::ask(&path, false).unwrap());
        let waiting = std::thread::spawn({
            let path = path.clone();
            move || held(BuildLock::ask(&path, true).unwrap())
        });
        disk::remove_file(&path).unwrap();
        drop(first);
        let second = waiting.join().unwrap();
        assert!(disk::is_still_at(&second.file, &path).unwrap());
        assert!(matches!(BuildLock::ask(&path, false).unwrap(), Asked::Busy(_)));
    }
}
