//! References: every value at a pointer occurs in another artifact. `null` refers to nothing.

use std::collections::HashSet;

use super::items::{self, Found, Pointer};
use super::{Findings, Wrong, excerpt, placed};
use crate::engine::verdict::{GateInput, Verdict};

/// Whether each value at `pointer` of `subject`'s items occurs at `target` of `other`'s.
pub(super) fn judge(subject: &str, pointer: &str, other: &GateInput, target: &str) -> Result<Verdict, String> {
    let known = known(other, target)?;
    let pointer = Pointer::new(pointer);
    let (mut wrong, mut count) = (Vec::new(), 0);
    let mut found = |found: Found<'_>| {
        let message = match &found.value {
            None => "there is no value, and it must refer to something".to_owned(),
            Some(value) if value.is_null() || known.contains(&value.to_string()) => return,
            Some(value) => format!("`{}` does not occur at `{target}` in `{}`", excerpt(value), other.name),
        };
        count += 1;
        Wrong::push(&mut wrong, &found, &pointer, message);
    };
    if let Err(error) = items::values_at(subject, &pointer, &mut found) {
        return Ok(Findings::of_one(format!("not JSON: {error}")));
    }
    Ok(Verdict { violations: placed(subject, wrong), count })
}

/// The values that may be referred to. Looked up only: their order is nobody's.
fn known(other: &GateInput, target: &str) -> Result<HashSet<String>, String> {
    let unreadable = |why: String| format!("`{}` cannot be referred to: not JSON: {why}", other.name);
    let text = std::str::from_utf8(&other.bytes).map_err(|error| unreadable(error.to_string()))?;
    let mut known = HashSet::new();
    let mut found = |found: Found<'_>| known.extend(found.value.map(|value| value.to_string()));
    items::values_at(text, &Pointer::new(target), &mut found).map_err(|error| unreadable(error.to_string()))?;
    Ok(known)
}
