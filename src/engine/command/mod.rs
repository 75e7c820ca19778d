//! Command rules: staging, environment, running, collecting. No byte of a user's file name reaches a command: it sees names
//! that the engine chose, relative to the project root, which is its working directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;

use super::execute::{Made, RunError, Task};
use super::graph::{Command, CommandRule};
use super::watch::InPlace;
use crate::store::cas::Cas;

mod collect;
mod item;
mod many;
mod process;
mod response;
mod server;

pub(super) use process::{ended, named};
pub use response::ToldError;
use server::Servers;

/// Tells the items of a JSON file.
pub type Count<'a> = &'a dyn Fn(&[u8]) -> Option<u64>;

/// A command, of a rule or of a gate, ready to be run.
pub struct CommandTask {
    pub spec: Command,
    /// Declared variables and what they hold.
    pub env: Vec<(String, String)>,
    /// What it reads where it lies: declared files, and what its tool's version rests on.
    pub in_place: Vec<InPlace>,
    pub room: Arc<Room>,
    /// What its requests hold as `params`.
    params: Value,
    /// Address space of one process.
    memory_bytes: Option<u64>,
    /// How many items go into one request; 0 if each has a process of its own.
    batch: usize,
    /// Those that stay, if it is such a command.
    servers: Option<Servers>,
}

impl CommandTask {
    /// A command that is started once for each item, or for an artifact.
    #[must_use]
    pub fn new(spec: Command, env: Vec<(String, String)>, in_place: Vec<InPlace>, room: Arc<Room>) -> Self {
        Self { spec, env, in_place, room, params: Value::Null, memory_bytes: None, batch: 0, servers: None }
    }

    /// The same, asked as `rule` says.
    #[must_use]
    pub fn asked_by(self, rule: &CommandRule) -> Self {
        Self {
            params: rule.params.clone(),
            memory_bytes: rule.memory_bytes,
            batch: rule.batch,
            servers: rule.worker.then(Servers::default),
            ..self
        }
    }

    /// The same command, to be run in another room.
    #[must_use]
    pub fn in_room(&self, room: Arc<Room>) -> Self {
        Self {
            spec: self.spec.clone(),
            env: self.env.clone(),
            in_place: self.in_place.clone(),
            room,
            params: self.params.clone(),
            memory_bytes: self.memory_bytes,
            batch: self.batch,
            servers: self.servers.as_ref().map(|_| Servers::default()),
        }
    }

    /// Lets processes of it end that stay and have nothing to do.
    pub fn dismiss(&self) {
        self.servers.iter().for_each(|servers| servers.dismiss(self));
    }

    fn timed_out(&self) -> CommandError {
        CommandError::TimedOut { seconds: self.spec.timeout_s.unwrap_or_default() }
    }
}

/// Where commands run, and which of them run now.
pub struct Room {
    /// The working directory of every command.
    pub root: PathBuf,
    /// Private folders are made below; relative to `root` where it lies in it.
    pub staging: PathBuf,
    /// Given to every command: PATH and what the platform cannot do without.
    pub base_env: Vec<(String, String)>,
    next: AtomicU64,
    running: Mutex<BTreeMap<u32, Option<Instant>>>,
    timed_out: Mutex<Vec<u32>>,
    ended: AtomicBool,
}

impl Room {
    /// A room for the commands of one build.
    #[must_use]
    pub fn new(root: PathBuf, staging: PathBuf, base_env: Vec<(String, String)>) -> Self {
        let (running, timed_out) = (Mutex::default(), Mutex::default());
        Self { root, staging, base_env, next: AtomicU64::new(0), running, timed_out, ended: AtomicBool::new(false) }
    }

    /// A folder in staging that nobody else has.
    pub(super) fn new_dir(&self) -> PathBuf {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        // The pid keeps what a killed build's orphans may still write apart from what this one reads.
        self.staging.join(format!("{}-{n}", std::process::id()))
    }

    /// Ends every command that runs, and lets none start any more.
    pub fn end_all(&self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Ok(running) = self.running.lock() {
            running.keys().for_each(|pid| kill(*pid));
        }
    }

    /// Ends the commands whose time is up.
    pub fn end_overdue(&self) {
        let now = Instant::now();
        let Ok(running) = self.running.lock() else { return };
        for (pid, deadline) in running.iter() {
            if deadline.is_some_and(|d| d <= now) {
                if let Ok(mut timed_out) = self.timed_out.lock() {
                    timed_out.push(*pid);
                }
                kill(*pid);
            }
        }
    }

    /// When the time of the process is up from now on.
    fn set_deadline(&self, pid: u32, deadline: Option<Instant>) {
        if let Some(known) = self.running.lock().ok().as_mut().and_then(|running| running.get_mut(&pid)) {
            *known = deadline;
        }
    }

    /// The process runs no more; whether its time was up.
    fn ended(&self, pid: u32) -> bool {
        if let Ok(mut running) = self.running.lock() {
            running.remove(&pid);
        }
        self.timed_out.lock().is_ok_and(|timed_out| timed_out.contains(&pid))
    }
}

#[cfg(unix)]
fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill(pid: u32) {
    // `taskkill /T` ends the tree below the process as well.
    let _ = std::process::Command::new("taskkill").args(["/F", "/T", "/PID", &pid.to_string()]).output();
}

/// Why a command gave no outputs.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("cannot start `{program}`")]
    Start {
        program: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the command ended with {status}{}", said(.excerpt))]
    Status { status: String, excerpt: String },
    #[error("the worker ended with {status} before it answered{}", said(.excerpt))]
    Died { status: String, excerpt: String },
    /// What a command itself says went wrong.
    #[error("{}", .0.message)]
    Told(ToldError),
    #[error("the response of the command is refused: {why}")]
    BadResponse { why: String },
    #[error("the command ended well, and left no `response.json` for this item")]
    NoAnswer,
    #[error("the command ran longer than its {seconds} s (`timeout_s`)")]
    TimedOut { seconds: u64 },
    #[error("the command was ended with the build")]
    Ended,
    #[error("the command did not write its output `{0}`")]
    NoOutput(String),
    #[error("the command's output `{name}` is {what}, not {wanted}")]
    OddOutput { name: String, what: &'static str, wanted: &'static str },
    #[error("the command left {what} at `{name}`, where only files and folders may be")]
    Planted { name: String, what: &'static str },
    #[error("the command's file `{name}` is refused: {why}")]
    BadName { name: String, why: String },
    #[error("the command's files `{first}` and `{second}` have one name where {why}")]
    SameName { first: String, second: String, why: &'static str },
    #[error("the command's output `{name}` holds more than {most} {what}")]
    TooMuch { name: String, most: usize, what: &'static str },
}

impl CommandError {
    /// The way out, if the command told one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Told(told) => told.hint.clone(),
            _ => None,
        }
    }
}

fn said(excerpt: &str) -> String {
    if excerpt.is_empty() { String::new() } else { format!(" and said:\n{excerpt}") }
}

/// Runs the command of `tasks`, which are of one rule, each in a private folder that is removed afterwards. What one of them
/// comes to is no other's failure. One that asks for it is tried once more.
///
/// # Errors
/// Of each: see `RunError`; nothing of a failed command is stored.
pub fn run(tasks: &[&Task], command: &CommandTask, cas: &Cas, count: Count<'_>) -> Vec<Result<Made, RunError>> {
    let mut made = many::run(tasks, command, cas, count);
    let again: Vec<usize> = (0..made.len()).filter(|i| made[*i].as_ref().is_err_and(asks_again)).collect();
    let tasks: Vec<&Task> = again.iter().map(|i| tasks[*i]).collect();
    if !tasks.is_empty() {
        again.into_iter().zip(many::run(&tasks, command, cas, count)).for_each(|(i, second)| made[i] = second);
    }
    made
}

fn asks_again(error: &RunError) -> bool {
    matches!(error, RunError::Command(CommandError::Told(told)) if told.retry)
}

pub(super) fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
