//! A picture of the state for readers, who never open the database: one file, renamed into place after each batch.
//! Layout: magic, format (u32 LE), blake3 of the rest (32 bytes), the encoded state. What is not whole is not read.

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
    // In one buffer: of a large job it is large, and this happens after each batch.
    let mut bytes = postcard::to_extend(state, vec![0; HEADER]).unwrap_or_else(|_| vec![0; HEADER]);
    let digest = Digest::of(&bytes[HEADER..]);
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    bytes[12..HEADER].copy_from_slice(digest.as_bytes());
    let staged = path.with_file_name(NEW);
    disk::write(&staged, &bytes)?;
    disk::rename(&staged, path)
}
