//! Where words end: by the gaps between letters, and by the spaces of the stream only where the gaps agree. Letter-spaced
//! headings are whole words, and words without a space between them are two.

use super::pieces::{Piece, share};
use crate::document::pdf::glyph::{Glyph, PageGlyphs};

/// A word space is a quarter of an em, at least an eighth in the tightest justified line; kerning opens less.
const WORD_GAP: i32 = 12;
/// With a space in the stream, a gap that is there at all separates.
const SPACED_GAP: i32 = 3;
/// Letter-spacing opens at least this much after every letter.
const TRACKED_GAP: i32 = 8;
/// and no designer opens more than this.
const MAX_TRACKING: i32 = 60;
/// Beside a drop capital.
const INITIAL_GAP: i32 = 80;
/// Fewer letters than these could be initials.
const MIN_TRACKED: usize = 4;

/// For each of `glyphs`, those of `piece`, whether a word begins at it; the first is not one.
pub fn breaks(page: &PageGlyphs, piece: &Piece, glyphs: &[&Glyph]) -> Vec<bool> {
    let mut gaps = vec![0; glyphs.len()];
    for i in 1..glyphs.len() {
        gaps[i] = glyphs[i].x - glyphs[i - 1].right;
    }
    let letter = |i: usize| page.text_of(glyphs[i]).chars().all(char::is_alphabetic);
    let tracking = tracking(&gaps, piece, &|i| glyphs[i].tracking, &letter);
    // Tracking that is declared for a few letters is how some programs set a word space; for a run of them it is tracking.
    let apart = |i: usize| {
        i > 0
            && i < gaps.len()
            && glyphs[i - 1].tracking > share(glyphs[i].size, TRACKED_GAP)
            && !piece.spaced[i]
            && gaps[i] > share(glyphs[i].size, TRACKED_GAP)
    };
    let stretch = |i: usize| {
        let before = (1..=i).rev().take_while(|&k| apart(k)).count();
        let after = (i..gaps.len()).take_while(|&k| apart(k)).count();
        if before + after > MIN_TRACKED { glyphs[i - 1].tracking } else { 0 }
    };
    (0..glyphs.len())
        .map(|i| {
            if i == 0 {
                return false;
            }
            let em = glyphs[i].size.min(glyphs[i - 1].size).max(1);
            // A drop capital hangs below the line of its word, with more white than other letters.
            if glyphs[i - 1].size >= em * 3 / 2 && glyphs[i - 1].baseline - glyphs[i].baseline > em * 2 / 5 {
                return gaps[i] > share(em, INITIAL_GAP);
            }
            match tracking {
                Some(t) => gaps[i] > t + t / 2 + share(em, WORD_GAP),
                // Within a word nothing is open; what is declared as tracking only takes away from it.
                None if gaps[i] <= 0 && !piece.spaced[i] => false,
                None if piece.spaced[i] => gaps[i] > share(em, SPACED_GAP) || glyphs[i].tracking < 0,
                None => gaps[i] - stretch(i).min(share(em, MAX_TRACKING)) > share(em, WORD_GAP),
            }
        })
        .collect()
}

/// The letter-spacing of `piece`, if it is letter-spaced: most letters stand apart, and by about the same.
fn tracking(gaps: &[i32], piece: &Piece, declared: &dyn Fn(usize) -> i32, letter: &dyn Fn(usize) -> bool) -> Option<i32> {
    let n = gaps.len();
    if n < MIN_TRACKED {
        return None;
    }
    let floor = share(piece.size, TRACKED_GAP);
    let apart = (1..n).filter(|&i| gaps[i] > floor).count();
    if apart * 10 < (n - 1) * 7 || (0..n).filter(|&i| letter(i)).count() * 10 < n * 7 {
        return None;
    }
    let mut sorted: Vec<i32> = gaps[1..].to_vec();
    sorted.sort_unstable();
    let base = sorted[sorted.len() * 3 / 10];
    let spread = sorted[sorted.len() * 6 / 10] - sorted[sorted.len() / 10];
    let spaces = (1..n).filter(|&i| piece.spaced[i]).count();
    let is_declared = (0..n).filter(|&i| declared(i) > floor).count() * 10 >= n * 7;
    // Single letters with a space after each are letter-spaced only if there are many; a few are initials or a key.
    let by_spaces = spaces * 10 >= (n - 1) * 7;
    let regular = spread <= share(piece.size, 12) || is_declared;
    let plausible = base > floor && base <= share(piece.size, MAX_TRACKING) && regular;
    (plausible && (!by_spaces || n >= 6)).then_some(base)
}
