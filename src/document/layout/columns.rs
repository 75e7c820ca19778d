//! Gutters: the white strips between columns, found from where pieces end and begin. Knows nothing of order.

use super::pieces::Piece;

/// A column of fewer lines cannot be told from chance.
const FEW_LINES: i32 = 4;
/// Lines across a gutter (headings, tables) are fewer than this share of the lines of its thinner side, in percent.
const MAX_CROSSING: i32 = 60;
/// No gutter is narrower than 6 pt.
const MIN_GUTTER: i32 = 600;
/// No column of text is narrower than 50 pt: five words of six letters at 8 pt.
const MIN_COLUMN: i32 = 5_000;
/// A folio centred on the page stands below the gutter: three digits of 12 pt are 18 pt wide.
const MAX_FOLIO: i32 = 2_000;
/// Slices that the width is measured in, at most.
const MAX_BINS: i32 = 1_000;

/// A white strip, by its edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gutter {
    pub left: i32,
    pub right: i32,
}

impl Gutter {
    fn middle(self) -> i32 {
        self.left + (self.right - self.left) / 2
    }
}

/// Where a piece stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// In the column of this index, from the left.
    Inside(usize),
    /// Across a gutter.
    Across,
}

/// The column of `piece` between `gutters`.
pub fn column_of(piece: &Piece, gutters: &[Gutter]) -> Column {
    let before = gutters.iter().filter(|g| g.middle() <= piece.x).count();
    let after = gutters.iter().filter(|g| g.middle() < piece.right).count();
    if before == after { Column::Inside(before) } else { Column::Across }
}

/// The gutters of a page, left to right; none if it has one column.
pub fn gutters(pieces: &[Piece]) -> Vec<Gutter> {
    let (Some(from), Some(to)) = (pieces.iter().map(|p| p.x).min(), pieces.iter().map(|p| p.right).max()) else {
        return Vec::new();
    };
    let bin = ((to - from) / MAX_BINS).max(100);
    let profile = Profile::new(pieces, from, to, bin);
    let mut found: Vec<Gutter> = Vec::new();
    let mut i = 0;
    while i < profile.crossing.len() {
        if !profile.may_be_gutter(i) {
            i += 1;
            continue;
        }
        let end = (i..profile.crossing.len()).find(|&k| !profile.may_be_gutter(k)).unwrap_or(profile.crossing.len());
        let folio = usize::try_from(MAX_FOLIO / bin).unwrap_or(0);
        let at = |k: usize| from + bin * i32::try_from(k).unwrap_or(0);
        let wide = |(a, b): (usize, usize)| Some(Gutter { left: at(a), right: at(b) }).filter(|g| g.right - g.left >= MIN_GUTTER);
        // A hyphen that hangs into a narrow gutter, or a folio that stands below it, leaves too little that nothing crosses.
        found.extend((0..=1).find_map(|slack| profile.clearest(i, end, slack, folio).and_then(wide)));
        i = end;
    }
    let kept = keep_columns_of_text(pieces, found.clone(), from, to);
    if !kept.is_empty() {
        return kept;
    }
    found.retain(|g| are_columns_of_rows(pieces, *g, [from, g.left, g.right, to]));
    found.truncate(1);
    found
}

/// Per slice of the width: how many pieces end before it, cross it, begin after it.
struct Profile {
    ended: Vec<i32>,
    crossing: Vec<i32>,
    begun_after: Vec<i32>,
}

impl Profile {
    fn new(pieces: &[Piece], from: i32, to: i32, bin: i32) -> Self {
        let n = usize::try_from((to - from) / bin + 1).unwrap_or(1);
        let slot = |x: i32| usize::try_from((x - from) / bin).unwrap_or(0).min(n - 1);
        let (mut starts, mut ends) = (vec![0; n + 1], vec![0; n + 1]);
        for p in pieces {
            starts[slot(p.x)] += 1;
            ends[slot(p.right) + 1] += 1;
        }
        let total = i32::try_from(pieces.len()).unwrap_or(i32::MAX);
        let (mut ended, mut crossing, mut begun_after) = (vec![0; n], vec![0; n], vec![0; n]);
        let (mut begun, mut done) = (0, 0);
        for i in 0..n {
            begun += starts[i];
            done += ends[i];
            ended[i] = done;
            crossing[i] = begun - done;
            begun_after[i] = total - begun;
        }
        Self { ended, crossing, begun_after }
    }

    fn may_be_gutter(&self, i: usize) -> bool {
        let side = self.ended[i].min(self.begun_after[i]);
        side >= FEW_LINES && self.crossing[i] * 100 <= side * MAX_CROSSING
    }

    /// The longest stretch of `from..to` that the fewest pieces cross, and `slack` more at most, not counting a piece of `folio` slices at most that
    /// stands in the middle of it.
    fn clearest(&self, from: usize, to: usize, slack: i32, folio: usize) -> Option<(usize, usize)> {
        let least = self.crossing.get(from..to)?.iter().min()? + slack;
        let mut best: Option<(usize, usize)> = None;
        let mut before: Option<(usize, usize)> = None;
        let mut i = from;
        while i < to {
            let end = (i..to).find(|&k| self.crossing[k] > least).unwrap_or(to);
            if end > i {
                let lone = |(_, b): &(usize, usize)| i - b <= folio && (*b..i).all(|k| self.crossing[k] == least + 1);
                let start = before.filter(lone).map_or(i, |(a, _)| a);
                if best.is_none_or(|(a, b)| end - start > b - a) {
                    best = Some((start, end));
                }
                before = Some((i, end));
            }
            i = end.max(i) + 1;
        }
        best
    }
}

/// Columns of text are wide, and most of their lines are long; columns of a table are neither.
fn keep_columns_of_text(pieces: &[Piece], mut gutters: Vec<Gutter>, from: i32, to: i32) -> Vec<Gutter> {
    loop {
        let mut edges = vec![from];
        edges.extend(gutters.iter().flat_map(|g| [g.left, g.right]));
        edges.push(to);
        let bad = (0..=gutters.len()).find(|&c| {
            let (left, right) = (edges[c * 2], edges[c * 2 + 1]);
            right - left < MIN_COLUMN || !reads_as_text(pieces, &gutters, c)
        });
        match bad {
            Some(c) if !gutters.is_empty() => {
                // The strip on the side of the narrower neighbour is the less likely gutter.
                let width = |c: usize| edges[c * 2 + 1] - edges[c * 2];
                let drop = if c == 0 {
                    0
                } else if c == gutters.len() || width(c - 1) < width(c + 1) {
                    c - 1
                } else {
                    c
                };
                gutters.remove(drop);
            }
            _ => return gutters,
        }
    }
}

/// Columns of a page are as wide as each other, within this share in percent.
const SAME_WIDTH: i32 = 85;
/// Lines of one column that stand on a baseline of the other, at most, in percent: cells of a row all do, and of lines of two
/// columns with headings and tables of their own few do.
const MAX_SHARED: usize = 60;
/// Baselines this close are one, 1/100 pt.
const SAME_BASELINE: i32 = 30;

/// Fewer rows cannot tell a baseline of their own from chance.
const MIN_ROWS: usize = 8;

/// Whether `gutter` parts two columns of a page that hold tables, whose cells are short: both are as wide, the printed rows
/// of each are long, and they keep baselines of their own.
fn are_columns_of_rows(pieces: &[Piece], gutter: Gutter, [from, left, right, to]: [i32; 4]) -> bool {
    let (widths, wider) = ((left - from).min(to - right), (left - from).max(to - right));
    if i64::from(widths) * 100 < i64::from(wider) * i64::from(SAME_WIDTH) {
        return false;
    }
    let rows = |column: usize| {
        let mut inside: Vec<&Piece> = pieces.iter().filter(|p| column_of(p, &[gutter]) == Column::Inside(column)).collect();
        inside.sort_by_key(|p| (p.baseline, p.x));
        let mut rows: Vec<(i32, i32, i32)> = Vec::new();
        for p in inside {
            match rows.last_mut() {
                Some(row) if p.baseline - row.0 <= SAME_BASELINE => (row.1, row.2) = (row.1.min(p.x), row.2.max(p.right)),
                _ => rows.push((p.baseline, p.x, p.right)),
            }
        }
        rows
    };
    let (here, there) = (rows(0), rows(1));
    let long = |rows: &[(i32, i32, i32)]| {
        let n = rows.iter().filter(|r| i64::from(r.2 - r.1) * 10 >= i64::from(widths) * 6).count();
        n * 10 >= rows.len() * 3
    };
    let (few, many) = if here.len() < there.len() { (&here, &there) } else { (&there, &here) };
    let shared = few.iter().filter(|r| {
        let at = many.partition_point(|m| m.0 < r.0 - SAME_BASELINE);
        many.get(at).is_some_and(|m| m.0 <= r.0 + SAME_BASELINE)
    });
    few.len() >= MIN_ROWS && long(&here) && long(&there) && shared.count() * 100 <= few.len() * MAX_SHARED
}

fn reads_as_text(pieces: &[Piece], gutters: &[Gutter], column: usize) -> bool {
    let inside: Vec<&Piece> = pieces.iter().filter(|p| column_of(p, gutters) == Column::Inside(column)).collect();
    let (Some(left), Some(right)) = (inside.iter().map(|p| p.x).min(), inside.iter().map(|p| p.right).max()) else {
        return false;
    };
    let long = inside.iter().filter(|p| p.width() * 10 >= (right - left) * 6).count();
    long * 10 >= inside.len() * 3
}
