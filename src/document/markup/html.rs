//! HTML to blocks: what a reader of the page sees, in document order. The tree is walked with a stack of its own, never by
//! recursion. Knows no style sheets: only `hidden`, `aria-hidden` and inline styles hide an element.

use scraper::{ElementRef, Html, Node};

use super::blocks::{Blocks, fold};
use super::nesting::TooDeep;
use super::place::Place;
use super::{html_table, nesting};
use crate::document::flow::FlowText;

/// No part of the text, or navigation.
const SKIPPED: [&str; 24] = [
    "audio", "button", "canvas", "datalist", "embed", "head", "iframe", "input", "link", "map", "meta", "nav", "noscript",
    "object", "script", "select", "style", "svg", "template", "textarea", "title", "video", "dialog", "math",
];
/// Elements that stand in the line; all others begin and end a block.
const INLINE: [&str; 41] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins",
    "kbd", "label", "mark", "nobr", "output", "picture", "q", "rp", "rt", "ruby", "s", "samp", "slot", "small", "span", "strike",
    "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
];
/// The blocks of a whole document.
///
/// # Errors
/// What nests deeper than `limit`.
pub fn read(html: &str, limit: u64) -> Result<FlowText, TooDeep> {
    let mut blocks = Blocks::default();
    let document = parse(html, limit, &mut blocks)?;
    let is_title = |e: &ElementRef<'_>| {
        e.value().name() == "title" && e.parent().and_then(ElementRef::wrap).is_some_and(|p| p.value().name() == "head")
    };
    if let Some(title) = document.tree.nodes().filter_map(ElementRef::wrap).find(is_title) {
        blocks.title(&title.text().collect::<String>());
    }
    walk(&document, &mut blocks);
    Ok(blocks.finish())
}

/// Adds the blocks of a piece of HTML.
///
/// # Errors
/// What nests deeper than `limit`.
pub fn fragment(html: &str, limit: u64, blocks: &mut Blocks) -> Result<(), TooDeep> {
    let document = parse(html, limit, blocks)?;
    walk(&document, blocks);
    Ok(())
}

fn parse(html: &str, limit: u64, blocks: &mut Blocks) -> Result<Html, TooDeep> {
    let (html, flattened) = nesting::bound(html, limit)?;
    if flattened > 0 {
        blocks.note(format!("{flattened} tags that nest too deep were flattened"));
    }
    Ok(Html::parse_document(&html))
}

fn walk(document: &Html, blocks: &mut Blocks) {
    let mut walker = Walker { blocks, text: String::new(), place: Place::default(), id: None, hidden_chars: 0 };
    let mut stack = vec![Step::Enter(document.root_element())];
    while let Some(step) = stack.pop() {
        match step {
            Step::Text(text) => walker.text.push_str(&text.replace('\n', " ")),
            Step::Leave(element) => walker.leave(element),
            Step::Enter(element) => {
                if walker.enter(element) {
                    stack.push(Step::Leave(element));
                    stack.extend(children(element).into_iter().rev());
                }
            }
        }
    }
    walker.flush();
    let hidden = walker.hidden_chars;
    if hidden > 0 {
        blocks.note(format!("{hidden} characters of hidden text were left out"));
    }
}

/// What is to be done next in a walk.
enum Step<'a> {
    Enter(ElementRef<'a>),
    Leave(ElementRef<'a>),
    Text(&'a str),
}

fn children(element: ElementRef<'_>) -> Vec<Step<'_>> {
    let step = |node| match ElementRef::wrap(node) {
        Some(element) => Some(Step::Enter(element)),
        None => match node.value() {
            Node::Text(text) => Some(Step::Text(&text.text)),
            _ => None,
        },
    };
    element.children().filter_map(step).collect()
}

struct Walker<'b> {
    blocks: &'b mut Blocks,
    text: String,
    place: Place,
    /// Id of an enclosing element that the next heading answers to, if nothing stands between them.
    id: Option<String>,
    hidden_chars: usize,
}

impl Walker<'_> {
    /// Begins an element; false if there is nothing more to see in it.
    fn enter(&mut self, element: ElementRef<'_>) -> bool {
        let name = element.value().name();
        if is_skipped(name) {
            return false;
        }
        if is_hidden(element) {
            self.hidden_chars += fold(&element.text().collect::<String>()).chars().count();
            return false;
        }
        if name == "br" {
            self.text.push('\n');
        } else if !INLINE.contains(&name) {
            self.flush();
        }
        if let Some(id) = element.value().id().or_else(|| element.value().attr("name").filter(|_| name == "a")) {
            self.id = Some(id.to_owned());
        }
        if let Some(level) = heading_level(element) {
            self.heading(level, element);
            return false;
        }
        match name {
            "table" if !html_table::is_layout(element) => html_table::table(element, self.blocks),
            "dl" => html_table::definitions(element, self.blocks),
            "pre" => self.blocks.code(&lines_of(element)),
            "ul" | "menu" => self.place.open_list(None),
            "ol" => self.place.open_list(Some(number(element, "start").unwrap_or(1))),
            "li" => self.place.open_item(number(element, "value")),
            "blockquote" | "aside" => self.place.open_quote(),
            _ => {}
        }
        !(matches!(name, "dl" | "pre") || (name == "table" && !html_table::is_layout(element)))
    }

    fn leave(&mut self, element: ElementRef<'_>) {
        let name = element.value().name();
        if INLINE.contains(&name) || name == "br" {
            return;
        }
        self.flush();
        match name {
            "ul" | "ol" | "menu" => self.place.close_list(),
            "li" => self.place.close_item(),
            "blockquote" | "aside" => self.place.close_quote(),
            _ => {}
        }
    }

    fn heading(&mut self, level: usize, element: ElementRef<'_>) {
        let inner = element.descendants().filter_map(ElementRef::wrap).find_map(|e| {
            let value = e.value();
            value.id().or_else(|| value.attr("name").filter(|_| value.name() == "a"))
        });
        let outer = self.id.take();
        self.blocks.heading(level, &visible_text(element), inner.or(outer.as_deref()));
    }

    fn flush(&mut self) {
        let mut text = std::mem::take(&mut self.text);
        if !text.trim().is_empty() {
            self.id = None;
            let kind = self.place.settle(&mut text);
            self.blocks.text(kind, &text);
        }
    }
}

fn heading_level(element: ElementRef<'_>) -> Option<usize> {
    match element.value().name().as_bytes() {
        [b'h', digit @ b'1'..=b'6'] => Some(usize::from(digit - b'0')),
        _ if element.value().attr("role") == Some("heading") => {
            Some(element.value().attr("aria-level").and_then(|l| l.trim().parse().ok()).unwrap_or(2))
        }
        _ => None,
    }
}

fn number(element: ElementRef<'_>, attribute: &str) -> Option<u64> {
    element.value().attr(attribute)?.trim().parse().ok()
}

fn is_skipped(name: &str) -> bool {
    SKIPPED.contains(&name)
}

/// The element says by itself that it is not shown.
pub fn is_hidden(element: ElementRef<'_>) -> bool {
    let value = element.value();
    let style = value.attr("style").unwrap_or_default().to_ascii_lowercase().replace(char::is_whitespace, "");
    value.attr("hidden").is_some()
        || value.attr("aria-hidden") == Some("true")
        || value.attr("role") == Some("navigation")
        || style.split(';').any(|s| matches!(s, "display:none" | "visibility:hidden" | "opacity:0" | "font-size:0"))
}

/// The text that a reader sees in `element`, `<br>` as `\n`, blocks apart by a space.
pub fn visible_text(element: ElementRef<'_>) -> String {
    gather(element, |text, out| out.push_str(&text.replace('\n', " ")))
}

/// The same with the lines of the source kept.
fn lines_of(element: ElementRef<'_>) -> String {
    gather(element, |text, out| out.push_str(text))
}

fn gather(element: ElementRef<'_>, take: fn(&str, &mut String)) -> String {
    let mut out = String::new();
    let mut stack = children(element);
    stack.reverse();
    while let Some(step) = stack.pop() {
        match step {
            Step::Text(text) => take(text, &mut out),
            Step::Leave(_) => out.push(' '),
            Step::Enter(e) if is_skipped(e.value().name()) || is_hidden(e) => {}
            Step::Enter(e) => {
                let name = e.value().name();
                if name == "br" {
                    out.push('\n');
                } else if !INLINE.contains(&name) {
                    out.push(' ');
                    stack.push(Step::Leave(e));
                }
                stack.extend(children(e).into_iter().rev());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(html: &str) -> FlowText {
        read(html, 50_000).unwrap()
    }
    use crate::document::flow::FlowKind;

    fn shapes(html: &str) -> Vec<(FlowKind, String)> {
        read_all(html).blocks.into_iter().map(|b| (b.kind, b.text)).collect()
    }

    #[test]
    fn what_a_reader_does_not_see_is_left_out() {
        let flow = read_all(
            "<html><head><title>The <b>Fen</b></title><style>p{}</style></head><body><nav>Home</nav><p hidden>secret</p>\
             <script>x()</script><p>Seen <span style='display: none'>not</span> text.<!-- no --></p></body></html>",
        );
        assert_eq!(flow.title, "The <b>Fen</b>");
        assert_eq!(flow.blocks.iter().map(|b| b.text.as_str()).collect::<Vec<_>>(), ["Seen text."]);
        assert_eq!(flow.notes, ["9 characters of hidden text were left out"]);
    }

    #[test]
    fn headings_answer_to_their_id_or_that_of_their_section() {
        let flow = read_all(
            "<h1>Fen Beasts</h1><section id=eel><h2>Eel</h2><p>x</p></section><h2 id='own'>Own</h2><h3><a name=in></a>In</h3><h2>Eel</h2>",
        );
        let anchors: Vec<_> = flow.blocks.iter().map(|b| b.anchor.as_str()).collect();
        assert_eq!(anchors, ["fen-beasts", "eel", "eel", "own", "in", "eel-1"]);
    }

    #[test]
    fn lists_nest_and_numbers_are_printed() {
        let item = |depth| FlowKind::ListItem { depth };
        assert_eq!(
            shapes("<ol start=3><li>three<ul><li><p>inner</p><p>more</p></ul><li value=7>seven</ol><p>a<br>b\nc"),
            [
                (item(0), "3. three".to_owned()),
                (item(1), "inner".to_owned()),
                (FlowKind::Paragraph, "more".to_owned()),
                (item(0), "7. seven".to_owned()),
                (FlowKind::Paragraph, "a\nb c".to_owned()),
            ]
        );
    }

    #[test]
    fn asides_quotes_and_pre_are_their_kinds() {
        assert_eq!(
            shapes("<aside><p>Note</p></aside><blockquote>Said</blockquote><pre>a\n  b\n</pre>"),
            [(FlowKind::Quote, "Note".to_owned()), (FlowKind::Quote, "Said".to_owned()), (FlowKind::Code, "a\n  b".to_owned()),]
        );
    }

    #[test]
    fn deep_and_open_markup_is_read_in_time() {
        for piece in
            ["<div>", "<b>", "<table><tr><td>", "<ul><li>", "<p><b id=x>y", "<svg><g>", "<blockquote>", "<font size=1><p>"]
        {
            let flow = read_all(&format!("{}heart", piece.repeat(20_000)));
            assert!(flow.blocks.is_empty() || flow.blocks.iter().any(|b| b.text.contains("heart")), "{piece}");
        }
    }
}
