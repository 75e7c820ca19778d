//! The build graph in the language of Graphviz. Passes are clusters, references of gates are dashed.

use std::slice;

use super::{EdgeKind, GraphReport, Node, NodeKind, drawn};
use crate::cli::causes::Standing;
use crate::cli::render;
use crate::engine::graph::Pass;

/// The text of a `digraph`.
pub fn written(report: &GraphReport) -> String {
    let mut text = String::from("digraph ingest {\n  rankdir=LR;\n  node [shape=box, style=filled, fillcolor=white];\n");
    for node in report.nodes.iter().filter(|n| n.pass.is_none()) {
        text.push_str(&format!("  {}\n", line(node)));
    }
    for pass in Pass::ALL {
        let members: Vec<&Node> = report.nodes.iter().filter(|n| n.pass == Some(pass)).collect();
        if members.is_empty() {
            continue;
        }
        text.push_str(&format!("  subgraph cluster_{pass} {{\n    label={};\n", quoted(&[pass.to_string()])));
        members.iter().for_each(|n| text.push_str(&format!("    {}\n", line(n))));
        text.push_str("  }\n");
    }
    for (edge, label) in drawn(report) {
        let style = match edge.kind {
            EdgeKind::Gate => ", style=dashed, constraint=false",
            EdgeKind::Range => ", color=gray",
            EdgeKind::Input => "",
        };
        let (from, to) = (quoted(slice::from_ref(&edge.from)), quoted(slice::from_ref(&edge.to)));
        text.push_str(&format!("  {from} -> {to} [label={}{style}];\n", quoted(&[label])));
    }
    text.push_str("}\n");
    text
}

fn line(node: &Node) -> String {
    let shape = match node.kind {
        NodeKind::Sources => ", shape=folder",
        NodeKind::File => ", shape=note",
        NodeKind::Rule => "",
    };
    let colour = node.worst().map_or_else(String::new, |s| format!(", fillcolor={}", colour(s)));
    format!("{} [label={}{shape}{colour}];", quoted(slice::from_ref(&node.id)), quoted(&node.lines()))
}

/// Of the X11 scheme, which every Graphviz knows.
fn colour(standing: Standing) -> &'static str {
    match standing {
        Standing::UpToDate | Standing::Ran | Standing::CameFromCache => "honeydew",
        Standing::FromCache => "lightblue",
        Standing::Run => "gold",
        Standing::May => "lemonchiffon",
        Standing::StillFailing => "salmon",
        Standing::Blocked => "lightgray",
        Standing::LeftOut => "white",
    }
}

/// Lines as one quoted string: `"` and `\` are all that Graphviz would take for its own.
fn quoted(lines: &[String]) -> String {
    let escaped = lines.iter().map(|l| render::shown(l).replace('\\', "\\\\").replace('"', "\\\""));
    format!("\"{}\"", escaped.collect::<Vec<_>>().join("\\n"))
}
