//! Judging a merge by summaries of its pieces. A summary is made once per piece and reading and kept as a blob, so that after
//! an edit only the piece that changed is read again. What summaries hold is the judge's business.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::judge_job::{Artifact, Held, Open};
use super::{Coordinator, Stop};
use crate::digest::Digest;
use crate::disk;
use crate::engine::verdict::Reading;
use crate::store::StoreError;
use crate::store::records::Derived;

/// A file whose items are items of an artifact.
struct Piece {
    /// Its item, for the diagnostics log.
    item: String,
    digest: Digest,
    /// `None`: it is a blob.
    file: Option<PathBuf>,
}

/// A piece, and what is not known of it yet.
struct Missing {
    artifact: String,
    piece: Piece,
    readings: BTreeMap<Digest, Reading>,
}

impl Coordinator<'_, '_> {
    /// Makes the summaries that the gates in `open` need and that are not there: each piece is read once, whatever is asked
    /// of it.
    pub(super) fn summarise(&mut self, open: &[Open<'_>], pool: &rayon::ThreadPool) -> Result<(), Stop> {
        let mut missing: BTreeMap<Digest, Missing> = BTreeMap::new();
        for (reading, artifact) in open.iter().flat_map(|o| self.asked(o)) {
            for piece in self.pieces_of(artifact).into_iter().flatten() {
                let key = summary_key(&reading, &piece.digest);
                if self.store.state.derived.get(&key).is_none() {
                    let digest = piece.digest;
                    let fresh = || Missing { artifact: artifact.path.clone(), piece, readings: BTreeMap::new() };
                    missing.entry(digest).or_insert_with(fresh).readings.insert(key, reading.clone());
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        self.open_store()?;
        let (cas, judge) = (self.store.cas.clone(), self.setup.judge);
        let summarise = |missing: &Missing| -> Result<Vec<(Digest, Derived)>, Stop> {
            let bytes = match &missing.piece.file {
                None => cas.read(&missing.piece.digest)?,
                Some(path) => disk::read(path)?.into(),
            };
            if let Some(path) = missing.piece.file.as_ref().filter(|_| Digest::of(&bytes) != missing.piece.digest) {
                return Err(Stop::Changed(path.clone()));
            }
            let summary = |(key, reading): (&Digest, &Reading)| {
                let summary = judge.summarise(reading, &bytes);
                let digest = cas.put(&summary).map_err(StoreError::from)?;
                Ok((*key, Derived { digest, bytes: summary.len() as u64, items: 1 }))
            };
            missing.readings.iter().map(summary).collect()
        };
        let missing: Vec<Missing> = missing.into_values().collect();
        let made: Vec<_> = pool.install(|| missing.par_iter().map(summarise).collect());
        for (missing, made) in missing.iter().zip(made) {
            made?.into_iter().for_each(|(key, summary)| self.store.state.derived.put(key, summary));
            tracing::debug!(artifact = missing.artifact, item = missing.piece.item, "summarised for gates");
        }
        Ok(())
    }

    /// Whether the summaries of all pieces, which are there, show that the gate says yes.
    pub(super) fn folds(&self, open: &Open<'_>) -> Result<bool, Stop> {
        let mut summaries = Vec::new();
        for (reading, artifact) in self.asked(open) {
            let mut of_pieces: Vec<Arc<[u8]>> = Vec::new();
            let Some(pieces) = self.pieces_of(artifact) else { return Ok(false) };
            for piece in pieces {
                let Some(known) = self.store.state.derived.get(&summary_key(&reading, &piece.digest)) else { return Ok(false) };
                of_pieces.push(self.store.cas.read(&known.digest)?);
            }
            summaries.push(of_pieces);
        }
        Ok(!summaries.is_empty() && self.setup.judge.folds(open.gate, &summaries))
    }

    /// What a gate wants to know, and of which artifact.
    fn asked<'o>(&self, open: &'o Open<'_>) -> Vec<(Reading, &'o Artifact)> {
        let readings = self.setup.judge.readings(open.gate).unwrap_or_default();
        readings.into_iter().zip(std::iter::once(&open.subject).chain(&open.others)).collect()
    }

    /// `None`: it has to be read whole.
    fn pieces_of(&self, artifact: &Artifact) -> Option<Vec<Piece>> {
        match &artifact.held {
            Held::Made { pieces, .. } => {
                let piece =
                    |p: &crate::engine::derive::PieceOf| Piece { item: p.item_id.clone(), digest: p.file.digest, file: None };
                pieces.as_ref().map(|pieces| pieces.iter().map(piece).collect())
            }
            Held::Published { digest } => {
                let file = Some(self.setup.job_dir.join(&artifact.path));
                Some(vec![Piece { item: String::new(), digest: *digest, file }])
            }
        }
    }
}

/// Key of a summary: what was asked of which bytes.
fn summary_key(reading: &Reading, piece: &Digest) -> Digest {
    let mut h = blake3::Hasher::new();
    for part in [b"summary".as_slice(), reading.0.as_bytes(), piece.as_bytes()] {
        h.update(&(part.len() as u64).to_le_bytes());
        h.update(part);
    }
    Digest::of_hasher(&h)
}
