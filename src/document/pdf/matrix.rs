//! Affine maps of the plane, and rectangles, in points. Only +, −, ×, ÷ and √, which are the same on every machine.

/// x' = a·x + c·y + e, y' = b·x + d·y + f.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matrix {
    pub a: f64,
    pub b: f64,
    pub c: f64,
    pub d: f64,
    pub e: f64,
    pub f: f64,
}

impl Matrix {
    pub const IDENTITY: Self = Self::new([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    pub const fn new(m: [f64; 6]) -> Self {
        Self { a: m[0], b: m[1], c: m[2], d: m[3], e: m[4], f: m[5] }
    }

    /// First `self`, then `outer`.
    #[must_use]
    pub fn then(&self, outer: &Self) -> Self {
        Self {
            a: self.a * outer.a + self.b * outer.c,
            b: self.a * outer.b + self.b * outer.d,
            c: self.c * outer.a + self.d * outer.c,
            d: self.c * outer.b + self.d * outer.d,
            e: self.e * outer.a + self.f * outer.c + outer.e,
            f: self.e * outer.b + self.f * outer.d + outer.f,
        }
    }

    /// Moves the origin by (x, y) before the map.
    #[must_use]
    pub fn shifted(&self, x: f64, y: f64) -> Self {
        let (e, f) = self.apply(x, y);
        Self { e, f, ..*self }
    }

    pub fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        (self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f)
    }

    /// Length of the image of (1, 0).
    pub fn x_scale(&self) -> f64 {
        (self.a * self.a + self.b * self.b).sqrt()
    }

    /// Length of the image of (0, 1).
    pub fn y_scale(&self) -> f64 {
        (self.c * self.c + self.d * self.d).sqrt()
    }
}

/// A rectangle by its corners; empty if a side is inside out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub x0: f64,
    pub y0: f64,
    pub x1: f64,
    pub y1: f64,
}

impl Bounds {
    pub const EMPTY: Self = Self { x0: f64::INFINITY, y0: f64::INFINITY, x1: f64::NEG_INFINITY, y1: f64::NEG_INFINITY };

    pub fn add(&mut self, x: f64, y: f64) {
        self.x0 = self.x0.min(x);
        self.y0 = self.y0.min(y);
        self.x1 = self.x1.max(x);
        self.y1 = self.y1.max(y);
    }

    /// The box around `self` seen through `m`.
    #[must_use]
    pub fn seen(&self, m: &Matrix) -> Self {
        let mut out = Self::EMPTY;
        for (x, y) in [(self.x0, self.y0), (self.x1, self.y0), (self.x0, self.y1), (self.x1, self.y1)] {
            let (x, y) = m.apply(x, y);
            out.add(x, y);
        }
        out
    }

    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self { x0: self.x0.max(other.x0), y0: self.y0.max(other.y0), x1: self.x1.min(other.x1), y1: self.y1.min(other.y1) }
    }

    pub fn contains(&self, x: f64, y: f64) -> bool {
        self.x0 <= x && x <= self.x1 && self.y0 <= y && y <= self.y1
    }

    pub fn touches(&self, other: &Self) -> bool {
        self.x0 <= other.x1 && other.x0 <= self.x1 && self.y0 <= other.y1 && other.y0 <= self.y1
    }
}

/// Points to 1/100 pt, clamped to what an i32 holds with room for sums.
pub fn centi(points: f64) -> i32 {
    /// 10^9 / 100 pt is 35 km of paper.
    const FAR: f64 = 1e9;
    let scaled = (points * 100.0).clamp(-FAR, FAR);
    #[allow(clippy::cast_possible_truncation, reason = "clamped; NaN becomes 0")]
    let whole = scaled as i32;
    // To the nearest, a half away from zero: as `f64::round`, which is a call where no instruction does it.
    let beside = scaled - f64::from(whole);
    whole + i32::from(beside >= 0.5) - i32::from(beside <= -0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_happens_before_the_map() {
        let m = Matrix::new([2.0, 0.0, 0.0, -2.0, 10.0, 100.0]);
        assert_eq!(m.shifted(1.0, 1.0).apply(0.0, 0.0), (12.0, 98.0));
        assert_eq!(Matrix::IDENTITY.shifted(1.0, 1.0).then(&m).apply(0.0, 0.0), (12.0, 98.0));
    }

    #[test]
    fn centi_survives_nonsense() {
        assert_eq!(centi(f64::NAN), 0);
        assert_eq!(centi(1e300), 1_000_000_000);
        assert_eq!(centi(1.234_9), 123);
    }

    #[test]
    fn centi_rounds_to_the_nearest() {
        for points in (-3000..3000).map(|n| f64::from(n) / 800.0).chain([1e7, 1e7 - 0.001, -1e7]) {
            #[allow(clippy::cast_possible_truncation, reason = "small")]
            let rounded = (points * 100.0).round().clamp(-1e9, 1e9) as i32;
            assert_eq!(centi(points), rounded, "{points}");
        }
        // Where `f64::round` adds a half and cuts off, this is 1.
        assert_eq!(centi(0.004_999_999_999_999_999), 0);
    }
}
