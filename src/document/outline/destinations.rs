//! Where an outline entry leads: explicit destinations, named ones (the old /Dests dictionary and the name tree), and GoTo
//! actions. Knows nothing of the outline itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::{sub_dictionary, value};

/// Nodes of a name or number tree beyond this are not read; a tree of a 10,000-page book has a few hundred.
pub(super) const MAX_TREE_NODES: usize = 20_000;
/// A name that leads to a name that leads to a name: none of it is meant.
const MAX_HOPS: usize = 8;

/// The destinations of a document.
pub(super) struct Destinations<'a> {
    document: &'a Document,
    pages: &'a HashMap<ObjectId, u32>,
    named: BTreeMap<&'a [u8], &'a Object>,
}

impl<'a> Destinations<'a> {
    pub(super) fn of(document: &'a Document, pages: &'a HashMap<ObjectId, u32>) -> Self {
        let mut named = BTreeMap::new();
        if let Ok(catalog) = document.catalog() {
            if let Some(names) = sub_dictionary(document, catalog, b"Names")
                && let Ok(root) = names.get(b"Dests")
            {
                for leaf in tree_leaves(document, root, b"Names") {
                    for pair in leaf.as_chunks::<2>().0 {
                        if let Some(name) = super::resolve(document, &pair[0]).and_then(|o| o.as_str().ok()) {
                            named.entry(name).or_insert(&pair[1]);
                        }
                    }
                }
            }
            if let Some(old) = sub_dictionary(document, catalog, b"Dests") {
                for (name, target) in old.iter() {
                    named.entry(name.as_slice()).or_insert(target);
                }
            }
        }
        Self { document, pages, named }
    }

    /// The physical page an outline item leads to, by its /Dest or its GoTo action.
    pub(super) fn page_of_item(&self, item: &'a Dictionary) -> Option<u32> {
        if let Ok(destination) = item.get(b"Dest") {
            return self.page_of(destination);
        }
        let action = sub_dictionary(self.document, item, b"A")?;
        let goes = value(self.document, action, b"S").and_then(|o| o.as_name().ok()) == Some(b"GoTo".as_slice());
        if goes { action.get(b"D").ok().and_then(|d| self.page_of(d)) } else { None }
    }

    fn page_of(&self, destination: &'a Object) -> Option<u32> {
        let mut target = destination;
        for _ in 0..MAX_HOPS {
            target = match super::resolve(self.document, target)? {
                Object::Array(array) => return self.page_of_target(array.first()?),
                Object::Dictionary(wrapped) => wrapped.get(b"D").ok()?,
                Object::String(name, _) | Object::Name(name) => self.named.get(name.as_slice())?,
                _ => return None,
            };
        }
        None
    }

    /// A page object, or (against the standard, but common) a page index from 0.
    fn page_of_target(&self, target: &Object) -> Option<u32> {
        match target {
            Object::Reference(id) => self.pages.get(id).copied(),
            Object::Integer(index) => {
                let number = u32::try_from(*index).ok()?.checked_add(1)?;
                (usize::try_from(number).ok()? <= self.pages.len()).then_some(number)
            }
            _ => None,
        }
    }
}

/// The arrays called `key` in the leaves of a name or number tree, in tree order. Cycles end where they close.
pub(super) fn tree_leaves<'a>(document: &'a Document, root: &'a Object, key: &[u8]) -> Vec<&'a [Object]> {
    let mut leaves = Vec::new();
    let mut seen = HashSet::new();
    let mut stack = vec![root];
    let mut read = 0;
    while let Some(node) = stack.pop() {
        read += 1;
        if read > MAX_TREE_NODES || node.as_reference().is_ok_and(|id| !seen.insert(id)) {
            continue;
        }
        let Some(node) = super::resolve(document, node).and_then(|o| o.as_dict().ok()) else { continue };
        if let Some(leaf) = value(document, node, key).and_then(|o| o.as_array().ok()) {
            leaves.push(leaf.as_slice());
        }
        if let Some(kids) = value(document, node, b"Kids").and_then(|o| o.as_array().ok()) {
            stack.extend(kids.iter().rev());
        }
    }
    leaves
}
