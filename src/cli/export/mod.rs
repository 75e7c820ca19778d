//! `ingest export`: what a job published, in the files that other systems load as their own. Reads the job folder and
//! nothing else, item by item; builds nothing. All files are whole and judged by their schemas before the first is put in its
//! place, and the same job gives the same bytes.

mod chunks;
pub mod folder;
mod haystack;
mod lines;
mod llamaindex;
pub mod shapes;
mod taken;
mod unstructured;
pub mod written;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::{Export, ExportFormat, Global};
use super::build;
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::outputs::Kind;
use super::project::Project;
use super::render;
use crate::disk;
use crate::job::Clock;
use folder::Folder;
use taken::{Artifact, Job};

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a job that is none and for files in the way, 1 for artifacts that are missing, edited or of an earlier
/// build, and if the disk refuses.
pub fn run(args: &Export, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let project = Project::open(global, console, clock)?;
    keeps_clear(&project, &args.output)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    build::on_signal(&interrupted);
    let job = Job::open(&project, args.job.env.as_deref(), &args.choice(), interrupted)?;
    let taken = Taken::of(&job, args.format)?;
    taken.told.iter().for_each(|line| console.status(line));

    let mut folder = Folder::open(&args.output, taken.names(args.format).as_slice(), args.force)?;
    let written = write(&job, args.format, &taken, &mut folder)?;
    let changed = folder.put(args.format, job.id(), taken.from())?;
    let dir = args.output.display().to_string();
    let dir = render::shown(&dir);
    console.status(&match changed {
        true => format!("ingest: wrote {} into `{dir}`", written.join(", ")),
        false => format!("ingest: nothing to do: `{dir}` holds {}", written.join(", ")),
    });
    Ok(())
}

/// What builds write is theirs.
fn keeps_clear(project: &Project, dir: &Path) -> Result<(), CliError> {
    let dir = disk::absolute(dir)?;
    let there = dir.ancestors().find_map(|above| Some((disk::canonical(above).ok()?, dir.strip_prefix(above).ok()?)));
    let dir = there.map_or_else(|| dir.clone(), |(above, below)| above.join(below));
    match [project.cache(), project.artifacts()].into_iter().find(|theirs| dir.starts_with(theirs)) {
        Some(theirs) => {
            let message = format!("`{}` belongs to builds: an export is not written there", project.shown(&theirs));
            Err(CliError::new(ErrorKind::Usage, message))
        }
        None => Ok(()),
    }
}

/// The artifacts that an export is made from.
struct Taken {
    toc: Option<Artifact>,
    elements: Option<Artifact>,
    chunks: Artifact,
    graph: Option<Artifact>,
    /// What people should know of the choice, a line each.
    told: Vec<String>,
}

impl Taken {
    fn of(job: &Job<'_>, format: ExportFormat) -> Result<Self, CliError> {
        let (chunks, passed_over) = job.chunks()?;
        let mut told = Vec::new();
        if !passed_over.is_empty() {
            let passed_over = passed_over.join("`, `");
            told.push(format!("not in this job: `{passed_over}`; chunks are those of `{}`", chunks.name));
        }
        let mut optional = |kind: Kind, is_meant: bool, what: &str| {
            let artifact = if is_meant { job.artifact(kind)? } else { None };
            if is_meant && artifact.is_none() {
                told.push(format!("no rule makes {}: {what} is not written", kind.port));
            }
            Ok::<_, CliError>(artifact)
        };
        let (elements_file, graph_file) = match format {
            ExportFormat::Unstructured => (unstructured::ELEMENTS.name, ""),
            ExportFormat::Haystack => ("", ""),
            ExportFormat::Llamaindex => ("", llamaindex::GRAPH.name),
            ExportFormat::Jsonl => (lines::ELEMENTS.name, lines::GRAPH.name),
        };
        let elements = optional(Kind::ELEMENTS, !elements_file.is_empty(), elements_file)?;
        let graph = optional(Kind::GRAPH, !graph_file.is_empty(), graph_file)?;
        let toc = if format == ExportFormat::Jsonl { None } else { Some(toc(job)?) };
        Ok(Self { toc, elements, chunks, graph, told })
    }

    /// The files that are to be written.
    fn names(&self, format: ExportFormat) -> Vec<&'static str> {
        let elements = self.elements.as_ref();
        let graph = self.graph.as_ref();
        match format {
            ExportFormat::Unstructured => {
                elements.map(|_| unstructured::ELEMENTS.name).into_iter().chain([unstructured::CHUNKS.name]).collect()
            }
            ExportFormat::Haystack => vec![haystack::FORM.name],
            ExportFormat::Llamaindex => {
                std::iter::once(llamaindex::DOCSTORE.name).chain(graph.map(|_| llamaindex::GRAPH.name)).collect()
            }
            ExportFormat::Jsonl => {
                let elements = elements.map(|_| lines::ELEMENTS.name).into_iter();
                elements.chain([lines::CHUNKS.name]).chain(graph.map(|_| lines::GRAPH.name)).collect()
            }
        }
    }

    /// Digests of the artifacts by name.
    fn from(&self) -> BTreeMap<String, String> {
        let optional = [&self.toc, &self.elements, &self.graph].into_iter().flatten();
        optional.chain([&self.chunks]).map(|artifact| (artifact.name.clone(), artifact.digest())).collect()
    }
}

fn toc(job: &Job<'_>) -> Result<Artifact, CliError> {
    job.artifact(Kind::TOC)?.ok_or_else(|| {
        let message = "no rule makes contents, which paths and titles of sources are taken from";
        let hint = format!("none runs `toc`, and none is judged by `{}`", Kind::TOC.schema);
        CliError::new(ErrorKind::Usage, message).hint(hint)
    })
}

/// Writes the files beside their places; what each holds, in words.
fn write(job: &Job<'_>, format: ExportFormat, taken: &Taken, folder: &mut Folder) -> Result<Vec<String>, CliError> {
    let sources = taken.toc.as_ref().map(|toc| job.sources(toc)).transpose()?.unwrap_or_default();
    let chunks = &taken.chunks;
    let mut told = Vec::new();
    let of_chunks = |n: u64, one: &str, many: &str| format!("{} of {}", render::number(n, one, many), chunks.name);
    let mut count = 0;
    match format {
        ExportFormat::Unstructured => {
            if let Some(elements) = &taken.elements {
                folder.write(&unstructured::ELEMENTS, |file| {
                    count = unstructured::elements(job, elements, &sources, file)?;
                    Ok(())
                })?;
                told.push((unstructured::ELEMENTS.name, render::number(count, "element", "elements")));
            }
            folder.write(&unstructured::CHUNKS, |file| {
                count = unstructured::chunks(job, chunks, &sources, file)?;
                Ok(())
            })?;
            told.push((unstructured::CHUNKS.name, of_chunks(count, "chunk", "chunks")));
        }
        ExportFormat::Haystack => {
            folder.write(&haystack::FORM, |file| {
                count = haystack::write(job, chunks, &sources, file)?;
                Ok(())
            })?;
            told.push((haystack::FORM.name, of_chunks(count, "Document", "Documents")));
        }
        ExportFormat::Llamaindex => {
            let mut kept = llamaindex::Kept::new();
            folder.write(&llamaindex::DOCSTORE, |file| {
                kept = llamaindex::docstore(job, chunks, &sources, file)?;
                Ok(())
            })?;
            told.push((llamaindex::DOCSTORE.name, of_chunks(kept.len() as u64, "node", "nodes")));
            if let Some(graph) = &taken.graph {
                folder.write(&llamaindex::GRAPH, |file| {
                    count = llamaindex::graph(job, (graph, chunks), &sources, &kept, file)?;
                    Ok(())
                })?;
                told.push((llamaindex::GRAPH.name, render::number(count, "node", "nodes")));
            }
        }
        ExportFormat::Jsonl => {
            if let Some(elements) = &taken.elements {
                folder.write(&lines::ELEMENTS, |file| {
                    count = lines::elements(job, elements, file)?;
                    Ok(())
                })?;
                told.push((lines::ELEMENTS.name, render::number(count, "line", "lines")));
            }
            folder.write(&lines::CHUNKS, |file| {
                count = lines::chunks(job, chunks, file)?;
                Ok(())
            })?;
            told.push((lines::CHUNKS.name, of_chunks(count, "line", "lines")));
            if let Some(graph) = &taken.graph {
                folder.write(&lines::GRAPH, |file| {
                    count = lines::graph(job, graph, file)?;
                    Ok(())
                })?;
                told.push((lines::GRAPH.name, render::number(count, "line", "lines")));
            }
        }
    }
    Ok(told.into_iter().map(|(name, holds)| format!("{name} ({holds})")).collect())
}
