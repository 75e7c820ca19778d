//! Streams over JSON: the items of an artifact one by one, and the values at a pointer without building the rest.
//! An artifact is an array of items; anything else is one item. Memory stays that of one item, whatever the artifact's size.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A JSON pointer, taken apart. A segment `*` stands for every element of an array.
#[derive(Clone, Debug)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    pub(super) fn new(text: &str) -> Self {
        Self(text.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect())
    }

    /// Whether it may lead to nothing without anything being wrong: an array can be empty.
    pub(super) fn is_optional(&self) -> bool {
        self.0.iter().any(|segment| segment == "*")
    }

    /// Calls `found` with every value that it leads to from `value`, and the indexes that stood for `*`, in order.
    pub(super) fn find<'v>(&self, value: &'v Value, found: &mut dyn FnMut(&[usize], &'v Value)) {
        find(&self.0, value, &mut Vec::new(), found);
    }

    /// As text, below item `item` (None: the artifact is its only item), `stars` in the places of `*`.
    pub(super) fn resolved(&self, item: Option<usize>, stars: &[usize]) -> String {
        let mut stars = stars.iter();
        let mut text = item.map_or_else(String::new, |item| format!("/{item}"));
        for segment in &self.0 {
            text.push('/');
            match (segment.as_str(), stars.len()) {
                ("*", 1..) => text.push_str(&stars.next().map_or_else(String::new, usize::to_string)),
                _ => text.push_str(&escaped(segment)),
            }
        }
        text
    }
}

fn find<'v>(path: &[String], value: &'v Value, stars: &mut Vec<usize>, found: &mut dyn FnMut(&[usize], &'v Value)) {
    let Some((segment, below)) = path.split_first() else { return found(stars, value) };
    match value {
        Value::Object(entries) => {
            if let Some(value) = entries.get(segment) {
                find(below, value, stars, found);
            }
        }
        Value::Array(elements) if segment == "*" => {
            for (index, element) in elements.iter().enumerate() {
                stars.push(index);
                find(below, element, stars, found);
                stars.pop();
            }
        }
        Value::Array(elements) => {
            if let Some(element) = segment.parse().ok().and_then(|index: usize| elements.get(index)) {
                find(below, element, stars, found);
            }
        }
        _ => {}
    }
}

/// A key as a segment of a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A value found at a pointer.
pub(super) struct Found<'a> {
    /// Index of its item; None if the artifact is no array.
    pub(super) item: Option<usize>,
    /// Indexes that stood for `*`.
    pub(super) stars: &'a [usize],
    /// None: the item has nothing there.
    pub(super) value: Option<Value>,
}

/// Calls `found` for every value at `pointer`, in order; once with no value for an item that has none.
///
/// # Errors
/// What is wrong with the JSON.
pub(super) fn values_at(json: &str, pointer: &Pointer, found: &mut dyn FnMut(Found<'_>)) -> Result<(), serde_json::Error> {
    read(json, &mut Values { pointer, found })
}

/// Calls `found` with every wanted item (index, or None if the artifact is no array), in order.
///
/// # Errors
/// What is wrong with the JSON.
pub(super) fn items(
    json: &str,
    wanted: impl Fn(Option<usize>) -> bool,
    found: impl FnMut(Option<usize>, Value),
) -> Result<(), serde_json::Error> {
    read(json, &mut Items { wanted, found })
}

/// Number of items: elements of an array, else 1.
///
/// # Errors
/// What is wrong with the JSON.
pub(super) fn count(json: &str) -> Result<u64, serde_json::Error> {
    let mut count = Count(0);
    read(json, &mut count)?;
    Ok(count.0)
}

fn read(json: &str, reader: &mut impl ItemReader) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_any(Top(reader))?;
    deserializer.end()
}

/// Reads one item; it must take all of it.
trait ItemReader {
    fn read<'de, D: Deserializer<'de>>(&mut self, item: Option<usize>, element: D) -> Result<(), D::Error>;
}

struct Count(u64);

impl ItemReader for Count {
    fn read<'de, D: Deserializer<'de>>(&mut self, _: Option<usize>, element: D) -> Result<(), D::Error> {
        self.0 += 1;
        IgnoredAny::deserialize(element).map(drop)
    }
}

struct Items<W, F> {
    wanted: W,
    found: F,
}

impl<W: Fn(Option<usize>) -> bool, F: FnMut(Option<usize>, Value)> ItemReader for Items<W, F> {
    fn read<'de, D: Deserializer<'de>>(&mut self, item: Option<usize>, element: D) -> Result<(), D::Error> {
        if (self.wanted)(item) {
            (self.found)(item, Value::deserialize(element)?);
            Ok(())
        } else {
            IgnoredAny::deserialize(element).map(drop)
        }
    }
}

struct Values<'a> {
    pointer: &'a Pointer,
    found: &'a mut dyn FnMut(Found<'_>),
}

impl ItemReader for Values<'_> {
    fn read<'de, D: Deserializer<'de>>(&mut self, item: Option<usize>, element: D) -> Result<(), D::Error> {
        let mut any = false;
        let found = &mut *self.found;
        let mut report = |stars: &[usize], value| {
            any = true;
            found(Found { item, stars, value: Some(value) });
        };
        Walk { path: &self.pointer.0, stars: &mut Vec::new(), report: &mut report }.deserialize(element)?;
        if !any && !self.pointer.is_optional() {
            (self.found)(Found { item, stars: &[], value: None });
        }
        Ok(())
    }
}

/// The artifact itself: an array of items, or one item.
struct Top<'r, R>(&'r mut R);

struct ItemSeed<'r, R>(&'r mut R, usize);

impl<'de, R: ItemReader> DeserializeSeed<'de> for ItemSeed<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, element: D) -> Result<(), D::Error> {
        self.0.read(Some(self.1), element)
    }
}

/// Scalars, the same way for every visitor here.
macro_rules! scalars {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E: Error>(self, value: $type) -> Result<(), E> {
            self.scalar(value.into_deserializer())
        })*

        fn visit_unit<E: Error>(self) -> Result<(), E> {
            self.scalar(().into_deserializer())
        }
    };
}

impl<R: ItemReader> Top<'_, R> {
    fn scalar<'de, D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        self.0.read(None, value)
    }
}

impl<'de, R: ItemReader> Visitor<'de> for Top<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut index = 0;
        while elements.next_element_seed(ItemSeed(&mut *self.0, index))?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        self.0.read(None, MapAccessDeserializer::new(entries))
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
}

/// Follows a path; what lies beside it is passed over unread.
struct Walk<'a> {
    path: &'a [String],
    stars: &'a mut Vec<usize>,
    report: &'a mut dyn FnMut(&[usize], Value),
}

impl Walk<'_> {
    /// A scalar has nothing below it.
    #[allow(clippy::unused_self, reason = "the shape of `scalars!`")]
    fn scalar<'de, D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        if self.path.is_empty() {
            (self.report)(self.stars, Value::deserialize(value)?);
            Ok(())
        } else {
            value.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key::<Cow<'_, str>>()? {
            if key == self.path[0].as_str() {
                entries.next_value_seed(Walk { path: &self.path[1..], stars: &mut *self.stars, report: &mut *self.report })?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let every = self.path[0] == "*";
        let wanted: Option<usize> = self.path[0].parse().ok();
        for index in 0.. {
            if every || wanted == Some(index) {
                if every {
                    self.stars.push(index);
                }
                let below = Walk { path: &self.path[1..], stars: &mut *self.stars, report: &mut *self.report };
                let more = elements.next_element_seed(below)?;
                if every {
                    self.stars.pop();
                }
                if more.is_none() {
                    break;
                }
            } else if elements.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(json: &str, pointer: &str) -> Vec<String> {
        let pointer = Pointer::new(pointer);
        let mut all = Vec::new();
        let mut found = |f: Found<'_>| {
            let value = f.value.map_or_else(|| "nothing".to_owned(), |v| v.to_string());
            all.push(format!("{} {value}", pointer.resolved(f.item, f.stars)));
        };
        values_at(json, &pointer, &mut found).unwrap();
        all
    }

    #[test]
    fn values_are_found_with_their_place() {
        let json = r#"[{"id":"a","m":{"x/y":[1,2]}},{"id":null},{"m":3},"text"]"#;
        assert_eq!(at(json, "/id"), ["/0/id \"a\"", "/1/id null", "/2/id nothing", "/3/id nothing"]);
        assert_eq!(at(json, "/m/x~1y/1")[0], "/0/m/x~1y/1 2");
        assert_eq!(at(json, "/m/x~1y/*"), ["/0/m/x~1y/0 1", "/0/m/x~1y/1 2"]);
        assert_eq!(at(r#"{"nodes":[{"id":7},{"id":8}]}"#, "/nodes/*/id"), ["/nodes/0/id 7", "/nodes/1/id 8"]);
        assert_eq!(at(r#"[7,"x"]"#, ""), ["/0 7", "/1 \"x\""]);
    }

    #[test]
    fn items_are_counted() {
        for (json, n) in [("[]", 0), (" [1,[2,3],{}] ", 3), ("{}", 1), ("7", 1), ("\"x\"", 1), ("null", 1)] {
            assert_eq!(count(json).unwrap(), n, "{json}");
        }
        for json in ["", "[", "[1,]", "[] x", "{\"a\"}"] {
            assert!(count(json).is_err(), "{json}");
        }
    }
}
