//! Sums over the events of one build: how long each pass and rule took, and what its actions made. An action counts once,
//! by the last event that tells of it; a pass that begins again goes on where it ended.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use crate::digest::Digest;
use crate::engine::graph::Pass;
use crate::engine::observe::Event;
use crate::job::millis_between;

/// Counts by name: items by output, and what built-ins count beside them.
pub type Items = BTreeMap<String, u64>;

/// What has ended: since when it went on, for how long in all, and what its actions made.
#[derive(Clone, Debug)]
pub struct Span {
    pub started: SystemTime,
    pub millis: u64,
    pub items: Items,
}

#[derive(Debug, Default)]
pub struct Tally {
    build: Option<Stretch>,
    passes: BTreeMap<Pass, Stretch>,
    rules: BTreeMap<String, Stretch>,
    /// Names of what is counted; the counts of actions hold places in it.
    names: Vec<String>,
    made: Made,
}

/// What each action made: counts with the places of their names. There may be tens of thousands, most with one or two small ones.
#[derive(Debug, Default)]
struct Made {
    /// Counts of one action after the other, encoded.
    all: Vec<u8>,
    /// Where those of an action begin, by the beginning of a digest of its rule and item.
    at: HashMap<u64, u32>,
}

impl Made {
    /// Notes what an action made; gives what was noted of it before.
    fn put(&mut self, action: u64, counts: &[(u16, u64)]) -> Vec<(u16, u64)> {
        let at = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.extend(postcard::to_stdvec(counts).unwrap_or_default());
        let before = self.at.insert(action, at).and_then(|at| self.all.get(at as usize..));
        before.and_then(|bytes| postcard::take_from_bytes(bytes).ok()).map(|(counts, _)| counts).unwrap_or_default()
    }
}

#[derive(Debug)]
struct Stretch {
    started: SystemTime,
    /// `None` while it has ended.
    since: Option<SystemTime>,
    /// What it took before it began again.
    earlier: u64,
    items: Items,
}

impl Stretch {
    fn at(started: SystemTime) -> Self {
        Self { started, since: Some(started), earlier: 0, items: Items::new() }
    }

    fn take_off(&mut self, name: &str, n: u64) {
        let sum = self.items.entry(name.to_owned()).or_default();
        *sum = sum.saturating_sub(n);
    }

    fn add(&mut self, name: &str, n: u64) {
        let sum = self.items.entry(name.to_owned()).or_default();
        *sum = sum.saturating_add(n);
    }

    /// `None` if it has not begun since its last end.
    fn end(&mut self, now: SystemTime) -> Option<Span> {
        self.earlier += millis_between(self.since.take()?, now);
        Some(Span { started: self.started, millis: self.earlier, items: self.items.clone() })
    }
}

fn begin<K: Ord>(stretches: &mut BTreeMap<K, Stretch>, key: K, now: SystemTime) {
    stretches.entry(key).or_insert_with(|| Stretch::at(now)).since.get_or_insert(now);
}

impl Tally {
    fn place_of(&mut self, name: &str) -> u16 {
        let place = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        // No Ingestfile has as many outputs.
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// Takes in `event`, which happens `now`. For one that ends a pass, a rule or the build: its span, if it had begun.
    pub fn on(&mut self, event: &Event, now: SystemTime) -> Option<Span> {
        match event {
            Event::BuildStarted { .. } => *self = Self { build: Some(Stretch::at(now)), ..Self::default() },
            Event::PassStarted { pass } => begin(&mut self.passes, *pass, now),
            Event::RuleStarted { rule } => begin(&mut self.rules, rule.clone(), now),
            Event::ActionEnded { action, pass, items, .. } => {
                let now: Vec<(u16, u64)> = items.iter().map(|(name, n)| (self.place_of(name), *n)).collect();
                let name = Digest::of(format!("{}\0{}", action.rule, action.item).as_bytes());
                let before = self.made.put(name.beginning(), &now);
                let owner = match pass {
                    Some(pass) => self.passes.get_mut(pass),
                    None => self.rules.get_mut(&action.rule),
                };
                for open in owner.into_iter().chain(self.build.as_mut()) {
                    for (place, n) in &before {
                        self.names.get(usize::from(*place)).into_iter().for_each(|name| open.take_off(name, *n));
                    }
                    items.iter().for_each(|(name, n)| open.add(name, *n));
                }
            }
            Event::PassEnded { pass, .. } => return self.passes.get_mut(pass)?.end(now),
            Event::RuleEnded { rule, .. } => return self.rules.get_mut(rule)?.end(now),
            Event::BuildEnded { .. } => return self.build.as_mut()?.end(now),
            Event::ActionStarted { .. }
            | Event::Published { .. }
            | Event::Adopted { .. }
            | Event::Removed { .. }
            | Event::Quarantined { .. }
            | Event::Differs(_)
            | Event::Checked(_)
            | Event::Warning { .. }
            | Event::BuildRestarted { .. } => {}
        }
        None
    }
}
