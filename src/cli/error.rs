//! What a command ends with: an error of one of a few kinds, and the exit code of each. Errors of the library become these
//! at the edge.

use std::error::Error;

use crate::disk::DiskError;
use crate::engine::observe::Problem;
use crate::job::folder::FolderError;
use crate::job::manifest::ManifestError;

/// What kind of end it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command line or the Ingestfile asks for what cannot be.
    Usage,
    /// A pass failed, a gate rejected, something blocked, the disk refused.
    Failed,
    /// Ctrl-C, SIGTERM.
    Interrupted,
}

/// The end of a command that did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    pub kind: ErrorKind,
    /// What to tell; an empty message if all has been told already.
    pub problem: Problem,
}

impl CliError {
    /// An error of `kind`, told by one sentence.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, problem: Problem { message: message.into(), ..Problem::default() } }
    }

    /// An error of `kind`, told by `error` and its causes.
    #[must_use]
    pub fn from_error(kind: ErrorKind, error: &(dyn Error + 'static)) -> Self {
        let mut told = Self::new(kind, error.to_string());
        told.problem.causes = causes(error);
        told
    }

    /// An end whose reasons are on the screen already.
    #[must_use]
    pub fn told(kind: ErrorKind) -> Self {
        Self::new(kind, "")
    }

    /// With a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.problem.hint = Some(hint.into());
        self
    }
}

/// The sentences below `error`, outermost first, without those that only repeat the one above them.
#[must_use]
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut above = error.to_string();
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let sentence = cause.to_string();
        if !above.contains(&sentence) {
            causes.push(sentence.clone());
            above = sentence;
        }
        next = cause.source();
    }
    causes
}

/// The exit code of every end: 0 done · 1 failed, rejected or blocked · 2 usage or Ingestfile · 130 interrupted.
#[must_use]
pub fn exit_code(end: &Result<(), CliError>) -> u8 {
    match end.as_ref().map_err(|e| e.kind) {
        Ok(()) => 0,
        Err(ErrorKind::Failed) => 1,
        Err(ErrorKind::Usage) => 2,
        Err(ErrorKind::Interrupted) => 130,
    }
}

impl From<DiskError> for CliError {
    fn from(error: DiskError) -> Self {
        Self::from_error(ErrorKind::Failed, &error)
    }
}

impl From<ManifestError> for CliError {
    fn from(error: ManifestError) -> Self {
        let told = Self::from_error(ErrorKind::Failed, &error);
        match error {
            ManifestError::Disk(_) => told,
            ManifestError::Malformed { .. } => told.hint("remove that file: a build writes it anew from the cache"),
        }
    }
}

impl From<FolderError> for CliError {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::Disk(e) => e.into(),
            FolderError::Manifest(e) => e.into(),
            FolderError::BadName { .. } | FolderError::NotAFolder(_) => Self::from_error(ErrorKind::Usage, &error),
            FolderError::BadCurrent { .. } => {
                Self::from_error(ErrorKind::Failed, &error).hint("write the name of a job into it, or remove it")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Level(&'static str, #[source] Option<Box<Level>>);

    #[test]
    fn each_kind_has_its_exit_code() {
        assert_eq!(exit_code(&Ok(())), 0);
        let codes = [ErrorKind::Failed, ErrorKind::Usage, ErrorKind::Interrupted].map(|k| exit_code(&Err(CliError::told(k))));
        assert_eq!(codes, [1, 2, 130]);
    }

    #[test]
    fn causes_that_repeat_are_told_once() {
        let error = Level("a: b", Some(Box::new(Level("b", Some(Box::new(Level("c", None)))))));
        assert_eq!(causes(&error), ["c"]);
    }

    #[test]
    fn a_bad_name_is_usage_and_a_full_disk_is_not() {
        let bad = crate::job::folder::check_name("a job", "../x").unwrap_err();
        assert_eq!(CliError::from(bad).kind, ErrorKind::Usage);
        let full = DiskError { verb: "write", path: "x".into(), source: std::io::ErrorKind::StorageFull.into() };
        let error = CliError::from(full);
        assert_eq!((error.kind, error.problem.message.as_str()), (ErrorKind::Failed, "cannot write `x`: no storage space"));
    }
}
