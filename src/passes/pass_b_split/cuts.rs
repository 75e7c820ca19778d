//! Where a source is cut: at the strongest section starts, ties broken by the section's own id, so that a cut stays where it
//! is when something changes elsewhere. Knows nothing of files.

use std::ops::Range;

use crate::digest::Digest;
use crate::document::section::Section;

/// A page that a part may begin at. Smaller sorts first and is cut first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strength {
    /// Level of the highest section that starts on the page; `u32::MAX` if none does.
    level: u32,
    /// Of the section's id, or of the page's content where no section starts.
    digest: Digest,
}

/// The strength of each page (0-based) as the first page of a part.
pub fn strengths(sections: &[Section], page_digests: &[Digest]) -> Vec<Strength> {
    let mut out: Vec<Strength> = page_digests.iter().map(|d| Strength { level: u32::MAX, digest: *d }).collect();
    for section in sections {
        let page = section.page_start.map(|p| p as usize).and_then(|p| p.checked_sub(1));
        if let Some(slot) = page.and_then(|p| out.get_mut(p))
            && section.level < slot.level
        {
            *slot = Strength { level: section.level, digest: Digest::of(section.section_id.as_bytes()) };
        }
    }
    out
}

/// The page to cut `range` at: the strongest that leaves at least a few pages on both sides. `None` for a single page.
pub fn cut(strengths: &[Strength], range: &Range<usize>) -> Option<usize> {
    /// Parts of fewer pages cost more to start than to read.
    const FEW: usize = 4;
    let strongest = |from: usize, to: usize| (from..to).min_by_key(|&p| strengths.get(p).cloned());
    if range.len() < 2 {
        return None;
    }
    let apart = FEW.min(range.len() / 2);
    strongest(range.start + apart, range.end - apart + 1).or_else(|| strongest(range.start + 1, range.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::section::Origin;

    fn section(id: &str, level: u32, page: u32) -> Section {
        Section {
            section_id: id.into(),
            title: id.into(),
            level,
            parent_id: None,
            page_start: Some(page),
            page_end: Some(page),
            anchor: None,
            origin: Origin::Outline,
            confidence: 1.0,
        }
    }

    #[test]
    fn a_chapter_is_cut_before_a_section() {
        let digests = vec![Digest::of(b"x"); 40];
        let s = strengths(&[section("chapter", 1, 21), section("section", 2, 11)], &digests);
        assert_eq!(cut(&s, &(0..40)), Some(20));
        assert_eq!(cut(&s, &(0..20)), Some(10));
    }

    #[test]
    fn two_pages_can_be_cut_and_one_cannot() {
        let s = strengths(&[], &[Digest::of(b"a"), Digest::of(b"b")]);
        assert_eq!(cut(&s, &(0..2)), Some(1));
        assert_eq!(cut(&s, &(1..2)), None);
    }
}
