//! The vocabulary of a built-in that reads one: its files are inputs, which bundled ones it uses is a param. One worker makes
//! it once for all actions.

use serde_json::Value;

use crate::builtin::{Failure, FailureKind, Inputs};
use crate::document::vocabulary::{Shared, Text, Vocabulary, chosen};

/// The input of such a built-in.
pub const INPUT: &str = "vocabulary*";
/// The param that names bundled vocabularies; not given, they are the usual ones.
const USE: &str = "vocabulary.use";
/// The param that says in which order several files are added: that of the inputs.
const FILES: &str = "vocabulary.files";

/// The vocabulary that `inputs` and `params` give, and the params without it.
///
/// # Errors
/// `BadArtifact` for what is no vocabulary; the project is checked before it is built, so it has changed since.
pub fn take(inputs: &Inputs, params: &Value) -> Result<(Shared, Value), Failure> {
    let bad = |message: String| Failure::new(FailureKind::BadArtifact, message);
    let mut params = params.clone();
    let own = params.as_object_mut();
    let uses = own.and_then(|params| {
        params.remove(FILES);
        params.remove(USE)
    });
    let files = inputs.files(INPUT.trim_end_matches('*')).collect::<Result<Vec<_>, Failure>>()?;
    if uses.is_none() && files.is_empty() {
        return Ok((Shared::Bundled(Vocabulary::bundled().map_err(bad)?), params));
    }
    let names: Option<Vec<&str>> = uses.as_ref().map(|u| u.as_array().into_iter().flatten().filter_map(Value::as_str).collect());
    let bundled = match &names {
        None => crate::document::vocabulary::usual(),
        Some(names) => chosen(names).map_err(|name| bad(format!("there is no bundled vocabulary `{name}`")))?,
    };
    let read = |(name, bytes): &(String, std::sync::Arc<[u8]>)| {
        let text = std::str::from_utf8(bytes).map_err(|_| bad(format!("the vocabulary `{name}` is not UTF-8")))?;
        Ok((name.clone(), text.to_owned()))
    };
    let texts = files.iter().map(read).collect::<Result<Vec<(String, String)>, Failure>>()?;
    let texts: Vec<Text<'_>> = texts.iter().map(|(name, text)| Text { name, text }).collect();
    Ok((Vocabulary::shared(&bundled, &texts).map_err(bad)?, params))
}
