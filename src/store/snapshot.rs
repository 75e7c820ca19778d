//! Writes the picture of the state for readers (`picture`), who never open the database: one file, renamed into place after
//! batches. It shows what is written, never what waits.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use super::picture::{HEADER, MAGIC, row_header};
use super::records::FORMAT;
use super::state::State;
use crate::disk::{self, DiskError};

/// File name below the cache folder.
pub const NAME: &str = "state.snapshot";
/// What it is called until it is whole.
pub const NEW: &str = "state.snapshot.new";
/// Bytes that are hashed and written at once.
const BUFFER: usize = 256 * 1024;

/// Writes a picture of `state` beside `path`: it takes that place by `put`. Not synced: one that a power cut tears is not read.
///
/// # Errors
/// If it cannot be written.
pub fn stage(path: &Path, state: &State) -> Result<Staged, DiskError> {
    let staged = path.with_file_name(NEW);
    // Row by row: of a large job it is large, and this happens time and again. The header, which makes it whole, comes last.
    disk::write_with(&staged, |file| {
        file.write_all(&[0; HEADER])?;
        let mut body = BufWriter::with_capacity(BUFFER, Hashed { file, hasher: blake3::Hasher::new() });
        body.write_all(&state.generation.to_le_bytes())?;
        for table in state.tables() {
            for row in table.written().rows(&[]) {
                write_row(&mut body, Some((row.key(), row.value())))?;
            }
            write_row(&mut body, None)?;
        }
        let Hashed { file, hasher } = body.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        file.write_all(MAGIC)?;
        file.write_all(&FORMAT.to_le_bytes())?;
        file.write_all(hasher.finalize().as_bytes())
    })?;
    Ok(Staged { staged, path: path.to_path_buf() })
}

/// A picture that is whole and not in its place.
#[must_use]
pub struct Staged {
    staged: PathBuf,
    path: PathBuf,
}

impl Staged {
    /// Puts it in its place.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn put(self) -> Result<(), DiskError> {
        disk::rename(&self.staged, &self.path)
    }
}

fn write_row(body: &mut impl Write, row: Option<(&[u8], &[u8])>) -> io::Result<()> {
    let (header, length) = row_header(row.map(|(key, value)| (key.len(), value.len())));
    body.write_all(&header[..length])?;
    let (key, value) = row.unwrap_or_default();
    body.write_all(key)?;
    body.write_all(value)
}

/// A file, and the hash of what goes into it.
struct Hashed<'f> {
    file: &'f mut File,
    hasher: blake3::Hasher,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
