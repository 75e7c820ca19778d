//! Disks that refuse: the error names the path, and the next build goes on.

#![allow(clippy::print_stderr, reason = "a test that cannot be run says so")]

use std::path::PathBuf;
use std::process::Command;

use crate::building::words;
use crate::project::Project;

/// Something mounted on a folder of the project, until it is dropped.
pub struct Mounted(PathBuf);

impl Mounted {
    /// `None` if this process may not mount.
    pub fn new(p: &Project, folder: &str, args: &[&str]) -> Option<Self> {
        let at = p.path(folder);
        std::fs::create_dir_all(&at).unwrap();
        let done =
            cfg!(target_os = "linux") && Command::new("mount").args(args).arg(&at).output().is_ok_and(|o| o.status.success());
        if !done {
            eprintln!("NOT TESTED: mounting is not permitted here");
        }
        done.then_some(Self(at))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_file_where_a_folder_belongs_is_an_error_that_names_it() {
    for place in ["cache", "artifacts"] {
        let p = words().file(place, "in the way");
        p.run(&["build"]).fails(1).stderr_has(place);
        assert_eq!(p.text(place), "in the way");
        p.remove(place).build(&[]).ok();
        p.leaves_nothing_behind();
    }
}

#[test]
fn a_file_where_the_log_belongs_is_an_error_that_names_it() {
    let p = words();
    p.build(&[]).ok();
    let logs = p.published("logs");
    let blocked = p.remove(&logs).file(&logs, "in the way").source("a.txt", "1 ant\n");
    blocked.run(&["build"]).fails(1).stderr_has("logs");
    p.remove(&logs).build(&[]).ok();
    assert_eq!(p.artifact("report.json"), "[\"ANT\",\n\"COW\"]");
}

#[test]
fn a_full_disk_is_an_error_that_names_the_path_and_loses_nothing() {
    for folder in ["cache", "artifacts"] {
        let p = words();
        let small = Mounted::new(&p, folder, &["-t", "tmpfs", "-o", "size=64k", "tmpfs"]);
        let Some(small) = small else { return };
        let filler = format!("{folder}/filler");
        let _ = std::fs::write(p.path(&filler), vec![0; 1 << 20]);
        let full = p.run(&["build"]);
        full.fails(1).stderr_has(&format!("{folder}/"));
        assert!(full.stderr.contains("space"), "{}", full.stderr);
        std::fs::remove_file(p.path(&filler)).unwrap();
        drop(small);
        p.build(&[]).ok();
        assert_eq!(p.artifact("report.json"), "[\"ASH\",\n\"BAT\",\n\"COW\"]");
        p.leaves_nothing_behind();
    }
}

#[test]
fn a_read_only_folder_is_an_error_that_names_the_path() {
    for folder in ["cache", "artifacts"] {
        let p = words();
        p.build(&[]).ok();
        p.source("a.txt", "1 ant\n");
        let Some(fixed) = Mounted::new(&p, folder, &["-t", "tmpfs", "-o", "ro", "tmpfs"]) else { return };
        p.run(&["build"]).fails(1).stderr_has(&format!("{folder}/"));
        drop(fixed);
        p.build(&[]).ok();
        assert_eq!(p.artifact("report.json"), "[\"ANT\",\n\"COW\"]");
    }
}

#[test]
fn a_source_that_may_not_be_read_is_an_error_that_names_it() {
    use std::os::unix::fs::PermissionsExt;
    let p = words().source("locked.txt", "1 dog\n");
    let at = p.path("uploads/locked.txt");
    std::fs::set_permissions(&at, PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read(&at).is_ok() {
        eprintln!("NOT TESTED: permissions do not bind root");
        return;
    }
    p.build(&[]).fails(1).stderr_has("locked.txt");
    std::fs::set_permissions(&at, PermissionsExt::from_mode(0o644)).unwrap();
    p.build(&[]).ok();
}
