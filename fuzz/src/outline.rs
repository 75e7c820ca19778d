//! The outline reader, on PDF bytes as they come (`%` first) and on outlines, names and labels that lead anywhere.

use arbitrary::{Arbitrary, Unstructured};
use ingest::builtin::Limits;
use ingest::document::outline::{PdfFrame, decode_text_string, read_frame};
use lopdf::{Dictionary, Object, ObjectId, StringFormat, dictionary};

/// How deep entries may lie in each other.
const DEPTH: u32 = 16;

#[derive(Arbitrary, Debug)]
struct Outline {
    pages: u8,
    entries: Vec<Entry>,
    root: Entry,
    names: Vec<(Vec<u8>, Dest)>,
    names_in_kids: bool,
    labels: Vec<Label>,
    labels_in_kids: bool,
    title: Vec<u8>,
    /// Objects that are references to others.
    chains: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
struct Entry {
    title: Vec<u8>,
    first: Option<u8>,
    next: Option<u8>,
    last: Option<u8>,
    dest: Dest,
}

#[derive(Arbitrary, Clone, Debug)]
enum Dest {
    None,
    Page(u8),
    Number(i64),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Action(u8, Vec<u8>),
    Chain(u8),
    Nested(Box<Dest>),
}

#[derive(Arbitrary, Debug)]
struct Label {
    at: i64,
    style: u8,
    start: i64,
    prefix: Vec<u8>,
}

pub fn run(data: &[u8]) {
    crate::guarded(|| {
        if data.starts_with(b"%") {
            check(data);
            return;
        }
        let mut u = Unstructured::new(data);
        let Ok(outline) = Outline::arbitrary(&mut u) else { return };
        let _ = decode_text_string(&outline.title);
        check(&made(&outline));
    });
}

fn check(bytes: &[u8]) {
    let frame = read_frame(bytes, DEPTH, &Limits::default());
    if let Ok(frame) = &frame {
        sound(frame);
    }
    assert_eq!(frame, read_frame(bytes, DEPTH, &Limits::default()), "read otherwise the second time");
}

fn sound(frame: &PdfFrame) {
    for entry in &frame.entries {
        assert!(!entry.title.trim().is_empty(), "an entry without a title");
        assert!((1..=DEPTH).contains(&entry.level), "level {}", entry.level);
        assert!(entry.page.is_none_or(|p| (1..=frame.page_count).contains(&p)), "page {:?} of {}", entry.page, frame.page_count);
    }
    let labels = frame.page_labels.len();
    assert!(labels == 0 || labels == frame.page_count as usize, "{labels} labels for {} pages", frame.page_count);
}

fn made(outline: &Outline) -> Vec<u8> {
    let pages: Vec<Vec<u8>> = (0..outline.pages % 6).map(|_| Vec::new()).collect();
    crate::book::book(&pages, |doc, catalog, pages| {
        let entries = outline.entries.iter().take(40);
        let ids: Vec<ObjectId> = entries.clone().map(|_| doc.new_object_id()).collect();
        let chains: Vec<ObjectId> = outline.chains.iter().take(10).map(|_| doc.new_object_id()).collect();
        for (id, to) in chains.iter().zip(&outline.chains) {
            let all = [&chains[..], &ids[..], pages].concat();
            doc.objects.insert(*id, Object::Reference(all[usize::from(*to) % all.len()]));
        }
        let known = Known { pages, chains: &chains };
        for (id, entry) in ids.iter().zip(entries) {
            doc.objects.insert(*id, item(entry, &ids, &known).into());
        }
        let root = doc.add_object(item(&outline.root, &ids, &known));
        catalog.set("Outlines", root);
        let names: Vec<Object> =
            outline.names.iter().take(20).flat_map(|(name, dest)| [text(name), target(dest, &known)]).collect();
        let node = dictionary! { "Names" => names };
        let tree = tree_of(doc, node, outline.names_in_kids);
        catalog.set("Names", dictionary! { "Dests" => tree });
        let nums: Vec<Object> = outline.labels.iter().take(20).flat_map(|l| [Object::Integer(l.at), label(l)]).collect();
        let node = dictionary! { "Nums" => nums };
        let tree = tree_of(doc, node, outline.labels_in_kids);
        catalog.set("PageLabels", tree);
        let info = doc.add_object(dictionary! { "Title" => text(&outline.title) });
        doc.trailer.set("Info", info);
    })
}

/// `node` as the root of its tree, or below one that has itself as a child too.
fn tree_of(doc: &mut lopdf::Document, node: Dictionary, in_kids: bool) -> ObjectId {
    let leaf = doc.add_object(node);
    if !in_kids {
        return leaf;
    }
    let root = doc.new_object_id();
    doc.objects.insert(root, dictionary! { "Kids" => vec![root.into(), leaf.into(), leaf.into()] }.into());
    root
}

struct Known<'a> {
    pages: &'a [ObjectId],
    chains: &'a [ObjectId],
}

fn item(entry: &Entry, ids: &[ObjectId], known: &Known<'_>) -> Dictionary {
    let mut item = dictionary! { "Title" => text(&entry.title) };
    for (key, to) in [("First", entry.first), ("Next", entry.next), ("Last", entry.last)] {
        if let Some(id) = to.and_then(|to| ids.get(usize::from(to) % ids.len().max(1))) {
            item.set(key, *id);
        }
    }
    match &entry.dest {
        Dest::None => {}
        Dest::Action(kind, name) => {
            let kind = ["GoTo", "GoToR", "URI", "Named"][usize::from(*kind) % 4];
            item.set("A", dictionary! { "S" => kind, "D" => text(name) });
        }
        other => item.set("Dest", target(other, known)),
    }
    item
}

fn target(dest: &Dest, known: &Known<'_>) -> Object {
    let fit = |to: Object| Object::Array(vec![to, Object::Name(b"Fit".to_vec())]);
    match dest {
        Dest::None => Object::Null,
        Dest::Page(page) => known.pages.get(usize::from(*page)).map_or(Object::Null, |p| fit((*p).into())),
        Dest::Number(n) => fit(Object::Integer(*n)),
        Dest::Name(name) => Object::Name(name.clone()),
        Dest::Text(name) | Dest::Action(_, name) => text(name),
        Dest::Chain(n) => known.chains.get(usize::from(*n)).map_or(Object::Null, |c| (*c).into()),
        Dest::Nested(dest) => dictionary! { "D" => target(dest, known) }.into(),
    }
}

fn text(bytes: &[u8]) -> Object {
    Object::String(bytes.to_vec(), StringFormat::Hexadecimal)
}

fn label(label: &Label) -> Object {
    let style = ["D", "R", "r", "A", "a", "X"][usize::from(label.style) % 6];
    dictionary! { "S" => style, "St" => label.start, "P" => text(&label.prefix) }.into()
}
