//! A full disk: the cache makes room with what nothing needs, once; else the build ends with what people need to know.

#![allow(clippy::print_stderr, reason = "a test that cannot be run says so")]

use crate::building::words;
use crate::disk_trouble::Mounted;
use crate::events::check;
use crate::project::Project;

/// Bytes that nothing packs, as text.
fn noise(seed: u64, kib: usize) -> String {
    let mut x = seed;
    let mut next = || {
        x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let y = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (y ^ (y >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
    };
    (0..kib * 64).map(|_| format!("{:016x}", next())).collect()
}

#[test]
fn a_build_on_a_full_disk_makes_room_and_tries_once_more() {
    for step in ["file-to-write 1 said.txt", "output-hashed 1 ", "batch-begun 1 ", "output-to-publish 1 "] {
        let p = words();
        p.build(&[]).ok();
        p.source("a.txt", "1 ant\n").build(&[]).ok();
        p.source("a.txt", "1 ape\n");
        let full = p.env("INGEST_FAIL_POINT", &format!("full {step}")).build(&["-j1"]);
        full.ok();
        assert!(full.stdout.contains("the disk was full; "), "{step}: {}", full.stdout);
        assert_eq!(p.artifact("report.json"), "[\"APE\",\n\"COW\"]");
        p.build(&[]).nothing_to_do();
        p.run(&["verify"]).ok();
        p.leaves_nothing_behind();
        p.source("a.txt", "1 ash\n2 bat\n").build(&[]).ok().restored(&[]);
    }
}

#[test]
fn a_log_or_manifest_for_which_there_is_no_room_is_written_when_room_was_made() {
    for (point, place, last) in [("line-to-append", ".ndjson", 12), ("temporary-filled", "manifest.json", 3)] {
        for n in 1..=last {
            let p = words();
            p.build(&[]).ok();
            p.source("a.txt", "1 ant\n").build(&[]).ok();
            p.source("a.txt", "1 ape\n");
            let full = p.env("INGEST_FAIL_POINT", &format!("full {point} {n} {place}")).build(&["-j1"]);
            full.ok();
            assert!(full.stdout.contains("the disk was full; "), "{point} {n}: {}", full.stdout);
            check(&p, &full.events);
            p.build(&[]).nothing_to_do();
            p.leaves_nothing_behind();
        }
    }
}

#[test]
fn what_the_build_would_still_find_in_the_cache_is_no_room() {
    let p = words();
    p.build(&[]).ok();
    p.source("a.txt", "1 ant\n").source("b.txt", "1 cat\n").build(&[]).ok();
    // `b` is as it was: its results are old, and about to be needed.
    p.source("a.txt", "1 ape\n").source("b.txt", "1 cow\n");
    let full = p.env("INGEST_FAIL_POINT", "full file-to-write 1 said.txt").build(&["-j1"]);
    full.ok();
    assert!(full.stdout.contains("the disk was full; "), "{}", full.stdout);
    let ran = full.with_outcome("ran");
    assert!(ran.iter().all(|a| !a.contains("b.txt")), "{ran:?}");
}

/// A project whose cache is a file system of its own, of so many KiB.
fn small(kib: usize) -> Option<(Project, Mounted)> {
    let p = words();
    let mounted = Mounted::new(&p, "cache", &["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])?;
    Some((p, mounted))
}

#[test]
fn on_a_small_disk_old_results_give_way_to_new_ones() {
    let Some((p, _mounted)) = small(6 * 1024) else { return };
    for seed in 0..8 {
        p.source("a.txt", &format!("1 {}\n", noise(seed, 150)));
        p.build(&[]).ok();
        assert!(p.artifact("report.json").len() > 150_000);
        p.build(&[]).nothing_to_do();
    }
    p.run(&["verify"]).ok();
}

#[test]
fn a_disk_that_what_is_needed_does_not_fit_is_told_of_with_its_room_and_nothing_is_lost() {
    let Some((p, mounted)) = small(2 * 1024) else { return };
    p.build(&[]).ok();
    let before = p.artifact("report.json");
    p.source("a.txt", &format!("1 {}\n", noise(1, 1500)));
    let full = p.build(&["-j1"]);
    full.fails(1).stderr_has("no space left on device");
    full.stderr_has("hint: the file system at `").stderr_has("of 2.0 MiB left");
    assert_eq!(p.artifact("report.json"), before);
    p.source("a.txt", "1 ash\n2 bat\n").build(&[]).ok().ran(&[]);
    p.run(&["verify"]).ok();
    drop(mounted);
}
