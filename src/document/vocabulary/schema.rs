//! The JSON Schema of vocabulary files, for editors: generated from the types that parse them.

use super::syntax::File;
use crate::spanned::schema_text;

/// The schema as it stands in `schemas/vocabulary.schema.json`.
#[must_use]
pub fn vocabulary_schema() -> String {
    schema_text::<File>()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the committed schema is read from the disk")]
mod tests {
    use super::*;
    use crate::document::vocabulary::BUNDLED;

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/vocabulary.schema.json");
        let text = vocabulary_schema();
        if std::env::var_os("INGEST_UPDATE_SCHEMAS").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        assert!(committed == text, "{path} is not what the types give; set INGEST_UPDATE_SCHEMAS to write it");
    }

    #[test]
    fn the_bundled_files_are_as_the_schema_says_and_slips_are_not() {
        let schema = serde_json::from_str(&vocabulary_schema()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let is_valid = |text: &str| validator.is_valid(&toml::from_str(text).unwrap());
        for bundled in &BUNDLED {
            assert!(is_valid(bundled.text), "{}", bundled.name);
            assert!(bundled.text.starts_with("#:schema ../../schemas/vocabulary.schema.json"), "{}", bundled.name);
        }
        for slip in
            ["", "version = 2", "version = 1\n[kind.ship]\nheading = []", "version = 1\n[expression.x]\nvalue = \"words\""]
        {
            assert!(!is_valid(slip), "{slip}");
        }
    }
}
