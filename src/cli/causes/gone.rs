//! A source that left: a merge over the job is without its pieces, and no action speaks of that.

use super::{Causes, Found, Node, Standing};
use crate::engine::graph::RuleId;
use crate::engine::reason::{Cause, Kind};

impl Causes<'_> {
    /// Why an action over the whole job that waits for `maker` may run, though nothing of the maker does.
    pub(super) fn gone_source(&self, node: &Node) -> Option<Found> {
        let id = self.gone.first().filter(|_| node.standing == Standing::May && node.item.is_empty())?;
        Some(self.no_longer_there(id, self.gone.len() - 1))
    }

    /// Why an action over the whole job reads something else, though nothing of what makes it is to be done: sources of which
    /// the maker of an input has records left. `changes` are the inputs that differ.
    pub(super) fn gone_from_inputs(&self, node: &Node, changes: &[Found]) -> Option<Found> {
        if !node.item.is_empty() || node.standing.is_past() || self.gone.is_empty() {
            return None;
        }
        let makers: Vec<RuleId> = changes.iter().filter_map(|found| found.through).filter(|m| self.is_settled(*m)).collect();
        let mut gone = self.gone.iter().filter(|id| makers.iter().any(|maker| self.has_records_of(*maker, id)));
        let first = gone.next()?;
        Some(self.no_longer_there(first, gone.count()))
    }

    /// Whether an input differs only because sources left: since the action was last looked at, its maker made nothing.
    pub(super) fn is_only_shorter(&self, node: &Node, found: &Found) -> bool {
        let Some(maker) = found.through.filter(|maker| self.is_settled(*maker)) else { return false };
        let newest = |rule: RuleId| {
            let prefix = format!("{}\0{}\0", self.job_key, self.graph.rule(rule).name);
            let all = self.state.last.range_from(prefix.as_str()).take_while(|(k, _)| k.starts_with(&prefix));
            all.filter_map(|(_, last)| last.history.first().map(|turn| turn.build)).max()
        };
        let seen = self.last(node.rule, &node.item).and_then(|last| last.history.first().map(|turn| turn.build));
        newest(maker) <= seen
    }

    fn is_settled(&self, rule: RuleId) -> bool {
        self.of(rule).iter().all(|n| n.standing.is_settled())
    }

    fn has_records_of(&self, rule: RuleId, source: &str) -> bool {
        let prefix = format!("{}\0{}\0{source}", self.job_key, self.graph.rule(rule).name);
        let mut all = self.state.last.keys_from(prefix.as_str()).map_while(|k| k.strip_prefix(&prefix).map(str::to_owned));
        all.any(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn no_longer_there(&self, id: &str, more: usize) -> Found {
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        let because = format!("the source `{id}` is no longer there{more}");
        Found { cause: Cause::named(Kind::GoneSource, id), because, through: None }
    }
}
