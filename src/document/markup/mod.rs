//! Unpaged documents: Markdown, plain text and HTML bytes in, a `FlowText` out.
//!
//! Flow: bytes → `encoding` (characters) → `markdown` | `plain` | `html` (syntax) → `blocks` (blocks and anchors).
//! In the text of a block white space is folded to single spaces; `\n` stands only where the source breaks a line on
//! purpose (`<br>`, a Markdown hard break, lines of a code block, rows of a table, `Label: value` lines). Knows nothing of
//! where the document lies nor of what a section is.

mod blocks;
mod encoding;
mod html;
mod html_table;
mod markdown;
mod nesting;
mod place;
mod plain;
mod plain_shape;

use super::flow::FlowText;
use crate::builtin::{Failure, FailureKind, Limits};

/// Largest document read, in bytes. The longest rulebooks hold some 5 MB of text; the rest is room for markup.
const MAX_BYTES: usize = 64 << 20;

/// What `bytes` say, read as `extension` (without its dot, in any case) asks: `md`, `markdown`, `txt`, `text`, `html`, `htm`, `xhtml`.
///
/// # Errors
/// `NotReadable` for an unknown extension, an empty file and what is not text; `Limit` for more than 64 MiB, or what nests deeper than
/// `limits` allow.
pub fn read(extension: &str, bytes: &[u8], limits: &Limits) -> Result<FlowText, Failure> {
    if bytes.is_empty() {
        return Err(Failure::new(FailureKind::NotReadable, "the file is empty"));
    }
    if bytes.len() > MAX_BYTES {
        return Err(Failure::new(FailureKind::Limit, "the file is larger than 64 MiB, the limit for text documents"));
    }
    let (text, note) = encoding::decode(bytes)?;
    let mut flow = match extension.to_ascii_lowercase().as_str() {
        "md" | "markdown" => {
            markdown::read(&text, limits.nesting).map_err(|deep| deep.failure("lists, quotes and elements", limits))?
        }
        "txt" | "text" => plain::read(&text, limits.nesting).map_err(|deep| deep.failure("lists", limits))?,
        "html" | "htm" | "xhtml" => html::read(&text, limits.nesting).map_err(|deep| deep.failure("elements", limits))?,
        other => return Err(Failure::new(FailureKind::NotReadable, format!("no reader for files named `.{other}`"))),
    };
    if let Some(note) = note {
        flow.notes.insert(0, note);
    }
    if flow.blocks.is_empty() {
        flow.notes.push("the document holds no text".to_owned());
    }
    Ok(flow)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(extension: &str, bytes: &[u8]) -> Result<FlowText, Failure> {
        super::read(extension, bytes, &Limits::default())
    }

    #[test]
    fn an_empty_file_is_not_readable() {
        let failure = read("md", b"").unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::NotReadable, "the file is empty"));
    }

    #[test]
    fn an_unknown_extension_is_not_readable() {
        assert_eq!(read("docx", b"text").unwrap_err().kind, FailureKind::NotReadable);
    }

    #[test]
    fn extensions_are_known_in_any_case() {
        for extension in ["MD", "Markdown", "TXT", "HTM", "XHTML", "Html"] {
            assert_eq!(read(extension, b"Rope").unwrap().blocks.len(), 1, "{extension}");
        }
    }

    #[test]
    fn white_space_alone_gives_no_blocks_and_a_note() {
        for extension in ["md", "txt", "html"] {
            let flow = read(extension, b" \n\n \n").unwrap();
            assert!(flow.blocks.is_empty());
            assert_eq!(flow.notes, ["the document holds no text"]);
        }
    }

    /// Bytes that are likely to be syntax for one of the readers.
    fn likely() -> impl Strategy<Value = String> {
        let pieces = [
            "<table>",
            "</table>",
            "<tr>",
            "<td colspan=9>",
            "<th>",
            "<dl>",
            "<dt>",
            "<dd>",
            "<li>",
            "<ul>",
            "<ol start=-3>",
            "</ul>",
            "<p>",
            "<b>",
            "</b>",
            "<pre>",
            "<h2 id=a>",
            "</h2>",
            "<aside>",
            "<br>",
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<template>",
            "<svg>",
            "&amp;",
            "\n",
            "\n\n",
            "# ",
            "- ",
            "1. ",
            "> ",
            "|",
            "|---|---|",
            "```\n",
            "---\n",
            "===\n",
            "    ",
            "\t",
            "word ",
            "WORDS ",
            "Chapter 1: ",
            ".....",
            "12",
            "[^1]",
            "[^1]: ",
            ": x",
            "\u{ad}",
            "ß",
            "<",
            "</",
            "a=\"",
            "\u{c}",
            "title: x\n",
        ];
        proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..60).prop_map(|p| p.concat())
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            for extension in ["md", "txt", "html"] {
                let _ = read(extension, &bytes);
            }
        }

        #[test]
        fn any_mixture_of_syntax_gives_sound_blocks(text in likely()) {
            for extension in ["md", "txt", "html"] {
                if let Ok(flow) = read(extension, text.as_bytes()) {
                    for block in &flow.blocks {
                        prop_assert!(!block.text.trim().is_empty());
                        prop_assert_eq!(block.text.trim_end(), block.text.as_str());
                        let is_table = matches!(block.kind, crate::document::flow::FlowKind::Table { .. });
                        prop_assert_eq!(is_table, !block.rows.is_empty());
                    }
                }
            }
        }
    }
}
