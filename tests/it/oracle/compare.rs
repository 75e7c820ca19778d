//! What a build did, held against what the model says: the job folder, statuses, what ran, what is left over.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{End, Outcome};
use super::play::Play;
use super::publication::Publication;
use crate::project::Built;

/// A file of the job folder: the rule that it is of, and what may be there.
pub(super) type Allowed = BTreeMap<String, (usize, BTreeSet<Option<String>>)>;

impl Play {
    pub(super) fn old(&self, path: &str) -> Option<String> {
        self.published.get(path).map(|(_, text)| text.clone())
    }

    /// What may become of a file that a rule published before and would not publish now.
    pub(super) fn fate(&self, path: &str, publication: &Publication) -> BTreeSet<Option<String>> {
        match publication {
            Publication::Some(_) => [self.old(path)].into(),
            Publication::Either(_) => [None, self.old(path)].into(),
            _ => [None].into(),
        }
    }

    /// What may stand in the job folder after a whole build.
    pub(super) fn allowed(&self, outcome: &Outcome) -> Allowed {
        let mut allowed: Allowed =
            self.published.iter().map(|(path, (rule, text))| (path.clone(), (*rule, [Some(text.clone())].into()))).collect();
        for (rule, publication) in &outcome.publications {
            let files = match publication {
                Publication::Stays => continue,
                Publication::Files(files) | Publication::Either(files) | Publication::Some(files) => files,
            };
            let owned = self.published.iter().filter(|(path, (owner, _))| owner == rule && !files.contains_key(*path));
            allowed.extend(owned.map(|(path, _)| (path.clone(), (*rule, self.fate(path, publication)))));
            for (path, text) in files {
                let mut texts: BTreeSet<Option<String>> = [Some(text.clone())].into();
                if matches!(publication, Publication::Either(_)) {
                    texts.insert(self.old(path));
                }
                allowed.insert(path.clone(), (*rule, texts));
            }
        }
        allowed
    }

    /// Compares the job folder, and takes note of what is there.
    pub(super) fn observe(&mut self, allowed: &Allowed) -> Result<(), String> {
        let mut found = BTreeMap::new();
        if self.project.exists("artifacts/ingest/dev/current") {
            for (path, (_, bytes)) in self.project.tree(&self.project.job()) {
                // What a killed build was writing lies beside it until the next one; after that, nothing may.
                if path == "manifest.json" || path.starts_with("logs/") || path.contains(".ingest-tmp-") {
                    continue;
                }
                found.insert(path, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        for (path, text) in &found {
            if !allowed.contains_key(path) {
                return Err(format!("`{path}` is published, and nothing publishes it: {text:?}"));
            }
        }
        let mut published = BTreeMap::new();
        for (path, (rule, texts)) in allowed {
            let here = found.remove(path);
            if !texts.contains(&here) {
                return Err(format!("`{path}` holds {here:?}, and should hold one of {texts:?}"));
            }
            published.extend(here.map(|text| (path.clone(), (*rule, text))));
        }
        self.published = published;
        Ok(())
    }

    pub(super) fn read_statuses(&self) -> BTreeMap<char, String> {
        if !self.project.exists("artifacts/ingest/dev/current") || !self.project.exists(&self.project.published("manifest.json"))
        {
            return BTreeMap::new();
        }
        let manifest = self.project.manifest();
        let status = |pass: char| manifest["passes"][pass.to_string()]["status"].as_str().unwrap_or("PENDING").to_owned();
        ('A'..='F').map(|pass| (pass, status(pass))).collect()
    }

    /// Actions that run: all whose results are not in the cache, and those that failed; those that may be there may run.
    pub(super) fn check_started(&self, outcome: &Outcome, built: &Built) -> Result<(), String> {
        let (mut must, mut may) = (BTreeSet::new(), BTreeSet::new());
        for action in &outcome.actions {
            let Some(key) = &action.key else { continue };
            if action.end != End::Failed && self.known.contains(key) {
                continue;
            }
            may.insert(action.name.clone());
            if action.end == End::Failed || !self.maybe.contains(key) {
                must.insert(action.name.clone());
            }
        }
        let started: BTreeSet<String> = built.started().into_iter().collect();
        if started.len() != built.started().len() {
            return Err(format!("an action ran twice: {:?}", built.started()));
        }
        if must.is_subset(&started) && started.is_subset(&may) {
            return Ok(());
        }
        Err(format!("{started:?} ran; {must:?} had to, and no more than {may:?}"))
    }

    pub(super) fn check(&mut self, outcome: &Outcome, built: &Built) -> Result<(), String> {
        let told = |what: String| format!("{what}\n{}\n{}", built.stderr, built.stdout);
        let code = i32::from(!outcome.is_good());
        if built.code != Some(code) {
            return Err(told(format!("it ended with {:?}, not {code}", built.code)));
        }
        self.check_started(outcome, built).map_err(told)?;
        for (name, end) in [("failed", End::Failed), ("rejected", End::Rejected)] {
            let mut expected: Vec<&String> = outcome.actions.iter().filter(|a| a.end == end).map(|a| &a.name).collect();
            expected.sort();
            let found = built.with_outcome(name);
            if !found.iter().eq(expected.iter().copied()) {
                return Err(told(format!("{found:?} {name}, and {expected:?} should")));
            }
        }
        let mut statuses = self.statuses.clone();
        statuses.extend(outcome.statuses.iter().map(|(pass, status)| (*pass, (*status).to_owned())));
        let mut found = self.read_statuses();
        found.retain(|_, status| status != "PENDING");
        statuses.retain(|_, status| status != "PENDING");
        if found != statuses {
            return Err(told(format!("the manifest says {found:?}, and should say {statuses:?}")));
        }
        self.check_rules(outcome).map_err(told)?;
        self.observe(&self.allowed(outcome)).map_err(told)?;
        self.statuses = statuses;
        self.project.leaves_nothing_behind();
        Ok(())
    }

    /// What the manifest says of rules of no pass. One that was blocked is as it was left; one that never did anything has no record.
    pub(super) fn check_rules(&self, outcome: &Outcome) -> Result<(), String> {
        if !self.project.exists("artifacts/ingest/dev/current") {
            return Ok(());
        }
        let manifest = self.project.manifest();
        for rule in
            outcome.publications.keys().filter(|r| self.world.rules[**r].pass.is_none() && !outcome.blocked_rules.contains(*r))
        {
            let expected = if outcome.failed_rules.contains(rule) { "FAILED" } else { "SUCCESS" };
            let status = &manifest["rules"][format!("r{rule}")]["status"];
            if !status.is_null() && status != expected {
                return Err(format!("the manifest says that r{rule} is {status}, not {expected}"));
            }
        }
        Ok(())
    }
}
