//! What the measurements share: processor time and memory of processes, figures, and nginx as the
//! one to be measured beside.

#![allow(dead_code)] // each measurement uses its part

pub mod clients;
pub mod nginx;
pub mod tree;

use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Whether a part is wanted: all are where none is named.
pub fn is_wanted(args: &[String], parts: &[&str], part: &str) -> bool {
    !args.iter().any(|arg| parts.contains(&arg.as_str())) || args.iter().any(|arg| arg == part)
}

/// Median, least and most of some figures.
#[derive(Clone, Debug, Default)]
pub struct Figures(Vec<f64>);

impl Figures {
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
        self.0.sort_by(f64::total_cmp);
    }

    pub fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// How it stands to another one: medians of the same run.
    pub fn to(&self, other: &Self) -> String {
        let ratio = self.median() / other.median();
        if ratio.is_finite() { format!("{ratio:.2}") } else { "–".into() }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(least), Some(most)) = (self.0.first(), self.0.last()) else { return f.write_str("–") };
        let digits = if self.median() < 100.0 { 2 } else { 0 };
        write!(f, "{:.digits$} ({least:.digits$} to {most:.digits$})", self.median())
    }
}

/// A process and those it started.
fn family(pid: u32) -> Vec<u32> {
    let (mut found, mut pending) = (Vec::new(), vec![pid]);
    while let Some(next) = pending.pop() {
        found.push(next);
        for task in numbers_in(Path::new(&format!("/proc/{next}/task"))) {
            let children = std::fs::read_to_string(format!("/proc/{next}/task/{task}/children")).unwrap_or_default();
            pending.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}

fn numbers_in(folder: &Path) -> Vec<u32> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Processor time that the living threads of a process and of its children have used, to the
/// nanosecond (`schedstat`).
pub fn processor_time(pid: u32) -> Duration {
    let tasks = family(pid)
        .into_iter()
        .flat_map(|pid| numbers_in(Path::new(&format!("/proc/{pid}/task"))).into_iter().map(move |task| (pid, task)));
    let ran = tasks.filter_map(|(pid, task)| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/task/{task}/schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    });
    ran.sum()
}

/// A line of `/proc/PID/status`, in bytes, of a process and its children together: `VmRSS`,
/// `VmHWM`, `RssAnon`.
pub fn memory_bytes(pid: u32, what: &str) -> u64 {
    let of = |pid: u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    family(pid).into_iter().filter_map(of).sum::<u64>() * 1024
}

/// In MiB, for tables.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Where much is written: memory, if there is such a place.
pub fn scratch() -> tempfile::TempDir {
    let place = [Path::new("/dev/shm")].into_iter().find(|place| place.is_dir());
    place.map_or_else(tempfile::tempdir, tempfile::tempdir_in).unwrap()
}
