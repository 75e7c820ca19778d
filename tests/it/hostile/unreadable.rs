//! Books that open and hold no text: never good ones.

use super::*;

/// A page that shows an image and nothing else.
fn scans(pages: usize, printed: &[Vec<u8>]) -> Vec<u8> {
    let mut contents = vec![b"q 612 0 0 792 0 0 cm /Im Do Q".to_vec(); pages];
    contents.extend_from_slice(printed);
    pdf(&contents, |book, _, _, ids| {
        let dict = dictionary! {
            "Type" => "XObject", "Subtype" => "Image", "Width" => 1, "Height" => 1, "BitsPerComponent" => 8,
            "ColorSpace" => "DeviceGray",
        };
        let image = book.add_object(Stream::new(dict, vec![0]));
        for page in ids {
            let Ok(Object::Dictionary(resources)) = book.get_dictionary_mut(*page).unwrap().get_mut(b"Resources") else {
                panic!("no resources")
            };
            resources.set("XObject", dictionary! { "Im" => image });
        }
    })
}

/// A font of two-byte codes that no map turns into text.
fn mute() -> Vec<u8> {
    let content = b"BT /F1 12 Tf 72 700 Td <0101010201030104010501060107> Tj ET".to_vec();
    pdf(&[content], |book, _, _, pages| {
        let descendant = book.add_object(dictionary! {
            "Type" => "Font", "Subtype" => "CIDFontType2", "BaseFont" => "Unknown",
            "CIDSystemInfo" => dictionary! {
                "Registry" => Object::string_literal("Adobe"), "Ordering" => Object::string_literal("Identity"), "Supplement" => 0,
            },
        });
        let font = book.add_object(dictionary! {
            "Type" => "Font", "Subtype" => "Type0", "BaseFont" => "Unknown", "Encoding" => "Identity-H",
            "DescendantFonts" => vec![descendant.into()],
        });
        let page = book.get_dictionary_mut(pages[0]).unwrap();
        page.set("Resources", dictionary! { "Font" => dictionary! { "F1" => font } });
    })
}

#[test]
fn books_without_text_fail_and_say_what_they_need() {
    let outlines = b"0 0 m 5 9 l 9 0 l f ".repeat(80);
    let p = beside(&[
        ("blank.pdf", pdf(&[Vec::new(), Vec::new()], plain)),
        ("drawn.pdf", pdf(&[outlines], plain)),
        ("mute.pdf", mute()),
        ("nested.pdf", pdf(&[[&b"[ ".repeat(200)[..], &page_about("diver")].concat()], plain)),
        ("scan.pdf", scans(3, &[])),
    ]);
    let built = build(&p);
    built.fails(1).failed(&["passA blank.pdf", "passA drawn.pdf", "passA mute.pdf", "passA nested.pdf", "passA scan.pdf"]);
    built.stderr_has("none of its 2 pages holds text, and nothing else is shown: it is blank");
    built.stderr_has(
        "passA drawn.pdf: its only page holds no text (it shows drawings, or what no reader understands): it needs OCR",
    );
    built.stderr_has("passA mute.pdf: its only page holds no text (its fonts do not say what their glyphs are): it needs OCR");
    built.stderr_has("passA nested.pdf: its only page holds no text (it shows drawings, or what no reader understands)");
    built.stderr_has("passA scan.pdf: none of its 3 pages holds text (it shows images): it needs OCR, for example `ocrmypdf");

    p.edit("Ingestfile.toml", "[job]\n", "[job]\non_error = \"quarantine\"\n");
    let built = build(&p);
    built.fails(1);
    let quarantined = p.record("A")["quarantined"].as_array().unwrap().len();
    assert_eq!((quarantined, p.json("passA_toc.json").as_array().unwrap().len()), (5, 2), "{}", built.stderr);
}

#[test]
fn pages_that_need_ocr_are_told_wherever_the_book_is() {
    let p = beside(&[("mixed.pdf", scans(2, &[page_about("ferryman"), Vec::new()]))]);
    let said = "warning: 2 of 4 pages of `mixed.pdf` hold no text: they need OCR";
    all_are_built(&p, 3).stderr_has(said);
    p.run(&["status"]).ok().stdout_has(said);
    let tocs = p.json("passA_toc.json");
    let toc = tocs.as_array().unwrap().iter().find(|t| t["path"] == "mixed.pdf").unwrap();
    assert_eq!(toc["pages_needing_ocr"], 2);
    assert_eq!(toc["notes"][0], "2 of 4 pages hold no text: they need OCR");
    assert_eq!(p.record("A")["metrics"]["items"]["pages_needing_ocr"], 2);
    let coverage = p.json("passC_coverage.json");
    let of_book = coverage.as_array().unwrap().iter().find(|c| c["source_id"] == toc["source_id"]).unwrap();
    let needs: Vec<bool> = of_book["pages"].as_array().unwrap().iter().map(|p| p["needs_ocr"].as_bool().unwrap()).collect();
    assert_eq!(needs, [true, true, false, false]);
}

/// A book of these pages, of which the content streams `damaged` (0-based) say that `filter` made them.
fn filtered(pages: usize, damaged: &[usize], filter: &str) -> Vec<u8> {
    let subjects = ["chandler", "ferryman", "miller", "tanner"];
    let contents: Vec<Vec<u8>> = subjects.iter().take(pages).map(|s| page_about(s)).collect();
    pdf(&contents, |book, _, _, pages| {
        for i in damaged {
            let id = book.get_dictionary(pages[*i]).unwrap().get(b"Contents").unwrap().as_reference().unwrap();
            let Some(Object::Stream(stream)) = book.objects.get_mut(&id) else { panic!("no stream") };
            stream.dict.set("Filter", filter);
        }
    })
}

#[test]
fn content_that_cannot_be_decoded_is_not_called_blank() {
    let p = beside(&[
        ("all.pdf", filtered(2, &[0, 1], "FlateDecode")),
        ("some.pdf", filtered(4, &[1, 2], "FlateDecode")),
        // The second backend reads what lies there.
        ("unknown.pdf", filtered(1, &[0], "RopeDecode")),
    ]);
    let built = build(&p);
    built.fails(1).failed(&["passA all.pdf"]);
    built.stderr_has("none of its 2 pages holds text: content of pages 1, 2 cannot be decoded (filter `FlateDecode`)");
    built.stderr_lacks("blank").stderr_lacks("OCR, for");

    p.remove(&format!("{FOLDER}/all.pdf"));
    all_are_built(&p, 4);
    let tocs = p.json("passA_toc.json");
    let toc = tocs.as_array().unwrap().iter().find(|t| t["path"] == "some.pdf").unwrap();
    let note = toc["notes"][0].as_str().unwrap();
    assert!(note.starts_with("content of pages 2, 3 cannot be decoded (filter `FlateDecode`)"), "{note}");
}

/// Two pages: one to read, and one that draws itself and shows text in a font that both backends fail at.
fn draws_itself(kind: &str) -> Vec<u8> {
    let contents = [page_about("ferryman"), b"/X Do BT /F9 12 Tf 72 700 Td (unseen) Tj ET".to_vec()];
    pdf(&contents, |book, _, _, ids| {
        let dict = dictionary! { "Type" => "XObject", "Subtype" => kind };
        let drawn = book.add_object(Stream::new(dict, b"/X Do".to_vec()));
        let map = book.add_object(Stream::new(dictionary! {}, b"(".repeat(100_000)));
        let font = dictionary! { "Type" => "Font", "Subtype" => "Type0", "BaseFont" => "Odd", "ToUnicode" => map };
        let resources = dictionary! { "XObject" => dictionary! { "X" => drawn }, "Font" => dictionary! { "F9" => font } };
        book.get_dictionary_mut(ids[1]).unwrap().set("Resources", resources);
    })
}

#[test]
fn a_page_without_end_costs_no_other_page() {
    let p = beside(&[("form.pdf", draws_itself("Form")), ("image.pdf", draws_itself("Image"))]);
    let built = all_are_built(&p, 4);
    for book in ["form.pdf", "image.pdf"] {
        built.stderr_has(&format!("warning: 1 of 2 pages of `{book}` holds no text: it needs OCR"));
    }
}
