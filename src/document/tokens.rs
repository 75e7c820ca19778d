//! Tokenizers by name, and the two units in which a size of text is given: code points, or tokens of one of them.
//! A vocabulary is part of the program, is read when it is first asked for, and never downloaded.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use text_splitter::ChunkSizer;
use tiktoken_rs::CoreBPE;

use super::sentences;

/// How text is told apart into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokenizer {
    /// Words and punctuation marks, by Unicode word boundaries (UAX #29).
    Words,
    /// The byte pairs of many embedding models: 100,256 tokens, about four letters each in English.
    #[serde(rename = "cl100k_base")]
    Cl100kBase,
}

impl Tokenizer {
    /// What a param may name.
    pub const NAMES: [&'static str; 2] = ["cl100k_base", "words"];

    /// Tokens of `text`.
    #[must_use]
    pub fn count(self, text: &str) -> u32 {
        match self {
            Self::Words => sentences::token_count(text),
            Self::Cl100kBase => CL100K_BASE.as_ref().map_or(0, |bpe| {
                let counts = short_spaces(text).into_iter().map(|piece| bpe.encode_ordinary(piece).len());
                u32::try_from(counts.sum::<usize>()).unwrap_or(u32::MAX)
            }),
        }
    }
}

/// `None` for a vocabulary that does not parse, which the tests rule out.
static CL100K_BASE: LazyLock<Option<CoreBPE>> = LazyLock::new(|| tiktoken_rs::cl100k_base().ok());

/// Longest run of white space, in code points, that the pattern of byte pairs is given: it goes back over all of one.
const LONGEST_SPACE: usize = 4096;

/// `text` in pieces, none with a longer run of white space. Nearly all texts are one piece.
fn short_spaces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut run) = (0, 0);
    for (at, c) in text.char_indices() {
        run = if c.is_whitespace() { run + 1 } else { 0 };
        if run > LONGEST_SPACE {
            pieces.push(&text[start..at]);
            (start, run) = (at, 1);
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// What the size of a text is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Unicode code points.
    Characters,
    Tokens(Tokenizer),
}

impl Unit {
    /// The size of `text`.
    #[must_use]
    pub fn size_of(self, text: &str) -> u32 {
        match self {
            Self::Characters => u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
            Self::Tokens(tokenizer) => tokenizer.count(text),
        }
    }

    /// What `joint` (white space) and `next` add to the size of a text that ends in `before`. No token runs from a word over
    /// white space into another one, but a mark and the line breaks behind it may be one token, and a space and the word
    /// behind it: so the last word of `before`, with the space that it follows, is all that matters.
    #[must_use]
    pub fn added(self, before: &str, joint: &str, next: &str) -> u32 {
        match self {
            Self::Characters => self.size_of(joint) + self.size_of(next),
            Self::Tokens(_) => {
                let body = before.trim_end();
                let word = &before[body.rfind(char::is_whitespace).unwrap_or(0)..];
                self.size_of(&[word, joint, next].concat()).saturating_sub(self.size_of(word))
            }
        }
    }
}

impl ChunkSizer for Unit {
    fn size(&self, chunk: &str) -> usize {
        self.size_of(chunk) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CL100K: Unit = Unit::Tokens(Tokenizer::Cl100kBase);

    #[test]
    fn byte_pairs_are_counted_as_the_models_count_them() {
        // Known splits of this vocabulary: "tiktoken is great!" is given in the documentation of OpenAI's tokenizer.
        assert_eq!(Tokenizer::Cl100kBase.count("tiktoken is great!"), 6);
        assert_eq!(Tokenizer::Cl100kBase.count("antidisestablishmentarianism"), 6);
        assert_eq!(Tokenizer::Cl100kBase.count("2 + 2 = 4"), 7);
        assert_eq!(Tokenizer::Cl100kBase.count(""), 0);
        assert_eq!(Tokenizer::Words.count("Roll 2d6, then stop."), 6);
    }

    #[test]
    fn a_megabyte_of_spaces_is_counted_all_the_same() {
        let spaces = format!("{}word", " ".repeat(1 << 20));
        assert!(Tokenizer::Cl100kBase.count(&spaces) > 1);
        assert_eq!(short_spaces(&spaces).concat(), spaces);
        assert!(short_spaces("a  b\n\nc").len() == 1);
    }

    #[test]
    fn every_name_is_a_tokenizer() {
        for name in Tokenizer::NAMES {
            let tokenizer: Tokenizer = serde_json::from_value(name.into()).unwrap();
            assert_eq!(serde_json::to_value(tokenizer).unwrap(), name);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_a_text_adds_is_told_from_the_last_word_before_it(
            before in "[a-cA-C1-2’“”–.,:!?()|'é漢 \n-]{0,40}",
            joint in proptest::sample::select(vec![" ", "\n", "\n\n"]),
            next in "[a-cA-C1-2“”–(|é漢][a-cA-C1-2’“”–.,:!?()|'é漢 -]{0,40}",
        ) {
            for unit in [Unit::Characters, CL100K, Unit::Tokens(Tokenizer::Words)] {
                let whole = unit.size_of(&[&before, joint, &next].concat());
                proptest::prop_assert_eq!(unit.size_of(&before) + unit.added(&before, joint, &next), whole);
            }
        }
    }
}
