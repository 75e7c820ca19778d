//! Names that come in: files and folders below the sources folder. Each is built, or refused by name with its reason while the
//! other books are built.

use serde_json::{Value, json};

use crate::project::{Built, Project};

/// One file per source, called by its id.
pub const BY_ID: &str = r#"
version = 1

[job]
sources = "uploads"
include = ["**/*.txt", "**/*.pdf"]

[rule.upper]
each    = "source"
inputs  = { source = "source" }
command = "tr a-z A-Z < {source} > {out}"
outputs = { out = "out/{id}.txt" }
"#;

/// A project with one good book.
pub fn good() -> Project {
    Project::new(BY_ID).source("good.txt", "good\n")
}

/// The build names each of `refused` with its reason, ends with 1, and builds the good book.
#[track_caller]
fn refuses(p: &Project, refused: &[(&str, &str)]) -> Built {
    let built = p.build(&[]);
    built.fails(1);
    for (name, reason) in refused {
        built.stderr_has(&format!("error: `{name}` is refused: {reason}"));
    }
    assert_eq!(built.stderr.matches("is refused").count(), refused.len(), "{}", built.stderr);
    assert_eq!(p.artifact("out/good.txt.txt"), "GOOD\n");
    built
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect()
}

#[test]
fn files_that_no_pattern_takes_are_counted_and_listed() {
    let p =
        good().source("notes.doc", "x").source("scan", "%PDF-1.4 of a scanner").source("sub/.hidden", "x").source("z", "%PNG");
    let hint = "no pattern takes `scan`: it is a PDF by its content: call it `scan.pdf`, or let `include` take it";
    let built = p.build(&["-v"]);
    built
        .ok()
        .stderr_has("1 source, 4 ignored")
        .stderr_has("no pattern takes `notes.doc`")
        .stderr_has("no pattern takes `sub/.hidden`");
    built.stderr_has(&format!("warning: {hint}"));
    let started = &built.events[0];
    assert_eq!((&started["event"], &started["ignored_files"]), (&json!("build_started"), &json!(4)));
    assert_eq!(names(&started["ignored"]), ["notes.doc", "scan", "sub/.hidden", "z"]);
    let manifest = p.manifest();
    assert_eq!(names(&manifest["ignored"]), ["notes.doc", "scan", "sub/.hidden", "z"]);
    assert_eq!((&manifest["metrics"]["ignored_files"], &manifest["metrics"]["refused_files"]), (&json!(4), &json!(0)));
    // Told without `-v` too, also when there is nothing to do.
    p.build(&[]).nothing_to_do().stderr_has(hint).stderr_lacks("notes.doc");
    p.run(&["status"])
        .ok()
        .stdout_has("1 source, 4 ignored")
        .stdout_has("ignored `notes.doc`\n")
        .stdout_has("ignored `scan`: it is a PDF");
    let status: Value = serde_json::from_str(&p.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(names(&status["ignored"]), ["notes.doc", "scan", "sub/.hidden", "z"]);
}

#[test]
fn the_ignored_files_of_a_full_folder_are_all_counted_and_the_first_are_listed() {
    let p = good();
    (0..130).for_each(|i| drop(p.source(&format!("{i:03}.log"), "")));
    let started = p.build(&[]).ok().events[0].clone();
    assert_eq!((&started["ignored_files"], names(&started["ignored"]).len()), (&json!(130), 100));
    p.run(&["status"]).ok().stdout_has("ignored `019.log`\nand 110 more are ignored; `ingest status --json` lists them all\n");
}

#[test]
fn a_pdf_is_not_missed_where_no_pattern_takes_pdfs() {
    let p = good().edit("Ingestfile.toml", ", \"**/*.pdf\"", "").source("scan", "%PDF-1.4");
    p.build(&["-v"]).ok().stderr_has("no pattern takes `scan`\n").stderr_lacks("by its content");
}

#[test]
fn names_with_dashes_quotes_and_what_a_shell_would_run_are_built() {
    let all = [
        "-rf.txt",
        "--help.txt",
        "$(touch hit).txt",
        "`touch hit`;touch hit|touch hit.txt",
        "'a' \"b\".txt",
        " . .txt",
        "{id}.txt",
    ];
    let p = good();
    all.iter().for_each(|name| drop(p.source(name, name)));
    p.build(&[]).ok();
    assert!(!p.exists("hit") && !p.exists("uploads/hit"));
    assert_eq!(p.published_files().len(), all.len() + 1);
    p.build(&[]).nothing_to_do();
    p.run(&["build", "upper:-rf.txt"]).ok();
}

#[test]
fn names_of_255_bytes_are_built_and_refused_only_where_they_would_name_a_longer_file() {
    let name = format!("{}.txt", "n".repeat(251));
    let p = good().source(&name, "long\n");
    p.build(&[]).ok();
    assert_eq!(p.published_files().len(), 2);
    let stem = &name[..251];
    p.edit("Ingestfile.toml", "out/{id}.txt", "out/{stem}.upper.txt");
    let built = p.build(&[]);
    let why = "`out/{stem}.upper.txt` would name its file after it, and of";
    built.fails(1).stderr_has(&format!("error: `{name}` is refused: {why} `{stem}` that cannot be: it is longer than 255 bytes"));
    assert_eq!(p.published_files(), ["out/good.upper.txt"]);
}

#[test]
fn sources_that_differ_in_case_only_are_two_books_and_never_one_published_file() {
    let p = good().source("A.txt", "capital\n");
    if p.exists("uploads/a.txt") {
        return; // This file system has no such pair.
    }
    p.source("a.txt", "small\n").build(&[]).ok();
    let texts: Vec<String> = p.published_files().iter().map(|f| p.artifact(f)).collect();
    assert!(texts.contains(&"CAPITAL\n".to_owned()) && texts.contains(&"SMALL\n".to_owned()), "{texts:?}");
    let built = p.edit("Ingestfile.toml", "out/{id}.txt", "out/{stem}.txt").build(&[]);
    built
        .fails(1)
        .stderr_has("would be published as `out/A.txt` and `out/a.txt`, which is one file where case does not count: use {id}");
    built.stderr_has("` and `a.txt` would be published");
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    #[test]
    fn links_that_loop_lead_out_or_lead_nowhere_are_refused_each_with_its_reason() {
        let p = good().file("secret.txt", "secret\n").source("sub/page.txt", "page\n");
        let link = |to: &str, at: &str| symlink(to, p.path("uploads").join(at)).unwrap();
        link("loop.txt", "loop.txt");
        link("b.txt", "a.txt");
        link("a.txt", "b.txt");
        link("gone.txt", "nowhere.txt");
        link("../secret.txt", "relative.txt");
        symlink(p.path("secret.txt"), p.path("uploads/absolute.txt")).unwrap();
        link("sub", "folder.txt");
        link("/dev/zero", "zero.txt");
        link("sub/page.txt", "inside.txt");
        refuses(
            &p,
            &[
                ("a.txt", "the link leads back to itself"),
                ("absolute.txt", "the link leads out of the sources folder"),
                ("b.txt", "the link leads back to itself"),
                ("folder.txt", "the link leads to a folder, and those are not followed"),
                ("loop.txt", "the link leads back to itself"),
                ("nowhere.txt", "the link leads nowhere"),
                ("relative.txt", "the link leads out of the sources folder"),
                ("zero.txt", "the link leads out of the sources folder"),
            ],
        );
        assert_eq!(p.artifact("out/inside.txt.txt"), "PAGE\n");
        assert_eq!(p.published_files().len(), 3);
    }

    #[test]
    fn folders_that_are_links_are_not_followed_and_that_is_told() {
        let p = good().file("elsewhere/secret.txt", "secret\n").source("sub/page.txt", "page\n");
        for (to, at) in [("..", "sub/up"), (".", "self"), ("../elsewhere", "out"), ("sub", "sibling")] {
            symlink(to, p.path("uploads").join(at)).unwrap();
        }
        let built = p.build(&[]);
        built.ok();
        for name in ["sub/up", "self", "out", "sibling"] {
            built.stderr_has(&format!("no pattern takes `{name}`: a link to a folder is not followed"));
        }
        assert_eq!(p.published_files().len(), 2);
        p.build(&[]).nothing_to_do();
    }

    #[test]
    fn a_sources_folder_that_is_a_link_is_followed() {
        let p = Project::new(BY_ID).file("books/good.txt", "good\n");
        symlink("books", p.path("uploads")).unwrap();
        symlink(p.path("uploads/good.txt"), p.path("books/again.txt")).unwrap();
        p.build(&[]).ok();
        assert_eq!(p.published_files(), ["out/again.txt.txt", "out/good.txt.txt"]);
        // One that leads to itself is a usage error.
        p.remove("uploads/again.txt");
        std::fs::remove_file(p.path("uploads")).unwrap();
        symlink("uploads", p.path("uploads")).unwrap();
        p.build(&[]).fails(2).stderr_has("uploads");
    }

    #[test]
    fn pipes_sockets_and_devices_are_refused_and_never_opened() {
        let p = good();
        for name in ["pipe.txt", "ignored-pipe"] {
            assert!(Command::new("mkfifo").arg(p.path("uploads").join(name)).status().unwrap().success());
        }
        let _socket = std::os::unix::net::UnixListener::bind(p.path("uploads/s.txt")).unwrap();
        let reason = "it is neither a file nor a folder";
        refuses(&p, &[("pipe.txt", reason), ("s.txt", reason)]).stderr_lacks("ignored-pipe");
    }

    #[test]
    fn control_characters_and_backslashes_in_names_are_refused() {
        let p = good();
        for name in ["new\nline.txt", "esc\u{1b}[31m.txt", "bell\u{7}.txt", "back\\slash.txt", "c1\u{9b}m.txt"] {
            p.source(name, "x\n");
        }
        let reason = "its name holds a control character";
        let refused = [
            ("new\\nline.txt", reason),
            ("esc\\u{1b}[31m.txt", reason),
            ("bell\\u{7}.txt", reason),
            ("back\\slash.txt", "its name holds a backslash, which parts folders on Windows"),
            ("c1\\u{9b}m.txt", reason),
        ];
        let built = refuses(&p, &refused);
        // In JSON the names are what they are.
        let told = names(&built.events[0]["refused"]);
        assert!(told.contains(&"new\nline.txt") && told.contains(&"back\\slash.txt"), "{told:?}");
        assert_eq!(names(&p.manifest()["refused"]), told);
        p.run(&["status"])
            .ok()
            .stdout_has("1 source, 5 refused")
            .stdout_has("refused `new\\nline.txt`: its name holds a control");
        p.build(&[]).fails(1).stderr_has("`bell\\u{7}.txt` is refused");
    }

    #[test]
    fn names_that_some_system_does_not_have_are_sources_and_refused_where_they_would_name_a_file() {
        let p = good();
        for name in ["a:b.txt", "CON.txt", "nul", "q?.txt", "dot..txt", "end .txt"] {
            p.source(name, "x\n");
        }
        p.build(&[]).ok();
        for file in p.published_files() {
            let name = file.rsplit('/').next().unwrap().to_lowercase();
            assert!(!name.contains([':', '?']) && !name.starts_with("con."), "{file}");
        }
        p.edit("Ingestfile.toml", "out/{id}.txt", "out/{stem}");
        let built = p.build(&[]);
        built.fails(1).stderr_has("`CON.txt` is refused: `out/{stem}` would name its file after it, and of `CON` that cannot be");
        built
            .stderr_has("it is the name of a device on Windows")
            .stderr_has("`a:b.txt` is refused")
            .stderr_has("`q?.txt` is refused");
        built.stderr_has("`dot..txt` is refused").stderr_has("`end .txt` is refused");
        assert_eq!(p.published_files(), ["out/good"]);
    }

    /// Names of other bytes and two forms of one name: only file systems that take names as bytes have them.
    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_are_not_utf_8_are_refused_by_name() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let p = good();
        for name in [&b"bad\xff.txt"[..], b"\xe9t\xe9.txt", b"folder\xff/x.txt"] {
            let at = p.path("uploads").join(OsStr::from_bytes(name));
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            std::fs::write(at, "x").unwrap();
        }
        let reason = "its name is not Unicode";
        refuses(&p, &[("bad\\xff.txt", reason), ("\\xe9t\\xe9.txt", reason), ("folder\\xff/x.txt", reason)]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_differ_in_unicode_form_only_are_both_refused_and_each_names_the_other() {
        let p = good().source("\u{e9}.txt", "composed\n").source("e\u{301}.txt", "decomposed\n");
        refuses(
            &p,
            &[
                ("\u{e9}.txt", "its name differs from that of `e\\u{301}.txt` in Unicode form only: rename one of them"),
                ("e\u{301}.txt", "its name differs from that of `\\u{e9}.txt` in Unicode form only: rename one of them"),
            ],
        );
        p.remove("uploads/\u{e9}.txt").build(&[]).ok();
        assert_eq!(p.published_files().len(), 2);
    }

    /// Root reads everything: there, the program runs without the right to.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_and_a_folder_that_may_not_be_read_cost_no_other_book() {
        use std::os::unix::fs::PermissionsExt;
        let p = good().source("locked.txt", "x").source("shut/page.txt", "x");
        for name in ["locked.txt", "shut"] {
            std::fs::set_permissions(p.path("uploads").join(name), std::fs::Permissions::from_mode(0o000)).unwrap();
        }
        let is_root = std::fs::read(p.path("uploads/locked.txt")).is_ok();
        let caps = "-dac_override,-dac_read_search";
        let launcher = ["setpriv", "--inh-caps", caps, "--bounding-set", caps];
        let built = p.start_by(if is_root { &launcher } else { &[] }, &["build", "--json"]).end();
        std::fs::set_permissions(p.path("uploads/shut"), std::fs::Permissions::from_mode(0o700)).unwrap();
        built.fails(1).failed(&["upper locked.txt"]).ran(&["upper good.txt"]);
        built.stderr_has("`shut` is refused: it cannot be read: permission denied").stderr_has("locked.txt`: permission denied");
    }

    /// 4,096 bytes are the limit on Linux; others have others.
    #[cfg(target_os = "linux")]
    #[test]
    fn paths_that_the_system_cannot_open_are_refused_and_the_rest_is_built() {
        let p = good();
        let chain = vec!["d".repeat(200); 12].join("/");
        // Each half can be named, the whole cannot.
        p.file(&format!("half/{chain}/deep.txt"), "deep\n").file(&format!("uploads/{chain}/x.txt"), "x\n");
        p.rename("half", &format!("uploads/{chain}/half"));
        let built = p.build(&[]);
        built.fails(1).stderr_has("is refused: it cannot be read: file name too long");
        assert_eq!(p.artifact("out/good.txt.txt"), "GOOD\n");
    }

    #[test]
    fn a_source_that_becomes_a_folder_while_it_is_built_is_told_and_the_others_are_built() {
        let p = good().source("b.txt", "b\n");
        p.edit("Ingestfile.toml", "\"tr", "\"[ -d uploads/b.txt ] || { rm uploads/b.txt; mkdir uploads/b.txt; }; tr");
        let built = p.build(&["-j1"]);
        built.stderr_lacks("panicked");
        assert!(matches!(built.code, Some(0 | 1)), "{:?}", built.code);
        p.build(&["-j1"]).ok();
        assert_eq!(p.published_files(), ["out/good.txt.txt"]);
    }
}
