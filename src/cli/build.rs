//! `ingest build`: from arguments to a set-up, from a report to an exit code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::args::{Build, Global};
use super::console::Console;
use super::diagnostics;
use super::error::{CliError, ErrorKind};
use super::events::EventStream;
use super::idle;
use super::progress::{Progress, Verbosity};
use super::project::Project;
use super::render::{self, BuildEnd};
use crate::disk;
use crate::engine::error::EngineError;
use crate::engine::graph::Pass;
use crate::engine::observe::{Counts, Event, Observer, Problem, Status};
use crate::engine::plan::{Fate, Plan};
use crate::engine::report::Report;
use crate::engine::select::Selection;
use crate::engine::{self, Mode, Setup};
use crate::job::Clock;
use crate::job::folder::JobFolder;
use crate::job::log::LogWriter;
use crate::job::manifest_writer::ManifestWriter;
use crate::sources::Found;
use crate::store::Store;
use crate::store::lock::{Asked, BuildLock};

/// Runs the command.
///
/// # Errors
/// With the exit code of what went wrong; it has been told already where that needs more than a sentence.
pub fn run(args: &Build, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let started = clock();
    diagnostics::start(args.log_level, args.log_file.as_deref(), console)?;
    let project = Project::open(global, console, clock)?;
    let found = project.sources(args.uploads.as_deref(), console)?;
    let lock = if args.dry_run { None } else { Some(take_lock(&project, args, console)?) };
    let job = project.job(args.job.env.as_deref(), &args.choice())?;
    let (selection, only) = selection(args, &project, &found)?;
    let mut found = found;
    if let Some(source) = &only {
        found.sources.retain(|s| s.id == *source);
    }
    tell_passed_over(&found, args.verbose, console);
    let is_plain = args.selected().is_none() && args.targets.is_empty() && found.refused.is_empty() && !args.retry;
    let question = is_plain.then(|| idle::question(&project, &job));
    let stands = question.filter(|_| lock.as_ref().is_some_and(|l| !l.after_crash));
    if let Some(quarantined) = stands.and_then(|q| idle::stands(&project, q, &found)) {
        console.status(&render::outcome(&BuildEnd { quarantined, ..BuildEnd::default() }));
        return with_quarantined(quarantined, args);
    }
    let mut setup = project.setup(&job, &found, selection)?;
    setup.publish = only.is_none();
    let build_id = crate::job::build_id(started, std::process::id());
    setup.rejected_dir = project.cache().join(crate::job::rejected::FOLDER).join(&build_id);
    setup.keep_going = args.keep_going;
    setup.retry = args.retry;
    setup.jobs = args.jobs.map_or(setup.jobs, usize::from);
    let mut store = Store::read(&project.cache());
    let end = match &lock {
        None => return dry_run(&setup, &mut store, args, console),
        Some(lock) => build(&setup, &mut store, lock, Told { job: &job, build_id, args, console, clock }),
    };
    tell_removed_rules(&setup, &store, console);
    if let (Some(question), Ok(report)) = (question, &end)
        && report.did_something
        && report.is_good()
        && !report.tries_again
    {
        idle::remember(&project, &job, &setup, &store, question, report.quarantined.len() as u64);
    }
    let elapsed = clock().duration_since(started).unwrap_or(Duration::ZERO);
    finish(end, &found, elapsed, args, console)
}

fn take_lock(project: &Project, args: &Build, console: &Console) -> Result<BuildLock, CliError> {
    let path = project.cache().join("lock");
    let asked = BuildLock::ask(&path, false)?;
    match asked {
        Asked::Held(lock) => Ok(lock),
        Asked::Busy(pid) if args.no_wait => {
            let who = if pid.is_empty() { String::new() } else { format!(" (process {pid})") };
            Err(CliError::new(ErrorKind::Failed, format!("another build is running{who}"))
                .hint("leave out `--no-wait` to wait for it"))
        }
        Asked::Busy(pid) => {
            console.status(&format!("waiting for the build of process {pid}"));
            match BuildLock::ask(&path, true)? {
                Asked::Held(lock) => Ok(lock),
                Asked::Busy(_) => Err(CliError::new(ErrorKind::Failed, "another build is running")),
            }
        }
    }
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

fn tell_passed_over(found: &Found, verbose: bool, console: &Console) {
    let paint = console.paint();
    for (path, reason) in &found.refused {
        let message = format!("`{}` is refused: {reason}", render::shown(path));
        console.status(&render::problem(paint, "", &Problem { message, ..Problem::default() }));
    }
    if verbose {
        found.ignored.iter().for_each(|path| console.status(&format!("no pattern takes `{}`", render::shown(path))));
    }
}

/// Rules that are no longer in the Ingestfile, and still have files in the job folder.
fn tell_removed_rules(setup: &Setup<'_>, store: &Store, console: &Console) {
    let known: BTreeSet<&str> = setup.graph.rules.iter().map(|r| r.name.as_str()).collect();
    let prefix = format!("{}\0", setup.job_key);
    let published = store.state.published.range_from(prefix.as_str()).take_while(|(key, _)| key.starts_with(&prefix));
    let mut removed: BTreeMap<&str, u64> = BTreeMap::new();
    published.filter(|(_, p)| !known.contains(p.rule.as_str())).for_each(|(_, p)| *removed.entry(&p.rule).or_default() += 1);
    for (rule, files) in removed {
        let files = render::number(files, "file", "files");
        let message = format!("rule `{rule}` is no longer in the Ingestfile; `ingest clean {rule}` removes its {files}");
        console.status(&render::warning(console.paint(), &message));
    }
}

/// Observers one after the other; the first that fails stops the build.
struct Observers(Vec<Box<dyn Observer>>);

impl Observer for Observers {
    fn on(&mut self, event: &Event) -> Result<(), String> {
        self.0.iter_mut().try_for_each(|o| o.on(event))
    }

    fn sources(&mut self, sha_map: &std::collections::BTreeMap<String, String>) {
        self.0.iter_mut().for_each(|o| o.sources(sha_map));
    }
}

/// Where a build is told of.
struct Told<'a> {
    job: &'a JobFolder,
    build_id: String,
    args: &'a Build,
    console: &'a Console,
    clock: Clock,
}

/// Marks the lock as busy from the first thing that is done.
struct Busy<'a> {
    lock: &'a BuildLock,
    is_busy: bool,
    inner: Observers,
}

impl Observer for Busy<'_> {
    fn on(&mut self, event: &Event) -> Result<(), String> {
        if matches!(event, Event::BuildStarted { .. }) {
            self.lock.mark_busy().map_err(|e| e.to_string())?;
            self.is_busy = true;
        }
        self.inner.on(event)
    }

    fn sources(&mut self, sha_map: &std::collections::BTreeMap<String, String>) {
        self.inner.sources(sha_map);
    }
}

fn build(setup: &Setup<'_>, store: &mut Store, lock: &BuildLock, told: Told<'_>) -> Result<Report, EngineError> {
    let Told { job, build_id, args, console, clock } = told;
    if lock.after_crash {
        sweep(store, &setup.job_dir)?;
        lock.mark_idle()?;
    }
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
    let mut observer = Busy { lock, is_busy: false, inner: Observers(observers) };
    let report = engine::build(setup, Mode::Build, store, &mut observer);
    if observer.is_busy {
        lock.mark_idle()?;
    }
    report
}

/// Removes what a killed build left: private staging, temporary files beside what it was writing.
fn sweep(store: &Store, job_dir: &std::path::Path) -> Result<(), disk::DiskError> {
    disk::remove_dir_all(&store.staging())?;
    disk::remove_file(&store.dir.join("state.snapshot.new"))?;
    disk::remove_leftovers(&store.dir)?;
    disk::remove_leftovers(job_dir)?;
    Ok(())
}

fn on_signal(interrupted: &Arc<AtomicBool>) {
    let flag = interrupted.clone();
    // A second handler in one process cannot happen outside tests; without one, Ctrl-C ends us as it ends anything.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst));
}

/// A build that came out well but for documents that are set aside.
fn with_quarantined(documents: u64, args: &Build) -> Result<(), CliError> {
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
                elapsed,
            };
            console.status(&render::outcome(&end));
            if !found.refused.is_empty() {
                return Err(CliError::told(ErrorKind::Failed));
            }
            if report.is_good() { with_quarantined(end.quarantined, args) } else { Err(CliError::told(ErrorKind::Failed)) }
        }
        Err(EngineError::Interrupted) => {
            let end = BuildEnd { interrupted: true, elapsed, ..BuildEnd::default() };
            console.status(&render::outcome(&end));
            Err(CliError::told(ErrorKind::Interrupted))
        }
        Err(e) => {
            let error = CliError::from_error(ErrorKind::Failed, &e);
            console.status(&render::problem(console.paint(), "", &error.problem));
            console.status("ingest: stopped; what was finished is kept");
            Err(CliError::told(ErrorKind::Failed))
        }
    }
}

fn is_pass(name: &str) -> bool {
    Pass::ALL.iter().any(|p| p.to_string() == name)
}

fn dry_run(setup: &Setup<'_>, store: &mut Store, args: &Build, console: &Console) -> Result<(), CliError> {
    let plan = plan(setup, store)?;
    for action in plan.actions.iter().filter(|a| !matches!(a.fate, Fate::UpToDate | Fate::LeftOut)) {
        let verb = fate_verb(action.fate);
        let name = render::action_name(&action.action.rule, &action.action.item);
        console.data(format!("{verb} {name}: {}\n", action.reason).as_bytes());
    }
    for path in plan.publish.iter().filter(|_| !args.quiet) {
        console.data(format!("publish {path}\n").as_bytes());
    }
    for (pass, why) in &plan.blocked {
        console.data(format!("blocked {pass}: {why}\n").as_bytes());
    }
    let quarantined = plan.quarantined.len() as u64;
    console.status(&render::dry_outcome(&planned_counts(&plan), quarantined));
    let blocked = !plan.blocked.is_empty() || plan.actions.iter().any(|a| matches!(a.fate, Fate::StillFailing | Fate::Blocked));
    if blocked { Err(CliError::told(ErrorKind::Failed)) } else { with_quarantined(quarantined, args) }
}

fn fate_verb(fate: Fate) -> &'static str {
    match fate {
        Fate::UpToDate => "keep",
        Fate::FromCache => "restore",
        Fate::Run => "run",
        Fate::May => "may run",
        Fate::StillFailing => "fails",
        Fate::Blocked => "blocked",
        Fate::LeftOut => "leave out",
    }
}

fn planned_counts(plan: &Plan) -> Counts {
    let mut counts = Counts { published: plan.publish.len() as u64, ..Counts::default() };
    for action in &plan.actions {
        match action.fate {
            Fate::UpToDate => counts.up_to_date += 1,
            Fate::FromCache => counts.from_cache += 1,
            Fate::Run | Fate::May => counts.ran += 1,
            Fate::StillFailing => counts.failed += 1,
            Fate::Blocked => counts.blocked += 1,
            Fate::LeftOut => {}
        }
    }
    counts
}

/// What a build of this set-up would do; runs and writes nothing.
///
/// # Errors
/// If something that everything needs cannot be read.
pub fn plan(setup: &Setup<'_>, store: &mut Store) -> Result<Plan, CliError> {
    struct Silent;
    impl Observer for Silent {
        fn on(&mut self, _event: &Event) -> Result<(), String> {
            Ok(())
        }
    }
    let report = engine::build(setup, Mode::Plan, store, &mut Silent).map_err(|e| CliError::from_error(ErrorKind::Failed, &e))?;
    Ok(report.plan.unwrap_or_default())
}
