//! The JSON Schema of Ingestfiles, for editors: generated from the types that parse it.

use super::syntax::Ingestfile;
use crate::spanned::schema_text;

/// The schema as it stands in `schemas/ingestfile.schema.json`: pretty-printed, with a line end.
#[must_use]
pub fn ingestfile_schema() -> String {
    schema_text::<Ingestfile>()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/ingestfile.schema.json");
        crate::ingestfile::tests::same_as_committed(path, &ingestfile_schema());
    }

    #[test]
    fn the_schema_names_every_bundled_vocabulary() {
        let schema: Value = serde_json::from_str(&ingestfile_schema()).unwrap();
        let said = &schema["$defs"]["Vocabulary"]["properties"]["use"]["items"]["enum"];
        let there: Vec<&str> = crate::document::vocabulary::BUNDLED.iter().map(|b| b.name).collect();
        assert_eq!(*said, serde_json::json!(there));
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
