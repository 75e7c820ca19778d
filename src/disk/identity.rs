//! What a file is beside its bytes: a program, one of several names, what a handle still stands for, where it really lies.
//! Changes nothing.

#![allow(clippy::disallowed_methods, reason = "part of the module through which the file system is reached")]

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};

use super::{Result, StatTuple, stat, to};

/// `path` is a file that the system would start.
#[must_use]
pub fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    let may_run = |m: &Metadata| std::os::unix::fs::PermissionsExt::mode(&m.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may_run = |_: &Metadata| true;
    fs::metadata(path).is_ok_and(|m| m.is_file() && may_run(&m))
}

/// The file at `path` has other names as well (hard links): a write through one of them would reach it. Where the system
/// does not tell, it has none.
#[must_use]
pub fn has_other_names(path: &Path) -> bool {
    #[cfg(unix)]
    let names = |m: Metadata| std::os::unix::fs::MetadataExt::nlink(&m);
    #[cfg(not(unix))]
    let names = |_: Metadata| 1;
    fs::symlink_metadata(path).is_ok_and(|m| names(m) > 1)
}

/// Whether the open `file` is still what `path` names; always, where the system has no inodes.
///
/// # Errors
/// If either cannot be looked at.
pub fn is_still_at(file: &File, path: &Path) -> Result<bool> {
    let opened = StatTuple::of(&file.metadata().map_err(to("look at", path))?);
    Ok(stat(path)?.is_some_and(|named| (named.dev, named.ino) == (opened.dev, opened.ino)))
}

/// The absolute path, all links resolved, as people and programs write it: on Windows without the `\\?\` that `cmd` does not
/// take for a folder to run in, unless the path is too long to be written otherwise.
///
/// # Errors
/// If it is not there or cannot be resolved.
pub fn canonical(path: &Path) -> Result<PathBuf> {
    dunce::canonicalize(path).map_err(to("look at", path))
}

/// Whether `path` is `folder` or lies below it, all links resolved.
///
/// # Errors
/// If either is not there or cannot be resolved.
pub fn lies_below(path: &Path, folder: &Path) -> Result<bool> {
    // Both in one form, however long each is.
    let resolved = |path: &Path| fs::canonicalize(path).map_err(to("look at", path));
    Ok(resolved(path)?.starts_with(resolved(folder)?))
}
