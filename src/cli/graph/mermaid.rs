//! The build graph as a Mermaid flowchart, which many sites draw inside Markdown. Passes are subgraphs, references of gates
//! are dotted.

use std::collections::BTreeMap;

use super::{EdgeKind, GraphReport, Node, NodeKind, drawn};
use crate::cli::causes::Standing;
use crate::cli::render;
use crate::engine::graph::Pass;

/// Class and look of the nodes that stand like that.
const CLASSES: [(&str, &str); 7] = [
    ("current", "fill:#f0fff0,stroke:#8a8"),
    ("cached", "fill:#add8e6,stroke:#68a"),
    ("run", "fill:#ffd700,stroke:#a80"),
    ("may", "fill:#fffacd,stroke:#aa8"),
    ("failing", "fill:#fa8072,stroke:#a44"),
    ("blocked", "fill:#d3d3d3,stroke:#888"),
    ("out", "fill:#ffffff,stroke:#888"),
];

/// The text of a `flowchart`.
pub fn written(report: &GraphReport) -> String {
    // Names may hold what Mermaid would take for its own, so nodes go by number.
    let numbers: BTreeMap<&str, usize> = report.nodes.iter().enumerate().map(|(ix, n)| (n.id.as_str(), ix)).collect();
    let number = |id: &str| numbers.get(id).copied().unwrap_or_default();
    let mut text = String::from("flowchart LR\n");
    for node in report.nodes.iter().filter(|n| n.pass.is_none()) {
        text.push_str(&format!("  {}\n", line(node, number(&node.id))));
    }
    for pass in Pass::ALL {
        let members: Vec<&Node> = report.nodes.iter().filter(|n| n.pass == Some(pass)).collect();
        if members.is_empty() {
            continue;
        }
        text.push_str(&format!("  subgraph {pass}\n"));
        members.iter().for_each(|n| text.push_str(&format!("    {}\n", line(n, number(&n.id)))));
        text.push_str("  end\n");
    }
    for (edge, label) in drawn(report) {
        let arrow = if edge.kind == EdgeKind::Gate { "-.->" } else { "-->" };
        let label = quoted(&[label]);
        text.push_str(&format!("  n{} {arrow}|{label}| n{}\n", number(&edge.from), number(&edge.to)));
    }
    for (name, look) in CLASSES {
        let is_of = |n: &&Node| n.worst().map(class) == Some(name);
        let members: Vec<String> = report.nodes.iter().filter(is_of).map(|n| format!("n{}", number(&n.id))).collect();
        if !members.is_empty() {
            text.push_str(&format!("  classDef {name} {look}\n  class {} {name}\n", members.join(",")));
        }
    }
    text
}

fn line(node: &Node, number: usize) -> String {
    let (open, close) = match node.kind {
        NodeKind::Sources => ("[(", ")]"),
        NodeKind::File => ("([", "])"),
        NodeKind::Rule => ("[", "]"),
    };
    format!("n{number}{open}{}{close}", quoted(&node.lines()))
}

fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::UpToDate | Standing::Ran | Standing::CameFromCache => "current",
        Standing::FromCache => "cached",
        Standing::Run => "run",
        Standing::May => "may",
        Standing::StillFailing => "failing",
        Standing::Blocked => "blocked",
        Standing::LeftOut => "out",
    }
}

/// Lines as one quoted string, with Mermaid's codes for what it or HTML would take for its own.
fn quoted(lines: &[String]) -> String {
    let code = |c: char| match c {
        '"' | '#' | '<' | '>' | '&' | '`' | '\\' | '|' => format!("#{};", u32::from(c)),
        c => c.to_string(),
    };
    let escaped = lines.iter().map(|l| render::shown(l).chars().map(code).collect::<String>());
    format!("\"{}\"", escaped.collect::<Vec<_>>().join("<br/>"))
}
