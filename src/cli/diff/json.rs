//! The comparison as one JSON document. It may be long, so it is written as it comes; into a private file, so that a program
//! reads all of it or nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Side, Teller};
use crate::cli::console::Console;
use crate::diff::feed::Feed;
use crate::diff::{Change, Compared, Counts, State};

/// What `diff --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiffReport {
    /// What was.
    pub a: SideReport,
    /// What is now.
    pub b: SideReport,
    /// Those that a side has, in the order of the passes.
    pub artifacts: Vec<ArtifactDiff>,
    /// What makes of a vector store of A one of B; null if no artifact with chunks was compared.
    pub feed: Option<Feed>,
    /// Whether anything differs.
    pub differ: bool,
}

/// One of the two jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideReport {
    /// Environment and job, or the folder as it was given.
    pub job: String,
    pub folder: String,
}

/// One artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactDiff {
    pub artifact: String,
    /// By source, then page; of the link graph, in the order of its ids.
    pub changes: Vec<Change>,
    pub state: State,
    /// By what is counted: `chunk`, `section`, …; empty for a file whose items are not known, which is compared as bytes.
    pub counts: BTreeMap<String, Counts>,
}

/// The document, as far as it is written.
pub(super) struct Json {
    out: BufWriter<File>,
    artifacts: u64,
    changes: u64,
    /// The beginning of an artifact, until it is known that a side has it.
    begun: String,
}

impl Json {
    pub(super) fn new(sides: &[Side; 2]) -> io::Result<Self> {
        let mut json = Self { out: BufWriter::new(tempfile::tempfile()?), artifacts: 0, changes: 0, begun: String::new() };
        let [a, b] = sides.each_ref().map(|s| SideReport { job: s.shown.clone(), folder: s.folder.clone() });
        json.put("{\"a\":", &a)?;
        json.put(",\"b\":", &b)?;
        json.out.write_all(b",\"artifacts\":[")?;
        Ok(json)
    }

    fn put(&mut self, before: &str, value: &impl Serialize) -> io::Result<()> {
        self.out.write_all(before.as_bytes())?;
        Ok(serde_json::to_writer(&mut self.out, value)?)
    }

    /// Writes the beginning of an artifact, if that is not done yet.
    fn open(&mut self) -> io::Result<()> {
        let begun = std::mem::take(&mut self.begun);
        if !begun.is_empty() {
            self.artifacts += 1;
            self.put(if self.artifacts > 1 { ",\n{\"artifact\":" } else { "\n{\"artifact\":" }, &begun)?;
            self.out.write_all(b",\"changes\":[")?;
        }
        Ok(())
    }
}

impl Teller for Json {
    fn begin(&mut self, artifact: &str) -> io::Result<()> {
        (self.begun, self.changes) = (artifact.to_owned(), 0);
        Ok(())
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        self.open()?;
        self.changes += 1;
        self.put(if self.changes > 1 { ",\n" } else { "\n" }, change)
    }

    fn end(&mut self, _: &str, compared: &Compared) -> io::Result<()> {
        if compared.state == State::Absent {
            return Ok(());
        }
        self.open()?;
        self.put("],\"state\":", &compared.state)?;
        self.put(",\"counts\":", &compared.counts)?;
        self.out.write_all(b"}")
    }

    fn finish(&mut self, feed: Option<&Feed>, differ: bool, console: &Console) -> io::Result<()> {
        self.put("],\n\"feed\":", &feed)?;
        self.put(",\"differ\":", &differ)?;
        self.out.write_all(b"}\n")?;
        self.out.flush()?;
        let file = self.out.get_mut();
        file.rewind()?;
        let mut block = vec![0; 64 * 1024];
        loop {
            match file.read(&mut block)? {
                0 => return Ok(()),
                n => console.data(&block[..n]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_the_one_of_the_types() {
        crate::job::log::assert_committed("schemas/diff.schema.json", &schemars::schema_for!(DiffReport).to_value());
    }
}
