//! What a command's `version` rests on, and when its tool is asked: a build with nothing to do starts no process.

use std::os::unix::fs::PermissionsExt;

use crate::project::Project;

const RULE: &str = r#"
version = 1

[rule.use]
command = "tool > {out}"
outputs = { out = "out.txt" }
files   = ["config.txt"]
version = ["tool", "--version"]
version_files = ["tool.lock"]
"#;

/// A tool in `folder` that writes down each time that it is asked for its version.
fn tool(p: &Project, folder: &str, version: &str) -> Project {
    let path = format!("{folder}/tool");
    let text = format!("#!/bin/sh\n[ \"$1\" = --version ] && echo asked >> asked.txt\necho {version}\n");
    p.file(&path, text);
    std::fs::set_permissions(p.path(&path), PermissionsExt::from_mode(0o755)).unwrap();
    p.clone()
}

/// The project, with `folders` of it before the PATH of this process.
fn along(p: &Project, folders: &[&str]) -> Project {
    let mut path: Vec<_> = folders.iter().map(|f| p.path(f)).collect();
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    p.env("PATH", std::env::join_paths(path).unwrap().to_str().unwrap())
}

fn project() -> Project {
    let p = Project::new(RULE).file("config.txt", "1").file("tool.lock", "1").file("asked.txt", "");
    along(&tool(&p, "tools", "tool 1"), &["tools"])
}

#[track_caller]
fn was_asked(p: &Project, times: usize) {
    assert_eq!(p.text("asked.txt").lines().count(), times, "how often the tool was asked for its version");
}

#[test]
fn a_build_with_nothing_to_do_starts_no_process() {
    let p = project();
    p.build(&[]).ok().ran(&["use"]);
    was_asked(&p, 1);
    assert!(p.exists("cache/idle.snapshot"), "the short way to nothing to do is open");
    let before = p.written();
    p.build(&[]).nothing_to_do();
    p.run(&["build", "use"]).nothing_to_do();
    p.run(&["build", "-n"]).ok().ends_saying("ingest: nothing to do");
    p.run(&["why", "use"]).ok().stdout_has("use is up to date");
    p.run(&["status"]).ok();
    p.wrote_nothing_since(&before);
    was_asked(&p, 1);
    p.touch("tool.lock").touch("tools/tool").build(&[]).nothing_to_do();
    was_asked(&p, 1);
}

#[test]
fn it_is_asked_again_after_an_edit_to_what_the_version_rests_on() {
    let p = project();
    p.build(&[]).ok();
    for (edit, asked) in [("tool.lock", 2), ("tools/tool", 3)] {
        p.file(edit, p.text(edit) + "# edited\n");
        p.build(&[]).nothing_to_do();
        was_asked(&p, asked);
        p.build(&[]).nothing_to_do();
        was_asked(&p, asked);
    }
    p.file("config.txt", "2").build(&[]).ok().ran(&["use"]);
    was_asked(&p, 4);
}

#[test]
fn another_version_runs_the_rule() {
    let p = project();
    p.build(&[]).ok();
    tool(&p, "tools", "tool 2").build(&[]).ok().ran(&["use"]);
    p.run(&["why", "use", "--last"]).ok().stdout_has("its tool's version changed from `tool 1` to `tool 2`");
    tool(&p, "tools", "tool 1").build(&[]).ok().ran(&[]).restored(&["use"]);
}

#[test]
fn another_tool_earlier_in_the_path_is_noticed() {
    let p = project();
    p.build(&[]).ok();
    let early = along(&tool(&p, "early", "tool early"), &["early", "tools"]);
    early.build(&[]).ok().ran(&["use"]);
    assert_eq!(p.artifact("out.txt"), "tool early\n");
    early.build(&[]).nothing_to_do();
    std::fs::set_permissions(p.path("early/tool"), PermissionsExt::from_mode(0o644)).unwrap();
    early.build(&[]).ok().restored(&["use"]);
    assert_eq!(p.artifact("out.txt"), "tool 1\n");
}

#[test]
fn a_dry_run_and_why_start_no_process_to_learn_a_version() {
    let p = project();
    p.run(&["build", "-n"]).ok().stdout_has("run use: it was never built\n");
    p.run(&["why", "use"]).ok().stdout_has("use would run: it was never built");
    was_asked(&p, 0);
    p.build(&[]).ok();
    p.file("tool.lock", "2");
    let before = p.written();
    p.run(&["build", "-n"])
        .ok()
        .stdout_has("may run use: its tool would be asked for its version first: what `tool 1` rested on changed\n");
    p.run(&["why", "use"]).ok().stdout_has("its tool would be asked for its version first");
    p.run(&["status"]).ok().stdout_has("its tool would be asked for its version first");
    p.wrote_nothing_since(&before);
    was_asked(&p, 1);
}

#[test]
fn a_tool_that_is_replaced_while_its_command_runs_is_noticed() {
    let p = project();
    p.edit("Ingestfile.toml", "tool > {out}", "[ -e new ] && mv new tools/tool; tool > {out}");
    tool(&p, ".", "tool 2").rename("tool", "new");
    p.build(&[]).ok();
    assert_eq!(p.artifact("out.txt"), "tool 2\n");
    p.run(&["why", "use"]).ok().stdout_has("use is up to date");
    tool(&p, "tools", "tool 1").build(&[]).ok().ran(&["use"]);
    assert_eq!(p.artifact("out.txt"), "tool 1\n");
}

#[test]
fn a_tool_that_is_not_there_is_an_error_that_names_it() {
    let p = project().edit("Ingestfile.toml", "[\"tool\", \"--version\"]", "[\"no-such-tool\", \"--version\"]");
    p.build(&[]).fails(1).failed(&["use"]).stderr_has("cannot ask `no-such-tool` for its version: there is no such program");
}

#[test]
fn a_variable_that_is_not_set_is_not_an_empty_one() {
    let p = Project::new(
        "version = 1\n[rule.set]\nenv = [\"MARK\"]\ncommand = 'echo \"${MARK-not set}\" > {out}'\noutputs = { out = \"o.txt\" }\n",
    );
    p.build(&[]).ok();
    assert_eq!(p.artifact("o.txt"), "not set\n");
    p.env("MARK", "").build(&[]).ok().ran(&["set"]);
    assert_eq!(p.artifact("o.txt"), "\n");
    p.build(&[]).ok().restored(&["set"]);
    assert_eq!(p.artifact("o.txt"), "not set\n");
}
