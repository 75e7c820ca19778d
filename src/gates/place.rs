//! Where in a corpus a violation stands: ids and page of the objects around it, as far as the artifact tells.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::items;

/// What names an object, the most telling first.
const IDS: [&str; 5] = ["chunk_id", "element_id", "section_id", "part_id", "term_id"];

/// The place of `pointer` in `root`: for example `chunk-12ab…, core.pdf, page 7`; "" if nothing around it tells.
pub(super) fn of(root: &Value, pointer: &str) -> String {
    let (mut ids, mut source, mut page) = ([None; IDS.len()], None, None);
    let mut around = Some(root);
    for segment in std::iter::once(None).chain(pointer.split('/').skip(1).map(Some)) {
        around = match (around, segment) {
            (value, None) => value,
            (Some(Value::Array(elements)), Some(index)) => index.parse().ok().and_then(|i: usize| elements.get(i)),
            (Some(Value::Object(entries)), Some(key)) => entries.get(&key.replace("~1", "/").replace("~0", "~")),
            _ => None,
        };
        let Some(Value::Object(entries)) = around else { continue };
        let text = |key: &str| entries.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
        // An inner object names the place better than the one around it.
        ids.iter_mut().zip(IDS).for_each(|(id, key)| *id = text(key).or(*id));
        source = text("source_id").or(source);
        page = ["page", "page_start"].iter().find_map(|key| entries.get(*key).and_then(Value::as_u64)).or(page);
    }
    let page = page.map(|page| format!("page {page}"));
    let id = ids.into_iter().flatten().next();
    let parts = [id.map(shortened), source.map(shortened), page];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The places of items (by index; None is an artifact that is no array) of an artifact that is known to parse.
pub(super) fn of_items(json: &str, wanted: &BTreeSet<Option<usize>>) -> BTreeMap<Option<usize>, String> {
    let mut places = BTreeMap::new();
    if !wanted.is_empty() {
        let found = |item, value| drop(places.insert(item, of(&value, "")));
        // It was read once already: an error here would have been one there.
        let _ = items::items(json, |item| wanted.contains(&item), found);
    }
    places
}

/// An id is an id up to 60 characters; what is longer is no name for people.
fn shortened(id: &str) -> String {
    match id.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &id[..end]),
        None => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_object_names_the_place() {
        let root =
            serde_json::json!([{"source_id": "core.pdf", "sections": [{"section_id": "sec-1", "page_start": 3, "title": 7}]}]);
        assert_eq!(of(&root, "/0/sections/0/title"), "sec-1, core.pdf, page 3");
        assert_eq!(of(&root, "/0/sections"), "core.pdf");
        assert_eq!(of(&root, "/1/x/y"), "");
        let root = serde_json::json!([{"chunk_id": "chunk-1", "metadata": {"section_id": "sec-1", "page_start": 2}}]);
        assert_eq!(of(&root, "/0/metadata/section_id"), "chunk-1, page 2", "a chunk is named before its section");
    }
}
