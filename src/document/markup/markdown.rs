//! Markdown (CommonMark with GitHub's tables, footnotes, definition lists and front matter) to blocks.
//! HTML inside it is read by `html`.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};

use super::blocks::Blocks;
use super::html;
use super::nesting::TooDeep;
use super::place::Place;
use crate::document::flow::FlowText;

/// The blocks of `text`.
///
/// # Errors
/// What nests deeper than `limit`: blocks, spans in them, or elements of HTML.
pub fn read(text: &str, limit: u64) -> Result<FlowText, TooDeep> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_GFM
        | Options::ENABLE_DEFINITION_LIST;
    let mut reader = Reader { limit, ..Reader::default() };
    let mut depth = 0_usize;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        if depth as u64 > limit {
            return Err(TooDeep::at(depth, text, range.start));
        }
        reader.event(event).map_err(|inside| {
            let before = TooDeep::at(0, text, range.start).line - 1;
            TooDeep { line: before + inside.line, ..inside }
        })?;
    }
    reader.flush();
    Ok(reader.blocks.finish())
}

/// What a run of text is collected for when it stands in no paragraph of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Collecting {
    #[default]
    Text,
    Code,
    Html,
    FrontMatter,
}

#[derive(Default)]
struct Reader {
    limit: u64,
    blocks: Blocks,
    text: String,
    collecting: Collecting,
    place: Place,
    images: usize,
    term: String,
    heading_id: Option<String>,
    row: Vec<String>,
    rows: Vec<Vec<String>>,
    header_rows: usize,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) -> Result<(), TooDeep> {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => return self.end(tag),
            Event::Text(t) | Event::Code(t) | Event::InlineMath(t) | Event::DisplayMath(t) => self.push(&t),
            Event::Html(t) => self.push(&t),
            Event::InlineHtml(t) if is_line_break(&t) => self.push("\n"),
            Event::InlineHtml(_) | Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
            Event::SoftBreak => self.push(" "),
            Event::HardBreak => self.push("\n"),
            Event::Rule => self.flush(),
        }
        Ok(())
    }

    fn push(&mut self, text: &str) {
        // What an image shows in place of itself is not printed.
        if self.images == 0 {
            self.text.push_str(text);
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Superscript | Tag::Subscript | Tag::Link { .. } => return,
            Tag::Image { .. } => self.images += 1,
            Tag::TableCell => self.text.clear(),
            // A tight list item has no paragraph: its text ends where the next block begins.
            _ => self.flush(),
        }
        match tag {
            Tag::Heading { id, .. } => self.heading_id = id.map(CowStr::into_string),
            Tag::BlockQuote(_) => self.place.open_quote(),
            Tag::CodeBlock(_) => self.collecting = Collecting::Code,
            Tag::HtmlBlock => self.collecting = Collecting::Html,
            Tag::MetadataBlock(_) => self.collecting = Collecting::FrontMatter,
            Tag::List(first) => self.place.open_list(first),
            Tag::Item => self.place.open_item(None),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) -> Result<(), TooDeep> {
        match tag {
            TagEnd::Heading(level) => {
                let (text, id) = (std::mem::take(&mut self.text), self.heading_id.take());
                self.blocks.heading(level as usize, &text, id.as_deref());
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.place.close_quote();
            }
            TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::MetadataBlock(_) => return self.end_raw(),
            TagEnd::List(_) => {
                self.flush();
                self.place.close_list();
            }
            TagEnd::Item => {
                self.flush();
                self.place.close_item();
            }
            TagEnd::DefinitionListTitle => self.term = std::mem::take(&mut self.text),
            TagEnd::Image => self.images = self.images.saturating_sub(1),
            TagEnd::TableCell => self.row.push(std::mem::take(&mut self.text)),
            TagEnd::TableHead => {
                self.rows.push(std::mem::take(&mut self.row));
                self.header_rows = 1;
            }
            TagEnd::TableRow => self.rows.push(std::mem::take(&mut self.row)),
            TagEnd::Table => {
                let rows = std::mem::take(&mut self.rows);
                self.blocks.table(rows, self.header_rows);
            }
            TagEnd::Paragraph | TagEnd::FootnoteDefinition | TagEnd::DefinitionListDefinition => self.flush(),
            _ => {}
        }
        Ok(())
    }

    fn end_raw(&mut self) -> Result<(), TooDeep> {
        let text = std::mem::take(&mut self.text);
        match std::mem::take(&mut self.collecting) {
            Collecting::Code => self.blocks.code(&text),
            Collecting::Html => html::fragment(&text, self.limit, &mut self.blocks)?,
            Collecting::FrontMatter => self.blocks.title(&front_matter_title(&text)),
            Collecting::Text => {}
        }
        Ok(())
    }

    /// Ends the block that is being collected.
    fn flush(&mut self) {
        let mut text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        if !self.term.is_empty() {
            let term = std::mem::take(&mut self.term);
            text = format!("{}: {}", term.trim().trim_end_matches(':'), text.trim());
        }
        let kind = self.place.settle(&mut text);
        self.blocks.text(kind, &text);
    }
}

fn is_line_break(tag: &str) -> bool {
    tag.get(..3).is_some_and(|t| t.eq_ignore_ascii_case("<br"))
        && tag[3..].trim_end_matches('>').trim_matches(['/', ' ']).is_empty()
}

/// The value of the key `title` of YAML front matter, without its quotes; "" if there is none.
fn front_matter_title(yaml: &str) -> String {
    let value = yaml.lines().find_map(|l| l.strip_prefix("title:")).unwrap_or_default().trim();
    let unquoted = ['"', '\''].iter().find_map(|q| value.strip_prefix(*q)?.strip_suffix(*q));
    unquoted.unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::flow::FlowKind;

    fn read_all(markdown: &str) -> FlowText {
        read(markdown, 256).unwrap()
    }

    fn shapes(markdown: &str) -> Vec<(FlowKind, String)> {
        read_all(markdown).blocks.into_iter().map(|b| (b.kind, b.text)).collect()
    }

    #[test]
    fn front_matter_gives_only_the_title() {
        let flow = read_all("---\nauthor: x\ntitle: \"The Salt: Road\"\n---\n\nText.\n");
        assert_eq!(flow.title, "The Salt: Road");
        assert_eq!(flow.blocks.len(), 1);
    }

    #[test]
    fn headings_take_given_ids_or_slugs() {
        let flow = read_all("# One *bold* step\n\na\nb  \nc\n\nTwo {#deux}\n---\n\n<br>\n");
        let got: Vec<_> = flow.blocks.iter().map(|b| (b.kind, b.text.as_str(), b.anchor.as_str())).collect();
        assert_eq!(
            got,
            [
                (FlowKind::Heading { level: 1 }, "One bold step", "one-bold-step"),
                (FlowKind::Paragraph, "a b\nc", "one-bold-step"),
                (FlowKind::Heading { level: 2 }, "Two", "deux"),
            ]
        );
    }

    #[test]
    fn list_items_keep_their_numbers_and_depth() {
        let got = shapes("3. three\n   - inner\n\n     more\n4. four\n\n- loose\n\n- list\n");
        let item = |depth| FlowKind::ListItem { depth };
        assert_eq!(
            got,
            [
                (item(0), "3. three".to_owned()),
                (item(1), "inner".to_owned()),
                (FlowKind::Paragraph, "more".to_owned()),
                (item(0), "4. four".to_owned()),
                (item(0), "loose".to_owned()),
                (item(0), "list".to_owned()),
            ]
        );
    }

    #[test]
    fn tables_have_a_header_and_rows() {
        let flow = read_all("| Item | Cost |\n|---|--:|\n| Rope, **50 ft** | 1 c |\n");
        assert_eq!(flow.blocks[0].kind, FlowKind::Table { header_rows: 1 });
        assert_eq!(flow.blocks[0].text, "Item | Cost\nRope, 50 ft | 1 c");
    }

    #[test]
    fn quotes_code_definitions_and_html_are_blocks() {
        let got = shapes(
            "> said\n\n```\nlet x;\n\n  y\n```\n\nPush\n: Move a foe.\n\n<div><p>In <b>HTML</b></p></div>\n\n![alt](x.png)\n",
        );
        assert_eq!(
            got,
            [
                (FlowKind::Quote, "said".to_owned()),
                (FlowKind::Code, "let x;\n\n  y".to_owned()),
                (FlowKind::Paragraph, "Push: Move a foe.".to_owned()),
                (FlowKind::Paragraph, "In HTML".to_owned()),
            ]
        );
    }

    #[test]
    fn deep_nesting_is_read() {
        let deep = format!("{}heart\n", "> ".repeat(250));
        assert_eq!(shapes(&deep).len(), 1);
        assert!(!shapes(&format!("{}x\n", "- ".repeat(100))).is_empty());
        assert!(!shapes(&format!("{}x{}\n", "[".repeat(5000), "](y)".repeat(5000))).is_empty());
    }

    #[test]
    fn what_nests_deeper_than_the_limit_is_told_with_its_line() {
        let told = |text: &str| read(text, 256).unwrap_err();
        assert_eq!(told(&format!("one\n\n{}heart\n", "> ".repeat(5000))), TooDeep { depth: 257, line: 3 });
        assert_eq!(told(&format!("\n{}x\n", "- ".repeat(5000))), TooDeep { depth: 257, line: 2 });
        let elements = format!("one\n\n<div>\n{}\n", "<div>".repeat(300));
        assert_eq!(told(&elements), TooDeep { depth: 301, line: 4 });
    }
}
