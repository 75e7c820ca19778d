//! How the bytes of a published file come to be: a blob, or the pieces of a merge. Files are put in place as they are made,
//! piece by piece, so that no merge of a job stands in memory whole.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::Stop;
use crate::builtin::Merge;
use crate::digest::Digest;
use crate::disk::{self, DiskError, StatTuple};
use crate::engine::derive::{self, PieceOf, SpliceError};
use crate::fail_point::{self, FailPoint};
use crate::store::StoreError;
use crate::store::cas::Cas;
use crate::store::records::StoredFile;

/// How the bytes of a published file come to be.
#[derive(Clone)]
pub(super) enum Make {
    Copy(StoredFile),
    Merge(Merge, Vec<PieceOf>),
}

impl Make {
    /// All its bytes.
    pub(super) fn bytes(&self, cas: &Cas) -> Result<Arc<[u8]>, Stop> {
        match self {
            Self::Copy(file) => Ok(cas.read(&file.digest)?),
            Self::Merge(merge, pieces) => {
                let mut bytes = Vec::new();
                derive::write_merged(*merge, pieces, cas, &mut bytes).map_err(|e| stopped(e, Path::new("")))?;
                Ok(bytes.into())
            }
        }
    }

    /// Writes them to a file that nobody else reads yet.
    pub(super) fn stage(&self, to: &Path, cas: &Cas) -> Result<(), StoreError> {
        match self {
            Self::Copy(file) => Ok(disk::write(to, &cas.read(&file.digest)?)?),
            Self::Merge(merge, pieces) => {
                disk::write(to, b"")?;
                let mut out = io::BufWriter::new(disk::open_append(to)?);
                let written = derive::write_merged(*merge, pieces, cas, &mut out).and_then(|()| Ok(out.flush()?));
                written.map_err(|e| match e {
                    SpliceError::Store(e) => e,
                    other => DiskError::new("write", to, io::Error::other(other)).into(),
                })
            }
        }
    }

    /// A merge, made beside its place; `None` for a blob, which is known by itself.
    pub(super) fn prepare(&self, at: &Path, cas: &Cas) -> Result<Option<Merged>, Stop> {
        let Self::Merge(merge, pieces) = self else { return Ok(None) };
        or_with_folder(at, || Merged::beside(at, *merge, pieces, cas)).map(Some)
    }

    /// Puts them at `at`, by rename; their digest, how many they are, and the stat tuple of the file. `merged` is what
    /// `prepare` gave. `durable`: synced before anybody sees them.
    pub(super) fn put(
        &self,
        merged: Option<Merged>,
        at: &Path,
        cas: &Cas,
        durable: bool,
    ) -> Result<(Digest, u64, StatTuple), Stop> {
        let (digest, bytes) = match (self, merged) {
            (_, Some(merged)) => merged.put()?,
            (Self::Copy(file), None) => or_with_folder(at, || {
                let mut blob = cas.open(&file.digest)?;
                let mut copy = |out: &mut dyn Write| io::copy(&mut blob, &mut &mut *out).map(drop);
                if durable {
                    disk::atomic_write_with(at, &mut copy)?
                } else {
                    disk::replace_with(at, &mut copy)?
                }
                Ok((file.digest, file.bytes))
            })?,
            (Self::Merge(merge, pieces), None) => or_with_folder(at, || Merged::beside(at, *merge, pieces, cas))?.put()?,
        };
        let missing = || DiskError::new("find", at, io::ErrorKind::NotFound.into());
        let stat = disk::stat(at)?.ok_or_else(missing)?;
        fail_point::reach(FailPoint::FilePublished, at)?;
        Ok((digest, bytes, stat))
    }
}

/// Tries again with the folder of `at`, which is made only when it is missed.
fn or_with_folder<T>(at: &Path, make: impl Fn() -> Result<T, Stop>) -> Result<T, Stop> {
    match make() {
        Err(Stop::Error(_)) => {
            disk::create_dir_all(at.parent().unwrap_or(at))?;
            make()
        }
        made => made,
    }
}

/// A merge that stands beside its place.
pub(super) struct Merged {
    file: disk::Prepared,
    pub(super) digest: Digest,
    pub(super) bytes: u64,
}

impl Merged {
    fn beside(at: &Path, merge: Merge, pieces: &[PieceOf], cas: &Cas) -> Result<Self, Stop> {
        let mut hasher = blake3::Hasher::new();
        let mut failed = None;
        let prepared = disk::prepare(at, |file| {
            let mut out = Hashing { file, hasher: &mut hasher };
            derive::write_merged(merge, pieces, cas, &mut out).map_err(|e| match e {
                SpliceError::Io(e) => e,
                other => {
                    failed = Some(other);
                    io::ErrorKind::InvalidData.into()
                }
            })
        });
        match failed {
            Some(e) => Err(stopped(e, at)),
            None => Ok(Self { file: prepared?, digest: Digest::of_hasher(&hasher), bytes: hasher.count() }),
        }
    }

    fn put(self) -> Result<(Digest, u64), Stop> {
        self.file.put()?;
        Ok((self.digest, self.bytes))
    }
}

fn stopped(error: SpliceError, at: &Path) -> Stop {
    match error {
        SpliceError::Store(e) => e.into(),
        SpliceError::Io(e) => DiskError::new("write", at, e).into(),
        SpliceError::Failure(f) => Stop::Error(crate::engine::error::EngineError::Input(f.message)),
    }
}

/// Hashes what passes through.
struct Hashing<'a> {
    file: &'a mut dyn Write,
    hasher: &'a mut blake3::Hasher,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
