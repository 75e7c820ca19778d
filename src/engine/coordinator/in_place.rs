//! Files that are read where they lie: what they hold when a key is made, and whether they still hold it when the build
//! ends. Sources, declared files, `{ file = … }` inputs, schemas, programs that are asked for their version.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Coordinator, Mode, Stop};
use crate::digest::Digest;
use crate::disk::{self, StatTuple};
use crate::engine::command::CommandTask;
use crate::engine::error::EngineError;
use crate::engine::files::{self, Seen, Wanted};
use crate::engine::graph::{Command, RuleId, Run};
use crate::engine::probe;
use crate::engine::watch::InPlace;
use crate::store::records::Probe;

/// A file that changes between being hashed and being read is looked at again this often.
const TRIES: usize = 3;

impl Coordinator<'_, '_> {
    /// The digest of a file of the project, looked at once per attempt.
    pub(super) fn project_file(&mut self, path: &str) -> Result<Digest, String> {
        if let Some(known) = self.project_files.get(path) {
            return known.clone();
        }
        let digest = self.look_at_file(&self.setup.root.join(path)).map_err(|e| e.to_string());
        self.project_files.insert(path.to_owned(), digest.clone());
        digest
    }

    fn look_at_file(&mut self, path: &Path) -> Result<Digest, disk::DiskError> {
        self.looked_at.insert(path.to_path_buf());
        let wanted = [Wanted { path: path.to_path_buf(), sha256: false }];
        if self.clock_probe.is_none() && !files::look_known(&wanted, &self.store.state)[0] {
            self.clock_probe = self.probe();
        }
        let key = files::index_key(path);
        match files::look(&wanted, &self.store.state, self.clock_probe.as_ref()).remove(0)? {
            Seen::Known => {}
            Seen::Hashed(entry) => self.store.state.files.put(key.clone(), entry),
        }
        Ok(self.store.state.files.peek(&key).map_or_else(|| Digest::of(b""), |e| e.digest))
    }

    /// A file's bytes with the digest that the index holds for it.
    pub(super) fn read_in_place(&mut self, path: &Path) -> Result<(Digest, Arc<[u8]>), EngineError> {
        for _ in 0..TRIES {
            let digest = self.look_at_file(path)?;
            let bytes = disk::read(path)?;
            if Digest::of(&bytes) == digest {
                return Ok((digest, bytes.into()));
            }
        }
        Err(EngineError::KeepsChanging(path.display().to_string()))
    }

    /// Files that were looked at, as a command that reads them is to find them.
    fn in_place(&self, paths: &[PathBuf]) -> Vec<InPlace> {
        let entry = |path: &PathBuf| self.store.state.files.peek(&files::index_key(path));
        paths.iter().filter_map(|path| Some(InPlace { path: path.clone(), entry: entry(path)? })).collect()
    }

    pub(super) fn make_command(&mut self, id: RuleId) -> Result<(Arc<CommandTask>, String), String> {
        let Run::Command(spec) = &self.setup.graph.rule(id).run else { return Err("it is no command".to_owned()) };
        let (task, version) = self.command_task(&spec.command)?;
        Ok((Arc::new(task.asked_by(spec)), version))
    }

    /// A command with its environment, and its tool's version.
    pub(super) fn command_task(&mut self, spec: &Command) -> Result<(CommandTask, String), String> {
        let env = self.setup.env.those(&spec.env);
        let mut read: Vec<PathBuf> = Vec::new();
        for path in &spec.files {
            self.project_file(path)?;
            read.push(self.setup.root.join(path));
        }
        let version = match &spec.version {
            None => String::new(),
            Some(words) => {
                let (version, rests_on) = self.tool_version(words, spec)?;
                read.extend(rests_on);
                version
            }
        };
        let in_place = self.in_place(&read);
        Ok((CommandTask::new(spec.clone(), env, in_place, self.room.clone()), version))
    }

    /// What a tool says of its version, and the files that the answer rests on. A process is started only if one of them is
    /// not what it was when the tool was asked last.
    fn tool_version(&mut self, words: &[String], spec: &Command) -> Result<(String, Vec<PathBuf>), String> {
        let name = words.first().map_or("", String::as_str);
        let program = probe::find(name, &self.setup.root, &self.setup.base_env).ok_or_else(|| probe::missing(name))?;
        let (key, rests_on, digests) = self.ground_of_version(words, program, spec)?;
        if let Some(known) = self.store.state.probes.get(&key).filter(|p| p.rests_on == digests) {
            return Ok((known.version, rests_on));
        }
        if self.mode == Mode::Plan {
            return Ok((probe::NOT_ASKED.to_owned(), rests_on));
        }
        let version = probe::ask(words, &self.room)?;
        self.store.state.probes.put(key, Probe { rests_on: digests, version: version.clone() });
        Ok((version, rests_on))
    }

    fn ground_of_version(
        &mut self,
        words: &[String],
        program: PathBuf,
        spec: &Command,
    ) -> Result<(String, Vec<PathBuf>, Vec<Digest>), String> {
        let key = probe::key(words, &program, &self.setup.base_env);
        let mut rests_on = vec![program];
        rests_on.extend(spec.files.iter().chain(&spec.version_files).map(|f| self.setup.root.join(f)));
        let digests: Result<Vec<Digest>, disk::DiskError> = rests_on.iter().map(|p| self.look_at_file(p)).collect();
        Ok((key, rests_on, digests.map_err(|e| e.to_string())?))
    }

    /// Files whose stamps moved while the build ran are looked at again, and those that were not settled yet are hashed
    /// once more: a build ends only when what it was made from is what is there.
    pub(super) fn check_again(&mut self, pool: &rayon::ThreadPool) -> Result<(), Stop> {
        let sources = self.setup.sources.iter().map(|s| Wanted { path: s.file.clone(), sha256: true });
        let others = self.looked_at.iter().map(|path| Wanted { path: path.clone(), sha256: false });
        let moved = |w: &Wanted| {
            let entry = self.store.state.files.peek(&files::index_key(&w.path));
            entry.is_some_and(|e| !e.settled || (self.announced.build && disk::stat(&w.path).ok().flatten() != Some(e.stat)))
        };
        let unsettled: Vec<Wanted> = sources.chain(others).filter(moved).collect();
        if unsettled.is_empty() {
            return Ok(());
        }
        let probe = self.settled_probe(&unsettled);
        let seen = pool.install(|| files::look(&unsettled, &self.store.state, probe.as_ref()));
        for (wanted, seen) in unsettled.iter().zip(seen) {
            let key = files::index_key(&wanted.path);
            let before = self.store.state.files.peek(&key).map(|e| e.digest);
            // One that has vanished is found missing by the next build; what was built from it stands until then.
            let Ok(Seen::Hashed(entry)) = seen else { continue };
            let changed = before != Some(entry.digest);
            self.store.state.files.put(key, entry);
            if changed {
                return Err(Stop::Changed(wanted.path.clone()));
            }
        }
        Ok(())
    }

    /// A probe taken when the clock of the file system has moved past every stamp of `files`.
    fn settled_probe(&self, files: &[Wanted]) -> Option<StatTuple> {
        let newest = files.iter().filter_map(|w| disk::stat(&w.path).ok().flatten()).map(|s| s.mtime_ns.max(s.ctime_ns)).max()?;
        let mut probe = self.probe()?;
        // File systems stamp in steps of a few milliseconds; stamps from the future are not waited for.
        for _ in 0..20 {
            if probe.mtime_ns > newest {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
            probe = self.probe()?;
        }
        Some(probe)
    }
}
