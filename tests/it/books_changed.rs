//! Books that come, go, change and are renamed: after every step the artifacts are those of a build from nothing, byte for
//! byte, and nothing is left of what only a book that is gone supported.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::project::{Project, repository};

const ARTIFACTS: [&str; 5] =
    ["passA_dictionary.json", "passD_enriched.json", "passE_graph.json", "passF_clean.json", "passF_cleanup.json"];

/// An entry of a book: where it stands, its name, and what is said of it.
const ENTRIES: [(&str, &str, &str); 12] = [
    ("Spells", "Shield", "Casting Time: Action\n\nRange: Self\n\nDuration: 1 round\n\nA wall of air stops 2d6 damage."),
    ("Spells", "Glow", "Casting Time: Action\n\nRange: 30 feet\n\nDuration: 1 hour\n\nA stone glows (see Conditions)."),
    ("Spells", "Hunter’s Mark", "Casting Time: Action\n\nRange: 90 feet\n\nDuration: 1 hour\n\nThe prey is blinded by fear."),
    ("Spells", "Mist Door", "Casting Time: Action\n\nRange: Touch\n\nDuration: 1 minute\n\nThe bog witch opens it."),
    (
        "Creatures",
        "Bog Witch",
        "Armor Class: 12\n\nHit Points: 30\n\nSpeed: 30 ft.\n\nShe casts Glow and Shield, and knows the tar hound.",
    ),
    ("Creatures", "Tar Hound", "Armor Class: 14\n\nHit Points: 9\n\nSpeed: 50 ft.\n\nIt bites for 1d8+2 piercing damage."),
    ("Creatures", "Éclair Drake", "Armor Class: 17\n\nHit Points: 80\n\nSpeed: 20 ft.\n\nIt fears Hunter's Mark."),
    ("Conditions", "Blinded", "Who is blinded sees nothing, neither friends nor foes nor the way home."),
    ("Conditions", "Prone", "Who falls prone lies on the ground until they rise."),
    ("Conditions", "Charmed", "Who is charmed calls everybody a friend (see Shield)."),
    ("Rules", "Salt Ward", "A line of salt. SW lasts until the tide; the Attack Roll fails there."),
    ("Rules", "Attack Roll", "Roll a d20 against DC 15. See “Salt Ward” and Chapter 3."),
];

const VOCABULARY: &str = "version = 1\n[synonyms]\nSW = \"Salt Ward\"\nBW = \"Bog Witch\"\n";

/// A shelf of books: by path, which entries each holds, in order, and a sentence of its own.
type Shelf = BTreeMap<String, (Vec<usize>, usize)>;

const SENTENCES: [&str; 5] = [
    "Nobody crosses the moor at night, and nobody should, for the lights there are no lamps.",
    "The two bog witches of the moor keep tar hounds, and a BW never sleeps.",
    "You may shield your eyes; the Shield spell does not shield them.",
    "Two prone guards, three éclair drakes and an SW are all that is left of the gate.",
    "See page 4, or Chapter 2, or nothing at all: it is told nowhere else.",
];

fn text(title: &str, (entries, sentence): &(Vec<usize>, usize)) -> String {
    let mut text = format!("# {title}\n\n{}\n", SENTENCES[*sentence]);
    let mut under = "";
    for (place, name, said) in entries.iter().map(|e| ENTRIES[*e]) {
        if place != under {
            text += &format!("\n## {place}\n\nWhat follows is told of old.\n");
            under = place;
        }
        text += &format!("\n### {name}\n\n{said}\n");
    }
    text
}

fn project(shelf: &Shelf) -> Project {
    let text = fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
    let text =
        text.replace("\"fixtures/uploads\"", "\"uploads\"").replace(", ratio = { of = \"passA.dictionary\", min = 0.05 }", "");
    // Books as small as these may fail a check; what the checks say is compared.
    let validate = "outputs = { clean = \"passF_clean.json\", cleanup = \"passF_cleanup.json\" }";
    let text = text.replace(validate, &format!("{validate}\nparams  = {{ fail_on = false }}"));
    let text = text.replace("[rule.pages]", "[vocabulary]\nfiles = [\"games/moor.toml\"]\n\n[rule.pages]");
    let p = Project::of_passes(&text).file("games/moor.toml", VOCABULARY);
    write(&p, shelf);
    p
}

fn write(p: &Project, shelf: &Shelf) {
    if p.exists("uploads") {
        p.remove("uploads");
    }
    for (path, book) in shelf {
        p.source(path, &text("Tales of the Moor", book));
    }
}

/// Steps of a random walk that is the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    /// Up to eight entries, in the order of the list.
    fn entries(&mut self) -> Vec<usize> {
        let mut chosen: Vec<usize> = (0..3 + self.below(6)).map(|_| self.below(ENTRIES.len())).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    fn path(&mut self) -> String {
        format!("{}{}.md", ["", "more/", "a/"][self.below(3)], ["moor", "Moor Two", "zeta", "ålesund", "b"][self.below(5)])
    }

    /// One step; what it was.
    fn step(&mut self, shelf: &mut Shelf) -> String {
        let nth = self.below(shelf.len());
        let path = shelf.keys().nth(nth).unwrap().clone();
        match self.below(6) {
            0 if shelf.len() > 1 => {
                shelf.remove(&path);
                format!("{path} is gone")
            }
            1 => {
                let to = self.path();
                let book = shelf.remove(&path).unwrap();
                shelf.insert(to.clone(), book);
                format!("{path} is called {to}")
            }
            2 => {
                let to = self.path();
                let book = (self.entries(), self.below(SENTENCES.len()));
                shelf.insert(to.clone(), book);
                format!("{to} is new")
            }
            3 => {
                let to = self.path();
                let book = shelf[&path].clone();
                shelf.insert(to.clone(), book);
                format!("{to} is a copy of {path}")
            }
            4 => {
                let book = shelf.get_mut(&path).unwrap();
                let lost = if book.0.is_empty() { 0 } else { self.below(book.0.len()) };
                if lost < book.0.len() {
                    book.0.remove(lost);
                }
                format!("{path} lost its entry {lost}")
            }
            _ => {
                let book = shelf.get_mut(&path).unwrap();
                book.1 = self.below(SENTENCES.len());
                format!("{path} begins otherwise")
            }
        }
    }
}

/// Nothing hangs on a book that is not there, and every entity has an edge.
#[track_caller]
fn stands_on_its_books(p: &Project) {
    let toc = p.json("passA_toc.json");
    let books: BTreeSet<&str> = toc.as_array().unwrap().iter().map(|t| t["source_id"].as_str().unwrap()).collect();
    let graph = p.json("passE_graph.json");
    let linked: BTreeSet<&str> = graph["edges"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|e| [e["source"].as_str().unwrap(), e["target"].as_str().unwrap()])
        .collect();
    for node in graph["nodes"].as_array().unwrap() {
        let many = node["source_ids"].as_array().into_iter().flatten();
        let sources: Vec<&str> =
            many.chain(node["source_id"].is_string().then_some(&node["source_id"])).map(|s| s.as_str().unwrap()).collect();
        assert!(!sources.is_empty() && sources.iter().all(|s| books.contains(s)), "{node}");
        assert!(node["kind"] != "entity" || linked.contains(node["id"].as_str().unwrap()), "{node}");
    }
    let dictionary = p.json("passA_dictionary.json");
    assert!(dictionary.as_array().unwrap().iter().all(|t| books.contains(t["source_id"].as_str().unwrap())));
}

#[test]
fn after_any_steps_the_artifacts_are_those_of_a_build_from_nothing() {
    let mut dice = Dice(2_026);
    let mut shelf =
        Shelf::from([("moor.md".to_owned(), (vec![0, 1, 2, 4, 5, 7, 8], 1)), ("zeta.md".to_owned(), (vec![0, 3, 6, 9, 10], 3))]);
    let p = project(&shelf);
    p.build(&[]).ok();
    let mut steps = Vec::new();
    for _ in 0..20 {
        steps.push(dice.step(&mut shelf));
        write(&p, &shelf);
        p.build(&[]).ok();
        let cold = project(&shelf);
        cold.build(&[]).ok();
        for name in ARTIFACTS {
            assert_eq!(p.artifact(name), cold.artifact(name), "{name} after {steps:#?}");
        }
        assert_eq!(p.published_files(), cold.published_files(), "{steps:#?}");
        stands_on_its_books(&p);
    }
    assert!(steps.iter().any(|s| s.ends_with("is gone")) && steps.iter().any(|s| s.contains("is called")), "{steps:#?}");
}

fn node(p: &Project, id: &str) -> Option<Value> {
    let graph = p.json("passE_graph.json");
    graph["nodes"].as_array().unwrap().iter().find(|n| n["id"] == id).cloned()
}

#[test]
fn an_entity_of_two_books_outlives_either_and_loses_what_only_that_one_said_of_it() {
    let shelf = Shelf::from([("a.md".to_owned(), (vec![4, 5, 7, 8], 0)), ("b.md".to_owned(), (vec![4, 6, 8], 0))]);
    let p = project(&shelf);
    p.build(&[]).ok();
    let both = node(&p, "entity:creature:bog-witch").unwrap();
    assert_eq!(both["source_ids"].as_array().unwrap().len(), 2);
    assert_eq!(both["aliases"], serde_json::json!(["BW"]));
    assert!(node(&p, "entity:creature:tar-hound").is_some());

    p.remove("uploads/a.md").build(&[]).ok();
    let one = node(&p, "entity:creature:bog-witch").unwrap();
    assert_eq!(one["source_ids"].as_array().unwrap().len(), 1);
    assert!(node(&p, "entity:creature:tar-hound").is_none(), "only the other book knew it");

    // Its definition is gone, and nobody names it.
    p.source("b.md", &text("Tales of the Moor", &(vec![8], 0))).build(&[]).ok();
    assert!(node(&p, "entity:creature:bog-witch").is_none());
}
