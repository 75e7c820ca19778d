//! Runs one action on a pool thread: reads its inputs (each checked against the digest in its key), does the work, stores
//! the candidate's outputs. Decides nothing: what comes of it is the coordinator's business.

use std::cell::RefCell;
use std::io::{ErrorKind, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::command::{self, CommandError, CommandTask};
use super::watch;
use super::workers::{WorkerError, Workers};
use crate::builtin::{
    Builtin, Content, Failure, FailureKind, Input, InputFile, Inputs, Item, Limits, NamedBytes, Output, TreeEntry,
};
use crate::digest::Digest;
use crate::disk::{self, DiskError};
use crate::fail_point::{self, FailPoint};
use crate::store::StoreError;
use crate::store::cas::Cas;
use crate::store::records::{Stored, StoredFile, StoredTree};

/// An input with the digest that stands in the action's key.
#[derive(Clone, Debug)]
pub enum InputValue {
    /// A file that is not ours: a source, or a file of the project. `name` is how staging calls it.
    Foreign {
        path: PathBuf,
        name: String,
        digest: Digest,
    },
    /// A blob.
    Blob {
        name: String,
        file: StoredFile,
    },
    Tree(StoredTree),
}

impl InputValue {
    /// What the key holds.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::Foreign { digest, .. } => *digest,
            Self::Blob { file, .. } => file.digest,
            Self::Tree(tree) => tree.digest,
        }
    }
}

/// An output that the rule declares.
#[derive(Clone, Debug)]
pub struct OutputSlot {
    pub name: String,
    /// Extension of a file output, as staging writes it.
    pub extension: String,
    pub tree: bool,
}

/// All that a run needs.
#[derive(Clone)]
pub struct Task {
    pub rule: String,
    pub item: Item,
    pub inputs: Vec<(String, InputValue)>,
    pub outputs: Vec<OutputSlot>,
    pub how: How,
}

/// Who does the work.
#[derive(Clone)]
pub enum How {
    Builtin { builtin: &'static Builtin, params: Arc<Value>, workers: Arc<Workers> },
    Command(Arc<CommandTask>),
}

/// What a run gave.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    /// In declared order.
    pub outputs: Vec<Stored>,
    /// What they count beside their items, by name.
    pub counts: Vec<(String, u64)>,
    pub told: Told,
}

/// What a command says of its work beside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub warnings: Vec<String>,
    /// Name and version of the tool that did it.
    pub tool: Option<String>,
}

/// Why a run gave no candidate.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Typed and deterministic: remembered by key.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// A foreign input does not hold the bytes that the key says.
    #[error("`{}` changed while it was read", .0.display())]
    Changed(PathBuf),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Worker(#[from] WorkerError),
    #[error("`{builtin}` panicked: {message}")]
    Panic { builtin: &'static str, message: String },
    #[error("`{builtin}` gave no output `{output}`, or one of the wrong shape")]
    WrongOutput { builtin: &'static str, output: String },
}

/// Runs `task`. `count` tells the items of a JSON file.
///
/// # Errors
/// See `RunError`.
pub fn run(task: &Task, cas: &Cas, count: &dyn Fn(&[u8]) -> Option<u64>) -> Result<Made, RunError> {
    match &task.how {
        How::Builtin { builtin, params, workers } => {
            let made = workers.run(builtin, &task.item, &task.inputs, params)?;
            store(task, builtin, made, cas, count)
        }
        How::Command(command) => {
            let made = run_command(&[task], command, cas, count).pop();
            made.unwrap_or_else(|| Err(CommandError::Ended.into()))
        }
    }
}

/// Runs one command for `tasks`, which are of its rule; what each came to, in their order.
pub fn run_command(
    tasks: &[&Task],
    command: &CommandTask,
    cas: &Cas,
    count: &dyn Fn(&[u8]) -> Option<u64>,
) -> Vec<Result<Made, RunError>> {
    let ran = watch::run(&command.in_place, || Ok::<_, RunError>(Compared(command::run(tasks, command, cas, count))));
    match ran {
        Ok(Compared(made)) => made.into_iter().map(|made| made.map_err(typed)).collect(),
        Err(RunError::Changed(path)) => tasks.iter().map(|_| Err(RunError::Changed(path.clone()))).collect(),
        Err(error) => {
            let path = command.room.root.clone();
            std::iter::once(Err(error)).chain(tasks.iter().skip(1).map(|_| Err(RunError::Changed(path.clone())))).collect()
        }
    }
}

/// What several came to, to be compared with what they came to before.
struct Compared(Vec<Result<Made, RunError>>);

impl PartialEq for Compared {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&Result<Made, RunError>, &Result<Made, RunError>)| match (a, b) {
            (Ok(a), Ok(b)) => a == b,
            (Err(a), Err(b)) => a.to_string() == b.to_string(),
            _ => false,
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}

/// What a command says of a document, and would say each time, is a typed failure like a built-in's.
fn typed(error: RunError) -> RunError {
    let RunError::Command(CommandError::Told(told)) = &error else { return error };
    let kind = match told.kind.as_str() {
        "bad_document" => FailureKind::NotReadable,
        "bad_input" => FailureKind::BadArtifact,
        "needs_ocr" => FailureKind::NeedsOcr,
        _ => return error,
    };
    if told.retry {
        return error;
    }
    let hint = told.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
    Failure::new(kind, format!("{}{hint}", told.message)).into()
}

/// Does the work of a built-in in this process, which is a worker.
///
/// # Errors
/// See `RunError`.
pub fn call(
    builtin: &'static Builtin,
    item: &Item,
    inputs: &[(String, InputValue)],
    params: &Value,
    limits: &Limits,
    cas: &Cas,
) -> Result<Vec<(&'static str, Output)>, RunError> {
    let lost = Lost::default();
    let inputs = load(inputs, cas, &lost);
    let run = AssertUnwindSafe(|| {
        fail_point::reach(FailPoint::WorkerBegins, Path::new(&item.path))?;
        Ok((builtin.run)(item, &inputs, params, limits)?)
    });
    let made = catch_unwind(run);
    drop(inputs);
    match made {
        Ok(made) => lost.into_inner().map_or(made, Err),
        Err(panic) => Err(RunError::Panic { builtin: builtin.name, message: panic_message(panic.as_ref()) }),
    }
}

fn store(
    task: &Task,
    builtin: &'static Builtin,
    mut made: Vec<(&'static str, Output)>,
    cas: &Cas,
    count: &dyn Fn(&[u8]) -> Option<u64>,
) -> Result<Made, RunError> {
    let mut stored = Vec::with_capacity(task.outputs.len());
    let mut counts = Vec::new();
    for slot in &task.outputs {
        let wrong = || RunError::WrongOutput { builtin: builtin.name, output: slot.name.clone() };
        let at = made.iter().position(|(name, _)| *name == slot.name).ok_or_else(wrong)?;
        let output = made.swap_remove(at).1;
        if let Some(count) = builtin.output(&slot.name).and_then(|port| port.count) {
            counts.extend(count(&output).into_iter().map(|(name, n)| (name.to_owned(), n)));
        }
        stored.push(match (output, slot.tree) {
            (Output::File(bytes), false) => Stored::File(store_file(&bytes, count(&bytes), cas)?),
            (Output::Array { json, items }, false) => Stored::File(store_file(&json, Some(items), cas)?),
            (Output::Tree(files), true) => Stored::Tree(store_tree(&files, cas)?),
            _ => return Err(wrong()),
        });
    }
    Ok(Made { outputs: stored, counts, told: Told::default() })
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

fn store_file(bytes: &[u8], items: Option<u64>, cas: &Cas) -> Result<StoredFile, DiskError> {
    Ok(StoredFile { digest: cas.put_at_hand(bytes)?, bytes: bytes.len() as u64, items: items.unwrap_or(1) })
}

fn store_tree(files: &[NamedBytes], cas: &Cas) -> Result<StoredTree, DiskError> {
    let entry = |f: &NamedBytes| {
        Ok(TreeEntry { name: f.name.clone(), digest: cas.put(&f.bytes)?, bytes: f.bytes.len() as u64, attrs: f.attrs.clone() })
    };
    Ok(StoredTree::new(files.iter().map(entry).collect::<Result<_, DiskError>>()?))
}

/// Why an input could not be read; a built-in only learns that it could not.
type Lost = RefCell<Option<RunError>>;

/// The inputs, to be read when they are asked for.
fn load<'a>(inputs: &'a [(String, InputValue)], cas: &'a Cas, lost: &'a Lost) -> Inputs<'a> {
    let blob = |name: &str, digest: Digest| InputFile::new(name, Blob { digest, cas, lost });
    let loaded = inputs.iter().map(|(name, value)| {
        let input = match value {
            InputValue::Foreign { path, name, digest } => Input::File(InputFile::new(name, Foreign { path, digest, lost })),
            InputValue::Blob { name, file } => Input::File(blob(name, file.digest)),
            InputValue::Tree(tree) => Input::Tree(tree.entries.iter().map(|e| blob(&e.name, e.digest)).collect()),
        };
        (name.clone(), input)
    });
    Inputs(loaded.collect())
}

fn told(lost: &Lost, error: RunError) -> Failure {
    let failure = Failure::new(FailureKind::MissingInput, error.to_string());
    lost.borrow_mut().get_or_insert(error);
    failure
}

struct Foreign<'a> {
    path: &'a Path,
    digest: &'a Digest,
    lost: &'a Lost,
}

impl Content for Foreign<'_> {
    fn read(&self) -> Result<Arc<[u8]>, Failure> {
        read_foreign(self.path, self.digest).map_err(|e| told(self.lost, e))
    }
}

struct Blob<'a> {
    digest: Digest,
    cas: &'a Cas,
    lost: &'a Lost,
}

impl Content for Blob<'_> {
    fn read(&self) -> Result<Arc<[u8]>, Failure> {
        self.cas.read(&self.digest).map_err(|e| told(self.lost, e.into()))
    }

    fn open(&self) -> Result<Box<dyn Read + '_>, Failure> {
        let reader = self.cas.open(&self.digest).map_err(|e| told(self.lost, e.into()))?;
        Ok(Box::new(Opened { reader, blob: self }))
    }
}

/// A blob while it is read.
struct Opened<'a> {
    reader: Box<dyn Read>,
    blob: &'a Blob<'a>,
}

impl Read for Opened<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(into).inspect_err(|e| {
            // What is not whole is said as such; anything else (no memory to unpack with) tells nothing against the blob.
            let error = match e.kind() {
                ErrorKind::InvalidData => StoreError::Blob { digest: self.blob.digest, what: "damaged" },
                kind => DiskError::new("unpack", self.blob.cas.dir(), kind.into()).into(),
            };
            told(self.blob.lost, error.into());
        })
    }
}

/// The bytes at `path`, which must be those of `digest`: a file that changed since its key was made is never half read.
fn read_foreign(path: &Path, digest: &Digest) -> Result<Arc<[u8]>, RunError> {
    let bytes = disk::read(path)?;
    if Digest::of(&bytes) != *digest {
        return Err(RunError::Changed(path.to_path_buf()));
    }
    Ok(bytes.into())
}
