//! Which styles a book sets its headings in, and which of two styles is the higher heading.
//! Teachers are entries whose place is known (outline, contents page); without them, a style is one of headings if most of
//! its lines stand as headings do. Knows nothing of titles.

use std::collections::{BTreeMap, BTreeSet};

use super::blocks::{Block, Strength};
use super::key::numbering;
use super::lines::{BookLines, TypeStyle};
use super::locate::Place;

/// What is known of one style.
#[derive(Clone, Debug, Default)]
struct Evidence {
    lines: usize,
    block_lines: usize,
    blocks: usize,
    taught: usize,
    /// Taught headings that begin with a number.
    taught_numbered: usize,
    /// Blocks that begin with a single number.
    counted: usize,
    /// Blocks right above text.
    topping: usize,
    /// Blocks set solid: no more space above them than between lines of text.
    solid: usize,
    /// Spaces below (in points) that its free-standing blocks share.
    usual_below: BTreeSet<i32>,
}

/// The heading styles of a book.
#[derive(Clone, Debug)]
pub struct Ranks {
    styles: Vec<TypeStyle>,
    strengths: Vec<Strength>,
    /// Styles of a larger size than text, by however little.
    larger: Vec<bool>,
    evidence: Vec<Evidence>,
    has_teachers: bool,
    has_outline: bool,
}

/// How sure a heading found by type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// In a style that stands out little, told by the space around it.
    Spaced,
    /// In a style of headings.
    Style,
    /// In a style that known headings are set in.
    Taught,
}

impl Ranks {
    /// Weighs all styles. `taught` are places of known headings.
    #[must_use]
    pub fn of(
        book: &BookLines,
        blocks: &[Block],
        taught: &[Place],
        has_outline: bool,
        counts: impl Fn(usize, usize) -> bool,
    ) -> Self {
        let body = book.body_style();
        let mut evidence = vec![Evidence::default(); book.styles.len()];
        for (p, page) in book.pages.iter().enumerate() {
            for (l, line) in page.lines.iter().enumerate().filter(|(l, line)| line.seen && counts(p, *l)) {
                let _ = l;
                evidence[line.style].lines += 1;
            }
        }
        for block in blocks {
            evidence[block.style].blocks += 1;
            evidence[block.style].counted += usize::from(block.depth == 1);
            evidence[block.style].topping += usize::from(block.tops_text);
            evidence[block.style].solid += usize::from(block.solid);
            evidence[block.style].block_lines += block.last - block.first + 1;
        }
        for place in taught.iter().filter(|p| !p.run_in) {
            let line = &book.pages[place.page].lines[place.first];
            evidence[line.style].taught += 1;
            evidence[line.style].taught_numbered += usize::from(numbering(&line.text).is_some());
        }
        for (style, e) in evidence.iter_mut().enumerate() {
            e.usual_below = usual_below(blocks.iter().filter(|b| b.style == style));
        }
        let strengths = book.styles.iter().map(|s| super::blocks::strength(s, &body)).collect();
        let larger = book.styles.iter().map(|s| s.size > body.size).collect();
        Self { styles: book.styles.clone(), strengths, larger, evidence, has_teachers: !taught.is_empty(), has_outline }
    }

    /// Whether `block` is a heading, and how sure that is.
    #[must_use]
    pub fn certainty(&self, block: &Block) -> Option<Certainty> {
        let e = &self.evidence[block.style];
        // Three teachers make a style one of headings, if they are a good part of what is set in it.
        let taught = e.taught >= 3 && e.taught * 2 >= e.blocks || e.taught > 0 && e.taught * 10 >= e.blocks * 9;
        let stands_alone = e.block_lines * 10 >= e.lines * 6;
        // Where the known headings of a style are numbered, what has no number is none of them.
        if block.depth == 0 && e.taught >= 3 && e.taught_numbered * 10 >= e.taught * 9 {
            return None;
        }
        match self.strengths[block.style] {
            Strength::None => None,
            Strength::Bold if self.has_teachers && e.taught * 5 >= e.blocks * 4 && block.free_above => Some(Certainty::Taught),
            Strength::Bold => {
                let usual = block.free_below && e.usual_below.contains(&(block.below / 100));
                let own_style = e.blocks >= 5 && e.block_lines * 10 >= e.lines * 8;
                // A single number before several bold lines counts the rows of a table or the items of a list.
                let spaced = usual
                    || block.isolated
                    || block.tops_text && e.topping >= 4
                    || block.last_of_column && !e.usual_below.is_empty();
                let sentence = block.title.ends_with('.') && !block.title.ends_with("..") && !block.title.ends_with(". .");
                let counted = block.depth == 1 && e.counted >= 3;
                // A line that is both larger and bolder, as no text of the book is, needs no others like it.
                let alone = e.block_lines == e.lines && self.larger[block.style] && block.tops_text;
                let spaced = spaced || alone;
                let set_off =
                    (block.free_above || block.isolated) && !block.beside && !counted && !sentence && (own_style || spaced);
                (!self.has_outline && (set_off || block.depth > 1 && block.free_above)).then_some(Certainty::Spaced)
            }
            _ if taught => Some(Certainty::Taught),
            // Labels inside a stat block or box: in colour, but set solid.
            Strength::Marked if e.solid * 2 > e.blocks => None,
            Strength::Marked | Strength::Large if stands_alone => Some(Certainty::Style),
            Strength::Marked | Strength::Large => None,
        }
    }

    /// Whether the style is one that known headings are set in.
    #[must_use]
    pub fn is_taught(&self, style: usize) -> bool {
        self.evidence.get(style).is_some_and(|e| e.taught >= 2)
    }

    /// Order of styles: the smaller, the higher the heading. Size first, then weight, slant and colour; headings of one
    /// style are told apart by the depth of their number.
    #[must_use]
    pub fn rank(&self, style: usize, depth: u32) -> Rank {
        let s = &self.styles[style];
        let plain = self.strengths[style] <= Strength::Bold;
        Rank { size: -s.size, light: !s.bold, slanted: s.italic, plain, depth: depth.max(1) }
    }
}

/// The spaces below (in points) that a good part of the free-standing blocks share: headings of one kind are all set with the
/// same space below them, bold lines that are none are not. Fewer than five show nothing.
fn usual_below<'a>(blocks: impl Iterator<Item = &'a Block>) -> BTreeSet<i32> {
    let mut counts: BTreeMap<i32, usize> = BTreeMap::new();
    for block in blocks.filter(|b| b.free_above && b.free_below) {
        *counts.entry(block.below / 100).or_default() += 1;
    }
    let total: usize = counts.values().sum();
    let near = |gap: i32| (gap - 1..=gap + 1).filter_map(|g| counts.get(&g)).sum::<usize>();
    counts.keys().copied().filter(|gap| near(*gap) >= 4 && near(*gap) * 5 >= total).collect()
}

/// See `Ranks::rank`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    size: i32,
    light: bool,
    plain: bool,
    slanted: bool,
    depth: u32,
}
