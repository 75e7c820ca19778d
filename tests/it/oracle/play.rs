//! Plays steps on the built binary, and holds what it does against the model after each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};

use super::edits::{self, Edit, EditGene};
use super::explain;
use super::model::{self, End, Key, Outcome};
use super::words::VARIABLE;
use super::world::World;
use crate::project::Project;

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

/// A project, and all that is known of its past.
pub struct Play {
    pub(super) project: Project,
    pub(super) world: World,
    pub(super) past: Vec<World>,
    /// What was done so far, for people.
    pub(super) told: Vec<String>,
    /// Keys whose results are in the cache; those of builds that were ended early may be.
    pub(super) known: BTreeSet<Key>,
    pub(super) maybe: BTreeSet<Key>,
    pub(super) published: BTreeMap<String, (usize, String)>,
    pub(super) statuses: BTreeMap<char, String>,
    /// The last build was whole and good, and nothing but edits happened since.
    pub(super) is_settled: bool,
    pub(super) builds: usize,
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
        if let ([edit], true) = (&edits[..], self.is_settled && gene.build[3].is_multiple_of(2)) {
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
            // One that did not listen yet has swept nothing of what an earlier one left.
            if built.code.is_some() {
                self.project.leaves_nothing_behind();
            }
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
