//! What the door to the file system promises.

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn names(path: &Path) -> Vec<String> {
    read_dir_sorted(path).unwrap().iter().map(|e| e.name.to_string_lossy().into_owned()).collect()
}

#[test]
fn an_atomic_write_replaces_the_whole_file_and_leaves_nothing_beside_it() {
    let dir = folder();
    let path = dir.path().join("manifest.json");
    atomic_write(&path, b"a long first version").unwrap();
    atomic_write(&path, b"second").unwrap();
    assert_eq!(read(&path).unwrap(), b"second");
    assert_eq!(names(dir.path()), ["manifest.json"]);
}

#[test]
fn an_atomic_write_that_fails_halfway_keeps_the_old_file() {
    let dir = folder();
    let path = dir.path().join("x");
    atomic_write(&path, b"old").unwrap();
    let error = atomic_write_with(&path, |file| {
        file.write_all(b"half of the new")?;
        Err(io::ErrorKind::StorageFull.into())
    })
    .unwrap_err();
    assert_eq!(error.to_string(), format!("cannot write `{}`: no storage space", path.display()));
    assert_eq!(read(&path).unwrap(), b"old");
    assert_eq!(names(dir.path()), ["x"]);
}

#[test]
fn an_atomic_write_onto_a_folder_fails_and_keeps_the_folder() {
    let dir = folder();
    let path = dir.path().join("x");
    create_dir_all(&path.join("inner")).unwrap();
    assert!(atomic_write(&path, b"new").is_err());
    assert_eq!(names(dir.path()), ["x"]);
    assert!(is_dir(&path.join("inner")));
}

#[test]
fn an_atomic_write_into_a_missing_folder_names_the_final_path() {
    let dir = folder();
    let path = dir.path().join("no/such/x");
    let error = atomic_write(&path, b"new").unwrap_err();
    assert_eq!((error.path.as_path(), error.is_missing()), (path.as_path(), true));
    assert!(cfg!(not(unix)) || error.to_string().ends_with("no/such/x`: no such file or directory"));
}

#[cfg(unix)]
#[test]
fn an_atomic_write_replaces_a_link_and_spares_what_it_leads_to() {
    let dir = folder();
    let (target, link) = (dir.path().join("target"), dir.path().join("link"));
    write(&target, b"not ours").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    atomic_write(&link, b"ours").unwrap();
    assert_eq!(read(&target).unwrap(), b"not ours");
    assert!(!is_symlink(&link));
}

#[cfg(unix)]
#[test]
fn a_written_file_has_the_mode_that_the_umask_gives_any_file() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder();
    let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
    atomic_write(&ours, b"x").unwrap();
    fs::write(&theirs, b"x").unwrap();
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&theirs));
}

#[test]
fn a_private_copy_shares_no_bytes_with_its_original() {
    let dir = folder();
    for size in [10, 3 * 64 * 1024] {
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        write(&from, &vec![7; size]).unwrap();
        write(&to, b"something older").unwrap();
        copy_private(&from, &to).unwrap();
        OpenOptions::new().write(true).open(&to).unwrap().write_all(b"edited in place").unwrap();
        assert_eq!(read(&from).unwrap(), vec![7; size]);
        let inode = |path| stat(path).unwrap().unwrap().ino;
        assert!(cfg!(not(unix)) || inode(&from) != inode(&to));
    }
}

#[test]
fn a_copy_names_the_side_that_failed() {
    let dir = folder();
    let (from, to) = (dir.path().join("from"), dir.path().join("no/to"));
    let error = copy_private(&from, &dir.path().join("to")).unwrap_err();
    assert_eq!((error.verb, error.path), ("read", from.clone()));
    write(&from, b"x").unwrap();
    let error = copy_private(&from, &to).unwrap_err();
    assert_eq!((error.verb, error.path), ("write", to));
    assert_eq!(names(dir.path()), ["from"]);
}

#[test]
fn what_is_not_there_is_none_and_already_removed() {
    let dir = folder();
    let path = dir.path().join("nothing");
    assert_eq!(stat(&path).unwrap(), None);
    assert_eq!(kind(&path).unwrap(), None);
    assert_eq!(read_if_there(&path).unwrap(), None);
    remove_file(&path).unwrap();
    remove_dir_all(&path).unwrap();
    assert!(remove_dir_if_empty(&path).unwrap());
    write(&path, b"a file").unwrap();
    assert_eq!(stat(&path.join("below")).unwrap(), None);
}

#[test]
fn a_stat_tuple_changes_with_the_file() {
    let dir = folder();
    let path = dir.path().join("x");
    write(&path, b"one").unwrap();
    let before = stat(&path).unwrap().unwrap();
    assert_eq!(stat(&path).unwrap().unwrap(), before);
    replace(&path, b"two").unwrap();
    let after = stat(&path).unwrap().unwrap();
    assert_eq!(after.size, 3);
    assert!(cfg!(not(unix)) || after.ino != before.ino || after.ctime_ns != before.ctime_ns);
}

#[test]
fn a_folder_is_listed_by_the_bytes_of_its_names() {
    let dir = folder();
    for name in ["b", "C", "é", "a", ".ingest-tmp-1"] {
        write(&dir.path().join(name), b"").unwrap();
    }
    assert_eq!(names(dir.path()), [".ingest-tmp-1", "C", "a", "b", "é"]);
    assert!(is_leftover(OsStr::new(".ingest-tmp-1")) && !is_leftover(OsStr::new("a")));
}

#[test]
fn leftovers_are_removed_at_any_depth() {
    let dir = folder();
    create_dir_all(&dir.path().join("a/b")).unwrap();
    for name in [".ingest-tmp-1", "a/b/.ingest-tmp-2", "a/b/kept"] {
        write(&dir.path().join(name), b"").unwrap();
    }
    assert_eq!(remove_leftovers(dir.path()).unwrap(), 2);
    assert_eq!(names(&dir.path().join("a/b")), ["kept"]);
    assert_eq!(remove_leftovers(&dir.path().join("missing")).unwrap(), 0);
}

#[test]
fn an_appender_adds_to_what_is_there() {
    let dir = folder();
    let path = dir.path().join("log");
    write(&path, b"1\n").unwrap();
    Appender::open(&path).unwrap().append(b"2\n").unwrap();
    assert_eq!(read(&path).unwrap(), b"1\n2\n");
}

#[test]
fn the_systems_sentence_is_put_in_our_style() {
    assert_eq!(plain(&io::Error::other("Permission denied.")), "permission denied");
    assert_eq!(plain(&io::Error::other("I/O error")), "I/O error");
}
