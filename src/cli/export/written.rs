//! A file of an export while it is written: every piece of it is judged by the file's schema before it is written, and
//! counted. Knows neither where the file goes nor what it is about.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::init;
use crate::digest::Digest;
use crate::engine::verdict::Verdict;
use crate::gates::pieces::Pieces;

/// Why writing stopped.
pub enum Stop {
    /// The disk refused.
    Io(io::Error),
    /// Everything else.
    Told(CliError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<CliError> for Stop {
    fn from(error: CliError) -> Self {
        Self::Told(error)
    }
}

/// How a file is written and judged.
pub struct Form {
    /// Its name below the folder of the export.
    pub name: &'static str,
    /// Its schema below `schemas/`.
    pub schema: &'static str,
    /// The file without its items, if the items are not lines.
    pub frame: Option<&'static str>,
    /// Where the schema says what an item is like, for each list of items.
    pub lists: &'static [&'static str],
}

/// A file that is being written.
pub struct Written<'w> {
    form: &'static Form,
    pieces: Pieces,
    out: &'w mut dyn Write,
    hasher: blake3::Hasher,
    bytes: u64,
    /// An item was written since the list began.
    goes_on: bool,
}

/// What was written.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    pub digest: Digest,
    pub bytes: u64,
}

impl<'w> Written<'w> {
    /// A file of `form` that goes to `out`.
    ///
    /// # Errors
    /// If its schema or its frame is not as it should be: faults of ours.
    pub fn new(form: &'static Form, out: &'w mut dyn Write) -> Result<Self, CliError> {
        let fault = |why: String| CliError::new(ErrorKind::Failed, format!("`{}` cannot be written: {why}", form.name));
        let schema = init::schema(form.schema).ok_or_else(|| fault(format!("there is no `{}`", form.schema)))?;
        let pieces = Pieces::of(form.schema, schema, form.lists).map_err(fault)?;
        let written = Self { form, pieces, out, hasher: blake3::Hasher::new(), bytes: 0, goes_on: false };
        if let Some(frame) = form.frame {
            written.judge("", frame.as_bytes(), &[])?;
        }
        Ok(written)
    }

    /// Text of the frame: what stands before a list, between two, or after the last.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn frame(&mut self, text: &str) -> Result<(), Stop> {
        self.goes_on = false;
        self.put(text.as_bytes())
    }

    /// The next item of an array, whose schema is at `list`; it is called `id`.
    ///
    /// # Errors
    /// If it is not as the schema says, or cannot be written.
    pub fn item(&mut self, list: &'static str, id: &str, item: &impl Serialize) -> Result<(), Stop> {
        let json = self.judged(list, id, item)?;
        self.separate()?;
        self.put(&json)
    }

    /// The next entry of an object whose values have their schema at `list`.
    ///
    /// # Errors
    /// As `item`.
    pub fn entry(&mut self, list: &'static str, key: &str, value: &impl Serialize) -> Result<(), Stop> {
        let json = self.judged(list, key, value)?;
        self.separate()?;
        let key = to_json(&key)?;
        self.put(&key)?;
        self.put(b":")?;
        self.put(&json)
    }

    /// The next line of a file of lines.
    ///
    /// # Errors
    /// As `item`.
    pub fn line(&mut self, id: &str, line: &impl Serialize) -> Result<(), Stop> {
        let mut json = self.judged("", id, line)?;
        json.push(b'\n');
        self.put(&json)
    }

    /// What was written, now that it is all.
    #[must_use]
    pub fn end(self) -> Made {
        Made { digest: Digest::of_hasher(&self.hasher), bytes: self.bytes }
    }

    fn judged(&self, list: &'static str, id: &str, value: &impl Serialize) -> Result<Vec<u8>, Stop> {
        let json = to_json(value)?;
        self.judge(list, &json, &[id])?;
        Ok(json)
    }

    fn judge(&self, list: &'static str, json: &[u8], place: &[&str]) -> Result<(), CliError> {
        let fault = |why: String| CliError::new(ErrorKind::Failed, format!("`{}` cannot be written: {why}", self.form.name));
        let verdict = self.pieces.judge(list, json, place).map_err(fault)?;
        if verdict.accepted() { Ok(()) } else { Err(self.rejected(verdict)) }
    }

    fn rejected(&self, verdict: Verdict) -> CliError {
        let (name, schema) = (self.form.name, self.form.schema);
        let mut error = CliError::new(ErrorKind::Failed, format!("`{name}` would not be as `schemas/{schema}` says"));
        error.problem.violations = verdict.violations;
        error.problem.violation_count = verdict.count;
        error.hint("what the job holds is not as its own schemas say: `ingest gate` judges it again")
    }

    fn separate(&mut self) -> Result<(), Stop> {
        if std::mem::replace(&mut self.goes_on, true) { self.put(b",") } else { Ok(()) }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(self.out.write_all(bytes)?)
    }
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, CliError> {
    serde_json::to_vec(value).map_err(|e| CliError::new(ErrorKind::Failed, format!("what is exported is no JSON: {e}")))
}
