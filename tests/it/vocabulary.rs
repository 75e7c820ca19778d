//! A game system that nobody has met before, by a file alone: its kinds, expressions, references and synonyms reach every
//! artifact; what is wrong with the file is told where it stands; a change to it reruns who reads it.

use std::fs;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::project::{Built, Project, repository};

const BOOK: &str = "\
# Brine and Bone

## The Sounding

Every crew makes a Sounding at dusk. A Sounding asks for Swell 4 or better, and each wreck costs 2 pearls.

## Hulks

The wrecks that walk. Beware: the drowned bell calls them, as the tale tells; leaf through to Salt Ward.

### Drowned Bell

Hull: 12

Ballast: 3

It tolls for Swell 7 and wants 1d6 pearls.

### Tar Widow

Hull: 8

Ballast: 5

She sings. The tar widow fears an SW.

### Kelp Choir

Hull: 20

Ballast: 1

A hundred voices.

## Salt Ward

A line of salt keeps every hulk away. The Salt Ward lasts until the tide.
";

const VOCABULARY: &str = r#"#:schema ../schemas/vocabulary.schema.json
version = 1

[kind.hulk]
headings = ["Hulks"]
fields = ["Hull:", "Ballast:"]
names = "being"
called = ["hulk"]

[expression.swell]
value = "number"
name = "Swell {swell}"
patterns = ['\b[Ss]well (?P<swell>\d+)\b']

[expression.pearls]
value = "measure"
patterns = ['\b(?:{dice}|(?P<amount>{number})) (?P<unit>pearls?)\b']

[synonyms]
SW = "Salt Ward"

[references]
phrases = ["leaf through to {title}"]
"#;

const SECTION: &str = "[vocabulary]\nfiles = [\"games/brine.toml\"]\n\n[rule.pages]";

/// A project of the book and no vocabulary of its own, not built.
fn plain() -> Project {
    let text = fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
    let text = text.replace("\"fixtures/uploads\"", "\"uploads\"");
    // What the bundled vocabularies find in this little book is next to nothing.
    Project::of_passes(&text.replace(", ratio = { of = \"passA.dictionary\", min = 0.05 }", "")).source("brine.md", BOOK)
}

/// The same with its vocabulary, built.
fn brine() -> Project {
    static BUILT: OnceLock<Project> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let p = plain().file("games/brine.toml", VOCABULARY).edit("Ingestfile.toml", "[rule.pages]", SECTION);
        p.build(&[]).ok();
        p
    });
    built.copy()
}

fn terms(p: &Project) -> Vec<String> {
    let dictionary = p.json("passA_dictionary.json");
    let shown = |t: &Value| format!("{} {}", t["kind"].as_str().unwrap(), t["term"].as_str().unwrap());
    dictionary.as_array().unwrap().iter().map(shown).collect()
}

fn mentions(p: &Project, kind: &str) -> Vec<(String, Value)> {
    let chunks = p.json("passD_enriched.json");
    let all = chunks.as_array().unwrap().iter().flat_map(|c| c["entities"].as_array().unwrap().clone());
    all.filter(|m| m["kind"] == kind).map(|m| (m["name"].as_str().unwrap().to_owned(), m["value"].clone())).collect()
}

#[test]
fn a_new_game_system_is_a_file_and_reaches_every_artifact() {
    let p = brine();
    let terms = terms(&p);
    for hulk in ["hulk Drowned Bell", "hulk Tar Widow", "hulk Kelp Choir"] {
        assert!(terms.iter().any(|t| t == hulk), "{hulk} of {terms:?}");
    }
    let hulk = &p.json("passA_dictionary.json").as_array().unwrap().iter().find(|t| t["term"] == "Tar Widow").unwrap().clone();
    assert_eq!(hulk["evidence"], json!(["entry_fields", "under_heading:Hulks"]));
    assert_eq!(hulk["definition"], "She sings. The tar widow fears an SW.");

    assert_eq!(mentions(&p, "swell"), [("Swell 4".into(), json!({"swell": 4})), ("Swell 7".into(), json!({"swell": 7}))]);
    let pearls = mentions(&p, "pearls");
    assert_eq!(pearls[0], ("2 pearl".into(), json!({"amount": 2, "unit": "pearl"})));
    assert_eq!((pearls[1].0.as_str(), &pearls[1].1["average"]), ("1d6 pearl", &json!(3.5)));
    let hulks: Vec<String> = mentions(&p, "hulk").into_iter().map(|m| m.0).collect();
    assert!(hulks.iter().filter(|h| *h == "Tar Widow").count() >= 2, "in its heading and, small, in a sentence: {hulks:?}");
    let wards: Vec<Value> = p.json("passD_enriched.json").as_array().unwrap().clone();
    let by_synonym = |m: &Value| m["name"] == "Salt Ward" && m["surface"] == "SW";
    assert!(wards.iter().any(|c| c["entities"].as_array().unwrap().iter().any(by_synonym)), "a synonym is an alias");

    let graph = p.json("passE_graph.json");
    let ids: Vec<&str> = graph["nodes"].as_array().unwrap().iter().map(|n| n["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"entity:hulk:tar-widow"), "{ids:?}");
    let section = p.json("passA_toc.json")[0]["sections"].as_array().unwrap().iter().find(|s| s["title"] == "Salt Ward").unwrap()
        ["section_id"]
        .clone();
    let edges = graph["edges"].as_array().unwrap();
    let leads = edges.iter().find(|e| e["kind"] == "refers_to").expect("the phrase leads somewhere");
    assert_eq!(leads["target"], json!(format!("section:{}", section.as_str().unwrap())));
    assert!(edges.iter().any(|e| e["kind"] == "mentions" && e["target"] == "entity:hulk:tar-widow"));
}

#[test]
fn without_the_file_the_words_mean_nothing() {
    let p = plain();
    p.build(&[]).ok();
    assert!(terms(&p).iter().all(|t| !t.starts_with("hulk")) && mentions(&p, "swell").is_empty());
}

/// Rules of which something ran.
fn rules(built: &Built) -> Vec<String> {
    let mut rules: Vec<String> = built.with_outcome("ran").iter().map(|a| a.split(' ').next().unwrap().to_owned()).collect();
    rules.dedup();
    rules
}

#[test]
fn a_changed_file_reruns_who_reads_it_and_why_names_it() {
    let p = brine();
    p.build(&[]).nothing_to_do();
    let file = "games/brine.toml";
    // Nothing that the book holds is found by it: what reads the vocabulary runs, and what comes of it is as it was.
    p.edit(file, "[synonyms]\n", "[synonyms]\nTB = \"Tide Book\"\n");
    let why = p.run(&["why", "passA"]);
    why.ok().stdout_has("the vocabulary `games/brine.toml` changed (");
    p.run(&["why", "text"]).ok().stdout_has("up to date");
    let report: Value = serde_json::from_str(&p.run(&["why", "passD", "--json"]).ok().stdout).unwrap();
    assert!(report.to_string().contains(r#""kind":"file","name":"games/brine.toml""#), "{report:#}");
    let built = p.build(&["-v"]);
    assert_eq!(rules(built.ok()), ["passA", "passD", "passE"]);
    built.stderr_has("the vocabulary `games/brine.toml` changed (");
    p.build(&[]).nothing_to_do();

    // What the book holds is found otherwise now.
    p.edit(file, "Swell {swell}", "swell of {swell}");
    let built = p.build(&[]);
    let ran = rules(built.ok());
    assert!(ran.contains(&"passD".to_owned()) && ran.contains(&"passF".to_owned()), "{ran:?}");
    assert_eq!(mentions(&p, "swell")[0].0, "swell of 4");
    for untouched in ["pages", "text", "passB", "passC_elements", "passC"] {
        assert!(!ran.contains(&untouched.to_owned()), "{untouched} ran");
    }
    p.edit(file, "swell of {swell}", "Swell {swell}").build(&[]).ok().ran(&[]);
}

#[test]
fn which_bundled_vocabularies_are_used_is_in_the_keys_of_those_who_read_them() {
    let p = brine();
    p.edit("Ingestfile.toml", "\n[vocabulary]\n", "\n[vocabulary]\nuse = [\"narrative\", \"fantasy\", \"generic\"]\n");
    let built = p.build(&["-v"]);
    assert_eq!(rules(built.ok()), ["passA", "passD", "passE"]);
    built.stderr_has("param `vocabulary.use` changed from nothing to `[\"fantasy\",\"generic\",\"narrative\"]`");
    // Their order is their own.
    p.edit("Ingestfile.toml", "\"narrative\", \"fantasy\", \"generic\"", "\"fantasy\", \"narrative\", \"generic\"");
    p.build(&[]).ok().ran(&[]);
}

#[test]
fn two_files_are_added_in_their_order() {
    let p = brine();
    p.file("games/b.toml", "version = 1\n[expression.swell]\nname = \"S{swell}\"\n");
    p.file("games/c.toml", "version = 1\n[expression.swell]\nname = \"SW{swell}\"\n");
    p.edit("Ingestfile.toml", "\"games/brine.toml\"", "\"games/brine.toml\", \"games/b.toml\", \"games/c.toml\"");
    p.build(&[]).ok();
    assert_eq!(mentions(&p, "swell")[0].0, "SW4");
    p.edit("Ingestfile.toml", "\"games/b.toml\", \"games/c.toml\"", "\"games/c.toml\", \"games/b.toml\"");
    p.build(&["-v"]).ok().stderr_has("param `vocabulary.files` changed");
    assert_eq!(mentions(&p, "swell")[0].0, "S4");
}

/// Exit code 2, nothing done, and all of `says` told.
#[track_caller]
fn refused(p: &Project, says: &[&str]) {
    let built = p.build(&[]);
    built.fails(2);
    for text in says {
        built.stderr_has(text);
    }
    assert!(!p.exists("cache/state.redb") && !p.exists("artifacts"));
}

#[test]
fn what_is_wrong_is_told_where_it_stands_with_the_nearest_word() {
    let with = |vocabulary: &str| plain().file("games/brine.toml", vocabulary).edit("Ingestfile.toml", "[rule.pages]", SECTION);
    refused(
        &with(&VOCABULARY.replace(r"(?P<swell>\d+)", r"(?P<swell>\d+")),
        &[
            "error: the pattern `\\b[Ss]well (?P<swell>\\d+\\b` is no regular expression",
            "--> games/brine.toml:13:25",
            "unclosed group",
        ],
    );
    refused(&with(&VOCABULARY.replace("called =", "caled =")), &["--> games/brine.toml:8:1", "hint: did you mean `called`?"]);
    refused(
        &with(&VOCABULARY.replace("[\"Hulks\"]", "[\"Hulks\", \"Bestiary\"]")),
        &[
            "error: the heading `Bestiary` collects both `creature` and `hulk`",
            "--> games/brine.toml:5:22",
            "claimed by two kinds",
            "`creature` has it in bundled `fantasy`:",
            "write `replace = true` into `[kind.creature]`",
        ],
    );
    refused(&with(&VOCABULARY.replace("{dice}", "{dise}")), &["--> games/brine.toml:17:", "hint: did you mean `dice`?"]);
    refused(&with("version = 1\n[kind.hulk\n"), &["error: not TOML: ", "--> games/brine.toml:2:"]);
}

#[test]
fn what_the_ingestfile_names_and_is_not_there_is_told_there() {
    let p = plain().edit("Ingestfile.toml", "[rule.pages]", "[vocabulary]\nuse = [\"fantasy\", \"naratives\"]\n\n[rule.pages]");
    refused(&p, &["there is no bundled vocabulary `naratives`", "--> Ingestfile.toml:", "hint: did you mean `narrative`?"]);
    let p = plain().edit("Ingestfile.toml", "[rule.pages]", SECTION);
    refused(&p, &["the file `games/brine.toml` does not exist", "files = [\"games/brine.toml\"]"]);
    let p = plain().edit("Ingestfile.toml", "[rule.pages]", "[vocabulary]\nfile = [\"games/brine.toml\"]\n\n[rule.pages]");
    refused(&p, &["unknown key `file` in `[vocabulary]`", "hint: did you mean `files`?"]);
    let p = plain().edit("Ingestfile.toml", "[rule.pages]", "[vocabulary]\nfiles = [\"../brine.toml\"]\n\n[rule.pages]");
    refused(&p, &["relative and stay below their root"]);
    // A rule has no vocabulary of its own.
    let inputs = "inputs  = { source = \"source\", lines = \"text.lines\"";
    let p = plain().edit("Ingestfile.toml", inputs, &format!("{inputs}, vocabulary = {{ file = \"x.toml\" }}"));
    refused(&p, &["`toc` has no input `vocabulary`"]);
}

#[test]
fn the_graph_of_rules_shows_who_reads_the_file() {
    let p = brine();
    let report: Value = serde_json::from_str(&p.run(&["graph", "--format", "json"]).ok().stdout).unwrap();
    let edges = report["edges"].as_array().unwrap();
    let readers: Vec<&str> =
        edges.iter().filter(|e| e["from"] == "file:games/brine.toml").map(|e| e["to"].as_str().unwrap()).collect();
    assert_eq!(readers, ["rule:passA", "rule:passD", "rule:passE"]);
}

#[test]
fn everything_comes_out_the_same_twice() {
    brine().build(&["--check-determinism"]).ok().stderr_has("all the same");
}

#[test]
fn a_bundled_vocabulary_is_printed_to_begin_ones_own_with() {
    let p = plain();
    for name in ["fantasy", "generic", "narrative", "fantasy_stats"] {
        p.run(&["vocabulary"]).ok().stdout_has(name);
        let printed = p.run(&["vocabulary", name]).ok().stdout.clone();
        let lines: Vec<&str> = printed.lines().take(3).collect();
        assert_eq!(lines[0], "#:schema ../schemas/vocabulary.schema.json");
        // What is there already may be said again.
        p.file("games/own.toml", printed);
    }
    let own = p.edit("Ingestfile.toml", "[rule.pages]", "[vocabulary]\nfiles = [\"games/own.toml\"]\n\n[rule.pages]");
    own.build(&[]).ok();
    assert!(terms(&own).iter().any(|t| t == "rule Salt Ward"));
    p.run(&["vocabulary", "fantsy"]).fails(2).stderr_has("did you mean `fantasy`?");
}

#[test]
fn figures_of_stat_blocks_are_expressions_where_they_are_asked_for() {
    let p = plain().file("uploads/brine.md", format!("{BOOK}\n## Tides\n\nThe tide has AC 15 and 30 HP at level 4.\n"));
    p.build(&[]).ok();
    assert!(mentions(&p, "armor_class").is_empty());
    p.edit("Ingestfile.toml", "[rule.pages]", "[vocabulary]\nuse = [\"fantasy\", \"fantasy_stats\"]\n\n[rule.pages]")
        .build(&[])
        .ok();
    assert_eq!(mentions(&p, "armor_class"), [("AC 15".into(), json!({"armor_class": 15}))]);
    assert_eq!(mentions(&p, "hit_points"), [("30 HP".into(), json!({"hit_points": 30}))]);
    assert_eq!(mentions(&p, "level"), [("level 4".into(), json!({"level": 4}))]);
}
