//! `parse`: the printed lines of a part, its share of the contents and the book's profile → elements in reading order.
//! Every line becomes (part of) an element: what is no text of the book is marked, not dropped.
//!
//! Marks in `metadata.furniture`: `running_head`, `folio`, `contents`, `index`, `repeated_header` (a table's header printed
//! again on a later page), and for pages that print nothing an element without text: `needs_ocr` (it shows images, or glyphs that no map turns into text) or
//! `blank`. Headings of sections are `Title`s with a `level`; only they have one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::builtin::{self, Builtin, Failure, FailureKind, Item, Limits, Merge, NamedBytes, Output, OutputPort};
use crate::document::element::Element;
use crate::document::page_text::{PageText, TextUnit};
use crate::document::profile::SourceProfile;
use crate::document::section::PartToc;
use crate::passes::artifact;
use crate::passes::pass_c_chunk::split;

pub(crate) mod elements;
mod flow;
mod paged;
mod sections;

/// The built-in rule `parse`.
pub static BUILTIN: Builtin = Builtin {
    name: "parse",
    about: "joins printed lines into headings, paragraphs, lists, tables and field blocks, and marks what is no text",
    inputs: &["lines", "toc", "profile?"],
    outputs: &[OutputPort {
        name: "elements",
        tree: false,
        merge: Merge::Rebased(crate::passes::shift::arrays),
        split: Some(split::elements),
        projections: &[],
        count: None,
    }],
    default_params: |_| serde_json::to_value(Params::default()).unwrap_or(Value::Null),
    check_params,
    run: run_bytes,
    fingerprint: env!("INGEST_FINGERPRINT_PARSE"),
};

/// There is nothing to set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {}

/// What `run` reads.
pub struct Inputs<'a> {
    /// The pages of the part in order, or one flow.
    pub units: &'a [TextUnit],
    pub toc: &'a PartToc,
    pub profile: Option<&'a SourceProfile>,
}

/// What `run` writes.
#[derive(Debug, PartialEq)]
pub struct Outputs {
    /// In reading order; pages are part-relative.
    pub elements: Vec<Element>,
}

/// Parses a part.
///
/// # Errors
/// None today; typed for what may come.
pub fn run(inputs: Inputs<'_>, _params: &Params) -> Result<Outputs, Failure> {
    let mut writer = elements::Writer::new(inputs.toc);
    let pages: Vec<&PageText> = inputs
        .units
        .iter()
        .filter_map(|unit| match unit {
            TextUnit::Page(page) => Some(page),
            TextUnit::Flow(_) => None,
        })
        .collect();
    for unit in inputs.units {
        if let TextUnit::Flow(text) = unit {
            flow::parse(text, inputs.toc, &mut writer);
        }
    }
    if !pages.is_empty() {
        paged::parse(&pages, inputs.toc, inputs.profile, &mut writer);
    }
    Ok(Outputs { elements: writer.into_elements() })
}

fn check_params(value: &Value) -> Result<(), (String, String)> {
    match value.as_object().and_then(|o| o.keys().next()) {
        Some(key) => Err((key.clone(), format!("`parse` has no param `{key}`"))),
        None => Ok(()),
    }
}

fn run_bytes(_: &Item, inputs: &builtin::Inputs, _: &Value, _: &Limits) -> Result<Vec<(&'static str, Output)>, Failure> {
    fn read<'a, T: Deserialize<'a>>(what: &str, file: &'a NamedBytes) -> Result<T, Failure> {
        artifact::from_json(&file.bytes)
            .map_err(|e| Failure::new(FailureKind::BadArtifact, format!("`{what}` ({}) does not parse: {e}", file.name)))
    }
    let units: Vec<TextUnit> = inputs.tree("lines")?.map(|file| read("lines", &file?)).collect::<Result<_, _>>()?;
    let toc: PartToc = read("toc", &inputs.file("toc")?)?;
    let profiles: Vec<SourceProfile> = inputs.optional_file("profile")?.map_or(Ok(Vec::new()), |file| read("profile", &file))?;
    let out = run(Inputs { units: &units, toc: &toc, profile: profiles.first() }, &Params::default())?;
    Ok(vec![("elements", artifact::array(&out.elements)?)])
}

#[cfg(test)]
mod tests;
