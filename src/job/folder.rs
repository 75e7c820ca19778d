//! Where the published folder of a job is: `{artifacts}/{env}/{job_id}/`, with `{artifacts}/{env}/current` naming the
//! current job in one line. Choosing reads only; nothing is made before a build has something to publish.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::manifest::{self, Manifest, ManifestError};
use super::utc;
use crate::disk::{self, DiskError};
use crate::rel_path;

/// Marks a folder of ours, by the convention of <https://bford.info/cachedir/>: backups may leave it out, and `clean` may
/// remove what we put there.
pub const CACHEDIR_TAG: &str =
    "Signature: 8a477f597d28d172789f06886806bc55\n# made by `ingest`: all that is in here can be built again\n";

/// Names the current job in an environment's folder.
const CURRENT: &str = "current";

/// Which job a command is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The current one; a new one if there is none.
    #[default]
    Current,
    /// A new one, which becomes the current one.
    New,
    /// This one, there or not.
    Named(String),
    /// The one in this folder, wherever that is.
    At(PathBuf),
}

/// Why no job folder can be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A name that would leave its folder, or that some file system refuses.
    #[error("`{name}` cannot be the name of {what}: {reason}")]
    BadName { what: &'static str, name: String, reason: &'static str },
    #[error("`{path}` does not name a job: `{text}`")]
    BadCurrent { path: PathBuf, text: String },
    #[error("`{0}` is a file, not a job folder")]
    NotAFolder(PathBuf),
}

/// A job and its folder, which may not be there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFolder {
    pub path: PathBuf,
    pub job_id: String,
    pub env: String,
    /// Where `current` is to name it, and whether it must; `None` for `--job-dir`.
    home: Option<(PathBuf, bool)>,
}

impl JobFolder {
    /// The folder that `choice` means. `now` names a new job.
    ///
    /// # Errors
    /// If a name is not safe, or `current` or a manifest cannot be read.
    pub fn choose(artifacts: &Path, env: &str, choice: &Choice, now: SystemTime) -> Result<Self, FolderError> {
        check_name("an environment", env)?;
        let home = artifacts.join(env);
        let (job_id, becomes_current) = match choice {
            Choice::At(path) => return Self::at(path, env),
            Choice::Named(id) => (checked_job(id)?, current(&home)?.is_none()),
            Choice::New => (new_id(&home, now), true),
            Choice::Current => match current(&home)? {
                Some(id) => (id, false),
                None => (new_id(&home, now), true),
            },
        };
        Ok(Self { path: home.join(&job_id), job_id, env: env.to_owned(), home: Some((home, becomes_current)) })
    }

    fn at(path: &Path, env: &str) -> Result<Self, FolderError> {
        if disk::is_file(path) {
            return Err(FolderError::NotAFolder(path.to_path_buf()));
        }
        let (job_id, env) = match Manifest::read(&path.join(manifest::FILE_NAME))? {
            Some(m) => (m.job_id, if m.env.is_empty() { env.to_owned() } else { m.env }),
            None => (path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(), env.to_owned()),
        };
        Ok(Self { path: path.to_path_buf(), job_id, env, home: None })
    }

    /// Makes the folder and its mark, and lets `current` name it if it is to. Does nothing that is already done.
    ///
    /// # Errors
    /// If something cannot be made or written.
    pub fn create(&self) -> Result<(), DiskError> {
        let Some((home, becomes_current)) = &self.home else { return disk::create_dir_all(&self.path) };
        disk::create_dir_all(home)?;
        let tag = home.join("CACHEDIR.TAG");
        if !disk::exists(&tag) {
            disk::atomic_write(&tag, CACHEDIR_TAG.as_bytes())?;
        }
        let line = format!("{}\n", self.job_id);
        let path = home.join(CURRENT);
        if *becomes_current && disk::read_if_there(&path)?.as_deref() != Some(line.as_bytes()) {
            disk::atomic_write(&path, line.as_bytes())?;
        }
        // Last, so that a build that dies here leaves no folder that nothing names.
        disk::create_dir_all(&self.path)
    }

    /// Removes what killed builds left of atomic writes, in this job or beside it.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub fn sweep(&self) -> Result<(), DiskError> {
        disk::remove_leftovers(&self.path)?;
        // The killed build may have been of another job or environment.
        let artifacts = self.home.as_ref().and_then(|(home, _)| home.parent());
        artifacts.map_or(Ok(0), disk::remove_leftovers).map(drop)
    }

    /// Its `manifest.json`.
    #[must_use]
    pub fn manifest_path(&self) -> PathBuf {
        self.path.join(manifest::FILE_NAME)
    }

    /// Its log.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.path.join("logs").join("ingest.ndjson")
    }
}

/// Whether `path` is a job folder of ours: it holds a manifest.
#[must_use]
pub fn is_job_folder(path: &Path) -> bool {
    matches!(Manifest::read(&path.join(manifest::FILE_NAME)), Ok(Some(_)))
}

/// Whether `path` bears our mark (or another tool's: the signature is common to all).
#[must_use]
pub fn is_tagged(path: &Path) -> bool {
    let signature = CACHEDIR_TAG.lines().next().unwrap_or_default();
    disk::read_if_there(&path.join("CACHEDIR.TAG")).is_ok_and(|b| b.is_some_and(|b| b.starts_with(signature.as_bytes())))
}

/// The job that `current` names, if there is such a file.
fn current(home: &Path) -> Result<Option<String>, FolderError> {
    let path = home.join(CURRENT);
    let Some(bytes) = disk::read_if_there(&path)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    match checked_job(&text) {
        Ok(id) => Ok(Some(id)),
        Err(_) => Err(FolderError::BadCurrent { path, text }),
    }
}

fn checked_job(id: &str) -> Result<String, FolderError> {
    check_name("a job", id)?;
    if id == CURRENT || id == "CACHEDIR.TAG" {
        return Err(FolderError::BadName { what: "a job", name: id.to_owned(), reason: "that name has another use" });
    }
    Ok(id.to_owned())
}

/// `job_20260131T120000Z`, with `-2`, `-3`, … while that is taken.
fn new_id(home: &Path, now: SystemTime) -> String {
    let first = utc(now, "job_%Y%m%dT%H%M%SZ");
    let others = (2_u64..).map(|n| format!("{first}-{n}"));
    std::iter::once(first.clone()).chain(others).find(|id| !disk::exists(&home.join(id))).unwrap_or(first)
}

/// A name for one folder, safe on every platform.
///
/// # Errors
/// `BadName` with the reason.
pub fn check_name(what: &'static str, name: &str) -> Result<(), FolderError> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > 120 {
        "it is longer than 120 bytes"
    } else if name.starts_with(['.', '-', ' ']) {
        "it begins with a dot, a dash or a space"
    } else if let Some(reason) = rel_path::unportable(name) {
        reason
    } else {
        return Ok(());
    };
    Err(FolderError::BadName { what, name: name.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::testing::noon;

    fn choose(root: &Path, choice: &Choice) -> JobFolder {
        JobFolder::choose(root, "dev", choice, noon()).unwrap()
    }

    #[test]
    fn choosing_makes_nothing_and_creating_makes_the_job_the_current_one() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("artifacts");
        let job = choose(&root, &Choice::Current);
        assert_eq!(job.path, root.join("dev/job_20260131T120000Z"));
        assert!(!disk::exists(&root));
        job.create().unwrap();
        assert_eq!(disk::read(&root.join("dev/current")).unwrap(), b"job_20260131T120000Z\n");
        assert!(is_tagged(&root.join("dev")));
        assert_eq!(choose(&root, &Choice::Current).job_id, job.job_id);
    }

    #[test]
    fn a_new_job_of_the_same_second_gets_a_number_and_becomes_current() {
        let dir = tempfile::tempdir().unwrap();
        choose(dir.path(), &Choice::Current).create().unwrap();
        let second = choose(dir.path(), &Choice::New);
        assert_eq!(second.job_id, "job_20260131T120000Z-2");
        second.create().unwrap();
        assert_eq!(choose(dir.path(), &Choice::Current).job_id, second.job_id);
        assert_eq!(choose(dir.path(), &Choice::New).job_id, "job_20260131T120000Z-3");
    }

    #[test]
    fn a_named_job_becomes_current_only_where_there_was_none() {
        let dir = tempfile::tempdir().unwrap();
        choose(dir.path(), &Choice::Named("first".to_owned())).create().unwrap();
        choose(dir.path(), &Choice::Named("other".to_owned())).create().unwrap();
        assert_eq!(choose(dir.path(), &Choice::Current).job_id, "first");
    }

    #[test]
    fn a_job_in_a_given_folder_keeps_the_names_in_its_manifest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("anywhere");
        assert_eq!(choose(dir.path(), &Choice::At(path.clone())).job_id, "anywhere");
        disk::create_dir_all(&path).unwrap();
        assert!(!is_job_folder(&path));
        disk::write(&path.join("manifest.json"), br#"{"job_id":"job_7","env":"prod","passes":{}}"#).unwrap();
        let job = choose(dir.path(), &Choice::At(path.clone()));
        assert_eq!((job.job_id.as_str(), job.env.as_str()), ("job_7", "prod"));
        assert!(is_job_folder(&path));
        assert!(JobFolder::choose(dir.path(), "dev", &Choice::At(path.join("manifest.json")), noon()).is_err());
    }

    #[test]
    fn a_name_that_leaves_its_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", ".", "..", "../x", "a/b", "a\\b", "C:", "a\nb", "-x", "nul", "com1.txt", "current", "x."] {
            assert!(JobFolder::choose(dir.path(), "dev", &Choice::Named(name.to_owned()), noon()).is_err(), "{name:?}");
        }
        assert!(JobFolder::choose(dir.path(), "../x", &Choice::New, noon()).is_err());
        check_name("a job", "Größe_2.1-b").unwrap();
        disk::create_dir_all(&dir.path().join("dev")).unwrap();
        disk::write(&dir.path().join("dev/current"), b"../../etc\n").unwrap();
        let error = JobFolder::choose(dir.path(), "dev", &Choice::Current, noon()).unwrap_err();
        assert!(error.to_string().ends_with("current` does not name a job: `../../etc`"), "{error}");
    }
}
