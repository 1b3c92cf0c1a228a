//! How many requests the Napster directory answers with 100,000 files registered, one connection
//! each: beside a loop that only accepts, answers and closes, and beside a directory that forks
//! and opens a database for each request, in turns. Nothing is asserted but the answers; see
//! `benches/README.md`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // measurements end by panicking
#![allow(unreachable_pub, missing_debug_implementations, missing_docs)] // nothing here is anybody's library

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use support::lan::Lan;

const FILES: usize = 100_000;
/// A peer may register 4,096 files.
const PEERS: usize = 25;
const CLIENTS: usize = 16;
const ROUNDS: usize = 7;
const REQUESTS: usize = 4_000;
/// The forking one is slow: enough for a rate.
const REQUESTS_FORKING: usize = 60;
const LOOP_ANSWER: &[u8] = b"AFIN000";

/// `cargo bench --bench directory`
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("--loop") => accept_answer_close(args[1].parse().unwrap()),
        _ if args.iter().any(|arg| arg == "--bench") => measure(),
        _ => println!("measured by `cargo bench` only"),
    }
}

fn measure() {
    let lan = Lan::new();
    let node = lan.node(2).napster().start();
    let began = Instant::now();
    let sessions = fill(node.directory());
    let filled = FILES as f64 / began.elapsed().as_secs_f64();
    println!("registered {FILES} files: {filled:.0} ADDF a second, the first time each\n");
    let looping = lan.address(3);
    let _loop = Server::start(Command::new(std::env::current_exe().unwrap()).args(["--loop", &looping.to_string()]));
    let forking = lan.address(4);
    let database = database();
    let _forking = Server::start(Command::new("python3").arg(script()).args([
        database.path().join("db").to_str().unwrap(),
        &forking.ip().to_string(),
        &forking.port().to_string(),
    ]));
    let rare = |peer: usize| find(&sessions[peer], "number 77777.");
    let common = |peer: usize| find(&sessions[peer], "*");
    let add = |peer: usize| added(&sessions[peer], peer);
    let all = [
        Case { what: "accept, answer, close", at: looping, requests: REQUESTS, request: &rare, answers: LOOP_ANSWER },
        Case {
            what: "FIND, one of 100,000",
            at: node.directory(),
            requests: REQUESTS,
            request: &rare,
            answers: b"AFIN001",
        },
        Case {
            what: "FIND, none",
            at: node.directory(),
            requests: REQUESTS,
            request: &|peer| find(&sessions[peer], "nowhere at all"),
            answers: b"AFIN000",
        },
        Case { what: "ADDF", at: node.directory(), requests: REQUESTS, request: &add, answers: b"AADD001" },
        Case {
            what: "FIND *, 999 files, 195 kB",
            at: node.directory(),
            requests: REQUESTS / 8,
            request: &common,
            answers: b"AFIN999",
        },
        Case {
            what: "fork, open a database, FIND",
            at: forking,
            requests: REQUESTS_FORKING,
            request: &rare,
            answers: b"AFIN001",
        },
    ];
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); all.len()];
    for _ in 0..ROUNDS {
        for (case, rates) in all.iter().zip(&mut rates) {
            rates.push(case.run());
        }
    }
    print_all(&all, &rates);
    println!("\none FIND at a time, one of 100,000: {:.2} ms median", alone(&all[1]));
}

/// One kind of request to one server.
struct Case<'c> {
    what: &'c str,
    at: SocketAddr,
    requests: usize,
    /// As that peer says it.
    request: &'c (dyn Fn(usize) -> Vec<u8> + Sync),
    answers: &'c [u8],
}

impl Case<'_> {
    /// Requests a second.
    fn run(&self) -> f64 {
        let next = AtomicUsize::new(0);
        let began = Instant::now();
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let next = &next;
                scope.spawn(move || {
                    let peer = client % PEERS;
                    let request = (self.request)(peer);
                    while next.fetch_add(1, Ordering::Relaxed) < self.requests {
                        self.ask(peer, &request);
                    }
                });
            }
        });
        self.requests as f64 / began.elapsed().as_secs_f64()
    }

    fn ask(&self, peer: usize, request: &[u8]) {
        let answer = ask(source(peer), self.at, request);
        assert!(answer.starts_with(self.answers), "{}: {:?}", self.what, String::from_utf8_lossy(&answer));
    }
}

fn alone(case: &Case<'_>) -> f64 {
    let request = (case.request)(0);
    let mut times: Vec<Duration> = (0..101)
        .map(|_| {
            let began = Instant::now();
            case.ask(0, &request);
            began.elapsed()
        })
        .collect();
    times.sort();
    times[50].as_secs_f64() * 1e3
}

fn print_all(cases: &[Case<'_>], rates: &[Vec<f64>]) {
    let median = |rates: &[f64]| {
        let mut sorted = rates.to_vec();
        sorted.sort_by(f64::total_cmp);
        (sorted[sorted.len() / 2], sorted[0], sorted[sorted.len() - 1])
    };
    let ratio_to = |rates: &[f64], base: &[f64]| {
        let ratios: Vec<f64> = rates.iter().zip(base).map(|(rate, base)| rate / base).collect();
        median(&ratios).0
    };
    println!(
        "| one request a connection, {CLIENTS} at once | a second: median (least to most) | to the loop | to the forking one |\n|---|---|---|---|"
    );
    for (case, own) in cases.iter().zip(rates) {
        let (middle, least, most) = median(own);
        let (to_loop, to_forking) = (ratio_to(own, &rates[0]), ratio_to(own, &rates[rates.len() - 1]));
        println!("| {} | {middle:.0} ({least:.0} to {most:.0}) | {to_loop:.2} | {to_forking:.0} |", case.what);
    }
}

/// Registers all files, each peer its part: the peers' sessions.
fn fill(directory: SocketAddr) -> Vec<String> {
    let sessions: Vec<String> = (0..PEERS)
        .map(|peer| {
            let answer = ask(source(peer), directory, format!("LOGI{}06001", address(peer)).as_bytes());
            String::from_utf8(answer).unwrap().strip_prefix("ALGI").unwrap().to_owned()
        })
        .collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= FILES {
                        return;
                    }
                    let peer = number % PEERS;
                    let request = format!("ADDF{}{number:032x}{:100}", sessions[peer], name(number));
                    assert_eq!(ask(source(peer), directory, request.as_bytes()), b"AADD001");
                }
            });
        }
    });
    sessions
}

fn find(session: &str, query: &str) -> Vec<u8> {
    format!("FIND{session}{query:20}").into_bytes()
}

/// A file of that peer once more.
fn added(session: &str, peer: usize) -> Vec<u8> {
    format!("ADDF{session}{peer:032x}{:100}", name(peer)).into_bytes()
}

fn name(number: usize) -> String {
    format!("some song or other, number {number}.mp3")
}

fn source(peer: usize) -> IpAddr {
    Ipv4Addr::new(127, 0, 1, u8::try_from(peer + 1).unwrap()).into()
}

fn address(peer: usize) -> String {
    format!("127.000.001.{:03}|0000:0000:0000:0000:0000:ffff:7f00:01{:02x}", peer + 1, peer + 1)
}

fn ask(from: IpAddr, to: SocketAddr, request: &[u8]) -> Vec<u8> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::with_capacity(256);
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// The least a server can do.
fn accept_answer_close(at: SocketAddr) {
    let listener = TcpListener::bind(at).unwrap();
    println!("ready");
    let loops = [listener.try_clone().unwrap(), listener].map(|listener| {
        std::thread::spawn(move || {
            let mut request = [0; 40];
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read_exact(&mut request);
                let _ = stream.write_all(LOOP_ANSWER);
            }
        })
    });
    loops.into_iter().for_each(|thread| thread.join().unwrap());
}

fn script() -> String {
    format!("{}/benches/forking_directory.py", env!("CARGO_MANIFEST_DIR"))
}

/// The same files in SQLite, by Python's own module.
fn database() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = format!(
        "import sqlite3, sys\n\
         d = sqlite3.connect(sys.argv[1])\n\
         d.execute('CREATE TABLE files (md5 TEXT PRIMARY KEY, name TEXT)')\n\
         d.execute('CREATE TABLE owners (md5 TEXT PRIMARY KEY, session TEXT)')\n\
         d.execute('CREATE TABLE peers (session TEXT PRIMARY KEY, address TEXT)')\n\
         d.executemany('INSERT INTO peers VALUES (?, ?)', (('%016d' % p, '0' * 60) for p in range({PEERS})))\n\
         d.executemany('INSERT INTO files VALUES (?, ?)', (('%032x' % n, 'some song or other, number %d.mp3' % n) for n in range({FILES})))\n\
         d.executemany('INSERT INTO owners VALUES (?, ?)', (('%032x' % n, '%016d' % (n % {PEERS})) for n in range({FILES})))\n\
         d.commit()\n"
    );
    let made = Command::new("python3").args(["-c", &program]).arg(folder.path().join("db")).status().unwrap();
    assert!(made.success());
    folder
}

/// A server in a process of its own; ended with the bench.
struct Server(Child);

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
