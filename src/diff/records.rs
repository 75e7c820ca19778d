//! Objects that hold lists of records (the link graph): both sides are walked in the order of the records' keys, which is that
//! of the file; a file that is not sorted is sorted in memory first. What else the object has is compared field by field.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::Path;

use serde_json::Value;
use serde_json::value::RawValue;

use super::artifacts::Table;
use super::items::{how, told};
use super::read::Pull;
use super::{Change, ChangeKind, DiffError, Pages, Side, Sink, both};
use crate::digest::Digest;
use crate::disk;

/// A record, as it is written.
struct Record {
    /// Index of its table; one more than the last for another field of the object.
    table: usize,
    /// As the table sorts it.
    key: Vec<String>,
    raw: String,
    pointer: String,
}

impl Record {
    fn order(&self) -> (usize, &[String]) {
        (self.table, &self.key)
    }
}

/// The records of a file, one after another; the other fields of the object last.
struct Records<'t> {
    pull: Pull<File>,
    path: &'t Path,
    tables: &'t [Table],
    /// The table that is open, and how many of its records have been read.
    open: Option<(usize, u64)>,
    is_first: bool,
    is_read: bool,
    others: Vec<Record>,
}

impl<'t> Records<'t> {
    fn of(path: &'t Path, tables: &'t [Table]) -> Result<Self, DiffError> {
        let mut pull = Pull::new(path.to_path_buf(), disk::open(path)?);
        pull.open(b'{', "")?;
        Ok(Self { pull, path, tables, open: None, is_first: true, is_read: false, others: Vec::new() })
    }

    fn next(&mut self) -> Result<Option<Record>, DiffError> {
        loop {
            if let Some((table, index)) = self.open {
                if self.pull.goes_on(index == 0, b']')? {
                    self.open = Some((table, index + 1));
                    let list = &self.tables[table];
                    let pointer = format!("/{}/{index}", list.list);
                    let raw = self.pull.value()?.text;
                    let key = key(list, raw, &pointer, self.path)?;
                    return Ok(Some(Record { table, key, raw: raw.to_owned(), pointer }));
                }
                self.open = None;
            }
            if self.is_read {
                return Ok(self.others.pop());
            }
            if !self.pull.goes_on(self.is_first, b'}')? {
                self.pull.end()?;
                self.is_read = true;
                self.others.sort_by(|a, b| b.key.cmp(&a.key));
                continue;
            }
            self.is_first = false;
            let name = self.pull.key()?;
            let pointer = format!("/{name}");
            match self.tables.iter().position(|t| t.list == name) {
                Some(table) => {
                    self.pull.open(b'[', &pointer)?;
                    self.open = Some((table, 0));
                }
                None => {
                    let raw = self.pull.value()?.text.to_owned();
                    self.others.push(Record { table: self.tables.len(), key: vec![name], raw, pointer });
                }
            }
        }
    }
}

fn key(table: &Table, raw: &str, pointer: &str, path: &Path) -> Result<Vec<String>, DiffError> {
    let entries: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(raw).map_err(|e| DiffError::shape(path, pointer, &super::sentence(&e)))?;
    let text = |field: &&str| -> Result<String, DiffError> {
        let found = entries.get(*field).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let found = found.ok_or_else(|| DiffError::shape(path, &format!("{pointer}/{field}"), "there is no text here"))?;
        let (ranked, order) = table.ranks;
        if ranked != *field {
            return Ok(found);
        }
        let rank = order.iter().position(|value| *value == found).unwrap_or(order.len());
        Ok(format!("{rank:02} {found}"))
    };
    table.key.iter().map(text).collect()
}

/// A node: of which source it is, and where it stands.
#[derive(Clone, Copy)]
struct Stand {
    /// Index among the sources; `MANY` for what is of several, or of none.
    source: u32,
    page: u32,
}

const MANY: u32 = u32::MAX;

/// What has to be known of a file before its records are walked.
#[derive(Default)]
struct Survey {
    is_sorted: bool,
    sources: Vec<String>,
    /// Index of each source.
    known: BTreeMap<String, u32>,
    /// By digests of the ids: there are as many as chunks.
    stands: HashMap<u64, Stand>,
}

impl Survey {
    fn of(path: &Path, tables: &[Table]) -> Result<Self, DiffError> {
        let mut survey = Self { is_sorted: true, ..Self::default() };
        let mut records = Records::of(path, tables)?;
        let mut last: Option<Record> = None;
        while let Some(record) = records.next()? {
            survey.is_sorted &= last.as_ref().is_none_or(|last| last.order() <= record.order());
            if tables.get(record.table).is_some_and(|t| t.key == ["id"]) {
                let node: Value = parsed(&record, path)?;
                let page = node.get("page").and_then(Value::as_u64).and_then(|p| u32::try_from(p).ok()).unwrap_or(0);
                let source = source_of(&node).map_or(MANY, |id| {
                    *survey.known.entry(id.to_owned()).or_insert_with(|| {
                        survey.sources.push(id.to_owned());
                        u32::try_from(survey.sources.len() - 1).unwrap_or(MANY)
                    })
                });
                survey.stands.insert(short(&record.key[0]), Stand { source, page });
            }
            last = Some(record);
        }
        Ok(survey)
    }

    fn source(&self, id: &str) -> Option<&String> {
        self.stands.get(&short(id)).and_then(|stand| self.sources.get(stand.source as usize))
    }

    fn pages(&self, id: &str) -> Option<Pages> {
        let page = self.stands.get(&short(id)).map(|stand| u64::from(stand.page)).filter(|p| *p > 0)?;
        Some(Pages { first: page, last: page })
    }
}

fn short(id: &str) -> u64 {
    Digest::of(id.as_bytes()).beginning()
}

/// The source of a record that is of one.
fn source_of(record: &Value) -> Option<&str> {
    let only = || match record.get("source_ids").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) => only.as_str(),
        _ => None,
    };
    record.get("source_id").and_then(Value::as_str).or_else(only)
}

fn parsed(record: &Record, path: &Path) -> Result<Value, DiffError> {
    serde_json::from_str(&record.raw).map_err(|e| DiffError::shape(path, &record.pointer, &super::sentence(&e)))
}

/// Compares the objects in two files. The sources that they name.
///
/// # Errors
/// As `super::compare`.
pub(super) fn compare(tables: &[Table], paths: [&Path; 2], only: Option<&str>, sink: Sink<'_>) -> Result<Vec<String>, DiffError> {
    let (a, b) = both(paths, |path| Survey::of(path, tables))?;
    let mut walks = [walk(paths[0], tables, a.is_sorted)?, walk(paths[1], tables, b.is_sorted)?];
    let [walk_a, walk_b] = &mut walks;
    let (mut next_a, mut next_b) = (walk_a()?, walk_b()?);
    let teller = Teller { tables, a: &a, b: &b, only };
    loop {
        let order = match (&next_a, &next_b) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => a.order().cmp(&b.order()),
        };
        let old = if order.is_le() { std::mem::replace(&mut next_a, walk_a()?) } else { None };
        let new = if order.is_ge() { std::mem::replace(&mut next_b, walk_b()?) } else { None };
        if old.as_ref().zip(new.as_ref()).is_some_and(|(old, new)| old.raw == new.raw) {
            continue;
        }
        let values =
            (old.as_ref().map(|r| parsed(r, paths[0])).transpose()?, new.as_ref().map(|r| parsed(r, paths[1])).transpose()?);
        let Some(record) = new.as_ref().or(old.as_ref()) else { break };
        if let Some(change) = teller.told(record, values.0.as_ref(), values.1.as_ref()) {
            sink(change)?;
        }
    }
    let sources: BTreeSet<String> = a.sources.into_iter().chain(b.sources).collect();
    Ok(sources.into_iter().collect())
}

type Walk<'t> = Box<dyn FnMut() -> Result<Option<Record>, DiffError> + 't>;

/// The records of a file in the order of their keys.
fn walk<'t>(path: &'t Path, tables: &'t [Table], is_sorted: bool) -> Result<Walk<'t>, DiffError> {
    let mut records = Records::of(path, tables)?;
    if is_sorted {
        return Ok(Box::new(move || records.next()));
    }
    let mut all = Vec::new();
    while let Some(record) = records.next()? {
        all.push(record);
    }
    all.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut all = all.into_iter();
    Ok(Box::new(move || Ok(all.next())))
}

struct Teller<'t> {
    tables: &'t [Table],
    a: &'t Survey,
    b: &'t Survey,
    only: Option<&'t str>,
}

impl Teller<'_> {
    fn told(&self, record: &Record, old: Option<&Value>, new: Option<&Value>) -> Option<Change> {
        let (kind, fields) = match (old, new) {
            (Some(old), Some(new)) => how(old, new)?,
            (None, _) => (ChangeKind::Added, Vec::new()),
            (_, None) => (ChangeKind::Removed, Vec::new()),
        };
        let shown = new.or(old)?;
        let Some(table) = self.tables.get(record.table) else {
            // A figure of the job says nothing of one source.
            let mut change = told(kind, "figures", &record.key[0], old, new);
            change.fields = fields;
            return self.only.is_none().then_some(change);
        };
        let words: Vec<&str> = table.key.iter().filter_map(|field| shown.get(*field).and_then(Value::as_str)).collect();
        let mut change = told(kind, table.what, &words.join(" "), old, new);
        change.fields = fields;
        change.source_id = source_of(shown).map(ToOwned::to_owned);
        let ends = [shown.get("source"), shown.get("target")].map(|end| end.and_then(Value::as_str));
        if let [Some(from), Some(to)] = ends {
            self.place(&mut change, from, to, (old.is_some(), new.is_some()));
        }
        change.source_only_in = change.source_id.as_ref().and_then(|id| self.only_in(id));
        let is_of = |only: &str| {
            let several = shown.get("source_ids").and_then(Value::as_array).is_some_and(|ids| ids.iter().any(|id| id == only));
            several || change.source_id.as_deref() == Some(only)
        };
        let is_meant = self.only.is_none_or(is_of);
        is_meant.then_some(change)
    }

    fn only_in(&self, source_id: &str) -> Option<Side> {
        match (self.a.known.contains_key(source_id), self.b.known.contains_key(source_id)) {
            (true, false) => Some(Side::A),
            (false, true) => Some(Side::B),
            _ => None,
        }
    }

    /// An edge is of the source, and on the page, of the end that it leads from; where that is of none, of the other end.
    fn place(&self, change: &mut Change, from: &str, to: &str, (in_a, in_b): (bool, bool)) {
        let survey = if in_b { self.b } else { self.a };
        change.source_id = survey.source(from).or_else(|| survey.source(to)).cloned();
        let pages = |survey: &Survey| survey.pages(from).or_else(|| survey.pages(to));
        change.pages_a = in_a.then(|| pages(self.a)).flatten();
        change.pages_b = in_b.then(|| pages(self.b)).flatten();
    }
}
