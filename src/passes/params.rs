//! Params of a built-in from canonical JSON, with the key at fault.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Params from canonical JSON.
///
/// # Errors
/// The key at fault and a sentence.
pub(crate) fn params_of<T: DeserializeOwned>(params: &Value) -> Result<T, (String, String)> {
    serde_json::from_value(params.clone()).map_err(|e| {
        let message = e.to_string();
        let key = message.split('`').nth(1).unwrap_or("").to_owned();
        (key, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Known {
        #[serde(rename = "depth")]
        _depth: u32,
    }

    #[test]
    fn an_unknown_param_is_named() {
        let (key, _) = params_of::<Known>(&serde_json::json!({"depth": 1, "speed": 1})).unwrap_err();
        assert_eq!(key, "speed");
    }
}
