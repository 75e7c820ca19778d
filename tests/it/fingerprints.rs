//! Which sources are in the code fingerprint of a built-in: all that it uses, and little else, so that a new version of the program
//! reruns what it changed.

#[allow(dead_code, clippy::print_stdout, reason = "the build script has its own `main`, which talks to cargo")]
#[path = "../../build.rs"]
mod build_script;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn reached(builtin: &str) -> BTreeSet<String> {
    let (_, root) = build_script::BUILTINS.iter().find(|(name, _)| *name == builtin).unwrap();
    let mut files: BTreeSet<PathBuf> = BTreeSet::new();
    build_script::reach(Path::new(root), &mut files);
    files.iter().map(|f| f.to_string_lossy().replace('\\', "/")).collect()
}

#[test]
fn what_a_pass_uses_is_in_its_fingerprint() {
    for (builtin, file) in [
        ("PAGES", "src/document/pdf/reader.rs"),
        ("TEXT", "src/document/layout/lines.rs"),
        ("TEXT", "src/document/markup/mod.rs"),
        ("TOC", "src/document/headings/mod.rs"),
        ("TOC", "src/vocabulary/fantasy.toml"),
        ("SPLIT", "src/passes/pass_b_split/cuts.rs"),
        ("PARSE", "src/document/blocks/rows.rs"),
        ("CHUNK", "src/document/tokens.rs"),
        ("ENRICH", "src/document/matching/mod.rs"),
        ("ENRICH", "src/document/references/find.rs"),
        ("GRAPH", "src/document/references/resolve.rs"),
        ("VALIDATE", "src/document/similarity.rs"),
        ("IMPORT_CHUNKS", "src/document/imported/mod.rs"),
    ] {
        assert!(reached(builtin).contains(file), "{builtin} uses {file}: {:#?}", reached(builtin));
    }
}

#[test]
fn what_a_later_pass_does_is_in_no_fingerprint_of_an_earlier_one() {
    let later = ["pass_a_toc", "pass_b_split", "pass_c_chunk", "pass_d_enrich", "pass_e_graph", "pass_f_validate"];
    for (builtin, after) in [("PAGES", 0), ("TEXT", 0), ("TOC", 1), ("SPLIT", 2), ("PARSE", 3), ("ENRICH", 4), ("GRAPH", 5)] {
        let files = reached(builtin);
        for pass in &later[after..] {
            let of_later: Vec<_> = files.iter().filter(|f| f.contains(pass)).collect();
            assert!(of_later.is_empty(), "{builtin}: {of_later:?}");
        }
        assert!(
            !files.iter().any(|f| f.ends_with("tests.rs") || f.starts_with("src/cli") || f.starts_with("src/engine")),
            "{files:?}"
        );
    }
}

#[test]
fn only_a_test_module_at_the_end_is_left_out() {
    let code = "fn a() {}\n";
    for tests in
        ["\n#[cfg(test)]\nmod tests {\n    fn b() {}\n\n    fn c() {}\n}\n", "\n#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\n"]
    {
        assert_eq!(build_script::without_tests(&format!("{code}{tests}")).trim_end(), code.trim_end());
    }
    for more in ["\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n\nfn after() {}\n", "\n#[cfg(test)]\nfn b() {}\n"] {
        let text = format!("{code}{more}");
        assert_eq!(build_script::without_tests(&text), text);
    }
}

#[test]
fn each_path_of_a_group_is_named() {
    let here = ["passes".to_owned(), "a".to_owned()];
    let named = build_script::named_paths("use crate::document::{self, ids::{of, Id}};\nuse super::{artifact, b::X};", &here);
    let named: Vec<String> = named.iter().map(|p| p.join("::")).collect();
    assert_eq!(named, ["document", "document::ids::of", "document::ids::Id", "passes::artifact", "passes::b::X"]);
}
