use super::*;
use crate::document::page_text::{FontStyle, PageText, Rect, Span, TextLine};

const BODY: u16 = 0;
const H1: u16 = 1;
const H2: u16 = 2;

/// A page of lines (font, text), 30 pt above a heading, 12 pt between lines of text; `first` is the baseline of the first.
fn page(lines: &[(u16, &str)]) -> PageText {
    let font = |size, bold| FontStyle { name: "F".into(), size, bold, ..FontStyle::default() };
    let mut y = 10_000;
    let lines = lines.iter().map(|&(font, text)| {
        y += if font == BODY { 1200 } else { 3000 };
        let rect = Rect { x: 5000, y: y - 900, w: 20_000, h: 1200 };
        TextLine { rect, baseline: y, spans: vec![Span { font, x: 5000, w: 20_000, text: text.into() }], ..TextLine::default() }
    });
    let lines = lines.collect();
    PageText {
        width: 60_000,
        height: 80_000,
        fonts: vec![font(1000, false), font(2000, true), font(1400, true)],
        lines,
        ..PageText::default()
    }
}

/// Headings, each over nine lines of text that differ from page to page.
fn chapter(number: usize, headings: &[(u16, &str)]) -> PageText {
    let texts: Vec<String> =
        (0..9).map(|i| format!("running text {} of page {}", "abcdefghi".chars().nth(i).unwrap(), "z".repeat(number))).collect();
    let mut lines = Vec::new();
    for heading in headings {
        lines.push(*heading);
        lines.extend(texts.iter().map(|t| (BODY, t.as_str())));
    }
    page(&lines)
}

fn entry(title: &str, level: u32, page: u32) -> OutlineEntry {
    OutlineEntry { title: title.into(), level, page: Some(page) }
}

fn find(pages: &[PageText], outline: &[OutlineEntry]) -> BookHeadings {
    let book = BookLines::read(&pages.iter().collect::<Vec<_>>());
    find_headings(&book, outline, Vocabulary::bundled().unwrap())
}

fn told(found: &BookHeadings) -> Vec<(&str, u32, u32, Origin)> {
    found.headings.iter().map(|h| (h.title.as_str(), h.level, h.page, h.origin)).collect()
}

#[test]
fn type_adds_what_the_outline_leaves_out() {
    let pages = [chapter(1, &[(H1, "Combat"), (H2, "Rounds"), (H2, "Turns")]), chapter(2, &[(H1, "Magic"), (H2, "Wards")])];
    let outline = [entry("Combat", 1, 1), entry("Magic", 1, 2)];
    let found = find(&pages, &outline);
    let (o, t) = (Origin::Outline, Origin::Type);
    let wanted = [("Combat", 1, 1, o), ("Rounds", 2, 1, t), ("Turns", 2, 1, t), ("Magic", 1, 2, o), ("Wards", 2, 2, t)];
    assert_eq!(told(&found), wanted);
    assert!(found.notes.is_empty());
}

#[test]
fn an_entry_moves_to_the_neighbouring_page_that_prints_it() {
    let pages = [chapter(1, &[(H1, "Combat")]), chapter(2, &[(H1, "Magic")]), chapter(3, &[(H1, "Gear")])];
    let found = find(&pages, &[entry("Combat", 1, 1), entry("Magic", 1, 1), entry("Gear", 1, 3)]);
    assert_eq!(found.headings[1].page, 2);
    assert_eq!(found.notes, ["outline: 1 entries were moved to the page that prints them"]);
}

#[test]
fn an_outline_whose_titles_are_nowhere_gives_way_to_type() {
    let pages = [chapter(1, &[(H1, "Combat"), (H2, "Rounds")]), chapter(2, &[(H1, "Magic"), (H2, "Wards")])];
    let found = find(&pages, &[entry("layout1.indd", 1, 1), entry("layout2.indd", 1, 2)]);
    assert_eq!(found.origin, Origin::Type);
    assert_eq!(found.headings.iter().map(|h| h.title.as_str()).collect::<Vec<_>>(), ["Combat", "Rounds", "Magic", "Wards"]);
    assert_eq!(found.notes.len(), 1);
}

#[test]
fn the_cover_is_no_section_and_its_title_in_the_body_is_one() {
    let cover = page(&[(H1, "The Vale"), (BODY, "by a hand")]);
    let pages = [cover, chapter(2, &[(H1, "The Vale"), (H2, "Inns")]), chapter(3, &[(H1, "The Hills"), (H2, "Caves")])];
    let found = find(&pages, &[]);
    let pages_of: Vec<_> = found.headings.iter().map(|h| (h.title.as_str(), h.page)).collect();
    assert_eq!(pages_of, [("The Vale", 2), ("Inns", 2), ("The Hills", 3), ("Caves", 3)]);
}

#[test]
fn a_contents_page_confirms_headings_and_is_no_text() {
    let lines = ["Combat . . . . . . 2", "Rounds . . . . . . 2", "Magic . . . . . . . 3", "Wards . . . . . . . 3"];
    let mut listed = vec![(H1, "Contents")];
    listed.extend(lines.iter().map(|l| (BODY, *l)));
    let pages = [page(&listed), chapter(2, &[(H1, "Combat"), (H2, "Rounds")]), chapter(3, &[(H1, "Magic"), (H2, "Wards")])];
    let found = find(&pages, &[]);
    let c = Origin::ContentsPage;
    assert_eq!(told(&found), [("Combat", 1, 2, c), ("Rounds", 2, 2, c), ("Magic", 1, 3, c), ("Wards", 2, 3, c)]);
    assert_eq!(found.origin, Origin::ContentsPage);
    assert!(found.listings.contents_pages.contains(&0));
}

#[test]
fn behind_a_hole_in_the_outline_headings_of_one_style_are_siblings() {
    let pages = [chapter(1, &[(H1, "Cast"), (H2, "Anna"), (H2, "Bert"), (H2, "Carl")])];
    let outline = [entry("Cast", 1, 1), entry("Anna", 2, 1), entry("Bert", 3, 1), entry("Carl", 3, 1)];
    let levels: Vec<_> = find(&pages, &outline).headings.iter().map(|h| h.level).collect();
    assert_eq!(levels, [1, 2, 2, 2]);
}

#[test]
fn an_outline_that_nothing_confirms_is_kept_where_type_shows_nothing() {
    let pages = [page(&[(BODY, "one line of text")]), page(&[(BODY, "another line of it")])];
    let found = find(&pages, &[entry("First", 1, 1), entry("Second", 1, 2)]);
    assert_eq!(told(&found), [("First", 1, 1, Origin::Outline), ("Second", 1, 2, Origin::Outline)]);
    assert!(found.headings.iter().all(|h| h.confidence < 0.5));
}

#[test]
fn a_bold_cell_with_another_beside_it_is_no_heading() {
    let text = "running text in the usual type of the book";
    let names = ["Combat", "Magic", "Rounds", "Wards", "Gear"];
    let bold: u16 = 3;
    let with_cell = |beside: bool| -> Vec<String> {
        let pages = names.map(|name| {
            let mut page = page(&[(H1, name), (BODY, text), (bold, "Rope"), (BODY, text), (BODY, text)]);
            page.fonts.push(FontStyle { name: "F".into(), size: 1000, bold: true, ..FontStyle::default() });
            page.lines[2].rect.w = 2000;
            page.lines[2].spans[0].w = 2000;
            if beside {
                let mut cell = page.lines[2].clone();
                cell.rect = Rect { x: 20_000, y: cell.rect.y - 700, w: 3000, h: 1200 };
                cell.baseline -= 700;
                (cell.spans[0].x, cell.spans[0].w, cell.spans[0].font) = (20_000, 3000, BODY);
                cell.spans[0].text = "of hemp".into();
                page.lines.insert(2, cell);
            }
            page
        });
        find(&pages, &[]).headings.into_iter().map(|h| h.title).collect()
    };
    assert!(with_cell(false).contains(&"Rope".to_owned()));
    assert_eq!(with_cell(true), names);
}
