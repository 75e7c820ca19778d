//! Whether a match is read as the name: the verb "shield" is not the spell *Shield*. Rules of English print, kind by kind.
//! Knows nothing of dictionaries.

use crate::document::matching::cues;
use crate::document::matching::surroundings::Place;
use crate::document::term::Kind;

/// What a name is to these rules.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    pub kind: Kind,
    /// As the dictionary writes it.
    pub term: &'a str,
    /// Matched by its plural.
    pub plural: bool,
}

fn is_one_of(word: Option<&String>, list: &[&str]) -> bool {
    word.is_some_and(|w| list.contains(&w.as_str()))
}

/// Whether the words at `place` are read as `name`. `after_condition`: a condition was just read before it, joined by a
/// comma, "and" or "or".
#[must_use]
pub fn reads_as_name(name: Name<'_>, place: &Place<'_>, after_condition: bool) -> bool {
    if place.word_count() > 1 || !place.surface().contains(char::is_alphabetic) {
        return phrase_reads_as_name(name, place);
    }
    if place.joined_by_hyphen() {
        return false;
    }
    let (before, after) = (place.before(), place.after());
    if has_kind_word(name.kind, before.as_ref(), after.as_ref()) {
        return true;
    }
    // "Fly 90 ft." is a speed, "the Light property" a property.
    if cues::is_often_a_verb(name.kind) && is_of_another_sort(name.kind, after.as_ref()) {
        return false;
    }
    if !place.has_capital() {
        return small_word_reads_as_name(name, place, after_condition);
    }
    if place.fills_line() {
        return true;
    }
    if place.opens_sentence() || place.in_heading_case() {
        return opening_word_reads_as_name(name, place);
    }
    // A capital inside a sentence is a name; but a word that touches other capitals may be part of a longer, unknown one.
    // A kind of creature or people still names the kind there.
    let names_a_sort = cues::is_common_noun(name.kind) && name.kind != Kind::Item;
    names_a_sort || !(place.capital_after() || place.capital_before())
}

/// The word after it is a figure, or names another kind.
fn is_of_another_sort(kind: Kind, after: Option<&String>) -> bool {
    let figure = after.is_some_and(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    figure
        || [Kind::Condition, Kind::Skill, Kind::Rule, Kind::Tag]
            .iter()
            .any(|k| *k != kind && is_one_of(after, cues::kind_words(*k)))
}

fn has_kind_word(kind: Kind, before: Option<&String>, after: Option<&String>) -> bool {
    let cast = kind == Kind::Spell && is_one_of(before, &["cast", "casts", "casting", "spell"]);
    cast || is_one_of(after, cues::kind_words(kind))
}

/// Names of two words or more: in lower case too, unless they read as a verb and its object, or are proper names.
fn phrase_reads_as_name(name: Name<'_>, place: &Place<'_>) -> bool {
    if place.has_telling_capital() || place.fills_line() {
        return true;
    }
    if matches!(name.kind, Kind::Place | Kind::Person) {
        return place.has_capital();
    }
    let (before, after) = (place.before(), place.after());
    if has_kind_word(name.kind, before.as_ref(), after.as_ref()) {
        return true;
    }
    !(cues::is_often_a_verb(name.kind) && !place.has_capital() && is_one_of(before.as_ref(), cues::BEFORE_VERB))
}

/// One word in lower case.
fn small_word_reads_as_name(name: Name<'_>, place: &Place<'_>, after_condition: bool) -> bool {
    let (before, after) = (place.before(), place.after());
    match name.kind {
        Kind::Creature | Kind::Item | Kind::Class | Kind::Ancestry | Kind::Background => {
            !is_one_of(before.as_ref(), cues::BEFORE_VERB)
        }
        Kind::Condition => {
            let held = after_condition || is_one_of(before.as_ref(), cues::BEFORE_CONDITION);
            // "prone to boasting", "charmed by her wit", "the poisoned arrow" are words of every day.
            let before_noun = before.as_deref() == Some("the") && after.is_some();
            held && !before_noun && !is_one_of(after.as_ref(), &["to", "of", "at", "about", "for"])
        }
        // Tags are printed small, alone in brackets or cells: "(d8, bulky)".
        Kind::Tag => place.fills_segment(),
        _ => name.term.chars().all(|c| !c.is_uppercase()) && place.fills_segment(),
    }
}

/// One word whose capital proves nothing: the first of its sentence, or a word of a heading.
fn opening_word_reads_as_name(name: Name<'_>, place: &Place<'_>) -> bool {
    let after = place.after();
    if is_one_of(after.as_ref(), cues::AFTER_SUBJECT) || place.is_possessive() {
        return true;
    }
    if cues::is_common_noun(name.kind) || matches!(name.kind, Kind::Place | Kind::Person) {
        return name.plural || !is_one_of(after.as_ref(), cues::AFTER_VERB);
    }
    place.fills_segment()
}
