//! Assembly: lines of a part → blocks in reading order. Running heads between the halves of a paragraph do not part it, nor
//! does a sidebar; a heading does.

use std::ops::Range;

use super::furniture::{self, Furniture};
use super::joining::{Lexicon, append};
use super::lines::{self, Cell, Line};
use super::metrics::Metrics;
use super::paragraphs::{self, Open};
use super::tables::{self, Row, Table};
use super::{fields, lists, sidebars};
use crate::document::page_text::{FontStyle, PageText, Rect, Visibility};
use crate::document::profile::SourceProfile;

/// What a block is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// The heading of a section: index into the headings given.
    Heading(usize),
    /// Not printed text: a section begins here whose heading is not on the page.
    SectionStart(usize),
    Paragraph,
    /// Nesting depth from 0.
    ListItem(u32),
    Table {
        rows: Vec<Row>,
        header_rows: usize,
        edges: Vec<i32>,
    },
    /// `Label: value` lines, and the place of each.
    Fields {
        places: Vec<(u32, Rect)>,
    },
    Furniture(Furniture),
    /// Table header lines repeated on a later page or column.
    RepeatedHeader,
    Hidden(Visibility),
}

/// A block with its places.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    pub kind: Kind,
    pub text: String,
    /// Where it stands, one rectangle per column, in order.
    pub places: Vec<(u32, Rect)>,
    /// Code point offsets at which a later page begins.
    pub breaks: Vec<(u32, u32)>,
    pub font: Option<&'a FontStyle>,
    pub sidebar: bool,
}

/// Where a section begins in the lines of a page; the range is empty if its heading is not printed there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    pub section: usize,
    pub page: usize,
    pub lines: Range<usize>,
}

/// A part as lines.
pub struct Pages<'a> {
    pub lines: Vec<Vec<Line<'a>>>,
    pub texts: Vec<&'a PageText>,
    pub furniture: Vec<Vec<Option<Furniture>>>,
}

impl<'a> Pages<'a> {
    /// Reads the pages of a part and finds their furniture.
    #[must_use]
    pub fn read(texts: &[&'a PageText], profile: Option<&SourceProfile>) -> Self {
        let lines: Vec<Vec<Line<'a>>> = texts.iter().zip(1..).map(|(text, page)| lines::of_page(page, text)).collect();
        let heights: Vec<i32> = texts.iter().map(|t| t.height).collect();
        let furniture = furniture::find(&lines, &heights, profile);
        Self { lines, texts: texts.to_vec(), furniture }
    }

    /// Measures of the text lines.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let text: Vec<Vec<&Line<'a>>> = self
            .lines
            .iter()
            .zip(&self.furniture)
            .map(|(lines, furniture)| {
                lines.iter().zip(furniture).filter(|(l, f)| f.is_none() && l.is_plain()).map(|(l, _)| l).collect()
            })
            .collect();
        Metrics::of(&text)
    }
}

/// The blocks of a part. `headings` are sorted by page and line.
#[must_use]
pub fn blocks<'a>(pages: &'a Pages<'a>, headings: &[Heading], metrics: &Metrics) -> Vec<Block<'a>> {
    let lexicon = Lexicon::of(pages.lines.iter().flatten().filter(|l| l.is_plain()));
    let mut builder = Builder {
        blocks: Vec::new(),
        open: None,
        open_box: None,
        table: None,
        torn: None,
        depths: Vec::new(),
        metrics,
        lexicon: &lexicon,
    };
    for (page, lines) in pages.lines.iter().enumerate() {
        let here: Vec<&Heading> = headings.iter().filter(|h| h.page == page).collect();
        builder.page(pages, page, lines, &here);
    }
    fields::group(builder.blocks)
}

/// Left edges this close are one, 1/100 pt: programs set the cells of a column at one x.
const SAME_EDGE: i32 = 30;

/// A paragraph or list item that may go on.
struct OpenBlock<'a> {
    block: usize,
    first: &'a Line<'a>,
    last: &'a Line<'a>,
    lines: usize,
    item_text_x: Option<i32>,
}

struct Builder<'a, 'm> {
    blocks: Vec<Block<'a>>,
    open: Option<OpenBlock<'a>>,
    /// The open paragraph of a sidebar, with its page and box.
    open_box: Option<((u32, usize), OpenBlock<'a>)>,
    /// The last table, while nothing but furniture has followed it: its block and region.
    table: Option<(usize, u32, u16)>,
    /// The cell of its last row that goes on in the next column, and the baseline of what was added to it last.
    torn: Option<(usize, i32)>,
    /// Marker positions of the list items that the last one is nested in.
    depths: Vec<i32>,
    metrics: &'m Metrics,
    lexicon: &'m Lexicon,
}

impl<'a> Builder<'a, '_> {
    fn page(&mut self, pages: &'a Pages<'a>, page: usize, lines: &'a [Line<'a>], headings: &[&Heading]) {
        let text = pages.texts[page];
        let furniture = &pages.furniture[page];
        let heading_at = |i: usize| headings.iter().find(|h| h.lines.contains(&i));
        let for_tables: Vec<Option<&Line<'a>>> = lines
            .iter()
            .enumerate()
            .map(|(i, l)| Some(l).filter(|_| furniture[i].is_none() && heading_at(i).is_none() && l.is_plain()))
            .collect();
        let tables = tables::find(&for_tables, &text.shapes, self.lexicon);
        let boxes = sidebars::of_lines(lines, &text.shapes, text.width, text.height);
        let mut index = 0;
        while index < lines.len() {
            for h in headings.iter().filter(|h| h.lines.is_empty() && h.lines.start == index) {
                self.section_start(h.section);
            }
            if let Some(h) = heading_at(index).filter(|h| h.lines.start == index) {
                self.heading(h, &lines[h.lines.clone()], boxes[index].is_some(), furniture[index]);
                index = h.lines.end;
            } else if let Some(table) = tables.iter().find(|t| t.lines.start == index) {
                self.table(table, &lines[index], boxes[index].is_some());
                index = table.lines.end;
            } else {
                self.line(&lines[index], furniture[index], boxes[index]);
                index += 1;
            }
        }
        for h in headings.iter().filter(|h| h.lines.is_empty() && h.lines.start >= lines.len()) {
            self.section_start(h.section);
        }
    }

    fn push(&mut self, kind: Kind, line: &Line<'a>, sidebar: bool) -> usize {
        let (text, places) = (line.text.clone(), vec![(line.page, line.rect)]);
        self.blocks.push(Block { kind, text, places, breaks: Vec::new(), font: Some(line.font), sidebar });
        self.blocks.len() - 1
    }

    fn close(&mut self) {
        self.open = None;
        self.open_box = None;
        self.table = None;
        self.depths.clear();
    }

    fn section_start(&mut self, section: usize) {
        self.close();
        self.blocks.push(Block {
            kind: Kind::SectionStart(section),
            text: String::new(),
            places: Vec::new(),
            breaks: Vec::new(),
            font: None,
            sidebar: false,
        });
    }

    fn heading(&mut self, heading: &Heading, lines: &'a [Line<'a>], sidebar: bool, furniture: Option<Furniture>) {
        self.close();
        let Some(first) = lines.first() else { return };
        let block = self.push(Kind::Heading(heading.section), first, sidebar);
        for line in &lines[1..] {
            append(&mut self.blocks[block].text, &line.text, self.lexicon);
            self.extend_place(block, line);
        }
        // The title of a contents page begins its section, but is as little text as the page.
        if let Some(kind @ (Furniture::Contents | Furniture::Index)) = furniture {
            self.blocks[block].kind = Kind::SectionStart(heading.section);
            let (text, places) = (std::mem::take(&mut self.blocks[block].text), std::mem::take(&mut self.blocks[block].places));
            let font = self.blocks[block].font;
            self.blocks.push(Block { kind: Kind::Furniture(kind), text, places, breaks: Vec::new(), font, sidebar });
        }
    }

    fn line(&mut self, line: &'a Line<'a>, furniture: Option<Furniture>, in_box: Option<usize>) {
        if let Some(furniture) = furniture {
            self.push(Kind::Furniture(furniture), line, false);
        } else if line.visibility != Visibility::Visible {
            self.hidden(line);
        } else if let Some(in_box) = in_box {
            self.text_in_box(line, (line.page, in_box));
        } else {
            self.text(line);
        }
    }

    fn hidden(&mut self, line: &'a Line<'a>) {
        let kind = Kind::Hidden(line.visibility);
        match self.blocks.last_mut() {
            Some(block) if block.kind == kind && block.places.last().is_some_and(|p| p.0 == line.page) => {
                append(&mut block.text, &line.text, self.lexicon);
                let at = self.blocks.len() - 1;
                self.extend_place(at, line);
            }
            _ => {
                self.push(kind, line, false);
            }
        }
    }

    fn text(&mut self, line: &'a Line<'a>) {
        if self.cell_goes_on(line) {
            return;
        }
        let after_table = self.table.is_some();
        match self.open.take() {
            Some(mut open) if line.rotation == open.last.rotation && self.goes_on(&open, line, after_table) => {
                self.append(&mut open, line);
                self.open = Some(open);
            }
            _ => self.open = Some(self.start(line, false)),
        }
        self.table = None;
    }

    fn text_in_box(&mut self, line: &'a Line<'a>, key: (u32, usize)) {
        let last = self.open_box.take();
        self.table = None;
        let open = match last {
            // A box that goes on in the next column or page is another box.
            Some((before, mut open))
                if before == key && self.goes_on(&open, line, false) || before != key && self.box_runs_over(&open, line) =>
            {
                self.append(&mut open, line);
                open
            }
            _ => self.start(line, true),
        };
        self.open_box = Some((key, open));
    }

    fn box_runs_over(&self, open: &OpenBlock<'a>, line: &Line<'a>) -> bool {
        let moved = open.last.page != line.page || open.last.region != line.region;
        moved && !paragraphs::ends_sentence(&open.last.text) && paragraphs::runs_over(&view(open), line, self.metrics)
    }

    fn goes_on(&self, open: &OpenBlock<'a>, line: &Line<'a>, after_table: bool) -> bool {
        let view = view(open);
        let same_column = open.last.page == line.page && open.last.region == line.region;
        if after_table || open.last.page + 1 < line.page {
            // Over a float only what is plainly unfinished goes on.
            let unfinished = !paragraphs::ends_sentence(&open.last.text) && paragraphs::starts_lower(&line.text);
            return unfinished && !same_column && paragraphs::runs_over(&view, line, self.metrics);
        }
        if same_column {
            paragraphs::goes_on(&view, line, self.metrics)
        } else {
            paragraphs::runs_over(&view, line, self.metrics)
        }
    }

    fn start(&mut self, line: &'a Line<'a>, sidebar: bool) -> OpenBlock<'a> {
        let marker = lists::marker(line).filter(|_| line.rotation == 0);
        let lone = lists::is_lone_bullet(&line.text);
        let marker_x = marker.map(|m| m.x).or(lone.then_some(line.rect.x));
        let kind = match marker_x {
            Some(x) => Kind::ListItem(self.depth(x - self.metrics.column(line).left, line.size())),
            None => {
                self.depths.clear();
                Kind::Paragraph
            }
        };
        let block = self.push(kind, line, sidebar);
        let item_text_x = marker.map(|m| m.text_x).or(lone.then_some(line.rect.right() + line.size() / 2));
        OpenBlock { block, first: line, last: line, lines: 1, item_text_x }
    }

    /// How many open markers stand left of a marker at `x`.
    fn depth(&mut self, x: i32, size: i32) -> u32 {
        self.depths.retain(|d| *d < x - size / 2);
        self.depths.push(x);
        u32::try_from(self.depths.len() - 1).unwrap_or(0)
    }

    fn append(&mut self, open: &mut OpenBlock<'a>, line: &'a Line<'a>) {
        let block = &mut self.blocks[open.block];
        let page_before = block.places.last().map_or(line.page, |p| p.0);
        append(&mut block.text, &line.text, self.lexicon);
        if page_before != line.page {
            let start = block.text.chars().count().saturating_sub(line.chars());
            block.breaks.push((u32::try_from(start).unwrap_or(u32::MAX), line.page));
        }
        let turned =
            open.last.page != line.page || open.last.region != line.region || line.baseline < open.last.baseline - line.size();
        if turned {
            block.places.push((line.page, line.rect));
        } else {
            self.extend_place(open.block, line);
        }
        open.last = line;
        open.lines += 1;
    }

    fn extend_place(&mut self, block: usize, line: &Line<'_>) {
        match self.blocks[block].places.last_mut() {
            Some((page, rect)) if *page == line.page => *rect = rect.union(&line.rect),
            _ => self.blocks[block].places.push((line.page, line.rect)),
        }
    }

    fn table(&mut self, table: &Table, line: &'a Line<'a>, sidebar: bool) {
        if self.table_goes_on(table, line) {
            self.table = self.table.map(|(block, _, _)| (block, line.page, line.region));
            return;
        }
        let (mut rows, mut places) = (table.rows.clone(), rows_place(&table.rows));
        if let Some(place) = rows.first_mut().and_then(|row| self.take_torn_head(row, &table.edges, line)) {
            places.insert(0, place);
        }
        let kind = Kind::Table { rows, header_rows: table.header_rows, edges: table.edges.clone() };
        self.blocks.push(Block { kind, text: String::new(), places, breaks: Vec::new(), font: Some(line.font), sidebar });
        self.table = Some((self.blocks.len() - 1, line.page, line.region));
        self.torn = None;
        self.depths.clear();
        self.open_box = None;
    }

    /// Takes the line before a table into its first row, if the end of the last column tore that row: `row` lacks its first
    /// cells, and the line, the only one of its paragraph, stands where they would. Returns where it stands.
    fn take_torn_head(&mut self, row: &mut Row, edges: &[i32], line: &Line<'a>) -> Option<(u32, Rect)> {
        let open = self.open.as_ref().filter(|open| open.lines == 1 && open.item_text_x.is_none())?;
        let (head, block) = (open.last, open.block);
        let turned = (head.page, head.region) != (line.page, line.region) && line.page <= head.page + 1;
        let last = self.blocks[block + 1..].iter().all(|b| matches!(b.kind, Kind::Furniture(_)));
        let stands = |(cell, x): (&Cell, &i32)| (cell.x - x).abs() <= SAME_EDGE && cell.right <= edges[head.cells.len()];
        let fits = head.cells.len() < edges.len()
            && row.cells[..head.cells.len()].iter().all(String::is_empty)
            && head.cells.iter().zip(edges).all(stands);
        if !turned || !last || !fits {
            return None;
        }
        for (cell, text) in row.cells.iter_mut().zip(&head.cells) {
            cell.clone_from(&text.text);
        }
        row.rest = Some((row.page, row.rect));
        (row.page, row.rect) = (head.page, head.rect);
        self.blocks.remove(block);
        self.open = None;
        Some((head.page, head.rect))
    }

    /// Adds `line` to the last row of the last table if the end of the column tore that row: its first cells are there, and
    /// `line`, at the head of the next column or behind what was added, stands where the first missing one begins.
    fn cell_goes_on(&mut self, line: &Line<'a>) -> bool {
        let Some((block, page, region)) = self.table else { return false };
        let same_font = self.blocks[block].font.is_some_and(|f| f.size == line.font.size);
        let Kind::Table { rows, edges, .. } = &mut self.blocks[block].kind else { return false };
        let Some(row) = rows.last_mut() else { return false };
        let torn = row.cells.iter().position(String::is_empty).filter(|torn| *torn > 0);
        let goes_on = match self.torn {
            Some((cell, baseline)) if (page, region) == (line.page, line.region) => {
                let step = line.baseline - baseline;
                (1..=line.size() * 14 / 10).contains(&step).then_some(cell)
            }
            _ => {
                let turned = (page, region) != (line.page, line.region) && line.page <= page + 1;
                let indented = line.rect.x > self.metrics.column(line).left + line.size() / 2;
                torn.filter(|torn| turned && indented && row.cells[*torn..].iter().all(String::is_empty))
            }
        };
        let in_cell = |cell: &usize| line.cells.len() == 1 && (line.rect.x - edges[*cell]).abs() <= SAME_EDGE;
        let Some(cell) = goes_on.filter(in_cell).filter(|_| same_font) else { return false };
        append(&mut row.cells[cell], &line.text, self.lexicon);
        row.rest = Some((line.page, row.rest.filter(|r| r.0 == line.page).map_or(line.rect, |r| r.1.union(&line.rect))));
        self.extend_place(block, line);
        self.torn = Some((cell, line.baseline));
        self.table = Some((block, line.page, line.region));
        true
    }

    /// Adds `table` to the last one if it is its continuation in the next column or page: as many columns at the same
    /// distances. A header that is printed again is set aside.
    fn table_goes_on(&mut self, table: &Table, line: &Line<'a>) -> bool {
        let Some((block, page, region)) = self.table else { return false };
        let turned = (page, region) != (line.page, line.region) && line.page <= page + 1;
        let font_before = self.blocks[block].font;
        let Kind::Table { rows, header_rows, edges } = &mut self.blocks[block].kind else { return false };
        let alike = edges.len() == table.edges.len()
            && edges.iter().zip(&table.edges).all(|(a, b)| (a - edges[0] - (b - table.edges[0])).abs() <= 1200);
        let same_font = font_before.is_some_and(|f| (f.size - line.font.size).abs() <= 50);
        let repeats = *header_rows > 0
            && table.rows.len() > *header_rows
            && (0..*header_rows).all(|i| rows[i].cells == table.rows[i].cells);
        // Another header begins another table.
        if !turned || !alike || !same_font || (table.header_rows > 0 && !repeats) {
            return false;
        }
        let skip = if repeats { *header_rows } else { 0 };
        let mut added = table.rows[skip..].to_vec();
        // A row cut by the end of the page goes on without its first cell.
        if let (Some(cut), Some(rest)) = (rows.last_mut(), added.first())
            && rest.cells[0].is_empty()
            && !cut.cells[0].is_empty()
        {
            for (cell, more) in cut.cells.iter_mut().zip(&rest.cells) {
                append(cell, more, self.lexicon);
            }
            cut.rest = Some((rest.page, rest.rect));
            added.remove(0);
        }
        rows.extend(added);
        let places = rows_place(&table.rows[skip..]);
        self.blocks[block].places.extend(places);
        if skip > 0 {
            let text = text_of_rows(&table.rows[..skip]);
            let places = rows_place(&table.rows[..skip]);
            self.blocks.push(Block {
                kind: Kind::RepeatedHeader,
                text,
                places,
                breaks: Vec::new(),
                font: font_before,
                sidebar: false,
            });
        }
        true
    }
}

fn view<'b, 'a>(open: &'b OpenBlock<'a>) -> Open<'b, 'a> {
    Open { first: open.first, last: open.last, lines: open.lines, item_text_x: open.item_text_x }
}

fn rows_place(rows: &[Row]) -> Vec<(u32, Rect)> {
    rows.iter().map(|r| (r.page, r.rect)).reduce(|a, b| (a.0, a.1.union(&b.1))).into_iter().collect()
}

/// Rows as text: one per line, cells joined by " | ".
#[must_use]
pub fn text_of_rows(rows: &[Row]) -> String {
    rows.iter().map(|r| r.cells.join(" | ")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::blocks::lines::tests::{Printed, page};

    /// The text of every block of `pages`.
    fn read(pages: &[PageText]) -> Vec<String> {
        let pages = Pages::read(&pages.iter().collect::<Vec<_>>(), None);
        let text = |block: Block<'_>| match &block.kind {
            Kind::Table { rows, .. } => text_of_rows(rows),
            _ => block.text,
        };
        blocks(&pages, &[], &pages.metrics()).into_iter().map(text).collect()
    }

    /// A row of a number, bold, and a text.
    fn row(number: &'static str, text: &'static str) -> [Printed<'static>; 2] {
        [(5000, 500, 1, number), (8000, 9000, 0, text)]
    }

    #[test]
    fn a_row_torn_by_the_end_of_a_page_is_one_row_wherever_it_is_torn() {
        let (a, b, c) = (row("1", "A sad tale"), row("2", "A song"), row("3", "A melody"));
        let torn: [Printed<'_>; 1] = [(5000, 500, 1, "4")];
        let rest: [Printed<'_>; 1] = [(8000, 9000, 0, "A river that flows")];
        let more: [Printed<'_>; 1] = [(8000, 9000, 0, "from the other side.")];
        let after: [Printed<'_>; 1] = [(5000, 20000, 0, "Text that goes from edge to edge, and on to a second line")];
        let end: [Printed<'_>; 1] = [(5000, 9000, 0, "and to its end.")];
        let first = page(&[(10000, &a), (11500, &b), (13000, &c), (14500, &torn)]);
        // The rest is the end of the table.
        let second = page(&[(10000, &rest), (11100, &more), (14000, &after), (15200, &end)]);
        let texts = read(&[first, second]);
        assert_eq!(texts[0].lines().last(), Some("4 | A river that flows from the other side."));
        assert_eq!(texts[1], "Text that goes from edge to edge, and on to a second line and to its end.");
        // The torn row is the first of the table.
        let first = page(&[(10000, &after), (11200, &end), (14500, &torn)]);
        let second = page(&[(10000, &rest), (11100, &more), (12600, &a), (14100, &b), (15600, &c)]);
        let texts = read(&[first, second]);
        assert_eq!(texts[1].lines().next(), Some("4 | A river that flows from the other side."));
        assert_eq!(texts.len(), 2);
    }
}
