//! `ingest init`: what a folder of books needs to begin with. The Ingestfile is our own sample with another folder of
//! sources and a few words before it, so that it cannot fall behind.

use std::path::{Path, PathBuf};

use super::args::Init;
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::render;
use crate::disk;

/// Where the books are to go.
pub const SOURCES: &str = "books";

/// A file that `init` writes: path below the folder, text.
type Text = (&'static str, String);

/// Embeds files of `schemas/`; a test compares the list with the folder.
macro_rules! schemas {
    ($($name:literal),+ $(,)?) => {
        [$((concat!("schemas/", $name), include_str!(concat!("../../schemas/", $name)))),+]
    };
}

const SCHEMAS: &[(&str, &str)] = &schemas![
    "diff.schema.json",
    "events.schema.json",
    "export.schema.json",
    "export_chunks.schema.json",
    "export_chunks_jsonl.schema.json",
    "export_docstore.schema.json",
    "export_documents.schema.json",
    "export_elements.schema.json",
    "export_elements_jsonl.schema.json",
    "export_graph_jsonl.schema.json",
    "export_property_graph_store.schema.json",
    "gate.schema.json",
    "gc.schema.json",
    "graph.schema.json",
    "ingestfile.schema.json",
    "manifest.schema.json",
    "passA_dictionary.schema.json",
    "passA_profile.schema.json",
    "passA_toc.schema.json",
    "passB_splits.schema.json",
    "passC_chunks.schema.json",
    "passC_coverage.schema.json",
    "passC_elements.schema.json",
    "passD_enriched.schema.json",
    "passE_graph.schema.json",
    "passF_clean.schema.json",
    "passF_cleanup.schema.json",
    "plan.schema.json",
    "request.schema.json",
    "response.schema.json",
    "status.schema.json",
    "verify.schema.json",
    "vocabulary.schema.json",
    "why.schema.json",
];

/// The text of a file of `schemas/`.
#[must_use]
pub fn schema(name: &str) -> Option<&'static str> {
    SCHEMAS.iter().find(|(path, _)| path.strip_prefix("schemas/") == Some(name)).map(|(_, text)| *text)
}

const SAMPLE: &str = include_str!("../../Ingestfile.toml");

const SAMPLE_SOURCES: &str = "\"fixtures/uploads\"";

const HEADER: &str = "\
# What `ingest build` does, rule by rule. Put books (PDF, Markdown, text, HTML) into the folder that `sources` names, then:
#
#     ingest build          runs what is out of date, checks it, publishes it
#     ingest status         shows where things stand
#     ingest why passD      says why passD would run again
#
# A rule runs a built-in (`run`) or a command (`command`), once for each of what `each` names, and again only if what it
# reads has changed. `inputs` name what it reads: a source, an output of another rule (`passA.toc`), a share of one
# (`select`), a file. `outputs` are published in {artifacts}/{env}/{job}/. `gate` says what must hold of an output before
# anything may use it. A comment or a space in this file reruns nothing; a changed value reruns what depends on it.
";

const GITIGNORE: &str = "# made by `ingest`; all of it can be built again\n/cache/\n/artifacts/\n";

/// Runs the command.
///
/// # Errors
/// As `write`.
pub fn run(args: &Init, console: &Console) -> Result<(), CliError> {
    let dir = args.dir.as_deref().unwrap_or(Path::new("."));
    let written = write(dir, args.force)?;
    for path in &written {
        let shown = path.strip_prefix(".").unwrap_or(path).display().to_string();
        console.status(&format!("wrote {}", render::shown(&shown)));
    }
    console.status(&if written.is_empty() {
        "ingest: nothing to do".to_owned()
    } else {
        let books = dir.join(SOURCES);
        let books = books.strip_prefix(".").unwrap_or(&books).display().to_string();
        format!("ingest: put books into `{}`, then run `ingest build`", render::shown(&books))
    });
    Ok(())
}

/// The files of a new project, in the order in which they are written.
#[must_use]
pub fn files() -> Vec<Text> {
    let sample = SAMPLE.replacen(SAMPLE_SOURCES, &format!("\"{SOURCES}\""), 1).replace("\r\n", "\n");
    // The line that names the schema has to stay the first one: editors look for it there.
    let (first, rest) = sample.split_once('\n').unwrap_or(("", &sample));
    let ingestfile = format!("{first}\n\n{HEADER}\n{rest}");
    let mut files = vec![("Ingestfile.toml", ingestfile), (".gitignore", GITIGNORE.to_owned())];
    files.extend(SCHEMAS.iter().map(|(path, text)| (*path, text.replace("\r\n", "\n"))));
    files
}

/// Writes `files()` into `dir` and makes the folder of sources. Says what was written. A file that is there stays as it is:
/// unless `force`, one that differs from ours stops everything before anything is written.
///
/// # Errors
/// Usage, naming the file in the way; else what the disk says.
pub fn write(dir: &Path, force: bool) -> Result<Vec<PathBuf>, CliError> {
    let mut wanted = Vec::new();
    for (path, text) in files() {
        let to = dir.join(path);
        match disk::read_if_there(&to)? {
            Some(there) if there == text.as_bytes() => {}
            Some(_) if !force => {
                let error = CliError::new(ErrorKind::Usage, format!("`{}` is there already", to.display()));
                return Err(error.hint("`--force` replaces it"));
            }
            _ => wanted.push((to, text)),
        }
    }
    disk::create_dir_all(&dir.join("schemas"))?;
    disk::create_dir_all(&dir.join(SOURCES))?;
    for (to, text) in &wanted {
        disk::atomic_write(to, text.as_bytes())?;
    }
    Ok(wanted.into_iter().map(|(to, _)| to).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ingestfile_is_the_sample_with_other_sources() {
        let parsed = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
        let (ours, mut sample) = (parsed(&files()[0].1), parsed(SAMPLE));
        assert!(files()[0].1.starts_with("#:schema "));
        sample["job"]["sources"] = SOURCES.into();
        assert_eq!(ours, sample);
    }

    #[test]
    fn every_schema_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        let entries = disk::read_dir_sorted(&folder).unwrap();
        let there: Vec<_> = entries.iter().map(|e| format!("schemas/{}", e.name.to_string_lossy())).collect();
        let mut embedded: Vec<_> = SCHEMAS.iter().map(|(path, _)| (*path).to_owned()).collect();
        embedded.sort();
        assert_eq!(embedded, there, "add the new files to `SCHEMAS`");
    }

    #[test]
    fn a_folder_is_filled_once_and_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("new/project");
        assert_eq!(write(&dir, false).unwrap().len(), files().len());
        assert!(disk::is_dir(&dir.join(SOURCES)));
        assert!(write(&dir, false).unwrap().is_empty());
        disk::write(&dir.join(".gitignore"), b"mine").unwrap();
        disk::remove_file(&dir.join("Ingestfile.toml")).unwrap();
        let error = write(&dir, false).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Usage);
        assert!(error.problem.message.ends_with(".gitignore` is there already"));
        assert!(!disk::exists(&dir.join("Ingestfile.toml")));
        assert_eq!(write(&dir, true).unwrap().len(), 2);
    }
}
