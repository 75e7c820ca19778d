//! Rows out of cells: layout programs write a table cell by cell, so that reading order jumps back up to the right within a
//! row. Here such lines are put together again as lines of cells, and lines of one row share a number.

use super::lines::Line;

/// A cell of more lines is a column of text, at this many type sizes a line.
const TALLEST_ROW: i32 = 13;
/// Baselines this close are one printed line, 1/100 pt.
const SAME_BASELINE: i32 = 120;
/// Lines of this many code points, three or more side by side, are prose in columns.
const PROSE_CHARS: usize = 30;

/// The lines of a page with the cells of each row put together.
#[must_use]
pub fn reassembled(lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    let mut out: Vec<Line<'_>> = Vec::with_capacity(lines.len());
    let mut number = 0;
    let mut rest = lines.into_iter().peekable();
    while let Some(line) = rest.next() {
        let start = out.last().filter(|last| jumps(last, &line)).map(|_| row_start(&out, &line)).filter(|at| *at < out.len());
        let Some(start) = start else {
            out.push(line);
            continue;
        };
        let (mut cell_x, mut last) = (line.rect.x, line.baseline);
        let left = out.len();
        let floor = out[start..].iter().map(|l| l.baseline).max().unwrap_or(last);
        let right = out[start..].iter().map(|l| l.rect.right()).max().unwrap_or(0);
        out.push(line);
        while let Some(next) = rest.next_if(|next| stays(out.last(), next, cell_x, last, floor, right)) {
            if next.baseline < last - SAME_BASELINE || next.rect.x > cell_x + next.size() * 3 {
                cell_x = next.rect.x;
            }
            last = next.baseline;
            out.push(next);
        }
        let is_prose = |lines: &[Line<'_>]| {
            lines.len() >= 3 && lines.iter().filter(|l| l.chars() >= PROSE_CHARS).count() * 3 >= lines.len() * 2
        };
        if !(is_prose(&out[start..left]) && is_prose(&out[left..])) {
            number += 1;
            let group: Vec<Line<'_>> = out.drain(start..).collect();
            out.extend(merged(group, number));
        }
    }
    out
}

/// Whether `line` lies above `before` and to its right, by no more than a row's height.
fn jumps(before: &Line<'_>, line: &Line<'_>) -> bool {
    let up = before.baseline - line.baseline;
    before.is_plain()
        && line.is_plain()
        && up > SAME_BASELINE
        && up <= line.size() * TALLEST_ROW
        && (line.rect.x >= before.rect.right() || overflows(before, line))
}

/// A word too long for its narrow cell reaches into the next column by a letter or two: the next cell begins right of where
/// `before` does, and less than an em before its end.
fn overflows(before: &Line<'_>, next: &Line<'_>) -> bool {
    next.rect.x >= before.rect.x + before.size() && next.rect.x >= before.rect.right() - before.size()
}

/// The first line of the cell that ends `lines`: those from the height of `line` down, left of it.
fn row_start(lines: &[Line<'_>], line: &Line<'_>) -> usize {
    let mut start = lines.len();
    let mut below = i32::MAX;
    while let Some(l) = start.checked_sub(1).map(|at| &lines[at]) {
        let beside =
            l.is_plain() && l.region == line.region && l.baseline >= line.baseline - SAME_BASELINE && l.rect.x < line.rect.x;
        if !beside || l.baseline > below || l.row.is_some() {
            break;
        }
        below = l.baseline;
        start -= 1;
    }
    start
}

/// Whether `next` belongs to the row: further down in its cell, or up and right in a further one.
fn stays(before: Option<&Line<'_>>, next: &Line<'_>, cell_x: i32, last: i32, floor: i32, right: i32) -> bool {
    let Some(before) = before else { return false };
    let step = next.baseline - last;
    if !next.is_plain() || next.region != before.region {
        false
    } else if step < -SAME_BASELINE {
        jumps(before, next)
    } else {
        // Below the cells to its left, only text that keeps clear of them is still the same cell.
        step <= next.size() * 16 / 10
            && next.rect.x >= cell_x - next.size() / 2
            && (next.baseline <= floor + next.size() || next.rect.x >= right - next.size())
    }
}

/// The lines of a row, those of one baseline as one.
fn merged(mut group: Vec<Line<'_>>, row: u32) -> Vec<Line<'_>> {
    group.sort_by_key(|l| (l.baseline, l.rect.x));
    let mut out: Vec<Line<'_>> = Vec::new();
    for line in group {
        match out.last_mut() {
            Some(last) if line.baseline - last.baseline <= SAME_BASELINE => join(last, line),
            _ => out.push(line),
        }
        if let Some(last) = out.last_mut() {
            last.row = Some(row);
        }
    }
    out
}

fn join<'a>(line: &mut Line<'a>, other: Line<'a>) {
    if other.chars() > line.chars() {
        line.font = other.font;
    }
    if other.rect.x < line.rect.x {
        (line.source, line.bold_start) = (other.source, other.bold_start);
    }
    line.cells.extend(other.cells);
    line.cells.sort_by_key(|c| c.x);
    line.text = line.cells.iter().map(|c| c.text.as_str()).collect::<Vec<_>>().join(" ");
    line.rect = line.rect.union(&other.rect);
}

#[cfg(test)]
mod tests {
    use crate::document::blocks::lines::{of_page, tests::page};

    #[test]
    fn cells_written_one_after_the_other_become_lines_of_a_row() {
        let text = page(&[
            (10000, &[(5000, 1500, 0, "Mountains,")]),
            (11200, &[(5000, 1500, 0, "jungles")]),
            (10000, &[(15000, 1500, 0, "+2")]),
            (11200, &[(15000, 1500, 0, "Watches")]),
            (13000, &[(5000, 1500, 0, "Plains")]),
        ]);
        let lines = of_page(1, &text);
        assert_eq!(lines.iter().map(|l| l.text.as_str()).collect::<Vec<_>>(), ["Mountains, +2", "jungles Watches", "Plains"]);
        assert_eq!(lines.iter().map(|l| l.row).collect::<Vec<_>>(), [Some(1), Some(1), None]);
    }

    #[test]
    fn a_cell_that_reaches_into_the_next_one_is_still_of_its_row() {
        let text = page(&[
            (10000, &[(5000, 2500, 0, "Specialist,")]),
            (11200, &[(5000, 3200, 0, "Craftsman")]),
            (10000, &[(8000, 400, 0, "2")]),
            (13000, &[(5000, 1500, 0, "Horse")]),
        ]);
        let lines = of_page(1, &text);
        assert_eq!(lines.iter().map(|l| l.text.as_str()).collect::<Vec<_>>(), ["Specialist, 2", "Craftsman", "Horse"]);
    }
}
