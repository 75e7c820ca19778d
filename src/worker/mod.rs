//! A built-in at work outside a build: `ingest run-pass` reads a request and the files beside it, calls the built-in, writes
//! what it made and a response. `layout` checks every name before anything is read. Knows no rule, no cache and no terminal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::builtin::{Builtin, Failure, FailureKind, Input, InputFile, Inputs, NamedBytes, Output, of_many};
use crate::digest::Digest;
use crate::disk::{self, DiskError, Kind};
use crate::rel_path::BadPath;
use crate::staging::{Paths, Request, VERSION};
use crate::store::records::StoredTree;

mod layout;
mod memory;
mod response;
mod serve;

pub use response::{Made, MadeFile, Response, ResponseStatus};
pub use serve::{ServeError, serve};

use layout::Place;

/// The file that says what came of it, beside the request.
pub const RESPONSE: &str = "response.json";

/// Why a request cannot be carried out. A built-in that fails is no such error: its response says so.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("`{path}` is no request: {message}")]
    Malformed { path: String, message: String },
    #[error("`{path}` is of version {version}; this `ingest` reads version {VERSION}")]
    Version { path: String, version: u32 },
    #[error("the {what} `{name}` is refused: {why}")]
    Path { what: &'static str, name: String, why: String },
    #[error("`{builtin}` has no {what} `{name}`")]
    Unknown { builtin: &'static str, what: &'static str, name: String, known: Vec<&'static str> },
    #[error("the request gives no input `{name}`, which `{builtin}` needs")]
    MissingInput { builtin: &'static str, name: &'static str },
    #[error("param `{key}`: {message}")]
    Param { key: String, message: String },
    #[error("`{0}` is not empty")]
    NotEmpty(String),
}

impl RequestError {
    fn path(what: &'static str, name: &str, why: &BadPath) -> Self {
        Self::Path { what, name: name.to_owned(), why: why.to_string() }
    }
}

/// Carries out the request at `path` with `builtin`; writes outputs and `response.json`. `count` tells the items of JSON.
///
/// # Errors
/// If the request asks for what cannot be, or the disk refuses; then no response is written.
pub fn carry_out(builtin: &'static Builtin, path: &Path, count: &dyn Fn(&[u8]) -> Option<u64>) -> Result<Response, RequestError> {
    let request = read(path)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let place = Place::new(folder)?;
    let params = merged_params(builtin, &request.params)?;
    let inputs = load(builtin, &request, &place)?;
    let outputs = layout::outputs(builtin, &request, &place, path)?;
    let call = AssertUnwindSafe(|| (builtin.run)(&request.item, &inputs, &params, &request.limits.unwrap_or_default()));
    let made = catch_unwind(call).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned());
        Err(Failure::new(FailureKind::Panic, format!("`{}` panicked: {text}", builtin.name)))
    });
    let response = match made {
        Err(failure) => Response::failed(builtin.name, failure),
        Ok(made) => write(builtin, made, &outputs, &place, count)?,
    };
    let mut bytes = serde_json::to_vec_pretty(&response).unwrap_or_default();
    bytes.push(b'\n');
    disk::atomic_write(&place.folder.join(RESPONSE), &bytes)?;
    Ok(response)
}

fn read(path: &Path) -> Result<Request, RequestError> {
    let shown = path.display().to_string();
    let request: Request = serde_json::from_slice(&disk::read(path)?)
        .map_err(|e| RequestError::Malformed { path: shown.clone(), message: e.to_string() })?;
    if request.version != VERSION {
        return Err(RequestError::Version { path: shown, version: request.version });
    }
    Ok(request)
}

/// The defaults with what the request gives; checked by the built-in.
fn merged_params(builtin: &'static Builtin, given: &Value) -> Result<Value, RequestError> {
    let mut params = (builtin.default_params)(given.as_object().unwrap_or(&Map::new()));
    let problem = |key: &str, message: String| RequestError::Param { key: key.to_owned(), message };
    match (given, &mut params) {
        (Value::Null, _) => {}
        (Value::Object(given), Value::Object(all)) => {
            let known: Vec<String> = all.keys().cloned().collect();
            for (key, value) in given {
                if !all.contains_key(key) {
                    let known: Vec<String> = known.iter().map(|k| format!("`{k}`")).collect();
                    let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
                    return Err(problem(key, format!("`{}` has no such param; {known}", builtin.name)));
                }
                all.insert(key.clone(), value.clone());
            }
        }
        _ => return Err(problem("params", "they are no object".to_owned())),
    }
    (builtin.check_params)(&params).map_err(|(key, message)| RequestError::Param { key, message })?;
    if let Value::Object(all) = &mut params {
        all.retain(|_, value| !value.is_null());
    }
    Ok(params)
}

/// The inputs in the order of the built-in.
fn load(builtin: &'static Builtin, request: &Request, place: &Place) -> Result<Inputs<'static>, RequestError> {
    let ports: Vec<&'static str> = builtin.inputs.iter().map(|n| n.trim_end_matches(['?', '*'])).collect();
    if let Some(name) = request.inputs.keys().find(|name| !ports.contains(&name.as_str())) {
        return Err(RequestError::Unknown { builtin: builtin.name, what: "input", name: name.clone(), known: ports });
    }
    let mut loaded = Vec::with_capacity(ports.len());
    for declared in builtin.inputs {
        let port = declared.trim_end_matches(['?', '*']);
        let input = match request.inputs.get(port) {
            None if declared.ends_with(['?', '*']) => continue,
            None => return Err(RequestError::MissingInput { builtin: builtin.name, name: port }),
            Some(paths) if declared.ends_with('*') => {
                let names = match paths {
                    Paths::File(name) => std::slice::from_ref(name),
                    Paths::Tree(names) => names,
                };
                for name in names {
                    loaded.push((of_many(port, name), Input::File(file(place, name, None)?)));
                }
                continue;
            }
            Some(Paths::File(name)) => Input::File(file(place, name, None)?),
            Some(Paths::Tree(names)) => {
                let prefix = format!("inputs/{port}/");
                Input::Tree(names.iter().map(|name| file(place, name, Some(&prefix))).collect::<Result<_, _>>()?)
            }
        };
        loaded.push((port.to_owned(), input));
    }
    Ok(Inputs(loaded))
}

/// A file of the request; in a tree it is called what stands behind `prefix`, else by its last segment.
fn file(place: &Place, name: &str, prefix: Option<&str>) -> Result<InputFile<'static>, RequestError> {
    let (path, at) = place.input(name)?;
    let called = prefix.and_then(|p| path.as_str().strip_prefix(p)).unwrap_or(path.name()).to_owned();
    Ok(InputFile::new(called, Arc::<[u8]>::from(disk::read(&at)?)))
}

fn write(
    builtin: &'static Builtin,
    mut made: Vec<(&'static str, Output)>,
    outputs: &[layout::Slot],
    place: &Place,
    count: &dyn Fn(&[u8]) -> Option<u64>,
) -> Result<Response, RequestError> {
    let mut written = Vec::with_capacity(outputs.len());
    for slot in outputs {
        let at = made.iter().position(|(name, _)| *name == slot.port);
        let output = at.map(|at| made.swap_remove(at).1);
        let made = match (output, slot.tree) {
            (Some(Output::File(bytes) | Output::Array { json: bytes, .. }), false) => {
                let to = place.folder.join(slot.path.as_str());
                disk::create_dir_all(to.parent().unwrap_or(&place.folder))?;
                disk::atomic_write(&to, &bytes)?;
                Made::file(slot.path.as_str(), &bytes, count)
            }
            (Some(Output::Tree(files)), true) => write_tree(slot, &files, place)?,
            _ => {
                let message = format!("`{}` gave no output `{}`, or one of the wrong shape", builtin.name, slot.port);
                return Ok(Response::failed(builtin.name, Failure::new(FailureKind::BadArtifact, message)));
            }
        };
        written.push((slot.port.to_owned(), made));
    }
    Ok(Response::succeeded(builtin.name, written))
}

fn write_tree(slot: &layout::Slot, files: &[NamedBytes], place: &Place) -> Result<Made, RequestError> {
    let folder = place.folder.join(slot.path.as_str());
    empty(&folder, slot)?;
    disk::create_dir_all(&folder)?;
    let mut listed = Vec::with_capacity(files.len());
    let mut entries = Vec::with_capacity(files.len());
    for f in files {
        let name = layout::parse("output", &f.name)?;
        let to = folder.join(name.as_str());
        disk::create_dir_all(to.parent().unwrap_or(&folder))?;
        disk::atomic_write(&to, &f.bytes)?;
        let (digest, bytes) = (Digest::of(&f.bytes), f.bytes.len() as u64);
        listed.push(MadeFile { name: f.name.clone(), digest, bytes, attrs: f.attrs.clone() });
        entries.push(crate::builtin::TreeEntry { name: f.name.clone(), digest, bytes, attrs: f.attrs.clone() });
    }
    Ok(Made::tree(slot.path.as_str(), StoredTree::new(entries).digest, listed))
}

/// A tree begins with an empty folder. What lies in `outputs/` was made by a run before; anything else is left alone.
fn empty(folder: &Path, slot: &layout::Slot) -> Result<(), RequestError> {
    match disk::kind(folder)? {
        None => Ok(()),
        Some(Kind::Folder) if slot.path.as_str().starts_with("outputs/") => Ok(disk::remove_dir_all(folder)?),
        Some(Kind::Folder) if disk::read_dir_sorted(folder)?.is_empty() => Ok(()),
        Some(_) => Err(RequestError::NotEmpty(slot.path.to_string())),
    }
}

/// The folder of a request, as an absolute path without links.
fn canonical(folder: &Path) -> Result<PathBuf, DiskError> {
    disk::canonical(folder)
}

#[cfg(test)]
mod tests;
