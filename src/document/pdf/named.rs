//! What a content stream calls by name, looked up once for all the times that it does: fonts and colour spaces. The reader of
//! objects reads them anew each time.

use std::collections::BTreeMap;

use hayro_syntax::object::Name;
use hayro_syntax::page::Resources;

use super::colour::Space;
use super::font::FontStore;
use super::inflate::Budget;

/// The names of one stream.
pub struct Named<'r, 'a> {
    pub resources: &'r Resources<'a>,
    fonts: BTreeMap<Vec<u8>, Option<usize>>,
    spaces: BTreeMap<Vec<u8>, Space>,
}

impl<'r, 'a> Named<'r, 'a> {
    pub fn new(resources: &'r Resources<'a>) -> Self {
        Self { resources, fonts: BTreeMap::new(), spaces: BTreeMap::new() }
    }

    /// The font called `name`, as an index of `store`; `None` if there is none, or it cannot be read.
    pub fn font(&mut self, name: &Name<'_>, store: &mut FontStore<'a>, budget: &Budget<'_>) -> Option<usize> {
        if let Some(known) = self.fonts.get(name.as_ref()) {
            return *known;
        }
        let font = self.resources.get_font(name).and_then(|dict| store.font(&dict, budget));
        self.fonts.insert(name.as_ref().to_vec(), font);
        font
    }

    /// The colour space called `name`.
    pub fn space(&mut self, name: &Name<'_>, budget: &Budget<'_>) -> Space {
        if let Some(known) = self.spaces.get(name.as_ref()) {
            return known.clone();
        }
        let space = Space::named(name, self.resources, budget);
        self.spaces.insert(name.as_ref().to_vec(), space.clone());
        space
    }
}
