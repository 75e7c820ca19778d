//! The model's second half: gates on merges, what is published, and the status of passes and rules.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Action, End, Model, source_id};
use super::words;
use super::world::Main;

/// What becomes of a rule's place in the job folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publication {
    /// Just these files.
    Files(BTreeMap<String, String>),
    /// These files of good items; all else of the rule stays as it was.
    Some(BTreeMap<String, String>),
    /// It stays as it is: a gate of the rule itself, or what the rule needs, forbids it.
    Stays,
    /// Its pass failed at the gate of another rule of it: whether this one was published before is not said.
    Either(BTreeMap<String, String>),
}

impl Model<'_> {
    /// The files of a rule whose results are all accepted; `None`: its gates, or its names, forbid them.
    pub(super) fn files(&self, ix: usize) -> Option<BTreeMap<String, String>> {
        let rule = &self.world.rules[ix];
        if !self.gates_accept(ix) {
            return None;
        }
        let mut files = BTreeMap::new();
        if !rule.publish {
            return Some(files);
        }
        match rule.main {
            Some(Main::PerItem { .. }) => {
                for item in self.items(ix, &[]) {
                    let path = self.item_path(ix, &item);
                    if files.insert(path, self.main_at(ix, &item)).is_some() {
                        return None;
                    }
                }
            }
            Some(_) => {
                files.insert(self.world.main_path(ix), self.main_at(ix, &[]));
            }
            None => {}
        }
        if rule.tree.is_some() {
            files.extend(self.tree_at(ix, &[]).into_iter().map(|(name, text)| (format!("p{ix}/{name}"), text)));
        }
        Some(files)
    }

    pub(super) fn item_path(&self, rule: usize, item: &[String]) -> String {
        let id = if item.len() == 1 { source_id(&item[0]) } else { item[item.len() - 1].clone() };
        let stem = item[0].rsplit('/').next().unwrap_or_default().trim_end_matches(".txt");
        self.world.main_path(rule).replace("{id}", &id).replace("{stem}", stem)
    }

    /// The gates on the merge.
    pub(super) fn gates_accept(&self, ix: usize) -> bool {
        let gate = &self.world.rules[ix].gate;
        if self.world.rules[ix].main != Some(Main::Json) {
            return true;
        }
        let made = words::words_in(&self.main_at(ix, &[]));
        let different: BTreeSet<&String> = made.iter().collect();
        let refers = gate.refs.is_none_or(|other| {
            let known = words::words_in(&self.main_at(other, &[]));
            self.is_sound(other, &[]) && made.iter().all(|w| known.contains(w))
        });
        gate.min_items.is_none_or(|least| made.len() >= least) && (!gate.unique || different.len() == made.len()) && refers
    }

    pub(super) fn finish_rule(&mut self, rule: usize) {
        let publication = if self.is_sound(rule, &[]) {
            self.files(rule).map_or(Publication::Stays, Publication::Files)
        } else {
            self.partly(rule)
        };
        let broke = |a: &Action| a.rule == rule && matches!(a.end, End::Failed | End::Rejected);
        if !self.is_sound(rule, &[]) && !self.out.actions.iter().any(broke) {
            self.out.blocked_rules.insert(rule);
        }
        if !self.is_sound(rule, &[]) || publication == Publication::Stays {
            self.out.failed_rules.insert(rule);
        }
        self.out.publications.insert(rule, publication);
    }

    /// Files published per item stand by themselves: those of good items are brought up to date.
    pub(super) fn partly(&self, ix: usize) -> Publication {
        let rule = &self.world.rules[ix];
        if !matches!(rule.main, Some(Main::PerItem { .. })) || !rule.publish {
            return Publication::Stays;
        }
        let mut files = BTreeMap::new();
        for item in self.items(ix, &[]).into_iter().filter(|item| self.is_sound(ix, item)) {
            if files.insert(self.item_path(ix, &item), self.main_at(ix, &item)).is_some() {
                return Publication::Stays;
            }
        }
        Publication::Some(files)
    }

    pub(super) fn finish_pass(&mut self, pass: char) {
        if self.out.statuses.contains_key(&pass) {
            return;
        }
        let rules: Vec<usize> = self.chosen.iter().copied().filter(|r| self.world.rules[*r].pass == Some(pass)).collect();
        let of_pass = |a: &&Action| rules.contains(&a.rule);
        let broke = |a: &Action| matches!(a.end, End::Failed | End::Rejected | End::Blocked { by_item: true });
        let lacks_items = |r: &usize| !self.blocked_by_pass(*r) && !self.is_sound(*r, &[]);
        let status = if rules.iter().all(|r| self.is_sound(*r, &[]) && !self.blocked_by_pass(*r)) {
            if rules.iter().all(|r| self.files(*r).is_some()) { "SUCCESS" } else { "FAILED" }
        } else if self.out.actions.iter().filter(of_pass).any(broke) || rules.iter().any(lacks_items) {
            "FAILED"
        } else {
            "SKIPPED"
        };
        let all_made = rules.iter().all(|r| self.is_sound(*r, &[]) && !self.blocked_by_pass(*r));
        for rule in rules {
            let publication = match self.files(rule).filter(|_| all_made) {
                None => Publication::Stays,
                Some(files) if status == "SUCCESS" => Publication::Files(files),
                Some(files) => Publication::Either(files),
            };
            self.out.publications.insert(rule, publication);
        }
        self.out.statuses.insert(pass, status);
    }

    pub(super) fn look_for_races(&mut self) {
        let Some(first) = self.out.statuses.iter().find(|(_, s)| **s == "FAILED").map(|(p, _)| *p) else { return };
        let goes_on =
            |a: &Action| self.world.rules[a.rule].pass.is_some_and(|p| p > first) && a.end != End::Blocked { by_item: false };
        self.out.is_a_race = self.out.actions.iter().any(goes_on);
    }
}
