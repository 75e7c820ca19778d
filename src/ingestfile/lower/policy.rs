//! `on_error` and `barrier`: words to what they mean, and whether they go together.

use super::Lowering;
use crate::engine::policy::{Barrier, OnError};
use crate::ingestfile::syntax::{At, Job};
use crate::spanned::meant;

const ON_ERROR: [(&str, OnError); 2] = [("stop", OnError::Stop), ("quarantine", OnError::Quarantine)];
const BARRIER: [(&str, Barrier); 2] = [("pass", Barrier::Pass), ("item", Barrier::Item)];

impl Lowering<'_, '_> {
    /// What `[job]` says of documents that fail, and of documents that wait for each other.
    pub(super) fn policy(&mut self, job: &Job) -> (OnError, Barrier) {
        let on_error = self.choice("on_error", job.on_error.as_ref(), &ON_ERROR);
        let barrier = self.choice("barrier", job.barrier.as_ref(), &BARRIER);
        if let (Some(OnError::Stop), Some(Barrier::Item), Some(at)) = (on_error, barrier, &job.barrier) {
            let message = "`barrier = \"item\"` does not go with `on_error = \"stop\"`";
            let label = "documents would be in later passes when one of them stops the build";
            self.problems.add(&at.span, message, label, "add `on_error = \"quarantine\"` to `[job]`");
        }
        (on_error.unwrap_or_default(), barrier.unwrap_or_default())
    }

    /// The meaning of a word; `None` if it is unknown, which is reported.
    fn choice<T: Copy + Default>(&mut self, key: &str, word: Option<&At<String>>, known: &[(&str, T)]) -> Option<T> {
        let Some(word) = word else { return Some(T::default()) };
        let found = known.iter().find(|(name, _)| *name == word.value).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let message = format!("`{}` is no value of `{key}`", word.value);
            self.problems.add(&word.span, message, "not known", meant(&word.value, known.iter().map(|(name, _)| *name)));
        }
        found
    }
}
