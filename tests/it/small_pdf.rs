//! PDFs of a few pages, made here: lines of text, a picture, an outline, and printed numbers that begin with i, ii, 1.

use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, ObjectId, Stream, dictionary};

/// What a page shows.
pub enum Page<'t> {
    /// Lines: size in points, and text.
    Lines(&'t [(i64, &'t str)]),
    /// A picture, and no text.
    Picture,
}

/// A PDF of these pages; `outline` names titles and the indices of their pages.
pub fn pdf(pages: &[Page<'_>], outline: &[(&str, usize)]) -> Vec<u8> {
    let mut book = Document::with_version("1.5");
    let tree = book.new_object_id();
    let font = book.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Times-Roman" });
    let picture = dictionary! { "Type" => "XObject", "Subtype" => "Image", "Width" => 1, "Height" => 1, "BitsPerComponent" => 8,
    "ColorSpace" => "DeviceGray" };
    let picture = book.add_object(Stream::new(picture, vec![90]));
    let shown = dictionary! { "F1" => font };
    let resources = book.add_object(dictionary! { "Font" => shown, "XObject" => dictionary! { "I1" => picture } });
    let mut ids: Vec<ObjectId> = Vec::new();
    for page in pages {
        let content = book.add_object(Stream::new(dictionary! {}, Content { operations: operations(page) }.encode().unwrap()));
        let page = dictionary! { "Type" => "Page", "Parent" => tree, "Resources" => resources, "Contents" => content };
        ids.push(book.add_object(page));
    }
    let kids: Vec<Object> = ids.iter().map(|id| (*id).into()).collect();
    let count = i64::try_from(pages.len()).unwrap();
    let sheet = vec![0.into(), 0.into(), 612.into(), 792.into()];
    book.objects.insert(tree, dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count, "MediaBox" => sheet }.into());
    let labels = vec![0.into(), dictionary! { "S" => "r" }.into(), 2.into(), dictionary! { "S" => "D" }.into()];
    let labels = book.add_object(dictionary! { "Nums" => labels });
    let mut catalog = dictionary! { "Type" => "Catalog", "Pages" => tree, "PageLabels" => labels };
    if let Some(outlines) = outlines(&mut book, outline, &ids) {
        catalog.set("Outlines", outlines);
    }
    let catalog = book.add_object(catalog);
    book.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    book.save_to(&mut bytes).unwrap();
    bytes
}

fn operations(page: &Page<'_>) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut put = |name: &str, operands: Vec<Object>| operations.push(Operation::new(name, operands));
    match page {
        Page::Picture => {
            put("q", vec![]);
            put("cm", vec![400.into(), 0.into(), 0.into(), 400.into(), 100.into(), 200.into()]);
            put("Do", vec!["I1".into()]);
            put("Q", vec![]);
        }
        Page::Lines(lines) => {
            let mut y = 720;
            for (size, text) in *lines {
                put("BT", vec![]);
                put("Tf", vec!["F1".into(), (*size).into()]);
                put("Td", vec![72.into(), y.into()]);
                put("Tj", vec![Object::string_literal(*text)]);
                put("ET", vec![]);
                y -= size + 4;
            }
        }
    }
    operations
}

fn outlines(book: &mut Document, outline: &[(&str, usize)], pages: &[ObjectId]) -> Option<ObjectId> {
    let root = book.new_object_id();
    let ids: Vec<ObjectId> = outline.iter().map(|_| book.new_object_id()).collect();
    for (nth, (title, page)) in outline.iter().enumerate() {
        let to = vec![pages[*page].into(), "Fit".into()];
        let mut item = dictionary! { "Title" => Object::string_literal(*title), "Parent" => root, "Dest" => to };
        if let Some(next) = ids.get(nth + 1) {
            item.set("Next", *next);
        }
        if let Some(before) = nth.checked_sub(1) {
            item.set("Prev", ids[before]);
        }
        book.objects.insert(ids[nth], item.into());
    }
    let (first, last) = (*ids.first()?, *ids.last()?);
    let count = i64::try_from(ids.len()).unwrap();
    book.objects.insert(root, dictionary! { "Type" => "Outlines", "First" => first, "Last" => last, "Count" => count }.into());
    Some(root)
}
