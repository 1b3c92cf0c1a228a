//! How fast files leave a node, for how much of the processor, and what a connection at rest costs:
//! beside nginx with `sendfile`, in turns. Nothing is asserted but the lengths of the answers; see
//! `benches/README.md`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // measurements end by panicking
#![allow(unreachable_pub, missing_debug_implementations, missing_docs)] // nothing here is anybody's library

mod measuring;
#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use measuring::clients::{Client, fetch, requests_per_second};
use measuring::nginx::Nginx;
use measuring::{Figures, is_wanted, memory_bytes, processor_time};
use support::lan::{Lan, Node};

const PARTS: [&str; 3] = ["large", "small", "idle"];
const ROUNDS: usize = 5;
const LARGE_BYTES: usize = 256 << 20;
/// What all connections together fetch of it in one round.
const FETCHES: usize = 16;
const SMALL_BYTES: usize = 4 << 10;
const SMALL_LASTING: Duration = Duration::from_secs(2);
const AT_ONCE: usize = 64;
const AT_REST: usize = 5_000;

/// `cargo bench --bench serve -- [large] [small] [idle]`
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|arg| arg == "--bench") {
        return println!("measured by `cargo bench` only");
    }
    raise_file_limit();
    let (lan, folder) = (Lan::new(), measuring::scratch());
    let node = started(&lan, folder.path());
    let nginx = Nginx::start(folder.path(), lan.address(5));
    let mut servers = vec![Server { name: "boucan", address: node.address(), pid: node.pid(), path: "/s/?g=" }];
    servers.extend(nginx.iter().map(|nginx| Server {
        name: "nginx",
        address: nginx.address,
        pid: nginx.pid(),
        path: "/",
    }));
    if is_wanted(&args, &PARTS, "large") {
        [1, 8, 64].into_iter().for_each(|connections| large(&servers, connections));
    }
    if is_wanted(&args, &PARTS, "small") {
        small(&servers);
    }
    if is_wanted(&args, &PARTS, "idle") {
        idle(&servers);
    }
}

fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
}

/// A node that shares both files, and lets in all who come from here.
fn started(lan: &Lan, folder: &Path) -> Node {
    let write = |name: &str, bytes: usize| {
        let noise: Vec<u8> =
            (0..bytes as u64 / 8).flat_map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()).collect();
        std::fs::File::create(folder.join(name)).unwrap().write_all(&noise).unwrap();
    };
    write("large", LARGE_BYTES);
    write("small", SMALL_BYTES);
    let builder = lan.node(2).args(["--max-connections", "20000", "--max-connections-per-host", "20000"]);
    let loot: PathBuf = builder.loot();
    std::fs::remove_dir(&loot).unwrap();
    std::os::unix::fs::symlink(folder, &loot).unwrap();
    builder.start()
}

struct Server {
    name: &'static str,
    address: SocketAddr,
    pid: u32,
    /// What stands before the name of a file.
    path: &'static str,
}

impl Server {
    fn target(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }
}

/// What was measured of one server.
#[derive(Default)]
struct Row {
    speed: Figures,
    processor: Figures,
}

/// In turns, after one round that does not count.
fn in_turns(servers: &[Server], mut measure: impl FnMut(&Server) -> (f64, f64)) -> Vec<Row> {
    let mut rows: Vec<Row> = servers.iter().map(|_| Row::default()).collect();
    for round in 0..=ROUNDS {
        for (server, row) in servers.iter().zip(&mut rows) {
            let (speed, processor) = measure(server);
            if round > 0 {
                row.speed.add(speed);
                row.processor.add(processor);
            }
        }
    }
    rows
}

fn print_all(servers: &[Server], rows: &[Row]) {
    let Some(last) = rows.last() else { return };
    for (server, row) in servers.iter().zip(rows) {
        let (speed, processor) = (row.speed.to(&last.speed), row.processor.to(&last.processor));
        println!("| {} | {} | {speed} | {} | {processor} |", server.name, row.speed, row.processor);
    }
}

fn large(servers: &[Server], connections: usize) {
    println!(
        "\n| {} MiB by {connections} at once: GB/s | median (least to most) of {ROUNDS} | to nginx | processor, s/GB | to nginx |\n|---|---|---|---|---|",
        LARGE_BYTES >> 20
    );
    let rows = in_turns(servers, |server| {
        let before = processor_time(server.pid);
        let (bytes, took) = fetch(server.address, &server.target("large"), connections, FETCHES.div_ceil(connections));
        let gigabytes = bytes as f64 / 1e9;
        (gigabytes / took.as_secs_f64(), (processor_time(server.pid) - before).as_secs_f64() / gigabytes)
    });
    print_all(servers, &rows);
}

fn small(servers: &[Server]) {
    println!(
        "\n| {} KiB, {AT_ONCE} at once, kept open: requests/s | median (least to most) of {ROUNDS} | to nginx | processor, µs each | to nginx |\n|---|---|---|---|---|",
        SMALL_BYTES >> 10
    );
    let rows = in_turns(servers, |server| {
        let before = processor_time(server.pid);
        let rate = requests_per_second(server.address, &server.target("small"), AT_ONCE, SMALL_LASTING);
        let answers = rate * SMALL_LASTING.as_secs_f64();
        (rate, (processor_time(server.pid) - before).as_secs_f64() * 1e6 / answers)
    });
    print_all(servers, &rows);
}

fn idle(servers: &[Server]) {
    println!(
        "\n| {AT_REST} connections at rest, after an answer of {} KiB each | KiB of memory each |\n|---|---|",
        SMALL_BYTES >> 10
    );
    for server in servers {
        let opened = |count: usize| -> Vec<Client> {
            let mut clients: Vec<Client> =
                (0..count).map(|_| Client::new(server.address, &server.target("small"), 8 << 10)).collect();
            for client in &mut clients {
                client.get();
            }
            clients
        };
        drop(opened(8)); // what is made once
        let before = memory_bytes(server.pid, "RssAnon");
        let mut clients = opened(AT_REST);
        let each = memory_bytes(server.pid, "RssAnon").saturating_sub(before) as f64 / AT_REST as f64 / 1024.0;
        println!("| {} | {each:.1} |", server.name);
        for client in &mut clients {
            client.get();
        }
    }
}
