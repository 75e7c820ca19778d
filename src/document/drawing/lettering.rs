//! Labels as shapes: outlines of a standard font that comes with the PDF reader. A drawing looks alike wherever it is opened,
//! and none of its text needs a font.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hayro_font::{Font, FontCache, FontGlyph, StandardFont};
use hayro_interpret::InterpreterSettings;

/// Letters in use, each with its outline once.
pub struct Lettering {
    font: Option<Font<'static>>,
    outlines: BTreeMap<char, String>,
}

impl Lettering {
    pub fn new() -> Self {
        let settings = InterpreterSettings::default();
        let font = FontCache::new().standard_font(StandardFont::HelveticaBold, &settings.font_resolver);
        Self { font, outlines: BTreeMap::new() }
    }

    /// Width of `text` at `size`.
    pub fn width(&self, text: &str, size: f64) -> f64 {
        text.chars().map(|c| self.advance(drawable(c))).sum::<f64>() * size / 1000.0
    }

    fn advance(&self, c: char) -> f64 {
        self.font.as_ref().map_or(600.0, |f| f.code_advance(u32::from(c)).x)
    }

    /// `text` with its baseline at (x, y); `attributes` are those of its group.
    pub fn write(&mut self, out: &mut String, text: &str, (x, y): (f64, f64), size: f64, attributes: &str) {
        let scale = size / 1000.0;
        let _ = write!(out, r#"<g {attributes} transform="translate({x:.2} {y:.2}) scale({scale:.5} -{scale:.5})">"#);
        let mut at = 0.0;
        for c in text.chars().map(drawable) {
            if c != ' ' {
                self.outline(c);
                let _ = write!(out, r##"<use href="#letter-{:x}" x="{at:.0}"/>"##, u32::from(c));
            }
            at += self.advance(c);
        }
        out.push_str("</g>");
    }

    fn outline(&mut self, c: char) {
        if self.outlines.contains_key(&c) {
            return;
        }
        let code = u32::from(c);
        let path = self.font.as_ref().map(|f| match f.glyph(f.map_code(code), code) {
            FontGlyph::Outline(glyph) => glyph.outline().to_svg(),
            FontGlyph::Type3(_) => String::new(),
        });
        self.outlines.insert(c, path.unwrap_or_default());
    }

    /// The letters that were written, to be defined before them.
    pub fn definitions(&self) -> String {
        let one = |(c, path): (&char, &String)| format!("<path id=\"letter-{:x}\" d=\"{path}\"/>", u32::from(*c));
        self.outlines.iter().map(one).collect()
    }
}

/// What the font has for certain; everything else is a question mark.
fn drawable(c: char) -> char {
    if (' '..='~').contains(&c) { c } else { '?' }
}
