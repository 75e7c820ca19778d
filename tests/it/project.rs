//! A project in a folder of its own, and builds of it: builders chain, and each build is asserted by what it said and did.
//!
//! A `Project` is a handle: `p.source("a.txt", "…").build(&[]).ok().ran(&["passA a.txt"])`. The program runs with an empty
//! environment (PATH aside), and its output is compared without durations and without the folder's name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use serde_json::Value;

/// Six passes that are command rules.
pub const COMMAND_PASSES: &str = include_str!("../../fixtures/ingestfiles/command_passes.toml");

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A project in a folder that is removed with the last handle.
#[derive(Clone, Debug)]
pub struct Project {
    dir: Arc<tempfile::TempDir>,
    env: BTreeMap<String, OsString>,
}

/// Every file below a folder: its bytes and when they were written.
pub type Tree = BTreeMap<String, (std::time::SystemTime, Vec<u8>)>;

impl Project {
    /// A project with this Ingestfile and nothing else.
    pub fn new(ingestfile: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("ingest-it-").tempdir().unwrap();
        let env = std::env::var_os("PATH").map(|p| ("PATH".to_owned(), p)).into_iter();
        // Windows finds neither its shell nor a folder for temporary files without these.
        let needed = ["SystemRoot", "PATHEXT", "ComSpec", "windir"];
        let env = env.chain(needed.iter().filter_map(|n| Some(((*n).to_owned(), std::env::var_os(n)?)))).collect();
        Self { dir: Arc::new(dir), env }.ingestfile(ingestfile)
    }

    /// The six passes that are command rules, their schemas, and two sources: alpha with two chunks, beta with one.
    pub fn of_command_passes() -> Self {
        Self::of_passes(COMMAND_PASSES).source("alpha.txt", "alpha\none\ntwo\n").source("beta.txt", "beta\nthree\n")
    }

    /// An Ingestfile and the schemas that it may name.
    pub fn of_passes(ingestfile: &str) -> Self {
        let project = Self::new(ingestfile);
        fs::create_dir(project.path("schemas")).unwrap();
        for entry in fs::read_dir(repository().join("schemas")).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), project.path("schemas").join(entry.file_name())).unwrap();
        }
        project
    }

    /// This project as it stands, in another folder.
    pub fn copy(&self) -> Self {
        let mut copy = Self::new("");
        copy.env.clone_from(&self.env);
        for (path, (_, bytes)) in self.tree("") {
            copy.file(&path, bytes);
        }
        copy
    }

    /// The folder, or something below it.
    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Writes the Ingestfile.
    pub fn ingestfile(&self, text: &str) -> Self {
        self.file("Ingestfile.toml", text)
    }

    /// Writes a source.
    pub fn source(&self, name: &str, text: &str) -> Self {
        self.file(&format!("uploads/{name}"), text)
    }

    /// Writes a file, and the folders above it.
    pub fn file(&self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let at = self.path(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, bytes).unwrap();
        self.clone()
    }

    /// Replaces `from`, which must be there, by `to`.
    pub fn edit(&self, path: &str, from: &str, to: &str) -> Self {
        let text = self.text(path);
        assert!(text.contains(from), "`{path}` does not hold {from:?}:\n{text}");
        self.file(path, text.replacen(from, to, 1))
    }

    /// Removes a file or a folder.
    pub fn remove(&self, path: &str) -> Self {
        let at = self.path(path);
        if at.is_dir() { fs::remove_dir_all(at) } else { fs::remove_file(at) }.unwrap();
        self.clone()
    }

    /// Renames a file or a folder.
    pub fn rename(&self, from: &str, to: &str) -> Self {
        fs::rename(self.path(from), self.path(to)).unwrap();
        self.clone()
    }

    /// Gives a file another time, and leaves its bytes.
    pub fn touch(&self, path: &str) -> Self {
        let file = fs::File::options().append(true).open(self.path(path)).unwrap();
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(86_400)).unwrap();
        self.clone()
    }

    /// This project, with a variable in the environment of its builds.
    pub fn env(&self, name: &str, value: &str) -> Self {
        let mut with = self.clone();
        with.env.insert(name.to_owned(), value.into());
        with
    }

    /// A file of the project, as text.
    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.bytes(path)).unwrap()
    }

    /// A file of the project.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    pub fn exists(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    /// The current job's folder, below the project.
    pub fn job(&self) -> String {
        format!("artifacts/ingest/dev/{}", self.text("artifacts/ingest/dev/current").trim())
    }

    /// Something in the current job's folder, below the project.
    pub fn published(&self, name: &str) -> String {
        format!("{}/{name}", self.job())
    }

    /// A published file, as text.
    pub fn artifact(&self, name: &str) -> String {
        self.text(&self.published(name))
    }

    /// A published file, as JSON.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.artifact(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// What the job folder holds beside the manifest and the log: paths below it.
    pub fn published_files(&self) -> Vec<String> {
        let files = self.tree(&self.job());
        files.into_keys().filter(|f| f != "manifest.json" && !f.starts_with("logs/")).collect()
    }

    pub fn manifest(&self) -> Value {
        self.json("manifest.json")
    }

    /// The record of a pass in the manifest, as it is written there.
    pub fn record(&self, pass: &str) -> Value {
        self.manifest()["passes"][pass].clone()
    }

    /// `A SUCCESS, B FAILED, …`.
    pub fn statuses(&self) -> String {
        let manifest = self.manifest();
        let all = manifest["passes"].as_object().unwrap().iter().map(|(k, r)| format!("{k} {}", r["status"].as_str().unwrap()));
        all.collect::<Vec<_>>().join(", ")
    }

    /// The job's log.
    pub fn log(&self) -> Vec<Value> {
        self.artifact("logs/ingest.ndjson").lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    /// Every file below `folder`; none if it is not there.
    pub fn tree(&self, folder: &str) -> Tree {
        let mut tree = Tree::new();
        collect(&self.path(folder), "", &mut tree);
        tree
    }

    /// Every file that the program wrote.
    pub fn written(&self) -> [Tree; 2] {
        [self.tree("cache"), self.tree("artifacts")]
    }

    /// Asserts that the program wrote nothing since: the same files, bytes and times.
    #[track_caller]
    pub fn wrote_nothing_since(&self, before: &[Tree; 2]) -> Self {
        let now = self.written();
        for (before, now) in before.iter().zip(&now) {
            let names = before.keys().chain(now.keys());
            let differ: Vec<&String> = names.filter(|n| before.get(*n) != now.get(*n)).collect();
            assert_eq!(differ, Vec::<&String>::new(), "written meanwhile");
        }
        self.clone()
    }

    /// Asserts that nothing that was only in between is left anywhere.
    #[track_caller]
    pub fn leaves_nothing_behind(&self) -> Self {
        let files = self.written().into_iter().flat_map(Tree::into_keys);
        let folders =
            ["cache/staging", "cache/tmp"].iter().filter(|f| self.path(f).read_dir().is_ok_and(|mut d| d.next().is_some()));
        let of_ours = |f: &String| ["tmp", "staging", ".partial", ".new"].iter().any(|mark| f.contains(mark));
        let left: Vec<String> = files.filter(of_ours).chain(folders.map(|f| (*f).to_owned())).collect();
        assert_eq!(left, Vec::<String>::new(), "left behind");
        self.clone()
    }

    /// `ingest build --json` with more arguments.
    pub fn build(&self, args: &[&str]) -> Built {
        self.start(&[&["build", "--json"], args].concat()).end()
    }

    /// `ingest` with these arguments.
    pub fn run(&self, args: &[&str]) -> Built {
        self.start(args).end()
    }

    /// `ingest` with these arguments, not waited for.
    pub fn start(&self, args: &[&str]) -> Running {
        self.start_by(&[], args)
    }

    /// `ingest` with these arguments, started by another program (`setpriv …`); by itself if that is none.
    pub fn start_by(&self, launcher: &[&str], args: &[&str]) -> Running {
        let words: Vec<&str> = launcher.iter().copied().chain([env!("CARGO_BIN_EXE_ingest")]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(args).current_dir(self.path("")).env_clear().envs(&self.env);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running { child, project: self.clone() }
    }

    /// Text without what differs from run to run: this folder, job and build ids, durations, clocks.
    pub fn normalised(&self, text: &str) -> String {
        let real = self.path("").canonicalize().unwrap();
        let text = text.replace(&*real.to_string_lossy(), "[project]").replace(&*self.path("").to_string_lossy(), "[project]");
        let words = text.split_inclusive(|c: char| c.is_whitespace() || "()/,`\"".contains(c));
        let mut normal = String::new();
        let mut before = "";
        for word in words {
            let (core, end) = word.split_at(word.len() - word.chars().next_back().map_or(0, char::len_utf8));
            let is_figure = core.starts_with(|c: char| c.is_ascii_digit()) && core.contains('.') && core.parse::<f64>().is_ok();
            let core = match core {
                _ if core.starts_with("job_2") => "[job]",
                _ if core.starts_with("b_2") => "[build]",
                _ if is_figure && before.ends_with('(') && end == " " => "[time]",
                _ => core,
            };
            normal.push_str(core);
            normal.push_str(end);
            before = word;
        }
        normal
    }
}

fn collect(folder: &Path, prefix: &str, tree: &mut Tree) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let meta = entry.metadata().unwrap();
        if meta.is_dir() {
            collect(&entry.path(), &format!("{name}/"), tree);
        } else {
            tree.insert(name, (meta.modified().unwrap(), fs::read(entry.path()).unwrap()));
        }
    }
}

/// Holds a command of a build at a known place: the command writes a line into `hello` and reads one from `go`, if they are there.
#[cfg(unix)]
pub struct Handshake {
    project: Project,
    place: &'static str,
    said: std::sync::mpsc::Receiver<String>,
    go: fs::File,
}

#[cfg(unix)]
impl Handshake {
    /// What the command runs where it is to be held. It opens `go` before it says that it is there: after that the pipe may be removed.
    pub const SHELL: &str = "if [ -p hello ]; then { echo here > hello; read -r answer; } < go; fi;";

    /// What a command runs at a second place where it is to be held.
    pub fn shell(place: &str) -> String {
        Self::SHELL.replace("hello", &format!("hello{place}")).replace("< go", &format!("< go{place}"))
    }

    /// Lays the two pipes into the project.
    pub fn new(project: &Project) -> Self {
        Self::at(project, "")
    }

    /// Lays the two pipes of a place into the project.
    pub fn at(project: &Project, place: &'static str) -> Self {
        let (hello, go) = (project.path(&format!("hello{place}")), project.path(&format!("go{place}")));
        assert!(Command::new("mkfifo").args([&hello, &go]).status().unwrap().success());
        // Open at both ends, so that neither side waits for the other to open it.
        let open = |path: &Path| fs::File::options().read(true).write(true).open(path).unwrap();
        let (hello, go) = (open(&hello), open(&go));
        let (say, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in std::io::BufRead::lines(std::io::BufReader::new(hello)) {
                if line.is_err() || say.send(line.unwrap_or_default()).is_err() {
                    return;
                }
            }
        });
        Self { project: project.clone(), place, said, go }
    }

    /// Waits until a command is there.
    pub fn wait(&self) {
        self.said.recv_timeout(std::time::Duration::from_secs(60)).expect("no command came to the place where it is to be held");
    }

    /// Lets it go on, and no later one be held.
    pub fn release(mut self) {
        self.project.remove(&format!("hello{}", self.place));
        std::io::Write::write_all(&mut self.go, b"go\n").unwrap();
        // The pipe keeps the line for a reader that has it open already.
        self.project.remove(&format!("go{}", self.place));
    }
}

/// The program at work.
pub struct Running {
    pub child: Child,
    project: Project,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads its stderr up to the first line that holds `text`.
    pub fn says(&mut self, text: &str) {
        let mut line = String::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        let mut byte = [0];
        while std::io::Read::read(stderr, &mut byte).unwrap() == 1 {
            line.push(char::from(byte[0]));
            if byte[0] == b'\n' {
                if line.contains(text) {
                    return;
                }
                line.clear();
            }
        }
        panic!("it never said {text:?}");
    }

    /// Ends it as a power cut of one process would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub fn end(self) -> Built {
        let Output { status, stdout, stderr } = self.child.wait_with_output().unwrap();
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        let values = stdout.lines().filter_map(|l| serde_json::from_str(l).ok());
        let events = values.filter(|v: &Value| v["event"].is_string()).collect();
        let said = format!("exit {:?}\n{}\n{}", status.code(), stdout, stderr);
        let stderr = self.project.normalised(&stderr);
        Built { code: status.code(), stdout, stderr, events, said, project: self.project }
    }
}

/// What a run of the program said and did; every assertion hands it on.
#[derive(Debug)]
pub struct Built {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    /// Normalised.
    pub stderr: String,
    /// What `--json` told.
    pub events: Vec<Value>,
    said: String,
    pub project: Project,
}

impl Built {
    /// It ended well.
    #[track_caller]
    pub fn ok(&self) -> &Self {
        self.ends_with(0)
    }

    /// It ended with this exit code.
    #[track_caller]
    pub fn fails(&self, code: i32) -> &Self {
        self.ends_with(code)
    }

    #[track_caller]
    fn ends_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}", self.said);
        let outcome = self.stderr.lines().last().unwrap_or_default();
        assert!(self.events.is_empty() || outcome.starts_with("ingest: "), "the last line states no outcome: {}", self.said);
        self
    }

    /// Just these actions ran (`rule`, or `rule item`), in whatever order.
    #[track_caller]
    pub fn ran(&self, expected: &[&str]) -> &Self {
        self.came_to("ran", expected)
    }

    /// Just these actions came from the cache.
    #[track_caller]
    pub fn restored(&self, expected: &[&str]) -> &Self {
        self.came_to("from_cache", expected)
    }

    /// Just these actions failed.
    #[track_caller]
    pub fn failed(&self, expected: &[&str]) -> &Self {
        self.came_to("failed", expected)
    }

    /// Just these actions were rejected by a gate.
    #[track_caller]
    pub fn rejected(&self, expected: &[&str]) -> &Self {
        self.came_to("rejected", expected)
    }

    #[track_caller]
    fn came_to(&self, outcome: &str, expected: &[&str]) -> &Self {
        let mut expected: Vec<String> = expected.iter().map(|s| (*s).to_owned()).collect();
        expected.sort();
        assert_eq!(self.with_outcome(outcome), expected, "{outcome}\n{}", self.said);
        self
    }

    /// The actions with this outcome, sorted.
    pub fn with_outcome(&self, outcome: &str) -> Vec<String> {
        let ended = self.events.iter().filter(|e| e["event"] == "action_ended" && e["outcome"] == outcome);
        let mut names: Vec<String> = ended.map(action_name).collect();
        names.sort();
        names
    }

    /// The actions that were started, sorted.
    pub fn started(&self) -> Vec<String> {
        let mut names: Vec<String> = self.events.iter().filter(|e| e["event"] == "action_started").map(action_name).collect();
        names.sort();
        names
    }

    /// It found nothing to do, and did not even say that it began.
    #[track_caller]
    pub fn nothing_to_do(&self) -> &Self {
        self.ok();
        assert_eq!(self.last_line(), "ingest: nothing to do", "{}", self.said);
        assert!(self.events.is_empty(), "{}", self.said);
        self
    }

    /// The last line that people see.
    pub fn last_line(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }

    #[track_caller]
    pub fn ends_saying(&self, line: &str) -> &Self {
        assert_eq!(self.last_line(), line, "{}", self.said);
        self
    }

    #[track_caller]
    pub fn stderr_has(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "stderr does not hold {text:?}\n{}", self.said);
        self
    }

    #[track_caller]
    pub fn stderr_lacks(&self, text: &str) -> &Self {
        assert!(!self.stderr.contains(text), "stderr holds {text:?}\n{}", self.said);
        self
    }

    #[track_caller]
    pub fn stdout_has(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "stdout does not hold {text:?}\n{}", self.said);
        self
    }

    /// Names of the artifacts that were published, in order.
    pub fn published(&self) -> Vec<String> {
        let published = self.events.iter().filter(|e| e["event"] == "published");
        published.map(|e| e["record"]["name"].as_str().unwrap().to_owned()).collect()
    }
}

fn action_name(event: &Value) -> String {
    let (rule, item) = (event["rule"].as_str().unwrap(), event["item"].as_str().unwrap());
    format!("{rule} {item}").trim_end().to_owned()
}
