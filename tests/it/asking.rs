//! What `why`, `status` and `clean` say and do of a project that changes.

use crate::building::words;

#[test]
fn why_goes_back_to_the_source_that_changed_and_writes_nothing() {
    let p = words();
    p.build(&[]).ok();
    p.run(&["why", "report"]).ok().stdout_has("report is up to date (1 action, last built ");
    p.source("a.txt", "1 ash\n2 bee\n");
    let before = p.written();
    p.run(&["why", "report"])
        .ok()
        .stdout_has("report may run: its input `all` is made by `shout`")
        .stdout_has("text would run for a.txt: the source `a.txt` changed (");
    p.run(&["why", "shout:b.txt"]).ok().stdout_has("shout:b.txt is up to date");
    p.wrote_nothing_since(&before);
    p.build(&[]).ok();
    p.run(&["why", "report", "--last"]).ok().stdout_has("the source `a.txt` changed (");
    p.run(&["why", "repotr"]).fails(2).stderr_has("did you mean `report`?");
}

#[test]
fn a_cleaned_job_is_restored_from_the_cache() {
    let p = words();
    p.build(&[]).ok();
    let before = p.published_files();
    p.run(&["clean", "-n"]).ok();
    assert_eq!(p.published_files(), before);
    p.run(&["clean"]).ok();
    assert!(p.published_files().is_empty());
    p.build(&[]).ok().ran(&[]);
    assert_eq!(p.published_files(), before);
    p.run(&["clean", "--all"]).ok();
    assert!(!p.exists("artifacts") && !p.exists("cache/state.redb") && p.exists("cache/CACHEDIR.TAG"));
}

#[test]
fn a_cache_without_our_mark_is_not_removed() {
    let p = words();
    p.build(&[]).ok();
    p.remove("cache/CACHEDIR.TAG");
    p.run(&["clean", "--all"]).fails(1).stderr_has("`cache` is not removed, nor is anything else");
    assert!(p.exists("cache/state.redb"));
}

#[test]
fn what_a_removed_rule_left_is_named_and_can_be_cleaned() {
    let p = words();
    p.build(&[]).ok();
    p.edit("Ingestfile.toml", "[rule.report]", "[rule.other]");
    p.run(&["status"]).ok().stdout_has("`ingest clean report` removes its 1 file");
    p.run(&["clean", "report"]).ok();
    p.build(&[]).ok();
    assert!(p.run(&["status"]).stdout.lines().all(|l| !l.contains("no longer in the Ingestfile")));
}
