//! Unique keys: no two items have one value. `null` is no value.

use std::collections::HashMap;

use super::items::{self, Found, Pointer};
use super::{Findings, Wrong, excerpt, placed};
use crate::engine::verdict::Verdict;

/// Whether the values at `pointer` of `subject`'s items are all different.
pub(super) fn judge(subject: &str, pointer: &str) -> Verdict {
    let pointer = Pointer::new(pointer);
    // Where each value stands first. Looked up only: its order is nobody's.
    let mut first: HashMap<String, (Option<usize>, Vec<usize>)> = HashMap::new();
    let (mut wrong, mut count) = (Vec::new(), 0);
    let mut found = |found: Found<'_>| {
        let message = match &found.value {
            None => "there is no value, and it must be unique".to_owned(),
            Some(value) if value.is_null() => return,
            Some(value) => {
                let key = value.to_string();
                let Some((item, stars)) = first.get(&key) else {
                    first.insert(key, (found.item, found.stars.to_vec()));
                    return;
                };
                format!("`{}` is not unique: it is also the value at `{}`", excerpt(value), pointer.resolved(*item, stars))
            }
        };
        count += 1;
        Wrong::push(&mut wrong, &found, &pointer, message);
    };
    if let Err(error) = items::values_at(subject, &pointer, &mut found) {
        return Findings::of_one(format!("not JSON: {error}"));
    }
    Verdict { violations: placed(subject, wrong), count }
}
