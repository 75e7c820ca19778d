//! Paged sources: blocks of printed lines → elements.

use super::elements::{Writer, element};
use super::sections;
use crate::document::blocks::assemble::{self, Block, Kind, Pages, text_of_rows};
use crate::document::blocks::furniture::Furniture;
use crate::document::blocks::tables::Row;
use crate::document::element::{Element, ElementMetadata, ElementType, PageBox, PageBreak};
use crate::document::page_text::{PageText, Rect, Visibility};
use crate::document::profile::SourceProfile;
use crate::document::section::PartToc;

/// Writes the elements of `texts`, the pages of a part in order.
pub fn parse(texts: &[&PageText], toc: &PartToc, profile: Option<&SourceProfile>, writer: &mut Writer<'_>) {
    let pages = Pages::read(texts, profile);
    let headings = sections::headings(texts, &pages, toc, profile);
    let metrics = pages.metrics();
    // Pages without text that is seen come before the first block of a later page.
    let mut empty = (1u32..).zip(texts).filter(|(_, t)| !t.has_text()).peekable();
    for block in assemble::blocks(&pages, &headings, &metrics) {
        if let Some(page) = block.places.first().map(|p| p.0) {
            while let Some((at, text)) = empty.next_if(|(at, _)| *at < page) {
                writer.add(empty_page(at, text));
            }
        }
        write(block, &pages, writer);
    }
    for (at, text) in empty {
        writer.add(empty_page(at, text));
    }
}

/// Stands for a page without text that is seen, so that coverage has it.
fn empty_page(page: u32, text: &PageText) -> Element {
    let mut made = element(ElementType::UncategorizedText, String::new());
    made.page = Some(page);
    made.metadata.furniture = Some(if text.needs_ocr() { "needs_ocr" } else { "blank" }.to_owned());
    made
}

fn write(block: Block<'_>, pages: &Pages<'_>, writer: &mut Writer<'_>) {
    if let Kind::Heading(section) | Kind::SectionStart(section) = block.kind {
        writer.enter(section);
    }
    let mut made = placed(&block);
    match block.kind {
        Kind::SectionStart(_) => {}
        Kind::Heading(_) => writer.heading(made),
        Kind::Paragraph => writer.add(made),
        Kind::ListItem(depth) => {
            made.kind = ElementType::ListItem;
            made.metadata.level = Some(depth);
            writer.add(made);
        }
        Kind::Fields { places } => {
            made.kind = ElementType::FormKeysValues;
            made.metadata.line_boxes = places.iter().map(|(page, rect)| vec![page_box(*page, *rect)]).collect();
            writer.add(made);
        }
        Kind::Table { rows, header_rows, .. } => writer.add(table(made, &rows, header_rows)),
        Kind::Furniture(furniture) => {
            made.kind = furniture_type(furniture, &made, pages);
            made.metadata.furniture = Some(furniture.name().to_owned());
            writer.add(made);
        }
        Kind::RepeatedHeader => {
            made.kind = ElementType::UncategorizedText;
            made.metadata.furniture = Some("repeated_header".to_owned());
            writer.add(made);
        }
        Kind::Hidden(visibility) => {
            made.kind = ElementType::UncategorizedText;
            made.metadata.hidden = hidden(visibility).map(str::to_owned);
            writer.add(made);
        }
    }
}

/// The element's text, place and font.
fn placed(block: &Block<'_>) -> Element {
    let boxes: Vec<PageBox> = block.places.iter().map(|(page, rect)| page_box(*page, *rect)).collect();
    let first = boxes.first().copied();
    Element {
        page: first.map(|b| b.page),
        bounds: first,
        metadata: ElementMetadata {
            font: block.font.map(|f| f.name.clone()),
            size: block.font.map(|f| f64::from(f.size) / 100.0),
            sidebar: block.sidebar,
            boxes: if boxes.len() > 1 { boxes } else { Vec::new() },
            page_breaks: block.breaks.iter().map(|(offset, page)| PageBreak { offset: *offset, page: *page }).collect(),
            ..ElementMetadata::default()
        },
        ..element(ElementType::NarrativeText, block.text.clone())
    }
}

fn table(mut made: Element, rows: &[Row], header_rows: usize) -> Element {
    made.kind = ElementType::Table;
    made.text = text_of_rows(rows);
    made.metadata.rows = rows.iter().map(|r| r.cells.clone()).collect();
    made.metadata.header_rows = u32::try_from(header_rows).unwrap_or(0);
    let places = |row: &Row| std::iter::once((row.page, row.rect)).chain(row.rest).map(|(p, r)| page_box(p, r)).collect();
    made.metadata.line_boxes = rows.iter().map(places).collect();
    let mut offset = 0u32;
    let mut page = made.page;
    for row in rows {
        if page.is_some_and(|p| p != row.page) {
            made.metadata.page_breaks.push(PageBreak { offset, page: row.page });
            page = Some(row.page);
        }
        let chars: usize = row.cells.iter().map(|c| c.chars().count() + 3).sum::<usize>().saturating_sub(3) + 1;
        offset = offset.saturating_add(u32::try_from(chars).unwrap_or(u32::MAX));
    }
    made
}

fn furniture_type(furniture: Furniture, made: &Element, pages: &Pages<'_>) -> ElementType {
    let height = made.page.and_then(|p| pages.texts.get(p as usize - 1)).map_or(0.0, |t| f64::from(t.height) / 100.0);
    match furniture {
        Furniture::Folio => ElementType::PageNumber,
        Furniture::RunningHead if made.bounds.is_some_and(|b| b.y * 2.0 < height) => ElementType::Header,
        Furniture::RunningHead => ElementType::Footer,
        Furniture::Contents | Furniture::Index => ElementType::UncategorizedText,
    }
}

fn hidden(visibility: Visibility) -> Option<&'static str> {
    match visibility {
        Visibility::Visible => None,
        Visibility::Invisible => Some("invisible"),
        Visibility::SameAsGround => Some("same_as_ground"),
        Visibility::OffPage => Some("off_page"),
    }
}

fn page_box(page: u32, rect: Rect) -> PageBox {
    let points = |v: i32| f64::from(v) / 100.0;
    PageBox { page, x: points(rect.x), y: points(rect.y), w: points(rect.w), h: points(rect.h) }
}
