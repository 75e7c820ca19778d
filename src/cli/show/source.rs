//! Which source a word on the command line means.

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::project::unknown;
use crate::engine::items::SourceFile;

/// The source whose path below the sources folder, id, or file name `text` is.
///
/// # Errors
/// Exit code 2, if there is none, with the nearest known; or if several have that file name.
pub fn named<'s>(text: &str, sources: &'s [SourceFile]) -> Result<&'s SourceFile, CliError> {
    if let Some(source) = sources.iter().find(|s| s.path == text).or_else(|| sources.iter().find(|s| s.id == text)) {
        return Ok(source);
    }
    let so_called: Vec<&SourceFile> = sources.iter().filter(|s| name(s) == text).collect();
    match so_called.as_slice() {
        [] => Err(no_source(text, sources)),
        [one] => Ok(one),
        [first, second, ..] => {
            let message = format!("`{text}` is the name of {} sources: `{}`, `{}`, …", so_called.len(), first.path, second.path);
            Err(CliError::new(ErrorKind::Usage, message).hint("give the path below the sources folder"))
        }
    }
}

fn no_source(text: &str, sources: &[SourceFile]) -> CliError {
    let known = || sources.iter().flat_map(|s| [s.path.as_str(), s.id.as_str(), name(s)]);
    let error = unknown("source", text, known());
    match known().map(|k| (strsim::damerau_levenshtein(k, text), k)).min() {
        Some((_, near)) if error.problem.hint.is_none() => error.hint(format!("sources are called like `{near}`")),
        _ => error,
    }
}

fn name(source: &SourceFile) -> &str {
    source.path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Vec<SourceFile> {
        let source = |id: &str, path: &str| SourceFile { id: id.to_owned(), path: path.to_owned(), file: path.into() };
        vec![source("a-rules", "a/rules.pdf"), source("b-rules", "b/rules.pdf"), source("map", "b/map.pdf")]
    }

    #[test]
    fn a_source_is_known_by_path_id_and_the_name_that_is_only_its_own() {
        let all = sources();
        for (text, id) in [("b/rules.pdf", "b-rules"), ("a-rules", "a-rules"), ("map.pdf", "map")] {
            assert_eq!(named(text, &all).unwrap().id, id);
        }
        let told = |text: &str| named(text, &all).unwrap_err().problem;
        assert_eq!(told("rules.pdf").message, "`rules.pdf` is the name of 2 sources: `a/rules.pdf`, `b/rules.pdf`, …");
        assert_eq!(told("mop.pdf").hint.as_deref(), Some("did you mean `map.pdf`?"));
        assert_eq!(told("nothing of it").hint.as_deref(), Some("sources are called like `b/map.pdf`"));
    }
}
