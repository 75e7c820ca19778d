//! What is left of a book for the report of its job: counts, shares, what to drop, and a few bytes for each chunk id and entity,
//! because only all books together tell whether an id is repeated and whether an entity is defined.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::document::cleanup::Cleanup;
use crate::document::cleanup::Fix;
use crate::document::link_graph::EdgeKind;
use crate::document::link_graph::NodeKind;
use crate::passes::pass_f_validate::Inputs;
use crate::passes::pass_f_validate::Params;
use crate::passes::pass_f_validate::checks::Share;
use crate::passes::pass_f_validate::duplicates::Repeat;
use crate::passes::pass_f_validate::measures::Measures;
use crate::passes::pass_f_validate::soundness::Unsound;

/// The facts of one book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Those of the rule: the report measures with them.
    pub params: Params,
    pub unsound: Unsound,
    pub measures: Measures,
    pub fixes: Vec<Fix>,
    pub totals: BTreeMap<String, u64>,
    /// A digest of each chunk id, repeats included.
    pub chunk_ids: Digests,
    /// A digest of each entity's id, with `LINKED` and `DEFINED` as its lowest bits.
    pub entities: Digests,
}

/// An edge ends in it.
const LINKED: u64 = 1;
/// A heading bears its name.
const DEFINED: u64 = 2;

impl Facts {
    /// Those of `inputs`, but for what is to be dropped.
    #[must_use]
    pub fn of(inputs: Inputs<'_>, repeated: &[Repeat], totals: BTreeMap<String, u64>, params: &Params) -> Self {
        let edges = &inputs.graph.edges;
        let linked: BTreeSet<&str> = edges.iter().flat_map(|e| [e.source.as_str(), e.target.as_str()]).collect();
        let defined: BTreeSet<&str> = edges.iter().filter(|e| e.kind == EdgeKind::DefinedIn).map(|e| e.source.as_str()).collect();
        let flags = |id: &str| u64::from(linked.contains(id)) * LINKED + u64::from(defined.contains(id)) * DEFINED;
        let entities = inputs.graph.nodes.iter().filter(|n| n.kind == NodeKind::Entity).map(|n| n.id.as_str());
        Self {
            params: params.clone(),
            unsound: Unsound::of(inputs),
            measures: Measures::of(inputs, repeated, params),
            fixes: Vec::new(),
            totals,
            chunk_ids: inputs.chunks.iter().map(|c| digest(&c.chunk_id)).collect(),
            entities: entities.map(|id| digest(id) & !(LINKED | DEFINED) | flags(id)).collect(),
        }
    }
}

/// Eight bytes: of a million ids two agree by chance in one job of ten million.
fn digest(id: &str) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..8]);
    u64::from_be_bytes(first)
}

/// Numbers, written as one string of 16 hex digits each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digests(Vec<u64>);

impl FromIterator<u64> for Digests {
    fn from_iter<I: IntoIterator<Item = u64>>(all: I) -> Self {
        let mut all: Vec<u64> = all.into_iter().collect();
        all.sort_unstable();
        Self(all)
    }
}

impl From<Digests> for String {
    fn from(digests: Digests) -> Self {
        digests.0.iter().map(|d| format!("{d:016x}")).collect()
    }
}

impl TryFrom<String> for Digests {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let one = |digits: &[u8]| {
            let digits = std::str::from_utf8(digits).ok().filter(|d| d.len() == 16);
            digits.and_then(|d| u64::from_str_radix(d, 16).ok())
        };
        let all: Option<Vec<u64>> = text.as_bytes().chunks(16).map(one).collect();
        all.map(Self).ok_or_else(|| "digests of 16 hex digits each are expected".to_owned())
    }
}

/// The facts of several books. What grows with them is 8 bytes for each chunk and each entity of a book, and the fixes.
#[derive(Debug, Default)]
pub struct Gathered {
    params: Option<Params>,
    unsound: Unsound,
    measures: Measures,
    fixes: Vec<Fix>,
    totals: BTreeMap<String, u64>,
    chunk_ids: Vec<u64>,
    entities: Vec<u64>,
}

impl Gathered {
    /// Adds those of one more book.
    pub fn add(&mut self, facts: Facts) {
        self.unsound.add(facts.unsound);
        self.measures.add(&facts.measures);
        self.fixes.extend(facts.fixes);
        for (name, count) in facts.totals {
            *self.totals.entry(name).or_default() += count;
        }
        self.chunk_ids.extend(facts.chunk_ids.0);
        self.entities.extend(facts.entities.0);
        self.params.get_or_insert(facts.params);
    }

    /// Those of the rule; the defaults where there is no book.
    #[must_use]
    pub fn params(&self) -> Params {
        self.params.clone().unwrap_or_default()
    }

    /// The report.
    #[must_use]
    pub fn report(mut self) -> Cleanup {
        let params = self.params();
        self.chunk_ids.sort_unstable();
        let repeated_ids = self.chunk_ids.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
        let entities = Entities::of(self.entities);
        let mut checks = self.unsound.checks(repeated_ids, entities.lonely, &params);
        let undefined = Share { part: entities.undefined, whole: entities.all };
        checks.extend(self.measures.checks(undefined, &params));
        let mut totals = self.totals;
        totals.insert("entities".to_owned(), entities.all);
        *totals.entry("nodes".to_owned()).or_default() += entities.all;
        self.fixes.sort();
        let dropped: BTreeSet<&str> = self.fixes.iter().map(|f| f.subject.as_str()).collect();
        Cleanup { stale_deleted: dropped.len() as u64, checks, totals, fixes: self.fixes }
    }
}

/// The entities of several books, each counted once.
#[derive(Default)]
struct Entities {
    all: u64,
    /// Without an edge in any book.
    lonely: u64,
    /// Without a definition in any book.
    undefined: u64,
}

impl Entities {
    fn of(mut found: Vec<u64>) -> Self {
        found.sort_unstable();
        let mut counts = Self::default();
        for same in found.chunk_by(|a, b| a >> 2 == b >> 2) {
            let flags = same.iter().fold(0, |flags, one| flags | one);
            counts.all += 1;
            counts.lonely += u64::from(flags & LINKED == 0);
            counts.undefined += u64::from(flags & DEFINED == 0);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_written_and_read_back() {
        let digests: Digests = [u64::MAX, 0, 7].into_iter().collect();
        let text = serde_json::to_string(&digests).unwrap();
        assert_eq!(text, "\"00000000000000000000000000000007ffffffffffffffff\"");
        assert_eq!(serde_json::from_str::<Digests>(&text).unwrap(), digests);
        assert!(serde_json::from_str::<Digests>("\"0000\"").is_err());
    }

    #[test]
    fn an_entity_of_two_books_is_one_and_is_defined_where_either_defines_it() {
        let named = |id: &str, flags| digest(id) & !(LINKED | DEFINED) | flags;
        let found = vec![named("a", LINKED), named("b", 0), named("a", DEFINED), named("c", LINKED), named("c", LINKED)];
        let entities = Entities::of(found);
        assert_eq!((entities.all, entities.lonely, entities.undefined), (3, 1, 2));
    }
}
