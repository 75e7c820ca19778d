//! Tool versions: what a command's `version` says. It is asked once for each state of what it rests on (the program, the
//! declared files, the environment that every command is given), so that a build with nothing to do starts no process.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use super::command::Room;
use crate::digest::Digest;
use crate::disk;

/// Where the record of a probe is kept: other words, another program or another PATH are another probe.
#[must_use]
pub fn key(words: &[String], program: &Path, base_env: &[(String, String)]) -> String {
    let mut environment = blake3::Hasher::new();
    for text in base_env.iter().flat_map(|(name, value)| [name, value]) {
        environment.update(&(text.len() as u64).to_le_bytes());
        environment.update(text.as_bytes());
    }
    format!("{}\0{}\0{}", words.join("\0"), program.display(), Digest::of_hasher(&environment).to_hex())
}

/// So much is shown of what a tool said that would not tell its version.
const SAID_BYTES: usize = 2_000;

/// What stands for a version while planning: no process is started.
pub const NOT_ASKED: &str = "not asked yet";

/// The first line that `words` prints (on stdout, else on stderr).
///
/// # Errors
/// A sentence, if the program cannot be started or fails.
pub fn ask(words: &[String], room: &Room) -> Result<String, String> {
    let program = words.first().map_or("", String::as_str);
    let mut process = Process::new(&*here(program));
    process.args(&words[1..]).current_dir(&room.root).stdin(Stdio::null()).env_clear().envs(room.base_env.iter().cloned());
    let said = process.output().map_err(|e| format!("cannot ask `{program}` for its version: {}", disk::plain(&e)))?;
    let failed = !said.status.success();
    let text = if said.stdout.is_empty() || failed && !said.stderr.is_empty() { said.stderr } else { said.stdout };
    if failed {
        // The end says most.
        let start = text.len().saturating_sub(SAID_BYTES);
        let text = String::from_utf8_lossy(&text[start..]);
        let said = if text.trim().is_empty() { String::new() } else { format!("; it said:\n{}", text.trim()) };
        return Err(format!("`{}` failed, so the version of the tool is not known{said}", words.join(" ")));
    }
    Ok(String::from_utf8_lossy(&text).lines().next().unwrap_or("").trim().to_owned())
}

/// That there is no `program` to ask, and what makes it where that is known.
#[must_use]
pub fn missing(program: &str) -> String {
    let environment = program.strip_prefix(".venv/").and_then(|rest| rest.split_once('/')).map(|(name, _)| name);
    let way_out = environment.map_or_else(String::new, |name| format!("; `ingest adapter setup {name}` makes `.venv/{name}`"));
    format!("cannot ask `{program}` for its version: there is no such program{way_out}")
}

/// `program` as this system has it: what stands in `bin` of a virtual environment stands in `Scripts` on Windows.
#[must_use]
pub fn here(program: &str) -> Cow<'_, str> {
    match program.rsplit_once("/bin/") {
        Some((environment, name)) if cfg!(windows) => Cow::Owned(format!("{environment}/Scripts/{name}.exe")),
        _ => Cow::Borrowed(program),
    }
}

/// The file that the system starts for `program` in the folder `root`: the first one along PATH, if it names no folder.
#[must_use]
pub fn find(program: &str, root: &Path, base_env: &[(String, String)]) -> Option<PathBuf> {
    let program = &*here(program);
    let names = if cfg!(windows) { vec![program.to_owned(), format!("{program}.exe")] } else { vec![program.to_owned()] };
    if program.contains('/') || (cfg!(windows) && program.contains('\\')) {
        return names.iter().map(|n| root.join(n)).find(|p| disk::is_program(p));
    }
    let (_, path) = base_env.iter().find(|(name, _)| name.eq_ignore_ascii_case("PATH"))?;
    // Folders are relative to where commands run; an empty one is that folder itself.
    let folders = std::env::split_paths(path);
    folders.flat_map(|d| names.iter().map(|n| root.join(&d).join(n)).collect::<Vec<_>>()).find(|p| disk::is_program(p))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_the_first_file_along_the_path_that_may_be_run() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for (folder, program) in [("a", false), ("b", true), ("c", true)] {
            disk::create_dir_all(&root.join(folder)).unwrap();
            let at = root.join(folder).join("tool");
            disk::write(&at, b"#!/bin/sh\n").unwrap();
            if program {
                assert!(Process::new("chmod").arg("+x").arg(&at).status().unwrap().success());
            }
        }
        let path = |value: &str| vec![("PATH".to_owned(), value.to_owned())];
        assert_eq!(find("tool", root, &path("a:b:c")), Some(root.join("b/tool")));
        assert_eq!(find("tool", root, &path("c:b")), Some(root.join("c/tool")));
        assert_eq!(find("tool", root, &path("a")), None);
        assert_eq!(find("c/tool", root, &path("")), Some(root.join("c/tool")));
    }

    #[test]
    fn another_path_is_another_probe() {
        let words = ["tool".to_owned()];
        let with = |value: &str| key(&words, Path::new("/bin/tool"), &[("PATH".to_owned(), value.to_owned())]);
        assert_eq!(with("/bin"), with("/bin"));
        assert_ne!(with("/bin"), with("/usr/bin"));
    }
}
