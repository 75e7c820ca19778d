//! What is said of an item that differs: where it stands, how it is called, and which of its fields are not the same.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Delta, Pages, Texts};

/// Fields that hold a page and nothing else: an item that differs in these alone has moved.
const PAGES: [&str; 3] = ["page", "page_start", "page_end"];

/// How much of a text stands for it, in characters.
const START: usize = 60;

/// How much of it stands before the first difference, in characters, at most.
const BEFORE: usize = 24;

/// Fields of objects that are looked into, so that what differs in them is named.
const OPENED: [&str; 2] = ["metadata", "quality"];

/// The pages on which an item stands.
pub(super) fn pages(item: &Value) -> Option<Pages> {
    let metadata = item.get("metadata").unwrap_or(&Value::Null);
    let of = |names: &[&str]| names.iter().find_map(|n| metadata.get(n).or_else(|| item.get(n)).and_then(Value::as_u64));
    let first = of(&["page_start", "page"])?;
    Some(Pages { first, last: of(&["page_end"]).unwrap_or(first).max(first) })
}

/// Where an item stands in a source without pages.
pub(super) fn anchor(item: &Value) -> Option<String> {
    let inner = item.get("metadata").and_then(|m| m.get("anchor"));
    inner.or_else(|| item.get("anchor")).and_then(Value::as_str).map(ToOwned::to_owned)
}

/// How people would call an item; "" if it has no name.
pub(super) fn name(item: &Value) -> String {
    let text = |key: &str| item.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
    if let Some(term) = text("term") {
        return text("kind").map_or_else(|| term.to_owned(), |kind| format!("{term} ({kind})"));
    }
    let name = ["title", "name", "text", "reason", "surface"].into_iter().find_map(text).unwrap_or_default();
    start(&in_a_line(name)).into_owned()
}

fn in_a_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn start(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(START) {
        Some((end, _)) => format!("{}…", &line[..end]).into(),
        None => line.into(),
    }
}

/// The texts of two items where they begin to differ; `None` if they do not, or in white space alone.
pub(super) fn texts(a: &Value, b: &Value) -> Option<Texts> {
    let line = |item: &Value| Some(in_a_line(item.get("text")?.as_str()?));
    let (a, b) = (line(a)?, line(b)?);
    if a == b {
        return None;
    }
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum::<usize>();
    // Back to where a word begins; the start of the text, if that is near.
    let first = a[..same].char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
    let word = if first == 0 { 0 } else { a[first..same].find(' ').map_or(same, |space| first + space + 1) };
    let from = |text: &str| format!("{}{}", if word > 0 { "…" } else { "" }, start(&text[word..]));
    Some(Texts { a: from(&a), b: from(&b) })
}

/// Equal as JSON, numbers by their value.
pub(super) fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || (x.as_f64() == y.as_f64() && (x.is_f64() || y.is_f64())),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| is_same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(k, x)| y.get(k).is_some_and(|y| is_same(x, y)))
        }
        _ => a == b,
    }
}

/// Pointers to the fields that are not the same, pages aside; empty if the pages alone differ.
pub(super) fn changed(a: &Value, b: &Value) -> Vec<String> {
    let (a, b) = (without_pages(a), without_pages(b));
    let mut found = Vec::new();
    match (&a, &b) {
        (Value::Object(a), Value::Object(b)) => entries(a, b, "", &mut found),
        _ if !is_same(&a, &b) => found.push(String::new()),
        _ => {}
    }
    found
}

fn entries(a: &Map<String, Value>, b: &Map<String, Value>, above: &str, found: &mut Vec<String>) {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for name in names {
        let pointer = format!("{above}/{}", name.replace('~', "~0").replace('/', "~1"));
        match (a.get(name), b.get(name)) {
            (Some(Value::Object(a)), Some(Value::Object(b))) if above.is_empty() && OPENED.contains(&name.as_str()) => {
                entries(a, b, &pointer, found);
            }
            (Some(a), Some(b)) if is_same(a, b) => {}
            _ => found.push(pointer),
        }
    }
}

fn without_pages(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries.iter().filter(|(name, v)| !(PAGES.contains(&name.as_str()) && (v.is_u64() || v.is_null())));
            Value::Object(kept.map(|(name, v)| (name.clone(), without_pages(v))).collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(without_pages).collect()),
        other => other.clone(),
    }
}

/// What the list `list` of an item gained and lost, each by two of its fields; `None` if that is nothing.
pub(super) fn delta(a: &Value, b: &Value, list: &str, named_by: [&str; 2]) -> Option<Delta> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for (item, by) in [(a, -1), (b, 1)] {
        for element in item.get(list).and_then(Value::as_array).into_iter().flatten() {
            let words = named_by.map(|field| element.get(field).and_then(Value::as_str).unwrap_or_default());
            *counts.entry(words.join(" ").trim().to_owned()).or_default() += by;
        }
    }
    let times = |sign: i64| {
        let all = counts.iter().filter(move |(_, n)| **n * sign > 0);
        all.flat_map(|(name, n)| std::iter::repeat_n(name.clone(), usize::try_from(n.abs()).unwrap_or(1))).collect::<Vec<_>>()
    };
    let delta = Delta { gained: times(1), lost: times(-1) };
    (delta != Delta::default()).then_some(delta)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_alone_are_no_change_and_all_else_is_named() {
        let item = |page: u64, text: &str, y: f64| {
            json!({"chunk_id": "c", "page": page, "text": text, "metadata": {
                "page_start": page, "page_end": page, "boxes": [{"page": page, "y": y}], "part_id": "p"}})
        };
        assert_eq!(changed(&item(1, "x", 2.0), &item(2, "x", 2.0)), Vec::<String>::new());
        assert_eq!(changed(&item(1, "x", 2.0), &item(1, "y", 2.5)), ["/metadata/boxes", "/text"]);
        assert_eq!(changed(&json!({"a": 1, "b/c": null}), &json!({"a": 1.0})), ["/b~1c"]);
        assert_eq!(changed(&json!({"a": 18446744073709551614_u64}), &json!({"a": 18446744073709551615_u64})), ["/a"]);
        assert_eq!(changed(&json!(1), &json!(2)), [""]);
        assert_eq!(changed(&json!({"value": {"page": "vellum"}}), &json!({"value": {"page": "paper"}})), ["/value"]);
    }

    #[test]
    fn an_item_tells_its_place_and_name() {
        let chunk = json!({"page": 3, "text": "a\n b", "metadata": {"page_start": 3, "page_end": 5, "anchor": null}});
        assert_eq!((pages(&chunk), name(&chunk).as_str()), (Some(Pages { first: 3, last: 5 }), "a b"));
        let section = json!({"title": "Spells", "page_start": null, "page_end": null, "anchor": "spells"});
        assert_eq!((pages(&section), anchor(&section).as_deref()), (None, Some("spells")));
        assert_eq!(name(&json!({"term": "Fireball", "kind": "spell", "name": "x"})), "Fireball (spell)");
        assert_eq!(name(&json!({"text": "é".repeat(61)})), format!("{}…", "é".repeat(60)));
    }

    #[test]
    fn texts_are_told_from_a_few_words_before_they_differ() {
        let told = |a: &str, b: &str| texts(&json!({"text": a}), &json!({"text": b})).map(|t| (t.a, t.b));
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(told("You roll 2d6.", "You roll 2d8."), pair("You roll 2d6.", "You roll 2d8."));
        let long = "One lamp burns in each of the seven towers of Größe";
        assert_eq!(
            told(long, &format!("{long}, and one beside.")),
            pair("…seven towers of Größe", "…seven towers of Größe, and one beside.")
        );
        assert_eq!(told("a  b\n", "a b"), None);
        assert_eq!(told(&"é".repeat(90), &format!("{}x", "é".repeat(89))), pair("…é", "…x"));
        assert_eq!(texts(&json!({}), &json!({"text": "x"})), None);
    }

    #[test]
    fn a_list_that_gained_and_lost() {
        let item =
            |names: &[&str]| json!({"entities": names.iter().map(|n| json!({"kind": "spell", "name": n})).collect::<Vec<_>>()});
        let delta = |a, b| delta(&item(a), &item(b), "entities", ["kind", "name"]);
        assert_eq!(delta(&["x", "y"], &["y", "x"]), None);
        let expected = Delta { gained: vec!["spell z".to_owned(); 2], lost: vec!["spell x".to_owned()] };
        assert_eq!(delta(&["x", "x", "y"], &["z", "x", "y", "z"]), Some(expected));
    }
}
