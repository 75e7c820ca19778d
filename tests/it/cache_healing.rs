//! Blobs that are damaged or missing: `verify` finds and names them, `build` makes them anew, in one go.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::building::words;
use crate::fail_points::{artifacts, failing};
use crate::project::Project;

/// The words project with texts of which some are packed.
fn long_words() -> Project {
    let long = |word: &str| format!("1 {}\n", vec![word; 3000].join(","));
    words().source("a.txt", &long("ash")).source("b.txt", &long("cow"))
}

fn blobs(p: &Project) -> Vec<String> {
    p.tree("cache/cas").into_keys().map(|f| format!("cache/cas/{f}")).collect()
}

#[derive(Clone, Copy, Debug)]
enum Harm {
    Flipped,
    Cut,
    Removed,
}

const HARMS: [Harm; 3] = [Harm::Flipped, Harm::Cut, Harm::Removed];

fn harm(p: &Project, path: &str, harm: Harm) {
    let mut bytes = p.bytes(path);
    match harm {
        Harm::Flipped => {
            let at = bytes.len() / 2;
            bytes[at] ^= 4;
        }
        Harm::Cut => bytes.truncate(bytes.len() / 2),
        Harm::Removed => return drop(p.remove(path)),
    }
    p.file(path, bytes);
}

fn verified(p: &Project) -> Value {
    let done = p.run(&["verify", "--json"]);
    done.fails(1);
    serde_json::from_str(&done.stdout).unwrap()
}

#[test]
fn text_is_packed_and_published_as_it_is() {
    let p = long_words();
    p.build(&[]).ok();
    let names = blobs(&p);
    assert!(names.iter().any(|f| f.ends_with(".z")) && p.artifact("report.json").len() > 20_000, "{names:?}");
    let packed: usize = p.tree("cache/cas").values().map(|(_, b)| b.len()).sum();
    assert!(packed < 5_000, "{packed} bytes");
    p.remove(&p.published("report.json")).build(&[]).ok().ran(&[]);
    assert!(p.artifact("report.json").starts_with("[\"ASH,ASH,"));
    p.run(&["verify"]).ok();
}

#[test]
fn verify_is_content_with_what_was_written() {
    let p = words();
    p.run(&["verify"]).ok().ends_saying("ingest: there is no cache");
    p.build(&[]).ok();
    let done = p.run(&["verify", "-j1"]);
    done.ok();
    assert!(done.last_line().ends_with("are as they were written"), "{}", done.stderr);
    p.build(&[]).nothing_to_do();
    p.leaves_nothing_behind();
}

#[test]
fn verify_names_and_sets_aside_what_is_wrong_and_a_build_makes_it_anew() {
    let whole = long_words();
    whole.build(&[]).ok();
    let expected = artifacts(&whole);
    let cases: Vec<(String, Harm)> = blobs(&whole).into_iter().flat_map(|b| HARMS.map(|h| (b.clone(), h))).collect();
    let failed = failing(&cases, |(blob, how)| {
        let p = whole.copy();
        p.build(&[]).ok();
        harm(&p, blob, *how);
        let report = verified(&p);
        let [wrong] = &report["wrong"].as_array().unwrap()[..] else { panic!("{report:#}") };
        let is_removed = matches!(how, Harm::Removed);
        assert_eq!(wrong["what"], if is_removed { "missing_blob" } else { "damaged_blob" });
        let hex = blob.trim_start_matches("cache/cas/").trim_end_matches(".z").replace('/', "");
        assert_eq!(wrong["name"], hex);
        assert!(!wrong["leads_to_it"].as_array().unwrap().is_empty(), "{report:#}");
        assert_eq!(wrong["set_aside"].is_null(), is_removed);
        assert_eq!(p.tree("cache/damaged").len(), usize::from(!is_removed));
        let status = p.run(&["status"]);
        assert_eq!(status.stdout.contains("1 damaged blob lies in `cache/damaged`"), !is_removed, "{}", status.stdout);
        p.build(&[]).ok();
        assert_eq!(artifacts(&p), expected);
        p.run(&["verify"]).ok();
        p.build(&[]).nothing_to_do();
        p.leaves_nothing_behind();
    });
    assert_eq!(failed, Vec::<String>::new());
}

#[test]
fn verify_says_which_rule_and_item_a_damaged_blob_is_of() {
    let p = words();
    p.build(&[]).ok();
    let hex = blake3::hash(b"[\"ASH\"]").to_hex().to_string();
    harm(&p, &format!("cache/cas/{}/{}", &hex[..2], &hex[2..]), Harm::Flipped);
    let done = p.run(&["verify"]);
    done.fails(1).stdout_has("is damaged, and set aside as `cache/damaged/").stdout_has("  of `shout` of a.txt/1\n");
    done.stderr_has("`ingest build` makes them anew");
    p.build(&[]).ok().ran(&["shout a.txt/1"]);
}

#[test]
fn a_published_file_that_rots_under_its_stamps_is_found_and_published_again() {
    let p = words();
    p.build(&[]).ok();
    let path = p.published("report.json");
    let modified = p.path(&path).metadata().unwrap().modified().unwrap();
    p.edit(&path, "ASH", "AXE");
    std::fs::File::options().append(true).open(p.path(&path)).unwrap().set_modified(modified).unwrap();
    let report = verified(&p);
    assert_eq!((&report["wrong"][0]["what"], &report["wrong"][0]["name"]), (&"changed_file".into(), &"report.json".into()));
    p.build(&[]).ok().ran(&[]);
    assert!(p.artifact("report.json").contains("ASH"));
    p.run(&["verify"]).ok();
    p.remove(&path);
    assert_eq!(verified(&p)["wrong"][0]["what"], "missing_file");
    p.build(&[]).ok();
    p.run(&["verify"]).ok();
}

/// Every blob harmed, one at a time; the rules that read are changed, so that the build meets it. It ends well, with the
/// artifacts of a build from scratch.
#[test]
fn a_build_that_meets_a_damaged_or_missing_blob_makes_it_anew_and_goes_on() {
    let whole = long_words();
    whole.build(&[]).ok();
    let change = |p: &Project| {
        p.edit("Ingestfile.toml", "cat {all} >", "cat {all} | tr S Z >").edit(
            "Ingestfile.toml",
            "tr a-z A-Z",
            "tr a-z A-Z | tr O Q",
        );
        p.edit("Ingestfile.toml", "while read", "true; while read").edit("Ingestfile.toml", "grep -v", "grep -a -v")
    };
    let scratch = change(&whole.copy());
    scratch.remove("cache").remove("artifacts").build(&[]).ok();
    let expected: BTreeMap<_, _> = artifacts(&scratch);
    let cases: Vec<(String, Harm)> = blobs(&whole).into_iter().flat_map(|b| HARMS.map(|h| (b.clone(), h))).collect();
    let failed = failing(&cases, |(blob, how)| {
        let p = whole.copy();
        harm(&p, blob, *how);
        change(&p).build(&[]).ok();
        assert_eq!(artifacts(&p), expected);
        p.run(&["verify"]);
        p.build(&[]).ok();
        p.run(&["verify"]).ok();
        p.build(&[]).nothing_to_do();
    });
    assert_eq!(failed, Vec::<String>::new());
}

#[test]
fn a_merge_or_an_adopted_piece_that_is_harmed_is_made_anew_or_found_again() {
    let whole = Project::of_command_passes();
    whole.build(&[]).ok();
    let chunks = whole.published("passC_chunks.json");
    whole.edit(&chunks, "\"text\":\"one\"", "\"text\":\"UNO\"").build(&["--accept", "passC"]).ok();
    let edited = whole.text(&chunks);
    let cases: Vec<(String, Harm)> = blobs(&whole).into_iter().flat_map(|b| HARMS.map(|h| (b.clone(), h))).collect();
    let failed = failing(&cases, |(blob, how)| {
        let p = whole.copy();
        harm(&p, blob, *how);
        p.edit("Ingestfile.toml", "[job]", "[cache]\nmax_age = \"9d\"\n\n[job]");
        p.remove(&p.published("passD_enriched.json")).remove(&p.published("passF_clean.json"));
        p.run(&["verify"]).fails(1);
        p.build(&[]).ok();
        assert_eq!(p.text(&p.published("passC_chunks.json")), edited);
        assert!(p.artifact("passF_clean.json").contains("UNO"));
    });
    assert_eq!(failed, Vec::<String>::new());
}
