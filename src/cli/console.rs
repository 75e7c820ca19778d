//! The only printer: data on stdout, status and errors on stderr, a progress line below them on a terminal. A reader that
//! has gone away is no error. What goes to stderr is redacted here, and of all that is text what a terminal would obey is
//! shown, so that nobody can forget to; it knows nothing else of what it prints.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::Color;
use super::render;
use crate::job::redact::redact;

/// Paints text for a terminal, or leaves it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    #[must_use]
    pub fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }

    #[must_use]
    pub fn green(self, text: &str) -> String {
        self.with("1;32", text)
    }

    #[must_use]
    pub fn yellow(self, text: &str) -> String {
        self.with("1;33", text)
    }

    #[must_use]
    pub fn cyan(self, text: &str) -> String {
        self.with("1;36", text)
    }
}

/// Stdout and stderr of the process, shared by all who print.
#[derive(Clone)]
pub struct Console(Arc<Mutex<Streams>>);

struct Streams {
    out: Stream,
    err: Stream,
    /// The progress line, while there is one.
    bar: Option<ProgressBar>,
}

struct Stream {
    sink: Box<dyn Write + Send>,
    paint: Paint,
    is_terminal: bool,
    /// The first error other than a closed pipe; nothing is written after any error.
    error: Option<io::Error>,
    closed: bool,
}

impl Stream {
    fn new(sink: Box<dyn Write + Send>, color: Color, no_color: bool, is_terminal: bool) -> Self {
        let paint = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !no_color,
        };
        Self { sink, paint: Paint(paint), is_terminal, error: None, closed: false }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.closed {
            return;
        }
        if let Err(e) = self.sink.write_all(bytes).and_then(|()| self.sink.flush()) {
            self.closed = true;
            self.error = Some(e).filter(|e| e.kind() != io::ErrorKind::BrokenPipe);
        }
    }
}

impl Console {
    /// The console of this process. `no_color`: whether the environment asks for none (`NO_COLOR`, `TERM=dumb`).
    #[must_use]
    pub fn of_process(color: Color, no_color: bool) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let (out_tty, err_tty) = (out.is_terminal(), err.is_terminal());
        Self::over(Stream::new(Box::new(out), color, no_color, out_tty), Stream::new(Box::new(err), color, no_color, err_tty))
    }

    fn over(out: Stream, err: Stream) -> Self {
        Self(Arc::new(Mutex::new(Streams { out, err, bar: None })))
    }

    /// A panic elsewhere does not silence us.
    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How to paint what goes to stderr.
    #[must_use]
    pub fn paint(&self) -> Paint {
        self.streams().err.paint
    }

    /// How to paint what goes to stdout.
    #[must_use]
    pub fn paint_data(&self) -> Paint {
        self.streams().out.paint
    }

    /// Stderr is a terminal.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.streams().err.is_terminal
    }

    /// Writes a line (or several) to stderr, above the progress line.
    pub fn status(&self, text: &str) {
        let mut streams = self.streams();
        let line = format!("{}\n", harmless(&redact(text.trim_end_matches('\n')), streams.err.paint));
        match streams.bar.clone() {
            Some(bar) => bar.suspend(|| streams.err.write(line.as_bytes())),
            None => streams.err.write(line.as_bytes()),
        }
    }

    /// Writes text for people to stdout.
    pub fn text(&self, text: &str) {
        let paint = self.paint_data();
        self.data(harmless(text, paint).as_bytes());
    }

    /// Writes bytes to stdout as they are.
    pub fn data(&self, bytes: &[u8]) {
        let mut streams = self.streams();
        match streams.bar.clone() {
            Some(bar) if streams.out.is_terminal => bar.suspend(|| streams.out.write(bytes)),
            _ => streams.out.write(bytes),
        }
    }

    /// Shows `message` in the progress line; on what is no terminal, nothing.
    pub fn progress(&self, message: &str) {
        let mut streams = self.streams();
        if streams.err.is_terminal {
            streams.bar.get_or_insert_with(spinner).set_message(render::shown(&redact(message)).into_owned());
        }
    }

    /// Takes the progress line away.
    pub fn end_progress(&self) {
        if let Some(bar) = self.streams().bar.take() {
            bar.finish_and_clear();
        }
    }

    /// What went wrong with stdout, if anything but a reader that left: data is missing, so the command has failed.
    ///
    /// # Errors
    /// The first error of a write to stdout.
    pub fn finish(&self) -> io::Result<()> {
        self.end_progress();
        self.streams().out.error.take().map_or(Ok(()), Err)
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Console")
    }
}

/// `text` with what a terminal would obey made visible, but for line ends and, where we paint, colours.
fn harmless(text: &str, paint: Paint) -> String {
    let lines: Vec<String> =
        text.split('\n').map(|line| if paint.0 { painted(line) } else { render::shown(line).into_owned() }).collect();
    lines.join("\n")
}

fn painted(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, code)) = rest.split_once("\x1b[") {
        text.push_str(&render::shown(before));
        let end = code.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = if let Some(behind) = end.strip_prefix('m') {
            text.push_str("\x1b[");
            text.push_str(&code[..code.len() - behind.len()]);
            behind
        } else {
            text.push_str(&render::shown("\x1b["));
            code
        };
    }
    text.push_str(&render::shown(rest));
    text
}

fn spinner() -> ProgressBar {
    // Ten draws a second look steady and cost nothing.
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    let template = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed:>5}");
    bar.set_style(template.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

#[cfg(test)]
mod captured {
    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Buffer {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a captured console has printed.
    pub(crate) struct Screen(Buffer, Buffer);

    impl Screen {
        pub(crate) fn stdout(&self) -> String {
            self.0.text()
        }

        pub(crate) fn stderr(&self) -> String {
            self.1.text()
        }
    }

    impl Console {
        /// A console that prints to memory, and never to a terminal.
        pub(crate) fn captured(painted: bool) -> (Self, Screen) {
            let color = if painted { Color::Always } else { Color::Never };
            let (out, err) = (Buffer::default(), Buffer::default());
            let stream = |b: &Buffer| Stream::new(Box::new(b.clone()), color, false, false);
            (Self::over(stream(&out), stream(&err)), Screen(out, err))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn broken(kind: io::ErrorKind) -> Console {
        let stream = |kind| Stream::new(Box::new(Broken(kind)), Color::Auto, false, false);
        Console::over(stream(kind), stream(kind))
    }

    #[test]
    fn status_goes_to_stderr_and_data_to_stdout() {
        let (console, screen) = Console::captured(false);
        console.status("ingest: nothing to do");
        console.data(b"{}\n");
        console.progress("not on a pipe");
        console.finish().unwrap();
        assert_eq!((screen.stdout().as_str(), screen.stderr().as_str()), ("{}\n", "ingest: nothing to do\n"));
    }

    #[test]
    fn a_terminal_obeys_nothing_but_line_ends_and_colours() {
        for (is_painted, expected) in
            [(false, "\\u{1b}[1ma\n\\u{202e}b\\r\\u{1b}[2J\n"), (true, "\x1b[1ma\n\\u{202e}b\\r\\u{1b}[2J\n")]
        {
            let (console, screen) = Console::captured(is_painted);
            console.status("\x1b[1ma\n\u{202e}b\r\x1b[2J");
            console.text("\x1b[1ma\n\u{202e}b\r\x1b[2J\n");
            assert_eq!((screen.stderr().as_str(), screen.stdout().as_str()), (expected, expected));
        }
    }

    #[test]
    fn a_reader_that_left_is_no_error_and_a_full_disk_is() {
        let console = broken(io::ErrorKind::BrokenPipe);
        console.data(b"x");
        console.status("x");
        console.finish().unwrap();
        let console = broken(io::ErrorKind::StorageFull);
        console.data(b"x");
        assert!(console.finish().is_err());
    }

    #[test]
    fn colour_is_for_terminals_unless_asked_for() {
        let painted = |color, no_color, tty| Stream::new(Box::new(io::sink()), color, no_color, tty).paint.0;
        assert!(painted(Color::Auto, false, true));
        assert!(!painted(Color::Auto, true, true));
        assert!(!painted(Color::Auto, false, false));
        assert!(painted(Color::Always, true, false));
        assert!(!painted(Color::Never, false, true));
    }
}
