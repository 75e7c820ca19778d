//! Which folders are meant. What is plainly a path needs no project; all else is looked for among jobs, then environments.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::args::{Diff, Global};
use crate::cli::console::Console;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::project::{Project, unknown};
use crate::diff::artifacts::{ARTIFACTS, Artifact};
use crate::disk::{self, Kind};
use crate::engine::observe::Status;
use crate::job::Clock;
use crate::job::folder::{Choice, check_name};
use crate::job::manifest::{self, Manifest, Record};
use crate::rel_path::RelPath;

/// A job to compare.
pub(super) struct Side {
    /// Absolute.
    pub path: PathBuf,
    /// As people know the folder.
    pub folder: String,
    /// Environment and job, or the folder.
    pub shown: String,
}

impl Side {
    /// Passes whose artifacts may be old, as far as there is a manifest to tell.
    pub(super) fn unfinished(&self) -> Vec<String> {
        let manifest = Manifest::read(&self.path.join(manifest::FILE_NAME)).ok().flatten().unwrap_or_default();
        let passes = manifest.passes.into_iter().filter(|(_, record)| matches!(record.status, Status::Failed | Status::Skipped));
        let told = |(pass, record): (String, Record)| {
            let status = if record.status == Status::Failed { "FAILED" } else { "SKIPPED" };
            format!("in `{}` pass{pass} is {status}: what is compared is what it published before", self.shown)
        };
        passes.map(told).collect()
    }
}

/// What the manifests tell of beside the artifacts that are known: a rule of one's own may publish anything.
pub(super) fn other_artifacts(sides: &[Side; 2]) -> Vec<Artifact> {
    let mut names = BTreeSet::new();
    for side in sides {
        let manifest = Manifest::read(&side.path.join(manifest::FILE_NAME)).ok().flatten().unwrap_or_default();
        let records = manifest.passes.into_values().chain(manifest.rules.into_values());
        names.extend(records.flat_map(|r| r.artifact_records).map(|a| a.name));
    }
    // A name that leads elsewhere is none of this job; parts are told apart by their digests.
    let is_other = |name: &String| {
        RelPath::parse(name).is_ok() && !name.starts_with("parts/") && !ARTIFACTS.iter().any(|a| a.file == name.as_str())
    };
    names.into_iter().filter(is_other).map(Artifact::unknown).collect()
}

/// Both sides, in the order in which they are given.
///
/// # Errors
/// Exit code 2 for what is neither job, environment nor folder.
pub(super) fn of(args: &Diff, global: &Global, console: &Console, clock: Clock) -> Result<[Side; 2], CliError> {
    let mut finder = Finder { args, global, console, clock, project: None };
    Ok([finder.side(&args.a)?, finder.side(&args.b)?])
}

struct Finder<'f> {
    args: &'f Diff,
    global: &'f Global,
    console: &'f Console,
    clock: Clock,
    /// Opened when a name has to be looked up.
    project: Option<Project>,
}

impl Finder<'_> {
    fn side(&mut self, text: &str) -> Result<Side, CliError> {
        let path = Path::new(text);
        let is_plain_path = path.is_absolute() || text.starts_with('.') || text.ends_with(['/', '\\']);
        if is_plain_path {
            return folder(text);
        }
        if !disk::exists(&self.global.ingestfile) {
            let file = self.global.ingestfile.display();
            return folder(text).map_err(|e| e.hint(format!("without `{file}` only folders can be compared")));
        }
        if self.project.is_none() {
            self.project = Some(Project::open(self.global, self.console, self.clock)?);
        }
        let Some(project) = &self.project else { return folder(text) };
        match named(project, self.args.env.as_deref(), text)? {
            Some(side) => Ok(side),
            None if disk::exists(path) => folder(text),
            None => {
                let known = known(project, self.args.env.as_deref());
                let error = unknown("job, environment or folder", text, known.iter().map(String::as_str));
                // A job of another environment.
                let elsewhere = known.iter().find(|k| k.rsplit_once('/').is_some_and(|(_, job)| job == text));
                Err(match elsewhere {
                    Some(job) => error.hint(format!("did you mean `{job}`?")),
                    None => error,
                })
            }
        }
    }
}

fn folder(text: &str) -> Result<Side, CliError> {
    let path = Path::new(text);
    if !disk::is_dir(path) {
        let what = if disk::exists(path) { "is a file, not a job folder" } else { "does not exist" };
        return Err(CliError::new(ErrorKind::Usage, format!("`{text}` {what}")));
    }
    let shown = text.trim_end_matches(['/', '\\']);
    let shown = if shown.is_empty() { text } else { shown }.to_owned();
    Ok(Side { path: disk::absolute(path)?, folder: shown.clone(), shown })
}

/// A job of the environment, the current job of an environment, or a job with its environment.
fn named(project: &Project, env: Option<&str>, text: &str) -> Result<Option<Side>, CliError> {
    let parts: Vec<&str> = text.split('/').collect();
    if parts.iter().any(|part| check_name("a job", part).is_err()) {
        return Ok(None);
    }
    let artifacts = project.artifacts();
    let own = env.unwrap_or(&project.loaded.job.env);
    let is_there = |env: &str, job: &str| job != "current" && disk::is_dir(&artifacts.join(env).join(job));
    match parts.as_slice() {
        [job] if is_there(own, job) => Ok(Some(side(project, own, job))),
        [env] if disk::is_dir(&artifacts.join(env)) => Ok(Some(side(project, env, &current(project, env)?))),
        [env, job] if is_there(env, job) => Ok(Some(side(project, env, job))),
        _ => Ok(None),
    }
}

fn side(project: &Project, env: &str, job: &str) -> Side {
    let path = project.artifacts().join(env).join(job);
    Side { folder: project.shown(&path), shown: format!("{env}/{job}"), path }
}

/// The job that an environment's folder calls the current one, or the only one in it.
fn current(project: &Project, env: &str) -> Result<String, CliError> {
    let jobs = jobs(&project.artifacts().join(env));
    if disk::is_file(&project.artifacts().join(env).join("current")) {
        let job = project.job(Some(env), &Choice::Current)?.job_id;
        if jobs.contains(&job) {
            return Ok(job);
        }
        let message = format!("`{env}/{job}`, the current job of `{env}`, is not there");
        return Err(CliError::new(ErrorKind::Usage, message));
    }
    match jobs.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(CliError::new(ErrorKind::Usage, format!("the environment `{env}` has no job"))),
        several => {
            let message = format!("the environment `{env}` has {} jobs, and none is the current one", several.len());
            Err(CliError::new(ErrorKind::Usage, message).hint(format!("name one of them: `{env}/{}`", several[0])))
        }
    }
}

fn jobs(home: &Path) -> Vec<String> {
    let entries = disk::read_dir_sorted(home).unwrap_or_default();
    entries.into_iter().filter(|e| e.kind == Kind::Folder).map(|e| e.name.to_string_lossy().into_owned()).collect()
}

/// All that could have been meant.
fn known(project: &Project, env: Option<&str>) -> Vec<String> {
    let mut known = jobs(&project.artifacts().join(env.unwrap_or(&project.loaded.job.env)));
    for env in jobs(&project.artifacts()) {
        known.extend(jobs(&project.artifacts().join(&env)).iter().map(|job| format!("{env}/{job}")));
        known.push(env);
    }
    known
}
