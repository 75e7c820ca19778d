//! What the glyphs of strings that are shown together share, worked out once for all of them. Knows nothing of where each stands.

use super::matrix::{Bounds, Matrix, centi};
use super::state::State;

/// A run of glyphs of one string, or of an array of them.
pub struct Run {
    pub font: u16,
    /// Its line runs downwards.
    pub vertical: bool,
    pub hidden: bool,
    /// It is hidden for no other reason than that.
    pub in_no_colour: bool,
    /// From text space, but for where its origin lies.
    pub m: Matrix,
    pub rotation: u16,
    pub size: i32,
    /// From the baseline half an em up.
    pub half_up: (f64, f64),
    pub color: u32,
    pub tracking: i32,
    pub ground: Option<(Bounds, Option<u32>)>,
}

impl Run {
    /// A run that is shown in `state`, in a font whose em is `em` high.
    pub fn begin(state: &State, text: &Matrix, font: u16, vertical: bool, em: f64) -> Self {
        let m = text.then(&state.ctm);
        let y_scale = m.y_scale();
        let size = state.size.abs() * em * y_scale;
        // The direction that the line runs in: that of the advance, or of the text if there is none.
        let sign = state.size.signum();
        let (ux, uy) = if vertical { (-m.c, -m.d) } else { (m.a * sign, m.b * sign) };
        let rotation = if ux.abs() >= uy.abs() {
            if ux >= 0.0 { 0 } else { 180 }
        } else if uy > 0.0 {
            90
        } else {
            270
        };
        let length = y_scale.max(1e-9);
        let color = if matches!(state.mode, 1 | 5) { state.stroke } else { state.fill };
        Self {
            font,
            vertical,
            hidden: false,
            in_no_colour: false,
            m,
            rotation,
            size: centi(size).max(1),
            half_up: (m.c / length * size * 0.5, m.d / length * size * 0.5),
            color: color.unwrap_or(0x80_8080),
            tracking: centi(state.char_space * state.stretch * m.x_scale()),
            ground: None,
        }
    }
}
