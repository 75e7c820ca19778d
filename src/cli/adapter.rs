//! `ingest adapter setup`: the virtual environment of another tool, made from the lock file that pins it, and the adapter's own
//! files where they are not there yet. Nothing else of `ingest` needs Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::args::{Adapter, AdapterAction, AdapterName, AdapterSetup};
use super::console::Console;
use super::error::{CliError, ErrorKind};
use super::project::{base_env, environment};
use super::render;
use crate::disk;
use crate::engine::probe;
use crate::environment::Environment;

/// The adapter of one tool.
struct Tool {
    /// Name of its lock file and of its virtual environment.
    name: &'static str,
    /// Files of `adapters/` with what they hold, the adapter first.
    files: [(&'static str, &'static str); 3],
}

/// A tool whose adapter is called so.
macro_rules! tool {
    ($name:literal, $adapter:literal) => {
        Tool {
            name: $name,
            files: [
                (concat!("adapters/", $adapter), include_str!(concat!("../../adapters/", $adapter))),
                ("adapters/contract.py", include_str!("../../adapters/contract.py")),
                (concat!("adapters/", $name, ".lock"), include_str!(concat!("../../adapters/", $name, ".lock"))),
            ],
        }
    };
}

const TOOLS: [(AdapterName, Tool); 3] = [
    (AdapterName::Unstructured, tool!("unstructured", "unstructured_partition.py")),
    (AdapterName::Haystack, tool!("haystack", "haystack_enrich.py")),
    (AdapterName::Llamaindex, tool!("llamaindex", "llamaindex_graph.py")),
];

/// Versions of Python for which the lock files pin packages: 3.11 to 3.13.
const PYTHONS: std::ops::RangeInclusive<u32> = 11..=13;
/// What Python is called, in the order of trying.
const NAMES: [&str; 3] = ["python3", "python", "py"];
/// So much is shown of what a program said that failed.
const SAID_LINES: usize = 12;

/// Runs the command.
///
/// # Errors
/// If no Python can be had, the packages cannot be fetched, or the adapter does not work with them.
pub fn run(args: &Adapter, console: &Console) -> Result<(), CliError> {
    let AdapterAction::Setup(setup) = &args.action;
    let Some((_, tool)) = TOOLS.iter().find(|(name, _)| *name == setup.name) else { return Ok(()) };
    let maker = Maker { tool, env: environment(), console };
    let wrote = maker.files(setup.force)?;
    let lock = disk::read(Path::new(tool.files[2].0))?;
    let marker = PathBuf::from(format!(".venv/{}/made-from", tool.name));
    let is_made = disk::read_if_there(&marker)?.is_some_and(|made| made == lock);
    if is_made && !setup.force && maker.version().is_ok() {
        let nothing = if wrote { "the environment is as its lock file says" } else { "nothing to do" };
        console.status(&format!("ingest: {nothing}"));
        return Ok(());
    }
    maker.environment(setup)?;
    let version = maker.version()?;
    disk::atomic_write(&marker, &lock)?;
    console.status(&format!("ingest: `.venv/{}` is ready: {}", tool.name, render::shown(&version)));
    Ok(())
}

/// Makes one environment below the present folder.
struct Maker<'a> {
    tool: &'a Tool,
    env: Environment,
    console: &'a Console,
}

impl Maker<'_> {
    /// Writes the adapter's files that are not there; whether there were any. One that is another than ours stays, unless `force`.
    fn files(&self, force: bool) -> Result<bool, CliError> {
        let mut wrote = false;
        for (path, text) in self.tool.files {
            let (at, text) = (Path::new(path), text.replace("\r\n", "\n"));
            match disk::read_if_there(at)? {
                Some(there) if there == text.as_bytes() => continue,
                Some(_) if !force => {
                    self.console
                        .status(&format!("`{path}` is another than that of this `ingest`, and stays (`--force` replaces it)"));
                    continue;
                }
                _ => {}
            }
            disk::create_dir_all(Path::new("adapters"))?;
            disk::atomic_write(at, text.as_bytes())?;
            self.console.status(&format!("wrote {path}"));
            wrote = true;
        }
        Ok(wrote)
    }

    /// Makes the environment anew, and puts the packages in.
    fn environment(&self, setup: &AdapterSetup) -> Result<(), CliError> {
        let python = self.python(setup.python.as_deref())?;
        let folder = format!(".venv/{}", self.tool.name);
        disk::remove_dir_all(Path::new(&folder))?;
        self.console.status(&format!("making `{folder}` with `{}`", render::shown(&python.display().to_string())));
        let made = self.ask(Command::new(&python).args(["-m", "venv", &folder]))?;
        if !made.status.success() {
            let error = failed("the virtual environment cannot be made", &made);
            return Err(if said(&made).contains("ensurepip") {
                error.hint("this Python lacks a part: `apt-get install python3-venv` on Debian, or another one with `--python`")
            } else {
                error
            });
        }
        let lock = self.tool.files[2].0;
        let packages = self.tool.files[2].1.lines().filter(|l| l.contains("==")).count();
        self.console.status(&format!("fetching {packages} packages that `{lock}` pins"));
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "--no-deps",
            "--require-hashes",
            "-r",
            lock,
        ];
        let fetched = self.ask(Command::new(self.own_python()).args(pip))?;
        if fetched.status.success() {
            return Ok(());
        }
        let error = failed(&format!("the packages of `{lock}` cannot be installed"), &fetched);
        let said = said(&fetched);
        let unreachable = ["onnection", "roxy", "resolve", "timed out", "SSL", "Could not fetch", "from versions: none"];
        Err(if said.contains("HASH") || said.contains("hashes") {
            error.hint("what was fetched is not what the lock file pins: another index or a changed file")
        } else if unreachable.iter().any(|word| said.contains(word)) {
            error.hint(
                "`HTTPS_PROXY` names a proxy, `PIP_INDEX_URL` another index, `PIP_FIND_LINKS` a folder of packages; then again",
            )
        } else {
            error
        })
    }

    /// A Python that the lock files are made for.
    fn python(&self, given: Option<&Path>) -> Result<PathBuf, CliError> {
        let base = base_env(&self.env);
        let found = match given {
            Some(given) => vec![given.to_path_buf()],
            None => NAMES.iter().filter_map(|name| probe::find(name, Path::new("."), &base)).collect(),
        };
        let mut others = Vec::new();
        for python in found {
            let code = "import sys; print('%d.%d' % sys.version_info[:2])";
            let Ok(asked) = self.ask(Command::new(&python).args(["-c", code])) else { continue };
            let version = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
            let minor = version.strip_prefix("3.").and_then(|minor| minor.parse().ok());
            if asked.status.success() && minor.is_some_and(|minor| PYTHONS.contains(&minor)) {
                return Ok(python);
            }
            others.push(format!("`{}` is {}", python.display(), if version.is_empty() { "none" } else { &version }));
        }
        let wanted = format!("Python 3.{} to 3.{}", PYTHONS.start(), PYTHONS.end());
        let seen = if others.is_empty() { String::new() } else { format!(": {}", others.join(", ")) };
        let error = CliError::new(ErrorKind::Failed, format!("{wanted} is needed, and was not found{seen}"));
        Err(error
            .hint(format!("`ingest adapter setup {} --python PROGRAM` names one that is installed elsewhere", self.tool.name)))
    }

    /// What the adapter says of its tool, once it has compared the environment with the lock file.
    fn version(&self) -> Result<String, CliError> {
        let asked = self.ask(Command::new(self.own_python()).args(["-B", self.tool.files[0].0, "--version"]))?;
        let line = String::from_utf8_lossy(&asked.stdout).lines().next().unwrap_or_default().trim().to_owned();
        if asked.status.success() { Ok(line) } else { Err(failed("the adapter does not work with what was installed", &asked)) }
    }

    /// The environment's own Python.
    fn own_python(&self) -> PathBuf {
        let python = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
        PathBuf::from(format!(".venv/{}/{python}", self.tool.name))
    }

    fn ask(&self, command: &mut Command) -> Result<Output, CliError> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        command.output().map_err(|e| CliError::new(ErrorKind::Failed, format!("cannot start `{program}`: {}", disk::plain(&e))))
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// That it failed, and the end of what it said.
fn failed(what: &str, output: &Output) -> CliError {
    let said = said(output);
    let lines: Vec<&str> = said.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let end = lines[lines.len().saturating_sub(SAID_LINES)..].join("\n");
    CliError::new(ErrorKind::Failed, if end.is_empty() { what.to_owned() } else { format!("{what}:\n{end}") })
}
