//! Whether what an action reads changed because a published file was adopted as it was edited by hand.

use super::{Causes, Node, Standing};
use crate::engine::adoption;
use crate::engine::manifest::{Change, Field};

impl Causes<'_> {
    /// The path of the adopted file that an input of `node` changed with; `None` if it is not why.
    pub(super) fn adopted(&self, node: &Node, change: &Change) -> Option<String> {
        let Field::Input(name) = &change.field else { return None };
        let (adoption, path, maker) = adoption::of_input(self.graph, self.state, self.job_key, node.rule, name)?;
        let is_read = adoption::read(self.graph, self.state, self.job_key, node.rule, change).is_some();
        // What is merged or selected from it has a digest of its own: then it is why, if nothing else of the maker changes.
        let is_near = adoption.pieces.iter().any(|p| is_related(&p.item, &node.item));
        let alone = !node.standing.is_past() && self.of(maker).iter().all(|n| n.standing == Standing::UpToDate);
        (is_read || (is_near && alone)).then(|| path.to_owned())
    }
}

/// One item is the other, or lies below it.
fn is_related(a: &str, b: &str) -> bool {
    let below = |a: &str, b: &str| b.is_empty() || a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
    below(a, b) || below(b, a)
}
