//! Pieces: runs of glyphs on one baseline without a wide gap, put together by geometry where the stream breaks them.
//! Knows nothing of words or columns.

use super::cells::Edges;
use crate::document::page_text::Visibility;
use crate::document::pdf::glyph::{Glyph, PageGlyphs};

/// A gap wider than an em is more than a word space, even in a loosely justified line.
const WIDE_GAP: i32 = 100;
/// A word space is a quarter of an em; twice that, where the pen was moved, is the space between cells of a table.
const CELL_GAP: i32 = 50;
/// Sub- and superscripts are set at three quarters of the size or less, and shifted by half an em at most.
const SCRIPT_SIZE: i32 = 85;
const SCRIPT_SHIFT: i32 = 55;
/// Letters of one line share a baseline; a twentieth of an em is rounding.
const SAME_BASELINE: i32 = 12;

/// What is shorter than a word is a marker or an initial: its text belongs to it.
const MIN_CELL: usize = 3;

/// Room that a piece begins with: a line of running text has some sixty letters, and a page may have a piece for every letter.
const ROOM: usize = 16;

/// A run of glyphs on one baseline, left to right.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Indices into `PageGlyphs::glyphs`, ascending by x; spaces are not among them.
    pub glyphs: Vec<u32>,
    /// Whether a space glyph stood before the glyph.
    pub spaced: Vec<bool>,
    pub x: i32,
    pub right: i32,
    pub baseline: i32,
    /// The size of most of its glyphs.
    pub size: i32,
    pub rotation: u16,
    pub visibility: Visibility,
    /// Place in the stream.
    pub rank: usize,
}

impl Piece {
    pub fn width(&self) -> i32 {
        self.right - self.x
    }

    pub fn top(&self) -> i32 {
        self.baseline - self.size * 3 / 4
    }

    /// They stand on one line: their baselines differ by less than a third of the smaller em.
    pub fn on_line_with(&self, other: &Self) -> bool {
        (self.baseline - other.baseline).abs() * 3 < self.size.min(other.size)
    }
}

/// Percent of `size`.
pub fn share(size: i32, percent: i32) -> i32 {
    i32::try_from(i64::from(size) * i64::from(percent) / 100).unwrap_or(i32::MAX)
}

/// The pieces of a page in stream order.
pub fn collect(page: &PageGlyphs) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut open: Option<Piece> = None;
    let mut space = false;
    for (i, glyph) in page.glyphs.iter().enumerate() {
        if glyph.space {
            space = true;
            continue;
        }
        if glyph.start == glyph.end {
            // Text of its own it has none (an ActualText neighbour has it): it only widens.
            if let Some(piece) = open.as_mut().filter(|p| continues(p, page, glyph)) {
                piece.right = piece.right.max(glyph.right);
            }
            continue;
        }
        let index = u32::try_from(i).unwrap_or(u32::MAX);
        match open.as_mut() {
            Some(piece) if continues(piece, page, glyph) && !is_cell(piece, glyph, space) => {
                if !repeats(page, piece, glyph) {
                    piece.glyphs.push(index);
                    piece.spaced.push(space);
                    piece.right = piece.right.max(glyph.right);
                }
            }
            _ => {
                out.extend(open.take());
                open = Some(Piece {
                    glyphs: begun(index),
                    spaced: begun(false),
                    x: glyph.x,
                    right: glyph.right,
                    baseline: glyph.baseline,
                    size: glyph.size,
                    rotation: glyph.rotation,
                    visibility: glyph.visibility,
                    rank: out.len(),
                });
            }
        }
        space = false;
    }
    out.extend(open);
    for piece in &mut out {
        settle(page, piece);
    }
    let edges = Edges::of(&out);
    let out = part_cells(page, out, &edges);
    join_neighbours(page, out, &edges)
}

/// A list of what the letters of a piece have, with its first item and room for some more.
fn begun<T>(first: T) -> Vec<T> {
    let mut list = Vec::with_capacity(ROOM);
    list.push(first);
    list
}

/// Parts pieces where the stream moved the pen to the left edge of a column of cells.
fn part_cells(page: &PageGlyphs, pieces: Vec<Piece>, edges: &Edges) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    for mut piece in pieces {
        let glyph = |i: u32| page.glyphs.get(i as usize);
        let moved = |k: &usize| {
            let begins = glyph(piece.glyphs[*k]).filter(|g| g.moved && g.baseline == piece.baseline);
            let gap = |g: &Glyph| glyph(piece.glyphs[*k - 1]).map_or(0, |before| g.x - before.right);
            begins.is_some_and(|g| !piece.spaced[*k] && edges.is_column(g.x, g.baseline, g.size, gap(g)))
        };
        let cut = if piece.rotation == 0 { (MIN_CELL..piece.glyphs.len()).find(moved) } else { None };
        let Some(cut) = cut else {
            piece.rank = out.len();
            out.push(piece);
            continue;
        };
        let mut rest = piece.clone();
        (rest.glyphs, rest.spaced) = (piece.glyphs.split_off(cut), piece.spaced.split_off(cut));
        let rights = |p: &Piece| p.glyphs.iter().filter_map(|i| glyph(*i)).map(|g| g.right).max();
        (piece.right, rest.right) = (rights(&piece).unwrap_or(piece.right), rights(&rest).unwrap_or(rest.right));
        rest.x = glyph(rest.glyphs[0]).map_or(rest.x, |g| g.x);
        for mut part in [piece, rest] {
            part.rank = out.len();
            settle(page, &mut part);
            out.push(part);
        }
    }
    out
}

/// `glyph` goes on where `piece` ends.
fn continues(piece: &Piece, page: &PageGlyphs, glyph: &Glyph) -> bool {
    if piece.rotation != glyph.rotation || piece.visibility != glyph.visibility {
        return false;
    }
    let last = piece.glyphs.last().and_then(|i| page.glyphs.get(*i as usize));
    let Some(last) = last else { return false };
    let em = last.size.max(glyph.size);
    let gap = glyph.x - piece.right.max(last.right);
    if gap > share(em, WIDE_GAP) || glyph.x < last.x - share(em, 20) || gap < -share(em, 60) {
        return false;
    }
    let shift = (glyph.baseline - last.baseline).abs();
    if shift <= share(em, SAME_BASELINE) {
        return true;
    }
    let small = last.size.min(glyph.size);
    let to_base = (glyph.baseline - piece.baseline).abs() <= share(em, SAME_BASELINE);
    (small <= share(em, SCRIPT_SIZE) || to_base) && shift <= share(em, SCRIPT_SHIFT) && gap < share(em, 40)
}

/// `glyph` begins a cell of its own: the stream moved the pen there, without a space, by more than a word space.
fn is_cell(piece: &Piece, glyph: &Glyph, space: bool) -> bool {
    glyph.moved && !space && glyph.x - piece.right > share(glyph.size, CELL_GAP)
}

/// The same letter drawn again a hair aside: a poor man's bold.
fn repeats(page: &PageGlyphs, piece: &Piece, glyph: &Glyph) -> bool {
    piece.glyphs.iter().rev().take(3).filter_map(|i| page.glyphs.get(*i as usize)).any(|g| {
        (g.x - glyph.x).abs() < share(g.size, 10)
            && (g.right - glyph.right).abs() < share(g.size, 10)
            && page.text_of(g) == page.text_of(glyph)
    })
}

/// Size and baseline of most of the glyphs.
fn settle(page: &PageGlyphs, piece: &mut Piece) {
    let glyphs = || piece.glyphs.iter().filter_map(|i| page.glyphs.get(*i as usize));
    let mut votes: Vec<((i32, i32), usize)> = Vec::new();
    for g in glyphs() {
        match votes.iter_mut().find(|(key, _)| *key == (g.size, g.baseline)) {
            Some((_, n)) => *n += 1,
            None => votes.push(((g.size, g.baseline), 1)),
        }
    }
    if let Some(((size, baseline), _)) = votes.iter().max_by_key(|((size, _), n)| (*n, *size)) {
        (piece.size, piece.baseline) = (*size, *baseline);
    }
}

/// Joins pieces that touch on one baseline though the stream draws them apart, and drops what is drawn twice.
fn join_neighbours(page: &PageGlyphs, pieces: Vec<Piece>, edges: &Edges) -> Vec<Piece> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by_key(|i| {
        let p = &pieces[*i];
        (p.rotation, visibility_rank(p.visibility), p.baseline, p.x, p.rank)
    });
    let mut slots: Vec<Option<Piece>> = pieces.into_iter().map(Some).collect();
    let mut last: Option<usize> = None;
    for i in order {
        let Some(piece) = slots[i].take() else { continue };
        let joined = match last.and_then(|l| slots[l].as_mut()) {
            Some(before) => join(page, before, &piece, edges),
            None => false,
        };
        if !joined {
            slots[i] = Some(piece);
            last = Some(i);
        }
    }
    let mut out: Vec<Piece> = slots.into_iter().flatten().collect();
    out.sort_by_key(|p| p.rank);
    out
}

pub fn visibility_rank(v: Visibility) -> u8 {
    match v {
        Visibility::Visible => 0,
        Visibility::Invisible => 1,
        Visibility::SameAsGround => 2,
        Visibility::OffPage => 3,
    }
}

/// Appends `piece` to `before` if it goes on there; `true` if it did, or repeats it.
fn join(page: &PageGlyphs, before: &mut Piece, piece: &Piece, edges: &Edges) -> bool {
    let em = before.size.max(piece.size);
    // A letter as high as two lines hangs beside them; which of them it begins is not told by its baseline.
    let alike = before.size.max(piece.size) * 10 < before.size.min(piece.size) * 18;
    let same = alike
        && before.rotation == piece.rotation
        && before.visibility == piece.visibility
        && (before.baseline - piece.baseline).abs() <= share(em, SAME_BASELINE);
    if !same {
        return false;
    }
    if (before.x - piece.x).abs() < share(em, 10)
        && (before.right - piece.right).abs() < share(em, 10)
        && text(page, before) == text(page, piece)
    {
        return true;
    }
    let gap = piece.x - before.right;
    if gap > share(em, CELL_GAP) || gap < -share(em, 15) {
        return false;
    }
    let begins_cell = page.glyphs.get(piece.glyphs[0] as usize).is_some_and(|g| g.moved);
    if begins_cell && before.glyphs.len() >= MIN_CELL && edges.is_column(piece.x, piece.baseline, piece.size, gap) {
        return false;
    }
    let next = before.rank + 1 == piece.rank;
    before.glyphs.extend(&piece.glyphs);
    before.spaced.extend(&piece.spaced);
    let at = before.glyphs.len() - piece.glyphs.len();
    before.spaced[at] = !next && gap > share(em, 8);
    before.right = before.right.max(piece.right);
    before.rank = before.rank.min(piece.rank);
    if piece.glyphs.len() * 2 > before.glyphs.len() {
        before.size = piece.size;
    }
    true
}

fn text(page: &PageGlyphs, piece: &Piece) -> String {
    piece.glyphs.iter().filter_map(|i| page.glyphs.get(*i as usize)).map(|g| page.text_of(g)).collect()
}
