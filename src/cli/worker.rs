//! `ingest worker`: a process of a build, started by it. People meet it in a list of processes only.

use std::io::IsTerminal;

use super::error::{CliError, ErrorKind};
use crate::passes;
use crate::worker::{self, ServeError};

/// Carries out jobs until the build is over.
///
/// # Errors
/// Exit code 2 if no build started it.
pub fn run() -> Result<(), CliError> {
    let by_hand = || {
        CliError::new(ErrorKind::Usage, "`ingest worker` is started by a build, not by hand")
            .hint("`ingest run-pass` runs one built-in on a request file")
    };
    let input = std::io::stdin();
    if input.is_terminal() {
        return Err(by_hand());
    }
    // A drawing is asked for by `ingest show`, and by no rule.
    let find = |name: &str| passes::BUILTINS.iter().copied().chain([&passes::drawing::BUILTIN]).find(|b| b.name == name);
    worker::serve(input, answers()?, find).map_err(|e| match e {
        ServeError::NotAsked => by_hand(),
        other => CliError::from_error(ErrorKind::Failed, &other),
    })
}

/// Where answers go: stdout, which nothing else may write to from here on, whatever a library prints.
#[cfg(unix)]
fn answers() -> Result<std::fs::File, CliError> {
    let taken = || {
        let stdout = rustix::io::dup(std::io::stdout())?;
        rustix::stdio::dup2_stdout(std::io::stderr())?;
        Ok::<_, rustix::io::Errno>(stdout)
    };
    taken().map(std::fs::File::from).map_err(|e| CliError::new(ErrorKind::Failed, format!("cannot take stdout: {e}")))
}

/// Where answers go. No library that is used here prints.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "as on Unix")]
fn answers() -> Result<std::io::Stdout, CliError> {
    Ok(std::io::stdout())
}
