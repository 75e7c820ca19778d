//! `ingest worker`: jobs of a build on stdin, what became of them on stdout. Started by the build itself, never by hand.
//!
//! One thread reads, so that the end of the build is seen whatever the work is at. One, with a stack of known size, works. When
//! either is over, so is the process.

use std::io::{BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Instant;

use crate::builtin::{Builtin, Limits, Output};
use crate::engine::execute::{self, InputValue, RunError};
use crate::engine::workers::wire::{self, End, Hello, Job, Reply};
use crate::fail_point::{self, FailPoint};
use crate::store::StoreError;
use crate::store::cas::Cas;

use super::memory;

/// Deep enough for what libraries recurse into on documents within the limit on nesting.
const STACK_BYTES: usize = 64 << 20;

/// Why a worker is over before its build.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What is said on stdin is no build's.
    #[error("no build asks")]
    NotAsked,
    #[error("the thread that works could not be had: {0}")]
    Thread(std::io::Error),
    #[error("the work broke off")]
    BrokeOff,
}

/// Tells at the end of a thread, however it ends, whether it was that of the work.
struct Over {
    tell: mpsc::Sender<bool>,
    of_work: bool,
}

impl Drop for Over {
    fn drop(&mut self) {
        let _ = self.tell.send(self.of_work);
    }
}

/// Carries out jobs until the build is over. `find` knows the built-ins.
///
/// # Errors
/// See `ServeError`.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    find: fn(&str) -> Option<&'static Builtin>,
) -> Result<(), ServeError> {
    let mut input = BufReader::new(input);
    let hello: Hello = wire::receive(&mut input).ok().flatten().ok_or(ServeError::NotAsked)?;
    let (hand, jobs) = mpsc::channel::<Job>();
    let (tell, told) = mpsc::channel();
    let (worked, read) = (Over { tell: tell.clone(), of_work: true }, Over { tell, of_work: false });
    let work = move || {
        let _worked = worked;
        memory::limit(hello.limits.memory_bytes);
        let cas = Cas::new(PathBuf::from(hello.cas));
        let mut output = BufWriter::with_capacity(64 * 1024, output);
        for job in jobs {
            if answer(&job, &cas, &hello.limits, find, &mut output).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("work".to_owned()).stack_size(STACK_BYTES).spawn(work).map_err(ServeError::Thread)?;
    let listen = move || {
        let _read = read;
        while let Ok(Some(job)) = wire::receive(&mut input) {
            if hand.send(job).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("listen".to_owned()).spawn(listen).map_err(ServeError::Thread)?;
    // What is still being worked at when the build is over ends with this thread.
    if told.recv() == Ok(true) { Err(ServeError::BrokeOff) } else { Ok(()) }
}

fn answer(
    job: &Job,
    cas: &Cas,
    limits: &Limits,
    find: fn(&str) -> Option<&'static Builtin>,
    output: &mut impl Write,
) -> std::io::Result<()> {
    let started = Instant::now();
    let (end, made) = match find(&job.builtin) {
        None => (End::Odd(format!("there is no built-in `{}`", job.builtin)), Vec::new()),
        Some(builtin) => match work(builtin, job, cas, limits) {
            Ok(made) => (End::Made(wire::shapes(builtin, &made)), made),
            Err(end) => (end, Vec::new()),
        },
    };
    let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    wire::send(output, &Reply { end, took_us, resident_bytes: memory::resident() })?;
    wire::send_bytes(output, &made)?;
    output.flush()
}

fn work(builtin: &'static Builtin, job: &Job, cas: &Cas, limits: &Limits) -> Result<Vec<(&'static str, Output)>, End> {
    let try_of = PathBuf::from(format!("{}#{}", job.item.path, job.tried + 1));
    fail_point::reach(FailPoint::WorkerTries, &try_of).map_err(|e| End::Odd(e.to_string()))?;
    let params = serde_json::from_str(&job.params).map_err(|e| End::Odd(e.to_string()))?;
    let inputs: Vec<(String, InputValue)> = job.inputs.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    execute::call(builtin, &job.item, &inputs, &params, limits, cas).map_err(|error| match error {
        RunError::Failure(failure) => End::Failed(failure),
        RunError::Panic { message, .. } => End::Panicked(message),
        RunError::Changed(path) => End::Changed(path.into_os_string()),
        RunError::Store(StoreError::Blob { digest, what }) => End::Blob { digest, missing: what == "missing" },
        RunError::Store(StoreError::Disk(e)) | RunError::Disk(e) => {
            End::Unreadable { code: e.source.raw_os_error(), message: e.source.to_string(), path: e.path.into_os_string() }
        }
        other => End::Odd(other.to_string()),
    })
}
