//! Rule `text`: the only place where glyphs are read and laid out. One file per page of a group, `0001.json` on, holding a
//! `TextUnit`; an unpaged document is one file.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::builtin::{
    Attrs, Builtin, Failure, FailureKind, Inputs, Item, Limits, Merge, NamedBytes, Output, OutputPort, Project, Projection,
    TreeEntry,
};
use crate::document::layout;
use crate::document::markup;
use crate::document::page_text::{PageText, TextUnit};
use crate::document::part::Placement;
use crate::document::pdf::glyph::{self, Backend};
use crate::passes::pages::{UNPAGED, extension};
use crate::passes::params::params_of;

/// Params of `text`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// What reads glyphs first.
    pub backend: Backend,
}

/// What `text` reads.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// Its name, for the extension.
    pub name: &'a str,
    pub bytes: &'a Arc<[u8]>,
}

/// The text of a group, one unit per page; one unit for an unpaged document.
///
/// # Errors
/// What both backends fail on, or a limit.
pub fn run(group: Group<'_>, params: &Params, limits: &Limits) -> Result<Vec<TextUnit>, Failure> {
    let extension = extension(group.name);
    if UNPAGED.contains(&extension.as_str()) {
        return Ok(vec![TextUnit::Flow(markup::read(&extension, group.bytes, limits)?)]);
    }
    glyph::read_each(group.bytes, params.backend, limits, |page| TextUnit::Page(layout::lay_out(&page)))
}

/// `0001.json`; five digits from page 10,000 on.
#[must_use]
pub fn file_name(page: usize) -> String {
    format!("{page:04}.json")
}

/// The rule as the engine calls it.
pub static BUILTIN: Builtin = Builtin {
    name: "text",
    about: "reads the glyphs of a group of pages and lays them out in reading order",
    inputs: &["group"],
    outputs: &[OutputPort {
        name: "lines",
        tree: true,
        merge: Merge::Tree(merge),
        split: None,
        projections: &[Projection { name: "part", apply: Project::Tree(part) }],
        count: None,
    }],
    default_params: |_| serde_json::to_value(Params::default()).unwrap_or_default(),
    check_params: |params| params_of::<Params>(params).map(|_| ()),
    run: run_bytes,
    fingerprint: env!("INGEST_FINGERPRINT_TEXT"),
};

fn run_bytes(_: &Item, inputs: &Inputs, params: &Value, limits: &Limits) -> Result<Vec<(&'static str, Output)>, Failure> {
    let group = inputs.file("group")?;
    let params = params_of::<Params>(params).map_err(|(_, m)| Failure::new(FailureKind::BadArtifact, m))?;
    let units = run(Group { name: &group.name, bytes: &group.bytes }, &params, limits)?;
    let mut files = Vec::with_capacity(units.len());
    let mut json = Vec::new();
    for (i, unit) in units.iter().enumerate() {
        json.clear();
        serde_json::to_writer(&mut json, unit).map_err(|e| Failure::new(FailureKind::BadArtifact, e.to_string()))?;
        files.push(NamedBytes { name: file_name(i + 1), bytes: json.as_slice().into(), attrs: Attrs::new() });
    }
    Ok(vec![("lines", Output::Tree(files))])
}

/// The pages of all groups, renumbered in group order: names of the merge are physical pages.
#[must_use]
pub fn merge(groups: &[(Attrs, Vec<TreeEntry>)]) -> Vec<TreeEntry> {
    let pages = groups.iter().flat_map(|(_, entries)| entries);
    pages.enumerate().map(|(i, entry)| TreeEntry { name: file_name(i + 1), ..entry.clone() }).collect()
}

/// The pages of one part, renumbered from 1; all of an unpaged source.
///
/// # Errors
/// `BadArtifact` if the part has pages that the text has not.
pub fn part(entries: &[TreeEntry], _item: &Item, attrs: &Attrs) -> Result<Vec<TreeEntry>, Failure> {
    let placement = Placement::from_attrs(attrs);
    let range = match (placement.page_start, placement.page_count) {
        (Some(start), Some(count)) => (start.max(1) as usize - 1)..(start.max(1) as usize - 1).saturating_add(count as usize),
        _ => 0..entries.len(),
    };
    let missing = || {
        let message = format!("the part has pages {} to {}, the text has {}", range.start + 1, range.end, entries.len());
        Failure::new(FailureKind::BadArtifact, message)
    };
    let pages = entries.get(range.clone()).ok_or_else(missing)?;
    Ok(pages.iter().enumerate().map(|(i, e)| TreeEntry { name: file_name(i + 1), ..e.clone() }).collect())
}

/// Pages that the units hold.
#[must_use]
pub fn pages(units: &[TextUnit]) -> Vec<&PageText> {
    units.iter().filter_map(|u| if let TextUnit::Page(p) = u { Some(p) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn entry(name: &str, content: &str) -> TreeEntry {
        TreeEntry { name: name.into(), digest: Digest::of(content.as_bytes()), bytes: 1, attrs: Attrs::new() }
    }

    #[test]
    fn merged_names_are_physical_pages() {
        let groups = [
            (Attrs::new(), vec![entry("0001.json", "a"), entry("0002.json", "b")]),
            (Attrs::new(), vec![entry("0001.json", "c")]),
        ];
        let merged = merge(&groups);
        assert_eq!(merged.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["0001.json", "0002.json", "0003.json"]);
        assert_eq!(merged[2].digest, Digest::of(b"c"));
    }

    #[test]
    fn a_part_takes_its_pages_and_numbers_them_from_one() {
        let entries = [entry("0001.json", "a"), entry("0002.json", "b"), entry("0003.json", "c")];
        let attrs = Placement { page_count: Some(2), page_start: Some(2) }.to_attrs();
        let taken = part(&entries, &Item::default(), &attrs).unwrap();
        assert_eq!(taken[0].name, "0001.json");
        assert_eq!(taken[0].digest, Digest::of(b"b"));
        assert_eq!(taken.len(), 2);
        let beyond = Placement { page_count: Some(9), page_start: Some(2) }.to_attrs();
        assert!(part(&entries, &Item::default(), &beyond).is_err());
        assert_eq!(part(&entries, &Item::default(), &Placement::default().to_attrs()).unwrap().len(), 3);
    }
}
