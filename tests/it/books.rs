//! The sample books through the root Ingestfile: six passes, what an edit redoes, and bytes that change only on purpose.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use crate::project::{Built, Project, repository};

/// A built project of the sample books; each test takes a copy.
pub fn books() -> Project {
    static BUILT: OnceLock<Project> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let ingestfile = fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
        let p = Project::of_passes(&ingestfile);
        copy(&repository().join("fixtures/uploads"), &p, "fixtures/uploads");
        p.build(&[]).ok();
        p
    });
    built.copy()
}

fn copy(folder: &Path, p: &Project, to: &str) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let to = format!("{to}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            copy(&entry.path(), p, &to);
        } else {
            p.file(&to, fs::read(entry.path()).unwrap());
        }
    }
}

/// The rules of which something ran.
fn rules(built: &Built) -> Vec<String> {
    let mut rules: Vec<String> = built.with_outcome("ran").iter().map(|a| a.split(' ').next().unwrap().to_owned()).collect();
    rules.dedup();
    rules
}

#[test]
fn the_sample_books_end_in_six_passes_and_then_there_is_nothing_to_do() {
    let p = books();
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D SUCCESS, E SUCCESS, F SUCCESS");
    for name in ["passA_toc.json", "passC_chunks.json", "passD_enriched.json", "passF_clean.json"] {
        assert!(!p.json(name).as_array().unwrap().is_empty(), "{name}");
    }
    assert_eq!(p.json("passA_toc.json").as_array().unwrap().len(), p.manifest()["source_sha_map"].as_object().unwrap().len());
    // The project is a copy: the first build that finds nothing to do remembers the stamps of its files.
    p.build(&[]).nothing_to_do();
    p.leaves_nothing_behind();
    let before = p.written();
    p.build(&[]).nothing_to_do();
    p.wrote_nothing_since(&before);
}

#[test]
fn another_max_chars_reruns_chunking_and_what_depends_on_it_and_parses_nothing() {
    let p = books();
    let built = p.edit("Ingestfile.toml", "max_chars = 600", "max_chars = 550").build(&["-v"]);
    built.ok().stderr_has("param `max_chars` changed from `600` to `550`");
    let rules = rules(&built);
    assert!(rules.contains(&"passC".to_owned()) && rules.contains(&"passD".to_owned()), "{rules:?}");
    for untouched in ["pages", "text", "passA", "passB", "passC_elements"] {
        assert!(!rules.contains(&untouched.to_owned()), "{untouched} ran");
    }
    let longest =
        p.json("passC_chunks.json").as_array().unwrap().iter().map(|c| c["text"].as_str().unwrap().chars().count()).max();
    assert!(longest <= Some(550), "{longest:?}");
}

#[test]
fn sizes_in_tokens_chunk_again_and_hold_their_cap() {
    let p = books();
    let in_characters = "target_chars = 500, max_chars = 600, min_chars = 120, overlap_chars = 0";
    let in_tokens = "tokenizer = \"cl100k_base\", target_tokens = 80, max_tokens = 100, min_tokens = 20";
    let built = p.edit("Ingestfile.toml", in_characters, in_tokens).build(&["-v"]);
    built.ok().stderr_has("param `max_tokens` changed from nothing to `100`");
    assert_eq!(rules(&built), ["passC", "passD", "passE", "passF"]);
    let chunks = p.json("passC_chunks.json");
    let tokens: Vec<u64> = chunks.as_array().unwrap().iter().map(|c| c["metadata"]["token_count"].as_u64().unwrap()).collect();
    assert!(tokens.iter().all(|t| *t <= 100) && tokens.iter().any(|t| *t > 80), "{tokens:?}");
    let row = "a table row is whole";
    for chunk in chunks.as_array().unwrap().iter().filter(|c| c["metadata"]["element_types"] == serde_json::json!(["Table"])) {
        let lines: Vec<&str> = chunk["text"].as_str().unwrap().lines().collect();
        let columns = |line: &str| line.matches(" | ").count();
        assert!(lines.iter().all(|l| columns(l) == columns(lines[0])), "{row}: {lines:?}");
    }
    let other = p.edit("Ingestfile.toml", "cl100k_base", "words").build(&["-v"]);
    other.ok().stderr_has("param `tokenizer` changed from `\"cl100k_base\"` to `\"words\"`");
    p.edit("Ingestfile.toml", "max_tokens = 100", "max_chars = 600").build(&[]).fails(2).stderr_has(
        "bad param `max_chars` of `chunk`: sizes are in tokens or in characters, not in both; with `tokenizer` it is `max_tokens`",
    );
    p.edit("Ingestfile.toml", "tokenizer = \"words\", ", "").build(&[]).fails(2).stderr_has(
        "bad param `target_tokens` of `chunk`: a size in tokens needs `tokenizer` (`cl100k_base` or `words`) beside it",
    );
}

#[test]
fn an_edited_schema_judges_again_and_reruns_nothing() {
    let p = books();
    let schema = "schemas/passC_chunks.schema.json";
    let looser: Value = serde_json::from_str(&p.text(schema)).unwrap();
    p.file(schema, serde_json::to_string(&looser).unwrap()).build(&[]).ok().ran(&[]).restored(&[]);
    p.edit(schema, "\"minLength\":1", "\"minLength\":0").build(&[]).ok().ran(&[]).restored(&[]);
}

#[test]
fn an_edited_book_reruns_only_itself() {
    let p = books();
    let book = "fixtures/uploads/sunken-reach-setting.md";
    let text = format!("{}\n\n## Lamplighters\n\nThe lamplighters of the reach are paid 3 gp a night.\n", p.text(book));
    let built = p.file(book, text).build(&[]);
    built.ok();
    let ran = built.with_outcome("ran");
    let own = |a: &&String| a.contains("sunken-reach-setting.md");
    assert_eq!(ran.iter().filter(|a| !own(a)).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(ran.iter().any(|a| a.starts_with("passC ")) && ran.contains(&"passF sunken-reach-setting.md".to_owned()), "{ran:?}");
    assert!(p.artifact("passF_clean.json").contains("paid 3 gp a night"));
}

#[test]
fn threads_and_folders_do_not_show_in_the_artifacts_of_books() {
    let (p, again) = (books(), books());
    again.remove("cache").remove("artifacts").build(&["-j1"]).ok();
    assert_eq!(digests(&p), digests(&again));
}

/// `name blake3` of each published file.
fn digests(p: &Project) -> String {
    let files = p.published_files();
    files.iter().map(|f| format!("{f} {}\n", blake3::hash(&p.bytes(&p.published(f))).to_hex())).collect()
}

/// Compares with a committed file; `UPDATE_GOLDEN=1` writes it instead.
fn assert_golden(name: &str, text: &str) {
    let path = repository().join("tests/it/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    let differ: Vec<(&str, &str)> = golden.lines().zip(text.lines()).filter(|(a, b)| a != b).collect();
    let same = differ.is_empty() && golden.lines().count() == text.lines().count();
    assert!(same, "`{name}` differs; if it was meant, run with UPDATE_GOLDEN=1 and say why in the commit: {differ:#?}");
}

#[test]
fn the_bytes_of_the_sample_books_artifacts_change_only_on_purpose() {
    assert_golden("artifacts.txt", &digests(&books()));
}

#[test]
fn the_manifest_of_the_sample_books_changes_only_on_purpose() {
    let mut manifest = books().manifest();
    forget_clocks(&mut manifest);
    assert_golden("manifest.json", &format!("{}\n", serde_json::to_string_pretty(&manifest).unwrap()));
}

/// Puts a word in the place of each clock, duration and id made of one.
fn forget_clocks(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match key.as_str() {
                    "started" | "ended" | "job_id" | "build_id" | "wall_s" => *value = Value::from(format!("[{key}]")),
                    _ => forget_clocks(value),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(forget_clocks),
        _ => {}
    }
}
