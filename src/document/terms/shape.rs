//! The shape of an entry: field lines ("Range: 60 feet"), stat blocks, the line below the name. Shape speaks for a kind
//! whatever heading an entry stands under. Knows nothing of pages.

use crate::document::headings::key::compact;
use crate::document::vocabulary::KindWords;

/// A line below a heading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryLine {
    pub text: String,
    /// Length of the key of its first bold run, 0 if it opens plainly.
    pub lead: usize,
    /// It is a row of cells.
    pub row: bool,
}

/// Fields stand at the head of an entry; what comes after this many lines belongs to its text.
const HEAD_LINES: usize = 40;

/// The lines below a heading, read once for all kinds that they may speak for.
pub struct Head<'a> {
    openings: Vec<Opening<'a>>,
    /// In lower case, those that may hold stats.
    stat_lines: Vec<String>,
    /// Words, in lower case, of the lines that may name the kind.
    subtitles: Vec<Vec<String>>,
}

impl<'a> Head<'a> {
    #[must_use]
    pub fn of(lines: &'a [EntryLine]) -> Self {
        let first = lines.first().map(|l| l.text.as_str());
        let wrapped = first.zip(lines.get(1)).map(|(first, next)| format!("{first} {}", next.text)).filter(|t| t.ends_with(')'));
        Self {
            openings: lines.iter().take(HEAD_LINES).map(Opening::of).collect(),
            stat_lines: lines.iter().take(3).map(|line| line.text.to_lowercase()).collect(),
            subtitles: first.into_iter().chain(wrapped.as_deref()).filter_map(subtitle).collect(),
        }
    }

    /// What they say of `kind`: how sure (0 to 1), and by what evidence.
    #[must_use]
    pub fn shape_of(&self, kind: &KindWords) -> Option<(f64, &'static str)> {
        if kind.min_fields > 0 && self.different_fields(kind) >= kind.min_fields {
            return Some((0.95, if kind.stats.is_empty() { "entry_fields" } else { "stat_block" }));
        }
        if !kind.stats.is_empty() && self.stat_lines.iter().any(|line| inline_stats(line, kind) >= 2) {
            return Some((0.9, "stat_line"));
        }
        let named = |words: &Vec<String>| kind.subtitles.iter().any(|phrase| holds(words, phrase));
        self.subtitles.iter().any(named).then_some((0.85, "subtitle"))
    }

    fn different_fields(&self, kind: &KindWords) -> usize {
        let mut seen: Vec<&str> = Vec::new();
        for opening in &self.openings {
            if let Some(label) = kind.fields.iter().find(|label| opening.is_field(label))
                && !seen.contains(&label.as_str())
            {
                seen.push(label);
            }
        }
        seen.len()
    }
}

/// A line from its first letter or digit on.
struct Opening<'a> {
    text: &'a str,
    /// In lower case; what does not begin with it needs no further look.
    first: Option<char>,
    lead: usize,
}

impl<'a> Opening<'a> {
    fn of(line: &'a EntryLine) -> Self {
        let text = line.text.trim_start_matches(|c: char| !c.is_alphanumeric());
        Self { text, first: text.chars().next().and_then(|c| c.to_lowercase().next()), lead: line.lead }
    }

    /// "Range: 60 feet", "• **Speed** 30 ft.", "AC 17": a label at the start of a line, set off by a colon, by type, or by the
    /// number that follows.
    fn is_field(&self, label: &str) -> bool {
        if self.first != label.chars().next() {
            return false;
        }
        let Some(rest) = after_label(self.text, label) else { return false };
        let rest = rest.trim_start_matches(['*', '_']);
        let set_off = rest.starts_with([':', '.', '(']) && !rest.starts_with(".,");
        let set_in_bold = self.lead > 0 && self.lead == compact(label).len();
        let number = rest.trim_start().starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '−' | '–'));
        set_off || set_in_bold || rest.starts_with(' ') && number
    }
}

/// What follows `label`, which is lower case, in a text that begins with it in any case.
fn after_label<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let mut label = label.chars();
    let mut chars = text.char_indices();
    while let Some(wanted) = label.next() {
        let mut lower = chars.next()?.1.to_lowercase();
        if lower.next() != Some(wanted) || !lower.all(|c| label.next() == Some(c)) {
            return None;
        }
    }
    Some(chars.as_str())
}

/// Whether a line is a field of any label: it is no text of a definition.
#[must_use]
pub fn is_field(line: &EntryLine, kinds: &[KindWords]) -> bool {
    let opening = Opening::of(line);
    kinds.iter().any(|kind| kind.fields.iter().any(|label| opening.is_field(label)))
}

/// Numbers with the name of a stat before or behind them: "4 HP, 1 Armor, 8 STR", "AC 12, HD 2".
fn inline_stats(lower: &str, kind: &KindWords) -> usize {
    let words: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | ';' | '(' | ')' | '|'))
        .filter(|w| !w.is_empty())
        .collect();
    let number =
        |w: Option<&&str>| w.is_some_and(|w| w.trim_start_matches(['+', '-', '−']).starts_with(|c: char| c.is_ascii_digit()));
    let named = |w: &str| {
        let bare = w.trim_matches(|c: char| !c.is_alphanumeric());
        kind.stats.iter().any(|stat| stat == bare)
    };
    (0..words.len()).filter(|i| named(words[*i]) && (number(words.get(i + 1)) || *i > 0 && number(words.get(i - 1)))).count()
}

/// The words, in lower case, of a short line that may name a kind: "Wondrous Item, Rare", "Level 3 Evocation (Wizard)".
fn subtitle(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    if text.chars().count() > 130 || text.ends_with(['.', ':', '!', '?']) {
        return None;
    }
    let begins = text.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| c.is_uppercase() || c.is_ascii_digit());
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    Some(words.map(str::to_owned).collect()).filter(|words: &Vec<String>| begins && words.len() <= 18)
}

/// Whether `words` hold those of `phrase`, one after the other.
fn holds(words: &[String], phrase: &str) -> bool {
    let wanted: Vec<&str> = phrase.split(' ').collect();
    words.windows(wanted.len()).any(|w| w == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::vocabulary::Vocabulary;

    fn lines(texts: &[&str]) -> Vec<EntryLine> {
        texts.iter().map(|t| EntryLine { text: (*t).to_owned(), ..EntryLine::default() }).collect()
    }

    fn shape(kind: &str, texts: &[&str]) -> Option<&'static str> {
        let words = Vocabulary::bundled().unwrap().kinds.iter().find(|k| k.kind.name() == kind).unwrap();
        Head::of(&lines(texts)).shape_of(words).map(|s| s.1)
    }

    #[test]
    fn field_lines_make_a_spell_and_stat_blocks_a_creature() {
        let spell = ["Level 1 Evocation", "Casting Time: Action", "Range: 60 feet", "Duration: Instantaneous"];
        assert_eq!(shape("spell", &spell), Some("entry_fields"));
        assert_eq!(
            shape("creature", &["Small Fey", "• Armor Class: 12", "Hit Points 7 (2d6)", "Speed 30 ft."]),
            Some("stat_block")
        );
        assert_eq!(shape("creature", &["4 HP, 1 Armor, 8 STR, bite (d6)"]), Some("stat_line"));
        assert_eq!(shape("creature", &["Speed is of the essence here."]), None);
    }

    #[test]
    fn the_line_below_the_name_tells_items_and_feats() {
        assert_eq!(shape("item", &["Wondrous Item, Very Rare (Requires Attunement)"]), Some("subtitle"));
        assert_eq!(shape("feat", &["General Feat (Prerequisite: Level 4+)"]), Some("subtitle"));
        assert_eq!(shape("item", &["Rare is the day on which this happens."]), None);
    }
}
