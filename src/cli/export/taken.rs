//! What an export takes from a job: published artifacts as they were published, read item by item. What was edited since,
//! or is of an earlier build than the rest, is refused.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::outputs::Kind;
use crate::cli::project::Project;
use crate::digest::Digest;
use crate::disk;
use crate::document::chunk::ChunkMetadata;
use crate::document::entity::{Mention, Reference};
use crate::engine::graph::{MergeKind, Output};
use crate::engine::observe::{ArtifactRecord, Status};
use crate::job::folder::{Choice, JobFolder};
use crate::job::manifest::Manifest;

/// How much of an artifact is read at once.
const BUFFER: usize = 256 * 1024;

/// A job that artifacts are taken from.
pub struct Job<'p> {
    project: &'p Project,
    folder: JobFolder,
    manifest: Manifest,
    /// As messages call it.
    shown: String,
    interrupted: Arc<AtomicBool>,
}

/// A published artifact.
pub struct Artifact {
    /// Below the job folder.
    pub name: String,
    pub kind: Kind,
    path: PathBuf,
    record: ArtifactRecord,
}

impl Artifact {
    /// As the manifest has it.
    #[must_use]
    pub fn digest(&self) -> String {
        self.record.digest.to_hex()
    }
}

/// What is taken of a chunk, whichever pass it is from; what else it has is passed over.
#[derive(Deserialize)]
pub struct Chunk {
    pub chunk_id: String,
    pub source_id: String,
    pub page: Option<u32>,
    pub text: String,
    pub metadata: ChunkMetadata,
    #[serde(default)]
    pub entities: Vec<Mention>,
    #[serde(default)]
    pub keywords: Vec<String>,
    #[serde(default)]
    pub references: Vec<Reference>,
    #[serde(default)]
    pub language: Option<String>,
}

/// What is taken of a source.
#[derive(Deserialize)]
pub struct Source {
    source_id: String,
    pub path: String,
    pub title: String,
}

/// Sources by id.
#[derive(Default)]
pub struct Sources(HashMap<String, Source>);

impl Sources {
    /// The source called `id`.
    ///
    /// # Errors
    /// If there is none: artifacts of a job fit together.
    pub fn get(&self, id: &str) -> Result<&Source, CliError> {
        self.0.get(id).ok_or_else(|| {
            let message = format!("the contents of this job have no source `{id}`, of which it has text");
            CliError::new(ErrorKind::Failed, message).hint("`ingest gate C` says what is wrong")
        })
    }
}

impl<'p> Job<'p> {
    /// The job that `choice` means.
    ///
    /// # Errors
    /// Exit code 2 if there is no such job, 1 if it cannot be read.
    pub fn open(
        project: &'p Project,
        env: Option<&str>,
        choice: &Choice,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, CliError> {
        let folder = project.job(env, choice)?;
        let shown = project.shown(&folder.path);
        let Some(manifest) = Manifest::read(&folder.manifest_path())? else {
            return Err(match choice {
                Choice::Current | Choice::New => {
                    let message = format!("nothing is built yet in `{}`", folder.env);
                    CliError::new(ErrorKind::Failed, message).hint("`ingest build` builds it")
                }
                Choice::Named(_) | Choice::At(_) => {
                    let message = format!("`{shown}` is no job: it has no manifest.json");
                    let below = project.artifacts().join(&folder.env);
                    let error = CliError::new(ErrorKind::Usage, message);
                    error.hint(format!("jobs of `{}` are in `{}`", folder.env, project.shown(&below)))
                }
            });
        };
        Ok(Self { project, folder, manifest, shown, interrupted })
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.folder.job_id
    }

    /// The artifact of `kind`; `None` if no rule makes it.
    ///
    /// # Errors
    /// If it is not published as one file, is not in this job, or is of an earlier build.
    pub fn artifact(&self, kind: Kind) -> Result<Option<Artifact>, CliError> {
        let Some(output) = kind.output(&self.project.loaded.graph) else { return Ok(None) };
        match self.published(kind, output)? {
            Some(artifact) => Ok(Some(artifact)),
            None => {
                let message = format!("`{}` is not in the job `{}`", output.path, self.shown);
                let hint = format!("`ingest build {}` makes it", output.path);
                Err(CliError::new(ErrorKind::Failed, message).hint(hint))
            }
        }
    }

    /// The chunks that are furthest on: those that pass F passed, else those of pass D, else those of pass C; and what was
    /// passed over for want of it.
    ///
    /// # Errors
    /// As `artifact`, and if no rule makes chunks.
    pub fn chunks(&self) -> Result<(Artifact, Vec<String>), CliError> {
        let graph = &self.project.loaded.graph;
        let mut missing = Vec::new();
        for kind in [Kind::CLEAN, Kind::ENRICHED, Kind::CHUNKS] {
            let Some(output) = kind.output(graph) else { continue };
            match self.published(kind, output)? {
                Some(artifact) => return Ok((artifact, missing)),
                None => missing.push(output.path.clone()),
            }
        }
        let Some(first) = missing.first() else {
            let message = "no rule makes chunks: none runs `chunk`, and none is judged by `passC_chunks.schema.json`";
            return Err(CliError::new(ErrorKind::Usage, message));
        };
        let message = format!("there are no chunks in the job `{}`: `{}` is not there", self.shown, missing.join("`, `"));
        Err(CliError::new(ErrorKind::Failed, message).hint(format!("`ingest build {first}` makes them")))
    }

    fn published(&self, kind: Kind, output: &Output) -> Result<Option<Artifact>, CliError> {
        if !output.publish || output.tree || output.merge == MergeKind::PerItem {
            let message = format!("`{}` is not published as one file, which an export is made from", output.path);
            return Err(CliError::new(ErrorKind::Usage, message));
        }
        let Some((of, record)) = self.manifest.artifact(&output.path) else { return Ok(None) };
        let status = self.manifest.passes.get(of).or_else(|| self.manifest.rules.get(of)).map(|r| r.status);
        if let Some(status @ (Status::Failed | Status::Skipped)) = status {
            let word = if status == Status::Failed { "FAILED" } else { "SKIPPED" };
            let message = format!("`{}` is of an earlier build: in the last one, {of} is {word}", output.path);
            return Err(CliError::new(ErrorKind::Failed, message).hint("`ingest status` says why"));
        }
        let path = self.folder.path.join(&output.path);
        Ok(Some(Artifact { name: output.path.clone(), kind, path, record: record.clone() }))
    }

    /// The sources of the job.
    ///
    /// # Errors
    /// As `each`.
    pub fn sources(&self, toc: &Artifact) -> Result<Sources, CliError> {
        let mut sources = Sources::default();
        self.each(toc, |source: Source| {
            sources.0.insert(source.source_id.clone(), source);
            Ok::<(), CliError>(())
        })?;
        Ok(sources)
    }

    /// Hands every item of an artifact to `take`, in order, until that fails.
    ///
    /// # Errors
    /// What `take` says; if the artifact is gone, edited, or not what its pass makes.
    pub fn each<T: DeserializeOwned, E: From<CliError>>(
        &self,
        artifact: &Artifact,
        take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read(artifact, take, |mut read, items| read.deserialize_seq(items).and_then(|()| read.end()))
    }

    /// As `each`, of the items of the list `key` of an artifact that is an object.
    ///
    /// # Errors
    /// As `each`.
    pub fn each_in<T: DeserializeOwned, E: From<CliError>>(
        &self,
        artifact: &Artifact,
        key: &str,
        take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read(artifact, take, |mut read, items| read.deserialize_map(Entry { key, items }).and_then(|()| read.end()))
    }

    fn read<T: DeserializeOwned, E: From<CliError>, F: FnMut(T) -> Result<(), E>>(
        &self,
        artifact: &Artifact,
        take: F,
        walk: impl for<'r> FnOnce(JsonReader<'r>, Items<'r, T, E, F>) -> serde_json::Result<()>,
    ) -> Result<(), E> {
        let mut file =
            Hashed { file: disk::open(&artifact.path).map_err(|e| self.unreadable(artifact, e))?, hasher: blake3::Hasher::new() };
        let failed = Cell::new(None);
        let items = Items { take, failed: &failed, interrupted: &self.interrupted, of: PhantomData };
        let reader = serde_json::Deserializer::from_reader(BufReader::with_capacity(BUFFER, &mut file));
        let walked = walk(reader, items);
        if let Some(error) = failed.into_inner() {
            return Err(error);
        }
        if walked.is_err() {
            io::copy(&mut file, &mut io::sink()).map_err(|e| CliError::from(disk::DiskError::new("read", &artifact.path, e)))?;
        }
        // Told before what does not parse: a person edited it.
        if Digest::of_hasher(&file.hasher) != artifact.record.digest {
            let message = format!("`{}/{}` is not as it was published", self.shown, artifact.name);
            let hint = format!("`ingest build` writes it anew, `ingest build --accept {}` adopts what was edited", artifact.name);
            return Err(CliError::new(ErrorKind::Failed, message).hint(hint).into());
        }
        walked.map_err(|e| {
            let message = format!("`{}/{}` is not what its pass makes: {e}", self.shown, artifact.name);
            let hint = format!("it is judged by `{}` if the gate of its rule names that", artifact.kind.schema);
            CliError::new(ErrorKind::Failed, message).hint(hint).into()
        })
    }

    fn unreadable(&self, artifact: &Artifact, error: disk::DiskError) -> CliError {
        if !error.is_missing() {
            return CliError::from(error);
        }
        let message = format!("`{}/{}` was published, and is gone", self.shown, artifact.name);
        CliError::new(ErrorKind::Failed, message).hint(format!("`ingest build {}` puts it back", artifact.name))
    }
}

type JsonReader<'r> = serde_json::Deserializer<serde_json::de::IoRead<BufReader<&'r mut Hashed>>>;

/// A file, and the digest of what was read of it.
struct Hashed {
    file: std::fs::File,
    hasher: blake3::Hasher,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

/// Hands on the items of a list.
struct Items<'r, T, E, F> {
    take: F,
    /// What stopped it.
    failed: &'r Cell<Option<E>>,
    interrupted: &'r AtomicBool,
    of: PhantomData<T>,
}

impl<'de, T: DeserializeOwned, E: From<CliError>, F: FnMut(T) -> Result<(), E>> Visitor<'de> for Items<'_, T, E, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            let taken = match self.interrupted.load(Ordering::SeqCst) {
                true => Err(CliError::new(ErrorKind::Interrupted, "interrupted: nothing was exported").into()),
                false => (self.take)(item),
            };
            if let Err(error) = taken {
                self.failed.set(Some(error));
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

impl<'de, T: DeserializeOwned, E: From<CliError>, F: FnMut(T) -> Result<(), E>> DeserializeSeed<'de> for Items<'_, T, E, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, list: D) -> Result<(), D::Error> {
        list.deserialize_seq(self)
    }
}

/// The list at one key of an object; what stands at others is passed over.
struct Entry<'k, I> {
    key: &'k str,
    items: I,
}

impl<'de, I: DeserializeSeed<'de, Value = ()>> Visitor<'de> for Entry<'_, I> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the list `{}`", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut items = Some(self.items);
        while let Some(key) = entries.next_key::<String>()? {
            match items.take_if(|_| key == self.key) {
                Some(list) => entries.next_value_seed(list)?,
                None => entries.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        match items {
            None => Ok(()),
            Some(_) => Err(A::Error::custom(format!("there is no list `{}`", self.key))),
        }
    }
}
