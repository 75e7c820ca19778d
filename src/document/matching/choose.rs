//! Which of several names is meant where one printed form stands for more than one: the spell *Shield* or the item.
//! Deterministic: what the context says, else how the word is written, else a fixed order. Knows nothing of dictionaries.

use crate::document::matching::cues;
use crate::document::matching::surroundings::Place;
use crate::document::vocabulary::KindWords;

/// Words on either side that count as near.
const REACH: usize = 6;

/// How strongly the surroundings speak for `kind`; higher is more. Only differences between kinds at one place matter.
#[must_use]
pub fn evidence(kind: &KindWords, place: &Place<'_>, section_path: &[String]) -> i32 {
    let mut score = 0;
    let (before, after) = (place.before(), place.after());
    let is = |word: &Option<String>, list: &[String]| word.as_ref().is_some_and(|w| list.contains(w));
    let is_article = before.as_deref().is_some_and(|w| cues::ARTICLES.contains(&w));
    // The word beside it that names its kind decides.
    if is(&after, &kind.called) || is(&before, &kind.called_before) && !is(&before, &kind.called) {
        score += 20;
    }
    if place.near(REACH).iter().any(|w| kind.near.contains(w)) {
        score += 4;
    }
    // Common nouns take an article, spells and feats do not.
    if kind.reading.is_common_noun() && is_article {
        score += 3;
    }
    if kind.reading.is_common_noun() && !place.has_capital() {
        score += 2;
    }
    // The nearer the title, the more it says.
    for (depth, title) in section_path.iter().rev().take(4).enumerate() {
        let title = title.to_lowercase();
        if title.split(|c: char| !c.is_alphanumeric()).any(|w| kind.under.iter().any(|u| u == w)) {
            score += 3 - i32::try_from(depth).unwrap_or(3).min(2);
            break;
        }
    }
    score
}
