//! Names that go out: whatever a file, a rule or a param is called, and whatever a command or a book says, no command of
//! `ingest` sends a terminal what it would obey. JSON holds what is there.

use serde_json::Value;

use crate::project::{Built, Project};

/// One of each kind: an escape sequence, C1, a bell, overrides, isolates, marks, zero width, a line separator, a tag.
const OBEYED: &str = "\u{1b}[31m\u{9b}2J\u{7}\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{200b}\u{200d}\u{feff}\u{ad}\u{2028}\u{e0041}";
/// Those of them that a source may be called by.
const IN_A_NAME: &str = "\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{200b}\u{200d}\u{feff}\u{ad}\u{e0041}";

#[track_caller]
fn obeyed(text: &str) -> String {
    text.chars().filter(|c| OBEYED.contains(*c) && *c != '[' && !c.is_ascii_alphanumeric()).collect()
}

/// What is shown on both streams holds nothing that a terminal obeys.
#[track_caller]
fn harmless(built: &Built) -> &Built {
    assert_eq!(obeyed(&built.stderr), "", "{:?}", built.stderr);
    assert_eq!(obeyed(&built.stdout), "", "{:?}", built.stdout);
    built
}

/// A project in which all that may bear any name bears one of these, one action fails, one is rejected, and a file is refused.
fn hostile() -> Project {
    let name = IN_A_NAME;
    let escaped: String = OBEYED.chars().map(|c| format!("\\U{:08X}", u32::from(c))).collect();
    let p = Project::new(&format!(
        r#"
version = 1

[job]
sources = "uploads"

[rule.say]
each    = "source"
inputs  = {{ source = "source" }}
command = """
cat {{source}} | sed 's/^/said: /' >&2; grep -q good {{source}} || exit 3
cat {{source}} > {{out}} #{escaped}
"""
outputs = {{ out = "out{name}/{{id}}.txt" }}

[rule.list]
each    = "source"
inputs  = {{ said = "say.out" }}
command = ["sh", "-c", "echo '[{{\"a\\u001b[31m\u202e\": 1}}]' > {{out}}", "{escaped}"]
outputs = {{ out = "list.json" }}
gate    = {{ out = {{ schema = "schema.json" }} }}
"#
    ));
    let schema = r#"{"type": "array", "items": {"type": "object", "additionalProperties": false}}"#;
    p.file("schema.json", schema);
    p.source(&format!("good{name}.txt"), "good\n").source(&format!("bad{name}.txt"), &format!("{OBEYED}\n"));
    p.source(&format!("ignored{name}"), "%PDF-").source("refused\u{1b}[31m\u{202e}.txt", "x")
}

#[test]
fn what_a_terminal_would_obey_is_shown_by_every_command() {
    let p = hostile();
    let built = p.run(&["build", "-v", "-k"]);
    harmless(built.fails(1)).stderr_has("bad\\u{202a}\\u{202e}").stderr_has("`refused\\u{1b}[31m\\u{202e}.txt` is refused");
    built.stderr_has("said: ").stderr_has("no pattern takes `ignored\\u{202a}");
    for args in [
        &["build", "-v", "-k", "--retry"][..],
        &["build", "-n"],
        &["status"],
        &["why", "say"],
        &["why", "list"],
        &["why", "say", "--last"],
        &["graph"],
        &["graph", "--format", "mermaid"],
        &["gate", "list"],
        &["show", "nobody\u{202e}\u{1b}", "--page", "1"],
        &["show", "list", "--page", "1", "-o", "x\u{202e}\u{1b}"],
        &["build", "say:nobody\u{202e}"],
        &["why", "nobody\u{202e}\u{1b}[31m"],
        &["build", "--job", "x\u{202e}\u{1b}/y"],
        &["build", "--uploads", "none\u{202e}\u{1b}"],
        &["-C", "none\u{202e}\u{1b}", "build"],
        &["run-pass", "none\u{202e}\u{1b}", "--request", "x"],
        &["run-pass", "pages", "--request", "x\u{202e}\u{1b}"],
        &["clean", "--dry-run"],
        &["--color", "always", "clean", "nobody\u{202e}"],
        &["gc"],
    ] {
        let built = p.run(args);
        assert!(!built.stderr.contains("panicked"), "{args:?}");
        let colourless = |text: &str| text.replace("\u{1b}[1;31m", "").replace("\u{1b}[1;36m", "").replace("\u{1b}[0m", "");
        assert_eq!(obeyed(&colourless(&built.stderr)), "", "{args:?} {:?}", built.stderr);
        assert_eq!(obeyed(&colourless(&built.stdout)), "", "{args:?} {:?}", built.stdout);
    }
}

#[test]
fn an_ingestfile_that_is_wrong_is_quoted_without_what_a_terminal_would_obey() {
    for key in ["comand", "inputs = \"\u{1b}\"", "x\u{202e}y"] {
        let p = Project::new(&format!(
            "version = 1\n[rule.\"a{IN_A_NAME}\"]\n\"{IN_A_NAME}{key}\" = \"{IN_A_NAME}\" # {IN_A_NAME}\n"
        ));
        harmless(p.run(&["build"]).fails(2));
    }
    let escaped: String = OBEYED.chars().map(|c| format!("\\U{:08X}", u32::from(c))).collect();
    let p =
        Project::new(&format!("version = 1\n[job]\nenv = \"{escaped}\"\nsources = \"{escaped}\"\ninclude = [\"[{escaped}\"]\n"));
    harmless(p.run(&["build"]).fails(2));
}

#[test]
fn the_log_for_developers_is_shown_as_lines_and_obeyed_as_nothing() {
    let p = hostile();
    harmless(p.run(&["build", "-k", "--log-level", "trace"]).fails(1));
    p.run(&["build", "-k", "--retry", "--log-level", "trace", "--log-file", "log.txt"]).fails(1);
    assert_eq!(obeyed(&p.text("log.txt")), "");
    assert!(p.text("log.txt").lines().count() > 3);
}

#[test]
fn json_holds_names_as_they_are() {
    let p = hostile();
    let built = p.build(&["-k"]);
    built.fails(1);
    let refused = built.events[0]["refused"][0]["path"].as_str().unwrap();
    assert_eq!(refused, "refused\u{1b}[31m\u{202e}.txt");
    let status: Value = serde_json::from_str(&p.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["ignored"][0]["path"], format!("ignored{IN_A_NAME}"));
    assert_eq!(status["refused"][0]["path"], refused);
    assert!(p.artifact("logs/ingest.ndjson").lines().all(|l| serde_json::from_str::<Value>(l).is_ok()));
}

#[test]
fn no_name_leaves_its_quotes_in_a_drawing() {
    let p = Project::new(
        "version = 1\n[rule.'a\"]; evil -> x; \"']\ncommand = \"echo \\\"]; </b><script>\\\" > {out}\"\noutputs = { out = 'x\u{202e}[y].txt' }\n",
    );
    let dot = p.run(&["graph"]).stdout;
    assert!(!dot.contains("; evil -> x; \"\n") && obeyed(&dot).is_empty(), "{dot}");
    let mermaid = p.run(&["graph", "--format", "mermaid"]).stdout;
    assert!(!mermaid.contains("<script>") && obeyed(&mermaid).is_empty(), "{mermaid}");
}
