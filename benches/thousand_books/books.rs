//! Good books: number `n` is always the same book, and no two are alike in title, words, size and make-up.

use std::fmt::Write as _;

use crate::pdf::{self, Setting};
use crate::words::{Dice, SHARED, capitalised, heading, own_word, paragraph, sentence};

/// What a book says, before it is set in any format.
pub struct Book {
    pub title: String,
    /// A word that no other book holds.
    pub word: String,
    pub chapters: Vec<Chapter>,
}

pub struct Chapter {
    pub title: String,
    pub sections: Vec<Section>,
}

pub struct Section {
    pub title: String,
    pub blocks: Vec<Block>,
}

pub enum Block {
    Paragraph(String),
    List(Vec<String>),
    /// The first row is the header.
    Table(Vec<Vec<String>>),
    /// `Label: value` lines of an entry.
    Fields(Vec<(String, String)>),
}

/// A file of the job.
pub struct Made {
    /// Below the sources folder.
    pub path: String,
    pub bytes: Vec<u8>,
    pub word: String,
}

/// Kinds of books, in turn.
const KINDS: usize = 9;

/// Book number `n`.
pub fn made(n: usize) -> Made {
    let book = written(n);
    let plain = Setting { columns: 1, outline: false, contents: false };
    let (extension, bytes) = match n % KINDS {
        0 => ("pdf", pdf::set(&book, Setting { outline: true, ..plain })),
        1 => ("pdf", pdf::set(&book, Setting { contents: true, ..plain })),
        2 => ("pdf", pdf::set(&book, Setting { columns: 2, outline: true, ..plain })),
        3 => ("pdf", pdf::set(&book, plain)),
        4 => ("pdf", pdf::set(&book, Setting { columns: 2, ..plain })),
        5 => ("pdf", pdf::set(&book, Setting { columns: 2, outline: true, contents: true })),
        6 => ("md", markdown(&book).into_bytes()),
        7 => ("html", html(&book).into_bytes()),
        _ => ("txt", text(&book).into_bytes()),
    };
    Made { path: format!("shelf-{}/book-{n:04}.{extension}", n % 10), bytes, word: book.word }
}

fn written(n: usize) -> Book {
    let dice = &mut Dice::new(n as u64);
    let word = own_word(n);
    let title = format!("{} of {word}", ["Rules", "The Roads", "Chronicle", "Perils", "The Bestiary", "Handbook"][n % 6]);
    // Longer books are rarer.
    let chapters = if n % 11 == 5 { dice.between(6, 9) } else { dice.between(1, 4) };
    let chapters = (0..chapters).map(|c| chapter(dice, n, c, &word)).collect();
    Book { title, word, chapters }
}

fn chapter(dice: &mut Dice, n: usize, number: usize, word: &str) -> Chapter {
    let sections = (0..dice.between(1, 4)).map(|s| section(dice, n, number * 8 + s, word)).collect();
    Chapter { title: format!("Chapter {}: {} of {word}", number + 1, heading(dice)), sections }
}

fn section(dice: &mut Dice, n: usize, number: usize, word: &str) -> Section {
    let own = own_word(4_096 + (n * 61 + number * 7) % 60_000);
    let mut blocks = Vec::new();
    for _ in 0..dice.between(1, 4) {
        let sentences = dice.between(2, 7);
        blocks.push(Block::Paragraph(format!("{} {}", paragraph(dice, sentences), about(dice, &own, word))));
        match (n + dice.between(0, 5)) % 8 {
            0 => blocks.push(Block::List((0..dice.between(2, 6)).map(|_| sentence(dice)).collect())),
            1 | 3 => blocks.push(table(dice)),
            4 => blocks.push(fields(dice)),
            _ => {}
        }
    }
    let title = if number.is_multiple_of(2) { format!("{own} {}", heading(dice)) } else { format!("{} {own}", heading(dice)) };
    Section { title, blocks }
}

/// A sentence about what is this section's, this book's and everybody's.
fn about(dice: &mut Dice, own: &str, word: &str) -> String {
    format!("In {word}, {own} is known for the {}.", dice.of(&SHARED))
}

fn table(dice: &mut Dice) -> Block {
    let mut rows = vec![["Item", "Cost", "Weight"].map(str::to_owned).to_vec()];
    for _ in 0..dice.between(3, 9) {
        let item = format!("{} {}", ["Brass", "Tin", "Oak", "Bone"][dice.between(0, 3)], heading(dice));
        rows.push(vec![item, format!("{} gp", dice.between(1, 90)), format!("{} lb", dice.between(1, 40))]);
    }
    Block::Table(rows)
}

fn fields(dice: &mut Dice) -> Block {
    let die = |dice: &mut Dice| format!("{}d{}+{}", dice.between(1, 9), [4, 6, 8, 10][dice.between(0, 3)], dice.between(1, 12));
    let fields = [
        ("Armour Class", dice.between(10, 19).to_string()),
        ("Hit Points", format!("{} ({})", dice.between(5, 80), die(dice))),
        ("Speed", format!("{} ft", dice.between(2, 8) * 5)),
        ("Attack", format!("{} damage with the {}", die(dice), dice.of(&SHARED))),
    ];
    Block::Fields(fields.map(|(label, value)| (label.to_owned(), value)).to_vec())
}

fn markdown(book: &Book) -> String {
    let mut out = format!("# {}\n\n", book.title);
    for chapter in &book.chapters {
        let _ = writeln!(out, "## {}\n", chapter.title);
        for section in &chapter.sections {
            let _ = writeln!(out, "### {}\n", section.title);
            for block in &section.blocks {
                let text = match block {
                    Block::Paragraph(text) => text.clone(),
                    Block::List(items) => items.iter().map(|i| format!("- {i}")).collect::<Vec<_>>().join("\n"),
                    Block::Fields(fields) => fields.iter().map(|(l, v)| format!("**{l}:** {v}")).collect::<Vec<_>>().join("  \n"),
                    Block::Table(rows) => {
                        let mut lines: Vec<String> = rows.iter().map(|r| format!("| {} |", r.join(" | "))).collect();
                        lines.insert(1, "|---|---|---|".to_owned());
                        lines.join("\n")
                    }
                };
                let _ = writeln!(out, "{text}\n");
            }
        }
    }
    out
}

fn html(book: &Book) -> String {
    let tagged = |tag: &str, all: &[String]| all.iter().map(|t| format!("<{tag}>{t}</{tag}>")).collect::<String>();
    let mut out = format!("<!doctype html><html><head><title>{0}</title></head><body><h1>{0}</h1>\n", book.title);
    for chapter in &book.chapters {
        let _ = writeln!(out, "<h2>{}</h2>", chapter.title);
        for section in &chapter.sections {
            let _ = writeln!(out, "<section><h3>{}</h3>", section.title);
            for block in &section.blocks {
                let text = match block {
                    Block::Paragraph(text) => format!("<p>{text}</p>"),
                    Block::List(items) => format!("<ul>{}</ul>", tagged("li", items)),
                    Block::Fields(fields) => {
                        format!(
                            "<p>{}</p>",
                            fields.iter().map(|(l, v)| format!("<b>{l}:</b> {v}")).collect::<Vec<_>>().join("<br>")
                        )
                    }
                    Block::Table(rows) => {
                        let row = |r: &Vec<String>, tag| format!("<tr>{}</tr>", tagged(tag, r));
                        let body: String = rows[1..].iter().map(|r| row(r, "td")).collect();
                        format!("<table>{}{body}</table>", row(&rows[0], "th"))
                    }
                };
                let _ = writeln!(out, "{text}");
            }
            out.push_str("</section>\n");
        }
    }
    out + "</body></html>\n"
}

fn text(book: &Book) -> String {
    let mut out = format!("{}\n{}\n\n", book.title, "=".repeat(book.title.len()));
    for chapter in &book.chapters {
        let _ = writeln!(out, "{}\n{}\n", chapter.title, "-".repeat(chapter.title.len()));
        for section in &chapter.sections {
            let _ = writeln!(out, "{}\n", section.title.split(' ').map(capitalised).collect::<Vec<_>>().join(" ").to_uppercase());
            for block in &section.blocks {
                let lines = match block {
                    Block::Paragraph(text) => pdf::wrapped(text, 72),
                    Block::List(items) => items.iter().map(|i| format!("- {i}")).collect(),
                    Block::Fields(fields) => fields.iter().map(|(l, v)| format!("{l}: {v}")).collect(),
                    Block::Table(rows) => rows
                        .iter()
                        .map(|r| r.iter().map(|cell| format!("{cell:<24}")).collect::<String>().trim_end().to_owned())
                        .collect(),
                };
                let _ = writeln!(out, "{}\n", lines.join("\n"));
            }
        }
    }
    out
}
