//! Lines that look like headings: short, set in one style that is not that of running text, standing alone.
//! Adjacent lines of one heading are one block. Which styles really are headings is decided elsewhere (`ranks`).

use super::contents_page::Listings;
use super::furniture::Furniture;
use super::key::{numbering, printed_title};
use super::lines::{BookLines, FAR, Line, TypeStyle};

/// How a style stands out against running text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// As text, or less: italics, other colours, small type.
    None,
    /// Only bolder.
    Bold,
    /// Bolder and in another colour.
    Marked,
    /// Larger.
    Large,
}

/// A printed heading, or what looks like one. Lines `first..=last` of page `page`, from 0.
#[derive(Clone, Debug)]
pub struct Block {
    pub page: usize,
    pub first: usize,
    pub last: usize,
    pub title: String,
    pub style: usize,
    pub strength: Strength,
    /// Depth of its leading number, 0 if it has none.
    pub depth: u32,
    /// Baseline distance to the line below, 1/100 pt.
    pub below: i32,
    /// More space above than lines of text have, or nothing above.
    pub free_above: bool,
    /// More space below than lines of text have.
    pub free_below: bool,
    /// A quarter of a line more above and below than text has: hardly anything but a heading is set so.
    pub isolated: bool,
    /// Nearly half a line more above, and text in the usual type right below: the smallest heading of a book is often set so.
    pub tops_text: bool,
    /// No more space above than lines of text have.
    pub solid: bool,
    /// A cell of a row stands beside one of its lines.
    pub beside: bool,
    /// Half a line more above, nothing below: the heading of what goes on in the next column.
    pub last_of_column: bool,
}

/// More letters than this are a sentence: a heading is at most two or three lines of a column.
const MAX_LETTERS: usize = 120;

/// How `style` stands out against `body`. Type smaller than three quarters of the body is for captions and footnotes; a
/// tenth above it is the least that a reader takes for a larger size.
#[must_use]
pub fn strength(style: &TypeStyle, body: &TypeStyle) -> Strength {
    if style.size * 4 < body.size * 3 {
        Strength::None
    } else if style.size * 100 >= body.size * 109 {
        Strength::Large
    } else if style.bold && !body.bold {
        if style.color == body.color { Strength::Bold } else { Strength::Marked }
    } else {
        Strength::None
    }
}

/// All blocks of the book in reading order, without furniture and listings.
#[must_use]
pub fn heading_blocks(book: &BookLines, furniture: &Furniture, listings: &Listings) -> Vec<Block> {
    let body = book.body_style();
    let strengths: Vec<Strength> = book.styles.iter().map(|s| strength(s, &body)).collect();
    let mut blocks = Vec::new();
    for (p, page) in book.pages.iter().enumerate() {
        let mut next = 0;
        while next < page.lines.len() {
            let first = next;
            next += 1;
            let line = &page.lines[first];
            let listed = listings.holds(p) && !listings.titles.contains(&(p, first));
            if listed || furniture.holds(p, first) || !titular(line) || strengths[line.style] == Strength::None {
                continue;
            }
            while next < page.lines.len() && !furniture.holds(p, next) && goes_on(book, &page.lines[next - 1], &page.lines[next])
            {
                next += 1;
            }
            blocks.extend(block(book, p, first, next - 1, strengths[line.style]));
        }
    }
    blocks
}

fn titular(line: &Line) -> bool {
    line.seen && line.uniform && line.cells == 0 && line.key.chars().any(char::is_alphabetic)
}

/// Whether `next` is the second line of a heading that `line` begins: same style, and no more than the leading of its size
/// between them (headings are set with 1.0 to 1.3 of their size; between two headings there is more).
fn goes_on(book: &BookLines, line: &Line, next: &Line) -> bool {
    let gap = next.baseline - line.baseline;
    let size = book.styles[line.style].size;
    let overlaps = line.x.max(next.x) < line.right.min(next.right);
    next.style == line.style && titular(next) && overlaps && gap > size / 2 && gap * 100 <= size * 135
}

fn block(book: &BookLines, page: usize, first: usize, last: usize, strength: Strength) -> Option<Block> {
    let lines = &book.pages[page].lines;
    let title = printed_title(&lines[first..=last]);
    let depth = numbering(&lines[first].text).map_or(0, |n| n.0);
    let letters = title.chars().count();
    let stop = title.ends_with([',', ';', '.']) && !title.ends_with("..") && !title.ends_with(". .");
    let sentence = stop && strength != Strength::Large || title.ends_with(',');
    let long = strength != Strength::Large && (title.contains(';') || title.split_whitespace().count() > 12);
    let begins = title.chars().find(|c| c.is_alphanumeric());
    let aside = title.starts_with(['(', '[', '•', '►']) && strength != Strength::Large;
    let lower = begins.is_some_and(char::is_lowercase) && strength != Strength::Large;
    if letters > MAX_LETTERS || last - first > 3 || sentence || lower || aside || long {
        return None;
    }
    let (above, below) = (lines[first].above, lines[last].below);
    let style = lines[first].style;
    let set_off_above = above * 10 >= book.leading * 12;
    Some(Block {
        page,
        first,
        last,
        title,
        style,
        strength,
        depth,
        below,
        free_above: above * 10 >= book.leading * 13 || above == FAR,
        free_below: below != FAR && below * 100 >= book.leading * 102,
        isolated: set_off_above
            && below != FAR
            && below * 10 >= book.leading * 12
            && (above.min(FAR / 2) + below) * 2 >= book.leading * 5,
        tops_text: above != FAR
            && above * 5 >= book.leading * 7
            && lines.get(last + 1).is_some_and(|n| is_text_below(book, &lines[last], n)),
        solid: above != FAR && above * 100 < book.leading * 115,
        beside: lines[first..=last].iter().any(|l| l.beside),
        last_of_column: above != FAR && above * 2 >= book.leading * 3 && below == FAR,
    })
}

fn is_text_below(book: &BookLines, line: &Line, next: &Line) -> bool {
    let lighter = !book.styles[next.style].bold && next.lead_style == next.style;
    next.seen && lighter && next.cells == 0 && next.baseline > line.baseline && (next.x - line.x).abs() < 2000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(size: i32, bold: bool, color: u32) -> TypeStyle {
        TypeStyle { font: "F".into(), size, bold, italic: false, color }
    }

    #[test]
    fn size_then_weight_and_colour_make_strength() {
        let body = style(1000, false, 0);
        assert_eq!(strength(&style(1100, false, 0), &body), Strength::Large);
        assert_eq!(strength(&style(1000, true, 7), &body), Strength::Marked);
        assert_eq!(strength(&style(900, true, 0), &body), Strength::Bold);
        assert_eq!(strength(&style(700, true, 7), &body), Strength::None);
        assert_eq!(strength(&style(1050, false, 0), &body), Strength::None);
    }
}
