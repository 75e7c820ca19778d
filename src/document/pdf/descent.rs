//! How deep pdf-extract would call itself over a page: it follows forms that draw themselves, parents that are their own, and
//! brackets of any depth, until the stack is used up, which nothing can catch. So its way is gone before it goes, and counted.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use pdf_extract::content::Content;
use pdf_extract::{Dictionary, Document, Object, ObjectId, Stream};

use super::inflate::inflates_within;
use super::nesting;
use super::page_limits::MAX_FORMS;
use crate::builtin::Limits;

/// Brackets of a character map or a font program in one another; sane ones have three or four.
const MAX_POSTSCRIPT: u64 = 32;

/// Whether pdf-extract comes to an end on the page `page` of `document`: forms, states and brackets within the limit on nesting.
///
/// # Errors
/// What it does not come to an end with, to follow "page 3".
pub fn check(document: &Document, page: ObjectId, limits: &Limits) -> Result<(), String> {
    let mut walk = Walk { document, limits, calls: HashMap::new(), fonts: HashSet::new(), drawn: 0 };
    let resources = walk.inherited_resources(page)?;
    let content = document.get_page_content(page).unwrap_or_default();
    let calls = walk.calls_of(&content)?;
    walk.follow(&calls, resources, 1)
}

/// What a content stream calls by name, in order.
struct Calls {
    fonts: Vec<Vec<u8>>,
    objects: Vec<Vec<u8>>,
}

struct Walk<'d> {
    document: &'d Document,
    limits: &'d Limits,
    /// Of the streams that were met, by where they lie in memory: not all have a number.
    calls: HashMap<*const Stream, Rc<Calls>>,
    fonts: HashSet<*const Dictionary>,
    drawn: usize,
}

impl<'d> Walk<'d> {
    /// The nearest /Resources above a page; all its parents are followed, as a box that no one has is looked for in all of them.
    fn inherited_resources(&self, page: ObjectId) -> Result<Option<&'d Dictionary>, String> {
        let mut resources = None;
        let mut node = self.document.get_dictionary(page).ok();
        let mut levels = 0;
        while let Some(dict) = node {
            levels += 1;
            if levels > self.limits.nesting {
                return Err("has parents without end".to_owned());
            }
            resources = resources.or_else(|| self.dictionary(dict, b"Resources"));
            node = dict.get(b"Parent").and_then(Object::as_reference).and_then(|id| self.document.get_dictionary(id)).ok();
        }
        Ok(resources)
    }

    /// Follows the calls of one content stream, which lies `depth` deep.
    fn follow(&mut self, calls: &Calls, resources: Option<&'d Dictionary>, depth: u64) -> Result<(), String> {
        self.drawn += 1;
        if depth > self.limits.nesting {
            return Err(format!("draws forms more than {} levels deep", self.limits.nesting));
        }
        if self.drawn > MAX_FORMS {
            return Err(format!("draws more than {MAX_FORMS} forms"));
        }
        let of = |kind: &[u8]| resources.and_then(|r| self.dictionary(r, kind));
        let (fonts, objects) = (of(b"Font"), of(b"XObject"));
        for name in &calls.fonts {
            if let Some(font) = fonts.and_then(|f| self.dictionary(f, name)) {
                self.font(font)?;
            }
        }
        for name in &calls.objects {
            let Some(Object::Stream(form)) = objects.and_then(|o| self.object(o, name)) else { continue };
            let own = self.dictionary(&form.dict, b"Resources").or(resources);
            let inner = match self.calls.get(&std::ptr::from_ref(form)) {
                Some(known) => Rc::clone(known),
                None => {
                    let calls = Rc::new(self.calls_of(&self.content(form)?)?);
                    self.calls.insert(form, Rc::clone(&calls));
                    calls
                }
            };
            self.follow(&inner, own, depth + 1)?;
        }
        Ok(())
    }

    /// What `content` calls. What cannot be parsed calls nothing: pdf-extract gives it up.
    fn calls_of(&self, content: &[u8]) -> Result<Calls, String> {
        let deep = nesting::deepest(content);
        if deep > self.limits.nesting {
            return Err(format!("holds arrays and dictionaries {deep} levels deep"));
        }
        let mut calls = Calls { fonts: Vec::new(), objects: Vec::new() };
        for operation in Content::decode(content).map(|c| c.operations).unwrap_or_default() {
            let Some(name) = operation.operands.first().and_then(|o| o.as_name().ok()) else { continue };
            match operation.operator.as_str() {
                "Tf" if !calls.fonts.iter().any(|known| known == name) => calls.fonts.push(name.to_vec()),
                "Do" => calls.objects.push(name.to_vec()),
                _ => {}
            }
        }
        Ok(calls)
    }

    /// Whether what a font brings with it is PostScript of sane depth.
    fn font(&mut self, font: &'d Dictionary) -> Result<(), String> {
        if !self.fonts.insert(font) {
            return Ok(());
        }
        let descriptor = self.dictionary(font, b"FontDescriptor");
        for (dict, key) in
            [(Some(font), "ToUnicode"), (Some(font), "Encoding"), (descriptor, "FontFile"), (descriptor, "FontFile3")]
        {
            let Some(Object::Stream(stream)) = dict.and_then(|d| self.object(d, key.as_bytes())) else { continue };
            let content = self.content(stream)?;
            // The last is no PostScript.
            let deep = if key == "FontFile3" { 0 } else { nesting::deepest_postscript(&content) };
            if deep > MAX_POSTSCRIPT {
                return Err(format!("has a font whose /{key} nests {deep} levels deep"));
            }
        }
        Ok(())
    }

    /// The decoded data of a stream, as pdf-extract takes them.
    fn content(&self, stream: &Stream) -> Result<Vec<u8>, String> {
        if !inflates_within(&stream.content, self.limits.decompressed_bytes) {
            return Err("has a stream that inflates past the limit".to_owned());
        }
        Ok(stream.decompressed_content().unwrap_or_else(|_| stream.content.clone()))
    }

    fn object(&self, dict: &'d Dictionary, key: &[u8]) -> Option<&'d Object> {
        Some(self.document.dereference(dict.get(key).ok()?).ok()?.1)
    }

    fn dictionary(&self, dict: &'d Dictionary, key: &[u8]) -> Option<&'d Dictionary> {
        self.object(dict, key)?.as_dict().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lopdf::{Document, Object, Stream, dictionary};

    use crate::builtin::Limits;
    use crate::document::pdf::glyph::{Backend, read};
    use crate::document::pdf::sample;

    /// What the second page does in such a file, for which both backends read the first, and the second one is asked for the other.
    fn file(change: impl FnOnce(&mut Document)) -> Arc<[u8]> {
        let pages = [&b"BT /F1 12 Tf 72 700 Td (Roll two dice) Tj ET"[..], b"/X Do BT /F9 12 Tf (unseen) Tj ET"];
        let mut doc = Document::load_mem(&sample::from_contents(&pages.map(<[u8]>::to_vec))).unwrap();
        change(&mut doc);
        let mut bytes = Vec::new();
        doc.save_to(&mut bytes).unwrap();
        bytes.into()
    }

    fn resources(doc: &mut Document) -> &mut lopdf::Dictionary {
        let shared = |o: &&mut Object| o.as_dict().is_ok_and(|d| d.has(b"Font") && !d.has(b"Type"));
        doc.objects.values_mut().find(shared).unwrap().as_dict_mut().unwrap()
    }

    /// Gives the font F9 of the second page this stream as `key`.
    fn font(doc: &mut Document, key: &str, content: Vec<u8>) {
        let stream = doc.add_object(Stream::new(dictionary! {}, content));
        let mut font = dictionary! { "Type" => "Font", "Subtype" => "Type0", "BaseFont" => "Odd" };
        match key {
            "FontFile" => {
                font.set("Subtype", "Type1");
                font.set("FontDescriptor", dictionary! { "Type" => "FontDescriptor", "FontFile" => stream });
            }
            key => font.set(key, stream),
        }
        resources(doc).get_mut(b"Font").unwrap().as_dict_mut().unwrap().set("F9", font);
    }

    /// Gives the second page what it draws as X.
    fn drawn(doc: &mut Document, subtype: &str, content: &[u8]) {
        let form = doc.add_object(Stream::new(dictionary! { "Type" => "XObject", "Subtype" => subtype }, content.to_vec()));
        resources(doc).set("XObject", dictionary! { "X" => form });
    }

    fn told(bytes: &Arc<[u8]>) -> String {
        let limits = Limits { decompressed_bytes: 1 << 20, ..Limits::default() };
        let pages = read(bytes, Backend::Hayro, &limits).unwrap();
        assert_eq!(pages.len(), 2);
        assert_eq!(pages[0].text, "Roll two dice");
        read(bytes, Backend::PdfExtract, &limits).unwrap_err().message
    }

    #[test]
    fn a_page_on_which_pdf_extract_has_no_end_costs_no_other_page() {
        let deep = || b"(".repeat(200_000);
        let told = [
            told(&file(|doc| drawn(doc, "Form", b"/X Do"))),
            told(&file(|doc| drawn(doc, "Image", b"/X Do"))),
            told(&file(|doc| {
                drawn(doc, "Image", &[&b"[".repeat(100_000)[..], b"]".repeat(100_000).as_slice(), b" TJ"].concat())
            })),
            told(&file(|doc| font(doc, "ToUnicode", deep()))),
            told(&file(|doc| font(doc, "Encoding", b"[".repeat(200_000)))),
            told(&file(|doc| font(doc, "FontFile", b"{".repeat(200_000)))),
        ];
        let expected = [
            "draws forms more than 256 levels deep",
            "draws forms more than 256 levels deep",
            "holds arrays and dictionaries 100000 levels deep",
            "has a font whose /ToUnicode nests 200000 levels deep",
            "has a font whose /Encoding nests 200000 levels deep",
            "has a font whose /FontFile nests 200000 levels deep",
        ];
        assert_eq!(told, expected.map(|what| format!("pdf-extract is not given page 2, which {what}")));
    }

    #[test]
    fn parents_that_are_their_own_have_an_end() {
        let bytes = file(|doc| {
            let tree = doc.objects.iter().find(|(_, o)| o.as_dict().is_ok_and(|d| d.has(b"Kids"))).map(|(id, _)| *id).unwrap();
            let dict = doc.get_dictionary_mut(tree).unwrap();
            dict.remove(b"MediaBox");
            dict.set("Parent", tree);
        });
        assert_eq!(told(&bytes), "pdf-extract is not given page 1, which has parents without end");
    }

    #[test]
    fn what_inflates_past_the_limit_is_not_inflated() {
        let bytes = file(|doc| {
            let mut stream = Stream::new(dictionary! { "Type" => "XObject", "Subtype" => "Image" }, vec![b' '; 4 << 20]);
            stream.compress().unwrap();
            let image = doc.add_object(stream);
            resources(doc).set("XObject", dictionary! { "X" => image });
        });
        assert_eq!(told(&bytes), "pdf-extract is not given page 2, which has a stream that inflates past the limit");
    }
}
