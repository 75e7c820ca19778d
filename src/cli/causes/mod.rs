//! From an action that is not up to date to what a person can act on: back through the rules that make its inputs, to a
//! changed source, param, file or command. Pure: works on a plan and on the records of the last builds; prints nothing.
//! `nodes` says how things stand with each action, `related` which of them have to do with each other.

mod nodes;
mod related;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::graph::{From, Graph, Range, RuleId};
use crate::engine::items::SourceFile;
use crate::engine::manifest::{Change, Field};
use crate::engine::plan::Plan;
use crate::store::state::State;
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
    /// If what it reads comes out as it was, it stays up to date.
    May,
    /// It failed, or was rejected, for just these inputs.
    StillFailing,
    Blocked,
    /// Its document is quarantined.
    LeftOut,
    /// It ran in an earlier build.
    Ran,
}

impl Standing {
    /// Nothing is to be done.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::UpToDate | Self::LeftOut | Self::Ran)
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
    reason: String,
    changes: Vec<Change>,
    /// The rule whose new output it waits for.
    waits_for: Option<RuleId>,
    /// `item` is the one above its items.
    below: bool,
}

/// Why, in a form for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cause {
    pub kind: Kind,
    /// Of the param, path, variable, input, or rule.
    pub name: Option<String>,
    /// Digests whole; null if it was not there.
    pub old: Option<String>,
    /// Null if it is gone, or not known yet.
    pub new: Option<String>,
}

/// What kind of cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The bytes of a source changed.
    Source,
    /// A source that was not there at the last build.
    NewSource,
    /// A source that is no longer there.
    GoneSource,
    /// A file of the project changed.
    File,
    Param,
    /// The code of the built-in, the way keys are made, or the platform.
    Code,
    /// The command or the built-in is another one.
    Command,
    Environment,
    ToolVersion,
    /// An output has another name.
    Output,
    /// An input comes from a rule that is not up to date: see `through`.
    Input,
    /// Anything else: the sentence says it.
    Other,
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
    sources: &'a [SourceFile],
    job_key: &'a str,
    state: &'a State,
    /// Sources of the last build that are no longer there.
    gone: Vec<String>,
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
        plan: &Plan,
    ) -> Self {
        let there: HashSet<&str> = sources.iter().map(|s| s.id.as_str()).collect();
        let gone = known_sources.filter(|id| !there.contains(id.as_str())).cloned().collect();
        let mut causes = Self { graph, sources, job_key, state, gone, nodes: BTreeMap::new() };
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
        self.sources.iter().find(|s| s.id == id).map_or_else(|| id.to_owned(), |s| s.path.clone())
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
        let ran = members[0].standing == Standing::Ran;
        let open: Vec<&Node> =
            self.of(maker).iter().filter(|n| !ran && !n.standing.is_settled() && related.takes(&n.item)).collect();
        if !open.is_empty() {
            return self.grouped(&open, told);
        }
        // It is up to date: an earlier build made it anew. Those that this build was the first of are told only if all are.
        let last = self.last_nodes(maker, &|item| related.takes(item));
        let changed: Vec<&Node> = last.iter().filter(|n| !n.changes.is_empty()).collect();
        let shown = if changed.is_empty() { last.iter().collect() } else { changed };
        self.grouped(&shown, told)
    }

    /// The causes of one node, nearest first.
    fn found(&self, node: &Node) -> Vec<Found> {
        let is_known = node.standing == Standing::Ran || self.last(node.rule, &node.item).is_some() || node.below;
        if (!is_known || (node.below && self.last_below(node).is_empty()))
            && !matches!(node.standing, Standing::StillFailing | Standing::Blocked | Standing::LeftOut)
        {
            return vec![self.first_time(node)];
        }
        let mut all: Vec<Found> = node.changes.iter().map(|c| self.change(node, c)).collect();
        if let Some(maker) = node.waits_for.filter(|_| !matches!(node.standing, Standing::Blocked | Standing::LeftOut)) {
            all.push(self.waiting(node, maker));
        }
        if all.is_empty() {
            all.push(self.said(node));
        }
        all
    }

    /// An action that was never built: its source is new, or its item, or nothing was ever built.
    fn first_time(&self, node: &Node) -> Found {
        let never = Found {
            cause: Cause { kind: Kind::Other, name: None, old: None, new: None },
            because: NEVER.to_owned(),
            through: None,
        };
        let Some(id) = self.source_of(&node.item) else { return never };
        let prefix = format!("{}\0", self.job_key);
        let rule = self.graph.rule(node.rule);
        let (mut any, mut source, mut same_rule) = (false, false, false);
        for (key, _) in self.state.last.range_from(prefix.as_str()).take_while(|(k, _)| k.starts_with(&prefix)) {
            let mut parts = key[prefix.len()..].splitn(2, '\0');
            let is_rule = parts.next() == Some(rule.name.as_str());
            let is_source = parts.next().and_then(|i| self.source_of(i)) == Some(id);
            any = true;
            source |= is_source;
            same_rule |= is_rule && is_source;
        }
        match rule.range {
            _ if !any => never,
            _ if !source => {
                let path = self.path_of(&node.item);
                let because = format!("the source `{path}` is new");
                let cause = Cause { kind: Kind::NewSource, name: Some(path), old: None, new: None };
                Found { cause, because, through: None }
            }
            Range::Tree { rule: maker, .. } if same_rule => {
                let name = self.graph.rule(maker).name.clone();
                let because = format!("its item is new, made by `{name}`");
                let cause = Cause { kind: Kind::Input, name: Some(name), old: None, new: None };
                Found { cause, because, through: Some(maker) }
            }
            _ => never,
        }
    }

    fn waiting(&self, node: &Node, maker: RuleId) -> Found {
        let rule = self.graph.rule(node.rule);
        let maker_name = &self.graph.rule(maker).name;
        let input = rule.inputs.iter().find(|i| matches!(&i.from, From::Artifact { rule, .. } if *rule == maker));
        let because = match input {
            Some(input) if !node.below => format!("its input `{}` is made by `{maker_name}`", input.name),
            _ => format!("its items are made by `{maker_name}`"),
        };
        let cause = Cause { kind: Kind::Input, name: Some(maker_name.clone()), old: None, new: None };
        Found { cause, because, through: Some(maker) }
    }

    fn said(&self, node: &Node) -> Found {
        let cause = Cause { kind: Kind::Other, name: None, old: None, new: None };
        // A merge over the job changes when a document goes, and no action speaks of that.
        if let (Standing::May, Some(id), "") = (node.standing, self.gone.first(), node.item.as_str()) {
            return self.gone_source(id);
        }
        let reason = if node.reason.is_empty() { "it is not up to date" } else { &node.reason };
        Found { cause, because: reason.to_owned(), through: None }
    }

    fn gone_source(&self, id: &str) -> Found {
        let more = if self.gone.len() > 1 { format!(" (and {} more)", self.gone.len() - 1) } else { String::new() };
        let because = format!("the source `{id}` is no longer there{more}");
        let cause = Cause { kind: Kind::GoneSource, name: Some(id.to_owned()), old: None, new: None };
        Found { cause, because, through: None }
    }

    fn change(&self, node: &Node, change: &Change) -> Found {
        let of = |kind: Kind, name: Option<String>| Cause { kind, name, old: change.old.clone(), new: change.new.clone() };
        let direct = |kind, name: Option<&String>| (of(kind, name.cloned()), change.to_string(), None);
        let (cause, because, through) = match &change.field {
            Field::KeyFormat | Field::Code => direct(Kind::Code, None),
            Field::Builtin | Field::Command => direct(Kind::Command, None),
            Field::Param(name) => direct(Kind::Param, Some(name)),
            Field::Output(name) => direct(Kind::Output, Some(name)),
            Field::File(path) => direct(Kind::File, Some(path)),
            Field::Environment(name) => direct(Kind::Environment, Some(name)),
            Field::ToolVersion => direct(Kind::ToolVersion, None),
            Field::Item => direct(Kind::Other, None),
            Field::Input(name) => return self.input_change(node, name, change),
        };
        Found { cause, because, through }
    }

    fn input_change(&self, node: &Node, name: &str, change: &Change) -> Found {
        let rule = self.graph.rule(node.rule);
        let from = rule.inputs.iter().find(|i| i.name == name).map(|i| &i.from);
        let of = |kind, name: String| Cause { kind, name: Some(name), old: change.old.clone(), new: change.new.clone() };
        let arrow = format!("{} → {}", short(change.old.as_deref()), short(change.new.as_deref()));
        let maker = match from {
            Some(From::Artifact { rule, .. }) => Some(*rule),
            Some(From::Item { levels_up }) => {
                let chain = self.graph.range_chain(rule.range);
                chain.len().checked_sub(levels_up + 1).and_then(|at| match chain[at] {
                    Range::Tree { rule, .. } => Some(rule),
                    _ => None,
                })
            }
            _ => None,
        };
        match (from, maker) {
            (Some(From::File(path)), _) => Found {
                cause: of(Kind::File, path.clone()),
                because: format!("the file `{path}` changed ({arrow})"),
                through: None,
            },
            (Some(_), Some(maker)) => {
                let maker_name = &self.graph.rule(maker).name;
                let because = format!("its input `{name}`, made by `{maker_name}`, changed ({arrow})");
                Found { cause: of(Kind::Input, maker_name.clone()), because, through: Some(maker) }
            }
            (Some(From::Source | From::Item { .. }), None) => {
                let path = self.path_of(&node.item);
                let because = format!("the source `{path}` changed ({arrow})");
                Found { cause: of(Kind::Source, path), because, through: None }
            }
            _ => Found { cause: of(Kind::Input, name.to_owned()), because: change.to_string(), through: None },
        }
    }
}

/// The first digits of a digest.
fn short(digest: Option<&str>) -> &str {
    digest.map_or("nothing", |d| d.get(..12).unwrap_or(d))
}
