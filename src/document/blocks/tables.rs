//! Tables: rows of cells found by the white rivers between their columns. A wrapped cell's lines belong to its row, told by
//! ruled lines or shading where there are any, else by the white space between rows, else by the first column.

use super::joining::{Lexicon, append};
use super::lines::{Cell, Line};
use super::lists;
use super::paragraphs::starts_lower;
use crate::document::page_text::{Rect, Shape};

/// A row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub page: u32,
    pub rect: Rect,
    /// Where it goes on, if the end of its page or column cuts it.
    pub rest: Option<(u32, Rect)>,
    /// One per column, "" where nothing is printed.
    pub cells: Vec<String>,
}

/// A table of one column of one page.
#[derive(Clone, Debug)]
pub struct Table {
    /// Lines that it takes: a range of those given to `find`.
    pub lines: std::ops::Range<usize>,
    pub rows: Vec<Row>,
    pub header_rows: usize,
    /// Left edge of each column, 1/100 pt.
    pub edges: Vec<i32>,
}

/// A white river between two columns.
#[derive(Clone, Copy, Debug)]
struct River {
    left: i32,
    right: i32,
}

/// A river narrower than this share of the type size is no river: cells are parted by more, however tight the table.
const RIVER_PERCENT: i32 = 15;
/// Rows stand at most this many type sizes apart.
const ROW_STEP: i32 = 5;

/// The tables among `lines`, the text lines of one page in reading order (`None`: not for tables).
#[must_use]
pub fn find(lines: &[Option<&Line<'_>>], shapes: &[Shape], lexicon: &Lexicon) -> Vec<Table> {
    let mut tables = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        match grow(lines, at, tables.last().map_or(0, |t: &Table| t.lines.end))
            .and_then(|grown| build(lines, grown, shapes, lexicon))
        {
            Some(table) => {
                at = table.lines.end.max(at + 1);
                tables.push(table);
            }
            None => at += 1,
        }
    }
    tables
}

/// Whether `line` has cells: gaps other than the one behind a list marker.
fn is_multi(line: &Line<'_>) -> bool {
    let marked = line.cells.len() > 1
        && (lists::marker(line).is_some_and(|m| m.text_x > line.cells[0].right) || lists::is_lone_bullet(&line.cells[0].text));
    line.is_plain() && line.cells.len() > 1 + usize::from(marked)
}

struct Grown {
    range: std::ops::Range<usize>,
    rivers: Vec<River>,
}

/// The longest run of lines from `start` through which a river flows.
fn grow(lines: &[Option<&Line<'_>>], start: usize, floor: usize) -> Option<Grown> {
    let first = lines[start]?;
    let group = row_lines(lines, start);
    let spanned = lines.get(start + 1).copied().flatten().filter(|next| spans(first, next));
    let mut rivers: Vec<River> = if is_multi(first) {
        within_columns(spanned.unwrap_or(first)).windows(2).map(|w| River { left: w[0].1, right: w[1].0 }).collect()
    } else {
        Some(rivers_through(&group)).filter(|rivers| group.len() > 1 && !rivers.is_empty())?
    };
    let (mut end, mut settled) = (start + 1, rivers.clone());
    let mut last_multi = if is_multi(first) { start } else { start + group.len() - 1 };
    let mut before = first;
    while let Some(Some(line)) = lines.get(end) {
        let step = line.baseline - before.baseline;
        if line.region != first.region || !line.is_plain() || step < -before.size() / 2 || step > before.size() * ROW_STEP {
            break;
        }
        let left = narrowed(&rivers, line);
        // A caption or paragraph across columns ends the table, and so does the bold header of the next one.
        let in_row = line.row.is_some() && line.row == before.row;
        let crosses = line.cells.len() == 1 && left.len() < rivers.len() && !in_row;
        let followed = lines.get(end + 1).is_some_and(|next| next.is_some_and(|next| next.region == line.region));
        let heads = is_multi(line) && line.is_bold() && !before.is_bold() && !in_row && followed;
        if left.is_empty() || crosses || heads || lists::marker(line).is_some() && line.cells.len() < 3 {
            break;
        }
        rivers = left;
        end += 1;
        before = line;
        if is_multi(line) {
            last_multi = end - 1;
            settled.clone_from(&rivers);
        }
    }
    let end = trailing(lines, start, last_multi, end, &settled);
    let start = cut_row(lines, start, floor, &settled).unwrap_or_else(|| leading_lines(lines, start, floor, &settled));
    let within: Vec<&Line<'_>> = lines[start..end].iter().flatten().copied().collect();
    // Cells that span columns say nothing of where these begin.
    let within = &within[usize::from(spanned.is_some() && within.len() > 2)..];
    let all = rivers_through(within);
    let mut rivers = if all.len() > settled.len() { all } else { settled };
    add_edges(&mut rivers, within);
    Some(Grown { range: start..end, rivers })
}

/// Whether `head` is a row of header cells some of which span columns that `below` has a header for each of: more cells, and one
/// of `head` stands over the white between two of them.
fn spans(head: &Line<'_>, below: &Line<'_>) -> bool {
    let step = below.baseline - head.baseline;
    let over = |w: &[Cell]| head.cells.iter().any(|c| c.x < w[0].right && c.right > w[1].x);
    is_multi(head)
        && below.region == head.region
        && head.is_bold()
        && below.is_bold()
        && below.cells.len() > head.cells.len()
        && (1..=head.size() * ROW_STEP).contains(&step)
        && below.cells.windows(2).any(over)
}

/// The lines from `start` on of one row, whose cells stand on baselines of their own: centred, or set at its foot.
fn row_lines<'b, 'a>(lines: &[Option<&'b Line<'a>>], start: usize) -> Vec<&'b Line<'a>> {
    let row = lines[start].and_then(|l| l.row);
    lines[start..].iter().map_while(|l| l.filter(|l| row.is_some() && l.row == row)).collect()
}

/// White that is left before the next cell where a word reaches into it: a river in lines of every size, for type that was fitted
/// to a width is up to a fourth smaller than its neighbours.
const OVERFLOW_PERCENT: i32 = 20;

/// Where the cells of a line begin and end within their columns: a word too long for its column reaches into the next one, but
/// its column ends where the next cell begins.
fn within_columns(line: &Line<'_>) -> Vec<(i32, i32)> {
    let white = (line.size() * OVERFLOW_PERCENT / 100).max(1);
    let next = line.cells.iter().skip(1).map(|c| c.x - white).chain([i32::MAX]);
    line.cells.iter().zip(next).map(|(c, end)| (c.x, c.right.min(end).max(c.x + 1))).collect()
}

/// Left edges this close are one, 1/100 pt: programs set the cells of a column at one x.
const SAME_EDGE: i32 = 30;
/// Fewer cells that begin at one x are chance.
const MIN_CELLS: usize = 3;

/// Adds the columns that no river shows because words too long for a column fill the white before the next: there, cells begin
/// at one x again and again behind another cell of what would be one column.
fn add_edges(rivers: &mut Vec<River>, lines: &[&Line<'_>]) {
    let within = |l: &Line<'_>| -> Vec<(usize, i32)> {
        let columns = l.cells.windows(2).map(|w| (column_of(&w[0], rivers), column_of(&w[1], rivers), w[1].x));
        columns.filter(|(a, b, _)| a == b).map(|(_, column, x)| (column, x)).collect()
    };
    let by_line: Vec<Vec<(usize, i32)>> = lines.iter().map(|l| within(l)).collect();
    let mut starts: Vec<(usize, i32)> = by_line.iter().flatten().copied().collect();
    starts.sort_unstable();
    let cells = starts.chunk_by(|a, b| a.0 == b.0 && b.1 - a.1 <= SAME_EDGE).filter(|cells| cells.len() >= MIN_CELLS);
    let edges: Vec<(usize, i32)> = cells.map(|cells| cells[0]).collect();
    for edges in edges.chunk_by(|a, b| a.0 == b.0) {
        // More edges than cells of any line are those of tables below each other: one column, wherever it begins in each.
        let most = by_line.iter().map(|cells| cells.iter().filter(|c| c.0 == edges[0].0).count()).max().unwrap_or(0);
        let kept = if edges.len() > most { 1 } else { edges.len() };
        rivers.extend(edges[..kept].iter().map(|(_, x)| River { left: x - 1, right: *x }));
    }
    rivers.sort_by_key(|r| r.left);
}

/// One line in this many may cross a river: cells that touch by chance do not make one column of two.
const LINES_PER_CROSSING: usize = 12;

/// The rivers through all of `lines` but a few.
fn rivers_through(lines: &[&Line<'_>]) -> Vec<River> {
    let allowed = i32::try_from(lines.len() / LINES_PER_CROSSING).unwrap_or(0);
    let least = lines.first().map_or(0, |l| l.size() * RIVER_PERCENT / 100);
    let mut edges: Vec<(i32, i32)> =
        lines.iter().flat_map(|l| within_columns(l)).flat_map(|(x, right)| [(x, 1), (right, -1)]).collect();
    edges.sort_unstable();
    let (mut rivers, mut depth): (Vec<River>, i32) = (Vec::new(), 0);
    // Where the last column ended, if since then too few lines printed to make one.
    let mut bank: Option<i32> = None;
    for (x, change) in edges {
        let before = depth;
        depth += change;
        if before > allowed && depth <= allowed {
            bank = Some(x);
        } else if before <= allowed && depth > allowed {
            rivers.extend(bank.take().filter(|left| x - left >= least.max(1)).map(|left| River { left, right: x }));
        }
    }
    rivers
}

/// Lines behind the last one with cells belong to it while they are tight and do not open a new row: a first cell goes on in
/// a line that stands closer than rows do.
fn trailing(lines: &[Option<&Line<'_>>], start: usize, last_multi: usize, end: usize, rivers: &[River]) -> usize {
    let mut kept = last_multi + 1;
    let rows = lines[start..=last_multi].windows(2).filter_map(|w| w[0].zip(w[1])).filter(|(a, b)| is_multi(a) && is_multi(b));
    let mut row_steps: Vec<i32> = rows.map(|(a, b)| b.baseline - a.baseline).collect();
    row_steps.sort_unstable();
    let row_step = row_steps.get(row_steps.len() / 2).copied().unwrap_or(0);
    let first_x = lines[last_multi].map_or(0, |l| l.rect.x);
    let first_cell_is_bold = lines[last_multi].is_some_and(|l| l.cells[0].bold);
    for index in last_multi + 1..end {
        let (Some(before), Some(line)) = (lines[index - 1], lines[index]) else { break };
        let tight = line.baseline - before.baseline <= line.size() * 14 / 10;
        let later_column = rivers.first().is_some_and(|r| line.rect.x >= r.left);
        if line.row.is_some() && line.row == before.row {
            kept = index + 1;
            continue;
        }
        let closer = i64::from(line.baseline - before.baseline) * LEAST_ROW_STEP <= i64::from(row_step) * 100;
        if closer && (line.rect.x - first_x).abs() <= SAME_EDGE {
            kept = index + 1;
            continue;
        }
        if is_torn(lines, index, first_x, rivers) && line.is_bold() == first_cell_is_bold {
            kept = index + 1;
            break;
        }
        if !tight || !later_column && before.rect.x > line.rect.x + line.size() {
            break;
        }
        if later_column {
            kept = index + 1;
        }
    }
    kept
}

/// Whether the line at `index` is the first cell of a row that the end of the column tears off: the last line of its column, a
/// row's step down, where the first column begins, and no wider than that is.
fn is_torn(lines: &[Option<&Line<'_>>], index: usize, first_x: i32, rivers: &[River]) -> bool {
    let Some((before, line)) = index.checked_sub(1).and_then(|b| lines[b]).zip(lines[index]) else { return false };
    let last = lines.get(index + 1).is_none_or(|next| next.is_none_or(|next| next.region != line.region));
    let step = line.baseline - before.baseline;
    let within = rivers.first().is_some_and(|r| line.rect.right() <= r.left + (r.right - r.left) / 2);
    last && within
        && line.cells.len() == 1
        && line.size() == before.size()
        && (line.rect.x - first_x).abs() <= SAME_EDGE
        && (1..=line.size() * LOOSE_ROW).contains(&step)
}

/// Single-spaced rows stand at most this many type sizes apart.
const LOOSE_ROW: i32 = 2;

/// The lines above the first one with cells are the rest of a row that the end of the last column or page cut, if there are none
/// above them, they are tight, and begin where later columns of the table do; as many as there are of them.
fn cut_row(lines: &[Option<&Line<'_>>], start: usize, floor: usize, rivers: &[River]) -> Option<usize> {
    let first = lines[start]?;
    let mut top = start;
    while top > floor {
        let (Some(line), Some(below)) = (lines[top - 1], lines[top]) else { break };
        if line.region != first.region {
            break;
        }
        // The rest of the row stands a row's step above the next.
        let most = if top == start { line.size() * LOOSE_ROW } else { line.size() * 14 / 10 };
        let tight = (0..=most).contains(&(below.baseline - line.baseline));
        let in_column = |c: &Cell| rivers.iter().any(|r| (r.right - c.x).abs() <= SAME_EDGE);
        let alike =
            line.size() == first.size() && line.cells.iter().all(in_column) && narrowed(rivers, line).len() == rivers.len();
        if !tight || !alike {
            return None;
        }
        top -= 1;
    }
    (top < start).then_some(top)
}

/// Lines above the first one with cells are the first lines of wrapped header cells if they are tight, bold and in a later
/// column.
fn leading_lines(lines: &[Option<&Line<'_>>], start: usize, floor: usize, rivers: &[River]) -> usize {
    let mut kept = start;
    while kept > floor {
        let (Some(line), Some(below)) = (lines[kept - 1], lines[kept]) else { break };
        let tight = (0..=line.size() * 14 / 10).contains(&(below.baseline - line.baseline));
        let later_column = rivers.first().is_some_and(|r| line.rect.x >= r.left);
        if !tight
            || !later_column
            || !line.is_bold()
            || !below.is_bold()
            || line.region != below.region
            || narrowed(rivers, line).len() < rivers.len()
        {
            break;
        }
        kept -= 1;
    }
    kept
}

/// What is left of `rivers` when `line` is laid over them.
fn narrowed(rivers: &[River], line: &Line<'_>) -> Vec<River> {
    let least = line.size() * RIVER_PERCENT / 100;
    let cells = within_columns(line);
    let lone_word = line.cells.len() == 1 && !line.cells[0].text.contains(' ');
    let mut out = Vec::new();
    for river in rivers {
        let mut parts = vec![*river];
        for &(x, end) in &cells {
            // A word by itself that is too long for its column is no text across columns, if it is so by less than an em.
            let too_long = lone_word && x < river.left && end > river.left && end - river.right <= line.size();
            let end = if too_long { end.min(river.right - least) } else { end };
            parts = parts
                .into_iter()
                .flat_map(|p| {
                    let (left, right) =
                        (River { left: p.left, right: p.right.min(x) }, River { left: p.left.max(end), right: p.right });
                    if end <= p.left || x >= p.right { [Some(p), None] } else { [Some(left), Some(right)] }
                })
                .flatten()
                .filter(|p| p.right - p.left >= least)
                .collect();
        }
        // A cell inside a river parts it; the wider part goes on.
        out.extend(parts.into_iter().max_by_key(|p| p.right - p.left));
    }
    out
}

fn build(lines: &[Option<&Line<'_>>], grown: Grown, shapes: &[Shape], lexicon: &Lexicon) -> Option<Table> {
    let within: Vec<&Line<'_>> = lines[grown.range.clone()].iter().flatten().copied().collect();
    let multi = within.iter().filter(|l| is_multi(l)).count()
        + usize::from(within.first().is_some_and(|l| !is_multi(l) && l.row.is_some()));
    let bounds = within.iter().map(|l| l.rect).reduce(|a, b| a.union(&b))?;
    let separators = separators(shapes, bounds, within.first()?.size());
    let bold_head = within.first().is_some_and(|l| l.is_bold());
    let columns = grown.rivers.len() + 1;
    // White space alone: three rows, or two of three columns or under a bold header, are no accident of justified text.
    if multi < 3 && !(multi == 2 && (columns > 2 || bold_head)) && separators.len() < 2 {
        return None;
    }
    let starts = row_starts(&within, &grown.rivers, &separators);
    let mut rows: Vec<(Row, bool)> = Vec::new();
    for (index, line) in within.iter().enumerate() {
        if starts[index] || rows.is_empty() {
            rows.push((Row { page: line.page, rect: line.rect, rest: None, cells: vec![String::new(); columns] }, true));
        }
        if let Some((row, bold)) = rows.last_mut() {
            row.rect = row.rect.union(&line.rect);
            for cell in &line.cells {
                append(&mut row.cells[column_of(cell, &grown.rivers)], &cell.text, lexicon);
                *bold &= cell.bold;
            }
        }
    }
    let bold: Vec<bool> = rows.iter().map(|(_, bold)| *bold).collect();
    let header_rows = header_rows(&bold);
    let mut edges = vec![bounds.x];
    edges.extend(grown.rivers.iter().map(|r| r.right));
    Some(Table { lines: grown.range, rows: rows.into_iter().map(|(row, _)| row).collect(), header_rows, edges })
}

/// Bold rows at the top, unless all rows are bold.
fn header_rows(bold: &[bool]) -> usize {
    let count = bold.iter().take_while(|b| **b).count();
    if count < bold.len() { count.min(2) } else { 0 }
}

fn column_of(cell: &Cell, rivers: &[River]) -> usize {
    let middle = cell.x + (cell.right - cell.x).min(200) / 2;
    rivers.iter().filter(|r| middle >= (r.left + r.right) / 2).count()
}

/// y of the horizontal rules and edges of shading that cross the table.
fn separators(shapes: &[Shape], bounds: Rect, size: i32) -> Vec<i32> {
    let mut ys: Vec<i32> = Vec::new();
    for shape in shapes {
        let r = shape.rect;
        let inside = r.y >= bounds.y - 2 * size && r.bottom() <= bounds.bottom() + 2 * size;
        let overlap = r.right().min(bounds.right()) - r.x.max(bounds.x);
        // A share of the width is enough: cells are often shaded and ruled one by one.
        if inside && overlap * 10 >= bounds.w.min(r.w) * 8 && r.w > size {
            ys.push(r.y);
            ys.push(r.bottom());
        }
    }
    ys.sort_unstable();
    // A rule has two edges, and shaded cells touch.
    ys.dedup_by(|b, a| *b - *a <= 300);
    ys
}

/// Lines further apart than this share of the leading, in percent, open a row. Where a table has no step between that of its
/// wrapped cells, in lines that print one cell only, and that of its rows, which is larger by their padding, a point is enough.
fn row_step(leading: i32, steps: &[i32], lines: &[&Line<'_>]) -> i32 {
    let percent = |s: i32| i64::from(s) * 100 / i64::from(leading.max(1));
    let apart = steps.iter().map(|s| percent(*s)).filter(|p| *p > ONE_LEADING).min();
    let tight = || steps.iter().zip(&lines[1..]).filter(|(s, _)| **s >= leading && percent(**s) <= ONE_LEADING);
    let wrapped = tight().filter(|(_, l)| l.cells.len() == 1 || goes_on_in_small_letters(l)).count();
    if apart.is_some_and(|p| p >= LEAST_ROW_STEP) && wrapped * 2 >= tight().count() { CLOSE_ROW_STEP } else { ROW_STEP_PERCENT }
}

/// No cell of `line` begins as a sentence or a name does.
fn goes_on_in_small_letters(line: &Line<'_>) -> bool {
    line.cells.iter().all(|c| starts_lower(&c.text))
}

/// A line further down than a loosely set line of the same cell, in percent of the leading.
const ROW_STEP_PERCENT: i32 = 118;
/// Between `ONE_LEADING` and `LEAST_ROW_STEP`.
const CLOSE_ROW_STEP: i32 = 106;
/// Steps up to this are one leading: rounding.
const ONE_LEADING: i64 = 103;
/// A step that parts rows is larger than the leading by a tenth of it or more.
const LEAST_ROW_STEP: i64 = 109;

/// For each line, whether it opens a row.
fn row_starts(lines: &[&Line<'_>], rivers: &[River], separators: &[i32]) -> Vec<bool> {
    let firsts = rivers.first().map_or(i32::MAX, |r| r.left);
    let steps: Vec<i32> = lines.windows(2).map(|w| w[1].baseline - w[0].baseline).collect();
    // Lines of one cell stand a size apart; what is closer are cells of a row on baselines of their own.
    let tightest = steps.iter().copied().filter(|s| *s > lines[0].size() * 9 / 10).min().unwrap_or(0);
    let threshold = row_step(tightest, &steps, lines);
    let wider = |step: i32| step * 100 > tightest * threshold;
    let spaced = steps.iter().filter(|s| wider(**s)).count();
    let between =
        |a: &Line<'_>, b: &Line<'_>| separators.iter().any(|y| *y > a.baseline - a.size() / 4 && *y < b.baseline - b.size() / 4);
    let ruled = lines.windows(2).filter(|w| between(w[0], w[1])).count();
    // Where rows begin with a capital or a number, a line all of whose cells begin with small letters goes on with the last.
    let is_first = |l: &&&Line<'_>| l.cells.first().is_some_and(|c| c.x < firsts);
    let (small, all) =
        (lines.iter().filter(is_first).filter(|l| goes_on_in_small_letters(l)).count(), lines.iter().filter(is_first).count());
    let capitals = small * 2 <= all;
    let mut starts = vec![true];
    for (index, pair) in lines.windows(2).enumerate() {
        let (a, b) = (pair[0], pair[1]);
        let opens_first = b.cells.first().is_some_and(|c| c.x < firsts);
        let same_line = steps[index] <= b.size() / 2;
        // Shading often leaves the header and the first row alike: the weight tells them.
        let below_header = a.cells.iter().all(|c| c.bold) && !b.cells.iter().all(|c| c.bold) && opens_first;
        starts.push(if index == 0 && spans(a, b) {
            true
        } else if same_line || a.row.is_some() && a.row == b.row {
            false
        } else if (a.row.is_some() && b.row.is_some()) || below_header {
            true
        } else if ruled * 3 >= lines.len().min(6) && ruled > 1 {
            between(a, b)
        } else if spaced * 5 >= steps.len() {
            wider(steps[index])
        } else {
            opens_first && !(capitals && goes_on_in_small_letters(b))
        });
    }
    starts
}

#[cfg(test)]
#[path = "tables_tests.rs"]
mod tests;
