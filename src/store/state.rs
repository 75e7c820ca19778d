//! All records in memory, with the keys that changed since the last commit. Pure.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::records::{ActionResult, Adoption, Derived, FileEntry, LastBuild, Probe, Published, Reached, Remembered};
use crate::digest::Digest;

/// A record table: a sorted map that knows what changed, and what was asked for.
#[derive(Clone, Debug)]
pub struct Table<K: Ord, V> {
    map: BTreeMap<K, Slot<V>>,
    changed: BTreeSet<K>,
}

/// A record, and whether this process looked it up or stored it: what it needs, it has asked for.
#[derive(Debug)]
struct Slot<V> {
    value: V,
    asked: AtomicBool,
}

impl<V> Slot<V> {
    fn asked(value: V) -> Self {
        Self { value, asked: AtomicBool::new(true) }
    }

    fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl<V: Clone> Clone for Slot<V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), asked: AtomicBool::new(self.is_asked()) }
    }
}

impl<V: Serialize> Serialize for Slot<V> {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(s)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Slot<V> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self { value: V::deserialize(d)?, asked: AtomicBool::new(false) })
    }
}

impl<K: Ord, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { map: BTreeMap::new(), changed: BTreeSet::new() }
    }
}

impl<K: Ord + Clone, V: PartialEq> Table<K, V> {
    /// The record under `key`.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let slot = self.map.get(key)?;
        slot.asked.store(true, Ordering::Relaxed);
        Some(&slot.value)
    }

    /// The record under `key`, for one who only looks on: it is not asked for by that.
    pub fn peek<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.map.get(key).map(|slot| &slot.value)
    }

    /// Whether the record under `key` was asked for, or stored.
    pub fn is_asked<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.map.get(key).is_some_and(Slot::is_asked)
    }

    /// The records that were asked for, or stored, sorted by key.
    pub fn asked(&self) -> impl Iterator<Item = (&K, &V)> {
        self.map.iter().filter(|(_, slot)| slot.is_asked()).map(|(key, slot)| (key, &slot.value))
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Records that wait to be written.
    pub fn changed(&self) -> impl Iterator<Item = (&K, &V)> {
        self.changed.iter().filter_map(|k| self.map.get_key_value(k)).map(|(key, slot)| (key, &slot.value))
    }

    /// Whether the record under `key` waits to be written.
    pub fn is_pending(&self, key: &K) -> bool {
        self.changed.contains(key)
    }

    /// Stores `value`; an equal one is no change.
    pub fn put(&mut self, key: K, value: V) {
        if self.get(&key) != Some(&value) {
            self.changed.insert(key.clone());
            self.map.insert(key, Slot::asked(value));
        }
    }

    /// Forgets `key`.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if let Some((key, _)) = self.map.remove_entry(key) {
            self.changed.insert(key);
        }
    }

    /// Forgets every key that `wanted` does not take.
    pub fn keep(&mut self, wanted: impl Fn(&K) -> bool) {
        let gone: Vec<K> = self.map.keys().filter(|k| !wanted(k)).cloned().collect();
        gone.iter().for_each(|k| self.remove(k));
    }

    /// All records, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.map.iter().map(|(key, slot)| (key, &slot.value))
    }

    /// The record with the greatest key.
    pub fn last(&self) -> Option<(&K, &V)> {
        self.map.last_key_value().map(|(key, slot)| (key, &slot.value))
    }

    /// Records from `start` on, sorted by key.
    pub fn range_from<Q: Ord + ?Sized>(&self, start: &Q) -> impl Iterator<Item = (&K, &V)>
    where
        K: Borrow<Q>,
    {
        let range = self.map.range((std::ops::Bound::Included(start), std::ops::Bound::Unbounded));
        range.map(|(key, slot)| (key, &slot.value))
    }
}

/// One change for the database: encoded key, encoded value or nothing.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// A table as the database sees it.
pub trait Encoded {
    /// Every change since the last `settle`, encoded.
    fn changes(&self) -> Vec<Change>;
    /// The changes are durable.
    fn settle(&mut self);
    /// Adds a stored record; `None` if it does not decode.
    fn load(&mut self, key: &[u8], value: &[u8]) -> Option<()>;
    /// Whether anything waits to be written.
    fn is_changed(&self) -> bool;
    /// Lets every record wait to be written.
    fn change_all(&mut self);
}

impl<K, V> Encoded for Table<K, V>
where
    K: Ord + Clone + Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    fn changes(&self) -> Vec<Change> {
        let encode = |v: &V| postcard::to_stdvec(v).ok();
        self.changed
            .iter()
            .filter_map(|k| Some((postcard::to_stdvec(k).ok()?, self.map.get(k).and_then(|slot| encode(&slot.value)))))
            .collect()
    }

    fn settle(&mut self) {
        self.changed.clear();
    }

    fn load(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let slot = Slot { value: postcard::from_bytes(value).ok()?, asked: AtomicBool::new(false) };
        self.map.insert(postcard::from_bytes(key).ok()?, slot);
        Some(())
    }

    fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    fn change_all(&mut self) {
        self.changed.extend(self.map.keys().cloned());
    }
}

impl<K: Ord + Serialize, V: Serialize> Serialize for Table<K, V> {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.map.serialize(s)
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Table<K, V> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self { map: BTreeMap::deserialize(d)?, changed: BTreeSet::new() })
    }
}

/// Every table.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// Number of commits; tells a snapshot from a newer database.
    pub generation: u64,
    /// The source index, and every other file that was hashed: by path.
    pub files: Table<String, FileEntry>,
    /// The action cache: by action key.
    pub results: Table<Digest, ActionResult>,
    /// Last builds: by (job, rule, item), joined by NUL.
    pub last: Table<String, LastBuild>,
    /// Verdicts: by digest of all that the gate read.
    pub verdicts: Table<Digest, Remembered>,
    /// Merges and projections: by digest of what they were made from.
    pub derived: Table<Digest, Derived>,
    /// Published files: by (job, path), joined by NUL.
    pub published: Table<String, Published>,
    /// Tool versions: by command line, program and the environment that every command is given.
    pub probes: Table<String, Probe>,
    /// Items of each artifact in its last accepted build: by (job, path), joined by NUL.
    pub baselines: Table<String, u64>,
    /// What gates judged by, encoded by the engine: by the number that last builds hold.
    pub gates: Table<u32, Arc<[u8]>>,
    /// What the manifests of a rule's actions share, encoded by the engine: by the number that last builds hold.
    pub declarations: Table<u32, Arc<[u8]>>,
    /// Ids of builds: by the number that last builds hold.
    pub builds: Table<u32, String>,
    /// Published files that were adopted as edited by hand: by (job, path), joined by NUL.
    pub adoptions: Table<String, Adoption>,
    /// Since when no build has needed a result, merge, projection or verdict (seconds since 1970): by its key.
    pub unused: Table<Digest, i64>,
    /// What the last build of a job rested on beside results: by job.
    pub reached: Table<String, Reached>,
    /// Figures by name: see `totals`.
    pub figures: Table<String, u64>,
}

impl State {
    /// The tables in the order of `database::TABLES`.
    pub fn tables(&mut self) -> [&mut dyn Encoded; 15] {
        [
            &mut self.files,
            &mut self.results,
            &mut self.last,
            &mut self.verdicts,
            &mut self.derived,
            &mut self.published,
            &mut self.probes,
            &mut self.baselines,
            &mut self.gates,
            &mut self.declarations,
            &mut self.builds,
            &mut self.adoptions,
            &mut self.unused,
            &mut self.reached,
            &mut self.figures,
        ]
    }

    /// Drops gate lists, declarations and builds that no last build speaks of any more.
    pub fn drop_unnamed(&mut self) {
        let gates: BTreeSet<u32> = self.last.iter().map(|(_, l)| l.gates).collect();
        let builds: BTreeSet<u32> = self.last.iter().flat_map(|(_, l)| &l.history).map(|t| t.build).collect();
        let declared: BTreeSet<u32> = self.last.iter().map(|(_, l)| l.declared).collect();
        self.gates.keep(|n| gates.contains(n));
        self.declarations.keep(|n| declared.contains(n));
        self.builds.keep(|n| builds.contains(n));
    }

    /// Lets every record wait to be written: for a database that has none of them.
    pub fn change_all(&mut self) {
        self.tables().into_iter().for_each(Encoded::change_all);
    }

    /// Whether anything waits to be written.
    pub fn has_changes(&mut self) -> bool {
        self.tables().iter().any(|t| t.is_changed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equal_record_is_no_change() {
        let mut table: Table<String, u32> = Table::default();
        table.put("a".into(), 1);
        table.settle();
        table.put("a".into(), 1);
        assert!(!table.is_changed());
        table.remove("a");
        assert_eq!(table.changes(), vec![(postcard::to_stdvec("a").unwrap(), None)]);
    }
}
