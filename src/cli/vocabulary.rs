//! The vocabulary of a project, looked at before anything else is done: a file that says what cannot be is told like an
//! Ingestfile that does.

use std::path::Path;

use super::error::{CliError, ErrorKind};
use crate::diagnostic::Diagnostic;
use crate::disk;
use crate::document::vocabulary::{BUNDLED, Text, chosen, compose, usual};
use crate::ingestfile::Loaded;
use crate::spanned::meant;

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
