//! `ingest verify`: re-hashes every blob, looks for those that records lead to, and compares what is published with its
//! records. What is damaged is set aside, and its records go, so that the next build makes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Global, Verify};
use super::build;
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::project::Project;
use super::render;
use crate::digest::Digest;
use crate::disk::{self, StatTuple};
use crate::engine::{forget_records, retention};
use crate::job::Clock;
use crate::job::folder::JobFolder;
use crate::store::cas::{Cas, Held};
use crate::store::records::Stored;
use crate::store::state::State;
use crate::store::{Store, StoreError, idle, totals};

/// The folder of damaged blobs, below the cache folder.
pub const FOLDER: &str = "damaged";

/// What `verify --json` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerifyReport {
    /// Nothing is wrong.
    pub sound: bool,
    /// Blobs that were hashed, and what they take on disk in bytes.
    pub blobs: u64,
    pub bytes: u64,
    /// Published files of the job that were hashed.
    pub published: u64,
    pub wrong: Vec<Wrong>,
    /// Blobs that no record leads to; `gc` removes them.
    pub orphans: u64,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Wrong {
    pub what: What,
    /// The digest of a blob, or the path of a published file below the job folder.
    pub name: String,
    /// Rules and items whose results hold the blob, published files that were adopted with it; sorted.
    pub leads_to_it: Vec<String>,
    /// Where it was set aside, below the project.
    pub set_aside: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A blob whose bytes are not those that its name tells.
    DamagedBlob,
    /// A blob that a record leads to, and that is not there.
    MissingBlob,
    /// A published file with other bytes than were published.
    ChangedFile,
    /// A published file that is not there.
    MissingFile,
}

/// Runs the command.
///
/// # Errors
/// Exit code 1 if anything is wrong; it has been told. Else if the project cannot be read, or the disk refuses.
pub fn run(args: &Verify, global: &Global, console: &Console, clock: Clock) -> Result<(), CliError> {
    let Some((project, mut store)) = build::open_cache(global, console, clock)? else { return Ok(()) };
    let job = project.job(args.job.env.as_deref(), &args.job.choice())?;
    build::after_crash(&store, &job)?;
    store.open_for_writing().map_err(failed)?;
    let threads = args.jobs.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|e| CliError::new(ErrorKind::Failed, format!("the thread pool could not be made: {e}")))?;
    let report = pool.install(|| verify(&project, &job, &mut store)).map_err(failed)?;
    for message in store.take_warnings() {
        console.status(&render::warning(console.paint(), &message));
    }
    if !report.sound {
        // The short way to "nothing to do" looks at no blob.
        disk::remove_file(&store.dir.join(idle::NAME))?;
    }
    store.commit().map_err(failed)?;
    store.publish_snapshot().map_err(failed)?;
    store.end()?;
    if args.json {
        let mut json = serde_json::to_string_pretty(&report).unwrap_or_default();
        json.push('\n');
        console.data(json.as_bytes());
    } else {
        report.wrong.iter().for_each(|w| console.data(told(w).as_bytes()));
    }
    console.status(&outcome(&report));
    if report.sound { Ok(()) } else { Err(CliError::told(ErrorKind::Failed)) }
}

fn failed(error: StoreError) -> CliError {
    CliError::from_error(ErrorKind::Failed, &error)
}

fn verify(project: &Project, job: &JobFolder, store: &mut Store) -> Result<VerifyReport, StoreError> {
    let (blobs, _) = store.cas.walk()?;
    let recorded = retention::recorded(&store.state);
    let mut report = VerifyReport { blobs: blobs.len() as u64, bytes: blobs.values().sum(), ..VerifyReport::default() };
    report.orphans = blobs.keys().filter(|digest| !recorded.contains_key(*digest)).count() as u64;
    let damaged = damaged(&blobs, &recorded, &store.cas)?;
    let missing: Vec<Digest> =
        recorded.iter().filter(|(d, bytes)| bytes.is_some() && !blobs.contains_key(*d)).map(|(d, _)| *d).collect();
    let leads = leads(&store.state, damaged.iter().chain(&missing).copied().collect());
    let mut gone = 0;
    for (what, digest) in damaged.iter().map(|d| (What::DamagedBlob, d)).chain(missing.iter().map(|d| (What::MissingBlob, d))) {
        let aside = store.cas.set_aside(digest, &store.dir.join(FOLDER))?;
        gone += aside.as_ref().and(blobs.get(digest)).copied().unwrap_or_default();
        forget_records(&mut store.state, digest);
        let leads_to_it = leads.get(digest).map(|l| l.iter().cloned().collect()).unwrap_or_default();
        let set_aside = aside.map(|path| project.shown(&path));
        report.wrong.push(Wrong { what, name: digest.to_string(), leads_to_it, set_aside });
    }
    published(project, job, &mut store.state, &mut report)?;
    totals::set(&mut store.state, report.bytes - gone);
    report.sound = report.wrong.is_empty();
    Ok(report)
}

/// Blobs whose bytes are not those of their digest, or not as many as a record says.
fn damaged(
    blobs: &BTreeMap<Digest, u64>,
    recorded: &BTreeMap<Digest, Option<u64>>,
    cas: &Cas,
) -> Result<BTreeSet<Digest>, StoreError> {
    let check = |digest: &Digest| match cas.read(digest) {
        Ok(bytes) => {
            let told = recorded.get(digest).copied().flatten();
            let is_whole = told.is_none_or(|told| told == bytes.len() as u64 && cas.held(digest, told) == Held::Whole);
            Ok((!is_whole).then_some(*digest))
        }
        Err(StoreError::Blob { .. }) => Ok(Some(*digest)),
        Err(e) => Err(e),
    };
    let checked: Result<Vec<_>, StoreError> = blobs.par_iter().map(|(digest, _)| check(digest)).collect();
    Ok(checked?.into_iter().flatten().collect())
}

/// What leads to each of `blobs`: rules with their items, adopted files.
fn leads(state: &State, blobs: BTreeSet<Digest>) -> BTreeMap<Digest, BTreeSet<String>> {
    let mut leads: BTreeMap<Digest, BTreeSet<String>> = BTreeMap::new();
    if blobs.is_empty() {
        return leads;
    }
    let mut note = |digest: Digest, name: String| {
        if blobs.contains(&digest) {
            leads.entry(digest).or_default().insert(name);
        }
    };
    let mut named: BTreeMap<Digest, BTreeSet<String>> = BTreeMap::new();
    for (key, last) in state.last.iter() {
        let mut parts = key.split('\0').skip(1);
        let (rule, item) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let name = if item.is_empty() { format!("`{rule}`") } else { format!("`{rule}` of {item}") };
        named.entry(last.key).or_default().insert(name);
    }
    for (key, result) in state.results.iter() {
        for digest in result.outputs.iter().flat_map(Stored::blobs).map(|(digest, _)| digest) {
            match named.get(&key) {
                Some(names) => names.iter().for_each(|name| note(digest, name.clone())),
                None => note(digest, "an old result".to_owned()),
            }
        }
    }
    state.derived.iter().for_each(|(_, d)| note(d.digest, "a merge or projection".to_owned()));
    for (key, adoption) in state.adoptions.iter() {
        let path = key.split('\0').next_back().unwrap_or_default();
        let pieces = adoption.pieces.iter().map(|p| p.file.digest);
        std::iter::once(adoption.file.digest).chain(pieces).for_each(|d| note(d, format!("`{path}`, adopted as edited by hand")));
    }
    leads
}

/// Hashes what the job published. A file that changed under its old stamps is looked at again by the next build.
fn published(project: &Project, job: &JobFolder, state: &mut State, report: &mut VerifyReport) -> Result<(), StoreError> {
    let prefix = format!("{}\0", project.shown(&job.path));
    let records = state.published.range_from(prefix.as_str()).take_while(|(key, _)| key.starts_with(&prefix));
    let all: Vec<_> = records
        .map(|(key, p)| {
            let path = key[prefix.len()..].to_owned();
            (key, path, p)
        })
        .collect();
    let held: Result<Vec<Option<Digest>>, disk::DiskError> =
        all.par_iter().map(|(_, path, _)| hash(&job.path.join(path))).collect();
    for ((key, name, record), held) in all.into_iter().zip(held?) {
        report.published += 1;
        let what = match held {
            Some(digest) if digest == record.digest => continue,
            Some(_) => What::ChangedFile,
            None => What::MissingFile,
        };
        report.wrong.push(Wrong { what, name, leads_to_it: vec![format!("`{}`", record.rule)], set_aside: None });
        state.published.put(key, crate::store::records::Published { stat: StatTuple::default(), ..record });
    }
    Ok(())
}

fn hash(path: &Path) -> Result<Option<Digest>, disk::DiskError> {
    Ok(disk::read_if_there(path)?.map(|bytes| Digest::of(&bytes)))
}

fn told(wrong: &Wrong) -> String {
    let what = match wrong.what {
        What::DamagedBlob => "damaged",
        What::MissingBlob => "missing",
        What::ChangedFile => "changed since it was published",
        What::MissingFile => "published, and no longer there",
    };
    let name = match wrong.what {
        What::DamagedBlob | What::MissingBlob => format!("blob {}", &wrong.name[..12]),
        _ => format!("`{}`", render::shown(&wrong.name)),
    };
    let mut text = format!("{name} is {what}");
    if let Some(aside) = &wrong.set_aside {
        text.push_str(&format!(", and set aside as `{}`", render::shown(aside)));
    }
    text.push('\n');
    for lead in &wrong.leads_to_it {
        text.push_str(&format!("  of {}\n", render::shown(lead)));
    }
    text
}

fn outcome(report: &VerifyReport) -> String {
    let blobs = format!("{} ({})", render::number(report.blobs, "blob", "blobs"), render::size(report.bytes));
    let files = render::number(report.published, "published file", "published files");
    let orphans = match report.orphans {
        0 => String::new(),
        n => format!("; {} that no record leads to, `ingest gc` removes", render::number(n, "blob", "blobs")),
    };
    if report.sound {
        return format!("ingest: {blobs} and {files} are as they were written{orphans}");
    }
    let wrong = report.wrong.len() as u64;
    let are = if wrong == 1 { "is" } else { "are" };
    format!("ingest: of {blobs} and {files}, {wrong} {are} not as written; `ingest build` makes them anew{orphans}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        crate::job::log::assert_committed("schemas/verify.schema.json", &schemars::schema_for!(VerifyReport).to_value());
    }
}
