//! The picture of the records that readers read, as it lies in one file: looked up where it is, a record decoded when it is
//! asked for. Layout: magic, format (u32 LE), blake3 of the rest (32 bytes), generation (u64 LE), then the tables in the order of
//! `State`, each its rows sorted by key and a row of nothing. A row is the length of its key plus one, the length of its record
//! (varints), the key, the encoded record. What is not whole is not read.

use std::path::Path;
use std::sync::Arc;

use super::records::FORMAT;
use crate::digest::Digest;
use crate::disk;

/// How many tables there are.
pub const TABLES: usize = 15;
/// Opens the file.
pub const MAGIC: &[u8; 8] = b"ingstate";
/// Magic, format, digest of the rest.
pub const HEADER: usize = 8 + 4 + 32;
/// The generation.
const NUMBER: usize = 8;

/// A picture in memory.
#[derive(Debug)]
pub struct Picture {
    /// Number of commits that it shows.
    pub generation: u64,
    bytes: Vec<u8>,
    /// Where the rows of each table begin.
    rows: [Vec<usize>; TABLES],
}

/// A stretch of a picture: start and end.
#[derive(Clone, Copy, Debug)]
pub struct Place(usize, usize);

/// The lengths of a row with a key and a record of so many bytes; of nothing, the end of a table.
#[must_use]
pub fn row_header(lengths: Option<(usize, usize)>) -> ([u8; 20], usize) {
    let mut header = [0; 20];
    let told = lengths.map_or((0, 0), |(key, value)| (key as u64 + 1, value as u64));
    let length = postcard::to_slice(&told, &mut header).map_or(0, |h| h.len());
    (header, length)
}

impl Picture {
    /// The picture in the file at `path`; `None` if there is none that is whole and of this format.
    #[must_use]
    pub fn read(path: &Path) -> Option<Arc<Self>> {
        let bytes = disk::read(path).ok()?;
        let (header, body) = bytes.split_at_checked(HEADER)?;
        let whole =
            header[..8] == *MAGIC && header[8..12] == FORMAT.to_le_bytes() && header[12..] == *Digest::of(body).as_bytes();
        let generation = u64::from_le_bytes(*body.first_chunk::<NUMBER>().filter(|_| whole)?);
        let mut picture = Self { generation, bytes, rows: Default::default() };
        let mut at = HEADER + NUMBER;
        for table in 0..TABLES {
            while let Some((_, Place(_, end))) = picture.row_at(at)? {
                picture.rows[table].push(at);
                at = end;
            }
            picture.rows[table].shrink_to_fit();
            at += row_header(None).1;
        }
        (at == picture.bytes.len()).then(|| Arc::new(picture))
    }

    /// Key and record of the row that begins at a byte; nothing, where a table ends. `None` if there is no whole row.
    fn row_at(&self, at: usize) -> Option<Option<(Place, Place)>> {
        let rest = self.bytes.get(at..)?;
        let ((key, value), tail) = postcard::take_from_bytes::<(u64, u64)>(rest).ok()?;
        let Some(key) = key.checked_sub(1) else { return Some(None) };
        let start = at + rest.len() - tail.len();
        let middle = start.checked_add(usize::try_from(key).ok()?)?;
        let end = middle.checked_add(usize::try_from(value).ok()?).filter(|end| *end <= self.bytes.len())?;
        Some(Some((Place(start, middle), Place(middle, end))))
    }

    /// How many records a table has.
    #[must_use]
    pub fn len(&self, table: usize) -> usize {
        self.rows[table].len()
    }

    /// Key and record of a table's row.
    #[must_use]
    pub fn row(&self, table: usize, row: usize) -> Option<(Place, Place)> {
        self.row_at(*self.rows[table].get(row)?)?
    }

    /// The first row of a table whose key is not below `start`.
    #[must_use]
    pub fn from(&self, table: usize, start: &[u8]) -> usize {
        let is_below = |at: &usize| self.row_at(*at).flatten().is_some_and(|(key, _)| *self.bytes(key) < *start);
        self.rows[table].partition_point(is_below)
    }

    /// The record under a key of a table.
    #[must_use]
    pub fn get(&self, table: usize, key: &[u8]) -> Option<Place> {
        let (found, value) = self.row(table, self.from(table, key))?;
        (*self.bytes(found) == *key).then_some(value)
    }

    /// The bytes at a place of this picture.
    #[must_use]
    pub fn bytes(&self, Place(start, end): Place) -> &[u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }
}
