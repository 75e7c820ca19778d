//! Names in numbered tables: rows that count themselves (1, 2, 3, …), a name in the second column, its text in the third.
//! Columns are told by position; a name that is too wide for its column goes on in the line below.

use crate::document::headings::key::join_lines;
use crate::document::page_text::{PageText, Span};
use crate::document::terms::collect::Listed;

/// Fewer counted rows than this are a list, not a table of things.
const MIN_ROWS: usize = 8;
/// Cells of one column begin within 2 pt of one another.
const SAME_COLUMN: i32 = 200;

struct Row {
    number: u32,
    page: usize,
    name: Vec<String>,
    text: Vec<String>,
}

/// The names listed in the lines `range` (page and line from 0), if they are a numbered table.
pub(super) fn names(pages: &[&PageText], range: &[(usize, usize)]) -> Vec<Listed> {
    let mut rows: Vec<Row> = Vec::new();
    let mut columns: Option<(i32, i32)> = None;
    for (page, line) in range {
        let Some(line) = pages.get(*page).and_then(|p| p.lines.get(*line)) else { continue };
        let spans: Vec<&Span> = line.spans.iter().filter(|s| !s.text.trim().is_empty()).collect();
        if let Some((number, cells)) = counted(&spans) {
            if let [name, text @ ..] = cells {
                columns = Some((name.x, text.first().map_or_else(|| columns.map_or(i32::MAX, |c| c.1), |t| t.x)));
                rows.push(Row {
                    number,
                    page: *page,
                    name: vec![name.text.clone()],
                    text: text.iter().map(|t| t.text.clone()).collect(),
                });
            }
            continue;
        }
        let (Some(row), Some((name_x, text_x))) = (rows.last_mut(), columns) else { continue };
        for span in spans {
            if (span.x - name_x).abs() <= SAME_COLUMN {
                row.name.push(span.text.clone());
            } else if span.x >= text_x.saturating_sub(SAME_COLUMN) {
                row.text.push(span.text.clone());
            }
        }
    }
    let counts_on = rows.windows(2).filter(|w| w[1].number == w[0].number + 1).count();
    if rows.len() < MIN_ROWS
        || counts_on * 10 < (rows.len() - 1) * 9
        || rows.iter().filter(|r| !r.text.is_empty()).count() * 2 < rows.len()
    {
        return Vec::new();
    }
    let page_of = |page: usize| u32::try_from(page + 1).ok();
    rows.iter()
        .map(|row| Listed {
            name: join_lines(row.name.iter().map(String::as_str)),
            page: page_of(row.page),
            definition: join_lines(row.text.iter().map(String::as_str)).chars().take(300).collect(),
        })
        .collect()
}

/// A row that begins with its number, as (number, other cells).
fn counted<'a, 'b>(spans: &'b [&'a Span]) -> Option<(u32, &'b [&'a Span])> {
    let (first, rest) = spans.split_first()?;
    let number = first.text.trim().trim_end_matches('.').parse().ok()?;
    let named = rest.first().is_some_and(|s| s.text.chars().any(char::is_alphabetic));
    named.then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::page_text::TextLine;

    #[test]
    fn names_go_on_in_their_column() {
        let line = |cells: &[(i32, &str)]| TextLine {
            spans: cells.iter().map(|(x, t)| Span { font: 0, x: *x, w: 100, text: (*t).to_owned() }).collect(),
            ..TextLine::default()
        };
        let mut lines = vec![];
        for n in 1..=8 {
            lines.push(line(&[(4000, &n.to_string()), (6000, "Anthropo-"), (11_000, "Text of it")]));
            lines.push(line(&[(6000, "morphize"), (11_000, "goes on.")]));
        }
        let page = PageText { lines, ..PageText::default() };
        let range: Vec<(usize, usize)> = (0..16).map(|l| (0, l)).collect();
        let found = names(&[&page], &range);
        assert_eq!(found.len(), 8);
        assert_eq!((found[0].name.as_str(), found[0].definition.as_str()), ("Anthropomorphize", "Text of it goes on."));
    }
}
