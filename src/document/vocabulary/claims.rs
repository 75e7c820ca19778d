//! What two kinds claim at once: a heading, a tag, a line below a name, the same fields. Nothing would tell their entries apart.

use std::collections::BTreeMap;

use super::draft::{KindDraft, Word};
use crate::document::headings::key::compact;
use crate::spanned::Problems;

/// Words of one sort, by what they are compared by: the kind that claims it first, and where.
struct Claims<'d> {
    /// "collects", as in "the heading `x` collects …".
    says: &'static str,
    taken: BTreeMap<String, (&'d KindDraft, &'d Word)>,
}

/// Tells every word that two of `kinds` claim, where the later one does.
pub(super) fn check(kinds: &[KindDraft], problems: &mut [Problems]) {
    let sorts: [(&str, fn(&KindDraft) -> &[Word], fn(&str) -> String); 4] = [
        ("the heading `{}` collects", |k| &k.headings, compact),
        ("the tag `{}` says", |k| &k.tags, compact),
        ("the line `{}` below a name says", |k| &k.subtitles, compact),
        ("the heading of an entry `{}` says", |k| &k.entries, str::to_owned),
    ];
    for (says, words, key) in sorts {
        let mut claims = Claims { says, taken: BTreeMap::new() };
        for kind in kinds {
            words(kind).iter().for_each(|word| claims.claim(kind, word, key(&word.at.value), problems));
        }
    }
    same_fields(kinds, problems);
    let every: Vec<_> = kinds.iter().filter_map(|k| Some((k, k.any_heading.as_ref().filter(|a| a.at.value)?))).collect();
    if let [(first, _), (second, said), ..] = every[..] {
        let message =
            format!("any other heading names a `{}`, and it names a `{}` already", second.kind.name(), first.kind.name());
        problems[said.file].add(&said.at.span, message, "claimed by two kinds", "one kind has `any_heading = true`");
    }
}

impl<'d> Claims<'d> {
    fn claim(&mut self, kind: &'d KindDraft, word: &'d Word, key: String, problems: &mut [Problems]) {
        match self.taken.get(&key) {
            Some((other, _)) if other.kind == kind.kind => {}
            Some((other, first)) => {
                let place = |word: &Word| (word.file, word.at.span.start);
                let (mut old, mut new) = ((*other, *first), (kind, word));
                if place(old.1) > place(new.1) {
                    std::mem::swap(&mut old, &mut new);
                }
                tell(&self.says.replace("{}", &new.1.at.value), old, new, problems);
            }
            None => {
                self.taken.insert(key, (kind, word));
            }
        }
    }
}

fn tell(says: &str, old: (&KindDraft, &Word), new: (&KindDraft, &Word), problems: &mut [Problems]) {
    let (first, second) = (old.0.kind.name(), new.0.kind.name());
    let place = problems[old.1.file].diagnostic(&old.1.at.span, String::new(), "", None);
    let (line, column) = place.line_column();
    let message = format!("{says} both `{first}` and `{second}`");
    let hint = format!(
        "`{first}` has it in {}:{line}:{column}; take one away, or write `replace = true` into `[kind.{first}]` of this file",
        place.file
    );
    problems[new.1.file].add(&new.1.at.span, message, "claimed by two kinds", hint);
}

/// Two kinds with the same fields: their entries look alike.
fn same_fields(kinds: &[KindDraft], problems: &mut [Problems]) {
    let keys = |k: &KindDraft| {
        let mut keys: Vec<String> = k.fields.iter().map(|w| compact(&w.at.value)).collect();
        keys.sort();
        keys.dedup();
        keys
    };
    for (i, second) in kinds.iter().enumerate() {
        for first in kinds[..i].iter().filter(|first| !first.fields.is_empty() && keys(first) == keys(second)) {
            if let (Some(old), Some(new)) = (first.fields.first(), second.fields.first()) {
                tell("the fields of an entry say", (first, old), (second, new), problems);
            }
        }
    }
}
