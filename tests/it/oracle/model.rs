//! The pure evaluator: what a build of a project must come to, by the rules of the design alone. Knows nothing of caches and
//! earlier builds.

use std::collections::{BTreeMap, BTreeSet};

use super::publication::Publication;
use super::words;
use super::world::{Input, Main, Range, World, settings_path};

/// The path of a source, then the letters of the parts inwards; empty for the job.
pub type Item = Vec<String>;

/// All that an action is made from, in words.
pub type Key = String;

#[derive(Clone, Debug)]
pub enum Stored {
    File(String),
    Tree(BTreeMap<String, String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Accepted,
    Failed,
    Rejected,
    /// By a failure of an item, which counts as its own pass's; or by another pass.
    Blocked {
        by_item: bool,
    },
}

#[derive(Clone, Debug)]
pub struct Action {
    pub rule: usize,
    pub item: Item,
    /// As events name it.
    pub name: String,
    /// Unless it is blocked.
    pub key: Option<Key>,
    pub end: End,
    main: Option<String>,
    tree: BTreeMap<String, String>,
}

/// What a build must come to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub actions: Vec<Action>,
    pub statuses: BTreeMap<char, &'static str>,
    pub publications: BTreeMap<usize, Publication>,
    /// Rules of no pass that failed.
    pub failed_rules: BTreeSet<usize>,
    /// Those among them that did nothing wrong themselves.
    pub blocked_rules: BTreeSet<usize>,
    /// A pass would go on after the failure of one before it: whether it does depends on which was first.
    pub is_a_race: bool,
}

impl Outcome {
    pub fn is_good(&self) -> bool {
        self.failed_rules.is_empty() && self.statuses.values().all(|s| *s == "SUCCESS")
    }
}

/// Rules that a target selects: all that it needs, passes whole.
pub fn selected(world: &World, target: Option<usize>) -> BTreeSet<usize> {
    let Some(target) = target else { return world.there().collect() };
    let (mut chosen, mut open) = (BTreeSet::new(), vec![target]);
    while let Some(rule) = open.pop() {
        if chosen.insert(rule) {
            open.extend(world.needs(rule));
            let pass = world.rules[rule].pass;
            open.extend(world.there().filter(|r| pass.is_some() && world.rules[*r].pass == pass));
        }
    }
    chosen
}

/// The id of a source: its path, or a slug with digits of its digest.
pub fn source_id(path: &str) -> String {
    let slug = path.replace('/', "-");
    if slug == path { slug } else { format!("{slug}-{}", &blake3::hash(path.as_bytes()).to_hex()[..8]) }
}

fn ids(item: &[String]) -> String {
    let ids: Vec<String> = item.iter().enumerate().map(|(n, id)| if n == 0 { source_id(id) } else { id.clone() }).collect();
    ids.join("/")
}

/// Evaluates the rules of `chosen`.
pub fn evaluate(world: &World, chosen: &BTreeSet<usize>) -> Outcome {
    let mut model = Model { world, chosen, at: BTreeMap::new(), needs: BTreeMap::new(), out: Outcome::default() };
    for rule in chosen {
        let needs = model.pass_needs(*rule);
        needs.iter().for_each(|pass| model.finish_pass(*pass));
        model.needs.insert(*rule, needs);
        model.act(*rule);
        if world.rules[*rule].pass.is_none() {
            model.finish_rule(*rule);
        }
    }
    for pass in chosen.iter().filter_map(|r| world.rules[*r].pass).collect::<BTreeSet<_>>() {
        model.finish_pass(pass);
    }
    model.look_for_races();
    model.out
}

pub(super) struct Model<'a> {
    pub(super) world: &'a World,
    pub(super) chosen: &'a BTreeSet<usize>,
    pub(super) at: BTreeMap<(usize, Item), usize>,
    pub(super) needs: BTreeMap<usize, BTreeSet<char>>,
    pub(super) out: Outcome,
}

impl Model<'_> {
    /// Other passes that a rule takes input from, also through rules of no pass.
    fn pass_needs(&self, rule: usize) -> BTreeSet<char> {
        let own = self.world.rules[rule].pass;
        let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![rule]);
        while let Some(at) = open.pop() {
            for needed in self.world.needs(at).into_iter().filter(|_| own.is_some()) {
                match self.world.rules[needed].pass {
                    _ if !seen.insert(needed) => {}
                    Some(pass) if Some(pass) != own => {
                        found.insert(pass);
                    }
                    _ => open.push(needed),
                }
            }
        }
        found
    }

    pub(super) fn blocked_by_pass(&self, rule: usize) -> bool {
        self.needs[&rule].iter().any(|p| self.out.statuses[p] != "SUCCESS")
    }

    /// Items of `rule` below `item`, as far as they are known, in order.
    pub(super) fn items(&self, rule: usize, item: &[String]) -> Vec<Item> {
        let chain = self.world.chain(self.world.rules[rule].range);
        let Some(next) = chain.get(item.len()) else { return vec![item.to_vec()] };
        self.children(*next, item).unwrap_or_default().iter().flat_map(|child| self.items(rule, child)).collect()
    }

    /// `None` if the action that makes them gave nothing.
    fn children(&self, range: Range, item: &[String]) -> Option<Vec<Item>> {
        let below = |id: &str| item.iter().cloned().chain([id.to_owned()]).collect();
        match range {
            Range::Job => None,
            Range::Source => Some(self.world.sources.keys().map(|s| below(s)).collect()),
            Range::Tree(maker) => {
                let action = &self.out.actions[*self.at.get(&(maker, item.to_vec()))?];
                let entries = action.tree.keys().map(|name| below(name.trim_end_matches(".txt")));
                (action.end == End::Accepted).then(|| entries.collect())
            }
        }
    }

    /// Whether all that `rule` makes at or below `item` is accepted.
    pub(super) fn is_sound(&self, rule: usize, item: &[String]) -> bool {
        let chain = self.world.chain(self.world.rules[rule].range);
        match chain.get(item.len()) {
            None => self.at.get(&(rule, item.to_vec())).is_some_and(|a| self.out.actions[*a].end == End::Accepted),
            Some(next) => self.children(*next, item).is_some_and(|all| all.iter().all(|child| self.is_sound(rule, child))),
        }
    }

    /// The innermost item that both lie in.
    fn common(&self, other: usize, rule: usize, item: &[String]) -> Item {
        let (mine, theirs) = (self.world.chain(self.world.rules[rule].range), self.world.chain(self.world.rules[other].range));
        let depth = mine.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
        item[..depth].to_vec()
    }

    /// The main output of `rule` at `item`, merged if it is made below.
    pub(super) fn main_at(&self, rule: usize, item: &[String]) -> String {
        if let Some(action) = self.at.get(&(rule, item.to_vec())) {
            return self.out.actions[*action].main.clone().unwrap_or_default();
        }
        let pieces: Vec<String> = self.items(rule, item).iter().map(|i| self.main_at(rule, i)).collect();
        words::splice(pieces.iter().map(String::as_str))
    }

    /// The tree of `rule` at `item`; entries of those made below stand under their ids.
    pub(super) fn tree_at(&self, rule: usize, item: &[String]) -> BTreeMap<String, String> {
        let all = self.items(rule, item).into_iter().flat_map(|i| {
            let full = ids(&i);
            let above = ids(item);
            let prefix = full[above.len()..].trim_start_matches('/').to_owned();
            let entries = self.at.get(&(rule, i)).map(|a| self.out.actions[*a].tree.clone()).unwrap_or_default();
            entries.into_iter().map(move |(name, text)| (if prefix.is_empty() { name } else { format!("{prefix}/{name}") }, text))
        });
        all.collect()
    }

    fn act(&mut self, rule: usize) {
        for item in self.items(rule, &[]) {
            let action = self.action(rule, item.clone());
            self.at.insert((rule, item), self.out.actions.len());
            self.out.actions.push(action);
        }
    }

    fn action(&self, ix: usize, item: Item) -> Action {
        let rule = &self.world.rules[ix];
        let name = format!("r{ix} {}", ids(&item)).trim_end().to_owned();
        let mut action = Action { rule: ix, name, key: None, end: End::Accepted, main: None, tree: BTreeMap::new(), item };
        let (mut by_pass, mut by_item) = (rule.pass.is_some() && self.blocked_by_pass(ix), false);
        for input in &rule.inputs {
            let (Input::Main(other) | Input::Tree(other)) = input else { continue };
            if !self.is_sound(*other, &self.common(*other, ix, &action.item)) {
                let foreign = self.world.rules[*other].pass.is_some_and(|p| Some(p) != rule.pass);
                by_pass |= foreign;
                by_item |= !foreign;
            }
        }
        if by_pass || by_item {
            action.end = End::Blocked { by_item: !by_pass };
            return action;
        }
        let inputs: Vec<Stored> = rule.inputs.iter().map(|input| self.input(ix, *input, &action.item)).collect();
        action.key = Some(self.key(ix, &action.item, &inputs));
        self.run(ix, &inputs, &mut action);
        action
    }

    fn input(&self, rule: usize, input: Input, item: &Item) -> Stored {
        match input {
            Input::Source => Stored::File(self.world.sources[&item[0]].clone()),
            Input::File(ix) => Stored::File(self.world.settings[ix].clone()),
            Input::Main(other) => Stored::File(self.main_at(other, &self.common(other, rule, item))),
            Input::Tree(other) => Stored::Tree(self.tree_at(other, &self.common(other, rule, item))),
            Input::Item(maker) => {
                let depth = self.world.chain(self.world.rules[maker].range).len();
                let tree = &self.out.actions[self.at[&(maker, item[..depth].to_vec())]].tree;
                Stored::File(tree[&format!("{}.txt", item[depth])].clone())
            }
        }
    }

    fn key(&self, ix: usize, item: &[String], inputs: &[Stored]) -> Key {
        let rule = &self.world.rules[ix];
        let file = rule.settings.map(|(file, _)| (settings_path(file), &self.world.settings[file]));
        let variable = rule.declares_variable.then(|| self.world.variable.clone().unwrap_or_default());
        let outputs = (rule.main.map(|_| self.world.main_path(ix)), rule.tree);
        format!("{:?}", (self.world.command(ix), file, variable, ids(item), inputs, outputs))
    }

    /// What its command does.
    fn run(&self, ix: usize, inputs: &[Stored], action: &mut Action) {
        let rule = &self.world.rules[ix];
        let mut read = Vec::new();
        for input in inputs {
            match input {
                Stored::File(text) => read.extend(words::words_in(text)),
                Stored::Tree(tree) => tree.values().for_each(|text| read.extend(words::words_in(text))),
            }
        }
        if let Some((file, true)) = rule.settings {
            read.extend(words::words_in(&self.world.settings[file]));
        }
        let variable = if rule.declares_variable { self.world.variable.as_deref().unwrap_or_default() } else { "" };
        let Some(made) = words::apply(&rule.ops, read, variable) else {
            action.end = End::Failed;
            return;
        };
        let main = rule.main.map(|main| match main {
            Main::Json => words::json(&made),
            Main::Lines { bare } | Main::PerItem { bare, .. } => words::lines(&made, bare),
        });
        let forbidden = rule.gate.schema.is_some_and(|s| made.iter().any(|w| w.contains(self.world.schemas[s])));
        if forbidden || main.as_ref().is_some_and(String::is_empty) {
            action.end = End::Rejected;
        }
        action.main = main;
        if let Some(split) = rule.tree {
            action.tree = words::split(&made, split.by_last);
        }
    }
}
