//! Page grouping: groups follow each other, cover the book, are the same twice, say what the book says, and an edited or inserted
//! page changes none that ends before it. Bytes of a PDF as they come (`%` first) are taken or refused.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use ingest::builtin::{Limits, NamedBytes};
use ingest::document::page_text::TextUnit;
use ingest::document::part::Placement;
use ingest::passes::{pages, text};

use crate::book::{Draw, book, content};

#[derive(Arbitrary, Debug)]
struct Case {
    pages: Vec<Vec<Draw>>,
    times: u8,
    at: u8,
    page: Vec<Draw>,
    inserted: bool,
}

pub fn run(data: &[u8]) {
    crate::guarded(|| {
        if data.starts_with(b"%") {
            let bytes: Arc<[u8]> = data.into();
            if let Ok(groups) = grouped(&bytes) {
                let total: u32 = groups.iter().filter_map(|g| Placement::from_attrs(&g.attrs).page_count).sum();
                check(&groups, total as usize);
            }
            return;
        }
        let mut u = Unstructured::new(data);
        let Ok(case) = Case::arbitrary(&mut u) else { return };
        structured(&case);
    });
}

fn structured(case: &Case) {
    let mut contents: Vec<Vec<u8>> = case.pages.iter().take(24).map(|p| content(p)).collect();
    if contents.is_empty() {
        return;
    }
    // Long books of few contents.
    for n in 0..usize::from(case.times % 40) {
        contents.push([&contents[n % contents.len()][..], format!("% {}", n % 7).as_bytes()].concat());
    }
    let bytes: Arc<[u8]> = book(&contents, |_, _, _| {}).into();
    let groups = grouped(&bytes).unwrap_or_else(|e| panic!("a book of ours: {e}"));
    check(&groups, contents.len());
    says_the_same(&bytes, &groups);
    let at = usize::from(case.at) % contents.len();
    if case.inserted {
        contents.insert(at, content(&case.page));
    } else {
        contents[at] = content(&case.page);
    }
    let edited = grouped(&book(&contents, |_, _, _| {}).into()).unwrap_or_else(|e| panic!("a book of ours: {e}"));
    check(&edited, contents.len());
    let mut end = 0;
    for (before, after) in groups.iter().zip(&edited) {
        end += Placement::from_attrs(&before.attrs).page_count.unwrap_or(0) as usize;
        if end >= at {
            break;
        }
        assert_eq!(
            (&before.name, &before.bytes),
            (&after.name, &after.bytes),
            "a group that ends on page {end} has changed by page {at}"
        );
    }
}

fn grouped(bytes: &Arc<[u8]>) -> Result<Vec<NamedBytes>, ingest::builtin::Failure> {
    let source = pages::Source { name: "book.pdf", bytes };
    let groups = pages::run(source, &pages::Params {}, &Limits::default());
    assert!(groups == pages::run(source, &pages::Params {}, &Limits::default()), "grouped otherwise the second time");
    groups
}

fn check(groups: &[NamedBytes], total: usize) {
    let (mut next, mut names) = (1, Vec::new());
    for (i, group) in groups.iter().enumerate() {
        let placement = Placement::from_attrs(&group.attrs);
        assert_eq!(placement.page_start, Some(next), "groups follow each other");
        let count = placement.page_count.unwrap_or(0);
        assert!(count <= 16 && (count >= 4 || i + 1 == groups.len()), "a group of {count} pages");
        next += count;
        names.push(&group.name);
        let again = grouped_pages(&group.bytes);
        assert_eq!(again, Some(count as usize), "a group opens, with its pages");
    }
    assert_eq!(next as usize, total + 1, "groups cover the book");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), groups.len(), "two groups of one name");
}

fn grouped_pages(bytes: &Arc<[u8]>) -> Option<usize> {
    ingest::document::pdf::Book::open(bytes, &Limits::default()).ok().map(|b| b.page_count())
}

/// What the pages of the groups print is what the pages of the book print.
fn says_the_same(bytes: &Arc<[u8]>, groups: &[NamedBytes]) {
    let read =
        |bytes: &Arc<[u8]>| text::run(text::Group { name: "book.pdf", bytes }, &text::Params::default(), &Limits::default());
    let Ok(whole) = read(bytes) else { return };
    let parts: Vec<TextUnit> = groups.iter().filter_map(|g| read(&g.bytes).ok()).flatten().collect();
    assert_eq!(whole.len(), parts.len(), "as many pages");
    for (n, (whole, part)) in whole.iter().zip(&parts).enumerate() {
        let (TextUnit::Page(whole), TextUnit::Page(part)) = (whole, part) else { panic!("a PDF has pages") };
        // A page that cannot be read says which one it is, counted in its own file.
        if whole.notes.is_empty() && part.notes.is_empty() {
            assert_eq!(whole, part, "page {}", n + 1);
        }
    }
}
