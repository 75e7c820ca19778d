//! Sidebars: boxes drawn around or behind text that interrupts the column.

use super::lines::Line;
use crate::document::page_text::{Rect, Shape};

/// For each line of a page, the box it stands in, if any: an index that lines of one box share.
#[must_use]
pub fn of_lines(lines: &[Line<'_>], shapes: &[Shape], width: i32, height: i32) -> Vec<Option<usize>> {
    let boxes: Vec<Rect> = merged(shapes, width, height);
    let inside = |line: &Line<'_>, b: &Rect| {
        let (x, y) = (line.rect.x + line.rect.w / 2, line.baseline - line.size() / 3);
        b.x <= x && x <= b.right() && b.y <= y && y <= b.bottom()
    };
    // A ground behind nearly all lines is the page's, not a sidebar's.
    let counts: Vec<usize> = boxes.iter().map(|b| lines.iter().filter(|l| inside(l, b)).count()).collect();
    let is_sidebar = |i: usize| counts[i] > 0 && (counts[i] * 10 <= lines.len() * 9 || lines.len() < 8);
    lines
        .iter()
        .map(|line| {
            (0..boxes.len())
                .filter(|i| is_sidebar(*i) && inside(line, &boxes[*i]))
                .min_by_key(|i| i64::from(boxes[*i].w) * i64::from(boxes[*i].h))
        })
        .collect()
}

/// Boxes large enough for text, those that touch on top of each other as one (a box is often drawn in slices).
fn merged(shapes: &[Shape], width: i32, height: i32) -> Vec<Rect> {
    const WHITE: u32 = 0x00ff_ffff;
    let large = |r: &Rect| r.w >= 6000 && r.h >= 1200 && (r.w < width / 100 * 97 || r.h < height / 100 * 97);
    let mut boxes: Vec<Rect> = Vec::new();
    for shape in shapes.iter().filter(|s| large(&s.rect) && !(s.filled && s.color == WHITE)) {
        let r = shape.rect;
        match boxes
            .iter_mut()
            .find(|b| (b.x - r.x).abs() <= 200 && (b.w - r.w).abs() <= 200 && b.y <= r.bottom() + 100 && r.y <= b.bottom() + 100)
        {
            Some(b) => *b = b.union(&r),
            None => boxes.push(r),
        }
    }
    boxes
}
