//! Sets a book as a PDF: lines, columns, running heads and folios, a contents page, an outline. Widths are guessed from the
//! mean width of a letter, which is all that a reader of positions needs.

use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, ObjectId, Stream, dictionary};

use crate::books::{Block, Book};

/// How a book is set.
#[derive(Clone, Copy)]
pub struct Setting {
    pub columns: usize,
    pub outline: bool,
    pub contents: bool,
}

const LEFT: i64 = 72;
const TOP: i64 = 720;
const BOTTOM: i64 = 72;
const WIDTH: i64 = 468;
const GUTTER: i64 = 24;
const BODY: i64 = 10;
/// A letter of Times is some 0.45 em wide; a line of this much room is never too wide.
const LETTERS_PER_POINT_TIMES_100: i64 = 19;

/// `text` in lines of at most `width` letters.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A heading of the outline and the contents page: level, title, page from 0.
type Heading = (u32, String, usize);

struct Setter {
    setting: Setting,
    pages: Vec<Vec<Operation>>,
    column: usize,
    y: i64,
    headings: Vec<Heading>,
}

impl Setter {
    fn width(&self) -> i64 {
        let columns = i64::try_from(self.setting.columns).unwrap_or(1);
        (WIDTH - GUTTER * (columns - 1)) / columns
    }

    fn x(&self) -> i64 {
        LEFT + i64::try_from(self.column).unwrap_or(0) * (self.width() + GUTTER)
    }

    fn letters(&self) -> usize {
        usize::try_from(self.width() * LETTERS_PER_POINT_TIMES_100 / 100).unwrap_or(40)
    }

    fn room(&mut self, points: i64) {
        if self.y - points >= BOTTOM && !self.pages.is_empty() {
            return;
        }
        self.column += 1;
        if self.pages.is_empty() || self.column >= self.setting.columns {
            self.pages.push(Vec::new());
            self.column = 0;
        }
        self.y = TOP;
    }

    fn put(&mut self, font: &str, size: i64, x: i64, text: &str) {
        let y = self.y;
        if let Some(page) = self.pages.last_mut() {
            page.extend(shown(font, size, x, y, text));
        }
    }

    fn line(&mut self, font: &str, size: i64, indent: i64, text: &str) {
        self.room(size + 3);
        self.y -= size + 3;
        let x = self.x() + indent;
        self.put(font, size, x, text);
    }

    fn heading(&mut self, level: u32, size: i64, title: &str) {
        // A heading stands with the first lines of its text.
        self.room(size * 2 + 40);
        self.y -= size;
        self.headings.push((level, title.to_owned(), self.pages.len() - 1));
        let letters = self.letters() * usize::try_from(BODY).unwrap_or(1) / usize::try_from(size).unwrap_or(1);
        for line in wrapped(title, letters) {
            self.line("F2", size, 0, &line);
        }
        self.y -= 4;
    }

    fn block(&mut self, block: &Block) {
        let letters = self.letters();
        match block {
            Block::Paragraph(text) => wrapped(text, letters).iter().for_each(|l| self.line("F1", BODY, 0, l)),
            Block::List(items) => {
                for item in items {
                    for (i, line) in wrapped(item, letters - 4).iter().enumerate() {
                        let bullet = if i == 0 { format!("- {line}") } else { line.clone() };
                        self.line("F1", BODY, if i == 0 { 6 } else { 14 }, &bullet);
                    }
                }
            }
            Block::Fields(fields) => {
                for (label, value) in fields {
                    wrapped(&format!("{label}: {value}"), letters).iter().for_each(|l| self.line("F1", BODY, 0, l));
                }
            }
            Block::Table(rows) => {
                for (i, row) in rows.iter().enumerate() {
                    self.room(BODY + 3);
                    self.y -= BODY + 3;
                    let font = if i == 0 { "F2" } else { "F1" };
                    for (cell, at) in row.iter().zip([0, 60, 80]) {
                        let x = self.x() + self.width() * at / 100;
                        self.put(font, BODY, x, cell);
                    }
                }
            }
        }
        self.y -= 6;
    }
}

fn shown(font: &str, size: i64, x: i64, y: i64, text: &str) -> [Operation; 5] {
    let place: Vec<Object> = [1, 0, 0, 1, x, y].map(Object::Integer).to_vec();
    [
        Operation::new("BT", vec![]),
        Operation::new("Tf", vec![font.into(), size.into()]),
        Operation::new("Tm", place),
        Operation::new("Tj", vec![Object::string_literal(text)]),
        Operation::new("ET", vec![]),
    ]
}

/// The bytes of `book`, set so.
pub fn set(book: &Book, setting: Setting) -> Vec<u8> {
    let mut setter = Setter { setting, pages: Vec::new(), column: 0, y: TOP, headings: Vec::new() };
    for chapter in &book.chapters {
        setter.heading(1, 18, &chapter.title);
        for section in &chapter.sections {
            setter.heading(2, 13, &section.title);
            section.blocks.iter().for_each(|b| setter.block(b));
        }
    }
    let mut front = vec![shown("F2", 28, LEFT, 500, &book.title).to_vec()];
    if setting.contents {
        let before = 2;
        let mut page = shown("F2", 18, LEFT, TOP, "Contents").to_vec();
        // What one page holds; a longer book lists its first headings.
        for (i, (level, title, at)) in setter.headings.iter().take(44).enumerate() {
            let y = TOP - 26 - 14 * i64::try_from(i).unwrap_or(0);
            let dots = ".".repeat(84_usize.saturating_sub(title.len()));
            let line = format!("{title} {dots} {}", at + 1 + before);
            page.extend(shown("F1", BODY, LEFT + 12 * i64::from(level - 1), y, &line));
        }
        front.push(page);
    }
    let before = front.len();
    for (i, page) in setter.pages.iter_mut().enumerate() {
        page.extend(shown("F1", 8, LEFT, 750, &book.title));
        page.extend(shown("F1", 8, 300, 40, &(i + 1 + before).to_string()));
    }
    let contents: Vec<Vec<u8>> = front.into_iter().chain(setter.pages).map(encoded).collect();
    let headings = if setting.outline { setter.headings } else { Vec::new() };
    of_pages(&contents, |document, catalog, _, pages| outline(document, catalog, pages, &headings, before))
}

fn encoded(operations: Vec<Operation>) -> Vec<u8> {
    Content { operations }.encode().unwrap_or_default()
}

/// A page that prints one line.
pub fn page_of(text: &str) -> Vec<u8> {
    encoded(shown("F1", 12, LEFT, 700, text).to_vec())
}

fn outline(doc: &mut Document, catalog: &mut lopdf::Dictionary, pages: &[ObjectId], headings: &[Heading], before: usize) {
    if headings.is_empty() {
        return;
    }
    let root = doc.new_object_id();
    let ids: Vec<ObjectId> = headings.iter().map(|_| doc.new_object_id()).collect();
    let tops: Vec<usize> = (0..ids.len()).filter(|i| headings[*i].0 == 1).collect();
    for (i, (level, title, page)) in headings.iter().enumerate() {
        let dest = vec![pages[page + before].into(), Object::Name(b"Fit".to_vec())];
        let mut entry = dictionary! { "Title" => Object::string_literal(title.as_str()), "Dest" => dest };
        let next = (i + 1..ids.len()).find(|j| headings[*j].0 <= *level).filter(|j| headings[*j].0 == *level);
        if let Some(next) = next {
            entry.set("Next", ids[next]);
        }
        if headings.get(i + 1).is_some_and(|h| h.0 > *level) {
            entry.set("First", ids[i + 1]);
        }
        doc.objects.insert(ids[i], entry.into());
    }
    let top = dictionary! { "Type" => "Outlines", "First" => ids[tops[0]], "Last" => ids[tops[tops.len() - 1]] };
    doc.objects.insert(root, top.into());
    catalog.set("Outlines", root);
}

/// A PDF of one page per content stream; F1 is Times-Roman and F2 Times-Bold. `dress` may add to document and catalog, and is
/// told the page tree and the pages.
pub fn of_pages(contents: &[Vec<u8>], dress: impl Fn(&mut Document, &mut lopdf::Dictionary, ObjectId, &[ObjectId])) -> Vec<u8> {
    let mut doc = Document::with_version("1.5");
    let tree = doc.new_object_id();
    let [roman, bold] = ["Times-Roman", "Times-Bold"].map(|name| {
        doc.add_object(
            dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => name, "Encoding" => "WinAnsiEncoding" },
        )
    });
    let mut pages = Vec::new();
    for content in contents {
        let mut stream = Stream::new(dictionary! {}, content.clone());
        // Half of all books are compressed, as in the world.
        if content.len() % 2 == 0 {
            let _ = stream.compress();
        }
        let stream = doc.add_object(stream);
        pages.push(doc.add_object(dictionary! {
            "Type" => "Page", "Parent" => tree, "Contents" => stream,
            "Resources" => dictionary! { "Font" => dictionary! { "F1" => roman, "F2" => bold } },
            "MediaBox" => vec![0.into(), 0.into(), 612.into(), 792.into()],
        }));
    }
    let kids: Vec<Object> = pages.iter().map(|p| (*p).into()).collect();
    let count = i64::try_from(kids.len()).unwrap_or(0);
    doc.objects.insert(tree, dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count }.into());
    let mut catalog = dictionary! { "Type" => "Catalog", "Pages" => tree };
    dress(&mut doc, &mut catalog, tree, &pages);
    let catalog = doc.add_object(catalog);
    doc.trailer.set("Root", catalog);
    saved(doc)
}

pub fn saved(mut doc: Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = doc.save_to(&mut bytes);
    bytes
}
