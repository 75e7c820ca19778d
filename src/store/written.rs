//! Where a table's written records are: nowhere yet, in the picture for readers, or in the database.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::picture::{Picture, Place};
use super::reading::{Found, Reading, Stored};

/// A table's written records.
#[derive(Clone, Debug, Default)]
pub enum Written {
    #[default]
    Nothing,
    Picture(Arc<Picture>, usize),
    /// The database, and the number of the table.
    Database(Arc<Reading>, usize),
}

/// The bytes of a record, or of its key, where they are.
pub enum Bytes {
    Pictured(Arc<Picture>, Place),
    Stored(Stored),
}

impl Bytes {
    /// They themselves.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Pictured(picture, place) => picture.bytes(*place),
            Self::Stored(stored) => stored.bytes(),
        }
    }
}

/// A record with its key.
pub struct Row {
    key: Bytes,
    value: Bytes,
}

impl Row {
    /// The key's bytes.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.key.bytes()
    }

    /// The encoded record.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.value.bytes()
    }
}

impl Written {
    /// Whether there are surely no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Picture(picture, table) => picture.len(*table) == 0,
            Self::Database(reading, table) => reading.is_empty(*table),
        }
    }

    /// Whether all that was asked for could be read.
    #[must_use]
    pub fn was_in_reach(&self) -> bool {
        !matches!(self, Self::Database(reading, _) if reading.trouble().failed().is_some())
    }

    /// The encoded record under a key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Bytes> {
        match self {
            Self::Nothing => None,
            Self::Picture(picture, table) => pictured(picture, *table, key),
            Self::Database(reading, table) => match reading.get(*table, key)? {
                Found::Stored(stored) => Some(Bytes::Stored(stored)),
                Found::Lost => pictured(reading.older()?, *table, key),
            },
        }
    }

    /// Records from `start` on, sorted by key.
    #[must_use]
    pub fn rows(&self, start: &[u8]) -> Rows {
        self.walk(start, false)
    }

    /// Their keys: rows without a record.
    #[must_use]
    pub fn keys(&self, start: &[u8]) -> Rows {
        self.walk(start, true)
    }

    fn walk(&self, start: &[u8], keys: bool) -> Rows {
        match self {
            Self::Nothing => Rows::Nothing,
            Self::Picture(picture, table) => {
                Rows::Picture { picture: picture.clone(), table: *table, next: picture.from(*table, start) }
            }
            Self::Database(reading, table) => Rows::Database {
                rows: reading.rows(*table, start),
                reading: reading.clone(),
                table: *table,
                last: start.to_vec(),
                any: false,
                keys,
            },
        }
    }

    /// A record out of its bytes; one that does not decode is lost.
    #[must_use]
    pub fn decoded<V: DeserializeOwned>(&self, bytes: &[u8]) -> Option<V> {
        let decoded = postcard::from_bytes(bytes).ok();
        if let (None, Self::Database(reading, _)) = (&decoded, self) {
            reading.lose();
        }
        decoded
    }
}

fn pictured(picture: &Arc<Picture>, table: usize, key: &[u8]) -> Option<Bytes> {
    picture.get(table, key).map(|place| Bytes::Pictured(picture.clone(), place))
}

/// Written records, sorted by key.
pub enum Rows {
    Nothing,
    Picture { picture: Arc<Picture>, table: usize, next: usize },
    Database { reading: Arc<Reading>, table: usize, rows: super::reading::Rows, last: Vec<u8>, any: bool, keys: bool },
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            match self {
                Self::Nothing => return None,
                Self::Picture { picture, table, next } => {
                    let (key, value) = picture.row(*table, *next)?;
                    *next += 1;
                    let bytes = |place| Bytes::Pictured(picture.clone(), place);
                    return Some(Row { key: bytes(key), value: bytes(value) });
                }
                Self::Database { reading, table, rows, last, any, keys } => match reading.next(*table, rows, *keys)? {
                    Ok((key, found)) => {
                        last.clear();
                        last.extend_from_slice(key.bytes());
                        *any = true;
                        let value = match found {
                            Found::Stored(value) => Some(Bytes::Stored(value)),
                            Found::Lost => reading.older().and_then(|older| pictured(older, *table, key.bytes())),
                        };
                        if let Some(value) = value {
                            return Some(Row { key: Bytes::Stored(key), value });
                        }
                    }
                    // The rest of the table is out of reach: an older picture has some of it.
                    Err(()) => {
                        let picture = reading.older()?.clone();
                        let (table, from) = (*table, picture.from(*table, last));
                        let is_told = *any && picture.row(table, from).is_some_and(|(key, _)| picture.bytes(key) == *last);
                        *self = Self::Picture { next: from + usize::from(is_told), picture, table };
                    }
                },
            }
        }
    }
}
