//! Ids that survive edits elsewhere: a prefix and 16 hex digits of blake3 over what the thing is. None holds a page or an
//! ordinal of the document.

use crate::digest::Digest;

/// `{prefix}-{16 hex}` over `fields`, which are length-prefixed so that ("ab","c") and ("a","bc") differ.
#[must_use]
pub fn content_id(prefix: &str, fields: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for field in fields {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    format!("{prefix}-{}", Digest::of_hasher(&hasher).short(16))
}

/// A section: from its source, its full title path and its occurrence among sections of the same path, from 0.
#[must_use]
pub fn section_id(source_id: &str, path: &[&str], occurrence: usize) -> String {
    let occurrence = occurrence.to_string();
    let mut fields = vec![source_id];
    fields.extend_from_slice(path);
    fields.push(&occurrence);
    content_id("sec", &fields)
}

/// A chunk: from its section ("" before the first heading), its text and its occurrence, from 0; `part_id` only where the
/// section began in an earlier part.
#[must_use]
pub fn chunk_id(source_id: &str, section_id: &str, part_id: Option<&str>, text: &str, occurrence: usize) -> String {
    content_id("chunk", &[source_id, section_id, part_id.unwrap_or(""), text, &occurrence.to_string()])
}

/// A part: from the section in force at its first page ("" before the first) and its occurrence, from 0.
#[must_use]
pub fn part_id(source_id: &str, first_section: &str, occurrence: usize) -> String {
    content_id("part", &[source_id, first_section, &occurrence.to_string()])
}

/// A term: from its source, kind and canonical name.
#[must_use]
pub fn term_id(source_id: &str, kind: &str, term: &str) -> String {
    content_id("term", &[source_id, kind, term])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_together() {
        assert_ne!(content_id("x", &["ab", "c"]), content_id("x", &["a", "bc"]));
        assert_eq!(section_id("s", &["Spells", "Shield"], 0), section_id("s", &["Spells", "Shield"], 0));
    }
}
