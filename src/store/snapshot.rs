//! A picture of the state for readers, who never open the database: one file, renamed into place after each batch.
//! Layout: magic, format (u32 LE), blake3 of the rest (32 bytes), the encoded state. What is not whole is not read.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use super::records::FORMAT;
use super::state::State;
use crate::digest::Digest;
use crate::disk::{self, DiskError};

/// File name below the cache folder.
pub const NAME: &str = "state.snapshot";
/// What it is called until it is whole.
pub const NEW: &str = "state.snapshot.new";
const MAGIC: &[u8; 8] = b"ingstate";
const HEADER: usize = 8 + 4 + 32;
/// Bytes that are hashed and written at once.
const BUFFER: usize = 256 * 1024;

/// The state in the snapshot at `path`; `None` if there is none that is whole and of this format.
#[must_use]
pub fn read(path: &Path) -> Option<State> {
    let bytes = disk::read(path).ok()?;
    let (header, body) = bytes.split_at_checked(HEADER)?;
    let whole = header[..8] == *MAGIC && header[8..12] == FORMAT.to_le_bytes() && header[12..] == *Digest::of(body).as_bytes();
    if whole { postcard::from_bytes(body).ok() } else { None }
}

/// Puts a picture of `state` at `path`. Not synced: one that a power cut tears is not read.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, state: &State) -> Result<(), DiskError> {
    let staged = path.with_file_name(NEW);
    // Piece by piece: of a large job it is large, and this happens after each batch. The header, which makes it whole, comes last.
    disk::write_with(&staged, |file| {
        file.write_all(&[0; HEADER])?;
        let mut body = BufWriter::with_capacity(BUFFER, Hashed { file, hasher: blake3::Hasher::new(), refused: None });
        let encoded = postcard::to_io(state, &mut body).map(drop);
        let flushed = body.flush();
        // What the disk says is lost in the encoder's error.
        let Hashed { file, hasher, refused } = body.into_parts().0;
        refused.map_or(flushed, Err)?;
        encoded.map_err(std::io::Error::other)?;
        file.rewind()?;
        file.write_all(MAGIC)?;
        file.write_all(&FORMAT.to_le_bytes())?;
        file.write_all(hasher.finalize().as_bytes())
    })?;
    disk::rename(&staged, path)
}

/// A file, and the hash of what goes into it.
struct Hashed<'f> {
    file: &'f mut File,
    hasher: blake3::Hasher,
    /// The first error of the file.
    refused: Option<std::io::Error>,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.hasher.update(bytes);
                Ok(bytes.len())
            }
            Err(error) => {
                let told = std::io::Error::from(error.kind());
                self.refused.get_or_insert(error);
                Err(told)
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
