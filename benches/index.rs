//! What an index of a hundred thousand files costs: reading, writing, its HMAC, and finding one
//! name, beside a plain pass over the same text in the same run. Nothing is asserted; see
//! `benches/README.md`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // measurements end by panicking

use std::hint::black_box;
use std::time::{Duration, Instant};

use boucan::wire::{Index, IndexHmac, IndexKey};

const FILES: usize = 100_000;
const RUNS: usize = 21;

/// `cargo bench --bench index`
fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return println!("measured by `cargo bench` only");
    }
    let text: String = (0..FILES).map(line).collect();
    let (index, _) = Index::parse(text.as_bytes()).unwrap();
    let files: Vec<(&str, u64)> = index.iter().map(|entry| (entry.name, entry.size_bytes)).collect();
    let mut rows = [
        Row::new("plain pass: lines, split at the last comma, the size parsed", || plain_pass(&text)),
        Row::new("parse", || Index::parse(text.as_bytes()).unwrap().0.len()),
        Row::new("emit", || Index::from_sorted(files.iter().copied()).len()),
        Row::new("HMAC of the text", || {
            usize::from(IndexHmac::of(text.as_bytes(), &IndexKey::Specified).to_string().len() > 1)
        }),
        Row::new("find every name", || files.iter().filter_map(|(name, _)| index.find(name)).count()),
    ];
    // In turns, so that what disturbs the machine disturbs all alike.
    for _ in 0..RUNS {
        rows.iter_mut().for_each(Row::run);
    }
    println!("{FILES} files, {:.1} MB; median of {RUNS} runs.", text.len() as f64 / 1e6);
    println!("| what | median (least to most), in ms | ratio |\n|---|---|---|");
    let plain = rows[0].median();
    for row in &mut rows {
        println!("{}", row.line(plain));
    }
}

/// Names as people have them, in the order of an index.
fn line(number: usize) -> String {
    let (folder, track) = (number / 100, number % 100);
    format!("Musik/Künstler {folder:04}/{track:02} Ein gewöhnlicher Titel, live.ogg,{}\n", number * 977 + 1)
}

fn plain_pass(text: &str) -> usize {
    let sizes = text.lines().filter_map(|line| line.rsplit_once(',')?.1.parse::<usize>().ok());
    sizes.fold(0, usize::wrapping_add)
}

/// One thing that is measured.
struct Row<'w> {
    what: &'static str,
    work: Box<dyn FnMut() -> usize + 'w>,
    times: Vec<Duration>,
}

impl<'w> Row<'w> {
    fn new(what: &'static str, work: impl FnMut() -> usize + 'w) -> Self {
        Self { what, work: Box::new(work), times: Vec::new() }
    }

    fn run(&mut self) {
        let began = Instant::now();
        black_box((self.work)());
        self.times.push(began.elapsed());
    }

    fn median(&mut self) -> f64 {
        self.times.sort_unstable();
        self.times[self.times.len() / 2].as_secs_f64()
    }

    fn line(&mut self, plain: f64) -> String {
        let median = self.median();
        let ms = |time: &Duration| time.as_secs_f64() * 1e3;
        let (least, most) = (ms(&self.times[0]), ms(&self.times[self.times.len() - 1]));
        format!("| {} | {:.2} ({least:.2} to {most:.2}) | {:.1} |", self.what, median * 1e3, median / plain)
    }
}
