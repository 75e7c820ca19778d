//! Letters as they are written: accents drawn apart from their letter, and text that runs from right to left.

use unicode_normalization::UnicodeNormalization as _;

/// The letter that the spacing accent `mark` and `base` make, if there is one.
pub fn accented(mark: &str, base: &str) -> Option<String> {
    let combining = match mark {
        "\u{b4}" => '\u{301}',
        "`" | "\u{2cb}" => '\u{300}',
        "\u{a8}" => '\u{308}',
        "^" | "\u{2c6}" => '\u{302}',
        "~" | "\u{2dc}" => '\u{303}',
        "\u{b8}" => '\u{327}',
        "\u{2c7}" => '\u{30c}',
        "\u{2da}" | "\u{b0}" => '\u{30a}',
        "\u{af}" | "\u{2c9}" => '\u{304}',
        "\u{2d8}" => '\u{306}',
        "\u{2d9}" => '\u{307}',
        "\u{2dd}" => '\u{30b}',
        "\u{2db}" => '\u{328}',
        _ => return None,
    };
    // TeX puts accents on letters without a dot.
    let base = match base {
        "ı" => "i",
        "ȷ" => "j",
        other => other,
    };
    let whole: String = base.chars().chain([combining]).nfc().collect();
    (whole.chars().count() == base.chars().count()).then_some(whole)
}

/// A letter of Hebrew, Arabic and their neighbours.
pub fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
}

/// The logical order of glyphs that stand from left to right as `texts`: right-to-left lines are read from their right end,
/// but for numbers and words of other scripts. `None` if the line runs from left to right.
pub fn logical_order(texts: &[&str]) -> Option<Vec<usize>> {
    let right_to_left = |t: &str| t.chars().any(is_right_to_left);
    let ours = texts.iter().filter(|t| !t.is_ascii() && right_to_left(t)).count();
    if ours == 0 || ours * 2 < texts.iter().filter(|t| t.chars().any(char::is_alphabetic)).count() {
        return None;
    }
    let mut order: Vec<usize> = (0..texts.len()).rev().collect();
    let other = |i: usize| texts[i].chars().any(char::is_alphanumeric) && !right_to_left(texts[i]);
    let mut at = 0;
    while at < order.len() {
        let end = (at..order.len()).find(|&k| !other(order[k])).unwrap_or(order.len());
        order[at..end].reverse();
        at = end.max(at) + 1;
    }
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accent_joins_its_letter() {
        assert_eq!(accented("\u{b4}", "e").as_deref(), Some("é"));
        assert_eq!(accented("\u{a8}", "ı").as_deref(), Some("ï"));
        assert_eq!(accented("x", "e"), None);
        assert_eq!(accented("\u{b4}", "%"), None);
    }

    #[test]
    fn hebrew_is_read_from_the_right_and_its_numbers_from_the_left() {
        assert_eq!(logical_order(&["1", "2", "ב", "א"]), Some(vec![3, 2, 0, 1]));
        assert_eq!(logical_order(&["a", "b"]), None);
    }
}
