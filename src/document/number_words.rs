//! Numbers in words, as a vocabulary gives them. Knows no language.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Words in lower case, and what they count.
#[derive(Clone, Debug, Default)]
pub struct NumberWords(Arc<BTreeMap<String, u32>>);

impl NumberWords {
    /// The value of a word in lower case.
    #[must_use]
    pub fn value(&self, word: &str) -> Option<u32> {
        self.0.get(word).copied()
    }
}

impl FromIterator<(String, u32)> for NumberWords {
    fn from_iter<I: IntoIterator<Item = (String, u32)>>(words: I) -> Self {
        Self(Arc::new(words.into_iter().collect()))
    }
}
