//! Layout: glyphs anywhere become lines, the lines elements, the elements chunks; no letter is lost or made up, no chunk passes
//! the cap, and all is the same twice.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use ingest::document::layout::lay_out;
use ingest::document::page_text::{PageText, Rect, Shape, TextUnit, Visibility};
use ingest::document::pdf::glyph::{FontFace, Glyph, PageGlyphs};
use ingest::document::section::PartToc;
use ingest::passes::pass_c_chunk::{chunk, parse};

#[derive(Arbitrary, Debug)]
struct Page {
    runs: Vec<Run>,
    shapes: Vec<(u16, u16, u16, u8, bool)>,
    images: u8,
}

/// Glyphs that follow each other.
#[derive(Arbitrary, Debug)]
struct Run {
    place: Place,
    text: Vec<u8>,
    size: u8,
    font: u8,
    turn: u8,
    seen: u8,
    /// Added to each advance, in percent of the size.
    gap: i8,
    moved: bool,
}

#[derive(Arbitrary, Debug)]
enum Place {
    /// A row and a column of a grid.
    Grid(u8, u8),
    Free(u16, u16),
    /// As far as readers of glyphs let anything be.
    Far(i32, i32),
    /// Where the run before ends.
    On,
}

const FAR: i32 = 1_000_000_000;

pub fn run(data: &[u8]) {
    crate::guarded(|| {
        let mut u = Unstructured::new(data);
        let Ok(pages) = Vec::<Page>::arbitrary(&mut u) else { return };
        let glyphs: Vec<PageGlyphs> = pages.iter().take(4).map(glyphs).collect();
        let lines: Vec<PageText> = glyphs.iter().map(lay_out).collect();
        for (glyphs, lines) in glyphs.iter().zip(&lines) {
            assert_eq!(*lines, lay_out(glyphs), "laid out otherwise the second time");
            keeps_letters(glyphs, lines);
        }
        chunks(lines);
    });
}

fn glyphs(page: &Page) -> PageGlyphs {
    let faces = ["Times-Roman", "Times-Bold", "Symbol"].map(|name| FontFace {
        name: name.to_owned(),
        bold: name.contains("Bold"),
        italic: false,
    });
    let mut out =
        PageGlyphs { width: 61_200, height: 79_200, fonts: faces.to_vec(), images: page.images.into(), ..PageGlyphs::default() };
    let (mut x, mut baseline) = (7_200, 7_200);
    for run in page.runs.iter().take(60) {
        (x, baseline) = match run.place {
            Place::Grid(column, row) => (i32::from(column % 12) * 4_800, i32::from(row % 60) * 1_300),
            Place::Free(x, y) => (i32::from(x), i32::from(y)),
            Place::Far(x, y) => (x.clamp(-FAR, FAR), y.clamp(-FAR, FAR)),
            Place::On => (x, baseline),
        };
        let size = if run.size == 255 { FAR } else { (i32::from(run.size) * 25).max(1) };
        let visibility = match run.seen {
            0..=200 => Visibility::Visible,
            201..=220 => Visibility::Invisible,
            221..=240 => Visibility::SameAsGround,
            _ => Visibility::OffPage,
        };
        for (i, byte) in run.text.iter().take(60).enumerate() {
            let text = letter(*byte);
            let start = u32::try_from(out.text.len()).unwrap_or(0);
            out.text.push_str(text);
            let right = (i64::from(x) + i64::from(size) / 2).clamp(-i64::from(FAR), i64::from(FAR));
            let right = i32::try_from(right).unwrap_or(0);
            out.glyphs.push(Glyph {
                start,
                end: u32::try_from(out.text.len()).unwrap_or(0),
                x,
                right,
                baseline,
                size,
                font: u16::from(run.font % 4),
                rotation: [0, 90, 180, 270][usize::from(run.turn / 50) % 4],
                color: u32::from(run.font) << 8,
                visibility,
                space: text == " ",
                moved: run.moved && i == 0,
                tracking: 0,
            });
            let next = i64::from(right) + i64::from(size) * i64::from(run.gap) / 100;
            x = i32::try_from(next.clamp(-i64::from(FAR), i64::from(FAR))).unwrap_or(0);
        }
    }
    for (x, y, w, h, filled) in page.shapes.iter().take(40) {
        let rect = Rect { x: (*x).into(), y: (*y).into(), w: (*w).into(), h: (*h).into() };
        out.shapes.push(Shape { rect, filled: *filled, color: 0 });
    }
    out.shows_text = !out.glyphs.is_empty();
    out
}

fn letter(byte: u8) -> &'static str {
    const LETTERS: [&str; 40] = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x",
        "y", "z", "A", "B", "T", "1", "2", ".", ",", "-", "\u{ad}", "•", ":", "é", "規", "ש",
    ];
    if byte > 200 { " " } else { LETTERS[usize::from(byte) % LETTERS.len()] }
}

/// How often each plain letter stands in `text`: what marks, digits and hyphens become is decided elsewhere.
fn letters(text: &str) -> BTreeMap<char, usize> {
    let mut all = BTreeMap::new();
    for c in text.chars().filter(char::is_ascii_lowercase) {
        *all.entry(c).or_default() += 1;
    }
    all
}

fn keeps_letters(glyphs: &PageGlyphs, lines: &PageText) {
    let (printed, read) =
        (letters(&glyphs.text), letters(&lines.lines.iter().flat_map(|l| &l.spans).map(|s| s.text.as_str()).collect::<String>()));
    for c in read.keys() {
        assert!(printed.contains_key(c), "`{c}` was made up");
    }
    for (c, n) in printed {
        // A letter that is printed over itself counts once.
        let mut places: Vec<(i32, i32)> =
            glyphs.glyphs.iter().filter(|g| glyphs.text_of(g).starts_with(c)).map(|g| (g.x, g.baseline)).collect();
        places.sort_unstable();
        let apart = places.chunk_by(|a, b| (a.0 - b.0).abs() < 400 && (a.1 - b.1).abs() < 400).count();
        let read = read.get(&c).copied().unwrap_or(0);
        assert!(read <= n && read >= apart.min(n).min(1), "`{c}` was printed {n} times in {apart} places, and read {read} times");
    }
}

fn chunks(lines: Vec<PageText>) {
    let units: Vec<TextUnit> = lines.into_iter().map(TextUnit::Page).collect();
    let toc = PartToc {
        source_id: "book.pdf".to_owned(),
        part_id: "part-0000000000000000".to_owned(),
        title: "A Book".to_owned(),
        page_count: u32::try_from(units.len()).ok(),
        sections: Vec::new(),
    };
    let parsed = || {
        parse::run(parse::Inputs { units: &units, toc: &toc, profile: None }, &parse::Params::default())
            .expect("parse takes all lines")
    };
    let elements = parsed().elements;
    assert_eq!(elements, parsed().elements, "parsed otherwise the second time");
    let of_lines: String = units
        .iter()
        .filter_map(|u| if let TextUnit::Page(p) = u { Some(p) } else { None })
        .flat_map(|p| &p.lines)
        .flat_map(|l| &l.spans)
        .map(|s| s.text.as_str())
        .collect();
    let of_elements: String = elements.iter().map(|e| e.text.as_str()).collect();
    assert_eq!(letters(&of_lines), letters(&of_elements), "letters of lines and of elements");
    let params = chunk::Params::default();
    let out =
        chunk::run(chunk::Inputs { source_id: "book.pdf", elements: &elements }, &params).expect("the elements are of one part");
    for chunk in &out.chunks {
        let length = chunk.text.chars().count();
        assert!(length <= params.max as usize, "a chunk of {length} characters");
        assert!(!chunk.text.trim().is_empty(), "an empty chunk");
        assert!(chunk.page.is_some_and(|p| (1..=units.len()).contains(&(p as usize))), "page {:?}", chunk.page);
    }
    for page in &out.coverage.pages {
        assert!(page.chunked <= page.words, "{} words of {} are in chunks", page.chunked, page.words);
    }
}
