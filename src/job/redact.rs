//! Takes what is personal or secret out of text that is kept or shown: e-mail addresses, phone numbers, keys and tokens,
//! names of home folders. What `ingest` itself names (digests, ids, pages, dates) stays whole. Knows nothing of who asks.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::engine::observe::{Event, Problem};
use crate::engine::reason::Cause;

/// What stands in place of a key, token or password.
const SECRET: &str = "[secret]";

/// What becomes of a match.
type Replace = fn(&Captures<'_>) -> String;

struct Pattern {
    regex: Regex,
    replace: Replace,
}

/// In this order: a token may hold an `@`, an address may hold a number.
static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let table: [(&str, Replace); 9] = [
        // Authorization: Bearer abc…
        (r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{12,}", |c| format!("{} {SECRET}", &c[1])),
        // A JSON Web Token: base64 of `{"` is `eyJ`.
        (r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)?", secret),
        // Prefixes that services give their keys so that they can be found.
        (
            r"\b(sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{16,}|(AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}|xox[abeprs]-[\w-]{10,})",
            secret,
        ),
        // scheme://user:password@host
        (r"://[^/\s:@]+:[^/\s@]+@", |_| format!("://{SECRET}@")),
        // password=…, api_key: "…"
        (
            r#"(?i)((?:[a-z0-9]+[_-])*(?:key|token|secret|password|passwd|pwd))(["']?\s*[=:]\s*["']?)([^\s"'`&,;)\]}]+)"#,
            assignment,
        ),
        (r"[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)*\.\p{L}{2,}", |_| "[e-mail]".to_owned()),
        (r"(^|[^\w+])(\+\d[\d ().-]{7,20}\d)\b", international),
        // (555) 123-4567, 555-123-4567, 555.123.4567; spaces alone would also be page numbers.
        (r"(^|[^\w.-])(\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4})($|[^\w-])", |c| {
            format!("{}[phone]{}", &c[1], &c[3])
        }),
        (
            r#"(?i)(^|[^\w.-])(?:(?:/var|/export)?/home/[^/\s"'`:]+|/users/[^/\s"'`:]+|[a-z]:[\\/]{1,2}users[\\/]{1,2}(?:[^\\/:"'`\n]+(\\)|[^\\/\s"'`]+))"#,
            |c| format!("{}~{}", &c[1], c.get(2).map_or("", |m| m.as_str())),
        ),
    ];
    // The patterns are constants and the tests use them all: each one compiles.
    let pattern = |(regex, replace): (&str, _)| Regex::new(regex).ok().map(|regex| Pattern { regex, replace });
    table.into_iter().filter_map(pattern).collect()
});

fn secret(_: &Captures<'_>) -> String {
    SECRET.to_owned()
}

/// A value that follows a telling name. Behind `:` it must look like one, for sentences have colons too; a plain `key` may
/// be followed by an action key of ours, which is a digest.
fn assignment(c: &Captures<'_>) -> String {
    let (name, sign, value) = (&c[1], &c[2], &c[3]);
    let has_digit = value.contains(|c: char| c.is_ascii_digit());
    let is_digest = value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
    let ours = is_digest && name.eq_ignore_ascii_case("key");
    let looks_secret = if sign.contains('=') { value.len() >= 4 } else { value.len() >= 12 && has_digit };
    if looks_secret && !ours { format!("{name}{sign}{SECRET}") } else { c[0].to_owned() }
}

/// E.164 allows fifteen digits; fewer than nine are more likely dice or a score.
fn international(c: &Captures<'_>) -> String {
    let digits = c[2].bytes().filter(u8::is_ascii_digit).count();
    if (9..=15).contains(&digits) { format!("{}[phone]", &c[1]) } else { c[0].to_owned() }
}

/// `text` without what is personal or secret.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for pattern in PATTERNS.iter() {
        if pattern.regex.is_match(&text) {
            text = Cow::Owned(pattern.regex.replace_all(&text, pattern.replace).into_owned());
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
    }
    problem
}

/// A cause, its values redacted.
#[must_use]
pub fn redact_cause(cause: &Cause) -> Cause {
    let value = |v: &Option<String>| v.as_deref().map(owned);
    Cause { old: value(&cause.old), new: value(&cause.new), ..cause.clone() }
}

/// An event, its sentences redacted; names, ids and digests are left as they are.
#[must_use]
pub fn redact_event(event: &Event) -> Event {
    let mut event = event.clone();
    match &mut event {
        Event::ActionStarted { reason, cause, .. } => {
            *reason = owned(reason);
            *cause = cause.as_ref().map(redact_cause);
        }
        Event::ActionEnded { reason, cause, problem, .. } => {
            *reason = owned(reason);
            *cause = cause.as_ref().map(redact_cause);
            *problem = problem.as_ref().map(redact_problem);
        }
        Event::PassEnded { problem, .. } | Event::RuleEnded { problem, .. } => *problem = problem.as_ref().map(redact_problem),
        Event::Quarantined { document, .. } => document.reason = owned(&document.reason),
        Event::Warning { message } => *message = owned(message),
        Event::BuildStarted { .. } | Event::PassStarted { .. } | Event::Published { .. } | Event::BuildEnded { .. } => {}
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(pairs: &[(&str, &str)]) {
        for (text, expected) in pairs {
            assert_eq!(redact(text), *expected, "{text}");
        }
    }

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(PATTERNS.len(), 9);
    }

    #[test]
    fn addresses_are_taken_out() {
        becomes(&[
            ("write to jane.doe+gm@mail.example.org now", "write to [e-mail] now"),
            ("<gm@example.org>", "<[e-mail]>"),
            ("jörg@müller.de", "[e-mail]"),
            ("a @ b", "a @ b"),
        ]);
    }

    #[test]
    fn phone_numbers_are_taken_out() {
        becomes(&[
            ("call (555) 123-4567.", "call [phone]."),
            ("555-123-4567", "[phone]"),
            ("+49 (0)30 1234-5678", "[phone]"),
            ("tel +15551234567, fax", "tel [phone], fax"),
        ]);
    }

    #[test]
    fn keys_and_tokens_are_taken_out() {
        becomes(&[
            ("Authorization: Bearer abcdef1234567890", "Authorization: Bearer [secret]"),
            ("sk-proj-abcdefghijklmnop0123", "[secret]"),
            ("ghp_0123456789abcdefghij0123456789abcdef", "[secret]"),
            ("AKIAIOSFODNN7EXAMPLE!", "[secret]!"),
            ("eyJhbGciOi.eyJzdWIiOiI.sflKxwRJ", "[secret]"),
            ("api_key=0123abcd4567 next", "api_key=[secret] next"),
            (r#"{"access_token": "0123456789abcdef"}"#, r#"{"access_token": "[secret]"}"#),
            ("password=hunter2&x=1", "password=[secret]&x=1"),
            ("https://me:pass@example.org/x", "https://[secret]@example.org/x"),
        ]);
    }

    #[test]
    fn home_folders_lose_their_owner() {
        becomes(&[
            ("cannot read `/home/jane/books/a.pdf`", "cannot read `~/books/a.pdf`"),
            ("/Users/jane and /home/joe", "~ and ~"),
            (r"C:\Users\Jane Doe\books", r"~\books"),
            (r"C:\Users\jane", "~"),
            ("file:///home/jane/x", "file://~/x"),
            ("https://example.org/home/page", "https://example.org/home/page"),
            ("docs/home/page.md", "docs/home/page.md"),
        ]);
    }

    #[test]
    fn what_ingest_names_stays_whole() {
        let digest = crate::digest::Digest::of(b"x").to_hex();
        for text in [
            digest.as_str(),
            &format!("sha256:{digest}"),
            &format!("key: {digest}"),
            &format!("key={digest}"),
            "chunk-0123456789abcdef, page 7",
            "part-1234567890123456",
            "job_20260131T120000Z",
            "2026-01-31T12:00:00Z",
            "2026-01-31 to 2027-02-28",
            "pages 101 102 1034",
            "0.61.2 became 0.61.3",
            "/0/metadata/page_start: 7 is less than 12",
            "unexpected token: `content`",
            "max_chars was 600, is 800",
            "unique = \"/chunk_id\"",
            "Fort +15, Ref +12, DC 25",
            "core-rulebook-1a2b3c4d",
            "a book asks for a password",
            "line 12345678 column 123",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
