//! Writing elements: ids, the section in force, the heading each stands under.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::element::{Element, ElementMetadata, ElementType};
use crate::document::ids;
use crate::document::section::PartToc;

/// Collects the elements of a part.
pub struct Writer<'a> {
    toc: &'a PartToc,
    elements: Vec<Element>,
    /// Index of the section in force.
    section: Option<usize>,
    /// Headings above the present place: level and element id.
    above: Vec<(u32, String)>,
    /// How often a section held a text of a type already.
    occurrences: BTreeMap<(String, ElementType, String), usize>,
    /// Sections whose heading was written: as for chunks, other elements take the part into their id.
    headed: BTreeSet<usize>,
}

impl<'a> Writer<'a> {
    pub fn new(toc: &'a PartToc) -> Self {
        let section = toc.sections.first().filter(|s| s.continued).map(|_| 0);
        Self { toc, elements: Vec::new(), section, above: Vec::new(), occurrences: BTreeMap::new(), headed: BTreeSet::new() }
    }

    /// From here on, section `index` of the part is in force.
    pub fn enter(&mut self, index: usize) {
        let level = self.toc.sections[index].level;
        self.above.retain(|(l, _)| *l < level);
        self.section = Some(index);
    }

    /// From here on, the sections that stand below `level` have ended; none is in force if there is none above.
    pub fn leave(&mut self, above: Option<usize>, level: u32) {
        self.above.retain(|(l, _)| *l <= level);
        self.section = above;
    }

    /// Adds the heading of the section in force.
    pub fn heading(&mut self, element: Element) {
        let level = self.section.map(|s| self.toc.sections[s].level);
        if let Some(section) = self.section {
            self.headed.insert(section);
        }
        self.add(Element { kind: ElementType::Title, metadata: ElementMetadata { level, ..element.metadata }, ..element });
        if let (Some(level), Some(last)) = (level, self.elements.last()) {
            self.above.push((level, last.element_id.clone()));
        }
    }

    /// Adds an element; its ids and section are filled in here.
    pub fn add(&mut self, mut element: Element) {
        let section = self.section.map(|s| &self.toc.sections[s]);
        let section_id = section.map_or("", |s| s.section_id.as_str());
        let part = self.section.is_none_or(|s| !self.headed.contains(&s));
        let key = (section_id.to_owned(), element.kind, element.text.clone());
        let occurrence = self.occurrences.entry(key).or_default();
        let fields = [
            self.toc.source_id.as_str(),
            section_id,
            if part { self.toc.part_id.as_str() } else { "" },
            type_name(element.kind),
            &element.text,
            &occurrence.to_string(),
        ];
        element.element_id = ids::content_id("el", &fields);
        *occurrence += 1;
        element.source_id.clone_from(&self.toc.source_id);
        element.part_id.clone_from(&self.toc.part_id);
        element.metadata.section_id = section.map(|s| s.section_id.clone());
        element.metadata.section_path = section.map_or_else(Vec::new, |s| s.path.clone());
        element.metadata.parent_id = self.above.last().map(|(_, id)| id.clone());
        self.elements.push(element);
    }

    pub fn into_elements(self) -> Vec<Element> {
        self.elements
    }
}

/// An element of `kind` that says `text`; all else is empty.
pub fn element(kind: ElementType, text: String) -> Element {
    Element {
        element_id: String::new(),
        source_id: String::new(),
        part_id: String::new(),
        page: None,
        kind,
        text,
        bounds: None,
        metadata: ElementMetadata::default(),
    }
}

fn type_name(kind: ElementType) -> &'static str {
    match kind {
        ElementType::Title => "Title",
        ElementType::NarrativeText => "NarrativeText",
        ElementType::ListItem => "ListItem",
        ElementType::Table => "Table",
        ElementType::FormKeysValues => "FormKeysValues",
        ElementType::CodeSnippet => "CodeSnippet",
        ElementType::Header => "Header",
        ElementType::Footer => "Footer",
        ElementType::PageNumber => "PageNumber",
        ElementType::UncategorizedText => "UncategorizedText",
    }
}
