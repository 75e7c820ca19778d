//! List markers: bullets and item numbers at the head of a line.

use super::lines::Line;

/// The marker of a list item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// x of the marker.
    pub x: i32,
    /// x of the text behind it.
    pub text_x: i32,
}

const BULLETS: [char; 26] = [
    '•', '◦', '▪', '▫', '■', '□', '●', '○', '‣', '⁃', '∙', '·', '►', '▶', '▸', '➢', '➤', '✦', '✧', '❖', '★', '☆', '◆', '◇',
    '\u{f0b7}', '✓',
];

/// Whether `line` begins a list item.
#[must_use]
pub fn marker(line: &Line<'_>) -> Option<Marker> {
    let length = marker_chars(&line.text)?;
    let chars = i32::try_from(line.chars()).unwrap_or(i32::MAX).max(1);
    // Without a span of its own the text behind the marker begins about as far in as its characters say.
    let guess = line.rect.x + i32::try_from(length + 1).unwrap_or(0) * (line.rect.w / chars);
    let text_x = line.cells.get(1).filter(|_| line.cells[0].text.chars().count() == length).map_or(guess, |cell| cell.x);
    let spans = &line.source.spans;
    let second = spans.get(1).filter(|_| spans[0].text.trim().chars().count() == length).map_or(text_x, |s| s.x);
    Some(Marker { x: line.rect.x, text_x: second })
}

/// Code points of the marker at the head of `text`, if a space and more text follow.
#[must_use]
pub fn marker_chars(text: &str) -> Option<usize> {
    let token = text.split_whitespace().next()?;
    let chars = token.chars().count();
    if text.trim().chars().count() <= chars {
        return None;
    }
    let first = token.chars().next()?;
    if BULLETS.contains(&first) && chars == 1 {
        return Some(1);
    }
    // `–`, `-` and `*` only by themselves: they also open dialogue and footnotes, but then touch their word.
    if chars == 1 && ['–', '—', '-', '*'].contains(&first) {
        return Some(1);
    }
    let number = token.strip_suffix(['.', ')']).map(|n| n.strip_prefix('(').unwrap_or(n))?;
    let counts = !number.is_empty() && number.len() <= 3 && number.chars().all(|c| c.is_ascii_digit());
    counts.then_some(chars)
}

/// Whether `text` begins with a sign that only opens list items.
#[must_use]
pub fn is_bullet(text: &str) -> bool {
    text.starts_with(BULLETS)
}

/// Whether `text` is a bullet without its item.
#[must_use]
pub fn is_lone_bullet(text: &str) -> bool {
    let mut chars = text.trim().chars();
    chars.next().is_some_and(|c| BULLETS.contains(&c)) && chars.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bullets_and_numbers_are_markers_and_words_are_not() {
        assert_eq!(marker_chars("• Rope"), Some(1));
        assert_eq!(marker_chars("12. The End"), Some(3));
        assert_eq!(marker_chars("(3) Third"), Some(3));
        assert_eq!(marker_chars("1920. It was"), None);
        assert_eq!(marker_chars("3 goblins"), None);
        assert_eq!(marker_chars("•"), None);
    }
}
