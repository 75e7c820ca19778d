//! The state database: every redb table on one page. All of them map encoded keys to encoded records; `state` knows the types.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{ReadableDatabase, TableDefinition, TableHandle};

use super::reading::{Reading, Trouble};
use super::records::FORMAT;
use super::state::State;
use super::{StoreError, picture, snapshot};

/// Keys and values as they are stored.
pub type Raw = &'static [u8];

/// In the order of `State::tables`.
pub const TABLES: [TableDefinition<Raw, Raw>; picture::TABLES] = [
    TableDefinition::new("files"),
    TableDefinition::new("results"),
    TableDefinition::new("last"),
    TableDefinition::new("verdicts"),
    TableDefinition::new("derived"),
    TableDefinition::new("published"),
    TableDefinition::new("probes"),
    TableDefinition::new("baselines"),
    TableDefinition::new("gates"),
    TableDefinition::new("declarations"),
    TableDefinition::new("builds"),
    TableDefinition::new("adoptions"),
    TableDefinition::new("unused"),
    TableDefinition::new("reached"),
    TableDefinition::new("figures"),
];
/// `format` and `generation`.
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// The upper pages of all tables, and some of those below: what is not among them the operating system has at hand.
const CACHE_BYTES: usize = 1 << 20;

/// The open database.
pub struct Database {
    /// There until it is dropped.
    db: Option<redb::Database>,
    path: String,
    /// The picture beside it.
    picture: PathBuf,
    /// What went wrong while it was read.
    pub trouble: Arc<Trouble>,
}

impl Drop for Database {
    /// Closing writes, and panics on a file that broke in use: what was committed is on disk, and the next open sees the damage.
    fn drop(&mut self) {
        let db = self.db.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(db)));
    }
}

impl Database {
    /// Opens or makes the database at `path`.
    ///
    /// # Errors
    /// `StoreError::Damaged` if it is not what was written, or of another format; else if it cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::opened_by(path, || redb::Database::builder().set_cache_size(CACHE_BYTES).create(path))
    }

    /// A database on other storage than a file.
    #[cfg(test)]
    fn on(backend: impl redb::StorageBackend) -> Result<Self, StoreError> {
        Self::opened_by(Path::new(""), || redb::Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(backend))
    }

    fn opened_by(at: &Path, open: impl FnOnce() -> Result<redb::Database, redb::DatabaseError>) -> Result<Self, StoreError> {
        let path = at.display().to_string();
        let db = guarded(&path, || {
            let db = open()?;
            let format = meta(&db, "format")?;
            Ok((db, format))
        });
        let (db, format) = db?;
        let picture = at.with_file_name(snapshot::NAME);
        let opened = Self { db: Some(db), path: path.clone(), picture, trouble: Arc::default() };
        match format {
            Some(format) if format != u64::from(FORMAT) => Err(StoreError::Damaged { path, what: "of another version" }),
            _ => Ok(opened),
        }
    }

    fn db(&self) -> Result<&redb::Database, redb::Error> {
        self.db.as_ref().ok_or(redb::Error::PreviousIo)
    }

    /// Number of commits so far.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn generation(&self) -> Result<u64, StoreError> {
        guarded(&self.path, || meta(self.db()?, "generation").map(Option::unwrap_or_default))
    }

    /// What it holds now, to be asked for it record by record.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn reading(&self) -> Result<Arc<Reading>, StoreError> {
        let read = || Reading::of(&self.db()?.begin_read()?, self.trouble.clone(), &self.picture);
        guarded(&self.path, read).map(Arc::new)
    }

    /// Writes what waits in `state`, or all of it, in one durable transaction, and counts the generation up. From then on `state`
    /// reads from here.
    ///
    /// # Errors
    /// If it cannot be committed; nothing of it is then stored. If it cannot be read afterwards: what waited goes on waiting.
    pub fn write(&self, state: &mut State, all: bool) -> Result<(), StoreError> {
        let next = state.generation + 1;
        guarded(&self.path, || self.transact(state, all, next))?;
        state.settle(next, &self.reading()?);
        Ok(())
    }

    fn transact(&self, state: &State, all: bool, generation: u64) -> Result<(), redb::Error> {
        let mut write = self.db()?.begin_write()?;
        // After a kill the next open must not scan the whole file.
        write.set_quick_repair(true);
        {
            let mut meta = write.open_table(META)?;
            meta.insert("format", u64::from(FORMAT))?;
            meta.insert("generation", generation)?;
            for (definition, table) in TABLES.into_iter().zip(state.tables()) {
                let (name, changes) = (definition.name(), table.changes());
                let mut written = all.then(|| table.written().rows(&[])).into_iter().flatten().peekable();
                if changes.is_empty() && written.peek().is_none() {
                    continue;
                }
                let mut stored = write.open_table(definition)?;
                for row in written {
                    stored.insert(row.key(), sealed(name, row.key(), row.value().to_vec()).as_slice())?;
                }
                for (key, value) in changes {
                    match value {
                        Some(value) => stored.insert(key.as_slice(), sealed(name, &key, value).as_slice())?,
                        None => stored.remove(key.as_slice())?,
                    };
                }
                if !table.written().was_in_reach() {
                    return Err(redb::Error::PreviousIo);
                }
            }
        }
        write.commit()?;
        Ok(())
    }
}

/// Bytes at the end of each value that tell whether it is what was written here: redb checks pages only when it repairs.
const SEAL: usize = 8;
/// So much room for sealing is kept.
const MOST_KEPT: usize = 64 * 1024;

fn seal(table: &str, key: &[u8], value: &[u8]) -> [u8; SEAL] {
    thread_local! {
        // Tens of thousands are asked for in a row: in one piece that is at hand, each takes half the time.
        static WHOLE: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    WHOLE.with_borrow_mut(|whole| {
        whole.clear();
        for part in [table.as_bytes(), key, value] {
            whole.extend_from_slice(&(part.len() as u64).to_le_bytes());
            whole.extend_from_slice(part);
        }
        let mut seal = [0; SEAL];
        seal.copy_from_slice(&blake3::hash(whole).as_bytes()[..SEAL]);
        if whole.capacity() > MOST_KEPT {
            *whole = Vec::new();
        }
        seal
    })
}

fn sealed(table: &str, key: &[u8], mut value: Vec<u8>) -> Vec<u8> {
    let seal = seal(table, key, &value);
    value.extend_from_slice(&seal);
    value
}

/// What was sealed; `None` if it is not as it was.
pub fn unsealed<'a>(table: &str, key: &[u8], sealed: &'a [u8]) -> Option<&'a [u8]> {
    let (value, told) = sealed.split_last_chunk::<SEAL>()?;
    (seal(table, key, value) == *told).then_some(value)
}

/// Does `work` on the database at `path`. redb panics on some files that it did not write: that is damage like any other.
fn guarded<T>(path: &str, work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, StoreError> {
    let damaged = |what| StoreError::Damaged { path: path.to_owned(), what };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(e)) if is_damage(&e) => Err(damaged("damaged")),
        Ok(Err(e)) => Err(StoreError::Database { path: path.to_owned(), source: Arc::new(e) }),
        Err(_) => Err(damaged("damaged")),
    }
}

/// The file is not what was written, rather than out of reach.
pub fn is_damage(error: &redb::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error {
        redb::Error::Io(e) => matches!(e.kind(), InvalidData | InvalidInput | UnexpectedEof),
        redb::Error::DatabaseAlreadyOpen | redb::Error::PreviousIo | redb::Error::LockPoisoned(_) => false,
        _ => true,
    }
}

fn meta(db: &redb::Database, key: &str) -> Result<Option<u64>, redb::Error> {
    match db.begin_read()?.open_table(META) {
        Ok(table) => Ok(table.get(key)?.map(|v| v.value())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
#[path = "database_tests.rs"]
mod tests;
