//! What was made of one page, drawn over the page itself: lines, elements in reading order, chunks. Lengths are points from the
//! top left of the page as it is seen. Knows nothing of where books, artifacts and caches lie.

pub mod background;
mod lettering;
pub mod raster;
mod svg;
mod text;

use serde::{Deserialize, Serialize};

use super::element::ElementType;
use super::page_text::{PageText, Visibility};

pub use svg::svg;
pub use text::start_of;

/// A rectangle on the page, in points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Area {
    fn right(&self) -> f64 {
        self.x + self.w
    }

    fn bottom(&self) -> f64 {
        self.y + self.h
    }

    /// The smallest area around both.
    fn union(&self, other: &Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Self { x, y, w: self.right().max(other.right()) - x, h: self.bottom().max(other.bottom()) - y }
    }

    /// Larger by `by` on every side.
    fn grown(&self, by: f64) -> Self {
        Self { x: self.x - by, y: self.y - by, w: self.w + 2.0 * by, h: self.h + 2.0 * by }
    }
}

/// All that is drawn over a page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Drawing {
    /// The book as people know it: its path below the sources folder.
    pub source: String,
    /// Physical, 1-based.
    pub page: u32,
    /// Pages of the book, if they were counted.
    pub pages: Option<u32>,
    /// Width and height of the page; `None` if nothing that was made of it tells.
    pub size: Option<(f64, f64)>,
    /// In reading order; `None` if they could not be had.
    pub lines: Option<Vec<Line>>,
    /// In reading order.
    pub elements: Vec<Shown>,
    /// In reading order.
    pub chunks: Vec<Outline>,
    /// What else is to be said, one sentence each.
    pub notes: Vec<String>,
}

/// A printed line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub area: Area,
    /// Column or other region of the page that it belongs to, numbered in reading order.
    pub region: u16,
    /// Why no reader sees it; `None` for what is seen.
    pub hidden: Option<String>,
}

/// An element, or as much of it as stands on the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    pub id: String,
    pub kind: ElementType,
    /// Level of a title, depth of a list item.
    pub level: Option<u32>,
    /// The start of its text.
    pub text: String,
    pub areas: Vec<Area>,
    /// Why it is no part of the text (`running_head`, `invisible`, …); `None` for text.
    pub left_out: Option<LeftOut>,
    pub sidebar: bool,
}

/// Why an element is in no chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeftOut {
    /// Such as `running_head`.
    Furniture(String),
    /// Such as `same_as_ground`.
    Hidden(String),
}

/// A chunk, or as much of it as stands on the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    pub id: String,
    /// The start of its text.
    pub text: String,
    pub areas: Vec<Area>,
    /// It began on an earlier page.
    pub began_before: bool,
    /// It goes on on a later page.
    pub goes_on: bool,
    pub tokens: u32,
}

impl Drawing {
    /// Takes over size and lines of what rule `text` read on the page.
    pub fn take_lines(&mut self, page: &PageText) {
        let points = |n: i32| f64::from(n) / 100.0;
        if page.width > 0 && page.height > 0 {
            self.size = Some((points(page.width), points(page.height)));
        }
        let line = |l: &super::page_text::TextLine| Line {
            area: Area { x: points(l.rect.x), y: points(l.rect.y), w: points(l.rect.w), h: points(l.rect.h) },
            region: l.region,
            hidden: match l.visibility {
                Visibility::Visible => None,
                Visibility::Invisible => Some("invisible".to_owned()),
                Visibility::SameAsGround => Some("same_as_ground".to_owned()),
                Visibility::OffPage => Some("off_page".to_owned()),
            },
        };
        self.lines = Some(page.lines.iter().map(line).collect());
        self.notes.extend(page.notes.iter().cloned());
    }

    /// Width and height of the page: as it was read, else of US Letter, larger if something stands beyond that.
    fn extent(&self) -> (f64, f64) {
        self.size.unwrap_or_else(|| {
            let areas = self.elements.iter().flat_map(|e| &e.areas).chain(self.chunks.iter().flat_map(|c| &c.areas));
            areas.fold((612.0, 792.0), |(w, h), a| (f64::max(w, a.right()).min(FAR), f64::max(h, a.bottom()).min(FAR)))
        })
    }
}

/// No page of a book is longer than this, in points: 200 inches.
const FAR: f64 = 14_400.0;
