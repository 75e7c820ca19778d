//! PDFs made of what the fuzzer asks for.

use arbitrary::Arbitrary;
use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary};

/// What a page does, one after the other.
#[derive(Arbitrary, Clone, Debug)]
pub enum Draw {
    Text { x: u16, y: u16, size: u8, words: Vec<u8> },
    Raw(Vec<u8>),
    State(bool),
    Line { x: u16, y: u16, w: u16, h: u8 },
    Mode(u8),
    Map([i8; 4]),
    Form,
}

pub fn content(draws: &[Draw]) -> Vec<u8> {
    let mut out = Vec::new();
    for draw in draws {
        let line = match draw {
            Draw::Text { x, y, size, words } => {
                let words: String = words.iter().take(80).map(|w| WORDS[usize::from(*w) % WORDS.len()]).collect();
                format!("BT /F{} {} Tf 1 0 0 1 {} {} Tm ({words}) Tj ET", size % 3, size / 4, x % 700, y % 900)
            }
            Draw::Raw(bytes) => {
                out.extend(bytes);
                String::new()
            }
            Draw::State(open) => if *open { "q" } else { "Q" }.to_owned(),
            Draw::Line { x, y, w, h } => format!("{} {} {w} {h} re f", x % 700, y % 900),
            Draw::Mode(mode) => format!("BT {} Tr ET", mode % 9),
            Draw::Map([a, b, c, d]) => format!("{a} {b} {c} {d} 0 0 cm"),
            Draw::Form => "/X Do".to_owned(),
        };
        out.extend(line.bytes());
        out.push(b'\n');
    }
    out
}

const WORDS: [&str; 12] =
    ["The warden ", "and ", "rolls ", "1d6 ", "at the gate", ". ", "Chapter 1 ", "co-", "....", " 12", "(a\\)", "Armour Class: "];

/// A book of one page per content; `dress` may add to the catalog.
pub fn book(contents: &[Vec<u8>], dress: impl FnOnce(&mut Document, &mut Dictionary, &[ObjectId])) -> Vec<u8> {
    let mut doc = Document::with_version("1.5");
    let tree = doc.new_object_id();
    let font = |doc: &mut Document, name: &str| {
        doc.add_object(
            dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => name, "Encoding" => "WinAnsiEncoding" },
        )
    };
    let (roman, bold) = (font(&mut doc, "Times-Roman"), font(&mut doc, "Times-Bold"));
    let form = doc.new_object_id();
    let fonts = dictionary! { "F0" => roman, "F1" => bold };
    let resources = dictionary! { "Font" => fonts, "XObject" => dictionary! { "X" => form } };
    let bounds: Vec<Object> = [0, 0, 300, 300].map(Object::Integer).to_vec();
    let dict = dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => bounds, "Resources" => resources.clone() };
    doc.objects.insert(form, Stream::new(dict, b"BT /F0 9 Tf 20 20 Td (in a form) Tj ET /X Do".to_vec()).into());
    let resources = doc.add_object(resources);
    let mut pages = Vec::new();
    for content in contents {
        let stream = doc.add_object(Stream::new(dictionary! {}, content.clone()));
        pages.push(doc.add_object(dictionary! { "Type" => "Page", "Parent" => tree, "Contents" => stream }));
    }
    let kids: Vec<Object> = pages.iter().map(|p| (*p).into()).collect();
    let media: Vec<Object> = [0, 0, 612, 792].map(Object::Integer).to_vec();
    let count = i64::try_from(kids.len()).unwrap_or(0);
    doc.objects.insert(
        tree,
        dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count, "Resources" => resources, "MediaBox" => media }.into(),
    );
    let mut catalog = dictionary! { "Type" => "Catalog", "Pages" => tree };
    dress(&mut doc, &mut catalog, &pages);
    let catalog = doc.add_object(catalog);
    doc.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    let _ = doc.save_to(&mut bytes);
    bytes
}
