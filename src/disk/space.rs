//! How much room a file system has, and where it begins.

use std::path::{Path, PathBuf};

use super::stat;

/// The room on a file system, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Where it is mounted.
    pub mount: PathBuf,
    /// What this user may still take.
    pub free: u64,
    pub total: u64,
}

/// The room on the file system of `path`, or of the nearest folder above it that is there; `None` where it cannot be told.
#[must_use]
pub fn space(path: &Path) -> Option<Space> {
    let path = super::absolute(path).ok()?;
    let there = path.ancestors().find(|p| super::exists(p))?;
    let dev = stat(there).ok()??.dev;
    let is_same = |p: &&Path| stat(p).ok().flatten().is_some_and(|s| s.dev == dev);
    let mount = there.ancestors().take_while(is_same).last()?.to_path_buf();
    let (free, total) = free_and_total(there)?;
    Some(Space { mount, free, total })
}

#[cfg(unix)]
fn free_and_total(path: &Path) -> Option<(u64, u64)> {
    let told = rustix::fs::statvfs(path).ok()?;
    Some((told.f_bavail.saturating_mul(told.f_frsize), told.f_blocks.saturating_mul(told.f_frsize)))
}

#[cfg(not(unix))]
fn free_and_total(_path: &Path) -> Option<(u64, u64)> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_a_file_that_is_not_there_is_that_of_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let (here, below) = (space(dir.path()).unwrap(), space(&dir.path().join("no/such")).unwrap());
        assert_eq!((&here.mount, here.total), (&below.mount, below.total));
        assert!(here.total > 0 && here.free <= here.total && dir.path().starts_with(&here.mount));
    }
}
