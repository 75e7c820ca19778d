//! A file read straight into shared memory: no copy of it stands beside it, as one would where a `Vec` becomes an `Arc`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::{Result, if_there};

/// `len` bytes in shared memory, filled by `fill` before anybody shares them.
///
/// # Errors
/// What `fill` says.
pub fn shared_bytes<E>(
    len: usize,
    fill: impl FnOnce(&mut [u8]) -> std::result::Result<(), E>,
) -> std::result::Result<Arc<[u8]>, E> {
    let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, len).collect();
    Arc::get_mut(&mut bytes).map_or(Ok(()), fill)?;
    Ok(bytes)
}

/// As `read_if_there`, for bytes that are handed around.
///
/// # Errors
/// If it is there and cannot be read.
pub fn read_shared_if_there(path: &Path) -> Result<Option<Arc<[u8]>>> {
    if_there(read(path), "read", path)
}

fn read(path: &Path) -> io::Result<Arc<[u8]>> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let bytes = usize::try_from(len).map_err(io::Error::other).and_then(|len| shared_bytes(len, |into| file.read_exact(into)));
    // One that becomes longer or shorter meanwhile is read as any other.
    match bytes {
        Ok(bytes) if file.read(&mut [0])? == 0 => Ok(bytes),
        _ => std::fs::read(path).map(Into::into),
    }
}
