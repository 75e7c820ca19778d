//! The short way to "nothing to do": whether everything that the last good build rested on is still as it was.
//! Any doubt leads to the long way, which looks at every action.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::project::Project;
use crate::digest::Digest;
use crate::disk::{self, StatTuple};
use crate::engine::Setup;
use crate::engine::files::index_key;
use crate::engine::gate_files::GateFiles;
use crate::engine::probe;
use crate::job::folder::JobFolder;
use crate::passes;
use crate::sources::Found;
use crate::store::Store;
use crate::store::idle::{self, Idle};

/// Stamps of a file that is never hashed must be this old before they can be trusted: a later write within one step of the
/// file system's clock would leave them equal.
const SETTLED: Duration = Duration::from_secs(2);

/// Everything that a plain build depends on and that is no file of the project.
pub struct Question {
    digest: Digest,
    /// This program, as it was when it began.
    program: Option<(PathBuf, StatTuple)>,
}

/// The question of a plain build.
#[must_use]
pub fn question(project: &Project, job: &JobFolder) -> Question {
    let mut h = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        h.update(&(part.len() as u64).to_le_bytes());
        h.update(part);
    };
    add(env!("CARGO_PKG_VERSION").as_bytes());
    passes::BUILTINS.iter().for_each(|b| add(b.fingerprint.as_bytes()));
    add(project.text.as_bytes());
    add(job.path.to_string_lossy().as_bytes());
    let environment = super::project::environment();
    for name in project.loaded.graph.commands().flat_map(|command| &command.env) {
        add(name.as_bytes());
        // Not set is not the same as empty.
        let value = environment.get(name);
        add(&[u8::from(value.is_some())]);
        add(value.unwrap_or_default().as_bytes());
    }
    // Where a tool is found, and what it sees when it is asked for its version.
    let base_env = super::project::base_env(&environment);
    for words in project.loaded.graph.commands().filter_map(|c| c.version.as_deref()) {
        let program = tool(project, words, &base_env);
        add(probe::key(words, program.as_deref().unwrap_or(Path::new("")), &base_env).as_bytes());
    }
    let program = std::env::current_exe().ok();
    let program = program.and_then(|path| disk::stat(&path).ok().flatten().map(|stat| (path, stat)));
    Question { digest: Digest::of_hasher(&h), program }
}

/// The program that is asked for a version.
fn tool(project: &Project, words: &[String], base_env: &[(String, String)]) -> Option<PathBuf> {
    probe::find(words.first()?, &project.root, base_env)
}

/// The number of documents that are set aside, if the last good build's answer still stands.
#[must_use]
pub fn stands(project: &Project, question: &Question, found: &Found) -> Option<u64> {
    let idle = Idle::read(&project.cache().join(idle::NAME))?;
    idle.holds(question.digest, found.sources.iter().map(|s| s.file.as_path())).then_some(idle.quarantined)
}

/// Remembers what a build that ended well, but for `quarantined` documents, rested on, if all of it can be trusted.
pub fn remember(project: &Project, job: &JobFolder, setup: &Setup<'_>, store: &Store, question: &Question, quarantined: u64) {
    let idle = ground(project, job, setup, store, question).map(|idle| Idle { quarantined, ..idle });
    let path = project.cache().join(idle::NAME);
    // It only saves time: a cache that cannot be written is told by whoever must write it.
    match idle {
        Some(idle) => drop(idle.write(&path)),
        None => drop(disk::remove_file(&path)),
    }
}

/// Files that were read are taken as they were when they were hashed, never as they are now: an edit during the build must
/// not pass for what it was made from.
fn ground(project: &Project, job: &JobFolder, setup: &Setup<'_>, store: &Store, question: &Question) -> Option<Idle> {
    let hashed =
        |path: &Path| store.state.files.peek(&index_key(path)).filter(|e| e.settled).map(|e| (path.to_path_buf(), e.stat));
    let sources = setup.sources.iter().map(|s| hashed(&s.file)).collect::<Option<Vec<_>>>()?;
    let names = setup.graph.rules.iter().flat_map(|r| &r.gates).flat_map(|g| &g.files).map(String::as_str);
    let gate_files = GateFiles::from_disk(&project.root, names, &project.gates).ok()?;
    let named: BTreeSet<&str> = project.loaded.project_files().chain(gate_files.paths()).collect();
    let mut files = named.into_iter().map(|f| hashed(&project.root.join(f))).collect::<Option<Vec<_>>>()?;
    for words in project.loaded.graph.commands().filter_map(|c| c.version.as_deref()) {
        files.push(hashed(&tool(project, words, &setup.base_env)?)?);
    }
    let prefix = format!("{}\0", setup.job_key);
    let published = store.state.published.range_from(prefix.as_str()).take_while(|(key, _)| key.starts_with(&prefix));
    for (key, record) in published {
        if !setup.graph.rules.iter().any(|r| r.name == record.rule) {
            return None;
        }
        files.push((setup.job_dir.join(&key[prefix.len()..]), record.stat));
    }
    let now = (project.clock)().duration_since(UNIX_EPOCH).ok()?;
    files.push(question.program.clone().filter(|(_, stat)| is_settled(stat, now))?);
    let manifest = job.manifest_path();
    let stat = disk::stat(&manifest).ok().flatten()?;
    files.push((manifest, stat));
    Some(Idle { question: Some(question.digest), sources, files, quarantined: 0 })
}

fn is_settled(stat: &StatTuple, now: Duration) -> bool {
    let newest = u64::try_from(stat.mtime_ns.max(stat.ctime_ns)).unwrap_or(u64::MAX);
    Duration::from_nanos(newest) + SETTLED < now
}
