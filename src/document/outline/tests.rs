use lopdf::{Document, Object, ObjectId, dictionary};

use super::{OutlineEntry, read_frame};
use crate::builtin::Limits;

/// A document of `pages` empty pages; `build` gets their ids and returns the catalog's other entries.
fn document(pages: usize, build: impl FnOnce(&mut Document, &[ObjectId]) -> Vec<(&'static str, Object)>) -> Vec<u8> {
    let mut doc = Document::with_version("1.7");
    let tree = doc.new_object_id();
    let ids: Vec<ObjectId> = (0..pages)
        .map(|_| {
            doc.add_object(
                dictionary! { "Type" => "Page", "Parent" => tree, "MediaBox" => vec![0.into(), 0.into(), 9.into(), 9.into()] },
            )
        })
        .collect();
    let kids: Vec<Object> = ids.iter().map(|id| (*id).into()).collect();
    let count = i64::try_from(pages).unwrap();
    doc.objects.insert(tree, dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count }.into());
    let mut catalog = dictionary! { "Type" => "Catalog", "Pages" => tree };
    for (key, value) in build(&mut doc, &ids) {
        catalog.set(key, value);
    }
    let catalog = doc.add_object(catalog);
    doc.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    doc.save_to(&mut bytes).unwrap();
    bytes
}

fn entry(title: &str, level: u32, page: Option<u32>) -> OutlineEntry {
    OutlineEntry { title: title.to_owned(), level, page }
}

#[test]
fn destinations_are_found_by_page_by_name_and_by_action() {
    let bytes = document(4, |doc, pages| {
        let (a, b, c, d) = (doc.new_object_id(), doc.new_object_id(), doc.new_object_id(), doc.new_object_id());
        let to = |page: ObjectId| Object::Array(vec![page.into(), Object::Name(b"Fit".to_vec())]);
        let put = |doc: &mut Document, id, item: lopdf::Dictionary| doc.objects.insert(id, item.into());
        put(doc, a, dictionary! { "Title" => Object::string_literal("One"), "Dest" => to(pages[0]), "First" => b, "Next" => c });
        put(doc, b, dictionary! { "Title" => Object::string_literal("Two"), "Dest" => Object::string_literal("two") });
        let action = dictionary! { "S" => "GoTo", "D" => Object::Name(b"three".to_vec()) };
        put(doc, c, dictionary! { "Title" => Object::string_literal("Three"), "A" => action, "Next" => d });
        put(doc, d, dictionary! { "Title" => Object::string_literal("Four"), "Dest" => vec![3.into()] });
        let leaf = doc.add_object(dictionary! { "Names" => vec![Object::string_literal("two"), to(pages[1])] });
        let names = dictionary! { "Dests" => dictionary! { "Kids" => vec![leaf.into()] } };
        let outlines = doc.add_object(dictionary! { "First" => a });
        let old = dictionary! { "three" => dictionary! { "D" => to(pages[2]) } };
        vec![("Outlines", outlines.into()), ("Names", names.into()), ("Dests", old.into())]
    });
    let frame = read_frame(&bytes, 16, &Limits::default()).unwrap();
    let found = [entry("One", 1, Some(1)), entry("Two", 2, Some(2)), entry("Three", 1, Some(3)), entry("Four", 1, Some(4))];
    assert_eq!(frame.entries, found);
    assert!(frame.notes.is_empty());
}

#[test]
fn cycles_and_dangling_destinations_are_noted_and_survived() {
    let bytes = document(1, |doc, _| {
        let (a, b, gone) = (doc.new_object_id(), doc.new_object_id(), doc.new_object_id());
        doc.objects.insert(a, dictionary! { "Title" => Object::string_literal("A"), "Next" => b, "First" => a }.into());
        let b_item = dictionary! { "Title" => Object::string_literal("B"), "Next" => a, "Dest" => vec![gone.into()] };
        doc.objects.insert(b, b_item.into());
        let outlines = doc.add_object(dictionary! { "First" => a });
        vec![("Outlines", outlines.into())]
    });
    let frame = read_frame(&bytes, 16, &Limits::default()).unwrap();
    assert_eq!(frame.entries, [entry("A", 1, None), entry("B", 1, None)]);
    assert_eq!(frame.notes.len(), 2);
}

#[test]
fn three_hundred_levels_are_kept_as_siblings() {
    let bytes = document(1, |doc, pages| {
        let ids: Vec<ObjectId> = (0..300).map(|_| doc.new_object_id()).collect();
        for (i, id) in ids.iter().enumerate() {
            let mut item = dictionary! { "Title" => Object::string_literal(format!("L{i}")), "Dest" => vec![pages[0].into()] };
            if let Some(next) = ids.get(i + 1) {
                item.set("First", *next);
            }
            doc.objects.insert(*id, item.into());
        }
        let outlines = doc.add_object(dictionary! { "First" => ids[0] });
        vec![("Outlines", outlines.into())]
    });
    let frame = read_frame(&bytes, 16, &Limits::default()).unwrap();
    assert_eq!(read_frame(&bytes, 40, &Limits::default()).unwrap().entries[299].level, 40);
    assert_eq!(frame.entries.len(), 300);
    assert_eq!(frame.entries[299].level, 16);
    assert_eq!(frame.notes, ["outline: 284 entries deeper than 16 levels; kept at level 16 (`max_outline_depth`)"]);
}

#[test]
fn page_labels_follow_their_ranges() {
    let bytes = document(5, |_, _| {
        let front = dictionary! { "S" => "r" };
        let body = dictionary! { "S" => "D", "P" => Object::string_literal("A-"), "St" => 7 };
        let nums = vec![0.into(), front.into(), 3.into(), body.into()];
        vec![("PageLabels", dictionary! { "Nums" => nums }.into())]
    });
    assert_eq!(read_frame(&bytes, 16, &Limits::default()).unwrap().page_labels, ["i", "ii", "iii", "A-7", "A-8"]);
}

#[test]
fn what_is_no_pdf_is_an_error_and_no_panic() {
    assert!(read_frame(b"", 16, &Limits::default()).is_err());
    assert!(read_frame(b"%PDF-1.7\n", 16, &Limits::default()).is_err());
}
