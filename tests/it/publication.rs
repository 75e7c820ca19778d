//! The job folder is what the build says it is, whatever was done to it by hand.

use crate::building::words;

#[test]
fn a_published_file_that_was_deleted_is_put_back_without_a_run() {
    let p = words();
    p.build(&[]).ok();
    let before = p.artifact("report.json");
    p.remove(&p.published("report.json")).remove(&p.published("pieces/a.txt/1.txt")).build(&[]).ok().ran(&[]);
    assert_eq!((p.artifact("report.json"), p.artifact("pieces/a.txt/1.txt")), (before, "ash\n".to_owned()));
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_published_file_that_was_edited_is_put_back_and_the_edit_is_kept_with_a_warning() {
    let p = words();
    p.build(&[]).ok();
    let at = p.published("report.json");
    let before = p.text(&at);
    let built = p.file(&at, "by hand").build(&[]);
    built.ok().ran(&[]).stderr_has("report.json").stderr_has("changed by hand").stderr_has("cache/rejected/");
    assert_eq!(p.text(&at), before);
    let kept = p.tree("cache/rejected");
    assert!(kept.iter().any(|(path, (_, bytes))| path.ends_with("report.json") && bytes == b"by hand"), "{:?}", kept.keys());
    p.build(&[]).nothing_to_do();
}

#[test]
fn two_edits_by_hand_are_both_kept() {
    let p = words();
    p.build(&[]).ok();
    let at = p.published("report.json");
    p.file(&at, "first").build(&[]).ok();
    p.file(&at, "second").build(&[]).ok();
    let kept: Vec<Vec<u8>> = p.tree("cache/rejected").into_values().map(|(_, bytes)| bytes).collect();
    assert!(kept.contains(&b"first".to_vec()) && kept.contains(&b"second".to_vec()), "{} kept", kept.len());
}

#[test]
fn our_own_older_bytes_are_replaced_without_a_word() {
    let p = words();
    p.build(&[]).ok();
    let old = p.artifact("report.json");
    p.source("b.txt", "1 dog\n").build(&[]).ok();
    p.file(&p.published("report.json"), old).build(&[]).ok().ran(&[]).stderr_lacks("warning");
    assert!(!p.exists("cache/rejected"));
}

#[test]
fn a_touched_published_file_is_left_alone() {
    let p = words();
    p.build(&[]).ok();
    p.touch(&p.published("report.json")).build(&[]).nothing_to_do();
}

#[test]
fn an_edit_of_a_published_file_does_not_reach_the_cache() {
    let p = words();
    p.build(&[]).ok();
    let (at, before) = (p.published("pieces/a.txt/1.txt"), "ash\n");
    std::io::Write::write_all(&mut std::fs::File::options().append(true).open(p.path(&at)).unwrap(), b"more").unwrap();
    p.build(&[]).ok().ran(&[]);
    assert_eq!(p.text(&at), before);
}

#[test]
fn a_lost_cache_is_made_again() {
    let p = words();
    p.build(&[]).ok();
    let before = p.artifact("report.json");
    p.remove("cache").build(&[]).ok();
    assert_eq!(p.artifact("report.json"), before);
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_damaged_blob_is_never_published_and_made_again() {
    let p = words();
    p.build(&[]).ok();
    let good = p.artifact("report.json");
    let hex = blake3::hash(good.as_bytes()).to_hex().to_string();
    p.file(&format!("cache/cas/{}/{}", &hex[..2], &hex[2..]), "damaged");
    p.remove(&p.published("report.json")).build(&[]).ok();
    assert_eq!(p.artifact("report.json"), good);
    p.build(&[]).nothing_to_do();
}

#[test]
fn damaged_blobs_are_made_again() {
    let p = words();
    p.build(&[]).ok();
    let good = p.artifact("report.json");
    for path in p.tree("cache/cas").keys() {
        p.file(&format!("cache/cas/{path}"), "damaged");
    }
    p.remove(&p.published("report.json")).build(&[]).ok();
    assert_eq!(p.artifact("report.json"), good);
}
