//! `build --trace FILE`: a file that trace viewers read, with every action that ran, however the build ended.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::building::{WORDS, words};
use crate::project::{Built, Handshake, Project};

/// The complete events of the trace; those of one lane lie beside or within each other.
#[track_caller]
fn spans(p: &Project) -> Vec<Value> {
    let events: Vec<Value> = serde_json::from_str(&p.text("trace.json")).unwrap();
    let spans: Vec<Value> = events.into_iter().filter(|e| e["ph"] == "X").collect();
    let mut lanes: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
    for span in &spans {
        let number = |name: &str| span[name].as_u64().unwrap();
        lanes.entry(number("tid")).or_default().push((number("ts"), number("ts") + number("dur")));
    }
    for (lane, mut all) in lanes {
        // The longer first where two begin together: it is the outer one.
        all.sort_by_key(|(from, to)| (*from, std::cmp::Reverse(*to)));
        let mut open: Vec<u64> = Vec::new();
        for (from, to) in all {
            while open.last().is_some_and(|end| *end <= from) {
                open.pop();
            }
            assert!(open.last().is_none_or(|end| to <= *end), "lane {lane}: {from}..{to} lies half in another");
            open.push(to);
        }
    }
    spans
}

fn is_action(span: &Value) -> bool {
    let category = span["cat"].as_str().unwrap();
    category == "rule" || category.starts_with("pass")
}

fn actions(spans: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = spans.iter().filter(|s| is_action(s)).map(|s| s["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Every action that the log says has run is a span, once for each time.
#[track_caller]
fn shows_what_ran(p: &Project, built: &Built) -> Vec<Value> {
    let spans = spans(p);
    let ran = built.with_outcome("ran").into_iter().chain(built.with_outcome("failed")).chain(built.with_outcome("rejected"));
    let mut ran: Vec<String> = ran.collect();
    ran.sort();
    assert_eq!(actions(&spans), ran);
    spans
}

#[test]
fn every_action_that_ran_is_a_span_of_one_of_two_workers() {
    let p = Project::of_command_passes();
    let built = p.build(&["-j2", "--trace", "trace.json"]);
    built.ok();
    let spans = shows_what_ran(&p, &built);
    let workers: BTreeSet<u64> = spans.iter().filter(|s| is_action(s)).map(|s| s["tid"].as_u64().unwrap()).collect();
    assert!(workers.iter().all(|w| (1..=2).contains(w)), "{workers:?}");
    let category = |name: &str| spans.iter().find(|s| s["name"] == name).map(|s| s["cat"].as_str().unwrap());
    assert_eq!((category("passA alpha.txt"), category("plain alpha.txt")), (Some("passA"), Some("rule")));
    let own: BTreeSet<&str> = spans.iter().filter(|s| s["tid"] == 0).map(|s| s["name"].as_str().unwrap()).collect();
    for work in ["digests of sources", "commit", "publication of passC", "gates of passC", "sources looked at again"] {
        assert!(own.contains(work), "{work}: {own:?}");
    }
    let built = p.source("beta.txt", "beta\nfour\n").build(&["-j2", "--trace", "trace.json"]);
    shows_what_ran(&p, built.ok());
}

#[test]
fn a_build_that_fails_leaves_a_whole_trace() {
    let p = words();
    p.edit("Ingestfile.toml", "cat {all} > {out}", "exit 3");
    let built = p.build(&["-j2", "--trace", "trace.json"]);
    shows_what_ran(&p, built.fails(1));
}

#[test]
fn a_build_that_is_interrupted_leaves_a_whole_trace() {
    let held = WORDS.replace("\"cat {all} > {out}\"", &format!("\"{} cat {{all}} > {{out}}\"", Handshake::SHELL));
    let p = words().ingestfile(&held);
    let handshake = Handshake::new(&p);
    let running = p.start(&["build", "--json", "-j2", "--trace", "trace.json"]);
    handshake.wait();
    assert!(Command::new("kill").args(["-INT", &running.pid().to_string()]).status().unwrap().success());
    let built = running.end();
    built.fails(130);
    let mut expected = built.with_outcome("ran");
    expected.push("report".to_owned());
    expected.sort();
    assert_eq!(actions(&spans(&p)), expected);
}

#[test]
fn a_trace_of_nothing_is_whole_and_one_that_cannot_be_written_is_told() {
    let p = words();
    p.build(&[]).ok();
    p.build(&["--trace", "trace.json"]).nothing_to_do();
    assert_eq!(actions(&spans(&p)), Vec::<String>::new());
    p.run(&["build", "--trace", "no/such/folder/trace.json"]).fails(1).stderr_has("no/such/folder/trace.json");
}
