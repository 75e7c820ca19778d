//! References between schema files of a project: which files a schema refers to, and handing them out by address. An address
//! is `project:///` and the path below the root; nothing else is ever handed out.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{Retrieve, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use crate::engine::verdict::GateInput;
use crate::rel_path::RelPath;

const ROOT: &str = "project:///";
/// What may stand in the path of an address as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
/// Keys whose values are data: what looks like a reference there is none.
const DATA: [&str; 4] = ["const", "enum", "default", "examples"];

/// The address of a project file.
pub(super) fn uri_of(name: &str) -> String {
    format!("{ROOT}{}", utf8_percent_encode(name, ESCAPED))
}

/// The project files that the schema `name` refers to, in order, each once. References to addresses with a scheme are not
/// files; what is no JSON refers to nothing.
///
/// # Errors
/// A sentence, if a reference leads out of the project.
pub(super) fn of(name: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
    let Ok(schema) = serde_json::from_slice::<Value>(bytes) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    collect(&schema, &mut found);
    let mut files = Vec::new();
    for reference in found {
        let path = reference.split('#').next().unwrap_or_default();
        if path.is_empty() || has_scheme(path) {
            continue;
        }
        let file = resolved(name, path).map_err(|why| format!("`{name}` refers to `{path}`: {why}"))?;
        if file != name && !files.contains(&file) {
            files.push(file);
        }
    }
    Ok(files)
}

fn collect<'v>(schema: &'v Value, found: &mut Vec<&'v str>) {
    match schema {
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value) {
                    ("$ref" | "$dynamicRef", Value::String(to)) => found.push(to),
                    (key, _) if DATA.contains(&key) => {}
                    (_, value) => collect(value, found),
                }
            }
        }
        _ => {}
    }
}

fn has_scheme(reference: &str) -> bool {
    let scheme = reference.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && !scheme.contains('/')
}

/// The path below the root that `reference` means in the file `name`.
fn resolved(name: &str, reference: &str) -> Result<String, String> {
    let reference = percent_decode_str(reference).decode_utf8().map_err(|_| "it is not UTF-8".to_owned())?;
    if reference.starts_with('/') {
        return Err("schemas are named relative to the file that refers to them".to_owned());
    }
    let mut segments: Vec<&str> = name.split('/').collect();
    segments.pop();
    for segment in reference.split('/') {
        match segment {
            "." => {}
            ".." if segments.pop().is_none() => return Err("it lies outside the project".to_owned()),
            ".." => {}
            segment => segments.push(segment),
        }
    }
    RelPath::parse(&segments.join("/")).map(|path| path.as_str().to_owned()).map_err(|why| why.to_string())
}

/// The files that a schema came with.
#[derive(Clone)]
pub(super) struct Known(Arc<HashMap<String, Value>>);

/// The same, with a schema that says nothing for every address that is none of theirs, and a note of it.
#[derive(Clone)]
pub(super) struct AllKnown {
    known: Known,
    missing: Arc<Mutex<BTreeSet<String>>>,
}

/// What is said of an address that is none of theirs.
fn is_no_file(uri: &str) -> String {
    format!("`{uri}` is no file of the project, and nothing else is looked for")
}

impl Known {
    /// Those of `files`, which all must be JSON.
    pub(super) fn of(files: &[GateInput]) -> Result<Self, String> {
        let parsed = |file: &GateInput| {
            let value = serde_json::from_slice(&file.bytes);
            value.map(|value| (file.name.clone(), value)).map_err(|e| format!("`{}` is no JSON Schema: {e}", file.name))
        };
        Ok(Self(Arc::new(files.iter().map(parsed).collect::<Result<_, _>>()?)))
    }

    pub(super) fn all(&self) -> AllKnown {
        AllKnown { known: self.clone(), missing: Arc::default() }
    }

    fn get(&self, uri: &str) -> Option<&Value> {
        let path = uri.strip_prefix(ROOT).map(|path| percent_decode_str(path).decode_utf8_lossy())?;
        self.0.get(path.as_ref())
    }
}

impl AllKnown {
    /// What is said of the first address, in the order of addresses, that was asked for and is none of theirs.
    pub(super) fn missing(&self) -> Option<String> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).first().map(|uri| is_no_file(uri))
    }
}

type Retrieved = Result<Value, Box<dyn std::error::Error + Send + Sync>>;

impl Retrieve for Known {
    fn retrieve(&self, uri: &Uri<String>) -> Retrieved {
        self.get(uri.as_str()).cloned().ok_or_else(|| is_no_file(uri.as_str()).into())
    }
}

impl Retrieve for AllKnown {
    fn retrieve(&self, uri: &Uri<String>) -> Retrieved {
        Ok(self.known.get(uri.as_str()).cloned().unwrap_or_else(|| {
            self.missing.lock().unwrap_or_else(PoisonError::into_inner).insert(uri.as_str().to_owned());
            Value::Bool(true)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_refs(name: &str, refs: &[&str]) -> Result<Vec<String>, String> {
        let refs: Vec<Value> = refs.iter().map(|to| serde_json::json!({ "$ref": to })).collect();
        of(name, Value::Array(refs).to_string().as_bytes())
    }

    #[test]
    fn references_are_read_as_paths_beside_the_file() {
        let found =
            of_refs("schemas/a.json", &["b.json#/$defs/x", "#/$defs/y", "./sub/c.json", "../d%20e.json", "b.json", "a.json"]);
        assert_eq!(found.unwrap(), ["schemas/b.json", "schemas/sub/c.json", "d e.json"]);
        assert!(of_refs("a.json", &["https://example.com/b.json", "urn:x:y", "#"]).unwrap().is_empty());
        assert!(of("a.json", br#"{"const": {"$ref": "x.json"}, "enum": [{"$ref": "y.json"}]}"#).unwrap().is_empty());
        assert!(of("a.json", b"{").unwrap().is_empty());
    }

    #[test]
    fn what_leads_out_of_the_project_is_refused() {
        for (reference, why) in [
            ("../../x.json", "`schemas/a.json` refers to `../../x.json`: it lies outside the project"),
            ("%2e%2e/%2e%2e/x.json", "`schemas/a.json` refers to `%2e%2e/%2e%2e/x.json`: it lies outside the project"),
            (
                "/etc/passwd",
                "`schemas/a.json` refers to `/etc/passwd`: schemas are named relative to the file that refers to them",
            ),
        ] {
            assert_eq!(of_refs("schemas/a.json", &[reference]).unwrap_err(), why);
        }
        assert!(of_refs("schemas/a.json", &["..\\x.json"]).is_err());
    }

    #[test]
    fn names_survive_the_way_through_an_address() {
        for name in ["schemas/a.schema.json", "mit Leer/größe#?.json"] {
            let input = GateInput { name: name.to_owned(), bytes: b"true".as_slice().into() };
            let uri = Uri::parse(uri_of(name)).unwrap();
            assert_eq!(Known::of(&[input]).unwrap().retrieve(&uri).unwrap(), Value::Bool(true), "{name}");
        }
    }
}
