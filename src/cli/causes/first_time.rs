//! Why an action was never built before: what there are records of, and what there are none of.

use std::collections::{HashMap, HashSet};

use super::{Causes, Found, NEVER, Node, new_source};
use crate::engine::graph::Range;
use crate::engine::reason::{Cause, Kind};
use crate::store::state::State;

/// Which rules have records of which sources; "" stands for the whole job.
pub(super) struct Recorded {
    by_source: HashMap<String, HashSet<String>>,
}

impl Recorded {
    pub(super) fn of(job_key: &str, state: &State) -> Self {
        let prefix = format!("{job_key}\0");
        let mut by_source: HashMap<String, HashSet<String>> = HashMap::new();
        for key in state.last.keys_from(prefix.as_str()).take_while(|k| k.starts_with(&prefix)) {
            let (rule, item) = key[prefix.len()..].split_once('\0').unwrap_or_default();
            let source = item.split('/').next().unwrap_or(item);
            let of_it = match by_source.get_mut(source) {
                Some(of_it) => of_it,
                None => by_source.entry(source.to_owned()).or_default(),
            };
            if !of_it.contains(rule) {
                of_it.insert(rule.to_owned());
            }
        }
        Self { by_source }
    }
}

impl Causes<'_> {
    /// The last build was without its source: what is known of it is of a build before.
    pub(super) fn came_back(&self, node: &Node) -> bool {
        let is_there = |id: &str| !self.known.contains(id) && self.paths.contains_key(id);
        self.was_built && !node.standing.is_past() && self.source_of(&node.item).is_some_and(is_there)
    }

    /// The job was built, and the cache knows nothing of it.
    fn no_records(&self) -> Option<Found> {
        let prefix = format!("{}\0", self.job_key);
        let any = self.state.last.keys_from(prefix.as_str()).next().is_some_and(|k| k.starts_with(&prefix));
        let because = "the cache has no records of this job: it was cleared, or is of another version".to_owned();
        (self.was_built && !any).then(|| Found { cause: Cause::of(Kind::NoRecords), because, through: None })
    }

    /// An action that was never built: its source is new, or its item, or nothing was ever built.
    pub(super) fn first_time(&self, node: &Node) -> Found {
        let never = Found { cause: Cause::of(Kind::NeverBuilt), because: NEVER.to_owned(), through: None };
        if let Some(lost) = self.no_records() {
            return lost;
        }
        let Some(id) = self.source_of(&node.item) else { return never };
        let rule = self.graph.rule(node.rule);
        let recorded = self.recorded.get_or_init(|| Recorded::of(self.job_key, self.state));
        let by = recorded.by_source.get(id);
        match rule.range {
            _ if recorded.by_source.is_empty() => never,
            _ if by.is_none() || (self.was_built && !self.known.contains(id)) => new_source(&self.path_of(&node.item)),
            Range::Tree { rule: maker, .. } if by.is_some_and(|rules| rules.contains(rule.name.as_str())) => {
                let name = self.graph.rule(maker).name.clone();
                let because = format!("its item is new, made by `{name}`");
                let cause = Cause::named(Kind::Input, name);
                Found { cause, because, through: Some(maker) }
            }
            _ => never,
        }
    }
}
