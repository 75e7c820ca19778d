//! Gates that are commands: staging the artifact, running, and the verdict that exit code and output make. The command stands
//! in the same room as those of rules, with the same environment. A command that gives no verdict has accepted nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::command::{self, CommandError, CommandTask};
use super::error::EngineError;
use super::execute::RunError;
use super::graph::CommandLine;
use super::verdict::{Verdict, Violation};
use super::watch;
use crate::disk::{self, DiskError};
use crate::store::StoreError;

/// How many lines of what a command says are listed; all are counted.
const LISTED: usize = 20;
/// A line that is longer is cut: it is to be read.
const LONGEST_LINE: usize = 500;
/// How often a command's time limit and signals are looked at.
const TICK: Duration = Duration::from_millis(5);

/// Why a command gave no verdict.
#[derive(Debug, thiserror::Error)]
pub enum CommandGateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The build is over.
    #[error("interrupted")]
    Interrupted,
    /// A file that it reads where it lies changed meanwhile.
    #[error("`{}` changed while it was read", .0.display())]
    Changed(PathBuf),
    /// The command cannot be asked: one sentence.
    #[error("{0}")]
    Broken(String),
}

/// Judges the artifact that `stage` writes to the path that it is given, whose file name ends in `extension`. Watches the time
/// limit and `interrupted` meanwhile.
///
/// # Errors
/// If the artifact cannot be staged, or the command gives no verdict.
pub fn judge(
    command: &CommandTask,
    extension: &str,
    stage: &dyn Fn(&Path) -> Result<(), StoreError>,
    interrupted: &AtomicBool,
) -> Result<Verdict, CommandGateError> {
    watch::run(&command.in_place, || {
        let dir = command.room.new_dir();
        let verdict = judge_in(&dir, command, extension, stage, interrupted);
        let _ = disk::remove_dir_all(&command.room.root.join(&dir));
        verdict
    })
}

fn judge_in(
    dir: &Path,
    command: &CommandTask,
    extension: &str,
    stage: &dyn Fn(&Path) -> Result<(), StoreError>,
    interrupted: &AtomicBool,
) -> Result<Verdict, CommandGateError> {
    let at = command.room.root.join(dir);
    for sub in ["inputs", "home"] {
        disk::create_dir_all(&at.join(sub)).map_err(StoreError::from)?;
    }
    let artifact = Path::new("inputs").join(format!("artifact.{extension}"));
    stage(&at.join(&artifact))?;
    let names = BTreeMap::from([("artifact".to_owned(), command::slashed(&dir.join(&artifact)))]);
    let mut wait = |child: &mut Child| watch(child, command, interrupted);
    let (status, said) = command::ended(dir, command, &names, 1, &mut wait)?;
    verdict(&command.spec.line, status, &String::from_utf8_lossy(&said))
}

/// Waits as the coordinator would for its other commands: their time limits go on.
fn watch(child: &mut Child, command: &CommandTask, interrupted: &AtomicBool) -> std::io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        command.room.end_overdue();
        if interrupted.load(Ordering::SeqCst) {
            command.room.end_all();
        }
        std::thread::sleep(TICK);
    }
}

fn verdict(line: &CommandLine, status: ExitStatus, said: &str) -> Result<Verdict, CommandGateError> {
    if status.success() {
        return Ok(Verdict::default());
    }
    let Some(code) = status.code() else {
        return Err(CommandGateError::Broken("its command was ended by a signal".to_owned()));
    };
    // What a shell says of a program that it cannot find or start is no verdict on an artifact.
    let unstartable: &[i32] = if cfg!(windows) { &[9009] } else { &[126, 127] };
    if matches!(line, CommandLine::Shell(_)) && unstartable.contains(&code) {
        let said = said.trim();
        return Err(CommandGateError::Broken(format!("its command cannot be started (exit code {code}): {said}")));
    }
    let lines: Vec<&str> = said.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect();
    let violation = |message: String| Violation { pointer: String::new(), message, place: String::new() };
    if lines.is_empty() {
        let message = format!("the command ended with exit code {code} and said nothing");
        return Ok(Verdict { violations: vec![violation(message)], count: 1 });
    }
    let violations = lines.iter().take(LISTED).map(|l| violation(cut(l))).collect();
    Ok(Verdict { violations, count: lines.len() as u64 })
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

impl From<DiskError> for CommandGateError {
    fn from(e: DiskError) -> Self {
        Self::Store(e.into())
    }
}

impl From<RunError> for CommandGateError {
    fn from(e: RunError) -> Self {
        match e {
            RunError::Command(CommandError::Ended) => Self::Interrupted,
            RunError::Changed(path) => Self::Changed(path),
            RunError::Disk(e) => Self::Store(e.into()),
            other => Self::Broken(with_causes(&other)),
        }
    }
}

impl From<CommandGateError> for EngineError {
    fn from(e: CommandGateError) -> Self {
        match e {
            CommandGateError::Store(e) => Self::Store(e),
            CommandGateError::Interrupted => Self::Interrupted,
            CommandGateError::Changed(path) => Self::KeepsChanging(path.display().to_string()),
            CommandGateError::Broken(e) => Self::Gate(e),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn of(exit: i32, said: &str) -> Result<Verdict, String> {
        verdict(&CommandLine::Shell(String::new()), ExitStatus::from_raw(exit << 8), said).map_err(|e| e.to_string())
    }

    #[test]
    fn exit_code_0_accepts_whatever_was_said() {
        assert!(of(0, "all 12 rows are fine\n").unwrap().accepted());
    }

    #[test]
    fn each_line_is_a_violation_and_the_first_are_listed() {
        let said: String = (0..30).map(|n| format!("row {n} is odd\n\n")).collect();
        let verdict = of(1, &said).unwrap();
        assert_eq!((verdict.count, verdict.violations.len()), (30, LISTED));
        assert_eq!(verdict.violations[2].message, "row 2 is odd");
        let long = of(1, &"x".repeat(9_999)).unwrap();
        assert_eq!(long.violations[0].message.chars().count(), LONGEST_LINE + 1);
    }

    #[test]
    fn silence_with_an_exit_code_rejects() {
        assert_eq!(of(3, "\n").unwrap().violations[0].message, "the command ended with exit code 3 and said nothing");
    }

    #[test]
    fn what_was_not_started_or_was_killed_is_no_verdict() {
        assert_eq!(
            of(127, "sh: nosuch: not found\n").unwrap_err(),
            "its command cannot be started (exit code 127): sh: nosuch: not found"
        );
        let killed = verdict(&CommandLine::Argv(Vec::new()), ExitStatus::from_raw(9), "").unwrap_err();
        assert_eq!(killed.to_string(), "its command was ended by a signal");
    }
}
