//! A million files on twenty nodes: a search of them, beside `rg -i` over the same lines in the
//! same run. Nothing is asserted; see `benches/README.md`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // measurements end by panicking
#![allow(unreachable_pub, missing_debug_implementations, missing_docs)] // nothing here is anybody's library

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use boucan::search::{By, Filters, Kinds, Library, Order, Request, Shelf, search};
use boucan::wire::{Index, Kind};
use uuid::Uuid;

use support::http::connect;
use support::lan::{Lan, Node};
use support::scripted::{Kind as Plays, Scripted};
use support::wait_within;

const NODES: usize = 20;
const FILES_OF_ONE: usize = 50_000;
const RUNS: usize = 31;
/// As a page asks for them.
const PAGE: usize = 100;

/// `cargo bench --bench search -- [engine] [node]`
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|arg| arg == "--bench") {
        return println!("measured by `cargo bench` only");
    }
    let wanted = |part: &str| args.iter().all(|arg| arg == "--bench") || args.iter().any(|arg| arg == part);
    let shelves: Vec<Shelf> = (0..NODES).map(shelf).collect();
    if wanted("engine") {
        engine(&shelves);
    }
    if wanted("node") {
        node(&shelves);
    }
}

/// The search itself.
fn engine(shelves: &[Shelf]) {
    let lines: String = shelves.iter().map(|shelf| std::str::from_utf8(shelf.index.text()).unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    std::fs::write(&file, &lines).unwrap();
    let before = resident_bytes();
    let begun = Instant::now();
    let library = Library::new(shelves.to_vec(), Vec::new(), None);
    let took = begun.elapsed();
    let files = library.len() as f64;
    println!("{files} files on {NODES} nodes, {:.1} MB of lines; median of {RUNS} runs.", lines.len() as f64 / 1e6);
    println!(
        "The library is made in {:.0} ms, and takes {:.1} bytes a file beside the index's {:.1} (resident: {:.1}).",
        took.as_secs_f64() * 1e3,
        library.memory_bytes() as f64 / files,
        shelves.iter().map(|shelf| shelf.index.memory_bytes()).sum::<usize>() as f64 / files,
        resident_bytes().saturating_sub(before) as f64 / files,
    );
    println!("| search | hits | ms: median (least to most) | rg -i | ratio |\n|---|---|---|---|---|");
    for case in cases() {
        measure(&case, &library, &file);
    }
}

struct Case {
    what: &'static str,
    request: Request,
    /// What `rg` is asked for.
    pattern: Option<&'static str>,
}

fn cases() -> Vec<Case> {
    let case = |what, text: &str, pattern| Case {
        what,
        request: Request { text: text.into(), take: PAGE, ..Request::default() },
        pattern,
    };
    let by = |by, reversed| Order { by, reversed };
    let mut cases = vec![
        case("rare", "harbour 01234", Some("harbour 01234")),
        case("none", "zzzqqq", Some("zzzqqq")),
        case("one in fifteen", ".epub", Some(r"\.epub")),
        case("one letter", "e", Some("e")),
        case("two words, one in the folder", "kunstler harbour", Some("künstler.*harbour")),
        case("regex, few", r"^musik/.*01234.*\.og[gx],", Some(r"^musik/.*01234.*\.og[gx],")),
        case("regex, none", r"zz.*q{3}", Some(r"zz.*q{3}")),
        case("regex, many", r"\d{5} \w+\.(epub|pdf),", Some(r"\d{5} \w+\.(epub|pdf),")),
        case("everything", "", None),
    ];
    for (what, order) in
        [("by name", by(By::Name, false)), ("by size", by(By::Size, false)), ("by nodes", by(By::Holders, true))]
    {
        let mut case = case(what, "e", None);
        case.request.order = order;
        cases.push(case);
    }
    let mut deep = case("the two hundredth page", "e", None);
    deep.request.skip = 199 * PAGE;
    let mut films = case("films over 1 GB", "e", None);
    let kinds: Kinds = [Kind::Video].into_iter().collect();
    films.request.filters = Filters { kinds, least_bytes: Some(1_000_000_000), ..Filters::default() };
    cases.extend([deep, films]);
    cases
}

fn measure(case: &Case, library: &Library, file: &Path) {
    let (mut ours, mut theirs, mut hits) = (Vec::new(), Vec::new(), 0);
    for _ in 0..RUNS {
        let begun = Instant::now();
        let found = search(&case.request, library, begun + Duration::from_secs(10)).unwrap();
        ours.push(begun.elapsed());
        hits = black_box(found).total;
        theirs.extend(case.pattern.and_then(|pattern| ripgrep(pattern, file)));
    }
    let (ours, theirs) = (Times::of(ours), Times::of(theirs));
    let ratio = theirs.median.map_or("–".into(), |theirs| format!("{:.2}", ours.median.unwrap_or_default() / theirs));
    println!("| {} | {hits} | {} | {} | {ratio} |", case.what, ours.said, theirs.said);
}

/// The whole command, counting lines; none where it is not installed.
fn ripgrep(pattern: &str, file: &Path) -> Option<Duration> {
    let begun = Instant::now();
    let mut command = Command::new("rg");
    command.args(["-i", "-c", "-e", pattern]).arg(file).stdout(Stdio::null());
    command.status().ok()?;
    Some(begun.elapsed())
}

struct Times {
    median: Option<f64>,
    said: String,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let ms = |time: &Duration| time.as_secs_f64() * 1e3;
        let Some(median) = times.get(times.len() / 2).map(ms) else { return Self { median: None, said: "–".into() } };
        let said = format!("{median:.2} ({:.2} to {:.2})", ms(&times[0]), ms(&times[times.len() - 1]));
        Self { median: Some(median), said }
    }
}

/// Pages of a real node that hears twenty others, asked by a connection each.
fn node(shelves: &[Shelf]) {
    let lan = Lan::new();
    let others: Vec<Scripted> = (3..)
        .zip(shelves)
        .map(|(last, shelf)| {
            let other = Scripted::start(&lan, last, Plays::Py);
            other.lists_only(shelf.index.text().to_vec());
            other
        })
        .collect();
    let node = lan.node(2).start();
    wait_within(Duration::from_secs(120), "all lists are known", || {
        others.iter().for_each(Scripted::announce);
        std::thread::sleep(Duration::from_millis(500));
        others.iter().all(|other| node.get(&format!("/l/{}", other.uuid)).status == 200)
    });
    node.get("/q/?v=warm");
    println!(
        "\nThe same files on {NODES} scripted nodes, through a real node; resident {} MB.",
        resident_of(&node) / 1_000_000
    );
    println!(
        "| page | first byte, ms: median (least to most) | whole, ms | bytes | rg -i, ms | ratio |\n|---|---|---|---|---|---|"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let lines: String = shelves.iter().map(|shelf| std::str::from_utf8(shelf.index.text()).unwrap()).collect();
    std::fs::write(&file, lines).unwrap();
    for (what, target, pattern) in [
        ("typed: h", "/q/?v=h&part=1", Some("h")),
        ("typed: ha", "/q/?v=ha&part=1", Some("ha")),
        ("typed: harb", "/q/?v=harb&part=1", Some("harb")),
        ("typed: harbour 01234", "/q/?v=harbour+01234&part=1", Some("harbour 01234")),
        ("typed: none", "/q/?v=zzzqqq&part=1", Some("zzzqqq")),
        ("page: one in fifteen", "/q/?v=.epub", Some(r"\.epub")),
        ("page: everything", "/q/?v=", None),
        ("page: everything, by size", "/q/?v=&s=size", None),
        ("page: the two hundredth", "/q/?v=e&p=200", Some("e")),
        ("page: regex", "/q/?v=%5Emusik/.*01234.*%5C.og%5Bgx%5D", Some(r"^musik/.*01234.*\.og[gx]")),
        ("front page", "/", None),
    ] {
        let (mut first, mut whole, mut theirs, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for _ in 0..RUNS {
            let (to_first, to_last, length) = timed_get(&node, target);
            first.push(to_first);
            whole.push(to_last);
            bytes = length;
            theirs.extend(pattern.and_then(|pattern| ripgrep(pattern, &file)));
        }
        let (first, whole, theirs) = (Times::of(first), Times::of(whole), Times::of(theirs));
        let ratio =
            theirs.median.map_or("–".into(), |theirs| format!("{:.2}", whole.median.unwrap_or_default() / theirs));
        println!("| {what} | {} | {} | {bytes} | {} | {ratio} |", first.said, whole.said, theirs.said);
    }
}

/// How long until the first byte and until the last, and how many there were, as a browser asks.
fn timed_get(node: &Node, target: &str) -> (Duration, Duration, usize) {
    let begun = Instant::now();
    let mut stream = connect(node.address());
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
        node.address()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut buffer = vec![0; 64 * 1024];
    let mut length = stream.read(&mut buffer).unwrap();
    assert!(buffer.starts_with(b"HTTP/1.1 200"), "{target}");
    let first = begun.elapsed();
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        length += read;
    }
    (first, begun.elapsed(), length)
}

fn resident_of(node: &Node) -> usize {
    resident(&std::fs::read_to_string(format!("/proc/{}/status", node.pid())).unwrap_or_default())
}

/// Names as people have them. Of ten files one is on the next node too.
fn shelf(node: usize) -> Shelf {
    const WORDS: [&str; 12] = [
        "Harbour",
        "gewöhnlicher Titel",
        "Summer",
        "live",
        "Étoile",
        "report",
        "final",
        "Lecture",
        "noir",
        "Beach",
        "mountain",
        "tea",
    ];
    const ENDS: [&str; 15] =
        ["ogg", "mp3", "mp3", "flac", "jpg", "jpg", "jpg", "mkv", "mp4", "pdf", "epub", "zip", "txt", "docx", "png"];
    let name = |number: usize| {
        let of = number.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize) >> 20;
        let (first, second) = (WORDS[of % 12], WORDS[of / 12 % 12]);
        let folder = ["Musik/Künstler", "Photos/Holiday", "Books", "Films/Old"][number / 80 % 4];
        let (folder_number, track) = (number / 80, number % 80);
        format!("{folder} {folder_number:05}/{track:02} {first} {:05} {second}.{}", of % 100_000, ENDS[of / 144 % 15])
    };
    let first = node * FILES_OF_ONE * 9 / 10;
    let mut names: Vec<(String, u64)> = (first..first + FILES_OF_ONE)
        .map(|number| (name(number), (number as u64).wrapping_mul(7_919_777) % (4 << 30)))
        .collect();
    names.sort();
    let index = Index::from_sorted(names.iter().map(|(name, size)| (name.as_str(), *size)));
    Shelf { holder: Uuid::from_u128(node as u128 + 1), index: Arc::new(index), ..Shelf::default() }
}

fn resident_bytes() -> usize {
    resident(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn resident(status: &str) -> usize {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or_default() * 1024
}
