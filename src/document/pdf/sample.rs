//! Small PDFs for tests, built with lopdf.

use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, dictionary};

/// A book of one page per text, in Times, with an inherited media box and shared resources.
pub fn book(texts: &[String]) -> Vec<u8> {
    let contents: Vec<Vec<u8>> = texts.iter().map(|t| page_of_text(t)).collect();
    from_contents(&contents)
}

/// A content stream that shows `text` at the top left.
fn page_of_text(text: &str) -> Vec<u8> {
    let operations = vec![
        Operation::new("BT", vec![]),
        Operation::new("Tf", vec!["F1".into(), 12.into()]),
        Operation::new("Td", vec![72.into(), 700.into()]),
        Operation::new("Tj", vec![Object::string_literal(text)]),
        Operation::new("ET", vec![]),
    ];
    Content { operations }.encode().unwrap()
}

/// A book of one page per content stream; F1 is Times-Roman and F2 Times-Bold.
pub fn from_contents(contents: &[Vec<u8>]) -> Vec<u8> {
    let mut doc = Document::with_version("1.5");
    let pages = doc.new_object_id();
    let font = |doc: &mut Document, name: &str| {
        doc.add_object(
            dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => name, "Encoding" => "WinAnsiEncoding" },
        )
    };
    let (roman, bold) = (font(&mut doc, "Times-Roman"), font(&mut doc, "Times-Bold"));
    let resources = doc.add_object(dictionary! { "Font" => dictionary! { "F1" => roman, "F2" => bold } });
    let kids: Vec<Object> = contents
        .iter()
        .map(|content| {
            let stream = doc.add_object(Stream::new(dictionary! {}, content.clone()));
            doc.add_object(dictionary! { "Type" => "Page", "Parent" => pages, "Contents" => stream }).into()
        })
        .collect();
    let count = i64::try_from(kids.len()).unwrap();
    let media = vec![0.into(), 0.into(), 612.into(), 792.into()];
    let tree = dictionary! {
        "Type" => "Pages", "Kids" => kids, "Count" => count, "Resources" => resources, "MediaBox" => media,
    };
    doc.objects.insert(pages, tree.into());
    let catalog = doc.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    doc.trailer.set("Root", catalog);
    let mut out = Vec::new();
    doc.save_to(&mut out).unwrap();
    out
}
