//! What a build remembers: blobs by content (`cas`), records by key (`state`, kept in redb by `database` and read from it one by
//! one by `reading`), a picture of the records for readers (`snapshot` writes it, `picture` reads it), and the one-writer lock.
//! Knows nothing of rules or gates: keys and values only.

mod at_hand;
pub mod cas;
pub mod database;
pub mod idle;
pub mod keys;
pub mod lock;
pub mod packed;
pub mod picture;
pub mod reading;
pub mod records;
pub mod snapshot;
pub mod state;
pub mod table;
pub mod totals;
pub mod written;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{self, DiskError};
use crate::fail_point::{self, FailPoint};
use cas::Cas;
use database::Database;
use lock::BuildLock;
use picture::Picture;
use reading::{Reading, Trouble};
use state::State;
use totals::Totals;

/// Why the store could not do its duty.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("cannot use the state database `{path}`")]
    Database {
        path: String,
        #[source]
        source: Arc<redb::Error>,
    },
    /// Set aside, unless it cannot be.
    #[error("the state database `{path}` is {what}")]
    Damaged { path: String, what: &'static str },
    #[error("blob {digest} is {what}")]
    Blob { digest: crate::digest::Digest, what: &'static str },
}

impl StoreError {
    /// Whether there is no room left on the disk.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Disk(e) => disk::is_full(&e.source),
            Self::Database { source, .. } => matches!(&**source, redb::Error::Io(e) if disk::is_full(e)),
            Self::Damaged { .. } | Self::Blob { .. } => false,
        }
    }
}

/// The cache folder, opened. Readers have only the snapshot; `open_for_writing` adds the database.
pub struct Store {
    pub dir: PathBuf,
    pub cas: Arc<Cas>,
    pub state: State,
    database: Option<Database>,
    /// The database is new: the next commit writes all records into it, not only those that changed.
    is_new: bool,
    /// The database was open, and could not be opened anew: what went wrong since.
    closed: Option<Arc<Trouble>>,
    /// Held by a build that may write; it says so from the first thing written to the end. It stands below the database so as
    /// to be dropped after it: whoever waited for the lock must find the database closed.
    pub lock: Option<BuildLock>,
    /// What people should know of, and has not been told yet.
    warnings: Vec<String>,
    totals: Totals,
}

impl Store {
    /// Reads the snapshot below `dir`, if there is a sound one; writes nothing.
    #[must_use]
    pub fn read(dir: &Path) -> Self {
        let picture = Picture::read(&dir.join(snapshot::NAME));
        let state = picture.as_ref().map(State::pictured).unwrap_or_default();
        Self {
            dir: dir.to_path_buf(),
            cas: Arc::new(Cas::new(dir.join("cas"))),
            state,
            lock: None,
            database: None,
            is_new: false,
            closed: None,
            warnings: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// Whether the database was opened, so that `commit` can be called.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.closed.is_some() || self.database.is_some()
    }

    /// Opens the database (made if missing). `true` if it knew more than the snapshot, so that `state` was replaced and
    /// whatever was decided on the old one must be decided again.
    ///
    /// # Errors
    /// If the folder cannot be written or the database cannot be opened.
    pub fn open_for_writing(&mut self) -> Result<bool, StoreError> {
        if self.is_writable() {
            return Ok(false);
        }
        disk::create_dir_all(&self.dir)?;
        self.begin()?;
        for (name, text) in [(".gitignore", "*\n!.gitignore\n!CACHEDIR.TAG\n"), ("CACHEDIR.TAG", CACHEDIR_TAG)] {
            let path = self.dir.join(name);
            if disk::stat(&path)?.is_none() {
                disk::atomic_write(&path, text.as_bytes())?;
            }
        }
        // Whoever opens the store holds the lock: what lies in staging is what a killed build left.
        disk::remove_dir_all(&self.staging())?;
        disk::create_dir_all(&self.staging())?;
        match self.open_database() {
            Err(StoreError::Damaged { what, .. }) => {
                self.begin_anew(what)?;
                Ok(false)
            }
            opened => opened,
        }
    }

    /// Whether the database knew more than the snapshot.
    fn open_database(&mut self) -> Result<bool, StoreError> {
        let database = Database::open(&self.dir.join(DATABASE))?;
        let generation = database.generation()?;
        if generation == 0 {
            // It is new: what the snapshot tells goes into it.
            self.is_new = true;
            totals::unset(&mut self.state);
            if !disk::is_dir(self.cas.dir()) {
                totals::set(&mut self.state, 0);
            }
            self.database = Some(database);
            return Ok(false);
        }
        let reading = database.reading()?;
        self.database = Some(database);
        if generation == self.state.generation {
            self.state.read_from(&reading);
            return Ok(false);
        }
        self.state = State::stored(generation, &reading);
        // A build that was killed before it wrote its picture: if this one finds nothing to do, nobody else would write it.
        // Every record is read for it.
        self.publish_snapshot()?;
        if self.is_damaged() {
            self.begin_anew(IN_PLACES)?;
        }
        Ok(true)
    }

    /// Whether something was read that is not as it was written.
    fn is_damaged(&self) -> bool {
        self.database.as_ref().is_some_and(|d| d.trouble.lost() > 0)
    }

    /// Sets the database aside and writes all that is known into a new one: what can be read of the old one, what the snapshot
    /// tells of the rest, and what waits to be written.
    fn begin_anew(&mut self, what: &str) -> Result<(), StoreError> {
        let (path, aside) = (self.dir.join(DATABASE), self.dir.join(SET_ASIDE));
        let mut old = None;
        if self.database.is_some() && !self.is_new {
            // Whatever stopped it while it was in use, stops it no more.
            self.close();
            old = Database::open(&path).and_then(|database| Ok((database.reading()?, database))).ok();
            match &old {
                Some((reading, _)) => self.state.read_from(reading),
                None => self.state.read_from_picture(Picture::read(&self.dir.join(snapshot::NAME)).as_ref()),
            }
        }
        (self.database, self.closed) = (None, None);
        // There is never more than one: an older one is replaced.
        disk::rename(&path, &aside)?;
        totals::unset(&mut self.state);
        self.is_new = true;
        let database = self.database.insert(Database::open(&path)?);
        database.write(&mut self.state, true)?;
        self.is_new = false;
        drop(old);
        let message = format!(
            "the state database `{}` was {what}, and is set aside as `{SET_ASIDE}`; what the cache no longer tells is made anew",
            path.display()
        );
        self.warnings.push(message);
        Ok(())
    }

    /// Lets go of the database: until it is open again, whoever asks for what is written is told so by the next commit.
    fn close(&mut self) {
        let Some(database) = self.database.take() else { return };
        let trouble = self.closed.insert(database.trouble.clone());
        if !self.is_new {
            self.state.read_from(&Arc::new(Reading::closed(trouble.clone())));
        }
    }

    /// What happened to the store, to be told once.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Something is about to be written: should this process be killed, the lock tells the next.
    ///
    /// # Errors
    /// If the lock file cannot be written.
    pub fn begin(&self) -> Result<(), DiskError> {
        self.lock.as_ref().map_or(Ok(()), BuildLock::mark_busy)
    }

    /// The build is over, well or not, and leaves nothing that is unfinished.
    ///
    /// # Errors
    /// If something cannot be removed: the lock then goes on telling of it.
    pub fn end(&self) -> Result<(), DiskError> {
        let Some(lock) = self.lock.as_ref().filter(|l| l.is_busy()) else { return Ok(()) };
        disk::remove_dir_all(&self.staging())?;
        disk::remove_file(&self.dir.join(snapshot::NEW))?;
        fail_point::reach(FailPoint::BuildOver, &self.dir)?;
        lock.mark_idle()
    }

    /// Private, unfinished work; emptied at the end of every build and at the start of one that follows a crash.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.dir.join("staging")
    }

    /// Whether anything waits to be written.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.is_new || self.state.has_changes()
    }

    /// Makes all records changed since the last call durable: blobs first (one sync), then one database transaction.
    ///
    /// # Errors
    /// If anything cannot be written; the records stay pending. If records could not be read since the database was opened:
    /// what was decided without them is not kept.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        if self.closed.is_some() {
            self.reopen()?;
        }
        self.was_in_reach()?;
        if self.database.is_none() || !(self.has_changes() || self.is_damaged()) {
            return Ok(());
        }
        fail_point::reach(FailPoint::BatchBegun, &self.dir)?;
        self.count_pending();
        self.cas.sync()?;
        fail_point::reach(FailPoint::BatchSynced, &self.dir)?;
        self.write()?;
        Ok(fail_point::reach(FailPoint::BatchCommitted, &self.dir)?)
    }

    fn write(&mut self) -> Result<(), StoreError> {
        // What was counted was read, too.
        self.was_in_reach()?;
        if self.is_damaged() {
            return self.begin_anew(IN_PLACES);
        }
        let Some(database) = &self.database else { return Ok(()) };
        match database.write(&mut self.state, self.is_new) {
            Ok(()) => {
                self.is_new = false;
                Ok(())
            }
            Err(StoreError::Damaged { what, .. }) => self.begin_anew(what),
            Err(error) => {
                // After a write that failed it takes no more, and tells no more.
                let _ = self.reopen();
                Err(error)
            }
        }
    }

    /// Whether all records that were asked for since the database was opened could be read: else nothing that was decided on
    /// them counts.
    ///
    /// # Errors
    /// If one could not.
    pub fn was_in_reach(&self) -> Result<(), StoreError> {
        let troubles = self.database.iter().map(|d| &d.trouble).chain(&self.closed);
        let failed = troubles.filter_map(|trouble| trouble.failed()).next();
        let path = || self.dir.join(DATABASE).display().to_string();
        failed.map_or(Ok(()), |source| Err(StoreError::Database { path: path(), source }))
    }

    /// Opens the database anew, if it was open. What waits to be written still does.
    ///
    /// # Errors
    /// If it cannot be opened, or records could not be read before.
    pub fn reopen(&mut self) -> Result<(), StoreError> {
        self.was_in_reach()?;
        if self.is_writable() {
            self.close();
            let database = Database::open(&self.dir.join(DATABASE))?;
            if !self.is_new {
                self.state.read_from(&database.reading()?);
            }
            self.database = Some(database);
            self.closed = None;
        }
        Ok(())
    }

    /// Adds the blobs of records that wait to be written to the total.
    pub fn count_pending(&mut self) {
        self.totals.add_pending(&mut self.state, &self.cas);
    }

    /// Blobs that are gone count again when they are stored again.
    pub fn forget_counted(&mut self, gone: impl Iterator<Item = crate::digest::Digest>) {
        self.totals.forget(gone);
    }

    /// Renames a picture of what is written into place, for readers.
    ///
    /// # Errors
    /// If it cannot be written, or not all of the state can be read.
    pub fn publish_snapshot(&self) -> Result<(), StoreError> {
        let staged = snapshot::stage(&self.dir.join(snapshot::NAME), &self.state)?;
        self.was_in_reach()?;
        Ok(staged.put()?)
    }
}

/// The database's file, below the cache folder.
const DATABASE: &str = "state.redb";
/// What is wrong with a database of which some records are not as they were written.
const IN_PLACES: &str = "damaged in places";
/// What a database becomes that cannot be used.
const SET_ASIDE: &str = "state.redb.damaged";
/// Marks the folder for backup tools, and for `clean`, which deletes nothing without it.
pub const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache made by ingest.\n";

#[cfg(test)]
mod tests {
    use super::lock::Asked;
    use super::*;

    fn opened(dir: &Path) -> Result<Store, StoreError> {
        let Asked::Held(lock) = BuildLock::ask(&dir.join("lock"), true)? else { panic!("asked to wait, it waits") };
        let mut store = Store::read(dir);
        store.lock = Some(lock);
        store.open_for_writing()?;
        Ok(store)
    }

    #[test]
    fn a_picture_that_a_killed_build_did_not_write_is_written_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let mut killed = opened(dir.path()).unwrap();
        killed.state.builds.put(1, "b_1".to_owned());
        killed.commit().unwrap();
        drop(killed);
        assert_eq!(Store::read(dir.path()).state.builds.get(&1), None);
        drop(opened(dir.path()).unwrap());
        assert_eq!(Store::read(dir.path()).state.builds.get(&1).as_deref(), Some("b_1"));
    }

    /// Turns every `from` in the database into `to`, of the same length.
    fn rot(dir: &Path, from: &[u8], to: &[u8]) {
        let path = dir.join(DATABASE);
        let mut bytes = disk::read(&path).unwrap();
        let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
        assert!(!places.is_empty());
        places.iter().for_each(|at| bytes[*at..*at + to.len()].copy_from_slice(to));
        disk::write(&path, &bytes).unwrap();
    }

    #[test]
    fn a_record_that_rotted_is_told_of_and_all_others_are_kept() {
        for has_picture in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            let mut before = opened(dir.path()).unwrap();
            (0..300).for_each(|n| before.state.builds.put(n, format!("build {n:03}")));
            before.commit().unwrap();
            before.publish_snapshot().unwrap();
            drop(before);
            rot(dir.path(), b"build 123", b"build 321");
            let mut store = opened(dir.path()).unwrap();
            if !has_picture {
                disk::remove_file(&dir.path().join(snapshot::NAME)).unwrap();
            }
            // Nobody has met it yet.
            assert_eq!(store.take_warnings(), Vec::<String>::new());
            let expected = has_picture.then_some("build 123");
            assert_eq!(store.state.builds.get(&123).as_deref(), expected);
            store.state.builds.put(300, "build 300".to_owned());
            store.commit().unwrap();
            let told = store.take_warnings();
            assert!(told.len() == 1 && told[0].contains("damaged in places, and is set aside"), "{told:?}");
            store.commit().unwrap();
            store.publish_snapshot().unwrap();
            drop(store);
            let after = opened(dir.path()).unwrap();
            assert_eq!(after.state.builds.get(&123).as_deref(), expected);
            assert_eq!(after.state.builds.keys().count(), if has_picture { 301 } else { 300 });
        }
    }

    #[test]
    fn what_was_decided_without_records_that_were_out_of_reach_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = opened(dir.path()).unwrap();
        store.state.builds.put(1, "b_1".to_owned());
        store.commit().unwrap();
        store.publish_snapshot().unwrap();
        store.close();
        assert_eq!(store.state.builds.get(&1), None);
        store.state.builds.put(1, "b_2".to_owned());
        assert!(matches!(store.commit(), Err(StoreError::Database { .. })));
        assert!(store.publish_snapshot().is_err());
        drop(store);
        assert_eq!(Store::read(dir.path()).state.builds.get(&1).as_deref(), Some("b_1"));
        assert_eq!(opened(dir.path()).unwrap().state.builds.get(&1).as_deref(), Some("b_1"));
    }

    #[test]
    fn what_waits_is_written_once_the_database_is_open_anew() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = opened(dir.path()).unwrap();
        store.state.builds.put(1, "b_1".to_owned());
        store.commit().unwrap();
        store.state.builds.put(2, "b_2".to_owned());
        store.close();
        store.commit().unwrap();
        drop(store);
        let builds: Vec<_> = opened(dir.path()).unwrap().state.builds.iter().collect();
        assert_eq!(builds, [(1, "b_1".to_owned()), (2, "b_2".to_owned())]);
    }

    #[test]
    fn whoever_waited_for_the_lock_finds_the_database_closed() {
        let dir = tempfile::tempdir().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        for _ in 0..20 {
            let first = opened(dir.path()).unwrap();
            let waiting = std::thread::spawn({
                let (tell, dir) = (tell.clone(), dir.path().to_path_buf());
                move || {
                    tell.send(()).unwrap();
                    opened(&dir).map(drop)
                }
            });
            told.recv().unwrap();
            drop(first);
            waiting.join().unwrap().unwrap();
        }
    }
}
