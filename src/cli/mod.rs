//! The command line: everything that talks to people. `main` reads as a table of contents; each command has a file.

pub mod adapter;
pub mod args;
pub mod build;
pub mod causes;
pub mod clean;
pub mod completions;
pub mod console;
pub mod diagnostics;
pub mod diff;
pub mod error;
pub mod events;
pub mod export;
pub mod gate;
pub mod gc;
pub mod graph;
mod idle;
pub mod init;
pub mod outputs;
pub mod plan;
pub mod progress;
pub mod project;
pub mod render;
pub mod rewritten;
pub mod run_pass;
pub mod show;
pub mod status;
pub mod trace;
pub mod unread;
pub mod verify;
pub mod vocabulary;
pub mod why;
pub mod worker;

use std::time::SystemTime;

use clap::Parser;

use crate::disk::DiskError;
use args::{Cli, Command};
use console::Console;
use error::{CliError, ErrorKind, exit_code};

/// Parses the arguments of this process, runs the command, tells its end; the exit code.
#[must_use]
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return u8::try_from(e.exit_code()).unwrap_or(2);
        }
    };
    #[cfg(feature = "fail-points")]
    arm_fail_point();
    let console = Console::of_process(cli.global.color, no_color());
    let mut end = run(&cli, &console);
    if let Err(e) = console.finish() {
        end = end.and(Err(CliError::new(ErrorKind::Failed, format!("cannot write to stdout: {e}"))));
    }
    if let Err(e) = end.as_ref()
        && !e.problem.message.is_empty()
    {
        console.status(&render::problem(console.paint(), "", &e.problem));
    }
    exit_code(&end)
}

fn run(cli: &Cli, console: &Console) -> Result<(), CliError> {
    let global = &cli.global;
    if let Some(folder) = &global.directory {
        let failed = |e: std::io::Error| CliError::from_error(ErrorKind::Usage, &DiskError::new("go to", folder, e));
        std::env::set_current_dir(folder).map_err(failed)?;
    }
    match &cli.command {
        Command::Build(args) => build::run(args, global, console, now),
        Command::Completions(args) => {
            console.data(&completions::script(args.shell));
            Ok(())
        }
        Command::Clean(args) => clean::run(args, global, console, now),
        Command::Why(args) => why::run(args, global, console, now),
        Command::Graph(args) => graph::run(args, global, console, now),
        Command::Show(args) => show::run(args, global, console, now),
        Command::Status(args) => status::run(args, global, console, now),
        Command::Gc(args) => gc::run(args, global, console, now),
        Command::Verify(args) => verify::run(args, global, console, now),
        Command::Diff(args) => diff::run(args, global, console, now),
        Command::Export(args) => export::run(args, global, console, now),
        Command::Gate(args) => gate::run(args, global, console, now),
        Command::RunPass(args) => run_pass::run(args, console),
        Command::Init(args) => init::run(args, console),
        Command::Adapter(args) => adapter::run(args, console),
        Command::Vocabulary(args) => vocabulary::run(args, console),
        Command::Worker => worker::run(),
    }
}

/// What a test wants to fail in this process.
#[cfg(feature = "fail-points")]
#[allow(clippy::disallowed_methods, reason = "the environment is read here and handed down")]
fn arm_fail_point() {
    if let Ok(text) = std::env::var("INGEST_FAIL_POINT") {
        crate::fail_point::arm(&text);
    }
}

#[allow(clippy::disallowed_methods, reason = "the clock is read here and handed down")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[allow(clippy::disallowed_methods, reason = "the environment is read here and handed down")]
fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) || std::env::var_os("TERM").is_some_and(|v| v == "dumb")
}
