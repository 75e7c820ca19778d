//! What lies on a page at a place: text of the same colour is not seen there.

use super::matrix::Bounds;
use super::page_limits::MAX_GROUNDS;

/// Paper, as far as nothing was painted.
const PAPER: u32 = 0xff_ffff;

/// A known colour, or something else (an image, a pattern).
struct Ground {
    bounds: Bounds,
    color: Option<u32>,
}

/// All that was painted so far.
#[derive(Default)]
pub(super) struct Grounds(Vec<Ground>);

impl Grounds {
    /// Something is painted over what was there.
    pub fn paint(&mut self, bounds: Bounds, color: Option<u32>) {
        if self.0.len() < MAX_GROUNDS {
            self.0.push(Ground { bounds, color });
        }
    }

    /// The colour at a place, if it is known.
    pub fn at(&self, x: f64, y: f64) -> Option<u32> {
        self.0.iter().rev().find(|g| g.bounds.contains(x, y)).map_or(Some(PAPER), |g| g.color)
    }

    /// Whether all is paper.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
