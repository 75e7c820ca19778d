//! Plays steps on the built binary, and holds what it does against the model after each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};

use super::edits::{self, Edit, EditGene};
use super::explain;
use super::model::{self, End, Key, Outcome, Publication};
use super::words::VARIABLE;
use super::world::World;
use crate::project::{Built, Project};

/// The bytes of a step: edits, what is done to the job folder by hand, and how it is built.
#[derive(Clone, Debug)]
pub struct StepGene {
    pub edits: Vec<EditGene>,
    pub by_hand: [u8; 2],
    pub build: [u8; 4],
}

/// How a step is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Build,
    Target(usize),
    /// After so many events.
    Kill(usize),
    Interrupt(usize),
    NotYet,
}

/// A file of the job folder: the rule that it is of, and what may be there.
type Allowed = BTreeMap<String, (usize, BTreeSet<Option<String>>)>;

/// A project, and all that is known of its past.
pub struct Play {
    project: Project,
    pub world: World,
    past: Vec<World>,
    /// What was done so far, for people.
    pub told: Vec<String>,
    /// Keys whose results are in the cache; those of builds that were ended early may be.
    known: BTreeSet<Key>,
    maybe: BTreeSet<Key>,
    published: BTreeMap<String, (usize, String)>,
    statuses: BTreeMap<char, String>,
    /// The last build was whole and good, and nothing but edits happened since.
    is_settled: bool,
    pub builds: usize,
}

impl Play {
    pub fn new(world: World) -> Self {
        let project = Project::new("");
        world.write(&project, None);
        Self {
            project,
            past: vec![world.clone()],
            world,
            told: Vec::new(),
            known: BTreeSet::new(),
            maybe: BTreeSet::new(),
            published: BTreeMap::new(),
            statuses: BTreeMap::new(),
            is_settled: false,
            builds: 0,
        }
    }

    /// Builds what is there.
    pub fn begin(&mut self) -> Result<(), String> {
        self.build(How::Build, false, 2)
    }

    /// Does a step.
    pub fn step(&mut self, gene: &StepGene) -> Result<(), String> {
        let before = self.world.clone();
        let edits: Vec<Edit> = gene.edits.iter().filter_map(|e| edits::apply(&mut self.world, &self.past, e)).collect();
        self.told.extend(edits.iter().map(|e| e.told.clone()));
        self.world.write(&self.project, Some(&before));
        self.past.push(self.world.clone());
        self.work_by_hand(gene.by_hand);
        if let ([edit], true) = (&edits[..], self.is_settled && gene.build[3] % 2 == 0) {
            let outcome = model::evaluate(&self.world, &model::selected(&self.world, None));
            explain::check(&self.with_variable(&self.world), &self.world, &outcome, &self.known, edit)?;
            self.undo_and_look(&before)?;
        }
        let [kind, arg, jobs, flags] = gene.build;
        let rules: Vec<usize> = self.world.there().collect();
        let how = match kind % 10 {
            0..=4 => How::Build,
            5 => How::Target(rules[usize::from(arg) % rules.len()]),
            6 | 7 => How::Kill(usize::from(arg) % 24),
            8 => How::Interrupt(usize::from(arg) % 24),
            _ => How::NotYet,
        };
        self.build(how, flags % 4 == 3, [2, 1, 4][usize::from(jobs) % 3])
    }

    fn with_variable(&self, world: &World) -> Project {
        world.variable.as_ref().map_or_else(|| self.project.clone(), |v| self.project.env(VARIABLE, v))
    }

    /// Deletes, overwrites or touches something, and takes note.
    fn work_by_hand(&mut self, [kind, which]: [u8; 2]) {
        let paths: Vec<String> = self.published.keys().cloned().collect();
        let path = paths.get(usize::from(which) % paths.len().max(1)).cloned();
        match (kind % 12, path) {
            (9, Some(path)) => {
                self.project.remove(&self.project.published(&path));
                self.published.remove(&path);
                self.told.push(format!("published file {path} is deleted"));
                self.is_settled = false;
            }
            (10, Some(path)) => {
                let text = format!("by hand {which}\n");
                self.project.file(&self.project.published(&path), &text);
                self.published.entry(path.clone()).and_modify(|(_, held)| *held = text);
                self.told.push(format!("published file {path} is overwritten"));
                self.is_settled = false;
            }
            (11, _) => {
                let sources: Vec<&String> = self.world.sources.keys().collect();
                let source = sources[usize::from(which) % sources.len()];
                self.project.touch(&format!("uploads/{source}"));
                self.told.push(format!("source {source} is touched"));
            }
            _ => {}
        }
    }

    /// With the edits undone, there is nothing to do.
    fn undo_and_look(&self, before: &World) -> Result<(), String> {
        before.write(&self.project, Some(&self.world));
        let plan = self.with_variable(before).run(&["build", "-n"]);
        self.world.write(&self.project, Some(before));
        if plan.stdout.is_empty() { Ok(()) } else { Err(format!("with the edit undone, `build -n` says\n{}", plan.stdout)) }
    }

    fn build(&mut self, how: How, keep_going: bool, jobs: u8) -> Result<(), String> {
        let target = match how {
            How::Target(rule) => Some(rule),
            How::NotYet => {
                self.told.push("not built yet".to_owned());
                self.is_settled = false;
                return Ok(());
            }
            _ => None,
        };
        let chosen = model::selected(&self.world, target);
        let outcome = model::evaluate(&self.world, &chosen);
        let mut args = vec![format!("-j{jobs}")];
        args.extend((keep_going || outcome.is_a_race).then(|| "-k".to_owned()));
        args.extend(target.map(|r| format!("r{r}")));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.told.push(format!("{how:?} with {args:?}"));
        self.builds += 1;
        match how {
            How::Kill(after) | How::Interrupt(after) => self.cut_short(&outcome, &args, after, matches!(how, How::Kill(_))),
            _ => {
                let built = self.with_variable(&self.world).build(&args);
                self.check(&outcome, &built)?;
                self.take_in(&outcome);
                self.is_settled = outcome.is_good() && target.is_none();
                self.build_again(&outcome, &args)
            }
        }
    }

    /// A build that is ended after some events: what is there afterwards is as it was before, or as it would have become.
    fn cut_short(&mut self, outcome: &Outcome, args: &[&str], after: usize, kill: bool) -> Result<(), String> {
        self.is_settled = false;
        let mut running = self.with_variable(&self.world).start(&[&["build", "--json"], args].concat());
        let mut stdout = BufReader::new(running.child.stdout.take().ok_or("no stdout")?);
        let mut line = String::new();
        for _ in 0..after {
            line.clear();
            if stdout.read_line(&mut line).unwrap_or(0) == 0 {
                break;
            }
        }
        if kill {
            running.kill();
        } else {
            let pid = i32::try_from(running.pid()).ok().and_then(rustix::process::Pid::from_raw).ok_or("no pid")?;
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
            std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
            let built = running.end();
            let expected = i32::from(!outcome.is_good());
            // Before the first event it may not listen yet.
            let not_begun = after == 0 && built.code.is_none();
            if built.code != Some(130) && built.code != Some(expected) && !not_begun {
                return Err(format!("interrupted, it ended with {:?}:\n{}", built.code, built.stderr));
            }
            self.project.leaves_nothing_behind();
        }
        let mut allowed = self.allowed(outcome);
        for (path, (_, texts)) in &mut allowed {
            texts.insert(self.old(path));
        }
        self.observe(&allowed)?;
        self.statuses = self.read_statuses();
        self.maybe.extend(outcome.actions.iter().filter_map(|a| a.key.clone()));
        Ok(())
    }

    fn old(&self, path: &str) -> Option<String> {
        self.published.get(path).map(|(_, text)| text.clone())
    }

    /// What may become of a file that a rule published before and would not publish now.
    fn fate(&self, path: &str, publication: &Publication) -> BTreeSet<Option<String>> {
        match publication {
            Publication::Some(_) => [self.old(path)].into(),
            Publication::Either(_) => [None, self.old(path)].into(),
            _ => [None].into(),
        }
    }

    /// What may stand in the job folder after a whole build.
    fn allowed(&self, outcome: &Outcome) -> Allowed {
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
    fn observe(&mut self, allowed: &Allowed) -> Result<(), String> {
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

    fn read_statuses(&self) -> BTreeMap<char, String> {
        if !self.project.exists("artifacts/ingest/dev/current") || !self.project.exists(&self.project.published("manifest.json"))
        {
            return BTreeMap::new();
        }
        let manifest = self.project.manifest();
        let status = |pass: char| manifest["passes"][pass.to_string()]["status"].as_str().unwrap_or("PENDING").to_owned();
        ('A'..='F').map(|pass| (pass, status(pass))).collect()
    }

    /// Actions that run: all whose results are not in the cache, and those that failed; those that may be there may run.
    fn check_started(&self, outcome: &Outcome, built: &Built) -> Result<(), String> {
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

    fn check(&mut self, outcome: &Outcome, built: &Built) -> Result<(), String> {
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
    fn check_rules(&self, outcome: &Outcome) -> Result<(), String> {
        if !self.project.exists("artifacts/ingest/dev/current") {
            return Ok(());
        }
        let manifest = self.project.manifest();
        let is_blocked = |rule: usize| outcome.actions.iter().any(|a| a.rule == rule && a.key.is_none());
        for rule in outcome.publications.keys().filter(|r| self.world.rules[**r].pass.is_none() && !is_blocked(**r)) {
            let expected = if outcome.failed_rules.contains(rule) { "FAILED" } else { "SUCCESS" };
            let status = &manifest["rules"][format!("r{rule}")]["status"];
            if !status.is_null() && status != expected {
                return Err(format!("the manifest says that r{rule} is {status}, not {expected}"));
            }
        }
        Ok(())
    }

    fn take_in(&mut self, outcome: &Outcome) {
        let kept = outcome.actions.iter().filter(|a| a.end != End::Failed).filter_map(|a| a.key.clone());
        self.known.extend(kept);
    }

    /// The same build once more has nothing to do, but for the commands that failed.
    fn build_again(&mut self, outcome: &Outcome, args: &[&str]) -> Result<(), String> {
        let before = self.project.written();
        let again = self.with_variable(&self.world).build(args);
        self.check(outcome, &again).map_err(|e| format!("built again: {e}"))?;
        if !outcome.is_good() {
            return Ok(());
        }
        if again.last_line() != "ingest: nothing to do" || !again.events.is_empty() {
            return Err(format!("built again, it had something to do:\n{}\n{}", again.stderr, again.stdout));
        }
        let after = self.project.written();
        for (before, after) in before.iter().zip(&after) {
            let differ: Vec<&String> = before.keys().chain(after.keys()).filter(|n| before.get(*n) != after.get(*n)).collect();
            if !differ.is_empty() {
                return Err(format!("built again, it had nothing to do and wrote {differ:?}"));
            }
        }
        Ok(())
    }
}
