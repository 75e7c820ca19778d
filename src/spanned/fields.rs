//! TOML to values with their places: types and unknown keys. Goes on after a problem, so that all of them are reported.

use std::ops::Range;

use serde_json::{Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problems::{Problems, meant};
use super::{At, Named};

/// Hands the table that `text` writes to `read`; what is not TOML becomes a problem.
pub fn parse<T>(text: &str, problems: &mut Problems, read: impl FnOnce(&DeTable<'_>, &mut Problems) -> Option<T>) -> Option<T> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        // A file that ends too early has no offending text: point at its end.
        let span = error.span().unwrap_or(text.len()..text.len());
        problems.add(&span, format!("not TOML: {}", error.message()), "", "");
    }
    // What a syntax error leaves behind is not worth a second complaint.
    if errors.is_empty() { read(root.get_ref(), problems) } else { None }
}

/// A value and what to call it in messages.
#[derive(Clone, Copy)]
pub struct Element<'a, 'i> {
    pub name: &'a str,
    pub value: &'a Spanned<DeValue<'i>>,
}

/// A table and its place.
pub struct Table<'a, 'i> {
    pub table: &'a DeTable<'i>,
    pub span: Range<usize>,
}

/// The keys of a table that has known keys only.
pub struct Fields<'a, 'i> {
    table: &'a DeTable<'i>,
    span: Range<usize>,
    /// What has these keys, for messages.
    owner: &'a str,
    known: Vec<&'static str>,
}

impl<'a, 'i> Fields<'a, 'i> {
    /// `span` is where a missing key is reported.
    pub fn of(table: &'a DeTable<'i>, span: &Range<usize>, owner: &'a str) -> Self {
        Self { table, span: span.clone(), owner, known: Vec::new() }
    }

    pub fn optional<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        read: impl FnOnce(Element<'_, 'i>, &mut Problems) -> Option<T>,
    ) -> Option<T> {
        self.known.push(key);
        let value = self.table.get(key)?;
        read(Element { name: key, value }, problems)
    }

    pub fn required<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        read: impl FnOnce(Element<'_, 'i>, &mut Problems) -> Option<T>,
    ) -> Option<T> {
        if !has(self.table, key) {
            problems.add(&self.span, format!("{} needs `{key}`", self.owner), &format!("no `{key}`"), "");
        }
        self.optional(key, problems, read)
    }

    pub fn also_known(&mut self, key: &'static str) {
        self.known.push(key);
    }

    /// Reports the keys that nobody asked for.
    pub fn finish(self, problems: &mut Problems) {
        for (key, _) in self.table {
            if !self.known.contains(&key.get_ref().as_ref()) {
                let message = format!("unknown key `{}` in {}", key.get_ref(), self.owner);
                problems.add(&key.span(), message, "unknown key", meant(key.get_ref(), self.known.iter().copied()));
            }
        }
    }
}

pub fn has(table: &DeTable<'_>, key: &str) -> bool {
    table.contains_key(key)
}

pub fn table<'a, 'i>(element: Element<'a, 'i>, name: &str, problems: &mut Problems) -> Option<Table<'a, 'i>> {
    match element.value.get_ref().as_table() {
        Some(table) => Some(Table { table, span: element.value.span() }),
        None => wrong_type(Element { name, ..element }, "a table", problems),
    }
}

/// The entries of a table whose keys are the author's own, in the order of the file.
pub fn named<T>(
    element: Element<'_, '_>,
    name: &str,
    problems: &mut Problems,
    read: impl Fn(&At<String>, Element<'_, '_>, &mut Problems) -> Option<T>,
) -> Option<Named<T>> {
    let table = table(element, name, problems)?.table;
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut read_entries = Vec::new();
    for (key, value) in entries {
        let key = At { span: key.span(), value: key.get_ref().to_string() };
        if let Some(entry) = read(&key, Element { name: &key.value, value }, problems) {
            read_entries.push((key, entry));
        }
    }
    Some(Named(read_entries))
}

pub fn text_of(value: &Spanned<DeValue<'_>>) -> Option<At<String>> {
    Some(At { span: value.span(), value: value.get_ref().as_str()?.to_owned() })
}

pub fn string(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<String>> {
    text_of(element.value).or_else(|| wrong_type(element, "a string", problems))
}

pub fn strings(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<Vec<At<String>>>> {
    array(element, problems, "an array of strings", string)
}

pub fn array<T>(
    element: Element<'_, '_>,
    problems: &mut Problems,
    expected: &str,
    read: impl Fn(Element<'_, '_>, &mut Problems) -> Option<T>,
) -> Option<At<Vec<T>>> {
    let Some(values) = element.value.get_ref().as_array() else { return wrong_type(element, expected, problems) };
    let value = values.iter().filter_map(|value| read(Element { value, ..element }, problems)).collect();
    Some(At { span: element.value.span(), value })
}

pub fn boolean(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<bool>> {
    match element.value.get_ref() {
        DeValue::Boolean(value) => Some(At { span: element.value.span(), value: *value }),
        _ => wrong_type(element, "true or false", problems),
    }
}

pub fn integer(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<i64>> {
    match to_i64(element.value.get_ref()) {
        Some(value) => Some(At { span: element.value.span(), value }),
        None => wrong_type(element, "an integer", problems),
    }
}

pub fn natural(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<u64>> {
    match to_i64(element.value.get_ref()).and_then(|i| u64::try_from(i).ok()) {
        Some(value) => Some(At { span: element.value.span(), value }),
        None => wrong_type(element, "an integer, 0 or more", problems),
    }
}

pub fn number(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<Number>> {
    match element.value.get_ref() {
        DeValue::Integer(_) | DeValue::Float(_) => {
            let Some(Value::Number(number)) = json(element, problems) else { return None };
            Some(At { span: element.value.span(), value: number })
        }
        _ => wrong_type(element, "a number", problems),
    }
}

pub fn to_i64(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A param as JSON, keys sorted.
pub fn json(element: Element<'_, '_>, problems: &mut Problems) -> Option<Value> {
    match element.value.get_ref() {
        DeValue::String(text) => Some(Value::String(text.to_string())),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        value @ DeValue::Integer(_) => match to_i64(value) {
            Some(integer) => Some(Value::from(integer)),
            None => wrong_type(element, "an integer of 64 bits", problems),
        },
        DeValue::Float(float) => match float.as_str().parse().ok().and_then(serde_json::Number::from_f64) {
            Some(number) => Some(Value::Number(number)),
            None => wrong_type(element, "a finite number", problems),
        },
        DeValue::Array(values) => {
            values.iter().map(|value| json(Element { value, ..element }, problems)).collect::<Option<_>>().map(Value::Array)
        }
        DeValue::Table(table) => {
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by(|a, b| a.0.get_ref().cmp(b.0.get_ref()));
            let entry = |key: &str, value| Some((key.to_owned(), json(Element { name: key, value }, problems)?));
            let mut entry = entry;
            entries.into_iter().map(|(key, value)| entry(key.get_ref(), value)).collect::<Option<_>>().map(Value::Object)
        }
        DeValue::Datetime(_) => wrong_type(element, "a string, number, boolean, array or table", problems),
    }
}

pub fn wrong_type<T>(element: Element<'_, '_>, expected: &str, problems: &mut Problems) -> Option<T> {
    let found = match element.value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    problems.add(&element.value.span(), format!("`{}` must be {expected}", element.name), &format!("this is {found}"), "");
    None
}
