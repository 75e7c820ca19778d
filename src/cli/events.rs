//! `build --json`: every event as one line on stdout, the same lines as in the log (`schemas/events.schema.json`).

use super::console::Console;
use crate::engine::observe::{Event, Observer, Unheard};
use crate::job::Clock;
use crate::job::log::Lines;

/// The observer behind `--json`.
#[derive(Debug)]
pub struct EventStream {
    lines: Lines,
    console: Console,
}

impl EventStream {
    /// Prints the events of the build `build_id`.
    #[must_use]
    pub fn new(build_id: String, clock: Clock, console: Console) -> Self {
        Self { lines: Lines::new(build_id, clock), console }
    }
}

impl Observer for EventStream {
    fn on(&mut self, event: &Event) -> Result<(), Unheard> {
        let line = self.lines.line(event)?;
        self.console.data(&line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::testing::noon;

    #[test]
    fn each_event_is_a_line_of_json_on_stdout() {
        let (console, screen) = Console::captured(false);
        let mut stream = EventStream::new("b_1".to_owned(), noon, console);
        stream.on(&Event::BuildStarted { sources: 2, ignored_files: 1, ignored: vec![], refused: vec![] }).unwrap();
        stream.on(&Event::Warning { message: "x".to_owned() }).unwrap();
        insta::assert_snapshot!(screen.stdout(), @r#"
        {"time":"2026-01-31T12:00:00.000Z","build_id":"b_1","event":"build_started","sources":2,"ignored_files":1}
        {"time":"2026-01-31T12:00:00.000Z","build_id":"b_1","event":"warning","message":"x"}
        "#);
        assert_eq!(screen.stderr(), "");
    }
}
