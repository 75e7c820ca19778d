//! What a text holds, by one cheap scan: a pattern is tried only on text with all that its matches need. True too often,
//! never false too often. Knows nothing of what the patterns look like.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};

/// A need of a match: one of some literals (in any case), or a number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need {
    OneOf(&'static [&'static str]),
    /// Enough digits for a telephone, a card or an account, and not part of a word, as those of digests mostly are.
    Number,
    /// Two capitals and two digits, as an international account number begins.
    Account,
}

/// A bit for each need that a text meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(u64);

impl Seen {
    /// Whether it has all of `needs`.
    pub(super) fn has(self, needs: Self) -> bool {
        self.0 & needs.0 == needs.0
    }
}

/// Finds what texts hold of a list of needs.
pub(super) struct Marks {
    literals: Option<AhoCorasick>,
    /// For each literal, what it meets.
    meets: Vec<u64>,
}

const NUMBER: u64 = 1 << 63;
const ACCOUNT: u64 = 1 << 62;

impl Marks {
    /// Of lists of needs, what finds them all, and what each list comes to.
    pub(super) fn of(lists: &[&[Need]]) -> (Self, Vec<Seen>) {
        let mut bits: BTreeMap<&'static [&'static str], u64> = BTreeMap::new();
        let mut meets: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut bit_of = |need: &Need| match need {
            Need::Number => NUMBER,
            Need::Account => ACCOUNT,
            Need::OneOf(literals) => {
                let next = 1 << bits.len();
                let bit = *bits.entry(literals).or_insert(next);
                literals.iter().for_each(|literal| *meets.entry(literal).or_default() |= bit);
                bit
            }
        };
        let needs = lists.iter().map(|list| Seen(list.iter().map(&mut bit_of).fold(0, |all, bit| all | bit))).collect();
        // Overlapping matches are all wanted: `pass` and `passkey=` meet different needs.
        let builder = AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(meets.keys());
        (Self { literals: builder.ok(), meets: meets.into_values().collect() }, needs)
    }

    /// What `text` holds.
    pub(super) fn seen(&self, text: &str) -> Seen {
        let Some(literals) = &self.literals else { return Seen(u64::MAX) };
        let found = literals.find_overlapping_iter(text).fold(0, |all, m| all | self.meets[m.pattern().as_usize()]);
        Seen(
            found | if has_number(text.as_bytes()) { NUMBER } else { 0 } | if has_account(text.as_bytes()) { ACCOUNT } else { 0 },
        )
    }
}

/// The fewest digits of a telephone, a card or an account.
const FEWEST_DIGITS: usize = 7;

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a run of digits and what may stand between them is long enough. Digits that touch a letter are left out, for no
/// number begins or ends within a word.
fn has_number(text: &[u8]) -> bool {
    let is_part = |b: u8| b.is_ascii_digit() || b" ()./+-".contains(&b);
    let mut at = 0;
    while at < text.len() {
        let start = at;
        let end = text[start..].iter().position(|b| !is_part(*b)).map_or(text.len(), |n| start + n);
        at = end + 1;
        let mut run = &text[start..end];
        if start > 0 && is_word(text[start - 1]) {
            run = &run[run.iter().take_while(|b| b.is_ascii_digit()).count()..];
        }
        if text.get(end).is_some_and(|b| is_word(*b)) {
            run = &run[..run.len() - run.iter().rev().take_while(|b| b.is_ascii_digit()).count()];
        }
        if run.iter().filter(|b| b.is_ascii_digit()).count() >= FEWEST_DIGITS {
            return true;
        }
    }
    false
}

fn has_account(text: &[u8]) -> bool {
    text.windows(4).enumerate().any(|(at, w)| {
        w[..2].iter().all(u8::is_ascii_uppercase) && w[2..].iter().all(u8::is_ascii_digit) && (at == 0 || !is_word(text[at - 1]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_hold_no_number() {
        let digest = blake3::hash(b"words").to_hex();
        assert!(!has_number(digest.as_bytes()), "{digest}");
        assert!(!has_number(b"3f4a1234567 \xe2\x86\x92 1234567890ab") && !has_number(b"2026-11-25T17:43:00Z"));
        assert!(has_number(b"call 555-123-4567") && has_number("(030) 901 820 →".as_bytes()) && has_number(b"x2 5551234567 8y"));
    }

    #[test]
    fn a_list_is_met_by_one_of_each_of_its_needs() {
        const KEY: &[&str] = &["key", "token"];
        let (marks, needs) = Marks::of(&[&[Need::OneOf(KEY), Need::OneOf(&["="])], &[Need::Number], &[Need::OneOf(&["monkey"])]]);
        let met = |text: &str| needs.iter().map(|n| marks.seen(text).has(*n)).collect::<Vec<_>>();
        assert_eq!(met("a key = b"), [true, false, false]);
        assert_eq!(met("a KEY: 55512345"), [false, true, false]);
        assert_eq!(met("monkey = 1"), [true, false, true]);
    }
}
