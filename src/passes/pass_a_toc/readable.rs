//! Whether the pages of a book can be read at all. A book without text is no good book, however well it opens.

use crate::builtin::{Failure, FailureKind};
use crate::document::flow::FlowText;
use crate::document::page_text::PageText;

/// Pages that need OCR, if the others can be read.
///
/// # Errors
/// `NeedsOcr` if no page holds text and some show something, or if most glyphs are no text; `NoText` if all are blank; `NotReadable` if what they
/// would show cannot be decoded.
pub(super) fn check(pages: &[&PageText]) -> Result<u32, Failure> {
    let unread = pages.iter().filter(|p| p.needs_ocr()).count();
    if !pages.is_empty() && !pages.iter().any(|p| p.has_text()) {
        return Err(without_text(pages, unread));
    }
    let unmapped: u64 = pages.iter().map(|p| u64::from(p.unmapped)).sum();
    let spans = || pages.iter().flat_map(|p| &p.lines).flat_map(|l| &l.spans);
    let letters = || spans().map(|s| s.text.chars().filter(|c| !c.is_whitespace()).count() as u64).sum();
    let letters: u64 = if unmapped == 0 { 0 } else { letters() };
    if unmapped > letters {
        let message = format!(
            "only {letters} of its {} letters can be read: its fonts do not say what the others are; it needs OCR, for \
             example `ocrmypdf --force-ocr in.pdf out.pdf`",
            unmapped + letters
        );
        return Err(Failure::new(FailureKind::NeedsOcr, message));
    }
    Ok(u32::try_from(unread).unwrap_or(u32::MAX))
}

/// Whether a file without pages holds text.
///
/// # Errors
/// `NoText` if none of its blocks does.
pub(super) fn check_flow(flow: &FlowText) -> Result<(), Failure> {
    if flow.blocks.iter().any(|b| !b.text.trim().is_empty()) {
        return Ok(());
    }
    Err(Failure::new(FailureKind::NoText, "it holds no text: nothing but blanks, or markup that shows nothing"))
}

fn without_text(pages: &[&PageText], unread: usize) -> Failure {
    let none = match pages.len() {
        1 => "its only page holds no text".to_owned(),
        n => format!("none of its {n} pages holds text"),
    };
    if pages.iter().any(|p| p.hides_text()) && unread == 0 {
        let message = format!(
            "{none} that a reader sees; what they hold is hidden (drawn in no colour, in that of its ground, or off the page): \
             if it is to be read, make it visible, or print the book to a new PDF and recognise its text there"
        );
        return Failure::new(FailureKind::NoText, message);
    }
    if unread == 0 {
        return Failure::new(FailureKind::NoText, format!("{none}, and nothing else is shown: it is blank"));
    }
    if let Some(what) = undecoded(pages)
        && pages.iter().all(|p| p.images == 0 && p.unmapped == 0)
    {
        return Failure::new(FailureKind::NotReadable, format!("{none}: {what}"));
    }
    let why = if pages.iter().any(|p| p.unmapped > 0) {
        "its fonts do not say what their glyphs are"
    } else if pages.iter().any(|p| p.images > 0) {
        "it shows images"
    } else {
        "it shows drawings, or what no reader understands"
    };
    let message = format!("{none} ({why}): it needs OCR, for example `ocrmypdf --force-ocr in.pdf out.pdf`");
    Failure::new(FailureKind::NeedsOcr, message)
}

/// What is said of pages with content that cannot be decoded, if there are any: which, and by which filters.
pub(super) fn undecoded(pages: &[&PageText]) -> Option<String> {
    const SHOWN: usize = 5;
    let damaged: Vec<(usize, &PageText)> =
        pages.iter().enumerate().filter(|(_, p)| !p.undecoded.is_empty()).map(|(i, p)| (i + 1, *p)).collect();
    let (first, _) = damaged.first()?;
    let shown: Vec<String> = damaged.iter().take(SHOWN).map(|(number, _)| number.to_string()).collect();
    let which = match damaged.len() {
        1 => format!("page {first}"),
        n if n > SHOWN => format!("{n} pages ({}, …)", shown.join(", ")),
        _ => format!("pages {}", shown.join(", ")),
    };
    let mut filters: Vec<&str> = damaged.iter().flat_map(|(_, p)| &p.undecoded).map(String::as_str).collect();
    filters.sort_unstable();
    filters.dedup();
    let more = if filters.len() > SHOWN { ", …" } else { "" };
    filters.truncate(SHOWN);
    Some(format!(
        "content of {which} cannot be decoded (filter `{}`{more}): the file is damaged there; fetch it again, or try \
         `qpdf in.pdf out.pdf`",
        filters.join("`, `")
    ))
}

/// What the notes say of `unread` pages of `all`.
pub(super) fn note(unread: u32, all: usize) -> String {
    let pages = if all == 1 { "page" } else { "pages" };
    format!("{unread} of {all} {pages} hold no text: they need OCR")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::Limits;
    use crate::document::markup;
    use crate::document::page_text::{Span, TextLine, Visibility};

    fn printed(text: &str) -> PageText {
        let line = TextLine { spans: vec![Span { text: text.to_owned(), ..Span::default() }], ..TextLine::default() };
        PageText { lines: vec![line], ..PageText::default() }
    }

    fn kind(pages: &[&PageText]) -> Result<u32, FailureKind> {
        check(pages).map_err(|f| f.kind)
    }

    #[test]
    fn a_file_without_pages_holds_text_or_is_told() {
        let read = |extension: &str, bytes: &[u8]| check_flow(&markup::read(extension, bytes, &Limits::default()).unwrap());
        for (extension, bytes) in [
            ("md", " \n\t\n".as_bytes()),
            ("txt", b"\xef\xbb\xbf"),
            ("html", b"<title>A Book</title><!-- nothing --><script>run()</script>"),
        ] {
            assert_eq!(read(extension, bytes).unwrap_err().kind, FailureKind::NoText, "{extension}");
        }
        for (extension, bytes) in [("md", "# A"), ("txt", "a"), ("html", "<table><tr><td>a</table>"), ("md", "```\na\n```")] {
            assert_eq!(read(extension, bytes.as_bytes()), Ok(()), "{bytes}");
        }
    }

    #[test]
    fn a_book_is_as_readable_as_its_pages() {
        let (text, blank) = (printed("some words"), PageText::default());
        let scan = PageText { images: 1, ..PageText::default() };
        let mute = PageText { unmapped: 900, ..printed("fi") };
        assert_eq!(kind(&[&text, &scan, &scan, &blank]), Ok(2));
        assert_eq!(kind(&[&scan, &blank]), Err(FailureKind::NeedsOcr));
        assert_eq!(kind(&[&blank, &blank]), Err(FailureKind::NoText));
        let mut hidden = printed("a secret");
        hidden.lines[0].visibility = Visibility::OffPage;
        assert_eq!(check(&[&hidden, &blank]).map_err(|f| f.message.contains("is hidden")), Err(true));
        assert_eq!(kind(&[&text, &hidden]), Ok(0));
        assert_eq!(kind(&[&PageText { images: 1, ..hidden.clone() }]), Err(FailureKind::NeedsOcr));
        assert_eq!(kind(&[&text, &mute]), Err(FailureKind::NeedsOcr));
        assert_eq!(kind(&[&PageText { unmapped: 3, ..text.clone() }]), Ok(0));
        assert_eq!(kind(&[]), Ok(0));
    }
}
