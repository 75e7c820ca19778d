//! A build that dies, or meets a full disk, at any of its steps: what is published is whole, what is said is true, and the
//! next build ends as if nothing had happened. `ingest::fail_point` lists the steps; a traced build tells where it comes by.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use ingest::digest::Digest;
use ingest::disk;
use ingest::fail_point::FailPoint;
use ingest::store::database::Database;
use ingest::store::state::State;
use serde_json::Value;

use crate::project::{Built, Project};

/// Three passes and a rule of none: trees, merges, files per item, a gate that reads a file.
const PASSES: &str = r#"
version = 1

[job]
sources = "uploads"
include = ["*.txt"]

[cache] # old results go at once
max_size = "0 B"

[rule.passA] # a line `name word` becomes a piece of that name
each    = "source"
inputs  = { source = "source" }
command = '''
while read -r name word; do echo "$word" > {pieces}/"$name".txt; done < {source}
printf '["%s"]' "$(cut -d ' ' -f 1 {source} | tr '\n' ' ')" > {names}
'''
outputs = { pieces = "pieces/", names = "passA_names.json" }
gate    = { names = { schema = "names.schema.json" } }

[rule.passB]
each    = "passA.pieces"
inputs  = { piece = "piece" }
command = '''printf '["%s"]' "$(tr a-z A-Z < {piece})" > {out}'''
outputs = { out = "passB_shouts.json" }

[rule.passC]
inputs  = { all = "passB.out" }
command = "cat {all} > {out}"
outputs = { out = "passC_report.json" }

[rule.lower]
each    = "source"
inputs  = { source = "source" }
command = "tr A-Z a-z < {source} > {out}"
outputs = { out = "lower/{stem}.txt" }
"#;

/// What people wrote over published files.
const BY_HAND: [(&str, &str); 2] = [("passC_report.json", "[\"BY HAND\"]"), ("lower/beta.txt", "by hand\n")];

/// How a project stands when the build begins that does not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stand {
    /// Nothing was ever built.
    Fresh,
    /// A good build, and edits of every kind after it.
    Edited,
    /// The same, and the build of the edits was killed once already.
    Killed,
}

/// What a run must come to.
struct Expected {
    stand: Stand,
    /// The project, to be copied.
    project: Project,
    /// Published bytes before and after the edits, by path below the job folder.
    old: BTreeMap<String, Vec<u8>>,
    new: BTreeMap<String, Vec<u8>>,
    /// Actions that the edits make necessary.
    ran: Vec<String>,
    /// Where its build comes by, in order: the name of the place, and the end of the path.
    steps: Vec<(String, String)>,
}

/// One run: a place of one project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    stand: Stand,
    mode: &'static str,
    point: String,
    nth: usize,
    place: String,
}

fn fresh() -> Project {
    let p = Project::new(PASSES).file("names.schema.json", r#"{"type": "array"}"#);
    p.source("alpha.txt", "1 ash\n2 bat\n").source("beta.txt", "3 cow\n").source("gone.txt", "4 dog\n")
}

/// Edits of every kind but those of published files.
fn edit(p: &Project) {
    p.source("alpha.txt", "1 ash\n2 bee\n").source("delta.txt", "5 elk\n").remove("uploads/gone.txt");
    p.file("names.schema.json", r#"{"type": "array", "minItems": 1}"#);
}

/// What is published, by path below the job folder.
pub fn artifacts(p: &Project) -> BTreeMap<String, Vec<u8>> {
    if !p.exists("artifacts/ingest/dev/current") {
        return BTreeMap::new();
    }
    let tree = p.tree(&p.job()).into_iter().map(|(path, (_, bytes))| (path, bytes));
    tree.filter(|(path, _)| path != "manifest.json" && !path.starts_with("logs/")).collect()
}

fn traced(p: &Project) -> (Built, Vec<(String, String)>) {
    let built = p.build(&["-j1", "--log-level", "trace", "--log-file", "trace.log"]);
    let text = p.text("trace.log");
    let lines = text.lines().filter_map(|l| l.split_once("ingest::fail_point: [")?.1.split_once("] "));
    (built, lines.map(|(point, path)| (point.to_owned(), place_of(path))).collect())
}

/// The end of a path that is the same in every run; "" if there is none.
fn place_of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let differs = path.contains("/staging/") || path.contains("/cas/") || name.starts_with("job_") || name.starts_with("b_");
    if differs { String::new() } else { name.to_owned() }
}

impl Expected {
    fn new(stand: Stand) -> Self {
        let mut p = fresh();
        let mut old = BTreeMap::new();
        if stand != Stand::Fresh {
            p.build(&[]).ok();
            old = artifacts(&p);
            edit(&p);
            for (path, text) in BY_HAND {
                p.file(&p.published(path), text);
            }
        }
        if stand == Stand::Killed {
            p.env("INGEST_FAIL_POINT", "die temporary-filled 2 manifest.json").build(&["-j1"]);
            assert!(p.tree("artifacts").keys().any(|f| f.contains(disk::LEFTOVER_PREFIX)), "nothing was left to be swept");
            // A folder of a command, as a kill leaves it.
            p.file("cache/staging/1-0/inputs/source.txt", "half");
        }
        let whole = p.copy();
        let (built, steps) = traced(&whole);
        built.ok();
        let scratch = fresh();
        if stand != Stand::Fresh {
            edit(&scratch);
        }
        scratch.build(&[]).ok();
        p = p.copy();
        Self { stand, project: p, old, new: artifacts(&scratch), ran: built.with_outcome("ran"), steps }
    }

    /// The places of its build, but for those that `but` has as well: of each the first and the last time that it comes by.
    fn runs(&self, but: Option<&Self>) -> Vec<Run> {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut all: BTreeMap<&str, usize> = BTreeMap::new();
        for (point, place) in &self.steps {
            *counts.entry((point, place)).or_default() += 1;
            *all.entry(point).or_default() += 1;
        }
        let mut runs = BTreeSet::new();
        let is_known = |point: &str, place: &str| but.is_some_and(|b| b.steps.iter().any(|s| s.0 == point && s.1 == place));
        for ((point, place), count) in counts.into_iter().filter(|((point, place), _)| !is_known(point, place)) {
            // How many batches there are depends on time; two there always are. Without a place, all files are counted.
            let by_time = point.starts_with("batch") || point == "blobs-to-sync" || place.starts_with("state.snapshot");
            let times = match place {
                _ if by_time => vec![1, count.min(2)],
                "" => vec![1, all[point].div_ceil(2)],
                "manifest.json" => (1..=count).collect(),
                _ => vec![1, count],
            };
            for nth in times {
                let run = |mode| Run { stand: self.stand, mode, point: point.to_owned(), nth, place: place.to_owned() };
                runs.insert(run("die"));
                // What has its new name cannot fail to have got it.
                if nth == 1 && point != "file-renamed" {
                    runs.insert(run("full"));
                }
            }
        }
        runs.into_iter().collect()
    }

    fn try_run(&self, run: &Run) {
        let p = if self.stand == Stand::Fresh { fresh() } else { self.project.copy() };
        let known = committed(&p);
        let armed = p.env("INGEST_FAIL_POINT", &format!("{} {} {} {}", run.mode, run.point, run.nth, run.place));
        let broken = armed.build(&["-j1"]);
        if run.mode == "die" {
            assert_eq!(broken.code, None, "it did not die: {broken:?}");
        } else if broken.code != Some(0) {
            // What saves time only (a stamp, a picture) may fail unheard.
            broken.fails(1).stderr_has("no storage space").stderr_has(&run.place);
            // What could not be swept is told to the next build.
            if self.stand != Stand::Killed {
                p.leaves_nothing_behind();
            }
        }
        self.what_is_published_is_whole(&p);
        self.what_is_said_is_true(&p);
        p.run(&["status"]).ok();
        p.run(&["why", "passC"]).ok();
        let done = finished_since(&known.state, &committed(&p).state);
        let next = p.build(&["-j1"]);
        next.ok();
        let ran = next.with_outcome("ran");
        assert_eq!(ran.iter().filter(|a| done.contains(*a)).collect::<Vec<_>>(), Vec::<&String>::new(), "ran once more");
        assert_eq!(ran.iter().filter(|a| !self.ran.contains(a)).collect::<Vec<_>>(), Vec::<&String>::new(), "ran in vain");
        self.all_is_as_if_nothing_had_happened(&p);
        p.build(&[]).nothing_to_do();
    }

    /// Each file holds its old bytes or its new ones, or what somebody wrote.
    fn what_is_published_is_whole(&self, p: &Project) {
        for (path, bytes) in artifacts(p).iter().filter(|(path, _)| !path.contains(disk::LEFTOVER_PREFIX)) {
            let by_hand = BY_HAND.iter().any(|(name, text)| name == path && text.as_bytes() == bytes);
            let whole = [&self.old, &self.new].iter().any(|t| t.get(path) == Some(bytes)) || by_hand;
            assert!(whole, "`{path}` is neither old nor new: {:?}", String::from_utf8_lossy(bytes));
        }
    }

    /// What the manifest calls a success is on the disk as it says.
    fn what_is_said_is_true(&self, p: &Project) {
        if !p.exists("artifacts/ingest/dev/current") || !p.exists(&p.published("manifest.json")) {
            return;
        }
        let manifest = p.manifest();
        let files = artifacts(p);
        for record in [&manifest["passes"], &manifest["rules"]].into_iter().filter_map(Value::as_object).flatten() {
            let good = record.1["status"] == "SUCCESS";
            for artifact in record.1["artifact_records"].as_array().into_iter().flatten().filter(|_| good) {
                let name = artifact["name"].as_str().unwrap();
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                let is_of_it = |path: &str| path == name || (!folder.is_empty() && path.starts_with(&format!("{folder}/")));
                let of_it: BTreeMap<_, _> = files.iter().filter(|(path, _)| is_of_it(path)).collect();
                let by_hand = |path: &str, bytes: &[u8]| BY_HAND.iter().any(|(n, t)| *n == path && t.as_bytes() == bytes);
                if of_it.iter().any(|(path, bytes)| by_hand(path, bytes)) {
                    continue;
                }
                assert_eq!(artifact["digest"], digest_of(folder, &of_it).to_hex(), "{} of {}: {manifest:#}", name, record.0);
            }
        }
    }

    fn all_is_as_if_nothing_had_happened(&self, p: &Project) {
        p.leaves_nothing_behind();
        assert_eq!(artifacts(p).keys().collect::<Vec<_>>(), self.new.keys().collect::<Vec<_>>());
        assert_eq!(artifacts(p), self.new);
        assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D PENDING, E PENDING, F PENDING");
        self.what_is_said_is_true(p);
        let jobs = p.path("artifacts/ingest/dev").read_dir().unwrap();
        assert_eq!(jobs.filter(|e| e.as_ref().unwrap().path().is_dir()).count(), 1, "more than one job");
        assert!(p.log().iter().all(|line| line["event"].is_string()));
        let kept: BTreeSet<Vec<u8>> = p.tree("cache/rejected").into_values().map(|(_, bytes)| bytes).collect();
        let by_hand = BY_HAND.iter().filter(|_| self.stand != Stand::Fresh).map(|(_, text)| text.as_bytes().to_vec());
        assert_eq!(kept, by_hand.collect(), "kept");
    }
}

/// As the engine names an artifact: a file's digest, or that of the names and digests of a folder.
fn digest_of(folder: &str, files: &BTreeMap<&String, &Vec<u8>>) -> Digest {
    if folder.is_empty() {
        return files.values().next().map_or_else(|| Digest::of(b""), |bytes| Digest::of(bytes));
    }
    let mut hasher = blake3::Hasher::new();
    for (path, bytes) in files {
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path.as_bytes());
        hasher.update(Digest::of(bytes).as_bytes());
    }
    Digest::of_hasher(&hasher)
}

/// What the database held, in a copy of it.
#[derive(Default)]
pub struct Committed {
    pub state: State,
    copy: Option<(Database, tempfile::TempDir)>,
}

impl Drop for Committed {
    fn drop(&mut self) {
        self.state = State::default();
        self.copy = None;
    }
}

pub fn committed(p: &Project) -> Committed {
    let copy = tempfile::tempdir().unwrap();
    let at = copy.path().join("state.redb");
    if std::fs::copy(p.path("cache/state.redb"), &at).is_err() {
        return Committed::default();
    }
    let database = Database::open(&at).unwrap();
    let state = State::stored(database.generation().unwrap(), &database.reading().unwrap());
    Committed { state, copy: Some((database, copy)) }
}

/// Actions, as builds name them, whose accepted result came into the database meanwhile.
fn finished_since(before: &State, after: &State) -> BTreeSet<String> {
    let is_new = |name: &String, key: &Digest| before.last.get(name).is_none_or(|l| l.key != *key);
    let done = after.last.iter().filter(|(name, l)| l.accepted && is_new(name, &l.key) && after.results.get(&l.key).is_some());
    done.map(|(name, _)| name.split('\0').skip(1).collect::<Vec<_>>().join(" ").trim_end().to_owned()).collect()
}

/// Does `work` on each of `all` on every core; the ones that it panicked on.
pub fn failing<T: Sync + std::fmt::Debug>(all: &[T], work: impl Fn(&T) + Sync) -> Vec<String> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, std::sync::atomic::Ordering::SeqCst)) {
                    if catch_unwind(AssertUnwindSafe(|| work(one))).is_err() {
                        failed.lock().unwrap().push(format!("{one:?}"));
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

#[test]
fn a_build_that_breaks_off_at_any_step_loses_nothing_and_is_finished_by_the_next() {
    let stands = [Stand::Fresh, Stand::Edited, Stand::Killed].map(Expected::new);
    let reached: BTreeSet<&str> = stands.iter().flat_map(|e| &e.steps).map(|(point, _)| point.as_str()).collect();
    // Those of workers are for `isolation`: no command comes by.
    let listed: BTreeSet<&str> = FailPoint::ALL.iter().map(|p| p.name()).filter(|p| !p.starts_with("worker-")).collect();
    assert_eq!(reached, listed, "a step that no build here comes by, or that is not traced");
    let [fresh, edited, killed] = &stands;
    let runs: Vec<Run> = [edited.runs(None), fresh.runs(Some(edited)), killed.runs(Some(edited))].concat();
    let failed = failing(&runs, |run| stands.iter().find(|e| e.stand == run.stand).unwrap().try_run(run));
    assert_eq!(failed, Vec::<String>::new(), "of {} runs", runs.len());
}
