//! `ingest build`: from arguments to a set-up, from a report to an exit code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::args::{Build, Global};
use super::console::Console;
use super::diagnostics;
use super::error::{CliError, ErrorKind};
use super::events::EventStream;
use super::idle;
use super::plan;
use super::progress::{Progress, Verbosity};
use super::project::Project;
use super::render::{self, BuildEnd};
use super::trace::{self, Trace};
use super::unread;
use crate::disk;
use crate::engine::again::{self, Again};
use crate::engine::error::EngineError;
use crate::engine::graph::Pass;
use crate::engine::observe::{Event, Observer, Problem, Span, Status, Unheard};
use crate::engine::plan::Plan;
use crate::engine::report::Report;
use crate::engine::select::Selection;
use crate::engine::{self, Adopting, Mode, Setup};
use crate::fail_point::{self, FailPoint};
use crate::job::Clock;
use crate::job::folder::JobFolder;
use crate::job::log::LogWriter;
use crate::job::manifest_writer::ManifestWriter;
use crate::job::redact::redact;
use crate::sources::Found;
use crate::store::Store;
use crate::store::lock::{Asked, BuildLock};
use crate::store::snapshot;

/// Runs the command.
///
/// # Errors
/// With the exit code of what went wrong; it has been told already where that needs more than a sentence.
pub fn run(args: &Build, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let started = clock();
    diagnostics::start(args.log_level, args.log_file.as_deref(), console)?;
    let mut trace = args.trace.clone().map(Trace::begin).transpose()?;
    let mut project = Project::open(global, console, clock)?;
    let mut found = project.sources(args.uploads.as_deref(), console)?;
    let lock = if args.dry_run { None } else { Some(take_lock(&project.cache(), args.no_wait, console)?) };
    if lock.as_ref().is_some_and(|l| l.waited) {
        project = Project::open(global, console, clock)?;
        found = project.sources(args.uploads.as_deref(), console)?;
    }
    let lock = lock.map(|l| l.lock);
    let job = project.job(args.job.env.as_deref(), &args.choice())?;
    let (selection, only) = selection(args, &project, &found)?;
    if let Some(source) = &only {
        found.sources.retain(|s| s.id == *source);
    }
    tell_passed_over(&found, args, console);
    let is_plain = args.selected().is_none()
        && args.targets.is_empty()
        && found.refused.is_empty()
        && !args.retry
        && args.accept.is_empty()
        && args.discard.is_empty();
    let question = is_plain.then(|| idle::question(&project, &job));
    let stands = question.as_ref().filter(|_| !args.check_determinism && lock.as_ref().is_some_and(|l| !l.after_crash));
    if let Some(quarantined) = stands.and_then(|q| idle::stands(&project, q, &found)) {
        let is_traced = trace::is_ended_well(trace, console);
        console.status(&render::outcome(&BuildEnd { quarantined, ..BuildEnd::default() }));
        with_quarantined(quarantined, args)?;
        return if is_traced { Ok(()) } else { Err(CliError::told(ErrorKind::Failed)) };
    }
    let mut setup = project.setup(&job, &found, selection)?;
    setup.publish = only.is_none();
    setup.adopting = adopting(args, &project, setup.publish)?;
    let build_id = crate::job::build_id(started, std::process::id());
    setup.rejected_dir = project.cache().join(crate::job::rejected::FOLDER).join(&build_id);
    setup.build_id.clone_from(&build_id);
    setup.keep_going = args.keep_going;
    setup.retry = args.retry;
    setup.check_determinism = args.check_determinism;
    setup.allow_drop = args.allow_drop;
    setup.jobs = args.jobs.map_or(setup.jobs, usize::from);
    let mut store = Store::read(&project.cache());
    let end = match lock {
        None => return plan::run(&setup, &mut store, args, console),
        Some(lock) => {
            store.lock = Some(lock);
            build(&setup, &mut store, Told { job: &job, build_id, args, console, clock, trace: trace.as_mut() })
        }
    };
    tell_removed_rules(&setup, &store, console);
    for unread in unread::of(&store.state, &setup.job_key, &setup.sources) {
        console.status(&render::warning(console.paint(), &unread.sentence()));
    }
    if let (Some(question), Ok(report)) = (&question, &end)
        && (report.did_something || store.is_writable())
        && report.is_good()
        && !report.tries_again
    {
        idle::remember(&project, &job, &setup, &store, question, report.quarantined.len() as u64);
    }
    tell_edited_ingestfile(&project, global, console);
    // Last of all that is written, so that whatever a kill leaves is told of by the lock.
    let ended = store.end();
    let end = end.and_then(|report| ended.map(|()| report).map_err(EngineError::from));
    let elapsed = clock().duration_since(started).unwrap_or(Duration::ZERO);
    let is_traced = trace::is_ended_well(trace, console);
    finish(end, &found, elapsed, args, console)?;
    if is_traced { Ok(()) } else { Err(CliError::told(ErrorKind::Failed)) }
}

/// The lock, and whether another build had to end first: what was read before that is out of date.
pub(super) struct Taken {
    pub(super) lock: BuildLock,
    pub(super) waited: bool,
}

pub(super) fn take_lock(cache: &Path, no_wait: bool, console: &Console) -> Result<Taken, CliError> {
    let path = cache.join("lock");
    let pid = match BuildLock::ask(&path, false)? {
        Asked::Held(lock) => return Ok(Taken { lock, waited: false }),
        Asked::Busy(pid) => pid,
    };
    // A build that has done nothing yet has written nothing either, not even who it is.
    let (who, holder) = match pid.as_str() {
        "" => (String::new(), "another process".to_owned()),
        pid => (format!(" (process {pid})"), format!("process {pid}")),
    };
    let running = || CliError::new(ErrorKind::Failed, format!("another build is running{who}"));
    if no_wait {
        return Err(running().hint("leave out `--no-wait` to wait for it"));
    }
    console.status(&format!("waiting for the build of {holder}"));
    match BuildLock::ask(&path, true)? {
        Asked::Held(lock) => Ok(Taken { lock, waited: true }),
        Asked::Busy(_) => Err(running()),
    }
}

/// The project and its cache, for one who looks after the cache: as the writer that keeps others waiting, though nothing is
/// written yet. `None`, which is said, if there is no cache.
pub(super) fn open_cache(global: &Global, console: &Console, clock: Clock) -> Result<Option<(Project, Store)>, CliError> {
    let mut project = Project::open(global, console, clock)?;
    let cache = project.cache();
    if !disk::is_dir(&cache) {
        console.status("ingest: there is no cache");
        return Ok(None);
    }
    let Taken { lock, waited } = take_lock(&cache, false, console)?;
    if waited {
        // People may have edited the Ingestfile meanwhile.
        project = Project::open(global, console, clock)?;
    }
    let mut store = Store::read(&cache);
    store.lock = Some(lock);
    Ok(Some((project, store)))
}

/// The engine keeps to the text that it was given; what was written into the file meanwhile is for the next build.
fn tell_edited_ingestfile(project: &Project, global: &Global, console: &Console) {
    if disk::read_to_string(&global.ingestfile).is_ok_and(|text| text == project.text) {
        return;
    }
    let name = render::shown(&project.shown(&global.ingestfile)).into_owned();
    let message = format!("`{name}` was changed while the build ran: what it says now is for the next one");
    console.status(&render::warning(console.paint(), &message));
}

/// The selection that the arguments mean, and the source that it is restricted to.
fn selection(args: &Build, project: &Project, found: &Found) -> Result<(Selection, Option<String>), CliError> {
    let graph = &project.loaded.graph;
    if let Some(passes) = args.selected() {
        let unknown = passes.iter().find(|p| !graph.rules.iter().any(|r| r.pass == Some(**p)));
        if let Some(pass) = unknown.filter(|_| args.resume_from.is_none()) {
            return Err(CliError::new(ErrorKind::Usage, format!("the Ingestfile has no rule of {pass}")));
        }
        return Ok((Selection::passes(graph, &passes.into_iter().collect()), None));
    }
    if args.targets.is_empty() {
        return Ok((Selection::all(graph), None));
    }
    let mut rules = Vec::new();
    let mut only = None;
    for text in &args.targets {
        let target = project.target(text, &found.sources)?;
        rules.extend(target.rules);
        if only.is_some() && target.source != only {
            return Err(CliError::new(ErrorKind::Usage, "targets of one build must be about the same source"));
        }
        only = target.source;
    }
    Ok((Selection::targets(graph, &rules), only))
}

/// The outputs that `--accept` and `--discard` mean.
fn adopting(args: &Build, project: &Project, publishes: bool) -> Result<Adopting, CliError> {
    let outputs = |targets: &[String]| {
        let mut outputs = Vec::new();
        for text in targets {
            if !publishes || text.contains(':') {
                let message = format!("`{text}`: what is published is adopted and discarded whole, not by source");
                return Err(CliError::new(ErrorKind::Usage, message));
            }
            outputs.extend(project.adoptable(text)?);
        }
        Ok(outputs)
    };
    Ok(Adopting { accept: outputs(&args.accept)?, discard: outputs(&args.discard)? })
}

/// What is refused is an error at any verbosity; what is ignored is listed by `-v`, and told anyway where somebody may have
/// meant it to be read.
fn tell_passed_over(found: &Found, args: &Build, console: &Console) {
    let paint = console.paint();
    for file in &found.refused {
        let message = format!("`{}` is refused: {}", render::shown(&file.path), file.reason);
        console.status(&render::problem(paint, "", &Problem { message, ..Problem::default() }));
    }
    for file in &found.ignored {
        let path = render::shown(&file.path);
        if !file.reason.is_empty() && !args.quiet {
            console.status(&render::warning(paint, &format!("no pattern takes `{path}`: {}", file.reason)));
        } else if args.verbose {
            console.status(&format!("no pattern takes `{path}`"));
        }
    }
}

/// Rules that are no longer in the Ingestfile, and still have files in the job folder.
fn tell_removed_rules(setup: &Setup<'_>, store: &Store, console: &Console) {
    let known: BTreeSet<&str> = setup.graph.rules.iter().map(|r| r.name.as_str()).collect();
    let prefix = format!("{}\0", setup.job_key);
    let published = store.state.published.range_from(prefix.as_str()).take_while(|(key, _)| key.starts_with(&prefix));
    let mut removed: BTreeMap<String, u64> = BTreeMap::new();
    published.filter(|(_, p)| !known.contains(p.rule.as_str())).for_each(|(_, p)| *removed.entry(p.rule).or_default() += 1);
    for (rule, files) in removed {
        let files = render::number(files, "file", "files");
        let message = format!("rule `{rule}` is no longer in the Ingestfile; `ingest clean {rule}` removes its {files}");
        console.status(&render::warning(console.paint(), &message));
    }
}

/// Observers one after the other; what the first that fails says stops the build, when all have heard of it.
struct Observers<'a> {
    all: Vec<Box<dyn Observer>>,
    trace: Option<&'a mut Trace>,
}

impl Observer for Observers<'_> {
    fn on(&mut self, event: &Event) -> Result<(), Unheard> {
        let heard: Vec<_> = self.all.iter_mut().map(|o| o.on(event)).collect();
        heard.into_iter().collect()
    }

    fn sources(&mut self, sha_map: &std::collections::BTreeMap<String, String>) {
        self.all.iter_mut().for_each(|o| o.sources(sha_map));
    }

    fn span(&mut self, span: &Span) {
        if let Some(trace) = &mut self.trace {
            trace.add(span);
        }
    }
}

/// Where a build is told of.
struct Told<'a> {
    job: &'a JobFolder,
    build_id: String,
    args: &'a Build,
    console: &'a Console,
    clock: Clock,
    trace: Option<&'a mut Trace>,
}

fn build(setup: &Setup<'_>, store: &mut Store, told: Told<'_>) -> Result<Report, EngineError> {
    let Told { job, build_id, args, console, clock, trace } = told;
    after_crash(store, job)?;
    let broken = |e: crate::job::manifest::ManifestError| EngineError::Input(e.to_string());
    let manifest = ManifestWriter::open(job.clone(), build_id.clone(), clock).map_err(broken)?;
    let verbosity = match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    let mut observers: Vec<Box<dyn Observer>> = vec![
        Box::new(manifest),
        Box::new(LogWriter::new(job.log_path(), build_id.clone(), clock)),
        Box::new(Progress::new(console.clone(), verbosity, clock)),
    ];
    if args.json {
        observers.push(Box::new(EventStream::new(build_id, clock, console.clone())));
    }
    on_signal(&setup.interrupted);
    let mut observers = Observers { all: observers, trace };
    let mut report = engine::build(setup, Mode::Build, store, &mut observers)?;
    if let Some(done) = report.done.take() {
        // The job's manifest and log tell of what is published, which this leaves alone.
        observers.all.drain(..2);
        if !args.quiet {
            let actions = render::number(done.actions.len() as u64, "action", "actions");
            console.status(&format!("running {actions} a second time"));
        }
        let second_time = Again {
            root: &setup.root,
            store,
            base_env: &setup.base_env,
            count: &|bytes| setup.judge.count_items(bytes),
            jobs: setup.jobs,
            keep_in: setup.rejected_dir.join("twice"),
            redact: |text| redact(text).into_owned(),
            interrupted: &setup.interrupted,
        };
        report.checked = Some(again::run(&done, &second_time, &mut observers)?);
    }
    Ok(report)
}

/// If the last build did not end, removes what it left, and lets the lock no longer tell of it.
///
/// # Errors
/// If something cannot be removed.
pub(super) fn after_crash(store: &Store, job: &JobFolder) -> Result<(), disk::DiskError> {
    let Some(lock) = store.lock.as_ref().filter(|l| l.after_crash) else { return Ok(()) };
    sweep(store, job)?;
    fail_point::reach(FailPoint::LeftoversSwept, &store.dir)?;
    lock.mark_idle()
}

/// Removes what a killed build left: private staging, temporary files beside what it was writing.
fn sweep(store: &Store, job: &JobFolder) -> Result<(), disk::DiskError> {
    disk::remove_dir_all(&store.staging())?;
    disk::remove_file(&store.dir.join(snapshot::NEW))?;
    disk::remove_leftovers(&store.dir)?;
    job.sweep()
}

pub(super) fn on_signal(interrupted: &Arc<AtomicBool>) {
    let flag = interrupted.clone();
    // A second handler in one process cannot happen outside tests; without one, Ctrl-C ends us as it ends anything.
    let _ = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            end_at_once();
        }
    });
}

/// Asked a second time: the build may be waiting for what never comes. What it leaves, the next one sweeps.
#[allow(clippy::exit, reason = "nothing of this process can be relied upon to return")]
fn end_at_once() -> ! {
    std::process::exit(130)
}

/// A build that came out well but for documents that are set aside.
pub(super) fn with_quarantined(documents: u64, args: &Build) -> Result<(), CliError> {
    if documents == 0 || args.allow_quarantined { Ok(()) } else { Err(CliError::told(ErrorKind::Failed)) }
}

fn finish(
    end: Result<Report, EngineError>,
    found: &Found,
    elapsed: Duration,
    args: &Build,
    console: &Console,
) -> Result<(), CliError> {
    console.end_progress();
    match end {
        Ok(report) => {
            report.notes.iter().for_each(|n| console.status(&render::shown(n)));
            report.warnings.iter().for_each(|w| console.status(&render::warning(console.paint(), w)));
            let failed_passes = report.statuses.values().filter(|s| **s == Status::Failed).count() as u64;
            let failed_rules = report.failures.len() as u64 - report.failures.iter().filter(|(n, _)| is_pass(n)).count() as u64;
            let end = BuildEnd {
                counts: report.counts,
                failed_passes,
                failed_rules,
                skipped_passes: report.statuses.values().filter(|s| **s == Status::Skipped).count() as u64,
                refused_files: found.refused.len() as u64,
                quarantined: report.quarantined.len() as u64,
                did_something: report.did_something,
                interrupted: false,
                checked: report.checked,
                elapsed,
            };
            console.status(&render::outcome(&end));
            if !found.refused.is_empty() || report.checked.is_some_and(|c| !c.is_good()) {
                return Err(CliError::told(ErrorKind::Failed));
            }
            if report.is_good() { with_quarantined(end.quarantined, args) } else { Err(CliError::told(ErrorKind::Failed)) }
        }
        Err(EngineError::Interrupted) => {
            let end = BuildEnd { interrupted: true, elapsed, ..BuildEnd::default() };
            console.status(&render::outcome(&end));
            Err(CliError::told(ErrorKind::Interrupted))
        }
        Err(EngineError::Adoption(problem)) => {
            console.status(&render::problem(console.paint(), "", &problem));
            console.status("ingest: stopped; nothing was adopted");
            Err(CliError::told(ErrorKind::Failed))
        }
        Err(e) => {
            let mut error = CliError::from_error(ErrorKind::Failed, &e);
            error.problem.hint = out_of_room(&e);
            console.status(&render::problem(console.paint(), "", &error.problem));
            console.status("ingest: stopped; what was finished is kept");
            Err(CliError::told(ErrorKind::Failed))
        }
    }
}

/// What people need to know where there is no room left: of which file system, and how much it has.
fn out_of_room(error: &EngineError) -> Option<String> {
    let space = disk::space(error.path().filter(|_| error.is_full())?)?;
    let (free, total) = (render::size(space.free), render::size(space.total));
    let mount = space.mount.display();
    Some(format!(
        "the file system at `{mount}` has {free} of {total} left, and the cache holds nothing that can go: make room, then build again"
    ))
}

fn is_pass(name: &str) -> bool {
    Pass::ALL.iter().any(|p| p.to_string() == name)
}

/// What a build of this set-up would do; runs and writes nothing.
///
/// # Errors
/// If something that everything needs cannot be read.
pub fn plan(setup: &Setup<'_>, store: &mut Store) -> Result<Plan, CliError> {
    struct Silent;
    impl Observer for Silent {
        fn on(&mut self, _event: &Event) -> Result<(), Unheard> {
            Ok(())
        }
    }
    let report = engine::build(setup, Mode::Plan, store, &mut Silent).map_err(|e| CliError::from_error(ErrorKind::Failed, &e))?;
    Ok(report.plan.unwrap_or_default())
}
