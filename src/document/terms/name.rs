//! The name in a heading: what a reader would look up, without numbers, tags, levels and uses printed around it.

use crate::document::headings::key::{clean, compact, unnumbered};
use crate::document::term::Kind;
use crate::document::vocabulary::Vocabulary;

/// A name, the form in which it is printed, and what the print says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub name: String,
    /// The printed form, where it differs.
    pub printed: Option<String>,
    /// Kind that a tag or a word before a colon names.
    pub tagged: Option<Kind>,
    /// It was printed with a level ("Level 3: Reckless").
    pub levelled: bool,
}

/// Reads a heading. `None` if no name is left, or more than a name (a question, a sentence).
#[must_use]
pub fn read_name(title: &str, vocabulary: &Vocabulary) -> Option<Name> {
    let printed = clean(title);
    let printed = printed.trim_end_matches(|c: char| c == ':' || c == '.' || c.is_whitespace()).to_owned();
    let (mut name, mut tagged, mut levelled) = (unnumbered(&printed).to_owned(), None, false);
    if let Some((kind, said)) = vocabulary.entry(&name) {
        (tagged, name) = (Some(kind), said);
    }
    if let Some((before, tag)) = bracketed(&name) {
        tagged = tagged.or(vocabulary.kind_of_tag(tag));
        name = before.to_owned();
    }
    if let Some((before, after)) = name.split_once(": ") {
        let level = is_level(before, vocabulary);
        let kind = vocabulary.kind_of_tag(before);
        if level || kind.is_some() {
            (levelled, tagged) = (level, tagged.or(kind));
            name = after.trim().to_owned();
        }
    }
    if let Some(cut) = count_suffix(&name) {
        name.truncate(cut);
    }
    let name = title_case(name.trim());
    let words = name.split_whitespace().count();
    let asks = name.ends_with(['?', '!', ',', ';']);
    if compact(&name).len() < 2 || !name.chars().any(char::is_alphabetic) || words > 9 || name.chars().count() > 70 || asks {
        return None;
    }
    let printed = (printed != name && compact(&printed) != compact(&name)).then_some(printed);
    Some(Name { name, printed, tagged, levelled })
}

/// "Blinded [Condition]" → ("Blinded", "Condition").
fn bracketed(name: &str) -> Option<(&str, &str)> {
    let open = name.rfind('[')?;
    let tag = name[open + 1..].strip_suffix(']')?;
    let before = name[..open].trim();
    (!before.is_empty()).then_some((before, tag))
}

/// "Level 3", "3rd Level", "Rank 2", "Tier 1".
fn is_level(text: &str, vocabulary: &Vocabulary) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    <[&str; 2]>::try_from(words).is_ok_and(|words| vocabulary.is_level(words))
}

/// Where a count of uses begins: ", 3 charges", ", +1 Armor", ", d6 uses". A bare number (", +1, +2, or +3") is a name's own.
fn count_suffix(name: &str) -> Option<usize> {
    name.match_indices(", ").map(|(i, _)| i).find(|i| {
        let mut words = name[i + 2..].split_whitespace();
        let first = words.next().unwrap_or("");
        let count = first.trim_start_matches(['+', '-', '−', 'd']);
        let counted = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
        counted && words.next().is_some_and(|w| w.starts_with(char::is_alphabetic) && !["or", "and", "to"].contains(&w))
    })
}

/// Names in capitals throughout as people write them; short ones ("GM", "NPC") are abbreviations.
fn title_case(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    if letters < 5 || name.chars().any(char::is_lowercase) {
        return name.to_owned();
    }
    const SMALL: [&str; 12] = ["of", "the", "and", "or", "in", "to", "a", "an", "for", "from", "with", "on"];
    let words = name.split_whitespace().enumerate().map(|(i, word)| {
        let lower = word.to_lowercase();
        if i > 0 && SMALL.contains(&lower.as_str()) {
            return lower;
        }
        let mut start = true;
        lower
            .chars()
            .map(|c| {
                let out = if start { c.to_uppercase().next().unwrap_or(c) } else { c };
                start = matches!(c, '-' | '/' | '(');
                out
            })
            .collect()
    });
    words.collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(title: &str) -> Option<(String, Option<String>)> {
        read_name(title, Vocabulary::bundled().unwrap()).map(|n| (n.name, n.printed))
    }

    #[test]
    fn qualifiers_leave_the_name_and_stay_as_the_printed_form() {
        assert_eq!(name("Blinded [Condition]"), Some(("Blinded".into(), Some("Blinded [Condition]".into()))));
        assert_eq!(name("Level 1: Rage"), Some(("Rage".into(), Some("Level 1: Rage".into()))));
        assert_eq!(name("2.3 Saves"), Some(("Saves".into(), Some("2.3 Saves".into()))));
        assert_eq!(name("Bloodmap, 1 charge"), Some(("Bloodmap".into(), Some("Bloodmap, 1 charge".into()))));
        assert_eq!(name("Ammunition, +1, +2, or +3"), Some(("Ammunition, +1, +2, or +3".into(), None)));
        assert_eq!(name("CLOAK OF THE BAT"), Some(("Cloak of the Bat".into(), None)));
        assert_eq!(name("Powers:"), Some(("Powers".into(), None)));
    }

    #[test]
    fn a_heading_like_those_of_a_kind_says_the_kind_and_the_name() {
        let text = "version = 1\n[kind.hulk]\nentries = ['^☠ (?P<name>.+)$', '^Hulk of ']";
        let file = crate::document::vocabulary::Text { name: "brine.toml", text };
        let vocabulary = crate::document::vocabulary::compose(&crate::document::vocabulary::usual(), &[file]).unwrap();
        let read = |title: &str| read_name(title, &vocabulary).map(|n| (n.name, n.tagged.map(|k| k.name().to_owned())));
        assert_eq!(read("☠ Tar Widow"), Some(("Tar Widow".into(), Some("hulk".into()))));
        assert_eq!(read("3. Hulk of Salt"), Some(("Hulk of Salt".into(), Some("hulk".into()))));
        assert_eq!(read("Tar Widow"), Some(("Tar Widow".into(), None)));
    }

    #[test]
    fn questions_and_sentences_are_no_names() {
        assert_eq!(name("What do I need?"), None);
        assert_eq!(name("12"), None);
    }
}
