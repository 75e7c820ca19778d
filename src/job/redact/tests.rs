//! Every planted secret is taken out, and nothing that a rulebook or `ingest` itself says.

use super::*;

const SECRETS: &str = include_str!("../../../fixtures/redaction/secrets.txt");
const INNOCENT: &str = include_str!("../../../fixtures/redaction/innocent.txt");

/// A line of the list, and the pieces of it that must not be told: those between `«` and `»`. `¦` keeps scanners of
/// repositories from taking the list for a leak.
fn planted(line: &str) -> (String, Vec<String>) {
    let line = line.replace('¦', "");
    let secrets = line.split('«').skip(1).filter_map(|rest| rest.split_once('»')).map(|(secret, _)| secret.to_owned());
    (line.replace(['«', '»'], ""), secrets.collect())
}

fn assert_gone(text: &str, secrets: &[String]) {
    let told = redact(text);
    for secret in secrets {
        assert!(!told.contains(secret.as_str()), "{text:?} became {told:?}");
    }
}

#[test]
fn every_planted_secret_is_taken_out_wherever_it_stands() {
    assert!(SECRETS.lines().count() >= 40);
    for line in SECRETS.lines() {
        let (text, secrets) = planted(line);
        assert!(!secrets.is_empty(), "{line}");
        assert_gone(&text, &secrets);
        assert_gone(&format!("error: \x1b[1m{text}\x1b[0m: it failed"), &secrets);
        assert_gone(&serde_json::to_string(&text).unwrap(), &secrets);
        assert_gone(&format!("{text:?}"), &secrets);
    }
}

#[test]
fn what_is_innocent_survives() {
    assert!(INNOCENT.lines().count() >= 40);
    let changed: Vec<_> = INNOCENT.lines().filter(|line| redact(line) != *line).map(|line| (line, redact(line))).collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

/// Every pattern tried on every text, whatever it holds.
fn redact_by_all(text: &str) -> String {
    PATTERNS.all.iter().fold(text.to_owned(), |text, p| {
        p.regex().expect("a pattern does not compile").replace_all(&text, p.replace).into_owned()
    })
}

#[test]
fn a_pattern_that_is_not_tried_would_have_found_nothing() {
    let lines: Vec<String> = SECRETS.lines().map(|l| planted(l).0).chain(INNOCENT.lines().map(str::to_owned)).collect();
    for line in &lines {
        assert_eq!(redact(line), redact_by_all(line));
        // Pieces of it, also cut in the middle of a secret and put beside letters and digits.
        let cuts: Vec<usize> = line.char_indices().map(|(at, _)| at).collect();
        for pair in cuts.chunks(5).filter(|c| c.len() == 5) {
            for text in [format!("7{}", &line[pair[0]..]), format!("{}x", &line[..pair[2]]), format!("a {} 12", &line[pair[4]..])]
            {
                assert_eq!(redact(&text), redact_by_all(&text));
            }
        }
    }
}

#[test]
fn redacting_twice_changes_nothing() {
    for line in SECRETS.lines() {
        let once = redact(&planted(line).0).into_owned();
        assert_eq!(redact(&once), once);
    }
}

#[test]
fn a_long_text_takes_time_in_proportion() {
    // Backtracking over this would not end within a lifetime.
    for part in ["a=", "0 ", "@a.", "-----BEGIN PRIVATE KEY-----", "eyJaaaaaa.", "\"password\":\"", "/home/", "+1 ("] {
        let text = part.repeat(50_000);
        assert!(redact(&text).len() <= 2 * text.len());
    }
}

fn becomes(pairs: &[(&str, &str)]) {
    for (text, expected) in pairs {
        assert_eq!(redact(text), *expected, "{text}");
    }
}

#[test]
fn every_pattern_compiles() {
    assert!(PATTERNS.all.len() == 21 && PATTERNS.all.iter().all(|p| p.regex().is_some()));
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
