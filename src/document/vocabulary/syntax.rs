//! The words of a vocabulary file, each with its place; the JSON Schema is derived from these types. Knows the shape only.

use std::ops::Range;

use schemars::JsonSchema;

use crate::spanned::{At, Named};

/// Several strings.
pub type Words = Option<At<Vec<At<String>>>>;

/// The whole file.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, title = "Vocabulary")]
#[schemars(
    description = "A vocabulary file: what the books of a game system print, and what it stands for. What a file says is added \
                          to the bundled vocabularies and to the files before it."
)]
pub struct File {
    /// Version of this format: 1.
    #[schemars(extend("const" = 1))]
    pub version: At<i64>,
    /// Words by which books say what a page or a section is. Case, spaces and punctuation do not matter.
    #[schemars(default)]
    pub structure: Structure,
    /// Kinds of things that books define, by name.
    #[schemars(default)]
    pub kind: Named<Kind>,
    /// Parts of patterns, by name: `{name}` in a pattern of this file stands for one. Those of the bundled `generic` can be
    /// used in every file.
    #[schemars(default)]
    pub fragment: Named<At<String>>,
    /// Expressions with a value, by name.
    #[schemars(default)]
    pub expression: Named<Expression>,
    /// Numbers in words: `three = 3`. They are read wherever a number may stand.
    #[schemars(default)]
    pub numbers: Named<At<u64>>,
    /// Another name, and the name in the dictionary that it stands for: `AC = "Armor Class"`.
    #[schemars(default)]
    pub synonyms: Named<At<String>>,
    /// How books refer to their own pages, chapters and sections.
    #[schemars(default)]
    pub references: References,
}

/// Words by which books say what a page or a section is.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Structure {
    /// Forget what was said of the structure before this file.
    pub replace: Option<At<bool>>,
    /// A line of one of these and a number counts a division ("Chapter 4").
    pub divisions: Words,
    /// Titles of lists of contents.
    pub contents: Words,
    /// Titles of indexes.
    pub index: Words,
    /// Titles that name no thing a book defines ("Introduction").
    pub no_names: Words,
    /// Words around the name of a kind in a heading that collects its entries ("Monsters A–Z").
    pub collecting: Words,
    /// Words that count a level in a heading ("Rank 3: Reckless").
    pub levels: Words,
}

/// A kind of thing, what tells its entries, and how its names stand in running text.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Kind {
    /// Forget what was said of this kind before this file.
    pub replace: Option<At<bool>>,
    /// Headings that collect entries ("Spells"); what stands below them is of this kind.
    pub headings: Words,
    /// Patterns of the headings of entries; the group `name` is the name, if there is one: `'^Move: (?P<name>.+)$'`.
    pub entries: Words,
    /// Tags printed with a name: "Blinded [Condition]", "Spell: Glow".
    pub tags: Words,
    /// Labels of the lines at the head of an entry: "Casting Time:". So many different ones as `min_fields` says make an entry.
    pub fields: Words,
    /// 2, if not given.
    #[schemars(range(min = 1))]
    pub min_fields: Option<At<u64>>,
    /// Names of numbers in a stat block of one line: "4 HP, 1 Armor". Two make an entry.
    pub stats: Words,
    /// Words of the line right below the name of an entry: "Wondrous Item, Rare".
    pub subtitles: Words,
    /// How a name stands in running text: `title` (the default) in capitals, and alone where it is small; `verb` as well, but
    /// many are verbs in small letters; `thing` and `being` small, like other nouns; `state` small, where somebody is in it;
    /// `label` small, alone between marks; `proper` in capitals only.
    #[schemars(extend("enum" = ["title", "verb", "thing", "being", "state", "label", "proper"]))]
    pub names: Option<At<String>>,
    /// Whether names have a plural; not given, those of states and labels have none.
    pub plural: Option<At<bool>>,
    /// Words behind a name that say its kind: the Shield *spell*.
    pub called: Words,
    /// Words before a name that say its kind: *casts* Shield.
    pub called_before: Words,
    /// Words within six words of a name that speak for the kind, where a name could be of two.
    pub near: Words,
    /// Words in titles of sections that speak for the kind, where a name could be of two.
    pub under: Words,
    /// What stands with a level below an entry of this kind is of that other kind ("Level 3: Reckless").
    pub levelled: Option<At<String>>,
    /// Headings of two to four words that nothing else explains name one of this kind.
    pub any_heading: Option<At<bool>>,
}

/// An expression: how it is printed, and how its value is read. Patterns are those of the Rust crate `regex`.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Expression {
    /// Forget what was said of this expression before this file.
    pub replace: Option<At<bool>>,
    /// How the groups of a pattern become a value: `text` (the default) and `number` give each group under its name, `dice` reads
    /// `count`, `sides`, `sign`, `modifier`, `factor`; `measure` reads dice or an `amount` (and a `long` one), and a `unit`; `money` an
    /// `amount` with a `unit` or a `mark`; `damage` dice, an `amount`, `points`, and a `type`, or that alone, or several: types are
    /// linked to in the graph.
    #[schemars(extend("enum" = ["text", "number", "dice", "measure", "money", "damage"]))]
    pub value: Option<At<String>>,
    /// How it is written down, for `text` and `number`: `"DC {dc}"`. As it is printed, if not given.
    pub name: Option<At<String>>,
    /// What is printed.
    pub patterns: Words,
    /// How units are written down, by their printed form in small letters; others lose the s of the plural.
    #[schemars(default)]
    pub units: Named<At<String>>,
    /// Units of `money` that are adjectives too: only where their phrase ends are they money.
    pub adjectives: Words,
    /// Words before "damage" that are no type of it.
    pub not_types: Words,
}

/// How books refer to their own pages, chapters and sections.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct References {
    /// Forget what was said of references before this file.
    pub replace: Option<At<bool>>,
    /// Patterns with one group that says where it leads: `page`, `chapter`, `section`, `title`, `quoted`.
    pub patterns: Words,
    /// The same in plain words, with `{page}`, `{chapter}` or `{title}`: `"turn to {page}"`. Case does not matter.
    pub phrases: Words,
    /// Patterns of what may stand right before a page and name a book or a section; the group `book` is its name.
    pub books: Words,
    /// Words between pages or chapters that are listed: "pages 12 *and* 14". Commas are known.
    pub and: Words,
    /// Words before a name that point to it and are no part of it: "*See* Lands of the North, page 31".
    pub see: Words,
    /// Words before "see" that make it the verb of eyes: "you *can* see".
    pub eyes: Words,
    /// Words behind a number that make it no page: "page 3 *inches* wide".
    pub measures: Words,
    /// What stands where a title does and is none: "See *Also*".
    pub no_titles: Words,
    /// Words that count chapters, in headings and references: "*Chapter* 4".
    pub chapters: Words,
}

impl File {
    /// Where whole-file problems are told.
    pub const TOP: Range<usize> = 0..0;
}
