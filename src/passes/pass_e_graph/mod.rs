//! Pass E, built-in `graph`: source, sections, chunks and entities of one book and how they hang together. The graph of the
//! job is the union of those of its books.

pub mod assemble;
pub mod node_ids;
pub mod stats;
pub mod unite;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::builtin::Builtin;
use crate::builtin::Failure;
use crate::builtin::FailureKind;
use crate::builtin::Item;
use crate::builtin::Limits;
use crate::builtin::Merge;
use crate::builtin::Output;
use crate::builtin::OutputPort;
use crate::document::entity::Enriched;
use crate::document::link_graph::LinkGraph;
use crate::document::section::SourceToc;
use crate::document::term::Term;
use crate::document::vocabulary::Vocabulary;
use crate::passes::artifact;
use crate::passes::pass_e_graph::assemble::Assembly;
use crate::passes::pass_e_graph::unite::Union;
use crate::passes::vocabulary;

/// Params of the rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// A graph of one source with more nodes is refused.
    pub max_nodes: u64,
}

impl Default for Params {
    fn default() -> Self {
        // A thousand books of a thousand chunks: far more than one source.
        Self { max_nodes: 1_000_000 }
    }
}

/// What the pass reads: artifacts of one source, pages physical.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    pub toc: &'a [SourceToc],
    pub dictionary: &'a [Term],
    pub enriched: &'a [Enriched],
    /// How chapters and divisions are called, and numbers in words.
    pub vocabulary: &'a Vocabulary,
}

/// What the pass writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    pub graph: LinkGraph,
}

/// The link graph of the given sources (one, in a build).
///
/// # Errors
/// `Limit` where it would have more than `max_nodes` nodes.
pub fn run(inputs: Inputs<'_>, params: &Params) -> Result<Outputs, Failure> {
    let mut union = Union::default();
    for toc in inputs.toc {
        let graph = Assembly::new(toc, inputs.dictionary, inputs.enriched, inputs.vocabulary).graph();
        let nodes = graph.nodes.len() as u64;
        if nodes > params.max_nodes {
            let message =
                format!("the link graph of `{}` has {nodes} nodes, more than max_nodes = {}", toc.path, params.max_nodes);
            return Err(Failure::new(FailureKind::Limit, message));
        }
        if let [_] = inputs.toc {
            return Ok(Outputs { graph });
        }
        graph.nodes.into_iter().for_each(|n| union.add_node(n));
        graph.edges.into_iter().for_each(|e| union.add_edge(e));
        graph.unresolved.into_iter().for_each(|u| union.add_unresolved(u));
    }
    Ok(Outputs { graph: union.into_graph() })
}

/// The built-in rule `graph`.
pub static BUILTIN: Builtin = Builtin {
    name: "graph",
    about: "links sources, sections, chunks and entities, and resolves cross-references",
    inputs: &["toc", "dictionary", "enriched", vocabulary::INPUT],
    outputs: &[OutputPort {
        name: "graph",
        tree: false,
        merge: Merge::Union(&unite::UNION),
        split: None,
        projections: &[],
        count: None,
    }],
    default_params: |_| serde_json::to_value(Params::default()).unwrap_or_default(),
    check_params: |params| artifact::check(params, &Params::default()).map(|_| ()),
    run: run_on_bytes,
    fingerprint: env!("INGEST_FINGERPRINT_GRAPH"),
};

/// What links are made of; the rest is left empty, for a long book has a hundred megabytes of it.
fn linkable(mut item: Enriched) -> Enriched {
    item.entities.retain(|m| m.term_id.is_some() || !assemble::types_of(m).is_empty());
    for mention in &mut item.entities {
        mention.surface = String::new();
        mention.value = mention.value.take().filter(|_| mention.term_id.is_none());
    }
    item.entities.shrink_to_fit();
    if item.references.is_empty() {
        item.text = String::new();
    }
    (item.normalized, item.keywords) = (String::new(), Vec::new());
    (item.metadata.section_path, item.metadata.boxes) = (Vec::new(), Vec::new());
    item
}

fn run_on_bytes(
    _: &Item,
    inputs: &crate::builtin::Inputs,
    params: &Value,
    _: &Limits,
) -> Result<Vec<(&'static str, Output)>, Failure> {
    let (vocabulary, params) = vocabulary::take(inputs, params)?;
    let params: Params = artifact::params(&params)?;
    let toc: Vec<SourceToc> = artifact::decode("toc", &inputs.file("toc")?.bytes)?;
    let dictionary: Vec<Term> = artifact::decode("dictionary", &inputs.file("dictionary")?.bytes)?;
    let mut enriched: Vec<Enriched> = Vec::new();
    artifact::decode_each("enriched", &inputs.file("enriched")?.bytes, |item| enriched.push(linkable(item)))?;
    let outputs = run(Inputs { toc: &toc, dictionary: &dictionary, enriched: &enriched, vocabulary: &vocabulary }, &params)?;
    Ok(vec![("graph", Output::File(artifact::encode(&outputs.graph)?))])
}

#[cfg(test)]
pub(crate) mod tests;
