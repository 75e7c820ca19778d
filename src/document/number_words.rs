//! Numbers in words, as rulebooks write them: zero to twenty.

const WORDS: [&str; 21] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];

/// The value of a word in lower case, 0 to 20.
#[must_use]
pub fn value(word: &str) -> Option<u32> {
    WORDS.iter().position(|w| *w == word).and_then(|i| u32::try_from(i).ok())
}
