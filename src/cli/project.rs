//! A project, as every command opens it: the Ingestfile, the sources, the job, and the set-up of a build from them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::Global;
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::{render, vocabulary};
use crate::disk;
use crate::engine::graph::{MergeKind, Output, Pass, RuleId};
use crate::engine::items::SourceFile;
use crate::engine::observe::Status;
use crate::engine::select::{self, Selection};
use crate::engine::workers::WorkerSetup;
use crate::engine::{Prior, Setup};
use crate::environment::Environment;
use crate::gates::Gates;
use crate::ingestfile::{self, Loaded};
use crate::job::Clock;
use crate::job::folder::{Choice, JobFolder};
use crate::job::manifest::Manifest;
use crate::job::redact::redact;
use crate::passes;
use crate::placeholder;
use crate::rel_path;
use crate::sources;

/// The cache folder, below the project root.
pub const CACHE: &str = "cache";

/// How many files that no pattern takes are told of by name in log and manifest; all are counted.
const LISTED: usize = 100;

/// A project, opened.
pub struct Project {
    /// Absolute.
    pub root: PathBuf,
    pub loaded: Loaded,
    /// Text of the Ingestfile.
    pub text: String,
    pub gates: Gates,
    pub clock: Clock,
}

/// What a target on the command line means.
pub struct Target {
    pub rules: Vec<RuleId>,
    /// Only this source.
    pub source: Option<String>,
}

/// How many files are named where none is a source.
const NAMED: usize = 10;

/// Why files of a folder without a source are none, as far as there is something to say.
fn passed_over(found: &sources::Found) -> Vec<String> {
    let refused = found.refused.iter().map(|f| format!("`{}` is refused: {}", render::shown(&f.path), f.reason));
    let meant = found.ignored.iter().filter(|f| !f.reason.is_empty());
    let ignored = meant.map(|f| format!("no pattern takes `{}`: {}", render::shown(&f.path), f.reason));
    let mut all: Vec<String> = refused.chain(ignored).collect();
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    all
}

impl Project {
    /// Opens the project that `global` names; what is wrong with its Ingestfile is told on `console`.
    ///
    /// # Errors
    /// Exit code 2, if the Ingestfile cannot be read or has anything wrong with it.
    pub fn open(global: &Global, console: &Console, clock: Clock) -> Result<Self, CliError> {
        let file = &global.ingestfile;
        let shown = file.strip_prefix(".").unwrap_or(file).display().to_string();
        let usage = |e: disk::DiskError| {
            let error = CliError::from_error(ErrorKind::Usage, &e);
            if e.is_missing() { error.hint("`ingest init` writes one for a folder of books") } else { error }
        };
        let text = disk::read_to_string(file).map_err(usage)?;
        let loaded = match ingestfile::load(&shown, &text, passes::BUILTINS) {
            Ok(loaded) => loaded,
            Err(problems) => {
                let color = console.paint().0;
                problems.iter().for_each(|p| console.status(&p.render(color)));
                return Err(CliError::told(ErrorKind::Usage));
            }
        };
        let parent = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let root = disk::canonical(parent).map_err(usage)?;
        let project = Self { root, loaded, text, gates: Gates::default(), clock };
        if let Some(missing) = project.loaded.project_files().find(|f| !disk::is_file(&project.root.join(f))) {
            console.status(&project.loaded.missing_file(missing).render(console.paint().0));
            return Err(CliError::told(ErrorKind::Usage));
        }
        let problems = vocabulary::problems(&project.root, &project.loaded)?;
        if !problems.is_empty() {
            problems.iter().for_each(|p| console.status(&p.render(console.paint().0)));
            return Err(CliError::told(ErrorKind::Usage));
        }
        Ok(project)
    }

    /// The time, in seconds since 1970.
    #[must_use]
    pub fn now_s(&self) -> i64 {
        let since = (self.clock)().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
    }

    /// The cache folder.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.root.join(CACHE)
    }

    /// The folder below which all environments publish.
    #[must_use]
    pub fn artifacts(&self) -> PathBuf {
        self.root.join(&self.loaded.job.artifacts)
    }

    /// The job that `choice` means in `env` (the Ingestfile's, if none is given).
    ///
    /// # Errors
    /// If its name is not safe, or what is there is no job.
    pub fn job(&self, env: Option<&str>, choice: &Choice) -> Result<JobFolder, CliError> {
        let env = env.unwrap_or(&self.loaded.job.env);
        let mut job = JobFolder::choose(&self.artifacts(), env, choice, (self.clock)())?;
        // However the folder was named, its records are found under one name.
        job.path = disk::absolute(&job.path)?;
        Ok(job)
    }

    /// The sources that there are; none is no error.
    ///
    /// # Errors
    /// Exit code 1 if the folder cannot be read or two sources get one id.
    pub fn sources_if_any(&self) -> Result<sources::Found, CliError> {
        let folder = self.loaded.job.sources.as_ref().map(|dir| self.root.join(dir));
        match folder.filter(|f| disk::is_dir(f)) {
            Some(folder) => self.find(&disk::canonical(&folder)?),
            None => Ok(sources::Found::default()),
        }
    }

    fn find(&self, root: &Path) -> Result<sources::Found, CliError> {
        let left_out = [self.cache(), self.artifacts()];
        let include = &self.loaded.job.include;
        let rules = sources::Rules {
            left_out: &left_out,
            take: &|path| include.is_match(path),
            unpublishable: &|path| self.unpublishable(path),
            told: redact,
        };
        sources::find(root, &rules).map_err(|e| CliError::from_error(ErrorKind::Failed, &e))
    }

    /// Why a source at `path` would be published under a name that not every system has, if it would: its own file name
    /// stands in what is called by `{stem}`.
    fn unpublishable(&self, path: &str) -> Option<String> {
        let outputs = self.loaded.graph.rules.iter().flat_map(|r| &r.outputs);
        let by_stem = outputs.filter(|o| o.publish && o.merge == MergeKind::PerItem && o.path.contains("{stem}"));
        by_stem.into_iter().find_map(|o| {
            let published = placeholder::fill(&o.path, |name| (name == "stem").then(|| rel_path::stem_of(path).to_owned()));
            let why = published.split('/').find_map(rel_path::unportable)?;
            let name = rel_path::stem_of(path);
            Some(format!("`{}` would name its file after it, and of `{name}` that cannot be: {why}", o.path))
        })
    }

    /// The sources, from the Ingestfile's folder or from `uploads`.
    ///
    /// # Errors
    /// Exit code 2 if the folder does not exist, 1 if it cannot be read or two sources get one id.
    pub fn sources(&self, uploads: Option<&Path>, console: &Console) -> Result<sources::Found, CliError> {
        let ranges = self.loaded.graph.rules.iter().any(|r| r.range != crate::engine::graph::Range::Job);
        let folder = match (uploads, &self.loaded.job.sources) {
            (Some(dir), _) => dir.to_path_buf(),
            (None, Some(dir)) => self.root.join(dir),
            (None, None) => return Ok(sources::Found::default()),
        };
        if !disk::is_dir(&folder) {
            if !ranges && uploads.is_none() {
                return Ok(sources::Found::default());
            }
            if uploads.is_some() {
                let message = format!("the folder `{}` does not exist", folder.display());
                return Err(CliError::new(ErrorKind::Usage, message));
            }
            console.status(&self.loaded.missing_sources().render(console.paint().0));
            return Err(CliError::told(ErrorKind::Usage));
        }
        let root = disk::canonical(&folder)?;
        let found = self.find(&root)?;
        if found.sources.is_empty() && ranges {
            let message = format!("no file in `{}` is a source", self.shown(&root));
            let patterns = self.loaded.job.include_patterns.join("`, `");
            let mut error = CliError::new(ErrorKind::Failed, message).hint(format!("sources are what `{patterns}` take"));
            error.problem.causes = passed_over(&found);
            return Err(error);
        }
        Ok(found)
    }

    /// A path as people know it: below the root if it lies there.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string().replace('\\', "/")
    }

    /// The rules that `text` means: a pass (`passD`), a rule, or an artifact (`passD_enriched.json`); after a colon, the
    /// source to restrict it to, by its id or its path below the sources folder.
    ///
    /// # Errors
    /// Exit code 2, with the nearest known names.
    pub fn target(&self, text: &str, sources: &[SourceFile]) -> Result<Target, CliError> {
        let graph = &self.loaded.graph;
        let (name, source) = match text.split_once(':') {
            Some((name, source)) => (name, Some(source)),
            None => (text, None),
        };
        let pass = Pass::ALL.into_iter().find(|p| p.to_string() == name);
        let mut rules: Vec<RuleId> = pass.map(|p| select::rules_of(graph, p).collect()).unwrap_or_default();
        if rules.is_empty() {
            rules.extend(graph.rule_named(name));
        }
        if rules.is_empty() {
            let ids = (0..graph.rules.len()).map(|i| RuleId(u32::try_from(i).unwrap_or(u32::MAX)));
            rules.extend(
                ids.filter(|id| {
                    graph.rule(*id).outputs.iter().any(|o| o.path.trim_end_matches('/') == name.trim_end_matches('/'))
                }),
            );
        }
        if rules.is_empty() {
            let known = graph
                .rules
                .iter()
                .flat_map(|r| std::iter::once(r.name.as_str()).chain(r.outputs.iter().map(|o| o.path.as_str())));
            return Err(unknown("target", name, known));
        }
        let source = match source {
            None => None,
            Some(name) => match sources.iter().find(|s| s.id == name || s.path == name) {
                Some(source) => Some(source.id.clone()),
                None => return Err(unknown("source", name, sources.iter().flat_map(|s| [s.id.as_str(), s.path.as_str()]))),
            },
        };
        Ok(Target { rules, source })
    }

    /// The outputs that `text` means, if they are published as single files.
    ///
    /// # Errors
    /// Exit code 2, if it is not known, or publishes only trees or files of items.
    pub fn adoptable(&self, text: &str) -> Result<Vec<(RuleId, usize)>, CliError> {
        let rules = self.target(text, &[])?.rules;
        let graph = &self.loaded.graph;
        let all = rules.iter().flat_map(|r| graph.rule(*r).outputs.iter().enumerate().map(move |(ix, o)| (*r, ix, o)));
        let is_meant =
            |o: &Output| o.path == text || !rules.iter().any(|r| graph.rule(*r).outputs.iter().any(|o| o.path == text));
        let single = all.filter(|(_, _, o)| o.publish && !o.tree && o.merge != MergeKind::PerItem && is_meant(o));
        let found: Vec<(RuleId, usize)> = single.map(|(r, ix, _)| (r, ix)).collect();
        if found.is_empty() {
            let message = format!("`{text}` publishes no single file: only such a file can be adopted");
            return Err(CliError::new(ErrorKind::Usage, message));
        }
        Ok(found)
    }

    /// What a build of `selection` over `sources` into `job` is told.
    ///
    /// # Errors
    /// If the job's manifest cannot be read.
    pub fn setup<'a>(&'a self, job: &JobFolder, found: &sources::Found, selection: Selection) -> Result<Setup<'a>, CliError> {
        let manifest = Manifest::read(&job.manifest_path())?.unwrap_or_default();
        let prior = Pass::ALL.into_iter().map(|p| {
            let record = manifest.pass(p);
            (p, Prior { status: record.status, records: record.artifact_records, quarantined: record.quarantined })
        });
        let rules = manifest.rules.iter().filter(|(_, r)| r.status == Status::Success);
        let env = environment();
        Ok(Setup {
            graph: &self.loaded.graph,
            root: self.root.clone(),
            job_dir: job.path.clone(),
            job_key: self.shown(&job.path),
            sources: found.sources.clone(),
            ignored_files: found.ignored.len() as u64,
            ignored: found.ignored.iter().take(LISTED).cloned().collect(),
            refused: found.refused.clone(),
            selection,
            prior: prior.collect(),
            prior_rules: rules.map(|(name, r)| (name.clone(), r.quarantined.clone())).collect(),
            on_error: self.loaded.job.on_error,
            barrier: self.loaded.job.barrier,
            jobs: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            workers: workers(&env),
            judge: &self.gates,
            base_env: base_env(&env),
            env,
            limits: self.loaded.limits,
            keep_going: false,
            retry: false,
            adopting: crate::engine::Adopting::default(),
            allow_drop: false,
            publish: true,
            rejected_dir: self.cache().join("rejected").join("build"),
            build_id: String::new(),
            bounds: self.loaded.cache,
            now_s: self.now_s(),
            check_determinism: false,
            interrupted: Arc::new(AtomicBool::new(false)),
        })
    }
}

/// What every command of a rule gets of the environment; the rest must be declared. All but PATH exist on Windows only.
const BASE_ENV: [&str; 5] = ["PATH", "SystemRoot", "PATHEXT", "ComSpec", "windir"];

pub(super) fn base_env(environment: &Environment) -> Vec<(String, String)> {
    environment.those(BASE_ENV)
}

/// How processes for built-ins are started. Where the system tells this program's own file whatever became of its name, that
/// is taken: it may be replaced by a newer one while a build runs.
pub(super) fn workers(environment: &Environment) -> WorkerSetup {
    let own = PathBuf::from("/proc/self/exe");
    let program = if cfg!(target_os = "linux") && disk::exists(&own) {
        own
    } else {
        std::env::current_exe().unwrap_or_else(|_| PathBuf::from("ingest"))
    };
    let mut env = base_env(environment);
    env.retain(|(name, _)| name != "PATH");
    if cfg!(feature = "fail-points") {
        env.extend(environment.those(["INGEST_FAIL_POINT"]));
    }
    WorkerSetup { program, env }
}

#[allow(clippy::disallowed_methods, reason = "the environment is read here and handed down")]
pub(super) fn environment() -> Environment {
    Environment::new(std::env::vars_os())
}

pub(super) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> CliError {
    let message = format!("there is no {what} `{name}`");
    let error = CliError::new(ErrorKind::Usage, message);
    let best = known.map(|k| (strsim::damerau_levenshtein(k, name), k)).min();
    match best {
        Some((distance, near)) if distance <= name.len().max(3) / 2 => error.hint(format!("did you mean `{near}`?")),
        _ => error,
    }
}
