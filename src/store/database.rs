//! The state database: every redb table on one page. All of them map encoded keys to encoded records; `state` knows the types.

use std::path::Path;

use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use super::StoreError;
use super::records::FORMAT;
use super::state::State;

type Bytes = &'static [u8];

/// In the order of `State::tables`.
const TABLES: [TableDefinition<Bytes, Bytes>; 10] = [
    TableDefinition::new("files"),
    TableDefinition::new("results"),
    TableDefinition::new("last"),
    TableDefinition::new("verdicts"),
    TableDefinition::new("derived"),
    TableDefinition::new("published"),
    TableDefinition::new("probes"),
    TableDefinition::new("baselines"),
    TableDefinition::new("gates"),
    TableDefinition::new("builds"),
];
/// `format` and `generation`.
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Records are read once at the start and written in batches: a large page cache would only cost memory.
const CACHE_BYTES: usize = 4 << 20;

/// The open database.
pub struct Database {
    db: redb::Database,
    path: String,
}

impl Database {
    /// Opens or makes the database at `path`. One of another format, or one that is damaged beyond repair, is set aside as
    /// `state.redb.damaged`, and the cache starts anew: nothing in it is the only copy of anything.
    ///
    /// # Errors
    /// If the file cannot be read or written at all.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let named = path.display().to_string();
        let fail = |e: redb::Error| StoreError::Database { path: named.clone(), source: Box::new(e) };
        let build = || redb::Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(redb::Error::from);
        let usable = build().and_then(|db| Ok((format_of(&db)?, db)));
        let db = match usable {
            Ok((None | Some(FORMAT), db)) => db,
            Err(e @ (redb::Error::Io(_) | redb::Error::DatabaseAlreadyOpen)) => return Err(fail(e)),
            Ok(_) | Err(_) => {
                crate::disk::rename(path, &path.with_extension("redb.damaged"))?;
                build().map_err(fail)?
            }
        };
        Ok(Self { db, path: named })
    }

    fn fail<E: Into<redb::Error>>(&self, e: E) -> StoreError {
        StoreError::Database { path: self.path.clone(), source: Box::new(e.into()) }
    }

    /// Number of commits so far.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn generation(&self) -> Result<u64, StoreError> {
        meta(&self.db, "generation").map(Option::unwrap_or_default).map_err(|e| self.fail(e))
    }

    /// Every record. What does not decode is left out: it will be computed again.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn load(&self) -> Result<State, StoreError> {
        let mut state = State { generation: self.generation()?, ..State::default() };
        let read = self.db.begin_read().map_err(|e| self.fail(e))?;
        for (definition, table) in TABLES.into_iter().zip(state.tables()) {
            let stored = match read.open_table(definition) {
                Ok(stored) => stored,
                Err(redb::TableError::TableDoesNotExist(_)) => continue,
                Err(e) => return Err(self.fail(e)),
            };
            for row in stored.iter().map_err(|e| self.fail(e))? {
                let (key, value) = row.map_err(|e| self.fail(e))?;
                let _ = table.load(key.value(), value.value());
            }
        }
        Ok(state)
    }

    /// Writes all changes of `state` in one durable transaction and counts the generation up.
    ///
    /// # Errors
    /// If it cannot be committed; nothing of it is then stored.
    pub fn write(&self, state: &mut State) -> Result<(), StoreError> {
        let next = state.generation + 1;
        self.transact(state, next).map_err(|e| self.fail(e))?;
        state.generation = next;
        state.tables().into_iter().for_each(super::state::Encoded::settle);
        Ok(())
    }

    fn transact(&self, state: &mut State, generation: u64) -> Result<(), redb::Error> {
        let mut write = self.db.begin_write()?;
        // After a kill the next open must not scan the whole file.
        write.set_quick_repair(true);
        {
            let mut meta = write.open_table(META)?;
            meta.insert("format", u64::from(FORMAT))?;
            meta.insert("generation", generation)?;
            for (definition, table) in TABLES.into_iter().zip(state.tables()) {
                let changes = table.changes();
                if changes.is_empty() {
                    continue;
                }
                let mut stored = write.open_table(definition)?;
                for (key, value) in changes {
                    match value {
                        Some(value) => stored.insert(key.as_slice(), value.as_slice())?,
                        None => stored.remove(key.as_slice())?,
                    };
                }
            }
        }
        write.commit()?;
        Ok(())
    }
}

fn format_of(db: &redb::Database) -> Result<Option<u32>, redb::Error> {
    Ok(meta(db, "format")?.map(|f| u32::try_from(f).unwrap_or(u32::MAX)))
}

fn meta(db: &redb::Database, key: &str) -> Result<Option<u64>, redb::Error> {
    match db.begin_read()?.open_table(META) {
        Ok(table) => Ok(table.get(key)?.map(|v| v.value())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(e) => Err(e.into()),
    }
}
