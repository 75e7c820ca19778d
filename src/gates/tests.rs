//! Verdicts, through the judge that the engine calls.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;
use crate::engine::graph::{RuleId, Scope};

fn spec(check: Check) -> GateSpec {
    let files = if check == Check::Schema { vec!["schemas/x.schema.json".to_owned()] } else { Vec::new() };
    let others = if matches!(check, Check::Refs { .. }) { vec![(RuleId(0), 0)] } else { Vec::new() };
    GateSpec { output: 0, scope: Scope::Item, check, files, others }
}

fn input(name: &str, bytes: &[u8]) -> GateInput {
    GateInput { name: name.to_owned(), bytes: bytes.into() }
}

fn judge(check: Check, subject: &str, schema: &str, other: &str) -> Result<Verdict, String> {
    let (files, others) = ([input("schemas/x.schema.json", schema.as_bytes())], [input("passA.toc", other.as_bytes())]);
    Gates::new().judge(&spec(check), subject.as_bytes(), &files, &others)
}

fn lines(verdict: &Verdict) -> Vec<String> {
    let line = |v: &Violation| format!("{} | {} | {}", v.pointer, v.message, v.place);
    verdict.violations.iter().map(line).collect()
}

fn against(schema: &serde_json::Value, subject: &str) -> Vec<String> {
    lines(&judge(Check::Schema, subject, &schema.to_string(), "").unwrap())
}

/// An array of closed objects with a nullable object, as schemars writes them.
fn chunk_schema() -> serde_json::Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "chunks", "type": "array", "items": {"$ref": "#/$defs/Chunk"},
        "$defs": {
            "Chunk": {
                "type": "object", "additionalProperties": false,
                "required": ["chunk_id", "source_id", "page", "text", "metadata"],
                "properties": {
                    "chunk_id": {"type": "string", "pattern": "^chunk-"},
                    "source_id": {"type": "string"},
                    "page": {"type": ["integer", "null"], "minimum": 1},
                    "text": {"type": "string"},
                    "metadata": {"anyOf": [{"$ref": "#/$defs/Metadata"}, {"type": "null"}]}
                }
            },
            "Metadata": {
                "type": "object", "additionalProperties": false, "required": ["kind"],
                "properties": {"kind": {"oneOf": [{"const": "a"}, {"enum": ["b", "c"]}]}}
            }
        }
    })
}

#[test]
fn a_chunk_with_content_instead_of_text_is_told_both_ways() {
    let schema = chunk_schema();
    let subject = r#"[{"chunk_id":"chunk-12ab","source_id":"core.pdf","page":7,"content":"Roll a die.","metadata":null}]"#;
    assert_eq!(
        against(&schema, subject),
        [
            "/0/content | `content` is not known here | chunk-12ab, core.pdf, page 7",
            "/0/text | `text` is missing | chunk-12ab, core.pdf, page 7",
        ]
    );
}

#[test]
fn what_is_wrong_inside_an_alternative_is_named_there() {
    let chunk = |metadata: &str, page: &str, id: &str| {
        format!(r#"{{"chunk_id":"{id}","source_id":"s","page":{page},"text":"t","metadata":{metadata}}}"#)
    };
    let items = [
        chunk("null", "1", "chunk-0"),
        chunk(r#"{"kind":"d"}"#, "null", "chunk-1"),
        chunk("{}", "0", "chunk-2"),
        chunk("3", "1.5", "x"),
    ];
    let found = against(&chunk_schema(), &format!("[{}]", items.join(",")));
    assert_eq!(
        found,
        [
            "/1/metadata/kind | `d` is none of `a`, `b`, `c` | chunk-1, s",
            "/2/metadata/kind | `kind` is missing | chunk-2, s, page 0",
            "/2/page | 0 is below 1 | chunk-2, s, page 0",
            "/3/chunk_id | `x` does not match `^chunk-` | x, s",
            "/3/metadata | `3` is an integer, not an object or null | x, s",
            "/3/page | `1.5` is a number, not null or an integer | x, s",
        ]
    );
}

#[test]
fn items_and_the_whole_give_one_verdict() {
    let mut whole = chunk_schema();
    whole["minItems"] = json!(0); // says something of the array, so it is judged in one piece
    let items: Vec<_> = (0..15).map(|i| json!({"chunk_id": "chunk-1", "source_id": "s", "x/y": i, "page": 2})).collect();
    let subject = serde_json::to_string(&items).unwrap();
    let by_item = judge(Check::Schema, &subject, &chunk_schema().to_string(), "").unwrap();
    assert_eq!(by_item, judge(Check::Schema, &subject, &whole.to_string(), "").unwrap());
    assert_eq!((by_item.count, by_item.violations.len()), (45, LISTED));
    assert_eq!(by_item.violations[2].pointer, "/0/x~1y");
    assert_eq!(by_item.violations[19].pointer, "/6/text", "in document order, 10 after 9");
}

#[test]
fn a_schema_of_an_object_is_judged_whole_and_empty_arrays_pass() {
    let object = json!({"type": "object", "properties": {"nodes": {"type": "array", "items": {"type": "string"}}}});
    assert_eq!(against(&object, r#"{"nodes":["a",2]}"#), ["/nodes/1 | `2` is an integer, not a string | "]);
    assert_eq!(against(&object, "[]"), [" | `[]` is an array, not an object | "]);
    assert_eq!(against(&object, r#"{"nodes":3}"#), ["/nodes | `3` is an integer, not an array | "]);
    assert!(against(&object, r#"{"nodes":["a",]}"#)[0].contains("not JSON"));
    assert_eq!(against(&chunk_schema(), "{}"), [" | `{}` is an object, not an array | "]);
    assert!(against(&chunk_schema(), " [] ").is_empty());
    assert!(against(&chunk_schema(), "[{]")[0].contains("not JSON"));
}

#[test]
fn the_lists_of_an_object_are_judged_item_by_item_and_come_to_the_same() {
    let list = |most: Option<u64>| {
        let mut list = json!({"type": "array", "items": {"$ref": "#/$defs/Node"}});
        list.as_object_mut().unwrap().extend(most.map(|n| ("maxItems".to_owned(), json!(n))));
        list
    };
    let schema = |most| {
        json!({"type": "object", "required": ["edges", "stats"], "additionalProperties": false,
            "properties": {"edges": list(most), "nodes": list(most), "stats": {"type": "object"}},
            "$defs": {"Node": {"type": "object", "required": ["id"]}}})
    };
    for subject in [
        json!({"edges": [{"id": 1}, {}], "nodes": [{}, {"id": 2}, 3], "stats": {}}),
        json!({"nodes": [3]}),
        json!({"edges": [], "nodes": {}, "stats": {}, "other": []}),
    ] {
        let judged = |most| {
            let mut found = against(&schema(most), &subject.to_string());
            found.sort();
            found
        };
        assert!(!judged(None).is_empty());
        // With a limit the lists are judged with the whole.
        assert_eq!(judged(None), judged(Some(9)), "{subject}");
    }
}

#[test]
fn of_several_files_that_a_schema_misses_the_same_one_is_named_always() {
    let schema = json!({"items": {"anyOf": [{"$ref": "id"}, {"$ref": "other.json"}, {"$ref": "b.json"}, {"$ref": "z.json"}]}});
    for _ in 0..20 {
        let said = judge(Check::Schema, "[]", &schema.to_string(), "").unwrap_err();
        let named = "`project:///schemas/b.json` is no file of the project, and nothing else is looked for";
        assert_eq!(said, format!("`schemas/x.schema.json` is no JSON Schema: {named}"));
    }
}

#[test]
fn a_gate_that_is_broken_says_so() {
    let broken = |schema: &str| judge(Check::Schema, "[]", schema, "").unwrap_err();
    assert!(broken("{").starts_with("`schemas/x.schema.json` is no JSON Schema: "));
    assert!(broken(r#"{"type": "lost"}"#).starts_with("`schemas/x.schema.json` is no JSON Schema: "));
    for reference in ["https://example.com/a.json", "file:///etc/passwd", "other.json"] {
        let schema = json!({"type": "array", "items": {"$ref": reference}}).to_string();
        assert!(broken(&schema).starts_with("`schemas/x.schema.json` is no JSON Schema: "), "{reference}");
    }
    let split = [input("schemas/x.schema.json", br#"{"$ref": "y.json"}"#), input("schemas/y.json", b"{")];
    assert!(Gates::new().judge(&spec(Check::Schema), b"[]", &split, &[]).unwrap_err().starts_with("`schemas/y.json` is no JSON"));
    let refs = Check::Refs { pointer: "/a".into(), target: "/a".into() };
    assert!(judge(refs.clone(), "[]", "", "[").unwrap_err().starts_with("`passA.toc` cannot be referred to: not JSON"));
    assert!(Gates::new().judge(&spec(refs), b"[]", &[], &[]).is_err());
    assert!(Gates::new().judge(&spec(Check::Schema), b"[]", &[], &[]).is_err());
}

#[test]
fn a_schema_in_several_files_judges_as_one_that_is_whole() {
    let mut apart = chunk_schema();
    let metadata = apart["$defs"].as_object_mut().unwrap().remove("Metadata").unwrap();
    apart["$defs"]["Chunk"]["properties"]["metadata"] = json!({"$ref": "parts/metadata.json#/$defs/Optional"});
    let metadata = json!({"$defs": {"Optional": {"anyOf": [{"$ref": "#/$defs/Metadata"}, {"$ref": "../kind.json#/$defs/none"}]},
        "Metadata": metadata}});
    let kind = json!({"$defs": {"none": {"type": "null"}}});
    let files = [
        input("schemas/x.schema.json", apart.to_string().as_bytes()),
        input("schemas/kind.json", kind.to_string().as_bytes()),
        input("schemas/parts/metadata.json", metadata.to_string().as_bytes()),
    ];
    let subject = r#"[{"chunk_id":"chunk-1","source_id":"s","page":1,"text":"t","metadata":null},
        {"chunk_id":"chunk-2","source_id":"s","page":1,"text":"t","metadata":{"kind":"d"}}]"#;
    let verdict = Gates::new().judge(&spec(Check::Schema), subject.as_bytes(), &files, &[]).unwrap();
    assert_eq!(lines(&verdict), against(&chunk_schema(), subject));
    assert_eq!(lines(&verdict), ["/1/metadata/kind | `d` is none of `a`, `b`, `c` | chunk-2, s, page 1"]);
}

#[test]
fn a_schema_that_another_one_refers_back_to_keeps_its_shape() {
    let tree = json!({"type": "array", "items": {"$ref": "node.json"}});
    let node = json!({"type": "object", "required": ["id"], "properties": {"below": {"$ref": "tree.json"}}});
    let files = [input("tree.json", tree.to_string().as_bytes()), input("node.json", node.to_string().as_bytes())];
    let judge = |subject: &str| lines(&Gates::new().judge(&spec(Check::Schema), subject.as_bytes(), &files, &[]).unwrap());
    assert!(judge(r#"[{"id":1,"below":[{"id":2,"below":[]}]}]"#).is_empty());
    assert_eq!(judge(r#"[{"id":1,"below":[{"id":2,"below":[{}]}]}]"#), ["/0/below/0/below/0/id | `id` is missing | "]);
}

#[test]
fn an_output_is_present_if_it_has_bytes_and_parses() {
    let present = |bytes: &[u8], json| Gates::new().judge(&spec(Check::Present { json }), bytes, &[], &[]).unwrap();
    assert!(present(b"[]", true).accepted() && present(b"{}\n", true).accepted() && present(b"[", false).accepted());
    assert_eq!(present(b"", false).violations[0].message, "the output is 0 bytes");
    assert_eq!(present(b"", true).violations[0].message, "the output is 0 bytes");
    for bytes in [&b"[1,"[..], b"[\"\xff\"]", b"[] []", b"\xef\xbb\xbf[]", b" "] {
        assert!(present(bytes, true).violations[0].message.starts_with("not JSON: "), "{bytes:?}");
    }
}

#[test]
fn too_few_items_are_too_few() {
    let few = |subject, count| {
        let counts = ItemCounts { subject, other: None, baseline: None };
        lines(&Gates::new().judge_counts(&spec(Check::MinItems { count }), &counts).unwrap())
    };
    assert!(few(2, 2).is_empty() && few(1, 1).is_empty());
    assert_eq!(few(1, 2), [" | 1 item, and the gate asks for at least 2 | "]);
    assert_eq!(few(0, 1), [" | 0 items, and the gate asks for at least 1 | "]);
}

#[test]
fn a_key_that_is_there_twice_names_both_items() {
    let subject = r#"[{"id":"a","page":1},{"id":null},{"id":"b"},{"id":"a","source_id":"s","page":9},{"id":1},{"id":"1"},{}]"#;
    let verdict = judge(Check::Unique { pointer: "/id".into() }, subject, "", "").unwrap();
    assert_eq!(
        lines(&verdict),
        [
            "/3/id | `a` is not unique: it is also the value at `/0/id` | s, page 9",
            "/6/id | there is no value, and it must be unique | ",
        ]
    );
    let many = format!("[{}]", vec![r#"{"id":7}"#; 1000].join(","));
    let verdict = judge(Check::Unique { pointer: "/id".into() }, &many, "", "").unwrap();
    assert_eq!((verdict.count, verdict.violations.len()), (999, LISTED));
}

#[test]
fn a_reference_to_nothing_is_named() {
    let refs = |pointer: &str, target: &str| Check::Refs { pointer: pointer.into(), target: target.into() };
    let toc = r#"[{"source_id":"s","sections":[{"id":"x"},{"id":"y"}]},{"source_id":"t","sections":[]}]"#;
    let subject =
        r#"[{"source_id":"s","in":["x"],"page":3},{"source_id":"u","in":["y","z"],"page":4},{"source_id":null,"in":[]}]"#;
    assert_eq!(
        lines(&judge(refs("/source_id", "/source_id"), subject, "", toc).unwrap()),
        ["/1/source_id | `u` does not occur at `/source_id` in `passA.toc` | u, page 4"]
    );
    assert_eq!(
        lines(&judge(refs("/in/*", "/sections/*/id"), subject, "", toc).unwrap()),
        ["/1/in/1 | `z` does not occur at `/sections/*/id` in `passA.toc` | u, page 4"]
    );
}

#[test]
fn items_are_counted_and_what_is_no_json_has_none() {
    let count = |bytes: &[u8]| Gates::new().count_items(bytes);
    assert_eq!((count(b"[1,2,3]"), count(b"{}"), count(b"%PDF-1.7"), count(b"")), (Some(3), Some(1), None, None));
}

/// Every file below a folder of the tree, by schema: (name of the schema, path, bytes).
#[allow(clippy::disallowed_methods, reason = "fixtures are read from disk")]
fn fixtures(folder: &str) -> Vec<(String, PathBuf, Vec<u8>)> {
    let sorted = |folder: &Path| {
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let schemas = sorted(&root).into_iter();
    let files = schemas.flat_map(|dir| {
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        sorted(&dir).into_iter().map(move |path| (name.clone(), path))
    });
    files.map(|(name, path)| (name, path.clone(), std::fs::read(path).unwrap())).collect()
}

#[allow(clippy::disallowed_methods, reason = "schemas are read from disk")]
fn verdict_of_fixture(schema: &str, bytes: &[u8]) -> Verdict {
    let path = format!("schemas/{schema}.schema.json");
    let schema = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).unwrap();
    Gates::new().judge(&spec(Check::Schema), bytes, &[input(&path, &schema)], &[]).unwrap()
}

#[test]
fn every_example_is_accepted_and_every_defect_rejected_at_its_place() {
    for (schema, path, bytes) in fixtures("fixtures/gates/valid") {
        assert_eq!(lines(&verdict_of_fixture(&schema, &bytes)), [""; 0], "{}", path.display());
    }
    let mut told = String::new();
    for (schema, path, bytes) in fixtures("fixtures/gates/invalid") {
        let verdict = verdict_of_fixture(&schema, &bytes);
        assert!(!verdict.accepted(), "{}", path.display());
        let defect = path.file_stem().unwrap().to_string_lossy();
        told += &format!("{schema}/{defect}\n    {}\n", lines(&verdict).join("\n    "));
    }
    insta::with_settings!({
        snapshot_path => "../../fixtures/gates", prepend_module_to_snapshot => false, omit_expression => true
    }, { insta::assert_snapshot!("messages", told) });
}
