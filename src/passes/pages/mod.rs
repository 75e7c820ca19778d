//! Rule `pages`: cuts a source into groups of about eight pages, each a small deterministic PDF. Boundaries follow from page
//! content, so that an edit or an inserted page changes one or two groups. Interprets nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::builtin::{Builtin, Failure, FailureKind, Inputs, Item, Limits, Merge, NamedBytes, Output, OutputPort};
use crate::digest::Digest;
use crate::document::ids::content_id;
use crate::document::part::Placement;
use crate::document::pdf::{Book, copy};

/// Extensions of sources without pages: their bytes are one group.
pub const UNPAGED: [&str; 6] = ["md", "markdown", "txt", "html", "htm", "xhtml"];

/// A group has at least this many pages (but for the last), so that fonts are not copied for every page,
const MIN_PAGES: usize = 4;
/// and at most this many, so that an edit stays small.
const MAX_PAGES: usize = 16;
/// From the fourth page on, one page in four starts a group: eight pages on average.
const START_ONE_IN: u8 = 4;

/// `pages` has no params.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// What `pages` reads.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its name, for the extension.
    pub name: &'a str,
    pub bytes: &'a Arc<[u8]>,
}

/// The extension of `name`, in lower case ("" if it has none).
#[must_use]
pub fn extension(name: &str) -> String {
    name.rsplit('/').next().and_then(|n| n.rsplit_once('.')).map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default()
}

/// The groups of `source`, in page order; attrs are their placements.
///
/// # Errors
/// `NotReadable`, `Encrypted` or `Limit`, as `Book::open` says.
pub fn run(source: Source<'_>, _params: &Params, limits: &Limits) -> Result<Vec<NamedBytes>, Failure> {
    let extension = extension(source.name);
    if UNPAGED.contains(&extension.as_str()) {
        if source.bytes.is_empty() {
            return Err(Failure::new(FailureKind::NotReadable, "the file is empty"));
        }
        let id = content_id("group", &[&Digest::of(source.bytes).to_hex(), "0"]);
        let attrs = Placement::default().to_attrs();
        return Ok(vec![NamedBytes { name: format!("{id}.{extension}"), bytes: Arc::clone(source.bytes), attrs }]);
    }
    let book = Book::open(source.bytes, limits)?;
    let starts_group: Vec<bool> = book.pdf().pages().iter().map(|p| starts_group(&copy::content_digest(p))).collect();
    let mut seen: BTreeMap<Digest, usize> = BTreeMap::new();
    let mut groups = Vec::new();
    for range in cut(&starts_group) {
        let placement = Placement { page_count: number(range.len()), page_start: number(range.start + 1) };
        let bytes = copy::pages(&book, range, copy::Leave { images: true });
        let digest = Digest::of(&bytes);
        let occurrence = seen.entry(digest).or_insert(0);
        let id = content_id("group", &[&digest.to_hex(), &occurrence.to_string()]);
        *occurrence += 1;
        groups.push(NamedBytes { name: format!("{id}.pdf"), bytes: bytes.into(), attrs: placement.to_attrs() });
    }
    Ok(groups)
}

fn number(n: usize) -> Option<u32> {
    u32::try_from(n).ok()
}

/// A property of the page's own content, so that it moves with the page.
fn starts_group(digest: &blake3::Hash) -> bool {
    digest.as_bytes()[0].is_multiple_of(START_ONE_IN)
}

/// Page ranges (0-based): a page that wants to start a group does, if the group before has pages enough.
fn cut(starts_group: &[bool]) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for (i, starts) in starts_group.iter().enumerate() {
        let pages = i - start;
        if pages >= MAX_PAGES || (pages >= MIN_PAGES && *starts) {
            ranges.push(start..i);
            start = i;
        }
    }
    ranges.push(start..starts_group.len());
    ranges
}

/// The rule as the engine calls it.
pub static BUILTIN: Builtin = Builtin {
    name: "pages",
    about: "cuts a source into small groups of pages that survive insertions",
    inputs: &["source"],
    outputs: &[OutputPort {
        name: "groups",
        tree: true,
        merge: Merge::Splice,
        split: None,
        projections: &[],
        count: Some(pages_of),
    }],
    default_params: |_| serde_json::to_value(Params::default()).unwrap_or_default(),
    check_params: |params| crate::passes::params::params_of::<Params>(params).map(|_| ()),
    run: run_bytes,
    fingerprint: env!("INGEST_FINGERPRINT_PAGES"),
};

/// Pages of all groups; none of what has no pages.
fn pages_of(output: &Output) -> Vec<(&'static str, u64)> {
    let Output::Tree(groups) = output else { return Vec::new() };
    let pages = groups.iter().filter_map(|g| Placement::from_attrs(&g.attrs).page_count).map(u64::from).sum();
    vec![("pages", pages)]
}

fn run_bytes(_: &Item, inputs: &Inputs, _: &Value, limits: &Limits) -> Result<Vec<(&'static str, Output)>, Failure> {
    let source = inputs.file("source")?;
    let groups = run(Source { name: &source.name, bytes: &source.bytes }, &Params {}, limits)?;
    Ok(vec![("groups", Output::Tree(groups))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_four_to_sixteen_pages() {
        let cuts = cut(&[true; 40]);
        assert!(cuts[..cuts.len() - 1].iter().all(|r| r.len() == MIN_PAGES));
        let cuts = cut(&[false; 40]);
        assert!(cuts.iter().all(|r| r.len() <= MAX_PAGES));
        assert_eq!(cuts.iter().map(std::iter::ExactSizeIterator::len).sum::<usize>(), 40);
    }

    fn groups(texts: &[String]) -> Vec<NamedBytes> {
        let bytes: Arc<[u8]> = crate::document::pdf::sample::book(texts).into();
        run(Source { name: "book.pdf", bytes: &bytes }, &Params {}, &Limits::default()).unwrap()
    }

    #[test]
    fn an_empty_file_is_said_to_be_empty_whatever_it_was_to_be() {
        for name in ["book.pdf", "book.md", "book.html", "book.txt"] {
            let failure = run(Source { name, bytes: &Vec::new().into() }, &Params {}, &Limits::default()).unwrap_err();
            assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::NotReadable, "the file is empty"), "{name}");
        }
    }

    fn kept(before: &[NamedBytes], after: &[NamedBytes]) -> usize {
        after.iter().filter(|g| before.iter().any(|b| b.name == g.name && b.bytes == g.bytes)).count()
    }

    #[test]
    fn an_edited_or_inserted_page_changes_one_or_two_groups() {
        let texts: Vec<String> = (0..324).map(|i| format!("Page about subject {i}")).collect();
        let before = groups(&texts);
        for at in [0, 100, 161, 323] {
            let mut edited = texts.clone();
            edited[at].push_str(" and more");
            let after = groups(&edited);
            assert!(kept(&before, &after) + 3 >= after.len(), "edit at {at}");
            edited.clone_from(&texts);
            edited.insert(at, "A new page".into());
            let after = groups(&edited);
            assert!(kept(&before, &after) + 3 >= after.len(), "insertion at {at}");
            assert!(kept(&before, &after) * 10 >= after.len() * 8);
        }
    }

    #[test]
    fn placements_cover_the_source() {
        let texts: Vec<String> = (0..30).map(|i| format!("Subject {i}")).collect();
        let mut next = 1;
        for group in groups(&texts) {
            let placement = Placement::from_attrs(&group.attrs);
            assert_eq!(placement.page_start, Some(next));
            next += placement.page_count.unwrap();
        }
        assert_eq!(next, 31);
    }

    #[test]
    fn unpaged_sources_are_one_group_of_their_bytes() {
        let bytes: Arc<[u8]> = b"# Title".to_vec().into();
        let groups = run(Source { name: "notes.MD", bytes: &bytes }, &Params {}, &Limits::default()).unwrap();
        assert_eq!(groups.len(), 1);
        assert!(groups[0].name.ends_with(".md"));
        assert_eq!(groups[0].bytes, bytes);
        assert_eq!(Placement::from_attrs(&groups[0].attrs), Placement::default());
    }

    #[test]
    fn what_is_no_pdf_is_not_readable() {
        use crate::builtin::FailureKind;
        for bytes in [&b""[..], b"just text", b"%PDF-1.7"] {
            let bytes: Arc<[u8]> = bytes.to_vec().into();
            let failure = run(Source { name: "x.pdf", bytes: &bytes }, &Params {}, &Limits::default()).unwrap_err();
            assert_eq!(failure.kind, FailureKind::NotReadable);
        }
    }
}
