//! An SVG of ours as PNG. Nothing outside the drawing is reached.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Tree};

/// Pixels for a point: what is small on a page is still read on a screen.
const SCALE: f32 = 2.0;
/// A poster is drawn smaller instead of larger than this, in pixels.
const LONGEST: f32 = 6_000.0;

/// `svg` as the bytes of a PNG.
///
/// # Errors
/// A sentence, if it does not parse or is too large for the memory.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
    let href = ImageHrefResolver { resolve_string: Box::new(|_, _| None), ..ImageHrefResolver::default() };
    let options = Options { image_href_resolver: href, ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|e| format!("its picture cannot be drawn: {e}"))?;
    let size = tree.size();
    let scale = SCALE.min(LONGEST / size.width().max(size.height()));
    let side = |points: f32| (points * scale).ceil().max(1.0) as u32;
    let mut pixels = Pixmap::new(side(size.width()), side(size.height())).ok_or("it has no pixels")?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| format!("its picture cannot be written as PNG: {e}"))
}
