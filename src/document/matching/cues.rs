//! The words that tell one reading of a name from another: what a spell is done with, what follows a verb. English.
//! Knows nothing of names or texts.

use crate::document::term::Kind;

/// Words that name the kind itself beside a name: the `Shield` spell, a `Stealth` check.
#[must_use]
pub fn kind_words(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Spell => &["spell", "spells", "cantrip", "cantrips", "ritual", "rituals", "spellbook", "spellbooks"],
        Kind::Feat => &["feat", "feats", "talent", "talents", "stunt", "stunts"],
        Kind::Condition => &["condition", "conditions"],
        Kind::Class => &["class", "classes", "subclass"],
        Kind::Ancestry => &["ancestry", "species", "race", "lineage", "traits"],
        Kind::Background => &["background", "backgrounds"],
        Kind::Feature => &["feature", "features", "trait", "traits"],
        Kind::Skill => &["skill", "skills", "check", "checks", "proficiency"],
        Kind::Rule | Kind::Mechanic => &["action", "actions", "reaction", "rule", "rules", "roll", "rolls", "property", "score"],
        Kind::Move => &["move", "moves"],
        Kind::Tag => &["tag", "tags", "property", "keyword"],
        Kind::Creature | Kind::Item | Kind::Place | Kind::Person => &[],
    }
}

/// Words near a name that speak for a kind.
#[must_use]
pub fn neighbours(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Spell => {
            &["cast", "casts", "casting", "spell", "spells", "cantrip", "concentration", "slot", "prepared", "caster", "scroll"]
        }
        Kind::Item => &[
            "carry",
            "carries",
            "carrying",
            "wear",
            "wears",
            "wearing",
            "wield",
            "wields",
            "wielding",
            "hold",
            "holds",
            "buy",
            "armor",
            "armour",
            "weapon",
            "weapons",
            "gp",
            "sp",
            "cp",
            "lb",
            "equipment",
            "gear",
            "cost",
            "costs",
            "rack",
            "takes",
            "take",
        ],
        Kind::Creature => {
            &["attacks", "bites", "summon", "beast", "monster", "monsters", "hp", "creature", "herd", "pack", "lair"]
        }
        Kind::Condition => &["condition", "conditions", "immune", "immunity", "suffers", "ends"],
        Kind::Skill => &["check", "checks", "proficient", "proficiency", "skill"],
        Kind::Class => &["level", "levels", "class", "multiclass"],
        _ => &[],
    }
}

/// Words in a section title that speak for a kind.
#[must_use]
pub fn title_words(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Spell => &["spell", "spells", "magic", "cantrips", "grimoire", "spellbooks"],
        Kind::Item => {
            &["item", "items", "equipment", "gear", "armor", "armour", "weapons", "treasure", "goods", "marketplace", "relics"]
        }
        Kind::Creature => {
            &["monster", "monsters", "creatures", "bestiary", "animals", "beasts", "adversaries", "foes", "enemies"]
        }
        Kind::Condition => &["condition", "conditions"],
        Kind::Feat => &["feats", "talents", "stunts"],
        Kind::Class => &["classes", "class"],
        Kind::Ancestry => &["ancestries", "species", "races", "lineages", "peoples"],
        Kind::Background => &["backgrounds", "background"],
        Kind::Skill => &["skills", "abilities"],
        Kind::Rule | Kind::Mechanic => &["rules", "glossary", "playing"],
        Kind::Feature => &["features"],
        Kind::Place => &["places", "locations", "gazetteer", "regions"],
        Kind::Person => &["people", "characters", "npcs"],
        Kind::Move => &["moves"],
        Kind::Tag => &["tags", "properties"],
    }
}

/// Kinds whose names are common nouns, written small in running text.
#[must_use]
pub fn is_common_noun(kind: Kind) -> bool {
    matches!(kind, Kind::Creature | Kind::Item | Kind::Class | Kind::Ancestry | Kind::Background)
}

/// Kinds whose names are often verbs.
#[must_use]
pub fn is_often_a_verb(kind: Kind) -> bool {
    matches!(kind, Kind::Spell | Kind::Feat | Kind::Feature | Kind::Move)
}

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
