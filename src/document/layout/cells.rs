//! Cells that touch: where a column of a table is so narrow that the text of one cell reaches the next, no gap parts them, but
//! the left edge that the cells above and below begin at does.

use super::pieces::{Piece, share};

/// Left edges this close are one, 1/100 pt: programs set the cells of a column at one x.
const SAME_EDGE: i32 = 30;
/// Cells of a table that say where its column begins stand at most this many type sizes away.
const REACH: i32 = 12;
/// Fewer cells that begin at one x are chance.
const MIN_CELLS: usize = 3;
/// White space before a cell that stands clear of the one to its left: half an em, more than a word space.
const CLEAR_GAP: i32 = 50;
/// Letters of one word stand closer.
const WORD_GAP: i32 = 12;
/// Letters that belong together overlap by kerning, less than this.
const OVERLAP: i32 = 60;

/// Where pieces begin that stand clear of what is to their left, sorted.
pub struct Edges {
    /// x, baseline, and whether something is printed to the left on the same line.
    starts: Vec<(i32, i32, bool)>,
}

impl Edges {
    pub fn of(pieces: &[Piece]) -> Self {
        let mut order: Vec<&Piece> = pieces.iter().filter(|p| p.rotation == 0).collect();
        order.sort_by_key(|p| (p.baseline, p.x, p.rank));
        let mut starts = Vec::new();
        for row in order.chunk_by(|a, b| a.baseline == b.baseline) {
            let mut reached: Option<i32> = None;
            for piece in row {
                // What begins well inside the text before it is no word of the same line of text: the cell there overflows.
                let apart =
                    |right| piece.x - right > share(piece.size, CLEAR_GAP) || right - piece.x > share(piece.size, OVERLAP);
                if reached.is_none_or(apart) {
                    starts.push((piece.x, piece.baseline, reached.is_some()));
                }
                reached = Some(reached.map_or(piece.right, |right| right.max(piece.right)));
            }
        }
        starts.sort_unstable();
        Self { starts }
    }

    /// Whether a column of cells begins at `x`, near `baseline`; text there, behind white as wide as `gap`, is a cell like any
    /// other if it does not touch what is before it.
    pub fn is_column(&self, x: i32, baseline: i32, size: i32, gap: i32) -> bool {
        let from = self.starts.partition_point(|s| s.0 < x - SAME_EDGE);
        let near = self.starts[from..]
            .iter()
            .take_while(|s| s.0 <= x + SAME_EDGE)
            .filter(|s| s.1 != baseline && (s.1 - baseline).abs() <= size.saturating_mul(REACH));
        let (mut cells, mut beside) = (0, 0);
        for start in near {
            cells += 1;
            beside += usize::from(start.2);
        }
        cells + usize::from(gap > share(size, WORD_GAP)) >= MIN_CELLS && beside * 2 >= MIN_CELLS
    }
}
