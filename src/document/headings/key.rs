//! Titles as keys and as people write them. Two prints of one title (another case, hyphen, quote, dash or line end) have one
//! key. Knows nothing of pages.

use unicode_normalization::UnicodeNormalization;

/// Letters and digits of `text` after NFKC, lower case, nothing between them: what a title is compared by.
#[must_use]
pub fn compact(text: &str) -> String {
    // Each line is compared many times, and most are of ASCII and typographic marks: no letters, alone or with what stands
    // beside them.
    if text.is_ascii() || text.chars().all(|c| c.is_ascii() || is_mark(c)) {
        let (mut letters, mut count) = (vec![0; text.len()], 0);
        for byte in text.bytes() {
            // Without a branch, which could not be foretold.
            letters[count] = byte.to_ascii_lowercase();
            count += usize::from(byte.is_ascii_alphanumeric());
        }
        letters.truncate(count);
        return String::from_utf8(letters).unwrap_or_default();
    }
    text.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Dashes, quotes, bullets and dots of General Punctuation, and the middle dot: their normal forms are such marks, and join
/// with no letter.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2027}' | '\u{b7}')
}

/// The leading number of a heading ("2.3.1 Title", "4 Title", "A.2 Title") as its depth and the length in bytes of number
/// and space; `None` if there is none. "3d6" and "20 or 1" are no numbering: a single number counts only before a capital.
#[must_use]
pub fn numbering(text: &str) -> Option<(u32, usize)> {
    let end = text.find(' ')?;
    let number = text[..end].trim_end_matches(['.', ')', ':']);
    let parts: Vec<&str> = number.split('.').collect();
    let letter_first = parts.len() > 1 && parts[0].len() == 1 && parts[0].chars().all(|c| c.is_ascii_uppercase());
    let digits = |p: &&str| !p.is_empty() && p.len() <= 3 && p.chars().all(|c| c.is_ascii_digit());
    let numeric = parts.iter().skip(usize::from(letter_first)).all(digits);
    let rest = text[end..].trim_start();
    let capital = rest.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| !c.is_lowercase() && !c.is_ascii_digit());
    (numeric && capital).then(|| (u32::try_from(parts.len()).unwrap_or(1), text.len() - rest.len()))
}

/// The title without its leading number.
#[must_use]
pub fn unnumbered(text: &str) -> &str {
    numbering(text).map_or(text, |(_, start)| &text[start..])
}

/// A heading printed over several lines as one title: hyphens at line ends joined where the next line goes on in lower
/// case, spaces normalised, letter-spacing closed up.
#[must_use]
pub fn join_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for line in lines {
        let line = line.trim();
        if let Some(cut) = out.strip_suffix(['-', '\u{ad}', '\u{2010}'])
            && line.starts_with(char::is_lowercase)
            && cut.ends_with(char::is_alphabetic)
        {
            out.truncate(cut.len());
        } else if !out.is_empty() && !out.ends_with('\u{ad}') {
            out.push(' ');
        }
        out.push_str(line);
    }
    clean(&out)
}

/// The title that `lines` print: a number that the typesetter counted (set off by an em or more) is its label, not part of it.
#[must_use]
pub fn printed_title(lines: &[super::lines::Line]) -> String {
    let title = join_lines(lines.iter().map(|l| l.text.as_str()));
    if lines.first().is_some_and(|l| l.counted) { unnumbered(&title).to_owned() } else { title }
}

/// Spaces normalised, soft hyphens and joiners left out, "S P E L L S" closed up (three single letters in a row or more).
#[must_use]
pub fn clean(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')).collect();
    let words: Vec<&str> = kept.split_whitespace().collect();
    let single = |w: &str| w.chars().count() == 1 && w.chars().all(char::is_alphabetic);
    if words.len() >= 3 && words.iter().all(|w| single(w)) {
        return words.concat();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_of_one_title_share_a_key() {
        assert_eq!(compact("Docu-") + &compact("ment"), compact("Document"));
        assert_eq!(compact("The ﬁrst “Day”"), compact("the first 'day'"));
        assert_eq!(compact("\u{212a}ing’s 2nd ＤＡＹ"), compact("King's 2nd day"));
    }

    #[test]
    fn marks_change_no_key() {
        let slowly = |text: &str| text.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
        for mark in ('\u{a0}'..='\u{2fff}').filter(|c| is_mark(*c)) {
            let text = format!("{mark}Ab{mark}{mark}9 c{mark}");
            assert_eq!(compact(&text), "ab9c", "{mark:?}");
            assert_eq!(slowly(&text), "ab9c", "{mark:?}");
        }
    }

    #[test]
    fn numbers_before_titles_have_a_depth() {
        assert_eq!(numbering("2.3.1 Difficulty Levels").map(|n| n.0), Some(3));
        assert_eq!(numbering("A.2 Tables").map(|n| n.0), Some(2));
        assert_eq!(unnumbered("4 General Rules"), "General Rules");
        assert_eq!(numbering("20 or 1"), None);
        assert_eq!(numbering("A Note"), None);
        assert_eq!(numbering("2d6 Wounds"), None);
    }

    #[test]
    fn broken_and_spaced_titles_are_closed_up() {
        assert_eq!(join_lines(["System Docu-", "ment"]), "System Document");
        assert_eq!(join_lines(["Well-", "Known Places"]), "Well- Known Places");
        assert_eq!(clean("S P E L L S"), "SPELLS");
        assert_eq!(clean(" a  b "), "a b");
    }
}
