//! The param that says whose file a source is, and the file read as that.

use serde_json::Value;

use crate::builtin::{Failure, FailureKind, Inputs, Item};
use crate::document::imported::{Format, ImportError, Imported, read};

/// The name of the param.
pub const PARAM: &str = "format";

/// What `params` say; `None` is told from the content.
///
/// # Errors
/// The key, and a sentence.
pub fn of(params: &Value) -> Result<Option<Format>, (String, String)> {
    match params.get(PARAM) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value.clone()).map(Some).map_err(|_| {
            (
                PARAM.to_owned(),
                format!("must be `{}`, not {value}; left out, it is told from the file", Format::NAMES.join("`, `")),
            )
        }),
    }
}

/// The source of `item`.
///
/// # Errors
/// `NotReadable` if it is not JSON or of another shape, `NoText` if it holds none.
pub fn source(item: &Item, inputs: &Inputs, format: Option<Format>) -> Result<Imported, Failure> {
    let bytes = inputs.file("source")?.bytes;
    read(&bytes, format).map_err(|error| {
        let path = &item.path;
        match error {
            ImportError::NotJson { line, column, message } => {
                Failure::new(FailureKind::NotReadable, format!("{path}:{line}:{column}: not JSON: {message}"))
            }
            ImportError::Empty(_) => Failure::new(FailureKind::NoText, error.to_string()),
            ImportError::Unknown(_) | ImportError::Shape { .. } | ImportError::Other { .. } => {
                Failure::new(FailureKind::NotReadable, error.to_string())
            }
        }
    })
}
