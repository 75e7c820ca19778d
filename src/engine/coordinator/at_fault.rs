//! Documents at fault for a rejected merge. A gate that asks something of each item is asked about the items of one document
//! after the other; a document whose own items it rejects is set aside, as if an action of it had been rejected. A merge that
//! is rejected for what no document does by itself (too few items in all) is nobody's fault: it fails its pass. So is a document
//! at fault whose files would be published under names that are taken.

use super::judge_job::{Artifact, Known};
use super::publish::Unpublished;
use super::{Coordinator, Mode, Stop};
use crate::builtin::Merge;
use crate::engine::derive::PieceOf;
use crate::engine::graph::{Check, GateSpec, MergeKind, Range, RuleId, Scope};
use crate::engine::items::{ItemIx, JOB};
use crate::engine::select::Choice;
use crate::engine::verdict::Verdict;
use crate::store::records::Stored;

/// What is merged of a document.
type OfDocument = (ItemIx, PieceOf);

impl Coordinator<'_, '_> {
    /// Sets aside the documents for which gates on merges of `rules`, which are complete, reject.
    pub(super) fn set_aside_at_fault(&mut self, rules: &[RuleId], pool: &rayon::ThreadPool) -> Result<(), Stop> {
        if !self.quarantine.sets_aside || !self.setup.publish {
            return Ok(());
        }
        let graph = self.setup.graph;
        for rule in rules.iter().copied().filter(|r| self.setup.selection.of(*r) == Choice::Selected) {
            let of_documents = |g: &&GateSpec| {
                let per_item = graph.rule(rule).outputs[g.output].merge == MergeKind::PerItem;
                g.scope == Scope::Job && asks_each_item(&g.check) && !per_item && graph.rule(rule).range != Range::Job
            };
            for gate in graph.rule(rule).gates.iter().filter(of_documents) {
                self.find_at_fault(rule, gate, pool)?;
            }
            for (at, slot) in graph.rule(rule).outputs.iter().enumerate() {
                if slot.publish && slot.merge == MergeKind::PerItem {
                    self.taken_names(rule, at).into_iter().for_each(|t| self.set_aside_from(t.source, rule, &t.message));
                }
            }
        }
        Ok(())
    }

    fn find_at_fault(&mut self, rule: RuleId, gate: &GateSpec, pool: &rayon::ThreadPool) -> Result<(), Stop> {
        if matches!(self.merge_of(rule, gate.output), Merge::Union(_) | Merge::Fold(_)) {
            // It is no list of items, so that none are a document's.
            return Ok(());
        }
        // What cannot be told here is told when the rule is published.
        let Ok(others) = self.others(gate, pool)? else { return Ok(()) };
        match self.computed(rule, gate.output, pool)? {
            Ok(merge) => {
                let Some(file) = merge.files.first() else { return Ok(()) };
                let whole = self.made((rule, gate.output), file);
                if self.verdict(gate, whole, &others, pool)?.is_some_and(|v| v.accepted()) {
                    return Ok(());
                }
            }
            // What a plan does not know of one document hides nothing of another.
            Err(Unpublished::Unknown) => {}
            Err(Unpublished::Problem(_)) => return Ok(()),
        }
        let pieces = self.pieces_of_documents(rule, gate.output);
        // Halves, so that few of many are found by reading little; a plan reads nothing.
        let mut open: Vec<&[OfDocument]> = match self.mode {
            Mode::Plan => pieces.chunks(1).collect(),
            _ => vec![&pieces],
        };
        while let Some(some) = open.pop() {
            let made_of: Vec<PieceOf> = some.iter().map(|(_, piece)| piece.clone()).collect();
            let subject = self.artifact_of((rule, gate.output), made_of);
            let path = subject.path.clone();
            let Some(verdict) = self.verdict(gate, subject, &others, pool)?.filter(|v| !v.accepted()) else { continue };
            match some {
                [] => {}
                [(document, _)] => self.set_aside_for(*document, rule, &path, &verdict),
                _ => {
                    let (first, second) = some.split_at(some.len() / 2);
                    open.extend([second, first]);
                }
            }
        }
        Ok(())
    }

    /// What is merged of each document, as far as it is known.
    fn pieces_of_documents(&mut self, rule: RuleId, output: usize) -> Vec<OfDocument> {
        let left_out = self.quarantine.left_out(rule);
        let documents = self.children_for(rule, JOB).into_iter().filter(|d| !left_out.contains(d));
        let mut pieces = Vec::new();
        for document in documents.collect::<Vec<_>>() {
            if let Ok(Stored::File(file)) = self.merged(rule, output, document, rule) {
                let item_id = self.items.get(document).id().to_owned();
                pieces.push((document, PieceOf { item_id, attrs: String::new(), file }));
            }
        }
        pieces
    }

    /// What the gate says of `subject`; `None` if it cannot be asked, or not while planning.
    fn verdict(
        &mut self,
        gate: &GateSpec,
        subject: Artifact,
        others: &[Artifact],
        pool: &rayon::ThreadPool,
    ) -> Result<Option<Verdict>, Stop> {
        match self.known(gate, subject, others.to_vec())? {
            Known::Verdict(verdict) => Ok(Some(verdict)),
            Known::Open(open) if self.mode == Mode::Build => {
                self.summarise(std::slice::from_ref(&*open), pool)?;
                Ok(self.answer(&open, true)?.ok())
            }
            Known::Open(_) | Known::Not(_) => Ok(None),
        }
    }
}

/// Whether a gate asks something of each item that it can be asked of a document's items alone.
fn asks_each_item(check: &Check) -> bool {
    match check {
        Check::Coverage { .. } | Check::Refs { .. } | Check::Unique { .. } => true,
        // Those of schemas and presence are no gates on a merge; the others ask for numbers of all items, or anything.
        Check::Present { .. }
        | Check::Schema
        | Check::MinItems { .. }
        | Check::Ratio { .. }
        | Check::MaxDrop { .. }
        | Check::Command { .. } => false,
    }
}
