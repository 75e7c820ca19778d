//! Lines and spans from ordered pieces.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::gaps;
use super::order::Placed;
use super::pieces::{Piece, share};
use super::script::{accented, logical_order};
use crate::document::page_text::{FontStyle, PageText, Rect, Span, TextLine};
use crate::document::pdf::glyph::{Glyph, PageGlyphs};

/// The page's text from `placed`, one line per row of pieces that follow each other on one baseline.
pub fn build(page: &PageGlyphs, placed: Vec<Placed>) -> PageText {
    let mut builder = Builder { page, styles: BTreeMap::new(), fonts: Vec::new(), last_font: None, lines: Vec::new() };
    let mut row: Vec<Placed> = Vec::new();
    for next in placed {
        if let Some(last) = row.last()
            && !follows(page, last, &next)
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
        unmapped: page.unmapped,
        undecoded: page.undecoded.clone(),
        notes: page.notes.clone(),
    }
}

/// `next` goes on in the line of `last`.
fn follows(page: &PageGlyphs, last: &Placed, next: &Placed) -> bool {
    let (a, b) = (&last.piece, &next.piece);
    last.region == next.region
        && a.rotation == b.rotation
        && a.visibility == b.visibility
        && a.on_line_with(b)
        && (b.x >= a.right - share(a.size.min(b.size), 20) || overflows_into(page, a, b))
}

/// A word too long for its narrow cell runs over into the next one, which begins on the same baseline where its column does:
/// `b` is that next cell. More than an em is no word that is a letter or two too long.
fn overflows_into(page: &PageGlyphs, a: &Piece, b: &Piece) -> bool {
    let glyph = |i: Option<&u32>| i.and_then(|i| page.glyphs.get(*i as usize)).map(|g| (g.font, g.color));
    a.baseline == b.baseline
        && glyph(a.glyphs.last()) == glyph(b.glyphs.first())
        // Text that was fitted to a width is a tenth smaller or larger than its neighbours.
        && (a.size - b.size).abs() * 10 <= a.size.max(b.size)
        && b.x >= a.x + a.size
        && b.right > a.right - a.size
        && a.right - b.x <= share(a.size, OVERFLOW)
}

/// A word that is too long for its cell reaches at most this far into the next one, in percent of its size.
const OVERFLOW: i32 = 130;

struct Builder<'p> {
    page: &'p PageGlyphs,
    styles: BTreeMap<FontStyle, u16>,
    fonts: Vec<FontStyle>,
    /// The style asked for last: neighbours mostly share it.
    last_font: Option<((u16, i32, u32), u16)>,
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
        let glyphs: Vec<&Glyph> = piece.glyphs.iter().map(|i| &self.page.glyphs[*i as usize]).collect();
        let breaks = gaps::breaks(self.page, piece, &glyphs);
        let texts: Vec<&str> = glyphs.iter().map(|g| self.page.text_of(g)).collect();
        if let Some(order) = logical_order(&texts) {
            return self.right_to_left(&glyphs, &texts, &breaks, &order, spans);
        }
        let mut open: Option<Span> = None;
        let letters = letters(&glyphs, &texts, &breaks);
        // Most pieces are one span, of letters of one byte and a space for every few.
        let room = letters.len() + letters.len() / 4;
        for letter in letters {
            let glyph = letter.glyph;
            let font = self.font_of(glyph);
            match open.as_mut() {
                Some(span) if span.font == font => {
                    if letter.begins_word && !span.text.ends_with(' ') {
                        span.text.push(' ');
                    }
                    push(&mut span.text, &letter.text);
                    span.w = span.w.max(glyph.right - span.x);
                }
                _ => {
                    if let Some(mut span) = open.take() {
                        if letter.begins_word {
                            span.text.push(' ');
                        } else {
                            // One word in two fonts: its spans touch.
                            span.w = span.w.max(glyph.x - span.x);
                        }
                        spans.push(span);
                    }
                    let mut text = String::with_capacity(if spans.is_empty() { room } else { 0 });
                    push(&mut text, &letter.text);
                    open = Some(Span { font, x: glyph.x, w: glyph.right - glyph.x, text });
                }
            }
        }
        spans.extend(open);
    }

    /// Appends a piece that is read from its right end, as one span.
    fn right_to_left(&mut self, glyphs: &[&Glyph], texts: &[&str], breaks: &[bool], order: &[usize], spans: &mut Vec<Span>) {
        let (Some(first), Some(last)) = (glyphs.first(), glyphs.last()) else { return };
        let mut text = String::new();
        let mut before: Option<usize> = None;
        for &k in order {
            if before.is_some_and(|b| (b.min(k) + 1..=b.max(k)).any(|i| breaks[i])) {
                text.push(' ');
            }
            text.push_str(texts[k]);
            before = Some(k);
        }
        let font = self.font_of(first);
        spans.push(Span { font, x: first.x, w: last.right - first.x, text });
    }

    fn font_of(&mut self, glyph: &Glyph) -> u16 {
        let key = (glyph.font, glyph.size, glyph.color);
        if let Some((known, index)) = self.last_font
            && known == key
        {
            return index;
        }
        let face = self.page.fonts.get(glyph.font as usize).cloned().unwrap_or_default();
        let style = FontStyle { name: face.name, size: glyph.size, bold: face.bold, italic: face.italic, color: glyph.color };
        let index = self.font(style);
        self.last_font = Some((key, index));
        index
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

/// Appends the text of a letter: mostly one byte, which is put there without a call that copies.
fn push(text: &mut String, letter: &str) {
    match letter.as_bytes() {
        [byte] => text.push(char::from(*byte)),
        _ => text.push_str(letter),
    }
}

/// A glyph with its text; an accent drawn over or under it is part of it.
struct Letter<'g> {
    glyph: &'g Glyph,
    text: Cow<'g, str>,
    begins_word: bool,
}

/// The letters of a piece: accents drawn apart joined to the letter that they overlap, before or after them.
fn letters<'g>(glyphs: &[&'g Glyph], texts: &[&'g str], breaks: &[bool]) -> Vec<Letter<'g>> {
    let overlap = |a: &Glyph, b: &Glyph| a.x < b.right && b.x < a.right;
    let mut out: Vec<Letter<'g>> = Vec::with_capacity(glyphs.len());
    let mut accent: Option<usize> = None;
    for (k, &glyph) in glyphs.iter().enumerate() {
        if let Some(mark) = accent.take()
            && let Some(whole) = accented(texts[mark], texts[k])
        {
            out.push(Letter { glyph, text: Cow::Owned(whole), begins_word: breaks[mark] || breaks[k] });
            continue;
        }
        if glyphs.get(k + 1).is_some_and(|n| overlap(glyph, n) && accented(texts[k], texts[k + 1]).is_some()) {
            accent = Some(k);
            continue;
        }
        match out.last_mut().filter(|l| overlap(l.glyph, glyph)).and_then(|l| accented(texts[k], &l.text).map(|w| (l, w))) {
            Some((letter, whole)) => letter.text = Cow::Owned(whole),
            None => out.push(Letter { glyph, text: Cow::Borrowed(texts[k]), begins_word: breaks[k] }),
        }
    }
    out
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
