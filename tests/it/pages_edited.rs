//! One page of one book edited, and one inserted: what is redone.

use lopdf::content::Content;
use lopdf::{Document, Object};

use crate::books;
use crate::project::{Built, Project};

const BOOK: &str = "fixtures/uploads/gazetteer-of-the-reach.pdf";

/// The book, opened. It is written by one library before and after, so that the edit is all that differs.
fn opened(p: &Project) -> Document {
    Document::load_mem(&p.bytes(BOOK)).unwrap()
}

fn save(p: &Project, mut book: Document) -> Project {
    let mut bytes = Vec::new();
    book.save_to(&mut bytes).unwrap();
    p.file(BOOK, bytes)
}

fn ran_of<'a>(ran: &'a [String], rule: &str) -> Vec<&'a String> {
    ran.iter().filter(|a| a.split(' ').next() == Some(rule)).collect()
}

/// Asserts that no other book's actions ran, and how many of each rule did.
#[track_caller]
fn assert_small(built: &Built, groups: usize, parts: usize) {
    let ran = built.with_outcome("ran");
    let foreign: Vec<&String> = ran.iter().filter(|a| !a.contains("gazetteer-of-the-reach.pdf")).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert_eq!(ran_of(&ran, "pages").len(), 1, "{ran:?}");
    let texts = ran_of(&ran, "text").len();
    assert!((1..=groups).contains(&texts), "{ran:?}");
    for rule in ["passC_elements", "passC", "passD"] {
        assert!(ran_of(&ran, rule).len() <= parts, "{ran:?}");
    }
}

#[test]
fn one_edited_page_reruns_its_group_and_its_part_only() {
    let p = books::books();
    let mut book = opened(&p);
    save(&p, book.clone()).build(&[]).ok();
    let page = book.get_pages()[&50];
    let mut content = Content::decode(&book.get_page_content(page)).unwrap();
    let shows: Vec<usize> =
        content.operations.iter().enumerate().filter(|(_, o)| matches!(&*o.operator, "Tj" | "TJ")).map(|(i, _)| i).collect();
    content.operations.remove(shows[shows.len() * 2 / 3]);
    book.change_page_content(page, content.encode().unwrap()).unwrap();
    let before = p.artifact("passC_chunks.json");
    let built = save(&p, book).build(&[]);
    built.ok();
    assert_small(&built, 1, 1);
    assert_ne!(p.artifact("passC_chunks.json"), before, "the edit shows");
    p.build(&[]).nothing_to_do();
}

#[test]
fn an_inserted_empty_page_reruns_one_or_two_groups_and_their_parts() {
    let p = books::books();
    let mut book = opened(&p);
    save(&p, book.clone()).build(&[]).ok();
    let page = book.get_pages()[&50];
    let mut empty = book.get_dictionary(page).unwrap().clone();
    let parent = empty.get(b"Parent").unwrap().as_reference().unwrap();
    empty.remove(b"Contents");
    let empty = book.add_object(empty);
    let parent = book.get_dictionary_mut(parent).unwrap();
    let Object::Array(kids) = parent.get_mut(b"Kids").unwrap() else { panic!("no pages") };
    let at = kids.iter().position(|k| k.as_reference().unwrap() == page).unwrap();
    kids.insert(at + 1, empty.into());
    let count = parent.get(b"Count").unwrap().as_i64().unwrap();
    parent.set("Count", count + 1);
    let built = save(&p, book).build(&[]);
    built.ok();
    assert_small(&built, 2, 2);
}
