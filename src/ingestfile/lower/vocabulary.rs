//! `[vocabulary]`: files that all rules read whose built-in asks for them, and names that its params hold.

use serde_json::{Map, Value};

use super::Lowering;
use crate::builtin::{self, Builtin};
use crate::engine::graph::{From, Input};
use crate::ingestfile::syntax;

/// What `[vocabulary]` gives to those who read it.
#[derive(Clone, Debug, Default)]
pub(super) struct Vocabulary {
    /// Sorted, each once; `None` where it is not said.
    uses: Option<Vec<String>>,
    files: Vec<String>,
}

/// What a built-in calls it.
const NAME: &str = "vocabulary";

/// Whether `builtin` reads a vocabulary.
fn reads(builtin: &Builtin) -> bool {
    builtin.inputs.iter().any(|port| port.strip_suffix('*') == Some(NAME))
}

impl Lowering<'_, '_> {
    /// The files are asked for on the disk, and the names of the vocabularies that they are read with, by whoever knows them.
    pub(super) fn vocabulary(&mut self, said: &syntax::Vocabulary) -> Vocabulary {
        let mut files: Vec<String> = Vec::new();
        for path in said.files.iter().flat_map(|f| &f.value) {
            let Some(file) = self.project_file(path) else { continue };
            if files.iter().any(|known| known == file.as_str()) {
                self.problems.add(&path.span, format!("`{}` is named twice", path.value), "", "");
            }
            files.push(file.as_str().to_owned());
        }
        let uses = said.uses.as_ref().map(|uses| {
            let mut names: Vec<String> = uses.value.iter().map(|name| name.value.clone()).collect();
            names.sort();
            names.dedup();
            names
        });
        Vocabulary { uses, files }
    }

    /// Its files as inputs of a rule.
    pub(super) fn vocabulary_inputs(&self, builtin: &Builtin) -> Vec<Input> {
        let files = self.vocabulary.files.iter().filter(|_| reads(builtin));
        files.map(|f| Input { name: builtin::of_many(NAME, f), from: From::File(f.clone()) }).collect()
    }

    /// What it adds to the params of a rule. The order of several files matters, and is no input.
    pub(super) fn vocabulary_params(&self, builtin: &Builtin) -> Map<String, Value> {
        let mut params = Map::new();
        if let Some(uses) = self.vocabulary.uses.as_ref().filter(|_| reads(builtin)) {
            params.insert(format!("{NAME}.use"), uses.clone().into());
        }
        if self.vocabulary.files.len() > 1 && reads(builtin) {
            params.insert(format!("{NAME}.files"), self.vocabulary.files.clone().into());
        }
        params
    }
}
