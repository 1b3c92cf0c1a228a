//! The holder chooses: which piece it gives to who asks for any of several, and to how many.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use boucan::wire::PieceSet;
use boucan::wire::pieces::PIECE_BYTES;
use boucan::wire::url::{content_target, wanted_target};

use crate::support::http::{Answer, read_answer, request};
use crate::support::lan::{Lan, Node};
use crate::support::scripted::pieces::list_of;
use crate::support::{PATIENCE, wait_until};
use crate::swarm::{SIZE, content, hash, piece_of};

/// A node that has read its one file.
#[track_caller]
fn holder(lan: &Lan, bytes: &[u8]) -> Node {
    let node = lan.node(2).file("film.mkv", bytes).start();
    reads(&node, bytes);
    node
}

#[track_caller]
fn reads(node: &Node, bytes: &[u8]) {
    let target = content_target(&hash(bytes));
    wait_until("it is read for its digests", || request(node.address(), "HEAD", &target, "").status == 200);
}

/// Which pieces an answer holds.
#[track_caller]
fn run_of(answer: &Answer) -> BTreeSet<u64> {
    assert_eq!(answer.status, 206, "{}", answer.text());
    let range = answer.header("content-range").unwrap().strip_prefix("bytes ").unwrap();
    let (first, last) = range.split_once('/').unwrap().0.split_once('-').unwrap();
    let (first, last): (u64, u64) = (first.parse().unwrap(), last.parse().unwrap());
    assert_eq!(answer.body.len() as u64, last + 1 - first);
    (first / PIECE_BYTES..=last / PIECE_BYTES).collect()
}

#[test]
fn each_piece_is_given_once_before_any_is_given_twice() {
    let lan = Lan::new();
    let bytes = content("choice", SIZE);
    let node = holder(&lan, &bytes);
    let (list, all) = (list_of(&bytes), PieceSet::all(13));
    for round in 1..=2 {
        let given: BTreeSet<u64> =
            (0..13).map(|_| piece_of(&node.get(&wanted_target(&list.root(), &all, 1)), &list)).collect();
        assert_eq!(given.len(), 13, "round {round}: {given:?}");
    }
    // Now none left less often than another: of two, each leaves once.
    let two = PieceSet::parse("4,12", 13).unwrap();
    let given: BTreeSet<u64> =
        (0..2).map(|_| piece_of(&node.get(&wanted_target(&list.root(), &two, 1)), &list)).collect();
    assert_eq!(given, BTreeSet::from([4, 12]));
}

#[test]
fn several_in_a_row_are_given_where_that_is_asked_for() {
    let lan = Lan::new();
    let bytes = content("runs", SIZE);
    let node = holder(&lan, &bytes);
    let all = PieceSet::all(13);
    let (mut left, mut answers) = (BTreeSet::new(), 0);
    while left.len() < 13 {
        let run = run_of(&node.get(&wanted_target(&hash(&bytes), &all, 4)));
        assert!(run.len() <= 4, "{run:?}");
        assert!(run.iter().all(|piece| left.insert(*piece)), "{run:?} and before it {left:?}");
        answers += 1;
    }
    // Four make 13 at best; where a run meets one that left already, it is shorter.
    assert!((4..=7).contains(&answers), "{answers} answers");
    let run = run_of(&node.get(&wanted_target(&hash(&bytes), &PieceSet::parse("2-3,9", 13).unwrap(), 99)));
    assert!([BTreeSet::from([2, 3]), BTreeSet::from([3]), BTreeSet::from([9])].contains(&run), "{run:?}");
}

#[test]
fn what_cannot_be_chosen_from_is_refused() {
    let lan = Lan::new();
    let bytes = content("refused", SIZE);
    let node = holder(&lan, &bytes);
    let target = content_target(&hash(&bytes));
    for (more, status, why) in [
        ("&want=0-12&most=1", 206, "all of it"),
        ("&want=12", 206, "one, without most"),
        ("&want=5&most=0", 206, "at least one"),
        ("&want=13", 400, "beyond the content"),
        ("&want=0-13", 400, "partly beyond it"),
        ("&want=18446744073709551616", 400, "beyond all numbers"),
        ("&want=3-1", 400, "backwards"),
        ("&want=5,4", 400, "out of order"),
        ("&want=4,4", 400, "twice"),
        ("&want=4-6,6", 400, "overlapping"),
        ("&want=x", 400, "no number"),
        ("&want=1,", 400, "nothing behind the comma"),
        ("&want=-1", 400, "no first"),
        ("&want=1-", 400, "no last"),
        ("&want=+1", 400, "a blank"),
        ("&want=%2B1", 400, "a sign"),
        ("&want=1&most=x", 400, "no number of pieces"),
        ("&want=1&most=-1", 400, "less than none"),
        ("&want=1&most=", 400, "no number at all"),
        ("&want=&most=1", 416, "none"),
    ] {
        let answer = node.get(&format!("{target}{more}"));
        assert_eq!(answer.status, status, "{more}: {why}\n{}", answer.head);
    }
}

/// Asks from that host; the answer is left to come.
fn ask_from(host: u8, node: &Node, target: &str) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, host], 0)).into()).unwrap();
    socket.connect(&node.address().into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", node.address()).unwrap();
    stream
}

/// The head of an answer, when it has come.
#[track_caller]
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn a_host_that_asks_for_very_much_at_once_is_told_to_wait_and_nobody_hangs() {
    let lan = Lan::new();
    let bytes = content("slots", SIZE);
    // The whole takes three quarters of a minute, the last piece no time.
    let node = lan.node(2).arg("--upload-limit").arg("64KiB").file("film.mkv", &bytes).start();
    reads(&node, &bytes);
    let (whole, last) = (content_target(&hash(&bytes)), format!("{}&want=12", content_target(&hash(&bytes))));
    let mut stuck = [8, 8].map(|host| ask_from(host, &node, &whole));
    stuck.iter_mut().for_each(|stream| assert!(head(stream).starts_with("HTTP/1.1 200 ")));
    let mut more: Vec<TcpStream> = (0..24).map(|_| ask_from(8, &node, &last)).collect();
    // Others come first, and pages do not wait at all.
    assert_eq!(read_answer(&mut ask_from(9, &node, &last)).status, 206);
    assert_eq!(node.get("/healthz").status, 200);
    let statuses: Vec<u16> = more.iter_mut().map(|stream| read_answer(stream).status).collect();
    let count = |status| statuses.iter().filter(|other| **other == status).count();
    assert_eq!(count(206) + count(503), 24, "{statuses:?}");
    assert!(count(206) >= 16 && count(503) > 0, "so many wait for a moment, others are refused: {statuses:?}");
}

#[test]
fn an_answer_that_breaks_off_counts_as_not_given() {
    let lan = Lan::new();
    let bytes = content("broken off", SIZE);
    let node = lan.node(2).arg("--upload-limit").arg("256KiB").file("film.mkv", &bytes).start();
    reads(&node, &bytes);
    let target = content_target(&hash(&bytes));
    assert_eq!(run_of(&node.get(&format!("{target}&want=12"))), BTreeSet::from([12]));
    let mut broken = ask_from(8, &node, &format!("{target}&want=0-11&most=12"));
    let from = broken.local_addr().unwrap().to_string();
    let head = head(&mut broken).to_lowercase();
    let first = head.split_once("content-range: bytes ").and_then(|(_, range)| range.split_once('-')).unwrap().0;
    let first = first.parse::<u64>().unwrap() / PIECE_BYTES;
    drop(broken);
    wait_until("the node has noticed", || {
        node.log().lines().any(|line| line.contains("a connection broke") && line.contains(&from))
    });
    // Had it counted, the last piece would have left no more often.
    for piece in (first..12).take(4) {
        let run = run_of(&node.get(&format!("{target}&want={piece},12")));
        assert_eq!(run, BTreeSet::from([piece]), "it broke off from piece {first} on");
    }
}
