//! The database on a disk that dies, tears what was not synced, and rots: what is read back is what some batch left.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use super::*;
use crate::digest::Digest;
use crate::store::records::{Probe, Verdict};

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// Numbers that look random, from a seed (splitmix64).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    fn coin(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }
}

#[derive(Debug)]
enum Unsynced {
    Write(usize, Vec<u8>),
    Len(usize),
}

/// A disk in memory that dies after so many operations.
#[derive(Clone, Debug)]
struct DyingDisk(Arc<Mutex<Platter>>);

#[derive(Debug)]
struct Platter {
    /// As programs see it.
    live: Vec<u8>,
    /// As it is for sure after a power cut.
    synced: Vec<u8>,
    unsynced: Vec<Unsynced>,
    operations_left: usize,
}

impl DyingDisk {
    fn new(image: Vec<u8>, operations_left: usize) -> Self {
        let (live, synced) = (image.clone(), image);
        Self(Arc::new(Mutex::new(Platter { live, synced, unsynced: Vec::new(), operations_left })))
    }

    fn operate(&self, mutate: impl FnOnce(&mut Platter)) -> Result<(), io::Error> {
        let mut platter = self.0.lock().unwrap();
        if platter.operations_left == 0 {
            return Err(dead());
        }
        platter.operations_left -= 1;
        mutate(&mut platter);
        Ok(())
    }

    /// What is on it after the power cut: of what was not synced, some, in any order, some of it torn.
    fn image(&self, random: &mut Seeded) -> Vec<u8> {
        let mut platter = self.0.lock().unwrap();
        let mut image = platter.synced.clone();
        while !platter.unsynced.is_empty() {
            let at = random.below(platter.unsynced.len());
            let operation = platter.unsynced.swap_remove(at);
            if random.coin() {
                continue;
            }
            match operation {
                Unsynced::Len(len) => image.resize(len, 0),
                Unsynced::Write(offset, bytes) => {
                    let tears = random.coin();
                    for (ix, sector) in bytes.chunks(SECTOR).enumerate().filter(|_| !tears || random.coin()) {
                        let start = offset + ix * SECTOR;
                        image.resize(image.len().max(start + sector.len()), 0);
                        image[start..][..sector.len()].copy_from_slice(sector);
                    }
                }
            }
        }
        image
    }
}

fn dead() -> io::Error {
    io::Error::other("the disk is dead")
}

impl redb::StorageBackend for DyingDisk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.0.lock().unwrap().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let platter = self.0.lock().unwrap();
        let start = usize::try_from(offset).unwrap();
        let held = platter.live.get(start..start + out.len()).filter(|_| platter.operations_left > 0);
        out.copy_from_slice(held.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        let len = usize::try_from(len).unwrap();
        self.operate(|p| {
            p.live.resize(len, 0);
            p.unsynced.push(Unsynced::Len(len));
        })
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.operate(|p| {
            p.synced.clone_from(&p.live);
            p.unsynced.clear();
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let start = usize::try_from(offset).unwrap();
        self.operate(|p| {
            let end = start + data.len();
            p.live.resize(p.live.len().max(end), 0);
            p.live[start..end].copy_from_slice(data);
            p.unsynced.push(Unsynced::Write(start, data.to_vec()));
        })
    }
}

/// A batch: records come, change and go, in several tables.
fn change(state: &mut State, random: &mut Seeded) {
    for _ in 0..=random.below(40) {
        let name = format!("probe {}", random.below(60));
        match random.below(5) {
            0 => state.probes.remove(name.as_str()),
            1 => {
                let count = random.next() % 100;
                state.verdicts.put(Digest::of(name.as_bytes()), Verdict { violations: Vec::new(), count }.into());
            }
            _ => {
                let version = "v".repeat(random.below(700));
                state.probes.put(name, Probe { rests_on: vec![Digest::of(version.as_bytes())], version });
            }
        }
    }
}

/// Every record that can be read, encoded, by table and key; and how many commits it is after.
type Told = (u64, BTreeMap<(usize, Vec<u8>), Vec<u8>>);

fn told(state: &State) -> Told {
    let mut all = BTreeMap::new();
    for (ix, table) in state.tables().into_iter().enumerate() {
        all.extend(table.written().rows(&[]).map(|row| ((ix, row.key().to_vec()), row.value().to_vec())));
        for (key, value) in table.changes() {
            match value {
                Some(value) => all.insert((ix, key), value),
                None => all.remove(&(ix, key)),
            };
        }
    }
    (state.generation, all)
}

fn stored(database: &Database) -> Result<State, StoreError> {
    Ok(State::stored(database.generation()?, &database.reading()?))
}

#[test]
fn after_a_power_cut_the_state_is_that_of_a_batch_and_never_older_than_the_last_one_acknowledged() {
    for seed in 0..300 {
        let mut random = Seeded(seed);
        let mut image = Vec::new();
        let mut known: Told = Told::default();
        for life in 0..4 {
            let disk = DyingDisk::new(image, 1 + random.below(400));
            let mut attempted = known.clone();
            if let Ok(database) = Database::on(disk.clone())
                && let Ok(mut state) = stored(&database)
            {
                let is_sound = || database.trouble.failed().is_none() && database.trouble.lost() == 0;
                let found = told(&state);
                assert!(!is_sound() || found == known, "seed {seed}, life {life}: opened");
                while is_sound() {
                    change(&mut state, &mut random);
                    let changed = told(&state);
                    if !is_sound() {
                        break;
                    }
                    attempted = (changed.0 + 1, changed.1);
                    if database.write(&mut state, false).is_err() {
                        break;
                    }
                    known = attempted.clone();
                }
            }
            image = disk.image(&mut random);
            let sound = DyingDisk::new(image.clone(), usize::MAX);
            let database = match Database::on(sound.clone()) {
                Ok(database) => database,
                // The cut came while the file was made: nothing was in it, and it is set aside.
                Err(StoreError::Damaged { .. }) if known.0 == 0 => {
                    image.clear();
                    continue;
                }
                Err(e) => panic!("seed {seed}, life {life}: {e}"),
            };
            let found = told(&stored(&database).unwrap());
            assert_eq!(database.trouble.lost(), 0, "seed {seed}, life {life}");
            let is_batch = found == known || found == attempted;
            assert!(is_batch, "seed {seed}, life {life}: generation {} of {}", found.0, known.0);
            known = found;
            // Half of the lives begin where the cut left the disk, the others where it was mended.
            if random.coin() {
                drop(database);
                image = sound.0.lock().unwrap().live.clone();
            }
        }
    }
}

/// A database of several batches, as its file, and what is in it.
fn built() -> (Vec<u8>, Told) {
    let disk = DyingDisk::new(Vec::new(), usize::MAX);
    let mut state = State::default();
    let database = Database::on(disk.clone()).unwrap();
    let mut random = Seeded(7);
    for _ in 0..6 {
        change(&mut state, &mut random);
        database.write(&mut state, false).unwrap();
    }
    let truth = told(&state);
    drop((state, database));
    let image = disk.0.lock().unwrap().live.clone();
    (image, truth)
}

/// What a rotten database tells is part of the truth, or it says that it is damaged. Whether it told all of it, unasked for
/// anything else.
fn tells_no_lie(image: Vec<u8>, truth: &Told, how: &str) -> bool {
    let disk = DyingDisk::new(image, usize::MAX);
    let opened = Database::on(disk).and_then(|db| {
        let mut state = stored(&db)?;
        let found = told(&state);
        assert!(found.1.iter().all(|(key, value)| truth.1.get(key) == Some(value)), "{how}");
        assert!(found.1 == truth.1 || found.0 != truth.0 || db.trouble.lost() > 0, "{how}: what is missing is told");
        // Asked key by key, it tells the same.
        for ((table, key), value) in &truth.1 {
            let tables = state.tables();
            let told = tables[*table].written().get(key);
            assert!(told.is_none_or(|told| told.bytes() == value), "{how}");
        }
        let is_whole = db.trouble.lost() == 0;
        // What is found in it is also written anew, as a build would; closing it afterwards is no place to panic.
        let anew = Database::on(DyingDisk::new(Vec::new(), usize::MAX))?;
        anew.write(&mut state, true)?;
        assert!(told(&state).1.len() <= truth.1.len(), "{how}");
        let mut again = stored(&db)?;
        change(&mut again, &mut Seeded(1));
        let written = db.write(&mut again, false);
        assert!(matches!(written, Ok(()) | Err(StoreError::Damaged { .. })), "{how}: {written:?}");
        Ok(is_whole)
    });
    opened.unwrap_or_else(|e| {
        assert!(matches!(e, StoreError::Damaged { .. }), "{how}: {e:?}");
        false
    })
}

#[test]
fn a_flipped_bit_is_found_or_changes_nothing_that_is_told() {
    let (image, truth) = built();
    assert!(tells_no_lie(image.clone(), &truth, "sound"));
    // Every eighth byte of the header, and every place that holds anything, at a stride that meets all of a page in turn.
    let used = (0..image.len()).filter(|at| image[*at] != 0);
    let places: Vec<usize> = (0..512).step_by(8).chain(used.step_by(41)).collect();
    assert!(places.len() > 500, "{} places", places.len());
    let mut damaged = 0;
    for at in places {
        let mut rotten = image.clone();
        rotten[at] ^= 1 << (at % 8);
        damaged += usize::from(!tells_no_lie(rotten, &truth, &format!("bit of byte {at}")));
    }
    assert!(damaged > 0);
}

#[test]
fn a_file_cut_short_is_damaged_and_one_of_nothing_is_new() {
    let (image, truth) = built();
    let lengths = (1..600).step_by(23).chain((600..image.len()).step_by(image.len() / 150));
    for length in lengths {
        tells_no_lie(image[..length].to_vec(), &truth, &format!("{length} bytes"));
    }
    assert!(tells_no_lie(Vec::new(), &Told::default(), "nothing"));
}

#[test]
fn what_is_no_database_is_damaged() {
    for text in [b"{}".as_slice(), &[0; 4096], &[0xff; 4096]] {
        let opened = Database::on(DyingDisk::new(text.to_vec(), usize::MAX));
        assert!(matches!(opened, Err(StoreError::Damaged { .. })), "{} bytes", text.len());
    }
}
