//! The typographic profile of a book, quantised so that a small edit does not change it.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::headings::frame::BookHeadings;
use crate::document::headings::lines::BookLines;
use crate::document::profile::{SourceProfile, Style};

/// A style that carries less than this share of the letters (in 1/10000), and no heading, is not listed.
const LEAST_SHARE: u64 = 5;

/// The profile of a paged source.
pub(super) fn of(source_id: &str, book: &BookLines, found: &BookHeadings) -> SourceProfile {
    let letters = book.letters_by_style();
    let total: u64 = letters.iter().sum::<u64>().max(1);
    // Colours and the fitted sizes of one face are one style here.
    let mut merged: BTreeMap<Style, u64> = BTreeMap::new();
    for (i, style) in book.styles.iter().enumerate() {
        let heading_level = found.style_levels.get(i).copied().flatten();
        if letters[i] == 0 || letters[i] * 10_000 < total * LEAST_SHARE && heading_level.is_none() {
            continue;
        }
        let half_points = u32::try_from((style.size + 25) / 50).unwrap_or(0).max(1);
        let key = Style { font: style.font.clone(), half_points, bold: style.bold, italic: style.italic, heading_level };
        *merged.entry(key).or_default() += letters[i];
    }
    let body = book.body_style();
    let mut styles: Vec<(Style, u64)> = merged.into_iter().collect();
    // Shares to a twentieth, then by name: two styles that are about as common do not change places over one word.
    styles.sort_by_key(|(style, n)| (std::cmp::Reverse(n * 20 / total), style.clone()));
    let is_body = |s: &Style| {
        s.font == body.font
            && i64::from(s.half_points) * 50 == i64::from(body.size)
            && s.bold == body.bold
            && s.italic == body.italic
    };
    let body_style = styles.iter().position(|(s, _)| is_body(s)).and_then(|i| u32::try_from(i).ok());
    let titles: BTreeSet<String> = found.listings.titles.iter().map(|(p, l)| book.pages[*p].lines[*l].text.clone()).collect();
    SourceProfile {
        source_id: source_id.to_owned(),
        styles: styles.into_iter().map(|(s, _)| s).collect(),
        running_heads: found.furniture.running_heads.iter().cloned().collect(),
        body_style,
        columns: columns(book),
        furniture_titles: titles.into_iter().collect(),
    }
}

/// Columns of most pages: how many widths of the usual text line fit beside one another on the page.
fn columns(book: &BookLines) -> u32 {
    let mut votes: BTreeMap<u32, u32> = BTreeMap::new();
    for page in &book.pages {
        let body = page.lines.iter().filter(|l| l.seen && Some(l.style) == book.body);
        let mut widths: Vec<i32> = body.map(|l| l.right - l.x).collect();
        if widths.len() < 10 {
            continue;
        }
        widths.sort_unstable();
        // Full lines are the upper part of the widths; ragged ends and indents the lower.
        let full = widths[widths.len() * 4 / 5].max(1);
        // Text covers about five sixths of the page's width.
        let columns = u32::try_from((page.width * 10 / 12 + full / 4) / full).unwrap_or(1).clamp(1, 4);
        *votes.entry(columns).or_default() += 1;
    }
    votes.iter().max_by_key(|(columns, n)| (**n, std::cmp::Reverse(**columns))).map_or(1, |(columns, _)| *columns)
}
