//! What a build does again, and what it leaves alone.

use crate::project::Project;

/// `text` takes comments away, so that a comment is an early cutoff; `pieces` fans out; `shout` is merged; `report` is made
/// once.
pub const WORDS: &str = r##"
version = 1

[job]
sources = "uploads"
include = ["**/*.txt"]

[rule.text]
each    = "source"
inputs  = { source = "source" }
command = "grep -v '^#' {source} > {out} || true"
outputs = { out = "text/{id}.txt" }

[rule.cut] # a line `name word` becomes a piece of that name
each    = "source"
inputs  = { text = "text.out" }
command = "while read -r name word; do echo $word > {pieces}/$name.txt; done < {text}"
outputs = { pieces = "pieces/" }

[rule.shout]
each    = "cut.pieces"
inputs  = { piece = "piece" }
command = '''printf '["%s"]' "$(tr a-z A-Z < {piece})" > {out}'''
outputs = { out = "shouts.json" }

[rule.report]
inputs  = { all = "shout.out" }
command = "cat {all} > {out}"
outputs = { out = "report.json" }
"##;

pub fn words() -> Project {
    Project::new(WORDS).source("a.txt", "1 ash\n2 bat\n").source("b.txt", "1 cow\n")
}

const ALL: [&str; 8] =
    ["cut a.txt", "cut b.txt", "report", "shout a.txt/1", "shout a.txt/2", "shout b.txt/1", "text a.txt", "text b.txt"];

#[test]
fn a_second_build_has_nothing_to_do_and_writes_nothing() {
    let p = words();
    p.build(&[]).ok().ran(&ALL).ends_saying("ingest: 8 ran ([time] s)");
    let before = p.written();
    p.build(&[]).nothing_to_do();
    p.wrote_nothing_since(&before);
    p.run(&["build"]).nothing_to_do();
    p.run(&["build", "-q"]).nothing_to_do();
    p.wrote_nothing_since(&before);
    p.leaves_nothing_behind();
}

#[test]
fn an_edited_source_reruns_only_its_own_actions() {
    let p = words();
    p.build(&[]).ok();
    p.source("a.txt", "1 ash\n2 bee\n").build(&[]).ok().ran(&["text a.txt", "cut a.txt", "shout a.txt/2", "report"]);
    assert_eq!(p.artifact("report.json"), "[\"ASH\",\n\"BEE\",\n\"COW\"]");
    p.build(&[]).nothing_to_do();
}

#[test]
fn an_equal_output_stops_the_wave() {
    let p = words();
    p.build(&[]).ok();
    p.source("a.txt", "# a comment\n1 ash\n2 bat\n").build(&[]).ok().ran(&["text a.txt"]);
}

#[test]
fn what_was_built_before_comes_from_the_cache() {
    let p = words();
    p.build(&[]).ok();
    p.source("a.txt", "1 ant\n").build(&[]).ok();
    let back = p.source("a.txt", "1 ash\n2 bat\n").build(&[]);
    back.ok().ran(&[]).restored(&["text a.txt", "cut a.txt", "shout a.txt/1", "report"]);
    assert_eq!(p.artifact("report.json"), "[\"ASH\",\n\"BAT\",\n\"COW\"]");
    p.build(&[]).nothing_to_do();
}
