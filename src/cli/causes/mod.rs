//! From an action that is not up to date to what a person can act on: back through the rules that make its inputs, to a
//! changed source, param, file or command. Pure: works on a plan and on the records of the last builds; prints nothing.
//! `nodes` says how things stand with each action, `history` how they stood before, `first_time` why what was never
//! built was not, `gone` what a source that left changes, `related` which of them have to do with each other.

mod adopted;
mod first_time;
mod gone;
pub mod history;
mod nodes;
mod related;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::builtin::one_of_many;
use crate::engine::graph::{From, Graph, RuleId};
use crate::engine::items::SourceFile;
use crate::engine::manifest::{ActionManifest, Change, Field};
use crate::engine::plan::Plan;
use crate::engine::reason::{self, Cause, Kind, Origin, Reason};
use crate::job::redact::{redact, redact_cause};
use crate::store::state::State;
use first_time::Recorded;
use related::Related;

/// How many items of a step are listed.
const LISTED: usize = 10;

/// What is said of an action that has no record in the job.
pub const NEVER: &str = "it was never built";

/// How things stand with an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    UpToDate,
    /// Known result: nothing runs.
    FromCache,
    Run,
    /// If what it reads comes out as it was, or its gates still say yes, it stays up to date.
    May,
    /// It failed, or was rejected, for just these inputs.
    StillFailing,
    Blocked,
    /// Its document is quarantined.
    LeftOut,
    /// It ran in an earlier build.
    Ran,
    /// In this job it never ran: an earlier build took it from the cache.
    CameFromCache,
}

impl Standing {
    /// Nothing is to be done.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::UpToDate | Self::LeftOut | Self::Ran | Self::CameFromCache)
    }

    /// How bad it is: greatest is what needs a person first.
    #[must_use]
    pub fn weight(self) -> u8 {
        match self {
            Self::StillFailing => 5,
            Self::Run => 4,
            Self::Blocked => 3,
            Self::May => 2,
            Self::FromCache => 1,
            Self::UpToDate | Self::LeftOut | Self::Ran | Self::CameFromCache => 0,
        }
    }

    /// It tells of an earlier build.
    #[must_use]
    pub fn is_past(self) -> bool {
        matches!(self, Self::Ran | Self::CameFromCache)
    }

    /// After the name of a rule.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::UpToDate => "is up to date",
            Self::FromCache => "would come from the cache",
            Self::Run => "would run",
            Self::May => "may run",
            Self::StillFailing => "fails as before",
            Self::Blocked => "is blocked",
            Self::LeftOut => "is left out",
            Self::Ran => "last ran",
            Self::CameFromCache => "came from the cache",
        }
    }
}

/// One action, or (below a tree that is not known yet) all actions of a rule below an item.
#[derive(Clone, Debug)]
pub struct Node {
    pub rule: RuleId,
    pub item: String,
    pub standing: Standing,
    /// How many actions it stands for.
    pub count: u64,
    reason: Option<Reason>,
    /// The rule whose new output it waits for.
    waits_for: Option<RuleId>,
    /// `item` is the one above its items.
    below: bool,
}

/// Actions of one rule that have one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    pub rule: String,
    pub standing: Standing,
    /// Number of actions.
    pub count: u64,
    /// The first few items.
    pub items: Vec<String>,
    /// One sentence.
    pub because: String,
    pub cause: Cause,
    /// Why what it reads changes; empty for a cause that a person can act on.
    pub through: Vec<Step>,
    /// What it goes back to was told at an earlier step.
    pub told_above: bool,
}

/// All that the walk needs to know.
pub struct Causes<'a> {
    graph: &'a Graph,
    /// The path of each source, by its id.
    paths: HashMap<&'a str, &'a str>,
    job_key: &'a str,
    state: &'a State,
    /// What the job has records of; asked for only by what was never built.
    recorded: OnceCell<Recorded>,
    /// Ids of the sources of the last build.
    known: BTreeSet<&'a str>,
    /// Those that are no longer there.
    gone: Vec<&'a str>,
    /// Whether the job was ever built, whatever the records say.
    was_built: bool,
    declared: &'a BTreeMap<String, ActionManifest>,
    nodes: BTreeMap<RuleId, Vec<Node>>,
}

/// A cause before it is grouped: with the sentence, and what may be beneath it.
struct Found {
    cause: Cause,
    because: String,
    /// The rule that makes the input.
    through: Option<RuleId>,
}

impl<'a> Causes<'a> {
    /// A walk over `plan`. `known_sources`: ids of the sources of the job's last build.
    #[must_use]
    pub fn new(
        graph: &'a Graph,
        sources: &'a [SourceFile],
        job_key: &'a str,
        state: &'a State,
        known_sources: impl Iterator<Item = &'a String>,
        plan: &'a Plan,
    ) -> Self {
        let paths: HashMap<&str, &str> = sources.iter().map(|s| (s.id.as_str(), s.path.as_str())).collect();
        let known: BTreeSet<&str> = known_sources.map(String::as_str).collect();
        let was_built = !known.is_empty();
        let gone = known.iter().copied().filter(|id| !paths.contains_key(id)).collect();
        let declared = &plan.declared;
        let (recorded, nodes) = (OnceCell::new(), BTreeMap::new());
        let mut causes = Self { graph, paths, job_key, state, recorded, known, gone, was_built, declared, nodes };
        causes.take(plan);
        causes
    }

    /// The nodes of a rule, in the order in which they were decided.
    #[must_use]
    pub fn of(&self, rule: RuleId) -> &[Node] {
        self.nodes.get(&rule).map_or(&[], Vec::as_slice)
    }

    fn source_of<'i>(&self, item: &'i str) -> Option<&'i str> {
        Some(item.split('/').next().unwrap_or(item)).filter(|s| !s.is_empty())
    }

    fn path_of(&self, item: &str) -> String {
        let id = self.source_of(item).unwrap_or_default();
        (*self.paths.get(id).unwrap_or(&id)).to_owned()
    }

    /// Groups nodes by cause, each with what is beneath it. Of nodes that are up to date nothing is said.
    #[must_use]
    pub fn steps(&self, nodes: &[&Node]) -> Vec<Step> {
        self.grouped(nodes, &mut HashSet::new())
    }

    fn grouped(&self, nodes: &[&Node], told: &mut HashSet<String>) -> Vec<Step> {
        let mut order: Vec<String> = Vec::new();
        let mut groups: BTreeMap<String, (Found, Vec<&Node>, BTreeSet<String>)> = BTreeMap::new();
        for node in nodes.iter().filter(|n| n.standing != Standing::UpToDate) {
            for found in self.found(node) {
                let label = self.label(node, &found);
                let sentence = found.because.clone();
                let group = groups.entry(label.clone()).or_insert_with(|| {
                    order.push(label);
                    (found, Vec::new(), BTreeSet::new())
                });
                group.1.push(node);
                group.2.insert(sentence);
            }
        }
        let mut steps = Vec::new();
        for label in order {
            let Some((found, members, sentences)) = groups.remove(&label) else { continue };
            let more = if sentences.len() > 1 && found.through.is_none() {
                format!(" (and {} more)", sentences.len() - 1)
            } else {
                String::new()
            };
            let told_above = found.through.is_some() && !told.insert(label);
            let through = match found.through {
                Some(maker) if !told_above => self.beneath(maker, &members, told),
                _ => Vec::new(),
            };
            // Only what is told is redacted: of a thousand actions with one cause that is one sentence.
            let found = redacted(found);
            steps.push(Step {
                rule: self.graph.rule(members[0].rule).name.clone(),
                standing: members[0].standing,
                count: members.iter().map(|n| n.count).sum(),
                items: members.iter().take(LISTED).map(|n| n.item.clone()).filter(|i| !i.is_empty()).collect(),
                because: format!("{}{more}", found.because),
                cause: found.cause,
                through,
                told_above,
            });
        }
        steps
    }

    /// Nodes with one label are told as one step.
    fn label(&self, node: &Node, found: &Found) -> String {
        let rule = node.rule.0;
        let what = match found.cause.kind {
            // One line for all sources that changed, and for all items that one rule made anew.
            Kind::Source | Kind::NewSource | Kind::GoneSource => String::new(),
            Kind::Input => found.cause.name.clone().unwrap_or_default(),
            _ => found.because.clone(),
        };
        format!("{rule} {:?} {:?} {what}", node.standing, found.cause.kind)
    }

    /// Why the outputs of `maker` that `members` read change.
    fn beneath(&self, maker: RuleId, members: &[&Node], told: &mut HashSet<String>) -> Vec<Step> {
        let related = Related::of(self.graph, members, maker);
        let ran = members[0].standing.is_past();
        let open: Vec<&Node> =
            self.of(maker).iter().filter(|n| !ran && !n.standing.is_settled() && related.takes(&n.item)).collect();
        if !open.is_empty() {
            return self.grouped(&open, told);
        }
        // It is up to date: an earlier build made it anew. Those that this build was the first of are told only if all are.
        let last = self.last_nodes(maker, &|item| related.takes(item));
        let changed: Vec<&Node> = last.iter().filter(|n| n.reason != Some(Reason::NeverBuilt)).collect();
        let shown = if changed.is_empty() { last.iter().collect() } else { changed };
        self.grouped(&shown, told)
    }

    /// The causes of one node, nearest first.
    fn found(&self, node: &Node) -> Vec<Found> {
        let is_known = node.standing.is_past() || self.last(node.rule, &node.item).is_some() || node.below;
        // Where its maker was built, and gave it no items, it is for the maker's sake that it may get some.
        let had_none = || node.waits_for.is_none_or(|maker| self.last(maker, &node.item).is_none());
        if (!is_known || (node.below && self.last_below(node).is_empty() && had_none()))
            && !matches!(node.standing, Standing::StillFailing | Standing::Blocked | Standing::LeftOut)
        {
            return vec![self.first_time(node)];
        }
        let mut all: Vec<Found> = match &node.reason {
            Some(Reason::Changed(_)) if self.came_back(node) => vec![new_source(&self.path_of(&node.item))],
            Some(Reason::Changed(changes)) => changes.iter().map(|c| self.change(node, c)).collect(),
            _ => Vec::new(),
        };
        if let Some(gone) = self.gone_from_inputs(node, &all) {
            all.retain(|found| !self.is_only_shorter(node, found));
            all.push(gone);
        }
        if let Some(maker) = node.waits_for.filter(|_| !matches!(node.standing, Standing::Blocked | Standing::LeftOut)) {
            let is_open = || self.of(maker).iter().any(|n| !n.standing.is_settled());
            match self.gone_source(node).filter(|_| !is_open()) {
                Some(gone) => all.push(gone),
                None => all.push(self.waiting(node, maker)),
            }
        }
        if all.is_empty() {
            all.push(self.said(node));
        }
        all
    }

    fn waiting(&self, node: &Node, maker: RuleId) -> Found {
        let rule = self.graph.rule(node.rule);
        let maker_name = &self.graph.rule(maker).name;
        let input = rule.inputs.iter().find(|i| matches!(&i.from, From::Artifact { rule, .. } if *rule == maker));
        let because = match input {
            Some(input) if !node.below => format!("its input `{}` is made by `{maker_name}`", input.name),
            _ => format!("its items are made by `{maker_name}`"),
        };
        Found { cause: Cause::named(Kind::Input, maker_name), because, through: Some(maker) }
    }

    /// The reason as the engine gave it.
    fn said(&self, node: &Node) -> Found {
        let because = match &node.reason {
            None => "it is not up to date".to_owned(),
            Some(Reason::NeverBuilt) if node.standing.is_past() => "it was built for the first time".to_owned(),
            Some(Reason::FailedBefore) if node.standing.is_past() => "it had failed the time before".to_owned(),
            Some(Reason::RejectedBefore) if node.standing.is_past() => "it had been rejected the time before".to_owned(),
            Some(reason) => reason.to_string(),
        };
        let source = self.source_of(&node.item).map(|_| self.path_of(&node.item));
        let cause = node.reason.as_ref().map_or(Cause::of(Kind::Other), |r| r.cause(self.graph, node.rule, source.as_deref()));
        Found { cause, because, through: None }
    }

    fn change(&self, node: &Node, change: &Change) -> Found {
        let source = self.source_of(&node.item).map(|_| self.path_of(&node.item));
        let cause = reason::of_change(self.graph, node.rule, source.as_deref(), change);
        if let Some(path) = self.adopted(node, change) {
            let because = format!("`{path}` was adopted as edited by hand");
            return Found { cause: Cause { kind: Kind::Adopted, name: Some(path), ..cause }, because, through: None };
        }
        let Field::Input(name) = &change.field else {
            return Found { cause, because: change.to_string(), through: None };
        };
        let arrow = format!("{} → {}", short(change.old.as_deref()), short(change.new.as_deref()));
        let (because, through) = match (reason::origin(self.graph, node.rule, name), cause.name.as_deref()) {
            _ if one_of_many(name).is_some() => (change.to_string(), None),
            (Origin::File(path), _) => (format!("the file `{path}` changed ({arrow})"), None),
            (Origin::Rule(maker), Some(by)) => (format!("its input `{name}`, made by `{by}`, changed ({arrow})"), Some(maker)),
            (Origin::Source, Some(path)) if cause.kind == Kind::Source => {
                (format!("the source `{path}` changed ({arrow})"), None)
            }
            (Origin::Gone, _) => (format!("it no longer reads `{name}`"), None),
            _ => (change.to_string(), None),
        };
        Found { cause, because, through }
    }
}

fn new_source(path: &str) -> Found {
    let because = format!("the source `{path}` is new");
    Found { cause: Cause::named(Kind::NewSource, path), because, through: None }
}

/// What is personal or secret in values is not for screens and reports.
fn redacted(found: Found) -> Found {
    Found { cause: redact_cause(&found.cause), because: redact(&found.because).into_owned(), ..found }
}

/// The first digits of a digest.
fn short(digest: Option<&str>) -> &str {
    digest.map_or("nothing", |d| d.get(..12).unwrap_or(d))
}
