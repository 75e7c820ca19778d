//! The items of a file of another system, one by one: elements of an array, Documents of a store, nodes of a document
//! store, in the order of the file. Of a long file one item is in memory.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// What the items stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An array.
    Array,
    /// `documents` of a Haystack store.
    Documents,
    /// `docstore/data` of a LlamaIndex document store.
    Docstore,
}

/// Why reading stopped.
#[derive(Debug)]
pub enum Stop<E> {
    Json(serde_json::Error),
    /// JSON that holds no items: what it holds instead.
    Other(String),
    Taken(E),
}

/// Hands every item of `bytes` to `take`, with what it stands in and its JSON pointer, until that fails.
///
/// # Errors
/// What `take` says; what is wrong with the JSON; JSON of another shape.
pub fn each<E>(bytes: &[u8], take: impl FnMut(Holder, &str, Value) -> Result<(), E>) -> Result<(), Stop<E>> {
    let stopped = RefCell::new(None);
    let mut read = serde_json::Deserializer::from_slice(bytes);
    let top = Top { take, stopped: &stopped };
    let done = read.deserialize_any(top).and_then(|()| read.end());
    match (stopped.into_inner(), done) {
        (Some(stop), _) => Err(stop),
        (None, Err(error)) => Err(Stop::Json(error)),
        (None, Ok(())) => Ok(()),
    }
}

struct Top<'s, F, E> {
    take: F,
    stopped: &'s RefCell<Option<Stop<E>>>,
}

impl<F: FnMut(Holder, &str, Value) -> Result<(), E>, E> Top<'_, F, E> {
    fn take<X: Error>(&mut self, holder: Holder, place: &str, item: Value) -> Result<(), X> {
        (self.take)(holder, place, item).map_err(|error| self.stop(Stop::Taken(error)))
    }

    fn stop<X: Error>(&self, why: Stop<E>) -> X {
        *self.stopped.borrow_mut() = Some(why);
        X::custom("stopped")
    }

    fn other<X: Error>(&self, what: &str) -> X {
        self.stop(Stop::Other(what.to_owned()))
    }
}

impl<'de, F: FnMut(Holder, &str, Value) -> Result<(), E>, E> Visitor<'de> for Top<'_, F, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("items")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0_u64;
        while let Some(item) = items.next_element()? {
            self.take(Holder::Array, &format!("/{index}"), item)?;
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let mut found = false;
        let mut keys = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "documents" => entries.next_value_seed(Within(&mut self, Holder::Documents))?,
                "docstore/data" => entries.next_value_seed(Within(&mut self, Holder::Docstore))?,
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                    keys.push(key);
                    continue;
                }
            }
            found = true;
        }
        if found {
            return Ok(());
        }
        keys.truncate(6);
        Err(self.other(&match keys.is_empty() {
            true => "an empty object".to_owned(),
            false => format!("an object with `{}`", keys.join("`, `")),
        }))
    }

    fn visit_str<X: Error>(self, _: &str) -> Result<(), X> {
        Err(self.other("a text"))
    }

    fn visit_bool<X: Error>(self, _: bool) -> Result<(), X> {
        Err(self.other("a truth value"))
    }

    fn visit_i64<X: Error>(self, _: i64) -> Result<(), X> {
        Err(self.other("a number"))
    }

    fn visit_u64<X: Error>(self, _: u64) -> Result<(), X> {
        Err(self.other("a number"))
    }

    fn visit_f64<X: Error>(self, _: f64) -> Result<(), X> {
        Err(self.other("a number"))
    }

    fn visit_unit<X: Error>(self) -> Result<(), X> {
        Err(self.other("null"))
    }
}

/// The list or object at a key that holds items.
struct Within<'t, 's, F, E>(&'t mut Top<'s, F, E>, Holder);

impl<'de, F: FnMut(Holder, &str, Value) -> Result<(), E>, E> DeserializeSeed<'de> for Within<'_, '_, F, E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Holder, &str, Value) -> Result<(), E>, E> Visitor<'de> for Within<'_, '_, F, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.1 == Holder::Documents { "a list of Documents" } else { "nodes by id" })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self(top, holder) = self;
        let mut index = 0_u64;
        while let Some(item) = items.next_element()? {
            top.take(holder, &format!("/documents/{index}"), item)?;
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self(top, holder) = self;
        while let Some((key, item)) = entries.next_entry::<String, Value>()? {
            top.take(holder, &format!("/docstore~1data/{}", key.replace('~', "~0").replace('/', "~1")), item)?;
        }
        Ok(())
    }
}
