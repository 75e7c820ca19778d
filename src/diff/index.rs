//! Where in an array the items of each source stand. The array is walked once and nothing of it kept but places and digests;
//! then the items of one source at a time are read, in whatever order the sources come.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::DiffError;
use super::read::Pull;
use crate::digest::Digest;
use crate::disk::{self, DiskError};

/// An array, walked.
pub(super) struct Index {
    file: File,
    pub(super) path: PathBuf,
    pub(super) sources: BTreeMap<String, Held>,
}

/// What an array holds of a source.
pub(super) struct Held {
    /// Of its items, in their order.
    pub(super) digest: Digest,
    runs: Vec<Run>,
}

/// Items of one source that follow each other.
struct Run {
    offset: u64,
    bytes: u64,
    /// Index of the first in the array.
    first: u64,
    items: u64,
}

/// The items of a source as they are written, to be read as an array.
pub(super) struct Items {
    pub(super) text: String,
    /// Index of the first item of each run, and how many there are.
    runs: Vec<(u64, u64)>,
}

impl Items {
    /// Index in the file of the item that is `nth` here.
    fn index(&self, nth: usize) -> u64 {
        let mut left = nth as u64;
        for (first, items) in &self.runs {
            if left < *items {
                return first + left;
            }
            left -= items;
        }
        left
    }

    /// The items, each with its index in the file.
    ///
    /// # Errors
    /// If the file was written while it was read.
    pub(super) fn each(&self, path: &Path) -> Result<Vec<(u64, &RawValue)>, DiffError> {
        let items: Vec<&RawValue> =
            serde_json::from_str(&self.text).map_err(|_| DiffError::Changed { path: path.to_path_buf() })?;
        Ok(items.into_iter().enumerate().map(|(nth, raw)| (self.index(nth), raw)).collect())
    }
}

#[derive(Deserialize)]
struct OfSource<'a> {
    #[serde(borrow)]
    source_id: Cow<'a, str>,
}

impl Index {
    /// Walks the array in the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, is no array, or an item names no source.
    pub(super) fn of(path: &Path) -> Result<Self, DiffError> {
        let file = disk::open(path)?;
        let mut pull = Pull::new(path.to_path_buf(), &file);
        pull.open(b'[', "")?;
        let mut sources: BTreeMap<String, (blake3::Hasher, Vec<Run>)> = BTreeMap::new();
        let (mut index, mut last) = (0, String::new());
        while pull.goes_on(index == 0, b']')? {
            let raw = pull.value()?;
            let (offset, end) = (raw.offset, raw.offset + raw.text.len() as u64);
            let source_id = source_of(raw.text, index, path)?;
            let goes_on = index > 0 && *source_id == *last;
            if !goes_on {
                last = source_id.into_owned();
            }
            let (hasher, runs) = sources.entry(last.clone()).or_default();
            hasher.update(raw.text.as_bytes());
            hasher.update(b"\0");
            match runs.last_mut().filter(|_| goes_on) {
                Some(run) => (run.bytes, run.items) = (end - run.offset, run.items + 1),
                None => runs.push(Run { offset, bytes: end - offset, first: index, items: 1 }),
            }
            index += 1;
        }
        pull.end()?;
        let held = |(hasher, runs): (blake3::Hasher, Vec<Run>)| Held { digest: Digest::of_hasher(&hasher), runs };
        let sources = sources.into_iter().map(|(id, found)| (id, held(found))).collect();
        Ok(Self { file, path: path.to_path_buf(), sources })
    }

    /// Reads what it holds of a source; nothing, if that is none of its sources.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn read(&self, source_id: &str) -> Result<Items, DiffError> {
        let runs = self.sources.get(source_id).map_or(&[][..], |held| &held.runs);
        let mut bytes = vec![b'['];
        for run in runs {
            if bytes.len() > 1 {
                bytes.push(b',');
            }
            let mut file = &self.file;
            let read = file.seek(SeekFrom::Start(run.offset)).and_then(|_| file.take(run.bytes).read_to_end(&mut bytes));
            read.map_err(|e| DiskError::new("read", &self.path, e))?;
        }
        bytes.push(b']');
        let text = String::from_utf8(bytes).map_err(|_| DiffError::Changed { path: self.path.clone() })?;
        Ok(Items { text, runs: runs.iter().map(|r| (r.first, r.items)).collect() })
    }
}

fn source_of<'a>(item: &'a str, index: u64, path: &Path) -> Result<Cow<'a, str>, DiffError> {
    if !item.starts_with('{') {
        return Err(DiffError::shape(path, &format!("/{index}"), "an object is expected here"));
    }
    match serde_json::from_str::<OfSource<'_>>(item) {
        Ok(of) => Ok(of.source_id),
        Err(e) => Err(DiffError::shape(path, &format!("/{index}/source_id"), &super::sentence(&e))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_a_source_are_found_wherever_they_stand() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        let json = "[{\"source_id\":\"b\",\"n\":0},\n{\"source_id\":\"a\",\"n\":1}, {\"source_id\":\"a\",\"n\":2},\
                    {\"source_id\":\"b\",\"n\":3}]";
        disk::write(&path, json.as_bytes()).unwrap();
        let index = Index::of(&path).unwrap();
        assert_eq!(index.sources.keys().collect::<Vec<_>>(), ["a", "b"]);
        let places = |id: &str| -> Vec<u64> { index.read(id).unwrap().each(&path).unwrap().iter().map(|(n, _)| *n).collect() };
        assert_eq!((places("a"), places("b"), places("c")), (vec![1, 2], vec![0, 3], vec![]));
        assert_eq!(index.read("b").unwrap().each(&path).unwrap()[1].1.get(), "{\"source_id\":\"b\",\"n\":3}");
        let other = dir.path().join("y.json");
        disk::write(&other, b"[{\"source_id\":\"a\",\"n\":1},\n{\"source_id\":\"a\",\"n\":2}]").unwrap();
        assert_eq!(Index::of(&other).unwrap().sources["a"].digest, index.sources["a"].digest);
    }

    #[test]
    fn an_item_without_a_source_is_named_by_its_pointer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        let told = |json: &str| {
            disk::write(&path, json.as_bytes()).unwrap();
            let message = Index::of(&path).map(|_| ()).unwrap_err().to_string();
            message.rsplit_once("` is not of the shape").unwrap().1.to_owned()
        };
        assert_eq!(told("[{\"source_id\":\"a\"},{\"n\":1}]"), " at `/1/source_id`: missing field `source_id`");
        assert_eq!(told("[7]"), " at `/0`: an object is expected here");
        assert!(told("[{\"source_id\":7}]").starts_with(" at `/0/source_id`: invalid type: integer `7`"));
    }
}
