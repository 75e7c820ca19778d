//! The sources folder: which files are sources, what they are called, and what was passed over and why. Reads names; of what
//! nobody takes also the first bytes, to tell a book that is only called wrongly.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use crate::disk;
use crate::engine::items::SourceFile;
use crate::engine::observe::PassedOver;
use crate::rel_path::{self, RelPath};
use crate::source_id::source_id;

/// How many files that no pattern takes are opened to see what they are.
const LOOKED_INTO: usize = 100;
/// How every PDF begins.
const PDF: &[u8] = b"%PDF-";

/// What a walk found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Sorted by path.
    pub sources: Vec<SourceFile>,
    /// What no pattern takes, in the order of the walk; the reason is "" where there is no more to say.
    pub ignored: Vec<PassedOver>,
    /// What cannot be a source and must not be overlooked: files that a pattern takes, folders that cannot be read.
    pub refused: Vec<PassedOver>,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    #[error("cannot read the sources folder `{path}`: {message}")]
    Unreadable { path: String, message: String },
}

/// What to look for, and how to call it.
pub struct Rules<'a> {
    /// Folders that are passed over: the cache, what is published.
    pub left_out: &'a [PathBuf],
    /// Whether a path below the folder is a source.
    pub take: &'a dyn Fn(&str) -> bool,
    /// Why a source of this path could not be published, if it could not.
    pub unpublishable: &'a dyn Fn(&str) -> Option<String>,
    /// A path without what must not stand in an id.
    pub told: fn(&str) -> Cow<'_, str>,
}

/// Walks `root`, which is absolute and without links. What is wrong with one file or folder below it is told in `Found`.
///
/// # Errors
/// If the folder itself cannot be read.
pub fn find(root: &Path, rules: &Rules<'_>) -> Result<Found, SourcesError> {
    let mut found = Found::default();
    let mut to_look_into = LOOKED_INTO;
    let walk = walkdir::WalkDir::new(root).follow_links(false).sort_by_file_name();
    let entries = walk.into_iter().filter_entry(|e| !(e.file_type().is_dir() && rules.left_out.iter().any(|l| e.path() == l)));
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                found.refused.extend(unreadable(root, &e)?);
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let shown = shown(below);
        if !(rules.take)(&shown) {
            let reason = ignored(&entry, &shown, rules, &mut to_look_into);
            found.ignored.push(PassedOver { path: shown, reason });
            continue;
        }
        match accept(root, entry.path(), below, &shown, rules) {
            Ok(Some(source)) => found.sources.push(source),
            Ok(None) => {}
            Err(reason) => found.refused.push(PassedOver { path: shown, reason }),
        }
    }
    found.sources.sort_by(|a, b| a.path.cmp(&b.path));
    refuse_same_ids(root, &mut found);
    found.refused.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Segments parted by `/`, bytes that are no Unicode as `\xff`.
fn shown(below: &Path) -> String {
    let text = rel_path::legible(below.as_os_str());
    if cfg!(windows) { text.replace('\\', "/") } else { text }
}

/// A folder that cannot be looked into. What has vanished since its folder was read is nobody's business; that the folder
/// itself cannot be read is an error.
fn unreadable(root: &Path, e: &walkdir::Error) -> Result<Option<PassedOver>, SourcesError> {
    let path = e.path().unwrap_or(root);
    let message = e.io_error().map_or_else(|| "its links form a loop".to_owned(), disk::plain);
    if path == root {
        return Err(SourcesError::Unreadable { path: root.display().to_string(), message });
    }
    let is_gone = e.io_error().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound);
    let path = shown(path.strip_prefix(root).unwrap_or(path));
    Ok((!is_gone).then(|| PassedOver { path, reason: format!("it cannot be read: {message}") }))
}

/// What there is to say of something that no pattern takes.
fn ignored(entry: &walkdir::DirEntry, shown: &str, rules: &Rules<'_>, to_look_into: &mut usize) -> String {
    if entry.path_is_symlink() {
        let leads_to_folder = disk::is_dir(entry.path());
        return if leads_to_folder { "a link to a folder is not followed: the folder itself must lie here" } else { "" }
            .to_owned();
    }
    // Pipes are never opened: a reader would wait for their writer.
    if !entry.file_type().is_file() || shown.to_lowercase().ends_with(".pdf") || *to_look_into == 0 {
        return String::new();
    }
    *to_look_into -= 1;
    if !begins_as_pdf(entry.path()) {
        return String::new();
    }
    let name = format!("{shown}.pdf");
    match (rules.take)(&name) {
        true => format!(
            "it is a PDF by its content: call it `{}`, or let `include` take it",
            name.rsplit('/').next().unwrap_or(&name)
        ),
        false => String::new(),
    }
}

fn begins_as_pdf(path: &Path) -> bool {
    let mut begin = [0; PDF.len()];
    disk::open(path).is_ok_and(|mut file| file.read_exact(&mut begin).is_ok()) && begin == *PDF
}

/// The source at `file`; nothing if it has vanished meanwhile.
fn accept(root: &Path, file: &Path, below: &Path, shown: &str, rules: &Rules<'_>) -> Result<Option<SourceFile>, String> {
    if below.to_str().is_none() {
        return Err(rel_path::NOT_UNICODE.to_owned());
    }
    let path = RelPath::parse_found(shown).map_err(|e| e.reason().to_owned())?;
    match disk::kind(file).map_err(|e| disk::plain(&e.source))? {
        Some(disk::Kind::File) => {}
        Some(disk::Kind::Symlink) => check_link(root, file)?,
        None => return Ok(None),
        Some(_) => return Err("it is neither a file nor a folder".to_owned()),
    }
    if let Some(reason) = (rules.unpublishable)(path.as_str()) {
        return Err(reason);
    }
    let id = source_id(&path, &(rules.told)(path.as_str()));
    Ok(Some(SourceFile { id, path: path.as_str().to_owned(), file: file.to_path_buf() }))
}

fn check_link(root: &Path, link: &Path) -> Result<(), String> {
    let is_below = disk::lies_below(link, root).map_err(|e| match e.kind() {
        _ if disk::is_loop(&e.source) => "the link leads back to itself".to_owned(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => "the link leads nowhere".to_owned(),
        _ => format!("the link cannot be followed: {}", disk::plain(&e.source)),
    })?;
    if !is_below {
        Err("the link leads out of the sources folder".to_owned())
    } else if disk::is_dir(link) {
        Err("the link leads to a folder, and those are not followed".to_owned())
    } else if !disk::is_file(link) {
        Err("the link leads to no file".to_owned())
    } else {
        Ok(())
    }
}

/// Sources of one id are all refused, each naming another: which of them is meant cannot be told.
fn refuse_same_ids(root: &Path, found: &mut Found) {
    let mut by_id: BTreeMap<&str, Vec<&SourceFile>> = BTreeMap::new();
    found.sources.iter().for_each(|s| by_id.entry(&s.id).or_default().push(s));
    let raw = |s: &SourceFile| shown(s.file.strip_prefix(root).unwrap_or(&s.file));
    let mut refused = Vec::new();
    for (id, same) in by_id.iter().filter(|(_, same)| same.len() > 1) {
        for (ix, source) in same.iter().enumerate() {
            let other = raw(same[usize::from(ix == 0)]);
            let own = raw(source);
            let reason = if own.nfc().eq(other.nfc()) {
                format!("its name differs from that of `{}` in Unicode form only: rename one of them", spelt(&other))
            } else {
                format!("it has the source id `{id}`, as `{other}` has: rename one of them")
            };
            refused.push((source.file.clone(), PassedOver { path: own, reason }));
        }
    }
    found.sources.retain(|s| refused.iter().all(|(file, _)| *file != s.file));
    found.refused.extend(refused.into_iter().map(|(_, told)| told));
}

/// A name with its letters beyond ASCII as numbers: in that alone two Unicode forms can be told apart.
fn spelt(name: &str) -> String {
    let one = |c: char| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() };
    name.chars().map(one).collect()
}
