//! Copies the objects that some pages reach into a small PDF of their own: inherited attributes resolved, numbered in
//! traversal order, without back-references, annotations, ids or dates, so that equal pages give equal bytes wherever they
//! stand. Interprets no content.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Range;

use hayro_syntax::object::dict::keys::{CONTENTS, LENGTH, RESOURCES, SUBTYPE, TYPE};
use hayro_syntax::object::{Array, Dict, MaybeRef, Name, Object, ObjectIdentifier, Rect, Stream};
use hayro_syntax::page::{Page, Rotation};
use hayro_syntax::xref::XRef;

use super::open::Book;
use super::write;

/// Above what the limit on nesting may be; a file that passes that is not copied.
const MAX_DEPTH: u32 = 600;
/// Stands for an image: drawing it still counts as drawing an image.
const TINY_IMAGE: &[u8] = b"<</BitsPerComponent 8/ColorSpace/DeviceGray/Height 1/Length 1/Subtype/Image/Type/XObject/Width 1>>\nstream\n\xff\nendstream";
/// Keys of typed dictionaries that lead out of the page, or say when and how it was made.
const LEFT_OUT: [&[u8]; 11] = [
    b"AF",
    b"Annots",
    b"LastModified",
    b"Metadata",
    b"OPI",
    b"Parent",
    b"PieceInfo",
    b"SeparationInfo",
    b"StructParent",
    b"StructParents",
    b"Thumb",
];

/// What a copy leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave {
    /// Image XObjects become a grey pixel.
    pub images: bool,
}

/// The `pages` (0-based) of `book` as a PDF of their own.
#[must_use]
pub fn pages(book: &Book, pages: Range<usize>, leave: Leave) -> Vec<u8> {
    let all = book.pdf().pages();
    let range = pages.start.min(all.len())..pages.end.min(all.len());
    let mut copier = Copier::new(book.pdf().xref(), leave);
    for page in &all[range] {
        copier.page(page);
    }
    copier.finish(&book.hidden_layers())
}

/// A digest of what `page` itself prints: its content streams and box, not what they refer to.
#[must_use]
pub fn content_digest(page: &Page<'_>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let mut add = |stream: &Stream<'_>| {
        hasher.update(&stream.raw_data());
    };
    if let Some(stream) = page.raw().get::<Stream<'_>>(CONTENTS) {
        add(&stream);
    } else if let Some(array) = page.raw().get::<Array<'_>>(CONTENTS) {
        array.iter::<Stream<'_>>().for_each(|s| add(&s));
    }
    let b = page.media_box();
    for side in [b.x0, b.y0, b.x1, b.y1] {
        hasher.update(&side.to_bits().to_le_bytes());
    }
    hasher.finalize()
}

struct Copier<'a> {
    xref: &'a XRef,
    leave: Leave,
    /// Objects 1 (catalogue) and 2 (page tree) are filled in at the end.
    objects: Vec<Vec<u8>>,
    numbers: HashMap<ObjectIdentifier, usize>,
    queue: VecDeque<(ObjectIdentifier, usize)>,
    tiny_image: Option<usize>,
    kids: Vec<usize>,
}

impl<'a> Copier<'a> {
    fn new(xref: &'a XRef, leave: Leave) -> Self {
        Self {
            xref,
            leave,
            objects: vec![Vec::new(); 2],
            numbers: HashMap::new(),
            queue: VecDeque::new(),
            tiny_image: None,
            kids: Vec::new(),
        }
    }

    fn reserve(&mut self) -> usize {
        self.objects.push(Vec::new());
        self.objects.len()
    }

    fn page(&mut self, page: &Page<'a>) {
        let number = self.reserve();
        self.kids.push(number);
        let mut out = b"<<".to_vec();
        if let Some(contents) = page.raw().get_raw::<Object<'_>>(CONTENTS) {
            write::name(&mut out, CONTENTS);
            out.push(b' ');
            self.maybe_ref(&contents, &mut out, 1);
        }
        rect(&mut out, b"CropBox", page.intersected_crop_box());
        rect(&mut out, b"MediaBox", page.media_box());
        out.extend(b"/Parent 2 0 R");
        write::name(&mut out, RESOURCES);
        self.resources(page, &mut out);
        let rotate = match page.rotation() {
            Rotation::None => 0,
            Rotation::Horizontal => 90,
            Rotation::Flipped => 180,
            Rotation::FlippedHorizontal => 270,
        };
        if rotate != 0 {
            out.extend(format!("/Rotate {rotate}").as_bytes());
        }
        out.extend(b"/Type/Page>>");
        self.objects[number - 1] = out;
        self.drain();
    }

    /// The page's resources, inherited or its own, one dictionary per kind.
    fn resources(&mut self, page: &Page<'a>, out: &mut Vec<u8>) {
        let r = page.resources();
        let kinds: [(&[u8], &Dict<'a>); 7] = [
            (b"ColorSpace", &r.color_spaces),
            (b"ExtGState", &r.ext_g_states),
            (b"Font", &r.fonts),
            (b"Pattern", &r.patterns),
            (b"Properties", &r.properties),
            (b"Shading", &r.shadings),
            (b"XObject", &r.x_objects),
        ];
        out.extend(b"<<");
        for (kind, dict) in kinds.into_iter().filter(|(_, d)| !d.is_empty()) {
            write::name(out, kind);
            self.dict(dict, out, 1);
        }
        out.extend(b">>");
    }

    /// Writes what is reached and not yet written.
    fn drain(&mut self) {
        while let Some((id, number)) = self.queue.pop_front() {
            let mut out = Vec::new();
            match self.xref.get::<Object<'a>>(id) {
                Some(object) => self.object(&object, &mut out, 0),
                None => out.extend(b"null"),
            }
            self.objects[number - 1] = out;
        }
    }

    fn maybe_ref(&mut self, object: &MaybeRef<Object<'a>>, out: &mut Vec<u8>, depth: u32) {
        match object {
            MaybeRef::NotRef(object) => self.object(object, out, depth),
            MaybeRef::Ref(r) => {
                let id: ObjectIdentifier = (*r).into();
                match self.number_of(id) {
                    Some(number) => write::reference(out, number),
                    None => out.extend(b"null"),
                }
            }
        }
    }

    /// The new number of `id`; `None` for pages, which a copy does not lead to.
    fn number_of(&mut self, id: ObjectIdentifier) -> Option<usize> {
        if let Some(&number) = self.numbers.get(&id) {
            return Some(number);
        }
        let object = self.xref.get::<Object<'a>>(id)?;
        let number = match &object {
            Object::Dict(d) if is_page(d) => return None,
            Object::Stream(s) if self.leave.images && is_image(s.dict()) => match self.tiny_image {
                Some(number) => number,
                None => {
                    let number = self.reserve();
                    self.objects[number - 1] = TINY_IMAGE.to_vec();
                    self.tiny_image = Some(number);
                    number
                }
            },
            _ => {
                let number = self.reserve();
                self.queue.push_back((id, number));
                number
            }
        };
        self.numbers.insert(id, number);
        Some(number)
    }

    fn object(&mut self, object: &Object<'a>, out: &mut Vec<u8>, depth: u32) {
        if depth > MAX_DEPTH {
            out.extend(b"null");
            return;
        }
        match object {
            Object::Null(_) => out.extend(b"null"),
            Object::Boolean(b) => out.extend(if *b { &b"true"[..] } else { b"false" }),
            Object::Number(n) => write::number(out, n.as_f64()),
            Object::String(s) => write::string(out, s.as_bytes()),
            Object::Name(n) => write::name(out, n.as_ref()),
            Object::Dict(d) => self.dict(d, out, depth + 1),
            Object::Array(a) => self.array(a, out, depth + 1),
            Object::Stream(s) => self.stream(s, out, depth + 1),
        }
    }

    fn array(&mut self, array: &Array<'a>, out: &mut Vec<u8>, depth: u32) {
        out.push(b'[');
        for (i, item) in array.raw_iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            self.maybe_ref(&item, out, depth);
        }
        out.push(b']');
    }

    fn dict(&mut self, dict: &Dict<'a>, out: &mut Vec<u8>, depth: u32) {
        out.extend(b"<<");
        self.entries(dict, out, depth);
        out.extend(b">>");
    }

    fn entries(&mut self, dict: &Dict<'a>, out: &mut Vec<u8>, depth: u32) {
        let typed = dict.contains_key(TYPE) || dict.contains_key(SUBTYPE);
        for (key, value) in dict.entries() {
            if typed && LEFT_OUT.contains(&key.as_ref()) {
                continue;
            }
            write::name(out, key.as_ref());
            out.push(b' ');
            self.maybe_ref(&value, out, depth);
        }
    }

    fn stream(&mut self, stream: &Stream<'a>, out: &mut Vec<u8>, depth: u32) {
        let data = stream.raw_data();
        out.extend(b"<<");
        for (key, value) in stream.dict().entries() {
            if key.as_ref() == LENGTH || LEFT_OUT.contains(&key.as_ref()) {
                continue;
            }
            write::name(out, key.as_ref());
            out.push(b' ');
            self.maybe_ref(&value, out, depth);
        }
        write::name(out, LENGTH);
        out.push(b' ');
        out.extend(data.len().to_string().as_bytes());
        out.extend(b">>\nstream\n");
        out.extend(data.as_ref());
        out.extend(b"\nendstream");
    }

    fn finish(mut self, hidden: &[ObjectIdentifier]) -> Vec<u8> {
        let mut tree = b"<</Count ".to_vec();
        tree.extend(self.kids.len().to_string().as_bytes());
        tree.extend(b"/Kids[");
        for (i, kid) in self.kids.iter().enumerate() {
            if i > 0 {
                tree.push(b' ');
            }
            write::reference(&mut tree, *kid);
        }
        tree.extend(b"]/Type/Pages>>");
        self.objects[1] = tree;
        let layers: BTreeSet<usize> = hidden.iter().filter_map(|id| self.numbers.get(id).copied()).collect();
        let mut catalogue = b"<<".to_vec();
        if !layers.is_empty() {
            let mut list = Vec::new();
            for (i, layer) in layers.iter().enumerate() {
                if i > 0 {
                    list.push(b' ');
                }
                write::reference(&mut list, *layer);
            }
            let list = String::from_utf8_lossy(&list).into_owned();
            catalogue.extend(format!("/OCProperties<</D<</OFF[{list}]>>/OCGs[{list}]>>").as_bytes());
        }
        catalogue.extend(b"/Pages 2 0 R/Type/Catalog>>");
        self.objects[0] = catalogue;
        write::file(&self.objects)
    }
}

fn is_page(dict: &Dict<'_>) -> bool {
    dict.get::<Name<'_>>(TYPE).is_some_and(|t| matches!(t.as_ref(), b"Page" | b"Pages" | b"Catalog"))
}

fn is_image(dict: &Dict<'_>) -> bool {
    dict.get::<Name<'_>>(SUBTYPE).is_some_and(|t| t.as_ref() == b"Image")
}

fn rect(out: &mut Vec<u8>, key: &[u8], rect: Rect) {
    write::name(out, key);
    out.push(b'[');
    for (i, side) in [rect.x0, rect.y0, rect.x1, rect.y1].into_iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        write::number(out, side);
    }
    out.push(b']');
}
