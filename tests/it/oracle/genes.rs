//! Random bytes read as rules and edits. Every byte string means something, and zeros mean the simplest thing, so that
//! shrinking bytes shrinks the project. Weights are chosen so that most builds succeed.

use std::collections::BTreeMap;

use super::words::Op;
use super::world::{Gate, Input, Main, Range, Rule, Split, World};

/// The bytes of a rule.
pub type RuleGene = [u8; 20];
/// The bytes of a source: which words, and what stands between them.
pub type SourceGene = [u8; 6];

pub const SOURCES: [&str; 5] = ["a.txt", "b.txt", "c.txt", "d/a.txt", "d/e.txt"];
const WORDS: [&str; 8] = ["ash", "bat", "asp", "cow", "bee", "cat", "zoo", "elk"];
const LETTERS: [char; 6] = ['q', 'z', 'k', 'w', 'o', 'a'];

/// Reads bytes one after the other; after the last come zeros.
struct Bytes<'a>(std::slice::Iter<'a, u8>);

impl Bytes<'_> {
    fn next(&mut self) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0))
    }

    /// True for one in `n`, and not for 0.
    fn one_in(&mut self, n: usize) -> bool {
        self.next() % n == n - 1
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.next() % from.len()]
    }
}

/// The text of a source.
pub fn source(gene: &SourceGene) -> String {
    let mut bytes = Bytes(gene.iter());
    let between = bytes.pick(&["\n", " ", ", ", "\n\n- "]);
    let count = 1 + bytes.next() % 4;
    let words: Vec<&str> = (0..count).map(|_| bytes.pick(&WORDS)).collect();
    format!("{}\n", words.join(between))
}

/// A settings file.
pub fn settings(byte: u8) -> String {
    format!("{}\n", WORDS[usize::from(byte) % WORDS.len()])
}

pub fn letter(byte: u8) -> char {
    LETTERS[usize::from(byte) % LETTERS.len()]
}

pub fn op(bytes: [u8; 2]) -> Op {
    let [kind, arg] = bytes;
    match kind % 12 {
        0 | 1 => Op::Upper,
        2 => Op::Sort,
        3 => Op::Without(letter(arg)),
        4 => Op::With(['a', 'o', 'b'][usize::from(arg) % 3]),
        5 => Op::Head(1 + usize::from(arg) % 2),
        6 => Op::Once,
        7 => Op::Count,
        8 => Op::Prefix(['x', 'y'][usize::from(arg) % 2]),
        9 => Op::Env,
        _ => Op::Refuse(['z', 'k', 'w'][usize::from(arg) % 3]),
    }
}

/// A project of these rules and sources.
pub fn world(rules: &[RuleGene], sources: &[SourceGene]) -> World {
    let texts = sources.iter().zip(SOURCES).map(|(gene, path)| (path.to_owned(), source(gene)));
    let mut world = World {
        rules: Vec::new(),
        sources: texts.collect::<BTreeMap<_, _>>(),
        settings: vec![settings(0), settings(1)],
        schemas: vec!['q', 'q'],
        variable: None,
    };
    for gene in rules {
        let next = rule(&world, gene);
        world.rules.push(next);
    }
    world
}

fn rule(world: &World, gene: &RuleGene) -> Rule {
    let mut bytes = Bytes(gene.iter());
    let trees: Vec<usize> = (0..world.rules.len()).filter(|r| world.rules[*r].tree.is_some()).collect();
    let mut ranges = vec![Range::Source, Range::Job];
    ranges.extend(trees.iter().rev().flat_map(|t| [Range::Tree(*t); 2]));
    let range = bytes.pick(&ranges);
    let depth = world.chain(range).len();
    let pass = pass(world, &mut bytes);
    let tree = ((1..3).contains(&depth) && bytes.one_in(2)).then_some(Split { by_last: depth > 1 });
    let main = match (depth, bytes.next() % 6) {
        (0, 4 | 5) => Some(Main::Lines { bare: bytes.one_in(4) }),
        (1 | 2, 4 | 5) => Some(Main::PerItem { by_id: bytes.one_in(2), bare: bytes.one_in(4) }),
        (_, 3) if tree.is_some() => None,
        _ => Some(Main::Json),
    };
    let known = inputs(world, range);
    let inputs = (0..1 + bytes.next() % 3).map(|_| bytes.pick(&known)).collect();
    let ops = (0..bytes.next() % 3).map(|_| op([u8_of(bytes.next()), u8_of(bytes.next())])).collect();
    let publish = !bytes.one_in(6);
    let settings = bytes.one_in(4).then(|| (bytes.next() % 2, bytes.one_in(2)));
    let declares_variable = bytes.one_in(4);
    let gate = if main == Some(Main::Json) { gate(world, &mut bytes) } else { Gate::default() };
    Rule { there: true, pass, range, inputs, ops, main, tree, publish, gate, settings, declares_variable }
}

fn u8_of(byte: usize) -> u8 {
    u8::try_from(byte).unwrap_or_default()
}

/// Passes come in their order: no pass, that of the rule before, or the next.
fn pass(world: &World, bytes: &mut Bytes<'_>) -> Option<char> {
    let last = world.rules.iter().rev().find_map(|r| r.pass);
    match (bytes.next() % 6, last) {
        (0 | 1, _) => None,
        (2, Some(last)) => Some(last),
        (_, Some(last)) => Some(if last < 'F' { char::from(last as u8 + 1) } else { last }),
        (_, None) => Some('A'),
    }
}

/// What a rule of this range may read.
fn inputs(world: &World, range: Range) -> Vec<Input> {
    let chain = world.chain(range);
    let mut known = Vec::new();
    known.extend(chain.iter().rev().filter_map(|r| match r {
        Range::Tree(maker) => Some(Input::Item(*maker)),
        _ => None,
    }));
    if !chain.is_empty() {
        known.push(Input::Source);
    }
    for (ix, rule) in world.rules.iter().enumerate().rev() {
        match rule.main {
            Some(Main::Json | Main::Lines { .. }) => known.extend([Input::Main(ix); 3]),
            // One file per item is for the same item and those below it.
            Some(Main::PerItem { .. }) if chain.contains(&rule.range) => known.push(Input::Main(ix)),
            _ => {}
        }
        if rule.tree.is_some() {
            known.push(Input::Tree(ix));
        }
    }
    known.push(Input::File(0));
    if known.len() > 6 {
        known.push(Input::File(1));
    }
    known
}

fn gate(world: &World, bytes: &mut Bytes<'_>) -> Gate {
    let referable: Vec<usize> = (0..world.rules.len()).filter(|r| world.rules[*r].main == Some(Main::Json)).collect();
    Gate {
        schema: bytes.one_in(3).then(|| bytes.next() % 2),
        min_items: bytes.one_in(6).then(|| 1 + bytes.next() % 2),
        unique: bytes.one_in(14),
        refs: (bytes.one_in(11) && !referable.is_empty()).then(|| bytes.pick(&referable)),
    }
}
