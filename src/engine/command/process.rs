//! Starting a command's process, and waiting for it: words, environment, limits, what it said.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{CommandError, CommandTask};
use crate::disk::{self, DiskError};
use crate::engine::execute::RunError;
use crate::engine::graph::CommandLine;
use crate::engine::probe;
use crate::placeholder;

/// How much of what a failed command said is shown.
const EXCERPT_BYTES: usize = 2_000;
/// Shorter values of variables are words that a command may say anyway.
const NAMED_VALUE: usize = 6;
/// What a command says, in its private folder.
pub(super) const SAID: &str = "said.txt";

/// `{name}` replaced by the path that staging gave it. Those paths hold nothing that a shell takes for itself.
fn expand(text: &str, names: &BTreeMap<String, String>) -> String {
    placeholder::fill(text, |name| names.get(name).cloned())
}

/// As `expand`, for a line of the shell: what `cmd` has built in takes `/` for the begin of a switch.
fn expand_line(text: &str, names: &BTreeMap<String, String>) -> String {
    placeholder::fill(text, |name| names.get(name).map(|path| if cfg!(windows) { path.replace('/', "\\") } else { path.clone() }))
}

/// The process of a command, in which `names` stand for paths.
pub(super) fn process_of(command: &CommandTask, names: &BTreeMap<String, String>) -> Process {
    let limit = command.memory_bytes.filter(|_| cfg!(target_os = "linux")).map(|bytes| bytes.div_ceil(1024));
    match (&command.spec.line, limit) {
        (CommandLine::Shell(text), None) => shell(&expand_line(text, names)),
        (CommandLine::Shell(text), Some(kilobytes)) => shell(&format!("ulimit -v {kilobytes}; {}", expand_line(text, names))),
        (CommandLine::Argv(words), limit) => {
            let mut words = words.iter().map(|word| expand(word, names));
            let mut process = match limit {
                None => Process::new(&*probe::here(&words.next().unwrap_or_default())),
                // The shell takes the limit before it becomes the program: what that starts has it, too.
                Some(kilobytes) => {
                    let mut process = shell("ulimit -v \"$0\" && exec \"$@\"");
                    process.arg(kilobytes.to_string());
                    process
                }
            };
            process.args(words);
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

/// How a command for `items` items ended by itself, and what it said; `wait` waits for its process.
///
/// # Errors
/// If it cannot be started, or its time is up, or that of the build.
pub(in crate::engine) fn ended(
    dir: &Path,
    command: &CommandTask,
    names: &BTreeMap<String, String>,
    items: usize,
    wait: &mut dyn FnMut(&mut Child) -> std::io::Result<ExitStatus>,
) -> Result<(ExitStatus, Vec<u8>), RunError> {
    let room = &command.room;
    let at = room.root.join(dir);
    let said = at.join(SAID);
    let log = log(&said)?;
    let mut process = process_of(command, names);
    prepare(&mut process, command, dir);
    let both = log.try_clone().and_then(|out| Ok((out, log.try_clone()?))).map_err(|e| DiskError::new("open", &said, e))?;
    process.stdin(Stdio::null()).stdout(both.0).stderr(both.1);
    let (mut child, pid) = spawn(&mut process, command, items)?;
    let status = wait(&mut child);
    let timed_out = room.ended(pid);
    let status = status.map_err(|e| DiskError::new("wait for the command of", &at, e))?;
    if room.ended.load(Ordering::SeqCst) {
        return Err(CommandError::Ended.into());
    }
    if timed_out {
        return Err(command.timed_out().into());
    }
    Ok((status, disk::read(&said).unwrap_or_default()))
}

/// A new file that a process writes what it says to.
pub(super) fn log(at: &Path) -> Result<File, DiskError> {
    disk::write(at, b"")?;
    disk::open_append(at)
}

/// A status in words.
pub(super) fn shown(status: ExitStatus) -> String {
    status.code().map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"))
}

/// Puts what a command of `rule` said into the diagnostics log, the end of it.
pub(super) fn log_said(rule: &str, said: &[u8], env: &[(String, String)]) {
    if !said.trim_ascii().is_empty() {
        tracing::info!(rule, said = excerpt_of(said, env), "a command said");
    }
}

/// The end of what a command said, from a whole word on. What its declared environment holds is called by its name.
pub(super) fn excerpt_of(text: &[u8], env: &[(String, String)]) -> String {
    let cut = text.len().saturating_sub(EXCERPT_BYTES);
    let start = if cut == 0 { 0 } else { text[cut..].iter().position(u8::is_ascii_whitespace).map_or(cut, |word| cut + word) };
    named(String::from_utf8_lossy(&text[start..]).trim(), env)
}

/// `text`, with what declared variables hold called by their names.
pub(in crate::engine) fn named(text: &str, env: &[(String, String)]) -> String {
    let long = env.iter().filter(|(_, value)| value.len() >= NAMED_VALUE);
    long.fold(text.to_owned(), |text, (name, value)| text.replace(value.as_str(), &format!("${name}")))
}

/// Where it works, and what it sees of its surroundings; `dir` is its private folder.
pub(super) fn prepare(process: &mut Process, command: &CommandTask, dir: &Path) {
    let room = &command.room;
    let home = room.root.join(dir).join("home");
    process.current_dir(&room.root);
    process.env_clear().envs(room.base_env.iter().cloned()).env("LANG", "C.UTF-8");
    // The machine's time zone is in no key; a rule that wants one declares `TZ`.
    process.env("TZ", "UTC0");
    process.env("HOME", &home).env("TMPDIR", &home).env("TEMP", &home).env("TMP", &home);
    process.envs(command.env.iter().cloned());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(process, 0);
}

/// Starts it; it may take the time of `items` items.
pub(super) fn spawn(process: &mut Process, command: &CommandTask, items: usize) -> Result<(Child, u32), CommandError> {
    let room = &command.room;
    // Under the lock, so that `end_all` cannot miss a command that is just being started.
    let mut running = room.running.lock().map_err(|_| CommandError::Ended)?;
    if room.ended.load(Ordering::SeqCst) {
        return Err(CommandError::Ended);
    }
    let child = process.spawn().map_err(|source| CommandError::Start { program: process_name(process), source })?;
    let pid = child.id();
    running.insert(pid, deadline(command, items));
    Ok((child, pid))
}

/// When the time of `items` items is up.
pub(super) fn deadline(command: &CommandTask, items: usize) -> Option<Instant> {
    let seconds = command.spec.timeout_s?.saturating_mul(items as u64);
    Instant::now().checked_add(Duration::from_secs(seconds))
}

fn process_name(process: &Process) -> String {
    process.get_program().to_string_lossy().into_owned()
}
