//! The drawing as SVG: the page, what was made of it over it, a legend beside it. The same drawing gives the same bytes. What a
//! mark stands for is also told as the title of its group, which viewers show under the pointer.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::background::Background;
use super::lettering::Lettering;
use super::text::escaped;
use super::{Area, Drawing, LeftOut, Line, Outline, Shown};
use crate::document::element::ElementType;

mod legend;

/// Room around the page.
const MARGIN: f64 = 16.0;
/// Size of letters of labels, and height of what holds them.
const SIZE: f64 = 4.6;
const CHIP: f64 = 5.8;

const FURNITURE: &str = "#6b7280";
const HIDDEN: &str = "#e6007a";
const ORDER: &str = "#f59e0b";
const REGION: &str = "#0f766e";
/// Chunks take turns.
const CHUNKS: [&str; 2] = ["#111827", "#7c3aed"];
/// Two areas of a chunk that are no further apart than this are outlined as one.
const NEAR: f64 = 20.0;

/// `drawing` over `background`, if there is one, as an SVG document.
#[must_use]
pub fn svg(drawing: &Drawing, background: Option<&Background>) -> String {
    let (width, height) = background.map_or_else(|| drawing.extent(), |b| (b.width, b.height));
    let mut pen = Pen { out: String::new(), letters: Lettering::new() };
    drawing.lines.iter().for_each(|lines| pen.lines(lines));
    drawing.chunks.iter().zip(CHUNKS.iter().cycle()).for_each(|(chunk, colour)| pen.chunk(chunk, colour));
    let mut order = Vec::new();
    for shown in &drawing.elements {
        let number = shown.left_out.is_none().then(|| order.len() + 1);
        if number.is_some() {
            order.push(shown);
        }
        pen.element(shown, number);
    }
    pen.path(&order);
    order.iter().enumerate().for_each(|(i, shown)| pen.numbers(shown, i + 1));
    let bottom = legend::draw(&mut pen, drawing, width + MARGIN);
    let (whole, high) = (width + 2.0 * MARGIN + legend::WIDTH, height.max(bottom) + 2.0 * MARGIN);
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="-{MARGIN} -{MARGIN} {whole:.2} {high:.2}" width="{whole:.2}" height="{high:.2}">"#
    );
    let of = drawing.pages.map_or_else(String::new, |n| format!(" of {n}"));
    let _ = write!(out, "<title>{}, page {}{of}</title>", escaped(&drawing.source), drawing.page);
    let _ = write!(out, "<defs>{}</defs>", pen.letters.definitions());
    let _ = write!(out, r##"<rect x="-{MARGIN}" y="-{MARGIN}" width="{whole:.2}" height="{high:.2}" fill="#e5e7eb"/>"##);
    let _ =
        write!(out, r##"<rect width="{width:.2}" height="{height:.2}" fill="#ffffff" stroke="#9ca3af" stroke-width="0.5"/>"##);
    if let Some(background) = background {
        // Pale, so that what is drawn over it stands out.
        let _ = write!(out, r#"<g class="page" opacity="0.8">{}</g>"#, background.svg);
    }
    out.push_str(&pen.out);
    out.push_str("</svg>\n");
    out
}

/// The colour of a type.
fn colour(kind: ElementType) -> &'static str {
    match kind {
        ElementType::Title => "#dc2626",
        ElementType::NarrativeText => "#2563eb",
        ElementType::ListItem => "#15803d",
        ElementType::Table => "#9333ea",
        ElementType::FormKeysValues => "#c2410c",
        ElementType::CodeSnippet => "#854d0e",
        ElementType::Header | ElementType::Footer | ElementType::PageNumber => FURNITURE,
        ElementType::UncategorizedText => "#0891b2",
    }
}

fn colour_of(shown: &Shown) -> &'static str {
    match shown.left_out {
        None => colour(shown.kind),
        Some(LeftOut::Furniture(_)) => FURNITURE,
        Some(LeftOut::Hidden(_)) => HIDDEN,
    }
}

/// What an element is called on its label.
fn label(shown: &Shown) -> String {
    let mut label = match &shown.left_out {
        Some(LeftOut::Furniture(why)) => return why.clone(),
        Some(LeftOut::Hidden(why)) => return format!("hidden: {why}"),
        None => format!("{:?}", shown.kind),
    };
    // Every title has a level; an item that lies in no other is nothing to tell of.
    if let Some(level) = shown.level.filter(|n| *n > 0 || shown.kind == ElementType::Title) {
        let _ = write!(label, " {level}");
    }
    if shown.sidebar {
        label.push_str(", sidebar");
    }
    label
}

/// The last digits of an id.
fn digits(id: &str) -> &str {
    id.char_indices().rev().nth(5).map_or(id, |(at, _)| &id[at..])
}

/// `1 token`, `2 tokens`.
fn tokens(chunk: &Outline) -> String {
    format!("{} {}", chunk.tokens, if chunk.tokens == 1 { "token" } else { "tokens" })
}

struct Pen {
    out: String,
    letters: Lettering,
}

impl Pen {
    fn rect(&mut self, area: &Area, attributes: &str) {
        let Area { x, y, w, h } = area;
        let _ = write!(
            self.out,
            r#"<rect x="{x:.2}" y="{y:.2}" width="{:.2}" height="{:.2}" {attributes}/>"#,
            w.max(0.5),
            h.max(0.5)
        );
    }

    /// A label on a ground of `colour`, its top left corner at (x, y).
    fn chip(&mut self, text: &str, (x, y): (f64, f64), colour: &str) {
        let w = self.letters.width(text, SIZE) + 2.4;
        self.rect(&Area { x, y, w, h: CHIP }, &format!(r#"rx="1" fill="{colour}" fill-opacity="0.9""#));
        self.letters.write(&mut self.out, text, (x + 1.2, y + CHIP - 1.3), SIZE, r##"fill="#ffffff""##);
    }

    fn chip_width(&self, text: &str) -> f64 {
        self.letters.width(text, SIZE) + 2.4
    }

    /// Boxes of printed lines, and of the regions that they make up.
    fn lines(&mut self, lines: &[Line]) {
        for line in lines {
            let (class, look) = match line.hidden {
                None => ("line", r##"fill="none" stroke="#374151" stroke-width="0.25" stroke-opacity="0.45""##),
                Some(_) => (
                    "line hidden",
                    r##"fill="#e6007a" fill-opacity="0.08" stroke="#e6007a" stroke-width="0.4" stroke-dasharray="1 1""##,
                ),
            };
            let _ = write!(self.out, r#"<g class="{class}" data-region="{}">"#, line.region);
            if let Some(why) = &line.hidden {
                let _ = write!(self.out, "<title>hidden: {}</title>", escaped(why));
            }
            self.rect(&line.area, look);
            self.out.push_str("</g>");
        }
        let seen = || lines.iter().filter(|l| l.hidden.is_none());
        let regions: BTreeSet<u16> = seen().map(|l| l.region).collect();
        for region in regions {
            let areas = seen().filter(|l| l.region == region).map(|l| l.area);
            let Some(around) = areas.reduce(|a, b| a.union(&b)).map(|a| a.grown(4.5)) else { continue };
            let _ = write!(self.out, r#"<g class="region" data-region="{region}"><title>region {region}</title>"#);
            self.rect(&around, &format!(r#"rx="2" fill="none" stroke="{REGION}" stroke-width="0.5" stroke-dasharray="3 2""#));
            self.chip(&format!("region {region}"), (around.x, around.bottom() - 1.0), REGION);
            self.out.push_str("</g>");
        }
    }

    fn chunk(&mut self, chunk: &Outline, colour: &str) {
        let text = escaped(&chunk.text);
        let _ = write!(
            self.out,
            r#"<g class="chunk" data-id="{}"><title>{} ({}): {text}</title>"#,
            escaped(&chunk.id),
            escaped(&chunk.id),
            tokens(chunk)
        );
        let (before, after) = (if chunk.began_before { "<" } else { "" }, if chunk.goes_on { ">" } else { "" });
        let label = format!("{before}{}{after}", digits(&chunk.id));
        for area in joined(&chunk.areas) {
            let around = area.grown(2.6);
            self.rect(&around, &format!(r#"rx="2" fill="none" stroke="{colour}" stroke-width="0.9""#));
            // Upright in the gutter, where no text is.
            let _ = write!(
                self.out,
                r#"<g transform="translate({:.2} {:.2}) rotate(90)">"#,
                around.right() + CHIP / 2.0 + 0.3,
                around.y + 0.6
            );
            self.chip(&label, (0.0, 0.0), colour);
            self.out.push_str("</g>");
        }
        self.out.push_str("</g>");
    }

    fn element(&mut self, shown: &Shown, number: Option<usize>) {
        let (colour, label) = (colour_of(shown), label(shown));
        let class = if shown.left_out.is_some() { "element left-out" } else { "element" };
        let order = number.map_or_else(String::new, |n| format!(r#" data-order="{n}""#));
        let _ = write!(
            self.out,
            r#"<g class="{class}" data-id="{}" data-type="{:?}"{order}><title>{}{} {}: {}</title>"#,
            escaped(&shown.id),
            shown.kind,
            number.map_or_else(String::new, |n| format!("{n} ")),
            escaped(&label),
            escaped(&shown.id),
            escaped(&shown.text)
        );
        let dashes = if shown.left_out.is_some() { r#" stroke-dasharray="2.5 1.5""# } else { "" };
        let look = format!(r#"fill="{colour}" fill-opacity="0.09" stroke="{colour}" stroke-width="0.6"{dashes}"#);
        let w = self.chip_width(&label);
        for (i, area) in shown.areas.iter().enumerate() {
            self.rect(area, &look);
            if i == 0 {
                // Rather over the end of the line above, which is often short, than over this one.
                self.chip(&label, (area.right() - w, area.y - CHIP + 0.9), colour);
            }
        }
        self.out.push_str("</g>");
    }

    /// The numbers of an element, left of each of its areas.
    fn numbers(&mut self, shown: &Shown, number: usize) {
        for (i, area) in shown.areas.iter().enumerate() {
            let text = if i == 0 { number.to_string() } else { format!("{number}+") };
            let w = self.chip_width(&text);
            self.chip(&text, (area.x - w - 1.0, area.y), colour_of(shown));
        }
    }

    /// The way of a reader from element to element.
    fn path(&mut self, order: &[&Shown]) {
        let stops: Vec<(f64, f64)> = order.iter().flat_map(|e| &e.areas).map(|a| (a.x - 4.0, a.y + CHIP / 2.0)).collect();
        let _ = write!(self.out, r#"<g class="order" fill="none" stroke="{ORDER}" stroke-width="1" stroke-opacity="0.8">"#);
        for step in stops.windows(2) {
            let ((x1, y1), (x2, y2)) = (step[0], step[1]);
            let _ = write!(self.out, r#"<path d="M{x1:.2} {y1:.2}L{x2:.2} {y2:.2}"/>"#);
            let (dx, dy) = (x2 - x1, y2 - y1);
            let length = (dx * dx + dy * dy).sqrt();
            // Half way, where no number hides it.
            if length > 9.0 {
                let (ux, uy) = (dx / length * 2.6, dy / length * 2.6);
                let (mx, my) = (x1 + dx / 2.0, y1 + dy / 2.0);
                let (ax, ay, bx, by) = (mx - ux - uy * 0.7, my - uy + ux * 0.7, mx - ux + uy * 0.7, my - uy - ux * 0.7);
                let (tx, ty) = (mx + ux, my + uy);
                let _ = write!(
                    self.out,
                    r#"<path d="M{ax:.2} {ay:.2}L{tx:.2} {ty:.2}L{bx:.2} {by:.2}Z" fill="{ORDER}" stroke="none"/>"#
                );
            }
        }
        self.out.push_str("</g>");
    }
}

/// Areas that lie below each other in one column, as one.
fn joined(areas: &[Area]) -> Vec<Area> {
    let mut runs: Vec<Area> = Vec::new();
    for area in areas {
        if let Some(run) = runs.last_mut() {
            let shared = run.right().min(area.right()) - run.x.max(area.x);
            let gap = area.y - run.bottom();
            if shared > 0.5 * run.w.min(area.w) && (-area.h - 1.0..NEAR).contains(&gap) {
                *run = run.union(area);
                continue;
            }
        }
        runs.push(*area);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(x: f64, y: f64) -> Area {
        Area { x, y, w: 200.0, h: 30.0 }
    }

    fn drawing(text: &str) -> Drawing {
        let shown = Shown {
            id: "el-0".to_owned(),
            kind: ElementType::Title,
            level: Some(2),
            text: text.to_owned(),
            areas: vec![area(10.0, 10.0)],
            left_out: None,
            sidebar: false,
        };
        let folio =
            Shown { left_out: Some(LeftOut::Furniture("folio".to_owned())), kind: ElementType::PageNumber, ..shown.clone() };
        let next = Shown { areas: vec![area(10.0, 50.0)], kind: ElementType::NarrativeText, ..shown.clone() };
        Drawing { source: text.to_owned(), page: 1, elements: vec![shown, folio, next], ..Drawing::default() }
    }

    #[test]
    fn what_is_left_out_has_no_number_and_says_why() {
        let drawn = svg(&drawing("One"), None);
        assert!(drawn.contains("<title>1 Title 2 el-0: One</title>"));
        assert!(drawn.contains("<title>folio el-0: One</title>"));
        assert!(drawn.contains("<title>2 NarrativeText 2 el-0: One</title>"));
    }

    #[test]
    fn no_text_breaks_out_of_the_drawing() {
        let drawn = svg(&drawing("</title><script>\u{0}\u{202e}\""), None);
        assert!(!drawn.contains("<script"));
        assert!(drawn.contains("&lt;script&gt;\\u{0}\\u{202e}&quot;"));
        assert!(!drawn.contains(['\u{0}', '\u{202e}']));
        assert_eq!(drawn, svg(&drawing("</title><script>\u{0}\u{202e}\""), None));
    }

    #[test]
    fn areas_of_a_column_are_outlined_as_one() {
        let all = [area(10.0, 10.0), area(10.0, 44.0), area(300.0, 10.0), area(300.0, 200.0)];
        let runs = joined(&all);
        assert_eq!(runs, [Area { h: 64.0, ..all[0] }, all[2], all[3]]);
    }

    #[test]
    fn the_last_digits_of_an_id_are_its_name() {
        assert_eq!(digits("chunk-0123456789abcdef"), "abcdef");
        assert_eq!(digits("é"), "é");
    }
}
