//! Errors that point at a place in a text: file, line, column, the offending line, and a way out.
//! Knows nothing of what the text means.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Something that is wrong at one place of a text file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// As the user named it.
    pub file: Arc<str>,
    /// The whole text of the file.
    pub text: Arc<str>,
    /// Bytes of `text`; an empty span is a position.
    pub span: Range<usize>,
    /// One sentence, lower case, no final period.
    pub message: String,
    /// What to say at the offending text; "" for nothing.
    pub label: String,
    /// The way out, if one is known.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Line and column of the place, both from 1; columns count characters.
    #[must_use]
    pub fn line_column(&self) -> (usize, usize) {
        let start = floor_char_boundary(&self.text, self.span.start);
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Several lines as rustc draws them: the sentence, the place, the offending line, the hint. Ends without a line end.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let start = floor_char_boundary(&self.text, self.span.start);
        let end = floor_char_boundary(&self.text, self.span.end).max(start);
        let mark = AnnotationKind::Primary.span(start..end).label((!self.label.is_empty()).then_some(self.label.as_str()));
        let snippet = Snippet::source(&*self.text).path(&*self.file).annotation(mark);
        let mut group = Level::ERROR.primary_title(self.message.as_str()).element(snippet);
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: message`, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}: {}", self.file, self.message)
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, span: Range<usize>) -> Diagnostic {
        let (message, label, hint) = ("unknown key `sorces`".into(), "not a key".into(), Some("did you mean `sources`?".into()));
        Diagnostic { file: "Ingestfile.toml".into(), text: text.into(), span, message, label, hint }
    }

    #[test]
    fn the_offending_line_is_shown_with_its_place() {
        insta::assert_snapshot!(at("[job]\nsorces = 1\n", 6..12).render(false), @r"
        error: unknown key `sorces`
         --> Ingestfile.toml:2:1
          |
        2 | sorces = 1
          | ^^^^^^ not a key
          |
          = hint: did you mean `sources`?
        ");
    }

    #[test]
    fn one_line_names_the_place_in_characters() {
        assert_eq!(at("é = 1\né sorces\n", 10..16).to_string(), "Ingestfile.toml:2:3: unknown key `sorces`");
    }

    #[test]
    fn a_place_at_or_past_the_end_does_not_panic() {
        for span in [0..0, 3..99, 99..120, 1..2] {
            let rendered = at("é\n", span).render(false);
            assert!(rendered.contains("unknown key"), "{rendered}");
        }
    }
}
