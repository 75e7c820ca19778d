//! Sums over the events of one build: how long each pass and rule took, and how many items its actions made.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::engine::graph::Pass;
use crate::engine::observe::Event;
use crate::job::millis_between;

/// Items by output name.
pub type Items = BTreeMap<String, u64>;

/// What has ended: since when it went on, for how long, and what its actions made.
#[derive(Clone, Debug)]
pub struct Span {
    pub started: SystemTime,
    pub millis: u64,
    pub items: Items,
}

#[derive(Debug, Default)]
pub struct Tally {
    build: Option<Open>,
    passes: BTreeMap<Pass, Open>,
    rules: BTreeMap<String, Open>,
}

#[derive(Debug)]
struct Open {
    started: SystemTime,
    items: Items,
}

impl Open {
    fn at(started: SystemTime) -> Self {
        Self { started, items: Items::new() }
    }

    fn add(&mut self, items: &[(String, u64)]) {
        for (name, n) in items {
            let sum = self.items.entry(name.clone()).or_default();
            *sum = sum.saturating_add(*n);
        }
    }

    fn end(self, now: SystemTime) -> Span {
        Span { started: self.started, millis: millis_between(self.started, now), items: self.items }
    }
}

impl Tally {
    /// Takes in `event`, which happens `now`. For one that ends a pass, a rule or the build: its span, if it had begun.
    /// A rule begins with its first action.
    pub fn on(&mut self, event: &Event, now: SystemTime) -> Option<Span> {
        match event {
            Event::BuildStarted { .. } => *self = Self { build: Some(Open::at(now)), ..Self::default() },
            Event::PassStarted { pass } => drop(self.passes.insert(*pass, Open::at(now))),
            Event::ActionStarted { action, .. } => {
                self.rules.entry(action.rule.clone()).or_insert_with(|| Open::at(now));
            }
            Event::ActionEnded { action, pass, items, .. } => {
                let rule = self.rules.entry(action.rule.clone()).or_insert_with(|| Open::at(now));
                rule.add(items);
                let pass = pass.and_then(|p| self.passes.get_mut(&p));
                pass.into_iter().chain(self.build.as_mut()).for_each(|open| open.add(items));
            }
            Event::PassEnded { pass, .. } => return self.passes.remove(pass).map(|open| open.end(now)),
            Event::RuleEnded { rule, .. } => return self.rules.remove(rule).map(|open| open.end(now)),
            Event::BuildEnded { .. } => return self.build.take().map(|open| open.end(now)),
            Event::Published { .. } | Event::Quarantined { .. } | Event::Warning { .. } => {}
        }
        None
    }
}
