//! Source ids: a slug of the path below the sources folder, extension included. Knows nothing of what the source holds.
//!
//! The alphabet is `a-z 0-9 . - _`. Marks are dropped from letters, capitals become small, and every run of other characters
//! (a `/` too) becomes one `-`. Wherever any of that happens, or the slug is cut, something is lost; then `-` and 8 hex digits
//! of the path's blake3 are added, so that `Core Rules.pdf` and `core-rules.pdf` differ. Two sources whose ids are still equal
//! are an error that the caller reports, naming both.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::digest::Digest;
use crate::rel_path::{self, RelPath};

/// Ids become names of files and folders; with the digits and an extension they stay below the 143 bytes that the strictest
/// file system in use (eCryptfs) allows.
const MAX_SLUG: usize = 100;

/// The id of the source at `path` (NFC, below the sources folder). `shown` is the path without what must not be told: ids
/// stand in logs and artifacts.
#[must_use]
pub fn source_id(path: &RelPath, shown: &str) -> String {
    let slug = slug(shown);
    if slug == path.as_str() { slug } else { format!("{slug}-{}", Digest::of(path.as_str().as_bytes()).short(8)) }
}

fn slug(path: &str) -> String {
    let mut slug = String::new();
    for c in path.nfkd().filter(|c| !is_combining_mark(*c)) {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '.' | '-' | '_') => slug.push(c),
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
        if slug.len() == MAX_SLUG {
            break;
        }
    }
    let trimmed = slug.trim_matches(['.', '-']);
    match trimmed {
        "" => "source".to_owned(),
        // What Windows takes for a device, whatever follows the first dot.
        device if rel_path::unportable(device).is_some() => format!("source-{device}"),
        plain => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(path: &str) -> String {
        source_id(&RelPath::parse(path).unwrap(), path)
    }

    #[test]
    fn a_plain_name_is_its_own_id() {
        assert_eq!(id("core_rules-2.1.pdf"), "core_rules-2.1.pdf");
    }

    #[test]
    fn what_must_not_be_told_is_in_no_id() {
        let ids = ["jane@example.org.md", "joe@example.org.md"].map(|p| source_id(&RelPath::parse(p).unwrap(), "[e-mail].md"));
        assert!(ids.iter().all(|id| id.starts_with("e-mail-.md-")) && ids[0] != ids[1], "{ids:?}");
    }

    #[test]
    fn what_is_lost_is_made_up_for_by_digits_of_the_path() {
        insta::assert_snapshot!(id("Core Rules.pdf"), @"core-rules.pdf-e4634152");
        insta::assert_snapshot!(id("core rules.pdf"), @"core-rules.pdf-8b3d7640");
        insta::assert_snapshot!(id("a/core-rules.pdf"), @"a-core-rules.pdf-455f9a04");
        insta::assert_snapshot!(id("Größe & Maß.md"), @"gro-e-ma-.md-3235c1be");
        insta::assert_snapshot!(id("книга.pdf"), @"pdf-e8fd0cd9");
        insta::assert_snapshot!(id("книга"), @"source-b83d431c");
    }

    #[test]
    fn no_id_is_the_name_of_a_device() {
        insta::assert_snapshot!(id("con.pdf"), @"source-con.pdf-c2bb9cc3");
        assert!(id("NUL").starts_with("source-nul-"));
        assert_eq!(id("console.pdf"), "console.pdf");
    }

    #[test]
    fn one_name_in_two_normal_forms_has_one_id() {
        assert_eq!(id("\u{e9}.pdf"), id("e\u{301}.pdf"));
    }

    #[test]
    fn an_id_is_short_and_hides_no_file() {
        assert!(id(&"x".repeat(400)).len() <= MAX_SLUG + 9);
        assert!(id(&format!("con.{}", "x".repeat(400))).len() <= MAX_SLUG + 16);
        assert!(!id(".hidden.pdf").starts_with('.'));
        assert_ne!(id("-a.pdf"), id("a.pdf"));
    }
}
