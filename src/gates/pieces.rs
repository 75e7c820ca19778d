//! A schema that is asked piece by piece: of what is written bit by bit and never stands in memory whole, the frame is
//! judged once, and each item by what the schema says of an item there.

use jsonschema::Validator;
use serde_json::Value;

use super::json_schema::{at_the_top, check};
use super::{Findings, items::escaped};
use crate::engine::verdict::Verdict;

/// A schema, and what it says at some places in it.
pub struct Pieces {
    whole: Validator,
    /// By JSON pointer into the schema.
    parts: Vec<(&'static str, Validator)>,
}

impl Pieces {
    /// The schema called `name`, with its parts at `pointers` (`/items`, `/properties/nodes/additionalProperties`).
    ///
    /// # Errors
    /// If it is no JSON Schema, refers to other files, or has nothing at a pointer.
    pub fn of(name: &str, schema: &str, pointers: &[&'static str]) -> Result<Self, String> {
        let broken = |why: String| format!("`{name}` is no JSON Schema: {why}");
        let compile = |value: &Value| jsonschema::options().build(value).map_err(|e| broken(e.to_string()));
        let schema: Value = serde_json::from_str(schema).map_err(|e| broken(e.to_string()))?;
        let part = |pointer: &&'static str| {
            let inner = schema.pointer(pointer).ok_or_else(|| broken(format!("there is nothing at `{pointer}`")))?;
            Ok((*pointer, compile(&at_the_top(&schema, inner))?))
        };
        Ok(Self { whole: compile(&schema)?, parts: pointers.iter().map(part).collect::<Result<_, String>>()? })
    }

    /// Whether `json` is valid as a whole, or as what stands at `pointer` of the schema if that is not "". `place` is where
    /// it stands in its file, as segments of a pointer.
    ///
    /// # Errors
    /// If no such part was asked for, or `json` does not parse: faults of who writes.
    pub fn judge(&self, pointer: &str, json: &[u8], place: &[&str]) -> Result<Verdict, String> {
        let part = self.parts.iter().find(|(known, _)| *known == pointer).map(|(_, validator)| validator);
        let validator = if pointer.is_empty() { &self.whole } else { part.ok_or_else(|| format!("no part `{pointer}`"))? };
        let value: Value = serde_json::from_slice(json).map_err(|e| format!("not JSON: {e}"))?;
        let mut findings = Findings::default();
        if !validator.is_valid(&value) {
            let prefix: String = place.iter().map(|segment| format!("/{}", escaped(segment))).collect();
            check(validator, &value, &prefix, &mut findings);
        }
        Ok(findings.verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r##"{"type": "object", "properties": {"a/b": {"type": "object", "additionalProperties": {"$ref": "#/$defs/n"}}},
        "required": ["a/b"], "additionalProperties": false, "$defs": {"n": {"type": "integer", "minimum": 2}}}"##;
    const PART: &str = "/properties/a~1b/additionalProperties";

    #[test]
    fn frame_and_items_are_judged_apart_and_told_by_their_place_in_the_file() {
        let pieces = Pieces::of("x.schema.json", SCHEMA, &[PART]).unwrap();
        assert!(pieces.judge("", br#"{"a/b":{}}"#, &[]).unwrap().accepted());
        assert!(!pieces.judge("", br#"{"a/b":{},"c":1}"#, &[]).unwrap().accepted());
        assert!(pieces.judge(PART, b"2", &["a/b", "x"]).unwrap().accepted());
        let verdict = pieces.judge(PART, b"1", &["a/b", "x"]).unwrap();
        assert_eq!((verdict.violations[0].pointer.as_str(), verdict.count), ("/a~1b/x", 1));
        assert!(pieces.judge("/items", b"1", &[]).is_err());
        assert!(Pieces::of("x.schema.json", SCHEMA, &["/items"]).is_err());
    }
}
