//! The loop: ready actions are advanced, the pool works, its messages are taken in, until nothing is left.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::advance::Work;
use super::collecting;
use super::heal;
use super::reasons::Numbers;

use super::{Announced, Coordinator, Message, Mode, PassState, Ran, Setup, Stop};
use crate::digest::Digest;
use crate::disk;
use crate::engine::command::Room;
use crate::engine::error::EngineError;
use crate::engine::files::{self, Seen, Wanted};
use crate::engine::gate::GateFiles;
use crate::engine::gate_list::GateList;
use crate::engine::graph::{Range, RuleId, Run};
use crate::engine::items::{Items, JOB};
use crate::engine::observe::{Event, Observer};
use crate::engine::plan::Plan;
use crate::engine::report::Report;
use crate::engine::retention::Collection;
use crate::engine::select::{self, Choice};
use crate::engine::workers::{Tally, Workers};
use crate::store::Store;

/// A build begins again at most this often because something changed under its hands, or one blob broke.
const TRIES: usize = 5;
/// How long the coordinator sleeps before it looks at signals and time limits.
const TICK: Duration = Duration::from_millis(50);

/// Work given to the pool at one time, for each of its threads: enough that it has some while the coordinator writes, and not
/// all that there is, which of thousands of books is more than all that is known of them.
const IN_FLIGHT: usize = 32;

/// Brings the selected rules up to date (or, planning, tells what that would take).
///
/// # Errors
/// What stops the build as a whole; everything finished before is kept.
pub fn build(setup: &Setup<'_>, mode: Mode, store: &mut Store, observer: &mut dyn Observer) -> Result<Report, EngineError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(setup.jobs.max(1))
        .thread_name(|i| format!("worker {i}"))
        .build()
        .map_err(|e| EngineError::Threads(e.to_string()))?;
    let mut announced = Announced::default();
    tracing::info!(sources = setup.sources.len(), rules = setup.graph.rules.len(), jobs = setup.jobs, ?mode, "build");
    let mut broken: BTreeMap<Digest, usize> = BTreeMap::new();
    let error = loop {
        let workers = Arc::new(Workers::new(setup.workers.clone(), setup.limits, store.cas.dir().to_path_buf()));
        let attempt = Coordinator::new(setup, mode, store, observer, &mut announced, &workers, &pool).and_then(|c| c.run(&pool));
        match attempt {
            Ok(report) => {
                tell(workers.tally());
                return Ok(report);
            }
            Err(Stop::Error(e)) if mode == Mode::Build && e.is_full() => {
                let freed = collecting::make_room(setup, store, &mut announced, &pool);
                if freed == 0 {
                    break e;
                }
                begin_again(
                    &mut announced,
                    observer,
                    &format!("the disk was full; {} of the cache went", bytesize::ByteSize(freed)),
                );
            }
            Err(Stop::Error(e)) => break e,
            Err(Stop::Stale) => begin_again(&mut announced, observer, "the cache holds more than was seen"),
            Err(Stop::Changed(path)) => {
                tracing::info!(path = %path.display(), "changed under our hands: the build begins again");
                let shown = path.strip_prefix(&setup.root).unwrap_or(&path).display().to_string().replace('\\', "/");
                begin_again(&mut announced, observer, &format!("`{shown}` changed while the build read it"));
            }
            Err(Stop::Blob(digest, what)) => {
                tracing::warn!(%digest, "a blob is missing or damaged: what leads to it is made anew");
                let tries = broken.entry(digest).or_default();
                *tries += 1;
                if *tries == TRIES {
                    break EngineError::KeepsBreaking(digest);
                }
                match heal::forget(&setup.root, store, &digest, what) {
                    Ok(lost) => announced.lost.extend(lost),
                    Err(e) => break e,
                }
                begin_again(&mut announced, observer, &format!("blob {digest} is missing or damaged"));
            }
        }
    };
    if store.is_writable() {
        let _ = store.commit();
        let _ = store.publish_snapshot();
    }
    if mode == Mode::Build {
        let _ = disk::remove_dir_all(&store.staging());
    }
    announced.give_up(setup.graph, &error, observer);
    Err(error)
}

fn tell(Tally { started, recycled, jobs, overhead_us }: Tally) {
    if started > 0 {
        tracing::info!(started, recycled, jobs, overhead_us, "worker processes");
    }
}

/// An observer that cannot do its duty is met again at the next event.
fn begin_again(announced: &mut Announced, observer: &mut dyn Observer, reason: &str) {
    announced.begin_again();
    if announced.build {
        let _ = observer.on(&Event::BuildRestarted { reason: reason.to_owned() });
    }
}

impl<'a, 'b> Coordinator<'a, 'b> {
    pub(super) fn new(
        setup: &'a Setup<'a>,
        mode: Mode,
        store: &'b mut Store,
        observer: &'b mut dyn Observer,
        announced: &'b mut Announced,
        workers: &Arc<Workers>,
        pool: &rayon::ThreadPool,
    ) -> Result<Self, Stop> {
        let staging = store.staging();
        let relative = staging.strip_prefix(&setup.root).map(Path::to_path_buf).unwrap_or(staging);
        let room = Arc::new(Room::new(setup.root.clone(), relative, setup.base_env.clone()));
        let rules = 0..setup.graph.rules.len();
        let ids = rules.map(|i| RuleId(u32::try_from(i).unwrap_or(u32::MAX)));
        let params = setup.graph.rules.iter().map(|r| match &r.run {
            Run::Builtin { params, .. } => Arc::new(params.clone()),
            Run::Command(_) => Arc::default(),
        });
        let now = Instant::now();
        let mut coordinator = Self {
            setup,
            mode,
            store,
            observer,
            announced,
            room,
            workers: workers.clone(),
            clock_probe: None,
            items: Items::default(),
            children: HashMap::new(),
            source_digests: HashMap::new(),
            project_files: HashMap::new(),
            looked_at: BTreeSet::new(),
            gate_files: GateFiles::default(),
            gate_lists: Vec::new(),
            gate_numbers: Numbers::default(),
            declarations: HashMap::new(),
            declaration_numbers: Numbers::default(),
            build_number: None,
            commands: HashMap::new(),
            params: params.collect(),
            pass_needs: ids.map(|id| select::pass_needs(setup.graph, id)).collect(),
            actions: Vec::new(),
            action_at: HashMap::new(),
            progress: HashMap::new(),
            settled: HashMap::new(),
            why_bad: HashMap::new(),
            waiting: HashMap::new(),
            merged: HashMap::new(),
            derivations: super::again::Derivations::default(),
            passes: BTreeMap::new(),
            quarantine: super::quarantine::Quarantine::default(),
            complete: Vec::new(),
            finished: BTreeSet::new(),
            ready: VecDeque::new(),
            queues: super::queues::Queues::default(),
            tools: HashMap::new(),
            in_flight: 0,
            stopped_at: None,
            rule_problems: HashMap::new(),
            planned: Vec::new(),
            would_publish: Vec::new(),
            blocked_passes: Vec::new(),
            failures: Vec::new(),
            statuses: BTreeMap::new(),
            last_commit: now,
            last_snapshot_cost: Duration::ZERO,
            last_snapshot: now,
            since_commit: 0,
        };
        coordinator.count_rules();
        coordinator.read_gate_files()?;
        coordinator.seed()?;
        coordinator.look_at_sources(pool)?;
        coordinator.tell_own("digests of sources".to_owned(), now);
        coordinator.adopt()?;
        coordinator.verify_frozen()?;
        Ok(coordinator)
    }

    fn count_rules(&mut self) {
        for id in self.active_rules() {
            let Some(pass) = self.setup.graph.rule(id).pass else { continue };
            if self.setup.selection.of(id) != Choice::Selected {
                continue;
            }
            let fresh = || PassState { open_rules: 0, problems: Vec::new(), failed: false };
            self.passes.entry(pass).or_insert_with(fresh).open_rules += 1;
        }
    }

    fn read_gate_files(&mut self) -> Result<(), Stop> {
        let graph = self.setup.graph;
        let active: BTreeSet<RuleId> = self.active_rules().into_iter().collect();
        let rules = graph.rules.iter().enumerate();
        // Frozen passes are judged as well, so their gates' files are needed too.
        let needed = rules.filter(|(ix, r)| r.pass.is_some() || active.contains(&RuleId(u32::try_from(*ix).unwrap_or(u32::MAX))));
        let names = needed.flat_map(|(_, rule)| &rule.gates).flat_map(|g| &g.files).map(String::as_str);
        let setup = self.setup;
        self.gate_files = GateFiles::read(&setup.root, names, setup.judge, &mut |path| self.read_in_place(path))?;
        self.gate_lists = graph.rules.iter().map(|r| GateList::of(r, &self.gate_files).encode()).collect();
        self.gate_numbers = Numbers::of(&self.store.state.gates);
        self.declaration_numbers = Numbers::of(&self.store.state.declarations);
        Ok(())
    }

    /// Knows the digest of every source, hashing those that are new or changed.
    fn look_at_sources(&mut self, pool: &rayon::ThreadPool) -> Result<(), Stop> {
        let ranges = self.active_rules().iter().any(|id| self.setup.graph.rule(*id).range != Range::Job);
        if !ranges {
            return Ok(());
        }
        // Only what is published tells SHA-256: who merely plans is answered without it.
        let sha256 = self.mode != Mode::Plan;
        let wanted: Vec<Wanted> = self.setup.sources.iter().map(|s| Wanted { path: s.file.clone(), sha256 }).collect();
        let known = pool.install(|| files::look_known(&wanted, &self.store.state));
        let fresh: Vec<Wanted> = wanted.iter().zip(&known).filter(|(_, known)| !**known).map(|(w, _)| w.clone()).collect();
        if !fresh.is_empty() {
            self.clock_probe = self.probe();
        }
        let probe = self.clock_probe;
        let mut seen = pool.install(|| files::look(&fresh, &self.store.state, probe.as_ref())).into_iter();
        let items = self.children.get(&(JOB, Range::Source)).cloned().unwrap_or_default();
        for ((wanted, known), item) in wanted.iter().zip(known).zip(items) {
            let key = files::index_key(&wanted.path);
            let digest = match if known { Some(Ok(Seen::Known)) } else { seen.next() } {
                Some(Ok(Seen::Hashed(entry))) => {
                    let digest = entry.digest;
                    self.store.state.files.put(key, entry);
                    Ok(digest)
                }
                Some(Ok(Seen::Known)) => self.store.state.files.peek(&key).map(|e| e.digest).ok_or_else(String::new),
                Some(Err(e)) => Err(e.to_string()),
                None => Err(format!("`{}` was not looked at", wanted.path.display())),
            };
            self.source_digests.insert(item, digest);
        }
        Ok(())
    }

    /// A stamp of the file system's clock; only a build may make the file that it takes.
    pub(super) fn probe(&self) -> Option<disk::StatTuple> {
        if self.mode == Mode::Plan {
            return None;
        }
        let staging = self.store.staging();
        self.store.begin().ok()?;
        disk::create_dir_all(&staging).ok()?;
        files::probe(&staging)
    }

    pub(super) fn run(mut self, pool: &rayon::ThreadPool) -> Result<Report, Stop> {
        let cancelled = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = mpsc::channel();
        let outcome = pool.in_place_scope(|scope| {
            let spawn = |work: Work<'a>| {
                let (sender, cancelled) = (sender.clone(), cancelled.clone());
                scope.spawn(move |_| {
                    if cancelled.load(Ordering::SeqCst) {
                        (0..work.messages).for_each(|_| drop(sender.send(Message::Skipped)));
                    } else {
                        (work.run)(&sender);
                    }
                });
            };
            let outcome = self.turn(&receiver, &spawn, pool);
            if outcome.is_err() {
                cancelled.store(true, Ordering::SeqCst);
                if matches!(outcome, Err(Stop::Error(_))) {
                    self.room.end_all();
                    self.workers.end_all();
                }
                self.drain(&receiver);
            }
            outcome
        });
        outcome.and_then(|()| self.conclude(pool)).map_err(|stop| {
            self.announce_cut_short();
            self.or_give_up(stop)
        })
    }

    /// A file that changed once more ends the build if it has done so in every attempt.
    fn or_give_up(&mut self, stop: Stop) -> Stop {
        let Stop::Changed(path) = stop else { return stop };
        let times = self.announced.changes.entry(path.clone()).or_default();
        *times += 1;
        if *times < TRIES {
            return Stop::Changed(path);
        }
        let shown = path.strip_prefix(&self.setup.root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        Stop::Error(EngineError::KeepsChanging(shown))
    }

    fn turn(
        &mut self,
        receiver: &mpsc::Receiver<Message>,
        spawn: &dyn Fn(Work<'a>),
        pool: &rayon::ThreadPool,
    ) -> Result<(), Stop> {
        let mut looked = Instant::now();
        let most = IN_FLIGHT * self.setup.jobs.max(1);
        loop {
            loop {
                while self.in_flight < most
                    && let Some(ix) = self.ready.pop_front()
                {
                    if let Some(work) = self.advance(ix)? {
                        self.in_flight += work.messages;
                        spawn(work);
                    }
                }
                self.finish_complete(pool)?;
                if self.ready.is_empty() || self.in_flight >= most {
                    break;
                }
            }
            while let Some(work) = self.due(most)? {
                self.in_flight += work.messages;
                spawn(work);
            }
            if self.in_flight == 0 && self.ready.is_empty() && self.complete.is_empty() {
                return Ok(());
            }
            if let Ok(message) = receiver.recv_timeout(TICK) {
                self.in_flight -= 1;
                self.since_commit += 1;
                if let Some(work) = self.receive(message)? {
                    self.in_flight += work.messages;
                    spawn(work);
                }
            }
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                self.room.end_overdue();
                self.workers.end_overdue();
            }
            if self.setup.interrupted.load(Ordering::SeqCst) {
                return Err(Stop::Error(EngineError::Interrupted));
            }
            self.batch(false)?;
        }
    }

    /// The build is over: what actions that ran meanwhile have made is kept for the next one.
    fn drain(&mut self, receiver: &mpsc::Receiver<Message>) {
        while self.in_flight > 0 {
            let Ok(message) = receiver.recv() else { return };
            self.in_flight -= 1;
            self.tell_work(&message);
            match message {
                Message::Ran(ix, ran, stretch) => {
                    self.actions[ix.0].duration_ms = stretch.millis();
                    let Ok(Ran { result, verdicts, .. }) = *ran else { continue };
                    verdicts.into_iter().for_each(|(key, v)| self.store.state.verdicts.put(key, v.into()));
                    if let Some(key) = self.actions[ix.0].key {
                        self.store.state.results.put(key, result);
                    }
                }
                Message::Prepared(_, Ok(derived), _) => {
                    derived.into_iter().for_each(|(key, value)| self.store.state.derived.put(key, value));
                }
                _ => {}
            }
        }
    }

    /// The last that is said of a build that did something.
    fn tell_end(&mut self, chosen: &Collection, warnings: Vec<String>) -> Result<(), Stop> {
        self.tell_collected(chosen)?;
        for message in warnings {
            self.emit(&Event::Warning { message })?;
        }
        let (counts, untold) = (self.announced.total(), self.announced.untold(self.setup.graph));
        self.emit(&Event::BuildEnded { counts, untold, interrupted: false, problem: None })
    }

    fn conclude(&mut self, pool: &rayon::ThreadPool) -> Result<Report, Stop> {
        self.commands.values().flatten().for_each(|(command, _)| command.dismiss());
        let mut warnings = self.store.take_warnings();
        warnings.extend(self.older_passes());
        if self.mode == Mode::Build {
            let started = Instant::now();
            self.check_again(pool)?;
            self.tell_own("sources looked at again".to_owned(), started);
            if self.announced.build {
                self.store.state.drop_unnamed();
                let chosen = self.collect()?;
                self.batch(true)?;
                self.picture()?;
                warnings.extend(self.store.take_warnings());
                // What goes is deleted while the rest is told.
                let (cas, cache) = (self.store.cas.clone(), self.store.dir.clone());
                std::thread::scope(|scope| {
                    let sweep = scope.spawn(|| pool.install(|| collecting::sweep(&chosen, &cas, &cache)));
                    self.tell_end(&chosen, std::mem::take(&mut warnings))?;
                    Ok::<(), Stop>(sweep.join().unwrap_or(Ok(()))?)
                })?;
            } else if self.store.has_changes() {
                // Only stamps moved: remembered, so that the same bytes are not hashed at every build.
                self.open_store()?;
                self.batch(true)?;
                self.picture()?;
            }
            // Whatever else was decided was decided on what could be read.
            self.store.was_in_reach()?;
            if self.store.is_writable() || self.clock_probe.is_some() {
                disk::remove_dir_all(&self.store.staging())?;
            }
        }
        let declared = if self.mode == Mode::Plan { self.declarations() } else { BTreeMap::new() };
        let plan = (self.mode == Mode::Plan).then(|| Plan {
            declared,
            actions: std::mem::take(&mut self.planned),
            publish: std::mem::take(&mut self.would_publish),
            blocked: std::mem::take(&mut self.blocked_passes),
            quarantined: self.quarantined(),
        });
        let done = if self.setup.check_determinism { Some(Arc::new(self.done())) } else { None };
        Ok(Report {
            warnings,
            done,
            checked: None,
            notes: std::mem::take(&mut self.announced.notes),
            counts: self.announced.total(),
            statuses: std::mem::take(&mut self.statuses),
            failures: std::mem::take(&mut self.failures),
            did_something: self.announced.build,
            quarantined: self.quarantined(),
            tries_again: self.quarantine.tries_again,
            plan,
        })
    }
}
