//! `ingest run-pass`: one built-in by hand, on a request file and what stands beside it.

use super::args::RunPass;
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::project::unknown;
use super::render;
use crate::engine::verdict::Judge;
use crate::gates::Gates;
use crate::passes;
use crate::worker::{self, RequestError, Response};

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a name or a request that cannot be carried out, 1 if the built-in fails.
pub fn run(args: &RunPass, console: &Console) -> Result<(), CliError> {
    let all = passes::BUILTINS.iter();
    let Some(builtin) = all.clone().find(|b| b.name == args.name) else {
        return Err(unknown("built-in", &args.name, all.map(|b| b.name)));
    };
    let path = &args.request;
    let gates = Gates::new();
    let response = worker::carry_out(builtin, path, &|bytes| gates.count_items(bytes)).map_err(refused)?;
    match &response.failure {
        None => {
            console.status(&told(&response));
            Ok(())
        }
        Some(failure) => Err(CliError::new(ErrorKind::Failed, format!("{}: {}", builtin.name, failure.message))),
    }
}

fn refused(error: RequestError) -> CliError {
    let kind = match &error {
        RequestError::Disk(e) if !e.is_missing() => ErrorKind::Failed,
        _ => ErrorKind::Usage,
    };
    let told = CliError::from_error(kind, &error);
    match &error {
        RequestError::Unknown { known, .. } if !known.is_empty() => {
            told.hint(format!("it has {}", known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")))
        }
        RequestError::Path { .. } => told.hint("names in a request are relative and stay below its folder"),
        RequestError::NotEmpty(_) => told.hint("a tree goes into a new folder, or below `outputs/`"),
        _ => told,
    }
}

/// `chunk: chunks (12 items) in outputs/chunks.json, coverage (1 item) in outputs/coverage.json`.
fn told(response: &Response) -> String {
    let one = |(name, made): (&String, &worker::Made)| {
        format!("{name} ({}) in {}", render::number(made.items, "item", "items"), render::shown(&made.path))
    };
    format!("{}: {}", response.builtin, response.outputs.iter().map(one).collect::<Vec<_>>().join(", "))
}
