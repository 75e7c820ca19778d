//! What must hold of a job over many books, asked of the built program.

#![allow(clippy::disallowed_methods, reason = "a bench makes its own folders")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::books::{self, Made};
use crate::hostile::{self, Fate, Hostile};
use crate::watched::{self, Watched};
use crate::words::Dice;

pub struct Options {
    pub books: usize,
    pub ingest: PathBuf,
    /// Where to work, and to leave what was made; a temporary folder if not given.
    pub folder: Option<PathBuf>,
    pub kills: usize,
    /// What four times the books may cost a build in memory, as a factor; `None` is only told.
    pub grows: Option<f64>,
    /// Makes the job and builds nothing.
    pub only_make: bool,
}

/// What ended this long before a kill has been made durable: batches are committed five times a second.
const DURABLE_MS: i64 = 2_000;

/// Everything, in order; the sentences say what does not hold.
pub fn run(options: &Options) -> Result<Vec<String>, String> {
    let temporary = tempfile::tempdir().map_err(|e| e.to_string())?;
    let root = options.folder.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    let ingest = options.ingest.canonicalize().map_err(|e| format!("no program `{}`: {e}", options.ingest.display()))?;
    let all = Job::made(&root.join("all"), options.books, true)?;
    if options.only_make {
        println!("{} books and {} hostile files in {}", all.books.len(), all.hostile.len(), all.folder.display());
        return Ok(Vec::new());
    }
    let mut problems = Vec::new();
    println!(
        "{:<28}{:>8}{:>9}{:>9}{:>9}{:>14}{:>12}",
        "build", "actions", "wall s", "cpu s", "peak MB", "child peak MB", "at once MB"
    );
    let peaks = [options.books.div_ceil(4), options.books].map(|books| {
        let job = Job::made(&root.join(format!("good-{books}")), books, false)?;
        let build = job.build(&ingest, &format!("{books} good books"), None)?;
        if build.code != Some(0) {
            problems.push(format!("{books} good books end with {:?}: {}", build.code, last_line(&build)));
        }
        Ok::<u64, String>(build.sum_peak_kb)
    });
    let [small, large] = peaks;
    let (small, large) = (megabytes(small?), megabytes(large?));
    let grows = large / small.max(1.0);
    println!("  at once {small:.0} MB, and for four times the books {large:.0} MB: {grows:.2} times as much");
    if options.grows.is_some_and(|most| grows > most) {
        problems.push(format!("memory grows from {small:.0} to {large:.0} MB, {grows:.2} times, for four times the books"));
    }
    let first = all.build(&ingest, &format!("{} and {} hostile files", all.books.len(), all.hostile.len()), None)?;
    all.check(&first, &mut problems)?;
    let published = all.published()?;
    let again = all.build(&ingest, "the same, again", None)?;
    if !last_line(&again).starts_with("ingest: nothing to do") {
        problems.push(format!("a second build said `{}`", last_line(&again)));
    }
    if all.published()? != published {
        problems.push("a second build changed what is published".to_owned());
    }
    for kill in 0..options.kills {
        all.forget()?;
        let at = first.wall.mul_f64(Dice::new(kill as u64 + 99).between(100, 900) as f64 / 1000.0);
        let killed = all.build(&ingest, &format!("killed after {:.1} s", at.as_secs_f64()), Some(at))?;
        let rest = all.build(&ingest, "and built again", None)?;
        compare(&killed, &rest, &mut problems);
        if all.published()? != published {
            problems.push(format!("a build killed after {:.1} s and built again published other bytes", at.as_secs_f64()));
        }
    }
    Ok(problems)
}

/// No action runs again that had ended well before the kill.
fn compare(killed: &Watched, rest: &Watched, problems: &mut Vec<String>) {
    let (before, after) = (ended(killed, "ran"), ended(rest, "ran"));
    let killed_at = before.values().max().copied().unwrap_or(0);
    let twice: Vec<&String> = before.iter().filter(|(a, _)| after.contains_key(*a)).map(|(a, _)| a).collect();
    let lost: Vec<&&String> = twice.iter().filter(|a| before[**a] < killed_at - DURABLE_MS).collect();
    println!("  ran before the kill {}, after it {}, twice {}", before.len(), after.len(), twice.len());
    if !lost.is_empty() {
        problems.push(format!("{} actions ran again that had ended long before the kill, such as {}", lost.len(), lost[0]));
    }
}

/// Actions that came to `outcome`, and when, in ms.
fn ended(build: &Watched, outcome: &str) -> BTreeMap<String, i64> {
    let events = events(build).filter(|e| e["event"] == "action_ended" && e["outcome"] == outcome);
    events.map(|e| (format!("{} {}", text(&e["rule"]), text(&e["item"])), time_ms(text(&e["time"])))).collect()
}

/// Milliseconds within the day that an RFC 3339 time writes, counted on over one midnight by nobody: builds are short.
fn time_ms(time: &str) -> i64 {
    let part = |from: usize, to: usize| time.get(from..to).and_then(|t| t.parse::<i64>().ok()).unwrap_or(0);
    ((part(11, 13) * 60 + part(14, 16)) * 60 + part(17, 19)) * 1000 + part(20, 23)
}

fn events(build: &Watched) -> impl Iterator<Item = Value> + '_ {
    build.stdout.lines().filter_map(|l| serde_json::from_str(l).ok())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn last_line(build: &Watched) -> &str {
    build.stderr.lines().last().unwrap_or("")
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
fn megabytes(kb: u64) -> f64 {
    kb as f64 / 1024.0
}

/// A job's folder and what is in it.
struct Job {
    folder: PathBuf,
    books: Vec<(String, String)>,
    hostile: Vec<(String, Fate)>,
}

impl Job {
    fn made(folder: &Path, books: usize, with_hostile: bool) -> Result<Self, String> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::create_dir_all(folder.join("schemas")).map_err(|e| e.to_string())?;
        for entry in fs::read_dir(repository.join("schemas")).map_err(|e| e.to_string())?.flatten() {
            fs::copy(entry.path(), folder.join("schemas").join(entry.file_name())).map_err(|e| e.to_string())?;
        }
        let ingestfile = fs::read_to_string(repository.join("Ingestfile.toml")).map_err(|e| e.to_string())?;
        let ours = ingestfile.replace("\"fixtures/uploads\"", "\"books\"").replace("[job]", "[job]\non_error = \"quarantine\"");
        fs::write(folder.join("Ingestfile.toml"), ours).map_err(|e| e.to_string())?;
        let job = |path: &str, bytes: &[u8]| -> Result<(), String> {
            let at = folder.join("books").join(path);
            let parent = at.parent().unwrap_or(folder);
            fs::create_dir_all(parent).and_then(|()| fs::write(&at, bytes)).map_err(|e| format!("`{}`: {e}", at.display()))
        };
        let mut made = Self { folder: folder.to_path_buf(), books: Vec::new(), hostile: Vec::new() };
        for n in 0..books {
            let Made { path, bytes, word } = books::made(n);
            job(&path, &bytes)?;
            made.books.push((path, word));
        }
        for Hostile { path, bytes, fate } in if with_hostile { hostile::all() } else { Vec::new() } {
            job(&path, &bytes)?;
            made.hostile.push((path, fate));
        }
        Ok(made)
    }

    fn build(&self, ingest: &Path, called: &str, kill_after: Option<Duration>) -> Result<Watched, String> {
        let build = watched::run(ingest, &self.folder, &["build", "--json"], kill_after)?;
        let figure = |kb: u64| if kb == 0 { "-".to_owned() } else { format!("{:.0}", megabytes(kb)) };
        println!(
            "{called:<28}{:>8}{:>9.1}{:>9.1}{:>9}{:>14}{:>12}",
            ended(&build, "ran").len(),
            build.wall.as_secs_f64(),
            build.cpu.as_secs_f64(),
            figure(build.peak_kb),
            figure(build.child_peak_kb),
            figure(build.sum_peak_kb)
        );
        let _ = fs::write(self.folder.with_extension("events"), &build.stdout);
        let _ = fs::write(self.folder.with_extension("stderr"), &build.stderr);
        Ok(build)
    }

    /// Removes all that builds made.
    fn forget(&self) -> Result<(), String> {
        for made in ["cache", "artifacts"] {
            fs::remove_dir_all(self.folder.join(made)).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    fn current(&self) -> Result<PathBuf, String> {
        let env = self.folder.join("artifacts/ingest/dev");
        let current = fs::read_to_string(env.join("current")).map_err(|e| format!("no job was published: {e}"))?;
        Ok(env.join(current.trim()))
    }

    fn json(&self, name: &str) -> Result<Value, String> {
        let path = self.current()?.join(name);
        let bytes = fs::read(&path).map_err(|e| format!("`{}`: {e}", path.display()))?;
        serde_json::from_slice(&bytes).map_err(|e| format!("`{}`: {e}", path.display()))
    }

    /// Digests of all published files but the manifest and the log, which hold clocks.
    fn published(&self) -> Result<BTreeMap<PathBuf, blake3::Hash>, String> {
        let job = self.current()?;
        let mut open = vec![job.clone()];
        let mut all = BTreeMap::new();
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).map_err(|e| e.to_string())?.flatten() {
                let path = entry.path();
                let below = path.strip_prefix(&job).unwrap_or(&path).to_path_buf();
                if path.is_dir() {
                    open.extend((below != Path::new("logs")).then_some(path));
                } else if below != Path::new("manifest.json") {
                    all.insert(below, blake3::hash(&fs::read(&path).map_err(|e| e.to_string())?));
                }
            }
        }
        Ok(all)
    }

    /// Every good book is built, every bad one named.
    fn check(&self, build: &Watched, problems: &mut Vec<String>) -> Result<(), String> {
        if build.code != Some(1) {
            problems.push(format!("with documents set aside a build ends with 1, and this one with {:?}", build.code));
        }
        if build.stderr.contains("panicked") {
            problems.push("the build speaks of a panic".to_owned());
        }
        let manifest = self.json("manifest.json")?;
        let mut aside: BTreeMap<String, String> = BTreeMap::new();
        let mut statuses = Vec::new();
        for kind in ["passes", "rules"] {
            for (name, record) in manifest[kind].as_object().into_iter().flatten() {
                if kind == "passes" {
                    statuses.push(format!("{name} {}", text(&record["status"])));
                }
                for out in record["quarantined"].as_array().into_iter().flatten() {
                    aside.insert(text(&out["source_id"]).to_owned(), text(&out["reason"]).to_owned());
                }
            }
        }
        println!("{}; {} set aside", statuses.join(", "), aside.len());
        if statuses.iter().any(|s| !s.ends_with("SUCCESS")) || statuses.len() != 6 {
            problems.push(format!("not all passes are SUCCESS: {}", statuses.join(", ")));
        }
        let toc = self.json("passA_toc.json")?;
        let ids: BTreeMap<&str, &str> =
            toc.as_array().into_iter().flatten().map(|t| (text(&t["path"]), text(&t["source_id"]))).collect();
        let clean = self.json("passF_clean.json")?;
        let mut words: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for chunk in ["passC_chunks.json", "passD_enriched.json", "passF_clean.json"].map(|name| self.json(name)) {
            let chunk = chunk?;
            let mut texts: BTreeMap<String, String> = BTreeMap::new();
            for c in chunk.as_array().into_iter().flatten() {
                texts.entry(text(&c["source_id"]).to_owned()).or_default().push_str(text(&c["text"]));
            }
            for (path, word) in &self.books {
                let id = ids.get(path.as_str()).copied().unwrap_or("");
                if !texts.get(id).is_some_and(|t| t.contains(word.as_str())) {
                    words.entry(path).or_default().push(word.clone());
                }
            }
        }
        problems.extend(words.iter().take(5).map(|(path, w)| format!("`{path}` is not in all artifacts ({})", w.join(", "))));
        // An id is a slug and, where the slug is not the path, eight digits of the path's digest.
        let told = |path: &str| aside.iter().find(|(id, _)| id.ends_with(&blake3::hash(path.as_bytes()).to_hex()[..8]));
        let is_built = |path: &str| ids.contains_key(path) && told(path).is_none();
        let mut said: BTreeMap<&str, String> = BTreeMap::new();
        for c in clean.as_array().into_iter().flatten() {
            said.entry(text(&c["source_id"])).or_default().push_str(text(&c["text"]));
        }
        for (path, fate) in &self.hostile {
            let (built, reason) = (is_built(path), told(path).map(|(_, reason)| reason.as_str()));
            let says = ids.get(path.as_str()).and_then(|id| said.get(id)).map_or("", String::as_str);
            let holds = match fate {
                Fate::Built(what) => built && reason.is_none() && says.contains(what),
                Fate::Named(why) => !built && reason.is_some_and(|r| r.contains(why)),
            };
            println!("  {:<60} {}", path.escape_debug().to_string(), reason.unwrap_or("built"));
            if !holds {
                let says: String = says.chars().take(100).collect();
                problems.push(format!("`{path}` was to be {fate:?}; built: {built}, set aside: {reason:?}, it says `{says}`"));
            }
        }
        let good: BTreeSet<&String> = aside.keys().filter(|id| !id.contains("hostile")).collect();
        if !good.is_empty() {
            problems.push(format!("good books were set aside: {good:?}"));
        }
        Ok(())
    }
}
