//! What one page prints: lines in reading order with their geometry and fonts. The output of rule `text`, one file per page.
//! Lengths are integers in 1/100 pt, the origin is the top left corner of the page as it is seen (after /Rotate), y grows
//! downwards. Knows nothing of page numbers: a page is the same wherever it stands in its book.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::flow::FlowText;

/// One file of the tree that rule `text` writes: a page, or a whole unpaged document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TextUnit {
    Page(PageText),
    Flow(FlowText),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Page,
    Flow,
}

/// As derived, but where `kind` comes first, as we write it, a page is read once, and not first as anything and then as a page.
impl<'de> Deserialize<'de> for TextUnit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KindFirst)
    }
}

struct KindFirst;

impl<'de> Visitor<'de> for KindFirst {
    type Value = TextUnit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text of a page or of an unpaged document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TextUnit, A::Error> {
        let first: Option<String> = map.next_key()?;
        if first.as_deref() == Some("kind") {
            let kind = map.next_value()?;
            return read(kind, MapAccessDeserializer::new(map));
        }
        // Another program writes its keys in an order of its own.
        let mut all = serde_json::Map::new();
        if let Some(key) = first {
            all.insert(key, map.next_value()?);
        }
        while let Some((key, value)) = map.next_entry()? {
            all.insert(key, value);
        }
        let kind = all.remove("kind").ok_or_else(|| A::Error::missing_field("kind"))?;
        let kind = Kind::deserialize(kind).map_err(A::Error::custom)?;
        read(kind, serde_json::Value::Object(all)).map_err(A::Error::custom)
    }
}

fn read<'de, D: Deserializer<'de>>(kind: Kind, rest: D) -> Result<TextUnit, D::Error> {
    match kind {
        Kind::Page => PageText::deserialize(rest).map(TextUnit::Page),
        Kind::Flow => FlowText::deserialize(rest).map(TextUnit::Flow),
    }
}

/// A rectangle in 1/100 pt from the top left; `[x, y, w, h]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub w: i32,
    pub h: i32,
}

impl Rect {
    /// x of the right edge.
    #[must_use]
    pub fn right(&self) -> i32 {
        self.x + self.w
    }

    /// y of the bottom edge.
    #[must_use]
    pub fn bottom(&self) -> i32 {
        self.y + self.h
    }

    /// The smallest rectangle around both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Self { x, y, w: self.right().max(other.right()) - x, h: self.bottom().max(other.bottom()) - y }
    }
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageText {
    pub width: i32,
    pub height: i32,
    /// Fonts that spans refer to by index.
    pub fonts: Vec<FontStyle>,
    /// Lines in reading order.
    pub lines: Vec<TextLine>,
    /// Ruled lines and boxes drawn on the page (tables, sidebars), at most 500, in drawing order.
    pub shapes: Vec<Shape>,
    /// Number of images drawn.
    pub images: u32,
    /// Glyphs that no map turns into text.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unmapped: u32,
    /// Filters of what it would print and cannot be decoded, ascending, each once: the file is damaged there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecoded: Vec<String>,
    /// Facts worth reporting, such as a font without a ToUnicode map; one sentence each.
    pub notes: Vec<String>,
}

impl PageText {
    /// Whether anything on it that a reader sees can be read as text.
    #[must_use]
    pub fn has_text(&self) -> bool {
        let seen = self.lines.iter().filter(|l| l.visibility == Visibility::Visible);
        seen.flat_map(|l| &l.spans).any(|s| !s.text.trim().is_empty())
    }

    /// Whether it holds text that no reader sees.
    #[must_use]
    pub fn hides_text(&self) -> bool {
        self.lines.iter().any(|l| l.visibility != Visibility::Visible && l.spans.iter().any(|s| !s.text.trim().is_empty()))
    }

    /// Whether what it shows can be read from its picture only: it has images, drawings, or glyphs that no map turns into
    /// text (its notes say so), or what cannot be decoded, and no text.
    #[must_use]
    pub fn needs_ocr(&self) -> bool {
        !self.has_text() && (self.images > 0 || self.unmapped > 0 || !self.undecoded.is_empty() || !self.notes.is_empty())
    }
}

/// A font at a size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FontStyle {
    /// PostScript name without its subset tag ("" if unknown).
    pub name: String,
    /// Size as seen on the page, 1/100 pt.
    pub size: i32,
    pub bold: bool,
    pub italic: bool,
    /// Fill colour, 0xRRGGBB.
    pub color: u32,
}

/// Whether a reader of the page sees the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    #[default]
    Visible,
    /// Rendering mode 3, or clipped away.
    Invisible,
    /// The fill colour is that of the ground.
    SameAsGround,
    /// Outside the crop box.
    OffPage,
}

/// One printed line of one column; `[rect, baseline, region, spans, visibility, rotation]`, without the last two where they are 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextLine {
    pub rect: Rect,
    /// y of the baseline.
    pub baseline: i32,
    /// Region of the page that the line belongs to, numbered in reading order: lines of one column share it; a
    /// full-width heading between columns is a region of its own.
    pub region: u16,
    /// Left to right. A gap wider than about one em starts a new span, so that table cells are spans.
    pub spans: Vec<Span>,
    #[serde(default)]
    pub visibility: Visibility,
    /// Clockwise, degrees (0, 90, 180, 270; other angles to the nearest).
    #[serde(default)]
    pub rotation: u16,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(v: &u32) -> bool {
    *v == 0
}

/// A run of one font without a wide gap; `[font, x, w, text]`. `text` holds words separated by single spaces; a space at its end or start
/// means that a space stands between it and its neighbour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    pub font: u16,
    pub x: i32,
    pub w: i32,
    pub text: String,
}

impl TextLine {
    /// The text of the line; spans with a gap of their own are separated by one space.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(self.spans.iter().map(|span| span.text.len() + 1).sum());
        for (i, span) in self.spans.iter().enumerate() {
            if i > 0 && !out.ends_with(' ') && !span.text.starts_with(' ') {
                let before = &self.spans[i - 1];
                // Touching spans (a change of font inside a word) join; 0.12 em is half of a narrow word space.
                // Spans of one font are parted only by cells.
                if span.font == before.font || span.x - (before.x + before.w) > self.rect.h.max(100) * 12 / 100 {
                    out.push(' ');
                }
            }
            out.push_str(&span.text);
        }
        out.truncate(out.trim_end().len());
        out.drain(..out.len() - out.trim_start().len());
        out
    }
}

/// A drawn rectangle or ruled line (one side thinner than 2 pt).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    pub rect: Rect,
    pub filled: bool,
    /// 0xRRGGBB.
    pub color: u32,
}

// Of a page, names of fields would be half: what it is made of is written without them, and read either way.

impl Serialize for Rect {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        (self.x, self.y, self.w, self.h).serialize(s)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        (self.font, self.x, self.w, &self.text).serialize(s)
    }
}

impl Serialize for TextLine {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let (rect, spans) = (&self.rect, &self.spans);
        match (self.visibility, self.rotation) {
            (Visibility::Visible, 0) => (rect, self.baseline, self.region, spans).serialize(s),
            (visibility, rotation) => (rect, self.baseline, self.region, spans, visibility, rotation).serialize(s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_without_names_and_read_either_way() {
        let span = Span { font: 1, x: 5000, w: 800, text: "Orc".into() };
        let plain =
            TextLine { rect: Rect { x: 5000, y: 1, w: 800, h: 9 }, baseline: 8, spans: vec![span], ..TextLine::default() };
        let turned = TextLine { visibility: Visibility::OffPage, rotation: 90, ..plain.clone() };
        let written = [plain.clone(), turned.clone()].map(|line| serde_json::to_string(&line).unwrap());
        assert_eq!(written[0], r#"[[5000,1,800,9],8,0,[[1,5000,800,"Orc"]]]"#);
        assert_eq!(written[1], r#"[[5000,1,800,9],8,0,[[1,5000,800,"Orc"]],"off_page",90]"#);
        assert_eq!(written.map(|line| serde_json::from_str::<TextLine>(&line).unwrap()), [plain.clone(), turned]);
        let named = r#"{"rect":{"x":5000,"y":1,"w":800,"h":9},"baseline":8,"region":0,"spans":[{"font":1,"x":5000,"w":800,"text":"Orc"}]}"#;
        assert_eq!(serde_json::from_str::<TextLine>(named).unwrap(), plain);
    }

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let units = [TextUnit::Page(PageText { width: 7, ..PageText::default() }), TextUnit::Flow(FlowText::default())];
        for unit in units {
            let ours = serde_json::to_string(&unit).unwrap();
            assert!(ours.starts_with(r#"{"kind""#));
            assert_eq!(serde_json::from_str::<TextUnit>(&ours).unwrap(), unit);
            let kind_last = format!("{{{},{}}}", &ours[1..ours.len() - 1].split_once(',').unwrap().1, r#""kind":"KIND""#);
            let kind = if matches!(unit, TextUnit::Page(_)) { "page" } else { "flow" };
            assert_eq!(serde_json::from_str::<TextUnit>(&kind_last.replace("KIND", kind)).unwrap(), unit);
        }
        let without = serde_json::from_str::<TextUnit>(r#"{"width":1}"#).unwrap_err();
        assert!(without.to_string().contains("missing field `kind`"), "{without}");
    }
}
