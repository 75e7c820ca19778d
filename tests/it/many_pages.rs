//! A book of many pages that is made here: its parts, and what an edited and an inserted page leave in the cache.

use std::process::Command;

use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, ObjectId, Stream, dictionary};

use crate::books;
use crate::project::{Built, Project, repository};

const PAGES: usize = 320;
const PAGES_OF_A_CHAPTER: usize = 10;
const LINES: usize = 8;
const BOOK: &str = "uploads/big.pdf";

/// Words that are the same in every run, and differ from line to line.
fn words(seed: usize) -> String {
    const SYLLABLES: [&str; 16] =
        ["ka", "lor", "mi", "ten", "sa", "ru", "vel", "do", "pin", "ga", "sho", "ber", "nu", "fal", "wi", "ter"];
    let mut state = seed as u64 * 2_654_435_761 + 12_345;
    let mut next = move |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let word = |next: &mut dyn FnMut(usize) -> usize| -> String { (0..2 + next(2)).map(|_| SYLLABLES[next(16)]).collect() };
    (0..8).map(|_| word(&mut next)).collect::<Vec<_>>().join(" ")
}

/// The content of a page: a heading where a chapter begins, and a paragraph.
fn content(number: usize) -> Vec<u8> {
    let mut operations = Vec::new();
    let mut put = |font: &str, size: i64, y: i64, text: &str| {
        operations.push(Operation::new("BT", vec![]));
        operations.push(Operation::new("Tf", vec![font.into(), size.into()]));
        operations.push(Operation::new("Td", vec![72.into(), y.into()]));
        operations.push(Operation::new("Tj", vec![Object::string_literal(text)]));
        operations.push(Operation::new("ET", vec![]));
    };
    if number.is_multiple_of(PAGES_OF_A_CHAPTER) {
        put("F2", 24, 730, &format!("The {} road", words(number + 7_000).split(' ').next().unwrap()));
    }
    for line in 0..LINES {
        let end = if line + 1 == LINES { "." } else { "" };
        put("F1", 11, 690 - 14 * i64::try_from(line).unwrap(), &format!("{}{end}", words(number * LINES + line)));
    }
    Content { operations }.encode().unwrap()
}

/// The book, and its page tree.
fn book() -> (Document, ObjectId) {
    let mut book = Document::with_version("1.5");
    let tree = book.new_object_id();
    let fonts = ["Times-Roman", "Times-Bold"]
        .map(|name| book.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => name }));
    let resources = book.add_object(dictionary! { "Font" => dictionary! { "F1" => fonts[0], "F2" => fonts[1] } });
    let kids: Vec<Object> = (0..PAGES).map(|n| page(&mut book, tree, resources, content(n)).into()).collect();
    let count = i64::try_from(PAGES).unwrap();
    let sheet = vec![0.into(), 0.into(), 612.into(), 792.into()];
    let tree_of_pages = dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count, "MediaBox" => sheet,
    "Resources" => resources };
    book.objects.insert(tree, tree_of_pages.into());
    let catalog = book.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    book.trailer.set("Root", catalog);
    (book, tree)
}

fn page(book: &mut Document, tree: ObjectId, resources: ObjectId, content: Vec<u8>) -> ObjectId {
    let content = book.add_object(Stream::new(dictionary! {}, content));
    book.add_object(dictionary! { "Type" => "Page", "Parent" => tree, "Resources" => resources, "Contents" => content })
}

fn project() -> Project {
    let ingestfile = std::fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
    Project::of_passes(&ingestfile).edit("Ingestfile.toml", "fixtures/uploads", "uploads")
}

fn save(p: &Project, book: &Document) -> Project {
    let mut bytes = Vec::new();
    book.clone().save_to(&mut bytes).unwrap();
    p.file(BOOK, bytes)
}

fn ran(built: &Built, rule: &str) -> usize {
    built.with_outcome("ran").iter().filter(|a| a.split(' ').next() == Some(rule)).count()
}

/// Asserts that at most a fifth of the actions of each rule that reads pages or parts ran again.
#[track_caller]
fn assert_mostly_cached(from_scratch: &Built, again: &Built) {
    for rule in ["text", "passC_elements", "passC", "passD"] {
        let (all, redone) = (ran(from_scratch, rule), ran(again, rule));
        assert!(all >= 8, "{rule}: {all} actions tell too little");
        assert!(redone >= 1, "{rule}: the change shows");
        assert!(redone * 5 <= all, "{rule}: {redone} of {all} ran again");
    }
}

#[test]
fn an_edited_and_an_inserted_page_of_a_book_of_many_leave_four_actions_of_five_in_the_cache() {
    let (mut book, tree) = book();
    let p = project();
    let from_scratch = save(&p, &book).build(&[]);
    from_scratch.ok();

    let pages = book.get_pages();
    book.change_page_content(pages[&163], content(PAGES + 5)).unwrap();
    let edited = save(&p, &book).build(&[]);
    edited.ok();
    assert_mostly_cached(&from_scratch, &edited);
    let first_words = words((PAGES + 5) * LINES);
    assert!(p.artifact("passF_clean.json").contains(&first_words), "the edit shows");

    let resources = book.get_dictionary(tree).unwrap().get(b"Resources").unwrap().as_reference().unwrap();
    let inserted = page(&mut book, tree, resources, content(PAGES + 6));
    let pages = book.get_dictionary_mut(tree).unwrap();
    let Object::Array(kids) = pages.get_mut(b"Kids").unwrap() else { panic!("no pages") };
    kids.insert(94, inserted.into());
    pages.set("Count", i64::try_from(PAGES + 1).unwrap());
    let built = save(&p, &book).build(&[]);
    built.ok();
    assert_mostly_cached(&from_scratch, &built);
    let chunks = p.json("passC_chunks.json");
    let of_inserted = words((PAGES + 6) * LINES);
    let is_on = |text: &str, page: u64| {
        let holds = chunks.as_array().unwrap().iter().find(|c| c["text"].as_str().unwrap().contains(text));
        let place = &holds.unwrap_or_else(|| panic!("no chunk holds `{text}`"))["metadata"];
        let (first, last) = (place["page_start"].as_u64().unwrap(), place["page_end"].as_u64().unwrap());
        assert!((first..=last).contains(&page), "`{text}` is on page {page}, not on {first} to {last}");
    };
    is_on(&of_inserted, 95);
    // Pages behind it are counted on.
    is_on(&words(200 * LINES), 202);
}

/// Whether `tool` can be started; says it where not, and fails where `INGEST_READERS=required` promises that it is there.
fn is_there(tool: &str) -> bool {
    let there = Command::new(tool).arg("--version").output().is_ok();
    if !there {
        let required = std::env::var_os("INGEST_READERS").is_some_and(|v| v == "required");
        assert!(!required, "`{tool}` is not installed, and INGEST_READERS=required says that it is");
        let words = format!("NOT TESTED: `{tool}` is not installed, so that no part was read with it\n");
        // Straight to stderr, which the harness does not catch.
        std::io::Write::write_all(&mut std::io::stderr(), words.as_bytes()).unwrap();
    }
    there
}

/// The words that `pdftotext` finds on pages `first` to `last`.
fn words_of(path: &std::path::Path, first: u64, last: u64) -> Vec<String> {
    let range = ["-f".to_owned(), first.to_string(), "-l".to_owned(), last.to_string()];
    let read = Command::new("pdftotext").args(range).arg(path).arg("-").output().unwrap();
    assert!(read.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&read.stderr));
    assert_eq!(String::from_utf8_lossy(&read.stderr), "", "{}", path.display());
    String::from_utf8(read.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

#[test]
fn other_programs_read_every_part_and_find_the_text_of_the_source() {
    let (qpdf, pdftotext) = (is_there("qpdf"), is_there("pdftotext"));
    if !qpdf && !pdftotext {
        return;
    }
    // Small parts of the sample books, which have outlines, several fonts, links and pictures, and parts of a big one.
    let p = books::books().edit("Ingestfile.toml", "max_part_pages = 40", "max_part_pages = 5");
    let (big, _) = book();
    let mut bytes = Vec::new();
    big.clone().save_to(&mut bytes).unwrap();
    p.file("fixtures/uploads/big.pdf", bytes).build(&["passB"]).ok();
    let mut read = 0;
    for source in p.json("passB_splits.json").as_array().unwrap() {
        let name = source["source_id"].as_str().unwrap();
        let mut expected_start = 1;
        for part in source["parts"].as_array().unwrap().iter().filter(|_| name.ends_with(".pdf")) {
            let path = p.path(&p.published(part["path"].as_str().unwrap()));
            let (start, end) = (part["page_start"].as_u64().unwrap(), part["page_end"].as_u64().unwrap());
            assert_eq!(start, expected_start, "{name}: contiguous and disjoint");
            expected_start = end + 1;
            if qpdf {
                let checked = Command::new("qpdf").arg("--check").arg(&path).output().unwrap();
                let said = String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
                assert!(checked.status.success(), "{name}, pages {start} to {end}: {said}");
            }
            if pdftotext {
                let source = p.path("fixtures/uploads").join(name);
                assert_eq!(words_of(&path, 1, end - start + 1), words_of(&source, start, end), "{name}, pages {start} to {end}");
            }
            read += 1;
        }
    }
    assert!(read > 64, "{read} parts");
}
