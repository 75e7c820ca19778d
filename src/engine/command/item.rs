//! The private folder of one item: inputs put in, a request that names them, outputs taken out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::response::{Response, Said};
use super::{CommandTask, collect, slashed};
use crate::digest::Digest;
use crate::disk;
use crate::engine::execute::{InputValue, Made, OutputSlot, RunError, Task, Told};
use crate::fail_point::{self, FailPoint};
use crate::staging::{self, Paths, Request};
use crate::store::cas::Cas;

/// Of a folder's request, its file.
pub(super) const REQUEST: &str = "request.json";

/// An item in its folder.
pub(super) struct Staged<'t> {
    pub(super) task: &'t Task,
    pub(super) request: Request,
    /// As commands see it.
    dir: PathBuf,
    pub(super) at: PathBuf,
    /// What placeholders stand for.
    pub(super) names: BTreeMap<String, String>,
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        let _ = disk::remove_dir_all(&self.at);
    }
}

impl<'t> Staged<'t> {
    /// Makes the folder, and puts the inputs in.
    ///
    /// # Errors
    /// If a blob is missing or damaged, a source has changed, or nothing can be written.
    pub(super) fn new(task: &'t Task, command: &CommandTask, cas: &Cas) -> Result<Self, RunError> {
        let dir = command.room.new_dir();
        let at = command.room.root.join(&dir);
        let request = Request {
            version: staging::VERSION,
            rule: task.rule.clone(),
            item: task.item.clone(),
            params: command.params.clone(),
            limits: None,
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
        };
        let mut staged = Self { task, request, dir, at, names: BTreeMap::new() };
        staged.fill(cas)?;
        Ok(staged)
    }

    fn fill(&mut self, cas: &Cas) -> Result<(), RunError> {
        for sub in ["inputs", "outputs", "home"] {
            disk::create_dir_all(&self.at.join(sub))?;
        }
        for (name, value) in &self.task.inputs {
            let (path, paths) = stage(&self.at, name, value, cas)?;
            self.names.insert(name.clone(), slashed(&self.dir.join(path)));
            self.request.inputs.insert(name.clone(), paths);
        }
        for slot in &self.task.outputs {
            let path = output_path(slot);
            if slot.tree {
                disk::create_dir_all(&self.at.join(&path))?;
            }
            self.names.insert(slot.name.clone(), slashed(&self.dir.join(&path)));
            self.request.outputs.insert(slot.name.clone(), path);
        }
        self.names.insert("request".to_owned(), slashed(&self.dir.join(REQUEST)));
        let request = serde_json::to_vec_pretty(&self.request).unwrap_or_default();
        disk::write(&self.at.join(REQUEST), &request)?;
        Ok(fail_point::reach(FailPoint::InputsStaged, &self.at)?)
    }

    /// Where its commands find it.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its request as one of several, or as a line: with the folder that its paths are relative to.
    pub(super) fn request_with_folder(&self) -> Value {
        let mut request = serde_json::to_value(&self.request).unwrap_or_default();
        if let Value::Object(entries) = &mut request {
            entries.insert("folder".to_owned(), Value::String(slashed(&self.dir)));
        }
        request
    }

    /// What its command made, which has ended well or said so; `response` is what it says of it.
    ///
    /// # Errors
    /// What it says went wrong; an output that is missing, or not what it may be.
    pub(super) fn collect(
        &self,
        response: Option<Response>,
        cas: &Cas,
        count: &dyn Fn(&[u8]) -> Option<u64>,
    ) -> Result<Made, RunError> {
        let said = response.map_or_else(|| Ok(Said::default()), |response| response.of(self.task))?;
        fail_point::reach(FailPoint::CommandEnded, &self.at)?;
        collect::check_folders(&self.at)?;
        let output = |slot: &OutputSlot| {
            said.claims(slot)?;
            collect::output(&self.at, &output_path(slot), slot, cas, count)
        };
        let outputs = self.task.outputs.iter().map(output).collect::<Result<_, RunError>>()?;
        let Said { counts, warnings, tool, .. } = said;
        Ok(Made { outputs, counts, told: Told { warnings, tool } })
    }
}

fn output_path(slot: &OutputSlot) -> String {
    if slot.tree { format!("outputs/{}", slot.name) } else { format!("outputs/{}.{}", slot.name, slot.extension) }
}

/// Puts an input into `inputs/`: its path there, and what `request.json` says of it.
fn stage(at: &Path, name: &str, value: &InputValue, cas: &Cas) -> Result<(String, Paths), RunError> {
    match value {
        InputValue::Foreign { path, name: called, digest } => {
            let to = format!("inputs/{name}.{}", staging::safe_extension(called));
            disk::copy_private(path, &at.join(&to))?;
            if Digest::of(&disk::read(&at.join(&to))?) != *digest {
                return Err(RunError::Changed(path.clone()));
            }
            Ok((to.clone(), Paths::File(to)))
        }
        InputValue::Blob { name: called, file } => {
            let to = format!("inputs/{name}.{}", staging::safe_extension(called));
            disk::write(&at.join(&to), &cas.read(&file.digest)?)?;
            Ok((to.clone(), Paths::File(to)))
        }
        InputValue::Tree(tree) => {
            let folder = format!("inputs/{name}");
            disk::create_dir_all(&at.join(&folder))?;
            let mut paths = Vec::with_capacity(tree.entries.len());
            for entry in tree.entries.iter() {
                let to = format!("{folder}/{}", entry.name);
                if let Some(parent) = at.join(&to).parent() {
                    disk::create_dir_all(parent)?;
                }
                disk::write(&at.join(&to), &cas.read(&entry.digest)?)?;
                paths.push(to);
            }
            Ok((folder, Paths::Tree(paths)))
        }
    }
}
