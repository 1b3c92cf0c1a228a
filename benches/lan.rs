//! How fast files come and what a node costs at rest: real nodes in hosts of their own
//! (`tests/support/netlab.rs`), beside what curl needs for the same in the same run. Nothing is
//! asserted but that the files are the same; see `benches/README.md`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // measurements end by panicking
#![allow(unreachable_pub, missing_debug_implementations, missing_docs)] // nothing here is anybody's library

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::lan::tree;
use support::netlab::{Host, NetLab};
use support::netnode::HostNode;
use support::{PATIENCE, wait_until};

const BIG_BYTES: usize = 10_000_000;
const SMALL_BYTES: usize = 4_096;
const SMALL_COUNT: usize = 1_000;
const RUNS: usize = 7;
/// Longer than the pause that follows an announcement, so that a run does not wait for the last.
const BETWEEN_RUNS: Duration = Duration::from_millis(1_300);
const IDLE_FILES: usize = 10_000;
const IDLE_NEIGHBOURS: u8 = 10;
const IDLE_TIME: Duration = Duration::from_secs(60);

/// `cargo bench --bench lan -- [copy] [idle]`
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|arg| arg == "--bench") {
        return println!("measured by `cargo bench` only");
    }
    let wanted = |part: &str| args.iter().all(|arg| arg == "--bench") || args.iter().any(|arg| arg == part);
    if wanted("copy") {
        copy();
    }
    if wanted("idle") {
        idle();
    }
}

/// Three nodes that mirror; what is moved into the first arrives at the others.
fn copy() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let hosts = [("ann", 1), ("bob", 2), ("cyd", 3)].map(|(name, last)| lab.plain_host(name, "lan", last));
    let nodes = hosts.each_ref().map(|host| HostNode::start_quietly(host, &["--opportunistic"]));
    nodes[0].hears(&hosts[1]);
    nodes[0].hears(&hosts[2]);
    let [from, to @ ..] = &hosts;
    let served = from.home.join("served");
    std::fs::create_dir(&served).unwrap();
    let _server = FileServer::start(from, &served);
    let mut rows = [
        Row::new("10 MB, to both others"),
        Row::new("10 MB, right after another change"),
        Row::new("1,000 x 4 KiB, to both others"),
    ];
    for run in 0..RUNS {
        let big = served.join(format!("{run}.bin"));
        std::fs::write(&big, noise(run, BIG_BYTES)).unwrap();
        let name = format!("{run}.bin");
        rows[0].add(mirrored(from, to, &big, &name), curled(to, &name));
        let again = served.join(format!("{run}-again.bin"));
        std::fs::write(&again, noise(run + RUNS, BIG_BYTES)).unwrap();
        std::fs::write(from.loot(&format!("{run}.txt")), "another change").unwrap();
        wait_until("the other change arrived", || to.iter().all(|host| host.loot(&format!("{run}.txt")).exists()));
        let name = format!("{run}-again.bin");
        rows[1].add(mirrored_at_once(from, to, &again, &name), curled(to, &name));
        let many = served.join(format!("many-{run}"));
        make_many(&many, run);
        let name = format!("many-{run}");
        rows[2].add(mirrored(from, to, &many, &name), curled(to, &name));
    }
    Row::print_all(&rows);
}

/// Copies what is served into the shared folder by a rename, and waits until it is at both.
fn mirrored(from: &Host, to: &[Host], served: &Path, name: &str) -> Duration {
    std::thread::sleep(BETWEEN_RUNS);
    mirrored_at_once(from, to, served, name)
}

fn mirrored_at_once(from: &Host, to: &[Host], served: &Path, name: &str) -> Duration {
    let prepared = from.home.join("prepared");
    let copied = Command::new("cp").arg("-r").args([served, &prepared]).status().unwrap();
    assert!(copied.success());
    let count = files_in(&prepared);
    let began = Instant::now();
    from.take_in(&prepared, name);
    // A name appears with the whole file, so counting names is enough until the end.
    while to.iter().any(|host| files_in(&host.loot(name)) < count) {
        assert!(began.elapsed() < PATIENCE.saturating_mul(3), "{name} does not arrive");
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = began.elapsed();
    to.iter().for_each(|host| assert_same(&from.loot(name), &host.loot(name)));
    took
}

/// How many files there are: one for a file, none for nothing.
fn files_in(path: &Path) -> usize {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.count(),
        Err(_) => usize::from(path.is_file()),
    }
}

fn assert_same(one: &Path, other: &Path) {
    if one.is_dir() {
        assert!(tree(one) == tree(other), "{} differs", other.display());
    } else {
        assert!(std::fs::read(one).unwrap() == std::fs::read(other).unwrap(), "{} differs", other.display());
    }
}

/// Both others fetch the same at once with curl, four files at a time as we do; the slower one's
/// time, from Python's server and from the node.
fn curled(to: &[Host], name: &str) -> [Duration; 2] {
    ["http://10.77.0.1:8000/", "http://10.77.0.1:12555/s/?g="].map(|server| {
        to.iter().for_each(|host| drop(std::fs::remove_dir_all(host.home.join("curled"))));
        curl(to, |host| {
            let (range, last) = if name.starts_with("many") {
                (format!("/[0-{}]", SMALL_COUNT - 1), "#1")
            } else {
                (String::new(), "0")
            };
            let output = host.home.join("curled").join(last).display().to_string();
            vec!["--output".into(), output, format!("{server}{name}{range}")]
        })
    })
}

const CURL: [&str; 6] = ["--fail", "--no-progress-meter", "--create-dirs", "--parallel", "--parallel-max", "4"];

fn curl(to: &[Host], args: impl Fn(&Host) -> Vec<String>) -> Duration {
    let began = Instant::now();
    let start = |host: &Host| host.command("curl").args(CURL).args(args(host)).spawn().unwrap();
    let running: Vec<Child> = to.iter().map(start).collect();
    running.into_iter().for_each(|mut curl| assert!(curl.wait().unwrap().success()));
    began.elapsed()
}

/// Python's server for curl to ask; as it comes it stalls with many connections and small files.
const SERVER: &str = "
import functools, http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
http.server.ThreadingHTTPServer.request_queue_size = 128
handler = functools.partial(Handler, directory=sys.argv[1])
http.server.ThreadingHTTPServer(('', 8000), handler).serve_forever()
";

struct FileServer(Child);

impl FileServer {
    fn start(host: &Host, folder: &Path) -> Self {
        let mut server = host.command("python3");
        server.args(["-c", SERVER]).arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self(server.spawn().unwrap());
        wait_until("the file server answers", || host.get("http://127.0.0.1:8000/").contains("Directory"));
        server
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bytes that repeat in no run.
fn noise(seed: usize, len: usize) -> Vec<u8> {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..len).map(|_| next().to_le_bytes()[3]).collect()
}

fn make_many(folder: &Path, run: usize) {
    std::fs::create_dir(folder).unwrap();
    for number in 0..SMALL_COUNT {
        std::fs::write(folder.join(number.to_string()), noise(run * SMALL_COUNT + number, SMALL_BYTES)).unwrap();
    }
}

/// One line of the table: our times and those of curl, measured in turns.
struct Row {
    what: &'static str,
    ours: Vec<Duration>,
    curl: [Vec<Duration>; 2],
}

impl Row {
    fn new(what: &'static str) -> Self {
        Self { what, ours: Vec::new(), curl: [Vec::new(), Vec::new()] }
    }

    fn add(&mut self, ours: Duration, curl: [Duration; 2]) {
        eprintln!("{}: {ours:.3?}, curl {curl:.3?}", self.what);
        self.ours.push(ours);
        self.curl.iter_mut().zip(curl).for_each(|(times, time)| times.push(time));
    }

    fn print_all(rows: &[Self]) {
        println!("Median (least to most) of {RUNS} runs, in seconds; ratio to curl from Python's server.");
        println!("| what | boucan | curl from Python's server | curl from boucan | ratio |");
        println!("|---|---|---|---|---|");
        for row in rows {
            let [python, node] = row.curl.each_ref().map(|times| Spread::of(times));
            let ours = Spread::of(&row.ours);
            println!("| {} | {ours} | {python} | {node} | {:.1} |", row.what, ours.median / python.median);
        }
    }
}

/// In seconds.
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(times: &[Duration]) -> Self {
        let mut sorted: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
        sorted.sort_by(f64::total_cmp);
        Self { median: sorted[sorted.len() / 2], least: sorted[0], most: sorted[sorted.len() - 1] }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} ({:.3} to {:.3})", self.median, self.least, self.most)
    }
}

/// A node that mirrors, holds ten thousand files, and has ten neighbours that offer the same ones.
fn idle() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let measured = lab.plain_host("measured", "lan", 100);
    make_library(&measured.loot(""));
    let offered = measured.home.join("offered");
    make_library(&offered);
    let hosts: Vec<Host> = (1..=IDLE_NEIGHBOURS).map(|n| lab.plain_host(&format!("n{n}"), "lan", n)).collect();
    hosts.iter().for_each(|host| share_instead(host, &offered));
    let _others: Vec<HostNode> = hosts.iter().map(|host| HostNode::start_quietly(host, &[])).collect();
    let node = HostNode::start_quietly(&measured, &["--opportunistic"]);
    hosts.iter().for_each(|host| node.hears(host));
    wait_until("nothing is left to do", || node.page("").contains("Everything wanted from nearby is here."));
    let before = cpu_ticks(node.pid());
    std::thread::sleep(IDLE_TIME);
    let ticks = cpu_ticks(node.pid()) - before;
    let share = ticks as f64 / 100.0 / IDLE_TIME.as_secs_f64() * 100.0;
    println!("| at rest: {IDLE_NEIGHBOURS} neighbours with {IDLE_FILES} files each | |");
    println!("|---|---|");
    println!("| processor over {} s | {share:.2} % of one core |", IDLE_TIME.as_secs());
    println!("| resident memory | {:.1} MiB |", memory_mib(node.pid(), "VmRSS:"));
    println!("| the most it was | {:.1} MiB |", memory_mib(node.pid(), "VmHWM:"));
}

fn make_library(folder: &Path) {
    for number in 0..IDLE_FILES {
        let below = folder.join(format!("album {:03}", number / 100));
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(below.join(format!("{number:05} a usual name.txt")), "x").unwrap();
    }
}

fn share_instead(host: &Host, folder: &Path) {
    let loot: PathBuf = host.home.join("loot");
    std::fs::remove_dir(&loot).unwrap();
    std::os::unix::fs::symlink(folder, loot).unwrap();
}

/// User and system time in hundredths of a second.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1;
    fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

fn memory_mib(pid: u32, field: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
}
