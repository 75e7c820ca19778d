//! Commands that stay: a request a line on their stdin, a response a line on their stdout. One that dies, hangs or says what is
//! no response is ended, and another one is started for what it has not answered.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::{self, SAID};
use super::response::{self, Response, ToldError};
use super::{CommandError, CommandTask};
use crate::disk;
use crate::engine::execute::RunError;

/// What one is given to end by itself when nobody asks it any more.
const PATIENCE: Duration = Duration::from_secs(2);

/// The workers of one rule that have nothing to do.
#[derive(Default)]
pub struct Servers {
    idle: Mutex<Vec<Server>>,
    /// What one said when it could not begin: the others could not either.
    hopeless: Mutex<Option<ToldError>>,
}

impl Servers {
    /// One that waits for a request.
    ///
    /// # Errors
    /// If none waits, and none can be started.
    pub(super) fn take(&self, command: &CommandTask) -> Result<Server, RunError> {
        while let Some(mut server) = self.next_idle() {
            if server.is_alive() {
                return Ok(server);
            }
            // It ended while nobody asked it: no item has to do with that.
            server.dismiss(command);
        }
        let hopeless = || self.hopeless.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = hopeless().clone() {
            return Err(CommandError::Told(error).into());
        }
        // Several may start at once: they take their time.
        let started = Server::start(command);
        if let Err(RunError::Command(CommandError::Told(error))) = &started {
            hopeless().get_or_insert_with(|| error.clone());
        }
        started
    }

    fn next_idle(&self) -> Option<Server> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Takes back one that has answered all that it was asked.
    pub(super) fn give_back(&self, server: Server) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(server);
    }

    /// Lets all end that have nothing to do.
    pub(super) fn dismiss(&self, command: &CommandTask) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        idle.into_iter().for_each(|server| server.dismiss(command));
    }
}

/// A process that takes requests.
pub(super) struct Server {
    child: Child,
    pid: u32,
    /// There until it is dismissed.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    room: std::sync::Arc<super::Room>,
    /// Its private folder.
    at: PathBuf,
    requests: u64,
}

impl Server {
    fn start(command: &CommandTask) -> Result<Self, RunError> {
        let dir = command.room.new_dir();
        let at = command.room.root.join(&dir);
        disk::create_dir_all(&at.join("home"))?;
        let mut process = process::process_of(command, &BTreeMap::new());
        process::prepare(&mut process, command, &dir);
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(process::log(&at.join(SAID))?);
        let (mut child, pid) = process::spawn(&mut process, command, 1)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(CommandError::Ended.into());
        };
        let (output, room) = (BufReader::new(output), command.room.clone());
        let mut server = Self { child, pid, input: Some(input), output, room, at, requests: 0 };
        match server.hear() {
            Ok(greeting) if greeting.ready == Some(true) => {
                server.room.set_deadline(pid, None);
                Ok(server)
            }
            Ok(greeting) => match greeting.error().cloned() {
                Some(error) => {
                    drop(server.bury(command));
                    Err(CommandError::Told(error).into())
                }
                None => {
                    drop(server.bury(command));
                    let why = "its first line does not say that it is ready".to_owned();
                    Err(CommandError::BadResponse { why }.into())
                }
            },
            Err(trouble) => Err(server.lost(command, trouble).into()),
        }
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks for what `requests` say; each response comes back as it is heard, in their order. How many of them there were, and
    /// why no more came.
    pub(super) fn ask(
        &mut self,
        requests: Vec<Value>,
        command: &CommandTask,
        mut answered: impl FnMut(usize, Response),
    ) -> Result<(), (usize, Trouble)> {
        self.requests += 1;
        let (id, all) = (self.requests, requests.len());
        self.room.set_deadline(self.pid, process::deadline(command, 1));
        let line = line_of(id, requests);
        let told = self.input.as_mut().map(|input| input.write_all(&line).and_then(|()| input.flush()));
        if !matches!(told, Some(Ok(()))) {
            return Err((0, Trouble::Silent));
        }
        for index in 0..all {
            let response = self.hear().map_err(|trouble| (index, trouble))?;
            if response.id != Some(id) || response.index != index {
                let why = format!("it answers request {index} of line {id} with another's number");
                return Err((index, Trouble::Odd(CommandError::BadResponse { why })));
            }
            // Each item has its time.
            self.room.set_deadline(self.pid, process::deadline(command, 1));
            answered(index, response);
        }
        self.room.set_deadline(self.pid, None);
        Ok(())
    }

    /// The next line that it says.
    fn hear(&mut self) -> Result<Response, Trouble> {
        let mut line = Vec::new();
        let most = response::MOST_BYTES as u64 + 1;
        let read = (&mut self.output).take(most).read_until(b'\n', &mut line);
        if read.is_err() || line.is_empty() {
            return Err(Trouble::Silent);
        }
        if line.len() > response::MOST_BYTES {
            return Err(Trouble::Odd(response::too_long()));
        }
        match Response::parse(&line) {
            Ok(response) => Ok(response),
            // The end of a line that was cut off in the middle.
            Err(_) if line.last() != Some(&b'\n') => Err(Trouble::Silent),
            Err(odd) => Err(Trouble::Odd(odd)),
        }
    }

    /// Ends it after `trouble`; what is to be said of that.
    pub(super) fn lost(self, command: &CommandTask, trouble: Trouble) -> CommandError {
        let buried = self.bury(command);
        match trouble {
            Trouble::Odd(error) if !matches!(buried, CommandError::Ended) => error,
            _ => buried,
        }
    }

    /// Ends it; how it had ended.
    fn bury(mut self, command: &CommandTask) -> CommandError {
        self.input = None;
        // One that closed its stdout is about to end by itself: its own status says more.
        let status = self.waited(Instant::now() + Duration::from_millis(200)).or_else(|| {
            super::kill(self.pid);
            self.child.wait().ok()
        });
        let timed_out = self.room.ended(self.pid);
        if self.room.ended.load(Ordering::SeqCst) {
            return CommandError::Ended;
        }
        if timed_out {
            return command.timed_out();
        }
        let said = disk::read(&self.at.join(SAID)).unwrap_or_default();
        let excerpt = process::excerpt_of(&said, &command.env);
        CommandError::Died { status: status.map_or_else(|| "a signal".to_owned(), process::shown), excerpt }
    }

    fn waited(&mut self, until: Instant) -> Option<std::process::ExitStatus> {
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= until {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Lets it end by itself, which it does when nobody can ask it any more.
    fn dismiss(mut self, command: &CommandTask) {
        self.input = None;
        let _ = self.waited(Instant::now() + PATIENCE);
        let said = disk::read(&self.at.join(SAID)).unwrap_or_default();
        process::log_said("(worker)", &said, &command.env);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.input = None;
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            super::kill(self.pid);
            let _ = self.child.wait();
        }
        self.room.ended(self.pid);
        let _ = disk::remove_dir_all(&self.at);
    }
}

/// Why no answer came.
pub(super) enum Trouble {
    /// It said nothing more.
    Silent,
    /// It said what is no answer.
    Odd(CommandError),
}

/// A request, or several as one, as a line.
fn line_of(id: u64, mut requests: Vec<Value>) -> Vec<u8> {
    let mut asked = match (requests.len(), requests.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            requests.extend(last);
            serde_json::json!({ "version": crate::staging::VERSION, "requests": requests })
        }
    };
    if let Value::Object(entries) = &mut asked {
        entries.insert("id".to_owned(), id.into());
    }
    let mut line = asked.to_string().into_bytes();
    line.push(b'\n');
    line
}
