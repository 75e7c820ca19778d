//! Files that are edited while a command runs, whether the edit stays or is taken back before the end: it is noticed, or it
//! cannot have been seen. What a command does to its inputs reaches nothing but its own copies.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use crate::project::{Built, Handshake, Project};

/// How a rule comes to its file: below uploads, declared in `files` and read in place, or as an input of its own.
#[derive(Clone, Copy)]
enum Read {
    Source,
    Declared,
    File,
}

impl Read {
    fn path(self) -> &'static str {
        if matches!(self, Self::Source) { "uploads/text.txt" } else { "text.txt" }
    }

    /// Action of the rule `copy`.
    fn action(self) -> &'static str {
        if matches!(self, Self::Source) { "copy text.txt" } else { "copy" }
    }

    /// `copy` copies its file, and is held before and after it has read it.
    fn project(self) -> Project {
        let (keys, read) = match self {
            Self::Source => ("each = \"source\"\ninputs = { text = \"source\" }", "{text}"),
            Self::Declared => ("files = [\"text.txt\"]", "text.txt"),
            Self::File => ("inputs = { text = { file = \"text.txt\" } }", "{text}"),
        };
        let (before, after) = (Handshake::SHELL, Handshake::shell("_after"));
        let text = format!(
            "version = 1\n[job]\nsources = \"uploads\"\n\n[rule.copy]\n{keys}\n\
             command = \"{before} cat {read} > {{out}}; {after}\"\n\
             outputs = {{ out = {{ path = \"copy-{{id}}.txt\" }} }}\n"
        );
        let text = if matches!(self, Self::Source) { text } else { text.replace("copy-{id}", "copy") };
        Project::new(&text).file(self.path(), "old\n")
    }

    fn copied(self, p: &Project) -> String {
        p.artifact(if matches!(self, Self::Source) { "copy-text.txt.txt" } else { "copy.txt" })
    }
}

/// Writes `text` into the file while its command runs, before the command has read it.
fn edited(p: &Project, read: Read, text: &str) -> Built {
    let handshake = Handshake::new(p);
    let running = p.start(&["build", "--json"]);
    handshake.wait();
    p.file(read.path(), text);
    handshake.release();
    running.end()
}

/// The same, and takes the edit back before the command ends.
fn edited_and_reverted(p: &Project, read: Read, text: &str) -> Built {
    let (before, after) = (Handshake::new(p), Handshake::at(p, "_after"));
    let running = p.start(&["build", "--json"]);
    before.wait();
    let old = p.text(read.path());
    p.file(read.path(), text);
    before.release();
    after.wait();
    p.file(read.path(), old);
    after.release();
    running.end()
}

#[test]
fn an_edit_during_the_run_makes_it_run_again() {
    for read in [Read::Source, Read::Declared, Read::File] {
        let p = read.project();
        let built = edited(&p, read, "new\n");
        built.ok();
        assert_eq!(built.started(), [read.action(), read.action()]);
        assert_eq!(read.copied(&p), "new\n");
        p.build(&[]).nothing_to_do();
        p.leaves_nothing_behind();
    }
}

#[test]
fn what_was_read_in_place_during_an_edit_is_stored_under_no_key() {
    let p = Read::Declared.project();
    edited(&p, Read::Declared, "new\n").ok();
    p.file("text.txt", "old\n").build(&[]).ok().ran(&["copy"]);
    assert_eq!(p.artifact("copy.txt"), "old\n");
    for read in [Read::Source, Read::File] {
        let p = read.project();
        edited(&p, read, "new\n").ok();
        p.file(read.path(), "old\n").build(&[]).ok().ran(&[]).restored(&[read.action()]);
        assert_eq!(read.copied(&p), "old\n", "its private copy was the old one");
    }
}

#[test]
fn an_edit_that_was_taken_back_during_the_run_is_not_in_what_came_of_it() {
    for read in [Read::Source, Read::Declared, Read::File] {
        let p = read.project();
        edited_and_reverted(&p, read, "new\n").ok().ran(&[read.action()]);
        assert_eq!(read.copied(&p), "old\n");
        p.build(&[]).nothing_to_do();
        p.leaves_nothing_behind();
    }
}

#[test]
fn an_edit_with_size_and_time_restored_is_noticed_as_well() {
    for read in [Read::Source, Read::Declared, Read::File] {
        let p = read.project();
        let handshake = Handshake::new(&p);
        let running = p.start(&["build", "--json"]);
        handshake.wait();
        let time = p.path(read.path()).metadata().unwrap().modified().unwrap();
        p.file(read.path(), "new\n");
        std::fs::File::options().append(true).open(p.path(read.path())).unwrap().set_modified(time).unwrap();
        handshake.release();
        running.end().ok();
        assert_eq!(read.copied(&p), "new\n");
    }
}

#[test]
fn a_file_that_its_own_command_rewrites_ends_the_build_and_is_named() {
    for read in [Read::Source, Read::Declared, Read::File] {
        let p = read.project();
        p.edit("Ingestfile.toml", "cat ", &format!("echo more >> {}; cat ", read.path()));
        let built = p.build(&[]);
        built.fails(1).stderr_has(&format!("error: `{}` keeps changing while the build reads it", read.path()));
        p.leaves_nothing_behind();
        p.edit("Ingestfile.toml", &format!("echo more >> {}; ", read.path()), "").build(&[]).ok();
        assert_eq!(read.copied(&p), p.text(read.path()));
    }
}

#[test]
fn a_command_that_leaves_the_bytes_of_its_own_file_as_they_are_is_believed() {
    let p = Read::Declared.project();
    p.edit("Ingestfile.toml", "cat ", "chmod 644 text.txt; cat ").build(&[]).ok().ran(&["copy"]);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_schema_that_is_edited_during_the_run_judges_before_the_build_ends() {
    let p = Read::File.project().file("text.txt", "[1, 2]").file("s.json", "{\"maxItems\": 2}");
    p.edit("Ingestfile.toml", "copy.txt", "copy.json");
    p.file("Ingestfile.toml", p.text("Ingestfile.toml") + "gate = { out = { schema = \"s.json\" } }\n");
    let handshake = Handshake::new(&p);
    let running = p.start(&["build", "--json"]);
    handshake.wait();
    p.file("s.json", "{\"maxItems\": 1}");
    handshake.release();
    let built = running.end();
    built.fails(1).rejected(&["copy"]);
    assert_eq!(built.started(), ["copy"], "a candidate is judged again, not made again");
    p.file("s.json", "{\"maxItems\": 2}").build(&[]).ok().ran(&[]);
}

#[test]
fn an_ingestfile_that_is_edited_during_the_build_is_for_the_next_one() {
    let p = Read::File.project();
    let handshake = Handshake::new(&p);
    let running = p.start(&["build", "--json"]);
    handshake.wait();
    p.edit("Ingestfile.toml", "cat {text} >", "cat {text} {text} >");
    handshake.release();
    running.end().ok().stderr_has("warning: `Ingestfile.toml` was changed while the build ran");
    assert_eq!(p.artifact("copy.txt"), "old\n");
    p.build(&[]).ok().ran(&["copy"]).stderr_lacks("warning");
    assert_eq!(p.artifact("copy.txt"), "old\nold\n");
}

#[test]
fn edits_that_race_with_a_build_are_in_the_next_one_at_the_latest() {
    let p = Project::new(
        "version = 1\n[job]\nsources = \"uploads\"\n[rule.copy]\neach = \"source\"\ninputs = { text = \"source\" }\n\
         command = \"cat {text} > {out}\"\noutputs = { out = \"{id}.txt\" }\n",
    );
    let path = p.path("uploads/text.txt");
    for round in 0..16_u32 {
        p.source("text.txt", &format!("{round:04} old\n"));
        let time = path.metadata().unwrap().modified().unwrap();
        let running = p.start(&["build", "--json"]);
        // Equal size and time, at another moment of the build in each round.
        std::thread::sleep(std::time::Duration::from_millis(u64::from(round) * 2));
        let new = format!("{round:04} new\n");
        std::fs::write(&path, &new).unwrap();
        std::fs::File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
        running.end().ok();
        p.build(&[]).ok();
        assert_eq!(p.artifact("text.txt.txt"), new, "round {round}");
    }
}

const IN_PLACE: &str = r#"
version = 1

[job]
sources = "uploads"

[rule.first]
each    = "source"
inputs  = { text = "source", file = { file = "file.txt" } }
command = """echo junk >> {text}; echo junk >> {file}; echo '["first"]' > {out}"""
outputs = { out = "first.json" }

[rule.spoil]
inputs  = { first = "first.out" }
command = "echo junk >> {first}; echo spoilt > {out}"
outputs = { out = "spoilt.txt" }

[rule.read]
inputs  = { first = "first.out", spoilt = "spoil.out", file = { file = "file.txt" } }
command = "cat {file} {first} > {out}"
outputs = { out = "read.txt" }
"#;

#[test]
fn a_command_that_edits_its_inputs_reaches_neither_source_nor_cache() {
    let p = Project::new(IN_PLACE).source("a.txt", "a\n").file("file.txt", "file\n");
    p.build(&[]).ok();
    assert_eq!(p.text("uploads/a.txt") + &p.text("file.txt"), "a\nfile\n");
    let read = "file\n[\"first\"]";
    assert_eq!(p.artifact("read.txt"), read);
    p.remove(&p.published("read.txt")).remove(&p.published("first.json")).build(&[]).ok().ran(&[]);
    assert_eq!(p.artifact("read.txt") + &p.artifact("first.json"), format!("{read}[\"first\"]"));
}

fn inodes(p: &Project, folder: &str) -> BTreeSet<u64> {
    p.tree(folder).keys().map(|file| p.path(folder).join(file).metadata().unwrap().ino()).collect()
}

#[test]
fn nothing_published_and_no_file_of_the_project_shares_an_inode_with_the_cache() {
    let p = Project::new(IN_PLACE).source("a.txt", "a\n").file("file.txt", "file\n");
    p.edit("Ingestfile.toml", "echo spoilt >", "ln uploads/a.txt");
    p.build(&[]).ok();
    let cache = inodes(&p, "cache/cas");
    assert!(cache.len() >= 3);
    for folder in ["artifacts", "uploads"] {
        assert!(cache.is_disjoint(&inodes(&p, folder)), "{folder}");
    }
    let published = p.published("read.txt");
    std::io::Write::write_all(&mut std::fs::File::options().write(true).open(p.path(&published)).unwrap(), b"JUNK").unwrap();
    std::io::Write::write_all(&mut std::fs::File::options().write(true).open(p.path("uploads/a.txt")).unwrap(), b"b").unwrap();
    p.build(&[]).ok().ran(&["first a.txt"]);
    assert_eq!(p.artifact("read.txt"), "file\n[\"first\"]");
    assert_eq!(p.artifact("spoilt.txt"), "a\n");
}
