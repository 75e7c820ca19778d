//! Rule `split` (pass B): parts of a source, contiguous page ranges at section boundaries, within limits measured on what is
//! written. A source within both limits is one part, which is the source itself.

mod cuts;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::builtin::{Builtin, Failure, FailureKind, Inputs, Item, Limits, Merge, NamedBytes, Output, OutputPort};
use crate::digest::Digest;
use crate::document::ids::part_id;
use crate::document::part::{Part, Placement, SourceSplits};
use crate::document::pdf::{Book, copy};
use crate::document::section::{Section, SourceToc};
use crate::passes::artifact;
use crate::passes::pages::{UNPAGED, extension};
use crate::passes::params::params_of;

/// Params of `split`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Size of a part in MB (10^6 bytes).
    pub max_part_mb: f64,
    pub max_part_pages: u32,
    /// Whether parts carry images. A part that is the source itself always does.
    pub keep_images: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { max_part_mb: 25.0, max_part_pages: 40, keep_images: false }
    }
}

/// What `split` reads.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub source_id: &'a str,
    /// Its name, for the extension.
    pub name: &'a str,
    pub bytes: &'a Arc<[u8]>,
    pub toc: &'a SourceToc,
}

/// What `split` makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    pub splits: SourceSplits,
    /// In page order; attrs are their placements.
    pub parts: Vec<NamedBytes>,
}

/// The parts of `source`.
///
/// # Errors
/// `NotReadable`, `Encrypted` or `Limit`, as `Book::open` says.
pub fn run(source: Source<'_>, params: &Params, limits: &Limits) -> Result<Outputs, Failure> {
    let mut extension = extension(source.name);
    if UNPAGED.contains(&extension.as_str()) {
        let section_ids = source.toc.sections.iter().map(|s| s.section_id.clone()).collect();
        return Ok(whole(source, &extension, None, section_ids));
    }
    if extension.is_empty() {
        "pdf".clone_into(&mut extension);
    }
    let book = Book::open(source.bytes, limits)?;
    let pages = book.page_count();
    let splitter = Splitter::new(&book, &source.toc.sections, params);
    if pages <= splitter.max_pages && source.bytes.len() <= splitter.max_bytes {
        return Ok(whole(source, &extension, Some(pages), splitter.section_ids(&(0..pages))));
    }
    let mut written = Vec::new();
    splitter.split(0..pages, &mut written);
    let mut outputs =
        Outputs { splits: SourceSplits { source_id: source.source_id.to_owned(), parts: Vec::new() }, parts: Vec::new() };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (range, bytes) in written {
        let first = splitter.section_at(range.start);
        let occurrence = seen.entry(first.to_owned()).or_insert(0);
        let id = part_id(source.source_id, first, *occurrence);
        *occurrence += 1;
        outputs.add(id, "pdf", Some(&range), bytes.into(), splitter.section_ids(&range));
    }
    Ok(outputs)
}

/// The source itself as its only part.
fn whole(source: Source<'_>, extension: &str, pages: Option<usize>, section_ids: Vec<String>) -> Outputs {
    let splits = SourceSplits { source_id: source.source_id.to_owned(), parts: Vec::new() };
    let mut outputs = Outputs { splits, parts: Vec::new() };
    let id = part_id(source.source_id, "", 0);
    outputs.add(id, extension, pages.map(|n| 0..n).as_ref(), Arc::clone(source.bytes), section_ids);
    outputs
}

impl Outputs {
    fn add(&mut self, id: String, extension: &str, range: Option<&Range<usize>>, bytes: Arc<[u8]>, section_ids: Vec<String>) {
        let number = |n: usize| u32::try_from(n).ok();
        let placement =
            Placement { page_count: range.and_then(|r| number(r.len())), page_start: range.and_then(|r| number(r.start + 1)) };
        let name = format!("{id}.{extension}");
        #[allow(clippy::cast_precision_loss, reason = "file sizes are far below 2^53")]
        let size_mb = (bytes.len() as f64 / 1000.0).round() / 1000.0;
        self.splits.parts.push(Part {
            part_id: id,
            path: format!("parts/{}/{name}", self.splits.source_id),
            page_start: placement.page_start,
            page_end: range.and_then(|r| number(r.end)),
            size_mb,
            digest: Digest::of(&bytes).to_hex(),
            section_ids,
        });
        self.parts.push(NamedBytes { name, bytes, attrs: placement.to_attrs() });
    }
}

struct Splitter<'a> {
    book: &'a Book,
    sections: &'a [Section],
    strengths: Vec<cuts::Strength>,
    max_pages: usize,
    max_bytes: usize,
    leave: copy::Leave,
}

impl<'a> Splitter<'a> {
    fn new(book: &'a Book, sections: &'a [Section], params: &Params) -> Self {
        let digests: Vec<Digest> =
            book.pdf().pages().iter().map(|p| Digest::from_bytes(*copy::content_digest(p).as_bytes())).collect();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let max_bytes = (params.max_part_mb * 1e6) as usize;
        Self {
            book,
            sections,
            strengths: cuts::strengths(sections, &digests),
            max_pages: params.max_part_pages.max(1) as usize,
            max_bytes,
            leave: copy::Leave { images: !params.keep_images },
        }
    }

    /// Cuts `range` until each piece is within the limits as written, or a single page.
    fn split(&self, range: Range<usize>, written: &mut Vec<(Range<usize>, Vec<u8>)>) {
        let mut open = vec![range];
        while let Some(range) = open.pop() {
            if range.len() <= self.max_pages {
                let bytes = copy::pages(self.book, range.clone(), self.leave);
                if bytes.len() <= self.max_bytes || range.len() < 2 {
                    written.push((range, bytes));
                    continue;
                }
            }
            if let Some(at) = cuts::cut(&self.strengths, &range) {
                open.push(at..range.end);
                open.push(range.start..at);
            }
        }
    }

    /// The section that page `page` (0-based) begins with or stands in; "" before the first.
    fn section_at(&self, page: usize) -> &str {
        let starts = self.sections.iter().filter(|s| starts_on(s, page));
        let first = starts.min_by_key(|s| s.level).or_else(|| self.opens_in(page));
        first.map_or("", |s| s.section_id.as_str())
    }

    /// The section that goes on from the page before `page`.
    fn opens_in(&self, page: usize) -> Option<&Section> {
        let page = u32::try_from(page).ok()?.checked_add(1)?;
        let before = |s: &&Section| s.page_start.is_some_and(|p| p < page) && s.page_end.is_none_or(|p| p >= page);
        self.sections.iter().rev().find(before)
    }

    /// The section that the part opens in, and those that begin in it.
    fn section_ids(&self, range: &Range<usize>) -> Vec<String> {
        let begins = self
            .sections
            .iter()
            .filter(|s| s.page_start.and_then(|p| (p as usize).checked_sub(1)).is_some_and(|p| range.contains(&p)));
        self.opens_in(range.start).into_iter().chain(begins).map(|s| s.section_id.clone()).collect()
    }
}

fn starts_on(section: &Section, page: usize) -> bool {
    section.page_start.is_some_and(|p| p as usize == page + 1)
}

/// The rule as the engine calls it.
pub static BUILTIN: Builtin = Builtin {
    name: "split",
    about: "cuts a source at section boundaries into parts of limited size",
    inputs: &["source", "toc"],
    outputs: &[
        OutputPort { name: "splits", tree: false, merge: Merge::Splice, split: None, projections: &[], count: None },
        OutputPort { name: "parts", tree: true, merge: Merge::Splice, split: None, projections: &[], count: None },
    ],
    default_params: |_| serde_json::to_value(Params::default()).unwrap_or_default(),
    check_params: |params| params_of::<Params>(params).and_then(|p| check(&p)),
    run: run_bytes,
    fingerprint: env!("INGEST_FINGERPRINT_SPLIT"),
};

fn check(params: &Params) -> Result<(), (String, String)> {
    if !(params.max_part_mb.is_finite() && params.max_part_mb > 0.0) {
        return Err(("max_part_mb".into(), "`max_part_mb` must be above 0".into()));
    }
    if params.max_part_pages == 0 {
        return Err(("max_part_pages".into(), "`max_part_pages` must be at least 1".into()));
    }
    Ok(())
}

fn run_bytes(item: &Item, inputs: &Inputs, params: &Value, limits: &Limits) -> Result<Vec<(&'static str, Output)>, Failure> {
    let bad = |message: String| Failure::new(FailureKind::BadArtifact, message);
    let params = params_of::<Params>(params).map_err(|(_, m)| bad(m))?;
    let source = inputs.file("source")?;
    let tocs: Vec<SourceToc> = artifact::from_json(&inputs.file("toc")?.bytes).map_err(|e| bad(format!("`toc`: {e}")))?;
    let toc = tocs.into_iter().find(|t| t.source_id == item.source_id);
    let toc = toc.ok_or_else(|| bad(format!("`toc` has no source `{}`", item.source_id)))?;
    let read = Source { source_id: &item.source_id, name: &source.name, bytes: &source.bytes, toc: &toc };
    let outputs = run(read, &params, limits)?;
    Ok(vec![("splits", artifact::array(&[&outputs.splits])?), ("parts", Output::Tree(outputs.parts))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::pdf::sample;
    use crate::document::section::Origin;

    fn toc(chapters: &[u32], pages: u32) -> SourceToc {
        let section = |(i, page): (usize, &u32)| Section {
            section_id: format!("sec-{i}"),
            title: format!("Chapter {i}"),
            level: 1,
            parent_id: None,
            page_start: Some(*page),
            page_end: Some(chapters.get(i + 1).map_or(pages, |next| next - 1)),
            anchor: None,
            origin: Origin::Outline,
            confidence: 1.0,
        };
        SourceToc {
            source_id: "book-pdf".into(),
            path: "book.pdf".into(),
            title: "Book".into(),
            page_count: Some(pages),
            pages_needing_ocr: 0,
            origin: Origin::Outline,
            confidence: 1.0,
            page_labels: Vec::new(),
            sections: chapters.iter().enumerate().map(section).collect(),
            notes: Vec::new(),
        }
    }

    fn split(texts: &[String], chapters: &[u32], params: &Params) -> Outputs {
        let bytes: Arc<[u8]> = sample::book(texts).into();
        let toc = toc(chapters, u32::try_from(texts.len()).unwrap());
        run(Source { source_id: "book-pdf", name: "book.pdf", bytes: &bytes, toc: &toc }, params, &Limits::default()).unwrap()
    }

    fn texts(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("Page about subject {i}")).collect()
    }

    #[test]
    fn a_small_source_is_its_own_part() {
        let bytes: Arc<[u8]> = sample::book(&texts(3)).into();
        let toc = toc(&[1], 3);
        let out = run(
            Source { source_id: "book-pdf", name: "Book.PDF", bytes: &bytes, toc: &toc },
            &Params::default(),
            &Limits::default(),
        )
        .unwrap();
        assert_eq!(out.parts.len(), 1);
        assert_eq!(out.parts[0].bytes, bytes);
        assert!(out.parts[0].name.ends_with(".pdf"));
        assert_eq!((out.splits.parts[0].page_start, out.splits.parts[0].page_end), (Some(1), Some(3)));
    }

    #[test]
    fn parts_are_contiguous_and_complete_and_within_limits() {
        let chapters = [1, 12, 30, 41, 55, 90];
        let out = split(&texts(100), &chapters, &Params { max_part_pages: 20, ..Params::default() });
        let mut next = 1;
        for part in &out.splits.parts {
            assert_eq!(part.page_start, Some(next));
            next = part.page_end.unwrap() + 1;
            assert!(part.page_end.unwrap() - part.page_start.unwrap() < 20);
        }
        assert_eq!(next, 101);
        let starts: Vec<u32> = out.splits.parts.iter().filter_map(|p| p.page_start).collect();
        assert!(chapters.iter().filter(|c| starts.contains(c)).count() >= 4);
        let mut ids: Vec<&str> = out.splits.parts.iter().map(|p| p.part_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), out.splits.parts.len());
    }

    #[test]
    fn an_inserted_page_changes_the_part_that_it_is_in() {
        let params = Params { max_part_pages: 20, ..Params::default() };
        let before = split(&texts(100), &[1, 12, 30, 41, 55, 90], &params);
        let mut longer = texts(100);
        longer.insert(35, "A new page".into());
        let after = split(&longer, &[1, 12, 30, 42, 56, 91], &params);
        let kept = after.parts.iter().filter(|p| before.parts.iter().any(|q| q.name == p.name && q.bytes == p.bytes)).count();
        assert!(kept + 2 >= after.parts.len(), "{kept} of {}", after.parts.len());
    }

    #[test]
    fn a_part_above_the_size_limit_is_cut_again() {
        let out = split(&texts(10), &[1], &Params { max_part_mb: 0.002, ..Params::default() });
        assert!(out.parts.len() > 1);
        assert!(out.parts.iter().zip(&out.splits.parts).all(|(p, s)| p.bytes.len() <= 2000 || s.page_start == s.page_end));
    }
}
