//! Reading order: that of the stream, unless it demonstrably jumps: to and fro across a gutter, or up
//! and not to the right. Then
//! columns are read one after the other, between what stands across them. Knows nothing of what lines mean.

use super::columns::{Column, Gutter, column_of, gutters};
use super::pieces::{Piece, share, visibility_rank};
use crate::document::page_text::Visibility;

/// A piece and the region that it belongs to.
pub struct Placed {
    pub piece: Piece,
    pub region: u16,
}

/// `pieces` in reading order with their regions. What is not upright, or not seen, comes after the rest.
pub fn reading_order(pieces: Vec<Piece>) -> Vec<Placed> {
    let (seen, mut rest): (Vec<Piece>, Vec<Piece>) =
        pieces.into_iter().partition(|p| p.visibility == Visibility::Visible && p.rotation == 0);
    let gutters = gutters(&seen);
    let mut out = if jumps(&seen, &gutters) { by_geometry(seen, &gutters) } else { by_stream(seen, &gutters) };
    rest.sort_by_key(|p| (visibility_rank(p.visibility), p.rank));
    let mut region = out.last().map_or(0, |p| p.region);
    let mut last: Option<(Visibility, u16)> = None;
    for piece in rest {
        let key = (piece.visibility, piece.rotation);
        if last != Some(key) {
            region = region.saturating_add(u16::from(last.is_some() || !out.is_empty()));
            last = Some(key);
        }
        out.push(Placed { piece, region });
    }
    out
}

/// Jumps of a stream that is drawn in reading order are few: to the next column, to a sidebar, to the folio.
const FEW_JUMPS: usize = 4;

/// The stream does not go in reading order.
fn jumps(pieces: &[Piece], gutters: &[Gutter]) -> bool {
    let mut up_back = 0;
    let mut crossings = 0;
    for pair in pieces.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        let up = a.baseline - b.baseline > a.size.max(b.size) / 2;
        up_back += usize::from(up && b.x < a.right);
        if let (Column::Inside(from), Column::Inside(to)) = (column_of(a, gutters), column_of(b, gutters)) {
            crossings += usize::from(from != to);
        }
    }
    let n = pieces.len();
    // A random order goes up, and not to the right, at every third step; careless ones cross a gutter at every second line.
    (up_back > FEW_JUMPS && up_back * 6 > n) || (crossings > FEW_JUMPS && crossings * 3 > n)
}

/// A cell of a row that stands across the columns: its next line may stand within one of them.
struct Cell {
    x: i32,
    /// Where the next cell of its row begins.
    end: i32,
    baseline: i32,
    size: i32,
}

impl Cell {
    fn of(piece: &Piece) -> Self {
        Self { x: piece.x, end: i32::MAX, baseline: piece.baseline, size: piece.size }
    }

    /// Adds `piece` to the cells of its row, left to right.
    fn push(cells: &mut Vec<Self>, piece: &Piece) {
        if let Some(last) = cells.last_mut() {
            last.end = piece.x;
        }
        cells.push(Self::of(piece));
    }

    /// Whether `piece` is the next line of one of `cells`: it begins at its left edge, a line's step down, in its type, and ends
    /// before the next cell. Text below a single piece goes on with nothing: it stands in a column below a heading.
    fn goes_on(cells: &mut [Self], piece: &Piece) -> bool {
        let wraps = |cell: &&mut Self| {
            let step = piece.baseline - cell.baseline;
            (piece.x - cell.x).abs() <= SAME_EDGE
                && piece.size == cell.size
                && piece.right <= cell.end
                && (1..=share(cell.size, WRAPPED_STEP)).contains(&step)
        };
        let cell = if cells.len() > 1 { cells.iter_mut().find(wraps) } else { None };
        cell.map(|cell| cell.baseline = piece.baseline).is_some()
    }
}

/// Left edges this close are one, 1/100 pt.
const SAME_EDGE: i32 = 30;
/// Lines of a cell stand at most this far apart, in percent of their size.
const WRAPPED_STEP: i32 = 150;

/// Columns one after the other, between rows that stand across them.
fn by_geometry(pieces: Vec<Piece>, gutters: &[Gutter]) -> Vec<Placed> {
    let mut out = Vec::with_capacity(pieces.len());
    let mut columns: Vec<Vec<Piece>> = vec![Vec::new(); gutters.len() + 1];
    let mut region: u16 = 0;
    let mut across_open = false;
    // The cells of the row across the columns that may go on below it.
    let mut cells: Vec<Cell> = Vec::new();
    for row in rows(pieces) {
        let mut across = row.iter().any(|p| column_of(p, gutters) == Column::Across);
        if across {
            cells.clear();
            row.iter().for_each(|p| Cell::push(&mut cells, p));
        } else {
            across = row.iter().all(|p| Cell::goes_on(&mut cells, p));
            cells.truncate(if across { cells.len() } else { 0 });
        }
        if across {
            flush(&mut columns, &mut out, &mut region);
            region = region.saturating_add(u16::from(!across_open && !out.is_empty()));
            out.extend(row.into_iter().map(|piece| Placed { piece, region }));
        } else {
            for piece in row {
                if let Column::Inside(c) = column_of(&piece, gutters) {
                    columns[c].push(piece);
                }
            }
        }
        across_open = across;
    }
    flush(&mut columns, &mut out, &mut region);
    out
}

fn flush(columns: &mut [Vec<Piece>], out: &mut Vec<Placed>, region: &mut u16) {
    for column in columns.iter_mut().filter(|c| !c.is_empty()) {
        *region = region.saturating_add(u16::from(!out.is_empty()));
        for row in rows(std::mem::take(column)) {
            out.extend(row.into_iter().map(|piece| Placed { piece, region: *region }));
        }
    }
}

/// Rows of pieces from the top down, each left to right.
fn rows(mut pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    pieces.sort_by_key(|p| (p.baseline, p.x, p.rank));
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    for piece in pieces {
        match rows.last_mut() {
            Some(row) if row.iter().all(|p| p.on_line_with(&piece)) => row.push(piece),
            _ => rows.push(vec![piece]),
        }
    }
    for row in &mut rows {
        row.sort_by_key(|p| (p.x, p.rank));
    }
    rows
}

/// The stream's order; regions by column.
fn by_stream(mut pieces: Vec<Piece>, gutters: &[Gutter]) -> Vec<Placed> {
    pieces.sort_by_key(|p| p.rank);
    let mut columns: Vec<Column> = pieces.iter().map(|p| column_of(p, gutters)).collect();
    // A row that goes on to the right across a gutter is one row: a table as wide as the page.
    for i in 1..pieces.len() {
        let (a, b) = (&pieces[i - 1], &pieces[i]);
        if columns[i - 1] != columns[i] && a.on_line_with(b) && b.x >= a.right {
            columns[i] = Column::Across;
            let back = (0..i).rev().take_while(|&k| pieces[k].on_line_with(&pieces[i])).collect::<Vec<_>>();
            for k in back {
                columns[k] = Column::Across;
            }
        }
    }
    // So are the lines of its wrapped cells.
    let mut cells: Vec<Cell> = Vec::new();
    for (piece, column) in pieces.iter().zip(&mut columns) {
        if *column != Column::Across {
            if Cell::goes_on(&mut cells, piece) {
                *column = Column::Across;
            } else {
                cells.clear();
            }
        } else {
            if cells.last().is_none_or(|last| last.baseline != piece.baseline || piece.x < last.x) {
                cells.clear();
            }
            Cell::push(&mut cells, piece);
        }
    }
    let mut out: Vec<Placed> = Vec::with_capacity(pieces.len());
    let mut region: u16 = 0;
    let mut extent: Option<(i32, i32)> = None;
    for (i, piece) in pieces.into_iter().enumerate() {
        if let (Some(last), Some((left, right))) = (out.last(), extent) {
            let leaps = last.piece.baseline - piece.baseline > 3 * last.piece.size.max(piece.size);
            let aside = piece.x > right - share(piece.size, 50) || piece.right < left;
            if columns[i] != columns[i - 1] || (leaps && aside) {
                region = region.saturating_add(1);
                extent = None;
            }
        }
        let (left, right) = extent.unwrap_or((piece.x, piece.right));
        extent = Some((left.min(piece.x), right.max(piece.right)));
        out.push(Placed { piece, region });
    }
    out
}
