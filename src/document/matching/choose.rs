//! Which of several names is meant where one printed form stands for more than one: the spell *Shield* or the item.
//! Deterministic: what the context says, else how the word is written, else a fixed order. Knows nothing of dictionaries.

use crate::document::matching::cues;
use crate::document::matching::surroundings::Place;
use crate::document::term::Kind;

/// Words on either side that count as near.
const REACH: usize = 6;

/// How strongly the surroundings speak for `kind`; higher is more. Only differences between kinds at one place matter.
#[must_use]
pub fn evidence(kind: Kind, place: &Place<'_>, section_path: &[String]) -> i32 {
    let mut score = 0;
    let (before, after) = (place.before(), place.after());
    let is = |word: &Option<String>, list: &[&str]| word.as_deref().is_some_and(|w| list.contains(&w));
    // The word beside it that names its kind decides.
    if is(&after, cues::kind_words(kind)) || (kind == Kind::Spell && is(&before, &["cast", "casts", "casting"])) {
        score += 20;
    }
    if place.near(REACH).iter().any(|w| cues::neighbours(kind).contains(&w.as_str())) {
        score += 4;
    }
    // Common nouns take an article, spells and feats do not.
    if cues::is_common_noun(kind) && is(&before, cues::ARTICLES) {
        score += 3;
    }
    if cues::is_common_noun(kind) && !place.has_capital() {
        score += 2;
    }
    // The nearer the title, the more it says.
    for (depth, title) in section_path.iter().rev().take(4).enumerate() {
        let title = title.to_lowercase();
        if title.split(|c: char| !c.is_alphanumeric()).any(|w| cues::title_words(kind).contains(&w)) {
            score += 3 - i32::try_from(depth).unwrap_or(3).min(2);
            break;
        }
    }
    score
}
