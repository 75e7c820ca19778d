//! `ingest clean`: removes what was published. What is not recorded as ours is never removed: files with bytes that are not
//! ours are kept aside, folders without our mark are refused.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::args::{Clean, Global, JobArgs};
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::project::Project;
use super::render;
use crate::digest::Digest;
use crate::disk::{self, DiskError, Kind};
use crate::engine::observe::{ArtifactRecord, Status};
use crate::job::folder::{self, JobFolder};
use crate::job::manifest::{self, Manifest, Record};
use crate::job::{Clock, build_id, rejected};
use crate::store::lock::{Asked, BuildLock};
use crate::store::records::Published;
use crate::store::state::State;
use crate::store::{self, Store, StoreError};

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a target that is not known, 1 if another build runs, a folder is refused, or the disk refuses.
pub fn run(args: &Clean, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let project = Project::open(global, console, clock)?;
    if args.all && args.job != JobArgs::default() {
        let error = CliError::new(ErrorKind::Usage, "`--all` is about every job of every environment");
        return Err(error.hint("leave out `--env`, `--job` and `--job-dir`"));
    }
    // Before anything else: opening the cache for writing would put our mark on it.
    let homes = if args.all { all_ours(&project)? } else { Vec::new() };
    let cache = project.cache();
    let has_cache = disk::is_dir(&cache);
    let _lock = if args.dry_run || !has_cache { None } else { Some(lock(&cache)?) };
    let mut store = Store::read(&cache);
    if !args.dry_run && has_cache && disk::is_file(&cache.join("state.redb")) {
        store.open_for_writing().map_err(stored)?;
    }
    let id = build_id(clock(), std::process::id());
    let mut sweep =
        Sweep { project: &project, store: &mut store, dry_run: args.dry_run, build_id: id, console, done: Done::default() };
    if args.all {
        sweep.all(&homes)?;
    } else {
        let job = project.job(args.job.env.as_deref(), &args.job.choice())?;
        if args.targets.is_empty() { sweep.job(&job)? } else { sweep.targets(&job, &args.targets)? }
    }
    console.status(&sweep.done.told(args.dry_run));
    Ok(())
}

fn lock(cache: &Path) -> Result<BuildLock, CliError> {
    match BuildLock::ask(&cache.join("lock"), false)? {
        Asked::Held(lock) => Ok(lock),
        Asked::Busy(pid) => {
            let who = if pid.is_empty() { String::new() } else { format!(" (process {pid})") };
            Err(CliError::new(ErrorKind::Failed, format!("a build is running{who}")).hint("clean when it has ended"))
        }
    }
}

fn stored(error: StoreError) -> CliError {
    CliError::from_error(ErrorKind::Failed, &error)
}

/// What became of it.
#[derive(Debug, Default)]
struct Done {
    files: u64,
    bytes: u64,
    kept: u64,
    cache: bool,
}

impl Done {
    fn told(&self, dry_run: bool) -> String {
        if self.files == 0 && !self.cache && self.kept == 0 {
            return "ingest: nothing to remove".to_owned();
        }
        let verb = if dry_run { "would remove" } else { "removed" };
        let mut said = format!("ingest: {verb} {} ({} bytes)", render::number(self.files, "file", "files"), self.bytes);
        if self.cache {
            said.push_str(" and the cache");
        }
        if self.kept > 0 {
            said.push_str(&format!(", {} kept aside", self.kept));
        }
        said
    }
}

/// A published file, by its path below the job folder.
type Entry = (String, Published);

struct Sweep<'a> {
    project: &'a Project,
    store: &'a mut Store,
    dry_run: bool,
    build_id: String,
    console: &'a Console,
    done: Done,
}

impl Sweep<'_> {
    /// All that the job published, its log and its manifest.
    fn job(&mut self, job: &JobFolder) -> Result<(), CliError> {
        let entries = self.entries(job, &|_, _| true);
        self.entries_of(job, &entries)?;
        self.rest_of(job)?;
        self.commit()
    }

    fn rest_of(&mut self, job: &JobFolder) -> Result<(), CliError> {
        if !disk::is_dir(&job.path) {
            return Ok(());
        }
        self.recorded_elsewhere(job)?;
        if !self.dry_run {
            // What a killed build left beside what it was writing.
            for entry in walkdir::WalkDir::new(&job.path).into_iter().filter_map(Result::ok) {
                if entry.file_type().is_file() && disk::is_leftover(entry.file_name()) {
                    disk::remove_file(entry.path())?;
                }
            }
        }
        let mut own = vec![job.log_path(), job.manifest_path()];
        own.retain(|p| disk::is_file(p) && !disk::is_symlink(p));
        if !folder::is_job_folder(&job.path) {
            own.retain(|p| *p != job.manifest_path());
        }
        for path in own {
            self.remove(&path)?;
            self.remove_empty(path.parent(), &job.path)?;
        }
        if !self.dry_run {
            self.remove_empty(Some(&job.path), job.path.parent().unwrap_or(&job.path))?;
            self.tell_left(job)?;
        }
        Ok(())
    }

    fn tell_left(&self, job: &JobFolder) -> Result<(), CliError> {
        if !disk::is_dir(&job.path) {
            return Ok(());
        }
        let walk = walkdir::WalkDir::new(&job.path).sort_by_file_name().into_iter().filter_map(Result::ok);
        let left: Vec<PathBuf> = walk.filter(|e| !e.file_type().is_dir()).map(walkdir::DirEntry::into_path).collect();
        let Some(first) = left.first() else { return Ok(()) };
        let more = if left.len() > 1 { format!(" and {} more", left.len() - 1) } else { String::new() };
        let shown = self.project.shown(first);
        let message = format!("`{shown}`{more} stays: `ingest` has no record of having published it");
        self.console.status(&render::warning(self.console.paint(), &message));
        Ok(())
    }

    /// What `targets` published: passes, rules (also those that the Ingestfile no longer has) and artifacts.
    fn targets(&mut self, job: &JobFolder, targets: &[String]) -> Result<(), CliError> {
        let all = self.entries(job, &|_, _| true);
        let mut chosen: BTreeSet<String> = BTreeSet::new();
        for text in targets {
            let is_meant = self.meaning(text, &all)?;
            chosen.extend(all.iter().filter(|(path, p)| is_meant(path, p)).map(|(path, _)| path.clone()));
        }
        let entries: Vec<Entry> = all.into_iter().filter(|(path, _)| chosen.contains(path)).collect();
        self.entries_of(job, &entries)?;
        if !self.dry_run && !entries.is_empty() {
            forget_in_manifest(job, &entries)?;
        }
        self.commit()
    }

    /// Which published files a target means.
    fn meaning(&self, text: &str, all: &[Entry]) -> Result<Box<dyn Fn(&str, &Published) -> bool>, CliError> {
        let graph = &self.project.loaded.graph;
        if graph.rule_named(text).is_none() && all.iter().any(|(_, p)| p.rule == text) {
            let rule = text.to_owned();
            return Ok(Box::new(move |_, p| p.rule == rule));
        }
        if text.contains(':') {
            let error = CliError::new(ErrorKind::Usage, format!("`{text}`: what is published cannot be taken apart by source"));
            return Err(error.hint("name the pass, the rule or the artifact"));
        }
        let target = self.project.target(text, &[])?;
        let names: Vec<String> = target.rules.iter().map(|r| graph.rule(*r).name.clone()).collect();
        let is_name = names.iter().any(|n| n == text)
            || target.rules.iter().any(|r| graph.rule(*r).pass.is_some_and(|p| p.to_string() == text));
        let outputs: Vec<(String, String)> = target
            .rules
            .iter()
            .flat_map(|r| graph.rule(*r).outputs.iter().map(|o| (graph.rule(*r).name.clone(), o)))
            .filter(|(_, o)| is_name || o.path.trim_end_matches('/') == text.trim_end_matches('/'))
            .map(|(rule, o)| (rule, o.name.clone()))
            .collect();
        if is_name {
            // All that the rule published, also outputs that it no longer has.
            return Ok(Box::new(move |_, p| names.contains(&p.rule)));
        }
        Ok(Box::new(move |_, p| outputs.iter().any(|(rule, output)| *rule == p.rule && *output == p.output)))
    }

    fn entries(&self, job: &JobFolder, takes: &dyn Fn(&str, &Published) -> bool) -> Vec<Entry> {
        let prefix = format!("{}\0", self.project.shown(&job.path));
        let all = self.store.state.published.range_from(prefix.as_str()).take_while(|(k, _)| k.starts_with(&prefix));
        all.map(|(k, p)| (k[prefix.len()..].to_owned(), p)).filter(|(path, p)| takes(path, p)).collect()
    }

    /// Removes published files and their records.
    fn entries_of(&mut self, job: &JobFolder, entries: &[Entry]) -> Result<(), CliError> {
        for (path, record) in entries {
            let at = job.path.join(path);
            if self.is_inside(job, &at)? {
                if !is_ours(&at, record, &self.store.state, &self.store.cas)? {
                    self.keep_aside(&at, path)?;
                }
                self.remove(&at)?;
                self.remove_empty(at.parent(), &job.path)?;
            }
            if !self.dry_run {
                let key = format!("{}\0{path}", self.project.shown(&job.path));
                self.store.state.published.remove(&key);
            }
        }
        Ok(())
    }

    /// Whether `at` is a plain file that is reached without leaving the job folder by a link; tells if it is not.
    fn is_inside(&self, job: &JobFolder, at: &Path) -> Result<bool, CliError> {
        let why = match disk::kind(at)? {
            None => return Ok(false),
            Some(Kind::File) => {
                if disk::lies_below(at.parent().unwrap_or(&job.path), &job.path)? {
                    return Ok(true);
                }
                "a link leads out of the job folder to it"
            }
            Some(_) => "it is no file any more",
        };
        let message = format!("`{}` stays: {why}", self.project.shown(at));
        self.console.status(&render::warning(self.console.paint(), &message));
        Ok(false)
    }

    fn keep_aside(&mut self, at: &Path, path: &str) -> Result<(), CliError> {
        self.done.kept += 1;
        if self.dry_run {
            return Ok(());
        }
        let kept = rejected::keep(&self.project.cache(), &self.build_id, path, at)?;
        let message = format!("`{path}` was changed by hand; what it held is kept as `{}`", self.project.shown(&kept));
        self.console.status(&render::warning(self.console.paint(), &message));
        Ok(())
    }

    /// Artifacts of which the cache knows nothing (it was removed), but the job's manifest does.
    fn recorded_elsewhere(&mut self, job: &JobFolder) -> Result<(), CliError> {
        let Ok(Some(manifest)) = Manifest::read(&job.manifest_path()) else { return Ok(()) };
        let known: BTreeSet<String> = self.entries(job, &|_, _| true).into_iter().map(|(path, _)| path).collect();
        let records: Vec<&ArtifactRecord> =
            manifest.passes.values().chain(manifest.rules.values()).flat_map(|r| &r.artifact_records).collect();
        for record in records {
            if crate::rel_path::RelPath::parse_folder(&record.name).is_err() {
                continue;
            }
            for path in files_of(job, record, &known)? {
                let at = job.path.join(&path);
                if self.is_inside(job, &at)? {
                    self.remove(&at)?;
                    self.remove_empty(at.parent(), &job.path)?;
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, at: &Path) -> Result<(), CliError> {
        let Some(stat) = disk::stat(at)? else { return Ok(()) };
        self.done.files += 1;
        self.done.bytes += stat.size;
        if self.dry_run {
            self.console.data(format!("{}\n", render::shown(&self.project.shown(at))).as_bytes());
        } else {
            disk::remove_file(at)?;
        }
        Ok(())
    }

    /// Removes `folder` and those above it, up to `root` but not it, as long as nothing is in them.
    fn remove_empty(&self, folder: Option<&Path>, root: &Path) -> Result<(), DiskError> {
        let mut at = folder;
        while let Some(folder) = at.filter(|f| !self.dry_run && *f != root && f.starts_with(root)) {
            if !disk::remove_dir_if_empty(folder)? {
                break;
            }
            at = folder.parent();
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), CliError> {
        if self.dry_run || !self.store.is_writable() || !self.store.state.has_changes() {
            return Ok(());
        }
        self.store.commit().map_err(stored)?;
        self.store.publish_snapshot().map_err(stored)?;
        disk::remove_dir_all(&self.store.staging())?;
        Ok(())
    }

    /// Every job of every environment, and the cache.
    fn all(&mut self, homes: &[Home]) -> Result<(), CliError> {
        let artifacts = self.project.artifacts();
        self.tell_other_jobs(&artifacts);
        for (home, jobs) in homes {
            for job in jobs {
                let entries = self.entries(job, &|_, _| true);
                self.entries_of(job, &entries)?;
                self.rest_of(job)?;
            }
            // Where something stays, the folder keeps its mark.
            if self.dry_run || !jobs.iter().any(|job| disk::exists(&job.path)) {
                for own in ["current", "CACHEDIR.TAG"] {
                    self.remove(&home.join(own))?;
                }
                self.remove_empty(Some(home), &self.project.root)?;
            }
        }
        self.commit()?;
        self.adopted()?;
        self.cache(&self.project.cache())
    }

    /// What was adopted as edited by hand is in the cache only, once the jobs are gone.
    fn adopted(&mut self) -> Result<(), CliError> {
        let adoptions: Vec<(String, Digest)> = self.store.state.adoptions.iter().map(|(key, a)| (key, a.file.digest)).collect();
        for (key, digest) in adoptions {
            let path = key.split('\0').next_back().unwrap_or_default();
            self.done.kept += 1;
            if !self.dry_run
                && let Ok(bytes) = self.store.cas.read(&digest)
            {
                let kept = rejected::keep_bytes(&self.project.cache(), &self.build_id, path, &bytes)?;
                let message =
                    format!("`{path}` was adopted as edited by hand; what it held is kept as `{}`", self.project.shown(&kept));
                self.console.status(&render::warning(self.console.paint(), &message));
            }
        }
        Ok(())
    }

    /// Jobs in folders of their own are no part of `--all`.
    fn tell_other_jobs(&self, artifacts: &Path) {
        let below = format!("{}/", self.project.shown(artifacts));
        let jobs = self.store.state.published.keys().filter_map(|k| k.split('\0').next().map(str::to_owned));
        let others: BTreeSet<String> = jobs.filter(|job| !job.starts_with(&below)).collect();
        for job in others {
            let message = format!("the job in `{job}` stays: `ingest clean --job-dir {job}` removes it");
            self.console.status(&render::warning(self.console.paint(), &message));
        }
    }

    fn cache(&mut self, cache: &Path) -> Result<(), CliError> {
        if !disk::is_dir(cache) {
            return Ok(());
        }
        let kept = cache.join(rejected::FOLDER);
        for entry in disk::read_dir_sorted(cache)? {
            let path = cache.join(&entry.name);
            // The lock is held: another process may be waiting for this very file.
            if [".gitignore", "CACHEDIR.TAG", "lock"].iter().any(|n| entry.name == *n) || path == kept {
                continue;
            }
            self.done.cache = true;
            if self.dry_run {
                self.console.data(format!("{}\n", render::shown(&self.project.shown(&path))).as_bytes());
            } else if entry.kind == Kind::Folder {
                disk::remove_dir_all(&path)?;
            } else {
                disk::remove_file(&path)?;
            }
        }
        if disk::exists(&kept) {
            let message = format!("`{}` stays: it holds files that were changed by hand", self.project.shown(&kept));
            self.console.status(&render::warning(self.console.paint(), &message));
        }
        Ok(())
    }
}

/// Whether the file holds bytes that we made.
fn is_ours(at: &Path, record: &Published, state: &State, cas: &store::cas::Cas) -> Result<bool, DiskError> {
    if disk::stat(at)?.is_some_and(|s| s == record.stat) {
        return Ok(true);
    }
    let digest = Digest::of(&disk::read(at)?);
    Ok(digest == record.digest
        || cas.has(&digest)
        || state.published.iter().any(|(_, p)| p.digest == digest)
        || state.derived.iter().any(|(_, d)| d.digest == digest))
}

/// Files below the job folder that are just what `record` says.
fn files_of(job: &JobFolder, record: &ArtifactRecord, known: &BTreeSet<String>) -> Result<Vec<String>, DiskError> {
    let at = job.path.join(record.name.trim_end_matches('/'));
    if !record.name.ends_with('/') {
        let same = disk::kind(&at)? == Some(Kind::File) && Digest::of(&disk::read(&at)?) == record.digest;
        return Ok(if same && !known.contains(&record.name) { vec![record.name.clone()] } else { Vec::new() });
    }
    let mut hasher = blake3::Hasher::new();
    let mut paths = BTreeSet::new();
    for entry in walkdir::WalkDir::new(&at).into_iter().filter_map(Result::ok).filter(|e| e.file_type().is_file()) {
        let below = entry.path().strip_prefix(&job.path).unwrap_or(entry.path());
        paths.insert(below.to_string_lossy().replace('\\', "/"));
    }
    for path in &paths {
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path.as_bytes());
        hasher.update(Digest::of(&disk::read(&job.path.join(path))?).as_bytes());
    }
    let same = Digest::of_hasher(&hasher) == record.digest && paths.iter().all(|p| !known.contains(p));
    Ok(if same { paths.into_iter().collect() } else { Vec::new() })
}

/// What was removed is no longer in the job's manifest: its pass is PENDING until a build publishes it again.
fn forget_in_manifest(job: &JobFolder, entries: &[Entry]) -> Result<(), CliError> {
    let Some(mut manifest) = Manifest::read(&job.manifest_path())? else { return Ok(()) };
    let gone = |record: &ArtifactRecord| {
        entries.iter().any(|(path, _)| *path == record.name || (record.name.ends_with('/') && path.starts_with(&record.name)))
    };
    for record in manifest.passes.values_mut().filter(|r| r.artifact_records.iter().any(gone)) {
        let kept: Vec<ArtifactRecord> = record.artifact_records.iter().filter(|r| !gone(r)).cloned().collect();
        let artifacts = kept.iter().map(|r| r.name.clone()).collect();
        *record = Record { status: Status::Pending, artifact_records: kept, artifacts, ..Record::default() };
    }
    let rules: BTreeSet<&String> = entries.iter().map(|(_, p)| &p.rule).collect();
    manifest.rules.retain(|name, _| !rules.contains(name));
    let mut bytes = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    bytes.push(b'\n');
    Ok(disk::atomic_write(&job.path.join(manifest::FILE_NAME), &bytes)?)
}

/// The folder of an environment, and its jobs.
type Home = (PathBuf, Vec<JobFolder>);

/// All environments, if every folder that `--all` would remove is ours.
fn all_ours(project: &Project) -> Result<Vec<Home>, CliError> {
    let cache = project.cache();
    let mut refused = Vec::new();
    let homes = environments(&project.artifacts(), &mut refused)?;
    if disk::exists(&cache) && !is_our_cache(&cache) {
        refused.push((cache, "it has no CACHEDIR.TAG of `ingest`"));
    }
    let Some((first, why)) = refused.first() else { return Ok(homes) };
    let more = if refused.len() > 1 { format!(" (and {} more like it)", refused.len() - 1) } else { String::new() };
    let message = format!("`{}` is not removed, nor is anything else: {why}{more}", project.shown(first));
    Err(CliError::new(ErrorKind::Failed, message).hint("move it away, or remove it by hand"))
}

/// The folders of all environments with their jobs; what is not ours among them goes to `refused`.
fn environments(artifacts: &Path, refused: &mut Vec<(PathBuf, &'static str)>) -> Result<Vec<Home>, CliError> {
    let mut homes = Vec::new();
    if !disk::is_dir(artifacts) {
        return Ok(homes);
    }
    for entry in disk::read_dir_sorted(artifacts)? {
        let home = artifacts.join(&entry.name);
        let name = entry.name.to_string_lossy().into_owned();
        if entry.kind != Kind::Folder || !is_marked(&home, "made by `ingest`") {
            refused.push((home, "it has no CACHEDIR.TAG of `ingest`"));
            continue;
        }
        let mut jobs = Vec::new();
        for entry in disk::read_dir_sorted(&home)? {
            let path = home.join(&entry.name);
            if ["current", "CACHEDIR.TAG"].iter().any(|n| entry.name == *n) && entry.kind == Kind::File {
                continue;
            }
            let is_empty = || disk::read_dir_sorted(&path).is_ok_and(|entries| entries.is_empty());
            if entry.kind != Kind::Folder || !(folder::is_job_folder(&path) || is_empty()) {
                refused.push((path, "it is no job folder"));
                continue;
            }
            let choice = folder::Choice::Named(entry.name.to_string_lossy().into_owned());
            jobs.push(JobFolder::choose(artifacts, &name, &choice, std::time::SystemTime::UNIX_EPOCH)?);
        }
        homes.push((home, jobs));
    }
    Ok(homes)
}

/// Whether a folder bears our mark, and not only that of some other tool.
fn is_marked(path: &Path, words: &str) -> bool {
    let tag = disk::read_if_there(&path.join("CACHEDIR.TAG")).ok().flatten().unwrap_or_default();
    folder::is_tagged(path) && String::from_utf8_lossy(&tag).contains(words)
}

fn is_our_cache(cache: &Path) -> bool {
    !disk::is_symlink(cache) && is_marked(cache, "made by ingest")
}
