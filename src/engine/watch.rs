//! Files that a command reads where they lie: what it made counts only if they held still while it ran.
//! Knows neither rules nor keys: paths, stat tuples and digests.

use std::path::{Path, PathBuf};

use super::execute::RunError;
use super::files;
use crate::digest::Digest;
use crate::disk::{self, StatTuple};
use crate::store::records::FileEntry;

/// A command runs at most this often because stamps of a file moved while its bytes came out equal.
const RUNS: usize = 2;

/// A file that a command reads where it lies, as it was when the action's key was made.
#[derive(Clone, Debug)]
pub struct InPlace {
    pub path: PathBuf,
    pub entry: FileEntry,
}

/// How a file stood when a run began.
struct Watched<'a> {
    file: &'a InPlace,
    stat: StatTuple,
    /// No later write can leave `stat` as it is.
    settled: bool,
}

/// What became of the files while a command ran.
enum Held {
    Still,
    /// The bytes are what they were, the stamps are not: other bytes may have stood there in between.
    Touched(PathBuf),
}

/// Does `work`, which reads `files` where they lie. If stamps of one moved meanwhile, whatever its bytes are afterwards, the
/// work is done again; two runs that began and ended with the right bytes and made the same are believed.
///
/// # Errors
/// Those of `work`; `RunError::Changed` if a file holds other bytes than the key says, or would not hold still.
pub fn run<T: PartialEq, E: From<RunError>>(files: &[InPlace], work: impl Fn() -> Result<T, E>) -> Result<T, E> {
    let mut before = None;
    let mut runs = 0;
    loop {
        let watched = files.iter().map(begin).collect::<Result<Vec<_>, _>>()?;
        let made = work();
        let Held::Touched(path) = end(&watched)? else { return made };
        let made = made?;
        if before.as_ref() == Some(&made) {
            return Ok(made);
        }
        runs += 1;
        if runs == RUNS {
            return Err(RunError::Changed(path).into());
        }
        before = Some(made);
    }
}

fn begin(file: &InPlace) -> Result<Watched<'_>, RunError> {
    let stat = disk::stat(&file.path)?;
    if file.entry.settled && stat == Some(file.entry.stat) {
        return Ok(Watched { file, stat: file.entry.stat, settled: true });
    }
    let seen = hash(&file.path, &file.entry.digest)?;
    Ok(Watched { file, stat: seen, settled: false })
}

fn end(watched: &[Watched<'_>]) -> Result<Held, RunError> {
    let mut held = Held::Still;
    for Watched { file, stat, settled } in watched {
        let same = disk::stat(&file.path)? == Some(*stat);
        if same && *settled {
            continue;
        }
        hash(&file.path, &file.entry.digest)?;
        if !same {
            held = Held::Touched(file.path.clone());
        }
    }
    Ok(held)
}

/// The stat tuple of the file, if it holds the bytes of `digest`.
fn hash(path: &Path, digest: &Digest) -> Result<StatTuple, RunError> {
    match files::hash(path, false, None, None) {
        Ok(entry) if entry.digest == *digest => Ok(entry.stat),
        _ => Err(RunError::Changed(path.to_path_buf())),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn file(dir: &Path, text: &str) -> InPlace {
        let path = dir.join("declared.txt");
        disk::write(&path, text.as_bytes()).unwrap();
        let entry = files::hash(&path, false, None, None).unwrap();
        InPlace { path, entry }
    }

    #[test]
    fn a_file_that_holds_still_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        let (file, runs) = (file(dir.path(), "1"), Cell::new(0));
        let made = run(&[file], || {
            runs.set(runs.get() + 1);
            Ok::<_, RunError>(runs.get())
        });
        assert_eq!((made.unwrap(), runs.get()), (1, 1));
    }

    #[test]
    fn other_bytes_at_the_end_are_a_change_whatever_was_made() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(dir.path(), "1");
        let path = file.path.clone();
        let made = run(&[file], || Ok(disk::write(&path, b"2")?));
        assert!(matches!(made, Err(RunError::Changed(p)) if p == path));
    }

    #[test]
    fn an_edit_that_was_taken_back_makes_it_run_again() {
        let dir = tempfile::tempdir().unwrap();
        let (file, runs) = (file(dir.path(), "1"), Cell::new(0));
        let path = file.path.clone();
        let read_between = |edits: usize| {
            let (file, path, runs) = (file.clone(), &path, &runs);
            runs.set(0);
            run(&[file], move || {
                runs.set(runs.get() + 1);
                if runs.get() > edits {
                    return Ok(disk::read(path)?);
                }
                disk::write(path, format!("edit {}", runs.get()).as_bytes())?;
                let seen = disk::read(path)?;
                disk::write(path, b"1")?;
                Ok(seen)
            })
        };
        assert_eq!((read_between(1).unwrap(), runs.get()), (b"1".to_vec(), 2));
        assert!(matches!(read_between(9), Err(RunError::Changed(p)) if p == path));
    }
}
