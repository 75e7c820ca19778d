//! The short way to "nothing to do": whether everything that the last good build rested on is still as it was.
//! Any doubt leads to the long way, which looks at every action.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use super::project::Project;
use crate::digest::Digest;
use crate::disk::{self, StatTuple};
use crate::engine::Setup;
use crate::engine::files::index_key;
use crate::engine::graph::Run;
use crate::job::folder::JobFolder;
use crate::passes;
use crate::sources::Found;
use crate::store::Store;
use crate::store::idle::{self, Idle};

/// Stamps of files that are only looked at must be this old before they can be trusted: a later write within one step of
/// the file system's clock would leave them equal.
const SETTLED: Duration = Duration::from_secs(2);

/// The question of a plain build: everything it depends on that is no file.
#[must_use]
pub fn question(project: &Project, job: &JobFolder) -> Digest {
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
    for rule in &project.loaded.graph.rules {
        if let Run::Command(command) = &rule.run {
            for name in &command.env {
                add(name.as_bytes());
                add(environment.get(name).map_or("", String::as_str).as_bytes());
            }
        }
    }
    Digest::of_hasher(&h)
}

/// The number of documents that are set aside, if the last good build's answer still stands.
#[must_use]
pub fn stands(project: &Project, question: Digest, found: &Found) -> Option<u64> {
    let idle = Idle::read(&project.cache().join(idle::NAME))?;
    idle.holds(question, found.sources.iter().map(|s| s.file.as_path())).then_some(idle.quarantined)
}

/// Files other than sources and what is published: the Ingestfile's schemas and inputs, the manifest, this program.
fn witnesses(project: &Project, job: &JobFolder) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = project.loaded.project_files().map(|f| project.root.join(f)).collect();
    files.extend(std::env::current_exe());
    files.push(job.manifest_path());
    files
}

/// Remembers what a build that ended well, but for `quarantined` documents, rested on, if all of it can be trusted.
pub fn remember(project: &Project, job: &JobFolder, setup: &Setup<'_>, store: &Store, question: Digest, quarantined: u64) {
    let idle = ground(project, job, setup, store, question).map(|idle| Idle { quarantined, ..idle });
    let path = project.cache().join(idle::NAME);
    // It only saves time: a cache that cannot be written is told by whoever must write it.
    match idle {
        Some(idle) => drop(idle.write(&path)),
        None => drop(disk::remove_file(&path)),
    }
}

fn ground(project: &Project, job: &JobFolder, setup: &Setup<'_>, store: &Store, question: Digest) -> Option<Idle> {
    let asks_tools = |run: &Run| matches!(run, Run::Command(c) if c.version.is_some());
    if setup.graph.rules.iter().any(|r| asks_tools(&r.run)) {
        return None;
    }
    let mut sources = Vec::with_capacity(setup.sources.len());
    for source in &setup.sources {
        let entry = store.state.files.get(&index_key(&source.file)).filter(|e| e.settled)?;
        sources.push((source.file.clone(), entry.stat));
    }
    let prefix = format!("{}\0", setup.job_key);
    let published = store.state.published.range_from(prefix.as_str()).take_while(|(key, _)| key.starts_with(&prefix));
    let mut files: Vec<(PathBuf, StatTuple)> = Vec::new();
    for (key, record) in published {
        if !setup.graph.rules.iter().any(|r| r.name == record.rule) {
            return None;
        }
        files.push((setup.job_dir.join(&key[prefix.len()..]), record.stat));
    }
    let now = (project.clock)().duration_since(UNIX_EPOCH).ok()?;
    let manifest = job.manifest_path();
    for path in witnesses(project, job) {
        let stat = disk::stat(&path).ok().flatten()?;
        if path != manifest && !is_settled(&stat, now) {
            return None;
        }
        files.push((path, stat));
    }
    Some(Idle { question: Some(question), sources, files, quarantined: 0 })
}

fn is_settled(stat: &StatTuple, now: Duration) -> bool {
    let newest = u64::try_from(stat.mtime_ns.max(stat.ctime_ns)).unwrap_or(u64::MAX);
    Duration::from_nanos(newest) + SETTLED < now
}
