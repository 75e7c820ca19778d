//! Order: rules after what they read, passes from A to F, and no cycle.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Link, Lowering};
use crate::engine::graph::{Pass, Rule};

/// The rules in topological order, of equals the first in the file; None if there is a cycle, which is reported.
pub(super) fn topological(lowering: &mut Lowering<'_, '_>, rules: &[Rule]) -> Option<Vec<usize>> {
    let links = std::mem::take(&mut lowering.links);
    let mut left = Remaining::new(rules.len(), &links);
    let mut order = Vec::with_capacity(rules.len());
    let mut has_cycle = false;
    loop {
        left.drain_ready(&mut order);
        let Some(cycle) = left.cycle(&links) else { break };
        has_cycle = true;
        report_cycle(lowering, rules, &cycle);
        // With these out of the way, the next cycle comes to light.
        for link in cycle {
            left.release(link.reader);
        }
    }
    if has_cycle {
        return None;
    }
    report_late_passes(lowering, rules, &links, &order);
    Some(order)
}

/// Rules that still wait for what they read.
struct Remaining {
    /// By rule: the rules that it reads and that are still waiting, counted by link.
    waits_for: Vec<usize>,
    readers: Vec<Vec<usize>>,
    done: Vec<bool>,
    ready: BinaryHeap<Reverse<usize>>,
}

impl Remaining {
    fn new(count: usize, links: &[Link]) -> Self {
        let mut left = Self {
            waits_for: vec![0; count],
            readers: vec![Vec::new(); count],
            done: vec![false; count],
            ready: BinaryHeap::new(),
        };
        for link in links {
            left.waits_for[link.reader] += 1;
            left.readers[link.read].push(link.reader);
        }
        left.ready = (0..count).filter(|&rule| left.waits_for[rule] == 0).map(Reverse).collect();
        left
    }

    fn drain_ready(&mut self, order: &mut Vec<usize>) {
        while let Some(Reverse(rule)) = self.ready.pop() {
            if !self.done[rule] {
                order.push(rule);
                self.done[rule] = true;
                for reader in std::mem::take(&mut self.readers[rule]) {
                    self.waits_for[reader] -= 1;
                    if self.waits_for[reader] == 0 {
                        self.ready.push(Reverse(reader));
                    }
                }
            }
        }
    }

    /// Lets a rule go although it waits.
    fn release(&mut self, rule: usize) {
        if !self.done[rule] {
            self.ready.push(Reverse(rule));
        }
    }

    /// A cycle among the waiting rules, as the links around it, from the first of its rules in the file.
    fn cycle<'l>(&self, links: &'l [Link]) -> Option<Vec<&'l Link>> {
        // Every waiting rule reads a waiting rule, so following first links from any of them comes round.
        let mut next: Vec<Option<&Link>> = vec![None; self.done.len()];
        for link in links.iter().rev().filter(|l| !self.done[l.reader] && !self.done[l.read]) {
            next[link.reader] = Some(link);
        }
        let mut seen = vec![false; self.done.len()];
        let mut rule = self.done.iter().position(|done| !done)?;
        while !std::mem::replace(&mut seen[rule], true) {
            rule = next[rule]?.read;
        }
        let first = rule;
        let mut cycle = vec![next[first]?];
        while let Some(link) = cycle.last().filter(|l| l.read != first) {
            cycle.push(next[link.read]?);
        }
        let start = (0..cycle.len()).min_by_key(|&i| cycle[i].reader)?;
        cycle.rotate_left(start);
        Some(cycle)
    }
}

fn report_cycle(lowering: &mut Lowering<'_, '_>, rules: &[Rule], cycle: &[&Link]) {
    let Some(first) = cycle.first() else { return };
    let names = cycle.iter().map(|link| link.reader).chain([first.reader]).map(|rule| rules[rule].name.as_str());
    let path = names.collect::<Vec<_>>().join(" → ");
    lowering.problems.add(&first.span, format!("rules wait for each other: {path}"), "reads what it makes", "");
}

/// Passes run from A to F, so what a pass reads, directly or through rules of no pass, is of no later one.
fn report_late_passes(lowering: &mut Lowering<'_, '_>, rules: &[Rule], links: &[Link], order: &[usize]) {
    let mut reads: Vec<Vec<&Link>> = vec![Vec::new(); rules.len()];
    for link in links {
        reads[link.reader].push(link);
    }
    let mut latest: Vec<Option<Pass>> = vec![None; rules.len()];
    for &rule in order {
        let mut own = rules[rule].pass;
        for link in &reads[rule] {
            match (rules[rule].pass, latest[link.read]) {
                (Some(pass), Some(late)) if late > pass => {
                    let (name, read) = (&rules[rule].name, &rules[link.read].name);
                    let message = format!("`{name}` of pass {} waits for pass {} through `{read}`", pass.0, late.0);
                    lowering.problems.add(&link.span, message, "of a later pass", "passes run from A to F");
                }
                (None, late) => own = own.max(late),
                _ => {}
            }
        }
        latest[rule] = own;
    }
}
