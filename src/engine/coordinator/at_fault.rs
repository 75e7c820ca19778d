//! Documents at fault for a rejected merge. A gate that asks something of each item is asked about the items of one document
//! after the other; a document whose own items it rejects is set aside, as if an action of it had been rejected. A merge that
//! is rejected for what no document does by itself (too few items in all) is nobody's fault: it fails its pass. So is a document
//! at fault whose files would be published under names that are taken.

use super::judge_job::{Artifact, Known};
use super::{Coordinator, Mode, Stop};
use crate::builtin::Merge;
use crate::engine::derive::PieceOf;
use crate::engine::graph::{Check, GateSpec, MergeKind, Range, RuleId, Scope};
use crate::engine::items::{ItemIx, JOB};
use crate::engine::select::Choice;
use crate::engine::verdict::Verdict;

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
        let Ok(merge) = self.computed(rule, gate.output, pool)? else { return Ok(()) };
        let Ok(others) = self.others(gate, pool)? else { return Ok(()) };
        let Some(file) = merge.files.first() else { return Ok(()) };
        let whole = self.made((rule, gate.output), file);
        let accepted = |verdict: Option<Verdict>| verdict.is_none_or(|v| v.accepted());
        if accepted(self.verdict(gate, whole.clone(), &others, pool)?) {
            return Ok(());
        }
        let Ok(pieces) = self.pieces_below_job(rule, gate.output) else { return Ok(()) };
        let documents = self.children_for(rule, JOB);
        let of = |id: &str| documents.iter().copied().find(|d| self.items.get(*d).info.id == id);
        let pieces: Vec<OfDocument> = pieces.into_iter().filter_map(|p| Some((of(&p.item_id)?, p))).collect();
        // Halves, so that few of many are found by reading little.
        let mut open = vec![pieces.as_slice()];
        while let Some(some) = open.pop() {
            let made_of: Vec<PieceOf> = some.iter().map(|(_, piece)| piece.clone()).collect();
            let subject = Artifact::of_pieces(&whole, self.content_of(rule, gate.output, &made_of), made_of);
            let Some(verdict) = self.verdict(gate, subject, &others, pool)?.filter(|v| !v.accepted()) else { continue };
            match some {
                [] => {}
                [(document, _)] => self.set_aside_for(*document, rule, &whole.path, &verdict),
                _ => {
                    let (first, second) = some.split_at(some.len() / 2);
                    open.extend([second, first]);
                }
            }
        }
        Ok(())
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
