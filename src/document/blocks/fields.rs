//! Field lines: `Label: value` paragraphs that stand together, as stat blocks and spell entries begin, become one block.

use super::assemble::{Block, Kind};
use crate::document::sentences;

/// Fewer labelled lines in a row are prose.
const FEWEST_FIELDS: usize = 3;
/// A label has at most this many words, a field at most this many code points: it is data, not a paragraph.
const LONGEST_LABEL_WORDS: usize = 4;
const LONGEST_FIELD_CHARS: usize = 200;
/// A sentence of fewer words may be a note to a value (`Reaction. Once a day.`).
const FEWEST_PROSE_WORDS: u32 = 6;

/// Groups runs of field paragraphs.
#[must_use]
pub fn group(blocks: Vec<Block<'_>>) -> Vec<Block<'_>> {
    let mut out: Vec<Block<'_>> = Vec::with_capacity(blocks.len());
    let mut run: Vec<Block<'_>> = Vec::new();
    for block in blocks {
        let joins = is_field(&block) && run.last().is_none_or(|last| last.sidebar == block.sidebar && close_by(last, &block));
        if !joins {
            flush(&mut run, &mut out);
        }
        if is_field(&block) {
            run.push(block);
        } else {
            out.push(block);
        }
    }
    flush(&mut run, &mut out);
    out
}

fn is_field(block: &Block<'_>) -> bool {
    let (label, value) = block.text.split_once(':').unwrap_or_default();
    let words = label.split_whitespace().count();
    block.kind == Kind::Paragraph
        && (1..=LONGEST_LABEL_WORDS).contains(&words)
        && label.chars().next().is_some_and(char::is_uppercase)
        && !label.ends_with(['.', '!', '?'])
        && block.text.chars().count() <= LONGEST_FIELD_CHARS
        && !is_prose(value)
        && block.breaks.is_empty()
        && block.places.len() == 1
}

/// Whether a value tells something: of several sentences, the last is more than a few words.
fn is_prose(value: &str) -> bool {
    let sentences = sentences::sentences(value);
    sentences.len() > 1 && sentences.last().is_some_and(|last| sentences::word_count(&value[last.clone()]) >= FEWEST_PROSE_WORDS)
}

/// On one page, at most about a line apart, in one column.
fn close_by(a: &Block<'_>, b: &Block<'_>) -> bool {
    let (Some((page_a, rect_a)), Some((page_b, rect_b))) = (a.places.last(), b.places.first()) else { return false };
    page_a == page_b && (0..=1500).contains(&(rect_b.y - rect_a.bottom() + 300)) && (rect_a.x - rect_b.x).abs() <= 2500
}

fn flush<'a>(run: &mut Vec<Block<'a>>, out: &mut Vec<Block<'a>>) {
    if run.len() < FEWEST_FIELDS {
        out.append(run);
        return;
    }
    let mut fields = run.drain(..);
    if let Some(mut block) = fields.next() {
        let mut places = block.places.clone();
        for next in fields {
            places.extend(next.places.iter().copied());
            block.text.push('\n');
            block.text.push_str(&next.text);
            if let (Some((_, rect)), Some((_, more))) = (block.places.last_mut(), next.places.first()) {
                *rect = rect.union(more);
            }
        }
        block.kind = Kind::Fields { places };
        out.push(block);
    }
}
