//! The folder that an export goes to: all files of it stand beside their places before the first is put there, and
//! export.json says which files are ours. What is not, or was edited since, is in nobody's way but a `--force`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::written::{Form, Made, Stop, Written};
use crate::cli::args::ExportFormat;
use crate::cli::error::{CliError, ErrorKind};
use crate::digest::Digest;
use crate::disk::{self, Prepared};
use crate::rel_path::RelPath;

/// Where a folder says which files of it are ours.
const RECORD: &str = "export.json";
const RECORD_FORM: Form = Form { name: RECORD, schema: "export.schema.json", frame: None, lists: &[] };

/// The whole of export.json.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// By format: a folder can hold several.
    pub exports: BTreeMap<String, Export>,
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
}

/// One export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// blake3 of each file that was written, by name.
    pub files: BTreeMap<String, FileRecord>,
    /// blake3 of each artifact that they are made from, by name.
    pub from: BTreeMap<String, String>,
    pub job_id: String,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub blake3: String,
    pub bytes: u64,
}

/// A folder that is being written to.
pub struct Folder {
    path: PathBuf,
    record: Record,
    ready: Vec<(&'static str, Prepared, Made)>,
}

impl Folder {
    /// The folder at `path`, made if it is not there, for files called `names`.
    ///
    /// # Errors
    /// Exit code 2 if one of them is in the way; what the disk says.
    pub fn open(path: &Path, names: &[&str], force: bool) -> Result<Self, CliError> {
        disk::create_dir_all(path)?;
        let at = path.join(RECORD);
        let known = match disk::read_if_there(&at)? {
            Some(bytes) => serde_json::from_slice::<Record>(&bytes).ok(),
            None => Some(Record::default()),
        };
        let mut in_the_way = Vec::new();
        if known.is_none() {
            in_the_way.push(format!("`{}` is no record of an export", at.display()));
        }
        let record = Record { version: 1, ..known.unwrap_or_default() };
        for name in names {
            let file = path.join(name);
            if disk::is_dir(&file) {
                return Err(CliError::new(ErrorKind::Usage, format!("`{}` is a folder", file.display())));
            }
            let Some(there) = digest_of(&file)? else { continue };
            let ours = record.exports.values().find_map(|e| e.files.get(*name));
            match ours {
                Some(ours) if ours.blake3 == there.to_hex() => {}
                Some(_) => in_the_way.push(format!("`{}` was edited since it was exported", file.display())),
                None => in_the_way.push(format!("`{}` is there already, and no export wrote it", file.display())),
            }
        }
        if let (Some(first), false) = (in_the_way.first(), force) {
            let mut error = CliError::new(ErrorKind::Usage, first.clone());
            error.problem.causes = in_the_way.split_off(1);
            return Err(error.hint("`--force` replaces what is in the way; `-o` names another folder"));
        }
        Ok(Self { path: path.to_path_buf(), record, ready: Vec::new() })
    }

    /// Writes a file beside its place.
    ///
    /// # Errors
    /// What `fill` says; what the disk says.
    pub fn write(
        &mut self,
        form: &'static Form,
        fill: impl FnOnce(&mut Written<'_>) -> Result<(), Stop>,
    ) -> Result<(), CliError> {
        let mut end = Err(CliError::told(ErrorKind::Failed));
        let prepared = disk::prepare(&self.path.join(form.name), |out| {
            let write = || {
                let mut written = Written::new(form, out)?;
                fill(&mut written)?;
                Ok(written.end())
            };
            match write() {
                Ok(made) => end = Ok(made),
                Err(Stop::Io(error)) => return Err(error),
                Err(Stop::Told(error)) => {
                    end = Err(error);
                    return Err(std::io::Error::other("stopped"));
                }
            }
            Ok(())
        });
        match (prepared, end) {
            (Ok(prepared), Ok(made)) => self.ready.push((form.name, prepared, made)),
            (_, Err(told)) if !told.problem.message.is_empty() => return Err(told),
            (Err(error), _) => return Err(error.into()),
            (Ok(_), Err(error)) => return Err(error),
        }
        Ok(())
    }

    /// Puts all files in their places, and says in export.json whose they are. A file that would not change is left as it
    /// is. Says whether any changed.
    ///
    /// # Errors
    /// What the disk says; what is then in place is whole.
    pub fn put(mut self, format: ExportFormat, job_id: &str, from: BTreeMap<String, String>) -> Result<bool, CliError> {
        let of = |(name, _, made): &(&str, Prepared, Made)| {
            ((*name).to_owned(), FileRecord { blake3: made.digest.to_hex(), bytes: made.bytes })
        };
        let files: BTreeMap<String, FileRecord> = self.ready.iter().map(of).collect();
        let mut record = std::mem::take(&mut self.record);
        let before = record.exports.get(format.name()).cloned().unwrap_or_default().files;
        record.exports.insert(format.name().to_owned(), Export { files: files.clone(), from, job_id: job_id.to_owned() });
        self.write(&RECORD_FORM, |file| file.line(RECORD, &record))?;
        let mut changed = false;
        for (name, prepared, made) in self.ready {
            let place = self.path.join(name);
            if digest_of(&place)? != Some(made.digest) {
                prepared.put()?;
                changed = true;
            }
        }
        // What an earlier export of this format wrote and this one does not.
        for (name, ours) in before.iter().filter(|(name, _)| !files.contains_key(*name)) {
            let place = self.path.join(name);
            let is_plain = RelPath::parse(name).is_ok_and(|path| path.name() == name);
            if is_plain && digest_of(&place)?.is_some_and(|there| there.to_hex() == ours.blake3) {
                disk::remove_file(&place)?;
                changed = true;
            }
        }
        Ok(changed)
    }
}

/// The digest of a file; `None` if it is not there.
fn digest_of(path: &Path) -> Result<Option<Digest>, CliError> {
    let mut file = match disk::open(path) {
        Err(e) if e.is_missing() => return Ok(None),
        opened => opened?,
    };
    let mut hasher = blake3::Hasher::new();
    std::io::copy(&mut file, &mut hasher).map_err(|e| disk::DiskError::new("read", path, e))?;
    Ok(Some(Digest::of_hasher(&hasher)))
}
