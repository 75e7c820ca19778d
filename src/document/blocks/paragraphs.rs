//! Where a paragraph goes on and where it ends: from white space, indents, short last lines and the type of two lines that
//! follow each other, within a column and over columns and pages.

use super::lines::Line;
use super::lists;
use super::metrics::Metrics;

/// A step down by more than this share of the leading is white space between paragraphs.
const SPACED_PERCENT: i32 = 112;
/// Sizes that differ by more than this share are different type.
const SAME_SIZE_PERCENT: i32 = 8;

/// What a line is appended to.
pub struct Open<'b, 'a> {
    /// First and last line so far.
    pub first: &'b Line<'a>,
    pub last: &'b Line<'a>,
    pub lines: usize,
    /// x of the text behind its marker, if it is a list item.
    pub item_text_x: Option<i32>,
}

/// Whether `line` goes on with `open`, both in one column, `line` after `open.last`.
#[must_use]
pub fn goes_on(open: &Open<'_, '_>, line: &Line<'_>, metrics: &Metrics) -> bool {
    let last = open.last;
    let (step, em) = (line.baseline - last.baseline, last.size());
    let leading = metrics.leading(em);
    if step.abs() <= leading * 4 / 10 {
        return line.rect.x >= last.rect.x || lists::marker(line).is_none();
    }
    if step < 0 {
        return runs_over(open, line, metrics);
    }
    if step * 100 > leading * SPACED_PERCENT || !same_type(last, line) {
        return false;
    }
    let (ended, full) = (ends_sentence(&last.text), is_full(last, line, metrics));
    if lists::marker(line).is_some() && !(full && !ended && is_chance_marker(open, line)) {
        return false;
    }
    if !full && (ended || !starts_lower(&line.text)) {
        return false;
    }
    if has_label(line) && (ended || has_label(open.first)) {
        return false;
    }
    match open.item_text_x {
        // Back at the margin behind a hanging item: a new paragraph, unless the sentence is not over.
        Some(text_x) if line.rect.x < text_x - em / 2 => {
            !ended || line.rect.x < open.first.rect.x + em / 2 && full && starts_lower(&line.text)
        }
        Some(text_x) => line.rect.x <= text_x + em || !ended,
        None => keeps_margin(open, line, ended),
    }
}

/// Whether a dash or number at the head of `line` is there by chance: in the middle of a sentence of a paragraph, or of a list
/// with other markers, where `line` keeps to the text's edge.
fn is_chance_marker(open: &Open<'_, '_>, line: &Line<'_>) -> bool {
    let is_bullet = |l: &Line<'_>| lists::is_bullet(&l.text);
    !is_bullet(line)
        && match open.item_text_x {
            None => line.rect.x < open.last.rect.x + line.size() / 2,
            Some(text_x) => is_bullet(open.first) && line.rect.x > text_x - line.size() / 2,
        }
}

/// Judges the left edge of `line` in a paragraph that is no list item.
fn keeps_margin(open: &Open<'_, '_>, line: &Line<'_>, ended: bool) -> bool {
    let em = line.size();
    let shift = line.rect.x - open.last.rect.x;
    if shift > em * 6 / 10 {
        return !ended;
    }
    // The first line may be indented; later ones share an edge, and leave it only where the block ends.
    shift >= -em * 6 / 10 || open.lines == 1 || !ended
}

/// Whether `line`, the first of a later column or page, goes on with `open`.
#[must_use]
pub fn runs_over(open: &Open<'_, '_>, line: &Line<'_>, metrics: &Metrics) -> bool {
    let last = open.last;
    if !same_type(last, line) || lists::marker(line).is_some() || last.is_bold() != line.is_bold() {
        return false;
    }
    let (ended, full) = (ends_sentence(&last.text), is_full(last, line, metrics));
    if starts_lower(&line.text) || last.text.ends_with([',', '-', '\u{ad}', '\u{2010}']) {
        return true;
    }
    if !full || has_label(line) {
        return false;
    }
    let shift = line.rect.x - metrics.column(line).left;
    match open.item_text_x {
        Some(text_x) => {
            let hang = text_x - metrics.column(open.first).left;
            !ended && (shift - hang).abs() <= line.size()
        }
        None => shift <= line.size() / 2 && (!ended || metrics.indents),
    }
}

/// Same size, and both set as text or both as display.
#[must_use]
pub fn same_type(a: &Line<'_>, b: &Line<'_>) -> bool {
    let alike = (a.size() - b.size()).abs() * 100 <= a.size().max(b.size()) * SAME_SIZE_PERCENT;
    // One short line of other weight and colour is a heading; within a paragraph, weight changes but colour does not.
    alike && (a.is_bold() == b.is_bold() || a.font.color == b.font.color)
}

/// Whether `last` is as long as its column allows: the first word of `next` would not have fitted behind it.
#[must_use]
pub fn is_full(last: &Line<'_>, next: &Line<'_>, metrics: &Metrics) -> bool {
    let column = metrics.column(last);
    let word = next.text.split_whitespace().next().map_or(0, |w| w.chars().count());
    let chars = i32::try_from(next.chars()).unwrap_or(i32::MAX).max(1);
    let width = i32::try_from(word + 1).unwrap_or(0).saturating_mul(next.rect.w / chars);
    // Half an em of doubt: widths are guessed from the mean width of a character.
    last.rect.right() + width + last.size() / 2 > column.right
}

/// Whether `text` ends as a sentence or a lead-in ends.
#[must_use]
pub fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(|c: char| c.is_whitespace() || "\"”’'»)]*".contains(c)).ends_with(['.', '!', '?', '…', ':'])
}

/// Whether `text` begins in the middle of a sentence.
#[must_use]
pub fn starts_lower(text: &str) -> bool {
    let first = text.chars().find(|c| !"\"“‘'([«".contains(*c));
    first.is_some_and(char::is_lowercase)
}

/// Whether `line` begins with a bold label: `Range:`, `Multiattack.`
#[must_use]
pub fn has_label(line: &Line<'_>) -> bool {
    line.bold_start > 0 && line.text.chars().take(line.bold_start).last().is_some_and(|c| c == ':' || c == '.')
}
