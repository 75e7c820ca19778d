//! The files of the project that gates read: those that the Ingestfile names (schemas), and those that these refer to, however
//! far. Read once per build, so that all verdicts of a build are about the same bytes. What a reference is, the judge knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::error::EngineError;
use super::graph::GateSpec;
use super::verdict::{GateInput, Judge};
use crate::digest::Digest;
use crate::disk;

/// Files by path relative to the root.
#[derive(Clone, Debug, Default)]
pub struct GateFiles(BTreeMap<String, GateFile>);

#[derive(Clone, Debug)]
struct GateFile {
    digest: Digest,
    bytes: Arc<[u8]>,
    /// Paths that it refers to.
    refers_to: Vec<String>,
}

impl GateFiles {
    /// Reads `names` below `root`, and all that they lead to.
    ///
    /// # Errors
    /// If one cannot be read, refers to what is not there, or leads out of the root.
    pub fn from_disk<'a>(root: &Path, names: impl Iterator<Item = &'a str>, judge: &dyn Judge) -> Result<Self, EngineError> {
        let mut read = |path: &Path| -> Result<(Digest, Arc<[u8]>), EngineError> {
            let bytes = disk::read(path)?;
            Ok((Digest::of(&bytes), bytes.into()))
        };
        Self::read(root, names, judge, &mut read)
    }

    /// The same, with the bytes and digests that `read` gives.
    ///
    /// # Errors
    /// As `from_disk`, or what `read` ends in.
    pub fn read<'a, E: From<EngineError>>(
        root: &Path,
        names: impl Iterator<Item = &'a str>,
        judge: &dyn Judge,
        read: &mut dyn FnMut(&Path) -> Result<(Digest, Arc<[u8]>), E>,
    ) -> Result<Self, E> {
        let mut files = BTreeMap::new();
        let mut open: Vec<(String, Option<String>)> = names.map(|name| (name.to_owned(), None)).collect();
        while let Some((name, referrer)) = open.pop() {
            if files.contains_key(&name) {
                continue;
            }
            let at = root.join(&name);
            if let Some(referrer) = referrer {
                check_referred(root, &at, &name, &referrer)?;
            }
            let (digest, bytes) = read(&at)?;
            let refers_to = judge.refers_to(&name, &bytes).map_err(EngineError::Gate)?;
            open.extend(refers_to.iter().map(|other| (other.clone(), Some(name.clone()))));
            files.insert(name, GateFile { digest, bytes, refers_to });
        }
        Ok(Self(files))
    }

    /// Paths of all files, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What a gate reads of them: each file that it names, then what that leads to, sorted.
    #[must_use]
    pub fn of(&self, gate: &GateSpec) -> Vec<GateInput> {
        let input = |name: &str| self.0.get(name).map(|f| GateInput { name: name.to_owned(), bytes: f.bytes.clone() });
        self.names_for(gate).into_iter().filter_map(input).collect()
    }

    /// Name and digest of each of them, in the same order.
    pub fn digests_of<'a>(&'a self, gate: &'a GateSpec) -> impl Iterator<Item = (&'a str, Digest)> {
        let digest = |name| self.0.get(name).map_or(Digest::from_bytes([0; 32]), |f| f.digest);
        self.names_for(gate).into_iter().map(move |name| (name, digest(name)))
    }

    fn names_for<'a>(&'a self, gate: &'a GateSpec) -> Vec<&'a str> {
        let mut all = Vec::new();
        for name in &gate.files {
            let mut led_to = BTreeSet::new();
            let mut open = vec![name.as_str()];
            while let Some(next) = open.pop() {
                if led_to.insert(next) {
                    open.extend(self.0.get(next).iter().flat_map(|f| &f.refers_to).map(String::as_str));
                }
            }
            led_to.remove(name.as_str());
            all.push(name.as_str());
            all.extend(led_to);
        }
        all
    }
}

/// A file that another one refers to is there, and no link leads out of the root.
fn check_referred(root: &Path, at: &Path, name: &str, referrer: &str) -> Result<(), EngineError> {
    if !disk::is_file(at) {
        return Err(EngineError::Gate(format!("`{referrer}` refers to `{name}`, which does not exist")));
    }
    if !disk::lies_below(at, root)? {
        return Err(EngineError::Gate(format!("`{referrer}` refers to `{name}`, which lies outside the project")));
    }
    Ok(())
}
