//! The comparison for people: a line for each artifact, and below it what differs, source by source and page by page. Of much
//! only the beginning is told, and how much was left out.

use std::collections::BTreeMap;
use std::io;

use super::{Side, Teller};
use crate::cli::console::{Console, Paint};
use crate::cli::render;
use crate::diff::feed::Feed;
use crate::diff::{self, Change, ChangeKind, Compared, Counts, Delta, Pages, State};

/// Differences of each source and artifact that are told.
const CHANGES: usize = 20;
/// Sources of each artifact that are told of.
const SOURCES: usize = 20;
/// Names of a list that are told.
const NAMES: usize = 5;

pub(super) struct Text<'c> {
    console: &'c Console,
    paint: Paint,
    all: bool,
    /// Nothing is printed before the end: that there is such a source is not known yet.
    holds: bool,
    text: String,
    /// What differs in the artifact, by source; last what is of none.
    sources: BTreeMap<(bool, String), Source>,
}

#[derive(Default)]
struct Source {
    only_in: Option<diff::Side>,
    /// By what items are.
    counts: BTreeMap<String, Counts>,
    total: usize,
    /// By page, then as they came.
    lines: Vec<((Option<u64>, usize), String)>,
}

impl<'c> Text<'c> {
    pub(super) fn new(sides: &[Side; 2], console: &'c Console, all: bool, holds: bool) -> Self {
        let paint = console.paint_data();
        let mut text = String::new();
        for (letter, side) in ["A", "B"].iter().zip(sides) {
            let folder = if side.folder == side.shown { String::new() } else { format!(" ({})", render::shown(&side.folder)) };
            text.push_str(&format!("{} {}{folder}\n", paint.bold(letter), render::shown(&side.shown)));
        }
        Self { console, paint, all, holds, text, sources: BTreeMap::new() }
    }

    fn flush(&mut self) {
        self.console.text(&std::mem::take(&mut self.text));
    }

    fn tell_source(&mut self, name: &str, mut source: Source) {
        let paint = self.paint;
        let name = if name.is_empty() { "of no single source".to_owned() } else { render::shown(name).into_owned() };
        let only_in = source.only_in.map(|side| if side == diff::Side::A { "A" } else { "B" });
        self.text.push_str(&format!("  {}", paint.bold(&name)));
        if let Some(side) = only_in {
            self.text.push_str(&format!(", only in {side}: {}", counted(&source.counts)));
        }
        self.text.push('\n');
        if only_in.is_some() && !self.all {
            return;
        }
        source.lines.sort_by_key(|line| line.0);
        let shown = if self.all { source.lines.len() } else { CHANGES.min(source.lines.len()) };
        source.lines[..shown].iter().for_each(|(_, line)| self.text.push_str(&format!("    {line}\n")));
        if source.total > shown {
            self.text.push_str(&format!("    and {} more\n", source.total - shown));
        }
    }
}

impl Teller for Text<'_> {
    fn begin(&mut self, _: &str) -> io::Result<()> {
        self.sources.clear();
        Ok(())
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        let source = self.sources.entry((change.source_id.is_none(), change.source_id.clone().unwrap_or_default())).or_default();
        source.only_in = change.source_only_in;
        source.counts.entry(change.what.clone()).or_default().add(change.change);
        source.total += 1;
        if source.only_in.is_some() && !self.all {
            return Ok(());
        }
        source.lines.push(((change.page(), source.total), line(self.paint, change)));
        if !self.all && source.lines.len() >= 4 * CHANGES {
            source.lines.sort_by_key(|line| line.0);
            source.lines.truncate(CHANGES);
        }
        Ok(())
    }

    fn end(&mut self, artifact: &str, compared: &Compared) -> io::Result<()> {
        let said = match compared.state {
            State::Absent => return Ok(()),
            State::Same => self.paint.dim("same"),
            State::OnlyInA => self.paint.yellow("only in A: B has no such file"),
            State::OnlyInB => self.paint.yellow("only in B: A has no such file"),
            State::Differs if compared.counts.is_empty() => self.paint.yellow("its bytes differ"),
            State::Differs => counted(&compared.counts),
        };
        self.text.push_str(&format!("{}: {said}\n", render::shown(artifact)));
        let sources = std::mem::take(&mut self.sources);
        let (several, shown) = (sources.len(), if self.all { sources.len() } else { SOURCES });
        for ((_, name), source) in sources.into_iter().take(shown) {
            self.tell_source(&name, source);
        }
        if several > shown {
            self.text.push_str(&format!("  and {} more sources\n", several - shown));
        }
        if !self.holds {
            self.flush();
        }
        Ok(())
    }

    fn finish(&mut self, feed: Option<&Feed>, differ: bool, _: &Console) -> io::Result<()> {
        if let Some(feed) = feed.filter(|_| differ) {
            let kept = match feed.same_text.len() {
                0 => String::new(),
                n => format!(" ({n} with the text that it had)"),
            };
            let (upserts, deletions) = (feed.upserts.len(), feed.deletions.len());
            self.text
                .push_str(&format!("vector store, by {}: {upserts} to upsert{kept}, {deletions} to delete\n", feed.artifact));
        }
        self.flush();
        Ok(())
    }
}

/// `sections: 1 added, 2 moved; source: 1 changed`.
fn counted(counts: &BTreeMap<String, Counts>) -> String {
    let told = counts.iter().map(|(what, c)| {
        let all = [
            (c.added, "added"),
            (c.removed, "removed"),
            (c.changed, "changed"),
            (c.replaced, "with another text"),
            (c.moved, "moved"),
            (c.reordered, "in another order"),
        ];
        let said: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        format!("{}: {}", plural(what), said.join(", "))
    });
    told.collect::<Vec<_>>().join("; ")
}

fn plural(what: &str) -> String {
    match what {
        "coverage" | "figures" | "unresolved" => what.to_owned(),
        "fix" => "fixes".to_owned(),
        _ => format!("{what}s"),
    }
}

/// A difference in one line: `~ chunk chunk-12ab… page 12 → 13: You roll… (entities, metadata/boxes)`.
fn line(paint: Paint, change: &Change) -> String {
    let mark = match change.change {
        ChangeKind::Added => paint.green("+"),
        ChangeKind::Removed => paint.red("-"),
        ChangeKind::Changed | ChangeKind::Replaced | ChangeKind::Reordered => paint.yellow("~"),
        ChangeKind::Moved => paint.cyan(">"),
    };
    if change.change == ChangeKind::Reordered {
        return format!("{mark} {} in another order", plural(&change.what));
    }
    let id = match &change.old_id {
        Some(old) => format!("{} → {}", render::shown(old), render::shown(&change.id)),
        None => render::shown(&change.id).into_owned(),
    };
    let place = place(change);
    let name = if let Some(texts) = &change.texts {
        format!(": \"{}\" → \"{}\"", render::shown(&texts.a), render::shown(&texts.b))
    } else if change.name.is_empty() || change.id.contains(&change.name) {
        String::new()
    } else {
        format!(": {}", render::shown(&change.name))
    };
    let fields: Vec<&str> = change.fields.iter().map(|f| f.trim_start_matches('/')).collect();
    let lists = [("entities", &change.entities), ("references", &change.references)];
    let mut details = Vec::new();
    if !fields.is_empty() {
        details.push(render::shown(&fields.join(", ")).into_owned());
    }
    details.extend(lists.iter().filter_map(|(what, delta)| Some(format!("{what} {}", listed(delta.as_ref()?)))));
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join("; ")) };
    format!("{mark} {} {id}{place}{name}{details}", change.what)
}

/// `, page 12 → 13`.
fn place(change: &Change) -> String {
    let said = |pages: Pages| {
        if pages.first == pages.last { pages.first.to_string() } else { format!("{}-{}", pages.first, pages.last) }
    };
    let word = |pages: Pages| if pages.first == pages.last { "page" } else { "pages" };
    match (change.pages_a, change.pages_b) {
        (Some(a), Some(b)) if a != b => format!(", {} {} → {}", word(a), said(a), said(b)),
        (_, Some(only)) | (Some(only), None) => format!(", {} {}", word(only), said(only)),
        (None, None) => change.anchor.as_ref().map_or_else(String::new, |anchor| format!(", #{}", render::shown(anchor))),
    }
}

/// `+spell Fireball, -item Rope`.
fn listed(delta: &Delta) -> String {
    let signed = |sign: &'static str, names: &[String]| names.iter().map(|n| format!("{sign}{}", render::shown(n))).collect();
    let mut all: Vec<String> = signed("+", &delta.gained);
    let lost: Vec<String> = signed("-", &delta.lost);
    all.extend(lost);
    let more = all.len().saturating_sub(NAMES);
    all.truncate(NAMES);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    all.join(", ")
}
