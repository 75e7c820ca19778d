//! Items of arrays, source by source: paired by their ids, and where an id is another because the text is, by their place.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde_json::Value;
use serde_json::value::RawValue;

use super::artifacts::List;
use super::index::{Index, Items};
use super::{Change, ChangeKind, DiffError, Side, Sink, both, fields};

/// The entries of an item, not yet read.
type Entries<'t> = BTreeMap<String, &'t RawValue>;

/// An item, as it is written.
struct Item<'t> {
    id: String,
    /// How many before it have the same id.
    nth: u32,
    raw: &'t str,
    /// A field that is not of it: what stands there is compared by itself.
    without: Option<&'static str>,
    pointer: String,
}

/// One side of a source.
struct Half<'t> {
    path: &'t Path,
    /// What is said of the source itself, beside its items.
    heads: Vec<Item<'t>>,
    items: Vec<Item<'t>>,
}

/// Compares the arrays in two files. The sources that they have.
///
/// # Errors
/// As `super::compare`.
pub(super) fn compare(list: &List, paths: [&Path; 2], only: Option<&str>, sink: Sink<'_>) -> Result<Vec<String>, DiffError> {
    let (a, b) = both(paths, Index::of)?;
    let sources: BTreeSet<&String> = a.sources.keys().chain(b.sources.keys()).collect();
    for source_id in sources.iter().filter(|id| only.is_none_or(|only| only == id.as_str())) {
        let only_in = match (a.sources.get(*source_id), b.sources.get(*source_id)) {
            (Some(a), Some(b)) if a.digest == b.digest => continue,
            (Some(_), None) => Some(Side::A),
            (None, Some(_)) => Some(Side::B),
            _ => None,
        };
        let texts = (a.read(source_id)?, b.read(source_id)?);
        let halves = (half(list, source_id, &a.path, &texts.0)?, half(list, source_id, &b.path, &texts.1)?);
        let mut found = Found { source_id, only_in, changes: Vec::new() };
        found.pair("source", false, [(&halves.0.heads, halves.0.path), (&halves.1.heads, halves.1.path)])?;
        found.pair(list.what, list.by_text, [(&halves.0.items, halves.0.path), (&halves.1.items, halves.1.path)])?;
        // What has no page stands where its neighbour in B does.
        found.changes.sort_by_key(|(place, change)| (change.page(), *place));
        found.changes.into_iter().try_for_each(|(_, change)| sink(change))?;
    }
    Ok(sources.into_iter().cloned().collect())
}

fn half<'t>(list: &List, source_id: &str, path: &'t Path, text: &'t Items) -> Result<Half<'t>, DiffError> {
    let mut half = Half { path, heads: Vec::new(), items: Vec::new() };
    let mut seen = HashMap::new();
    for (index, raw) in text.each(path)? {
        let pointer = format!("/{index}");
        let Some(below) = list.below else {
            half.items.push(item(list.id, raw, pointer, &mut seen, path)?);
            continue;
        };
        let entries = entries_of(raw, &pointer, path)?;
        let pointer = format!("{pointer}/{below}");
        let Some(inner) = entries.get(below) else { return Err(DiffError::shape(path, &pointer, "there is no list here")) };
        let inner: Vec<&RawValue> =
            serde_json::from_str(inner.get()).map_err(|e| DiffError::shape(path, &pointer, &super::sentence(&e)))?;
        for (nth, raw) in inner.into_iter().enumerate() {
            half.items.push(item(list.id, raw, format!("{pointer}/{nth}"), &mut seen, path)?);
        }
        let nth = u32::try_from(half.heads.len()).unwrap_or(u32::MAX);
        half.heads.push(Item {
            id: source_id.to_owned(),
            nth,
            raw: raw.get(),
            without: list.below,
            pointer: format!("/{index}"),
        });
    }
    Ok(half)
}

fn entries_of<'t>(raw: &'t RawValue, pointer: &str, path: &Path) -> Result<Entries<'t>, DiffError> {
    serde_json::from_str(raw.get()).map_err(|e| DiffError::shape(path, pointer, &super::sentence(&e)))
}

fn item<'t>(
    id: &str,
    raw: &'t RawValue,
    pointer: String,
    seen: &mut HashMap<String, u32>,
    path: &Path,
) -> Result<Item<'t>, DiffError> {
    let entries = entries_of(raw, &pointer, path)?;
    let found: Option<String> = entries.get(id).and_then(|raw| serde_json::from_str(raw.get()).ok());
    let Some(found) = found else {
        return Err(DiffError::shape(path, &format!("{pointer}/{id}"), "there is no text here"));
    };
    let times = seen.entry(found.clone()).or_default();
    *times += 1;
    Ok(Item { id: found, nth: *times - 1, raw: raw.get(), without: None, pointer })
}

/// Where a change stands among those of one page: in B, and what is removed behind the item that stands before it in both.
type Place = (Option<usize>, usize);

struct Found<'s> {
    source_id: &'s str,
    only_in: Option<Side>,
    changes: Vec<(Place, Change)>,
}

impl Found<'_> {
    fn pair(&mut self, what: &str, by_text: bool, sides: [(&Vec<Item<'_>>, &Path); 2]) -> Result<(), DiffError> {
        let [(a, path_a), (b, path_b)] = sides;
        let key = |item: &Item<'_>| (item.id.clone(), item.nth);
        let in_a: HashMap<_, usize> = a.iter().enumerate().map(|(i, item)| (key(item), i)).collect();
        let twins: Vec<Option<usize>> = b.iter().map(|item| in_a.get(&key(item)).copied()).collect();
        let mut in_b = vec![None; a.len()];
        for (j, i) in twins.iter().enumerate() {
            if let Some(i) = i {
                in_b[*i] = Some(j);
            }
        }
        // What is on one side only, with the item before it that both have.
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        let mut before = None;
        for (i, j) in in_b.iter().enumerate() {
            match j {
                Some(j) => before = Some(*j),
                None => removed.push((before, i, parsed(&a[i], path_a)?)),
            }
        }
        before = None;
        for (j, i) in twins.iter().enumerate() {
            match i {
                None => added.push((before, j, parsed(&b[j], path_b)?)),
                Some(i) => {
                    before = Some(j);
                    if a[*i].raw != b[j].raw {
                        let (old, new) = (parsed(&a[*i], path_a)?, parsed(&b[j], path_b)?);
                        self.differs(what, (Some(j), 0), &b[j].id, &old, &new);
                    }
                }
            }
        }
        if !twins.iter().flatten().is_sorted() {
            let change = self.change(ChangeKind::Reordered, what, self.source_id, None, None);
            self.changes.push(((None, 0), change));
        }
        let replaced = if by_text { replacements(&removed, &added) } else { HashMap::new() };
        let mut gone: BTreeSet<usize> = BTreeSet::new();
        for (n, (before, j, new)) in added.iter().enumerate() {
            let old = replaced.get(&n).map(|m| &removed[*m]);
            let kind = if old.is_some() { ChangeKind::Replaced } else { ChangeKind::Added };
            let mut change = self.change(kind, what, &b[*j].id, old.map(|(_, _, v)| v), Some(new));
            if let Some((_, i, _)) = old {
                gone.insert(*i);
                change.old_id = Some(a[*i].id.clone());
            }
            self.changes.push(((*before, 1 + j), change));
        }
        for (before, i, old) in removed.iter().filter(|(_, i, _)| !gone.contains(i)) {
            let change = self.change(ChangeKind::Removed, what, &a[*i].id, Some(old), None);
            self.changes.push(((*before, 1 + i), change));
        }
        Ok(())
    }

    /// An item that both have, and that is not written the same.
    fn differs(&mut self, what: &str, place: Place, id: &str, old: &Value, new: &Value) {
        if let Some((kind, fields)) = how(old, new) {
            let mut change = self.change(kind, what, id, Some(old), Some(new));
            change.fields = fields;
            self.changes.push((place, change));
        }
    }

    fn change(&self, kind: ChangeKind, what: &str, id: &str, old: Option<&Value>, new: Option<&Value>) -> Change {
        let mut change = told(kind, what, id, old, new);
        change.source_id = Some(self.source_id.to_owned());
        change.source_only_in = self.only_in;
        change
    }
}

/// How two writings of one item differ, and in which fields; `None` if only in how they are written.
pub(super) fn how(old: &Value, new: &Value) -> Option<(ChangeKind, Vec<String>)> {
    let fields = fields::changed(old, new);
    match fields.is_empty() {
        false => Some((ChangeKind::Changed, fields)),
        true if fields::is_same(old, new) => None,
        true => Some((ChangeKind::Moved, fields)),
    }
}

/// A change, with all that the item says of itself.
pub(super) fn told(kind: ChangeKind, what: &str, id: &str, old: Option<&Value>, new: Option<&Value>) -> Change {
    let delta = |list, by| old.zip(new).and_then(|(old, new)| fields::delta(old, new, list, by));
    let shown = new.or(old);
    Change {
        change: kind,
        what: what.to_owned(),
        id: id.to_owned(),
        old_id: None,
        source_id: None,
        source_only_in: None,
        name: shown.map(fields::name).unwrap_or_default(),
        pages_a: old.and_then(fields::pages),
        pages_b: new.and_then(fields::pages),
        anchor: shown.and_then(fields::anchor),
        fields: Vec::new(),
        texts: old.zip(new).and_then(|(old, new)| fields::texts(old, new)),
        entities: delta("entities", ["kind", "name"]),
        references: delta("references", ["kind", "target"]),
    }
}

fn parsed(item: &Item<'_>, path: &Path) -> Result<Value, DiffError> {
    let value: Value = serde_json::from_str(item.raw).map_err(|e| DiffError::shape(path, &item.pointer, &super::sentence(&e)))?;
    match (value, item.without) {
        (Value::Object(mut entries), Some(list)) => {
            entries.remove(list);
            Ok(Value::Object(entries))
        }
        (value, _) => Ok(value),
    }
}

/// An item of one side only: what stands before it on both sides, where it stands, what it is.
type Lone = (Option<usize>, usize, Value);

/// Which of `removed` each of `added` stands in for: where behind an item that both have, one of a section (one of a type)
/// went and one came.
fn replacements(removed: &[Lone], added: &[Lone]) -> HashMap<usize, usize> {
    fn by_gap(lone: &[Lone]) -> BTreeMap<(Option<usize>, String), Vec<usize>> {
        let mut gaps: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (n, (before, _, item)) in lone.iter().enumerate() {
            // A chunk is of a section, an element of a type.
            let kin = ["/metadata/section_id", "/type"].map(|at| item.pointer(at).map(ToString::to_string).unwrap_or_default());
            gaps.entry((*before, kin.concat())).or_default().push(n);
        }
        gaps
    }
    let (gone, come) = (by_gap(removed), by_gap(added));
    let single = |(gap, new): (&(Option<usize>, String), &Vec<usize>)| match (gone.get(gap)?.as_slice(), new.as_slice()) {
        ([m], [n]) => Some((*n, *m)),
        _ => None,
    };
    come.iter().filter_map(single).collect()
}
