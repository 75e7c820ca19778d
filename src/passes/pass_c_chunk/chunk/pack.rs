//! Packing: the atoms of one section into groups within the cap, close to the target. Greedy from the front, with the tail
//! kept together, a list that fits kept whole, and a small rest given to its neighbour.

use super::Params;
use super::atoms::{Atom, Joint};
use crate::document::element::{ElementType, PageBox};
use crate::document::sentences;

/// What becomes one chunk.
pub struct Group<'a> {
    pub text: String,
    pub atoms: Vec<&'a Atom<'a>>,
    /// First and last page.
    pub pages: Option<(u32, u32)>,
}

/// A reader turns at most one leaf to see a chunk whole.
const MOST_PAGES_APART: u32 = 1;

/// Packs the atoms of one section.
pub fn pack<'a>(atoms: &'a [Atom<'a>], params: &Params) -> Vec<Group<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    let mut run = Run::default();
    // What all atoms from here on would add.
    let mut rest: u32 = atoms.iter().map(|a| a.added).sum();
    // Up to here the atoms are of a list that is kept together.
    let mut held = 0;
    for (index, atom) in atoms.iter().enumerate() {
        if index >= held && !run.atoms.is_empty() && !run.takes(atom, rest, params) {
            let list = run.list_kept_with(&atoms[index..], params);
            if let Some((before, list, more)) = list {
                runs.push(before);
                run = list;
                held = index + more;
            } else {
                runs.push(std::mem::take(&mut run));
            }
        }
        rest -= atom.added;
        run.push(atom, params);
    }
    if !run.atoms.is_empty() {
        runs.push(run);
    }
    join_small(&mut runs, params);
    let mut groups: Vec<Group<'a>> = Vec::new();
    for run in runs {
        let mut group = run.into_group();
        if let Some(before) = groups.last() {
            overlap(before, &mut group, params);
        }
        groups.push(group);
    }
    groups
}

/// A group that still grows.
#[derive(Default, Clone)]
struct Run<'a> {
    atoms: Vec<&'a Atom<'a>>,
    /// Header lines repeated before the first atom.
    header: &'a str,
    /// Of all its text so far.
    size: u32,
    pages: Option<(u32, u32)>,
}

impl<'a> Run<'a> {
    /// Whether `atom` still belongs here; `rest` is what all from `atom` to the end of its section adds.
    fn takes(&self, atom: &Atom<'_>, rest: u32, params: &Params) -> bool {
        let total = self.size + atom.added;
        if total > params.max || too_far(union(self.pages, atom.pages)) {
            return false;
        }
        let only_heading = self.atoms.iter().all(|a| a.is_heading);
        total <= params.target || self.size < params.min || only_heading || self.size + rest <= params.max
    }

    fn push(&mut self, atom: &'a Atom<'a>, params: &Params) {
        if self.atoms.is_empty() {
            self.size = atom.size;
            // The row comes first: its header is left out where both do not fit.
            if !atom.header.is_empty() {
                let both = params.unit.size_of(atom.header) + params.unit.added(atom.header, Joint::Line.text(), atom.text);
                if both <= params.max {
                    (self.header, self.size) = (atom.header, both);
                }
            }
        } else {
            self.size += atom.added;
        }
        self.pages = union(self.pages, atom.pages);
        self.atoms.push(atom);
    }

    /// Where `ahead` goes on with a list that begins here, or with one that the last paragraph leads in by a colon, and all of
    /// the list fits into one chunk: what comes before it, its beginning, and how many atoms of it are ahead.
    fn list_kept_with(&self, ahead: &'a [Atom<'a>], params: &Params) -> Option<(Self, Self, usize)> {
        let is_item = |a: &Atom<'_>| a.kind == ElementType::ListItem;
        let of_list = |a: &Atom<'_>| is_item(a) && a.joint != Joint::Blank;
        let items = self.atoms.iter().rev().take_while(|a| is_item(a)).count();
        let mut start = self.atoms.len() - items;
        if let Some(lead_in) = start.checked_sub(1).map(|at| self.atoms[at])
            && !lead_in.is_heading
            && lead_in.text.trim_end().ends_with(':')
        {
            start -= 1;
        }
        let is_list = if items > 0 { of_list(&ahead[0]) } else { is_item(&ahead[0]) };
        if !is_list || start == 0 || start == self.atoms.len() {
            return None;
        }
        let more = 1 + ahead[1..].iter().take_while(|a| of_list(a)).count();
        let (before, list) = (Self::of(&self.atoms[..start], params), Self::of(&self.atoms[start..], params));
        let whole = list.size + ahead[..more].iter().map(|a| a.added).sum::<u32>();
        let pages = ahead[..more].iter().fold(list.pages, |pages, a| union(pages, a.pages));
        (before.size >= params.min && whole <= params.max && !too_far(pages)).then_some((before, list, more))
    }

    fn of(atoms: &[&'a Atom<'a>], params: &Params) -> Self {
        let mut run = Self::default();
        atoms.iter().for_each(|a| run.push(a, params));
        run
    }

    /// Both as one, if that is within the limits.
    fn joined(&self, next: &Self, params: &Params) -> Option<Self> {
        let both = Self::of(&[&self.atoms[..], &next.atoms[..]].concat(), params);
        (both.size <= params.max && !too_far(both.pages)).then_some(both)
    }

    fn into_group(self) -> Group<'a> {
        let mut text = String::new();
        if !self.header.is_empty() {
            text.push_str(self.header);
            text.push_str(Joint::Line.text());
        }
        for (i, atom) in self.atoms.iter().enumerate() {
            if i > 0 {
                text.push_str(atom.joint.text());
            }
            text.push_str(atom.text);
        }
        Group { text, atoms: self.atoms, pages: self.pages }
    }
}

fn union(a: Option<(u32, u32)>, b: Option<(u32, u32)>) -> Option<(u32, u32)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

fn too_far(pages: Option<(u32, u32)>) -> bool {
    pages.is_some_and(|(first, last)| last - first > MOST_PAGES_APART)
}

/// Gives a run below the minimum to a neighbour where the cap allows.
fn join_small(runs: &mut Vec<Run<'_>>, params: &Params) {
    let mut i = 0;
    while i < runs.len() {
        if runs[i].size < params.min && runs.len() > 1 {
            let with_next = runs.get(i + 1).and_then(|next| runs[i].joined(next, params));
            let with_previous = i.checked_sub(1).and_then(|p| runs[p].joined(&runs[i], params));
            if let Some(both) = with_next {
                runs[i] = both;
                runs.remove(i + 1);
                continue;
            }
            if let Some(both) = with_previous {
                runs[i - 1] = both;
                runs.remove(i);
                continue;
            }
        }
        i += 1;
    }
}

/// Repeats the last sentences of `before` at the head of `group`, where the cap leaves room. A table is not repeated.
fn overlap(before: &Group<'_>, group: &mut Group<'_>, params: &Params) {
    let repeats_header = group.atoms.first().is_some_and(|a| a.kind == ElementType::Table);
    if params.overlap == 0 || repeats_header {
        return;
    }
    let unit = params.unit;
    let last = before.atoms.last().map_or("", |a| a.text);
    let mut start = last.len();
    for sentence in sentences::sentences(last).into_iter().rev() {
        let repeated = last[sentence.start..].trim();
        let both = unit.size_of(repeated) + unit.added(repeated, Joint::Space.text(), &group.text);
        if unit.size_of(repeated) > params.overlap || both > params.max {
            break;
        }
        start = sentence.start;
    }
    let repeated = last[start..].trim();
    let pages = union(group.pages, before.pages.map(|(_, last)| (last, last)));
    if !repeated.is_empty() && !too_far(pages) {
        group.text = format!("{repeated} {}", group.text);
        group.pages = pages;
    }
}

/// Where the atoms of a chunk stand: one box per column that they run through, in order.
pub fn boxes(atoms: &[&Atom<'_>]) -> Vec<PageBox> {
    let mut out: Vec<PageBox> = Vec::new();
    for next in atoms.iter().flat_map(|a| &a.boxes) {
        match out.last_mut() {
            Some(last) if last == next => {}
            Some(last) if last.page == next.page && overlaps(last.x, last.w, next.x, next.w) && next.y >= last.y => {
                let (right, bottom) = ((last.x + last.w).max(next.x + next.w), (last.y + last.h).max(next.y + next.h));
                last.x = last.x.min(next.x);
                last.w = hundredths(right - last.x);
                last.h = hundredths(bottom - last.y);
            }
            _ => out.push(*next),
        }
    }
    out
}

fn overlaps(a: f64, a_len: f64, b: f64, b_len: f64) -> bool {
    a < b + b_len && b < a + a_len
}

fn hundredths(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}
