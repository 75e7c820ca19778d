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

/// Two sources of three words in all.
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

#[test]
fn a_touched_source_reruns_nothing() {
    let p = words();
    p.build(&[]).ok();
    p.touch("uploads/a.txt").build(&[]).nothing_to_do();
    p.file("uploads/a.txt", "1 ash\n2 bat\n").build(&[]).nothing_to_do();
}

#[test]
fn what_a_deleted_source_published_is_unpublished() {
    let p = words();
    p.build(&[]).ok();
    assert!(p.exists(&p.published("pieces/b.txt/1.txt")));
    p.remove("uploads/b.txt").build(&[]).ok().ran(&["report"]);
    assert_eq!(p.published_files(), ["pieces/a.txt/1.txt", "pieces/a.txt/2.txt", "report.json", "shouts.json", "text/a.txt.txt"]);
    assert_eq!(p.artifact("report.json"), "[\"ASH\",\n\"BAT\"]");
    assert!(!p.exists(&p.published("pieces/b.txt")), "an empty folder stays");
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_new_source_runs_only_its_own_actions() {
    let p = words();
    p.build(&[]).ok();
    p.source("c.txt", "1 dog\n").build(&[]).ok().ran(&["text c.txt", "cut c.txt", "shout c.txt/1", "report"]);
    assert_eq!(p.artifact("shouts.json"), "[\"ASH\",\n\"BAT\",\n\"COW\",\n\"DOG\"]");
}

#[test]
fn a_renamed_source_moves_what_it_published() {
    let p = words();
    p.build(&[]).ok();
    let renamed = p.rename("uploads/b.txt", "uploads/z.txt").build(&[]);
    renamed.ok();
    assert!(!renamed.with_outcome("ran").iter().any(|a| a.contains("a.txt")), "{:?}", renamed.with_outcome("ran"));
    assert!(p.exists(&p.published("pieces/z.txt/1.txt")) && !p.exists(&p.published("pieces/b.txt")));
    assert!(p.exists(&p.published("text/z.txt.txt")) && !p.exists(&p.published("text/b.txt.txt")));
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_comment_in_the_ingestfile_reruns_nothing() {
    let p = words();
    p.build(&[]).ok();
    p.ingestfile(&format!("# a comment\n{WORDS}\n# another\n")).build(&[]).nothing_to_do();
}

#[test]
fn a_changed_command_reruns_only_its_rule() {
    let p = words();
    p.build(&[]).ok();
    p.edit("Ingestfile.toml", "cat {all} > {out}", "cat {all} > {out} && true").build(&[]).ok().ran(&["report"]);
    let cut = p.edit("Ingestfile.toml", "do echo $word", "do echo  $word").build(&[]);
    cut.ok().ran(&["cut a.txt", "cut b.txt"]);
}

#[test]
fn what_a_rule_that_is_no_more_published_is_told_and_cleaned_and_its_result_is_kept() {
    let p = words();
    p.build(&[]).ok();
    let without = &WORDS[..WORDS.find("[rule.report]").unwrap()];
    p.ingestfile(without).build(&[]).ok().ran(&[]).stderr_has("`ingest clean report` removes its 1 file");
    p.run(&["clean", "report"]).ok();
    assert!(!p.exists(&p.published("report.json")));
    p.build(&[]).stderr_lacks("warning").nothing_to_do();
    p.ingestfile(WORDS).build(&[]).ok().ran(&[]);
    assert_eq!(p.artifact("report.json"), "[\"ASH\",\n\"BAT\",\n\"COW\"]");
}

const ENVIRONMENT: &str = r#"
version = 1

[rule.told]
command = 'echo "said: $GREETING" > {out}'
outputs = { out = "told.txt" }
env     = ["GREETING"]

[rule.deaf]
command = 'echo "said: $GREETING" > {out}'
outputs = { out = "deaf.txt" }
"#;

#[test]
fn a_declared_variable_reruns_the_rules_that_declare_it_and_reaches_no_other() {
    let p = Project::new(ENVIRONMENT).env("GREETING", "hail");
    p.build(&[]).ok().ran(&["told", "deaf"]);
    assert_eq!((p.artifact("told.txt").as_str(), p.artifact("deaf.txt").as_str()), ("said: hail\n", "said: \n"));
    p.env("GREETING", "well met").build(&[]).ok().ran(&["told"]);
    p.env("GREETING", "well met").env("OTHER", "x").build(&[]).nothing_to_do();
    p.build(&[]).ok().restored(&["told"]);
}

const TOOL: &str = r#"
version = 1

[rule.uses]
command = ["sh", "tool.sh", "{out}"]
outputs = { out = "used.txt" }
version = ["sh", "tool.sh", "--version"]
files   = ["tool.sh", "settings.ini"]

[rule.ignores]
command = "echo > {out}"
outputs = { out = "ignored.txt" }
"#;

#[test]
fn a_declared_file_or_another_tool_version_reruns_the_rule_and_says_so() {
    let tool = |version: &str| format!("if [ \"$1\" = --version ]; then echo {version}; else echo > \"$1\"; fi\n");
    let p = Project::new(TOOL).file("tool.sh", tool("1.0")).file("settings.ini", "a");
    p.build(&[]).ok().ran(&["ignores", "uses"]);
    p.build(&[]).nothing_to_do();
    p.file("settings.ini", "b").build(&["-v"]).ok().ran(&["uses"]).stderr_has("file `settings.ini` changed");
    p.file("tool.sh", tool("2.0")).build(&["-v"]).ok().ran(&["uses"]).stderr_has("file `tool.sh` changed");
    let other = "version = [\"sh\", \"-c\", \"echo 3.0\"]";
    let newer = p.edit("Ingestfile.toml", "version = [\"sh\", \"tool.sh\", \"--version\"]", other).build(&["-v"]);
    newer.ok().ran(&["uses"]).stderr_has("version changed from `2.0` to `3.0`");
}
