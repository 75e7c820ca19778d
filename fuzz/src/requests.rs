//! Requests to a built-in: one is carried out or refused, its response comes back as it was written, and nothing outside its folder
//! changes or is read, whatever its names say and whatever links lie about.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};
use ingest::builtin::{Builtin, Item};
use ingest::passes::{pages, pass_c_chunk, text};
use ingest::staging::{Paths, Request};
use ingest::worker::{self, Response, ResponseStatus};

#[derive(Arbitrary, Debug)]
struct Case {
    builtin: u8,
    version: u8,
    inputs: Vec<(u8, Vec<Name>, bool)>,
    outputs: Vec<(u8, Name)>,
    params: Vec<(u8, i64)>,
    content: Vec<u8>,
    item: [String; 3],
}

/// Segments of a path, and whether it ends in a `/`.
#[derive(Arbitrary, Debug)]
struct Name(Vec<u8>, bool, Option<String>);

const SEGMENTS: [&str; 20] = [
    "inputs",
    "source.md",
    "outputs",
    "..",
    ".",
    "",
    "link",
    "out",
    "request.json",
    "response.json",
    "C:",
    "a\\b",
    "~",
    "x.json",
    "group.md",
    "folder",
    "lines",
    "\u{0}",
    "caf\u{65}\u{301}",
    "elements.json",
];
const SECRET: &str = "what nobody asked for";

impl Name {
    fn text(&self) -> String {
        let mut text = self.0.iter().take(5).map(|s| SEGMENTS[usize::from(*s) % SEGMENTS.len()]).collect::<Vec<_>>().join("/");
        text.push_str(self.2.as_deref().unwrap_or(""));
        if self.1 { text + "/" } else { text }
    }
}

pub fn run(data: &[u8]) {
    crate::guarded(|| {
        if let Some((b'{', _)) = data.split_first() {
            round_trips(data);
            return;
        }
        let mut u = Unstructured::new(data);
        let Ok(case) = Case::arbitrary(&mut u) else { return };
        carry_out(&case);
    });
}

/// What parses as a request or a response is written so that it parses as the same again.
fn round_trips(data: &[u8]) {
    if let Ok(request) = serde_json::from_slice::<Request>(data) {
        let written = serde_json::to_vec(&request).expect("a request is JSON");
        assert_eq!(serde_json::from_slice::<Request>(&written).expect("it was written by us"), request);
    }
    if let Ok(response) = serde_json::from_slice::<Response>(data) {
        let written = serde_json::to_vec(&response).expect("a response is JSON");
        assert_eq!(serde_json::from_slice::<Response>(&written).expect("it was written by us"), response);
    }
}

fn carry_out(case: &Case) {
    let root = tempfile::Builder::new().tempdir_in(shared_memory()).expect("a temporary folder");
    let folder = root.path().join("folder");
    make(root.path(), &folder, &case.content).expect("a folder of ours");
    let builtins: [&'static Builtin; 3] = [&pages::BUILTIN, &text::BUILTIN, &pass_c_chunk::chunk::BUILTIN];
    let builtin = builtins[usize::from(case.builtin) % builtins.len()];
    let request = request(case, builtin);
    let path = folder.join("request.json");
    fs::write(&path, serde_json::to_vec(&request).expect("a request is JSON")).expect("a file of ours");
    let before = outside(root.path());
    let carried = worker::carry_out(builtin, &path, &|_| None);
    assert_eq!(before, outside(root.path()), "something outside the folder has changed by {request:?}");
    let Ok(response) = carried else { return };
    let bytes = fs::read(folder.join(worker::RESPONSE)).expect("a response is written");
    assert_eq!(serde_json::from_slice::<Response>(&bytes).expect("a response is JSON"), response, "not what was said");
    assert_eq!(response.status == ResponseStatus::Success, response.failure.is_none());
    for made in response.outputs.values() {
        let at = folder.join(&made.path);
        assert!(
            at.canonicalize().is_ok_and(|at| at.starts_with(folder.canonicalize().unwrap_or_default())),
            "`{}` is elsewhere",
            made.path
        );
        assert!(!holds_secret(&at), "`{}` holds what stands outside", made.path);
    }
}

fn request(case: &Case, builtin: &Builtin) -> Request {
    let one = |names: &[Name], tree: bool| {
        if tree {
            Paths::Tree(names.iter().take(3).map(Name::text).collect())
        } else {
            Paths::File(names.first().map_or_else(String::new, Name::text))
        }
    };
    let inputs: BTreeMap<String, Paths> = case
        .inputs
        .iter()
        .take(4)
        .map(|(port, names, tree)| {
            let known = builtin.inputs.get(usize::from(*port) % 3).copied().unwrap_or("nothing");
            (known.trim_end_matches('?').to_owned(), one(names, *tree))
        })
        .collect();
    let outputs = case.outputs.iter().take(3).map(|(port, name)| {
        let known = builtin.outputs.get(usize::from(*port) % 3).map_or("nothing", |o| o.name);
        (known.to_owned(), name.text())
    });
    let params = ["max_chars", "max_tokens", "tokenizer", "nothing"];
    let params: serde_json::Map<_, _> =
        case.params.iter().take(3).map(|(name, n)| (params[usize::from(*name) % 4].to_owned(), (*n).into())).collect();
    let [id, source_id, path] = case.item.clone();
    Request {
        version: u32::from(case.version.min(2)) + u32::from(case.version > 2),
        rule: builtin.name.to_owned(),
        item: Item { id, source_id, path },
        params: if params.is_empty() { serde_json::Value::Null } else { params.into() },
        inputs,
        outputs: outputs.collect(),
        limits: None,
    }
}

fn make(root: &Path, folder: &Path, content: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder.join("inputs/folder"))?;
    fs::create_dir_all(root.join("elsewhere"))?;
    fs::write(root.join("elsewhere/x.json"), SECRET)?;
    fs::write(root.join("x.json"), SECRET)?;
    for name in ["inputs/source.md", "inputs/group.md", "inputs/elements.json", "x.json"] {
        fs::write(folder.join(name), content)?;
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../elsewhere", folder.join("link"))?;
        std::os::unix::fs::symlink("../../elsewhere/x.json", folder.join("inputs/link"))?;
    }
    Ok(())
}

/// A folder in memory, where there is one.
fn shared_memory() -> std::path::PathBuf {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { shm.to_path_buf() } else { std::env::temp_dir() }
}

/// All that lies beside the request's folder.
fn outside(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for folder in [root.to_path_buf(), root.join("elsewhere")] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            all.insert(entry.path().display().to_string(), fs::read(entry.path()).unwrap_or_default());
        }
    }
    all
}

fn holds_secret(at: &Path) -> bool {
    if at.is_dir() {
        return fs::read_dir(at).into_iter().flatten().flatten().any(|e| holds_secret(&e.path()));
    }
    fs::read(at).is_ok_and(|bytes| bytes.windows(SECRET.len()).any(|w| w == SECRET.as_bytes()))
}
