//! Fonts of a document, each loaded once: code → text and advance, name, weight and slant.
//! Knows nothing of where glyphs stand.

use std::collections::HashMap;

use hayro_font::{Font, FontCache, FontGlyph};
use hayro_interpret::InterpreterSettings;
use hayro_interpret::hayro_cmap::BfString;
use hayro_syntax::object::dict::keys::{
    BASE_FONT, CID_TO_GID_MAP, DESCENDANT_FONTS, ENCODING, FLAGS, FONT_BBOX, FONT_DESC, FONT_FILE, FONT_FILE2, FONT_FILE3,
    FONT_MATRIX, FONT_WEIGHT, ITALIC_ANGLE, NAME, SUBTYPE, TO_UNICODE, USE_CMAP,
};
use hayro_syntax::object::{Array, Dict, Name, ObjectIdentifier, Stream};
use unicode_normalization::UnicodeNormalization as _;

use super::character_map;
use super::glyph::FontFace;
use super::inflate::Budget;

/// Bits of /Flags in a font descriptor (ISO 32000-1, table 123).
const FLAG_ITALIC: i32 = 1 << 6;
const FLAG_FORCE_BOLD: i32 = 1 << 18;
/// Weights from semi-bold on stand out as bold on a page.
const BOLD_FROM: i32 = 600;
/// Streams of one font: its program, and the few character maps that refer to each other.
const MAX_STREAMS: usize = 32;
/// Advances of fonts are in thousandths of their size.
const ADVANCE_UNIT: f64 = 1000.0;
/// Codes of more than two bytes are not cached by index.
const INDEXED_CODES: u32 = 1 << 16;

/// What a code shows.
#[derive(Clone, Debug, Default)]
pub struct CodeInfo {
    /// "" if the font does not say.
    pub text: String,
    /// The text, if it is one character.
    pub letter: Option<char>,
    /// Advance along the line, in font sizes.
    pub advance: f64,
    /// The font has no Unicode value for the code.
    pub unmapped: bool,
}

/// A loaded font.
pub struct LoadedFont<'a> {
    font: Font<'a>,
    pub face: FontFace,
    /// Its lines run downwards.
    pub vertical: bool,
    /// Height of an em in units of the text space, for fonts that scale by a matrix of their own.
    pub em: f64,
    index: Vec<u32>,
    infos: Vec<CodeInfo>,
}

impl<'a> LoadedFont<'a> {
    /// The code at `at` and its length in bytes, at least 1.
    pub fn read_code(&self, bytes: &[u8], at: usize) -> (u32, usize) {
        let (code, length) = self.font.read_code(bytes, at);
        (code, length.max(1))
    }

    /// What `code` shows.
    pub fn info(&mut self, code: u32) -> &CodeInfo {
        let slot = if code < INDEXED_CODES { code as usize } else { 0 };
        if self.index.len() <= slot {
            self.index.resize(slot + 1, 0);
        }
        if self.index[slot] == 0 || code >= INDEXED_CODES {
            let info = self.look_up(code);
            self.infos.push(info);
            self.index[slot] = u32::try_from(self.infos.len()).unwrap_or(1);
        }
        &self.infos[self.index[slot] as usize - 1]
    }

    fn look_up(&self, code: u32) -> CodeInfo {
        let advance = self.font.code_advance(code);
        let unicode = match self.font.glyph(self.font.map_code(code), code) {
            FontGlyph::Outline(glyph) => glyph.as_unicode(),
            FontGlyph::Type3(glyph) => glyph.as_unicode(),
        };
        let text = match unicode {
            Some(BfString::Char(c)) => clean(&c.to_string()),
            Some(BfString::String(s)) => clean(&s),
            None => return CodeInfo { advance: along(advance, self.vertical), unmapped: true, ..CodeInfo::default() },
        };
        let mut chars = text.chars();
        let letter = chars.next().filter(|_| chars.next().is_none());
        CodeInfo { text, letter, advance: along(advance, self.vertical), unmapped: false }
    }
}

fn along(advance: hayro_interpret::kurbo::Vec2, vertical: bool) -> f64 {
    (if vertical { advance.y } else { advance.x }) / ADVANCE_UNIT
}

/// Text as it is stored: ligatures and other presentation forms taken apart, spaces plain, controls left out.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Alphabetic and Arabic presentation forms: ligatures and positional shapes of letters.
            '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' => out.extend(std::iter::once(c).nfkc()),
            // The bullet of symbol fonts, in their private encoding.
            '\u{f0b7}' | '\u{f0a7}' => out.push('•'),
            '\u{fffd}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' => {}
            c if c.is_whitespace() => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// The fonts met so far, by their object or their bytes.
pub struct FontStore<'a> {
    cache: FontCache<'a>,
    settings: InterpreterSettings,
    by_object: HashMap<ObjectIdentifier, Option<usize>>,
    by_bytes: HashMap<&'a [u8], Option<usize>>,
    pub fonts: Vec<LoadedFont<'a>>,
}

impl<'a> FontStore<'a> {
    pub fn new() -> Self {
        Self {
            cache: FontCache::new(),
            settings: InterpreterSettings::default(),
            by_object: HashMap::new(),
            by_bytes: HashMap::new(),
            fonts: Vec::new(),
        }
    }

    /// The index of the font that `dict` describes; `None` if it cannot be read.
    pub fn font(&mut self, dict: &Dict<'a>, budget: &Budget<'_>) -> Option<usize> {
        let known = match dict.obj_id() {
            Some(id) => self.by_object.get(&id),
            None => self.by_bytes.get(dict.data()),
        };
        if let Some(&index) = known {
            return index;
        }
        let index = if allows(dict, budget) { self.load(dict) } else { None };
        match dict.obj_id() {
            Some(id) => self.by_object.insert(id, index),
            None => self.by_bytes.insert(dict.data(), index),
        };
        index
    }

    fn load(&mut self, dict: &Dict<'a>) -> Option<usize> {
        let font = self.cache.font(dict, &self.settings.font_resolver, &self.settings.cmap_resolver)?;
        let vertical = !font.is_horizontal();
        self.fonts.push(LoadedFont { font, face: face(dict), vertical, em: em(dict), index: Vec::new(), infos: Vec::new() });
        Some(self.fonts.len() - 1)
    }
}

/// Whether the streams that loading a font decodes are within the limit.
fn allows(dict: &Dict<'_>, budget: &Budget<'_>) -> bool {
    let descendants = dict.get::<Array<'_>>(DESCENDANT_FONTS).map(|a| a.iter::<Dict<'_>>().take(1).collect()).unwrap_or_default();
    let fonts: Vec<Dict<'_>> = std::iter::once(dict.clone()).chain::<Vec<Dict<'_>>>(descendants).collect();
    let own = fonts.iter().flat_map(|d| [TO_UNICODE, ENCODING, CID_TO_GID_MAP].map(|key| d.get::<Stream<'_>>(key)));
    let descriptors = fonts.iter().filter_map(|d| d.get::<Dict<'_>>(FONT_DESC)).collect::<Vec<_>>();
    let programs = descriptors.iter().flat_map(|d| [FONT_FILE, FONT_FILE2, FONT_FILE3].map(|key| d.get::<Stream<'_>>(key)));
    let mut streams: Vec<Stream<'_>> = own.chain(programs).flatten().collect();
    let mut at = 0;
    while let Some(base) = streams.get(at).and_then(|s| s.dict().get::<Stream<'_>>(USE_CMAP)) {
        if streams.len() >= MAX_STREAMS {
            return false;
        }
        streams.push(base);
        at += 1;
    }
    if !streams.iter().all(|s| budget.allows(s)) {
        return false;
    }
    let maps = fonts.iter().flat_map(|d| [TO_UNICODE, ENCODING].map(|key| d.get::<Stream<'_>>(key))).flatten();
    let mut maps = maps.chain(streams.iter().filter(|s| s.dict().contains_key(USE_CMAP)).cloned());
    let sane = maps.all(|s| s.decoded_data().map_or(true, |data| character_map::is_sane(&data)));
    if !sane {
        budget.refuse();
    }
    sane
}

/// Name, weight and slant as the font's dictionaries and its name tell them.
fn face(dict: &Dict<'_>) -> FontFace {
    let descendant = dict.get::<Array<'_>>(DESCENDANT_FONTS).and_then(|a| a.iter::<Dict<'_>>().next());
    let descriptor = dict
        .get::<Dict<'_>>(FONT_DESC)
        .or_else(|| descendant.as_ref().and_then(|d| d.get::<Dict<'_>>(FONT_DESC)))
        .unwrap_or_default();
    let name = dict.get::<Name<'_>>(BASE_FONT).or_else(|| dict.get::<Name<'_>>(NAME));
    let name = name.map(|n| String::from_utf8_lossy(n.as_ref()).into_owned()).unwrap_or_default();
    let name = match name.split_once('+') {
        Some((tag, rest)) if tag.len() == 6 => rest.to_owned(),
        _ => name,
    };
    let flags = descriptor.get::<i32>(FLAGS).unwrap_or(0);
    let lower = name.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    let bold = flags & FLAG_FORCE_BOLD != 0
        || descriptor.get::<i32>(FONT_WEIGHT).is_some_and(|w| w >= BOLD_FROM)
        || says(&["bold", "black", "heavy"])
        || computer_modern_bold(&lower);
    let italic =
        flags & FLAG_ITALIC != 0 || descriptor.get::<f32>(ITALIC_ANGLE).is_some_and(|a| a != 0.0) || says(&["italic", "oblique"]);
    FontFace { name, bold, italic }
}

/// TeX's names say bold extended as `bx`, and its successors as `bx`, `sbx` or `b` after the family (`CMBX10`, `LMRoman12-Bold`).
fn computer_modern_bold(lower: &str) -> bool {
    let stem = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    ["cmbx", "cmssbx", "cmbxsl", "cmbxti", "sfbx", "ecbx", "ptmb", "phvb"].iter().any(|b| stem.starts_with(b))
}

/// Fonts drawn by content streams scale by a matrix of their own: their em is as high as their box.
fn em(dict: &Dict<'_>) -> f64 {
    if dict.get::<Name<'_>>(SUBTYPE).is_none_or(|s| s.as_ref() != b"Type3") {
        return 1.0;
    }
    let scale = dict.get::<[f64; 6]>(FONT_MATRIX).map_or(0.001, |m| m[3].abs());
    let height = dict.get::<[f64; 4]>(FONT_BBOX).map_or(0.0, |b| (b[3] - b[1]).abs());
    let em = scale * height;
    if em.is_finite() && em > 0.0 { em } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ligatures_come_apart_and_superscripts_stay() {
        assert_eq!(clean("ﬁre"), "fire");
        assert_eq!(clean("ﬄ"), "ffl");
        assert_eq!(clean("x²½"), "x²½");
        assert_eq!(clean("a\u{a0}b\u{ad}"), "a b\u{ad}");
    }
}
