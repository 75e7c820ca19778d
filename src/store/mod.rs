//! What a build remembers: blobs by content (`cas`), records by key (`state`, kept in redb by `database`), a picture of the
//! records for readers (`snapshot`), and the one-writer lock. Knows nothing of rules or gates: keys and values only.

pub mod cas;
pub mod database;
pub mod idle;
pub mod lock;
pub mod records;
pub mod snapshot;
pub mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{self, DiskError};
use crate::fail_point::{self, FailPoint};
use cas::Cas;
use database::Database;
use state::State;

/// Why the store could not do its duty.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("cannot use the state database `{path}`")]
    Database {
        path: String,
        #[source]
        source: Box<redb::Error>,
    },
    #[error("blob {digest} is {what}")]
    Blob { digest: crate::digest::Digest, what: &'static str },
}

/// The cache folder, opened. Readers have only the snapshot; `open_for_writing` adds the database.
pub struct Store {
    pub dir: PathBuf,
    pub cas: Arc<Cas>,
    pub state: State,
    database: Option<Database>,
}

impl Store {
    /// Reads the snapshot below `dir`, if there is a sound one; writes nothing.
    #[must_use]
    pub fn read(dir: &Path) -> Self {
        let state = snapshot::read(&dir.join(snapshot::NAME)).unwrap_or_default();
        Self { dir: dir.to_path_buf(), cas: Arc::new(Cas::new(dir.join("cas"))), state, database: None }
    }

    /// Whether the database is open, so that `commit` can be called.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.database.is_some()
    }

    /// Opens the database (made if missing). `true` if it knew more than the snapshot, so that `state` was replaced and
    /// whatever was decided on the old one must be decided again.
    ///
    /// # Errors
    /// If the folder cannot be written or the database cannot be opened.
    pub fn open_for_writing(&mut self) -> Result<bool, StoreError> {
        if self.database.is_some() {
            return Ok(false);
        }
        disk::create_dir_all(&self.dir)?;
        for (name, text) in [(".gitignore", "*\n!.gitignore\n!CACHEDIR.TAG\n"), ("CACHEDIR.TAG", CACHEDIR_TAG)] {
            let path = self.dir.join(name);
            if disk::stat(&path)?.is_none() {
                disk::atomic_write(&path, text.as_bytes())?;
            }
        }
        // Whoever opens the store holds the lock: what lies in staging is what a killed build left.
        disk::remove_dir_all(&self.staging())?;
        disk::create_dir_all(&self.staging())?;
        let database = Database::open(&self.dir.join("state.redb"))?;
        let stale = database.generation()? != self.state.generation;
        if stale {
            self.state = database.load()?;
        }
        self.database = Some(database);
        Ok(stale)
    }

    /// Private, unfinished work; emptied at the end of every build and at the start of one that follows a crash.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.dir.join("staging")
    }

    /// Makes all records changed since the last call durable: blobs first (one sync), then one database transaction.
    ///
    /// # Errors
    /// If anything cannot be written; the records stay pending.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        let Some(database) = &self.database else { return Ok(()) };
        if !self.state.has_changes() {
            return Ok(());
        }
        fail_point::reach(FailPoint::BatchBegun, &self.dir)?;
        self.cas.sync()?;
        fail_point::reach(FailPoint::BatchSynced, &self.dir)?;
        database.write(&mut self.state)?;
        Ok(fail_point::reach(FailPoint::BatchCommitted, &self.dir)?)
    }

    /// Renames a picture of the present state into place, for readers.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn publish_snapshot(&self) -> Result<(), StoreError> {
        Ok(snapshot::write(&self.dir.join(snapshot::NAME), &self.state)?)
    }
}

/// Marks the folder for backup tools, and for `clean`, which deletes nothing without it.
pub const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache made by ingest.\n";
