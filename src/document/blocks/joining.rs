//! Joining printed lines into running text: spaces, and hyphens at line ends. A soft hyphen always goes; a hard one goes
//! unless the word is a compound that stands elsewhere with its hyphen. Knows nothing of pages.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::lines::Line;

/// The words of a part, to tell a hyphenated word from a compound.
#[derive(Debug, Default)]
pub struct Lexicon {
    /// Lower-case words printed whole within a line.
    words: HashSet<String, RandomState>,
    /// Lower-case compounds printed with their hyphens within a line.
    compounds: HashSet<String, RandomState>,
    /// Lines that end in a soft hyphen or U+2010: a layout program that hyphenates with these sets `-` only where the
    /// author wrote it.
    soft_ends: usize,
}

/// Fewer soft line ends may be accidents of copied text.
const FEWEST_SOFT_ENDS: usize = 3;

const HYPHENS: [char; 2] = ['-', '\u{2010}'];

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '’' || c == '\''
}

impl Lexicon {
    /// Reads the words of `lines`.
    #[must_use]
    pub fn of<'a>(lines: impl Iterator<Item = &'a Line<'a>>) -> Self {
        let mut lexicon = Self::default();
        let mut goes_on = false;
        // Most words stand in a text many times.
        let mut taken: HashSet<&str, RandomState> = HashSet::default();
        for line in lines {
            let mut tokens: Vec<&str> = line.text.split_whitespace().collect();
            // The first token may be the rest of a word, the last one its beginning.
            if goes_on && !tokens.is_empty() {
                tokens.remove(0);
            }
            lexicon.soft_ends += usize::from(line.text.ends_with(['\u{ad}', '\u{2010}']));
            goes_on = line.text.ends_with(HYPHENS) || line.text.ends_with('\u{ad}');
            if goes_on {
                tokens.pop();
            }
            // A token that ends in a hyphen within a line is the beginning of a word in a cell, or of a compound.
            for token in tokens.into_iter().filter(|t| !t.ends_with(HYPHENS) && !t.ends_with('\u{ad}')) {
                if taken.insert(token) {
                    lexicon.take(token);
                }
            }
        }
        lexicon
    }

    fn take(&mut self, token: &str) {
        let token = token.trim_matches(|c| !is_word_char(c)).to_lowercase();
        if token.contains(HYPHENS) {
            self.compounds.insert(token.replace('\u{2010}', "-"));
        }
        for word in token.split(|c| !is_word_char(c)).filter(|w| !w.is_empty()) {
            if !self.words.contains(word) {
                self.words.insert(word.to_owned());
            }
        }
    }

    /// Whether `left` and `right`, parted by a hyphen at a line end, are a compound that keeps it.
    fn keeps_hyphen(&self, left: &str, right: &str) -> bool {
        let (left, right) = (left.to_lowercase(), right.to_lowercase());
        if self.compounds.contains(&format!("{left}-{right}")) {
            return true;
        }
        let tail = left.rsplit(HYPHENS).next().unwrap_or(&left);
        let joined = format!("{tail}{right}");
        // A hyphenation point hardly ever leaves two words of four letters that the book also prints by themselves.
        let both = tail.chars().count() >= 4 && right.chars().count() >= 4;
        !self.words.contains(&joined) && both && self.words.contains(tail) && self.words.contains(&right)
    }
}

/// Appends a printed line to `text`.
pub fn append(text: &mut String, line: &str, lexicon: &Lexicon) {
    let line = line.trim();
    if text.is_empty() || line.is_empty() {
        text.push_str(line);
        return;
    }
    if text.ends_with('\u{ad}') {
        text.pop();
    } else if text.ends_with('-') && lexicon.soft_ends >= FEWEST_SOFT_ENDS {
        if text.ends_with(" -") {
            text.push(' ');
        }
    } else if text.ends_with(HYPHENS) {
        let left = last_token(&text[..text.len() - text.chars().next_back().map_or(0, char::len_utf8)]);
        let right = first_token(line);
        let lower = right.chars().next().is_some_and(char::is_lowercase);
        if left.is_empty() {
            text.push(' ');
        } else if lower && left.chars().any(char::is_alphabetic) && !lexicon.keeps_hyphen(left, right) {
            text.pop();
        }
    } else if !is_open_dash(text) && !is_cut_address(text, line) {
        text.push(' ');
    }
    text.push_str(line);
}

/// Text that ends in a dash or slash which touches its word goes on without a space.
fn is_open_dash(text: &str) -> bool {
    let mut back = text.chars().rev();
    matches!(back.next(), Some('—' | '–' | '/')) && back.next().is_some_and(|c| !c.is_whitespace())
}

/// A web address cut by the line end: what follows still looks like one.
fn is_cut_address(text: &str, line: &str) -> bool {
    let (last, next) = (text.rsplit(' ').next().unwrap_or(""), line.split(' ').next().unwrap_or(""));
    let goes_on = next.trim_end_matches(['.', ',', ')', ';', ':']).contains(['/', '.', '_', '=', '?']);
    last.contains("://") && goes_on && !next.contains("://")
}

fn last_token(text: &str) -> &str {
    let start = text.char_indices().rev().find(|(_, c)| !is_word_char(*c) && !HYPHENS.contains(c));
    &text[start.map_or(0, |(at, c)| at + c.len_utf8())..]
}

fn first_token(text: &str) -> &str {
    &text[..text.find(|c| !is_word_char(c)).unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(lexicon: &[&str], a: &str, b: &str) -> String {
        let mut known = Lexicon::default();
        lexicon.iter().for_each(|w| known.take(w));
        let mut text = a.to_owned();
        append(&mut text, b, &known);
        text
    }

    #[test]
    fn hyphens_at_line_ends_join_the_word() {
        assert_eq!(joined(&[], "a big perform-", "ance of"), "a big performance of");
        assert_eq!(joined(&[], "soft\u{ad}", "ness"), "softness");
        assert_eq!(joined(&[], "one", "two"), "one two");
    }

    #[test]
    fn compounds_keep_their_hyphen() {
        assert_eq!(joined(&["half-elf"], "a half-", "elf"), "a half-elf");
        assert_eq!(joined(&["player", "character"], "player-", "character sheet"), "player-character sheet");
        assert_eq!(joined(&["under", "stand", "understand"], "under-", "stand it"), "understand it");
        assert_eq!(joined(&[], "anti-", "American"), "anti-American");
        assert_eq!(joined(&[], "10-", "foot"), "10-foot");
    }

    #[test]
    fn where_soft_hyphens_hyphenate_hard_ones_stay() {
        let lexicon = Lexicon { soft_ends: 3, ..Lexicon::default() };
        let mut text = "a cyber-".to_owned();
        append(&mut text, "limb", &lexicon);
        assert_eq!(text, "a cyber-limb");
    }

    #[test]
    fn a_cut_address_is_one_word() {
        assert_eq!(joined(&[], "at https://creativecommon", "s.org/licenses now"), "at https://creativecommons.org/licenses now");
        assert_eq!(joined(&[], "at https://example.org", "for more"), "at https://example.org for more");
    }

    #[test]
    fn a_dash_that_touches_its_word_takes_no_space() {
        assert_eq!(joined(&[], "moment—", "then"), "moment—then");
        assert_eq!(joined(&[], "moment –", "then"), "moment – then");
    }

    #[test]
    fn a_word_cut_by_a_hyphen_in_a_cell_is_no_word() {
        use crate::document::blocks::lines::{of_page, tests::page};
        let rows = page(&[
            (1000, &[(5000, 2000, 0, "Pyro\u{2010}"), (12000, 9000, 0, "A sticky fluid")]),
            (2200, &[(5000, 2000, 0, "phoric"), (12000, 9000, 0, "that burns")]),
        ]);
        let lexicon = Lexicon::of(of_page(1, &rows).iter());
        let mut text = "Pyro\u{2010}".to_owned();
        append(&mut text, "phoric", &lexicon);
        assert_eq!(text, "Pyrophoric");
    }
}
