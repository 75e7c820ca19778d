//! Vocabularies: what the books of a game system print, and what it stands for. The words are data: files of the program
//! (`bundled`) and of the project, read (`read`, `syntax`), put together and checked (`compose`). Passes that read a vocabulary
//! have its digest in their keys. Knows no book.

mod bundled;
mod claims;
mod compose;
mod draft;
mod kinds;
pub mod pattern;
mod read;
mod referring;
mod schema;
mod syntax;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

pub use bundled::{BUNDLED, Bundled, chosen, usual};
pub use compose::{Text, compose};
pub use kinds::{KindWords, Reading};
pub use schema::vocabulary_schema;

use self::pattern::Pattern;
use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::document::expressions::Declared;
use crate::document::headings::furniture::roman_value;
use crate::document::headings::key::compact;
use crate::document::number_words::NumberWords;
use crate::document::references::words::Words;
use crate::document::term::Kind;

/// Word lists, as compact keys; patterns, compiled when they are first asked for.
#[derive(Debug, Default)]
pub struct Vocabulary {
    contents: BTreeSet<String>,
    index: BTreeSet<String>,
    divisions: BTreeSet<String>,
    no_names: BTreeSet<String>,
    collecting: Vec<String>,
    /// In lower case.
    levels: BTreeSet<String>,
    /// Kinds in the order in which they were first named.
    pub kinds: Vec<KindWords>,
    tags: BTreeMap<String, Kind>,
    /// Other names by the key of the name that they stand for.
    synonyms: BTreeMap<String, Vec<String>>,
    pub expressions: Vec<Declared>,
    /// Numbers in words.
    pub numbers: NumberWords,
    pub references: Words,
}

static DEFAULT: LazyLock<Result<Vocabulary, String>> =
    LazyLock::new(|| compose(&usual(), &[]).map_err(|problems| first_of(&problems)));

/// Made last: all actions of a build read one.
static LAST: Mutex<Option<(Digest, Arc<Vocabulary>)>> = Mutex::new(None);

fn first_of(problems: &[Diagnostic]) -> String {
    problems.first().map(ToString::to_string).unwrap_or_default()
}

/// A vocabulary at hand.
#[derive(Clone, Debug)]
pub enum Shared {
    /// The bundled one.
    Bundled(&'static Vocabulary),
    Made(Arc<Vocabulary>),
}

impl std::ops::Deref for Shared {
    type Target = Vocabulary;

    fn deref(&self) -> &Vocabulary {
        match self {
            Self::Bundled(vocabulary) => vocabulary,
            Self::Made(vocabulary) => vocabulary,
        }
    }
}

impl Vocabulary {
    /// What is used where nothing else is said.
    ///
    /// # Errors
    /// What is wrong with a file of the program: nothing, as a test sees to.
    pub fn bundled() -> Result<&'static Self, String> {
        DEFAULT.as_ref().map_err(Clone::clone)
    }

    /// The vocabulary of `bundled` and `files`; made once for all that ask for the same one after the other.
    ///
    /// # Errors
    /// The first thing that is wrong with a file.
    pub fn shared(bundled: &[&'static Bundled], files: &[Text<'_>]) -> Result<Shared, String> {
        let mut hasher = blake3::Hasher::new();
        let parts = bundled.iter().map(|b| (b.name, b.text)).chain(files.iter().map(|f| (f.name, f.text)));
        for part in parts.flat_map(|(name, text)| [name, text]) {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        let digest = Digest::of_hasher(&hasher);
        let mut last = LAST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, known)) = last.as_ref().filter(|(of, _)| *of == digest) {
            return Ok(Shared::Made(known.clone()));
        }
        let made = compose(bundled, files).map_err(|problems| first_of(&problems))?;
        let made = Arc::new(made);
        *last = Some((digest, made.clone()));
        Ok(Shared::Made(made))
    }

    /// What is known of a kind; of one that is not declared, what all kinds have in common.
    #[must_use]
    pub fn kind(&self, kind: Kind) -> &KindWords {
        self.kinds.iter().find(|k| k.kind == kind).unwrap_or_else(|| KindWords::unknown())
    }

    /// The place of a kind among those declared; those that are not come last.
    #[must_use]
    pub fn rank(&self, kind: Kind) -> (usize, Kind) {
        (self.kinds.iter().position(|k| k.kind == kind).unwrap_or(usize::MAX), kind)
    }

    /// Other names of what is called `name`.
    #[must_use]
    pub fn synonyms(&self, name: &str) -> &[String] {
        if self.synonyms.is_empty() { &[] } else { self.synonyms.get(&compact(name)).map_or(&[], Vec::as_slice) }
    }

    /// The kind and name of an entry whose heading is like those of its kind.
    #[must_use]
    pub fn entry(&self, title: &str) -> Option<(Kind, String)> {
        self.kinds.iter().find_map(|k| {
            let captures = k.entries.iter().filter_map(Pattern::regex).find_map(|regex| regex.captures(title))?;
            let name = captures.name("name").map_or(title, |m| m.as_str()).trim();
            Some((k.kind, name.to_owned()))
        })
    }

    /// Whether a title (as a compact key) heads a list of contents.
    #[must_use]
    pub fn is_contents_title(&self, key: &str) -> bool {
        self.contents.contains(key)
    }

    /// Whether a title (as a compact key) heads an index.
    #[must_use]
    pub fn is_index_title(&self, key: &str) -> bool {
        self.index.contains(key)
    }

    /// Whether a title names nothing that a rulebook defines.
    #[must_use]
    pub fn is_generic(&self, title: &str) -> bool {
        let key = compact(title);
        self.no_names.contains(&key) || self.contents.contains(&key) || self.index.contains(&key)
    }

    /// The kind that a printed tag says ("Condition" in "Blinded [Condition]").
    #[must_use]
    pub fn kind_of_tag(&self, tag: &str) -> Option<Kind> {
        self.tags.get(&compact(tag)).copied()
    }

    /// The kind of things that a heading collects: "Spells", "Monsters A–Z", "List of Feats". `None` for other headings.
    #[must_use]
    pub fn kind_of_heading(&self, title: &str) -> Option<Kind> {
        let core = self.core(title);
        let key = compact(&core);
        self.kinds.iter().find(|k| k.headings.contains(&key)).map(|k| k.kind)
    }

    /// The kind that a heading's last words name in the plural, after words of its own: "Epic Boon Feats", "M and N Spells".
    #[must_use]
    pub fn kind_of_group(&self, title: &str) -> Option<Kind> {
        let core = self.core(title);
        let words: Vec<&str> = core.split_whitespace().collect();
        // "Creating Monsters", "Casting Spells" talk about them.
        if words.first().is_some_and(|w| w.len() > 4 && w.ends_with("ing")) {
            return None;
        }
        let plural = |tail: &str| tail.ends_with('s') || tail.ends_with('y');
        // "Creatures of the Coast": the plural comes first, what it is of behind.
        if let [first, "of" | "from" | "in", ..] = words.as_slice()
            && first.ends_with('s')
            && let Some(k) = self.kinds.iter().find(|k| k.headings.contains(&compact(first)))
        {
            return Some(k.kind);
        }
        (1..words.len().min(3)).rev().find_map(|n| {
            let tail = words[words.len() - n..].concat().to_lowercase();
            self.kinds.iter().find(|k| plural(&tail) && k.headings.contains(&compact(&tail))).map(|k| k.kind)
        })
    }

    /// A title without the words that only say that it collects.
    fn core(&self, title: &str) -> String {
        let mut core = title.to_lowercase();
        loop {
            let before = core.len();
            for word in &self.collecting {
                let rest = core.strip_prefix(word.as_str()).filter(|r| r.starts_with(' '));
                let rest = rest.or_else(|| core.strip_suffix(word.as_str()).filter(|r| r.ends_with(' ')));
                if let Some(rest) = rest {
                    core = rest.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
                }
            }
            if core.len() == before {
                return core;
            }
        }
    }

    /// Whether two words of a heading count a level: "Level 3", "3rd Level".
    #[must_use]
    pub fn is_level(&self, words: [&str; 2]) -> bool {
        let unit = |w: &str| self.levels.contains(&w.to_lowercase());
        let count = |w: &str| w.starts_with(|c: char| c.is_ascii_digit()) && w.len() <= 4;
        unit(words[0]) && count(words[1]) || count(words[0]) && unit(words[1])
    }

    /// Whether a line only counts a division: its word and a number or letter ("Chapter 4", "PART II", "Part One").
    #[must_use]
    pub fn is_division_label(&self, text: &str) -> bool {
        let words: Vec<&str> = text.split_whitespace().map(|w| w.trim_matches(|c: char| !c.is_alphanumeric())).collect();
        matches!(words.as_slice(), [word, count] if self.is_division(word) && self.counts(count))
    }

    /// Whether a word names a division of a book: "chapter", "Appendix".
    #[must_use]
    pub fn is_division(&self, word: &str) -> bool {
        self.divisions.contains(&compact(word))
    }

    /// Whether a word is a number or a single letter, with or without a mark behind it.
    #[must_use]
    pub fn counts(&self, word: &str) -> bool {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.chars().count() == 1
            || !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
            || roman_value(word).is_some()
            || self.numbers.value(&word.to_lowercase()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Vocabulary};

    fn kind(name: &str) -> Option<Kind> {
        Some(Kind::new(name).unwrap())
    }

    #[test]
    fn the_bundled_lists_are_there() {
        let v = Vocabulary::bundled().unwrap();
        assert!(v.is_contents_title("tableofcontents") && v.is_index_title("index"));
        assert!(!v.is_contents_title("spells"));
        assert!(v.is_division_label("CHAPTER 4") && v.is_division_label("Part Two") && !v.is_division_label("Part Timers"));
        assert_eq!(v.kind_of_tag("Condition"), kind("condition"));
    }

    #[test]
    fn headings_that_collect_are_told_from_those_that_talk() {
        let v = Vocabulary::bundled().unwrap();
        assert_eq!(v.kind_of_heading("Monsters A–Z"), kind("creature"));
        assert_eq!(v.kind_of_heading("Spell Descriptions"), kind("spell"));
        assert_eq!(v.kind_of_heading("Monster Collection"), kind("creature"));
        assert_eq!(v.kind_of_heading("Casting Spells"), None);
        assert_eq!(v.kind_of_group("M and N Spells"), kind("spell"));
        assert_eq!(v.kind_of_group("Epic Boon Feats"), kind("feat"));
        assert_eq!(v.kind_of_group("Creatures of the Coast"), kind("creature"));
        assert_eq!(v.kind_of_group("Creating Backgrounds"), None);
        assert_eq!(v.kind_of_group("Parts of a Stat Block"), None);
    }
}
