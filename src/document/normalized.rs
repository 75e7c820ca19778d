//! One writing for what print varies: quotes, dashes, spaces, ligatures. Knows nothing of chunks or names.

use unicode_normalization::UnicodeNormalization;

/// `text` in NFKC with straight quotes, plain hyphens and single spaces, without soft hyphens, zero-width and control
/// characters; case is kept. Normalising twice is normalising once.
#[must_use]
pub fn normalized(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut put = |c: char| {
        if c.is_whitespace() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.push(plain(c));
        }
    };
    let visible = text.chars().filter(|c| !is_invisible(*c));
    // ASCII is its own normal form.
    if text.is_ascii() {
        visible.for_each(&mut put)
    } else {
        visible.nfkc().for_each(&mut put)
    }
    out.truncate(out.trim_end().len());
    out
}

/// What a name is called for comparison: its words in lower case, joined by single spaces; punctuation is dropped, but a
/// sign before a digit stays, so that `Sword +1` and `Sword -1` differ.
#[must_use]
pub fn name_key(name: &str) -> String {
    let text = normalized(name);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut gap = false;
    while let Some(c) = chars.next() {
        let signs = matches!(c, '+' | '-') && chars.peek().is_some_and(char::is_ascii_digit) && (gap || out.is_empty());
        if c.is_alphanumeric() || signs {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.extend(c.to_lowercase());
        } else if c != '\'' {
            gap = true;
        }
    }
    out
}

/// Quotes, primes and dashes in their plain writing; everything else as it is.
#[must_use]
pub fn plain(c: char) -> char {
    match c {
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{02bc}' | '\u{ff07}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ab}' | '\u{bb}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
        c => c,
    }
}

/// Soft hyphens, zero-width marks, byte order marks and control characters other than white space.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
        || (c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn print_varies_and_the_normalised_text_does_not() {
        assert_eq!(normalized("  The “Bog”\n Witch’s  ﬁre\u{ad}ball — 3–4 "), "The \"Bog\" Witch's fireball - 3-4");
        assert_eq!(normalized(""), "");
    }

    #[test]
    fn names_that_differ_in_case_and_punctuation_have_one_key() {
        assert_eq!(name_key("Hunter’s  Mark"), name_key("HUNTERS MARK"));
        assert_eq!(name_key("Two-Weapon Fighting"), name_key("two weapon fighting"));
        assert_ne!(name_key("Sword +1"), name_key("Sword -1"));
        assert_ne!(name_key("Sword +1"), name_key("Sword 1"));
    }

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(text in "\\PC*") {
            let once = normalized(&text);
            prop_assert_eq!(normalized(&once), once);
        }

        #[test]
        fn normalising_hostile_text_twice_is_normalising_once(chars in proptest::collection::vec(any::<char>(), 0..60)) {
            let once = normalized(&chars.into_iter().collect::<String>());
            prop_assert_eq!(normalized(&once), once);
        }
    }
}
