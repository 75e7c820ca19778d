//! Undoing a splice: the items of a published array, told apart by the ids that they hold. Pure: bytes and ids, no records.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use serde_json::value::RawValue;

/// Where an item names its source.
pub const SOURCE: &str = "/source_id";
/// Where it may name its part.
pub const PART: [&str; 2] = ["/metadata/part_id", "/part_id"];

/// An item of the array: its place in it, and its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub index: usize,
    pub raw: &'a RawValue,
}

/// Why an item belongs nowhere: a pointer into the array, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    pub pointer: String,
    pub message: String,
}

impl Stray {
    fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// The items of an array.
///
/// # Errors
/// If the bytes are no JSON array.
pub fn entries(bytes: &[u8]) -> Result<Vec<Entry<'_>>, Stray> {
    let all: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|_| Stray::new("", "it is no JSON array"))?;
    Ok(all.into_iter().enumerate().map(|(index, raw)| Entry { index, raw }).collect())
}

/// Which item a name in an artifact means; `None` if several.
pub type Names = BTreeMap<String, Option<String>>;

/// Learns how `id` is named: by itself, and by what the entries of its own result hold at `pointers`.
pub fn learn(names: &mut Names, id: &str, result: &[u8], pointers: &[&str]) {
    let held = entries(result).unwrap_or_default().iter().filter_map(|e| id_at(e, pointers)).map(|(_, name)| name).collect();
    let all: BTreeSet<String> = held;
    for name in all.into_iter().chain([id.to_owned()]) {
        let meant = names.entry(name).or_insert_with(|| Some(id.to_owned()));
        if meant.as_deref() != Some(id) {
            *meant = None;
        }
    }
}

/// The items by the source that each names.
///
/// # Errors
/// For an item that names none, or one that is not among `known`.
pub fn by_source<'a>(all: &[Entry<'a>], known: &Names) -> Result<BTreeMap<String, Vec<Entry<'a>>>, Stray> {
    by(all, &[SOURCE], known, "source", "which the job does not have")
}

/// The items of one source by the part that each names. Where the source has one part, they need not name it.
///
/// # Errors
/// For an item that names none, or one that is not among `known`.
pub fn by_part<'a>(all: &[Entry<'a>], known: &Names, source: &str) -> Result<BTreeMap<String, Vec<Entry<'a>>>, Stray> {
    let ids: BTreeSet<&String> = known.values().flatten().collect();
    if let (1, Some(only)) = (ids.len(), ids.first())
        && all.iter().all(|e| id_at(e, &PART).is_none())
    {
        return Ok(BTreeMap::from([((*only).clone(), all.to_vec())]));
    }
    by(all, &PART, known, "part", &format!("which `{source}` does not have"))
}

fn by<'a>(
    all: &[Entry<'a>],
    pointers: &[&str],
    known: &Names,
    what: &str,
    unknown: &str,
) -> Result<BTreeMap<String, Vec<Entry<'a>>>, Stray> {
    let mut found: BTreeMap<String, Vec<Entry<'a>>> = BTreeMap::new();
    for entry in all {
        let Some((pointer, name)) = id_at(entry, pointers) else {
            let pointer = format!("/{}{}", entry.index, pointers.last().unwrap_or(&""));
            return Err(Stray::new(pointer, format!("it does not say which {what} it belongs to")));
        };
        let refused =
            |why: &str| Stray::new(format!("/{}{pointer}", entry.index), format!("it names the {what} `{name}`, {why}"));
        match known.get(&name) {
            Some(Some(id)) => found.entry(id.clone()).or_default().push(*entry),
            Some(None) => return Err(refused("which may be one of several")),
            None => return Err(refused(unknown)),
        }
    }
    Ok(found)
}

fn id_at<'p>(entry: &Entry<'_>, pointers: &[&'p str]) -> Option<(&'p str, String)> {
    let value: Value = serde_json::from_str(entry.raw.get()).ok()?;
    pointers.iter().find_map(|p| Some((*p, value.pointer(p)?.as_str()?.to_owned())))
}

/// The items as an array of their own, as raw bytes.
#[must_use]
pub fn array(entries: &[Entry<'_>]) -> Vec<u8> {
    let items: Vec<&str> = entries.iter().map(|e| e.raw.get()).collect();
    format!("[{}]", items.join(",\n")).into_bytes()
}

/// Whether two texts hold one JSON value, however they are written. What does not parse is the same only byte for byte.
#[must_use]
pub fn is_same(a: &[u8], b: &[u8]) -> bool {
    match (serde_json::from_slice(a), serde_json::from_slice(b)) {
        _ if a == b => true,
        (Ok(a), Ok(b)) => same(&a, &b),
        _ => false,
    }
}

/// The first item that stands elsewhere in `merged`.
#[must_use]
pub fn out_of_place(adopted: &[u8], merged: &[u8]) -> Option<usize> {
    let items = |bytes| serde_json::from_slice::<Vec<Value>>(bytes).unwrap_or_default();
    let (adopted, merged) = (items(adopted), items(merged));
    let first = adopted.iter().zip(&merged).position(|(a, b)| !same(a, b));
    first.or_else(|| (adopted.len() != merged.len()).then_some(adopted.len().min(merged.len())))
}

/// Equal values; `12` and `12.0` are one number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => x.len() == y.len() && x.iter().all(|(k, x)| y.get(k).is_some_and(|y| same(x, y))),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARRAY: &str = r#"[{"source_id":"a","part_id":"p","n":1.50}, {"source_id":"b","metadata":{"part_id":"q"}}]"#;

    fn ids(all: &[&str]) -> Names {
        all.iter().map(|s| ((*s).to_owned(), Some((*s).to_owned()))).collect()
    }

    #[test]
    fn an_item_is_also_known_by_the_name_that_its_own_result_gives_it() {
        let mut names = Names::new();
        learn(&mut names, "a.txt", ARRAY.as_bytes(), &PART);
        learn(&mut names, "b.txt", br#"[{"part_id":"p"}]"#, &PART);
        assert_eq!(names["q"].as_deref(), Some("a.txt"));
        assert_eq!((names["b.txt"].as_deref(), names["p"].as_deref()), (Some("b.txt"), None));
        let all = entries(ARRAY.as_bytes()).unwrap();
        assert!(by_part(&all, &names, "a").unwrap_err().message.ends_with("which may be one of several"));
    }

    #[test]
    fn items_go_to_the_source_and_the_part_that_they_name_as_raw_bytes() {
        let all = entries(ARRAY.as_bytes()).unwrap();
        let sources = by_source(&all, &ids(&["a", "b", "c"])).unwrap();
        assert_eq!(sources.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(String::from_utf8(array(&sources["a"])).unwrap(), r#"[{"source_id":"a","part_id":"p","n":1.50}]"#);
        let parts = by_part(&sources["b"], &ids(&["o", "q"]), "b").unwrap();
        assert_eq!(parts["q"][0].index, 1);
    }

    #[test]
    fn an_unknown_or_missing_id_is_told_with_its_place() {
        let all = entries(ARRAY.as_bytes()).unwrap();
        let stray = by_source(&all, &ids(&["a"])).unwrap_err();
        assert_eq!(stray, Stray::new("/1/source_id", "it names the source `b`, which the job does not have"));
        let stray = by_part(&all, &ids(&["p"]), "a").unwrap_err();
        assert_eq!(stray, Stray::new("/1/metadata/part_id", "it names the part `q`, which `a` does not have"));
        let nameless = entries(b"[{\"n\":1}]").unwrap();
        assert_eq!(by_source(&nameless, &Names::new()).unwrap_err().pointer, "/0/source_id");
        assert_eq!(by_part(&nameless, &ids(&["only"]), "a").unwrap()["only"].len(), 1);
        assert!(by_part(&nameless, &ids(&["one", "two"]), "a").is_err());
        assert!(entries(b"{}").is_err());
    }

    #[test]
    fn values_are_compared_and_not_how_they_are_written() {
        assert!(is_same(b"[1.0, {\"a\":1,\"b\":2}]", b"[1,{\"b\":2, \"a\":1}]"));
        assert!(!is_same(b"[1]", b"[1,2]") && !is_same(b"[{\"a\":1}]", b"[{\"b\":1}]"));
        assert_eq!(out_of_place(b"[1,2,3]", b"[1,3,2]"), Some(1));
        assert_eq!(out_of_place(b"[1,2,3]", b"[1,2]"), Some(2));
        assert_eq!(out_of_place(b"[1,2.0]", b"[1,2]"), None);
    }
}
