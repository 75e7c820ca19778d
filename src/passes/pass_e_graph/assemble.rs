//! The link graph of one source from its contents, dictionary and enriched chunks.

use std::collections::BTreeMap;

use crate::document::entity::{Enriched, Mention};
use crate::document::link_graph::Edge;
use crate::document::link_graph::EdgeKind;
use crate::document::link_graph::LinkGraph;
use crate::document::link_graph::Node;
use crate::document::link_graph::NodeKind;
use crate::document::link_graph::Unresolved;
use crate::document::normalized::name_key;
use crate::document::references::resolve::Contents;
use crate::document::section::Section;
use crate::document::section::SourceToc;
use crate::document::term::Term;
use crate::document::vocabulary::Vocabulary;
use crate::passes::pass_e_graph::node_ids;
use crate::passes::pass_e_graph::unite::Union;

/// A heading is the name with a qualifier before or after it ("Level 1: Rage") as long as the qualifier is this short.
const LONGEST_QUALIFIER: usize = 14;

/// One book, as it is put together.
pub struct Assembly<'a> {
    toc: &'a SourceToc,
    dictionary: &'a [Term],
    chunks: &'a [Enriched],
    contents: Contents<'a>,
    /// Section id → its index in the contents.
    sections: BTreeMap<&'a str, usize>,
    /// Section index → its chunks in order.
    chunks_of: BTreeMap<usize, Vec<&'a Enriched>>,
    union: Union,
}

impl<'a> Assembly<'a> {
    /// Takes what concerns the source of `toc` from the dictionary and the chunks.
    #[must_use]
    pub fn new(toc: &'a SourceToc, dictionary: &'a [Term], chunks: &'a [Enriched], vocabulary: &'a Vocabulary) -> Self {
        let sections: BTreeMap<&str, usize> = toc.sections.iter().enumerate().map(|(i, s)| (s.section_id.as_str(), i)).collect();
        let mut chunks_of: BTreeMap<usize, Vec<&Enriched>> = BTreeMap::new();
        for chunk in chunks.iter().filter(|c| c.source_id == toc.source_id) {
            let section = chunk.metadata.section_id.as_deref().and_then(|id| sections.get(id));
            if let Some(section) = section {
                chunks_of.entry(*section).or_default().push(chunk);
            }
        }
        Self { toc, dictionary, chunks, contents: Contents::new(toc, vocabulary), sections, chunks_of, union: Union::default() }
    }

    /// The graph.
    #[must_use]
    pub fn graph(mut self) -> LinkGraph {
        self.add_structure();
        self.add_chunks();
        self.add_definitions();
        self.add_mentions();
        self.add_references();
        self.union.into_graph()
    }

    fn own_chunks(&self) -> impl Iterator<Item = &'a Enriched> + use<'a> {
        let source_id = &self.toc.source_id;
        self.chunks.iter().filter(move |c| c.source_id == *source_id)
    }

    fn edge(&mut self, source: String, kind: EdgeKind, target: String, chunk_ids: &[&str]) {
        let chunk_ids = chunk_ids.iter().map(|c| (*c).to_owned()).collect();
        self.union.add_edge(Edge { source, kind, target, chunk_ids });
    }

    /// The source and its sections, each in what encloses it.
    fn add_structure(&mut self) {
        let toc = self.toc;
        let source = node_ids::source(&toc.source_id);
        self.union.add_node(owned_node(&source, NodeKind::Source, &toc.title, &toc.source_id, None));
        for section in &toc.sections {
            let id = node_ids::section(&section.section_id);
            self.union.add_node(owned_node(&id, NodeKind::Section, &section.title, &toc.source_id, section.page_start));
            let parent = section.parent_id.as_deref().filter(|p| self.sections.contains_key(p) && *p != section.section_id);
            self.edge(parent.map_or_else(|| source.clone(), node_ids::section), EdgeKind::Contains, id, &[]);
        }
    }

    /// The chunks, each in its section or, before the first heading, in the source; and their order.
    fn add_chunks(&mut self) {
        let mut previous: Option<String> = None;
        for chunk in self.own_chunks() {
            let id = node_ids::chunk(&chunk.chunk_id);
            self.union.add_node(owned_node(&id, NodeKind::Chunk, &chunk.chunk_id, &self.toc.source_id, chunk.page));
            let section = chunk.metadata.section_id.as_deref().filter(|s| self.sections.contains_key(s));
            let holder = section.map_or_else(|| node_ids::source(&self.toc.source_id), node_ids::section);
            self.edge(holder, EdgeKind::Contains, id.clone(), &[]);
            if let Some(previous) = previous.replace(id.clone()).filter(|p| *p != id) {
                self.edge(previous, EdgeKind::Next, id, &[]);
            }
        }
    }

    /// Terms whose name a heading bears are defined there.
    fn add_definitions(&mut self) {
        let toc = self.toc;
        for term in self.dictionary.iter().filter(|t| t.source_id == toc.source_id) {
            let Some(section) = self.home(term) else { continue };
            let id = self.add_entity(term.kind.name(), &term.term, &term.aliases);
            // The heading is the first line of the section's first chunk.
            let index = self.sections.get(section.section_id.as_str()).copied();
            let chunk = index.and_then(|i| self.chunks_of.get(&i)).and_then(|c| c.first()).map(|c| c.chunk_id.as_str());
            let support: Vec<&str> = chunk.into_iter().collect();
            self.edge(id, EdgeKind::DefinedIn, node_ids::section(&section.section_id), &support);
        }
    }

    /// The section whose heading bears the name of `term`: the one that the dictionary names, else the only one of its name.
    fn home(&self, term: &Term) -> Option<&'a Section> {
        let toc = self.toc;
        let named = term.section_id.as_deref().and_then(|id| self.sections.get(id)).and_then(|i| toc.sections.get(*i));
        if let Some(section) = named.filter(|s| bears(&s.title, term)) {
            return Some(section);
        }
        match self.contents.titled(&term.term) {
            [one] => toc.sections.get(*one).filter(|s| bears(&s.title, term)),
            _ => None,
        }
    }

    fn add_entity(&mut self, kind: &str, name: &str, aliases: &[String]) -> String {
        let id = node_ids::entity(kind, name);
        self.union.add_node(Node {
            id: id.clone(),
            kind: NodeKind::Entity,
            name: name.to_owned(),
            aliases: aliases.to_vec(),
            source_id: None,
            source_ids: Some(vec![self.toc.source_id.clone()]),
            entity_kind: Some(kind.to_owned()),
            page: None,
        });
        id
    }

    /// Chunks mention what pass D found in them by name, and the types of what it found by figure: the fire of fire damage.
    fn add_mentions(&mut self) {
        let toc = self.toc;
        let own = self.dictionary.iter().filter(|t| t.source_id == toc.source_id);
        let terms: BTreeMap<&str, &Term> = own.map(|t| (t.term_id.as_str(), t)).collect();
        for chunk in self.own_chunks() {
            for mention in &chunk.entities {
                let ids: Vec<String> = match mention.term_id.as_deref() {
                    Some(term_id) => {
                        let aliases: &[String] = terms.get(term_id).map_or(&[], |t| &t.aliases);
                        vec![self.add_entity(&mention.kind, &mention.name, aliases)]
                    }
                    // Expressions are values of a chunk, not things; but their types are.
                    None => {
                        let kind = format!("{}_type", mention.kind);
                        types_of(mention).into_iter().map(|name| self.add_entity(&kind, name, &[])).collect()
                    }
                };
                for id in ids {
                    self.edge(node_ids::chunk(&chunk.chunk_id), EdgeKind::Mentions, id, &[&chunk.chunk_id]);
                }
            }
        }
    }

    /// References lead to sections, or are listed with the reason why they do not.
    fn add_references(&mut self) {
        for chunk in self.own_chunks() {
            let from = chunk.metadata.section_id.as_deref().and_then(|id| self.sections.get(id).copied());
            for reference in &chunk.references {
                // What stands in the same line before it may name the section on the page.
                let before: String = chunk.text.chars().take(reference.start as usize).collect();
                let line = before.rsplit(['\n', '.']).next().unwrap_or("");
                match self.contents.resolve(reference, from, line) {
                    Ok(section) => {
                        let target = node_ids::section(&section.section_id);
                        self.edge(node_ids::chunk(&chunk.chunk_id), EdgeKind::RefersTo, target, &[&chunk.chunk_id]);
                    }
                    Err(reason) => self.union.add_unresolved(Unresolved {
                        source_id: self.toc.source_id.clone(),
                        chunk_id: chunk.chunk_id.clone(),
                        surface: reference.surface.clone(),
                        target: reference.target.clone(),
                        reason,
                    }),
                }
            }
        }
    }
}

/// The types that the value of an expression names.
pub(super) fn types_of(mention: &Mention) -> Vec<&str> {
    let named = |key| mention.value.as_ref().and_then(|value| value.get(key));
    let listed = named("types").and_then(serde_json::Value::as_array).into_iter().flatten();
    let all = named("type").into_iter().chain(listed).filter_map(serde_json::Value::as_str);
    all.filter(|name| !name.is_empty()).collect()
}

fn owned_node(id: &str, kind: NodeKind, name: &str, source_id: &str, page: Option<u32>) -> Node {
    Node {
        id: id.to_owned(),
        kind,
        name: name.to_owned(),
        aliases: Vec::new(),
        source_id: Some(source_id.to_owned()),
        source_ids: None,
        entity_kind: None,
        page,
    }
}

/// Whether a heading bears the name of a term: it is the name or an alias, or the name with a short qualifier.
fn bears(title: &str, term: &Term) -> bool {
    let (title, name) = (name_key(title), name_key(&term.term));
    if name.is_empty() {
        return false;
    }
    let qualified = (title.starts_with(&format!("{name} ")) || title.ends_with(&format!(" {name}")))
        && title.chars().count() - name.chars().count() <= LONGEST_QUALIFIER;
    title == name || qualified || term.aliases.iter().any(|a| name_key(a) == title)
}
