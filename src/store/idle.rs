//! What "nothing to do" rested on when a build last ended well: the question, and the stat tuple of every file that the
//! answer depends on. While all of it is as it was, the answer is too, and no record needs to be read.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::records::FORMAT;
use crate::digest::Digest;
use crate::disk::{self, DiskError, StatTuple};

/// File name below the cache folder.
pub const NAME: &str = "idle.snapshot";

/// The ground of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idle {
    /// Digest of all that was asked and is no file: the Ingestfile's text, the job, declared environment.
    pub question: Option<Digest>,
    /// Every source, by path, sorted.
    pub sources: Vec<(PathBuf, StatTuple)>,
    /// What is published, and every other file that was read.
    pub files: Vec<(PathBuf, StatTuple)>,
    /// Documents that were set aside.
    pub quarantined: u64,
}

impl Idle {
    /// Reads what was written at `path`; nothing, if it is not whole.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        let bytes = disk::read(path).ok()?;
        let (head, body) = bytes.split_at_checked(36)?;
        let whole = head[..4] == FORMAT.to_le_bytes() && head[4..] == *Digest::of(body).as_bytes();
        if whole { postcard::from_bytes(body).ok() } else { None }
    }

    /// Puts it at `path`, by rename.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DiskError> {
        let body = postcard::to_stdvec(self).unwrap_or_default();
        let mut bytes = FORMAT.to_le_bytes().to_vec();
        bytes.extend_from_slice(Digest::of(&body).as_bytes());
        bytes.extend_from_slice(&body);
        disk::replace(path, &bytes)
    }

    /// Whether the answer to `question` over `sources` (sorted by path) still stands.
    #[must_use]
    pub fn holds<'a>(&self, question: Digest, sources: impl ExactSizeIterator<Item = &'a Path>) -> bool {
        let same_sources = sources.len() == self.sources.len() && sources.zip(&self.sources).all(|(a, (b, _))| a == b);
        let unchanged = |(path, stat): &(PathBuf, StatTuple)| disk::stat(path).ok().flatten() == Some(*stat);
        self.question == Some(question)
            && same_sources
            && self.sources.par_iter().with_min_len(256).all(unchanged)
            && self.files.par_iter().with_min_len(256).all(unchanged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_stands_while_every_file_is_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let (source, other) = (dir.path().join("a.txt"), dir.path().join("b.json"));
        disk::write(&source, b"1").unwrap();
        disk::write(&other, b"2").unwrap();
        let entry = |p: &Path| (p.to_path_buf(), disk::stat(p).unwrap().unwrap());
        let question = Digest::of(b"?");
        let idle = Idle { question: Some(question), sources: vec![entry(&source)], files: vec![entry(&other)], quarantined: 2 };
        let at = dir.path().join(NAME);
        idle.write(&at).unwrap();
        let read = Idle::read(&at).unwrap();
        assert_eq!(read.quarantined, 2);
        assert!(read.holds(question, [source.as_path()].into_iter()));
        assert!(!read.holds(Digest::of(b"other"), [source.as_path()].into_iter()));
        assert!(!read.holds(question, std::iter::empty::<&Path>().collect::<Vec<_>>().into_iter()));
        disk::write(&other, b"longer").unwrap();
        assert!(!read.holds(question, [source.as_path()].into_iter()));
    }

    #[test]
    fn what_is_torn_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join(NAME);
        Idle { question: Some(Digest::of(b"?")), ..Idle::default() }.write(&at).unwrap();
        let bytes = disk::read(&at).unwrap();
        for n in 0..bytes.len() {
            disk::write(&at, &bytes[..n]).unwrap();
            assert_eq!(Idle::read(&at), None, "{n} bytes");
        }
    }
}
