//! Drop capitals: a large letter hangs beside the lines whose first word it begins.

use super::pieces::{Piece, share};
use crate::document::pdf::glyph::PageGlyphs;

/// Drop capitals are two lines high or more.
const INITIAL_SIZE: i32 = 180;
/// White between an initial and its line, at most, in percent of the line's size.
const INITIAL_GAP: i32 = 80;

/// Puts drop capitals at the head of the line whose first word they begin.
pub fn join(page: &PageGlyphs, mut pieces: Vec<Piece>) -> Vec<Piece> {
    let initials: Vec<usize> = (0..pieces.len()).filter(|&i| is_letter(page, &pieces[i])).collect();
    let mut gone = Vec::new();
    for i in initials {
        let host = (0..pieces.len()).filter(|&k| k != i && begins(&pieces[i], &pieces[k]));
        let Some(host) = host.min_by_key(|&k| (pieces[k].baseline, pieces[k].x)) else { continue };
        let initial = pieces[i].clone();
        let host = &mut pieces[host];
        let spaced: Vec<bool> = initial.spaced.iter().copied().chain(host.spaced.iter().copied()).collect();
        host.glyphs.splice(0..0, initial.glyphs);
        host.spaced = spaced;
        host.x = initial.x;
        host.rank = host.rank.min(initial.rank);
        gone.push(i);
    }
    for i in gone.into_iter().rev() {
        pieces.remove(i);
    }
    pieces.sort_by_key(|p| p.rank);
    pieces
}

/// One or two glyphs, all letters or an opening quotation mark.
fn is_letter(page: &PageGlyphs, piece: &Piece) -> bool {
    let text = || piece.glyphs.iter().filter_map(|i| page.glyphs.get(*i as usize)).flat_map(|g| page.text_of(g).chars());
    piece.glyphs.len() <= 2
        && text().all(|c| c.is_alphabetic() || matches!(c, '“' | '‘' | '"' | '\'' | '«'))
        && text().any(char::is_uppercase)
}

/// `line` is the first of those that `initial` hangs beside: as high as its top, close to its right.
fn begins(initial: &Piece, line: &Piece) -> bool {
    let gap = line.x - initial.right;
    // Capitals are about seven tenths of an em high.
    let top = |p: &Piece| p.baseline - share(p.size, 70);
    initial.rotation == line.rotation
        && initial.visibility == line.visibility
        && i64::from(initial.size) * 100 >= i64::from(line.size) * i64::from(INITIAL_SIZE)
        && gap > -share(line.size, 50)
        && gap < share(line.size, INITIAL_GAP)
        && (top(initial) - top(line)).abs() < share(line.size, 60)
        && line.baseline < initial.baseline - line.size / 2
}
