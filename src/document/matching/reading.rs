//! Whether a match is read as the name: the verb "shield" is not the spell *Shield*. Rules of English print, kind by kind.
//! Knows nothing of dictionaries.

use crate::document::matching::cues;
use crate::document::matching::surroundings::Place;
use crate::document::vocabulary::{KindWords, Reading, Vocabulary};

/// What a name is to these rules.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    pub kind: &'a KindWords,
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
pub fn reads_as_name(name: Name<'_>, place: &Place<'_>, after_condition: bool, vocabulary: &Vocabulary) -> bool {
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
    if name.kind.reading == Reading::Verb && is_of_another_sort(name.kind, after.as_ref(), vocabulary) {
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
    name.kind.reading == Reading::Being || !(place.capital_after() || place.capital_before())
}

/// The word after it is a figure, or says another kind that is no thing and no being.
fn is_of_another_sort(kind: &KindWords, after: Option<&String>, vocabulary: &Vocabulary) -> bool {
    let figure = after.is_some_and(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    let others = vocabulary.kinds.iter().filter(|k| matches!(k.reading, Reading::Title | Reading::State | Reading::Label));
    figure || after.is_some_and(|word| others.filter(|k| k.kind != kind.kind).any(|k| k.called.contains(word)))
}

fn has_kind_word(kind: &KindWords, before: Option<&String>, after: Option<&String>) -> bool {
    before.is_some_and(|w| kind.called_before.contains(w)) || after.is_some_and(|w| kind.called.contains(w))
}

/// Names of two words or more: in lower case too, unless they read as a verb and its object, or are proper names.
fn phrase_reads_as_name(name: Name<'_>, place: &Place<'_>) -> bool {
    if place.has_telling_capital() || place.fills_line() {
        return true;
    }
    if name.kind.reading == Reading::Proper {
        return place.has_capital();
    }
    let (before, after) = (place.before(), place.after());
    if has_kind_word(name.kind, before.as_ref(), after.as_ref()) {
        return true;
    }
    !(name.kind.reading == Reading::Verb && !place.has_capital() && is_one_of(before.as_ref(), cues::BEFORE_VERB))
}

/// One word in lower case.
fn small_word_reads_as_name(name: Name<'_>, place: &Place<'_>, after_condition: bool) -> bool {
    let (before, after) = (place.before(), place.after());
    match name.kind.reading {
        Reading::Thing | Reading::Being => !is_one_of(before.as_ref(), cues::BEFORE_VERB),
        Reading::State => {
            let held = after_condition || is_one_of(before.as_ref(), cues::BEFORE_CONDITION);
            // "prone to boasting", "charmed by her wit", "the poisoned arrow" are words of every day.
            let before_noun = before.as_deref() == Some("the") && after.is_some();
            held && !before_noun && !is_one_of(after.as_ref(), &["to", "of", "at", "about", "for"])
        }
        // Tags are printed small, alone in brackets or cells: "(d8, bulky)".
        Reading::Label => place.fills_segment(),
        _ => name.term.chars().all(|c| !c.is_uppercase()) && place.fills_segment(),
    }
}

/// One word whose capital proves nothing: the first of its sentence, or a word of a heading.
fn opening_word_reads_as_name(name: Name<'_>, place: &Place<'_>) -> bool {
    let after = place.after();
    if is_one_of(after.as_ref(), cues::AFTER_SUBJECT) || place.is_possessive() {
        return true;
    }
    if name.kind.reading.is_common_noun() || name.kind.reading == Reading::Proper {
        return name.plural || !is_one_of(after.as_ref(), cues::AFTER_VERB);
    }
    place.fills_segment()
}
