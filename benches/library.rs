//! A large library at one node: how soon it is offered, what it takes in memory, how soon a change
//! is announced, what a search and a page of a large folder take, and what the node costs at rest.
//! Beside `find`, `rg` and nginx where there is something to compare, in turns. Nothing is asserted
//! about time; see `benches/README.md`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // measurements end by panicking
#![allow(unreachable_pub, missing_debug_implementations, missing_docs)] // nothing here is anybody's library

mod measuring;
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use boucan::wire::{IndexHmac, IndexKey};
use measuring::clients::fetch;
use measuring::nginx::Nginx;
use measuring::{Figures, is_wanted, memory_bytes, mib, processor_time, tree};
use support::http::{self, Answer};
use support::lan::{Lan, Node, NodeBuilder};
use support::scripted::{Kind, Scripted};
use support::wait_within;

const PARTS: [&str; 7] = ["index", "start", "change", "search", "folder", "served", "idle"];
/// Of the library, if no other number is asked for.
const FILES: usize = 100_000;
/// Of the one large folder.
const FILES_OF_ONE: usize = 100_000;
const ROUNDS: usize = 5;
const REQUESTS: usize = 21;
const NEIGHBOURS: u8 = 50;
const FILES_OF_A_NEIGHBOUR: usize = 1_000;
const IDLE: Duration = Duration::from_secs(30);
/// What follows a change is over by then.
const AFTERMATH: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(600);

/// `cargo bench --bench library -- [1000000] [index] [start] [change] …`
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|arg| arg == "--bench") {
        return println!("measured by `cargo bench` only");
    }
    let files = args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(FILES);
    let folder = measuring::scratch();
    let shared = folder.path().join("shared");
    tree::make(&shared, files);
    let wanted = |part: &str| is_wanted(&args, &PARTS, part);
    println!("A library of {files} files; milliseconds, medians of {ROUNDS} rounds or {REQUESTS} requests.");
    if wanted("index") {
        index(&shared, files);
    }
    let library = Library::start(&shared, files);
    let steps: [Step; 5] = [
        ("search", Library::search),
        ("served", Library::served),
        ("folder", Library::folder),
        ("change", Library::change),
        ("idle", Library::idle),
    ];
    steps.iter().filter(|(part, _)| wanted(part)).for_each(|(_, step)| step(&library));
    if wanted("start") {
        library.restart();
    }
}

/// A part by its name.
type Step = (&'static str, fn(&Library));

/// From nothing to the whole list, in turns with `find`.
fn index(shared: &Path, files: usize) {
    let (mut ours, mut theirs, mut most, mut held) =
        (Figures::default(), Figures::default(), Figures::default(), Figures::default());
    for round in 0..=ROUNDS {
        let find = found(shared);
        let lan = Lan::new();
        let began = Instant::now();
        let node = sharing(&lan, shared).start();
        let took = began.elapsed();
        assert_eq!(files_of(&node), files);
        if round > 0 {
            theirs.add(ms(find));
            ours.add(ms(took));
            most.add(mib(memory_bytes(node.pid(), "VmHWM")));
            held.add(mib(memory_bytes(node.pid(), "RssAnon")));
        }
    }
    println!("\n| the first list | ms | to find |\n|---|---|---|");
    println!(
        "| find -printf '%P,%s\\n' | {theirs} | 1.00 |\n| boucan, from its start | {ours} | {} |",
        ours.to(&theirs)
    );
    println!("\nMemory then, in MiB: the most {most}, anonymous {held}.");
}

/// As `find` makes such a list.
fn found(shared: &Path) -> Duration {
    let list = tempfile::tempfile().unwrap();
    let began = Instant::now();
    let status = Command::new("find").arg(shared).args(["-type", "f", "-printf", "%P,%s\n"]).stdout(list).status();
    assert!(status.unwrap().success());
    began.elapsed()
}

fn sharing(lan: &Lan, folder: &Path) -> NodeBuilder {
    // As by default: what is announced each second cannot be announced sooner.
    let builder = lan.node(2).announcing_every("10s").args(["--max-connections-per-host", "256"]);
    let loot: PathBuf = builder.loot();
    std::fs::remove_dir(&loot).unwrap();
    std::os::unix::fs::symlink(folder, &loot).unwrap();
    builder
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn health(node: &Node) -> serde_json::Value {
    serde_json::from_str(&node.get("/healthz").text()).unwrap()
}

fn files_of(node: &Node) -> usize {
    health(node)["files"].as_u64().unwrap() as usize
}

/// A node with a library that it has read for its digests.
struct Library {
    lan: Lan,
    node: Node,
    shared: PathBuf,
}

impl Library {
    fn start(shared: &Path, files: usize) -> Self {
        let lan = Lan::new();
        let node = sharing(&lan, shared).start();
        let began = Instant::now();
        let head = |node: &Node| node.get("/s/?g=forban/index.manifest").text().lines().nth(1).map(str::to_owned);
        wait_within(PATIENCE, "all files are read", || {
            std::thread::sleep(Duration::from_secs(1));
            head(&node).is_some_and(|line| line == "hashing 0")
        });
        println!(
            "\nAll {files} files were read for their digests {:.1} s after they were listed.",
            began.elapsed().as_secs_f64()
        );
        Self { lan, node, shared: shared.to_owned() }
    }

    /// Whole answers to searches, in turns with `rg` over the list.
    fn search(&self) {
        let list = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(list.path(), self.node.get("/s/?g=forban/index").body).unwrap();
        println!(
            "\n| search, whole answer | first time | ms | rg -i, the whole command | ratio |\n|---|---|---|---|---|"
        );
        for (what, pattern, is_regex) in [
            ("rare", "violet-fjord-00", false),
            ("one in fifteen", ".EPUB", false),
            ("none", "zzzqqq", false),
            ("regex", r"amber-[a-z]+-0[0-9]{5}7-.*\.(ogg|flac)", true),
            ("regex, no literal", r"[aeiou]{3}.*[0-9]{6}9", true),
        ] {
            let escaped = percent_encoding::utf8_percent_encode(pattern, percent_encoding::NON_ALPHANUMERIC);
            let target = format!("/q/?v={escaped}");
            let first = ms(self.timed(&target).0);
            let (mut ours, mut theirs) = (Figures::default(), Figures::default());
            for _ in 0..REQUESTS {
                ours.add(ms(self.timed(&target).0));
                theirs.add(ms(ripgrep(pattern, is_regex, list.path())));
            }
            println!("| {what} | {first:.2} | {ours} | {theirs} | {} |", ours.to(&theirs));
        }
    }

    /// The list as it is served, beside the same bytes as a file.
    fn served(&self) {
        let folder = measuring::scratch();
        std::fs::write(folder.path().join("index"), self.node.get("/s/?g=forban/index").body).unwrap();
        let nginx = Nginx::start(folder.path(), self.lan.address(5));
        let mut servers = vec![("boucan", self.node.address(), self.node.pid(), "/s/?g=forban/index")];
        servers.extend(nginx.iter().map(|nginx| ("nginx, as a file", nginx.address, nginx.pid(), "/index")));
        let mut rows: Vec<(Figures, Figures)> = servers.iter().map(|_| Default::default()).collect();
        for _ in 0..ROUNDS {
            for ((_, address, pid, target), (speed, processor)) in servers.iter().zip(&mut rows) {
                let before = processor_time(*pid);
                let (bytes, took) = fetch(*address, target, 4, 8);
                speed.add(bytes as f64 / 1e9 / took.as_secs_f64());
                processor.add((processor_time(*pid) - before).as_secs_f64() / (bytes as f64 / 1e9));
            }
        }
        println!(
            "\n| the list, fetched by 4 at once | GB/s | to nginx | processor, s/GB | to nginx |\n|---|---|---|---|---|"
        );
        let last = rows[rows.len() - 1].clone();
        for ((name, ..), (speed, processor)) in servers.iter().zip(&rows) {
            println!("| {name} | {speed} | {} | {processor} | {} |", speed.to(&last.0), processor.to(&last.1));
        }
        let etag = self.node.get("/s/?g=forban/index").header("etag").unwrap().to_owned();
        let again =
            http::request(self.node.address(), "GET", "/s/?g=forban/index", &format!("If-None-Match: {etag}\r\n"));
        println!("\nUnchanged it is answered by {}, {} bytes.", again.status, again.head.len() + again.body.len());
    }

    /// Pages of a folder with very many files, beside nginx's list of it.
    fn folder(&self) {
        let folder = measuring::scratch();
        tree::make_flat(&folder.path().join("flat"), FILES_OF_ONE);
        let lan = Lan::new();
        let node = sharing(&lan, folder.path()).start();
        let nginx = Nginx::start(folder.path(), lan.address(5));
        println!("\n| page of a folder of {FILES_OF_ONE} files | first time | ms | KB |\n|---|---|---|---|");
        let row = |what: &str, timed: &dyn Fn() -> (Duration, usize)| {
            let ((first, bytes), mut figures) = (timed(), Figures::default());
            (0..REQUESTS).for_each(|_| figures.add(ms(timed().0)));
            println!("| {what} | {:.2} | {figures} | {:.0} |", ms(first), bytes as f64 / 1e3);
        };
        for (what, target) in [
            ("by name", "/l/?d=flat"),
            ("by size", "/l/?d=flat&s=size"),
            ("the newest", "/l/?d=flat&s=age"),
            ("page 300", "/l/?d=flat&p=300"),
            ("the folder above", "/l/"),
        ] {
            row(what, &|| timed_get(&node, target));
        }
        row("the top of the library", &|| self.timed("/l/"));
        if let Some(nginx) = &nginx {
            row("nginx, all of it", &|| {
                let began = Instant::now();
                let answer = http::request(nginx.address, "GET", "/flat/", "");
                (began.elapsed(), answer.body.len())
            });
        }
    }

    /// From the rename to the datagram, and the processor time of all that follows.
    fn change(&self) {
        let ear = Scripted::start(&self.lan, 9, Kind::Py);
        let (mut took, mut processor) = (Figures::default(), Figures::default());
        for round in 0..ROUNDS {
            let (before, ran) = (self.hmac(), processor_time(self.node.pid()));
            let put = self.shared.with_file_name("put");
            std::fs::write(&put, format!("change {round}")).unwrap();
            let (began, heard) = (Instant::now(), ear.heard().len());
            std::fs::rename(&put, self.shared.join(format!("shelf-000/box-00/change-{round}.txt"))).unwrap();
            wait_closely("the change is announced", || {
                ear.heard().iter().skip(heard).any(|heard| !heard.is_unicast && !heard.text.contains(&before))
            });
            took.add(ms(began.elapsed()));
            std::thread::sleep(AFTERMATH);
            processor.add(ms(processor_time(self.node.pid()) - ran));
        }
        let ran = processor_time(self.node.pid());
        std::thread::sleep(AFTERMATH);
        let rest = ms(processor_time(self.node.pid()) - ran);
        let text = self.node.get("/s/?g=forban/index").body;
        let began = Instant::now();
        let copy = text.clone();
        for key in [IndexKey::Specified, IndexKey::Practised] {
            std::hint::black_box(IndexHmac::of(&copy, &key));
        }
        println!("\n| a file appears | ms |\n|---|---|\n| announced | {took} |");
        println!("| processor time of the node until {} s later | {processor} |", AFTERMATH.as_secs());
        println!("| … and in as many seconds in which nothing changes | {rest:.2} |");
        println!("| copying the list and keying it twice takes | {:.2} |", ms(began.elapsed()));
    }

    fn hmac(&self) -> String {
        health(&self.node)["index_hmac"].as_str().unwrap().to_owned()
    }

    /// At rest, with neighbours that announce as old nodes do.
    fn idle(&self) {
        let neighbours: Vec<Scripted> = (100..100 + NEIGHBOURS)
            .map(|last| {
                let neighbour = Scripted::start(&self.lan, last, Kind::Specified);
                let lines: String =
                    (0..FILES_OF_A_NEIGHBOUR).map(|n| format!("from {last}/file {n:06}.ogg,{n}\n")).collect();
                neighbour.lists_only(lines);
                neighbour
            })
            .collect();
        wait_within(PATIENCE, "all are heard", || {
            neighbours.iter().for_each(Scripted::announce);
            std::thread::sleep(Duration::from_secs(2));
            health(&self.node)["neighbours"] == NEIGHBOURS
        });
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    neighbours.iter().for_each(Scripted::announce);
                    std::thread::sleep(Duration::from_secs(10));
                }
            });
            std::thread::sleep(Duration::from_secs(20)); // what follows the new neighbours
            let (before, began) = (processor_time(self.node.pid()), Instant::now());
            std::thread::sleep(IDLE);
            let share = (processor_time(self.node.pid()) - before).as_secs_f64() / began.elapsed().as_secs_f64();
            over.store(true, Ordering::Relaxed);
            let [resident, anonymous] = ["VmRSS", "RssAnon"].map(|what| mib(memory_bytes(self.node.pid(), what)));
            println!(
                "\n| at rest for {} s, {NEIGHBOURS} neighbours with {FILES_OF_A_NEIGHBOUR} files each | |\n|---|---|",
                IDLE.as_secs()
            );
            println!(
                "| processor, of one core | {:.2} % |\n| memory | {resident:.0} MiB, {anonymous:.0} of it anonymous |",
                share * 100.0
            );
        });
    }

    /// Ended and started again: how soon it answers.
    fn restart(self) {
        let (mut page, mut list) = (Figures::default(), Figures::default());
        let files = files_of(&self.node);
        let mut builder = self.node.kill();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let node = Started::of(&builder);
            let address = self.lan.address(2);
            node.answers(address, "/", |answer| answer.status == 200);
            page.add(ms(began.elapsed()));
            let all = |answer: &Answer| memchr::memchr_iter(b'\n', &answer.body).count() == files;
            node.answers(address, "/s/?g=forban/index", all);
            list.add(ms(began.elapsed()));
            drop(node);
            builder = builder.arg("-v");
        }
        println!(
            "\n| started again | ms |\n|---|---|\n| a page is answered | {page} |\n| the whole list is answered | {list} |"
        );
    }

    fn timed(&self, target: &str) -> (Duration, usize) {
        timed_get(&self.node, target)
    }
}

/// A node that is not waited for; killed when dropped.
struct Started(std::process::Child);

impl Started {
    fn of(builder: &NodeBuilder) -> Self {
        Self(builder.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Waits until a request is answered so.
    fn answers(&self, address: std::net::SocketAddr, target: &str, is_so: impl Fn(&Answer) -> bool) {
        wait_closely("it answers", || {
            let stream = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1));
            stream.is_ok() && is_so(&http::request(address, "GET", target, ""))
        });
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits, looking every other millisecond.
fn wait_closely(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// One request on a connection of its own.
fn timed_get(node: &Node, target: &str) -> (Duration, usize) {
    let began = Instant::now();
    let answer = http::request(node.address(), "GET", target, "");
    let took = began.elapsed();
    assert_eq!(answer.status, 200, "{target}");
    (took, answer.body.len())
}

fn ripgrep(pattern: &str, is_regex: bool, list: &Path) -> Duration {
    let began = Instant::now();
    let mut command = Command::new("rg");
    command.args(["-i", "-N", if is_regex { "-e" } else { "-Fe" }, pattern]).arg(list);
    if command.stdout(Stdio::null()).status().is_err() {
        return Duration::MAX; // not here
    }
    began.elapsed()
}
