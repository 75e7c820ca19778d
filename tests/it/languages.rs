//! Books in languages of which the program knows no word: how they refer to pages and chapters, count, and roll dice is in a
//! vocabulary file.

use std::fs;

use serde_json::{Value, json};

use crate::project::{Project, repository};
use crate::small_pdf::{Page, pdf};

const HEADING: i64 = 24;
const TEXT: i64 = 11;

/// "See page 1 and 3", "in chapter 2", "see camp fire", "three six-sided dice", in words of German.
fn lager() -> Vec<u8> {
    pdf(
        &[
            Page::Lines(&[
                (HEADING, "Vorwort"),
                (TEXT, "Dieses Buch ist alt und sein Einband ist es auch, und wer es liest, wird selbst alt davon."),
                (TEXT, "Mehr steht auf Seite 1 und 3, und wer es wagt, liest Seiten 2, 4 sowie 94 dazu."),
            ]),
            Page::Lines(&[
                (HEADING, "Leseweise"),
                (TEXT, "Was ein Lager ist, sagt Kapitel Eins und Kapitel 2 gibt den Rest dazu. Niemand liest Kapitel 9."),
                (TEXT, "Ein Blatt ist auf jeder Seite 3 Daumen breit und auf jeder Seite 4 Daumen hoch bedruckt."),
            ]),
            Page::Lines(&[
                (HEADING, "Kapitel 1: Das Lager"),
                (TEXT, "Das Lager steht am Rand der Welt. Holz gibt es dort kaum (siehe Holz und Reisig)."),
            ]),
            Page::Lines(&[
                (HEADING, "Holz und Reisig"),
                (TEXT, "Holz brennt lange. Wirf 2W6+1 und drei W8 dazu. Der Wald ist weit, und Wege gibt es darin keine."),
            ]),
            Page::Lines(&[
                (HEADING, "Kapitel 2: Die Wache"),
                (TEXT, "Die Wache hat kalte Finger und steht bis zum Morgen dort, wo sie immer steht."),
            ]),
            Page::Lines(&[
                (HEADING, "Anhang A"),
                (TEXT, "Hier steht, was sonst nirgends steht, und auch davon nicht alles, nur das halbe."),
            ]),
        ],
        &[],
    )
}

const GERMAN: &str = r#"version = 1

[fragment]
title = '\p{Lu}\p{L}*(?:\x20(?:(?:und|der|die|das|von)\x20)*\p{Lu}\p{L}*)*'
number = '\d+|(?:eins|zwei|drei|vier)\b'
chapter = '(?:\d{1,3}|Eins|Zwei|Drei)\b'

[numbers]
eins = 1
zwei = 2
drei = 3
vier = 4

[references]
phrases = ["Seite {page}", "Seiten {page}", "Kapitel {chapter}", "siehe {title}"]
chapters = ["Kapitel"]
and = ["und", "sowie"]
measures = ["Daumen"]

[expression.dice]
value = "dice"
patterns = ['\b(?P<count>{number})?\x20?W(?P<sides>\d+)(?:(?P<sign>[+-])(?P<modifier>\d+))?']
"#;

const SECTION: &str = "[vocabulary]\nfiles = [\"games/lager.toml\"]\n\n[rule.pages]";

fn project(vocabulary: Option<&str>) -> Project {
    let text = fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
    let text =
        text.replace("\"fixtures/uploads\"", "\"uploads\"").replace(", ratio = { of = \"passA.dictionary\", min = 0.05 }", "");
    let p = Project::of_passes(&text).file("uploads/lager.pdf", lager());
    match vocabulary {
        Some(words) => p.file("games/lager.toml", words).edit("Ingestfile.toml", "[rule.pages]", SECTION),
        None => p,
    }
}

/// What all chunks refer to, as printed: kind, target.
fn references(p: &Project) -> Vec<String> {
    let chunks = p.json("passD_enriched.json");
    let all = chunks.as_array().unwrap().iter().flat_map(|c| c["references"].as_array().unwrap().clone());
    all.map(|r| format!("{} {}", r["kind"].as_str().unwrap(), r["target"].as_str().unwrap())).collect()
}

/// Titles of sections that chunks lead to, sorted; and what leads nowhere, with its reason.
fn leads(p: &Project) -> (Vec<String>, Vec<(String, String)>) {
    let graph = p.json("passE_graph.json");
    let name_of = |id: &Value| {
        let node = graph["nodes"].as_array().unwrap().iter().find(|n| n["id"] == *id).unwrap();
        node["name"].as_str().unwrap().to_owned()
    };
    let edges = graph["edges"].as_array().unwrap();
    let mut titles: Vec<String> = edges.iter().filter(|e| e["kind"] == "refers_to").map(|e| name_of(&e["target"])).collect();
    titles.sort();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let mut unresolved: Vec<(String, String)> =
        graph["unresolved"].as_array().unwrap().iter().map(|u| (text(&u["target"]), text(&u["reason"]))).collect();
    unresolved.sort();
    (titles, unresolved)
}

#[test]
fn pages_chapters_and_titles_of_another_language_are_a_file_and_no_code() {
    let p = project(Some(GERMAN));
    p.build(&[]).ok();
    assert_eq!(
        references(&p),
        ["page 1", "page 3", "page 2", "page 4", "page 94", "chapter Eins", "chapter 2", "chapter 9", "section Holz und Reisig",],
        "in a list, in words, and no measure"
    );
    let (titles, unresolved) = leads(&p);
    assert_eq!(
        titles,
        [
            "Anhang A",
            "Holz und Reisig",
            "Holz und Reisig",
            "Kapitel 1: Das Lager",
            "Kapitel 1: Das Lager",
            "Kapitel 2: Die Wache",
            "Kapitel 2: Die Wache",
        ]
    );
    let told = [("9", "no section is chapter 9"), ("94", "no page bears the label 94")];
    assert_eq!(unresolved, told.map(|(target, reason)| (target.to_owned(), reason.to_owned())));
}

#[test]
fn numbers_in_words_and_dice_of_another_language_have_their_values() {
    let p = project(Some(GERMAN));
    p.build(&[]).ok();
    let chunks = p.json("passD_enriched.json");
    let all = chunks.as_array().unwrap().iter().flat_map(|c| c["entities"].as_array().unwrap().clone());
    let dice: Vec<Value> =
        all.filter(|m| m["kind"] == "dice").map(|m| json!([m["surface"], m["name"], m["value"]["average"]])).collect();
    assert_eq!(dice, [json!(["2W6+1", "2d6+1", 8]), json!(["drei W8", "3d8", 13.5])]);
}

#[test]
fn without_the_file_nothing_of_it_is_known() {
    let p = project(None);
    p.build(&[]).ok();
    assert_eq!(references(&p), Vec::<String>::new());
}
