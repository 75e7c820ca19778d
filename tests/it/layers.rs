//! The layers of STYLE.md, read off every file's imports; who may print; who may write; how long a file may be.

use std::fs;
use std::path::Path;

use crate::project::repository;

const LEAVES: [&str; 12] = [
    "builtin",
    "digest",
    "disk",
    "environment",
    "diagnostic",
    "fail_point",
    "rel_path",
    "placeholder",
    "source_id",
    "spanned",
    "staging",
    "unseen",
];

/// What a module of the first level may import, beside itself and leaves.
fn may_import(module: &str) -> Option<&'static [&'static str]> {
    Some(match module {
        leaf if LEAVES.contains(&leaf) => &[],
        "document" | "store" | "diff" => &[],
        "passes" => &["document"],
        "engine" => &["store"],
        "ingestfile" | "gates" | "job" | "worker" | "sources" => &["engine", "store"],
        // Everything.
        "cli" | "lib" | "main" => return None,
        other => panic!("`{other}` stands in no layer"),
    })
}

struct File {
    /// Below `src`, `/`-separated.
    path: String,
    /// Without its tests.
    code: String,
}

fn files() -> Vec<File> {
    let mut files = Vec::new();
    read(&repository().join("src"), "", &mut files);
    let for_tests: Vec<String> = files.iter().flat_map(File::modules_for_tests).collect();
    files.retain(|f| !for_tests.contains(&f.path));
    assert!(files.len() > 50, "only {} files", files.len());
    files
}

fn read(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            read(&entry.path(), &format!("{path}/"), files);
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "testing.rs" && !path.contains("tests/") {
            let text = fs::read_to_string(entry.path()).unwrap();
            let code = text.split("\nmod tests {").next().unwrap_or_default().to_owned();
            files.push(File { path, code });
        }
    }
}

impl File {
    fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap()
    }

    /// Files of the modules that it declares for tests only.
    fn modules_for_tests(&self) -> Vec<String> {
        let (folder, name) = self.path.rsplit_once('/').map_or(("", self.path.as_str()), |(folder, name)| (folder, name));
        let inside =
            if matches!(name, "mod.rs" | "lib.rs") { folder.to_owned() } else { format!("{folder}/{}", &name[..name.len() - 3]) };
        let mut found = Vec::new();
        for after in self.code.split("#[cfg(test)]").skip(1) {
            let mut given = None;
            for line in after.trim_start().lines().take(3) {
                given = line.strip_prefix("#[path = \"").and_then(|l| l.strip_suffix("\"]")).or(given);
                if let Some(module) = line.strip_suffix(';').and_then(|l| l.rsplit_once("mod ")) {
                    let path = given.map_or_else(|| format!("{inside}/{}.rs", module.1), |given| format!("{folder}/{given}"));
                    found.push(path.trim_start_matches('/').to_owned());
                    break;
                }
            }
        }
        found
    }

    /// Lines of code: no comments.
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.code.lines().filter(|l| !l.trim_start().starts_with("//"))
    }

    /// Modules of the first level that it names with `crate::`.
    fn imports(&self) -> Vec<&str> {
        let after = |line: &'_ str| line.match_indices("crate::").map(|(i, m)| i + m.len()).collect::<Vec<_>>();
        let name = |rest: &'_ str| rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.lines().flat_map(|l| after(l).into_iter().map(move |i| &l[i..][..name(&l[i..])])).filter(|n| !n.is_empty()).collect()
    }
}

/// Lines that hold one of `words`, in files that `may` not, as `path: line`.
fn uses(words: &[&str], may: &[&str]) -> Vec<String> {
    let files = files();
    let others = files.iter().filter(|f| !may.contains(&f.path.as_str()));
    let lines = others.flat_map(|f| f.lines().map(move |l| (f, l)));
    lines.filter(|(_, l)| words.iter().any(|w| l.contains(w))).map(|(f, l)| format!("{}: {}", f.path, l.trim())).collect()
}

const NONE: [String; 0] = [];

#[test]
fn each_file_imports_only_from_its_own_layer_and_those_below() {
    let mut wrong = Vec::new();
    for file in files() {
        let Some(may) = may_import(file.module()) else { continue };
        let known = |name: &&str| *name == file.module() || LEAVES.contains(name) || may.contains(name);
        wrong.extend(file.imports().into_iter().filter(|n| !known(n)).map(|n| format!("{} imports {n}", file.path)));
    }
    assert_eq!(wrong, NONE);
}

#[test]
fn passes_and_documents_never_touch_the_disk_a_clock_or_the_environment() {
    let files = files();
    let pure = files.iter().filter(|f| matches!(f.module(), "passes" | "document"));
    let words = ["crate::disk", "std::fs", "std::env::var", "SystemTime", "Instant::now", "std::process", "std::net"];
    let lines = pure.flat_map(|f| f.lines().map(move |l| (f, l)));
    let wrong = lines.filter(|(_, l)| words.iter().any(|w| l.contains(w)));
    assert_eq!(wrong.map(|(f, l)| format!("{}: {}", f.path, l.trim())).collect::<Vec<_>>(), NONE);
}

#[test]
fn only_the_console_prints() {
    let words = ["println!(", "print!(", "dbg!(", "io::stdout()", "io::stderr()", "stdout().", "stderr()."];
    // A worker's stdout is the pipe to its build.
    assert_eq!(uses(&words, &["cli/console.rs", "cli/worker.rs"]), NONE);
}

#[test]
fn only_disk_writes_files() {
    let words = [
        "fs::write",
        "fs::rename",
        "fs::copy",
        "fs::remove_",
        "fs::create_dir",
        "fs::hard_link",
        "fs::set_permissions",
        "File::create",
        "OpenOptions",
        "File::options",
        "hard_link",
    ];
    assert_eq!(uses(&words, &["disk.rs", "disk/atomic.rs"]), NONE);
}

#[test]
fn nothing_reaches_the_network() {
    assert_eq!(uses(&["std::net", "TcpStream", "UdpSocket", "reqwest", "ureq", "hyper::"], &[]), NONE);
}

#[test]
fn no_file_is_longer_than_600_lines_without_its_tests() {
    let long = files().into_iter().map(|f| (f.code.lines().count(), f.path)).filter(|(n, _)| *n > 600);
    assert_eq!(long.map(|(n, path)| format!("{path}: {n}")).collect::<Vec<_>>(), NONE);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = files().into_iter().filter(|f| !f.code.starts_with("//!")).map(|f| f.path);
    assert_eq!(silent.collect::<Vec<_>>(), NONE);
}
