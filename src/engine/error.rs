//! What stops a build as a whole. A failing action is no error of the build: it is reported and the rest goes on.

use super::observe::Unheard;
use crate::digest::Digest;
use crate::disk::{self, DiskError};
use crate::store::StoreError;

/// Why the build stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// An observer could not do its duty.
    #[error(transparent)]
    Observer(#[from] Unheard),
    /// A gate is no gate: its schema does not compile.
    #[error("{0}")]
    Gate(String),
    /// A file that many things need cannot be read.
    #[error("{0}")]
    Input(String),
    /// Somebody, or a command of the build itself, keeps writing to a file that the build reads.
    #[error("`{0}` keeps changing while the build reads it")]
    KeepsChanging(String),
    /// The same blob is damaged however often it is made.
    #[error("blob {0} is damaged again and again: the disk below the cache is not sound")]
    KeepsBreaking(Digest),
    #[error("the thread pool could not be made: {0}")]
    Threads(String),
    /// What was to be adopted or discarded cannot be.
    #[error("{}", .0.message)]
    Adoption(Box<super::observe::Problem>),
    /// Ctrl-C, or a termination signal.
    #[error("interrupted")]
    Interrupted,
}

impl EngineError {
    /// Whether there is no room left on a disk.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Disk(e) => disk::is_full(&e.source),
            Self::Store(e) => e.is_full(),
            Self::Observer(e) => e.is_full,
            _ => false,
        }
    }

    /// The path that it is about, if it is about one.
    #[must_use]
    pub fn path(&self) -> Option<&std::path::Path> {
        match self {
            Self::Disk(e) | Self::Store(StoreError::Disk(e)) => Some(&e.path),
            Self::Store(StoreError::Database { path, .. }) => Some(path.as_ref()),
            _ => None,
        }
    }
}
