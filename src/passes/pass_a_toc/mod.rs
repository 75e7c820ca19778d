//! Pass A, rule `toc`: the contents, the dictionary and the typographic profile of one source.
//! Reads the lines of all pages (rule `text`) and, of a PDF, outline, page labels and title from the file itself.
//! Output of one source: `toc` an array of one `SourceToc`, `dictionary` an array of `Term`, `profile` an array of one
//! `SourceProfile`; merges are plain splices. The work is done in crate::document::outline, crate::document::headings and
//! crate::document::terms; here their results become artifacts. Projections: toc `part` (→ `PartToc`), dictionary `names` (→ `TermName`s).

mod entries;
mod flow;
mod listed;
mod paged;
mod profile;
pub(crate) mod projections;
mod readable;
pub(crate) mod sections;

use serde::{Deserialize, Serialize};

use crate::builtin::{
    Builtin, Failure, FailureKind, Inputs as RuleInputs, Item, Limits, Merge, Output, OutputPort, Project, Projection,
};
use crate::document::outline::{FrameError, PdfFrame, read_frame};
use crate::document::page_text::{PageText, TextUnit};
use crate::document::profile::SourceProfile;
use crate::document::section::SourceToc;
use crate::document::term::Term;
use crate::document::vocabulary::Vocabulary;
use crate::passes::{artifact, vocabulary};

/// What counts pages without text that show something.
pub const PAGES_NEEDING_OCR: &str = "pages_needing_ocr";

/// What `max_outline_depth` may be.
const OUTLINE_DEPTHS: std::ops::RangeInclusive<u64> = 1..=64;

/// Params of the rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Use the outline of a PDF where it has one (`false`: contents page and type only).
    pub outline: bool,
    /// Write a dictionary (`false`: `[]`).
    pub dictionary: bool,
    /// Levels of an outline that are kept, 1 to 64; what lies deeper is kept at the last of them, and noted.
    pub max_outline_depth: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { outline: true, dictionary: true, max_outline_depth: 16 }
    }
}

/// What the pass reads.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    pub item: &'a Item,
    /// Bytes of the source; only those of a PDF are looked at.
    pub source: &'a [u8],
    /// All pages in order, or one flow.
    pub lines: &'a [TextUnit],
    pub vocabulary: &'a Vocabulary,
}

/// What the pass finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    pub toc: SourceToc,
    pub dictionary: Vec<Term>,
    pub profile: SourceProfile,
}

/// Contents, dictionary and profile of a source. Pure.
///
/// # Errors
/// `Encrypted` if the PDF asks for a password and no page could be read either; `NeedsOcr` or `NoText` if no page holds text, or no
/// block of a file without pages.
pub fn run(inputs: Inputs<'_>, params: &Params, limits: &Limits) -> Result<Outputs, Failure> {
    if let [TextUnit::Flow(flow)] = inputs.lines {
        readable::check_flow(flow)?;
        return Ok(flow::read(inputs.item, flow, params, inputs.vocabulary));
    }
    let pages: Vec<&PageText> = inputs
        .lines
        .iter()
        .filter_map(|unit| match unit {
            TextUnit::Page(page) => Some(page),
            TextUnit::Flow(_) => None,
        })
        .collect();
    let unread = readable::check(&pages)?;
    let mut frame = pdf_frame(&inputs, pages.is_empty(), params, limits)?;
    if unread > 0 {
        frame.notes.insert(0, readable::note(unread, pages.len()));
    }
    if let Some(damaged) = readable::undecoded(&pages) {
        frame.notes.insert(0, damaged);
    }
    let mut outputs = paged::read(inputs.item, &pages, frame, params, inputs.vocabulary);
    outputs.toc.pages_needing_ocr = unread;
    Ok(outputs)
}

/// The frame of a PDF. What lopdf cannot read is no reason to lose a book whose pages were read: it is noted.
fn pdf_frame(inputs: &Inputs<'_>, no_pages: bool, params: &Params, limits: &Limits) -> Result<PdfFrame, Failure> {
    // Writers put junk before the header; readers look for it in the first kilobyte.
    let is_pdf = inputs.source.windows(5).take(1024).any(|w| w == b"%PDF-");
    if !is_pdf {
        return Ok(PdfFrame::default());
    }
    match read_frame(inputs.source, params.max_outline_depth, limits) {
        Ok(frame) => Ok(frame),
        Err(FrameError::Encrypted) if no_pages => Err(Failure::new(FailureKind::Encrypted, FrameError::Encrypted.to_string())),
        Err(error) => Ok(PdfFrame { notes: vec![format!("outline: {error}")], ..PdfFrame::default() }),
    }
}

fn run_rule(
    item: &Item,
    inputs: &RuleInputs,
    params: &serde_json::Value,
    limits: &Limits,
) -> Result<Vec<(&'static str, Output)>, Failure> {
    let bad = |what: String| Failure::new(FailureKind::BadArtifact, what);
    let (vocabulary, params) = vocabulary::take(inputs, params)?;
    let params: Params = serde_json::from_value(params).map_err(|e| bad(format!("params: {e}")))?;
    let source = inputs.file("source")?;
    let units = inputs
        .tree("lines")?
        .map(|file| {
            let file = file?;
            let mut unit = artifact::from_json(&file.bytes).map_err(|e| bad(format!("`lines/{}`: {e}", file.name)))?;
            if let TextUnit::Page(page) = &mut unit {
                // No heading is found by what is drawn, and a long book has tens of megabytes of it.
                page.shapes = Vec::new();
                // Most lines have one span, and were read into room for four.
                page.lines.iter_mut().for_each(|line| line.spans.shrink_to_fit());
            }
            Ok(unit)
        })
        .collect::<Result<Vec<TextUnit>, Failure>>()?;
    let outputs = run(Inputs { item, source: &source.bytes, lines: &units, vocabulary: &vocabulary }, &params, limits)?;
    Ok(vec![
        ("toc", artifact::array(&[outputs.toc])?),
        ("dictionary", artifact::array(&outputs.dictionary)?),
        ("profile", artifact::array(&[outputs.profile])?),
    ])
}

/// Pages that need OCR, where there are any.
fn unread_of(output: &Output) -> Vec<(&'static str, u64)> {
    /// What is counted of a `SourceToc`.
    #[derive(Deserialize)]
    struct Counted {
        #[serde(default)]
        pages_needing_ocr: u32,
    }
    let Some(bytes) = output.file() else { return Vec::new() };
    let tocs: Vec<Counted> = artifact::from_json(bytes).unwrap_or_default();
    let unread: u64 = tocs.iter().map(|t| u64::from(t.pages_needing_ocr)).sum();
    if unread > 0 { vec![(PAGES_NEEDING_OCR, unread)] } else { Vec::new() }
}

fn default_params(_: &serde_json::Map<String, serde_json::Value>) -> serde_json::Value {
    serde_json::to_value(Params::default()).unwrap_or_default()
}

fn check_params(params: &serde_json::Value) -> Result<(), (String, String)> {
    if let Some(fields) = params.as_object() {
        for (key, value) in fields {
            match key.as_str() {
                "outline" | "dictionary" if value.is_boolean() => {}
                "outline" | "dictionary" => return Err((key.clone(), "must be true or false".to_owned())),
                "max_outline_depth" if value.as_u64().is_some_and(|n| OUTLINE_DEPTHS.contains(&n)) => {}
                "max_outline_depth" => {
                    let (least, most) = (OUTLINE_DEPTHS.start(), OUTLINE_DEPTHS.end());
                    return Err((key.clone(), format!("must be from {least} to {most}")));
                }
                _ => return Err((key.clone(), "is no param of `toc`".to_owned())),
            }
        }
    }
    Ok(())
}

/// The rule `toc`.
pub static BUILTIN: Builtin = Builtin {
    name: "toc",
    about: "contents, dictionary and typographic profile of a source, from outline, contents page and type",
    inputs: &["source", "lines", vocabulary::INPUT],
    outputs: &[
        OutputPort {
            name: "toc",
            tree: false,
            merge: Merge::Splice,
            split: None,
            projections: &[Projection { name: "part", apply: Project::File(projections::part) }],
            count: Some(unread_of),
        },
        OutputPort {
            name: "dictionary",
            tree: false,
            merge: Merge::Splice,
            split: None,
            projections: &[Projection { name: "names", apply: Project::File(projections::names) }],
            count: None,
        },
        OutputPort { name: "profile", tree: false, merge: Merge::Splice, split: None, projections: &[], count: None },
    ],
    default_params,
    check_params,
    run: run_rule,
    fingerprint: env!("INGEST_FINGERPRINT_TOC"),
};

#[cfg(test)]
mod tests;
