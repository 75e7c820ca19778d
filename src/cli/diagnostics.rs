//! The diagnostics log: what `--log-level` and `--log-file` ask for. Every line is redacted before it is written.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use super::args::LogLevel;
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::render;
use crate::disk;
use crate::job::redact::redact;

/// Starts the log: to `file` (added to at its end), else to stderr.
///
/// # Errors
/// If the file cannot be opened.
pub fn start(level: LogLevel, file: Option<&Path>, console: &Console) -> Result<(), CliError> {
    if level == LogLevel::Off {
        return Ok(());
    }
    let to = match file {
        None => To::Console(console.clone()),
        Some(path) => {
            let opened = disk::open_append(path).map_err(|e| CliError::from_error(ErrorKind::Failed, &e))?;
            To::File(Arc::new(Mutex::new(opened)))
        }
    };
    let filter = tracing_subscriber::EnvFilter::new(format!("ingest={}", level.as_str()));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(to).finish();
    // One log per process: a second one is asked for in tests only.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

/// Where lines go.
#[derive(Clone)]
enum To {
    Console(Console),
    File(Arc<Mutex<File>>),
}

/// One line, written when it is whole.
struct Line {
    to: To,
    text: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        // Names stand in it as they are.
        let line = format!("{}\n", render::shown(&redact(text.trim_end_matches('\n'))));
        match &self.to {
            To::Console(console) => console.status(&line),
            To::File(file) => {
                // A log that cannot be written must not stop a build.
                let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
            }
        }
    }
}

impl<'a> MakeWriter<'a> for To {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { to: self.clone(), text: Vec::new() }
    }
}
