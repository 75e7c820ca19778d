//! Gates on the merge: what each reads, what is known of it already, and who is asked for the rest. Numbers of items stand in
//! records; keys and sums are folded from summaries of the pieces (`fold`); the merge itself is read only to name what is
//! wrong with it.

use std::sync::Arc;
use std::time::Instant;

use super::publish::{OutputFiles, Unpublished, Wanted, sentence};
use super::put::Make;
use super::{Coordinator, Mode, Stop};
use crate::builtin::Merge;
use crate::digest::Digest;
use crate::disk;
use crate::engine::command::CommandTask;
use crate::engine::command_gate::{self, CommandGateError};
use crate::engine::derive::PieceOf;
use crate::engine::gate::{self, GateError};
use crate::engine::graph::{Check, Command, GateSpec, RuleId, Scope};
use crate::engine::observe::{Event, Problem};
use crate::engine::plan::Write;
use crate::engine::select::Choice;
use crate::engine::verdict::{GateInput, ItemCounts, Verdict, Violation};
use crate::staging::safe_extension;
use crate::store::records::Published;

/// An artifact of the job, as gates read it.
#[derive(Clone)]
pub(super) struct Artifact {
    /// `passA.toc`.
    name: String,
    /// Path below the job folder.
    pub(super) path: String,
    /// What it is made from: the same whether it was made just now or before.
    content: Digest,
    items: u64,
    pub(super) held: Held,
}

/// Where the bytes of an artifact are.
#[derive(Clone)]
pub(super) enum Held {
    /// This build has it: how it is made, and the files whose items are its items, if any are.
    Made { make: Make, pieces: Option<Vec<PieceOf>> },
    /// In the job folder, as it was published.
    Published { digest: Digest },
}

/// A gate that nobody has answered for just this yet.
pub(super) struct Open<'g> {
    pub(super) gate: &'g GateSpec,
    pub(super) subject: Artifact,
    pub(super) others: Vec<Artifact>,
    command: Option<Arc<CommandTask>>,
    key: Digest,
}

/// What is known of a gate before anything is read.
pub(super) enum Known<'g> {
    Verdict(Verdict),
    Open(Box<Open<'g>>),
    /// It cannot be judged: one sentence.
    Not(String),
}

impl Coordinator<'_, '_> {
    /// The job-scoped gates of a rule: the first problem.
    pub(super) fn judge_job(
        &mut self,
        rule: RuleId,
        wanted: &[OutputFiles],
        pool: &rayon::ThreadPool,
    ) -> Result<Option<Problem>, Stop> {
        let graph = self.setup.graph;
        let (mut open, mut last) = (Vec::new(), None);
        for gate in graph.rule(rule).gates.iter().filter(|g| g.scope == Scope::Job) {
            // An output that is kept in the cache is judged all the same.
            let kept_back = match wanted.iter().any(|w| w.output == gate.output) {
                true => None,
                false => match self.computed(rule, gate.output, pool)? {
                    Ok(files) => Some(files),
                    Err(Unpublished::Problem(problem)) => return Ok(Some(problem)),
                    Err(Unpublished::Unknown) => continue,
                },
            };
            let judged = wanted.iter().chain(&kept_back).find(|w| w.output == gate.output);
            let Some(file) = judged.and_then(|w| w.files.first()) else { continue };
            let known = match self.others(gate, pool)? {
                Ok(others) => self.known(gate, self.made((rule, gate.output), file), others)?,
                Err(message) => Known::Not(message),
            };
            if let (Mode::Plan, Known::Verdict(verdict)) = (self.mode, &known)
                && !verdict.accepted()
            {
                self.would_publish.push(Write::verdict(file.path.clone(), &gate.check));
            }
            match known {
                Known::Open(gate) => open.push(*gate),
                Known::Verdict(verdict) if verdict.accepted() => {}
                Known::Verdict(verdict) => last = Some(rejection(gate, &file.path, verdict)),
                Known::Not(message) => last = Some(sentence(message)),
            }
            if last.is_some() {
                break;
            }
        }
        if self.mode == Mode::Plan {
            let verdicts = open.iter().map(|o| Write::verdict(o.subject.path.clone(), &o.gate.check));
            self.would_publish.extend(verdicts);
        } else if !open.is_empty() {
            let started = Instant::now();
            let problem = self.answer_all(&open, pool)?;
            tracing::debug!(rule = graph.rule(rule).name, gates = open.len(), elapsed = ?started.elapsed(), "judged a merge");
            if problem.is_some() {
                return Ok(problem);
            }
        }
        Ok(last)
    }

    /// Answers what is open, in order: the first problem.
    fn answer_all(&mut self, open: &[Open<'_>], pool: &rayon::ThreadPool) -> Result<Option<Problem>, Stop> {
        self.summarise(open, pool)?;
        for open in open {
            match self.answer(open, true)? {
                Ok(verdict) if verdict.accepted() => {}
                Ok(verdict) => return Ok(Some(rejection(open.gate, &open.subject.path, verdict))),
                Err(message) => {
                    let message = format!("the gate of `{}` gave no verdict: {message}", open.subject.path);
                    return Ok(Some(sentence(message)));
                }
            }
        }
        Ok(None)
    }

    /// What a job-scoped gate says of a published artifact; `None` if that is not known when planning.
    pub(super) fn judge_published(&mut self, gate: &GateSpec, subject: Artifact) -> Result<Option<Verdict>, Stop> {
        let others = gate.others.iter().map(|at| self.published_artifact(*at)).collect();
        self.judge_beside(gate, subject, others)
    }

    /// What a job-scoped gate says of a file of the job folder beside `others`, or why those are not there.
    pub(super) fn judge_beside(
        &mut self,
        gate: &GateSpec,
        subject: Artifact,
        others: Result<Vec<Artifact>, String>,
    ) -> Result<Option<Verdict>, Stop> {
        let known = match others {
            Ok(others) => self.known(gate, subject, others)?,
            Err(message) => Known::Not(message),
        };
        let said = match known {
            Known::Verdict(verdict) => Ok(verdict),
            Known::Open(_) if self.mode == Mode::Plan => return Ok(None),
            Known::Open(open) => self.answer(&open, false)?,
            Known::Not(message) => Err(message),
        };
        // A gate that gives no verdict has accepted nothing.
        Ok(Some(said.unwrap_or_else(|message| Verdict {
            violations: vec![Violation { pointer: String::new(), message, place: String::new() }],
            count: 1,
        })))
    }

    pub(super) fn known<'g>(&mut self, gate: &'g GateSpec, subject: Artifact, others: Vec<Artifact>) -> Result<Known<'g>, Stop> {
        let counts = ItemCounts {
            subject: subject.items,
            other: others.first().map(|o| (o.name.as_str(), o.items)),
            baseline: self.store.state.baselines.get(&self.published_key(&subject.path)),
        };
        if let Some(verdict) = self.setup.judge.judge_counts(gate, &counts) {
            let dropped = matches!(gate.check, Check::MaxDrop { .. }) && !verdict.accepted();
            if dropped && self.setup.allow_drop {
                self.tell_allowed(&subject.path, &verdict)?;
                return Ok(Known::Verdict(Verdict::default()));
            }
            return Ok(Known::Verdict(verdict));
        }
        let mut reads: Vec<Digest> = others.iter().map(|o| o.content).collect();
        let mut task = None;
        if let Check::Command { command } = &gate.check {
            match self.gate_command(command) {
                Ok((command, key)) => {
                    task = Some(command);
                    reads.push(key);
                }
                Err(message) => return Ok(Known::Not(message)),
            }
        }
        let key = gate::verdict_key(gate, &subject.content, &self.gate_files, &reads);
        Ok(match self.store.state.verdicts.get(&key) {
            Some(verdict) => Known::Verdict(verdict.verdict()),
            None => Known::Open(Box::new(Open { gate, subject, others, command: task, key })),
        })
    }

    fn tell_allowed(&mut self, path: &str, verdict: &Verdict) -> Result<(), Stop> {
        if self.mode == Mode::Plan {
            return Ok(());
        }
        let what = verdict.violations.first().map_or("", |v| v.message.as_str());
        self.announce_build()?;
        self.emit(&Event::Warning { message: format!("`{path}` is accepted with `--allow-drop`: {what}") })
    }

    /// The command of a gate, and the key of all that decides what it says beside its subject.
    fn gate_command(&mut self, command: &Command) -> Result<(Arc<CommandTask>, Digest), String> {
        let (task, version) = self.command_task(command)?;
        let task = Arc::new(task);
        let mut h = blake3::Hasher::new();
        let mut add = |part: &[u8]| {
            h.update(&(part.len() as u64).to_le_bytes());
            h.update(part);
        };
        add(version.as_bytes());
        for path in &command.files {
            add(self.project_file(path)?.as_bytes());
        }
        for (name, value) in &task.env {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        Ok((task, Digest::of_hasher(&h)))
    }

    /// Judges what is open, and remembers what was said; `Err` if the gate gave no verdict.
    pub(super) fn answer(&mut self, open: &Open<'_>, may_fold: bool) -> Result<Result<Verdict, String>, Stop> {
        let verdict = match &open.command {
            Some(task) => match self.ask_command(task, &open.subject)? {
                Ok(verdict) => verdict,
                Err(message) => return Ok(Err(message)),
            },
            None if may_fold && self.folds(open)? => Verdict::default(),
            None => {
                let others = open.others.iter().map(|o| Ok(GateInput { name: o.name.clone(), bytes: self.bytes_of(o)? }));
                let others = others.collect::<Result<Vec<_>, Stop>>()?;
                let (subject, files) = (self.bytes_of(&open.subject)?, self.gate_files.of(open.gate));
                self.setup.judge.judge(open.gate, &subject, &files, &others).map_err(GateError::Broken)?
            }
        };
        self.store.state.verdicts.put(open.key, verdict.clone().into());
        Ok(Ok(verdict))
    }

    fn ask_command(&mut self, task: &CommandTask, subject: &Artifact) -> Result<Result<Verdict, String>, Stop> {
        self.open_store()?;
        let (cas, published) = (&self.store.cas, self.setup.job_dir.join(&subject.path));
        let stage = |to: &std::path::Path| match &subject.held {
            Held::Made { make, .. } => make.stage(to, cas),
            Held::Published { .. } => Ok(disk::copy_private(&published, to)?),
        };
        match command_gate::judge(task, &safe_extension(&subject.path), &stage, &self.setup.interrupted) {
            Ok(verdict) => Ok(Ok(verdict)),
            Err(CommandGateError::Broken(message)) => Ok(Err(message)),
            Err(CommandGateError::Changed(path)) => Err(Stop::Changed(path)),
            Err(other) => Err(crate::engine::error::EngineError::from(other).into()),
        }
    }

    fn bytes_of(&self, artifact: &Artifact) -> Result<Arc<[u8]>, Stop> {
        match &artifact.held {
            Held::Made { make, .. } => make.bytes(&self.store.cas),
            Held::Published { .. } => Ok(disk::read(&self.setup.job_dir.join(&artifact.path))?.into()),
        }
    }

    /// The artifacts that a gate reads beside its subject; `Err` names one that is not there.
    pub(super) fn others(&mut self, gate: &GateSpec, pool: &rayon::ThreadPool) -> Result<Result<Vec<Artifact>, String>, Stop> {
        let mut others = Vec::with_capacity(gate.others.len());
        for at in gate.others.iter().copied() {
            let found = if self.setup.selection.of(at.0) == Choice::Selected {
                let files = self.computed(at.0, at.1, pool)?.ok().and_then(|o| o.files.into_iter().next());
                files.map(|file| self.made(at, &file)).ok_or_else(|| self.not_there(at))
            } else {
                self.published_artifact(at)
            };
            match found {
                Ok(found) => others.push(found),
                Err(message) => return Ok(Err(message)),
            }
        }
        Ok(Ok(others))
    }

    pub(super) fn made(&self, at: (RuleId, usize), file: &Wanted) -> Artifact {
        let held = Held::Made { make: file.make.clone(), pieces: file.pieces() };
        Artifact { name: self.output_name(at), path: file.path.clone(), content: file.content, items: file.items, held }
    }

    /// An artifact that holds no more than `pieces` of an output.
    pub(super) fn artifact_of(&self, at: (RuleId, usize), pieces: Vec<PieceOf>) -> Artifact {
        let path = self.setup.graph.rule(at.0).outputs[at.1].path.clone();
        let (content, items) = (self.content_of(at.0, at.1, &pieces), pieces.iter().map(|p| p.file.items).sum());
        Artifact {
            name: self.output_name(at),
            path,
            content,
            items,
            held: Held::Made { make: Make::Merge(Merge::Splice, pieces.clone()), pieces: Some(pieces) },
        }
    }

    pub(super) fn published_artifact(&self, at: (RuleId, usize)) -> Result<Artifact, String> {
        let path = &self.setup.graph.rule(at.0).outputs[at.1].path;
        let Some(known) = self.store.state.published.get(&self.published_key(path)) else { return Err(self.not_there(at)) };
        let is_ours = disk::stat(&self.setup.job_dir.join(path)).ok().flatten() == Some(known.stat);
        if is_ours || self.holds(path, &known.digest) {
            return Ok(self.as_published(at, path, &known));
        }
        Err(format!("`{path}`, which its gate refers to, is not what was published"))
    }

    /// A published file, as its record says that it is.
    pub(super) fn as_published(&self, at: (RuleId, usize), path: &str, record: &Published) -> Artifact {
        let held = Held::Published { digest: record.digest };
        Artifact { name: self.output_name(at), path: path.to_owned(), content: record.content, items: record.items, held }
    }

    fn not_there(&self, (rule, output): (RuleId, usize)) -> String {
        format!("`{}`, which its gate refers to, is not there", self.setup.graph.rule(rule).outputs[output].path)
    }

    fn output_name(&self, (rule, output): (RuleId, usize)) -> String {
        let rule = self.setup.graph.rule(rule);
        format!("{}.{}", rule.name, rule.outputs[output].name)
    }
}

fn rejection(gate: &GateSpec, path: &str, verdict: Verdict) -> Problem {
    let way_out = "if there really is less now, `ingest build --allow-drop` accepts it once";
    Problem {
        message: format!("the gate of `{path}` rejected it"),
        violations: verdict.violations,
        violation_count: verdict.count,
        hint: matches!(gate.check, Check::MaxDrop { .. }).then(|| way_out.to_owned()),
        ..Problem::default()
    }
}
