//! Keeps bytes that stood where we publish and were never ours, before they are replaced: in
//! `cache/rejected/<build>/<name>`. Knows nothing of whose bytes are whose.

use std::path::{Component, Path, PathBuf};

use crate::disk::{self, Result};

/// The folder of all that was kept, below the cache folder.
pub const FOLDER: &str = "rejected";

/// Copies the file `from`, published as `name` (its path below the job folder), to a place of its own below `cache` and
/// makes the copy last. Says where it is.
///
/// # Errors
/// If it cannot be copied: the caller must then leave the original alone.
pub fn keep(cache: &Path, build_id: &str, name: &str, from: &Path) -> Result<PathBuf> {
    put(cache, build_id, name, |to| disk::copy_private(from, to))
}

/// Keeps `bytes` as `keep` keeps a file.
///
/// # Errors
/// If they cannot be written.
pub fn keep_bytes(cache: &Path, build_id: &str, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    put(cache, build_id, name, |to| disk::write(to, bytes))
}

fn put(cache: &Path, build_id: &str, name: &str, write: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = cache.join(FOLDER).join(build_id);
    let mut to = folder.clone();
    // Nothing but plain names: a name can lead nowhere else.
    to.extend(Path::new(name).components().filter(|c| matches!(c, Component::Normal(_))));
    if to == folder {
        to.push("file");
    }
    let to = free(to);
    let parent = to.parent().unwrap_or(&folder);
    disk::create_dir_all(parent)?;
    write(&to)?;
    disk::sync_file(&to)?;
    disk::sync_folder(parent)?;
    Ok(to)
}

/// `path`, with `.2`, `.3`, … behind it while that is taken.
fn free(path: PathBuf) -> PathBuf {
    let numbered = |n: u64| {
        let mut name = path.clone().into_os_string();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    };
    if disk::exists(&path) { (2..).map(numbered).find(|p| !disk::exists(p)).unwrap_or(path) } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_bytes_are_kept_side_by_side_below_the_build() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("edited");
        disk::write(&from, b"by hand").unwrap();
        let kept: Vec<_> = ["parts/x.pdf", "parts/x.pdf", "../../x", "/"]
            .map(|name| keep(&dir.path().join("cache"), "b_1", name, &from).unwrap())
            .into_iter()
            .map(|p| p.strip_prefix(dir.path()).unwrap().to_string_lossy().replace('\\', "/"))
            .collect();
        let base = "cache/rejected/b_1";
        assert_eq!(kept, ["parts/x.pdf", "parts/x.pdf.2", "x", "file"].map(|n| format!("{base}/{n}")));
        assert_eq!(disk::read(&dir.path().join(&kept[1])).unwrap(), b"by hand");
    }
}
