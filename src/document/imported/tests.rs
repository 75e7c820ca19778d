use super::*;

fn texts(imported: &Imported) -> Vec<&str> {
    imported.pieces.iter().filter_map(|p| if let Piece::Text(t) = p { Some(t.text.as_str()) } else { None }).collect()
}

/// Pieces in short: `1 Title` for a heading, `/1` for an end, `-` for a text.
fn shape(imported: &Imported) -> String {
    let short = |piece: &Piece| match piece {
        Piece::Heading { level, title, .. } => format!("{level} {title}"),
        Piece::Close { level } => format!("/{level}"),
        Piece::Text(text) if text.is_heading => "=".to_owned(),
        Piece::Text(_) => "-".to_owned(),
    };
    imported.pieces.iter().map(short).collect::<Vec<_>>().join(", ")
}

fn read_text(json: &str) -> Imported {
    read(json.as_bytes(), None).unwrap_or_else(|e| panic!("{json}: {e}"))
}

fn error(json: &str) -> String {
    let told = read(json.as_bytes(), None).unwrap_err().to_string();
    told.split("; what is known").next().unwrap_or_default().to_owned()
}

#[test]
fn titles_of_unstructured_are_as_deep_as_they_say_or_below_their_parent() {
    let imported = read_text(
        r#"[{"type":"Title","element_id":"a","text":"A","metadata":{"category_depth":0,"page_number":1,"coordinates":{"x":1}}},
            {"type":"Title","element_id":"b","text":"B","metadata":{"parent_id":"a","page_number":2}},
            {"type":"Footer","text":"12","metadata":{"page_number":2}},
            {"type":"Image","text":" ","metadata":{}},
            {"type":"NarrativeText","text":"b  b","metadata":{"page_number":2}},
            {"type":"Title","text":"C","metadata":{"page_number":3}}]"#,
    );
    assert_eq!(shape(&imported), "1 A, =, 2 B, =, -, -, 1 C, =");
    assert_eq!((imported.format, imported.page_count, imported.is_chunked), (Format::Unstructured, Some(3), false));
    assert_eq!(texts(&imported)[3], "b  b");
    assert_eq!(imported.notes, ["1 item without text is left out", "metadata that no artifact has room for: `coordinates` (1)"]);
    let Piece::Text(footer) = &imported.pieces[4] else { panic!("{:?}", imported.pieces) };
    assert_eq!(footer.furniture.as_deref(), Some("running_head"));
}

#[test]
fn paths_of_sections_open_and_close_them() {
    let document = |path: &str| format!(r#"{{"id":"x","content":"t","meta":{{"section_path":[{path}],"page":2}}}}"#);
    let all = ["", r#""A","B""#, r#""A","B""#, r#""A""#, r#""A","C""#, r#""D""#, ""].map(document).join(",");
    let imported = read_text(&format!("[{all}]"));
    assert_eq!(shape(&imported), "-, 1 A, 2 B, -, -, /1, -, 2 C, -, 1 D, -, /0, -");
    assert!(imported.is_chunked);
}

#[test]
fn documents_are_read_with_their_metadata_within_or_beside() {
    let stored = read_text(
        r#"{"type":"x.InMemoryDocumentStore","documents":[{"id":"1","content":"a","meta":{"header":"H","parent_headers":["G"]},"embedding":[1.0,2.0]}]}"#,
    );
    let flat = read_text(r#"[{"id":"1","content":"a","header":"H","parent_headers":["G"],"score":null}]"#);
    assert_eq!(shape(&stored), "1 G, 2 H, -");
    assert_eq!(stored.pieces, flat.pieces);
    assert_eq!(stored.notes, ["metadata that no artifact has room for: `embedding` (1)"]);
}

#[test]
fn nodes_are_read_in_their_order_and_what_smaller_ones_repeat_is_left_out() {
    let imported = read_text(
        r###"{"docstore/data":{
            "z":{"__type__":"1","__data__":{"id_":"z","text":"# T\nx","metadata":{"header_path":"/","page_label":"4"}}},
            "a":{"__type__":"1","__data__":{"id_":"a","text":"## U\ny","metadata":{"header_path":"/T/"}}},
            "p":{"__type__":"1","__data__":{"id_":"p","text":"x y","relationships":{"5":[{"node_id":"a"}]}}},
            "d":{"__type__":"4","__data__":{"id_":"d","text_resource":{"text":"all"}}}},
          "docstore/metadata":{}}"###,
    );
    assert_eq!(texts(&imported), ["# T\nx", "## U\ny"]);
    assert_eq!(shape(&imported), "1 T, -, 2 U, -");
    assert_eq!(imported.page_count, Some(4));
    assert_eq!(imported.notes, ["2 texts that smaller ones repeat are left out"]);
    let alone = read_text(r#"[{"id_":"d","class_name":"Document","text":"all"}]"#);
    assert_eq!(texts(&alone), ["all"], "what nothing repeats is kept");
}

#[test]
fn another_file_ends_the_sections_of_the_one_before() {
    let imported = read_text(
        r#"[{"type":"Title","text":"A","metadata":{"filename":"a.md"}},{"type":"Text","text":"b","metadata":{"filename":"b.md"}}]"#,
    );
    assert_eq!(shape(&imported), "1 A, =, /0, -");
    assert_eq!(imported.notes, ["the text is of 2 files; each has its own pages"]);
}

#[test]
fn what_cannot_be_taken_is_told_with_its_place() {
    assert_eq!(error("[{\"type\":\n  oops}]"), "not JSON: expected value (2:3)");
    assert_eq!(
        error(r#"[{"type":"Title","text":"A"},{"type":"Text"}]"#),
        "`/1/text` is missing: an element of Unstructured has its text there"
    );
    assert_eq!(
        error(r#"[{"type":"Title","text":7}]"#),
        "`/0/text` is a number, and an element of Unstructured has its text there"
    );
    assert_eq!(
        error(r#"{"documents":[{"id":"1","content":null}]}"#),
        "`/documents/0/content` is null, and a Document of Haystack has its text there"
    );
    assert_eq!(
        error(r#"{"docstore/data":{"a/b":{"__data__":{"id_":"x"}}}}"#),
        "`/docstore~1data/a~1b/__data__/text` is missing: a node of LlamaIndex has its text there"
    );
    assert_eq!(error(r#"[{"page_content":"x"}]"#), "it holds objects with `page_content` (`/0`)");
    assert_eq!(error("[1]"), "`/0` is a number, not an object");
    assert_eq!(error("{\"a\":1}"), "it holds an object with `a`");
    assert_eq!(error("7"), "it holds a number");
    assert_eq!(error(" \n"), "it holds no text: the file is empty");
    assert_eq!(error("[]"), "it holds no text: it has no items");
    assert_eq!(error(r#"[{"type":"Text","text":" "}]"#), "it holds no text: all of its texts are empty");
    assert!(
        read(b"[{\"page_content\":1}]", None).unwrap_err().to_string().contains("what is known: elements JSON of Unstructured")
    );
    let other = read(br#"[{"content":"x"}]"#, Some(Format::Llamaindex)).unwrap_err();
    assert_eq!(other.to_string(), "`format` says `llamaindex`, and it is of `haystack`");
    assert!(read(b"[", None).is_err() && read(b"[{\"type\":\"Text\",\"text\":\"a\"}] 1", None).is_err());
}

#[test]
fn a_page_is_a_whole_number_from_one() {
    let pages = |page: &str| {
        let imported = read_text(&format!(r#"[{{"id_":"a","text":"a","metadata":{{"page_label":{page},"page_end":2}}}}]"#));
        match &imported.pieces[..] {
            [Piece::Text(text)] => text.pages,
            other => panic!("{other:?}"),
        }
    };
    let told = ["1", "\"7\"", "0", "\"0\"", "-3", "\"iv\"", "1.5", "null"].map(pages);
    assert_eq!(told, [Some((1, 2)), Some((7, 7)), None, None, None, None, None, None]);
}

#[test]
fn cells_of_a_table_are_taken_and_its_header_where_its_text_has_lines() {
    let html = "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2 &amp; 3</td></tr></tbody></table>";
    let table = |text: &str, html: &str| {
        let imported = read_text(&format!(r#"[{{"type":"Table","text":"{text}","metadata":{{"text_as_html":"{html}"}}}}]"#));
        match &imported.pieces[..] {
            [Piece::Text(text)] => (text.rows.clone(), text.header_rows, imported.notes.len()),
            other => panic!("{other:?}"),
        }
    };
    let rows = vec![vec!["a".to_owned(), "b".to_owned()], vec!["1".to_owned(), "2 & 3".to_owned()]];
    assert_eq!(table("a | b\\n1 | 2 & 3", html), (rows.clone(), 1, 0));
    assert_eq!(table("a b 1 2 & 3", html), (rows, 0, 0));
    assert_eq!(table("a b", "<p>a</p>"), (Vec::new(), 0, 1), "what is no table is counted");
}
