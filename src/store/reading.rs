//! The database as it was after a commit, asked record by record. A record that is not as it was written is lost; that the file
//! is out of reach is noted, and the next commit fails with it: neither is taken for a record that never was.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use redb::{AccessGuard, ReadOnlyTable, ReadTransaction, ReadableTableMetadata, TableHandle};

use super::database::{Raw, TABLES, is_damage, unsealed};
use super::picture::{self, Picture};

/// What went wrong while an open database was read.
#[derive(Debug, Default)]
pub struct Trouble {
    lost: AtomicU64,
    failed: Mutex<Option<Arc<redb::Error>>>,
}

impl Trouble {
    /// How often something was met that is not as it was written.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Why the file was out of reach, the first time.
    #[must_use]
    pub fn failed(&self) -> Option<Arc<redb::Error>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, error: redb::Error) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| Arc::new(error));
    }
}

/// All tables as they were after a commit.
pub struct Reading {
    /// Those that there are; all of them are there until this is dropped.
    tables: Option<[Option<ReadOnlyTable<Raw, Raw>>; picture::TABLES]>,
    empty: [bool; picture::TABLES],
    trouble: Arc<Trouble>,
    picture: PathBuf,
    older: OnceLock<Option<Arc<Picture>>>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

impl Drop for Reading {
    /// redb panics on a file that broke in use.
    fn drop(&mut self) {
        let tables = self.tables.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(tables)));
    }
}

/// Bytes of the database: of a value those that were sealed.
pub struct Stored {
    guard: AccessGuard<'static, Raw>,
    length: usize,
}

impl Stored {
    /// They themselves.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.guard.value()[..self.length]
    }
}

/// What stands under a key that is there.
pub enum Found {
    Stored(Stored),
    /// Something else than was written.
    Lost,
}

/// A walk over a table.
pub enum Rows {
    Going(Box<redb::Range<'static, Raw, Raw>>),
    /// The rest is out of reach, which `next` has not said yet.
    Broken,
    Over,
}

impl Reading {
    /// What `read` sees. Where something of it is lost, the picture in the file `picture` is asked instead, which may be older.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(read: &ReadTransaction, trouble: Arc<Trouble>, picture: &Path) -> Result<Self, redb::Error> {
        let mut tables: [Option<ReadOnlyTable<Raw, Raw>>; picture::TABLES] = Default::default();
        let mut empty = [true; picture::TABLES];
        for (ix, definition) in TABLES.into_iter().enumerate() {
            match read.open_table(definition) {
                Ok(table) => {
                    empty[ix] = table.is_empty()?;
                    tables[ix] = Some(table);
                }
                Err(redb::TableError::TableDoesNotExist(_)) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(Self { tables: Some(tables), empty, trouble, picture: picture.to_path_buf(), older: OnceLock::new() })
    }

    /// A database that is out of reach: who asks for anything is told so by the next commit.
    #[must_use]
    pub fn closed(trouble: Arc<Trouble>) -> Self {
        Self { tables: None, empty: [false; picture::TABLES], trouble, picture: PathBuf::new(), older: OnceLock::new() }
    }

    fn table(&self, table: usize) -> Result<Option<&ReadOnlyTable<Raw, Raw>>, redb::Error> {
        Ok(self.tables.as_ref().ok_or(redb::Error::PreviousIo)?[table].as_ref())
    }

    /// What went wrong so far.
    #[must_use]
    pub fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// Whether a table has no records.
    #[must_use]
    pub fn is_empty(&self, table: usize) -> bool {
        self.empty[table]
    }

    /// The picture that is asked where something is lost.
    #[must_use]
    pub fn older(&self) -> Option<&Arc<Picture>> {
        self.older.get_or_init(|| Picture::read(&self.picture)).as_ref()
    }

    /// Something was met that is not as it was written.
    pub fn lose(&self) {
        self.trouble.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads; `Err` if what is read is damaged. redb panics on some files that it did not write.
    fn asked<T>(&self, work: impl FnOnce() -> Result<Option<T>, redb::Error>) -> Result<Option<T>, ()> {
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(read)) => Ok(read),
            Ok(Err(e)) if self.is_out_of_reach(&e) => {
                self.trouble.note(e);
                Ok(None)
            }
            Ok(Err(_)) | Err(_) => {
                self.lose();
                Err(())
            }
        }
    }

    fn is_out_of_reach(&self, error: &redb::Error) -> bool {
        match error {
            // After a panic over damage, that is what redb says of all.
            redb::Error::LockPoisoned(_) => self.trouble.lost() == 0,
            error => !is_damage(error),
        }
    }

    fn found(&self, table: usize, key: &[u8], guard: AccessGuard<'static, Raw>) -> Found {
        let length = unsealed(TABLES[table].name(), key, guard.value()).map(<[u8]>::len);
        match length {
            Some(length) => Found::Stored(Stored { guard, length }),
            None => {
                self.lose();
                Found::Lost
            }
        }
    }

    /// What stands under a key of a table.
    #[must_use]
    pub fn get(&self, table: usize, key: &[u8]) -> Option<Found> {
        if self.empty[table] {
            return None;
        }
        let read = self.asked(|| match self.table(table)? {
            Some(stored) => Ok(stored.get(key)?.map(|guard| self.found(table, key, guard))),
            None => Ok(None),
        });
        read.unwrap_or(Some(Found::Lost))
    }

    /// A walk over the records of a table from `start` on, by `next`.
    #[must_use]
    pub fn rows(&self, table: usize, start: &[u8]) -> Rows {
        let range = self.asked(|| match self.table(table)? {
            Some(stored) if !self.empty[table] => Ok(Some(stored.range::<&[u8]>(start..)?)),
            _ => Ok(None),
        });
        match range {
            Ok(Some(range)) => Rows::Going(Box::new(range)),
            Ok(None) => Rows::Over,
            Err(()) => Rows::Broken,
        }
    }

    /// The next key of a walk, and what stands under it; `Err` if the rest is out of reach. Who wants nothing but the key is
    /// given no record, and it is not looked at.
    #[allow(clippy::type_complexity, reason = "said once")]
    pub fn next(&self, table: usize, rows: &mut Rows, is_key_enough: bool) -> Option<Result<(Stored, Found), ()>> {
        let row = match rows {
            Rows::Going(range) => self.asked(|| match range.next() {
                Some(row) => {
                    let (key, value) = row?;
                    let length = key.value().len();
                    let found = if is_key_enough {
                        Found::Stored(Stored { guard: value, length: 0 })
                    } else {
                        self.found(table, key.value(), value)
                    };
                    Ok(Some((Stored { guard: key, length }, found)))
                }
                None => Ok(None),
            }),
            Rows::Broken => Err(()),
            Rows::Over => Ok(None),
        };
        if !matches!(row, Ok(Some(_))) {
            *rows = Rows::Over;
        }
        row.transpose()
    }
}
