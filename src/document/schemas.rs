//! The JSON Schema of every artifact, made from the types that write it. All are closed: an unknown field is refused, and
//! what is always written is required, null or not.
//!
//! The files in `schemas/` are these values; the test that compares them writes them when `INGEST_UPDATE_SCHEMAS` is set.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::chunk::{Chunk, SourceCoverage};
use super::cleanup::Cleanup;
use super::element::Element;
use super::entity::Enriched;
use super::link_graph::LinkGraph;
use super::part::SourceSplits;
use super::profile::SourceProfile;
use super::section::SourceToc;
use super::term::Term;

/// (artifact without `.json`, its JSON Schema of draft 2020-12), in the order of the passes.
#[must_use]
pub fn artifact_schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("passA_toc", schema_of::<Vec<SourceToc>>("passA_toc")),
        ("passA_dictionary", schema_of::<Vec<Term>>("passA_dictionary")),
        ("passA_profile", schema_of::<Vec<SourceProfile>>("passA_profile")),
        ("passB_splits", schema_of::<Vec<SourceSplits>>("passB_splits")),
        ("passC_elements", schema_of::<Vec<Element>>("passC_elements")),
        ("passC_chunks", schema_of::<Vec<Chunk>>("passC_chunks")),
        ("passC_coverage", schema_of::<Vec<SourceCoverage>>("passC_coverage")),
        ("passD_enriched", schema_of::<Vec<Enriched>>("passD_enriched")),
        ("passE_graph", schema_of::<LinkGraph>("passE_graph")),
        ("passF_clean", schema_of::<Vec<Enriched>>("passF_clean")),
        ("passF_cleanup", schema_of::<Cleanup>("passF_cleanup")),
    ]
}

fn schema_of<T: JsonSchema>(artifact: &str) -> Value {
    closed::<T>(&format!("{artifact}.json"))
}

/// The JSON Schema of what serde writes of a `T`, closed, with a title.
#[must_use]
pub fn closed<T: JsonSchema>(title: &str) -> Value {
    // What serde writes, not what it would read: fields with a default are written, so they are required.
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(Close);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), json!(title));
    schema.to_value()
}

/// Closes every object that has named properties, and refuses null where an absent value is left out instead.
#[derive(Clone, Debug)]
struct Close;

impl Transform for Close {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            for (_, property) in properties.iter_mut().filter(|(name, _)| !required.contains(&json!(name))) {
                refuse_null(property);
            }
        }
    }
}

fn refuse_null(property: &mut Value) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|t| t != "null");
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the committed schemas and fixtures are read from the disk")]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// The file stems and contents of a folder of JSON files, by name.
    fn json_files(folder: &Path) -> Vec<(String, Value)> {
        let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        paths.sort();
        paths
            .iter()
            .map(|path| {
                let value =
                    serde_json::from_slice(&fs::read(path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                (path.file_stem().unwrap().to_string_lossy().into_owned(), value)
            })
            .collect()
    }

    /// Calls `visit` on every object of a JSON value.
    fn each_object(value: &Value, visit: &mut dyn FnMut(&serde_json::Map<String, Value>)) {
        match value {
            Value::Object(map) => {
                visit(map);
                map.values().for_each(|v| each_object(v, visit));
            }
            Value::Array(items) => items.iter().for_each(|v| each_object(v, visit)),
            _ => {}
        }
    }

    #[test]
    fn the_committed_schemas_are_those_of_the_types() {
        let update = std::env::var_os("INGEST_UPDATE_SCHEMAS").is_some();
        for (name, schema) in artifact_schemas() {
            let path = root().join(format!("schemas/{name}.schema.json"));
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            if update {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &text).unwrap();
            }
            let committed = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
            assert!(committed == text, "schemas/{name}.schema.json is out of date: run this test with INGEST_UPDATE_SCHEMAS=1");
        }
    }

    #[test]
    fn every_object_is_closed_and_its_always_written_fields_are_required() {
        let optional = ["source_id", "source_ids", "entity_kind", "page"];
        // Written only where there are any.
        let rare = "pages_needing_ocr";
        for (name, schema) in artifact_schemas() {
            each_object(&schema, &mut |object| {
                let (Some(properties), Some("object")) =
                    (object.get("properties").and_then(Value::as_object), object.get("type").and_then(Value::as_str))
                else {
                    return;
                };
                assert_eq!(object.get("additionalProperties"), Some(&json!(false)), "{name}: {properties:?}");
                let required = object.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
                let missing: Vec<&String> = properties.keys().filter(|k| !required.contains(&json!(k))).collect();
                let is_node = properties.contains_key("entity_kind");
                let is_optional = |k: &&String| *k == rare || (is_node && optional.contains(&k.as_str()));
                assert!(missing.iter().all(is_optional), "{name}: {missing:?} not required");
            });
        }
    }

    #[test]
    fn valid_examples_are_accepted() {
        for (name, schema) in artifact_schemas() {
            let validator = jsonschema::validator_for(&schema).unwrap();
            let examples = json_files(&root().join("fixtures/gates/valid").join(name));
            assert!(!examples.is_empty(), "{name} has no example");
            for (example, value) in examples {
                let errors: Vec<String> = validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
                assert!(errors.is_empty(), "{name}/{example}: {errors:?}");
            }
        }
    }

    /// What the type writes after reading `value`.
    fn rewritten<T: serde::de::DeserializeOwned + serde::Serialize>(value: &Value) -> Value {
        serde_json::to_value(serde_json::from_value::<T>(value.clone()).unwrap()).unwrap()
    }

    #[test]
    fn examples_are_what_the_types_write() {
        let rewrite: [fn(&Value) -> Value; 11] = [
            rewritten::<Vec<SourceToc>>,
            rewritten::<Vec<Term>>,
            rewritten::<Vec<SourceProfile>>,
            rewritten::<Vec<SourceSplits>>,
            rewritten::<Vec<Element>>,
            rewritten::<Vec<Chunk>>,
            rewritten::<Vec<SourceCoverage>>,
            rewritten::<Vec<Enriched>>,
            rewritten::<LinkGraph>,
            rewritten::<Vec<Enriched>>,
            rewritten::<Cleanup>,
        ];
        for ((name, _), rewrite) in artifact_schemas().into_iter().zip(rewrite) {
            for (example, value) in json_files(&root().join("fixtures/gates/valid").join(name)) {
                assert_eq!(rewrite(&value), value, "{name}/{example}");
            }
        }
    }

    #[test]
    fn each_defect_is_refused() {
        for (name, schema) in artifact_schemas() {
            let validator = jsonschema::validator_for(&schema).unwrap();
            let defects = json_files(&root().join("fixtures/gates/invalid").join(name));
            assert!(defects.len() >= 4, "{name} has only {} defects", defects.len());
            for (defect, value) in defects {
                assert!(!validator.is_valid(&value), "{name}/{defect} was accepted");
            }
        }
    }
}
