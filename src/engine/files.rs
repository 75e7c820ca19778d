//! The source index: which bytes a file holds, by its stat tuple as long as that can be trusted, else by hashing it.
//!
//! An entry is trusted on (device, inode, size, mtime, ctime) alone. It is settled if both stamps were older than a probe
//! file's at hashing time: then no later write can carry the same stamps.

use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::Digest as _;

use crate::digest::Digest;
use crate::disk::{self, DiskError, StatTuple};
use crate::store::records::FileEntry;
use crate::store::state::State;

/// Stamps on another file system than the probe's are compared with this much room.
const OTHER_FILE_SYSTEM_NS: i64 = 2_000_000_000;
/// A file that changes while it is hashed is read again this often.
const TRIES: usize = 3;

/// A file to know the digest of.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub path: PathBuf,
    /// Also its SHA-256, for the job's `source_sha_map`.
    pub sha256: bool,
}

/// The key of a path in the index.
#[must_use]
pub fn index_key(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A stamp of the file system's clock, from a file made for it below `staging`; `None` where nothing may be written.
#[must_use]
pub fn probe(staging: &Path) -> Option<StatTuple> {
    let path = staging.join("clock");
    disk::write(&path, b"").ok()?;
    disk::write(&path, b".").ok()?;
    disk::stat(&path).ok()?
}

fn is_settled(stat: &StatTuple, probe: Option<&StatTuple>) -> bool {
    let newest = stat.mtime_ns.max(stat.ctime_ns);
    probe.is_some_and(|p| {
        if p.dev == stat.dev { newest < p.mtime_ns } else { newest < p.mtime_ns.saturating_sub(OTHER_FILE_SYSTEM_NS) }
    })
}

/// What became of looking at one file.
pub enum Seen {
    /// The entry in the index is right.
    Known,
    /// It was hashed: store this.
    Hashed(FileEntry),
}

/// Whether the index already knows each file as it is.
pub fn look_known(wanted: &[Wanted], known: &State) -> Vec<bool> {
    let is_known = |w: &Wanted| {
        let entry = known.files.peek(&index_key(&w.path));
        let trusted = entry.filter(|e| e.settled && (e.sha256.is_some() || !w.sha256));
        trusted.is_some_and(|e| disk::stat(&w.path).ok().flatten() == Some(e.stat))
    };
    wanted.par_iter().with_min_len(64).map(is_known).collect()
}

/// Looks at many files at once, on the current thread pool. `known` is the index so far.
pub fn look(wanted: &[Wanted], known: &State, probe: Option<&StatTuple>) -> Vec<Result<Seen, DiskError>> {
    wanted.par_iter().with_min_len(64).map(|w| look_at(w, known.files.peek(&index_key(&w.path)).as_ref(), probe)).collect()
}

fn look_at(wanted: &Wanted, entry: Option<&FileEntry>, probe: Option<&StatTuple>) -> Result<Seen, DiskError> {
    let missing = || DiskError::new("read", &wanted.path, std::io::Error::from(std::io::ErrorKind::NotFound));
    let stat = disk::stat(&wanted.path)?.ok_or_else(missing)?;
    if entry.is_some_and(|e| e.settled && e.stat == stat && (e.sha256.is_some() || !wanted.sha256)) {
        return Ok(Seen::Known);
    }
    hash(&wanted.path, wanted.sha256, entry, probe).map(Seen::Hashed)
}

/// Hashes the file at `path`; its SHA-256 is taken over from `before` if the bytes are the same.
///
/// # Errors
/// If it cannot be read, or does not hold still for long enough to be read once.
pub fn hash(path: &Path, sha256: bool, before: Option<&FileEntry>, probe: Option<&StatTuple>) -> Result<FileEntry, DiskError> {
    for _ in 0..TRIES {
        let first = disk::stat(path)?;
        let mut file = disk::open(path)?;
        let need_sha = sha256 && before.and_then(|b| b.sha256).is_none();
        let size = first.map_or(0, |s| s.size);
        let (digest, mut sha) = read_through(&mut file, size, need_sha).map_err(|e| DiskError::new("read", path, e))?;
        let last = disk::stat(path)?;
        if let (Some(stat), true) = (last, first == last) {
            if sha256 && sha.is_none() {
                sha = before.filter(|b| b.digest == digest).and_then(|b| b.sha256);
            }
            if sha256 && sha.is_none() {
                let again = read_through(&mut disk::open(path)?, size, true).map_err(|e| DiskError::new("read", path, e))?;
                if again.0 != digest {
                    continue;
                }
                sha = again.1;
            }
            return Ok(FileEntry { stat, digest, sha256: sha, settled: is_settled(&stat, probe) });
        }
    }
    Err(DiskError::new("read", path, std::io::Error::other("it keeps changing while it is read")))
}

/// Most bytes read at once.
const BUFFER_BYTES: u64 = 128 << 10;

/// `size` is what the file probably has: most are small, and to clear a large buffer for each takes longer than to read them.
fn read_through(file: &mut std::fs::File, size: u64, sha256: bool) -> std::io::Result<(Digest, Option<[u8; 32]>)> {
    let mut blake = blake3::Hasher::new();
    let mut sha = sha2::Sha256::new();
    let mut buffer = vec![0; usize::try_from(size.saturating_add(1).min(BUFFER_BYTES)).unwrap_or(1)];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        blake.update(&buffer[..n]);
        if sha256 {
            sha.update(&buffer[..n]);
        }
    }
    Ok((Digest::of_hasher(&blake), sha256.then(|| sha.finalize().into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_within_one_step_of_the_clock_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("source.txt");
        let wanted = [Wanted { path: path.clone(), sha256: true }];
        let mut state = State::default();
        for _ in 0..100 {
            disk::write(&path, b"one").unwrap();
            let probe = probe(dir.path());
            state.files.put(index_key(&path), hash(&path, true, None, probe.as_ref()).unwrap());
            // Most of the time, the stamps are what they were.
            disk::write(&path, b"two").unwrap();
            let seen = look(&wanted, &state, probe.as_ref()).remove(0).unwrap();
            assert!(matches!(seen, Seen::Hashed(e) if e.digest == Digest::of(b"two")));
        }
    }

    #[test]
    fn an_entry_is_settled_if_its_stamps_are_older_than_the_probe() {
        let at = |mtime_ns, ctime_ns| StatTuple { dev: 1, mtime_ns, ctime_ns, ..StatTuple::default() };
        let probe = at(5, 5);
        assert!(is_settled(&at(4, 4), Some(&probe)));
        assert!(!is_settled(&at(5, 4), Some(&probe)) && !is_settled(&at(4, 5), Some(&probe)));
        assert!(!is_settled(&at(4, 4), None));
        let elsewhere = StatTuple { dev: 2, ..at(4, 4) };
        assert!(!is_settled(&elsewhere, Some(&probe)), "another file system has another clock");
    }
}
