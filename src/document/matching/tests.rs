//! The planted sentences of fixtures/sentences/names.txt, and what they do not cover.

use super::*;
use crate::document::term::Kind;

const SENTENCES: &str = include_str!("../../../fixtures/sentences/names.txt");

fn kind(name: &str) -> Kind {
    Kind::new(name).unwrap()
}

fn parts(line: &str) -> Vec<String> {
    line.split('|').map(|p| p.trim().to_owned()).collect()
}

fn name(kind: Kind, term: &str, aliases: &[&str]) -> TermName {
    let term_id = crate::document::ids::term_id("book", kind.name(), term);
    TermName { term_id, term: term.to_owned(), kind, aliases: aliases.iter().map(|a| (*a).to_owned()).collect() }
}

fn dictionary() -> Vec<TermName> {
    let mut names: Vec<TermName> = SENTENCES
        .lines()
        .filter_map(|l| l.strip_prefix("name "))
        .map(|l| {
            let parts = parts(l);
            let aliases: Vec<&str> = parts[2..].iter().map(String::as_str).collect();
            name(kind(&parts[0]), &parts[1], &aliases)
        })
        .collect();
    names.sort_by(|a, b| a.term_id.cmp(&b.term_id));
    names
}

fn shown(names: &[TermName], text: &str, found: &[Found]) -> Vec<String> {
    let slice = |f: &Found| text.chars().skip(f.start as usize).take((f.end - f.start) as usize).collect::<String>();
    found.iter().map(|f| format!("{} | {} | {}", names[f.term].kind.name(), names[f.term].term, slice(f))).collect()
}

#[test]
fn the_planted_sentences_are_read_as_a_careful_reader_would() {
    let names = dictionary();
    let matcher = Matcher::new(&names, Vocabulary::bundled().unwrap()).unwrap();
    let mut path: Vec<String> = Vec::new();
    let mut cases: Vec<(String, Vec<String>, Vec<String>)> = Vec::new();
    for line in SENTENCES.lines() {
        if let Some(titles) = line.strip_prefix("under") {
            path = titles.split('/').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect();
        } else if let Some(text) = line.strip_prefix("> ") {
            cases.push((text.replace("\\n", "\n"), path.clone(), Vec::new()));
        } else if let (Some(entity), Some(case)) = (line.strip_prefix("= "), cases.last_mut()) {
            case.2.push(entity.replace("\\n", "\n"));
        }
    }
    assert!(cases.len() >= 50);
    let mut wrong = Vec::new();
    for (text, path, expected) in &cases {
        let found = shown(&names, text, &matcher.find(text, path));
        if &found != expected {
            wrong.push(format!("{text:?}\n   expected {expected:?}\n   found    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} sentences are misread:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn an_empty_dictionary_finds_nothing() {
    assert!(Matcher::new(&[], Vocabulary::bundled().unwrap()).unwrap().find("Shield", &[]).is_empty());
}

#[test]
fn names_without_letters_are_not_searched_for() {
    let names = [name(kind("rule"), "+1", &[]), name(kind("rule"), "X", &[])];
    assert!(Matcher::new(&names, Vocabulary::bundled().unwrap()).unwrap().find("+1 X", &[]).is_empty());
}

#[test]
fn a_written_name_goes_before_the_singular_of_one_that_overlaps_it() {
    let names = [name(kind("rule"), "Attack Roll", &[]), name(kind("rule"), "Melee Attacks", &[])];
    let matcher = Matcher::new(&names, Vocabulary::bundled().unwrap()).unwrap();
    let text = "Melee Attack Roll: +4. A melee attack hits.";
    assert_eq!(
        shown(&names, text, &matcher.find(text, &[])),
        ["rule | Attack Roll | Attack Roll", "rule | Melee Attacks | melee attack"]
    );
}

#[test]
fn a_name_runs_on_over_a_page_but_not_over_a_paragraph() {
    let names = [name(kind("spell"), "Fire Bolt", &[])];
    let matcher = Matcher::new(&names, Vocabulary::bundled().unwrap()).unwrap();
    assert_eq!(matcher.find("Against cold you may learn to cast Fire\n\nBolt at once.", &[]).len(), 1);
    assert!(matcher.find("They warmed their hands at the fire.\n\nBolt the door.", &[]).is_empty());
    assert!(matcher.find("Fire\n\nBolt the door.", &[]).is_empty());
}

#[test]
fn a_bracketed_qualifier_is_whole() {
    let names = [name(kind("condition"), "Blinded", &["Blinded [Condition]"])];
    let text = "Blinded [Condition]\nYou cannot see.";
    assert_eq!(
        shown(&names, text, &Matcher::new(&names, Vocabulary::bundled().unwrap()).unwrap().find(text, &[])),
        ["condition | Blinded | Blinded [Condition]"]
    );
}

#[test]
fn a_speed_or_a_property_is_no_spell() {
    let names = [name(kind("spell"), "Fly", &[]), name(kind("spell"), "Light", &[])];
    let matcher = Matcher::new(&names, Vocabulary::bundled().unwrap()).unwrap();
    assert!(matcher.find("Speed: 10 ft., Fly 90 ft. It has the Light property.", &[]).is_empty());
}
