//! A million files on twenty nodes: a search of them, beside `rg -i` over the same lines in the
//! same run. Nothing is asserted; see `benches/README.md`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // measurements end by panicking

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use boucan::search::{By, Filters, Kinds, Library, Order, Request, Shelf, search};
use boucan::wire::{Index, Kind};
use uuid::Uuid;

const NODES: usize = 20;
const FILES_OF_ONE: usize = 50_000;
const RUNS: usize = 31;
/// As a page asks for them.
const PAGE: usize = 100;

/// `cargo bench --bench search`
fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return println!("measured by `cargo bench` only");
    }
    let shelves: Vec<Shelf> = (0..NODES).map(shelf).collect();
    let lines: String = shelves.iter().map(|shelf| std::str::from_utf8(shelf.index.text()).unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    std::fs::write(&file, &lines).unwrap();
    let before = resident_bytes();
    let begun = Instant::now();
    let library = Library::new(shelves.clone(), Vec::new(), None);
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
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or_default() * 1024
}
