//! The coordinator: one thread that owns the items, the actions, the records and the observers. Pool threads do the work and
//! send messages; everything is decided here.
//!
//! The life of an action, each step with what must hold before it:
//!
//! | phase | precondition |
//! |---|---|
//! | waiting | it was created when its item came to be |
//! | preparing | every condition it waited for holds: its inputs are accepted, the passes it needs are SUCCESS |
//! | running | its key leads to no known result |
//! | judging | it has a candidate that some gate has not judged |
//! | done | accepted, rejected, failed, blocked or left out (its document is set aside); its scope is told |

mod action;
mod adopt;
mod adopted;
mod advance;
mod again;
mod announced;
mod at_fault;
mod collecting;
mod conditions;
mod emit;
mod finish;
mod fold;
mod frozen;
mod heal;
mod in_place;
mod inputs;
mod intent;
mod judge_job;
mod named;
mod placed;
mod publish;
mod put;
mod quarantine;
mod queues;
mod reasons;
mod run;
mod spans;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::command::{CommandTask, Room};
use super::error::EngineError;
use super::gate::{GateFiles, Verdicts};
use super::graph::{Graph, Pass, Range, RuleId};
use super::items::{ItemIx, Items, SourceFile};
use super::observe::{ArtifactRecord, Observer, PassedOver, Problem, Quarantined, Status};
use super::plan::{PlannedAction, Write};
use super::policy::{Barrier, OnError};
use super::reason::Loss;
use super::retention::Bounds;
use super::select::Selection;
use super::verdict::Judge;
use super::workers::{WorkerSetup, Workers};
use crate::builtin::Limits;
use crate::digest::Digest;
use crate::environment::Environment;
use crate::store::Store;
use crate::store::records::{ActionResult, Derived, Stored};

use action::{Action, ActionIx, Phase};
use announced::Announced;
use reasons::Numbers;
use spans::Stretch;

pub use adopt::Adopting;
pub use collecting::{Gathered, gc};
pub use heal::forget_records;
pub use run::build;

/// What a pass was before this build: its status and records in the job's manifest.
#[derive(Clone, Debug)]
pub struct Prior {
    pub status: Status,
    pub records: Vec<ArtifactRecord>,
    /// Documents that fell out in it.
    pub quarantined: Vec<Quarantined>,
}

/// Everything a build is told.
pub struct Setup<'a> {
    pub graph: &'a Graph,
    /// The project root: where commands run and declared files lie.
    pub root: PathBuf,
    /// The job folder.
    pub job_dir: PathBuf,
    /// What records call the job: its folder, relative to the root where it lies below it.
    pub job_key: String,
    /// Sorted by path.
    pub sources: Vec<SourceFile>,
    /// Files below the sources folder that no pattern takes.
    pub ignored_files: u64,
    /// The first of them.
    pub ignored: Vec<PassedOver>,
    /// What is below the sources folder and cannot be a source.
    pub refused: Vec<PassedOver>,
    pub selection: Selection,
    /// From the job's manifest; passes that it does not name are PENDING.
    pub prior: BTreeMap<Pass, Prior>,
    /// Rules of no pass whose record in the manifest says SUCCESS, by name, with the documents that fell out in them.
    pub prior_rules: BTreeMap<String, Vec<Quarantined>>,
    pub on_error: OnError,
    pub barrier: Barrier,
    pub jobs: usize,
    /// How processes for built-ins are started.
    pub workers: WorkerSetup,
    pub judge: &'a dyn Judge,
    /// The environment that rules may declare.
    pub env: Environment,
    /// Given to every command.
    pub base_env: Vec<(String, String)>,
    /// What an action of a built-in may use up. In no key.
    pub limits: Limits,
    pub keep_going: bool,
    /// Run again what failed or was rejected for the same inputs.
    pub retry: bool,
    /// What to adopt as it was edited by hand, and what no longer.
    pub adopting: Adopting,
    /// Accept artifacts that lost more of their items than their gate allows.
    pub allow_drop: bool,
    /// Whether the job folder is brought up to date; if not (a target restricted to one source), results stay in the cache.
    pub publish: bool,
    /// Where bytes go that were never ours and stand where something is published.
    pub rejected_dir: PathBuf,
    /// Of this build: records name it, keys do not.
    pub build_id: String,
    /// How much the cache may hold of what nothing needs.
    pub bounds: Bounds,
    /// When the build began, in seconds since 1970.
    pub now_s: i64,
    /// Whether the report holds what it takes to do everything again, to see whether it comes out the same.
    pub check_determinism: bool,
    /// Set by the signal handler.
    pub interrupted: Arc<AtomicBool>,
}

/// Whether a build acts or only tells what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Build,
    /// Nothing is run and nothing is written.
    Plan,
}

/// How sure it is that something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Soundness {
    /// Accepted, with known bytes.
    Good,
    /// Only when planning: it would be made first.
    Unknown,
    /// The document that it belongs to is set aside.
    Out,
    /// Failed, rejected or blocked.
    Bad,
}

/// What an action waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Condition {
    /// All actions of the rule at or below the item.
    Scope(RuleId, ItemIx),
    Pass(Pass),
    /// All actions of the pass on the source, where documents go ahead by themselves.
    Document(Pass, ItemIx),
    /// It is known which documents fell out in the rule.
    Documents(RuleId),
}

/// How far a rule is below an item.
#[derive(Clone, Copy, Debug)]
struct Progress {
    open: usize,
    soundness: Soundness,
}

/// A pass under way.
struct PassState {
    /// Rules of it that are not complete.
    open_rules: usize,
    problems: Vec<Problem>,
    failed: bool,
}

/// What a pool thread sends back.
enum Message {
    Prepared(ActionIx, Result<Vec<(Digest, Derived)>, super::derive::DeriveError>, Stretch),
    Ran(ActionIx, Box<Result<Ran, super::execute::RunError>>, Stretch),
    Judged(ActionIx, Result<Verdicts, super::gate::GateError>, Stretch),
    /// A process of this pool has ended.
    Left(usize),
    /// It was not begun: the build is over.
    Skipped,
}

/// What an action gave that ran.
struct Ran {
    result: ActionResult,
    verdicts: Verdicts,
    told: super::execute::Told,
}

/// Why a build begins again: everything done so far is in the cache.
enum Stop {
    Error(EngineError),
    /// The database knew more than the snapshot that was planned on.
    Stale,
    /// A foreign file changed under our hands.
    Changed(PathBuf),
    /// A blob is missing or damaged.
    Blob(Digest, Loss),
}

impl<E: Into<EngineError>> From<E> for Stop {
    fn from(e: E) -> Self {
        match e.into() {
            EngineError::Store(crate::store::StoreError::Blob { digest, what }) => {
                Self::Blob(digest, if what == "missing" { Loss::Missing } else { Loss::Damaged })
            }
            e => Self::Error(e),
        }
    }
}

struct Coordinator<'a, 'b> {
    setup: &'a Setup<'a>,
    mode: Mode,
    store: &'b mut Store,
    observer: &'b mut dyn Observer,
    announced: &'b mut Announced,
    room: Arc<Room>,
    workers: Arc<Workers>,
    clock_probe: Option<crate::disk::StatTuple>,

    items: Items,
    children: HashMap<(ItemIx, Range), Vec<ItemIx>>,
    source_digests: HashMap<ItemIx, Result<Digest, String>>,
    project_files: HashMap<String, Result<Digest, String>>,
    /// Files beside the sources that this attempt has read, or lets commands read, where they lie.
    looked_at: BTreeSet<PathBuf>,
    gate_files: GateFiles,
    /// What each rule's gates judge by, encoded.
    gate_lists: Vec<Arc<[u8]>>,
    gate_numbers: Numbers,
    /// What the manifests of each rule's actions share, encoded.
    declarations: HashMap<RuleId, Arc<[u8]>>,
    declaration_numbers: Numbers,
    build_number: Option<u32>,
    /// Of each rule that has one, with its tool's version; or why it cannot be had, which is asked once.
    commands: HashMap<RuleId, Result<(Arc<CommandTask>, String), String>>,
    params: Vec<Arc<serde_json::Value>>,
    pass_needs: Vec<BTreeSet<Pass>>,

    actions: Vec<Action>,
    action_at: HashMap<(RuleId, ItemIx), ActionIx>,
    progress: HashMap<(RuleId, ItemIx), Progress>,
    settled: HashMap<Condition, Soundness>,
    why_bad: HashMap<Condition, String>,
    waiting: HashMap<Condition, Vec<ActionIx>>,
    merged: HashMap<(RuleId, usize, ItemIx), Stored>,
    /// Merges and projections that were asked for; noted only where they are to be done again.
    derivations: again::Derivations,
    passes: BTreeMap<Pass, PassState>,
    quarantine: quarantine::Quarantine,
    /// Rules that became complete and are not finished yet.
    complete: Vec<RuleId>,
    finished: BTreeSet<RuleId>,
    ready: VecDeque<ActionIx>,
    queues: queues::Queues,
    /// Tools that commands name, until their actions end.
    tools: HashMap<ActionIx, String>,
    /// Messages that are still to come.
    in_flight: usize,
    /// The first pass that failed, unless the build keeps going.
    stopped_at: Option<Pass>,
    rule_problems: HashMap<RuleId, Vec<Problem>>,
    planned: Vec<PlannedAction>,
    would_publish: Vec<Write>,
    blocked_passes: Vec<(Pass, String)>,
    failures: Vec<(String, Problem)>,
    statuses: BTreeMap<Pass, Status>,
    last_commit: Instant,
    last_snapshot_cost: std::time::Duration,
    last_snapshot: Instant,
    since_commit: usize,
}
