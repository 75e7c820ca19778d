//! Pass A of an imported file, built-in `import_toc`: its titles as contents, and the dictionary that they make.

use std::collections::BTreeMap;

use serde_json::Value;

use super::format;
use super::places::Places;
use crate::builtin::{Builtin, Failure, Inputs, Item, Limits, Merge, Output, OutputPort, Project, Projection};
use crate::document::element::ElementType;
use crate::document::headings::key::clean;
use crate::document::imported::{Imported, Piece};
use crate::document::section::{Origin, Section, SourceToc};
use crate::document::term::Term;
use crate::document::terms::collect::{Entry, dictionary};
use crate::document::terms::shape::EntryLine;
use crate::document::vocabulary::Vocabulary;
use crate::passes::pass_a_toc::projections;
use crate::passes::pass_a_toc::sections::{Found, sections};
use crate::passes::{artifact, vocabulary};

/// A title that another program found is as sure as what type tells.
const CONFIDENCE: f64 = 0.9;
/// What an entry says of itself stands at its head, as for `toc`.
const MAX_LINES: usize = 60;

/// Contents and dictionary of a file. Pure.
#[must_use]
pub fn run(item: &Item, imported: &Imported, vocabulary: &Vocabulary) -> (SourceToc, Vec<Term>) {
    let heading = |piece: &Piece| match piece {
        Piece::Heading { level, title, page, opens_page } => Some(Found {
            title: title.clone(),
            level: *level,
            page: *page,
            opens_page: *opens_page,
            anchor: None,
            origin: Origin::Outline,
            confidence: CONFIDENCE,
        }),
        _ => None,
    };
    let found: Vec<Found> = imported.pieces.iter().filter_map(heading).collect();
    let sections = sections(&item.source_id, &found, imported.page_count);
    let mut notes = vec![format!("imported from a file of {}", imported.format.name())];
    notes.extend(imported.notes.iter().cloned());
    if found.is_empty() {
        notes.push("no heading was found".to_owned());
    }
    let terms = dictionary(&item.source_id, &entries(imported, &sections), vocabulary);
    let toc = SourceToc {
        source_id: item.source_id.clone(),
        path: item.path.clone(),
        title: title(item, imported),
        page_count: imported.page_count,
        pages_needing_ocr: 0,
        origin: Origin::Outline,
        confidence: if found.is_empty() { 0.0 } else { CONFIDENCE },
        page_labels: Vec::new(),
        sections,
        notes,
    };
    (toc, terms)
}

/// As its metadata say, else its file name before the first dot.
fn title(item: &Item, imported: &Imported) -> String {
    let told = clean(&imported.title);
    let name = item.path.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or(name);
    if told.is_empty() { stem.to_owned() } else { told }
}

/// Sections with the lines that stand under them.
fn entries(imported: &Imported, sections: &[Section]) -> Vec<Entry> {
    let known: BTreeMap<&str, usize> = sections.iter().enumerate().map(|(at, s)| (s.section_id.as_str(), at)).collect();
    let entry = |s: &Section| Entry {
        section_id: s.section_id.clone(),
        title: s.title.clone(),
        page: s.page_start,
        parent: s.parent_id.as_ref().and_then(|id| known.get(id.as_str()).copied()),
        ..Entry::default()
    };
    let mut entries: Vec<Entry> = sections.iter().map(entry).collect();
    let mut places = Places::default();
    for piece in &imported.pieces {
        places.pass(piece);
        let Piece::Text(text) = piece else { continue };
        if text.is_heading || text.furniture.is_some() || text.hidden.is_some() {
            continue;
        }
        let Some(entry) = places.section().and_then(|section| entries.get_mut(section)) else { continue };
        // A chunk often begins with the title of its section.
        let is_title = |line: &str| clean(line.trim_start_matches('#')) == entry.title;
        let lines: Vec<&str> = text.text.lines().filter(|line| !line.trim().is_empty()).collect();
        let begins_with_title = lines.first().is_some_and(|line| is_title(line));
        let row = text.kind == ElementType::Table;
        let lines = lines.into_iter().skip(usize::from(begins_with_title));
        let lines = lines.map(|line| EntryLine { text: line.to_owned(), lead: 0, row });
        let room = MAX_LINES.saturating_sub(entry.lines.len());
        entry.lines.extend(lines.take(room));
    }
    entries
}

fn run_on_bytes(item: &Item, inputs: &Inputs, params: &Value, _: &Limits) -> Result<Vec<(&'static str, Output)>, Failure> {
    let (vocabulary, params) = vocabulary::take(inputs, params)?;
    let imported = format::source(item, inputs, format::of(&params).unwrap_or_default())?;
    let (toc, terms) = run(item, &imported, &vocabulary);
    Ok(vec![("toc", artifact::array(&[toc])?), ("dictionary", artifact::array(&terms)?)])
}

fn check_params(params: &Value) -> Result<(), (String, String)> {
    let unknown = params.as_object().and_then(|given| given.keys().find(|key| *key != format::PARAM));
    match unknown {
        Some(key) => Err((key.clone(), "is no param of `import_toc`".to_owned())),
        None => format::of(params).map(drop),
    }
}

/// The rule `import_toc`.
pub static BUILTIN: Builtin = Builtin {
    name: "import_toc",
    about: "contents and dictionary of a file that Unstructured, Haystack or LlamaIndex wrote, from its titles",
    inputs: &["source", vocabulary::INPUT],
    outputs: &[
        OutputPort { name: "toc", tree: false, merge: Merge::Splice, split: None, projections: &[], count: None },
        OutputPort {
            name: "dictionary",
            tree: false,
            merge: Merge::Splice,
            split: None,
            projections: &[Projection { name: "names", apply: Project::File(projections::names) }],
            count: None,
        },
    ],
    default_params: |_| serde_json::json!({ format::PARAM: null }),
    check_params,
    run: run_on_bytes,
    fingerprint: env!("INGEST_FINGERPRINT_IMPORT_TOC"),
};
