//! The dictionary matcher: all names and aliases of a book in one Aho–Corasick automaton, found on whole words, longest
//! first, in their plural and possessive forms, and read by the case rules of `reading`. Knows nothing of chunks.

pub mod choose;
pub mod cues;
pub mod fold;
pub mod forms;
pub mod reading;
pub mod surroundings;

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, Input, Match, MatchKind};

use crate::document::matching::choose::evidence;
use crate::document::matching::fold::fold;
use crate::document::matching::fold::fold_name;
use crate::document::matching::fold::word_count;
use crate::document::matching::reading::Name;
use crate::document::matching::reading::reads_as_name;
use crate::document::matching::surroundings::Place;
use crate::document::matching::surroundings::Text;
use crate::document::term::TermName;
use crate::document::vocabulary::{KindWords, Reading, Vocabulary};

/// How a pattern relates to its term; lower is closer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    Term,
    Alias,
    FormOfTerm,
    FormOfAlias,
}

/// A term that a pattern may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    closeness: Closeness,
    term: usize,
}

/// A name found in a text: code points `start..end`, and the index of its term in the list that the matcher was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub start: u32,
    pub end: u32,
    pub term: usize,
}

/// Why a dictionary cannot be matched.
#[derive(Debug, thiserror::Error)]
#[error("the names do not fit an automaton")]
pub struct TooManyNames(#[source] Box<aho_corasick::BuildError>);

/// All names of a dictionary.
pub struct Matcher<'a> {
    names: &'a [TermName],
    vocabulary: &'a Vocabulary,
    /// By name: what is known of its kind.
    kinds: Vec<&'a KindWords>,
    automaton: AhoCorasick,
    /// By pattern: its terms, closest first.
    candidates: Vec<Vec<Candidate>>,
}

impl<'a> Matcher<'a> {
    /// A matcher of `names` whose kinds `vocabulary` knows; the same names in the same order give the same matches.
    ///
    /// # Errors
    /// `TooManyNames` where the automaton would pass its limit of 2^31 states.
    pub fn new(names: &'a [TermName], vocabulary: &'a Vocabulary) -> Result<Self, TooManyNames> {
        let kinds: Vec<&KindWords> = names.iter().map(|n| vocabulary.kind(n.kind)).collect();
        let mut patterns: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
        for (term, name) in names.iter().enumerate() {
            for (form, closeness) in printed_forms(name, kinds[term]) {
                let folded = fold_name(&form);
                if is_matchable(&folded) {
                    patterns.entry(folded).or_default().push(Candidate { closeness, term });
                }
            }
        }
        for list in patterns.values_mut() {
            list.sort_unstable_by(|a, b| (a.closeness, &names[a.term].term_id).cmp(&(b.closeness, &names[b.term].term_id)));
            let mut seen = Vec::new();
            list.retain(|c| {
                !seen.contains(&c.term) && {
                    seen.push(c.term);
                    true
                }
            });
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(patterns.keys())
            .map_err(|e| TooManyNames(Box::new(e)))?;
        Ok(Self { names, vocabulary, kinds, automaton, candidates: patterns.into_values().collect() })
    }

    /// The names in `text`, in order and not overlapping. `section_path` helps to choose between two kinds of one name.
    #[must_use]
    pub fn find(&self, text: &str, section_path: &[String]) -> Vec<Found> {
        let chars: Vec<char> = text.chars().collect();
        let folded = fold(&chars);
        let text = Text { chars: &chars, words: &folded.words };
        let mut found: Vec<Found> = Vec::new();
        let mut last_condition: Option<u32> = None;
        let mut from = 0;
        while let Some(hit) = self.next_hit(&folded.text, from) {
            let read = folded.source_range(hit.start(), hit.end()).and_then(|(start, end)| {
                let place = text.place(start, end)?;
                let after_condition = last_condition.is_some_and(|end| is_listed_after(&chars, end as usize, place.start));
                let term = self.choose(hit.pattern().as_usize(), &place, section_path, after_condition)?;
                Some(Found { start, end: end + closing_bracket(&chars, start, end), term })
            });
            match read {
                Some(_) if self.gives_way(&folded.text, &hit) => from = hit.start() + 1,
                Some(name) => {
                    if self.kinds[name.term].reading == Reading::State {
                        last_condition = Some(name.end);
                    }
                    found.push(name);
                    from = hit.end();
                }
                None => from = hit.start() + 1,
            }
        }
        found
    }

    fn next_hit(&self, folded: &str, from: usize) -> Option<Match> {
        (from < folded.len()).then(|| self.automaton.find(Input::new(folded).range(from..)))?
    }

    /// In "melee attack roll" the singular of `Melee Attacks` gives way to `Attack Roll`, which begins inside it and goes on:
    /// a name as it is written before the plural or singular of another.
    fn gives_way(&self, folded: &str, hit: &Match) -> bool {
        let closeness = |h: &Match| self.candidates.get(h.pattern().as_usize()).and_then(|c| c.first()).map(|c| c.closeness);
        if closeness(hit) < Some(Closeness::FormOfTerm) {
            return false;
        }
        let mut from = hit.start() + 1;
        while let Some(next) = self.next_hit(folded, from).filter(|n| n.start() < hit.end()) {
            if next.end() > hit.end() && closeness(&next) < Some(Closeness::FormOfTerm) {
                return true;
            }
            from = next.start() + 1;
        }
        false
    }

    /// The term that pattern `pattern` stands for at `place`, if it is read as a name at all.
    fn choose(&self, pattern: usize, place: &Place<'_>, section_path: &[String], after_condition: bool) -> Option<usize> {
        let candidates = self.candidates.get(pattern)?;
        let reads = |c: &&Candidate| {
            let name = &self.names[c.term];
            let plural = matches!(c.closeness, Closeness::FormOfTerm | Closeness::FormOfAlias);
            let name = Name { kind: self.kinds[c.term], term: &name.term, plural };
            reads_as_name(name, place, after_condition, self.vocabulary)
        };
        let read: Vec<&Candidate> = candidates.iter().filter(reads).collect();
        if let [only] = read[..] {
            return Some(only.term);
        }
        let closest = read.iter().map(|c| c.closeness).min()?;
        // Exact writing before the plural of another name; then what the context says; then the order of kinds.
        read.into_iter()
            .filter(|c| c.closeness == closest || (c.closeness <= Closeness::Alias && closest <= Closeness::Alias))
            .max_by_key(|c| {
                let name = &self.names[c.term];
                let order = (self.vocabulary.rank(name.kind), c.closeness, &name.term_id);
                (evidence(self.kinds[c.term], place, section_path), std::cmp::Reverse(order))
            })
            .map(|c| c.term)
    }
}

/// The forms of a name that are searched for.
fn printed_forms(name: &TermName, kind: &KindWords) -> Vec<(String, Closeness)> {
    let mut forms = vec![(name.term.clone(), Closeness::Term)];
    forms.extend(name.aliases.iter().map(|a| (a.clone(), Closeness::Alias)));
    if kind.has_plural {
        forms.extend(forms::inflected(&name.term).into_iter().map(|f| (f, Closeness::FormOfTerm)));
        for alias in &name.aliases {
            forms.extend(forms::inflected(alias).into_iter().map(|f| (f, Closeness::FormOfAlias)));
        }
    }
    forms
}

/// A name needs two letters or digits; single letters are labels.
fn is_matchable(folded: &str) -> bool {
    word_count(folded) > 0 && folded.chars().filter(|c| c.is_alphabetic()).count() >= 2
}

/// 1 where the bracket that closes a qualifier ("Blinded [Condition]") follows the match, else 0.
fn closing_bracket(chars: &[char], start: u32, end: u32) -> u32 {
    let opens = chars.get(start as usize..end as usize).is_some_and(|s| s.contains(&'[') && !s.contains(&']'));
    u32::from(opens && chars.get(end as usize) == Some(&']'))
}

/// Whether only a comma, "and", "or" stand between code points `end` and `start`.
fn is_listed_after(chars: &[char], end: usize, start: usize) -> bool {
    // ", and " is six characters long.
    let Some(between) = chars.get(end..start).filter(|b| b.len() <= 6) else { return false };
    let between: String = between.iter().collect();
    matches!(between.trim().trim_start_matches(',').trim_start(), "" | "and" | "or") && !between.trim().is_empty()
}

#[cfg(test)]
mod tests;
