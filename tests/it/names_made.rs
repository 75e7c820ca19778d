//! Names that commands and requests make: what a command leaves in its `outputs/` is looked at before it is taken. What is
//! refused fails that action with its reason, touches nothing outside, and costs no other item.

use std::os::unix::fs::MetadataExt;

use serde_json::json;

use crate::project::{Built, Project};

/// A rule with a tree and a file for each source. `bad.txt` does what is hostile, `good.txt` what it should.
fn project(hostile: &str) -> Project {
    let p = Project::new(&format!(
        r#"
version = 1

[job]
sources = "uploads"

[rule.cut]
each    = "source"
inputs  = {{ source = "source" }}
command = """
echo part > {{parts}}/one.txt; echo whole > {{whole}}
grep -q bad {{source}} || exit 0
{hostile}
"""
outputs = {{ parts = "parts/", whole = "whole/{{id}}.txt" }}
"#
    ));
    p.source("good.txt", "good\n")
        .source("bad.txt", "bad\n")
        .file("outside/secret.txt", "secret\n")
        .file("outside/one.txt", "mine\n")
}

/// The hostile command fails with `reason`; the other item is built, and what lies outside is what it was.
#[track_caller]
fn refused(hostile: &str, reason: &str) -> Built {
    let p = project(hostile);
    let before = p.tree("outside");
    let built = p.build(&["-k"]);
    built.fails(1).failed(&["cut bad.txt"]).ran(&["cut good.txt"]);
    built.stderr_has(&format!("error: cut bad.txt: {reason}"));
    assert_eq!(p.tree("outside"), before);
    assert_eq!(p.artifact("whole/good.txt.txt"), "whole\n");
    assert!(!p.published_files().iter().any(|f| f.contains("bad")), "{:?}", p.published_files());
    p.leaves_nothing_behind();
    built
}

#[test]
fn a_link_planted_among_the_outputs_is_refused() {
    let planted = |name: &str| format!("the command left a link at `{name}`, where only files and folders may be");
    refused("ln -s ../../../../outside/secret.txt {parts}/two.txt", &planted("parts/two.txt"));
    refused("ln -s $PWD/outside {parts}/folder", &planted("parts/folder"));
    refused("rm {whole}; ln -s $PWD/outside/secret.txt {whole}", &planted("outputs/whole.txt"));
    refused("rm -r {parts}; ln -s $PWD/outside {parts}", &planted("outputs/parts"));
    refused("ln -s /etc/passwd $(dirname {whole})/undeclared", &planted("outputs/undeclared"));
    refused("ln -s loop {parts}/loop", &planted("parts/loop"));
}

#[test]
fn outputs_that_are_led_to_somebody_elses_files_are_refused_and_those_stay() {
    let planted = |name: &str| format!("the command left a link at `{name}`, where only files and folders may be");
    let all = "mkdir outside/parts; cp outside/secret.txt outside/whole.txt;";
    let p = project(&format!("{all} rm -r $(dirname {{whole}}); ln -s $PWD/outside $(dirname {{whole}})"));
    p.build(&["-k"]).fails(1).failed(&["cut bad.txt"]).stderr_has(&planted("outputs"));
    assert_eq!(p.text("outside/whole.txt"), "secret\n");
    let own = "D=$(dirname $(dirname {whole})); mv $D moved; ln -s $PWD/moved $D";
    let p = project(own);
    p.build(&["-k"]).fails(1).failed(&["cut bad.txt"]).stderr_has(&planted("."));
    assert_eq!(p.text("moved/outputs/whole.txt"), "whole\n", "the link goes, and not what it led to");
}

#[test]
fn pipes_and_devices_among_the_outputs_are_refused_and_never_opened() {
    let what = "the command left a pipe, a socket or a device at";
    refused("mkfifo {parts}/two", &format!("{what} `parts/two`"));
    refused("rm {whole}; mkfifo {whole}", &format!("{what} `outputs/whole.txt`"));
}

#[test]
fn an_output_of_another_kind_is_refused() {
    refused("rm {whole}; mkdir {whole}", "the command's output `whole` is a folder, not a file");
    refused("rm -r {parts}; echo x > {parts}", "the command's output `parts` is a file, not a folder");
    refused("rm {whole}", "the command did not write its output `whole`");
    refused("rm -r $(dirname {whole})", "the command did not write its output `outputs`");
}

#[test]
fn an_answer_that_names_a_path_outside_its_outputs_moves_nothing() {
    // What a response names are outputs of the rule; where they lie, a command is told and does not tell.
    let answers = [
        (r#"{\"whole\": \"../../../outside/secret.txt\"}"#, "the response of the command is refused: invalid type: map"),
        (r#"[\"../../../outside/secret.txt\"]"#, "it names an output `../../../outside/secret.txt`, which the rule has not"),
        (r#"[\"/etc/passwd\"]"#, "it names an output `/etc/passwd`, which the rule has not"),
    ];
    for (outputs, refusal) in answers {
        let response = r#"{\"version\":1,\"tool\":{\"name\":\"sh\",\"version\":\"\"},\"item\":\"bad.txt\",\"outputs\":OUTPUTS,\"counts\":{},\"tokens\":{},\"warnings\":[],\"error\":null}"#;
        let response = response.replace("OUTPUTS", outputs);
        let p = project(&format!("printf '{response}' > $(dirname $(dirname {{whole}}))/response.json"));
        p.build(&["-k"]).fails(1).failed(&["cut bad.txt"]).stderr_has(refusal);
        assert_eq!(p.text("outside/secret.txt"), "secret\n");
    }
    let folder = "echo x > {parts}/../../../../../escaped.txt; echo x > {parts}/../sibling.txt";
    let p = project(folder);
    p.build(&[]).ok();
    assert_eq!(
        p.published_files(),
        ["parts/bad.txt/one.txt", "parts/good.txt/one.txt", "whole/bad.txt.txt", "whole/good.txt.txt"]
    );
}

#[test]
fn a_hard_link_to_a_file_of_somebody_elses_is_copied() {
    let p = project(
        "rm {whole}; ln outside/secret.txt {whole}; ln outside/secret.txt {parts}/s.txt; echo mine > {parts}/s.private-copy",
    );
    p.build(&[]).ok();
    let inode = |path: &str| p.path(path).metadata().unwrap().ino();
    let own = inode("outside/secret.txt");
    let written = p
        .tree("cache")
        .into_keys()
        .map(|f| format!("cache/{f}"))
        .chain(p.tree("artifacts").into_keys().map(|f| format!("artifacts/{f}")));
    written.for_each(|f| assert_ne!(inode(&f), own, "{f}"));
    p.file("outside/secret.txt", "edited\n");
    assert_eq!(p.artifact("whole/bad.txt.txt"), "secret\n");
    assert_eq!(p.artifact("parts/bad.txt/s.private-copy"), "mine\n");
    p.build(&[]).nothing_to_do();
}

#[test]
fn names_in_a_tree_that_some_system_does_not_have_are_refused() {
    let why = r#"it holds a control character or one of / \ : * ? " < > |"#;
    for (name, shown) in
        [("a\\\\134b", "a\\b"), ("a\\\\033b", "a\\u{1b}b"), ("a:b", "a:b"), ("what?", "what?"), ("a\\\\nb", "a\\nb")]
    {
        refused(&format!("touch \"{{parts}}/$(printf '{name}')\""), &format!("the command's file `{shown}` is refused: {why}"));
    }
    refused("mkdir {parts}/x; touch {parts}/x/NUL.txt", "the command's file `x/NUL.txt` is refused: it is the name of a device");
    refused("touch '{parts}/end.'", "the command's file `end.` is refused: it ends with a dot or a space");
}

/// File systems of macOS take no such names.
#[cfg(target_os = "linux")]
#[test]
fn names_in_a_tree_that_are_not_utf_8_are_refused() {
    refused("touch \"{parts}/$(printf 'a\\\\377')\"", "the command's file `a\\xff` is refused: its name is not Unicode");
}

/// Elsewhere one file system in two has no such pairs.
#[cfg(target_os = "linux")]
#[test]
fn names_in_a_tree_that_are_one_file_elsewhere_are_refused_and_both_are_named() {
    refused(
        "echo 1 > {parts}/a.txt; echo 2 > {parts}/A.txt",
        "the command's files `A.txt` and `a.txt` have one name where case does not count",
    );
    refused("mkdir {parts}/x {parts}/X", "the command's files `X` and `x` have one name where case does not count");
    let forms = "echo 1 > {parts}/\u{e9}.txt; echo 2 > {parts}/e\u{301}.txt";
    refused(forms, "the command's files `e\u{301}.txt` and `\u{e9}.txt` have one name where Unicode forms are one");
    let p = project("echo 1 > {parts}/e\u{301}.txt");
    p.build(&[]).ok();
    assert!(p.exists(&p.published("parts/bad.txt/\u{e9}.txt")), "names are published in one form");
}

#[test]
fn a_tree_that_is_too_deep_is_refused() {
    let deep = "cd {parts}; i=0; while [ $i -lt 40 ]; do mkdir d; cd d; i=$((i+1)); done; echo x > x";
    refused(deep, "the command's output `parts` holds more than 32 folders within each other");
}

#[test]
fn entries_of_a_tree_that_differ_in_extension_or_folder_are_items_of_their_own() {
    let rule = "\n[rule.copy]\neach = \"cut.parts\"\ninputs = { part = \"part\" }\ncommand = \"cat {part} > {out}/z\"\noutputs = { out = \"copies/\" }\n";
    let p = project("mkdir {parts}/y.d; for f in one.md y.d/1 y.d/2 y; do echo $f > {parts}/$f; done");
    let text = p.text("Ingestfile.toml") + rule;
    p.ingestfile(&text).build(&[]).ok();
    let copies: Vec<String> = p.published_files().into_iter().filter(|f| f.starts_with("copies/bad.txt")).collect();
    assert_eq!(copies, ["one.md", "one.txt", "y.d/1", "y.d/2", "y"].map(|id| format!("copies/bad.txt/{id}/z")));
    assert_eq!(p.artifact("copies/bad.txt/y.d/2/z"), "y.d/2\n");
}

#[test]
fn a_name_never_reads_as_an_option_of_a_command() {
    let p = Project::new(
        "version = 1\n[job]\nsources = \"uploads\"\ninclude = [\"**/*\"]\n[rule.show]\neach = \"source\"\ninputs = { source = \"source\" }\n\
         command = [\"sh\", \"-c\", \"printf '%s\\n' \\\"$1\\\" \\\"$2\\\" > \\\"$2\\\"\", \"sh\", \"{source}\", \"{out}\"]\noutputs = { out = \"out/{id}.txt\" }\n",
    );
    for name in ["-rf", "--help", "$(touch hit)", "a b", "x\" > hit; \"", "-o.txt"] {
        p.source(name, name);
    }
    p.build(&[]).ok();
    assert!(!p.exists("hit"));
    assert_eq!(p.published_files().len(), 6);
    for file in p.published_files() {
        for line in p.artifact(&file).lines() {
            assert!(line.starts_with("cache/staging/") && !line.contains(['$', ' ', '"', '`']), "{line}");
        }
    }
}

#[test]
fn a_request_names_nothing_outside_its_folder() {
    let p = Project::new("version = 1").file("victim.txt", "mine\n").file("r/inputs/a.md", "# A\n\nText of a book.\n");
    std::os::unix::fs::symlink("../..", p.path("r/inputs/up")).unwrap();
    std::os::unix::fs::symlink("..", p.path("r/outside")).unwrap();
    std::os::unix::fs::symlink("loop", p.path("r/inputs/loop")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(p.path("r/inputs/pipe")).status().unwrap().success());
    let request = |source: &str, out: &str| {
        let item = json!({"id": "a.md", "source_id": "a.md", "path": "a.md"});
        let text = json!({"version": 1, "rule": "pages", "item": item, "inputs": {"source": source}, "outputs": {"groups": out}});
        p.file("r/request.json", text.to_string()).run(&["run-pass", "pages", "--request", "r/request.json"])
    };
    for source in [
        "../victim.txt",
        "/etc/passwd",
        "inputs/up/victim.txt",
        "inputs/loop",
        "inputs\\a.md",
        "",
        "inputs/a.md\u{0}",
        "inputs",
        "inputs/pipe",
    ] {
        let built = request(source, "outputs/groups");
        assert!(matches!(built.code, Some(1 | 2)), "{source:?}: {:?}", built.code);
    }
    for out in [
        "../groups",
        "/tmp/groups",
        "outside/groups",
        "outside",
        "inputs/up/groups",
        "inputs/a.md",
        "request.json",
        "response.json",
        "a\\b",
        "con",
        "RESPONSE.json",
        "x:y",
    ] {
        request("inputs/a.md", out).fails(2).stderr_has("is refused");
    }
    assert!(!p.exists("groups"));
    assert_eq!(p.text("victim.txt"), "mine\n");
    request("inputs/a.md", "outputs/groups").ok();
}
