//! Shapes of a line of plain text: rules, list markers, heading forms, table cells.
//! Knows one line at a time.

/// Longest line that may be a heading, in characters: a heading fits one line of a narrow column twice over.
const HEADING_CHARS: usize = 72;
const BULLETS: [char; 9] = ['-', '*', '+', '•', '◦', '▪', '‣', '–', '·'];
const DIVISIONS: [&str; 10] = ["chapter", "part", "book", "appendix", "section", "act", "scene", "volume", "episode", "canto"];
const NUMBER_WORDS: [&str; 12] =
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// The character that a line of at least three of it, and of nothing else, consists of.
pub fn rule(line: &str) -> Option<char> {
    let line = line.trim();
    let first = line.chars().next().filter(|c| "=-~*_#^+".contains(*c))?;
    (line.len() >= 3 && line.chars().all(|c| c == first)).then_some(first)
}

/// A list item: its number as printed ("" for a bullet) and what follows.
pub fn list_marker(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix(BULLETS) {
        return (rest.starts_with([' ', '\t']) && !rest.trim().is_empty()).then(|| ("", rest.trim()));
    }
    let (marker, rest) = line.split_once(char::is_whitespace)?;
    let inner = marker.strip_suffix(['.', ')'])?;
    let inner = inner.strip_prefix('(').unwrap_or(inner);
    let is_number = (1..=3).contains(&inner.len()) && inner.bytes().all(|b| b.is_ascii_digit());
    let is_letter = inner.len() == 1 && inner.bytes().all(|b| b.is_ascii_lowercase()) && marker.ends_with(')');
    ((is_number || is_letter) && !rest.trim().is_empty()).then(|| (marker, rest.trim()))
}

/// A heading written with number signs: its level and text.
pub fn marked(line: &str) -> Option<(usize, &str)> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    ((1..=6).contains(&level) && rest.starts_with(' ')).then(|| (level, rest.trim().trim_end_matches('#').trim_end()))
}

/// The line names a division of a book: "Chapter 3: The Weir", "Appendix B".
pub fn is_division(line: &str) -> bool {
    let mut words = line.split(|c: char| c.is_whitespace() || matches!(c, ':' | '.' | '-' | '–' | '—')).filter(|w| !w.is_empty());
    let (Some(first), Some(number)) = (words.next(), words.next()) else { return false };
    let number = number.to_lowercase();
    let is_number = number.chars().all(|c| c.is_ascii_digit())
        || number.chars().all(|c| "ivxlc".contains(c))
        || number.chars().count() == 1
        || NUMBER_WORDS.contains(&number.as_str());
    is_short(line) && is_number && first.starts_with(char::is_uppercase) && DIVISIONS.contains(&first.to_lowercase().as_str())
}

/// How many components the section number has that the line opens with: 2 for "2.1 Doors"; `None` for other lines.
pub fn numbered(line: &str) -> Option<usize> {
    let (number, title) = line.split_once(char::is_whitespace)?;
    let parts: Vec<&str> = number.trim_end_matches('.').split('.').collect();
    let is_number = parts.iter().all(|p| (1..=2).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()));
    let is_dotted = number.contains('.');
    (is_number && is_dotted && is_short(title) && title.trim().starts_with(char::is_uppercase)).then_some(parts.len())
}

/// All letters are capitals, and there are at least three of them.
pub fn is_capitals(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 3 && !line.chars().any(char::is_lowercase) && line.chars().count() <= HEADING_CHARS && !has_leader(line)
}

/// Every word of four letters or more begins with a capital, as titles are set, and nothing ends a sentence.
pub fn is_title_case(line: &str) -> bool {
    let mut words = line.split_whitespace().filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() >= 4).peekable();
    let is_capital = |w: &str| !w.chars().find(|c| c.is_alphabetic()).is_some_and(char::is_lowercase);
    is_short(line) && line.split_whitespace().count() <= 9 && line.starts_with(char::is_uppercase) && words.all(is_capital)
}

fn is_short(line: &str) -> bool {
    let line = line.trim();
    line.chars().count() <= HEADING_CHARS && !line.ends_with(['.', ',', ';', ':', '!', '?']) && !has_leader(line)
}

/// A row of dots leads to a page number.
pub fn has_leader(line: &str) -> bool {
    line.contains("....") || line.contains(". . .")
}

/// The line is `Label: value`, the label of at most three words.
pub fn is_field(line: &str) -> bool {
    line.split_once(':').is_some_and(|(label, value)| {
        label.starts_with(char::is_uppercase)
            && label.split_whitespace().count() <= 3
            && label.chars().all(|c| c.is_alphanumeric() || " -'’/()".contains(c))
            && value.starts_with(' ')
    })
}

/// The cells of a row: between bars, else tabs, else gaps of at least two spaces.
pub fn cells(line: &str) -> Vec<&str> {
    let line = line.trim();
    if line.contains('|') {
        return line.trim_start_matches('|').trim_end_matches('|').split('|').map(str::trim).collect();
    }
    if line.contains('\t') {
        return line.split('\t').map(str::trim).filter(|c| !c.is_empty()).collect();
    }
    line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect()
}

/// The line is drawn under or between the rows of a table.
pub fn is_table_rule(line: &str) -> bool {
    let line = line.trim();
    line.chars().all(|c| "-=+|: \t".contains(c)) && line.chars().filter(|c| "-=".contains(*c)).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_told_from_text() {
        assert_eq!(list_marker("  - rope"), Some(("", "rope")));
        assert_eq!(list_marker("12. lamp oil"), Some(("12.", "lamp oil")));
        assert_eq!(list_marker("b) chalk"), Some(("b)", "chalk")));
        for line in ["-5 to hit", "1d6 damage", "A. Writer", "2024. ", "- ", "No. 7 bus"] {
            assert_eq!(list_marker(line), None, "{line}");
        }
    }

    #[test]
    fn headings_are_told_from_sentences() {
        assert!(is_division("Chapter 3: The Weir") && is_division("APPENDIX B") && is_division("Part Two"));
        assert!(!is_division("Part of the wall is gone") && !is_division("Chapter 3 ........ 7"));
        assert_eq!(numbered("2.1 Doors"), Some(2));
        assert_eq!(numbered("3. Light and Dark"), Some(1));
        assert_eq!(numbered("3. Take a light and go down."), None);
        assert!(is_capitals("THE LONG WAY DOWN") && !is_capitals("DC 12") && !is_capitals("THE Ferry"));
        assert!(is_title_case("What the Ferryman Wants") && !is_title_case("What the ferryman wants") && !is_title_case("Gone."));
    }

    #[test]
    fn cells_are_split_by_what_the_line_uses() {
        assert_eq!(cells("| a | b |"), ["a", "b"]);
        assert_eq!(cells("a\t\tb"), ["a", "b"]);
        assert_eq!(cells("Rope, long    1 c"), ["Rope, long", "1 c"]);
    }
}
