//! The whole reader of PDFs, on bytes as they come (`%` first) and on files of sound structure whose fonts, character maps, forms,
//! colour spaces and page content are of any kind: it reads or refuses, its glyphs are of its text, both backends and the layout
//! bear all of it, and all is the same twice.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use ingest::builtin::Limits;
use ingest::document::layout::lay_out;
use ingest::document::page_text::PageText;
use ingest::document::pdf::glyph::{Backend, PageGlyphs, read};
use lopdf::{Dictionary, Object, ObjectId, Stream, StringFormat, dictionary};

/// A file: what its pages do, and objects that they may name, each as a font, a form, a colour space and all else that it may be.
#[derive(Arbitrary, Debug)]
struct Case {
    pages: Vec<(Vec<Step>, Vec<(u8, Value)>)>,
    objects: Vec<Made>,
}

#[derive(Arbitrary, Debug)]
struct Made {
    kind: u8,
    refers: [u8; 3],
    steps: Vec<Step>,
    raw: Vec<u8>,
    /// Entries that are otherwise than they should be.
    changes: Vec<(u8, Value)>,
}

#[derive(Arbitrary, Debug)]
enum Value {
    Null,
    Integer(i64),
    Small(i8),
    Real(f32),
    Word(u8),
    Text(Vec<u8>),
    List(Vec<Value>),
    Dict(Vec<(u8, Value)>),
    Object(u8),
}

#[derive(Arbitrary, Debug)]
enum Step {
    /// An operator, with operands that it may take.
    Do(u8, [i16; 6]),
    Real(u8, [f32; 6]),
    Font(u8, u8),
    Show(Vec<u8>),
    Array(Vec<(Vec<u8>, i16)>),
    /// An operator that takes the name of an object.
    Named(u8, u8),
    Marked(u8, Vec<u8>),
    Inline(Vec<u8>),
    Raw(Vec<u8>),
}

const OPERATORS: [(&str, usize); 45] = [
    ("BT", 0),
    ("ET", 0),
    ("Tc", 1),
    ("Tw", 1),
    ("Tz", 1),
    ("TL", 1),
    ("Ts", 1),
    ("Tr", 1),
    ("Td", 2),
    ("TD", 2),
    ("T*", 0),
    ("Tm", 6),
    ("q", 0),
    ("Q", 0),
    ("cm", 6),
    ("m", 2),
    ("l", 2),
    ("c", 6),
    ("v", 4),
    ("y", 4),
    ("re", 4),
    ("h", 0),
    ("W", 0),
    ("W*", 0),
    ("n", 0),
    ("S", 0),
    ("s", 0),
    ("f", 0),
    ("f*", 0),
    ("B", 0),
    ("b*", 0),
    ("w", 1),
    ("g", 1),
    ("G", 1),
    ("rg", 3),
    ("RG", 3),
    ("k", 4),
    ("K", 4),
    ("sc", 3),
    ("SC", 4),
    ("scn", 1),
    ("EMC", 0),
    ("BMC", 0),
    ("d0", 2),
    ("d1", 6),
];
const NAMED: [&str; 6] = ["Do", "gs", "cs", "CS", "scn", "sh"];
const KEYS: [&str; 44] = [
    "Type",
    "Subtype",
    "BaseFont",
    "Encoding",
    "BaseEncoding",
    "Differences",
    "ToUnicode",
    "DescendantFonts",
    "CIDToGIDMap",
    "CIDSystemInfo",
    "W",
    "W2",
    "DW",
    "DW2",
    "WMode",
    "UseCMap",
    "FontDescriptor",
    "FontFile",
    "FontFile2",
    "FontFile3",
    "Flags",
    "FirstChar",
    "LastChar",
    "Widths",
    "MissingWidth",
    "FontBBox",
    "FontMatrix",
    "CharProcs",
    "Resources",
    "Matrix",
    "BBox",
    "Filter",
    "DecodeParms",
    "Predictor",
    "Columns",
    "MediaBox",
    "CropBox",
    "Rotate",
    "UserUnit",
    "Contents",
    "OC",
    "OCGs",
    "ActualText",
    "Font",
];
const WORDS: [&str; 32] = [
    "Font",
    "Type0",
    "Type1",
    "Type3",
    "TrueType",
    "CIDFontType0",
    "CIDFontType2",
    "Identity",
    "Identity-H",
    "Identity-V",
    "UniGB-UCS2-H",
    "90ms-RKSJ-V",
    "WinAnsiEncoding",
    "MacRomanEncoding",
    "MacExpertEncoding",
    "Symbol",
    "Times-Roman",
    "a",
    "f_i",
    "uni0041",
    "g17",
    ".notdef",
    "FlateDecode",
    "LZWDecode",
    "ASCII85Decode",
    "ASCIIHexDecode",
    "RunLengthDecode",
    "DCTDecode",
    "Form",
    "Image",
    "DeviceN",
    "Pattern",
];

pub fn run(data: &[u8]) {
    crate::guarded(|| {
        if data.starts_with(b"%") {
            check(&data.into());
            return;
        }
        let mut u = Unstructured::new(data);
        let Ok(case) = Case::arbitrary(&mut u) else { return };
        check(&made(&case).into());
    });
}

fn check(bytes: &Arc<[u8]>) {
    let limits = Limits { decompressed_bytes: 16 << 20, pages: 200, ..Limits::default() };
    for backend in [Backend::Hayro, Backend::PdfExtract] {
        let once = laid_out(bytes, backend, &limits);
        assert!(once == laid_out(bytes, backend, &limits), "{backend:?} reads otherwise the second time");
    }
}

fn laid_out(bytes: &Arc<[u8]>, backend: Backend, limits: &Limits) -> Result<Vec<PageText>, String> {
    let pages = read(bytes, backend, limits).map_err(|f| f.message)?;
    pages.iter().for_each(sound);
    Ok(pages.iter().map(lay_out).collect())
}

fn sound(page: &PageGlyphs) {
    let mut end = 0;
    for glyph in &page.glyphs {
        assert!(page.text.get(glyph.start as usize..glyph.end as usize).is_some(), "a glyph's text is none: {glyph:?}");
        assert!(glyph.end >= end, "texts of glyphs follow each other");
        assert!([0, 90, 180, 270].contains(&glyph.rotation), "{glyph:?}");
        assert!(glyph.size >= 0, "{glyph:?}");
        end = glyph.end;
    }
    assert!(!page.text.chars().any(|c| c.is_control()), "controls in {:?}", page.text);
}

fn made(case: &Case) -> Vec<u8> {
    let contents: Vec<Vec<u8>> = case.pages.iter().take(4).map(|(steps, _)| content(steps)).collect();
    crate::book::book(&contents, |doc, catalog, pages| {
        let ids: Vec<ObjectId> = case.objects.iter().take(12).map(|_| doc.new_object_id()).collect();
        for (id, made) in ids.iter().zip(&case.objects) {
            let object = object(made, &ids);
            doc.objects.insert(*id, object);
        }
        let named: Dictionary = ids.iter().enumerate().map(|(n, id)| (format!("N{n}"), Object::from(*id))).collect();
        let mut resources = Dictionary::new();
        for kind in ["Font", "XObject", "ExtGState", "ColorSpace", "Properties", "Pattern", "Shading"] {
            resources.set(kind, named.clone());
        }
        if let Some(id) = ids.first() {
            catalog.set(
                "OCProperties",
                dictionary! { "OCGs" => vec![(*id).into()], "D" => dictionary! { "OFF" => vec![(*id).into()] } },
            );
        }
        for (page, (_, changes)) in pages.iter().zip(&case.pages) {
            if let Ok(page) = doc.get_dictionary_mut(*page) {
                page.set("Resources", resources.clone());
                change(page, changes, &ids);
            }
        }
    })
}

fn change(dict: &mut Dictionary, changes: &[(u8, Value)], ids: &[ObjectId]) {
    for (key, to) in changes.iter().take(8) {
        dict.set(KEYS[usize::from(*key) % KEYS.len()], value(to, ids, 0));
    }
}

fn value(value_: &Value, ids: &[ObjectId], depth: usize) -> Object {
    match value_ {
        Value::Null => Object::Null,
        Value::Integer(n) => (*n).into(),
        Value::Small(n) => i64::from(*n).into(),
        Value::Real(n) => Object::Real(*n),
        Value::Word(word) => Object::Name(WORDS[usize::from(*word) % WORDS.len()].into()),
        Value::Text(bytes) => Object::String(bytes.clone(), StringFormat::Hexadecimal),
        Value::List(list) if depth < 6 => list.iter().take(20).map(|v| value(v, ids, depth + 1)).collect::<Vec<_>>().into(),
        Value::Dict(entries) if depth < 6 => {
            let entries = entries.iter().take(12);
            let dict: Dictionary =
                entries.map(|(k, v)| (KEYS[usize::from(*k) % KEYS.len()].to_owned(), value(v, ids, depth + 1))).collect();
            dict.into()
        }
        Value::List(_) | Value::Dict(_) => Object::Null,
        Value::Object(n) => refers(*n, ids),
    }
}

fn refers(to: u8, ids: &[ObjectId]) -> Object {
    ids.get(usize::from(to) % ids.len().max(1)).map_or(Object::Null, |id| (*id).into())
}

/// What an object of this kind looks like when it is sound, with its changes.
fn object(made: &Made, ids: &[ObjectId]) -> Object {
    let [a, b, c] = made.refers.map(|n| refers(n, ids));
    let bounds: Vec<Object> = [0, -200, 1000, 800].map(Object::Integer).to_vec();
    let matrix: Vec<Object> = [0.001, 0.0, 0.0, 0.001, 0.0, 0.0].map(Object::Real).to_vec();
    let stream = |dict, bytes: Vec<u8>| (dict, Some(bytes));
    let (mut dict, bytes) = match made.kind % 14 {
        0 => (
            dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "ABCDEF+Odd-Bold", "FirstChar" => 0, "LastChar" => 3,
            "Widths" => vec![500.into(), 250.into(), (-30).into()], "Encoding" => a, "ToUnicode" => b, "FontDescriptor" => c },
            None,
        ),
        1 => (
            dictionary! { "Type" => "Font", "Subtype" => "Type0", "BaseFont" => "Odd", "Encoding" => "Identity-H",
            "DescendantFonts" => vec![a], "ToUnicode" => b },
            None,
        ),
        2 => (
            dictionary! { "Type" => "Font", "Subtype" => "CIDFontType2", "BaseFont" => "Odd", "CIDToGIDMap" => a, "FontDescriptor" => b,
            "DW" => 500, "W" => vec![0.into(), vec![Object::Integer(100), 200.into()].into(), 5.into(), 9.into(), 300.into()],
            "CIDSystemInfo" => dictionary! { "Registry" => text("Adobe"), "Ordering" => text("Japan1"), "Supplement" => 2 } },
            None,
        ),
        3 => (
            dictionary! { "Type" => "Font", "Subtype" => "Type3", "FontBBox" => bounds, "FontMatrix" => matrix, "FirstChar" => 0, "LastChar" => 255,
            "Widths" => vec![Object::Integer(600); 256], "CharProcs" => dictionary! { "a" => a, "f_i" => b },
            "Encoding" => dictionary! { "Differences" => vec![0.into(), Object::Name(b"a".to_vec()), Object::Name(b"f_i".to_vec())] }, "ToUnicode" => c },
            None,
        ),
        4 => (
            dictionary! { "Type" => "FontDescriptor", "FontName" => "Odd", "Flags" => 4, "ItalicAngle" => -12, "FontFile2" => a, "FontFile3" => b,
            "FontFile" => c },
            None,
        ),
        5 => stream(dictionary! {}, map(&made.raw, false)),
        6 => stream(dictionary! { "Type" => "CMap", "CMapName" => "Odd", "UseCMap" => a }, map(&made.raw, true)),
        7 => stream(dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => bounds, "OC" => a }, content(&made.steps)),
        8 => stream(
            dictionary! { "Type" => "XObject", "Subtype" => "Image", "Width" => 3, "Height" => 3, "BitsPerComponent" => 8,
            "ColorSpace" => a, "SMask" => b },
            made.raw.clone(),
        ),
        9 => (dictionary! { "Type" => "ExtGState", "Font" => vec![a, 12.into()], "ca" => 0.5, "LW" => 3 }, None),
        10 => {
            (dictionary! { "Differences" => vec![65.into(), Object::Name(b"b".to_vec()), Object::Name(b"f_f_i".to_vec())] }, None)
        }
        11 => {
            let tint = dictionary! { "FunctionType" => 2, "Domain" => vec![0.into(), 1.into()], "N" => 1 };
            let kinds = ["Separation", "ICCBased", "Indexed", "DeviceN"];
            let kind = Object::Name(kinds[made.raw.len() % 4].into());
            return vec![kind, a, b, tint.into(), c].into();
        }
        12 => (
            dictionary! { "Type" => "OCG", "ActualText" => Object::String(made.raw.clone(), StringFormat::Hexadecimal), "OCGs" => a },
            None,
        ),
        _ => stream(dictionary! {}, made.raw.clone()),
    };
    change(&mut dict, &made.changes, ids);
    match bytes {
        Some(bytes) => Stream::new(dict, bytes).into(),
        None => dict.into(),
    }
}

fn text(of: &str) -> Object {
    Object::string_literal(of)
}

/// A character map, its parts as the bytes say.
fn map(raw: &[u8], cid: bool) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut out = String::from("/CIDInit /ProcSet findresource begin begincmap\n");
    let (mut bytes, kind) = (raw.iter().copied(), if cid { "cid" } else { "bf" });
    while let Some(part) = bytes.next() {
        let mut next = || bytes.next().unwrap_or(0);
        let (a, b, c, d) = (next(), next(), next(), next());
        let _ = match part % 8 {
            0 => writeln!(out, "1 begincodespacerange <{a:02x}> <{b:02x}> endcodespacerange"),
            1 => writeln!(out, "1 begincodespacerange <{a:02x}{b:02x}> <{c:02x}{d:02x}> endcodespacerange"),
            2 if cid => writeln!(out, "1 begincidchar <{a:02x}> {b} endcidchar"),
            3 if cid => writeln!(out, "1 begincidrange <{a:02x}{b:02x}> <{c:02x}{d:02x}> {a} endcidrange"),
            2 => writeln!(out, "1 beginbfchar <{a:02x}> <{b:02x}{c:02x}> endbfchar"),
            3 => writeln!(out, "1 beginbfrange <{a:02x}{b:02x}> <{c:02x}{d:02x}> <00{d:02x}> endbfrange"),
            4 => {
                writeln!(out, "1 begin{kind}range <{a:02x}> <{b:02x}> [<{c:02x}{d:02x}> <d83d{a:02x}{b:02x}> <>] end{kind}range")
            }
            5 => writeln!(out, "1 begin{kind}range <00> <ffffffff> <{a:02x}{b:02x}> end{kind}range"),
            6 => writeln!(out, "/Odd usecmap /WMode {} def", a % 3),
            _ => writeln!(out, "{a} begin{kind}char <{b:02x}{c:02x}{d:02x}> <0041 0042> end"),
        };
    }
    out.push_str("endcmap end\n");
    out.into_bytes()
}

fn content(steps: &[Step]) -> Vec<u8> {
    let mut out: Vec<u8> = b"BT /N0 12 Tf 72 700 Td ".to_vec();
    let hex = |bytes: &[u8]| -> String { bytes.iter().take(64).map(|b| format!("{b:02x}")).collect() };
    for step in steps.iter().take(200) {
        let line = match step {
            Step::Do(op, with) => {
                let (op, takes) = OPERATORS[usize::from(*op) % OPERATORS.len()];
                with.iter().take(takes).map(|n| format!("{} ", f32::from(*n) / 16.0)).collect::<String>() + op
            }
            Step::Real(op, with) => {
                let (op, takes) = OPERATORS[usize::from(*op) % OPERATORS.len()];
                with.iter().take(takes).map(|n| format!("{n} ")).collect::<String>() + op
            }
            Step::Font(font, size) => format!("/N{} {} Tf", font % 13, size / 4),
            Step::Show(bytes) => format!("<{}> Tj", hex(bytes)),
            Step::Array(parts) => {
                let parts: String = parts.iter().take(10).map(|(bytes, by)| format!("<{}> {by} ", hex(bytes))).collect();
                format!("[{parts}] TJ")
            }
            Step::Named(op, name) => format!("/N{} {}", name % 13, NAMED[usize::from(*op) % NAMED.len()]),
            Step::Marked(name, said) => match name % 3 {
                0 => format!("/Span << /ActualText <{}> >> BDC", hex(said)),
                1 => format!("/OC /N{} BDC", said.first().unwrap_or(&0) % 13),
                _ => "/Artifact BMC".to_owned(),
            },
            Step::Inline(bytes) => format!("BI /W 2 /H 2 /BPC 8 /CS /G ID {} EI", hex(bytes)),
            Step::Raw(bytes) => {
                out.extend(bytes);
                String::new()
            }
        };
        out.extend(line.bytes());
        out.push(b'\n');
    }
    out
}
