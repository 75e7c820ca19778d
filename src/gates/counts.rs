//! Whether an output is there at all, and how many items it holds.

use super::{Findings, items};
use crate::engine::verdict::Verdict;

/// It is not 0 bytes, and parses if it is JSON. `[]` is present: who wants items says `min_items`.
pub(super) fn present(subject: &[u8], json: bool) -> Verdict {
    if subject.is_empty() {
        return Findings::of_one("the output is 0 bytes".to_owned());
    }
    if !json {
        return Verdict::default();
    }
    match std::str::from_utf8(subject).map(items::count) {
        Ok(Ok(_)) => Verdict::default(),
        Ok(Err(error)) => Findings::of_one(format!("not JSON: {error}")),
        Err(error) => Findings::of_one(format!("not JSON: {error}")),
    }
}

/// It holds at least `least` items.
pub(super) fn min_items(subject: &str, least: u64) -> Verdict {
    match items::count(subject) {
        Ok(count) if count >= least => Verdict::default(),
        Ok(count) => {
            let items = if count == 1 { "1 item".to_owned() } else { format!("{count} items") };
            Findings::of_one(format!("{items}, and the gate asks for at least {least}"))
        }
        Err(error) => Findings::of_one(format!("not JSON: {error}")),
    }
}
