//! The Ingestfile: any text, and the root Ingestfile with edits, is taken or refused with places inside it, twice the same way.

use arbitrary::{Arbitrary, Unstructured};
use ingest::passes::BUILTINS;

const BASES: [&str; 2] = [include_str!("../../Ingestfile.toml"), include_str!("../../fixtures/ingestfiles/command_passes.toml")];
const WORDS: [&str; 32] = [
    "each = \"source\"",
    "each = \"pages.groups\"",
    "each = \"passB.parts\"",
    "[rule.x]",
    "[rule.text]",
    "[job]",
    "run = \"toc\"",
    "command = \"true\"",
    "command = [\"a\", \"{out}\"]",
    "inputs = { source = \"source\" }",
    "{ from = \"text.lines\", select = \"part\" }",
    "{ file = \"../x\" }",
    "outputs = { out = \"out/{id}.json\" }",
    "{ path = \"a/\", publish = false }",
    "params = { max_chars = 0 }",
    "\"../../etc\"",
    "\"{id}{stem}{nope}\"",
    "gate = {}",
    "unique = \"/a/*\"",
    "refs = [[\"/a\", \"passA.toc\", \"/b\"]]",
    "min_items = -1",
    "ratio = { of = \"passA.toc\", min = 1e400 }",
    "max_drop = 2.0",
    "coverage = {}",
    "timeout_s = 18446744073709551615",
    "version = 1",
    "include = [\"**/{a,b\"]",
    "pass = \"G\"",
    "\u{fffd}",
    "\"\"\"",
    "'''",
    "\\u0000",
];

#[derive(Arbitrary, Debug)]
enum Edit {
    Remove { line: u16 },
    Double { line: u16, to: u16 },
    Word { line: u16, word: u8, column: u8 },
    Swap { a: u16, b: u16 },
    Text { line: u16, column: u8, text: String },
}

pub fn run(data: &[u8]) {
    crate::guarded(|| {
        if let Some((b'=', text)) = data.split_first() {
            check(&String::from_utf8_lossy(text));
            return;
        }
        let mut u = Unstructured::new(data);
        let Ok((base, edits)) = <(bool, Vec<Edit>)>::arbitrary(&mut u) else { return };
        let mut lines: Vec<String> = BASES[usize::from(base)].lines().map(str::to_owned).collect();
        for edit in edits.into_iter().take(8) {
            apply(&mut lines, edit);
        }
        check(&lines.join("\n"));
    });
}

fn apply(lines: &mut Vec<String>, edit: Edit) {
    let n = lines.len();
    if n == 0 {
        return;
    }
    let at = |line: u16| usize::from(line) % n;
    match edit {
        Edit::Remove { line } => drop(lines.remove(at(line))),
        Edit::Double { line, to } => {
            let copy = lines[at(line)].clone();
            lines.insert(at(to), copy);
        }
        Edit::Word { line, word, column } => insert(&mut lines[at(line)], column, WORDS[usize::from(word) % WORDS.len()]),
        Edit::Swap { a, b } => lines.swap(at(a), at(b)),
        Edit::Text { line, column, text } => insert(&mut lines[at(line)], column, &text),
    }
}

/// Puts `text` into `line`; at column 0, in its place.
fn insert(line: &mut String, column: u8, text: &str) {
    if column == 0 {
        text.clone_into(line);
    } else {
        let at = line.char_indices().map(|(i, _)| i).nth(usize::from(column)).unwrap_or(line.len());
        line.insert_str(at, text);
    }
}

fn check(text: &str) {
    let (one, two) = (
        ingest::ingestfile::load("Ingestfile.toml", text, BUILTINS),
        ingest::ingestfile::load("Ingestfile.toml", text, BUILTINS),
    );
    match (one, two) {
        (Ok(one), Ok(two)) => {
            assert_eq!(format!("{:?}", one.job), format!("{:?}", two.job));
            for rule in &one.graph.rules {
                for output in &rule.outputs {
                    let path = output.path.trim_end_matches('/').replace(['{', '}'], "");
                    assert!(ingest::rel_path::RelPath::parse(&path).is_ok(), "`{path}` leaves the job folder");
                }
                assert!(one.graph.rule_named(&rule.name).is_some());
            }
            for file in one.project_files() {
                assert!(ingest::rel_path::RelPath::parse(file).is_ok(), "`{file}` leaves the project");
                let _ = one.missing_file(file).render(false);
            }
            let _ = one.missing_sources().render(true);
        }
        (Err(one), Err(two)) => {
            assert_eq!(one, two, "said otherwise the second time");
            assert!(!one.is_empty(), "refused without a word");
            for problem in &one {
                assert!(problem.span.end <= text.len() && problem.span.start <= problem.span.end, "{problem:?}");
                assert!(!problem.message.is_empty());
                let _ = (problem.render(false), problem.to_string());
            }
        }
        _ => panic!("taken once and refused once"),
    }
}
