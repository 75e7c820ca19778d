//! `ingest diff`: what differs between two jobs. Reads their artifacts and nothing else; `diff` compares, and here stand the
//! order of things, what is told, and how it ends.

use std::io;

use super::args::{Diff, Global};
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::project::unknown;
use super::render;
use crate::diff::artifacts::{ARTIFACTS, Artifact, FEEDS};
use crate::diff::feed::Feed;
use crate::diff::{self, Change, Compared, DiffError, State};
use crate::disk;
use crate::job::Clock;

pub mod json;
mod sides;
mod text;

use sides::Side;

/// Tells of a comparison as it goes.
trait Teller {
    /// `artifact` is looked at.
    fn begin(&mut self, artifact: &str) -> io::Result<()>;
    /// Something of it differs.
    fn change(&mut self, change: &Change) -> io::Result<()>;
    /// That was all of it.
    fn end(&mut self, artifact: &str, compared: &Compared) -> io::Result<()>;
    /// That was all.
    fn finish(&mut self, feed: Option<&Feed>, differ: bool, console: &Console) -> io::Result<()>;
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for what is no job, artifact or source, 1 if a file cannot be read or is not of the shape, and with
/// `--exit-code` if anything differs.
pub fn run(args: &Diff, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let sides = sides::of(args, global, console, clock)?;
    // What is not of one source has no share of it to compare.
    let others = if args.source.is_some() { Vec::new() } else { sides::other_artifacts(&sides) };
    let all: Vec<&Artifact> = ARTIFACTS.iter().chain(&others).collect();
    let artifacts = wanted(&args.artifacts, &all)?;
    for side in &sides {
        if !all.iter().any(|a| disk::is_file(&side.path.join(&*a.file))) {
            let message = format!("`{}` holds no artifact", side.shown);
            return Err(CliError::new(ErrorKind::Usage, message).hint(format!("an artifact is `{}`, …", ARTIFACTS[0].file)));
        }
    }
    for side in &sides {
        side.unfinished().iter().for_each(|message| console.status(&render::warning(console.paint(), message)));
    }
    let mut teller: Box<dyn Teller> = if args.json {
        Box::new(json::Json::new(&sides).map_err(spool)?)
    } else {
        Box::new(text::Text::new(&sides, console, args.all, args.source.is_some()))
    };
    let count = compare(args, &artifacts, &sides, &mut *teller, console)?;
    console.status(&outcome(count));
    if count.differ() && args.exit_code { Err(CliError::told(ErrorKind::Failed)) } else { Ok(()) }
}

/// Artifacts by how they compare.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: u64,
    differ: u64,
    one_sided: u64,
}

impl Count {
    fn differ(self) -> bool {
        self.differ + self.one_sided > 0
    }
}

fn compare(
    args: &Diff,
    artifacts: &[&Artifact],
    sides: &[Side; 2],
    teller: &mut dyn Teller,
    console: &Console,
) -> Result<Count, CliError> {
    let is_there = |file: &str| sides.iter().all(|side| disk::is_file(&side.path.join(file)));
    let feeds = FEEDS.iter().filter(|f| artifacts.iter().any(|a| a.file == **f));
    let mut feed = feeds.into_iter().find(|f| is_there(f)).map(|f| Feed::of(f));
    let (mut count, mut sources) = (Count::default(), Vec::new());
    for artifact in artifacts {
        console.progress(&format!("comparing {}", artifact.file));
        teller.begin(&artifact.file).map_err(spool)?;
        let mut its_feed = feed.as_mut().filter(|f| f.artifact == artifact.file);
        let mut sink = |change: Change| {
            if let Some(feed) = &mut its_feed {
                feed.take(&change);
            }
            teller.change(&change)
        };
        let compared = diff::compare(artifact, &sides[0].path, &sides[1].path, args.source.as_deref(), &mut sink)
            .map_err(|e| failed(&e, sides))?;
        teller.end(&artifact.file, &compared).map_err(spool)?;
        count.all += u64::from(compared.state != State::Absent);
        count.differ += u64::from(compared.state == State::Differs);
        count.one_sided += u64::from(matches!(compared.state, State::OnlyInA | State::OnlyInB));
        sources.extend(compared.sources);
    }
    console.end_progress();
    if count.all == 0 {
        let names: Vec<&str> = artifacts.iter().map(|a| a.file.as_ref()).collect();
        return Err(CliError::new(ErrorKind::Usage, format!("neither side has `{}`", names.join("`, `"))));
    }
    if let Some(source) = args.source.as_ref().filter(|s| !sources.contains(s)) {
        return Err(unknown("source", source, sources.iter().map(String::as_str)));
    }
    if let Some(feed) = &mut feed {
        feed.end();
    }
    teller.finish(feed.as_ref(), count.differ(), console).map_err(spool)?;
    Ok(count)
}

/// Those of `all` that are named, in their order; all, if none is.
fn wanted<'a>(names: &[String], all: &[&'a Artifact]) -> Result<Vec<&'a Artifact>, CliError> {
    let is_it = |artifact: &Artifact, name: &str| {
        let (file, pass) = (&*artifact.file, pass_of(&artifact.file));
        let letter = pass.and_then(|pass| pass.strip_prefix("pass"));
        name == file
            || file.strip_suffix(".json") == Some(name)
            || pass == Some(name)
            || letter.is_some_and(|letter| letter.eq_ignore_ascii_case(name))
    };
    for name in names {
        if !all.iter().any(|a| is_it(a, name)) {
            return Err(unknown("artifact", name, all.iter().flat_map(|a| [Some(&*a.file), pass_of(&a.file)]).flatten()));
        }
    }
    Ok(all.iter().copied().filter(|a| names.is_empty() || names.iter().any(|n| is_it(a, n))).collect())
}

/// `passA` of `passA_toc.json`.
fn pass_of(file: &str) -> Option<&str> {
    file.split_once('_').map(|(pass, _)| pass).filter(|pass| pass.len() == 5 && pass.starts_with("pass"))
}

fn outcome(count: Count) -> String {
    let one_sided = match count.one_sided {
        0 => String::new(),
        1 => ", 1 is on one side only".to_owned(),
        n => format!(", {n} are on one side only"),
    };
    let of = render::number(count.all, "artifact", "artifacts");
    match count.differ {
        0 if count.one_sided == 0 => "ingest: no difference".to_owned(),
        1 => format!("ingest: 1 of {of} differs{one_sided}"),
        n => format!("ingest: {n} of {of} differ{one_sided}"),
    }
}

/// Files are named as the jobs were.
fn failed(error: &DiffError, sides: &[Side; 2]) -> CliError {
    let mut told = CliError::from_error(ErrorKind::Failed, error);
    for side in sides {
        let path = format!("`{}{}", side.path.display(), std::path::MAIN_SEPARATOR);
        told.problem.message = told.problem.message.replace(&path, &format!("`{}/", side.folder));
    }
    match error {
        DiffError::Syntax { .. } | DiffError::Shape { .. } => {
            told.hint("`--artifact` compares others; `ingest gate` judges a file by its schema")
        }
        DiffError::Changed { .. } => told.hint("compare again when nothing writes to it"),
        _ => told,
    }
}

fn spool(error: io::Error) -> CliError {
    CliError::new(ErrorKind::Failed, format!("cannot keep what differs: {}", disk::plain(&error)))
}
