//! One worker process from the outside: started, given jobs, ended; and what it died of.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Death;
use super::wire::{self, Hello, Job, Reply};

/// How much of what a worker said last is kept.
const SAID_BYTES: usize = 4096;

/// How much a worker may hand over before anybody reads it: what any process may ask for.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1 << 20;

/// How long a worker that says nothing more may take to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// A running worker, as whoever watches it sees it.
pub(super) struct Process {
    child: Mutex<Child>,
    /// When its present job must be over.
    pub(super) deadline: Mutex<Option<Instant>>,
    is_overdue: AtomicBool,
}

impl Process {
    /// Ends it at once.
    pub(super) fn kill(&self) {
        if let Ok(mut child) = self.child.lock() {
            let _ = child.kill();
        }
    }

    /// How it ended; it is not left to go on.
    fn end(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().ok()?;
        // Whoever says nothing more is about to end by itself, and then its own way of ending is the one to tell.
        let asked = Instant::now();
        while asked.elapsed() < FAREWELL {
            if let Ok(Some(status)) = child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = child.kill();
        child.wait().ok()
    }

    /// Ends it because its time is up.
    pub(super) fn kill_overdue(&self) {
        self.is_overdue.store(true, Ordering::SeqCst);
        self.kill();
    }
}

/// Tells glibc's allocator (mallopt(3)) to keep no more than a megabyte of what is free, and to take larger blocks from the system
/// and give them back whole: left to itself it keeps up to 64 MB once it has seen large ones go. A worker does one job at a time:
/// one arena is enough, and grown by half a megabyte it asks the system seldom. Other allocators do not read it.
#[cfg(target_os = "linux")]
const GIVES_BACK: [(&str, &str); 4] = [
    ("MALLOC_TRIM_THRESHOLD_", "1048576"),
    ("MALLOC_MMAP_THRESHOLD_", "1048576"),
    ("MALLOC_TOP_PAD_", "524288"),
    ("MALLOC_ARENA_MAX", "1"),
];

/// A worker as whoever gives it jobs holds it.
pub(super) struct Worker {
    pub(super) process: Arc<Process>,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
    said: Option<JoinHandle<Vec<u8>>>,
}

impl Worker {
    /// Starts `program`, which is this one, as a worker.
    pub(super) fn start(program: &Path, env: &[(String, String)], hello: &Hello) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg("worker").env_clear().envs(env.iter().map(|(k, v)| (k, v)));
        #[cfg(target_os = "linux")]
        command.envs(GIVES_BACK);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // Ctrl-C on a terminal is for the build, which then ends its workers itself.
            command.arg0("ingest").process_group(0);
        }
        let mut child = command.spawn()?;
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let (stdin, stdout) = (child.stdin.take().ok_or_else(gone)?, child.stdout.take().ok_or_else(gone)?);
        // What a group of pages makes fits in it: the worker need not wait for the build at every 64 KiB.
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, PIPE_BYTES);
        let mut stderr = child.stderr.take().ok_or_else(gone)?;
        let said = std::thread::spawn(move || last_words(&mut stderr));
        let process = Process { child: Mutex::new(child), deadline: Mutex::new(None), is_overdue: AtomicBool::new(false) };
        let mut worker = Self {
            process: Arc::new(process),
            input: BufWriter::new(stdin),
            output: BufReader::with_capacity(64 * 1024, stdout),
            said: Some(said),
        };
        wire::send(&mut worker.input, hello)?;
        Ok(worker)
    }

    /// Gives it a job and waits for the reply.
    pub(super) fn ask(&mut self, job: &Job) -> io::Result<Reply> {
        wire::send(&mut self.input, job)?;
        self.input.flush()?;
        wire::receive(&mut self.output)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// The bytes that a reply announced.
    pub(super) fn output(&mut self) -> &mut BufReader<ChildStdout> {
        &mut self.output
    }

    /// Lets it end by itself: it does so when nobody can ask it any more.
    pub(super) fn dismiss(self) {
        let Self { process, input, output, said } = self;
        drop((input, output));
        if let Ok(mut child) = process.child.lock() {
            let _ = child.wait();
        }
        if let Some(said) = said {
            let _ = said.join();
        }
    }

    /// Ends it, and tells what it died of.
    pub(super) fn bury(mut self) -> Death {
        let status = self.process.end();
        let said = self.said.take().and_then(|s| s.join().ok()).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        if self.process.is_overdue.load(Ordering::SeqCst) {
            Death::Time
        } else if said.contains("memory allocation of ") {
            Death::Memory
        } else if said.contains("has overflowed its stack") {
            Death::Nesting
        } else {
            let last = last_cause(&said);
            Death::Crash { how: how(status), said: last.to_owned() }
        }
    }
}

/// What a panic said, else the last line.
fn last_cause(said: &str) -> &str {
    let mut lines = said.lines().map(str::trim).filter(|l| !l.is_empty());
    let panicked = lines.clone().skip_while(|l| !l.contains(" panicked at ")).nth(1);
    panicked.or_else(|| lines.next_back()).unwrap_or_default()
}

fn how(status: Option<ExitStatus>) -> String {
    #[cfg(unix)]
    if let Some(signal) = status.and_then(|s| std::os::unix::process::ExitStatusExt::signal(&s)) {
        return format!("signal {signal}");
    }
    status.and_then(|s| s.code()).map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"))
}

/// The end of all that is said.
fn last_words(from: &mut impl Read) -> Vec<u8> {
    let (mut kept, mut piece) = (Vec::new(), [0; 1024]);
    while let Ok(n @ 1..) = from.read(&mut piece) {
        kept.extend_from_slice(&piece[..n]);
        if kept.len() > 2 * SAID_BYTES {
            kept.drain(..kept.len() - SAID_BYTES);
        }
    }
    kept
}
