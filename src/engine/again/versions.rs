//! The two versions of what differs: compared where they differ first, and kept for people below a folder of their own.

use std::path::PathBuf;

use super::place::{Place, first_difference};
use super::{Again, Derivation, Difference, Known};
use crate::builtin::TreeEntry;
use crate::digest::Digest;
use crate::disk;
use crate::engine::command;
use crate::engine::execute::Made;
use crate::engine::observe::ActionName;
use crate::store::StoreError;
use crate::store::cas::Cas;
use crate::store::records::{Derived, Stored};

/// Longer names of items are cut.
const LONGEST_NAME: usize = 100;

/// Both versions of what an action or a derivation made.
pub(super) struct Versions<'a> {
    name: &'a ActionName,
    again: &'a Again<'a>,
    /// Reads what was made either time.
    cas: &'a Cas,
    /// Declared variables: what they hold is not shown.
    env: &'a [(String, String)],
}

impl<'a> Versions<'a> {
    pub(super) fn new(name: &'a ActionName, again: &'a Again<'a>, cas: &'a Cas, env: &'a [(String, String)]) -> Self {
        Self { name, again, cas, env }
    }

    /// The first output that differs; of all that do, both versions are kept.
    pub(super) fn of_action(&self, known: &Known, second: &Made) -> Result<Option<Difference>, StoreError> {
        let mut found = Vec::new();
        for ((path, a), b) in known.paths.iter().zip(&*known.first.outputs).zip(&second.outputs).filter(|((_, a), b)| a != b) {
            found.push(match (a, b) {
                (Stored::File(a), Stored::File(b)) => self.of_file(path, &a.digest, &b.digest)?,
                (Stored::Tree(a), Stored::Tree(b)) => self.of_tree(path, &a.entries, &b.entries)?,
                _ => self.sentence(path, format!("`{path}` is a file one time, and a folder the other")),
            });
        }
        if found.is_empty() && *known.first.counts != *second.counts {
            let message = format!("what it counts differs: {:?}, then {:?}", known.first.counts, second.counts);
            found.push(Difference { message, ..Difference::of(self.name) });
        }
        Ok(found.into_iter().next())
    }

    pub(super) fn of_derivation(&self, derivation: &Derivation, second: &Derived) -> Result<Difference, StoreError> {
        let mut found = self.of_file(&derivation.path, &derivation.first.digest, &second.digest)?;
        found.message = format!("{} of {}", derivation.what(), found.message);
        Ok(found)
    }

    fn of_file(&self, path: &str, first: &Digest, second: &Digest) -> Result<Difference, StoreError> {
        let (a, b) = (self.cas.read(first)?, self.cas.read(second)?);
        if a == b {
            return Ok(self.sentence(path, format!("the items of `{path}` are counted in two ways")));
        }
        self.keep("first", path, &a)?;
        self.keep("second", path, &b)?;
        let clean = |text: &str| (self.again.redact)(&command::named(text, self.env));
        let Place { pointer, offset, line, first, second } = first_difference(&a, &b, &clean);
        let at = match (&pointer, offset) {
            (Some(pointer), _) if pointer.is_empty() => "as a whole".to_owned(),
            (Some(pointer), _) => format!("at {pointer}"),
            (None, offset) => format!("at byte {} (line {line})", offset.unwrap_or_default()),
        };
        let message = format!("`{path}` differs {at}: {first} the first time, {second} the second");
        let kept = Some(self.shown_folder());
        Ok(Difference {
            output: Some(path.to_owned()),
            message,
            pointer,
            offset,
            first,
            second,
            kept,
            ..Difference::of(self.name)
        })
    }

    /// All files that differ are kept; the first in the order of the first time is told.
    fn of_tree(&self, path: &str, a: &[TreeEntry], b: &[TreeEntry]) -> Result<Difference, StoreError> {
        let mut told = None;
        for first in a {
            let at = format!("{path}{}", first.name);
            let found = match b.iter().find(|second| second.name == first.name) {
                Some(second) if second == first => continue,
                Some(second) if second.digest == first.digest => self.sentence(&at, format!("`{at}` is placed in two ways")),
                Some(second) => self.of_file(&at, &first.digest, &second.digest)?,
                None => self.only("first", &at, &first.digest)?,
            };
            told.get_or_insert(found);
        }
        for second in b.iter().filter(|second| a.iter().all(|first| first.name != second.name)) {
            let at = format!("{path}{}", second.name);
            let found = self.only("second", &at, &second.digest)?;
            told.get_or_insert(found);
        }
        Ok(told.unwrap_or_else(|| self.sentence(path, format!("the files of `{path}` come in two orders"))))
    }

    /// A file of a tree that was made one time only.
    fn only(&self, time: &str, at: &str, digest: &Digest) -> Result<Difference, StoreError> {
        self.keep(time, at, &self.cas.read(digest)?)?;
        let kept = Some(self.shown_folder());
        Ok(Difference { kept, ..self.sentence(at, format!("`{at}` was made the {time} time only")) })
    }

    fn sentence(&self, path: &str, message: String) -> Difference {
        Difference { output: Some(path.to_owned()), message, ..Difference::of(self.name) }
    }

    fn keep(&self, time: &str, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let to = self.folder().join(time).join(plain(path));
        disk::create_dir_all(to.parent().unwrap_or(&to))?;
        Ok(disk::write(&to, bytes)?)
    }

    fn folder(&self) -> PathBuf {
        self.again.keep_in.join(plain(&self.name.rule)).join(plain(&self.name.item))
    }

    fn shown_folder(&self) -> String {
        let folder = self.folder();
        folder.strip_prefix(self.again.root).unwrap_or(&folder).to_string_lossy().replace('\\', "/")
    }
}

/// A relative path that every file system takes, for a name of any kind; a segment that had to be changed ends in a digest.
fn plain(name: &str) -> PathBuf {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-{}".contains(c);
    let segment = |text: &str| {
        let kept: String = text.chars().map(|c| if is_plain(c) { c } else { '_' }).take(LONGEST_NAME).collect();
        if kept == text && !kept.starts_with('.') { kept } else { format!("_{kept}-{}", Digest::of(text.as_bytes()).short(8)) }
    };
    name.split('/').filter(|s| !s.is_empty()).map(segment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_but_below() {
        let shown = |name| plain(name).to_string_lossy().replace('\\', "/");
        assert_eq!(shown("core.pdf/part-01"), "core.pdf/part-01");
        assert_eq!(shown(""), "");
        let odd = shown("../a:b/Größe.txt");
        let segments: Vec<&str> = odd.split('/').collect();
        assert_eq!(segments.len(), 3);
        assert!(
            segments[0].starts_with("_..-") && segments[1].starts_with("_a_b-") && segments[2].starts_with("_Gr__e.txt-"),
            "{odd}"
        );
        assert_ne!(shown("a:b"), shown("a_b"));
        assert!(shown(&"x".repeat(300)).len() < 120);
    }
}
