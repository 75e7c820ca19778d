//! The contract between the engine and a built-in rule: named byte inputs and canonical params in, named byte outputs out.
//! Pure values and function pointers; knows neither the engine nor any document.

use std::io::{Cursor, Read, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Placement of an item within its parent, as canonical JSON text ("" where there is none), for example
/// `{"page_count":8,"page_start":41}`. It steers projections and merges; it is never in an action key, so that a page
/// inserted before an item does not reach its actions.
pub type Attrs = String;

/// What a built-in may know of the item it runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Id below its parent: a source id, a part id, a group id; "" for the job.
    pub id: String,
    /// Id of the source that the item is or belongs to; "" for the job.
    pub source_id: String,
    /// Path of that source below the sources folder, `/`-separated; "" for the job.
    pub path: String,
}

/// One file of an artifact: its name (with extension), its bytes, its placement (always "" on inputs: an action cannot
/// depend on what is not in its key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedBytes {
    pub name: String,
    pub bytes: Arc<[u8]>,
    pub attrs: Attrs,
}

/// What stands behind a file of an input.
pub trait Content {
    /// Its bytes.
    ///
    /// # Errors
    /// Of kind `MissingInput`.
    fn read(&self) -> Result<Arc<[u8]>, Failure>;

    /// Its bytes one after the other. What goes wrong after that is told by the reader, and by whoever made this.
    ///
    /// # Errors
    /// Of kind `MissingInput`.
    fn open(&self) -> Result<Box<dyn Read + '_>, Failure> {
        Ok(Box::new(Cursor::new(self.read()?)))
    }
}

impl Content for Arc<[u8]> {
    fn read(&self) -> Result<Arc<[u8]>, Failure> {
        Ok(Arc::clone(self))
    }
}

/// A file of an input, not yet read: of a long book, a built-in holds what it is at.
pub struct InputFile<'a> {
    /// With extension.
    name: String,
    content: Box<dyn Content + 'a>,
}

impl<'a> InputFile<'a> {
    /// The file called `name`, whose bytes `content` gives each time that it is asked.
    pub fn new(name: impl Into<String>, content: impl Content + 'a) -> Self {
        Self { name: name.into(), content: Box::new(content) }
    }

    fn read(&self) -> Result<NamedBytes, Failure> {
        Ok(NamedBytes { name: self.name.clone(), bytes: self.content.read()?, attrs: Attrs::new() })
    }
}

/// An input as a built-in sees it.
pub enum Input<'a> {
    /// One file. Its name ends in the extension of what it was made from.
    File(InputFile<'a>),
    /// A tree: its files in order.
    Tree(Vec<InputFile<'a>>),
}

/// The named inputs of one action, in the order of the rule.
#[derive(Default)]
pub struct Inputs<'a>(pub Vec<(String, Input<'a>)>);

impl Inputs<'_> {
    /// The file input called `name`, read anew each time that it is asked for.
    ///
    /// # Errors
    /// `Failure` of kind `MissingInput` if there is none, if it is a tree, or if it cannot be read.
    pub fn file(&self, name: &str) -> Result<NamedBytes, Failure> {
        self.optional_file(name)?.ok_or_else(|| Failure::new(FailureKind::MissingInput, format!("no file input `{name}`")))
    }

    /// The bytes of the file input called `name`, one after the other.
    ///
    /// # Errors
    /// As `file`.
    pub fn open(&self, name: &str) -> Result<Box<dyn Read + '_>, Failure> {
        match self.0.iter().find(|(n, _)| n == name) {
            Some((_, Input::File(file))) => file.content.open(),
            _ => Err(Failure::new(FailureKind::MissingInput, format!("no file input `{name}`"))),
        }
    }

    /// The files of the tree input called `name`, in order, each read when its turn comes.
    ///
    /// # Errors
    /// `Failure` of kind `MissingInput` if there is none, or if it is a file; for a file that cannot be read.
    pub fn tree(&self, name: &str) -> Result<impl Iterator<Item = Result<NamedBytes, Failure>>, Failure> {
        match self.0.iter().find(|(n, _)| n == name) {
            Some((_, Input::Tree(files))) => Ok(files.iter().map(InputFile::read)),
            _ => Err(Failure::new(FailureKind::MissingInput, format!("no tree input `{name}`"))),
        }
    }

    /// The files of the input `name*`, in order, each under the name that the Ingestfile has for it.
    pub fn files(&self, name: &str) -> impl Iterator<Item = Result<(String, Arc<[u8]>), Failure>> {
        let of = self.0.iter().filter_map(move |(input, value)| match (one_of_many(input)?, value) {
            ((of, path), Input::File(file)) if of == name => Some((path, file)),
            _ => None,
        });
        of.map(|(path, file)| Ok((path.to_owned(), file.content.read()?)))
    }

    /// The file input called `name`, if the rule gave one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn optional_file(&self, name: &str) -> Result<Option<NamedBytes>, Failure> {
        match self.0.iter().find(|(n, _)| n == name) {
            Some((_, Input::File(file))) => file.read().map(Some),
            _ => Ok(None),
        }
    }
}

/// What one file of the input `name*` is called: `name:path`.
#[must_use]
pub fn of_many(name: &str, path: &str) -> String {
    format!("{name}:{path}")
}

/// The input that a file is one of, and the file, if `input` is called like one.
#[must_use]
pub fn one_of_many(input: &str) -> Option<(&str, &str)> {
    input.split_once(':')
}

/// What a built-in produced for one of its outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    File(Vec<u8>),
    /// A file that is a JSON array, and how many items it has.
    Array {
        json: Vec<u8>,
        items: u64,
    },
    /// Names are unique, relative, `/`-separated; each ends in its extension. Order is the order of items.
    Tree(Vec<NamedBytes>),
}

impl Output {
    /// The bytes of a file.
    #[must_use]
    pub fn file(&self) -> Option<&[u8]> {
        match self {
            Self::File(bytes) | Self::Array { json: bytes, .. } => Some(bytes),
            Self::Tree(_) => None,
        }
    }
}

/// Why a built-in could not do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A declared input is not there, or of the wrong shape.
    MissingInput,
    /// The bytes are not what their name says (not a PDF, not UTF-8, …).
    NotReadable,
    /// The document asks for a password.
    Encrypted,
    /// A limit was passed (pages, decompressed bytes, nesting, …).
    Limit,
    /// An input artifact does not parse as its schema says.
    BadArtifact,
    /// The built-in panicked: a bug.
    Panic,
    /// It opens, and what it shows can be read from pictures of its pages only.
    NeedsOcr,
    /// It opens, and shows nothing.
    NoText,
}

/// What an action may use up. No output depends on a limit, so none is in an action key: a limit decides only whether there
/// is an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Wall clock of one action, in milliseconds.
    pub time_ms: u64,
    /// Memory of one action, in bytes.
    pub memory_bytes: u64,
    /// What the streams of one document may inflate to, added up over one action, in bytes.
    pub decompressed_bytes: u64,
    /// Pages of one document.
    pub pages: u64,
    /// Levels that structures of one document lie in each other: arrays and dictionaries, nodes of the page tree, forms, saved
    /// states and marked content of a page; elements, lists and quotes of a text.
    pub nesting: u64,
}

impl Default for Limits {
    /// Far beyond any book: 120 s, 1 GiB, 512 MiB, 20,000 pages, 256 levels.
    fn default() -> Self {
        Self { time_ms: 120_000, memory_bytes: 1 << 30, decompressed_bytes: 512 << 20, pages: 20_000, nesting: 256 }
    }
}

impl Limits {
    /// The value of one of them, in its unit.
    #[must_use]
    pub fn value(&self, name: LimitName) -> u64 {
        match name {
            LimitName::Time => self.time_ms,
            LimitName::Memory => self.memory_bytes,
            LimitName::Decompressed => self.decompressed_bytes,
            LimitName::Pages => self.pages,
            LimitName::Nesting => self.nesting,
        }
    }
}

/// Names a field of `Limits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitName {
    Time,
    Memory,
    Decompressed,
    Pages,
    Nesting,
}

impl LimitName {
    /// Its key in `[limits]` of an Ingestfile.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Time => "time_s",
            Self::Memory => "memory_mb",
            Self::Decompressed => "decompressed_mb",
            Self::Pages => "pages",
            Self::Nesting => "nesting",
        }
    }

    /// A value of it as `[limits]` writes it: whole seconds and megabytes, rounded up.
    #[must_use]
    pub fn written(self, value: u64) -> u64 {
        match self {
            Self::Time => value.div_ceil(1000),
            Self::Memory | Self::Decompressed => value.div_ceil(1 << 20),
            Self::Pages | Self::Nesting => value,
        }
    }
}

/// A limit that an action ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedLimit {
    pub name: LimitName,
    /// What it was then, in the unit of `Limits`.
    pub value: u64,
}

/// A typed, deterministic failure: the same inputs fail the same way, so it is remembered by key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub kind: FailureKind,
    /// One sentence for people, lower case, no final period.
    pub message: String,
    /// The limit that was passed, if it is one of `Limits`: the failure holds until that is raised.
    #[serde(default)]
    pub limit: Option<PassedLimit>,
}

impl Failure {
    /// A failure of `kind`, told by `message`.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), limit: None }
    }

    /// The failure of passing the limit `name`, told by `found`: what was found, without the limit.
    #[must_use]
    pub fn passed(limits: &Limits, name: LimitName, found: impl std::fmt::Display) -> Self {
        let value = limits.value(name);
        let message = format!("{found}; `{}` in `[limits]` allows {}", name.key(), name.written(value));
        Self { kind: FailureKind::Limit, message, limit: Some(PassedLimit { name, value }) }
    }

    /// Whether it may come out otherwise under `limits`.
    #[must_use]
    pub fn is_outgrown(&self, limits: &Limits) -> bool {
        self.limit.is_some_and(|passed| limits.value(passed.name) > passed.value)
    }
}

/// A piece of a merge: one item's result, in item order.
#[derive(Clone, Debug)]
pub struct Piece {
    pub item_id: String,
    pub attrs: Attrs,
    pub bytes: Arc<[u8]>,
    /// Array length of JSON, else 1.
    pub items: u64,
}

/// Pieces one after the other, in item order: of many books, or of many parts, only one is in memory.
pub type Pieces<'a> = &'a mut dyn Iterator<Item = Result<Piece, Failure>>;

/// Why pieces do not become one.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error(transparent)]
    Failure(#[from] Failure),
    /// What it was written to takes no more.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// An entry of a tree without its bytes: enough to merge and project trees.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TreeEntry {
    pub name: String,
    pub digest: crate::digest::Digest,
    pub bytes: u64,
    pub attrs: Attrs,
}

/// The items a merge covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Items below one source: pages are rebased by each piece's attrs.
    WithinSource,
    /// Sources of one job: pieces are whole sources.
    AcrossSources,
}

/// How the results of several items become one.
#[derive(Clone, Copy)]
pub enum Merge {
    /// JSON arrays spliced as raw bytes in item order. The engine does it.
    Splice,
    /// Its own pure merge of files whose records are united by key, and written in the order of keys.
    Union(&'static Union),
    /// Its own pure merge of pieces that are not what is published: only their merge is, and gates judge it alone. Whoever
    /// reads the output reads the merge over the job. `Err` for what does not parse, or what a piece could not be had for.
    Fold(fn(Level, Pieces<'_>) -> Result<Vec<u8>, Failure>),
    /// Its own pure merge within a source; across sources it does nothing but splice: the items of the merge are those of its pieces, in order.
    /// It writes the merge as it reads the pieces, and says how many items that has.
    Rebased(fn(Pieces<'_>, &mut dyn Write) -> Result<u64, MergeError>),
    /// Its own pure merge of trees within a source: (item attrs, its entries) in item order.
    Tree(fn(&[(Attrs, Vec<TreeEntry>)]) -> Vec<TreeEntry>),
}

/// A named projection: the share of an artifact that concerns one item, always relative to that item.
#[derive(Clone, Copy)]
pub struct Projection {
    /// What the Ingestfile writes as `select = "…"`.
    pub name: &'static str,
    pub apply: Project,
}

/// The function behind a projection; `attrs` is the placement of the item that asks.
#[derive(Clone, Copy)]
pub enum Project {
    File(fn(bytes: &[u8], item: &Item, attrs: &Attrs) -> Result<Vec<u8>, Failure>),
    Tree(fn(entries: &[TreeEntry], item: &Item, attrs: &Attrs) -> Result<Vec<TreeEntry>, Failure>),
}

/// The inverse of a built-in's own merge within a source: given the merged bytes and the items (id, attrs) in their order,
/// the piece of each. Merging the pieces again gives the same values. `Err` for what belongs to none of the items.
pub type Split = fn(merged: &[u8], items: &[(String, Attrs)]) -> Result<Vec<Vec<u8>>, Failure>;

/// What an output counts beside its items, by name (`pages`, `tokens`); pure. Sums of it stand in events and manifest.json.
pub type Count = fn(&Output) -> Vec<(&'static str, u64)>;

/// A declared output of a built-in.
pub struct OutputPort {
    pub name: &'static str,
    pub tree: bool,
    pub merge: Merge,
    /// Undoes `Merge::Rebased`; `None` if that cannot be undone, or is not its own.
    pub split: Option<Split>,
    pub projections: &'static [Projection],
    /// A name is counted by one port of one built-in only, so that sums over rules count nothing twice.
    pub count: Option<Count>,
}

/// A rule that ships with `ingest`.
pub struct Builtin {
    /// What the Ingestfile writes as `run = "…"`.
    pub name: &'static str,
    /// One sentence for `--help`, errors and `init`.
    pub about: &'static str,
    /// Names of its inputs; those ending in `?` may be left out of the rule. What ends in `*` is no input of a rule: it is any
    /// number of files, which the Ingestfile names in the table of that name for all rules that read them.
    pub inputs: &'static [&'static str],
    pub outputs: &'static [OutputPort],
    /// Known params with their defaults beside the params that are given, as a JSON object; null stands for none. Also what
    /// "did you mean" knows.
    pub default_params: fn(&Map<String, Value>) -> Value,
    /// Checks merged params (defaults filled in): `Err((key, sentence))`.
    pub check_params: fn(&Value) -> Result<(), (String, String)>,
    /// The work: pure, deterministic, no clock, no disk, no global state. Limits decide whether there is an output, never
    /// what it is.
    pub run: fn(&Item, &Inputs, &Value, &Limits) -> Result<Vec<(&'static str, Output)>, Failure>,
    /// Digest of the sources that it uses, made by `build.rs`.
    pub fingerprint: &'static str,
}

impl Builtin {
    /// The port called `name`.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&'static OutputPort> {
        self.outputs.iter().find(|o| o.name == name)
    }
}

/// A record of a union: equal keys, one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}

/// Records in the order of their keys, one for each; an error is for whoever asked.
pub type InOrder<'a> = &'a mut dyn Iterator<Item = std::io::Result<Keyed>>;

/// A union of files, done record by record so that the engine can sort more of them than memory holds.
pub struct Union {
    /// The records of a piece. `Err` for what does not parse.
    pub take: fn(&Piece) -> Result<Vec<Keyed>, Failure>,
    /// The value of two records of a key, the earlier piece's first. It does not matter which are united before others.
    pub unite: fn(&[u8], Vec<u8>, Vec<u8>) -> Vec<u8>,
    /// Writes the file that the records make.
    pub write: fn(InOrder<'_>, &mut dyn std::io::Write) -> std::io::Result<()>,
}

impl Merge {
    /// What stands between the items of two pieces where the engine splices them.
    #[must_use]
    pub fn joint(&self) -> &'static [u8] {
        if matches!(self, Self::Rebased(_)) { b"," } else { b",\n" }
    }

    /// Whether its pieces are not what is published.
    #[must_use]
    pub fn is_fold(&self) -> bool {
        matches!(self, Self::Fold(_))
    }
}

impl std::fmt::Debug for Builtin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Builtin({})", self.name)
    }
}
