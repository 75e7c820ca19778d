//! Whether what an action reads changed because a published file was adopted as it was edited by hand.

use super::{Causes, Node, Standing};
use crate::engine::graph::RuleId;
use crate::engine::manifest::Change;
use crate::store::records::Adoption;

impl Causes<'_> {
    /// The path of the adopted file that an input of `node`, made by `maker`, changed with; `None` if it is not why.
    pub(super) fn adopted(&self, node: &Node, maker: RuleId, output: usize, change: &Change) -> Option<String> {
        let path = &self.graph.rule(maker).outputs[output].path;
        let adoption = self.state.adoptions.get(format!("{}\0{path}", self.job_key).as_str())?;
        let is_read = change.new.as_ref().is_some_and(|new| self.digests(adoption).any(|digest| digest == *new));
        // What is merged or selected from it has a digest of its own: then it is why, if nothing else of the maker changes.
        let is_near = adoption.pieces.iter().any(|p| is_related(&p.item, &node.item));
        let alone = node.standing != Standing::Ran && self.of(maker).iter().all(|n| n.standing == Standing::UpToDate);
        (is_read || (is_near && alone)).then(|| path.clone())
    }

    fn digests(&self, adoption: &Adoption) -> impl Iterator<Item = String> {
        let merged = self.state.derived.get(&adoption.content).map(|d| d.digest);
        let whole = [Some(adoption.content), Some(adoption.file.digest), merged].into_iter().flatten();
        adoption.pieces.iter().map(|p| p.file.digest).chain(whole).map(|d| d.to_hex())
    }
}

/// One item is the other, or lies below it.
fn is_related(a: &str, b: &str) -> bool {
    let below = |a: &str, b: &str| b.is_empty() || a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
    below(a, b) || below(b, a)
}
