//! Which rules a build is about. Selected passes are wanted; the others are frozen: what they published is verified and
//! used, never run and never repaired. Rules of no pass run when a selected pass needs them.

use std::collections::BTreeSet;

use super::graph::{From, Graph, Pass, Range, Rule, RuleId};

/// What a build does with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Brought up to date.
    Selected,
    /// Used as it was published.
    Frozen,
    /// Not looked at.
    Left,
}

/// A choice for every rule of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    pub choices: Vec<Choice>,
}

/// Rules that a rule needs directly: those it reads, the one whose tree it ranges over, those that its gates refer to.
#[must_use]
pub fn needs(rule: &Rule) -> BTreeSet<RuleId> {
    let mut needed: BTreeSet<RuleId> = BTreeSet::new();
    for input in &rule.inputs {
        if let From::Artifact { rule, .. } = &input.from {
            needed.insert(*rule);
        }
    }
    if let Range::Tree { rule, .. } = rule.range {
        needed.insert(rule);
    }
    needed.extend(rule.gates.iter().flat_map(|g| &g.others).map(|(other, _)| *other));
    needed
}

/// Passes, other than its own, that a rule takes input from, also through rules of no pass.
#[must_use]
pub fn pass_needs(graph: &Graph, id: RuleId) -> BTreeSet<Pass> {
    let own = graph.rule(id).pass;
    let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![id]);
    while let Some(at) = open.pop() {
        for needed in needs(graph.rule(at)) {
            if !seen.insert(needed) {
                continue;
            }
            match graph.rule(needed).pass {
                Some(pass) if Some(pass) != own => {
                    found.insert(pass);
                }
                _ => open.push(needed),
            }
        }
    }
    found
}

impl Selection {
    /// Everything.
    #[must_use]
    pub fn all(graph: &Graph) -> Self {
        Self { choices: vec![Choice::Selected; graph.rules.len()] }
    }

    /// `targets` and all that leads to them.
    #[must_use]
    pub fn targets(graph: &Graph, targets: &[RuleId]) -> Self {
        let mut choices = vec![Choice::Left; graph.rules.len()];
        let mut open: Vec<RuleId> = targets.to_vec();
        while let Some(id) = open.pop() {
            if choices[id.ix()] == Choice::Selected {
                continue;
            }
            choices[id.ix()] = Choice::Selected;
            open.extend(needs(graph.rule(id)));
            // A pass is brought up to date as a whole: its record speaks of all its artifacts.
            if let Some(pass) = graph.rule(id).pass {
                open.extend(rules_of(graph, pass));
            }
        }
        Self { choices }
    }

    /// The given passes, and the rules of no pass that they need; what else they need is frozen.
    #[must_use]
    pub fn passes(graph: &Graph, passes: &BTreeSet<Pass>) -> Self {
        let mut choices = vec![Choice::Left; graph.rules.len()];
        let mut open: Vec<RuleId> = passes.iter().flat_map(|p| rules_of(graph, *p)).collect();
        while let Some(id) = open.pop() {
            if choices[id.ix()] != Choice::Left {
                continue;
            }
            let frozen = graph.rule(id).pass.is_some_and(|p| !passes.contains(&p));
            choices[id.ix()] = if frozen { Choice::Frozen } else { Choice::Selected };
            if frozen {
                // Its items must be known: whatever it ranges over is used as it was, too.
                if let Range::Tree { rule, .. } = graph.rule(id).range {
                    open.push(rule);
                }
            } else {
                open.extend(needs(graph.rule(id)));
            }
        }
        Self { choices }
    }

    /// The choice for a rule.
    #[must_use]
    pub fn of(&self, id: RuleId) -> Choice {
        self.choices[id.ix()]
    }
}

/// The rules of a pass.
pub fn rules_of(graph: &Graph, pass: Pass) -> impl Iterator<Item = RuleId> {
    let ids = graph.rules.iter().enumerate().filter(move |(_, r)| r.pass == Some(pass));
    ids.map(|(i, _)| RuleId(u32::try_from(i).unwrap_or(u32::MAX)))
}
