//! Everything done a second time, to see whether it comes out the same: each action from the same inputs in another folder,
//! the last first, on another number of threads; each merge and projection once more. Nothing of the second time is stored
//! or published; where it differs, both versions are kept for people to compare. Knows no clock and no terminal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{CommandError, Room};
use super::derive::{self, DeriveError};
use super::error::EngineError;
use super::execute::{self, How, RunError, Task};
use super::observe::{ActionName, Event, Observer, Problem};
use super::workers::{WorkerError, Workers};
use crate::builtin::{Failure, FailureKind};
use crate::disk;
use crate::store::Store;
use crate::store::cas::Cas;
use crate::store::records::{ActionResult, Derived};

mod place;
mod versions;

use versions::Versions;

/// Below staging: deeper than where a build runs things, and with a longer name, so that what tells of its folder is found out.
const FOLDER: &str = "second-time/in-another-folder";
/// Archives keep times in steps of two seconds: an action that has just run is done again when such a clock has moved on.
const CLOCK_STEP: Duration = Duration::from_millis(2_100);
const TICK: Duration = Duration::from_millis(50);

/// All that a build has done or found done.
#[derive(Default)]
pub struct Done {
    /// In the order of the build.
    pub actions: Vec<Known>,
    pub derivations: Vec<Derivation>,
}

impl std::fmt::Debug for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Done({} actions, {} derivations)", self.actions.len(), self.derivations.len())
    }
}

/// An action with what it came to, in this build or in the one that the cache remembers.
pub struct Known {
    pub name: ActionName,
    pub task: Task,
    /// Paths of its outputs, as they are published where the name tells of the item; else as the rule declares them.
    pub paths: Vec<String>,
    pub first: ActionResult,
    /// In this build.
    pub has_just_run: bool,
}

/// A merge or a projection with what it came to.
pub struct Derivation {
    /// The rule whose output it is made from, and the item that it is made for ("" for the job).
    pub name: ActionName,
    pub path: String,
    pub work: derive::Work,
    pub first: Derived,
}

impl Derivation {
    fn what(&self) -> &'static str {
        match self.work {
            derive::Work::Merge { .. } => "the merge",
            derive::Work::Project { .. } => "the projection",
        }
    }
}

/// What came out in two ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    #[serde(flatten)]
    pub action: ActionName,
    /// Path of the output below the job folder, or of what is merged there; of a tree, with the name of the first file that
    /// differs. Null if the action failed one time.
    pub output: Option<String>,
    /// One sentence: what differs, where, and how.
    pub message: String,
    /// JSON pointer of the first value that differs, if both versions are JSON.
    pub pointer: Option<String>,
    /// Otherwise, the first byte that differs.
    pub offset: Option<u64>,
    /// What stands there, the first time and the second; cut to some 60 characters.
    pub first: String,
    pub second: String,
    /// Folder with both versions (`first/`, `second/`); null if there are no two.
    pub kept: Option<String>,
}

impl Difference {
    /// One about `action`, to be filled in.
    fn of(action: &ActionName) -> Self {
        let (output, pointer, offset, kept) = (None, None, None, None);
        let (message, first, second) = (String::new(), String::new(), String::new());
        Self { action: action.clone(), output, message, pointer, offset, first, second, kept }
    }
}

/// What came of doing everything twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checked {
    /// Actions that were run a second time.
    pub actions: u64,
    /// Merges and projections that were made a second time.
    pub derivations: u64,
    /// Of both, how many came out differently.
    pub differ: u64,
    /// Of both, how many could not be done again, so that nothing is known of them.
    pub open: u64,
}

impl Checked {
    /// Whether everything was done twice and came out the same.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.differ + self.open == 0
    }
}

/// What the second time is told.
pub struct Again<'a> {
    pub root: &'a Path,
    pub store: &'a Store,
    pub base_env: &'a [(String, String)],
    /// Tells the items of a JSON file.
    pub count: &'a (dyn Fn(&[u8]) -> Option<u64> + Sync),
    /// Threads of the first time: the second has another number.
    pub jobs: usize,
    /// Where both versions of what differs are kept.
    pub keep_in: PathBuf,
    /// Takes what must not be shown out of a text.
    pub redact: fn(&str) -> String,
    pub interrupted: &'a AtomicBool,
}

/// What runs the second time: other places and other processes.
struct Means {
    room: Arc<Room>,
    /// None where no built-in runs.
    workers: Option<Arc<Workers>>,
}

/// What a thread has to say of one action or derivation.
enum Found {
    Same,
    Differs(Box<Difference>),
    /// It could not be done again.
    Open(Problem),
    Interrupted,
}

/// Does all of `done` again. Differences are told in the order of the build, then what it came to as a whole.
///
/// # Errors
/// If it is interrupted, or cannot write to its folder.
pub fn run(done: &Done, again: &Again<'_>, observer: &mut dyn Observer) -> Result<Checked, EngineError> {
    again.store.begin()?;
    let folder = again.store.staging().join(FOLDER);
    disk::create_dir_all(&folder.join("staging"))?;
    let cas = Cas::over(folder.join("cas"), again.store.cas.clone());
    let rooms = folder.join("rooms");
    let rooms = rooms.strip_prefix(again.root).map(Path::to_path_buf).unwrap_or(rooms);
    let room = Arc::new(Room::new(again.root.to_path_buf(), rooms, again.base_env.to_vec()));
    let first_workers = done.actions.iter().find_map(|k| match &k.task.how {
        How::Builtin { workers, .. } => Some(workers),
        How::Command(_) => None,
    });
    let means = Means { room, workers: first_workers.map(|w| Arc::new(w.another())) };
    let found = found(done, again, &cas, &means);
    disk::remove_dir_all(&again.store.staging())?;
    let found = found?;
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let mut checked =
        Checked { actions: count(done.actions.len()), derivations: count(done.derivations.len()), ..Checked::default() };
    let mut tell = |event: Event| observer.on(&event).map_err(EngineError::from);
    for (ix, found) in found.into_iter().enumerate() {
        match found {
            Found::Same => {}
            Found::Differs(difference) => {
                checked.differ += 1;
                tell(Event::Differs(*difference))?;
            }
            Found::Open(problem) => {
                checked.open += 1;
                let name = name_at(done, ix);
                let causes = problem.causes.iter().fold(String::new(), |all, cause| format!("{all}: {cause}"));
                let message = format!("`{}` could not be done again: {}{causes}", label(name), problem.message);
                tell(Event::Warning { message })?;
            }
            Found::Interrupted => return Err(EngineError::Interrupted),
        }
    }
    tell(Event::Checked(checked))?;
    Ok(checked)
}

fn name_at(done: &Done, ix: usize) -> &ActionName {
    done.actions.get(ix).map_or_else(|| &done.derivations[ix - done.actions.len()].name, |known| &known.name)
}

fn label(name: &ActionName) -> String {
    format!("{} {}", name.rule, name.item).trim_end().to_owned()
}

/// What was found, actions first, in the order of `done`.
fn found(done: &Done, again: &Again<'_>, cas: &Cas, means: &Means) -> Result<Vec<Found>, EngineError> {
    let threads = if again.jobs > 1 { 1 } else { 2 };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("second {i}")).build();
    let pool = pool.map_err(|e| EngineError::Threads(e.to_string()))?;
    let is_command = |k: &Known| matches!(k.task.how, How::Command(_));
    if done.actions.iter().any(|k| k.has_just_run && is_command(k)) {
        let mut slept = Duration::ZERO;
        while slept < CLOCK_STEP && !again.interrupted.load(Ordering::SeqCst) {
            std::thread::sleep(TICK);
            slept += TICK;
        }
    }
    let total = done.actions.len() + done.derivations.len();
    let cancelled = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    let mut all: Vec<Found> = Vec::with_capacity(total);
    all.resize_with(total, || Found::Interrupted);
    pool.in_place_scope(|scope| {
        // The last first: what comes out must not hang on what came before.
        for ix in (0..total).rev() {
            let (sender, cancelled) = (sender.clone(), &cancelled);
            scope.spawn(move |_| {
                let found = match done.actions.get(ix) {
                    _ if cancelled.load(Ordering::SeqCst) => Found::Interrupted,
                    Some(known) => run_again(known, again, cas, means),
                    None => derive_again(&done.derivations[ix - done.actions.len()], again, cas),
                };
                let _ = sender.send((ix, found));
            });
        }
        let mut open = total;
        while open > 0 {
            match receiver.recv_timeout(TICK) {
                Ok((ix, found)) => {
                    all[ix] = found;
                    open -= 1;
                }
                Err(_) => {
                    means.room.end_overdue();
                    means.workers.iter().for_each(|w| w.end_overdue());
                }
            }
            if again.interrupted.load(Ordering::SeqCst) && !cancelled.swap(true, Ordering::SeqCst) {
                means.room.end_all();
                means.workers.iter().for_each(|w| w.end_all());
            }
        }
    });
    Ok(all)
}

fn run_again(known: &Known, again: &Again<'_>, cas: &Cas, means: &Means) -> Found {
    let task = &known.task;
    let (how, env) = match &task.how {
        How::Builtin { builtin, params, workers } => {
            let workers = means.workers.as_ref().unwrap_or(workers).clone();
            (How::Builtin { builtin, params: params.clone(), workers }, &[][..])
        }
        How::Command(command) => (How::Command(Arc::new(command.in_room(means.room.clone()))), &command.env[..]),
    };
    let second = Task { how, ..task.clone() };
    let made = execute::run(&second, cas, again.count);
    let failed = |message: String| Found::Differs(Box::new(Difference { message, ..Difference::of(&known.name) }));
    match (&known.first.failure, made) {
        (_, Err(RunError::Command(CommandError::Ended) | RunError::Worker(WorkerError::Ended))) => Found::Interrupted,
        (_, Err(e @ (RunError::Changed(_) | RunError::Store(_) | RunError::Disk(_)))) => Found::Open(Problem::of(&e)),
        (None, Ok(made)) => match Versions::new(&known.name, again, cas, env).of_action(known, &made) {
            Ok(None) => Found::Same,
            Ok(Some(difference)) => Found::Differs(Box::new(difference)),
            Err(e) => Found::Open(Problem::of(&e)),
        },
        (None, Err(e)) => failed(format!("it failed the second time: {}", told(&e))),
        (Some(first), Ok(_)) => failed(format!("it failed the first time, and not the second: {first}")),
        (Some(first), Err(e)) if is_same_failure(first, &e) => Found::Same,
        (Some(first), Err(e)) => failed(format!("it failed in two ways: {first}; then: {}", told(&e))),
    }
}

fn is_same_failure(first: &Failure, second: &RunError) -> bool {
    match second {
        RunError::Failure(second) => first == second,
        RunError::Panic { .. } => first.kind == FailureKind::Panic,
        _ => false,
    }
}

fn told(error: &dyn std::error::Error) -> String {
    let problem = Problem::of(error);
    problem.causes.iter().fold(problem.message, |all, cause| format!("{all}: {cause}"))
}

fn derive_again(derivation: &Derivation, again: &Again<'_>, cas: &Cas) -> Found {
    let first = &derivation.first;
    match derive::compute(&derivation.work, cas, again.count) {
        Ok(second) if second == *first => Found::Same,
        Ok(second) => match Versions::new(&derivation.name, again, cas, &[]).of_derivation(derivation, &second) {
            Ok(difference) => Found::Differs(Box::new(difference)),
            Err(e) => Found::Open(Problem::of(&e)),
        },
        Err(DeriveError::Failure(failure)) => {
            let message = format!("{} failed the second time: {failure}", derivation.what());
            Found::Differs(Box::new(Difference { message, ..Difference::of(&derivation.name) }))
        }
        Err(e @ DeriveError::Store(_)) => Found::Open(Problem::of(&e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::{Level, Merge};
    use crate::engine::derive::{PieceOf, Work};
    use crate::store::records::StoredFile;

    #[derive(Default)]
    struct Heard(Vec<Event>);

    impl Observer for Heard {
        fn on(&mut self, event: &Event) -> Result<(), crate::engine::observe::Unheard> {
            self.0.push(event.clone());
            Ok(())
        }
    }

    fn put(store: &Store, text: &str) -> StoredFile {
        StoredFile { digest: store.cas.put(text.as_bytes()).unwrap(), bytes: text.len() as u64, items: 1 }
    }

    /// What is heard of a merge of `[1]` and `[2]` that came to `first`; the folder of the cache.
    fn merged_again(first: &str) -> (tempfile::TempDir, Vec<Event>) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::read(&dir.path().join("cache"));
        disk::create_dir_all(&store.staging()).unwrap();
        let first = put(&store, first);
        let piece = |id: &str, text| PieceOf { item_id: id.to_owned(), attrs: String::new(), file: put(&store, text) };
        let pieces = vec![piece("a", "[1]"), piece("b", "[2]")];
        let work = Work::Merge { merge: Merge::Splice, level: Level::AcrossSources, pieces };
        let name = ActionName { rule: "list".to_owned(), item: String::new() };
        let first = Derived { digest: first.digest, bytes: first.bytes, items: first.items };
        let derivations = vec![Derivation { name, path: "list.json".to_owned(), work, first }];
        let again = Again {
            root: dir.path(),
            store: &store,
            base_env: &[],
            count: &|_| Some(1),
            jobs: 2,
            keep_in: dir.path().join("kept"),
            redact: str::to_owned,
            interrupted: &AtomicBool::new(false),
        };
        let mut heard = Heard::default();
        run(&Done { actions: Vec::new(), derivations }, &again, &mut heard).unwrap();
        assert!(!disk::exists(&store.staging()));
        (dir, heard.0)
    }

    #[test]
    fn a_merge_that_comes_out_the_same_is_only_counted() {
        let (dir, heard) = merged_again("[1,\n2]");
        assert_eq!(heard, [Event::Checked(Checked { derivations: 1, ..Checked::default() })]);
        assert!(!disk::exists(&dir.path().join("kept")));
    }

    #[test]
    fn a_merge_that_differs_is_told_and_kept_and_stored_nowhere() {
        let (dir, heard) = merged_again("[1,\n3]");
        let [Event::Differs(difference), Event::Checked(Checked { differ: 1, .. })] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(difference.message, "the merge of `list.json` differs at /1: 3 the first time, 2 the second");
        assert_eq!(disk::read(&dir.path().join("kept/list/second/list.json")).unwrap(), b"[1,\n2]");
        let second = crate::digest::Digest::of(b"[1,\n2]");
        assert!(!Store::read(&dir.path().join("cache")).cas.has(&second));
    }

    #[test]
    fn failures_are_the_same_by_kind_and_message() {
        let failure = |kind, message| Failure::new(kind, message);
        let first = failure(FailureKind::NotReadable, "it is no PDF");
        assert!(is_same_failure(&first, &RunError::Failure(first.clone())));
        assert!(!is_same_failure(&first, &RunError::Failure(failure(FailureKind::NotReadable, "it is not"))));
        assert!(!is_same_failure(&first, &RunError::Failure(failure(FailureKind::Limit, "it is no PDF"))));
    }
}
