//! Flags about the text of a chunk: recognition noise, an open end, a table without its head. Facts of print only.

use crate::document::chunk::Chunk;
use crate::document::element::ElementType;
use crate::document::entity::Quality;

/// A last line of fewer words is a heading, a label or a cell rather than a sentence.
const SENTENCE_WORDS: usize = 6;

/// The flags of `chunk`.
#[must_use]
pub fn quality(chunk: &Chunk) -> Quality {
    Quality { noise: noise(&chunk.text), truncated: is_truncated(chunk), table_fragment: is_table_fragment(chunk) }
}

/// Share of characters that no printer sets in a rulebook: replacement and private-use characters, control characters, and
/// words that mix letters with marks inside (`th3_r|ng`); to two decimals.
fn noise(text: &str) -> f64 {
    let (mut all, mut bad) = (0u32, 0u32);
    for word in text.split_whitespace() {
        let length = u32::try_from(word.chars().count()).unwrap_or(u32::MAX);
        all = all.saturating_add(length);
        let lost = word.chars().filter(|c| *c == '\u{fffd}' || ('\u{e000}'..='\u{f8ff}').contains(c) || c.is_control()).count();
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        let odd =
            core.chars().filter(|c| matches!(c, '|' | '_' | '~' | '^' | '\\' | '{' | '}' | '<' | '>' | '`' | '¬' | '¦')).count();
        let is_address = core.contains("://") || core.contains('@') || core.contains("www.");
        bad = bad.saturating_add(if odd > 0 && !is_address { length } else { u32::try_from(lost).unwrap_or(length) });
    }
    if all == 0 { 0.0 } else { (f64::from(bad) / f64::from(all) * 100.0).round() / 100.0 }
}

/// Its last sentence does not end: running text that stops without a mark.
fn is_truncated(chunk: &Chunk) -> bool {
    let last = chunk.text.trim_end().rsplit('\n').next().unwrap_or("");
    let running = chunk.metadata.element_types.contains(&ElementType::NarrativeText);
    let cells = last.contains(" | ");
    let closes = |c: char| matches!(c, '.' | '!' | '?' | ':' | ';' | '"' | '”' | '’' | '\'' | ')' | ']' | '…' | '*');
    running && !cells && last.split_whitespace().count() >= SENTENCE_WORDS && !last.ends_with(closes)
}

/// It begins with rows of a table whose first row holds figures: the head is elsewhere.
fn is_table_fragment(chunk: &Chunk) -> bool {
    if !chunk.metadata.element_types.contains(&ElementType::Table) {
        return false;
    }
    let is_figure = |cell: &str| cell.trim().starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '−'));
    chunk.text.lines().find(|l| l.contains(" | ")).is_some_and(|row| row.split(" | ").any(is_figure))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::pass_d_enrich::tests::chunk;

    fn with(text: &str, types: &[ElementType]) -> Quality {
        let mut chunk = chunk(text);
        chunk.metadata.element_types = types.to_vec();
        quality(&chunk)
    }

    #[test]
    fn a_sentence_that_does_not_end_is_truncated() {
        assert!(with("The keeper of the old ferry asks for a", &[ElementType::NarrativeText]).truncated);
        assert!(!with("The keeper of the old ferry asks for a ring.", &[ElementType::NarrativeText]).truncated);
        assert!(!with("Ferry", &[ElementType::Title]).truncated);
    }

    #[test]
    fn rows_without_a_head_are_a_fragment() {
        assert!(with("1 | Rope\n2 | Lamp", &[ElementType::Table]).table_fragment);
        assert!(!with("d6 | Thing\n1 | Rope", &[ElementType::Table]).table_fragment);
    }

    #[test]
    fn lost_characters_are_noise() {
        assert!(with("\u{fffd}\u{fffd}ab", &[]).noise > 0.4);
        assert!(with("A plain line, with marks (and figures: 2d6+3).", &[]).noise < 0.01);
    }
}
