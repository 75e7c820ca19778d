//! `ingest gate`: judges what a pass published, or a file in its place, by the gates of the Ingestfile as it is now. Runs
//! nothing but the commands of gates, and leaves nothing behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Gate, Global};
use super::console::{Console, Paint};
use super::error::{CliError, ErrorKind};
use super::project::Project;
use super::render;
use crate::disk;
use crate::engine::command::{CommandTask, Room};
use crate::engine::command_gate;
use crate::engine::gate_files::GateFiles;
use crate::engine::graph::{Check, Command, CommandLine, GateSpec, MergeKind, Output, Pass, Rule, RuleId};
use crate::engine::observe::Problem;
use crate::engine::verdict::{GateInput, ItemCounts, Judge, Verdict, Violation};
use crate::job::Clock;
use crate::job::redact::redact;
use crate::staging;
use crate::store::Store;
use crate::store::state::State;

/// What `gate --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GateReport {
    /// As it was asked for.
    pub target: String,
    /// Every check said yes.
    pub ok: bool,
    pub artifacts: Vec<Judged>,
}

/// One file and what its gates say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Judged {
    /// Name of the artifact, below the job folder.
    pub artifact: String,
    /// The file that was read.
    pub file: String,
    /// Array length, else 1; null if it is no JSON.
    pub items: Option<u64>,
    pub checks: Vec<Checked>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Checked {
    /// `schema schemas/x.schema.json`, `unique /chunk_id`, …
    pub check: String,
    pub ok: bool,
    /// Violations in all.
    pub count: u64,
    /// The first few.
    pub violations: Vec<Violation>,
}

/// A file to judge, as an output of a rule.
struct Subject {
    rule: RuleId,
    output: usize,
    artifact: String,
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a target or file that cannot be judged, 1 if a gate says no.
pub fn run(args: &Gate, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let project = Project::open(global, console, clock)?;
    let job = project.job(args.job.env.as_deref(), &args.job.choice())?;
    let bench = Bench::new(&project, job.path.clone())?;
    let outputs = outputs(&project, &args.pass)?;
    let subjects = match &args.file {
        Some(file) => vec![bench.in_place_of(&outputs, file, &args.pass, console)?],
        None => bench.published(&outputs),
    };
    if subjects.is_empty() {
        return Err(CliError::new(ErrorKind::Usage, format!("`{}` publishes nothing that a gate reads", args.pass)));
    }
    let artifacts = subjects.iter().map(|s| bench.judge(s)).collect::<Result<Vec<_>, _>>()?;
    let ok = artifacts.iter().all(|a| a.checks.iter().all(|c| c.ok));
    let report = GateReport { target: args.pass.clone(), ok, artifacts };
    let text = if args.json {
        let mut json = serde_json::to_string_pretty(&report).unwrap_or_default();
        json.push('\n');
        json
    } else {
        told(&report, console.paint_data())
    };
    if args.json {
        console.data(text.as_bytes())
    } else {
        console.text(&text)
    }
    if ok { Ok(()) } else { Err(CliError::told(ErrorKind::Failed)) }
}

/// The published outputs that `text` means; a letter is a pass.
fn outputs(project: &Project, text: &str) -> Result<Vec<(RuleId, usize)>, CliError> {
    let graph = &project.loaded.graph;
    let letter = Pass::ALL.into_iter().find(|p| text.eq_ignore_ascii_case(&p.0.to_string()));
    let name = letter.map_or_else(|| text.to_owned(), |p| p.to_string());
    let rules = project.target(&name, &[])?.rules;
    let all: Vec<(RuleId, usize)> = rules.iter().flat_map(|r| (0..graph.rule(*r).outputs.len()).map(move |o| (*r, o))).collect();
    let output = |(r, o): (RuleId, usize)| &graph.rule(r).outputs[o];
    let named: Vec<_> = all.iter().copied().filter(|at| output(*at).path == name).collect();
    let meant = if named.is_empty() { all } else { named };
    Ok(meant.into_iter().filter(|at| output(*at).publish && !output(*at).tree).collect())
}

/// All that gates read.
struct Bench<'a> {
    project: &'a Project,
    job_dir: PathBuf,
    /// As records call the job.
    job_key: String,
    files: GateFiles,
    state: State,
}

impl<'a> Bench<'a> {
    fn new(project: &'a Project, job_dir: PathBuf) -> Result<Self, CliError> {
        let gates = project.loaded.graph.rules.iter().flat_map(|r| &r.gates);
        let names = gates.flat_map(|g| &g.files).map(String::as_str);
        let files = GateFiles::from_disk(&project.root, names, &project.gates)
            .map_err(|e| CliError::from_error(ErrorKind::Failed, &e))?;
        let (job_key, state) = (project.shown(&job_dir), Store::read(&project.cache()).state);
        Ok(Self { project, job_dir, job_key, files, state })
    }

    fn rule(&self, id: RuleId) -> &Rule {
        self.project.loaded.graph.rule(id)
    }

    fn output(&self, (rule, output): (RuleId, usize)) -> &Output {
        &self.rule(rule).outputs[output]
    }

    /// What the job holds of `outputs`: one file each, or those that were published per item.
    fn published(&self, outputs: &[(RuleId, usize)]) -> Vec<Subject> {
        let prefix = format!("{}\0", self.job_key);
        let subject = |(rule, output): (RuleId, usize), artifact: String| {
            let file = self.job_dir.join(&artifact);
            Subject { rule, output, artifact, file }
        };
        let mut subjects = Vec::new();
        for at in outputs.iter().copied() {
            let declared = self.output(at);
            if declared.merge != MergeKind::PerItem {
                subjects.push(subject(at, declared.path.clone()));
                continue;
            }
            let records = self.state.published.range_from(prefix.as_str()).take_while(|(k, _)| k.starts_with(&prefix));
            let theirs = records.filter(|(_, p)| p.rule == self.rule(at.0).name && p.output == declared.name);
            subjects.extend(theirs.map(|(k, _)| subject(at, k[prefix.len()..].to_owned())));
        }
        subjects
    }

    /// `file` in place of one of `outputs`: the one of its name, the only one, or the one whose schema it comes nearest to.
    fn in_place_of(
        &self,
        outputs: &[(RuleId, usize)],
        file: &Path,
        target: &str,
        console: &Console,
    ) -> Result<Subject, CliError> {
        let bytes = disk::read(file)?;
        let subject = |at: (RuleId, usize)| Subject {
            rule: at.0,
            output: at.1,
            artifact: self.output(at).path.clone(),
            file: file.to_path_buf(),
        };
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let is_named = |at: &&(RuleId, usize)| self.output(**at).path.rsplit('/').next() == Some(name.as_str());
        match outputs {
            [] => return Err(CliError::new(ErrorKind::Usage, format!("`{target}` publishes no file that a gate reads"))),
            [only] => return Ok(subject(*only)),
            _ => {}
        }
        if let Some(at) = outputs.iter().find(is_named) {
            return Ok(subject(*at));
        }
        let mut near = Vec::new();
        for at in outputs.iter().copied() {
            for gate in self.rule(at.0).gates.iter().filter(|g| g.output == at.1 && g.check == Check::Schema) {
                near.push((self.verdict(gate, &subject(at), &bytes)?.count, at));
            }
        }
        let least = near.iter().map(|(count, _)| *count).min();
        let best: Vec<_> = near.iter().filter(|(count, _)| Some(*count) == least).map(|(_, at)| *at).collect();
        let [at] = best.as_slice() else {
            let names: Vec<String> = outputs.iter().map(|at| format!("`{}`", self.output(*at).path)).collect();
            let message = format!("`{}` could be any of {}", file.display(), names.join(", "));
            let first = &self.output(outputs[0]).path;
            return Err(
                CliError::new(ErrorKind::Usage, message).hint(format!("name the artifact: `ingest gate {first} --file …`"))
            );
        };
        let why = if least == Some(0) { "whose schema it fits" } else { "whose schema it comes nearest to" };
        console.status(&format!("`{}` is judged as `{}`, {why}", render::shown(&name), self.output(*at).path));
        Ok(subject(*at))
    }

    fn judge(&self, subject: &Subject) -> Result<Judged, CliError> {
        let mut judged = Judged {
            artifact: subject.artifact.clone(),
            file: self.project.shown(&subject.file),
            items: None,
            checks: Vec::new(),
        };
        let Some(bytes) = disk::read_if_there(&subject.file)? else {
            let violation =
                Violation { message: format!("`{}` is not there", judged.file), pointer: String::new(), place: String::new() };
            judged.checks.push(Checked { check: "present".to_owned(), ok: false, count: 1, violations: vec![violation] });
            return Ok(judged);
        };
        judged.items = self.project.gates.count_items(&bytes);
        for gate in self.rule(subject.rule).gates.iter().filter(|g| g.output == subject.output) {
            let mut verdict = self.verdict(gate, subject, &bytes)?;
            let (check, ok) = (self.named(gate), verdict.accepted());
            if matches!(gate.check, Check::Command { .. }) {
                // Not from an artifact but from a program, which may say anything.
                verdict.violations.iter_mut().for_each(|v| v.message = redact(&v.message).into_owned());
            }
            judged.checks.push(Checked { check, ok, count: verdict.count, violations: verdict.violations });
            // What does not parse is told once.
            if !ok && matches!(gate.check, Check::Present { .. }) {
                break;
            }
        }
        Ok(judged)
    }

    /// A check as the Ingestfile writes it.
    fn named(&self, gate: &GateSpec) -> String {
        let other =
            || gate.others.first().map_or_else(String::new, |at| format!("{}.{}", self.rule(at.0).name, self.output(*at).name));
        match &gate.check {
            Check::Present { json: true } => "present, JSON".to_owned(),
            Check::Present { json: false } => "present".to_owned(),
            Check::Schema => format!("schema {}", gate.files.first().map_or("", String::as_str)),
            Check::MinItems { count } => format!("min_items {count}"),
            Check::Unique { pointer } => format!("unique {pointer}"),
            Check::Refs { pointer, target } => format!("refs {pointer} to {} {target}", other()),
            Check::Ratio { min, max } => {
                let limit = |word: &str, limit: &Option<serde_json::Number>| {
                    limit.as_ref().map_or_else(String::new, |n| format!(", {word} {n}"))
                };
                format!("ratio of {}{}{}", other(), limit("min", min), limit("max", max))
            }
            Check::MaxDrop { share } => format!("max_drop {share}"),
            Check::Coverage { part, whole, min } => format!("coverage {part} of {whole}, min {min}"),
            Check::Command { command } => match &command.line {
                CommandLine::Shell(line) => format!("command {line}"),
                CommandLine::Argv(words) => format!("command {}", words.join(" ")),
            },
        }
    }

    fn verdict(&self, gate: &GateSpec, subject: &Subject, bytes: &[u8]) -> Result<Verdict, CliError> {
        let gates = &self.project.gates;
        let mut others = Vec::with_capacity(gate.others.len());
        for at in &gate.others {
            let path = &self.output(*at).path;
            let Some(bytes) = disk::read_if_there(&self.job_dir.join(path))? else {
                let message = format!("`{path}`, which `{}` is checked against, is not in this job", self.named(gate));
                return Err(CliError::new(ErrorKind::Failed, message).hint(format!("`ingest build {path}` makes it")));
            };
            let bytes: Arc<[u8]> = bytes.into();
            others.push(GateInput { name: format!("{}.{}", self.rule(at.0).name, self.output(*at).name), bytes });
        }
        let count = |bytes: &[u8]| gates.count_items(bytes).unwrap_or(1);
        let counts = ItemCounts {
            subject: count(bytes),
            other: others.first().map(|o| (o.name.as_str(), count(&o.bytes))),
            baseline: self.state.baselines.get(&format!("{}\0{}", self.job_key, subject.artifact)),
        };
        if let Some(verdict) = gates.judge_counts(gate, &counts) {
            return Ok(verdict);
        }
        match &gate.check {
            Check::Command { command } => self.ask_command(command, subject, bytes),
            _ => gates.judge(gate, bytes, &self.files.of(gate), &others).map_err(|e| CliError::new(ErrorKind::Failed, e)),
        }
    }

    /// What the command of a gate says, in a folder that is gone afterwards: a build may use the cache meanwhile.
    fn ask_command(&self, command: &Command, subject: &Subject, bytes: &[u8]) -> Result<Verdict, CliError> {
        let failed = |message: String| CliError::new(ErrorKind::Failed, message);
        let room = tempfile::Builder::new().prefix("ingest-gate-").tempdir();
        let staging = room.map_err(|e| failed(format!("cannot make a folder for the command of a gate: {e}")))?;
        let known = super::project::environment();
        let base_env = super::project::base_env(&known);
        let room = Room::new(self.project.root.clone(), staging.path().to_path_buf(), base_env);
        let task = CommandTask::new(command.clone(), known.those(&command.env), Vec::new(), Arc::new(room));
        let stage = |to: &Path| Ok(disk::write(to, bytes)?);
        let extension = staging::safe_extension(&subject.artifact);
        command_gate::judge(&task, &extension, &stage, &AtomicBool::new(false))
            .map_err(|e| failed(format!("the gate of `{}` gave no verdict: {e}", subject.artifact)))
    }
}

/// The report for people: a line for each artifact, and what is wrong with it below.
#[must_use]
pub fn told(report: &GateReport, paint: Paint) -> String {
    let mut text = String::new();
    for judged in &report.artifacts {
        let name = render::shown(&judged.file);
        let failed: Vec<&Checked> = judged.checks.iter().filter(|c| !c.ok).collect();
        if failed.is_empty() {
            let items = judged.items.map_or_else(String::new, |n| format!(" ({})", render::number(n, "item", "items")));
            let checks: Vec<&str> = judged.checks.iter().map(|c| c.check.as_str()).collect();
            text.push_str(&format!("{} {name}{items}: {}\n", paint.green("OK"), checks.join("; ")));
        }
        for check in failed {
            let problem = Problem {
                message: format!("rejected by {}", check.check),
                violations: check.violations.clone(),
                violation_count: check.count,
                ..Problem::default()
            };
            text.push_str(&render::problem(paint, &name, &problem));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_the_one_of_the_types() {
        crate::job::log::assert_committed("schemas/gate.schema.json", &schemars::schema_for!(GateReport).to_value());
    }
}
