//! Numbers as chapters and pages print them: digits, roman numerals, words. Knows nothing of sections.

use crate::document::number_words::NumberWords;

/// The value of `3`, `III`, `iii` or one of `words`; None for anything else, and for numbers past a few thousand.
#[must_use]
pub fn value(text: &str, words: &NumberWords) -> Option<u32> {
    let lower = text.trim().to_lowercase();
    if let Some(n) = words.value(&lower).filter(|n| *n > 0) {
        return Some(n);
    }
    if !lower.is_empty() && lower.chars().all(|c| c.is_ascii_digit()) {
        return lower.parse().ok().filter(|n| *n < 100_000);
    }
    roman(&lower)
}

/// A well-formed roman numeral in lower case, up to 399: pages and chapters need no more.
#[must_use]
pub fn roman(text: &str) -> Option<u32> {
    let mut rest = text;
    let mut total = 0;
    // Each group at most once, in order: that is what makes a numeral well formed.
    for (groups, unit) in [
        (["c", "cc", "ccc", "", "", "", "", "", ""], 100),
        (["x", "xx", "xxx", "xl", "l", "lx", "lxx", "lxxx", "xc"], 10),
        (["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"], 1),
    ] {
        let longest = (1u32..).zip(groups).filter(|(_, g)| !g.is_empty() && rest.starts_with(g)).max_by_key(|(_, g)| g.len());
        if let Some((n, group)) = longest {
            total += n * unit;
            rest = &rest[group.len()..];
        }
    }
    (rest.is_empty() && total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_three_writings() {
        let words: NumberWords = [("seven".to_owned(), 7)].into_iter().collect();
        let value = |text| value(text, &words);
        assert_eq!(value("12"), Some(12));
        assert_eq!(value("Seven"), Some(7));
        assert_eq!((value("xiv"), value("IX"), value("XL"), value("cxcix")), (Some(14), Some(9), Some(40), Some(199)));
        assert_eq!((value("iiii"), value("ivi"), value(""), value("vix")), (None, None, None, None));
        assert_eq!(value("99999999999"), None);
    }
}
