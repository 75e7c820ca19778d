//! Unpaged sources: each block of a flow is an element. Sections are found by their headings, in order.

use super::elements::{Writer, element};
use crate::document::element::ElementType;
use crate::document::flow::{FlowBlock, FlowKind, FlowText};
use crate::document::headings::key::compact;
use crate::document::section::PartToc;

/// Writes the blocks of `text`.
pub fn parse(text: &FlowText, toc: &PartToc, writer: &mut Writer<'_>) {
    let mut next = 0;
    for block in &text.blocks {
        let heading = if let FlowKind::Heading { .. } = block.kind { section_of(block, toc, next) } else { None };
        let mut made = element(kind_of(block.kind), block.text.clone());
        made.metadata.anchor = (!block.anchor.is_empty()).then(|| block.anchor.clone());
        match block.kind {
            FlowKind::ListItem { depth } => made.metadata.level = Some(u32::from(depth)),
            FlowKind::Table { header_rows } => {
                made.metadata.rows.clone_from(&block.rows);
                made.metadata.header_rows = u32::from(header_rows);
            }
            _ => {}
        }
        match heading {
            Some(section) => {
                next = section + 1;
                writer.enter(section);
                writer.heading(made);
            }
            None => writer.add(made),
        }
    }
}

/// The section that begins with `heading`: by anchor, else by title, at or behind `next`.
fn section_of(heading: &FlowBlock, toc: &PartToc, next: usize) -> Option<usize> {
    let title = compact(&heading.text);
    let candidates = || (next..toc.sections.len()).filter(|i| !toc.sections[*i].continued);
    let titled = |i: &usize| toc.sections[*i].path.last().is_some_and(|t| compact(t) == title);
    candidates()
        .find(|i| toc.sections[*i].anchor.as_deref() == Some(heading.anchor.as_str()) && !heading.anchor.is_empty() && titled(i))
        .or_else(|| candidates().find(titled))
}

fn kind_of(kind: FlowKind) -> ElementType {
    match kind {
        FlowKind::Heading { .. } => ElementType::Title,
        FlowKind::Paragraph | FlowKind::Quote => ElementType::NarrativeText,
        FlowKind::ListItem { .. } => ElementType::ListItem,
        FlowKind::Table { .. } => ElementType::Table,
        FlowKind::Code => ElementType::CodeSnippet,
    }
}
