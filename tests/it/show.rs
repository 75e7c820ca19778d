//! `ingest show`: a page drawn with what was made of it, and what is said where that cannot be.

use lopdf::{Document, Object, Stream, dictionary};
use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::{self, Node};
use serde_json::Value;

use crate::books::books;
use crate::project::{Built, Project, repository};

const BOOK: &str = "lanternfall-rules.pdf";

fn svg<'b>(built: &'b Built) -> roxmltree::Document<'b> {
    roxmltree::Document::parse(&built.ok().stdout).unwrap_or_else(|e| panic!("{e}: {}", built.stderr))
}

/// The groups of a class, each with its title.
fn marks<'d>(drawn: &'d roxmltree::Document<'d>, class: &str) -> Vec<(Node<'d, 'd>, &'d str)> {
    let of_class = |n: &Node<'d, 'd>| n.attribute("class").is_some_and(|c| c.split(' ').any(|c| c == class));
    let title = |n: Node<'d, 'd>| n.children().find(|c| c.has_tag_name("title")).and_then(|t| t.text()).unwrap_or_default();
    drawn.descendants().filter(of_class).map(|n| (n, title(n))).collect()
}

/// Ids of `items` that have a box on `page` of the book.
fn on_page<'v>(items: &'v Value, id: &str, page: u64) -> Vec<&'v str> {
    let is_there = |v: &&Value| {
        let boxes = v["metadata"]["boxes"].as_array().unwrap();
        v["source_id"] == BOOK && boxes.iter().any(|b| b["page"] == page)
    };
    items.as_array().unwrap().iter().filter(is_there).map(|v| v[id].as_str().unwrap()).collect()
}

#[test]
fn a_page_is_drawn_with_its_elements_and_chunks_over_it() {
    let p = books();
    let before = p.written();
    let built = p.run(&["show", BOOK, "--page", "3"]);
    let drawn = svg(&built);
    assert_eq!(built.stderr, "");
    let elements = marks(&drawn, "element");
    let checks = elements.iter().find(|(_, title)| title.ends_with(": Checks")).unwrap();
    assert_eq!(checks.0.attribute("data-type"), Some("Title"));
    assert_eq!(checks.0.attribute("data-order"), Some("3"));
    let head = elements.iter().find(|(_, title)| title.starts_with("running_head ")).unwrap();
    assert_eq!((head.0.attribute("data-type"), head.0.attribute("data-order")), (Some("Header"), None));
    let chunks = p.json("passC_chunks.json");
    let ids: Vec<&str> = marks(&drawn, "chunk").iter().map(|(n, _)| n.attribute("data-id").unwrap()).collect();
    assert_eq!(ids, on_page(&chunks, "chunk_id", 3));
    assert!(!ids.is_empty());
    assert!(marks(&drawn, "line").len() > 60, "the lines of the page");
    let page = marks(&drawn, "page");
    assert!(page[0].0.descendants().filter(|n| n.has_tag_name("path")).count() > 30, "the letters of the page");
    // By its path or its id, and to the same bytes.
    for name in ["./", ""] {
        let again = p.run(&["show", BOOK, "--page", "3", "-o", &format!("{name}page.svg")]);
        assert_eq!(again.ok().stdout, "");
        assert_eq!(p.text("page.svg"), built.stdout);
    }
    svg(&p.run(&["show", "adventures/weir-of-saint-osk.pdf", "--page", "1"]));
    svg(&p.run(&["show", "weir-of-saint-osk.pdf", "--page", "1"]));
    p.wrote_nothing_since(&before).leaves_nothing_behind();
}

#[test]
fn a_page_is_drawn_in_pixels() {
    let p = books();
    p.run(&["show", BOOK, "--page", "3", "--output", "page.PNG"]).ok();
    let bytes = p.bytes("page.PNG");
    assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
    let pixels = Pixmap::decode_png(&bytes).unwrap();
    assert!((1000..3000).contains(&pixels.width()) && (1000..3000).contains(&pixels.height()), "{} pixels wide", pixels.width());
    let of = |wanted: fn(u8, u8, u8) -> bool| pixels.pixels().iter().filter(|c| wanted(c.red(), c.green(), c.blue())).count();
    assert!(of(|r, g, b| r == 255 && g == 255 && b == 255) > 100_000, "paper");
    assert!(of(|r, g, b| r < 90 && g < 90 && b < 90) > 10_000, "letters");
    assert!(of(|r, g, b| b > 200 && r < 100 && g < 150) > 1_000, "boxes of text");
    assert!(of(|r, g, b| r > 200 && g < 80 && b < 80) > 200, "boxes of titles");
}

#[test]
fn what_cannot_be_shown_is_told_with_the_way_out() {
    let p = books();
    let told = |args: &[&str], code: i32| p.run(&[&["show"], args].concat()).fails(code).stderr.clone();
    assert_eq!(
        told(&["lanternfal-rules.pdf", "--page", "1"], 2),
        "error: there is no source `lanternfal-rules.pdf`\nhint: did you mean `lanternfall-rules.pdf`?\n"
    );
    assert_eq!(told(&[BOOK, "--page", "18"], 2), "error: there is no page 18: `lanternfall-rules.pdf` has 17 pages\n");
    told(&[BOOK, "--page", "0"], 2);
    told(&[BOOK], 2);
    assert_eq!(
        told(&["sunken-reach-setting.md", "--page", "1"], 2),
        "error: `sunken-reach-setting.md` has no pages\nhint: only PDFs can be shown\n"
    );
    assert_eq!(
        told(&[BOOK, "--page", "1", "-o", "x.gif"], 2),
        "error: `x.gif` is no name for a drawing\nhint: it ends in `.svg` or `.png`\n"
    );
    assert!(told(&[BOOK, "--page", "1", "-o", "cache/x.svg"], 2).contains("`cache` belongs to builds"));
    assert!(told(&[BOOK, "--page", "1", "-o", "none/x.svg"], 1).contains("none"));
    p.remove(&p.published("passC_elements.json"));
    assert!(told(&[BOOK, "--page", "1"], 1).ends_with("hint: `ingest build passC_elements.json` makes it\n"));
    p.remove("artifacts").remove("cache");
    assert!(told(&[BOOK, "--page", "1"], 1).ends_with("hint: `ingest build passC_elements.json` makes it\n"));
    assert!(!p.exists("cache") && !p.exists("artifacts") && !p.exists("x.gif"));
}

#[test]
fn a_book_that_was_not_built_or_has_changed_since_is_told() {
    let p = books();
    let weir = p.bytes("fixtures/uploads/adventures/weir-of-saint-osk.pdf");
    p.file("fixtures/uploads/new.pdf", &weir);
    p.run(&["show", "new.pdf", "--page", "1"])
        .fails(1)
        .stderr_has("holds nothing of `new.pdf`")
        .stderr_has("hint: `ingest build`");
    let mut edited = p.bytes(&format!("fixtures/uploads/{BOOK}"));
    edited.extend_from_slice(b"\n% touched\n");
    p.file(&format!("fixtures/uploads/{BOOK}"), edited);
    let built = p.run(&["show", BOOK, "--page", "3"]);
    built.ok().stderr_has("warning: `lanternfall-rules.pdf` has changed since it was built");
    assert!(marks(&svg(&built), "page").len() == 1);
}

#[test]
fn without_a_cache_only_the_lines_are_missing() {
    let p = books().remove("cache");
    let built = p.run(&["show", BOOK, "--page", "3"]);
    let drawn = svg(&built);
    assert_eq!((marks(&drawn, "line").len(), marks(&drawn, "page").len()), (0, 1));
    assert!(marks(&drawn, "element").len() > 10);
    let beyond = p.run(&["show", BOOK, "--page", "18"]);
    beyond.fails(2).stderr_has("there is no page 18: `lanternfall-rules.pdf` has 17 pages");
    assert!(!p.exists("cache"));
}

#[test]
fn rules_and_artifacts_may_have_other_names() {
    let p = books();
    let text = p
        .text("Ingestfile.toml")
        .replace("[rule.passC_elements", "[rule.bits")
        .replace("passC_elements.elements", "bits.elements");
    let text = text
        .replace("elements = \"passC_elements.json\"", "elements = \"bits.json\"")
        .replace("\"passC_chunks.json\"", "\"pieces.json\"");
    p.ingestfile(&text).remove("artifacts").build(&["pieces.json"]).ok();
    let built = p.run(&["show", BOOK, "--page", "3"]);
    let drawn = svg(&built);
    assert_eq!(marks(&drawn, "chunk").len(), on_page(&p.json("pieces.json"), "chunk_id", 3).len());
    assert!(marks(&drawn, "line").len() > 60);
}

/// A book of one page with this content; `image` is drawn by `/Im Do`.
fn book(content: &str, image: Stream) -> Vec<u8> {
    let mut book = Document::with_version("1.5");
    let tree = book.new_object_id();
    let font = book.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Times-Roman" });
    let image = book.add_object(image);
    let content = book.add_object(Stream::new(dictionary! {}, content.as_bytes().to_vec()));
    let page = book.add_object(dictionary! {
        "Type" => "Page", "Parent" => tree, "Contents" => content,
        "MediaBox" => vec![0.into(), 0.into(), 400.into(), 600.into()],
        "Resources" => dictionary! { "Font" => dictionary! { "F" => font }, "XObject" => dictionary! { "Im" => image } },
    });
    book.objects.insert(tree, dictionary! { "Type" => "Pages", "Kids" => vec![Object::from(page)], "Count" => 1 }.into());
    let catalog = book.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    book.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    book.save_to(&mut bytes).unwrap();
    bytes
}

fn dot() -> Stream {
    let dict = dictionary! {
        "Type" => "XObject", "Subtype" => "Image", "Width" => 1, "Height" => 1, "ColorSpace" => "DeviceGray", "BitsPerComponent" => 8,
    };
    Stream::new(dict, vec![0])
}

/// A project of one book, built.
fn project_of(book: &[u8]) -> Project {
    let p = Project::of_passes(&std::fs::read_to_string(repository().join("Ingestfile.toml")).unwrap());
    p.file("fixtures/uploads/book.pdf", book).build(&["passC"]).ok();
    p
}

const STORY: &str = "BT /F 9 Tf 50 500 Td (The keeper lights the lamp at dusk, and the fog goes back to the sea.) Tj \
    0 -14 Td (Whoever rows out without oil is not seen again before the next spring tide.) Tj ET ";

#[test]
fn text_that_no_reader_sees_is_drawn_as_such() {
    let hidden = "BT /F 12 Tf 3 Tr 50 300 Td (Under the picture <&> of a page) Tj ET";
    let p = project_of(&book(&format!("{STORY}{hidden}"), dot()));
    let built = p.run(&["show", "book.pdf", "--page", "1"]);
    let drawn = svg(&built);
    let left_out = marks(&drawn, "left-out");
    let found = left_out.iter().find(|(_, t)| t.starts_with("hidden: invisible ")).unwrap_or_else(|| panic!("{left_out:?}"));
    assert!(found.1.ends_with("Under the picture <&> of a page"), "{}", found.1);
    assert_eq!(marks(&drawn, "hidden").len(), 1, "the line, too");
}

#[test]
fn a_book_that_cannot_be_drawn_any_more_costs_the_drawing_only_its_ground() {
    let p = project_of(&book(STORY, dot()));
    let bomb = {
        // 60,000 × 60,000 pixels, each of them nothing.
        let dict = dictionary! {
            "Type" => "XObject", "Subtype" => "Image", "Width" => 60_000, "Height" => 60_000, "ColorSpace" => "DeviceRGB",
            "BitsPerComponent" => 8,
        };
        let mut stream = Stream::new(dict, vec![0; 40 << 20]);
        stream.compress().unwrap();
        book(&format!("{STORY} q 300 0 0 300 50 50 cm /Im Do Q"), stream)
    };
    for (name, bytes) in
        [("no PDF", b"no PDF at all".to_vec()), ("half a PDF", book(STORY, dot())[..300].to_vec()), ("a bomb", bomb)]
    {
        p.file("fixtures/uploads/book.pdf", bytes);
        for output in ["page.svg", "page.png"] {
            let built = p.run(&["show", "book.pdf", "--page", "1", "-o", output]);
            built.ok().stderr_has("has changed since it was built").stderr_lacks("panicked");
            if name != "a bomb" {
                built.stderr_has("warning: drawn without the page itself: ");
            }
        }
        let text = p.text("page.svg");
        let drawn = roxmltree::Document::parse(&text).unwrap();
        assert!(!marks(&drawn, "element").is_empty() && !marks(&drawn, "chunk").is_empty(), "{name}");
    }
}
