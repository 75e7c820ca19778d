//! The dictionary: every section judged by its shape, its tag and the headings above it.
//!
//! Shape is stronger than place: where a book's entries of a kind have a shape, what stands among them without it is talk
//! about them. Where no entry of a kind has a shape, the direct children of a heading that collects the kind are its entries.

use std::collections::{BTreeMap, BTreeSet};

use super::name::{Name, read_name};
use super::shape::{EntryLine, Head, is_field};
use crate::document::headings::key::{compact, join_lines};
use crate::document::ids;
use crate::document::term::{Kind, Term};
use crate::document::vocabulary::Vocabulary;

/// A section as the dictionary sees it; `parent` is an index into the same list.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub section_id: String,
    pub title: String,
    pub page: Option<u32>,
    pub parent: Option<usize>,
    /// What stands under the heading, up to the next one.
    pub lines: Vec<EntryLine>,
    /// Names in the first column of a numbered table under the heading.
    pub listed: Vec<Listed>,
}

/// A name in a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub page: Option<u32>,
    pub definition: String,
}

struct Found {
    kind: Kind,
    confidence: f64,
    evidence: Vec<String>,
}

/// All terms of a source, sorted by page, then name.
#[must_use]
pub fn dictionary(source_id: &str, entries: &[Entry], vocabulary: &Vocabulary) -> Vec<Term> {
    let judge = Judge::of(entries, vocabulary);
    let mut terms: BTreeMap<(Kind, String), Term> = BTreeMap::new();
    for (i, entry) in entries.iter().enumerate() {
        if let Some(name) = read_name(&entry.title, vocabulary).filter(|n| !vocabulary.is_generic(&n.name))
            && let Some(found) = judge.kind_of(i, &name)
        {
            add(&mut terms, term(source_id, entry, name, found, vocabulary));
        }
        // A table of things says what each of them is; one of words is for rolling on.
        let told =
            entry.listed.iter().filter(|l| l.definition.chars().count() >= 30 && l.name.starts_with(char::is_uppercase)).count();
        for listed in entry.listed.iter().filter(|_| told * 4 >= entry.listed.len() * 3) {
            if let (Some(kind), Some(name)) = (judge.container(i), read_name(&listed.name, vocabulary)) {
                let found = Found { kind, confidence: 0.85, evidence: vec![format!("table_under:{}", entry.title)] };
                let mut term = term(source_id, entry, name, found, vocabulary);
                (term.section_id, term.page, term.definition) = (None, listed.page, listed.definition.clone());
                add(&mut terms, term);
            }
        }
    }
    let mut terms: Vec<Term> = terms.into_values().collect();
    add_synonyms(&mut terms, vocabulary);
    terms.sort_by(|a, b| (a.page, &a.term, vocabulary.rank(a.kind)).cmp(&(b.page, &b.term, vocabulary.rank(b.kind))));
    terms
}

/// Other names of a term are aliases of it, unless they are terms themselves.
fn add_synonyms(terms: &mut [Term], vocabulary: &Vocabulary) {
    let named: BTreeSet<String> = terms.iter().map(|t| compact(&t.term)).collect();
    for term in terms {
        let others = vocabulary.synonyms(&term.term).iter().filter(|other| !named.contains(&compact(other)));
        let new: Vec<String> = others.filter(|other| !term.aliases.contains(other)).cloned().collect();
        if !new.is_empty() {
            term.aliases.extend(new);
            term.aliases.sort();
        }
    }
}

/// The surest entry of a name stays; the others lend their printed forms and evidence.
fn add(terms: &mut BTreeMap<(Kind, String), Term>, new: Term) {
    match terms.entry((new.kind, compact(&new.term))) {
        std::collections::btree_map::Entry::Vacant(place) => {
            place.insert(new);
        }
        std::collections::btree_map::Entry::Occupied(mut place) => {
            let old = place.get_mut();
            let (mut kept, lent) = if new.confidence > old.confidence { (new, old.clone()) } else { (old.clone(), new) };
            let more = lent.aliases.into_iter().filter(|a| *a != kept.term);
            kept.aliases = kept.aliases.iter().cloned().chain(more).collect::<BTreeSet<_>>().into_iter().collect();
            kept.evidence = kept.evidence.iter().cloned().chain(lent.evidence).collect::<BTreeSet<_>>().into_iter().collect();
            *old = kept;
        }
    }
}

fn term(source_id: &str, entry: &Entry, name: Name, found: Found, vocabulary: &Vocabulary) -> Term {
    Term {
        term_id: ids::term_id(source_id, found.kind.name(), &name.name),
        source_id: source_id.to_owned(),
        aliases: name.printed.into_iter().collect(),
        term: name.name,
        kind: found.kind,
        section_id: Some(entry.section_id.clone()),
        page: entry.page,
        definition: definition(&entry.lines, vocabulary),
        confidence: (found.confidence * 100.0).round() / 100.0,
        evidence: found.evidence,
    }
}

struct Judge<'a> {
    vocabulary: &'a Vocabulary,
    entries: &'a [Entry],
    /// Per entry: the kind its shape speaks for.
    shapes: Vec<Option<(Kind, f64, &'static str)>>,
    /// Per entry: the kind its heading collects, or that of the nearest heading above it that collects.
    containers: Vec<Option<(Kind, usize)>>,
    shaped: BTreeSet<Kind>,
    titles: BTreeMap<String, usize>,
    children: Vec<usize>,
}

/// Fewer entries of one shape than this are chance.
const MIN_SHAPED: usize = 3;

impl<'a> Judge<'a> {
    fn of(entries: &'a [Entry], vocabulary: &'a Vocabulary) -> Self {
        let mut containers: Vec<Option<(Kind, usize)>> = Vec::with_capacity(entries.len());
        let mut children = vec![0; entries.len()];
        let mut titles: BTreeMap<String, usize> = BTreeMap::new();
        for parent in entries.iter().enumerate().filter_map(|(i, e)| e.parent.filter(|p| *p < i)) {
            children[parent] += 1;
        }
        for (i, entry) in entries.iter().enumerate() {
            // What has nothing below it collects nothing ("Conjure Animals").
            let holds = children[i] > 0 || !entry.listed.is_empty();
            let own = vocabulary.kind_of_heading(&entry.title).or_else(|| vocabulary.kind_of_group(&entry.title));
            let own = own.filter(|_| holds).map(|kind| (kind, i));
            let above = entry.parent.filter(|p| *p < i).and_then(|p| containers[p]);
            containers.push(own.or(above));
            *titles.entry(compact(&entry.title)).or_default() += 1;
        }
        let shapes: Vec<_> = entries
            .iter()
            .zip(&containers)
            .map(|(entry, container)| {
                let head = Head::of(&entry.lines);
                let shapes = vocabulary.kinds.iter().filter_map(|k| head.shape_of(k).map(|(sure, by)| (k.kind, sure, by)));
                // Where two shapes fit, the heading above decides.
                let fits = |kind: Kind| container.is_some_and(|(c, _)| c == kind);
                shapes.max_by(|a, b| (fits(a.0), a.1).partial_cmp(&(fits(b.0), b.1)).unwrap_or(std::cmp::Ordering::Equal))
            })
            .collect();
        let shaped_under = |kind: Kind| {
            let under = |i: &usize| {
                shapes[*i].is_some_and(|s| s.0 == kind) && containers[*i].is_some_and(|(c, at)| c == kind && at != *i)
            };
            (0..entries.len()).filter(under).count() >= MIN_SHAPED
        };
        let shaped = vocabulary.kinds.iter().map(|k| k.kind).filter(|k| shaped_under(*k)).collect();
        Self { vocabulary, entries, shapes, containers, shaped, titles, children }
    }

    /// The kind that the heading of entry `i` itself collects.
    fn container(&self, i: usize) -> Option<Kind> {
        self.containers[i].filter(|(_, at)| *at == i).map(|(kind, _)| kind)
    }

    fn kind_of(&self, i: usize, name: &Name) -> Option<Found> {
        let above = self.entries[i].parent.and_then(|p| self.containers[p]);
        if let Some(kind) = name.tagged {
            return Some(Found { kind, confidence: 0.95, evidence: vec!["tag".to_owned()] });
        }
        if let Some(kind) = above.filter(|_| name.levelled).and_then(|(kind, _)| self.vocabulary.kind(kind).levelled) {
            return Some(Found { kind, confidence: 0.9, evidence: vec!["level".to_owned()] });
        }
        if self.container(i).is_some() {
            return None;
        }
        self.by_shape(i, above).or_else(|| self.by_place(i, above)).or_else(|| self.as_rule(i, above, name))
    }

    /// A stat block inside an entry of another kind (the steed of a spell) is a part of that entry.
    fn by_shape(&self, i: usize, above: Option<(Kind, usize)>) -> Option<Found> {
        let (kind, confidence, by) = self.shapes[i]?;
        match above {
            Some((container, at)) if container == kind => {
                let evidence = vec![by.to_owned(), format!("under_heading:{}", self.entries[at].title)];
                Some(Found { kind, confidence: (confidence + 0.04_f64).min(0.99), evidence })
            }
            Some(_) => None,
            // In a book that collects its creatures, a line of stats elsewhere is a passing one.
            None => (confidence >= 0.95 || confidence >= 0.9 && !self.shaped.contains(&kind)).then(|| Found {
                kind,
                confidence: confidence - 0.1,
                evidence: vec![by.to_owned()],
            }),
        }
    }

    fn by_place(&self, i: usize, above: Option<(Kind, usize)>) -> Option<Found> {
        let (kind, at) = above?;
        let direct = self.entries[i].parent == Some(at);
        if self.shaped.contains(&kind) || !direct || self.children[at] < MIN_SHAPED {
            return None;
        }
        let words = self.entries[i].title.split_whitespace().count();
        (words <= 5).then(|| Found { kind, confidence: 0.8, evidence: vec![format!("under_heading:{}", self.entries[at].title)] })
    }

    /// Any other heading of two to four words that stands once in the book names a rule of it, if it is not inside an entry.
    fn as_rule(&self, i: usize, above: Option<(Kind, usize)>, name: &Name) -> Option<Found> {
        let rule = self.vocabulary.kinds.iter().find(|k| k.any_heading)?.kind;
        let words: Vec<&str> = name.name.split_whitespace().collect();
        let once = self.titles.get(&compact(&self.entries[i].title)) == Some(&1);
        let capital = words.iter().filter(|w| w.starts_with(char::is_uppercase)).count() * 2 > words.len();
        let plain = name.name.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '’' | '&'));
        let fits = once && self.shapes[i].is_none() && capital && plain && above.is_none() && (2..=4).contains(&words.len());
        let talks = words.first().is_some_and(|w| {
            // A name does not begin with an article or a preposition.
            [
                "using", "playing", "creating", "making", "the", "a", "an", "your", "how", "what", "when", "why", "before",
                "after", "under", "over", "in", "on", "at", "from", "into", "with", "without", "about", "beyond", "inside",
                "outside", "things",
            ]
            .contains(&w.to_lowercase().as_str())
        });
        (fits && !talks).then(|| Found { kind: rule, confidence: 0.5, evidence: vec!["heading".to_owned()] })
    }
}

/// The first sentences below a heading, at most 300 characters, cut at a sentence's end where there is one.
fn definition(lines: &[EntryLine], vocabulary: &Vocabulary) -> String {
    const MOST: usize = 300;
    let mut texts: Vec<&str> = Vec::new();
    let mut letters = 0;
    for line in lines.iter().filter(|l| !l.row && !is_field(l, &vocabulary.kinds)) {
        texts.push(&line.text);
        letters += line.text.chars().count() + 1;
        if letters > MOST {
            break;
        }
    }
    let text = join_lines(texts);
    let end = text.char_indices().nth(MOST).map_or(text.len(), |(i, _)| i);
    let head = &text[..end];
    if end == text.len() {
        return head.trim().to_owned();
    }
    let sentence = head.rmatch_indices(['.', '!', '?']).map(|(i, m)| i + m.len()).find(|i| head[*i..].starts_with(' '));
    let cut = sentence.filter(|i| *i > 20).or_else(|| head.rfind(' ')).unwrap_or(end);
    head[..cut].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> Kind {
        Kind::new(name).unwrap()
    }

    fn entry(title: &str, parent: Option<usize>, lines: &[&str]) -> Entry {
        let lines = lines.iter().map(|t| EntryLine { text: (*t).to_owned(), ..EntryLine::default() }).collect();
        Entry { section_id: format!("sec-{title}"), title: title.to_owned(), page: Some(1), parent, lines, listed: Vec::new() }
    }

    fn kinds(entries: &[Entry]) -> Vec<(String, Kind)> {
        dictionary("s", entries, Vocabulary::bundled().unwrap()).into_iter().map(|t| (t.term, t.kind)).collect()
    }

    #[test]
    fn shaped_entries_are_terms_and_talk_between_them_is_not() {
        let spell = ["Casting Time: Action", "Range: Self", "Duration: 1 hour", "You glow."];
        let entries = [
            entry("Spells", None, &[]),
            entry("Learning", Some(0), &["You learn."]),
            entry("Glow", Some(0), &spell),
            entry("Mist", Some(0), &spell),
            entry("Wall", Some(0), &spell),
        ];
        let names = kinds(&entries);
        assert_eq!(names, [("Glow".into(), kind("spell")), ("Mist".into(), kind("spell")), ("Wall".into(), kind("spell"))]);
        assert_eq!(dictionary("s", &entries, Vocabulary::bundled().unwrap())[0].definition, "You glow.");
    }

    #[test]
    fn without_a_shape_the_children_of_a_collecting_heading_are_its_entries() {
        let entries = [
            entry("Backgrounds", None, &[]),
            entry("Cutpurse", Some(0), &["You steal."]),
            entry("Starting Gear", Some(1), &["Rope"]),
            entry("Outrider", Some(0), &["You ride."]),
            entry("Scrivener", Some(0), &["You write."]),
        ];
        assert!(kinds(&entries).iter().all(|(_, k)| *k == kind("background")));
        assert_eq!(kinds(&entries).len(), 3);
    }

    #[test]
    fn tags_speak_for_themselves() {
        assert_eq!(kinds(&[entry("Blinded [Condition]", None, &[])]), [("Blinded".into(), kind("condition"))]);
    }
}
