//! What a build shows while it goes on: a line that moves on a terminal, plain lines elsewhere. Errors as they happen.
//! The last line is not its business: `render::outcome`, when all is known.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use super::console::Console;
use super::render;
use crate::engine::graph::Pass;
use crate::engine::observe::{Event, Observer, Outcome, Problem, Status, Unheard};
use crate::job::Clock;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors.
    Quiet,
    /// Also the passes, and warnings.
    Normal,
    /// Also each action that was not up to date, with its reason, and each published artifact.
    Verbose,
}

/// The observer that shows progress on the console.
#[derive(Debug)]
pub struct Progress {
    console: Console,
    verbosity: Verbosity,
    clock: Clock,
    started: BTreeMap<Pass, SystemTime>,
    running: u64,
    done: u64,
    /// Messages of actions that were shown: a pass repeats the first of its own.
    told: BTreeSet<String>,
    /// What came out in two ways, so far.
    differences: u64,
}

/// So many differences are shown: they tend to have one cause.
const DIFFERENCES: u64 = 20;

impl Progress {
    /// Shows as much as `verbosity` allows.
    #[must_use]
    pub fn new(console: Console, verbosity: Verbosity, clock: Clock) -> Self {
        Self { console, verbosity, clock, started: BTreeMap::new(), running: 0, done: 0, told: BTreeSet::new(), differences: 0 }
    }

    /// Prints what `verbosity` and above may see.
    fn say(&self, from: Verbosity, text: &str) {
        if self.verbosity >= from {
            self.console.status(text);
        }
    }

    /// Problems are shown at any verbosity, but not once more for the pass if an action told them.
    fn complain(&self, subject: &str, problem: Option<&Problem>) {
        let Some(problem) = problem.filter(|p| !self.was_told(p)) else { return };
        self.console.status(&render::problem(self.console.paint(), subject, problem));
    }

    /// Each action is named, also where two fail in one way.
    fn complain_of_action(&mut self, rule: &str, item: &str, problem: Option<&Problem>) {
        let Some(problem) = problem else { return };
        let name = render::action_name(rule, item);
        // What a tool said at length of one is not repeated for each.
        let (first, said) = render::with_said(&problem.message);
        if !said.is_empty() && self.told.contains(&problem.message) {
            let brief = Problem { message: format!("{first} the same as above"), ..Problem::default() };
            self.console.status(&render::problem(self.console.paint(), &name, &brief));
            return;
        }
        self.console.status(&render::problem(self.console.paint(), &name, problem));
        self.told.insert(problem.message.clone());
    }

    /// A pass says "… (and 2 more)" or "`pages` of x.pdf: …" where its action, or one of no pass, said "…".
    fn was_told(&self, problem: &Problem) -> bool {
        let first = problem.message.split(" (and ").next().unwrap_or_default();
        let of_another =
            |told: &String| first.strip_suffix(told.as_str()).is_some_and(|of| of.starts_with('`') && of.ends_with(": "));
        problem.message.is_empty()
            || self.told.contains(first)
            || self.told.contains(&problem.message)
            || self.told.iter().any(of_another)
    }

    /// Moves the line at the bottom of the terminal.
    fn show(&self, rule: &str, item: &str) {
        if self.verbosity > Verbosity::Quiet && self.console.is_terminal() {
            let name = render::action_name(rule, item);
            self.console.progress(&format!("{} done, {} running: {name}", self.done, self.running));
        }
    }

    fn action_ended(&mut self, event: &Event) {
        let Event::ActionEnded { action, outcome, reason, duration_ms, problem, .. } = event else { return };
        self.done += 1;
        self.running = self.running.saturating_sub(1);
        match outcome {
            Outcome::UpToDate | Outcome::Interrupted => return,
            Outcome::Failed | Outcome::Rejected if problem.is_some() => {
                self.complain_of_action(&action.rule, &action.item, problem.as_ref());
            }
            _ => self.say(Verbosity::Verbose, &render::action(&action.rule, &action.item, *outcome, *duration_ms, reason)),
        }
        self.show(&action.rule, &action.item);
    }

    fn pass_ended(&mut self, event: &Event) {
        let Event::PassEnded { pass, status, counts, problem, .. } = event else { return };
        let name = pass.to_string();
        let now = (self.clock)();
        let started = self.started.remove(pass).unwrap_or(now);
        let elapsed = now.duration_since(started).unwrap_or(Duration::ZERO);
        let line = render::pass_end(self.console.paint(), &name, *status, counts, elapsed);
        match problem {
            // What made it wait has been told: a line is enough.
            Some(p) if *status == Status::Skipped && p.violations.is_empty() => self.console.status(&render::because(&line, p)),
            _ => {
                self.complain(&name, problem.as_ref());
                self.say(Verbosity::Normal, &line);
            }
        }
    }
}

impl Observer for Progress {
    fn on(&mut self, event: &Event) -> Result<(), Unheard> {
        match event {
            Event::BuildStarted { sources, ignored_files, refused, .. } => {
                let text = render::number(*sources, "source", "sources");
                let text = format!("{text}{}", render::passed_over(refused.len() as u64, *ignored_files));
                self.say(Verbosity::Verbose, &text);
            }
            Event::PassStarted { pass } => {
                self.started.insert(*pass, (self.clock)());
                if !self.console.is_terminal() {
                    self.say(Verbosity::Normal, &format!("{pass} started"));
                }
            }
            Event::RuleStarted { .. } => {}
            Event::ActionStarted { action, .. } => {
                self.running += 1;
                self.show(&action.rule, &action.item);
            }
            Event::ActionEnded { .. } => self.action_ended(event),
            Event::Published { record, .. } => self.say(Verbosity::Verbose, &render::published(record)),
            Event::Differs(difference) => {
                self.differences += 1;
                if self.differences <= DIFFERENCES {
                    self.console.status(&render::difference(self.console.paint(), difference));
                }
            }
            Event::Checked(checked) if checked.differ > 0 => {
                if checked.differ > DIFFERENCES {
                    self.console.status(&format!("and {} more; `--json` tells them all", checked.differ - DIFFERENCES));
                }
                self.console.status(&render::about_differences(self.console.paint()));
            }
            Event::Checked(_) => {}
            Event::Adopted { record, .. } => self.say(Verbosity::Normal, &render::adopted(record)),
            Event::Removed { path, .. } => self.say(Verbosity::Verbose, &format!("removed {}", render::shown(path))),
            Event::PassEnded { .. } => self.pass_ended(event),
            Event::RuleEnded { rule, status, problem, .. } => {
                if matches!(status, Status::Failed | Status::Skipped) {
                    self.complain(&render::shown(rule), problem.as_ref());
                }
            }
            Event::Quarantined { pass, rule, document } => {
                let of = pass.map(|p| p.to_string()).or_else(|| rule.clone()).unwrap_or_default();
                // The pass that needs a rule of no pass says it again.
                let from = if pass.is_some() { Verbosity::Normal } else { Verbosity::Verbose };
                self.say(from, &render::quarantined(self.console.paint(), &of, document));
            }
            Event::Warning { message } => {
                self.say(Verbosity::Normal, &render::warning(self.console.paint(), message));
            }
            Event::BuildRestarted { reason } => {
                self.running = 0;
                self.say(Verbosity::Verbose, &format!("the build begins again: {}", render::shown(reason)));
            }
            Event::BuildEnded { .. } => self.console.end_progress(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::observe::{ActionName, Counts};
    use crate::job::testing::{noon, record};

    fn ended(outcome: Outcome, problem: Option<Problem>) -> Event {
        Event::ActionEnded {
            action: ActionName { rule: "passC".to_owned(), item: "core/part-1".to_owned() },
            pass: Some(Pass('C')),
            outcome,
            reason: "`max_chars` was 600, is 800".to_owned(),
            cause: None,
            duration_ms: 12,
            items: vec![],
            tool: None,
            problem,
        }
    }

    fn played(verbosity: Verbosity) -> String {
        let (console, screen) = Console::captured(false);
        let mut progress = Progress::new(console, verbosity, noon);
        let problem = |message: &str| Some(Problem { message: message.to_owned(), ..Problem::default() });
        let counts = Counts { ran: 1, from_cache: 1, failed: 1, ..Counts::default() };
        let pass_end =
            |pass, status, counts, problem| Event::PassEnded { pass: Pass(pass), status, records: vec![], counts, problem };
        for event in [
            Event::BuildStarted { sources: 1, ignored_files: 2, ignored: vec![], refused: vec![] },
            Event::Warning { message: "2 files are taken by no pattern".to_owned() },
            Event::PassStarted { pass: Pass('C') },
            ended(Outcome::UpToDate, None),
            ended(Outcome::Ran, None),
            ended(Outcome::FromCache, None),
            ended(Outcome::Failed, problem("`x.pdf` asks for a password")),
            Event::Published {
                rule: "passC".to_owned(),
                pass: Some(Pass('C')),
                record: record("passC_chunks.json", "[]"),
                files: 1,
            },
            pass_end('C', Status::Failed, counts, problem("`x.pdf` asks for a password (and 1 more)")),
            pass_end('D', Status::Skipped, Counts::default(), problem("passC is FAILED")),
            Event::BuildEnded { counts, untold: vec![], interrupted: false, problem: None },
        ] {
            progress.on(&event).unwrap();
        }
        assert_eq!(screen.stdout(), "");
        screen.stderr()
    }

    #[test]
    fn a_pass_is_two_lines_and_an_error_is_told_at_once() {
        insta::assert_snapshot!(played(Verbosity::Normal), @r"
        warning: 2 files are taken by no pattern
        passC started
        error: passC core/part-1: `x.pdf` asks for a password
        passC FAILED: 1 ran, 1 from cache, 1 failed (0.00 s)
        passD SKIPPED: passC is FAILED
        ");
    }

    #[test]
    fn quiet_shows_only_errors() {
        insta::assert_snapshot!(played(Verbosity::Quiet), @r"
        error: passC core/part-1: `x.pdf` asks for a password
        passD SKIPPED: passC is FAILED
        ");
    }

    #[test]
    fn verbose_shows_each_action_with_its_reason() {
        insta::assert_snapshot!(played(Verbosity::Verbose), @r"
        1 source, 2 ignored
        warning: 2 files are taken by no pattern
        passC started
        passC core/part-1 ran (12 ms): `max_chars` was 600, is 800
        passC core/part-1 from cache: `max_chars` was 600, is 800
        error: passC core/part-1: `x.pdf` asks for a password
        published passC_chunks.json (2 items, 2 bytes)
        passC FAILED: 1 ran, 1 from cache, 1 failed (0.00 s)
        passD SKIPPED: passC is FAILED
        ");
    }
}
