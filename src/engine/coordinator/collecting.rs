//! A build looks after the cache: at its end it collects what is too old or too much, and where the disk is full it makes
//! room before it gives up.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::{Announced, Coordinator, Mode, Setup, Stop};
use crate::digest::Digest;
use crate::disk::{self, DiskError};
use crate::engine::error::EngineError;
use crate::engine::observe::{Event, Observer, Unheard};
use crate::engine::retention::{self, Bounds, Collection, Needs, View};
use crate::engine::select::Choice;
use crate::engine::workers::Workers;
use crate::fail_point::{self, FailPoint};
use crate::store::cas::Cas;
use crate::store::{Store, StoreError, totals};

/// So many blobs go at the end of a build, at most, and so many more for each action that it ran: what a build takes longer
/// for is in proportion to its work, and yet the cache is kept within its bounds, since no action makes as many.
const AT_MOST: usize = 5_000;
const AT_MOST_FOR_EACH: usize = 10;

/// A build, as a collection sees it. `exists` is asked of jobs.
fn view<'a>(setup: &'a Setup<'_>, is_whole: bool, exists: &'a dyn Fn(&str) -> bool) -> View<'a> {
    let rules = setup.graph.rules.iter().map(|r| r.name.as_str()).collect();
    View { job: &setup.job_key, rules, is_whole, exists, now_s: setup.now_s }
}

/// What all blobs take on disk, and those that no record leads to.
type Walked = (u64, Vec<(Digest, u64)>);

fn walk(store: &Store) -> Result<Walked, StoreError> {
    let (blobs, _) = store.cas.walk()?;
    let recorded = retention::recorded(&store.state);
    let size = blobs.values().sum();
    Ok((size, blobs.into_iter().filter(|(digest, _)| !recorded.contains_key(digest)).collect()))
}

/// The same, without a walk where the total is known and no killed build can have left anything.
fn known(store: &Store) -> Result<Walked, StoreError> {
    let after_crash = store.lock.as_ref().is_some_and(|lock| lock.after_crash);
    match totals::bytes(&store.state) {
        Some(size) if !after_crash => Ok((size, Vec::new())),
        _ => walk(store),
    }
}

/// Takes out of the records what goes, and says what that is; its blobs go when that is durable.
fn collected(store: &mut Store, needs: &Needs, view: &View<'_>, bounds: Bounds, walked: Walked, at_most: usize) -> Collection {
    let cas = store.cas.clone();
    let stored = |digest: &Digest| cas.size(digest).unwrap_or_default();
    let (size, orphans) = walked;
    let chosen = retention::choose(&store.state, needs, view, bounds, size, &stored, &orphans, at_most);
    if !chosen.is_empty() {
        chosen.forget(&mut store.state, needs, view, &|path| disk::exists(path.as_ref()));
        store.forget_counted(chosen.blobs.iter().map(|b| b.digest));
    }
    totals::set(&mut store.state, chosen.after);
    chosen
}

/// What `gc` found.
#[derive(Clone, Debug)]
pub struct Gathered {
    pub chosen: Collection,
    /// Blobs that are needed, and what they take on disk in bytes.
    pub needed: (u64, u64),
    /// Blobs that stay.
    pub kept: u64,
}

/// Walks the cache and collects: for `ingest gc`, after a plan of `setup` on `store`, which `is_whole` if it would run nothing.
/// On a store that is not open for writing nothing is removed.
///
/// # Errors
/// If the cache cannot be read or written.
pub fn gc(setup: &Setup<'_>, store: &mut Store, bounds: Bounds, is_whole: bool) -> Result<Gathered, EngineError> {
    let exists = |job: &str| disk::is_dir(&setup.root.join(job));
    let view = view(setup, is_whole, &exists);
    let needs = Needs::of(&store.state, &view);
    retention::stamp(&mut store.state, &needs, setup.now_s);
    let (blobs, _) = store.cas.walk()?;
    let held = needs.blobs(&store.state, &view);
    let needed = blobs.iter().filter(|(digest, _)| held.contains(digest));
    let needed = needed.fold((0, 0), |(count, sum), (_, bytes)| (count + 1, sum + bytes));
    let walked = walk(store)?;
    let chosen = collected(store, &needs, &view, bounds, walked, usize::MAX);
    if store.is_writable() {
        store.commit()?;
        store.publish_snapshot()?;
        fail_point::reach(FailPoint::BlobsToDelete, &store.dir)?;
        if let Some((_, error)) = chosen.delete(&store.cas).into_iter().next() {
            return Err(error.into());
        }
        fail_point::reach(FailPoint::BlobsDeleted, &store.dir)?;
    }
    let kept = blobs.len() as u64 - chosen.blobs.len() as u64;
    Ok(Gathered { chosen, needed, kept })
}

impl Coordinator<'_, '_> {
    /// At the end of a build that did something: records of what goes are taken out. Its blobs go once that is durable.
    pub(super) fn collect(&mut self) -> Result<Collection, Stop> {
        let started = Instant::now();
        self.store.count_pending();
        let setup = self.setup;
        let all = |ix: usize| setup.selection.choices.get(ix) == Some(&Choice::Selected);
        let is_whole = setup.publish && self.failures.is_empty() && (0..setup.graph.rules.len()).all(all);
        let exists = |job: &str| disk::is_dir(&setup.root.join(job));
        let view = view(setup, is_whole, &exists);
        let needs = Needs::of(&self.store.state, &view);
        retention::note(&mut self.store.state, &needs, &view);
        let walked = known(self.store)?;
        let ran = usize::try_from(self.announced.total().ran).unwrap_or(usize::MAX);
        let at_most = AT_MOST.saturating_add(ran.saturating_mul(AT_MOST_FOR_EACH));
        let chosen = collected(self.store, &needs, &view, setup.bounds, walked, at_most);
        self.tell_own("collection".to_owned(), started);
        Ok(chosen)
    }

    /// What is said of a collection whose records are gone for good.
    pub(super) fn tell_collected(&mut self, chosen: &Collection) -> Result<(), Stop> {
        if !chosen.blobs.is_empty() {
            let (records, freed) = (chosen.results.len(), chosen.freed());
            tracing::info!(results = records, blobs = chosen.blobs.len(), freed, more = chosen.more, "collected");
            let shown = bytesize::ByteSize(freed);
            let results = if records == 1 { "1 old result".to_owned() } else { format!("{records} old results") };
            self.announced.notes.push(format!("{results} left the cache: {shown}"));
        }
        if chosen.after <= self.setup.bounds.max_size {
            return Ok(());
        }
        let (holds, bound) = (bytesize::ByteSize(chosen.after), bytesize::ByteSize(self.setup.bounds.max_size));
        let why = if chosen.more {
            "the next builds take out more, and `ingest gc` takes out all that nothing needs"
        } else {
            "all of that is needed, so the build goes on"
        };
        self.emit(&Event::Warning { message: format!("the cache holds {holds}, above its `max_size` of {bound}: {why}") })
    }
}

/// Deletes the blobs of a collection whose records are gone for good.
pub(super) fn sweep(chosen: &Collection, cas: &Cas, cache: &Path) -> Result<(), DiskError> {
    if chosen.blobs.is_empty() {
        return Ok(());
    }
    fail_point::reach(FailPoint::BlobsToDelete, cache)?;
    for (digest, error) in chosen.delete(cas) {
        // The next walk finds it.
        tracing::warn!(%digest, %error, "a blob that nothing needs stays");
    }
    fail_point::reach(FailPoint::BlobsDeleted, cache)
}

/// The disk is full: all goes that nothing needs, however young. How many bytes that gave; 0 the second time.
pub(super) fn make_room(setup: &Setup<'_>, store: &mut Store, announced: &mut Announced, pool: &rayon::ThreadPool) -> u64 {
    if announced.made_room || !store.is_writable() {
        return 0;
    }
    announced.made_room = true;
    let staging = store.staging();
    let _ = disk::remove_dir_all(&staging);
    if store.reopen().is_err() {
        return 0;
    }
    // What the rest of the build would find in the cache is told by a plan of it.
    let (mut silent, mut unheard) = (Silent, Announced::default());
    // A plan runs nothing.
    let workers = Arc::new(Workers::new(setup.workers.clone(), setup.limits, store.cas.dir().to_path_buf()));
    let planned = Coordinator::new(setup, Mode::Plan, store, &mut silent, &mut unheard, &workers, pool);
    let is_planned = planned.and_then(|c| c.run(pool)).is_ok();
    let exists = |job: &str| disk::is_dir(&setup.root.join(job));
    let view = view(setup, false, &exists);
    let needs = Needs::of(&store.state, &view);
    retention::stamp(&mut store.state, &needs, setup.now_s);
    let bounds = Bounds { max_size: 0, ..setup.bounds };
    let chosen = match known(store) {
        Ok(walked) if is_planned && store.was_in_reach().is_ok() => collected(store, &needs, &view, bounds, walked, usize::MAX),
        _ => Collection::default(),
    };
    if store.commit().is_err() {
        // There is no room even for that. The records lead to blobs that are gone, until they are gone too: whoever meets one
        // makes it anew.
        let _ = pool.install(|| chosen.delete(&store.cas));
        let _ = store.reopen().and_then(|()| store.commit());
    }
    let _ = pool.install(|| chosen.delete(&store.cas));
    let _ = disk::create_dir_all(&staging);
    tracing::warn!(freed = chosen.freed(), "the disk is full: room was made");
    chosen.freed()
}

struct Silent;

impl Observer for Silent {
    fn on(&mut self, _event: &Event) -> Result<(), Unheard> {
        Ok(())
    }
}
