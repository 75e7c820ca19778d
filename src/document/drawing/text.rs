//! Text of a book inside XML: escaped, and what would turn a line around, or be nothing, made visible.

use std::fmt::Write as _;

use crate::unseen::is_unseen;

/// The start of `text`, at most `length` characters.
#[must_use]
pub fn start_of(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// `text` as the content of an element or of an attribute in double quotes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if is_unseen(c) => {
                let _ = write!(out, "{}", c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{escaped, start_of};

    #[test]
    fn nothing_of_a_text_is_markup_or_turns_a_line() {
        assert_eq!(escaped("a<b & \"c\">\n"), "a&lt;b &amp; &quot;c&quot;&gt; ");
        assert_eq!(escaped("x\u{0}\u{202e}y\u{ffff}"), "x\\u{0}\\u{202e}y\\u{ffff}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(start_of("äöü", 2), "äö…");
        assert_eq!(start_of("äö", 2), "äö");
    }
}
