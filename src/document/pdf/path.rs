//! The path under construction, reduced to what text needs of it: ruled lines, boxes, and what lies under glyphs.

use super::matrix::{Bounds, Matrix, centi};
use crate::document::page_text::{Rect, Shape};

/// Subpaths beyond this are ornament, not ruling; only their bounds are kept.
const MAX_SUBPATHS: usize = 2_000;

/// One subpath, in points of the page as seen.
#[derive(Clone, Debug)]
struct Subpath {
    bounds: Bounds,
    /// All its segments run along an axis (or are the round corners of a box).
    straight: bool,
    curves: u32,
    lines: u32,
    last: (f64, f64),
    start: (f64, f64),
}

/// What painting a path leaves on the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub bounds: Bounds,
    /// It fills its bounds (but for round corners).
    pub boxy: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Path {
    subpaths: Vec<Subpath>,
    dropped: Option<Bounds>,
}

impl Path {
    pub fn clear(&mut self) {
        self.subpaths.clear();
        self.dropped = None;
    }

    pub fn is_empty(&self) -> bool {
        self.subpaths.is_empty()
    }

    pub fn move_to(&mut self, x: f64, y: f64, m: &Matrix) {
        let at = m.apply(x, y);
        if self.subpaths.len() >= MAX_SUBPATHS {
            self.dropped.get_or_insert(Bounds::EMPTY).add(at.0, at.1);
            return;
        }
        let mut bounds = Bounds::EMPTY;
        bounds.add(at.0, at.1);
        self.subpaths.push(Subpath { bounds, straight: true, curves: 0, lines: 0, last: at, start: at });
    }

    pub fn line_to(&mut self, x: f64, y: f64, m: &Matrix) {
        let Some(path) = self.subpaths.last_mut() else { return self.move_to(x, y, m) };
        path.line(m.apply(x, y));
    }

    /// A curve to (x, y); its control points are taken to lie within reach of its ends.
    pub fn curve_to(&mut self, x: f64, y: f64, m: &Matrix) {
        let Some(path) = self.subpaths.last_mut() else { return self.move_to(x, y, m) };
        let at = m.apply(x, y);
        path.curves += 1;
        path.bounds.add(at.0, at.1);
        path.last = at;
    }

    pub fn rect(&mut self, x: f64, y: f64, w: f64, h: f64, m: &Matrix) {
        self.move_to(x, y, m);
        for (x, y) in [(x + w, y), (x + w, y + h), (x, y + h), (x, y)] {
            self.line_to(x, y, m);
        }
    }

    pub fn close(&mut self) {
        if let Some(path) = self.subpaths.last_mut()
            && path.last != path.start
        {
            path.line(path.start);
        }
    }

    /// The box around the whole path.
    pub fn bounds(&self) -> Bounds {
        let mut all = self.dropped.unwrap_or(Bounds::EMPTY);
        for p in &self.subpaths {
            all.add(p.bounds.x0, p.bounds.y0);
            all.add(p.bounds.x1, p.bounds.y1);
        }
        all
    }

    /// The subpaths as marks.
    pub fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        self.subpaths.iter().map(|p| Mark {
            bounds: p.bounds,
            // A box has four sides; round corners are four curves between them.
            boxy: p.straight && p.lines > 0 && (p.curves == 0 || (p.curves <= 4 && p.lines >= 3)),
        })
    }
}

impl Subpath {
    fn line(&mut self, at: (f64, f64)) {
        /// Rulings are drawn exactly; rounding leaves less than this.
        const ALONG_AXIS: f64 = 0.05;
        self.straight &= (at.0 - self.last.0).abs() < ALONG_AXIS || (at.1 - self.last.1).abs() < ALONG_AXIS;
        self.lines += 1;
        self.bounds.add(at.0, at.1);
        self.last = at;
    }
}

/// A mark as a shape of the page: stroked lines as thick as their pen.
pub fn shape(bounds: &Bounds, pen: f64, filled: bool, color: u32) -> Shape {
    let thin = |a: f64, b: f64| if !filled && b - a < 0.01 { (a - pen / 2.0, b + pen / 2.0) } else { (a, b) };
    let (x0, x1) = thin(bounds.x0, bounds.x1);
    let (y0, y1) = thin(bounds.y0, bounds.y1);
    let (x, y) = (centi(x0), centi(y0));
    Shape { rect: Rect { x, y, w: centi(x1) - x, h: centi(y1) - y }, filled, color }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_is_a_box_and_a_triangle_is_not() {
        let mut path = Path::default();
        path.rect(0.0, 0.0, 10.0, 5.0, &Matrix::IDENTITY);
        path.move_to(0.0, 0.0, &Matrix::IDENTITY);
        path.line_to(5.0, 5.0, &Matrix::IDENTITY);
        path.line_to(10.0, 0.0, &Matrix::IDENTITY);
        path.close();
        let boxy: Vec<bool> = path.marks().map(|m| m.boxy).collect();
        assert_eq!(boxy, [true, false]);
    }
}
