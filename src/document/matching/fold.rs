//! Text as the matcher reads it: words in lower case without accents between word marks, so that a match is always on whole
//! words, with the way back to code points. Knows nothing of names or kinds.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::document::normalized::is_invisible;
use crate::document::normalized::plain;

/// Before the first and after the last letter of a word.
const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';

/// A word of the text, as code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub start: u32,
    pub end: u32,
}

/// Folded text.
#[derive(Debug, Default)]
pub struct Folded {
    pub text: String,
    /// For each byte of `text`: the code points of the source that it stands for, half-open.
    origin: Vec<(u32, u32)>,
    /// In order.
    pub words: Vec<Word>,
}

impl Folded {
    /// The code points of the source that bytes `start..end` of the folded text stand for.
    #[must_use]
    pub fn source_range(&self, start: usize, end: usize) -> Option<(u32, u32)> {
        let first = self.origin.get(start)?;
        let last = self.origin.get(end.checked_sub(1)?)?;
        Some((first.0, last.1))
    }

    fn push(&mut self, c: char, from: u32, to: u32) {
        self.text.push(c);
        self.origin.resize(self.text.len(), (from, to));
    }
}

/// How many words a folded pattern has.
#[must_use]
pub fn word_count(folded: &str) -> usize {
    folded.matches(OPEN).count()
}

/// A name as it is folded inside a text.
#[must_use]
pub fn fold_name(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    fold(&chars).text
}

/// Folds a text. Hyphens and slashes count as spaces, but for a sign before a number; square brackets vanish; a word broken
/// by a hyphen at the end of a line is whole; an empty line is a barrier
/// unless the text runs on over it.
#[must_use]
pub fn fold(chars: &[char]) -> Folded {
    let mut folded = Folded::default();
    let mut open: Option<Word> = None;
    let mut gap: Option<char> = None;
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        let at = position(i);
        if let (Some(_), Some(skip)) = (open, line_break_in_word(chars, i)) {
            i += skip;
            continue;
        }
        i += 1;
        if let Some(word) = open.as_mut().filter(|_| is_combining_mark(c)) {
            // An accent that stands by itself belongs to the letter before it.
            word.end = at + 1;
            continue;
        }
        if is_invisible(c) || matches!(c, '[' | ']') {
            continue;
        }
        if c.is_alphanumeric() {
            if open.is_none() {
                put_gap(&mut folded, &mut gap, at);
                folded.push(OPEN, at, at + 1);
            }
            let start = open.map_or(at, |w| w.start);
            open = Some(Word { start, end: at + 1 });
            put_letters(&mut folded, c, at);
            continue;
        }
        if let Some(word) = open.take() {
            folded.push(CLOSE, word.end - 1, word.end);
            folded.words.push(word);
        }
        match plain(c) {
            '\n' if ends_line(chars, i) && !runs_on(chars, i - 1) => gap = Some('\u{3}'),
            '\n' => gap = gap.or(Some('\n')),
            c if c.is_whitespace() => gap = gap.or(Some(' ')),
            '-' if !signs(chars, i) => gap = gap.or(Some(' ')),
            '/' => gap = gap.or(Some(' ')),
            mark => {
                put_gap(&mut folded, &mut gap, at);
                folded.push(mark, at, at + 1);
            }
        }
    }
    if let Some(word) = open {
        folded.push(CLOSE, word.end - 1, word.end);
        folded.words.push(word);
    }
    folded
}

fn position(i: usize) -> u32 {
    u32::try_from(i).unwrap_or(u32::MAX - 1)
}

/// Whether the line that begins at `i` is empty.
fn ends_line(chars: &[char], i: usize) -> bool {
    chars[i.min(chars.len())..].iter().find(|c| **c == '\n' || !c.is_whitespace()) == Some(&'\n')
}

/// Whether the line that ends at `i` is running text that stops in mid-sentence, as at the end of a page or column: at least
/// six words, no cells, no mark at its end.
fn runs_on(chars: &[char], i: usize) -> bool {
    let start = chars[..i].iter().rposition(|c| *c == '\n').map_or(0, |n| n + 1);
    let line: String = chars[start..i].iter().collect();
    line.split_whitespace().count() >= 6 && !line.contains(" | ") && line.trim_end().ends_with(char::is_alphanumeric)
}

/// Whether the hyphen before `i` is a sign: a number follows and no word is before it.
fn signs(chars: &[char], i: usize) -> bool {
    let before = i.checked_sub(2).and_then(|b| chars.get(b));
    chars.get(i).is_some_and(char::is_ascii_digit) && before.is_none_or(|c| !c.is_alphanumeric())
}

/// A hyphen, a line end and a small letter: how many characters to pass over.
fn line_break_in_word(chars: &[char], i: usize) -> Option<usize> {
    if plain(chars[i]) != '-' && chars[i] != '\u{ad}' {
        return None;
    }
    let rest = &chars[i + 1..];
    let blank = rest.iter().take_while(|c| c.is_whitespace()).count();
    let line_ends = rest[..blank].iter().filter(|c| **c == '\n').count();
    (line_ends == 1 && rest.get(blank).is_some_and(|c| c.is_lowercase())).then_some(1 + blank)
}

fn put_gap(folded: &mut Folded, gap: &mut Option<char>, at: u32) {
    if let Some(mark) = gap.take()
        && !folded.text.is_empty()
    {
        let mark = if mark == '\u{3}' { mark } else { ' ' };
        folded.push(mark, at, at);
    }
}

/// The letters of `c` without accents, in lower case; ligatures taken apart.
fn put_letters(folded: &mut Folded, c: char, at: u32) {
    if c.is_ascii() {
        folded.push(c.to_ascii_lowercase(), at, at + 1);
        return;
    }
    for part in std::iter::once(c).nfkd().filter(|p| !is_combining_mark(*p)) {
        for lower in part.to_lowercase().filter(|l| l.is_alphanumeric()) {
            folded.push(lower, at, at + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold_text(text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        fold(&chars).text.replace(OPEN, "<").replace(CLOSE, ">").replace('\u{3}', "¶")
    }

    #[test]
    fn words_stand_between_marks() {
        assert_eq!(fold_text("Two-Weapon  Fighting, é!"), "<two> <weapon> <fighting>, <e>!");
        assert_eq!(fold_text("Hunter’s Mark"), "<hunter>'<s> <mark>");
        assert_eq!(fold_text("Longsword +1 or -1"), "<longsword> +<1> <or> -<1>");
        assert_eq!(fold_text("a\n\nb\nc"), "<a>¶<b> <c>");
    }

    #[test]
    fn a_word_broken_at_the_end_of_a_line_is_whole() {
        assert_eq!(fold_text("Fi-\nre and soft\u{ad}ly"), "<fire> <and> <softly>");
        assert_eq!(fold_text("Two-\nWeapon"), "<two> <weapon>");
    }

    #[test]
    fn a_word_that_ends_in_a_letter_with_an_accent_of_its_own_ends_behind_the_accent() {
        let chars: Vec<char> = "cafe\u{301}\u{323}s cafe\u{301}!".chars().collect();
        assert_eq!(fold(&chars).words, vec![Word { start: 0, end: 7 }, Word { start: 8, end: 13 }]);
        assert_eq!(fold_text("cafe\u{301}!"), "<cafe>!");
    }

    #[test]
    fn folded_bytes_lead_back_to_code_points() {
        let chars: Vec<char> = "é Fi-\nre!".chars().collect();
        let folded = fold(&chars);
        let at = folded.text.find("\u{1}fire").unwrap();
        assert_eq!(folded.source_range(at, at + "\u{1}fire\u{2}".len()), Some((2, 8)));
        assert_eq!(folded.words, vec![Word { start: 0, end: 1 }, Word { start: 2, end: 8 }]);
    }
}
