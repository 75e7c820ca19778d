//! The Ingestfiles of the tree load, and every fixture with a defect gives its message.
#![allow(clippy::disallowed_methods, reason = "fixtures are read from disk, and updated on request")]

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::*;
use crate::builtin::{Failure, Inputs, Item, Limits, Merge, Output, OutputPort, Project, Projection};
use crate::engine::graph::{Check, From, MergeKind, Pass, Range, RuleId, Run, Scope};

const fn file(name: &'static str, projections: &'static [Projection]) -> OutputPort {
    OutputPort { name, tree: false, merge: Merge::Splice, split: None, projections, count: None }
}

const fn tree(name: &'static str, projections: &'static [Projection]) -> OutputPort {
    OutputPort { name, tree: true, merge: Merge::Splice, split: None, projections, count: None }
}

fn runs_nothing(_: &Item, _: &Inputs, _: &Value, _: &Limits) -> Result<Vec<(&'static str, Output)>, Failure> {
    Ok(Vec::new())
}

const fn stub(name: &'static str, inputs: &'static [&'static str], outputs: &'static [OutputPort]) -> Builtin {
    let (default_params, check_params) =
        (no_params as fn(&Map<String, Value>) -> Value, any_params as fn(&Value) -> Result<(), (String, String)>);
    Builtin { name, about: "a stub", inputs, outputs, default_params, check_params, run: runs_nothing, fingerprint: "" }
}

fn no_params(_: &Map<String, Value>) -> Value {
    json!({})
}

fn any_params(_: &Value) -> Result<(), (String, String)> {
    Ok(())
}

fn toc_params(_: &Map<String, Value>) -> Value {
    json!({"limit": 10, "depth": 6})
}

fn check_toc_params(params: &Value) -> Result<(), (String, String)> {
    for key in ["depth", "limit"] {
        if params[key].as_u64().is_none() {
            return Err((key.to_owned(), "an integer, 0 or more, is wanted".to_owned()));
        }
    }
    Ok(())
}

const PART: &[Projection] = &[Projection { name: "part", apply: Project::File(|bytes, _, _| Ok(bytes.to_vec())) }];

/// What the fixtures name.
static PAGES: Builtin = stub("pages", &["source"], &[tree("groups", &[])]);
static TOC: Builtin = Builtin {
    default_params: toc_params,
    check_params: check_toc_params,
    ..stub("toc", &["source", "lines", "hints?"], &[file("toc", PART), file("dictionary", &[])])
};
static FIXTURE_BUILTINS: [&Builtin; 2] = [&PAGES, &TOC];

fn below_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Compares with a committed file, or writes it if `INGEST_UPDATE_SCHEMAS` is set.
pub(super) fn same_as_committed(path: &str, text: &str) {
    if std::env::var_os("INGEST_UPDATE_SCHEMAS").is_some() {
        std::fs::write(path, text).unwrap();
    }
    let committed = read(Path::new(path)).replace("\r\n", "\n");
    assert!(committed == text, "{path} is not what the types give; set INGEST_UPDATE_SCHEMAS to write it");
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(below_root("fixtures/ingestfiles").join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    files
}

/// Path and text of every Ingestfile of the tree that has nothing wrong.
pub(super) fn valid_ingestfiles() -> Vec<(String, String)> {
    let own = ["Ingestfile.toml", "fixtures/ingestfiles/command_passes.toml"].map(below_root);
    fixtures("valid").into_iter().chain(own).map(|path| (path.display().to_string(), read(&path))).collect()
}

pub(super) fn invalid_ingestfile(name: &str) -> String {
    read(&below_root("fixtures/ingestfiles/invalid").join(format!("{name}.toml")))
}

fn load_fixture(path: &str) -> Loaded {
    let text = read(&below_root("fixtures/ingestfiles").join(path));
    load(path, &text, &FIXTURE_BUILTINS).unwrap_or_else(|problems| panic!("{path}: {problems:#?}"))
}

#[test]
fn every_defect_has_its_message() {
    for path in fixtures("invalid") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = read(&path).replace("\r\n", "\n");
        let problems = load("Ingestfile.toml", &text, &FIXTURE_BUILTINS).expect_err(&name);
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        let drawn: Vec<_> = problems.iter().map(|p| p.render(false)).collect();
        let rendered = format!("{}\n\n{}", lines.join("\n"), drawn.join("\n\n"));
        insta::with_settings!({
            snapshot_path => "../../fixtures/ingestfiles/invalid", prepend_module_to_snapshot => false, omit_expression => true
        }, { insta::assert_snapshot!(name, rendered) });
    }
}

#[test]
fn valid_files_load() {
    for path in fixtures("valid") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        load_fixture(&format!("valid/{name}"));
    }
}

#[test]
fn rules_stand_after_all_that_they_read_and_names_are_resolved() {
    let loaded = load_fixture("valid/commands.toml");
    let names: Vec<_> = loaded.graph.rules.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["cut", "lines", "sizes", "words", "last"]);
    let rule = |name: &str| loaded.graph.rule(loaded.graph.rule_named(name).unwrap());

    assert_eq!(rule("words").range, Range::Tree { rule: RuleId(1), output: 0 });
    assert_eq!(rule("words").inputs[0].from, From::Item { levels_up: 0 });
    assert_eq!(rule("words").inputs[1].from, From::Item { levels_up: 1 });
    assert_eq!(rule("lines").inputs[1].from, From::Source);
    assert_eq!(rule("last").inputs[0].from, From::Artifact { rule: RuleId(3), output: 0, select: None });
    assert_eq!(rule("last").inputs[1].from, From::File("config/style.css".into()));
    assert_eq!(rule("sizes").pass, Some(Pass('B')));

    let merges: Vec<_> =
        loaded.graph.rules.iter().flat_map(|r| &r.outputs).map(|o| (o.path.as_str(), o.merge, o.publish)).collect();
    assert_eq!(
        merges,
        [
            ("pieces/", MergeKind::Tree, true),
            ("lines/", MergeKind::Tree, false),
            ("sizes.json", MergeKind::Splice, true),
            ("words.json", MergeKind::Splice, true),
            ("counts/{stem}-{id}.txt", MergeKind::PerItem, true),
            ("report.html", MergeKind::None, true),
        ]
    );
    let Run::Command(command) = &rule("last").run else { panic!("a command") };
    assert_eq!(command.command.env, ["LC_TIME", "NLTK_DATA"]);
    assert_eq!(command.command.timeout_s, Some(600));
}

#[test]
fn gates_judge_items_first_and_then_the_merge() {
    let loaded = load_fixture("valid/commands.toml");
    let words = loaded.graph.rule(loaded.graph.rule_named("words").unwrap());
    let gates: Vec<_> = words.gates.iter().map(|g| (g.output, g.scope, g.check.clone(), g.others.clone())).collect();
    let refs = Check::Refs { pointer: "/piece".into(), target: "/name".into() };
    assert_eq!(
        gates,
        [
            (0, Scope::Item, Check::Present { json: true }, vec![]),
            (0, Scope::Job, Check::MinItems { count: 1 }, vec![]),
            (0, Scope::Job, Check::Unique { pointer: "/id".into() }, vec![]),
            (0, Scope::Job, refs, vec![(RuleId(2), 0)]),
            (1, Scope::Item, Check::Present { json: false }, vec![]),
        ]
    );
}

#[test]
fn every_kind_of_gate_on_a_merge_stands_in_the_order_of_its_cost() {
    let loaded = load_fixture("valid/gates.toml");
    let gates = |name: &str| &loaded.graph.rule(loaded.graph.rule_named(name).unwrap()).gates;
    let checks: Vec<String> =
        gates("rows").iter().map(|g| serde_json::to_value(&g.check).unwrap()["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        checks,
        ["present", "schema", "min_items", "unique", "refs", "ratio", "max_drop", "coverage", "command", "present"]
    );
    assert!(gates("rows")[2..9].iter().all(|g| g.scope == Scope::Job));
    let Check::Command { command } = &gates("rows")[8].check else { panic!("a command") };
    assert_eq!((command.files.as_slice(), command.timeout_s), (["scripts/check.py".to_owned()].as_slice(), Some(60)));
    assert!(matches!(gates("report")[1].check, Check::Command { .. }));
    assert_eq!(loaded.project_files().collect::<Vec<_>>(), ["schemas/rows.schema.json", "scripts/check.py"]);
    assert_eq!(loaded.graph.commands().count(), 5, "three rules and two gates");
}

#[test]
fn a_job_has_defaults() {
    let job = load("Ingestfile.toml", "version = 1\n", &[]).unwrap().job;
    assert_eq!((job.env.as_str(), job.sources, job.artifacts.as_str()), ("dev", None, "artifacts/ingest"));
    assert_eq!(job.include_patterns, ["**/*.pdf", "**/*.md", "**/*.txt", "**/*.html"]);
}

#[test]
fn patterns_pass_over_case_and_stop_at_folders() {
    let job = load_fixture("valid/commands.toml").job;
    assert_eq!((job.env.as_str(), job.sources.as_deref(), job.artifacts.as_str()), ("prod", Some(""), "out"));
    let taken = |path: &str| job.include.is_match(path);
    assert!(taken("a.txt") && taken("A.TXT") && taken("docs/x/y.PDF") && taken("Docs/z"));
    assert!(!taken("x/a.txt") && !taken("a.pdf"));
    let all = load("Ingestfile.toml", "version = 1\n", &[]).unwrap().job.include;
    assert!(all.is_match("Book.PDF") && all.is_match("a/b/Book.Md") && !all.is_match("Book.docx"));
}

#[test]
fn params_are_filled_in_and_sorted() {
    let text = r#"
        version = 1
        job.sources = "in"
        [rule.passA]
        run = "toc"
        each = "source"
        inputs = { lines = { file = "x" }, source = "source" }
        outputs = { dictionary = "d.json", toc = "t.json" }
        params = { depth = 3 }
    "#;
    let loaded = load("Ingestfile.toml", text, &FIXTURE_BUILTINS).unwrap();
    let Run::Builtin { params, .. } = &loaded.graph.rules[0].run else { panic!("a built-in") };
    assert_eq!(params.to_string(), r#"{"depth":3,"limit":10}"#);
    let inputs: Vec<_> = loaded.graph.rules[0].inputs.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(inputs, ["source", "lines"], "in the order of the built-in");
}

#[test]
fn what_only_the_disk_knows_points_into_the_file() {
    let text = "version = 1\n[job]\nsources = \"in\"\n[rule.a]\ninputs = { x = { file = \"x.css\" } }\n\
                command = \"cat {x} > {out}\"\noutputs = { out = \"a.json\" }\ngate = { out = { schema = \"a.schema.json\" } }\n";
    let loaded = load("Ingestfile.toml", text, &[]).unwrap();
    assert_eq!(loaded.project_files().collect::<Vec<_>>(), ["a.schema.json", "x.css"]);
    assert_eq!(loaded.missing_sources().to_string(), "Ingestfile.toml:3:11: the sources folder `in` does not exist");
    assert_eq!(loaded.missing_file("a.schema.json").to_string(), "Ingestfile.toml:8:27: the file `a.schema.json` does not exist");
}

/// The ports of the built-ins that ship, until the passes themselves stand here.
static SHIPPED: [Builtin; 9] = [
    stub("pages", &["source"], &[tree("groups", &[])]),
    stub("text", &["group"], &[tree("lines", PART)]),
    stub("toc", &["source", "lines"], &[file("toc", PART), file("dictionary", NAMES), file("profile", &[])]),
    Builtin {
        default_params: |_| json!({"max_part_mb": 25, "max_part_pages": 40, "keep_images": false}),
        ..stub("split", &["source", "toc"], &[file("splits", &[]), tree("parts", &[])])
    },
    stub("parse", &["lines", "toc", "profile"], &[file("elements", &[])]),
    Builtin {
        default_params: |_| json!({"target_chars": 500, "max_chars": 600, "min_chars": 120, "overlap_chars": 0}),
        ..stub("chunk", &["elements"], &[file("chunks", &[]), file("coverage", &[])])
    },
    stub("enrich", &["chunks", "names"], &[file("enriched", &[])]),
    stub("graph", &["toc", "dictionary", "enriched"], &[file("graph", &[])]),
    stub(
        "validate",
        &["toc", "dictionary", "coverage", "chunks", "enriched", "graph"],
        &[file("clean", &[]), file("cleanup", &[])],
    ),
];
const NAMES: &[Projection] = &[Projection { name: "names", apply: Project::File(|bytes, _, _| Ok(bytes.to_vec())) }];

#[test]
fn the_ingestfile_of_this_project_is_the_pipeline_from_pages_to_pass_f() {
    let builtins: Vec<&'static Builtin> = SHIPPED.iter().collect();
    let text = read(&below_root("Ingestfile.toml"));
    let loaded = load("Ingestfile.toml", &text, &builtins).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let names: Vec<_> = loaded.graph.rules.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["pages", "text", "passA", "passB", "passC_elements", "passC", "passD", "passE", "passF"]);
    for rule in &loaded.graph.rules {
        for (ix, output) in rule.outputs.iter().enumerate().filter(|(_, o)| o.publish && !o.tree) {
            let has_schema = rule.gates.iter().any(|g| g.output == ix && g.check == Check::Schema);
            assert!(has_schema, "{} has a schema", output.path);
        }
    }
}

#[test]
fn the_test_only_ingestfile_has_six_passes_that_are_commands() {
    let loaded = load_fixture("command_passes.toml");
    let passes: Vec<_> = loaded.graph.rules.iter().filter_map(|r| r.pass).collect();
    assert_eq!(passes, Pass::ALL);
    assert!(loaded.graph.rules.iter().all(|r| matches!(r.run, Run::Command(_))));
}

#[test]
fn a_file_cut_anywhere_never_panics() {
    let text = read(&below_root("fixtures/ingestfiles/valid/commands.toml"));
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        if let Err(problems) = load("Ingestfile.toml", &text[..end], &FIXTURE_BUILTINS) {
            assert!(problems.iter().all(|p| !p.render(false).is_empty()));
        }
    }
}
