//! Commands that do not start at once: they wait for room in a pool, or for others to go into one request with.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::advance::{Sender, Work};
use super::{ActionIx, Coordinator, Message, Phase, Ran, Stop, Stretch};
use crate::engine::execute::{self, How, Made, RunError, Task};
use crate::engine::gate;
use crate::engine::graph::{CommandRule, RuleId, Run};
use crate::engine::observe::{Outcome, Problem};
use crate::store::records::ActionResult;

/// What waits, and what runs in each pool.
#[derive(Default)]
pub(super) struct Queues {
    waiting: BTreeMap<RuleId, VecDeque<ActionIx>>,
    /// Processes by pool.
    running: Vec<usize>,
}

impl<'a> Coordinator<'a, '_> {
    /// Whether the actions of a rule wait before they start.
    fn waits(&self, rule: RuleId) -> bool {
        matches!(&self.setup.graph.rule(rule).run, Run::Command(CommandRule { pool, batch, .. }) if pool.is_some() || *batch > 1)
    }

    /// Starts an action whose key led to nothing; one that has to wait is returned by `due`.
    pub(super) fn start_or_wait(&mut self, ix: ActionIx) -> Result<Option<Work<'a>>, Stop> {
        let rule = self.actions[ix.0].rule;
        self.actions[ix.0].phase = Phase::Running;
        if self.waits(rule) {
            self.queues.waiting.entry(rule).or_default().push_back(ix);
            return Ok(None);
        }
        self.launch(&[ix], None)
    }

    /// The next work of those that wait, if there is room for it: a share of what waits, so that the threads that are free get
    /// some of it each, and never more than go into one request.
    pub(super) fn due(&mut self, most: usize) -> Result<Option<Work<'a>>, Stop> {
        let graph = self.setup.graph;
        self.queues.running.resize(graph.pools.len(), 0);
        let waiting: Vec<RuleId> = self.queues.waiting.keys().copied().collect();
        for rule in waiting {
            let Run::Command(CommandRule { pool, batch, .. }) = &graph.rule(rule).run else { continue };
            let room = match pool {
                Some(pool) => graph.pools[*pool].size.saturating_sub(self.queues.running[*pool]),
                None => most.saturating_sub(self.in_flight),
            };
            let Some(queue) = self.queues.waiting.get_mut(&rule).filter(|_| room > 0) else { continue };
            let share = queue.len().div_ceil(room.min(self.setup.jobs.max(1)));
            let taken: Vec<ActionIx> = queue.drain(..share.min((*batch).max(1)).min(queue.len())).collect();
            if queue.is_empty() {
                self.queues.waiting.remove(&rule);
            }
            if let Some(work) = self.launch(&taken, *pool)? {
                return Ok(Some(work));
            }
        }
        Ok(None)
    }

    /// A process of a pool has ended.
    pub(super) fn leave_pool(&mut self, pool: usize) {
        self.queues.running[pool] -= 1;
    }

    /// Work for the pool of threads that runs `all`, which are of one rule.
    fn launch(&mut self, all: &[ActionIx], pool: Option<usize>) -> Result<Option<Work<'a>>, Stop> {
        let mut tasks: Vec<(ActionIx, Task)> = Vec::with_capacity(all.len());
        for &ix in all {
            self.actions[ix.0].started = Some(Instant::now());
            self.announce_start(ix)?;
            match self.task_of(ix) {
                Ok(task) => tasks.push((ix, task)),
                Err(message) => self.end(ix, Outcome::Failed, Some(Problem { message, ..Problem::default() }))?,
            }
        }
        let Some(&(first, _)) = tasks.first() else { return Ok(None) };
        let rule = self.setup.graph.rule(self.actions[first.0].rule);
        let (cas, judge, files) = (self.store.cas.clone(), self.setup.judge, self.gate_files.clone());
        let messages = tasks.len() + usize::from(pool.is_some());
        if let Some(pool) = pool {
            self.queues.running[pool] += 1;
        }
        let run = Box::new(move |sender: &Sender| {
            let count = |bytes: &[u8]| judge.count_items(bytes);
            let started = Instant::now();
            let made: Vec<Result<Made, RunError>> = match &tasks[..] {
                [(_, task)] => vec![execute::run(task, &cas, &count)],
                many => run_all(many, &cas, &count),
            };
            let shares = Stretch::since(started).shares(tasks.len());
            for (((ix, _), made), stretch) in tasks.iter().zip(made).zip(shares) {
                let ran = made.map(|Made { outputs, counts, told }| {
                    let open: Vec<usize> = (0..rule.gates.len()).filter(|g| super::advance::is_item_gate(rule, *g)).collect();
                    // A gate that breaks is met again, and told, when the candidate is judged.
                    let verdicts = gate::judge_open(rule, &open, &outputs, &files, &cas, judge).unwrap_or_default();
                    let (outputs, counts) = (outputs.into(), counts.into());
                    Ran { result: ActionResult { outputs, counts, failure: None, duration_ms: stretch.millis() }, verdicts, told }
                });
                let _ = sender.send(Message::Ran(*ix, Box::new(ran), stretch));
            }
            if let Some(pool) = pool {
                let _ = sender.send(Message::Left(pool));
            }
        });
        Ok(Some(Work { messages, run }))
    }
}

/// Runs what goes into one request.
fn run_all(
    tasks: &[(ActionIx, Task)],
    cas: &crate::store::cas::Cas,
    count: &dyn Fn(&[u8]) -> Option<u64>,
) -> Vec<Result<Made, RunError>> {
    let all: Vec<&Task> = tasks.iter().map(|(_, task)| task).collect();
    match all.first().map(|task| &task.how) {
        Some(How::Command(command)) => execute::run_command(&all, command, cas, count),
        _ => all.into_iter().map(|task| execute::run(task, cas, count)).collect(),
    }
}
