//! The artifacts that can be compared, and by what their items are told apart.

use std::borrow::Cow;

/// A file of a job, and how it is laid out.
#[derive(Debug)]
pub struct Artifact {
    /// Its name in the folder.
    pub file: Cow<'static, str>,
    pub layout: Layout,
}

impl Artifact {
    /// One of which nothing is known but its name.
    #[must_use]
    pub fn unknown(file: String) -> Self {
        Self { file: Cow::Owned(file), layout: Layout::Unknown }
    }
}

#[derive(Debug)]
pub enum Layout {
    /// An array of items with a `source_id`.
    Items(List),
    /// An object of lists.
    Records(&'static [Table]),
    /// Anything: compared as bytes.
    Unknown,
}

/// The items of an array, or those of a list in each of its items.
#[derive(Debug)]
pub struct List {
    /// What one is called.
    pub what: &'static str,
    /// The field that tells them apart within a source.
    pub id: &'static str,
    /// The field of an item that holds them; what else the item has is compared as the `source`.
    pub below: Option<&'static str>,
    /// Another text is another id: what stands in its place is looked for.
    pub by_text: bool,
}

/// A list of an object.
#[derive(Debug)]
pub struct Table {
    pub list: &'static str,
    pub what: &'static str,
    /// The fields that tell its records apart, in the order in which they are sorted.
    pub key: &'static [&'static str],
    /// A field whose values do not sort as texts do, and their order.
    pub ranks: (&'static str, &'static [&'static str]),
}

const fn items(file: &'static str, what: &'static str, id: &'static str, by_text: bool) -> Artifact {
    Artifact { file: Cow::Borrowed(file), layout: Layout::Items(List { what, id, below: None, by_text }) }
}

const fn nested(file: &'static str, below: &'static str, what: &'static str, id: &'static str) -> Artifact {
    Artifact { file: Cow::Borrowed(file), layout: Layout::Items(List { what, id, below: Some(below), by_text: false }) }
}

const UNRANKED: (&str, &[&str]) = ("", &[]);

/// All of them, in the order of the passes.
pub const ARTIFACTS: &[Artifact] = &[
    nested("passA_toc.json", "sections", "section", "section_id"),
    items("passA_dictionary.json", "term", "term_id", false),
    items("passA_profile.json", "profile", "source_id", false),
    nested("passB_splits.json", "parts", "part", "part_id"),
    items("passC_elements.json", "element", "element_id", true),
    items("passC_chunks.json", "chunk", "chunk_id", true),
    items("passC_coverage.json", "coverage", "source_id", false),
    items("passD_enriched.json", "chunk", "chunk_id", true),
    Artifact {
        file: Cow::Borrowed("passE_graph.json"),
        layout: Layout::Records(&[
            Table { list: "nodes", what: "node", key: &["id"], ranks: UNRANKED },
            Table {
                list: "edges",
                what: "edge",
                key: &["source", "kind", "target"],
                ranks: ("kind", &["contains", "next", "mentions", "defined_in", "refers_to"]),
            },
            Table {
                list: "unresolved",
                what: "unresolved",
                key: &["source_id", "chunk_id", "surface", "target"],
                ranks: UNRANKED,
            },
        ]),
    },
    items("passF_clean.json", "chunk", "chunk_id", true),
    Artifact {
        file: Cow::Borrowed("passF_cleanup.json"),
        layout: Layout::Records(&[
            Table { list: "fixes", what: "fix", key: &["rule", "subject"], ranks: UNRANKED },
            Table { list: "checks", what: "check", key: &["name"], ranks: UNRANKED },
        ]),
    },
];

/// Those that a vector store can be fed from, the best first.
pub const FEEDS: [&str; 3] = ["passF_clean.json", "passD_enriched.json", "passC_chunks.json"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::link_graph::EdgeKind;
    use crate::document::schemas::artifact_schemas;

    #[test]
    fn every_artifact_can_be_compared() {
        let published: Vec<String> = artifact_schemas().iter().map(|(name, _)| format!("{name}.json")).collect();
        assert_eq!(ARTIFACTS.iter().map(|a| a.file.as_ref()).collect::<Vec<_>>(), published);
        assert!(FEEDS.iter().all(|f| published.iter().any(|p| p == f)));
    }

    #[test]
    fn kinds_of_edges_are_ranked_as_the_graph_sorts_them() {
        let Layout::Records(tables) = &ARTIFACTS[8].layout else { panic!() };
        let kinds =
            [EdgeKind::Contains, EdgeKind::Next, EdgeKind::Mentions, EdgeKind::DefinedIn, EdgeKind::RefersTo].map(|kind| {
                let name = serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned();
                (kind, name)
            });
        assert!(kinds.is_sorted());
        assert_eq!(kinds.map(|(_, name)| name).as_slice(), tables[1].ranks.1);
    }
}
