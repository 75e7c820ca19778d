//! All tables of records. Pure but for what they ask.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::picture::{Picture, TABLES};
use super::reading::Reading;
use super::records::{ActionResult, Adoption, Derived, FileEntry, LastBuild, Probe, Published, Reached, Remembered};
use super::table::{Encoded, Table};
use super::written::Written;
use crate::digest::Digest;

/// Every table.
#[derive(Debug)]
pub struct State {
    /// Number of commits; tells a snapshot from a newer database.
    pub generation: u64,
    /// The source index, and every other file that was hashed: by path.
    pub files: Table<String, FileEntry>,
    /// The action cache: by action key.
    pub results: Table<Digest, ActionResult>,
    /// Last builds: by (job, rule, item), joined by NUL.
    pub last: Table<String, LastBuild>,
    /// Verdicts: by digest of all that the gate read.
    pub verdicts: Table<Digest, Remembered>,
    /// Merges and projections: by digest of what they were made from.
    pub derived: Table<Digest, Derived>,
    /// Published files: by (job, path), joined by NUL.
    pub published: Table<String, Published>,
    /// Tool versions: by command line, program and the environment that every command is given.
    pub probes: Table<String, Probe>,
    /// Items of each artifact in its last accepted build: by (job, path), joined by NUL.
    pub baselines: Table<String, u64>,
    /// What gates judged by, encoded by the engine: by the number that last builds hold.
    pub gates: Table<u32, Arc<[u8]>>,
    /// What the manifests of a rule's actions share, encoded by the engine: by the number that last builds hold.
    pub declarations: Table<u32, Arc<[u8]>>,
    /// Ids of builds: by the number that last builds hold.
    pub builds: Table<u32, String>,
    /// Published files that were adopted as edited by hand: by (job, path), joined by NUL.
    pub adoptions: Table<String, Adoption>,
    /// Since when no build has needed a result, merge, projection or verdict (seconds since 1970): by its key.
    pub unused: Table<Digest, i64>,
    /// What the last build of a job rested on beside results: by job.
    pub reached: Table<String, Reached>,
    /// Figures by name: see `totals`.
    pub figures: Table<String, u64>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            generation: 0,
            files: Table::default(),
            results: Table::noting(),
            last: Table::noting(),
            verdicts: Table::noting(),
            derived: Table::noting(),
            published: Table::default(),
            probes: Table::default(),
            baselines: Table::default(),
            gates: Table::default(),
            declarations: Table::default(),
            builds: Table::default(),
            adoptions: Table::default(),
            unused: Table::default(),
            reached: Table::default(),
            figures: Table::default(),
        }
    }
}

impl State {
    /// The tables in the order of `database::TABLES`.
    #[must_use]
    pub fn tables(&self) -> [&dyn Encoded; TABLES] {
        [
            &self.files,
            &self.results,
            &self.last,
            &self.verdicts,
            &self.derived,
            &self.published,
            &self.probes,
            &self.baselines,
            &self.gates,
            &self.declarations,
            &self.builds,
            &self.adoptions,
            &self.unused,
            &self.reached,
            &self.figures,
        ]
    }

    fn tables_mut(&mut self) -> [&mut dyn Encoded; TABLES] {
        [
            &mut self.files,
            &mut self.results,
            &mut self.last,
            &mut self.verdicts,
            &mut self.derived,
            &mut self.published,
            &mut self.probes,
            &mut self.baselines,
            &mut self.gates,
            &mut self.declarations,
            &mut self.builds,
            &mut self.adoptions,
            &mut self.unused,
            &mut self.reached,
            &mut self.figures,
        ]
    }

    /// What a picture shows.
    #[must_use]
    pub fn pictured(picture: &Arc<Picture>) -> Self {
        let mut state = Self { generation: picture.generation, ..Self::default() };
        state.stand_on(|table| Written::Picture(picture.clone(), table));
        state
    }

    /// What the database holds after so many commits.
    #[must_use]
    pub fn stored(generation: u64, reading: &Arc<Reading>) -> Self {
        let mut state = Self { generation, ..Self::default() };
        state.read_from(reading);
        state
    }

    /// From now on what is written is read from the database.
    pub fn read_from(&mut self, reading: &Arc<Reading>) {
        self.stand_on(|table| Written::Database(reading.clone(), table));
    }

    /// From now on what is written is read from a picture, if there is one.
    pub fn read_from_picture(&mut self, picture: Option<&Arc<Picture>>) {
        self.stand_on(|table| picture.map_or(Written::Nothing, |picture| Written::Picture(picture.clone(), table)));
    }

    fn stand_on(&mut self, written: impl Fn(usize) -> Written) {
        self.tables_mut().into_iter().enumerate().for_each(|(ix, table)| table.stands_on(written(ix)));
    }

    /// What waited is written, and is read from the database from now on, which has seen so many commits.
    pub fn settle(&mut self, generation: u64, reading: &Arc<Reading>) {
        self.generation = generation;
        self.read_from(reading);
        self.tables_mut().into_iter().for_each(Encoded::settle);
    }

    /// Drops gate lists, declarations and builds that no last build speaks of any more.
    pub fn drop_unnamed(&mut self) {
        let (mut gates, mut builds, mut declared) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (_, last) in self.last.iter() {
            gates.insert(last.gates);
            builds.extend(last.history.iter().map(|t| t.build));
            declared.insert(last.declared);
        }
        self.gates.keep(|n| gates.contains(n));
        self.declarations.keep(|n| declared.contains(n));
        self.builds.keep(|n| builds.contains(n));
    }

    /// Whether anything waits to be written.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.tables().iter().any(|t| t.is_changed())
    }
}
