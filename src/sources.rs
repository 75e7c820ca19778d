//! The sources folder: which files are sources, what they are called, and what was passed over. Reads names, never contents.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::disk;
use crate::engine::items::SourceFile;
use crate::rel_path::RelPath;
use crate::source_id::source_id;

/// What a walk found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Sorted by path.
    pub sources: Vec<SourceFile>,
    /// Files that no pattern takes, sorted.
    pub ignored: Vec<String>,
    /// Files that cannot be sources whatever they are called: (name as far as it can be shown, reason), sorted.
    pub refused: Vec<(String, String)>,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    #[error("cannot read the sources folder `{path}`: {message}")]
    Unreadable { path: String, message: String },
    #[error("`{first}` and `{second}` have the same source id `{id}`: rename one of them")]
    Clash { id: String, first: String, second: String },
}

/// Walks `root`, without `left_out` (the cache, what is published); `take` tells whether a path below it is a source, and
/// `told` is a path without what must not stand in an id.
///
/// # Errors
/// If a folder cannot be read, or two files get one id.
pub fn find(
    root: &Path,
    left_out: &[PathBuf],
    take: &dyn Fn(&str) -> bool,
    told: fn(&str) -> Cow<'_, str>,
) -> Result<Found, SourcesError> {
    let mut found = Found::default();
    let walk = walkdir::WalkDir::new(root).follow_links(false).sort_by_file_name();
    let entries = walk.into_iter().filter_entry(|e| !(e.file_type().is_dir() && left_out.iter().any(|l| e.path() == l)));
    for entry in entries {
        let entry = entry.map_err(|e| unreadable(root, &e))?;
        if entry.file_type().is_dir() {
            continue;
        }
        let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let shown = below.to_string_lossy().replace('\\', "/");
        if !take(&shown) {
            found.ignored.push(shown);
            continue;
        }
        match accept(root, entry.path(), below, &shown, told) {
            Ok(source) => found.sources.push(source),
            Err(reason) => found.refused.push((shown, reason)),
        }
    }
    found.sources.sort_by(|a, b| a.path.cmp(&b.path));
    let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
    for s in &found.sources {
        if let Some(first) = ids.insert(&s.id, &s.path) {
            return Err(SourcesError::Clash { id: s.id.clone(), first: first.to_owned(), second: s.path.clone() });
        }
    }
    Ok(found)
}

fn unreadable(root: &Path, e: &walkdir::Error) -> SourcesError {
    let path = e.path().unwrap_or(root).display().to_string();
    let message = e.io_error().map_or_else(|| "its links form a loop".to_owned(), disk::plain);
    SourcesError::Unreadable { path, message }
}

fn accept(root: &Path, file: &Path, below: &Path, shown: &str, told: fn(&str) -> Cow<'_, str>) -> Result<SourceFile, String> {
    if below.to_str().is_none() {
        return Err("its name is not Unicode".to_owned());
    }
    let path = RelPath::parse(shown).map_err(|e| e.to_string())?;
    let seen = disk::kind(file).map_err(|e| e.to_string())?;
    match seen {
        Some(disk::Kind::File) => {}
        Some(disk::Kind::Symlink) => {
            let target = disk::canonical(file).map_err(|_| "the link leads nowhere".to_owned())?;
            let home = disk::canonical(root).map_err(|e| e.to_string())?;
            if !target.starts_with(&home) {
                return Err("the link leads out of the sources folder".to_owned());
            }
            if !disk::is_file(&target) {
                return Err("the link leads to no file".to_owned());
            }
        }
        _ => return Err("it is neither a file nor a folder".to_owned()),
    }
    Ok(SourceFile { id: source_id(&path, &told(path.as_str())), path: path.as_str().to_owned(), file: file.to_path_buf() })
}
