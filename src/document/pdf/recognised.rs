//! Text that OCR laid on the picture of a page: drawn in no colour (text rendering mode 3), where a reader sees the same words
//! in the picture. On a page that is a picture, it is the text of the page; elsewhere, it is text that is hidden.

use super::glyph::Glyph;
use super::matrix::Bounds;
use crate::document::page_text::Visibility;

/// Pictures cover at least this share of a page that is one.
const PICTURE_SHARE: f64 = 0.5;
/// So many letters drawn in no colour, at least, stand against one that a reader sees: a page of print whose ground is a
/// picture hides few, if any; a scan with a stamp on it shows few.
const AGAINST_SEEN: usize = 4;

/// What a page draws in no colour, and its pictures.
#[derive(Debug)]
pub(super) struct Recognised {
    /// Index and middle of each glyph.
    glyphs: Vec<(usize, f64, f64)>,
    /// Around all pictures.
    around: Bounds,
    /// Sum of the areas of pictures, pt².
    area: f64,
}

impl Default for Recognised {
    fn default() -> Self {
        Self { glyphs: Vec::new(), around: Bounds::EMPTY, area: 0.0 }
    }
}

impl Recognised {
    /// The glyph with that index is drawn in no colour, around a place.
    pub fn glyph(&mut self, index: usize, (x, y): (f64, f64)) {
        self.glyphs.push((index, x, y));
    }

    /// A picture is drawn; `bounds` lie on the page.
    pub fn picture(&mut self, bounds: &Bounds) {
        if bounds.x0 <= bounds.x1 && bounds.y0 <= bounds.y1 {
            self.around.add(bounds.x0, bounds.y0);
            self.around.add(bounds.x1, bounds.y1);
            self.area += area(bounds);
        }
    }

    /// Makes it visible on a page that is a picture.
    pub fn settle(self, page: &Bounds, glyphs: &mut [Glyph]) {
        let letters = |glyphs: &[Glyph]| glyphs.iter().filter(|g| g.visibility == Visibility::Visible && !g.space).count();
        if self.area.min(area(&self.around)) < PICTURE_SHARE * area(page) || self.glyphs.len() < AGAINST_SEEN * letters(glyphs) {
            return;
        }
        for (index, x, y) in self.glyphs {
            if let Some(glyph) = glyphs.get_mut(index).filter(|_| self.around.contains(x, y)) {
                glyph.visibility = Visibility::Visible;
            }
        }
    }
}

fn area(bounds: &Bounds) -> f64 {
    (bounds.x1 - bounds.x0).max(0.0) * (bounds.y1 - bounds.y0).max(0.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::document::page_text::Visibility;
    use crate::document::pdf::glyph::{Backend, read};
    use crate::document::pdf::sample;

    const SCANNED: &str = "q 612 0 0 792 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q ";
    const RECOGNISED: &str =
        "BT 3 Tr /F1 10 Tf 72 700 Td (Roll two dice and add the higher one) Tj 0 -14 Td (to the sum) Tj 0 Tr ET ";

    /// Numbers of glyphs of `content` that are seen, and that are not.
    fn seen(content: &str) -> (usize, usize) {
        let bytes: Arc<[u8]> = sample::from_contents(&[content.as_bytes().to_vec()]).into();
        let page = read(&bytes, Backend::Hayro, &crate::builtin::Limits::default()).unwrap().remove(0);
        let seen = page.glyphs.iter().filter(|g| g.visibility == Visibility::Visible).count();
        (seen, page.glyphs.len() - seen)
    }

    #[test]
    fn what_was_recognised_on_a_scan_is_its_text_whichever_is_drawn_first() {
        assert_eq!(seen(&format!("{SCANNED}{RECOGNISED}")), (46, 0));
        assert_eq!(seen(&format!("{RECOGNISED}{SCANNED}")), (46, 0));
        let strips: String = (0..9).map(|i| SCANNED.replace("612 0 0 792 0 0", &format!("612 0 0 88 0 {}", i * 88))).collect();
        assert_eq!(seen(&format!("{strips}{RECOGNISED}")), (46, 0));
        let stamp = "BT /F1 9 Tf 72 20 Td (order 17) Tj ET ";
        assert_eq!(seen(&format!("{SCANNED}{RECOGNISED}{stamp}")), (54, 0));
    }

    #[test]
    fn text_in_no_colour_is_hidden_on_a_page_that_is_no_scan() {
        assert_eq!(seen(RECOGNISED), (0, 46));
        let small = SCANNED.replace("612 0 0 792", "200 0 0 300");
        assert_eq!(seen(&format!("{small}{RECOGNISED}")), (0, 46));
        // A printed page on a painted ground.
        let printed = "BT /F1 10 Tf 72 500 Td (Fighters roll one die more) Tj ET ";
        assert_eq!(seen(&format!("{SCANNED}{printed}{RECOGNISED}")), (26, 46));
        let off = RECOGNISED.replace("72 700 Td", "9000 700 Td");
        assert_eq!(seen(&format!("{SCANNED}{off}")), (0, 46));
    }
}
