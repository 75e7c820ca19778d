//! What of the cache may go: results, merges, projections and verdicts that nothing needs, first those that are too old, then
//! those that were needed least recently, until the rest is below the bound; and blobs that no record leads to. Needed is
//! what the build asked its records for, and all that jobs lead to whose folders are there.
//!
//! Records go first and for good, blobs after that: a kill in between leaves blobs that no record leads to, never the
//! other way round. Decides over records; only `Collection::delete` touches the disk.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rayon::prelude::*;

use crate::digest::Digest;
use crate::store::cas::Cas;
use crate::store::records::{Reached, Stored};
use crate::store::state::State;

/// How much the cache may hold of what nothing needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes that all blobs may take on disk, needed or not.
    pub max_size: u64,
    /// Seconds since a build last needed it.
    pub max_age_s: i64,
}

impl Default for Bounds {
    /// 20 GiB and 30 days.
    fn default() -> Self {
        Self { max_size: 20 << 30, max_age_s: 30 * 86_400 }
    }
}

/// From where it is looked at.
pub struct View<'a> {
    /// The job that was just built, or planned.
    pub job: &'a str,
    /// The rules of the Ingestfile.
    pub rules: BTreeSet<&'a str>,
    /// All of it was looked at, and came out well: what was not asked for is not needed by it.
    pub is_whole: bool,
    /// Whether the folder of a job is there.
    pub exists: &'a dyn Fn(&str) -> bool,
    /// Seconds since 1970.
    pub now_s: i64,
}

/// What must stay, beside what this process asked its records for: what else the job and other jobs rest on. In a first
/// build that is next to nothing.
#[derive(Default)]
pub struct Needs {
    results: BTreeSet<Digest>,
    /// Merges, projections and verdicts, by the beginnings of their keys.
    others: HashSet<u64>,
}

/// The job that a record is about: what stands before the first NUL of its key.
fn job_of(key: &str) -> &str {
    key.split('\0').next().unwrap_or_default()
}

impl View<'_> {
    fn is_current(&self, state: &State, key: &str) -> bool {
        let mut parts = key.split('\0');
        let (job, rule) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if job != self.job {
            return (self.exists)(job);
        }
        state.last.is_asked(key) || (!self.is_whole && self.rules.contains(rule))
    }
}

impl Needs {
    /// What other jobs lead to, and this one where it was not asked for.
    #[must_use]
    pub fn of(state: &State, view: &View<'_>) -> Self {
        let current = state.last.iter().filter(|(key, _)| view.is_current(state, key)).map(|(_, last)| last.key);
        let results = current.filter(|key| !state.results.is_asked(key)).collect();
        let kept = |job: &str| if job == view.job { !view.is_whole } else { (view.exists)(job) };
        let reached = state.reached.iter().filter(|(job, _)| kept(job)).flat_map(|(_, r)| r.keys.to_vec());
        Self { results, others: reached.collect() }
    }

    fn result(&self, state: &State, key: &Digest) -> bool {
        state.results.is_asked(key) || self.results.contains(key)
    }

    fn other(&self, state: &State, key: &Digest) -> bool {
        state.derived.is_asked(key) || state.verdicts.is_asked(key) || self.others.contains(&key.beginning())
    }

    /// The blobs that must stay.
    #[must_use]
    pub fn blobs(&self, state: &State, view: &View<'_>) -> HashSet<Digest> {
        let results = state.results.iter().filter(|(key, _)| self.result(state, key)).flat_map(|(_, r)| r.outputs.to_vec());
        let derived = state.derived.iter().filter(|(key, _)| self.other(state, key)).map(|(_, d)| d.digest);
        let published = state.published.iter().filter(|(key, _)| job_of(key) == view.job || (view.exists)(job_of(key)));
        let published = published.flat_map(|(_, p)| [p.digest, p.content]);
        results.flat_map(|s| digests_of(&s)).chain(derived).chain(published).chain(adopted(state)).collect()
    }
}

fn digests_of(stored: &Stored) -> Vec<Digest> {
    stored.blobs().map(|(digest, _)| digest).collect()
}

/// What people edited is in the cache only: it stays, whatever became of its job.
fn adopted(state: &State) -> impl Iterator<Item = Digest> {
    state
        .adoptions
        .iter()
        .flat_map(|(_, a)| std::iter::once(a.file).chain(a.pieces.into_iter().map(|p| p.file)))
        .map(|f| f.digest)
}

/// Every blob that a record leads to, with its size in bytes where a record tells it.
#[must_use]
pub fn recorded(state: &State) -> BTreeMap<Digest, Option<u64>> {
    let mut all: BTreeMap<Digest, Option<u64>> = BTreeMap::new();
    all.extend(state.published.iter().flat_map(|(_, p)| [p.digest, p.content]).map(|digest| (digest, None)));
    let results = state.results.iter().flat_map(|(_, r)| r.outputs.iter().flat_map(Stored::blobs).collect::<Vec<_>>());
    let derived = state.derived.iter().map(|(_, d)| (d.digest, d.bytes));
    let adopted = state.adoptions.iter().flat_map(|(_, a)| std::iter::once(a.file).chain(a.pieces.into_iter().map(|p| p.file)));
    let adopted = adopted.map(|file| (file.digest, file.bytes));
    all.extend(results.chain(derived).chain(adopted).map(|(digest, bytes)| (digest, Some(bytes))));
    all
}

/// Notes since when records are not needed, and what the job rested on: for the next collection.
pub fn note(state: &mut State, needs: &Needs, view: &View<'_>) {
    let mut keys = state.derived.asked();
    keys.extend(state.verdicts.asked());
    if !view.is_whole
        && let Some(before) = state.reached.peek(view.job)
    {
        let all = state.derived.keys().chain(state.verdicts.keys()).map(|key| key.beginning());
        keys.extend(all.filter(|key| before.keys.binary_search(key).is_ok()));
    }
    keys.sort_unstable();
    keys.dedup();
    state.reached.put(view.job.to_owned(), Reached { keys: keys.into() });
    stamp(state, needs, view.now_s);
}

/// Notes since when records are not needed.
pub fn stamp(state: &mut State, needs: &Needs, now_s: i64) {
    let results = state.results.keys().filter(|key| !needs.result(state, key));
    let others = state.derived.keys().chain(state.verdicts.keys());
    let idle: BTreeSet<Digest> = results.chain(others.filter(|key| !needs.other(state, key))).collect();
    state.unused.keep(|key| idle.contains(key));
    for key in idle {
        if !state.unused.has(&key) {
            state.unused.put(key, now_s);
        }
    }
}

/// Why a blob goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nothing needed it for longer than `max_age`.
    Age,
    /// The cache is above `max_size`.
    Size,
    /// No record leads to it: a killed build left it.
    Orphan,
}

/// A blob that goes, and what it takes on disk in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    pub digest: Digest,
    pub bytes: u64,
    pub why: Why,
}

/// What goes.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    pub results: Vec<Digest>,
    /// Merges and projections.
    pub derived: Vec<Digest>,
    pub verdicts: Vec<Digest>,
    pub blobs: Vec<Gone>,
    /// What all blobs took on disk before, and what they take after.
    pub before: u64,
    pub after: u64,
    /// More would go, but that it would take long: a later collection takes it.
    pub more: bool,
}

enum Kind {
    Result,
    Derived,
    Verdict,
}

/// A record that nothing needs.
struct Idle {
    since: i64,
    key: Digest,
    kind: Kind,
    /// Blobs that go with it, unless another idle record holds them too.
    blobs: Vec<Digest>,
}

/// Chooses what goes. `size` is what all blobs take on disk, `stored` what one of them takes, `orphans` those that no record
/// leads to, with what they take. No more than about `at_most` blobs go at a time.
#[must_use]
#[allow(clippy::too_many_arguments, reason = "what is looked at, and how much of it may go")]
pub fn choose(
    state: &State,
    needs: &Needs,
    view: &View<'_>,
    bounds: Bounds,
    size: u64,
    stored: &dyn Fn(&Digest) -> u64,
    orphans: &[(Digest, u64)],
    at_most: usize,
) -> Collection {
    let mut chosen = Collection { before: size, after: size, ..Collection::default() };
    for (digest, bytes) in orphans {
        chosen.after = chosen.after.saturating_sub(*bytes);
        chosen.blobs.push(Gone { digest: *digest, bytes: *bytes, why: Why::Orphan });
    }
    let idle = idle(state, needs, view);
    let mut holders: HashMap<Digest, u32> = HashMap::new();
    idle.iter().flat_map(|i| &i.blobs).for_each(|digest| *holders.entry(*digest).or_default() += 1);
    let mut drop = |idle: &Idle, why: Why, chosen: &mut Collection| {
        match idle.kind {
            Kind::Result => chosen.results.push(idle.key),
            Kind::Derived => chosen.derived.push(idle.key),
            Kind::Verdict => chosen.verdicts.push(idle.key),
        }
        for digest in &idle.blobs {
            let Some(left) = holders.get_mut(digest) else { continue };
            *left -= 1;
            if *left == 0 {
                let bytes = stored(digest);
                chosen.after = chosen.after.saturating_sub(bytes);
                chosen.blobs.push(Gone { digest: *digest, bytes, why });
            }
        }
    };
    let (old, rest): (Vec<Idle>, Vec<Idle>) =
        idle.into_iter().partition(|i| view.now_s.saturating_sub(i.since) >= bounds.max_age_s);
    let old = old.iter().map(|i| (i, Why::Age));
    for (idle, why) in old.chain(rest.iter().filter(|i| !i.blobs.is_empty()).map(|i| (i, Why::Size))) {
        if why == Why::Size && chosen.after <= bounds.max_size {
            break;
        }
        if chosen.blobs.len() >= at_most {
            chosen.more = true;
            break;
        }
        drop(idle, why, &mut chosen);
    }
    chosen
}

/// Records that nothing needs, the one that was needed least recently first.
fn idle(state: &State, needs: &Needs, view: &View<'_>) -> Vec<Idle> {
    if state.unused.is_empty() {
        return Vec::new();
    }
    let needed = needs.blobs(state, view);
    let mut all = Vec::new();
    for (key, since) in state.unused.iter() {
        let mut add = |kind, blobs: Vec<Digest>| {
            let mut blobs: Vec<Digest> = blobs.into_iter().filter(|b| !needed.contains(b)).collect();
            blobs.sort_unstable();
            blobs.dedup();
            all.push(Idle { since, key, kind, blobs });
        };
        if let Some(result) = state.results.peek(&key).filter(|_| !needs.result(state, &key)) {
            add(Kind::Result, result.outputs.iter().flat_map(digests_of).collect());
        }
        if needs.other(state, &key) {
            continue;
        }
        if let Some(derived) = state.derived.peek(&key) {
            add(Kind::Derived, vec![derived.digest]);
        }
        if state.verdicts.has(&key) {
            add(Kind::Verdict, Vec::new());
        }
    }
    all.sort_by_key(|i| (i.since, i.key));
    all
}

impl Collection {
    /// Whether nothing goes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.results.is_empty() && self.derived.is_empty() && self.verdicts.is_empty() && self.blobs.is_empty()
    }

    /// What the blobs that go take on disk, in bytes.
    #[must_use]
    pub fn freed(&self) -> u64 {
        self.blobs.iter().map(|b| b.bytes).sum()
    }

    /// Takes the records out of `state`, with all that is about nothing else: last builds of what is no more, records of jobs
    /// that are gone, and files of which `is_there` says that they are gone.
    pub fn forget(&self, state: &mut State, needs: &Needs, view: &View<'_>, is_there: &dyn Fn(&str) -> bool) {
        for key in &self.results {
            state.results.remove(key);
            state.unused.remove(key);
        }
        for key in &self.derived {
            state.derived.remove(key);
            state.unused.remove(key);
        }
        for key in &self.verdicts {
            state.verdicts.remove(key);
            state.unused.remove(key);
        }
        let is_gone = |key: &str| job_of(key) != view.job && !(view.exists)(job_of(key));
        let dead = |(key, last): &(String, crate::store::records::LastBuild)| {
            let is_others = needs.result(state, &last.key) && is_gone(key);
            !view.is_current(state, key) && (is_others || !state.results.has(&last.key))
        };
        let dead: Vec<String> = state.last.iter().filter(dead).map(|(key, _)| key).collect();
        dead.iter().for_each(|key| state.last.remove(key));
        let jobs: BTreeSet<String> = state.last.keys().map(|key| job_of(&key).to_owned()).collect();
        let stays = |key: &str| job_of(key) == view.job || jobs.contains(job_of(key)) || (view.exists)(job_of(key));
        state.published.keep(|key| stays(key));
        state.baselines.keep(|key| stays(key));
        state.reached.keep(|job| stays(job));
        state.files.keep(|path| is_there(path));
        state.drop_unnamed();
    }

    /// Deletes the blobs; those that could not be, each with the reason.
    #[must_use]
    pub fn delete(&self, cas: &Cas) -> Vec<(Digest, crate::disk::DiskError)> {
        self.blobs.par_iter().filter_map(|b| cas.discard(&b.digest).err().map(|e| (b.digest, e))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::Database;
    use crate::store::records::Derived;

    #[test]
    fn few_go_at_a_time_and_it_is_said_that_there_are_more() {
        let mut state = State::default();
        for n in 0..5u8 {
            let (key, blob) = (Digest::of(&[n]), Digest::of(&[n, n]));
            state.derived.put(key, Derived { digest: blob, bytes: 10, items: 1 });
            state.unused.put(key, i64::from(n));
        }
        let view = View { job: "job", rules: BTreeSet::new(), is_whole: true, exists: &|_| false, now_s: 100 };
        // As the next build reads it: nobody has asked for anything.
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&dir.path().join("state.redb")).unwrap();
        database.write(&mut state, false).unwrap();
        let state = State::stored(1, &database.reading().unwrap());
        let choose = |bounds, at_most| {
            let chosen = choose(&state, &Needs::default(), &view, bounds, 50, &|_| 10, &[], at_most);
            (chosen.derived.len(), chosen.after, chosen.more)
        };
        let old = Bounds { max_size: 1000, max_age_s: 97 };
        assert_eq!(choose(old, 9), (4, 10, false), "of 0, 1, 2 and 3");
        assert_eq!(choose(old, 2), (2, 30, true));
        let large = Bounds { max_size: 25, max_age_s: 1000 };
        assert_eq!(choose(large, 9), (3, 20, false));
        assert_eq!(choose(large, 3), (3, 20, false));
        assert_eq!(choose(large, 1), (1, 40, true));
    }
}
