//! Bounds the nesting of HTML before it is parsed: an HTML parser's time grows with the square of the depth, and tags that
//! are left open are reopened in every paragraph. Knows only where tags begin and end.

use std::borrow::Cow;

use crate::builtin::{Failure, LimitName, Limits};

/// Elements deeper than this are flattened: their tags go, their text stays. Real pages stay below 60.
const MAX_DEPTH: usize = 128;
/// As `MAX_DEPTH`, for elements that the parser reopens in every later block when they are left open.
const MAX_FORMATTING: usize = 16;
/// A tag with more attributes goes: the parser compares each with all before it. Real tags have fewer than 30.
const MAX_ATTRIBUTES: usize = 512;

const VOID: [&str; 13] = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
/// Their start tags end an open element of their own name, so they do not nest by themselves.
const SELF_ENDING: [&str; 8] = ["p", "li", "dt", "dd", "option", "body", "a", "nobr"];
/// The same, but within `svg` and `math`, where they are ordinary names.
const TABLE_PARTS: [&str; 7] = ["tr", "td", "th", "thead", "tbody", "tfoot", "colgroup"];
const FORMATTING: [&str; 14] = ["b", "big", "code", "em", "font", "i", "rp", "rt", "s", "small", "strike", "strong", "tt", "u"];
const FOREIGN: [&str; 2] = ["svg", "math"];
/// What is between their tags is no markup.
const RAW: [&str; 6] = ["script", "style", "title", "textarea", "xmp", "noframes"];

/// Something lies deeper than the limit on nesting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooDeep {
    /// Levels, those that are left open among them.
    pub depth: usize,
    /// Where the deepest begins, 1-based.
    pub line: usize,
}

impl TooDeep {
    /// The level that begins at byte `at` of `text`.
    pub fn at(depth: usize, text: &str, at: usize) -> Self {
        Self { depth, line: memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count() + 1 }
    }

    /// The failure of a text whose `what` lie too deep in each other.
    pub fn failure(self, what: &str, limits: &Limits) -> Failure {
        let found = format_args!("{what} lie {} levels deep in line {}", self.depth, self.line).to_string();
        Failure::passed(limits, LimitName::Nesting, found)
    }
}

/// `html` without the tags that nest too deep to be parsed, and how many these were; what nests deeper than `limit`, if
/// anything does.
pub fn bound(html: &str, limit: u64) -> Result<(Cow<'_, str>, usize), TooDeep> {
    let mut scan = Scan::new(html);
    let (_, dropped) = scan.run(false);
    if scan.deepest as u64 > limit {
        return Err(TooDeep::at(scan.deepest, html, scan.deepest_at));
    }
    if dropped == 0 {
        return Ok((Cow::Borrowed(html), 0));
    }
    let (kept, dropped) = Scan::new(html).run(true);
    Ok((Cow::Owned(kept), dropped))
}

struct Scan<'a> {
    html: &'a str,
    at: usize,
    open: usize,
    formatting: usize,
    hidden_open: usize,
    hidden_formatting: usize,
    /// Open `svg` and `math` elements.
    foreign: usize,
    dropped: usize,
    /// Most elements open at once, kept or not, and where the last of them begins.
    deepest: usize,
    deepest_at: usize,
}

impl<'a> Scan<'a> {
    fn new(html: &'a str) -> Self {
        Self {
            html,
            at: 0,
            open: 0,
            formatting: 0,
            hidden_open: 0,
            hidden_formatting: 0,
            foreign: 0,
            dropped: 0,
            deepest: 0,
            deepest_at: 0,
        }
    }

    fn run(&mut self, keep: bool) -> (String, usize) {
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
        let (len, attributes) = end_of_tag(rest);
        if attributes > MAX_ATTRIBUTES {
            return (len, false);
        }
        if RAW.contains(&name.as_str()) && !closing {
            let end = find_ignoring_case(&rest[len..], &format!("</{name}")).map_or(rest.len(), |i| len + i);
            return (end, true);
        }
        let name = name.as_str();
        if FOREIGN.contains(&name) {
            self.foreign = if closing { self.foreign.saturating_sub(1) } else { self.foreign + 1 };
        }
        let is_empty = self.foreign > 0 && rest[..len].ends_with("/>");
        let is_flat = SELF_ENDING.contains(&name) || (self.foreign == 0 && TABLE_PARTS.contains(&name));
        if is_empty || is_flat || VOID.contains(&name) || RAW.contains(&name) {
            return (len, true);
        }
        let kept = self.count(closing, FORMATTING.contains(&name));
        if self.open + self.hidden_open > self.deepest {
            (self.deepest, self.deepest_at) = (self.open + self.hidden_open, self.at);
        }
        (len, kept)
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

/// Bytes up to and with the `>` that ends the tag at the start of `tag`, and at most how many attributes it has; quoted
/// attribute values may hold `>`.
fn end_of_tag(tag: &str) -> (usize, usize) {
    let mut quote = None;
    let mut after_equals = false;
    let mut after_gap = false;
    let mut attributes = 0;
    for (i, b) in tag.bytes().enumerate() {
        match quote {
            Some(q) if b == q => quote = None,
            Some(_) => {}
            None if b == b'>' => return (i + 1, attributes),
            None if after_equals && (b == b'"' || b == b'\'') => quote = Some(b),
            None => {}
        }
        let parts = b.is_ascii_whitespace() || b == b'/' || b == b'"' || b == b'\'';
        attributes += usize::from(quote.is_none() && after_gap && !parts && b != b'=');
        after_gap = quote.is_none() && parts;
        after_equals = b == b'=' || (after_equals && b.is_ascii_whitespace());
    }
    (tag.len(), attributes)
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
        assert_eq!(bound(page, 16), Ok((Cow::Borrowed(page), 0)));
    }

    #[test]
    fn what_nests_too_deep_loses_its_tags_and_keeps_its_text() {
        let deep = format!("{}heart{}after", "<div>".repeat(1000), "</div>".repeat(1000));
        let (html, dropped) = bound(&deep, 1000).unwrap();
        assert_eq!(dropped, 2 * (1000 - MAX_DEPTH));
        assert_eq!(html.matches("<div>").count(), MAX_DEPTH);
        assert!(html.contains("heart") && html.ends_with("after"));
    }

    #[test]
    fn what_nests_deeper_than_the_limit_is_told_with_its_line() {
        let deep = format!("<p>one\n{}heart", "<div>\n".repeat(40));
        assert_eq!(bound(&deep, 39), Err(TooDeep { depth: 40, line: 41 }));
        assert!(bound(&deep, 40).is_ok());
    }

    #[test]
    fn a_tag_with_too_many_attributes_goes() {
        let tag = (0..MAX_ATTRIBUTES + 1).fold("<p ".to_owned(), |t, i| t + &format!("a{i}='x y z'"));
        assert_eq!(bound(&(tag + ">text"), 500).unwrap().0, "text");
        assert_eq!(end_of_tag("<a href='x y' id=b c/>"), (22, 3));
    }

    #[test]
    fn drawings_and_open_anchors_do_not_count() {
        let page = "<p><svg><path d='x'/><g><circle r=1 /></g></svg><a name=x>y<li>z".repeat(1000);
        assert_eq!(bound(&page, 16).unwrap().1, 0);
    }

    #[test]
    fn open_formatting_is_bounded() {
        assert_eq!(bound(&"<b>x".repeat(100), 16).unwrap().0.matches("<b>").count(), MAX_FORMATTING);
    }
}
