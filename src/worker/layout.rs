//! Names in a request: relative, below its folder, not out of it by a link, and no two the same on any system.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{RESPONSE, RequestError};
use crate::builtin::Builtin;
use crate::disk::{self, Kind};
use crate::rel_path::{self, RelPath};
use crate::staging::{Paths, Request};

/// The folder that a request is about.
pub(super) struct Place {
    /// Absolute, without links.
    pub folder: PathBuf,
}

/// Where an output goes.
pub(super) struct Slot {
    pub port: &'static str,
    pub tree: bool,
    pub path: RelPath,
}

impl Place {
    pub(super) fn new(folder: &Path) -> Result<Self, RequestError> {
        Ok(Self { folder: super::canonical(folder)? })
    }

    /// An input's name and where it is.
    pub(super) fn input(&self, name: &str) -> Result<(RelPath, PathBuf), RequestError> {
        let path = parse("input", name)?;
        let at = disk::canonical(&self.folder.join(path.as_str()))?;
        if !disk::lies_below(&at, &self.folder)? {
            return Err(leaves("input", name));
        }
        // A pipe is never opened: its reader would wait for a writer.
        if !disk::is_file(&at) {
            return Err(RequestError::Path { what: "input", name: name.to_owned(), why: "it is no file".to_owned() });
        }
        Ok((path, at))
    }

    /// Whether every folder on the way to an output is a folder, and no link.
    fn check_way(&self, path: &RelPath) -> Result<(), RequestError> {
        let mut at = self.folder.clone();
        for segment in path.as_str().split('/') {
            at.push(segment);
            if disk::kind(&at)? == Some(Kind::Symlink) {
                return Err(leaves("output", path.as_str()));
            }
        }
        Ok(())
    }
}

fn leaves(what: &'static str, name: &str) -> RequestError {
    RequestError::Path { what, name: name.to_owned(), why: "a link leads out of the request's folder".to_owned() }
}

/// A name as a path that cannot leave its folder.
pub(super) fn parse(what: &'static str, name: &str) -> Result<RelPath, RequestError> {
    RelPath::parse(name.trim_end_matches('/')).map_err(|why| RequestError::path(what, name, &why))
}

/// Every output of the built-in with its place: the one in the request, else `outputs/<port>.json` or `outputs/<port>/`.
pub(super) fn outputs(
    builtin: &'static Builtin,
    request: &Request,
    place: &Place,
    request_path: &Path,
) -> Result<Vec<Slot>, RequestError> {
    let ports: Vec<&'static str> = builtin.outputs.iter().map(|o| o.name).collect();
    if let Some(name) = request.outputs.keys().find(|n| !ports.contains(&n.as_str())) {
        return Err(RequestError::Unknown { builtin: builtin.name, what: "output", name: name.clone(), known: ports });
    }
    let mut taken: BTreeSet<String> = inputs_of(request).iter().map(|name| rel_path::folded(name)).collect();
    taken.insert(RESPONSE.to_owned());
    taken.extend(request_path.file_name().map(|n| rel_path::folded(&n.to_string_lossy())));
    let mut slots = Vec::with_capacity(builtin.outputs.len());
    for port in builtin.outputs {
        let default = if port.tree { format!("outputs/{}", port.name) } else { format!("outputs/{}.json", port.name) };
        let path = parse("output", request.outputs.get(port.name).unwrap_or(&default))?;
        if let Some(why) = path.as_str().split('/').find_map(rel_path::unportable) {
            return Err(RequestError::Path { what: "output", name: path.to_string(), why: why.to_owned() });
        }
        let folded = rel_path::folded(path.as_str());
        let (name, below) = (folded.as_str(), format!("{folded}/"));
        let clash = taken.iter().any(|t| t == name || t.starts_with(&below) || name.starts_with(&format!("{t}/")));
        if clash {
            let why = "something else of the request has that place".to_owned();
            return Err(RequestError::Path { what: "output", name: path.to_string(), why });
        }
        place.check_way(&path)?;
        taken.insert(folded);
        slots.push(Slot { port: port.name, tree: port.tree, path });
    }
    Ok(slots)
}

fn inputs_of(request: &Request) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for paths in request.inputs.values() {
        match paths {
            Paths::File(name) => names.extend([name.clone()]),
            Paths::Tree(all) => names.extend(all.iter().cloned()),
        }
    }
    names
}
