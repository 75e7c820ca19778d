//! Pass D on chunks of our own.

use serde_json::{Map, Value, json};

use super::*;
use crate::document::chunk::ChunkMetadata;
use crate::document::element::ElementType;
use crate::document::element::PageBox;
use crate::document::ids;
use crate::document::term::Kind;
use crate::document::vocabulary::Vocabulary;

/// A chunk of one page with `text`.
pub(crate) fn chunk(text: &str) -> Chunk {
    Chunk {
        chunk_id: ids::chunk_id("book", "sec", None, text, 0),
        source_id: "book".to_owned(),
        page: Some(1),
        text: text.to_owned(),
        metadata: ChunkMetadata {
            page_start: Some(1),
            page_end: Some(1),
            anchor: None,
            section_id: Some("sec".to_owned()),
            section_path: vec!["Rules".to_owned()],
            part_id: "part".to_owned(),
            element_types: vec![ElementType::NarrativeText],
            boxes: vec![PageBox { page: 1, x: 0.0, y: 0.0, w: 100.0, h: 10.0 }],
            char_count: u32::try_from(text.chars().count()).unwrap(),
            token_count: 1,
        },
    }
}

pub(crate) fn kind(name: &str) -> Kind {
    Kind::new(name).unwrap()
}

pub(crate) fn name(kind: Kind, term: &str) -> TermName {
    TermName { term_id: ids::term_id("book", kind.name(), term), term: term.to_owned(), kind, aliases: Vec::new() }
}

fn enriched(text: &str, names: &[TermName]) -> Enriched {
    run(Inputs { chunks: &[chunk(text)], names, vocabulary: Vocabulary::bundled().unwrap() }, &Params::default())
        .unwrap()
        .enriched
        .remove(0)
}

#[test]
fn chunks_keep_their_order_ids_and_text() {
    let chunks = [chunk("One."), chunk("Two."), chunk("Three.")];
    let out = run(Inputs { chunks: &chunks, names: &[], vocabulary: Vocabulary::bundled().unwrap() }, &Params::default())
        .unwrap()
        .enriched;
    let shown = |id: &str, text: &str| format!("{id} {text}");
    let given: Vec<String> = chunks.iter().map(|c| shown(&c.chunk_id, &c.text)).collect();
    assert_eq!(out.iter().map(|e| shown(&e.chunk_id, &e.text)).collect::<Vec<_>>(), given);
}

#[test]
fn every_surface_is_the_slice_of_its_offsets() {
    let names = [name(kind("creature"), "Dire Wolf"), name(kind("spell"), "Fireball")];
    let e = enriched("É — “Dire wolves” fear Fireball (8d6), DC 15, 30 ft.", &names);
    assert_eq!(e.entities.len(), 5);
    for m in &e.entities {
        let slice: String = e.text.chars().skip(m.start as usize).take((m.end - m.start) as usize).collect();
        assert_eq!(slice, m.surface);
    }
    assert_eq!(e.entities[0].name, "Dire Wolf");
}

#[test]
fn a_name_and_an_expression_do_not_overlap() {
    let names = [name(kind("item"), "Gold Ring"), name(kind("rule"), "Fire Damage")];
    let e = enriched("He has 10 gold rings. It deals 8d6 fire damage.", &names);
    let shown: Vec<&str> = e.entities.iter().map(|m| m.surface.as_str()).collect();
    assert_eq!(shown, ["gold rings", "8d6 fire damage"]);
}

#[test]
fn a_name_that_begins_with_see_is_no_reference() {
    let e = enriched("You know it. See Invisibility shows the rest.", &[name(kind("spell"), "See Invisibility")]);
    assert_eq!((e.entities.len(), e.references.len()), (1, 0));
}

#[test]
fn no_dictionary_is_no_failure() {
    let e = enriched("Roll 2d6+3 (see page 4).", &[]);
    assert_eq!((e.entities.len(), e.references.len(), e.entities[0].term_id.as_ref()), (1, 1, None));
}

#[test]
fn the_built_in_reads_and_writes_bytes() {
    let file = |name: &str, bytes: Vec<u8>| {
        let named = crate::builtin::InputFile::new(format!("{name}.json"), std::sync::Arc::<[u8]>::from(bytes));
        (name.to_owned(), crate::builtin::Input::File(named))
    };
    let inputs = crate::builtin::Inputs(vec![file("chunks", serde_json::to_vec(&[chunk("A bog.")]).unwrap())]);
    let out =
        (BUILTIN.run)(&Item::default(), &inputs, &(BUILTIN.default_params)(&Map::new()), &crate::builtin::Limits::default())
            .unwrap();
    let [("enriched", Output::Array { json: bytes, .. })] = &out[..] else { panic!("one array") };
    assert_eq!(serde_json::from_slice::<Vec<Enriched>>(bytes).unwrap().len(), 1);
}

#[test]
fn a_chunk_without_text_is_named_with_its_place() {
    let bytes = br#"[{"chunk_id":"c","source_id":"s","page":1,"content":"x"}]"#.to_vec();
    let named = crate::builtin::InputFile::new("chunks.json", std::sync::Arc::<[u8]>::from(bytes));
    let inputs = crate::builtin::Inputs(vec![("chunks".to_owned(), crate::builtin::Input::File(named))]);
    let failure =
        (BUILTIN.run)(&Item::default(), &inputs, &(BUILTIN.default_params)(&Map::new()), &crate::builtin::Limits::default())
            .unwrap_err();
    assert_eq!(failure.kind, FailureKind::BadArtifact);
    assert!(failure.message.contains("`chunks`") && failure.message.contains("content"), "{}", failure.message);
}

#[test]
fn params_name_the_key_that_is_wrong() {
    let bad = |params: Value| (BUILTIN.check_params)(&params).unwrap_err().0;
    assert!((BUILTIN.check_params)(&(BUILTIN.default_params)(&Map::new())).is_ok());
    assert_eq!(bad(json!({"max_keywords": 9, "min_language_letters": 40})), "max_keywords");
    assert_eq!(bad(json!({"max_keyword": 8})), "max_keyword");
    assert_eq!(bad(json!({"max_keywords": "many"})), "max_keywords");
}
