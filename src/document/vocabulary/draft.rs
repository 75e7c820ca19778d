//! What several files say, gathered: lists grow, single values are those of the last file that gives one, and `replace` forgets
//! what came before. Every word keeps its place.

use super::syntax::{self, File, Words};
use crate::document::term::{KIND_PATTERN, Kind};
use crate::spanned::{At, Problems};

/// What is larger is printed in digits.
const LARGEST_IN_WORDS: u64 = 1000;

/// A value, the file that gives it, and its place there.
#[derive(Clone, Debug)]
pub(super) struct From<T> {
    pub(super) file: usize,
    pub(super) at: At<T>,
}

pub(super) type Word = From<String>;

/// All files together.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) structure: Structure,
    pub(super) kinds: Vec<KindDraft>,
    pub(super) expressions: Vec<ExpressionDraft>,
    /// Another name, and what it stands for.
    pub(super) synonyms: Vec<(Word, Word)>,
    /// Numbers in words.
    pub(super) numbers: Vec<(Word, u64)>,
    pub(super) references: References,
}

#[derive(Debug, Default)]
pub(super) struct References {
    pub(super) patterns: Vec<Word>,
    pub(super) phrases: Vec<Word>,
    pub(super) books: Vec<Word>,
    pub(super) and: Vec<Word>,
    pub(super) see: Vec<Word>,
    pub(super) eyes: Vec<Word>,
    pub(super) measures: Vec<Word>,
    pub(super) no_titles: Vec<Word>,
    pub(super) chapters: Vec<Word>,
}

#[derive(Debug, Default)]
pub(super) struct Structure {
    pub(super) divisions: Vec<Word>,
    pub(super) contents: Vec<Word>,
    pub(super) index: Vec<Word>,
    pub(super) no_names: Vec<Word>,
    pub(super) collecting: Vec<Word>,
    pub(super) levels: Vec<Word>,
}

#[derive(Debug)]
pub(super) struct KindDraft {
    pub(super) kind: Kind,
    pub(super) headings: Vec<Word>,
    pub(super) entries: Vec<Word>,
    pub(super) tags: Vec<Word>,
    pub(super) fields: Vec<Word>,
    pub(super) min_fields: Option<From<u64>>,
    pub(super) stats: Vec<Word>,
    pub(super) subtitles: Vec<Word>,
    pub(super) names: Option<Word>,
    pub(super) plural: Option<bool>,
    pub(super) called: Vec<Word>,
    pub(super) called_before: Vec<Word>,
    pub(super) near: Vec<Word>,
    pub(super) under: Vec<Word>,
    pub(super) levelled: Option<Word>,
    pub(super) any_heading: Option<From<bool>>,
}

#[derive(Debug)]
pub(super) struct ExpressionDraft {
    pub(super) name: Word,
    pub(super) value: Option<Word>,
    pub(super) written: Option<Word>,
    pub(super) patterns: Vec<Word>,
    pub(super) units: Vec<(Word, Word)>,
    pub(super) adjectives: Vec<Word>,
    pub(super) not_types: Vec<Word>,
}

impl KindDraft {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            headings: Vec::new(),
            entries: Vec::new(),
            tags: Vec::new(),
            fields: Vec::new(),
            min_fields: None,
            stats: Vec::new(),
            subtitles: Vec::new(),
            names: None,
            plural: None,
            called: Vec::new(),
            called_before: Vec::new(),
            near: Vec::new(),
            under: Vec::new(),
            levelled: None,
            any_heading: None,
        }
    }
}

/// A file on its way into the draft.
struct Reader<'p> {
    file: usize,
    problems: &'p mut Problems,
}

impl Draft {
    /// Adds what file number `file` says; what is wrong in it becomes a problem.
    pub(super) fn add(&mut self, file: usize, said: File, problems: &mut Problems) {
        let mut reader = Reader { file, problems };
        if said.version.value != 1 {
            let message = format!("version {} is not known", said.version.value);
            reader.problems.add(&said.version.span, message, "", "this `ingest` reads version 1");
        }
        reader.structure(&mut self.structure, said.structure);
        for (name, kind) in said.kind.0 {
            if let Some(known) = reader.name(&name, "a kind").and_then(|name| Kind::new(&name)) {
                reader.kind(place_of(&mut self.kinds, |k| k.kind == known, || KindDraft::new(known)), kind);
            }
        }
        for (name, expression) in said.expression.0 {
            if reader.name(&name, "an expression").is_some() {
                let name = reader.from(name);
                let empty = || ExpressionDraft {
                    name: name.clone(),
                    value: None,
                    written: None,
                    patterns: Vec::new(),
                    units: Vec::new(),
                    adjectives: Vec::new(),
                    not_types: Vec::new(),
                };
                let draft = place_of(&mut self.expressions, |e| e.name.at.value == name.at.value, empty);
                reader.expression(draft, expression);
            }
        }
        for (other, name) in said.synonyms.0 {
            reader.not_empty(&other);
            reader.not_empty(&name);
            self.synonyms.retain(|(known, _)| known.at.value != other.value);
            self.synonyms.push((reader.from(other), reader.from(name)));
        }
        for (word, number) in said.numbers.0 {
            reader.not_empty(&word);
            if number.value > LARGEST_IN_WORDS {
                let message = format!("`{}` is {}, and no number in words is above {LARGEST_IN_WORDS}", word.value, number.value);
                reader.problems.add(&number.span, message, "", "");
            }
            self.numbers.push((reader.from(word), number.value));
        }
        reader.references(&mut self.references, said.references);
    }
}

/// The one of `all` that is meant, or a new one behind them.
fn place_of<T>(all: &mut Vec<T>, is: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let at = all.iter().position(is).unwrap_or_else(|| {
        all.push(new());
        all.len() - 1
    });
    &mut all[at]
}

fn is_set(replace: Option<&At<bool>>) -> bool {
    replace.is_some_and(|r| r.value)
}

impl Reader<'_> {
    fn from<T>(&self, at: At<T>) -> From<T> {
        From { file: self.file, at }
    }

    fn not_empty(&mut self, word: &At<String>) {
        if word.value.trim().is_empty() {
            self.problems.add(&word.span, "an empty word means nothing", "empty", "");
        }
    }

    /// The name of a kind or an expression.
    fn name(&mut self, name: &At<String>, what: &str) -> Option<String> {
        if Kind::new(&name.value).is_none() {
            let message = format!("`{}` is no name for {what}", name.value.escape_debug());
            let hint = format!("names hold small letters, digits and `_`, begin with a letter and are short: {KIND_PATTERN}");
            self.problems.add(&name.span, message, "", hint);
            return None;
        }
        Some(name.value.clone())
    }

    fn take(&mut self, list: &mut Vec<Word>, words: Words) {
        for word in words.map(|w| w.value).unwrap_or_default() {
            self.not_empty(&word);
            list.push(self.from(word));
        }
    }

    fn structure(&mut self, draft: &mut Structure, said: syntax::Structure) {
        if is_set(said.replace.as_ref()) {
            *draft = Structure::default();
        }
        self.take(&mut draft.divisions, said.divisions);
        self.take(&mut draft.contents, said.contents);
        self.take(&mut draft.index, said.index);
        self.take(&mut draft.no_names, said.no_names);
        self.take(&mut draft.collecting, said.collecting);
        self.take(&mut draft.levels, said.levels);
    }

    fn references(&mut self, draft: &mut References, said: syntax::References) {
        if is_set(said.replace.as_ref()) {
            *draft = References::default();
        }
        self.take(&mut draft.patterns, said.patterns);
        self.take(&mut draft.phrases, said.phrases);
        self.take(&mut draft.books, said.books);
        self.take(&mut draft.and, said.and);
        self.take(&mut draft.see, said.see);
        self.take(&mut draft.eyes, said.eyes);
        self.take(&mut draft.measures, said.measures);
        self.take(&mut draft.no_titles, said.no_titles);
        self.take(&mut draft.chapters, said.chapters);
    }

    fn kind(&mut self, draft: &mut KindDraft, said: syntax::Kind) {
        if is_set(said.replace.as_ref()) {
            *draft = KindDraft::new(draft.kind);
        }
        self.take(&mut draft.headings, said.headings);
        self.take(&mut draft.entries, said.entries);
        self.take(&mut draft.tags, said.tags);
        self.take(&mut draft.fields, said.fields);
        self.take(&mut draft.stats, said.stats);
        self.take(&mut draft.subtitles, said.subtitles);
        self.take(&mut draft.called, said.called);
        self.take(&mut draft.called_before, said.called_before);
        self.take(&mut draft.near, said.near);
        self.take(&mut draft.under, said.under);
        draft.min_fields = said.min_fields.map(|n| self.from(n)).or(draft.min_fields.take());
        draft.names = said.names.map(|n| self.from(n)).or(draft.names.take());
        draft.plural = said.plural.map(|p| p.value).or(draft.plural);
        draft.levelled = said.levelled.map(|l| self.from(l)).or(draft.levelled.take());
        draft.any_heading = said.any_heading.map(|a| self.from(a)).or(draft.any_heading.take());
    }

    fn expression(&mut self, draft: &mut ExpressionDraft, said: syntax::Expression) {
        if is_set(said.replace.as_ref()) {
            (draft.value, draft.written) = (None, None);
            draft.patterns.clear();
            draft.units.clear();
            draft.adjectives.clear();
            draft.not_types.clear();
        }
        draft.value = said.value.map(|v| self.from(v)).or(draft.value.take());
        draft.written = said.name.map(|n| self.from(n)).or(draft.written.take());
        self.take(&mut draft.patterns, said.patterns);
        let units: Vec<_> = said.units.0.into_iter().map(|(printed, unit)| (self.from(printed), self.from(unit))).collect();
        draft.units.extend(units);
        self.take(&mut draft.adjectives, said.adjectives);
        self.take(&mut draft.not_types, said.not_types);
    }
}
