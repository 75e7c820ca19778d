//! `ingest vocabulary`: the bundled ones, to be read and to begin a file of one's own with. And the vocabulary of a project, looked at before anything else is done: a file that says what cannot be is told like an
//! Ingestfile that does.

use std::path::Path;

use super::args::Vocabulary;
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::project::unknown;
use crate::diagnostic::Diagnostic;
use crate::disk;
use crate::document::vocabulary::{BUNDLED, Text, chosen, compose, usual};
use crate::ingestfile::Loaded;
use crate::spanned::meant;

/// The schema, from the folder of the bundled files and from one beside it.
const SCHEMAS: [&str; 2] = ["../../schemas/", "../schemas/"];

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a name that is none.
pub fn run(args: &Vocabulary, console: &Console) -> Result<(), CliError> {
    let Some(name) = &args.name else {
        for one in &BUNDLED {
            let used = if one.usual { "" } else { " (only where `use` names it)" };
            console.text(&format!("{:14} {}{used}\n", one.name, one.about));
        }
        return Ok(());
    };
    let found = BUNDLED
        .iter()
        .find(|b| b.name == name)
        .ok_or_else(|| unknown("bundled vocabulary", name, BUNDLED.iter().map(|b| b.name)))?;
    console.data(found.text.replace("\r\n", "\n").replacen(SCHEMAS[0], SCHEMAS[1], 1).as_bytes());
    Ok(())
}

/// Everything that is wrong with what `[vocabulary]` names.
///
/// # Errors
/// If a file cannot be read.
pub fn problems(root: &Path, loaded: &Loaded) -> Result<Vec<Diagnostic>, CliError> {
    let said = &loaded.vocabulary;
    let uses: Vec<&str> = said.uses.iter().flatten().map(String::as_str).collect();
    let unknown = uses.iter().enumerate().filter(|(_, name)| chosen(&[**name]).is_err());
    let unknown: Vec<Diagnostic> = unknown
        .map(|(nth, name)| {
            let hint = meant(name, BUNDLED.iter().map(|b| b.name));
            loaded.vocabulary_problem(nth, format!("there is no bundled vocabulary `{name}`"), hint)
        })
        .collect();
    if !unknown.is_empty() || said.files.is_empty() {
        return Ok(unknown);
    }
    let read = |path: &String| {
        let text = disk::read_to_string(&root.join(path)).map_err(|e| CliError::from_error(ErrorKind::Usage, &e))?;
        Ok((path.clone(), text))
    };
    let texts = said.files.iter().map(read).collect::<Result<Vec<_>, CliError>>()?;
    let texts: Vec<Text<'_>> = texts.iter().map(|(name, text)| Text { name, text }).collect();
    let bundled = if said.uses.is_some() { chosen(&uses).unwrap_or_default() } else { usual() };
    Ok(compose(&bundled, &texts).err().unwrap_or_default())
}
