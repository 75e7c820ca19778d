//! Merges and projections of files: pure functions of blobs, computed once per key and remembered.

use std::io::Write;
use std::sync::Arc;

use super::union;
use crate::builtin::{Attrs, Failure, FailureKind, Item, Level, Merge, Piece, Project};
use crate::digest::Digest;
use crate::store::StoreError;
use crate::store::cas::Cas;
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
        Work::Merge { merge: Merge::Fold(merge), level, pieces }
        | Work::Merge { merge: Merge::Rebased(merge), level: level @ Level::WithinSource, pieces } => {
            let mut lost = None;
            let mut read = pieces
                .iter()
                .map(|p| read_piece(p, cas).map_err(|e| Failure::new(FailureKind::MissingInput, lost.insert(e).to_string())));
            let merged = merge(*level, &mut read);
            match lost {
                Some(error) => return Err(error.into()),
                None => merged?,
            }
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

/// A piece with its bytes.
///
/// # Errors
/// If its blob is missing or damaged.
pub fn read_piece(piece: &PieceOf, cas: &Cas) -> Result<Piece, StoreError> {
    let bytes = cas.read(&piece.file.digest)? as Arc<[u8]>;
    Ok(Piece { item_id: piece.item_id.clone(), attrs: piece.attrs.clone(), bytes })
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
    let read = pieces.iter().map(|p| Ok((p.item_id.as_str(), cas.read(&p.file.digest)?)));
    splice(read, merge.joint(), out)
}

fn splice<'a>(
    pieces: impl Iterator<Item = Result<(&'a str, Arc<[u8]>), SpliceError>>,
    joint: &[u8],
    out: &mut dyn Write,
) -> Result<(), SpliceError> {
    out.write_all(b"[")?;
    let mut is_first = true;
    for piece in pieces {
        let (item_id, bytes) = piece?;
        let inner = bytes.trim_ascii().strip_prefix(b"[").and_then(|b| b.strip_suffix(b"]")).map(<[u8]>::trim_ascii);
        let Some(inner) = inner else {
            let message = format!("the result of `{item_id}` is no JSON array, so it cannot be merged");
            return Err(Failure::new(FailureKind::BadArtifact, message).into());
        };
        if inner.is_empty() {
            continue;
        }
        if !is_first {
            out.write_all(joint)?;
        }
        is_first = false;
        out.write_all(inner)?;
    }
    Ok(out.write_all(b"]")?)
}

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

    fn spliced(pieces: &[(&str, &str)]) -> Result<String, SpliceError> {
        let mut out = Vec::new();
        splice(pieces.iter().map(|(id, bytes)| Ok((*id, bytes.as_bytes().into()))), b",\n", &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn arrays_are_spliced_as_raw_bytes_in_item_order() {
        let merged = spliced(&[("z", "[]"), ("a", "[1.50, 2]"), ("b", " [] "), ("c", "[{\"x\":3}]")]).unwrap();
        assert_eq!(merged, "[1.50, 2,\n{\"x\":3}]");
        assert_eq!(spliced(&[]).unwrap(), "[]");
    }

    #[test]
    fn what_is_no_array_is_named() {
        assert!(spliced(&[("bad", "{}")]).unwrap_err().to_string().contains("`bad`"));
    }
}
