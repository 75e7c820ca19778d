//! Files that mean harm, or that harm befell; each with what is to come of it.

use std::io::Write as _;

use lopdf::{Dictionary, Document, EncryptionState, EncryptionVersion, Object, ObjectId, Permissions, Stream, dictionary};

use crate::pdf::{of_pages, page_of, saved};
use crate::words::Dice;

/// What is to come of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is a book of the job like any other, and says this.
    Built(&'static str),
    /// It is set aside, by name and with a reason that says this.
    Named(&'static str),
}

pub struct Hostile {
    /// Below the sources folder.
    pub path: String,
    pub bytes: Vec<u8>,
    pub fate: Fate,
}

type Maker = fn() -> Vec<u8>;

/// (name, what is to come of it, its bytes)
const ALL: &[(&str, Fate, Maker)] = &[
    // Not what their name says.
    ("zero-bytes.pdf", Fate::Named("the file is empty"), Vec::new),
    ("zero-bytes.md", Fate::Named("the file is empty"), Vec::new),
    ("header-only.pdf", Fate::Named("has a header and no objects"), || b"%PDF-1.7\n".to_vec()),
    ("a-letter.pdf", Fate::Named("it begins with `Dear reader"), || b"Dear reader, this was never a PDF.\n".to_vec()),
    ("random.pdf", Fate::Named("has no `%PDF-` header"), || Dice::new(7).bytes(50_000)),
    ("only-nul.pdf", Fate::Named("all its 100000 bytes are zero"), || vec![0; 100_000]),
    ("markup.pdf", Fate::Named("it is an HTML page"), || format!("<html><body><p>{SAYS}</p></body></html>").into_bytes()),
    ("truncated-half.pdf", Fate::Named("the PDF is truncated"), || cut(1, 2)),
    ("truncated-tail.pdf", Fate::Built(SAYS), || cut(19, 20)),
    ("encrypted.pdf", Fate::Named("the PDF is encrypted"), encrypted),
    ("no-pages.pdf", Fate::Named("the PDF has no pages"), || of_pages(&[], |_, _, _, _| {})),
    ("binary.txt", Fate::Named("neither UTF-8 nor Windows-1252"), || Dice::new(8).bytes(60_000)),
    ("archive.pdf", Fate::Named("not a PDF"), || [b"PK\x03\x04".to_vec(), Dice::new(10).bytes(5_000)].concat()),
    ("picture.pdf", Fate::Named("not a PDF"), || [b"\x89PNG\r\n\x1a\n".to_vec(), Dice::new(11).bytes(5_000)].concat()),
    ("only-spaces.md", Fate::Named("it holds no text"), || b" \n\t\n".repeat(1_000)),
    ("only-a-mark.txt", Fate::Named("it holds no text"), || b"\xef\xbb\xbf".to_vec()),
    ("only-a-comment.html", Fate::Named("it holds no text"), || b"<!-- nothing to see --><script>run()</script>".to_vec()),
    // Bombs.
    ("inflates-beyond.pdf", Fate::Named("`decompressed_mb` in `[limits]` allows 512"), || dressed(inflating_beyond)),
    ("inflates.pdf", Fate::Built(SAYS), || dressed(inflating_content)),
    ("inflates-often.pdf", Fate::Built(SAYS), || dressed(inflating_in_a_chain)),
    ("form-in-itself.pdf", Fate::Built(SAYS), || dressed(form_in_itself)),
    ("million-operators.pdf", Fate::Built(SAYS), || content(b"q Q ".repeat(1 << 20))),
    ("huge-font.pdf", Fate::Built(SAYS), || content(b"BT /F1 1e30 Tf 1e30 0 0 1e30 0 0 Tm (x) Tj ET ".to_vec())),
    ("huge-page-count.pdf", Fate::Built(SAYS), || replaced("/Count 2", "/Count 999999999")),
    // Cycles and depth.
    ("page-tree-cycle.pdf", Fate::Built(SAYS), || dressed(page_tree_cycle)),
    ("outline-cycle.pdf", Fate::Built(SAYS), || dressed(outline_cycle)),
    ("outline-deep.pdf", Fate::Built(SAYS), || dressed(|d, c, _, p| outline_chain(d, c, p, b"First", 5_000))),
    ("outline-wide.pdf", Fate::Built(SAYS), || dressed(|d, c, _, p| outline_chain(d, c, p, b"Next", 20_000))),
    ("outline-nowhere.pdf", Fate::Built(SAYS), || dressed(outline_nowhere)),
    ("labels-cycle.pdf", Fate::Built(SAYS), || dressed(labels_cycle)),
    ("arrays-in-content.pdf", Fate::Named(NESTS), || content(b"[ ".repeat(20_000))),
    ("states-in-content.pdf", Fate::Named(NESTS), || content(b"q ".repeat(20_000))),
    ("arrays-in-object.pdf", Fate::Named(NESTS), nested_object),
    ("reference-cycle.pdf", Fate::Built(SAYS), || dressed(reference_cycle)),
    ("fonts-in-themselves.pdf", Fate::Built(SAYS), || dressed(fonts_in_themselves)),
    ("page-without-size.pdf", Fate::Built(SAYS), || replaced("/Parent", "/MediaBox[7 7 7 7]/Parent")),
    ("page-of-350-metres.pdf", Fate::Built(SAYS), || {
        let far = "9".repeat(38);
        replaced("/Parent", &format!("/MediaBox[-{far} -{far} {far} {far}]/Parent"))
    }),
    // Broken, and readable all the same.
    ("no-startxref.pdf", Fate::Built(SAYS), || replaced("startxref", "startxxxx")),
    ("junk-before.pdf", Fate::Built(SAYS), || [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), two_pages()].concat()),
    ("broken-content.pdf", Fate::Built(SAYS), || {
        content(b" BT /Nope 12 Tf (a) Tj ET [ << /A ( Q Q Q 1 0 0 cm Tj ' \" Do".to_vec())
    }),
    ("scan-only.pdf", Fate::Named("it needs OCR"), scan),
    ("blank-pages.pdf", Fate::Named("it is blank"), || of_pages(&[Vec::new(), Vec::new()], |_, _, _, _| {})),
    // Text.
    ("deep.html", Fate::Named(NESTS), || format!("<h1>Deep</h1>{}<p>{SAYS}</p>", "<div><b><ul><li>".repeat(20_000)).into_bytes()),
    ("unclosed.html", Fate::Built(SAYS), || format!("<h1>Unclosed</h1><p>{SAYS}<p><!-- {}", "<".repeat(100_000)).into_bytes()),
    ("wide-table.html", Fate::Built(SAYS), || {
        format!("<h1>Wide</h1><table><tr><td colspan=999999999 rowspan=999999999>{SAYS}</td></tr></table>").into_bytes()
    }),
    ("entities.html", Fate::Built(SAYS), || {
        format!("<h1>Marks</h1><p>{SAYS} {}</p>", "&lt;&#x41;&bogus;".repeat(5_000)).into_bytes()
    }),
    ("brackets.md", Fate::Built(SAYS), || format!("# Brackets\n\n{SAYS}\n\n{}", "[".repeat(1 << 18)).into_bytes()),
    ("quotes.md", Fate::Named(NESTS), || format!("# Quotes\n\n{}{SAYS}\n", "> ".repeat(20_000)).into_bytes()),
    ("one-word.txt", Fate::Built("aaaaaaaa"), || "a".repeat(300_000).into_bytes()),
    ("utf-16.txt", Fate::Built(SAYS), || {
        [b"\xff\xfe".to_vec(), SAYS.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat()
    }),
    // Names.
    ("規則書 ünïcødé بوابة.md", Fate::Built(SAYS), says),
    ("name with spaces (and) [brackets].md", Fate::Built(SAYS), says),
    ("{source}{out}{id}.md", Fate::Built(SAYS), says),
    (
        "very-long-name-very-long-name-very-long-name-very-long-name-very-long-name-very-long-name-very-long-name-very-long-name-\
      very-long-name-very-long-name-very-long-name-very-long-name.md",
        Fate::Built(SAYS),
        says,
    ),
    #[cfg(unix)]
    ("-rf.md", Fate::Built(SAYS), says),
    #[cfg(unix)]
    ("$(touch hit);`touch hit`|touch hit.md", Fate::Built(SAYS), says),
    #[cfg(unix)]
    ("\u{202e}fdp.md", Fate::Built(SAYS), says),
];

const NESTS: &str = "`nesting` in `[limits]` allows 256";
const SAYS: &str = "The warden keeps watch over the flooded road until the third bell has rung.";

/// Every hostile file. The same bytes never come twice, so that each is a source of its own.
pub fn all() -> Vec<Hostile> {
    ALL.iter().map(|(name, fate, make)| Hostile { path: format!("hostile/{name}"), bytes: make(), fate: *fate }).collect()
}

fn says() -> Vec<u8> {
    format!("# A name\n\n{SAYS}\n").into_bytes()
}

fn two_pages() -> Vec<u8> {
    dressed(|_, _, _, _| {})
}

fn dressed(dress: fn(&mut Document, &mut Dictionary, ObjectId, &[ObjectId])) -> Vec<u8> {
    of_pages(&[page_of(SAYS), page_of("The ferryman counts the boats on the old quay.")], dress)
}

/// A page that prints a sentence, and then does this.
fn content(then: Vec<u8>) -> Vec<u8> {
    of_pages(&[[page_of(SAYS), b"\n".to_vec(), then].concat()], |_, _, _, _| {})
}

fn cut(part: usize, of: usize) -> Vec<u8> {
    let whole = two_pages();
    whole[..whole.len() * part / of].to_vec()
}

fn replaced(from: &str, to: &str) -> Vec<u8> {
    let bytes = two_pages();
    let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap_or(0);
    [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
}

/// A book that opens with a password only.
fn encrypted() -> Vec<u8> {
    let Ok(mut book) = Document::load_mem(&two_pages()) else { return Vec::new() };
    let id = Object::string_literal("0123456789abcdef");
    book.trailer.set("ID", vec![id.clone(), id]);
    let version = EncryptionVersion::V2 {
        document: &book,
        owner_password: "troll",
        user_password: "goblin",
        key_length: 128,
        permissions: Permissions::all(),
    };
    if let Ok(state) = EncryptionState::try_from(version) {
        let _ = book.encrypt(&state);
    }
    saved(book)
}

fn compressed(bytes: Vec<u8>) -> Stream {
    let mut stream = Stream::new(dictionary! {}, bytes);
    let _ = stream.compress();
    stream
}

/// 200 MB of spaces in 200 kB.
fn inflating_content(doc: &mut Document, _: &mut Dictionary, _: ObjectId, pages: &[ObjectId]) {
    let bomb = doc.add_object(compressed(vec![b' '; 200 << 20]));
    if let Ok(page) = doc.get_dictionary_mut(pages[1]) {
        page.set("Contents", bomb);
    }
}

/// A stream that was compressed three times: each layer is small, the last is not.
fn inflating_in_a_chain(doc: &mut Document, _: &mut Dictionary, _: ObjectId, pages: &[ObjectId]) {
    let mut bytes = vec![b' '; 300 << 20];
    for _ in 0..3 {
        bytes = compressed(bytes).content;
    }
    let filters: Vec<Object> = (0..3).map(|_| Object::Name(b"FlateDecode".to_vec())).collect();
    let bomb = doc.add_object(Stream::new(dictionary! { "Filter" => filters }, bytes));
    if let Ok(page) = doc.get_dictionary_mut(pages[1]) {
        page.set("Contents", bomb);
    }
}

/// 600 MB of spaces, more than the limit.
fn inflating_beyond(doc: &mut Document, _: &mut Dictionary, _: ObjectId, pages: &[ObjectId]) {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    let blank = vec![b' '; 1 << 20];
    for _ in 0..600 {
        let _ = encoder.write_all(&blank);
    }
    let bomb = Stream::new(dictionary! { "Filter" => "FlateDecode" }, encoder.finish().unwrap_or_default());
    let bomb = doc.add_object(bomb);
    if let Ok(page) = doc.get_dictionary_mut(pages[1]) {
        page.set("Contents", bomb);
    }
}

/// A font that is its own descendant, whose character map goes on in itself.
fn fonts_in_themselves(doc: &mut Document, _: &mut Dictionary, _: ObjectId, pages: &[ObjectId]) {
    let (font, map) = (doc.new_object_id(), doc.new_object_id());
    let dict = dictionary! {
        "Type" => "Font", "Subtype" => "Type0", "BaseFont" => "Odd", "DescendantFonts" => vec![font.into()], "Encoding" => map, "ToUnicode" => map,
    };
    doc.objects.insert(font, dict.into());
    let map_of_itself = Stream::new(dictionary! { "Type" => "CMap", "UseCMap" => map }, b"/Odd usecmap".to_vec());
    doc.objects.insert(map, map_of_itself.into());
    let content = doc.add_object(Stream::new(dictionary! {}, b"BT /F1 9 Tf 72 700 Td (odd) Tj ET".to_vec()));
    if let Ok(page) = doc.get_dictionary_mut(pages[1]) {
        page.set("Resources", dictionary! { "Font" => dictionary! { "F1" => font } });
        page.set("Contents", content);
    }
}

/// A form that draws itself, twice.
fn form_in_itself(doc: &mut Document, _: &mut Dictionary, _: ObjectId, pages: &[ObjectId]) {
    let form = doc.new_object_id();
    let resources = dictionary! { "XObject" => dictionary! { "X" => form } };
    let box_of_form: Vec<Object> = [0, 0, 612, 792].map(Object::Integer).to_vec();
    let dict = dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => box_of_form, "Resources" => resources.clone() };
    doc.objects.insert(form, Stream::new(dict, b"/X Do /X Do".to_vec()).into());
    let content = doc.add_object(Stream::new(dictionary! {}, b"/X Do".to_vec()));
    if let Ok(page) = doc.get_dictionary_mut(pages[1]) {
        page.set("Resources", resources);
        page.set("Contents", content);
    }
}

fn page_tree_cycle(doc: &mut Document, _: &mut Dictionary, tree: ObjectId, _: &[ObjectId]) {
    let kids = doc.get_dictionary_mut(tree).and_then(|t| t.get_mut(b"Kids"));
    if let Ok(Object::Array(kids)) = kids {
        kids.insert(0, tree.into());
        kids.push(tree.into());
    }
}

fn to(page: ObjectId) -> Object {
    vec![page.into(), Object::Name(b"Fit".to_vec())].into()
}

fn outline_cycle(doc: &mut Document, catalog: &mut Dictionary, _: ObjectId, pages: &[ObjectId]) {
    let (a, b, root) = (doc.new_object_id(), doc.new_object_id(), doc.new_object_id());
    let entry = |title: &str, next: ObjectId| {
        dictionary! { "Title" => Object::string_literal(title), "Next" => next, "First" => next, "Dest" => to(pages[0]) }
    };
    doc.objects.insert(a, entry("The Gate", b).into());
    doc.objects.insert(b, entry("The Tower", a).into());
    doc.objects.insert(root, dictionary! { "Type" => "Outlines", "First" => a, "Last" => b }.into());
    catalog.set("Outlines", root);
}

/// Entries, each led to by `key` of the one before.
fn outline_chain(doc: &mut Document, catalog: &mut Dictionary, pages: &[ObjectId], key: &[u8], entries: usize) {
    let root = doc.new_object_id();
    let ids: Vec<ObjectId> = (0..entries).map(|_| doc.new_object_id()).collect();
    for (i, id) in ids.iter().enumerate() {
        let mut entry = dictionary! { "Title" => Object::string_literal(format!("Entry {i}")), "Dest" => to(pages[i % 2]) };
        if let Some(next) = ids.get(i + 1) {
            entry.set(key, *next);
        }
        doc.objects.insert(*id, entry.into());
    }
    doc.objects.insert(root, dictionary! { "Type" => "Outlines", "First" => ids[0] }.into());
    catalog.set("Outlines", root);
}

fn outline_nowhere(doc: &mut Document, catalog: &mut Dictionary, tree: ObjectId, pages: &[ObjectId]) {
    outline_chain(doc, catalog, pages, b"Next", 4);
    let nowhere = [to((9_999, 0)), to(tree), Object::string_literal("no such name"), Object::Integer(-7)];
    let mut nowhere = nowhere.into_iter();
    for object in doc.objects.values_mut() {
        if let Ok(entry) = object.as_dict_mut()
            && entry.has(b"Dest")
            && let Some(dest) = nowhere.next()
        {
            entry.set("Dest", dest);
        }
    }
}

/// A number tree of page labels that has itself as a child.
fn labels_cycle(doc: &mut Document, catalog: &mut Dictionary, _: ObjectId, _: &[ObjectId]) {
    let node = doc.new_object_id();
    let label = dictionary! { "S" => "D", "St" => i64::MAX, "P" => Object::string_literal("p".repeat(100_000)) };
    let nums: Vec<Object> = vec![0.into(), label.into(), i64::MAX.into(), Object::Null];
    doc.objects.insert(node, dictionary! { "Kids" => vec![node.into()], "Nums" => nums }.into());
    catalog.set("PageLabels", node);
}

/// An indirect object that is a reference to itself, where a page looks for its box and its content.
fn reference_cycle(doc: &mut Document, _: &mut Dictionary, _: ObjectId, pages: &[ObjectId]) {
    let id = doc.new_object_id();
    doc.objects.insert(id, Object::Reference(id));
    if let Ok(page) = doc.get_dictionary_mut(pages[1]) {
        for key in ["MediaBox", "Contents", "Resources", "Rotate"] {
            page.set(key, id);
        }
    }
}

/// An object of arrays in arrays, between the others.
fn nested_object() -> Vec<u8> {
    let bytes = two_pages();
    let at = bytes.windows(4).position(|w| w == b"xref").unwrap_or(bytes.len());
    let object = [b"99 0 obj\n".to_vec(), b"[".repeat(100_000), b"]".repeat(100_000), b"\nendobj\n".to_vec()].concat();
    [&bytes[..at], &object, &bytes[at..]].concat()
}

/// A page that shows one picture and no text.
fn scan() -> Vec<u8> {
    of_pages(&[b"q 612 0 0 792 0 0 cm /Im Do Q".to_vec()], |doc, _, _, pages| {
        let dict = dictionary! {
            "Type" => "XObject", "Subtype" => "Image", "Width" => 64, "Height" => 64, "BitsPerComponent" => 8, "ColorSpace" => "DeviceGray",
        };
        let image = doc.add_object(Stream::new(dict, Dice::new(9).bytes(64 * 64)));
        if let Ok(page) = doc.get_dictionary_mut(pages[0]) {
            page.set("Resources", dictionary! { "XObject" => dictionary! { "Im" => image } });
        }
    })
}
