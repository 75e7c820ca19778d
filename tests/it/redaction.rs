//! Secrets that stand in names of files, in what commands say, in what gates find and in the environment are told nowhere:
//! not in the stream of events, the log, manifest.json's errors, the diagnostics log, the trace, nor on stderr.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::project::{Built, Project};

const SECRETS: &str = include_str!("../../fixtures/redaction/secrets.txt");
const INNOCENT: &str = include_str!("../../fixtures/redaction/innocent.txt");

const TELLS_ALL: &str = r#"
version = 1

[job]
sources = "uploads"
include = ["**/*.txt", "**/*.json"]

[rule.speaks] # and fails, unless it was told JSON
each    = "source"
inputs  = { source = "source" }
command = "case {source} in *.json) cat {source} > {out};; *) cat {source}; exit 1;; esac"
outputs = { out = "spoken/{id}.json" }
gate    = { out = { schema = "few.schema.json" } }

[rule.environment]
command = "echo the token is $API_TOKEN and the rest $UNTELLING; exit 1"
outputs = { out = "environment.txt" }
env     = ["API_TOKEN", "UNTELLING"]
"#;

/// A line of the list, and the pieces of it that must not be told.
fn planted(line: &str) -> (String, Vec<String>) {
    let line = line.replace('¦', "");
    let secrets = line.split('«').skip(1).filter_map(|rest| rest.split_once('»')).map(|(secret, _)| secret.to_owned());
    (line.replace(['«', '»'], ""), secrets.collect())
}

/// All that a build tells, by where it does.
fn told(p: &Project, built: &Built) -> BTreeMap<&'static str, String> {
    let manifest = p.manifest();
    let records = manifest["passes"].as_object().unwrap().values().chain(manifest["rules"].as_object().unwrap().values());
    let errors: Vec<&str> = records.filter_map(|r| r["error"].as_str()).collect();
    let told = [
        ("the stream of events", built.stdout.clone()),
        ("stderr", built.stderr.clone()),
        ("the log", p.artifact("logs/ingest.ndjson")),
        ("the diagnostics log", p.text("diagnostics.log")),
        ("the trace", p.text("trace.json")),
        ("manifest.json's errors", errors.join("\n")),
    ];
    // The name of the project's folder is none of the program's doing.
    told.into_iter().map(|(place, text)| (place, p.normalised(&text))).collect()
}

#[track_caller]
fn assert_untold(told: &BTreeMap<&'static str, String>, secrets: &[String]) {
    for (place, text) in told {
        assert!(!text.is_empty(), "{place} is empty");
        let leaked: Vec<&String> = secrets.iter().filter(|s| text.contains(s.as_str())).collect();
        assert!(leaked.is_empty(), "{place} tells {leaked:?}");
    }
}

const ARGS: [&str; 7] = ["-v", "-k", "--log-level=trace", "--log-file=diagnostics.log", "--trace=trace.json", "--retry", "-j2"];

#[test]
fn no_planted_secret_is_told_anywhere() {
    let p = Project::new(TELLS_ALL).file("few.schema.json", r#"{"items": {"enum": ["few"]}}"#);
    let mut secrets = Vec::new();
    for (n, line) in SECRETS.lines().enumerate() {
        let (text, pieces) = planted(line);
        p.source(&format!("said/{n}.txt"), &text);
        p.source(&format!("judged/{n}.json"), &serde_json::to_string(&[&text]).unwrap());
        if cfg!(unix) && !text.contains('/') {
            p.source(&format!("{text}.txt"), "a file of that name").source(&format!("{text}/{n}.txt"), "a folder of that name");
        }
        secrets.extend(pieces);
    }
    let (old, new) = ("open-sesame-old", "open-sesame-new");
    let first = p.env("API_TOKEN", old).env("UNTELLING", "swordfish").build(&ARGS);
    secrets.extend([old, new, "swordfish"].map(str::to_owned));
    assert_untold(&told(&p, first.fails(1)), &secrets);
    assert!(first.with_outcome("failed").len() > 60 && first.with_outcome("rejected").len() > 40);
    let second = p.env("API_TOKEN", new).env("UNTELLING", "swordfish").build(&ARGS);
    assert_untold(&told(&p, second.fails(1)), &secrets);
}

#[test]
fn what_is_innocent_is_told_as_it_is() {
    let p = Project::new(TELLS_ALL).file("few.schema.json", r#"{"items": {"enum": ["few"]}}"#);
    INNOCENT.lines().enumerate().for_each(|(n, line)| drop(p.source(&format!("{n}.txt"), line)));
    let built = p.build(&ARGS);
    built.fails(1);
    let message = |e: &Value| e["problem"]["message"].as_str().map(str::to_owned);
    let messages: Vec<String> = built.events.iter().filter(|e| e["event"] == "action_ended").filter_map(message).collect();
    for line in INNOCENT.lines() {
        assert!(messages.iter().any(|m| m.lines().any(|said| said == line)), "{line:?} was changed");
        let shown = p.normalised(&format!("{}\n", line.split('`').next().unwrap()));
        assert!(built.stderr.contains(shown.trim_end()), "{line:?} on stderr");
    }
}
