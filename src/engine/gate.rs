//! Gates: who asks, what is read, and the key under which a verdict is remembered. Only this module makes an `Accepted`,
//! and only an `Accepted` can be handed on, so what no gate has judged cannot be consumed or published.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::EngineError;
pub use super::gate_files::GateFiles;
use super::graph::{Check, GateSpec, Rule, Scope};
use super::verdict::{Judge, Verdict, Violation};
use crate::digest::Digest;
use crate::store::StoreError;
use crate::store::cas::Cas;
use crate::store::records::Stored;
use crate::store::state::State;

/// Outputs that every item-scoped gate of their rule said yes to.
#[derive(Clone, Debug)]
pub struct Accepted(Arc<[Stored]>);

impl Accepted {
    /// The outputs, in the order of the rule.
    #[must_use]
    pub fn outputs(&self) -> &[Stored] {
        &self.0
    }

    /// What a frozen pass published before, accepted when it was built and verified on disk since.
    #[must_use]
    pub fn from_record(outputs: Arc<[Stored]>) -> Self {
        Self(outputs)
    }
}

/// What the gates of one candidate say.
pub enum Judged {
    Accepted(Accepted),
    Rejected {
        output: String,
        verdict: Verdict,
    },
    /// These gates have not judged it yet: indexes into the rule's gates.
    Open(Vec<usize>),
}

/// Verdicts of some gates, with the keys to remember them by.
pub type Verdicts = Vec<(Digest, Verdict)>;

/// Key of a verdict: the check, what it is about, every file that the gate reads, and whatever `others` stand for (other
/// artifacts, the command of the gate). Gates on numbers of items have none: they are judged by what records hold, always.
#[must_use]
pub fn verdict_key(gate: &GateSpec, subject: &Digest, files: &GateFiles, others: &[Digest]) -> Digest {
    let mut h = blake3::Hasher::new();
    let check = serde_json::to_vec(&gate.check).unwrap_or_default();
    h.update(&(check.len() as u64).to_le_bytes());
    h.update(&check);
    h.update(subject.as_bytes());
    for (name, digest) in files.digests_of(gate) {
        h.update(&(name.len() as u64).to_le_bytes());
        h.update(name.as_bytes());
        h.update(digest.as_bytes());
    }
    others.iter().for_each(|d| {
        h.update(d.as_bytes());
    });
    Digest::of_hasher(&h)
}

/// Whether a gate needs the bytes of its subject; that an output is there and not empty is known from its record.
fn reads_subject(gate: &GateSpec) -> bool {
    !matches!(gate.check, Check::Present { json: false })
}

/// Judges a candidate by what is known already.
#[must_use]
pub fn judge_known(rule: &Rule, outputs: &Arc<[Stored]>, files: &GateFiles, state: &State) -> Judged {
    let mut open = Vec::new();
    for (ix, gate) in rule.gates.iter().enumerate().filter(|(_, g)| g.scope == Scope::Item) {
        let subject = &outputs[gate.output];
        let name = || rule.outputs[gate.output].name.clone();
        let verdict = match subject {
            Stored::File(file) if file.bytes == 0 => Some(empty(&rule.outputs[gate.output].path)),
            // A tree may have no files at all, as an array may have no items; a file of 0 bytes is one that was never written.
            Stored::Tree(tree) if tree.entries.iter().any(|e| e.bytes == 0) => {
                let name = tree.entries.iter().find(|e| e.bytes == 0).map_or("", |e| e.name.as_str());
                Some(empty(&format!("{}{name}", rule.outputs[gate.output].path)))
            }
            Stored::File(file) if reads_subject(gate) => {
                state.verdicts.get(&verdict_key(gate, &file.digest, files, &[])).map(|known| known.verdict())
            }
            Stored::File(_) | Stored::Tree(_) => Some(Verdict::default()),
        };
        match verdict {
            None => open.push(ix),
            Some(v) if v.accepted() => {}
            Some(verdict) => return Judged::Rejected { output: name(), verdict },
        }
    }
    if open.is_empty() { Judged::Accepted(Accepted(outputs.clone())) } else { Judged::Open(open) }
}

fn empty(path: &str) -> Verdict {
    let violation = Violation { pointer: String::new(), message: format!("`{path}` is empty"), place: String::new() };
    Verdict { violations: vec![violation], count: 1 }
}

/// Judges the files of a candidate by the gates `open`, reading their bytes.
///
/// # Errors
/// If a blob is missing or damaged, or a gate is no gate.
pub fn judge_open(
    rule: &Rule,
    open: &[usize],
    outputs: &[Stored],
    files: &GateFiles,
    cas: &Cas,
    judge: &dyn Judge,
) -> Result<Verdicts, GateError> {
    let mut verdicts = Vec::with_capacity(open.len());
    let mut read: Option<(Digest, Arc<[u8]>)> = None;
    // What a schema says yes to is there, and is JSON: it need not be read once more for that.
    let (schemas, others): (Vec<&GateSpec>, Vec<_>) =
        open.iter().map(|ix| &rule.gates[*ix]).partition(|gate| gate.check == Check::Schema);
    let mut valid = BTreeSet::new();
    for gate in schemas.into_iter().chain(others) {
        let Stored::File(file) = &outputs[gate.output] else { continue };
        let bytes = match &read {
            Some((digest, bytes)) if *digest == file.digest => bytes.clone(),
            _ => cas.read(&file.digest)?,
        };
        let verdict = match gate.check {
            Check::Present { .. } if valid.contains(&gate.output) => Verdict::default(),
            _ => judge.judge(gate, &bytes, &files.of(gate), &[]).map_err(GateError::Broken)?,
        };
        if gate.check == Check::Schema && verdict.accepted() {
            valid.insert(gate.output);
        }
        verdicts.push((verdict_key(gate, &file.digest, files, &[]), verdict));
        read = Some((file.digest, bytes));
    }
    Ok(verdicts)
}

/// Why a gate gave no verdict.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Broken(String),
}

impl From<GateError> for EngineError {
    fn from(e: GateError) -> Self {
        match e {
            GateError::Store(e) => Self::Store(e),
            GateError::Broken(e) => Self::Gate(e),
        }
    }
}
