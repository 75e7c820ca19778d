//! Where the time of a build goes: stretches of work on pool threads and on the coordinator's own, handed to observers.

use std::time::Instant;

use super::{Coordinator, Message};
use crate::engine::observe::{Lane, Span};

/// A stretch of time on one thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// `None`: the coordinator's thread.
    worker: Option<usize>,
    started: Instant,
    ended: Instant,
}

impl Stretch {
    /// From `started` until now, on the thread that asks.
    pub(super) fn since(started: Instant) -> Self {
        Self { worker: rayon::current_thread_index(), started, ended: Instant::now() }
    }

    /// `n` parts of equal length, one after the other.
    pub(super) fn shares(self, n: usize) -> Vec<Self> {
        let parts = u32::try_from(n).unwrap_or(u32::MAX).max(1);
        let share = self.ended.duration_since(self.started) / parts;
        let begins = |i: u32| self.started + share * i;
        (0..parts)
            .map(|i| Self { started: begins(i), ended: if i + 1 == parts { self.ended } else { begins(i + 1) }, ..self })
            .collect()
    }

    /// Whole milliseconds.
    pub(super) fn millis(&self) -> u64 {
        u64::try_from(self.ended.duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Coordinator<'_, '_> {
    fn tell_span(&mut self, name: String, category: String, stretch: Stretch) {
        let lane = stretch.worker.map_or(Lane::Coordinator, Lane::Worker);
        self.observer.span(&Span { name, category, lane, started: stretch.started, ended: stretch.ended });
    }

    /// Work of the coordinator itself, from `started` until now.
    pub(super) fn tell_own(&mut self, name: String, started: Instant) {
        self.tell_span(name, "coordinator".to_owned(), Stretch::since(started));
    }

    /// What a pool thread did before it sent `message`.
    pub(super) fn tell_work(&mut self, message: &Message) {
        let (ix, stretch, what) = match message {
            Message::Prepared(ix, _, stretch) => (*ix, *stretch, Some("inputs")),
            Message::Ran(ix, _, stretch) => (*ix, *stretch, None),
            Message::Judged(ix, _, stretch) => (*ix, *stretch, Some("gate")),
            Message::Left(_) | Message::Skipped => return,
        };
        let name = self.name_of(ix);
        let name = format!("{} {}", name.rule, name.item).trim_end().to_owned();
        let pass = self.setup.graph.rule(self.actions[ix.0].rule).pass;
        let (name, category) = match what {
            Some(what) => (format!("{what} of {name}"), what.to_owned()),
            None => (name, pass.map_or_else(|| "rule".to_owned(), |p| p.to_string())),
        };
        self.tell_span(name, category, stretch);
    }
}
