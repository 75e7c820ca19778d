//! What the coordinator and a worker say to each other, over the worker's stdin and stdout: frames of a length and postcard
//! bytes, and after a reply the bytes of what was made. Both ends are the same program.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::builtin::{Builtin, Failure, Item, Limits, NamedBytes, Output};
use crate::digest::Digest;
use crate::engine::execute::InputValue;
use crate::store::records::{StoredFile, StoredTree};

/// A frame is a list of names and digests, never a document: what is longer is no frame.
const MAX_FRAME: u32 = 1 << 30;
/// How much is made room for at once, whatever a header says: room that nothing comes into takes no memory, and a buffer that
/// grows takes twice what is in it.
const STEP: u64 = 64 << 20;

/// The first frame: what a worker is for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The folder of blobs.
    pub cas: OsString,
    /// For each job; memory beyond what the program takes at rest.
    pub limits: Limits,
}

/// One action.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    pub builtin: String,
    pub item: Item,
    pub inputs: Vec<(String, WireInput)>,
    /// JSON.
    pub params: String,
    /// How often it was tried before.
    pub tried: u32,
}

/// `InputValue` as it travels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum WireInput {
    Foreign { path: OsString, name: String, digest: Digest },
    Blob { name: String, file: StoredFile },
    Tree(StoredTree),
}

impl From<&InputValue> for WireInput {
    fn from(value: &InputValue) -> Self {
        match value {
            InputValue::Foreign { path, name, digest } => {
                Self::Foreign { path: path.clone().into_os_string(), name: name.clone(), digest: *digest }
            }
            InputValue::Blob { name, file } => Self::Blob { name: name.clone(), file: *file },
            InputValue::Tree(tree) => Self::Tree(tree.clone()),
        }
    }
}

impl From<WireInput> for InputValue {
    fn from(value: WireInput) -> Self {
        match value {
            WireInput::Foreign { path, name, digest } => Self::Foreign { path: PathBuf::from(path), name, digest },
            WireInput::Blob { name, file } => Self::Blob { name, file },
            WireInput::Tree(tree) => Self::Tree(tree),
        }
    }
}

/// What became of a job.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reply {
    pub end: End,
    /// How long the worker was at it.
    pub took_us: u64,
    /// What the worker holds in memory now; 0 where that cannot be told.
    pub resident_bytes: u64,
}

/// How a job ended.
#[derive(Debug, Serialize, Deserialize)]
pub enum End {
    /// The bytes of these follow, one after the other.
    Made(Vec<Shape>),
    Failed(Failure),
    Panicked(String),
    /// A foreign input does not hold the bytes that its digest says.
    Changed(OsString),
    /// A blob is missing, or else damaged.
    Blob {
        digest: Digest,
        missing: bool,
    },
    /// An input cannot be read.
    Unreadable {
        path: OsString,
        code: Option<i32>,
        message: String,
    },
    /// It is no job of this program's.
    Odd(String),
}

/// An output without its bytes, in the order of the built-in.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shape {
    /// Its place among the built-in's outputs.
    pub port: u32,
    pub files: Files,
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Files {
    /// Bytes of the file.
    One(u64),
    /// Bytes of the file, and how many items its array has.
    Array(u64, u64),
    /// Name, placement and bytes of each file.
    Tree(Vec<(String, String, u64)>),
}

/// Sends one frame.
///
/// # Errors
/// If the other end is gone.
pub fn send<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let body = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(body.len()).ok().filter(|n| *n <= MAX_FRAME);
    let length = length.ok_or_else(|| io::Error::other("the message is too long"))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&body)
}

/// Receives one frame; `None` if the other end has closed between two.
///
/// # Errors
/// If the other end is gone in the middle of one, or says what is none.
pub fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_le_bytes(length);
    if length > MAX_FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let body = read_bytes(from, u64::from(length))?;
    postcard::from_bytes(&body).map(Some).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// `outputs` as they travel: their shapes, and their bytes in the same order.
#[must_use]
pub fn shapes(builtin: &Builtin, outputs: &[(&'static str, Output)]) -> Vec<Shape> {
    let port = |name: &str| builtin.outputs.iter().position(|o| o.name == name);
    let known = outputs.iter().filter_map(|(name, output)| Some((u32::try_from(port(name)?).ok()?, output)));
    known
        .map(|(port, output)| {
            let files = match output {
                Output::File(bytes) => Files::One(bytes.len() as u64),
                Output::Array { json, items } => Files::Array(json.len() as u64, *items),
                Output::Tree(files) => {
                    Files::Tree(files.iter().map(|f| (f.name.clone(), f.attrs.clone(), f.bytes.len() as u64)).collect())
                }
            };
            Shape { port, files }
        })
        .collect()
}

/// Sends the bytes of `outputs`.
///
/// # Errors
/// If the other end is gone.
pub fn send_bytes(to: &mut impl Write, outputs: &[(&'static str, Output)]) -> io::Result<()> {
    for (_, output) in outputs {
        match output {
            Output::File(bytes) | Output::Array { json: bytes, .. } => to.write_all(bytes)?,
            Output::Tree(files) => files.iter().try_for_each(|f| to.write_all(&f.bytes))?,
        }
    }
    Ok(())
}

/// Receives the outputs of these shapes.
///
/// # Errors
/// If the other end is gone, or tells of an output that `builtin` has not.
pub fn receive_outputs(
    from: &mut impl Read,
    builtin: &'static Builtin,
    shapes: Vec<Shape>,
) -> io::Result<Vec<(&'static str, Output)>> {
    let receive = |Shape { port, files }: Shape| {
        let port = usize::try_from(port).ok().and_then(|port| builtin.outputs.get(port));
        let name = port.ok_or(io::ErrorKind::InvalidData)?.name;
        let output = match files {
            Files::One(bytes) => Output::File(read_bytes(from, bytes)?),
            Files::Array(bytes, items) => Output::Array { json: read_bytes(from, bytes)?, items },
            Files::Tree(files) => {
                let file = |(name, attrs, bytes)| Ok(NamedBytes { name, attrs, bytes: Arc::from(read_bytes(from, bytes)?) });
                Output::Tree(files.into_iter().map(file).collect::<io::Result<_>>()?)
            }
        };
        Ok((name, output))
    };
    shapes.into_iter().map(receive).collect()
}

fn read_bytes(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(STEP)).unwrap_or_default());
    if from.take(length).read_to_end(&mut bytes)? as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
