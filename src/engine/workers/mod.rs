//! Built-ins at work in processes of their own, so that a document which makes one crash, hang or eat memory costs nothing but
//! its own action. Workers are started when they are needed, used again, and replaced when they have grown. Each thread of the
//! pool waits for one worker at most, so the budget of threads is also that of workers.
//!
//! A worker that dies, or is ended for its time or memory, is not believed at once: the action is tried again in a fresh one.
//! If that dies too, the action fails; nothing of it is remembered, since another machine may have more memory or time. What a
//! built-in reports by itself (a failure, a limit on what it counts) is the answer, and is.

mod process;
pub mod wire;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::execute::{InputValue, RunError};
use crate::builtin::{Builtin, Item, Limits, Output};
use crate::disk::DiskError;
use crate::store::StoreError;
use process::{Process, Worker};
use wire::{End, Hello, Job, WireInput};

/// A worker that holds more than this after a job is replaced: memory that was needed once is given back.
const HIGH_WATER_BYTES: u64 = 80 << 20;

/// How workers are started.
#[derive(Clone, Debug, Default)]
pub struct WorkerSetup {
    /// This program.
    pub program: PathBuf,
    /// All that a worker gets of the environment.
    pub env: Vec<(String, String)>,
}

/// What a worker died of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Death {
    /// The limit on time passed.
    Time,
    /// It could not have the memory that it wanted.
    Memory,
    /// Its stack was not enough.
    Nesting,
    Crash {
        how: String,
        said: String,
    },
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time => f.write_str("it took longer than the limit on time (`time_s`)"),
            Self::Memory => f.write_str("it needed more than the limit on memory (`memory_mb`)"),
            Self::Nesting => f.write_str("its stack overflowed"),
            Self::Crash { how, said } if said.is_empty() => write!(f, "it died with {how}"),
            Self::Crash { how, said } => write!(f, "it died with {how} ({said})"),
        }
    }
}

/// A worker that died over an action, which is tried once more.
#[derive(Clone, Debug)]
pub struct Retry {
    pub builtin: &'static str,
    pub item: Item,
    pub death: Death,
}

/// Why no worker could do an action.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("cannot start a worker process: {0}")]
    Start(io::Error),
    #[error("it took longer than {} s, the limit on time (`time_s`), twice", .0.time_ms / 1000)]
    Time(Limits),
    #[error("it needed more than {} MB, the limit on memory (`memory_mb`), twice", .0.memory_bytes >> 20)]
    Memory(Limits),
    #[error("it is nested too deeply: the worker's stack overflowed, twice")]
    Nesting,
    #[error("the worker process died twice, the last time with {how}{}", if said.is_empty() { String::new() } else { format!(" ({said})") })]
    Crash { how: String, said: String },
    #[error("a worker process did not understand its job: {0}")]
    Odd(String),
    #[error("the action was ended with the build")]
    Ended,
}

impl WorkerError {
    /// The way out, for people.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let raise = |key: &str| format!("raise `{key}` in `[limits]`, or take the document out of the sources");
        match self {
            Self::Time(_) => Some(raise("time_s")),
            Self::Memory(_) => Some(raise("memory_mb")),
            Self::Nesting | Self::Crash { .. } => {
                Some("take the document out of the sources; the next build tries it again".to_owned())
            }
            Self::Start(_) | Self::Odd(_) | Self::Ended => None,
        }
    }
}

/// What workers did in a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub started: u64,
    /// Replaced because they had grown.
    pub recycled: u64,
    /// Jobs done.
    pub jobs: u64,
    /// What jobs took beside the work itself: asking, and handing over.
    pub overhead_us: u64,
}

/// The workers of one build.
pub struct Workers {
    setup: WorkerSetup,
    limits: Limits,
    cas: PathBuf,
    idle: Mutex<Vec<Worker>>,
    busy: Mutex<Vec<Arc<Process>>>,
    ended: AtomicBool,
    started: AtomicU64,
    recycled: AtomicU64,
    jobs: AtomicU64,
    overhead_us: AtomicU64,
    retries: Mutex<Vec<Retry>>,
}

impl Workers {
    /// Workers that read blobs below `cas`; none is started yet.
    #[must_use]
    pub fn new(setup: WorkerSetup, limits: Limits, cas: PathBuf) -> Self {
        Self {
            setup,
            limits,
            cas,
            idle: Mutex::default(),
            busy: Mutex::default(),
            ended: AtomicBool::new(false),
            started: AtomicU64::new(0),
            recycled: AtomicU64::new(0),
            jobs: AtomicU64::new(0),
            overhead_us: AtomicU64::new(0),
            retries: Mutex::default(),
        }
    }

    /// Others of the same kind.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.setup.clone(), self.limits, self.cas.clone())
    }

    /// Runs `builtin` in a worker; a second time, in a fresh one, if the first dies.
    ///
    /// # Errors
    /// What the built-in says, what keeps its inputs from being read, or `RunError::Worker`.
    pub fn run(
        &self,
        builtin: &'static Builtin,
        item: &Item,
        inputs: &[(String, InputValue)],
        params: &serde_json::Value,
    ) -> Result<Vec<(&'static str, Output)>, RunError> {
        let inputs = inputs.iter().map(|(name, value)| (name.clone(), WireInput::from(value))).collect();
        let mut job = Job { builtin: builtin.name.to_owned(), item: item.clone(), inputs, params: params.to_string(), tried: 0 };
        loop {
            let worker = if job.tried == 0 { self.idle.lock().ok().and_then(|mut idle| idle.pop()) } else { None };
            let worker = worker.map_or_else(|| self.start(), Ok)?;
            match self.attempt(worker, builtin, &job) {
                Ok(made) => return made,
                Err(_) if self.ended.load(Ordering::SeqCst) => return Err(WorkerError::Ended.into()),
                Err(death) if job.tried == 0 => {
                    tracing::warn!(builtin = builtin.name, item = %job.item.id, ?death, "a worker died: once more, in a fresh one");
                    if let Ok(mut retries) = self.retries.lock() {
                        retries.push(Retry { builtin: builtin.name, item: item.clone(), death });
                    }
                    job.tried = 1;
                }
                Err(death) => return Err(self.error(death).into()),
            }
        }
    }

    fn error(&self, death: Death) -> WorkerError {
        match death {
            Death::Time => WorkerError::Time(self.limits),
            Death::Memory => WorkerError::Memory(self.limits),
            Death::Nesting => WorkerError::Nesting,
            Death::Crash { how, said } => WorkerError::Crash { how, said },
        }
    }

    fn start(&self) -> Result<Worker, WorkerError> {
        if self.ended.load(Ordering::SeqCst) {
            return Err(WorkerError::Ended);
        }
        let hello = Hello { cas: self.cas.clone().into_os_string(), limits: self.limits };
        self.started.fetch_add(1, Ordering::Relaxed);
        Worker::start(&self.setup.program, &self.setup.env, &hello).map_err(WorkerError::Start)
    }

    /// The answer of `worker`, which is kept for the next if it may be; or what it died of.
    fn attempt(
        &self,
        mut worker: Worker,
        builtin: &'static Builtin,
        job: &Job,
    ) -> Result<Result<Vec<(&'static str, Output)>, RunError>, Death> {
        let asked = Instant::now();
        self.watch(&worker, asked);
        let answer = worker.ask(job).and_then(|reply| {
            let outputs = match reply.end {
                End::Made(shapes) => Ok(wire::receive_outputs(worker.output(), builtin, shapes)?),
                other => Err(other),
            };
            Ok((outputs, reply.took_us, reply.resident_bytes))
        });
        self.unwatch(&worker);
        let Ok((outputs, took_us, resident_bytes)) = answer else { return Err(worker.bury()) };
        self.jobs.fetch_add(1, Ordering::Relaxed);
        let all_us = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.overhead_us.fetch_add(all_us.saturating_sub(took_us), Ordering::Relaxed);
        // What panicked may have left anything behind.
        let is_sound = !matches!(outputs, Err(End::Panicked(_)));
        if !is_sound || resident_bytes > HIGH_WATER_BYTES {
            self.recycled.fetch_add(1, Ordering::Relaxed);
            worker.dismiss();
        } else if let Ok(mut idle) = self.idle.lock() {
            idle.push(worker);
        }
        Ok(outputs.map_err(|end| failed(builtin, end)))
    }

    fn watch(&self, worker: &Worker, asked: Instant) {
        if let Ok(mut deadline) = worker.process.deadline.lock() {
            *deadline = asked.checked_add(Duration::from_millis(self.limits.time_ms));
        }
        if let Ok(mut busy) = self.busy.lock() {
            busy.push(worker.process.clone());
        }
        if self.ended.load(Ordering::SeqCst) {
            // `end_all` may have looked before this one was there to be seen.
            worker.process.kill();
        }
    }

    fn unwatch(&self, worker: &Worker) {
        if let Ok(mut busy) = self.busy.lock() {
            busy.retain(|p| !Arc::ptr_eq(p, &worker.process));
        }
    }

    /// Ends the workers whose time is up.
    pub fn end_overdue(&self) {
        let now = Instant::now();
        let Ok(busy) = self.busy.lock() else { return };
        let is_over = |p: &&Arc<Process>| p.deadline.lock().is_ok_and(|d| d.is_some_and(|d| d <= now));
        busy.iter().filter(is_over).for_each(|p| p.kill_overdue());
    }

    /// Ends all that is under way, and lets nothing start any more.
    pub fn end_all(&self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Ok(busy) = self.busy.lock() {
            busy.iter().for_each(|p| p.kill());
        }
    }

    /// What was tried once more since this was asked last.
    pub fn take_retries(&self) -> Vec<Retry> {
        self.retries.lock().map(|mut retries| std::mem::take(&mut *retries)).unwrap_or_default()
    }

    /// What was done so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Tally {
            started: read(&self.started),
            recycled: read(&self.recycled),
            jobs: read(&self.jobs),
            overhead_us: read(&self.overhead_us),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let idle = self.idle.get_mut().map(std::mem::take).unwrap_or_default();
        idle.into_iter().for_each(Worker::dismiss);
    }
}

/// What a worker said instead of outputs.
fn failed(builtin: &'static Builtin, end: End) -> RunError {
    match end {
        End::Failed(failure) => failure.into(),
        End::Panicked(message) => RunError::Panic { builtin: builtin.name, message },
        End::Changed(path) => RunError::Changed(path.into()),
        End::Blob { digest, missing } => StoreError::Blob { digest, what: if missing { "missing" } else { "damaged" } }.into(),
        End::Unreadable { path, code, message } => {
            let source = code.map_or_else(|| io::Error::other(message), io::Error::from_raw_os_error);
            DiskError::new("read", &PathBuf::from(path), source).into()
        }
        End::Made(_) => WorkerError::Odd("it made something and failed".to_owned()).into(),
        End::Odd(message) => WorkerError::Odd(message).into(),
    }
}
