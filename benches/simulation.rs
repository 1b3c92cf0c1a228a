//! Rooms of up to a thousand nodes in virtual time: the real plan, picker and handouts
//! (`tests/support/simulation/`). What it tells is in `docs/SCALE.md`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // measurements end by panicking
#![allow(unreachable_pub, missing_debug_implementations, missing_docs)] // nothing here is anybody's library

#[path = "../tests/support/simulation/mod.rs"]
mod simulation;

use std::time::{Duration, Instant};

use simulation::{Host, Room, median, simulate};

const MIB: u64 = 1024 * 1024;

/// `cargo bench --bench simulation -- [TAKERSxMBITxMIB …]`; without rooms, those of the page.
fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    println!(
        "| room | bound, s | last ÷ bound | median ÷ bound | seeder's copies | twice | index a node | feed a node |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for room in &args {
        let numbers: Vec<f64> = room.split('x').map(|number| number.parse().unwrap()).collect();
        show(room, &even(numbers[0] as usize, numbers[1], numbers[2] as u64 * MIB));
    }
    if args.is_empty() {
        even_rooms();
        rooms_with_trouble();
        show("1,000 takers, 100 Mbit/s, 128 MiB", &even(1_000, 100.0, 128 * MIB));
        let mut thousand = uneven(1_000, 50.0..500.0, 128 * MIB);
        thousand.churn_a_minute = 0.02;
        show("1,000 takers, 50 to 500 Mbit/s, 2 % a minute leave and come", &thousand);
    }
}

fn even_rooms() {
    show("8 takers, 100 Mbit/s, 64 MiB", &even(8, 100.0, 64 * MIB));
    show("32 takers, 25 Mbit/s, 64 MiB", &even(32, 25.0, 64 * MIB));
    show("2 takers, 100 Mbit/s, 64 MiB", &even(2, 100.0, 64 * MIB));
    show("8 takers, 1 Gbit/s, 64 MiB", &even(8, 1_000.0, 64 * MIB));
    show("8 takers, 1 Gbit/s, 512 MiB", &even(8, 1_000.0, 512 * MIB));
    show("1 taker, 1 Gbit/s, 512 MiB", &even(1, 1_000.0, 512 * MIB));
    show("200 takers, 100 Mbit/s, 128 MiB", &even(200, 100.0, 128 * MIB));
}

fn rooms_with_trouble() {
    let eight = || even(8, 100.0, 64 * MIB);
    let mut slow = eight();
    slow.hosts[3] = Host::even(10.0);
    show("8, one of them at 10 Mbit/s", &slow);
    let mut liar = eight();
    liar.hosts[3].lies = true;
    show("8, one of them sends wrong bytes", &liar);
    let mut vanishing = eight();
    vanishing.seeder_vanishes = true;
    show("8, the seeder goes when each piece is somewhere", &vanishing);
    show("32 takers, 10 to 1,000 Mbit/s", &uneven(32, 10.0..1_000.0, 64 * MIB));
    let mut churn = even(200, 100.0, 128 * MIB);
    churn.churn_a_minute = 0.02;
    show("200, 2 % a minute leave and come", &churn);
}

/// In large rooms feeds gather longer and links send in larger steps, which keeps this short.
fn even(takers: usize, mbit: f64, size_bytes: u64) -> Room {
    let mut room = Room::even(takers, mbit, size_bytes);
    if takers > 100 {
        (room.quantum_bytes, room.coalesce) = (64 * 1024, Duration::from_millis(100));
    }
    room
}

/// The seeder has 100 Mbit/s, the takers any rate between these, evenly on a logarithmic scale.
fn uneven(takers: usize, mbit: std::ops::Range<f64>, size_bytes: u64) -> Room {
    let (mut room, mut dice) = (even(takers, 100.0, size_bytes), fastrand::Rng::with_seed(7));
    for host in room.hosts.iter_mut().skip(1) {
        *host = Host::even(mbit.start * (mbit.end / mbit.start).powf(dice.f64()));
    }
    room
}

fn show(name: &str, room: &Room) {
    let begin = Instant::now();
    let out = simulate(room);
    let (bound, nodes) = (room.bound(), out.nodes as f64);
    let kib = |bytes: u64| bytes as f64 / nodes / 1024.0;
    println!(
        "| {name} | {bound:.2} | {:.3} | {:.3} | {:.3} | {:.2} % | {:.0} KiB | {:.0} KiB |",
        out.last() / bound,
        out.median() / bound,
        out.seeder_copies(room),
        out.duplicates(room) * 100.0,
        kib(out.index_bytes),
        kib(out.feed_bytes),
    );
    let mut sorted = out.seconds.clone();
    sorted.sort_by(f64::total_cmp);
    let last_but_one = sorted.get(sorted.len().saturating_sub(2)).copied().unwrap_or(f64::NAN);
    let joined = (out.seconds_of_joiners.len(), median(&out.seconds_of_joiners));
    eprintln!(
        "  last but one {last_but_one:.2} s; without it {}; left {}; came and have it {joined:.2?}; wrong {} MiB; \
         requests a node {:.0}; announcements a node {:.1} KiB/s; simulated in {:.1} s",
        out.without,
        out.left,
        out.wrong_bytes as f64 / MIB as f64,
        out.requests as f64 / nodes,
        (nodes - 1.0) * 160.0 / 10.0 / 1024.0,
        begin.elapsed().as_secs_f64(),
    );
}
