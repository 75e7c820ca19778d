//! Bytes to typed artifacts and params and back, with the failures that the engine knows. Knows no pass.

use std::fmt;
use std::io::{self, BufReader};

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Value;

use crate::builtin::Failure;
use crate::builtin::FailureKind;
use crate::builtin::Output;

/// What `bytes` hold as JSON. Whether they are UTF-8 is asked of all of them at once, and not of each string.
///
/// # Errors
/// What is wrong with the JSON.
pub fn from_json<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        // Its error tells the place.
        Err(_) => serde_json::from_slice(bytes),
    }
}

/// The artifact in `bytes`, given as input `name`.
///
/// # Errors
/// `BadArtifact` naming the input, with line, column and reason.
pub fn decode<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, Failure> {
    from_json(bytes).map_err(|e| Failure::new(FailureKind::BadArtifact, format!("input `{name}` does not parse: {e}")))
}

/// The array in `bytes`, given as input `name`, of which each item is handed on as it is read: of the items of a long book
/// only what is kept of each is in memory.
///
/// # Errors
/// As `decode`.
pub fn decode_each<T: DeserializeOwned>(name: &str, bytes: &[u8], take: impl FnMut(T)) -> Result<(), Failure> {
    each(name, serde_json::Deserializer::from_slice(bytes), take)
}

/// As `decode_each`, of bytes that are not in memory as a whole; slower.
///
/// # Errors
/// As `decode`; and if they cannot be read.
pub fn decode_each_from<T: DeserializeOwned>(name: &str, bytes: impl io::Read, take: impl FnMut(T)) -> Result<(), Failure> {
    each(name, serde_json::Deserializer::from_reader(BufReader::with_capacity(64 * 1024, bytes)), take)
}

fn each<'de, T: DeserializeOwned>(
    name: &str,
    mut read: serde_json::Deserializer<impl serde_json::de::Read<'de>>,
    mut take: impl FnMut(T),
) -> Result<(), Failure> {
    struct Items<'t, T>(&'t mut dyn FnMut(T));
    impl<'de, T: DeserializeOwned> Visitor<'de> for Items<'_, T> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
            while let Some(item) = items.next_element()? {
                (self.0)(item);
            }
            Ok(())
        }
    }
    let done = read.deserialize_seq(Items(&mut take)).and_then(|()| read.end());
    done.map_err(|e| Failure::new(FailureKind::BadArtifact, format!("input `{name}` does not parse: {e}")))
}

/// `items` as an array of compact JSON.
///
/// # Errors
/// `BadArtifact` if one cannot be written.
pub fn array<T: Serialize>(items: &[T]) -> Result<Output, Failure> {
    Ok(Output::Array { json: encode(&items)?, items: items.len() as u64 })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_handed_on_one_by_one_and_what_follows_them_is_an_error() {
        let mut seen: Vec<u32> = Vec::new();
        decode_each("numbers", b" [1, 2,3] ", |n| seen.push(n)).unwrap();
        decode_each_from("numbers", &b" [4] "[..], |n| seen.push(n)).unwrap();
        assert_eq!(seen, [1, 2, 3, 4]);
        for broken in ["[1, x]", "[1] 2", "{}", "[1", ""] {
            let failure = decode_each("numbers", broken.as_bytes(), |_: u32| {}).unwrap_err();
            assert!(failure.message.starts_with("input `numbers` does not parse: "), "{broken}: {}", failure.message);
            assert_eq!(decode_each_from("numbers", broken.as_bytes(), |_: u32| {}).unwrap_err().kind, failure.kind, "{broken}");
            assert_eq!(failure.message, decode::<Vec<u32>>("numbers", broken.as_bytes()).unwrap_err().message, "{broken}");
        }
    }
}
