//! Merges and projections of files: pure functions of blobs, computed once per key and remembered.

use std::io::{self, Read, Write};
use std::sync::Arc;

use super::union;
use crate::builtin::{Attrs, Failure, FailureKind, Item, Level, Merge, MergeError, Piece, Pieces, Project};
use crate::digest::Digest;
use crate::store::StoreError;
use crate::store::cas::Cas;
use crate::store::packed::Packer;
use crate::store::records::{Derived, StoredFile};

/// One computation, with all that it reads.
#[derive(Clone)]
pub enum Work {
    Merge { merge: Merge, level: Level, pieces: Vec<PieceOf> },
    Project { apply: fn(&[u8], &Item, &Attrs) -> Result<Vec<u8>, Failure>, item: Item, attrs: Attrs, input: StoredFile },
}

/// A piece of a merge, not yet read.
#[derive(Clone, Debug)]
pub struct PieceOf {
    pub item_id: String,
    pub attrs: Attrs,
    pub file: StoredFile,
}

/// A computation that is not remembered yet.
#[derive(Clone)]
pub struct Need {
    pub key: Digest,
    pub work: Work,
}

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum DeriveError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<SpliceError> for DeriveError {
    fn from(e: SpliceError) -> Self {
        match e {
            SpliceError::Store(e) => Self::Store(e),
            SpliceError::Failure(e) => Self::Failure(e),
            SpliceError::Io(e) => Self::Store(crate::disk::DiskError::new("write", std::path::Path::new("a merge"), e).into()),
        }
    }
}

/// Key of a merge: who merges (`code`), at which level, what in which order and place.
#[must_use]
pub fn merge_key(code: &str, output: &str, level: Level, pieces: &[PieceOf]) -> Digest {
    let mut h = Key::new("merge", code);
    h.add(output.as_bytes());
    h.add(if level == Level::WithinSource { b"within" } else { b"across" });
    for p in pieces {
        h.add(p.item_id.as_bytes());
        h.add(p.attrs.as_bytes());
        h.add(p.file.digest.as_bytes());
    }
    h.end()
}

/// Key of a projection: who projects, which one, for which item in which place, of what.
#[must_use]
pub fn project_key(code: &str, select: &str, item: &Item, attrs: &Attrs, input: &Digest) -> Digest {
    let mut h = Key::new("project", code);
    for part in [select, &item.id, &item.source_id, attrs] {
        h.add(part.as_bytes());
    }
    h.add(input.as_bytes());
    h.end()
}

struct Key(blake3::Hasher);

impl Key {
    fn new(what: &str, code: &str) -> Self {
        let mut key = Self(blake3::Hasher::new());
        key.add(what.as_bytes());
        key.add(code.as_bytes());
        key
    }

    fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    fn end(&self) -> Digest {
        Digest::of_hasher(&self.0)
    }
}

/// Does the work and stores its result; `count` tells the items of the result.
///
/// # Errors
/// If a blob is missing or damaged, or if the function refuses its input.
pub fn compute(work: &Work, cas: &Cas, count: &dyn Fn(&[u8]) -> Option<u64>) -> Result<Derived, DeriveError> {
    let bytes = match work {
        Work::Project { apply, item, attrs, input } => apply(&cas.read(&input.digest)?, item, attrs)?,
        Work::Merge { merge: Merge::Fold(merge), level, pieces } => read_all(pieces, cas, |read| Ok(merge(*level, read)?))?,
        Work::Merge { merge: Merge::Rebased(merge), level: Level::WithinSource, pieces } => {
            if pieces.iter().map(|p| p.file.bytes).sum::<u64>() > LARGE {
                let mut packer = Packer::new().map_err(SpliceError::Io)?;
                let items = read_all(pieces, cas, |read| Ok(merge(read, &mut packer)?))?;
                let (digest, bytes) = cas.put_packed(packer).map_err(StoreError::from)?;
                return Ok(Derived { digest, bytes, items });
            }
            let mut bytes = Vec::new();
            read_all(pieces, cas, |read| Ok(merge(read, &mut bytes)?))?;
            bytes
        }
        Work::Merge { merge, pieces, .. } => {
            let mut bytes = Vec::new();
            write_merged(*merge, pieces, cas, &mut bytes)?;
            bytes
        }
    };
    let digest = cas.put_at_hand(&bytes).map_err(StoreError::from)?;
    Ok(Derived { digest, bytes: bytes.len() as u64, items: count(&bytes).unwrap_or(1) })
}

/// Bytes from which on what a merge writes is packed as it comes, and never in memory as a whole.
const LARGE: u64 = 1 << 20;

/// Hands the pieces to `merge` one by one.
fn read_all<T>(
    pieces: &[PieceOf],
    cas: &Cas,
    merge: impl FnOnce(Pieces<'_>) -> Result<T, SpliceError>,
) -> Result<T, DeriveError> {
    let mut lost = None;
    let read = pieces.iter().map(|p| read_piece(p, cas));
    let mut read = read.map(|p| p.map_err(|e| Failure::new(FailureKind::MissingInput, lost.insert(e).to_string())));
    let merged = merge(&mut read);
    match lost {
        Some(error) => Err(error.into()),
        None => Ok(merged?),
    }
}

/// A piece with its bytes.
///
/// # Errors
/// If its blob is missing or damaged.
pub fn read_piece(piece: &PieceOf, cas: &Cas) -> Result<Piece, StoreError> {
    let bytes = cas.read(&piece.file.digest)? as Arc<[u8]>;
    Ok(Piece { item_id: piece.item_id.clone(), attrs: piece.attrs.clone(), bytes, items: piece.file.items })
}

/// Why pieces could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum SpliceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<MergeError> for SpliceError {
    fn from(e: MergeError) -> Self {
        match e {
            MergeError::Failure(e) => Self::Failure(e),
            MergeError::Io(e) => Self::Io(e),
        }
    }
}

/// Writes the merge of `pieces` over the job: the union that a built-in makes, else their JSON arrays as one, items as raw bytes.
/// One piece at a time is in memory, and of a union a bounded number of records.
///
/// # Errors
/// `Failure` of kind `BadArtifact`, naming the item whose bytes are no JSON array; a blob that is missing or damaged; what
/// `out` refuses.
pub fn write_merged(merge: Merge, pieces: &[PieceOf], cas: &Cas, out: &mut dyn Write) -> Result<(), SpliceError> {
    if let Merge::Union(made) = merge {
        return union::write(made, pieces, cas, out);
    }
    let read = pieces.iter().map(|p| Ok((p.item_id.as_str(), cas.open(&p.file.digest)?)));
    splice(read, merge.joint(), out)
}

fn splice<'a>(
    pieces: impl Iterator<Item = Result<(&'a str, Box<dyn Read>), SpliceError>>,
    joint: &[u8],
    out: &mut dyn Write,
) -> Result<(), SpliceError> {
    let mut array = Joined { out, joint, is_first: true, buffer: vec![0; BUFFER] };
    array.out.write_all(b"[")?;
    for piece in pieces {
        let (item_id, mut bytes) = piece?;
        if !array.add(&mut *bytes)? {
            let message = format!("the result of `{item_id}` is no JSON array, so it cannot be merged");
            return Err(Failure::new(FailureKind::BadArtifact, message).into());
        }
    }
    Ok(array.out.write_all(b"]")?)
}

/// An array that grows by the items of others, which are not read as items and never in memory as a whole.
struct Joined<'o> {
    out: &'o mut dyn Write,
    joint: &'o [u8],
    is_first: bool,
    buffer: Vec<u8>,
}

impl Joined<'_> {
    /// Adds what stands between the brackets of an array; `false` if it has none.
    fn add(&mut self, array: &mut dyn Read) -> io::Result<bool> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let added = self.add_through(&mut buffer, array);
        self.buffer = buffer;
        added
    }

    fn add_through(&mut self, buffer: &mut [u8], array: &mut dyn Read) -> io::Result<bool> {
        // Of its end, what may be the closing bracket and the white space around it.
        let (mut end, mut is_open, mut is_empty) = (Vec::new(), false, true);
        loop {
            let n = match array.read(buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let mut bytes = &buffer[..n];
            if !is_open {
                bytes = bytes.trim_ascii_start();
                match bytes.split_first() {
                    None => continue,
                    Some((b'[', rest)) => (bytes, is_open) = (rest, true),
                    Some(_) => return Ok(false),
                }
            }
            if is_empty {
                // The end, or white space before the first item.
                bytes = if end.is_empty() { bytes.trim_ascii_start() } else { bytes };
            }
            let sure = bytes.iter().rposition(|b| !b.is_ascii_whitespace() && *b != b']').map_or(0, |last| last + 1);
            if sure > 0 {
                self.put(&mut is_empty, &end)?;
                self.put(&mut is_empty, &bytes[..sure])?;
                end.clear();
            }
            end.extend_from_slice(&bytes[sure..]);
        }
        let Some(rest) = end.trim_ascii_end().strip_suffix(b"]").filter(|_| is_open) else { return Ok(false) };
        self.put(&mut is_empty, rest.trim_ascii_end())?;
        Ok(true)
    }

    fn put(&mut self, is_empty: &mut bool, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if *is_empty && !self.is_first {
            self.out.write_all(self.joint)?;
        }
        (*is_empty, self.is_first) = (false, false);
        self.out.write_all(bytes)
    }
}

/// Bytes that are read at once.
const BUFFER: usize = 64 * 1024;

/// A projection of a tree is a choice among its entries: done at once, never stored.
#[must_use]
pub fn tree_projection(apply: Project) -> Option<ProjectTree> {
    match apply {
        Project::Tree(f) => Some(f),
        Project::File(_) => None,
    }
}

/// The function behind a projection of trees.
pub type ProjectTree = fn(&[crate::builtin::TreeEntry], &Item, &Attrs) -> Result<Vec<crate::builtin::TreeEntry>, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(self.1).min(into.len());
            into[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn spliced(pieces: &[(&str, &'static str)], at_once: usize) -> Result<String, SpliceError> {
        let mut out = Vec::new();
        let slow = |bytes: &'static str| Box::new(Slow(bytes.as_bytes(), at_once)) as Box<dyn Read>;
        splice(pieces.iter().map(|(id, bytes)| Ok((*id, slow(bytes)))), b",\n", &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn arrays_are_spliced_as_raw_bytes_in_item_order() {
        let pieces = [("z", "[]"), ("a", "[1.50, 2]"), ("b", " [\n] "), ("c", "[ {\"x\":3}\n]\n"), ("d", "[[[]], [4, [5 ] ] ]")];
        for at_once in 1..40 {
            assert_eq!(spliced(&pieces, at_once).unwrap(), "[1.50, 2,\n{\"x\":3},\n[[]], [4, [5 ] ]]", "{at_once}");
            assert_eq!(spliced(&[], at_once).unwrap(), "[]");
        }
    }

    #[test]
    fn what_is_no_array_is_named() {
        for bytes in ["{}", "", " ", "[", "]", "[1", "1]"] {
            for at_once in [1, 9] {
                assert!(spliced(&[("bad", bytes)], at_once).unwrap_err().to_string().contains("`bad`"), "{bytes}");
            }
        }
    }
}
