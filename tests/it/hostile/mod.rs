//! Hostile inputs, made here: each ends in a built book or in an error that names it, never in a panic or a hang, and costs no
//! other book its own actions.

use std::sync::mpsc;
use std::time::Duration;

use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, EncryptionState, EncryptionVersion, Object, ObjectId, Permissions, Stream, dictionary};

use crate::project::{Built, Project, repository};

mod limits;
mod unreadable;

/// Longer than any of these builds takes on a slow machine; what takes longer hangs.
const HANG: Duration = Duration::from_secs(240);

const FOLDER: &str = "fixtures/uploads";
const GOOD_PDF: &str = "weir-of-saint-osk.pdf";
const GOOD_TEXT: &str = "wardens-pocket-almanac.txt";

/// The root Ingestfile, its schemas, and two good books.
fn two_books() -> Project {
    let fixtures = repository().join(FOLDER);
    let p = Project::of_passes(&std::fs::read_to_string(repository().join("Ingestfile.toml")).unwrap());
    p.file(&format!("{FOLDER}/{GOOD_PDF}"), std::fs::read(fixtures.join("adventures").join(GOOD_PDF)).unwrap());
    p.file(&format!("{FOLDER}/{GOOD_TEXT}"), std::fs::read(fixtures.join(GOOD_TEXT)).unwrap())
}

/// Two good books, and these files beside them.
fn beside(files: &[(&str, Vec<u8>)]) -> Project {
    let p = two_books();
    for (name, bytes) in files {
        p.file(&format!("{FOLDER}/{name}"), bytes);
    }
    p
}

/// A build that ends in time, with 0 or 1, without a word of a panic.
#[track_caller]
fn build(p: &Project) -> Built {
    let running = p.start(&["build", "--json"]);
    let pid = running.pid();
    let (say, said) = mpsc::channel();
    std::thread::spawn(move || drop(say.send(running.end())));
    let Ok(built) = said.recv_timeout(HANG) else {
        if cfg!(unix) {
            let _ = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
        panic!("the build hangs");
    };
    assert!(matches!(built.code, Some(0 | 1)), "exit {:?}\n{}", built.code, built.stderr);
    built.stderr_lacks("panicked").stderr_lacks("RUST_BACKTRACE");
    assert!(built.last_line().starts_with("ingest: "), "{}", built.stderr);
    built
}

/// Builds, with every book good; `sources` of them, the two of ours included.
#[track_caller]
fn all_are_built(p: &Project, sources: usize) -> Built {
    let built = build(p);
    built.ok();
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E SUCCESS, F SUCCESS");
    assert_eq!(p.json("passA_toc.json").as_array().unwrap().len(), sources, "{}", built.stderr);
    built
}

/// The whole text of the job's chunks.
fn text(p: &Project) -> String {
    p.json("passC_chunks.json").as_array().unwrap().iter().map(|c| c["text"].as_str().unwrap().to_owned() + "\n").collect()
}

/// A book of one page per content stream; `dress` may add to the catalog.
fn pdf(contents: &[Vec<u8>], dress: impl FnOnce(&mut Document, &mut Dictionary, ObjectId, &[ObjectId])) -> Vec<u8> {
    let mut book = Document::with_version("1.5");
    let tree = book.new_object_id();
    let font =
        dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Times-Roman", "Encoding" => "WinAnsiEncoding" };
    let font = book.add_object(font);
    let mut pages = Vec::new();
    for content in contents {
        let stream = book.add_object(Stream::new(dictionary! {}, content.clone()));
        pages.push(book.add_object(dictionary! {
            "Type" => "Page", "Parent" => tree, "Contents" => stream,
            "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } },
            "MediaBox" => vec![0.into(), 0.into(), 612.into(), 792.into()],
        }));
    }
    let kids: Vec<Object> = pages.iter().map(|p| (*p).into()).collect();
    let count = i64::try_from(kids.len()).unwrap();
    book.objects.insert(tree, dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count }.into());
    let mut catalog = dictionary! { "Type" => "Catalog", "Pages" => tree };
    dress(&mut book, &mut catalog, tree, &pages);
    let catalog = book.add_object(catalog);
    book.trailer.set("Root", catalog);
    saved(book)
}

fn saved(mut book: Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    book.save_to(&mut bytes).unwrap();
    bytes
}

/// A page that prints `text`.
fn page(text: &str) -> Vec<u8> {
    let operations = vec![
        Operation::new("BT", vec![]),
        Operation::new("Tf", vec!["F1".into(), 12.into()]),
        Operation::new("Td", vec![72.into(), 700.into()]),
        Operation::new("Tj", vec![Object::string_literal(text)]),
        Operation::new("ET", vec![]),
    ];
    Content { operations }.encode().unwrap()
}

/// A page of a book about `subject`, long enough to be a chunk.
fn page_about(subject: &str) -> Vec<u8> {
    page(&format!("The {subject} keeps watch over the flooded road until the third bell has rung."))
}

fn plain(_: &mut Document, _: &mut Dictionary, _: ObjectId, _: &[ObjectId]) {}

/// A book that opens with the password `goblin` only.
fn locked() -> Vec<u8> {
    let mut book = Document::load_mem(&pdf(&[page_about("warden")], plain)).unwrap();
    let id = Object::string_literal("0123456789abcdef");
    book.trailer.set("ID", vec![id.clone(), id]);
    let version = EncryptionVersion::V2 {
        document: &book,
        owner_password: "troll",
        user_password: "goblin",
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    book.encrypt(&state).unwrap();
    saved(book)
}

#[test]
fn files_that_are_no_readable_pdf_are_named_and_cost_no_other_book_its_own_actions() {
    let whole = std::fs::read(repository().join(FOLDER).join("gazetteer-of-the-reach.pdf")).unwrap();
    let bad = [
        ("empty.pdf", Vec::new()),
        ("header-only.pdf", b"%PDF-1.7\n".to_vec()),
        ("locked.pdf", locked()),
        ("no-pages.pdf", pdf(&[], plain)),
        ("text.pdf", b"This is a text file that somebody renamed.\n".to_vec()),
        ("truncated.pdf", whole[..whole.len() / 2].to_vec()),
        ("zeros.pdf", vec![0; 100_000]),
    ];
    let p = beside(&bad);
    let built = build(&p);
    built.fails(1);
    let names: Vec<String> = bad.iter().map(|(name, _)| format!("pages {name}")).collect();
    built.failed(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let said = [
        ("empty.pdf", "the file is empty"),
        ("header-only.pdf", "the PDF has a header and no objects"),
        ("locked.pdf", "the PDF is encrypted and asks for a password: with it, `qpdf --decrypt` writes a copy without"),
        ("no-pages.pdf", "the PDF has no pages"),
        ("text.pdf", "not a PDF: it begins with `This is a text file that`"),
        ("truncated.pdf", "the PDF is truncated"),
        ("zeros.pdf", "not a PDF: all its 100000 bytes are zero"),
    ];
    for (name, why) in said {
        built.stderr_has(&format!("pages {name}: {why}"));
    }
    let ran = built.with_outcome("ran");
    for good in [GOOD_PDF, GOOD_TEXT] {
        assert!(ran.contains(&format!("pages {good}")) && ran.contains(&format!("passA {good}")), "{ran:?}");
    }

    // Told again, and not tried again.
    let again = build(&p);
    again.fails(1).ran(&[]).stderr_has("pages truncated.pdf: the PDF is truncated");

    for (name, _) in bad {
        p.remove(&format!("{FOLDER}/{name}"));
    }
    let mended = all_are_built(&p, 2);
    let done = |a: &String| ["pages ", "text ", "passA "].iter().any(|rule| a.starts_with(rule));
    assert_eq!(mended.with_outcome("ran").into_iter().filter(done).collect::<Vec<_>>(), Vec::<String>::new());
    p.build(&[]).nothing_to_do();
    p.leaves_nothing_behind();
}

/// An outline whose entries follow each other in a circle.
fn outline_cycle(book: &mut Document, catalog: &mut Dictionary, _: ObjectId, pages: &[ObjectId]) {
    let (a, b, root) = (book.new_object_id(), book.new_object_id(), book.new_object_id());
    let to = |page: ObjectId| Object::Array(vec![page.into(), Object::Name(b"Fit".to_vec())]);
    let entry = |title: &str, next: ObjectId, first: ObjectId| {
        dictionary! { "Title" => Object::string_literal(title), "Parent" => root, "Next" => next, "First" => first, "Dest" => to(pages[0]) }
    };
    book.objects.insert(a, entry("The Gate", b, b).into());
    book.objects.insert(b, entry("The Tower", a, a).into());
    book.objects.insert(root, dictionary! { "Type" => "Outlines", "First" => a, "Last" => b, "Count" => 2 }.into());
    catalog.set("Outlines", root);
}

/// Outline entries that lead nowhere, and one that leads to what is no page.
fn dangling_destinations(book: &mut Document, catalog: &mut Dictionary, tree: ObjectId, _: &[ObjectId]) {
    let root = book.new_object_id();
    let nowhere: [Object; 5] = [
        vec![Object::Reference((9_999, 0)), Object::Name(b"Fit".to_vec())].into(),
        vec![tree.into(), Object::Name(b"Fit".to_vec())].into(),
        vec![Object::Integer(-7), Object::Name(b"Fit".to_vec())].into(),
        Object::string_literal("no such name"),
        Object::Null,
    ];
    let ids: Vec<ObjectId> = nowhere.iter().map(|_| book.new_object_id()).collect();
    for (i, dest) in nowhere.into_iter().enumerate() {
        let mut entry = dictionary! { "Title" => Object::string_literal(format!("Entry {i}")), "Parent" => root, "Dest" => dest };
        if let Some(next) = ids.get(i + 1) {
            entry.set("Next", *next);
        }
        book.objects.insert(ids[i], entry.into());
    }
    book.objects.insert(root, dictionary! { "Type" => "Outlines", "First" => ids[0], "Last" => ids[4], "Count" => 5 }.into());
    catalog.set("Outlines", root);
}

/// Outline entries, each in the one before.
fn deep_outline(book: &mut Document, catalog: &mut Dictionary, _: ObjectId, pages: &[ObjectId]) {
    let root = book.new_object_id();
    let ids: Vec<ObjectId> = (0..2_000).map(|_| book.new_object_id()).collect();
    for (i, id) in ids.iter().enumerate() {
        let dest = vec![pages[0].into(), Object::Name(b"Fit".to_vec())];
        let mut entry = dictionary! { "Title" => Object::string_literal(format!("Level {i}")), "Dest" => dest };
        if let Some(first) = ids.get(i + 1) {
            entry.set("First", *first);
        }
        book.objects.insert(*id, entry.into());
    }
    book.objects.insert(root, dictionary! { "Type" => "Outlines", "First" => ids[0] }.into());
    catalog.set("Outlines", root);
}

/// A page tree that has itself as a child.
fn page_tree_cycle(book: &mut Document, _: &mut Dictionary, tree: ObjectId, _: &[ObjectId]) {
    let Ok(Object::Array(kids)) = book.get_dictionary_mut(tree).unwrap().get_mut(b"Kids") else { panic!("no kids") };
    kids.insert(0, tree.into());
    kids.push(tree.into());
}

#[test]
fn pdfs_that_are_odd_inside_are_built() {
    let odd = |about: &str| vec![page_about(about), page_about("ferryman")];
    let nested =
        |open: &str, close: &str| [open.repeat(200).into_bytes(), page_about("diver"), close.repeat(200).into_bytes()].concat();
    let broken = [&page_about("lamplighter")[..], b" BT /Nope 12 Tf (a) Tj ET [ << /A ( Q Q Q 1 0 0 cm Tj ' \" Do"].concat();
    let p = beside(&[
        ("broken-content.pdf", pdf(&[broken], plain)),
        ("dangling-destinations.pdf", pdf(&odd("bailiff"), dangling_destinations)),
        ("deep-outline.pdf", pdf(&odd("cooper"), deep_outline)),
        ("junk-before.pdf", [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), pdf(&odd("miller"), plain)].concat()),
        ("nested-states.pdf", pdf(&[nested("q ", "Q ")], plain)),
        ("outline-cycle.pdf", pdf(&odd("tanner"), outline_cycle)),
        ("page-tree-cycle.pdf", pdf(&odd("weaver"), page_tree_cycle)),
    ]);
    all_are_built(&p, 9);
    let text = text(&p);
    for subject in ["lamplighter", "bailiff", "cooper", "miller", "tanner", "weaver", "ferryman"] {
        assert!(text.contains(&format!("The {subject} keeps watch")), "{subject}: {text}");
    }
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_page_that_prints_nothing_and_a_page_of_one_letter_are_built() {
    let p = beside(&[("blank.pdf", pdf(&[Vec::new(), page("x"), Vec::new()], plain))]);
    all_are_built(&p, 3);
}

#[test]
fn text_that_is_odd_inside_is_built() {
    let says = "The warden keeps watch over the flooded road until the third bell has rung.";
    let html = format!("<h1>Deep</h1>{}<p>{says}</p>", "<div><b><ul><li>".repeat(100));
    let table = format!("<h1>Wide</h1><table><tr><td colspan=999999999 rowspan=999999999>{says}</td></tr></table>");
    let junk: Vec<u8> = (0..200_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let p = beside(&[
        ("brackets.md", format!("# Brackets\n\n{says}\n\n{}", "[".repeat(1 << 20)).into_bytes()),
        ("deep.html", html.into_bytes()),
        ("empty.txt", Vec::new()),
        ("junk.txt", junk),
        ("no-space.txt", "a".repeat(300_000).into_bytes()),
        ("quotes.md", format!("# Quotes\n\n{}{says}\n", "> ".repeat(200)).into_bytes()),
        ("stars.md", format!("# Stars\n\n{says}\n\n{}", "*a_ ".repeat(50_000)).into_bytes()),
        ("table.html", table.into_bytes()),
        ("unclosed.html", format!("<h1>Unclosed</h1><p>{says}<p><!-- {}", "<".repeat(100_000)).into_bytes()),
        ("utf-16.txt", [b"\xff\xfe".to_vec(), says.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat()),
    ]);
    let built = build(&p);
    let (failed, rejected) = (built.with_outcome("failed"), built.with_outcome("rejected"));
    // What cannot be read may fail, as itself.
    let expected: Vec<&String> =
        failed.iter().chain(&rejected).filter(|a| !a.contains("junk.txt") && !a.contains("empty.txt")).collect();
    assert!(expected.is_empty(), "{expected:?}\n{}", built.stderr);
    if built.code == Some(1) {
        assert!(!failed.is_empty() || !rejected.is_empty(), "{}", built.stderr);
        p.remove(&format!("{FOLDER}/junk.txt")).remove(&format!("{FOLDER}/empty.txt"));
        all_are_built(&p, 10);
    }
    let longest =
        p.json("passC_chunks.json").as_array().unwrap().iter().map(|c| c["text"].as_str().unwrap().chars().count()).max();
    assert!(longest <= Some(600), "{longest:?}");
    p.build(&[]).nothing_to_do();
}

#[test]
fn upper_case_extensions_and_folders_called_like_books_are_taken() {
    let p = beside(&[
        ("SHOUTED.PDF", pdf(&[page_about("crier")], plain)),
        ("folder.pdf/inside.pdf", pdf(&[page_about("clerk")], plain)),
        ("taken-by-nothing.exe", b"MZ".to_vec()),
    ]);
    all_are_built(&p, 4);
    let text = text(&p);
    assert!(text.contains("The crier keeps watch") && text.contains("The clerk keeps watch"));
}

#[cfg(unix)]
mod on_unix {
    use super::*;

    #[test]
    fn no_name_is_obeyed() {
        let names = [
            "-rf.md",
            "--help.md",
            "a name with spaces (and brackets) [v1.0].md",
            "'single' and \"double\".md",
            "$(touch hit).md",
            "`touch hit`;touch hit|touch hit.md",
            "\u{202e}fdp.md",
            "ünïcødé 規則書.md",
            "{source}{out}{id}.md",
        ];
        let says = |i: usize| format!("# Book {i}\n\nThe warden of gate {i} keeps watch until the third bell.\n").into_bytes();
        let files: Vec<(&str, Vec<u8>)> = names.iter().enumerate().map(|(i, n)| (*n, says(i))).collect();
        let p = beside(&files);
        let built = all_are_built(&p, 2 + names.len());
        assert!(!p.exists("hit") && !p.exists(&format!("{FOLDER}/hit")));
        assert!(!built.stderr.contains('\u{202e}'), "what turns the direction of writing is shown, not obeyed: {}", built.stderr);
        let paths: Vec<String> =
            p.json("passA_toc.json").as_array().unwrap().iter().map(|b| b["path"].as_str().unwrap().to_owned()).collect();
        for name in names {
            assert!(paths.iter().any(|path| path == name), "{name:?} is not in {paths:?}");
        }
        let (text, status) = (text(&p), p.run(&["status"]));
        status.ok();
        assert!(!status.stdout.contains('\u{202e}'));
        for i in 0..names.len() {
            assert!(text.contains(&format!("gate {i} keeps watch")), "book {i}");
        }
    }

    #[test]
    fn no_name_reaches_the_shell_of_a_command() {
        let rule = "version = 1\n[job]\nsources = \"uploads\"\ninclude = [\"**/*\"]\n[rule.upper]\neach = \"source\"\n\
                    inputs = { source = \"source\" }\ncommand = \"tr a-z A-Z < {source} > {out}\"\noutputs = { out = \"out/{id}.txt\" }\n";
        let names = ["$(touch hit).txt", "-rf", "a b;touch hit", "`touch hit`", "'; touch hit; '", "\"; touch hit; \""];
        let p = Project::new(rule);
        for name in names {
            p.source(name, "said\n");
        }
        p.build(&[]).ok();
        assert!(!p.exists("hit"));
        assert_eq!(p.published_files().len(), names.len());
        p.build(&[]).nothing_to_do();
    }

    #[test]
    fn links_that_loop_or_lead_out_and_what_is_no_file_are_refused_by_name() {
        use std::os::unix::fs::symlink;
        let p = beside(&[("sub/page.md", b"# Page\n\nThe bailiff of the weir counts every boat that passes.\n".to_vec())]);
        p.file("secret.txt", "not a source");
        let at = |name: &str| p.path(FOLDER).join(name);
        symlink("loop.pdf", at("loop.pdf")).unwrap();
        symlink("../../secret.txt", at("out.txt")).unwrap();
        symlink("..", at("sub/up")).unwrap();
        symlink("sub/page.md", at("inside.md")).unwrap();
        symlink("/dev/zero", at("zero.txt")).unwrap();
        p.file(&format!("{FOLDER}/new\nline.md"), "# Two lines\n");
        assert!(std::process::Command::new("mkfifo").arg(at("pipe.txt")).status().unwrap().success());
        let built = build(&p);
        let refused = ["loop.pdf", "new\\nline.md", "out.txt", "pipe.txt", "zero.txt"];
        for name in refused {
            built.stderr_has(&format!("`{name}` is refused"));
        }
        // They are none of the job's books, and the exit code does not let them be overlooked.
        built.fails(1);
        assert_eq!(p.json("passA_toc.json").as_array().unwrap().len(), 4);
        assert!(!text(&p).contains("not a source"));
        for name in refused {
            p.remove(&format!("{FOLDER}/{}", name.replace("\\n", "\n")));
        }
        p.build(&[]).nothing_to_do();
    }
}
