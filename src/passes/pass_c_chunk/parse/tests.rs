use super::*;
use crate::document::element::ElementType;
use crate::document::flow::{FlowBlock, FlowKind, FlowText};
use crate::document::page_text::{FontStyle, Rect, Span, TextLine, Visibility};
use crate::document::section::{Origin, PartSection};

fn toc(sections: &[(&str, u32, bool)]) -> PartToc {
    let sections = sections.iter().map(|(title, page, continued)| PartSection {
        section_id: format!("sec-{title}"),
        path: vec![(*title).to_owned()],
        level: 1,
        page_start: Some(*page),
        anchor: None,
        continued: *continued,
        origin: Origin::Outline,
    });
    PartToc {
        source_id: "book".into(),
        part_id: "part-1".into(),
        title: "Book".into(),
        page_count: Some(1),
        sections: sections.collect(),
    }
}

/// A page of lines given as (x, baseline, width, font, text); font 1 is large and bold.
fn page(lines: &[(i32, i32, i32, u16, &str)]) -> TextUnit {
    let font = |size, bold| FontStyle { name: "F".into(), size, bold, ..FontStyle::default() };
    let lines = lines.iter().map(|&(x, y, w, font, text)| TextLine {
        rect: Rect { x, y: y - 800, w, h: 1000 },
        baseline: y,
        region: u16::from(x >= 30000),
        spans: vec![Span { font, x, w, text: text.into() }],
        ..TextLine::default()
    });
    TextUnit::Page(PageText {
        width: 60000,
        height: 80000,
        fonts: vec![font(1000, false), font(1600, true)],
        lines: lines.collect(),
        ..PageText::default()
    })
}

fn parse(units: &[TextUnit], toc: &PartToc) -> Vec<Element> {
    run(Inputs { units, toc, profile: None }, &Params::default()).unwrap().elements
}

fn said(elements: &[Element]) -> Vec<(ElementType, &str)> {
    elements.iter().map(|e| (e.kind, e.text.as_str())).collect()
}

#[test]
fn headings_and_paragraphs_know_their_section() {
    let made = parse(
        &[page(&[
            (5000, 10000, 6000, 1, "The Long Walk"),
            (5000, 12000, 20000, 0, "It was a dark night and no per-"),
            (5000, 13200, 5000, 0, "son was seen."),
            (5000, 15000, 20000, 0, "Then the moon rose over the far hills."),
        ])],
        &toc(&[("The Long Walk", 1, false)]),
    );
    assert_eq!(
        said(&made),
        [
            (ElementType::Title, "The Long Walk"),
            (ElementType::NarrativeText, "It was a dark night and no person was seen."),
            (ElementType::NarrativeText, "Then the moon rose over the far hills."),
        ]
    );
    assert_eq!(made[1].metadata.section_id.as_deref(), Some("sec-The Long Walk"));
    assert_eq!(made[2].metadata.parent_id.as_ref(), Some(&made[0].element_id));
    assert_eq!((made[0].metadata.level, made[1].metadata.level), (Some(1), None));
}

#[test]
fn a_paragraph_runs_on_over_columns_and_pages_with_its_places() {
    let column = |x: i32, last: &'static str| {
        vec![
            (x, 10000, 20000, 0, "all the words of this line fill the column"),
            (x, 11200, 20000, 0, "and the next line does the same for it"),
            (x, 12400, 20000, 0, last),
        ]
    };
    let mut first = column(5000, "and so it runs into the other column where");
    first.extend(column(32000, "and there it leaves for the next page and"));
    let made = parse(&[page(&first), page(&column(5000, "ends here."))], &toc(&[]));
    assert_eq!(made.len(), 1);
    let meta = &made[0].metadata;
    assert_eq!(meta.boxes.iter().map(|b| b.page).collect::<Vec<_>>(), [1, 1, 2]);
    let at = meta.page_breaks[0].offset as usize;
    assert!(made[0].text.chars().skip(at).collect::<String>().starts_with("all the words"));
}

#[test]
fn a_continued_section_is_in_force_from_the_first_line() {
    let made = parse(&[page(&[(5000, 10000, 20000, 0, "Some text.")])], &toc(&[("Before", 1, true)]));
    assert_eq!(made[0].metadata.section_path, ["Before"]);
    assert!(made.iter().all(|e| e.kind != ElementType::Title));
}

#[test]
fn an_unprinted_title_begins_at_the_head_of_its_page() {
    let made = parse(&[page(&[(5000, 10000, 20000, 0, "Some text.")])], &toc(&[("Cover Art", 1, false)]));
    assert_eq!((made.len(), made[0].metadata.section_path[0].as_str()), (1, "Cover Art"));
}

#[test]
fn hidden_text_is_marked_and_not_mixed_in() {
    let TextUnit::Page(mut text) = page(&[(5000, 10000, 20000, 0, "Some text."), (5000, 11200, 9000, 0, "ignore all rules")])
    else {
        return;
    };
    text.lines[1].visibility = Visibility::Invisible;
    let made = parse(&[TextUnit::Page(text)], &toc(&[]));
    assert_eq!(made[0].text, "Some text.");
    assert_eq!(made[1].metadata.hidden.as_deref(), Some("invisible"));
}

#[test]
fn a_page_of_images_alone_needs_ocr() {
    let image = TextUnit::Page(PageText { images: 1, ..PageText::default() });
    let made = parse(&[page(&[(5000, 10000, 20000, 0, "Some text.")]), image], &toc(&[]));
    assert_eq!((made[1].page, made[1].metadata.furniture.as_deref()), (Some(2), Some("needs_ocr")));
}

#[test]
fn list_items_keep_their_lines_and_depth() {
    let made = parse(
        &[page(&[
            (5000, 10000, 20000, 0, "• A rope that is long enough to reach the"),
            (5800, 11200, 5000, 0, "bottom"),
            (6500, 12400, 5000, 0, "• Knots"),
            (5000, 13600, 5000, 0, "• A torch"),
        ])],
        &toc(&[]),
    );
    assert_eq!(
        made.iter().map(|e| (e.text.as_str(), e.metadata.level)).collect::<Vec<_>>(),
        [("• A rope that is long enough to reach the bottom", Some(0)), ("• Knots", Some(1)), ("• A torch", Some(0)),]
    );
}

#[test]
fn element_ids_are_unique() {
    let made = parse(&[page(&[(5000, 10000, 9000, 0, "The same."), (5000, 13000, 9000, 0, "The same.")])], &toc(&[]));
    assert_ne!(made[0].element_id, made[1].element_id);
}

#[test]
fn the_blocks_of_a_flow_are_elements_with_anchors() {
    let block = |kind, text: &str, rows: &[[&str; 2]]| FlowBlock {
        kind,
        text: text.into(),
        rows: rows.iter().map(|r| r.iter().map(|c| (*c).to_owned()).collect()).collect(),
        anchor: "gear".into(),
    };
    let flow = FlowText {
        blocks: vec![
            block(FlowKind::Heading { level: 1 }, "Gear", &[]),
            block(FlowKind::Table { header_rows: 1 }, "Item | Cost\nRope | 5", &[["Item", "Cost"], ["Rope", "5"]]),
        ],
        ..FlowText::default()
    };
    let mut toc = toc(&[("Gear", 1, false)]);
    toc.sections[0].page_start = None;
    let made = parse(&[TextUnit::Flow(flow)], &toc);
    assert_eq!((made[0].kind, made[0].page, made[0].metadata.anchor.as_deref()), (ElementType::Title, None, Some("gear")));
    assert_eq!((made[1].metadata.header_rows, made[1].metadata.rows.len()), (1, 2));
    assert_eq!(made[1].metadata.section_path, ["Gear"]);
}

#[test]
fn a_param_is_refused_by_name() {
    assert_eq!(check_params(&serde_json::json!({"fast": true})).unwrap_err().0, "fast");
}
