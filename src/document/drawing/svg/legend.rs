//! What stands beside the page: which page it is, what the marks mean, which chunks there are, what else is to be said.

use std::fmt::Write as _;

use super::super::{Area, Drawing, LeftOut};
use super::{CHUNKS, FURNITURE, HIDDEN, ORDER, Pen, REGION, colour, digits, tokens};

/// Width of the legend.
pub const WIDTH: f64 = 170.0;
const SIZE: f64 = 6.5;
const STEP: f64 = 10.0;
/// Chunks that are listed.
const LISTED: usize = 40;

/// Draws it with its left edge at `x`; its lower end.
pub fn draw(pen: &mut Pen, drawing: &Drawing, x: f64) -> f64 {
    let mut legend = Legend { pen, x, y: 0.0 };
    legend.words(&drawing.source, "#111827");
    let of = drawing.pages.map_or_else(String::new, |n| format!(" of {n}"));
    legend.words(&format!("page {}{of}", drawing.page), "#111827");
    legend.y += STEP / 2.0;
    let text = || drawing.elements.iter().filter(|e| e.left_out.is_none());
    let mut kinds: Vec<_> = text().map(|e| e.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let n = text().filter(|e| e.kind == kind).count();
        legend.swatch(&format!("{kind:?} ({n})"), colour(kind), "");
    }
    let dashes = r#"stroke-dasharray="2.5 1.5""#;
    let why = |furniture: bool| {
        let mut why: Vec<&str> = drawing
            .elements
            .iter()
            .filter_map(|e| match &e.left_out {
                Some(LeftOut::Furniture(why)) if furniture => Some(why.as_str()),
                Some(LeftOut::Hidden(why)) if !furniture => Some(why.as_str()),
                _ => None,
            })
            .collect();
        why.sort_unstable();
        why.dedup();
        why.join(", ")
    };
    if !why(true).is_empty() {
        legend.swatch(&format!("in no chunk: {}", why(true)), FURNITURE, dashes);
    }
    if !why(false).is_empty() {
        legend.swatch(&format!("hidden: {}", why(false)), HIDDEN, dashes);
    }
    if text().count() > 1 {
        legend.stroke("reading order, by number (7+: 7 goes on)", ORDER);
    }
    match &drawing.lines {
        Some(_) => {
            legend.swatch("region of printed lines (thin boxes)", REGION, r#"stroke-dasharray="3 2" fill-opacity="0""#);
        }
        None => legend.words("printed lines: not in the cache", "#4b5563"),
    }
    legend.y += STEP / 2.0;
    if drawing.chunks.is_empty() {
        legend.words("no chunk on this page", "#4b5563");
    } else {
        legend.words("chunks, by the last digits of their ids", "#111827");
    }
    if drawing.chunks.iter().any(|c| c.began_before || c.goes_on) {
        legend.words("(<: began before, >: goes on)", "#4b5563");
    }
    for (chunk, colour) in drawing.chunks.iter().zip(CHUNKS.iter().cycle()).take(LISTED) {
        legend.swatch(&format!("{}  {}", digits(&chunk.id), tokens(chunk)), colour, r#"fill-opacity="0""#);
    }
    if let Some(more @ 1..) = drawing.chunks.len().checked_sub(LISTED) {
        legend.words(&format!("and {more} more"), "#4b5563");
    }
    legend.y += STEP / 2.0;
    drawing.notes.iter().for_each(|note| legend.words(note, "#b91c1c"));
    legend.y
}

struct Legend<'a> {
    pen: &'a mut Pen,
    x: f64,
    y: f64,
}

impl Legend<'_> {
    /// Text in as many lines as it takes.
    fn words(&mut self, text: &str, colour: &str) {
        self.text(text, 0.0, colour);
    }

    fn text(&mut self, text: &str, indent: f64, colour: &str) {
        let fill = format!(r#"fill="{colour}""#);
        for line in self.broken(text, WIDTH - indent) {
            self.y += STEP;
            self.pen.letters.write(&mut self.pen.out, &line, (self.x + indent, self.y), SIZE, &fill);
        }
    }

    fn swatch(&mut self, text: &str, colour: &str, attributes: &str) {
        let area = Area { x: self.x, y: self.y + STEP - 6.0, w: 10.0, h: 6.5 };
        let opacity = if attributes.contains("fill-opacity") { "" } else { r#" fill-opacity="0.2""# };
        self.pen.rect(&area, &format!(r#"fill="{colour}"{opacity} stroke="{colour}" stroke-width="0.9" {attributes}"#));
        self.text(text, 15.0, "#111827");
    }

    fn stroke(&mut self, text: &str, colour: &str) {
        let (x, y) = (self.x, self.y + STEP - 2.7);
        let _ = write!(
            self.pen.out,
            r#"<path d="M{x:.2} {y:.2}h8" stroke="{colour}"/><path d="M{:.2} {:.2}l4 2.5l-4 2.5z" fill="{colour}"/>"#,
            x + 6.0,
            y - 2.5
        );
        self.text(text, 15.0, "#111827");
    }

    /// `text` in lines of at most `width`; what is longer than a line is broken inside.
    fn broken(&self, text: &str, width: f64) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in text.split_inclusive([' ', '/', '-']) {
            for piece in self.pieces(word, width) {
                let line = lines.last().map_or("", String::as_str);
                if !line.is_empty() && self.pen.letters.width(&format!("{line}{}", piece.trim_end()), SIZE) > width {
                    lines.push(String::new());
                }
                lines.iter_mut().last().into_iter().for_each(|l| l.push_str(&piece));
            }
        }
        lines
    }

    fn pieces(&self, word: &str, width: f64) -> Vec<String> {
        let mut pieces = vec![String::new()];
        for c in word.chars() {
            let piece = pieces.last().map_or("", String::as_str);
            if self.pen.letters.width(&format!("{piece}{c}"), SIZE) > width {
                pieces.push(String::new());
            }
            pieces.iter_mut().last().into_iter().for_each(|p| p.push(c));
        }
        pieces
    }
}
