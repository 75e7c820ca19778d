//! Code fingerprints: one digest per built-in over the sources that it reaches by `crate::` and `super::` paths (line ends as LF) and the
//! pinned crates of Cargo.toml, handed to the crate as `INGEST_FINGERPRINT_<NAME>`.

#![allow(clippy::disallowed_methods, reason = "a build script reads the sources themselves")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// (built-in, the file or folder its work starts from)
const BUILTINS: [(&str, &str); 11] = [
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
            for part in [path.as_bytes(), text.as_bytes()] {
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

/// Adds `place` (a module's file, its folder, or both) and all that its files name.
fn reach(place: &Path, files: &mut BTreeSet<PathBuf>) {
    let mut found = Vec::new();
    collect(&place.with_extension("rs"), &mut found);
    collect(place, &mut found);
    for file in found {
        if files.insert(file.clone()) && file.extension().is_some_and(|e| e == "rs") {
            let text = read(&file);
            for named in crate_paths(&text).into_iter().chain(super_paths(&text, &module_path(&file))) {
                if let Some(place) = module_of(&named) {
                    reach(&place, files);
                }
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

/// Every `crate::a::b::…` of a file, as its segments; `crate::a::{b, c}` counts as `crate::a`.
fn crate_paths(text: &str) -> Vec<Vec<String>> {
    text.split("crate::")
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
            rest[..end].split("::").filter(|s| !s.is_empty()).map(str::to_owned).collect()
        })
        .collect()
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

/// Every `super::a::…` of a file of the module `here`, as segments from the crate's root.
fn super_paths(text: &str, here: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("super::") {
        if text[..at].ends_with("super::") {
            continue;
        }
        let mut rest = &text[at..];
        let mut base = here.to_vec();
        while let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        }
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        base.extend(rest[..end].split("::").filter(|s| !s.is_empty()).map(str::to_owned));
        found.push(base);
    }
    found
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
