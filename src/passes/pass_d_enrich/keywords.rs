//! Keywords of a chunk by YAKE (Campos et al. 2020), from the `yake-rust` crate. The crate sums over hash maps of random
//! order, so its scores differ in their last bits from run to run: scores are rounded before they are compared, ties go to
//! the keyword that comes first in the text.

use std::cmp::Ordering;
use std::collections::HashSet;

use yake_rust::{Config, ResultItem, StopWords, get_n_best};

/// Longer words are no words but recognition noise, and cost the tokeniser much.
const LONGEST_WORD: usize = 40;
/// Keywords that are this similar (normalised Levenshtein, the threshold of the paper) are one.
const SAME: f64 = 0.9;

/// Extracts keywords; made once per action because its stop words are a table.
pub struct Keywords {
    stop_words: StopWords,
    config: Config,
}

impl Keywords {
    /// For English.
    #[must_use]
    pub fn new() -> Self {
        let stop_words = StopWords::predefined("en").unwrap_or_default();
        Self { stop_words, config: Config { remove_duplicates: false, ..Config::default() } }
    }

    /// The best `most` keywords of normalised text, in lower case, best first.
    #[must_use]
    pub fn of(&self, normalized: &str, most: usize) -> Vec<String> {
        let text = readable(normalized);
        if most == 0 || text.is_empty() {
            return Vec::new();
        }
        let lower = text.to_lowercase();
        let mut found: Vec<(String, ResultItem, usize)> =
            get_n_best(usize::MAX, &text, &self.stop_words_in(&lower), &self.config)
                .into_iter()
                .filter(|item| item.score.is_finite())
                .map(|item| (rounded(item.score), lower.find(&item.keyword).unwrap_or(usize::MAX), item))
                .map(|(score, at, item)| (score, item, at))
                .collect();
        found.sort_by(|a, b| by_score(&a.0, &b.0).then(a.2.cmp(&b.2)).then_with(|| a.1.keyword.cmp(&b.1.keyword)));
        let mut kept: Vec<String> = Vec::new();
        for (_, item, _) in found {
            if kept.len() == most {
                break;
            }
            if kept.iter().all(|k| strsim::normalized_levenshtein(k, &item.keyword) <= SAME) {
                kept.push(item.keyword);
            }
        }
        kept
    }
}

impl Keywords {
    /// The stop words that the text can meet. The crate copies its table at every call; most of it is never asked for.
    fn stop_words_in(&self, lower: &str) -> StopWords {
        let mut met: HashSet<String> = HashSet::new();
        let whole = lower.split(|c: char| !c.is_alphanumeric() && c != '\'');
        // Its tokens part contractions: "don't" is "do" and "n't". A final "s" may be a plural's.
        let parts = whole.clone().flat_map(|w| w.split('\'').flat_map(|p| [p, p.strip_suffix('n').unwrap_or(p)]));
        for word in whole.chain(parts) {
            for form in [word, word.strip_suffix('s').unwrap_or(word)] {
                if self.stop_words.contains(form) && !met.contains(form) {
                    met.insert(form.to_owned());
                }
            }
        }
        StopWords::custom(met)
    }
}

impl Default for Keywords {
    fn default() -> Self {
        Self::new()
    }
}

/// Six significant digits: far coarser than the noise of summation, far finer than a difference that means anything.
fn rounded(score: f64) -> String {
    format!("{score:.5e}")
}

fn by_score(a: &str, b: &str) -> Ordering {
    let value = |text: &str| text.parse::<f64>().unwrap_or(f64::MAX);
    value(a).total_cmp(&value(b))
}

/// Words and the marks that end sentences or clauses; what else there is becomes space.
fn readable(text: &str) -> String {
    let kept: String =
        text.chars()
            .map(|c| {
                if c.is_alphanumeric() || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '-' | '(' | ')') {
                    c
                } else {
                    ' '
                }
            })
            .collect();
    kept.split(' ').filter(|w| !w.is_empty() && w.chars().count() <= LONGEST_WORD).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "The ferry crosses the black river at dusk. The ferry keeper asks a copper ring for the crossing. \
        Nobody crosses the black river twice in one night; the ferry keeper sees to that.";

    #[test]
    fn what_the_text_is_about_comes_first() {
        let found = Keywords::new().of(TEXT, 5);
        assert_eq!(found.len(), 5);
        assert!(found.iter().any(|k| k.contains("ferry")) && found.iter().any(|k| k.contains("river")), "{found:?}");
    }

    #[test]
    fn the_same_text_has_the_same_keywords_every_time() {
        let keywords = Keywords::new();
        let first = keywords.of(TEXT, 8);
        assert!((0..20).all(|_| keywords.of(TEXT, 8) == first));
    }

    #[test]
    fn the_stop_words_that_a_text_can_meet_are_all_that_matter() {
        let text = "They don't see what we've seen; it's the keeper's own ferry, isn't it? Others' boats weren't there.";
        let keywords = Keywords::new();
        let whole = get_n_best(usize::MAX, text, &keywords.stop_words, &keywords.config);
        let met = get_n_best(usize::MAX, text, &keywords.stop_words_in(&text.to_lowercase()), &keywords.config);
        let names = |items: Vec<ResultItem>| {
            let mut names: Vec<String> = items.into_iter().map(|i| i.keyword).collect();
            names.sort();
            names
        };
        assert_eq!(names(whole), names(met));
    }

    #[test]
    fn no_text_has_no_keywords() {
        assert!(Keywords::new().of("", 8).is_empty());
        assert!(Keywords::new().of("12 | 4 | 7", 8).is_empty());
    }

    proptest! {
        #[test]
        fn hostile_text_does_no_harm(text in "\\PC{0,120}") {
            prop_assert!(Keywords::new().of(&text, 8).len() <= 8);
        }
    }
}
