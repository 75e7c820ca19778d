//! What `graph` draws: the same before a build, while one goes on and after it, but for how things stand.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::asking_why::valid;
use crate::building::{WORDS, words};
use crate::project::{Handshake, Project};

fn standings(graph: &Value, rule: &str) -> Value {
    let node = graph["nodes"].as_array().unwrap().iter().find(|n| n["name"] == rule).unwrap();
    node["actions"].clone()
}

#[track_caller]
fn graph(p: &Project, args: &[&str]) -> Value {
    valid(p.run(&[&["graph", "--format", "json"], args].concat()).ok(), "graph.schema.json")
}

#[test]
fn a_rule_is_one_node_with_the_counts_of_its_actions() {
    let p = words();
    p.build(&[]).ok();
    p.source("a.txt", "1 ash\n2 bee\n3 cow\n");
    let graph = graph(&p, &[]);
    assert_eq!(graph["nodes"].as_array().unwrap().len(), 5);
    assert_eq!(standings(&graph, "text"), json!([{"standing": "run", "count": 1}, {"standing": "up_to_date", "count": 1}]));
    assert_eq!(standings(&graph, "shout"), json!([{"standing": "may", "count": 2}, {"standing": "up_to_date", "count": 1}]));
    let edge =
        json!({"from": "rule:cut", "to": "rule:shout", "kind": "input", "input": "piece", "output": "pieces", "select": null});
    assert!(graph["edges"].as_array().unwrap().contains(&edge), "{graph:#}");
}

#[test]
fn it_is_drawn_before_there_is_a_source_or_a_build_and_nothing_is_written() {
    let p = Project::new(WORDS);
    let empty = graph(&p, &[]);
    assert_eq!(standings(&empty, "text"), json!([]));
    let p = words();
    let before = p.written();
    assert_eq!(standings(&graph(&p, &[]), "text"), json!([{"standing": "run", "count": 2}]));
    for format in ["dot", "mermaid"] {
        let one = p.run(&["graph", "--format", format]);
        assert_eq!(one.ok().stdout, words().run(&["graph", "--format", format]).stdout, "{format}");
    }
    p.wrote_nothing_since(&before);
    assert!(!p.exists("cache") && !p.exists("artifacts"));
}

#[test]
fn it_is_drawn_while_a_build_goes_on() {
    let held = format!("{} grep", Handshake::SHELL);
    let p = Project::new(&WORDS.replacen("grep", &held, 1)).source("a.txt", "1 ash\n");
    let handshake = Handshake::new(&p);
    let running = p.start(&["build"]);
    handshake.wait();
    p.run(&["graph"]).ok().stdout_has("digraph ingest {\n");
    p.run(&["status"]).ok();
    p.run(&["why", "report"]).ok().stdout_has("report");
    handshake.release();
    running.end().ok();
    assert_eq!(standings(&graph(&p, &[]), "report"), json!([{"standing": "up_to_date", "count": 1}]));
}

#[test]
fn a_target_draws_what_leads_to_it_and_passes_are_clusters() {
    let p = Project::of_command_passes();
    let drawn = p.run(&["graph", "passC"]);
    drawn
        .ok()
        .stdout_has("  subgraph cluster_passC {\n    label=\"passC\";\n")
        .stdout_has("\"rule:passB\" -> \"rule:passC\" [label=\"part\"];");
    drawn.stdout_has("\"rule:passA\" -> \"rule:passC\" [label=\"gate: toc\", style=dashed, constraint=false];");
    assert!(!drawn.stdout.contains("passD"), "{}", drawn.stdout);
    p.run(&["graph", "pasC"]).fails(2).stderr_has("did you mean `passC`?");
    let mermaid = p.run(&["graph", "--format", "mermaid"]);
    mermaid.ok().stdout_has("flowchart LR\n").stdout_has("  subgraph passC\n").stdout_has("-.->|\"gate: toc\"|");
}

#[test]
fn graphviz_reads_it_where_it_is_installed() {
    let p = Project::of_command_passes();
    let drawn = p.run(&["graph"]).ok().stdout.clone();
    let Ok(mut dot) = Command::new("dot").arg("-Tplain").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else { return };
    std::io::Write::write_all(&mut dot.stdin.take().unwrap(), drawn.as_bytes()).unwrap();
    let read = dot.wait_with_output().unwrap();
    assert!(read.status.success());
    let nodes = String::from_utf8(read.stdout).unwrap().lines().filter(|l| l.starts_with("node ")).count();
    assert_eq!(nodes, 8, "the sources, `plain` and six passes");
}
