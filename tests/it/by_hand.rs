//! The built-ins without the engine: all `run`s in one process, and each by `run-pass` on a request.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use ingest::builtin::{Item, Limits, Project as Projection};
use ingest::document::ids;
use ingest::document::part::Placement;
use ingest::document::vocabulary::Vocabulary;
use ingest::passes::{
    artifact, pages, pass_a_toc, pass_b_split, pass_c_chunk, pass_d_enrich, pass_e_graph, pass_f_validate, text,
};
use serde_json::{Value, json};

use crate::project::{Project, repository};

/// A projection of an output of pass A, as the engine takes it.
fn projected<T: serde::de::DeserializeOwned>(output: &str, name: &str, bytes: &[u8], item: &Item, attrs: &str) -> T {
    let port = pass_a_toc::BUILTIN.output(output).unwrap();
    let Projection::File(apply) = port.projections.iter().find(|p| p.name == name).unwrap().apply else { panic!("a tree") };
    serde_json::from_slice(&apply(bytes, item, &attrs.to_owned()).unwrap()).unwrap()
}

#[test]
fn the_passes_run_one_after_the_other_in_one_process() {
    let _ = (ids::content_id("group", &[]), Placement::default());
    for name in ["sunken-reach-setting.md", "tidewrack-bestiary.html", "wardens-pocket-almanac.txt", "lanternfall-rules.pdf"] {
        let bytes: Arc<[u8]> = fs::read(repository().join("fixtures/uploads").join(name)).unwrap().into();
        let item = Item { id: name.to_owned(), source_id: name.to_owned(), path: name.to_owned() };
        let groups = pages::run(pages::Source { name, bytes: &bytes }, &pages::Params::default(), &Limits::default()).unwrap();
        let lines: Vec<_> = groups
            .iter()
            .flat_map(|g| {
                text::run(text::Group { name: &g.name, bytes: &g.bytes }, &text::Params::default(), &Limits::default()).unwrap()
            })
            .collect();
        let inputs =
            pass_a_toc::Inputs { item: &item, source: &bytes, lines: &lines, vocabulary: Vocabulary::bundled().unwrap() };
        let a = pass_a_toc::run(inputs, &pass_a_toc::Params::default(), &Limits::default()).unwrap();
        let source = pass_b_split::Source { source_id: name, name, bytes: &bytes, toc: &a.toc };
        let b = pass_b_split::run(source, &pass_b_split::Params::default(), &Limits::default()).unwrap();
        assert_eq!(b.parts.len(), 1, "{name} is small enough to be one part");
        let part = &b.parts[0];
        let part_id = part.name.rsplit_once('.').unwrap().0.to_owned();
        let part_item = Item { id: part_id, ..item.clone() };
        let toc_bytes = artifact::encode(&[&a.toc]).unwrap();
        let part_toc = projected("toc", "part", &toc_bytes, &part_item, &part.attrs);
        let inputs = pass_c_chunk::parse::Inputs { units: &lines, toc: &part_toc, profile: Some(&a.profile) };
        let elements = pass_c_chunk::parse::run(inputs, &pass_c_chunk::parse::Params::default()).unwrap().elements;
        let inputs = pass_c_chunk::chunk::Inputs { source_id: name, elements: &elements };
        let c = pass_c_chunk::chunk::run(inputs, &pass_c_chunk::chunk::Params::default()).unwrap();
        let names: Vec<_> = projected("dictionary", "names", &artifact::encode(&a.dictionary).unwrap(), &item, "");
        let inputs = pass_d_enrich::Inputs { chunks: &c.chunks, names: &names, vocabulary: Vocabulary::bundled().unwrap() };
        let enriched = pass_d_enrich::run(inputs, &pass_d_enrich::Params::default()).unwrap().enriched;
        let (toc, coverage) = ([a.toc], [c.coverage]);
        let inputs = pass_e_graph::Inputs {
            toc: &toc,
            dictionary: &a.dictionary,
            enriched: &enriched,
            vocabulary: Vocabulary::bundled().unwrap(),
        };
        let graph = pass_e_graph::run(inputs, &pass_e_graph::Params::default()).unwrap().graph;
        let inputs = pass_f_validate::Inputs {
            toc: &toc,
            dictionary: &a.dictionary,
            coverage: &coverage,
            chunks: &c.chunks,
            enriched: &enriched,
            graph: &graph,
        };
        let f = pass_f_validate::run(inputs, &pass_f_validate::Params::default()).unwrap();
        assert!(!c.chunks.is_empty() && !f.clean.is_empty() && !graph.nodes.is_empty(), "{name}");
        assert_eq!(enriched.len(), c.chunks.len(), "{name}");
    }
}

/// A folder in which built-ins are run by hand, one after the other.
struct Bench {
    project: Project,
    source_id: &'static str,
}

impl Bench {
    /// Runs `builtin` for `item` in a folder of its own; `inputs` are files of the project by name, a list for a tree. What it
    /// wrote, by output: a file, or the folder of a tree.
    fn run(&self, builtin: &str, item: &str, inputs: &[(&str, Value)], outputs: &[&str]) -> BTreeMap<String, String> {
        let (mut named, mut places) = (BTreeMap::new(), BTreeMap::new());
        for (name, from) in inputs {
            let stage = |from: &str| {
                let to = format!("inputs/{name}/{}", from.rsplit('/').next().unwrap());
                self.project.file(&format!("{builtin}/{to}"), self.project.bytes(from));
                Value::from(to)
            };
            let staged = match from {
                Value::String(file) => stage(file),
                list => list.as_array().unwrap().iter().map(|f| stage(f.as_str().unwrap())).collect(),
            };
            named.insert((*name).to_owned(), staged);
        }
        for output in outputs {
            let tree = matches!(*output, "groups" | "lines" | "parts");
            places.insert((*output).to_owned(), format!("outputs/{output}{}", if tree { "" } else { ".json" }));
        }
        let item = json!({"id": item, "source_id": self.source_id, "path": self.source_id});
        let request = json!({"version": 1, "rule": builtin, "item": item, "inputs": named, "outputs": places});
        let at = format!("{builtin}/request.json");
        self.project.file(&at, request.to_string()).run(&["run-pass", builtin, "--request", &at]).ok();
        places.into_iter().map(|(name, place)| (name, format!("{builtin}/{place}"))).collect()
    }

    /// The files of a tree, in order.
    fn files(&self, tree: &str) -> Vec<String> {
        self.project.tree(tree).into_keys().map(|f| format!("{tree}/{f}")).collect()
    }

    fn item(&self, id: &str) -> Item {
        Item { id: id.to_owned(), source_id: self.source_id.to_owned(), path: self.source_id.to_owned() }
    }
}

#[test]
fn each_built_in_writes_its_artifacts_by_run_pass() {
    let source_id = "sunken-reach-setting.md";
    let book = fs::read(repository().join("fixtures/uploads").join(source_id)).unwrap();
    let bench = Bench { project: Project::new("version = 1").file(source_id, book), source_id };
    let p = &bench.project;

    let groups = bench.run("pages", source_id, &[("source", json!(source_id))], &["groups"]);
    let group = bench.files(&groups["groups"]).remove(0);
    let lines = bench.run("text", "group", &[("group", json!(group))], &["lines"]);
    let lines = json!(bench.files(&lines["lines"]));
    let a =
        bench.run("toc", source_id, &[("source", json!(source_id)), ("lines", lines.clone())], &["toc", "dictionary", "profile"]);
    let b = bench.run("split", source_id, &[("source", json!(source_id)), ("toc", json!(a["toc"]))], &["splits", "parts"]);
    let part = bench.files(&b["parts"]).remove(0);
    let part_id = part.rsplit('/').next().unwrap().rsplit_once('.').unwrap().0.to_owned();
    let attrs = Placement::default().to_attrs();
    let part_toc: Value = projected("toc", "part", &p.bytes(&a["toc"]), &bench.item(&part_id), &attrs);
    let names: Value = projected("dictionary", "names", &p.bytes(&a["dictionary"]), &bench.item(source_id), "");
    p.file("part_toc.json", part_toc.to_string()).file("names.json", names.to_string());
    let inputs = [("lines", lines), ("toc", json!("part_toc.json")), ("profile", json!(a["profile"]))];
    let elements = bench.run("parse", &part_id, &inputs, &["elements"]);
    let c = bench.run("chunk", &part_id, &[("elements", json!(elements["elements"]))], &["chunks", "coverage"]);
    let d = bench.run("enrich", &part_id, &[("chunks", json!(c["chunks"])), ("names", json!("names.json"))], &["enriched"]);
    let (toc, dictionary, enriched) = (json!(a["toc"]), json!(a["dictionary"]), json!(d["enriched"]));
    let inputs = [("toc", toc.clone()), ("dictionary", dictionary.clone()), ("enriched", enriched.clone())];
    let e = bench.run("graph", source_id, &inputs, &["graph"]);
    let inputs = [
        ("toc", toc),
        ("dictionary", dictionary),
        ("coverage", json!(c["coverage"])),
        ("chunks", json!(c["chunks"])),
        ("enriched", enriched),
        ("graph", json!(e["graph"])),
    ];
    let f = bench.run("validate", "", &inputs, &["clean", "cleanup"]);

    for path in [&a, &b, &elements, &c, &d, &e, &f].iter().flat_map(|o| o.values()).filter(|o| o.ends_with(".json")) {
        serde_json::from_slice::<Value>(&p.bytes(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    }
    let clean: Value = serde_json::from_slice(&p.bytes(&f["clean"])).unwrap();
    assert!(!clean.as_array().unwrap().is_empty());
}
