//! Which section a reference leads to: printed page labels give physical pages, numbers give chapters, titles give sections.
//! What is ambiguous or belongs to another book is an error with its reason, never a guess. Which words count chapters and
//! other divisions says a vocabulary.

use std::collections::BTreeMap;

use crate::document::entity::Reference;
use crate::document::normalized::name_key;
use crate::document::references::number;
use crate::document::section::Section;
use crate::document::section::SourceToc;
use crate::document::vocabulary::Vocabulary;

/// The contents of one book, ready to be asked.
pub struct Contents<'a> {
    toc: &'a SourceToc,
    vocabulary: &'a Vocabulary,
    /// Normalised title, with and without its number → indices of sections.
    by_title: BTreeMap<String, Vec<usize>>,
    /// Printed label in lower case → physical pages.
    by_label: BTreeMap<String, Vec<u32>>,
    /// Chapter number → index of its section.
    chapters: BTreeMap<u32, Vec<usize>>,
    /// Index of the parent of each section.
    parents: Vec<Option<usize>>,
}

impl<'a> Contents<'a> {
    /// Those of `toc`, whose headings and references are in the words of `vocabulary`.
    #[must_use]
    pub fn new(toc: &'a SourceToc, vocabulary: &'a Vocabulary) -> Self {
        let mut by_title: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut chapters: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (i, section) in toc.sections.iter().enumerate() {
            for key in title_keys(&section.title, vocabulary) {
                let list = by_title.entry(key).or_default();
                if list.last() != Some(&i) {
                    list.push(i);
                }
            }
            if let Some(n) = chapter_number(section, vocabulary) {
                chapters.entry(n).or_default().push(i);
            }
        }
        let mut by_label: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (page, label) in (1u32..).zip(&toc.page_labels) {
            if !label.trim().is_empty() {
                by_label.entry(label.trim().to_lowercase()).or_default().push(page);
            }
        }
        let ids: BTreeMap<&str, usize> = toc.sections.iter().enumerate().map(|(i, s)| (s.section_id.as_str(), i)).collect();
        let parents = toc.sections.iter().map(|s| s.parent_id.as_deref().and_then(|p| ids.get(p).copied())).collect();
        Self { toc, vocabulary, by_title, by_label, chapters, parents }
    }

    /// The section that `reference`, printed in a chunk of section `from` (index) with the words `before` it, leads to.
    ///
    /// # Errors
    /// The reason why there is none, for people: lower case, no final period.
    pub fn resolve(&self, reference: &Reference, from: Option<usize>, before: &str) -> Result<&'a Section, String> {
        let index = match reference.kind.as_str() {
            "page" => self.page(&reference.target, before),
            "chapter" => self.chapter(&reference.target),
            _ => self.title(&reference.target, from),
        }?;
        self.toc.sections.get(index).ok_or_else(|| "the section is not in the contents".to_owned())
    }

    /// Index of the section with this id.
    #[must_use]
    pub fn index_of(&self, section_id: &str) -> Option<usize> {
        self.toc.sections.iter().position(|s| s.section_id == section_id)
    }

    /// Sections whose heading is `name`, or `name` with a short qualifier before or after it.
    #[must_use]
    pub fn titled(&self, name: &str) -> &[usize] {
        self.by_title.get(&name_key(name)).map_or(&[], Vec::as_slice)
    }

    fn page(&self, target: &str, before: &str) -> Result<usize, String> {
        if let Some((title, page)) = target.rsplit_once(',') {
            // A section of this book named before its page, or another book.
            return match self.titled(title) {
                [] => Err(format!("`{title}` is no section of this book")),
                [one] => Ok(*one),
                many => self.page(last_word(page), before).and_then(|i| {
                    many.iter().copied().find(|m| *m == i).ok_or_else(|| format!("`{title}` stands on several pages"))
                }),
            };
        }
        let label = target.split(['-', '–', '—']).next().unwrap_or(target).trim();
        let physical = self.physical_page(label)?;
        self.section_at(physical, before).ok_or_else(|| format!("no section reaches page {label}"))
    }

    fn physical_page(&self, label: &str) -> Result<u32, String> {
        let Some(count) = self.toc.page_count else { return Err("the source has no pages".to_owned()) };
        if self.by_label.is_empty() {
            let number = label.parse::<u32>().ok().filter(|n| (1..=count).contains(n));
            return number.ok_or_else(|| format!("there is no page {label}"));
        }
        match self.by_label.get(&label.to_lowercase()).map(Vec::as_slice) {
            Some([page]) => Ok(*page),
            Some(_) => Err(format!("the label {label} stands on several pages")),
            None => Err(format!("no page bears the label {label}")),
        }
    }

    /// The section on a page: the one that begins there and whose title stands before the reference, else the first that
    /// begins there, else the one that goes on there.
    fn section_at(&self, page: u32, before: &str) -> Option<usize> {
        let starts = |s: &Section| s.page_start == Some(page);
        let here: Vec<usize> = self.toc.sections.iter().enumerate().filter(|(_, s)| starts(s)).map(|(i, _)| i).collect();
        let words = format!(" {} ", name_key(before));
        let named = |i: &usize| self.toc.sections.get(*i).is_some_and(|s| words.contains(&format!(" {} ", name_key(&s.title))));
        if let Some(found) = here.iter().copied().find(named).or_else(|| here.first().copied()) {
            return Some(found);
        }
        let goes_on = |s: &Section| s.page_start.is_some_and(|a| a < page) && s.page_end.is_some_and(|b| b >= page);
        self.toc.sections.iter().rposition(goes_on)
    }

    fn chapter(&self, target: &str) -> Result<usize, String> {
        let Some(n) = number::value(target, &self.vocabulary.numbers) else { return Err(format!("`{target}` is no number")) };
        match self.chapters.get(&n).map(Vec::as_slice) {
            Some([one]) => Ok(*one),
            Some(_) => Err(format!("several sections are chapter {n}")),
            None => Err(format!("no section is chapter {n}")),
        }
    }

    fn title(&self, target: &str, from: Option<usize>) -> Result<usize, String> {
        // "Section 2.3" may be headed by its number alone.
        let number = target.split_once(char::is_whitespace).filter(|(word, number)| {
            self.vocabulary.is_division(word) && number.trim_start().starts_with(|c: char| c.is_ascii_digit())
        });
        let found = match (self.titled(target), number) {
            ([], Some((_, number))) => self.titled(number),
            (found, _) => found,
        };
        match found {
            // "Inventory and Slots" may name two sections: the first is one that it leads to.
            [] => match self.first_of_two(target).map(|first| self.titled(first)) {
                Some([one]) => Ok(*one),
                _ => Err(format!("no section is called `{target}`")),
            },
            [one] => Ok(*one),
            many => self
                .only_chapter(many)
                .or_else(|| self.nearest(many, from))
                .ok_or_else(|| format!("several sections are called `{target}`")),
        }
    }

    /// What stands before the first word that lists.
    fn first_of_two<'t>(&self, target: &'t str) -> Option<&'t str> {
        let lists = |word: &str| self.vocabulary.references.and.contains(&word.to_lowercase());
        let joint = target.split_whitespace().skip(1).find(|word| lists(word))?;
        target.split_once(&format!(" {joint} ")).map(|(first, _)| first)
    }

    /// The one at the top level: whoever names a title that a chapter bears means the chapter.
    fn only_chapter(&self, many: &[usize]) -> Option<usize> {
        let mut top = many.iter().copied().filter(|i| self.toc.sections.get(*i).is_some_and(|s| s.parent_id.is_none()));
        let first = top.next()?;
        top.next().is_none().then_some(first)
    }

    /// The one that shares most of its ancestors with `from`; None if several do.
    fn nearest(&self, many: &[usize], from: Option<usize>) -> Option<usize> {
        let here = self.ancestors(from?);
        let shared = |i: usize| self.ancestors(i).iter().rev().zip(here.iter().rev()).take_while(|(a, b)| a == b).count();
        let most = many.iter().map(|i| shared(*i)).max()?;
        let mut nearest = many.iter().copied().filter(|i| shared(*i) == most);
        let first = nearest.next()?;
        nearest.next().is_none().then_some(first)
    }

    /// A section and what encloses it, from the inside out. Ends on cycles.
    fn ancestors(&self, index: usize) -> Vec<usize> {
        let mut chain = vec![index];
        let mut at = index;
        while let Some(parent) = self.parents.get(at).copied().flatten() {
            if chain.contains(&parent) {
                break;
            }
            chain.push(parent);
            at = parent;
        }
        chain
    }
}

fn last_word(text: &str) -> &str {
    text.split_whitespace().next_back().unwrap_or("")
}

/// The keys that a title answers to: itself; without "Chapter 4:" or "2.3"; the number alone; the appendix alone.
fn title_keys(title: &str, vocabulary: &Vocabulary) -> Vec<String> {
    let mut keys = vec![name_key(title)];
    let (first, rest) = title.trim().split_once(char::is_whitespace).unwrap_or((title.trim(), ""));
    let numbered = first.trim_end_matches(['.', ':', ')']);
    if !rest.is_empty()
        && numbered.starts_with(|c: char| c.is_ascii_digit())
        && numbered.chars().all(|c| c.is_ascii_digit() || c == '.')
    {
        keys.extend([name_key(rest), name_key(numbered)]);
    }
    let (number, name) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
    // "Book Keeping" counts nothing.
    if vocabulary.is_division(first) && vocabulary.counts(number) {
        keys.push(name_key(&format!("{first} {}", number.trim_end_matches(['.', ':', ')', '-', '–', '—']))));
        keys.push(name_key(name.trim_start_matches(['-', '–', '—', ':', ' '])));
    }
    // A bracketed qualifier is no part of the name: "Blinded [Condition]".
    if let Some((name, _)) = title.split_once(['[', '(']) {
        keys.push(name_key(name));
    }
    keys.retain(|k| !k.is_empty());
    keys.dedup();
    keys
}

/// The number of a chapter: "Chapter 4: …", "CHAPTER FOUR", or "4. …" and "4 …" at the top level.
fn chapter_number(section: &Section, vocabulary: &Vocabulary) -> Option<u32> {
    let title = section.title.trim();
    let mut words = title.split_whitespace();
    let first = words.next()?;
    let cut = |w: &'_ str| number::value(w.trim_end_matches(['.', ':', ')', '-', '–', '—']), &vocabulary.numbers);
    if vocabulary.references.chapters.contains(&first.to_lowercase()) {
        return words.next().and_then(cut);
    }
    let digits = first.trim_end_matches(['.', ':', ')']);
    let plain = digits.chars().all(|c| c.is_ascii_digit()) && !digits.is_empty() && words.next().is_some();
    (section.level == 1 && plain).then(|| number::value(digits, &vocabulary.numbers)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::entity::Reference;
    use crate::document::references::find;
    use crate::document::section::Origin;

    fn references(text: &str) -> Vec<Reference> {
        find::references(text, &Vocabulary::bundled().unwrap().references)
    }

    fn section(id: &str, title: &str, level: u32, parent: Option<&str>, pages: (u32, u32)) -> Section {
        Section {
            section_id: id.to_owned(),
            title: title.to_owned(),
            level,
            parent_id: parent.map(str::to_owned),
            page_start: Some(pages.0),
            page_end: Some(pages.1),
            anchor: None,
            origin: Origin::Outline,
            confidence: 1.0,
        }
    }

    fn toc() -> SourceToc {
        SourceToc {
            source_id: "book".to_owned(),
            path: "book.pdf".to_owned(),
            title: "Book".to_owned(),
            page_count: Some(8),
            pages_needing_ocr: 0,
            origin: Origin::Outline,
            confidence: 1.0,
            // Two pages of front matter: printed page 1 is the third.
            page_labels: ["i", "ii", "1", "2", "3", "4", "5", "6"].map(str::to_owned).to_vec(),
            sections: vec![
                section("a", "Chapter 1: Making Camp", 1, None, (3, 5)),
                section("b", "Rest", 2, Some("a"), (4, 4)),
                section("c", "Fire", 2, Some("a"), (4, 5)),
                section("d", "Chapter 2: Perils", 1, None, (6, 8)),
                section("e", "Fire", 2, Some("d"), (7, 7)),
                section("f", "Blinded [Condition]", 2, Some("d"), (8, 8)),
            ],
            notes: Vec::new(),
        }
    }

    fn lead(text: &str, from: Option<usize>) -> Result<String, String> {
        let toc = toc();
        let contents = Contents::new(&toc, Vocabulary::bundled().unwrap());
        let reference = references(text).remove(0);
        let before: String = text.chars().take(reference.start as usize).collect();
        contents.resolve(&reference, from, &before).map(|s| s.section_id.clone())
    }

    #[test]
    fn printed_pages_lead_to_the_section_on_the_physical_page() {
        assert_eq!(lead("It is told on page 4.", None), Ok("d".to_owned()));
        assert_eq!(lead("It is told on page 3.", None), Ok("c".to_owned()));
        assert_eq!(lead("Light a fire (page 2).", None), Ok("c".to_owned()));
        assert_eq!(lead("Sleep (page 2).", None), Ok("b".to_owned()));
    }

    #[test]
    fn chapters_and_titles_lead_to_their_sections() {
        assert_eq!(lead("Go to Chapter 2.", None), Ok("d".to_owned()));
        assert_eq!(lead("Go to Chapter Two.", None), Ok("d".to_owned()));
        assert_eq!(lead("All is lost (see Perils).", None), Ok("d".to_owned()));
        assert_eq!(lead("You cannot look (see Blinded).", None), Ok("f".to_owned()));
    }

    #[test]
    fn a_title_that_two_sections_bear_leads_to_the_one_of_the_same_chapter() {
        assert_eq!(lead("It burns (see Fire).", Some(5)), Ok("e".to_owned()));
        assert_eq!(lead("It burns (see Fire).", Some(1)), Ok("c".to_owned()));
        assert!(lead("It burns (see Fire).", None).is_err());
    }

    #[test]
    fn a_title_that_a_chapter_bears_means_the_chapter() {
        let mut toc = toc();
        toc.sections.push(section("g", "Fire", 1, None, (8, 8)));
        let contents = Contents::new(&toc, Vocabulary::bundled().unwrap());
        let reference = references("It burns (see Fire).").remove(0);
        assert_eq!(contents.resolve(&reference, Some(1), "").map(|s| s.section_id.clone()), Ok("g".to_owned()));
    }

    #[test]
    fn what_leads_nowhere_says_why() {
        assert_eq!(lead("It is told on page 94.", None), Err("no page bears the label 94".to_owned()));
        assert_eq!(lead("Use it (page XX).", None), Err("no page bears the label XX".to_owned()));
        assert_eq!(lead("Go to Chapter 9.", None), Err("no section is chapter 9".to_owned()));
        assert!(lead("A rare art (see Lands of the North, page 3).", None).is_err());
    }
}
