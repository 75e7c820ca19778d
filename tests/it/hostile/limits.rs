//! Limits that the Ingestfile sets: what passes one fails by name, and only until the limit is raised.

use super::*;

fn with_limits(p: &Project, limits: &str) {
    let ingestfile = std::fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
    p.ingestfile(&format!("{ingestfile}\n[limits]\n{limits}\n"));
}

#[test]
fn a_document_that_failed_on_a_limit_is_tried_again_when_that_limit_is_raised() {
    let pages: Vec<Vec<u8>> = (0..12).map(|i| if i == 0 { page_about("bridge keeper") } else { Vec::new() }).collect();
    let p = beside(&[("long.pdf", pdf(&pages, plain))]);
    with_limits(&p, "pages = 10");
    build(&p).fails(1).failed(&["pages long.pdf"]).stderr_has("the PDF has 12 pages; `pages` in `[limits]` allows 10");
    build(&p).fails(1).ran(&[]);
    with_limits(&p, "pages = 10\ntime_s = 300");
    build(&p).fails(1).ran(&[]);
    p.run(&["why", "pages:long.pdf"]).ok().stdout_has("the PDF has 12 pages");

    with_limits(&p, "pages = 11");
    p.run(&["why", "pages:long.pdf"]).ok().stdout_has("it failed on the limit `pages`, which was raised from 10 to 11");
    build(&p).fails(1).failed(&["pages long.pdf"]).stderr_has("`pages` in `[limits]` allows 11");
    with_limits(&p, "pages = 12");
    let built = all_are_built(&p, 3);
    assert!(built.with_outcome("ran").contains(&"pages long.pdf".to_owned()), "{}", built.stderr);
    assert!(!built.with_outcome("ran").contains(&format!("pages {GOOD_PDF}")), "{}", built.stderr);

    // What was made under one limit is what would be made under another.
    with_limits(&p, "pages = 10");
    build(&p).ok().ran(&[]);
}

/// A content stream that says something and goes on with `megabytes` of spaces, deflated.
fn bomb(megabytes: usize) -> Stream {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &page_about("warden")).unwrap();
    let blank = vec![b' '; 1 << 20];
    for _ in 0..megabytes {
        std::io::Write::write_all(&mut encoder, &blank).unwrap();
    }
    Stream::new(dictionary! { "Filter" => "FlateDecode" }, encoder.finish().unwrap())
}

/// A book whose page draws `form`.
fn drawing(form: Stream) -> Vec<u8> {
    pdf(&[[&page_about("miller")[..], b" /X Do"].concat()], |book, _, _, pages| {
        let form = book.add_object(form);
        let page = book.get_dictionary_mut(pages[0]).unwrap();
        let Ok(Object::Dictionary(resources)) = page.get_mut(b"Resources") else { panic!("no resources") };
        resources.set("XObject", dictionary! { "X" => form });
    })
}

fn form(mut stream: Stream) -> Stream {
    stream.dict.set("Subtype", "Form");
    stream.dict.set("BBox", vec![0.into(), 0.into(), 9.into(), 9.into()]);
    stream
}

/// A book whose font says what its codes mean by `map`.
fn mapped(map: Stream) -> Vec<u8> {
    pdf(&[page_about("tanner")], |book, _, _, pages| {
        let map = book.add_object(map);
        let font = book.add_object(dictionary! {
            "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Times-Roman", "ToUnicode" => map,
        });
        let page = book.get_dictionary_mut(pages[0]).unwrap();
        page.set("Resources", dictionary! { "Font" => dictionary! { "F1" => font } });
    })
}

/// A file whose catalog would be in an object stream of `data`.
fn objects_in(data: &Stream) -> Vec<u8> {
    let mut file = b"%PDF-1.5\n1 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode>>\nstream\n".to_vec();
    file.extend_from_slice(&data.content);
    file.extend_from_slice(b"\nendstream\nendobj\ntrailer\n<</Root 2 0 R>>\nstartxref\n0\n%%EOF\n");
    file
}

#[test]
fn what_inflates_beyond_the_limit_is_never_inflated() {
    let contents = |book: &mut Document, pages: &[ObjectId], stream: Stream| {
        let stream = book.add_object(stream);
        book.get_dictionary_mut(pages[0]).unwrap().set("Contents", stream);
    };
    let mut twice = bomb(40);
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &twice.content).unwrap();
    twice.set_content(encoder.finish().unwrap());
    twice.dict.set("Filter", vec!["FlateDecode".into(), "FlateDecode".into()]);
    let all_codes = b"1 beginbfrange <00000000> <ffffffff> <0041> endbfrange".to_vec();
    let p = beside(&[
        ("contents.pdf", pdf(&[Vec::new()], |book, _, _, pages| contents(book, pages, bomb(40)))),
        ("form.pdf", drawing(form(bomb(40)))),
        ("map.pdf", mapped(bomb(40))),
        ("map-of-all-codes.pdf", mapped(Stream::new(Dictionary::new(), all_codes))),
        ("objects.pdf", objects_in(&bomb(40))),
        ("twice.pdf", pdf(&[Vec::new()], |book, _, _, pages| contents(book, pages, twice))),
    ]);
    with_limits(&p, "decompressed_mb = 32");
    let built = build(&p);
    built.fails(1);
    let failed = built.with_outcome("failed");
    assert!(failed.len() == 6 && failed.iter().skip(1).all(|a| a.starts_with("text ")), "{failed:?}");
    built.stderr_has("pages objects.pdf: the streams that hold its objects inflate to more than 32 MB");
    let limit = "inflate to more than 32 MB; `decompressed_mb` in `[limits]` allows 32";
    assert_eq!(built.stderr.matches(limit).count(), 5, "{}", built.stderr);
    built.stderr_has("page 1 has a font whose character map is larger than any font needs");

    p.remove(&format!("{FOLDER}/objects.pdf"));
    p.remove(&format!("{FOLDER}/map-of-all-codes.pdf")).remove(&format!("{FOLDER}/map.pdf"));
    with_limits(&p, "decompressed_mb = 64");
    all_are_built(&p, 5);
}

#[test]
fn a_page_whose_instructions_take_half_the_memory_is_read() {
    let blank = pdf(&[Vec::new()], |book, _, _, pages| {
        let stream = book.add_object(bomb(120));
        book.get_dictionary_mut(pages[0]).unwrap().set("Contents", stream);
    });
    let p = beside(&[("blank.pdf", blank)]);
    with_limits(&p, "memory_mb = 256");
    all_are_built(&p, 3);
}
