//! Blocks in the making: white space folded, empty ones left out, anchors made unique.
//! Knows no syntax.

use std::collections::BTreeMap;

use crate::document::flow::{FlowBlock, FlowKind, FlowText};

/// A `FlowText` under construction.
#[derive(Debug, Default)]
pub struct Blocks {
    flow: FlowText,
    /// Anchors given, with the number to try next for each.
    taken: BTreeMap<String, usize>,
    anchor: String,
}

impl Blocks {
    /// Adds a heading; `level` is kept within 1 to 6. Its anchor is `id` if the source gives one, else its slug.
    pub fn heading(&mut self, level: usize, text: &str, id: Option<&str>) {
        let text = fold(text).replace('\n', " ");
        if text.is_empty() {
            return;
        }
        let wanted = id.map(str::trim).filter(|i| !i.is_empty()).map_or_else(|| slug(&text), str::to_owned);
        self.anchor = self.unique(wanted);
        let level = u8::try_from(level.clamp(1, 6)).unwrap_or(6);
        self.add(FlowKind::Heading { level }, text, Vec::new());
    }

    /// Adds a paragraph, list item or quote.
    pub fn text(&mut self, kind: FlowKind, text: &str) {
        self.add(kind, fold(text), Vec::new());
    }

    /// Adds lines as they stand, without the empty ones around them.
    pub fn code(&mut self, text: &str) {
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let first = lines.iter().position(|l| !l.is_empty()).unwrap_or(lines.len());
        let last = lines.iter().rposition(|l| !l.is_empty()).map_or(first, |i| i + 1);
        self.add(FlowKind::Code, lines.get(first..last).unwrap_or_default().join("\n"), Vec::new());
    }

    /// Adds a table, its rows brought to one width; the first `header_rows` are headers. Empty rows are left out, a table
    /// of one cell is a paragraph.
    pub fn table(&mut self, rows: Vec<Vec<String>>, header_rows: usize) {
        let mut headers = 0;
        let mut kept: Vec<Vec<String>> = Vec::new();
        for (i, row) in rows.into_iter().enumerate() {
            let row: Vec<String> = row.iter().map(|c| fold(c).replace('\n', " ")).collect();
            if row.iter().any(|c| !c.is_empty()) {
                headers += usize::from(i < header_rows);
                kept.push(row);
            }
        }
        let width = kept.iter().map(|r| r.iter().rposition(|c| !c.is_empty()).map_or(0, |i| i + 1)).max().unwrap_or(0);
        if width <= 1 {
            let lines: Vec<String> = kept.into_iter().flatten().filter(|c| !c.is_empty()).collect();
            return lines.iter().for_each(|l| self.text(FlowKind::Paragraph, l));
        }
        kept.iter_mut().for_each(|r| r.resize(width, String::new()));
        let text = kept.iter().map(|r| r.join(" | ").trim_end().to_owned()).collect::<Vec<_>>().join("\n");
        self.add(FlowKind::Table { header_rows: u8::try_from(headers).unwrap_or(u8::MAX) }, text, kept);
    }

    /// Takes `title` if there is none yet.
    pub fn title(&mut self, title: &str) {
        if self.flow.title.is_empty() {
            self.flow.title = fold(title).replace('\n', " ");
        }
    }

    /// Adds a sentence on what was passed over.
    pub fn note(&mut self, sentence: String) {
        if !self.flow.notes.contains(&sentence) {
            self.flow.notes.push(sentence);
        }
    }

    /// What was gathered.
    pub fn finish(self) -> FlowText {
        self.flow
    }

    fn add(&mut self, kind: FlowKind, text: String, rows: Vec<Vec<String>>) {
        if !text.trim().is_empty() {
            self.flow.blocks.push(FlowBlock { kind, text, rows, anchor: self.anchor.clone() });
        }
    }

    fn unique(&mut self, wanted: String) -> String {
        let mut anchor = wanted.clone();
        let mut n = self.taken.get(&wanted).copied().unwrap_or(0);
        while self.taken.contains_key(&anchor) {
            n += 1;
            anchor = format!("{wanted}-{n}");
        }
        self.taken.insert(wanted, n);
        self.taken.entry(anchor.clone()).or_insert(0);
        anchor
    }
}

/// `text` with each run of white space as one space, lines kept apart, empty lines left out; soft hyphens and zero-width
/// spaces, which print nothing, are gone.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split('\n') {
        let mut words = line.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).peekable();
        if words.peek().is_some() && !out.is_empty() {
            out.push('\n');
        }
        let start = out.len();
        for word in words {
            let word: String = word.chars().filter(|c| !matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')).collect();
            if !word.is_empty() {
                if out.len() > start {
                    out.push(' ');
                }
                out.push_str(&word);
            }
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// GitHub's anchor for a heading: lower case, letters, digits, `-` and `_` kept, each space a `-`; `section` where nothing
/// is left.
fn slug(text: &str) -> String {
    let slug: String = text
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            _ if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .collect();
    if slug.is_empty() { "section".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_githubs_and_unique() {
        let mut blocks = Blocks::default();
        blocks.text(FlowKind::Paragraph, "before");
        for title in ["The Salt Road: North", "Armour & Shields", "Armour  & Shields", "!?"] {
            blocks.heading(2, title, None);
        }
        blocks.heading(2, "Goblin", Some("armour--shields"));
        let anchors: Vec<String> = blocks.finish().blocks.into_iter().map(|b| b.anchor).collect();
        assert_eq!(anchors, ["", "the-salt-road-north", "armour--shields", "armour--shields-1", "section", "armour--shields-2"]);
    }

    #[test]
    fn folding_keeps_breaks_and_drops_what_prints_nothing() {
        assert_eq!(fold("  a\u{a0}\t b \n\n light\u{ad}house \u{200b} \n "), "a b\nlighthouse");
    }

    #[test]
    fn table_rows_have_one_width_and_empty_ones_are_gone() {
        let mut blocks = Blocks::default();
        let row = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        blocks.table(vec![row(&["Item", "Cost", ""]), row(&["", ""]), row(&["Rope"])], 1);
        let flow = blocks.finish();
        assert_eq!(flow.blocks[0].kind, FlowKind::Table { header_rows: 1 });
        assert_eq!(flow.blocks[0].text, "Item | Cost\nRope |");
        assert_eq!(flow.blocks[0].rows, [row(&["Item", "Cost"]), row(&["Rope", ""])]);
    }
}
