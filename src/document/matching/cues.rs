//! The words that tell one reading of a name from another: what stands before a verb, what follows a name. English.
//! Knows nothing of names, kinds or texts.

/// Before a verb, not a noun.
pub const BEFORE_VERB: &[&str] = &[
    "can", "cannot", "could", "may", "might", "must", "shall", "should", "will", "would", "to", "not", "can't", "don't",
    "doesn't", "i", "you", "we", "they", "who", "let", "lets", "please", "never", "also", "then",
];

/// Before a noun.
pub const ARTICLES: &[&str] = &[
    "a", "an", "the", "this", "that", "these", "those", "each", "every", "any", "no", "your", "his", "her", "its", "their", "my",
    "our", "another", "some", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "several", "many",
    "few",
];

/// After a verb at the start of a sentence: its object, or the particle that goes with it.
pub const AFTER_VERB: &[&str] = &[
    "a",
    "an",
    "the",
    "this",
    "that",
    "these",
    "those",
    "your",
    "his",
    "her",
    "its",
    "their",
    "my",
    "our",
    "it",
    "them",
    "him",
    "yourself",
    "yourselves",
    "one",
    "each",
    "every",
    "any",
    "all",
    "in",
    "into",
    "up",
    "down",
    "out",
    "off",
    "on",
    "over",
    "away",
    "with",
    "through",
    "at",
    "to",
    "from",
];

/// After a name that is the subject of its sentence.
pub const AFTER_SUBJECT: &[&str] = &[
    "is", "was", "are", "were", "has", "have", "had", "can", "may", "must", "does", "do", "did", "lasts", "ends", "deals",
    "creates", "allows", "lets", "grants", "gives", "requires", "counts", "works", "causes", "makes", "affects", "targets",
    "fails",
];

/// Before a condition that somebody is in.
pub const BEFORE_CONDITION: &[&str] = &[
    "is",
    "are",
    "be",
    "been",
    "being",
    "was",
    "were",
    "become",
    "becomes",
    "becoming",
    "became",
    "while",
    "when",
    "if",
    "fall",
    "falls",
    "fell",
    "knocked",
    "knock",
    "land",
    "lands",
    "remain",
    "remains",
    "stay",
    "stays",
    "made",
    "considered",
    "you're",
    "it's",
    "the",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_lower_case() {
        for list in [BEFORE_VERB, ARTICLES, AFTER_VERB, AFTER_SUBJECT, BEFORE_CONDITION] {
            assert!(list.iter().all(|w| *w == w.to_lowercase()));
        }
    }
}
