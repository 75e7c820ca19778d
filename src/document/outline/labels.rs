//! Page labels of a PDF (ISO 32000-1, 12.4.2): ranges with a numbering style, a prefix and a start.
//! Knows nothing of the folios printed on the pages.

use lopdf::{Document, Object};

use super::destinations::tree_leaves;
use super::{decode_text_string, value};

/// One label per page, or nothing if the document has no usable /PageLabels.
pub(super) fn page_labels(document: &Document, pages: usize) -> Vec<String> {
    let Some(root) = document.catalog().ok().and_then(|c| c.get(b"PageLabels").ok()) else { return Vec::new() };
    let mut ranges: Vec<(usize, Range)> = Vec::new();
    for leaf in tree_leaves(document, root, b"Nums") {
        for pair in leaf.as_chunks::<2>().0 {
            let start = pair[0].as_i64().ok().and_then(|n| usize::try_from(n).ok());
            if let (Some(start), Some(range)) = (start, Range::read(document, &pair[1])) {
                ranges.push((start, range));
            }
        }
    }
    ranges.sort_by_key(|(start, _)| *start);
    if ranges.is_empty() {
        return Vec::new();
    }
    let mut labels = vec![String::new(); pages];
    for (i, (start, range)) in ranges.iter().enumerate() {
        let end = ranges.get(i + 1).map_or(pages, |(next, _)| (*next).min(pages));
        for (k, label) in labels.iter_mut().take(end).skip(*start).enumerate() {
            *label = range.label(k);
        }
    }
    labels
}

struct Range {
    style: u8,
    prefix: String,
    first: u32,
}

impl Range {
    fn read(document: &Document, object: &Object) -> Option<Self> {
        let range = super::resolve(document, object)?.as_dict().ok()?;
        let style = value(document, range, b"S").and_then(|o| o.as_name().ok()).and_then(|n| n.first().copied()).unwrap_or(0);
        let prefix = value(document, range, b"P").and_then(|o| o.as_str().ok()).map_or_else(String::new, decode_text_string);
        let first = value(document, range, b"St").and_then(|o| o.as_i64().ok()).and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
        Some(Self { style, prefix, first })
    }

    fn label(&self, offset: usize) -> String {
        let number = self.first.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
        let printed = match self.style {
            b'D' => number.to_string(),
            b'r' => roman(number),
            b'R' => roman(number).to_uppercase(),
            b'a' => alphabetic(number),
            b'A' => alphabetic(number).to_uppercase(),
            _ => String::new(),
        };
        format!("{}{printed}", self.prefix)
    }
}

/// A number in lower-case Roman numerals; as digits where Roman ones are no longer in use (0, from 4000).
#[must_use]
pub fn roman(number: u32) -> String {
    if number == 0 || number >= 4000 {
        return number.to_string();
    }
    const DIGITS: [(u32, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    let mut rest = number;
    let mut out = String::new();
    for (size, digit) in DIGITS {
        while rest >= size {
            out.push_str(digit);
            rest -= size;
        }
    }
    out
}

/// a … z, aa … zz, aaa … as the standard has it; as digits beyond 26 repetitions.
#[must_use]
pub fn alphabetic(number: u32) -> String {
    let Some(index) = number.checked_sub(1).filter(|i| *i < 26 * 26) else { return number.to_string() };
    let letter = char::from(b'a' + u8::try_from(index % 26).unwrap_or(0));
    std::iter::repeat_n(letter, usize::try_from(index / 26 + 1).unwrap_or(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::{alphabetic, roman};

    #[test]
    fn numerals_follow_the_standard() {
        assert_eq!(roman(1994), "mcmxciv");
        assert_eq!(alphabetic(27), "aa");
        assert_eq!(alphabetic(0), "0");
    }
}
