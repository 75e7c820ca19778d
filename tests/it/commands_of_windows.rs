//! Commands where `cmd` is the shell: their folder, their environment, and how they fail.

use crate::project::Project;

/// One file per source, made by what `cmd` has built in.
fn project(command: &str) -> Project {
    let rule = r#"
version = 1

[job]
sources = "uploads"
include = ["**/*.txt"]

[rule.copied]
each    = "source"
inputs  = { source = "source" }
command = 'COMMAND'
env     = ["Mark_Of_Test"]
outputs = { out = "out/{id}.txt" }
"#;
    Project::new(&rule.replace("COMMAND", command)).source("a b & c.txt", "one\n").source("two.txt", "two\n")
}

#[test]
fn what_cmd_has_built_in_reads_and_writes_what_it_is_given_and_runs_once() {
    let p = project("type {source} > {out}");
    p.build(&[]).ok().ran(&["copied a-b-c.txt-e99ccf8b", "copied two.txt"]);
    assert_eq!(p.artifact("out/two.txt.txt"), "two\n");
    p.build(&[]).nothing_to_do();
    p.source("two.txt", "zwei\n").build(&[]).ok().ran(&["copied two.txt"]);
}

#[test]
fn a_command_runs_in_the_folder_of_the_project() {
    let p = project("cd > {out} & if not exist Ingestfile.toml exit 3");
    p.build(&[]).ok();
    let (here, root) = (p.artifact("out/two.txt.txt"), p.path("").canonicalize().unwrap());
    assert_eq!(std::path::Path::new(here.trim()).canonicalize().unwrap(), root);
    assert!(!here.starts_with(r"\\?\"), "{here}");
}

#[test]
fn a_declared_variable_is_given_however_it_is_spelt_and_no_other() {
    let p = project("echo %MARK_OF_TEST%,%OTHER_OF_TEST%> {out}").env("MARK_OF_TEST", "red").env("OTHER_OF_TEST", "blue");
    p.build(&[]).ok();
    assert_eq!(p.artifact("out/two.txt.txt").trim(), "red,%OTHER_OF_TEST%");
    let p = p.env("MARK_OF_TEST", "green");
    p.build(&[]).ok().ran(&["copied a-b-c.txt-e99ccf8b", "copied two.txt"]);
}

#[test]
fn a_command_that_fails_or_is_not_there_is_told_with_its_words() {
    let p = project("echo no such book & exit 7");
    p.build(&[]).fails(1).stderr_has("the command ended with exit code 7 and said:").stderr_has("no such book");
    let p = project("no-such-program-of-test {source} {out}");
    p.build(&[]).fails(1).stderr_has("no-such-program-of-test");
}

#[test]
fn a_command_that_takes_too_long_is_ended() {
    let p = project("ping -n 60 127.0.0.1 > nul & type {source} > {out}").edit(
        "Ingestfile.toml",
        "outputs =",
        "timeout_s = 1\noutputs =",
    );
    let began = std::time::Instant::now();
    p.build(&[]).fails(1).stderr_has("1 s");
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
}
