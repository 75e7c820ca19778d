//! A blob that is missing or damaged: the records that lead to it go, so that it is made anew; what was adopted, which no rule
//! makes, is taken from the published file that still holds it.

use std::path::Path;

use super::reasons::LostBlob;
use crate::digest::Digest;
use crate::disk;
use crate::engine::error::EngineError;
use crate::engine::observe::Problem;
use crate::engine::reason::Loss;
use crate::engine::split;
use crate::store::records::{Adoption, Stored};
use crate::store::state::State;
use crate::store::{Store, StoreError};

/// Drops a blob that is not what it should be, and every record that leads to it; which results those were, by action key.
/// `root` is the project's.
///
/// # Errors
/// If it was adopted as edited by hand and stands nowhere else, or the disk refuses.
pub(super) fn forget(
    root: &Path,
    store: &mut Store,
    digest: &Digest,
    what: Loss,
) -> Result<Vec<(Digest, LostBlob)>, EngineError> {
    store.cas.discard(digest)?;
    store.forget_counted(std::iter::once(*digest));
    let adopted = store.state.adoptions.iter().find(|(_, a)| holds(a, digest));
    if let Some((key, adoption)) = adopted {
        let (job, path) = key.split_once('\0').unwrap_or_default();
        let Some(bytes) = found_again(store, &root.join(job).join(path), &adoption, digest)? else {
            return Err(EngineError::Adoption(Box::new(Problem {
                message: format!("`{path}` was adopted as edited by hand, and its bytes are lost from the cache"),
                hint: Some(format!("`ingest build --discard {}` takes the result of the rule again", adoption.rule)),
                ..Problem::default()
            })));
        };
        store.cas.put(&bytes)?;
        return Ok(Vec::new());
    }
    Ok(forget_records(&mut store.state, digest)
        .into_iter()
        .map(|(key, output)| (key, LostBlob { output, digest: *digest, what }))
        .collect())
}

/// Drops every result, merge and projection that leads to a blob; the keys of the results, each with the place of the output.
pub fn forget_records(state: &mut State, digest: &Digest) -> Vec<(Digest, usize)> {
    let place = |outputs: &[Stored]| outputs.iter().position(|s| s.blobs().any(|(d, _)| d == *digest));
    let lost: Vec<(Digest, usize)> = state.results.iter().filter_map(|(k, r)| Some((k, place(&r.outputs)?))).collect();
    lost.iter().for_each(|(key, _)| state.results.remove(key));
    let derived: Vec<Digest> = state.derived.iter().filter(|(_, d)| d.digest == *digest).map(|(k, _)| k).collect();
    derived.iter().for_each(|k| state.derived.remove(k));
    lost
}

fn holds(adoption: &Adoption, digest: &Digest) -> bool {
    adoption.file.digest == *digest || adoption.pieces.iter().any(|p| p.file.digest == *digest)
}

/// Adopted bytes that are lost from the cache: the whole file, or a piece of it, as what is published still holds them.
fn found_again(store: &Store, published: &Path, adoption: &Adoption, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
    let whole = match store.cas.read(&adoption.file.digest) {
        Ok(bytes) => bytes.to_vec(),
        Err(_) => disk::read_if_there(published)?.filter(|b| Digest::of(b) == adoption.file.digest).unwrap_or_default(),
    };
    if adoption.file.digest == *digest {
        return Ok(Some(whole).filter(|bytes| Digest::of(bytes) == *digest));
    }
    let Some(piece) = adoption.pieces.iter().find(|p| p.file.digest == *digest) else { return Ok(None) };
    let entries = split::entries(&whole).unwrap_or_default();
    let items = usize::try_from(piece.file.items).unwrap_or(usize::MAX);
    // The items of a piece stand side by side.
    let shares = (0..=entries.len().saturating_sub(items)).filter_map(|at| entries.get(at..at.checked_add(items)?));
    Ok(shares.map(split::array).find(|share| Digest::of(share) == *digest))
}
