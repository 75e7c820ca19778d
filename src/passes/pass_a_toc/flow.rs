//! Contents of an unpaged source (Markdown, text, HTML): its heading blocks, with anchors instead of pages.

use super::sections::{Found, sections};
use super::{Outputs, Params, entries};
use crate::builtin::Item;
use crate::document::flow::{FlowKind, FlowText};
use crate::document::headings::key::clean;
use crate::document::profile::SourceProfile;
use crate::document::section::{Origin, SourceToc};
use crate::document::terms::collect::dictionary;
use crate::document::vocabulary::Vocabulary;

/// Contents, dictionary and profile of an unpaged source. Heading markup is as sure as an outline.
pub(super) fn read(item: &Item, flow: &FlowText, params: &Params, vocabulary: &Vocabulary) -> Outputs {
    let mut open: Vec<u8> = Vec::new();
    let mut found: Vec<Found> = Vec::new();
    for block in &flow.blocks {
        let FlowKind::Heading { level } = block.kind else { continue };
        let title = clean(&block.text);
        if title.is_empty() {
            continue;
        }
        open.truncate(open.iter().position(|l| *l >= level).unwrap_or(open.len()));
        open.push(level);
        found.push(Found {
            title,
            level: u32::try_from(open.len()).unwrap_or(1),
            page: None,
            opens_page: false,
            anchor: Some(block.anchor.clone()),
            origin: Origin::Outline,
            confidence: 0.98,
        });
    }
    let stem = item.path.rsplit('/').next().unwrap_or("");
    let stem = stem.rsplit_once('.').map_or(stem, |(s, _)| s);
    let first = flow.blocks.iter().find(|b| !b.text.trim().is_empty());
    let top = first.filter(|b| b.kind == FlowKind::Heading { level: 1 }).map(|b| clean(&b.text));
    let title = Some(clean(&flow.title)).filter(|t| !t.is_empty()).or(top).unwrap_or_else(|| stem.to_owned());
    let mut notes = flow.notes.clone();
    if found.is_empty() {
        notes.push("no heading was found".to_owned());
    }
    let toc = SourceToc {
        source_id: item.source_id.clone(),
        path: item.path.clone(),
        title,
        page_count: None,
        pages_needing_ocr: 0,
        origin: Origin::Outline,
        confidence: if found.is_empty() { 0.0 } else { 0.98 },
        page_labels: Vec::new(),
        sections: sections(&item.source_id, &found, None),
        notes,
    };
    let profile = SourceProfile { source_id: item.source_id.clone(), ..SourceProfile::default() };
    let dictionary =
        if params.dictionary { dictionary(&item.source_id, &entries::flow(flow, &toc.sections), vocabulary) } else { Vec::new() };
    Outputs { toc, dictionary, profile }
}
