//! Every limit of pass F is a param of the Ingestfile: a little below what a book has, the check warns or fails; a little above,
//! it passes; and what is misspelt is told.

use std::collections::BTreeMap;
use std::fs;

use crate::project::{Project, repository};
use crate::small_pdf::{Page, pdf};

/// It repeats itself, nearly and word for word, shouts, refers to what is not there, and names what nobody defines.
const BOOK: &str = "\
# The Loud Book

## Rest

You rest at night until the morning comes and the birds begin to sing in the trees.

## Market

A stall sells what is needed, and what is not needed costs twice as much (see Nowhere At All).

You may rest on any night until the morning comes and the birds begin to sing in the old trees of the garden by the river.

## Garden

The keeper of the ferry asks for a copper ring at dusk and gives a silver ring at dawn to those who come back over the river, and \
whoever has neither copper nor silver sings for him until the other bank is near enough to jump to, which is never near enough.

## Gate

The keeper of the ferry asks for a copper ring at dusk and gives a silver ring at dawn to those who come back over the river, and \
whoever has neither copper nor silver sings for him until the other bank is near enough to jump to, which is never near enough.

## Bell

THE BELL RINGS AND NOBODY HEARS IT BUT THE DROWNED WHO ARE UNDER THE WATER

## Weapons and Gear

The smith has these on her wall (see Chapter 9).

## Gate

The Attack Roll is told elsewhere (see Rest), and it is told again there. Who misses takes 2d6 fire damage.
";

const TWICE: &str = "\n## Gate\n\nNobody goes through the gate at night, and nobody comes out of it either, for it is shut.\n";

fn project() -> Project {
    let text = fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
    let text =
        text.replace("\"fixtures/uploads\"", "\"uploads\"").replace(", ratio = { of = \"passA.dictionary\", min = 0.05 }", "");
    let page = [
        (24, "The Road"),
        (11, "The road goes on and on through moss and reed, and nobody has ever come to its end or be-"),
        (11, "ginning, for it has neither, and those who say that they have seen one of them are dream-"),
        (11, "ing, or they are lying, or they were never here at all, which is what most people think."),
    ];
    let pages = [Page::Lines(&page), Page::Lines(&page[1..]), Page::Picture];
    let pdf = pdf(&pages, &[("The Road", 0), ("The Ghost", 2)]);
    Project::of_passes(&text).source("loud.md", &format!("{BOOK}{TWICE}{TWICE}")).file("uploads/road.pdf", pdf)
}

/// The project with these params of pass F.
fn with(p: &Project, params: &str) -> Project {
    let text = p.text("Ingestfile.toml");
    let outputs = "outputs = { clean = \"passF_clean.json\", cleanup = \"passF_cleanup.json\" }";
    let head = text.split("\nparams  = { fail_on").next().unwrap();
    let rest = &text[text.find("\n\n[rule.passF.gate]").unwrap()..];
    let head = head.split(outputs).next().unwrap();
    p.ingestfile(&format!("{head}{outputs}\nparams  = {{ fail_on = {params} }}{rest}"))
}

/// By name: status, value and limit.
fn checks(p: &Project) -> BTreeMap<String, (String, f64, f64)> {
    let report = p.json("passF_cleanup.json");
    let number = |v: &serde_json::Value| v.as_f64().unwrap();
    let of = |c: &serde_json::Value| (c["status"].as_str().unwrap().to_owned(), number(&c["value"]), number(&c["limit"]));
    report["checks"].as_array().unwrap().iter().map(|c| (c["name"].as_str().unwrap().to_owned(), of(c))).collect()
}

/// Checks of shares that should not be larger, and their params.
const AT_MOST: [(&str, &str); 7] = [
    ("exact_duplicates", "exact_duplicates_warn"),
    ("near_duplicates", "near_duplicates_warn"),
    ("empty_sections", "empty_sections_warn"),
    ("shouting_chunks", "shouting_chunks_warn"),
    ("unresolved_references", "unresolved_references_warn"),
    ("entities_without_definition", "undefined_entities_warn"),
    ("pages_needing_ocr", "ocr_pages_warn"),
];

/// Checks of shares that should not be smaller, and their params: for a warning, for a failure.
const AT_LEAST: [(&str, &str, &str); 3] = [
    ("coverage", "coverage_warn", "coverage_fail"),
    ("coverage_of_worst_source", "coverage_fail", "source_coverage_fail"),
    ("chunk_dictionary_ratio", "dictionary_ratio_warn", "dictionary_ratio_fail"),
];

#[test]
fn each_limit_is_a_param_and_its_check_turns_there() {
    let p = with(&project(), "false");
    p.build(&[]).ok();
    // Nothing of these books is lost on the way; by hand, some of it is.
    let coverage = p.json("passC_coverage.json").to_string();
    let (before, after) = coverage.split_once("\"chunked\":").unwrap();
    let (chunked, rest) = after.split_once(',').unwrap();
    let fewer = chunked.parse::<u32>().unwrap() - 5;
    p.file(&p.published("passC_coverage.json"), format!("{before}\"chunked\":{fewer},{rest}")).build(&["--accept", "passC"]).ok();
    let found = checks(&p);
    let is_shown = |name: &str| found[name].1 > 0.0;
    let shown: Vec<&str> = AT_MOST.iter().map(|(name, _)| *name).filter(|name| is_shown(name)).collect();
    assert_eq!(shown.len(), AT_MOST.len(), "the books have too little of something: {found:#?}");
    assert!(found["coverage"].1 < 1.0, "{found:#?}");

    let params =
        |by: f64| AT_MOST.iter().map(|(name, param)| format!(", {param} = {:.6}", found[*name].1 + by)).collect::<String>();
    with(&p, &format!("false{}", params(-0.0005))).build(&[]).ok().ran(&["passF loud.md", "passF road.pdf"]);
    let below = checks(&p);
    with(&p, &format!("false{}", params(0.0005))).build(&[]).ok();
    let above = checks(&p);
    for (name, _) in AT_MOST {
        let limits = (below[name].2 - (below[name].1 - 0.0005)).abs() + (above[name].2 - (above[name].1 + 0.0005)).abs();
        assert!(limits < 0.000_01, "{name}: {below:#?}");
        assert_eq!((below[name].0.as_str(), above[name].0.as_str()), ("warn", "pass"), "{name}");
    }
    for (name, warn, fail) in AT_LEAST {
        let value = found[name].1;
        let status = |warn_at: f64, fail_at: f64| {
            with(&p, &format!("false, {warn} = {warn_at:.6}, {fail} = {fail_at:.6}")).build(&[]).ok();
            checks(&p)[name].0.clone()
        };
        let (under, over) = (value - 0.0005, value + 0.0005);
        assert_eq!([status(under, under), status(over, under), status(over, over)], ["pass", "warn", "fail"], "{name}");
        let failing = with(&p, &format!("true, {warn} = {over:.6}, {fail} = {over:.6}")).build(&[]);
        failing.fails(1).stderr_has("checks failed: ").stderr_has(&format!("`{name}` is {value}"));
    }
    let strict = with(&p, "false, fail_on_warnings = true").build(&[]);
    strict.fails(1).stderr_has("checks failed: ").stderr_has("`shouting_chunks` is ");
}

#[test]
fn how_alike_near_duplicates_are_is_a_param() {
    let p = with(&project(), "false, near_duplicate_similarity = 0.5");
    p.build(&[]).ok();
    let alike = checks(&p)["near_duplicates"].1;
    with(&p, "false, near_duplicate_similarity = 1.0").build(&[]).ok();
    let same = checks(&p)["near_duplicates"].1;
    assert!(alike > same, "{alike} {same}");
}

#[test]
fn a_misspelt_limit_and_a_share_above_one_are_told_where_they_stand() {
    let p = project();
    with(&p, "true, coverage_fial = 0.5").build(&[]).fails(2).stderr_has("`validate` has no param `coverage_fial`");
    with(&p, "true, coverage_fial = 0.5")
        .build(&[])
        .stderr_has("did you mean `coverage_fail`?")
        .stderr_has("--> Ingestfile.toml:");
    let share = with(&p, "true, ocr_pages_warn = 1.5").build(&[]);
    share
        .fails(2)
        .stderr_has("bad param `ocr_pages_warn` of `validate`: it is a share, between 0 and 1")
        .stderr_has("--> Ingestfile.toml:");
    let text = with(&p, "true, max_orphans = \"none\"").build(&[]);
    text.fails(2).stderr_has("`max_orphans`").stderr_has("--> Ingestfile.toml:");
    let negative = with(&p, "true, dictionary_ratio_warn = -1.0").build(&[]);
    negative.fails(2).stderr_has("`dictionary_ratio_warn`").stderr_has("--> Ingestfile.toml:");
    assert!(!p.exists("artifacts"));
}
