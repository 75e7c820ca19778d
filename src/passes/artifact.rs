//! Bytes to typed artifacts and params and back, with the failures that the engine knows. Knows no pass.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::builtin::Failure;
use crate::builtin::FailureKind;

/// The artifact in `bytes`, given as input `name`.
///
/// # Errors
/// `BadArtifact` naming the input, with line, column and reason.
pub fn decode<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|e| Failure::new(FailureKind::BadArtifact, format!("input `{name}` does not parse: {e}")))
}

/// `artifact` as compact JSON.
///
/// # Errors
/// `BadArtifact` where it holds what JSON cannot.
pub fn encode<T: Serialize>(artifact: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(artifact).map_err(|e| Failure::new(FailureKind::BadArtifact, format!("the result cannot be written: {e}")))
}

/// Params that `check` has already let through.
///
/// # Errors
/// `BadArtifact` where they do not parse all the same.
pub fn params<T: DeserializeOwned>(params: &Value) -> Result<T, Failure> {
    serde_json::from_value(params.clone())
        .map_err(|e| Failure::new(FailureKind::BadArtifact, format!("the params do not parse: {e}")))
}

/// Params with defaults filled in.
///
/// # Errors
/// The first key that is unknown or whose value does not fit, with a sentence about it.
pub fn check<T: DeserializeOwned + Serialize>(params: &Value, defaults: &T) -> Result<T, (String, String)> {
    let Value::Object(given) = params else { return Err((String::new(), "params are a table".to_owned())) };
    let defaults = serde_json::to_value(defaults).unwrap_or_default();
    for (key, value) in given {
        let mut probe = defaults.clone();
        if let Some(table) = probe.as_object_mut() {
            table.insert(key.clone(), value.clone());
        }
        if let Err(e) = serde_json::from_value::<T>(probe) {
            return Err((key.clone(), e.to_string()));
        }
    }
    serde_json::from_value(params.clone()).map_err(|e| (String::new(), e.to_string()))
}
