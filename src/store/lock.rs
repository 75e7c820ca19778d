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
    /// Another process holds it; its pid, as far as the file tells.
    Busy(String),
}

impl BuildLock {
    /// Takes the lock at `path`, waiting for it if `wait`.
    ///
    /// # Errors
    /// If the lock file cannot be made.
    pub fn ask(path: &Path, wait: bool) -> Result<Asked, DiskError> {
        let file = disk::open_lock(path)?;
        let taken = if wait { file.lock().map_err(TryLockError::Error) } else { file.try_lock() };
        match taken {
            Ok(()) => {
                let after_crash = !disk::read_open(&file, path)?.is_empty();
                Ok(Asked::Held(Self { file, path: path.to_path_buf(), after_crash, is_busy: AtomicBool::new(false) }))
            }
            Err(TryLockError::WouldBlock) => {
                let text = disk::read(path).unwrap_or_default();
                Ok(Asked::Busy(String::from_utf8_lossy(&text).trim().to_owned()))
            }
            Err(TryLockError::Error(source)) => Err(DiskError::new("lock", path, source)),
        }
    }

    /// Writes down that a build is under way, once.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn mark_busy(&self) -> Result<(), DiskError> {
        if self.is_busy.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
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
