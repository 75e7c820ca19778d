//! The JSON Schema of Ingestfiles, for editors: generated from the types that parse it.

use schemars::Schema;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

use super::syntax::Ingestfile;

/// The schema as it stands in `schemas/ingestfile.schema.json`: pretty-printed, with a line end.
#[must_use]
pub fn ingestfile_schema() -> String {
    let mut schema = schemars::schema_for!(Ingestfile);
    RecursiveTransform(without_null).transform(&mut schema);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// TOML has no null: what may be left out is left out.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(one)] = &choices[..] {
            let one = one.clone();
            schema.remove("anyOf");
            schema.ensure_object().extend(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/ingestfile.schema.json");
        crate::ingestfile::tests::same_as_committed(path, &ingestfile_schema());
    }

    #[test]
    fn the_schema_says_what_the_parser_says() {
        let schema: Value = serde_json::from_str(&ingestfile_schema()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let is_valid = |text: &str| validator.is_valid(&toml::from_str(text).unwrap());
        for (path, text) in crate::ingestfile::tests::valid_ingestfiles() {
            assert!(is_valid(&text), "{path}");
        }
        for name in ["unknown_key_at_top", "unknown_key_in_job", "unknown_key_in_rule", "wrong_type", "wrong_version"] {
            assert!(!is_valid(&crate::ingestfile::tests::invalid_ingestfile(name)), "{name}");
        }
        for name in ["both_run_and_command", "neither_run_nor_command", "no_outputs", "missing_version"] {
            assert!(!is_valid(&crate::ingestfile::tests::invalid_ingestfile(name)), "{name}");
        }
    }
}
