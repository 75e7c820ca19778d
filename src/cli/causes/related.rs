//! Which items of one rule have to do with which of another, by the rules' ranges and the items' ids.

use std::collections::HashSet;

use super::Node;
use crate::engine::graph::{Graph, Range, RuleId};

/// The items of one rule that some items of another read: the same, those above, those below, or else those of one source.
pub(super) struct Related {
    exact: HashSet<String>,
    above: HashSet<String>,
    below: Vec<String>,
    sources: HashSet<String>,
    same_line: bool,
    all: bool,
}

impl Related {
    pub(super) fn of(graph: &Graph, readers: &[&Node], maker: RuleId) -> Self {
        let mine = graph.range_chain(readers.first().map_or(Range::Job, |n| graph.rule(n.rule).range));
        let other = graph.range_chain(graph.rule(maker).range);
        let same_line = mine.starts_with(&other) || other.starts_with(&mine);
        let mut related = Self {
            exact: HashSet::new(),
            above: HashSet::new(),
            below: Vec::new(),
            sources: HashSet::new(),
            same_line,
            all: false,
        };
        for node in readers {
            if node.item.is_empty() {
                related.all = true;
            }
            related.exact.insert(node.item.clone());
            related.below.push(format!("{}/", node.item));
            related.above.extend(node.item.match_indices('/').map(|(at, _)| node.item[..at].to_owned()));
            related.sources.extend(node.item.split('/').next().map(str::to_owned));
        }
        related.below.sort();
        related
    }

    pub(super) fn takes(&self, item: &str) -> bool {
        if self.all || item.is_empty() || self.exact.contains(item) || self.above.contains(item) {
            return true;
        }
        if self.same_line {
            return item.match_indices('/').any(|(at, _)| self.below.binary_search_by(|b| b.as_str().cmp(&item[..=at])).is_ok());
        }
        item.split('/').next().is_some_and(|s| self.sources.contains(s))
    }
}
