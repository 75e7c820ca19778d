//! `[pool.NAME]`, and how a command rule is asked: which pool it runs in, whether it stays, how many items it takes at once.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::Lowering;
use super::runs::{CommandKeys, sorted, words};
use crate::engine::graph::{CommandRule, Pool};
use crate::ingestfile::syntax::{At, CommandLine, Rule};
use crate::placeholder;
use crate::spanned::meant;

/// More processes than this are no pool.
const SIZE: RangeInclusive<u64> = 1..=1024;
/// Below this no interpreter starts.
const MEMORY_MB: RangeInclusive<u64> = 64..=1_048_576;
const BATCH: RangeInclusive<u64> = 1..=10_000;

/// What stands in a command for the file that holds its request.
pub(super) const REQUEST: &str = "request";

impl Lowering<'_, '_> {
    /// The pools, in the order of the file; one that no rule names is a problem.
    pub(super) fn pools(&mut self) -> Vec<Pool> {
        let rules = self.scope.rules;
        let mut pools = Vec::new();
        for (name, pool) in self.scope.pools {
            self.rule_like_name(name, "pool");
            self.in_range("size", &pool.size, SIZE);
            if !rules.iter().any(|(_, rule)| rule.pool.as_ref().is_some_and(|p| p.value == name.value)) {
                let hint = format!("`pool = \"{}\"` in a command rule takes it", name.value);
                self.problems.add(&pool.span, format!("no rule runs in the pool `{}`", name.value), "", hint);
            }
            pools.push(Pool { name: name.value.clone(), size: usize::try_from(pool.size.value).unwrap_or(1).max(1) });
        }
        pools
    }

    /// A command rule with the keys that say how it is asked.
    pub(super) fn command_rule(&mut self, rule: &Rule, line: &At<CommandLine>) -> CommandRule {
        let command = self.command(line, &CommandKeys::of_rule(rule));
        let worker = rule.worker.as_ref().is_some_and(|w| w.value);
        if let Some(memory) = &rule.memory_mb {
            self.in_range("memory_mb", memory, MEMORY_MB);
        }
        if let Some(batch) = &rule.batch {
            self.in_range("batch", batch, BATCH);
        }
        self.check_way(rule, line, worker);
        let params: Map<String, Value> =
            rule.params.0.iter().map(|(name, value)| (name.value.clone(), value.value.clone())).collect();
        CommandRule {
            command,
            params: if params.is_empty() { Value::Null } else { sorted(Value::Object(params)) },
            memory_bytes: rule.memory_mb.as_ref().map(|mb| mb.value.saturating_mul(1 << 20)),
            worker,
            batch: match &rule.batch {
                Some(batch) => usize::try_from(batch.value).unwrap_or(1).max(1),
                None => usize::from(worker),
            },
            pool: rule.pool.as_ref().and_then(|pool| self.pool_named(pool)),
        }
    }

    fn pool_named(&mut self, pool: &At<String>) -> Option<usize> {
        let pools = self.scope.pools;
        let found = pools.iter().position(|(name, _)| name.value == pool.value);
        if found.is_none() {
            let hint = match meant(&pool.value, pools.iter().map(|(name, _)| name.value.as_str())) {
                near if near.is_empty() => format!("`[pool.{}]` with a `size` makes one", pool.value),
                near => near,
            };
            self.problems.add(&pool.span, format!("unknown pool `{}`", pool.value), "no such pool", hint);
        }
        found
    }

    /// A worker is told everything by its requests, a command for many items by its request: no path of one item stands in
    /// its words.
    fn check_way(&mut self, rule: &Rule, line: &At<CommandLine>, worker: bool) {
        let many = rule.batch.is_some();
        if !worker && !many {
            return;
        }
        let mut asks = false;
        for (text, span) in words(line) {
            for found in placeholder::find(text) {
                let is_request = found.name == REQUEST;
                asks |= is_request;
                if worker {
                    let message =
                        format!("`{{{}}}` in the command of a worker, which is started before there is an item", found.name);
                    self.problems.add(span, message, "", "a worker reads its requests from stdin");
                } else if !is_request {
                    let message = format!("`{{{}}}` in a command for many items at once", found.name);
                    self.problems.add(span, message, "", "`{request}` stands for the file that names the paths of each");
                }
            }
        }
        if !worker && !asks {
            let message = "a command with `batch` is not told its request";
            self.problems.add(&line.span, message, "", "`{request}` stands for the file that holds it");
        }
    }

    fn in_range(&mut self, name: &str, given: &At<u64>, range: RangeInclusive<u64>) {
        if !range.contains(&given.value) {
            let message = format!("`{name}` must be from {} to {}", range.start(), range.end());
            self.problems.add(&given.span, message, "", "");
        }
    }
}
