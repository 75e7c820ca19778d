//! One job over a thousand small different books with hostile files mixed in: every good book is built, every bad one is named,
//! memory stays flat, a second build does nothing, and a build that was killed loses nothing. See ../README.md.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit, reason = "a program of its own")]

mod books;
mod checks;
mod hostile;
mod pdf;
mod watched;
mod words;

use std::path::PathBuf;

fn main() {
    let mut options = checks::Options {
        books: 1_000,
        ingest: PathBuf::from(env!("CARGO_BIN_EXE_ingest")),
        folder: None,
        kills: 3,
        grows: None,
        only_make: false,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = |what: &str| args.next().unwrap_or_else(|| usage(&format!("`{arg}` needs {what}")));
        let number = |text: String| text.parse().unwrap_or_else(|_| usage(&format!("`{text}` is no number")));
        match arg.as_str() {
            "--books" => options.books = number(value("a number")),
            "--kills" => options.kills = number(value("a number")),
            "--grows" => {
                let most = value("a factor");
                options.grows = Some(most.parse().unwrap_or_else(|_| usage(&format!("`{most}` is no number"))));
            }
            "--ingest" => options.ingest = PathBuf::from(value("a program")),
            "--folder" => options.folder = Some(PathBuf::from(value("a folder"))),
            "--only-make" => options.only_make = true,
            "--bench" => {}
            other => usage(&format!("unknown argument `{other}`")),
        }
    }
    match checks::run(&options) {
        Ok(problems) if problems.is_empty() => println!("everything holds"),
        Ok(problems) => {
            problems.iter().for_each(|p| eprintln!("does not hold: {p}"));
            std::process::exit(1);
        }
        Err(why) => {
            eprintln!("thousand_books: {why}");
            std::process::exit(2);
        }
    }
}

fn usage(why: &str) -> ! {
    eprintln!(
        "{why}\nusage: thousand_books [--books N] [--kills N] [--grows FACTOR] [--ingest PROGRAM] [--folder FOLDER] [--only-make]"
    );
    std::process::exit(2)
}
