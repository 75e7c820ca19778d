//! Pass E on a book of our own.

use super::*;
use std::collections::BTreeMap;

use crate::builtin::Keyed;
use crate::builtin::Piece;
use crate::document::link_graph::EdgeKind;
use crate::document::link_graph::NodeKind;
use crate::document::section::Origin;
use crate::document::section::Section;
use crate::document::term::Kind;
use crate::document::term::TermName;
use crate::document::vocabulary::Vocabulary;
use crate::passes::pass_d_enrich;
use crate::passes::pass_d_enrich::tests::kind;

/// A book with two chapters, a spell and an item of one name, and a reference that leads somewhere and one that does not.
pub(crate) struct Book {
    pub toc: SourceToc,
    pub dictionary: Vec<Term>,
    pub enriched: Vec<Enriched>,
}

fn section(source: &str, id: &str, title: &str, parent: Option<&str>, page: u32) -> Section {
    Section {
        section_id: format!("{source}-{id}"),
        title: title.to_owned(),
        level: if parent.is_some() { 2 } else { 1 },
        parent_id: parent.map(|p| format!("{source}-{p}")),
        page_start: Some(page),
        page_end: Some(page),
        anchor: None,
        origin: Origin::Outline,
        confidence: 1.0,
    }
}

fn term(source: &str, kind: Kind, name: &str, section: Option<&str>) -> Term {
    Term {
        term_id: crate::document::ids::term_id(source, kind.name(), name),
        source_id: source.to_owned(),
        term: name.to_owned(),
        kind,
        section_id: section.map(|s| format!("{source}-{s}")),
        page: Some(1),
        aliases: Vec::new(),
        definition: String::new(),
        confidence: 1.0,
        evidence: Vec::new(),
    }
}

pub(crate) fn book(source: &str) -> Book {
    let toc = SourceToc {
        source_id: source.to_owned(),
        path: format!("{source}.pdf"),
        title: format!("Book {source}"),
        page_count: Some(3),
        pages_needing_ocr: 0,
        origin: Origin::Outline,
        confidence: 1.0,
        page_labels: Vec::new(),
        sections: vec![
            section(source, "spells", "Spells", None, 1),
            section(source, "shield-spell", "Shield", Some("spells"), 1),
            section(source, "gear", "Gear", None, 2),
            section(source, "shield-item", "Shield", Some("gear"), 2),
        ],
        notes: Vec::new(),
    };
    let dictionary = vec![
        term(source, kind("spell"), "Shield", Some("shield-spell")),
        term(source, kind("item"), "Shield", Some("shield-item")),
        term(source, kind("creature"), "Bog Witch", None),
        term(source, kind("creature"), "Never Seen", None),
    ];
    let texts = [
        ("shield-spell", "Shield\nShe casts Shield at once (see Gear)."),
        ("gear", "Gear\nSee page 94 for more."),
        ("shield-item", "Shield\nThe guard carries a shield against the bog witch."),
    ];
    let chunks: Vec<crate::document::chunk::Chunk> = texts
        .iter()
        .map(|(section, text)| {
            let mut chunk = pass_d_enrich::tests::chunk(text);
            chunk.source_id = source.to_owned();
            chunk.chunk_id = format!("{source}-{section}-chunk");
            chunk.metadata.section_id = Some(format!("{source}-{section}"));
            chunk.metadata.section_path = vec![if *section == "shield-spell" { "Spells" } else { "Gear" }.to_owned()];
            chunk
        })
        .collect();
    let names: Vec<TermName> = dictionary
        .iter()
        .map(|t| TermName { term_id: t.term_id.clone(), term: t.term.clone(), kind: t.kind, aliases: t.aliases.clone() })
        .collect();
    let inputs = pass_d_enrich::Inputs { chunks: &chunks, names: &names, vocabulary: Vocabulary::bundled().unwrap() };
    let enriched = pass_d_enrich::run(inputs, &pass_d_enrich::Params::default()).unwrap().enriched;
    Book { toc, dictionary, enriched }
}

fn inputs(book: &Book) -> Inputs<'_> {
    Inputs {
        toc: std::slice::from_ref(&book.toc),
        dictionary: &book.dictionary,
        enriched: &book.enriched,
        vocabulary: Vocabulary::bundled().unwrap(),
    }
}

pub(crate) fn graph(book: &Book) -> LinkGraph {
    run(inputs(book), &Params::default()).unwrap().graph
}

fn edges(graph: &LinkGraph, kind: EdgeKind) -> Vec<String> {
    graph.edges.iter().filter(|e| e.kind == kind).map(|e| format!("{} {} {:?}", e.source, e.target, e.chunk_ids)).collect()
}

#[test]
fn two_kinds_of_one_name_are_two_entities_each_defined_at_home() {
    let graph = graph(&book("b"));
    let defined = edges(&graph, EdgeKind::DefinedIn);
    assert_eq!(
        defined,
        [
            "entity:item:shield section:b-shield-item [\"b-shield-item-chunk\"]",
            "entity:spell:shield section:b-shield-spell [\"b-shield-spell-chunk\"]",
        ]
    );
}

#[test]
fn an_entity_lives_only_while_something_supports_it() {
    let graph = graph(&book("b"));
    let entities: Vec<&str> = graph.nodes.iter().filter(|n| n.kind == NodeKind::Entity).map(|n| n.id.as_str()).collect();
    assert_eq!(entities, ["entity:creature:bog-witch", "entity:item:shield", "entity:spell:shield"]);
}

#[test]
fn references_are_resolved_or_listed() {
    let graph = graph(&book("b"));
    assert_eq!(edges(&graph, EdgeKind::RefersTo), ["chunk:b-shield-spell-chunk section:b-gear [\"b-shield-spell-chunk\"]"]);
    let unresolved: Vec<&str> = graph.unresolved.iter().map(|u| u.reason.as_str()).collect();
    assert_eq!(unresolved, ["there is no page 94"]);
}

#[test]
fn no_edge_dangles_and_everything_is_sorted() {
    let graph = graph(&book("b"));
    let ids: Vec<&str> = graph.nodes.iter().map(|n| n.id.as_str()).collect();
    assert!(ids.is_sorted() && graph.edges.is_sorted());
    assert!(graph.edges.iter().all(|e| ids.contains(&e.source.as_str()) && ids.contains(&e.target.as_str())));
    assert_eq!(
        (graph.stats.components, graph.stats.orphans, graph.stats.nodes["chunk"], graph.stats.edges["next"]),
        (1, 0, 3, 2)
    );
}

fn merged(books: &[&Book]) -> LinkGraph {
    let piece = |b: &&Book| Piece {
        item_id: b.toc.source_id.clone(),
        attrs: String::new(),
        bytes: serde_json::to_vec(&graph(b)).unwrap().into(),
        items: 1,
    };
    let pieces: Vec<Piece> = books.iter().map(piece).collect();
    let mut united: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for Keyed { key, value } in pieces.iter().flat_map(|p| (unite::UNION.take)(p).unwrap()) {
        let value = match united.remove(&key) {
            Some(known) => (unite::UNION.unite)(&key, known, value),
            None => value,
        };
        united.insert(key, value);
    }
    let mut out = Vec::new();
    let mut records = united.into_iter().map(|(key, value)| Ok(Keyed { key, value }));
    (unite::UNION.write)(&mut records, &mut out).unwrap();
    let graph: LinkGraph = serde_json::from_slice(&out).unwrap();
    assert_eq!(serde_json::to_vec(&graph).unwrap(), out, "written as an artifact is");
    graph
}

#[test]
fn books_are_linked_where_they_share_an_entity_of_one_kind() {
    let (a, b) = (book("a"), book("b"));
    let both = merged(&[&a, &b]);
    let witch = both.nodes.iter().find(|n| n.id == "entity:creature:bog-witch").unwrap();
    assert_eq!(witch.source_ids.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]));
    assert_eq!(both.stats.components, 1);
    assert_eq!(merged(&[&b, &a]), both);
}

#[test]
fn a_stat_block_is_linked_to_the_types_of_damage_that_it_names() {
    let mut b = book("b");
    let mut chunk = pass_d_enrich::tests::chunk("Immunities: Poison, Cold\nBite. 7 (2d6) fire damage.");
    (chunk.chunk_id, chunk.source_id) = ("b-stats".to_owned(), "b".to_owned());
    let read = pass_d_enrich::Inputs { chunks: &[chunk], names: &[], vocabulary: Vocabulary::bundled().unwrap() };
    b.enriched.extend(pass_d_enrich::run(read, &pass_d_enrich::Params::default()).unwrap().enriched.into_iter().map(linkable));
    let named: Vec<String> =
        edges(&graph(&b), EdgeKind::Mentions).into_iter().filter(|e| e.starts_with("chunk:b-stats ")).collect();
    let edge = |name: &str| format!("chunk:b-stats entity:damage_type:{name} [\"b-stats\"]");
    assert_eq!(named, ["cold", "fire", "poison"].map(edge));
}

#[test]
fn removing_a_book_removes_all_that_only_it_supported() {
    let (a, mut b) = (book("a"), book("b"));
    b.dictionary.push(term("b", kind("rule"), "Gear", Some("gear")));
    assert!(merged(&[&a, &b]).nodes.iter().any(|n| n.id == "entity:rule:gear"));
    assert_eq!(merged(&[&a]), graph(&a));
}

#[test]
fn hostile_contents_do_no_harm() {
    let mut b = book("b");
    // A section that encloses itself, two that enclose each other, a parent that is not there, an id twice.
    b.toc.sections[0].parent_id = Some("b-spells".to_owned());
    b.toc.sections[1].parent_id = Some("b-gear".to_owned());
    b.toc.sections[2].parent_id = Some("b-shield-spell".to_owned());
    b.toc.sections[3].parent_id = Some("nowhere".to_owned());
    let twice = b.toc.sections[3].clone();
    b.toc.sections.push(twice);
    let graph = graph(&b);
    let ids: Vec<&str> = graph.nodes.iter().map(|n| n.id.as_str()).collect();
    assert!(graph.edges.iter().all(|e| ids.contains(&e.source.as_str()) && ids.contains(&e.target.as_str())));
}

#[test]
fn a_graph_over_its_limit_names_the_limit() {
    let b = book("b");
    let failure = run(inputs(&b), &Params { max_nodes: 3 }).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Limit);
    assert!(failure.message.contains("max_nodes = 3"));
}
