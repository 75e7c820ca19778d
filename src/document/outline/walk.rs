//! The walk over the outline tree: first child, next sibling, without recursion.
//! An item is read once, wherever its pointers lead; what is cut short is noted.

use std::collections::{HashMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::destinations::Destinations;
use super::{OutlineEntry, PdfFrame, decode_text_string, sub_dictionary, value};

/// More entries than any book has pages.
const MAX_ENTRIES: usize = 100_000;

/// Reads the outline into `frame.entries`, and what was passed over into `frame.notes`.
pub(super) fn read_outline(document: &Document, pages: &HashMap<ObjectId, u32>, max_level: u32, frame: &mut PdfFrame) {
    let Some(root) = document.catalog().ok().and_then(|c| sub_dictionary(document, c, b"Outlines")) else { return };
    let destinations = Destinations::of(document, pages);
    let mut seen: HashSet<ObjectId> = HashSet::new();
    let mut counts = PassedOver { max_level, ..PassedOver::default() };
    let mut stack: Vec<(&Object, u32)> = root.get(b"First").ok().map(|first| (first, 1)).into_iter().collect();
    while let Some((pointer, level)) = stack.pop() {
        if frame.entries.len() >= MAX_ENTRIES {
            counts.too_many = true;
            break;
        }
        let Ok(id) = pointer.as_reference() else { continue };
        if !seen.insert(id) {
            counts.cycles += 1;
            continue;
        }
        let Ok(item) = document.get_dictionary(id) else {
            counts.missing += 1;
            continue;
        };
        // The sibling waits below the children.
        if let Ok(next) = item.get(b"Next") {
            stack.push((next, level));
        }
        if let Ok(first) = item.get(b"First") {
            stack.push((first, level + 1));
        }
        add_entry(document, &destinations, item, level, frame, &mut counts);
    }
    counts.tell(&mut frame.notes);
}

fn add_entry<'a>(
    document: &'a Document,
    destinations: &Destinations<'a>,
    item: &'a Dictionary,
    level: u32,
    frame: &mut PdfFrame,
    counts: &mut PassedOver,
) {
    let title = value(document, item, b"Title").and_then(|o| o.as_str().ok()).map_or_else(String::new, decode_text_string);
    if title.is_empty() {
        counts.untitled += 1;
        return;
    }
    let page = destinations.page_of_item(item);
    counts.dangling += usize::from(page.is_none());
    counts.too_deep += usize::from(level > counts.max_level);
    frame.entries.push(OutlineEntry { title, level: level.min(counts.max_level), page });
}

#[derive(Default)]
struct PassedOver {
    max_level: u32,
    cycles: usize,
    missing: usize,
    untitled: usize,
    dangling: usize,
    too_deep: usize,
    too_many: bool,
}

impl PassedOver {
    fn tell(&self, notes: &mut Vec<String>) {
        let mut tell = |count: usize, what: &str| {
            if count > 0 {
                notes.push(format!("outline: {count} {what}"));
            }
        };
        tell(self.cycles, "pointers lead back to an entry already read; passed over");
        tell(self.missing, "pointers lead to objects that are not there; passed over");
        tell(self.untitled, "entries without a title; passed over");
        tell(self.dangling, "entries with a destination that leads nowhere");
        let deeper = format!("entries deeper than {0} levels; kept at level {0} (`max_outline_depth`)", self.max_level);
        tell(self.too_deep, &deeper);
        if self.too_many {
            notes.push(format!("outline: read up to {MAX_ENTRIES} entries, the rest passed over"));
        }
    }
}
