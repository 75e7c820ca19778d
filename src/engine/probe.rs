//! Tool versions: what a command's `version` says, remembered by the program file and the declared files, so that a build
//! with nothing to do starts no process.

use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use super::command::Room;
use super::coordinator::Mode;
use crate::digest::Digest;
use crate::disk;
use crate::store::records::Probe;
use crate::store::state::State;

/// What stands for a version while planning: no process is started.
pub const NOT_ASKED: &str = "not asked yet";

/// The first line that `words` prints (on stdout, else on stderr).
///
/// # Errors
/// A sentence, if the program cannot be started or fails.
pub fn tool_version(words: &[String], files: &[Digest], room: &Room, state: &mut State, mode: Mode) -> Result<String, String> {
    let program = words.first().map_or("", String::as_str);
    let interpreter = find(program, room).and_then(|p| disk::stat(&p).ok().flatten());
    let key = words.join("\0");
    if let Some(known) = state.probes.get(&key)
        && known.interpreter == interpreter
        && known.files == files
        && interpreter.is_some()
    {
        return Ok(known.version.clone());
    }
    if mode == Mode::Plan {
        return Ok(NOT_ASKED.to_owned());
    }
    let mut process = Process::new(program);
    process.args(&words[1..]).current_dir(&room.root).stdin(Stdio::null()).env_clear().envs(room.base_env.iter().cloned());
    let said = process.output().map_err(|e| format!("cannot ask `{program}` for its version: {e}"))?;
    if !said.status.success() {
        return Err(format!("`{}` failed, so the version of the tool is not known", words.join(" ")));
    }
    let text = if said.stdout.is_empty() { said.stderr } else { said.stdout };
    let version = String::from_utf8_lossy(&text).lines().next().unwrap_or("").trim().to_owned();
    state.probes.put(key, Probe { interpreter, files: files.to_vec(), version: version.clone() });
    Ok(version)
}

fn find(program: &str, room: &Room) -> Option<PathBuf> {
    if program.contains('/') || program.contains('\\') {
        return Some(room.root.join(program));
    }
    let path = room.base_env.iter().find(|(name, _)| name.eq_ignore_ascii_case("PATH")).map(|(_, v)| v.clone())?;
    let separator = if cfg!(windows) { ';' } else { ':' };
    let names = [program.to_owned(), format!("{program}.exe")];
    let candidates = path.split(separator).flat_map(|d| names.iter().map(move |n| Path::new(d).join(n)));
    candidates.into_iter().find(|p| disk::is_file(p))
}
