//! A table of records: what waits to be written, decoded, over what is written (`written`), which is asked on demand, a record
//! at a time. So a build holds what its last batch changed, however many records there are. Pure but for what it asks.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashSet, btree_map};
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys::{Held, Key};
use super::written::{Row, Rows, Written};

/// A sorted map of records that knows what changed, and, where that is wanted, what was asked for.
#[derive(Debug)]
pub struct Table<K: Ord, V> {
    /// What waits to be written: records, and `None` for those that go.
    pending: BTreeMap<K, Option<V>>,
    written: Written,
    asked: Option<Mutex<HashSet<u64>>>,
}

impl<K: Ord, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { pending: BTreeMap::new(), written: Written::default(), asked: None }
    }
}

impl<K: Ord, V> Table<K, V> {
    /// A table that notes what this process looked up or stored: what it needs, it has asked for. Of each key eight bytes are
    /// noted: a record may count as asked for that was not, and stays longer than it must.
    #[must_use]
    pub fn noting() -> Self {
        Self { asked: Some(Mutex::default()), ..Self::default() }
    }

    fn with_asked<T: Default>(&self, then: impl FnOnce(&mut HashSet<u64>) -> T) -> T {
        self.asked.as_ref().map_or_else(T::default, |asked| then(&mut asked.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl<K: Held, V: Clone + Serialize + DeserializeOwned> Table<K, V> {
    /// The record under `key`.
    pub fn get<Q: Key + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let found = self.peek(key)?;
        self.with_asked(|asked| {
            asked.insert(key.beginning());
        });
        Some(found)
    }

    /// The record under `key`, for one who only looks on: it is not asked for by that.
    pub fn peek<Q: Key + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        match self.pending.get(key) {
            Some(pending) => pending.clone(),
            None => self.written.decoded(self.written.get(&key.bytes())?.bytes()),
        }
    }

    /// Whether there is a record under `key`: for one who only looks on.
    pub fn has<Q: Key + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.pending.get(key).map_or_else(|| self.written.get(&key.bytes()).is_some(), Option::is_some)
    }

    /// Whether the record under `key` was asked for, or stored.
    pub fn is_asked<Q: Key + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.with_asked(|asked| asked.contains(&key.beginning()))
    }

    /// The records that were asked for, or stored, each as eight bytes that stand for its key (`Key::beginning`).
    pub fn asked(&self) -> Vec<u64> {
        self.with_asked(|asked| asked.iter().copied().collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        if self.written.is_empty() { self.pending.values().all(Option::is_none) } else { self.rows(&[]).next().is_none() }
    }

    /// Records that wait to be written.
    pub fn changed(&self) -> impl Iterator<Item = (&K, &V)> {
        self.pending.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)))
    }

    /// Whether the record under `key` waits to be written.
    pub fn is_pending(&self, key: &K) -> bool {
        self.pending.contains_key(key)
    }

    /// Stores `value`; an equal one is no change.
    pub fn put(&mut self, key: K, value: V) {
        self.with_asked(|asked| {
            asked.insert(key.beginning());
        });
        if !self.pending.contains_key(&key)
            && let Some(known) = self.written.get(&key.bytes())
            && postcard::to_stdvec(&value).is_ok_and(|encoded| encoded == known.bytes())
        {
            return;
        }
        self.pending.insert(key, Some(value));
    }

    /// Forgets `key`.
    pub fn remove<Q: Key + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.with_asked(|asked| {
            asked.remove(&key.beginning());
        });
        let bytes = key.bytes();
        if self.written.get(&bytes).is_none() {
            self.pending.remove(key);
        } else if let Some(key) = K::of_bytes(&bytes) {
            self.pending.insert(key, None);
        }
    }

    /// Forgets every key that `wanted` does not take.
    pub fn keep(&mut self, wanted: impl Fn(&K) -> bool) {
        let gone: Vec<K> = self.keys().filter(|k| !wanted(k)).collect();
        gone.iter().for_each(|k| self.remove(k));
    }

    /// All keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = K> {
        self.keys_of(&[])
    }

    /// Keys from `start` on, sorted.
    pub fn keys_from<Q: Key + ?Sized>(&self, start: &Q) -> impl Iterator<Item = K> + use<'_, K, V, Q>
    where
        K: Borrow<Q>,
    {
        self.keys_of(&start.bytes())
    }

    fn keys_of(&self, start: &[u8]) -> impl Iterator<Item = K> + use<'_, K, V> {
        self.merge(start, self.written.keys(start)).filter_map(|row| match row {
            Merged::Pending(key, _) => Some(key.clone()),
            Merged::Written(row) => K::of_bytes(row.key()),
        })
    }

    /// All records, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (K, V)> {
        self.records(&[])
    }

    /// The record with the greatest key; walks the whole table.
    pub fn last(&self) -> Option<(K, V)> {
        self.iter().last()
    }

    /// Records from `start` on, sorted by key.
    pub fn range_from<Q: Key + ?Sized>(&self, start: &Q) -> impl Iterator<Item = (K, V)> + use<'_, K, V, Q>
    where
        K: Borrow<Q>,
    {
        self.records(&start.bytes())
    }

    fn records(&self, start: &[u8]) -> impl Iterator<Item = (K, V)> + use<'_, K, V> {
        self.rows(start).filter_map(|row| match row {
            Merged::Pending(key, value) => Some((key.clone(), value.clone())),
            Merged::Written(row) => Some((K::of_bytes(row.key())?, self.written.decoded(row.value())?)),
        })
    }

    fn rows(&self, start: &[u8]) -> Merge<'_, K, V> {
        self.merge(start, self.written.rows(start))
    }

    fn merge(&self, start: &[u8], written: Rows) -> Merge<'_, K, V> {
        let from = K::of_bytes(start).map_or(Bound::Unbounded, Bound::Included);
        Merge { pending: self.pending.range((from, Bound::Unbounded)).peekable(), written: written.peekable() }
    }
}

/// Records of both kinds, sorted by key; what waits hides what is written.
struct Merge<'t, K, V> {
    pending: Peekable<btree_map::Range<'t, K, Option<V>>>,
    written: Peekable<Rows>,
}

#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
enum Merged<'t, K, V> {
    Pending(&'t K, &'t V),
    Written(Row),
}

impl<'t, K: Held, V> Iterator for Merge<'t, K, V> {
    type Item = Merged<'t, K, V>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((key, _)) = self.pending.peek() else { return self.written.next().map(Merged::Written) };
            if let Some(row) = self.written.next_if(|row| *row.key() < *key.bytes()) {
                return Some(Merged::Written(row));
            }
            self.written.next_if(|row| *row.key() == *key.bytes());
            if let Some((key, Some(value))) = self.pending.next() {
                return Some(Merged::Pending(key, value));
            }
        }
    }
}

/// One change for the database: encoded key, encoded value or nothing.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// A table as the database sees it.
pub trait Encoded {
    /// Every change since the last `settle`, encoded.
    fn changes(&self) -> Vec<Change>;
    /// What is written.
    fn written(&self) -> &Written;
    /// What is written is to be found here from now on.
    fn stands_on(&mut self, written: Written);
    /// The changes are durable, and part of what is written.
    fn settle(&mut self);
    /// Whether anything waits to be written.
    fn is_changed(&self) -> bool;
}

impl<K, V> Encoded for Table<K, V>
where
    K: Held,
    V: Serialize,
{
    fn changes(&self) -> Vec<Change> {
        let encode = |v: &V| postcard::to_stdvec(v).ok();
        self.pending.iter().map(|(k, v)| (k.bytes().into_owned(), v.as_ref().and_then(encode))).collect()
    }

    fn written(&self) -> &Written {
        &self.written
    }

    fn stands_on(&mut self, written: Written) {
        self.written = written;
    }

    fn settle(&mut self) {
        self.pending = BTreeMap::new();
    }

    fn is_changed(&self) -> bool {
        !self.pending.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::database::Database;
    use crate::store::state::State;

    /// A state whose table of baselines has so many records in the database, `pending` changes on top of which wait.
    fn state(written: &[(&str, u64)], pending: &[(&str, Option<u64>)]) -> (tempfile::TempDir, Database, State) {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&dir.path().join("state.redb")).unwrap();
        let mut state = State::default();
        written.iter().for_each(|(key, value)| state.baselines.put((*key).to_owned(), *value));
        database.write(&mut state, false).unwrap();
        for (key, value) in pending {
            match value {
                Some(value) => state.baselines.put((*key).to_owned(), *value),
                None => state.baselines.remove(*key),
            }
        }
        (dir, database, state)
    }

    fn all(state: &State) -> Vec<(String, u64)> {
        state.baselines.iter().collect()
    }

    #[test]
    fn an_equal_record_is_no_change_and_one_that_was_never_written_goes_without_a_trace() {
        let (_dir, _database, mut state) = state(&[("a", 1)], &[("a", Some(1)), ("b", Some(2)), ("b", None), ("c", None)]);
        assert!(!state.has_changes());
        state.baselines.remove("a");
        assert_eq!(state.baselines.changes(), vec![(b"a".to_vec(), None)]);
        assert_eq!((state.baselines.get("a"), state.baselines.has("a"), state.baselines.is_empty()), (None, false, true));
    }

    #[test]
    fn what_waits_hides_what_is_written_in_one_order() {
        let written = [("a", 1), ("aa", 2), ("b", 3), ("d", 4), ("e", 5)];
        let pending = [("", Some(0)), ("a", None), ("b", Some(30)), ("c", Some(6)), ("e", None), ("f", Some(7))];
        let (_dir, database, mut state) = state(&written, &pending);
        let expected = [("", 0), ("aa", 2), ("b", 30), ("c", 6), ("d", 4), ("f", 7)].map(|(k, v)| (k.to_owned(), v));
        for _ in 0..2 {
            assert_eq!(all(&state), expected);
            assert_eq!(state.baselines.keys().collect::<Vec<_>>(), expected.clone().map(|(k, _)| k));
            assert_eq!(state.baselines.range_from("b").collect::<Vec<_>>(), expected[2..]);
            assert_eq!(state.baselines.range_from("bb").next(), Some(expected[3].clone()));
            assert_eq!(state.baselines.last(), Some(expected[5].clone()));
            assert!(expected.iter().all(|(k, v)| state.baselines.get(k) == Some(*v)));
            assert!(["a", "e"].iter().all(|k| state.baselines.get(*k).is_none()));
            database.write(&mut state, false).unwrap();
        }
        state.baselines.keep(|key| key.len() == 2);
        assert_eq!(all(&state), [("aa".to_owned(), 2)]);
    }

    #[test]
    fn of_what_was_asked_for_a_few_bytes_are_kept_and_looking_on_asks_for_nothing() {
        let mut table: Table<String, u64> = Table::noting();
        table.put("stored".into(), 1);
        table.settle();
        assert_eq!((table.get("gone"), table.peek("stored")), (None, None));
        assert_eq!(["stored", "gone"].map(|k| table.is_asked(k)), [true, false]);
        assert_eq!(table.asked(), ["stored".beginning()]);
        table.remove("stored");
        assert!(!table.is_asked("stored"));
    }

    #[test]
    fn records_that_are_out_of_reach_are_not_taken_for_records_that_never_were() {
        let (_dir, database, mut state) = state(&[("a", 1)], &[]);
        state.read_from(&Arc::new(crate::store::reading::Reading::closed(database.trouble.clone())));
        assert_eq!(state.baselines.get("a"), None);
        assert!(database.trouble.failed().is_some());
    }
}
