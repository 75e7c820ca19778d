//! `ingest adapter setup`: what it makes, when it does nothing, and what it says of a machine that lacks something. A script
//! stands for Python here; the real thing, with the real packages, is set up in CI.

use std::os::unix::fs::PermissionsExt;

use crate::project::Project;

/// Of version `VERSION`; writes down what pip is asked for, and `pip.sh` says how that goes.
const PYTHON: &str = r#"#!/bin/sh
case "$1 $2" in
  -c*)        echo VERSION ;;
  "-m venv")  mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip")   shift 2; echo "$@" >> pip.txt; . ./pip.sh ;;
  -B*)        echo "haystack-ai 3.4.0, python 3.12" ;;
esac
"#;

fn project(version: &str) -> Project {
    let p = Project::new("").file("pip.sh", "true").file("tools/python3", PYTHON.replace("VERSION", version));
    std::fs::set_permissions(p.path("tools/python3"), PermissionsExt::from_mode(0o755)).unwrap();
    let mut path = vec![p.path("tools")];
    path.extend(std::env::split_paths("/usr/bin:/bin"));
    p.env("PATH", std::env::join_paths(path).unwrap().to_str().unwrap())
}

const SETUP: [&str; 3] = ["adapter", "setup", "haystack"];

#[test]
fn an_environment_is_made_from_its_lock_file_and_made_again_after_an_edit_to_it() {
    let p = project("3.12");
    p.run(&SETUP)
        .ok()
        .stderr_has("wrote adapters/haystack_enrich.py")
        .ends_saying("ingest: `.venv/haystack` is ready: haystack-ai 3.4.0, python 3.12");
    assert!(p.text("pip.txt").ends_with("--no-deps --require-hashes -r adapters/haystack.lock\n"));
    p.run(&SETUP).ok().ends_saying("ingest: nothing to do");
    let lock = p.text("adapters/haystack.lock") + "# mine\n";
    p.file("adapters/haystack.lock", &lock).run(&SETUP).ok().stderr_has("is another than that of this `ingest`, and stays");
    assert_eq!((p.text("adapters/haystack.lock"), p.text("pip.txt").lines().count()), (lock, 2));
    p.run(&["adapter", "setup", "haystack", "--force"]).ok().stderr_has("wrote adapters/haystack.lock");
    assert!(!p.text("adapters/haystack.lock").contains("# mine"));
}

#[test]
fn packages_that_cannot_be_fetched_are_told_with_a_way_out_and_tried_again() {
    let p = project("3.12").file("pip.sh", "echo 'ERROR: Could not find a version (from versions: none)' >&2; exit 1");
    p.run(&SETUP).fails(1).stderr_has("from versions: none").stderr_has("`HTTPS_PROXY` names a proxy");
    let p = p.file("pip.sh", "echo 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES' >&2; exit 1");
    p.run(&SETUP).fails(1).stderr_has("is not what the lock file pins");
    p.file("pip.sh", "true").run(&SETUP).ok().stderr_has("is ready");
}

#[test]
fn a_python_that_the_lock_files_are_not_made_for_is_named() {
    let p = project("3.9");
    p.run(&SETUP)
        .fails(1)
        .stderr_has("Python 3.11 to 3.13 is needed")
        .stderr_has("python3` is 3.9")
        .stderr_has("--python PROGRAM");
    assert!(!p.exists(".venv"));
    let other = PYTHON.replace("VERSION", "3.13");
    let p = p.file("other/py", other);
    std::fs::set_permissions(p.path("other/py"), PermissionsExt::from_mode(0o755)).unwrap();
    p.run(&["adapter", "setup", "haystack", "--python", "other/py"]).ok();
}

#[test]
fn a_program_of_an_environment_that_is_not_there_is_told_with_what_makes_it() {
    let rule = "version = 1\n\n[rule.use]\ncommand = [\".venv/haystack/bin/python\", \"x.py\", \"{out}\"]\n\
                outputs = { out = \"out.json\" }\nversion = [\".venv/haystack/bin/python\", \"--version\"]\n";
    Project::new(rule).build(&[]).fails(1).stderr_has("`ingest adapter setup haystack` makes `.venv/haystack`");
}
