//! The same bytes whoever builds, where, when and on how many threads; and `--check-determinism`, which finds out what
//! does not keep to it.

use std::fs;
use std::path::Path;

use crate::books::books;
use crate::project::{Built, Project, repository};

/// What an artifact is: name and bytes of every published file, manifest and log aside.
fn artifacts(p: &Project) -> Vec<(String, Vec<u8>)> {
    p.published_files().into_iter().map(|f| (f.clone(), p.bytes(&p.published(&f)))).collect()
}

#[track_caller]
fn same_artifacts(p: &Project, other: &Project) {
    let (a, b) = (artifacts(p), artifacts(other));
    let names = |all: &[(String, Vec<u8>)]| all.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
    assert!(a.len() > 10, "{}", a.len());
    assert_eq!(names(&a), names(&b));
    let differ: Vec<&String> = a.iter().zip(&b).filter(|(a, b)| a.1 != b.1).map(|(a, _)| &a.0).collect();
    assert_eq!(differ, Vec::<&String>::new());
}

/// Whoever has the cache at `cache`, made elsewhere by somebody else, has nothing to run: the keys are the same.
#[track_caller]
fn serves(cache: &Path, p: &Project) {
    if p.exists("cache") {
        p.remove("cache");
    }
    fs::rename(cache, p.path("cache")).unwrap();
    let built = p.build(&["--new-job"]);
    built.ok().ran(&[]);
    assert!(built.with_outcome("from_cache").len() > 50, "{:?}", built.last_line());
}

/// The sources and rules of the sample books, not built yet.
fn unbuilt() -> Project {
    books().remove("artifacts").remove("cache")
}

#[track_caller]
fn all_ran(built: &Built) {
    built.ok().restored(&[]);
    assert!(built.with_outcome("ran").len() > 50, "{:?}", built.with_outcome("ran"));
}

#[test]
fn the_sample_books_come_out_the_same_twice() {
    let p = books();
    let before = p.tree("artifacts");
    let built = p.build(&["--check-determinism"]);
    built.ok();
    let checked = built.events.last().unwrap();
    assert_eq!((checked["event"].as_str(), checked["differ"].as_u64()), (Some("checked"), Some(0)));
    let (actions, derivations) = (checked["actions"].as_u64().unwrap(), checked["derivations"].as_u64().unwrap());
    assert!(actions > 50 && derivations > 20, "{actions} {derivations}");
    built.ends_saying(&format!("ingest: nothing to do; {actions} actions run twice, all the same"));
    assert_eq!(p.tree("artifacts"), before, "something was published, or logged");
    p.leaves_nothing_behind().build(&[]).nothing_to_do();
}

#[test]
fn locale_time_zone_home_threads_stamps_and_umask_reach_no_artifact() {
    let p = unbuilt();
    for source in p.tree("fixtures/uploads").keys() {
        p.touch(&format!("fixtures/uploads/{source}"));
    }
    let p = p.env("LC_ALL", "tr_TR.UTF-8").env("LANG", "de_DE.UTF-8").env("TZ", "Pacific/Chatham");
    let p = p.env("HOME", "/no/such/home").env("TMPDIR", "/no/such/tmp").env("RAYON_NUM_THREADS", "3").env("COLUMNS", "17");
    all_ran(&p.build(&["-j", "1"]));
    same_artifacts(&p, &books());
    serves(&p.path("cache"), &books());
}

#[test]
fn a_longer_path_of_other_letters_and_files_made_in_another_order_reach_no_artifact() {
    let (plain, p) = (unbuilt(), Project::new(""));
    let root = "ein längerer Weg/mit Leerzeichen, 本/und 'Zeichen'/noch tiefer";
    // Most file systems list a folder in an order that hangs on when its entries were made.
    for (path, (_, bytes)) in plain.tree("").into_iter().rev() {
        p.file(&format!("{root}/{path}"), bytes);
    }
    all_ran(&p.build(&["-j", "8", "-C", root]));
    let moved = plain;
    fs::rename(p.path(&format!("{root}/artifacts")), moved.path("artifacts")).unwrap();
    same_artifacts(&moved, &books());
    serves(&p.path(&format!("{root}/cache")), &moved);
}

#[cfg(unix)]
mod on_unix {
    use std::path::PathBuf;
    use std::process::Command;

    use serde_json::Value;

    use super::*;
    use crate::project::Handshake;

    /// A project with this rule over two sources.
    fn with_rule(rule: &str) -> Project {
        let head = "version = 1\n[job]\nsources = \"uploads\"\ninclude = [\"*.txt\"]\n";
        Project::new(&format!("{head}{rule}")).source("a.txt", "one\n").source("b.txt", "two\n")
    }

    fn once(name: &str, command: &str) -> String {
        format!("[rule.{name}]\ncommand = {}\noutputs = {{ out = \"{name}.txt\" }}\n", Value::from(command))
    }

    fn differences(built: &Built) -> Vec<String> {
        let found = built.events.iter().filter(|e| e["event"] == "differs");
        found.map(|e| format!("{} {}", e["rule"].as_str().unwrap(), e["output"].as_str().unwrap_or("-"))).collect()
    }

    #[test]
    fn commands_that_tell_more_than_their_inputs_are_found_out_by_name() {
        let rules = [
            ("nanoseconds", "date +%N > {out}"),
            ("seconds", "date +%s > {out}"),
            ("random", "od -An -N8 -tx8 /dev/urandom > {out}"),
            ("pid", "echo $$ > {out}"),
            ("home", "echo $HOME > {out}"),
            ("tmpdir", "echo ${TMPDIR} > {out}"),
            ("where", "echo {out} > {out}"),
            ("length", "echo {out} | wc -c > {out}"),
            // What ingest fixes for every command cannot leak: there is nothing to find.
            ("zone", "echo $TZ $(date +%Z%z) > {out}"),
            ("locale", "echo $LANG $LC_ALL > {out}; printf 'b\\nA\\n' | sort >> {out}"),
            ("user", "echo $USER$LOGNAME$SHELL > {out}"),
            ("cwd", "basename \"$PWD\" > /dev/null; echo same > {out}"),
        ];
        let p = with_rule(&rules.map(|(name, command)| once(name, command)).concat());
        let p = p.env("TZ", "Pacific/Chatham").env("LC_ALL", "tr_TR.UTF-8").env("USER", "somebody");
        let built = p.build(&["--check-determinism"]);
        built.fails(1).ends_saying(&format!("{}; 12 actions run twice, 8 differ", built.last_line().split(';').next().unwrap()));
        let named: Vec<String> = rules[..8].iter().map(|(name, _)| format!("{name} {name}.txt")).collect();
        let mut found = differences(&built);
        found.sort();
        let mut named = named;
        named.sort();
        assert_eq!(found, named);
        assert_eq!(p.artifact("zone.txt"), "UTC0 UTC+0000\n");
        assert_eq!(p.artifact("locale.txt"), "C.UTF-8\nA\nb\n");
    }

    #[test]
    fn a_difference_names_output_and_place_and_both_versions_are_kept() {
        let rule = "[rule.stamp]\neach = \"source\"\ninputs = { source = \"source\" }\n\
            command = \"printf '[{\\\"a\\\": 1, \\\"pid\\\": %s}]' $$ > {out}; cat {source} > {copy}\"\n\
            outputs = { out = \"stamps.json\", copy = \"copies/{stem}.txt\" }\n";
        let p = with_rule(rule);
        p.build(&[]).ok();
        let before = p.tree("artifacts");
        let built = p.build(&["--check-determinism"]);
        built.fails(1).ends_saying("ingest: nothing to do; 2 actions run twice, 2 differ");
        built.stderr_has("error: stamp a.txt: `stamps.json` differs at /0/pid: ").stderr_has("what is published was not touched");
        let event = &built.events[0];
        assert_eq!((event["item"].as_str(), event["pointer"].as_str()), (Some("a.txt"), Some("/0/pid")));
        let kept = event["kept"].as_str().unwrap();
        let versions = ["first", "second"].map(|time| p.text(&format!("{kept}/{time}/stamps.json")));
        assert!(versions[0] != versions[1] && versions[0].contains(event["first"].as_str().unwrap()), "{versions:?}");
        assert!(!p.exists(&format!("{kept}/first/copies")), "what is the same is not kept");
        assert_eq!(p.tree("artifacts"), before);
        p.leaves_nothing_behind().build(&[]).nothing_to_do();
    }

    #[test]
    fn what_a_tree_holds_one_time_only_and_a_command_that_fails_the_second_time_differ() {
        let tree = "[rule.tree]\ncommand = \"echo 1 > {parts}/same; echo 1 > {parts}/$$\"\noutputs = { parts = \"parts/\" }\n";
        let once_only = once("once", "test ! -e been-here && echo x > been-here && echo x > {out}");
        let p = with_rule(&format!("{tree}{once_only}"));
        let built = p.build(&["--check-determinism"]);
        built
            .fails(1)
            .stderr_has("was made the first time only")
            .stderr_has("error: once: it failed the second time: the command ended with");
        assert_eq!(built.last_line().split("; ").last(), Some("2 actions run twice, 2 differ"));
    }

    #[test]
    fn a_declared_value_is_called_by_its_name_and_stays_the_same() {
        let rule = once("secret", "echo $$ $TOKEN > {out}").replace("outputs", "env = [\"TOKEN\"]\noutputs");
        let p = with_rule(&rule).env("TOKEN", "hunter2-and-more");
        p.build(&["--check-determinism"]).fails(1).stderr_has("$TOKEN").stderr_lacks("hunter2").stdout_has("$TOKEN");
    }

    #[test]
    fn only_what_is_selected_is_run_twice() {
        let p = with_rule(&[once("good", "echo 1 > {out}"), once("bad", "echo $$ > {out}")].concat());
        let built = p.build(&["--check-determinism", "good"]);
        built.ok().ran(&["good"]);
        assert_eq!(built.last_line().split("; ").last(), Some("1 action run twice, all the same"));
        p.build(&["--check-determinism"]).fails(1);
    }

    #[test]
    fn a_failure_is_compared_as_well() {
        let p = books().file("fixtures/uploads/broken.pdf", "%PDF-1.4\nnothing more");
        let built = p.build(&["--check-determinism"]);
        built.fails(1).stderr_has("all the same");
        assert_eq!(differences(&built), Vec::<String>::new());
    }

    #[test]
    fn the_second_time_has_the_same_limit_of_time_and_a_signal_ends_it() {
        let slow = once("slow", "if test -e been-here; then sleep 1000; fi; echo x > been-here; echo 1 > {out}");
        let p = with_rule(&slow.replace("outputs", "timeout_s = 1\noutputs"));
        let built = p.build(&["--check-determinism"]);
        built.fails(1).stderr_has("it failed the second time: the command ran longer than its 1 s (`timeout_s`)");

        let p = with_rule(&once("held", &format!("{} echo 1 > {{out}}", Handshake::SHELL)));
        p.build(&[]).ok();
        let before = p.tree("artifacts");
        let handshake = Handshake::new(&p);
        let running = p.start(&["build", "--check-determinism"]);
        handshake.wait();
        let pid = rustix::process::Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        running.end().fails(130).ends_saying("ingest: interrupted");
        handshake.release();
        assert_eq!(p.tree("artifacts"), before);
        p.leaves_nothing_behind().build(&[]).nothing_to_do();
    }

    #[test]
    fn what_cannot_be_done_again_is_no_success() {
        let reads = "[rule.reads]\ninputs = { text = \"made.out\" }\ncommand = \"cat {text} > {out}\"\n\
            outputs = { out = \"read.txt\" }\n";
        let p = with_rule(&[once("made", "echo 1 > {out}"), reads.to_owned()].concat());
        p.build(&[]).ok();
        p.remove("cache/cas");
        let built = p.build(&["--check-determinism"]);
        built.fails(1).ends_saying("ingest: nothing to do; 2 actions run twice, 1 not compared");
        built.stderr_has("warning: `reads` could not be done again: blob").stdout_has("\"open\":1");
    }

    #[test]
    fn another_umask_and_another_user_reach_no_artifact() {
        let p = unbuilt();
        let run = |p: &Project, shell: &str, root: &Path| {
            let ingest = env!("CARGO_BIN_EXE_ingest");
            let output = Command::new("/bin/sh").args(["-c", shell, ingest]).current_dir(root).env_clear().output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{said}");
            p.clone()
        };
        run(&p, "umask 077; \"$0\" build", &p.path(""));
        same_artifacts(&p, &books());
        let Some(shell) = as_nobody() else { return };
        let p = unbuilt();
        open_to_all(&p.path(""));
        // What nobody may not reach, like a build folder in a home of root's, it is given.
        let program = p.path("program");
        fs::copy(env!("CARGO_BIN_EXE_ingest"), &program).unwrap();
        open_to_all(&program);
        run(&p, &shell, &p.path(""));
        p.remove("program");
        same_artifacts(&p, &books());
    }

    /// The command line that builds as another user; `None`, and said so, where only this one can be had.
    fn as_nobody() -> Option<String> {
        let tool = Command::new("setpriv").args(["--reuid=65534", "--regid=65534", "--clear-groups", "true"]).status();
        if tool.is_ok_and(|status| status.success()) {
            return Some("exec setpriv --reuid=65534 --regid=65534 --clear-groups ./program build".to_owned());
        }
        std::io::Write::write_all(&mut std::io::stderr(), b"NOT TESTED: another user cannot be had here (setpriv, as root)\n")
            .unwrap();
        None
    }

    fn open_to_all(path: &Path) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        if path.is_dir() {
            let entries: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
            entries.iter().for_each(|entry| open_to_all(entry));
        }
    }
}

#[test]
fn every_method_of_floats_that_hangs_on_the_platform_is_forbidden() {
    let rules = fs::read_to_string(repository().join("clippy.toml")).unwrap();
    for method in ["sin", "cos", "tan", "exp", "ln", "log10", "powf", "powi", "hypot", "atan2", "cbrt"] {
        for float in ["f32", "f64"] {
            assert!(rules.contains(&format!("\"{float}::{method}\"")), "{float}::{method}");
        }
    }
}
