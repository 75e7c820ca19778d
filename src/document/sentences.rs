//! Sentences and pieces of a text, as byte ranges that cover it: where a chunk may be cut without hurting a reader.
//! Sentence bounds are those of UAX #29, mended where an abbreviation or an item number is not the end of a sentence.
//! Knows nothing of chunks.

use std::borrow::Cow;
use std::ops::Range;

use text_splitter::{ChunkConfig, TextSplitter};
use unicode_segmentation::UnicodeSegmentation;

use super::tokens::Unit;

/// Words that end in a full stop without ending a sentence when a number, a name or a bracket follows. Lower case.
const ABBREVIATIONS: [&str; 29] = [
    "e.g", "i.e", "vs", "cf", "al", "ca", "approx", "p", "pp", "pg", "vol", "ch", "chap", "sec", "fig", "eds", "mr", "mrs", "ms",
    "dr", "st", "prof", "rev", "sr", "jr", "lt", "capt", "viz", "incl",
];

/// Byte ranges of the sentences of `text`, in order, without gaps; each holds the spaces that follow it.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (at, piece) in text.split_sentence_bound_indices() {
        let range = at..at + piece.len();
        match spans.last_mut() {
            Some(last) if is_unfinished(&text[last.clone()]) => last.end = range.end,
            _ => spans.push(range),
        }
    }
    spans
}

/// Whether `sentence` ends where no sentence ends: after an abbreviation, an initial, or the number of a list item. A line
/// break always ends one.
fn is_unfinished(sentence: &str) -> bool {
    if sentence.ends_with(['\n', '\r', '\u{2029}']) {
        return false;
    }
    let Some(body) = sentence.trim_end().strip_suffix('.') else { return false };
    let last = body.rsplit(|c: char| c.is_whitespace() || "([“\"'‘/".contains(c)).next().unwrap_or("");
    let is_initial = last.chars().count() == 1 && last.chars().all(char::is_uppercase) && last != "I";
    let is_item_number = body.trim_start() == last && !last.is_empty() && last.chars().all(|c| c.is_ascii_digit());
    is_initial || is_item_number || ABBREVIATIONS.contains(&last.to_lowercase().as_str())
}

/// Cuts what no sentence bound can cut: byte ranges of at most `max` of `unit`, at clauses and words where there are any,
/// without the spaces around them. `target` is the length to aim for.
#[must_use]
pub fn hard_pieces(text: &str, unit: Unit, target: usize, max: usize) -> Vec<Range<usize>> {
    let max = max.max(1);
    let splitter = TextSplitter::new(ChunkConfig::new(target.clamp(1, max)..=max).with_sizer(unit));
    let windows = windows(text, max.saturating_mul(WINDOW));
    let pieces = |window: Range<usize>| {
        let start = window.start;
        splitter.chunk_indices(&text[window]).map(move |(at, piece)| start + at..start + at + piece.len()).collect::<Vec<_>>()
    };
    windows.into_iter().flat_map(pieces).collect()
}

/// The splitter looks at all that is left for each piece: a sentence of more pieces than this is cut into windows of so many.
const WINDOW: usize = 32;

/// Byte ranges of at most `chars` code points that cover `text`, each cut behind a white space if it holds any.
fn windows(text: &str, chars: usize) -> Vec<Range<usize>> {
    let mut windows = Vec::new();
    let mut start = 0;
    while let Some((end, _)) = text[start..].char_indices().nth(chars) {
        let end = text[start..start + end].rfind(char::is_whitespace).map_or(end, |at| at + 1).max(1);
        let end = (start + end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        windows.push(start..end);
        start = end;
    }
    windows.push(start..text.len());
    windows
}

/// Cuts `text` into sentences, and sentences longer than `max` of `unit` into pieces: trimmed byte ranges, none empty.
#[must_use]
pub fn pieces(text: &str, unit: Unit, target: usize, max: usize) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    for range in sentences(text) {
        let trimmed = trim(text, range);
        if trimmed.is_empty() {
            continue;
        }
        if unit.size_of(&text[trimmed.clone()]) as usize <= max {
            out.push(trimmed);
        } else {
            let start = trimmed.start;
            out.extend(hard_pieces(&text[trimmed], unit, target, max).into_iter().map(|r| r.start + start..r.end + start));
        }
    }
    out
}

/// `range` without the white space at its ends.
fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    start..start + slice.trim().len()
}

/// Words of `text` by Unicode word boundaries (UAX #29): what coverage counts.
#[must_use]
pub fn word_count(text: &str) -> u32 {
    u32::try_from(Counted::of(text).words).unwrap_or(u32::MAX)
}

/// Words and punctuation marks of `text` by Unicode word boundaries (UAX #29): what `token_count` means.
#[must_use]
pub fn token_count(text: &str) -> u32 {
    u32::try_from(Counted::of(text).tokens).unwrap_or(u32::MAX)
}

/// What stands between the word boundaries of a text.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    /// Those with a letter or a digit.
    words: usize,
    /// All but white space.
    tokens: usize,
}

impl Counted {
    /// Of `text`, between its spaces, where most pieces are of ASCII; at once if a piece begins with what could join the space
    /// before it.
    fn of(text: &str) -> Self {
        let mut all = Self::default();
        if text.is_ascii() {
            all.add_ascii(text.as_bytes());
        } else if text.split(' ').skip(1).all(|piece| piece.chars().next().is_none_or(stands_alone)) {
            text.split(' ').for_each(|piece| all.add(piece));
        } else {
            all.add(text);
        }
        all
    }

    fn add(&mut self, text: &str) {
        let text = in_ascii(text);
        if text.is_ascii() {
            return self.add_ascii(text.as_bytes());
        }
        self.words += text.unicode_words().count();
        self.tokens += text.split_word_bounds().filter(|w| !w.trim().is_empty()).count();
    }

    /// The rules of UAX #29 as far as they speak of ASCII: WB5 to WB13.
    fn add_ascii(&mut self, text: &[u8]) {
        let goes_on = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        // "3,000", "don't".
        let joins = |at: usize| {
            let (before, Some(&after)) = (text[at - 1], text.get(at + 1)) else { return false };
            match text[at] {
                b'.' | b'\'' => {
                    before.is_ascii_digit() && after.is_ascii_digit()
                        || before.is_ascii_alphabetic() && after.is_ascii_alphabetic()
                }
                b',' | b';' => before.is_ascii_digit() && after.is_ascii_digit(),
                b':' => before.is_ascii_alphabetic() && after.is_ascii_alphabetic(),
                _ => false,
            }
        };
        let mut at = 0;
        while at < text.len() {
            let begin = at;
            at += 1;
            if goes_on(text[begin]) {
                while at < text.len() && (goes_on(text[at]) || joins(at)) {
                    at += 1;
                }
                self.tokens += 1;
                self.words += usize::from(text[begin..at].iter().any(u8::is_ascii_alphanumeric));
            } else {
                self.tokens += usize::from(!char::from(text[begin]).is_whitespace());
            }
        }
    }
}

/// Whether there is a word boundary between a space and `c` behind it: `c` is no mark or format character (the soft hyphen is
/// one).
fn stands_alone(c: char) -> bool {
    c.is_ascii()
        || matches!(c, '\u{a1}'..='\u{24f}' if c != '\u{ad}')
        || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{20a0}'..='\u{20bf}' | '\u{2190}'..='\u{2bff}')
}

/// The ASCII mark that UAX #29 treats like `c` between all but Hebrew letters, or `c` itself.
fn as_ascii(c: char) -> Option<char> {
    match c {
        '\u{2019}' => Some('\''),
        '\u{201c}' | '\u{201d}' | '\u{2010}'..='\u{2014}' | '\u{2022}' => Some('-'),
        c => c.is_ascii().then_some(c),
    }
}

/// `text` with typographic marks as ASCII marks: where no other letter is left, words are found without looking each up. Else as
/// it is.
fn in_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match as_ascii(c) {
            Some(c) => out.push(c),
            None => return Cow::Borrowed(text),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|r| text[r].trim()).collect()
    }

    #[test]
    fn sentences_end_at_full_stops_and_cover_the_text() {
        let text = "Roll a die. Add your bonus! Is it 15 or more? You win.";
        assert_eq!(split(text), ["Roll a die.", "Add your bonus!", "Is it 15 or more?", "You win."]);
        assert_eq!(sentences(text).last().unwrap().end, text.len());
    }

    #[test]
    fn abbreviations_initials_and_item_numbers_do_not_end_a_sentence() {
        assert_eq!(
            split("See p. 12 and e.g. Dragons by J. Smith. Then roll."),
            ["See p. 12 and e.g. Dragons by J. Smith.", "Then roll."]
        );
        assert_eq!(split("1. The Game Master speaks. You act."), ["1. The Game Master speaks.", "You act."]);
    }

    #[test]
    fn a_sentence_over_the_cap_is_cut_at_words() {
        let text = "word ".repeat(100);
        let cut = pieces(&text, Unit::Characters, 80, 100);
        assert!(cut.iter().all(|r| text[r.clone()].chars().count() <= 100 && !text[r.clone()].starts_with(' ')));
        assert_eq!(cut.iter().map(|r| word_count(&text[r.clone()])).sum::<u32>(), 100);
    }

    #[test]
    fn a_word_over_the_cap_is_cut_all_the_same() {
        let text = "ä".repeat(1000);
        assert!(pieces(&text, Unit::Characters, 90, 100).iter().all(|r| text[r.clone()].chars().count() <= 100));
    }

    #[test]
    fn a_megabyte_without_an_end_is_cut_in_little_time() {
        let begun = std::time::Instant::now();
        for text in ["[".repeat(1 << 20), "ab ".repeat(1 << 18), "\u{3000}ä".repeat(1 << 17)] {
            let cut = pieces(&text, Unit::Characters, 500, 600);
            assert!(cut.iter().all(|r| text[r.clone()].chars().count() <= 600));
            let kept: usize = cut.iter().map(|r| text[r.clone()].chars().filter(|c| !c.is_whitespace()).count()).sum();
            assert_eq!(kept, text.chars().filter(|c| !c.is_whitespace()).count());
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
    }

    proptest::proptest! {
        #[test]
        fn words_are_those_of_the_text_as_it_is(text in "[a-c1-2’“”–—•‐' .,:;_\\-\"\n\r\t\u{b}éŁ½…‘→‿❤\u{ad}\u{301}\u{200d}\u{a0}\u{3000}א]{0,24}") {
            let tokens = text.split_word_bounds().filter(|w| !w.trim().is_empty()).count();
            proptest::prop_assert_eq!(word_count(&text) as usize, text.unicode_words().count());
            proptest::prop_assert_eq!(token_count(&text) as usize, tokens);
        }
    }

    #[test]
    fn tokens_are_words_and_marks() {
        assert_eq!(token_count("Roll 2d6, then stop."), 6);
        assert_eq!(word_count("Roll 2d6, then stop."), 4);
    }
}
