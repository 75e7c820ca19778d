//! What the cache knows of a page: how many there are, the bytes that were built, the lines that were read. Nothing of it is
//! needed; whatever is missing is not told.

use crate::digest::Digest;
use crate::document::page_text::{PageText, TextUnit};
use crate::document::part::Placement;
use crate::engine::graph::{Graph, Range, Rule, Run};
use crate::engine::items::{SourceFile, entry_ids};
use crate::store::Store;
use crate::store::records::{ActionResult, LastBuild, Stored, StoredTree};

/// What is known of a page and its book.
#[derive(Default)]
pub struct Known {
    /// Pages of the book, as they were counted when it was built.
    pub pages: Option<u32>,
    /// The bytes of the book that the last build read.
    pub read: Option<Digest>,
    /// What the page prints.
    pub lines: Option<PageText>,
}

/// What is known of `page` of `source` in the job that records call `job_key`.
pub fn of(graph: &Graph, store: &Store, job_key: &str, source: &SourceFile, page: u32) -> Known {
    let cache = Cache { graph, store, job_key };
    let elements = graph.rules.iter().filter(|r| runs(r, "parse"));
    let text = graph.rules.iter().filter(|r| runs(r, "text"));
    let made_of = |rule: &Rule| cache.last_below(&rule.name, &source.id).and_then(|last| last.source);
    Known {
        pages: cache.pages(&source.id),
        read: elements.chain(text.clone()).find_map(made_of),
        lines: text.clone().find_map(|rule| cache.lines(rule, &source.id, page)),
    }
}

fn runs(rule: &Rule, name: &str) -> bool {
    matches!(&rule.run, Run::Builtin { builtin, .. } if builtin.name == name)
}

struct Cache<'a> {
    graph: &'a Graph,
    store: &'a Store,
    job_key: &'a str,
}

impl Cache<'_> {
    fn last(&self, rule: &str, item: &str) -> Option<LastBuild> {
        self.store.state.last.get(format!("{}\0{rule}\0{item}", self.job_key).as_str())
    }

    /// The last build of `item`, or else of the first item below it.
    fn last_below(&self, rule: &str, item: &str) -> Option<LastBuild> {
        let prefix = format!("{}\0{rule}\0{item}", self.job_key);
        let is_it = |key: &str| key.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let near = self.store.state.last.range_from(prefix.as_str()).take_while(|(key, _)| key.starts_with(&prefix));
        near.filter(|(key, _)| is_it(key)).map(|(_, last)| last).next()
    }

    fn result(&self, rule: &str, item: &str) -> Option<ActionResult> {
        self.store.state.results.get(&self.last(rule, item)?.key)
    }

    /// The tree that is output `output` of `rule` for `item`.
    fn tree(&self, rule: &Rule, output: usize, item: &str) -> Option<StoredTree> {
        match self.result(&rule.name, item)?.outputs.get(output)? {
            Stored::Tree(tree) => Some(tree.clone()),
            Stored::File(_) => None,
        }
    }

    fn pages(&self, source: &str) -> Option<u32> {
        let results = self.graph.rules.iter().filter_map(|rule| self.result(&rule.name, source));
        let counted = results.flat_map(|r| r.counts.to_vec()).find(|(name, _)| name == "pages")?.1;
        u32::try_from(counted).ok().filter(|n| *n > 0)
    }

    /// What rule `text` read on `page`: of the group of pages that holds it, or of the whole book.
    fn lines(&self, rule: &Rule, source: &str, page: u32) -> Option<PageText> {
        let output = rule.outputs.iter().position(|o| o.name == "lines")?;
        let (tree, at) = match rule.range {
            Range::Job => return None,
            Range::Source => (self.tree(rule, output, source)?, page.checked_sub(1)?),
            Range::Tree { rule: of, output: groups } => {
                let groups = self.tree(self.graph.rule(of), groups, source)?;
                let placed = groups.entries.iter().zip(entry_ids(&groups.entries)).find_map(|(entry, id)| {
                    let placement = Placement::from_attrs(&entry.attrs);
                    let at = page.checked_sub(placement.page_start?)?;
                    (at < placement.page_count?).then_some((id, at))
                });
                let (id, at) = placed?;
                (self.tree(rule, output, &format!("{source}/{id}"))?, at)
            }
        };
        let bytes = self.store.cas.read(&tree.entries.get(at as usize)?.digest).ok()?;
        match serde_json::from_slice(&bytes).ok()? {
            TextUnit::Page(page) => Some(page),
            TextUnit::Flow(_) => None,
        }
    }
}
