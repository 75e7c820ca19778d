//! Whether an input of an action changed because a published file was adopted as it was edited by hand, by the records. Adopting
//! itself is the coordinator's.

use super::graph::{From, Graph, RuleId};
use super::manifest::{Change, Field};
use crate::digest::Digest;
use crate::store::records::Adoption;
use crate::store::state::State;

/// The adoption of an artifact that an input of `rule` reads, with the artifact's path and the rule that makes it.
#[must_use]
pub fn of_input<'a>(
    graph: &'a Graph,
    state: &State,
    job_key: &str,
    rule: RuleId,
    input: &str,
) -> Option<(Adoption, &'a str, RuleId)> {
    // Most jobs have none: their inputs are not looked up one by one.
    if state.adoptions.is_empty() {
        return None;
    }
    let input = graph.rule(rule).inputs.iter().find(|i| i.name == input)?;
    let From::Artifact { rule: maker, output, .. } = &input.from else { return None };
    let path = &graph.rule(*maker).outputs[*output].path;
    let adoption = state.adoptions.get(format!("{job_key}\0{path}").as_str())?;
    Some((adoption, path, *maker))
}

/// The path of the adopted artifact whose very bytes an input of `rule` changed to.
#[must_use]
pub fn read<'a>(graph: &'a Graph, state: &State, job_key: &str, rule: RuleId, change: &Change) -> Option<&'a str> {
    let Field::Input(name) = &change.field else { return None };
    let (adoption, path, _) = of_input(graph, state, job_key, rule, name)?;
    let new = change.new.as_ref()?;
    let merged = state.derived.get(&adoption.content).map(|d| d.digest);
    let whole = [Some(adoption.content), Some(adoption.file.digest), merged].into_iter().flatten();
    adoption.pieces.iter().map(|p| p.file.digest).chain(whole).any(|d: Digest| d.to_hex() == *new).then_some(path)
}
