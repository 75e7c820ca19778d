//! Lines and spans from ordered pieces.

use std::collections::BTreeMap;

use super::gaps;
use super::order::Placed;
use super::pieces::{Piece, share};
use crate::document::page_text::{FontStyle, PageText, Rect, Span, TextLine};
use crate::document::pdf::glyph::PageGlyphs;

/// The page's text from `placed`, one line per row of pieces that follow each other on one baseline.
pub fn build(page: &PageGlyphs, placed: Vec<Placed>) -> PageText {
    let mut builder = Builder { page, styles: BTreeMap::new(), fonts: Vec::new(), lines: Vec::new() };
    let mut row: Vec<Placed> = Vec::new();
    for next in placed {
        if let Some(last) = row.last()
            && !follows(last, &next)
        {
            builder.line(&row);
            row.clear();
        }
        row.push(next);
    }
    builder.line(&row);
    PageText {
        width: page.width,
        height: page.height,
        fonts: builder.fonts,
        lines: builder.lines,
        shapes: page.shapes.clone(),
        images: page.images,
        notes: page.notes.clone(),
    }
}

/// `next` goes on in the line of `last`.
fn follows(last: &Placed, next: &Placed) -> bool {
    let (a, b) = (&last.piece, &next.piece);
    last.region == next.region
        && a.rotation == b.rotation
        && a.visibility == b.visibility
        && a.on_line_with(b)
        && b.x >= a.right - share(a.size.min(b.size), 20)
}

struct Builder<'p> {
    page: &'p PageGlyphs,
    styles: BTreeMap<FontStyle, u16>,
    fonts: Vec<FontStyle>,
    lines: Vec<TextLine>,
}

impl Builder<'_> {
    fn line(&mut self, row: &[Placed]) {
        let Some(first) = row.first() else { return };
        let mut spans = Vec::new();
        for placed in row {
            self.spans(&placed.piece, &mut spans);
        }
        keep_soft_hyphen_at_end(&mut spans);
        if spans.iter().all(|s| s.text.trim_matches([' ', SOFT_HYPHEN]).is_empty()) {
            return;
        }
        let tallest = row.iter().map(|p| &p.piece).max_by_key(|p| p.size).unwrap_or(&first.piece);
        let x = row.iter().map(|p| p.piece.x).min().unwrap_or(0);
        let right = row.iter().map(|p| p.piece.right).max().unwrap_or(0);
        let frame = Rect { x, y: tallest.top(), w: right - x, h: tallest.size };
        self.lines.push(TextLine {
            rect: turned(frame, first.piece.rotation),
            baseline: first.piece.baseline,
            region: first.region,
            spans,
            visibility: first.piece.visibility,
            rotation: first.piece.rotation,
        });
    }

    /// Appends the spans of `piece`.
    fn spans(&mut self, piece: &Piece, spans: &mut Vec<Span>) {
        let breaks = gaps::breaks(self.page, piece);
        let mut open: Option<(Span, i32)> = None;
        for (k, &index) in piece.glyphs.iter().enumerate() {
            let glyph = &self.page.glyphs[index as usize];
            let face = self.page.fonts.get(glyph.font as usize).cloned().unwrap_or_default();
            let style = FontStyle { name: face.name, size: glyph.size, bold: face.bold, italic: face.italic, color: glyph.color };
            let font = self.font(style);
            let text = self.page.text_of(glyph);
            match open.as_mut() {
                Some((span, right)) if span.font == font => {
                    if breaks[k] && !span.text.ends_with(' ') {
                        span.text.push(' ');
                    }
                    span.text.push_str(text);
                    *right = (*right).max(glyph.right);
                    span.w = *right - span.x;
                }
                _ => {
                    if let Some((mut span, _)) = open.take() {
                        if breaks[k] {
                            span.text.push(' ');
                        }
                        spans.push(span);
                    }
                    let span = Span { font, x: glyph.x, w: glyph.right - glyph.x, text: text.to_owned() };
                    open = Some((span, glyph.right));
                }
            }
        }
        spans.extend(open.map(|(span, _)| span));
    }

    fn font(&mut self, style: FontStyle) -> u16 {
        if let Some(&index) = self.styles.get(&style) {
            return index;
        }
        let index = u16::try_from(self.fonts.len()).unwrap_or(u16::MAX);
        self.fonts.push(style.clone());
        self.styles.insert(style, index);
        index
    }
}

const SOFT_HYPHEN: char = '\u{ad}';

/// A soft hyphen shows only where a line ends.
fn keep_soft_hyphen_at_end(spans: &mut [Span]) {
    let last = spans.len().saturating_sub(1);
    for (i, span) in spans.iter_mut().enumerate() {
        if span.text.contains(SOFT_HYPHEN) {
            let ends = i == last && span.text.trim_end().ends_with(SOFT_HYPHEN);
            span.text = span.text.replace(SOFT_HYPHEN, "");
            if ends {
                span.text.push(SOFT_HYPHEN);
            }
        }
    }
}

/// A rectangle of the line's own frame, on the page.
fn turned(r: Rect, rotation: u16) -> Rect {
    match rotation {
        90 => Rect { x: -r.bottom(), y: r.x, w: r.h, h: r.w },
        180 => Rect { x: -r.right(), y: -r.bottom(), w: r.w, h: r.h },
        270 => Rect { x: r.y, y: -r.right(), w: r.h, h: r.w },
        _ => r,
    }
}
