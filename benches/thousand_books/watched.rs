//! A build that is watched: its time, its processor time, and the most memory that it and each of its children ever held.
//! Figures come from /proc, and are 0 where there is none.

#![allow(clippy::disallowed_methods, reason = "a bench reads what the system says of processes")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a build did and cost.
#[derive(Default)]
pub struct Watched {
    pub code: Option<i32>,
    pub wall: Duration,
    /// Of the build and all its children.
    pub cpu: Duration,
    pub peak_kb: u64,
    /// The most that any one child held, and how many children there were.
    pub child_peak_kb: u64,
    pub children: usize,
    /// The most that the build and its children held at one time.
    pub sum_peak_kb: u64,
    pub stdout: String,
    pub stderr: String,
}

/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// `ingest` with these arguments; killed after `kill_after`, if that is given.
pub fn run(ingest: &Path, folder: &Path, args: &[&str], kill_after: Option<Duration>) -> Result<Watched, String> {
    let mut command = Command::new(ingest);
    command.args(args).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().map_err(|e| format!("cannot start `{}`: {e}", ingest.display()))?;
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let mut watched = Watched::default();
    let mut children = BTreeMap::new();
    while !has_ended(&mut child)? {
        watched.look(child.id(), &mut children);
        if kill_after.is_some_and(|after| started.elapsed() >= after) {
            child.kill().map_err(|e| format!("cannot kill the build: {e}"))?;
            break;
        }
        std::thread::sleep(LOOK);
    }
    watched.cpu = cpu(child.id()).unwrap_or(watched.cpu);
    let status = child.wait().map_err(|e| format!("cannot wait for the build: {e}"))?;
    watched.wall = started.elapsed();
    watched.code = status.code();
    watched.child_peak_kb = children.values().copied().max().unwrap_or(0);
    watched.children = children.len();
    watched.stdout = stdout.join().unwrap_or_default();
    watched.stderr = stderr.join().unwrap_or_default();
    Ok(watched)
}

/// Whether it has ended. On Linux it is not waited for yet, so that its figures stay.
fn has_ended(child: &mut Child) -> Result<bool, String> {
    match fs::read_to_string(format!("/proc/{}/stat", child.id())) {
        Ok(stat) => Ok(stat.rsplit(')').next().is_some_and(|s| s.trim_start().starts_with('Z'))),
        Err(_) => child.try_wait().map(|s| s.is_some()).map_err(|e| e.to_string()),
    }
}

fn reader(from: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            let _ = from.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Watched {
    fn look(&mut self, pid: u32, children: &mut BTreeMap<u32, u64>) {
        let Some((peak, mut sum)) = memory(pid) else { return };
        self.peak_kb = self.peak_kb.max(peak);
        self.cpu = cpu(pid).unwrap_or(self.cpu);
        for child in children_of(pid) {
            if let Some((peak, now)) = memory(child) {
                sum += now;
                let known = children.entry(child).or_default();
                *known = peak.max(*known);
            }
        }
        self.sum_peak_kb = self.sum_peak_kb.max(sum);
    }
}

/// The most memory that a process ever held, and what it holds now, in kB.
fn memory(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    Some((field("VmHWM:")?, field("VmRSS:")?))
}

/// Its processor time, with that of children that it has waited for.
fn cpu(pid: u32) -> Option<Duration> {
    const TICKS_PER_SECOND: u64 = 100;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks: u64 = fields.get(11..15)?.iter().filter_map(|f| f.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

fn children_of(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let listed = tasks.filter_map(|t| fs::read_to_string(t.path().join("children")).ok());
    listed.flat_map(|l| l.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<u32>>()).collect()
}
