//! Unions of more records than memory holds: sorted runs of them in private files, then merged. Knows nothing of what a
//! record says.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

use super::derive::{PieceOf, SpliceError, read_piece};
use crate::builtin::{Keyed, Union};
use crate::disk;
use crate::store::cas::Cas;

/// Bytes of records in memory at one time, with what each costs beside its bytes.
const RUN: usize = 2 << 20;
const RECORD: usize = 64;
/// After so many runs they become twice as long, so that there are never too many files open.
const RUNS: usize = 64;

/// Writes the union of `pieces`.
///
/// # Errors
/// `Failure` for a piece that does not parse; a blob that is missing or damaged; what `out` or the disk refuses.
pub fn write(union: &Union, pieces: &[PieceOf], cas: &Cas, out: &mut dyn Write) -> Result<(), SpliceError> {
    let mut sorting = Sorting { union, cas, run: RUN, records: Vec::new(), bytes: 0, spilt: Vec::new() };
    for piece in pieces {
        for record in (union.take)(&read_piece(piece, cas)?)? {
            sorting.add(record)?;
        }
    }
    sorting.write(out)
}

struct Sorting<'a> {
    union: &'a Union,
    cas: &'a Cas,
    run: usize,
    records: Vec<Keyed>,
    bytes: usize,
    spilt: Vec<Spilt>,
}

/// A run in a file, which is removed with it.
struct Spilt(PathBuf);

impl Drop for Spilt {
    fn drop(&mut self) {
        // What stays is emptied with the folder.
        let _ = disk::remove_file(&self.0);
    }
}

impl Sorting<'_> {
    fn add(&mut self, record: Keyed) -> Result<(), SpliceError> {
        self.bytes += record.key.len() + record.value.len() + RECORD;
        self.records.push(record);
        if self.bytes >= self.run { self.spill() } else { Ok(()) }
    }

    /// The records in memory, in order, one for each key.
    fn sorted(&mut self) -> Vec<Keyed> {
        self.bytes = 0;
        let mut records = std::mem::take(&mut self.records);
        // Of equal keys the earlier piece's stays first.
        records.sort_by(|a, b| a.key.cmp(&b.key));
        let mut united: Vec<Keyed> = Vec::with_capacity(records.len());
        for record in records {
            match united.last_mut().filter(|last| last.key == record.key) {
                Some(last) => last.value = (self.union.unite)(&record.key, std::mem::take(&mut last.value), record.value),
                None => united.push(record),
            }
        }
        united
    }

    fn spill(&mut self) -> Result<(), SpliceError> {
        let records = self.sorted();
        let spilt = Spilt(self.cas.staged());
        disk::write(&spilt.0, b"").map_err(crate::store::StoreError::from)?;
        let file = disk::open_append(&spilt.0).map_err(crate::store::StoreError::from)?;
        let mut out = BufWriter::with_capacity(64 * 1024, file);
        for record in &records {
            write_part(&mut out, &record.key)?;
            write_part(&mut out, &record.value)?;
        }
        out.flush()?;
        self.spilt.push(spilt);
        if self.spilt.len().is_multiple_of(RUNS) {
            self.run *= 2;
        }
        Ok(())
    }

    fn write(mut self, out: &mut dyn Write) -> Result<(), SpliceError> {
        let mut runs = Vec::with_capacity(self.spilt.len() + 1);
        for spilt in &self.spilt {
            let file = disk::open(&spilt.0).map_err(crate::store::StoreError::from)?;
            runs.push(Run::Spilt(BufReader::with_capacity(32 * 1024, file)));
        }
        runs.push(Run::Held(self.sorted().into_iter()));
        let mut merged = Merged { union: self.union, runs, heads: BinaryHeap::new(), failed: None };
        (0..merged.runs.len()).for_each(|run| merged.advance(run));
        Ok((self.union.write)(&mut merged, out)?)
    }
}

fn write_part(out: &mut dyn Write, part: &[u8]) -> io::Result<()> {
    out.write_all(&(part.len() as u64).to_le_bytes())?;
    out.write_all(part)
}

/// A sorted run.
enum Run {
    Spilt(BufReader<File>),
    Held(std::vec::IntoIter<Keyed>),
}

impl Run {
    fn next(&mut self) -> io::Result<Option<Keyed>> {
        let file = match self {
            Self::Held(records) => return Ok(records.next()),
            Self::Spilt(file) => file,
        };
        if file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        Ok(Some(Keyed { key: read_part(file)?, value: read_part(file)? }))
    }
}

fn read_part(file: &mut BufReader<File>) -> io::Result<Vec<u8>> {
    let mut len = [0; 8];
    file.read_exact(&mut len)?;
    let len = u64::from_le_bytes(len);
    let mut part = Vec::new();
    if file.take(len).read_to_end(&mut part)? as u64 == len { Ok(part) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// The records of all runs in order, one for each key.
struct Merged<'a> {
    union: &'a Union,
    runs: Vec<Run>,
    /// The next key of each run, the run, and the value.
    heads: BinaryHeap<Reverse<(Vec<u8>, usize, Vec<u8>)>>,
    failed: Option<io::Error>,
}

impl Merged<'_> {
    fn advance(&mut self, run: usize) {
        match self.runs[run].next() {
            Ok(Some(Keyed { key, value })) => self.heads.push(Reverse((key, run, value))),
            Ok(None) => {}
            Err(e) => self.failed = Some(e),
        }
    }

    fn pop(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        let Reverse((key, run, value)) = self.heads.pop()?;
        self.advance(run);
        Some((key, value))
    }
}

impl Iterator for Merged<'_> {
    type Item = io::Result<Keyed>;

    fn next(&mut self) -> Option<Self::Item> {
        // A run that cannot be read has no head, and must not pass for one that is at its end.
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let (key, mut value) = self.pop()?;
        while self.heads.peek().is_some_and(|Reverse((next, ..))| *next == key) {
            if let Some((_, other)) = self.pop() {
                value = (self.union.unite)(&key, value, other);
            }
        }
        Some(self.failed.take().map_or(Ok(Keyed { key, value }), Err))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::builtin::{Failure, Piece};
    use crate::store::records::StoredFile;

    /// Lines `key value`; equal keys have their values one after the other.
    static LINES: Union = Union {
        take: |piece: &Piece| {
            let text = String::from_utf8_lossy(&piece.bytes).into_owned();
            let record = |line: &str| line.split_once(' ').map(|(k, v)| Keyed { key: k.into(), value: v.into() });
            text.lines().map(|l| record(l).ok_or_else(|| Failure::new(crate::builtin::FailureKind::BadArtifact, l))).collect()
        },
        unite: |_, a, b| [a, b].concat(),
        write: |records, out| {
            for record in records {
                let Keyed { key, value } = record?;
                out.write_all(&[&key[..], b" ", &value, b"\n"].concat())?;
            }
            Ok(())
        },
    };

    fn united(dir: &Path, run: usize, pieces: &[&str]) -> String {
        let cas = Cas::new(dir.join("cas"));
        disk::create_dir_all(&dir.join("staging")).unwrap();
        let mut sorting = Sorting { union: &LINES, cas: &cas, run, records: Vec::new(), bytes: 0, spilt: Vec::new() };
        for piece in pieces {
            let file = StoredFile { digest: cas.put(piece.as_bytes()).unwrap(), bytes: 0, items: 1 };
            let piece = PieceOf { item_id: String::new(), attrs: String::new(), file };
            (LINES.take)(&read_piece(&piece, &cas).unwrap()).unwrap().into_iter().for_each(|r| sorting.add(r).unwrap());
        }
        let mut out = Vec::new();
        sorting.write(&mut out).unwrap();
        assert!(disk::read_dir_sorted(&dir.join("staging")).unwrap().is_empty(), "nothing is left behind");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_run_that_cannot_be_read_back_is_an_error_and_never_an_end() {
        let dir = tempfile::tempdir().unwrap();
        let cas = Cas::new(dir.path().join("cas"));
        disk::create_dir_all(&dir.path().join("staging")).unwrap();
        let mut sorting = Sorting { union: &LINES, cas: &cas, run: 1, records: Vec::new(), bytes: 0, spilt: Vec::new() };
        sorting.add(Keyed { key: b"a".to_vec(), value: b"1".to_vec() }).unwrap();
        disk::write(&sorting.spilt[0].0, b"\x01").unwrap();
        let mut out = Vec::new();
        assert!(sorting.write(&mut out).is_err(), "{out:?}");
    }

    #[test]
    fn runs_of_any_length_come_to_the_same_in_the_order_of_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let pieces = ["b 1\na 1\nc 1\n", "c 2\na 2\n", "d 3\na 3\nc 3\n"];
        for run in [1, 2 * RECORD, 3 * RECORD, RUN] {
            assert_eq!(united(dir.path(), run, &pieces), "a 123\nb 1\nc 123\nd 3\n", "{run}");
        }
        assert_eq!(united(dir.path(), RUN, &[]), "");
    }

    #[test]
    fn many_runs_become_longer() {
        let dir = tempfile::tempdir().unwrap();
        let text: String = (0..500).map(|n| format!("{:03} x\n", (n * 7) % 500)).collect();
        let expected: String = (0..500).map(|n| format!("{n:03} x\n")).collect();
        assert_eq!(united(dir.path(), 1, &[&text]), expected);
    }
}
