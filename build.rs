//! Code fingerprints: one digest per built-in over the sources that it reaches by `crate::` and `super::` paths (line ends as LF; without
//! tests) and the pinned crates of Cargo.toml, handed to the crate as `INGEST_FINGERPRINT_<NAME>`.

#![allow(clippy::disallowed_methods, reason = "a build script reads the sources themselves")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// (built-in, the file or folder its work starts from)
pub const BUILTINS: [(&str, &str); 11] = [
    ("PAGES", "src/passes/pages"),
    ("TEXT", "src/passes/text"),
    ("TOC", "src/passes/pass_a_toc"),
    ("SPLIT", "src/passes/pass_b_split"),
    ("PARSE", "src/passes/pass_c_chunk/parse"),
    ("CHUNK", "src/passes/pass_c_chunk/chunk"),
    ("ENRICH", "src/passes/pass_d_enrich"),
    ("GRAPH", "src/passes/pass_e_graph"),
    ("VALIDATE", "src/passes/pass_f_validate"),
    ("IMPORT_TOC", "src/passes/import/toc"),
    ("IMPORT_CHUNKS", "src/passes/import/chunks"),
];

fn main() {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=Cargo.toml");
    let manifest = read(Path::new("Cargo.toml"));
    let lines = manifest.lines().map(|l| l.split('#').next().unwrap_or(l).trim_end());
    let pinned: String = lines.filter(|l| l.contains("\"=")).fold(String::new(), |s, l| s + l + "\n");
    for (name, root) in BUILTINS {
        let mut files = BTreeSet::new();
        reach(Path::new(root), &mut files);
        let mut hasher = blake3::Hasher::new();
        hasher.update(pinned.as_bytes());
        for file in &files {
            let path = file.to_string_lossy().replace('\\', "/");
            let text = read(file);
            for part in [path.as_bytes(), without_tests(&text).as_bytes()] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        println!("cargo:rustc-env=INGEST_FINGERPRINT_{name}={}", hasher.finalize().to_hex());
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).replace("\r\n", "\n")
}

/// Adds `place` (a module's file, its folder, or both) and all that its files name; what only tests are is left out.
pub fn reach(place: &Path, files: &mut BTreeSet<PathBuf>) {
    let mut found = Vec::new();
    collect(&place.with_extension("rs"), &mut found);
    collect(place, &mut found);
    for file in found.into_iter().filter(|f| !is_test(f)) {
        if files.insert(file.clone()) && file.extension().is_some_and(|e| e == "rs") {
            let text = read(&file);
            let text = without_tests(&text);
            files.extend(included(text, &file));
            for place in named_paths(text, &module_path(&file)).iter().filter_map(|named| module_of(named)) {
                reach(&place, files);
            }
        }
    }
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_path_buf());
    } else if let Ok(entries) = fs::read_dir(path) {
        let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
        paths.sort();
        paths.iter().for_each(|p| collect(p, found));
    }
}

/// Whether a file is the test module of another one, by its name.
fn is_test(file: &Path) -> bool {
    file.file_name().and_then(|n| n.to_str()).is_some_and(|n| n == "tests.rs" || n.ends_with("_tests.rs"))
}

/// The text before the test module that ends it; all of it where anything else may come after.
pub fn without_tests(text: &str) -> &str {
    let Some(at) = text.rfind("\n#[cfg(test)]\n") else { return text };
    let mut lines = text[at + 1..].lines().skip(1).skip_while(|l| l.starts_with("#["));
    let ends = match lines.next() {
        Some(head) if head.starts_with("mod ") && head.ends_with(';') => lines.all(str::is_empty),
        // rustfmt indents all that is inside.
        Some(head) if head.starts_with("mod ") && head.ends_with('{') => {
            lines.by_ref().find(|l| !l.is_empty() && !l.starts_with(' ')) == Some("}") && lines.all(str::is_empty)
        }
        _ => false,
    };
    if ends { &text[..=at] } else { text }
}

/// Files that `file` takes in as they are.
fn included(text: &str, file: &Path) -> Vec<PathBuf> {
    let named = ["include_str!(\"", "include_bytes!(\""].into_iter().flat_map(|call| text.split(call).skip(1));
    let folder = file.parent().unwrap_or(Path::new(""));
    named.filter_map(|rest| rest.split_once('"')).map(|(path, _)| plain(&folder.join(path))).collect()
}

/// `path` without `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
        plain
    })
}

/// Segments of the module that a file is: `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`.
fn module_path(file: &Path) -> Vec<String> {
    let inner = file.strip_prefix("src").unwrap_or(file).with_extension("");
    let mut segments: Vec<String> = inner.iter().map(|s| s.to_string_lossy().into_owned()).collect();
    if segments.last().is_some_and(|s| s == "mod") {
        segments.pop();
    }
    segments
}

/// Every path from `crate::` or `super::` on in a file of the module `here`, as segments from the crate's root.
pub fn named_paths(text: &str, here: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        paths_at(&text[at + "crate::".len()..], &[], &mut found);
    }
    for (at, _) in text.match_indices("super::") {
        if text[..at].ends_with("super::") {
            continue;
        }
        let (mut rest, mut base) = (&text[at..], here.to_vec());
        while let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        }
        paths_at(rest, &base, &mut found);
    }
    found
}

/// What the path at the beginning of `rest` names below `base`: one, or each of a `{…, …}`.
fn paths_at(rest: &str, base: &[String], found: &mut Vec<Vec<String>>) {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
    let mut path = base.to_vec();
    path.extend(rest[..end].split("::").filter(|s| !s.is_empty() && *s != "self").map(str::to_owned));
    let Some(group) = rest[end..].strip_prefix('{').filter(|_| end == 0 || rest[..end].ends_with("::")) else {
        found.push(path);
        return;
    };
    let (mut depth, mut begin) = (0_usize, 0);
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                paths_at(group[begin..i].trim_start(), &path, found);
                begin = i + 1;
                if c == '}' {
                    return;
                }
            }
            _ => {}
        }
    }
}

/// The longest prefix of `segments` that is a module's file or folder.
fn module_of(segments: &[String]) -> Option<PathBuf> {
    let mut place = PathBuf::from("src");
    let mut best = None;
    for segment in segments {
        place.push(segment);
        if place.is_dir() || place.with_extension("rs").is_file() {
            best = Some(place.clone());
        } else {
            break;
        }
    }
    best
}
