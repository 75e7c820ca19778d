//! The bundled words by which rulebooks say what a page, a section or an entry is. The lists are data (crate::vocabulary,
//! `structure.toml`); this reads them. Knows no book.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::document::headings::furniture::roman_value;
use crate::document::headings::key::compact;
use crate::document::term::Kind;

/// Word lists, as compact keys.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    contents: BTreeSet<String>,
    index: BTreeSet<String>,
    divisions: BTreeSet<String>,
    generic: BTreeSet<String>,
    collecting: Vec<String>,
    /// Kinds in the order of the file.
    pub kinds: Vec<KindWords>,
    tags: BTreeMap<String, Kind>,
}

/// What tells entries of one kind.
#[derive(Clone, Debug)]
pub struct KindWords {
    pub kind: Kind,
    /// Keys of headings that collect entries.
    pub headings: BTreeSet<String>,
    /// Field labels, lower case, longest first.
    pub fields: Vec<String>,
    pub min_fields: usize,
    /// Words of the line below an entry's name, lower case.
    pub subtitle: Vec<String>,
    /// Names of numbers in a one-line stat block, lower case.
    pub stats: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    divisions: Vec<String>,
    generic: Vec<String>,
    collecting: Vec<String>,
    listings: ListingWords,
    kinds: Vec<KindFile>,
    tags: BTreeMap<String, Kind>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ListingWords {
    contents: Vec<String>,
    index: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindFile {
    kind: Kind,
    headings: Vec<String>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    min_fields: usize,
    #[serde(default)]
    subtitle: Vec<String>,
    #[serde(default)]
    stats: Vec<String>,
}

static BUNDLED: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::parse(include_str!("../../vocabulary/structure.toml")));

const NUMBER_WORDS: [&str; 20] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "first", "second",
    "third", "fourth", "fifth", "sixth", "seventh", "eighth",
];

impl Vocabulary {
    /// The bundled lists.
    #[must_use]
    pub fn bundled() -> &'static Self {
        &BUNDLED
    }

    /// Lists from TOML; a file that does not parse gives empty ones (a test holds the bundled file to its shape).
    fn parse(text: &str) -> Self {
        let file: File = toml::from_str(text).unwrap_or_default();
        let keys = |words: &[String]| words.iter().map(|w| compact(w)).collect::<BTreeSet<_>>();
        let kinds = file.kinds.into_iter().map(|k| {
            let mut fields = k.fields;
            fields.sort_by_key(|f| std::cmp::Reverse(f.len()));
            KindWords {
                kind: k.kind,
                headings: keys(&k.headings),
                fields,
                min_fields: k.min_fields,
                subtitle: k.subtitle,
                stats: k.stats,
            }
        });
        Self {
            kinds: kinds.collect(),
            contents: keys(&file.listings.contents),
            index: keys(&file.listings.index),
            divisions: keys(&file.divisions),
            generic: keys(&file.generic),
            collecting: file.collecting,
            tags: file.tags.iter().map(|(tag, kind)| (compact(tag), *kind)).collect(),
        }
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
        self.generic.contains(&key) || self.contents.contains(&key) || self.index.contains(&key)
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

    /// Whether a line only counts a division: its word and a number or letter ("Chapter 4", "PART II", "Part One").
    #[must_use]
    pub fn is_division_label(&self, text: &str) -> bool {
        let words: Vec<&str> = text.split_whitespace().map(|w| w.trim_matches(|c: char| !c.is_alphanumeric())).collect();
        let [word, count] = words.as_slice() else { return false };
        let short = count.chars().count() == 1 || count.bytes().all(|b| b.is_ascii_digit()) || roman_value(count).is_some();
        self.divisions.contains(&compact(word)) && (short || NUMBER_WORDS.contains(&count.to_lowercase().as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Vocabulary};

    #[test]
    fn the_bundled_lists_are_there() {
        let v = Vocabulary::bundled();
        assert!(v.is_contents_title("tableofcontents") && v.is_index_title("index"));
        assert!(!v.is_contents_title("spells"));
        assert!(v.is_division_label("CHAPTER 4") && v.is_division_label("Part Two") && !v.is_division_label("Part Timers"));
        assert_eq!(v.kind_of_tag("Condition"), Some(Kind::Condition));
    }

    #[test]
    fn headings_that_collect_are_told_from_those_that_talk() {
        let v = Vocabulary::bundled();
        assert_eq!(v.kind_of_heading("Monsters A–Z"), Some(Kind::Creature));
        assert_eq!(v.kind_of_heading("Spell Descriptions"), Some(Kind::Spell));
        assert_eq!(v.kind_of_heading("Monster Collection"), Some(Kind::Creature));
        assert_eq!(v.kind_of_heading("Casting Spells"), None);
        assert_eq!(v.kind_of_group("M and N Spells"), Some(Kind::Spell));
        assert_eq!(v.kind_of_group("Epic Boon Feats"), Some(Kind::Feat));
        assert_eq!(v.kind_of_group("Creatures of the Coast"), Some(Kind::Creature));
        assert_eq!(v.kind_of_group("Creating Backgrounds"), None);
        assert_eq!(v.kind_of_group("Parts of a Stat Block"), None);
    }
}
