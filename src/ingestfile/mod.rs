//! The Ingestfile: text to build graph, with errors that point at the offending words.
//!
//! `load` reads shapes (TOML to `syntax`), `lower` gives names their meaning (`syntax` to `engine::graph`), `check` collects
//! what is wrong. Touches no disk: whether folders and schemas are there is asked by the caller, who gets the words for it here.

use std::collections::BTreeMap;
use std::ops::Range;

use globset::GlobSet;

use crate::builtin::{Builtin, Limits};
use crate::diagnostic::Diagnostic;
use crate::engine::graph::Graph;
use crate::engine::policy::{Barrier, OnError};
use crate::engine::retention::Bounds;
use crate::rel_path::RelPath;
use crate::spanned::Problems;

mod load;
mod lower;
mod schema;
mod syntax;
#[cfg(test)]
mod tests;

pub use lower::{AGES, SIZES, age, size};
pub use schema::ingestfile_schema;

/// What `[job]` says, with defaults filled in.
#[derive(Clone, Debug)]
pub struct JobConfig {
    /// One path segment.
    pub env: String,
    /// Folder of the sources below the project root: "" is the root itself. None if no rule ranges over `source` and the
    /// file names no folder.
    pub sources: Option<String>,
    /// Which files below `sources` are sources; matches `/`-separated paths below it, case does not matter.
    pub include: GlobSet,
    /// The patterns of `include`, as written.
    pub include_patterns: Vec<String>,
    /// Folder of what is published, below the project root.
    pub artifacts: String,
    pub on_error: OnError,
    pub barrier: Barrier,
}

/// What `[vocabulary]` says.
#[derive(Clone, Debug, Default)]
pub struct VocabularyConfig {
    /// Names of bundled vocabularies, in the order of the file; `None` where it is not said.
    pub uses: Option<Vec<String>>,
    /// Files below the project root, in their order.
    pub files: Vec<String>,
}

/// An Ingestfile that has nothing wrong with it.
#[derive(Debug)]
pub struct Loaded {
    pub job: JobConfig,
    /// What `[cache]` says, with defaults filled in.
    pub cache: Bounds,
    /// What `[limits]` says, with defaults filled in.
    pub limits: Limits,
    pub graph: Graph,
    pub vocabulary: VocabularyConfig,
    places: Places,
}

/// Where the file names what only the disk can confirm.
#[derive(Debug)]
struct Places {
    file: std::sync::Arc<str>,
    text: std::sync::Arc<str>,
    sources: Range<usize>,
    /// Names of bundled vocabularies, in the order of the file.
    uses: Vec<Range<usize>>,
    /// Project files (schemas, `{ file = … }` inputs, `files`) by path.
    files: BTreeMap<String, Range<usize>>,
}

/// Reads the Ingestfile `text`, which the user knows as `path`; `builtins` are what `run = "…"` may name.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn load(path: &str, text: &str, builtins: &[&'static Builtin]) -> Result<Loaded, Vec<Diagnostic>> {
    let mut problems = Problems::new(path, text);
    let read = load::parse(text, &mut problems);
    let lowered = read.as_ref().and_then(|file| lower::lower(file, builtins, &mut problems));
    let uses = read.as_ref().and_then(|file| file.vocabulary.uses.as_ref()).map(|uses| &uses.value);
    let files = read.as_ref().and_then(|file| file.vocabulary.files.as_ref()).map(|files| &files.value);
    let vocabulary = VocabularyConfig {
        uses: uses.map(|uses| uses.iter().map(|name| name.value.clone()).collect()),
        files: files.into_iter().flatten().filter_map(|f| RelPath::parse(&f.value).ok()).map(|f| f.as_str().to_owned()).collect(),
    };
    let uses = uses.into_iter().flatten().map(|name| name.span.clone()).collect();
    match lowered {
        Some((job, cache, limits, graph, sources, files)) if problems.none() => {
            let places = Places { file: path.into(), text: text.into(), sources, uses, files };
            Ok(Loaded { job, cache, limits, graph, vocabulary, places })
        }
        _ => Err(problems.into_sorted()),
    }
}

impl Loaded {
    /// Says `message` of the sources folder, pointing at its name in the file.
    #[must_use]
    pub fn sources_problem(&self, message: impl Into<String>, hint: Option<String>) -> Diagnostic {
        self.places.diagnostic(self.places.sources.clone(), message.into(), hint)
    }

    /// Says that the sources folder does not exist.
    #[must_use]
    pub fn missing_sources(&self) -> Diagnostic {
        let folder = self.job.sources.as_deref().filter(|s| !s.is_empty()).unwrap_or(".");
        let hint = "make the folder, or name another with `--uploads`".to_owned();
        self.sources_problem(format!("the sources folder `{folder}` does not exist"), Some(hint))
    }

    /// Says that a file of the project (a schema, an input, one of `files`) does not exist.
    #[must_use]
    pub fn missing_file(&self, path: &str) -> Diagnostic {
        let span = self.places.files.get(path).cloned().unwrap_or(0..0);
        self.places.diagnostic(span, format!("the file `{path}` does not exist"), None)
    }

    /// Says `message` of the bundled vocabulary that is named at place `nth` of `use`.
    #[must_use]
    pub fn vocabulary_problem(&self, nth: usize, message: String, hint: String) -> Diagnostic {
        let span = self.places.uses.get(nth).cloned().unwrap_or(0..0);
        self.places.diagnostic(span, message, Some(hint).filter(|h| !h.is_empty()))
    }

    /// Every file of the project that the rules name, sorted: schemas, `{ file = … }` inputs, `files`.
    pub fn project_files(&self) -> impl Iterator<Item = &str> {
        self.places.files.keys().map(String::as_str)
    }
}

impl Places {
    fn diagnostic(&self, span: Range<usize>, message: String, hint: Option<String>) -> Diagnostic {
        Diagnostic { file: self.file.clone(), text: self.text.clone(), span, message, label: String::new(), hint }
    }
}
