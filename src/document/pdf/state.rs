//! The graphics state of a page: what `q` saves and `Q` restores. Interprets nothing.

use super::colour::Space;
use super::matrix::{Bounds, Matrix};

/// Colours are 0xRRGGBB; `None` is a pattern, or one that is not known.
#[derive(Clone)]
pub struct State {
    pub ctm: Matrix,
    pub fill: Option<u32>,
    pub fill_space: Space,
    pub fill_alpha: f64,
    pub stroke: Option<u32>,
    pub stroke_space: Space,
    pub pen: f64,
    pub char_space: f64,
    pub word_space: f64,
    pub stretch: f64,
    pub leading: f64,
    pub font: Option<usize>,
    pub size: f64,
    pub rise: f64,
    pub mode: i64,
    pub clip: Bounds,
}

impl State {
    /// The state that a page begins with, seen through `ctm`.
    pub fn new(ctm: Matrix) -> Self {
        Self {
            ctm,
            fill: Some(0),
            fill_space: Space::Gray,
            fill_alpha: 1.0,
            stroke: Some(0),
            stroke_space: Space::Gray,
            pen: 1.0,
            char_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            font: None,
            size: 1.0,
            rise: 0.0,
            mode: 0,
            clip: Bounds { x0: f64::NEG_INFINITY, y0: f64::NEG_INFINITY, x1: f64::INFINITY, y1: f64::INFINITY },
        }
    }
}
