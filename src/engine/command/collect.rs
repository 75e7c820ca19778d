//! What a command wrote, taken out of its private folder into the store. A command is trusted with nothing here: kinds are
//! looked at before anything is opened, no link is followed, and names must be those of files on every system.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use super::CommandError;
use crate::builtin::TreeEntry;
use crate::digest::Digest;
use crate::disk::{self, DiskError, Kind};
use crate::engine::execute::{OutputSlot, RunError};
use crate::fail_point::{self, FailPoint};
use crate::rel_path::{self, RelPath};
use crate::store::cas::Cas;
use crate::store::records::{Stored, StoredFile, StoredTree};

/// Folders within folders of a tree.
const MOST_DEEP: usize = 32;
/// Files of a tree. A book of 2,400 pages with a file for each table and picture stays far below.
const MOST_FILES: usize = 100_000;

/// Whether the private folder at `at` and its `outputs/` are what they were made as, with no link and no device among the
/// outputs: through a link in their place, files of somebody else's would be taken.
///
/// # Errors
/// `CommandError::Planted` for the first such thing.
pub(super) fn check_folders(at: &Path) -> Result<(), RunError> {
    let outputs = at.join("outputs");
    for (folder, name) in [(at, "."), (&*outputs, "outputs")] {
        match disk::kind(folder)? {
            Some(Kind::Folder) => {}
            Some(other) => return Err(planted(name, other)),
            None => return Err(CommandError::NoOutput(name.to_owned()).into()),
        }
    }
    let odd = disk::read_dir_sorted(&outputs)?.into_iter().find(|e| matches!(e.kind, Kind::Symlink | Kind::Other));
    odd.map_or(Ok(()), |e| Err(planted(&format!("outputs/{}", rel_path::legible(&e.name)), e.kind)))
}

fn planted(name: &str, kind: Kind) -> RunError {
    CommandError::Planted { name: name.to_owned(), what: word(kind) }.into()
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "a file",
        Kind::Folder => "a folder",
        Kind::Symlink => "a link",
        Kind::Other => "a pipe, a socket or a device",
    }
}

/// The output of `slot`, which the command was to write to `path` below `at`. `count` tells the items of a JSON file.
///
/// # Errors
/// If it is missing, of another kind, or holds what is refused.
pub(super) fn output(
    at: &Path,
    path: &str,
    slot: &OutputSlot,
    cas: &Cas,
    count: &dyn Fn(&[u8]) -> Option<u64>,
) -> Result<Stored, RunError> {
    let file = at.join(path);
    let odd = |kind| CommandError::OddOutput {
        name: slot.name.clone(),
        what: word(kind),
        wanted: if slot.tree { "a folder" } else { "a file" },
    };
    match (disk::kind(&file)?, slot.tree) {
        (None, _) => Err(CommandError::NoOutput(slot.name.clone()).into()),
        (Some(Kind::File), false) => {
            let bytes = disk::read(&file)?;
            let digest = Digest::of(&bytes);
            fail_point::reach(FailPoint::OutputHashed, &file)?;
            keep(at, &file, &digest, cas)?;
            Ok(Stored::File(StoredFile { digest, bytes: bytes.len() as u64, items: count(&bytes).unwrap_or(1) }))
        }
        (Some(Kind::Folder), true) => {
            let mut tree = Tree::new(at, &slot.name, cas, MOST_FILES);
            tree.add_folder(&file, "", 1)?;
            Ok(Stored::Tree(StoredTree::new(tree.entries)))
        }
        (Some(kind), _) => Err(odd(kind).into()),
    }
}

/// A tree as it is collected.
struct Tree<'a> {
    at: &'a Path,
    slot: &'a str,
    cas: &'a Cas,
    entries: Vec<TreeEntry>,
    /// Names of files and folders so far, each by what it is called where case and Unicode form do not count.
    taken: BTreeMap<String, String>,
    /// Files and folders that were listed.
    seen: usize,
    most: usize,
}

impl<'a> Tree<'a> {
    fn new(at: &'a Path, slot: &'a str, cas: &'a Cas, most: usize) -> Self {
        Self { at, slot, cas, entries: Vec::new(), taken: BTreeMap::new(), seen: 0, most }
    }
}

impl Tree<'_> {
    /// Adds what lies in `folder`, the `depth`-th on the way down; `prefix` is its name with a `/`, or "".
    fn add_folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), RunError> {
        let too_much = |most, what| CommandError::TooMuch { name: self.slot.to_owned(), most, what };
        if depth > MOST_DEEP {
            return Err(too_much(MOST_DEEP, "folders within each other").into());
        }
        let found = disk::read_dir_sorted(folder)?;
        self.seen += found.len();
        if self.seen > self.most {
            return Err(too_much(self.most, "files and folders").into());
        }
        for entry in found {
            let name = self.claim(prefix, &entry.name)?;
            match entry.kind {
                Kind::Folder => self.add_folder(&entry.path, &format!("{name}/"), depth + 1)?,
                Kind::File => {
                    let bytes = disk::read(&entry.path)?;
                    let digest = Digest::of(&bytes);
                    keep(self.at, &entry.path, &digest, self.cas)?;
                    self.entries.push(TreeEntry { name, digest, bytes: bytes.len() as u64, attrs: String::new() });
                }
                odd => return Err(planted(&format!("{}/{name}", self.slot), odd)),
            }
        }
        Ok(())
    }

    /// The name of an entry of the tree, in NFC: one that every system has, and that is no other entry's on any.
    fn claim(&mut self, prefix: &str, name: &OsStr) -> Result<String, RunError> {
        let shown = format!("{prefix}{}", rel_path::legible(name));
        let refused = |why: String| CommandError::BadName { name: shown.clone(), why };
        let text = name.to_str().ok_or_else(|| refused(rel_path::NOT_UNICODE.to_owned()))?;
        if let Some(why) = rel_path::unportable(text) {
            return Err(refused(why.to_owned()).into());
        }
        let name = RelPath::parse(&format!("{prefix}{text}")).map_err(|e| refused(e.to_string()))?.as_str().to_owned();
        match self.taken.insert(rel_path::folded(&name), shown.clone()) {
            None => Ok(name),
            Some(first) => {
                let why = rel_path::same_where(&first, &shown);
                Err(CommandError::SameName { first, second: shown, why }.into())
            }
        }
    }
}

/// Moves what a command wrote into the store. A hard link to a file of somebody else's is copied: a later write through its
/// other name must not reach the store.
fn keep(at: &Path, path: &Path, digest: &Digest, cas: &Cas) -> Result<(), DiskError> {
    if !disk::has_other_names(path) {
        return cas.put_file(path, digest);
    }
    // Beside `outputs/`, where no name of an output can be the same.
    let private = at.join("private-copy");
    disk::copy_private(path, &private)?;
    cas.put_file(&private, digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_no_more_files_and_folders_than_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let cas = Cas::new(dir.path().join("cas"));
        let tree = dir.path().join("outputs/t");
        for name in ["a/1", "a/2", "b"] {
            disk::create_dir_all(tree.join(name).parent().unwrap()).unwrap();
            disk::write(&tree.join(name), name.as_bytes()).unwrap();
        }
        let collected = |most| {
            let mut tree = Tree::new(dir.path(), "t", &cas, most);
            tree.add_folder(&dir.path().join("outputs/t"), "", 1).map(|()| tree.entries.len())
        };
        let told = collected(3).unwrap_err().to_string();
        assert_eq!(told, "the command's output `t` holds more than 3 files and folders");
        assert_eq!(collected(4).unwrap(), 3);
    }
}
