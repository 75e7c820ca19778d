//! Turns outcomes and problems into lines for people. Pure: text in, text out; `console` prints it.

use std::borrow::Cow;
use std::time::Duration;

use super::console::Paint;
use crate::engine::again::{Checked, Difference};
use crate::engine::observe::{ArtifactRecord, Counts, Outcome, Problem, Quarantined, Status};
use crate::job::redact::redact;
use crate::unseen::is_unseen;

/// What is known when a build is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildEnd {
    pub counts: Counts,
    /// Passes that are FAILED, also those whose actions all succeeded (no chunk at all, a rejected merge).
    pub failed_passes: u64,
    /// Rules of no pass that failed as a whole (a rejected merge, two items of one name).
    pub failed_rules: u64,
    /// Passes that are SKIPPED: wanted, and blocked.
    pub skipped_passes: u64,
    /// Files that a pattern takes and that cannot be sources.
    pub refused_files: u64,
    /// Documents that are set aside: if nothing else went wrong, what failed is one of them.
    pub quarantined: u64,
    /// Whether anything was run, published or recorded.
    pub did_something: bool,
    pub interrupted: bool,
    /// What came of doing everything twice, if that was asked for.
    pub checked: Option<Checked>,
    pub elapsed: Duration,
}

/// The last line of a build.
#[must_use]
pub fn outcome(end: &BuildEnd) -> String {
    let checked = end.checked.map_or_else(String::new, |checked| format!("; {}", twice(&checked)));
    format!("{}{checked}", of_build(end))
}

/// What came of doing everything twice: `152 actions run twice, all the same`.
fn twice(checked: &Checked) -> String {
    let what = match (checked.actions, checked.derivations) {
        (0, 0) => return "nothing that could be run twice".to_owned(),
        (actions, _) => format!("{} run twice", number(actions, "action", "actions")),
    };
    let differ = if checked.differ == 1 { "1 differs".to_owned() } else { format!("{} differ", checked.differ) };
    match (checked.differ, checked.open) {
        (0, 0) => format!("{what}, all the same"),
        (0, open) => format!("{what}, {open} not compared"),
        (_, 0) => format!("{what}, {differ}"),
        (_, open) => format!("{what}, {differ}, {open} not compared"),
    }
}

/// What came out in two ways, and where both versions are.
#[must_use]
pub fn difference(paint: Paint, difference: &Difference) -> String {
    let kept = difference.kept.iter().map(|folder| format!("both are kept in `{folder}`; what is published was not touched"));
    let told = Problem { message: difference.message.clone(), causes: kept.collect(), ..Problem::default() };
    problem(paint, &action_name(&difference.action.rule, &difference.action.item), &told)
}

/// What to do about differences: told once, after all of them.
#[must_use]
pub fn about_differences(paint: Paint) -> String {
    format!(
        "{} the same inputs must give the same bytes: look for clocks, random numbers, process ids, names of folders, orders of files",
        paint.cyan("hint:")
    )
}

fn of_build(end: &BuildEnd) -> String {
    let c = &end.counts;
    let done = counted(&[(c.ran, "ran"), (c.from_cache, "from cache"), (c.removed, "removed"), (c.up_to_date, "up to date")]);
    let not_done = counted(&[(c.failed, "failed"), (c.rejected, "rejected"), (c.blocked, "not built")]);
    let refused = number(end.refused_files, "file", "files");
    let refused = if end.refused_files > 0 { format!("; {refused} refused") } else { String::new() };
    let set_aside = match end.quarantined {
        0 => refused,
        n => format!("{refused}; {} quarantined", number(n, "document", "documents")),
    };
    let only_documents = end.quarantined > 0 && c.blocked + end.failed_passes + end.failed_rules + end.skipped_passes == 0;
    let said = if end.interrupted {
        return format!("ingest: interrupted{}", [done, not_done].concat().iter().map(|s| format!(", {s}")).collect::<String>());
    } else if !not_done.is_empty() && !only_documents {
        return format!("ingest: {}", not_done.join(", "));
    } else if end.failed_passes > 0 {
        return format!("ingest: {} failed", number(end.failed_passes, "pass", "passes"));
    } else if end.failed_rules > 0 {
        return format!("ingest: {} failed", number(end.failed_rules, "rule", "rules"));
    } else if end.skipped_passes > 0 {
        return format!("ingest: {} not built", number(end.skipped_passes, "pass", "passes"));
    } else if !end.did_something && c.ran + c.from_cache + c.published + c.removed == 0 {
        return format!("ingest: nothing to do{set_aside}");
    } else if c.ran + c.from_cache == 0 && c.published > 0 {
        // Files put back, or merged anew from what is there.
        [counted(&[(c.published, "published")]), done].concat()
    } else {
        done
    };
    let said = if said.is_empty() { "nothing was built".to_owned() } else { said.join(", ") };
    format!("ingest: {said}{set_aside} ({} s)", seconds(end.elapsed))
}

/// The last line of a dry run; `judged` files would be judged again as a whole.
#[must_use]
pub fn dry_outcome(counts: &Counts, judged: u64, quarantined: u64) -> String {
    let c = counts;
    let said = counted(&[
        (c.ran, "would run"),
        (c.from_cache, "would come from the cache"),
        (c.published, "would be published"),
        (c.removed, "would be removed"),
        (judged, "would be judged again"),
        (c.failed, "failed before"),
        (c.rejected, "would be rejected"),
        (c.blocked, "blocked"),
        (c.up_to_date, "up to date"),
    ]);
    let idle = judged + c.ran + c.from_cache + c.published + c.removed + c.failed + c.rejected + c.blocked == 0;
    let said = if idle { "nothing to do".to_owned() } else { said.join(", ") };
    match quarantined {
        0 => format!("ingest: {said}"),
        n => format!("ingest: {said}; {} quarantined", number(n, "document", "documents")),
    }
}

/// The end of a pass in one line: `passA SUCCESS: 4 ran, 2 from cache (0.42 s)`.
#[must_use]
pub fn pass_end(paint: Paint, name: &str, status: Status, counts: &Counts, elapsed: Duration) -> String {
    let c = counts;
    let all = counted(&[
        (c.ran, "ran"),
        (c.from_cache, "from cache"),
        (c.up_to_date, "up to date"),
        (c.failed, "failed"),
        (c.rejected, "rejected"),
        (c.blocked, "not built"),
        (c.removed, "removed"),
    ]);
    let status = match status {
        Status::Success => paint.green("SUCCESS"),
        Status::Failed => paint.red("FAILED"),
        Status::Skipped => return format!("{} {}", shown(name), paint.yellow("SKIPPED")),
        Status::Pending => paint.dim("PENDING"),
    };
    let counts = if all.is_empty() { String::new() } else { format!(": {}", all.join(", ")) };
    format!("{} {status}{counts} ({} s)", shown(name), seconds(elapsed))
}

/// `what`, with the message and the first cause of `problem` behind it.
#[must_use]
pub fn because(what: &str, problem: &Problem) -> String {
    let cause = problem.causes.first().map_or_else(String::new, |c| format!(": {}", line(c)));
    format!("{what}: {}{cause}", line(&problem.message))
}

/// An action in one line: `passC core-rulebook/part-… ran (12 ms): max_chars was 600, is 800`.
#[must_use]
pub fn action(rule: &str, item: &str, outcome: Outcome, millis: u64, reason: &str) -> String {
    let did = match outcome {
        Outcome::UpToDate => "up to date".to_owned(),
        Outcome::FromCache => "from cache".to_owned(),
        Outcome::Ran => format!("ran ({millis} ms)"),
        Outcome::Failed => "failed".to_owned(),
        Outcome::Rejected => "rejected".to_owned(),
        Outcome::Blocked => "not built".to_owned(),
        Outcome::LeftOut => "left out".to_owned(),
        Outcome::Interrupted => "interrupted".to_owned(),
    };
    let reason = if reason.is_empty() { String::new() } else { format!(": {}", line(reason)) };
    format!("{} {did}{reason}", action_name(rule, item))
}

/// Rule and item: `passC core-rulebook/part-…`.
#[must_use]
pub fn action_name(rule: &str, item: &str) -> String {
    if item.is_empty() { shown(rule).into_owned() } else { format!("{} {}", shown(rule), shown(item)) }
}

/// What was passed over, to be said behind the number of sources: `, 1 refused, 2 ignored`, or "".
#[must_use]
pub fn passed_over(refused: u64, ignored: u64) -> String {
    counted(&[(refused, "refused"), (ignored, "ignored")]).iter().map(|s| format!(", {s}")).collect()
}

/// A published artifact in one line.
#[must_use]
pub fn published(record: &ArtifactRecord) -> String {
    format!("published {} ({}, {} bytes)", shown(&record.name), number(record.items, "item", "items"), record.bytes)
}

/// A document that fell out, in one line: `quarantined in passC: books-core.pdf: …`.
#[must_use]
pub fn quarantined(paint: Paint, of: &str, document: &Quarantined) -> String {
    let (of, id) = (shown(of), shown(&document.source_id));
    format!("{} in {of}: {id}: {}", paint.yellow("quarantined"), line(&document.reason))
}

/// An adopted artifact in one line.
#[must_use]
pub fn adopted(record: &ArtifactRecord) -> String {
    format!(
        "adopted {} as edited by hand ({}, {} bytes)",
        shown(&record.name),
        number(record.items, "item", "items"),
        record.bytes
    )
}

/// A warning in one line.
#[must_use]
pub fn warning(paint: Paint, message: &str) -> String {
    format!("{} {}", paint.yellow("warning:"), line(message))
}

/// An error: what, its causes indented, what a gate found, and the way out. `subject` says of what, or is empty.
#[must_use]
pub fn problem(paint: Paint, subject: &str, problem: &Problem) -> String {
    let subject = if subject.is_empty() { String::new() } else { format!("{subject}: ") };
    let (message, said) = with_said(&problem.message);
    let mut text = format!("{} {subject}{}", paint.red("error:"), line(message));
    // A secret may go over several lines.
    redact(said).lines().for_each(|said| text.push_str(&format!("\n  {}", shown(said))));
    for violation in &problem.violations {
        let pointer = if violation.pointer.is_empty() { "(whole)" } else { &violation.pointer };
        let place = if violation.place.is_empty() { String::new() } else { format!(" ({})", shown(&violation.place)) };
        text.push_str(&format!("\n  {}: {}{place}", paint.bold(&shown(pointer)), line(&violation.message)));
    }
    let told = u64::try_from(problem.violations.len()).unwrap_or(u64::MAX);
    if problem.violation_count > told {
        text.push_str(&format!("\n  and {} more", problem.violation_count - told));
    }
    for (depth, cause) in problem.causes.iter().enumerate() {
        text.push_str(&format!("\n{}{}", "  ".repeat(depth + 1), line(cause)));
    }
    if let Some(hint) = &problem.hint {
        text.push_str(&format!("\n{} {}", paint.cyan("hint:"), line(hint)));
    }
    text
}

/// A message, and what a program said that it tells of: that has lines of its own, and names of files have none.
pub fn with_said(message: &str) -> (&str, &str) {
    let said = message.find(SAID).map_or(message.len(), |at| at + SAID.len());
    (message[..said].trim_end(), &message[said..])
}

/// How what a program said begins in a message.
const SAID: &str = " said:\n";

/// Text of others in one line: secrets taken out, control characters shown.
fn line(text: &str) -> String {
    shown(&redact(text)).into_owned()
}

/// `text` with what a terminal would obey made visible: control characters and line breaks, marks that turn the direction
/// of writing, and marks without width that make two names look alike.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let visible = |c: char| match c {
        '\n' | '\r' | '\t' => c.escape_default().to_string(),
        c if is_unseen(c) => c.escape_unicode().to_string(),
        c => c.to_string(),
    };
    Cow::Owned(text.chars().map(visible).collect())
}

/// Those that are not 0, each with its word.
fn counted(counts: &[(u64, &str)]) -> Vec<String> {
    counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect()
}

/// `1 item`, `2 items`.
#[must_use]
pub fn number(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Bytes as people read them: `1.5 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).to_string()
}

/// Seconds as people read them: two decimals below ten, one below a hundred.
#[must_use]
pub fn seconds(elapsed: Duration) -> String {
    let s = elapsed.as_secs_f64();
    let decimals = if s < 10.0 { 2 } else { usize::from(s < 100.0) };
    format!("{s:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::verdict::Violation;

    fn last(counts: Counts) -> String {
        outcome(&BuildEnd { counts, elapsed: Duration::from_millis(420), ..BuildEnd::default() })
    }

    #[test]
    fn the_last_line_states_the_outcome() {
        let none = Counts::default();
        assert_eq!(last(none), "ingest: nothing to do");
        assert_eq!(last(Counts { up_to_date: 11, ..none }), "ingest: nothing to do");
        let done = Counts { ran: 4, from_cache: 2, up_to_date: 11, published: 3, ..none };
        assert_eq!(last(done), "ingest: 4 ran, 2 from cache, 11 up to date (0.42 s)");
        let failed = Counts { ran: 2, rejected: 1, blocked: 3, ..none };
        assert_eq!(last(failed), "ingest: 1 rejected, 3 not built");
        assert_eq!(last(Counts { failed: 1, ..none }), "ingest: 1 failed");
        assert_eq!(last(Counts { published: 1, up_to_date: 5, ..none }), "ingest: 1 published, 5 up to date (0.42 s)");
        assert_eq!(last(Counts { removed: 1, ..none }), "ingest: 1 removed (0.42 s)");
    }

    #[test]
    fn what_was_done_twice_is_told_last() {
        let end = |checked| outcome(&BuildEnd { checked: Some(checked), ..BuildEnd::default() });
        let none = Checked::default();
        let all = Checked { actions: 152, derivations: 9, ..none };
        assert_eq!(end(all), "ingest: nothing to do; 152 actions run twice, all the same");
        assert_eq!(end(Checked { differ: 1, ..all }), "ingest: nothing to do; 152 actions run twice, 1 differs");
        let both = Checked { actions: 1, differ: 2, open: 1, ..none };
        assert_eq!(end(both), "ingest: nothing to do; 1 action run twice, 2 differ, 1 not compared");
        assert_eq!(end(none), "ingest: nothing to do; nothing that could be run twice");
    }

    #[test]
    fn a_build_that_failed_or_was_cut_short_never_reads_as_done() {
        let counts = Counts { ran: 4, blocked: 3, ..Counts::default() };
        assert_eq!(
            outcome(&BuildEnd { counts, interrupted: true, ..BuildEnd::default() }),
            "ingest: interrupted, 4 ran, 3 not built"
        );
        let counts = Counts { ran: 4, ..Counts::default() };
        assert_eq!(outcome(&BuildEnd { counts, failed_passes: 1, ..BuildEnd::default() }), "ingest: 1 pass failed");
        assert_eq!(outcome(&BuildEnd { skipped_passes: 2, ..BuildEnd::default() }), "ingest: 2 passes not built");
        assert_eq!(outcome(&BuildEnd { refused_files: 1, ..BuildEnd::default() }), "ingest: nothing to do; 1 file refused");
        let recorded =
            BuildEnd { counts: Counts { up_to_date: 3, ..Counts::default() }, did_something: true, ..BuildEnd::default() };
        assert_eq!(outcome(&recorded), "ingest: 3 up to date (0.00 s)");
        assert_eq!(outcome(&BuildEnd { interrupted: true, ..BuildEnd::default() }), "ingest: interrupted");
    }

    #[test]
    fn documents_that_are_set_aside_are_told_beside_what_was_done() {
        let end = |counts, quarantined| BuildEnd { counts, quarantined, did_something: true, ..BuildEnd::default() };
        let counts = Counts { ran: 4, failed: 1, up_to_date: 2, ..Counts::default() };
        assert_eq!(outcome(&end(counts, 1)), "ingest: 4 ran, 2 up to date; 1 document quarantined (0.00 s)");
        let idle = BuildEnd { quarantined: 2, counts: Counts { rejected: 2, ..Counts::default() }, ..BuildEnd::default() };
        assert_eq!(outcome(&idle), "ingest: nothing to do; 2 documents quarantined");
        let failed = BuildEnd { failed_passes: 1, ..end(counts, 1) };
        assert_eq!(outcome(&failed), "ingest: 1 failed", "a pass that fails is told first");
    }

    #[test]
    fn a_dry_run_says_what_would_be() {
        assert_eq!(dry_outcome(&Counts { up_to_date: 3, ..Counts::default() }, 0, 0), "ingest: nothing to do");
        let counts = Counts { ran: 4, up_to_date: 3, ..Counts::default() };
        assert_eq!(dry_outcome(&counts, 0, 0), "ingest: 4 would run, 3 up to date");
        assert_eq!(dry_outcome(&Counts::default(), 1, 0), "ingest: 1 would be judged again");
        assert_eq!(dry_outcome(&Counts::default(), 0, 1), "ingest: nothing to do; 1 document quarantined");
    }

    #[test]
    fn a_problem_is_told_from_what_to_the_way_out() {
        let violation = |pointer: &str, place: &str| Violation {
            pointer: pointer.to_owned(),
            message: "`text` is a required property".to_owned(),
            place: place.to_owned(),
        };
        let told = Problem {
            message: "rejected by schemas/passC_chunks.schema.json".to_owned(),
            causes: vec!["outer".to_owned(), "inner".to_owned()],
            violations: vec![violation("/0/text", "chunk-12ab, page 7"), violation("", "")],
            violation_count: 5,
            hint: Some("mend the schema".to_owned()),
        };
        insta::assert_snapshot!(problem(Paint(false), "passC core", &told), @r"
        error: passC core: rejected by schemas/passC_chunks.schema.json
          /0/text: `text` is a required property (chunk-12ab, page 7)
          (whole): `text` is a required property
          and 3 more
          outer
            inner
        hint: mend the schema
        ");
        assert!(problem(Paint(true), "", &Problem::default()).starts_with("\x1b[1;31merror:\x1b[0m "));
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(shown("Größe 本.pdf"), "Größe 本.pdf");
        assert_eq!(shown("a\x1b[31m\n\u{202e}fdp.exe\u{9b}"), r"a\u{1b}[31m\n\u{202e}fdp.exe\u{9b}");
        assert_eq!(warning(Paint(false), "a\nb by gm@example.org"), r"warning: a\nb by [e-mail]");
    }

    #[test]
    fn times_keep_three_digits_at_most() {
        let shown = [0.0, 0.42, 9.99, 12.34, 240.6].map(|s| seconds(Duration::from_secs_f64(s)));
        assert_eq!(shown, ["0.00", "0.42", "9.99", "12.3", "241"]);
    }
}
