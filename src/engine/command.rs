//! Command rules: staging, environment, running, collecting. No byte of a user's file name reaches a command: it sees names
//! that the engine chose, relative to the project root, which is its working directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::collect;
use super::execute::{InputValue, OutputSlot, RunError, Task};
use super::graph::{Command, CommandLine};
use super::watch::InPlace;
use crate::digest::Digest;
use crate::disk::{self, DiskError};
use crate::fail_point::{self, FailPoint};
use crate::placeholder;
use crate::staging::{self, Paths, Request};
use crate::store::cas::Cas;
use crate::store::records::Stored;

/// How much of what a failed command said is shown.
const EXCERPT_BYTES: usize = 2_000;
/// Shorter values of variables are words that a command may say anyway.
const NAMED_VALUE: usize = 6;

/// A command rule, ready to be run for any item.
pub struct CommandTask {
    pub spec: Command,
    /// Declared variables and what they hold.
    pub env: Vec<(String, String)>,
    /// What it reads where it lies: declared files, and what its tool's version rests on.
    pub in_place: Vec<InPlace>,
    pub room: std::sync::Arc<Room>,
}

impl CommandTask {
    /// The same command, to be run in another room.
    #[must_use]
    pub fn in_room(&self, room: std::sync::Arc<Room>) -> Self {
        Self { spec: self.spec.clone(), env: self.env.clone(), in_place: self.in_place.clone(), room }
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

    /// Whether any command has a time limit that must be watched.
    #[must_use]
    pub fn watches(&self) -> bool {
        self.running.lock().is_ok_and(|r| !r.is_empty())
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
    let _ = Process::new("taskkill").args(["/F", "/T", "/PID", &pid.to_string()]).output();
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

fn said(excerpt: &str) -> String {
    if excerpt.is_empty() { String::new() } else { format!(" and said:\n{excerpt}") }
}

/// Runs the command of `task` in a private folder, which is removed afterwards.
///
/// # Errors
/// See `RunError`; nothing of a failed command is stored.
pub fn run(task: &Task, command: &CommandTask, cas: &Cas, count: &dyn Fn(&[u8]) -> Option<u64>) -> Result<Vec<Stored>, RunError> {
    let room = &command.room;
    let dir = room.new_dir();
    let result = run_in(&dir, task, command, cas, count);
    let _ = disk::remove_dir_all(&room.root.join(&dir));
    result
}

fn run_in(
    dir: &Path,
    task: &Task,
    command: &CommandTask,
    cas: &Cas,
    count: &dyn Fn(&[u8]) -> Option<u64>,
) -> Result<Vec<Stored>, RunError> {
    let at = command.room.root.join(dir);
    for sub in ["inputs", "outputs", "home"] {
        disk::create_dir_all(&at.join(sub))?;
    }
    let mut names = BTreeMap::new();
    let mut request = Request {
        version: staging::VERSION,
        rule: task.rule.clone(),
        item: task.item.clone(),
        params: serde_json::Value::Null,
        limits: None,
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
    };
    for (name, value) in &task.inputs {
        let (path, paths) = stage(&at, name, value, cas)?;
        names.insert(name.as_str(), slashed(&dir.join(path)));
        request.inputs.insert(name.clone(), paths);
    }
    for slot in &task.outputs {
        let path = output_path(slot);
        if slot.tree {
            disk::create_dir_all(&at.join(&path))?;
        }
        names.insert(slot.name.as_str(), slashed(&dir.join(&path)));
        request.outputs.insert(slot.name.clone(), path);
    }
    let request = serde_json::to_vec_pretty(&request).unwrap_or_default();
    disk::write(&at.join("request.json"), &request)?;
    fail_point::reach(FailPoint::InputsStaged, &at)?;
    start_and_wait(&at, dir, command, &names)?;
    fail_point::reach(FailPoint::CommandEnded, &at)?;
    collect::check_folders(&at)?;
    task.outputs.iter().map(|slot| collect::output(&at, &output_path(slot), slot, cas, count)).collect()
}

pub(super) fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn output_path(slot: &OutputSlot) -> String {
    if slot.tree { format!("outputs/{}", slot.name) } else { format!("outputs/{}.{}", slot.name, slot.extension) }
}

/// Puts an input into `inputs/`: its path there, and what `request.json` says of it.
fn stage(at: &Path, name: &str, value: &InputValue, cas: &Cas) -> Result<(String, Paths), RunError> {
    match value {
        InputValue::Foreign { path, name: called, digest } => {
            let to = format!("inputs/{name}.{}", staging::safe_extension(called));
            disk::copy_private(path, &at.join(&to))?;
            if Digest::of(&disk::read(&at.join(&to))?) != *digest {
                return Err(RunError::Changed(path.clone()));
            }
            Ok((to.clone(), Paths::File(to)))
        }
        InputValue::Blob { name: called, file } => {
            let to = format!("inputs/{name}.{}", staging::safe_extension(called));
            disk::write(&at.join(&to), &cas.read(&file.digest)?)?;
            Ok((to.clone(), Paths::File(to)))
        }
        InputValue::Tree(tree) => {
            let folder = format!("inputs/{name}");
            disk::create_dir_all(&at.join(&folder))?;
            let mut paths = Vec::with_capacity(tree.entries.len());
            for entry in tree.entries.iter() {
                let to = format!("{folder}/{}", entry.name);
                if let Some(parent) = at.join(&to).parent() {
                    disk::create_dir_all(parent)?;
                }
                disk::write(&at.join(&to), &cas.read(&entry.digest)?)?;
                paths.push(to);
            }
            Ok((folder, Paths::Tree(paths)))
        }
    }
}

/// `{name}` replaced by the path that staging gave it. Those paths hold nothing that a shell takes for itself.
fn expand(text: &str, names: &BTreeMap<&str, String>) -> String {
    placeholder::fill(text, |name| names.get(name).cloned())
}

fn process_of(line: &CommandLine, names: &BTreeMap<&str, String>) -> Process {
    match line {
        CommandLine::Shell(text) => shell(&expand(text, names)),
        CommandLine::Argv(words) => {
            let words: Vec<String> = words.iter().map(|w| expand(w, names)).collect();
            let mut process = Process::new(words.first().map_or("", String::as_str));
            process.args(words.iter().skip(1));
            process
        }
    }
}

#[cfg(not(windows))]
fn shell(text: &str) -> Process {
    let mut process = Process::new("/bin/sh");
    process.args(["-c", text]);
    process
}

/// `cmd` takes its line as it is, without the backslashes that other programs want before quotes; `/S` takes away the first
/// and the last quote and nothing else, `/D` keeps what the registry would run first from running.
#[cfg(windows)]
fn shell(text: &str) -> Process {
    let mut process = Process::new("cmd");
    std::os::windows::process::CommandExt::raw_arg(process.args(["/D", "/S", "/C"]), format!("\"{text}\""));
    process
}

fn start_and_wait(at: &Path, dir: &Path, command: &CommandTask, names: &BTreeMap<&str, String>) -> Result<(), RunError> {
    let (status, text) = ended(at, dir, command, names, &mut Child::wait)?;
    if status.success() {
        return Ok(());
    }
    let excerpt = excerpt_of(&text, &command.env);
    let status = status.code().map_or_else(|| "a signal".to_owned(), |c| format!("exit code {c}"));
    Err(CommandError::Status { status, excerpt }.into())
}

/// How a command ended by itself, and what it said; `wait` waits for its process.
pub(super) fn ended(
    at: &Path,
    dir: &Path,
    command: &CommandTask,
    names: &BTreeMap<&str, String>,
    wait: &mut dyn FnMut(&mut Child) -> std::io::Result<ExitStatus>,
) -> Result<(ExitStatus, Vec<u8>), RunError> {
    let room = &command.room;
    let said = at.join("said.txt");
    disk::write(&said, b"")?;
    let log = disk::open_append(&said)?;
    let mut process = process_of(&command.spec.line, names);
    prepare(&mut process, command, dir, &log).map_err(|e| DiskError::new("open", &said, e))?;
    let (mut child, pid) = spawn(&mut process, command)?;
    let status = wait(&mut child);
    if let Ok(mut running) = room.running.lock() {
        running.remove(&pid);
    }
    let status = status.map_err(|e| DiskError::new("wait for the command of", at, e))?;
    if room.ended.load(Ordering::SeqCst) {
        return Err(CommandError::Ended.into());
    }
    if room.timed_out.lock().is_ok_and(|t| t.contains(&pid)) {
        return Err(CommandError::TimedOut { seconds: command.spec.timeout_s.unwrap_or_default() }.into());
    }
    Ok((status, disk::read(&said).unwrap_or_default()))
}

/// The end of what a command said, from a whole word on. What its declared environment holds is called by its name.
fn excerpt_of(text: &[u8], env: &[(String, String)]) -> String {
    let cut = text.len().saturating_sub(EXCERPT_BYTES);
    let start = if cut == 0 { 0 } else { text[cut..].iter().position(u8::is_ascii_whitespace).map_or(cut, |word| cut + word) };
    named(String::from_utf8_lossy(&text[start..]).trim(), env)
}

/// `text`, with what declared variables hold called by their names.
pub(super) fn named(text: &str, env: &[(String, String)]) -> String {
    let long = env.iter().filter(|(_, value)| value.len() >= NAMED_VALUE);
    long.fold(text.to_owned(), |text, (name, value)| text.replace(value.as_str(), &format!("${name}")))
}

fn prepare(process: &mut Process, command: &CommandTask, dir: &Path, log: &File) -> std::io::Result<()> {
    let room = &command.room;
    let home = room.root.join(dir).join("home");
    process.current_dir(&room.root).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
    process.env_clear().envs(room.base_env.iter().cloned()).env("LANG", "C.UTF-8");
    // The machine's time zone is in no key; a rule that wants one declares `TZ`.
    process.env("TZ", "UTC0");
    process.env("HOME", &home).env("TMPDIR", &home).env("TEMP", &home).env("TMP", &home);
    process.envs(command.env.iter().cloned());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(process, 0);
    Ok(())
}

fn spawn(process: &mut Process, command: &CommandTask) -> Result<(Child, u32), CommandError> {
    let room = &command.room;
    // Under the lock, so that `end_all` cannot miss a command that is just being started.
    let mut running = room.running.lock().map_err(|_| CommandError::Ended)?;
    if room.ended.load(Ordering::SeqCst) {
        return Err(CommandError::Ended);
    }
    let child = process.spawn().map_err(|source| CommandError::Start { program: process_name(process), source })?;
    let pid = child.id();
    running.insert(pid, command.spec.timeout_s.map(|s| Instant::now() + Duration::from_secs(s)));
    Ok((child, pid))
}

fn process_name(process: &Process) -> String {
    process.get_program().to_string_lossy().into_owned()
}
