//! What stands around a match: its neighbours, its line, whether a capital there proves anything.
//! Knows nothing of kinds.

use crate::document::matching::fold::Word;

/// A text with its words.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    pub chars: &'a [char],
    pub words: &'a [Word],
}

/// A match within a text: words `first..=last`.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub text: Text<'a>,
    pub start: usize,
    pub end: usize,
    first: usize,
    last: usize,
}

/// Marks that end a sentence or a cell; what follows begins with a capital whatever it is.
fn ends_sentence(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | ':' | '|' | '\n' | '•' | '…')
}

/// Marks that stand between the items of a list.
fn ends_segment(c: char) -> bool {
    ends_sentence(c) || matches!(c, ',' | ';' | '(' | ')' | '—' | '–')
}

impl<'a> Text<'a> {
    /// The place of the code points `start..end`; None if no word is in them.
    #[must_use]
    pub fn place(self, start: u32, end: u32) -> Option<Place<'a>> {
        let first = self.words.partition_point(|w| w.start < start);
        let last = self.words.partition_point(|w| w.start < end).checked_sub(1)?;
        (first <= last && (end as usize) <= self.chars.len()).then_some(Place {
            text: self,
            start: start as usize,
            end: end as usize,
            first,
            last,
        })
    }

    fn surface(self, word: usize) -> Option<&'a [char]> {
        let w = self.words.get(word)?;
        self.chars.get(w.start as usize..w.end as usize)
    }

    fn starts_with_capital(self, word: usize) -> bool {
        self.surface(word).is_some_and(|s| s.first().is_some_and(|c| c.is_uppercase()))
    }

    /// The white space, and nothing else, between a word and the next.
    fn touch(self, left: usize) -> bool {
        let (Some(a), Some(b)) = (self.words.get(left), self.words.get(left + 1)) else { return false };
        self.chars[a.end as usize..b.start as usize].iter().all(|c| c.is_whitespace() && *c != '\n')
    }
}

impl Place<'_> {
    #[must_use]
    pub fn word_count(&self) -> usize {
        self.last - self.first + 1
    }

    /// Index of its first and its last word.
    #[must_use]
    pub fn words(&self) -> (usize, usize) {
        (self.first, self.last)
    }

    /// The word just before, in lower case, if only spaces are between.
    #[must_use]
    pub fn before(&self) -> Option<String> {
        let word = self.first.checked_sub(1)?;
        self.text.touch(word).then(|| self.lower(word))?
    }

    /// The word just after, in lower case, if only spaces are between.
    #[must_use]
    pub fn after(&self) -> Option<String> {
        self.text.touch(self.last).then(|| self.lower(self.last + 1))?
    }

    /// The character just after.
    #[must_use]
    pub fn mark_after(&self) -> Option<char> {
        self.text.chars.get(self.end).copied()
    }

    /// Words within `reach` words on either side, in lower case.
    #[must_use]
    pub fn near(&self, reach: usize) -> Vec<String> {
        let from = self.first.saturating_sub(reach);
        let to = (self.last + reach + 1).min(self.text.words.len());
        (from..self.first).chain(self.last + 1..to).filter_map(|w| self.lower(w)).collect()
    }

    fn lower(&self, word: usize) -> Option<String> {
        // Contractions are one word: `don't`.
        let apostrophe = |i: usize| self.text.chars.get(i).is_some_and(|c| matches!(c, '\'' | '’'));
        let w = self.text.words.get(word)?;
        let (mut start, mut end) = (w.start as usize, w.end as usize);
        if apostrophe(end) {
            end += 1 + self.text.chars[end + 1..].iter().take_while(|c| c.is_alphabetic()).count();
        }
        if start > 0 && apostrophe(start - 1) {
            start -= 1 + self.text.chars[..start - 1].iter().rev().take_while(|c| c.is_alphabetic()).count();
        }
        let word = &self.text.chars[start..end];
        Some(word.iter().map(|c| if *c == '’' { '\'' } else { *c }).flat_map(char::to_lowercase).collect())
    }

    /// One of its words begins with a capital.
    #[must_use]
    pub fn has_capital(&self) -> bool {
        (self.first..=self.last).any(|w| self.text.starts_with_capital(w))
    }

    /// A word after its first begins with a capital, or its first does where that proves something.
    #[must_use]
    pub fn has_telling_capital(&self) -> bool {
        let later = (self.first + 1..=self.last).any(|w| self.text.starts_with_capital(w));
        later || (self.has_capital() && !self.opens_sentence())
    }

    /// Nothing but quotes, brackets and bullets is between it and the end of the sentence before.
    #[must_use]
    pub fn opens_sentence(&self) -> bool {
        let before = self.text.chars[..self.start].iter().rev();
        let mark =
            before.copied().find(|c| *c == '\n' || !(c.is_whitespace() || matches!(c, '"' | '“' | '\'' | '‘' | '*' | '-' | '_')));
        mark.is_none_or(ends_sentence)
    }

    /// It is all that its line or table cell says.
    #[must_use]
    pub fn fills_line(&self) -> bool {
        self.alone_between(|c| matches!(c, '\n' | '|'))
    }

    /// It stands alone between marks: an item of a list, a word in brackets, a label.
    #[must_use]
    pub fn fills_segment(&self) -> bool {
        self.alone_between(ends_segment)
    }

    fn alone_between(&self, border: impl Fn(char) -> bool) -> bool {
        let blank = |c: &&char| !border(**c) && !c.is_alphanumeric();
        let before = self.text.chars[..self.start].iter().rev().find(|c| !blank(c));
        let after = self.text.chars[self.end..].iter().find(|c| !blank(c));
        before.is_none_or(|c| border(*c)) && after.is_none_or(|c| border(*c))
    }

    /// The stretch around it is set in capitals, or every longer word there begins with one (a heading): capitals prove
    /// nothing.
    #[must_use]
    pub fn in_heading_case(&self) -> bool {
        let from = self.text.chars[..self.start].iter().rposition(|c| matches!(c, '\n' | '|')).map_or(0, |i| i + 1);
        let to = self.text.chars[self.end..]
            .iter()
            .position(|c| matches!(c, '\n' | '|'))
            .map_or(self.text.chars.len(), |i| self.end + i);
        // A heading is at most a dozen words and does not end as a sentence does.
        let others: Vec<usize> = (0..self.text.words.len())
            .skip(self.text.words.partition_point(|w| (w.start as usize) < from))
            .take_while(|i| (self.text.words[*i].start as usize) < to)
            .take(14)
            .filter(|i| *i < self.first || *i > self.last)
            .collect();
        let line_end = self.text.chars[from..to].iter().rev().find(|c| !c.is_whitespace());
        if others.is_empty() || others.len() > 12 || line_end.is_some_and(|c| matches!(c, '.' | ',' | ';')) {
            return false;
        }
        // Words of up to three letters are the small joints that headings leave in lower case.
        let long: Vec<usize> = others.into_iter().filter(|i| self.text.surface(*i).is_some_and(|s| s.len() > 3)).collect();
        !long.is_empty() && long.iter().all(|i| self.text.starts_with_capital(*i))
    }

    /// A capitalised word touches it that is not merely the first of its sentence: it is part of a longer name.
    #[must_use]
    pub fn capital_before(&self) -> bool {
        let Some(word) = self.first.checked_sub(1) else { return false };
        let opens = self.text.place(self.text.words[word].start, self.text.words[word].end).is_none_or(|p| p.opens_sentence());
        self.text.touch(word) && self.text.starts_with_capital(word) && !opens
    }

    /// A capitalised word follows it.
    #[must_use]
    pub fn capital_after(&self) -> bool {
        self.text.touch(self.last) && self.text.starts_with_capital(self.last + 1)
    }

    /// It is a member of a compound: a hyphen joins it to another word.
    #[must_use]
    pub fn joined_by_hyphen(&self) -> bool {
        let hyphen = |c: char| matches!(c, '-' | '\u{2010}' | '\u{2011}');
        let at = |i: Option<usize>| i.and_then(|i| self.text.chars.get(i)).copied();
        let before =
            at(self.start.checked_sub(1)).is_some_and(hyphen) && at(self.start.checked_sub(2)).is_some_and(char::is_alphanumeric);
        let after = at(Some(self.end)).is_some_and(hyphen) && at(self.end.checked_add(1)).is_some_and(char::is_alphanumeric);
        before || after
    }

    /// `'s` follows it, or the apostrophe of a plural.
    #[must_use]
    pub fn is_possessive(&self) -> bool {
        matches!(self.mark_after(), Some('\'' | '’'))
            && self.text.chars.get(self.end + 1).is_none_or(|c| *c == 's' || !c.is_alphanumeric())
    }

    /// The code points of it.
    #[must_use]
    pub fn surface(&self) -> String {
        self.text.chars[self.start..self.end].iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::matching::fold::fold;

    fn with_place(text: &str, name: &str, check: impl Fn(Place<'_>)) {
        let chars: Vec<char> = text.chars().collect();
        let words = fold(&chars).words;
        let byte = text.find(name).unwrap();
        let start = u32::try_from(text[..byte].chars().count()).unwrap();
        let end = start + u32::try_from(name.chars().count()).unwrap();
        check(Text { chars: &chars, words: &words }.place(start, end).unwrap());
    }

    #[test]
    fn neighbours_touch_by_spaces_only() {
        with_place("They can’t shield. Now", "shield", |p| {
            assert_eq!(p.before().as_deref(), Some("can't"));
            assert_eq!(p.after(), None);
        });
        with_place("the shield spell", "shield", |p| {
            assert_eq!((p.before().as_deref(), p.after().as_deref()), (Some("the"), Some("spell")));
        });
    }

    #[test]
    fn a_capital_at_the_start_proves_nothing() {
        with_place("He ran. “Light fades", "Light", |p| assert!(p.opens_sentence()));
        with_place("He saw Light there", "Light", |p| assert!(!p.opens_sentence() && p.has_telling_capital()));
        with_place("How to Shield Your Friends", "Shield", |p| assert!(p.in_heading_case()));
    }

    #[test]
    fn a_cell_and_a_list_item_stand_alone() {
        with_place("Shield | 10 gp", "Shield", |p| assert!(p.fills_line()));
        with_place("Spells: Light, Shield, Aid", "Shield", |p| assert!(p.fills_segment() && !p.fills_line()));
        with_place("a well-shielded man-bear here", "bear", |p| assert!(p.joined_by_hyphen()));
    }
}
