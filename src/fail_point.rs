//! Places where a build can be made to die, or to meet a full disk: the tests' way to every instant of it. Each step that
//! changes something reaches one of them. Without the feature `fail-points`, which only tests switch on, nothing is here to
//! be reached: `reach` is empty and there is nothing to arm.

use std::path::Path;

use crate::disk::DiskError;

macro_rules! fail_points {
    ($($(#[$doc:meta])* $variant:ident $name:literal)*) => {
        /// A place. Its path says which file or folder it is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FailPoint {
            $($(#[$doc])* $variant,)*
        }

        impl FailPoint {
            /// Every place there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What the tests call it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

fail_points! {
    // the disk
    /// Before a folder is made.
    FolderToMake "folder-to-make"
    /// Before a folder is removed.
    FolderToRemove "folder-to-remove"
    /// Before a file is written where nobody reads yet.
    FileToWrite "file-to-write"
    /// It is written.
    FileWritten "file-written"
    /// A private copy stands.
    FileCopied "file-copied"
    /// Before a file is removed.
    FileToRemove "file-to-remove"
    /// Before a file gets another name.
    FileToRename "file-to-rename"
    /// It has the other name.
    FileRenamed "file-renamed"
    /// An atomic write: the temporary file holds all bytes, and stands beside the old one.
    TemporaryFilled "temporary-filled"
    /// An atomic write: the new file is in place.
    TemporaryRenamed "temporary-renamed"
    /// Before a line is added to a log.
    LineToAppend "line-to-append"
    /// The lock file is empty and not written anew.
    LockEmptied "lock-emptied"
    /// Before the blobs of a batch are synced.
    BlobsToSync "blobs-to-sync"
    // an action
    /// All inputs of a command are in its private folder.
    InputsStaged "inputs-staged"
    /// The command has ended well.
    CommandEnded "command-ended"
    /// An output's digest is known; it is not in the store.
    OutputHashed "output-hashed"
    /// The coordinator knows of the candidate.
    CandidateStored "candidate-stored"
    /// The coordinator knows the verdicts of a candidate.
    VerdictStored "verdict-stored"
    // a worker process
    /// It has a job for an item of this source.
    WorkerBegins "worker-begins"
    /// As above; the path ends in `#1` or `#2`, as often as the job is tried.
    WorkerTries "worker-tries"
    // a batch
    /// Before anything of it is durable.
    BatchBegun "batch-begun"
    /// Its blobs are durable, its records are not.
    BatchSynced "batch-synced"
    /// The database has it; readers do not know.
    BatchCommitted "batch-committed"
    // collection
    /// Records of what goes are gone for good; their blobs are not.
    BlobsToDelete "blobs-to-delete"
    /// Their blobs are gone, too.
    BlobsDeleted "blobs-deleted"
    // publication
    /// Bytes of somebody else are kept; what they stood for is not replaced.
    ForeignKept "foreign-kept"
    /// All that an output needs is durable, nothing of it is in place.
    OutputToPublish "output-to-publish"
    /// One file of it is in place.
    FilePublished "file-published"
    /// All files of it are in place; no record says so.
    OutputPublished "output-published"
    /// A file of a vanished item is gone; its record is not.
    FileUnpublished "file-unpublished"
    // the ends of a build
    /// What a killed build left is gone; the lock still tells of it.
    LeftoversSwept "leftovers-swept"
    /// The build is over; the lock does not say so.
    BuildOver "build-over"
}

/// The build is at this place.
///
/// # Errors
/// None.
#[cfg(not(feature = "fail-points"))]
#[inline(always)]
pub fn reach(_point: FailPoint, _path: &Path) -> Result<(), DiskError> {
    Ok(())
}

#[cfg(feature = "fail-points")]
pub use armed::{arm, reach};

#[cfg(feature = "fail-points")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{DiskError, FailPoint, Path};

    /// Which place does what.
    struct Armed {
        point: String,
        /// How often it must be reached for that, counted down.
        left: AtomicU64,
        /// How the path must end, `/`-separated.
        place: String,
        act: Act,
    }

    /// What happens there.
    enum Act {
        Die,
        Full,
        /// It never goes on.
        Hang,
        /// It takes all memory that it can get.
        Bloat,
        /// It takes a lot of memory and never gives it back, and goes on.
        Grow,
        /// It calls itself.
        Recurse,
        Panic,
    }

    static ARMED: OnceLock<Armed> = OnceLock::new();

    /// Arms one place of this process: `die`, `full`, `hang`, `bloat`, `grow`, `recurse` or `panic`, the name of the place,
    /// how many times it is reached until then, and how the path must end, separated by spaces.
    pub fn arm(text: &str) {
        let mut words = text.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let act = match word().as_str() {
            "die" => Act::Die,
            "hang" => Act::Hang,
            "bloat" => Act::Bloat,
            "grow" => Act::Grow,
            "recurse" => Act::Recurse,
            "panic" => Act::Panic,
            _ => Act::Full,
        };
        let point = word();
        let left = AtomicU64::new(word().parse().unwrap_or(1));
        let _ = ARMED.set(Armed { point, left, place: word(), act });
    }

    /// The build is at this place.
    ///
    /// # Errors
    /// The disk is full, if that is what was asked for here.
    pub fn reach(point: FailPoint, path: &Path) -> Result<(), DiskError> {
        let shown = path.to_string_lossy().replace('\\', "/");
        tracing::trace!(target: "ingest::fail_point", "[{}] {shown}", point.name());
        let Some(armed) = ARMED.get().filter(|a| a.point == point.name() && shown.ends_with(&a.place)) else { return Ok(()) };
        if armed.left.fetch_sub(1, Ordering::SeqCst) != 1 {
            return Ok(());
        }
        match armed.act {
            Act::Die => die(),
            Act::Full => return Err(DiskError::new("write", path, std::io::ErrorKind::StorageFull.into())),
            Act::Hang => loop {
                std::thread::park();
            },
            Act::Bloat => {
                let mut all = Vec::new();
                loop {
                    all.push(vec![1_u8; 1 << 20]);
                }
            }
            Act::Grow => std::mem::forget(std::hint::black_box(vec![1_u8; 300 << 20])),
            Act::Recurse => drop(std::hint::black_box(deeper(0))),
            Act::Panic => panic!("as a test asked"),
        }
        Ok(())
    }

    fn deeper(depth: u64) -> [u64; 64] {
        let mut kept = std::hint::black_box([depth; 64]);
        if depth < u64::MAX {
            kept[0] += deeper(depth + 1)[1];
        }
        kept
    }

    /// Ends this process as a kill would: nothing is unwound, dropped or flushed.
    fn die() -> ! {
        #[cfg(unix)]
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort()
    }
}
