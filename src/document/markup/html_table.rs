//! HTML tables and definition lists to rows and field lines.
//! Knows nothing of the text around them.

use scraper::ElementRef;

use super::blocks::{Blocks, fold};
use super::html::visible_text;
use crate::document::flow::FlowKind;

/// A table whose cells hold one of these is there for layout: it is read as text.
const LAYOUT: [&str; 9] = ["h1", "h2", "h3", "h4", "h5", "h6", "table", "section", "article"];
/// A definition longer than this is a paragraph of its own, not a field of a stat block: two lines of a printed column.
const FIELD_CHARS: usize = 120;
/// Widest `colspan` that is believed: printed tables have fewer columns.
const MAX_SPAN: usize = 40;

/// The table only arranges other blocks.
pub fn is_layout(table: ElementRef<'_>) -> bool {
    table.descendants().skip(1).filter_map(ElementRef::wrap).any(|e| LAYOUT.contains(&e.value().name()))
}

/// Adds a table: its caption as a paragraph, its rows, the rows of `<thead>` and leading rows of `<th>` as headers.
pub fn table(table: ElementRef<'_>, blocks: &mut Blocks) {
    let mut rows = Vec::new();
    let mut headers = 0;
    for element in table.descendants().filter_map(ElementRef::wrap) {
        match element.value().name() {
            "caption" => blocks.text(FlowKind::Paragraph, &visible_text(element)),
            "tr" if !super::html::is_hidden(element) => {
                let (row, is_header) = row(element);
                headers += usize::from(is_header && headers == rows.len());
                rows.push(row);
            }
            _ => {}
        }
    }
    blocks.table(rows, headers);
}

/// The cells of a row, a wide cell followed by empty ones, and whether it is a header.
fn row(row: ElementRef<'_>) -> (Vec<String>, bool) {
    let in_head = row.parent().and_then(ElementRef::wrap).is_some_and(|p| p.value().name() == "thead");
    let mut cells = Vec::new();
    let (mut heads, mut data) = (0, 0);
    for cell in row.children().filter_map(ElementRef::wrap) {
        match cell.value().name() {
            "th" => heads += 1,
            "td" => data += 1,
            _ => continue,
        }
        cells.push(visible_text(cell));
        let span = cell.value().attr("colspan").and_then(|s| s.trim().parse::<usize>().ok()).unwrap_or(1);
        cells.extend(std::iter::repeat_n(String::new(), span.clamp(1, MAX_SPAN) - 1));
    }
    (cells, in_head || (heads > 0 && data == 0))
}

/// Adds a definition list: short definitions as the `Label: value` lines of one paragraph, as stat blocks have them, long
/// ones as paragraphs of their own.
pub fn definitions(list: ElementRef<'_>, blocks: &mut Blocks) {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut terms: Vec<String> = Vec::new();
    for element in list.descendants().skip(1).filter_map(ElementRef::wrap) {
        // A list inside a definition is part of its text.
        let is_inner = element
            .ancestors()
            .take_while(|a| a.id() != list.id())
            .filter_map(ElementRef::wrap)
            .any(|a| matches!(a.value().name(), "dt" | "dd"));
        if is_inner || super::html::is_hidden(element) {
            continue;
        }
        let text = || fold(&visible_text(element)).replace('\n', " ");
        match element.value().name() {
            "dt" => terms.push(text().trim_end_matches(':').to_owned()),
            "dd" => pairs.push((std::mem::take(&mut terms).join(", "), text())),
            _ => {}
        }
    }
    pairs.extend(terms.into_iter().map(|t| (t, String::new())));
    let lines: Vec<String> = pairs.iter().map(|(t, d)| line(t, d)).filter(|l| !l.is_empty()).collect();
    if pairs.iter().all(|(_, d)| d.chars().count() <= FIELD_CHARS) {
        blocks.text(FlowKind::Paragraph, &lines.join("\n"));
    } else {
        lines.iter().for_each(|l| blocks.text(FlowKind::Paragraph, l));
    }
}

fn line(term: &str, definition: &str) -> String {
    match (term.is_empty(), definition.is_empty()) {
        (false, false) => format!("{term}: {definition}"),
        _ => format!("{term}{definition}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(html: &str) -> crate::document::flow::FlowText {
        super::super::html::read(html, 50_000).unwrap()
    }

    #[test]
    fn a_table_has_its_caption_headers_and_spans() {
        let flow = read_all(
            "<table><caption>Prices</caption><tr><th>Item<th>Cost</tr><tr><td>Rope<br>(long)<td>1 c</tr><tr><td colspan=2>All sold</table>",
        );
        assert_eq!(flow.blocks[0].text, "Prices");
        assert_eq!(flow.blocks[1].kind, FlowKind::Table { header_rows: 1 });
        assert_eq!(flow.blocks[1].text, "Item | Cost\nRope (long) | 1 c\nAll sold |");
    }

    #[test]
    fn a_layout_table_is_read_as_text() {
        let flow = read_all("<table><tr><td><h2>Left</h2><p>a</p><td><table><tr><td>x<td>y</table></table>");
        let kinds: Vec<_> = flow.blocks.iter().map(|b| b.kind).collect();
        assert_eq!(kinds, [FlowKind::Heading { level: 2 }, FlowKind::Paragraph, FlowKind::Table { header_rows: 0 }]);
    }

    #[test]
    fn short_definitions_are_field_lines() {
        let flow = read_all("<dl><div><dt>Guard:<dd>14</div><dt>Wounds<dd>3</dl>");
        assert_eq!(flow.blocks[0].text, "Guard: 14\nWounds: 3");
        let long = "word ".repeat(40);
        assert_eq!(read_all(&format!("<dl><dt>A<dd>{long}<dt>B<dd>b</dl>")).blocks.len(), 2);
    }
}
