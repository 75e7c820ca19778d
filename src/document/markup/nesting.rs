//! Bounds the nesting of HTML before it is parsed: an HTML parser's time grows with the square of the depth, and tags that
//! are left open are reopened in every paragraph. Knows only where tags begin and end.

use std::borrow::Cow;

/// Elements deeper than this are flattened: their tags go, their text stays. Real pages stay below 60.
const MAX_DEPTH: usize = 256;
/// As `MAX_DEPTH`, for elements that the parser reopens in every later block when they are left open.
const MAX_FORMATTING: usize = 16;

const VOID: [&str; 13] = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
/// Their end tags may be left out, so their start tags say nothing of depth.
const OPTIONAL_END: [&str; 16] =
    ["p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "optgroup", "colgroup", "rp", "rt", "body"];
const FORMATTING: [&str; 14] = ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
/// What is between their tags is no markup.
const RAW: [&str; 6] = ["script", "style", "title", "textarea", "xmp", "noframes"];

/// `html` without the tags that nest too deep, and how many these were.
pub fn bound(html: &str) -> (Cow<'_, str>, usize) {
    let (_, dropped) = Scan::new(html).run(false);
    if dropped == 0 {
        return (Cow::Borrowed(html), 0);
    }
    let (kept, dropped) = Scan::new(html).run(true);
    (Cow::Owned(kept), dropped)
}

struct Scan<'a> {
    html: &'a str,
    at: usize,
    open: usize,
    formatting: usize,
    hidden_open: usize,
    hidden_formatting: usize,
    dropped: usize,
}

impl<'a> Scan<'a> {
    fn new(html: &'a str) -> Self {
        Self { html, at: 0, open: 0, formatting: 0, hidden_open: 0, hidden_formatting: 0, dropped: 0 }
    }

    fn run(mut self, keep: bool) -> (String, usize) {
        let mut out = String::new();
        while self.at < self.html.len() {
            let rest = &self.html[self.at..];
            let text = rest.find('<').unwrap_or(rest.len());
            let (len, kept) = if text > 0 { (text, true) } else { self.tag(rest) };
            if keep && kept {
                out.push_str(&rest[..len]);
            }
            self.dropped += usize::from(!kept);
            self.at += len;
        }
        (out, self.dropped)
    }

    /// Length of the markup at the start of `rest`, which begins with `<`, and whether it stays.
    fn tag(&mut self, rest: &str) -> (usize, bool) {
        if rest.starts_with("<!--") {
            return (rest.find("-->").map_or(rest.len(), |i| i + 3), true);
        }
        let closing = rest.starts_with("</");
        let name_at = if closing { 2 } else { 1 };
        let name: String =
            rest[name_at..].chars().take_while(char::is_ascii_alphanumeric).take(16).collect::<String>().to_ascii_lowercase();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return (1, true);
        }
        let len = end_of_tag(rest);
        if RAW.contains(&name.as_str()) && !closing {
            let end = find_ignoring_case(&rest[len..], &format!("</{name}")).map_or(rest.len(), |i| len + i);
            return (end, true);
        }
        let is_void = VOID.contains(&name.as_str()) || OPTIONAL_END.contains(&name.as_str());
        if is_void || RAW.contains(&name.as_str()) {
            return (len, true);
        }
        (len, self.count(closing, FORMATTING.contains(&name.as_str())))
    }

    /// Counts a start or end tag; false if it has to go.
    fn count(&mut self, closing: bool, formatting: bool) -> bool {
        let (open, hidden, limit) = if formatting {
            (&mut self.formatting, &mut self.hidden_formatting, MAX_FORMATTING)
        } else {
            (&mut self.open, &mut self.hidden_open, MAX_DEPTH)
        };
        match (closing, *hidden > 0) {
            (true, true) => *hidden -= 1,
            (true, false) => {
                *open = open.saturating_sub(1);
                return true;
            }
            (false, _) if *open < limit => {
                *open += 1;
                return true;
            }
            (false, _) => *hidden += 1,
        }
        false
    }
}

/// Bytes up to and with the `>` that ends the tag at the start of `tag`; quoted attribute values may hold `>`.
fn end_of_tag(tag: &str) -> usize {
    let mut quote = None;
    let mut after_equals = false;
    for (i, b) in tag.bytes().enumerate() {
        match quote {
            Some(q) if b == q => quote = None,
            Some(_) => {}
            None if b == b'>' => return i + 1,
            None if after_equals && (b == b'"' || b == b'\'') => quote = Some(b),
            None => {}
        }
        after_equals = b == b'=' || (after_equals && b.is_ascii_whitespace());
    }
    tag.len()
}

/// Where ASCII `needle` stands in `text`, in any case.
fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|w| w.eq_ignore_ascii_case(needle.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_pages_are_left_alone() {
        let page = "<!doctype html><p>one<p>two<!-- <div> --><script>if (a<b) '<div>'</script><br><a title='<b>'>x</a>";
        assert_eq!(bound(page), (Cow::Borrowed(page), 0));
    }

    #[test]
    fn what_nests_too_deep_loses_its_tags_and_keeps_its_text() {
        let deep = format!("{}heart{}after", "<div>".repeat(1000), "</div>".repeat(1000));
        let (html, dropped) = bound(&deep);
        assert_eq!(dropped, 2 * (1000 - MAX_DEPTH));
        assert_eq!(html.matches("<div>").count(), MAX_DEPTH);
        assert!(html.contains("heart") && html.ends_with("after"));
    }

    #[test]
    fn open_formatting_is_bounded() {
        assert_eq!(bound(&"<b>x".repeat(100)).0.matches("<b>").count(), MAX_FORMATTING);
    }
}
