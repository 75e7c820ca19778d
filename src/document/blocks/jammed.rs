//! Cells that touch and were written as one run: within a word no capital or digit follows three small letters, so that where
//! one does, at the left edge of a column of cells, a word too long for its column has run into the next cell.

use super::lines::{Cell, Line};

/// Left edges this close are one, 1/100 pt: programs set the cells of a column at one x.
const SAME_EDGE: i32 = 30;
/// Cells that say where their column begins stand at most this many type sizes away.
const REACH: i32 = 12;
/// Fewer cells that begin at one x are chance, but for one that goes on with the same row.
const MIN_CELLS: usize = 2;
/// The place of a letter within a cell is told by the mean width of its letters: good to three fifths of an em.
const DOUBT_PERCENT: i32 = 60;
/// Names such as `McAlister` have fewer small letters before the capital.
const SMALL_LETTERS: usize = 3;

/// Parts the cells of `lines`, those of one page in reading order, that run into the next column.
pub fn part(lines: &mut [Line<'_>]) {
    if lines.iter().all(|l| l.cells.len() < 2) {
        return;
    }
    for at in 0..lines.len() {
        let mut parted = Vec::new();
        for (index, cell) in lines[at].cells.iter().enumerate() {
            let edge = seam(&cell.text).and_then(|seam| Some((seam, column_near(lines, at, cell, seam)?)));
            parted.extend(edge.map(|(seam, x)| (index, seam, x)));
        }
        for (index, seam, x) in parted.into_iter().rev() {
            split(&mut lines[at], index, seam, x);
        }
    }
}

/// Byte offset of the first capital or digit that follows small letters, with or without a comma between them.
fn seam(text: &str) -> Option<usize> {
    let mut small = 0;
    let mut comma = false;
    for (at, c) in text.char_indices() {
        if small >= SMALL_LETTERS && (c.is_uppercase() || c.is_ascii_digit()) {
            return Some(at);
        }
        comma = c == ',' && !comma && small >= SMALL_LETTERS;
        small = if c.is_lowercase() { small + 1 } else { small * usize::from(comma) };
    }
    None
}

/// Where a column of cells begins, if one does about where the letter at `seam` of `cell` stands.
fn column_near(lines: &[Line<'_>], at: usize, cell: &Cell, seam: usize) -> Option<i32> {
    let line = &lines[at];
    let chars = |text: &str| i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let before = i64::from(cell.right - cell.x) * chars(&cell.text[..seam]) / chars(&cell.text).max(1);
    let guess = cell.x + i32::try_from(before).unwrap_or(0);
    let near = |l: &&Line<'_>| {
        l.region == line.region && l.is_plain() && (l.baseline - line.baseline).abs() <= line.size().saturating_mul(REACH)
    };
    let around = lines[..at].iter().rev().take_while(near).chain(lines[at + 1..].iter().take_while(near));
    let starts: Vec<(i32, bool)> = around
        .filter(|l| l.baseline != line.baseline)
        .flat_map(|l| l.cells.iter().map(|c| (c.x, line.row.is_some() && l.row == line.row)))
        .filter(|(x, _)| (x - guess).abs() * 100 <= line.size() * DOUBT_PERCENT)
        .collect();
    let alike = |x: i32| starts.iter().filter(move |s| (s.0 - x).abs() <= SAME_EDGE);
    let best = starts.iter().max_by_key(|s| (alike(s.0).count(), std::cmp::Reverse(s.0)))?.0;
    let is_column = alike(best).count() >= MIN_CELLS || alike(best).any(|s| s.1);
    // What begins where the cell itself does is the cell's own column.
    (is_column && best > cell.x + line.size()).then_some(best)
}

fn split(line: &mut Line<'_>, index: usize, seam: usize, x: i32) {
    let cell = &mut line.cells[index];
    let rest = Cell { x, right: cell.right.max(x + 1), text: cell.text.split_off(seam), bold: cell.bold };
    cell.right = cell.right.min(x);
    line.cells.insert(index + 1, rest);
    let before: usize = line.cells[..=index].iter().map(|c| c.text.chars().count() + 1).sum();
    line.bold_start += usize::from(line.bold_start >= before);
    line.text = line.cells.iter().map(|c| c.text.as_str()).collect::<Vec<_>>().join(" ");
}

#[cfg(test)]
mod tests {
    use super::seam;
    use crate::document::blocks::lines::{of_page, tests::page};

    #[test]
    fn a_capital_or_digit_behind_small_letters_is_a_seam() {
        assert_eq!(seam("Companion3"), Some(9));
        assert_eq!(seam("Specialist,2"), Some(11));
        assert_eq!(seam("SuperficialMinor"), Some(11));
        assert_eq!(["McAlister", "1d8 Slashing", "one, Two", "a 2d6", "SRD 5.2"].map(seam), [None; 5]);
    }

    #[test]
    fn a_word_that_runs_into_the_next_cell_ends_where_the_column_begins() {
        let row = |y, first: &'static str, second: &'static str| (y, [(5000, 2500, 0, first), (10000, 900, 0, second)]);
        let rows = [row(10000, "Magus", "5"), row(11400, "Noble", "4")];
        let mut lines: Vec<(i32, &[_])> = rows.iter().map(|(y, spans)| (*y, spans.as_slice())).collect();
        lines.push((12800, &[(5000, 5400, 0, "Companion3")]));
        let text = page(&lines);
        let cells: Vec<Vec<String>> =
            of_page(1, &text).iter().map(|l| l.cells.iter().map(|c| c.text.clone()).collect()).collect();
        assert_eq!(cells[2], ["Companion", "3"]);
        // Away from the column it is a word like any other.
        lines[2] = (12800, &[(5000, 4000, 0, "TheoryBook")]);
        let text = page(&lines);
        assert_eq!(of_page(1, &text)[2].cells.len(), 1);
    }
}
