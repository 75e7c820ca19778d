//! One command for one item or for many: a process for each, one for a batch, or one that stays. Of a process that dies over a
//! batch, the item that it was at fails; what it had answered is kept, and the rest is asked of another one.

use std::collections::BTreeMap;
use std::process::Child;

use super::item::{REQUEST, Staged};
use super::process::{self, ended};
use super::response::Response;
use super::server::Servers;
use super::{CommandError, CommandTask, Count, slashed};
use crate::disk;
use crate::engine::execute::{Made, RunError, Task};
use crate::staging;
use crate::store::cas::Cas;

type Result<T> = std::result::Result<T, RunError>;

/// What each of `tasks` came to, in their order.
pub(super) fn run(tasks: &[&Task], command: &CommandTask, cas: &Cas, count: Count<'_>) -> Vec<Result<Made>> {
    let staged = tasks.iter().map(|task| Staged::new(task, command, cas));
    let mut made: Vec<Option<Result<Made>>> = Vec::with_capacity(tasks.len());
    let mut open: Vec<(usize, Staged<'_>)> = Vec::with_capacity(tasks.len());
    for (i, staged) in staged.enumerate() {
        match staged {
            Ok(staged) => {
                made.push(None);
                open.push((i, staged));
            }
            Err(error) => made.push(Some(Err(error))),
        }
    }
    while !open.is_empty() {
        let before = open.len();
        match &command.servers {
            Some(servers) => ask(servers, command, &mut open, &mut made, (cas, count)),
            None if command.batch > 0 => start_for_all(command, &mut open, &mut made, (cas, count)),
            None => {
                let (i, staged) = open.remove(0);
                made[i] = Some(start_for(&staged, command, cas, count));
            }
        }
        if open.len() == before {
            break;
        }
    }
    made.into_iter().map(|made| made.unwrap_or_else(|| Err(CommandError::NoAnswer.into()))).collect()
}

/// Where results go, and what is needed to take them.
type Into<'a> = (&'a Cas, Count<'a>);

/// A process for one item.
fn start_for(staged: &Staged<'_>, command: &CommandTask, cas: &Cas, count: Count<'_>) -> Result<Made> {
    let (status, said) = ended(staged.dir(), command, &staged.names, 1, &mut Child::wait)?;
    process::log_said(&staged.task.rule, &said, &command.env);
    let response = Response::left_in(&staged.at)?;
    // What it says is wrong tells more than that it ended badly.
    if status.success() || response.as_ref().is_some_and(|r| r.error().is_some()) {
        return staged.collect(response, cas, count);
    }
    let excerpt = process::excerpt_of(&said, &command.env);
    Err(CommandError::Status { status: process::shown(status), excerpt }.into())
}

/// A process for all that are open.
fn start_for_all(command: &CommandTask, open: &mut Vec<(usize, Staged<'_>)>, made: &mut [Option<Result<Made>>], to: Into<'_>) {
    let (cas, count) = to;
    let ran = batch_folder(command, open).and_then(|(folder, names)| {
        let ran = ended(&folder, command, &names, open.len(), &mut Child::wait);
        let _ = disk::remove_dir_all(&command.room.root.join(&folder));
        ran
    });
    let answers: Vec<Result<Option<Response>>> = open.iter().map(|(_, staged)| Response::left_in(&staged.at)).collect();
    if let (Ok((_, said)), Some((_, staged))) = (&ran, open.first()) {
        process::log_said(&staged.task.rule, said, &command.env);
    }
    let mut failed = match ran {
        Ok((status, _)) if status.success() => None,
        Ok((status, said)) => Some(
            CommandError::Status { status: process::shown(status), excerpt: process::excerpt_of(&said, &command.env) }.into(),
        ),
        Err(error) => Some(error),
    };
    let died = failed.is_some();
    let mut left = Vec::new();
    for ((i, staged), answer) in std::mem::take(open).into_iter().zip(answers) {
        match answer {
            Ok(Some(response)) => made[i] = Some(staged.collect(Some(response), cas, count)),
            Err(error) => made[i] = Some(Err(error)),
            Ok(None) if died => match failed.take() {
                // The first without an answer is what it was at.
                Some(error) => made[i] = Some(Err(error)),
                None => left.push((i, staged)),
            },
            Ok(None) => made[i] = Some(Err(CommandError::NoAnswer.into())),
        }
    }
    *open = left;
}

/// A folder with the request for all that are open, and what its command is told.
fn batch_folder(command: &CommandTask, open: &[(usize, Staged<'_>)]) -> Result<(std::path::PathBuf, BTreeMap<String, String>)> {
    let dir = command.room.new_dir();
    let at = command.room.root.join(&dir);
    disk::create_dir_all(&at.join("home"))?;
    let requests: Vec<_> = open.iter().map(|(_, staged)| staged.request_with_folder()).collect();
    let all = serde_json::json!({ "version": staging::VERSION, "requests": requests });
    disk::write(&at.join(REQUEST), &serde_json::to_vec_pretty(&all).unwrap_or_default())?;
    let names = BTreeMap::from([("request".to_owned(), slashed(&dir.join(REQUEST)))]);
    Ok((dir, names))
}

/// A process that stays, for all that are open.
fn ask(
    servers: &Servers,
    command: &CommandTask,
    open: &mut Vec<(usize, Staged<'_>)>,
    made: &mut [Option<Result<Made>>],
    to: Into<'_>,
) {
    let (cas, count) = to;
    let mut server = match servers.take(command) {
        Ok(server) => server,
        Err(error) => {
            let (i, _) = open.remove(0);
            made[i] = Some(Err(error));
            return;
        }
    };
    let requests = open.iter().map(|(_, staged)| staged.request_with_folder()).collect();
    let asked = server.ask(requests, command, |index, response| {
        let (i, staged) = &open[index];
        made[*i] = Some(staged.collect(Some(response), cas, count));
    });
    match asked {
        Ok(()) => {
            servers.give_back(server);
            open.clear();
        }
        Err((at, trouble)) => {
            made[open[at].0] = Some(Err(server.lost(command, trouble).into()));
            open.drain(..=at);
        }
    }
}
