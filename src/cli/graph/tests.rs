use super::*;
use crate::ingestfile;

const INGESTFILE: &str = r#"
version = 1
[job]
sources = "in"
include = ["**/*.txt"]
[rule.cut]
each = "source"
inputs = { source = "source" }
command = '''echo "a\b" {source} > {parts}'''
files = ["cut.awk"]
outputs = { parts = "parts/" }
[rule.passC]
each = "cut.parts"
inputs = { part = "part", words = { file = "words.toml" } }
command = ["chunk", "{part}", "{words}", "{chunks}"]
outputs = { chunks = "c.json" }
[rule.passD]
each = "cut.parts"
inputs = { chunks = "passC.chunks" }
command = "enrich {chunks} {enriched}"
outputs = { enriched = "d.json" }
gate = { enriched = { refs = [["/id", "passC.chunks", "/id"]] } }
"#;

fn lab() -> GraphReport {
    let graph = ingestfile::load("Ingestfile.toml", INGESTFILE, &[]).unwrap().graph;
    let shown: Vec<RuleId> = rule_ids(&graph).collect();
    let one = |standing, count| Standings { standing, count };
    let standing = |id: RuleId| match graph.rule(id).name.as_str() {
        "cut" => vec![one(Standing::Run, 1), one(Standing::UpToDate, 2)],
        _ => vec![one(Standing::May, 3)],
    };
    drawing(&graph, &shown, "in", 3, &standing)
}

#[test]
fn a_rule_is_one_node_a_pass_a_cluster_and_a_gates_reference_dashed() {
    insta::assert_snapshot!(dot::written(&lab()), @r##"
    digraph ingest {
      rankdir=LR;
      node [shape=box, style=filled, fillcolor=white];
      "sources" [label="in\n3 sources", shape=folder];
      "file:cut.awk" [label="cut.awk", shape=note];
      "file:words.toml" [label="words.toml", shape=note];
      "rule:cut" [label="cut\necho \"a\\b\" {source} > {parts}, each source\n1 would run\n2 up to date", fillcolor=gold];
      subgraph cluster_passC {
        label="passC";
        "rule:passC" [label="passC\nchunk {part} {words} {chunks}, each cut.parts\n3 may run", fillcolor=lemonchiffon];
      }
      subgraph cluster_passD {
        label="passD";
        "rule:passD" [label="passD\nenrich {chunks} {enriched}, each cut.parts\n3 may run", fillcolor=lemonchiffon];
      }
      "sources" -> "rule:cut" [label="source"];
      "file:cut.awk" -> "rule:cut" [label="files"];
      "rule:cut" -> "rule:passC" [label="part"];
      "file:words.toml" -> "rule:passC" [label="words"];
      "rule:passC" -> "rule:passD" [label="chunks"];
      "rule:cut" -> "rule:passD" [label="each", color=gray];
      "rule:passC" -> "rule:passD" [label="gate: chunks", style=dashed, constraint=false];
    }
    "##);
}

#[test]
fn mermaid_tells_the_same() {
    insta::assert_snapshot!(mermaid::written(&lab()), @r##"
    flowchart LR
      n0[("in<br/>3 sources")]
      n1(["cut.awk"])
      n2(["words.toml"])
      n3["cut<br/>echo #34;a#92;b#34; {source} #62; {parts}, each source<br/>1 would run<br/>2 up to date"]
      subgraph passC
        n4["passC<br/>chunk {part} {words} {chunks}, each cut.parts<br/>3 may run"]
      end
      subgraph passD
        n5["passD<br/>enrich {chunks} {enriched}, each cut.parts<br/>3 may run"]
      end
      n0 -->|"source"| n3
      n1 -->|"files"| n3
      n3 -->|"part"| n4
      n2 -->|"words"| n4
      n4 -->|"chunks"| n5
      n3 -->|"each"| n5
      n4 -.->|"gate: chunks"| n5
      classDef run fill:#ffd700,stroke:#a80
      class n3 run
      classDef may fill:#fffacd,stroke:#aa8
      class n4,n5 may
    "##);
}

#[test]
fn no_name_can_leave_its_quotes() {
    let mut report = lab();
    report.nodes[0].name = "a\"b\\c\n#<d>`|\u{202e}".to_owned();
    let label = "a\\\"b\\\\c\\\\n#<d>`|\\\\u{202e}\\n3 sources";
    assert!(dot::written(&report).contains(&format!("[label=\"{label}\"")), "{}", dot::written(&report));
    let label = "a#34;b#92;c#92;n#35;#60;d#62;#96;#124;#92;u{202e}<br/>3 sources";
    assert!(mermaid::written(&report).contains(&format!("n0[(\"{label}\")]")), "{}", mermaid::written(&report));
}

#[test]
fn the_committed_schema_is_the_one_of_the_types() {
    crate::job::log::assert_committed("schemas/graph.schema.json", &schemars::schema_for!(GraphReport).to_value());
}
