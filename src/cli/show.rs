//! `ingest show`: what was made of one page, drawn over the page. Reads what a job published and what the cache holds; builds
//! nothing, and writes nothing but the drawing. The book is opened by a worker, within `[limits]`.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::args::{Global, Show};
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::project::{self, Project};
use super::render;
use crate::builtin::{Item, Output};
use crate::digest::Digest;
use crate::disk;
use crate::document::drawing::Drawing;
use crate::engine::execute::{InputValue, RunError};
use crate::engine::items::SourceFile;
use crate::engine::workers::{WorkerError, Workers};
use crate::job::Clock;
use crate::passes::drawing::{BUILTIN, Format, Params, Told};
use crate::passes::pages::{UNPAGED, extension};
use crate::store::Store;

mod artifacts;
mod cached;
mod source;

/// What a page may take to draw, in milliseconds, if the limit on time is not lower: somebody waits for it.
const PATIENCE_MS: u64 = 30_000;
/// How often it is looked whether the time of the worker is up.
const TICK: Duration = Duration::from_millis(50);

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a source, page or file name that cannot be, 1 if what it takes is not built or the disk refuses.
pub fn run(args: &Show, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let format = format(args.output.as_deref())?;
    let project = Project::open(global, console, clock)?;
    if let Some(file) = &args.output {
        keeps_clear(&project, file)?;
    }
    let found = project.sources(args.uploads.as_deref(), console)?;
    let source = source::named(&args.source, &found.sources)?;
    if UNPAGED.contains(&extension(&source.path).as_str()) {
        let message = format!("`{}` has no pages", source.path);
        return Err(CliError::new(ErrorKind::Usage, message).hint("only PDFs can be shown"));
    }
    let job = project.job(args.job.env.as_deref(), &args.job.choice())?;
    let bytes = disk::read(&source.file)?;
    let digest = Digest::of(&bytes);
    drop(bytes);

    let store = Store::read(&project.cache());
    let job_key = project.shown(&job.path);
    let known = cached::of(&project.loaded.graph, &store, &job_key, source, args.page);
    in_range(args.page, known.pages, source)?;
    let mut drawing = Drawing { source: source.path.clone(), page: args.page, pages: known.pages, ..Drawing::default() };
    if let Some(page) = &known.lines {
        drawing.take_lines(page);
    }
    artifacts::read(&project, &job.path, source, &mut drawing)?;
    if known.read.is_some_and(|read| read != digest) {
        let note = format!("`{}` has changed since it was built", source.path);
        console.status(&format!(
            "warning: {}: the drawing is of what was built; `ingest build` brings it up to date",
            render::shown(&note)
        ));
        drawing.notes.push(note);
    }

    let mut limits = project.loaded.limits;
    limits.time_ms = limits.time_ms.min(PATIENCE_MS);
    let workers = Workers::new(project::workers(&project::environment()), limits, project.cache().join("cas"));
    let (drawn, told) = draw(&workers, source, digest, Params { drawing, format })?;
    in_range(args.page, told.pages, source)?;
    if let Some(why) = &told.without_page {
        console.status(&format!("warning: drawn without the page itself: {}", render::shown(why)));
    }
    match &args.output {
        Some(file) => Ok(disk::atomic_write(file, &drawn)?),
        None => {
            console.data(&drawn);
            Ok(())
        }
    }
}

/// As the name of the file says; SVG for stdout.
fn format(output: Option<&Path>) -> Result<Format, CliError> {
    let Some(file) = output else { return Ok(Format::Svg) };
    match extension(&file.to_string_lossy().replace('\\', "/")).as_str() {
        "svg" => Ok(Format::Svg),
        "png" => Ok(Format::Png),
        _ => {
            let message = format!("`{}` is no name for a drawing", file.display());
            Err(CliError::new(ErrorKind::Usage, message).hint("it ends in `.svg` or `.png`"))
        }
    }
}

/// What builds write is theirs.
fn keeps_clear(project: &Project, file: &Path) -> Result<(), CliError> {
    let file = disk::absolute(file)?;
    let parent = file.parent().map(Path::to_path_buf).unwrap_or_default();
    let parent = disk::canonical(&parent).unwrap_or(parent);
    match [project.cache(), project.artifacts()].into_iter().find(|theirs| parent.starts_with(theirs)) {
        Some(theirs) => {
            let message = format!("`{}` belongs to builds: a drawing is not written there", project.shown(&theirs));
            Err(CliError::new(ErrorKind::Usage, message))
        }
        None => Ok(()),
    }
}

fn in_range(page: u32, pages: Option<u32>, source: &SourceFile) -> Result<(), CliError> {
    match pages {
        Some(pages) if page > pages => {
            let all = render::number(pages.into(), "page", "pages");
            Err(CliError::new(ErrorKind::Usage, format!("there is no page {page}: `{}` has {all}", source.path)))
        }
        _ => Ok(()),
    }
}

/// The drawing, made by a worker; without the page itself if no worker survives that.
fn draw(workers: &Workers, source: &SourceFile, digest: Digest, mut params: Params) -> Result<(Vec<u8>, Told), CliError> {
    let book = InputValue::Foreign { path: source.file.clone(), name: source.path.clone(), digest };
    let inputs = [("source".to_owned(), book)];
    let why = match ask(workers, source, &inputs, &params) {
        Ok(made) => return taken(made),
        Err(RunError::Worker(WorkerError::Start(e))) => {
            return Err(CliError::from_error(ErrorKind::Failed, &WorkerError::Start(e)));
        }
        // The limit is perhaps not the one of the Ingestfile.
        Err(RunError::Worker(WorkerError::Time(limits))) => format!("that takes longer than {} s", limits.time_ms / 1000),
        Err(error) => error.to_string(),
    };
    params.drawing.notes.push(format!("drawn without the page itself: {why}"));
    let made = ask(workers, source, &[], &params).map_err(|e| CliError::from_error(ErrorKind::Failed, &e))?;
    taken(made).map(|(drawn, told)| (drawn, Told { without_page: Some(why), ..told }))
}

fn taken(made: Vec<(&'static str, Output)>) -> Result<(Vec<u8>, Told), CliError> {
    let mut files = made.into_iter().map(|(name, output)| match output {
        Output::File(bytes) | Output::Array { json: bytes, .. } => (name, bytes),
        Output::Tree(_) => (name, Vec::new()),
    });
    let (Some(("drawing", drawn)), Some(("told", told))) = (files.next(), files.next()) else {
        return Err(CliError::new(ErrorKind::Failed, "the worker gave no drawing"));
    };
    let told = serde_json::from_slice(&told).map_err(|e| CliError::from_error(ErrorKind::Failed, &e))?;
    Ok((drawn, told))
}

fn ask(
    workers: &Workers,
    source: &SourceFile,
    inputs: &[(String, InputValue)],
    params: &Params,
) -> Result<Vec<(&'static str, Output)>, RunError> {
    let item = Item { id: source.id.clone(), source_id: source.id.clone(), path: source.path.clone() };
    let params = serde_json::to_value(params).unwrap_or_default();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                workers.end_overdue();
                std::thread::sleep(TICK);
            }
        });
        let made = workers.run(&BUILTIN, &item, inputs, &params);
        is_over.store(true, Ordering::SeqCst);
        made
    })
}
