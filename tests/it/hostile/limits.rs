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
    with_limits(&p, "pages = 10\ntime_s = 300\nnesting = 300");
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

/// Arrays in each other, `depth` levels of them.
fn arrays(depth: usize) -> Object {
    (0..depth).fold(Object::Null, |inside, _| vec![inside].into())
}

/// A book with `object` in its catalog.
fn holding(object: Object) -> Vec<u8> {
    pdf(&[page_about("cooper")], |book, catalog, _, _| {
        let id = book.add_object(object);
        catalog.set("PieceInfo", id);
    })
}

/// A book whose catalog leads to arrays `depth` levels deep, in an object stream.
fn within_a_stream(depth: usize) -> Vec<u8> {
    let mut book = Document::load_mem(&pdf(&[page_about("fuller")], plain)).unwrap();
    let id = book.add_object(arrays(depth));
    book.catalog_mut().unwrap().set("PieceInfo", id);
    let mut bytes = Vec::new();
    book.save_modern(&mut bytes).unwrap();
    assert!(!bytes.windows(9).any(|w| w == b"[[[[[[[[["), "the arrays are not in a stream");
    bytes
}

/// A book whose only page lies below `depth` nodes of the page tree.
fn below(depth: usize) -> Vec<u8> {
    pdf(&[page_about("glover")], |book, _, tree, pages| {
        let node = |book: &mut Document, kid: ObjectId| {
            book.add_object(dictionary! { "Type" => "Pages", "Kids" => vec![kid.into()], "Count" => 1 })
        };
        let kid = (1..depth).fold(pages[0], |kid, _| node(book, kid));
        book.get_dictionary_mut(tree).unwrap().set("Kids", vec![kid.into()]);
    })
}

/// A book whose page draws a form that draws a form, `depth` of them.
fn forms(depth: usize) -> Vec<u8> {
    pdf(&[[&page_about("miller")[..], b" /X Do"].concat()], |book, _, _, pages| {
        let say = book.add_object(form(Stream::new(Dictionary::new(), b"0 g".to_vec())));
        let outer = (1..depth).fold(say, |inner, _| {
            let resources = dictionary! { "XObject" => dictionary! { "X" => inner } };
            book.add_object(form(Stream::new(dictionary! { "Resources" => resources }, b"/X Do".to_vec())))
        });
        let page = book.get_dictionary_mut(pages[0]).unwrap();
        let Ok(Object::Dictionary(resources)) = page.get_mut(b"Resources") else { panic!("no resources") };
        resources.set("XObject", dictionary! { "X" => outer });
    })
}

/// A book whose page prints its text after `depth` times `open`.
fn opening(open: &str, depth: usize, close: &str) -> Vec<u8> {
    pdf(&[[open.repeat(depth).as_bytes(), close.repeat(depth).as_bytes(), &page_about("sexton")[..]].concat()], plain)
}

#[test]
fn what_nests_deeper_than_the_limit_fails_by_name_until_it_is_raised() {
    let list: String = (0..300).map(|i| format!("{}- The sexton rings.\n", " ".repeat(i))).collect();
    let text = "The reeve keeps watch over the flooded road until the third bell has rung.\n";
    let books: [(&str, Vec<u8>, &str); 11] = [
        ("objects.pdf", holding(arrays(300)), "holds arrays and dictionaries 300 levels deep"),
        ("stream.pdf", within_a_stream(301), "holds arrays and dictionaries 301 levels deep"),
        ("tree.pdf", below(302), "the page tree is 303 levels deep"),
        ("forms.pdf", forms(303), "page 1 draws forms 257 levels deep"),
        ("saved.pdf", opening("q ", 304, ""), "page 1 saves its graphics state 257 times in each other"),
        ("marked.pdf", opening("/P BMC ", 305, ""), "page 1 marks content 257 times in each other"),
        ("operands.pdf", opening("[", 306, "]"), "page 1 holds arrays and dictionaries 306 levels deep"),
        ("quotes.md", format!("# Watch\n\n{}{text}", "> ".repeat(300)).into(), "levels deep in line 3"),
        (
            "elements.md",
            format!("# Watch\n\n{text}\n{}{text}", "<div>".repeat(307)).into(),
            "elements lie 307 levels deep in line 5",
        ),
        (
            "elements.html",
            format!("<h1>Watch</h1>\n{}{text}", "<div>".repeat(308)).into(),
            "elements lie 308 levels deep in line 2",
        ),
        ("lists.txt", format!("WATCH\n\n{text}\n{list}").into(), "lists lie 257 levels deep in line 261"),
    ];
    let files: Vec<_> = books.iter().map(|(name, bytes, _)| (*name, bytes.clone())).collect();
    let p = beside(&files);
    let built = build(&p);
    built.fails(1);
    assert_eq!(built.with_outcome("failed").len(), books.len(), "{}", built.stderr);
    for (name, _, found) in &books {
        built.stderr_has(name).stderr_has(found);
    }
    assert_eq!(built.stderr.matches("; `nesting` in `[limits]` allows 256").count(), books.len(), "{}", built.stderr);
    build(&p).fails(1).ran(&[]);

    with_limits(&p, "nesting = 400");
    all_are_built(&p, 2 + books.len());
}

#[test]
fn an_outline_is_kept_as_deep_as_its_param_says() {
    let p = beside(&[("deep.pdf", pdf(&[page_about("cooper"), page_about("ferryman")], deep_outline))]);
    let notes = |p: &Project| {
        let tocs = p.json("passA_toc.json");
        tocs.as_array().unwrap().iter().find(|t| t["path"] == "deep.pdf").unwrap()["notes"].to_string()
    };
    all_are_built(&p, 3);
    assert!(notes(&p).contains("deeper than 16 levels; kept at level 16 (`max_outline_depth`)"), "{}", notes(&p));
    p.edit("Ingestfile.toml", "run     = \"toc\"\n", "run     = \"toc\"\nparams  = { max_outline_depth = 40 }\n");
    all_are_built(&p, 3);
    assert!(notes(&p).contains("deeper than 40 levels; kept at level 40"), "{}", notes(&p));
}

#[test]
fn a_form_that_draws_itself_is_drawn_once() {
    let itself = pdf(&[[&page_about("miller")[..], b" /X Do"].concat()], |book, _, _, pages| {
        let id = book.new_object_id();
        let below = vec![1.into(), 0.into(), 0.into(), 1.into(), 0.into(), (-100).into()];
        let mut stream = form(Stream::new(dictionary! { "Matrix" => below }, b"/X Do /X Do ".to_vec()));
        stream.content.extend(page("A form speaks."));
        stream.dict.set("Length", stream.content.len() as i64);
        stream.dict.set("BBox", vec![0.into(), 0.into(), 999.into(), 999.into()]);
        book.objects.insert(id, stream.into());
        let page = book.get_dictionary_mut(pages[0]).unwrap();
        let Ok(Object::Dictionary(resources)) = page.get_mut(b"Resources") else { panic!("no resources") };
        resources.set("XObject", dictionary! { "X" => id });
    });
    let p = beside(&[("itself.pdf", itself)]);
    all_are_built(&p, 3);
    assert_eq!(text(&p).matches("A form speaks.").count(), 1, "{}", text(&p));
}
