//! The stream of events and the log: every line is as the schema says, what begins ends in order, and the totals of
//! manifest.json are the sums of the log, whatever kind of build it was.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

use crate::project::{COMMAND_PASSES, Handshake, Project, repository};

const JOBS: u64 = 2;

/// Asserts all that holds of the log and the stream of any build. Returns the lines of the last one.
#[track_caller]
pub fn check(p: &Project, stream: &[Value]) -> Vec<Value> {
    let log = p.log();
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(repository().join("schemas/events.schema.json")).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for line in log.iter().chain(stream) {
        assert!(validator.is_valid(line), "{line}");
    }
    let last = log.last().unwrap()["build_id"].clone();
    let lines: Vec<Value> = log.into_iter().filter(|l| l["build_id"] == last).collect();
    let untimed = |l: &Value| {
        let mut l = l.clone();
        ["time", "elapsed_ms"].iter().for_each(|k| drop(l.as_object_mut().unwrap().remove(*k)));
        l
    };
    assert_eq!(stream.iter().map(untimed).collect::<Vec<_>>(), lines.iter().map(untimed).collect::<Vec<_>>());
    assert_nested(&lines);
    assert_sums(p, &lines);
    lines
}

/// `C` of a pass, `rule plain` of a rule of no pass.
fn owner(line: &Value) -> String {
    match (line["pass"].as_str(), line["rule"].as_str()) {
        (Some(pass), _) => pass.to_owned(),
        (None, Some(rule)) => format!("rule {rule}"),
        (None, None) => panic!("{line} is of nobody"),
    }
}

fn action(line: &Value) -> (String, String) {
    (line["rule"].as_str().unwrap().to_owned(), line["item"].as_str().unwrap().to_owned())
}

/// What begins ends, within what it is part of.
#[track_caller]
fn assert_nested(lines: &[Value]) {
    let is_of_one_source = lines.iter().all(|l| l["event"] != "pass_started" && l["event"] != "rule_started");
    let (mut owners, mut actions) = (BTreeSet::new(), BTreeSet::new());
    for (at, line) in lines.iter().enumerate() {
        let event = line["event"].as_str().unwrap();
        assert_eq!(event == "build_started", at == 0, "{line}");
        assert_eq!(event == "build_ended", at == lines.len() - 1, "{line}");
        match event {
            "pass_started" | "rule_started" => assert!(owners.insert(owner(line)), "{line} began twice"),
            "pass_ended" | "rule_ended" => {
                let was_open = owners.remove(&owner(line));
                assert!(was_open || line["status"] == "SKIPPED", "{line} never began");
            }
            "action_started" => assert!(actions.insert(action(line)), "{line} began twice"),
            "action_ended" => {
                assert!(is_of_one_source || owners.contains(&owner(line)), "{line} is outside");
                let was_open = actions.remove(&action(line));
                assert!(was_open || line["outcome"] != "ran", "{line} never began");
            }
            "published" | "removed" => assert!(owners.contains(&owner(line)), "{line} is outside"),
            _ => {}
        }
    }
    assert!(owners.is_empty() && actions.is_empty(), "never ended: {owners:?} {actions:?}");
}

type Sums = BTreeMap<String, u64>;

fn add(sums: &mut Sums, name: &str, n: u64) {
    *sums.entry(name.to_owned()).or_default() += n;
}

fn sums(object: &Value) -> Sums {
    let all = object.as_object().unwrap().iter().map(|(k, n)| (k.clone(), n.as_u64().unwrap()));
    all.filter(|(_, n)| *n > 0).collect()
}

/// Counts, items and durations by owner, from the lines of actions and files alone.
fn by_owner(lines: &[Value]) -> BTreeMap<String, (Sums, Sums, u64)> {
    let mut last: BTreeMap<(String, String), &Value> = BTreeMap::new();
    let mut totals: BTreeMap<String, (Sums, Sums, u64)> = BTreeMap::new();
    for line in lines {
        match line["event"].as_str().unwrap() {
            "build_restarted" => last.retain(|_, l| l["outcome"] == "ran" || l["outcome"] == "from_cache"),
            "action_ended" => {
                totals.entry(owner(line)).or_default().2 += line["duration_ms"].as_u64().unwrap();
                if line["outcome"] != "interrupted" {
                    last.insert(action(line), line);
                }
            }
            "published" => {
                add(&mut totals.entry(owner(line)).or_default().0, "published", line["files"].as_u64().unwrap());
            }
            "removed" => add(&mut totals.entry(owner(line)).or_default().0, "removed", 1),
            _ => {}
        }
    }
    for line in last.into_values() {
        let (counts, items, _) = totals.entry(owner(line)).or_default();
        add(counts, line["outcome"].as_str().unwrap(), 1);
        for pair in line["items"].as_array().unwrap() {
            add(items, pair[0].as_str().unwrap(), pair[1].as_u64().unwrap());
        }
    }
    totals
}

#[track_caller]
fn assert_sums(p: &Project, lines: &[Value]) {
    let totals = by_owner(lines);
    let ended = lines.iter().filter(|l| l["event"] == "pass_ended" || l["event"] == "rule_ended");
    let ended: BTreeMap<String, &Value> = ended.map(|l| (owner(l), l)).collect();
    let build = lines.last().unwrap();
    let untold: BTreeMap<String, &Value> = build["untold"].as_array().unwrap().iter().map(|u| (owner(u), u)).collect();
    let (mut counts, mut items, mut durations) = (Sums::new(), Sums::new(), 0);
    for name in totals.keys().chain(ended.keys()).chain(untold.keys()).collect::<BTreeSet<_>>() {
        let nothing = <(Sums, Sums, u64)>::default();
        let (own, made, took) = totals.get(name).unwrap_or(&nothing);
        let told = ended.get(name).or(untold.get(name)).unwrap_or_else(|| panic!("no line ends {name}"));
        let told_counts = sums(&told["counts"]);
        let listed: Sums = told_counts
            .iter()
            .filter(|(k, _)| !["up_to_date", "blocked"].contains(&k.as_str()))
            .map(|(k, n)| (k.clone(), *n))
            .collect();
        assert_eq!(listed, *own, "{name}: {told}");
        told_counts.iter().for_each(|(k, n)| add(&mut counts, k, *n));
        made.iter().for_each(|(k, n)| add(&mut items, k, *n));
        durations += took;
        if let Some(line) = ended.get(name) {
            assert_record(p, name, line, made, *took);
        }
    }
    assert_eq!(counts, sums(&build["counts"]));
    let metrics = &p.manifest()["metrics"];
    assert_metrics(metrics, &build["counts"], &items);
    assert!(durations <= JOBS * (millis(metrics) + 1), "{durations} ms in {metrics}");
}

/// The record of a pass or rule in the manifest is what its last line and the lines of its actions say.
#[track_caller]
fn assert_record(p: &Project, name: &str, line: &Value, made: &Sums, took: u64) {
    let manifest = p.manifest();
    let record = match name.strip_prefix("rule ") {
        Some(rule) => &manifest["rules"][rule],
        None => &manifest["passes"][name],
    };
    assert_eq!(record["status"], line["status"], "{name}");
    assert_eq!(record["error"].is_null(), line["problem"].is_null(), "{name}");
    assert_metrics(&record["metrics"], &line["counts"], made);
    assert!(took <= JOBS * (millis(&record["metrics"]) + 1), "{name} took {took} ms in {record}");
    if !line["made"].is_null() {
        assert_eq!(sums(&line["made"]), nonzero(made), "{name}");
    }
}

fn nonzero(items: &Sums) -> Sums {
    items.iter().filter(|(_, n)| **n > 0).map(|(k, n)| (k.clone(), *n)).collect()
}

#[track_caller]
fn assert_metrics(metrics: &Value, counts: &Value, items: &Sums) {
    for (name, n) in counts.as_object().unwrap() {
        assert_eq!(metrics[name], *n, "{name} of {metrics}");
    }
    assert_eq!(sums(&metrics["items"]), nonzero(items));
    assert_eq!(metrics["tokens"], json!(items.get("tokens").copied().unwrap_or(0)));
}

fn millis(metrics: &Value) -> u64 {
    format!("{:.0}", metrics["wall_s"].as_f64().unwrap() * 1000.0).parse().unwrap()
}

/// Builds, and asserts what holds of any build that did something.
#[track_caller]
fn build(p: &Project, args: &[&str], code: i32) -> Vec<Value> {
    let built = p.build(&[&["-j2"], args].concat());
    built.fails(code);
    check(p, &built.events)
}

fn has(lines: &[Value], event: &str) -> bool {
    lines.iter().any(|l| l["event"] == event)
}

fn outcomes(lines: &[Value]) -> BTreeSet<&str> {
    lines.iter().filter_map(|l| l["outcome"].as_str()).collect()
}

#[test]
fn totals_are_the_sums_of_the_log_in_builds_that_succeed_resume_publish_remove_and_warn() {
    let p = Project::of_command_passes();
    let lines = build(&p, &[], 0);
    assert_eq!(outcomes(&lines), BTreeSet::from(["ran"]));
    assert!(lines.iter().any(|l| l["event"] == "rule_started" && l["rule"] == "plain"));
    assert!(build(&p, &["--resume-from", "E", "--retry", "--new-job"], 1).iter().any(|l| l["status"] == "SKIPPED"));
    let lines = build(&p.source("beta.txt", "beta\nthree\nfour\n"), &[], 0);
    assert_eq!(outcomes(&lines), BTreeSet::from(["ran", "from_cache"]));
    let lines = build(&p.source("alpha.txt", "alpha\none\n"), &["--resume-from", "C"], 1);
    assert!(lines.iter().any(|l| l["status"] == "SKIPPED"));
    assert!(has(&build(&p, &[], 0), "removed"));
    let lines = build(&p.remove(&p.published("passE_graph.json")), &[], 0);
    assert!(has(&lines, "published") && outcomes(&lines).is_empty());
    let lines = build(&p.file(&p.published("passE_graph.json"), "by hand"), &[], 0);
    assert!(has(&lines, "warning"));
    let untold = lines.last().unwrap()["untold"].as_array().unwrap().iter().map(owner).collect::<Vec<_>>();
    assert_eq!(untold, ["rule plain", "A", "B", "C", "D", "F"]);
    assert!(has(&build(&p.remove("uploads/beta.txt"), &[], 0), "removed"));
}

#[test]
fn totals_are_the_sums_of_the_log_in_builds_that_fail_and_are_rejected() {
    let p = Project::of_command_passes();
    let word = "read -r id part word < {part}";
    p.edit("Ingestfile.toml", word, &format!("{word}; test $word = one && {{ echo in vain; exit 3; }}"));
    let lines = build(&p, &[], 1);
    let failed: Vec<&Value> = lines.iter().filter(|l| l["outcome"] == "failed").collect();
    assert!(failed.len() == 1 && failed[0]["problem"]["message"].as_str().unwrap().contains("in vain"), "{failed:?}");
    assert!(failed[0]["problem"]["causes"][0].as_str().is_some_and(|c| c.contains("alpha.txt")) || failed[0]["item"] != "");
    build(&p, &["-k"], 1);
    p.edit("Ingestfile.toml", " && { echo in vain; exit 3; }", " && true; true");
    build(&p, &[], 0);
    let schema = "schemas/passC_chunks.schema.json";
    let stricter = p.text(schema).replacen("\"minLength\": 1", "\"minLength\": 4", 9);
    let lines = build(&p.file(schema, &stricter), &[], 1);
    assert!(outcomes(&lines).contains("rejected"), "{:?}", outcomes(&lines));
    let rejected = lines.iter().find(|l| l["outcome"] == "rejected").unwrap();
    assert!(rejected["problem"]["violations"][0]["pointer"].is_string(), "{rejected}");
    let restricted = build(&p.source("alpha.txt", "alpha\nseven\n"), &["passB:alpha.txt"], 0);
    assert_eq!(outcomes(&restricted), BTreeSet::from(["ran"]));
}

/// The six passes, D held at its first action.
fn held() -> Project {
    Project::of_passes(&COMMAND_PASSES.replace("sed 's/", &format!("{} sed 's/", Handshake::SHELL)))
        .source("alpha.txt", "alpha\none\n")
        .source("beta.txt", "beta\nthree\n")
}

#[test]
fn a_build_that_is_interrupted_ends_all_that_it_began() {
    let p = held();
    let handshake = Handshake::new(&p);
    let running = p.start(&["build", "--json", "-j2"]);
    handshake.wait();
    assert!(Command::new("kill").args(["-INT", &running.pid().to_string()]).status().unwrap().success());
    let built = running.end();
    built.fails(130);
    let lines = check(&p, &built.events);
    assert_eq!(lines.last().unwrap()["interrupted"], true);
    assert!(outcomes(&lines).contains("interrupted"));
    assert_eq!(p.statuses(), "A SUCCESS, B SUCCESS, C SUCCESS, D FAILED, E PENDING, F PENDING");
    handshake.release();
    build(&p, &[], 0);
}

#[test]
fn a_build_that_begins_again_counts_each_action_once() {
    let p = held();
    let handshake = Handshake::new(&p);
    let running = p.start(&["build", "--json", "-j2"]);
    handshake.wait();
    p.source("alpha.txt", "alpha\nfive\n");
    handshake.release();
    let built = running.end();
    built.ok();
    let lines = check(&p, &built.events);
    let reason = lines.iter().find(|l| l["event"] == "build_restarted").unwrap()["reason"].as_str().unwrap();
    assert_eq!(reason, "`uploads/alpha.txt` changed while the build read it");
    assert_eq!(lines.iter().filter(|l| l["event"] == "pass_started" && l["pass"] == "C").count(), 2);
    assert!(p.artifact("passF_clean.json").contains("five") && !p.artifact("passF_clean.json").contains("\"one\""));
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_build_that_gives_up_says_why_and_ends_what_it_began() {
    let p = Project::new(
        "version = 1\n[job]\nsources = \"uploads\"\n[rule.moves]\neach = \"source\"\ninputs = { source = \"source\" }\ncommand = \"date +%N >> uploads/a.txt; cat {source} > {out}\"\noutputs = { out = \"{id}.txt\" }\n",
    )
    .source("a.txt", "x\n")
    .file("schemas/events.schema.json", std::fs::read(repository().join("schemas/events.schema.json")).unwrap());
    let built = p.build(&["-j2"]);
    built.fails(1).stderr_has("keeps changing");
    let lines = check(&p, &built.events);
    assert!(lines.last().unwrap()["problem"]["message"].as_str().unwrap().contains("keeps changing"));
}

#[test]
fn nothing_to_do_adds_no_line() {
    let p = Project::of_command_passes();
    build(&p, &[], 0);
    let before = p.artifact("logs/ingest.ndjson");
    p.build(&[]).nothing_to_do();
    p.run(&["build", "-n"]).ok();
    assert_eq!(p.artifact("logs/ingest.ndjson"), before);
}

#[test]
fn tokens_and_pages_are_those_of_what_was_made() {
    let ingestfile = std::fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
    let book = std::fs::read(repository().join("fixtures/uploads/lanternfall-rules.pdf")).unwrap();
    let p = Project::of_passes(&ingestfile)
        .file("fixtures/uploads/rules.pdf", book)
        .file("fixtures/uploads/a.md", "# A\n\nRoll 2d6, then stop.\n");
    build(&p, &[], 0);
    let tokens_of = |of: &str| -> u64 {
        let chunks = p.json("passC_chunks.json");
        let of_source = chunks.as_array().unwrap().iter().filter(|c| c["source_id"].as_str().unwrap().ends_with(of));
        of_source.map(|c| c["metadata"]["token_count"].as_u64().unwrap()).sum()
    };
    let manifest = p.manifest();
    assert_eq!(manifest["metrics"]["tokens"], tokens_of(""));
    assert_eq!(manifest["passes"]["C"]["metrics"]["tokens"], tokens_of(""));
    assert_eq!(manifest["passes"]["D"]["metrics"]["tokens"], 0, "no token is counted twice");
    let pages: u64 = p.json("passA_toc.json").as_array().unwrap().iter().filter_map(|t| t["page_count"].as_u64()).sum();
    assert_eq!((manifest["metrics"]["items"]["pages"].as_u64(), manifest["metrics"]["sources"].as_u64()), (Some(pages), Some(2)));
    build(&p.file("fixtures/uploads/a.md", "# A\n\nRoll 2d6, then go on and on.\n"), &[], 0);
    assert_eq!(p.manifest()["metrics"]["tokens"], tokens_of("a.md"), "what was up to date is not made");
    build(&p, &["--new-job"], 0);
    assert_eq!(p.manifest()["metrics"]["tokens"], tokens_of(""), "what comes from the cache is made in this job");
}
