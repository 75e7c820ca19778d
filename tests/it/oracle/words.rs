//! What the commands of random build graphs do, as pure functions of words: `ops.awk` in Rust. Knows nothing of rules or items.

use std::collections::BTreeMap;

/// One change of a list of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Upper,
    Sort,
    /// Those with this letter.
    With(char),
    Without(char),
    /// The first few: what follows makes no difference.
    Head(usize),
    /// Each word at its first place only.
    Once,
    /// One word that tells how many there were.
    Count,
    Prefix(char),
    /// One more word: what the variable holds, if the rule declares it.
    Env,
    /// Fails if a word holds the letter.
    Refuse(char),
}

/// The variable that `Op::Env` reads.
pub const VARIABLE: &str = "WORD";

impl Op {
    /// As `ops.awk` reads it.
    pub fn text(&self) -> String {
        match self {
            Self::Upper => "upper".to_owned(),
            Self::Sort => "sort".to_owned(),
            Self::With(letter) => format!("with:{letter}"),
            Self::Without(letter) => format!("without:{letter}"),
            Self::Head(n) => format!("head:{n}"),
            Self::Once => "once".to_owned(),
            Self::Count => "count".to_owned(),
            Self::Prefix(letter) => format!("prefix:{letter}"),
            Self::Env => format!("env:{VARIABLE}"),
            Self::Refuse(letter) => format!("refuse:{letter}"),
        }
    }

    /// `None`: the command fails.
    fn apply(&self, mut words: Vec<String>, variable: &str) -> Option<Vec<String>> {
        match self {
            Self::Upper => words.iter_mut().for_each(|w| *w = w.to_ascii_uppercase()),
            Self::Sort => words.sort(),
            Self::With(letter) => words.retain(|w| w.contains(*letter)),
            Self::Without(letter) => words.retain(|w| !w.contains(*letter)),
            Self::Head(n) => words.truncate(*n),
            Self::Once => {
                let mut seen = std::collections::BTreeSet::new();
                words.retain(|w| seen.insert(w.clone()));
            }
            Self::Count => words = vec![format!("n{}", "i".repeat(words.len()))],
            Self::Prefix(letter) => words.iter_mut().for_each(|w| w.insert(0, *letter)),
            Self::Env if variable.is_empty() => {}
            Self::Env => words.push(variable.to_owned()),
            Self::Refuse(letter) if words.iter().any(|w| w.contains(*letter)) => return None,
            Self::Refuse(_) => {}
        }
        Some(words)
    }
}

/// All ops in turn; `None`: the command fails.
pub fn apply(ops: &[Op], words: Vec<String>, variable: &str) -> Option<Vec<String>> {
    ops.iter().try_fold(words, |words, op| op.apply(words, variable))
}

/// The words of a file: whatever is no letter stands between them.
pub fn words_in(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// As a JSON array of objects.
pub fn json(words: &[String]) -> String {
    let items: Vec<String> = words.iter().map(|w| format!("{{\"_\":\"{w}\"}}")).collect();
    format!("[{}]\n", items.join(",\n"))
}

/// As lines.
pub fn lines(words: &[String], bare: bool) -> String {
    let last = (!bare).then_some("-");
    words.iter().map(String::as_str).chain(last).map(|w| format!("{w}\n")).collect()
}

/// As files by letter.
pub fn split(words: &[String], by_last: bool) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for word in words {
        let letter = if by_last { word.chars().next_back() } else { word.chars().next() };
        let name = format!("{}.txt", letter.map(|c| c.to_ascii_lowercase()).unwrap_or_default());
        files.entry(name).or_default().push_str(&format!("{word}\n"));
    }
    files
}

/// JSON arrays as one: how the engine merges.
pub fn splice<'a>(arrays: impl Iterator<Item = &'a str>) -> String {
    let inner = arrays.map(|a| a.trim().trim_start_matches('[').trim_end_matches(']')).filter(|a| !a.is_empty());
    format!("[{}]", inner.collect::<Vec<_>>().join(",\n"))
}
