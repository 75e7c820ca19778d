//! Takes what is personal or secret out of text that is kept or shown: e-mail addresses, phone numbers, keys and tokens,
//! names of home folders. What `ingest` itself names (digests, ids, pages, dates) stays whole. Knows nothing of who asks.

use std::borrow::Cow;

use crate::engine::again::Difference;
use crate::engine::observe::{ArtifactRecord, Event, PassedOver, Problem};
use crate::engine::reason::Cause;

mod marks;
mod numbers;
mod patterns;

use patterns::{PATTERNS, Pattern};

/// `text` without what is personal or secret.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut seen = PATTERNS.marks.seen(text);
    let mut text = Cow::Borrowed(text);
    for pattern in &PATTERNS.all {
        let Some(regex) = Some(pattern).filter(|p| seen.has(p.needs)).and_then(Pattern::regex) else { continue };
        if let Cow::Owned(without) = regex.replace_all(&text, pattern.replace) {
            // What one pattern leaves may be what a later one looks for.
            seen = PATTERNS.marks.seen(&without);
            text = Cow::Owned(without);
        }
    }
    text
}

fn owned(text: &str) -> String {
    redact(text).into_owned()
}

/// A problem, its texts redacted.
#[must_use]
pub fn redact_problem(problem: &Problem) -> Problem {
    let mut problem = problem.clone();
    problem.message = owned(&problem.message);
    problem.causes = problem.causes.iter().map(|c| owned(c)).collect();
    problem.hint = problem.hint.as_deref().map(owned);
    for violation in &mut problem.violations {
        violation.message = owned(&violation.message);
        violation.pointer = owned(&violation.pointer);
        violation.place = owned(&violation.place);
    }
    problem
}

fn redact_record(record: &mut ArtifactRecord) {
    record.name = owned(&record.name);
}

/// A file that was passed over, its name redacted.
pub fn redact_passed_over(file: &mut PassedOver) {
    file.path = owned(&file.path);
    file.reason = owned(&file.reason);
}

fn redact_difference(difference: &mut Difference) {
    difference.action.item = owned(&difference.action.item);
    for text in [&mut difference.message, &mut difference.first, &mut difference.second] {
        *text = owned(text);
    }
    for text in [&mut difference.output, &mut difference.pointer, &mut difference.kept] {
        *text = text.as_deref().map(owned);
    }
}

/// A cause, its name and values redacted.
#[must_use]
pub fn redact_cause(cause: &Cause) -> Cause {
    let text = |v: &Option<String>| v.as_deref().map(owned);
    Cause { name: text(&cause.name), old: text(&cause.old), new: text(&cause.new), ..cause.clone() }
}

/// An event, its sentences and all names that come from names of files redacted; rules and digests are left as they are.
#[must_use]
pub fn redact_event(event: &Event) -> Event {
    let mut event = event.clone();
    match &mut event {
        Event::ActionStarted { action, reason, cause } => {
            action.item = owned(&action.item);
            *reason = owned(reason);
            *cause = cause.as_ref().map(redact_cause);
        }
        Event::ActionEnded { action, reason, cause, problem, tool, .. } => {
            *tool = tool.as_deref().map(owned);
            action.item = owned(&action.item);
            *reason = owned(reason);
            *cause = cause.as_ref().map(redact_cause);
            *problem = problem.as_ref().map(redact_problem);
        }
        Event::PassEnded { problem, records, .. } | Event::RuleEnded { problem, records, .. } => {
            records.iter_mut().for_each(redact_record);
            *problem = problem.as_ref().map(redact_problem);
        }
        Event::Published { record, .. } | Event::Adopted { record, .. } => redact_record(record),
        Event::Quarantined { document, .. } => document.reason = owned(&document.reason),
        Event::Removed { path: text, .. } | Event::Warning { message: text } | Event::BuildRestarted { reason: text } => {
            *text = owned(text);
        }
        Event::BuildEnded { problem, .. } => *problem = problem.as_ref().map(redact_problem),
        Event::Differs(difference) => redact_difference(difference),
        Event::BuildStarted { ignored, refused, .. } => ignored.iter_mut().chain(refused).for_each(redact_passed_over),
        Event::PassStarted { .. } | Event::RuleStarted { .. } | Event::Checked(_) => {}
    }
    event
}

#[cfg(test)]
mod tests;
