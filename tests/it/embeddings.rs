//! Vectors of chunks come from a command, or are missing: none is made up, and a vector of zeros is none.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::books::books;
use crate::project::{Project, repository};

/// A vector for each chunk of a part, all alike: a model's place is taken by `echo`.
const EMBED: &str = r#"
tr '{,' '\n\n' < "$1" | sed -n 's/^"chunk_id":"\(chunk-[0-9a-f]*\)"$/\1/p' | sort -u | while read -r id; do
  printf '%s{"chunk_id":"%s","model":"echo","vector":[FIRST' "$comma" "$id"
  i=1; while [ $i -lt 64 ]; do printf ',0'; i=$((i + 1)); done
  printf ']}'; comma=,
done > vectors.$$
{ printf '['; cat vectors.$$; printf ']'; } > "$2"; rm vectors.$$
"#;

/// The sample books with the fixture's rule, whose command is a shell's.
fn embedded(script: &str) -> Project {
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).unwrap();
    let rule: String = read("fixtures/adapters/embeddings.toml")
        .lines()
        .filter(|line| !line.starts_with("version"))
        .map(|line| match line.split(' ').next() {
            Some("command") => "command = [\"sh\", \"embed.sh\", \"{enriched}\", \"{embeddings}\"]\n".to_owned(),
            Some("files") => "files = [\"embed.sh\"]\n".to_owned(),
            _ => format!("{line}\n"),
        })
        .collect();
    let p = books();
    p.file("Ingestfile.toml", p.text("Ingestfile.toml") + &rule);
    p.file("fixtures/adapters/embeddings.schema.json", read("fixtures/adapters/embeddings.schema.json"));
    p.file("embed.sh", script)
}

fn ids(p: &Project, artifact: &str) -> BTreeSet<String> {
    let items = p.json(artifact);
    items.as_array().unwrap().iter().map(|item| item["chunk_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn vectors_are_those_of_a_command_and_what_has_none_has_none() {
    let p = embedded(&EMBED.replace("FIRST", "1"));
    p.build(&[]).ok();
    let (all, found) = (ids(&p, "passD_enriched.json"), ids(&p, "embeddings.json"));
    assert_eq!(found, all);
    // Part by part one chunk less: it is missing, and nothing stands for it.
    p.file("embed.sh", EMBED.replace("FIRST", "1").replace("sort -u", "sort -u | sed 1d")).build(&[]).ok();
    let parts: usize =
        p.json("passB_splits.json").as_array().unwrap().iter().map(|s| s["parts"].as_array().map_or(0, Vec::len)).sum();
    let found = ids(&p, "embeddings.json");
    assert_eq!(all.difference(&found).count(), parts);
    assert!(p.json("passD_enriched.json").as_array().unwrap().iter().all(|chunk| chunk["embedding"] == Value::Null));
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_vector_of_zeros_is_stopped_at_the_gate() {
    let p = embedded(&EMBED.replace("FIRST", "0"));
    p.build(&[]).fails(1).stderr_has("/vector: none of `[0,0,0").stderr_has("8 rejected");
    assert!(!p.exists(&p.published("embeddings.json")));
}
