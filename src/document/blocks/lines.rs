//! Printed lines as the block builders see them: their cells, their main font and the column they stand in.
//! Knows nothing of what a line means.

use super::{jammed, leaders, rows};
use crate::document::page_text::{FontStyle, PageText, Rect, Span, TextLine, Visibility};

/// A run of spans without a wide gap: a cell of a table row, or the whole line.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub x: i32,
    pub right: i32,
    pub text: String,
    pub bold: bool,
}

/// One printed line.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// Part-relative, 1-based.
    pub page: u32,
    /// Index among all lines of its page.
    pub index: usize,
    pub rect: Rect,
    pub baseline: i32,
    /// Columns in reading order: as the layout's regions, and parted where reading jumps up.
    pub region: u16,
    pub text: String,
    /// Lines with the same number are one row of a table.
    pub row: Option<u32>,
    pub cells: Vec<Cell>,
    /// The font of most of its characters.
    pub font: &'a FontStyle,
    /// Its first characters are bold, and how many code points of `text` that bold start has.
    pub bold_start: usize,
    pub visibility: Visibility,
    pub rotation: u16,
    pub source: &'a TextLine,
}

impl Line<'_> {
    /// Font size, 1/100 pt, at least 1 pt.
    #[must_use]
    pub fn size(&self) -> i32 {
        self.font.size.max(100)
    }

    /// Code points.
    #[must_use]
    pub fn chars(&self) -> usize {
        self.text.chars().count()
    }

    /// Every character is bold.
    #[must_use]
    pub fn is_bold(&self) -> bool {
        self.bold_start > 0 && self.bold_start >= self.chars()
    }

    /// Printed upright, where a reader sees it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.visibility == Visibility::Visible && self.rotation == 0
    }
}

/// Spans without a font of the page have this one.
static NO_FONT: FontStyle = FontStyle { name: String::new(), size: 1000, bold: false, italic: false, color: 0 };

/// The lines of a page that print something, in reading order.
#[must_use]
pub fn of_page(page: u32, text: &PageText) -> Vec<Line<'_>> {
    let mut lines =
        rows::reassembled(text.lines.iter().enumerate().filter_map(|(index, line)| of_line(page, index, text, line)).collect());
    number_columns(&mut lines);
    jammed::part(&mut lines);
    lines
}

/// Reading on at a higher line means the next column, whatever region the layout gave it.
fn number_columns(lines: &mut [Line<'_>]) {
    let mut column: u16 = 0;
    let mut before: Option<(u16, i32)> = None;
    for line in lines {
        if before.is_some_and(|(region, baseline)| region != line.region || line.baseline < baseline - line.size() / 2) {
            column = column.saturating_add(1);
        }
        before = Some((line.region, line.baseline));
        line.region = column;
    }
}

fn of_line<'a>(page: u32, index: usize, text: &'a PageText, line: &'a TextLine) -> Option<Line<'a>> {
    let printed = line.text();
    if printed.is_empty() {
        return None;
    }
    let (font, printed) = (main_font(text, line), leaders::shortened(printed));
    Some(Line {
        page,
        index,
        rect: line.rect,
        baseline: line.baseline,
        region: line.region,
        row: None,
        cells: cells(text, line, font.size.max(100)),
        bold_start: bold_start(text, line, &printed),
        text: printed,
        font,
        visibility: line.visibility,
        rotation: line.rotation,
        source: line,
    })
}

fn font_of<'a>(text: &'a PageText, span: &Span) -> &'a FontStyle {
    text.fonts.get(usize::from(span.font)).unwrap_or(&NO_FONT)
}

fn main_font<'a>(text: &'a PageText, line: &TextLine) -> &'a FontStyle {
    let mut weight: Vec<(u16, usize)> = Vec::new();
    for span in &line.spans {
        let chars = span.text.chars().filter(|c| !c.is_whitespace()).count();
        match weight.iter_mut().find(|(font, _)| *font == span.font) {
            Some((_, n)) => *n += chars,
            None => weight.push((span.font, chars)),
        }
    }
    let mut best: Option<(u16, usize)> = None;
    for (font, n) in weight {
        if best.is_none_or(|(_, m)| n > m) {
            best = Some((font, n));
        }
    }
    best.and_then(|(font, _)| text.fonts.get(usize::from(font))).unwrap_or(&NO_FONT)
}

/// A gap this wide, as a share of the font size, is wider than a stretched word space: it parts cells.
const CELL_GAP_PERCENT: i32 = 90;

/// Between runs of one face without a space, cells stand at least this share of the font size apart: the layout joins what is
/// closer.
const FITTED_GAP_PERCENT: i32 = 50;

fn cells(text: &PageText, line: &TextLine, size: i32) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    let mut before: Option<&FontStyle> = None;
    for span in line.spans.iter().filter(|s| !s.text.trim().is_empty()) {
        let font = font_of(text, span);
        let (right, bold) = (span.x.saturating_add(span.w), font.bold);
        let words = span.text.trim();
        let gap = cells.last().map_or(0, |c: &Cell| span.x.saturating_sub(c.right));
        // Programs that fit text to a width set each run of one face in a size of its own: there, only the gap tells.
        let same_font = before.replace(font).is_some_and(|b| {
            b == font
                || gap > size * FITTED_GAP_PERCENT / 100 && (b.bold, b.italic) == (font.bold, font.italic) && b.name == font.name
        });
        let spaced = span.text.starts_with(' ') || cells.last().is_some_and(|c: &Cell| c.text.ends_with(' '));
        // The layout breaks a run of one font without a space only where a cell begins, however narrow the gap.
        let begins_cell = same_font && !spaced;
        match cells.last_mut() {
            Some(cell) if !begins_cell && span.x.saturating_sub(cell.right) <= size * CELL_GAP_PERCENT / 100 => {
                // As `TextLine::text`: 0.12 em is half of a narrow word space.
                let parted = span.text.starts_with(' ') || cell.text.ends_with(' ');
                if parted || span.x - cell.right > line.rect.h.max(100) * 12 / 100 {
                    cell.text.truncate(cell.text.trim_end().len());
                    cell.text.push(' ');
                }
                cell.text.push_str(words);
                if span.text.ends_with(' ') {
                    cell.text.push(' ');
                }
                cell.right = cell.right.max(right);
                cell.bold &= bold;
            }
            _ => {
                let mut words = words.to_owned();
                if span.text.ends_with(' ') {
                    words.push(' ');
                }
                cells.push(Cell { x: span.x, right, text: words, bold });
            }
        }
    }
    for cell in &mut cells {
        cell.text.truncate(cell.text.trim_end().len());
    }
    leaders::part(&mut cells, size);
    cells
}

fn bold_start(text: &PageText, line: &TextLine, printed: &str) -> usize {
    let bold: usize = line
        .spans
        .iter()
        .take_while(|span| span.text.trim().is_empty() || font_of(text, span).bold)
        .map(|span| span.text.chars().filter(|c| !c.is_whitespace()).count())
        .sum();
    if bold == 0 {
        return 0;
    }
    // Code points of `printed` up to and with the last bold one.
    let mut left = bold;
    printed
        .chars()
        .take_while(|c| {
            let more = left > 0;
            left -= usize::from(more && !c.is_whitespace());
            more
        })
        .count()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A span: x, width, font, text.
    pub type Printed<'a> = (i32, i32, u16, &'a str);

    /// A page of lines given as (x, baseline, spans as (x, w, font, text)).
    pub fn page(lines: &[(i32, &[Printed<'_>])]) -> PageText {
        let fonts = vec![
            FontStyle { name: "Body".into(), size: 1000, ..FontStyle::default() },
            FontStyle { name: "Body-Bold".into(), size: 1000, bold: true, ..FontStyle::default() },
        ];
        let lines = lines
            .iter()
            .map(|(baseline, spans)| {
                let spans: Vec<Span> =
                    spans.iter().map(|(x, w, font, text)| Span { font: *font, x: *x, w: *w, text: (*text).into() }).collect();
                let right = spans.iter().map(|s| s.x + s.w).max().unwrap_or(0);
                let x = spans.iter().map(|s| s.x).min().unwrap_or(0);
                TextLine {
                    rect: Rect { x, y: baseline - 800, w: right - x, h: 1000 },
                    baseline: *baseline,
                    spans,
                    ..TextLine::default()
                }
            })
            .collect();
        PageText { width: 60000, height: 80000, fonts, lines, ..PageText::default() }
    }

    #[test]
    fn a_wide_gap_parts_cells_and_a_change_of_font_does_not() {
        let page = page(&[(1000, &[(5000, 2000, 1, "Armor"), (7000, 1500, 0, " Class:"), (12000, 500, 0, "17")])]);
        let lines = of_page(1, &page);
        assert_eq!(lines[0].cells.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), ["Armor Class:", "17"]);
        assert_eq!((lines[0].bold_start, lines[0].is_bold()), (5, false));
    }

    #[test]
    fn runs_of_one_face_in_two_sizes_are_cells_where_the_gap_is_wider_than_a_word_space() {
        let mut page = page(&[
            (1000, &[(5000, 2000, 0, "Medium"), (7700, 1500, 2, "Tragic")]),
            (2200, &[(5000, 2000, 0, "Medium"), (7300, 1500, 2, "tragic")]),
        ]);
        page.fonts.push(FontStyle { name: "Body".into(), size: 950, ..FontStyle::default() });
        let cells = |line: &Line<'_>| line.cells.iter().map(|c| c.text.clone()).collect::<Vec<_>>();
        let lines = of_page(1, &page);
        assert_eq!((cells(&lines[0]), cells(&lines[1])), (vec!["Medium".into(), "Tragic".into()], vec!["Medium tragic".into()]));
    }
}
