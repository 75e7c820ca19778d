//! `ingest status`: how things stand with each pass, what is out of date and why, in a line each. Reads only.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Global, Status as Args};
use super::causes::{Causes, NEVER, Node, Standing, Step};
use super::console::{Console, Paint};
use super::error::CliError;
use super::project::Project;
use super::rewritten::{self, Rewritten};
use super::unread::{self, Unread};
use super::{build, render, verify};
use crate::disk;
use crate::engine::graph::{Pass, RuleId};
use crate::engine::observe::{PassedOver, Quarantined, Status};
use crate::engine::select::{self, Selection};
use crate::job::Clock;
use crate::job::manifest::{Manifest, Record};
use crate::job::redact::{redact, redact_passed_over};
use crate::store::{Store, totals};

/// How many ignored files are listed for people.
const LISTED: usize = 20;

/// What `status --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatusReport {
    pub job_id: String,
    pub env: String,
    /// The job folder, below the project's where it lies there.
    pub folder: String,
    /// Whether anything was ever built into it.
    pub exists: bool,
    pub sources: u64,
    /// What a pattern takes and cannot be a source, and folders that cannot be read.
    pub refused: Vec<PassedOver>,
    /// Files below the sources folder that no pattern takes.
    pub ignored: Vec<PassedOver>,
    /// The passes that the Ingestfile has, in order.
    pub passes: Vec<Line>,
    /// Rules of no pass, in order.
    pub rules: Vec<Line>,
    /// Documents that are set aside, each once, in the order of the passes and rules in which they fell out.
    pub quarantined: Vec<SetAside>,
    /// What is published of rules that the Ingestfile no longer has.
    pub removed_rules: Vec<Removed>,
    /// Documents with pages that hold no text and show something.
    pub needing_ocr: Vec<Unread>,
    pub cache: CacheLine,
}

/// How full the cache is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CacheLine {
    /// What its blobs take on disk; null if no build has counted yet.
    pub bytes: Option<u64>,
    /// `max_size` of the Ingestfile, in bytes.
    pub max_size: u64,
    /// Damaged blobs that `verify` set aside.
    pub damaged: u64,
}

/// A pass, or a rule of no pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    pub name: String,
    /// In the job's manifest.
    pub status: Status,
    /// When it last ended: RFC 3339, UTC.
    pub ended: Option<String>,
    pub artifacts: u64,
    /// Array lengths and files of trees, added up.
    pub items: u64,
    pub quarantined: u64,
    /// The worst of its actions.
    pub standing: Standing,
    /// How many actions stand like that.
    pub actions: u64,
    /// Why; "" if it is up to date.
    pub because: String,
    /// Why it is FAILED or SKIPPED.
    pub error: Option<String>,
    /// It is FAILED or SKIPPED; what is published of it is of an earlier build.
    pub is_old: bool,
    /// Published files that would be written.
    pub publish: Vec<Rewritten>,
    /// Artifacts that hold what was edited by hand and adopted.
    pub adopted: Vec<String>,
}

/// A document that the last build set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SetAside {
    /// The pass, or the rule of no pass, in which it fell out.
    pub name: String,
    pub source_id: String,
    /// Redacted.
    pub reason: String,
}

/// A rule that is gone, and what it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Removed {
    pub rule: String,
    pub files: u64,
}

/// Runs the command.
///
/// # Errors
/// If the project cannot be read; that something is out of date or has failed is no error.
pub fn run(args: &Args, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let report = report(args, &Project::open(global, console, clock)?, console)?;
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
    Ok(())
}

fn report(args: &Args, project: &Project, console: &Console) -> Result<StatusReport, CliError> {
    let graph = &project.loaded.graph;
    let found = project.sources(None, console)?;
    let job = project.job(args.job.env.as_deref(), &args.job.choice())?;
    let setup = project.setup(&job, &found, Selection::all(graph))?;
    let manifest = Manifest::read(&job.manifest_path())?;
    let exists = manifest.is_some();
    let manifest = manifest.unwrap_or_default();
    let mut store = Store::read(&project.cache());
    let plan = build::plan(&setup, &mut store)?;
    let known = manifest.source_sha_map.keys();
    let causes = Causes::new(graph, &found.sources, &setup.job_key, &store.state, known, &plan);

    let passes = Pass::ALL.into_iter().filter(|p| graph.rules.iter().any(|r| r.pass == Some(*p)));
    let of_pass = |pass: Pass| {
        let rules: Vec<RuleId> = select::rules_of(graph, pass).collect();
        let publish = rewritten::of_rules(&plan, &setup, &store, &rules)?;
        Ok(line(pass.to_string(), &manifest.pass(pass), &rules, &causes, publish))
    };
    let free = (0..graph.rules.len()).filter(|ix| graph.rules[*ix].pass.is_none());
    let of_rule = |ix: usize| {
        let rules = [RuleId(u32::try_from(ix).unwrap_or(u32::MAX))];
        let name = graph.rules[ix].name.clone();
        let record = manifest.rules.get(&name).cloned().unwrap_or_default();
        let publish = rewritten::of_rules(&plan, &setup, &store, &rules)?;
        Ok(line(name, &record, &rules, &causes, publish))
    };
    Ok(StatusReport {
        job_id: job.job_id.clone(),
        env: job.env.clone(),
        folder: setup.job_key.clone(),
        exists,
        sources: found.sources.len() as u64,
        refused: redacted(&found.refused),
        ignored: redacted(&found.ignored),
        passes: passes.map(of_pass).collect::<Result<_, CliError>>()?,
        rules: free.map(of_rule).collect::<Result<_, CliError>>()?,
        quarantined: set_aside(&manifest),
        removed_rules: removed_rules(project, &store, &setup.job_key),
        needing_ocr: unread::of(&store.state, &setup.job_key, &found.sources),
        cache: cache_line(&store, setup.bounds.max_size)?,
    })
}

fn cache_line(store: &Store, max_size: u64) -> Result<CacheLine, CliError> {
    let aside = store.dir.join(verify::FOLDER);
    let damaged = if disk::is_dir(&aside) { disk::read_dir_sorted(&aside)?.len() as u64 } else { 0 };
    Ok(CacheLine { bytes: totals::bytes(&store.state), max_size, damaged })
}

fn redacted(files: &[PassedOver]) -> Vec<PassedOver> {
    let mut files = files.to_vec();
    files.iter_mut().for_each(redact_passed_over);
    files
}

fn set_aside(manifest: &Manifest) -> Vec<SetAside> {
    let passes = manifest.passes.iter().map(|(letter, r)| (format!("pass{letter}"), r));
    let rules = manifest.rules.iter().map(|(name, r)| (name.clone(), r));
    let of = |(name, record): (String, &Record)| {
        let out = |q: &Quarantined| SetAside {
            name: name.clone(),
            source_id: q.source_id.clone(),
            reason: redact(&q.reason).into_owned(),
        };
        record.quarantined.iter().map(out).collect::<Vec<_>>()
    };
    let mut all: Vec<SetAside> = Vec::new();
    for out in passes.chain(rules).flat_map(of) {
        // What fell out in a rule of no pass fell out in the pass that needs it.
        if !all.iter().any(|told| told.source_id == out.source_id) {
            all.push(out);
        }
    }
    all
}

fn removed_rules(project: &Project, store: &Store, job_key: &str) -> Vec<Removed> {
    let prefix = format!("{job_key}\0");
    let mut files: BTreeMap<String, u64> = BTreeMap::new();
    for (_, record) in store.state.published.range_from(prefix.as_str()).take_while(|(k, _)| k.starts_with(&prefix)) {
        if project.loaded.graph.rule_named(&record.rule).is_none() {
            *files.entry(record.rule).or_default() += 1;
        }
    }
    files.into_iter().map(|(rule, files)| Removed { rule, files }).collect()
}

fn line(name: String, record: &Record, rules: &[RuleId], causes: &Causes<'_>, publish: Vec<Rewritten>) -> Line {
    let nodes: Vec<&Node> = rules.iter().flat_map(|r| causes.of(*r)).collect();
    let standing = nodes.iter().map(|n| n.standing).max_by_key(|s| s.weight()).unwrap_or(Standing::UpToDate);
    let worst: Vec<&Node> = nodes.into_iter().filter(|n| n.standing == standing).collect();
    let steps = causes.steps(&worst);
    Line {
        name,
        status: record.status,
        ended: record.ended.clone(),
        artifacts: record.artifact_records.len() as u64,
        items: record.artifact_records.iter().map(|r| r.items).sum(),
        quarantined: record.quarantined.len() as u64,
        standing,
        actions: worst.iter().map(|n| n.count).sum(),
        because: steps.first().map(|s| because(s, steps.len())).unwrap_or_default(),
        error: record.error.clone(),
        is_old: matches!(record.status, Status::Failed | Status::Skipped) && !record.artifact_records.is_empty(),
        publish,
        adopted: record.artifact_records.iter().filter(|r| r.adopted).map(|r| r.name.clone()).collect(),
    }
}

fn because(step: &Step, steps: usize) -> String {
    // One line has room for one cause: the one at the bottom, which a person can act on.
    let mut root = step;
    while let Some(below) = root.through.first() {
        root = below;
    }
    let of = if root.rule == step.rule { String::new() } else { format!("`{}` {}: ", root.rule, root.standing.verb()) };
    let more = if steps > 1 { format!(" (and {} more)", steps - 1) } else { String::new() };
    format!("{of}{}{more}", root.because)
}

/// The report for people.
#[must_use]
pub fn told(report: &StatusReport, paint: Paint) -> String {
    let passed_over = render::passed_over(report.refused.len() as u64, report.ignored.len() as u64);
    let sources = format!("{}{passed_over}", render::number(report.sources, "source", "sources"));
    let mut text = if report.exists {
        format!("{} ({}), {sources}\n", render::shown(&report.folder), render::shown(&report.env))
    } else {
        format!("no job in `{}` yet, {sources}: `ingest build` makes one\n", render::shown(&report.env))
    };
    report.passes.iter().for_each(|l| text.push_str(&one_line(l, paint)));
    let (idle, open): (Vec<&Line>, Vec<&Line>) = report.rules.iter().partition(|l| is_idle(l));
    if !idle.is_empty() {
        let names: Vec<_> = idle.iter().map(|l| render::shown(&l.name)).collect();
        let names = if names.len() > 8 { format!("{} rules of no pass", names.len()) } else { names.join(", ") };
        text.push_str(&format!("{names}: up to date\n"));
    }
    open.iter().for_each(|l| text.push_str(&one_line(l, paint)));
    for out in &report.quarantined {
        let document = Quarantined { source_id: out.source_id.clone(), reason: out.reason.clone() };
        text.push_str(&render::quarantined(paint, &out.name, &document));
        text.push('\n');
    }
    for unread in &report.needing_ocr {
        text.push_str(&format!("{}\n", render::warning(paint, &unread.sentence())));
    }
    for file in &report.refused {
        let (path, reason) = (render::shown(&file.path), render::shown(&file.reason));
        text.push_str(&format!("{} `{path}`: {reason}\n", paint.red("refused")));
    }
    for file in report.ignored.iter().take(LISTED) {
        let reason = if file.reason.is_empty() { String::new() } else { format!(": {}", render::shown(&file.reason)) };
        text.push_str(&format!("ignored `{}`{reason}\n", render::shown(&file.path)));
    }
    if report.ignored.len() > LISTED {
        text.push_str(&format!(
            "and {} more are ignored; `ingest status --json` lists them all\n",
            report.ignored.len() - LISTED
        ));
    }
    for removed in &report.removed_rules {
        let rule = render::shown(&removed.rule);
        let files = render::number(removed.files, "file", "files");
        text.push_str(&format!("rule `{rule}` is no longer in the Ingestfile; `ingest clean {rule}` removes its {files}\n"));
    }
    text.push_str(&cache_told(&report.cache));
    text
}

/// What a person may want to do something about.
fn cache_told(cache: &CacheLine) -> String {
    let mut text = String::new();
    if let Some(bytes) = cache.bytes.filter(|bytes| *bytes > cache.max_size) {
        let (holds, bound) = (render::size(bytes), render::size(cache.max_size));
        text.push_str(&format!(
            "the cache holds {holds}, above its `max_size` of {bound}; `ingest gc` says what is needed of it\n"
        ));
    }
    if cache.damaged > 0 {
        let (blobs, they) =
            (render::number(cache.damaged, "damaged blob", "damaged blobs"), if cache.damaged == 1 { "it" } else { "they" });
        let lie = if cache.damaged == 1 { "lies" } else { "lie" };
        text.push_str(&format!(
            "{blobs} {lie} in `cache/{}`, where {they} may be removed; look after the disk\n",
            verify::FOLDER
        ));
    }
    text
}

fn is_idle(line: &Line) -> bool {
    line.standing == Standing::UpToDate && line.publish.is_empty() && !matches!(line.status, Status::Failed | Status::Skipped)
}

/// `passC SUCCESS, 2 artifacts, 812 items, 2026-01-31T12:00:00Z: out of date: param … (40 actions)`.
fn one_line(line: &Line, paint: Paint) -> String {
    let status = match line.status {
        Status::Success => paint.green("SUCCESS"),
        Status::Failed => paint.red("FAILED"),
        Status::Skipped => paint.yellow("SKIPPED"),
        Status::Pending => paint.dim("PENDING"),
    };
    let mut text = format!("{} {status}", paint.bold(&render::shown(&line.name)));
    if line.artifacts > 0 {
        let artifacts = render::number(line.artifacts, "artifact", "artifacts");
        text.push_str(&format!(", {artifacts}, {}", render::number(line.items, "item", "items")));
    }
    if line.quarantined > 0 {
        text.push_str(&format!(", {} quarantined", line.quarantined));
    }
    if let Some(ended) = &line.ended {
        text.push_str(&format!(", {}", render::shown(ended)));
    }
    text.push_str(&format!(": {}", standing(line)));
    if line.is_old {
        text.push_str("; what is published is of an earlier build");
    }
    for path in &line.adopted {
        text.push_str(&format!("; `{}` is adopted as edited by hand", render::shown(path)));
    }
    text.push('\n');
    text
}

fn standing(line: &Line) -> String {
    let actions = render::number(line.actions, "action", "actions");
    let because = render::shown(&line.because);
    match line.standing {
        Standing::UpToDate | Standing::LeftOut | Standing::Ran | Standing::CameFromCache => {
            match (line.status, &line.error, line.publish.as_slice()) {
                (Status::Failed | Status::Skipped, Some(error), _) => render::shown(&redact(error)).into_owned(),
                (Status::Pending, _, []) => "not published yet".to_owned(),
                (_, _, []) => "up to date".to_owned(),
                (_, _, [first, rest @ ..]) => {
                    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
                    let would = first.would.participle();
                    format!("`{}`{more} would be {would}: {}", render::shown(&first.what), render::shown(&first.because))
                }
            }
        }
        Standing::StillFailing => format!("fails: {because} ({actions})"),
        Standing::Blocked => format!("blocked: {because} ({actions})"),
        _ if line.because == NEVER => format!("never built ({actions})"),
        Standing::May => format!("may be out of date: {because} ({actions})"),
        Standing::Run => format!("out of date: {because} ({actions})"),
        Standing::FromCache => format!("would come from the cache: {because} ({actions})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, status: Status, standing: Standing, because: &str) -> Line {
        Line {
            name: name.to_owned(),
            status,
            ended: None,
            artifacts: u64::from(status == Status::Success),
            items: 7,
            quarantined: 0,
            standing,
            actions: 2,
            because: because.to_owned(),
            error: None,
            is_old: status == Status::Failed,
            publish: Vec::new(),
            adopted: if name == "passA" { vec!["passA_toc.json".to_owned()] } else { Vec::new() },
        }
    }

    #[test]
    fn each_pass_is_a_line_and_rules_that_are_up_to_date_are_one() {
        let report = StatusReport {
            job_id: "job_1".to_owned(),
            env: "dev".to_owned(),
            folder: "artifacts/dev/job_1".to_owned(),
            exists: true,
            sources: 1,
            refused: vec![PassedOver { path: "loop.pdf".to_owned(), reason: "the link leads back to itself".to_owned() }],
            ignored: ["notes.doc", "\u{202e}x"].map(|p| PassedOver { path: p.to_owned(), reason: String::new() }).to_vec(),
            passes: vec![
                line("passA", Status::Success, Standing::UpToDate, ""),
                line("passB", Status::Success, Standing::Run, "param `n` changed from `1` to `2`"),
                line("passC", Status::Failed, Standing::StillFailing, "it is no PDF"),
                line("passD", Status::Pending, Standing::May, NEVER),
            ],
            rules: vec![
                line("pages", Status::Success, Standing::UpToDate, ""),
                line("text", Status::Success, Standing::UpToDate, ""),
            ],
            quarantined: vec![SetAside {
                name: "passB".to_owned(),
                source_id: "beta.txt".to_owned(),
                reason: "`passB` of beta.txt: it is no PDF".to_owned(),
            }],
            removed_rules: vec![Removed { rule: "upper".to_owned(), files: 3 }],
            needing_ocr: Vec::new(),
            cache: CacheLine { bytes: Some(3 << 30), max_size: 2 << 30, damaged: 2 },
        };
        insta::assert_snapshot!(told(&report, Paint(false)), @r"
        artifacts/dev/job_1 (dev), 1 source, 1 refused, 2 ignored
        passA SUCCESS, 1 artifact, 7 items: up to date; `passA_toc.json` is adopted as edited by hand
        passB SUCCESS, 1 artifact, 7 items: out of date: param `n` changed from `1` to `2` (2 actions)
        passC FAILED: fails: it is no PDF (2 actions); what is published is of an earlier build
        passD PENDING: never built (2 actions)
        pages, text: up to date
        quarantined in passB: beta.txt: `passB` of beta.txt: it is no PDF
        refused `loop.pdf`: the link leads back to itself
        ignored `notes.doc`
        ignored `\u{202e}x`
        rule `upper` is no longer in the Ingestfile; `ingest clean upper` removes its 3 files
        the cache holds 3.0 GiB, above its `max_size` of 2.0 GiB; `ingest gc` says what is needed of it
        2 damaged blobs lie in `cache/damaged`, where they may be removed; look after the disk
        ");
    }

    #[test]
    fn the_committed_schema_is_the_one_of_the_types() {
        crate::job::log::assert_committed("schemas/status.schema.json", &schemars::schema_for!(StatusReport).to_value());
    }
}
