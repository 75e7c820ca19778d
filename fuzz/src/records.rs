//! Stored records: bytes of any kind are read as each of them or refused, without a panic and without memory that the bytes do
//! not have; what was read is written and read as the same. A database and a snapshot in which bytes were changed are opened or
//! refused.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use arbitrary::{Arbitrary, Unstructured};
use ingest::digest::Digest;
use ingest::store::database::Database;
use ingest::store::keys::Held;
use ingest::store::picture::Picture;
use ingest::store::records::{
    ActionResult, Adoption, Came, FileEntry, LastBuild, Probe, Published, Stored, StoredFile, Turn, Verdict,
};
use ingest::store::snapshot;
use ingest::store::state::State;
use ingest::store::table::Table;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[derive(Arbitrary, Debug)]
struct Damage {
    at: Vec<(u32, u8)>,
    cut: Option<u32>,
}

pub fn run(data: &[u8]) {
    crate::guarded(|| match data.split_first() {
        Some((0, rest)) => {
            let mut u = Unstructured::new(rest);
            if let Ok(damage) = Damage::arbitrary(&mut u) {
                damaged(&damage);
            }
        }
        Some((1, rest)) => snapshot_of(rest),
        Some((2, rest)) => loaded(rest),
        _ => {
            stable::<ActionResult>(data);
            stable::<LastBuild>(data);
            stable::<FileEntry>(data);
            stable::<Published>(data);
            stable::<Adoption>(data);
            stable::<Verdict>(data);
            stable::<Probe>(data);
            stable::<Stored>(data);
        }
    });
}

fn stable<T: Serialize + DeserializeOwned>(data: &[u8]) {
    let Ok(value) = postcard::from_bytes::<T>(data) else { return };
    let written = postcard::to_stdvec(&value).expect("it was read");
    let again: T = postcard::from_bytes(&written).expect("it was written by us");
    assert_eq!(written, postcard::to_stdvec(&again).expect("it was read"), "written otherwise the second time");
}

/// Rows of any kind in a picture go into a database, and are read from there.
fn loaded(data: &[u8]) {
    let folder = folder();
    let Some(mut state) = pictured(&folder.path().join(snapshot::NAME), data) else { return };
    let database = Database::open(&folder.path().join("state.redb")).expect("a file of ours");
    database.write(&mut state, true).expect("a file of ours");
    assert_eq!(state.generation, database.generation().expect("a file of ours"));
    read_all(&state);
}

/// A snapshot whose digest is right, whatever it holds.
fn snapshot_of(body: &[u8]) {
    let folder = folder();
    let path = folder.path().join(snapshot::NAME);
    let Some(state) = pictured(&path, body) else { return };
    read_all(&state);
    snapshot::stage(&path, &state).and_then(snapshot::Staged::put).expect("a file of ours");
    let again = Picture::read(&path).map(|picture| State::pictured(&picture)).expect("it was written by us");
    assert_eq!((state.generation, rows(&state)), (again.generation, rows(&again)));
}

fn pictured(path: &Path, body: &[u8]) -> Option<State> {
    let format = ingest::store::records::FORMAT.to_le_bytes();
    fs::write(path, [b"ingstate", &format[..], Digest::of(body).as_bytes(), body].concat()).expect("a file of ours");
    Picture::read(path).map(|picture| State::pictured(&picture))
}

/// Keys and records of each table, as they are written.
fn rows(state: &State) -> Vec<Vec<(Vec<u8>, Vec<u8>)>> {
    let rows_of =
        |written: &ingest::store::written::Written| written.rows(&[]).map(|r| (r.key().to_vec(), r.value().to_vec())).collect();
    state.tables().iter().map(|table| rows_of(table.written())).collect()
}

/// Looks at every record, in order and by its key.
fn read_all(state: &State) {
    read(&state.files);
    read(&state.results);
    read(&state.last);
    read(&state.verdicts);
    read(&state.derived);
    read(&state.published);
    read(&state.probes);
    read(&state.baselines);
    read(&state.gates);
    read(&state.declarations);
    read(&state.builds);
    read(&state.adoptions);
    read(&state.unused);
    read(&state.reached);
    read(&state.figures);
}

fn read<K: Held, V: Clone + Serialize + DeserializeOwned>(table: &Table<K, V>) {
    for (key, _) in table.iter() {
        let _ = table.get(&key);
    }
}

fn damaged(damage: &Damage) {
    let folder = folder();
    let path = folder.path().join("state.redb");
    let mut bytes = whole().to_vec();
    for (at, value) in damage.at.iter().take(16) {
        let at = *at as usize % bytes.len();
        bytes[at] = *value;
    }
    if let Some(cut) = damage.cut {
        bytes.truncate(cut as usize % (bytes.len() + 1));
    }
    fs::write(&path, &bytes).expect("a file of ours");
    let Ok(database) = Database::open(&path) else { return };
    if let (Ok(generation), Ok(reading)) = (database.generation(), database.reading()) {
        let mut state = State::stored(generation, &reading);
        read_all(&state);
        let _ = database.write(&mut state, true);
    }
}

/// A sound database with a record or two in each table that matters.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("state.redb");
        let mut state = State::default();
        for n in 0..20_u32 {
            let digest = Digest::of(&n.to_le_bytes());
            let file = StoredFile { digest, bytes: u64::from(n), items: 1 };
            let result = ActionResult { outputs: [Stored::File(file)].into(), counts: [].into(), failure: None, duration_ms: 1 };
            state.results.put(digest, result);
            state.verdicts.put(digest, Verdict::default().into());
            let turn = Turn { build: n, came: Came::Ran, ran: true, reason: [1, 2, 3].into() };
            let own = [7; 40].into();
            let last = LastBuild { key: digest, declared: n, own, accepted: true, gates: n, source: None, history: vec![turn] };
            state.last.put(format!("job\0rule\0item-{n}"), last);
        }
        let database = Database::open(&path).expect("a file of ours");
        database.write(&mut state, false).expect("a file of ours");
        drop(database);
        fs::read(&path).expect("a file of ours")
    })
}

fn folder() -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    let within = if shm.is_dir() { shm.to_path_buf() } else { std::env::temp_dir() };
    tempfile::Builder::new().tempdir_in(within).expect("a temporary folder")
}
