//! Markdown, HTML and text: any bytes become sound blocks or are refused, the blocks contents and chunks of bounded size, and all
//! is the same twice.

use ingest::builtin::{FailureKind, Item, Limits};
use ingest::document::flow::FlowKind;
use ingest::document::markup;
use ingest::document::page_text::TextUnit;
use ingest::document::section::PartToc;
use ingest::document::vocabulary::Vocabulary;
use ingest::passes::pass_a_toc;
use ingest::passes::pass_c_chunk::{chunk, parse};

/// The first byte says which; what follows is the document.
pub fn run(data: &[u8]) {
    crate::guarded(|| {
        let Some((which, bytes)) = data.split_first() else { return };
        let extension = ["md", "html", "txt"][usize::from(*which) % 3];
        let read = markup::read(extension, bytes, &Limits::default());
        assert_eq!(read, markup::read(extension, bytes, &Limits::default()), "read otherwise the second time");
        let Ok(flow) = read else { return };
        for block in &flow.blocks {
            assert!(!block.text.trim().is_empty(), "a block without text");
            assert_eq!(block.text.trim_end(), block.text);
            assert_eq!(matches!(block.kind, FlowKind::Table { .. }), !block.rows.is_empty(), "rows are those of tables");
        }
        let is_empty = flow.blocks.is_empty();
        let units = [TextUnit::Flow(flow)];
        let item = Item { id: "book".to_owned(), source_id: "book".to_owned(), path: format!("book.{extension}") };
        let inputs = pass_a_toc::Inputs { item: &item, source: bytes, lines: &units, vocabulary: Vocabulary::bundled().expect("a test reads them") };
        let contents = match pass_a_toc::run(inputs, &pass_a_toc::Params::default(), &Limits::default()) {
            Ok(contents) => contents,
            Err(failure) => {
                assert_eq!(failure.kind, FailureKind::NoText, "{failure}");
                assert!(is_empty, "a flow of text is said to hold none");
                return;
            }
        };
        for section in &contents.toc.sections {
            assert!(!section.title.trim().is_empty() && section.level >= 1, "{section:?}");
        }
        let toc = PartToc {
            source_id: "book".to_owned(),
            part_id: "part-0000000000000000".to_owned(),
            title: contents.toc.title.clone(),
            page_count: None,
            sections: Vec::new(),
        };
        let parsed = parse::run(parse::Inputs { units: &units, toc: &toc, profile: None }, &parse::Params::default());
        let elements = parsed.expect("parse takes all blocks").elements;
        let params = chunk::Params::default();
        let out =
            chunk::run(chunk::Inputs { source_id: "book", elements: &elements }, &params).expect("the elements are of one part");
        for chunk in &out.chunks {
            assert!(!chunk.text.trim().is_empty(), "an empty chunk");
            assert!(
                chunk.text.chars().count() <= params.max as usize,
                "a chunk of {} characters",
                chunk.text.chars().count()
            );
        }
    });
}
