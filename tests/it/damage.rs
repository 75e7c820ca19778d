//! Files of ours that are cut short or rotten: they are made anew, or refused by name with the way out; never trusted.

use std::collections::BTreeMap;

use crate::building::words;
use crate::fail_points::{artifacts, failing};
use crate::project::Project;

/// A file, and how it is damaged.
#[derive(Debug)]
struct Case {
    path: String,
    damage: Damage,
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    /// This much of it is left, in hundredths.
    Cut(usize),
    /// A bit of the byte this far in, in hundredths.
    Flipped(usize),
}

fn damaged(mut bytes: Vec<u8>, damage: Damage) -> Vec<u8> {
    match damage {
        Damage::Cut(part) => bytes.truncate(bytes.len() * part / 100),
        Damage::Flipped(part) if bytes.is_empty() => bytes.push(u8::try_from(part).unwrap()),
        Damage::Flipped(part) => {
            let at = (bytes.len() - 1) * part / 100;
            bytes[at] ^= 1 << (part % 8);
        }
    }
    bytes
}

fn try_case(whole: &Project, case: &Case, expected: &BTreeMap<String, Vec<u8>>) {
    let p = whole.copy();
    p.file(&case.path, damaged(p.bytes(&case.path), case.damage));
    p.source("a.txt", "1 ant\n");
    let name = case.path.rsplit('/').next().unwrap();
    let mut refused = false;
    for args in [["status"].as_slice(), &["why", "report"], &["build"], &["build", "--json"]] {
        let run = p.run(args);
        match run.code {
            Some(0) => {}
            Some(1 | 2) => {
                run.stderr_has(name).stderr_has("hint: ");
                refused = true;
            }
            code => panic!("{args:?}: {code:?}\n{}", run.stderr),
        }
        run.stderr_lacks("panicked at src");
    }
    if refused {
        // The way out that the hint names.
        p.remove(&case.path).build(&[]).ok();
    }
    assert_eq!(&artifacts(&p), expected);
    let broken =
        p.artifact("logs/ingest.ndjson").lines().filter(|l| serde_json::from_str::<serde_json::Value>(l).is_err()).count();
    assert!(broken <= 1, "{broken} broken lines");
    let aside = p.tree("cache").into_keys().filter(|f| f.contains("damaged")).count();
    assert!(aside <= 1, "{aside} files set aside");
    p.leaves_nothing_behind().build(&[]).nothing_to_do();
}

#[test]
fn a_damaged_file_is_made_anew_or_refused_by_name_with_the_way_out() {
    let whole = words();
    whole.build(&[]).ok();
    let edited = whole.copy().source("a.txt", "1 ant\n");
    edited.build(&[]).ok();
    let expected = artifacts(&edited);
    let blobs: Vec<String> = whole.tree("cache/cas").into_keys().map(|f| format!("cache/cas/{f}")).collect();
    let mut files = ["state.redb", "state.snapshot", "idle.snapshot", "lock"].map(|f| format!("cache/{f}")).to_vec();
    files.extend(["manifest.json", "logs/ingest.ndjson"].map(|f| whole.published(f)));
    files.push("artifacts/ingest/dev/current".to_owned());
    files.extend(blobs.into_iter().take(4));
    files.retain(|f| whole.exists(f));
    let damages = [0, 1, 50, 99].map(Damage::Cut).into_iter().chain([0, 3, 50, 97].map(Damage::Flipped));
    let cases: Vec<Case> =
        files.iter().flat_map(|path| damages.clone().map(|damage| Case { path: path.clone(), damage })).collect();
    let failed = failing(&cases, |case| try_case(&whole, case, &expected));
    assert_eq!(failed, Vec::<String>::new(), "of {}", cases.len());
}

#[test]
fn a_damaged_database_costs_no_run_while_its_picture_is_whole() {
    let p = words();
    p.build(&[]).ok();
    p.file("cache/state.redb", "no database").source("a.txt", "1 ant\n");
    let built = p.build(&[]);
    built.ok().ran(&["text a.txt", "cut a.txt", "shout a.txt/1", "report"]);
    built.stderr_has("cache/state.redb` was damaged, and is set aside as `state.redb.damaged`");
    assert_eq!(p.text("cache/state.redb.damaged"), "no database");
    p.file("cache/state.redb", "again").source("a.txt", "1 elk\n").build(&[]).ok();
    assert_eq!(p.text("cache/state.redb.damaged"), "again");
    p.build(&[]).nothing_to_do();
}
